"""Plausibility over time: counted by person and month, and thinned registers found."""

from datetime import date
from pathlib import Path

import pandas as pd
import pyarrow as pa

from cohorts import Recipe, random_cohort
from deliveries import good
from ipseval.check import examine
from ipseval.registers.over_time import employed_by_month, thin_months
from ipseval.settings import read_cohort
from oracle import as_day


def test_persons_with_a_job_are_counted_month_by_month() -> None:
    spells = random_cohort(Recipe(n_persons=60), 3).extracts["employment"]
    counted = employed_by_month(spells.assign(is_observed=1, **_days(spells)), "2013-01", "2014-12")
    for month, n in counted.items():
        year, number = map(int, str(month).split("-"))
        first = date(year, number, 1)
        after = date(year + number // 12, number % 12 + 1, 1)
        working = {
            row.person_id
            for row in spells.itertuples()
            if as_day(row.start_on) < after and (pd.isna(row.end_on) or as_day(row.end_on) >= first)
        }
        assert n == len(working), month


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
    checked = examine(read_cohort(delivery.write(tmp_path)))
    (said,) = [text for _, text in checked.said if "far fewer persons with a job" in text]
    assert said.startswith("2015-07, 2015-08, ")
