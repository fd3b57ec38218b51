"""Who the persons are: keys, dates of birth and randomisation, illness, education, death."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from tools.twin import counts
from tools.twin.months import effect_within
from tools.twin.published import MONTHS
from tools.twin.regression import Floats, Ints, Roster
from tools.twin.timeline import FIRST_MONTH, NO_DAY, Timeline

DAYS_PER_YEAR = 365.25
# Severe mental illness: persons among the analysed; 36 of 48 prints .75, 13 of 64 prints .20.
SEVERE = (36, 27, 22, 12, 15, 13)
SEVERE_EFFECTS = np.array([0.145, 0.055])  # aimed at: severely ill, others
N_DRAWS = 200
N_DIED, N_EMIGRATED = 3, 3


@dataclass(frozen=True)
class People:
    """All randomised persons. Days since 1970-01-01; the first rows are the analysed."""

    roster: Roster
    timeline: Timeline
    is_analysed: Ints
    person_id: list[str]
    randomised_on: Ints
    severe: Ints


def join(analysed: tuple[Roster, Timeline], excluded: tuple[Roster, Timeline], rng: np.random.Generator) -> People:
    """Put analysed and excluded persons together and give them keys and days."""
    pairs = list(zip(*(vars(part[0]).values() for part in (analysed, excluded)), strict=True))
    roster = Roster(*(np.concatenate(pair) for pair in pairs))
    lines = list(zip(*(vars(part[1]).values() for part in (analysed, excluded)), strict=True))
    timeline = Timeline(*(np.concatenate(pair) for pair in lines))
    is_analysed = (np.arange(len(roster)) < len(analysed[0])).astype(np.int64)
    keys = rng.choice(np.arange(10000, 100000), len(roster), replace=False)
    severe = _severe(roster, timeline, is_analysed, rng)
    days = _randomised_on(roster.first_month, rng)
    return People(roster, timeline, is_analysed, [f"P{key}" for key in keys], days, severe)


def _randomised_on(first_month: Ints, rng: np.random.Generator) -> Ints:
    """Draw a weekday of the month of randomisation."""
    month = np.datetime64("1970-01", "M") + (first_month - 1970 * 12)
    first = month.astype("datetime64[D]")
    days = first + rng.integers(0, 26, len(first_month))
    return np.busday_offset(days, 0, roll="forward").astype(np.int64)


def _severe(roster: Roster, timeline: Timeline, is_analysed: Ints, rng: np.random.Generator) -> Ints:
    """Severe illness by centre: of many draws the one nearest to the effects aimed at."""
    zero = roster.first_month - FIRST_MONTH
    worked = np.array([timeline.ordinary[i, z : z + MONTHS].mean() for i, z in enumerate(zero)])
    here = is_analysed == 1
    inside = Roster(*(column[here] for column in vars(roster).values()))

    def distance(severe: Ints) -> float:
        groups = (severe[here] == 1, severe[here] == 0)
        reached = [effect_within(inside, worked[here], group) for group in groups]
        return round(float(np.square(np.array(reached) - SEVERE_EFFECTS).sum()), 12)

    return min((_draw_severe(roster, here, rng) for _ in range(N_DRAWS)), key=distance)


def _draw_severe(roster: Roster, here: NDArray[np.bool_], rng: np.random.Generator) -> Ints:
    """Draw the severely ill: exact numbers by centre among the analysed, like shares by arm."""
    severe = np.zeros(len(roster), dtype=np.int64)
    for centre, total in enumerate(SEVERE, start=1):
        members = [np.flatnonzero(here & (roster.cell == 2 * (centre - 1) + arm)) for arm in (0, 1)]
        n_control = round(total * len(members[0]) / sum(map(len, members)))
        for group, number in zip(members, (n_control, total - n_control), strict=True):
            severe[rng.permutation(group)[:number]] = 1
    others = np.flatnonzero(~here)
    severe[others] = rng.random(len(others)) < 0.35
    return severe


def left_on(people: People, rng: np.random.Generator) -> tuple[Ints, Ints]:
    """Days of death and of emigration (``NO_DAY`` for none), after the last month at work.

    One of each leaves in the very month of the last job, so that an open job ends there.
    """
    line = people.timeline
    busy = (line.ordinary | line.subsidised).astype(bool)
    last = np.array([int(np.flatnonzero(row).max(initial=0)) for row in busy])
    since = last - (people.roster.first_month - FIRST_MONTH)
    quiet = np.flatnonzero((since >= 14) & (since <= 38))
    analysed = people.is_analysed[quiet] == 1
    chosen = rng.permutation(quiet[analysed])[: N_DIED + N_EMIGRATED]
    chosen[N_DIED - 1] = rng.choice(quiet[~analysed])
    died, emigrated = (np.full(len(since), NO_DAY, dtype=np.int64) for _ in range(2))
    for number, person in enumerate(chosen):
        target = died if number < N_DIED else emigrated
        gap = 0 if number in (0, N_DIED) else int(rng.integers(1, 40 - since[person] + 1))
        month = np.datetime64("1970-01", "M") + (FIRST_MONTH + last[person] + gap - 1970 * 12)
        day = 27 if gap == 0 else int(rng.integers(0, 28))
        target[person] = int(month.astype("datetime64[D]").astype(np.int64)) + day
    return died, emigrated


def days(values: Ints) -> pd.Series:
    """Dates from days since 1970-01-01; ``NO_DAY`` becomes a missing date."""
    array = np.asarray(values, dtype=np.int32)
    dates = pa.array(array, mask=array == NO_DAY).cast(pa.date32())
    return pd.Series(pd.arrays.ArrowExtensionArray(dates))


def trial_table(people: People) -> pd.DataFrame:
    """Make the trial list: centre, arm, day of randomisation, illness at baseline."""
    roster = people.roster
    return pd.DataFrame(
        {
            "person_id": people.person_id,
            "centre": [str(number) for number in roster.centre],
            "arm": np.where(roster.assigned == 1, "ips", "control"),
            "randomised_on": days(people.randomised_on),
            "severe_mental_illness": pd.array(people.severe, dtype="Int8"),
        }
    )


def birth_days(people: People) -> Ints:
    """Days of birth that give every person the age of the design."""
    lived: Floats = np.rint(people.roster.age * DAYS_PER_YEAR)
    return people.randomised_on - lived.astype(np.int64)


def persons_table(people: People, died: Ints, emigrated: Ints) -> pd.DataFrame:
    """Make the population register."""
    native = pd.Series(people.roster.native).astype("Int8")
    return pd.DataFrame(
        {
            "person_id": people.person_id,
            "birth_date": days(birth_days(people)),
            "sex": np.where(people.roster.female == 1, "female", "male"),
            "native_born": native,
            "died_on": days(died),
            "emigrated_on": days(emigrated),
        }
    )


def category_counts(centre: int) -> tuple[int, ...]:
    """Analysed persons by education: compulsory, started, completed, higher."""
    return counts.EDUCATION[centre - 1]
