"""Persons left out and cells corrected by files beside the delivery: counted, and their keys stand nowhere else."""

import json
from datetime import date
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from deliveries import Delivery, Outcome, good, outcome
from ipseval.check import check, examine
from ipseval.cohort import select
from ipseval.contracts import EXTRACTS
from ipseval.errors import UserError
from ipseval.settings import ROOT, cohort_settings, read_cohort

PERSONS = good().column("trial", "person_id")


def written(folder: Path, delivery: Delivery, **files: str) -> Path:
    """The cohort file of a delivery with files under ``person/``."""
    (folder / "person").mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / "person" / f"{name}.csv").write_text(text, encoding="utf-8")
        delivery.config[name] = f"person/{name}.csv"
    return delivery.write(folder)


def test_who_is_left_out_of_the_trial_is_counted_in_flow_and_quality(tmp_path: Path) -> None:
    first, second = PERSONS[3], PERSONS[8]
    text = f"extract,key,reason\ntrial,{first},asked to\ntrial,{second},asked to\n"
    cohort = read_cohort(written(tmp_path, good(), leave_out=text))
    checked = check(cohort)
    (row,) = checked["quality"].query("rule == 'left_out'").to_dict("records")
    assert (row["n_rows"], row["n_persons"], row["action"]) == (2, 2, "drop")
    made = select(cohort, {name: checked[name] for name in EXTRACTS})
    flow = made["flow"].query("centre == 'all' and arm == 'all'").set_index("step")
    assert flow.loc["left_out", "n_excluded"] == 2
    assert flow.loc["left_out", "n_persons"] == len(PERSONS) - 2
    people = made["people"].set_index("person_id")["is_analysed"]
    assert not people[[first, second]].any()


def test_no_rule_stops_at_the_rows_of_who_is_left_out(tmp_path: Path) -> None:
    delivery = good()
    other = next(arm for arm in delivery.column("trial", "arm") if arm != delivery.column("trial", "arm")[0])
    delivery.repeat("trial", [0], arm=other)
    with pytest.raises(UserError, match="The arm of these persons is not known"):
        outcome(delivery.write(tmp_path / "without"))
    found = outcome(written(tmp_path, delivery, leave_out=f"extract;key;reason\ntrial;{PERSONS[0]};two arms\n"))
    assert found.people["person_id"].tolist() == sorted(PERSONS)


def test_rows_of_another_extract_are_left_out(tmp_path: Path) -> None:
    delivery, without = good(), good()
    keys = delivery.column("employment", "person_id")
    person = keys[0]
    without.tables["employment"] = without.tables["employment"].filter(pa.array([key != person for key in keys]))
    text = f"extract,key,reason\nemployment,{person},another person's jobs\n"
    found = outcome(written(tmp_path / "named", delivery, leave_out=text))
    pd.testing.assert_frame_equal(found.panel, outcome(without.write(tmp_path / "without")).panel)
    assert found.counts("left_out", "employment") == (keys.count(person), 1, {"drop"})


def test_cells_are_corrected_before_they_are_checked(tmp_path: Path) -> None:
    delivery, right = good(), good()
    ends = delivery.column("employment", "end_on")
    row = next(i for i, end in enumerate(ends) if end and ends.count(end) == 1)
    person, start = (delivery.column("employment", c)[row] for c in ("person_id", "start_on"))
    delivery.put("employment", [row], end_on=date(1999, 1, 1))
    right.put("employment", [row], end_on=date(2014, 6, 1) if start < date(2014, 6, 1) else ends[row])
    value = right.column("employment", "end_on")[row]
    arms = right.column("trial", "arm")
    right.put("trial", [2], arm=next(a for a in arms if a != arms[2]))
    text = (
        "extract,key,column,value,reason,was\n"
        f"employment,{person},end_on,{value},called the office,1999-01-01\n"
        f"trial,{PERSONS[2]},arm,{right.column('trial', 'arm')[2]},letter of 3 May,\n"
    )
    found = outcome(written(tmp_path / "mended", delivery, corrections=text))
    expected = outcome(right.write(tmp_path / "right"))
    pd.testing.assert_frame_equal(found.panel, expected.panel)
    pd.testing.assert_frame_equal(found.people, expected.people)
    assert found.counts("correction", "employment") == (1, 1, {"fix"})
    assert found.counts("correction", "trial") == (1, 1, {"fix"})


def test_a_correction_makes_a_value_empty_and_keys_may_be_spelled_otherwise(tmp_path: Path) -> None:
    delivery = good()
    for extract in delivery.tables:
        delivery.map(extract, "person_id", lambda key: int(key.removeprefix("P")))
    cells = ("trial", f"000{PERSONS[3][1:]}", "withdrawn_on", None, "a slip")
    names = ("extract", "key", "column", "value", "reason")
    own = pa.table({name: pa.array([cell], pa.string()) for name, cell in zip(names, cells, strict=True)})
    delivery.put("trial", [3], withdrawn_on=date(2014, 1, 1))
    delivery.config["corrections"] = "person/corrections.parquet"
    (tmp_path / "person").mkdir()
    pq.write_table(own, tmp_path / "person" / "corrections.parquet")
    found = outcome(delivery.write(tmp_path))
    assert found.counts("correction", "trial") == (1, 1, {"fix"})


def faults(file: Path) -> str:
    with pytest.raises(UserError) as refused:
        outcome(file)
    return str(refused.value)


def test_every_fault_of_the_files_is_told_and_no_key(tmp_path: Path) -> None:
    canary = "P1777"
    text = (
        "extract,key,column,value,reason\n"
        f"trial,{canary},arm,ips,nobody\n"
        f"trial,{PERSONS[0]},randomised_on,soon,no day\n"
        f"employment,{PERSONS[0]},salary,3,no column\n"
        f"emploiment,{PERSONS[0]},end_on,2014-01-01,no extract\n"
    )
    told = faults(written(tmp_path, good(), leave_out=f"extract,person\ntrial,{canary}\n", corrections=text))
    for fault in (
        "leave_out.csv: leave_out names it, but it has no column key and no column reason.",
        "corrections.csv: 1 of 4 rows name no extract. Did you mean 'employment'?",
        "1 of 2 rows about trial of corrections.csv belongs to no row of the extract.",
        "corrections.csv: 1 values for trial.randomised_on cannot be read. Expected: a date",
        "corrections.csv: 1 rows name the column employment.salary, which was not delivered.",
    ):
        assert fault in told
    assert canary not in told
    assert PERSONS[0] not in told


def test_the_files_must_be_there_and_not_among_the_programs_own(tmp_path: Path) -> None:
    delivery = good()
    delivery.config |= {"leave_out": "nowhere.csv", "corrections": str(ROOT / "config" / "config.yaml")}
    told = faults(delivery.write(tmp_path))
    assert "leave_out names 'nowhere.csv', which is no file." in told
    assert "which lies among the program's own files. Put it beside the delivery or under a folder person/" in told


def test_only_count_and_digest_of_the_files_are_recorded(tmp_path: Path) -> None:
    text = f"extract,key,reason\ntrial,{PERSONS[3]},a-reason-of-one\nemployment,{PERSONS[4]},another\n"
    file = written(tmp_path, good(), leave_out=text)
    cohort = read_cohort(file)
    checked = examine(cohort)
    made = check(cohort)
    (row,) = made["fingerprint"].query("extract == 'leave_out'").to_dict("records")
    assert (row["file"], row["n_rows"], row["n_trial_persons"]) == ("leave_out.csv", "2", "2")
    assert len(row["sha256"]) == 64
    for name in ("quality", "fingerprint", "drift"):
        shown = made[name].to_csv()
        assert PERSONS[3] not in shown
        assert "a-reason-of-one" not in shown
    assert PERSONS[3] not in json.dumps([*checked.said, *map(str, checked.faults)])
    assert PERSONS[3] not in json.dumps(cohort_settings(file))


def test_another_file_is_another_delivery(tmp_path: Path) -> None:
    before = check(read_cohort(written(tmp_path, good(), leave_out=f"extract,key,reason\ntrial,{PERSONS[3]},a\n")))
    after = check(read_cohort(written(tmp_path, good(), leave_out=f"extract,key,reason\ntrial,{PERSONS[4]},a\n")))
    assert before["fingerprint"].query("extract == 'trial'")["read_as"].tolist() != (
        after["fingerprint"].query("extract == 'trial'")["read_as"].tolist()
    )


@pytest.fixture(scope="module")
def unmended(tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    return outcome(good().write(tmp_path_factory.mktemp("good")))


def test_a_file_that_names_nobody_changes_nothing(unmended: Outcome, tmp_path: Path) -> None:
    found = outcome(written(tmp_path, good(), leave_out="extract,key,reason\n"))
    pd.testing.assert_frame_equal(found.panel, unmended.panel)


def test_some_rows_of_a_person_are_left_out_in_every_extract(tmp_path: Path) -> None:
    delivery, lines = good(), ["extract;key;column;was;reason"]
    arms = delivery.column("trial", "arm")
    other = next(arm for arm in arms if arm != arms[5])
    delivery.repeat("trial", [5], arm=other)
    lines.append(f"trial;{PERSONS[5]};arm;{other};the first assignment counts")
    whole = examine(read_cohort(delivery.write(tmp_path / "whole"))).frames
    dropped = {}
    for extract, column in (("persons", "sex"), ("employment", "start_on"), ("services", "start_on")):
        was = delivery.column(extract, column)[2]
        key = delivery.column(extract, "person_id")[2]
        lines.append(f"{extract};  {key} ;{column};{was};wrong")
        dropped[extract] = (key, column, str(was))
    (tmp_path / "mended" / "person").mkdir(parents=True)
    (tmp_path / "mended" / "person" / "out.csv").write_text("\n".join(lines) + "\n", encoding="utf-8-sig")
    delivery.config["leave_out"] = "person/out.csv"
    cohort = read_cohort(delivery.write(tmp_path / "mended"))
    checked = examine(cohort)
    assert not checked.faults
    trial = checked.frames["trial"].set_index("person_id")
    assert trial["arm"].to_dict() == dict(zip(PERSONS, arms, strict=True))
    assert set(trial.index[trial["mended"] == 1]) == {PERSONS[5], *(key for key, _, _ in dropped.values())} & set(
        PERSONS
    )
    counts = checked.quality.query("rule == 'left_out'").set_index("extract")["n_rows"].to_dict()
    assert counts == {"trial": 1, **dict.fromkeys(dropped, 1)}
    for extract, (key, column, was) in dropped.items():
        before, after = whole[extract], checked.frames[extract]
        is_named = (before["person_id"].astype("str") == key) & (before[column].astype("str").str[: len(was)] == was)
        pd.testing.assert_frame_equal(after, before[~is_named].reset_index(drop=True), check_categorical=False)
    flow = select(cohort, checked.frames)["flow"].query("step == 'randomised' and centre == 'all' and arm == 'all'")
    assert flow["n_mended"].tolist() == [int(trial["mended"].sum())]
    assert flow["n_excluded"].tolist() == [0]


def test_lines_that_contradict_each_other_or_empty_the_trial_list_stop(tmp_path: Path) -> None:
    key, employer = (good().column("employment", name)[0] for name in ("person_id", "employer_id"))
    arm = good().column("trial", "arm")[1]
    corrections = (
        "extract,key,column,value,was,reason\n"
        f"employment,{key},employer_id,a,,one\nemployment,{key},employer_id,b,{employer},two\n"
        f"trial,{PERSONS[2]},withdrawn_on,,,same\ntrial,0{PERSONS[2]},arm,ips,,nobody has that key\n"
    )
    leave_out = (
        f"extract,key,reason,column,was\ntrial,{PERSONS[1]},x,arm,{arm}\ntrial,{PERSONS[3]},x,arm,\n"
        f"wage_subsidy,{PERSONS[0]}X,x,,\n"
    )
    told = faults(written(tmp_path, good(), leave_out=leave_out, corrections=corrections))
    for fault in (
        "corrections.csv: 1 correction sets a cell of employment.employer_id that another one sets otherwise. Keep one",
        "1 of 2 rows about trial of corrections.csv belongs to no row of the extract.",
        "1 of 1 rows about wage_subsidy of leave_out.csv belongs to no row of the extract.",
        "leave_out.csv: 1 of 3 rows have only one of column and was. Name both, for some rows of a person, or neither",
        "leave_out.csv: names every row of 1 person of the trial list one by one.",
    ):
        assert fault in told


def test_a_line_that_concerns_one_of_two_sources_is_used(tmp_path: Path) -> None:
    delivery = good()
    starts = delivery.column("employment", "start_on")
    late = [start.year > 2013 for start in starts]
    table = delivery.tables.pop("employment")
    parts = {"old": table.filter(pa.array([not own for own in late])), "new": table.filter(pa.array(late))}
    delivery.files |= {f"{name}.parquet": part for name, part in parts.items()}
    delivery.config["layouts"] = {
        "employment": [
            {"layout": "spells", "files": "old.parquet", "observed_until": "2013-12"},
            {"layout": "spells", "files": "new.parquet", "observed_from": "2014-01"},
        ]
    }
    only_old = next(
        k for k in parts["old"]["person_id"].to_pylist() if k not in set(parts["new"]["person_id"].to_pylist())
    )
    text = f"extract,key,column,value,reason\nemployment,{only_old},weekly_hours,11,letter\n"
    checked = examine(read_cohort(written(tmp_path, delivery, corrections=text)))
    assert not checked.faults
    jobs = checked.frames["employment"]
    assert set(jobs.loc[(jobs["person_id"] == only_old) & (jobs["is_observed"] == 1), "weekly_hours"]) == {11.0}
