"""Every fault that a delivery of registers may have is found by a rule of its own name, with counts and an action."""

from pathlib import Path

import pandas as pd
import pytest

from deliveries import good
from ipseval.check import examine
from ipseval.registers.coverage import starts_in_trial
from ipseval.registers.findings import SEVERITY
from ipseval.registers.rules import RULES
from ipseval.settings import read_cohort
from spoiling import (
    Plant,
    as_codes,
    as_zoned,
    both,
    day,
    digits,
    emptied,
    fill,
    in_files,
    in_months,
    in_one_file,
    put,
    rename,
    repeat,
    spells,
    without_month,
    write_bytes,
)

ONE_ARM: Plant = lambda d: d.map("trial", "arm", lambda arm: "ips")  # noqa: E731
COPY: Plant = lambda d: d.files.update({"employment/copy.parquet": d.files["employment/ameld_2014_m3.parquet"]})  # noqa: E731
DIED = day("2014-01-01")


def in_1961(column: str) -> Plant:
    """A month as Stata counts it, 660 since January 1960 being January 2015, that was read as a number of days."""
    return lambda d: d.map("employment", column, lambda _: day("1961-10-22"))


# The items of the list of what a check must find: what is planted in which layout; extract, rule, action.
ITEMS: dict[str, tuple[str, Plant, str, str, str]] = {
    "renamed column": ("spells", rename("trial", arm="gruppe"), "trial", "missing_column", "stop"),
    "wrong type that converts": (
        "spells", as_codes("employment", "start_on", "%Y%m%d"), "employment", "converted_type", "fix",
    ),
    "wrong type that does not": (
        "spells", lambda d: d.map("employment", "start_on", lambda v: "x"), "employment", "wrong_type", "stop",
    ),
    "a person twice, identical": ("spells", repeat("persons", [0]), "persons", "duplicate_row", "drop"),
    "a person twice, contradicting": (
        "spells", repeat("persons", [0], birth_date=day("1980-01-01")), "persons", "contradicting_rows", "stop",
    ),
    "two spellings of a key": (
        "spells", digits(trial=str, persons=lambda n: f"{n:06d}"), "persons", "key_spelling", "fix",
    ),
    "a person in no trial list": (
        "spells", spells("employment", "nobody", ("2014-01-01", None)), "employment", "person_not_in_trial", "warn",
    ),
    "a trial person in no extract": (
        "spells", repeat("trial", [0], person_id="nobody"), "trial", "trial_person_nowhere", "warn",
    ),
    "a trial person not in an extract": (
        "spells", repeat("trial", [0], person_id="nobody"), "employment", "trial_person_without_row", "warn",
    ),
    "an undeclared code": ("spells", put("trial", [0], arm="pilot"), "trial", "undeclared_code", "stop"),
    "an end before the start": (
        "spells", spells("employment", "P1000", ("2014-02-02", "2014-02-01")), "employment", "end_before_start", "drop",
    ),
    "a spell before birth": (
        "spells", spells("employment", "P1000", ("1911-02-02", "1911-03-01")), "employment", "before_birth", "drop",
    ),
    "a spell from before birth": (
        "spells", spells("employment", "P1000", ("1911-02-02", "2013-03-01")), "employment", "starts_before_birth",
        "warn",
    ),
    "a spell after death": (
        "spells", both(put("persons", [0], died_on=DIED), spells("employment", "P968", ("2014-02-01", "2014-03-01"))),
        "employment", "after_death", "fix",
    ),
    "overlapping spells of a job": (
        "spells",
        spells("employment", "P1000", ("2014-02-02", "2014-03-01"), ("2014-02-03", "2014-03-02"), employer_id="Z"),
        "employment", "overlapping_spells", "fix",
    ),
    "a spell without an end, twice": (
        "spells", spells("employment", "P1000", *[("2014-02-02", None)] * 2, employer_id="Z"), "employment",
        "overlapping_spells", "fix",
    ),
    "an open end": ("spells", spells("employment", "P1000", ("2014-02-02", None)), "employment", "open_end", "warn"),
    "a sentinel date": (
        "spells", fill("employment", "end_on", day("9999-12-31")), "employment", "sentinel_date", "fix",
    ),
    "dates outside coverage": (
        "spells", spells("employment", "P1000", ("2017-02-02", None)), "employment", "outside_coverage", "warn",
    ),
    "months counted from 1960, read as days": (
        "spells", both(in_1961("start_on"), in_1961("end_on")), "employment", "no_start_in_trial", "warn",
    ),
    "randomised after the register": (
        "spells", put("trial", [0], randomised_on=day("2016-02-01")), "trial", "randomised_after_register", "stop",
    ),
    "an arm that differs between rows": (
        "spells", both(put("trial", [0], arm="control"), repeat("trial", [0], arm="ips")), "trial",
        "contradicting_assignment", "stop",
    ),
    "a centre that differs between rows": (
        "spells", both(put("trial", [0], centre=1), repeat("trial", [0], centre=2)), "trial",
        "contradicting_assignment", "stop",
    ),
    "a centre with one arm": ("spells", ONE_ARM, "trial", "centre_with_one_arm", "warn"),
    "a missing month": ("monthly", without_month(201403), "employment", "missing_month", "stop"),
    "two files of a month": ("monthly", both(in_months, COPY), "employment", "two_files_one_month", "stop"),
    "a file cut off": (
        "spells", write_bytes("employment.parquet", lambda b: b[:-9]), "employment", "not_parquet", "stop",
    ),
    "no Parquet at all": ("spells", write_bytes("persons.parquet", b"a,b\n1,2\n"), "persons", "not_parquet", "stop"),
    "an empty extract": (
        "spells", lambda d: d.tables.update(employment=d.tables["employment"][:0]), "employment", "empty_extract",
        "stop",
    ),
    "a column of nulls": ("spells", emptied("employment", "weekly_hours"), "employment", "column_of_nulls", "warn"),
    "a column of nulls in one file": (
        "spells",
        both(in_files(), in_one_file("employment/part1.parquet", lambda t: t.set_column(
            t.column_names.index("weekly_hours"), "weekly_hours", [[None] * t.num_rows]))),
        "employment", "column_of_nulls", "warn",
    ),
    "a time zone in a date": (
        "spells", as_zoned("employment", "start_on"), "employment", "time_zone_in_date", "fix",
    ),
    "a time in UTC": (
        "spells", as_zoned("employment", "start_on", "UTC"), "employment", "unknown_time_zone", "stop",
    ),
}  # fmt: skip
NOT_OF_ROWS = {"missing_column", "missing_month", "not_parquet"}  # of files and columns: no row to count
NOT_OF_PERSONS = {"two_files_one_month", "empty_extract"}  # of whole files, whoever is in them


@pytest.mark.parametrize("item", ITEMS)
def test_an_item_is_found_by_its_rule_with_counts_and_action(item: str, tmp_path: Path) -> None:
    layout, plant, extract, rule, action = ITEMS[item]
    before = counts(good(layout), tmp_path / "good", extract, rule)
    delivery = good(layout)
    plant(delivery)
    after = counts(delivery, tmp_path / "spoilt", extract, rule)
    assert len(after), "not found"
    assert set(after["action"]) == {action}
    assert set(after["severity"]) == {SEVERITY[action]}
    assert after[["n_rows", "n_persons"]].sum().sum() > before[["n_rows", "n_persons"]].sum().sum() or len(before) == 0
    if rule not in NOT_OF_ROWS | {"trial_person_nowhere", "trial_person_without_row"}:
        assert after["n_rows"].notna().all()
    if rule not in NOT_OF_ROWS | NOT_OF_PERSONS and item != "a column of nulls in one file":
        assert after["n_persons"].notna().all()
    assert rule in RULES


@pytest.mark.parametrize(
    ("start", "expected"),
    [
        ("2013-12-31", False),
        ("2014-01-01", True),  # a month before the first person's month of randomisation
        ("2015-05-31", True),  # three months after the last person's
        ("2015-06-01", False),
    ],
)
def test_the_trial_lasts_from_the_first_month_of_anybody_to_the_last(start: str, expected: bool) -> None:
    starts, randomised_on = pd.Series(pd.to_datetime([start])), pd.to_datetime(["2014-02-28", None, "2015-02-01"])
    assert starts_in_trial(starts, pd.Series(randomised_on), range(-1, 4)) is expected
    assert not starts_in_trial(starts[:0], pd.Series(randomised_on), range(-1, 4))


def counts(delivery, folder: Path, extract: str, rule: str) -> pd.DataFrame:
    quality = examine(read_cohort(delivery.write(folder))).quality
    return quality[(quality["extract"] == extract) & (quality["rule"] == rule)]
