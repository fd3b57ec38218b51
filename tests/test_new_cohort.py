"""From a folder of foreign files to tables: `ipseval init`, what it says to edit, `ipseval check`, snakemake."""

import dataclasses
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from deliveries import Delivery, good, outcome
from ipseval import cli
from ipseval.contracts import EXTRACTS
from ipseval.registers.recognise import families, match, recognise, synonyms
from ipseval.registers.survey import survey
from ipseval.settings import read_cohort
from registers import SIMULATORS
from spoiling import put
from test_layouts import truth, written
from test_privacy import CANARIES, CANARY, PATHS, with_canaries_where_possible
from test_workflow import environment

ROOT = Path(__file__).resolve().parents[1]
# The good delivery under foreign names: file, and our column -> theirs.
FOREIGN: dict[str, tuple[str, dict[str, str]]] = {
    "trial": ("Inklusjonsliste 2013.parquet", {
        "person_id": "w19_0634_lnr", "centre": "hvor", "arm": "Gruppe", "randomised_on": "randomisert_dato",
        "withdrawn_on": "trukket_dato",
    }),
    "persons": ("befolkning.parquet", {
        "person_id": "w19_0634_lnr", "birth_date": "fødselsdato", "sex": "kjønn", "native_born": "norskfødt",
        "died_on": "dødsdato", "emigrated_on": "utvandret_dato",
    }),
    "employment": ("arbeidsforhold.parquet", {
        "person_id": "w19_0634_lnr", "employer_id": "lopenr_virksomhet", "start_on": "fra_dato", "end_on": "til_dato",
        "weekly_hours": "timer_uke", "kind": "ansettelsesform",
    }),
    "wage_subsidy": ("tiltak.parquet", {
        "person_id": "w19_0634_lnr", "start_on": "fra_dato", "end_on": "til_dato", "measure": "tiltakstype",
    }),
    "education": ("utdanning.parquet", {
        "person_id": "w19_0634_lnr", "level": "nivå", "completed_on": "fullført_dato",
    }),
}  # fmt: skip


def foreign(folder: Path) -> Path:
    """Write the good delivery under foreign names, codes and forms of dates; returns the folder."""
    delivery = good()
    delivery.map("trial", "arm", {"control": "Kontroll", "ips": "IPS"}.get)
    delivery.map("persons", "sex", {"female": "Kvinne", "male": "Mann"}.get)
    delivery.map("employment", "start_on", lambda day: day.strftime("%d.%m.%Y"))
    ends = delivery.column("employment", "end_on")
    delivery.replace("employment", "end_on", [f"{day:%d.%m.%Y}" if day else "31.12.2099" for day in ends])
    place = folder / "Leveranse 7"
    place.mkdir(parents=True)
    for extract, (file, names) in FOREIGN.items():
        table = delivery.tables[extract]
        kept = [name for name in table.column_names if name in names]
        pq.write_table(table.select(kept).rename_columns([names[name] for name in kept]), place / file)
    (place / "les meg.txt").write_text("Levert i dag.", encoding="utf-8")
    return place


def proposed(folder: Path, out: Path, *options: str) -> Path:
    """The cohort file that `ipseval init` writes."""
    assert cli.main(["init", str(folder), "--out", str(out), "--cohort", "north", *options]) == 0
    return out / "north.yaml"


def edited(file: Path, **keys: object) -> None:
    """What a person does in an editor."""
    content = yaml.safe_load(file.read_text(encoding="utf-8"))
    for key, value in keys.items():
        content[key] = {**content.get(key, {}), **value} if isinstance(value, dict) and key != "centres" else value
    file.write_text(yaml.safe_dump(content, sort_keys=False, allow_unicode=True), encoding="utf-8")


def test_a_person_who_follows_the_messages_gets_from_foreign_files_to_tables(tmp_path: Path, capsys) -> None:
    place, check = foreign(tmp_path), ["check", str(tmp_path / "cohorts" / "north.yaml")]
    file = proposed(place, tmp_path / "cohorts")
    out, _ = capsys.readouterr()
    assert "trial: Inklusjonsliste 2013.parquet, layout spells; not found: centre\n" in out
    assert f"  .venv/bin/python -m ipseval check {file}\n" in out
    text = file.read_text(encoding="utf-8")
    assert (
        "trial needs centre, which was not found: write 'centre: <its name>' under columns. Other columns: hvor."
        in text
    )
    assert "arms: {reference: Kontroll, treatments: [IPS]}" in text
    assert "sex: {Kvinne: female, Mann: male}" in text
    n_open = good().column("employment", "end_on").count(None)
    assert f"employment.end_on: written as DD.MM.YYYY; {n_open} in 2099 or later, read as not yet." in text

    assert cli.main(check) == 1
    out, err = capsys.readouterr()
    assert (
        "has no column 'centre'. If it has another name, give that under columns.trial. It has: Gruppe, hvor, " in err
    )
    assert "guesses of `ipseval init` are still marked CHECK" in out
    columns = yaml.safe_load(text)["columns"]
    edited(file, columns={"trial": columns["trial"] | {"centre": "hvor"}})
    assert cli.main(check) == 1
    err = capsys.readouterr().err
    assert "carry a centre code that is not declared. Add it to centres or to exclusions." in err
    edited(file, centres={1: "Alta", 2: "Bodø"}, observed_from=None, observed_until="2015-12")
    assert cli.main(check) == 0
    out, _ = capsys.readouterr()
    assert out.endswith(f"Next: .venv/bin/snakemake --cores 4 --config cohort={file}\n")

    small = good().config
    edited(file, **{key: small[key] for key in ("window", "eligibility", "outcome")})
    found, expected = outcome(file), outcome(good().write(tmp_path / "good"))
    pd.testing.assert_frame_equal(found.panel, expected.panel)
    arms = {"Kontroll": "control", "IPS": "ips"}
    pd.testing.assert_frame_equal(
        found.people.assign(arm=found.people["arm"].map(arms)).astype({"arm": "str"}), expected.people
    )

    options = [
        "--cores",
        "2",
        "--directory",
        str(tmp_path),
        "--config",
        f"cohort={file}",
        f"results={tmp_path / 'out'}",
    ]
    done = subprocess.run(
        [sys.executable, "-m", "snakemake", "-s", str(ROOT / "Snakefile"), *options],
        capture_output=True, text=True, env=environment(), check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    page = (tmp_path / "out" / "north" / "review" / "report.html").read_text(encoding="utf-8")
    assert "Alta" in page and "Kontroll" in page


def test_our_own_names_need_no_columns_and_no_files(tmp_path: Path) -> None:
    good().write(tmp_path)
    content = yaml.safe_load(proposed(tmp_path / "extracts", tmp_path / "new").read_text(encoding="utf-8"))
    assert not {"columns", "files", "layouts", "values"} & set(content)
    assert content["extracts"] == "../extracts"
    assert content["arms"] == {"reference": "control", "treatments": ["ips"]}
    assert list(content["centres"]) == ["1", "2"]


@pytest.mark.parametrize("layout", ["monthly", "relative_monthly", "weekly_wide"])
def test_layouts_are_recognised_by_their_columns(layout: str, tmp_path: Path) -> None:
    good(layout).write(tmp_path)
    file = proposed(tmp_path / "extracts", tmp_path / "new")
    assert yaml.safe_load(file.read_text(encoding="utf-8"))["layouts"]["employment"]["layout"] == layout
    assert cli.main(["check", str(file)]) in (0, 1)
    read_cohort(file)


def test_remarks_alone_leave_a_valid_file(tmp_path: Path, capsys) -> None:
    delivery = good()
    delivery.map("persons", "sex", {"female": "Q1", "male": "Q2"}.get)
    delivery.tables["trial"] = delivery.tables["trial"].rename_columns({"centre": "xyz"})
    delivery.write(tmp_path)
    file = proposed(tmp_path / "extracts", tmp_path / "new")
    text = file.read_text(encoding="utf-8")
    assert "CHECK: codes of persons.sex that were not understood: Q1, Q2." in text
    assert "write 'trial: {centre: <its name>}' under columns. Other columns: xyz." in text
    read_cohort(file)
    edited(file, columns={"trial": {"centre": "xyz"}}, values={"persons": {"sex": {"Q1": "female", "Q2": "male"}}})
    edited(file, centres={1: "One", 2: "Two"})
    assert cli.main(["check", str(file)]) == 0


# Simulator -> the layout or register that its files are recognised as.
RECOGNISED = {
    **{name: name for name in ("spells_by_month", "aa_register", "a_ordningen", "bfl", "ras", "fd_trygd", "dream",
                               "dream_states", "persons_by_month", "faste_oppl", "nus2000", "spells_in_period")},
}  # fmt: skip


@pytest.mark.parametrize("name", RECOGNISED)
def test_every_register_is_recognised_in_its_own_delivery(name: str, tmp_path: Path) -> None:
    extract, simulator = SIMULATORS[name]
    written(tmp_path, extract, simulator(truth()), {}, {"layout": "spells"})
    file = proposed(tmp_path / "extracts", tmp_path / "new")
    content = yaml.safe_load(file.read_text(encoding="utf-8"))
    assert content["layouts"][extract]["layout"] == RECOGNISED[name]
    read_cohort(file)


def test_a_register_is_recognised_by_its_files_and_columns(tmp_path: Path) -> None:
    delivery = good()
    place = tmp_path / "delivery"
    place.mkdir()
    names = {
        "person_id": "lopenr_person", "employer_id": "lopenr_virksomhet", "start_on": "arb_start",
        "end_on": "arb_slutt", "weekly_hours": "arb_arbeidstid", "kind": "arb_type",
    }  # fmt: skip
    jobs = delivery.tables.pop("employment").rename_columns(names)
    jobs = jobs.append_column("arb_syss", pa.array(["1a"] * jobs.num_rows))
    for extract, table in delivery.tables.items():
        pq.write_table(table, place / f"{extract}.parquet")
    for month in (1, 2, 10):
        pq.write_table(jobs, place / f"ameld_statdata_2015_m{month}.parquet")
    content = yaml.safe_load(proposed(place, tmp_path / "new").read_text(encoding="utf-8"))
    assert content["layouts"]["employment"] == {"layout": "a_ordningen"}
    assert "files" not in content or "employment" not in content["files"]
    assert (content["observed_from"], content["observed_until"]) == ("2015-01", "2015-10")
    assert "employment" not in content.get("columns", {})


def test_registers_that_follow_each_other_are_proposed_as_one_extract(tmp_path: Path, capsys) -> None:
    extract, simulator = SIMULATORS["across_2015"]
    delivered = simulator(truth())
    declared = written(tmp_path, extract, delivered, {}, delivered.said)
    file = proposed(tmp_path / "extracts", tmp_path / "new")
    text = file.read_text(encoding="utf-8")
    content = yaml.safe_load(text)
    assert content["layouts"]["employment"] == [{"layout": "aa_register"}, {"layout": "a_ordningen"}]
    assert (content["observed_from"], content["observed_until"]) == ("2012-01", "2016-12")
    assert "employment" not in content.get("files", {}) and "employment" not in content.get("columns", {})
    marked = next(line for line in text.splitlines() if line.startswith("  employment:"))
    assert "# CHECK: are these one extract, joined where the one register ends? aa_register (atmlto*.parquet" in marked
    out = capsys.readouterr().out
    assert "employment: atmlto*.parquet, layout aa_register\n" in out
    assert "layout a_ordningen\n" in out and "not used" not in out
    settled = {"centres": {1: "North", 2: "South"}, "window": {"before": 12, "after": 24}}
    edited(file, **settled, outcome={"exclude_wage_subsidy": True})
    pd.testing.assert_frame_equal(outcome(file).panel, outcome(declared).panel)


def test_each_of_two_registers_keeps_its_own_names(tmp_path: Path) -> None:
    extract, simulator = SIMULATORS["across_2015"]
    delivered = simulator(truth())
    years = {
        f"old/jobs{name[6:10]}.parquet": frame.rename(columns={"startdato": "fra_dato"})
        for name, frame in delivered.files.items()
        if name.startswith("atmlto")
    }
    others = {name: frame for name, frame in delivered.files.items() if not name.startswith("atmlto")}
    written(tmp_path, extract, dataclasses.replace(delivered, files=years | others), {}, delivered.said)
    content = yaml.safe_load(proposed(tmp_path / "extracts", tmp_path / "new").read_text(encoding="utf-8"))
    assert content["layouts"]["employment"] == [
        {"layout": "aa_register", "files": "old/jobs*.parquet", "columns": {"start_on": "fra_dato"}},
        {"layout": "a_ordningen"},
    ]


# --- what must not be done


def test_nothing_is_overwritten(tmp_path: Path, capsys) -> None:
    good().write(tmp_path)
    before = (tmp_path / "north.yaml").read_bytes()
    with pytest.raises(SystemExit) as stopped:
        cli.main(["init", str(tmp_path / "extracts"), "--out", str(tmp_path), "--cohort", "north"])
    assert stopped.value.code == 1
    assert "is there already. Choose another name with --cohort, or remove it." in capsys.readouterr().err
    assert (tmp_path / "north.yaml").read_bytes() == before


@pytest.mark.parametrize(
    ("arguments", "status", "says"),
    [
        (["nowhere"], 2, "'nowhere' is no folder."),
        (["."], 1, "holds no Parquet file that can be read."),
        ([".", "--cohort", "../north"], 1, "is no name."),
        (["only_text"], 1, "holds no Parquet file that can be read."),
        ([], 2, "the following arguments are required: DIR"),
    ],
)
def test_mistakes_are_told(arguments: list[str], status: int, says: str, tmp_path: Path, capsys, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "only_text").mkdir()
    (tmp_path / "only_text" / "trial.parquet").write_text("person_id,arm\n")
    if arguments == ["."]:
        monkeypatch.chdir(tmp_path / "only_text")
    with pytest.raises(SystemExit) as stopped:
        cli.main(["init", *arguments, "--out", str(tmp_path / "new")])
    assert stopped.value.code == status
    err = capsys.readouterr().err
    assert says in err
    assert "Traceback" not in err
    assert not (tmp_path / "new").exists()


def test_without_a_trial_list_the_file_is_valid_and_the_check_says_what_is_missing(tmp_path: Path, capsys) -> None:
    delivery = good()
    delivery.tables = {"employment": delivery.tables["employment"]}
    delivery.write(tmp_path)
    file = proposed(tmp_path / "extracts", tmp_path / "new")
    assert "trial: no file looks like it" in capsys.readouterr().out
    assert cli.main(["check", str(file)]) == 1
    assert "trial.parquet was not delivered." in capsys.readouterr().err


# --- no person's value


@pytest.mark.parametrize("path", [p for p in PATHS if not p.endswith((".arm", ".centre", ".sex"))])
def test_neither_the_proposal_nor_the_output_holds_a_value_of_a_person(path: str, tmp_path: Path, capfd) -> None:
    layout, plant = PATHS[path]
    delivery = good(layout)
    plant(delivery)
    with_canaries_where_possible(delivery)
    delivery.write(tmp_path)
    file = proposed(tmp_path / "extracts", tmp_path / "new")
    out, err = capfd.readouterr()
    assert not any(canary in out + err + file.read_text(encoding="utf-8") for canary in CANARIES)
    read_cohort(file)


def test_a_code_is_shown_when_three_persons_share_it(tmp_path: Path) -> None:
    delivery = good()
    put("trial", [0, 1], arm=f"{CANARY} two")(delivery)
    put("trial", [2, 3, 4], arm="shared by three")(delivery)
    delivery.write(tmp_path)
    text = proposed(tmp_path / "extracts", tmp_path / "new").read_text(encoding="utf-8")
    assert CANARY not in text
    assert "shared by three" in text
    assert "Not shown, fewer than 3 persons each: 1 more code." in text


def test_a_code_counts_persons_and_not_rows(tmp_path: Path) -> None:
    delivery = good()
    person = delivery.column("employment", "person_id")[0]
    rows = [{"person_id": person, "start_on": delivery.column("employment", "start_on")[0], "kind": CANARY}] * 9
    delivery.append("employment", rows)
    delivery.write(tmp_path)
    assert CANARY not in proposed(tmp_path / "extracts", tmp_path / "new").read_text(encoding="utf-8")


def test_months_are_those_that_three_persons_share(tmp_path: Path) -> None:
    delivery = good()
    delivery.write(tmp_path)
    trial = {p for p in delivery.column("trial", "person_id")}
    pairs = zip(delivery.column("employment", "person_id"), delivery.column("employment", "start_on"), strict=True)
    n_persons = Counter(month for month, _ in {(f"{day:%Y-%m}", p) for p, day in pairs if p in trial})
    content = yaml.safe_load(proposed(tmp_path / "extracts", tmp_path / "new").read_text(encoding="utf-8"))
    assert content["observed_until"] == max(month for month, n in n_persons.items() if n >= 3)


# --- recognition


def test_synonyms_name_only_extracts_and_columns_of_ours() -> None:
    assert set(synonyms()["files"]) == set(EXTRACTS)
    ours = {column.name for extract in EXTRACTS.values() for column in extract.columns}
    assert set(synonyms()["columns"]) - ours == {"year_month", "employed", "nus2000"}
    assert set(synonyms()["codes"]) <= ours


def test_the_same_name_goes_before_a_synonym_and_a_synonym_before_a_near_name() -> None:
    trial = EXTRACTS["trial"].columns
    found = match(trial, ["arm", "gruppe", "randomisert_dato", "randomised_onn", "W19_0634_LNR"], {})
    assert {ours: (*m.names, m.how) for ours, m in found.items()} == {
        "arm": ("arm", "same"),
        "person_id": ("W19_0634_LNR", "synonym"),
        "randomised_on": ("randomisert_dato", "synonym"),
    }
    assert match(trial, ["randomised_onn"], {})["randomised_on"].how == "near"


def test_a_copy_in_a_folder_beside_is_not_taken_and_is_told(tmp_path: Path, capsys) -> None:
    delivery: Delivery = good()
    delivery.files["old/trial.parquet"] = delivery.tables["trial"]
    delivery.write(tmp_path)
    guesses = recognise(families(tmp_path / "extracts"))
    assert guesses["trial"][0].delivery.names([0]) == ["trial.parquet"]
    assert survey(guesses["trial"][0], None).n_rows == 40
    file = proposed(tmp_path / "extracts", tmp_path / "new")
    assert "not used: old/trial.parquet\n" in capsys.readouterr().out
    assert "CHECK: old/trial.parquet: not used" in file.read_text(encoding="utf-8")
