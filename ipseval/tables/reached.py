"""Printed tables of what was achieved by chosen months: over all centres, and in each."""

from ipseval import words
from ipseval.estimation.accumulate import ADJUST
from ipseval.language import phrases, say
from ipseval.tables.record import record
from ipseval.tables.review import (
    ALL,
    ESTIMATED,
    HIDDEN,
    Print,
    Record,
    Review,
    count_cell,
    estimate_cell,
    interval_from,
    number_cell,
)
from ipseval.tables.table import Cell, Column, Row, Table

WAITING, ONE_ARM, PERSONS, MONTHS = "waiting_days", "one_arm", ("ever", "kept_6", "kept_26_weeks"), "months"
MEASURES = phrases(
    {
        "ever": "Ever in {outcome}, %",
        "months": "Months in {outcome}",
        "kept_6": "In {outcome} six months in a row, %",
        "kept_26_weeks": "First job in {outcome} kept 26 weeks, %",
        "waiting_days": "Days until the first service",
    }
)


def achieved(review: Review) -> Table:
    """What was achieved over all centres, with differences that hold the centre, and age and sex besides."""
    found = [row for row in _rows(review) if row["centre"] == ALL]
    arms, rows = review.cohort.arms, []
    for outcome, measure in _groups(found):
        own = [row for row in found if (row["outcome"], row["measure"]) == (outcome, measure)]
        for month in dict.fromkeys(row["by_month"] for row in own):
            these = [row for row in own if row["by_month"] == month]
            plain, adjusted = ([row for row in these if _is_adjusted(row) == yes] for yes in (False, True))
            effects = [_effect_cell(review, measure, row) for kind in (plain, adjusted or plain) for row in kind]
            cells = (*_sides(review, measure, plain), *effects)
            rows.append(Row(say("By the end of month {k}", k=month), cells, _head(review, outcome, measure)))
    heads = (say("unadjusted"), say("adjusted"))
    columns = [
        Column(versus(review, arm), review.interval_ends, span=head) for head in heads for arm in arms.treatments
    ]
    return Table(
        title=say("What was achieved by chosen months"),
        stub=say("By month"),
        columns=(*_size_columns(review), *columns),
        rows=tuple(rows),
        notes=(
            *_definitions(),
            say(
                "Persons and shares, or means, are unadjusted. Differences hold the centre (and stratum): in "
                "percentage points or months; adjusted ones hold age and sex besides."
            ),
            *_left_out(found),
            interval_from(review, review.primary),
        ),
        record=record(review, say("as the rows say"), say("Difference between the arms in what was achieved")),
    )


def by_centre(review: Review) -> Table:
    """The same in each centre, unadjusted."""
    found = [row for row in _rows(review) if row["centre"] != ALL and not _is_adjusted(row)]
    rows = []
    for outcome, measure in _groups(found):
        own = [row for row in found if (row["outcome"], row["measure"]) == (outcome, measure)]
        for month in dict.fromkeys(row["by_month"] for row in own):
            group = f"{_head(review, outcome, measure)}: {words.inside(say('By the end of month {k}', k=month))}"
            for centre in review.centres:
                these = [row for row in own if row["by_month"] == month and row["centre"] == centre]
                cells = (*_sides(review, measure, these), *(_effect_cell(review, measure, row) for row in these))
                rows.append(Row(review.centre(centre), cells, group))
    columns = [Column(versus(review, arm), review.interval_ends) for arm in review.cohort.arms.treatments]
    return Table(
        title=say("What was achieved by chosen months, by centre"),
        stub=say("Centre"),
        columns=(*_size_columns(review), *columns),
        rows=tuple(rows),
        notes=(
            *_definitions(),
            say("Unadjusted, within the centre (and stratum): differences in percentage points or months."),
            *_left_out(found),
            interval_from(review, review.primary),
        ),
        record=record(review, say("as the rows say"), say("Difference between the arms in what was achieved")),
        is_long=True,
    )


def versus(review: Review, arm: str) -> str:
    """The head of a difference."""
    return f"{review.arm(arm)} − {review.reference}"


def _rows(review: Review) -> list[Record]:
    """Rows of the variance in print, and of what has none."""
    return [row for row in review.rows("achieved") if row["variance"] in (review.primary, "none")]


def _groups(rows: list[Record]) -> list[tuple[str, str]]:
    return list(dict.fromkeys((row["outcome"], row["measure"]) for row in rows))


def _is_adjusted(row: Record) -> bool:
    return any(name in ADJUST for name in str(row["adjustment"]).split(" + "))


def _head(review: Review, outcome: str, measure: str) -> str:
    return say(MEASURES[measure], outcome=review.outcome_named(outcome))


def _size_columns(review: Review) -> tuple[Column, ...]:
    heads = (say("Persons"), say("Mean or %"))
    return tuple(Column(head, span=review.arm(arm)) for arm in review.cohort.arms.all for head in heads)


def _sides(review: Review, measure: str, rows: list[Record]) -> list[Cell]:
    """Persons and mean of the reference arm and of each treatment."""
    of_reference = [Cell(), Cell()] if measure == WAITING else _side(review, measure, rows[0], "control")
    return [*of_reference, *(cell for row in rows for cell in _side(review, measure, row, "assigned"))]


def _side(review: Review, measure: str, row: Record, side: str) -> list[Cell]:
    is_told = row["status"] in (ESTIMATED, HIDDEN, ONE_ARM) or words.is_known(row[f"n_{side}"])
    reason = words.status("no_observations" if is_told else row["status"], review.least)
    return [
        count_cell(row[f"n_{side}"], reason),
        number_cell(row[f"mean_{side}"], _print(measure), reason),
    ]


def _effect_cell(review: Review, measure: str, row: Record) -> Cell:
    return Cell() if measure == WAITING else estimate_cell(review, row, _print(measure))


def _print(measure: str) -> Print:
    if measure in PERSONS:
        return words.points
    return lambda value: words.number(value, 2 if measure == MONTHS else 0)


def _definitions() -> tuple[str, ...]:
    return (
        say(
            "Months count from the first after that of randomisation. Ever: in any of them. Six months in a row: kept "
            "that long at any time. First job: that of the first month in ordinary employment, kept 182 days."
        ),
        say("Days until the first service: of those of the arm who have begun one by then; 0 on the day."),
    )


def _left_out(rows: list[Record]) -> tuple[str, ...]:
    """Who is left out, as the notes of rows say."""
    said = dict.fromkeys(
        part for row in rows for part in str(row["note"]).split("; ") if part in (UNKNOWN, BUT_ACHIEVED)
    )
    return tuple(f"{words.sentence(words.note(part))}." for part in said)


UNKNOWN = words.NOTES["months_unknown"]
BUT_ACHIEVED = words.NOTES["months_unknown_but_achieved"]
