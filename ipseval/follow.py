"""Stage follow: how long persons wait for a first ordinary job, and what they have accumulated by chosen months."""

from typing import Any

import numpy as np
import pandas as pd

from ipseval.config import ORDINARY_EMPLOYMENT, Analysis, Cohort
from ipseval.estimate import NO_ERROR, effect_rows
from ipseval.estimation.accumulate import Accumulated, accumulated
from ipseval.estimation.analyses import Regression
from ipseval.estimation.design import ALL, design
from ipseval.estimation.distributions import norm_ppf, norm_sf
from ipseval.estimation.periods import Periods
from ipseval.estimation.survival import Curve, first_observed, kaplan_meier
from ipseval.panel import analysed_months

# fmt: off
TIME_COLUMNS = [
    "arm", "month", "n_at_risk", "n_events", "n_censored", "survival", "std_error", "ci_low", "ci_high",
    "share_with_job", "share_low", "share_high", "status",
]
MEAN_COLUMNS = [
    "measure", "arm", "reference_arm", "month_from", "month_to", "n_persons", "n_events", "n_censored", "estimate",
    "std_error", "statistic", "p_value", "ci_low", "ci_high", "status", "note",
]
ACCUMULATED_COLUMNS = [
    "outcome", "centre", "month_from", "month_to", "arm", "reference_arm", "n_assigned", "n_control", "mean_control",
    "mean_assigned", "estimate", "std_error", "df", "statistic", "p_value", "ci_low", "ci_high", "variance", "status",
    "note",
]
# fmt: on
ESTIMATED, NO_VARIATION, NOBODY, NOT_DELIVERED = "estimated", "no_variation", "nobody_at_risk", "not_delivered"
WITHOUT_JOB, DIFFERENCE = "months_without_job", "difference"
ADJUST = ("age", "female")  # beside centre, as in the analysis by_month
Row = dict[str, Any]


def follow(
    cohort: Cohort, people: pd.DataFrame, panel: pd.DataFrame, employment: pd.DataFrame
) -> dict[str, pd.DataFrame]:
    """Time to the first ordinary job by arm, and effects on what was accumulated.

    # ASSUME: the wait ends with the first month in ordinary employment, counted from month 0 as a whole.
    # ASSUME: death and emigration under ``zero`` do not end the wait: without a job to the end (composite).

    Parameters
    ----------
    cohort : Cohort
    people : DataFrame
        One row a randomised person; those with ``is_analysed`` enter.
    panel : DataFrame
        See :func:`ipseval.panel.panel`.
    employment : DataFrame
        Cleaned spells of employment.

    Returns
    -------
    dict
        ``time_to_job``: one row an arm and month 0..after. ``restricted_mean``: one row an arm, and one a difference.
        ``accumulated``: one row an outcome, month of ``follow.months``, treatment and variance.
    """
    analysed, states = analysed_months(cohort, people, panel, ORDINARY_EMPLOYMENT)
    states = states[:, cohort.window.before :]
    start = first_observed(states)
    arm = analysed["arm"].to_numpy()
    curves = {a: kaplan_meier(states[arm == a, start:]) for a in cohort.arms.all}
    sums = accumulated(cohort, analysed, states, panel, employment)
    return {
        "time_to_job": _time_to_job(cohort, curves, start),
        "restricted_mean": _restricted_means(cohort, curves, start),
        "accumulated": _effects(cohort, analysed, sums),
    }


def _time_to_job(cohort: Cohort, curves: dict[str, Curve], start: int) -> pd.DataFrame:
    """The curves by month; months before the first that anybody is observed in have rows without numbers."""
    parts = []
    for arm, curve in curves.items():
        low, high = curve.interval(cohort.estimation.confidence_level)
        has_error = ~np.isnan(low)
        rows = pd.DataFrame(
            {
                "n_at_risk": curve.n_at_risk,
                "n_events": curve.n_events,
                "n_censored": curve.n_censored,
                "survival": curve.survival,
                "std_error": np.where(has_error, curve.std_error, np.nan),
                "ci_low": low,
                "ci_high": high,
                "share_with_job": 1 - curve.survival,
                "share_low": 1 - high,
                "share_high": 1 - low,
                "status": np.where(has_error, ESTIMATED, np.where(np.isnan(curve.survival), NOBODY, NO_VARIATION)),
            },
            index=range(start, start + len(curve.survival)),
        )
        rows = rows.reindex(range(cohort.window.after + 1)).fillna({"status": NOBODY})
        parts.append(rows.assign(arm=arm, month=rows.index))
    table = pd.concat(parts, ignore_index=True)[TIME_COLUMNS]
    counts = ["n_at_risk", "n_events", "n_censored"]
    return table.assign(**table[counts].fillna(0).astype("int64"))


def _restricted_means(cohort: Cohort, curves: dict[str, Curve], start: int) -> pd.DataFrame:
    """Mean months without a job by arm up to the last month for which every arm's curve is known, and differences."""
    known = [curve.n_months for curve in curves.values() if curve.n_months]
    length = min(known, default=cohort.window.after + 1 - start)
    last = start + length - 1
    label = {"month_from": start, "month_to": last, "note": _horizon_note(cohort, start, last)}
    level, least = cohort.estimation.confidence_level, cohort.estimation.min_persons_per_arm
    means: dict[str, tuple[float, float, Row]] = {}
    rows = []
    for arm, curve in curves.items():
        n_events, n_censored = curve.n_events[:length].sum(), curve.n_censored[: length - 1].sum()
        size = {"n_persons": int(curve.n_at_risk[0]), "n_events": int(n_events), "n_censored": int(n_censored)}
        means[arm] = (*curve.restricted_mean(length), label | {"arm": arm} | size)
    for mean, error, shared in means.values():
        status = NOBODY if not shared["n_persons"] else ESTIMATED if error > NO_ERROR else NO_VARIATION
        numbers = _normal(mean, error, level) if status == ESTIMATED else {}
        rows.append({"measure": WITHOUT_JOB, "status": status} | shared | numbers)
    control, control_error, of_control = means[cohort.arms.reference]
    for arm in cohort.arms.treatments:
        mean, error, shared = means[arm]
        both = float(np.hypot(error, control_error))
        status = _difference_status(shared["n_persons"], of_control["n_persons"], both, least)
        numbers = _normal(mean - control, both, level, is_tested=True) if status == ESTIMATED else {}
        rows.append(
            {"measure": DIFFERENCE, "reference_arm": cohort.arms.reference, "status": status} | shared | numbers
        )
    return pd.DataFrame(rows, columns=MEAN_COLUMNS)


def _horizon_note(cohort: Cohort, start: int, last: int) -> str:
    early = f"nobody is observed before month {start}" if start else ""
    late = f"after month {last} an arm has nobody at risk" if last < cohort.window.after else ""
    return "; ".join(filter(None, [early, late]))


def _difference_status(n_assigned: int, n_control: int, error: float, least: int) -> str:
    if not (n_assigned and n_control):
        return NOBODY
    if n_assigned < least:
        return "too_few_assigned"
    if n_control < least:
        return "too_few_control"
    return ESTIMATED if error > NO_ERROR else NO_VARIATION


def _normal(estimate: float, error: float, level: float, is_tested: bool = False) -> Row:
    """Estimate and interval by the normal distribution; a test against zero for differences."""
    reach = float(norm_ppf((1 + level) / 2)) * error
    found = {"estimate": estimate, "std_error": error, "ci_low": estimate - reach, "ci_high": estimate + reach}
    z = estimate / error
    return found | ({"statistic": z, "p_value": float(2 * norm_sf(abs(z)))} if is_tested else {})


def _effects(cohort: Cohort, people: pd.DataFrame, sums: tuple[Accumulated, ...]) -> pd.DataFrame:
    """Effects of assignment on each outcome by each month: ``y ~ a + centre + age + female``."""
    rows = []
    for outcome in sums:
        for j, month in enumerate(cohort.follow.months):
            months = (outcome.month_from, month)
            rows += _effect_rows(cohort, people, outcome, outcome.values[:, j], months, outcome.notes[j])
    return pd.DataFrame(rows, columns=ACCUMULATED_COLUMNS)


def _effect_rows(
    cohort: Cohort, people: pd.DataFrame, outcome: Accumulated, values: np.ndarray, months: tuple[int, int], note: str
) -> list[Row]:
    analysis = Analysis("accumulated", months, adjust=ADJUST)
    whole = design(cohort, analysis, people)
    used = whole.complete & ~np.isnan(values)
    arm, at, Y = people["arm"].to_numpy()[used], people["centre"].to_numpy()[used], values[used][:, None]
    time = Periods((), np.zeros((1, 0)), Y, np.ones_like(Y, bool))
    rows = effect_rows(cohort, Regression(analysis, months, ALL, whole.of(used), np.flatnonzero(used), arm, at, time))
    means = {a: float(Y[arm == a].mean()) if (arm == a).any() else np.nan for a in cohort.arms.treatments}
    own = {"outcome": outcome.name} | ({"status": NOT_DELIVERED} if outcome.lacking else {})
    return [
        row | own | {"mean_assigned": means[row["arm"]], "note": "; ".join(filter(None, [row["note"], note]))}
        for row in rows
    ]
