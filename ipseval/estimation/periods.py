"""Time in a regression: outcomes by period, and the dummies of the periods."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ipseval.config import Analysis
from ipseval.terms import Term, of_time

MONTHS_A_YEAR = 12


@dataclass(frozen=True)
class Periods:
    """Outcomes by period, and the dummies of the periods.

    Parameters
    ----------
    terms : tuple of Term, length q
    D : float array, T x q
    Y : int8 array, n x T
        1 or 0; zero where not observed.
    O : bool array, n x T
    """

    terms: tuple[Term, ...]
    D: np.ndarray
    Y: np.ndarray
    O: np.ndarray  # noqa: E741

    @cached_property
    def observed(self) -> np.ndarray:
        """Periods of each person in which the outcome is observed; int, length n."""
        return self.O.sum(1)

    @cached_property
    def total(self) -> np.ndarray:
        """Sum of each person's outcomes; length n."""
        return self.Y.sum(1)

    @cached_property
    def is_ever(self) -> np.ndarray:
        """Who has the outcome in any period; bool, length n."""
        return np.any(self.Y > 0, axis=1)


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
        terms = tuple(of_time("month_since_randomisation", k) for k in months[1:]) if named else ()
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
    labels = {
        of_time(name, v): CALENDAR_TERMS[name](calendar) == v for name in dummies for v in _levels(name, calendar)
    }
    D = np.column_stack([*labels.values(), np.zeros((len(calendar), 0))]).astype(float)
    return Periods(tuple(labels), D, Y, O)


def _levels(name: str, calendar: np.ndarray) -> list[int]:
    """All levels but the lowest, which is the base."""
    return [int(v) for v in np.unique(CALENDAR_TERMS[name](calendar))[1:]]
