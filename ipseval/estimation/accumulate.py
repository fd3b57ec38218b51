"""What persons have accumulated by chosen months after randomisation: months in work, hours, employers, jobs."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from ipseval.config import Cohort
from ipseval.panel import outcome_matrix
from ipseval.registers.distinct import numbered, positions
from ipseval.registers.spells import FOREVER, merge

SIXTEENTH = 16  # the day of a month on which hours are measured
NOT_DELIVERED = "{} was not delivered"

ADJUST = ("age", "female")  # what adjusted differences of persons hold beside centre, as the analysis by_month does


@dataclass(frozen=True)
class Accumulated:
    """One outcome of n persons by each of H months.

    Parameters
    ----------
    name : str
    month_from : int
        First month that counts.
    values : float array, n x H
        Missing for persons who are not observed in all of the months.
    lacking : str
        Why the outcome is nobody's; empty when it was delivered.
    notes : tuple of str, length H
    """

    name: str
    month_from: int
    values: np.ndarray
    lacking: str
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Dated:
    """Spells: row of the person, first and last day (datetime64[D]), and the person's month of randomisation."""

    person: np.ndarray
    start: np.ndarray
    end: np.ndarray
    month_0: np.ndarray

    def month(self, day: np.ndarray) -> np.ndarray:
        """Months since randomisation of a day a spell."""
        return day.astype("datetime64[M]").astype("int64") - self.month_0[self.person]

    def counted(self, shift: int = 0) -> tuple[np.ndarray, np.ndarray]:
        """First and last month in which a spell covers any day, or the day ``shift`` when that is given."""
        if not shift:
            return self.month(self.start), self.month(self.end)
        return self.month(self.start - shift) + 1, self.month(self.end - (shift - 1))


@dataclass(frozen=True)
class Spells:
    """Employment of n persons.

    Parameters
    ----------
    told : DataFrame
        Spells with the number of the ``person``, and of the ``employer`` where they were delivered.
    unknown : Dated
        Spells of days on which nothing is known.
    day : array of datetime64[D], length n
        Of randomisation.
    """

    told: pd.DataFrame
    unknown: Dated
    day: np.ndarray

    @property
    def month_0(self) -> np.ndarray:
        """Calendar months (since 1970-01) of randomisation; int, length n."""
        return self.day.astype("datetime64[M]").astype("int64")

    @property
    def has_employers(self) -> bool:
        """Whether employers were delivered."""
        return "employer" in self.told

    def dated(self, spells: pd.DataFrame) -> Dated:
        """Some spells with their days."""
        return _dated(spells, self.month_0)


def spells_of(people: pd.DataFrame, employment: pd.DataFrame) -> Spells:
    """The spells of some persons; arguments as of :func:`accumulated`."""
    spells, day = _numbered(employment, pd.Index(people["person_id"])), people["randomised_on"].to_numpy()
    is_observed = spells["is_observed"] == 1
    unknown = _dated(spells[~is_observed], day.astype("datetime64[M]").astype("int64"))
    return Spells(spells if is_observed.all() else spells[is_observed], unknown, day.astype("datetime64[D]"))


def accumulated(
    cohort: Cohort, people: pd.DataFrame, states: np.ndarray, panel: pd.DataFrame, employment: pd.DataFrame
) -> tuple[Accumulated, ...]:
    """Every outcome by every month of ``follow.months``.

    Parameters
    ----------
    cohort : Cohort
    people : DataFrame
        The n analysed persons.
    states : int8 array, n x (after + 1)
        Ordinary employment in months 0..after.
    panel : DataFrame
        See :func:`ipseval.panel.panel`.
    employment : DataFrame
        Cleaned spells: ``person_id``, ``start_on``, ``end_on``, ``is_observed``; ``employer_id`` and ``weekly_hours``
        where they were delivered.

    Returns
    -------
    tuple of Accumulated
        ``ordinary_months``, ``weekly_hours``, ``n_employers``, ``n_jobs``.
    """
    persons, months = pd.Index(people["person_id"]), np.array(cohort.follow.months, dtype=int)
    own = spells_of(people, employment)
    spells, month_0 = own.told, own.month_0
    employed = outcome_matrix(panel, "employment", persons, range(cohort.window.after + 1))
    is_known = {since: first_unknown(employed, own.unknown, since)[:, None] > months for since in (0, 1)}
    observed = np.logical_and.accumulate(states[:, 1:] >= 0, axis=1)
    so_far = np.where(observed, np.maximum(states[:, 1:], 0).cumsum(axis=1), np.nan)
    return (
        Accumulated("ordinary_months", 1, so_far[:, months - 1], "", ("",) * len(months)),
        _weekly_hours(spells, month_0, months, is_known[1]),
        *_employers(spells, people, month_0, months, is_known),
    )


def _numbered(employment: pd.DataFrame, persons: pd.Index) -> pd.DataFrame:
    """The persons' spells with numbers for the texts, which take most of the memory: ``person``, ``employer``."""
    row = positions(persons, employment["person_id"])
    numbers = {"person": row}
    if "employer_id" in employment:
        numbers["employer"] = numbered(employment["employer_id"])[0]
    spells = employment.drop(columns=["person_id", "employer_id"], errors="ignore").assign(**numbers)
    return spells if (row >= 0).all() else spells[row >= 0]


def _dated(spells: pd.DataFrame, month_0: np.ndarray) -> Dated:
    start, end = (spells[name].fillna(FOREVER).to_numpy().astype("datetime64[D]") for name in ("start_on", "end_on"))
    return Dated(spells["person"].to_numpy(), start, end, month_0)


def first_unknown(states: np.ndarray, unknown: Dated, since: int) -> np.ndarray:
    """First month from ``since`` on of which not all is known; the month after the last when all is.

    Parameters
    ----------
    states : int8 array, n x T
        Employment in months 0..T-1; -1 is missing.
    unknown : Dated
        Spells of days on which nothing is known.
    since : int

    Returns
    -------
    int array, length n
    """
    ended = np.pad(states < 0, ((0, 0), (0, 1)), constant_values=True)
    found = ended[:, since:].argmax(axis=1) + since
    first, last = unknown.counted()
    first = np.maximum(first, since)
    inside = first <= last
    np.minimum.at(found, unknown.person[inside], first[inside])
    return found


def _weekly_hours(spells: pd.DataFrame, month_0: np.ndarray, months: np.ndarray, is_known: np.ndarray) -> Accumulated:
    """Mean agreed hours over months 1..h: those of all jobs that cover the 16th, 0 without a job.

    # ASSUME: agreed hours on the 16th stand for the month; those of all jobs are added up, subsidised or not.
    # ASSUME: a person with a job of unknown hours on a 16th has no mean: the others stand for that person.
    """
    name = "weekly_hours"
    if name not in spells or spells[name].isna().all():
        return _not_delivered(name, 1, name, is_known)
    dated, hours = _dated(spells, month_0), spells[name].to_numpy(dtype=float)
    first, last = dated.counted(SIXTEENTH)
    n, values, notes = len(month_0), np.full(is_known.shape, np.nan), []
    for j, h in enumerate(months):
        days = np.clip(np.minimum(last, h) - np.maximum(first, 1) + 1, 0, None)
        total = np.bincount(dated.person, np.nan_to_num(hours) * days, n)
        lacks = np.bincount(dated.person, np.isnan(hours) & (days > 0), n) > 0
        values[:, j] = np.where(is_known[:, j] & ~lacks, total / h, np.nan)
        n_left_out = int((is_known[:, j] & lacks).sum())
        notes.append(f"left out for unknown hours: {n_left_out} of {n} persons" if n_left_out else "")
    return Accumulated(name, 1, values, "", tuple(notes))


def _employers(
    spells: pd.DataFrame, people: pd.DataFrame, month_0: np.ndarray, months: np.ndarray, is_known: dict[int, np.ndarray]
) -> tuple[Accumulated, ...]:
    """Distinct employers with a job in months 1..h, and jobs begun after the day of randomisation, up to month h.

    # ASSUME: spells without an employer are of one unnamed employer; spells of one that touch are one job.
    """
    if "employer" not in spells:
        lacking = [("n_employers", 1), ("n_jobs", 0)]
        return tuple(_not_delivered(name, since, "employer_id", is_known[since]) for name, since in lacking)
    randomised_on = people["randomised_on"].to_numpy().astype("datetime64[D]")
    dated = _dated(spells, month_0)
    near = (dated.end >= randomised_on[dated.person]) & (dated.month(dated.start) <= months.max(initial=0))
    merged = merge(spells.loc[near, ["person", "employer", "start_on", "end_on"]], ["person", "employer"])
    jobs = _dated(merged, month_0)
    first, last = jobs.counted()
    active = pd.DataFrame({"person": jobs.person, "employer": merged["employer"], "first": np.maximum(first, 1)})
    met = active[last >= 1].groupby(["person", "employer"])["first"].min().reset_index()
    begun = jobs.start > randomised_on[jobs.person]
    counted = {
        ("n_employers", 1): (met["person"].to_numpy(), met["first"].to_numpy()),
        ("n_jobs", 0): (jobs.person[begun], first[begun]),
    }
    notes = ("",) * len(months)
    return tuple(
        Accumulated(name, since, np.where(is_known[since], _so_many(*pair, months, len(people)), np.nan), "", notes)
        for (name, since), pair in counted.items()
    )


def _so_many(person: np.ndarray, month: np.ndarray, months: np.ndarray, n: int) -> np.ndarray:
    """Entries of each person up to each month, n x H."""
    counts = [np.bincount(person[month <= h], minlength=n) for h in months]
    return np.column_stack([*counts, np.zeros((n, 0))])


def _not_delivered(name: str, month_from: int, column: str, is_known: np.ndarray) -> Accumulated:
    lacking = NOT_DELIVERED.format(column)
    return Accumulated(name, month_from, np.full(is_known.shape, np.nan), lacking, (lacking,) * is_known.shape[1])
