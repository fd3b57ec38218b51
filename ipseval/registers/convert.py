"""Delivered columns to ours: dates, numbers, flags and codes, however they were typed.

Every function returns the values and says how they arrived. What cannot be converted is marked, never guessed.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from ipseval.config import code
from ipseval.registers.distinct import as_categories, taken

SENTINEL_YEAR = 2099  # an end in this year or later means "still open": 31.12.2099, 9999-12-31
UTC = ("UTC", "ETC/UTC", "GMT", "Z", "+00:00", "-00:00")
OTHER = "*"  # in a mapping of codes: every code that it does not name
TEXTS = ("key", "code")  # kinds
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
        Rule that describes what was done about the type: ``converted_type``, ``time_zone_in_date`` or
        ``unknown_time_zone``.
    """

    values: pd.Series
    failed: np.ndarray
    fixed: str | None = None


def convert(column: pa.ChunkedArray, kind: str, codes: Mapping[str, str] | None = None) -> Converted:
    """Convert a delivered column to ``kind`` (see ``contracts.KINDS``), after the mapping ``codes``.

    The code ``*`` of the mapping stands for every code that it does not name. Keys and codes become
    categories: their texts are read, compared and sorted once each.
    """
    column = plain(column)
    if _repeats(column):
        values, place = distinct(column)
        once = _converted(values, kind, codes)
        rows = as_categories if kind in TEXTS else taken
        return replace(once, values=rows(once.values, place), failed=once.failed[place])
    return _converted(column, kind, codes)


def plain(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """The column without Arrow's ways to hold values once or not at all."""
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if is_bytes(column.type):
        return text_of_bytes(column)
    return column.cast(pa.string()) if pa.types.is_null(column.type) else column


def text_of_bytes(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Bytes as the text that they spell; those that spell none (a hash, say) in hexadecimal."""
    values, place = distinct(column)
    texts = [None if value is None else _text(value) for value in values.to_pylist()]
    return pa.chunked_array([pa.array(texts, pa.string()).take(pa.array(place))])


def _text(value: bytes) -> str:
    try:
        text = value.decode()
    except UnicodeDecodeError:
        return value.hex()
    return text if text.strip().isprintable() else value.hex()


def _converted(column: pa.ChunkedArray, kind: str, codes: Mapping[str, str] | None) -> Converted:
    if not codes:
        return CONVERTERS[kind](column)
    mapped = as_code(column).map(lambda value: codes.get(value, codes.get(OTHER, value)), na_action="ignore")
    text = pa.chunked_array([pa.array(mapped, from_pandas=True, type=pa.string())])
    return replace(CONVERTERS[kind](text), fixed=None)


def _repeats(column: pa.ChunkedArray) -> bool:
    """Whether values are taken apart one by one and repeat in a register: text and numbers, but not times."""
    return len(column) > 0 and (is_text(column.type) or _is_number(column))


def distinct(column: pa.ChunkedArray) -> tuple[pa.ChunkedArray, np.ndarray]:
    """Each value once, an empty one among them, and the place of every row's value."""
    encoded = column.combine_chunks().dictionary_encode(null_encoding="encode")
    return pa.chunked_array([encoded.dictionary]), encoded.indices.to_numpy()


def each_once(function: Callable[[pa.ChunkedArray], pd.Series], column: pa.ChunkedArray) -> pd.Series:
    """What ``function`` makes of every row, from one call on the values that are there."""
    if not _repeats(column):
        return function(column)
    values, place = distinct(column)
    return taken(function(values), place)


def as_code(column: pa.ChunkedArray) -> pd.Series:
    """Codes as text: ``1``, ``1.0``, ``True`` and ``"1"`` are all ``"1"``; empty text is missing."""
    return each_once(_as_code, column)


def _as_code(column: pa.ChunkedArray) -> pd.Series:
    if pa.types.is_boolean(column.type):
        column = column.cast(pa.int8())
    if pa.types.is_integer(column.type):
        column = column.cast(pa.string())
    if is_text(column.type):
        text = pc.utf8_trim_whitespace(column.cast(pa.string()))
        return pd.Series(text.to_pandas(), dtype="str").replace("", np.nan)
    if pa.types.is_decimal(column.type):
        text = pd.Series(column.cast(pa.string()).to_pandas(), dtype="str")
        return text.str.replace(r"\.0*$|(\.\d*[1-9])0+$", r"\1", regex=True)
    return pd.Series(column.to_pandas(), dtype=object).map(code, na_action="ignore").astype("str")


def _code(column: pa.ChunkedArray) -> Converted:
    return Converted(as_code(column), np.zeros(len(column), bool))


def _number(column: pa.ChunkedArray) -> Converted:
    if is_text(column.type):
        text = as_code(column).str.replace(",", ".", regex=False)
        values = pd.to_numeric(text, errors="coerce").astype(float).replace([np.inf, -np.inf], np.nan)
        return Converted(values, (text.notna() & values.isna()).to_numpy(), "converted_type")
    if not (_is_number(column) or pa.types.is_boolean(column.type)):
        return Converted(pd.Series(np.nan, index=range(len(column)), dtype=float), np.asarray(column.is_valid()))
    values = pd.Series(column.cast(pa.float64()).to_numpy(), dtype=float)
    return Converted(values.replace([np.inf, -np.inf], np.nan), np.isinf(values.to_numpy()))


def _integer(column: pa.ChunkedArray) -> Converted:
    number = _number(column)
    whole = number.values.isna() | (number.values % 1 == 0)
    values = number.values.where(whole).astype("Int64")
    return Converted(values, number.failed | ~whole.to_numpy(), number.fixed)


def _flag(column: pa.ChunkedArray) -> Converted:
    if not is_text(column.type):
        number = _number(column)
        known = number.values.isna() | number.values.isin((0, 1))
        return Converted(number.values.where(known).astype("Int8"), number.failed | ~known.to_numpy())
    text = as_code(column).str.lower()
    values = text.map(FLAGS).astype("Int8")
    return Converted(values, (text.notna() & values.isna()).to_numpy(), "converted_type")


def _date(column: pa.ChunkedArray) -> Converted:
    fixed = None
    if pa.types.is_timestamp(column.type) and column.type.tz is not None:
        column, fixed = pc.local_timestamp(column), _zone_rule(column)
    if pa.types.is_date(column.type) or pa.types.is_timestamp(column.type):
        return Converted(_days(column.cast(pa.date32(), safe=False)), np.zeros(len(column), bool), fixed)
    if is_text(column.type) or _is_number(column):
        text = as_code(column)
        values = _parsed(text)
        return Converted(values, (text.notna() & values.isna()).to_numpy(), "converted_type")
    return Converted(_days(pa.chunked_array([pa.nulls(len(column), pa.date32())])), np.asarray(column.is_valid()))


def _zone_rule(column: pa.ChunkedArray) -> str:
    """Which day a time in UTC belongs to is known at midnight only: the zone that it was written in is lost."""
    is_utc = column.type.tz.upper() in UTC
    return (
        "unknown_time_zone" if is_utc and pc.any(pc.not_equal(_time_of_day(column), 0)).as_py() else "time_zone_in_date"
    )


def _time_of_day(column: pa.ChunkedArray) -> pa.ChunkedArray:
    return pc.subtract(column, pc.floor_temporal(column, unit="day")).cast(pa.int64())


def _parsed(text: pd.Series) -> pd.Series:
    """Dates written YYYY-MM-DD (a time may follow), YYYYMMDD or DD.MM.YYYY."""
    digits = text.str.extract(r"^(\d{4})-(\d{2})-(\d{2})(?:[T ].*)?$")
    compact = text.str.extract(r"^(\d{4})(\d{2})(\d{2})$")
    european = text.str.extract(r"^(\d{2})\.(\d{2})\.(\d{4})$")[[2, 1, 0]].set_axis([0, 1, 2], axis=1)
    parts = digits.fillna(compact).fillna(european).astype(float)
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
        return replace(dates, values=_first_of_month(dates.values))
    text = as_code(column)
    parts = text.str.extract(r"^(\d{4})-?(\d{2})$").astype(float)
    months = _calendar_days(parts[0], parts[1], pd.Series(1, index=text.index))
    values = months.fillna(_first_of_month(_parsed(text)))
    fixed = None if months.notna().equals(values.notna()) else "converted_type"
    return Converted(values, (text.notna() & values.isna()).to_numpy(), fixed)


def _first_of_month(days: pd.Series) -> pd.Series:
    return pd.Series(days.to_numpy().astype("datetime64[M]"), index=days.index).astype("datetime64[s]")


def _days(column: pa.ChunkedArray) -> pd.Series:
    return pd.Series(column.to_numpy().astype("datetime64[D]").astype("datetime64[s]"))


def is_text(kind: pa.DataType) -> bool:
    """Whether an Arrow type is text."""
    return pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)


def is_bytes(kind: pa.DataType) -> bool:
    """Whether an Arrow type is bytes."""
    return (
        pa.types.is_binary(kind)
        or pa.types.is_large_binary(kind)
        or pa.types.is_fixed_size_binary(kind)
        or pa.types.is_binary_view(kind)
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
