"""Differences of mean probabilities by a logit (``ipseval.marginal``) under every draw of the assignment.

The columns that stay are the same in every draw, so that Newton's steps of many draws are matrix products: the weights
of all draws times the products of the fixed columns. Nothing is fitted draw by draw.
"""

from dataclasses import dataclass

import numpy as np

from ipseval.assignments import Assignments
from ipseval.marginal import SEPARATED, binomial_rows
from ipseval.randomisation import Draws, Moved, chunks
from ipseval.regression import Fit

STEPS = 30
CONVERGED = 1e-11  # largest step of a coefficient of scaled columns


def of_logit(fixed: Fit, moved: Moved, drawn: Assignments, factor: float) -> Draws:
    """Estimates and CR1 errors (delta method) of each arm by draw.

    Parameters
    ----------
    fixed : Fit
        Of the columns that stay: its sample's shifted and scaled columns are used.
    moved : Moved
        One column an arm, with weight 1.
    drawn : Assignments
    factor : float
        Small-sample factor of the variance.

    Returns
    -------
    Draws
        draws x q x 1; missing where the likelihood of a draw has no maximum.
    """
    sample = fixed.sample
    person, Z, successes, trials = binomial_rows(sample, np.arange(sample.X.shape[1] + sample.D.shape[1]))
    rows = _Rows(person, np.flatnonzero(np.diff(person, prepend=-1)), Z, successes, trials)
    shape = (len(drawn), len(moved.arms), 1)
    found = Draws(np.empty(shape), np.empty(shape))
    for chunk in chunks(len(drawn), len(Z)):
        A = moved.columns(drawn[chunk])[:, :, person]
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            estimate, variance = rows.risk_differences(A)
        found.estimate[chunk, :, 0] = estimate
        found.std_error[chunk, :, 0] = np.sqrt(factor * np.maximum(variance, 0))
    return found


@dataclass(frozen=True)
class _Rows:
    """Binomial rows, sorted by person: ``first`` is where each person's rows begin. A is draws x q x rows."""

    person: np.ndarray
    first: np.ndarray
    Z: np.ndarray
    successes: np.ndarray
    trials: np.ndarray

    def risk_differences(self, A: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Differences of mean probabilities and their variances without a factor; both draws x q."""
        b = self._maximum(A)
        K, share = self.Z.shape[1], self.trials / self.trials.sum()
        mu = self._mean(b, A)
        residual = self.successes - self.trials * mu
        bread = _inverse(self._gram(self.trials * mu * (1 - mu), A))
        scores = np.concatenate([residual[:, None, :] * self.Z.T, residual[:, None, :] * A], axis=1)
        by_person = np.add.reduceat(scores, self.first, axis=2)
        V = bread @ (by_person @ by_person.transpose(0, 2, 1)) @ bread
        base = b[:, :K] @ self.Z.T
        reference = 1 / (1 + np.exp(-base))
        estimate, variance = np.empty(A.shape[:2]), np.empty(A.shape[:2])
        for j in range(A.shape[1]):
            own = 1 / (1 + np.exp(-base - b[:, [K + j]]))
            J = np.zeros(b.shape)
            J[:, :K] = (share * (own * (1 - own) - reference * (1 - reference))) @ self.Z
            J[:, K + j] = (own * (1 - own)) @ share
            estimate[:, j] = (own - reference) @ share
            variance[:, j] = np.einsum("bk,bkl,bl->b", J, V, J)
        failed = ~np.isfinite(b).all(axis=1) | (np.minimum(mu, 1 - mu) < SEPARATED).any(axis=1)
        estimate[failed] = variance[failed] = np.nan
        return estimate, variance

    def _maximum(self, A: np.ndarray) -> np.ndarray:
        """Coefficients of the largest likelihood, draws x (K + q), by Newton's steps; missing without convergence."""
        b = np.zeros((len(A), self.Z.shape[1] + A.shape[1]))
        for _ in range(STEPS):
            mu = self._mean(b, A)
            residual = self.successes - self.trials * mu
            slope = np.concatenate([residual @ self.Z, np.einsum("bqr,br->bq", A, residual)], axis=1)
            step = (_inverse(self._gram(self.trials * mu * (1 - mu), A)) @ slope[:, :, None])[:, :, 0]
            b = b + step
            is_done = np.abs(step).max(axis=1) < CONVERGED
            if (is_done | ~np.isfinite(b).all(axis=1)).all():
                break
        return np.where(is_done[:, None], b, np.nan)

    def _mean(self, b: np.ndarray, A: np.ndarray) -> np.ndarray:
        K = self.Z.shape[1]
        return 1 / (1 + np.exp(-(b[:, :K] @ self.Z.T + np.einsum("bq,bqr->br", b[:, K:], A))))

    def _gram(self, w: np.ndarray, A: np.ndarray) -> np.ndarray:
        """Z'WZ of each draw, [fixed, moved] columns."""
        K, q = self.Z.shape[1], A.shape[1]
        gram = np.empty((len(w), K + q, K + q))
        products = (self.Z[:, :, None] * self.Z[:, None, :]).reshape(len(self.Z), K * K)
        gram[:, :K, :K] = (w @ products).reshape(-1, K, K)
        weighted = w[:, None, :] * A
        gram[:, K:, :K] = weighted @ self.Z
        gram[:, :K, K:] = gram[:, K:, :K].transpose(0, 2, 1)
        gram[:, K:, K:] = weighted @ A.transpose(0, 2, 1)
        return gram


def _inverse(gram: np.ndarray) -> np.ndarray:
    """Inverse Gram matrices, missing where one is singular (numpy would stop at the first)."""
    try:
        return np.linalg.inv(gram)
    except np.linalg.LinAlgError:
        is_singular = np.linalg.matrix_rank(np.nan_to_num(gram), hermitian=True) < gram.shape[1]
        return np.linalg.inv(np.where(is_singular[:, None, None], np.nan, gram))
