"""Registers of simulated persons: dated jobs and subsidies that say exactly the drawn months, and the rest.

Every function returns rows with ``person``, the position of the person, in no particular order.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ipseval.simulation.model import DAYS_A_YEAR, UPPER_SECONDARY, People, Plan

NO_DAY = np.datetime64("NaT", "D")
NO_MONTH = 10**6  # later than any month of a register
SCHOOL_ENDS = 16  # years; nobody works before
UNKNOWN_LEVEL = 9
MONTHLY_WAGE = 28_000
HOURS = np.array([37.5, 37.5, 37.5, 30.0, 20.0, 15.0, 7.5, 3.0, np.nan])
BENEFITS = {  # share receiving it at randomisation (published/norway_2021.yaml, middle of the range)
    "work_assessment_allowance": 0.55,
    "disability_pension": 0.1,
    "social_assistance": 0.15,
    "unemployment_benefit": 0.08,
}
CONTACTS = {"outpatient": 1.5, "day": 0.1, "inpatient": 0.05}  # a month, in the year before and after randomisation


@dataclass(frozen=True)
class History:
    """Persons with what happened to them.

    Parameters
    ----------
    plan : Plan
    people : People
    is_working : bool array, persons x months of ``plan.months``
        Ordinary employment; False after death or emigration.
    ended_on, is_dead : arrays, length n
        Day of death or emigration (NaT: neither), and which of them it was.
    """

    plan: Plan
    people: People
    is_working: np.ndarray
    ended_on: np.ndarray
    is_dead: np.ndarray

    @property
    def month_0(self) -> np.ndarray:
        """Column of the month of randomisation, by person."""
        return self.column_of(self.people.randomised_on)

    def column_of(self, days: np.ndarray) -> np.ndarray:
        """Column of each day's month; NO_MONTH for a missing day."""
        columns = (days.astype("datetime64[M]") - self.plan.months[0]).astype(int)
        return np.where(np.isnat(days), NO_MONTH, columns)

    def month_starts(self, columns: np.ndarray) -> np.ndarray:
        """First day of the month of each column."""
        return (self.plan.months[0] + columns).astype("datetime64[D]")


@dataclass(frozen=True)
class Runs:
    """Months in a row in ordinary employment: person, first and last column, length r each.

    Before a run there may be ``n_subsidised`` months with a wage subsidy, in the same job where ``is_in_job``.
    """

    person: np.ndarray
    first: np.ndarray
    last: np.ndarray
    n_subsidised: np.ndarray
    is_in_job: np.ndarray


def find_runs(history: History, rng: np.random.Generator) -> Runs:
    """Runs of working months, with the subsidised months before them.

    A subsidised month is never a working month, never the month of randomisation (who is employed then is
    not changed by it) and, after randomisation, as frequent as the arm's share says.
    """
    n, n_months = history.is_working.shape
    padded = np.zeros((n, n_months + 2), np.int8)
    padded[:, 1:-1] = history.is_working
    change = np.diff(padded, axis=1)
    person, first = np.nonzero(change == 1)
    last = np.nonzero(change == -1)[1] - 1
    previous = np.where(np.diff(person, prepend=-1) == 0, np.roll(last, 1), -1)
    month_0 = history.month_0[person]
    is_later = first > month_0
    free = np.where(is_later, np.minimum(first - previous, first - month_0), first - previous) - 1
    shares = np.array([history.plan.subsidised_starts.get(arm, 0.0) for arm in history.plan.arms])
    chosen = rng.random(len(person)) < shares[np.where(is_later, history.people.arm[person], 0)]
    n_subsidised = np.where(chosen, np.minimum(free, rng.integers(1, 4, len(person))), 0)
    return Runs(person, first, last, n_subsidised, (n_subsidised > 0) & (rng.random(len(person)) < 0.7))


def _day_from(first: np.ndarray, last: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A day of each span, both ends included."""
    n_days = (last - first).astype(int) + 1
    return first + np.floor(rng.random(len(first)) * n_days).astype(int)


def subsidies(history: History, runs: Runs, rng: np.random.Generator) -> pd.DataFrame:
    """Whole subsidised months before a run, the first from any of its days on."""
    some = runs.n_subsidised > 0
    column = (runs.first - runs.n_subsidised)[some]
    start = _day_from(history.month_starts(column), history.month_starts(column + 1) - 1, rng)
    return pd.DataFrame(
        {
            "person": runs.person[some],
            "start_on": start,
            "end_on": history.month_starts(runs.first[some]) - 1,
            "measure": np.where(runs.is_in_job[some], "wage_subsidy", "work_practice"),
        }
    )


def jobs(history: History, runs: Runs, subsidised: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Jobs with a day in every month of their run and in no other, but for subsidised months."""
    start, end = _job_days(history, runs, rng)
    some = runs.n_subsidised > 0
    start[some] = np.where(runs.is_in_job[some], subsidised["start_on"].to_numpy().astype("datetime64[D]"), start[some])
    is_first = runs.first == 0
    earlier = start - np.floor(rng.exponential(700, len(start))).astype(int)
    youngest = history.people.born_on[runs.person] + int(SCHOOL_ENDS * DAYS_A_YEAR)
    start = np.where(is_first, np.minimum(start, np.maximum(earlier, youngest)), start)
    n_months = history.is_working.shape[1]
    left = runs.last == history.column_of(history.ended_on)[runs.person]
    is_open = np.where(left, rng.random(len(start)) < 0.5, runs.last == n_months - 1)  # registers miss some deaths
    return _as_spells(runs.person, start, end, is_open, rng)


def _job_days(history: History, runs: Runs, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """First and last day of each run: around randomisation in month 0, not after death or emigration."""
    randomised_on, ended_on = history.people.randomised_on[runs.person], history.ended_on[runs.person]
    month_0, month_ended = history.month_0[runs.person], history.column_of(ended_on)
    latest = history.month_starts(runs.first + 1) - 1
    latest = np.where(runs.first == month_0, randomised_on, latest)
    latest = np.where(runs.first == month_ended, ended_on, latest)
    start = _day_from(history.month_starts(runs.first), latest, rng)
    earliest = np.where(runs.first == runs.last, start, history.month_starts(runs.last))
    earliest = np.where(runs.last == month_0, np.maximum(earliest, randomised_on), earliest)
    end = _day_from(earliest, history.month_starts(runs.last + 1) - 1, rng)
    is_one_day = (runs.first == runs.last) & (runs.last != month_0) & (rng.random(len(start)) < 0.3)
    end = np.where(is_one_day, start, end)
    return start, np.where(runs.last == month_ended, ended_on, end)


def _as_spells(
    person: np.ndarray, start: np.ndarray, end: np.ndarray, is_open: np.ndarray, rng: np.random.Generator
) -> pd.DataFrame:
    """One row a job, or two for a quarter of the longer ones: adjacent or overlapping, same employer or another."""
    n = len(person)
    n_employers = max(n // 4, 20)
    employer, hours = rng.integers(1, n_employers, n), rng.choice(HOURS, n)
    cut = _day_from(start, end, rng)
    is_split = ((end - start).astype(int) > 90) & (cut > start) & (cut < end) & (rng.random(n) < 0.25)
    overlap = np.where(rng.random(n) < 0.5, 0, rng.integers(1, 60, n))
    second = pd.DataFrame(
        {
            "person": person,
            "employer": np.where(rng.random(n) < 0.5, employer, rng.integers(1, n_employers, n)),
            "start_on": np.maximum(start + 1, cut + 1 - overlap),
            "end_on": np.where(is_open, NO_DAY, end),
            "weekly_hours": rng.choice(HOURS, n),
        }
    )
    first = second.assign(employer=employer, start_on=start, weekly_hours=hours)
    first["end_on"] = np.where(is_split, cut, first["end_on"].to_numpy().astype("datetime64[D]"))
    spells = pd.concat([first, second[is_split]], ignore_index=True)
    number = spells.pop("employer").map("E{:06d}".format)
    spells.insert(1, "employer_id", number.mask(rng.random(len(spells)) < 0.02))
    return spells.assign(kind=rng.choice(["ordinary", "ordinary", "ordinary", "freelance"], len(spells)))


def education(history: History, rng: np.random.Generator) -> pd.DataFrame:
    """Compulsory school, the level at randomisation, and for some a higher one completed after randomisation."""
    people, n = history.people, len(history.people.level)
    person = np.arange(n)
    age = (people.randomised_on - people.born_on).astype(int) / DAYS_A_YEAR
    at_age = np.minimum(SCHOOL_ENDS + 1.5 * (people.level - 2), age - 0.1)
    completed = people.born_on + np.floor(at_age * DAYS_A_YEAR).astype(int)
    highest = pd.DataFrame({"person": person, "level": people.level, "completed_on": completed})
    school = highest[people.level >= UPPER_SECONDARY].assign(level=2)
    school["completed_on"] = (people.born_on + int(SCHOOL_ENDS * DAYS_A_YEAR))[school["person"]]
    later = highest.assign(level=np.clip(people.level + 2, UPPER_SECONDARY, 7))
    later["completed_on"] = people.randomised_on + rng.integers(1, 1200, n)
    later = later[(rng.random(n) < 0.1) & (people.level != UNKNOWN_LEVEL) & ~(later["completed_on"] > history.ended_on)]
    undated = (rng.random(n) < 0.05) & (people.level < UPPER_SECONDARY)
    highest["completed_on"] = highest["completed_on"].mask(undated)
    rows = pd.concat([school, highest, later], ignore_index=True)
    unrecorded = rng.random(n) < 0.02
    return rows[~unrecorded[rows["person"]]]


def income(history: History, rng: np.random.Generator) -> pd.DataFrame:
    """Wages of a year; half of the years without any have no row, and a few amounts are missing."""
    years = history.plan.months.astype("datetime64[Y]").astype(int) + 1970
    opens = np.flatnonzero(np.diff(years, prepend=0))
    n_worked = np.add.reduceat(history.is_working.astype(int), opens, axis=1)
    wages = np.round(n_worked * MONTHLY_WAGE * rng.lognormal(-0.4, 0.4, n_worked.shape), 0)
    person, year = np.nonzero((n_worked > 0) | (rng.random(n_worked.shape) < 0.5))
    paid = pd.Series(wages[person, year]).mask(rng.random(len(person)) < 0.002)
    return pd.DataFrame({"person": person, "year": years[opens][year], "wage_income": paid})


def benefits(history: History, rng: np.random.Generator) -> pd.DataFrame:
    """Benefits received at randomisation: begun in the three years before, some still open."""
    parts = []
    for name, share in BENEFITS.items():
        person = np.flatnonzero(rng.random(len(history.ended_on)) < share)
        randomised_on, ended_on = history.people.randomised_on[person], history.ended_on[person]
        start = randomised_on - rng.integers(0, 1000, len(person))
        end = np.fmin(randomised_on + rng.integers(0, 1200, len(person)), ended_on)
        end = np.where((rng.random(len(person)) < 0.2) & np.isnat(ended_on), NO_DAY, end)
        parts.append(pd.DataFrame({"person": person, "benefit": name, "start_on": start, "end_on": end}))
    return pd.concat(parts, ignore_index=True)


def health_contacts(history: History, rng: np.random.Generator) -> pd.DataFrame:
    """Contacts in the year before and the year after randomisation; frequent for some, none for others."""
    n = len(history.ended_on)
    need = rng.gamma(1.0, 1.0, n)
    parts = []
    for name, rate in CONTACTS.items():
        person = np.repeat(np.arange(n), rng.poisson(24 * rate * need))
        date = history.people.randomised_on[person] + rng.integers(-365, 366, len(person))
        parts.append(pd.DataFrame({"person": person, "contact": name, "date": date}))
    rows = pd.concat(parts, ignore_index=True)
    return rows[~(rows["date"].to_numpy().astype("datetime64[D]") > history.ended_on[rows["person"]])]


def services(history: History, rng: np.random.Generator) -> pd.DataFrame:
    """The service of the arm, soon after randomisation; for some of the reference arm after month 12."""
    plan, people = history.plan, history.people
    is_reference, luck = people.arm == 0, rng.random(len(people.arm))
    starts = np.where(is_reference, luck < plan.other_arms_service_share, luck < 0.92) & (people.centre >= 0)
    wait = np.where(is_reference, 366 + rng.integers(0, 400, len(luck)), rng.integers(0, 45, len(luck)))
    start = people.randomised_on + wait
    person = np.flatnonzero(starts & ~(start > history.ended_on))
    names = np.array([plan.treatments[0], *plan.treatments])
    end = np.fmin(start + np.floor(rng.exponential(280, len(luck))).astype(int), history.ended_on)
    end = np.where((rng.random(len(luck)) < 0.1) & np.isnat(history.ended_on), NO_DAY, end)
    return pd.DataFrame(
        {"person": person, "service": names[people.arm[person]], "start_on": start[person], "end_on": end[person]}
    )


RECORDS: dict[str, Callable[[History, np.random.Generator], pd.DataFrame]] = {
    "education": education,
    "income": income,
    "benefits": benefits,
    "health_contacts": health_contacts,
    "services": services,
}
