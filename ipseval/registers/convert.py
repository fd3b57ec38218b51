"""Delivered columns to ours: dates, numbers, flags and codes, however they were typed.

Every function returns the values and says how they arrived. What cannot be converted is marked, never guessed.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
import pyarrow as pa

from ipseval.registers.cells import (
    AS_WRITTEN,
    Converted,
    Written,
    as_code,
    distinct,
    is_text,
    plain,
    repeats,
)
from ipseval.registers.dates import as_dates, as_months
from ipseval.registers.distinct import as_categories, taken
from ipseval.registers.numbers import as_numbers

OTHER = "*"  # in a mapping of codes: every code that it does not name
TEXTS = ("key", "code")  # kinds
LARGEST = 2**53  # below it a whole number is held exactly, and nothing that is counted comes near
FLAGS = {"1": 1, "0": 0, "true": 1, "false": 0}


def convert(
    column: pa.ChunkedArray, kind: str, codes: Mapping[str, str] | None = None, written: Written = AS_WRITTEN
) -> Converted:
    """Convert a delivered column to ``kind`` (see ``contracts.KINDS``), after the mapping ``codes``.

    The code ``*`` of the mapping stands for every code that it does not name. Keys and codes become
    categories: their texts are read, compared and sorted once each.
    """
    column = plain(column)
    if repeats(column):
        values, place = distinct(column)
        once = _converted(values, kind, codes, written)
        rows = as_categories if kind in TEXTS else taken
        return replace(once, values=rows(once.values, place), failed=once.failed[place])
    return _converted(column, kind, codes, written)


def _converted(column: pa.ChunkedArray, kind: str, codes: Mapping[str, str] | None, written: Written) -> Converted:
    if pa.types.is_nested(column.type) or pa.types.is_interval(column.type):
        nothing = CONVERTERS[kind](pa.chunked_array([pa.nulls(len(column), pa.string())]), written)
        return Converted(nothing.values, np.asarray(column.is_valid()))
    if not codes:
        return CONVERTERS[kind](column, written)
    mapped = as_code(column).map(lambda value: codes.get(value, codes.get(OTHER, value)), na_action="ignore")
    text = pa.chunked_array([pa.array(mapped, from_pandas=True, type=pa.string())])
    made = CONVERTERS[kind](text, written)
    return replace(made, fixed=None if made.fixed == "converted_type" else made.fixed)


def _code(column: pa.ChunkedArray, written: Written) -> Converted:
    return Converted(as_code(column), np.zeros(len(column), bool))


def _integer(column: pa.ChunkedArray, written: Written) -> Converted:
    number = as_numbers(column, written)
    whole = number.values.isna() | ((number.values % 1 == 0) & (number.values.abs() < LARGEST))
    values = number.values.where(whole).astype("Int64")
    return Converted(values, number.failed | ~whole.to_numpy(), number.fixed)


def _flag(column: pa.ChunkedArray, written: Written) -> Converted:
    if not is_text(column.type):
        number = as_numbers(column, written)
        known = number.values.isna() | number.values.isin((0, 1))
        return Converted(number.values.where(known).astype("Int8"), number.failed | ~known.to_numpy())
    text = as_code(column).str.lower()
    values = text.map(FLAGS).astype("Int8")
    return Converted(values, (text.notna() & values.isna()).to_numpy(), "converted_type")


CONVERTERS: dict[str, Callable[[pa.ChunkedArray, Written], Converted]] = {
    "key": _code,
    "code": _code,
    "date": as_dates,
    "month": as_months,
    "number": as_numbers,
    "integer": _integer,
    "flag": _flag,
}
