"""A printed table as CSV, and the grid of single values that CSV and XLSX share."""

import csv
import io
from dataclasses import dataclass

from ipseval import words
from ipseval.language import say
from ipseval.tables.table import Cell, Column, Row, Table

FORMULA = ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")  # noqa: RUF001 (spreadsheets read these, too)


@dataclass(frozen=True)
class Grid:
    """A table as one row of heads and rows as long as it: stars, errors and ends of intervals have columns, too."""

    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def grid(table: Table) -> Grid:
    """The table with one value a field: group, head of the row, values, and why there is none."""
    values = (name for column in table.columns for name in _heads(column))
    heads = (say("group"), table.stub, *values, say("not estimated"))
    return Grid(heads, tuple(_fields(table, row) for row in table.rows))


def _heads(column: Column) -> list[str]:
    stars = [say("{column}: stars", column=column.label)] if column.has_stars else []
    return [column.label, *stars, *(f"{column.label}: {name}" for name in column.beside)]


def _fields(table: Table, row: Row) -> tuple[str, ...]:
    pairs = list(zip(table.columns, row.cells, strict=True))
    reasons = "; ".join(f"{column.label}: {cell.reason}" for column, cell in pairs if cell.reason)
    return (row.group, row.head, *(text for column, cell in pairs for text in _values(column, cell)), reasons)


def _values(column: Column, cell: Cell) -> list[str]:
    stars = [cell.stars] if column.has_stars else []
    return [cell.text, *stars, *(cell.beside or [""] * len(column.beside))]


def to_csv(cohort_title: str, table: Table) -> str:
    """A table as CSV: one row of heads; stars, errors and ends of intervals in columns of their own.

    Numbers have the decimals of print but are written for programs, in every language: ASCII minus, decimal
    point, nothing at thousands. Text that a spreadsheet would read as a formula has an apostrophe before it.
    """
    fields = grid(table)
    lines = io.StringIO()
    csv.writer(lines, lineterminator="\n").writerows([map(safe, line) for line in (fields.heads, *fields.rows)])
    return lines.getvalue()


def safe(text: str) -> str:
    """Text of a CSV field that no spreadsheet takes for a formula; numbers in ASCII."""
    if number := words.in_ascii(text):
        return number
    return f"'{text}" if text.lstrip().startswith(FORMULA) or text.startswith(FORMULA) else text
