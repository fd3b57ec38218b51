"""Stage estimate: every analysis to one tidy table of effects, and the coefficients of the pooled regressions."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from ipseval.config import Analysis, Cohort
from ipseval.design import ALL, Design, Effect, Periods, design, periods
from ipseval.multiplicity import holm
from ipseval.panel import outcome_matrix
from ipseval.regression import Fit, Sample, fit
from ipseval.variance import VARIANCES, Variance

OUTCOME = "ordinary_employment"
ESTIMATOR = "ols"
NO_ERROR = 1e-10  # a standard error of a share below this is zero but for rounding

# fmt: off
EFFECT_COLUMNS = [
    "cohort", "analysis", "outcome", "estimator", "subgroup", "centre", "month_from", "month_to", "arm",
    "reference_arm", "n_assigned", "n_control", "n_obs", "mean_control", "estimate", "std_error", "df", "statistic",
    "p_value", "ci_low", "ci_high", "p_adjusted", "adjustment", "variance", "status", "note",
]
COEFFICIENT_COLUMNS = [
    "cohort", "analysis", "term", "estimate", "std_error", "df", "statistic", "p_value", "ci_low", "ci_high",
    "variance", "n_obs", "n_persons", "status",
]
# fmt: on
Row = dict[str, Any]
ASSIGNED = "assigned["  # what the terms of effects begin with
COUNTS = ["month_from", "month_to", "n_assigned", "n_control", "n_obs"]


@dataclass(frozen=True)
class Regression:
    """One regression: its analysis, window, centre (or ``all``), design and sample (``persons``: rows of people)."""

    analysis: Analysis
    months: tuple[int, int]
    centre: str
    design: Design
    persons: np.ndarray
    arm: np.ndarray
    at: np.ndarray
    time: Periods


@dataclass(frozen=True)
class Fitted:
    """A fit, the terms that are in it (length K) and its variances by name."""

    fit: Fit
    terms: tuple[str, ...]
    variances: dict[str, Variance]

    def is_tied(self, term: str) -> bool:
        """Whether a column that was left out is a combination of this one and others."""
        return bool(self.fit.is_tied[self.terms.index(term)])

    def std_error(self, variance: str, term: str) -> float:
        """Standard error of a term under a variance."""
        return float(self.variances[variance].std_error[self.terms.index(term)])


def analysed_months(cohort: Cohort, people: pd.DataFrame, panel: pd.DataFrame) -> tuple[pd.DataFrame, np.ndarray]:
    """The analysed persons, and their outcome in every month of the window (int8, persons x months, -1 missing)."""
    analysed = people[people["is_analysed"]].reset_index(drop=True)
    return analysed, outcome_matrix(panel, OUTCOME, pd.Index(analysed["person_id"]), cohort.window.months)


def estimate(cohort: Cohort, people: pd.DataFrame, panel: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Estimate every analysis of a cohort.

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
        ``effects``: one row an analysis, centre, month, arm and variance. ``coefficients``: one row a term
        and variance of the regressions pooled over centres and months.

    Raises
    ------
    KeyError
        The configuration names a variance that is not in ``VARIANCES``.
    """
    analysed, states = analysed_months(cohort, people, panel)
    effects, coefficients = [], []
    for analysis in cohort.analyses:
        for regression in regressions(cohort, analysis, analysed, states):
            rows, terms = estimate_one(cohort, regression)
            effects += rows
            coefficients += terms
    table = pd.DataFrame(effects, columns=EFFECT_COLUMNS).astype(dict.fromkeys(COUNTS, "int64"))
    table["p_adjusted"] = _over_centres(table)
    return {
        "effects": table,
        "effects_parquet": table,
        "coefficients": pd.DataFrame(coefficients, columns=COEFFICIENT_COLUMNS),
    }


def regressions(cohort: Cohort, analysis: Analysis, people: pd.DataFrame, states: np.ndarray) -> Iterator[Regression]:
    """The regressions of an analysis, centre by centre and month by month."""
    month_0 = people["randomised_on"].to_numpy().astype("datetime64[M]").astype("int64")
    for centre in cohort.centres if analysis.within else [ALL]:
        here = ((people["centre"] == centre) | (centre == ALL)).to_numpy()
        whole = design(cohort, analysis, people[here], centre)
        arm, at = people.loc[here, "arm"].to_numpy(), people.loc[here, "centre"].to_numpy()
        for months in analysis.windows(cohort.window):
            columns = np.arange(months[0], months[1] + 1)
            chosen = states[np.ix_(here, columns + cohort.window.before)]
            used = whole.complete & (chosen >= 0).any(axis=1)
            sample = Design(whole.terms, whole.X[used], whole.effects, whole.left_out)
            time = periods(analysis, chosen[used], columns, month_0[here][used])
            persons = np.flatnonzero(here)[used]
            yield Regression(analysis, months, centre, sample, persons, arm[used], at[used], time)


def estimate_one(cohort: Cohort, this: Regression) -> tuple[list[Row], list[Row]]:
    """Rows of effects and, for regressions pooled over centres and months, of coefficients."""
    counts = {effect: _counts(cohort, this, effect) for effect in this.design.effects}
    status = {effect: _cell_status(cohort, this, n) for effect, n in counts.items()}
    fitted = fit_regression(cohort, this)
    if fitted:
        status = {e: _fit_status(s, e.term, fitted) for e, s in status.items()}
    effects = [
        _row(cohort, this, effect, variance, status[effect])
        | counts[effect]
        | (_numbers(cohort, fitted, variance, effect.term) if fitted and status[effect] == "estimated" else {})
        for effect in this.design.effects
        for variance in cohort.estimation.variances
    ]
    pooled = this.centre == ALL and this.analysis.months != "each"
    by_term = {effect.term: s for effect, s in status.items()}
    return effects, _coefficient_rows(cohort, this, by_term, fitted) if pooled else []


def fit_regression(cohort: Cohort, this: Regression) -> Fitted | None:
    """Fit without the effects of arms that lack persons; None when no effect has enough of them."""
    counts = {effect: _counts(cohort, this, effect) for effect in this.design.effects}
    if not any(_cell_status(cohort, this, n) == "estimated" for n in counts.values()):
        return None
    absent = {e.term for e, n in counts.items() if not (n["n_assigned"] and n["n_control"])}
    return _fit(cohort, this.design.without(absent), this.time)


def _fit(cohort: Cohort, used: Design, time: Periods) -> Fitted:
    """Fit with assigned terms tested last for collinearity."""
    terms = (*used.terms, *time.terms)
    found = fit(Sample(used.X, time.D, time.Y, time.O), assigned_last(terms))
    variances = {name: VARIANCES[name](found) for name in cohort.estimation.variances}
    return Fitted(found, tuple(terms[j] for j in found.kept), variances)


def assigned_last(terms: tuple[str, ...]) -> np.ndarray:
    """Positions of the terms, those of assigned last."""
    return np.argsort([term.startswith(ASSIGNED) for term in terms], kind="stable")


def _lacking(this: Regression) -> tuple[str, ...]:
    """Covariates without which the analysis is not done."""
    return tuple(name for name in this.analysis.requires if name in this.design.left_out)


def _counts(cohort: Cohort, this: Regression, effect: Effect) -> Row:
    """Persons in the arm and in the reference arm (of the effect's centre), person-months, control mean."""
    here = (this.at == effect.centre) | (effect.centre == ALL)
    control = here & (this.arm == cohort.arms.reference)
    months = int(this.time.O[control].sum())
    return {
        "n_assigned": int((here & (this.arm == effect.arm)).sum()),
        "n_control": int(control.sum()),
        "n_obs": int(this.time.O.sum()),
        "mean_control": float(this.time.Y[control].sum() / months) if months else np.nan,
    }


def _cell_status(cohort: Cohort, this: Regression, n: Row) -> str:
    """Status of an effect as far as counts decide."""
    least = cohort.estimation.min_persons_per_arm
    if _lacking(this):
        return "no_covariate"
    if n["n_obs"] == 0:
        return "no_observations"
    if n["n_assigned"] < least:
        return "too_few_assigned"
    return "too_few_control" if n["n_control"] < least else "estimated"


def _fit_status(status: str, term: str, fitted: Fitted) -> str:
    """Status of a term once the regression is fitted."""
    if status != "estimated":
        return status
    if term not in fitted.terms or (term.startswith(ASSIGNED) and fitted.is_tied(term)):
        return "collinear"
    if fitted.fit.sample.n_obs <= len(fitted.terms) or fitted.fit.n_persons < 2:
        return "saturated"
    has_error = all(fitted.std_error(variance, term) > NO_ERROR for variance in fitted.variances)
    return "estimated" if has_error else "no_variation"


def _over_centres(effects: pd.DataFrame) -> pd.Series:
    """Holm's p over the centres of one analysis, window, arm and variance; missing for effects over all centres."""
    family = ["analysis", "outcome", "estimator", "subgroup", "month_from", "month_to", "arm", "variance"]
    adjusted = pd.Series(np.nan, index=effects.index)
    for _, centres in effects[effects["centre"] != ALL].groupby(family, sort=False):
        adjusted[centres.index] = holm(centres["p_value"].to_numpy(dtype=float))
    return adjusted


def _numbers(cohort: Cohort, fitted: Fitted, variance: str, term: str) -> Row:
    """Estimate, standard error, test and interval of a term, with t of the variance's df."""
    j = fitted.terms.index(term)
    estimate, error = float(fitted.fit.b[j]), fitted.std_error(variance, term)
    df = float(fitted.variances[variance].df[j])
    reach = float(stats.t.ppf((1 + cohort.estimation.confidence_level) / 2, df)) * error
    return {
        "estimate": estimate,
        "std_error": error,
        "df": df,
        "statistic": estimate / error,
        "p_value": float(2 * stats.t.sf(abs(estimate / error), df)),
        "ci_low": estimate - reach,
        "ci_high": estimate + reach,
    }


def _row(cohort: Cohort, this: Regression, effect: Effect, variance: str, status: str) -> Row:
    """What an effect is, without its numbers."""
    left_out = this.design.left_out
    return {
        "cohort": cohort.name,
        "analysis": this.analysis.name,
        "outcome": OUTCOME,
        "estimator": ESTIMATOR,
        "subgroup": ALL,
        "centre": effect.centre,
        "month_from": this.months[0],
        "month_to": this.months[1],
        "arm": effect.arm,
        "reference_arm": cohort.arms.reference,
        "adjustment": " + ".join([*(a for a in this.analysis.adjust if a not in left_out), *this.analysis.time])
        or "none",
        "variance": variance,
        "status": status,
        "note": f"not in this cohort: {', '.join(left_out)}" if left_out else "",
    }


def _coefficient_rows(cohort: Cohort, this: Regression, status: dict[str, str], fitted: Fitted | None) -> list[Row]:
    """All terms of a pooled regression; one that is not estimated keeps its row."""
    rows = []
    for term in (*this.design.terms, *this.time.terms):
        state = status.get(term) or (_fit_status("estimated", term, fitted) if fitted else next(iter(status.values())))
        for variance in cohort.estimation.variances:
            label = {"cohort": cohort.name, "analysis": this.analysis.name, "term": term, "variance": variance}
            size = {"n_obs": int(this.time.O.sum()), "n_persons": len(this.arm), "status": state}
            numbers = _numbers(cohort, fitted, variance, term) if fitted and state == "estimated" else {}
            rows.append(label | numbers | size)
    return rows
