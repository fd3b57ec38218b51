"""The fine screw: ages, moved by days or weeks until the last coefficients print as published."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy.optimize import lsq_linear

from tools.twin import counts
from tools.twin.covariates import AGE_RANGE, age_slopes, target_values
from tools.twin.published import HALF_UNIT, MODELS
from tools.twin.regression import Floats, Ints, Roster, design

DAYS_PER_YEAR = 365.25
COMFORT = 0.7  # part of the half unit inside which a coefficient is left alone


def turn(roster: Roster, panel: Ints, n_steps: int = 6) -> Roster:
    """Move ages, as little as possible, towards the printed coefficients and constants."""
    age = roster.age
    for _ in range(n_steps):
        slopes, off = _linearise(replace(roster, age=age), panel)
        gap = np.clip(off, -COMFORT, COMFORT) - off
        if np.abs(gap).max() < 0.05:
            break
        means, wanted = _centre_means(roster.centre, age)
        left = np.vstack([slopes * 4, means * 50, np.eye(len(age)) * 0.2])
        right = np.concatenate([gap * 4, wanted * 50, np.zeros(len(age))])
        low, high = AGE_RANGE
        bounds = (np.minimum(low - age, -1e-9), np.maximum(high - age, 1e-9))
        age = age + lsq_linear(left, right, bounds=bounds, method="bvls").x
    return replace(roster, age=whole_days(age))


def whole_days(age: Floats) -> Floats:
    """Round ages to whole days, as birth dates have them."""
    return np.rint(age * DAYS_PER_YEAR) / DAYS_PER_YEAR


def _linearise(roster: Roster, panel: Ints) -> tuple[Floats, Floats]:
    """Slopes of all printed numbers in the ages and their distance, in half units."""
    slopes, off = [], []
    for model in MODELS:
        spec = design(roster, model)
        target = target_values(model)
        flat = spec.matrix.reshape(-1, spec.matrix.shape[2])
        outcome = panel[spec.persons].astype(float)
        bread = np.asarray(np.linalg.inv(flat.T @ flat), dtype=np.float64)
        value = bread @ (flat.T @ outcome.ravel())
        residual = outcome - spec.matrix @ value
        rows = [spec.terms.index(term) for term in target]
        full = np.zeros((len(rows), len(roster)))
        full[:, spec.persons] = age_slopes(spec.matrix, residual, bread, float(value[1]))[rows]
        slopes.append(full / HALF_UNIT)
        off.append((value[rows] - np.array(list(target.values()))) / HALF_UNIT)
    return np.vstack(slopes), np.concatenate(off)


def _centre_means(centre: Ints, age: Floats) -> tuple[Floats, Floats]:
    """Rows and gaps that keep the lowest and highest centre mean of age as printed."""
    pairs = (counts.YOUNGEST_CENTRE, counts.OLDEST_CENTRE)
    rows = np.array([(centre == number) / (centre == number).sum() for number, _ in pairs])
    return rows, np.array([mean for _, mean in pairs]) - rows @ age
