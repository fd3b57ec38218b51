"""Forms of dates that a cohort file declares, such as DD-MM-YYYY or days_since_1960."""

import re
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pyarrow as pa

from ipseval.registers.cells import Converted, as_code

LOCAL = "local"  # in place of a zone: times are those of the register's own clock
CENTURY_BEGINS = 30  # years of two digits are 1930..2029
NAMED = ("jan", "feb", "mar", "apr", "ma[ijy]", "jun", "jul", "aug", "sep", "o[kc]t", "nov", "de[sc]")
TOKENS = {
    "YYYY": r"(?P<year>\d{4})",
    "YY": r"(?P<short>\d{2})",
    "MON": rf"(?P<name>{'|'.join(NAMED)})[a-z]*\.?",
    "MM": r"(?P<month>\d{2})",
    "DD": r"(?P<day>\d{2})",
    "M": r"(?P<month>\d{1,2})",
    "D": r"(?P<day>\d{1,2})",
}
USUAL = (  # that init tries; of D/M/YYYY and M/D/YYYY only one fits as soon as a day is after the 12th
    *("DD-MM-YYYY", "MM-DD-YYYY", "D/M/YYYY", "M/D/YYYY", "D.M.YYYY", "D-M-YY", "D/M/YY", "M/D/YY", "D.M.YY"),
    *("DDMMYYYY", "DDMONYYYY", "DD-MON-YYYY", "D. MON YYYY", "YYYY/MM/DD"),
)
_TOKEN = re.compile("|".join(TOKENS))
_SINCE = re.compile(r"(days|months|seconds|milliseconds)_since_(\d{4})(?:-(\d{2})-(\d{2}))?")
_NO_TIME = r"(?:[T ]00:?00(?::?00(?:[.,]0+)?)?)?"
_SECONDS = {"days": 86_400, "seconds": 1, "milliseconds": 0.001}
EXPECTED = "DD-MM-YYYY, D/M/YYYY, DDMONYYYY, YYMMDD or the like; or days_since_1960, seconds_since_1960"


def is_zone(name: str) -> bool:
    """Whether a zone of the time zone database has the name."""
    try:
        ZoneInfo(name)
    except (ValueError, KeyError, OSError):
        return False
    return True


def form_fits(form: str, kind: str) -> bool:
    """Whether a form tells of whole days, or of months for a column of months (kind ``month``)."""
    if since := _SINCE.fullmatch(form):
        return since[1] != "months" or kind == "month"
    parts = {name for token in _TOKEN.findall(form) for name in re.findall(r"P<(\w+)>", TOKENS[token])}
    n_parts = len(_TOKEN.findall(form))
    has_month = bool(parts & {"month", "name"}) and bool(parts & {"year", "short"})
    return has_month and n_parts == len(parts) and ("day" in parts or kind == "month")


def likely_form(text: pd.Series, kind: str) -> str | None:
    """The only usual form in which all dates can be read; None where none fits, or several."""
    column = pa.chunked_array([pa.array(text.unique(), pa.string())])
    fitting = [f for f in USUAL if len(column) and form_fits(f, kind) and not by_form(column, f).failed.any()]
    return fitting[0] if len(fitting) == 1 else None


def by_form(column: pa.ChunkedArray, form: str) -> Converted:
    """Days of a column of text or numbers in a declared form; of a form without days, the first of each month.

    # ASSUME: years of two digits are 1930 to 2029.
    """
    text = as_code(column)
    since = _SINCE.fullmatch(form)
    days = _counted(text, since) if since else _written(text, form)
    return Converted(days, (text.notna() & days.isna()).to_numpy(), "converted_type")


def _counted(text: pd.Series, since: re.Match[str]) -> pd.Series:
    """Days from numbers of days, months or seconds since a day."""
    number = pd.to_numeric(text, errors="coerce").astype(float).replace([np.inf, -np.inf], np.nan)
    origin = np.datetime64(f"{since[2]}-{since[3] or '01'}-{since[4] or '01'}", "D")
    whole = np.floor((number if since[1] == "months" else number * _SECONDS[since[1]] / 86_400).to_numpy())
    fits = np.abs(whole) < 4_000_000  # days of ten thousand years; what is missing does not fit
    steps = np.where(fits, whole, 0).astype("int64")
    moved = origin.astype("datetime64[M]") + steps if since[1] == "months" else origin + steps
    return pd.Series(np.where(fits, moved.astype("datetime64[D]"), np.datetime64("NaT")), index=text.index).astype(
        "datetime64[s]"
    )


def _written(text: pd.Series, form: str) -> pd.Series:
    if re.fullmatch(r"[YMD]+", form):  # a whole number has lost the zeros before it
        text = text.where(~text.str.fullmatch(r"\d+").fillna(False).astype(bool), text.str.zfill(len(form)))
    found = text.str.extract(pattern(form)).reindex(columns=["year", "short", "month", "name", "day"]).astype("str")
    short = found["short"].astype(float)
    year = found["year"].astype(float).fillna(short + np.where(short < CENTURY_BEGINS, 2000, 1900))
    named = found["name"].str.lower().map(_month_of, na_action="ignore").astype(float)
    day = found["day"].astype(float) if "D" in form else pd.Series(1.0, index=text.index).where(year.notna())
    return calendar_days(year, found["month"].astype(float).fillna(named), day)


def pattern(form: str) -> str:
    """The regular expression of a form."""
    pieces, end = [], 0
    for token in _TOKEN.finditer(form):
        pieces += [re.escape(form[end : token.start()]), TOKENS[token[0]]]
        end = token.end()
    return "(?i)^" + "".join([*pieces, re.escape(form[end:])]) + _NO_TIME + "$"


def _month_of(name: str) -> int:
    return next(i for i, known in enumerate(NAMED, start=1) if re.match(known, name))


def calendar_days(year: pd.Series, month: pd.Series, day: pd.Series) -> pd.Series:
    """Days of the calendar; missing where there is none, as of 30 February."""
    known = year.notna() & month.between(1, 12) & day.between(1, 31)
    months = np.where(known, (year - 1970) * 12 + month - 1, 0).astype("datetime64[M]")
    days = months.astype("datetime64[D]") + np.where(known, day - 1, 0).astype("timedelta64[D]")
    exists = known & (days.astype("datetime64[M]") == months)
    return pd.Series(np.where(exists, days, np.datetime64("NaT")), index=year.index).astype("datetime64[s]")
