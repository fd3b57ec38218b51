"""Differences of mean probabilities by a logit (g-computation).

For each treatment arm the fitted probability of every person-month is averaged with everybody in that arm and with
everybody in the reference arm. With the canonical link and assignment at random the difference is consistent even when
the logit is not the truth (Freedman 2008, Statist Sci 23:237; FDA 2023, Adjusting for Covariates).
"""

import warnings
from dataclasses import dataclass

import numpy as np

from ipseval.estimation.regression import Sample

SEPARATED = 1e-8  # a fitted probability this near to 0 or 1 lies at infinity


@dataclass(frozen=True)
class Marginal:
    """Risk differences (length q), their covariance (q x q), and why there are none."""

    estimate: np.ndarray
    covariance: np.ndarray
    failure: str = ""


def risk_differences(sample: Sample, kept: np.ndarray, moved: list[int]) -> Marginal:
    """Fit a logit by maximum likelihood and average what it predicts over the observed person-months.

    Errors by the delta method from the clustered covariance of the coefficients with the factor
    G/(G-1) (N-1)/(N-K), given the covariates. Months of a person with the same dummies are one binomial row, so that
    without dummies there is a row a person.

    Parameters
    ----------
    sample : Sample
        n persons.
    kept : int array, length K
        Columns of [X, D] that are in the regression.
    moved : list of int, length q
        Positions among them of the arms' columns.

    Returns
    -------
    Marginal
        Without numbers and with the reason ``separated`` when the likelihood has no maximum.
    """
    from statsmodels.genmod.families import Binomial
    from statsmodels.genmod.generalized_linear_model import GLM
    from statsmodels.tools.sm_exceptions import ConvergenceWarning, PerfectSeparationWarning

    G, N, K = len(sample.X), sample.n_obs, len(kept)
    none = Marginal(np.full(len(moved), np.nan), np.full((len(moved), len(moved)), np.nan), "separated")
    if not moved or G < 2 or N <= K:
        return none
    person, Z, successes, trials = binomial_rows(sample, kept)
    with warnings.catch_warnings():
        warnings.simplefilter("error", PerfectSeparationWarning)
        warnings.simplefilter("error", ConvergenceWarning)
        warnings.simplefilter("ignore", RuntimeWarning)
        try:
            fitted = GLM(np.column_stack([successes, trials - successes]), Z, family=Binomial()).fit(tol=1e-12)
        except (PerfectSeparationWarning, ConvergenceWarning, np.linalg.LinAlgError):
            return none
    mu, b = fitted.fittedvalues, fitted.params
    if not fitted.converged or (np.minimum(mu, 1 - mu) < SEPARATED).any():
        return none
    bread = np.linalg.inv((Z.T * (trials * mu * (1 - mu))) @ Z)
    scores = np.zeros((G, K))
    np.add.at(scores, person, Z * (successes - trials * mu)[:, None])
    V = G / (G - 1) * (N - 1) / (N - K) * bread @ (scores.T @ scores) @ bread
    share = trials / trials.sum()
    reference = _predicted(Z, b, moved, None, share)
    found = [_predicted(Z, b, moved, j, share) for j in moved]
    J = np.array([gradient - reference[1] for _, gradient in found])
    return Marginal(np.array([mean - reference[0] for mean, _ in found]), J @ V @ J.T)


def binomial_rows(sample: Sample, kept: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Person, columns, successes and trials of each person and distinct row of dummies observed; sorted by person."""
    p = sample.X.shape[1]
    in_x, in_d = kept[kept < p], kept[kept >= p] - p
    levels, level = np.unique(sample.D[:, in_d], axis=0, return_inverse=True)
    sums = np.eye(len(levels))[level.ravel()]
    trials, successes = sample.O @ sums, sample.Y @ sums
    person, at = np.nonzero(trials)
    Z = np.hstack([sample.X[np.ix_(person, in_x)], levels[at]])
    return person, Z, successes[person, at].astype(float), trials[person, at]


def _predicted(
    Z: np.ndarray, b: np.ndarray, moved: list[int], arm: int | None, share: np.ndarray
) -> tuple[float, np.ndarray]:
    """Mean probability with everybody in one arm (None: the reference), and its gradient in b."""
    Z = Z.copy()
    Z[:, moved] = 0.0
    if arm is not None:
        Z[:, arm] = 1.0
    mu = 1 / (1 + np.exp(-Z @ b))
    return float(share @ mu), (share * mu * (1 - mu)) @ Z
