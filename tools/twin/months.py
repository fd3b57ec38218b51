"""Months worked by every person: U-shaped draws moved as little as the printed models ask."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import stats
from scipy.optimize import lsq_linear

from tools.twin.covariates import aim_values
from tools.twin.nativity import SHAPE, Nativity, predicted_share
from tools.twin.published import HALF_UNIT, MODELS, MONTHS
from tools.twin.regression import Floats, Ints, Roster, design

LEVEL = 0.226
MOST_MONTHS = 42.0
# Spread of the persons' shares of months, (control, IPS) by centre: it sets the clustered errors.
SPREAD = ((0.22, 0.28), (0.34, 0.36), (0.29, 0.29), (0.32, 0.32), (0.21, 0.32), (0.21, 0.27))
# Effects aimed at: age 18-30, older; below upper secondary, others.
SUBGROUP_EFFECTS = np.array([0.135, 0.050, 0.120, 0.050])
N_DRAWS = 150


def months_worked(nativity: Nativity, rng: np.random.Generator) -> Ints:
    """Whole months worked in months 1..43 by every person."""
    draws = [draw(nativity, rng) for _ in range(N_DRAWS)]
    drawn = min(draws, key=lambda months: subgroup_distance(nativity.roster, months))
    fitted = project(nativity.roster, drawn)
    return np.rint(fitted).astype(np.int64).clip(0, int(MOST_MONTHS))


def subgroup_distance(roster: Roster, months: Floats) -> float:
    """How far the subgroups' effects are from those aimed at."""
    groups = (
        roster.age < 31,
        roster.age >= 31,
        roster.low_education == 1,
        roster.low_education == 0,
    )
    reached = [effect_within(roster, months / MONTHS, group) for group in groups]
    return round(float(np.square(np.array(reached) - SUBGROUP_EFFECTS).sum()), 12)


def effect_within(roster: Roster, share: Floats, group: NDArray[np.bool_]) -> float:
    """Difference between the arms inside centres, weighted by precision."""
    effects, weights = [], []
    for centre in np.unique(roster.centre):
        here = group & (roster.centre == centre)
        arms = [share[here & (roster.assigned == arm)] for arm in (0, 1)]
        if min(len(arm) for arm in arms):
            effects.append(arms[1].mean() - arms[0].mean())
            weights.append(len(arms[0]) * len(arms[1]) / (len(arms[0]) + len(arms[1])))
    return float(np.average(effects, weights=weights))


def draw(nativity: Nativity, rng: np.random.Generator) -> Floats:
    """Draw months from a Beta distribution in every centre and arm, ranked by the prediction."""
    roster = nativity.roster
    share = predicted_share(roster, 2)
    share = share + LEVEL - share.mean()
    months = np.zeros(len(roster))
    for cell in np.unique(roster.cell):
        members = np.flatnonzero(roster.cell == cell)
        spread = SPREAD[cell // 2][cell % 2]
        mean = float(share[members].mean())
        concentration = max(mean * (1 - mean) / spread**2 - 1, 0.15)
        shape = stats.beta(mean * concentration, (1 - mean) * concentration)
        quantiles = shape.ppf((np.arange(len(members)) + 0.5) / len(members))
        score = share[members] + rng.normal(0, spread, len(members))
        months[members[np.argsort(score, kind="stable")]] = quantiles * MONTHS
    months[nativity.unknown] = nativity.months_worked
    return months.clip(0, MOST_MONTHS)


def project(roster: Roster, months: Floats) -> Floats:
    """Nearest months that give the printed coefficients, inside 0..42.

    The months are taken to be spread in the shape of a rising share; the level of the constant is
    left out because it depends on where in the calendar the months fall.
    """
    rows, wanted = constraint_rows(roster)
    left = np.vstack([rows / HALF_UNIT * 3, np.eye(len(months)) / 6])
    right = np.concatenate([wanted / HALF_UNIT * 3, months / 6])
    bounds = (np.zeros(len(months)), np.full(len(months), MOST_MONTHS))
    return np.asarray(lsq_linear(left, right, bounds=bounds, method="bvls").x)


def constraint_rows(roster: Roster) -> tuple[Floats, Floats]:
    """Linear rows of the coefficients in months worked, and the printed values."""
    blocks, wanted, constants = [], [], []
    for model in MODELS:
        spec = design(roster, model)
        target = aim_values(model)
        bread = np.linalg.inv(np.einsum("ikp,ikq->pq", spec.matrix, spec.matrix))
        pulls = bread @ np.einsum("ikp,k->pi", spec.matrix, SHAPE / SHAPE.sum())
        full = np.zeros((len(bread), len(roster)))
        full[:, spec.persons] = pulls
        constants.append((full[0], target.pop("constant")))
        blocks.append(full[[spec.terms.index(term) for term in target]])
        wanted += list(target.values())
    for first, second in ((0, 1), (1, 2)):
        blocks.append((constants[first][0] - constants[second][0])[None, :])
        wanted.append(constants[first][1] - constants[second][1])
    return np.vstack(blocks), np.array(wanted)
