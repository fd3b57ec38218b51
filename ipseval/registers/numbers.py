"""Numbers, also as text: which mark is of decimals and which of thousands is declared or plain, never guessed."""

import re

import numpy as np
import pandas as pd
import pyarrow as pa

from ipseval.registers.cells import AS_WRITTEN, Converted, Written, as_code, is_number, is_text

MARKS = ",."
BLANKS = r"[ \u00a0\u2009\u202f]"  # that may part thousands, where a blank is declared to
THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2}(?:[.,]\d{3})+")


def as_numbers(column: pa.ChunkedArray, written: Written = AS_WRITTEN) -> Converted:
    """Numbers; of text, with the marks that ``written`` declares or, without, a mark that can only be of decimals."""
    if is_text(column.type):
        text = as_code(column)
        is_unclear = not (written.decimal or written.thousands) and _is_unclear(text)
        values = pd.to_numeric(_plain(text, written), errors="coerce").astype(float)
        values = values.replace([np.inf, -np.inf], np.nan)
        rule = "unclear_number" if is_unclear else "converted_type"
        return Converted(values, (text.notna() & values.isna()).to_numpy(), rule)
    if not (is_number(column) or pa.types.is_boolean(column.type)):
        return Converted(pd.Series(np.nan, index=range(len(column)), dtype=float), np.asarray(column.is_valid()))
    # Whole numbers that a float does not hold exactly are taken as the nearest it holds: no quantity is so large.
    values = pd.Series(column.cast(pa.float64(), safe=False).to_numpy(), dtype=float)
    return Converted(values.replace([np.inf, -np.inf], np.nan), np.isinf(values.to_numpy()))


def _is_unclear(text: pd.Series) -> bool:
    """Whether points or commas may part thousands: both occur, or what has one is in groups of three throughout."""
    marked = text[text.str.contains("[.,]", na=False)]
    both = all(marked.str.contains(mark, regex=False).any() for mark in MARKS)
    return len(marked) > 0 and (both or bool(marked.str.fullmatch(THOUSANDS.pattern).all()))


def _plain(text: pd.Series, written: Written) -> pd.Series:
    """Text as Python writes numbers; missing where it does not fit the declared marks."""
    if not (written.decimal or written.thousands):
        return text.str.replace(",", ".", regex=False)
    decimal = re.escape(written.decimal or ("," if written.thousands == "." else "."))
    thousands = BLANKS if written.thousands == " " else re.escape(written.thousands or "")
    groups = rf"\d{{1,3}}(?:{thousands}\d{{3}})+|" if thousands else ""
    fits = text.str.fullmatch(rf"[+-]?(?:{groups}\d+)(?:{decimal}\d*)?(?:[eE][+-]?\d+)?").fillna(False).astype(bool)
    bare = text.str.replace(thousands, "", regex=True) if thousands else text
    return bare.str.replace(decimal, ".", regex=True).where(fits)
