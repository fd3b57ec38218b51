"""Conversion of whole columns: what repeats is converted once, and every row gets what it would get alone."""

import pandas as pd
import pyarrow as pa
import pytest

from ipseval.registers.cells import as_code
from ipseval.registers.convert import CONVERTERS, convert
from ipseval.registers.distinct import stacked

VALUES = {
    "text": (["4a", " 1", "007", "", None, "1", "2013-02-28", "2013-02-29", "201302", "01.02.2013", "x"], pa.string()),
    "floats": ([1.0, 2.5, None, -0.0, 201302.0, 20130228.0, float("inf")], pa.float64()),
    "whole numbers": ([1, 0, None, 201302, 20130228, 9], pa.int64()),
    "decimals": ([1, None, 201302], pa.decimal128(12, 2)),
}


@pytest.mark.parametrize("codes", [None, {"1": "0", "4a": "1"}, {"1": "1", "*": "0"}], ids=["", "codes", "others"])
@pytest.mark.parametrize("kind", CONVERTERS)
@pytest.mark.parametrize("name", VALUES)
def test_a_column_is_converted_as_its_rows_are_alone(name: str, kind: str, codes: dict | None) -> None:
    values, arrow = VALUES[name]
    whole = convert(pa.chunked_array([pa.array(values * 3, arrow)]), kind, codes)
    alone = [convert(pa.chunked_array([pa.array([value], arrow)]), kind, codes) for value in values] * 3
    expected = stacked([one.values for one in alone])
    pd.testing.assert_series_equal(whole.values.astype(expected.dtype), expected)
    assert list(whole.failed) == [bool(one.failed[0]) for one in alone]


def test_every_other_code_has_a_code_of_its_own() -> None:
    column = pa.chunked_array([pa.array(["000", "101", None, "564", "000"])])
    flags = convert(column, "flag", {"000": "1", "*": "0"}).values
    assert flags.isna().tolist() == [False, False, True, False, False]
    assert flags.dropna().tolist() == [1, 0, 0, 1]
    assert as_code(column).dropna().tolist() == ["000", "101", "564", "000"]
