"""Stage panel: persons x months, int8, missing is -1 and never 0."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ipseval.clean import Tables, needed
from ipseval.config import ORDINARY, Cohort, Outcome
from ipseval.contracts import STATE_COLUMNS
from ipseval.distinct import positions
from ipseval.spells import FOREVER, merge

MISSING = -1
MONTH_COLUMN = "month_{}"


@dataclass(frozen=True)
class Calendar:
    """The days of each calendar month in which a rule is judged.

    Parameters
    ----------
    first_month : int
        Months since 1970-01 of the first column.
    opens, closes : int array, length T
        First and last day (days since 1970-01-01) of month t.
    min_days : int
        A job counts in a month when it has so many days between ``opens`` and ``closes``.
    """

    first_month: int
    opens: np.ndarray
    closes: np.ndarray
    min_days: int = 1


def _whole_months(first_month: int, last_month: int, min_days: int = 1) -> Calendar:
    starts = np.arange(first_month, last_month + 2).astype("datetime64[M]").astype("datetime64[D]").astype("int64")
    return Calendar(first_month, starts[:-1], starts[1:] - 1, min_days)


def _reference_weeks(first_month: int, last_month: int, min_days: int = 1) -> Calendar:
    """The Monday-Sunday week that holds the 16th (Statistics Norway's reference week)."""
    months = _whole_months(first_month, last_month)
    sixteenth = months.opens + 15
    monday = sixteenth - (sixteenth + 3) % 7  # 1970-01-01 was a Thursday
    return Calendar(first_month, monday, monday + 6, min_days)


MONTH_RULES: dict[str, Callable[[int, int, int], Calendar]] = {
    "any_day": _whole_months,
    "reference_week": _reference_weeks,
    "min_days": _whole_months,
}


def calendar(outcome: Outcome, first_month: int, last_month: int) -> Calendar:
    """The calendar of an outcome's month rule."""
    name = outcome.month_rule if isinstance(outcome.month_rule, str) else "min_days"
    return MONTH_RULES[name](first_month, last_month, outcome.min_days)


def days_in_months(spells: pd.DataFrame, rows: np.ndarray, n_rows: int, days: Calendar) -> np.ndarray:
    """Days of each calendar month that the spells of a row cover.

    The first and the last month of a spell are counted by themselves; those between are covered whole and marked by
    the two ends of their run.

    Parameters
    ----------
    spells : DataFrame
        m spells: ``start_on``, ``end_on`` (inclusive; missing: open).
    rows : int array, length m
        Row of the result that each spell belongs to.
    n_rows : int
    days : Calendar
        T months.

    Returns
    -------
    int array, n_rows x T
        Spells of a row that overlap are counted twice.
    """
    start = spells["start_on"].to_numpy().astype("datetime64[D]").astype("int64")
    end = spells["end_on"].fillna(FOREVER).to_numpy().astype("datetime64[D]").astype("int64")
    first = np.searchsorted(days.closes, start, side="left")
    last = np.searchsorted(days.opens, end, side="right") - 1
    inside = first <= last
    start, end, first, last, rows = (part[inside] for part in (start, end, first, last, rows))
    T = len(days.opens)
    opens, closes = np.maximum(start, days.opens[first]), np.minimum(end, days.closes[last])
    single = first == last

    def summed(row: np.ndarray, month: np.ndarray, values: np.ndarray | None = None) -> np.ndarray:
        cells = np.bincount(row * (T + 1) + month, values, n_rows * (T + 1))
        return cells.astype(np.int32).reshape(n_rows, T + 1)

    ends = summed(rows, first, np.where(single, closes, days.closes[first]) - opens + 1)
    rows, first, last, closes = (part[~single] for part in (rows, first, last, closes))
    ends += summed(rows, last, closes - days.opens[last] + 1)
    runs = summed(rows, first + 1) - summed(rows, last)
    return ends[:, :-1] + runs.cumsum(axis=1)[:, :-1] * (days.closes - days.opens + 1)


def active_months(spells: pd.DataFrame, persons: pd.Index, days: Calendar) -> np.ndarray:
    """Months in which the calendar's rule holds for a job of a person; bool, n_persons x T.

    A job is an employer's; spells without one are one unnamed job. ``min_days`` are days of one job.
    """
    row = positions(persons, spells["person_id"])
    if days.min_days == 1:
        return days_in_months(spells[row >= 0], row[row >= 0], len(persons), days) > 0
    job = [c for c in ("person_id", "employer_id") if c in spells]
    apart = merge(spells[row >= 0], job)
    row = positions(persons, apart["person_id"])
    number = apart.groupby(job, dropna=False, sort=False).ngroup().to_numpy()
    enough = days_in_months(apart, number, int(number.max(initial=-1)) + 1, days) >= days.min_days
    active = np.zeros((len(persons), len(days.opens)), dtype=bool)
    np.logical_or.at(active, row, enough[number])
    return active


def panel(cohort: Cohort, people: pd.DataFrame, cleaned: Tables) -> dict[str, pd.DataFrame]:
    """Make the panel of every outcome.

    Parameters
    ----------
    cohort : Cohort
    people : DataFrame
        One row a person: ``person_id``, ``randomised_on``, ``died_on``, ``emigrated_on``; sorted.
    cleaned : dict
        ``employment`` and, where delivered, other extracts of spells.

    Returns
    -------
    dict
        ``panel``: one row an outcome and person, one int8 column a month since randomisation (1, 0, -1 missing).
        Outcomes: ``ordinary_employment``, those of the cohort's ``outcomes`` and its ``states``, ``employment`` (any
        job that satisfies month rule and hours) and, where delivered, ``wage_subsidy`` (any day of the month).
    """
    month_0 = people["randomised_on"].to_numpy().astype("datetime64[M]").astype("int64")
    first, last = int(month_0.min()) - cohort.window.before, int(month_0.max()) + cohort.window.after
    source = _Source(cohort.outcome, pd.Index(people["person_id"]), first, last, cleaned)
    made = {"employment": source.jobs()}
    if cleaned["wage_subsidy"] is not None:
        made["wage_subsidy"] = source.any_day("wage_subsidy")
    states = {name: source.of(spec) for name, spec in cohort.states.items()}
    kinds = [kind for spec in cohort.states.values() for kind in spec.get("employment", ())]
    jobs = source.jobs(none_of=kinds) if kinds else made["employment"]
    states[ORDINARY] = _ordinary(cohort.outcome, jobs, made.get("wage_subsidy"))
    made |= {outcome: _any_of([states[state] for state in counted]) for outcome, counted in cohort.outcomes.items()}
    made |= {name: state for name, state in states.items() if name != ORDINARY}
    status = _status(cohort, people, np.arange(first, last + 1))
    columns = month_0[:, None] - first + np.array(cohort.window.months)
    decided = {
        name: np.take_along_axis(np.where(status == KNOWN, state, status), columns, axis=1)
        for name, state in made.items()
    }
    return {"panel": _frame(decided, source.persons, cohort.window.months)}


@dataclass(frozen=True)
class _Source:
    """Spells as states of calendar months ``first..last``: int8, persons x months; -1 where nothing is known."""

    outcome: Outcome
    persons: pd.Index
    first: int
    last: int
    cleaned: Tables

    def jobs(self, any_of: Sequence[str] | None = None, none_of: Sequence[str] = ()) -> np.ndarray:
        """Months in which month rule and hours hold for a job, of some kinds only where they are named."""
        jobs = needed(self.cleaned, "employment")
        if any_of is not None:
            jobs = _with_codes(jobs, "kind", any_of)
        elif none_of:
            jobs = jobs[~jobs["kind"].isin(none_of)]
        days = calendar(self.outcome, self.first, self.last)
        return self._states(
            jobs, lambda known: active_months(_qualifying(known, self.outcome), self.persons, days), days
        )

    def any_day(self, extract: str, codes: Sequence[str] | None = None) -> np.ndarray:
        """Months with a day of a spell of the extract."""
        spells, days = needed(self.cleaned, extract), _whole_months(self.first, self.last)
        chosen = spells if codes is None else _with_codes(spells, STATE_COLUMNS[extract], codes)
        return self._states(chosen, lambda known: active_months(known, self.persons, days), days)

    def of(self, state: Mapping[str, Sequence[str]]) -> np.ndarray:
        """A state that codes of one extract or several make."""
        return _any_of(
            [self.jobs(any_of=codes) if e == "employment" else self.any_day(e, codes) for e, codes in state.items()]
        )

    def _states(self, spells: pd.DataFrame, active: Callable[[pd.DataFrame], np.ndarray], days: Calendar) -> np.ndarray:
        known = active(spells[spells["is_observed"] == 1])
        unknown = active_months(spells[spells["is_observed"] == 0], self.persons, days) & ~known
        return np.where(unknown, MISSING, known).astype(np.int8)


def _with_codes(spells: pd.DataFrame, column: str, codes: Sequence[str]) -> pd.DataFrame:
    """Spells with one of the codes, and those of which nothing is known."""
    return spells[spells[column].isin(codes) | (spells["is_observed"] == 0)]


def _any_of(states: Sequence[np.ndarray]) -> np.ndarray:
    """1 where any state is, else missing where any is, else 0."""
    known = np.any([state == 1 for state in states], axis=0)
    missing = np.any([state == MISSING for state in states], axis=0)
    return np.where(known, 1, np.where(missing, MISSING, 0)).astype(np.int8)


def _ordinary(outcome: Outcome, jobs: np.ndarray, subsidised: np.ndarray | None) -> np.ndarray:
    """Months with a job and without wage subsidy; employment that is not known stays so."""
    if subsidised is None or not outcome.exclude_wage_subsidy:
        return jobs
    return np.where((subsidised == 1) & (jobs != MISSING), 0, jobs).astype(np.int8)


def _qualifying(jobs: pd.DataFrame, outcome: Outcome) -> pd.DataFrame:
    """Spells of jobs with enough hours; unknown hours are enough only when none are asked for."""
    if outcome.min_weekly_hours <= 0:
        return jobs
    return jobs[jobs["weekly_hours"] >= outcome.min_weekly_hours] if "weekly_hours" in jobs else jobs[:0]


KNOWN = 1  # the month is as the registers say; else the status itself is the value, 0 or MISSING


def _status(cohort: Cohort, people: pd.DataFrame, months: np.ndarray) -> np.ndarray:
    """1 where the registers decide, else 0 or -1: outside coverage, after death or after emigration.

    # ASSUME: months after death or emigration (the earlier) are decided by that event's policy.
    """
    status = np.full((len(people), len(months)), KNOWN, dtype=np.int8)
    events = {"died_on": cohort.outcome.after_death, "emigrated_on": cohort.outcome.after_emigration}
    ended = np.full(len(people), np.datetime64("NaT", "D"))
    value = np.full(len(people), KNOWN, dtype=np.int8)
    for column, policy in events.items():
        on = people[column].to_numpy().astype("datetime64[D]")
        earlier = ~np.isnat(on) & (np.isnat(ended) | (on < ended))
        ended, value = np.where(earlier, on, ended), np.where(earlier, MISSING if policy == "missing" else 0, value)
    ended_month = np.where(np.isnat(ended), np.iinfo(np.int64).max, ended.astype("datetime64[M]").astype("int64"))
    status = np.where(months > ended_month[:, None], value[:, None], status)
    status[:, outside_coverage(cohort, months)] = MISSING
    return status


def outside_coverage(cohort: Cohort, months: np.ndarray) -> np.ndarray:
    """Whether calendar months (since 1970-01) lie outside ``observed_from..observed_until``; bool, same shape."""
    outside = np.zeros(months.shape, bool)
    for bound, beyond in ((cohort.observed_from, np.less), (cohort.observed_until, np.greater)):
        if bound is not None:
            outside |= beyond(months, np.datetime64(bound, "M").astype("int64"))
    return outside


def _frame(states: dict[str, np.ndarray], persons: pd.Index, months: range) -> pd.DataFrame:
    columns = [MONTH_COLUMN.format(k) for k in months]
    parts = [
        pd.concat(
            [pd.DataFrame({"outcome": name, "person_id": persons}), pd.DataFrame(states[name], columns=columns)], axis=1
        )
        for name in sorted(states)
    ]
    return pd.concat(parts, ignore_index=True)


def outcome_matrix(panel: pd.DataFrame, outcome: str, persons: pd.Index, months: range) -> np.ndarray:
    """States of one outcome, int8, persons x months.

    Raises
    ------
    KeyError
        The panel does not have the outcome of one of the persons.
    """
    rows = panel[panel["outcome"] == outcome].set_index("person_id")
    return rows.loc[persons, [MONTH_COLUMN.format(k) for k in months]].to_numpy(dtype=np.int8)


Months = dict[str, tuple[pd.DataFrame, np.ndarray]]


def months_of_outcomes(cohort: Cohort, people: pd.DataFrame, panel: pd.DataFrame) -> Months:
    """:func:`analysed_months` of every outcome that an analysis is about, by its name."""
    return {outcome: analysed_months(cohort, people, panel, outcome) for outcome in cohort.analysed_outcomes}


def analysed_months(
    cohort: Cohort, people: pd.DataFrame, panel: pd.DataFrame, outcome: str | None = None
) -> tuple[pd.DataFrame, np.ndarray]:
    """The analysed persons, and their outcome (the primary) in every month of the window.

    The outcome is int8, persons x months, -1 is missing. Persons get ``share_employed_before``: the share of their
    observed months before month 0 in the outcome; the column is not there when the window has no such months.
    """
    analysed = people[people["is_analysed"]].reset_index(drop=True)
    states = outcome_matrix(
        panel, outcome or cohort.outcome.primary, pd.Index(analysed["person_id"]), cohort.window.months
    )
    before = states[:, : cohort.window.before]
    if not (before >= 0).any():
        return analysed, states
    with np.errstate(invalid="ignore"):
        share = (before == 1).sum(axis=1) / (before >= 0).sum(axis=1)
    return analysed.assign(share_employed_before=share), states
