"""Printed table of what a further month in ordinary employment costs."""

from ipseval import words
from ipseval.cost import ESTIMATED, FEWER_MONTHS, SHARES, UNBOUNDED
from ipseval.language import phrase, say
from ipseval.tables.reached import versus
from ipseval.tables.record import record
from ipseval.tables.review import HIDDEN, Record, Review, hidden_cell, interval_from, number_cell, row_cell, status_cell
from ipseval.tables.table import Cell, Column, Row, Table, lacking

NO_PRICE = phrase("The cohort names no price of an arm.")


def cost(review: Review) -> Table:
    """What is paid more, months gained and the price of one, over all centres; a group a treatment."""
    found = review.rows("cost")
    rows = [
        Row(
            say("By the end of month {k}", k=row["by_month"]),
            (
                number_cell(row["cost_difference"], lambda price: words.number(price, 2)),
                number_cell(row["effect"], lambda months: words.number(months, 2), _why(review, row)),
                _ratio_cell(review, row),
                *(_accepted_cell(review, row, name) for name in SHARES),
            ),
            versus(review, row["arm"]),
        )
        for arm in review.cohort.arms.treatments
        for row in found
        if row["arm"] == arm
    ]
    columns = (
        Column(say("Paid more for a person")),
        Column(say("Further months")),
        Column(say("Price of a further month"), review.interval_ends),
        *(
            Column(
                say("{share}%", share=words.shortest(100 * share)),
                span=say("Enough for this share of the effect's distribution"),
            )
            for share in SHARES.values()
        ),
    )
    return Table(
        title=say("Cost of a further month in {outcome}", outcome=review.outcome_named("ordinary_employment")),
        stub=say("By month"),
        columns=columns,
        rows=tuple(rows),
        notes=_notes(review) if rows else (say(NO_PRICE),),
        record=record(review, say("as the rows say"), say("Price of a further month, in the currency of the prices")),
    )


def _why(review: Review, row: Record) -> str:
    return words.status(row["status"], review.least)


def _ratio_cell(review: Review, row: Record) -> Cell:
    """A price with its interval; of one without an upper end the lower."""
    if row["status"] == ESTIMATED:
        return row_cell(row, "ratio", words.price, beside=("ci_low", "ci_high"))
    if row["status"] != UNBOUNDED:
        return status_cell(review, row["status"])
    if words.is_hidden(row["ratio"], row["ci_low"]):
        return hidden_cell()
    if not words.is_known(row["ratio"]):
        return lacking(say("no month is gained, and no price can be told"))
    return Cell(words.price(row["ratio"]), beside=(words.price(row["ci_low"]), say("no limit")))


def _accepted_cell(review: Review, row: Record, name: str) -> Cell:
    """A price of the acceptability curve; none where no price is enough."""
    is_told = row["status"] in (ESTIMATED, UNBOUNDED, FEWER_MONTHS, HIDDEN)
    return number_cell(row[name], words.price, say("no price is enough") if is_told else _why(review, row))


def _notes(review: Review) -> tuple[str, ...]:
    return (
        say(
            "Prices are those of the cohort file for each person assigned, in its currency; they are known, and only "
            "the months are estimated. Further months: the effect on months in ordinary employment from month 1 on, "
            "as in the table of what was accumulated."
        ),
        say(
            "The interval is Fieller's. Without an upper limit the interval of the effect holds 0: that no month is "
            "gained at any price cannot be ruled out either."
        ),
        say(
            "The last columns are the acceptability curve: for so large a share of the effect's distribution a further "
            "month costs less than this. At 50% it is the price itself."
        ),
        interval_from(review, review.primary),
    )
