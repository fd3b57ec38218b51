"""Releases under attack: no protected number can be told within fewer whole numbers than the profile asks for.

The attacker (``tests/attacker*.py``) knows the released tables and the documentation; the truth is what it reads in the
tables for review. ``IPSEVAL_ATTACKS=40`` attacks so many random cohorts, also large ones, under every profile.
"""

import ast
import io
import os
import random
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet as pq
import pytest
import yaml

import attacker_attack
from attacker import System, narrow
from attacker_reads import Rules
from cohorts import Recipe, random_cohort, write_cohort
from fuzz_cohorts import write_drawn
from ipseval.config import Cohort
from ipseval.pipeline import analyse
from ipseval.protect import RELEASED, protect
from ipseval.settings import ROOT, read_cohort
from test_real_trials import cohort_of_months

TESTS = Path(__file__).resolve().parent
N_RANDOM = int(os.environ.get("IPSEVAL_ATTACKS", "3"))
IS_LONG = "IPSEVAL_ATTACKS" in os.environ
DRAWS = {
    "randomisation": {"draws": 99, "seed": 1},
    "bound": {"draws": 99},
}  # p-values and bootstrap errors are no counts
ARMS = [("ips",), ("ips",), ("ips", "ipsplus"), ("ips", "ipsplus", "other")]
RULES = {  # as config/disclosure.yaml documents the profiles
    "ssb": Rules(3, rounds_curve=True),
    "dst": Rules(3),
    "sds": Rules(5),
    "opensafely": Rules(8, base=5),
    "acro": Rules(10, base=5),
}
Tables = dict[str, pd.DataFrame]


def review_of(cohort: Cohort) -> Tables:
    """The tables for review that may be released, in memory."""
    made = analyse(cohort)
    return {name: stage[name] for stage in made.values() for name in RELEASED if name in stage}


def texts(tables: Tables) -> dict[str, str]:
    """Tables as the text of their files."""
    return {name: table.to_csv(index=False) for name, table in tables.items()}


def released_of(cohort: Cohort, review: Tables, profile: str) -> Tables:
    """The tables as they leave under a profile."""
    made = protect(replace(cohort, disclosure={**cohort.disclosure, "profile": profile}), review)
    return {name: made[f"released_{name}"] for name in RELEASED}


def leaks_of(cohort: Cohort, review: Tables, profile: str) -> list[tuple[Any, ...]]:
    """Protected numbers that the release gives away: name, true number, interval."""
    return attacker_attack.attack(texts(released_of(cohort, review, profile)), texts(review), RULES[profile])


def random_recipe(seed: int) -> Recipe:
    """20 to 400 persons (seldom more, in the long run up to 2,000) and everything that varies between trials."""
    draw = random.Random(seed)
    sizes = [20, 30, 40, 60, 90, 150, 250, 400, *([1000, 2000] if IS_LONG else [])]
    layout = draw.choice(["spells", "monthly", "relative_monthly"])
    recipe = Recipe(
        n_persons=draw.choice(sizes), n_centres=draw.randint(1, 8 if IS_LONG else 3), layout=layout,
        treatments=draw.choice(ARMS if IS_LONG else ARMS[:3]),
        before=draw.choice([0, 2, 4]), after=draw.choice([4, 6, 9]), share_missing=draw.choice([0, 0.02, 0.08, 0.2]),
        observed_until=draw.choice(["2018-12", "2018-12", "2014-08"]), after_death=draw.choice(["zero", "missing"]),
        has_tiny_centre=draw.random() < 0.2, has_services=layout != "relative_monthly" and draw.random() < 0.6,
        without=("services",) if layout == "relative_monthly" else (),
        month_rule=draw.choice(["any_day", "reference_week"]), exclude_wage_subsidy=draw.random() < 0.7,
    )  # fmt: skip
    return replace(recipe, has_places=recipe.n_centres > 1 and draw.random() < 0.6)  # files of which name two centres


# --- the attacker ------------------------------------------------------------------------------


def test_the_attacker_knows_nothing_of_the_code() -> None:
    for file in TESTS.glob("attacker*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            names += [str(node.module)] if isinstance(node, ast.ImportFrom) else []
            assert not [name for name in names if name.startswith("ipseval")], file.name


def test_the_attacker_solves_margins() -> None:
    """Two by two within margins, by hand: one hidden cell is the rest; of four hidden cells each has three values."""
    system = System()
    for i, j in ((0, 0), (0, 1), (1, 0), (1, 1)):
        system.number(("cell", i, j))
    for i in (0, 1):
        system.bound(("row", i), 5, 5, "margin")
        system.total(("row", i), [("cell", i, 0), ("cell", i, 1)], "margin")
        system.bound(("column", i), (2, 8)[i], (2, 8)[i], "margin")
        system.total(("column", i), [("cell", 0, i), ("cell", 1, i)], "margin")
    cells = [("cell", i, j) for i in (0, 1) for j in (0, 1)]
    assert narrow(system, cells, 2) == {}
    found = narrow(system, cells, 2.5)
    assert {name: tuple(round(x) for x in bounds) for name, bounds in found.items()} == {
        ("cell", 0, 0): (0, 2), ("cell", 1, 0): (0, 2), ("cell", 0, 1): (3, 5), ("cell", 1, 1): (3, 5)
    }  # fmt: skip
    system.bound(("cell", 0, 0), 1, 1, "shown")
    assert narrow(system, [("cell", 1, 1)], 2) == {("cell", 1, 1): (4.0, 4.0)}


@cache
def small_cohort(folder: Path) -> tuple[Cohort, Tables]:
    """Sixty persons in two centres, and their tables."""
    made = random_cohort(Recipe(n_persons=60, n_centres=2, before=2, after=4), seed=5)
    made.config.update(DRAWS)
    cohort = read_cohort(write_cohort(made, folder))
    return cohort, review_of(cohort)


def test_the_attacker_breaks_a_release_that_hides_small_counts_only(tmp_path: Path) -> None:
    """What every table alone would hide comes back through margins: the attack is not blind."""
    _, review = small_cohort(tmp_path)
    naive = {}
    for name, table in review.items():
        shown = table.astype(object)
        for column in table.columns[table.columns.str.startswith("n_")]:
            small = pd.to_numeric(table[column], errors="coerce").between(1, 2)
            rates = [
                c for c in ("share", "mean", "mean_assigned", "mean_control", "estimate", "survival") if c in table
            ]
            shown.loc[small, [column, *rates]] = ":"
        naive[name] = shown
    assert len(attacker_attack.attack(texts(naive), texts(review), RULES["dst"])) > 20


# --- releases ----------------------------------------------------------------------------------


def test_months_that_are_not_all_observed_tell_nothing_by_who_is_in_them(tmp_path: Path) -> None:
    """Degrees of freedom are the persons of a month less one, and the curve's first step is a month's count."""
    recipe = Recipe(n_persons=90, n_centres=6, layout="relative_monthly", before=2, after=4, without=("services",))
    made = random_cohort(recipe, seed=5)
    made.config.update(DRAWS)
    cohort = read_cohort(write_cohort(made, tmp_path))
    review = review_of(cohort)
    assert (review["employment_by_month"]["n_observed"] < review["employment_by_month"]["n_persons"]).any()
    for profile in ("ssb", "dst") if IS_LONG else ("dst",):
        assert leaks_of(cohort, review, profile) == [], profile


@pytest.mark.parametrize("seed", range(N_RANDOM))
def test_random_cohorts_withstand(seed: int, tmp_path: Path) -> None:
    made = random_cohort(random_recipe(seed), seed=seed)
    made.config.update(DRAWS)
    cohort = read_cohort(write_cohort(made, tmp_path))
    review = review_of(cohort)
    for profile in ("ssb", "dst", "sds", "opensafely", "acro") if IS_LONG else (("ssb", "dst")[seed % 2],):
        assert leaks_of(cohort, review, profile) == [], (seed, profile)


@pytest.mark.parametrize("seed", range(2, 2 + N_RANDOM) if IS_LONG else (8,))
def test_cohorts_of_every_shape_withstand(seed: int, tmp_path: Path) -> None:
    """Drawn as ``make fuzz`` draws them: odd names, strata and blocks, arms in one centre only, columns left out."""
    cohort = read_cohort(write_drawn(seed, tmp_path)[0])
    review = review_of(cohort)
    for profile in RULES if IS_LONG else ("dst",):
        assert leaks_of(cohort, review, profile) == [], (seed, profile)


def test_the_release_of_the_default_cohort_withstands(default_results: Path) -> None:
    """By its files, under its own profile; what a release is for stays whole."""
    review, released = (
        {name: (default_results / place / f"{name}.csv").read_text(encoding="utf-8") for name in RELEASED}
        for place in ("review", "release/data")
    )
    assert attacker_attack.attack(released, review, RULES["ssb"]) == []
    curve = pd.read_csv(io.StringIO(released["employment_by_month"]), dtype=str)
    terms = pd.read_csv(io.StringIO(released["coefficients"]), dtype=str)
    assert not (curve[curve["centre"] == "all"] == ":").any(axis=None)
    assert not (terms[terms["analysis"].str.startswith("table5")] == ":").any(axis=None)


@pytest.mark.skipif(not IS_LONG, reason="the cohort's own profile is attacked in a test of its own; make attack")
@pytest.mark.parametrize("profile", ["dst", "acro"])
def test_the_default_cohort_withstands_under_other_profiles(profile: str, tmp_path: Path) -> None:
    source = ROOT / "config" / "cohorts" / "norway-six-centre.yaml"
    config = yaml.safe_load(source.read_text(encoding="utf-8"))
    config |= {**DRAWS, "extracts": str((source.parent / config["extracts"]).resolve()), "published": None}
    path = tmp_path / "twin.yaml"
    path.write_text(yaml.safe_dump(config, sort_keys=False), encoding="utf-8")
    cohort = read_cohort(path)
    assert leaks_of(cohort, review_of(cohort), profile) == []


@pytest.mark.parametrize("profile", ["ssb", "dst", "acro"] if IS_LONG else ["ssb"])
def test_a_real_trial_withstands(profile: str, tmp_path: Path) -> None:
    path = cohort_of_months("ctn0051", tmp_path)
    path.write_text(path.read_text(encoding="utf-8") + yaml.safe_dump(DRAWS), encoding="utf-8")
    cohort = read_cohort(path)
    assert leaks_of(cohort, review_of(cohort), profile) == []


LABELS = {  # how the trial list holds a label
    "text": {"female": "string", "centre": "string"},
    "category": {"female": "dictionary", "centre": "dictionary"},
    "truth": {"female": "bool"},
    "fraction": {"female": "float64", "centre": "float64"},
}


def test_the_type_of_a_label_changes_nothing(tmp_path: Path) -> None:
    """A label 1 is protected as it is when it is text, true, or a category."""
    made = random_cohort(Recipe(n_persons=24, n_centres=2, before=0, after=2, without=("persons",)), seed=5)
    made.config.update(DRAWS)
    released = {}
    for name, kinds in ({"whole numbers": {}} | LABELS).items():
        folder = tmp_path / name
        folder.mkdir()
        path = write_cohort(made, folder)
        file = next(folder.rglob("trial*.parquet"))
        trial = pq.read_table(file)
        for column, kind in kinds.items():
            is_category = kind == "dictionary"
            values = trial[column].combine_chunks().cast("string" if is_category else kind)
            values = values.dictionary_encode() if is_category else values
            trial = trial.set_column(trial.column_names.index(column), column, values)
        pq.write_table(trial, file)
        cohort = read_cohort(path)
        tables = protect(cohort, review_of(cohort))
        released[name] = texts({table: tables[f"released_{table}"] for table in RELEASED})
    for name in LABELS:
        assert released[name] == released["whole numbers"], name
