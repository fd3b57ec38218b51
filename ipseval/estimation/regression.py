"""The estimation core: pooled person-month regressions without expanding the panel.

For person i let x_i be the columns constant over the person's periods and D_t the dummies of period t. Least squares
of y on [x, D] over the observed (i, t), its bread, the person scores and the clustered variances need only sums over
persons and products of persons x periods matrices ("compress once", docs/methods.md section 2; Wong, Forsell, Lewis,
Mao & Wardrop 2021, arXiv 2102.11297). A cross-section is the case of one period without dummies.

Matrices of persons x periods are read in blocks of persons, so that outcomes may come as int8 and no float copy of a
whole one is ever made.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from scipy import linalg

COLLINEAR = 1e-9  # a column is collinear when so little of its scaled sum of squares is left
BLOCK = 2048  # persons: a block of outcomes and scores stays in the processor's cache
TIED = 1e-6  # weight of a scaled column in one that was left out, above rounding


@dataclass(frozen=True)
class Sample:
    """Persons x periods, some of them observed.

    Parameters
    ----------
    X : float array, n x p
        Columns constant over a person's periods; the first is the intercept.
    D : float array, T x q
        Columns constant over persons.
    Y : array of numbers, n x T
        Outcome; zero where not observed.
    O : bool array, n x T
        Whether the outcome is observed. Every person has one observation at least.
    """

    X: np.ndarray
    D: np.ndarray
    Y: np.ndarray
    O: np.ndarray  # noqa: E741

    @cached_property
    def n_obs(self) -> int:
        """Person-periods."""
        return int(self.O.sum())

    def blocks(self) -> Iterator[slice]:
        """Persons, some at a time."""
        return (slice(start, start + BLOCK) for start in range(0, len(self.X), BLOCK))

    def gram(self) -> np.ndarray:
        """Z'Z of the expanded design Z = [X, D], K x K."""
        p, q = self.X.shape[1], self.D.shape[1]
        gram = np.zeros((p + q, p + q))
        for rows in self.blocks():
            x, weights = self.X[rows], self.O[rows].astype(float)
            gram[:p, :p] += x.T @ (x * weights.sum(1)[:, None])
            gram[:p, p:] += x.T @ (weights @ self.D)
        gram[p:, :p] = gram[:p, p:].T
        gram[p:, p:] = (self.D.T * self.O.sum(0)) @ self.D
        return gram

    def moments(self) -> np.ndarray:
        """Z'y, length K."""
        return np.concatenate([self.X.T @ self.Y.sum(1), self.D.T @ self.Y.sum(0)])

    def scores(self, b: np.ndarray) -> np.ndarray:
        """Z_i'(y_i - Z_i b) of each person, n x K."""
        p = self.X.shape[1]
        found = np.empty((len(self.X), len(b)))
        for rows in self.blocks():
            e = self.O[rows] * (self.Y[rows] - (self.X[rows] @ b[:p])[:, None] - self.D @ b[p:])
            found[rows, :p] = self.X[rows] * e.sum(1)[:, None]
            found[rows, p:] = e @ self.D
        return found

    def patterns(self, most: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Persons with the same observed periods, at most ``most`` at a time: (persons, periods)."""
        bits = np.packbits(self.O, axis=1).T
        order = np.lexsort(bits)
        is_next = (np.diff(bits[:, order]) != 0).any(axis=0)
        for persons in np.split(order, np.flatnonzero(is_next) + 1):
            periods = np.flatnonzero(self.O[persons[0]])
            for start in range(0, len(persons), most):
                yield persons[start : start + most], periods


@dataclass(frozen=True, eq=False)
class Columns:
    """The columns of a regression that are not collinear, and what follows from them alone, whatever the outcome.

    Parameters
    ----------
    given : Sample
        As they were given.
    sample : Sample
        Shifted and scaled, those of ``kept`` only.
    kept : int array, length K
        Columns of the design that are in the fit, in its order.
    is_tied : bool array, length K
        Whether a column that was left out is a combination of this one: its coefficient is not identified.
    factor : tuple
        Cholesky factor of the Gram matrix of the sample's own columns.
    L : float array, K x K
        Coefficients as given = L @ coefficients of the sample's own columns.
    """

    given: Sample
    sample: Sample
    kept: np.ndarray
    is_tied: np.ndarray
    factor: tuple[np.ndarray, bool]
    L: np.ndarray

    @cached_property
    def M(self) -> np.ndarray:
        """Inverse Gram matrix of the sample's own columns (the bread), K x K."""
        return linalg.cho_solve(self.factor, np.eye(len(self.kept)))

    def are_of(self, sample: Sample) -> bool:
        """Whether they are those of a sample: the very same X, and equal D and O."""
        own = self.given
        return own.X is sample.X and np.array_equal(own.D, sample.D) and np.array_equal(own.O, sample.O)


@dataclass(frozen=True)
class Fit:
    """A least-squares fit of the columns that are not collinear.

    Parameters
    ----------
    columns : Columns
    sample : Sample
        Theirs, with the outcome.
    b : float array, length K
        Coefficients of the columns as they were given.
    scores : float array, n x K
        Z_i'e_i of each person, in the sample's own columns.
    """

    columns: Columns
    sample: Sample
    b: np.ndarray
    scores: np.ndarray

    @property
    def kept(self) -> np.ndarray:
        """See :class:`Columns`."""
        return self.columns.kept

    @property
    def M(self) -> np.ndarray:
        """See :class:`Columns`."""
        return self.columns.M

    @property
    def L(self) -> np.ndarray:
        """See :class:`Columns`."""
        return self.columns.L

    @property
    def n_persons(self) -> int:
        """Clusters."""
        return len(self.scores)


def independent_columns(gram: np.ndarray, order: np.ndarray) -> np.ndarray:
    """Columns that are no linear combination of columns before them in ``order``; in the design's own order.

    One sweep a column over the scaled Gram matrix: what is left on the diagonal is the share of the
    column's sum of squares that the columns kept so far do not explain.
    """
    scale = np.sqrt(np.diag(gram))
    inverse = np.divide(1.0, scale, out=np.zeros_like(scale), where=scale > 0)
    scaled = gram * np.outer(inverse, inverse)
    kept = []
    for j in order:
        if scaled[j, j] > COLLINEAR:
            kept.append(j)
            scaled = scaled - np.outer(scaled[:, j], scaled[j, :]) / scaled[j, j]
    return np.sort(np.array(kept, dtype=int))


def fit(sample: Sample, order: np.ndarray | None = None, like: Fit | None = None) -> Fit:
    """Ordinary least squares on the observed person-periods.

    Columns are shifted to mean zero and scaled before the normal equations are solved and the solution is refined
    once by its own residuals, so that the result does not move with the units of a covariate.

    Parameters
    ----------
    sample : Sample
    order : int array, optional
        Order in which columns are tested for collinearity: of two that say the same the later is dropped.
    like : Fit, optional
        Another outcome's, in the same order: where it is on the same columns, what follows from them is known.

    Returns
    -------
    Fit
    """
    columns = like.columns if like and like.columns.are_of(sample) else scaled_columns(sample, order)
    scaled = replace(columns.sample, Y=sample.Y)
    b = linalg.cho_solve(columns.factor, scaled.moments())
    b = b + linalg.cho_solve(columns.factor, scaled.scores(b).sum(0))
    return Fit(columns, scaled, columns.L @ b, scaled.scores(b))


def scaled_columns(sample: Sample, order: np.ndarray | None = None) -> Columns:
    """Columns of :func:`fit`; nothing is said of the outcome."""
    p, q = sample.X.shape[1], sample.D.shape[1]
    shift = sample.O.sum(1) @ sample.X / sample.n_obs
    shift[0] = 0.0
    gram = Sample(sample.X - shift, sample.D, sample.Y, sample.O).gram()
    scale = np.sqrt(np.diag(gram) / sample.n_obs)
    gone = scale[:p] <= 1e-12 * (1 + np.abs(shift))  # constant columns are the intercept again
    gone[0] = False
    gram[:, :p][:, gone] = gram[:p][gone, :] = 0.0
    kept = independent_columns(gram, np.arange(p + q) if order is None else order)
    in_x, in_d = kept[kept < p], kept[kept >= p] - p
    X = sample.X[:, in_x] - shift[in_x]
    X /= scale[in_x]
    scaled = Sample(X, sample.D[:, in_d] / scale[p + in_d], sample.Y, sample.O)
    factor = linalg.cho_factor(gram[np.ix_(kept, kept)] / np.outer(scale[kept], scale[kept]))
    lost = np.setdiff1d(np.flatnonzero(np.diag(gram) > 0), kept)
    combination = linalg.cho_solve(factor, gram[np.ix_(kept, lost)] / np.outer(scale[kept], scale[lost]))
    L = np.diag(1 / scale[kept])
    L[0, : len(in_x)] -= shift[in_x] / scale[in_x]
    return Columns(sample, scaled, kept, (np.abs(combination) > TIED).any(axis=1), factor, L)
