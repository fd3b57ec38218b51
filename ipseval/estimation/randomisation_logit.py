"""Differences of mean probabilities by a logit (``ipseval.estimation.marginal``) under every draw of the assignment.

The columns that stay are the same in every draw, so that Newton's steps of many draws are matrix products: the weights
of all draws times the products of the fixed columns. Nothing is fitted draw by draw.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ipseval.estimation.assignments import Assignments
from ipseval.estimation.marginal import SEPARATED, binomial_rows
from ipseval.estimation.randomisation import BLOCK, SMALL, Draws, Moved, chunks, times
from ipseval.estimation.regression import Fit

STEPS = 30
CONVERGED = 1e-8  # largest step of a coefficient of scaled columns: the next would be about its square


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
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        nobody = Moved(moved.arms[:0], moved.weights[:0])
        begin = np.nan_to_num(rows.maximum(nobody, drawn[:1], np.zeros(Z.shape[1]))[0])  # without an effect
        begin = np.append(begin, np.zeros(len(moved.arms)))
        for chunk in chunks(len(drawn), min(len(Z), BLOCK), SMALL):
            estimate, variance = rows.risk_differences(moved, drawn[chunk], begin)
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

    @cached_property
    def products(self) -> np.ndarray:
        """Products of every two fixed columns, rows x K (K + 1) / 2."""
        one, other = np.triu_indices(self.Z.shape[1])
        return self.Z[:, one] * self.Z[:, other]

    def blocks(self, moved: Moved, drawn: np.ndarray) -> Iterator[tuple[slice, np.ndarray]]:
        """Rows of some persons at a time, which stay in the processor's cache, and their assigned columns."""
        ends = [*self.first[::BLOCK], len(self.Z)]
        for rows in map(slice, ends[:-1], ends[1:]):
            yield rows, moved.columns(drawn, self.person[rows])

    def risk_differences(self, moved: Moved, drawn: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Differences of mean probabilities and their variances without a factor; both draws x q.

        ``b``: coefficients from which to begin, length K + q.
        """
        b = self.maximum(moved, drawn, b)
        (B, L), K, q = b.shape, self.Z.shape[1], len(moved.arms)
        gram, meat, J, estimate = np.zeros((B, L, L)), np.zeros((B, L, L)), np.zeros((B, q, L)), np.zeros((B, q))
        is_extreme = np.zeros(B, bool)
        for rows, A in self.blocks(moved, drawn):
            Z, share = self.Z[rows], self.trials[rows] / self.trials.sum()
            mu = _mean(b, A, Z)
            residual = self.successes[rows] - self.trials[rows] * mu
            gram += self._gram(self.trials[rows] * mu * (1 - mu), A, rows)
            first = np.flatnonzero(np.diff(self.person[rows], prepend=-1))
            scores = np.concatenate([residual[:, None, :] * Z.T, residual[:, None, :] * A], axis=1)
            scores = scores if len(first) == len(Z) else np.add.reduceat(scores, first, axis=2)
            meat += scores @ scores.transpose(0, 2, 1)
            base = b[:, :K] @ Z.T
            reference = _logistic(base)
            for j in range(q):
                own = _logistic(base + b[:, [K + j]])
                J[:, j, :K] += (share * (own * (1 - own) - reference * (1 - reference))) @ Z
                J[:, j, K + j] += (own * (1 - own)) @ share
                estimate[:, j] += (own - reference) @ share
            is_extreme |= (np.minimum(mu, 1 - mu) < SEPARATED).any(axis=1)
        bread = _inverse(gram)
        variance = np.einsum("bjk,bkl,bjl->bj", J, bread @ meat @ bread, J, optimize=True)
        failed = ~np.isfinite(b).all(axis=1) | is_extreme
        estimate[failed] = variance[failed] = np.nan
        return estimate, variance

    def maximum(self, moved: Moved, drawn: np.ndarray, b: np.ndarray) -> np.ndarray:
        """Coefficients of the largest likelihood, draws x (K + q), by Newton's steps; missing without convergence."""
        b = np.tile(b, (len(drawn), 1))
        for _ in range(STEPS):
            gram, slope = np.zeros((*b.shape, b.shape[1])), np.zeros(b.shape)
            for rows, A in self.blocks(moved, drawn):
                mu = _mean(b, A, self.Z[rows])
                residual = self.successes[rows] - self.trials[rows] * mu
                slope += np.concatenate([residual @ self.Z[rows], np.einsum("bqr,br->bq", A, residual)], axis=1)
                gram += self._gram(self.trials[rows] * mu * (1 - mu), A, rows)
            step = (_inverse(gram) @ slope[:, :, None])[:, :, 0]
            b = b + step
            is_done = np.abs(step).max(axis=1) < CONVERGED
            if (is_done | ~np.isfinite(b).all(axis=1)).all():
                break
        return np.where(is_done[:, None], b, np.nan)

    def _gram(self, w: np.ndarray, A: np.ndarray, rows: slice) -> np.ndarray:
        """Z'WZ of each draw over some rows, [fixed, moved] columns."""
        K, q = self.Z.shape[1], A.shape[1]
        gram, (one, other) = np.empty((len(w), K + q, K + q)), np.triu_indices(K)
        gram[:, one, other] = gram[:, other, one] = w @ self.products[rows]
        weighted = w[:, None, :] * A
        gram[:, K:, :K] = times(weighted, self.Z[rows])
        gram[:, :K, K:] = gram[:, K:, :K].transpose(0, 2, 1)
        gram[:, K:, K:] = weighted @ A.transpose(0, 2, 1)
        return gram


def _logistic(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def _mean(b: np.ndarray, A: np.ndarray, Z: np.ndarray) -> np.ndarray:
    K = Z.shape[1]
    return _logistic(b[:, :K] @ Z.T + np.einsum("bq,bqr->br", b[:, K:], A))


def _inverse(gram: np.ndarray) -> np.ndarray:
    """Inverse Gram matrices, missing where one is singular (numpy would stop at the first)."""
    try:
        return np.linalg.inv(gram)
    except np.linalg.LinAlgError:
        is_singular = np.linalg.matrix_rank(np.nan_to_num(gram), hermitian=True) < gram.shape[1]
        return np.linalg.inv(np.where(is_singular[:, None, None], np.nan, gram))
