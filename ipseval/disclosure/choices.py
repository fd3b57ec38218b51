"""What the table of specifications rests on: definitions of the outcome are told apart by whom they count differently.

The control arm's mean times its persons and months is how many person-months have the outcome by a definition. Two
definitions of which one lets in more (subsidised months, any number of hours) differ by person-months that nobody may
be told when they are of few persons: whose they are is counted nowhere, so many are of so many persons at least.
"""

import itertools
import math
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from ipseval.disclosure.counted import months_employed, sum_of_months
from ipseval.disclosure.derived import over_all, whole_trial
from ipseval.disclosure.keys import ALL, Apart, Defined, Key, SubsidisedMonths, Told, Weighted
from ipseval.disclosure.ledger import Count, Entry, Relation, Shown, total
from ipseval.disclosure.modelled import ESTIMATE
from ipseval.disclosure.stratified import contrast, told
from ipseval.disclosure.study import Study, analysed
from ipseval.disclosure.within import CALENDAR_FREE
from ipseval.words import is_known

WIDEST = "any_day"  # a month rule that every other one is part of
Definition = tuple[str, float, bool]  # month rule, hours a week, whether subsidised months are left out
Row = dict[str, Any]


def specifications(study: Study) -> Iterator[Entry]:
    """The pooled effect under every combination of choices, and the control arm's mean by definition of the outcome."""
    rows = dict(study.rows("specifications"))
    for entry in over_all("specifications", study, ESTIMATE):
        if isinstance(entry, Shown) and entry.columns == ESTIMATE:
            entry = replace(entry, keys=(*entry.keys, *_given_back(study, rows[entry.row])))
        yield entry
    main = {_definition(row) for row in rows.values() if row["is_main"]}
    for i, row in rows.items():
        if not is_known(row["n_control"]):
            continue
        control, span = row["reference_arm"], (int(row["month_from"]), int(row["month_to"]))
        keys: tuple[Key, ...] = (_defined(row), analysed(ALL, control))
        length = float(span[1] - span[0] + 1) if study.profile.rounding_base else 0.0
        if _definition(row) in main and not length:
            keys = (*keys, months_employed(study, control, *span))
        yield from sum_of_months(study, control, *span)
        yield Shown("specifications", i, ("mean_control",), keys, row["n_control"], over=length)
        if study.is_complete(*span):
            yield from whole_trial(study, "specifications", i, row)
    yield from _definitions(study, rows, main)


def _definition(row: Row) -> Definition:
    return str(row["month_rule"]), float(row["min_weekly_hours"]), bool(row["exclude_wage_subsidy"])


def _defined(row: Row) -> Defined:
    return Defined(ALL, row["reference_arm"], *_definition(row), int(row["month_from"]), int(row["month_to"]))


def _given_back(study: Study, row: Row) -> Iterator[Key]:
    """Numbers that the estimate of a row would give back."""
    arms = (row["arm"], row["reference_arm"])
    if row["time"] in CALENDAR_FREE:
        yield from (Told(ALL, arm) for arm in study.arms)
        if not row["exclude_wage_subsidy"]:
            yield _subsidies(study, row["arm"])
    if study.profile.rounding_base and not has_covariates(study, row["adjustment"]):
        span = int(row["month_from"]), int(row["month_to"])
        yield from (months_employed(study, arm, *span) for arm in arms)  # the difference of what is rounded


def has_covariates(study: Study, adjustment: str) -> bool:
    """Whether a way of adjusting has any."""
    named = study.cohort.robustness.adjustment
    pooled = next(a for a in study.cohort.analyses if a.name == "pooled")
    return bool(named[adjustment].adjust if adjustment in named else pooled.adjust)


def _definitions(study: Study, rows: dict[int, Row], main: set[Definition]) -> Iterator[Entry]:
    """Person-months of the control arm with the outcome by each definition, and how many more by a wider one."""
    found: dict[Defined, float] = {}
    for row in rows.values():
        if is_known(row["n_control"]) and is_known(row["mean_control"]):
            length = int(row["month_to"]) - int(row["month_from"]) + 1
            found[_defined(row)] = row["mean_control"] * row["n_control"] * length
    for key, months in found.items():
        yield Count(key, months, upper=study.most_months)
        if (
            study.is_complete(key.first, key.last)
            and (key.month_rule, key.min_weekly_hours, key.exclude_wage_subsidy) in main
        ):
            yield total(months_employed(study, key.arm, key.first, key.last), [key])
    for wide, narrow in itertools.permutations(found, 2):
        if is_wider(wide, narrow) and found[wide] >= found[narrow]:
            apart, more = Apart(ALL, wide.arm, wide, narrow), found[wide] - found[narrow]
            fewest = float(math.ceil(round(more / (wide.last - wide.first + 1), 6)))
            yield Count(apart, more, persons=fewest, upper=study.most_months)
            yield Relation(((wide, -1.0), (narrow, 1.0), (apart, 1.0)))
            yield from _subsidised(study, apart, more)
    yield from _told_of_subsidies(study)


def is_wider(wide: Defined, narrow: Defined) -> bool:
    """Whether two definitions differ in one choice, by which the first lets in all that the second does."""
    steps = (
        (wide.month_rule != narrow.month_rule, wide.month_rule == WIDEST),
        (wide.min_weekly_hours != narrow.min_weekly_hours, wide.min_weekly_hours < narrow.min_weekly_hours),
        (wide.exclude_wage_subsidy != narrow.exclude_wage_subsidy, narrow.exclude_wage_subsidy),
    )
    same = (wide.arm, wide.first, wide.last) == (narrow.arm, narrow.first, narrow.last)
    return same and sum(differs for differs, _ in steps) == 1 and all(lets for differs, lets in steps if differs)


def _subsidised(study: Study, apart: Apart, more: float) -> Iterator[Entry]:
    """The months of subsidised work are those of another table where the numbers agree."""
    is_by_subsidies = apart.narrow.exclude_wage_subsidy != apart.wide.exclude_wage_subsidy
    own = _months_with_subsidies(study).get((ALL, apart.arm))
    if is_by_subsidies and own is not None and abs(own - more) < 1e-6:
        yield total(SubsidisedMonths(ALL, apart.arm), [apart])


def _months_with_subsidies(study: Study) -> dict[tuple[str, str], float]:
    rows = (row for _, row in study.rows("wage_subsidy"))
    return {(r["centre"], r["arm"]): float(r["n_subsidised"]) for r in rows if is_known(r["n_subsidised"])}


def _subsidies(study: Study, arm: str) -> Weighted:
    return Weighted(ALL, arm, "subsidies", 0, study.cohort.window.after)


def _told_of_subsidies(study: Study) -> Iterator[Entry]:
    """What effects with and without subsidised months tell by their difference, where everybody is observed."""
    months = _months_with_subsidies(study)
    for arm in study.arms[1:]:
        weights = contrast(study, arm) if study.is_complete(0, study.cohort.window.after) else {}
        terms: dict[Key, tuple[float, float]] = {
            SubsidisedMonths(*cell): (weight / study.n_analysed[cell], months[cell])
            for cell, weight in weights.items()
            if cell in months
        }
        if terms and len(terms) == len(weights):
            yield from told(_subsidies(study, arm), terms, study.most_months, study.profile.decimals, n_printed=2)
        else:  # nobody knows the weights, or nothing is counted
            yield Count(_subsidies(study, arm), 0.0, persons=math.inf, lower=-study.most_months)
