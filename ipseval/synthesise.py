"""Stage synthesise: the effects of the centres together: how much they differ, their mean, what could be detected."""

from typing import Any

import numpy as np
import pandas as pd

from ipseval.config import Cohort
from ipseval.estimation import heterogeneity
from ipseval.estimation.caveats import NOT_HELD, UNLIKE
from ipseval.estimation.centres import ESTIMATED, Centres, by_centre
from ipseval.estimation.heterogeneity import Interval, RandomEffects, minimum_detectable
from ipseval.estimation.joint import JOINT_TESTS, contrast_error, equal_effects
from ipseval.places.organisation import ANALYSIS, TEST_COLUMNS, organisation_tests

BELOW_KNOWN = 1e-6  # share by which an error is below another, and not by rounding
RANDOM_EFFECTS = "random_effects"  # the weighting whose error allows for differences between centres

# fmt: off
HETEROGENEITY_COLUMNS = [
    "analysis", "arm", "n_centres", "q", "df", "p_value", "i2", "tau", "tau_low", "tau_high", "pooled", "std_error",
    "ci_low", "ci_high", "prediction_low", "prediction_high", "wald_f", "wald_df1", "wald_df2", "wald_p",
    "tau_estimator", "n_left_out", "note", "knapp_hartung", "joint_test", "variance",
]
CENTRE_COLUMNS = [
    "analysis", "arm", "centre", "n_assigned", "n_control", "estimate", "std_error", "weight_precision",
    "weight_random", "shrunken", "shrunken_low", "shrunken_high", "pooled_without", "pooled_without_std_error",
    "status", "ci_low", "ci_high", "minimum_detectable", "variance",
]
POOLED_COLUMNS = [
    "analysis", "arm", "weighting", "estimate", "std_error", "ci_low", "ci_high", "n_centres", "df",
    "minimum_detectable", "variance",
]
# fmt: on
Row = dict[str, Any]


def synthesise(
    cohort: Cohort, people: pd.DataFrame, panel: pd.DataFrame, effects: pd.DataFrame
) -> dict[str, pd.DataFrame]:
    """Heterogeneity, pooled effects and shrunken effects of every analysis with effects by centre.

    Parameters
    ----------
    cohort : Cohort
    people, panel : DataFrame
        As for :func:`ipseval.estimate.estimate`.
    effects : DataFrame
        What it made of them, at full precision.

    Returns
    -------
    dict
        ``heterogeneity``: one row an analysis and arm. ``centre_effects``: one row a centre of it.
        ``pooled_effects``: one row a weighting of it. ``organisation_tests``: one row a comparison of two groups of
        centres and arm.
    """
    spread: list[Row] = []
    by_weighting: list[Row] = []
    each: list[pd.DataFrame] = []
    grouped: list[Row] = []
    for centres in by_centre(cohort, people, panel, effects):
        estimate, variance = centres.estimate, centres.variance
        tau2 = heterogeneity.tau_squared(cohort.synthesis.tau, estimate, variance)
        mean = heterogeneity.random_effects(estimate, variance, tau2, cohort.synthesis.knapp_hartung)
        same = {"analysis": centres.analysis, "arm": centres.arm, "variance": cohort.pooled_variance}
        spread.append(same | _heterogeneity(cohort, centres, mean))
        by_weighting += [same | row for row in _pooled_effects(cohort, centres, mean)]
        each.append(_centre_effects(cohort, centres, mean))
        if centres.analysis == ANALYSIS:
            effects_of = dict(zip(centres.pooled["centre"], map(float, estimate), strict=True))
            grouped += organisation_tests(cohort, centres.arm, effects_of)
    every = pd.concat(each, ignore_index=True) if each else pd.DataFrame(columns=CENTRE_COLUMNS)
    return {
        "heterogeneity": pd.DataFrame(spread, columns=HETEROGENEITY_COLUMNS),
        "centre_effects": every[CENTRE_COLUMNS],
        "pooled_effects": pd.DataFrame(by_weighting, columns=POOLED_COLUMNS),
        "organisation_tests": pd.DataFrame(grouped, columns=TEST_COLUMNS).astype(
            dict.fromkeys(("n_as_large", "n_assignments"), "Int64")
        ),
    }


def _heterogeneity(cohort: Cohort, centres: Centres, mean: RandomEffects) -> Row:
    """The row of an analysis and arm; counts and the note only when there are no two centres to pool."""
    k, chosen = mean.n_centres, cohort.synthesis
    row: Row = {
        "n_centres": k,
        "tau_estimator": chosen.tau,
        "joint_test": chosen.joint_test,
        "n_left_out": len(centres.rows) - k,
    }
    if k < 2:
        return row | {"note": "; ".join(["fewer than two centres to pool", *_left_out(centres)])}
    level = cohort.estimation.confidence_level
    test = heterogeneity.cochran(centres.estimate, centres.variance)
    tau2 = heterogeneity.q_profile(centres.estimate, centres.variance, level)
    joint = JOINT_TESTS[chosen.joint_test](centres.parts(equal_effects(k, range(k))))
    notes = [
        "no prediction interval with fewer than three centres" if k == 2 else "",
        "no joint test: too few persons, or too many centres" if np.isnan(joint.p_value) else "",
        "Knapp-Hartung factor below 1" if mean.factor < 1 - 1e-6 else "",
        *_left_out(centres),
        *_caveats(centres),
    ]
    return {
        **row,
        **{"q": test.q, "df": test.df, "p_value": test.p_value, "i2": test.i2},
        **{"tau": np.sqrt(mean.tau2), "tau_low": np.sqrt(tau2[0]), "tau_high": np.sqrt(tau2[1])},
        **{"pooled": mean.mean, "std_error": mean.std_error, "knapp_hartung": mean.factor},
        **_ends("ci", mean.interval(level)),
        **_ends("prediction", mean.prediction(level)),
        **{"wald_f": joint.f, "wald_df1": joint.df1, "wald_df2": joint.df2, "wald_p": joint.p_value},
        "note": "; ".join(filter(None, notes)),
    }


def _ends(name: str, interval: Interval) -> Row:
    return {f"{name}_low": interval[0], f"{name}_high": interval[1]}


def _left_out(centres: Centres) -> list[str]:
    """Which centres are not pooled, and why."""
    left = centres.rows[centres.rows["status"] != ESTIMATED]
    named = [f"{centre} ({status})" for centre, status in zip(left["centre"], left["status"], strict=True)]
    return [f"not pooled: {', '.join(named)}"] if named else []


def _caveats(centres: Centres) -> list[str]:
    """What the effects that are pooled compare besides the arms."""
    notes = centres.pooled["note"].astype("string").fillna("").str
    return [text for text in (NOT_HELD, UNLIKE) if notes.contains(text, regex=False).any()]


def _centre_effects(cohort: Cohort, centres: Centres, mean: RandomEffects) -> pd.DataFrame:
    """A row a centre; what comes of pooling is missing where a centre is not pooled."""
    estimate, variance = centres.estimate, centres.variance
    level, power = cohort.estimation.confidence_level, cohort.synthesis.power
    shrunken = heterogeneity.shrunken(estimate, variance, mean, level)
    without = heterogeneity.leave_one_out(estimate, variance, cohort.synthesis.tau, cohort.synthesis.knapp_hartung)
    precision, random = 1 / variance, 1 / (variance + mean.tau2)
    of_pooled = {
        "weight_precision": precision / precision.sum(),
        "weight_random": random / random.sum(),
        "shrunken": shrunken.estimate,
        "shrunken_low": shrunken.low,
        "shrunken_high": shrunken.high,
        "pooled_without": [rest.mean for rest in without],
        "pooled_without_std_error": [rest.std_error for rest in without],
    }
    rows = centres.rows[["std_error", "df"]].where(centres.rows["status"] == ESTIMATED)  # of few persons none is known
    numbers = zip(rows["std_error"], rows["df"], strict=True)
    detectable = [minimum_detectable(float(error), float(df), power, level) for error, df in numbers]
    found = pd.DataFrame(of_pooled, index=centres.pooled.index, dtype=float).reindex(centres.rows.index)
    named = centres.rows.assign(analysis=centres.analysis, arm=centres.arm, minimum_detectable=detectable)
    return pd.concat([named, found], axis=1)


def _pooled_effects(cohort: Cohort, centres: Centres, mean: RandomEffects) -> list[Row]:
    """A row a weighting: fixed weights, with the covariance of the effects, and random effects."""
    counts = [centres.pooled[column].to_numpy(dtype=float) for column in ("n_assigned", "n_control", "n_persons")]
    sizes = heterogeneity.Sizes(centres.variance, *counts)
    found = {RANDOM_EFFECTS: (mean.mean, mean.std_error, float(mean.n_centres - 1))}
    for name in heterogeneity.WEIGHTS:
        w = heterogeneity.weights(name, sizes)
        error = contrast_error(centres.parts(w[None, :]), cohort.pooled_variance) if len(w) else (np.nan, np.nan)
        found[name] = (float(w @ centres.estimate) if len(w) else np.nan, *error)
    known = 1 / np.sqrt((1 / centres.variance).sum()) if mean.n_centres else np.nan
    same = {"n_centres": mean.n_centres}
    return [{"weighting": name} | same | _tested(cohort, *found[name], known) for name in found]


def _tested(cohort: Cohort, estimate: float, std_error: float, df: float, known: float) -> Row:
    """An estimate with its interval and the effect that it would have detected.

    No mean of the centres has a smaller error than the one with weights of precision, were the centres' errors known:
    one that is estimated below it (``knapp_hartung: plain``) tells by chance, and no effect is detectable by chance.
    """
    level, power = cohort.estimation.confidence_level, cohort.synthesis.power
    numbers = {"estimate": estimate, "std_error": std_error, "df": df if df > 0 else np.nan}
    is_below = std_error < known * (1 - BELOW_KNOWN)
    detectable = np.nan if is_below else minimum_detectable(std_error, df, power, level)
    return (
        numbers | _ends("ci", heterogeneity.around(estimate, std_error, df, level)) | {"minimum_detectable": detectable}
    )
