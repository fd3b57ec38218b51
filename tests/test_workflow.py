"""The workflow as a user runs it: Snakemake in a process of its own, on a copy of the project and a small cohort.

One story is run once (``told``), step after step; the tests below read what came of each step.
"""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from deliveries import Delivery, good
from faults import of_readers
from ipseval.settings import cohort_settings, default_settings, for_stage
from shared import made_once

ROOT = Path(__file__).resolve().parents[1]
PROJECT = ("Snakefile", "workflow", "ipseval", "config", "profiles", "environment.yml")
PRINTED = {"present", "release", "verify"}
REVIEWED = PRINTED | {"protect"}
DOWNSTREAM = REVIEWED | {"published_comparison"}
# Stages between the panel and what is presented, besides the estimates.
BESIDE = {"follow", "receive", "placebo", "bound", "vary"}
ALL = {"check", "clean", "cohort", "panel", "describe", "estimate", "randomise", "synthesise"} | BESIDE | DOWNSTREAM
# Files that hold the checksum of the code: an edit that computes the same changes them.
NAMING_CODE = {
    f"north/{place}{name}"
    for name in ("manifest.json", "release/ro-crate-metadata.json", "release/checksums/ro-crate-metadata.json.txt")
    for place in ("", "unverified/")
}
CANARY = "Kanari"
CANARIES = (CANARY, "918273645")
# One key of every part of a cohort file, all with a value that is not the default.
CHOSEN: dict[str, Any] = {
    "title": "North",
    "remark": "The persons are simulated.",
    "language": "da",
    "labels": {
        "arms": {"ips": "IPS"}, "covariates": {"wave": "Bølge"}, "levels": {"benefit": "Ydelse"},
        "services": {"ips": "jobstøtte"}, "outcomes": {"any_job": "et job"},
        "numbers": {"balance": "tabel 1 i artiklen"},
    },
    "observed_from": "2012-06",
    "observed_until": "2015-11",
    "unobserved": ["2012-07"],
    "files": {"education": "educ*.parquet"},
    "columns": {"trial": {"arm": "gruppe"}},
    "values": {"trial": {"gender": {}}},
    "exclusions": {"employment": {"kind": ["benefit"]}},
    "dates": {"trial": {"randomised_on": "DD-MM-YYYY"}},  # of texts; these are dates
    "zone": "Europe/Oslo",
    "numbers": {"employment": {"weekly_hours": {"decimal": ","}}},
    "layouts": {"wage_subsidy": {"layout": "spells"}},
    "covariates": ["wave"],
    "window": {"before": 1, "after": 3},
    "eligibility": {"not_employed_at_randomisation": False},
    "states": {"benefit": {"employment": ["benefit"]}},
    "outcomes": {"any_job": ["ordinary", "benefit"]},
    "outcome": {
        "primary": "any_job", "month_rule": {"min_days": 2}, "min_weekly_hours": 3,
        "exclude_wage_subsidy": False, "after_death": "missing",
        "after_emigration": "missing",
    },
    "estimation": {"variances": ["cr2", "cr1"], "confidence_level": 0.9, "min_persons_per_arm": 3,
        "min_persons_for_stars": 6, "primary": "cr1"},
    "synthesis": {
        "variance": "cr1", "joint_test": "cr1", "tau": "reml", "knapp_hartung": "plain",
        "min_persons_per_arm": 4, "power": 0.9,
    },
    "follow": {"months": [2, 3]},
    "achieved": {"months": [1, 3]},
    "cost": {"per_assigned": {"ips": 100}},
    "robustness": {
        "month_rule": ["any_day"], "min_weekly_hours": [0], "exclude_wage_subsidy": [True], "time": [[]],
        "adjustment": {"none": {"adjust": []}}, "variances": ["cr2"],
    },
    "randomisation": {"draws": 99, "seed": 1},
    "receipt": {"services": {"ips": ["ips"]}, "split_month": 1, "adjust": ["age", "wave"], "weak_first_stage_f": 5,
        "unobserved_reference": "missing"},
    "event_study": {"period_months": 2},
    "bound": {"covariates": ["age", "wave"], "impute": "all", "months": [1, 3], "draws": 199, "seed": 5},
    "analyses": {"own": {"months": [1, 2], "adjust": ["wave"], "time": ["inclusion_year"]}},
    "describe": {
        "education": "highest",
        "wage_subsidy_months": [0, 2],
        "wage_income_year": 2010,
        "health_contact_months": 6,
    },
    "organisation": "organisation.csv",
    "organisation_groups": {"owner": {"health": ["hospital"], "nav": ["nav"]}},
    "timeline": "events.csv",
    "fidelity": "reviews.csv",
    "checks": {"open_end": "warn"},
    "plausible": {"age": [16, 90], "weekly_hours": [1, 80], "years_from_bulk": 3, "repeats": 4},
    "verify": {"max_persons": 25},
    "disclosure": {"profile": "dst"},
}  # fmt: skip
# A change of the cohort file -> the stages that run again: those that read the key, and what is made from theirs.
CHANGES: dict[str, tuple[dict[str, Any], set[str]]] = {
    "title and language": ({"title": "South", "language": "nb"}, PRINTED),
    "the second engine": ({"verify": {"max_persons": 20}}, {"verify"}),
    "the level of intervals": (
        {"estimation": {"confidence_level": 0.8}},
        {"estimate", "randomise", "synthesise"} | BESIDE | DOWNSTREAM,
    ),
    "months of the follow-up": ({"follow": {"months": [1]}}, {"follow"} | REVIEWED),
    "months of what is achieved": ({"achieved": {"months": [2]}}, {"follow"} | REVIEWED),
    "the price": ({"cost": {"per_assigned": {"ips": 50}}}, {"follow", "protect"} | REVIEWED),
    "what counts": (
        {"outcomes": {"any_job": ["benefit"]}},
        ALL - {"check", "clean", "cohort"},
    ),
    "the combinations": ({"robustness": {"variances": ["cr1"]}}, {"vary"} | REVIEWED),
    "draws": ({"randomisation": {"draws": 199, "seed": 1}}, {"randomise"} | REVIEWED),
    "the split of receipt": ({"receipt": CHOSEN["receipt"] | {"split_month": 2}}, {"receive", "follow"} | REVIEWED),
    "periods": ({"event_study": {"period_months": 1}}, {"placebo"} | REVIEWED),
    "what is bounded": ({"bound": {"impute": "attrition", "draws": 199}}, {"bound"} | REVIEWED),
    "eligibility": ({"eligibility": {"not_employed_at_randomisation": True}}, ALL - {"check", "clean"}),
    "the action of a rule": ({"checks": {}}, ALL),
}

SEEN_TO_RERUN = ("what counts", "draws")  # changes with which Snakemake is run, for the others go by the same graph


def elsewhere(chosen: Mapping[str, Any]) -> dict[str, str]:
    """The files that a cohort file names, as it names them from another folder."""
    return {key: f"../cohort/{chosen[key]}" for key in ("extracts", "organisation", "fidelity", "timeline")}


def small_cohort() -> Delivery:
    """Forty persons with keys and employers that cannot be mistaken for anything else."""
    delivery = good()
    for extract in delivery.tables:
        delivery.map(extract, "person_id", lambda key: f"{CANARY}{key}")
    delivery.map("employment", "employer_id", lambda key: f"{CANARY}{key}")
    delivery.replace("employment", "kind", ["benefit" if i % 30 == 0 else "job" for i in range(240)])
    delivery.map("trial", "arm", lambda arm: "IPS" if arm == "ips" else arm)
    trial = delivery.tables["trial"].rename_columns({"arm": "gruppe"})
    delivery.tables["trial"] = trial.append_column("wave", [[float(i % 3) for i in range(40)]])
    delivery.files["../organisation.csv"] = b"centre;characteristic;code\n1;owner;hospital\n2;owner;nav\n"
    delivery.files["../events.csv"] = b"centre,event,date\n1,closed,2014-03\n"
    delivery.files["../reviews.csv"] = b"team,date,item,score\n1,2013-06-19,total,90\n1,2014-06-19,P1,5\n"
    delivery.config |= CHOSEN | {"values": {"trial": {"arm": {"IPS": "ips"}}}}
    return delivery


# --- the story -------------------------------------------------------------------------------------------


class Project:
    """A copy of the project, and Snakemake run in it."""

    def __init__(self, folder: Path):
        self.folder, self.steps = folder, {}
        for name in PROJECT:
            source = ROOT / name
            copy = shutil.copytree if source.is_dir() else shutil.copy2
            copy(source, folder / name)

    def run(self, step: str, *options: str, cohort: Path, results: Path | None = None) -> None:
        """Run Snakemake and keep what came of it."""
        config = [f"cohort={cohort}", *([f"results={results}"] if results else [])]
        told = ["--quiet", "host"] if "-n" in options else []  # the jobs of a dry run
        command = [sys.executable, "-m", "snakemake", "--cores", "2", "--config", *config, *told, *options]
        done = subprocess.run(command, cwd=self.folder, capture_output=True, text=True, env=environment(), check=False)
        said = done.stderr + done.stdout
        jobs = re.findall(r"^(?:local)?rule (\w+):$", said, re.M) + re.findall(
            r"^north: (\w+) \d+ s(?::|$)", said, re.M
        )
        self.steps[step] = {
            "status": done.returncode,
            "out": done.stdout,
            "err": done.stderr,
            "jobs": sorted(set(jobs) - {"all"}),
        }

    def files(self) -> dict[str, Any]:
        """Every file of the copy and when it was changed, save what Snakemake and Python keep for themselves."""
        own = {".snakemake", "__pycache__"}
        return {
            str(f): f.stat().st_mtime_ns
            for f in sorted(self.folder.rglob("*"))
            if not own & set(f.parts) and f.is_file()
        }


def environment() -> dict[str, str]:
    """This environment with the interpreter's programs first, and nothing of the tests' own path."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    return {k: v for k, v in os.environ.items() if k != "PYTHONPATH"} | {"PATH": path}


def checksums(folder: Path) -> dict[str, str]:
    """SHA-256 of every file but logs, by name."""
    files = [f for f in sorted(folder.rglob("*")) if f.is_file() and "logs" not in f.parts]
    return {f.relative_to(folder).as_posix(): hashlib.sha256(f.read_bytes()).hexdigest() for f in files}


def holding(folder: Path) -> list[str]:
    """Files that hold a person's value, save those under person/."""
    files = [f for f in folder.rglob("*") if f.is_file() and "person" not in f.parts]
    return [str(f) for f in files if any(canary.encode() in f.read_bytes() for canary in CANARIES)]


def tell(folder: Path) -> dict[str, Any]:
    """Run the whole story in a folder; returns a record of it that fits into JSON."""
    (folder / "project").mkdir()
    project, cohort = Project(folder / "project"), small_cohort().write(folder / "cohort")
    results, one_process = folder / "results", folder / "one_process"
    told: dict[str, Any] = {"before": project.files()}
    project.run("first", cohort=cohort, results=results)
    told |= {"after": project.files(), "results": checksums(results)}
    project.run("second", cohort=cohort, results=results)
    project.run("stage", "-n", "--forceall", "--", "estimate", cohort=cohort, results=results)
    for file in (project.folder / "ipseval" / "describe.py", cohort.parent / "extracts" / "trial.parquet"):
        file.touch()
    project.run("touched", "-n", cohort=cohort, results=results)
    (results / "north" / "release" / "data" / "effects.csv").unlink()
    (results / "north" / "review" / "notes.txt").write_text("A reader's own notes.")
    project.run("whole again", cohort=cohort, results=results)
    told["whole again"] = checksums(results)
    shutil.rmtree(results / "north" / "kept")
    effects = f"{results}/north/review/effects.csv"
    project.run("target", "--", effects, cohort=cohort, results=results)
    told["target"] = checksums(results)
    project.run("graph", "--rulegraph", cohort=cohort, results=results)
    for name in SEEN_TO_RERUN:
        other = changed(cohort, CHANGES[name][0], folder)
        project.run(f"changed: {name}", "-n", cohort=other, results=results)
    shutil.move(project.folder / ".snakemake", folder / "records")
    project.run("without records", "-n", cohort=cohort, results=results)
    other = changed(cohort, CHANGES["the level of intervals"][0], folder)
    project.run("changed without records", "--until", "estimate", cohort=other, results=results)
    shutil.rmtree(project.folder / ".snakemake")
    shutil.move(folder / "records", project.folder / ".snakemake")
    project.run("back", cohort=cohort, results=results)
    told["back"] = checksums(results)
    project.run("report", "--report", str(folder / "report.html"), cohort=cohort, results=results)
    report = (folder / "report.html").read_text(encoding="utf-8") if (folder / "report.html").exists() else ""
    told["report"] = len(report), sum(report.count(canary) for canary in CANARIES)
    script = f"from ipseval.pipeline import run; run({str(cohort)!r}, {str(one_process)!r})"
    subprocess.run(
        [sys.executable, "-c", script], cwd=project.folder, env=environment(), capture_output=True, check=False
    )
    told["one_process"] = checksums(one_process) if one_process.exists() else {}
    for module in ("describe", "tables/registry"):
        with (project.folder / "ipseval" / f"{module}.py").open("a") as stream:
            stream.write("# one more line\n")
        project.run(f"edited: {module}", *(["-n"] if module != "describe" else []), cohort=cohort, results=results)
    told["edited"] = checksums(results)
    spoil(cohort.parent / "extracts")
    project.run("failed", cohort=cohort, results=results)
    told["failed"] = checksums(results)
    small_cohort().write(cohort.parent)
    project.run("mended", cohort=cohort, results=results)
    told["mended"] = checksums(results)
    redelivery = small_cohort()
    redelivery.tables["education"] = redelivery.tables["education"].slice(1)
    redelivery.write(cohort.parent)
    for file in (cohort.parent / "extracts").iterdir():
        os.utime(file, (0, 0))  # as ``cp -p`` and archives do
    project.run("older", "-n", cohort=cohort, results=results)
    project.run("delivered again", "--until", "check", cohort=cohort, results=results)
    drift = results / "north" / "unverified" / "review" / "drift.csv"
    told["drift"] = drift.read_text(encoding="utf-8")
    told["log"] = (results / "north" / "logs" / "check.log").read_text(encoding="utf-8")
    project.run("checked again", "--until", "check", "--forcerun", "check", cohort=cohort, results=results)
    told["drift again"] = drift.read_text(encoding="utf-8")
    project.run("missing", cohort=folder / "nowhere.yaml")
    bad = folder / "bad.yaml"
    bad.write_text("extracts: x\nwindw: {}\nobserved_until: 5\n", encoding="utf-8")
    project.run("bad", cohort=bad)
    project.run("lint", "--lint", cohort=cohort)
    told["modes"] = sorted({oct(f.stat().st_mode & 0o777) for f in results.rglob("person/**/") if f.is_dir()})
    told["holding"] = holding(project.folder / ".snakemake") + holding(results)
    return told | {"steps": project.steps}


def changed(cohort: Path, change: dict[str, Any], folder: Path) -> Path:
    """The cohort file with other keys, in a folder beside."""
    chosen = yaml.safe_load(cohort.read_text(encoding="utf-8")) | change
    other = folder / "changed" / cohort.name
    other.parent.mkdir(exist_ok=True)
    other.write_text(yaml.safe_dump(chosen | elsewhere(chosen), sort_keys=False), encoding="utf-8")
    return other


def spoil(extracts: Path) -> None:
    """Three faults with values of persons in them."""
    delivery = small_cohort()
    delivery.put("trial", [0, 1], gruppe=CANARY)
    delivery.map("persons", "birth_date", lambda day: f"{CANARY} {day}")
    delivery.map("employment", "weekly_hours", lambda hours: "918273645 x")
    delivery.write(extracts.parent)


@pytest.fixture(scope="session")
def told(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The record of the story. It is told once, also when several processes share the tests."""
    folder = made_once(tmp_path_factory, "workflow", lambda folder: write_json(folder / "story.json", tell(folder)))
    return json.loads((folder / "story.json").read_text())


def write_json(file: Path, content: dict[str, Any]) -> None:
    file.write_text(json.dumps(content))


@pytest.fixture
def step(told: dict[str, Any]) -> Callable[[str], Mapping[str, Any]]:
    return lambda name: told["steps"][name]


# --- what came of it -------------------------------------------------------------------------------------


def test_every_choice_of_the_cohort_differs_from_its_default(tmp_path: Path) -> None:
    settings, defaults = cohort_settings(small_cohort().write(tmp_path)), default_settings()
    same = {key for key, value in defaults.items() if settings[key] == value}
    # A file of printed numbers would have to agree with forty random persons; files of keys have tests of their own.
    assert same == {"published", "leave_out", "corrections"}
    for key in (
        "window",
        "outcome",
        "eligibility",
        "estimation",
        "synthesis",
        "follow",
        "robustness",
        "randomisation",
        "receipt",
        "bound",
        "describe",
        "verify",
    ):
        assert not {k for k, v in defaults[key].items() if settings[key][k] == v}, key


def test_a_cohort_outside_the_project_runs_and_leaves_the_project_alone(told, step) -> None:
    assert step("first")["status"] == 0, step("first")["err"][-3000:]
    assert set(step("first")["jobs"]) == ALL
    assert told["before"] == told["after"]
    assert {"north/verify.json", "north/manifest.json", "north/review/effects.csv"} <= set(told["results"])
    assert re.search(r"^north: .*/north/review/report\.html$", step("first")["out"], re.M)


def test_a_second_run_does_nothing(step) -> None:
    assert step("second")["status"] == 0
    assert step("second")["jobs"] == []


def test_touching_a_module_or_a_delivery_reruns_nothing(step) -> None:
    assert step("touched")["status"] == 0
    assert step("touched")["jobs"] == []


@pytest.mark.parametrize("change", CHANGES)
def test_a_changed_key_reruns_the_stages_that_read_it(change: str, step, tmp_path: Path) -> None:
    """Stages whose settings differ, and by the graph of Snakemake all that are made of theirs; some were tried."""
    cohort = small_cohort().write(tmp_path / "cohort")
    before, after = (cohort_settings(file) for file in (cohort, changed(cohort, CHANGES[change][0], tmp_path)))
    reruns = {stage for stage in ALL if for_stage(before, stage) != for_stage(after, stage)}
    later = edges(step("graph")["out"])
    while more := {stage for earlier, stage in later if earlier in reruns} - reruns - {"all"}:
        reruns |= more
    assert reruns == CHANGES[change][1]
    if change in SEEN_TO_RERUN:
        assert step(f"changed: {change}")["status"] == 0
        assert set(step(f"changed: {change}")["jobs"]) == reruns


def edges(graph: str) -> set[tuple[str, str]]:
    """Rules of which one makes what the other is made of, from a graph in the language of dot."""
    names = dict(re.findall(r'(\d+)\[label = "(\w+)"', graph))
    return {(names[one], names[other]) for one, other in re.findall(r"(\d+) -> (\d+)", graph)}


def test_an_edited_module_reruns_the_stages_that_use_it(step) -> None:
    assert set(step("edited: describe")["jobs"]) == {"describe"} | DOWNSTREAM
    assert step("edited: describe")["status"] == 0
    assert set(step("edited: tables/registry")["jobs"]) == PRINTED


def test_an_edit_that_computes_the_same_changes_what_names_the_code_only(told) -> None:
    changed = {name for name, digest in told["edited"].items() if told["results"][name] != digest}
    assert changed == NAMING_CODE


def test_one_process_and_the_workflow_write_the_same_bytes(told) -> None:
    """Two runs from scratch, too; and guards the choice of keys of each stage: one process gives it all of them."""
    assert told["one_process"] == told["results"]


def test_what_was_made_from_other_settings_is_made_again_also_where_snakemake_has_no_records(told, step) -> None:
    assert set(step("without records")["jobs"]) == {"describe"} | DOWNSTREAM  # a module that was touched
    assert step("changed without records")["jobs"] == ["estimate"]
    assert step("back")["status"] == 0
    assert "estimate" in step("back")["jobs"]
    assert told["back"] == told["results"]


def test_a_set_that_is_not_whole_is_put_back_and_a_readers_file_is_kept(told, step) -> None:
    assert step("whole again")["jobs"] == ["verify"]
    assert told["whole again"].pop("north/kept/review/notes.txt")
    assert told["whole again"] == told["results"]


def test_a_file_of_the_verified_set_is_a_target(told, step) -> None:
    assert step("target")["status"] == 0, step("target")["err"][-3000:]
    assert told["target"] == told["results"]


def test_a_terminal_can_be_read_at_once(step) -> None:
    for name in ("first", "failed"):
        assert len(step(name)["err"] + step(name)["out"]) < 5000, name
    assert step("failed")["err"].rstrip().splitlines()[-1].startswith("north, check: 178 of 240 rows")


def test_a_stage_is_a_target_by_its_name(step) -> None:
    assert step("stage")["status"] == 0
    assert step("stage")["jobs"] == ["check", "clean", "cohort", "estimate", "panel"]


def test_each_stage_leaves_one_line_that_says_what_it_found(step) -> None:
    lines = [line for line in step("first")["err"].splitlines() if re.match(r"north: \w+ \d+ s", line)]
    said = dict(re.fullmatch(r"north: (\w+) \d+ s(?:: (.*))?", line).groups() for line in lines)
    assert len(lines) == len(said) == 18
    assert re.fullmatch(r"40 persons, \d+ warnings?", said["check"])
    assert re.fullmatch(r"\d+ of 40 persons analysed", said["cohort"])
    assert said["verify"].endswith(" checks passed") and said["published_comparison"] is None
    assert len(step("first")["err"]) + len(step("first")["out"]) < 5000


def test_a_failed_run_says_every_fault_and_leaves_earlier_results_alone(told, step) -> None:
    failed = step("failed")
    assert failed["status"] != 0
    assert failed["jobs"] == []
    assert of_readers(told["failed"]) == of_readers(told["edited"])
    assert step("mended")["status"] == 0
    assert {name for name, digest in told["mended"].items() if told["edited"][name] != digest} <= NAMING_CODE
    assert "Traceback" not in failed["err"] + failed["out"]
    said = [line for line in failed["err"].splitlines() if line.startswith("north, check: ")]
    assert said == [
        "north, check: 2 of 40 rows of trial.parquet (2 persons) carry an arm code that is not declared. "
        "Add it to arms or to exclusions.",
        "north, check: 40 of 40 rows of persons.parquet (40 persons) have a value of birth_date that cannot be read as "
        "a date (YYYY-MM-DD, YYYYMMDD or DD.MM.YYYY). Mend the extract, or say how they are written under "
        "dates.persons.birth_date.",
        "north, check: 178 of 240 rows of employment.parquet (38 persons) have a value of weekly_hours that cannot be "
        "read as a number. Mend the extract, or say which marks they have under numbers.employment.weekly_hours.",
    ]


def test_a_delivery_older_than_the_results_is_read(step) -> None:
    assert set(step("older")["jobs"]) == ALL


def test_another_delivery_is_compared_with_the_one_that_is_overwritten(told, step) -> None:
    assert step("delivered again")["status"] == 0
    assert step("delivered again")["jobs"] == ["check"]
    (row,) = [line for line in told["drift"].splitlines() if line.startswith("education,")]
    assert row.startswith("education,changed,1,1,1,")
    assert ",0,1," in row  # rows of the trial added and removed
    assert "north, check: this delivery is not the one that was used last" in told["log"]
    assert "north, check: this delivery is not the one that was used last" in step("delivered again")["err"]
    assert step("checked again")["jobs"] == ["check"]
    assert told["drift again"] == told["drift"]


def test_no_value_of_a_person_is_in_a_log_or_a_result(told, step) -> None:
    assert told["holding"] == []
    assert told["modes"] == ["0o700"]
    for name in told["steps"]:
        assert not any(canary in step(name)["err"] + step(name)["out"] for canary in CANARIES), name


def test_a_missing_cohort_file_is_one_paragraph(step) -> None:
    assert step("missing")["status"] != 0
    assert "nowhere.yaml: cannot be read (No such file or directory)." in step("missing")["err"]
    assert "Traceback" not in step("missing")["err"]


def test_faults_of_the_cohort_file_are_paragraphs(step) -> None:
    assert step("bad")["status"] != 0
    said = [line for line in step("bad")["err"].splitlines() if "bad.yaml: " in line]
    assert sorted(line.split("bad.yaml: ")[1].split(". ")[0] for line in said) == [
        "arms is missing",
        "centres is missing",
        "observed_until is 5",
        "windw is not a key",
    ]
    assert "Traceback" not in step("bad")["err"]


def test_the_linter_of_snakemake_finds_nothing(step) -> None:
    assert step("lint")["status"] == 0, step("lint")["err"]


def test_the_report_of_snakemake_is_made(told, step) -> None:
    assert step("report")["status"] == 0, step("report")["err"][-3000:]
    n_signs, n_canaries = told["report"]
    assert n_signs > 100_000
    assert n_canaries == 0
