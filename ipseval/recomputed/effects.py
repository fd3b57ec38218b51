"""Effects and coefficients of every analysis, from person-months."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd

from ipseval.because import notes
from ipseval.config import Cohort
from ipseval.estimation.design import ALL, DIFFERENCE, MEMBERS
from ipseval.recomputed.caveats import caveats, uneven
from ipseval.recomputed.columns import About
from ipseval.recomputed.least_squares import LeastSquares
from ipseval.recomputed.others import OTHERS, Numbers, measure_of
from ipseval.recomputed.study import Regression, Study, regressions

NO_ERROR = 1e-10
FEW = "an arm has fewer than {n} persons, so that the standard error is hardly known: Satterthwaite degrees of freedom"
Row = dict[str, Any]
NUMBERS = ("estimate", "std_error", "df")


def tested(cohort: Cohort, rows: list[Row] | pd.DataFrame, is_normal: bool = False) -> pd.DataFrame:
    """Rows with ``estimate``, ``std_error`` and ``df`` (infinite: normal), with their tests and intervals by t."""
    from scipy.stats import t

    table = pd.DataFrame(rows).reset_index(drop=True)
    lacking = [name for name in ("estimate", "std_error", "df") if name not in table]
    estimate, error, df = (
        table.assign(**dict.fromkeys(lacking, np.nan))[["estimate", "std_error", "df"]].astype(float).to_numpy().T
    )
    df = np.full(len(df), np.inf) if is_normal else df
    reach = t.ppf((1 + cohort.estimation.confidence_level) / 2, df) * error
    table = table.assign(estimate=estimate, std_error=error, ci_low=estimate - reach, ci_high=estimate + reach)
    table = table if is_normal else table.assign(df=df)
    return table.assign(statistic=estimate / error, p_value=2 * t.sf(np.abs(estimate / error), df))


def joined(*notes: str) -> str:
    """Notes behind each other."""
    return "; ".join(note for note in notes if note)


def counts(this: Regression, about: About) -> Row:
    """Persons, months, means and persons with the outcome of whom an effect is about, and the months that are seen."""
    found: Row = {"n_obs": this.n_obs}
    for side, own in this.arms_of(about).items():
        states = this.states[own]
        n, total = int((states >= 0).sum()), float(states[states >= 0].sum())
        found |= {
            f"n_{side}": int(own.sum()),
            f"n_{side}_months": n,
            f"n_{side}_ever": int((states > 0).any(axis=1).sum()),
        }
        found[f"mean_{side}"] = total / n if n else np.nan
    whom = np.logical_or.reduce(list(this.arms_of(about).values()))
    seen = this.months[0] + np.flatnonzero((this.states[whom] >= 0).any(axis=0))
    return found | {"first_month": seen[0] if len(seen) else np.nan, "last_month": seen[-1] if len(seen) else np.nan}


class Estimates:
    """Statuses and numbers of a regression's terms under every variance.

    Parameters
    ----------
    this : Regression
    variances : tuple of str
    y : array, optional
        Another outcome of the same person-months.
    """

    def __init__(self, this: Regression, variances: tuple[str, ...], y: np.ndarray | None = None) -> None:
        self.this, self.variances = this, variances
        self.cell = {about: self._of_cell(about) for about in this.abouts}
        is_fit = any(status == "estimated" for status in self.cell.values())
        self.fit: LeastSquares | None = this.fitted(y) if is_fit else None
        self.failure = ""
        self._own: Mapping[str, Numbers] = {}
        if self.fit and (again := OTHERS.get(this.analysis.estimator)):
            self.failure, self._own = again.estimates(self.fit, [about.term for about in this.abouts])
        self._errors = {v: self.fit.std_error(v) for v in variances} if self.fit and not self._own else {}
        self.status = {about: self.of_term(about.term, status) for about, status in self.cell.items()}

    def _of_cell(self, about: About) -> str:
        """Status as far as numbers of persons decide."""
        this, least = self.this, self.this.study.cohort.estimation.min_persons_per_arm
        of_subgroup = (this.analysis.subgroup.covariate,) if this.analysis.subgroup else ()
        if any(name in this.left_out for name in (*this.analysis.requires, *of_subgroup)):
            return "no_covariate"
        if not this.n_obs:
            return "no_observations"
        for arm, status in ((about.arm, "too_few_assigned"), (this.study.cohort.arms.reference, "too_few_control")):
            if min((side & this.of_arm(arm)).sum() for side in this.sides(about)) < least:
                return status
        return "estimated"

    def of_term(self, term: str, status: str = "estimated") -> str:
        """Status of a term once the regression is fitted."""
        if status != "estimated" or self.fit is None:
            return status if status != "estimated" else next(iter(self.cell.values()))
        own = self.fit.columns
        if term not in own.names or (term.startswith("assigned[") and term in own.tied):
            return "collinear"
        if len(own.Z) <= len(own.names) or own.n_persons < 2:
            return "saturated"
        if self.failure:
            return self.failure
        errors = [self.numbers(term, v)[1] for v in self.variances]
        return "estimated" if all(error > NO_ERROR for error in errors) else "no_variation"

    def is_few(self, about: About) -> bool:
        """Whether an arm of the effect has too few persons for its error to be known."""
        this, cohort = self.this, self.this.study.cohort
        arms = [this.of_arm(arm) for arm in (about.arm, cohort.arms.reference)]
        fewest = min(int((side & arm).sum()) for side in this.sides(about) for arm in arms)
        return fewest < cohort.estimation.min_persons_for_stars

    def numbers(self, term: str, variance: str, is_few: bool = False) -> tuple[float, float, float]:
        """Estimate, standard error and degrees of freedom of a term."""
        assert self.fit is not None
        j = self.fit.columns.names.index(term)
        if term in self._own:
            estimate, error = self._own[term].estimate, self._own[term].std_error
            df = float(self.fit.columns.n_persons - 1)
        else:
            estimate, error = float(self.fit.b[j]), float(self._errors[variance][j])
            df = np.nan if not error > NO_ERROR else self.fit.df(variance, j)
        if is_few:
            rests_on = self.fit.columns.satterthwaite(j)
            df = min(df, rests_on if np.isfinite(rests_on) else 1.0)
        return estimate, error, df


def effect_rows(
    this: Regression,
    found: Estimates,
    sides: dict[tuple[Any, ...], str] | None = None,
    is_uneven: set[tuple[str, str, str]] | None = None,
) -> Iterator[Row]:
    """A row an effect and variance.

    ``sides``: statuses of the members and the others, for their difference; ``is_uneven``: where shares assigned differ
    between strata, for the caveats of the table of effects.
    """
    cohort, analysis = this.study.cohort, this.analysis
    adjust = [name for name in analysis.adjust if name not in this.left_out]
    lacking = f"not in this cohort: {', '.join(this.left_out)}" if this.left_out else ""
    is_told = sides is not None and analysis.outcome == cohort.outcome.primary  # in ``effects`` alone
    for about in this.abouts:
        status, counted, is_few = found.status[about], counts(this, about), found.is_few(about)
        arms = (about.arm, cohort.arms.reference)
        if sides is not None:
            sides[this.months, about.centre, about.arm, about.subgroup] = status
            if about.subgroup == DIFFERENCE and status == "estimated":
                of = [sides.get((this.months, about.centre, about.arm, s), status) for s in (MEMBERS, "others")]
                status = next((s for s in of if s != "estimated"), status)
        for variance in found.variances:
            numbers: Row = {}
            if status == "estimated" and found.fit:
                numbers = dict(zip(NUMBERS, found.numbers(about.term, variance, is_few), strict=True))
            few = FEW.format(n=cohort.estimation.min_persons_for_stars)
            first, last = counted["first_month"], counted["last_month"]
            is_whole = np.isnan(first) or (first, last) == this.months
            short = "" if is_whole else f"somebody is observed in months {first} to {last} only"
            said = caveats(this, about, variance, is_uneven) if is_uneven is not None and numbers else []
            unknown = notes(this.study.reasons(this.months, arms, about.centre)) if is_told else []
            yield {
                **{"cohort": cohort.name, "analysis": analysis.name, "outcome": analysis.outcome},
                **{"estimator": analysis.estimator, "measure": measure_of(analysis.estimator)},
                **{"subgroup": about.subgroup, "centre": about.centre},
                **{"month_from": this.months[0], "month_to": this.months[1], "arm": about.arm},
                "reference_arm": cohort.arms.reference,
                **counted,
                **numbers,
                "adjustment": " + ".join([*adjust, *analysis.time]) or "none",
                **{"variance": variance, "status": status},
                "note": joined(lacking, few if is_few and numbers else "", short, *said, *unknown),
            }


def variances_of(cohort: Cohort, estimator: str) -> tuple[str, ...]:
    """Variances that the effects of an estimator have."""
    return ("cr1",) if estimator in OTHERS else cohort.estimation.variances


def expected_effects(study: Study) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The tables ``effects`` and ``coefficients``, but for the order of their columns.

    Parameters
    ----------
    study : Study
    """
    cohort = study.cohort
    effects: list[Row] = []
    coefficients: list[Row] = []
    is_uneven = uneven(study)
    for analysis in cohort.analyses:
        sides: dict[tuple[Any, ...], str] = {}
        for this in regressions(study, analysis):
            found = Estimates(this, variances_of(cohort, analysis.estimator))
            own = list(effect_rows(this, found, sides, is_uneven))
            effects += own
            is_pooled = this.within == ALL and analysis.months != "each" and analysis.estimator not in OTHERS
            if is_pooled and this.abouts[0].subgroup != MEMBERS:
                coefficients += _coefficients(this, found, own)
    table = tested(cohort, effects)
    table["p_adjusted"] = _holm(table, len(cohort.arms.treatments) > 1)
    return table, tested(cohort, coefficients)


def expected_counts(study: Study) -> pd.DataFrame:
    """What the rows of ``effects`` are of and whom they count; nothing is estimated."""
    rows = []
    for analysis in study.cohort.analyses:
        for this in regressions(study, analysis):
            label = {"analysis": analysis.name, "month_from": this.months[0], "month_to": this.months[1]}
            for about in this.abouts:
                row = (
                    label | counts(this, about) | {"subgroup": about.subgroup, "centre": about.centre, "arm": about.arm}
                )
                rows += [row | {"variance": v} for v in variances_of(study.cohort, analysis.estimator)]
    return pd.DataFrame(rows)


def _coefficients(this: Regression, found: Estimates, effects: list[Row]) -> Iterator[Row]:
    """A row a term and variance."""
    cohort = this.study.cohort
    of_effect = {about.term: about for about in this.abouts}
    statuses = {(row["arm"], row["centre"], row["subgroup"]): row["status"] for row in effects}
    for column in this.given:
        about = of_effect.get(column.text)
        status = statuses[about.arm, about.centre, about.subgroup] if about else found.of_term(column.text)
        for variance in cohort.estimation.variances:
            numbers: Row = {}
            if status == "estimated" and found.fit:
                is_few = about is not None and found.is_few(about)
                numbers = dict(zip(NUMBERS, found.numbers(column.text, variance, is_few), strict=True))
            parts = column.parts
            yield {
                **{"cohort": cohort.name, "analysis": this.analysis.name, "term": column.text, **numbers},
                **{"variance": variance, "n_obs": this.n_obs, "n_persons": len(this.persons), "status": status},
                **{"kind": parts.kind, "arm": parts.arm, "centre": parts.centre},
                **{"variable": parts.variable, "level": parts.level},
            }


def _holm(effects: pd.DataFrame, has_several_arms: bool) -> pd.Series:
    """Adjusted p over centres and arms of a window, over arms, and over the differences of all subgroups and arms."""
    is_difference, is_overall = effects["subgroup"] == DIFFERENCE, effects["centre"] == ALL
    keys = effects[["outcome", "month_from", "month_to", "variance"]].astype(str).agg("|".join, axis=1)
    analysis = effects["analysis"] + "|" + effects["subgroup"] + "|" + is_overall.astype(str)
    family = keys + "|" + analysis.where(~is_difference, "difference|" + effects["centre"])
    alone = is_overall & ~is_difference & (not has_several_arms)
    p = effects["p_value"].astype(float) if "p_value" in effects else pd.Series(np.nan, effects.index)
    p = p.where(~alone)
    rank = p.groupby(family).rank(method="first")
    m = p.groupby(family).transform("count")
    scaled = pd.DataFrame({"family": family, "rank": rank, "p": (p * (m - rank + 1)).clip(upper=1)})
    return scaled.sort_values("rank").groupby("family")["p"].cummax().reindex(effects.index).where(p.notna())
