"""Design of a regression: columns constant over a person's months, dummies for time, and what each effect is."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ipseval.config import Analysis, Cohort

ALL = "all"
MONTHS_A_YEAR = 12


@dataclass(frozen=True)
class Effect:
    """An effect of a regression: ``arm`` against the reference in ``centre`` (or all), and its column of X."""

    arm: str
    centre: str
    term: str


@dataclass(frozen=True)
class Design:
    """The columns of X for all analysed persons.

    Parameters
    ----------
    terms : tuple of str, length p
        The first is ``intercept``; assigned terms are last.
    X : float array, n x p
        Missing where a covariate is missing.
    effects : tuple of Effect
    left_out : tuple of str
        Covariates that the analysis asks for and the cohort does not have.
    """

    terms: tuple[str, ...]
    X: np.ndarray
    effects: tuple[Effect, ...]
    left_out: tuple[str, ...]

    @property
    def complete(self) -> np.ndarray:
        """Persons without a missing covariate; bool, length n."""
        return ~np.isnan(self.X).any(axis=1)

    def without(self, terms: set[str]) -> "Design":
        """The design without some of its columns."""
        keep = [j for j, term in enumerate(self.terms) if term not in terms]
        return Design(tuple(self.terms[j] for j in keep), self.X[:, keep], self.effects, self.left_out)


def design(cohort: Cohort, analysis: Analysis, people: pd.DataFrame, centre: str = ALL) -> Design:
    """Columns of an analysis for the persons of ``people``.

    Parameters
    ----------
    cohort : Cohort
    analysis : Analysis
    people : DataFrame
        n analysed persons: ``centre``, ``arm``, ``randomised_on`` and the covariates.
    centre : str
        The centre of a regression within centres, else ``all``.

    Returns
    -------
    Design
    """
    adjust = [name for name in analysis.adjust if name in people]
    left_out = tuple(name for name in analysis.adjust if name not in people)
    columns: dict[str, np.ndarray] = {"intercept": np.ones(len(people))}
    columns |= {name: people[name].to_numpy(dtype=float) for name in adjust}
    if analysis.within is None:
        columns |= {f"centre[{c}]": _is(people["centre"], c) for c in list(cohort.centres)[1:]}
    columns |= _inclusion_dummies(analysis, people)
    effects = []
    for where in cohort.centres if analysis.effect == "by_centre" else [centre]:
        for arm in cohort.arms.treatments:
            inside = analysis.effect == "by_centre"
            term = f"assigned[{arm}]:centre[{where}]" if inside else f"assigned[{arm}]"
            columns[term] = _is(people["arm"], arm) * (_is(people["centre"], where) if inside else 1)
            effects.append(Effect(arm, where, term))
    return Design(tuple(columns), np.column_stack(list(columns.values())), tuple(effects), left_out)


def _is(column: pd.Series, value: str) -> np.ndarray:
    return (column == value).to_numpy(dtype=float)


def _inclusion_dummies(analysis: Analysis, people: pd.DataFrame) -> dict[str, np.ndarray]:
    """Dummies for the year and the calendar month of randomisation, where the analysis names them."""
    dates = people["randomised_on"].dt
    found = {"inclusion_year": dates.year, "inclusion_month": dates.month}
    return {
        f"{name}[{value}]": (values == value).to_numpy(dtype=float)
        for name, values in found.items()
        if name in analysis.time
        for value in sorted(values.unique())[1:]
    }


@dataclass(frozen=True)
class Periods:
    """Outcomes by period, and the dummies of the periods.

    Parameters
    ----------
    terms : tuple of str, length q
    D : float array, T x q
    Y : int8 array, n x T
        1 or 0; zero where not observed.
    O : bool array, n x T
    """

    terms: tuple[str, ...]
    D: np.ndarray
    Y: np.ndarray
    O: np.ndarray  # noqa: E741


def _year(month: np.ndarray) -> np.ndarray:
    return 1970 + month // MONTHS_A_YEAR


def _month_of_year(month: np.ndarray) -> np.ndarray:
    return month % MONTHS_A_YEAR + 1


CALENDAR_TERMS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "calendar_year": _year,
    "calendar_month": _month_of_year,
}


def periods(analysis: Analysis, states: np.ndarray, months: np.ndarray, month_0: np.ndarray) -> Periods:
    """Arrange outcomes by the periods that the analysis has dummies for.

    Parameters
    ----------
    analysis : Analysis
    states : int8 array, n x m
        Outcome of each person and month since randomisation; -1 is missing.
    months : int array, length m
        Months since randomisation, one after the other.
    month_0 : int array, length n
        Calendar month of randomisation (months since 1970-01).

    Returns
    -------
    Periods
        By month since randomisation, or by calendar month when the analysis has calendar dummies.
    """
    observed, outcome = states >= 0, np.maximum(states, 0)
    dummies = [name for name in analysis.time if name in CALENDAR_TERMS]
    if not dummies or not len(states):
        named = "month_since_randomisation" in analysis.time and len(months) > 1
        terms = tuple(f"month_since_randomisation[{k}]" for k in months[1:]) if named else ()
        return Periods(terms, np.eye(len(months))[:, 1:] if named else np.zeros((len(months), 0)), outcome, observed)
    first = int(month_0.min() + months[0])
    calendar = np.arange(first, int(month_0.max() + months[-1]) + 1)
    Y = np.zeros((len(states), len(calendar)), states.dtype)
    O = np.zeros((len(states), len(calendar)), bool)  # noqa: E741
    for start in np.unique(month_0):
        persons = np.flatnonzero(month_0 == start)
        at = persons, slice(start + months[0] - first, start + months[-1] - first + 1)
        Y[at], O[at] = outcome[persons], observed[persons]
    used = O.any(axis=0)
    Y, O, calendar = Y[:, used], O[:, used], calendar[used]  # noqa: E741
    labels = {f"{name}[{v}]": CALENDAR_TERMS[name](calendar) == v for name in dummies for v in _levels(name, calendar)}
    D = np.column_stack([*labels.values(), np.zeros((len(calendar), 0))]).astype(float)
    return Periods(tuple(labels), D, Y, O)


def _levels(name: str, calendar: np.ndarray) -> list[int]:
    """All levels but the lowest, which is the base."""
    return [int(v) for v in np.unique(CALENDAR_TERMS[name](calendar))[1:]]
