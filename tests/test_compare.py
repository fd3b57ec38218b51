"""``ipseval compare``: what was planted is what it finds, with its size, its row and its cause; and nothing else."""

import json
import math
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from deliveries import Delivery, good
from ipseval import cli, exchange, pipeline
from ipseval.compare import Difference, Lone, compare, key_columns
from ipseval.settings import read_cohort
from ipseval.verify import manifest

EXACT = 1e-9  # the command's default


def results(delivery: Delivery, folder: Path) -> Path:
    """What the stages up to ``estimate`` leave of a delivery, with the manifest of a run."""
    cohort = read_cohort(delivery.write(folder))
    made = folder / "results" / "north"
    measured = pipeline.measure(cohort)
    pipeline.write(measured, made)
    with exchange.candidate(made) as candidate:
        described = manifest(cohort, measured["check"]["fingerprint"], candidate / "review")
        exchange.accept(made, {"verify": "{}", "manifest": json.dumps(described)})
    return made


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return results(good(), tmp_path_factory.mktemp("first"))


@pytest.fixture
def copy(first: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(first, tmp_path / "copy"))


def only(before: Path, after: Path, tolerance: float = EXACT) -> Difference:
    [difference] = compare(before, after, tolerance)
    return difference


def edit(file: Path, change: Callable[[pd.DataFrame], Any]) -> None:
    """Change a table in the text of its file."""
    table = pd.read_csv(file, dtype="str", keep_default_na=False)
    changed = change(table)
    (table if changed is None else changed).to_csv(file, index=False, lineterminator="\n")


def put(row: int, column: str, change: Callable[[str], str]) -> Callable[[pd.DataFrame], None]:
    def changed(table: pd.DataFrame) -> None:
        table.loc[row, column] = change(table.loc[row, column])

    return changed


def printed(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str]:
    status = cli.main(["compare", *map(str, arguments)])
    return status, capsys.readouterr().out


def test_a_copy_is_the_same(first: Path, copy: Path, capsys) -> None:
    assert printed(capsys, first, copy) == (0, "copy: every table has the same rows and numbers.\n")


def test_every_table_of_a_run_has_rows_that_its_keys_tell_apart(first: Path) -> None:
    for file in sorted((first / "review").glob("*.csv")):
        table = pd.read_csv(file, dtype="str", keep_default_na=False)
        keys = key_columns(table, table)
        assert not table.duplicated(keys).any(), file.name
        assert {"estimate", "n_persons", "status", "share"}.isdisjoint(keys)


def test_a_changed_number_is_found_with_its_row_and_size_and_the_manifest_tells(first: Path, copy: Path) -> None:
    file = copy / "review" / "employment_by_month.csv"
    edit(file, put(3, "n_persons", lambda n: str(int(n) + 2)))
    table = pd.read_csv(file)
    difference = only(first, copy)
    [moved] = difference.moved
    assert (moved.file, moved.column) == ("review/employment_by_month.csv", "n_persons")
    assert moved.row == {c: str(table.loc[3, c]) for c in ("centre", "arm", "month")}
    assert int(moved.after) - int(moved.before) == 2
    assert moved.size == pytest.approx(2 / int(moved.after), rel=1e-12)  # rounding of one division
    assert [(c.kind, c.what, c.before) for c in difference.causes] == [("file", "review/employment_by_month.csv", "")]


@pytest.mark.parametrize(("factor", "tolerance", "n"), [(1 + 1e-12, EXACT, 0), (1 + 1e-6, EXACT, 1), (1.01, 0.02, 0)])
def test_a_number_within_the_tolerance_has_not_moved(first, copy, factor, tolerance, n) -> None:
    edit(copy / "review" / "effects.csv", put(0, "estimate", lambda x: repr(float(x) * factor)))
    assert len(only(first, copy, tolerance).moved) == n


def test_the_largest_comes_first_and_what_became_no_number_before_all(first: Path, copy: Path) -> None:
    edit(copy / "review" / "effects.csv", put(0, "estimate", lambda x: repr(float(x) + 0.001)))
    edit(copy / "review" / "effects.csv", put(2, "std_error", lambda x: repr(float(x) + 0.1)))
    edit(copy / "review" / "effects.csv", put(4, "ci_low", lambda x: ":"))
    moved = only(first, copy).moved
    assert [m.column for m in moved] == ["ci_low", "std_error", "estimate"]
    assert moved[0].size == math.inf
    assert [m.size for m in moved[1:]] == pytest.approx([0.1, 0.001], abs=1e-12)  # of a difference


def test_rows_columns_and_files_of_one_only(first: Path, copy: Path) -> None:
    edit(copy / "review" / "inclusion.csv", lambda t: t.iloc[1:])
    edit(copy / "review" / "flow.csv", lambda t: t.drop(columns="reason"))
    (copy / "review" / "balance.csv").unlink()
    (copy / "review" / "new.csv").write_text("a,b\n1,2\n")
    difference = only(first, copy)
    assert difference.moved == ()
    assert set((x.kind, x.only_in, x.file) for x in difference.lone) == {
        ("row", "before", "review/inclusion.csv"),
        ("column", "before", "review/flow.csv"),
        ("file", "before", "review/balance.csv"),
        ("file", "after", "review/new.csv"),
    }
    [row] = [x.row for x in difference.lone if x.kind == "row"]
    assert row == {"centre": pd.read_csv(first / "review" / "inclusion.csv", dtype="str").loc[0, "centre"]}


def test_rows_in_another_order_have_not_moved(first: Path, copy: Path) -> None:
    edit(copy / "review" / "balance.csv", lambda t: t.iloc[::-1])
    assert only(first, copy).is_same


def test_a_table_without_known_keys_is_compared_by_position(tmp_path: Path) -> None:
    for name, text in (("a", "x,y\n1,2\n1,3\n"), ("b", "x,y\n1,2\n1,5\n")):
        (tmp_path / name / "review").mkdir(parents=True)
        (tmp_path / name / "review" / "odd.csv").write_text(text)
    [moved] = only(tmp_path / "a", tmp_path / "b").moved
    assert (moved.row, moved.column, moved.before, moved.after) == ({"row": "2"}, "y", "3", "5")


def test_persons_are_never_read_and_pages_only_as_a_whole(first: Path, copy: Path) -> None:
    for file in (copy / "person").rglob("*.parquet"):
        file.write_bytes(b"spoilt")
    (copy / "review" / "effects.parquet").write_bytes(b"spoilt")
    difference = only(first, copy)
    assert difference.is_same
    assert difference.pages == ("review/effects.parquet",)


def test_hidden_and_shown_numbers_of_a_release_are_compared(tmp_path: Path) -> None:
    for name, n in (("a", ":"), ("b", "12")):
        (tmp_path / name / "release" / "data").mkdir(parents=True)
        (tmp_path / name / "release" / "data" / "inclusion.csv").write_text(f"centre,n_randomised\n1,{n}\n")
    [moved] = only(tmp_path / "a", tmp_path / "b").moved
    assert (moved.before, moved.after, moved.size) == (":", "12", math.inf)


def test_a_changed_choice_is_named_as_a_cause(first: Path, tmp_path: Path, capsys) -> None:
    other = good()
    other.config["outcome"] = other.config.get("outcome", {}) | {"month_rule": {"min_days": 15}}
    made = results(other, tmp_path)
    difference = only(first, made)
    assert any(m.file == "review/employment_by_month.csv" and m.column == "n_employed" for m in difference.moved)
    causes = {c.what: (c.kind, c.before, c.after) for c in difference.causes}
    assert causes == {
        "outcome.month_rule": ("configuration", "any_day", "(none)"),
        "outcome.month_rule.min_days": ("configuration", "(none)", "15"),
    }
    status, out = printed(capsys, first, made, "--most", 3)
    assert status == 1
    assert "  configuration: outcome.month_rule any_day -> (none)" in out
    effects = [pd.read_csv(f / "review" / "effects.csv").query("analysis == 'pooled'").iloc[0] for f in (first, made)]
    lines = out.splitlines()
    assert lines[0].startswith("north: headline effects that moved")
    assert lines[1] == "  pooled: ips against control, ordinary_employment, months 0 to 6"
    for line, side, row in zip(lines[2:4], "AB", effects, strict=True):
        numbers = [f"{100 * row[name]:.1f}".replace("-", "−") for name in ("estimate", "ci_low", "ci_high")]
        assert line.startswith(f"    {side}: {numbers[0]} ({numbers[1]} to {numbers[2]}), p ")
        shares = [f"{100 * row[f'mean_{n}']:.1f} % of {row[f'n_{n}']}" for n in ("assigned", "control")]
        assert line.endswith("; " + " against ".join(shares))
    places = [next(i for i, line in enumerate(lines) if part in line) for part in (
        "headline effects", "configuration: outcome", "values moved", "What moved, the largest first")]  # fmt: skip
    assert places == sorted(places)
    assert f"(3 of {len(difference.moved)}; --most 0 shows all)" in out


def test_headline_effects_that_stay_are_told_in_one_line(first: Path, copy: Path, capsys) -> None:
    edit(copy / "review" / "inclusion.csv", put(0, "n_randomised", lambda n: str(int(n) + 1)))
    _, out = printed(capsys, first, copy)
    assert out.startswith("copy: no headline effect moved: pooled: ips against control, ordinary_employment, months 0")
    effects = copy / "review" / "effects.csv"
    place = int((pd.read_csv(effects)["analysis"] == "pooled").idxmax())
    for name in ("estimate", "p_value", "n_control"):
        edit(effects, put(place, name, lambda _: ":"))
    _, out = printed(capsys, first, copy)
    assert "    B: : (" in out and ", p :; " in out and out.split("B: ")[1].splitlines()[0].endswith("% of :")


def test_a_changed_extract_is_named_as_a_cause(first: Path, tmp_path: Path) -> None:
    other = good()
    other.map("persons", "sex", {"female": "male", "male": "female"}.get)
    difference = only(first, results(other, tmp_path))
    assert [(c.kind, c.what) for c in difference.causes] == [("input", "persons.parquet")]
    shares = [m for m in difference.moved if m.row.get("variable") == "female" and m.column == "mean"]
    assert shares and [float(m.before) + float(m.after) for m in shares] == pytest.approx([1.0] * len(shares), abs=1e-9)


def test_other_code_and_libraries_are_named(first: Path, copy: Path) -> None:
    record = json.loads((copy / "manifest.json").read_text())
    record["versions"]["numpy"] = "0.1"
    record["code"]["sha256"] = "0" * 64
    (copy / "manifest.json").write_text(json.dumps(record))
    assert [(c.kind, c.what, c.after) for c in only(first, copy).causes] == [
        ("code", "sha256", "0" * 64),
        ("version", "numpy", "0.1"),
    ]


def test_folders_of_cohorts_are_paired_by_name(first: Path, tmp_path: Path, capsys) -> None:
    for side, names in (("a", ("north", "south")), ("b", ("north", "west"))):
        for name in names:
            shutil.copytree(first, tmp_path / side / name)
        (tmp_path / side / "README.md").write_text("results")
    differences = compare(tmp_path / "a", tmp_path / "b", EXACT)
    assert [(d.cohort, d.is_same) for d in differences] == [("north", True), ("south", False), ("west", False)]
    assert differences[1].lone == (Lone("cohort", "before", "south", {}),)
    status, out = printed(capsys, tmp_path / "a", tmp_path / "b")
    assert (status, "south: 1 cohort only in A." in out) == (1, True)


def test_json_holds_everything(first: Path, copy: Path, capsys) -> None:
    edit(copy / "review" / "effects.csv", put(0, "estimate", lambda x: repr(float(x) + 0.5)))
    edit(copy / "review" / "effects.csv", put(0, "status", lambda x: "hidden"))
    status, out = printed(capsys, first, copy, "--json")
    said = json.loads(out)
    assert (status, said["is_same"], said["tolerance"]) == (1, False, EXACT)
    [cohort] = said["cohorts"]
    assert [(m["column"], m["size"] and round(m["size"], 9)) for m in cohort["moved"]] == [
        ("status", None),
        ("estimate", 0.5),
    ]


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda copy: shutil.rmtree(copy / "review"), ""),
        (lambda copy: (copy / "manifest.json").write_text("{"), "is no manifest of a run"),
        (lambda copy: (copy / "review" / "flow.csv").write_text(""), "flow.csv: cannot be read"),
        (lambda copy: (copy / "review" / "flow.csv").write_bytes(b"a,b\n\xff,2\n"), "flow.csv: cannot be read"),
    ],
)
def test_what_cannot_be_compared_has_status_2_and_missing_tables_1(first, copy, spoil, says, capsys) -> None:
    spoil(copy)
    if not says:
        assert printed(capsys, first, copy)[0] == 1
        return
    with pytest.raises(SystemExit) as left:
        cli.main(["compare", str(first), str(copy)])
    assert left.value.code == 2
    assert says in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["nowhere", "."], "'nowhere' is no folder"),
        ([".", ".", "--tolerance", "many"], "is no number from 0 to 1"),
        ([".", ".", "--most", "-1"], ""),
        ([".", "."], "holds no results"),
    ],
)
def test_wrong_use_has_status_2(arguments, says, tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as left:
        cli.main(["compare", *arguments])
    assert left.value.code == 2
    assert says in capsys.readouterr().err


def test_one_cohort_is_not_compared_with_a_folder_of_cohorts(first: Path, tmp_path: Path, capsys) -> None:
    with pytest.raises(SystemExit) as left:
        cli.main(["compare", str(first), str(first.parent)])
    assert left.value.code == 2
    assert f"Name one of {first.parent}, too: north." in capsys.readouterr().err


def test_text_of_a_table_cannot_break_the_lines_of_the_answer(first: Path, copy: Path, capsys) -> None:
    edit(copy / "review" / "flow.csv", put(0, "reason", lambda x: 'a\x1b[31m\nb,"c"'))
    _, out = printed(capsys, first, copy)
    assert "\x1b" not in out
    assert any(line.endswith('reason: (empty) -> a [31m b,"c"') for line in out.splitlines())
