"""Printed table of the time line: what happened at each centre, and how much of its follow-up came after."""

from ipseval import words
from ipseval.language import phrase, phrases, say
from ipseval.places.files import MONTH
from ipseval.places.timeline import COUNTED, YEAR_ONLY
from ipseval.tables.record import record
from ipseval.tables.review import HIDDEN, Record, Review, count_cell, hidden_cell, share_cell
from ipseval.tables.table import Cell, Column, Row, Table, lacking

NO_FILE = phrase("The cohort names no file of events.")
EVENTS = phrases(
    {
        "start": "start",
        "inclusion_stop": "recruitment ends",
        "follow_up_end": "follow-up ends",
        "team_change": "the team changes",
        "closed": "closed",
        "staff": "staff",
    }
)


def timeline(review: Review) -> Table:
    """Events of the centres in their order, and the share of the person-months of each arm after each."""
    arms = review.cohort.arms.all
    exposed = {(r["centre"], r["event"], r["on"], r["arm"]): r for r in review.rows("exposure")}
    rows = []
    for event in review.rows("timeline"):
        found = [exposed[event["centre"], event["event"], event["on"], arm] for arm in arms]
        team = Cell(review.centre(event["team"])) if isinstance(event["team"], str) else Cell()
        value = Cell(words.one_line(event["value"])) if isinstance(event["value"], str) else Cell()
        said = (team, value)
        cells = (*said, *(cell for row in found for cell in _cells(row)))
        head = f"{words.sentence(words.worded(EVENTS, event['event']))}, {event['on'][:MONTH]}"
        rows.append(Row(head, cells, review.centre(event["centre"])))
    of_arms = (
        Column(head, span=review.arm(arm)) for arm in arms for head in (say("Persons"), say("Person-months after, %"))
    )
    return Table(
        title=say("What happened at the centres, and how much of the follow-up came after"),
        stub=say("Event"),
        columns=(Column(say("Team from then on")), Column(say("What is said of it")), *of_arms),
        rows=tuple(rows),
        notes=(
            *(_without(review) if rows else (say(NO_FILE),)),
            say(
                "Of the person-months from month 0 on in which the outcome is observed: the share that begins after "
                "the event. Of an event that is known to the month, that month counts as before it."
            ),
            say(
                "What happens while persons are followed describes the trial. Months before and after it are not "
                "compared: who is followed after it was not drawn by lot."
            ),
        ),
        record=record(review, words.months(0, review.cohort.window.after), say("Share of person-months")),
    )


def _without(review: Review) -> tuple[str, ...]:
    """Which centres the file says nothing of."""
    named = {row["centre"] for row in review.rows("timeline")}
    without = [review.centre(centre) for centre in review.centres if centre not in named]
    return (say("No event: {centres}.", centres="; ".join(without)),) if without else ()


def _cells(row: Record) -> tuple[Cell, ...]:
    if row["status"] == YEAR_ONLY:
        return count_cell(row["n_persons"]), lacking(say("the event is known to the year only"))
    if row["status"] not in (COUNTED, HIDDEN):
        return count_cell(row["n_persons"]), hidden_cell()
    return count_cell(row["n_persons"]), share_cell(row["share_after"], say("nobody in this cell"))
