"""Regression of periods on assignment with an effect for each person and each period, from sums by arm and period.

All columns are arm x period, so that after the person's mean is taken away every sum of products of columns is a sum
over the persons of an arm: nothing is ever expanded to a row a person and period.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy import linalg

from ipseval.estimation.regression import TIED, independent_columns

EVERYBODY = -1  # in the place of an arm: the column is the period's own effect


@dataclass(frozen=True)
class PersonPeriods:
    """Persons by periods.

    Parameters
    ----------
    n_months : int array, n x P
        Observed months of a period; the weight of its mean.
    mean : float array, n x P
        Mean outcome of these months; zero where there are none.
    assigned : bool array, n x T
        Assignment to each treatment.
    base : int
        Period that the others are compared with.
    """

    n_months: np.ndarray
    mean: np.ndarray
    assigned: np.ndarray
    base: int

    @property
    def is_seen_twice(self) -> np.ndarray:
        """Persons with two periods at least, bool, n: one alone says nothing of a change."""
        return (self.n_months > 0).sum(axis=1) > 1

    def of(self, persons: np.ndarray) -> "PersonPeriods":
        """Some of the persons."""
        return replace(self, n_months=self.n_months[persons], mean=self.mean[persons], assigned=self.assigned[persons])

    @property
    def columns(self) -> list[tuple[int, int]]:
        """Arm and period of every column: first the periods' own effects, then those of each treatment."""
        periods = [p for p in range(self.n_months.shape[1]) if p != self.base]
        return [(arm, p) for arm in (EVERYBODY, *range(self.assigned.shape[1])) for p in periods]

    def gram(self) -> np.ndarray:
        """X'WX of the columns less the person's weighted mean, K x K."""

        def of(here: np.ndarray) -> np.ndarray:
            w = self.n_months[here].astype(float)
            return np.diag(w.sum(axis=0)) - w.T @ (w / w.sum(axis=1, keepdims=True))

        return self._by_arm(of)

    def moments(self) -> np.ndarray:
        """X'Wy with the person's mean taken away, length K."""
        inside = self.n_months * self.within(self.mean)
        return np.array([inside[self._members(arm), p].sum() for arm, p in self.columns])

    def residuals(self, columns: Sequence[tuple[int, int]], b: np.ndarray) -> np.ndarray:
        """Outcome less the person's effect and the coefficients of some columns, n x P."""
        fitted = np.zeros(self.mean.shape)
        for (arm, p), value in zip(columns, b, strict=True):
            fitted[self._members(arm), p] += value
        return self.within(self.mean - fitted)

    def meat(self, residuals: np.ndarray) -> np.ndarray:
        """Sum over persons of scores times scores, K x K; a person's score in a column of its arm is w_ip e_ip."""
        scores = self.n_months * residuals
        return self._by_arm(lambda here: scores[here].T @ scores[here])

    def within(self, values: np.ndarray) -> np.ndarray:
        """Values (n x P) less the person's mean, weighted by months."""
        w = self.n_months
        return values - ((w * values).sum(axis=1) / w.sum(axis=1))[:, None]

    def _members(self, arm: int) -> np.ndarray:
        """Persons whose rows of an arm's columns are not zero, bool, n."""
        return np.ones(len(self.mean), dtype=bool) if arm == EVERYBODY else self.assigned[:, arm]

    def _by_arm(self, product: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
        """K x K matrix of the columns from P x P products of the persons that two columns share; else zero."""
        by_arm = {arm: product(self._members(arm)) for arm in (EVERYBODY, *range(self.assigned.shape[1]))}
        found = np.zeros((len(self.columns),) * 2)
        for j, (arm, p) in enumerate(self.columns):
            for k, (other, q) in enumerate(self.columns):
                if arm == other or EVERYBODY in (arm, other):
                    found[j, k] = by_arm[max(arm, other)][p, q]
        return found


@dataclass(frozen=True)
class PersonEffects:
    """Coefficients of the columns that are identified.

    Parameters
    ----------
    columns : tuple of (int, int)
        Arm and period of each.
    b : float array, length K
    covariance : float array, K x K
        Clustered on person with the factor G/(G-1) (N-1)/(N-K): N person-months, K without the effects of persons,
        which are nested in the clusters.
    n_persons, n_months : int
        G and N.
    """

    columns: tuple[tuple[int, int], ...]
    b: np.ndarray
    covariance: np.ndarray
    n_persons: int
    n_months: int


def identified(gram: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Columns that earlier ones do not explain, and which of these (bool) a column left out is a combination of."""
    kept = independent_columns(gram, np.arange(len(gram)))
    lost = np.setdiff1d(np.flatnonzero(np.diag(gram) > 0), kept)
    combination = linalg.solve(gram[np.ix_(kept, kept)], gram[np.ix_(kept, lost)], assume_a="pos")
    return kept, (np.abs(combination) > TIED).any(axis=1)


def fit(cells: PersonPeriods) -> PersonEffects | None:
    """Weighted least squares of the periods' means on period and assigned x period, with an effect for each person.

    The columns are constant within a person's period, so that means weighted by months give the coefficients and the
    scores of the regression on person-months. None when there are fewer than two persons, or no person-months beyond
    the columns. linearmodels' PanelOLS gives the same (tests, and ``verify`` on at most ``verify.max_persons``).
    """
    G, N = len(cells.mean), int(cells.n_months.sum())
    if G < 2:
        return None
    gram = cells.gram()
    kept, is_tied = identified(gram)
    columns, K = [cells.columns[j] for j in kept], len(kept)
    if N <= K:
        return None
    bread = linalg.inv(gram[np.ix_(kept, kept)])
    b = bread @ cells.moments()[kept]
    meat = cells.meat(cells.residuals(columns, b))[np.ix_(kept, kept)]
    covariance = G / (G - 1) * (N - 1) / (N - K) * bread @ meat @ bread
    sure = np.flatnonzero(~is_tied)
    return PersonEffects(tuple(columns[j] for j in sure), b[sure], covariance[np.ix_(sure, sure)], G, N)
