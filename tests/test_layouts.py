"""The same simulated trial in every layout and from every register: the same persons, the same panel."""

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from deliveries import Outcome, outcome
from ipseval.layouts import LAYOUTS
from ipseval.settings import presets
from ipseval.simulate import Centre, Plan, simulate
from registers import FIRST, LAST, SIMULATORS, Delivered, Frames

RULES: tuple[dict[str, Any], ...] = (
    {"month_rule": "any_day"},
    {"month_rule": "reference_week"},
    {"month_rule": {"min_days": 12}, "min_weekly_hours": 10},
)


@cache
def truth() -> Frames:
    """A trial of 80 persons who are followed across January 2015."""
    plan = Plan(
        centres={"1": Centre(40, 0.0, {"ips": 0.2}), "2": Centre(40, 0.6, {"ips": 0.1})},
        n_outside_trial=10,
        recruited_from="2013-07",
        recruited_until="2014-06",
        observed_from=FIRST,
        observed_until=LAST,
        death_rate=0.003,
        emigration_rate=0.003,
    )
    return with_days_that_matter(simulate(plan, np.random.default_rng(7)))


def with_days_that_matter(frames: Frames) -> Frames:
    """One benefit begun the day after randomisation, and one level completed on that day."""
    trial = frames["trial"][frames["trial"]["randomised_on"].dt.day == 10].head(1)
    person, day = trial[["person_id"]].reset_index(drop=True), trial["randomised_on"].iloc[0]
    later = person.assign(benefit="new_benefit", start_on=day + pd.Timedelta(1, "D"), end_on=day + pd.Timedelta(9, "D"))
    level = person.assign(level=8, completed_on=day)
    more = {"benefits": later, "education": level}
    return frames | {name: pd.concat([frames[name], rows], ignore_index=True) for name, rows in more.items()}


def written(folder: Path, extract: str, delivered: Delivered, rule: dict[str, Any], said: Any) -> Path:
    """Write a delivery and its cohort file."""
    place = folder / "extracts"
    frames = {f"{name}.parquet": frame for name, frame in truth().items() if name != extract} | delivered.files
    for name, frame in frames.items():
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(pa.Table.from_pandas(frame, preserve_index=False), place / name)
    config = {
        "extracts": "extracts",
        "observed_from": FIRST,
        "observed_until": LAST,
        "arms": {"reference": "control", "treatments": ["ips"]},
        "centres": {1: "North", 2: "South"},
        "window": {"before": 12, "after": 24},
        "outcome": rule,
        "layouts": {extract: said},
        **delivered.more,
    }
    file = folder / "north.yaml"
    file.write_text(yaml.safe_dump(config, sort_keys=False), encoding="utf-8")
    return file


def made(folder: Path, extract: str, delivered: Delivered, rule: dict[str, Any]) -> Outcome:
    return outcome(written(folder, extract, delivered, rule, delivered.said))


def plainly(folder: Path, extract: str, rows: pd.DataFrame, delivered: Delivered, rule: dict[str, Any]) -> Outcome:
    """What becomes of the same rows when they are delivered as the contract has them."""
    plain = Delivered({f"{extract}.parquet": rows}, {"layout": "spells"}, rows, delivered.more)
    return made(folder, extract, plain, rule)


def test_every_layout_and_every_register_has_a_simulator() -> None:
    assert set(SIMULATORS) - {"across_2015"} == {*LAYOUTS, *presets()}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: str(rule["month_rule"]))
@pytest.mark.parametrize("name", SIMULATORS)
def test_the_same_trial_in_another_layout_gives_the_same_panel(name: str, rule: dict, tmp_path: Path) -> None:
    extract, simulator = SIMULATORS[name]
    delivered = simulator(truth())
    if extract == "employment" and "weekly_hours" not in delivered.carried:
        rule = {key: value for key, value in rule.items() if key != "min_weekly_hours"}
    found = made(tmp_path / "layout", extract, delivered, rule)
    expected = plainly(tmp_path / "plain", extract, delivered.carried, delivered, rule)
    pd.testing.assert_frame_equal(found.panel, expected.panel)
    pd.testing.assert_frame_equal(found.people, expected.people)
    months = found.panel.filter(like="month_")
    assert {0, 1} <= set(np.unique(months))  # a panel of one value only would prove nothing


@pytest.mark.parametrize("name", SIMULATORS)
def test_what_a_layout_loses_is_lost_and_what_it_keeps_is_kept(name: str, tmp_path: Path) -> None:
    extract, simulator = SIMULATORS[name]
    delivered = simulator(truth())
    differs = False
    for number, rule in enumerate(RULES[:2]):
        found = made(tmp_path / f"layout{number}", extract, delivered, rule)
        full = plainly(tmp_path / f"plain{number}", extract, within(truth()[extract], delivered), delivered, rule)
        differs |= not (found.panel.equals(full.panel) and found.people.equals(full.people))
    spec = presets().get(name, {})
    stated = "" if name == "across_2015" else LAYOUTS[spec.get("layout", name)].loses + spec.get("loses", "")
    assert differs == (name == "across_2015" or bool(stated.replace("Employers and hours.", "")))


def within(rows: pd.DataFrame, delivered: Delivered) -> pd.DataFrame:
    """Rows of the months that a register speaks of: its beginning is no loss of the layout."""
    first = delivered.more.get("observed_from")
    if first is None:
        return rows
    start = rows["start_on"].clip(lower=pd.Timestamp(f"{first}-01"))
    return rows.assign(start_on=start)[~(rows["end_on"] < pd.Timestamp(f"{first}-01"))]
