"""Stage bound: what missing covariates and missing months could do to the pooled effect."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from ipseval.because import because, notes, told
from ipseval.config import Analysis, Cohort, code
from ipseval.estimate import NO_ERROR, effect_rows
from ipseval.estimation.analyses import Regression, regressions
from ipseval.estimation.strata import LEFT_OUT, NOT_COMPARABLE, Strata, overlap_weights, strata, with_dummies
from ipseval.estimation.trimming import EMPLOYED, NOT_EMPLOYED, NOT_OBSERVED, by_cell, interval, standard_errors
from ipseval.panel import MISSING, analysed_months, outside_coverage
from ipseval.registers.categories import OF_RANDOMISATION, UNKNOWN, adjustable, is_category, levels

MAIN = "pooled"  # the analysis whose effect is bounded
COVARIATES, OUTCOME = "covariates", "outcome"  # what is missing
COMPLETE, INDICATOR = "complete_case", "indicator"
OBSERVED, WORST, BEST = "observed", "worst_case", "best_case"
LOWER, UPPER = "lee_lower", "lee_upper"
BOOTSTRAP = "bootstrap"
NOTHING, NO_COVARIATE = "nothing is missing", "no covariate is missing"
WITHIN = "nothing is missing within the register"  # months beyond it are
UNORDERED = "the linear model predicts outside 0 to 1: the effect of the observed months is not between the two"
COUNTS = [
    f"{name}_{side}"
    for name in ("n", "n_missing", "n_months_missing", "n_months_outside")
    for side in ("assigned", "control")
]
COLUMNS = [
    *("about", "method", "arm", "reference_arm", "month_from", "month_to", *COUNTS, "share_trimmed"),
    *("estimate", "std_error", "df", "ci_low", "ci_high", "variance", "status", "note"),
    *("n_left_out", "stratified_by", "weighting", "because_assigned", "because_control"),
]
Row = dict[str, Any]


@dataclass(frozen=True)
class Gaps:
    """Missing months 0..after; bool, persons x months.

    Parameters
    ----------
    filled : bool array
        Those that are bounded.
    left : bool array
        Those that stay missing: nobody could have been observed in them.
    """

    filled: np.ndarray
    left: np.ndarray


def bound(cohort: Cohort, people: pd.DataFrame, panel: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """The pooled effect under several ways of treating missing covariates and missing months, within strata.

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
        ``missing_data``: one row a method, arm and variance, and for the trimming bounds one a month, bound and arm.
    """
    analysed, states = analysed_months(cohort, people, panel)
    main = next(analysis for analysis in cohort.analyses if analysis.name == MAIN)
    gaps, found = missing_months(cohort, analysed, states), strata(cohort, analysed)
    known, dummies = with_dummies(analysed, found)
    of_covariates = replace(main, adjust=(*cohort.bound.covariates, *dummies))
    rows = [
        *_of_covariates(cohort, of_covariates, known, states),
        *_of_months(cohort, replace(main, adjust=(*main.adjust, *dummies)), known, states, gaps),
        *_of_trimming(cohort, analysed, states, gaps),
    ]
    why = because(panel, analysed, cohort.window.months)
    for row in rows:
        months, sides = (row["month_from"], row["month_to"]), {"assigned": "arm", "control": "reference_arm"}
        row |= {f"because_{side}": told(why.counts(months, (row[arm],))) for side, arm in sides.items()}
        if row["method"] in (COMPLETE, INDICATOR, OBSERVED):  # whose missing months nothing stands in for
            reasons = notes(why.counts(months, (row["arm"], row["reference_arm"])))
            row["note"] = "; ".join(filter(None, [row["note"], *reasons]))
    table = pd.DataFrame([found.label | row for row in rows], columns=COLUMNS).astype({"n_left_out": "Int64"})
    return {"missing_data": table.assign(**table[COUNTS].fillna(0).astype("int64"))}


def missing_months(cohort: Cohort, people: pd.DataFrame, states: np.ndarray) -> Gaps:
    """Which missing months are bounded.

    Under ``impute: attrition`` a month that the register does not cover stays missing. So does a month since
    randomisation in which nobody is observed, such as month 0 of a layout that counts weeks from randomisation.

    # ASSUME: where the register ends does not depend on the outcome: months beyond it are missing at random.
    """
    missing = states[:, cohort.window.before :] == MISSING
    if cohort.bound.impute == "all":
        return Gaps(missing, np.zeros_like(missing))
    month_0 = people["randomised_on"].to_numpy().astype("datetime64[M]").astype("int64")
    calendar = month_0[:, None] + np.arange(missing.shape[1])
    outside = outside_coverage(cohort, calendar) | missing.all(axis=0)
    return Gaps(missing & ~outside, missing & outside)


def with_indicators(people: pd.DataFrame, names: tuple[str, ...]) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Persons with a constant in place of missing covariates, and a 0/1 column of who lacked each.

    The constant does not matter: the indicator takes up any other. Beside randomised assignment neither biases its
    effect (Zhao & Ding 2024, JASA 119:450).

    Returns
    -------
    people : DataFrame
    indicators : tuple of str
        Names of the added columns; none for a covariate that everybody has.
    """
    lacking = people[[n for n in adjustable(people, names) if n not in OF_RANDOMISATION]].isna()
    added = {f"missing[{name}]": column.astype(float) for name, column in lacking.items() if column.any()}
    known = {str(name): people[name].fillna(_constant(people[name])) for name in lacking}
    return people.assign(**known, **added), tuple(added)


def _constant(column: pd.Series) -> str | float:
    """What stands in for a missing value: the mean of numbers, the first level of a category."""
    if is_category(column):
        return next(iter(levels(column.dropna().map(code))), UNKNOWN)
    return float(column.mean()) if column.notna().any() else 0.0


def filled(states: np.ndarray, before: int, is_filled: np.ndarray, is_zero: np.ndarray) -> np.ndarray:
    """States with some months from 0 on set to 0 for persons of ``is_zero`` and to 1 for the others."""
    value = np.where(is_zero, 0, 1).astype(states.dtype)[:, None]
    after = np.where(is_filled, value, states[:, before:])
    return np.hstack([states[:, :before], after])


def _of_covariates(cohort: Cohort, plain: Analysis, people: pd.DataFrame, states: np.ndarray) -> Iterator[Row]:
    """Complete cases, and everybody with an indicator of missing."""
    known, indicators = with_indicators(people, plain.adjust)
    whole, flagged = _estimated(cohort, replace(plain, adjust=(*plain.adjust, *indicators)), known, states)
    _, complete = _estimated(cohort, plain, people, states)
    lacking = (known[list(indicators)] > 0).any(axis=1).to_numpy()[whole.persons]
    for method, effects in ((COMPLETE, complete), (INDICATOR, flagged)):
        for row in effects:
            counted = _by_side(cohort, row["arm"], whole.arm, {"n_missing": lacking})
            yield row | counted | _label(COVARIATES, method, row["note"], "" if lacking.any() else NO_COVARIATE)


def _of_months(cohort: Cohort, main: Analysis, people: pd.DataFrame, states: np.ndarray, gaps: Gaps) -> Iterator[Row]:
    """The observed months, and worst and best case for the treatments (Horowitz & Manski 2000)."""
    is_treated = (people["arm"] != cohort.arms.reference).to_numpy()
    cases = {OBSERVED: states} | {
        method: filled(states, cohort.window.before, gaps.filled, is_zero)
        for method, is_zero in ((WORST, is_treated), (BEST, ~is_treated))
    }
    found = {method: _estimated(cohort, main, people, case) for method, case in cases.items()}
    whole = found[WORST][0]
    missing, left = (part[whole.persons].sum(axis=1) for part in (gaps.filled, gaps.left))
    by_person = {"n_missing": missing > 0, "n_months_missing": missing, "n_months_outside": left}
    orders = [_order_note(*rows) for rows in zip(*(found[m][1] for m in (WORST, OBSERVED, BEST)), strict=True)]
    for method, (_, effects) in found.items():
        for row, note in zip(effects, orders, strict=True):
            counted = _by_side(cohort, row["arm"], whole.arm, by_person)
            said = note if missing.any() else WITHIN if left.any() else NOTHING
            yield row | counted | _label(OUTCOME, method, row["note"], said)


def _order_note(worst: Row, observed: Row, best: Row) -> str:
    """A note where probabilities outside 0 to 1 put the observed effect outside the two cases."""
    if any(row["status"] != "estimated" for row in (worst, observed, best)):
        return ""
    return "" if worst["estimate"] <= observed["estimate"] <= best["estimate"] else UNORDERED


def _estimated(
    cohort: Cohort, analysis: Analysis, people: pd.DataFrame, states: np.ndarray
) -> tuple[Regression, list[Row]]:
    (this,) = regressions(cohort, analysis, people, states)
    found, reference = strata(cohort, people).of(this.persons), cohort.arms.reference
    if found.by == ("centre",):
        return this, effect_rows(cohort, this)
    rows = []
    for row in effect_rows(cohort, this):
        n = found.n_without_say(this.arm, row["arm"], reference)
        said = "; ".join(filter(None, [row["note"], LEFT_OUT.format(n=n) if n else ""]))
        rows.append(row | {"n_left_out": n, "note": said})
    return this, rows


def _of_trimming(cohort: Cohort, people: pd.DataFrame, states: np.ndarray, gaps: Gaps) -> Iterator[Row]:
    """Bounds for the always-observed at single months, within strata, no covariates."""
    chosen, arms, found = cohort.bound, cohort.arms, strata(cohort, people)
    for month in chosen.months:
        could, state = ~gaps.left[:, month], states[:, cohort.window.before + month]
        by_person = {"n": could, "n_missing": could & (state == MISSING), "n_months_outside": gaps.left[:, month]}
        by_person["n_months_missing"] = by_person["n_missing"]
        for j, arm in enumerate(arms.treatments):
            counts = _cells(cohort, people[could], state[could], found.of(could), arm)
            rng = np.random.default_rng([chosen.seed, month, j])
            label = {"arm": arm, "reference_arm": arms.reference, "month_from": month, "month_to": month}
            counted = _by_side(cohort, arm, people["arm"].to_numpy(), by_person)
            nothing = WITHIN if gaps.left[:, month].any() else NOTHING
            for row in _trimmed_rows(cohort, counts, rng, nothing):
                yield label | counted | row | {"about": OUTCOME, "variance": BOOTSTRAP, **found.label}


def _cells(cohort: Cohort, people: pd.DataFrame, state: np.ndarray, found: Strata, arm: str) -> np.ndarray:
    """Persons by stratum, side (the arm, the reference arm) and state; int, strata x 2 x 3."""
    side = pd.Index([arm, cohort.arms.reference]).get_indexer(pd.Index(people["arm"]))
    kind = np.select([state == 1, state == 0], [EMPLOYED, NOT_EMPLOYED], NOT_OBSERVED)
    counts, here = np.zeros((found.n_strata, 2, 3), dtype=np.int64), side >= 0
    np.add.at(counts, (found.number[here], side[here], kind[here]), 1)
    return counts


def _trimmed_rows(cohort: Cohort, counts: np.ndarray, rng: np.random.Generator, nothing: str) -> Iterator[Row]:
    """The two bounds; the interval of both is that of the effect itself. ``nothing``: what is noted where none lack."""
    observed, least = counts[..., :NOT_OBSERVED].sum(axis=-1), cohort.estimation.min_persons_per_arm
    is_used = (observed >= max(least, 1)).all(axis=1) if len(counts) > 1 else np.ones(len(counts), bool)
    n_left_out = int(counts[~is_used].sum())
    status, numbers = _status(observed.sum(axis=0), least), Row()
    if status == "estimated" and not is_used.any():
        status = NOT_COMPARABLE
    weights = overlap_weights(np.where(is_used[:, None], counts.sum(axis=-1), 0))
    found, errors = by_cell(counts, weights), (np.nan, np.nan)
    numbers["share_trimmed"] = float(found.share_trimmed) if is_used.any() else np.nan
    if status == "estimated":
        errors = standard_errors(counts, cohort.bound.draws, rng, weights)
        status = "estimated" if min(errors) > NO_ERROR else "no_variation"
    lower, upper = float(found.lower), float(found.upper)
    if status == "estimated":
        low, high = interval(lower, upper, errors, cohort.estimation.confidence_level)
        numbers |= {"ci_low": low, "ci_high": high}
    said = (nothing if not counts[..., NOT_OBSERVED].any() else "", LEFT_OUT.format(n=n_left_out) if n_left_out else "")
    shared: Row = {"status": status, "n_left_out": n_left_out, "note": "; ".join(filter(None, said))}
    for j, method in enumerate((LOWER, UPPER)):
        own = {"estimate": (lower, upper)[j], "std_error": errors[j]} if status == "estimated" else {}
        yield {"method": method} | shared | numbers | own


def _status(observed: np.ndarray, least: int) -> str:
    """Status of the bounds as far as the numbers of observed persons decide."""
    if observed.min() == 0:
        return "no_observations"
    if observed[0] < least:
        return "too_few_assigned"
    return "too_few_control" if observed[1] < least else "estimated"


def _by_side(cohort: Cohort, arm: str, arms: np.ndarray, by_person: Mapping[str, np.ndarray]) -> Row:
    """Sums over the persons of an arm and of the reference arm."""
    sides = {"assigned": arms == arm, "control": arms == cohort.arms.reference}
    return {f"{name}_{side}": int(values[of].sum()) for name, values in by_person.items() for side, of in sides.items()}


def _label(about: str, method: str, *notes: str) -> Row:
    return {"about": about, "method": method, "note": "; ".join(filter(None, notes))}
