"""Estimator ``risk_ratio``: the ratio of the arms' probabilities by a log-binomial regression.

The probability of the outcome is the exponential of a linear predictor, so that a coefficient of assignment is the
logarithm of a ratio of probabilities that holds whatever the other covariates are (Wacholder 1986, Am J Epidemiol
123:174). A predictor must lie below zero, where a probability is below one: the likelihood is concave there, but its
maximum may lie on the edge (Williamson, Eliasziw & Fick 2013, Emerg Themes Epidemiol 10:14), and then there is none.
"""

import numpy as np

from ipseval.config import Cohort
from ipseval.estimation.analyses import Regression
from ipseval.estimation.design import ASSIGNED, Design
from ipseval.estimation.estimator import LOG_RATIO, Estimator, Fitted, least_squares, places, tied
from ipseval.estimation.marginal import binomial_rows
from ipseval.estimation.regression import Sample
from ipseval.estimation.variance import Variance, same_df
from ipseval.language import phrase

STEPS, HALVINGS = 100, 60
CONVERGED = 1e-10  # largest change of a linear predictor
EDGE = 1e-8  # a probability this near to 0 or 1 lies on the edge, where the likelihood has no maximum


def risk_ratio(cohort: Cohort, this: Regression, design: Design, like: Fitted | None = None) -> Fitted:
    """Logarithms of risk ratios by maximum likelihood; variance ``cr1`` only.

    The sandwich of scores summed over persons has the factor G/(G-1) (N-1)/(N-K) of ``cr1``, and t has G - 1 degrees
    of freedom.
    """
    found, terms = least_squares(design, this.time, like)
    sample = Sample(design.X, this.time.D, this.time.Y, this.time.O)
    person, Z, successes, trials = binomial_rows(sample, found.kept)
    G, N, K = found.n_persons, sample.n_obs, len(found.kept)
    moved = [j for j, term in enumerate(terms) if term.startswith(ASSIGNED)]
    own, labels = tuple(terms[j] for j in moved), (tied(found, terms), places(found, terms))
    b = maximum(Z, successes, trials) if moved and G > 1 and N > K else None
    if b is None:
        unknown = Variance(np.full((len(moved), len(moved)), np.nan), same_df(G - 1.0))
        failed = np.full(len(moved), np.nan)
        return Fitted(found, own, failed, {"cr1": unknown}, labels[0], "no_maximum", labels[1])
    mu = np.exp(Z @ b)
    bread = np.linalg.inv((Z.T * (trials * mu / (1 - mu))) @ Z)
    scores = np.zeros((G, K))
    np.add.at(scores, person, Z * ((successes - trials * mu) / (1 - mu))[:, None])
    V = G / (G - 1) * (N - 1) / (N - K) * bread @ (scores.T @ scores) @ bread
    variances = {"cr1": Variance(V[np.ix_(moved, moved)], same_df(G - 1.0))}
    return Fitted(found, own, b[moved], variances, labels[0], "", labels[1])


def maximum(Z: np.ndarray, successes: np.ndarray, trials: np.ndarray) -> np.ndarray | None:
    """Coefficients at the maximum of the likelihood; None where it lies on the edge of what probabilities can be.

    Newton's steps, each halved until every probability stays below one and the likelihood does not fall.

    Parameters
    ----------
    Z : float array, n x K
        Columns, among whose sums is the constant.
    successes, trials : float arrays, length n
    """
    share = successes.sum() / trials.sum()
    if not 0 < share < 1:
        return None
    b = np.linalg.lstsq(Z, np.full(len(Z), np.log(share)), rcond=None)[0]
    likelihood = _likelihood(Z @ b, successes, trials)
    for _ in range(STEPS):
        mu = np.exp(Z @ b)
        weight = trials * mu / (1 - mu)  # expected information: positive wherever probabilities are
        try:
            step = np.linalg.solve((Z.T * weight) @ Z, Z.T @ ((successes - trials * mu) / (1 - mu)))
        except np.linalg.LinAlgError:
            return None
        for halving in range(HALVINGS):
            changed = b + step / 2**halving
            higher = _likelihood(Z @ changed, successes, trials)
            if higher >= likelihood:
                break
        else:
            changed, higher = b, likelihood
        moved, b, likelihood = np.abs(Z @ (changed - b)).max(), changed, higher
        if moved < CONVERGED:
            break
    mu = np.exp(Z @ b)
    is_inside = (np.minimum(mu, 1 - mu) > EDGE).all()
    gradient = np.abs(Z.T @ ((successes - trials * mu) / (1 - mu))).max() if is_inside else np.inf
    return b if gradient < FLAT * trials.sum() else None


FLAT = 1e-7  # of the score a trial, at a maximum


def _likelihood(predictor: np.ndarray, successes: np.ndarray, trials: np.ndarray) -> float:
    """Logarithm of the likelihood; minus infinity where a probability is one or more."""
    if predictor.max() >= 0:
        return -np.inf
    return float(successes @ predictor + (trials - successes) @ np.log1p(-np.exp(predictor)))


RISK_RATIO = Estimator(
    "risk_ratio",
    risk_ratio,
    phrase("Risk ratio"),
    phrase(
        "Log-binomial regression: the probability of the outcome in one arm as a multiple of that in the other, the "
        "covariates held."
    ),
    "Wacholder 1986, Am J Epidemiol 123:174",
    measure=LOG_RATIO,
    variances=("cr1",),
)
