"""What stands in a written table, read back with other libraries than those that wrote it."""

import csv
import io
import re
from dataclasses import dataclass
from functools import cache
from html.parser import HTMLParser

import docx
import openpyxl

from ipseval.tables.table import Table

# What a fragment may hold of LaTeX; everything else in it is text.
MACROS = {
    "addlinespace", "arraybackslash", "begin", "bfseries", "bottomrule", "caption", "char", "cmidrule", "dots", "end",
    "endfirsthead", "endfoot", "endhead", "endlastfoot", "footnotesize", "insertTableNotes", "item", "itshape",
    "linewidth", "LTcapwidth", "midrule", "multicolumn", "raggedright", "rlap", "setlength", "shortstack", "tau",
    "textasciicircum", "textasciigrave", "textasciitilde", "textbackslash", "textbf", "textgreater", "textless",
    "textsuperscript", "times", "tnote", "toprule",
}  # fmt: skip
TEX_TEXT = [
    (r"\textbackslash{}", "\\"), (r"\textasciitilde{}", "~"), (r"\textasciicircum{}", "^"), (r"\textless{}", "<"),
    (r"\textgreater{}", ">"), (r"{\char34}", '"'), (r"\textasciigrave{}", "`"), ("{'}", "'"), ("--", "–"), ("{-}", "-"),
    ("$-$", "−"), (r"$\times$", "×"), (r"$\tau$", "τ"), (r"\textsuperscript{2}", "²"), (r"\dots{}", "…"),
    (r"\,", "\u202f"), *((f"\\{sign}", sign) for sign in "{}$&#%_"),
]  # fmt: skip


@dataclass(frozen=True)
class Written:
    """Rows (group, head, cells as text) and all other texts."""

    rows: list[tuple[str, str, list[str]]]
    others: list[str]


def expected(table: Table, gap: str) -> list[tuple[str, str, list[str]]]:
    """Rows as a reader should find them: text, stars and mark, and what stands beside after ``gap``."""
    rows = []
    for row in table.rows:
        cells = [cell.text + cell.stars + table.mark(cell.reason) for cell in row.cells]
        small = [gap + cell.small if cell.small else "" for cell in row.cells]
        rows.append((row.group, row.head, [a + b for a, b in zip(cells, small, strict=True)]))
    return rows


def read_docx(content: bytes) -> Written:
    """By python-docx; a cell over all columns opens a group."""
    document = docx.Document(io.BytesIO(content))
    rows = []
    every = [row for table in document.tables for row in table.rows]
    starts, group = {table.rows[0]._tr for table in document.tables}, ""
    for row in every:
        group = "" if row._tr in starts else group
        head, *cells = (cell.text for cell in row.cells)
        if row._tr.trPr is not None and row._tr.trPr.xpath("w:tblHeader"):
            continue
        if len(row._tr.tc_lst) == 1:
            group = head
        else:
            rows.append((group, head, cells))
    heads = [c.text for r in every if r._tr.trPr is not None and r._tr.trPr.xpath("w:tblHeader") for c in r.cells]
    return Written(rows, [*heads, *(p.text for p in document.paragraphs)])


def read_xlsx(content: bytes, sheet: str = "") -> list[list[openpyxl.cell.Cell]]:
    """Rows of a sheet, the first when none is named, by openpyxl; formulas would be read as such."""
    book = _workbook(content)
    return [list(row) for row in book[sheet or book.sheetnames[0]].iter_rows()]


@cache
def _workbook(content: bytes) -> openpyxl.Workbook:
    return openpyxl.load_workbook(io.BytesIO(content))


def read_tex(content: str) -> Written:
    """By taking the markup away that the fragment may hold."""
    assert set(re.findall(r"\\([A-Za-z]+)", content)) <= MACROS
    assert re.sub(r"\\.", "", content).count("{") == re.sub(r"\\.", "", content).count("}")
    body = content.partition("\\endlastfoot\n")[2].partition("\\end{longtable}")[0]
    rows: list[tuple[str, str, list[str]]] = []
    group = ""
    for line in body.replace("\\addlinespace\n", "").splitlines():
        line, end, after = line.rpartition(" \\\\")
        assert end and after in ("", "*"), line
        if opening := re.fullmatch(r"\\multicolumn\{\d+\}\{l\}\{\\itshape (.*)\}", line):
            group = tex_text(opening[1])
            continue
        first, *rest = re.split(r"(?<!\\)&", line)
        assert first[0] == "{" and first.rstrip()[-1] == "}"
        head, cells = tex_text(first.strip()[1:-1]), [tex_text(cell.strip()) for cell in rest]
        if head or not rows or not any(rest):
            rows.append((group, head, cells))
        else:  # what stands under the numbers of the row above
            group_above, head_above, above = rows.pop()
            under = [f"\n{cell}" if cell else "" for cell in cells]
            rows.append((group_above, head_above, [a + b for a, b in zip(above, under, strict=True)]))
    return Written(rows, [tex_text(part) for part in re.findall(r"\\item\[.*?\] (.*)", content)])


def tex_text(markup: str) -> str:
    """Markup as the text that it prints. Text of a table cannot hold the marks that stand for signs here."""
    for part in (r"\\bfseries ", r"\\rlap", r"\\footnotesize ", r"\\tnote", r"\\textbf"):
        markup = re.sub(part, "", markup)
    markup = re.sub(r"\\textsuperscript(?!\{2\})", "", markup)
    for place, (code, _) in enumerate(TEX_TEXT):
        markup = markup.replace(code, f"\0{place}\1")
    assert not re.search(r"[\\$#%_&~^<>\"`]", markup), markup
    markup = re.sub(r"[{}]", "", markup)
    return re.sub("\0(\\d+)\1", lambda found: TEX_TEXT[int(found[1])][1], markup)


def read_csv(content: str) -> list[list[str]]:
    """Rows of fields."""
    return list(csv.reader(io.StringIO(content)))


class Texts(HTMLParser):
    """Tags and texts of a page as a browser sees them."""

    def __init__(self, page: str):
        super().__init__()
        self.tags: list[tuple[str, dict]] = []
        self.texts: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.texts.append(data)
