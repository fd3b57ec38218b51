"""One printed table as CSV, Markdown and self-contained HTML, and the page that shows all of them."""

import base64
import csv
import io
import re
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from ipseval.drawing import Drawing
from ipseval.table import Cell, Column, Row, Table
from ipseval.words import MINUS

TEMPLATES = Path(__file__).resolve().parent / "templates"
NUMBER = re.compile(r"-?\d{1,3}(,\d{3})*(\.\d+)?|-?\d+(\.\d+)?")
FORMULA = ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")  # noqa: RUF001 (spreadsheets read these, too)
MARKDOWN = re.compile(r"([\\`*_\[\]#|~$])")


def to_csv(cohort_title: str, table: Table) -> str:
    """A table as CSV: one row of heads; stars, errors and ends of intervals in columns of their own.

    Numbers are written as printed but with an ASCII minus and without commas. Text that a spreadsheet would
    read as a formula is written with an apostrophe before it.
    """
    heads = ["group", table.stub, *(name for column in table.columns for name in _csv_heads(column)), "not estimated"]
    rows = [
        [
            row.group,
            row.head,
            *(text for column, cell in zip(table.columns, row.cells, strict=True) for text in _csv_cell(column, cell)),
            _csv_reasons(table, row),
        ]
        for row in table.rows
    ]
    lines = io.StringIO()
    csv.writer(lines, lineterminator="\n").writerows([[safe(text) for text in line] for line in [heads, *rows]])
    return lines.getvalue()


def safe(text: str) -> str:
    """Text of a CSV field that no spreadsheet takes for a formula; numbers in ASCII."""
    number = text.replace(MINUS, "-")
    if NUMBER.fullmatch(number):
        return number.replace(",", "")
    return f"'{text}" if text.lstrip().startswith(FORMULA) or text.startswith(FORMULA) else text


def _csv_heads(column: Column) -> list[str]:
    stars = [f"{column.label}: stars"] if column.has_stars else []
    return [column.label, *stars, *(f"{column.label}: {name}" for name in column.beside)]


def _csv_cell(column: Column, cell: Cell) -> list[str]:
    stars = [cell.stars] if column.has_stars else []
    return [cell.text, *stars, *(cell.beside or [""] * len(column.beside))]


def _csv_reasons(table: Table, row: Row) -> str:
    pairs = zip(table.columns, row.cells, strict=True)
    return "; ".join(f"{column.label}: {cell.reason}" for column, cell in pairs if cell.reason)


def to_markdown(cohort_title: str, table: Table) -> str:
    """A table as GitHub-flavoured Markdown; groups are rows of their own in bold."""
    heads = [table.stub, *(column.label for column in table.columns)]
    lines = [f"**{escape(table.title)}**", "", escape(cohort_title), ""]
    lines += [_markdown_row(map(escape, heads)), _markdown_row([":--", *("--:" for _ in table.columns)])]
    for group in table.groups:
        if group:
            lines.append(_markdown_row([f"**{escape(group)}**", *("" for _ in table.columns)]))
        for row in table.rows:
            if row.group == group:
                head = f"**{escape(row.head)}**" if row.is_total else escape(row.head)
                lines.append(_markdown_row([head, *(_markdown_cell(table, cell) for cell in row.cells)]))
    lines.append("")
    lines += [f"- <sup>{mark}</sup> {escape(text)}" for mark, text in table.footnotes]
    lines += [f"- {escape(note)}" for note in table.notes]
    lines += [f"- {escape(about)}: {escape(choice)}" for about, choice in table.record]
    return "\n".join(lines) + "\n"


def escape(text: str) -> str:
    """Text that Markdown shows as it is."""
    html = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return MARKDOWN.sub(r"\\\1", html)


def _markdown_row(cells: Any) -> str:
    return f"| {' | '.join(cells)} |"


def _markdown_cell(table: Table, cell: Cell) -> str:
    mark = f"<sup>{table.mark(cell.reason)}</sup>" if cell.reason else ""
    return " ".join(filter(None, [escape(cell.text + cell.stars) + mark, escape(cell.small)]))


def to_html(cohort_title: str, table: Table) -> str:
    """A table as a page of its own that loads nothing."""
    return _template("page.html").render(heading=cohort_title, table=table, name="table")


def to_index(
    cohort_title: str,
    about: Mapping[str, Any],
    tables: Mapping[str, Table],
    figures: Mapping[str, Drawing],
) -> str:
    """The page a reader opens first: every figure and every table, and where their files are."""
    pictures = {name: base64.b64encode(drawing.svg).decode() for name, drawing in figures.items()}
    return _template("index.html").render(
        heading=cohort_title, about=about, tables=tables, figures=figures, pictures=pictures, kinds=tuple(RENDERERS)
    )


@cache
def _template(name: str) -> Any:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    loader = FileSystemLoader(TEMPLATES)
    options: Any = {"undefined": StrictUndefined, "trim_blocks": True, "lstrip_blocks": True}
    return Environment(loader=loader, autoescape=True, **options).get_template(name)


RENDERERS: dict[str, Callable[[str, Table], str]] = {"csv": to_csv, "md": to_markdown, "html": to_html}
