"""Printed tables of the pooled effect under several ways of adjusting, and of planned subgroups."""

from typing import Any

from ipseval import words
from ipseval.config import Subgroup
from ipseval.design import DIFFERENCE, MEMBERS, OTHERS
from ipseval.record import difference, record
from ipseval.review import ALL, PUBLISHED, SMALL_SAMPLE, Record, Review, effect_cell
from ipseval.table import Cell, Column, Row, Table, lacking
from ipseval.tables_estimated import size_cells, size_columns, versus

WAYS = {
    "adjustment_none": "Not adjusted",
    "adjustment_additive": "Additive",
    "adjustment_lin": "Lin: covariates times assignment",
    "adjustment_logit": "Logit, difference of mean probabilities",
    "adjustment_history": "Additive, with employment before",
}
SIDES = {MEMBERS: "In the subgroup", OTHERS: "All others", DIFFERENCE: "Difference"}
REDRAWN = "by re-drawn assignment"


def adjustment(review: Review) -> Table:
    """The pooled effect under several ways of adjusting for the same covariates."""
    variance = review.variance(PUBLISHED)
    months = review.pooled_months("adjustment_none")
    rows = []
    for arm in review.cohort.arms.treatments:
        for name, head in WAYS.items():
            if review.analysis(name):
                key = (ALL, *months, arm)
                row = review.effects(name, "cr1" if name == "adjustment_logit" else variance).get(key)
                drawn = review.redrawn(name).get(key)
                tests = (_p_cell(review, one, "p_value") for one in (row, drawn))
                cells = (*size_cells(row), effect_cell(review, row), *tests)
                rows.append(Row(head, cells, versus(review, arm)))
    adjust = {n: a.adjust for n in WAYS if (a := review.analysis(n))}
    additive = words.listed([words.inside(words.variable(n)) for n in adjust.get("adjustment_additive", ())])
    return Table(
        title=f"The pooled effect on {review.outcome} by way of adjusting, {words.months(*months)}",
        stub="Adjustment",
        columns=(
            *size_columns(review),
            Column("Effect, points", review.interval_ends),
            Column("p"),
            Column(f"p {REDRAWN}"),
        ),
        rows=tuple(rows),
        notes=(
            f"All regressions hold dummies for the centres and none for time. Covariates: {additive}.",
            "Lin: covariates are centred on their mean and multiplied with assignment. Logit: mean probability with "
            "everybody in the arm less that with everybody in the reference arm (g-computation, delta method). "
            f"Employment before: share of the observed months before month 0 in {review.outcome}.",
            f"In parentheses: {review.interval} from standard errors {words.variance(variance)}.",
            *review.left_out(WAYS),
        ),
        record=record(review, f"{words.months(*months)}, pooled", difference(review)),
    )


def subgroups(review: Review) -> Table:
    """Effects in planned subgroups and in all others, and the test of their difference."""
    variance = review.variance(SMALL_SAMPLE)
    planned = [(a.name, a.subgroup) for a in review.cohort.analyses if a.subgroup and a.within is None]
    rows = []
    for arm in review.cohort.arms.treatments:
        for name, subgroup in planned:
            group = f"{_named(subgroup)}{_of_arm(review, arm)}"
            rows += [Row(head, _cells(review, name, arm, side, variance), group) for side, head in SIDES.items()]
    months = review.pooled_months(planned[0][0]) if planned else (0, review.cohort.window.after)
    return Table(
        title=f"Effects on {review.outcome} in planned subgroups, {words.months(*months)} pooled",
        stub="Subgroup",
        columns=(
            *size_columns(review),
            Column("Effect, points", review.interval_ends),
            Column("p, Holm", span="Test of the difference"),
            Column(f"p {REDRAWN}, max-t", span="Test of the difference"),
        ),
        rows=tuple(rows),
        notes=(
            "Effects and difference are contrasts of one regression for each subgroup, with the subgroup among the "
            "covariates and otherwise the terms of the pooled model. Read the difference: that one effect is "
            "significant and the other is not, does not say that they differ.",
            "p of the differences is adjusted for the number of subgroups: by Holm, and by step-down max-t on re-drawn "
            "assignments.",
            f"In parentheses: {review.interval} from standard errors {words.variance(variance)}.",
            *review.left_out(name for name, _ in planned),
        ),
        record=record(review, f"{words.months(*months)}, pooled", difference(review)),
    )


def _cells(review: Review, name: str, arm: str, side: str, variance: str) -> tuple[Cell, ...]:
    key = (ALL, *review.pooled_months(name), arm)
    row, drawn = review.effects(name, variance, side).get(key), review.redrawn(name, side).get(key)
    is_test = side == DIFFERENCE
    tests = tuple(_p_cell(review, r, "p_adjusted") if is_test else Cell() for r in (row, drawn))
    sizes = (Cell(), Cell(), Cell()) if is_test else size_cells(row)
    return (*sizes, effect_cell(review, row), *tests)


def _p_cell(review: Review, row: Record | None, column: str) -> Cell:
    if row is None or not words.is_known(row[column]):
        return lacking(words.status(row["status"] if row else "not_configured", review.least))
    return Cell(words.p_value(row[column]))


def _named(subgroup: Subgroup) -> str:
    """A subgroup in words: ``Age, years: 18 to below 31``; a 0/1 covariate by its name."""
    name, low, high = words.variable(subgroup.covariate), subgroup.at_least, subgroup.below
    if (low, high) == (1, float("inf")):
        return name
    ends: dict[str, Any] = {"from": low, "below": high}
    return f"{name}: {' '.join(f'{word} {end:g}' for word, end in ends.items() if abs(end) != float('inf'))}"


def _of_arm(review: Review, arm: str) -> str:
    """Which arm a group of rows is about, where there are several."""
    return f" ({versus(review, arm)})" if len(review.cohort.arms.treatments) > 1 else ""
