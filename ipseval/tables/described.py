"""Printed tables of who was included and what happened, without any model."""

from collections.abc import Sequence
from typing import Any

from ipseval import words
from ipseval.language import phrases, say
from ipseval.registers.categories import SHARE
from ipseval.tables.record import record
from ipseval.tables.review import ALL, Record, Review, count_cell, hidden_cell, number_cell, row_cell, share_cell
from ipseval.tables.table import Cell, Column, Row, Table, lacking
from ipseval.traced import made_of

FLOW_STEPS = phrases(
    {
        "randomised": "Randomised",
        "left_out": "Left out on a list of persons",
        "consent_withdrawn": "Withdrew consent",
        "employed_at_randomisation": "Employed at randomisation",
        "analysed": "Analysed",
    }
)


def centres_and_all(review: Review) -> tuple[str, ...]:
    """Centres in the order of print, then all of them."""
    return (*review.centres, ALL)


def inclusion(review: Review) -> Table:
    """Randomised and analysed persons by centre."""
    found = {row["centre"]: row for row in review.rows("inclusion")}
    rows = tuple(
        Row(
            review.centre(c),
            (
                count_cell(found[c]["n_randomised"]),
                count_cell(found[c]["n_analysed"]),
                share_cell(found[c]["share"], say("nobody was randomised here")),
            ),
            is_total=c == ALL,
        )
        for c in centres_and_all(review)
    )
    is_limited = review.cohort.not_employed_at_randomisation
    analysed = say("Analysed, not in work at randomisation") if is_limited else say("Analysed")
    return Table(
        title=say("Persons randomised and analysed, by centre"),
        stub=say("Centre"),
        columns=(Column(say("Randomised")), Column(analysed), Column(say("Share analysed, %"))),
        rows=rows,
        notes=(say("The table of the flow gives every step between the two counts."),),
        record=record(review, say("as of randomisation"), say("Counts of persons, and their ratio")),
    )


def wage_subsidy(review: Review) -> Table:
    """Person-months with a wage subsidy by centre and arm."""
    first, last = review.cohort.describe["wage_subsidy_months"]
    found = {(row["centre"], row["arm"]): row for row in review.rows("wage_subsidy")}
    arms = review.cohort.arms
    by_arm = tuple(
        Column(head, span=review.arm(arm), is_size=head == say("Persons"))
        for arm in arms.all
        for head in (say("Persons"), say("Person-months"), say("With wage subsidy"), say("Share, %"))
    )
    differences = tuple(
        Column(f"{review.arm(arm)} − {review.reference}", span=say("Difference, points")) for arm in arms.treatments
    )
    rows = []
    for c in centres_and_all(review):
        cells = [cell for arm in arms.all for cell in _subsidy_cells(found[c, arm])]
        cells += [_subsidy_difference(found[c, arm], found[c, arms.reference]) for arm in arms.treatments]
        rows.append(Row(review.centre(c), tuple(cells), is_total=c == ALL))
    window = words.months(max(first, -review.cohort.window.before), min(last, review.cohort.window.after))
    return Table(
        title=say("Person-months with a wage subsidy, {months} after randomisation", months=window),
        stub=say("Centre"),
        columns=(*by_arm, *differences),
        rows=tuple(rows),
        notes=(say("A month counts when a wage subsidy covers any day of it."), say("Points are percentage points.")),
        record=record(review, window, say("Share of observed person-months with a wage subsidy, and its difference")),
    )


def _subsidy_reason(row: dict[str, Any]) -> str:
    """Why a share is not there, where it is not hidden."""
    delivered = words.is_known(row["n_person_months"]) or words.is_hidden(row["n_person_months"])
    return say("no month was observed") if delivered else say("wage subsidies were not delivered")


def _subsidy_cells(row: dict[str, Any]) -> list[Cell]:
    reason = _subsidy_reason(row)
    counts = [count_cell(row[name], reason) for name in ("n_person_months", "n_subsidised")]
    return [count_cell(row["n_persons"]), *counts, share_cell(row["share"], reason)]


def _subsidy_difference(assigned: dict[str, Any], control: dict[str, Any]) -> Cell:
    """Difference of the shares, which are taken from their counts: those of the table may be rounded."""
    rows, shares = (assigned, control), (assigned["share"], control["share"])
    if words.is_hidden(*shares):
        return hidden_cell()
    for row in rows:
        if not words.is_known(row["share"]):
            return lacking(_subsidy_reason(row))
    above, below = ([row[name] for row in rows] for name in ("n_subsidised", "n_person_months"))
    if all(map(words.is_known, [*above, *below])):
        return Cell(words.points(made_of(above[0] / below[0] - above[1] / below[1], shares)))
    return Cell(words.points(made_of(shares[0] - shares[1], shares)))


def balance(review: Review) -> Table:
    """Covariates at randomisation by centre and arm, with standardised differences."""
    found = review.rows("balance")
    cells = {(r["variable"], level_of(r), r["centre"], r["arm"]): r for r in found}
    names = dict.fromkeys((r["variable"], level_of(r)) for r in found)
    arms = review.cohort.arms
    by_arm = tuple(
        column
        for arm in arms.all
        for column in (
            Column(say("Mean or %"), (say("standard deviation"),), span=review.arm(arm)),
            Column(say("Missing"), span=review.arm(arm)),
        )
    )
    smd = tuple(
        Column(f"{review.arm(arm)} − {review.reference}", span=say("Standardised difference"))
        for arm in arms.treatments
    )
    rows = []
    for centre in (ALL, *review.centres):
        for variable, level in names:
            these = [cells[variable, level, centre, arm] for arm in arms.all]
            row = _balance_row(
                review.covariate(variable, level),
                these,
                [r for r in found if (r["variable"], level_of(r)) == (variable, level)],
            )
            rows.append(Row(row.head, row.cells, group=review.centre(centre)))
    return Table(
        title=say("Covariates at randomisation, by centre and arm"),
        stub=say("Covariate"),
        columns=(*by_arm, *smd),
        rows=tuple(rows),
        notes=(
            say(
                "Per cent for characteristics that a person has or has not, else the mean with the standard deviation."
            ),
            say(
                "Standardised difference: difference of the means over the root of the mean of the two arms' variances."
            ),
            say("No tests: after randomisation, differences are chance by design."),
        ),
        record=record(
            review, say("as of randomisation"), say("Means, shares and standardised differences between the arms")
        ),
    )


def level_of(row: Record) -> str:
    return row["level"] if isinstance(row["level"], str) else ""


def _balance_row(head: str, arms: list[dict[str, Any]], everywhere: list[dict[str, Any]]) -> Row:
    """One covariate in one centre: mean and missing by arm, then the differences."""
    shares = is_share(arms[0])
    decimals = decimals_of(everywhere)
    cells = []
    for row in arms:
        reason = say("no value is known")
        if shares:
            cells.append(share_cell(row["mean"], reason))
        else:
            cells.append(row_cell(row, "mean", lambda value: words.number(value, decimals), reason, ("sd",)))
        cells.append(count_cell(row["n_missing"]))
    for row in arms[1:]:
        no_spread = say("no variation, or too few values")
        cells.append(number_cell(row["smd"], lambda value: words.number(value, 2), no_spread))
    return Row(head + (", %" if shares else ""), tuple(cells))


def decimals_of(rows: Sequence[Record]) -> int:
    """Of the means of a covariate: by the largest of the whole trial, so that hidden centres do not change them."""
    whole = [r for r in rows if r["centre"] == ALL and words.is_known(r["mean"])]
    largest = max((abs(r["mean"]) for r in whole or rows if words.is_known(r["mean"])), default=0)
    return 0 if largest >= 1000 else 1 if largest >= 10 else 2


def is_share(row: Record) -> bool:
    """Whether the values behind a mean are 0 and 1."""
    return bool(row["unit"] == SHARE)


def flow(review: Review) -> Table:
    """Who left at which step between randomisation and analysis."""
    found = review.rows("flow")
    steps = {row["step"]: row["reason"] for row in sorted(found, key=lambda row: row["order"])}
    arms = list(dict.fromkeys(row["arm"] for row in found))
    cells = {(row["step"], row["centre"], row["arm"]): row for row in found}
    centres = [ALL, *(c for c in dict.fromkeys(row["centre"] for row in found) if c != ALL)]
    rows = tuple(
        Row(
            _step(step),
            tuple(_flow_cell(cells[step, centre, arm]) for arm in arms),
            group=review.centre(centre),
            is_total=step == "analysed",
        )
        for centre in centres
        for step in steps
    )
    reasons = tuple(f"{_step(step)}: {words.note(reason)}" for step, reason in steps.items() if isinstance(reason, str))
    return Table(
        title=say("Flow of persons from randomisation to analysis"),
        stub=say("Step"),
        columns=tuple(Column(review.arm(arm)) for arm in arms),
        rows=rows,
        notes=(say("At each step the persons who left, in order: nobody is counted at two of them."), *reasons),
        record=record(review, say("as of randomisation"), say("Counts of persons")),
    )


def _step(step: str) -> str:
    if step.startswith("excluded_"):
        return say("Excluded by {column}", column=words.plain(step.removeprefix("excluded_")))
    return words.sentence(words.worded(FLOW_STEPS, step))


def _flow_cell(row: dict[str, Any]) -> Cell:
    """Who remains at both ends of the flow, who leaves at the steps between."""
    return count_cell(row["n_persons"] if row["step"] in ("randomised", "analysed") else row["n_excluded"])
