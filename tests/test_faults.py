"""A run that is ended from outside, in some stages and some ways; ``make faults`` tries all of them."""

import os

import pytest

from faults import STAGES, Runs, drawn, outcome
from ipseval.products import PRODUCTS

# The first stage, one in the middle and the last, each killed with what runs it; the last also while it exchanges.
TRIED = (("check", "both"), ("estimate", "job"), ("verify", "both"))


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Runs:
    return Runs(tmp_path_factory.mktemp("faults") / "runs")


def test_every_stage_is_tried() -> None:
    assert set(STAGES) == set(PRODUCTS)


@pytest.mark.parametrize(("stage", "kind"), TRIED)
def test_the_same_command_makes_what_an_undisturbed_run_makes(runs: Runs, stage: str, kind: str) -> None:
    seed = int.from_bytes(os.urandom(2))
    number = drawn(stage, kind, seed)
    found = outcome(runs, stage, kind, number)
    assert found.holds, (seed, number, found)
