"""What somebody who knows how released numbers hang together can work out of the hidden ones.

The numbers of all released tables are unknowns x of one linear system A x = 0. An attacker knows it, knows what is
shown, and solves two linear programs a protected number: the least and the largest value that it can have.
"""

from dataclasses import dataclass

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import connected_components
from scipy.sparse.linalg import splu

from ipseval.disclosure.program import Program

SLACK = 1e-6  # of the programs
FEW = 5  # protected numbers that are asked for one by one; more are first asked for together, at random,
HELPS = 0.9  # as long as no more than this part of them is left each time
ENOUGH = 10  # numbers of a component that are known too well: hide something before the others are asked for

Dual = tuple[np.ndarray, np.ndarray]  # places of numbers, and their shadow prices in two programs, 2 x k


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
    whole : bool array, length n, optional
        Numbers that are whole, as everybody knows; none.
    """

    values: np.ndarray
    lower: np.ndarray
    upper: np.ndarray
    relations: sparse.csr_array
    needed: np.ndarray
    cost: np.ndarray
    whole: np.ndarray | None = None


@dataclass(frozen=True)
class Look:
    """What an attacker has found, and what looking cost.

    Parameters
    ----------
    low, high : float array, length n
        Values of each number that are known to be possible.
    duals : dict
        For numbers that are known too well, the shadow prices of all numbers that have one in either program of theirs.
        None: every number that is looked for is safe.
    work : float
        Of the programs (``Program.work``).
    """

    low: np.ndarray
    high: np.ndarray
    duals: dict[int, Dual]
    work: float


def attack(system: System, hidden: np.ndarray, skipped: np.ndarray, low: np.ndarray, high: np.ndarray) -> Look:
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
    Look
        ``low`` and ``high`` with what was found on the way.
    """
    rest = Rest(system, hidden)
    wanted = ~skipped & (system.needed > 0)
    low, high = low.copy(), high.copy()
    duals = {p: rest.known(p) for p in np.flatnonzero(wanted & ~rest.is_open).tolist()}
    is_left, work = wanted & rest.is_open & (high - low < system.needed - SLACK), 0.0
    for part in np.unique(rest.part[is_left[rest.unknown]]):
        at, opened = rest.program(part)
        asked = _Asked(opened, system.needed[at] * wanted[at], low[at], high[at])
        asked.together()
        duals |= {int(at[i]): rest.dual(prices, part) for i, prices in asked.one_by_one().items()}
        low[at], high[at] = asked.low, asked.high
        work += opened.work
    return Look(low, high, duals, work)


class _Asked:
    """What is asked of one component of k numbers.

    Parameters
    ----------
    program : Program
    needed : float array, length k
        0 for a number that is not looked for.
    low, high : float array, length k
        Values that are known to be possible; they part as questions are answered.
    """

    def __init__(self, program: Program, needed: np.ndarray, low: np.ndarray, high: np.ndarray):
        self._program, self._needed = program, needed
        self.low, self.high = low, high

    def together(self) -> None:
        """Ask for the largest and least of random sums: a vertex proves many numbers safe at once."""
        draw, before = np.random.default_rng(0), np.inf
        while FEW < (n := len(self._left())) < HELPS * before:
            direction = np.zeros(len(self.low))
            direction[self._left()] = draw.uniform(-1, 1, n)
            self._most(direction)
            self._most(-direction)
            before = n

    def one_by_one(self) -> dict[int, np.ndarray]:
        """Ask for what is left, until enough are known too well: shadow prices of the relations for these, 2 x m."""
        found: dict[int, np.ndarray] = {}
        for i in self._left().tolist():
            prices = [self._most(sign * unit(i, len(self.low))) for sign in (1.0, -1.0) if self._is_short(i)]
            if self._is_short(i):
                found[i] = np.vstack(prices)
            if len(found) == ENOUGH:
                break
        return found

    def _left(self) -> np.ndarray:
        return np.flatnonzero(self.high - self.low < self._needed - SLACK)

    def _is_short(self, i: int) -> bool:
        return bool(self.high[i] - self.low[i] < self._needed[i] - SLACK)

    def _most(self, objective: np.ndarray) -> np.ndarray:
        found, prices = self._program.most(objective)
        self.low, self.high = np.minimum(self.low, found), np.maximum(self.high, found)
        return prices


def unit(place: int, length: int) -> np.ndarray:
    """Zeros but for a one."""
    return np.eye(1, length, place)[0]


class Rest:
    """The attacker's linear program over what is neither shown nor follows at once from what is.

    Parameters
    ----------
    system : System
    hidden : bool array, length n
    """

    def __init__(self, system: System, hidden: np.ndarray):
        self.is_open = hidden | ((system.upper > system.lower) & np.isinf(system.cost))
        self._relations = system.relations
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
        rows, columns = [np.zeros(0, int)], [np.zeros(0, int)]
        while True:
            is_open = self.is_open[A.indices]
            alone = np.bincount(row_of[is_open], minlength=A.shape[0]) == 1
            places = np.flatnonzero(is_open & alone[row_of])
            if not len(places):
                break
            column, first = np.unique(A.indices[places], return_index=True)
            rows, columns = [*rows, row_of[places[first]]], [*columns, column]
            self.is_open[column] = False
        self._followed = np.concatenate(columns)
        self._through = A[np.concatenate(rows)]  # the relation that gives each away
        own = sparse.csc_array(self._through[:, self._followed].T)
        self._hand_on = splu(own).solve if len(self._followed) else None

    def program(self, part: int) -> tuple[np.ndarray, Program]:
        """The numbers of one component, and its linear program."""
        at, A, b, (lower, upper) = self.relations_of(part)
        return at, Program(A, b, lower, upper)

    def relations_of(self, part: int) -> tuple[np.ndarray, sparse.csr_array, np.ndarray, np.ndarray]:
        """The numbers of one component, its relations A x = b, and lower and upper bounds (2 x k)."""
        columns, rows = np.flatnonzero(self.part == part), self._row_part == part
        return self.unknown[columns], self._A[rows][:, columns], self._b[rows], self._bounds[columns].T

    def dual(self, y: np.ndarray, part: int) -> Dual:
        """Shadow prices of numbers, of those of a component's relations; 2 x m."""
        return self._traced(-(self._all[self._row_part == part].T @ y.T).T)

    def known(self, p: int) -> Dual:
        """Shadow prices where a number follows from others: all its own."""
        own = unit(p, len(self.is_open))
        return self._traced(np.vstack([own, -own]))

    def _traced(self, prices: np.ndarray) -> Dual:
        """The prices that are not 0, those of numbers that follow from others handed on to these."""
        if self._hand_on is not None:
            y = self._hand_on(prices[:, self._followed].T)
            prices = prices - (self._through.T @ y).T
            prices[:, self._followed] = 0.0
        at = np.flatnonzero(prices.any(axis=0))
        return at, prices[:, at]


def components(A: sparse.csr_array) -> np.ndarray:
    """The component of each column: columns that rows tie together."""
    m, n = A.shape
    if not m:
        return np.arange(n)
    graph = sparse.block_array([[None, A], [A.T, None]])
    return connected_components(graph, directed=False)[1][m:]
