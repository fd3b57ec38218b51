"""What a printed table is, whatever format it is written in: nothing here knows of CSV, Markdown or HTML."""

import itertools
from dataclasses import dataclass
from functools import cached_property

from ipseval.traced import source
from ipseval.words import EN_DASH, MINUS, to

LETTERS = 26


@dataclass(frozen=True)
class Cell:
    """One printed cell.

    Parameters
    ----------
    text : str
        The number or word; nothing when the row does not apply to the column.
    stars : str
        Stars of significance.
    beside : tuple of str
        A standard error, or the two ends of an interval: printed small, in parentheses.
    reason : str
        Why there is no number: printed as a footnote.
    """

    text: str = ""
    stars: str = ""
    beside: tuple[str, ...] = ()
    reason: str = ""

    @property
    def source(self) -> str:
        """Table and line, or lines, that the number comes from, where it is known: ``effects:17``."""
        return source(self.text)

    @property
    def small(self) -> str:
        """What stands beside the number: ``(0.060)`` or ``(−3.4 to 24.9)``."""
        return f"({to(*self.beside) if len(self.beside) > 1 else self.beside[0]})" if self.beside else ""


def lacking(reason: str) -> Cell:
    """A cell without a number: an en dash, and a footnote that says why."""
    return Cell(EN_DASH, reason=reason)


@dataclass(frozen=True)
class Column:
    """The head of a column.

    Parameters
    ----------
    head : str
    beside : tuple of str
        Names of what stands beside the numbers, in order: columns of their own in CSV.
    span : str
        Head over neighbouring columns with the same span.
    has_stars : bool
    is_size : bool
        Counts the persons whom the other columns are about: where those are empty, the table is.
    """

    head: str
    beside: tuple[str, ...] = ()
    span: str = ""
    has_stars: bool = False
    is_size: bool = False

    @property
    def label(self) -> str:
        """The head in full, for formats with one row of heads."""
        return f"{self.span}: {self.head}" if self.span else self.head


@dataclass(frozen=True)
class Row:
    """A row: its head, one cell a column, the group it stands in, and whether it is a total."""

    head: str
    cells: tuple[Cell, ...]
    group: str = ""
    is_total: bool = False


@dataclass(frozen=True)
class Picture:
    """A picture below a table, on its page alone.

    Parameters
    ----------
    svg : str
        In base 64.
    description, note : str
        For who does not see it, and how to read it.
    """

    svg: str
    description: str
    note: str


@dataclass(frozen=True)
class Table:
    """A table as printed.

    Parameters
    ----------
    title : str
    stub : str
        Head of the column of row heads.
    columns : tuple of Column
    rows : tuple of Row
        Rows of a group stand together.
    notes : tuple of str
    record : tuple of (str, str)
        The record of choices: what each is about, and what was chosen.
    is_long : bool
        Many rows: numbers and what stands beside them share a line.
    restriction : str
        Who may see it, where not everybody may: printed above it.
    short : Table, optional
        What says the same in fewer rows: the report prints it in its place.
    instead : str
        The sentence that says all that the table would: the report prints it in its place.
    picture : Picture, optional
    """

    title: str
    stub: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    notes: tuple[str, ...]
    record: tuple[tuple[str, str], ...]
    is_long: bool = False
    restriction: str = ""
    short: "Table | None" = None
    instead: str = ""
    picture: Picture | None = None

    @property
    def is_empty(self) -> bool:
        """Whether no cell but those that count persons holds more than a dash."""
        told = (
            cell
            for row in self.rows
            for column, cell in zip(self.columns, row.cells, strict=True)
            if not column.is_size
        )
        return not any(cell.text and cell.text != EN_DASH for cell in told)

    @property
    def is_by_number(self) -> bool:
        """Whether the heads of the rows are numbers, such as months."""
        return all(row.head.lstrip(MINUS).isdecimal() for row in self.rows)

    @property
    def groups(self) -> tuple[str, ...]:
        """Groups of rows, in order."""
        return tuple(dict.fromkeys(row.group for row in self.rows))

    @property
    def spans(self) -> tuple[tuple[str, tuple[Column, ...]], ...]:
        """Runs of neighbouring columns under the same span."""
        runs = itertools.groupby(self.columns, key=lambda column: column.span)
        return tuple((span, tuple(columns)) for span, columns in runs)

    @cached_property
    def reasons(self) -> tuple[str, ...]:
        """Reasons why cells have no number, in the order in which they are met."""
        return tuple(dict.fromkeys(cell.reason for row in self.rows for cell in row.cells if cell.reason))

    def mark(self, reason: str) -> str:
        """The footnote mark of a reason: a, b, ..., z, aa, ab, ..."""
        if not reason:
            return ""
        tens, ones = divmod(self.reasons.index(reason), LETTERS)
        return (chr(ord("a") + tens - 1) if tens else "") + chr(ord("a") + ones)

    @property
    def footnotes(self) -> tuple[tuple[str, str], ...]:
        """Marks and their sentences."""
        return tuple((self.mark(r), f"{r[:1].upper()}{r[1:]}.") for r in self.reasons)
