"""States of a person's months from cleaned spells, day by day.

Every job is a row of days. Months are then read off the days: nothing here knows of the intervals, runs and calendars
by which the panel is made.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from ipseval.config import Cohort, Outcome
from ipseval.contracts import STATE_COLUMNS
from ipseval.registers.sources import sources

YES, NO, UNKNOWN = 1, 0, -1
NOT_UNKNOWN = ""
SIXTEENTH = 15  # days after the first of a month
UNNAMED = ""  # the employer of spells that name none


@dataclass(frozen=True)
class Frame:
    """Days and months of n persons.

    Parameters
    ----------
    persons : Index
        Keys, in the order of rows.
    since : int array, length n
        Day of randomisation, days since 1970-01-01.
    first_month : int
        Months since 1970-01 of the first calendar month.
    opens : int array, length T + 1
        First day of each calendar month, and of the one after the last.
    columns : int array, n x W
        Place of each month of the window among the calendar months.
    """

    persons: pd.Index
    since: np.ndarray
    first_month: int
    opens: np.ndarray
    columns: np.ndarray

    @property
    def n_days(self) -> int:
        """Days of all calendar months."""
        return int(self.opens[-1] - self.opens[0])

    @property
    def months(self) -> np.ndarray:
        """Calendar months of the window, since 1970-01; int, n x W."""
        return self.columns + self.first_month


def frame(people: pd.DataFrame, months: range) -> Frame:
    """The calendar that holds the window of every person.

    Parameters
    ----------
    people : DataFrame
        ``person_id`` and ``randomised_on``, a row a person.
    months : range
        Months since randomisation.
    """
    day = people["randomised_on"].to_numpy().astype("datetime64[D]")
    zero = day.astype("datetime64[M]").astype(int)
    first, last = int(zero.min()) + months[0], int(zero.max()) + months[-1]
    opens = np.arange(first, last + 2).astype("datetime64[M]").astype("datetime64[D]").astype(int)
    return Frame(pd.Index(people["person_id"]), day.astype(int), first, opens, zero[:, None] - first + np.array(months))


@dataclass(frozen=True)
class State:
    """A state of n persons in W months (1, 0, -1), and what is not known where it is -1.

    ``parts`` are the states found in spells that it is made of.
    """

    value: np.ndarray
    why: np.ndarray
    parts: tuple["State", ...] = ()


def job_days(spells: pd.DataFrame, calendar: Frame) -> tuple[np.ndarray, np.ndarray]:
    """Row of the person of each job, and the days of it; int, length J, and bool, J x days.

    A job is an employer's; spells that name none are of one unnamed job.
    """
    who = calendar.persons.get_indexer(pd.Index(spells["person_id"].astype(object)))
    spells, who = spells[who >= 0], who[who >= 0]
    employer = spells["employer_id"].astype(object) if "employer_id" in spells else pd.Series(None, spells.index)
    job, keys = pd.factorize(pd.MultiIndex.from_arrays([who, employer.where(employer.notna(), UNNAMED)]))
    start = spells["start_on"].to_numpy().astype("datetime64[D]").astype(int) - calendar.opens[0]
    end = spells["end_on"].to_numpy().astype("datetime64[D]")
    stop = np.where(np.isnat(end), calendar.n_days, end.astype(int) + 1 - calendar.opens[0])
    change = np.zeros((len(keys), calendar.n_days + 1), np.int16)
    start, stop = np.clip(start, 0, calendar.n_days), np.clip(stop, 0, calendar.n_days)
    np.add.at(change, (job, start), 1)
    np.add.at(change, (job, stop), -1)
    person = keys.get_level_values(0).to_numpy(dtype=int) if len(keys) else np.zeros(0, int)
    return person, change[:, :-1].cumsum(axis=1, dtype=np.int16) > 0


def months_with(person: np.ndarray, days: np.ndarray, calendar: Frame, rule: str, least: int) -> np.ndarray:
    """Months of the window in which a job has ``least`` days of those that the rule looks at; bool, n x W.

    In month 0 a day before that of randomisation counts only if the job went on without a break until then.
    """
    n = len(calendar.columns)
    looked_at = _looked_at(calendar, rule)
    counts = np.add.reduceat(days & looked_at, calendar.opens[:-1] - calendar.opens[0], axis=1, dtype=int)
    enough = np.zeros((n, counts.shape[1]), bool)
    np.logical_or.at(enough, person, counts >= least)
    found = np.take_along_axis(enough, calendar.columns, axis=1)
    zero: np.ndarray | list[int] = (
        np.flatnonzero(calendar.columns[0] + calendar.first_month == _month(calendar.since[0])) if n else []
    )
    for column in zero:
        found[:, column] = False
        since, opens = calendar.since[person] - calendar.opens[0], calendar.opens[calendar.columns[person, column]]
        for job in range(len(person)):
            first, day = int(opens[job] - calendar.opens[0]), int(since[job])
            close = int(calendar.opens[calendar.columns[person[job], column] + 1] - calendar.opens[0])
            whole = days[job, first:close].copy()
            unbroken = np.logical_and.accumulate(days[job, first : day + 1][::-1])[::-1]
            whole[: day + 1 - first] = unbroken
            found[person[job], column] |= (whole & looked_at[first:close]).sum() >= least
    return found


def _month(day: int) -> int:
    return int(np.datetime64(int(day), "D").astype("datetime64[M]").astype(int))


def _looked_at(calendar: Frame, rule: str) -> np.ndarray:
    """Days that a rule looks at: all, or those of the weeks (Monday to Sunday) that hold a 16th; bool."""
    if rule != "reference_week":
        return np.ones(calendar.n_days, bool)
    found = np.zeros(calendar.n_days, bool)
    for opens in calendar.opens[:-1]:
        day = pd.Timestamp(int(opens) + SIXTEENTH, unit="D")
        monday = int(opens) + SIXTEENTH - day.weekday() - int(calendar.opens[0])
        found[monday : monday + 7] = True
    return found


# --- spells that count, and those that may -----------------------------------------------------


@dataclass(frozen=True)
class Reader:
    """States from the cleaned extracts.

    Parameters
    ----------
    cohort : Cohort
    calendar : Frame
    cleaned : mapping
        Extract -> cleaned spells, or None.
    known, worked : dict
        States and days of jobs that were found already.
    """

    cohort: Cohort
    calendar: Frame
    cleaned: dict[str, pd.DataFrame | None]
    known: dict[tuple, State]
    worked: dict[tuple, tuple[np.ndarray, np.ndarray]]

    def jobs(self, any_of: Sequence[str] | None = None, none_of: Sequence[str] = ()) -> State:
        """Months in which hours and month rule hold for a job, of some kinds only where they are named."""
        spells, outcome = self.cleaned["employment"], self.cohort.outcome
        assert spells is not None
        least = outcome.min_weekly_hours
        hours = spells["weekly_hours"].astype(float) if "weekly_hours" in spells else pd.Series(np.nan, spells.index)
        enough = pd.Series(np.where(hours.isna(), UNKNOWN, hours >= least) if least > 0 else YES, spells.index)
        right: pd.Series = pd.Series(YES, spells.index)
        if any_of is not None or none_of:
            kind = spells["kind"].astype(object)
            named = kind.isin(any_of if any_of is not None else none_of)
            right = pd.Series(np.where(kind.isna(), UNKNOWN, named if any_of is not None else ~named), spells.index)
        causes = {"weekly_hours": enough == UNKNOWN, "kind": right == UNKNOWN}
        key = ("jobs", str(outcome.month_rule), least, any_of and tuple(any_of), tuple(none_of))
        return self._found(key, spells, (enough * right).clip(upper=1), "employment", causes, outcome)

    def on_any_day(self, extract: str, codes: Sequence[str] | None = None) -> State:
        """Months with a day of a spell of the extract, of some codes only where they are named."""
        spells = self.cleaned[extract]
        assert spells is not None
        counts: pd.Series = pd.Series(YES, spells.index)
        if codes is not None:
            given = spells[STATE_COLUMNS[extract]].astype(object)
            counts = pd.Series(np.where(given.isna(), UNKNOWN, given.isin(codes)), spells.index)
        counts = counts.where(spells["is_observed"] == 1, UNKNOWN)  # days of which nothing is known may be of any code
        rule = replace(self.cohort.outcome, month_rule="any_day")
        causes = {STATE_COLUMNS[extract]: counts == UNKNOWN}
        return self._found((extract, codes and tuple(codes)), spells, counts, extract, causes, rule)

    def _found(
        self,
        key: tuple,
        spells: pd.DataFrame,
        counts: pd.Series,
        extract: str,
        causes: dict[str, pd.Series],
        outcome: Outcome,
    ) -> State:
        """1 where spells that count are enough, -1 where they would be with those that may count as well."""
        if key in self.known:
            return self.known[key]
        is_told = spells["is_observed"] == 1
        # -1 times -1 is 1: two things that are not known do not make a known one.
        unclear = np.logical_or.reduce([c.to_numpy(dtype=bool) for c in causes.values()])
        surely = (counts == YES) & ~unclear & is_told
        maybe = ((counts != NO) & ~surely).to_numpy()
        rule = outcome.month_rule if isinstance(outcome.month_rule, str) else "min_days"
        days = self._days(spells, surely.to_numpy())
        yes = months_with(*days, self.calendar, rule, outcome.min_days)
        could = yes
        if maybe.any():
            days = self._days(spells, surely.to_numpy() | maybe)
            could = months_with(*days, self.calendar, rule, outcome.min_days)
        value = np.where(yes, YES, np.where(could, UNKNOWN, NO)).astype(np.int8)
        why = np.full(value.shape, NOT_UNKNOWN, object)
        told = is_told.to_numpy()
        for name, is_unclear in {**causes, extract: ~is_told}.items():
            of_cause = maybe & is_unclear.to_numpy(dtype=bool) & (told | (name == extract) | (extract == "employment"))
            if of_cause.any() and (value == UNKNOWN).any():
                why[(value == UNKNOWN) & self._touched(spells[of_cause])] = name
        self.known[key] = State(value, why)
        return self.known[key]

    def _days(self, spells: pd.DataFrame, is_chosen: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """:func:`job_days` of some spells, the same for every month rule."""
        key = (id(spells), is_chosen.tobytes())
        if key not in self.worked:
            self.worked[key] = job_days(spells[is_chosen], self.calendar)
        return self.worked[key]

    def _touched(self, spells: pd.DataFrame) -> np.ndarray:
        """Months with any day of the spells, also one before randomisation."""
        person, days = job_days(spells, self.calendar)
        has = np.logical_or.reduceat(days, self.calendar.opens[:-1] - self.calendar.opens[0], axis=1)
        found = np.zeros((len(self.calendar.persons), has.shape[1]), bool)
        np.logical_or.at(found, person, has)
        return np.take_along_axis(found, self.calendar.columns, axis=1)


def either(states: Sequence[State]) -> State:
    """1 where any state is, else -1 where any is: the reason is that of the first."""
    value = np.max([np.where(s.value == UNKNOWN, 0.5, s.value) for s in states], axis=0)
    return _made(np.where(value == 0.5, UNKNOWN, value), states)


def without_subsidy(job: State, subsidy: State | None) -> State:
    """A job and no wage subsidy; a job of which the subsidy is not known is not known."""
    if subsidy is None:
        return job
    value = job.value.copy()
    value[(job.value == YES) & (subsidy.value == YES)] = NO
    value[(job.value == YES) & (subsidy.value == UNKNOWN)] = UNKNOWN
    return _made(value, (job, subsidy))


def _made(value: np.ndarray, states: Sequence[State]) -> State:
    value = value.astype(np.int8)
    if len(states) == 1:
        return states[0]
    why = np.full(value.shape, NOT_UNKNOWN, object)
    for state in reversed(states):
        own = (value == UNKNOWN) & (state.value == UNKNOWN)
        why[own] = state.why[own]
    leaves = [part for state in states for part in state.parts or (state,)]
    return State(value, why, tuple(part for part in leaves if (part.value == UNKNOWN).any()))


# --- months that registers speak of ------------------------------------------------------------


def spoken_of(cohort: Cohort, extracts: Iterable[str], months: np.ndarray) -> np.ndarray:
    """Calendar months (since 1970-01) that the register and every source of the extracts speak of; bool."""
    low, high = int(months.min(initial=0)), int(months.max(initial=0))
    lost = {_number(month) for month in cohort.unobserved}
    told = {
        month: _is_within(month, cohort.observed_from, cohort.observed_until)
        and month not in lost
        and all(source_speaks(cohort, extract, month) for extract in extracts)
        for month in range(low, high + 1)
    }
    return np.vectorize(told.get, otypes=[bool])(months) if months.size else np.zeros(months.shape, bool)


def source_speaks(cohort: Cohort, extract: str, month: int) -> bool:
    """Whether every source of an extract speaks of a month, or another one that begins later (or ended earlier)."""
    known = [(s.observed_from, s.observed_until) for s in sources(cohort, extract)]

    def has(span: tuple[str | None, str | None]) -> bool:
        return _is_within(month, *span)

    for first, last in known:
        follows = [o for o in known if o[0] is not None and (first is None or o[0] > first)]
        precedes = [o for o in known if o[1] is not None and (last is None or o[1] < last)]
        if last is not None and month > _number(last) and not any(map(has, follows)):
            return False
        if first is not None and month < _number(first) and not any(map(has, precedes)):
            return False
    return True


def _is_within(month: int, first: str | None, last: str | None) -> bool:
    return (first is None or month >= _number(first)) and (last is None or month <= _number(last))


def _number(month: str) -> int:
    year, of_year = map(int, month.split("-"))
    return (year - 1970) * 12 + of_year - 1
