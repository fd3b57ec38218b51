"""Outcomes built from states: a three-arm trial whose outcome counts more than ordinary jobs, day by day."""

from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from cohorts import SCHEMAS, Cohort, Recipe, random_cohort, write_cohort
from ipseval.errors import UserError
from ipseval.panel import MONTH_COLUMN
from ipseval.pipeline import measure, run
from ipseval.settings import read_cohort
from oracle import (
    Person,
    after_leaving,
    covers,
    days_of,
    everybody,
    from_the_day,
    has_enough_hours,
    is_covered,
    is_null,
    is_subsidised,
    month_of,
    rule_holds,
    spells_of,
)

STATES = {
    "fleksjob": {"employment": ["fleksjob"]},
    "private_subsidy": {"wage_subsidy": ["private", 7]},
    "education": {"benefits": ["student_grant"], "services": ["course"]},
}
OUTCOMES = {
    "danish": ["ordinary", "fleksjob", "private_subsidy"],
    "work_or_education": ["ordinary", "fleksjob", "private_subsidy", "education"],
}
OF_STATE = {"wage_subsidy": "measure", "benefits": "benefit", "services": "service"}
RECIPES = {
    "any_day": Recipe(n_persons=90, treatments=("ips", "ipse"), before=2, after=7),
    "weeks_and_hours": Recipe(
        n_persons=80, treatments=("ips", "ipse"), before=1, after=6, month_rule="reference_week", min_weekly_hours=15,
        exclude_wage_subsidy=False, after_death="missing", share_leaving=0.3, observed_until="2014-08",
    ),
}  # fmt: skip


def danish(recipe: Recipe, seed: int) -> Cohort:
    """A random cohort whose jobs are of several kinds, with benefits and services."""
    plain, rng = random_cohort(recipe, seed), np.random.default_rng(seed)
    extracts, keys = dict(plain.extracts), plain.extracts["trial"]["person_id"].tolist()
    extracts["employment"] = extracts["employment"].assign(
        kind=lambda rows: rng.choice(np.array(["permanent", "fleksjob", None], object), len(rows), p=[0.5, 0.3, 0.2])
    )
    extracts["wage_subsidy"] = extracts["wage_subsidy"].assign(
        measure=lambda rows: rng.choice(np.array(["public", "private", "7"], object), len(rows))
    )
    for name, codes in (("benefits", ["student_grant", "sickness"]), ("services", ["course", "ips"])):
        rows = [
            {
                "person_id": str(rng.choice(keys)),
                OF_STATE[name]: str(rng.choice(codes)),
                "start_on": date(2013, 1, 1) + pd.Timedelta(days=int(rng.integers(700))),
                "end_on": None,
            }
            for _ in range(60)
        ]
        rows = [row | {"end_on": row["start_on"] + pd.Timedelta(days=int(rng.integers(90)))} for row in rows]
        extracts[name] = pd.DataFrame(rows).astype(object)
    config = {**plain.config, "states": STATES, "outcomes": OUTCOMES}
    config["outcome"] = {**config["outcome"], "primary": "work_or_education"}
    own = {
        "danish_pooled": {"outcome": "danish", "months": "follow_up"},
        "strict": {"outcome": "ordinary_employment", "months": "follow_up"},
    }
    return replace(plain, extracts=extracts, config={**config, "analyses": own})


def written(cohort: Cohort, folder: Path) -> Path:
    """The cohort file of a Danish cohort, with its further extracts beside the others."""
    others = ("benefits", "services")
    path = write_cohort(replace(cohort, extracts={k: v for k, v in cohort.extracts.items() if k not in others}), folder)
    for name in others:
        frame = cohort.extracts[name]
        schema = pa.schema([(c, SCHEMAS["spells"].get(c, pa.string())) for c in frame])
        pq.write_table(
            pa.Table.from_pylist(frame.to_dict("records"), schema=schema), folder / "extracts" / f"{name}.parquet"
        )
    return path


def any_value(values: list[int | None]) -> int | None:
    """One when any is one, else not known when any is not, else zero."""
    return 1 if 1 in values else None if None in values else 0


def holds(person: Person, surely: list[bool | None], month: int, rule: Any) -> int | None:
    """Whether the rule holds by jobs that surely count (True), or may by those that are not known to (None) as well."""
    known = [job for job, counts in zip(person.jobs, surely, strict=True) if counts]
    if rule_holds(from_the_day(person, known, month), month, rule):
        return 1
    perhaps = [job for job, counts in zip(person.jobs, surely, strict=True) if counts is not False]
    return None if rule_holds(from_the_day(person, perhaps, month), month, rule) else 0


def states_in(
    person: Person, extracts: dict[str, pd.DataFrame], month: int, config: dict[str, Any]
) -> dict[str, int | None]:
    """Every state of a person in a month, by its days: 1, 0 or None where a kind or hours that are not told decide."""
    outcome, found = config["outcome"], {}
    enough = [has_enough_hours(job, outcome["min_weekly_hours"]) for job in person.jobs]
    kinds = [None if is_null(job["kind"]) else job["kind"] == "fleksjob" for job in person.jobs]
    both = [False if False in (e, k) else None if None in (e, k) else True for e, k in zip(enough, kinds, strict=True)]
    found["fleksjob"] = holds(person, both, month, outcome["month_rule"])
    others = [None if k is None else not k for k in kinds]
    both = [False if False in (e, k) else None if None in (e, k) else True for e, k in zip(enough, others, strict=True)]
    found["ordinary"] = holds(person, both, month, outcome["month_rule"])
    found["any kind"] = holds(person, enough, month, outcome["month_rule"])  # ordinary or fleksjob: either counts
    if is_subsidised(person, month) and outcome["exclude_wage_subsidy"]:
        found |= {state: 0 for state in ("ordinary", "any kind") if found[state]}
    for state in ("private_subsidy", "education"):
        spells = []
        for name, codes in STATES[state].items():
            rows = extracts[name][extracts[name]["person_id"] == person.key].to_dict("records")
            cut = spells_of(rows, person.died_on, [gone for gone, _ in person.absences])
            own = [spell for spell in cut if spell[OF_STATE[name]] in map(str, codes)]
            spells += from_the_day(person, own, month)
        found[state] = int(any(covers(spell, day) for spell in spells for day in days_of(month)))
    return found


@pytest.mark.parametrize("name", RECIPES)
def test_outcomes_are_any_of_their_states(name: str, tmp_path: Path) -> None:
    cohort = danish(RECIPES[name], seed=4)
    made = measure(read_cohort(written(cohort, tmp_path)))
    panel = made["panel"]["panel"].set_index(["outcome", "person_id"])
    names = set(panel.index.get_level_values("outcome"))
    assert {name for name in names if not name.startswith("missing[")} == {
        "ordinary_employment", "employment", "wage_subsidy", *STATES, *OUTCOMES,
    }  # fmt: skip
    counted = {"ordinary_employment": ["ordinary"], **OUTCOMES, **{state: [state] for state in STATES}}
    seen = dict.fromkeys(counted, 0)
    window = range(-cohort.config["window"]["before"], cohort.config["window"]["after"] + 1)
    for person in everybody(cohort.extracts, cohort.config):
        for k in window:
            month = month_of(person.randomised_on) + k
            found = states_in(person, cohort.extracts, month, cohort.config)
            for outcome, states in counted.items():
                whole = ["any kind"] if {"ordinary", "fleksjob"} <= set(states) else []
                value = any_value([found[state] for state in (*states, *whole)])
                value = after_leaving(person, month, cohort.config, value)
                value = -1 if value is None or not is_covered(month, cohort.config) else value
                assert panel.loc[(outcome, person.key), MONTH_COLUMN.format(k)] == value, (outcome, k)
                seen[outcome] += value == 1
    assert min(seen.values()) > 10


def test_every_analysis_is_about_the_primary_outcome_or_its_own(tmp_path: Path) -> None:
    cohort = danish(RECIPES["any_day"], seed=5)
    made = run(written(cohort, tmp_path), tmp_path / "results")  # verify re-estimates all of them
    effects = made["effects"]
    of_analysis = effects.groupby("analysis")["outcome"].unique().map(list).to_dict()
    assert of_analysis.pop("danish_pooled") == ["danish"]
    assert of_analysis.pop("strict") == ["ordinary_employment"]
    assert set(map(tuple, of_analysis.values())) == {("work_or_education",)}
    assert set(effects["arm"]) == {"ips", "ipse"}
    pooled = effects[effects["variance"] == "cr1"].set_index(["analysis", "arm"])["mean_control"]
    assert pooled["strict", "ips"] < pooled["danish_pooled", "ips"] < pooled["adjustment_none", "ips"]
    months = made["employment_by_month"]
    assert (months["n_employed"] <= months["n_observed"]).all()


def spoilt(tmp_path: Path, **changed: Any) -> Path:
    cohort = danish(RECIPES["any_day"], seed=6)
    path = written(cohort, tmp_path)
    path.write_text(yaml.safe_dump({**cohort.config, **changed}, sort_keys=False), encoding="utf-8")
    return path


def test_a_code_that_no_row_has_is_noted_where_that_is_asked_for(tmp_path: Path) -> None:
    states = {**STATES, "fleksjob": {"employment": ["fleksjob", "flexjob"]}}
    checks = {"code_not_found": "warn"}
    quality = measure(read_cohort(spoilt(tmp_path, states=states, checks=checks)))["check"]["quality"]
    (row,) = quality[quality["rule"] == "code_not_found"].itertuples()
    assert (row.extract, row.column, row.action) == ("employment", "kind", "warn")


@pytest.mark.parametrize("extract", ["benefits", "wage_subsidy"])
def test_a_state_without_its_extract_is_refused(extract: str, tmp_path: Path) -> None:
    cohort = read_cohort(spoilt(tmp_path))
    (tmp_path / "extracts" / f"{extract}.parquet").unlink()
    with pytest.raises(UserError) as refused:
        measure(cohort)
    assert f"needs {extract} with {OF_STATE[extract]}, which was not delivered" in str(refused.value)
