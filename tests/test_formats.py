"""A printed table in every format: read back by other libraries it says the same, and hostile text stays text."""

import io
import re
import zipfile
from xml.etree import ElementTree

import openpyxl
import pytest

from ipseval import words
from ipseval.language import speaking
from ipseval.tables.render import RENDERERS
from ipseval.tables.render_csv import grid
from ipseval.tables.render_docx import to_document, to_docx
from ipseval.tables.render_tex import to_tex
from ipseval.tables.render_xlsx import to_workbook
from ipseval.tables.table import Cell, Column, Row, Table, lacking
from readers import expected, read_csv, read_docx, read_tex, read_xlsx

HOSTILE = (
    "<script>alert(1)</script>", '"quoted", \'twice\' & more', "two\nlines\tand \x07", "=1+1", "+47 55", "@SUM(A1)",
    "-2+3", r"\input{/etc/passwd}", "100 % $x_1^2$ #1 ~", "{=HYPERLINK()}", "[a] * `b` -- ''c''", "Ærø × τ² … −",
    "{{ 7 * 7 }} {% raw %}", "https://x.invalid", "_x0041_", "*starred", "[12pt]", "007", "]]>",
)  # fmt: skip


def table(names=HOSTILE, is_long=False) -> Table:
    """Every part of a table, with names of all kinds in every place where one can stand."""
    columns = (
        Column("Persons"),
        Column(names[0], span=names[1]),
        Column("Coefficient", ("standard error",), span=names[1], has_stars=True),
        Column("Points", ("95% interval, low", "95% interval, high")),
    )
    full = (Cell("14,388"), Cell("0.5"), Cell("−0.060", "***", ("0.012",)), Cell("10.0", beside=("−3.4", "24.9")))
    empty = (Cell("0"), lacking(names[3]), Cell(), Cell("12.0", reason="nobody or everybody: no interval"))
    odd = (Cell(":", reason="hidden"), Cell("< 0.001"), Cell("0.100", beside=("0.010",)), Cell("2 and 40.5"))
    rows = [Row(name, cells, group) for group in ("", names[7], names[8]) for name, cells in zip(
        names, (full, empty, odd) * len(names), strict=False)]  # fmt: skip
    rows.append(Row("All centres", full, names[8], is_total=True))
    return Table(names[4], names[5], columns, tuple(rows), names, tuple(zip(names, names, strict=True)), is_long)


def shown(text: str) -> str:
    """Text without the control characters that no format can hold."""
    return words.printable(text)


def plain_rows(rows):
    return [(shown(group), shown(head), [shown(c).replace(" (", "(") for c in cells]) for group, head, cells in rows]


@pytest.mark.parametrize("is_long", [False, True])
def test_word_says_what_the_table_says(is_long):
    one = table(is_long=is_long)
    written = read_docx(to_docx("=1+1 <b>\n", one))
    assert plain_rows(written.rows) == plain_rows(expected(one, " " if is_long else "\n"))
    said = [shown(text) for text in (one.title, *one.notes, one.stub, *(c.head for c in one.columns))]
    assert set(said) <= set(written.others)
    assert {f"{mark} {text}" for mark, text in one.footnotes} <= {shown(t) for t in written.others}
    assert [f"{shown(a)}: {shown(b)}" for a, b in one.record] == written.others[-len(one.record) :]


@pytest.mark.parametrize("is_long", [False, True])
def test_latex_says_what_the_table_says(is_long):
    one = table(is_long=is_long)
    written = read_tex(to_tex("=1+1 <b>\n", one))
    assert plain_rows(written.rows) == plain_rows(expected(one, " " if is_long else "\n"))
    footnotes = [shown(text) for _, text in one.footnotes]
    assert written.others[: len(footnotes)] == footnotes
    assert written.others[-2] == " ".join(map(shown, one.notes))


def test_latex_reads_no_name_as_an_option():
    text = to_tex("T", table())
    assert not re.search(r"\\\\ *[\[*](?!\n)", text.replace("\\\\*\n", "\n"))
    assert not re.search(r"\\item *[^\[]", text)
    assert not re.search(r"\n[\[*]", text)


@pytest.mark.parametrize("is_long", [False, True])
def test_excel_has_numbers_as_numbers_and_text_as_text(is_long):
    one = table(is_long=is_long)
    cells = read_xlsx(RENDERERS["xlsx"]("=1+1 <b>", one))
    assert not [cell for row in cells for cell in row if cell.data_type == "f" or cell.hyperlink]
    fields = grid(one)
    assert [cell.value for cell in cells[2]] == list(fields.heads)
    for found, wanted in zip(cells[3:], fields.rows, strict=False):
        for column, (cell, text) in enumerate(zip(found, wanted, strict=True)):
            number = text.replace(words.MINUS, "-").replace(",", "")
            if column > 1 and re.fullmatch(r"-?[\d.]+", number):
                decimals = len(number.partition(".")[2])
                assert (cell.data_type, cell.value) == ("n", float(number))
                assert cell.number_format == "#,##0" + (f".{'0' * decimals}" if decimals else "")
            else:
                assert (cell.value or "") == text.replace("\x07", "_x0007_") or "\x07" in text
                assert cell.data_type == ("s" if text else "n")
    last = [row[0].value for row in cells if row[0].value]
    assert len(last) >= len(one.notes) + len(one.record)
    assert last[-1] == f"{HOSTILE[-1]}: {HOSTILE[-1]}"


def test_excel_heads_stay_in_sight_and_months_are_numbers():
    months = Table("T", "Month", (Column("Effect"),), tuple(Row(m, (Cell("1"),)) for m in ("−3", "0")), (), ())
    sheet = openpyxl.load_workbook(io.BytesIO(RENDERERS["xlsx"]("A trial", months)))["Table"]
    assert sheet.freeze_panes == "C4"
    assert [sheet.cell(row, 2).value for row in (4, 5)] == [-3, 0]
    coded = Table("T", "Centre", (Column("Effect"),), tuple(Row(m, (Cell("1"),)) for m in ("007", "1")), (), ())
    assert read_xlsx(RENDERERS["xlsx"]("A trial", coded))[3][1].value == "007"


def test_one_workbook_holds_all_tables_in_their_order():
    content = to_workbook("A trial", {"flow": table(), "balance": table(is_long=True)})
    book = openpyxl.load_workbook(io.BytesIO(content))
    assert book.sheetnames == ["Contents", "flow", "balance"]
    assert all(book[name]["A2"].value == "A trial" for name in ("flow", "balance"))
    index = [[cell.value for cell in row] for row in book["Contents"].iter_rows(min_row=3)]
    assert index == [[name, shown(table().title)] for name in ("flow", "balance")]


def test_one_document_holds_all_tables_in_their_order():
    every = [table(), table(is_long=True)]
    written = read_docx(to_document("A trial", every))
    wanted = [*expected(every[0], "\n"), *expected(every[1], " ")]
    assert plain_rows(written.rows) == plain_rows(wanted)
    first = written.others.index("A trial")
    assert written.others[first : first + 3] == ["A trial", *(shown(one.title) for one in every)]
    with zipfile.ZipFile(io.BytesIO(to_document("A trial", every))) as package:
        parts = ElementTree.fromstring(package.read("word/document.xml"))
    assert len(list(parts.iter("{http://schemas.openxmlformats.org/wordprocessingml/2006/main}sectPr"))) == 3


def test_names_are_no_formulas_in_csv():
    rows = read_csv(RENDERERS["csv"]("T", table()))
    fields = [field for row in rows for field in row]
    assert all(re.fullmatch(r"-?[\d.]+", field) or not field.startswith(("=", "+", "-", "@")) for field in fields)
    assert "'=1+1" in fields and "<script>alert(1)</script>" in fields


@pytest.mark.parametrize(("code", "text"), [("nb", "−14\u202f388,50"), ("da", "−14.388,50"), ("en", "−14,388.50")])
def test_numbers_are_the_same_in_csv_and_excel_whatever_the_language(code, text):
    with speaking(code):
        assert words.number(-14388.5, 2) == text
        one = Table("T", "Row", (Column("N"),), (Row("a", (Cell(text),)), Row("b", (Cell("x"),))), (), ())
        assert read_csv(RENDERERS["csv"]("T", one))[1][2] == "-14388.50"
        assert read_xlsx(RENDERERS["xlsx"]("T", one))[3][2].value == -14388.5
        assert read_docx(to_docx("T", one)).rows[0][2] == [text]
        assert read_tex(to_tex("T", one)).rows[0][2] == [text]


@pytest.mark.parametrize(("code", "tag"), [("en", "en-GB"), ("nb", "nb-NO"), ("da", "da-DK")])
def test_word_names_the_language(code, tag):
    with speaking(code), zipfile.ZipFile(io.BytesIO(to_docx("T", table()))) as package:
        assert f'<w:lang w:val="{tag}"/>' in package.read("word/styles.xml").decode()


@pytest.mark.parametrize("kind", RENDERERS)
def test_two_runs_give_the_same_bytes(kind):
    assert RENDERERS[kind]("T", table()) == RENDERERS[kind]("T", table())


@pytest.mark.parametrize("kind", ["docx", "xlsx"])
def test_packages_hold_no_author_date_or_path(kind):
    with zipfile.ZipFile(io.BytesIO(RENDERERS[kind]("T", table()))) as package:
        assert {info.date_time for info in package.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        assert not any(info.comment or info.extra for info in package.infolist())
        parts = {info.filename: package.read(info) for info in package.infolist()}
    for content in parts.values():
        ElementTree.fromstring(content)
    properties = b"".join(parts[name] for name in parts if name.startswith("docProps/"))
    years = set(re.findall(rb"\b(?:19|20)\d\d-\d\d-\d\d", properties))
    assert years <= {b"1980-01-01"}
    assert not re.search(rb"<dc:creator>[^<]|lastModifiedBy>[^<]|XlsxWriter|python", properties)
    assert kind == "xlsx" or not properties
