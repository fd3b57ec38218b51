"""Stage protect: what may leave of the review tables. Everything that is released passes through here."""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Set
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from ipseval import store
from ipseval.config import Cohort
from ipseval.disclosure import (
    characteristics,
    checks,
    choices,
    counted,
    derived,
    gaps,
    modelled,
    places,
    reached,
    waiting,
)
from ipseval.disclosure.attacker import SLACK, System
from ipseval.disclosure.cells import HIDDEN, Decided, to_base
from ipseval.disclosure.earlier import Earlier, told
from ipseval.disclosure.keys import ALL, Key
from ipseval.disclosure.ledger import Count, Entry, Ledger, Printed, Shown
from ipseval.disclosure.long_form import long_form
from ipseval.disclosure.profiles import ROUND, Profile, Search, profile, search
from ipseval.disclosure.released import LABELS, TEXTS
from ipseval.disclosure.stratified import decimals_of
from ipseval.disclosure.study import Study
from ipseval.disclosure.suppression import Solution, suppress_whole
from ipseval.errors import Fault, UserError
from ipseval.synthesise import synthesise
from ipseval.words import HIDDEN_SIGN as SIGN

# Why a number is hidden: few persons, all alike, few since an earlier release, to protect another.
SMALL, GROUP, MOVED, OTHER = "small", "group", "moved", "other"
ROUNDED = "rounded"
POOLED = "coefficients"  # the table of regressions over all centres: table 5 is printed of it
AGAIN = (derived.centre_effects, derived.heterogeneity, places.organisation_tests)  # what is put together anew
RELEASED: dict[str, Callable[[Study], Iterator[Entry]]] = {
    "flow": counted.flow,
    "inclusion": counted.inclusion,
    "balance": characteristics.balance,
    "wage_subsidy": counted.wage_subsidy,
    "employment_by_month": counted.employment_by_month,
    "receipt": counted.receipt,
    "time_to_job": waiting.time_to_job,
    "effects": modelled.effects,
    "coefficients": derived.coefficients,
    "randomisation": derived.randomisation,
    "bands": derived.bands,
    "centre_effects": derived.centre_effects,
    "heterogeneity": derived.heterogeneity,
    "pooled_effects": derived.heterogeneity,
    "restricted_mean": waiting.restricted_mean,
    "accumulated": derived.accumulated,
    "achieved": reached.achieved,
    "cost": derived.cost,
    "specifications": choices.specifications,
    "complier_effects": checks.complier_effects,
    "event_study": checks.event_study,
    "placebo": checks.placebo,
    "missing_data": gaps.missing_data,
    "organisation": places.organisation,
    "organisation_tests": places.organisation_tests,
    "timeline": places.organisation,
    "exposure": places.exposure,
    "fidelity": places.fidelity,
    "fidelity_summary": places.fidelity,
}


def products() -> dict[str, str]:
    """Files of the stage under ``results/<cohort>/``, by name."""
    return {
        **{f"released_{name}": f"release/data/{name}.csv" for name in RELEASED},
        **{name: f"release/{name}.csv" for name in ("hidden_cells", "hidden_by_table", "hidden_cost", "ard")},
        "disclosure": "review/disclosure.csv",
    }


def protect(
    cohort: Cohort,
    review: Mapping[str, pd.DataFrame],
    earlier: Mapping[str, pd.DataFrame] | None = None,
    persons: Mapping[str, pd.DataFrame] | None = None,
) -> dict[str, Any]:
    """Hide or round what may not leave, over all tables together.

    Parameters
    ----------
    cohort : Cohort
        ``disclosure.profile`` names the profile of config/disclosure.yaml.
    review : mapping
        The tables of :data:`RELEASED`, from memory or as ``store.read`` returns them. Others are not released.
    earlier : mapping, optional
        The tables of an earlier release, as text: what they show is known, and what has changed since by fewer persons
        than the profile's least count is hidden.
    persons : mapping, optional
        ``people``, ``panel`` and ``effects`` as for ``synthesise``: where the effect of a centre stays inside, the
        others are put together anew. Without them nothing that needs all centres' effects leaves then.

    Returns
    -------
    dict
        The released tables as ``released_<name>``, with ``:`` for a hidden number; ``hidden_cells`` (their positions),
        ``hidden_by_table`` (how many), ``hidden_cost`` (whether less would have done), ``ard`` (all of them as one
        table in long form) and ``disclosure`` (for ``review/``: which counts are protected, why, and the interval that
        an attacker is left with).

    Raises
    ------
    UserError
        The profile is not known, or a number cannot be protected.
    """
    chosen = profile(cohort.disclosure["profile"])
    study = Study(cohort, {name: store.as_read(review[name]) for name in RELEASED}, chosen)
    ledger = Ledger.of(entry for speak in dict.fromkeys(RELEASED.values()) for entry in speak(study))
    known = told(ledger, study.tables, earlier or {}, chosen)
    reasons = {} if chosen.is_open else primary(ledger, chosen, known)
    printed = rounded(ledger, reasons, chosen)
    looking = search()
    same = {key for key, then in known.printed.items() if then == {ledger.counts[key].value}}
    system, hidden = problem(ledger, reasons, printed, same, chosen, looking)
    solution = suppress_whole(system, hidden, looking.limits)
    check_exposed(cohort, ledger, solution, chosen)
    is_hidden = {
        key: bool(is_in) or (key in reasons and key not in printed)
        for key, is_in in zip(ledger.counts, solution.hidden, strict=True)
    }
    level = cohort.estimation.confidence_level
    decided = Decided(ledger, is_hidden, printed, chosen, level, decimals_of(study))
    if persons and not chosen.is_open:
        study, decided = over_shown(study, decided, persons)
    tables = {name: decided.released(name, study.tables[name]) for name in RELEASED}
    if not chosen.is_open:
        tables["time_to_job"] = waiting.put_off(study, decided, tables["time_to_job"])
    if chosen.rounding_base:
        tables["cost"] = derived.of_released(cohort, tables["cost"], tables["accumulated"])
    cells = hidden_cells(tables)
    return {
        **{f"released_{name}": table for name, table in tables.items()},
        "hidden_cells": cells,
        "hidden_by_table": by_table(tables),
        "hidden_cost": how_near(solution),
        "ard": long_form(cohort, tables),
        "disclosure": audit(ledger, system, solution, reasons, hidden),
    }


def primary(ledger: Ledger, chosen: Profile, known: Earlier) -> dict[Key, str]:
    """Counts that must be protected for their own sake, and why; ``known``: what an earlier release shows."""
    reasons = {}
    for key, count in ledger.counts.items():
        persons = count.value if np.isnan(count.persons) else count.persons
        everywhere = ledger.counts.get(key.at(ALL))
        is_rule = everywhere is not None and everywhere.value == 0 and not everywhere.zero_tells  # so in the whole arm
        if 0 < persons < chosen.min_cell_count:
            is_rounded = count.in_curve and chosen.small_whole_trial == ROUND
            reasons[key] = ROUNDED if is_rounded else SMALL
        elif persons == 0 and count.zero_tells and not is_rule:
            reasons[key] = GROUP
        elif key in known.sums or (
            key.is_whole and any(_few_moved(count.value, then, chosen) for then in known.followed.get(key, ()))
        ):
            reasons[key] = MOVED
    return reasons


def _few_moved(now: float, then: float, chosen: Profile) -> bool:
    """Whether fewer persons than the least have moved a number; one that is rounded to what it was has not moved."""
    return to_base(now, chosen.rounding_base) != then and SLACK < abs(now - then) < chosen.min_cell_count


def rounded(ledger: Ledger, reasons: Mapping[Key, str], chosen: Profile) -> dict[Key, float]:
    """What is printed for counts of the whole trial that are rounded to 0 or the least count, without bias.

    The draw is seeded by all true counts: the same input gives the same output, and nobody who does not know them
    can draw it again.
    """
    keys = [key for key, reason in reasons.items() if reason == ROUNDED]
    seed = hashlib.sha256(np.array([count.value for count in ledger.counts.values()]).tobytes()).digest()
    draws = np.random.default_rng(list(seed)).random(len(keys))
    least = chosen.min_cell_count
    return {key: float(least * (u < ledger.counts[key].value / least)) for key, u in zip(keys, draws, strict=True)}


def problem(
    ledger: Ledger,
    reasons: Mapping[Key, str],
    printed: Mapping[Key, float],
    known: Set[Key],
    chosen: Profile,
    looking: Search,
) -> tuple[System, np.ndarray]:
    """The linear system, and which of its numbers are hidden, or shown nowhere, before anything is solved.

    Nothing can be done for numbers that an earlier release shows (``known``): they stay as an attacker knows them.
    """
    counts, least = ledger.counts, float(chosen.min_cell_count)
    losses = lost(ledger, looking)
    bounds = np.array(
        [(c.value, c.value) if key in known else _bounds(c, printed.get(key), least) for key, c in counts.items()]
    )
    widths = {ROUNDED: least - 1}
    needed = np.array(
        [widths.get(reasons[key], least) if key in reasons and key not in known else 0.0 for key in counts]
    )
    cost = np.array([np.inf if key in printed or key in known else losses.get(key, 0.0) for key in counts])
    values = np.array([count.value for count in counts.values()])
    hidden = np.array([(k not in losses or k in reasons) and k not in printed and k not in known for k in counts])
    whole = np.array(
        [key.is_whole and abs(value - round(value)) < SLACK for key, value in zip(counts, values, strict=True)]
    )
    return System(values, bounds[:, 0], bounds[:, 1], ledger.matrix, needed, cost, whole), hidden


def _bounds(count: Count, printed: float | None, least: float) -> tuple[float, float]:
    """What anybody knows of a number: a rounded 0 is below ``least``, a rounded ``least`` is not 0."""
    if printed is None:
        return count.lower, count.upper
    return (1.0, least) if printed else (0.0, least - 1)


def lost(ledger: Ledger, looking: Search) -> dict[Key, float]:
    """What hiding a number costs: the cells that print it or come from it, those of the whole trial several times."""
    losses: dict[Key, float] = {}
    for entry in ledger.shown:
        is_pooled = entry.table == POOLED
        of_part = looking.beside if entry.table in looking.tables_beside else 1.0
        worth = len(entry.columns) * (looking.whole_trial if is_pooled or _is_whole(entry) else of_part)
        for key in entry.keys:
            is_main = is_pooled or ledger.counts[key].in_curve
            losses[key] = losses.get(key, 0.0) + worth * (looking.main if is_main else 1.0)
    return losses


def _is_whole(entry: Shown | Printed) -> bool:
    return all(ALL in (key.centre, key.arm) for key in entry.keys)


def check_exposed(cohort: Cohort, ledger: Ledger, solution: Solution, chosen: Profile) -> None:
    """Refuse a release in which a number cannot be protected; one that a rounded number bounds has ``least`` values."""
    width = solution.high - solution.low
    known = solution.exposed & (width < chosen.min_cell_count - 1 - 1e-6)
    if known.any():
        kinds = sorted({key.name for key, is_known in zip(ledger.counts, known, strict=True) if is_known})
        what = f"{int(known.sum())} protected numbers can be worked out whatever is hidden ({', '.join(kinds)})."
        raise UserError([Fault(f"{cohort.name}, protect", what, "Release fewer tables, or choose another profile.")])


def over_shown(study: Study, decided: Decided, persons: Mapping[str, pd.DataFrame]) -> tuple[Study, Decided]:
    """The synthesis over the centres whose effects may leave, where those of others stay inside.

    It follows from effects that are shown, with the covariance that their regressions give: nothing new is told of
    persons. Who is left out is named by the rows of centres, and counted by ``n_centres``.
    """
    inside = derived.withheld(study, decided.allows)
    if not inside:
        return study, decided
    cohort, effects = study.cohort, persons["effects"].copy()
    for (analysis, arm), centres in inside.items():
        own = (effects["analysis"] == analysis) & (effects["arm"] == arm) & effects["centre"].isin(centres)
        effects.loc[own, "status"] = HIDDEN
    names = {analysis for analysis, _ in inside}
    chosen = replace(cohort, analyses=tuple(a for a in cohort.analyses if a.name in names))
    made = synthesise(chosen, persons["people"], persons["panel"], effects)
    tables = {name: _with(study.tables[name], store.as_read(table)) for name, table in made.items()}
    study = replace(study, tables=study.tables | tables)
    entries = Ledger.of(
        [
            *decided.ledger.counts.values(),
            *(entry for speak in AGAIN for entry in speak(study)),
        ]
    )
    kept = [entry for entry in decided.ledger.shown if entry.table not in tables]
    return study, replace(decided, ledger=replace(decided.ledger, shown=[*kept, *entries.shown]))


def _with(table: pd.DataFrame, new: pd.DataFrame) -> pd.DataFrame:
    """A table with the rows of some analyses made anew, in their places."""
    at = table.index[table["analysis"].isin(set(new["analysis"]))]
    return pd.concat([table.drop(index=at), new.set_axis(at)]).sort_index()


def hidden_cells(tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Where a number is hidden: table, row (the first below the heads is 1) and column."""
    found = [
        (name, int(row) + 1, table.columns[column])
        for name, table in tables.items()
        for row, column in np.argwhere((table == SIGN).to_numpy())
    ]
    return pd.DataFrame(found, columns=["table", "row", "column"])


def by_table(tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """How many numbers and signs stand in each released table, and how many of them are signs."""
    rows = []
    for name, table in tables.items():
        numbers = table[[column for column in table.columns if column not in LABELS | TEXTS]]
        n, hidden = int(numbers.notna().sum().sum()), int((numbers == SIGN).sum().sum())
        rows.append((name, n, hidden, round(hidden / n, 4) if n else 0.0))
    return pd.DataFrame(rows, columns=["table", "n_numbers", "n_hidden", "share_hidden"])


def how_near(solution: Solution) -> pd.DataFrame:
    """What it costs to hide numbers for the sake of others, the least that it can cost, and the rest as a share."""
    gap = max(0.0, solution.cost - solution.bound) / solution.cost if solution.cost else 0.0
    row = (round(solution.cost), round(min(solution.bound, solution.cost)), round(gap, 4))
    return pd.DataFrame([row], columns=["cost", "bound", "gap"])


def audit(
    ledger: Ledger, system: System, solution: Solution, reasons: Mapping[Key, str], given: np.ndarray
) -> pd.DataFrame:
    """Counts that are hidden: why, how wide an interval they need, and values that an attacker cannot tell apart."""
    rows = []
    for i, key in enumerate(ledger.counts):
        if key in reasons or (solution.hidden[i] and not given[i]):
            low, high = (solution.low[i], solution.high[i]) if key in reasons else (None, None)
            rows.append((str(key), reasons.get(key, OTHER), system.needed[i] or None, low, high))
    return pd.DataFrame(rows, columns=["count", "reason", "needed", "low", "high"])
