"""Stage estimate: every analysis to one tidy table of effects, and the coefficients of the pooled regressions."""

from typing import Any

import numpy as np
import pandas as pd

from ipseval import terms
from ipseval.because import Because, because, notes
from ipseval.config import Cohort
from ipseval.estimation.analyses import Regression, regressions
from ipseval.estimation.caveats import Caveats
from ipseval.estimation.design import ALL, ASSIGNED, DIFFERENCE, MEMBERS, OTHERS, Effect
from ipseval.estimation.distributions import t_ppf, t_sf
from ipseval.estimation.estimator import Fitted
from ipseval.estimation.estimators import ESTIMATORS, variances_of
from ipseval.estimation.multiplicity import holm
from ipseval.panel import months_of_outcomes
from ipseval.registers.categories import refuse_ranges_of_codes

FEW = "an arm has fewer than {n} persons, so that the standard error is hardly known: Satterthwaite degrees of freedom"
SHORT = "somebody is observed in months {first} to {last} only"
NO_ERROR = 1e-10  # a standard error of a share below this is zero but for rounding

# fmt: off
EFFECT_COLUMNS = [
    "cohort", "analysis", "outcome", "estimator", "subgroup", "centre", "month_from", "month_to", "arm",
    "reference_arm", "n_assigned", "n_control", "n_obs", "mean_control", "estimate", "std_error", "df", "statistic",
    "p_value", "ci_low", "ci_high", "p_adjusted", "adjustment", "variance", "status", "note",
    "mean_assigned", "n_assigned_months", "n_control_months", "n_assigned_ever", "n_control_ever",
    "first_month", "last_month", "measure",
]
COEFFICIENT_COLUMNS = [
    "cohort", "analysis", "term", "estimate", "std_error", "df", "statistic", "p_value", "ci_low", "ci_high",
    "variance", "n_obs", "n_persons", "status", *terms.COLUMNS,
]
# fmt: on
Row = dict[str, Any]
SIDES = [f"n_{side}{what}" for what in ("", "_months", "_ever") for side in ("assigned", "control")]
COUNTS = ["month_from", "month_to", "n_obs", *SIDES]
OBSERVED = dict.fromkeys(("first_month", "last_month"), "Int64")


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
    UserError
        A subgroup is a range of a category, or lists levels of a number.
    """
    refuse_ranges_of_codes(cohort, people)
    months = months_of_outcomes(cohort, people, panel)
    reasons = because(panel, months[cohort.outcome.primary][0], cohort.window.months)
    effects, coefficients = [], []
    for analysis in cohort.analyses:
        last: Fitted | None = None
        by_side: dict[tuple[tuple[int, int], str, str, str], str] = {}
        caveats = Caveats(cohort, months[analysis.outcome][0])
        for this in regressions(cohort, analysis, *months[analysis.outcome]):
            status, last = _fitted(cohort, this, last)
            by_side |= {(this.months, e.centre, e.arm, e.subgroup): found for e, found in status.items()}
            status = {e: _status_of_sides(found, this, e, by_side) for e, found in status.items()}
            why = reasons if analysis.outcome == cohort.outcome.primary else None
            effects += _effect_rows(cohort, this, status, last, why, caveats)
            coefficients += _coefficient_rows(cohort, this, status, last) if _is_listed(this) else []
    table = pd.DataFrame(effects, columns=EFFECT_COLUMNS).astype(dict.fromkeys(COUNTS, "int64") | OBSERVED)
    table["p_adjusted"] = _adjusted(table, len(cohort.arms.treatments) > 1)
    return {
        "effects": table,
        "effects_parquet": table,
        "coefficients": pd.DataFrame(coefficients, columns=COEFFICIENT_COLUMNS),
    }


def effect_rows(cohort: Cohort, this: Regression) -> list[Row]:
    """Rows of the effects of a regression: an effect and variance each."""
    return fitted_rows(cohort, this)[0]


def fitted_rows(cohort: Cohort, this: Regression, like: Fitted | None = None) -> tuple[list[Row], Fitted | None]:
    """Rows of the effects of a regression, and its fit; ``like``: that of another outcome on the same columns."""
    status, fitted = _fitted(cohort, this, like)
    return _effect_rows(cohort, this, status, fitted), fitted


def _fitted(cohort: Cohort, this: Regression, like: Fitted | None = None) -> tuple[dict[Effect, str], Fitted | None]:
    """Status of each effect, and the fit where there is one."""
    status = {effect: cell_status(cohort, this, effect) for effect in this.design.effects}
    fitted = fit_regression(cohort, this, like)
    if fitted:
        status = {e: fit_status(s, e.term, fitted, this) for e, s in status.items()}
    return status, fitted


def _status_of_sides(
    status: str, this: Regression, effect: Effect, by_side: dict[tuple[tuple[int, int], str, str, str], str]
) -> str:
    """The status of a difference: that of a side without an estimate, whose error the difference would leave out."""
    if effect.subgroup != DIFFERENCE or status != "estimated":
        return status
    sides = (by_side.get((this.months, effect.centre, effect.arm, side), status) for side in (MEMBERS, OTHERS))
    return next((side for side in sides if side != "estimated"), status)


def _effect_rows(
    cohort: Cohort,
    this: Regression,
    status: dict[Effect, str],
    fitted: Fitted | None,
    why: Because | None = None,
    caveats: Caveats | None = None,
) -> list[Row]:
    rows = []
    for effect in this.design.effects:
        counted, is_few = cell_counts(cohort, this, effect), _has_few_persons(cohort, this, effect)
        seen, arms = _months_seen(cohort, this, effect), (effect.arm, cohort.arms.reference)
        unknown = notes(why.counts(this.months, arms, effect.centre)) if why else []
        for variance in variances_of(cohort, this.analysis.estimator):
            row = _row(cohort, this, effect, variance, status[effect]) | counted | seen
            numbers = {}
            if fitted and status[effect] == "estimated":
                numbers = _numbers(cohort, fitted, variance, effect.term, is_few)
            few = FEW.format(n=cohort.estimation.min_persons_for_stars) if is_few and numbers else ""
            said = caveats.of(this, effect, variance) if caveats and numbers else ()
            rows.append(
                row | numbers | {"note": "; ".join(filter(None, [row["note"], few, _of_window(row), *said, *unknown]))}
            )
    return rows


def _has_few_persons(cohort: Cohort, this: Regression, effect: Effect) -> bool:
    """Whether an arm of an effect, or of one side of a difference, has too few persons for its error to be known."""
    arms = (effect.arm, cohort.arms.reference)
    fewest = min(int((here & (this.arm == arm)).sum()) for here in this.about(effect) for arm in arms)
    return fewest < cohort.estimation.min_persons_for_stars


def _months_seen(cohort: Cohort, this: Regression, effect: Effect) -> Row:
    """First and last month in which somebody whom the effect is about is observed; missing where nobody is."""
    if this.seen is None:
        return dict.fromkeys(OBSERVED, pd.NA)
    whom = np.any(list(_sides(cohort, this, effect).values()), axis=0)
    seen = this.months[0] + np.flatnonzero(this.seen[whom].any(axis=0))
    return {"first_month": int(seen[0]), "last_month": int(seen[-1])} if len(seen) else dict.fromkeys(OBSERVED, pd.NA)


def _of_window(row: Row) -> str:
    """A note where the months that are there are fewer than those that were asked for."""
    first, last = row["first_month"], row["last_month"]
    if first is pd.NA or (first, last) == (row["month_from"], row["month_to"]):
        return ""
    return SHORT.format(first=first, last=last)


def _is_listed(this: Regression) -> bool:
    """Whether all coefficients are listed: of least squares over centres and months, and of a subgroup once."""
    is_pooled = this.centre == ALL and this.analysis.months != "each"
    return is_pooled and ESTIMATORS[this.analysis.estimator].is_linear and this.design.effects[0].subgroup != MEMBERS


def fit_regression(cohort: Cohort, this: Regression, like: Fitted | None = None) -> Fitted | None:
    """Fit without the effects of arms that lack persons; None when no effect has enough of them."""
    if not any(cell_status(cohort, this, effect) == "estimated" for effect in this.design.effects):
        return None
    effects = this.design.effects
    absent = {e.term for e in effects if not all(own.any() for own in _sides(cohort, this, e).values())}
    return ESTIMATORS[this.analysis.estimator].fit(cohort, this, this.design.without(absent), like)


def _lacking(this: Regression) -> tuple[str, ...]:
    """Covariates without which the analysis is not done."""
    of_subgroup = (this.analysis.subgroup.covariate,) if this.analysis.subgroup else ()
    return tuple(name for name in (*this.analysis.requires, *of_subgroup) if name in this.design.left_out)


def cell_counts(cohort: Cohort, this: Regression, effect: Effect) -> Row:
    """Of whom the effect is about, by arm: persons, mean over their months, persons with the outcome in any of them."""
    time = this.time
    counts: Row = {"n_obs": int(time.observed.sum())}
    for side, own in _sides(cohort, this, effect).items():
        months = int(time.observed[own].sum())
        counts[f"n_{side}"] = int(own.sum())
        counts[f"n_{side}_months"] = months
        counts[f"n_{side}_ever"] = int(time.is_ever[own].sum())
        counts[f"mean_{side}"] = float(time.total[own].sum() / months) if months else np.nan
    return counts


def _sides(cohort: Cohort, this: Regression, effect: Effect) -> dict[str, np.ndarray]:
    """Persons whom the effect is about, by arm; bool, length n."""
    here = np.any(this.about(effect), axis=0)
    return {"assigned": here & (this.arm == effect.arm), "control": here & (this.arm == cohort.arms.reference)}


def cell_status(cohort: Cohort, this: Regression, effect: Effect) -> str:
    """Status of an effect as far as counts decide."""
    least, sides = cohort.estimation.min_persons_per_arm, this.about(effect)
    if _lacking(this):
        return "no_covariate"
    if not this.time.O.any():
        return "no_observations"
    if min((here & (this.arm == effect.arm)).sum() for here in sides) < least:
        return "too_few_assigned"
    too_few = min((here & (this.arm == cohort.arms.reference)).sum() for here in sides) < least
    return "too_few_control" if too_few else "estimated"


def fit_status(status: str, term: str, fitted: Fitted, this: Regression) -> str:
    """Status of a term once the regression is fitted."""
    if status != "estimated":
        return status
    if term not in fitted.terms or (term.startswith(ASSIGNED) and term in fitted.tied):
        return "collinear"
    if fitted.fit.sample.n_obs <= len(fitted.fit.kept) or fitted.fit.n_persons < 2:
        return "saturated"
    if fitted.failure:
        return fitted.failure
    has_error = all(fitted.std_error(variance, term) > NO_ERROR for variance in fitted.variances)
    return "estimated" if has_error else "no_variation"


def _adjusted(effects: pd.DataFrame, has_several_arms: bool) -> pd.Series:
    """Holm's p over the centres of an analysis and window, over the differences between members and others, and arms.

    An effect over all centres is alone in its family unless there are several arms.
    """
    family = ["outcome", "month_from", "month_to", "variance"]
    adjusted = pd.Series(np.nan, index=effects.index)
    is_difference, is_overall = effects["subgroup"] == DIFFERENCE, effects["centre"] == ALL
    for rows, own in (
        (~is_overall & ~is_difference, [*family, "analysis", "subgroup"]),
        (is_overall & ~is_difference & has_several_arms, [*family, "analysis", "subgroup"]),
        (is_difference, [*family, "centre"]),
    ):
        for _, tested in effects[rows].groupby(own, sort=False):
            adjusted[tested.index] = holm(tested["p_value"].to_numpy(dtype=float))
    return adjusted


def _numbers(cohort: Cohort, fitted: Fitted, variance: str, term: str, is_few: bool = False) -> Row:
    """Estimate, standard error, test and interval of a term, with t of the variance's df, or that of few persons."""
    estimate, error, df = fitted.numbers(variance, term)
    return tested(cohort, estimate, error, fitted.df_of_few(variance, term) if is_few else df)


def tested(cohort: Cohort, estimate: float, error: float, df: float) -> Row:
    """An estimate with its test against zero and its interval, t with ``df`` degrees of freedom."""
    reach = float(t_ppf((1 + cohort.estimation.confidence_level) / 2, df)) * error
    return {
        "estimate": estimate,
        "std_error": error,
        "df": df,
        "statistic": estimate / error,
        "p_value": float(2 * t_sf(abs(estimate / error), df)),
        "ci_low": estimate - reach,
        "ci_high": estimate + reach,
    }


def _row(cohort: Cohort, this: Regression, effect: Effect, variance: str, status: str) -> Row:
    """What an effect is, without its numbers."""
    left_out = this.design.left_out
    return {
        "cohort": cohort.name,
        "analysis": this.analysis.name,
        "outcome": this.analysis.outcome,
        "estimator": this.analysis.estimator,
        "measure": ESTIMATORS[this.analysis.estimator].measure,
        "subgroup": effect.subgroup,
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


def _coefficient_rows(cohort: Cohort, this: Regression, status: dict[Effect, str], fitted: Fitted | None) -> list[Row]:
    """All terms of a pooled regression; one that is not estimated keeps its row."""
    of_effect = {effect.term: s for effect, s in status.items()}
    few = {effect.term for effect in status if _has_few_persons(cohort, this, effect)}
    rows = []
    for term in (*this.design.terms, *this.time.terms):
        other = fit_status("estimated", term, fitted, this) if fitted else next(iter(status.values()))
        state = of_effect.get(term, other)
        for variance in cohort.estimation.variances:
            label: Row = {"cohort": cohort.name, "analysis": this.analysis.name, "term": str(term), **term.columns}
            label["variance"] = variance
            size = {"n_obs": int(this.time.O.sum()), "n_persons": len(this.arm), "status": state}
            numbers = _numbers(cohort, fitted, variance, term, term in few) if fitted and state == "estimated" else {}
            rows.append(label | numbers | size)
    return rows
