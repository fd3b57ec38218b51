"""Plausibility over time: counted by person and month, and thinned registers found."""

import base64
import re
from dataclasses import replace
from datetime import date
from pathlib import Path

import pandas as pd
import pyarrow as pa

from cohorts import Recipe, random_cohort
from deliveries import good
from ipseval.check import examine
from ipseval.figures.over_time import picture, register_by_month
from ipseval.registers.over_time import by_month, outlying_months, silent_end, spoken_of, thin_months
from ipseval.settings import read_cohort
from ipseval.tables.checked import findings
from ipseval.tables.render import to_html
from ipseval.tables.review import Review
from oracle import as_day


def test_persons_with_a_job_are_counted_month_by_month() -> None:
    spells = random_cohort(Recipe(n_persons=60), 3).extracts["employment"]
    counted = by_month(spells.assign(is_observed=1, **_days(spells)), [], "2013-01", "2014-12").set_index("month")
    assert (counted["n_with_row"] == counted["n_employed"]).all()
    for month, n in counted["n_employed"].items():
        year, number = map(int, str(month).split("-"))
        first = date(year, number, 1)
        after = date(year + number // 12, number % 12 + 1, 1)
        working = {
            row.person_id
            for row in spells.itertuples()
            if as_day(row.start_on) < after and (pd.isna(row.end_on) or as_day(row.end_on) >= first)
        }
        assert n == len(working), month
        begun = {row.person_id for row in spells.itertuples() if first <= as_day(row.start_on) < after}
        assert counted.loc[month, "n_started"] == len(begun), month


def _days(spells: pd.DataFrame) -> dict[str, pd.Series]:
    return {c: pd.to_datetime(spells[c]).astype("datetime64[s]") for c in ("start_on", "end_on")}


def months(*values: int) -> pd.Series:
    index = [f"{2013 + i // 12}-{i % 12 + 1:02d}" for i in range(len(values))]
    return pd.Series(values, index=index)


def test_months_with_a_third_or_a_tenth_of_the_jobs_are_thin() -> None:
    assert thin_months(months(*[100] * 12, 33)) == ["2014-01"]
    assert thin_months(months(*[100] * 12, *[10] * 12))[0] == "2014-01"
    assert thin_months(months(*[60 + i for i in range(24)])) == []
    assert thin_months(months(*[10] * 12, 2)) == []  # of few persons nothing is said
    assert thin_months(months(*[100] * 8, 70, 80, 90, 100)) == []


def test_a_register_that_ends_early_is_named(tmp_path: Path) -> None:
    delivery = good()
    n = 60
    more = {"person_id": [f"P{2000 + i}" for i in range(n)], "start_on": [date(2013, 2, 1)] * n}
    trial = delivery.tables["trial"].slice(0, 1).to_pylist()[0]
    delivery.append("trial", [trial | {"person_id": key} for key in more["person_id"]])
    ends = [date(2015, 6, 30) if i % 10 else None for i in range(n)]
    rows = pa.table({**more, "end_on": ends}).to_pylist()
    delivery.append("employment", rows)
    cohort = read_cohort(delivery.write(tmp_path))
    checked = examine(cohort)
    (said,) = [text for _, text in checked.said if "far fewer persons with a job" in text]
    assert said.startswith("2015-07, 2015-08, ")
    (silent,) = [text for _, text in checked.said if "nobody who begins a job" in text]
    assert " to 2015-12 has nobody who begins a job, though " in silent
    counts = checked.by_month.set_index("month")["n_employed"]
    assert counts["2015-06"] - counts["2015-07"] >= n - n // 10
    review = Review(cohort, {"quality": checked.quality, "register_by_month": checked.by_month})
    page = to_html("North", replace(findings(review.rows("quality")), picture=picture(review)))
    (svg,) = re.findall(r'<img src="data:image/svg\+xml;base64,([^"]*)" alt="Three lines by calendar month', page)
    assert base64.b64decode(svg) == register_by_month(review).svg


def test_rows_that_say_not_employed_are_rows() -> None:
    frame = pd.DataFrame(
        {"person_id": ["a", "b", "b", "c"], "year_month": pd.to_datetime(["2014-01-01"] * 2 + ["2014-02-01"] * 2)}
    )
    jobs = pd.DataFrame({"person_id": ["b"], "start_on": ["2014-02-01"], "end_on": ["2014-02-28"], "is_observed": 1})
    spoken = spoken_of(frame, pd.Series(dtype="datetime64[s]"))
    counted = by_month(jobs.assign(**_days(jobs)), [spoken], "2014-01", "2014-03")
    assert counted["n_with_row"].tolist() == [2, 2, 0]
    assert counted["n_employed"].tolist() == [0, 1, 0]
    relative = spoken_of(
        pd.DataFrame({"person_id": ["a", "b"], "month": [-1, 2]}),
        pd.Series(pd.to_datetime(["2014-05-20", "2014-12-01"]), index=["a", "b"]),
    )
    assert relative["month"].astype("datetime64[s]").dt.strftime("%Y-%m").tolist() == ["2014-04", "2015-02"]
    assert spoken_of(jobs, relative["month"]) is None


def test_a_month_with_many_more_is_outlying_and_a_growing_register_is_not() -> None:
    assert outlying_months(months(*[100] * 6, 180, *[100] * 6)) == ["2013-07"]
    assert outlying_months(months(*[100] * 6, *[180] * 6)) == []
    assert outlying_months(months(*[8] * 6, 18, *[8] * 6)) == []  # of few persons nothing is said


def test_months_without_a_start_at_the_end_are_told_where_chance_does_not_make_them() -> None:
    assert silent_end(months(*[4] * 24, 0, 0)) == ("2015-01", 4.0)  # exp(-8) is below .001
    assert silent_end(months(*[3] * 24, 0, 0)) is None  # exp(-6) is not
    assert silent_end(months(*[4] * 24)) is None
    assert silent_end(months(*[0] * 24)) is None
    assert silent_end(months(*[4] * 6, 0, 0, 0, 0)) is None  # no year to compare with
