"""Deliveries as evaluators have them, from `ipseval init` to the panel: recognised by columns, in any case."""

import calendar
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from deliveries import good, outcome
from ipseval.cli import main
from ipseval.registers.date_forms import likely_form
from ipseval.registers.proposed import left_to_check
from spoiling import local_midnight

YEARS = range(2012, 2016)
Names = dict[str, str]


def by_month(place: Path, name: str, columns: Callable[[str], str]) -> None:
    """Jobs as one file a month: every job with a day in it, with its own first and last day."""
    table = good().tables["employment"]
    rows = table.to_pylist()
    for year in YEARS:
        for month in range(1, 13):
            first, last = date(year, month, 1), date(year, month, calendar.monthrange(year, month)[1])
            own = [r for r in rows if r["start_on"] <= last and (r["end_on"] is None or r["end_on"] >= first)]
            part = pa.Table.from_pylist(own, schema=table.schema)
            file = place / name.format(year=year, month=month)
            pq.write_table(part.rename_columns([columns(c) for c in part.column_names]), file)


def delivered(place: Path, trial: Callable[[str], str]) -> None:
    place.mkdir(parents=True)
    tables = good().tables
    pq.write_table(
        tables["trial"].rename_columns([trial(c) for c in tables["trial"].column_names]), place / "forsok.parquet"
    )
    for extract in ("persons", "wage_subsidy"):
        pq.write_table(tables[extract], place / f"{extract}.parquet")


def proposed(place: Path) -> Path:
    main(["init", str(place), "--cohort", "north", "--out", str(place.parent)])
    return place.parent / "north.yaml"


NORWEGIAN = {
    "person_id": "lopenr", "employer_id": "orgnr", "start_on": "startdato", "end_on": "sluttdato",
    "weekly_hours": "timer_uke", "kind": "arbeidsforhold_type",
}  # fmt: skip
LIST = {"person_id": "lopenr", "centre": "senter", "arm": "gruppe", "randomised_on": "dato_inkludert"}
BFL = {
    "person_id": "PNR", "employer_id": "CVRNR", "start_on": "AJO_JOB_START_DATO", "end_on": "AJO_JOB_SLUT_DATO",
    "weekly_hours": "AJO_FULDTID_BESKAEFTIGET", "kind": "AJO_TYPE",
}  # fmt: skip
CASES = {
    "monthly job files with days": ("jobb_{year}_{month:02d}.parquet", NORWEGIAN, LIST, "spells_in_period"),
    "BFL in capitals": ("BFL{year}{month:02d}.parquet", BFL, {}, "bfl"),
    "BFL in small letters": ("bfl{year}{month:02d}.parquet", {k: v.lower() for k, v in BFL.items()}, LIST, "bfl"),
}


@pytest.mark.parametrize("name", CASES)
def test_the_panel_of_a_proposal_is_that_of_the_jobs_themselves(name: str, tmp_path: Path) -> None:
    file, columns, trial, layout = CASES[name]
    delivered(tmp_path / "delivery", lambda c: trial.get(c, c) if trial else c.upper())
    by_month(tmp_path / "delivery", file, lambda c: columns[c])
    text = proposed(tmp_path / "delivery").read_text(encoding="utf-8")
    content = yaml.safe_load(text)
    assert content["layouts"]["employment"]["layout"] == layout
    assert (content["observed_from"], content["observed_until"]) == ("2012-01", "2015-12")
    assert left_to_check(text) < 12
    assert "CHECK: all count as wage subsidy" in text
    found = outcome(tmp_path / "north.yaml")
    jobs = good()
    jobs.config = {key: content[key] for key in ("observed_from", "observed_until", "arms", "centres")}
    jobs.config["extracts"] = "extracts"
    del jobs.tables["education"], jobs.tables["services"]
    expected = outcome(jobs.write(tmp_path / "jobs"))
    pd.testing.assert_frame_equal(found.panel, expected.panel)
    assert found.people["is_analysed"].tolist() == expected.people["is_analysed"].tolist()


WORDS = {  # file and columns of each extract, in the order of OURS
    "Danish": {
        "randomisering": "PNR CENTER GRUPPE RANDOMISERINGSDATO",
        "befolkning": "PNR FOED_DAG KOEN DOEDSDATO UDVANDRET INDVANDRET",
        "ansaettelser": "PNR CVRNR STARTDATO SLUTDATO TIMER JOBTYPE",
        "loentilskud": "PNR FRA_DATO TIL_DATO TILTAG",
    },
    "Norwegian": {
        "forsoksliste": "lopenr senter gruppe dato_randomisert",
        "befolkning": "lopenr fodselsdato kjonn dodsdato utvandringsdato innvandringsdato",
        "arbeidsforhold": "lopenr orgnr startdato sluttdato timer_uke arbeidsforholdstype",
        "tiltak": "lopenr fra til tiltakstype",
    },
    "English": {
        "randomization": "pid site group rand_date",
        "population": "pid dob gender death_date emigration_date immigration_date",
        "jobs": "pid employer job_start job_end hours_per_week job_type",
        "subsidies": "pid from_date to_date programme",
    },
}
OURS = {
    "trial": ["person_id", "centre", "arm", "randomised_on"],
    "persons": ["person_id", "birth_date", "sex", "died_on", "emigrated_on", "returned_on"],
    "employment": ["person_id", "employer_id", "start_on", "end_on", "weekly_hours", "kind"],
    "wage_subsidy": ["person_id", "start_on", "end_on", "measure"],
}


@pytest.mark.parametrize("language", WORDS)
def test_names_in_three_languages_are_the_contracts(language: str, tmp_path: Path) -> None:
    (tmp_path / "delivery").mkdir()
    for (extract, ours), (file, theirs) in zip(OURS.items(), WORDS[language].items(), strict=True):
        table = good().tables[extract]
        if "kind" in ours and "kind" not in table.column_names:
            table = table.append_column("kind", pa.array(["ordinary"] * len(table)))
        table = table.select(ours).rename_columns(theirs.split())
        pq.write_table(table, tmp_path / "delivery" / f"{file}.parquet")
    content = yaml.safe_load(proposed(tmp_path / "delivery").read_text(encoding="utf-8"))
    assert content["files"] == {e: f"{file}.parquet" for e, file in zip(OURS, WORDS[language], strict=True)}
    for (extract, ours), theirs in zip(OURS.items(), WORDS[language].values(), strict=True):
        assert content["columns"][extract] == dict(zip(ours, theirs.split(), strict=True))
    assert "layouts" not in content


def test_weeks_are_not_proposed_where_no_column_is_one(tmp_path: Path) -> None:
    delivered(tmp_path / "delivery", str)
    pq.write_table(good().tables["employment"], tmp_path / "delivery" / "employment.parquet")
    odd = good().tables["wage_subsidy"].rename_columns(["person_id", "x1", "x2", "x3"])
    for file in (tmp_path / "delivery").glob("*subsid*"):
        file.unlink()
    pq.write_table(odd, tmp_path / "delivery" / "subsidies.parquet")
    text = proposed(tmp_path / "delivery").read_text(encoding="utf-8")
    assert "wage_subsidy needs start_on" in text and "weekly_wide" not in text


def test_what_is_not_read_is_listed_with_its_values(tmp_path: Path) -> None:
    delivered(tmp_path / "delivery", str)
    table = good().tables["employment"].append_column("STYRK", pa.array(["2310"] * 240))
    pq.write_table(table, tmp_path / "delivery" / "jobs.parquet")
    assert "#   not read: STYRK (string, 240 values)." in proposed(tmp_path / "delivery").read_text(encoding="utf-8")


def test_a_form_of_dates_that_has_to_be_said_is_proposed(tmp_path: Path) -> None:
    delivery = good()
    delivery.map("trial", "randomised_on", lambda v: v.strftime("%d-%m-%Y"))
    delivery.map("employment", "start_on", local_midnight, pa.timestamp("us", "UTC"))
    delivery.write(tmp_path).unlink()
    content = yaml.safe_load(proposed(tmp_path / "extracts").read_text(encoding="utf-8"))
    assert content["dates"] == {"trial": {"randomised_on": "DD-MM-YYYY"}}
    assert content["zone"] == "Europe/Oslo"


def test_a_form_is_likely_when_no_other_fits() -> None:
    days = [date(2014, 1, 1) + timedelta(days=i) for i in range(40)]
    assert likely_form(pd.Series([d.strftime("%d-%m-%Y") for d in days]), "date") == "DD-MM-YYYY"
    assert likely_form(pd.Series([f"{d.month}/{d.day}/{d.year}" for d in days]), "date") == "M/D/YYYY"
    assert likely_form(pd.Series(["03-04-2014", "05-06-2014"]), "date") is None
    assert likely_form(pd.Series(["soon"]), "date") is None


def test_names_made_of_known_parts_are_near(tmp_path: Path) -> None:
    delivered(tmp_path / "delivery", lambda c: {"randomised_on": "Dato_for_randomisering"}.get(c, c))
    pq.write_table(good().tables["employment"], tmp_path / "delivery" / "employment.parquet")
    content = yaml.safe_load(proposed(tmp_path / "delivery").read_text(encoding="utf-8"))
    assert content["columns"]["trial"] == {"randomised_on": "Dato_for_randomisering"}
