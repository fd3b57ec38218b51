"""The search: covariates first, then who worked when, until the published tables come out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from tools.twin import screw
from tools.twin.covariates import anneal, first_roster, fit_ages
from tools.twin.months import months_worked
from tools.twin.nativity import Nativity, assign
from tools.twin.placement import place, profile
from tools.twin.polish import Task, polish
from tools.twin.published import load, printed_coefficients, printed_constants
from tools.twin.regression import Ints, Roster
from tools.twin.scores import engines

FIRST_ROUNDS, MORE_ROUNDS = 2500, 900
N_TURNS = 8
GOOD_ENOUGH = 0.002


def solve(rng: np.random.Generator, report: Callable[[str], None]) -> tuple[Roster, Ints]:
    """Find the analysed persons and their months 0..43 in ordinary employment.

    Parameters
    ----------
    rng : numpy Generator
        The only source of chance.
    report : callable
        Told about the progress.

    Returns
    -------
    roster, panel
        327 persons; persons x 44 months of 0 and 1.
    """
    nativity = covariates(rng)
    report("covariates are fitted")
    roster = nativity.roster
    months = months_worked(nativity, rng)
    panel = place(roster, months, rng)
    wanted = profile(roster, months)
    published = load()
    entries, constants = printed_coefficients(published), printed_constants(published)
    best = (np.inf, roster, panel)
    for turn in range(N_TURNS + 1):
        if turn:
            roster = screw.turn(roster, panel)
        task = Task(roster, engines(roster, entries, constants), wanted)
        n_rounds = MORE_ROUNDS if turn else FIRST_ROUNDS
        panel, loss = polish(task, panel, rng, n_rounds)
        report(f"turn {turn}: loss {loss:.5f}")
        best = min(best, (loss, roster, panel), key=lambda found: found[0])
        if best[0] <= GOOD_ENOUGH:
            break
    return best[1], best[2]


def covariates(rng: np.random.Generator) -> Nativity:
    """Persons whose covariates bind the three models as printed; ages in whole days."""
    fitted = fit_ages(anneal(first_roster(rng), rng))
    nativity = assign(fitted, rng)
    roster = replace(nativity.roster, age=screw.whole_days(nativity.roster.age))
    return replace(nativity, roster=roster)
