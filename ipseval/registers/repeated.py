"""Values that repeat like codes for "missing": 99 among ages, -1 among counts, 1950-01-01 among starts of jobs."""

import re

import numpy as np
import pandas as pd

from ipseval.registers.plausible import far_from_bulk

CODE = re.compile(r"(9+|8+|7+|9+[678])(\.(9+|8+|7+))?")  # 9, 99, 98, 99.9, 888
FEWEST, FAR = 5, 3  # other values whose range is known, and such ranges, where a value has no code's form
SPIKE = 3  # times as many rows as any other value has, of a code inside the range
LARGE = 100  # from here on codes may be inside the range
SEVERAL = 3  # negative values that may all be codes: -1, -2, -9


def repeated_numbers(values: pd.Series, person: pd.Series, least: int) -> np.ndarray:
    """Numbers that several persons share and that are no number of their kind; bool, length n.

    Such a value has the form of a code (nines, eights or sevens, or negative) and lies beyond all values without that
    form, or it lies three times as far from the others as they lie from each other, or it is a code of three digits
    that far more rows have than any other value.

    Parameters
    ----------
    values : Series of numbers, length n
    person : Series, length n
    least : int
        Persons who share a value.
    """
    number = values.astype(float)
    n_rows = number.value_counts()
    codes = [v for v in n_rows.index[n_rows >= least] if _is_code(v, n_rows)]
    found = number.isin(codes).to_numpy()
    if not found.any():
        return found
    n_persons = person[found].astype("str").groupby(number[found]).nunique()
    return number.isin(n_persons.index[n_persons >= least]).to_numpy()


def repeated_days(days: pd.Series, person: pd.Series, least: int, years: float) -> np.ndarray:
    """Days outside the bulk of a column that several persons share; bool, length n."""
    apart = far_from_bulk(days, years)
    if not apart.any():
        return apart
    n_persons = person[apart].astype("str").groupby(days[apart]).nunique()
    return days.isin(n_persons.index[n_persons >= least]).to_numpy() & apart


def told(values: pd.Series) -> str:
    """The values, each of which several persons share."""
    if pd.api.types.is_datetime64_any_dtype(values):
        return " or ".join(str(day.date()) for day in sorted(values.dropna().unique()))
    return " or ".join(f"{number:g}" for number in sorted(values.dropna().astype(float).unique()))


def _is_code(value: float, n_rows: pd.Series) -> bool:
    """Whether a value is a code among the others; ``n_rows`` by value."""
    others = n_rows.index[n_rows.index != value].to_numpy(dtype=float)
    plain = np.array([other for other in others if not _has_form(other)])
    if value < 0 and (n_rows.index < 0).sum() > SEVERAL:
        return False
    if _has_form(value) and len(plain) > 1:
        is_outside = not plain.min() <= value <= plain.max()
        is_next = 0 <= value < 10 and bool(np.abs(others - value).min() <= 1)  # 9 after 8 is a number
        return (is_outside and not is_next) or _is_spike(value, n_rows)
    if len(plain) < FEWEST:
        return False
    low, high = plain.min(), plain.max()
    return bool(max(value - high, low - value) > FAR * (high - low))


def _is_spike(value: float, n_rows: pd.Series) -> bool:
    others = n_rows[(n_rows.index != value) & (n_rows.index != 0)]
    return abs(value) >= LARGE and bool(n_rows[value] >= SPIKE * others.max())


def _has_form(value: float) -> bool:
    """Whether a number is written like a code: 9, 99, 99.9, 888, -1, -99."""
    digits = f"{abs(value):.6f}".rstrip("0").rstrip(".")
    return CODE.fullmatch(digits) is not None or (value < 0 and digits in "123456")
