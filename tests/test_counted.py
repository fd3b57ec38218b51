"""Rows by value and file, of whole deliveries: read, or told by the footer where it shows one value only."""

from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ipseval.registers import extracts
from ipseval.registers.delivered import Delivery, describe
from ipseval.registers.extracts import FILE

COLUMNS: dict[str, pa.Array] = {
    "one text": pa.array(["201301"] * 30),
    "one number": pa.array([201301] * 30),
    "one day": pa.array([date(2013, 1, 1)] * 30),
    "two texts": pa.array(["201301"] * 29 + ["201302"]),
    "two numbers": pa.array([201301] * 29 + [201302]),
    "one and none": pa.array(["201301"] * 29 + [None]),
    "none": pa.array([None] * 30, pa.string()),
    "long": pa.array(["2013-01-01T00:00:00.000"] * 30),
    "not a number": pa.array([2013.0] * 29 + [np.nan]),
    "fractions": pa.array([2013.5] * 30),
    "dictionary": pa.array(["201301"] * 30).dictionary_encode(),
    "truth": pa.array([True] * 30),
}


def delivery(folder: Path, **written: bool) -> Delivery:
    paths = []
    for number, column in enumerate(COLUMNS.values()):
        paths.append(folder / f"jobs_{number:02d}.parquet")
        pq.write_table(pa.table({"month": column}), paths[-1], row_group_size=10, **written)
    found = describe(folder, "jobs", paths)
    assert found is not None
    return found


def counted(own: Delivery) -> dict[tuple[int, str], int]:
    frames = [part.table.to_pandas() for part in extracts.count_by(own, ["month"])]
    rows = pd.concat([frame.assign(value=frame["value"].map(str)) for frame in frames])
    return {(file, value): n for file, value, n in zip(rows[FILE], rows["value"], rows["n_rows"], strict=True)}


@pytest.mark.parametrize("has_statistics", [True, False])
def test_every_row_is_counted_once_by_file_and_value(has_statistics: bool, tmp_path: Path) -> None:
    expected: dict[tuple[int, str], int] = {}
    for number, column in enumerate(COLUMNS.values()):
        for value in column.to_pandas().map(str):
            expected[number, value] = expected.get((number, value), 0) + 1
    assert counted(delivery(tmp_path, write_statistics=has_statistics)) == expected


def test_what_the_footer_tells_is_not_read(tmp_path: Path) -> None:
    own = delivery(tmp_path)
    told = [name for name, file in zip(COLUMNS, own.files, strict=True) if file.only_value("month") is not None]
    assert told == ["one text", "one number", "one day"]
    pages = bytearray(own.files[0].path.read_bytes())
    pages[4:40] = bytes(36)
    own.files[0].path.write_bytes(pages)
    part = extracts.count_by(Delivery("jobs", tmp_path, own.files[:1]), ["month"])
    assert [p.table.to_pylist() for p in part] == [[{"value": "201301", "n_rows": 30, FILE: 0}]]


def test_of_two_columns_of_one_name_none_is_told_by_the_footer(tmp_path: Path) -> None:
    one, two = (pa.array([month] * 3) for month in ("201301", "201302"))
    pq.write_table(pa.Table.from_arrays([one, two], ["month", "month"]), tmp_path / "jobs.parquet")
    own = describe(tmp_path, "jobs", [tmp_path / "jobs.parquet"])
    assert own is not None and own.files[0].only_value("month") is None
    assert counted(own) == {(0, "201301"): 3}
