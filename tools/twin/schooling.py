"""Education histories: several levels over time, some completed after randomisation."""

from __future__ import annotations

import numpy as np
import pandas as pd

from tools.twin.people import People, birth_days, category_counts, days
from tools.twin.regression import Ints
from tools.twin.timeline import NO_DAY

COMPULSORY, STARTED, COMPLETED, HIGHER = range(4)
N_LATER, N_UNKNOWN = 16, 3


def categories(people: People, rng: np.random.Generator) -> Ints:
    """Education of every person by the day of randomisation, exact by centre for the analysed."""
    roster = people.roster
    category = np.full(len(roster), COMPULSORY, dtype=np.int64)
    low = roster.low_education == 1
    for centre in range(1, 7):
        here = (roster.centre == centre) & people.is_analysed.astype(bool)
        _, n_started, _, n_higher = category_counts(centre)
        category[rng.permutation(np.flatnonzero(here & low))[:n_started]] = STARTED
        finished = np.flatnonzero(here & ~low)
        oldest = finished[np.argsort(-roster.age[finished] + rng.normal(0, 2, len(finished)))]
        category[finished] = COMPLETED
        category[oldest[:n_higher]] = HIGHER
    others = ~people.is_analysed.astype(bool) & ~low
    older = roster.age > 26
    category[others] = np.where(older & (rng.random(len(roster)) < 0.4), HIGHER, COMPLETED)[others]
    return category


def education_table(people: People, rng: np.random.Generator) -> pd.DataFrame:
    """Make the education register: one row a completed level."""
    category = categories(people, rng)
    born, chosen = birth_days(people), people.randomised_on
    excluded = np.flatnonzero(~people.is_analysed.astype(bool))
    unknown = rng.choice(excluded, N_UNKNOWN, replace=False).tolist()
    later = set(rng.choice(len(category), N_LATER, replace=False).tolist()) - set(unknown)
    rows: list[tuple[int, int, int]] = []
    for person, kind in enumerate(category):
        if person in unknown:
            # Level 9 is a register's "unknown"; one person has no record at all.
            day = int(born[person] + 17 * 365)
            rows += [(person, 9, day)] if person != unknown[0] else []
            continue
        history = _history(int(kind), int(born[person]), int(chosen[person]), rng)
        rows += [(person, level, day) for level, day in history]
        if person in later:
            level = (4, 4, 6, 7)[int(kind)]
            rows.append((person, level, int(chosen[person] + rng.integers(1, 1100))))
    return _table(people, rows, rng)


def _history(kind: int, born: int, chosen: int, rng: np.random.Generator) -> list[tuple[int, int]]:
    """Levels and days of completion, all before randomisation."""
    if kind == COMPULSORY and rng.random() < 0.06:
        return [(int(rng.integers(0, 2)), _summer(born, 14, chosen))]
    rows = [(2, _summer(born, 16, chosen))]
    if kind >= STARTED and (kind == STARTED or rng.random() < 0.3):
        rows.append((3, _summer(born, 17, chosen)))
    if kind >= COMPLETED:
        level = 5 if kind == COMPLETED and rng.random() < 0.12 else 4
        rows.append((level, _summer(born, 19 + int(rng.integers(0, 4)) * (level == 5), chosen)))
    if kind == HIGHER:
        rows.append((6, _summer(born, 22 + int(rng.integers(0, 5)), chosen)))
        if rng.random() < 0.35:
            rows.append((int(rng.choice([7, 7, 8])), _summer(born, 25 + int(rng.integers(0, 6)), chosen)))
    return rows


def _summer(born: int, age: int, chosen: int) -> int:
    """Mid-June of the year of a birthday, in any case before randomisation."""
    year = int(np.datetime64(born, "D").astype("datetime64[Y]").astype(np.int64)) + 1970 + age
    return min(int(np.datetime64(f"{year}-06-15").astype(np.int64)), chosen - 20 - age)


def _table(people: People, rows: list[tuple[int, int, int]], rng: np.random.Generator) -> pd.DataFrame:
    """Rows as a table; the date of a few early levels is not known."""
    person, level, day = (np.array(column) for column in zip(*rows, strict=True))
    highest = np.zeros(len(people.person_id), dtype=np.int64)
    np.maximum.at(highest, person, np.where(day < people.randomised_on[person], level, 0))
    is_lost = (level == 2) & (highest[person] >= 4) & (rng.random(len(level)) < 0.04)
    return pd.DataFrame(
        {
            "person_id": [people.person_id[i] for i in person],
            "level": pd.array(level, dtype="Int8"),
            "completed_on": days(np.where(is_lost, NO_DAY, day)),
        }
    )
