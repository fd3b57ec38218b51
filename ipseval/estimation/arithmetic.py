"""What rows of results say of each other: tests and intervals of estimates, effects of coefficients, means of centres.

Everything is computed from the tables as written and by scipy's distributions, without the code that made them.
"""

from typing import Any, cast

import numpy as np
import pandas as pd

from ipseval import terms
from ipseval.config import Cohort
from ipseval.estimation.design import ALL, DIFFERENCE, MEMBERS, OTHERS
from ipseval.estimation.estimators import ESTIMATORS
from ipseval.estimation.invariants import Check, Written

TOLERANCE = 1e-7  # relative to the larger of 1 and the number: the same formula by another library
BY_T = (  # tables whose rows are tested by t with their own df
    *(
        "effects",
        "coefficients",
        "accumulated",
        "achieved",
        "complier_effects",
        "event_study",
        "placebo",
        "specifications",
    ),
    "pooled_effects",
)
BY_NORMAL = ("restricted_mean",)
ENDS = ["ci_low", "ci_high"]


def n_off(found: pd.DataFrame, expected: pd.DataFrame) -> int:
    """Cells that differ, or are known in one table only; the columns are those of ``expected``."""
    x, y = (table[list(expected)].to_numpy(dtype=float) for table in (found, expected))
    off = np.abs(x - y) > TOLERANCE * np.maximum(1, np.abs(y))
    return int((off | (np.isnan(x) != np.isnan(y))).sum())


def rows_hold_together(cohort: Cohort, written: Written) -> Check:
    """Statistic = estimate / std_error, p and interval by t with the row's df (restricted means: by the normal)."""
    chosen = [(name, written[name]) for name in (*BY_T, *BY_NORMAL) if name in written]
    wrong = {name: _n_untrue(cohort, table, name in BY_NORMAL) for name, table in chosen}
    named = ", ".join(f"{name} {n}" for name, n in wrong.items() if n)
    detail = f"{sum(len(table) for _, table in chosen)} rows of {len(chosen)} tables, {named or 'none'} wrong"
    return Check("rows hold together", not named, detail)


def _n_untrue(cohort: Cohort, table: pd.DataFrame, is_normal: bool) -> int:
    """Numbers of a table that do not follow from estimate, std_error and df."""
    from scipy.stats import t

    known = table[table["std_error"].notna()]
    estimate, error = (known[name].astype(float) for name in ("estimate", "std_error"))
    df = np.full(len(known), np.inf) if is_normal else known["df"].astype(float)
    reach = t.ppf((1 + cohort.estimation.confidence_level) / 2, df) * error
    expected = pd.DataFrame({"ci_low": estimate - reach, "ci_high": estimate + reach}, known.index)
    if "statistic" in known:
        is_tested = known["statistic"].notna() if is_normal else pd.Series(True, known.index)
        statistic = (estimate / error).where(is_tested)
        expected = expected.assign(statistic=statistic, p_value=2 * t.sf(statistic.abs(), df))
    return n_off(known, expected)


def effects_are_coefficients(cohort: Cohort, written: Written) -> Check:
    """Effects of the regressions over centres are their terms of assignment; those in members the sum of two terms."""
    effects, coefficients = written["effects"], written["coefficients"]
    linear = [a for a in cohort.analyses if ESTIMATORS[a.estimator].is_linear]
    pooled = [a.name for a in linear if not a.within and a.months != "each"]
    ours = effects[effects["analysis"].isin(pooled) & (effects["status"] == "estimated")].astype({"centre": str})
    kind = np.where(ours["subgroup"] == DIFFERENCE, terms.SUBGROUP, terms.ASSIGNED)
    centre = ours["centre"].where(ours["centre"] != ALL, "")
    key = pd.MultiIndex.from_arrays([ours["analysis"], kind, ours["arm"], centre, ours["variance"]])
    of_effects = coefficients[coefficients["kind"].isin([terms.SUBGROUP, terms.ASSIGNED])].fillna({"centre": ""})
    known = of_effects.set_index(["analysis", "kind", "arm", "centre", "variance"])[["estimate", "std_error", "df"]]
    listed = ((ours["subgroup"] != MEMBERS) & ours["variance"].isin(cohort.estimation.variances)).to_numpy()
    wrong = n_off(ours[listed], known.reindex(key[listed]))
    of_side = ours.set_index(["analysis", "arm", "variance", "subgroup"])["estimate"].astype(float)
    sides = of_side.drop(ALL, level="subgroup", errors="ignore").unstack("subgroup")
    if {MEMBERS, OTHERS, DIFFERENCE} <= set(sides):
        sides = sides.dropna()
        wrong += n_off(sides, (sides[OTHERS] + sides[DIFFERENCE]).to_frame(MEMBERS))
    return Check("effects are coefficients", wrong == 0, f"{len(ours)} effects, {wrong} numbers differ")


def bands_are_effects(cohort: Cohort, written: Written) -> Check:
    """Bands stand around the monthly effects (cr1), as wide as their critical value says."""
    bands = written["bands"]
    estimate, reach = (bands[name].astype(float) for name in ("estimate", "critical_value"))
    reach = reach * bands["std_error"].astype(float)
    wrong = n_off(bands, pd.DataFrame({"band_low": estimate - reach, "band_high": estimate + reach}))
    key = ["analysis", "arm", "month"]
    effects = written["effects"].query(
        "variance == 'cr1' and centre == @ALL and subgroup == @ALL", local_dict={"ALL": ALL}
    )
    effects = effects[effects["status"] == "estimated"].rename(columns={"month_from": "month"})
    if "cr1" in cohort.estimation.variances:
        both = bands.merge(effects, on=key, how="left", suffixes=("", "_effect"), validate="one_to_one")
        wrong += n_off(both, both[["estimate_effect", "std_error_effect"]].set_axis(["estimate", "std_error"], axis=1))
        fewest = both[["n_assigned", "n_control"]].min(axis=1)
        many = both[fewest >= cohort.estimation.min_persons_for_stars]  # else the effect has df of its own
        wrong += n_off(many, many[["ci_low_effect", "ci_high_effect"]].set_axis(ENDS, axis=1))
    return Check("bands are around the effects", wrong == 0, f"{len(bands)} rows, {wrong} numbers differ")


def centres_are_effects(cohort: Cohort, written: Written) -> Check:
    """Effects of the centres are those of the effect table; weights, shrunken effects follow from them."""
    if "centre_effects" not in written:
        return Check("centres are effects", True, "no synthesis")
    centres = written["centre_effects"]
    key = ["analysis", "arm", "centre", "variance"]
    effects = written["effects"]
    effects = effects[effects["subgroup"] == ALL].astype({"centre": str}).drop_duplicates(key).set_index(key)
    theirs = effects.reindex(pd.MultiIndex.from_frame(centres.astype({"centre": str})[key])).set_axis(centres.index)
    wrong = n_off(centres, theirs[["estimate", "std_error", *ENDS, "n_assigned", "n_control"]].astype(float))
    for _, rows, spread in _pooled(written):
        variance = rows["std_error"].astype(float) ** 2
        tau2 = float(spread["tau"]) ** 2 if len(rows) > 1 else 0.0
        precision, random, share = 1 / variance, 1 / (variance + tau2), tau2 / (tau2 + variance)
        mean = (random * rows["estimate"]).sum() / random.sum()
        expected = {"weight_precision": precision / precision.sum(), "weight_random": random / random.sum()}
        expected["shrunken"] = share * rows["estimate"] + (1 - share) * mean
        wrong += n_off(rows, pd.DataFrame(expected))
    return Check("centres are effects", wrong == 0, f"{len(centres)} rows, {wrong} numbers differ")


def _pooled(written: Written) -> list[tuple[tuple[str, str], pd.DataFrame, pd.Series]]:
    """Of each analysis and arm: its key, the centres that are pooled, and its row of the heterogeneity."""
    centres = written["centre_effects"]
    pooled = centres[centres["status"] == "estimated"]
    spread = written["heterogeneity"].set_index(["analysis", "arm"])
    groups = pooled.groupby(["analysis", "arm"], sort=False)
    return [(cast(tuple[str, str], key), rows, spread.loc[cast(Any, key)]) for key, rows in groups]


def centres_are_pooled(cohort: Cohort, written: Written) -> Check:
    """Cochran's Q, I2, the random-effects mean with its intervals, and means by weight, from the centres' effects."""
    if "heterogeneity" not in written:
        return Check("centres are pooled", True, "no synthesis")
    spread, means = written["heterogeneity"], written["pooled_effects"].set_index(["analysis", "arm", "weighting"])
    wrong, several = 0, 0
    for key, rows, row in _pooled(written):
        wrong += int(row["n_centres"] != len(rows))
        estimate, variance = rows["estimate"].to_numpy(dtype=float), rows["std_error"].to_numpy(dtype=float) ** 2
        n = rows[["n_assigned", "n_control"]].to_numpy(dtype=float)
        weights = {"precision": 1 / variance, "overlap": n.prod(axis=1) / n.sum(axis=1), "centres": np.ones(len(rows))}
        found = {name: (w @ estimate / w.sum(), len(rows)) for name, w in weights.items()}
        index = [(*key, name) for name in found]
        wrong += n_off(means.loc[index], pd.DataFrame(found.values(), columns=["estimate", "n_centres"]))
        if len(rows) > 1:
            several += 1
            expected = _spread(cohort, estimate, variance, row)
            wrong += n_off(row.to_frame().T, pd.DataFrame([expected]))
            random = {"estimate": row["pooled"], "std_error": row["std_error"], "df": len(rows) - 1}
            wrong += n_off(means.loc[[(*key, "random_effects")]], pd.DataFrame([random]))
    wrong += int((spread["n_centres"] >= 2).sum() != several)
    return Check("centres are pooled", wrong == 0, f"{len(spread)} rows, {wrong} numbers differ")


def _spread(cohort: Cohort, estimate: np.ndarray, variance: np.ndarray, row: pd.Series) -> dict[str, float]:
    """What a row of the heterogeneity says, given its tau and its factor of Knapp and Hartung."""
    from scipy.stats import chi2, f, t

    k, level, tau2 = len(estimate), cohort.estimation.confidence_level, float(row["tau"]) ** 2

    def q_of(tau2: float) -> tuple[float, float, float]:
        w = 1 / (variance + tau2)
        mean = float(w @ estimate / w.sum())
        return float(w @ (estimate - mean) ** 2), mean, float(w.sum())

    q, (q_random, mean, total) = q_of(0.0)[0], q_of(tau2)
    plain = np.sqrt(q_random / (k - 1))
    factor = max(plain, 1.0) if cohort.synthesis.knapp_hartung == "at_least_one" else plain
    error = factor / np.sqrt(total)
    reach = t.ppf((1 + level) / 2, k - 1) * error
    further = t.ppf((1 + level) / 2, k - 2) * np.sqrt(tau2 + error**2) if k > 2 else np.nan
    joint = f.sf(float(row["wald_f"]), float(row["wald_df1"]), float(row["wald_df2"]))
    return {
        **{"q": q, "df": k - 1, "p_value": float(chi2.sf(q, k - 1)), "i2": max(0.0, 1 - (k - 1) / q) if q > 0 else 0.0},
        **{"pooled": mean, "std_error": error, "knapp_hartung": factor, "wald_p": float(joint)},
        **{"ci_low": mean - reach, "ci_high": mean + reach},
        **{"prediction_low": mean - further, "prediction_high": mean + further},
    }


ARITHMETIC = (
    rows_hold_together,
    effects_are_coefficients,
    bands_are_effects,
    centres_are_effects,
    centres_are_pooled,
)
