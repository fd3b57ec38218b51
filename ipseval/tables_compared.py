"""Printed table of published numbers beside the reproduced ones."""

from ipseval import words
from ipseval.record import difference, record
from ipseval.review import Record, Review
from ipseval.table import Cell, Column, Row, Table

COLUMNS = (Column("Printed"), Column("Reproduced"), Column("Agrees"))


def published_comparison(review: Review) -> Table:
    """Every printed number, what this run has in its place, and whether it prints the same."""
    found = review.rows("published_comparison")
    n = sum(bool(row["agrees"]) for row in found)
    notes = (
        (f"{n} of {len(found)} numbers agree: they print the same, stars included.",)
        if found
        else ("The cohort names no published numbers.",)
    )
    window = words.months(-review.cohort.window.before, review.cohort.window.after)
    return Table(
        title="Published numbers and those of this run",
        stub="Number",
        columns=COLUMNS,
        rows=tuple(Row(row["term"], _cells(row), words.sentence(row["table"])) for row in found),
        notes=notes,
        record=record(review, window, difference(review)),
        is_long=True,
    )


def _cells(row: Record) -> tuple[Cell, ...]:
    """The printed text, the reproduced number to one decimal more, and yes or no."""
    decimals = len(row["printed"].rstrip("*").partition(".")[2])
    reproduced = words.number(row["reproduced"], decimals + 1 if decimals else 0)
    return Cell(row["printed"]), Cell(reproduced), Cell("yes" if row["agrees"] else "no")
