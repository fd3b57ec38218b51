"""Stage placebo: an event study with person fixed effects. It is a check of the trial, not the estimate."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from ipseval.config import Cohort
from ipseval.estimate import NO_ERROR, tested
from ipseval.estimation.caveats import UNLIKE, is_unlike
from ipseval.estimation.distributions import f_sf
from ipseval.estimation.fixed_effects import PersonEffects, PersonPeriods, fit
from ipseval.estimation.strata import LEFT_OUT, Strata, strata
from ipseval.panel import analysed_months

ESTIMATOR, VARIANCE = "person_fixed_effects", "cr1"
BASE, NO_BASE, NO_MONTHS_BEFORE = "base", "no_base", "no_months_before"
NUMBERS = ["estimate", "std_error", "df", "statistic", "p_value", "ci_low", "ci_high"]
# fmt: off
EVENT_COLUMNS = [
    "cohort", "outcome", "estimator", "arm", "reference_arm", "month_from", "month_to", "is_base", "n_assigned",
    "n_control", "n_obs", "n_persons", *NUMBERS, "variance", "status", "note", "n_left_out", "stratified_by",
    "weighting",
]
PLACEBO_COLUMNS = [
    "cohort", "outcome", "estimator", "arm", "reference_arm", "month_from", "month_to", "n_periods", "n_obs",
    "n_persons", "wald_f", "wald_df1", "wald_df2", "wald_p", *NUMBERS, "variance", "status", "note", "n_left_out",
    "stratified_by", "weighting",
]
# fmt: on
Row = dict[str, Any]
Span = tuple[int, int]


@dataclass(frozen=True)
class Study:
    """Persons by periods with arms and strata, the months of each period, and the regression where there is one."""

    cells: PersonPeriods
    arm: np.ndarray
    strata: Strata
    spans: list[Span]
    fitted: PersonEffects | None
    seen: np.ndarray  # whether the outcome is observed, persons x months of the window


def placebo(cohort: Cohort, people: pd.DataFrame, panel: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Compare the arms' changes from the period just before randomisation, before and after it.

    Parameters
    ----------
    cohort : Cohort
    people : DataFrame
        One row a randomised person; those with ``is_analysed`` enter.
    panel : DataFrame
        See :func:`ipseval.panel.panel`.

    Returns
    -------
    dict
        ``event_study``: one row a treatment and period. ``placebo``: one row a treatment, with the joint test that
        all periods before the base are zero and their mean, weighted by months.
    """
    analysed, states = analysed_months(cohort, people, panel)
    study = _study(cohort, analysed["arm"].to_numpy(), states, strata(cohort, analysed))
    events = [row for arm in cohort.arms.treatments for row in _events(cohort, study, arm)]
    tests = [_placebo(cohort, study, arm, [r for r in events if r["arm"] == arm]) for arm in cohort.arms.treatments]
    return {
        "event_study": pd.DataFrame(events, columns=EVENT_COLUMNS),
        "placebo": pd.DataFrame(tests, columns=PLACEBO_COLUMNS).astype({"month_from": "Int64", "month_to": "Int64"}),
    }


def person_periods(
    cohort: Cohort, arm: np.ndarray, states: np.ndarray, base: int, stratum: np.ndarray
) -> PersonPeriods:
    """Observed months and mean outcome of every person (with arm and stratum) and period."""
    starts = [first + cohort.window.before for first, _ in cohort.event_study.spans(cohort.window)]
    n_months = np.add.reduceat(states >= 0, starts, axis=1, dtype=np.int64)
    total = np.add.reduceat(states == 1, starts, axis=1, dtype=np.int64)
    mean = np.divide(total, n_months, out=np.zeros(total.shape), where=n_months > 0)
    return PersonPeriods(n_months, mean, np.column_stack([arm == t for t in cohort.arms.treatments]), base, stratum)


def _study(cohort: Cohort, arm: np.ndarray, states: np.ndarray, found: Strata) -> Study:
    """The persons with two periods at least, and the regression; none without a period before randomisation."""
    spans = cohort.event_study.spans(cohort.window)
    base = next((p for p, (_, last) in enumerate(spans) if last == -1), -1)
    cells = person_periods(cohort, arm, states, base, found.number)
    used = cells.is_seen_twice
    fitted = fit(cells.of(used)) if base >= 0 else None
    return Study(cells.of(used), arm[used], found.of(used), spans, fitted, states[used] >= 0)


def _events(cohort: Cohort, study: Study, arm: str) -> list[Row]:
    """The periods of one treatment."""
    observed = (study.cells.n_months > 0) & _is_compared(cohort, study, arm)[:, None]
    n_assigned = observed[study.arm == arm].sum(axis=0)
    n_control = observed[study.arm == cohort.arms.reference].sum(axis=0)
    number, least, base = cohort.arms.treatments.index(arm), cohort.estimation.min_persons_per_arm, study.cells.base
    has_base = base >= 0 and min(n_assigned[base], n_control[base]) >= least
    rows = []
    for p, (first, last) in enumerate(study.spans):
        status = _status(study, (number, p), has_base, (n_assigned[p] < least, n_control[p] < least))
        numbers = _numbers(cohort, study.fitted, {(number, p): 1.0}) if status == "estimated" else {}
        if status == "estimated" and not numbers:
            status = "no_variation"
        size = {"n_assigned": int(n_assigned[p]), "n_control": int(n_control[p])}
        label = {"month_from": first, "month_to": last, "is_base": p == base, "status": status}
        rows.append(_labels(cohort, study, arm, [p, base] if numbers else []) | label | size | numbers)
    return rows


def _status(study: Study, column: tuple[int, int], has_base: bool, is_few: tuple[bool, bool]) -> str:
    """Why a period has no number, or that it is estimated."""
    if not has_base:
        return NO_BASE
    if column[1] == study.cells.base:
        return BASE
    if any(is_few):
        return "too_few_assigned" if is_few[0] else "too_few_control"
    if study.fitted is None:
        return "saturated"
    return "estimated" if column in study.fitted.columns else "collinear"


def _placebo(cohort: Cohort, study: Study, arm: str, events: list[Row]) -> Row:
    """Joint test and mean of the periods of one treatment before the base."""
    number, base = cohort.arms.treatments.index(arm), study.cells.base
    before = [p for p in range(max(base, 0)) if events[p]["status"] == "estimated"]
    if study.fitted is None or not before:
        label = _labels(cohort, study, arm) | {"n_periods": len(before)}
        reasons = [row["status"] for row in events[: max(base, 0)]]
        return label | {"status": reasons[0] if reasons else NO_MONTHS_BEFORE}
    spans = [study.spans[p] for p in before]
    n_months = {(number, p): last - first + 1 for p, (first, last) in zip(before, spans, strict=True)}
    weights = {column: n / sum(n_months.values()) for column, n in n_months.items()}
    found = _numbers(cohort, study.fitted, weights)
    joint = _joint(study.fitted, list(weights))
    label = _labels(cohort, study, arm, [*before, base] if found else []) | {"n_periods": len(before)}
    return {
        **label,
        **{"month_from": spans[0][0], "month_to": spans[-1][1]},
        **joint,
        **found,
        "status": "estimated" if found else "no_variation",
        "note": "; ".join(filter(None, [label["note"], "" if joint else "no joint test: too few persons"])),
    }


def _joint(fitted: PersonEffects, columns: list[tuple[int, int]]) -> Row:
    """Wald test that the coefficients are zero: b'V^(-1)b / q against F(q, G - 1); nothing when V is singular."""
    at = [fitted.columns.index(column) for column in columns]
    b, V, q = fitted.b[at], fitted.covariance[np.ix_(at, at)], len(at)
    if np.linalg.matrix_rank(V, hermitian=True) < q:
        return {}
    f, df = float(b @ np.linalg.solve(V, b)) / q, float(fitted.n_persons - 1)
    return {"wald_f": f, "wald_df1": q, "wald_df2": df, "wald_p": float(f_sf(f, q, df))}


def _numbers(cohort: Cohort, fitted: PersonEffects | None, weights: dict[tuple[int, int], float]) -> Row:
    """A weighted sum of coefficients with error, test and interval, t with G - 1 df; nothing when it has no error."""
    if fitted is None:
        return {}
    c = np.array([weights.get(column, 0.0) for column in fitted.columns])
    estimate, error, df = float(c @ fitted.b), float(np.sqrt(c @ fitted.covariance @ c)), fitted.n_persons - 1
    if not error > NO_ERROR:
        return {}
    return tested(cohort, estimate, error, float(df))


def _is_compared(cohort: Cohort, study: Study, arm: str) -> np.ndarray:
    """Persons whose stratum has somebody of the treatment and of the reference arm; bool, n."""
    is_used = study.strata.comparable([study.arm == arm, study.arm == cohort.arms.reference], 1)
    return is_used[study.strata.number] if len(study.arm) else np.zeros(0, bool)


def _of_few(cohort: Cohort, study: Study, arm: str) -> str:
    """The note on strata with few persons of the two arms."""
    groups = [study.arm == arm, study.arm == cohort.arms.reference]
    return study.strata.of_few(groups, study.strata.comparable(groups, 1), cohort.estimation.min_persons_for_stars)


def _unlike(cohort: Cohort, study: Study, arm: str, periods: Sequence[int]) -> str:
    """The note where the two arms are observed in unlike months of a period: its mean is over those that are there."""
    here = _is_compared(cohort, study, arm)
    sides = [study.seen[here & (study.arm == a)] for a in (arm, cohort.arms.reference)]
    first = -cohort.window.before
    spans = [slice(study.spans[p][0] - first, study.spans[p][1] - first + 1) for p in periods]
    return UNLIKE if any(is_unlike(*(side[:, span] for side in sides)) for span in spans) else ""


def _labels(cohort: Cohort, study: Study, arm: str, periods: Sequence[int] = ()) -> Row:
    """What a row is of; notes on its numbers where it has some, which rest on these periods."""
    both = np.isin(study.arm, [arm, cohort.arms.reference])
    n_left_out = int((both & ~_is_compared(cohort, study, arm)).sum())
    said = [LEFT_OUT.format(n=n_left_out) if n_left_out else ""]
    if periods:
        said += [_of_few(cohort, study, arm), _unlike(cohort, study, arm, periods)]
    return {
        "n_left_out": n_left_out,
        "note": "; ".join(filter(None, said)),
        **study.strata.label,
        "cohort": cohort.name,
        "outcome": cohort.outcome.primary,
        "estimator": ESTIMATOR,
        "arm": arm,
        "reference_arm": cohort.arms.reference,
        "n_obs": int(study.cells.n_months.sum()),
        "n_persons": len(study.cells.mean),
        "variance": VARIANCE,
    }
