"""YAML read plainly: what YAML makes of a text by itself is told, files are bounded, all faults come at once."""

import json
import time
from pathlib import Path
from typing import Any

import pytest
import yaml

from ipseval.errors import UserError
from ipseval.plain_yaml import plain
from ipseval.settings import ROOT, cohort_settings, read_yaml

BEFORE = "extracts: extracts\narms: {reference: a, treatments: [b]}\n"
LEAST = f"{BEFORE}centres: {{x: North}}\n"
NO_NUMBER = "Write a number, or quote it"
PLAIN = "Write the number without leading zeros or colons, or quote it"


def faults(folder: Path, text: str) -> list[str]:
    """The faults of a cohort file, without its name in front."""
    file = folder / "north.yaml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(UserError) as refused:
        cohort_settings(file)
    return [str(fault).removeprefix(f"{file}: ") for fault in refused.value.faults]


@pytest.mark.parametrize("written", [".nan", ".NaN", ".inf", "-.inf", "+.INF", "1.0e+999"])
@pytest.mark.parametrize(
    "place",
    [
        "outcome: {{min_weekly_hours: {}}}",
        "estimation: {{confidence_level: {}}}",
        "window: {{before: {}}}",
        "robustness: {{min_weekly_hours: [0, {}]}}",
        "analyses: {{mine: {{months: [0, {}]}}}}",
        "analyses: {{mine: {{months: each, subgroup: {{covariate: age, below: {}}}}}}}",
        "layouts: {{employment: {{layout: spells, full_time_hours: {}}}}}",
        "exclusions: {{trial: {{arm: [{}]}}}}",
        "title: {}",
    ],
)
def test_what_is_no_number_is_refused_everywhere(place: str, written: str, tmp_path: Path) -> None:
    (fault,) = faults(tmp_path, f"{LEAST}{place.format(written)}\n")
    assert f" is {written}, which YAML reads as " in fault
    assert fault.endswith(f"{NO_NUMBER}: '{written}'.")


def test_what_is_no_number_is_refused_in_defaults_that_come_read(tmp_path: Path) -> None:
    from ipseval.settings import cohorts, default_settings

    defaults = {**default_settings(), "outcome": {**default_settings()["outcome"], "min_weekly_hours": float("nan")}}
    with pytest.raises(UserError, match=r"config/config.yaml: outcome.min_weekly_hours is NaN. Expected: a number"):
        cohorts({"cohort": "norway-six-centre", "results": "results", "defaults": defaults})


# A code as people write it, and what YAML makes of it.
READ = [
    ("NO", "reads as false. Quote it: 'NO'."),
    ("no", "reads as false. Quote it: 'no'."),
    ("On", "reads as true. Quote it: 'On'."),
    ("off", "reads as false. Quote it: 'off'."),
    ("yes", "reads as true. Quote it: 'yes'."),
    ("0x1F", f"reads as the number 31. {PLAIN}: '0x1F'."),
    ("0b11", f"reads as the number 3. {PLAIN}: '0b11'."),
    ("12:30", f"reads as the number 750. {PLAIN}: '12:30'."),
    ("01.10", "reads as the number 1.1. Quote it: '01.10'."),
    ("1.50", "reads as the number 1.5. Quote it: '1.50'."),
    ("1_000", "reads as the number 1000. Quote it: '1_000'."),
    ("+5", "reads as the number 5. Quote it: '+5'."),
    ("2015-01-31", "reads as a date. Quote it: '2015-01-31'."),
    ("2015-01-31 12:00:00", "reads as a date. Quote it: '2015-01-31 12:00:00'."),
]
CODES = [  # places where a code stands
    ("arms", "extracts: x\narms: {reference: @, treatments: [b]}\ncentres: {x: N}\n"),
    ("arms", "extracts: x\narms: {reference: a, treatments: [b, @]}\ncentres: {x: N}\n"),
    ("centres", BEFORE + "centres: {x: @}\n"),
    ("centres", BEFORE + "centres: {@: North, zz: South}\n"),
    ("values", LEAST + "values: {employment: {kind: {@: job}}}\n"),
    ("values", LEAST + "values: {employment: {kind: {job: @}}}\n"),
    ("exclusions", LEAST + "exclusions: {employment: {status: [@]}}\n"),
    ("states", LEAST + "states: {s: {employment: [x, @]}}\n"),
    ("receipt", LEAST + "receipt: {services: {b: [@]}}\n"),
    ("layouts", LEAST + "layouts: {employment: {layout: weekly_wide, employed: [@]}}\n"),
    ("layouts", LEAST + "layouts: {employment: [{layout: spells, constants: {kind: @}}]}\n"),
    ("labels", LEAST + "labels: {levels: {@: N}}\n"),
]


@pytest.mark.parametrize(("key", "text"), CODES)
@pytest.mark.parametrize(("written", "says"), READ)
def test_a_code_that_yaml_takes_for_something_else_is_told(
    written: str, says: str, key: str, text: str, tmp_path: Path
) -> None:
    (fault,) = faults(tmp_path, text.replace("@", written))
    assert fault.startswith(key)
    read_as, quote = says.split(". ")
    assert f" {written}, which YAML {read_as}." in fault
    assert fault.endswith(quote)


@pytest.mark.parametrize(
    "written", ["x1", "08", "NA", "None", "N", "y", "1", "1.5", "1e3", "true", "'NO'", "'01'", "01"]
)
@pytest.mark.parametrize("text", [text for _, text in CODES])
def test_codes_that_are_what_they_look_like_are_taken(text: str, written: str, tmp_path: Path) -> None:
    file = tmp_path / "north.yaml"
    file.write_text(text.replace("@", written), encoding="utf-8")
    cohort_settings(file)


def test_codes_with_leading_zeros_are_the_text_that_stands_there(tmp_path: Path) -> None:
    file = tmp_path / "north.yaml"
    more = (
        "exclusions: {employment: {status: [01, 010, 08, 0301, 00]}}\nvalues: {trial: {centre: {01: 007, 1: '007'}}}\n"
    )
    file.write_text(f"extracts: x\narms: {{reference: 01, treatments: [02]}}\ncentres: {{007: North}}\n{more}")
    settings = cohort_settings(file)
    assert settings["exclusions"]["employment"]["status"] == ["01", "010", "08", "0301", "00"]
    assert settings["values"]["trial"]["centre"] == {"01": "007", 1: "007"}
    assert settings["arms"] == {**settings["arms"], "reference": "01", "treatments": ["02"]}
    assert list(settings["centres"]) == ["007"]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("title: no", "title is no, which YAML reads as false. Expected: text or null (Title printed on tables and "
         "figures). Quote it: 'no'."),
        ("language: no", "language is no, which YAML reads as false. Expected: en, nb or da (Language of"),
        ("window: {before: yes}", "window.before is yes, which YAML reads as true. Expected: a whole number"),
        ("observed_from: 2009-01-15", "observed_from is 2009-01-15, which YAML reads as a date. Expected: First"),
        ("window: {before: 012}", "window.before is 012, which YAML reads as the number 10. Expected: a whole number"),
        ("window: {before: !!int '08'}", "window.before is 08, which cannot be read as a whole number. Mend that"),
        ("states: !!set {a}", "states is marked as !!set. Expected: keys, lists, text and numbers without a mark."),
        ("title: !!python/name:os.system ''", "title is marked as !!python/name:os.system. Expected"),
        ("title: !!binary YQ==", "title is marked as !!binary. Expected"),
        ("null: x", "has the key null, which YAML reads as nothing. Quote it"),
        ("? [a]\n: x", "has a key at line 4 that is no text. Quote it"),
        ("'': x", " is not a key. Known here:"),
        ("? \n: x", "has a key without a name at line 4. Quote it"),
        ("<<: 3", "has << before something without keys. Name an anchor of a mapping."),
        ("labels: {arms: {a: A, a: B}}", "labels.arms names 'a' twice, at line 4. Keep one of them."),
        ("labels: {levels: {1: A, '1': B}}", "labels.levels names '1' twice, at line 4: 1 and '1' are the same code."),
        ("labels: {levels: {1: A, 1.0: B}}", "labels.levels names '1' twice, at line 4: 1 and 1.0 are the same code."),
        ("labels: {levels: {0: A, false: B}}", "labels.levels names '0' twice, at line 4: 0 and false are the same"),
        ("labels: {levels: {'1': A, '1 ': B}}", "labels.levels names '1' twice, at line 4: '1' and '1 ' are the same"),
    ],
)  # fmt: skip
def test_readings_of_yaml_are_told_where_they_do_not_fit(text: str, says: str, tmp_path: Path) -> None:
    (fault,) = faults(tmp_path, f"{LEAST}{text}\n")
    assert fault.startswith(says)


def test_truth_values_and_numbers_may_be_written_as_yaml_has_them(tmp_path: Path) -> None:
    file = tmp_path / "north.yaml"
    more = "eligibility: {not_employed_at_randomisation: no}\nrobustness: {exclude_wage_subsidy: [yes, off]}\n"
    file.write_text(f"{LEAST}{more}estimation: {{confidence_level: 0.90}}\nbound: {{draws: 9_999}}\n")
    settings = cohort_settings(file)
    assert settings["eligibility"]["not_employed_at_randomisation"] is False
    assert settings["robustness"]["exclude_wage_subsidy"] == [True, False]
    assert (settings["estimation"]["confidence_level"], settings["bound"]["draws"]) == (0.9, 9999)


def test_all_faults_of_a_file_are_told_at_once(tmp_path: Path) -> None:
    text = f"{LEAST}title: 3\ntitel: x\nexclusions: {{trial: {{arm: [NO, .nan]}}}}\nwindow: {{after: 0x10, after: 3}}\n"
    assert [fault.partition(" ")[0] for fault in faults(tmp_path, text)] == [
        "exclusions.trial.arm.1",
        "window.after",
        "window",
        "titel",
        "title",
        "exclusions.trial.arm.0",
    ]


def laughs(levels: int, times: int) -> str:
    """Aliases of aliases: ``times ** levels`` values in a few lines."""
    lines = [f"a0: &a0 [{', '.join(['x'] * times)}]"]
    return "\n".join([*lines, *(f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * times)}]" for i in range(1, levels))])


LARGE = {
    "aliases within aliases": (laughs(9, 9), "more than 100,000 values, aliases counted"),
    "merges within merges": (
        "a0: &a0 {x: 1}\n" + "\n".join(f"a{i}: &a{i} {{<<: [{', '.join([f'*a{i - 1}'] * 9)}]}}" for i in range(1, 9)),
        "more than 100,000 values, aliases counted",
    ),
    "a chain of aliases": (laughs(100, 1), "more than 40 levels inside each other"),
    "a list in itself": ("a: &a [*a]", "*a stands within itself"),
    "keys in themselves": ("a: &a {b: [1, {c: *a}]}", "*a stands within itself"),
    "depth of lists": ("a: " + "[" * 5000, "more than 40 levels inside each other"),
    "depth of keys": ("a: " + "{a: " * 5000, "more than 40 levels inside each other"),
    "depth of lines": ("\n".join(" " * i + "a:" for i in range(200)), "more than 40 levels inside each other"),
    "many values": ("a: [" + "1, " * 100_001 + "]", "more than 100,000 values"),
    "a large file": ("#" * 2_000_001, "is larger than 2 MB."),
    "a number of many digits": (f"window: {{before: {'9' * 5000}}}", "which cannot be read as a whole number"),
    "a name of nothing": ("a: *b", "found undefined alias"),
    "a control sign": ("a: \x00", "special characters are not allowed"),
    "two documents": ("a: 1\n---\nb: 2", "found another document"),
}


@pytest.mark.parametrize("name", LARGE)
def test_a_file_without_end_is_refused_at_once(name: str, tmp_path: Path) -> None:
    text, says = LARGE[name]
    (tmp_path / "north.yaml").write_text(text, encoding="utf-8")
    began = time.process_time()
    with pytest.raises(UserError, match=r"north.yaml: ") as refused:
        cohort_settings(tmp_path / "north.yaml")
    assert says in str(refused.value)
    assert len(str(refused.value)) < 2000
    seconds = 10 if name in ("many values", "a large file") else 1
    assert time.process_time() - began < seconds


def test_files_of_the_project_are_read_as_yaml_reads_them() -> None:
    files = [*(ROOT / "config").rglob("*.yaml"), *(ROOT / "workflow" / "schemas").glob("*.yaml")]
    assert len(files) > 10
    for file in files:
        expected: Any = yaml.safe_load(file.read_text(encoding="utf-8"))
        assert json.dumps(read_yaml(file)) == json.dumps(plain(expected)), file
