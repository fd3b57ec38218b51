"""Cells and files as a cohort file says that they are written: codes, dates, numbers, names of columns and of files."""

import re
from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from itertools import cycle

import numpy as np
import pandas as pd
import pyarrow as pa

from ipseval.errors import Fault, UserError
from ipseval.registers.cells import Written
from ipseval.registers.convert import OTHER
from ipseval.registers.date_forms import LOCAL
from ipseval.registers.row_periods import MONTH_COLUMN, YEAR_COLUMN, by_file

MONTH_NAMES = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
OTHER_CODE = "other"  # of what a cohort file maps by *
TOKEN = re.compile("YYYY|YY|MON|MM|DD|M|D")
SINCE = re.compile(r"(days|months|seconds|milliseconds)_since_(\d{4})(?:-(\d{2})-(\d{2}))?")
A_DAY = {"days": 1, "seconds": 86_400, "milliseconds": 86_400_000}
DELIVERY = "21_0001"  # in the place of * in a name of a column: the number of a delivery


def delivered_codes(ours: Sequence[str | None], values: Mapping[str, str]) -> list[str | None]:
    """Our codes as the register's: of several that are read as one, each in turn."""
    theirs: dict[str, list[str]] = {}
    for code, own in values.items():
        theirs.setdefault(own, []).append(OTHER_CODE if code == OTHER else code)
    turns = {own: cycle(codes) for own, codes in theirs.items()}
    return [next(turns[v]) if v in turns else v for v in ours]


def days(column: pd.Series, written: Written) -> pa.Array:
    """Days in the form, or at the clock, that the cohort file declares; else as dates."""
    there = column.notna()
    if written.form:
        spelled = _since(column, found) if (found := SINCE.fullmatch(written.form)) else _form(column, written.form)
        return pa.array([v if ok else None for v, ok in zip(spelled, there, strict=True)])
    if written.zone and written.zone != LOCAL:
        moments = column.dt.tz_localize(written.zone).dt.tz_convert("UTC")
        return pa.Array.from_pandas(moments, type=pa.timestamp("us", "UTC"))
    return pa.Array.from_pandas(column, type=pa.date32())


def _since(column: pd.Series, found: re.Match[str]) -> list[int | None]:
    origin = pd.Timestamp(f"{found[2]}-{found[3] or '01'}-{found[4] or '01'}")
    if found[1] == "months":
        steps = (column.dt.year - origin.year) * 12 + column.dt.month - origin.month
    else:
        steps = (column - origin).dt.days * A_DAY[found[1]]
    return [None if pd.isna(v) else int(v) for v in steps]


def _form(column: pd.Series, form: str) -> list[str | None]:
    return [None if pd.isna(day) else _spelled(day, form) for day in column]


def _spelled(day: pd.Timestamp, form: str) -> str:
    parts = {"YYYY": f"{day.year:04d}", "YY": f"{day.year % 100:02d}", "MON": MONTH_NAMES[day.month - 1],
               "MM": f"{day.month:02d}", "DD": f"{day.day:02d}", "M": str(day.month), "D": str(day.day)}  # fmt: skip
    return TOKEN.sub(lambda token: parts[token[0]], form)


def numbers(column: pd.Series, written: Written) -> pa.Array:
    """Numbers; text with the declared marks."""
    values = column.astype(float)
    if not (written.decimal or written.thousands):
        return pa.Array.from_pandas(values)
    return pa.array([None if np.isnan(v) else _marked(v, written) for v in values], pa.string())


def _marked(value: float, written: Written) -> str:
    whole, _, rest = f"{value:,.2f}".partition(".")
    decimal = written.decimal or ("," if written.thousands == "." else ".")
    return whole.replace(",", written.thousands or "") + (decimal + rest) * bool(rest.strip("0"))


def column_name(names: Sequence[str]) -> str:
    """The first name that a column may have."""
    return names[0].replace("*", DELIVERY)


def file_name(patterns: Sequence[str], usual: str, period: pd.Period | None, latest: pd.Period) -> str:
    """A name that a pattern of the cohort file fits: with the month or year where files are told apart by them.

    Raises
    ------
    UserError
        No such name fits.
    """
    pattern = patterns[0] if patterns else usual
    plain = re.sub(r"\[\[\]", "[", re.sub(r"\[[^\[\]]+\]\*", "*", pattern))
    plain = re.sub(r"\[(.)[^\]]*\]", r"\1", plain.replace("**/", "")).replace("?", "1")
    if not re.search(r"\.\w+$", plain):
        plain += "/part-0.parquet" if period is None else "/*.parquet"
    for fill in _fills(period, latest, plain.count("*")):
        parts = iter(fill)
        name = re.sub(r"\*", lambda _: next(parts), plain)  # noqa: B023 (used at once)
        if _fits(name, pattern, period):
            return name
    what = f"its files are called '{pattern}', of which no name tells the month or year."
    raise UserError([Fault("dummy", what, "Name the files so that each has its month or year.")])


def _fills(period: pd.Period | None, latest: pd.Period, n: int) -> Iterable[list[str]]:
    """Texts in the places of the stars."""
    if period is None or period.freqstr.startswith("Y"):
        yield [str((period or latest).year), *["1"] * n]
        return
    yield from ([f"{period.year}", f"{period.month:02d}", *["1"] * n],) if n > 1 else ([f"{period:%Y%m}"],)


def _fits(name: str, pattern: str, period: pd.Period | None) -> bool:
    if not (fnmatchcase(name, pattern) or name.startswith(pattern.rstrip("/"))):
        return False
    if period is None:
        return True
    found = by_file(YEAR_COLUMN if period.freqstr.startswith("Y") else MONTH_COLUMN, [name])
    return found is not None and str(found.of_file[0]) == str(period)
