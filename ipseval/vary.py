"""Stage vary: the pooled effect under every combination of defensible choices."""

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from ipseval.clean import Tables
from ipseval.config import Adjustment, Analysis, Cohort, Outcome
from ipseval.estimate import effect_rows
from ipseval.estimation.analyses import regressions
from ipseval.panel import analysed_months, panel, places

# fmt: off
SPECIFICATION_COLUMNS = [
    "month_rule", "min_weekly_hours", "exclude_wage_subsidy", "time", "adjustment", "variance", "arm", "reference_arm",
    "outcome", "month_from", "month_to", "n_assigned", "n_control", "n_obs", "mean_control", "estimate", "std_error",
    "df", "statistic", "p_value", "ci_low", "ci_high", "is_main", "status", "note",
]
# fmt: on
MAIN, NO_TIME = "pooled", "none"
NOT_DELIVERED = "not_delivered"
Row = dict[str, Any]


@dataclass(frozen=True)
class Specification:
    """One combination: what counts, the dummies for time, how covariates enter; ``lacks``: what was not delivered."""

    outcome: Outcome
    time: tuple[str, ...]
    adjustment: str
    lacks: str = ""


def vary(cohort: Cohort, people: pd.DataFrame, cleaned: Tables) -> dict[str, pd.DataFrame]:
    """Estimate the pooled effect under every combination of ``robustness``.

    The persons stay the same; the panel is made anew for each definition of the outcome. The choices of the cohort and
    of its analysis ``pooled`` are always among the combinations.

    Parameters
    ----------
    cohort : Cohort
    people : DataFrame
        One row a randomised person; those with ``is_analysed`` enter.
    cleaned : dict
        Extracts of spells; None where not delivered.

    Returns
    -------
    dict
        ``specifications``: one row a combination, treatment and variance.
    """
    rows: list[Row] = []
    placed = places(cohort, people, cleaned)
    chosen = replace(cohort, estimation=replace(cohort.estimation, variances=cohort.robustness.variances))
    for outcome, specifications in itertools.groupby(combinations(cohort, cleaned), key=lambda s: s.outcome):
        own = replace(chosen, outcome=outcome)
        months = None
        for one in specifications:
            if not one.lacks and months is None:
                months = analysed_months(own, people, panel(own, people, cleaned, placed)["panel"])
            rows += _estimated(own, cohort, one, months)
    return {"specifications": pd.DataFrame(rows, columns=SPECIFICATION_COLUMNS)}


def combinations(cohort: Cohort, cleaned: Tables) -> Iterator[Specification]:
    """Every combination; those of one definition of the outcome are neighbours."""
    chosen, own = cohort.robustness, cohort.outcome
    employment = cleaned["employment"]
    has_hours = employment is not None and "weekly_hours" in employment
    for rule, hours, exclude in itertools.product(
        _with(own.month_rule, chosen.month_rule),
        _with(own.min_weekly_hours, chosen.min_weekly_hours),
        _with(own.exclude_wage_subsidy, chosen.exclude_wage_subsidy),
    ):
        outcome = replace(own, month_rule=rule, min_weekly_hours=hours, exclude_wage_subsidy=exclude)
        lacks = "weekly_hours" if hours > 0 and not has_hours else ""
        lacks = "wage_subsidy" if exclude and cleaned["wage_subsidy"] is None else lacks
        for time, name in itertools.product(_with(_main(cohort).time, chosen.time), ways(cohort)):
            yield Specification(outcome, time, name, lacks)


def ways(cohort: Cohort) -> dict[str, Adjustment]:
    """Ways of adjusting by name, that of the analysis ``pooled`` among them."""
    main, named = _main(cohort), cohort.robustness.adjustment
    own = Adjustment(main.estimator, main.adjust)
    return named if own in named.values() else {MAIN: own, **named}


def _with(own: Any, others: tuple[Any, ...]) -> list[Any]:
    """The cohort's own choice first, then the others."""
    return [own, *(other for other in others if other != own)]


def _main(cohort: Cohort) -> Analysis:
    return next(a for a in cohort.analyses if a.name == MAIN)


def _estimated(
    own: Cohort, cohort: Cohort, one: Specification, months: tuple[pd.DataFrame, Any] | None
) -> Iterator[Row]:
    """The rows of a combination: an arm and variance each."""
    main, adjustment = _main(cohort), ways(cohort)[one.adjustment]
    analysis = replace(main, estimator=adjustment.estimator, adjust=adjustment.adjust, time=one.time)
    label = {
        "month_rule": rule_name(one.outcome.month_rule),
        "min_weekly_hours": one.outcome.min_weekly_hours,
        "exclude_wage_subsidy": one.outcome.exclude_wage_subsidy,
        "time": " + ".join(one.time) or NO_TIME,
        "is_main": one.outcome == cohort.outcome and analysis == main,
    }
    if months is None:
        lacking = {"status": NOT_DELIVERED, "note": f"not delivered: {one.lacks}"}
        arms = {"reference_arm": own.arms.reference, "outcome": analysis.outcome, "adjustment": one.adjustment}
        window = dict(zip(("month_from", "month_to"), analysis.windows(own.window)[0], strict=True))
        for arm, variance in itertools.product(own.arms.treatments, own.estimation.variances):
            yield label | lacking | arms | window | {"arm": arm, "variance": variance}
        return
    (regression,) = regressions(own, analysis, *months)
    for row in effect_rows(own, regression):
        yield row | label | {"adjustment": one.adjustment}


def rule_name(rule: str | Mapping[str, int]) -> str:
    """A month rule as text: ``any_day``, ``min_days 15``."""
    return rule if isinstance(rule, str) else f"min_days {rule['min_days']}"
