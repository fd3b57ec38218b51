"""Conversion of whole columns: what repeats is converted once, and every row gets what it would get alone."""

import pandas as pd
import pyarrow as pa
import pytest

from ipseval.registers.cells import as_code
from ipseval.registers.convert import CONVERTERS, convert
from ipseval.registers.distinct import stacked

VALUES = {
    "text": (["4a", " 1", "007", "", None, "1", "2013-02-28", "2013-02-29", "201302", "01.02.2013", "x"], pa.string()),
    "floats": ([1.0, 2.5, None, -0.0, 201302.0, 20130228.0, float("inf"), 1e300], pa.float64()),
    "whole numbers": ([1, 0, None, 201302, 20130228, 9, 2**63 - 1], pa.int64()),
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


NESTED = {
    "a list": pa.array([["a"], None, []]),
    "a list of one": pa.array([[1], None, [2]], pa.list_(pa.int64(), 1)),
    "a structure": pa.array([{"a": 1}, None, {"a": 2}]),
    "a map": pa.array([[("a", 1)], None, []], pa.map_(pa.string(), pa.int64())),
    "an interval": pa.array([(1, 2, 3), None, (0, 0, 0)], pa.month_day_nano_interval()),
}


@pytest.mark.parametrize("codes", [None, {"*": "1"}], ids=["", "others"])
@pytest.mark.parametrize("kind", CONVERTERS)
@pytest.mark.parametrize("name", NESTED)
def test_what_holds_several_values_is_no_code_nor_anything_else(name: str, kind: str, codes: dict | None) -> None:
    made = convert(pa.chunked_array([NESTED[name]]), kind, codes)
    assert made.failed.tolist() == [True, False, True]
    assert made.values.isna().all()
    assert made.fixed is None


UNUSUAL = {
    "half floats": pa.array([1.0, 0.0, None]).cast(pa.float16()),
    "wide decimals": pa.array([1, 0, None]).cast(pa.decimal256(40, 2)),
    "bytes": pa.array([b"1", b"0", None]),
    "text in views": pa.array(["1", "0", None], pa.string_view()),
    "large text": pa.array(["1", "0", None], pa.large_string()),
    "text held once": pa.array(["1", "0", None]).dictionary_encode(),
    "small numbers without a sign": pa.array([1, 0, None], pa.uint8()),
    "truth": pa.array([True, False, None]),
}


@pytest.mark.parametrize("name", UNUSUAL)
def test_unusual_types_hold_the_same_codes_numbers_and_flags(name: str) -> None:
    column = pa.chunked_array([UNUSUAL[name]])
    assert convert(column, "code").values.tolist()[:2] == ["1", "0"]
    for kind in ("number", "integer", "flag"):
        made = convert(column, kind)
        assert (made.values.tolist()[:2], made.values.isna().tolist()) == ([1, 0], [False, False, True])
        assert not made.failed.any()


def test_every_other_code_has_a_code_of_its_own() -> None:
    column = pa.chunked_array([pa.array(["000", "101", None, "564", "000"])])
    flags = convert(column, "flag", {"000": "1", "*": "0"}).values
    assert flags.isna().tolist() == [False, False, True, False, False]
    assert flags.dropna().tolist() == [1, 0, 0, 1]
    assert as_code(column).dropna().tolist() == ["000", "101", "564", "000"]


def test_a_whole_number_beyond_all_counting_fails() -> None:
    made = convert(pa.chunked_array([pa.array([3, 2**63 - 1, -(2**60), None])]), "integer")
    assert made.values.isna().tolist() == [False, True, True, True]
    assert list(made.failed) == [False, True, True, False]
