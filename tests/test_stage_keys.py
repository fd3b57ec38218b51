"""Whatever of a cohort's choices a stage looks at is among the keys that reach it under Snakemake.

A key that a stage does not name reaches it as its default. One that it reads all the same would count as chosen from a
notebook and as the default in the workflow: protection once modelled what default months tell instead of the cohort's.
"""

import dataclasses
import sys
from typing import Any, ClassVar

import pytest

from ipseval import pipeline
from ipseval.config import Cohort
from ipseval.settings import STAGE_KEYS, WHOLE_KEYS, read_cohort
from test_workflow import small_cohort

# Attributes of a cohort that come of keys of another name.
KEYS = {
    "not_employed_at_randomisation": {"eligibility"},
    "earlier": {"earlier", "disclosure"},
    "mending": {"leave_out", "corrections"},
    "pooled_variance": {"estimation", "synthesis"},
    # What a source is made of: the check reads by all of it, and later stages ask a source for its layout.
    **{key: {"layouts"} for key in ("files", "columns", "values", "exclusions", "dates", "numbers", "zone")},
}
# The stage ``cohort`` tells of covariates that are not there, so that another choice of them reads no register again;
# the command ``check`` tells of them at once.
LEFT = {"check": {"asked_covariates"}}
OF_ITSELF = {"name", "file"}  # what a stage knows of every cohort, or what says where something lies
STAGES = {
    "check": "check", "clean": "clean", "select": "cohort", "panel": "panel", "describe": "describe",
    "estimate": "estimate", "randomise": "randomise", "synthesise": "synthesise", "follow": "follow",
    "receive": "receive", "placebo": "placebo", "bound": "bound", "vary": "vary", "present": "present",
    "protect": "protect", "release": "release",
}  # fmt: skip
FIELDS = {field.name for field in dataclasses.fields(Cohort)}


class Watched(Cohort):
    """A cohort that notes which of its choices are looked at, and not those that are only copied."""

    seen: ClassVar[set[str]] = set()

    def __getattribute__(self, name: str) -> Any:
        if name in FIELDS and sys._getframe(1).f_globals["__name__"] != "dataclasses":
            Watched.seen.add(name)
        return super().__getattribute__(name)


@pytest.fixture(scope="module")
def looked_at(tmp_path_factory: pytest.TempPathFactory) -> dict[str, set[str]]:
    """Stage -> choices that it looked at, in a cohort whose every choice differs from the default."""
    cohort = read_cohort(small_cohort().write(tmp_path_factory.mktemp("keys")))
    watched = Watched(**{field.name: getattr(cohort, field.name) for field in dataclasses.fields(cohort)})
    found: dict[str, set[str]] = {}
    with pytest.MonkeyPatch.context() as patch:
        for function, stage in STAGES.items():
            patch.setattr(pipeline, function, noting(getattr(pipeline, function), stage, found))
        pipeline.compute(watched)
    return found


def noting(function: Any, stage: str, found: dict[str, set[str]]) -> Any:
    def noted(*given: Any) -> Any:
        Watched.seen = set()
        made = function(*given)
        found[stage] = found.get(stage, set()) | Watched.seen
        return made

    return noted


@pytest.mark.parametrize("stage", STAGES.values())
def test_a_stage_is_given_the_choices_that_it_looks_at(looked_at: dict[str, set[str]], stage: str) -> None:
    given = {*WHOLE_KEYS, *OF_ITSELF, *LEFT.get(stage, ()), *(STAGE_KEYS[stage] or ())}
    assert sorted(name for name in looked_at[stage] if not KEYS.get(name, {name}) <= given) == []
