"""Effects of centres put together in a release: over those that may leave, where one centre's stays inside."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from cohorts import Recipe, random_cohort, write_cohort
from ipseval.pipeline import analyse, persons_of
from ipseval.protect import RELEASED, protect
from ipseval.settings import read_cohort


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Four centres, the last with eight persons: its tables, and the release with and without persons to go back to."""
    drawn = random_cohort(Recipe(n_persons=120, n_centres=3, before=0, after=4, share_missing=0), seed=6)
    trial = drawn.extracts["trial"]
    trial.loc[trial.index[:8], "centre"] = 4
    drawn.config["centres"] = {c: f"Centre {c}" for c in range(1, 5)}
    drawn.config.update({"randomisation": {"draws": 99, "seed": 1}, "bound": {"draws": 99}})
    cohort = replace(read_cohort(write_cohort(drawn, tmp_path_factory.mktemp("four"))), disclosure={"profile": "ssb"})
    stages = analyse(cohort)
    review = {name: stage[name] for stage in stages.values() for name in RELEASED if name in stage}
    with_persons = protect(cohort, review, persons=persons_of(stages))
    return review, with_persons, protect(cohort, review)


def tables_of(made: dict[str, pd.DataFrame], analysis: str) -> list[pd.DataFrame]:
    names = ("centre_effects", "heterogeneity", "pooled_effects")
    return [made[f"released_{n}"][lambda t: t["analysis"] == analysis] for n in names]


def test_the_synthesis_is_over_the_centres_that_may_leave(made):
    """Q and the mean by precision again from the effects that the release shows (Cochran 1954)."""
    review, released, without = made
    centres, spread, pooled = tables_of(released, "centre_unadjusted")
    inside = review["centre_effects"].query("analysis == 'centre_unadjusted'").set_index("centre")
    left = centres[centres["estimate"] != ":"]["centre"].tolist()
    assert 2 <= len(left) < inside["weight_precision"].notna().sum()  # one at least is left out
    hidden = centres[~centres["centre"].isin(left)]
    assert (hidden[["estimate", "shrunken", "weight_random", "pooled_without"]] == ":").all(axis=None)
    assert (hidden["status"] == "hidden").all()
    y, w = inside.loc[left, "estimate"].to_numpy(float), 1 / inside.loc[left, "std_error"].to_numpy(float) ** 2
    mean = w @ y / w.sum()
    assert spread["n_centres"].tolist() == [len(left)]
    assert float(spread["q"].iloc[0]) == pytest.approx(float(w @ (y - mean) ** 2), abs=1.1e-4)
    by_precision = pooled[pooled["weighting"] == "precision"].iloc[0]
    assert float(by_precision["estimate"]) == pytest.approx(mean, abs=1.1e-4)
    assert not (pooled["estimate"] == ":").any()
    assert np.isfinite(spread["wald_p"].astype(float)).all()
    _, none_spread, none_pooled = tables_of(without, "centre_unadjusted")
    assert (none_spread["q"] == ":").all() and (none_pooled["estimate"] == ":").all()


def test_what_does_not_need_the_hidden_centre_is_as_before(made):
    _, released, without = made
    again = ("released_centre_effects", "released_heterogeneity", "released_pooled_effects")
    for name in (f"released_{n}" for n in RELEASED):
        if name not in again:
            pd.testing.assert_frame_equal(released[name], without[name])
