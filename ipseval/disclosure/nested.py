"""Covariates that are sums of levels of others: ``less_than_upper_secondary`` is two levels of ``education``.

A reader of the balance table knows such a sum from the covariates' names, and subtracts. ``registers.covariates`` says
which of our own covariates are made of which levels; a cohort's own columns may be nested as well (two groupings of one
diagnosis), which no declaration says. So a sum that holds in every arm of every centre is taken for one: where it is
chance the attacker is thought to know more than anybody does, which hides too much and never too little.
"""

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from ipseval.disclosure.keys import Key, With, others
from ipseval.disclosure.ledger import Entry, total
from ipseval.disclosure.study import Study, records
from ipseval.registers.covariates import SUMS_OF_LEVELS
from ipseval.tables.described import is_share

MOST_LEVELS = 8  # of a covariate whose sums of levels are tried: 254 of them

Cells = list[tuple[str, str]]  # centres and arms


@dataclass(frozen=True)
class Share:
    """Persons with a level of a covariate; int, in every arm of every centre.

    Parameters
    ----------
    variable, level : str
    n_known, n_with : float array, one per cell
    """

    variable: str
    level: str
    n_known: np.ndarray
    n_with: np.ndarray

    def key(self, centre: str, arm: str) -> With:
        """Key of the persons in a cell."""
        return With(centre, arm, self.variable, self.level)


def sums_of_levels(study: Study) -> Iterator[Entry]:
    """Each share as the sum of the levels of another covariate, where it is one."""
    cells, shares = _shares(study)
    by_variable: dict[str, list[Share]] = {}
    for share in shares:
        by_variable.setdefault(share.variable, []).append(share)
    for share in shares:
        for variable, levels in by_variable.items():
            if variable != share.variable and np.array_equal(levels[0].n_known, share.n_known):
                yield from _sums(cells, share, levels)


def _sums(cells: Cells, share: Share, levels: list[Share]) -> Iterator[Entry]:
    """Relations of a share and the levels of another covariate: declared ones, or all that hold in every cell."""
    counts = {level.level: level.n_with for level in levels}
    if len(levels) == 1:  # yes or no
        if np.array_equal(share.n_with, levels[0].n_with):
            yield from (total(share.key(*cell), [levels[0].key(*cell)]) for cell in cells)
        if np.array_equal(share.n_with, share.n_known - levels[0].n_with):
            yield from (total(share.key(*cell), [others(levels[0].key(*cell))]) for cell in cells)
        return
    for chosen in _chosen(share, levels[0].variable, counts):
        for cell in cells:
            parts: list[Key] = [level.key(*cell) for level in levels if level.level in chosen]
            yield total(share.key(*cell), parts)


def _chosen(share: Share, variable: str, counts: Mapping[str, np.ndarray]) -> list[tuple[str, ...]]:
    """Levels of a covariate whose persons sum to a share in every cell."""
    declared = SUMS_OF_LEVELS.get(share.variable, {}).get(variable)
    sets: list[tuple[str, ...]] = [declared] if declared and set(declared) <= counts.keys() else []
    if len(counts) <= MOST_LEVELS:
        sets += [s for n in range(1, len(counts)) for s in itertools.combinations(counts, n) if s != declared]
    return [s for s in sets if np.array_equal(sum(counts[level] for level in s), share.n_with)]


def _shares(study: Study) -> tuple[Cells, list[Share]]:
    """Centres and arms of the table, and every share in them."""
    frame = study.tables["balance"]
    cells = list(dict.fromkeys(zip(frame["centre"], frame["arm"], strict=True)))
    found = []
    for (variable, level), rows in frame.assign(level=frame["level"].fillna("")).groupby(["variable", "level"]):
        if all(map(is_share, records(rows))) and len(rows) == len(cells):
            numbers = rows.set_index(["centre", "arm"]).loc[cells]
            n_with = np.round((numbers["mean"].astype(float) * numbers["n"]).fillna(0.0).to_numpy())
            found.append(Share(str(variable), str(level), numbers["n"].to_numpy(dtype=float), n_with))
    return cells, found
