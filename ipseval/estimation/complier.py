"""The effect of receiving a treatment in those who receive it when assigned: instrumental variables."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from ipseval.config import Analysis, Cohort
from ipseval.estimate import NO_ERROR, cell_counts, cell_status, fit_regression, fit_status, tested
from ipseval.estimation.analyses import Regression, regressions
from ipseval.estimation.caveats import UNLIKE, is_unlike
from ipseval.estimation.design import ALL, Effect
from ipseval.estimation.estimator import Fitted
from ipseval.estimation.strata import LEFT_OUT, strata, with_dummies

ANALYSIS, ESTIMATOR, VARIANCE = "receipt", "iv_2sls", "cr1"
NO_FIRST_STAGE, WEAK = "no_first_stage", "weak instrument"
SINGULAR = 1e-8  # of the first stages of several treatments: their smallest singular value against the largest
# fmt: off
COMPLIER_COLUMNS = [
    "cohort", "analysis", "outcome", "estimator", "subgroup", "centre", "month_from", "month_to", "arm",
    "reference_arm", "n_assigned", "n_control", "n_obs", "n_persons", "mean_control", "itt", "itt_std_error",
    "first_stage", "first_stage_std_error", "first_stage_f", "estimate", "std_error", "df", "statistic", "p_value",
    "ci_low", "ci_high", "adjustment", "variance", "status", "note", "n_left_out", "stratified_by", "weighting",
]
# fmt: on
Row = dict[str, Any]


@dataclass(frozen=True)
class TwoStage:
    """Effects of q received treatments: coefficients and covariance (q x q), clustered on person, t with ``df``."""

    b: np.ndarray
    covariance: np.ndarray
    df: int


def complier_effects(
    cohort: Cohort,
    people: pd.DataFrame,
    states: np.ndarray,
    begun: Mapping[str, np.ndarray | str],
    notes: Mapping[str, str],
) -> pd.DataFrame:
    """Complier average causal effects over the whole follow-up and its two parts, all treatments in one regression.

    # ASSUME: assignment moves employment through receipt alone, and nobody receives because of not being assigned.

    Parameters
    ----------
    cohort : Cohort
    people : DataFrame
        n analysed persons.
    states : int8 array, n x months of the window
        Outcome; -1 is missing.
    begun : mapping
        Treatment -> month since randomisation in which each person first received it (int array, length n), or the
        status that says why this is not known.
    notes : mapping
        Treatment -> what its rows say besides.

    Returns
    -------
    DataFrame
        One row a span of months and treatment. ``itt`` and ``first_stage`` are the differences between the arms in the
        outcome and in having received the treatment by then, in the same person-months.
    """
    rows = []
    found = strata(cohort, people)
    known, dummies = with_dummies(people, found)
    for months in cohort.receipt.spans(cohort.window):
        analysis = Analysis(ANALYSIS, months, adjust=(*cohort.receipt.adjust, *dummies))
        (this,) = regressions(cohort, analysis, known, states)
        here = found.of(this.persons)
        for effect, row in zip(this.design.effects, _span(cohort, this, begun), strict=True):
            weak = row["status"] == "estimated" and row["first_stage_f"] < cohort.receipt.weak_first_stage_f
            n_left_out = here.n_without_say(this.arm, effect.arm, cohort.arms.reference)
            said = (
                row["note"],
                notes[effect.arm],
                f"{WEAK}: first-stage F below {cohort.receipt.weak_first_stage_f:g}" if weak else "",
                LEFT_OUT.format(n=n_left_out) if n_left_out and dummies else "",
                _unlike(this, (effect.arm, cohort.arms.reference)) if row["status"] == "estimated" else "",
            )
            terms = (*found.by, *(name for name in cohort.receipt.adjust if name not in this.design.left_out))
            own = {"note": "; ".join(filter(None, said)), "adjustment": " + ".join(terms), **found.label}
            rows.append(row | own | {"n_left_out": n_left_out})
    whole = ["month_from", "month_to", "n_assigned", "n_control", "n_obs", "n_persons", "n_left_out"]
    return pd.DataFrame(rows, columns=COMPLIER_COLUMNS).astype(dict.fromkeys(whole, "int64"))


def _unlike(this: Regression, arms: tuple[str, str]) -> str:
    """The note where the arms are observed in unlike months: both stages are without dummies for time."""
    assert this.seen is not None
    return UNLIKE if is_unlike(*(this.seen[this.arm == arm] for arm in arms)) else ""


def _span(cohort: Cohort, this: Regression, begun: Mapping[str, np.ndarray | str]) -> list[Row]:
    """The rows of one span of months, a treatment each."""
    bare = replace(cohort, estimation=replace(cohort.estimation, variances=(VARIANCE,)))
    months = np.arange(this.months[0], this.months[1] + 1)
    received = {
        arm: ((month[this.persons][:, None] <= months) & this.time.O).astype(np.int8)
        for arm, month in begun.items()
        if not isinstance(month, str)
    }
    itt = fit_regression(bare, this)
    first = {
        arm: fit_regression(bare, replace(this, time=replace(this.time, Y=D))) if itt else None
        for arm, D in received.items()
    }
    status = {e: _status(cohort, this, e, itt, first.get(e.arm), begun[e.arm]) for e in this.design.effects}
    used = [e for e in this.design.effects if status[e] == "estimated"]
    found: dict[Effect, Row] = {}
    if itt and used:
        found = _estimated(cohort, this, itt, used, first, received)
        status |= {e: row["status"] for e, row in found.items()}
    return [
        _labels(cohort, this, e, status[e])
        | cell_counts(cohort, this, e)
        | _stages(itt, first.get(e.arm), e)
        | found.get(e, {})
        for e in this.design.effects
    ]


def _estimated(
    cohort: Cohort,
    this: Regression,
    itt: Fitted,
    used: list[Effect],
    first: Mapping[str, Fitted | None],
    received: Mapping[str, np.ndarray],
) -> dict[Effect, Row]:
    """Numbers and status of the treatments that have a first stage, in one regression."""
    if not is_identified(np.array([[_coefficient(first[e.arm], f.term) for f in used] for e in used])):
        return {e: {"status": "collinear"} for e in used}
    found = two_stage(this, itt, used, received)
    rows = {e: _numbers(cohort, found, j) for j, e in enumerate(used)}
    return {e: row | {"status": "estimated" if row else "no_variation"} for e, row in rows.items()}


def _status(
    cohort: Cohort, this: Regression, effect: Effect, itt: Fitted | None, first: Fitted | None, begun: np.ndarray | str
) -> str:
    """Why there is no effect of receiving the treatment, as far as both regressions on assignment decide."""
    status = cell_status(cohort, this, effect)
    status = fit_status(status, effect.term, itt, this) if itt else status
    if isinstance(begun, str):
        return begun
    if status == "estimated" and abs(_coefficient(first, effect.term)) < NO_ERROR:
        return NO_FIRST_STAGE
    return status


def _coefficient(fitted: Fitted | None, term: str) -> float:
    return fitted.numbers(VARIANCE, term)[0] if fitted else np.nan


def is_identified(first: np.ndarray) -> bool:
    """Whether the treatments are received differently: first stages (q x q, received by assigned) are not singular."""
    values = np.linalg.svd(first, compute_uv=False)
    return bool(values[-1] > SINGULAR * values[0])


def two_stage(this: Regression, itt: Fitted, used: list[Effect], received: Mapping[str, np.ndarray]) -> TwoStage:
    """Two-stage least squares of the outcome on having received treatments, each instrumented by its assignment.

    A row a person with the person's means, weighted by observed months: instruments and controls are constant over
    a person's months, so that Z'y, Z'D and the scores Z_i'e_i of the person-month regression are sums over them. The
    estimates are the same and so is the clustered covariance but for its factor, here that of person-months: G/(G-1)
    (N-1)/(N-K), N person-months. An arm that has no first stage stays in as a control.
    """
    from linearmodels.iv import IV2SLS

    n_months = this.time.O.sum(axis=1).astype(float)
    terms = [e.term for e in used]
    column: dict[str, np.ndarray] = {term: this.design.X[:, j] for j, term in enumerate(this.design.terms)}
    exogenous = np.column_stack([column[t] / np.linalg.norm(column[t]) for t in itt.terms if t not in terms])
    endogenous = np.column_stack([received[e.arm].sum(axis=1) / n_months for e in used])
    instruments = np.column_stack([column[term] for term in terms])
    model = IV2SLS(this.time.Y.sum(axis=1) / n_months, exogenous, endogenous, instruments, weights=n_months)
    fitted = model.fit(cov_type="clustered", clusters=np.arange(len(n_months)), debiased=False)
    q, G, N, K = len(used), len(n_months), int(n_months.sum()), len(itt.terms)
    factor = G / (G - 1) * (N - 1) / (N - K)
    return TwoStage(fitted.params.to_numpy()[-q:], factor * fitted.cov.to_numpy()[-q:, -q:], G - 1)


def _numbers(cohort: Cohort, found: TwoStage, j: int) -> Row:
    """Estimate, standard error, test and interval of one treatment; nothing when it has no error."""
    estimate, error = float(found.b[j]), float(np.sqrt(found.covariance[j, j]))
    if not error > NO_ERROR:
        return {}
    return tested(cohort, estimate, error, float(found.df))


def _stages(itt: Fitted | None, first: Fitted | None, effect: Effect) -> Row:
    """The effects of assignment on the outcome and on receipt; F is the squared t of the latter."""
    row: Row = {"first_stage_f": np.nan}
    for name, fitted in (("itt", itt), ("first_stage", first)):
        if fitted and effect.term in fitted.terms and effect.term not in fitted.tied:
            row[name], row[f"{name}_std_error"], _ = fitted.numbers(VARIANCE, effect.term)
    if row.get("first_stage_std_error", 0) > NO_ERROR:
        row["first_stage_f"] = (row["first_stage"] / row["first_stage_std_error"]) ** 2
    return row


def _labels(cohort: Cohort, this: Regression, effect: Effect, status: str) -> Row:
    """What an effect is, without its numbers."""
    left_out = this.design.left_out
    return {
        "cohort": cohort.name,
        "analysis": ANALYSIS,
        "outcome": cohort.outcome.primary,
        "estimator": ESTIMATOR,
        "subgroup": ALL,
        "centre": effect.centre,
        "month_from": this.months[0],
        "month_to": this.months[1],
        "arm": effect.arm,
        "reference_arm": cohort.arms.reference,
        "n_persons": len(this.arm),
        "variance": VARIANCE,
        "status": status,
        "note": f"not in this cohort: {', '.join(left_out)}" if left_out else "",
    }
