"""Every check of verify can fail, and holds on cohorts so small that much cannot be estimated."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from cohorts import Recipe
from ipseval.bound import bound
from ipseval.config import Cohort
from ipseval.estimation.arithmetic import ARITHMETIC
from ipseval.estimation.invariants import (
    INVARIANTS,
    Check,
    accumulated_is_complete,
    missing_data_is_bounded,
    waiting_adds_up,
)
from ipseval.verify import recomputed_checks, second_engine_checks
from measured import Frames, measured


def checked(cohort: Cohort, tables: Frames) -> list[Check]:
    """Checks of what tables say of each other, and the second engine."""
    given = {name: table for name, table in tables.items() if table is not None}
    return [check(cohort, given) for check in (*INVARIANTS, *ARITHMETIC)] + second_engine_checks(cohort, given)


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> tuple[Cohort, Frames]:
    return measured(Recipe(n_persons=60, before=14, has_services=True), 1, tmp_path_factory.mktemp("sound"))


def edited(table: pd.DataFrame, rows: Any, column: str, value: Any) -> pd.DataFrame:
    """A copy of a table with one column changed in some rows."""
    copy = table.copy()
    copy[column] = copy[column].astype(object) if isinstance(value, str) else copy[column]
    copy.loc[rows, column] = value
    return copy


def first_estimated(table: pd.DataFrame, analysis: str) -> Any:
    return table.index[(table["analysis"] == analysis) & (table["status"] == "estimated")][0]


TAMPERINGS: dict[str, Callable[[Frames], Frames]] = {
    "flow adds up": lambda t: {"flow": edited(t["flow"], 0, "n_persons", 99)},
    "inclusion is the end of the flow": lambda t: {"inclusion": edited(t["inclusion"], 0, "n_analysed", 99)},
    "panel is rectangular": lambda t: {"panel": edited(t["panel"], 0, "month_0", 2)},
    "shares lie between 0 and 1": lambda t: {"inclusion": edited(t["inclusion"], 0, "share", 1.2)},
    "effects count the panel's persons": lambda t: {
        "effects": edited(t["effects"], first_estimated(t["effects"], "centre_unadjusted"), "n_control", 99)
    },
    "effects are complete": lambda t: {
        "effects": edited(t["effects"], first_estimated(t["effects"], "by_month"), "p_value", np.nan)
    },
    "randomisation is complete": lambda t: {
        "randomisation": edited(t["randomisation"], first_estimated(t["randomisation"], "pooled"), "p_value", np.nan)
    },
    "waiting adds up": lambda t: {"time_to_job": edited(t["time_to_job"], 1, "n_events", 9)},
    "accumulated is complete": lambda t: {
        "accumulated": edited(t["accumulated"], t["accumulated"]["p_value"].first_valid_index(), "p_value", np.nan)
    },
    "achieved adds up": lambda t: {
        "achieved": edited(t["achieved"], t["achieved"]["mean_control"].first_valid_index(), "mean_control", 0.4321)
    },
    "specifications hold the pooled effect": lambda t: {
        "specifications": edited(t["specifications"], t["specifications"]["is_main"], "estimate", 0.123456789)
    },
    "receipt adds up": lambda t: {"receipt": edited(t["receipt"], 0, "n_received", 0)},
    "complier effects are ratios": lambda t: {
        "complier_effects": edited(
            t["complier_effects"], first_estimated(t["complier_effects"], "receipt"), "first_stage", 0.123456789
        )
    },
    "placebo is complete": lambda t: {
        "placebo": edited(t["placebo"], t["placebo"]["status"] == "estimated", "estimate", 0.123456789)
    },
    "missing data are bounded": lambda t: {"missing_data": edited(t["missing_data"], 0, "std_error", np.nan)},
    "published numbers agree": lambda t: {"published_comparison": pd.DataFrame({"term": ["a"], "agrees": [False]})},
    "table5_model_1: statsmodels": lambda t: {
        "coefficients": edited(
            t["coefficients"], first_estimated(t["coefficients"], "table5_model_1"), "estimate", 0.123456789
        )
    },
}


def test_every_check_holds_on_a_sound_cohort(sound: tuple[Cohort, Frames]) -> None:
    assert [check for check in (*checked(*sound), *recomputed_checks(*sound)) if not check.passed] == []


def test_every_check_has_a_tampering(sound: tuple[Cohort, Frames]) -> None:
    cohort, tables = sound
    assert {check(cohort, tables).name for check in INVARIANTS} <= set(TAMPERINGS)


@pytest.mark.parametrize("name", TAMPERINGS)
def test_every_check_can_fail(sound: tuple[Cohort, Frames], name: str) -> None:
    cohort, tables = sound
    failed = {check.name for check in checked(cohort, tables | TAMPERINGS[name](tables)) if not check.passed}
    assert name in failed


@pytest.mark.parametrize(
    ("recipe", "seed"),
    [
        (Recipe(n_persons=25, layout="weekly_wide", not_employed_at_randomisation=False, observed_until=None), 0),
        (Recipe(n_persons=25, n_centres=4, treatments=("x", "y"), has_tiny_centre=True, has_services=True), 1),
        (Recipe(n_persons=25, treatments=("ips", "ipse"), share_leaving=0.3, after_death="missing"), 2),
        (Recipe(n_persons=25, n_centres=4, treatments=("x", "y"), has_tiny_centre=True), 4),
        (Recipe(n_persons=12, n_centres=3), 5),
    ],
)
def test_every_check_holds_where_much_cannot_be_estimated(recipe: Recipe, seed: int, tmp_path: Path) -> None:
    cohort, tables = measured(recipe, seed, tmp_path)
    assert (tables["coefficients"]["status"] != "estimated").any()
    every = (*checked(cohort, tables), *recomputed_checks(cohort, tables))
    assert [check for check in every if not check.passed] == []


WAITING: dict[str, Callable[[Frames], Frames]] = {
    "a risk set": lambda t: {"time_to_job": edited(t["time_to_job"], 2, "n_at_risk", 1)},
    "a censored person": lambda t: {"time_to_job": edited(t["time_to_job"], 1, "n_censored", 7)},
    "the curve": lambda t: {"time_to_job": edited(t["time_to_job"], 3, "survival", 0.5)},
    "the restricted mean": lambda t: {"restricted_mean": edited(t["restricted_mean"], 0, "estimate", 3.0)},
    "persons employed": lambda t: {"panel": edited(t["panel"], t["panel"].index, "month_1", 1)},
}


@pytest.mark.parametrize("name", WAITING)
def test_what_waiting_adds_up_of_can_each_be_wrong(sound: tuple[Cohort, Frames], name: str) -> None:
    cohort, tables = sound
    assert not waiting_adds_up(cohort, tables | WAITING[name](tables)).passed


def test_a_mean_that_months_do_not_allow_is_found(sound: tuple[Cohort, Frames]) -> None:
    cohort, tables = sound
    spoilt = edited(tables["accumulated"], 0, "mean_control", 6.5)
    assert tables["accumulated"]["month_to"][0] == 6
    assert not accumulated_is_complete(cohort, tables | {"accumulated": spoilt}).passed


def of_method(table: pd.DataFrame, method: str) -> Any:
    return table.index[table["method"] == method][0]


BOUNDED: dict[str, Callable[[pd.DataFrame], pd.DataFrame]] = {
    "a lost row": lambda m: m.iloc[:-1],
    "worst above observed": lambda m: edited(m, of_method(m, "worst_case"), "estimate", 0.9),
    "best below observed": lambda m: edited(m, of_method(m, "best_case"), "estimate", -0.9),
    "lower above upper": lambda m: edited(m, of_method(m, "lee_lower"), "estimate", 1.1),
    "the pooled effect": lambda m: edited(m, of_method(m, "observed"), "std_error", 0.001),
    "an error of zero": lambda m: edited(m, of_method(m, "lee_upper"), "std_error", 0.0),
    "a number of what was not estimated": lambda m: edited(m, of_method(m, "indicator"), "status", "collinear"),
}


@pytest.mark.parametrize("name", BOUNDED)
def test_what_bounds_missing_data_can_each_be_wrong(sound: tuple[Cohort, Frames], name: str) -> None:
    cohort, tables = sound
    assert set(tables["missing_data"]["status"]) == {"estimated"}
    spoilt = BOUNDED[name](tables["missing_data"])
    assert not missing_data_is_bounded(cohort, tables | {"missing_data": spoilt}).passed


def test_complete_cases_are_compared_with_the_same_regression(sound: tuple[Cohort, Frames]) -> None:
    """With the covariates of ``pooled``, complete cases are its effect; with others there is nothing to compare."""
    cohort, tables = sound
    row = of_method(tables["missing_data"], "complete_case")
    other = edited(tables["missing_data"], row, "estimate", 0.2)
    assert missing_data_is_bounded(cohort, tables | {"missing_data": other}).passed
    same = replace(cohort, bound=replace(cohort.bound, covariates=("female", "age")))
    table = bound(same, tables["people"], tables["panel"])["missing_data"]
    assert missing_data_is_bounded(same, tables | {"missing_data": table}).passed
    spoilt = edited(table, row, "estimate", table["estimate"][row] + 1e-6)
    assert not missing_data_is_bounded(same, tables | {"missing_data": spoilt}).passed
