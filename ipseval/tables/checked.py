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

# Findings whose message fills in what quality.csv does not keep, in words that need none of it.
PLAIN = {
    "duplicate_column": "have several columns of one name",
    "similar_columns": "have columns whose names differ in capitals or blanks only",
    "unused_column": "have columns that nothing reads",
    "share_assigned": "were assigned to {column}, of those whom the column of rows counts",
    "uneven_allocation": "differs between centres or strata by more than chance",
    "past_sign": "have {column} on a day long past: a sign that there is none",
    "start_sign": "have {column} on a day that no job began on",
    "implausible_age": "were younger or older at randomisation than is plausible",
    "implausible_hours": "have weekly hours outside what is plausible",
    "repeated_code": "have a value of {column} that repeats like a code for missing",
    "hours_break": "are followed across the month from which agreed hours are counted in another way",
    "no_start_at_end": "have nobody who begins a job, unlike the year before",
    "covariate_of_text": "are delivered as text",
}
SUBJECTS = {
    **dict.fromkeys(("missing_month", "thin_month", "thin_rows", "outlying_month"), "Months"),
    **dict.fromkeys(("code_not_found", "code_of_nobody"), "Codes of the cohort file"),
    **dict.fromkeys(("share_assigned", "hours_break"), "Persons"),
    "no_start_at_end": "The last months",
    "uneven_allocation": "The share assigned",
    "covariate_of_text": "Values of a covariate",
    "empty_arm": "Arms",
    "empty_centre": "Centres",
    "no_start_in_trial": "Parts of the extract",
}


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
    """The rule, and a sentence on what it finds: as ``Open end. Rows have no last day.`` for open ends."""
    finds = in_words(PLAIN.get(row["rule"], RULES[row["rule"]].finds), _column(row)).removesuffix(".")
    return f"{words.sentence(words.plain(row['rule']))}. {_subject(row)} {finds}."


def _subject(row: Record) -> str:
    """What a finding is about: what is counted, else what the rule looks at."""
    if row["rule"] in SUBJECTS:
        return SUBJECTS[row["rule"]]
    if words.is_known(row["n_rows"]) and row["n_rows"]:
        return "Rows"
    return "Persons" if words.is_known(row["n_persons"]) and row["n_persons"] else "Files"


def _cells(row: Record) -> tuple[Cell, ...]:
    lacking = say(
        "not counted: the finding is about files, columns or persons, or about rows of others than the trial's"
    )
    counts = (count_cell(row[name], lacking) for name in ("n_rows", "n_persons"))
    return Cell(_column(row)), *counts, Cell(row["severity"]), Cell(taken(row["rule"], row["action"]))
