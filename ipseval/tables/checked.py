"""Printed table of what the check found in the extracts: counts, never a person's value."""

from collections.abc import Iterable

from ipseval import words
from ipseval.language import say
from ipseval.registers.findings import taken
from ipseval.registers.rule import in_words
from ipseval.registers.rules import RULES
from ipseval.tables.record import record
from ipseval.tables.review import Record, Review, count_cell
from ipseval.tables.table import Cell, Column, Row, Table


def quality(review: Review) -> Table:
    """Every finding of the check, by extract."""
    window = words.months(-review.cohort.window.before, review.cohort.window.after)
    return findings(review.rows("quality"), record(review, window, say("Counts of rows and of persons")))


def findings(found: Iterable[Record], choices: tuple[tuple[str, str], ...] = (), notes: tuple[str, ...] = ()) -> Table:
    """The table of findings.

    Parameters
    ----------
    found : iterable of mapping
        Rows of ``quality.csv``, as read back.
    choices : tuple of (str, str)
        The record of choices.
    notes : tuple of str
        Further notes.

    Returns
    -------
    Table
        One row a finding, grouped by extract.
    """
    rows = tuple(Row(_head(row), _cells(row), row["extract"]) for row in found)
    counts = say("Rows of persons outside the trial list are left out before anything else is counted.")
    heads = (say("Column"), say("Rows"), say("Persons"), say("Severity"), say("What was done"))
    return Table(
        title=say("What the check found in the extracts, and what was done about it"),
        stub=say("Finding"),
        columns=tuple(map(Column, heads)),
        rows=rows,
        notes=(*((counts,) if rows else (say("Nothing was found."),)), *notes),
        record=choices,
    )


def _column(row: Record) -> str:
    return row["column"] if isinstance(row["column"], str) else ""


def _head(row: Record) -> str:
    """The rule and, in words, what it finds: ``Open end: … have no last day``."""
    finds = in_words(RULES[row["rule"]].finds, _column(row)).removesuffix(".")
    return f"{words.sentence(words.plain(row['rule']))}: … {finds}"


def _cells(row: Record) -> tuple[Cell, ...]:
    lacking = say(
        "not counted: the finding is about files, columns or persons, or about rows of others than the trial's"
    )
    counts = (count_cell(row[name], lacking) for name in ("n_rows", "n_persons"))
    return Cell(_column(row)), *counts, Cell(row["severity"]), Cell(taken(row["rule"], row["action"]))
