"""Stage follow: how long persons wait for a first ordinary job, and what they have accumulated by chosen months."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from ipseval.achieved import achieved, measures, waiting
from ipseval.because import annotated, because
from ipseval.config import ORDINARY_EMPLOYMENT, Analysis, Cohort
from ipseval.cost import cost
from ipseval.estimate import NO_ERROR, effect_rows
from ipseval.estimation.accumulate import ADJUST, Accumulated, accumulated, spells_of
from ipseval.estimation.analyses import Regression
from ipseval.estimation.design import ALL, design
from ipseval.estimation.distributions import norm_ppf, norm_sf
from ipseval.estimation.periods import Periods
from ipseval.estimation.strata import LEFT_OUT, NOT_COMPARABLE, Strata, overlap_weights, strata, with_dummies
from ipseval.estimation.survival import Standardised, first_observed, kaplan_meier, standardised
from ipseval.panel import analysed_months
from ipseval.registers.distinct import looked_up
from ipseval.registers.layouts import DAY, grain

# fmt: off
TIME_COLUMNS = [
    "arm", "month", "n_at_risk", "n_events", "n_censored", "survival", "std_error", "ci_low", "ci_high",
    "share_with_job", "share_low", "share_high", "status", "n_left_out", "stratified_by", "weighting",
]
MEAN_COLUMNS = [
    "measure", "arm", "reference_arm", "month_from", "month_to", "n_persons", "n_events", "n_censored", "estimate",
    "std_error", "statistic", "p_value", "ci_low", "ci_high", "status", "note", "n_left_out", "stratified_by",
    "weighting",
]
ACCUMULATED_COLUMNS = [
    "outcome", "centre", "month_from", "month_to", "arm", "reference_arm", "n_assigned", "n_control", "mean_control",
    "mean_assigned", "estimate", "std_error", "df", "statistic", "p_value", "ci_low", "ci_high", "variance", "status",
    "note", "n_left_out", "stratified_by", "weighting",
]
# fmt: on
ESTIMATED, NO_VARIATION, NOBODY, NOT_DELIVERED = "estimated", "no_variation", "nobody_at_risk", "not_delivered"
WITHOUT_JOB, DIFFERENCE = "months_without_job", "difference"
Row = dict[str, Any]


@dataclass(frozen=True)
class Waits:
    """Curves of the time to a first job.

    Parameters
    ----------
    start : int
        First month in which anybody is observed.
    by_arm : dict
        Arm -> its curve, over the strata that have persons of every arm.
    by_pair : dict
        Treatment -> the curves of it and of the reference arm over the strata that have persons of both, and with these
        persons' weights. With two arms they are those of ``by_arm``.
    left_out : dict
        Arm, or pair of arms -> persons in strata that do not count.
    few : dict
        Arm, or pair of arms -> the note on strata with few persons in them.
    """

    strata: Strata
    start: int
    by_arm: dict[str, Standardised]
    by_pair: dict[str, tuple[Standardised, Standardised]]
    left_out: dict[tuple[str, ...], int]
    few: dict[tuple[str, ...], str]

    @property
    def length(self) -> int:
        """Months for which every curve is known, those of nobody aside; 0 when none is."""
        every = [*self.by_arm.values(), *(curve for pair in self.by_pair.values() for curve in pair)]
        return min((curve.n_months for curve in every if curve.n_months), default=0)

    def nobody(self, arm: str) -> str:
        """Why an arm has no curve."""
        return NOT_COMPARABLE if self.left_out[arm,] else NOBODY


def follow(
    cohort: Cohort,
    people: pd.DataFrame,
    panel: pd.DataFrame,
    employment: pd.DataFrame,
    services: pd.DataFrame | None = None,
) -> dict[str, pd.DataFrame]:
    """Time to the first ordinary job by arm, and effects on what was accumulated and achieved; all within strata.

    # ASSUME: the wait ends with the first month in ordinary employment; where days are known, on a day after that of
    # randomisation.
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
    services : DataFrame or None
        Cleaned spells of services.

    Returns
    -------
    dict
        ``time_to_job``: one row an arm and month 0..after. ``restricted_mean``: one row an arm, and one a difference.
        ``accumulated``: one row an outcome, month of ``follow.months``, treatment and variance. ``achieved``: see
        :func:`ipseval.achieved.achieved`. ``cost``: see :func:`ipseval.cost.cost`.
    """
    analysed, states = analysed_months(cohort, people, panel, ORDINARY_EMPLOYMENT)
    states = states[:, cohort.window.before :]
    found = strata(cohort, analysed)
    begun = after_the_day(cohort, analysed, states, employment)
    waits = _waits(cohort, analysed, begun, found)
    sums = accumulated(cohort, analysed, states, panel, employment)
    means, effects = _restricted_means(cohort, waits), _effects(cohort, analysed, sums, found)
    if cohort.outcome.primary == ORDINARY_EMPLOYMENT:
        why = because(panel, analysed, cohort.window.months)
        means = annotated(means, why, means["measure"].notna())
        is_months, is_told = effects["outcome"] == "ordinary_months", effects["status"] != NOT_DELIVERED
        effects = annotated(effects, why, is_months)
        effects = annotated(effects, why.of("weekly_hours"), ~is_months & is_told)  # which hide any job
    reached = measures(cohort, analysed, panel, begun, spells_of(analysed, employment))
    return {
        "time_to_job": _time_to_job(cohort, waits),
        "restricted_mean": means,
        "accumulated": effects,
        "achieved": achieved(cohort, analysed, reached, waiting(cohort, analysed, services), found),
        "cost": cost(cohort, effects),
    }


def after_the_day(cohort: Cohort, people: pd.DataFrame, states: np.ndarray, employment: pd.DataFrame) -> np.ndarray:
    """States of months 0..after in which month 0 holds only days after that of randomisation, where days are known.

    The panel has no job that was over before the day; here go those that ended on it. Layouts by week or month know no
    days: their month 0 is as it was delivered.
    """
    if grain(cohort, "employment") != DAY or not len(states):
        return states
    day = looked_up(people.set_index("person_id")["randomised_on"], employment["person_id"])
    closes = (day.to_numpy().astype("datetime64[M]") + 1).astype("datetime64[D]") - 1
    opens = np.fmax(
        employment["start_on"].to_numpy().astype("datetime64[D]"), day.to_numpy().astype("datetime64[D]") + 1
    )
    later = (opens <= closes) & ~(employment["end_on"] <= day).to_numpy() & (employment["is_observed"] == 1).to_numpy()
    works = people["person_id"].isin(employment.loc[later, "person_id"]).to_numpy()
    changed = states.copy()
    changed[~works & (states[:, 0] == 1), 0] = 0
    return changed


def _waits(cohort: Cohort, people: pd.DataFrame, states: np.ndarray, found: Strata) -> Waits:
    """Curves by arm and by pair of arms, of the persons who are observed in the first month."""
    start, arm = first_observed(states), people["arm"].to_numpy()
    seen = states[:, start] >= 0 if states.size else np.zeros(len(states), bool)
    own = {a: (arm == a) & seen for a in cohort.arms.all}

    def curves(arms: tuple[str, ...]) -> tuple[dict[str, Standardised], dict[str, int], np.ndarray]:
        is_used = found.comparable([own[a] for a in arms], cohort.estimation.min_persons_per_arm)
        used, weights = np.flatnonzero(is_used), overlap_weights(found.counts([own[a] for a in arms])[is_used])
        made = {}
        for a in arms:
            parts = [kaplan_meier(states[(arm == a) & (found.number == s), start:]) for s in used]
            nobody = [kaplan_meier(states[:0, start:])]
            made[a] = standardised(parts or nobody, weights if len(used) else np.ones(1))
        left = (
            {a: int((own[a] & ~is_used[found.number]).sum()) for a in arms} if len(people) else dict.fromkeys(arms, 0)
        )
        return made, left, is_used

    by_arm, alone, is_used = curves(cohort.arms.all)
    left_out: dict[tuple[str, ...], int] = {(a,): n for a, n in alone.items()}
    least = cohort.estimation.min_persons_for_stars
    few: dict[tuple[str, ...], str] = {(a,): found.of_few([own[a]], is_used, least) for a in cohort.arms.all}
    by_pair = {}
    for a in cohort.arms.treatments:
        pair = a, cohort.arms.reference
        both, left, is_used = curves(pair)
        by_pair[a] = both[a], both[cohort.arms.reference]
        left_out[pair] = sum(left.values())
        few[pair] = found.of_few([own[arm] for arm in pair], is_used, least)
    return Waits(found, start, by_arm, by_pair, left_out, few)


def _time_to_job(cohort: Cohort, waits: Waits) -> pd.DataFrame:
    """The curves by month; months before the first that anybody is observed in have rows without numbers."""
    parts = []
    for arm, curve in waits.by_arm.items():
        low, high = curve.interval(cohort.estimation.confidence_level)
        has_error = ~np.isnan(low) & (curve.std_error > NO_ERROR)
        nobody = waits.nobody(arm)
        rows = pd.DataFrame(
            {
                "n_at_risk": curve.n_at_risk,
                "n_events": curve.n_events,
                "n_censored": curve.n_censored,
                "survival": curve.survival,
                "std_error": np.where(has_error, curve.std_error, np.nan),
                "ci_low": np.where(has_error, low, np.nan),
                "ci_high": np.where(has_error, high, np.nan),
                "share_with_job": 1 - curve.survival,
                "share_low": np.where(has_error, 1 - high, np.nan),
                "share_high": np.where(has_error, 1 - low, np.nan),
                "status": np.where(has_error, ESTIMATED, np.where(np.isnan(curve.survival), nobody, NO_VARIATION)),
            },
            index=range(waits.start, waits.start + len(curve.survival)),
        )
        rows = rows.reindex(range(cohort.window.after + 1)).fillna({"status": NOBODY})
        parts.append(rows.assign(arm=arm, month=rows.index, n_left_out=waits.left_out[arm,], **waits.strata.label))
    table = pd.concat(parts, ignore_index=True)[TIME_COLUMNS]
    counts = ["n_at_risk", "n_events", "n_censored"]
    return table.assign(**table[counts].fillna(0).astype("int64"))


def _restricted_means(cohort: Cohort, waits: Waits) -> pd.DataFrame:
    """Mean months without a job by arm up to the last month for which every curve is known, and differences."""
    length = waits.length or cohort.window.after + 1 - waits.start
    last = waits.start + length - 1
    horizon = _horizon_note(cohort, waits, last)
    months = {"month_from": waits.start, "month_to": last, **waits.strata.label}
    level, rows = cohort.estimation.confidence_level, []
    for arm, curve in waits.by_arm.items():
        status, mean, error = _mean(curve, length, waits.nobody(arm))
        label = months | _persons(curve, length) | {"arm": arm} | _left_out(waits, (arm,), horizon, status)
        numbers = _normal(mean, error, level) if status == ESTIMATED else {}
        rows.append({"measure": WITHOUT_JOB, "status": status} | label | numbers)
    for arm, pair in waits.by_pair.items():
        both = (arm, cohort.arms.reference)
        status, numbers = _difference(cohort, pair, length, NOT_COMPARABLE if waits.left_out[both] else NOBODY)
        label = months | _persons(pair[0], length) | {"arm": arm} | _left_out(waits, both, horizon, status)
        rows.append({"measure": DIFFERENCE, "reference_arm": both[1], "status": status} | label | numbers)
    return pd.DataFrame(rows, columns=MEAN_COLUMNS)


def _persons(curve: Standardised, length: int) -> Row:
    """Persons at the start, and how many of them found a job or were lost within so many months."""
    n_events, n_censored = curve.n_events[:length].sum(), curve.n_censored[: length - 1].sum()
    return {"n_persons": int(curve.n_at_risk[0]), "n_events": int(n_events), "n_censored": int(n_censored)}


def _left_out(waits: Waits, arms: tuple[str, ...], horizon: str, status: str) -> Row:
    """How many persons of the arms are in strata that do not count, and the note."""
    n = waits.left_out[arms]
    return {"n_left_out": n, "note": _note(horizon, n, waits.few[arms] if status == ESTIMATED else "")}


def _mean(curve: Standardised, length: int, nobody: str) -> tuple[str, float, float]:
    """Status, restricted mean and error of an arm."""
    mean, error = curve.restricted_mean(length)
    if not curve.n_at_risk[0]:
        return nobody, np.nan, np.nan
    return (ESTIMATED if error > NO_ERROR else NO_VARIATION), mean, error


def _difference(cohort: Cohort, pair: tuple[Standardised, Standardised], length: int, nobody: str) -> tuple[str, Row]:
    """Status and numbers of a difference: none when one side has none, for half of its error is not known then."""
    n_assigned, n_control = (int(curve.n_at_risk[0]) for curve in pair)
    least, level = cohort.estimation.min_persons_per_arm, cohort.estimation.confidence_level
    if not (n_assigned and n_control):
        return nobody, {}
    if min(n_assigned, n_control) < least:
        return ("too_few_assigned" if n_assigned < least else "too_few_control"), {}
    (status, mean, error), (other, control, control_error) = (_mean(curve, length, nobody) for curve in pair)
    if {status, other} != {ESTIMATED}:
        return NO_VARIATION, {}
    return ESTIMATED, _normal(mean - control, float(np.hypot(error, control_error)), level, is_tested=True)


def _horizon_note(cohort: Cohort, waits: Waits, last: int) -> str:
    early = f"nobody is observed before month {waits.start}" if waits.start else ""
    where = "an arm" if waits.strata.n_strata < 2 else "an arm of a centre or stratum"
    late = f"after month {last} {where} has nobody at risk" if last < cohort.window.after else ""
    return "; ".join(filter(None, [early, late]))


def _normal(estimate: float, error: float, level: float, is_tested: bool = False) -> Row:
    """Estimate and interval by the normal distribution; a test against zero for differences."""
    reach = float(norm_ppf((1 + level) / 2)) * error
    found = {"estimate": estimate, "std_error": error, "ci_low": estimate - reach, "ci_high": estimate + reach}
    z = estimate / error
    return found | ({"statistic": z, "p_value": float(2 * norm_sf(abs(z)))} if is_tested else {})


def _effects(cohort: Cohort, people: pd.DataFrame, sums: tuple[Accumulated, ...], found: Strata) -> pd.DataFrame:
    """Effects of assignment on each outcome by each month: ``y ~ a + centre x stratum + age + female``."""
    rows = []
    for outcome in sums:
        for j, month in enumerate(cohort.follow.months):
            months = (outcome.month_from, month)
            rows += _effect_rows(cohort, people, outcome, outcome.values[:, j], months, outcome.notes[j], found)
    return pd.DataFrame(rows, columns=ACCUMULATED_COLUMNS)


def _effect_rows(
    cohort: Cohort,
    people: pd.DataFrame,
    outcome: Accumulated,
    values: np.ndarray,
    months: tuple[int, int],
    note: str,
    found: Strata,
) -> list[Row]:
    people, dummies = with_dummies(people, found)
    analysis = Analysis("accumulated", months, adjust=(*ADJUST, *dummies))
    whole = design(cohort, analysis, people)
    used = whole.complete & ~np.isnan(values)
    arm, at, Y = people["arm"].to_numpy()[used], people["centre"].to_numpy()[used], values[used][:, None]
    time = Periods((), np.zeros((1, 0)), Y, np.ones_like(Y, bool))
    rows = effect_rows(cohort, Regression(analysis, months, ALL, whole.of(used), np.flatnonzero(used), arm, at, time))
    means = {a: float(Y[arm == a].mean()) if (arm == a).any() else np.nan for a in cohort.arms.treatments}
    left_out = {a: found.of(used).n_without_say(arm, a, cohort.arms.reference) for a in cohort.arms.treatments}
    own: Row = {"outcome": outcome.name, **found.label} | ({"status": NOT_DELIVERED} if outcome.lacking else {})
    return [
        row
        | own
        | {"mean_assigned": means[row["arm"]], "n_left_out": left_out[row["arm"]]}
        | {"note": _note(row["note"], note, left_out[row["arm"]])}
        for row in rows
    ]


def _note(*parts: str | int) -> str:
    """Notes, and how many persons are left out when it is somebody."""
    said = [LEFT_OUT.format(n=part) if isinstance(part, int) and part else part for part in parts]
    return "; ".join(str(part) for part in said if part)
