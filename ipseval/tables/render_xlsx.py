"""Printed tables as an Excel workbook: numbers are numbers, text is text and never a formula."""

import datetime
import io
import textwrap
from collections.abc import Callable, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

from ipseval import words
from ipseval.language import say
from ipseval.tables.render_csv import Grid, grid
from ipseval.tables.table import Table

if TYPE_CHECKING:
    from xlsxwriter.worksheet import Worksheet

SAME_DATE = datetime.datetime(1980, 1, 1, tzinfo=datetime.UTC)  # so that two runs give the same bytes
HEADS = 2  # the row of heads; title and cohort stand above it
NARROWEST, WIDEST = 11, 44  # letters that a column takes
LINE, NOTE_LINE = 15, 13  # points
STYLES: dict[str, dict[str, Any]] = {
    "title": {"bold": True, "font_size": 12},
    "head": {"bold": True, "text_wrap": True, "valign": "bottom", "bottom": 1},
    "number_head": {"bold": True, "text_wrap": True, "valign": "bottom", "bottom": 1, "align": "right"},
    "plain": {"valign": "top", "text_wrap": True},
    "total": {"valign": "top", "text_wrap": True, "bold": True},
    "note": {"valign": "top", "text_wrap": True, "font_size": 9},
}
Style = Callable[..., Any]  # name and, for numbers, decimals -> the workbook's format


def to_xlsx(cohort_title: str, table: Table) -> bytes:
    """A table as a workbook with one sheet."""
    return to_workbook(cohort_title, {say("Table"): table})


def to_workbook(cohort_title: str, tables: Mapping[str, Table]) -> bytes:
    """Tables as a workbook with a sheet each, in their order, behind an index where there are several.

    Parameters
    ----------
    cohort_title : str
    tables : mapping
        Name of the sheet (at most 31 letters) -> table.

    Returns
    -------
    bytes
        The same for the same tables: no author, no path, a fixed date.
    """
    from xlsxwriter import Workbook

    content = io.BytesIO()
    with Workbook(content, {"in_memory": True}) as book:
        book.set_properties({"created": SAME_DATE})

        @cache
        def style(name: str, decimals: int | None = None) -> Any:
            point = f".{'0' * decimals}" if decimals else ""
            number = {} if decimals is None else {"num_format": f"#,##0{point}"}
            return book.add_format({**STYLES[name], **number})

        if len(tables) > 1:
            _write_index(book.add_worksheet(say("Contents")), cohort_title, tables, style)
        for name, table in tables.items():
            _write_sheet(book.add_worksheet(name), cohort_title, table, style)
    return content.getvalue()


def _write_index(sheet: "Worksheet", cohort_title: str, tables: Mapping[str, Table], style: Style) -> None:
    """What is on which sheet."""
    sheet.write_string(0, 0, cohort_title, style("title"))
    for line, (name, table) in enumerate(tables.items(), start=HEADS):
        sheet.write_string(line, 0, name, style("plain"))
        sheet.write_string(line, 1, table.title, style("plain"))
    sheet.set_column(0, 0, max(map(len, tables)) + 1)
    sheet.set_column(1, 1, 2 * WIDEST)


def _write_sheet(sheet: "Worksheet", cohort_title: str, table: Table, style: Style) -> None:
    """Title, cohort, heads, rows and notes, with the heads on every page and in sight."""
    fields = grid(table)
    sheet.write_string(0, 0, table.title, style("title"))
    sheet.write_string(1, 0, " – ".join(filter(None, [table.restriction, cohort_title])))
    widths = [_width(fields, column) for column in range(len(fields.heads))]
    _write_heads(sheet, fields, widths, style)
    _write_rows(sheet, table, fields, style)
    _write_notes(sheet, table, HEADS + len(table.rows) + 2, widths, style)
    sheet.freeze_panes(HEADS + 1, 2)
    sheet.repeat_rows(HEADS)
    sheet.set_landscape()
    sheet.fit_to_pages(1, 0)


def _width(fields: Grid, column: int) -> int:
    return min(WIDEST, max([NARROWEST, *(len(row[column]) for row in fields.rows)]) + 1)


def _write_heads(sheet: "Worksheet", fields: Grid, widths: list[int], style: Style) -> None:
    """Heads in a row as high as the longest needs."""
    last = len(widths) - 1
    for column, (head, width) in enumerate(zip(fields.heads, widths, strict=True)):
        sheet.write_string(HEADS, column, head, style("number_head" if 1 < column < last else "head"))
        sheet.set_column(column, column, width)
    lines = [len(textwrap.wrap(head, width - 2)) for head, width in zip(fields.heads, widths, strict=True)]
    sheet.set_row(HEADS, LINE * max(lines))


def _write_rows(sheet: "Worksheet", table: Table, fields: Grid, style: Style) -> None:
    """Rows under the heads. Heads of rows are numbers only where all are: names of centres may look like one."""
    are_heads_numbers = all(_number(row.head) for row in table.rows)
    for line, (row, values) in enumerate(zip(table.rows, fields.rows, strict=True), start=HEADS + 1):
        name = "total" if row.is_total else "plain"
        for column, text in enumerate(values):
            number = _number(text) if column > 1 or (column == 1 and are_heads_numbers) else None
            if number:
                sheet.write_number(line, column, number[0], style(name, number[1]))
            elif text:
                sheet.write_string(line, column, text, style(name))


def _number(text: str) -> tuple[float, int] | None:
    """Value and decimals of a printed number; None for text, and for what would be printed otherwise, as 007."""
    if not (ascii_text := words.in_ascii(text)):
        return None
    value, decimals = float(ascii_text), len(ascii_text.partition(".")[2])
    return (value, decimals) if words.number(value, decimals) == text else None


def _write_notes(sheet: "Worksheet", table: Table, line: int, widths: list[int], style: Style) -> None:
    """Notes and the record of choices over all columns, each in a row as high as its text."""
    record = [f"{about}: {choice}" for about, choice in table.record]
    for row, text in enumerate((*table.notes, *record), start=line):
        sheet.merge_range(row, 0, row, len(widths) - 1, "", style("note"))
        sheet.write_string(row, 0, text, style("note"))
        sheet.set_row(row, NOTE_LINE * (1 + len(text) // sum(widths)))
