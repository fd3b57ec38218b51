"""Mutated deliveries and cohort files: no error of the program, no value of a person, bounded time and memory.

Fifty of each by fixed seeds; ``make fuzz`` tries 500 by seeds that nobody chose, which stand in the names of the tests:
``make fuzz SEED=n MUTATIONS=1`` tries one again.
"""

import os
import random
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from deliveries import good
from fuzz_mutations import (
    CELL,
    EMPLOYER,
    KEY,
    TYPES,
    _written,
    delivery,
    mutated_cohort,
    mutated_delivery,
    of_type,
    watched,
)
from ipseval.check import examine
from ipseval.clean import clean
from ipseval.cohort import select
from ipseval.contracts import EXTRACTS
from ipseval.errors import UserError
from ipseval.panel import panel
from ipseval.registers.dates import as_dates
from ipseval.registers.spells import overlapping
from ipseval.settings import read_cohort

FIRST = int(os.environ.get("IPSEVAL_FUZZ_SEED", "0"))
SEEDS = range(FIRST, FIRST + int(os.environ.get("IPSEVAL_FUZZ", "50")))
TO_THE_PANEL = 10  # of so many deliveries one goes on to the panel


def told(file: Path, is_run: bool = False) -> str:
    """All that the check says about a cohort file and its delivery; stops at what no mistake of a user's may raise."""
    with watched():
        try:
            cohort = read_cohort(file)
            found = examine(cohort)
            if is_run and not found.faults:
                cleaned = clean({name: found.frames.get(name) for name in EXTRACTS})
                panel(cohort, select(cohort, cleaned)["people"], cleaned)
        except UserError as error:
            return str(error)
    return "\n".join([*map(str, found.faults), *(sentence for _, sentence in found.said)])


def assert_no_value(said: str) -> None:
    """Fail when a planted value of a person stands in what was said."""
    assert not [canary for canary in (KEY, EMPLOYER, CELL) if canary in said]


@pytest.mark.parametrize("seed", SEEDS)
def test_a_mutated_delivery_is_checked_without_an_error_of_the_program(seed: int, tmp_path: Path) -> None:
    assert_no_value(told(mutated_delivery(seed, tmp_path), seed % TO_THE_PANEL == 0))


@pytest.mark.parametrize("seed", SEEDS)
def test_a_mutated_cohort_file_is_read_without_an_error_of_the_program(seed: int, tmp_path: Path) -> None:
    assert_no_value(told(mutated_cohort(seed, tmp_path)))


# Types at the end of their range, which ended in errors of the program.
BEYOND = [
    "days beyond",
    "times beyond",
    "nanoseconds before",
    "timestamp ns Europe/Oslo",
    "timestamp us UTC",
    "struct",
    "map",
]


@pytest.mark.parametrize("kind", BEYOND)
@pytest.mark.parametrize(
    ("extract", "column"),
    [
        ("trial", "randomised_on"),
        ("trial", "arm"),
        ("trial", "person_id"),
        ("persons", "died_on"),
        ("employment", "end_on"),
    ],
)
def test_every_type_at_the_end_of_its_range_is_told(kind: str, extract: str, column: str, tmp_path: Path) -> None:
    assert kind in TYPES
    d = delivery("spells")
    of_type(d, extract, column, kind, random.Random(1))
    assert_no_value(told(_written(d, tmp_path)))


def test_the_last_moments_of_a_type_are_their_day() -> None:
    last = {"ns": (2**63 - 1, "2262-04-12"), "s": (253402300799, "9999-12-31")}
    for unit, (value, day) in last.items():
        column = pa.chunked_array([pa.array([value, 0], pa.timestamp(unit, "Europe/Oslo"))])
        made = as_dates(column)
        assert list(made.values.to_numpy().astype("datetime64[D]").astype(str)) == [day, "1970-01-01"]
        assert not made.failed.any()
    beyond = as_dates(pa.chunked_array([pa.array([2**31 - 1, 0], pa.date32())]))
    np.testing.assert_array_equal(beyond.failed, [True, False])


OPTIONAL = [(e.name, c.name) for e in EXTRACTS.values() for c in e.columns if not c.needed]
DELIVERED = [(e, c) for e, c in OPTIONAL if e in good().tables and c in good().tables[e].column_names]


def test_optional_columns_may_lack_each_alone_and_in_pairs_of_an_extract(tmp_path: Path) -> None:
    lacking = [(one, other) for one in DELIVERED for other in DELIVERED if one <= other and one[0] == other[0]]
    assert len(lacking) > 20
    for number, pair in enumerate(lacking):
        d = good()
        for extract, column in set(pair):
            d.tables[extract] = d.tables[extract].drop_columns([column])
        cohort = read_cohort(d.write(tmp_path / str(number)))
        found = examine(cohort)
        assert not found.faults, pair
        cleaned = clean({name: found.frames.get(name) for name in EXTRACTS})
        panel(cohort, select(cohort, cleaned)["people"], cleaned)


@pytest.mark.parametrize(("starts", "expected"), [([None] * 4, []), ([None, 1, 3, None], [2])])
def test_a_job_whose_start_is_not_known_overlaps_no_other(starts: list, expected: list) -> None:
    """As in weeks that cannot be read; it ended in an error of the program."""
    days = pd.to_datetime([None if s is None else f"2013-01-0{s}" for s in starts]).astype("datetime64[s]")
    jobs = pd.DataFrame({"person_id": "a", "start_on": days, "end_on": pd.Timestamp("2013-02-01")})
    assert list(np.flatnonzero(overlapping(jobs))) == expected


def test_a_rule_named_by_a_number_is_no_rule(tmp_path: Path) -> None:
    d = delivery("spells")
    d.config["checks"] = {3: "warn"}
    assert "checks.3 is no rule" in told(_written(d, tmp_path))
