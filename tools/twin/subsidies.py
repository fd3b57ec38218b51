"""Months under a wage subsidy: the counts of table 4, and some outside its window."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from tools.twin import counts
from tools.twin.regression import Ints, Roster
from tools.twin.timeline import N_MONTHS, Timeline, at_randomisation

WINDOW = 12
LONGEST = 6
N_LATER, N_EARLIER, N_EXCLUDED = 12, 6, 4


@dataclass(frozen=True)
class Block:
    """A stretch of subsidised months wanted: its length, and months from randomisation."""

    length: int
    begin: int
    end: int


def of_analysed(roster: Roster, ordinary: Ints, rng: np.random.Generator) -> Timeline:
    """Put subsidised months where nobody is in ordinary work."""
    line = Timeline(ordinary, np.zeros_like(ordinary), np.zeros(len(roster), dtype=np.int64))
    zero = at_randomisation(roster)
    for cell in range(12):
        members = np.flatnonzero(roster.cell == cell)
        line = _filled(line, zero, members, counts.SUBSIDISED[cell // 2][cell % 2], rng)
    everyone = np.arange(len(roster))
    for number in range(N_LATER + N_EARLIER):
        span = (WINDOW + 1, 44) if number < N_LATER else (-36, -3)
        block = Block(int(rng.integers(2, LONGEST + 1)), *span)
        line = _placed(line, zero, everyone, block, rng) or line
    is_jobless = np.zeros(len(roster), dtype=np.int64)
    is_jobless[rng.choice(np.flatnonzero(line.subsidised.any(axis=1)), 3, replace=False)] = 1
    return replace(line, is_jobless=is_jobless)


def _filled(line: Timeline, zero: Ints, members: Ints, total: int, rng: np.random.Generator) -> Timeline:
    """Place blocks in months 1..12 of a centre and arm until the printed count is there."""
    while total > 0:
        length = min(int(rng.integers(2, LONGEST + 1)), total)
        while (new := _placed(line, zero, members, Block(length, 1, WINDOW + 1), rng)) is None:
            length -= 1
        line, total = new, total - length
    return line


def _placed(line: Timeline, zero: Ints, members: Ints, block: Block, rng: np.random.Generator) -> Timeline | None:
    """Place one block, by preference one that leads into a job; None where there is no room."""
    length = block.length
    places = [
        (person, first, bool(line.ordinary[person, first + length]))
        for person in members
        if not line.subsidised[person].any()
        for first in range(zero[person] + block.begin, zero[person] + block.end - length + 1)
        if first + length < N_MONTHS and not line.ordinary[person, first : first + length].any()
    ]
    leading = [place for place in places if place[2]]
    choice = leading if leading and rng.random() < 0.6 else places
    if not choice:
        return None
    person, first, _ = choice[int(rng.integers(len(choice)))]
    subsidised = line.subsidised.copy()
    subsidised[person, first : first + length] = 1
    return replace(line, subsidised=subsidised)


def of_excluded(roster: Roster, ordinary: Ints, rng: np.random.Generator) -> Timeline:
    """Give a few of the excluded a subsidised job on the day of randomisation."""
    ordinary = ordinary.copy()
    subsidised = np.zeros_like(ordinary)
    zero = at_randomisation(roster)
    for person in rng.choice(len(roster), N_EXCLUDED, replace=False):
        span = slice(zero[person] - 1, zero[person] + 2)
        subsidised[person, span] = ordinary[person, span]
        ordinary[person, span] = 0
    return Timeline(ordinary, subsidised, np.zeros(len(roster), dtype=np.int64))
