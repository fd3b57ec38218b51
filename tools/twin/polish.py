"""Local search over spells: small moves until every coefficient and every star is as printed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tools.twin.published import HALF_UNIT, MONTHS
from tools.twin.regression import Floats, Ints, Roster
from tools.twin.scores import Engine, start, trial

INSIDE = 0.85  # aim at this part of the half unit that still prints the figure
T_MARGIN = 0.03
FAR = 0.1  # half units from which the pull of the constant is even
N_TRIALS = 160
SHAPE_LOOSE = 700.0
PRINTED_MONTH = 18  # the month whose share employed is published
MOST_FRAGMENTS = 110  # months at work or off work alone
FRAGMENT_WEIGHT = 0.01
MOST_MONTHS = 42


@dataclass(frozen=True)
class Task:
    """What is searched: the persons, the models, and persons wanted at work by arm and month."""

    roster: Roster
    machines: list[Engine]
    wanted: Floats

    @property
    def members(self) -> list[Ints]:
        """Persons of every centre and arm."""
        return [np.flatnonzero(self.roster.cell == cell) for cell in range(12)]

    def counted(self, panel: Ints) -> Floats:
        """Persons at work by arm and month."""
        arms = np.stack([self.roster.assigned == arm for arm in (0, 1)]).astype(float)
        return arms @ panel


@dataclass(frozen=True)
class Moves:
    """Trial moves: persons (trials x 2) and changes of their months (trials x 2 x months)."""

    persons: Ints
    change: Ints


def loss_terms(machine: Engine, coefficient: Floats, error: Floats) -> Floats:
    """Squared excess over the printed intervals and the star windows, one number a trial."""
    excess = np.abs(coefficient[:, :-1] - machine.value) / HALF_UNIT - INSIDE
    loss = (np.maximum(excess, 0) ** 2).sum(axis=1)
    statistic = np.abs(coefficient[:, :-1]) / error
    low = np.where(machine.low > 0, machine.low + T_MARGIN, 0)
    outside = np.maximum(low - statistic, 0) + np.maximum(statistic - machine.high + T_MARGIN, 0)
    loss = loss + ((outside / 0.03) ** 2).sum(axis=1)
    off = np.maximum(np.abs(coefficient[:, -1] - machine.constant) / HALF_UNIT - INSIDE, 0)
    # Far away the constant pulls evenly: a square would tear the other coefficients apart.
    return loss + off**2 / (1 + off / FAR)


def move(row: Ints, kind: int, rng: np.random.Generator) -> Ints:
    """Change one person's months: extend, shrink, shift, add or delete a run."""
    new = row.copy()
    edge = np.flatnonzero(np.diff(row)) + 1
    size = int(rng.integers(1, 4))
    if kind == 0 and len(edge):  # move a border to the right or left
        at = int(rng.choice(edge))
        if rng.random() < 0.5:
            new[at : at + size] = row[at - 1]
        else:
            new[max(at - size, 1) : at] = row[at]
    elif kind == 1 and row.any():  # shift everything
        new[1:] = np.roll(row[1:], size if rng.random() < 0.5 else -size)
    elif kind == 2:  # add a run
        at = int(rng.integers(1, MONTHS))
        new[at : at + size + 2] = 1
    elif kind == 3:  # cut months out
        at = int(rng.integers(1, MONTHS))
        new[at : at + size] = 0
    else:  # swap two stretches
        one, two = rng.integers(1, MONTHS - size, 2)
        new[one : one + size] = row[two : two + size]
        new[two : two + size] = row[one : one + size]
    new[0] = 0
    return new


def fragments(rows: Ints) -> Ints:
    """Count months at work alone and months off alone, in each row (last axis is months)."""
    middle, before, after = rows[..., 1:-1], rows[..., :-2], rows[..., 2:]
    return ((middle != before) & (middle != after)).sum(axis=-1)


def proposals(cell: Ints, panel: Ints, members: list[Ints], rng: np.random.Generator) -> Moves:
    """Draw trial moves of one or two persons of the same centre and arm."""
    persons = np.zeros((N_TRIALS, 2), dtype=np.int64)
    change = np.zeros((N_TRIALS, 2, MONTHS), dtype=np.int64)
    for number in range(N_TRIALS):
        one = int(rng.integers(len(cell)))
        group = members[cell[one]]
        two = int(rng.choice(group[group != one]))
        persons[number] = one, two
        change[number, 0] = move(panel[one], int(rng.integers(5)), rng) - panel[one]
        if rng.random() < 0.6:
            change[number, 1] = move(panel[two], int(rng.integers(5)), rng) - panel[two]
    return Moves(persons, change)


def polish(task: Task, panel: Ints, rng: np.random.Generator, n_rounds: int) -> tuple[Ints, float]:
    """Take the best of many random moves, round after round, while the loss falls.

    Returns
    -------
    panel, loss
    """
    panel, members = panel.copy(), task.members
    states = [start(machine, panel) for machine in task.machines]
    best = np.inf
    for _ in range(n_rounds):
        moves = proposals(task.roster.cell, panel, members, rng)
        loss = _plausibility(task, panel, moves)
        for machine, state in zip(task.machines, states, strict=True):
            found = trial(machine, state, moves.persons, moves.change.astype(float))
            loss = loss + loss_terms(machine, *found)
        # Rounded, so that the last bits of another processor decide nothing.
        loss = np.round(loss, 7)
        chosen = int(np.argmin(loss))
        if loss[chosen] < best:
            best = float(loss[chosen])
            for side in (0, 1):
                panel[moves.persons[chosen, side]] += moves.change[chosen, side]
            states = [start(machine, panel) for machine in task.machines]
        if best == 0:
            break
    return panel, best


def _plausibility(task: Task, panel: Ints, moves: Moves) -> Floats:
    """Penalty for a bent figure 5, for many single months and for too many months at work."""
    before, after = panel[moves.persons], panel[moves.persons] + moves.change
    counted, arm = task.counted(panel), task.roster.assigned[moves.persons[:, 0]]
    stress = np.where(np.arange(MONTHS) == PRINTED_MONTH, 30.0, 1.0)
    shape = (counted[arm] + moves.change.sum(axis=1) - task.wanted[arm]) ** 2 @ stress
    shape = shape + (counted[1 - arm] - task.wanted[1 - arm]) ** 2 @ stress
    rough = fragments(panel).sum() + (fragments(after) - fragments(before)).sum(axis=1)
    overworked = (after.sum(axis=2) > MOST_MONTHS).any(axis=1)
    loss = np.maximum(shape / SHAPE_LOOSE - 1, 0) + 1e6 * overworked
    return loss + FRAGMENT_WEIGHT * np.maximum(rough - MOST_FRAGMENTS, 0)
