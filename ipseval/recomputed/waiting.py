"""The time to a first ordinary job once more: risk sets person by person, curves stratum by stratum."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from ipseval.because import notes
from ipseval.recomputed.days import YES
from ipseval.recomputed.effects import joined
from ipseval.recomputed.strata import LEFT_OUT, Strata, of_few, overlap, strata_of
from ipseval.recomputed.study import Study
from ipseval.registers.layouts import DAY, grain

NO_ERROR = 1e-10
NOT_COMPARABLE, NOBODY = "not_comparable", "nobody_at_risk"
Row = dict[str, Any]


@dataclass(frozen=True)
class Curve:
    """An arm over T months from the first that anybody is observed in: over strata, and what of each stratum is needed.

    ``means`` are, for h months, the weighted restricted mean and its error.
    """

    at_risk: np.ndarray
    events: np.ndarray
    censored: np.ndarray
    survival: np.ndarray
    std_error: np.ndarray
    parts: list[tuple[float, np.ndarray, np.ndarray, np.ndarray]]

    def mean(self, h: int) -> tuple[float, float]:
        """Mean months without a job among the first h, and its standard error."""
        mean = variance = 0.0
        for weight, n, d, S in self.parts:
            mean += weight * S[:h].sum()
            for j in range(h):
                if n[j] > d[j]:
                    variance += (weight * S[j:h].sum()) ** 2 * d[j] / (n[j] * (n[j] - d[j]))
        return mean, float(np.sqrt(variance))


def _curve(waits: list[tuple[int, bool]], T: int) -> tuple[np.ndarray, ...]:
    """Risk sets, events, censored, S and Greenwood's error of the persons of a stratum: (last month, by a job)."""
    events = np.array([sum(end == k and is_job for end, is_job in waits) for k in range(T)])
    censored = np.array([sum(end == k and not is_job for end, is_job in waits) for k in range(T)])
    at_risk = np.array([sum(end >= k for end, _ in waits) for k in range(T)])
    S, total, survival, error = 1.0, 0.0, np.full(T, np.nan), np.full(T, np.nan)
    for k in range(T):
        if at_risk[k]:
            S *= 1 - events[k] / at_risk[k]
            left = at_risk[k] - events[k]
            total += events[k] / (at_risk[k] * left) if left else np.nan if events[k] else 0.0
        if at_risk[k] or S == 0:
            survival[k], error[k] = S, 0.0 if S == 0 else S * np.sqrt(total)
    return at_risk, events, censored, survival, error


def _waits(states: np.ndarray) -> list[tuple[int, bool]]:
    """Last month at risk of each person who is observed in the first, and whether a job ended the wait."""
    found = []
    for row in states:
        end = next((k for k, state in enumerate(row) if state != 0), len(row))
        is_job = end < len(row) and row[end] == YES
        if end or is_job:
            found.append((end if is_job else end - 1, is_job))
    return found


@dataclass(frozen=True)
class Waits:
    """Curves by arm and by pair, persons left out of each, and the first month that anybody is observed in.

    ``few`` are notes of an arm and of a pair.
    """

    start: int
    strata: Strata
    curves: dict[tuple[str, ...], dict[str, Curve]]
    left_out: dict[tuple[str, ...], dict[str, int]]
    few: dict[tuple[str, ...], str]


def first_months(study: Study, employment: pd.DataFrame) -> np.ndarray:
    """Ordinary employment in months 0..after, without what ended on the day of randomisation where days are known."""
    states = study.after("ordinary_employment").copy()
    if grain(study.cohort, "employment") != DAY:
        return states
    row = {person: i for i, person in enumerate(study.people["person_id"])}
    works = np.zeros(len(states), bool)
    for person, start, end, known in employment[["person_id", "start_on", "end_on", "is_observed"]].itertuples(
        index=False
    ):
        i = row.get(person)
        if i is None or known != 1:
            continue
        day = study.people["randomised_on"].iloc[i]
        later = max(start, day + pd.Timedelta(days=1))
        works[i] |= (later.year, later.month) == (day.year, day.month) and (pd.isna(end) or end >= later)
    states[~works & (states[:, 0] == YES), 0] = 0
    return states


def waits(study: Study, employment: pd.DataFrame) -> Waits:
    """All curves.

    Parameters
    ----------
    study : Study
    employment : DataFrame
        Cleaned spells.
    """
    states, arms = first_months(study, employment), study.cohort.arms
    seen = (states >= 0).any(axis=0)
    start = int(np.argmax(seen)) if seen.any() else 0
    found, states = strata_of(study), states[:, start:]
    at_start = states[:, 0] >= 0 if states.size else np.zeros(len(states), bool)
    curves: dict[tuple[str, ...], dict[str, Curve]] = {}
    left: dict[tuple[str, ...], dict[str, int]] = {}
    few: dict[tuple[str, ...], str] = {}
    stars = study.cohort.estimation.min_persons_for_stars
    for of in (arms.all, *((arm, arms.reference) for arm in arms.treatments)):
        own = {arm: (study.arm == arm) & at_start for arm in of}
        used = found.used(list(own.values()), study.cohort.estimation.min_persons_per_arm)
        n = found.counts(list(own.values())).reshape(-1, len(of))[used]
        weights = overlap(n) if used.any() else np.ones(1)
        numbers: list[int] = np.flatnonzero(used).tolist() or [-1]
        key = of if len(of) == 2 and of[1] == arms.reference else ("all",)
        curves[key] = {arm: _standardised(study, states, found, arm, numbers, weights) for arm in of}
        out = ~used[found.number] if len(states) else np.zeros(0, bool)
        left[key] = {arm: int((own[arm] & out).sum()) for arm in of}
        if of == arms.all:
            few |= {(arm,): of_few(n[:, [j]], stars) for j, arm in enumerate(of)}
        if len(of) == 2 and of[1] == arms.reference:
            few[of] = of_few(n, stars)
    return Waits(start, found, curves, left, few)


def _standardised(
    study: Study, states: np.ndarray, found: Strata, arm: str, numbers: Sequence[int], weights: np.ndarray
) -> Curve:
    T = states.shape[1]
    parts = [_curve(_waits(states[(study.arm == arm) & (found.number == s)]), T) for s in numbers]
    at_risk, events, censored = (np.sum([p[i] for p in parts], axis=0) for i in range(3))
    survival = np.sum([w * p[3] for w, p in zip(weights, parts, strict=True)], axis=0)
    error = np.sqrt(np.sum([(w * p[4]) ** 2 for w, p in zip(weights, parts, strict=True)], axis=0))
    kept = [(float(w), p[0], p[1], p[3]) for w, p in zip(weights, parts, strict=True)]
    return Curve(at_risk, events, censored, survival, error, kept)


def expected_waiting(study: Study, employment: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The tables ``time_to_job`` and ``restricted_mean``; arguments as of :func:`waits`."""
    found = waits(study, employment)
    return _time_to_job(study, found), _means(study, found)


def _time_to_job(study: Study, found: Waits) -> pd.DataFrame:
    from scipy.stats import norm

    z, rows = norm.ppf((1 + study.cohort.estimation.confidence_level) / 2), []
    for arm, curve in found.curves["all",].items():
        out = found.left_out["all",][arm]
        for month in range(study.cohort.window.after + 1):
            k = month - found.start
            row: Row = {"arm": arm, "month": month, "n_at_risk": 0, "n_events": 0, "n_censored": 0, "status": NOBODY}
            row |= {"n_left_out": out, **found.strata.label}
            if k >= 0:
                S, error = curve.survival[k], curve.std_error[k]
                row |= {"n_at_risk": curve.at_risk[k], "n_events": curve.events[k], "n_censored": curve.censored[k]}
                row |= {"survival": S, "share_with_job": 1 - S}
                if 0 < S < 1 and error > NO_ERROR:
                    reach = z * error / abs(S * np.log(S))
                    low, high = S ** np.exp(reach), S ** np.exp(-reach)
                    row |= {
                        "std_error": error,
                        "ci_low": low,
                        "ci_high": high,
                        "share_low": 1 - high,
                        "share_high": 1 - low,
                    }
                nobody = NOT_COMPARABLE if out else NOBODY
                row["status"] = "estimated" if "std_error" in row else nobody if np.isnan(S) else "no_variation"
            rows.append(row)
    return pd.DataFrame(rows)


def _means(study: Study, found: Waits) -> pd.DataFrame:
    from scipy.stats import norm

    cohort, start = study.cohort, found.start
    known = [int((~np.isnan(c.survival)).sum()) for of in found.curves.values() for c in of.values()]
    h = min((n for n in known if n), default=cohort.window.after + 1 - start)
    last = start + h - 1
    where = "an arm" if len(found.strata.names) < 2 else "an arm of a centre or stratum"
    horizon = joined(
        f"nobody is observed before month {start}" if start else "",
        f"after month {last} {where} has nobody at risk" if last < cohort.window.after else "",
    )
    rows = []
    of_arms = [((arm,), "months_without_job", found.curves["all",]) for arm in cohort.arms.all]
    pairs = [(arm, cohort.arms.reference) for arm in cohort.arms.treatments]
    z = norm.ppf((1 + cohort.estimation.confidence_level) / 2)
    for of, measure, curves in (*of_arms, *((p, "difference", found.curves[p]) for p in pairs)):
        out = found.left_out["all",][of[0]] if len(of) == 1 else sum(found.left_out[of].values())
        own, nobody = curves[of[0]], NOT_COMPARABLE if out else NOBODY
        row: Row = {"measure": measure, "arm": of[0], "reference_arm": of[1] if len(of) > 1 else ""}
        row |= {"month_from": start, "month_to": last, "n_persons": own.at_risk[0], "n_events": own.events[:h].sum()}
        row |= {"n_censored": own.censored[: h - 1].sum(), "n_left_out": out, **found.strata.label}
        reasons = study.reasons((start, last), of) if cohort.outcome.primary == "ordinary_employment" else {}
        sides = [curves[arm].mean(h) if curves[arm].at_risk[0] else (np.nan, np.nan) for arm in of]
        row["status"] = _status(cohort.estimation.min_persons_per_arm, [curves[arm] for arm in of], sides, nobody)
        few = found.few[of] if row["status"] == "estimated" else ""
        row["note"] = joined(horizon, LEFT_OUT.format(n=out) if out else "", few, *notes(reasons))
        if row["status"] == "estimated":
            estimate = sides[0][0] - (sides[1][0] if len(of) > 1 else 0.0)
            error = float(np.sqrt(sum(e**2 for _, e in sides)))
            row |= {
                "estimate": estimate,
                "std_error": error,
                "ci_low": estimate - z * error,
                "ci_high": estimate + z * error,
            }
            if len(of) > 1:
                row |= {"statistic": estimate / error, "p_value": 2 * norm.sf(abs(estimate / error))}
        rows.append(row)
    return pd.DataFrame(rows)


def _status(least: int, curves: list[Curve], sides: list[tuple[float, float]], nobody: str) -> str:
    """Why a mean or a difference has no number, or that it is estimated."""
    n = [int(curve.at_risk[0]) for curve in curves]
    if not all(n):
        return nobody
    if len(n) > 1 and min(n) < least:
        return "too_few_assigned" if n[0] < least else "too_few_control"
    return "estimated" if all(error > NO_ERROR for _, error in sides) else "no_variation"
