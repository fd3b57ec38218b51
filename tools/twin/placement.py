"""Place months worked in time, so that the share employed rises as figure 5 shows."""

from __future__ import annotations

import numpy as np

from tools.twin.published import MONTHS
from tools.twin.regression import Floats, Ints, Roster

# Share employed at months 0, 3, 9, 18, 30, 43 before scaling to the months there are.
KNOTS = (0, 3, 9, 18, 30, 43)
PROFILE = {0: (0.0, 0.02, 0.075, 0.165, 0.255, 0.32), 1: (0.0, 0.07, 0.18, 0.285, 0.36, 0.40)}
# Work is rarer in the first months of a year (January is the base of the calendar months).
SEASON = np.array([-3.5, -3.5, -2.5, -1.5, 0.0, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.0])
N_CANDIDATES = 150


def profile(roster: Roster, months: Ints) -> Floats:
    """Persons wanted at work: arms x months 0..43, zero in month 0."""
    wanted = np.zeros((2, MONTHS))
    for arm in (0, 1):
        total = months[roster.assigned == arm].sum()
        shape = np.interp(np.arange(MONTHS), KNOTS, PROFILE[arm])
        wanted[arm] = shape * total / shape.sum()
    return wanted


def place(roster: Roster, months: Ints, rng: np.random.Generator) -> Ints:
    """Give every person runs of months at work; persons with many months come first."""
    panel = np.zeros((len(months), MONTHS), dtype=np.int64)
    open_places = profile(roster, months)
    for person in np.argsort(-months, kind="stable"):
        if months[person] == 0:
            continue
        arm = roster.assigned[person]
        rows = np.stack([_runs(int(months[person]), rng) for _ in range(N_CANDIDATES)])
        season = SEASON[(roster.first_month[person] + np.arange(MONTHS)) % 12]
        gain = rows @ (open_places[arm] + season)
        panel[person] = rows[int(np.argmax(np.round(gain, 9)))]
        open_places[arm] = open_places[arm] - panel[person]
    return panel


def _runs(n_months: int, rng: np.random.Generator) -> Ints:
    """One random way to work so many of the months 1..43, in one to four runs."""
    most = min(1 + n_months // 3, 4, MONTHS - n_months)
    n_runs = int(rng.integers(1, most + 1))
    lengths = _split(n_months - n_runs, n_runs, rng) + 1
    gaps = _split(MONTHS - 1 - n_months - (n_runs - 1), n_runs + 1, rng)
    gaps[1:-1] += 1
    row = np.zeros(MONTHS, dtype=np.int64)
    at = 1
    for gap, length in zip(gaps, lengths, strict=False):
        row[at + gap : at + gap + length] = 1
        at += gap + length
    return row


def _split(total: int, n_parts: int, rng: np.random.Generator) -> Ints:
    """Split a total into parts, unevenly."""
    weights = rng.dirichlet(np.full(n_parts, 1.5))
    return np.asarray(rng.multinomial(total, weights), dtype=np.int64)
