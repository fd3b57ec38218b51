"""Printed table of the pooled effect under other choices: what each choice does to it."""

import statistics
from typing import Any

from ipseval import words
from ipseval.language import phrases, say
from ipseval.tables.estimated import versus
from ipseval.tables.record import difference, pooled, record
from ipseval.tables.review import (
    ESTIMATED,
    HIDDEN,
    INTERVAL,
    Record,
    Review,
    effect_cell,
    hidden_cell,
    interval_from,
)
from ipseval.tables.table import Cell, Column, Row, Table
from ipseval.traced import made_of

DIMENSIONS = phrases(
    {
        "month_rule": "A month counts",
        "min_weekly_hours": "Weekly hours",
        "exclude_wage_subsidy": "Months with a wage subsidy",
        "time": "Dummies for time",
        "adjustment": "Adjustment",
    }
)
RULES = phrases(
    {
        "any_day": "employed on any day",
        "reference_week": "employed in the week of the 16th",
    }
)
ADJUSTMENTS = phrases({"none": "none", "additive": "additive", "lin": "lin"})  # names of config/config.yaml


def choice(dimension: str, value: Any) -> str:
    """A choice in words."""
    if dimension == "month_rule":
        n = value.removeprefix("min_days ")
        return say(RULES[value]) if value in RULES else say("employed on {n} days at least", n=n)
    if dimension == "min_weekly_hours":
        return say("{n} at least", n=words.shortest(value)) if value > 0 else say("any")
    if dimension == "exclude_wage_subsidy":
        return say("do not count") if value else say("count, too")
    if dimension == "time":
        parts = tuple(value.split(" + "))
        if parts == ("inclusion_year", "inclusion_month"):
            return say("year and calendar month of randomisation")
        return say("none") if parts == ("none",) else words.listed(words.translated(words.TIME, parts))
    return words.worded(ADJUSTMENTS, value)


def variance_of(review: Review) -> str:
    """The primary variance where the combinations have it, else their first."""
    variances = review.cohort.robustness.variances
    return review.primary if review.primary in variances else variances[0]


def combinations(review: Review, arm: str) -> list[dict[str, Any]]:
    """Combinations that were estimated, or are hidden, with the variance of the intervals."""
    found = review.rows("specifications", arm=arm, variance=variance_of(review))
    return [row for row in found if row["status"] in (ESTIMATED, HIDDEN)]


def estimated(review: Review, arm: str) -> list[dict[str, Any]]:
    """Combinations whose effect and interval are shown."""
    return [row for row in combinations(review, arm) if not _is_hidden(row)]


def _is_hidden(row: Record) -> bool:
    return row["status"] == HIDDEN or words.is_hidden(row["estimate"], *(row[name] for name in INTERVAL))


def specifications(review: Review) -> Table:
    """The pooled effect under every combination of choices, by choice: middle, smallest and largest."""
    rows: list[Row] = []
    for arm in review.cohort.arms.treatments:
        group, found = versus(review, arm), combinations(review, arm)
        main = next((row for row in found if row["is_main"]), None)
        one = Cell(made_of("1", main.values() if main and not _is_hidden(main) else ()))  # a combination, no person
        rows.append(Row(say("As chosen"), (one, effect_cell(review, main), Cell(), Cell()), group, is_total=True))
        rows.append(Row(say("All combinations"), _summary(found), group))
        for dimension, head in DIMENSIONS.items():
            for value in dict.fromkeys(row[dimension] for row in found):
                own = [row for row in found if row[dimension] == value]
                rows.append(Row(f"{say(head)}: {choice(dimension, value)}", _summary(own), group))
    months = review.pooled_months("pooled")
    return Table(
        title=say(
            "The pooled effect on {outcome} under other choices, {months}",
            outcome=review.outcome,
            months=words.months(*months),
        ),
        stub=say("Choice"),
        columns=(
            Column(say("Combinations")),
            Column(say("Effect, points (all combinations: median)"), review.interval_ends),
            Column(say("Smallest to largest, points")),
            Column(say("Interval without zero, %")),
        ),
        rows=tuple(rows),
        notes=(
            say(
                "Every combination of the choices is estimated on the same persons; the row of a choice is about all "
                "combinations that hold it. They are no sample, so that there is no test of all together: look whether "
                "the conclusion hangs on a choice."
            ),
            say("The median of an even number of effects is the lower of the two in the middle."),
            interval_from(review, variance_of(review)),
        ),
        record=record(review, pooled(months), difference(review)),
    )


def _summary(rows: list[dict[str, Any]]) -> tuple[Cell, ...]:
    """Number, median and range of the effects, and in how many the interval leaves out zero; hidden where one is."""
    if not rows:
        return (Cell("0"), Cell(), Cell(), Cell())
    if any(map(_is_hidden, rows)):
        return (hidden_cell(),) * 4
    effects = [row["estimate"] for row in rows]
    clear = sum(row["ci_low"] > 0 or row["ci_high"] < 0 for row in rows) / len(rows)
    middle = statistics.median_low(effects)  # one of them: a mean of two would be rounded twice in a release
    ends = words.points(min(effects)), words.points(max(effects))
    return (
        Cell(words.count(made_of(len(rows), effects))),
        Cell(words.points(middle)),
        Cell(made_of(words.to(*ends), ends)),
        Cell(words.number(made_of(100 * clear, effects), 0)),
    )
