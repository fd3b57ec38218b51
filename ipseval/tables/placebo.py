"""Printed table of the check with person fixed effects: the arms' changes before and after randomisation."""

from typing import Any

from ipseval import words
from ipseval.language import say
from ipseval.tables.estimated import size_columns, versus
from ipseval.tables.record import record
from ipseval.tables.review import ESTIMATED, PUBLISHED, Review, count_cell, effect_cell, joint_cells, status_cell
from ipseval.tables.stratified import of_few, of_large_samples, stratified
from ipseval.tables.table import Cell, Column, Row, Table, lacking
from ipseval.traced import made_of

REJECTED = 0.08  # of trials without an effect, at 5 %, in small centres: docs/calibration.md


def event_study(review: Review) -> Table:
    """Changes from the period just before randomisation by period, and the placebo periods together."""
    rows: list[Row] = []
    for arm in review.cohort.arms.treatments:
        group = versus(review, arm)
        rows += [_period_row(review, row, group) for row in review.rows("event_study", arm=arm)]
        (placebo,) = review.rows("placebo", arm=arm)
        rows += _placebo_rows(review, placebo, say("{arms}: periods before the base together", arms=group))
    window = review.cohort.window
    return Table(
        title=say(
            "Change in {outcome} since the period before randomisation: person fixed effects", outcome=review.outcome
        ),
        stub=say("Months"),
        columns=(
            *size_columns(review),
            Column(say("Difference in change, points"), review.interval_ends),
        ),
        rows=tuple(rows),
        notes=(
            say(
                "A check of the trial, not the estimate of the effect: that compares the arms as they were randomised."
            ),
            say(
                "Periods before the base are a placebo: assignment cannot have had an effect yet, so that the "
                "difference is chance. Weighted least squares of each person's share of a period's observed months, "
                "with an effect for each person and each period; who was observed in one period alone is left out."
            ),
            *stratified(review.rows("event_study")),
            *review.unknown(row["note"] for row in review.rows("event_study")),
            *of_few(review.rows("event_study")),
            of_large_samples(REJECTED),
            say(
                "In parentheses: {interval} from standard errors {variance}; K without the effects of persons.",
                interval=review.interval,
                variance=words.variance(PUBLISHED),
            ),
        ),
        record=record(
            review, say("periods of {months}", months=words.months(-window.before, window.after)), _measure(review)
        ),
    )


def _measure(review: Review) -> str:
    return say(
        "Difference between the arms in the change of the share of months in {outcome}, in percentage points",
        outcome=review.outcome,
    )


def _period_row(review: Review, row: dict[str, Any], group: str) -> Row:
    head = words.sentence(words.months(int(row["month_from"]), int(row["month_to"])))
    effect = effect_cell(review, row)
    if row["status"] == "base":
        head, effect = say("{months} (base)", months=head), Cell(made_of("0", row.values()))
    return Row(head, (count_cell(row["n_assigned"]), count_cell(row["n_control"]), effect), group)


def _placebo_rows(review: Review, row: dict[str, Any], group: str) -> list[Row]:
    """The mean over the placebo periods, and the joint test that all are zero."""
    cells = {say("Mean, weighted by months"): effect_cell(review, row)}
    no_joint = words.note(str(row["note"]).split("; ")[-1])  # said last
    missing = status_cell(review, row["status"]) if row["status"] != ESTIMATED else lacking(no_joint)
    heads = (say("Joint test that all are zero: F"), say("Joint test: degrees of freedom"), say("Joint test: p"))
    cells |= dict(zip(heads, joint_cells(row, missing, 0), strict=True))
    return [Row(head, (Cell(), Cell(), cell), group) for head, cell in cells.items()]
