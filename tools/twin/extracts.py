"""Turn persons and months into register extracts and write them, byte for byte the same."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from tools.twin import background
from tools.twin.jobs import Spell, person_spells, subsidy_spells
from tools.twin.people import People, days, left_on, persons_table, trial_table
from tools.twin.regression import Ints
from tools.twin.schooling import education_table
from tools.twin.timeline import NO_DAY

N_JOB_TRIES = 200


def all_extracts(people: People, rng: np.random.Generator) -> dict[str, pd.DataFrame]:
    """Every extract of the twin, by name."""
    died, emigrated = left_on(people, rng)
    spells, subsidies = working_lives(people, rng)
    left = np.where(died != NO_DAY, died, emigrated)
    tables = {
        "trial": trial_table(people),
        "persons": persons_table(people, died, emigrated),
        "employment": employment_table(people, spells, left),
        "wage_subsidy": subsidy_table(people, subsidies, rng),
        "education": education_table(people, rng),
        "benefits": background.benefits_table(people, rng),
        "income": background.income_table(people, left, rng),
        "health_contacts": background.contacts_table(people, rng),
        "services": background.services_table(people, rng),
    }
    return {name: _within_life(table, people, left) for name, table in tables.items()}


def working_lives(people: People, rng: np.random.Generator) -> tuple[list[Spell], list[tuple[int, int, int]]]:
    """Dated jobs and subsidies of everybody."""
    line = people.timeline
    jobs: list[Spell] = []
    subsidies: list[tuple[int, int, int]] = []
    for person in range(len(people.person_id)):
        subsidised = line.subsidised[person]
        at_work = line.ordinary[person] | (0 if line.is_jobless[person] else subsidised)
        spells = _person(people, person, at_work, rng)
        jobs += spells
        subsidies += subsidy_spells(person, subsidised, spells, rng)
    return jobs, subsidies


def _person(people: People, person: int, at_work: Ints, rng: np.random.Generator) -> list[Spell]:
    """Jobs of one person; an excluded person's must cover the day of randomisation."""
    day = int(people.randomised_on[person])
    for _ in range(N_JOB_TRIES):
        spells = person_spells(person, at_work, rng)
        if people.is_analysed[person] or any(s.start <= day and (s.end == NO_DAY or s.end >= day) for s in spells):
            return spells
    raise RuntimeError("no dating of the jobs covers the day of randomisation")


def employment_table(people: People, spells: list[Spell], left: Ints) -> pd.DataFrame:
    """Make the employment register; the last job of some who left stays open."""
    rows = [s for s in spells if left[s.person] == NO_DAY or s.start <= left[s.person]]
    person = np.array([s.person for s in rows])
    end = np.array([s.end for s in rows])
    gone = left[person]
    # A job that runs into the month of leaving was never closed: the register learns of it late.
    month = gone.astype("datetime64[D]").astype("datetime64[M]").astype("datetime64[D]")
    is_open = (gone != NO_DAY) & (end != NO_DAY) & (end >= month.astype(np.int64))
    hours = pd.Series([s.weekly_hours for s in rows], dtype="float64")
    return pd.DataFrame(
        {
            "person_id": [people.person_id[i] for i in person],
            "employer_id": [f"E{700000 + 37 * s.employer % 9973}" for s in rows],
            "start_on": days(np.array([s.start for s in rows])),
            "end_on": days(np.where(is_open, NO_DAY, end)),
            "weekly_hours": hours,
            "kind": [s.kind for s in rows],
        }
    )


def subsidy_table(people: People, subsidies: list[tuple[int, int, int]], rng: np.random.Generator) -> pd.DataFrame:
    """Make the register of wage subsidies."""
    person, start, end = (np.array(column) for column in zip(*subsidies, strict=True))
    lasting = rng.random(len(person)) < 0.15
    return pd.DataFrame(
        {
            "person_id": [people.person_id[i] for i in person],
            "start_on": days(start),
            "end_on": days(end),
            "measure": np.where(lasting, "permanent_wage_subsidy", "temporary_wage_subsidy"),
        }
    )


def _within_life(table: pd.DataFrame, people: People, left: Ints) -> pd.DataFrame:
    """Drop rows that begin after a person died or emigrated; close spells that ran on."""
    gone = dict(zip(people.person_id, left.tolist(), strict=True))
    limit = days(np.array([gone[key] for key in table["person_id"]]))
    begin = next((name for name in ("start_on", "date", "completed_on") if name in table), None)
    if begin is None:
        return table
    late = (table[begin] > limit).fillna(False).astype(bool)
    kept = table[~late].copy()
    if "end_on" in kept and "employer_id" not in kept:
        over = (kept["end_on"].isna() | (kept["end_on"] > limit[~late])) & limit[~late].notna()
        kept["end_on"] = kept["end_on"].where(~over.fillna(False).astype(bool), limit[~late])
    return kept


def write(tables: Mapping[str, pd.DataFrame], folder: Path) -> None:
    """Write each extract sorted, with fixed options and without library metadata."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, table in tables.items():
        ordered = table.sort_values(list(table.columns), kind="stable", na_position="last")
        arrow = pa.Table.from_pandas(ordered, preserve_index=False).replace_schema_metadata(None)
        pq.write_table(
            _plain(arrow),
            folder / f"{name}.parquet",
            compression="zstd",
            compression_level=9,
            version="2.6",
            store_schema=False,
        )


def _plain(table: pa.Table) -> pa.Table:
    """Ordinary strings instead of the large strings of pandas."""
    fields = [pa.field(f.name, pa.string() if pa.types.is_large_string(f.type) else f.type) for f in table.schema]
    return table.cast(pa.schema(fields))
