"""Adapters of layouts by spell, month and period, and of registers that hold months in place of days."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from ipseval.contracts import Extract
from ipseval.registers.row_periods import MONTH_COLUMN, YEAR_COLUMN
from ipseval.registers.spells import no_days

LEVEL_DIGITS = 6  # of a whole NUS2000 code; as a number it has lost its leading zeros


@dataclass(frozen=True)
class Study:
    """What an adapter may need to know of the trial.

    Parameters
    ----------
    extract : Extract
        The extract that the rows are of.
    randomised_on : Series
        Indexed by person.
    months : range
        Months of the window, counted from the month of randomisation.
    """

    extract: Extract
    randomised_on: pd.Series
    months: range


def rows_as_they_are(frame: pd.DataFrame, study: Study, options: Mapping[str, Any]) -> pd.DataFrame:
    """Spells with their first and last day; rows of an extract that holds no spells unchanged."""
    if study.extract.column("start_on") is None:
        return frame
    return frame.assign(end_on=_days(frame, "end_on"), is_observed=np.int8(1))


def _days(frame: pd.DataFrame, column: str) -> pd.Series:
    """A column of days, empty where it was not delivered."""
    return frame[column] if column in frame else no_days(frame.index)


def spells_by_month(frame: pd.DataFrame, study: Study, options: Mapping[str, Any]) -> pd.DataFrame:
    """Spells from the first day of their first month to the last day of their last.

    # ASSUME: a spell of which only months are delivered covers its first and its last month whole.
    """
    first = frame["start_month"].to_numpy().astype("datetime64[M]")
    last = _days(frame, "end_month").to_numpy().astype("datetime64[M]")
    return _dated(frame.drop(columns=["start_month", "end_month"], errors="ignore"), first, last, np.int8(1))


def monthly(frame: pd.DataFrame, study: Study, options: Mapping[str, Any]) -> pd.DataFrame:
    """A spell of the whole month a row that says employed; unknown where it does not say."""
    employed = frame["employed"] if "employed" in frame else pd.Series(1, index=frame.index, dtype="Int8")
    kept = frame[employed.isna() | (employed == 1)]
    month = kept[MONTH_COLUMN].to_numpy().astype("datetime64[M]")
    observed = employed[kept.index].notna().astype("int8")
    return _dated(kept.drop(columns=[MONTH_COLUMN, "employed"], errors="ignore"), month, month, observed.to_numpy())


def _dated(frame: pd.DataFrame, first: np.ndarray, last: np.ndarray, observed: np.ndarray | np.int8) -> pd.DataFrame:
    """Spells from the first day of month ``first`` to the last day of month ``last`` (datetime64[M])."""
    start_on = first.astype("datetime64[D]").astype("datetime64[s]")
    return frame.assign(start_on=start_on, end_on=_last_day(last), is_observed=observed)


def _last_day(months: np.ndarray) -> np.ndarray:
    return ((months + 1).astype("datetime64[D]") - 1).astype("datetime64[s]")


def spells_in_period(frame: pd.DataFrame, study: Study, options: Mapping[str, Any]) -> pd.DataFrame:
    """The days of a job that lie in the month or year of its row.

    A row that ends before it starts stays as delivered, for the check to find.
    """
    opens, closes, is_reversed = _period(frame, options)
    kept = is_reversed | ~outside_period(frame, options)
    start_on = frame["start_on"].mask(~is_reversed & (frame["start_on"] < opens), opens)
    end_on = _days(frame, "end_on")
    end_on = end_on.mask(~is_reversed & ~(end_on <= closes), closes)
    made = frame.drop(columns=[MONTH_COLUMN, YEAR_COLUMN], errors="ignore")
    return made.assign(start_on=start_on, end_on=end_on, is_observed=np.int8(1))[kept].reset_index(drop=True)


def outside_period(frame: pd.DataFrame, options: Mapping[str, Any]) -> np.ndarray:
    """Rows of a job without a day in the month or year of the row."""
    opens, closes, is_reversed = _period(frame, options)
    outside = (frame["start_on"] > closes) | (_days(frame, "end_on") < opens)
    return (outside & ~is_reversed).to_numpy()


def _period(frame: pd.DataFrame, options: Mapping[str, Any]) -> tuple[pd.Series, pd.Series, pd.Series]:
    """First and last day of each row's month or year, and which rows end before they start."""
    if options.get("period") == "year":
        first = (frame[YEAR_COLUMN].to_numpy(dtype="int64", na_value=1970) - 1970).astype("datetime64[Y]")
        months = first.astype("datetime64[M]"), first.astype("datetime64[M]") + 11
    else:
        months = (frame[MONTH_COLUMN].to_numpy().astype("datetime64[M]"),) * 2
    opens = pd.Series(months[0].astype("datetime64[D]").astype("datetime64[s]"), index=frame.index)
    closes = pd.Series(_last_day(months[1]), index=frame.index)
    return opens, closes, _days(frame, "end_on") < frame["start_on"]


def relative_monthly(frame: pd.DataFrame, study: Study, options: Mapping[str, Any]) -> pd.DataFrame:
    """A spell of the whole calendar month a month counted from randomisation; unknown where no row says."""
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


def persons_by_month(frame: pd.DataFrame, study: Study, options: Mapping[str, Any]) -> pd.DataFrame:
    """Persons with the last day of the month in which they died, emigrated or returned, where only that is known.

    # ASSUME: of a death, an emigration or a return known by month, the day is the last of the month.
    """
    return _with_last_days(
        frame, {"died_on": "died_month", "emigrated_on": "emigrated_month", "returned_on": "returned_month"}
    )


def nus2000(frame: pd.DataFrame, study: Study, options: Mapping[str, Any]) -> pd.DataFrame:
    """Completed levels from whole codes: the first of six digits.

    # ASSUME: a level of which only the month of completion is known was completed on its last day.
    """
    digits = frame["nus2000"].str.zfill(LEVEL_DIGITS).str[0].where(~no_level(frame, options))
    dated = _with_last_days(frame, {"completed_on": "completed_month"})
    return dated.drop(columns="nus2000").assign(level=pd.to_numeric(digits).astype("Int64"))


def no_level(frame: pd.DataFrame, options: Mapping[str, Any]) -> np.ndarray:
    """Rows whose code is no code of NUS2000."""
    fits = frame["nus2000"].str.fullmatch(rf"\d{{1,{LEVEL_DIGITS}}}")
    return (frame["nus2000"].notna() & ~fits.fillna(False).astype(bool)).to_numpy()


def _with_last_days(frame: pd.DataFrame, months: Mapping[str, str]) -> pd.DataFrame:
    """Days filled in from months (day's column -> month's column), which are dropped."""
    here = {day: month for day, month in months.items() if month in frame}
    filled = {
        day: _days(frame, day).fillna(
            pd.Series(_last_day(frame[month].to_numpy().astype("datetime64[M]")), index=frame.index)
        )
        for day, month in here.items()
    }
    return frame.drop(columns=list(here.values())).assign(**filled)
