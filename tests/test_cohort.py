"""What the stage cohort and the check say of persons and hours that are not known."""

from dataclasses import replace
from pathlib import Path

import pytest

from cohorts import Recipe, random_cohort, write_cohort
from ipseval.errors import UserError
from ipseval.pipeline import measure
from ipseval.settings import read_cohort


def test_the_flow_counts_who_is_kept_because_the_day_is_not_known(tmp_path: Path) -> None:
    recipe = Recipe(n_persons=30, layout="weekly_wide", observed_until=None)  # weeks begin after month 0
    made = measure(read_cohort(write_cohort(random_cohort(recipe, 3), tmp_path)))
    flow, people = made["cohort"]["flow"], made["cohort"]["people"]
    reasons = flow.loc[flow["step"] == "employed_at_randomisation", "reason"].unique()
    assert len(reasons) == 1
    assert f"{len(people)} persons whose employment then is not known are kept: control " in reasons[0]


def test_a_register_of_spells_knows_every_day(tmp_path: Path) -> None:
    made = measure(read_cohort(write_cohort(random_cohort(Recipe(n_persons=30), 3), tmp_path)))
    assert not made["cohort"]["flow"]["reason"].str.contains("not known").any()


def test_hours_that_were_not_delivered_cannot_be_asked_for(tmp_path: Path) -> None:
    recipe = Recipe(n_persons=30, layout="relative_monthly", not_employed_at_randomisation=False)
    cohort = read_cohort(write_cohort(random_cohort(recipe, 3), tmp_path))
    with pytest.raises(UserError, match="min_weekly_hours is above 0, but employment was delivered without"):
        measure(replace(cohort, outcome=replace(cohort.outcome, min_weekly_hours=15)))
