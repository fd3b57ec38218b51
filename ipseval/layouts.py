"""Layouts that spells arrive in: a registry of adapters to one form, dated spells.

An adapter takes the rows of the trial's persons and returns spells with ``is_observed``: 1 for a spell, 0 for
days on which nothing is known. Days that no row speaks of are "no spell", never unknown.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd

from ipseval.contracts import Column, Extract

DAYS_A_WEEK = 7
WEEKS_A_MONTH = 4  # of weeks counted from randomisation, month k holds weeks 4k-3..4k


@dataclass(frozen=True)
class Study:
    """What an adapter may need to know of the trial.

    Parameters
    ----------
    randomised_on : Series
        Indexed by person.
    months : range
        Months of the window, counted from the month of randomisation.
    """

    randomised_on: pd.Series
    months: range


@dataclass(frozen=True)
class Layout:
    """A layout: the columns it needs of a delivery, and its adapter.

    Parameters
    ----------
    columns : function
        (extract, names of the delivered columns, options) -> the columns to be read.
    to_spells : function
        (frame, study, options) -> spells.
    is_dated : bool
        Whether days that no row speaks of are known, up to the end of the register: ``observed_until`` is needed.
    is_wide : bool
        Whether a row holds many months or weeks of a person, one a column.
    one_row : tuple of str
        Columns that together stand in one row only; none when rows may repeat.
    options : mapping
        Option -> what it holds.
    undeclared : function or None
        (frame, options) -> rows with a code that the options do not declare.
    """

    meaning: str
    columns: Callable[[Extract, Iterable[str], Mapping[str, Any]], tuple[Column, ...]]
    to_spells: Callable[[pd.DataFrame, Study, Mapping[str, Any]], pd.DataFrame]
    is_dated: bool = True
    is_wide: bool = False
    one_row: tuple[str, ...] = ()
    options: Mapping[str, str] = field(default_factory=dict)
    undeclared: Callable[[pd.DataFrame, Mapping[str, Any]], np.ndarray] | None = None


def _declared(extract: Extract, *own: Column) -> tuple[Column, ...]:
    """The extract's columns with the first and last day replaced by a layout's own columns."""
    return (*(c for c in extract.columns if c.name not in ("start_on", "end_on")), *own)


def _spells(frame: pd.DataFrame, study: Study, options: Mapping[str, Any]) -> pd.DataFrame:
    end_on = frame["end_on"] if "end_on" in frame else pd.Series(np.datetime64("NaT", "s"), index=frame.index)
    return frame.assign(end_on=end_on, is_observed=np.int8(1))


_EMPLOYED = Column("employed", "flag", "1 or 0; empty: not known.", needed=False, nullable=True)


def _monthly(frame: pd.DataFrame, study: Study, options: Mapping[str, Any]) -> pd.DataFrame:
    employed = frame["employed"] if "employed" in frame else pd.Series(1, index=frame.index, dtype="Int8")
    kept = frame[employed.isna() | (employed == 1)]
    starts = kept["year_month"].to_numpy().astype("datetime64[M]")
    observed = employed[kept.index].notna().astype("int8")
    return _dated(kept.drop(columns=["year_month", "employed"], errors="ignore"), starts, starts, observed.to_numpy())


def _dated(frame: pd.DataFrame, first: np.ndarray, last: np.ndarray, observed: np.ndarray) -> pd.DataFrame:
    """Spells from the first day of month ``first`` to the last day of month ``last`` (datetime64[M])."""
    start_on = first.astype("datetime64[D]").astype("datetime64[s]")
    end_on = ((last + 1).astype("datetime64[D]") - 1).astype("datetime64[s]")
    return frame.assign(start_on=start_on, end_on=end_on, is_observed=observed)


def _relative_monthly(frame: pd.DataFrame, study: Study, options: Mapping[str, Any]) -> pd.DataFrame:
    states = pd.DataFrame(np.nan, index=study.randomised_on.index, columns=pd.Index(study.months))
    inside = frame[frame["month"].isin(study.months)]
    delivered = (
        inside.assign(employed=inside["employed"].astype(float)).groupby(["person_id", "month"])["employed"].max()
    )
    states.update(delivered.unstack())
    rows, cells = np.nonzero(~(states.to_numpy() == 0))
    person = states.index.to_numpy()[rows]
    month = study.randomised_on.to_numpy().astype("datetime64[M]")[rows] + states.columns.to_numpy()[cells]
    observed = ~np.isnan(states.to_numpy()[rows, cells])
    return _dated(pd.DataFrame({"person_id": person}), month, month, observed.astype("int8"))


def week_columns(names: Iterable[str], options: Mapping[str, Any]) -> dict[str, int]:
    """Delivered column of each week -> its number (counted from randomisation, or YYWW)."""
    prefix = options.get("prefix")
    names = list(names)
    for pattern in [rf"{re.escape(prefix)}(\d+)"] if prefix else [r"w(\d+)", r"y_(\d{4})"]:
        found = {n: int(m[1]) for n in names if (m := re.fullmatch(pattern, n))}
        if found:
            return dict(sorted(found.items(), key=lambda item: item[1]))
    return {}


def _is_calendar(weeks: Mapping[str, int], options: Mapping[str, Any]) -> bool:
    return options.get("weeks", "calendar" if all(n.startswith("y_") for n in weeks) else "relative") == "calendar"


def _weekly_columns(extract: Extract, names: Iterable[str], options: Mapping[str, Any]) -> tuple[Column, ...]:
    kind = "code" if options.get("employed") else "flag"
    person = extract.columns[0]
    cells = [replace(person, name=n, kind=kind, nullable=True, meaning="A week.") for n in week_columns(names, options)]
    return (person, *(cells or [replace(person, name="w1", kind=kind, meaning="A week.")]))


def _weekly_wide(frame: pd.DataFrame, study: Study, options: Mapping[str, Any]) -> pd.DataFrame:
    weeks = week_columns(frame.columns, options)
    calendar = _is_calendar(weeks, options)
    states = _week_states(frame, list(weeks), options).reindex(study.randomised_on.index)
    known = _calendar_weeks(weeks) if calendar else None
    rows, cells = np.nonzero(~(states.to_numpy() == 0))
    person, observed = states.index.to_numpy()[rows], ~np.isnan(states.to_numpy()[rows, cells])
    starts = known[cells] if known is not None else _relative_starts(study, np.array(list(weeks.values())), rows, cells)
    spells = pd.DataFrame(
        {
            "person_id": person,
            "start_on": starts.astype("datetime64[s]"),
            "end_on": (starts + DAYS_A_WEEK - 1).astype("datetime64[s]"),
            "is_observed": observed.astype("int8"),
        }
    )
    gaps = _calendar_gaps(study, known) if known is not None else _relative_gaps(study, weeks.values())
    return pd.concat([spells, gaps], ignore_index=True)


def _week_states(frame: pd.DataFrame, weeks: list[str], options: Mapping[str, Any]) -> pd.DataFrame:
    """1 (employed), 0 or missing, by person and week."""
    cells = frame.set_index("person_id")[weeks]
    if not options.get("employed"):
        return cells.astype(float)
    states = pd.DataFrame(0.0, index=cells.index, columns=cells.columns).where(cells.notna())
    return states.mask(cells.isin(list(map(str, options["employed"]))), 1.0)


def _undeclared_weeks(frame: pd.DataFrame, options: Mapping[str, Any]) -> np.ndarray:
    if not options.get("employed"):
        return np.zeros(len(frame), bool)
    declared = list(map(str, [*options["employed"], *options.get("not_employed", [])]))
    cells = frame[list(week_columns(frame.columns, options))]
    return (cells.notna() & ~cells.isin(declared)).any(axis=1).to_numpy()


def _calendar_weeks(weeks: Mapping[str, int]) -> np.ndarray:
    """Monday of each ISO week given as YYWW (70..99 are 1970..1999)."""
    number = np.array(list(weeks.values()))
    year = number // 100 + np.where(number // 100 >= 70, 1900, 2000)
    fourth = (year - 1970).astype("datetime64[Y]").astype("datetime64[D]") + 3  # 4 January lies in week 1
    monday = fourth - ((fourth.astype(int) + 3) % DAYS_A_WEEK)
    return monday + DAYS_A_WEEK * (number % 100 - 1)


def _relative_starts(study: Study, number: np.ndarray, rows: np.ndarray, cells: np.ndarray) -> np.ndarray:
    """First day of each week: week 4k-3+r of month k is put on days 1+7r..7+7r of calendar month k.

    # ASSUME: weeks counted from randomisation have no calendar; four of them make a month.
    """
    month, rest = (number - 1) // WEEKS_A_MONTH + 1, (number - 1) % WEEKS_A_MONTH
    first = study.randomised_on.to_numpy().astype("datetime64[M]")[rows] + month[cells]
    return first.astype("datetime64[D]") + DAYS_A_WEEK * rest[cells]


def _relative_gaps(study: Study, numbers: Iterable[int]) -> pd.DataFrame:
    """Weeks of the window that no column holds: not observed; the fourth reaches to the end of the calendar month."""
    delivered = set(numbers)
    absent = [
        (k, r) for k in study.months for r in range(WEEKS_A_MONTH) if WEEKS_A_MONTH * (k - 1) + 1 + r not in delivered
    ]
    month, rest = np.array(absent, dtype=int).reshape(-1, 2).T
    first = study.randomised_on.to_numpy().astype("datetime64[M]")[:, None] + month
    starts = first.astype("datetime64[D]") + DAYS_A_WEEK * rest
    month_ends = (first + 1).astype("datetime64[D]") - 1
    ends = np.where(rest == WEEKS_A_MONTH - 1, month_ends, starts + DAYS_A_WEEK - 1)
    return _unknown(study, starts.ravel(), ends.ravel())


def _calendar_gaps(study: Study, mondays: np.ndarray) -> pd.DataFrame:
    """Days of the window outside the delivered calendar weeks: not observed."""
    months = study.randomised_on.to_numpy().astype("datetime64[M]")
    opens = (months + study.months[0]).astype("datetime64[D]")
    closes = (months + study.months[-1] + 1).astype("datetime64[D]") - 1
    ends = mondays + DAYS_A_WEEK - 1
    starts = np.concatenate([[np.datetime64("0001-01-01")], ends + 1])
    stops = np.concatenate([mondays - 1, [np.datetime64("9998-12-31")]])
    first = np.maximum(opens[:, None], starts[None, :])
    last = np.minimum(closes[:, None], stops[None, :])
    gaps = _unknown(study, first.ravel(), last.ravel())
    return gaps[gaps["start_on"] <= gaps["end_on"]]


def _unknown(study: Study, starts: np.ndarray, ends: np.ndarray) -> pd.DataFrame:
    person = np.repeat(study.randomised_on.index.to_numpy(), len(starts) // max(len(study.randomised_on), 1))
    return pd.DataFrame(
        {
            "person_id": person,
            "start_on": starts.astype("datetime64[s]"),
            "end_on": ends.astype("datetime64[s]"),
            "is_observed": np.int8(0),
        }
    )


LAYOUTS: dict[str, Layout] = {
    "spells": Layout(
        "One row a spell: first and last day.",
        lambda extract, names, options: extract.columns,
        _spells,
    ),
    "monthly": Layout(
        "One row a person, job and calendar month. A month without a row is no spell.",
        lambda extract, names, options: _declared(
            extract, Column("year_month", "month", "Calendar month: YYYYMM, YYYY-MM or a date."), _EMPLOYED
        ),
        _monthly,
    ),
    "relative_monthly": Layout(
        "One row a person and month counted from randomisation. A month without a row is not observed.",
        lambda extract, names, options: (
            extract.columns[0],
            Column("month", "integer", "Month since randomisation."),
            replace(_EMPLOYED, needed=True),
        ),
        _relative_monthly,
        is_dated=False,
        one_row=("person_id", "month"),
    ),
    "weekly_wide": Layout(
        "One row a person, one column a week, counted from randomisation (w1, w2, ...) or by calendar (y_YYWW). "
        "Cells are 0, 1 or empty (not observed), or codes. A week without a column is not observed.",
        _weekly_columns,
        _weekly_wide,
        is_dated=False,
        is_wide=True,
        one_row=("person_id",),
        options={
            "prefix": "What the names of the week columns begin with, before the digits.",
            "weeks": "relative or calendar (YYWW); found from the names w... and y_... otherwise.",
            "employed": "Codes that mean employed.",
            "not_employed": "Codes that mean not employed.",
        },
        undeclared=_undeclared_weeks,
    ),
}
