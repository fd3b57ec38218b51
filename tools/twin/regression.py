"""Least squares with a variance clustered on person: the twin's own estimator.

Everything works on the balanced panel of persons times months 0..43; the design is laid out
person by person, month by month.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tools.twin.published import MONTHS, N_CENTRES

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Roster:
    """Analysed persons, one element a person.

    ``first_month`` counts calendar months: 12 * year + month - 1 of randomisation. ``native`` is
    NaN where the country of birth is unknown.
    """

    centre: Ints
    assigned: Ints
    first_month: Ints
    age: Floats
    female: Floats
    low_education: Floats
    native: Floats

    def __len__(self) -> int:
        """Count the persons."""
        return len(self.centre)

    @property
    def cell(self) -> Ints:
        """Centre and arm in one number: 2 * (centre - 1) + assigned."""
        return 2 * (self.centre - 1) + self.assigned


@dataclass(frozen=True)
class Design:
    """Design of one model: ``matrix`` is persons x months x terms; ``persons`` those kept."""

    matrix: Floats
    terms: list[str]
    persons: Ints


def design(roster: Roster, model: int | str) -> Design:
    """Build the design of table 5's model 1, 2, 3 or of the ``pooled`` effect."""
    keep = np.ones(len(roster), dtype=bool) if model != 3 else ~np.isnan(roster.native)
    persons = np.flatnonzero(keep)
    columns = {"constant": np.ones(len(persons)), "age": roster.age[keep]}
    columns["female"] = roster.female[keep]
    if model in (2, 3):
        columns["less_than_upper_secondary"] = roster.low_education[keep]
    if model == 3:
        columns["born_in_norway"] = roster.native[keep]
    centre, assigned = roster.centre[keep], roster.assigned[keep]
    for number in range(2, N_CENTRES + 1):
        columns[f"centre_{number}"] = (centre == number).astype(float)
    if model == "pooled":
        columns["ips"] = assigned.astype(float)
    else:
        for number in range(1, N_CENTRES + 1):
            columns[f"ips_x_centre_{number}"] = ((centre == number) & (assigned == 1)).astype(float)
    fixed = np.column_stack(list(columns.values()))
    calendar, names = _calendar(roster.first_month[keep])
    shape = (len(persons), MONTHS, fixed.shape[1])
    matrix = np.concatenate([np.broadcast_to(fixed[:, None, :], shape), calendar], axis=2)
    return Design(matrix, [*columns, *names], persons)


def _calendar(first_month: Ints) -> tuple[Floats, list[str]]:
    """Dummies for calendar year and month; lowest year and January are the base."""
    month = first_month[:, None] + np.arange(MONTHS)
    years = np.unique(month // 12)[1:]
    dummies = [month // 12 == year for year in years]
    dummies += [month % 12 == number for number in range(1, 12)]
    names = [f"year_{year}" for year in years] + [f"month_{number + 1}" for number in range(1, 12)]
    return np.stack(dummies, axis=2).astype(float), names


@dataclass(frozen=True)
class Fit:
    """Coefficients and clustered standard errors, named by term."""

    terms: list[str]
    coefficient: Floats
    std_error: Floats
    n_obs: int
    n_persons: int

    def row(self, term: str) -> tuple[float, float]:
        """Coefficient and standard error of one term."""
        position = self.terms.index(term)
        return float(self.coefficient[position]), float(self.std_error[position])


def cr1_factor(n_persons: int, n_obs: int, n_terms: int) -> float:
    """Small-sample factor G/(G-1) (N-1)/(N-K)."""
    return n_persons / (n_persons - 1) * (n_obs - 1) / (n_obs - n_terms)


def fit(roster: Roster, outcome: Floats, model: int | str) -> Fit:
    """Fit the linear probability model and cluster its variance on person.

    Parameters
    ----------
    roster : Roster
        Persons.
    outcome : array, persons x months
        Ordinary employment in months 0..43, 0 or 1.
    model : {1, 2, 3, "pooled"}
        Model of table 5, or the pooled effect.
    """
    spec = design(roster, model)
    n_persons, _, n_terms = spec.matrix.shape
    flat = spec.matrix.reshape(-1, n_terms)
    y = outcome[spec.persons].astype(float).ravel()
    bread = np.linalg.inv(flat.T @ flat)
    coefficient = bread @ (flat.T @ y)
    residual = (y - flat @ coefficient).reshape(n_persons, -1, 1)
    scores = (spec.matrix * residual).sum(axis=1)
    factor = cr1_factor(n_persons, len(y), n_terms)
    variance = factor * bread @ (scores.T @ scores) @ bread
    return Fit(spec.terms, coefficient, np.sqrt(np.diag(variance)), len(y), n_persons)
