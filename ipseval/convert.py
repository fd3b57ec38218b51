"""Delivered columns to ours: dates, numbers, flags and codes, however they were typed.

Every function returns the values and says how they arrived. What cannot be converted is marked, never guessed.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from ipseval.config import code

SENTINEL_YEARS = (2099, 2100, 2999, 3000, 9999)  # 9999-12-31, 31.12.2099: "still open"
FLAGS = {"1": 1, "0": 0, "true": 1, "false": 0}


@dataclass(frozen=True)
class Converted:
    """A converted column.

    Parameters
    ----------
    values : Series, length n
        Ours; what was empty or failed is missing.
    failed : bool array, length n
        Not empty as delivered, but not of the kind that was expected.
    fixed : str or None
        Rule that describes how the type was mended: ``converted_type`` or ``time_zone_in_date``.
    """

    values: pd.Series
    failed: np.ndarray
    fixed: str | None = None


def convert(column: pa.ChunkedArray, kind: str, codes: dict[str, str] | None = None) -> Converted:
    """Convert a delivered column to ``kind`` (see ``contracts.KINDS``), after the mapping ``codes``."""
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if codes:
        mapped = as_code(column).map(lambda value: codes.get(value, value), na_action="ignore")
        column = pa.chunked_array([pa.array(mapped, from_pandas=True, type=pa.string())])
    if pa.types.is_null(column.type):
        column = column.cast(pa.string())
    return CONVERTERS[kind](column)


def as_code(column: pa.ChunkedArray) -> pd.Series:
    """Codes as text: ``1``, ``1.0``, ``True`` and ``"1"`` are all ``"1"``; empty text is missing."""
    if not _is_text(column):
        return pd.Series(column.to_pandas(), dtype=object).map(code, na_action="ignore").astype("str")
    text = pc.utf8_trim_whitespace(column.cast(pa.string()))
    return pd.Series(text.to_pandas(), dtype="str").replace("", np.nan)


def _code(column: pa.ChunkedArray) -> Converted:
    return Converted(as_code(column), np.zeros(len(column), bool))


def _number(column: pa.ChunkedArray) -> Converted:
    if _is_text(column):
        text = as_code(column).str.replace(",", ".", regex=False)
        values = pd.to_numeric(text, errors="coerce").astype(float)
        return Converted(values, (text.notna() & values.isna()).to_numpy(), "converted_type")
    if not (_is_number(column) or pa.types.is_boolean(column.type)):
        return _nothing(column)
    values = pd.Series(column.cast(pa.float64()).to_numpy(), dtype=float)
    return Converted(values, np.isinf(values.to_numpy()))


def _integer(column: pa.ChunkedArray) -> Converted:
    number = _number(column)
    whole = number.values.isna() | (number.values % 1 == 0)
    values = number.values.where(whole).astype("Int64")
    return Converted(values, number.failed | ~whole.to_numpy(), number.fixed)


def _flag(column: pa.ChunkedArray) -> Converted:
    text = as_code(column).str.lower()
    values = text.map(FLAGS).astype("Int8")
    fixed = "converted_type" if _is_text(column) else None
    return Converted(values, (text.notna() & values.isna()).to_numpy(), fixed)


def _date(column: pa.ChunkedArray) -> Converted:
    kind, fixed = column.type, None
    if pa.types.is_timestamp(kind) and kind.tz is not None:
        column, fixed = pc.local_timestamp(column), "time_zone_in_date"
    if pa.types.is_date(kind) or pa.types.is_timestamp(kind):
        return Converted(_days(column.cast(pa.date32(), safe=False)), np.zeros(len(column), bool), fixed)
    if _is_text(column) or _is_number(column):
        text = as_code(column)
        values = _parsed(text)
        return Converted(values, (text.notna() & values.isna()).to_numpy(), "converted_type")
    return _nothing(column)


def _parsed(text: pd.Series) -> pd.Series:
    """Dates written YYYY-MM-DD (a time may follow), YYYYMMDD or DD.MM.YYYY."""
    digits = text.str.extract(r"^(\d{4})-(\d{2})-(\d{2})(?:[T ].*)?$")
    compact = text.str.extract(r"^(\d{4})(\d{2})(\d{2})$")
    european = text.str.extract(r"^(\d{2})\.(\d{2})\.(\d{4})$")[[2, 1, 0]].set_axis([0, 1, 2], axis=1)
    parts = digits.fillna(compact).fillna(european).apply(pd.to_numeric)
    return _calendar_days(parts[0], parts[1], parts[2])


def _calendar_days(year: pd.Series, month: pd.Series, day: pd.Series) -> pd.Series:
    known = year.notna() & month.between(1, 12) & day.between(1, 31)
    months = np.where(known, (year - 1970) * 12 + month - 1, 0).astype("datetime64[M]")
    days = months.astype("datetime64[D]") + np.where(known, day - 1, 0).astype("timedelta64[D]")
    exists = known & (days.astype("datetime64[M]") == months)
    return pd.Series(np.where(exists, days, np.datetime64("NaT")), index=year.index).astype("datetime64[s]")


def as_months(column: pa.ChunkedArray) -> Converted:
    """Calendar months written YYYYMM, YYYY-MM or as a date; values are the first day of the month."""
    if pa.types.is_date(column.type) or pa.types.is_timestamp(column.type):
        dates = _date(column)
        return Converted(_first_of_month(dates.values), dates.failed)
    text = as_code(column)
    parts = text.str.extract(r"^(\d{4})-?(\d{2})(?:-\d{2})?(?:[T ].*)?$").apply(pd.to_numeric)
    values = _calendar_days(parts[0], parts[1], pd.Series(1, index=text.index))
    return Converted(values, (text.notna() & values.isna()).to_numpy())


def _first_of_month(days: pd.Series) -> pd.Series:
    return pd.Series(days.to_numpy().astype("datetime64[M]"), index=days.index).astype("datetime64[s]")


def _days(column: pa.ChunkedArray) -> pd.Series:
    return pd.Series(column.to_numpy().astype("datetime64[D]").astype("datetime64[s]"))


def _nothing(column: pa.ChunkedArray) -> Converted:
    empty = pd.Series(np.nan, index=range(len(column)), dtype=float)
    return Converted(empty, np.asarray(column.is_valid()))


def _is_text(column: pa.ChunkedArray) -> bool:
    return (
        pa.types.is_string(column.type) or pa.types.is_large_string(column.type) or pa.types.is_string_view(column.type)
    )


def _is_number(column: pa.ChunkedArray) -> bool:
    return pa.types.is_integer(column.type) or pa.types.is_floating(column.type) or pa.types.is_decimal(column.type)


CONVERTERS: dict[str, Callable[[pa.ChunkedArray], Converted]] = {
    "key": _code,
    "code": _code,
    "date": _date,
    "month": as_months,
    "number": _number,
    "integer": _integer,
    "flag": _flag,
}
