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
from ipseval.disclosure.integers import too_near

WIDER = 4  # times that the interval of a number is widened because whole numbers leave less of it
PER_ENTRY = 2.0  # steps of an integer program for every row and weight, as long as so many steps of the attacker's take
SHARE = 1e-5  # of the cost of what is hidden that no longer look is taken for
FIRST = 10.0  # times the work of the attempts at less that the first safe set may take before it is found the short way


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
    work : float
        Of the attacker's programs (``Program.work``) and of those that choose (``Covered.work``) in all attempts. One
        that is not safe by then is dropped. The first set is found whatever it takes, but past ``FIRST`` times as much
        by hiding all that could help.
    nodes : int
        Of each integer program; past them its best answer is taken.
    near : float
        Cells: what costs so little more than the least that there can be is good enough; where the least is large,
        what costs ``SHARE`` of it more.
    """

    passes: int
    work: float
    nodes: int
    near: float = 0.0

    def enough(self, cost: float) -> float:
        """How many cells more than the least, about ``cost``, are good enough."""
        return max(self.near, SHARE * cost) if self.near else 0.0


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
    first = complete(system, given, FIRST * limits.work)
    best, bound, cuts, left = _priced(first.solution, system, given), 0.0, first.cuts, limits.work - first.work
    for _ in range(limits.passes if cuts else 0):
        if left <= 0:
            break
        covered = cover(cuts, system.cost, limits)
        bound, left = max(bound, covered.bound), left - covered.work
        one = complete(system, given | covered.chosen, left, is_first=False)
        if one.is_safe:
            best = min(best, _priced(one.solution, system, given), key=lambda solution: solution.cost)
        if not one.cuts or best.cost - bound < max(SLACK, limits.enough(bound)):
            break
        cuts, left = cuts + one.cuts, left - one.work
    return replace(best, bound=bound)


def suppress_whole(system: System, given: np.ndarray, limits: Limits) -> Solution:
    """Hide numbers until every protected one is safe from an attacker who knows that persons are whole, too.

    A number that whole numbers leave too near gets a wider interval, by what it lacks, and more is hidden beside what
    is. One that is still too near after ``WIDER`` times is exposed, with the width that it has.
    """
    found, needed = suppress(system, given, limits), system.needed
    cost, bound = found.cost, found.bound
    for _ in range(WIDER):
        near = too_near(system, found.hidden, found.exposed)
        if not near:
            return replace(found, cost=cost, bound=bound)
        lacking = np.zeros(len(needed))
        lacking[list(near)] = [system.needed[p] - width for p, width in near.items()]
        needed = needed + lacking
        more = suppress(replace(system, needed=needed), found.hidden, replace(limits, passes=0))
        found, cost = more, cost + more.cost
    near = too_near(system, found.hidden, found.exposed)
    high = found.high.copy()
    high[list(near)] = [found.low[p] + width for p, width in near.items()]
    is_near = np.isin(np.arange(len(needed)), list(near))
    return replace(found, high=high, exposed=found.exposed | is_near, cost=cost, bound=bound)


def _priced(found: Solution, system: System, given: np.ndarray) -> Solution:
    return replace(found, cost=float(system.cost[found.hidden & ~given].sum()))


@dataclass(frozen=True)
class Completed:
    """A set of hidden numbers, the cuts that made it, and what it took; not safe where the work ran out before."""

    solution: Solution
    cuts: list[Cut]
    work: float
    is_safe: bool = True


def complete(system: System, start: np.ndarray, work: float, *, is_first: bool = True) -> Completed:
    """Add numbers to those that are hidden at the start until all protected ones are safe, and the cuts that made it.

    What an attacker could not tell apart stays so when more is hidden: every look is used for all that follow. Past
    ``work`` all numbers of a cut are hidden (the first time), or the attempt ends.
    """
    cuts: list[Cut] = []
    hidden, exposed = start, np.zeros(len(start), bool)
    low, high, spent = system.values.copy(), system.values.copy(), 0.0
    while True:
        look = attack(system, hidden, exposed, low, high)
        low, high, spent = look.low, look.high, spent + look.work
        if not look.duals or (spent > work and not is_first):
            solution = Solution(hidden, low, high, exposed, 0.0, 0.0)
            return Completed(solution, cuts, spent, is_safe=not look.duals)
        new, hopeless = _cuts(system, hidden, low, high, look.duals)
        exposed = exposed | np.isin(np.arange(len(start)), hopeless)
        cuts += new
        for cut in new:
            hidden = _with(hidden, cut, system.cost, all_of_it=spent > work)


def _with(hidden: np.ndarray, cut: Cut, cost: np.ndarray, *, all_of_it: bool) -> np.ndarray:
    """What is hidden, and so much more that a cut is satisfied."""
    lacking = cut.least - cut.weight[hidden[cut.at]].sum()
    if lacking <= SLACK:
        return hidden
    more = cut.at[~hidden[cut.at]]
    if not all_of_it:
        row = sparse.csr_array(cut.weight[None, ~hidden[cut.at]])
        more = more[one_by_one(row, np.array([lacking]), cost[more])]
    return hidden | np.isin(np.arange(len(hidden)), more)


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


@dataclass(frozen=True)
class Covered:
    """The cheapest numbers that satisfy every cut.

    Parameters
    ----------
    chosen : bool array, length n
    bound : float
        No set of numbers that satisfies them costs less.
    work : float
        What choosing took, on the scale of ``Program.work``: ``PER_ENTRY`` steps for every row and weight.
    """

    chosen: np.ndarray
    bound: float
    work: float


def cover(cuts: list[Cut], cost: np.ndarray, limits: Limits) -> Covered:
    """The cheapest numbers that satisfy every cut, each component of the cuts by itself."""
    names, A, least = _matrix(cuts)
    part = components(A)
    row_part = part[A.indices[A.indptr[:-1]]]
    chosen, bound, work = np.zeros(len(cost), bool), 0.0, 0.0
    for one in np.unique(part):
        columns, rows = np.flatnonzero(part == one), np.flatnonzero(row_part == one)
        own = sparse.csr_array(A[rows][:, columns])
        picked, at_least = cheapest(own, least[rows], cost[names[columns]], limits)
        chosen[names[columns[picked]]] = True
        bound += at_least
        work += PER_ENTRY * own.nnz * own.shape[0]
    return Covered(chosen, bound, work)


def cheapest(A: sparse.csr_array, least: np.ndarray, cost: np.ndarray, limits: Limits) -> tuple[np.ndarray, float]:
    """The cheapest columns of one component, and a bound of their cost.

    Where ``nodes`` are not enough, or half of ``near`` is reached, the better one of the program's best answer and of
    columns taken one by one.
    """
    simple = one_by_one(A, least, cost)
    most = max(1.0, float(cost[simple].sum()))
    near = limits.enough(most) / 2 / most
    found = milp(
        cost,
        constraints=LinearConstraint(A, lb=least - SLACK),
        integrality=np.ones(len(cost)),
        bounds=Bounds(0, 1),
        options={"node_limit": limits.nodes, "mip_rel_gap": near},
    )
    bound = max(0.0, found.mip_dual_bound or 0.0)
    picked = simple if found.x is None else min(found.x > 0.5, simple, key=lambda taken: float(cost[taken].sum()))
    return picked, float(bound)


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
