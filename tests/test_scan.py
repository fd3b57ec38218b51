"""``ipseval scan``: the good folder is clean, and each leak planted alone in it, in each format, is found there."""

import ast
import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
import yaml

from ipseval import cli, provenance
from ipseval.errors import UserError
from ipseval.finished import rules as scan_rules
from ipseval.finished.rules import RULES, Rules, kind
from ipseval.scan import READERS, Finding, keys_of, limits_of, scan, settings
from released import (
    EFFECT_HIDDEN,
    KEYS,
    SHARE_HIDDEN,
    drawing,
    exchange,
    good_folder,
    in_column,
    in_package,
    say,
    with_chunk,
    with_part,
)

ROOT = Path(__file__).resolve().parents[1]
PROFILES = {  # of config/disclosure.yaml
    "profiles": {"ssb": {"min_cell_count": 3, "rounding_base": 0}, "acro": {"min_cell_count": 10, "rounding_base": 5}}
}
NAMES = ("annalise", "p33-desk-02")
Change = Callable[[Path], None]


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return good_folder(tmp_path_factory.mktemp("good"))


@pytest.fixture
def folders(good: tuple[Path, Path], tmp_path: Path) -> tuple[Path, Path]:
    for name, folder in zip(("release", "review"), good, strict=True):
        shutil.copytree(folder, tmp_path / name)
    return tmp_path / "release", tmp_path / "review"


def found(release: Path, review: Path | None = None, threshold: int = 3) -> list[Finding]:
    return scan(release, threshold=threshold, keys=KEYS, review=review, names=NAMES)


def only(findings: list[Finding], file: str, rule: str) -> None:
    """All findings are of one file and rule, and there are some."""
    assert {(f.file, f.rule) for f in findings} == {(file, rule)}, [str(f) for f in findings]


def test_the_good_folder_is_clean_and_has_every_type(good: tuple[Path, Path]) -> None:
    assert found(*good) == []
    assert {path.suffix for path in good[0].rglob("*.*")} >= set(READERS) - {".txt"}


def test_what_made_the_files_is_not_used_to_look_at_them() -> None:
    used = {Path(file) for file in provenance.modules("scan")}
    package = ROOT / "ipseval"
    of_its_room = set((package / "finished").glob("*.py")) - {package / "finished" / "__init__.py"}
    assert used == {package / "errors.py", package / "scan.py"} | of_its_room
    for file in used:
        tree = ast.parse(file.read_text(encoding="utf-8"))
        imported = {alias.name.split(".")[0] for n in ast.walk(tree) if isinstance(n, ast.Import) for alias in n.names}
        assert imported.isdisjoint({"pandas", "jinja2", "matplotlib", "xlsxwriter", "openpyxl"})


TEXTS = {
    "person_key": ("K7731Z", "8842217", "lopenr-55 b"),
    "path": (
        "/" + "home/anna/north",
        "C:\\Users\\anna",
        "file:///etc",
        "\\\\server\\share$\\x",
        "~/delivery",
        "D:/p33/x",
    ),
    "user_name": ("annalise", "p33-desk-02"),
    "small_count": ("that is 2 persons", "n = 1", "2 deltakere"),
}
CASES = [
    (rule, text, place)
    for rule, texts in TEXTS.items()
    for i, text in enumerate(texts)
    for place in say("x")
    if i == 0 or place in ("csv", "html text", "tex", "tex comment", "docx text", "svg comment")
]


@pytest.mark.parametrize(("rule", "text", "place"), CASES, ids=lambda value: re.sub(r"\W+", "-", str(value)))
def test_a_text_that_must_not_leave_is_found_in_every_format(folders, rule, text, place) -> None:
    file, change = say(text)[place]
    change(folders[0] / file)
    findings = [f for f in found(folders[0]) if not (place.startswith("png") and f.rule == "metadata")]
    only(findings, file, rule)
    assert not any(text.casefold() in str(f).casefold() for f in findings)


COUNTS: dict[str, tuple[str, Change]] = {
    "data": ("data/flow.csv", in_column("n_persons", 0, "2")),
    "data as a float": ("data/flow.csv", in_column("n_persons", 0, "2.0")),
    "a column of data that no list knows": ("data/flow.csv", in_column("reason", 0, "2")),
    "printed csv": ("tables/flow.csv", exchange(",181,", ",2,")),
    "printed csv under an arm": ("tables/flow.csv", exchange(",227,", ",2,")),
    "printed csv with a share": ("tables/flow.csv", exchange(",227,", ",2 (1.1%),")),
    "html": ("tables/flow.html", exchange(">181", ">2")),
    "html under an arm": ("tables/flow.html", exchange(">227", ">2")),
    "html data": ("report.html", exchange("<td>181</td>", "<td>2</td>")),
    "html list": ("report.html", exchange("<dd>327</dd>", "<dd>2</dd>")),
    "html sentence": ("report.html", exchange("n = 143", "n = 2")),
    "embedded json": ("report.html", exchange("181, 0", "2, 0")),
    "tex": ("tables/flow.tex", exchange("& 181 ", "& 2 ")),
    "tex under an arm": ("tables/flow.tex", exchange("& 227 ", "& 2 ")),
    "docx": ("tables/flow.docx", in_package("word/document.xml", ">181<", ">2<")),
    "docx under an arm": ("tables/flow.docx", in_package("word/document.xml", ">227<", ">2<")),
    "xlsx": ("tables/flow.xlsx", in_package("xl/worksheets/sheet1.xml", "<v>181</v>", "<v>2</v>")),
    "xlsx under an arm": ("tables/flow.xlsx", in_package("xl/worksheets/sheet1.xml", "<v>227</v>", "<v>2</v>")),
    "markdown": ("README.md", exchange("| 327 |", "| 2 |")),
    "json": ("about.json", exchange('"n_persons": 327', '"n_persons": 2')),
    "json of rows": ("about.json", exchange('"n": 143', '"n": 2')),
    "svg": ("figures/curve.svg", exchange("</svg>", "<text>n = 2</text></svg>")),
    "parquet": ("data/effects.parquet", in_column("n_control", 0, "2")),
    "semicolons": ("data/flow.csv", lambda path: path.write_text("arm;n_persons\nips;2\n")),
    "tabs": ("data/flow.csv", lambda path: path.write_text("arm\tn_persons\nips\t2\n")),
    "a table of text": (
        "notes.txt",
        lambda path: path.write_text("arm    persons\n---    -------\nips          2\n"),
    ),
    "a table of text between lines": ("notes.txt", lambda path: path.write_text("| arm | n |\n| ips | 2 |\n")),
    "a star": ("data/flow.csv", in_column("n_persons", 0, "2*")),
    "a star under an arm": ("tables/flow.csv", exchange(",227,", ",2*,")),
    "a note": ("tables/flow.csv", exchange(",227,", ",2 b,")),
}


@pytest.mark.parametrize("place", COUNTS)
def test_a_small_count_is_found_in_every_format(folders, place) -> None:
    file, change = COUNTS[place]
    change(folders[0] / file)
    only(found(folders[0]), file, "small_count")


@pytest.mark.parametrize("place", COUNTS)
def test_what_the_profile_allows_is_no_finding(folders, place) -> None:
    file, change = COUNTS[place]
    change(folders[0] / file)
    assert found(folders[0], threshold=2) == []


@pytest.mark.parametrize(
    ("cell", "is_found"),
    [
        *(("180", False), ("180.0", False), ("1,180", False), ("1\u202f185", False), ("1.185", False), (":", False)),
        *(("181", True), ("182.0", True), ("1,181", True), ("1\u202f182", True), ("1.184", True), ("12 (1.1%)", False)),
    ],
)
def test_a_count_that_is_not_rounded_is_found_where_the_profile_rounds(tmp_path, cell, is_found) -> None:
    (tmp_path / "a.csv").write_text(f'n_persons,estimate\n"{cell}",17\n')
    rules = [finding.rule for finding in scan(tmp_path, threshold=8, base=5)]
    assert rules == ["unrounded_count"] * is_found


OTHERS: dict[str, tuple[str, Change, str]] = {
    "day": ("data/flow.csv", in_column("reason", 0, "2013-05-17"), "day"),
    "day and time": ("data/flow.csv", in_column("reason", 0, "2013-05-17 08:00:00"), "day"),
    "Norwegian day": ("tables/flow.csv", exchange(",227,", ",17.5.2013,"), "day"),
    "day without marks": ("data/flow.csv", in_column("reason", 0, "20130506"), "day"),
    "day of a short year": ("data/flow.csv", in_column("reason", 0, "06.05.13"), "day"),
    "day in a sentence of a table": ("data/flow.csv", in_column("reason", 0, "left on 6/5/2013 at home"), "day"),
    "day in a sentence": ("README.md", exchange("Nothing else.", "The last one left on 2013-05-06."), "day"),
    "day in words": ("README.md", exchange("Nothing else.", "The last one left on 6 May 2013."), "day"),
    "Danish day in words": ("report.html", exchange("A note", "Den sidste gik 6. maj 2013"), "day"),
    "day in a script": ("report.html", exchange('"A note"', '["2013-05-17"]'), "day"),
    "cut-off png": ("figures/curve.png", lambda p: p.write_bytes(p.read_bytes()[:-30]), "unreadable"),
    "csv that is none": ("data/flow.csv", lambda p: p.write_bytes(b"PK\x03\x04\xff\xff"), "unreadable"),
    "png that is none": ("figures/curve.png", lambda p: p.write_text("a,b"), "unreadable"),
    "xlsx that is none": ("tables/flow.xlsx", lambda p: p.write_text("a,b"), "unreadable"),
    "parquet that is none": ("data/effects.parquet", lambda p: p.write_text("a,b"), "unreadable"),
    "json that is none": ("about.json", lambda p: p.write_text("{"), "unreadable"),
    "after the end of a png": ("figures/curve.png", lambda p: p.write_bytes(p.read_bytes() + b"more"), "metadata"),
    "exif": ("figures/curve.png", with_chunk(b"eXIf", b"II*\0"), "metadata"),
    "author of a png": ("figures/curve.png", with_chunk(b"tEXt", b"Author\0A"), "metadata"),
    "author of a docx": ("tables/flow.docx", with_part("docProps/core.xml", "<a><creator>A</creator></a>"), "metadata"),
    "company": ("tables/flow.xlsx", with_part("docProps/app.xml", "<a><Company>A</Company></a>"), "metadata"),
    "author of a page": ("report.html", exchange("<title>", '<meta name="author" content="A"><title>'), "metadata"),
    "who made an svg": ("figures/curve.svg", exchange("<dc:type", "<dc:creator>A</dc:creator><dc:type"), "metadata"),
    "comments of a docx": ("tables/flow.docx", with_part("word/comments.xml", "<a/>"), "comments"),
    "comments of an xlsx": ("tables/flow.xlsx", with_part("xl/comments1.xml", "<a/>"), "comments"),
    "inserted text": (
        "tables/flow.docx",
        in_package("word/document.xml", "<w:tbl>", '<w:p><w:ins w:id="1"/></w:p><w:tbl>'),
        "tracked_changes",
    ),
    "deleted text": (
        "tables/flow.docx",
        in_package("word/document.xml", "<w:tbl>", '<w:p><w:del w:id="1"/></w:p><w:tbl>'),
        "tracked_changes",
    ),
    "hidden text": (
        "tables/flow.docx",
        in_package("word/document.xml", "<w:tbl>", "<w:p><w:r><w:rPr><w:vanish/></w:rPr></w:r></w:p><w:tbl>"),
        "hidden_text",
    ),
    "hidden sheet": (
        "tables/flow.xlsx",
        in_package("xl/workbook.xml", "<sheet ", '<sheet state="veryHidden" '),
        "hidden_sheet",
    ),
    "hidden column": (
        "tables/flow.xlsx",
        in_package("xl/worksheets/sheet1.xml", "<col ", '<col hidden="1" '),
        "hidden_row_or_column",
    ),
    "hidden row": (
        "tables/flow.xlsx",
        in_package("xl/worksheets/sheet1.xml", "<row ", '<row hidden="1" '),
        "hidden_row_or_column",
    ),
    "formula": (
        "tables/flow.xlsx",
        in_package("xl/worksheets/sheet1.xml", "<v>181</v>", "<f>A1</f><v>181</v>"),
        "formula",
    ),
    "macro": ("tables/flow.xlsx", with_part("xl/vbaProject.bin", "x"), "unexpected_part"),
    "a file in a file": ("tables/flow.docx", with_part("word/embeddings/oleObject1.bin", "x"), "unexpected_part"),
    "another workbook": (
        "tables/flow.xlsx",
        with_part("xl/_rels/workbook.xml.rels", '<a><b TargetMode="External"/></a>'),
        "loads_from_elsewhere",
    ),
    "a picture from elsewhere": (
        "report.html",
        exchange("<p ", '<img src="https://x.example/y"><p '),
        "loads_from_elsewhere",
    ),
    "a frame": ("report.html", exchange("<p ", "<iframe></iframe><p "), "active_content"),
    "script in a picture": ("figures/curve.svg", exchange("</svg>", "<script/></svg>"), "active_content"),
    "an unknown data address": (
        "report.html",
        exchange("A tip", "data:application/zip;base64,AAAA"),
        "unexpected_type",
    ),
}


@pytest.mark.parametrize("place", OTHERS)
def test_other_leaks_are_found(folders, place) -> None:
    file, change, rule = OTHERS[place]
    change(folders[0] / file)
    only(found(folders[0]), file, rule)


def test_every_rule_is_planted_by_a_test() -> None:
    here = Path(__file__).read_text(encoding="utf-8")
    assert [rule for rule in RULES if f'"{rule}"' not in here] == []


@pytest.mark.parametrize(
    ("name", "rule"),
    [("persons.sas7bdat", "unexpected_type"), (".Rhistory", "unexpected_type"), ("~$a.docx", "unexpected_type")],
)
def test_files_of_other_types_are_found(folders, name, rule) -> None:
    (folders[0] / "data" / name).write_text("x")
    only(found(folders[0]), f"data/{name}", rule)


def test_a_link_is_not_followed(folders) -> None:
    (folders[0] / "data" / "link.csv").symlink_to(folders[1] / "flow.csv")
    only(found(folders[0]), "data/link.csv", "link")


def test_a_key_in_the_name_of_a_file_is_found_and_not_repeated(folders) -> None:
    (folders[0] / "K7731Z.csv").write_text("a\nb\n")
    [finding] = found(folders[0])
    assert (finding.place, finding.rule) == ("its name", "person_key")
    assert "K7731Z" not in str(finding)


def test_short_keys_count_only_as_a_column_of_them(folders) -> None:
    (folders[0] / "data" / "extra.csv").write_text("who,n_persons\n401,401\n402,402\n404,404\n")
    [finding] = found(folders[0])
    assert (finding.file, finding.place, finding.rule) == (
        "data/extra.csv",
        "table, row 1, column 1 (who)",
        "person_key",
    )
    (folders[0] / "data" / "extra.csv").write_text("who,n_persons\n401,401\n402,402\n17,404\n")
    assert found(folders[0]) == []


@pytest.mark.parametrize(
    ("file", "change"),
    [
        ("report.html", exchange("n = 143", "K77<b>31Z</b>")),
        ("report.html", exchange("n = 143", "k7731z")),
        ("README.md", exchange("Nothing else.", "That was LOPENR-55 B.")),
    ],
)
def test_a_key_in_parts_or_in_another_case_is_found(folders, file, change) -> None:
    change(folders[0] / file)
    only(found(folders[0]), file, "person_key")


@pytest.mark.parametrize("cell", ["2,000", "2.000", "1,000 (45 %)", "2\u202f000"])
def test_thousands_are_no_small_count(tmp_path, cell) -> None:
    (tmp_path / "a.csv").write_text(f'arm,n_persons\nx,"{cell}"\nx,120\n')
    assert scan(tmp_path, threshold=3) == []


@pytest.mark.parametrize("head", ["arm", "reference_arm", "Arm", "centre", "variable", "kind", "step"])
def test_codes_of_rows_may_be_small_numbers(tmp_path, head) -> None:
    """An arm, a centre or a level that is called 1 counts nobody."""
    (tmp_path / "a.csv").write_text(f"{head},n_persons\n1,120\n2,140\n")
    assert scan(tmp_path, threshold=3) == []


def test_an_arm_called_1_counts_nobody_wherever_it_stands(tmp_path) -> None:
    """In the head above ``Persons``, and as a code and its name in what the report's script reads."""
    (tmp_path / "a.html").write_text(
        "<table><thead><tr><th></th><th>1</th></tr><tr><th></th><th>Persons</th></tr></thead>"
        "<tbody><tr><th>Randomised</th><td>120</td></tr></tbody></table>"
    )
    (tmp_path / "a.json").write_text('{"arms": ["control", "1"], "names": {"arm": {"all": "All arms", "1": "1"}}}')
    assert scan(tmp_path, threshold=3) == []
    (tmp_path / "a.json").write_text('{"n_persons": {"1": 1}, "other": {"ips": 1}}')
    assert [finding.rule for finding in scan(tmp_path, threshold=3)] == ["small_count"] * 2


def test_three_decimals_of_a_count_are_no_thousands_below_a_head_with_decimals(tmp_path) -> None:
    (tmp_path / "a.csv").write_text("arm,n_persons\nx,2.000\nx,0.000\n")
    assert [finding.place for finding in scan(tmp_path, threshold=3)] == ["table, row 1, column 2 (n_persons)"]


@pytest.mark.parametrize("said", ["2 005 persons", "2\u202f002 personer", "1,001 persons", "3.002 deltakere"])
def test_the_last_three_digits_of_a_large_number_count_nobody(tmp_path, said) -> None:
    (tmp_path / "README.md").write_text(f"There were {said} in the trial.\n")
    assert scan(tmp_path, threshold=8) == []


def test_digits_of_a_key_in_a_decimal_number_or_a_colour_are_no_key(folders) -> None:
    in_column("estimate", 0, "0.8842217")(folders[0] / "data" / "effects.csv")
    exchange("#884221", "#8842217")(folders[0] / "report.html")
    assert found(folders[0]) == []


# --- hidden numbers ----------------------------------------------------------------------------


@pytest.mark.parametrize("place", [p for p in say("x") if p not in ("csv", "xlsx name of a sheet")])
def test_a_hidden_number_in_full_precision_is_found_in_every_format(folders, place) -> None:
    file, change = say(f"it was {SHARE_HIDDEN!r} then")[place]
    change(folders[0] / file)
    findings = [f for f in found(*folders) if f.rule != "metadata"]
    only(findings, file, "hidden_value")
    assert not any(str(SHARE_HIDDEN)[:6] in str(f) for f in findings)


@pytest.mark.parametrize(
    "text",
    [
        *(f"{100 * SHARE_HIDDEN:.6f}", f"{1 - SHARE_HIDDEN!r}", f"{SHARE_HIDDEN:.7f}"),
        *(f"-{EFFECT_HIDDEN}", "7,345118263", "7.345118e-02"),
    ],
)
def test_a_hidden_number_is_found_in_per_cent_as_the_rest_and_rounded(folders, text) -> None:
    exchange("Nothing else.", f"It was {text} then.")(folders[0] / "README.md")
    only(found(*folders), "README.md", "hidden_value")


@pytest.mark.parametrize("text", ["0.1176", "0.10298337712", "10.298338", "0.123456", "1.1764706"])
def test_other_numbers_are_not_taken_for_hidden_ones(folders, text) -> None:
    exchange("Nothing else.", f"It was {text} then.")(folders[0] / "README.md")
    assert found(*folders) == []


def test_a_hidden_number_at_its_key_in_another_copy_of_the_table_is_found(folders) -> None:
    in_column("estimate", 1, "0.07")(folders[0] / "data" / "effects.parquet")
    only(found(*folders), "data/effects.parquet", "hidden_value")  # with a column more
    in_column("estimate", 1, ":")(folders[0] / "data" / "effects.parquet")
    table = pd.read_csv(folders[0] / "data" / "effects.csv", dtype="str")
    table.loc[1, "estimate"] = "0.07"
    table.iloc[::-1].to_csv(folders[0] / "data" / "copy.csv", index=False)
    [finding] = found(*folders)
    assert finding == Finding("data/copy.csv", "table, row 1, column 8", "hidden_value")


def test_a_hidden_number_in_the_script_of_the_report_is_found(folders) -> None:
    text = (folders[0] / "report.html").read_text(encoding="utf-8")
    start, end = text.index('json">') + 6, text.index("</script>")
    content = json.loads(text[start:end])
    content["tables"]["employment_by_month"]["rows"][5][5] = 14
    (folders[0] / "report.html").write_text(text[:start] + json.dumps(content) + text[end:], encoding="utf-8")
    [finding] = found(*folders)
    assert (finding.file, finding.rule) == ("report.html", "hidden_value")
    assert finding.place.endswith("/tables/employment_by_month, row 6, column 6")


def test_rows_that_the_table_inside_does_not_have_are_told(folders) -> None:
    in_column("centre", 0, "2")(folders[0] / "data" / "effects.csv")
    only(found(*folders), "data/effects.csv", "rows_differ")


SHOWN_AGAIN = {
    "html": exchange(">:<", ">9<"),
    "tex": exchange("& :", "& 9"),
    "docx": in_package("word/document.xml", ">:<", ">9<"),
}


@pytest.mark.parametrize("kind", SHOWN_AGAIN)
def test_a_cell_that_one_format_hides_and_another_shows_is_found(folders, kind) -> None:
    SHOWN_AGAIN[kind](folders[0] / "tables" / f"flow.{kind}")
    [finding] = found(*folders)
    assert finding == Finding(f"tables/flow.{kind}", "row 3 of its numbers", "hidden_unevenly")


@pytest.mark.parametrize("printed", ["17.6", "17,6", "0.18", "3", "14.0 (3 of 17)"])
def test_a_hidden_number_is_found_where_print_names_the_line_that_hides_it(folders, printed) -> None:
    before, after = 'employment_by_month:8">:<', f'employment_by_month:8">{printed}<'
    exchange(before, after)(folders[0] / "report.html")
    only([f for f in found(*folders, threshold=0)], "report.html", "hidden_value")


@pytest.mark.parametrize("printed", ["17", "17.0", "18.4", ":", "hidden", "1"])
def test_what_the_line_shows_may_be_printed(folders, printed) -> None:
    exchange('employment_by_month:8">:<', f'employment_by_month:8">{printed}<')(folders[0] / "report.html")
    assert found(*folders, threshold=0) == []


def test_a_cell_that_only_the_csv_shows_is_found(folders) -> None:
    exchange(",:,:,", ",9,9,")(folders[0] / "tables" / "flow.csv")
    only(found(*folders), "tables/flow.csv", "hidden_unevenly")


@pytest.mark.parametrize("month", [0, 3])
def test_a_hidden_number_among_the_coordinates_of_a_drawing_is_found(folders, month) -> None:
    shares = [(20 + 3 * k) / 143 for k in range(5)]
    shares[month] = (2 + month % 2) / 17
    (folders[0] / "figures" / "curve.svg").write_bytes(drawing(shares)["svg"])
    only(found(*folders), "figures/curve.svg", "hidden_in_drawing")


def test_a_hidden_number_without_a_month_is_found_on_either_axis(folders) -> None:
    from matplotlib.figure import Figure

    from ipseval.figures.drawing import saved, style

    for swapped in (False, True):
        with style():
            figure = Figure(figsize=(4, 3))
            axes = figure.subplots()
            points = ([1, 2], [0.1, 0.0674244014])  # the hidden error of a row of one month is that of all months
            axes.plot(*(points[::-1] if swapped else points), "o")
            (folders[0] / "figures" / "curve.svg").write_bytes(saved(figure, "svg"))
        hidden = pd.read_csv(folders[0] / "data" / "effects.csv", dtype="str").drop(columns=["month_from", "month_to"])
        hidden.to_csv(folders[0] / "data" / "pooled.csv", index=False)
        true = pd.read_csv(folders[1] / "effects.csv", dtype="str").drop(columns=["month_from", "month_to"])
        true.to_csv(folders[1] / "pooled.csv", index=False)
        only(found(*folders), "figures/curve.svg", "hidden_in_drawing")


def test_a_line_at_zero_is_no_hidden_number_however_small(folders) -> None:
    """A hidden p-value of 4e-9 lies a millionth of a pixel from the line at zero that every figure has."""
    for share in (0.0, 1.0):
        for folder, value in zip(folders, (":", "4.228849042240258e-09"), strict=True):
            place = folder / "data" / "tests.csv" if folder.name == "release" else folder / "tests.csv"
            place.write_text(f"term,p_value\nmonth,{value}\n", encoding="utf-8")
        (folders[0] / "figures" / "curve.svg").write_bytes(drawing([share, 0.25, 0.26, 0.27, 0.28])["svg"])
        assert found(*folders) == []


def test_a_rounded_count_is_none_that_its_line_hides(folders) -> None:
    """Counts that are shown rounded are shown: 40 persons for 39, in a line that hides a p-value of 0.4034."""
    for place, n, p in ((folders[0] / "data" / "tests.csv", "40", ":"), (folders[1] / "tests.csv", "39", "0.4034")):
        place.write_text(f"term,n_persons,p_value\nmonth,{n},{p}\n", encoding="utf-8")
    page = folders[0] / "tables" / "tests.html"
    page.write_text('<p>N <span data-source="tests:2">40</span></p>', encoding="utf-8")
    assert found(*folders) == []
    page.write_text('<p>p <span data-source="tests:2">0.403</span></p>', encoding="utf-8")
    only(found(*folders), "tables/tests.html", "hidden_value")


def test_a_count_that_a_line_tells_is_none_that_it_hides(folders) -> None:
    """84.21 % of 38 persons are 32, in a line that hides a difference of 0.3155; 31 there would be told by nothing."""
    for place, smd in ((folders[0] / "data" / "tests.csv", ":"), (folders[1] / "tests.csv", "0.3155")):
        place.write_text(f"term,n_persons,mean,smd\nborn,38,0.8421,{smd}\n", encoding="utf-8")
    page = folders[0] / "tables" / "tests.html"
    page.write_text('<p>n <span data-source="tests:2">32</span></p>', encoding="utf-8")
    assert found(*folders) == []
    page.write_text('<p>d <span data-source="tests:2">31.6</span></p>', encoding="utf-8")
    only(found(*folders), "tables/tests.html", "hidden_value")


def test_a_table_whose_name_ends_in_data_is_no_address(folders) -> None:
    page = folders[0] / "tables" / "tests.html"
    page.write_text('<p>0 of <span data-source="missing_data:5,9">14,388</span> are missing</p>', encoding="utf-8")
    assert found(*folders) == []


# --- heads, settings, the command --------------------------------------------------------------

HEADS = {
    "counts": (
        *("n_persons", "n", "Persons: assigned", "control: Persons", "Randomised", "Months 0 to 43: Began"),
        *("Personer: kontroll", "Tilfeldig fordelt, personer", "Randomiseret", "Mangler", "ips: Personmåneder"),
    ),
    "shares": ("Share, %", "ips: Received, %", "Effect, points", "Andel", "Mean", "Gjennomsnitt", "p"),
    "others": (
        *("month", "Months", "Måned", "df", "n_centres", "order", "Degrees of freedom", "Frihetsgrader"),
        *("Cells hidden", "Skjulte celler"),
    ),
    "": ("control", "ips", "Oslo", "All arms", "reason", "With wage subsidy"),
}


@pytest.mark.parametrize(("expected", "head"), [(name, head) for name, heads in HEADS.items() for head in heads])
def test_heads_say_what_their_numbers_are_in_three_languages(expected, head) -> None:
    assert kind(head, Rules(settings())) == expected


def test_every_column_of_counts_of_the_results_is_known_as_one() -> None:
    described = (ROOT / "docs" / "results.md").read_text(encoding="utf-8")
    named = set(re.findall(r"\bn_[a-z_]*[a-z]\b", described))
    others = {name for name in named if kind(name, Rules(settings())) != "counts"}
    assert len(named) > 20
    of_centres = {"n_centres_group", "n_centres_other", "n_compared", "n_as_large", "n_assignments", "n_reviews"}
    assert others == of_centres | {"n_centres", "n_periods", "n_left_out", "n_numbers", "n_hidden"}


@pytest.mark.parametrize("text", ["2 persons", "of 12: 1 person", "N = 2", "2 personer", "n: 1"])
def test_sentences_that_count_few_persons(text) -> None:
    assert scan_rules._says_small(text, Rules(settings(), 3))


@pytest.mark.parametrize(
    "text",
    [
        "fewer than 2 persons",
        "Et center skal have 2 personer i hver gruppe",
        "at least 2 persons",
        "færre enn 2 personer",
        "mindst 2 personer",
        "1 to 2 persons",
        "12 persons",
        "n = 20",
        "n = 2.5",
        "0 persons",
        "month 2",
        "1.2 persons a month",
        "1–2 persons",
    ],
)
def test_sentences_that_do_not(text) -> None:
    assert not scan_rules._says_small(text, Rules(settings(), 3))


def test_limits_are_those_of_the_profile(tmp_path: Path) -> None:
    file = tmp_path / "disclosure.yaml"
    file.write_text(yaml.safe_dump(PROFILES))
    assert limits_of("ssb", file) == {"threshold": 3, "base": 0}
    assert limits_of("acro", file) == {"threshold": 10, "base": 5}
    with pytest.raises(UserError, match="Did you mean 'ssb'"):
        limits_of("sbb", file)


def test_keys_of_a_trial_list(tmp_path: Path) -> None:
    pd.DataFrame({"lopenr": ["a1", "b2"]}).to_csv(tmp_path / "t.csv", index=False)
    pd.DataFrame({"person_id": [11, 12]}).to_parquet(tmp_path / "t.parquet")
    assert keys_of(tmp_path / "t.csv", "lopenr") == {"a1", "b2"}
    assert keys_of(tmp_path / "t.parquet", "person_id") == {"11", "12"}
    with pytest.raises(UserError, match=r"has no column 'person_id'\. It has: lopenr"):
        keys_of(tmp_path / "t.csv", "person_id")
    (tmp_path / "t.txt").write_text("x")
    with pytest.raises(UserError, match="no CSV or Parquet"):
        keys_of(tmp_path / "t.txt", "person_id")


@pytest.fixture
def command(folders, tmp_path, monkeypatch, capsys) -> Callable[..., tuple[int, str]]:
    (tmp_path / "disclosure.yaml").write_text(yaml.safe_dump(PROFILES))
    monkeypatch.setattr("ipseval.commands.scan.limits_of", lambda name: limits_of(name, tmp_path / "disclosure.yaml"))
    pd.DataFrame({"person_id": sorted(KEYS)}).to_csv(tmp_path / "trial.csv", index=False)

    def called(*options: object) -> tuple[int, str]:
        status = cli.main(["scan", str(folders[0]), *map(str, options)])
        return status, capsys.readouterr().out

    return called


def test_the_command_has_status_0_for_a_clean_folder_and_says_what_it_did(command, folders, tmp_path) -> None:
    status, out = command()
    assert (status, "no trial list (--trial), no tables inside (--review)" in out) == (0, True)
    status, out = command("--trial", tmp_path / "trial.csv", "--review", folders[1], "--profile", "ssb")
    assert (status, out.startswith("0 findings in 0 of ")) == (0, True)
    assert f"profile ssb, {len(KEYS)} keys of the trial list, the tables inside." in out


def test_the_command_has_status_1_when_it_finds_something(command, folders, tmp_path) -> None:
    exchange("Nothing else.", "K7731Z")(folders[0] / "README.md")
    assert command()[0] == 0
    status, out = command("--trial", tmp_path / "trial.csv")
    assert status == 1
    assert out.splitlines()[0] == ("README.md: line 7: the key of a person of the trial list (person_key).")


@pytest.mark.parametrize(
    "options", [["--profile", "sbb"], ["--trial", "nowhere.csv"], ["--key", "x", "--trial", "trial.csv"]]
)
def test_wrong_use_of_the_command_has_status_2(command, options, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as left:
        command(*options)
    assert left.value.code == 2


def test_numbers_about_the_release_itself_are_nobodys(folders) -> None:
    text = f"table,n_numbers,n_hidden,share_hidden\nflow,17,2,{SHARE_HIDDEN!r}\n"
    (folders[0] / "hidden_by_table.csv").write_text(text)
    assert found(*folders) == []
    (folders[0] / "hidden_by_table.csv").write_text(text.replace("share_hidden", "share"))
    only(found(*folders), "hidden_by_table.csv", "hidden_value")


def test_rows_that_no_key_tells_apart_are_told_apart_by_their_order(folders) -> None:
    for folder, value in ((folders[0] / "data", ":"), (folders[1], "0.07345118263")):
        (folder / "odd.csv").write_text(f"arm,estimate\nips,0.25\nips,{value}\n")
    assert found(*folders) == []
    (folders[0] / "data" / "odd_copy.csv").write_text("arm,estimate\nips,0.25\nips,0.07\n")
    [finding] = found(*folders)
    assert finding == Finding("data/odd_copy.csv", "table, row 2, column 2", "hidden_value")


def test_a_released_table_may_have_fewer_columns_than_the_one_inside(folders) -> None:
    inside = pd.read_csv(folders[1] / "effects.csv", dtype="str").assign(share_largest="0.5612349")
    inside.iloc[:, ::-1].to_csv(folders[1] / "effects.csv", index=False)
    assert found(*folders) == []
    exchange("Nothing else.", f"It was {EFFECT_HIDDEN} then.")(folders[0] / "README.md")
    only(found(*folders), "README.md", "hidden_value")
    exchange(f"It was {EFFECT_HIDDEN} then.", "It was 0.5612349 then.")(folders[0] / "README.md")
    only(found(*folders), "README.md", "hidden_value")
    inside.drop(columns="n_control").to_csv(folders[1] / "effects.csv", index=False)
    assert ("data/effects.csv", "rows_differ") in {(f.file, f.rule) for f in found(*folders)}
