"""Days of dates in every form: against the calendar of the standard library, value by value."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from deliveries import Delivery, good, outcome
from ipseval.errors import UserError
from ipseval.registers.cells import Written
from ipseval.registers.convert import convert
from ipseval.registers.date_forms import form_fits
from ipseval.registers.dates import is_fixed

OSLO, NEW_YORK = ZoneInfo("Europe/Oslo"), ZoneInfo("America/New_York")
DAYS = [
    date(1958, 2, 28),
    date(2000, 2, 29),
    date(2013, 1, 1),
    date(2014, 3, 30),
    date(2014, 7, 31),
    date(2014, 10, 26),
]
DAYS += [date(2013, 1, 1) + timedelta(days=17 * i) for i in range(60)]


def days(values: list[Any], kind: pa.DataType | None = None, written: Written | None = None) -> Any:
    return convert(pa.chunked_array([pa.array(values, kind)]), "date", None, written or Written())


def as_days(made: Any) -> list[date | None]:
    return [None if pd.isna(value) else value.date() for value in made.values]


def midnight(day: date, zone: ZoneInfo = OSLO) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=zone)


def instants(zone: ZoneInfo = OSLO) -> list[datetime]:
    """Midnights of a zone as UTC writes them, without saying so."""
    return [midnight(day, zone).astimezone(UTC).replace(tzinfo=None) for day in DAYS]


TIMES = {
    "without a zone": (instants(), pa.timestamp("us")),
    "of nanoseconds": (instants(), pa.timestamp("ns")),
    "in UTC": ([midnight(day) for day in DAYS], pa.timestamp("ms", "UTC")),
    "at a fixed distance": ([midnight(day) for day in DAYS], pa.timestamp("us", "+01:00")),
    "in a fixed zone by name": ([midnight(day) for day in DAYS], pa.timestamp("us", "Etc/GMT-1")),
    "as text with Z": ([t.strftime("%Y-%m-%dT%H:%M:%SZ") for t in instants()], pa.string()),
    "as text with milliseconds": ([t.strftime("%Y-%m-%dT%H:%M:%S.000Z") for t in instants()], pa.string()),
    "as text with +00:00": ([t.strftime("%Y-%m-%d %H:%M:%S+00:00") for t in instants()], pa.string()),
    "as text at a fixed distance": (
        [(t + timedelta(hours=1)).strftime("%Y-%m-%d %H:%M:%S+0100") for t in instants()], pa.string()),
    "as text without a zone": ([t.strftime("%Y-%m-%d %H:%M") for t in instants()], pa.string()),
    "as compact text": ([t.strftime("%Y%m%dT%H%M%SZ") for t in instants()], pa.string()),
}  # fmt: skip


@pytest.mark.parametrize("name", TIMES)
def test_an_instant_is_the_day_of_the_declared_zone_and_otherwise_not_known(name: str) -> None:
    values, kind = TIMES[name]
    assert days(values, kind).fixed == "unknown_time_zone"
    for written in (Written(zone="Europe/Oslo"), Written(usual_zone="Europe/Oslo")):
        made = days(values, kind, written)
        assert (as_days(made), made.fixed, made.failed.any()) == (DAYS, "time_zone_in_date", False)


def test_a_zone_that_the_column_names_is_its_own_whatever_the_usual_one_is() -> None:
    values = [midnight(day, NEW_YORK) for day in DAYS]
    made = days(values, pa.timestamp("us", "America/New_York"), Written(usual_zone="Europe/Oslo"))
    assert (as_days(made), made.fixed) == (DAYS, "time_zone_in_date")


def test_a_usual_zone_does_not_move_times_that_are_no_midnight_there() -> None:
    wall = [datetime(day.year, day.month, day.day, 23, 30) for day in DAYS]
    assert days(wall, pa.timestamp("us"), Written(usual_zone="Europe/Oslo")).fixed == "unknown_time_zone"
    assert as_days(days(wall, pa.timestamp("us"), Written(zone="local"))) == DAYS
    assert as_days(days(wall, pa.timestamp("us"), Written(zone="Europe/Oslo"))) == [d + timedelta(1) for d in DAYS]


def test_a_moment_that_names_utc_is_placed_by_the_usual_zone_at_any_time_of_day() -> None:
    moments = [datetime(2014, 1, 1, 12, tzinfo=UTC), datetime(2014, 7, 1, 22, 30, tzinfo=UTC)]
    made = days(moments, pa.timestamp("s", "UTC"), Written(usual_zone="Europe/Oslo"))
    assert as_days(made) == [date(2014, 1, 1), date(2014, 7, 2)]


@pytest.mark.parametrize("written", [Written(), Written(usual_zone="America/New_York")], ids=["no zone", "a zone"])
@pytest.mark.parametrize("sign", [date(9999, 12, 31), date(1900, 1, 1), None])
def test_midnights_are_days_beside_signs_that_are_none(sign: date | None, written: Written) -> None:
    values = [datetime(day.year, day.month, day.day) for day in DAYS]
    far = sign and datetime(sign.year, sign.month, sign.day, 23, 59, 59)
    made = days([*values, far], pa.timestamp("us"), written)
    assert (as_days(made), made.fixed) == ([*DAYS, sign], None)


def test_midnight_with_changing_distances_is_the_day_that_is_written() -> None:
    made = days([midnight(day).isoformat() for day in DAYS])
    assert (as_days(made), made.fixed) == (DAYS, "converted_type")


def test_times_of_spark_are_instants(tmp_path: Path) -> None:
    file = tmp_path / "spark.parquet"
    pq.write_table(
        pa.table({"day": pa.array(instants(), pa.timestamp("us"))}), file, use_deprecated_int96_timestamps=True
    )
    column = pq.read_table(file)["day"]
    assert convert(column, "date").fixed == "unknown_time_zone"
    assert as_days(convert(column, "date", None, Written(usual_zone="Europe/Oslo"))) == DAYS


@pytest.mark.parametrize(
    ("zone", "expected"),
    [("UTC", True), ("+01:00", True), ("Etc/GMT-1", True), ("-0330", True), ("Europe/Oslo", False), ("CET", False)],
)
def test_zones_without_summer_time_are_fixed(zone: str, expected: bool) -> None:
    assert is_fixed(zone) is expected


MONTHS = ["jan", "feb", "mar", "apr", "mai", "jun", "jul", "aug", "sep", "okt", "nov", "des"]
FORMS = {
    "DD-MM-YYYY": lambda d: d.strftime("%d-%m-%Y"),
    "MM/DD/YYYY": lambda d: d.strftime("%m/%d/%Y"),
    "D/M/YYYY": lambda d: f"{d.day}/{d.month}/{d.year}",
    "D.M.YY": lambda d: f"{d.day}.{d.month}.{d.year % 100:02d}",
    "DDMMYYYY": lambda d: d.strftime("%d%m%Y"),
    "YYMMDD": lambda d: d.strftime("%y%m%d"),
    "DDMONYYYY": lambda d: f"{d.day:02d}{MONTHS[d.month - 1].upper()}{d.year}",
    "D. MON YYYY": lambda d: f"{d.day}. {MONTHS[d.month - 1]} {d.year}",
    "YYYY/MM/DD": lambda d: d.strftime("%Y/%m/%d 00:00:00"),
    "days_since_1960": lambda d: (d - date(1960, 1, 1)).days,
    "days_since_1899-12-30": lambda d: float((d - date(1899, 12, 30)).days),
    "seconds_since_1960": lambda d: (d - date(1960, 1, 1)).days * 86_400.0,
    "days_since_1970": lambda d: str((d - date(1970, 1, 1)).days),
}


@pytest.mark.parametrize("form", FORMS)
def test_a_declared_form_is_read_as_it_says(form: str) -> None:
    assert form_fits(form, "date")
    own = [day for day in DAYS if day.year >= 1960 or "YY" in form or "1899" in form]
    made = days([*map(FORMS[form], own), None], None, Written(form=form))
    assert as_days(made) == [*own, None]
    assert not made.failed.any()


@pytest.mark.parametrize("form", ["DDMMYYYY", "YYMMDD"])
def test_numbers_that_lost_their_zeros_are_dates(form: str) -> None:
    own = [day for day in DAYS if day.year >= 2000]
    assert as_days(days([int(FORMS[form](day)) for day in own], pa.int32(), Written(form=form))) == own


def test_months_have_forms_of_their_own() -> None:
    since = [(d.year - 1960) * 12 + d.month - 1 for d in DAYS if d.year >= 1960]
    column = pa.chunked_array([pa.array([float(n) for n in since])])
    made = convert(column, "month", None, Written(form="months_since_1960"))
    assert as_days(made) == [d.replace(day=1) for d in DAYS if d.year >= 1960]
    text = pa.chunked_array([pa.array([f"{MONTHS[d.month - 1]}-{d.year}" for d in DAYS])])
    assert as_days(convert(text, "month", None, Written(form="MON-YYYY"))) == [d.replace(day=1) for d in DAYS]


@pytest.mark.parametrize("form", ["MM-YYYY", "DD-MM", "dd-mm-yyyy", "DD-MM-YYYY-DD", "months_since_1960", "since", ""])
def test_forms_that_tell_no_day_are_none(form: str) -> None:
    assert not form_fits(form, "date")


def test_what_does_not_fit_the_form_fails_and_is_never_another_day() -> None:
    made = days(["31-12-2014", "12-31-2014", "30-02-2014", "2014-01-01", "x"], None, Written(form="DD-MM-YYYY"))
    assert as_days(made) == [date(2014, 12, 31), None, None, None, None]
    assert made.failed.tolist() == [False, True, True, True, True]


def spoiled(**said: Any) -> Delivery:
    delivery = good()
    delivery.map("trial", "randomised_on", lambda v: v.strftime("%d-%m-%Y"))
    delivery.config |= said
    return delivery


def test_a_form_in_the_cohort_file_is_followed(tmp_path: Path) -> None:
    said = spoiled(dates={"trial": {"randomised_on": "DD-MM-YYYY"}})
    expected = outcome(good().write(tmp_path / "good"))
    pd.testing.assert_frame_equal(outcome(said.write(tmp_path / "said")).panel, expected.panel)
    with pytest.raises(UserError, match=r"or say how they are written under dates\.trial\.randomised_on"):
        outcome(spoiled().write(tmp_path / "unsaid"))


def test_what_is_said_of_dates_and_numbers_is_checked_all_at_once(tmp_path: Path) -> None:
    dates = {"trial": {"randomised_on": "DD-MM", "arm": "DD-MM-YYYY", "day": "YYYY"}}
    dates["employment"] = {"start_on": {"zone": "Europe/Olso"}}
    said = spoiled(dates=dates, numbers={"employment": {"kind": {"decimal": ","}}}, zone="Norway")
    with pytest.raises(UserError) as refused:
        outcome(said.write(tmp_path))
    text = str(refused.value)
    for fault in (
        "dates.trial.randomised_on is 'DD-MM', which is no form of dates. Expected: DD-MM-YYYY",
        "dates.trial.arm names a column that holds no dates.",
        "dates.trial.day is no column of ours.",
        "dates.employment.start_on names the zone 'Europe/Olso', which is none.",
        "numbers.employment.kind names a column that holds no numbers.",
        "zone is 'Norway', which is none.",
    ):
        assert fault in text
