"""Faults of a delivery that stop the run: each is told with file and count, all at once, and nothing is written."""

import re
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

import pyarrow as pa
import pytest

from deliveries import good, outcome
from ipseval.errors import UserError
from ipseval.pipeline import run
from ipseval.registers.rule import ACTIONS
from ipseval.registers.rules import RULES
from spoiling import (
    IN_PART_1,
    Plant,
    as_codes,
    both,
    cast,
    configure,
    day,
    in_files,
    in_months,
    in_one_file,
    local_midnight,
    n_filled,
    put,
    rename,
    repeat,
    without,
    without_month,
    without_pages,
    write_bytes,
)


@dataclass(frozen=True)
class Refused:
    """A fault that stops the run: its whole message behind "north, check: "."""

    name: str
    plant: Plant
    says: str
    layout: str = "spells"


FIRST = good().column("trial", "person_id")[0]
REFUSED = [
    # files
    Refused(
        "no trial list",
        without("trial"),
        "trial.parquet was not delivered. Put it into the folder that extracts names, as a file or a folder of files.",
    ),
    Refused("no employment", without("employment"), "employment.parquet was not delivered."),
    Refused(
        "only a text file",
        both(without("employment"), write_bytes("employment/a.csv", b"x")),
        "employment.parquet was not delivered.",
    ),
    Refused(
        "no bytes",
        write_bytes("persons.parquet", b""),
        "persons.parquet is no Parquet, or cut off. Have it delivered again.",
    ),
    Refused(
        "CSV by another name",
        write_bytes("employment.parquet", b"person_id,start_on\nP1,2013-01-01\n"),
        "employment.parquet is no Parquet, or cut off.",
    ),
    *(
        Refused(
            f"cut off at {share}",
            write_bytes("employment.parquet", lambda b, share=share: b[: int(share * len(b))]),
            "employment.parquet is no Parquet, or cut off.",
        )
        for share in (0.001, 0.3, 0.9, 0.999)
    ),
    Refused(
        "two files cut off",
        both(in_files(), *(write_bytes(f"employment/part{n}.parquet", b"PAR1") for n in (0, 2))),
        "employment/part0.parquet, employment/part2.parquet are no Parquet, or cut off. Have them delivered again.",
    ),
    Refused(
        "pages missing",
        write_bytes("employment.parquet", without_pages),
        "employment.parquet cannot be read: the file's end is whole, its pages are damaged. Have it delivered again.",
    ),
    Refused(
        "pages missing in one file",
        both(
            in_files(),
            write_bytes("employment/copy.parquet", b""),
            lambda d: d.files.update({"employment/copy.parquet": d.files["employment/part1.parquet"]}),
            lambda d: d.files.update({"./employment/copy.parquet": without_pages}),
        ),
        "employment/copy.parquet cannot be read: the file's end is whole",
    ),
    Refused(
        "no rows",
        lambda d: d.tables.update(employment=d.tables["employment"].slice(0, 0)),
        "employment.parquet has no rows. Have it delivered again.",
    ),
    Refused(
        "no rows of the trial",
        lambda d: d.tables.update(trial=d.tables["trial"].slice(0, 0)),
        "trial.parquet has no rows.",
    ),
    Refused(
        "a file and a folder",
        lambda d: d.files.update({"employment/again.parquet": d.tables["employment"]}),
        "employment.parquet and employment/ were both delivered: one of them would be counted twice. "
        "Remove the one that is not to be used.",
    ),
    # columns
    Refused(
        "another name",
        rename("trial", arm="alocation"),
        "trial.parquet has no column 'arm'. If it has another name, give that under columns.trial. It has:"
        " alocation, centre, person_id, randomised_on, withdrawn_on.",
    ),
    Refused(
        "a column misspelt",
        both(rename("trial", arm="allocation"), configure(columns={"trial": {"arm": "alocation"}})),
        "trial.parquet has no column 'alocation'. If it has another name, give that under columns.trial. "
        "It has: allocation, centre, person_id, randomised_on, withdrawn_on. Did you mean 'allocation'?",
    ),
    Refused(
        "an optional column misspelt",
        configure(columns={"persons": {"sex": "kjoen"}}),
        "persons.parquet has no column 'kjoen'.",
    ),
    Refused(
        "another name in one file",
        both(in_files(), in_one_file("employment/part1.parquet", lambda t: t.rename_columns({"person_id": "lopenr"}))),
        "employment/part1.parquet has no column 'person_id'.",
    ),
    Refused(
        "no weeks",
        lambda d: d.tables.update(employment=d.tables["employment"].select(["person_id"])),
        "employment.parquet has no column 'w1'. If it has another name, give that under layouts.employment.prefix.",
        "weekly_wide",
    ),
    Refused(
        "no months",
        rename("employment", year_month="maned"),
        "employment.parquet has no column 'year_month'.",
        "monthly",
    ),
    # types
    Refused(
        "no dates",
        lambda d: d.map("trial", "randomised_on", lambda v: "soon"),
        "40 of 40 rows of trial.parquet (40 persons) have a value of randomised_on that cannot be read as "
        "a date (YYYY-MM-DD, YYYYMMDD or DD.MM.YYYY). Mend the extract, or say how they are written under "
        "dates.trial.randomised_on.",
    ),
    Refused(
        "one day that does not exist",
        both(as_codes("employment", "start_on", "%Y-%m-%d"), put("employment", [3], start_on="2013-02-29")),
        "1 of 240 rows of employment.parquet (1 person) has a value of start_on that cannot be read as a date",
    ),
    Refused(
        "days since 1960",
        lambda d: d.map("employment", "end_on", lambda v: (v - date(1960, 1, 1)).days),
        "224 of 240 rows of employment.parquet (39 persons) have a value of end_on",
    ),
    Refused(
        "true ends",
        lambda d: d.map("employment", "end_on", lambda v: True),
        "have a value of end_on that cannot be read as a date",
    ),
    Refused(
        "lists of hours",
        lambda d: d.map("employment", "weekly_hours", lambda v: [v]),
        "have a value of weekly_hours that cannot be read as a number. Mend the extract, or say which marks they "
        "have under numbers.employment.weekly_hours.",
    ),
    Refused(
        "infinite hours",
        lambda d: d.map("employment", "weekly_hours", lambda v: "inf"),
        "have a value of weekly_hours that cannot be read as a number.",
    ),
    Refused(
        "a flag of 2",
        lambda d: d.map("persons", "native_born", lambda v: 2),
        "have a value of native_born that cannot be read as 0 or 1. Mend the extract, or map its codes "
        "under values.persons.native_born.",
    ),
    Refused(
        "half a level",
        lambda d: d.map("education", "level", lambda v: v + 0.5),
        "have a value of level that cannot be read as a whole number.",
    ),
    Refused(
        "months without zero",
        lambda d: d.map("employment", "year_month", lambda v: int(f"{v // 100}{v % 100}")),
        "have a value of year_month that cannot be read as a month (YYYYMM, YYYY-MM or a date).",
        "monthly",
    ),
    Refused(
        "no month at all",
        lambda d: d.map("employment", "year_month", lambda v: "x"),
        "494 of 494 rows of employment.parquet (40 persons) have a value of year_month",
        "monthly",
    ),
    Refused(
        "codes in weeks",
        lambda d: d.map("employment", "w3", lambda v: "703"),
        "40 of 40 rows of employment.parquet (40 persons) have a value of week that cannot be read as 0 or"
        " 1. Mend the extract, or declare its codes: employed and not_employed under layouts.employment.",
        "weekly_wide",
    ),
    Refused(
        "a day in UTC",
        lambda d: d.map("employment", "start_on", lambda v: local_midnight(v), pa.timestamp("us", "UTC")),
        "240 of 240 rows of employment.parquet (39 persons) have start_on as a time of day in no zone "
        "that is known: which day it was at the register is not said. Say the register's zone (zone: Europe/Oslo), or "
        "that times are its own clock (dates.employment.start_on: {zone: local}), have it delivered as a date, or set "
        "checks: {unknown_time_zone: warn} to take the day that is written.",
    ),
    Refused(
        "noon in no zone",
        lambda d: d.map("employment", "start_on", lambda v: datetime(v.year, v.month, v.day, 12)),
        "240 of 240 rows of employment.parquet (39 persons) have start_on as a time of day in no zone",
    ),
    Refused(
        "thousands or decimals",
        lambda d: d.map("employment", "weekly_hours", lambda v: f"{v:.3f}"),
        "have weekly_hours as text in which a point or comma may be of decimals or of thousands. Say which, as in "
        'numbers.employment.weekly_hours: {decimal: ",", thousands: "."}.',
    ),
    Refused(
        "text in one file",
        both(in_files(), in_one_file("employment/part1.parquet", cast("start_on", lambda v: "unknown"))),
        f"{IN_PART_1[0]} of 240 rows of employment/ ({IN_PART_1[1]} persons; in employment/part1.parquet) "
        "have a value of start_on",
    ),
    # persons
    Refused(
        "no day of randomisation",
        put("trial", [1, 4], randomised_on=None),
        "2 of 40 rows of trial.parquet (2 persons) have no randomised_on. Mend the extract: randomised_on "
        "may not be empty.",
    ),
    Refused("no arm", put("trial", [1], arm=None), "1 of 40 rows of trial.parquet (1 person) has no arm."),
    Refused(
        "nobody's row",
        put("trial", [1, 2], person_id=None),
        "2 of 40 rows of trial.parquet (0 persons) have no person_id.",
    ),
    Refused(
        "no start",
        put("employment", [1], start_on=None),
        "1 of 240 rows of employment.parquet (1 person) has no start_on.",
    ),
    Refused(
        "no keys in one file",
        both(in_files(), in_one_file("employment/part1.parquet", cast("person_id", lambda v: None))),
        "employment/part1.parquet has no person_id.",
    ),
    Refused(
        "other keys",
        lambda d: d.map("employment", "person_id", lambda k: f"Q{k}"),
        "employment.parquet holds nobody of the trial list. Check that person_id is the same key in both, "
        "or set checks: {nobody_linked: warn}.",
    ),
    Refused(
        "two arms of a person",
        lambda d: d.repeat(
            "trial",
            [0],
            arm="ips" if d.column("trial", "arm")[0] == "control" else "control",
            centre=3 - d.column("trial", "centre")[0],
        ),
        "2 of 41 rows of trial.parquet (1 person) belong to persons with several rows that differ in "
        "centre, arm. Keep one row a person.",
    ),
    Refused(
        "two births of a person",
        repeat("persons", [2], birth_date=day("1911-11-11")),
        "2 of 41 rows of persons.parquet (1 person) belong to persons with several rows that differ in "
        "birth_date. Keep one row a person.",
    ),
    Refused(
        "two states of a month",
        lambda d: d.repeat("employment", [0], employed=1 - (d.column("employment", "employed")[0] or 0)),
        "2 of 348 rows of employment.parquet (1 person) belong to persons with several rows that differ in"
        " employed. Keep one row a person and month.",
        "relative_monthly",
    ),
    Refused(
        "two rows of weeks",
        repeat("employment", [0], w1=1, w2=0),
        "belong to persons with several rows that differ in w",
        "weekly_wide",
    ),
    # codes
    Refused(
        "an arm",
        put("trial", [0, 1, 2], arm="pilot"),
        "3 of 40 rows of trial.parquet (3 persons) carry an arm code that is not declared. Add it to arms "
        "or to exclusions.",
    ),
    Refused(
        "a centre",
        put("trial", [0], centre=77),
        "1 of 40 rows of trial.parquet (1 person) carries a centre code that is not declared. Add it to "
        "centres or to exclusions.",
    ),
    Refused(
        "a sex",
        put("persons", [0], sex="X"),
        "1 of 40 rows of persons.parquet (1 person) carries a sex code that is not declared. Add it to "
        "values.persons.sex.",
    ),
    Refused(
        "whole codes of education",
        lambda d: d.map("education", "level", lambda v: 100_000 * v + 1101),
        "90 of 90 rows of education.parquet (34 persons) carry a level code that is not declared. Add it to "
        "values.education.level.",
    ),
    Refused(
        "a contact",
        lambda d: d.tables.update(
            health_contacts=pa.Table.from_pylist([{"person_id": FIRST, "contact": "phone", "date": day("2013-01-01")}])
        ),
        "1 of 1 row of health_contacts.parquet (1 person) carries a contact code that is not declared. Add"
        " it to values.health_contacts.contact.",
    ),
    Refused(
        "a code of a week",
        both(
            lambda d: d.map("employment", "w3", lambda v: "703"),
            configure(layouts={"employment": {"layout": "weekly_wide", "employed": [1], "not_employed": [0]}}),
        ),
        "carry a week code that is not declared. Add it to employed or not_employed of layouts.employment.",
        "weekly_wide",
    ),
    # dates
    Refused(
        "randomised after the register",
        put("trial", [0, 1], randomised_on=day("2016-01-01")),
        "2 of 40 rows of trial.parquet (2 persons) were randomised after observed_until. Move "
        "observed_until, or leave the persons out.",
    ),
    Refused(
        "a month lacks",
        without_month(201403),
        "2014-03 has no row in employment.parquet, though the months beside it have many. Have it "
        "delivered, or set checks: {missing_month: warn} if nobody worked.",
        "monthly",
    ),
    Refused(
        "two months lack in a folder",
        both(without_month(201403), without_month(201402), in_months),
        "2014-02, 2014-03 have no row in employment/, though the months beside them have many.",
        "monthly",
    ),
    Refused(
        "the delivery ends too early",
        lambda d: d.tables.update(
            employment=d.tables["employment"].filter(
                pa.array([m < 201404 for m in d.column("employment", "year_month")])
            )
        ),
        "2014-04, 2014-05, 2014-06",
        "monthly",
    ),
    Refused(
        "two files of a month",
        both(
            in_months,
            lambda d: d.files.update(
                {"employment/old/ameld_2013_m9.parquet": d.files["employment/ameld_2013_m9.parquet"]}
            ),
        ),
        "employment/ameld_2013_m9.parquet, employment/old/ameld_2013_m9.parquet hold rows of the same "
        "month. Remove the file that is not to be used.",
        "monthly",
    ),
]


def refusal(file: Path, results: Path) -> str:
    """The text of the refusal; nothing may have been written."""
    before = sorted(file.parent.rglob("*"))
    with pytest.raises(UserError) as refused:
        run(file, results)
    assert not results.exists()
    assert sorted(file.parent.rglob("*")) == before
    return str(refused.value)


def assert_well_put(text: str) -> None:
    """Every paragraph says where, ends as a sentence, and has no slip of the pen."""
    for paragraph in text.split("\n"):
        assert re.match(r"^(north, check|\S.*\.yaml|config/config\.yaml): \S", paragraph), paragraph
        assert paragraph[-1] in ".?", paragraph
        assert not re.search(r"\.\.|  | \.|[{[]\w*\||None|\bnan\b|\(s\)", paragraph), paragraph


@pytest.mark.parametrize("case", REFUSED, ids=lambda case: case.name)
def test_a_fault_that_stops_is_told_with_file_and_count(case: Refused, tmp_path: Path) -> None:
    delivery = good(case.layout)
    case.plant(delivery)
    text = refusal(delivery.write(tmp_path), tmp_path / "results")
    assert case.says in text
    assert text.count("\n") == 0
    assert_well_put(text)


def test_all_faults_of_the_stage_are_told_at_once(tmp_path: Path) -> None:
    names = (
        "an arm", "no day of randomisation", "randomised after the register", "two births of a person", "a sex",
        "no start", "a contact", "half a level",
    )  # fmt: skip
    cases = [case for case in REFUSED if case.name in names]
    delivery = good()
    for case in cases:
        case.plant(delivery)
    without("wage_subsidy")(delivery)
    configure(checks={"missing_mouth": "warn"}, columns={"education": {"levl": "x"}})(delivery)
    delivery.files["services.parquet"] = b"PAR1"
    text = refusal(delivery.write(tmp_path), tmp_path / "results")
    for part in (
        "carry an arm code", "has no randomised_on", "were randomised after", "differ in birth_date", "a sex code",
        "has no start_on", "a contact code", "ordinary employment excludes wage subsidies",
        "checks.missing_mouth is no rule. Did you mean 'missing_month'?", "columns.education.levl is no column",
        "services.parquet is no Parquet",
    ):  # fmt: skip
        assert part in text, part
    assert text.count("\n") == 10
    assert_well_put(text.replace(str(tmp_path / "north.yaml"), "north.yaml"))


CONFIGURED = {
    "a missing subsidy": (without("wage_subsidy"), "ordinary employment excludes wage subsidies, but wage_subsidy was"),
    "no end of the register": (
        lambda d: d.config.pop("observed_until"),
        "observed_until is missing: the last complete",
    ),
    "an unknown layout": (
        configure(layouts={"employment": {"layout": "monthy"}}),
        "no layout. Did you mean 'monthly'?",
    ),
    "an unknown option": (
        configure(layouts={"employment": {"layout": "weekly_wide", "prefx": "w"}}),
        "layouts.employment.prefx is no option of the layout weekly_wide. Did you mean 'prefix'?",
    ),
    "an option of no layout": (
        configure(layouts={"employment": {"layout": "spells", "prefix": "w"}}),
        "layouts.employment.prefix is no option of the layout spells. Known: none.",
    ),
    "an option that does not fit": (
        configure(layouts={"employment": {"layout": "weekly_wide", "employed": "A"}}),
        "layouts.employment.employed does not fit. Expected: a list of codes.",
    ),
    "a layout of persons": (
        configure(layouts={"persons": {"layout": "monthly"}}),
        "layouts.persons.layout is 'monthly', in which persons cannot arrive. Known: spells, persons_by_month,",
    ),
    "an unknown rule": (configure(checks={"mising_month": "warn"}), "no rule. Did you mean 'missing_month'?"),
    "an action that the rule lacks": (
        configure(checks={"not_parquet": "warn"}),
        "checks.not_parquet cannot be 'warn'. Expected: stop.",
    ),
    "a column of nobody": (
        configure(columns={"trial": {"persn_id": "x"}}),
        "columns.trial.persn_id is no column of ours. Did you mean 'person_id'?",
    ),
    "codes of no column": (
        configure(values={"trial": {"amr": {1: "ips"}}}),
        "values.trial.amr is no column of ours. Did you mean 'arm'?",
    ),
    "exclusions of no column": (
        configure(exclusions={"trial": {"stratun": ["x"]}}),
        "exclusions.trial.stratun is no column of ours. Did you mean 'stratum'?",
    ),
    "exclusions of days": (
        configure(exclusions={"trial": {"randomised_on": ["x"]}}),
        "exclusions.trial.randomised_on names a column that holds no codes. Columns with codes: centre, arm,",
    ),
    "exclusions of a column that is not there": (
        configure(exclusions={"trial": {"stratum": ["x"]}}),
        "exclusions.trial names 'stratum', which trial.parquet does not have. It has: arm, centre,",
    ),
}


@pytest.mark.parametrize("name", CONFIGURED)
def test_what_is_configured_and_not_delivered_is_told(name: str, tmp_path: Path) -> None:
    plant, says = CONFIGURED[name]
    delivery = good()
    plant(delivery)
    file = delivery.write(tmp_path)
    text = refusal(file, tmp_path / "results")
    assert says in text
    assert text.startswith(f"{file}: ")
    assert_well_put(text.replace(str(file), "north.yaml"))


def test_another_action_may_be_asked_for(tmp_path: Path) -> None:
    delivery = good("monthly")
    without_month(201403)(delivery)
    put("trial", [0, 1], arm="pilot")(delivery)
    configure(checks={"missing_month": "warn", "undeclared_code": "drop"})(delivery)
    found = outcome(delivery.write(tmp_path / "a"))
    assert found.counts("missing_month")[2] == {"warn"}
    assert found.counts("undeclared_code") == (2, 2, {"drop"})
    assert len(found.people) == 38
    delivery = good()
    configure(checks={"overlapping_spells": "stop", "open_end": "stop", "trial_person_without_row": "stop"})(delivery)
    text = refusal(delivery.write(tmp_path / "b"), tmp_path / "results")
    assert re.search(
        r"17 of \d+ rows of employment.parquet \(16 persons\) overlap an earlier spell of the same job\.", text
    )
    assert "1 of 40 persons of the trial list has no row in employment.parquet. The run stops because checks." in text
    assert_well_put(text)


@pytest.mark.parametrize("rule", [name for name, rule in RULES.items() if rule.action == "stop" and rule.others])
def test_actions_that_may_be_asked_for_are_actions(rule: str) -> None:
    assert set(RULES[rule].others) <= set(ACTIONS) - {RULES[rule].action}


def test_rows_of_excluded_codes_are_left_out_and_counted(tmp_path: Path) -> None:
    delivery = good()
    put("trial", [0, 1, 2], arm="pilot")(delivery)
    put("employment", list(range(100)), kind="benefit")(delivery)
    configure(
        exclusions={"trial": {"arm": ["pilot"]}, "employment": {"kind": ["benefit"]}, "education": {"level": [9, 7]}}
    )(delivery)
    found = outcome(delivery.write(tmp_path))
    assert (~found.people["is_analysed"]).sum() == 3 + n_filled("trial", "withdrawn_on")[0]
    assert found.counts("excluded_by_code", "employment") == (
        100,
        len(set(good().column("employment", "person_id")[:100])),
        {"drop"},
    )
    assert found.counts("excluded_by_code", "education")[0] == sum(
        v in (7, 9) for v in good().column("education", "level")
    )


def test_a_centre_with_one_arm_is_counted_and_kept(tmp_path: Path) -> None:
    delivery = good()
    arms = zip(delivery.column("trial", "centre"), delivery.column("trial", "arm"), strict=True)
    delivery.replace("trial", "arm", ["ips" if centre == 2 else arm for centre, arm in arms])
    n = delivery.column("trial", "centre").count(2)
    found = outcome(delivery.write(tmp_path))
    assert found.counts("centre_with_one_arm") == (n, n, {"warn"})
    assert len(found.people) == 40


def test_who_left_before_randomisation_is_counted(tmp_path: Path) -> None:
    delivery = good()
    put("persons", [0, 5], died_on=day("2001-01-01"))(delivery)
    assert outcome(delivery.write(tmp_path)).counts("ended_before_randomisation") == (2, 2, {"warn"})


def test_without_subsidies_the_outcome_may_keep_them(tmp_path: Path) -> None:
    delivery = good()
    without("wage_subsidy")(delivery)
    delivery.config["outcome"]["exclude_wage_subsidy"] = False
    found = outcome(delivery.write(tmp_path))
    assert set(found.panel["outcome"]) == {"employment", "ordinary_employment"}


def test_a_person_without_rows_is_kept_and_counted(tmp_path: Path) -> None:
    delivery = good()
    gone = delivery.column("employment", "person_id")[0]
    table = delivery.tables["employment"]
    delivery.tables["employment"] = table.filter(
        pa.array([p != gone for p in delivery.column("employment", "person_id")])
    )
    found = outcome(delivery.write(tmp_path))
    assert found.counts("trial_person_without_row", "employment") == (0, 2, {"warn"})
    months = found.panel[(found.panel["person_id"] == gone) & (found.panel["outcome"] == "employment")]
    assert months.filter(like="month_").le(0).all(axis=None)


def test_files_are_read_whatever_their_folder_is_called(tmp_path: Path) -> None:
    place = tmp_path / "delivery [v2] year=2015 what*?"
    delivery = good()
    in_files()(delivery)
    assert len(outcome(delivery.write(place)).people) == 40
