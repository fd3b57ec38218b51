"""An invented trial of national size as Parquet extracts with a cohort file: ``write(folder, n_persons, ...)``.

Spells are short (about 100 a person in ten years) and come in bursts, so that a third of the months have one.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import yaml

OBSERVED = np.datetime64("2009-01-01"), np.datetime64("2018-12-31")
RECRUITED = np.datetime64("2012-11-01"), 730  # first day, days
BURSTS, BURST_DAYS, LONGEST_DAYS = 8, 120, 14
EMPLOYERS = 200_000


@dataclass(frozen=True)
class Persons:
    """Who was randomised: key, day of randomisation and arm of n persons."""

    key: np.ndarray
    randomised_on: np.ndarray
    assigned: np.ndarray


def write(folder: Path, n_persons: int, n_spells: int, n_centres: int, draws: int | None = None) -> Path:
    """Write the extracts and the cohort file; the same for the same numbers. Returns the cohort file."""
    rng = np.random.default_rng(2021)
    data = folder / "extracts"
    data.mkdir(parents=True)
    first, days = RECRUITED
    numbers = rng.permutation(n_persons) + 10_000_000
    persons = Persons(
        np.char.add("P", numbers.astype(str)),
        first + rng.integers(days, size=n_persons),
        rng.random(n_persons) < 0.5,
    )
    centre = rng.integers(1, n_centres + 1, n_persons)
    _trial(data, persons, centre, rng)
    _persons(data, persons, rng)
    _employment(data, persons, n_spells, rng)
    _subsidies_and_services(data, persons, rng)
    settings = {
        "title": f"Invented trial of {n_persons:,} persons",
        "extracts": str(data),
        "observed_from": str(OBSERVED[0])[:7],
        "observed_until": str(OBSERVED[1])[:7],
        "arms": {"reference": "control", "treatments": ["ips"]},
        "centres": {c: f"Centre {c}" for c in range(1, n_centres + 1)},
        "covariates": ["severe_mental_illness"],
    } | ({"randomisation": {"draws": draws}} if draws else {})
    file = folder / "large.yaml"
    file.write_text(yaml.safe_dump(settings, sort_keys=False), encoding="utf-8")
    return file


def _write(folder: Path, extract: str, columns: dict) -> None:
    pq.write_table(pa.table(columns), folder / f"{extract}.parquet")


def _trial(folder: Path, persons: Persons, centre: np.ndarray, rng: np.random.Generator) -> None:
    ill = rng.integers(2, size=len(centre)).astype(np.int8)
    arm = np.where(persons.assigned, "ips", "control")
    columns = {"person_id": persons.key, "centre": centre, "arm": arm, "randomised_on": persons.randomised_on}
    _write(folder, "trial", columns | {"severe_mental_illness": ill})


def _persons(folder: Path, persons: Persons, rng: np.random.Generator) -> None:
    n = len(persons.key)
    born = persons.randomised_on - (rng.uniform(18, 60, n) * 365.25).astype(int)
    sex = np.where(rng.integers(2, size=n), "female", "male")
    died = np.where(rng.random(n) < 0.01, persons.randomised_on + rng.integers(1, 1500, n), np.datetime64("NaT"))
    native = (rng.random(n) < 0.8).astype(np.int8)
    died_on = pa.array(died.astype("datetime64[D]"))
    columns = {"person_id": persons.key, "birth_date": born, "sex": sex, "native_born": native, "died_on": died_on}
    _write(folder, "persons", columns)
    _write(folder, "education", {"person_id": persons.key, "level": rng.integers(1, 8, n)})


def _employment(folder: Path, persons: Persons, n_spells: int, rng: np.random.Generator) -> None:
    """Spells in bursts, in no order; none covers the day of randomisation, so that everybody is analysed."""
    n, span = len(persons.key), (OBSERVED[1] - OBSERVED[0]).astype(int) - BURST_DAYS - LONGEST_DAYS
    bursts = rng.integers(span, size=(n, BURSTS)).astype(np.int32)
    who = rng.integers(n, size=n_spells).astype(np.int32)
    start = bursts[who, rng.integers(BURSTS, size=n_spells)] + rng.integers(BURST_DAYS, size=n_spells).astype(np.int32)
    start = start + OBSERVED[0].astype("datetime64[D]").astype(np.int32)
    end = start + rng.integers(LONGEST_DAYS, size=n_spells).astype(np.int32)
    day = persons.randomised_on.astype("datetime64[D]").astype(np.int32)[who]
    kept = (end < day) | (start > day)
    who, start, end = who[kept], start[kept], end[kept]
    employer = (who * np.int64(7919) + rng.integers(5, size=len(who))) % EMPLOYERS
    columns = {
        "person_id": pa.array(persons.key).take(pa.array(who)),
        "employer_id": pa.array(employer).cast(pa.string()),
        "start_on": pa.array(start, pa.date32()),
        "end_on": pa.array(end, pa.date32()),
        "weekly_hours": rng.choice([7.5, 15.0, 20.0, 37.5], size=len(who)),
    }
    _write(folder, "employment", columns)


def _subsidies_and_services(folder: Path, persons: Persons, rng: np.random.Generator) -> None:
    after = rng.random(len(persons.key)) < 0.2
    start = (persons.randomised_on + rng.integers(-900, 900, len(persons.key)))[after]
    spells = {"person_id": persons.key[after], "start_on": start, "end_on": start + 90}
    _write(folder, "wage_subsidy", spells)
    received = np.where(persons.assigned, rng.random(len(persons.key)) < 0.9, rng.random(len(persons.key)) < 0.05)
    begun = (persons.randomised_on + rng.integers(1, 90, len(persons.key)))[received]
    service = np.full(len(begun), "ips")
    _write(
        folder,
        "services",
        {"person_id": persons.key[received], "service": service, "start_on": begun, "end_on": begun + 400},
    )


def describe(folder: Path) -> pd.Series:
    """Rows of every extract."""
    return pd.Series({f.stem: pq.read_metadata(f).num_rows for f in sorted((folder / "extracts").glob("*.parquet"))})
