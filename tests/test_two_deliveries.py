"""Monthly job files with days, and BFL in capitals: from `ipseval init` by at most three edits to tables.

What the panel must be is worked out by :mod:`oracle` from the delivered rows, each cut to the month of its file.
"""

import calendar
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

import oracle
from deliveries import good
from ipseval import cli, pipeline
from ipseval.settings import default_settings, read_cohort
from test_init_by_content import BFL, LIST, NORWEGIAN

MONTHS = [(year, month) for year in range(2012, 2016) for month in range(1, 13)]
NO_JOB, NO_SUBSIDY = "pensjon", "arbeidspraksis"
WINDOW = {"before": 3, "after": 9}


def registers() -> dict[str, list[dict[str, Any]]]:
    """The good trial with pensions among its jobs and work practice among its measures."""
    rows = {name: good().tables[name].to_pylist() for name in ("trial", "persons", "employment", "wage_subsidy")}
    rows["employment"] = [row | {"kind": "ordinær"} for row in rows["employment"]]
    for person in rows["trial"][::3]:
        on = person["randomised_on"] + timedelta(40)
        idle = {"person_id": person["person_id"], "employer_id": "KLP", "start_on": on, "end_on": None}
        rows["employment"].append(idle | {"weekly_hours": 37.5, "kind": NO_JOB})
    for person in rows["trial"][1::3]:
        on = person["randomised_on"] + timedelta(100)
        rows["wage_subsidy"].append(
            {"person_id": person["person_id"], "start_on": on, "end_on": on + timedelta(90), "measure": NO_SUBSIDY}
        )
    return rows


def of_month(rows: list[dict[str, Any]], year: int, month: int) -> tuple[list[dict[str, Any]], date, date]:
    """Rows with a day in a month, and its first and last day."""
    first, last = date(year, month, 1), date(year, month, calendar.monthrange(year, month)[1])
    return [r for r in rows if r["start_on"] <= last and (r["end_on"] or last) >= first], first, last


def delivered(place: Path, rows: dict[str, list[dict[str, Any]]], file: str, names: dict[str, str]) -> None:
    place.mkdir(parents=True)
    tables = good().tables
    for extract in ("trial", "persons", "wage_subsidy"):
        table = pa.Table.from_pylist(rows[extract], schema=tables[extract].schema)
        if extract == "trial":
            table = table.rename_columns([LIST.get(c, c) for c in table.column_names])
        pq.write_table(
            table, place / {"trial": "forsok.parquet", "wage_subsidy": "tiltak.parquet"}.get(extract, "bef.parquet")
        )
    for year, month in MONTHS:
        table = pa.Table.from_pylist(of_month(rows["employment"], year, month)[0], schema=tables["employment"].schema)
        pq.write_table(table.rename_columns([names[c] for c in table.column_names]), place / file.format(year, month))


def expected(rows: dict[str, list[dict[str, Any]]]) -> tuple[set[str], dict[str, list[int]]]:
    """Who is analysed, and months of ordinary employment, of the rows as delivered, one by one."""
    jobs = []
    for year, month in MONTHS:
        here, first, last = of_month(rows["employment"], year, month)
        jobs += [
            r | {"start_on": max(r["start_on"], first), "end_on": min(r["end_on"] or last, last)}
            for r in here
            if r["kind"] != NO_JOB
        ]
    own = rows | {"employment": jobs, "wage_subsidy": [r for r in rows["wage_subsidy"] if r["measure"] != NO_SUBSIDY]}
    config = {**default_settings(), "window": WINDOW, "observed_from": "2012-01", "observed_until": "2015-12"}
    persons = oracle.everybody({name: pd.DataFrame(part).astype(object) for name, part in own.items()}, config)
    kept, _ = oracle.analysed(persons, config)
    panel = oracle.panel_of(persons, config)
    return {p.key for p in kept}, {k: [-1 if y is None else y for y in own.values()] for k, own in panel.items()}


@pytest.mark.parametrize("name", ["jobb_{}_{:02d}.parquet", "BFL{}{:02d}.parquet"])
def test_three_edits_lead_from_a_delivery_to_tables_and_the_panel_is_that_of_its_rows(
    name: str, tmp_path: Path, capsys
) -> None:
    rows, is_bfl = registers(), name.startswith("BFL")
    if is_bfl:  # hours are a share of full time there
        rows["employment"] = [
            r | {"weekly_hours": r["weekly_hours"] and r["weekly_hours"] / 37} for r in rows["employment"]
        ]
    delivered(tmp_path / "delivery", rows, name, BFL if is_bfl else NORWEGIAN)
    assert cli.main(["init", str(tmp_path / "delivery"), "--cohort", "north", "--out", str(tmp_path)]) == 0
    file = tmp_path / "north.yaml"
    text = file.read_text(encoding="utf-8")
    assert f"kind: codes ordinær, {NO_JOB}. CHECK: all count as jobs" in text
    assert "CHECK: all count as wage subsidy" in text and NO_SUBSIDY in text
    content = yaml.safe_load(text)
    layout = {"layout": "bfl"} if is_bfl else {"layout": "spells_in_period", "period": "month"}
    assert content["layouts"]["employment"] == layout

    edits = {
        "exclusions": {"employment": {"kind": [NO_JOB]}, "wage_subsidy": {"measure": [NO_SUBSIDY]}},
        "window": WINDOW,
        "randomisation": {"draws": 99},
    }
    file.write_text(yaml.safe_dump(content | edits, sort_keys=False), encoding="utf-8")
    assert cli.main(["check", str(file)]) == 0
    cohort = read_cohort(file)
    made = (pipeline.measure if is_bfl else pipeline.compute)(cohort)
    people, panel = made["cohort"]["people"], made["panel"]["panel"].set_index("person_id")
    kept, months = expected(rows)
    assert set(people.loc[people["is_analysed"] == 1, "person_id"]) == kept
    assert 0 < len(kept) < len(people)
    own = panel.loc[panel["outcome"] == "ordinary_employment"].filter(like="month_")
    assert {key: list(row) for key, row in zip(own.index, own.to_numpy(), strict=True)} == months
    effects = made["estimate"]["effects"]
    assert "estimated" in set(effects.loc[effects["analysis"] == "pooled_unadjusted", "status"])
    assert is_bfl or "Kontroll" in made["present"]["report"] or "control" in made["present"]["report"]
