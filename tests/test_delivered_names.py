"""Columns as they are called in a delivery: exact names first, places and not names for DuckDB, nothing left unsaid."""

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest

from deliveries import Delivery, Outcome, good, outcome
from ipseval.check import examine
from ipseval.errors import UserError
from ipseval.settings import read_cohort
from spoiling import in_files, rename

Spoil = Callable[[Delivery], object]


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    return outcome(good().write(tmp_path_factory.mktemp("good")))


def after(spoil: Spoil, folder: Path) -> Outcome:
    delivery = good()
    spoil(delivery)
    return outcome(delivery.write(folder))


def beside(table: pa.Table, name: str, column: str, at: int) -> pa.Table:
    """The table with another person's value of a column under another name, at a place."""
    return table.add_column(at, name, pa.chunked_array([table[column].combine_chunks()[::-1]]))


def add(extract: str, name: str, column: str, at: int = 0) -> Spoil:
    return lambda d: d.tables.update({extract: beside(d.tables[extract], name, column, at)})


def upper(delivery: Delivery, *extracts: str) -> None:
    for extract in extracts:
        table = delivery.tables[extract]
        delivery.tables[extract] = table.rename_columns([name.upper() for name in table.column_names])


def findings(found: Outcome, extract: str, rule: str) -> list[dict[str, object]]:
    table = found.quality
    return table[(table["extract"] == extract) & (table["rule"] == rule)].to_dict("records")


@pytest.mark.parametrize("at", [0, 1, 6])
@pytest.mark.parametrize("column", ["person_id", "start_on", "weekly_hours"])
def test_the_column_of_exactly_the_name_is_read_wherever_it_stands(
    column: str, at: int, expected: Outcome, tmp_path: Path
) -> None:
    found = after(add("employment", column.upper(), column, at), tmp_path)
    pd.testing.assert_frame_equal(found.panel, expected.panel)
    assert [row["action"] for row in findings(found, "employment", "similar_columns")] == ["warn"]


def test_files_of_one_extract_may_have_their_columns_in_another_order(expected: Outcome, tmp_path: Path) -> None:
    def spoil(delivery: Delivery) -> None:
        in_files()(delivery)
        names = [name for name in delivery.files if name.startswith("employment/")]
        for i, name in enumerate(names):
            table = delivery.files[name]
            order = table.column_names[i % 3 :] + table.column_names[: i % 3]
            delivery.files[name] = beside(table.select(order), "Person_ID", "person_id", i % 2)

    pd.testing.assert_frame_equal(after(spoil, tmp_path).panel, expected.panel)


def test_names_in_capitals_are_read_and_told(expected: Outcome, tmp_path: Path) -> None:
    found = after(lambda d: upper(d, "trial", "employment", "wage_subsidy", "persons"), tmp_path)
    pd.testing.assert_frame_equal(found.panel, expected.panel)
    told = {row["column"] for row in findings(found, "employment", "other_capitals")}
    assert told == {"person_id", "employer_id", "start_on", "end_on", "weekly_hours", "kind"}


def test_of_two_names_that_differ_in_capitals_only_none_is_guessed(tmp_path: Path) -> None:
    delivery = good()
    add("employment", "Start_On", "start_on")(delivery)
    rename("employment", start_on="START_ON")(delivery)
    with pytest.raises(UserError, match=r"employment.parquet has no column 'start_on'.*Did you mean 'START_ON'"):
        outcome(delivery.write(tmp_path))


def test_a_name_that_stands_twice_stops_unless_asked_for(expected: Outcome, tmp_path: Path) -> None:
    delivery = good()
    add("employment", "start_on", "start_on", at=6)(delivery)
    with pytest.raises(UserError, match=r"employment.parquet has several columns of one name: start_on\."):
        outcome(delivery.write(tmp_path))
    delivery.config["checks"] = {"duplicate_column": "warn"}
    pd.testing.assert_frame_equal(outcome(delivery.write(tmp_path)).panel, expected.panel)


def test_columns_that_nothing_reads_are_listed_with_type_and_values_of_the_trials_persons(tmp_path: Path) -> None:
    delivery = good()
    table = delivery.tables["employment"]
    half = [i if i % 2 else None for i in range(table.num_rows)]
    table = table.append_column("occupation", pa.array(half, pa.int32()))
    for week in range(5):
        table = table.append_column(f"extra_{week}", pa.array(["x"] * table.num_rows))
    delivery.tables["employment"] = table
    delivery.append("employment", [{"person_id": "nobody", "start_on": None, "occupation": 7}])
    checked = examine(read_cohort(delivery.write(tmp_path)))
    rows = checked.quality[checked.quality["rule"] == "unused_column"].set_index("column")["n_rows"]
    assert rows.to_dict() == {"occupation (int32)": 120, "extra_* (string, 5 columns)": 1200}
    (said,) = [text for _, text in checked.said if "nothing reads" in text]
    assert "occupation (int32, 120 values)" in said


def test_what_was_found_of_the_trial_is_a_number_a_file_and_a_thin_file_is_named(tmp_path: Path) -> None:
    delivery = good()
    in_files()(delivery)
    name = "employment/part1.parquet"
    strange = delivery.files[name]["person_id"].to_pylist()
    keys = [key if i % 40 == 0 else f"X{i}" for i, key in enumerate(strange)]
    delivery.files[name] = delivery.files[name].set_column(0, "person_id", pa.array(keys))
    checked = examine(read_cohort(delivery.write(tmp_path)))
    kept = [key for i, key in enumerate(strange) if i % 40 == 0]
    assert (checked.matched[name].n_rows, checked.matched[name].n_persons) == (len(kept), len(set(kept)))
    (said,) = [text for _, text in checked.said if "far fewer persons" in text]
    assert said.startswith(name)
