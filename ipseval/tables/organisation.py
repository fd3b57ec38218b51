"""Printed tables of the centres' organisation beside their effects, and of tests of two groups of centres."""

from collections.abc import Iterator, Sequence

from ipseval import words
from ipseval.language import phrase, phrases, say
from ipseval.places.organisation import ANALYSIS, LATER, ONE_GROUP, TESTED, TOO_MANY
from ipseval.tables.estimated import MODEL_1, versus
from ipseval.tables.record import difference, pooled, record
from ipseval.tables.review import (
    ESTIMATED,
    HIDDEN,
    INTERVAL,
    Record,
    Review,
    count_cell,
    joint_cells,
    number_cell,
    row_cell,
    share_cell,
    status_cell,
)
from ipseval.tables.table import Cell, Column, Row, Table, lacking

NO_FILE = phrase("The cohort names no file of the centres' organisation.")
TRUTH = phrases({"true": "yes", "false": "no"})
WHY_NOT = phrases(
    {
        LATER: "it is known of a time after the follow-up, and may follow from what was found",
        ONE_GROUP: "no centre of one of the groups has an effect that can be compared",
        TOO_MANY: "too many centres for an exact test",
    }
)


def organisation(review: Review) -> Table:
    """The centres in the cohort's order: persons, effect, what could be detected, and how each is organised."""
    rows = [row for arm in review.cohort.arms.treatments for row in _effects(review, arm)]
    facts = review.rows("organisation")
    found = {(row["characteristic"], row["centre"]): row for row in facts}
    for name in dict.fromkeys(row["characteristic"] for row in facts):
        cells = tuple(_said(found.get((name, centre))) for centre in review.centres)
        rows.append(Row(words.sentence(words.plain(name)), cells, say("Organisation")))
    months = review.pooled_months(MODEL_1)
    return Table(
        title=say("The centres, their organisation and their effects on {outcome}", outcome=review.outcome),
        stub=say("Characteristic"),
        columns=tuple(Column(review.centre(centre), review.interval_ends) for centre in review.centres),
        rows=tuple(rows),
        notes=(*((say(NO_FILE),) if not facts else _sources(facts)), no_order(review)),
        record=record(review, pooled(months), difference(review)),
    )


def _effects(review: Review, arm: str) -> Iterator[Row]:
    """Persons, effect and the smallest effect that is found, of an arm."""
    own = {row["centre"]: row for row in review.rows("centre_effects", analysis=ANALYSIS, arm=arm)}
    if not own:
        return
    rows, group = [own[centre] for centre in review.centres], versus(review, arm)
    yield Row(say("Persons: {arm}", arm=review.arm(arm)), tuple(count_cell(r["n_assigned"]) for r in rows), group)
    yield Row(say("Persons: {arm}", arm=review.reference), tuple(count_cell(r["n_control"]) for r in rows), group)
    yield Row(say("Effect by model 1, points"), tuple(_effect_cell(review, row) for row in rows), group)
    power = words.shortest(100 * review.cohort.synthesis.power)
    smallest = (share_cell(row["minimum_detectable"], words.status(row["status"], review.least)) for row in rows)
    yield Row(say("Smallest effect found with {power}% power, points", power=power), tuple(smallest), group)


def _effect_cell(review: Review, row: Record) -> Cell:
    """An effect with its interval; one of few persons, which is not pooled, as well."""
    if words.is_known(row["estimate"]) or words.is_hidden(row["estimate"]):
        return row_cell(row, "estimate", words.points, beside=INTERVAL)
    return status_cell(review, row["status"])


def _said(row: Record | None) -> Cell:
    """What is said of a centre as it is printed in the source; else its codes in words."""
    if row is None:
        return lacking(say("the source does not say it"))
    if isinstance(row["value"], str):
        return Cell(words.one_line(row["value"]))
    return Cell(", ".join(words.worded(TRUTH, code) for code in str(row["code"]).split(";")))


def _sources(facts: Sequence[Record]) -> tuple[str, ...]:
    """Where it is printed, and of when it is."""
    said = dict.fromkeys(
        " ".join(filter(None, [text(row["source"]), f"({text(row['date'])})" if text(row["date"]) else ""]))
        for row in facts
    )
    named = "; ".join(filter(None, said))
    return (say("Organisation as printed in: {sources}.", sources=named),) if named else ()


def text(value: object) -> str:
    """A text of a table; nothing where there is none."""
    return words.one_line(value) if isinstance(value, str) else ""


def _joint(review: Review, arm: str) -> Iterator[Row]:
    """The joint test that all centres have one effect: its p; the table of differences between centres has the rest."""
    for row in review.rows("heterogeneity", analysis=ANALYSIS, arm=arm):
        p = joint_cells(row, lacking(say("too few persons for the joint test, or too many centres")), 1)[2]
        cells = (*(Cell(),) * 7, p, Cell(), Cell())
        yield Row(say("Joint test that all centres have one effect"), cells, versus(review, arm), is_total=True)


def no_order(review: Review) -> str:
    """Why the centres are not ranked."""
    return say(
        "The centres stand in the cohort's order and are not ranked. {n} centres with such wide intervals cannot be: "
        "had all of them one effect, one would come out largest by chance all the same, and centres that differ in one "
        "thing differ in others as well.",
        n=words.count(len(review.centres)),
    )


def organisation_tests(review: Review) -> Table:
    """Mean effects of two groups of centres, and where their difference stands among all ways to name the groups."""
    found = review.rows("organisation_tests")
    rows = []
    for arm in review.cohort.arms.treatments if found else ():
        for row in (row for row in found if row["arm"] == arm):
            groups = say("{group} against {other}", group=_group(row["group"]), other=_group(row["other_group"]))
            head = f"{words.sentence(words.plain(row['characteristic']))}: {groups}"
            rows.append(Row(head, _test_cells(row), versus(review, arm)))
        rows += _joint(review, arm)
    months = review.pooled_months(MODEL_1)
    return Table(
        title=say("Mean effects of two groups of centres on {outcome}", outcome=review.outcome),
        stub=say("Groups of centres"),
        columns=(
            Column(say("first group"), span=say("Centres")),
            Column(say("other group"), span=say("Centres")),
            Column(say("first group"), span=say("Mean effect, points")),
            Column(say("other group"), span=say("Mean effect, points")),
            Column(say("Difference, points")),
            Column(say("all"), span=say("Assignments of the labels")),
            Column(say("difference as large"), span=say("Assignments of the labels")),
            Column(say("p")),
            Column(say("Smallest p possible")),
            Column(say("Comparisons")),
        ),
        rows=tuple(rows),
        notes=(
            *(() if found else (say(NO_FILE),)),
            say(
                "Unweighted means of the centres' effects by model 1. p: the share of all assignments of the labels to "
                "the centres whose difference is as large, in either direction; the smallest that so many centres can "
                "have stands beside it."
            ),
            say(
                "Two groups are those of a characteristic with two values, or those that the cohort file declares. "
                "Comparisons: how many were made; p is not adjusted for them. A difference is no effect of the "
                "characteristic, which nobody assigned."
            ),
            no_order(review),
        ),
        record=record(review, pooled(months), difference(review)),
    )


def _group(name: object) -> str:
    return words.worded(TRUTH, str(name))


def _test_cells(row: Record) -> tuple[Cell, ...]:
    status, sizes = row["status"], (count_cell(row["n_centres_group"]), count_cell(row["n_centres_other"]))
    if status not in (TESTED, HIDDEN, ESTIMATED):
        reason = lacking(say(WHY_NOT[status]))
        return (*sizes, *(reason,) * 7, count_cell(row["n_compared"]))
    shares = (share_cell(row[name], "") for name in ("mean_group", "mean_other", "difference"))
    return (
        *sizes,
        *shares,
        count_cell(row["n_assignments"]),
        count_cell(row["n_as_large"]),
        number_cell(row["p_value"], words.p_value),
        number_cell(row["smallest_p"], words.p_value),
        count_cell(row["n_compared"]),
    )
