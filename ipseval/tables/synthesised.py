"""Printed table of what the centres' effects are together: how much they differ, and their mean."""

from collections.abc import Callable

from ipseval import words
from ipseval.language import phrases, say
from ipseval.tables.estimated import MODELS, UNADJUSTED, two_means, versus
from ipseval.tables.record import difference, pooled, record
from ipseval.tables.review import (
    ESTIMATED,
    HIDDEN,
    INTERVAL,
    Record,
    Review,
    count_cell,
    interval_from,
    joint_cells,
    number_cell,
    row_cell,
    share_cell,
)
from ipseval.tables.table import Cell, Column, Row, Table, lacking

HEADS = {**phrases({UNADJUSTED: "Unadjusted"}), **MODELS}
LACKING = phrases(
    {
        "few": "fewer than two centres can be pooled",
        "no_test": "too few persons for the joint test, or too many centres",
    }
)
JOINT_TESTS = phrases(
    {
        "htz": "Joint test: Wald test of equal effects with cr2 variances as an approximate Hotelling's T² (HTZ; "
        "Pustejovsky and Tipton)",
        "cr1": "Joint test: Wald test of equal effects with cr1 variances, F with one degree of freedom less than "
        "persons",
    }
)
TAU = phrases(
    {
        "paule_mandel": "Paule and Mandel",
        "reml": "restricted maximum likelihood",
        "dersimonian_laird": "DerSimonian and Laird",
    }
)
WEIGHTINGS = phrases(
    {
        "random_effects": "Centres as drawn from a distribution",
        "precision": "Weighted by precision",
        "overlap": "Weighted by overlap of the arms",
        "persons": "Weighted by persons",
        "centres": "Each centre the same",
    }
)
Print = Callable[[Record], Cell]


def heterogeneity(review: Review) -> Table:
    """How much the effects of the centres differ, their mean under named weights, and what could be detected."""
    found = review.rows("heterogeneity")
    analyses = tuple(dict.fromkeys(row["analysis"] for row in found))
    rows: list[Row] = []
    for arm in review.cohort.arms.treatments:
        own = {row["analysis"]: row for row in found if row["arm"] == arm}
        group = versus(review, arm)
        means = say("{arms}: mean effect, percentage points", arms=group)
        rows.append(Row(say("Centres pooled"), tuple(count_cell(own[a]["n_centres"]) for a in analyses), group))
        rows += [
            Row(head, tuple(_pooled_cell(own[a], show) for a in analyses), group) for head, show in _spread(review)
        ]
        by_weight = {(row["analysis"], row["weighting"]): row for row in review.rows("pooled_effects", arm=arm)}
        for name, head in WEIGHTINGS.items():
            cells = tuple(_mean_cell(by_weight[analysis, name]) for analysis in analyses)
            rows.append(Row(say(head), cells, means))
        smallest = tuple(share_cell(by_weight[a, "precision"]["minimum_detectable"], few()) for a in analyses)
        rows.append(Row(_detectable(review), smallest, means))
    months = review.pooled_months(UNADJUSTED)
    return Table(
        title=say(
            "Differences between centres in the effects on {outcome}, {months} pooled",
            outcome=review.outcome,
            months=words.months(*months),
        ),
        stub=say("Measure"),
        columns=tuple(Column(words.sentence(words.worded(HEADS, a)), review.interval_ends) for a in analyses),
        rows=tuple(rows),
        notes=_notes(review, found),
        record=record(review, pooled(months), difference(review)),
    )


def _spread(review: Review) -> tuple[tuple[str, Print], ...]:
    """Measures of how much the effects differ: head, and the cell from a row of ``heterogeneity``."""
    further = say("Effect in a further centre, points ({interval} of prediction)", interval=review.interval)
    no_test = lacking(say(LACKING["no_test"]))
    return (
        (say("Joint test of equal effects: F"), lambda row: joint_cells(row, no_test, 1)[0]),
        (say("Joint test: degrees of freedom"), lambda row: joint_cells(row, no_test, 1)[1]),
        (say("Joint test: p"), lambda row: joint_cells(row, no_test, 1)[2]),
        (say("Cochran's Q"), lambda row: number_cell(row["q"], lambda value: words.number(value, 2), few())),
        (say("Cochran's Q: p"), lambda row: number_cell(row["p_value"], words.p_value, few())),
        ("I², %", lambda row: share_cell(row["i2"], few())),
        (say("Standard deviation between centres (τ), points"), lambda row: _interval_cell(row, "tau", "tau")),
        (further, lambda row: _interval_cell(row, "pooled", "prediction")),
    )


def _pooled_cell(row: Record, show: Print) -> Cell:
    """A measure of several centres; where it is hidden how many there are, each says for itself why it is not there."""
    return lacking(few()) if row["n_centres"] <= 1 else show(row)


def few() -> str:
    """Why nothing is pooled."""
    return say(LACKING["few"])


def _interval_cell(row: Record, name: str, ends: str) -> Cell:
    """A number in percentage points with its interval, where there is one."""
    low, high = f"{ends}_low", f"{ends}_high"
    if not (words.is_known(row[low]) or words.is_hidden(row[name], row[low], row[high])):
        return lacking(say("no interval of prediction with fewer than three centres"))
    return row_cell(row, name, words.points, beside=(low, high))


def _mean_cell(row: Record) -> Cell:
    if not (words.is_known(row["std_error"]) or words.is_hidden(row["estimate"])):
        return lacking(few())
    return row_cell(row, "estimate", words.points, beside=INTERVAL)


def _detectable(review: Review) -> str:
    power = words.shortest(100 * review.cohort.synthesis.power)
    return say("Smallest effect found with {power}% power (weighted by precision)", power=power)


def _notes(review: Review, found: list[dict]) -> tuple[str, ...]:
    chosen, level = review.cohort.synthesis, 100 * review.cohort.estimation.confidence_level
    return (
        say(
            "Unadjusted: a regression within each centre, with a dummy for each month since randomisation. Models: as "
            "in the table of linear probability models."
        ),
        f"{say(JOINT_TESTS[chosen.joint_test])}. "
        + say("Cochran's Q takes the standard errors as known and rejects too often when centres are small."),
        say(
            "τ by {method}; its interval by the profile of Q. With few centres it is wide, and a τ of zero does not "
            "say that the centres are alike.",
            method=say(TAU[chosen.tau]),
        ),
        say(
            "Centres as drawn from a distribution: random effects, interval by Knapp and Hartung. Prediction: t with "
            "two degrees of freedom less than centres. Other weights: the mean effect in these centres."
        ),
        say(
            "Weighted by persons: the mean effect in the persons of these centres. Weighted by overlap (n₁n₀/n): what "
            "a regression with a dummy for each centre gives; a centre with unequal arms counts less than its persons."
        ),
        two_means(),
        *narrow(found),
        *review.unknown(row["note"] for row in found),
        say("Smallest effect: two-sided test at {level}%.", level=words.shortest(100 - level))
        + f" {interval_from(review, review.cohort.pooled_variance)}",
        *left_out(review),
    )


def narrow(found: list[dict]) -> tuple[str, ...]:
    """A warning where Knapp and Hartung's interval is narrower than that of known errors."""
    if not any(row["knapp_hartung"] < 1 - 1e-6 for row in found):
        return ()
    return (
        say(
            "Where the centres differ less than chance alone makes likely, the interval by Knapp and Hartung is "
            "narrower than that by precision: read the latter."
        ),
    )


def left_out(review: Review) -> tuple[str, ...]:
    """Which centres are kept out of pooling, and why."""
    rows = [row for row in review.rows("centre_effects") if row["status"] != ESTIMATED]
    least = {"too_few_for_pooling": review.cohort.synthesis.min_persons_per_arm}
    reasons = {
        f"{review.centre(row['centre'])} ({words.status(row['status'], least.get(row['status'], review.least))})": None
        for row in rows
        if row["status"] not in ("no_covariate", HIDDEN)
    }
    if not reasons:
        return ()
    return (say("Kept out of pooling in one analysis or more: {centres}.", centres="; ".join(reasons)),)
