"""Ages, sex and education that bind model 1 to model 2.

Model 1 minus model 2 equals the coefficient of education times the full regression of education
on model 1's terms. That is a property of the covariates alone, and ages are moved until it holds.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy import stats
from scipy.optimize import lsq_linear

from tools.twin import counts
from tools.twin.published import load, printed_coefficients, printed_constants
from tools.twin.regression import Floats, Ints, Roster, design

AGE_RANGE = (18.3, 61.5)
AGE_SPREAD = 11.0
AGE_SLOPE = {1: -0.0037, 2: -0.0046, 3: -0.0046}


def target_values(model: int) -> dict[str, float]:
    """Give the printed values of one model by term, the constant included."""
    published = load()
    entries = printed_coefficients(published) + printed_constants(published)
    return {entry.term: entry.value for entry in entries if entry.model == model}


def aim_values(model: int) -> dict[str, float]:
    """Values to aim at: as printed, with the slope on age where the constants are in reach."""
    return target_values(model) | {"age": AGE_SLOPE[model]}


def first_roster(rng: np.random.Generator) -> Roster:
    """Persons with the right counts in every centre and arm, nothing fitted yet."""
    parts = [_cell(rng, centre, arm) for centre in range(6) for arm in (0, 1)]
    columns = [np.concatenate(column) for column in zip(*parts, strict=True)]
    centre, assigned, first_month, age, female, low = columns
    native = np.full(len(centre), np.nan)
    return Roster(centre, assigned, first_month, age, female, low, native)


def _cell(rng: np.random.Generator, centre: int, arm: int) -> tuple[np.ndarray, ...]:
    """Persons of one centre and arm."""
    n_persons = (counts.CONTROL, counts.IPS)[arm][centre]
    begin, end = counts.RECRUITMENT[centre]
    spread = (np.arange(n_persons) + rng.uniform(0, 1, n_persons)) / n_persons
    first_month = (begin + np.floor(spread * (end - begin + 1))).astype(np.int64)
    shape = stats.beta(1.15, 1.9)
    position = shape.ppf((np.arange(n_persons) + 0.5) / n_persons)
    position = (position - position.mean()) / position.std()
    age = counts.AGE_MEAN[centre][arm] + rng.permutation(position) * AGE_SPREAD
    female = _marks(rng, n_persons, counts.FEMALE[centre][arm])
    low = _marks(rng, n_persons, counts.LOW_EDUCATION[centre][arm])
    same = np.full(n_persons, 1, dtype=np.int64)
    return same * (centre + 1), same * arm, first_month, age.clip(*AGE_RANGE), female, low


def _marks(rng: np.random.Generator, n_persons: int, n_marked: int) -> Floats:
    return rng.permutation((np.arange(n_persons) < n_marked).astype(float))


def education_targets() -> dict[str, float]:
    """Regression of low education on model 1's terms that the printed models imply."""
    one, two = target_values(1), target_values(2)
    effect = two["less_than_upper_secondary"]
    targets = {term: (one[term] - two[term]) / effect for term in one}
    # The rounding of -0.004 and -0.005 leaves the slope on age wide open.
    return targets | {"age": -0.0079}


def calendar_free(roster: Roster) -> Floats:
    """Weight matrix persons x persons that projects the calendar out of person-level columns."""
    spec = design(roster, 1)
    dummies = spec.matrix[:, :, [name.startswith(("year_", "month_")) for name in spec.terms]]
    sums = dummies.sum(axis=1)
    flat = dummies.reshape(-1, dummies.shape[2])
    n_months = spec.matrix.shape[1]
    return n_months * np.eye(len(roster)) - sums @ np.linalg.solve(flat.T @ flat, sums.T)


def anneal(roster: Roster, rng: np.random.Generator, n_swaps: int = 12000) -> Roster:
    """Swap ages, sexes and education inside centre and arm until the identity nearly holds."""
    targets = education_targets()
    names = design(roster, 1).terms[: len(targets)]
    wanted = np.array([targets[name] for name in names])
    scale = np.array([150.0 if name == "age" else 1.0 for name in names])
    weights = calendar_free(roster)
    fixed = design(roster, 1).matrix[:, 0, : len(names)].copy()
    low = roster.low_education.copy()

    def loss(matrix: Floats, outcome: Floats) -> float:
        half = weights @ matrix
        gap = np.linalg.solve(matrix.T @ half, half.T @ outcome) - wanted
        return round(float(((gap * scale) ** 2).sum()), 12)

    best = loss(fixed, low)
    for step in range(n_swaps):
        one = int(rng.integers(len(low)))
        two = int(rng.choice(np.flatnonzero(roster.cell == roster.cell[one])))
        column = int(rng.integers(1, 4))
        target = low if column == 3 else fixed[:, column]
        target[[one, two]] = target[[two, one]]
        value = loss(fixed, low)
        if value < best + 0.002 * (1 - step / n_swaps) ** 2 * rng.exponential():
            best = value
        else:
            target[[one, two]] = target[[two, one]]
    return replace(roster, age=fixed[:, 1], female=fixed[:, 2], low_education=low)


def age_slopes(matrix: Floats, residual: Floats, bread: Floats, slope: float) -> Floats:
    """Differentiate every coefficient by every person's age: terms x persons."""
    age_term = 1
    pull = -slope * matrix.sum(axis=1)
    pull[:, age_term] += residual.sum(axis=1)
    return bread @ pull.T


def fit_ages(roster: Roster, n_steps: int = 40) -> Roster:
    """Move ages, as little as possible, until the identity of models 1 and 2 holds."""
    targets = education_targets()
    age = roster.age
    for _ in range(n_steps):
        spec = design(replace(roster, age=age), 1)
        flat = spec.matrix.reshape(-1, spec.matrix.shape[2])
        outcome = np.repeat(roster.low_education, spec.matrix.shape[1])
        bread = np.asarray(np.linalg.inv(flat.T @ flat), dtype=np.float64)
        value = bread @ (flat.T @ outcome)
        residual = (outcome - flat @ value).reshape(len(roster), -1)
        rows = [spec.terms.index(term) for term in targets]
        slopes = age_slopes(spec.matrix, residual, bread, value[1])[rows]
        gap = np.array(list(targets.values())) - value[rows]
        if np.abs(gap).max() < 1e-3:
            break
        scale = np.array([200.0 if term == "age" else 1.0 for term in targets])
        age = age + _bounded_step(slopes * scale[:, None], gap * scale, age, roster.centre)
    return replace(roster, age=age)


def _bounded_step(slopes: Floats, gap: Floats, age: Floats, centre: Ints) -> Floats:
    """Least change of ages that closes the gap and keeps two centre means as printed."""
    means, wanted = [], []
    for number, mean in (counts.YOUNGEST_CENTRE, counts.OLDEST_CENTRE):
        row = (centre == number) / (centre == number).sum()
        means.append(row)
        wanted.append(mean - row @ age)
    left = np.vstack([slopes * 150, np.array(means) * 50, np.eye(len(age)) * 0.03])
    right = np.concatenate([gap * 150, np.array(wanted) * 50, np.zeros(len(age))])
    low, high = AGE_RANGE
    bounds = (np.minimum(low - age, -1e-9), np.maximum(high - age, 1e-9))
    return np.asarray(lsq_linear(left, right, bounds=bounds, method="bvls").x)
