"""Stage panel: persons x months, int8, missing is -1 and never 0."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from ipseval.clean import Tables, needed
from ipseval.config import ORDINARY, Cohort, Outcome
from ipseval.contracts import STATE_COLUMNS
from ipseval.registers.active import Calendar, Placed, active_from, calendar, place, whole_months

MISSING = -1
MONTH_COLUMN = "month_{}"


@dataclass(frozen=True)
class Places:
    """What panels of the same persons and months share, whatever the month rule and the hours.

    Parameters
    ----------
    spells : dict
        Extract -> its spells.
    states : dict
        What was found in them, for panels to come: extract, rule and codes -> states of calendar months.
    """

    spells: dict[str, Placed]
    states: dict[tuple, np.ndarray] = field(default_factory=dict)


def places(cohort: Cohort, people: pd.DataFrame, cleaned: Tables) -> Places:
    """The spells of every extract that a panel of the cohort may need."""
    persons, used = pd.Index(people["person_id"]), {"employment", "wage_subsidy"}.union(*cohort.states.values())
    return Places({name: place(spells, persons) for name in sorted(used) if (spells := cleaned[name]) is not None})


def panel(
    cohort: Cohort, people: pd.DataFrame, cleaned: Tables, placed: Places | None = None
) -> dict[str, pd.DataFrame]:
    """Make the panel of every outcome.

    # ASSUME: month 0 is what happened from the day of randomisation on: what was over before that day is no outcome.

    Parameters
    ----------
    cohort : Cohort
    people : DataFrame
        One row a person: ``person_id``, ``randomised_on``, ``died_on``, ``emigrated_on``; sorted.
    cleaned : dict
        ``employment`` and, where delivered, other extracts of spells.
    placed : Places, optional
        Their :func:`places`, where they are known already.

    Returns
    -------
    dict
        ``panel``: one row an outcome and person, one int8 column a month since randomisation (1, 0, -1 missing).
        Outcomes: ``ordinary_employment``, those of the cohort's ``outcomes`` and its ``states``, ``employment`` (any
        job that satisfies month rule and hours) and, where delivered, ``wage_subsidy`` (any day of the month).
    """
    day = people["randomised_on"].to_numpy().astype("datetime64[D]")
    month_0 = day.astype("datetime64[M]").astype("int64")
    first, last = int(month_0.min()) - cohort.window.before, int(month_0.max()) + cohort.window.after
    placed = placed or places(cohort, people, cleaned)
    source = _Source(cohort.outcome, day.astype("int64"), first, last, cleaned, placed)
    made = {"employment": source.jobs()}
    if cleaned["wage_subsidy"] is not None:
        made["wage_subsidy"] = source.any_day("wage_subsidy")
    states = {name: source.of(spec) for name, spec in cohort.states.items()}
    kinds = tuple(kind for spec in cohort.states.values() for kind in spec.get("employment", ()))
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
    return {"panel": _frame(decided, pd.Index(people["person_id"]), cohort.window.months)}


@dataclass(frozen=True)
class _Source:
    """Spells as states of calendar months ``first..last``: int8, persons x months; -1 where nothing is known.

    In the month of the day of randomisation (``since``; days since 1970-01-01) only what was not over before it counts.
    """

    outcome: Outcome
    since: np.ndarray
    first: int
    last: int
    cleaned: Tables
    placed: Places

    def jobs(self, any_of: tuple[str, ...] | None = None, none_of: tuple[str, ...] = ()) -> np.ndarray:
        """Months in which month rule and hours hold for a job, of some kinds only where they are named."""
        key = ("employment", str(self.outcome.month_rule), self.outcome.min_weekly_hours, any_of, none_of)
        if key not in self.placed.states:
            jobs = needed(self.cleaned, "employment")
            chosen = np.ones(len(jobs), bool)
            if any_of is not None:
                chosen = _has_code(jobs, "kind", any_of)
            elif none_of:
                chosen = ~jobs["kind"].isin(none_of).to_numpy()
            days = calendar(self.outcome, self.first, self.last)
            self.placed.states[key] = self._states("employment", chosen, days, _qualifies(jobs, self.outcome))
        return self.placed.states[key]

    def any_day(self, extract: str, codes: tuple[str, ...] | None = None) -> np.ndarray:
        """Months with a day of a spell of the extract."""
        key = (extract, codes)
        if key not in self.placed.states:
            spells, days = needed(self.cleaned, extract), whole_months(self.first, self.last)
            everything = np.ones(len(spells), bool)
            chosen = everything if codes is None else _has_code(spells, STATE_COLUMNS[extract], codes)
            self.placed.states[key] = self._states(extract, chosen, days, everything)
        return self.placed.states[key]

    def of(self, state: Mapping[str, tuple[str, ...]]) -> np.ndarray:
        """A state that codes of one extract or several make."""
        return _any_of(
            [self.jobs(any_of=codes) if e == "employment" else self.any_day(e, codes) for e, codes in state.items()]
        )

    def _states(self, extract: str, chosen: np.ndarray, days: Calendar, counts: np.ndarray) -> np.ndarray:
        """From chosen spells; of those that are known from the ones that count."""
        is_known = (needed(self.cleaned, extract)["is_observed"] == 1).to_numpy()
        known, unknown = (
            active_from(self.placed.spells[extract].where(spells), days, self.since)
            for spells in (chosen & is_known & counts, chosen & ~is_known)
        )
        return np.where(unknown & ~known, MISSING, known).astype(np.int8)


def _has_code(spells: pd.DataFrame, column: str, codes: Sequence[str]) -> np.ndarray:
    """Spells with one of the codes, and those of which nothing is known; bool."""
    return (spells[column].isin(codes) | (spells["is_observed"] == 0)).to_numpy()


def _any_of(states: Sequence[np.ndarray]) -> np.ndarray:
    """1 where any state is, else missing where any is, else 0."""
    if len(states) == 1:
        return states[0]
    known = np.any([state == 1 for state in states], axis=0)
    missing = np.any([state == MISSING for state in states], axis=0)
    return np.where(known, 1, np.where(missing, MISSING, 0)).astype(np.int8)


def _ordinary(outcome: Outcome, jobs: np.ndarray, subsidised: np.ndarray | None) -> np.ndarray:
    """Months with a job and without wage subsidy; employment that is not known stays so."""
    if subsidised is None or not outcome.exclude_wage_subsidy:
        return jobs
    return np.where((subsidised == 1) & (jobs != MISSING), 0, jobs).astype(np.int8)


def _qualifies(jobs: pd.DataFrame, outcome: Outcome) -> np.ndarray:
    """Spells of jobs with enough hours (bool); unknown hours are enough only when none are asked for."""
    if outcome.min_weekly_hours <= 0:
        return np.ones(len(jobs), bool)
    hours = jobs["weekly_hours"] if "weekly_hours" in jobs else pd.Series(np.nan, jobs.index)
    return (hours >= outcome.min_weekly_hours).to_numpy(dtype=bool)


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
