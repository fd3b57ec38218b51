"""Keys of persons: one spelling each, whatever type a file holds them in, and the condition that picks persons out."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa

from ipseval.registers.cells import as_code, distinct, is_bytes, is_text, plain
from ipseval.registers.delivered import File
from ipseval.registers.distinct import as_categories

MAX_KEY_WIDTH = 20  # a key of digits is looked for with leading zeros up to this width
EXACT_TO = {16: 2**11, 32: 2**24, 64: 2**53}  # bits of a floating type -> whole numbers below it are held exactly
MOST_DIGITS = 38  # of a decimal that DuckDB holds exactly
NUL = "\0"  # what some programs fill texts of a fixed width up with
BEHIND = ("\t", "\r", "\n", "\r\n", "\u00a0", NUL)  # that a program leaves behind a key; spaces are trimmed everywhere
BEFORE = ("\t", "\u00a0")
WHOLE = re.compile(r"-?\d+")


@dataclass(frozen=True)
class Spelled:
    """Keys in one spelling.

    Parameters
    ----------
    values : Series of categories, length n
        Text; digits without leading zeros (``007`` and ``7`` are the same person), bytes as text or in hexadecimal.
    is_respelled, is_padded : bool array, length n
        Whether a key was delivered with leading zeros, and with blanks around it.
    """

    values: pd.Series
    is_respelled: np.ndarray
    is_padded: np.ndarray


def canonical_keys(keys: pa.ChunkedArray) -> Spelled:
    """One spelling a person.

    Parameters
    ----------
    keys : ChunkedArray, length n
        As delivered: text, whole numbers, decimals or bytes.
    """
    values, place = distinct(plain(keys))
    text = as_code(values)
    padded = np.zeros(len(text), bool)
    if is_text(values.type):
        raw = pd.Series(values.cast(pa.string()).to_pandas(), dtype="str")
        text = text.str.rstrip(NUL)
        text = text.mask(text == "")
        padded = (text.notna() & (raw != text)).to_numpy()
    is_number = text.str.fullmatch(r"\d+").fillna(False).astype(bool)
    spelled = text.where(~is_number, text.str.lstrip("0").replace("", "0"))
    respelled = (text.notna() & (text != spelled)).to_numpy()
    return Spelled(as_categories(spelled, place), respelled[place], padded[place])


def misfit(kind: pa.DataType) -> bool:
    """Whether a type cannot hold keys at all: dates, lists, decimals of so many digits that a reader rounds them."""
    kind = kind.value_type if pa.types.is_dictionary(kind) else kind
    if isinstance(kind, pa.BaseExtensionType):
        kind = kind.storage_type
    if pa.types.is_decimal(kind):
        return bool(kind.precision > MOST_DIGITS)
    is_number = pa.types.is_integer(kind) or pa.types.is_floating(kind)
    return not (is_text(kind) or is_bytes(kind) or is_number or pa.types.is_null(kind))


def exact_below(kind: pa.DataType) -> int | None:
    """Whole numbers from which on a floating type holds several keys as one; None for other types."""
    return EXACT_TO[kind.bit_width] if pa.types.is_floating(kind) else None


def inexact(kind: pa.DataType, keys: Iterable[str]) -> int:
    """How many keys are whole numbers that a floating type cannot tell from their neighbours; 0 for other types."""
    limit = exact_below(kind)
    return 0 if limit is None else sum(1 for k in keys if WHOLE.fullmatch(k) and abs(int(k)) >= limit)


def condition(db: duckdb.DuckDBPyConnection, file: File, column: str, name: str, keys: Sequence[str]) -> str:
    """The condition that picks the persons out of files like ``file``; the column's type decides how they are spelled.

    Parameters
    ----------
    db : connection
        Gets the table ``trial_keys``.
    file : File
    column, name : str
        Its column of keys, and what the query calls it.
    keys : sequence of str
        Canonical.
    """
    kind = file.types[column]
    kind = kind.value_type if pa.types.is_dictionary(kind) else kind
    if isinstance(kind, pa.BaseExtensionType):
        looked_for, key, theirs = pa.array(keys, pa.string()), "lower(k)", f"lower(CAST({name} AS VARCHAR))"
    elif is_bytes(kind):  # as DuckDB prints bytes: what is no plain sign as \xA0
        candidates = {k.encode() for k in _spelled(keys)} | {bytes.fromhex(k) for k in keys if _is_hex(k)}
        looked_for, key = pa.array(sorted(candidates), pa.binary()), "trim(CAST(k AS VARCHAR))"
        theirs = f"trim(CAST({name} AS VARCHAR))"
    elif is_text(kind):  # most rows of a register have no blank: those are compared without being trimmed
        looked_for, key = pa.array(_spelled(keys), pa.string()), "k"
        theirs = f"CASE WHEN contains({name}, ' ') THEN trim({name}) ELSE {name} END"
    else:
        looked_for, key, theirs = _numbers(keys, kind), "k", name
    db.register("trial_keys", pa.table({"k": looked_for}))
    return f"{theirs} IN (SELECT {key} FROM trial_keys)"


def _spelled(keys: Sequence[str]) -> set[str]:
    """Keys as files may spell them: digits with leading zeros, and with blanks other than spaces around them.

    With such blanks digits are looked for as they are and with zeros up to the longest key: all else would be millions.
    """
    digits = [k for k in keys if k.isdigit()]
    zeros = {k.zfill(w) for k in digits for w in range(len(k) + 1, MAX_KEY_WIDTH + 1)}
    longest = max(map(len, digits), default=0)
    whole = {*keys, *(k.zfill(longest) for k in digits)}
    return {*keys, *zeros, *(k + b for k in whole for b in BEHIND), *(b + k for k in whole for b in BEFORE)}


def _is_hex(key: str) -> bool:
    return len(key) % 2 == 0 and re.fullmatch("[0-9a-f]+", key) is not None


def _numbers(keys: Sequence[str], kind: pa.DataType) -> pa.Array:
    """The keys that are whole numbers within a type, in it or in one that compares exactly with it."""
    numbers = [int(k) for k in keys if WHOLE.fullmatch(k)]
    if pa.types.is_decimal(kind):
        limit = 10 ** max(kind.precision - kind.scale, 0)
        return pa.array([Decimal(n) for n in numbers if abs(n) < limit], pa.decimal128(kind.precision, kind.scale))
    if (limit := exact_below(kind)) is not None:
        return pa.array([float(n) for n in numbers if abs(n) < limit], pa.float64())
    if pa.types.is_unsigned_integer(kind):
        return pa.array([n for n in numbers if 0 <= n < 2**64], pa.uint64())
    return pa.array([n for n in numbers if -(2**63) <= n < 2**63], pa.int64())
