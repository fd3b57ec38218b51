"""Every effect of the contract with both cluster variances, the long way round.

CR1 is statsmodels' own; CR2 and its Satterthwaite degrees of freedom follow Bell and McCaffrey
(2002) literally: the full hat matrix of all person-months, one matrix root a person.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import statsmodels.api as sm
from scipy import stats

from oracle import COVARIATES

MODELS = {f"table5_model_{n}": COVARIATES[: n + 1] for n in (1, 2, 3)}
MODELS["pooled"] = COVARIATES[:2]
NO_VARIATION_BELOW = 1e-10
EIGENVALUE_IS_ZERO_BELOW = 1e-9


@dataclass(frozen=True)
class Fit:
    """Estimates by term and (standard error, df) by term and variance; or the terms without any."""

    estimates: dict[str, float]
    errors: dict[str, dict[str, tuple[float, float]]]
    unidentified: list[str]


def independent(columns: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Columns that are no combination of those before them."""
    kept: dict[str, np.ndarray] = {}
    for name, column in columns.items():
        left = column
        if kept:
            matrix = np.column_stack(list(kept.values()))
            left = column - matrix @ np.linalg.lstsq(matrix, column, rcond=None)[0]
        if np.linalg.norm(left) > 1e-8 * max(np.linalg.norm(column), 1e-300):
            kept[name] = column
    return kept


def not_identified(columns: dict[str, np.ndarray], kept: dict[str, np.ndarray]) -> list[str]:
    """Dropped columns, and the effects of assignment that they could stand in for."""
    names, matrix = list(kept), np.column_stack(list(kept.values()) or [np.empty((0, 0))])
    found = [name for name in columns if name not in kept]
    for name in list(found):
        shares = np.linalg.lstsq(matrix, columns[name], rcond=None)[0] if names else []
        aliases = [other for other, share in zip(names, shares, strict=True) if abs(share) > 1e-8]
        found += [other for other in aliases if other.startswith("assigned")]
    return found


def inverse_root(matrix: np.ndarray) -> np.ndarray:
    """Symmetric pseudo-inverse square root."""
    values, vectors = np.linalg.eigh(matrix)
    roots = [0.0 if v < EIGENVALUE_IS_ZERO_BELOW else v**-0.5 for v in values]
    return vectors @ np.diag(roots) @ vectors.T


def bell_mccaffrey(x: np.ndarray, residual: np.ndarray, person: np.ndarray) -> list[tuple[float, float]]:
    """CR2 standard error and Satterthwaite df of each column, by the full hat matrix."""
    bread = np.linalg.inv(x.T @ x)
    leftover = np.eye(len(x)) - x @ bread @ x.T
    scores, directions = [], []
    for key in pd.unique(person):
        rows = np.flatnonzero(person == key)
        weight = inverse_root(leftover[np.ix_(rows, rows)]) @ x[rows] @ bread
        scores.append(weight.T @ residual[rows])
        directions.append(leftover[:, rows] @ weight)
    errors = np.sqrt((np.array(scores) ** 2).sum(axis=0))
    answer = []
    for column, error in enumerate(errors):
        g = np.column_stack([direction[:, column] for direction in directions])
        gram = g.T @ g  # its trace is the sum of the eigenvalues, its norm that of their squares
        df = np.trace(gram) ** 2 / max((gram**2).sum(), 1e-300)
        answer.append((float(error), float(df)))
    return answer


def is_zero(x: np.ndarray, residual: np.ndarray, person: np.ndarray) -> np.ndarray:
    """Whether no person's residuals move a coefficient; a sandwich product only comes near zero."""
    effect_of_row = np.linalg.inv(x.T @ x) @ x.T * residual
    moved = [effect_of_row[:, person == key].sum(axis=1) for key in pd.unique(person)]
    return np.abs(moved).max(axis=0) < NO_VARIATION_BELOW


def fit(sample: pd.DataFrame, columns: dict[str, np.ndarray]) -> Fit:
    """OLS with both variances clustered on person."""
    kept = independent(columns)
    unidentified = not_identified(columns, kept)
    if len(sample) <= len(kept) or sample["person"].nunique() < 2:
        return Fit({}, {}, unidentified)
    x, person = np.column_stack(list(kept.values())), pd.factorize(sample["person"])[0]
    clusters = {"groups": person, "use_correction": True, "df_correction": True}
    model = sm.OLS(sample["y"].to_numpy(), x)
    result = model.fit(cov_type="cluster", cov_kwds=clusters, use_t=True)
    variances = np.where(is_zero(x, np.asarray(result.resid), person), 0, np.diag(result.cov_params()))
    df = float(person.max())
    errors = {
        "cr1": {name: (v**0.5, df) for name, v in zip(kept, variances.tolist(), strict=True)},
        "cr2": dict(zip(kept, bell_mccaffrey(x, np.asarray(result.resid), person), strict=True)),
    }
    return Fit(dict(zip(kept, map(float, result.params), strict=True)), errors, unidentified)


def inference(fitted: Fit, term: str, variance: str) -> dict[str, Any]:
    """Estimate, error, t test and interval of a term, or the reason why there is none."""
    if term in fitted.unidentified:
        return {"status": "collinear"}
    if not fitted.errors:
        return {"status": "saturated"}
    if not fitted.errors:
        return {"status": "saturated"}
    error, df = fitted.errors.get(variance, {}).get(term, (0.0, 0.0))
    if error < NO_VARIATION_BELOW:
        return {"status": "no_variation"}
    estimate = fitted.estimates[term]
    t, half = estimate / error, stats.t.ppf(0.975, df) * error
    return {"status": "estimated", "estimate": estimate, "std_error": error, "df": df} | {
        "statistic": t, "p_value": 2 * stats.t.sf(abs(t), df),
        "ci_low": estimate - half, "ci_high": estimate + half,
    }  # fmt: skip


# --- the analyses of the contract --------------------------------------------------------------


def dummies(values: pd.Series, name: str, levels: Iterable[Any]) -> dict[str, np.ndarray]:
    """An explicit 0/1 column for each level."""
    return {f"{name}[{level}]": (values == level).to_numpy(float) for level in levels}


def calendar_columns(sample: pd.DataFrame) -> dict[str, np.ndarray]:
    """Calendar year and calendar month; the lowest year and January are the base."""
    year, month = sample["calendar"] // 12, sample["calendar"] % 12 + 1
    return dummies(year, "calendar_year", sorted(set(year))[1:]) | dummies(
        month, "calendar_month", sorted(set(month) - {1})
    )


def assigned_columns(sample: pd.DataFrame, config: dict[str, Any], by_centre: bool) -> dict[str, np.ndarray]:
    """Arm dummies, or arm by centre without the centres that lack one of the two arms."""
    columns = {}
    for arm in config["arms"]["treatments"]:
        is_arm = (sample["arm"] == arm).to_numpy(float)
        if not by_centre:
            columns[f"assigned[{arm}]"] = is_arm
            continue
        for centre in map(str, config["centres"]):
            here = sample[sample["centre"] == centre]
            if {arm, config["arms"]["reference"]} <= set(here["arm"]):
                inside = (sample["centre"] == centre).to_numpy(float)
                columns[f"assigned[{arm}]:centre[{centre}]"] = is_arm * inside
    return columns


def effect_rows(
    analysis: str, sample: pd.DataFrame, columns: dict[str, np.ndarray], config: dict[str, Any],
    centre: str, months: tuple[int, int], terms: dict[str, str], fitted: Fit | None = None,
) -> list[dict[str, Any]]:  # fmt: skip
    """Rows of one regression for a centre (or all): an arm and a variance each."""
    reference, minimum = config["arms"]["reference"], config.get("min_persons_per_arm", 2)
    here = sample if centre == "all" else sample[sample["centre"] == centre]
    persons = {arm: here[here["arm"] == arm]["person"].nunique() for arm in [*terms, reference]}
    mean_control, rows = here[here["arm"] == reference]["y"].mean(), []
    fitted = fitted or fit(sample, columns)
    for arm, term in terms.items():
        reason = "too_few_control" if persons[reference] < minimum else None
        reason = "too_few_assigned" if persons[arm] < minimum else reason
        reason = "no_observations" if sample.empty else reason
        row = {"analysis": analysis, "centre": centre, "arm": arm, "mean_control": mean_control}
        row |= {"month_from": months[0], "month_to": months[1], "n_assigned": persons[arm]}
        row |= {"n_control": persons[reference], "n_obs": len(sample)}
        for variance in ("cr1", "cr2"):
            found = {"status": reason} if reason else inference(fitted, term, variance)
            rows.append(row | {"variance": variance} | found)
    return rows


def terms_of(config: dict[str, Any]) -> dict[str, str]:
    """The term of every treatment in a regression without centre interactions."""
    return {arm: f"assigned[{arm}]" for arm in config["arms"]["treatments"]}


def intercept(sample: pd.DataFrame) -> dict[str, np.ndarray]:
    """The column of ones."""
    return {"intercept": np.ones(len(sample))}


def adjusted_columns(
    sample: pd.DataFrame, config: dict[str, Any], names: Iterable[str], with_calendar: bool
) -> dict[str, np.ndarray]:
    """Everything but assignment: intercept, centre, covariates, calendar."""
    centres = list(map(str, config["centres"]))[1:]
    columns = intercept(sample) | dummies(sample["centre"], "centre", centres)
    columns |= {name: sample[name].to_numpy(float) for name in names}
    return columns | (calendar_columns(sample) if with_calendar else {})


def within_centres(long: pd.DataFrame, config: dict[str, Any]) -> list[dict[str, Any]]:
    """`centre_unadjusted` and `by_centre_month`: regressions on one centre at a time."""
    before, after = config["window"]["before"], config["window"]["after"]
    terms, rows = terms_of(config), []
    for centre in map(str, config["centres"]):
        inside = long[long["centre"] == centre]
        sample = inside[inside["month"] >= 0]
        columns = intercept(sample)
        columns |= dummies(sample["month"], "month", sorted(set(sample["month"]))[1:])
        columns |= assigned_columns(sample, config, False)
        rows += effect_rows("centre_unadjusted", sample, columns, config, centre, (0, after), terms)
        for k in range(-before, after + 1):
            cell = inside[inside["month"] == k]
            columns = intercept(cell) | assigned_columns(cell, config, False)
            rows += effect_rows("by_centre_month", cell, columns, config, centre, (k, k), terms)
    return rows


def by_month(long: pd.DataFrame, config: dict[str, Any]) -> list[dict[str, Any]]:
    """One regression a month over all centres."""
    before, after = config["window"]["before"], config["window"]["after"]
    names, rows = [name for name in COVARIATES[:2] if name in long], []
    for k in range(-before, after + 1):
        cell = long[long["month"] == k].dropna(subset=names)
        columns = adjusted_columns(cell, config, names, False)
        columns |= assigned_columns(cell, config, False)
        rows += effect_rows("by_month", cell, columns, config, "all", (k, k), terms_of(config))
    return rows


def pooled_over_months(
    analysis: str, long: pd.DataFrame, config: dict[str, Any]
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Effects and coefficients of a table 5 model, or of `pooled`."""
    names = [name for name in MODELS[analysis] if name in long]
    sample, by_centre = long[long["month"] >= 0].dropna(subset=names), analysis != "pooled"
    columns = adjusted_columns(sample, config, names, True)
    columns |= assigned_columns(sample, config, by_centre)
    fitted, effects, months = fit(sample, columns), [], (0, config["window"]["after"])
    for centre in map(str, config["centres"]) if by_centre else ["all"]:
        suffix = f":centre[{centre}]" if by_centre else ""
        terms = {arm: term + suffix for arm, term in terms_of(config).items()}
        effects += effect_rows(analysis, sample, columns, config, centre, months, terms, fitted)
    row = {"analysis": analysis, "n_obs": len(sample), "n_persons": sample["person"].nunique()}
    coefficients = [
        row | {"term": term, "variance": variance} | inference(fitted, term, variance)
        for term in columns
        for variance in ("cr1", "cr2")
    ]
    return effects, coefficients


def table_of(rows: list[dict[str, Any]]) -> pd.DataFrame:
    """Rows as a table that has every column of numbers, be they all empty."""
    names = ["estimate", "std_error", "df", "statistic", "p_value", "ci_low", "ci_high"]
    return pd.DataFrame([dict.fromkeys(names, np.nan) | row for row in rows])


def evaluate(long: pd.DataFrame, config: dict[str, Any]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Every effect, and every coefficient of the pooled models, of section 4 of the contract.

    A model whose own covariate the cohort does not have has no rows.
    """
    effects, coefficients = [*within_centres(long, config), *by_month(long, config)], []
    for analysis, names in MODELS.items():
        if set(names[2:]) <= set(long):
            more_effects, more_coefficients = pooled_over_months(analysis, long, config)
            effects += more_effects
            coefficients += more_coefficients
    return table_of(effects), table_of(coefficients)
