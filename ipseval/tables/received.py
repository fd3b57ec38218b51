"""Printed tables of what was received: receipt and crossover by arm, and the effect in those who receive."""

from typing import Any

from ipseval import words
from ipseval.language import say
from ipseval.tables.estimated import size_columns, versus
from ipseval.tables.record import difference, record
from ipseval.tables.review import (
    ALL,
    ESTIMATED,
    HIDDEN,
    PUBLISHED,
    Review,
    count_cell,
    effect_cell,
    interval_from,
    number_cell,
    share_cell,
    status_cell,
)
from ipseval.tables.table import Cell, Column, Row, Table

COUNTED = "counted"
RECEIVED_COLUMNS = ("n_started", "n_received")


def receipt(review: Review) -> Table:
    """Who received a treatment by centre and arm, over the whole follow-up and before and after the split."""
    found = {(r["service"], r["centre"], r["arm"], *_months(r)): r for r in review.rows("receipt")}
    arms, spans = review.cohort.arms, review.cohort.receipt.spans(review.cohort.window)
    rows = []
    for service in arms.treatments:
        for centre in (ALL, *review.centres):
            for arm in arms.all:
                these = [found[service, centre, arm, *months] for months in spans]
                cells = [cell for row in these for cell in _receipt_cells(review, row)]
                group = review.centre(centre) if len(arms.treatments) == 1 else _of(review, service, centre)
                rows.append(Row(review.arm(arm), (count_cell(these[0]["n_persons"]), *cells), group))
    heads = (say("Began"), say("Received"), say("Received, %"))
    columns = [Column(head, span=words.sentence(words.months(*months))) for months in spans for head in heads]
    return Table(
        title=say(
            "Who received {treatments}, by centre and arm",
            treatments=words.listed([review.service(arm) for arm in arms.treatments]),
        ),
        stub=say("Arm"),
        columns=(Column(say("Persons"), is_size=True), *columns),
        rows=tuple(rows),
        notes=(
            *_codes(review),
            say(
                "Began: had it for the first time in these months. Received: had it on a day of them, begun then or "
                "before. Who had it on the day of randomisation began in month 0."
            ),
            say("Who has no row among the services is counted as having received none."),
        ),
        record=record(review, words.months(*spans[0]), say("Counts of persons, and their share of the arm")),
    )


def _months(row: dict[str, Any]) -> tuple[int, int]:
    return int(row["month_from"]), int(row["month_to"])


def _of(review: Review, service: str, centre: str) -> str:
    return f"{words.sentence(review.service(service))}: {review.centre(centre)}"


def _receipt_cells(review: Review, row: dict[str, Any]) -> tuple[Cell, ...]:
    if row["status"] not in (COUNTED, HIDDEN):
        return (status_cell(review, row["status"]),) * 3
    counts = (count_cell(row[name]) for name in RECEIVED_COLUMNS)
    return (*counts, share_cell(row["share"], say("nobody in this cell")))


def _codes(review: Review) -> tuple[str, ...]:
    """Which services are a treatment, and which of their codes nobody had."""
    whole = {row["service"]: row for row in review.rows("receipt", centre=ALL)}
    said = [
        say("{treatment}: services {codes}", treatment=review.service(arm), codes=words.one_line(str(row["codes"])))
        for arm, row in whole.items()
    ]
    notes = dict.fromkeys(str(row["note"]) for row in whole.values() if isinstance(row["note"], str))
    return (f"{'; '.join(said)}.", *(f"{words.sentence(words.one_line(words.note(note)))}." for note in notes))


def complier_effects(review: Review) -> Table:
    """Effect in those who receive the treatment when assigned, beside that of assignment."""
    rows = []
    for arm in review.cohort.arms.treatments:
        for row in review.rows("complier_effects", arm=arm):
            group = versus(review, arm)
            rows.append(Row(words.sentence(words.months(*_months(row))), _complier_cells(review, row), group))
    adjust = dict.fromkeys(row["adjustment"] for row in review.rows("complier_effects"))
    terms = words.listed([_term(review, name) for name in next(iter(adjust)).split(" + ")])
    first, last = review.cohort.receipt.spans(review.cohort.window)[0]
    return Table(
        title=say("Effects on {outcome} in those who receive the treatment when assigned", outcome=review.outcome),
        stub=say("Months"),
        columns=(
            *size_columns(review),
            Column(say("Effect of assignment, points")),
            Column(say("Received by then: difference between the arms, points")),
            Column(say("First stage: F")),
            Column(say("Effect of having received it, points"), review.interval_ends),
        ),
        rows=tuple(rows),
        notes=_complier_notes(review, terms),
        record=_complier_record(review, say("{months} and parts of them, pooled", months=words.months(first, last))),
    )


def _complier_record(review: Review, window: str) -> tuple[tuple[str, str], ...]:
    """The record of choices, whose treatment is not assignment here."""
    treatment = say(
        "Having received {treatments} by the month, instrumented by assignment; reference: {reference}.",
        treatments=words.listed([review.service(arm) for arm in review.cohort.arms.treatments], say("or")),
        reference=review.reference,
    )
    measure = say(
        "{measure}, among those who receive the treatment when assigned and not otherwise", measure=difference(review)
    )
    chosen = record(review, window, measure)
    return tuple((about, treatment if about == say("Treatment") else choice) for about, choice in chosen)


def _term(review: Review, name: str) -> str:
    return say("centre") if name == "centre" else words.inside(review.covariate(name))


def _complier_cells(review: Review, row: dict[str, Any]) -> tuple[Cell, ...]:
    reason = words.status(row["status"], review.least)
    shares = (share_cell(row[name], reason) for name in ("itt", "first_stage"))
    no_f = say("no first stage, or one without error")
    f_cell = number_cell(row["first_stage_f"], lambda value: words.number(value, 1), no_f)
    counts = (count_cell(row["n_assigned"]), count_cell(row["n_control"]))
    return (*counts, *shares, f_cell, effect_cell(review, row))


def _complier_notes(review: Review, terms: str) -> tuple[str, ...]:
    weak = [r for r in review.rows("complier_effects", status=ESTIMATED) if "weak instrument" in str(r["note"])]
    unlike = [text for r in review.rows("complier_effects") if (text := words.NOTES["unlike_months"]) in str(r["note"])]
    spans = words.listed(list(dict.fromkeys(words.months(*_months(r)) for r in weak)))
    limit = words.shortest(review.cohort.receipt.weak_first_stage_f)
    is_weak = say(
        "Assignment is a weak instrument (F below {limit}) in {months}: do not read these intervals.",
        limit=limit,
        months=spans,
    )
    return (
        say(
            "Two-stage least squares on person-months: having received the treatment by the month, instrumented by "
            "assignment, adjusted for {terms}. With one treatment it is the effect of assignment divided by the "
            "difference in receipt.",
            terms=terms,
        ),
        say(
            "It holds for those who receive the treatment when assigned and not otherwise, if assignment acts through "
            "receipt alone. The effect of assignment needs no such assumption."
        ),
        *((is_weak,) if weak else ()),
        *review.unknown(unlike),
        interval_from(review, PUBLISHED),
    )
