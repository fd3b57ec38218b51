"""Trial lists as those who run trials have them: CSV, Excel, Stata, SPSS and SAS beside the registers' Parquet."""

import gzip
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pyreadstat
import pytest
import yaml

from deliveries import good, outcome
from ipseval import cli
from ipseval.registers.trial_lists import read

SAS = Path(__file__).parent / "data" / "sas"
ARMS, CENTRES = {"control": 0, "ips": 1}, {1: "Tromsø", 2: "Århus"}
LABELS = {"gruppe": {0: "Oppfølging som før", 1: "IPS"}, "senter": CENTRES}
LIST = ["lopenr", "senter", "gruppe", "dato_inkludert"]


def rows(coded: bool) -> pd.DataFrame:
    """The good delivery's trial list under Norwegian names; arms and centres as numbers where labels name them."""
    table = good().tables["trial"].to_pandas()
    arm = table["arm"].map(ARMS) if coded else table["arm"].map({"control": "Kontroll", "ips": "IPS"})
    centre = table["centre"].astype(int) if coded else table["centre"]
    return pd.DataFrame(
        {"lopenr": table["person_id"], "senter": centre, "gruppe": arm, "dato_inkludert": table["randomised_on"]}
    )


def semicolons(file: Path) -> None:
    """As Excel saves CSV in Norway: cp1252, semicolons, days first."""
    own = rows(coded=False).assign(dato_inkludert=lambda d: [day.strftime("%d.%m.%Y") for day in d["dato_inkludert"]])
    own.assign(merknad="ærlig").to_csv(file, sep=";", index=False, encoding="cp1252")


def stata(file: Path) -> None:
    pyreadstat.write_dta(rows(coded=True), str(file), variable_value_labels=LABELS)


def spss(file: Path) -> None:
    pyreadstat.write_sav(rows(coded=True), str(file), variable_value_labels=LABELS)


def sas(file: Path) -> None:
    names = dict(zip(LIST, ["LOPENR", "SENTER", "GRUPPE", "RANDDATO"], strict=True))
    pyreadstat.write_xport(rows(coded=True).rename(columns=names), str(file))


def excel(file: Path) -> None:
    with pd.ExcelWriter(file, engine="openpyxl") as book:
        pd.DataFrame({"Versjon": [3]}).to_excel(book, sheet_name="Om", index=False)
        days = [datetime(d.year, d.month, d.day) for d in rows(coded=False)["dato_inkludert"]]
        rows(coded=False).assign(dato_inkludert=days).to_excel(book, sheet_name="Liste", index=False)


FILES: dict[str, Callable[[Path], None]] = {
    "liste.csv": semicolons, "Liste over deltakere.xlsx": excel, "liste.dta": stata, "liste.sav": spss,
    "liste.xpt": sas,
}  # fmt: skip


def delivered(folder: Path, name: str) -> Path:
    """Registers as Parquet and the trial list as a program left it."""
    place = folder / "leveranse"
    place.mkdir(parents=True)
    for extract in ("persons", "employment", "wage_subsidy"):
        pq.write_table(good().tables[extract], place / f"{extract}.parquet")
    FILES[name](place / name)
    return place


def proposed(place: Path, *options: str) -> Path:
    out = place.parent / "cohorts"
    assert cli.main(["init", str(place), "--cohort", "north", "--out", str(out), *options]) == 0
    return out / "north.yaml"


@pytest.mark.parametrize("name", FILES)
def test_a_list_of_any_program_is_converted_said_and_gives_the_same_panel(name: str, tmp_path: Path, capsys) -> None:
    place = delivered(tmp_path, name)
    before = {p.name for p in place.iterdir()}
    file = proposed(place)
    text, target = file.read_text(encoding="utf-8"), tmp_path / "person" / f"{Path(name).stem}.parquet"
    content = yaml.safe_load(text)
    assert target.is_file() and {p.name for p in place.iterdir()} == before  # the delivery is as it was
    assert {p.name for p in file.parent.iterdir()} == {"north.yaml"}  # and no person lies beside the cohort file
    told = capsys.readouterr().out
    assert (
        f"The trial list {name} (" in told
        and f"was converted to {target}" in told
        and f"# The trial list {name} (" in text
    )
    assert content["files"]["trial"] == f"../person/{Path(name).stem}.parquet"
    assert not any(key in text for key in rows(coded=False)["lopenr"])
    if name.endswith((".dta", ".sav")):
        assert content["arms"] == {"reference": "0", "treatments": ["1"]}
        assert content["labels"] == {"arms": {"0": "Oppfølging som før", "1": "IPS"}}
        assert content["centres"] == {"1": "Tromsø", "2": "Århus"}
    elif not name.endswith(".xpt"):
        assert content["arms"] == {"reference": "Kontroll", "treatments": ["IPS"]}
        assert "labels: {arms: {IPS: IPS, Kontroll: Kontroll}}  # CHECK: how the arms are called in print" in text
    coded, own = name.endswith((".dta", ".sav", ".xpt")), pq.read_table(target).to_pandas()
    days = own.iloc[:, 3] if name != "liste.csv" else pd.to_datetime(own.iloc[:, 3], format="%d.%m.%Y").dt.date
    kept = own.iloc[:, :3].set_axis(LIST[:3], axis=1).assign(dato_inkludert=days)
    pd.testing.assert_frame_equal(kept.astype(str), rows(coded).astype(str))


def test_a_panel_of_a_list_of_spss_is_that_of_the_list_itself(tmp_path: Path) -> None:
    file = proposed(delivered(tmp_path, "liste.sav"))
    content = yaml.safe_load(file.read_text(encoding="utf-8"))
    found, jobs = outcome(file), good()
    jobs.config = {k: v for k, v in content.items() if k.startswith("observed")} | {"extracts": "extracts"}
    jobs.config |= {"arms": good().config["arms"], "centres": {1: "North", 2: "South"}}
    jobs.tables["trial"] = jobs.tables["trial"].select(["person_id", "centre", "arm", "randomised_on"])
    del jobs.tables["education"], jobs.tables["services"]
    pd.testing.assert_frame_equal(found.panel, outcome(jobs.write(tmp_path / "plain")).panel)


def test_a_file_of_sas_itself_is_read(tmp_path: Path) -> None:
    """Cells, days and codes are those that the authors of the file printed beside it; its times are text."""
    with gzip.open(SAS / "sample.sas7bdat.gz") as packed:
        (tmp_path / "sample.sas7bdat").write_bytes(packed.read())
    (own,) = read(tmp_path / "sample.sas7bdat")
    printed = pd.read_csv(SAS / "sample.csv", parse_dates=["dtime"], encoding="utf-8-sig")
    found = own.table.to_pandas().assign(mydate=lambda d: d["mydate"].map(str, na_action="ignore"))
    assert own.kind == "SAS" and own.table.schema.field("mydate").type == pa.date32()
    for name in ("mychar", "mynum", "mydate", "dtime", "mylabl", "myord"):
        assert found[name].dropna().tolist() == printed[name].dropna().tolist(), name
    assert found.loc[0, "mytime"] == "10:10:10" and found["mytime"].notna().sum() == 4


def test_a_list_that_lies_elsewhere_is_named_and_others_are_told(tmp_path: Path, capsys) -> None:
    place = delivered(tmp_path, "liste.csv")
    (place / "liste.csv").rename(tmp_path / "fra REDCap.csv")
    pd.DataFrame({"year": [2013], "index": [1.0]}).to_csv(place / "cpi.csv", index=False)
    file = proposed(place, "--trial", str(tmp_path / "fra REDCap.csv"), "--person", str(tmp_path / "sikker"))
    assert yaml.safe_load(file.read_text(encoding="utf-8"))["files"]["trial"] == "../sikker/fra REDCap.parquet"
    assert "not used: cpi.csv (CSV)" in capsys.readouterr().out
    assert cli.main(["check", str(file)]) == 0
    file.unlink()
    (tmp_path / "sikker" / "fra REDCap.parquet").write_bytes(b"an earlier list")
    with pytest.raises(SystemExit):
        proposed(place, "--trial", str(tmp_path / "fra REDCap.csv"), "--person", str(tmp_path / "sikker"))
    assert "is there already and holds something else." in capsys.readouterr().err
    assert (tmp_path / "sikker" / "fra REDCap.parquet").read_bytes() == b"an earlier list"


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--trial", "cpi.csv"], "cpi.csv: is no trial list: it cannot be read, or has no columns of a person,"),
        (["--trial", "broken.xlsx"], "A list may be CSV, Excel, Stata, SPSS, SAS and Parquet."),
        (["--person", "cohorts"], "is the folder of the cohort file: a trial list holds persons,"),
    ],
)
def test_mistakes_are_told_and_nothing_is_written(
    options: list[str], says: str, tmp_path: Path, capsys, monkeypatch
) -> None:
    place = delivered(tmp_path, "liste.csv")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "cpi.csv").write_text("year,index\n2013,1.0\n")
    (tmp_path / "broken.xlsx").write_bytes(b"PK\x03\x04 cut off")
    with pytest.raises(SystemExit):
        proposed(place, *options)
    err = capsys.readouterr().err
    assert says in err and "Traceback" not in err
    assert not (tmp_path / "cohorts").exists() and not (tmp_path / "person").exists()


def test_cells_keep_what_they_are(tmp_path: Path) -> None:
    frame = pd.DataFrame({"key": ["007", "8"], "n": [1, 2], "seen": [datetime(2013, 5, 1, 8), None],
                          "mixed": [7, "x"], "none": [None, None]})  # fmt: skip
    frame.to_excel(tmp_path / "a.xlsx", index=False)
    [own] = read(tmp_path / "a.xlsx")
    assert own.table.to_pydict() == {
        "key": ["007", "8"], "n": [1, 2], "seen": [datetime(2013, 5, 1, 8), None],
        "mixed": ["7", "x"], "none": [None, None],
    }  # fmt: skip
    assert own.table.schema.field("n").type == pa.int64()
    (tmp_path / "b.csv").write_text("id,arm\n007,1\n,2\n")
    assert read(tmp_path / "b.csv")[0].table.to_pydict() == {"id": ["007", None], "arm": ["1", "2"]}
