"""Drawn cohorts run whole; ``make fuzz`` draws many more, with seeds that nobody chose."""

import random
from pathlib import Path

import pytest

from fuzz_cohorts import outcome_of, recipe_of, write_drawn

WHOLE = (1,)  # with the pixels of every figure, which take half the time
COMPOSED = (  # the first of at most 60 persons and a year; ``make fuzz`` draws larger ones, too
    *(4, 6, 7, 8, 13, 16, 20, 21, 22, 29, 31, 36, 38, 42, 43, 46, 60, 62),
    963701866,  # a window of month 0 alone, and persons whom the curve leaves out: their number is another's
    895415438,  # a treatment without a period before stands beside one with: months that are partly unknown
)


@pytest.mark.parametrize("seed", [*WHOLE, *COMPOSED])
def test_a_drawn_cohort_ends_with_verified_results(seed: int, tmp_path: Path) -> None:
    found = outcome_of(seed, tmp_path, with_pixels=seed in WHOLE)
    assert (found.ended, found.said) == ("verified", "")


def test_a_seed_gives_the_same_cohort_again(tmp_path: Path) -> None:
    files = []
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
        path, _ = write_drawn(7, tmp_path / name)
        files.append({p.relative_to(tmp_path / name): p.read_bytes() for p in path.parent.rglob("*") if p.is_file()})
    assert files[0] == files[1]


def test_cohorts_are_drawn_from_every_shape() -> None:
    """Two to four arms, one and twelve centres, no month before and many after, missing covariates."""
    recipes = [recipe_of(random.Random(seed)) for seed in range(100)]
    assert {len(recipe.treatments) for recipe in recipes} == {1, 2, 3}
    assert {1, 12} <= {recipe.n_centres for recipe in recipes}
    assert {0, 60} <= {recipe.after for recipe in recipes}
    assert {0.0, 0.9} <= {recipe.share_missing for recipe in recipes}
