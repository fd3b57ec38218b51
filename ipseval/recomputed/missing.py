"""What missing data could do, once more: the same regressions of person-months, and bounds person by person."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from ipseval.because import notes, told
from ipseval.config import Analysis, Cohort
from ipseval.recomputed.columns import OF_RANDOMISATION, in_order, is_category, levels_of
from ipseval.recomputed.days import UNKNOWN, spoken_of
from ipseval.recomputed.effects import Estimates, effect_rows, joined, variances_of
from ipseval.recomputed.panel import extracts_of
from ipseval.recomputed.strata import LEFT_OUT, Strata, overlap, strata_of, with_strata, without_say
from ipseval.recomputed.study import Regression, Study, regressions

NO_ERROR = 1e-10
NOTHING, WITHIN = "nothing is missing", "nothing is missing within the register"
UNORDERED = "the linear model predicts outside 0 to 1: the effect of the observed months is not between the two"
COUNTS = ("n", "n_missing", "n_months_missing", "n_months_outside")
Row = dict[str, Any]


def expected_missing_data(study: Study) -> pd.DataFrame:
    """The table ``missing_data``."""
    cohort = study.cohort
    main = next(analysis for analysis in cohort.analyses if analysis.name == "pooled")
    found, (filled, left) = strata_of(study), _gaps(study)
    people, names = with_strata(study, found, study.with_history(cohort.outcome.primary))
    of_covariates = replace(main, adjust=(*cohort.bound.covariates, *names))
    rows = [
        *_of_covariates(study, found, of_covariates, people),
        *_of_months(study, found, replace(main, adjust=(*main.adjust, *names)), people, (filled, left)),
        *_of_trimming(study, left),
    ]
    for row in rows:
        for side, arm in (("assigned", row["arm"]), ("control", row["reference_arm"])):
            row[f"because_{side}"] = told(study.reasons((row["month_from"], row["month_to"]), (arm,)))
        if row["method"] in ("complete_case", "indicator", "observed"):
            both = study.reasons((row["month_from"], row["month_to"]), (row["arm"], row["reference_arm"]))
            row["note"] = joined(row["note"], *notes(both))
    rows = [found.label | row for row in rows]
    table = pd.DataFrame(rows)
    names = [f"{name}_{side}" for name in COUNTS for side in ("assigned", "control")]
    table = table.assign(**table[names].fillna(0))
    numbers = ("share_trimmed", "n_left_out", "estimate", "std_error", "df")  # which nobody may have
    lacking = [name for name in numbers if name not in table]
    return _with_ends(cohort, table.assign(**dict.fromkeys(lacking, np.nan)))


def _with_ends(cohort: Cohort, table: pd.DataFrame) -> pd.DataFrame:
    """Intervals by t of rows that have degrees of freedom; those of the bounds are there."""
    from scipy.stats import t

    has = table["df"].notna()
    reach = t.ppf((1 + cohort.estimation.confidence_level) / 2, table["df"].astype(float)) * table["std_error"]
    ends = {"ci_low": table["estimate"] - reach, "ci_high": table["estimate"] + reach}
    own = {name: table.get(name, np.nan) for name in ends}
    return table.assign(**{name: pd.Series(values).where(has, own[name]) for name, values in ends.items()})


def _gaps(study: Study) -> tuple[np.ndarray, np.ndarray]:
    """Missing months 0..after that are bounded, and those that stay missing; bool, n x T."""
    cohort = study.cohort
    missing = study.after(cohort.outcome.primary) == UNKNOWN
    if cohort.bound.impute == "all":
        return missing, np.zeros_like(missing)
    zero = study.people["randomised_on"].dt.year * 12 + study.people["randomised_on"].dt.month - 1 - 1970 * 12
    months = zero.to_numpy()[:, None] + np.arange(missing.shape[1])
    outside = ~spoken_of(cohort, extracts_of(cohort, cohort.outcome.primary), months)
    outside |= missing.all(axis=0)
    return missing & ~outside, missing & outside


def _rows(
    study: Study, strata: Strata, analysis: Analysis, people: pd.DataFrame, states: np.ndarray
) -> tuple[Regression, list[Row]]:
    (this,) = regressions(study, analysis, people, states)
    found = list(effect_rows(this, Estimates(this, variances_of(study.cohort, analysis.estimator))))
    for row in found if strata.by != "centre" else ():
        row["n_left_out"] = n = without_say(study, strata, this.persons, row["arm"])
        row["note"] = joined(row["note"], LEFT_OUT.format(n=n) if n else "")
    drop = ("cohort", "analysis", "outcome", "estimator", "subgroup", "centre", "adjustment")
    return this, [{k: v for k, v in row.items() if k not in drop} for row in found]


def _by_side(study: Study, arm: str, arms: np.ndarray, values: Mapping[str, np.ndarray]) -> Row:
    """Sums over the persons of an arm and of the reference arm."""
    sides = {"assigned": arm, "control": study.cohort.arms.reference}
    return {f"{name}_{side}": int(own[arms == a].sum()) for name, own in values.items() for side, a in sides.items()}


# --- covariates --------------------------------------------------------------------------------


def _of_covariates(study: Study, strata: Strata, plain: Analysis, people: pd.DataFrame) -> Iterator[Row]:
    """Complete cases, and everybody with an indicator of what is missing."""
    names = [n for n in plain.adjust if n in people and n not in OF_RANDOMISATION]
    known, flags = people, []
    for name in names:
        lacks = people[name].isna()
        known = known.assign(**{name: people[name].where(~lacks, _constant(people, name))})
        if lacks.any():
            flags.append(f"missing[{name}]")
            known = known.assign(**{flags[-1]: lacks.astype(float)})
    states = study.states[plain.outcome]
    whole, flagged = _rows(study, strata, replace(plain, adjust=(*plain.adjust, *flags)), known, states)
    _, complete = _rows(study, strata, plain, people, states)
    lacks_any = np.logical_or.reduce([known[f].to_numpy() > 0 for f in flags] or [np.zeros(len(people), bool)])
    lacks_any, arms = lacks_any[whole.persons], study.arm[whole.persons]
    for method, rows in (("complete_case", complete), ("indicator", flagged)):
        for row in rows:
            row |= _by_side(study, row["arm"], arms, {"n_missing": lacks_any})
            note = joined(row["note"], "" if lacks_any.any() else "no covariate is missing")
            yield row | {"about": "covariates", "method": method, "note": note}


def _constant(people: pd.DataFrame, name: str) -> Any:
    """What stands in for a missing value: the mean, or the first level."""
    if is_category(people[name]):
        return next(iter(in_order(levels_of(people, name))), "unknown")
    return people[name].mean() if people[name].notna().any() else 0.0


# --- months ------------------------------------------------------------------------------------


def _of_months(
    study: Study, strata: Strata, main: Analysis, people: pd.DataFrame, gaps: tuple[np.ndarray, np.ndarray]
) -> Iterator[Row]:
    """The observed months; with the missing ones of treatments 0 and of the others 1; and the other way round."""
    (filled, left), states, before = gaps, study.primary, study.cohort.window.before
    treated = study.arm != study.cohort.arms.reference
    found: dict[str, tuple[Regression, list[Row]]] = {}
    for method, ones in (("observed", None), ("worst_case", ~treated), ("best_case", treated)):
        own = states.copy()
        if ones is not None:
            after = own[:, before:]
            after[filled] = np.broadcast_to(ones[:, None], filled.shape)[filled]
        found[method] = _rows(study, strata, main, people, own)
    whole = found["worst_case"][0]
    n, outside, arms = filled[whole.persons].sum(axis=1), left[whole.persons].sum(axis=1), study.arm[whole.persons]
    counted = {"n_missing": n > 0, "n_months_missing": n, "n_months_outside": outside}
    for method, (_, rows) in found.items():
        for i, row in enumerate(rows):
            three = [found[m][1][i] for m in ("worst_case", "observed", "best_case")]
            note = _order([r.get("estimate", np.nan) for r in three])
            note = note if n.any() else WITHIN if outside.any() else NOTHING
            row |= _by_side(study, row["arm"], arms, counted)
            yield row | {"about": "outcome", "method": method, "note": joined(row["note"], note)}


def _order(three: list[float]) -> str:
    """What is said when the observed effect is not between the other two."""
    is_known = not np.isnan(three).any()
    return UNORDERED if is_known and not three[0] <= three[1] <= three[2] else ""


# --- trimming bounds ---------------------------------------------------------------------------


def _of_trimming(study: Study, left: np.ndarray) -> Iterator[Row]:
    """Lee's bounds at single months, within strata."""
    cohort, found = study.cohort, strata_of(study)
    for month in cohort.bound.months:
        could, state = ~left[:, month], study.after(cohort.outcome.primary)[:, month]
        lacks = could & (state == UNKNOWN)
        values = {"n": could, "n_missing": lacks, "n_months_missing": lacks, "n_months_outside": left[:, month]}
        nothing = WITHIN if left[:, month].any() else NOTHING
        for j, arm in enumerate(cohort.arms.treatments):
            cells = _cells(study, found, state, could, arm)
            label: Row = {"arm": arm, "reference_arm": cohort.arms.reference, "month_from": month, "month_to": month}
            label |= _by_side(study, arm, study.arm, values) | {
                "about": "outcome",
                "variance": "bootstrap",
                **found.label,
            }
            rng = np.random.default_rng([cohort.bound.seed, month, j])
            for method, row in zip(("lee_lower", "lee_upper"), _bounds(cohort, cells, rng, nothing), strict=True):
                yield label | row | {"method": method}


def _cells(study: Study, found: Strata, state: np.ndarray, could: np.ndarray, arm: str) -> np.ndarray:
    """Employed, not employed and not observed persons of each stratum and side; int, strata x 2 x 3."""
    arms = (arm, study.cohort.arms.reference)
    here = [[could & (found.number == s) & (study.arm == a) for a in arms] for s in range(len(found.names))]
    return np.array([[[int((own & (state == k)).sum()) for k in (1, 0, UNKNOWN)] for own in sides] for sides in here])


def _bounds(cohort: Cohort, cells: np.ndarray, rng: np.random.Generator, nothing: str) -> list[Row]:
    """Both bounds of an arm in a month; ``nothing``: the note where nobody lacks it.

    The draws of the bootstrap are those that docs/methods.md names (counts of persons, multinomial by cell and arm);
    the bounds of each draw are found one by one.
    """
    observed, least = cells[..., :2].sum(axis=2), cohort.estimation.min_persons_per_arm
    used = (observed >= max(least, 1)).all(axis=1) if len(cells) > 1 else np.ones(len(cells), bool)
    out = int(cells[~used].sum())
    note = joined("" if cells[..., 2].any() else nothing, LEFT_OUT.format(n=out) if out else "")
    total = observed.sum(axis=0)
    status = "estimated" if used.any() else "not_comparable"
    if total.min() == 0:
        status = "no_observations"
    elif total.min() < least:
        status = "too_few_assigned" if total[0] < least else "too_few_control"
    weights = overlap(np.where(used[:, None], cells.sum(axis=2), 0))
    row: Row = {"n_left_out": out, "note": note, "share_trimmed": np.nan}
    bounds = np.array([_trimmed(cell) for cell in cells])
    is_weighted = weights > 0
    mean = weights[is_weighted] @ bounds[is_weighted]
    if used.any():
        row["share_trimmed"] = float(mean[2])
    if status != "estimated":
        return [row | {"status": status}] * 2
    errors = _errors(cells, weights, cohort.bound.draws, rng)
    if not errors.min() > NO_ERROR:
        return [row | {"status": "no_variation"}] * 2
    row |= _interval(mean[:2], errors, cohort.estimation.confidence_level) | {"status": status}
    return [row | {"estimate": float(mean[i]), "std_error": float(errors[i])} for i in (0, 1)]


def _trimmed(cell: np.ndarray) -> tuple[Any, Any, Any]:
    """Lower and upper bound and the share trimmed, of counts 2 x 3 or 2 x 3 x draws (Lee 2009)."""
    with np.errstate(divide="ignore", invalid="ignore"):
        (k1, n1), (k0, n0) = ((side[0], side[0] + side[1]) for side in cell)
        q1, q0, m1, m0 = n1 / cell[0].sum(axis=0), n0 / cell[1].sum(axis=0), k1 / n1, k0 / n0
        p = 1 - np.minimum(q1, q0) / np.maximum(q1, q0)
        p1, p0 = np.where(q1 >= q0, p, 0.0), np.where(q0 >= q1, p, 0.0)
        low1, high1 = np.maximum(m1 - p1, 0) / (1 - p1), np.minimum(m1 / (1 - p1), 1)
        low0, high0 = np.maximum(m0 - p0, 0) / (1 - p0), np.minimum(m0 / (1 - p0), 1)
        return low1 - high0, high1 - low0, p


def _errors(cells: np.ndarray, weights: np.ndarray, draws: int, rng: np.random.Generator) -> np.ndarray:
    """Standard deviations over draws of the two bounds; those of cells with weights, which share no person."""
    n = cells.sum(axis=2)
    chances = cells / np.maximum(n, 1)[..., None]
    chances[n == 0, 2] = 1.0
    drawn = rng.multinomial(n, chances, size=(draws, *n.shape))
    variance = np.zeros(2)
    for s in np.flatnonzero(weights):
        low, high, _ = _trimmed(np.moveaxis(drawn[:, s], 0, -1))
        known = ~np.isnan(low)
        both = [part[known].var(ddof=1) if known.sum() > 1 else np.nan for part in (low, high)]
        variance += weights[s] ** 2 * np.array(both)
    return np.sqrt(variance)


def _interval(bounds: np.ndarray, errors: np.ndarray, level: float) -> Row:
    """Interval that covers the effect wherever it lies between the bounds (Imbens & Manski 2004), by bisection."""
    from scipy.stats import norm

    width = (bounds[1] - bounds[0]) / errors.max()
    low, high = 0.0, float(norm.ppf((1 + level) / 2)) + 1
    for _ in range(60):
        c = (low + high) / 2
        low, high = (c, high) if norm.cdf(c + width) - norm.cdf(-c) < level else (low, c)
    return {"ci_low": float(bounds[0] - c * errors[0]), "ci_high": float(bounds[1] + c * errors[1])}
