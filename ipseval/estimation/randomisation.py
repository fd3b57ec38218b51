"""Randomisation inference: assignment is re-drawn as it was done, and every effect is studentised in every draw.

Nothing is refitted. By Frisch, Waugh and Lovell the outcome is residualised on the columns that stay (covariates,
centres, time) once; only the assigned columns move, and their residuals, estimates and clustered errors are matrix
products over many draws at a time. Studentised statistics: Young 2019 (QJE 134:557), section 3.
"""

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from ipseval.estimation.assignments import Assignments
from ipseval.estimation.regression import COLLINEAR, Fit, Sample

CHUNK = 200_000  # numbers in a matrix of draws x persons that is worked on at a time: it stays in the cache
SMALL = 40_000  # the same where many passes are made over it: a core's own cache
BLOCK = 2048  # persons of a regression over periods that are worked on at a time
FREQUENT = 256  # persons with the same observed periods who are worked on by themselves
LEAST = 32  # draws at a time: below, matrix products lose more than the cache gains
PERFECT = 1e-13  # a variance below this share of its largest term is rounding: the fit is perfect
NO_ERROR = 1e-10  # a standard error of a share below this is zero but for rounding


def chunks(draws: int, width: int, numbers: int = CHUNK) -> Iterator[slice]:
    """Draws, so many at a time that a matrix of draws x ``width`` has about so many ``numbers``."""
    size = max(LEAST, numbers // max(1, width))
    return (slice(start, min(start + size, draws)) for start in range(0, draws, size))


@dataclass(frozen=True)
class Moved:
    """The assigned columns of a regression, for any assignment of its n persons.

    Parameters
    ----------
    arms : int array, length q
        Column j is, for persons of ``arms[j]``, ...
    weights : float array, q x n
        ... their weight (1 in the effect's centre, a moderator's value), and 0 for others.
    """

    arms: np.ndarray
    weights: np.ndarray

    def columns(self, drawn: np.ndarray, persons: slice | np.ndarray = slice(None)) -> np.ndarray:
        """Columns of each draw for some persons; draws x n to float draws x q x persons."""
        return (drawn[:, None, persons] == self.arms[:, None]) * self.weights[:, persons]

    def combined(self, drawn: np.ndarray, persons: slice) -> Callable[[np.ndarray], np.ndarray]:
        """What gives sums of the columns, draws x persons, each column times a factor of the draw, draws x q."""
        drawn, weights = drawn[:, persons], self.weights[:, persons]
        groups = [((drawn == arm).astype(float), self.arms == arm) for arm in np.unique(self.arms)]
        return lambda factors: sum((factors[:, own] @ weights[own]) * is_in for is_in, own in groups)


@dataclass(frozen=True)
class Draws:
    """Estimates and CR1 standard errors by draw; draws x q x outcomes. Missing where a draw identifies no effect."""

    estimate: np.ndarray
    std_error: np.ndarray

    @property
    def statistic(self) -> np.ndarray:
        """Estimate / standard error.

        A draw without error, or in which the effect is not identified, is at least as extreme as anything: its
        statistic is infinite, which can only make p larger. It is zero where estimate and error both are.
        """
        is_fine = self.std_error > 0
        t = np.where(np.abs(self.estimate) <= NO_ERROR, 0.0, np.inf)
        np.divide(self.estimate, self.std_error, out=t, where=is_fine)
        return t


def of_months(fixed: Fit, Y: np.ndarray, assigned: Moved, drawn: Assignments, factor: float) -> Draws:
    """Cross-sections of the same persons, all outcomes (months) at once.

    With a the assigned column and y the outcome, both residualised on the fixed columns, w = a (a'a)^-1:
    b = w'y and V = factor * sum_i w_i^2 (y_i - a_i b)^2 = factor * (w^2'y^2 - 2 b w^2 a'y + b^2 w^2 a'a). In a
    cross-section CR1 is HC1.

    Parameters
    ----------
    fixed : Fit
        Of the columns that stay: its columns and its bread are used.
    Y : array, n x m
        Outcomes, all observed.
    assigned : Moved
    drawn : Assignments
    factor : float
        Small-sample factor of the variance.

    Returns
    -------
    Draws
        draws x q x m.
    """
    X, M = fixed.sample.X, fixed.M
    y = Y.astype(float)
    for _ in range(2):  # the second round takes away what rounding left
        y = y - X @ (M @ (X.T @ y))
    squared = y**2
    shape = (len(drawn), len(assigned.arms), y.shape[1])
    found = Draws(np.empty(shape), np.empty(shape))
    for rows in chunks(len(drawn), assigned.weights.size):
        A = assigned.columns(drawn[rows])
        raw = np.einsum("bqn,bqn->bq", A, A)
        A -= times(times(times(A, X), M), X.T)
        W = _inverse(A @ A.transpose(0, 2, 1), raw) @ A
        b = times(W, y)
        found.estimate[rows] = b
        for j in range(shape[1]):
            found.std_error[rows, j] = _error(*_spread_of_months(W[:, j] ** 2, A, b, y, squared), factor)
    return found


def _spread_of_months(
    w2: np.ndarray, A: np.ndarray, b: np.ndarray, y: np.ndarray, squared: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Sum of w^2 (y - A'b)^2 over persons, draws x m, and its largest term."""
    largest = w2 @ squared
    total = largest.copy()
    for j in range(A.shape[1]):
        wa = w2 * A[:, j]
        total -= 2 * b[:, j] * (wa @ y)
        for k in range(A.shape[1]):
            total += b[:, j] * b[:, k] * np.einsum("bn,bn->b", wa, A[:, k])[:, None]
    return total, largest


def of_periods(fixed: Fit, assigned: Moved, drawn: Assignments, factor: float) -> Draws:
    """A regression pooled over periods, from sums over each person's periods ("compress once").

    Residualised on the fixed columns f_it = [x_i, d_t] the assigned column is a_i - f_it'c with c = M sum_i a_i F_i,
    F_i the sums of f_it over the person's periods. The residual of a draw is e_it = y_it - r_i + d_t'g, with
    [g_x, g] = c b and r_i = a_i b - x_i'g_x, and the person's score is
    (a_i - x_i'c_x) sum_t e_it - c_d' sum_t d_t e_it. Sums of products of two dummies are needed only once for
    persons with the same observed periods.

    Parameters
    ----------
    fixed : Fit
        Of the outcome on the columns that stay.
    assigned, drawn, factor
        See :func:`of_months`.

    Returns
    -------
    Draws
        draws x q x 1.
    """
    q, n = assigned.weights.shape
    found = Draws(np.empty((len(drawn), q, 1)), np.empty((len(drawn), q, 1)))
    order, sums = _Sums.of(fixed, assigned)
    drawn = drawn.of(order)
    for rows in chunks(len(drawn), min(n, BLOCK), SMALL):
        b, spread = sums.estimate_and_spread(drawn[rows])
        found.estimate[rows, :, 0] = b
        found.std_error[rows, :, 0] = _error(spread, np.zeros(1), factor)
    return found


@dataclass(frozen=True)
class _Sums:
    """Sums over the periods of each person, and what they give of an assignment.

    Parameters
    ----------
    X, D : float array, n x p, T x d
        Columns that stay, and dummies of periods.
    M : float array, K x K
        Bread of both.
    assigned : Moved
    n, Sy : float array, length n
        Observed periods and the sum of the residuals.
    Dy : float array, n x d
        Sums of the dummies times residuals.
    O, D1 : float array, patterns x T, patterns x d
        The different sets of observed periods and the sums of the dummies over each.
    blocks : tuple of (slice, int array)
        Persons, some at a time, and the pattern of each; one for all where they share it.
    columns : tuple of _Column
        The assigned ones.
    """

    X: np.ndarray
    D: np.ndarray
    M: np.ndarray
    assigned: Moved
    n: np.ndarray
    Sy: np.ndarray
    Dy: np.ndarray
    O: np.ndarray  # noqa: E741
    D1: np.ndarray
    blocks: tuple[tuple[slice, np.ndarray], ...]
    columns: tuple["_Column", ...]

    @classmethod
    def of(cls, fixed: Fit, assigned: Moved) -> tuple[np.ndarray, "_Sums"]:
        """Of the outcome's residuals: the order in which persons are taken, and their sums."""
        order, sample, p = np.concatenate(list(_alike(fixed.sample))), fixed.sample, fixed.sample.X.shape[1]
        X, observed, scores = sample.X[order], sample.O[order], fixed.scores[order]
        is_next = np.append(True, (observed[1:] != observed[:-1]).any(axis=1))
        pattern, O = np.cumsum(is_next) - 1, observed[is_next].astype(float)  # noqa: E741
        n, dummies, residuals = observed.sum(1).astype(float), O @ sample.D, scores[:, 0]
        own = np.column_stack([X * n[:, None], dummies[pattern], residuals])
        moved = replace(assigned, weights=assigned.weights[:, order])
        columns = tuple(_Column.of(moved, j, own, n) for j in range(len(moved.arms)))
        blocks = tuple(_blocks(pattern))
        return order, cls(X, sample.D, fixed.M, moved, n, residuals, scores[:, p:], O, dummies, blocks, columns)

    def estimate_and_spread(self, drawn: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Estimates and sums of squared influence of the assigned columns; both draws x q."""
        S, gram, moments = self._products(drawn)
        C = times(S, self.M)
        inverse = _inverse(gram - C @ S.transpose(0, 2, 1), np.diagonal(gram, axis1=1, axis2=2))
        b = (inverse @ moments[:, :, None])[:, :, 0]
        spread = np.zeros(b.shape)
        for persons, pattern in self.blocks:
            for j, influence in enumerate(self._influence(drawn, persons, pattern, b, C, inverse)):
                spread[:, j] += np.einsum("bn,bn->b", influence, influence)
        return b, spread

    def _products(self, drawn: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Of the assigned columns with the fixed ones, with themselves and with the outcome's residuals."""
        q, K = len(self.columns), len(self.M)
        S, gram, moments = np.empty((len(drawn), q, K)), np.zeros((len(drawn), q, q)), np.empty((len(drawn), q))
        for j, column in enumerate(self.columns):
            found = (drawn[:, column.persons] == self.assigned.arms[j]).astype(float) @ column.sums
            S[:, j], moments[:, j] = found[:, :K], found[:, K]
            gram[:, j, column.later] = gram[:, column.later, j] = found[:, K + 1 :]
        return S, gram, moments

    def _influence(
        self,
        drawn: np.ndarray,
        persons: slice,
        pattern: np.ndarray,
        b: np.ndarray,
        C: np.ndarray,
        inverse: np.ndarray,
    ) -> Iterator[np.ndarray]:
        """Influence of some persons on the estimate of each assigned column, draws x persons."""
        assigned = self.assigned.combined(drawn, persons)
        X, D = self.X[persons], self.D
        p, g = X.shape[1], np.einsum("bq,bqk->bk", b, C)
        r = assigned(b) - g[:, :p] @ X.T
        total = self.Sy[persons] - self.n[persons] * r + (g[:, p:] @ self.D1.T)[:, pattern]
        of_period = g[:, p:] @ D.T
        for j in range(b.shape[1]):
            own = np.einsum("bq,bqk->bk", inverse[:, j], C)
            influence = assigned(inverse[:, j])
            influence -= own[:, :p] @ X.T
            influence *= total
            if D.shape[1]:
                influence += (own[:, p:] @ self.D1.T)[:, pattern] * r
                influence -= own[:, p:] @ self.Dy[persons].T
                influence -= (((own[:, p:] @ D.T) * of_period) @ self.O.T)[:, pattern]
            yield influence


def _alike(sample: Sample) -> list[np.ndarray]:
    """Persons with the same observed periods, the most frequent first."""
    return sorted((persons for persons, _ in sample.patterns(len(sample.X))), key=len, reverse=True)


def _blocks(pattern: np.ndarray) -> Iterator[tuple[slice, np.ndarray]]:
    """Persons in order of pattern, some at a time: those of a frequent pattern by themselves."""
    starts = np.flatnonzero(np.diff(pattern, prepend=-1))
    is_frequent = np.diff(np.append(starts, len(pattern))) >= FREQUENT
    edges = [*starts[is_frequent], *starts[~is_frequent][:1], len(pattern)]
    for first, end in itertools.pairwise(edges):
        for start in range(first, end, BLOCK):
            persons = slice(start, min(start + BLOCK, end))
            own = pattern[persons]
            yield persons, own[:1] if own[0] == own[-1] else own


@dataclass(frozen=True)
class _Column:
    """An assigned column: what its products with others are in a draw are sums over who is in its arm.

    Parameters
    ----------
    persons : int array, length m
        In whom it is not zero when they are in its arm.
    later : int array
        Itself and the later columns of its arm that are not zero in some of them.
    sums : float array, m x (K + 1 + later)
        Over each person's periods: of its products with the fixed columns, with the residuals and with ``later``.
    """

    persons: np.ndarray
    later: np.ndarray
    sums: np.ndarray

    @classmethod
    def of(cls, assigned: Moved, j: int, own: np.ndarray, n: np.ndarray) -> "_Column":
        """Column j; ``own``: each person's sums of the fixed columns and of the residuals, n x (K + 1)."""
        w = assigned.weights
        touches = ((w != 0) @ (w[j] != 0) > 0) & (assigned.arms == assigned.arms[j])
        persons, later = np.flatnonzero(w[j]), j + np.flatnonzero(touches[j:])
        products = np.column_stack([own[persons], n[persons, None] * w[later][:, persons].T])
        return cls(persons, later, w[j, persons, None] * products)


def times(A: np.ndarray, B: np.ndarray) -> np.ndarray:
    """A @ B of draws x q x n and n x m as one product: numpy would go through B once a draw."""
    return (A.reshape(-1, A.shape[2]) @ B).reshape(*A.shape[:2], B.shape[1])


def _inverse(gram: np.ndarray, raw: np.ndarray) -> np.ndarray:
    """Inverse Gram matrices of residualised columns, draws x q x q; missing where they are collinear.

    ``raw``: sums of squares of the columns before, draws x q.
    """
    scale = np.where(raw > 0, 1 / np.sqrt(np.maximum(raw, 1e-300)), 0.0)
    outer = scale[:, :, None] * scale[:, None, :]
    scaled = gram * outer
    lowest = scaled[:, 0, 0] if gram.shape[1] == 1 else np.linalg.eigvalsh(scaled)[:, 0]
    is_bad = lowest <= COLLINEAR
    scaled[is_bad] = np.eye(gram.shape[1])
    inverse = np.linalg.inv(scaled) * outer
    inverse[is_bad] = np.nan
    return inverse


def _error(spread: np.ndarray, largest: np.ndarray, factor: float) -> np.ndarray:
    """Standard errors; zero where the spread is rounding."""
    error = np.sqrt(factor * np.maximum(spread, 0))
    return np.where((spread <= PERFECT * largest) | (error <= NO_ERROR), 0.0, error)
