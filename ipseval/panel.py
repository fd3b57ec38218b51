"""Stage panel: persons x months, int8, missing is -1 and never 0."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import chain

import numpy as np
import pandas as pd

from ipseval.clean import Tables, needed
from ipseval.config import ORDINARY, Cohort
from ipseval.registers.active import Placed, place
from ipseval.registers.observed import observed
from ipseval.registers.residence import absent
from ipseval.registers.states import (
    CAUSES,
    MISSING,
    NO_CAUSE,
    State,
    any_day,
    any_of,
    jobs,
    known_of_some,
    ordinary,
)  # fmt: skip

MONTH_COLUMN = "month_{}"
BECAUSE = "missing[{}]"  # rows of the panel that say why the primary outcome is missing
OUTSIDE, AFTER_DEATH, AFTER_EMIGRATION = "outside", "after_death", "after_emigration"
REASONS = (*CAUSES, AFTER_DEATH, AFTER_EMIGRATION, OUTSIDE)  # why a month can be missing


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
    states: dict[tuple, State] = field(default_factory=dict)


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
        One row a person: ``person_id``, ``randomised_on``, ``died_on``, ``emigrated_on``, ``returned_on``; sorted.
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
        ``missing[...]`` is 1 in months in which the primary outcome is missing, for the reason in brackets.
    """
    day = people["randomised_on"].to_numpy().astype("datetime64[D]")
    month_0 = day.astype("datetime64[M]").astype("int64")
    first, last = int(month_0.min()) - cohort.window.before, int(month_0.max()) + cohort.window.after
    columns = month_0[:, None] - first + np.array(cohort.window.months)
    size = (day.astype("int64"), first, last)
    source = _Source(cohort, size, columns, cleaned, placed or places(cohort, people, cleaned))
    left = _left(cohort, people, columns + first)
    decided, because = {}, {}
    for name, state in source.states().items():
        spoken = observed(cohort, _extracts(cohort, name), np.arange(first, last + 1))[columns]
        decided[name], reason = _decided(state, spoken, left)
        if name == cohort.outcome.primary:
            because = {
                BECAUSE.format(REASONS[i]): (reason == i).astype(np.int8) for i in np.unique(reason[reason >= 0])
            }
    return {"panel": _frame(decided | because, pd.Index(people["person_id"]), cohort.window.months)}


@dataclass(frozen=True)
class _Source:
    """Spells as states of the months of the window; ``size``: days of randomisation, first and last calendar month.

    In the month of randomisation only what was not over before its day counts.
    """

    cohort: Cohort
    size: tuple[np.ndarray, int, int]
    columns: np.ndarray
    cleaned: Tables
    placed: Places

    def states(self) -> dict[str, State]:
        """Every outcome as the registers have it."""
        cohort, kinds = self.cohort, _kinds(self.cohort)
        job = self.jobs()
        subsidy = None if self.cleaned["wage_subsidy"] is None else self.any_day("wage_subsidy")
        counted = subsidy if cohort.outcome.exclude_wage_subsidy else None
        states = {name: self.of(spec) for name, spec in cohort.states.items()}
        states[ORDINARY] = ordinary(self.jobs(none_of=kinds) if kinds else job, counted)
        made = {"employment": job} | ({} if subsidy is None else {"wage_subsidy": subsidy})
        for outcome, names in cohort.outcomes.items():
            # A job counts whatever its kind where every kind of job does.
            whole = [ordinary(job, counted)] if kinds and kinds == _kinds(cohort, names) and ORDINARY in names else []
            made[outcome] = any_of([*(states[name] for name in names), *whole])
        return made | {name: state for name, state in states.items() if name != ORDINARY}

    def jobs(self, any_of: tuple[str, ...] | None = None, none_of: tuple[str, ...] = ()) -> State:
        """Months in which month rule and hours hold for a job, of some kinds only where they are named."""
        outcome = self.cohort.outcome
        key = ("employment", str(outcome.month_rule), outcome.min_weekly_hours, any_of, none_of)
        if key not in self.placed.states:
            spells, placed = needed(self.cleaned, "employment"), self.placed.spells["employment"]
            self.placed.states[key] = jobs(spells, placed, outcome, self.size, any_of, none_of).at(self.columns)
        return self.placed.states[key]

    def any_day(self, extract: str, codes: tuple[str, ...] | None = None) -> State:
        """Months with a day of a spell of the extract."""
        key = (extract, codes)
        if key not in self.placed.states:
            spells, placed = needed(self.cleaned, extract), self.placed.spells[extract]
            self.placed.states[key] = any_day(extract, spells, placed, self.size, codes).at(self.columns)
        return self.placed.states[key]

    def of(self, state: Mapping[str, tuple[str, ...]]) -> State:
        """A state that codes of one extract or several make."""
        return any_of(
            [self.jobs(any_of=codes) if e == "employment" else self.any_day(e, codes) for e, codes in state.items()]
        )


def _kinds(cohort: Cohort, states: Iterable[str] | None = None) -> tuple[str, ...]:
    """Kinds of jobs that are a state of their own, of some states or of all."""
    named = cohort.states if states is None else states
    return tuple(sorted(chain(*(cohort.states.get(state, {}).get("employment", ()) for state in named))))


def _extracts(cohort: Cohort, outcome: str) -> set[str]:
    """Extracts that an outcome, or a state that is one, hangs on."""
    if outcome in ("employment", "wage_subsidy"):
        return {outcome}
    states = cohort.outcomes.get(outcome, (outcome,))
    found = set(chain(*(cohort.states.get(state, ()) for state in states)))
    if ORDINARY in states:
        found |= {"employment"} | ({"wage_subsidy"} if cohort.outcome.exclude_wage_subsidy else set())
    return found


def _left(cohort: Cohort, people: pd.DataFrame, months: np.ndarray) -> dict[str, tuple[np.ndarray, int]]:
    """Months after death and those of absence (bool, n x W), with the value of an outcome in them.

    # ASSUME: months after death, or of an absence, are decided by the policy of what came first.
    """
    died = people["died_on"].to_numpy().astype("datetime64[D]")
    last = np.where(np.isnat(died), np.iinfo(np.int64).max, died.astype("datetime64[M]").astype("int64"))
    dead = months > last[:, None]
    away = absent(people, months)
    policies = {AFTER_DEATH: cohort.outcome.after_death, AFTER_EMIGRATION: cohort.outcome.after_emigration}
    value = {reason: MISSING if policy == "missing" else 0 for reason, policy in policies.items()}
    return {
        AFTER_DEATH: (dead & ~away, value[AFTER_DEATH]),
        AFTER_EMIGRATION: (away, value[AFTER_EMIGRATION]),
    }


def _decided(
    state: State, spoken: np.ndarray, left: dict[str, tuple[np.ndarray, int]]
) -> tuple[np.ndarray, np.ndarray]:
    """Values of an outcome, and why it is missing: places among ``REASONS``, -1 where it is not; int8, n x W."""
    here = ~np.any([rows for rows, _ in left.values()], axis=0)
    state = known_of_some(state, spoken & here)
    value = np.where(here, state.value, 0)
    reason = np.where(here, state.why, NO_CAUSE)
    for name, (rows, policy) in left.items():
        if policy == MISSING:
            value[rows], reason[rows] = MISSING, REASONS.index(name)
    value[~spoken], reason[~spoken] = MISSING, REASONS.index(OUTSIDE)
    return value.astype(np.int8), reason.astype(np.int8)


def outside_coverage(cohort: Cohort, months: np.ndarray) -> np.ndarray:
    """Calendar months (since 1970-01) in which the primary outcome is missing for everybody; bool, same shape."""
    return ~observed(cohort, _extracts(cohort, cohort.outcome.primary), months)


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
