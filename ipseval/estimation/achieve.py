"""What persons have achieved by chosen months after randomisation: an outcome ever, kept, and how long they waited."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ipseval.estimation.accumulate import Spells, first_unknown
from ipseval.registers.spells import merge

EVER, MONTHS, KEPT_6, KEPT_26_WEEKS, WAITING = "ever", "months", "kept_6", "kept_26_weeks", "waiting_days"
SIX = 6  # months in a row
WEEKS_26 = 182  # days
NEVER = np.iinfo(np.int32).max  # month in which something is complete that never is
NOT_DELIVERED, NO_DAYS, NO_JOBS = "not_delivered", "no_days", "no_jobs"


@dataclass(frozen=True)
class Achieved:
    """One measure of n persons by each of H months.

    Parameters
    ----------
    outcome, measure : str
    values : float array, n x H
        Missing for persons of whom it is not known.
    lacking : str
        A status: why it is nobody's; empty where it is known of somebody.
    """

    outcome: str
    measure: str
    values: np.ndarray
    lacking: str = ""


def of_months(outcome: str, states: np.ndarray, months: np.ndarray) -> Iterator[Achieved]:
    """What the months of an outcome tell: ``ever``, ``months`` and ``kept_6``.

    Who has achieved it has done so whatever the months after it are; of others all months up to the chosen one must be
    known, for they have not.

    Parameters
    ----------
    outcome : str
    states : int8 array, n x (after + 1)
        Of months 0..after: 1, 0 and -1 (missing). Month 0 does not count.
    months : int array, length H
    """
    yes, known = states[:, 1:] == 1, np.logical_and.accumulate(states[:, 1:] >= 0, axis=1)
    yield Achieved(outcome, EVER, _by(yes, known, months))
    yield Achieved(outcome, MONTHS, np.where(known, yes.cumsum(axis=1), np.nan)[:, months - 1])
    so_many = np.pad(yes.cumsum(axis=1), ((0, 0), (SIX, 0)))
    yield Achieved(outcome, KEPT_6, _by(so_many[:, SIX:] - so_many[:, :-SIX] == SIX, known, months))


def _by(reached: np.ndarray, known: np.ndarray, months: np.ndarray) -> np.ndarray:
    """1 for who has reached it in one of the months 1..h, 0 for who is known not to have; n x H."""
    has = np.logical_or.accumulate(reached, axis=1)
    return np.where(has, 1.0, np.where(known, 0.0, np.nan))[:, months - 1]


def first_job_kept(outcome: str, states: np.ndarray, spells: Spells, months: np.ndarray) -> Achieved:
    """Whether the first ordinary job lasts 26 weeks that are complete by a month.

    The first job is the one that has a day in the first month with the outcome; where several have, the one that begins
    first, and of those the longest. It counts from the day after randomisation and from that month on.

    # ASSUME: spells without an employer are of one unnamed employer; spells of one that touch are one job.
    # ASSUME: a first job is kept where the outcome holds in its months, through whichever job, until 182 days are over.

    Parameters
    ----------
    outcome : str
    states : int8 array, n x (after + 1)
        Of months 0..after; month 0 without what was over on the day of randomisation.
    spells : Spells
    months : int array, length H
    """
    if not spells.has_employers:
        return Achieved(outcome, KEPT_26_WEEKS, np.full((len(states), len(months)), np.nan), NOT_DELIVERED)
    first = np.where((states == 1).any(axis=1), (states == 1).argmax(axis=1), NEVER)
    done = _complete(first, spells)
    held = np.pad((states == 1).cumsum(axis=1), ((0, 0), (1, 0)))  # before each month
    row, last = np.arange(len(states)), np.minimum(done, states.shape[1])  # later than the window is never
    has_all = (done < NEVER) & (held[row, last] - held[row, np.minimum(first, last)] == last - first)
    unknown = first_unknown(states, spells.unknown, 0)
    is_kept = (has_all & (done < unknown))[:, None] & (done[:, None] <= months)
    return Achieved(outcome, KEPT_26_WEEKS, np.where(is_kept, 1.0, np.where(unknown[:, None] > months, 0.0, np.nan)))


def _complete(first: np.ndarray, spells: Spells) -> np.ndarray:
    """Month in which 26 weeks of each person's first job are complete; ``NEVER``.

    Parameters
    ----------
    first : int array, length n
        First month with the outcome; ``NEVER``.
    spells : Spells
    """
    done = np.full(len(first), NEVER)
    merged = merge(spells.told[["person", "employer", "start_on", "end_on"]], ["person", "employer"])
    jobs = spells.dated(merged)
    jobs_first = first[jobs.person]
    begins = (jobs.month_0[jobs.person] + np.where(jobs_first < NEVER, jobs_first, 0)).astype("datetime64[M]")
    start = np.maximum(np.maximum(jobs.start, spells.day[jobs.person] + 1), begins.astype("datetime64[D]"))
    is_first = (jobs_first < NEVER) & (start <= jobs.end) & (jobs.month(start) == jobs_first)
    order = np.lexsort((-jobs.end.astype("int64"), start.astype("int64"), jobs.person))
    order = order[is_first[order]]
    person, at = np.unique(jobs.person[order], return_index=True)
    chosen = order[at]
    end = start + (WEEKS_26 - 1)
    done[person] = np.where(jobs.end[chosen] >= end[chosen], jobs.month(end)[chosen], NEVER)
    return done


def waited(people: pd.DataFrame, services: pd.DataFrame) -> np.ndarray:
    """Days from randomisation to the first service of each person, 0 where one ran on the day; missing without any.

    Parameters
    ----------
    people : DataFrame
        n persons: ``person_id``, ``randomised_on``.
    services : DataFrame
        Spells of the treatment: ``person_id``, ``start_on``, ``end_on``. Those that were over at randomisation are
        none.
    """
    found = services.merge(people[["person_id", "randomised_on"]].assign(row=np.arange(len(people))), on="person_id")
    found = found[~(found["end_on"] < found["randomised_on"])]
    days = (found["start_on"] - found["randomised_on"]).dt.days.clip(lower=0)
    return days.groupby(found["row"]).min().reindex(range(len(people))).to_numpy(dtype=float)
