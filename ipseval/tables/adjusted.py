"""Printed tables of the pooled effect under several ways of adjusting, and of planned subgroups."""

import math

from ipseval import words
from ipseval.config import Subgroup
from ipseval.estimation.design import DIFFERENCE, MEMBERS, OTHERS
from ipseval.language import phrases, say
from ipseval.tables.estimated import share_cells, share_columns, size_cells, size_columns, versus
from ipseval.tables.record import difference, pooled, record
from ipseval.tables.review import (
    ALL,
    ESTIMATED,
    HIDDEN,
    PUBLISHED,
    Record,
    Review,
    effect_cell,
    interval_from,
    number_cell,
    status_cell,
)
from ipseval.tables.table import Cell, Column, Row, Table

WAYS = phrases(
    {
        "adjustment_none": "Not adjusted",
        "standardised": "Not adjusted, effect in the persons of the trial",
        "adjustment_additive": "Additive",
        "adjustment_lin": "Lin: covariates times assignment",
        "adjustment_logit": "Logit, difference of mean probabilities",
        "adjustment_history": "Additive, with employment before",
    }
)
LOGIT = "adjustment_logit"
SIDES = phrases({MEMBERS: "In the subgroup", OTHERS: "All others", DIFFERENCE: "Difference"})


def adjustment(review: Review) -> Table:
    """The pooled effect under several ways of adjusting for the same covariates."""
    variance = review.primary
    months = review.pooled_months("adjustment_none")
    rows = []
    for arm in review.cohort.arms.treatments:
        for name, head in WAYS.items():
            if review.analysis(name):
                key = (ALL, *months, arm)
                row = review.effects(name, PUBLISHED if name == LOGIT else variance).get(key)
                drawn = review.redrawn(name).get(key)
                tests = (p_cell(review, one, "p_value") for one in (row, drawn))
                cells = (*share_cells(row), effect_cell(review, row), *tests, *size_cells(row))
                rows.append(Row(say(head), cells, versus(review, arm)))
    adjust = {n: a.adjust for n in WAYS if (a := review.analysis(n))}
    additive = words.listed([words.inside(review.covariate(n)) for n in adjust.get("adjustment_additive", ())])
    share = say("Employment before: share of the observed months before month 0 in {outcome}.", outcome=review.outcome)
    return Table(
        title=say(
            "The pooled effect on {outcome} by way of adjusting, {months}",
            outcome=review.outcome,
            months=words.months(*months),
        ),
        stub=say("Adjustment"),
        columns=(
            *share_columns(review),
            Column(say("Effect, points"), review.interval_ends),
            Column("p"),
            Column(say("p by re-drawn assignment")),
            *size_columns(review),
        ),
        rows=tuple(rows),
        notes=(
            say(
                "All regressions hold dummies for the centres and none for time. Covariates: {covariates}.",
                covariates=additive,
            ),
            say(
                "Lin: covariates are centred on their mean and multiplied with assignment. Logit: mean probability "
                "with everybody in the arm less that with everybody in the reference arm (g-computation, delta method)."
            )
            + f" {share}",
            say(
                "Effect in the persons of the trial: the effects of centres and strata weighted by their persons, "
                "where a regression with dummies weights them by n₁n₀/n."
            ),
            interval_from(review, variance),
            *_logit(review, variance),
            *review.left_out(WAYS),
        ),
        record=record(review, pooled(months), difference(review)),
    )


def _logit(review: Review, variance: str) -> tuple[str, ...]:
    """What its interval is from, where that is not what the others are from."""
    if variance == PUBLISHED or not review.analysis(LOGIT):
        return ()
    return (say("Logit: standard errors {variance}, which are all that it has.", variance=words.variance(PUBLISHED)),)


def subgroups(review: Review) -> Table:
    """Effects in planned subgroups and in all others, and the test of their difference."""
    variance = review.primary
    planned = [(a.name, a.subgroup) for a in review.cohort.analyses if a.subgroup and a.within is None]
    rows = []
    for arm in review.cohort.arms.treatments:
        for name, subgroup in planned:
            group = f"{_named(review, subgroup)}{_of_arm(review, arm)}"
            rows += [Row(say(head), _cells(review, name, arm, side, variance), group) for side, head in SIDES.items()]
    months = review.pooled_months(planned[0][0]) if planned else (0, review.cohort.window.after)
    return Table(
        title=say(
            "Effects on {outcome} in planned subgroups, {months} pooled",
            outcome=review.outcome,
            months=words.months(*months),
        ),
        stub=say("Subgroup"),
        columns=(
            *share_columns(review),
            Column(say("Effect, points"), review.interval_ends),
            Column("p, Holm", span=say("Test of the difference")),
            Column(say("p by re-drawn assignment, max-t"), span=say("Test of the difference")),
            *size_columns(review),
        ),
        rows=tuple(rows),
        notes=(
            say(
                "Effects and difference are contrasts of one regression for each subgroup, with the subgroup among the "
                "covariates and otherwise the terms of the pooled model. Read the difference: that one effect is "
                "significant and the other is not, does not say that they differ."
            ),
            say(
                "p of the differences is adjusted for the number of subgroups: by Holm, and by step-down max-t on "
                "re-drawn assignments."
            ),
            interval_from(review, variance),
            *review.left_out(name for name, _ in planned),
        ),
        record=record(review, pooled(months), difference(review)),
    )


def _cells(review: Review, name: str, arm: str, side: str, variance: str) -> tuple[Cell, ...]:
    key = (ALL, *review.pooled_months(name), arm)
    row, drawn = review.effects(name, variance, side).get(key), review.redrawn(name, side).get(key)
    is_test = side == DIFFERENCE
    tests = tuple(p_cell(review, r, "p_adjusted") if is_test else Cell() for r in (row, drawn))
    shares, sizes = (share_cells(None if is_test else row), size_cells(None if is_test else row))
    return (*shares, effect_cell(review, row), *tests, *sizes)


def p_cell(review: Review, row: Record | None, column: str) -> Cell:
    status = row["status"] if row else "not_configured"
    if row is None or status not in (ESTIMATED, HIDDEN):
        return status_cell(review, status)
    return number_cell(row[column], words.p_value, say("there is no such test"))


def _named(review: Review, subgroup: Subgroup) -> str:
    """A subgroup in words: ``Age, years: from 18 below 31``; a 0/1 covariate by its name,
    a category by the members' levels.
    """
    name, low, high = review.covariate(subgroup.covariate), subgroup.at_least, subgroup.below
    if subgroup.levels:
        return f"{name}: {words.listed(subgroup.levels, say('or'))}"
    if (low, high) == (1, math.inf):
        return name
    least = say("from {value}", value=words.shortest(low)) if low != -math.inf else ""
    most = say("below {value}", value=words.shortest(high)) if high != math.inf else ""
    return f"{name}: {' '.join(filter(None, [least, most]))}"


def _of_arm(review: Review, arm: str) -> str:
    """Which arm a group of rows is about, where there are several."""
    return f" ({versus(review, arm)})" if len(review.cohort.arms.treatments) > 1 else ""
