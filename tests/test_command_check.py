"""``ipseval check``: exit status, everything said at once, a page of counts, and no person's value anywhere."""

import io
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from deliveries import Delivery, good, outcome
from ipseval import check, cli
from ipseval.registers import extracts, progress
from ipseval.registers.delivered import describe
from ipseval.registers.findings import QUALITY_COLUMNS
from ipseval.settings import read_cohort
from spoiling import in_files, n_with, put, spells, without_pages
from test_privacy import CANARIES, PATHS, assert_nowhere, with_canaries_where_possible

ROOT = Path(__file__).resolve().parents[1]


def checked(*arguments: object) -> int:
    return cli.main(["check", *map(str, arguments)])


def spoilt() -> Delivery:
    """Three faults in three extracts, and two findings that do not stop."""
    delivery = good()
    put("trial", [0, 1], arm="pilot")(delivery)
    delivery.map("persons", "birth_date", lambda day: f"on {day}")
    delivery.files["services.parquet"] = b"PAR1"
    spells("employment", "P1000", ("2014-02-02", "2014-02-01"))(delivery)
    delivery.append("employment", [{"person_id": "X", "start_on": delivery.column("employment", "start_on")[0]}])
    return delivery


def test_a_good_delivery_has_status_0_and_says_what_comes_next(tmp_path: Path, capsys) -> None:
    file = good().write(tmp_path)
    assert checked(file) == 0
    out, err = capsys.readouterr()
    assert out.splitlines()[-1] == f"Next: .venv/bin/snakemake --cores 4 --config cohort={file}"
    summary = r"north: 0 faults, (\d+) warnings?, (\d+) mended findings? and (\d+) notes?\."
    found = re.fullmatch(summary, out.splitlines()[-2])
    assert found
    n_warnings, n_mended, n_notes = map(int, found.groups())
    lines, shares = out.splitlines(), [line for line in out.splitlines() if "assigned to ips:" in line]
    assert n_warnings == sum(line.startswith("warning: ") for line in lines)
    absent = [line for line in lines if re.search(r"information: .*no row", line)]
    assert len(shares) == 1
    assert n_notes == len(shares) + len(absent)  # what is told and was not mended
    assert n_mended + n_notes == sum(line.startswith("information: ") for line in lines)
    assert "employment, read: 1 of 1 file, " in err
    assert {path.name for path in tmp_path.iterdir()} == {"extracts", "north.yaml"}


def test_all_faults_are_told_at_once_with_status_1(tmp_path: Path, capsys) -> None:
    assert checked(spoilt().write(tmp_path)) == 1
    out, err = capsys.readouterr()
    assert [line for line in err.splitlines() if line.startswith("north, check: ")] == [
        "north, check: services.parquet is no Parquet, or cut off. Have it delivered again.",
        "north, check: 2 of 40 rows of trial.parquet (2 persons) carry an arm code that is not declared. "
        "Add it to arms or to exclusions.",
        "north, check: 40 of 40 rows of persons.parquet (40 persons) have a value of birth_date that cannot be read as "
        "a date (YYYY-MM-DD, YYYYMMDD or DD.MM.YYYY). Mend the extract, or say how they are written under "
        "dates.persons.birth_date.",
    ]
    assert (
        "warning: 1 of 242 rows of employment.parquet (1 person) belongs to nobody in the trial list (left out).\n"
        in out
    )
    assert "warning: 1 of 241 rows of employment.parquet (1 person) ends before it starts (left out).\n" in out
    assert "north: 3 faults, " in out
    assert "Next:" not in out


def test_every_sentence_is_well_put(tmp_path: Path, capsys) -> None:
    checked(spoilt().write(tmp_path))
    out, _ = capsys.readouterr()
    lines = [line for line in out.splitlines() if line.startswith(("warning: ", "information: "))]
    assert len(lines) > 8
    for line in lines:
        assert line.endswith(").") and not re.search(r"\.\.|  | \.|[{[]\w*\||None|\bnan\b|\{", line), line
    assert [line.split(":")[0] for line in lines] == sorted(line.split(":")[0] for line in lines)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([], "the following arguments are required: COMMAND"),
        (["chek"], "invalid choice: 'chek'"),
        (["check"], "the following arguments are required: COHORT"),
        (["check", "nort.yaml"], "'nort.yaml' is no file. Did you mean 'north.yaml'?"),
        (["check", "."], "'.' is no file."),
        (["check", "north.yaml", "--out", "north.yaml"], "there is a file of that name"),
        (["check", "north.yaml", "--out", "north.yaml/deeper"], "there is a file of that name"),
        (["check", "north.yaml", "--quick"], "unrecognized arguments: --quick"),
    ],
)
def test_wrong_use_has_status_2(arguments: list[str], says: str, tmp_path: Path, capsys, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "north.yaml").write_text("extracts: x\n", encoding="utf-8")
    with pytest.raises(SystemExit) as stopped:
        cli.main(arguments)
    assert stopped.value.code == 2
    err = capsys.readouterr().err
    assert says in err
    assert "Traceback" not in err


def test_faults_of_the_cohort_file_have_status_1(tmp_path: Path, capsys) -> None:
    file = tmp_path / "north.yaml"
    file.write_text("extracts: x\nwindw: {}\nobserved_until: 5\n", encoding="utf-8")
    with pytest.raises(SystemExit) as stopped:
        checked(file)
    assert stopped.value.code == 1
    said = [line.split("north.yaml: ")[1].split(". ")[0] for line in capsys.readouterr().err.splitlines()]
    assert sorted(said) == ["arms is missing", "centres is missing", "observed_until is 5", "windw is not a key"]


def test_a_folder_that_is_not_there_is_one_fault(tmp_path: Path, capsys) -> None:
    delivery = good()
    delivery.config["extracts"] = "nowhere"
    assert checked(delivery.write(tmp_path)) == 1
    assert "nowhere', which is no folder. Mend it: it is relative to the cohort file." in capsys.readouterr().err


class Cells(HTMLParser):
    """Rows of a page's table as lists of text."""

    def __init__(self, page: str):
        super().__init__()
        self.rows: list[list[str]] = []
        self.inside = False
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        if tag == "tr":
            self.rows.append([])
        self.inside = tag in ("td", "th")
        if self.inside:
            self.rows[-1].append("")

    def handle_endtag(self, tag):
        self.inside = self.inside and tag not in ("td", "th")

    def handle_data(self, data):
        if self.inside:
            self.rows[-1][-1] += data.strip()


def test_the_page_and_the_table_hold_every_finding_with_its_counts(tmp_path: Path, capsys) -> None:
    assert checked(spoilt().write(tmp_path), "--out", tmp_path / "new" / "out") == 1
    out = capsys.readouterr().out
    assert f"written: {tmp_path / 'new' / 'out' / 'quality.csv'} and " in out
    table = pd.read_csv(tmp_path / "new" / "out" / "quality.csv", keep_default_na=False)
    assert list(table.columns) == QUALITY_COLUMNS
    found = table.set_index(["extract", "rule"])
    assert tuple(found.loc[("trial", "undeclared_code"), ["severity", "n_rows", "n_persons", "action", "column"]]) == (
        "error", "2", "2", "stop", "arm",
    )  # fmt: skip
    assert tuple(found.loc[("employment", "end_before_start"), ["n_rows", "n_persons", "action"]]) == ("1", "1", "drop")
    page = (tmp_path / "new" / "out" / "quality.html").read_text(encoding="utf-8")
    rows = [row for row in Cells(page).rows if len(row) == 6]
    assert len(rows) == len(table) + 1
    assert [
        "Undeclared code. Rows carry an arm code that is not declared.",
        "arm",
        "2",
        "2",
        "error",
        "the run stops",
    ] in rows
    assert ["End before start. Rows end before they start.", "", "1", "1", "warning", "left out"] in rows
    assert "3 faults would stop the run." in page
    assert "2 of 40 rows of trial.parquet (2 persons) carry an arm code" in page


def test_the_stage_and_the_command_find_the_same(tmp_path: Path) -> None:
    file = good().write(tmp_path)
    assert checked(file, "--out", tmp_path / "out") == 0
    stage = check.check(read_cohort(file))["quality"]
    assert (tmp_path / "out" / "quality.csv").read_text() == stage.to_csv(index=False)


@pytest.mark.parametrize("path", PATHS)
def test_neither_output_nor_page_holds_a_value_of_a_person(path: str, tmp_path: Path, capfd) -> None:
    layout, plant = PATHS[path]
    delivery = good(layout)
    plant(delivery)
    with_canaries_where_possible(delivery)
    assert checked(delivery.write(tmp_path), "--out", tmp_path / "out") == 1
    out, err = capfd.readouterr()
    assert not any(canary in out + err for canary in CANARIES)
    assert_nowhere(tmp_path / "out")


def test_an_error_of_the_program_shows_no_message(tmp_path: Path, capsys, monkeypatch) -> None:
    def crash(cohort: object, origins: object) -> None:
        raise ValueError(CANARIES[0])

    monkeypatch.delenv("IPSEVAL_DEBUG", raising=False)
    monkeypatch.setattr("ipseval.commands.check.examine", crash)
    with pytest.raises(SystemExit) as stopped:
        checked(good().write(tmp_path))
    out, err = capsys.readouterr()
    assert stopped.value.code == 1
    assert "Error of the program: ValueError" in err
    assert CANARIES[0] not in out + err


def test_it_runs_as_a_module_from_any_folder(tmp_path: Path) -> None:
    file = good().write(tmp_path)
    command = [sys.executable, "-m", "ipseval", "check", file.name]
    done = subprocess.run(
        command, cwd=tmp_path, env={"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith("--config cohort=north.yaml\n")


# --- rules that look at the whole delivery


def test_who_is_in_no_other_extract_is_counted(tmp_path: Path) -> None:
    delivery = good()
    gone = {"P1000", "P999"}
    for extract in (name for name in delivery.tables if name != "trial"):
        keys = delivery.column(extract, "person_id")
        delivery.tables[extract] = delivery.tables[extract].filter([key not in gone for key in keys])
    assert outcome(delivery.write(tmp_path)).counts("trial_person_nowhere") == (0, 2, {"warn"})


def test_spells_that_end_before_the_register_begins_are_counted(tmp_path: Path) -> None:
    n = [
        outcome(good_from(since).write(tmp_path / since)).counts("outside_coverage", "employment")[0]
        for since in ("2004-01", "2005-01")
    ]
    before_2005, _ = n_with("employment", "end_on", lambda end: end is not None and end.year < 2005)
    assert n[1] - n[0] == before_2005 > 0


def good_from(since: str) -> Delivery:
    delivery = good()
    delivery.config["observed_from"] = since
    return delivery


def test_every_file_that_is_damaged_is_named_also_when_they_are_read_apart(tmp_path: Path, capsys, monkeypatch) -> None:
    monkeypatch.setattr("ipseval.registers.extracts.BATCH_BYTES", 1)
    delivery = good()
    in_files()(delivery)
    for n in (0, 2):
        name = f"employment/part{n}.parquet"
        delivery.files[f"./{name}"] = without_pages
    assert checked(delivery.write(tmp_path)) == 1
    assert "employment/part0.parquet, employment/part2.parquet cannot be read" in capsys.readouterr().err


def test_persons_of_nobody_are_counted_save_in_a_large_delivery(tmp_path: Path, capsys, monkeypatch) -> None:
    delivery = good()
    spells("employment", "X1", ("2013-05-01", None), ("2014-05-01", None))(delivery)
    spells("employment", "X2", ("2013-05-01", None))(delivery)
    file = delivery.write(tmp_path)
    n_rows, keys = delivery.tables["employment"].num_rows, set(delivery.column("employment", "person_id"))
    others = keys - set(delivery.column("trial", "person_id"))
    n_others = sum(key in others for key in delivery.column("employment", "person_id"))
    said = f"{n_others} of {n_rows} rows of employment.parquet"
    assert {"X1", "X2"} <= others
    checked(file)
    assert f"{said} ({len(others)} persons) belong to nobody" in capsys.readouterr().out
    monkeypatch.setattr("ipseval.registers.linkage.MOST_COUNTED", n_rows - 1)
    checked(file)
    assert f"{said} belong to nobody" in capsys.readouterr().out


# --- progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def told(stream: io.StringIO, *steps: int) -> str:
    with progress.shown(stream):
        reading = progress.Reading("employment, read", steps)
        for step in steps:
            reading.done(step, 1)
    return stream.getvalue()


def test_on_a_terminal_progress_is_one_line_that_goes_away() -> None:
    shown = told(Terminal(), 1_200_000_000, 900_000_000)
    assert shown.split("\r")[1:4] == [
        "employment, read: 0 of 2 files, 0.0 of 2.1 GB",
        "employment, read: 1 of 2 files, 1.2 of 2.1 GB",
        "employment, read: 2 of 2 files, 2.1 of 2.1 GB",
    ]
    assert "\n" not in shown
    assert shown.endswith("\r" + " " * 45 + "\r")


def test_elsewhere_progress_is_few_plain_lines() -> None:
    lines = told(io.StringIO(), *[25_000_000] * 100).splitlines()
    assert lines[0] == "employment, read: 0 of 100 files, 0.0 of 2.5 GB"
    assert lines[1] == "employment, read: 10 of 100 files, 0.2 of 2.5 GB"
    assert lines[-1] == "employment, read: 100 of 100 files, 2.5 of 2.5 GB"
    assert len(lines) == 11
    assert told(io.StringIO(), 400, 600) == "employment, read: 2 of 2 files, 1 of 1 kB\n"


def test_a_large_file_is_told_of_by_its_row_groups_and_read_as_in_one(tmp_path: Path, monkeypatch) -> None:
    n = 5000
    table = pa.table({"k": [str(i % 70) for i in range(n)], "row": list(range(n)), "value": [i % 9 for i in range(n)]})
    pq.write_table(table, tmp_path / "employment.parquet", row_group_size=500, compression="none")
    pq.write_table(table.slice(0, 10), tmp_path / "more.parquet")
    found = [tmp_path / "employment.parquet", tmp_path / "more.parquet"]
    delivery = describe(tmp_path, "employment", found)
    columns, keys = {name: (name,) for name in ("row", "value")} | {"person_id": ("k",)}, ["3", "41"]
    whole = extracts.read(delivery, columns, keys)
    counted = extracts.count_by(delivery, ("value",))
    monkeypatch.setattr("ipseval.registers.extracts.BATCH_BYTES", delivery.files[0].n_bytes // 3)
    stream = Terminal()
    with progress.shown(stream):
        parts = extracts.read(delivery, columns, keys)
    lines = [line.strip() for line in stream.getvalue().split("\r") if line.strip()]
    assert [int(line.split(": ")[1].split(" of ")[0]) for line in lines] == [0, 0, 0, 1, 2]  # in three runs
    read = [int(line.rsplit(", ", 1)[1].split(" of ")[0]) for line in lines]
    assert len(set(read[:4])) == 4 and read == sorted(read)

    def rows(parts: list[extracts.Part]) -> list[tuple]:
        return sorted(tuple(row.values()) for part in parts for row in part.table.to_pylist())

    expected = [(i, i % 9, str(i % 70), 0) for i in range(n) if i % 70 in (3, 41)]
    assert rows(parts) == rows(whole) == sorted([*expected, (3, 3, "3", 1)])
    sums = pd.concat([part.table.to_pandas() for part in extracts.count_by(delivery, ("value",))])
    once = pd.concat([part.table.to_pandas() for part in counted])
    by = [sums.groupby(["(file)", "value"])["n_rows"].sum(), once.groupby(["(file)", "value"])["n_rows"].sum()]
    pd.testing.assert_series_equal(*by)
    assert by[0].sum() == n + 10


def test_nothing_is_shown_when_nobody_watches(tmp_path: Path, capsys) -> None:
    check.check(read_cohort(good().write(tmp_path)))
    assert capsys.readouterr() == ("", "")
