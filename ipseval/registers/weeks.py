"""The layout with one row a person and one column a week: to dated spells."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from ipseval.config import code
from ipseval.contracts import Column, Extract
from ipseval.registers.adapters import Study

DAYS_A_WEEK = 7
EVERY = "*"  # in a list of codes: every other
WEEKS_A_MONTH = 4  # of weeks counted from randomisation, month k holds weeks 4k-3..4k


def week_columns(names: Iterable[str], options: Mapping[str, Any]) -> dict[str, int]:
    """Delivered column of each week -> its number (counted from randomisation, or YYWW)."""
    prefix = options.get("prefix")
    names = list(names)
    for pattern in [rf"{re.escape(prefix)}(\d+)"] if prefix else [r"w(\d+)", r"y_(\d{4})"]:
        found = {n: int(m[1]) for n in names if (m := re.fullmatch(pattern, n, re.IGNORECASE))}
        if found:
            return dict(sorted(found.items(), key=lambda item: item[1]))
    return {}


def _is_calendar(weeks: Mapping[str, int], options: Mapping[str, Any]) -> bool:
    return (
        options.get("weeks", "calendar" if all(n.lower().startswith("y_") for n in weeks) else "relative") == "calendar"
    )


def counted(options: Mapping[str, Any]) -> list[str]:
    """Codes that make a spell; empty where cells are 0 and 1."""
    return [code(value) for value in (*options.get("employed", ()), *options.get("received", ()))]


def columns(extract: Extract, names: Iterable[str], options: Mapping[str, Any]) -> tuple[Column, ...]:
    """The key and the delivered weeks; week w1 where there is none."""
    kind = "code" if counted(options) else "flag"
    person = extract.columns[0]
    cells = [replace(person, name=n, kind=kind, nullable=True, meaning="A week.") for n in week_columns(names, options)]
    return (person, *(cells or [replace(person, name="w1", kind=kind, meaning="A week.")]))


def spells(frame: pd.DataFrame, study: Study, options: Mapping[str, Any]) -> pd.DataFrame:
    """A spell of seven days a counted week, with its code where there are codes; unknown days outside the columns."""
    weeks = week_columns(frame.columns, options)
    cells = frame.set_index("person_id")[list(weeks)].reindex(study.randomised_on.index)
    states = _states(cells, options)
    known = _calendar_weeks(weeks) if _is_calendar(weeks, options) else None
    rows, places = np.nonzero(~(states == 0))
    numbers = np.array(list(weeks.values()))
    starts = known[places] if known is not None else _relative_starts(study, numbers, rows, places)
    made = {"person_id": cells.index.to_numpy()[rows]}
    if counted(options) and study.extract.kind_column:
        made[study.extract.kind_column.name] = cells.to_numpy()[rows, places]
    made |= {
        "start_on": starts.astype("datetime64[s]"),
        "end_on": (starts + DAYS_A_WEEK - 1).astype("datetime64[s]"),
        "is_observed": (~np.isnan(states[rows, places])).astype("int8"),
    }
    gaps = _calendar_gaps(study, known) if known is not None else _relative_gaps(study, weeks.values())
    return pd.concat([pd.DataFrame(made), gaps], ignore_index=True)


def _states(cells: pd.DataFrame, options: Mapping[str, Any]) -> np.ndarray:
    """1 (a spell), 0 or missing, persons x weeks."""
    codes = counted(options)
    is_counted = ~cells.isin(_not_counted(options)) if EVERY in codes else cells.isin(codes)
    states = np.where(is_counted, 1.0, 0.0) if codes else cells.astype(float).to_numpy()
    return np.where(cells.isna(), 0.0 if options.get("empty") == "none" else np.nan, states)


def _not_counted(options: Mapping[str, Any]) -> list[str]:
    """Codes that make no spell."""
    return [code(value) for value in (*options.get("not_employed", ()), *options.get("not_received", ()))]


def undeclared(frame: pd.DataFrame, options: Mapping[str, Any]) -> np.ndarray:
    """Rows with a code that the options name neither as counted nor as not counted."""
    declared = [*counted(options), *_not_counted(options)]
    if not counted(options) or EVERY in declared:
        return np.zeros(len(frame), bool)
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
