"""Parts of an extract: the rows of one source as the contract has them, within the months that it speaks of."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from ipseval.registers import signs
from ipseval.registers.adapters import Study
from ipseval.registers.findings import Findings
from ipseval.registers.noting import note
from ipseval.registers.opening import Opened, configured
from ipseval.registers.over_time import spoken_of
from ipseval.registers.row_rules import Known


def adapted(frame: pd.DataFrame, this: Opened, known: Known, found: Findings) -> pd.DataFrame:
    """Rows of a part in the contract's columns.

    Parameters
    ----------
    frame : DataFrame
        Converted rows of the trial's persons, in the columns of the part's layout.
    this : Opened
    known : Known
    found : Findings
    """
    options = this.source.options
    if found.faults:  # rows that could not be read would only raise faults of their own
        frame = frame.dropna(subset=[c.name for c in this.contract if c.name in frame and not c.nullable])
        frame = frame.reset_index(drop=True)
    frame = _without_signs(frame, this, found)
    if this.layout.outside and this.period:
        idle = this.layout.outside(frame, options)
        note(this, "outside_period", idle, frame, found, unit=this.period.word)
    if this.extract.name == "employment" and (spoken := spoken_of(frame, known.randomised_on)) is not None:
        found.spoken.append(spoken)
    months = known.cohort.window.months  # and the month before randomisation, which decides on eligibility
    study = Study(this.extract, known.randomised_on, range(min(months.start, -1), months.stop))
    made = this.layout.adapt(_full_time(frame, this), study, options)
    return _within(made, this, found) if "is_observed" in made else made


def _without_signs(frame: pd.DataFrame, this: Opened, found: Findings) -> pd.DataFrame:
    """The rows with ends that stand for "still open" empty; starts that stand for no day are told and kept.

    Before spells are cut to the months of their rows, which would make days of the signs.
    """
    for end, start in ((e, s) for e, s in signs.SPANS.items() if s in frame):
        if end in frame:
            rows = signs.no_end(frame, end)
            action = note(this, "past_sign", rows, frame, found, column=end, day=signs.told(frame, end, rows))
            frame = frame.assign(**{end: frame[end].mask(rows)}) if action == "fix" else frame
        rows = signs.no_start(frame, start)
        action = note(this, "start_sign", rows, frame, found, column=start, day=signs.told(frame, start, rows))
        frame = frame[~rows].reset_index(drop=True) if action == "drop" else frame
    return frame


def _full_time(frame: pd.DataFrame, this: Opened) -> pd.DataFrame:
    """Hours from the share of a full-time job, where that was delivered."""
    hours = this.source.full_time_hours
    if hours is None or "weekly_hours" not in frame:
        return frame
    return frame.assign(weekly_hours=frame["weekly_hours"] * hours)


def _within(spells: pd.DataFrame, this: Opened, found: Findings) -> pd.DataFrame:
    """Spells cut at the first and the last month that the source speaks of; those outside are left out."""
    since, until = _bound(this.source.observed_from), _bound(this.source.observed_until, months=1)
    last_day = until - np.timedelta64(1, "D")
    starts, ends = spells["start_on"], spells["end_on"]
    is_early = (starts < since) if not np.isnat(since) else np.zeros(len(spells), bool)
    is_late = ~(ends <= last_day) if not np.isnat(until) else np.zeros(len(spells), bool)
    is_reversed = ends < starts
    beyond = np.asarray((is_early | is_late) & ~is_reversed)
    note(this, "outside_source", beyond & (spells["is_observed"] == 1).to_numpy(), spells, found)
    cut = spells.assign(start_on=starts.mask(beyond & is_early, since), end_on=ends.mask(beyond & is_late, last_day))
    return cut[~(beyond & (cut["end_on"] < cut["start_on"]).to_numpy())].reset_index(drop=True)


def _bound(month: str | None, months: int = 0) -> np.datetime64:
    """First day of a month, so many months later; NaT for none."""
    return (np.datetime64(month or "NaT", "M") + months).astype("datetime64[D]").astype("datetime64[s]")


def check_hours(parts: Sequence[Opened], known: Known, found: Findings) -> None:
    """Note hours that are asked for but not delivered, or that mean something else after a month of the window."""
    cohort = known.cohort
    if cohort.outcome.min_weekly_hours <= 0:
        return
    if any("weekly_hours" not in part.columns for part in parts):
        what = "outcome.min_weekly_hours is above 0, but employment was delivered without weekly_hours."
        remedy = "Nobody would count as employed: set it to 0, or have the hours delivered."
        found.fault(configured(cohort), what, remedy)
    month_0 = known.randomised_on.dropna().to_numpy().astype("datetime64[M]")
    first, last = month_0 - cohort.window.before, month_0 + cohort.window.after
    if cohort.observed_from:
        first = np.maximum(first, np.datetime64(cohort.observed_from, "M"))
    if cohort.observed_until:
        last = np.minimum(last, np.datetime64(cohort.observed_until, "M"))
    for month in sorted({part.source.hours_break for part in parts if part.source.hours_break}):
        crossing = int(((first < np.datetime64(month, "M")) & (last >= np.datetime64(month, "M"))).sum())
        if crossing:
            subject = f"{crossing} of {len(month_0)} persons"
            words = {"column": "weekly_hours", "month": month}
            found.add("employment", "hours_break", subject, None, crossing, number=crossing, **words)
