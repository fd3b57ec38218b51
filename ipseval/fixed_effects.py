"""Regression of periods on assignment with an effect for each person and each period, by linearmodels."""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy import linalg

from ipseval.regression import TIED, independent_columns

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
        """X'WX of the columns less the person's weighted mean, K x K: sums over the persons of an arm."""
        w = self.n_months.astype(float)
        members = {EVERYBODY: np.ones(len(w), dtype=bool)} | dict(enumerate(self.assigned.T))
        by_arm = {}
        for arm, here in members.items():
            share = w[here] / w[here].sum(axis=1, keepdims=True)
            by_arm[arm] = np.diag(w[here].sum(axis=0)) - w[here].T @ share
        gram = np.zeros((len(self.columns),) * 2)
        for j, (arm, p) in enumerate(self.columns):
            for k, (other, q) in enumerate(self.columns):
                if arm == other or EVERYBODY in (arm, other):
                    gram[j, k] = by_arm[max(arm, other)][p, q]
        return gram


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
    the columns.
    """
    from linearmodels.panel import PanelOLS

    G, N = len(cells.mean), int(cells.n_months.sum())
    if G < 2:
        return None
    kept, is_tied = identified(cells.gram())
    columns, K = [cells.columns[j] for j in kept], len(kept)
    if N <= K:
        return None
    i, p = np.nonzero(cells.n_months)
    index = pd.MultiIndex.from_arrays([i, p])
    X = np.column_stack([(p == q) & (arm == EVERYBODY or cells.assigned[i, arm]) for arm, q in columns]).astype(float)
    y, weights = (pd.Series(values[i, p].astype(float), index) for values in (cells.mean, cells.n_months))
    model = PanelOLS(y, pd.DataFrame(X, index), weights=weights, entity_effects=True, check_rank=False)
    fitted = model.fit(cov_type="clustered", cluster_entity=True, debiased=False, group_debias=False)
    covariance = G / (G - 1) * (N - 1) / (N - K) * fitted.cov.to_numpy()
    sure = np.flatnonzero(~is_tied)
    return PersonEffects(
        tuple(columns[j] for j in sure), fitted.params.to_numpy()[sure], covariance[np.ix_(sure, sure)], G, N
    )
