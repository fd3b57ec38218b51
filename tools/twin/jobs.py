"""Dated job spells from months at work: several employers, overlaps, open ends."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tools.twin.regression import Ints
from tools.twin.timeline import FIRST_MONTH, N_MONTHS, NO_DAY

N_EMPLOYERS = 260
HOURS = (37.5, 35.5, 30.0, 28.0, 22.5, 20.0, 18.75, 15.0, 11.25, 7.5, 4.0)
HOURS_SHARE = (0.28, 0.06, 0.07, 0.04, 0.06, 0.13, 0.11, 0.09, 0.06, 0.07, 0.03)


@dataclass(frozen=True)
class Spell:
    """A job of one person; days since 1970-01-01, ``end`` is ``NO_DAY`` while it is still open."""

    person: int
    employer: int
    start: int
    end: int
    weekly_hours: float
    kind: str


def month_start(position: int) -> int:
    """First day of a month of the timeline, as days since 1970-01-01."""
    month = np.datetime64("1970-01", "M") + (FIRST_MONTH + position - 1970 * 12)
    return int(month.astype("datetime64[D]").astype(np.int64))


def some_day(position: int, rng: np.random.Generator, edge: float, is_end: bool) -> int:
    """Draw a day of a month: often its first (a start) or its last (an end)."""
    first, after = month_start(position), month_start(position + 1)
    if rng.random() < edge:
        return after - 1 if is_end else first
    return int(rng.integers(first, after))


def runs(row: Ints) -> list[tuple[int, int]]:
    """First and last positions of the stretches of ones."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], row, [0]])))
    return [(int(begin), int(end) - 1) for begin, end in zip(edges[::2], edges[1::2], strict=True)]


def person_spells(person: int, at_work: Ints, rng: np.random.Generator) -> list[Spell]:
    """Turn one person's months at work into dated jobs."""
    employers = rng.choice(N_EMPLOYERS, 6, replace=False)
    spells: list[Spell] = []
    for begin, end in runs(at_work):
        spells += _run_spells(person, (begin, end), employers, rng)
    return spells


def _run_spells(person: int, run: tuple[int, int], employers: Ints, rng: np.random.Generator) -> list[Spell]:
    """Cover every month of a run with jobs of one or more employers."""
    begin, end = run
    start = some_day(begin, rng, 0.35, is_end=False)
    stop = max(some_day(end, rng, 0.45, is_end=True), start)
    if begin == end and rng.random() < 0.08:
        stop = start
    is_open = end == N_MONTHS - 1 and rng.random() < 0.9
    pieces = _pieces(begin, end, start, stop, rng)
    chosen = rng.permutation(employers)
    spells = [_spell(person, int(chosen[number]), *piece, rng) for number, piece in enumerate(pieces)]
    if end - begin >= 3 and rng.random() < 0.15:
        spells.append(_spell(person, int(chosen[-1]), *_inside(start, stop, rng), rng))
    if end - begin >= 2 and rng.random() < 0.07:
        begin_again, end_again = _inside(*pieces[0], rng)
        spells.append(_spell(person, int(chosen[0]), begin_again, end_again, rng))
    if is_open:
        last = spells[len(pieces) - 1]
        spells[len(pieces) - 1] = Spell(person, last.employer, last.start, NO_DAY, last.weekly_hours, last.kind)
    return spells


def _pieces(begin: int, end: int, start: int, stop: int, rng: np.random.Generator) -> list[tuple[int, int]]:
    """Split a run of six months or more into jobs that follow or overlap each other."""
    if end - begin < 5 or rng.random() > 0.4:
        return [(start, stop)]
    cut = int(rng.integers(begin + 1, end))
    leave = some_day(cut, rng, 0.5, is_end=True)
    enter = some_day(cut if rng.random() < 0.4 else cut + 1, rng, 0.4, is_end=False)
    return [(start, leave), (min(enter, stop), stop)]


def _inside(start: int, stop: int, rng: np.random.Generator) -> tuple[int, int]:
    first, last = np.sort(rng.integers(start, stop + 1, 2))
    return int(first), int(last)


def _spell(person: int, employer: int, start: int, end: int, rng: np.random.Generator) -> Spell:
    hours = float(rng.choice(HOURS, p=HOURS_SHARE)) if rng.random() > 0.08 else float("nan")
    kind = "temporary" if rng.random() < 0.45 else "permanent"
    return Spell(person, employer, start, end, hours, kind)


def subsidy_spells(
    person: int, subsidised: Ints, spells: list[Spell], rng: np.random.Generator
) -> list[tuple[int, int, int]]:
    """Date one person's subsidised months: beside the job if there is one."""
    dated = []
    for begin, end in runs(subsidised):
        first, last = month_start(begin), month_start(end + 1) - 1
        beside = [s for s in spells if s.start <= last and (s.end == NO_DAY or s.end >= first)]
        start = min((max(s.start, first) for s in beside), default=NO_DAY)
        stop = max((last if s.end == NO_DAY else min(s.end, last) for s in beside), default=NO_DAY)
        if start == NO_DAY:
            start = some_day(begin, rng, 0.5, is_end=False)
            stop = max(some_day(end, rng, 0.5, is_end=True), start)
        dated.append((person, start, stop))
    return dated
