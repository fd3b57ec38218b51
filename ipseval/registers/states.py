"""States of calendar months from spells, in three values: 1 surely, 0 surely not, -1 where it hangs on what is unknown.

A month is 1 when a spell that surely counts satisfies the rule, 0 when none can, also if all that is unknown counted.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ipseval.config import Outcome
from ipseval.contracts import STATE_COLUMNS
from ipseval.registers.active import Calendar, Placed, active, active_from, calendar, whole_months

MISSING = -1
# What is not known where a state is missing: an extract, or a column of its rows.
CAUSES = ("employment", "weekly_hours", "kind", "wage_subsidy", "measure", "benefits", "benefit", "services", "service")
NO_CAUSE = -1


@dataclass(frozen=True)
class State:
    """A state of n persons in T months.

    Parameters
    ----------
    value : int8 array, n x T
        1, 0 or -1.
    cause : int8 array, n x T, or None
        Place among ``CAUSES`` of what is not known where the state is missing, else ``NO_CAUSE``; None when nothing
        is missing.
    parts : tuple of State
        States that it is made of, those of which something is missing; none for one that is found in spells.
    """

    value: np.ndarray
    cause: np.ndarray | None = None
    parts: tuple["State", ...] = ()

    def at(self, columns: np.ndarray) -> "State":
        """Of each person the months at ``columns`` (int array, n x W)."""
        cause = None if self.cause is None else np.take_along_axis(self.cause, columns, axis=1)
        return State(np.take_along_axis(self.value, columns, axis=1), cause)

    @property
    def missing(self) -> np.ndarray:
        """Where it is not known; bool, n x T."""
        return self.value == MISSING

    @property
    def why(self) -> np.ndarray:
        """The causes, also when there are none; int8, n x T."""
        return np.full(self.value.shape, NO_CAUSE, np.int8) if self.cause is None else self.cause


@dataclass(frozen=True)
class Truth:
    """Spells that surely count, and those that may as well because something of them is not known; bool, length m."""

    surely: np.ndarray
    maybe: np.ndarray

    def also(self, other: "Truth") -> "Truth":
        """What counts by both."""
        could = (self.surely | self.maybe) & (other.surely | other.maybe)
        surely = self.surely & other.surely
        return Truth(surely, could & ~surely)


def jobs(
    spells: pd.DataFrame,
    placed: Placed,
    outcome: Outcome,
    size: tuple[np.ndarray, int, int],
    any_of: Sequence[str] | None = None,
    none_of: Sequence[str] = (),
) -> State:
    """Months in which month rule and hours hold for a job, of some kinds only where they are named.

    Parameters
    ----------
    spells : DataFrame
        Cleaned employment.
    placed : Placed
        The same spells.
    outcome : Outcome
    size : tuple
        Day of randomisation of each person (since 1970-01-01), first and last calendar month (since 1970-01).
    any_of, none_of : sequence of str
        Kinds that count, or that do not.
    """
    hours, kind = _enough(spells, outcome), _of_kind(spells, any_of, none_of)
    counts = hours.also(kind)
    known = (spells["is_observed"] == 1).to_numpy()
    truth = Truth(counts.surely & known, (counts.maybe & known) | ((counts.surely | counts.maybe) & ~known))
    value = _value(placed, truth, size[0], calendar(outcome, *size[1:]))
    causes = {"weekly_hours": truth.maybe & hours.maybe, "kind": truth.maybe & kind.maybe}
    return _with_cause(value, placed, causes | {"employment": truth.maybe & ~known}, size)


def any_day(
    extract: str,
    spells: pd.DataFrame,
    placed: Placed,
    size: tuple[np.ndarray, int, int],
    codes: Sequence[str] | None = None,
) -> State:
    """Months with a day of a spell of the extract, of some codes only where they are named."""
    known, column = (spells["is_observed"] == 1).to_numpy(), STATE_COLUMNS[extract]
    coded = _coded(spells, column, codes)
    truth = Truth(coded.surely & known, (coded.maybe & known) | ~known)
    value = _value(placed, truth, size[0], whole_months(*size[1:]))
    return _with_cause(value, placed, {column: truth.maybe & known, extract: truth.maybe & ~known}, size)


def _enough(spells: pd.DataFrame, outcome: Outcome) -> Truth:
    """Jobs with enough hours; when none are asked for all have."""
    least = outcome.min_weekly_hours
    if least <= 0:
        return Truth(np.ones(len(spells), bool), np.zeros(len(spells), bool))
    hours = spells["weekly_hours"] if "weekly_hours" in spells else pd.Series(np.nan, spells.index)
    return Truth((hours >= least).to_numpy(dtype=bool), hours.isna().to_numpy())


def _of_kind(spells: pd.DataFrame, any_of: Sequence[str] | None, none_of: Sequence[str]) -> Truth:
    if any_of is not None:
        return _coded(spells, "kind", any_of)
    named = _coded(spells, "kind", none_of or None)
    return Truth(~(named.surely | named.maybe), named.maybe) if none_of else named


def _coded(spells: pd.DataFrame, column: str, codes: Sequence[str] | None) -> Truth:
    """Spells with one of the codes; those without a code may be such. All of them where no code is named."""
    if codes is None:
        return Truth(np.ones(len(spells), bool), np.zeros(len(spells), bool))
    return Truth(spells[column].isin(codes).to_numpy(), spells[column].isna().to_numpy())


def _value(placed: Placed, truth: Truth, since: np.ndarray, days: Calendar) -> np.ndarray:
    """1 where the rule holds by spells that surely count, else missing where it could by all that may; int8."""
    surely = active_from(placed.where(truth.surely), days, since)
    if not truth.maybe.any():
        return surely.astype(np.int8)
    could = active_from(placed.where(truth.surely | truth.maybe), days, since)  # days of one job count together
    return np.where(surely, 1, np.where(could, MISSING, 0)).astype(np.int8)


def _with_cause(
    value: np.ndarray, placed: Placed, causes: Mapping[str, np.ndarray], size: tuple[np.ndarray, int, int]
) -> State:
    """The state with what is not known of it: the last of the causes that touches the month."""
    missing = value == MISSING
    if not missing.any():
        return State(value)
    cause = np.full(value.shape, NO_CAUSE, np.int8)
    for name, spells in causes.items():
        if spells.any():
            touched = active(placed.where(spells), len(size[0]), whole_months(*size[1:]))
            cause[missing & touched] = CAUSES.index(name)
    return State(value, cause)


def any_of(states: Sequence[State]) -> State:
    """1 where any state is, else missing where any is, else 0."""
    if len(states) == 1:
        return states[0]
    known = np.any([state.value == 1 for state in states], axis=0)
    missing = np.any([state.missing for state in states], axis=0)
    value = np.where(known, 1, np.where(missing, MISSING, 0)).astype(np.int8)
    return _caused(value, states)


def ordinary(job: State, subsidy: State | None) -> State:
    """Months with a job and without wage subsidy.

    No job is known without the subsidy; a job whose subsidy is not known is missing. Employment that is not known
    stays so, also beside a subsidy: the others in such months would be missing, and who has one is never in work.
    """
    if subsidy is None:
        return job
    value = np.where(subsidy.value == 1, 0, np.where(subsidy.missing, MISSING, 1))
    return _caused(np.where(job.value == 1, value, job.value).astype(np.int8), (job, subsidy))


def _caused(value: np.ndarray, states: Sequence[State]) -> State:
    """A state made of others: the cause is that of the first that is missing."""
    lacking = [state for state in states if state.cause is not None]
    parts = tuple(part for state in lacking for part in state.parts or (state,))
    missing = value == MISSING
    if not missing.any():
        return State(value, None, parts)
    cause = np.full(value.shape, NO_CAUSE, np.int8)
    for state in reversed(lacking):
        cause = np.where(missing & state.missing, state.why, cause)
    return State(value, cause, parts)


def known_of_some(state: State, counted: np.ndarray) -> State:
    """The state, missing for everybody in months in which one of its parts is known of nobody.

    What is left would be known only of persons whom the other parts decide, and all of them would be alike: nobody
    in ordinary work where no subsidy is known.

    Parameters
    ----------
    state : State
    counted : bool array, n x W
        Months that the registers decide.
    """
    for part in state.parts:
        unknown = counted.any(axis=0) & (part.missing | ~counted).all(axis=0)
        if unknown.any():
            hidden = counted & unknown & ~state.missing
            value = np.where(hidden, MISSING, state.value).astype(np.int8)
            state = State(value, np.where(hidden, part.why, state.why), state.parts)
    return state
