"""Cells of a delivered column: plain values, each once, as text; and what type of values they are."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from ipseval.config import code
from ipseval.registers.distinct import taken


@dataclass(frozen=True)
class Written:
    """How a column is written, as far as the cohort file says.

    Parameters
    ----------
    form : str, optional
        Of dates (see ``date_forms``).
    zone : str, optional
        Of times, said of this column; ``local`` for the register's own clock.
    usual_zone : str, optional
        The register's zone, said of all columns together.
    decimal, thousands : str, optional
        Marks in numbers that are text.
    """

    form: str | None = None
    zone: str | None = None
    usual_zone: str | None = None
    decimal: str | None = None
    thousands: str | None = None


AS_WRITTEN = Written()


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
        Rule that describes what was done about the type: ``converted_type``, ``time_zone_in_date``,
        ``unknown_time_zone`` or ``unclear_number``.
    """

    values: pd.Series
    failed: np.ndarray
    fixed: str | None = None


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


def repeats(column: pa.ChunkedArray) -> bool:
    """Whether values are taken apart one by one and repeat in a register: text and numbers, but not times."""
    return len(column) > 0 and (is_text(column.type) or is_number(column))


def distinct(column: pa.ChunkedArray) -> tuple[pa.ChunkedArray, np.ndarray]:
    """Each value once, an empty one among them, and the place of every row's value."""
    encoded = column.combine_chunks().dictionary_encode(null_encoding="encode")
    return pa.chunked_array([encoded.dictionary]), encoded.indices.to_numpy()


def each_once(function: Callable[[pa.ChunkedArray], pd.Series], column: pa.ChunkedArray) -> pd.Series:
    """What ``function`` makes of every row, from one call on the values that are there."""
    if not repeats(column):
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
    try:
        return pd.Series(column.to_pandas(), dtype=object).map(code, na_action="ignore").astype("str")
    except (pa.ArrowException, ValueError, OverflowError, NotImplementedError):  # days that Python has no date for
        return pd.Series(column.cast(pa.string()).to_pandas(), dtype="str")


def is_code(kind: pa.DataType) -> bool:
    """Whether values of an Arrow type can be codes: text, numbers and truth values."""
    is_numeric = pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)
    return is_text(kind) or is_numeric or pa.types.is_boolean(kind)


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


def is_number(column: pa.ChunkedArray) -> bool:
    return pa.types.is_integer(column.type) or pa.types.is_floating(column.type) or pa.types.is_decimal(column.type)
