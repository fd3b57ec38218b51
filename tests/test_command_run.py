"""``ipseval run``, ``release``, ``clean``, ``simulate`` and ``list``: what they hand to Snakemake, remove and say."""

import subprocess
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest
import yaml

from ipseval import cli, found
from ipseval.commands import run as command
from ipseval.products import PRODUCTS
from ipseval.settings import ROOT, cohort_settings

COHORT = ROOT / "config" / "cohorts" / "norway-six-centre.yaml"


@pytest.fixture
def handed(monkeypatch: pytest.MonkeyPatch) -> list[tuple[list[str], Path]]:
    """Commands that are given to the system, which does not run them."""
    given: list[tuple[list[str], Path]] = []

    def note(words: list[str], cwd: Path, env: dict, check: bool) -> SimpleNamespace:
        given.append((words, cwd))
        return SimpleNamespace(returncode=3)

    monkeypatch.setattr(subprocess, "run", note)
    return given


@pytest.mark.parametrize("name", ["norway-six-centre", str(COHORT)])
def test_run_hands_a_cohort_to_snakemake(handed, name: str, tmp_path: Path) -> None:
    assert cli.main(["run", name, "--results", str(tmp_path), "--cores", "2", "--only", "estimate"]) == 3
    [(words, folder)] = handed
    assert folder == ROOT
    assert words[1:5] == ["-m", "snakemake", "--cores", "2"]
    assert words[5:] == ["--config", f"cohort={COHORT}", f"results={tmp_path}", "--", "estimate"]


def test_run_names_the_nearest_stage_and_faults_of_the_file_before_anything_starts(handed, tmp_path, capsys) -> None:
    with pytest.raises(SystemExit):
        cli.main(["run", "norway-six-centre", "--only", "estimat"])
    assert "'estimat' is no stage. Did you mean 'estimate'?" in capsys.readouterr().err
    (tmp_path / "north.yaml").write_text("titel: x\n")
    with pytest.raises(SystemExit):
        cli.main(["run", str(tmp_path / "north.yaml")])
    assert "titel is not a key." in capsys.readouterr().err and handed == []


def fill(folder: Path, *files: str) -> Path:
    for file in files:
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / file).write_text("x")
    return folder


def test_clean_removes_one_cohort_and_nothing_else(tmp_path: Path, capsys) -> None:
    own = fill(tmp_path / COHORT.stem, "review/effects.csv", "person/panel.parquet", "logs/check.log", "manifest.json")
    other = fill(tmp_path / "south", "review/effects.csv")
    assert cli.main(["clean", "norway-six-centre", "--results", str(tmp_path)]) == 0
    assert not own.exists() and (other / "review" / "effects.csv").exists()
    assert str(own) in capsys.readouterr().out
    with pytest.raises(SystemExit):
        cli.main(["clean", "norway-six-centre", "--results", str(tmp_path)])
    assert "is not there: nothing to remove." in capsys.readouterr().err


@pytest.mark.parametrize("file", ["notes.txt", "review/notes.txt", "kept/notes.txt"])
def test_clean_keeps_what_somebody_else_put_there(tmp_path: Path, capsys, file: str) -> None:
    own = fill(tmp_path / COHORT.stem, "review/effects.csv", file)
    with pytest.raises(SystemExit):
        cli.main(["clean", "norway-six-centre", "--results", str(tmp_path)])
    assert file.split("/")[0] in capsys.readouterr().err
    assert (own / file).exists() and (own / "review" / "effects.csv").exists()


def test_list_says_what_each_analysis_answers(capsys) -> None:
    assert cli.main(["list"]) == 0
    told = capsys.readouterr().out
    assert "  norway-six-centre" in told and all(stage in told for stage in PRODUCTS)
    assert cli.main(["list", "norway-six-centre"]) == 0
    lines = capsys.readouterr().out.splitlines()[1:]
    analyses = cohort_settings(COHORT, yaml.safe_load((ROOT / "config" / "config.yaml").read_text())["defaults"])
    assert [line.split()[0] for line in lines] == list(analyses["analyses"])
    (pooled,) = [line for line in lines if line.split()[0] == "pooled"]
    assert pooled.endswith(
        "the effect on ordinary employment over months 0 to 43, adjusted for centre, age, female, calendar year and "
        "calendar month"
    )


def test_simulate_writes_the_extracts(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys) -> None:
    plan = ROOT / "config" / "simulations" / "simulated-six-centre.yaml"
    drawn = []
    monkeypatch.setattr(command, "simulate_to", lambda *given: drawn.append(given))
    assert cli.main(["simulate", str(plan), str(tmp_path)]) == 0
    assert drawn == [(plan, tmp_path)]


def test_each_stage_says_what_it_found_in_counts() -> None:
    assert set(found.FOUND) == set(PRODUCTS)
    quality = pd.DataFrame({"severity": ["warning", "information", "warning"]})
    trial = pd.DataFrame({"person_id": ["a", "b", "a"]})
    assert found.found("check", {"quality": quality, "trial": trial}) == "2 persons, 2 warnings"
    people = pd.DataFrame({"is_analysed": [True, False, True]})
    assert found.found("cohort", {"people": people}) == "2 of 3 persons analysed"
    effects = pd.DataFrame({"status": ["estimated", "collinear"] + ["estimated"] * 1000})
    assert found.found("estimate", {"effects": effects}) == "1,002 effects, 1 not estimated"
    compared = pd.DataFrame({"agrees": [True, True]})
    assert found.found("published_comparison", {"published_comparison": compared}) == "2 of 2 published numbers agree"
    assert found.found("verify", {"verify": '{"checks": [{}]}'}) == "1 check passed"
    assert found.found("simulate", {}) == ""
