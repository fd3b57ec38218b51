"""Which numbers to hide so that no protected one can be worked out from those that are shown.

A number is safe when the values that an attacker cannot tell apart are at least ``needed`` apart. What is hidden
besides the small numbers themselves is chosen by integer programming with cutting planes (Fischetti & Salazar 2001,
Management Science 47:1008): each program of the attacker that succeeds says, by its shadow prices, of which shown
numbers at least some must be hidden.
"""

from dataclasses import dataclass, replace

import numpy as np
from scipy import sparse
from scipy.optimize import Bounds, LinearConstraint, milp

from ipseval.disclosure.attacker import SLACK, Dual, System, attack, components


@dataclass(frozen=True)
class Solution:
    """What is hidden, and what an attacker is left with.

    Parameters
    ----------
    hidden : bool array, length n
    low, high : float array, length n
        Values that the attacker cannot tell apart: both are possible. Equal where nothing was looked for.
    exposed : bool array, length n
        Protected numbers that cannot be protected by hiding anything that may be hidden.
    cost : float
        Of what is hidden to protect others.
    bound : float
        No safe set of numbers costs less.
    """

    hidden: np.ndarray
    low: np.ndarray
    high: np.ndarray
    exposed: np.ndarray
    cost: float
    bound: float


@dataclass(frozen=True)
class Limits:
    """How long to look for less to hide; counted, not timed, so that the same input gives the same output.

    Parameters
    ----------
    passes : int
        Attempts at a cheaper set of numbers, once a safe one is found.
    protected : int
        Protected numbers times passes: fewer passes where many numbers are protected, but always one.
    nodes : int
        Of each integer program; past them numbers are chosen one by one.
    """

    passes: int
    protected: int
    nodes: int

    def passes_for(self, n_protected: int) -> int:
        """Passes where so many numbers are protected."""
        return min(self.passes, max(1, self.protected // max(1, n_protected)))


@dataclass(frozen=True)
class Cut:
    """Of the numbers ``at``, enough must be hidden that ``weight`` sums to ``least``."""

    at: np.ndarray
    weight: np.ndarray
    least: float


def suppress(system: System, given: np.ndarray, limits: Limits) -> Solution:
    """Hide more numbers at little cost until every protected one is safe.

    Each pass starts from the cheapest numbers that satisfy all cuts of the earlier ones (whose cost is a bound from
    below) and adds numbers until all are safe. When none had to be added these are the cheapest there are.

    Parameters
    ----------
    system : System
    given : bool array, length n
        What is hidden already, or shown nowhere.
    limits : Limits

    Returns
    -------
    Solution
    """
    found, cuts = complete(system, given)
    best, bound = _priced(found, system, given), 0.0
    for _ in range(limits.passes_for(int((system.needed > 0).sum())) if cuts else 0):
        chosen, least = cover(cuts, system.cost, limits.nodes)
        bound = max(bound, least)
        found, new = complete(system, given | chosen)
        best = min(best, _priced(found, system, given), key=lambda solution: solution.cost)
        if not new or best.cost - bound < SLACK:
            break
        cuts += new
    return replace(best, bound=bound)


def _priced(found: Solution, system: System, given: np.ndarray) -> Solution:
    return replace(found, cost=float(system.cost[found.hidden & ~given].sum()))


def complete(system: System, start: np.ndarray) -> tuple[Solution, list[Cut]]:
    """Add numbers to those that are hidden at the start until all protected ones are safe, and the cuts that made it.

    What an attacker could not tell apart stays so when more is hidden: every look is used for all that follow.
    """
    cuts: list[Cut] = []
    hidden, exposed = start, np.zeros(len(start), bool)
    low, high = system.values.copy(), system.values.copy()
    while True:
        low, high, duals = attack(system, hidden, exposed, low, high)
        if not duals:
            return Solution(hidden, low, high, exposed, 0.0, 0.0), cuts
        new, hopeless = _cuts(system, hidden, low, high, duals)
        exposed = exposed | np.isin(np.arange(len(start)), hopeless)
        cuts += new
        for cut in new:
            lacking = cut.least - cut.weight[hidden[cut.at]].sum()
            if lacking > SLACK:
                free = ~hidden[cut.at]
                row = sparse.csr_array(cut.weight[None, free])
                picked = one_by_one(row, np.array([lacking]), system.cost[cut.at[free]])
                hidden = hidden | np.isin(np.arange(len(start)), cut.at[free][picked])


def _cuts(
    system: System, hidden: np.ndarray, low: np.ndarray, high: np.ndarray, duals: dict[int, Dual]
) -> tuple[list[Cut], list[int]]:
    """For each number that is known too well, what must be hidden; and those for which nothing that may be helps.

    Hiding number j lets the largest value of p rise by its shadow price times the room that j has, and the least one
    fall likewise: by weak duality these are the most that can be gained. Where even the least value there can be would
    be too near to the largest one of now, the largest must rise, and only what lets it counts.
    """
    up, down = system.upper - system.values, system.values - system.lower
    can_help = ~hidden & np.isfinite(system.cost)
    cuts, hopeless = [], []
    for p, (places, prices) in duals.items():
        free = can_help[places]
        at, prices = places[free], prices[:, free]
        rising, falling = np.clip(prices, 0, None) * up[at] + np.clip(-prices, 0, None) * down[at]
        missing = system.needed[p] - (high[p] - system.lower[p])
        room = rising
        if missing < SLACK:
            missing, room = system.needed[p] - (high[p] - low[p]), rising + falling
        helps = room > SLACK
        cut = Cut(at[helps], np.minimum(room[helps], missing), missing)
        if cut.weight.sum() >= missing - SLACK:
            cuts.append(cut)
        else:
            hopeless.append(p)
    return cuts, hopeless


def cover(cuts: list[Cut], cost: np.ndarray, nodes: int) -> tuple[np.ndarray, float]:
    """The cheapest numbers that satisfy every cut.

    Returns
    -------
    chosen : bool array, length n
    bound : float
        No set of numbers that satisfies them costs less.
    """
    names, A, least = _matrix(cuts)
    part = components(A)
    row_part = part[A.indices[A.indptr[:-1]]]
    chosen, bound = np.zeros(len(cost), bool), 0.0
    for one in np.unique(part):
        columns, rows = np.flatnonzero(part == one), np.flatnonzero(row_part == one)
        own = sparse.csr_array(A[rows][:, columns])
        picked, at_least = cheapest(own, least[rows], cost[names[columns]], nodes)
        chosen[names[columns[picked]]] = True
        bound += at_least
    return chosen, bound


def cheapest(A: sparse.csr_array, least: np.ndarray, cost: np.ndarray, nodes: int) -> tuple[np.ndarray, float]:
    """The cheapest columns of one component, and a bound of their cost; one by one when ``nodes`` are not enough."""
    found = milp(
        cost,
        constraints=LinearConstraint(A, lb=least - SLACK),
        integrality=np.ones(len(cost)),
        bounds=Bounds(0, 1),
        options={"node_limit": nodes, "mip_rel_gap": 0.0},
    )
    bound = max(0.0, found.mip_dual_bound or 0.0)
    return (found.x > 0.5 if found.status == 0 else one_by_one(A, least, cost)), float(bound)


def one_by_one(A: sparse.csr_array, least: np.ndarray, cost: np.ndarray) -> np.ndarray:
    """Satisfy every row by taking, again and again, the column that adds most for its cost."""
    weights, picked = A.toarray(), np.zeros(A.shape[1], bool)
    while (lacking := np.clip(least - weights @ picked, 0, None)).max(initial=0.0) > SLACK:
        gain = np.minimum(weights, lacking[:, None]).sum(axis=0) * ~picked
        picked[np.argmax(gain / cost)] = True
    return picked


def _matrix(cuts: list[Cut]) -> tuple[np.ndarray, sparse.csr_array, np.ndarray]:
    """Cuts as a matrix: the numbers of its columns, their weights, and the least sum of each row."""
    names, columns = np.unique(np.concatenate([cut.at for cut in cuts]), return_inverse=True)
    pointers = np.concatenate([[0], np.cumsum([len(cut.at) for cut in cuts])])
    weights = np.concatenate([cut.weight for cut in cuts])
    return (
        names,
        sparse.csr_array((weights, columns, pointers), shape=(len(cuts), len(names))),
        np.array([cut.least for cut in cuts]),
    )
