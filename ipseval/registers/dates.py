"""Dates and months: as types, times, text or numbers. An instant whose zone is not known is not a date.

Which day a moment belonged to at the register depends on its zone. At midnight the day is written; at any other time
it is taken only in a zone that the file or the cohort file names.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from ipseval.registers.cells import AS_WRITTEN, Converted, Written, as_code, is_number, is_text
from ipseval.registers.date_forms import LOCAL, by_form, calendar_days

SENTINEL_YEAR = 2099  # an end in this year or later means "still open": 31.12.2099, 9999-12-31
EARLIEST_YEAR = 1902  # before, dates are signs and zones are local mean time: no midnight is expected of them
FIRST_DAY, LAST_DAY = np.datetime64("0001-01-01"), np.datetime64("9999-12-31")  # what a date can be
DAY = 86_400  # seconds
IN_A_SECOND = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
SEASONS = [(year, month) for year in (1995, 2015) for month in (1, 7)]
TIME = (
    r"(?:[T ](?P<hour>\d{2}):?(?P<minute>\d{2})(?::?(?P<second>\d{2})(?:[.,]\d+)?)?"
    r"\s?(?P<zone>Z|UTC|GMT|[+-]\d{2}(?::?\d{2})?)?)?"
)
SHAPES = tuple(
    rf"(?i)^{day}{TIME}$"
    for day in (
        r"(?P<year>\d{4})-(?P<month>\d{2})-(?P<day>\d{2})",
        r"(?P<year>\d{4})(?P<month>\d{2})(?P<day>\d{2})",
        r"(?P<day>\d{2})\.(?P<month>\d{2})\.(?P<year>\d{4})",
    )
)


@dataclass(frozen=True)
class Moments:
    """Moments as they are written.

    Parameters
    ----------
    wall : int64 array, length n
        Seconds since 1970 of the date and time that are written.
    offset : int64 array, length n
        Seconds that they are before UTC; 0 where no zone is written.
    is_known, is_zoned : bool array, length n
        Whether there is a date at all, and whether a zone is written behind it.
    """

    wall: np.ndarray
    offset: np.ndarray
    is_known: np.ndarray
    is_zoned: np.ndarray


def as_dates(column: pa.ChunkedArray, written: Written = AS_WRITTEN) -> Converted:
    """Days, however they arrive; ``written`` is what the cohort file says of the column. Years have four digits."""
    made = _as_dates(column, written)
    # The last second of 9999 in UTC, which stands for "still open", is the next day east of it.
    made = replace(made, values=made.values.mask(made.values == LAST_DAY + 1, LAST_DAY.astype("datetime64[s]")))
    days = made.values.to_numpy().astype("datetime64[D]")
    beyond = (days < FIRST_DAY) | (days > LAST_DAY)
    return replace(made, values=made.values.mask(beyond), failed=made.failed | beyond) if beyond.any() else made


def _as_dates(column: pa.ChunkedArray, written: Written) -> Converted:
    if pa.types.is_timestamp(column.type):
        return _of_times(column, written)
    if pa.types.is_date(column.type):
        days = column.cast(pa.date32(), safe=False).to_numpy().astype("datetime64[D]")
        return Converted(pd.Series(days.astype("datetime64[s]")), np.zeros(len(column), bool))
    if written.form and (is_text(column.type) or is_number(column)):
        return by_form(column, written.form)
    if is_text(column.type) or is_number(column):
        return _of_text(as_code(column), written)
    empty = pd.Series(np.full(len(column), np.datetime64("NaT", "s")))
    return Converted(empty, np.asarray(column.is_valid()))


def as_months(column: pa.ChunkedArray, written: Written = AS_WRITTEN) -> Converted:
    """Calendar months written YYYYMM, YYYY-MM or as a date; values are the first day of the month."""
    if written.form or not (is_text(column.type) or is_number(column)):
        days = as_dates(column, written)
        return replace(days, values=_first_of_month(days.values))
    text = as_code(column)
    parts = text.str.extract(r"^(\d{4})-?(\d{2})$").astype(float)
    months = calendar_days(parts[0], parts[1], pd.Series(1.0, index=text.index))
    days = _of_text(text.where(months.isna()), written)
    values = months.fillna(_first_of_month(days.values))
    fixed = None if months.notna().equals(values.notna()) else days.fixed
    return Converted(values, (text.notna() & values.isna()).to_numpy(), fixed)


def _of_times(column: pa.ChunkedArray, written: Written) -> Converted:
    """Days of a column of times."""
    zone, column = column.type.tz, _whole_seconds(column)
    local = column if zone is None else pc.local_timestamp(column)
    wall, is_known = _seconds(local), np.asarray(column.is_valid())
    if zone is not None and not is_fixed(zone):
        return _converted(wall, is_known, "time_zone_in_date")
    utc = wall if zone is None else _seconds(column.cast(pa.timestamp(column.type.unit)))
    moments = Moments(wall, wall - utc, is_known, np.full(len(wall), zone is not None))
    return _placed(moments, written, "time_zone_in_date" if zone is not None else None)


def _whole_seconds(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Times without parts of a second: the last nanoseconds, of 2262, have no room for a zone's hours."""
    counts = pc.fill_null(column.cast(pa.int64()), 0).to_numpy() // IN_A_SECOND[column.type.unit]
    seconds = pa.array(counts, pa.int64(), mask=~np.asarray(column.is_valid()))
    return pa.chunked_array([seconds.cast(pa.timestamp("s", column.type.tz))])


def _seconds(column: pa.ChunkedArray) -> np.ndarray:
    values = pd.Series(column.cast(pa.timestamp("s"), safe=False).to_numpy()).astype("datetime64[s]")
    return values.to_numpy().astype("int64")


def _of_text(text: pd.Series, written: Written) -> Converted:
    """Days of dates written YYYY-MM-DD, YYYYMMDD or DD.MM.YYYY; a time and a zone may follow."""
    parts = [text.str.extract(shape) for shape in SHAPES]
    found = parts[0].fillna(parts[1]).fillna(parts[2])
    number = found.drop(columns="zone").astype(float)
    days = calendar_days(number["year"], number["month"], number["day"])
    has_time = number["hour"].notna()
    clock = (number["hour"] * 3600 + number["minute"] * 60 + number["second"].fillna(0)).fillna(0)
    days = days.where(clock < DAY)
    known = days.notna().to_numpy()
    wall = days.to_numpy().astype("datetime64[s]").astype("int64") + clock.astype("int64").to_numpy()
    moments = Moments(wall, _offsets(found["zone"]), known, (has_time & found["zone"].notna()).to_numpy())
    placed = _placed(moments, written, "converted_type")
    return replace(placed, failed=(text.notna().to_numpy() & ~known))


def _offsets(zone: pd.Series) -> np.ndarray:
    """Seconds that Z, +01 or -0430 are before UTC; 0 where there is none."""
    parts = zone.str.extract(r"^([+-])(\d{2}):?(\d{2})?$")
    size = parts[1].astype(float) * 3600 + parts[2].fillna("0").astype(float) * 60
    return size.where(parts[0] == "+", -size).fillna(0).astype("int64").to_numpy()


def _placed(moments: Moments, written: Written, usual: str | None) -> Converted:
    """The day of each moment at the register, and the rule that says how it was found."""
    if written.zone == LOCAL or _is_midnight(moments.wall, moments.is_known):
        return _converted(moments.wall, moments.is_known, usual)
    zone = written.zone or written.usual_zone
    if zone is not None:
        there = _in_zone(moments.wall - moments.offset, zone)
        bare = moments.is_known & ~moments.is_zoned
        # Of all columns together only a usual zone is named: a bare time may be the register's own clock, unless it
        # turns out to be midnight there.
        if written.zone or not bare.any() or _is_midnight(there, bare):
            return _converted(there, moments.is_known, "time_zone_in_date")
    return _converted(moments.wall, moments.is_known, "unknown_time_zone")


def _is_midnight(seconds: np.ndarray, is_known: np.ndarray) -> bool:
    """Whether all times are midnight but those of dates that are signs."""
    years = seconds.astype("datetime64[s]").astype("datetime64[Y]").astype("int64") + 1970
    counts = is_known & (years >= EARLIEST_YEAR) & (years < SENTINEL_YEAR)
    return bool((seconds[counts] % DAY == 0).all())


def _in_zone(utc: np.ndarray, zone: str) -> np.ndarray:
    """Seconds of the clock in a zone."""
    times = pa.array(utc, pa.timestamp("s", "UTC")).cast(pa.timestamp("s", zone))
    return _seconds(pa.chunked_array([pc.local_timestamp(times)]))


def _converted(wall: np.ndarray, is_known: np.ndarray, rule: str | None) -> Converted:
    days = np.where(is_known, wall, 0) // DAY
    values = np.where(is_known, days.astype("datetime64[D]"), np.datetime64("NaT")).astype("datetime64[s]")
    return Converted(pd.Series(values), np.zeros(len(values), bool), rule)


def is_fixed(zone: str) -> bool:
    """Whether a zone is as far from UTC in summer as in winter: a time in it does not tell the day elsewhere."""
    try:
        clock = ZoneInfo(zone)
    except (ValueError, KeyError, OSError):  # an offset such as +01:00
        return True
    return len({datetime(year, month, 1, tzinfo=clock).utcoffset() for year, month in SEASONS}) == 1


def _first_of_month(days: pd.Series) -> pd.Series:
    return pd.Series(days.to_numpy().astype("datetime64[M]"), index=days.index).astype("datetime64[s]")
