"""A printed table as a Word document: the parts of the format that it needs, without properties of any kind."""

import io
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from ipseval.language import spoken
from ipseval.tables.table import Table
from ipseval.template import template
from ipseval.words import printable

# The format's own file names -> templates. Author, dates and software would stand in docProps, which may be left out.
PARTS = {
    "[Content_Types].xml": "docx_types.xml",
    "_rels/.rels": "docx_relations.xml",
    "word/_rels/document.xml.rels": "docx_document_relations.xml",
    "word/document.xml": "docx_document.xml",
    "word/styles.xml": "docx_styles.xml",
    "word/header.xml": "docx_header.xml",
}
SAME_DATE = (1980, 1, 1, 0, 0, 0)  # so that two runs give the same bytes
PORTRAIT_COLUMNS = 4  # with more the page is turned
PORTRAIT, LANDSCAPE = 9638, 14570  # twentieths of a point between the margins of A4
STUB = 34  # letters of a head of a row that stand on a line, at most


@dataclass(frozen=True)
class _Body:
    """A table in the words of the format, and whether its page is turned."""

    xml: str
    is_wide: bool


def to_docx(cohort_title: str, table: Table) -> bytes:
    """A table with its caption and notes on A4; heads are repeated on every page."""
    return _package(cohort_title, (table,), ())


def to_document(cohort_title: str, tables: Iterable[Table]) -> bytes:
    """Tables in one document, each on a page of its own, behind a list of their titles."""
    every = tuple(tables)
    return _package(cohort_title, every, tuple(table.title for table in every))


def _package(cohort_title: str, tables: tuple[Table, ...], titles: tuple[str, ...]) -> bytes:
    content = io.BytesIO()
    known = {
        "titles": (cohort_title, *titles) if titles else (),
        "bodies": [_body(cohort_title, table, spoken()) for table in tables],
        "table": tables[0],
        "clean": printable,
    }
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as package:
        for name, source in PARTS.items():
            text = template(source).render(known)
            package.writestr(zipfile.ZipInfo(name, SAME_DATE), text, zipfile.ZIP_DEFLATED)
    return content.getvalue()


@lru_cache(maxsize=64)
def _body(cohort_title: str, table: Table, language: str) -> _Body:
    """A table's part of a document; it is written alone and with all others."""
    is_wide = len(table.columns) > PORTRAIT_COLUMNS
    known = {"cohort_title": cohort_title, "table": table, "clean": printable}
    known["widths"] = _widths(table, LANDSCAPE if is_wide else PORTRAIT)
    return _Body(template("docx_table.xml").render(known), is_wide)


def _widths(table: Table, width: int) -> list[int]:
    """Widths of the heads of rows and of the columns, by the longest words that they hold.

    Without widths programs guess how far a spanning head reaches.
    """
    letters = [min(STUB, max(len(text) for text in (table.stub, *(row.head for row in table.rows))))]
    for place, column in enumerate(table.columns):
        cells = [row.cells[place] for row in table.rows]
        numbers = [text for cell in cells for text in (cell.text + cell.stars, cell.small)]
        behind = [f"{cell.text} {cell.small}" for cell in cells] if table.is_long else []
        letters.append(max(len(text) for text in (*f"{column.head} {column.span}".split(), *numbers, *behind, "00")))
    return [width * (n + 3) // sum(n + 3 for n in letters) for n in letters]
