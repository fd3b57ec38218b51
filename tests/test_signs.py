"""Dates that are signs, and values that cannot be: the panel is that of the delivery without them."""

from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from deliveries import Delivery, Outcome, good, outcome
from ipseval.check import examine
from ipseval.registers import plausible, repeated, signs
from ipseval.settings import read_cohort


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    return outcome(good().write(tmp_path_factory.mktemp("good")))


def filled(extract: str, column: str, sign: date) -> Delivery:
    """The good delivery with a sign where a column was empty."""
    delivery = good()
    own = [sign if value is None else value for value in delivery.column(extract, column)]
    delivery.replace(extract, column, own, delivery.tables[extract][column].type)
    return delivery


SIGNS = [date(1, 1, 1), date(1753, 1, 1), date(1899, 12, 30), date(1900, 1, 1), date(1960, 1, 1), date(1970, 1, 1)]


@pytest.mark.parametrize("sign", SIGNS, ids=str)
def test_an_end_before_every_start_that_many_share_is_an_open_job(
    sign: date, expected: Outcome, tmp_path: Path
) -> None:
    delivery = filled("employment", "end_on", sign)
    n = good().column("employment", "end_on").count(None)
    checked = examine(read_cohort(delivery.write(tmp_path)))
    (row,) = checked.quality[checked.quality["rule"] == "past_sign"].to_dict("records")
    assert (row["n_rows"], row["action"], row["column"]) == (n, "fix", "end_on")
    assert any(f"have end_on {sign}, long past" in text for _, text in checked.said)
    pd.testing.assert_frame_equal(outcome(tmp_path / "north.yaml").panel, expected.panel)


@pytest.mark.parametrize("column", ["died_on", "emigrated_on"])
@pytest.mark.parametrize("sign", [date(1900, 1, 1), date(1970, 1, 1)], ids=str)
def test_a_death_in_1900_has_not_happened(column: str, sign: date, expected: Outcome, tmp_path: Path) -> None:
    found = outcome(filled("persons", column, sign).write(tmp_path))
    pd.testing.assert_frame_equal(found.panel, expected.panel)


def test_nobody_is_left_out_for_a_consent_withdrawn_in_1900(expected: Outcome, tmp_path: Path) -> None:
    found = outcome(filled("trial", "withdrawn_on", date(1900, 1, 1)).write(tmp_path))
    pd.testing.assert_frame_equal(found.people, expected.people)


def spells(*rows: tuple[str, str, str]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=["person_id", "start_on", "end_on"])
    return frame.assign(**{c: pd.to_datetime(frame[c]).astype("datetime64[s]") for c in ("start_on", "end_on")})


@pytest.mark.parametrize(
    ("rows", "found"),
    [
        ([("a", "2014-01-02", "2014-01-01"), ("b", "2014-01-02", "2014-01-01"), ("c", "2014-01-02", "2014-01-01"),
          ("d", "2013-05-05", "2014-01-01")], [0, 0, 0, 0]),  # it is the real end of somebody's job
        ([("a", "2014-01-02", "2012-12-31"), ("b", "2014-01-02", "2012-12-31"), ("a", "2015-01-02", "2012-12-31")],
         [0, 0, 0]),  # of two persons only
        ([("a", "2014-01-02", "1960-01-01"), ("b", "2014-01-02", "1960-01-01"), ("c", "1950-01-02", "1960-01-01")],
         [0, 0, 0]),  # a real end beside
        ([("a", "2014-01-02", "1960-01-01"), ("b", "2014-01-02", "1960-01-01"), ("c", "1971-01-02", "1960-01-01")],
         [1, 1, 1]),
        ([("a", "2014-01-02", "1900-01-01")], [1]),
        ([("a", "1890-01-02", "1900-01-01")], [0]),
    ],
)  # fmt: skip
def test_a_real_end_is_no_sign(rows: list[tuple[str, str, str]], found: list[int]) -> None:
    assert signs.no_end(spells(*rows), "end_on").astype(int).tolist() == found


def test_starts_in_1900_are_told_and_kept(expected: Outcome, tmp_path: Path) -> None:
    delivery = good()
    delivery.put("employment", [0, 50, 100, 150], start_on=date(1900, 1, 1))
    found = outcome(delivery.write(tmp_path))
    assert found.counts("start_sign", "employment")[::2] == (4, {"warn"})


def test_hours_that_cannot_be_are_not_known(tmp_path: Path) -> None:
    delivery, empty = good(), good()
    rows = list(range(0, 240, 4))
    for made, value in ((delivery, 999.0), (empty, None)):
        made.put("employment", rows, weekly_hours=value)
        made.config["outcome"] = {**made.config.get("outcome", {}), "min_weekly_hours": 20}
    found = outcome(delivery.write(tmp_path / "signs"))
    pd.testing.assert_frame_equal(found.panel, outcome(empty.write(tmp_path / "empty")).panel)
    assert found.counts("impossible_hours")[::2] == (len(rows), {"fix"})


@pytest.mark.parametrize(
    ("hours", "plausible", "long", "codes"),
    [
        ([99.9, 99.9, 99.9], {}, 0, 3),  # of three persons
        ([99.9, 99.9, 37.0], {}, 0, 0),  # of two
        ([120.0, 168.0, 100.0], {}, 2, 0),
        ([120.0, 168.0, 100.0], {"weekly_hours": [5, 90]}, 3, 0),
        ([99.0, 99.0, 99.0], {"repeats": 4}, 0, 0),
    ],
)
def test_hours_that_can_hardly_be_are_told(
    hours: list[float], plausible: dict, long: int, codes: int, tmp_path: Path
) -> None:
    delivery = good()
    delivery.replace("employment", "weekly_hours", [37.0 if i % 2 else 20.0 for i in range(240)])
    for row, value in zip((0, 60, 120), hours, strict=True):
        delivery.put("employment", [row], weekly_hours=value)
    delivery.config["plausible"] = plausible
    checked = examine(read_cohort(delivery.write(tmp_path)))
    found = Outcome(checked.quality, None, None)
    assert found.counts("implausible_hours")[:1] == (long,)
    assert found.counts("repeated_code") == (codes, codes, {"warn"} if codes else set())
    if codes:
        assert any("weekly_hours 99.9, which repeats like a code" in text for _, text in checked.said)


@pytest.mark.parametrize(
    ("by", "told"), [(1 / 37, True), (100 / 37, True), (52 / 12, True), (1, False), (1.2, False), (0.2, False)]
)
def test_hours_of_another_unit_are_told(by: float, told: bool) -> None:
    """Shares of full time, per cent and hours a month, and hours that are a little unusual."""
    hours = pd.Series([37.0, 15.0, 20.0, 20.0, 10.0, 0.0, np.nan] * 3) * by  # most of them part time
    found = plausible.hours_of_another_unit(pd.DataFrame({"weekly_hours": hours}))
    assert list(found) == list((hours > 0) & told)
    few = pd.DataFrame({"weekly_hours": hours[:7]})
    assert not plausible.hours_of_another_unit(few).any()


def test_codes_for_missing_may_be_read_as_not_known(tmp_path: Path) -> None:
    delivery, empty = good(), good()
    rows = list(range(0, 240, 4))
    for made, value in ((delivery, 99.0), (empty, None)):
        made.put("employment", rows, weekly_hours=value)
        made.config |= {"checks": {"repeated_code": "fix"}}
        made.config["outcome"] = {**made.config.get("outcome", {}), "min_weekly_hours": 20}
    found = outcome(delivery.write(tmp_path / "codes"))
    assert found.counts("repeated_code", "employment")[::2] == (len(rows), {"fix"})
    pd.testing.assert_frame_equal(found.panel, outcome(empty.write(tmp_path / "empty")).panel)


AGES = [18.0, 25.5, 31.0, 44.2, 44.2, 44.2, 58.0, 64.0, 70.0, 80.0, 90.0]


@pytest.mark.parametrize(
    ("values", "codes"),
    [
        ([*AGES, 99.0, 99.0, 99.0], [99.0]),
        ([*AGES, 99.0, 99.0], []),  # of two persons
        ([*AGES, *[97.0, 98.0] * 3], [97.0, 98.0]),  # does not know, will not say
        ([*AGES, 96.5, 98.0, 98.0, 98.0, 100.0], []),  # ages around it
        ([*AGES, 95.0, 88.0, 88.0, 88.0], []),  # 88 is an age here
        ([*AGES, 90.0, 90.0, 90.0], []),
        ([*AGES, -1.0, -1.0, -1.0, 999.0, 999.0, 999.0], [-1.0, 999.0]),
        ([*AGES, 500.0, 500.0, 500.0], [500.0]),  # no usual code, and far from all
        ([*AGES, 150.0, 150.0, 150.0], []),
        ([0.0, 1.0, 1.0, 0.0, 1.0, 0.0], []),
        ([0.0, 1.0, 1.0, 0.0, 9.0, 9.0, 9.0], [9.0]),
        ([5.0, 6.0, 7.0, 7.0, 7.0, 8.0, 8.0, 8.0, 9.0, 9.0, 9.0], []),  # years at school
        ([-1.5, -0.5, -1.0, -1.0, -1.0, 0.0, 0.5, 1.0, 2.0], []),  # a score
        ([0.0] * 9 + [*np.arange(1e5, 9e5, 1e5), 9e6] + [99999.0] * 4, [99999.0]),  # wages, a code inside the range
        ([99.0, 99.0, 99.0], []),
    ],
)
def test_numbers_that_repeat_like_codes(values: list[float], codes: list[float]) -> None:
    column, person = pd.Series([*values, np.nan]), pd.Series([f"p{i}" for i in range(len(values) + 1)])
    found = repeated.repeated_numbers(column, person, 3)
    assert sorted(column[found].unique()) == codes
    assert not repeated.repeated_numbers(column, person * 0 + "p", 3).any()  # of one person


def test_days_that_repeat_outside_the_bulk(tmp_path: Path) -> None:
    delivery = good()
    delivery.put("employment", [0, 60, 120], start_on=date(1950, 1, 1))
    delivery.put("employment", [7], start_on=date(1951, 6, 2))
    checked = examine(read_cohort(delivery.write(tmp_path)))
    found = Outcome(checked.quality, None, None)
    assert found.counts("repeated_code", "employment") == (3, 3, {"warn"})
    assert found.counts("date_outside_bulk", "employment") == (1, 1, {"warn"})
    assert any("start_on 1950-01-01, which repeats" in text for _, text in checked.said)
    assert not any("1951" in text for _, text in checked.said)  # it is one person's
    days = pd.Series(pd.date_range("1990-01-01", "2016-01-01", freq="90D"))
    assert not plausible.far_from_bulk(days, 2).any()
    late = pd.concat([days, pd.Series(pd.to_datetime(["2045-01-01"]))])
    assert plausible.far_from_bulk(late, 2).sum() == 1 and not plausible.far_from_bulk(late, 35).any()


def test_ages_that_few_trials_have_are_told(tmp_path: Path) -> None:
    delivery = good()
    ages = [14.99, 15.0, 100.9, 101.0, 60.0] + [40.0] * 35
    delivery.tables["trial"] = delivery.tables["trial"].append_column("age", pa.array(ages))
    on = delivery.column("trial", "randomised_on")
    keys = delivery.column("trial", "person_id")
    births = dict(zip(delivery.column("persons", "person_id"), range(10**6), strict=False))
    delivery.put("persons", [births[keys[5]]], birth_date=on[5] - timedelta(days=14 * 365))
    found = outcome(delivery.write(tmp_path / "usual"))
    assert found.counts("implausible_age", "trial") == (2, 2, {"warn"})
    assert found.counts("implausible_age", "persons") == (1, 1, {"warn"})
    delivery.config["plausible"] = {"age": [18, 59]}
    found = outcome(delivery.write(tmp_path / "young"))
    assert found.counts("implausible_age", "trial")[:1] == (5,)


def test_a_declared_covariate_is_looked_at_and_who_is_randomised_before_the_register_is_told(tmp_path: Path) -> None:
    delivery = good()
    severity = pa.array([999.0 if i < 4 else float(i % 5) for i in range(40)])
    delivery.tables["trial"] = delivery.tables["trial"].append_column("severity", severity)
    first = sorted(delivery.column("trial", "randomised_on"))[20]
    n = sum(day < first.replace(day=1) for day in delivery.column("trial", "randomised_on"))
    delivery.config |= {"covariates": [{"severity": "number"}], "observed_from": f"{first:%Y-%m}"}
    checked = examine(read_cohort(delivery.write(tmp_path)))
    found = Outcome(checked.quality, None, None)
    assert found.counts("repeated_code", "trial") == (4, 4, {"warn"})
    assert found.counts("randomised_before_register")[0] == n > 0


@pytest.mark.parametrize(
    ("extract", "column", "value", "rule"),
    [
        ("trial", "age", 999.0, "impossible_age"),
        ("trial", "age", -1.0, "impossible_age"),
        ("persons", "birth_date", date(1889, 1, 1), "impossible_birth"),
        ("persons", "birth_date", date(2018, 1, 1), "impossible_birth"),
    ],
)
def test_ages_and_births_that_cannot_be_are_not_known(
    extract: str, column: str, value: object, rule: str, tmp_path: Path
) -> None:
    delivery = good()
    ages = pa.array([30.0] * delivery.tables["trial"].num_rows)
    delivery.tables["trial"] = delivery.tables["trial"].append_column("age", ages)
    delivery.put(extract, [3], **{column: value})
    found = outcome(delivery.write(tmp_path))
    assert found.counts(rule, extract) == (1, 1, {"fix"})


def test_months_of_birth_are_looked_at_too() -> None:
    frame = pd.DataFrame({"person_id": list("abcd"), "birth_month": [198501, 188501, 201512, None]})
    day = pd.Series(pd.to_datetime(["2014-05-01"] * 4).astype("datetime64[s]"), index=list("abcd"))
    assert plausible.impossible_birth(frame, "birth_month", day).tolist() == [False, True, True, False]


def test_a_day_of_randomisation_years_from_all_others_is_told(tmp_path: Path) -> None:
    delivery = good()
    first = delivery.column("trial", "randomised_on")[5]
    delivery.put("trial", [5], randomised_on=first - timedelta(days=15 * 365))
    assert outcome(delivery.write(tmp_path)).counts("far_from_others") == (1, 1, {"warn"})
    spread = pd.DataFrame({"randomised_on": np.arange("2009-01-01", "2019-01-01", dtype="datetime64[M]")})
    assert not plausible.far_from_others(spread.astype("datetime64[s]")).any()


def test_months_that_stand_for_still_open_are_no_end(expected: Outcome, tmp_path: Path) -> None:
    def by_month(sign: int | None) -> Delivery:
        delivery = good()
        table = delivery.tables["employment"]
        months: dict[str, Callable[[date | None], int | None]] = {
            "start_on": lambda d: d and d.year * 100 + d.month,
            "end_on": lambda d: d.year * 100 + d.month if d else sign,
        }
        for column, month in months.items():
            own = pa.array([month(v) for v in table[column].to_pylist()], pa.int64())
            place = table.column_names.index(column)
            table = table.set_column(place, column.replace("_on", "_month"), own)
        delivery.tables["employment"] = table
        delivery.config["layouts"] = {"employment": {"layout": "spells_by_month"}}
        return delivery

    found = outcome(by_month(190001).write(tmp_path / "sign"))
    pd.testing.assert_frame_equal(found.panel, outcome(by_month(None).write(tmp_path / "empty")).panel)
