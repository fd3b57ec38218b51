"""The specification grid: each combination against a run of the pipeline that was configured so."""

from dataclasses import replace
from itertools import product
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from cohorts import Recipe, random_cohort, write_cohort
from ipseval.check import check
from ipseval.clean import clean
from ipseval.cohort import select
from ipseval.config import Analysis, Cohort
from ipseval.contracts import EXTRACTS
from ipseval.estimate import estimate
from ipseval.estimation.invariants import specifications_hold_the_pooled_effect
from ipseval.panel import panel
from ipseval.robustness import Adjustment, Robustness
from ipseval.settings import read_cohort
from ipseval.vary import rule_name, vary

GRID = Robustness(
    month_rule=("any_day", {"min_days": 15}),
    min_weekly_hours=(0, 20),
    exclude_wage_subsidy=(True, False),
    time=((), ("calendar_year",)),
    adjustment={"none": Adjustment("ols", ()), "lin": Adjustment("lin", ("age",))},
    variances=("cr1", "cr2"),
)
RECIPES = {
    "two_arms": Recipe(n_persons=70, n_centres=2, before=1, after=5),
    "three_arms": Recipe(n_persons=80, n_centres=2, treatments=("ips", "ipse"), before=0, after=4, min_weekly_hours=15),
}


@pytest.fixture(scope="module", params=RECIPES)
def made(request, tmp_path_factory) -> SimpleNamespace:
    """A random cohort, what its stages made and its specifications."""
    cohort = read_cohort(write_cohort(random_cohort(RECIPES[request.param], seed=6), tmp_path_factory.mktemp("vary")))
    cohort = replace(cohort, robustness=GRID)
    cleaned = clean({name: table for name, table in check(cohort).items() if name in EXTRACTS})
    people = select(cohort, cleaned)["people"]
    return SimpleNamespace(cohort=cohort, cleaned=cleaned, people=people, **vary(cohort, people, cleaned))


def configured(made: SimpleNamespace, cohort: Cohort) -> pd.DataFrame:
    """Effects of the pipeline under this configuration."""
    return estimate(cohort, made.people, panel(cohort, made.people, made.cleaned)["panel"])["effects"]


def test_each_row_is_the_pipeline_configured_so(made: SimpleNamespace) -> None:
    own, table = made.cohort, made.specifications.set_index(["arm", "variance"])
    main = next(a for a in own.analyses if a.name == "pooled")
    ways = {"none": ("ols", ()), "lin": ("lin", ("age",)), "pooled": (main.estimator, main.adjust)}
    cells = list(product(GRID.month_rule, (0, 20), (True, False), ((), ("calendar_year",), main.time), ways))
    for rule, hours, exclude, time, way in cells[::5]:
        outcome = replace(own.outcome, month_rule=rule, min_weekly_hours=hours, exclude_wage_subsidy=exclude)
        estimator, adjust = ways[way]
        analysis = Analysis("x", "follow_up", estimator=estimator, adjust=adjust, time=time)
        wanted = configured(made, replace(own, outcome=outcome, analyses=(analysis,))).set_index(["arm", "variance"])
        found = table[
            (table["month_rule"] == rule_name(rule)) & (table["min_weekly_hours"] == hours)
            & (table["exclude_wage_subsidy"] == exclude) & (table["time"] == (" + ".join(time) or "none"))
            & (table["adjustment"] == way)
        ]  # fmt: skip
        assert found.index.equals(wanted.index)
        for column in ("n_assigned", "n_control", "n_obs", "mean_control", "estimate", "std_error", "df"):
            np.testing.assert_allclose(found[column], wanted[column], rtol=0, atol=1e-12, err_msg=column)


def test_the_grid_is_whole_and_holds_the_pooled_effect(made: SimpleNamespace) -> None:
    hours = {0, 20, made.cohort.outcome.min_weekly_hours}
    arms = len(made.cohort.arms.treatments)
    assert len(made.specifications) == 2 * len(hours) * 2 * 3 * 3 * arms * 2
    effects = configured(made, made.cohort)
    written = {"specifications": made.specifications, "effects": effects}
    assert specifications_hold_the_pooled_effect(made.cohort, written).passed
    assert made.specifications["is_main"].sum() == 2 * arms
    first = made.specifications.index[made.specifications["is_main"]][0]
    for column, value in (("estimate", 0.9), ("std_error", 0.9), ("is_main", False), ("status", "collinear")):
        spoilt = made.specifications.copy()
        spoilt.loc[first, column] = value
        assert not specifications_hold_the_pooled_effect(made.cohort, written | {"specifications": spoilt}).passed
    fewer = made.specifications.drop(index=made.specifications.index[-1])
    assert not specifications_hold_the_pooled_effect(made.cohort, written | {"specifications": fewer}).passed


def test_what_was_not_delivered_keeps_its_rows(made: SimpleNamespace) -> None:
    employment = made.cleaned["employment"].drop(columns="weekly_hours")
    cleaned = {**made.cleaned, "employment": employment, "wage_subsidy": None}
    outcome = replace(made.cohort.outcome, min_weekly_hours=0, exclude_wage_subsidy=False)
    table = vary(replace(made.cohort, outcome=outcome), made.people, cleaned)["specifications"]
    lacking = (table["min_weekly_hours"] > 0) | table["exclude_wage_subsidy"]
    assert (table["status"] == "not_delivered").equals(lacking)
    assert table.loc[lacking, "estimate"].isna().all()
    notes = set(table.loc[lacking, "note"])
    assert notes == {"not delivered: weekly_hours", "not delivered: wage_subsidy"}
    assert (table.loc[~lacking, "status"] == "estimated").all()
