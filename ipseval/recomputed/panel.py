"""The panel once more, from cleaned spells: persons by months, with why the primary outcome is missing."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pandas as pd

from ipseval.config import ORDINARY, Cohort, Outcome
from ipseval.recomputed.days import NOT_UNKNOWN, UNKNOWN, Frame, Reader, State, either, frame, spoken_of
from ipseval.recomputed.days import without_subsidy as ordinary

Cleaned = Mapping[str, pd.DataFrame | None]
Known = tuple[dict[tuple, State], dict[tuple, tuple[np.ndarray, np.ndarray]]]
MOVES = ("emigrated_on", "returned_on")
OUTSIDE, DIED, EMIGRATED = "outside", "after_death", "after_emigration"


def months_of(
    cohort: Cohort, people: pd.DataFrame, cleaned: Cleaned, known: Known | None = None
) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Values of every outcome that the panel holds, and why the primary one is missing.

    Parameters
    ----------
    cohort : Cohort
    people : DataFrame
        The n persons, with the days of death, emigration and return.
    cleaned : mapping
        Extract -> cleaned rows, or None.
    known : pair of dict, optional
        States and days of the same persons that were found for another definition of the outcome.

    Returns
    -------
    dict
        Outcome -> int8 array, n x W: 1, 0, -1.
    array of str, n x W
        Empty where it is not missing.
    """
    calendar = frame(people, cohort.window.months)
    reader = Reader(cohort, calendar, dict(cleaned), *(({}, {}) if known is None else known))
    left = _left(cohort, people, calendar)
    found, why = {}, np.full(calendar.columns.shape, NOT_UNKNOWN, object)
    for name, state in _states(reader).items():
        spoken = spoken_of(cohort, extracts_of(cohort, name), calendar.months)
        found[name], reasons = _decided(cohort.outcome, state, spoken, left)
        if name == cohort.outcome.primary:
            why = reasons
    return found, why


def expected_panel(cohort: Cohort, people: pd.DataFrame, cleaned: Cleaned) -> pd.DataFrame:
    """The table as the stage writes it: a row an outcome and person, sorted; see :func:`months_of`."""
    found, why = months_of(cohort, people, cleaned)
    rows = {f"missing[{reason}]": (why == reason).astype(np.int8) for reason in set(why.ravel()) - {NOT_UNKNOWN}}
    names = [f"month_{k}" for k in cohort.window.months]
    parts = [
        pd.DataFrame(values, columns=names).assign(outcome=name, person_id=people["person_id"].to_numpy())
        for name, values in sorted((found | rows).items())
    ]
    return pd.concat(parts, ignore_index=True)[["outcome", "person_id", *names]]


def of_definition(cohort: Cohort, outcome: Outcome, people: pd.DataFrame, cleaned: Cleaned, known: Known) -> np.ndarray:
    """The primary outcome under another definition of it; int8, n x W."""
    return months_of(replace(cohort, outcome=outcome), people, cleaned, known)[0][outcome.primary]


def _states(reader: Reader) -> dict[str, State]:
    """Every outcome as the registers have it."""
    cohort = reader.cohort
    subsidy = reader.on_any_day("wage_subsidy") if reader.cleaned["wage_subsidy"] is not None else None
    counted = subsidy if cohort.outcome.exclude_wage_subsidy else None
    own = {
        name: either(
            [reader.jobs(any_of=codes) if e == "employment" else reader.on_any_day(e, codes) for e, codes in of.items()]
        )
        for name, of in cohort.states.items()
    }
    kinds = sorted({kind for of in cohort.states.values() for kind in of.get("employment", ())})
    plain = ordinary(reader.jobs(none_of=tuple(kinds)), counted)
    made = {"employment": reader.jobs()} | ({"wage_subsidy": subsidy} if subsidy is not None else {})
    for outcome, names in cohort.outcomes.items():
        parts = [plain if name == ORDINARY else own[name] for name in names]
        covered = sorted({kind for name in names for kind in cohort.states.get(name, {}).get("employment", ())})
        if kinds and covered == kinds and ORDINARY in names:
            parts.append(ordinary(reader.jobs(), counted))
        made[outcome] = either(parts)
    return made | own


def extracts_of(cohort: Cohort, outcome: str) -> set[str]:
    """Extracts that must speak of a month for the outcome to be known in it."""
    if outcome in ("employment", "wage_subsidy"):
        return {outcome}
    needed: set[str] = set()
    for name in cohort.outcomes.get(outcome, (outcome,)):
        if name == ORDINARY:
            needed |= {"employment"} | ({"wage_subsidy"} if cohort.outcome.exclude_wage_subsidy else set())
        else:
            needed |= set(cohort.states.get(name, {}))
    return needed


def _left(cohort: Cohort, people: pd.DataFrame, calendar: Frame) -> dict[str, np.ndarray]:
    """Months after death, and those of an absence that began before it; bool, n x W."""
    away = np.zeros(calendar.columns.shape, bool)
    dead = away.copy()
    pairs = [MOVES, *((f"{MOVES[0]}_{i}", f"{MOVES[1]}_{i}") for i in range(2, len(people.columns)))]
    pairs = [pair for pair in pairs if pair[0] in people]
    for row, person in enumerate(people.to_dict("records")):
        died = person["died_on"]
        if not pd.isna(died):
            dead[row] = calendar.months[row] > _number(died)
        for gone, back in ((person[a], person[b]) for a, b in pairs):
            if pd.isna(gone) or (not pd.isna(died) and gone >= died):
                continue
            after = calendar.months[row] > _number(gone)
            away[row] |= after if pd.isna(back) else after & (calendar.months[row] < _number(back))
    return {DIED: dead & ~away, EMIGRATED: away}


def _number(day: pd.Timestamp) -> int:
    return (day.year - 1970) * 12 + day.month - 1


def _decided(
    chosen: Outcome, state: State, spoken: np.ndarray, left: dict[str, np.ndarray]
) -> tuple[np.ndarray, np.ndarray]:
    """Values and reasons once death, absence and the reach of the registers have been looked at."""
    gone = np.logical_or.reduce(list(left.values()))
    value, why = _known_of_nobody(state, spoken & ~gone)
    value, why = np.where(gone, 0, value), np.where(gone, NOT_UNKNOWN, why)
    for name, policy in ((DIED, chosen.after_death), (EMIGRATED, chosen.after_emigration)):
        if policy == "missing":
            value[left[name]], why[left[name]] = UNKNOWN, name
    value[~spoken], why[~spoken] = UNKNOWN, OUTSIDE
    return value.astype(np.int8), why


def _known_of_nobody(state: State, counted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The state, missing for everybody in a month in which one of its parts is known of nobody."""
    value, why = state.value.copy(), state.why.copy()
    for part in state.parts:
        for month in range(value.shape[1]):
            here = counted[:, month]
            if here.any() and (part.value[here, month] == UNKNOWN).all():
                hidden = here & (value[:, month] != UNKNOWN)
                value[hidden, month], why[hidden, month] = UNKNOWN, part.why[hidden, month]
    return value, why
