"""The pooled effect under every combination of choices once more; of many combinations only some are estimated."""

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from ipseval.config import Analysis, Cohort, Outcome
from ipseval.recomputed.effects import Estimates, effect_rows, tested, variances_of
from ipseval.recomputed.panel import Cleaned, Known, of_definition
from ipseval.recomputed.study import Study, regressions
from ipseval.robustness import Adjustment

Row = dict[str, Any]


@dataclass(frozen=True)
class Choice:
    """A combination: the outcome, dummies for time, a way of adjusting by its name, and what it lacks."""

    outcome: Outcome
    time: tuple[str, ...]
    way: str
    lacks: str


def choices(cohort: Cohort, cleaned: Cleaned) -> list[Choice]:
    """Every combination, with the cohort's own choices first."""
    chosen, own, main = cohort.robustness, cohort.outcome, _main(cohort)
    employment = cleaned["employment"]
    has_hours = employment is not None and "weekly_hours" in employment

    def first(value: Any, others: tuple[Any, ...]) -> list[Any]:
        return [value] + [other for other in others if other != value]

    found = []
    for rule in first(own.month_rule, chosen.month_rule):
        for hours in first(own.min_weekly_hours, chosen.min_weekly_hours):
            for exclude in first(own.exclude_wage_subsidy, chosen.exclude_wage_subsidy):
                outcome = replace(own, month_rule=rule, min_weekly_hours=hours, exclude_wage_subsidy=exclude)
                lacks = "weekly_hours" if hours > 0 and not has_hours else ""
                lacks = "wage_subsidy" if exclude and cleaned["wage_subsidy"] is None else lacks
                for time, way in itertools.product(first(main.time, chosen.time), ways(cohort)):
                    found.append(Choice(outcome, time, way, lacks))
    return found


def ways(cohort: Cohort) -> dict[str, Adjustment]:
    """Ways of adjusting by name, with that of ``pooled`` before the others where none of them is it."""
    main = _main(cohort)
    own, named = Adjustment(main.estimator, main.adjust), cohort.robustness.adjustment
    return dict(named) if own in named.values() else {"pooled": own} | dict(named)


def _main(cohort: Cohort) -> Analysis:
    return next(analysis for analysis in cohort.analyses if analysis.name == "pooled")


def expected_specifications(
    study: Study, people: pd.DataFrame, cleaned: Cleaned, most: int
) -> tuple[pd.DataFrame, np.ndarray]:
    """The table ``specifications``, and which of its rows were made again (bool).

    Parameters
    ----------
    study : Study
    people : DataFrame
        Everybody who was randomised: a month in which something is known of nobody is missing for all.
    cleaned : mapping
        Extract -> cleaned rows, or None.
    most : int
        Combinations that are estimated; of more, so many that are evenly spread, the cohort's own among them.
    """
    cohort = replace(
        study.cohort, estimation=replace(study.cohort.estimation, variances=study.cohort.robustness.variances)
    )
    every = choices(cohort, cleaned)
    wanted = set(np.linspace(0, len(every) - 1, min(most, len(every))).astype(int))
    main = _main(cohort)
    is_main = [one.outcome == cohort.outcome and _analysis(cohort, one) == main for one in every]
    wanted |= {i for i, is_own in enumerate(is_main) if is_own}
    states: dict[str, np.ndarray] = {}
    known: Known = {}, {}
    rows: list[Row] = []
    for i, one in enumerate(every):
        if one.lacks:
            own = list(_not_delivered(cohort, one))
        elif i in wanted:
            if str(one.outcome) not in states:
                found = of_definition(cohort, one.outcome, people, cleaned, known)
                states[str(one.outcome)] = found[people["is_analysed"].to_numpy(dtype=bool)]
            own = _estimated(replace(study, cohort=cohort), one, states[str(one.outcome)])
        else:
            own = [dict[str, Any]() for _ in range(len(cohort.arms.treatments) * _n_variances(cohort, one))]
        is_made = bool(one.lacks) or i in wanted
        rows += [row | _label(one, is_main[i]) | {"is_made": is_made} for row in own]
    table = tested(cohort, rows)
    return table.drop(columns="is_made"), table["is_made"].to_numpy(dtype=bool)


def _n_variances(cohort: Cohort, one: Choice) -> int:
    return len(variances_of(cohort, ways(cohort)[one.way].estimator))


def _analysis(cohort: Cohort, one: Choice) -> Analysis:
    way = ways(cohort)[one.way]
    return replace(_main(cohort), estimator=way.estimator, adjust=way.adjust, time=one.time)


def _estimated(study: Study, one: Choice, states: np.ndarray) -> list[Row]:
    analysis = _analysis(study.cohort, one)
    own = replace(study, states={**study.states, analysis.outcome: states})
    (this,) = regressions(own, analysis)
    return list(effect_rows(this, Estimates(this, variances_of(study.cohort, analysis.estimator))))


def _not_delivered(cohort: Cohort, one: Choice) -> Iterator[Row]:
    analysis = _analysis(cohort, one)
    first, last = analysis.windows(cohort.window)[0]
    for arm in cohort.arms.treatments:
        for variance in cohort.estimation.variances:
            row: Row = {
                "arm": arm,
                "variance": variance,
                "reference_arm": cohort.arms.reference,
                "status": "not_delivered",
            }
            row |= {"outcome": analysis.outcome, "month_from": first, "month_to": last}
            yield row | {"note": f"not delivered: {one.lacks}"}


def _label(one: Choice, is_main: bool) -> Row:
    rule = one.outcome.month_rule
    return {
        "month_rule": f"min_days {rule['min_days']}" if isinstance(rule, Mapping) else rule,
        **{"min_weekly_hours": one.outcome.min_weekly_hours, "exclude_wage_subsidy": one.outcome.exclude_wage_subsidy},
        **{"time": " + ".join(one.time) or "none", "adjustment": one.way, "is_main": is_main},
    }
