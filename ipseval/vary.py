"""Stage vary: the pooled effect under every combination of defensible choices."""

import itertools
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from ipseval.clean import Tables
from ipseval.config import Analysis, Cohort, Outcome
from ipseval.estimate import fitted_rows
from ipseval.estimation.analyses import Regression, of_another_outcome, regressions
from ipseval.estimation.estimator import Fitted
from ipseval.panel import analysed_months, panel, places
from ipseval.robustness import Adjustment

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
Definition = tuple[str, float, bool]


@dataclass(frozen=True)
class Specification:
    """One combination: what counts, the dummies for time, how covariates enter; ``lacks``: what was not delivered."""

    outcome: Outcome
    time: tuple[str, ...]
    adjustment: str
    lacks: str = ""

    @property
    def definition(self) -> Definition:
        """Of the outcome: month rule, hours a week, and whether subsidised months are left out."""
        return rule_name(self.outcome.month_rule), self.outcome.min_weekly_hours, self.outcome.exclude_wage_subsidy


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
    specifications = list(combinations(cohort, cleaned))
    chosen = replace(cohort, estimation=replace(cohort.estimation, variances=cohort.robustness.variances))
    months = _months_by_definition(chosen, people, cleaned, specifications)
    made: dict[int, list[Row]] = {}
    last = None
    for i, one in sorted(enumerate(specifications), key=lambda pair: (pair[1].time, pair[1].adjustment)):
        own = replace(chosen, outcome=one.outcome)
        if one.lacks:
            made[i] = list(_not_delivered(own, cohort, one))
        else:
            made[i], last = _estimated(own, cohort, one, *months[one.definition], last)
    rows = [row for i in range(len(specifications)) for row in made[i]]
    return {"specifications": pd.DataFrame(rows, columns=SPECIFICATION_COLUMNS)}


def _months_by_definition(
    cohort: Cohort, people: pd.DataFrame, cleaned: Tables, specifications: Iterable[Specification]
) -> dict[Definition, tuple[pd.DataFrame, np.ndarray]]:
    """The analysed persons and their months, by definition of the outcome."""
    placed, found = places(cohort, people, cleaned), {}
    for one in specifications:
        if not one.lacks and one.definition not in found:
            own = replace(cohort, outcome=one.outcome)
            found[one.definition] = analysed_months(own, people, panel(own, people, cleaned, placed)["panel"])
    return found


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


@dataclass(frozen=True)
class Last:
    """The regression before, whose columns may be those of the next: what follows from them is computed once."""

    regression: Regression
    people: pd.DataFrame
    states: np.ndarray
    fitted: Fitted | None

    def has_columns_of(self, analysis: Analysis, people: pd.DataFrame, states: np.ndarray) -> bool:
        """Whether it is the same analysis, with the same covariates, of an outcome observed in the same months."""
        is_same = self.regression.analysis == analysis and np.array_equal(self.states >= 0, states >= 0)
        covariates = [name for name in analysis.adjust if name in people]
        return is_same and people[covariates].equals(self.people[covariates])


def _estimated(
    own: Cohort,
    cohort: Cohort,
    one: Specification,
    people: pd.DataFrame,
    states: np.ndarray,
    last: Last | None,
) -> tuple[list[Row], Last]:
    """The rows of a combination: an arm and variance each; and its regression."""
    analysis = _analysis(cohort, one)
    if last and last.has_columns_of(analysis, people, states):
        regression = of_another_outcome(last.regression, own, people, states)
    else:
        (regression,) = regressions(own, analysis, people, states)
    rows, fitted = fitted_rows(own, regression, last.fitted if last else None)
    label = _label(cohort, one) | {"adjustment": one.adjustment}
    return [row | label for row in rows], Last(regression, people, states, fitted)


def _not_delivered(own: Cohort, cohort: Cohort, one: Specification) -> Iterator[Row]:
    """The rows of a combination that lacks an extract or a column."""
    analysis = _analysis(cohort, one)
    lacking = {"status": NOT_DELIVERED, "note": f"not delivered: {one.lacks}"}
    arms = {"reference_arm": own.arms.reference, "outcome": analysis.outcome, "adjustment": one.adjustment}
    window = dict(zip(("month_from", "month_to"), analysis.windows(own.window)[0], strict=True))
    for arm, variance in itertools.product(own.arms.treatments, own.estimation.variances):
        yield _label(cohort, one) | lacking | arms | window | {"arm": arm, "variance": variance}


def _analysis(cohort: Cohort, one: Specification) -> Analysis:
    adjustment = ways(cohort)[one.adjustment]
    return replace(_main(cohort), estimator=adjustment.estimator, adjust=adjustment.adjust, time=one.time)


def _label(cohort: Cohort, one: Specification) -> Row:
    """What a combination is."""
    return {
        **dict(zip(("month_rule", "min_weekly_hours", "exclude_wage_subsidy"), one.definition, strict=True)),
        "time": " + ".join(one.time) or NO_TIME,
        "is_main": one.outcome == cohort.outcome and _analysis(cohort, one) == _main(cohort),
    }


def rule_name(rule: str | Mapping[str, int]) -> str:
    """A month rule as text: ``any_day``, ``min_days 15``."""
    return rule if isinstance(rule, str) else f"min_days {rule['min_days']}"
