"""Months in which a person's spells are active: a month rule and the days of spells, some persons at a time."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pandas as pd

from ipseval.config import Outcome
from ipseval.registers.distinct import combined, positions, ranks
from ipseval.registers.spells import FOREVER, begins_and_reach

BLOCK = 2048  # persons: what is counted of their spells and months stays in the processor's cache


@dataclass(frozen=True)
class Calendar:
    """The days of each calendar month in which a rule is judged.

    Parameters
    ----------
    first_month : int
        Months since 1970-01 of the first column.
    opens, closes : int array, length T
        First and last day (days since 1970-01-01) of month t.
    min_days : int
        A job counts in a month when it has so many days between ``opens`` and ``closes``.
    """

    first_month: int
    opens: np.ndarray
    closes: np.ndarray
    min_days: int = 1

    @cached_property
    def _days(self) -> np.ndarray:
        """Every day of the calendar, one before and one after."""
        return np.arange(self.opens[0] - 1, self.closes[-1] + 2)

    @cached_property
    def _first(self) -> np.ndarray:
        """The first month that is not over on each of these days."""
        return np.searchsorted(self.closes, self._days)

    @cached_property
    def _last(self) -> np.ndarray:
        """The last month that is open on each of these days, or was."""
        return np.searchsorted(self.opens, self._days, side="right") - 1

    def months(self, start: np.ndarray, end: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """First and last month with a day of each spell; where the first is after the last there is none."""
        low, high = self._days[[0, -1]]
        return self._first[np.clip(start, low, high) - low], self._last[np.clip(end, low, high) - low]


def whole_months(first_month: int, last_month: int, min_days: int = 1) -> Calendar:
    """All days of each month."""
    starts = np.arange(first_month, last_month + 2).astype("datetime64[M]").astype("datetime64[D]").astype("int64")
    return Calendar(first_month, starts[:-1], starts[1:] - 1, min_days)


def _reference_weeks(first_month: int, last_month: int, min_days: int = 1) -> Calendar:
    """The Monday-Sunday week that holds the 16th (Statistics Norway's reference week)."""
    months = whole_months(first_month, last_month)
    sixteenth = months.opens + 15
    monday = sixteenth - (sixteenth + 3) % 7  # 1970-01-01 was a Thursday
    return Calendar(first_month, monday, monday + 6, min_days)


MONTH_RULES: dict[str, Callable[[int, int, int], Calendar]] = {
    "any_day": whole_months,
    "reference_week": _reference_weeks,
    "min_days": whole_months,
}


def calendar(outcome: Outcome, first_month: int, last_month: int) -> Calendar:
    """The calendar of an outcome's month rule."""
    name = outcome.month_rule if isinstance(outcome.month_rule, str) else "min_days"
    return MONTH_RULES[name](first_month, last_month, outcome.min_days)


@dataclass(frozen=True)
class Placed:
    """m spells in order of person, job and start.

    Parameters
    ----------
    origin : int array, length m
        Row of the extract.
    person : int array, length m
        Row of the person.
    job : int array, length m
        Number of the job; those of a person are neighbours.
    start, end : int array, length m
        First and last day, days since 1970-01-01.
    """

    origin: np.ndarray
    person: np.ndarray
    job: np.ndarray
    start: np.ndarray
    end: np.ndarray

    def where(self, is_chosen: np.ndarray) -> "Placed":
        """The spells of chosen rows (bool) of the extract."""
        return self if is_chosen.all() else self._of(is_chosen[self.origin])

    def _of(self, spells: np.ndarray | slice) -> "Placed":
        return Placed(*(part[spells] for part in (self.origin, self.person, self.job, self.start, self.end)))

    def blocks(self, n_persons: int) -> Iterator[tuple[slice, "Placed"]]:
        """Some persons at a time, numbered from 0 on."""
        edges = np.arange(0, n_persons + BLOCK, BLOCK)
        for first, (start, stop) in zip(edges, np.searchsorted(self.person, [edges[:-1], edges[1:]]).T, strict=False):
            own = self._of(slice(start, stop))
            yield slice(first, min(first + BLOCK, n_persons)), replace(own, person=own.person - first)

    def merged(self) -> "Placed":
        """The spells with those of one job that overlap or touch made one."""
        begins, reached = begins_and_reach(self.job, self.start, self.end)
        last = np.append(np.flatnonzero(begins)[1:], len(begins))[: int(begins.sum())] - 1
        return replace(self._of(begins), end=reached[last])


def place(spells: pd.DataFrame, persons: pd.Index) -> Placed:
    """Spells of an extract with the rows of their persons; those of nobody are left out.

    A job is an employer's; spells without one are of one unnamed job.
    """
    person = positions(persons, spells["person_id"])
    start = spells["start_on"].to_numpy().astype("datetime64[D]").astype("int64")
    end = spells["end_on"].fillna(FOREVER).to_numpy().astype("datetime64[D]").astype("int64")
    employer = [ranks(spells["employer_id"])] if "employer_id" in spells else []
    first = int(start.min(initial=0))
    job = combined([(person + 1, len(persons) + 1), *employer])
    number = combined([(job, int(job.max(initial=0)) + 1), (start - first, int(start.max(initial=0)) - first + 1)])
    order = np.argsort(number, kind="stable") if (number[1:] < number[:-1]).any() else np.arange(len(number))
    order = order[person[order] >= 0].astype(np.int32)
    job = job[order]
    numbers = (np.cumsum(np.diff(job, prepend=-1) != 0), start[order], end[order])
    return Placed(order, person[order].astype(np.int32), *(part.astype(np.int32) for part in numbers))


def active(spells: Placed, n_persons: int, days: Calendar) -> np.ndarray:
    """Months in which the calendar's rule holds for a job of a person; bool, n_persons x T.

    ``min_days`` are days of one job.
    """
    found = np.empty((n_persons, len(days.opens)), bool)
    judge = _with_a_day if days.min_days == 1 else _with_enough_days
    for persons, own in spells.blocks(n_persons):
        found[persons] = judge(own, persons.stop - persons.start, days)
    return found


def active_from(spells: Placed, days: Calendar, since: np.ndarray) -> np.ndarray:
    """:func:`active`, but in the month of a person's day ``since`` no job counts that was over before that day.

    Spells of a job that overlap or touch are one: it is over when the last of them is. Only persons with a spell that
    ended earlier in that month are looked at again.

    Parameters
    ----------
    spells : Placed
    days : Calendar
        Holds the months of ``since``.
    since : int array, length n
        Days since 1970-01-01, such as that of randomisation.

    Returns
    -------
    bool array, n x T
    """
    found = active(spells, len(since), days)
    month = since.astype("datetime64[D]").astype("datetime64[M]")
    opens, own = month.astype("datetime64[D]").astype("int64"), spells.person
    persons = np.unique(own[(spells.end >= opens[own]) & (spells.end < since[own])])
    if not len(persons):
        return found
    jobs = spells._of(np.isin(own, persons)).merged()
    left = jobs._of(jobs.end >= since[jobs.person])
    again = active(replace(left, person=np.searchsorted(persons, left.person)), len(persons), days)
    column = month[persons].astype("int64") - days.first_month
    found[persons, column] = again[np.arange(len(persons)), column]
    return found


def _with_a_day(spells: Placed, n_persons: int, days: Calendar) -> np.ndarray:
    first, last = days.months(spells.start, spells.end)
    inside = first <= last
    person, first, last = (part[inside] for part in (spells.person, first, last))
    return _runs(person, first, last, n_persons, len(days.opens)) > 0


def _with_enough_days(spells: Placed, n_persons: int, days: Calendar) -> np.ndarray:
    merged = spells.merged()
    first_of_job = np.flatnonzero(np.diff(merged.job, prepend=-1))
    number = np.repeat(np.arange(len(first_of_job)), np.diff(np.append(first_of_job, len(merged.job))))
    enough = days_in_months(replace(merged, person=number), len(first_of_job), days) >= days.min_days
    found = np.zeros((n_persons, len(days.opens)), bool)
    person = merged.person[first_of_job]
    first = np.flatnonzero(np.diff(person, prepend=-1))
    if len(first):
        found[person[first]] = np.logical_or.reduceat(enough, first, axis=0)
    return found


def days_in_months(spells: Placed, n_rows: int, days: Calendar) -> np.ndarray:
    """Days of each calendar month that the spells of a row cover; int, n_rows x T.

    The first and the last month of a spell are counted by themselves; those between are covered whole and marked by
    the two ends of their run. Spells of a row (``person``) that overlap are counted twice.
    """
    first, last = days.months(spells.start, spells.end)
    inside = first <= last
    parts = (part[inside] for part in (spells.person, first, last, spells.start, spells.end))
    row, first, last, start, end = parts
    T = len(days.opens)
    opens, closes = np.maximum(start, days.opens[first]), np.minimum(end, days.closes[last])
    single = first == last
    found = _summed(row, first, np.where(single, closes, days.closes[first]) - opens + 1, n_rows, T)
    row, first, last, closes = (part[~single] for part in (row, first, last, closes))
    found += _summed(row, last, closes - days.opens[last] + 1, n_rows, T)
    return found + _runs(row, first + 1, last - 1, n_rows, T) * (days.closes - days.opens + 1)


def _runs(row: np.ndarray, first: np.ndarray, last: np.ndarray, n_rows: int, T: int) -> np.ndarray:
    """How many runs of months first..last (empty where last = first - 1) hold each month of a row; int, n_rows x T."""
    cells, size = row * np.int64(T + 1), n_rows * (T + 1)
    change = np.bincount(cells + first, minlength=size) - np.bincount(cells + last + 1, minlength=size)
    return change.astype(np.int32).reshape(n_rows, T + 1).cumsum(axis=1, dtype=np.int32)[:, :-1]


def _summed(row: np.ndarray, month: np.ndarray, values: np.ndarray, n_rows: int, T: int) -> np.ndarray:
    return np.bincount(row * np.int64(T) + month, values, n_rows * T).astype(np.int32).reshape(n_rows, T)
