"""Months at work over the whole register, for analysed and excluded persons alike.

A timeline runs over the calendar months 2005-01..2018-12; the register is complete from 2009-01.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tools.twin import counts
from tools.twin.published import MONTHS
from tools.twin.regression import Floats, Ints, Roster

NO_DAY = -99999  # no date: still open, not dead, not known
FIRST_MONTH = 2005 * 12
N_MONTHS = 14 * 12
PRINTED_MONTH = 18
YOUNGEST_WORKER = 16
WINDOW_BEFORE = 43
BEFORE = ((-43, -24, -12, -4, -1), (0.25, 0.22, 0.18, 0.12, 0.06))  # share at work before
N_REDRAWS = 130
EMPLOYED_MONTH_18 = (49, 84)  # of all 181 controls and 227 IPS persons: .271 and .370


@dataclass(frozen=True)
class Timeline:
    """Persons x calendar months: at work in an ordinary job, and under a wage subsidy.

    ``is_jobless`` marks persons whose subsidised months come without a job.
    """

    ordinary: Ints
    subsidised: Ints
    is_jobless: Ints


def at_randomisation(roster: Roster) -> Ints:
    """Position of every person's month of randomisation on the timeline."""
    return roster.first_month - FIRST_MONTH


def analysed_months(roster: Roster, panel: Ints, rng: np.random.Generator) -> Ints:
    """Timeline of the analysed: the panel, a history before it and a continuation after it."""
    zero = at_randomisation(roster)
    months = np.stack([history(int(z), age, rng) for z, age in zip(zero, roster.age, strict=True)])
    for arm in (0, 1):
        months = _even_out(months, roster, np.flatnonzero(roster.assigned == arm), rng)
    for person in range(len(roster)):
        months[person, zero[person] : zero[person] + MONTHS] = panel[person]
        months[person] = _continued(months[person], int(zero[person]) + MONTHS, rng)
    return months


def _even_out(months: Ints, roster: Roster, members: Ints, rng: np.random.Generator) -> Ints:
    """Redraw histories while the share at work comes nearer to one falling curve."""
    months = months.copy()
    zero = at_randomisation(roster)
    wanted = np.interp(np.arange(-WINDOW_BEFORE, 0), *BEFORE) * len(members)
    seen = {person: slice(zero[person] - WINDOW_BEFORE, zero[person]) for person in members}
    counted = sum(months[person, seen[person]] for person in members)
    for person in rng.choice(members, N_REDRAWS):
        row = history(int(zero[person]), roster.age[person], rng)
        trial = counted - months[person, seen[person]] + row[seen[person]]
        if ((trial - wanted) ** 2).sum() < ((counted - wanted) ** 2).sum():
            months[person], counted = row, trial
    return months


def history(zero: int, age: float, rng: np.random.Generator) -> Ints:
    """Draw one person's months at work before randomisation: few, and fewer near it."""
    row = np.zeros(N_MONTHS, dtype=np.int64)
    earliest = max(zero - int((age - YOUNGEST_WORKER) * 12 - 1), 0)
    for _ in range(int(rng.poisson(2.0))):
        last = zero - 1 - int(rng.gamma(1.3, 32.0))
        length = int(rng.geometric(1 / 9))
        if last >= earliest:
            row[max(last - length + 1, earliest) : last + 1] = 1
    row[zero] = 0
    return row


def _continued(row: Ints, begin: int, rng: np.random.Generator) -> Ints:
    """Carry a row on from a month to the end of the register."""
    row = row.copy()
    for month in range(begin, N_MONTHS):
        chance = 0.96 if row[month - 1] else 0.02
        row[month] = int(rng.random() < chance)
    return row


def excluded_roster(rng: np.random.Generator) -> Roster:
    """Persons employed at randomisation, by centre and arm."""
    parts = [
        (centre, arm, begin, end)
        for centre, (begin, end) in enumerate(counts.RECRUITMENT, start=1)
        for arm, sizes in enumerate((counts.EMPLOYED_CONTROL, counts.EMPLOYED_IPS))
        for _ in range(sizes[centre - 1])
    ]
    centre, assigned, begin, end = (np.array(column) for column in zip(*parts, strict=True))
    size = len(parts)
    age: Floats = np.rint((19 + 34 * rng.beta(1.2, 1.8, size)) * 365.25) / 365.25
    flags = [(rng.random(size) < share).astype(float) for share in (0.52, 0.45, 0.85)]
    flags[2][rng.choice(size, 3, replace=False)] = np.nan
    return Roster(centre, assigned, rng.integers(begin, end + 1), age, *flags)


def excluded_months(roster: Roster, employed: Ints, rng: np.random.Generator) -> Ints:
    """Timeline of the excluded: a job around randomisation, and so many at work in month 18.

    Parameters
    ----------
    employed : array of 2
        Persons at work in month 18, by arm.
    """
    months = np.zeros((len(roster), N_MONTHS), dtype=np.int64)
    for arm in (0, 1):
        members = np.flatnonzero(roster.assigned == arm)
        works = rng.permutation(np.arange(len(members)) < employed[arm])
        for person, at_work in zip(members, works, strict=True):
            zero = int(at_randomisation(roster)[person])
            row = history(zero, roster.age[person], rng)
            months[person] = _with_current_job(row, zero, bool(at_work), rng)
    return months


def _with_current_job(row: Ints, zero: int, at_work: bool, rng: np.random.Generator) -> Ints:
    """Add the job held at randomisation and what follows it."""
    row = row.copy()
    begin = zero - min(int(rng.geometric(1 / 12)), 26)
    printed = zero + PRINTED_MONTH
    stays = at_work and rng.random() < 0.65
    end = printed + int(rng.geometric(1 / 14)) if stays else zero + int(rng.integers(1, 12))
    row[begin : min(end, N_MONTHS - 1) + 1] = 1
    if at_work and not stays:
        again = int(rng.integers(end + 2, printed + 1))
        row[again : min(printed + int(rng.geometric(1 / 12)), N_MONTHS - 1) + 1] = 1
    row = _with_short_jobs(row, (zero + 2, printed), rng)
    row = _with_short_jobs(row, (printed + 1, zero + MONTHS), rng)
    last = max(zero + MONTHS, int(np.flatnonzero(row).max()) + 2)
    return _continued(row, last, rng)


def _with_short_jobs(row: Ints, span: tuple[int, int], rng: np.random.Generator) -> Ints:
    """Add a few short jobs between two months, as the analysed have them."""
    row = row.copy()
    for _ in range(int(rng.poisson(0.9))):
        begin = int(rng.integers(*span))
        row[begin : min(begin + int(rng.geometric(1 / 3)), span[1])] = 1
    return row
