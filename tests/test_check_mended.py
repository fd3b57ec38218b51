"""Faults of a delivery that are mended or only counted: the panel stays that of the good delivery."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest

from deliveries import Outcome, good, outcome
from spoiling import (
    IN_PART_1,
    Plant,
    as_codes,
    as_number,
    as_zoned,
    both,
    cast,
    day,
    digits,
    each_week,
    emptied,
    fill,
    in_files,
    in_months,
    in_one_file,
    local_midnight,
    n_empty,
    n_filled,
    repeat,
    spells,
)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Outcome]:
    """What becomes of the good delivery in a layout."""
    return cache(lambda layout: outcome(good(layout).write(tmp_path_factory.mktemp(layout))))


def without_prefix(frame: pd.DataFrame) -> pd.DataFrame:
    """The frame with keys of digits only, as some deliveries have them."""
    return frame.assign(person_id=frame["person_id"].str.removeprefix("P"))


def assert_same(found: Outcome, expected: Outcome) -> None:
    """Fail unless the persons and the panel are those of the good delivery."""
    pd.testing.assert_frame_equal(without_prefix(found.people), without_prefix(expected.people))
    pd.testing.assert_frame_equal(without_prefix(found.panel), without_prefix(expected.panel))


@dataclass(frozen=True)
class Mended:
    """A fault that is mended: the finding and by how much it exceeds the good delivery's."""

    name: str
    plant: Plant
    rule: str | None
    extract: str = "employment"
    n_rows: int | None = None
    n_persons: int | None = None
    action: str = "fix"
    layout: str = "spells"


DEAD = next(row for row in good().tables["persons"].to_pylist() if row["died_on"] and not row["emigrated_on"])
AFTER_DEATH = (DEAD["died_on"] + timedelta(1)).isoformat(), (DEAD["died_on"] + timedelta(20)).isoformat()
MENDED = [
    # types that convert
    Mended("ISO dates", as_codes("employment", "start_on", "%Y-%m-%d"), "converted_type", "employment", 240, 39),
    Mended(
        "dates with time",
        as_codes("employment", "end_on", "%Y-%m-%d 00:00:00"),
        "converted_type",
        "employment",
        *n_filled("employment", "end_on"),
    ),
    Mended("European dates", as_codes("trial", "randomised_on", "%d.%m.%Y"), "converted_type", "trial", 40, 40),
    Mended("dates as digits", as_codes("persons", "birth_date", "%Y%m%d"), "converted_type", "persons", 40, 40),
    Mended(
        "dates as numbers",
        as_number("wage_subsidy", "start_on"),
        "converted_type",
        "wage_subsidy",
        *n_filled("wage_subsidy", "start_on"),
    ),
    Mended(
        "decimal commas",
        lambda d: d.map("employment", "weekly_hours", lambda v: str(v).replace(".", ",")),
        "converted_type",
        "employment",
        *n_filled("employment", "weekly_hours"),
    ),
    Mended(
        "flags as text",
        lambda d: d.map("persons", "native_born", lambda v: str(v).lower()),
        "converted_type",
        "persons",
        *n_filled("persons", "native_born"),
    ),
    Mended(
        "levels as text",
        lambda d: d.map("education", "level", str),
        "converted_type",
        "education",
        *n_filled("education", "level"),
    ),
    Mended(
        "midnight without zone",
        lambda d: d.map("employment", "start_on", lambda v: datetime(v.year, v.month, v.day)),
        None,
    ),
    Mended(
        "noon of the register's own clock",
        both(
            lambda d: d.map("employment", "start_on", lambda v: datetime(v.year, v.month, v.day, 12)),
            lambda d: d.config.update(dates={"employment": {"start_on": {"zone": "local"}}}),
        ),
        None,
    ),
    Mended("local midnight of starts", as_zoned("employment", "start_on"), "time_zone_in_date", "employment", 240, 39),
    Mended("local midnight of randomisation", as_zoned("trial", "randomised_on"), "time_zone_in_date", "trial", 40, 40),
    Mended(
        "midnight in UTC",
        lambda d: d.map(
            "employment", "start_on", lambda v: datetime(v.year, v.month, v.day, tzinfo=UTC), pa.timestamp("ms", "UTC")
        ),
        "time_zone_in_date",
        "employment",
        240,
        39,
    ),
    Mended(
        "dictionaries",
        lambda d: d.replace("trial", "arm", d.tables["trial"]["arm"].combine_chunks().dictionary_encode()),
        None,
    ),
    Mended("registry codes of sex", lambda d: d.map("persons", "sex", {"male": 1, "female": 2}.get), None),
    Mended(
        "months as dates",
        lambda d: d.map("employment", "year_month", lambda v: date(v // 100, v % 100, 1)),
        None,
        layout="monthly",
    ),
    Mended(
        "months as text",
        lambda d: d.map("employment", "year_month", lambda v: f"{v // 100}-{v % 100:02d}"),
        None,
        layout="monthly",
    ),
    Mended(
        "months as days in text",
        lambda d: d.map("employment", "year_month", lambda v: f"15.{v % 100:02d}.{v // 100}"),
        "converted_type",
        "employment",
        494,
        40,
        layout="monthly",
    ),
    Mended(
        "months as local midnight",
        lambda d: d.map(
            "employment",
            "year_month",
            lambda v: local_midnight(date(v // 100, v % 100, 1)),
            pa.timestamp("us", "Europe/Oslo"),
        ),
        "time_zone_in_date",
        "employment",
        494,
        40,
        layout="monthly",
    ),
    Mended("weeks as text", each_week(str), "converted_type", "employment", 40, 40, layout="weekly_wide"),
    Mended("weeks as decimals", each_week(float), None, layout="weekly_wide"),
    # keys and persons
    Mended("keys with zeros against numbers", digits(trial=lambda k: f"{k:07d}"), "key_spelling", "trial", 40, 40),
    Mended(
        "numbers against keys with zeros",
        digits(employment=lambda k: f"{k:011d}"),
        "key_spelling",
        "employment",
        240,
        39,
    ),
    Mended("keys as text", digits(employment=str, persons=float), None),
    Mended(
        "keys with decimals",
        both(
            digits(),
            lambda d: d.replace(
                "employment", "person_id", d.tables["employment"]["person_id"].cast(pa.decimal128(24, 2))
            ),
        ),
        None,
    ),
    Mended(
        "keys with blanks",
        lambda d: d.map("employment", "person_id", lambda k: f" {k:<12}"),
        "key_blanks",
        "employment",
        240,
        39,
    ),
    Mended("keys as bytes", lambda d: d.map("employment", "person_id", lambda k: k.encode()), None),
    Mended("the same person twice", repeat("trial", [0, 7]), "duplicate_row", "trial", 2, 2, "drop"),
    Mended("the same person three times", repeat("persons", [3, 3]), "duplicate_row", "persons", 2, 1, "drop"),
    Mended(
        "the same person under two spellings",
        both(digits(trial=str), lambda d: d.repeat("trial", [0], person_id="000" + d.column("trial", "person_id")[0])),
        "duplicate_row",
        "trial",
        1,
        1,
        "drop",
    ),
    Mended(
        "the same weeks twice", repeat("employment", [5]), "duplicate_row", "employment", 1, 1, "drop", "weekly_wide"
    ),
    Mended(
        "the same month twice",
        repeat("employment", [5, 9]),
        "duplicate_row",
        "employment",
        2,
        2,
        "drop",
        "relative_monthly",
    ),
    Mended(
        "nobody of the trial",
        spells("employment", "X1", ("2013-05-01", None), ("2014-05-01", None)),
        "person_not_in_trial",
        "employment",
        2,
        1,
        "warn",
    ),
    Mended("persons of nobody", repeat("persons", [0], person_id="X1"), "person_not_in_trial", "persons", 1, 1, "warn"),
    Mended("no key", spells("employment", None, ("2013-05-01", None)), "missing_key", "employment", 1, 0, "warn"),
    Mended(
        "a centre of nobody",
        lambda d: d.config["centres"].update({9: "Nowhere"}),
        "empty_centre",
        "trial",
        0,
        0,
        "warn",
    ),
    # dates
    Mended(
        "an end before the start",
        spells("employment", "P1000", ("2013-05-02", "2013-05-01"), ("2013-05-02", "2012-05-02")),
        "end_before_start",
        "employment",
        2,
        1,
        "drop",
    ),
    Mended(
        "a spell before birth",
        spells("employment", "P1000", ("1900-01-01", "1901-01-01")),
        "before_birth",
        "employment",
        1,
        1,
        "drop",
    ),
    Mended(
        "a spell from before birth",
        spells("employment", "P1000", ("1900-01-01", "2001-01-01")),
        "starts_before_birth",
        "employment",
        1,
        1,
        "warn",
    ),
    Mended(
        "a spell after death", spells("employment", DEAD["person_id"], AFTER_DEATH), "after_death", "employment", 1, 1
    ),
    Mended(
        "a subsidy after death",
        spells("wage_subsidy", DEAD["person_id"], AFTER_DEATH),
        "after_death",
        "wage_subsidy",
        1,
        1,
    ),
    Mended("overlapping spells", repeat("employment", [0, 1]), "overlapping_spells", "employment", 2, 2),
    Mended(
        "the same job and month twice",
        repeat("employment", [0, 1]),
        "overlapping_spells",
        "employment",
        None,
        None,
        layout="monthly",
    ),
    Mended(
        "ends in 9999",
        fill("employment", "end_on", day("9999-12-31")),
        "sentinel_date",
        "employment",
        *n_empty("employment", "end_on"),
    ),
    Mended(
        "ends in 2099",
        fill("wage_subsidy", "end_on", day("2099-12-31")),
        "sentinel_date",
        "wage_subsidy",
        *n_empty("wage_subsidy", "end_on"),
    ),
    Mended(
        "ends in 31.12.9999",
        both(fill("employment", "end_on", day("9999-12-31")), as_codes("employment", "end_on", "%d.%m.%Y")),
        "sentinel_date",
        "employment",
        *n_empty("employment", "end_on"),
    ),
    Mended(
        "consent withdrawn in 9999",
        fill("trial", "withdrawn_on", day("9999-12-31")),
        "sentinel_date",
        "trial",
        *n_empty("trial", "withdrawn_on"),
    ),
    Mended(
        "death in 2100",
        fill("persons", "died_on", day("2100-01-01")),
        "sentinel_date",
        "persons",
        *n_empty("persons", "died_on"),
    ),
    Mended(
        "open spells outside coverage",
        spells("employment", "P1000", ("2016-01-01", "2016-03-01"), ("2017-01-01", "2017-01-01")),
        "outside_coverage",
        "employment",
        2,
        1,
        "warn",
    ),
    # files and columns
    Mended("a folder of files", in_files(), None),
    Mended("a folder with the file's name", in_files(suffix=""), None),
    Mended(
        "a file a month",
        both(emptied("employment", "weekly_hours"), in_months),
        "column_of_nulls",
        "employment",
        None,
        None,
        "warn",
        "monthly",
    ),
    Mended(
        "a stray file",
        both(in_files(), lambda d: d.files.update({"employment/read me.txt": b"x", "employment/a.csv": b"x"})),
        "stray_file",
        "employment",
        0,
        0,
        "warn",
    ),
    Mended("an empty column", emptied("employment", "weekly_hours"), "column_of_nulls", "employment", 240, 39, "warn"),
    Mended(
        "a column of the type null",
        lambda d: d.replace("employment", "weekly_hours", pa.nulls(240)),
        "column_of_nulls",
        "employment",
        240,
        39,
        "warn",
    ),
    Mended(
        "a column empty in one file",
        both(in_files(), in_one_file("employment/part1.parquet", cast("weekly_hours", lambda v: None))),
        "column_of_nulls",
        "employment",
        IN_PART_1[0],
        0,
        "warn",
    ),
    Mended(
        "a column absent in one file",
        both(in_files(), in_one_file("employment/part1.parquet", lambda t: t.drop_columns("weekly_hours"))),
        "column_of_nulls",
        "employment",
        IN_PART_1[0],
        0,
        "warn",
    ),
    Mended(
        "an empty file among others",
        both(
            in_files(),
            in_one_file("employment/part1.parquet", lambda t: t),
            lambda d: d.files.update({"employment/part9.parquet": d.files["employment/part1.parquet"].slice(0, 0)}),
        ),
        None,
    ),
    Mended(
        "keys as numbers in one file",
        both(
            digits(),
            lambda d: d.files.update(
                {
                    f"employment/{n}.parquet": part
                    for n, part in d.split("employment", lambda row: row["person_id"] % 3).items()
                }
            ),
            in_one_file("employment/1.parquet", cast("person_id", lambda v: f"{v:08d}")),
        ),
        "key_spelling",
        "employment",
        *IN_PART_1,
    ),
    Mended(
        "dates as text in one file",
        both(in_files(), in_one_file("employment/part2.parquet", cast("start_on", lambda v: v.strftime("%d.%m.%Y")))),
        "converted_type",
        "employment",
        None,
        None,
    ),
    Mended(
        "dates with a zone in one file",
        both(in_files(), in_one_file("employment/part2.parquet", cast("start_on", local_midnight))),
        "time_zone_in_date",
        "employment",
        None,
        None,
    ),
]


@pytest.mark.parametrize("case", MENDED, ids=lambda case: case.name)
def test_a_fault_that_can_be_mended_changes_nothing_but_the_quality(case: Mended, undisturbed, tmp_path: Path) -> None:
    delivery = good(case.layout)
    case.plant(delivery)
    found, expected = outcome(delivery.write(tmp_path)), undisturbed(case.layout)
    assert_same(found, expected)
    before = set(map(tuple, expected.quality[["extract", "rule"]].to_numpy()))
    if case.rule is None:
        assert set(map(tuple, found.quality[["extract", "rule"]].to_numpy())) <= before
        return
    n_rows, n_persons, actions = found.counts(case.rule, case.extract)
    rows_before, persons_before, _ = expected.counts(case.rule, case.extract)
    assert actions == {case.action}
    assert case.n_rows is None or n_rows - rows_before == case.n_rows
    if case.n_rows is None:
        assert n_rows > rows_before
    elif (case.extract, case.rule) not in before:
        assert case.n_persons is None or n_persons - persons_before == case.n_persons


def test_many_faults_at_once_are_all_mended(undisturbed, tmp_path: Path) -> None:
    names = (
        "ISO dates",
        "European dates",
        "dates as digits",
        "dates as numbers",
        "decimal commas",
        "the same person twice",
        "the same person three times",
        "nobody of the trial",
        "an end before the start",
        "a spell before birth",
    )
    cases = [case for case in MENDED if case.name in names]
    delivery = good()
    for case in sorted(cases, key=lambda case: case.rule == "converted_type"):
        case.plant(delivery)
    found = outcome(delivery.write(tmp_path))
    assert_same(found, undisturbed("spells"))
    assert len(cases) == len(names)
    for case in cases:
        assert found.counts(case.rule, case.extract)[0] >= case.n_rows, case.name


def test_an_optional_extract_may_be_empty_and_is_not_read_as_nobody(undisturbed, tmp_path: Path) -> None:
    delivery = good()
    delivery.tables["education"] = delivery.tables["education"].slice(0, 0)
    found = outcome(delivery.write(tmp_path))
    assert found.counts("empty_extract", "education") == (0, 0, {"warn"})
    assert found.people["less_than_upper_secondary"].isna().all()
    pd.testing.assert_frame_equal(found.panel, undisturbed("spells").panel)
