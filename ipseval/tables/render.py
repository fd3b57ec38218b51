"""The registry of formats: how a printed table is written."""

from collections.abc import Callable

from ipseval.tables.render_csv import to_csv
from ipseval.tables.render_docx import to_docx
from ipseval.tables.render_tex import to_tex
from ipseval.tables.render_xlsx import to_xlsx
from ipseval.tables.table import Table
from ipseval.template import template


def to_html(cohort_title: str, table: Table) -> str:
    """A table as a page of its own that loads nothing."""
    return template("page.html").render(heading=cohort_title, table=table, name="table")


RENDERERS: dict[str, Callable[[str, Table], str | bytes]] = {
    "csv": to_csv,
    "html": to_html,
    "tex": to_tex,
    "docx": to_docx,
    "xlsx": to_xlsx,
}
FORMATS = {"csv": "CSV", "html": "HTML", "tex": "LaTeX", "docx": "Word", "xlsx": "Excel"}
