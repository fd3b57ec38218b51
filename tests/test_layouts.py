"""The same simulated trial in every layout and from every register: the same persons, the same panel."""

import hashlib
from dataclasses import replace
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
from ipseval.check import check
from ipseval.clean import clean
from ipseval.cohort import select
from ipseval.contracts import EXTRACTS
from ipseval.errors import UserError
from ipseval.follow import follow
from ipseval.panel import panel
from ipseval.registers.layouts import DAY, LAYOUTS
from ipseval.settings import presets, read_cohort
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


MADE: dict[str, Outcome] = {}  # digest of a delivery -> what became of it


def made(folder: Path, extract: str, delivered: Delivered, rule: dict[str, Any]) -> Outcome:
    """What becomes of a delivery; one that holds the same bytes was made before."""
    file = written(folder, extract, delivered, rule, delivered.said)
    digest = hashlib.sha256()
    for each in sorted(p for p in folder.rglob("*") if p.is_file()):
        digest.update(f"{each.relative_to(folder)} {each.stat().st_size} ".encode() + each.read_bytes())
    if (key := digest.hexdigest()) not in MADE:
        MADE[key] = outcome(file)
    return MADE[key]


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
    layout = LAYOUTS.get(presets().get(name, {}).get("layout", name))
    judged = (
        [] if extract != "employment" or layout is None or layout.grain == DAY else ["is_analysed"]
    )  # by the month, or the week, before
    pd.testing.assert_frame_equal(*(made.people.drop(columns=judged) for made in (found, expected)))
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
    assert differs == (name == "across_2015" or bool(stated.replace(ras_loses(), "")))


def ras_loses() -> str:
    return presets()["ras"]["loses"]


def test_ras_spells_lose_employers_and_hours_and_nothing_else(tmp_path: Path) -> None:
    """Months in work are the same; what hours and employers make has no number and says why."""
    assert ras_loses() == "Employers and hours."
    delivered = SIMULATORS["ras"][1](truth())
    rows = truth()["employment"]
    given = {"ras": delivered, "all": Delivered({"employment.parquet": rows}, {"layout": "spells"}, rows)}
    found = {name: followed(tmp_path / name, each) for name, each in given.items()}
    keys = ["outcome", "centre", "arm", "month_from", "month_to", "variance"]
    ras, full = (frame.set_index(keys) for frame in found.values())
    lost = ras.index.get_level_values("outcome").isin(["weekly_hours", "n_employers", "n_jobs"])
    assert ras.index.equals(full.index) and 0 < lost.sum() < len(ras)
    pd.testing.assert_frame_equal(ras[~lost], full[~lost])
    assert set(full["status"]) == {"estimated"} and full["estimate"].notna().all()
    assert set(ras.loc[lost, "status"]) == {"not_delivered"} and ras.loc[lost, "estimate"].isna().all()
    with pytest.raises(UserError, match="employment was delivered without weekly_hours"):
        made(tmp_path / "hours", "employment", delivered, RULES[-1])


def followed(folder: Path, delivered: Delivered) -> pd.DataFrame:
    """``accumulated.csv`` of a delivery of employment."""
    file = written(folder, "employment", delivered, {"month_rule": "any_day"}, delivered.said)
    cohort = read_cohort(file)
    checked = check(cohort)
    cleaned = clean({name: checked[name] for name in EXTRACTS})
    people = select(cohort, cleaned)["people"]
    months = panel(cohort, people, cleaned)["panel"]
    return follow(cohort, people, months, cleaned["employment"])["accumulated"]


def within(rows: pd.DataFrame, delivered: Delivered) -> pd.DataFrame:
    """Rows of the months that a register speaks of: its beginning is no loss of the layout."""
    first = delivered.more.get("observed_from")
    if first is None:
        return rows
    start = rows["start_on"].clip(lower=pd.Timestamp(f"{first}-01"))
    return rows.assign(start_on=start)[~(rows["end_on"] < pd.Timestamp(f"{first}-01"))]


# --- what the check finds in them ----------------------------------------------------------------


def without(delivered: Delivered, *names: str) -> Delivered:
    return replace(delivered, files={name: frame for name, frame in delivered.files.items() if name not in names})


def refusal(folder: Path, extract: str, delivered: Delivered, said: Any = None, **more: Any) -> str:
    """What the check says of a delivery, sentence by sentence."""
    delivered = replace(delivered, more=delivered.more | more)
    file = written(folder, extract, delivered, RULES[0], said or delivered.said)
    with pytest.raises(UserError) as refused:
        outcome(file)
    return str(refused.value)


def test_what_is_no_employment_is_left_out_and_counted(tmp_path: Path) -> None:
    found = made(tmp_path, "employment", SIMULATORS["a_ordningen"][1](truth()), RULES[0])
    quality = found.quality[found.quality["extract"] == "employment"].set_index(["rule", "column"])
    # 24 months with 40 persons on a pension and 40 on leave
    assert quality.loc[("excluded_by_code", "kind"), "n_rows"] == 24 * 40
    assert quality.loc[("excluded_by_code", "status"), "n_rows"] == 24 * 40
    assert quality.loc[("renamed_column", "person_id"), "action"] == "fix"
    assert quality.loc[("converted_type", "weekly_hours"), "n_rows"] > 0
    assert quality.loc[("outside_period", ""), "action"] == "drop"


def test_hours_that_change_their_meaning_within_the_window_are_flagged(tmp_path: Path) -> None:
    delivered = SIMULATORS["across_2015"][1](truth())
    found = made(tmp_path / "with", "employment", delivered, RULES[2])
    assert found.counts("hours_break", "employment") == (0, 80, {"warn"})
    found = made(tmp_path / "without", "employment", delivered, RULES[0])
    assert found.counts("hours_break")[1] == 0
    early = replace(delivered, more={"window": {"before": 12, "after": 0}})
    assert made(tmp_path / "early", "employment", early, RULES[2]).counts("hours_break")[1] == 0


@pytest.mark.parametrize(
    ("name", "file", "says"),
    [
        ("a_ordningen", "ameld_statdata_2015_m9.parquet", "2015-09 has no row in"),
        ("monthly", "employment/jobs201409.parquet", "2014-09 has no row in employment/, though the months beside"),
        ("across_2015", "atmlto2013.parquet", "2013 has no row in atmlto"),
        ("across_2015", "atmlto2014.parquet", "2014 has no row in atmlto"),
    ],
)
def test_a_month_whose_file_lacks_is_told(name: str, file: str, says: str, tmp_path: Path) -> None:
    delivered = SIMULATORS[name][1](truth())
    text = refusal(tmp_path, "employment", without(delivered, file))
    assert says in text
    assert text.count("\n") == 0


def test_two_files_of_one_month_are_told_by_their_names(tmp_path: Path) -> None:
    delivered = SIMULATORS["a_ordningen"][1](truth())
    again = {"ameld_statdata_2015_m09.parquet": delivered.files["ameld_statdata_2015_m9.parquet"]}
    text = refusal(tmp_path, "employment", replace(delivered, files=delivered.files | again))
    assert "ameld_statdata_2015_m09.parquet, ameld_statdata_2015_m9.parquet hold rows of the same month." in text


def test_a_file_without_a_month_in_its_name_is_told(tmp_path: Path) -> None:
    delivered = SIMULATORS["monthly"][1](truth())
    again = {"employment/jobs_new.parquet": delivered.files["employment/jobs201409.parquet"]}
    text = refusal(tmp_path, "employment", replace(delivered, files=delivered.files | again))
    assert "employment/ has no column 'year_month'." in text
    assert "Or have the month stand in the name of every file." in text


def test_files_that_no_extract_reads_are_named(tmp_path: Path) -> None:
    delivered = SIMULATORS["a_ordningen"][1](truth())
    copies = {f"old/{name}": frame for name, frame in list(delivered.files.items())[:2]}
    found = made(tmp_path / "warn", "employment", replace(delivered, files=delivered.files | copies), RULES[0])
    assert found.counts("unread_file") == (0, 0, {"warn"})
    more = {"checks": {"unread_file": "stop"}}
    text = refusal(tmp_path / "stop", "employment", replace(delivered, files=delivered.files | copies), **more)
    assert "old/ameld_statdata_2015_m1.parquet, old/ameld_statdata_2015_m2.parquet are read for no extract." in text


def test_a_benefit_in_weeks_that_were_not_delivered_is_unknown(tmp_path: Path) -> None:
    delivered = SIMULATORS["dream"][1](truth())
    late = ["PNR", *(f"y_{year}{week:02d}" for year in (14, 15) for week in range(1, 53))]
    found = made(
        tmp_path,
        "benefits",
        replace(delivered, files={"dream.parquet": delivered.files["dream.parquet"][late]}),
        RULES[0],
    )
    known = found.people["randomised_on"] >= pd.Timestamp("2013-12-30")  # Monday of the first week of 2014
    assert 0 < known.sum() < len(known)
    shares = found.people.filter(like="benefit[")
    assert shares.notna().all(axis=1).tolist() == shares.notna().any(axis=1).tolist() == known.tolist()


def test_a_key_under_two_names_in_one_file_is_told_and_the_first_is_read(tmp_path: Path) -> None:
    delivered = SIMULATORS["ras"][1](truth())
    given = delivered.files["employment.parquet"].assign(PNR="nobody")
    found = made(tmp_path, "employment", replace(delivered, files={"employment.parquet": given}), RULES[0])
    assert found.counts("several_names", "employment")[2] == {"warn"}
    assert found.counts("nobody_linked")[2] == set()


SAID: dict[str, tuple[str, Any, str]] = {
    "a register misspelt": ("employment", {"layout": "a_ordning"}, "no layout. Did you mean 'a_ordningen'?"),
    "no period": ("employment", {"layout": "spells_in_period"}, "layouts.employment.period is missing."),
    "a strange period": (
        "employment",
        {"layout": "spells_in_period", "period": "week"},
        "layouts.employment.period does not fit. Expected: month or year.",
    ),
    "benefits without codes": (
        "benefits",
        {"layout": "weekly_wide"},
        "layouts.benefits.received is missing. It says: Of another extract than employment:",
    ),
    "jobs of persons": ("persons", {"layout": "bfl"}, "in which persons cannot arrive. Known: spells, persons_by"),
    "benefits as jobs": (
        "employment",
        {"layout": "dream", "received": ["1"]},
        "layouts.employment.layout is 'dream', in which employment cannot arrive. Known: spells,",
    ),
    "two lists of persons": ("persons", [{"layout": "spells"}] * 2, "layouts.persons names several parts."),
    "an unknown constant": (
        "employment",
        {"layout": "spells", "constants": {"knd": "x"}},
        "constants.employment.knd is no column of ours. Did you mean 'kind'?",
    ),
    "files that are not there": (
        "employment",
        {"layout": "spells", "files": "jobs_*.parquet"},
        "jobs_*.parquet was not delivered.",
    ),
    "an exclusion without its column": (
        "employment",
        {"layout": "a_ordningen", "files": "employment.parquet", "columns": {"person_id": "person_id"}},
        "exclusions.employment names 'status', which employment.parquet does not have.",
    ),
}


@pytest.mark.parametrize("name", SAID)
def test_what_a_layout_needs_is_told(name: str, tmp_path: Path) -> None:
    extract, said, says = SAID[name]
    assert says in refusal(tmp_path, extract, SIMULATORS["spells"][1](truth()), said)


@pytest.mark.parametrize(
    ("name", "column"),
    [
        ("a_ordningen", "arb_start"),
        ("bfl", "ajo_fuldtid_beskaeftiget"),
        ("dream", "y_1401"),
        ("fd_trygd", "tilgdato_mnd"),
        ("faste_oppl", "foedsels_aar_mnd"),
        ("bu", "nus2000"),
    ],
)
def test_a_refused_register_is_told_without_a_value(name: str, column: str, tmp_path: Path) -> None:
    extract, simulator = SIMULATORS[name]
    delivered = simulator(truth())
    files = {  # a code of one person each: what several persons have may be told, so that somebody can declare it
        file: frame.assign(**{column: [f"Kanari {i}" for i in range(len(frame))]})
        for file, frame in delivered.files.items()
    }
    text = refusal(tmp_path, extract, replace(delivered, files=files))
    assert "Kanari" not in text
    assert len(text) > 0


def test_what_the_cohort_says_goes_on_top_of_the_register(tmp_path: Path) -> None:
    delivered = SIMULATORS["ras"][1](truth())
    given = delivered.files["employment.parquet"].rename(columns={"ansfra": "fra"})
    said = {"layout": "ras", "columns": {"start_on": "fra"}, "observed_until": "2015-12"}
    found = made(tmp_path / "found", "employment", Delivered({"employment.parquet": given}, said, given), RULES[0])
    rows = delivered.carried
    plain = Delivered({"employment.parquet": rows}, {"layout": "spells", "observed_until": "2015-12"}, rows)
    expected = made(tmp_path / "expected", "employment", plain, RULES[0])  # later months are missing
    pd.testing.assert_frame_equal(found.panel, expected.panel)
    assert found.counts("outside_source", "employment")[2] == {"fix"}
