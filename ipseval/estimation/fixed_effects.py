"""Regression of periods on assignment with an effect for each person and each stratum's period, from sums.

A stratum's periods are columns of its persons alone: they are taken out of the columns of assignment stratum by stratum
(Frisch, Waugh & Lovell), so that nothing is larger than periods x arms, and nothing is ever expanded to a row a person
and period.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from scipy import linalg

from ipseval.estimation.regression import COLLINEAR, TIED, independent_columns


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
    stratum : int array, length n
        What assignment was drawn within; every stratum has period effects of its own.
    """

    n_months: np.ndarray
    mean: np.ndarray
    assigned: np.ndarray
    base: int
    stratum: np.ndarray

    @property
    def is_seen_twice(self) -> np.ndarray:
        """Persons with two periods at least, bool, n: one alone says nothing of a change."""
        return (self.n_months > 0).sum(axis=1) > 1

    def of(self, persons: np.ndarray) -> "PersonPeriods":
        """Some of the persons."""
        parts = {name: getattr(self, name)[persons] for name in ("n_months", "mean", "assigned", "stratum")}
        return replace(self, **parts)

    @property
    def periods(self) -> np.ndarray:
        """All periods but the base."""
        return np.delete(np.arange(self.n_months.shape[1]), self.base)

    @property
    def columns(self) -> list[tuple[int, int]]:
        """Treatment and period of every column of assignment."""
        return [(arm, int(p)) for arm in range(self.assigned.shape[1]) for p in self.periods]

    def strata(self) -> Iterator["PersonPeriods"]:
        """The persons of each stratum."""
        order = np.argsort(self.stratum, kind="stable")
        for members in np.split(order, np.flatnonzero(np.diff(self.stratum[order])) + 1):
            yield self.of(members)

    def gram(self, members: np.ndarray) -> np.ndarray:
        """X'WX of the periods of some persons (bool) less the person's weighted mean, (P - 1) x (P - 1)."""
        w = self.n_months[members].astype(float)
        found = np.diag(w.sum(axis=0)) - w.T @ (w / w.sum(axis=1, keepdims=True))
        return found[np.ix_(self.periods, self.periods)]

    def scores(self, values: np.ndarray) -> np.ndarray:
        """Months times values (n x P), by period, n x (P - 1)."""
        return (self.n_months * values)[:, self.periods]

    def by_arm(self, values: np.ndarray) -> np.ndarray:
        """Values by period (n x (P - 1)) in the columns of each person's own arm, n x K."""
        return np.hstack([values * self.assigned[:, [arm]] for arm in range(self.assigned.shape[1])])

    def within(self, values: np.ndarray) -> np.ndarray:
        """Values (n x P) less the person's mean, weighted by months."""
        w = self.n_months
        return values - ((w * values).sum(axis=1) / w.sum(axis=1))[:, None]


@dataclass(frozen=True)
class Stratum:
    """What the columns of assignment are in a stratum once its own periods are taken out.

    Parameters
    ----------
    cells : PersonPeriods
    kept : int array
        Periods (of those but the base) that are identified in it.
    on_periods : float array, kept x K
        Coefficients of the columns of assignment on the stratum's periods.
    outcome : float array, length kept
        Those of the outcome.
    gram, diagonal, moments : float array, K x K, K, K
        Of the columns of assignment, less and with what the stratum's periods explain; their products with the outcome.
    """

    cells: PersonPeriods
    kept: np.ndarray
    on_periods: np.ndarray
    outcome: np.ndarray
    gram: np.ndarray
    diagonal: np.ndarray
    moments: np.ndarray

    @classmethod
    def of(cls, cells: PersonPeriods) -> "Stratum":
        """Take the periods out."""
        whole = cells.gram(np.ones(len(cells.mean), bool))
        crossed = [cells.gram(cells.assigned[:, arm]) for arm in range(cells.assigned.shape[1])]
        B, C = np.hstack(crossed), linalg.block_diag(*crossed)
        y = cells.scores(cells.within(cells.mean))
        own, of_arms = y.sum(axis=0), cells.by_arm(y).sum(axis=0)
        kept = independent_columns(whole, np.arange(len(whole)))
        found = linalg.solve(whole[np.ix_(kept, kept)], np.column_stack([B, own])[kept], assume_a="pos")
        on_periods, outcome = found[:, :-1], found[:, -1]
        gram = C - B[kept].T @ on_periods
        return cls(cells, kept, on_periods, outcome, gram, np.diag(C), of_arms - B[kept].T @ outcome)

    def meat(self, b: np.ndarray) -> np.ndarray:
        """Sum over persons of scores times scores, K x K, at coefficients of all columns of assignment."""
        cells, q = self.cells, len(self.cells.periods)
        fitted = np.zeros(cells.mean.shape)
        fitted[:, cells.periods[self.kept]] += self.outcome - self.on_periods @ b
        for arm in range(cells.assigned.shape[1]):
            fitted[np.ix_(cells.assigned[:, arm], cells.periods)] += b[arm * q : (arm + 1) * q]
        u = cells.scores(cells.within(cells.mean - fitted))
        score = cells.by_arm(u) - u[:, self.kept] @ self.on_periods
        return score.T @ score


@dataclass(frozen=True)
class PersonEffects:
    """Coefficients of the columns that are identified.

    Parameters
    ----------
    columns : tuple of (int, int)
        Treatment and period of each.
    b : float array, length K
    covariance : float array, K x K
        Clustered on person with the factor G/(G-1) (N-1)/(N-K): N person-months, K with the periods of the strata and
        without the effects of persons, which are nested in the clusters.
    n_persons, n_months : int
        G and N.
    """

    columns: tuple[tuple[int, int], ...]
    b: np.ndarray
    covariance: np.ndarray
    n_persons: int
    n_months: int


def identified(gram: np.ndarray, diagonal: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Columns that earlier ones do not explain, and which of these (bool) a column left out is a combination of.

    Parameters
    ----------
    gram : float array, K x K
        Of the columns less what the periods of the strata explain.
    diagonal : float array, length K
        Sums of squares before that: what is left of a column is a share of them.
    """
    left = np.diag(gram) > COLLINEAR * diagonal
    kept = independent_columns(np.where(left[:, None] & left, gram, 0.0), np.arange(len(gram)))
    lost = np.setdiff1d(np.flatnonzero(diagonal > 0), kept)
    combination = linalg.solve(gram[np.ix_(kept, kept)], gram[np.ix_(kept, lost)], assume_a="pos")
    return kept, (np.abs(combination) > TIED).any(axis=1)


def fit(cells: PersonPeriods) -> PersonEffects | None:
    """Weighted least squares of the periods' means on stratum x period and assigned x period, an effect a person.

    The columns are constant within a person's period, so that means weighted by months give the coefficients and the
    scores of the regression on person-months. A treatment's period is then a mean over strata of the differences in
    them, weighted as dummies weigh: by n_1 n_0 / n where everybody is observed. None when there are fewer than two
    persons, or no person-months beyond the columns. linearmodels' PanelOLS gives the same (tests, and ``verify`` on at
    most ``verify.max_persons``).
    """
    G, N = len(cells.mean), int(cells.n_months.sum())
    if G < 2:
        return None
    parts = [Stratum.of(part) for part in cells.strata()]
    gram, diagonal, moments = (
        np.sum([getattr(part, name) for part in parts], axis=0) for name in ("gram", "diagonal", "moments")
    )
    kept, is_tied = identified(gram, diagonal)
    K = len(kept) + sum(len(part.kept) for part in parts)
    if N <= K:
        return None
    bread = linalg.inv(gram[np.ix_(kept, kept)])
    b = np.zeros(len(cells.columns))
    b[kept] = bread @ moments[kept]
    meat = np.sum([part.meat(b) for part in parts], axis=0)
    covariance = G / (G - 1) * (N - 1) / (N - K) * bread @ meat[np.ix_(kept, kept)] @ bread
    sure = np.flatnonzero(~is_tied)
    columns = tuple(cells.columns[kept[j]] for j in sure)
    return PersonEffects(columns, b[kept][sure], covariance[np.ix_(sure, sure)], G, N)
