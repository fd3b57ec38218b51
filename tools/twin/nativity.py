"""Country of birth, and who lacks it: what binds model 2 to model 3.

Model 2 minus model 3 is the effect of leaving nine persons out (their residuals) plus the
coefficient of country of birth times its regression on model 2's terms.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from tools.twin import counts
from tools.twin.covariates import aim_values
from tools.twin.published import MONTHS
from tools.twin.regression import Floats, Ints, Roster, design

SHAPE = np.arange(MONTHS) ** 0.8
N_MOVES = 60000
N_ATTEMPTS = 10


@dataclass(frozen=True)
class Nativity:
    """The roster with country of birth, and months worked by the persons who lack it."""

    roster: Roster
    unknown: Ints
    months_worked: Floats


def rough_panel(roster: Roster, months_worked: Floats) -> Floats:
    """Spread months worked over months 1..43 in the shape of a rising share."""
    return months_worked[:, None] * SHAPE[None, :] / SHAPE.sum()


def predicted_share(roster: Roster, model: int, level: float = 0.0) -> Floats:
    """Share of months worked that the printed coefficients predict, up to a level."""
    spec = design(roster, model)
    target = aim_values(model)
    share = np.full(len(spec.persons), level)
    for term, value in target.items():
        if term != "constant":
            share = share + value * spec.matrix[:, 0, spec.terms.index(term)]
    return share


def assign(roster: Roster, rng: np.random.Generator) -> Nativity:
    """Choose the nine persons and everyone's country of birth: the best of some annealings."""
    tries = [_attempt(roster, rng) for _ in range(N_ATTEMPTS)]
    return min(tries, key=lambda attempt: attempt[0])[1]


def _attempt(roster: Roster, rng: np.random.Generator) -> tuple[float, Nativity]:
    """One annealing, and the largest difference that is left."""
    unknown = _unknown_persons(roster, rng)
    known = np.setdiff1d(np.arange(len(roster)), unknown)
    pulls, gap, rows = _deletion(roster, unknown, known)
    native = _first_native(roster, known, rng)
    months = np.where(roster.assigned[unknown] == 1, 30.0, 2.0)
    rows = rows * aim_values(3)["born_in_norway"]
    native, months = _anneal(roster, known, (native, months), (rows, pulls, gap), rng)
    left = float(np.abs(rows @ native + pulls @ months - gap).max())
    column = np.full(len(roster), np.nan)
    column[known] = native
    return round(left, 9), Nativity(replace(roster, native=column), unknown, months)


def _unknown_persons(roster: Roster, rng: np.random.Generator) -> Ints:
    """Draw the persons without country of birth, so many in every centre and arm."""
    chosen = [
        rng.choice(np.flatnonzero(roster.cell == 2 * centre + arm), size=pair[arm], replace=False)
        for centre, pair in enumerate(counts.UNKNOWN_BIRTH)
        for arm in (0, 1)
    ]
    return np.sort(np.concatenate(chosen))


def _first_native(roster: Roster, known: Ints, rng: np.random.Generator) -> Floats:
    native = np.zeros(len(known))
    for centre, n_native in enumerate(counts.BORN_IN_NORWAY, start=1):
        members = np.flatnonzero(roster.centre[known] == centre)
        native[rng.permutation(members)[:n_native]] = 1
    return native


def _deletion(roster: Roster, unknown: Ints, known: Ints) -> tuple[Floats, Floats, Floats]:
    """Linearise model 2 minus model 3.

    Returns
    -------
    pulls : terms x unknown persons, change per month worked by a person left out
    gap : terms, printed difference less what leaving them out at zero months does
    rows : terms x known persons, regression on country of birth
    """
    spec = design(roster, 2)
    target = aim_values(2)
    share = predicted_share(roster, 2)
    level = 0.228 - share.mean()
    outcome = rough_panel(roster, (share + level) * MONTHS)
    flat = spec.matrix.reshape(-1, spec.matrix.shape[2])
    value = np.linalg.solve(flat.T @ flat, flat.T @ outcome.ravel())
    kept = spec.matrix[known]
    bread = np.linalg.inv(np.einsum("ikp,ikq->pq", kept, kept))
    names = list(target)
    order = [spec.terms.index(name) for name in names]
    worked = np.einsum("ikp,k->pi", spec.matrix[unknown], SHAPE / SHAPE.sum())
    idle = np.einsum("ikp,ik->p", spec.matrix[unknown], spec.matrix[unknown] @ value)
    pulls = (bread @ worked)[order]
    three = aim_values(3)
    printed = np.array([target[name] - three[name] for name in names])
    gap = printed + (bread @ idle)[order]
    return pulls, gap, (bread @ kept.sum(axis=1).T)[order]


def _anneal(
    roster: Roster,
    known: Ints,
    start: tuple[Floats, Floats],
    parts: tuple[Floats, Floats, Floats],
    rng: np.random.Generator,
) -> tuple[Floats, Floats]:
    """Swap countries of birth inside centres and move months until the difference holds."""
    native, months = start[0].copy(), start[1].copy()
    rows, pulls, gap = parts
    scale = np.ones(len(gap))
    scale[0] = 40.0  # the slope on age is per year
    centre = roster.centre[known]
    off = (rows @ native + pulls @ months - gap) * scale
    rows, pulls = rows * scale[:, None], pulls * scale[:, None]
    best = float((off**2).sum())
    for step in range(N_MOVES):
        if rng.random() < 0.2:
            person = int(rng.integers(len(months)))
            moved = float(np.clip(months[person] + rng.integers(-4, 5), 0, 40))
            trial = off + pulls[:, person] * (moved - months[person])
        else:
            one = int(rng.integers(len(known)))
            two = int(rng.choice(np.flatnonzero(centre == centre[one])))
            trial = off + (rows[:, two] - rows[:, one]) * (native[one] - native[two])
            moved = -1.0
        value = float((trial**2).sum())
        if value < best + 2e-6 * (1 - step / N_MOVES) ** 2 * rng.exponential():
            best, off = value, trial
            if moved >= 0:
                months[person] = moved
            else:
                native[[one, two]] = native[[two, one]]
    return native, months
