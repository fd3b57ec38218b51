"""Layouts read backwards: rows of the contract as a register delivers them, one table a month or year where it does."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from ipseval.contracts import Extract
from ipseval.registers.row_periods import MONTH_COLUMN, YEAR_COLUMN

DAYS_A_WEEK, WEEKS_A_MONTH = 7, 4
NUS_DIGITS = 100_000  # a level is the first of six digits
Parts = Iterator[tuple[pd.Period | None, pd.DataFrame]]


@dataclass(frozen=True)
class Drawn:
    """Rows of an extract that are to be delivered.

    Parameters
    ----------
    extract : Extract
    rows : DataFrame
        Columns of the contract; days are datetime64.
    trial : DataFrame
        The trial list, with ``person_id`` and ``randomised_on``.
    months : tuple of Period
        First and last month that the files speak of.
    window : range
        Months since randomisation.
    options : mapping
        Of the layout.
    codes : tuple of str
        Of a layout with codes in its cells: the codes of the spells, in turn.
    """

    extract: Extract
    rows: pd.DataFrame
    trial: pd.DataFrame
    months: tuple[pd.Period, pd.Period]
    window: range
    options: Mapping[str, Any]
    codes: tuple[str, ...] = ()


def _plain(drawn: Drawn) -> Parts:
    yield None, drawn.rows


def _with_a_day_in(rows: pd.DataFrame, period: pd.Period) -> pd.DataFrame:
    """Rows of spells that cover a day of a month or year."""
    opens, closes = period.start_time.normalize(), period.end_time.normalize()
    return rows[(rows["start_on"] <= closes) & ~(rows["end_on"] < opens)].reset_index(drop=True)


def _periods(drawn: Drawn, unit: str) -> pd.PeriodIndex:
    first, last = drawn.months
    return pd.period_range(first, last, freq="M").asfreq(unit).unique()


def _in_periods(drawn: Drawn) -> Parts:
    unit = "Y" if drawn.options.get("period") == "year" else "M"
    yield from ((period, _with_a_day_in(drawn.rows, period)) for period in _periods(drawn, unit))


def _monthly(drawn: Drawn) -> Parts:
    for month in _periods(drawn, "M"):
        yield month, _with_a_day_in(drawn.rows, month).drop(columns=["start_on", "end_on"])


def _month_number(days: pd.Series) -> pd.Series:
    """YYYYMM, missing where the day is."""
    return (days.dt.year * 100 + days.dt.month).astype("Int64")


def _by_month(*names: tuple[str, str]) -> Callable[[Drawn], Parts]:
    """Days as months: our column of days -> the layout's of months."""

    def delivered(drawn: Drawn) -> Parts:
        here = {month: _month_number(drawn.rows[day]) for day, month in names if day in drawn.rows}
        yield None, drawn.rows.drop(columns=[day for day, _ in names], errors="ignore").assign(**here)

    return delivered


def _relative(drawn: Drawn) -> Parts:
    """Whether a person has a spell with a day in each month counted from randomisation."""
    month_0 = drawn.trial["randomised_on"].to_numpy().astype("datetime64[M]")[:, None]
    opens = (month_0 + np.array(drawn.window)).astype("datetime64[D]")
    closes = (month_0 + np.array(drawn.window) + 1).astype("datetime64[D]") - 1
    employed = _covered(drawn, opens, closes).astype(int)
    persons, n = drawn.trial["person_id"].to_numpy(), len(drawn.window)
    months = np.tile(drawn.window, len(persons))
    yield None, pd.DataFrame({"person_id": np.repeat(persons, n), "month": months, "employed": employed.ravel()})


def _covered(drawn: Drawn, opens: np.ndarray, closes: np.ndarray) -> np.ndarray:
    """Whether a person has a spell with a day from ``opens`` to ``closes`` (datetime64[D], n x periods); bool."""
    found = np.zeros(opens.shape, bool)
    place = pd.Index(drawn.trial["person_id"]).get_indexer(drawn.rows["person_id"])
    start, end = (drawn.rows[name].to_numpy().astype("datetime64[D]") for name in ("start_on", "end_on"))
    for i in np.flatnonzero(place >= 0):
        at = place[i]
        found[at] |= (start[i] <= closes[at]) & ~(end[i] < opens[at])
    return found


def _weekly(drawn: Drawn) -> Parts:
    """One column a week: a flag or, where the options name codes, a code and else one of those that do not count."""
    prefix = str(drawn.options.get("prefix") or ("w" if not _is_calendar(drawn) else "y_"))
    idle = [c for key in ("not_employed", "not_received") for c in drawn.options.get(key, ()) if c != "*"]
    empty: Any = 0 if not drawn.codes else None if drawn.options.get("empty") == "none" or not idle else idle[0]
    names, opens = _weeks(drawn)
    is_in = _covered(drawn, opens, opens + DAYS_A_WEEK - 1)
    own = [drawn.codes[i % len(drawn.codes)] if drawn.codes else 1 for i in range(len(is_in))]
    cells = {f"{prefix}{n}": np.where(is_in[:, k], np.array(own, object), empty) for k, n in enumerate(names)}
    yield None, pd.DataFrame({"person_id": drawn.trial["person_id"].to_numpy(), **cells})


def _is_calendar(drawn: Drawn) -> bool:
    return drawn.options.get("weeks", "relative") == "calendar" or str(drawn.options.get("prefix", "")).startswith("y")


def _weeks(drawn: Drawn) -> tuple[list[str], np.ndarray]:
    """Names of the weeks, and the first day of each by person (datetime64[D], n x weeks)."""
    randomised_on = drawn.trial["randomised_on"].to_numpy()
    if _is_calendar(drawn):
        first, last = drawn.months[0].start_time, drawn.months[1].end_time.normalize()
        mondays = pd.date_range(first, last, freq="W-MON")
        names = [f"{m.isocalendar().year % 100:02d}{m.isocalendar().week:02d}" for m in mondays]
        return names, np.tile(mondays.to_numpy().astype("datetime64[D]"), (len(randomised_on), 1))
    number = np.arange(WEEKS_A_MONTH * drawn.window[-1])
    month = randomised_on.astype("datetime64[M]")[:, None] + number // WEEKS_A_MONTH + 1
    opens = month.astype("datetime64[D]") + DAYS_A_WEEK * (number % WEEKS_A_MONTH)
    return [str(n + 1) for n in number], opens


def _nus2000(drawn: Drawn) -> Parts:
    rows = drawn.rows.assign(
        nus2000=drawn.rows["level"] * NUS_DIGITS + 1, completed_month=_month_number(drawn.rows["completed_on"])
    )
    yield None, rows.drop(columns=["level", "completed_on"])


BACKWARDS: dict[str, Callable[[Drawn], Parts]] = {
    "spells": _plain,
    "spells_in_period": _in_periods,
    "spells_by_month": _by_month(("start_on", "start_month"), ("end_on", "end_month")),
    "monthly": _monthly,
    "relative_monthly": _relative,
    "weekly_wide": _weekly,
    "persons_by_month": _by_month(
        *(("birth_date", "birth_month"), ("died_on", "died_month"), ("emigrated_on", "emigrated_month")),
        ("returned_on", "returned_month"),
    ),
    "nus2000": _nus2000,
}  # fmt: skip


def with_period(rows: pd.DataFrame, period: pd.Period) -> pd.DataFrame:
    """Rows with their month or year in a column, where no file's name holds it."""
    if period.freqstr.startswith("Y"):
        return rows.assign(**{YEAR_COLUMN: period.year})
    return rows.assign(**{MONTH_COLUMN: period.year * 100 + period.month})
