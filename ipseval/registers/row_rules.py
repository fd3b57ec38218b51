"""Row rules of the check: how rows are found and mended; ``ipseval.registers.rules`` says what becomes of them."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from ipseval.config import Cohort
from ipseval.contracts import EXTRACTS
from ipseval.registers import plausible, repeated, signs
from ipseval.registers.dates import SENTINEL_YEAR
from ipseval.registers.distinct import looked_up
from ipseval.registers.residence import NO_MOVES, Moves
from ipseval.registers.rules import OPEN_DATES
from ipseval.registers.schooling import undecided
from ipseval.registers.spells import overlapping


@dataclass(frozen=True)
class Known:
    """What row rules may look up about persons; series indexed by person."""

    cohort: Cohort
    randomised_on: pd.Series
    born_on: pd.Series
    died_on: pd.Series
    moves: Moves = NO_MOVES


@dataclass(frozen=True)
class RowRule:
    """Finds rows of an extract's frame, and mends the frame when the action is to fix."""

    name: str
    applies: Callable[[str], bool]
    find: Callable[[pd.DataFrame, Known], np.ndarray]
    mend: Callable[[pd.DataFrame, np.ndarray, Known], pd.DataFrame] | None = None
    column: str = ""
    words: Callable[[pd.DataFrame, np.ndarray, Known], dict[str, str]] = lambda frame, rows, known: {}


def _is_spells(extract: str) -> bool:
    return EXTRACTS[extract].column("start_on") is not None


def _has(column: str) -> Callable[[str], bool]:
    return lambda extract: EXTRACTS[extract].column(column) is not None


def _sentinel(column: str) -> RowRule:
    """Dates of what has not happened yet: 9999-12-31, 31.12.2099 and the like."""

    def find(frame: pd.DataFrame, known: Known) -> np.ndarray:
        if column not in frame:
            return np.zeros(len(frame), bool)
        return (frame[column].dt.year >= SENTINEL_YEAR).to_numpy()

    def mend(frame: pd.DataFrame, found: np.ndarray, known: Known) -> pd.DataFrame:
        return frame.assign(**{column: frame[column].mask(found)})

    return RowRule("sentinel_date", _has(column), find, mend, column)


def _no_event(column: str) -> RowRule:
    """Days of death and the like that stand for "has not happened", such as 1900-01-01."""

    def find(frame: pd.DataFrame, known: Known) -> np.ndarray:
        if column not in frame:
            return np.zeros(len(frame), bool)
        return signs.no_event(frame, column, looked_up(known.randomised_on, frame["person_id"]))

    def words(frame: pd.DataFrame, rows: np.ndarray, known: Known) -> dict[str, str]:
        return {"day": signs.told(frame, column, rows)}

    return RowRule("past_sign", _has(column), find, _emptied(column), column, words)


def _emptied(column: str) -> Callable[[pd.DataFrame, np.ndarray, Known], pd.DataFrame]:
    return lambda frame, rows, known: frame.assign(**{column: frame[column].mask(rows)})


def _impossible(rule: str, extract: str, column: str, find: Callable[[pd.DataFrame, Known], np.ndarray]) -> RowRule:
    """A value that cannot be is read as not known."""

    def found(frame: pd.DataFrame, known: Known) -> np.ndarray:
        return find(frame, known) if column in frame else np.zeros(len(frame), bool)

    return RowRule(rule, _only(extract), found, _emptied(column), column)


def _impossible_birth(column: str) -> RowRule:
    return _impossible(
        "impossible_birth",
        "persons",
        column,
        lambda frame, known: plausible.impossible_birth(frame, column, known.randomised_on),
    )


def _span(key: str) -> Callable[[pd.DataFrame, np.ndarray, Known], dict[str, str]]:
    """Words for the ends of what ``plausible`` has for a number."""

    def words(frame: pd.DataFrame, rows: np.ndarray, known: Known) -> dict[str, str]:
        low, high = known.cohort.plausible[key]
        return {"low": f"{low:g}", "high": f"{high:g}"}

    return words


def _hardly(
    rule: str, extract: str, column: str, key: str, find: Callable[[pd.DataFrame, Known], np.ndarray]
) -> RowRule:
    """A value that hardly is true is counted; as a fix it is read as not known."""
    return replace(_impossible(rule, extract, column, find), words=_span(key))


def _implausible_birth(column: str) -> RowRule:
    def find(frame: pd.DataFrame, known: Known) -> np.ndarray:
        age = plausible.completed_by_birth(frame, column, known.randomised_on)
        return plausible.implausible_age(age, *known.cohort.plausible["age"])

    return _hardly("implausible_age", "persons", column, "age", find)


def _repeated(extract: str, column: str) -> RowRule:
    """Values that repeat like a code for missing."""

    def find(frame: pd.DataFrame, known: Known) -> np.ndarray:
        chosen, values = known.cohort.plausible, frame[column]
        if pd.api.types.is_datetime64_any_dtype(values):
            least, years = chosen["repeats"], chosen["years_from_bulk"]
            return repeated.repeated_days(values, frame["person_id"], least, years)
        if not pd.api.types.is_numeric_dtype(values):
            return np.zeros(len(frame), bool)
        return repeated.repeated_numbers(values, frame["person_id"], chosen["repeats"])

    def words(frame: pd.DataFrame, rows: np.ndarray, known: Known) -> dict[str, str]:
        return {"value": repeated.told(frame.loc[rows, column])}

    return replace(_impossible("repeated_code", extract, column, find), words=words)


def _outside_bulk(extract: str, column: str) -> RowRule:
    """Dates far from almost all others, which nobody or hardly anybody shares."""

    def find(frame: pd.DataFrame, known: Known) -> np.ndarray:
        chosen = known.cohort.plausible
        apart = plausible.far_from_bulk(frame[column], chosen["years_from_bulk"])
        least, years = chosen["repeats"], chosen["years_from_bulk"]
        return apart & ~repeated.repeated_days(frame[column], frame["person_id"], least, years)

    return replace(_impossible("date_outside_bulk", extract, column, find), mend=None)


def of_covariates(cohort: Cohort) -> tuple[RowRule, ...]:
    """Rules of the trial list's columns that a cohort declares, which are numbers or codes."""
    return tuple(_repeated("trial", name) for name in cohort.covariates)


def _end_before_start(frame: pd.DataFrame, known: Known) -> np.ndarray:
    return (frame["end_on"] < frame["start_on"]).to_numpy()


def _before_birth(frame: pd.DataFrame, known: Known) -> np.ndarray:
    return (frame["end_on"] < looked_up(known.born_on, frame["person_id"])).to_numpy()


def _starts_before_birth(frame: pd.DataFrame, known: Known) -> np.ndarray:
    return (frame["start_on"] < looked_up(known.born_on, frame["person_id"])).to_numpy()


def _last_day(frame: pd.DataFrame, known: Known) -> pd.Series:
    """The day of death, or of the first emigration since the job began if that was earlier, of each row's person.

    A job that begins after an emigration is none that was left: the person has come back. A job that the register
    goes on reporting after the emigration, month by month, is the one that was left.
    """
    died, gone = looked_up(known.died_on, frame["person_id"]), known.moves.first_since(frame)
    return died.mask(gone.notna() & ~(died <= gone), gone)


def _after_death(frame: pd.DataFrame, known: Known) -> np.ndarray:
    ended = _last_day(frame, known)
    return ((frame["end_on"].isna() & ended.notna()) | (frame["end_on"] > ended)).to_numpy()


def _cut(frame: pd.DataFrame, found: np.ndarray, known: Known) -> pd.DataFrame:
    cut = frame.assign(end_on=frame["end_on"].mask(found, _last_day(frame, known)))
    return cut[~(cut["end_on"] < cut["start_on"])]


def _job_after_emigration(frame: pd.DataFrame, known: Known) -> np.ndarray:
    return known.moves.begins_away(frame, known.randomised_on)


def _ended_before(frame: pd.DataFrame, known: Known) -> np.ndarray:
    day = looked_up(known.randomised_on, frame["person_id"])
    ends = [frame[c] < day for c in ("died_on", "emigrated_on") if c in frame]
    return np.logical_or.reduce(ends) if ends else np.zeros(len(frame), bool)


def _class_would_decide(frame: pd.DataFrame, known: Known) -> np.ndarray:
    day = looked_up(known.randomised_on, frame["person_id"])
    return undecided(frame, known.cohort.describe["education"], day)


def _open_end(frame: pd.DataFrame, known: Known) -> np.ndarray:
    return frame["end_on"].isna().to_numpy()


def _after_register(days: pd.Series, known: Known) -> np.ndarray:
    until = known.cohort.observed_until
    return np.zeros(len(days), bool) if until is None else _months(days) > np.datetime64(until, "M")


def _before_register(frame: pd.DataFrame, known: Known) -> np.ndarray:
    since = known.cohort.observed_from
    days = frame["randomised_on"]
    return np.zeros(len(days), bool) if since is None else _months(days) < np.datetime64(since, "M")


def _outside_register(frame: pd.DataFrame, known: Known) -> np.ndarray:
    """Spells of which no day lies within the register's coverage."""
    since = known.cohort.observed_from
    before = np.zeros(len(frame), bool) if since is None else _months(frame["end_on"]) < np.datetime64(since, "M")
    return before | _after_register(frame["start_on"], known)


def _months(days: pd.Series) -> np.ndarray:
    return days.to_numpy().astype("datetime64[M]")


def _one_arm(frame: pd.DataFrame, known: Known) -> np.ndarray:
    declared = frame["arm"].where(frame["arm"].isin(known.cohort.arms.all))
    return ((declared.groupby(frame["centre"]).transform("nunique") < 2) & declared.notna()).to_numpy()


def _only(name: str) -> Callable[[str], bool]:
    return lambda extract: extract == name


# Columns, by extract, of which values may repeat like codes, and dates that may lie outside the bulk of others.
REPEATED = (
    *(("trial", "age"), ("employment", "weekly_hours"), ("income", "wage_income"), ("persons", "birth_date")),
    *(("employment", "start_on"), ("employment", "end_on"), ("education", "completed_on"), ("health_contacts", "date")),
    *(("wage_subsidy", "start_on"), ("benefits", "start_on"), ("services", "start_on")),
)
DATED = tuple((extract, column) for extract, column in REPEATED if column in ("start_on", "completed_on", "date"))

ALONE: tuple[RowRule, ...] = (  # of one part of an extract
    *map(_sentinel, OPEN_DATES),
    *map(_no_event, signs.EVENTS),
    _impossible("impossible_age", "trial", "age", lambda frame, known: plausible.impossible_age(frame)),
    *map(_impossible_birth, ("birth_date", "birth_month")),
    _impossible(
        "impossible_hours", "employment", "weekly_hours", lambda frame, known: plausible.impossible_hours(frame)
    ),
    *(_repeated(extract, column) for extract, column in REPEATED),
    _hardly(
        *("implausible_age", "trial", "age", "age"),
        lambda frame, known: plausible.implausible_age(
            frame["age"].astype(float).to_numpy(), *known.cohort.plausible["age"]
        ),
    ),
    *map(_implausible_birth, ("birth_date", "birth_month")),
    _hardly(
        *("implausible_hours", "employment", "weekly_hours", "weekly_hours"),
        lambda frame, known: plausible.implausible_hours(frame, *known.cohort.plausible["weekly_hours"]),
    ),
    _impossible(
        *("hours_of_another_unit", "employment", "weekly_hours"),
        lambda frame, known: plausible.hours_of_another_unit(frame),
    ),
    *(_outside_bulk(extract, column) for extract, column in DATED),
    RowRule(
        "far_from_others",
        _only("trial"),
        lambda frame, known: plausible.far_from_others(frame),
        column="randomised_on",
    ),
    RowRule("randomised_before_register", _only("trial"), _before_register),
    RowRule(
        "randomised_after_register", _only("trial"), lambda frame, known: _after_register(frame["randomised_on"], known)
    ),
    RowRule("centre_with_one_arm", _only("trial"), _one_arm),
    RowRule("ended_before_randomisation", _only("persons"), _ended_before),
    RowRule("end_before_start", _is_spells, _end_before_start),
    RowRule("before_birth", _is_spells, _before_birth),
    RowRule("starts_before_birth", _is_spells, _starts_before_birth),
)
RESIDENCE: tuple[RowRule, ...] = (  # and those behind them: a job may go on in another part
    RowRule("after_death", _is_spells, _after_death, _cut),
    RowRule("class_would_decide", _only("education"), _class_would_decide, column="class"),
    RowRule("job_after_emigration", _only("employment"), _job_after_emigration),
    RowRule("open_end", _is_spells, _open_end),
    RowRule("overlapping_spells", _is_spells, lambda frame, known: overlapping(frame)),
    RowRule("outside_coverage", _is_spells, _outside_register),
)
