"""What somebody who knows how released numbers hang together can work out of the hidden ones.

The numbers of all released tables are unknowns x of one linear system A x = 0. An attacker knows it, knows what is
shown, and solves two linear programs a protected number: the least and the largest value that it can have.
"""

from dataclasses import dataclass

import numpy as np
from scipy import sparse
from scipy.optimize import linprog
from scipy.sparse.csgraph import connected_components

SLACK = 1e-6  # of the programs
FEW = 20  # protected numbers that are looked for one by one; more are first looked for all at once, at random


@dataclass(frozen=True)
class System:
    """Numbers and what binds them together; n numbers, m relations.

    Parameters
    ----------
    values : float array, length n
        True values.
    lower, upper : float array, length n
        What anybody knows of each beforehand.
    relations : sparse float array, m x n
        ``relations @ values`` is zero.
    needed : float array, length n
        Width of the interval that must remain around a protected number; 0 for one that needs none.
    cost : float array, length n
        Cost of hiding a number that could be shown; infinite where it cannot be hidden (rounded, or known already).
    """

    values: np.ndarray
    lower: np.ndarray
    upper: np.ndarray
    relations: sparse.csr_array
    needed: np.ndarray
    cost: np.ndarray


def attack(
    system: System, hidden: np.ndarray, skipped: np.ndarray, low: np.ndarray, high: np.ndarray
) -> tuple[np.ndarray, np.ndarray, dict[int, np.ndarray]]:
    """Look for protected numbers that an attacker can work out too well, until some are found or all are safe.

    Parameters
    ----------
    system : System
    hidden, skipped : bool array, length n
        What is not shown; numbers that are not looked for.
    low, high : float array, length n
        Values of each number that are known to be possible.

    Returns
    -------
    low, high : float array, length n
        The same with what was found on the way.
    duals : dict
        For numbers that are known too well, shadow prices of all n numbers in their two programs, 2 x n.
    """
    program = _Program(system, hidden)
    wanted = ~skipped & (system.needed > 0)
    low, high = low.copy(), high.copy()
    known = np.flatnonzero(wanted & ~program.is_open).tolist()
    duals = {p: program.traced(np.vstack([unit(p, len(low)), -unit(p, len(low))])) for p in known}

    def look(objective: np.ndarray) -> np.ndarray:
        found, prices = program.most(objective)
        at = program.unknown
        low[at], high[at] = np.minimum(low[at], found), np.maximum(high[at], found)
        return prices

    def left() -> np.ndarray:
        return np.flatnonzero((wanted & (high - low < system.needed - SLACK))[program.unknown])

    if not duals and len(left()) > FEW:
        size = len(program.unknown)
        direction = np.where(wanted[program.unknown], np.random.default_rng(0).uniform(-1, 1, size), 0.0)
        look(direction)
        look(-direction)
    while not duals and len(sought := left()):
        picked = sought[np.unique(program.part[sought], return_index=True)[1]]  # one a component: they do not touch
        objective = np.zeros(len(program.unknown))
        objective[picked] = 1.0
        prices = look(objective), look(-objective)
        for i in np.intersect1d(picked, left()):
            own = np.vstack([program.prices(y, program.part[i]) for y in prices])
            duals[int(program.unknown[i])] = program.traced(own)
    return low, high, duals


def unit(place: int, length: int) -> np.ndarray:
    """Zeros but for a one."""
    return np.eye(1, length, place)[0]


class _Program:
    """The attacker's linear program over what is neither shown nor follows at once from what is.

    Parameters
    ----------
    system : System
    hidden : bool array, length n
    """

    def __init__(self, system: System, hidden: np.ndarray):
        self.is_open = hidden | ((system.upper > system.lower) & np.isinf(system.cost))
        self._relations = system.relations
        self._following: list[tuple[int, int]] = []  # relation and the one number in it that it gives away, in order
        self._follow()
        self.unknown = np.flatnonzero(self.is_open)
        A = sparse.csr_array(self._relations[:, self.unknown])
        rows = np.flatnonzero(np.diff(A.indptr))
        self._all, self._A = self._relations[rows], sparse.csr_array(A[rows])
        self._b = -(self._all @ np.where(self.is_open, 0.0, system.values))
        self._bounds = np.column_stack([system.lower[self.unknown], system.upper[self.unknown]])
        self.part = components(self._A)
        self._row_part = self.part[self._A.indices[self._A.indptr[:-1]]] if len(rows) else np.zeros(0, int)

    def _follow(self) -> None:
        """Take out the numbers that a relation gives away because all others in it are known."""
        A = self._relations
        row_of = np.repeat(np.arange(A.shape[0]), np.diff(A.indptr))
        while True:
            is_open = self.is_open[A.indices]
            alone = np.bincount(row_of[is_open], minlength=A.shape[0]) == 1
            places = np.flatnonzero(is_open & alone[row_of])
            if not len(places):
                return
            columns, first = np.unique(A.indices[places], return_index=True)
            self._following += zip(row_of[places[first]].tolist(), columns.tolist(), strict=True)
            self.is_open[columns] = False

    def most(self, objective: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The unknown numbers where the objective is largest, and the shadow prices of the relations."""
        relations = {"A_eq": self._A, "b_eq": self._b} if len(self._b) else {}
        found = linprog(-objective, bounds=self._bounds, method="highs", **relations)
        if found.status != 0:
            raise RuntimeError(f"the attacker's program ended with status {found.status}")
        return found.x, -found.eqlin.marginals

    def prices(self, y: np.ndarray, part: int) -> np.ndarray:
        """Shadow prices of all n numbers in the program of one component."""
        return -(self._all.T @ np.where(self._row_part == part, y, 0.0))

    def traced(self, prices: np.ndarray) -> np.ndarray:
        """Prices of numbers that follow from others handed on to those; k x n."""
        prices, A = prices.copy(), self._relations
        for row, column in reversed(self._following):
            own = prices[:, column].copy()
            if own.any():
                at = slice(A.indptr[row], A.indptr[row + 1])
                factor = A.data[at][A.indices[at] == column][0]
                prices[:, A.indices[at]] -= own[:, None] * A.data[at] / factor
                prices[:, column] = 0.0
        return prices


def components(A: sparse.csr_array) -> np.ndarray:
    """The component of each column: columns that rows tie together."""
    m, n = A.shape
    if not m:
        return np.arange(n)
    graph = sparse.block_array([[None, A], [A.T, None]])
    return connected_components(graph, directed=False)[1][m:]
