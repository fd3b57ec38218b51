"""Printed table of published numbers beside the reproduced ones."""

from ipseval import words
from ipseval.language import say
from ipseval.tables.record import difference, record
from ipseval.tables.review import Record, Review
from ipseval.tables.table import Cell, Column, Row, Table


def published_comparison(review: Review) -> Table:
    """Every printed number, what this run has in its place, and whether it prints the same."""
    found = review.rows("published_comparison")
    n = sum(bool(row["agrees"]) for row in found)
    notes = (
        (say("{n} of {of} numbers agree: they print the same, stars included.", n=n, of=len(found)),)
        if found
        else (say("The cohort names no published numbers."),)
    )
    window = words.months(-review.cohort.window.before, review.cohort.window.after)
    return Table(
        title=say("Published numbers and those of this run"),
        stub=say("Number"),
        columns=(Column(say("Printed")), Column(say("Reproduced")), Column(say("Agrees"))),
        rows=tuple(Row(row["term"], _cells(row), words.sentence(row["table"])) for row in found),
        notes=notes,
        record=record(review, window, difference(review)),
        is_long=True,
    )


def _cells(row: Record) -> tuple[Cell, ...]:
    """The printed text, the reproduced number to one decimal more, and yes or no."""
    number = row["printed"].rstrip("*")
    decimals, stars = len(number.partition(".")[2]), row["printed"].removeprefix(number)
    reproduced = words.number(row["reproduced"], decimals + 1 if decimals else 0)
    return (
        Cell(words.number(float(number), decimals) + stars),
        Cell(reproduced),
        Cell(say("yes") if row["agrees"] else say("no")),
    )
