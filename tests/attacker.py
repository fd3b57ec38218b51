"""An outsider who works out hidden numbers from what was released, without any of the code that hid them.

Every number of a release is an equation or an interval of whole numbers of persons (:class:`System`);
``tests/attacker_reads.py`` knows which. What the equations leave of a number is found by linear programming.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
from scipy.optimize import linprog
from scipy.sparse import coo_array, csr_array, vstack
from scipy.sparse.csgraph import connected_components

Name = tuple[object, ...]
SLACK = 1e-6
EASE = 1e-9
REAL = "real"  # first part of the name of a number that need not be whole, such as an effect
FAR = 1e5  # no number of persons or of their months is above it


@dataclass(frozen=True)
class Relation:
    """low <= sum of factor x number <= high, and where it was read."""

    terms: Mapping[Name, float]
    low: float
    high: float
    source: str


@dataclass
class System:
    """Numbers an outsider does not know, how far each may lie, and what ties them together."""

    low: dict[Name, float] = field(default_factory=dict)
    high: dict[Name, float] = field(default_factory=dict)
    relations: list[Relation] = field(default_factory=list)
    seen: dict[Name, float] = field(default_factory=dict)
    broken: list[str] = field(default_factory=list)

    def number(self, name: Name) -> Name:
        """A whole number from nought up; those named REAL may be any."""
        self.low.setdefault(name, -FAR if name[0] == REAL else 0.0)
        self.high.setdefault(name, FAR)
        return name

    def bound(self, name: Name, low: float, high: float, source: str) -> None:
        """A number lies between two others."""
        self.number(name)
        if name[0] != REAL:
            low, high = float(np.ceil(low - SLACK)), float(np.floor(high + SLACK))
        self.low[name], self.high[name] = max(self.low[name], low), min(self.high[name], high)
        if self.low[name] > self.high[name] + SLACK:
            self.broken.append(f"{name}: {source}")
            self.high[name] = self.low[name]

    def relate(self, terms: Mapping[Name, float], low: float, high: float, source: str) -> None:
        """A weighted sum of numbers lies between two others."""
        for name in terms:
            self.number(name)
        self.relations.append(Relation(dict(terms), low, high, source))

    def total(self, whole: Name, parts: Iterable[Name], source: str) -> None:
        """A number is the sum of others."""
        terms = {part: 1.0 for part in parts}
        self.relate({**terms, whole: terms.get(whole, 0.0) - 1.0}, 0.0, 0.0, source)

    def at_most(self, smaller: Name, larger: Name, source: str) -> None:
        """A number is not above another."""
        self.relate({larger: 1.0, smaller: -1.0}, 0.0, FAR, source)

    def is_fixed(self, name: Name) -> bool:
        """Whether nothing is left to find out."""
        return name in self.low and self.high[name] - self.low[name] < 0.5


@dataclass(frozen=True)
class Solver:
    """The relations of a system as arrays, after what each says alone has been used."""

    names: list[Name]
    low: np.ndarray
    high: np.ndarray
    matrix: csr_array
    least: np.ndarray
    most: np.ndarray
    is_free: np.ndarray
    part: np.ndarray  # of the numbers: which of them hang together


def solver(system: System, passes: int = 30) -> Solver:
    """Tighten bounds relation by relation, and by numbers being whole, until nothing moves."""
    names = list(system.low)
    place = {name: i for i, name in enumerate(names)}
    cells = [(r, place[n], f) for r, rel in enumerate(system.relations) for n, f in rel.terms.items() if f]
    rows, columns, factors = (np.array(x) for x in zip(*cells, strict=True))
    least = np.array([r.low for r in system.relations])
    most = np.array([r.high for r in system.relations])
    low, high = np.array([system.low[n] for n in names]), np.array([system.high[n] for n in names])
    whole = np.array([name[0] != REAL for name in names])
    size = (len(system.relations), len(names))
    for _ in range(passes):
        before = float((high - low).sum())
        smallest = np.where(factors > 0, factors * low[columns], factors * high[columns])
        largest = np.where(factors > 0, factors * high[columns], factors * low[columns])
        sum_small = np.bincount(rows, smallest, size[0])
        sum_large = np.bincount(rows, largest, size[0])
        room = most[rows] - (sum_small[rows] - smallest)  # the most that factor x number may be
        need = least[rows] - (sum_large[rows] - largest)
        above = np.where(factors > 0, room / factors, need / factors)
        below = np.where(factors > 0, need / factors, room / factors)
        np.minimum.at(high, columns, np.where(whole[columns], np.floor(above + SLACK), above + EASE))
        np.maximum.at(low, columns, np.where(whole[columns], np.ceil(below - SLACK), below - EASE))
        if before - float((high - low).sum()) < 0.5 or (low > high + SLACK).any():
            break
    system.broken.extend(f"{names[i]}: bounds cross" for i in np.flatnonzero(low > high + SLACK))
    high = np.maximum(low, high)
    is_free = high - low > np.where(whole, 0.5, 1e-12)
    used = is_free[columns]
    links = coo_array((np.ones(used.sum()), (rows[used], size[0] + columns[used])), shape=(sum(size), sum(size)))
    _, part = connected_components(links, directed=False)
    return Solver(
        names, low, high, csr_array((factors, (rows, columns)), shape=size), least, most, is_free, part[size[0] :]
    )  # fmt: skip


def settle(system: System) -> None:
    """Write the bounds that follow relation by relation back to the system."""
    solved = solver(system)
    for name, low, high in zip(solved.names, solved.low.tolist(), solved.high.tolist(), strict=True):
        system.low[name], system.high[name] = low, high


def narrow(system: System, wanted: Iterable[Name], width: float) -> dict[Name, tuple[float, float]]:
    """Wanted numbers that can be told within fewer whole numbers than width + 1, and the interval that is left."""
    solved = solver(system)
    place = {name: i for i, name in enumerate(solved.names)}
    found = {}
    targets: dict[int, list[int]] = {}
    for name in wanted:
        i = place.get(name)
        if i is None:
            continue
        if solved.high[i] - solved.low[i] < width - SLACK:
            found[name] = (float(solved.low[i]), float(solved.high[i]))
        else:
            targets.setdefault(int(solved.part[i]), []).append(i)
    for part, indices in targets.items():
        found |= _narrow_of(solved, part, indices, width)
    return found


def _narrow_of(solved: Solver, part: int, indices: list[int], width: float) -> dict[Name, tuple[float, float]]:
    """The same for numbers that hang together: most are cleared by two points, the others are solved one by one."""
    inside = np.flatnonzero((solved.part == part) & solved.is_free)
    matrix = solved.matrix[:, inside]
    rows = np.flatnonzero(np.diff(matrix.indptr))
    matrix = matrix[rows]
    is_out = np.ones(len(solved.names), bool)
    is_out[inside] = False
    fixed = solved.matrix[rows] @ np.where(is_out, solved.low, 0.0)
    upper, lower = solved.most[rows] - fixed, solved.least[rows] - fixed
    bounds = np.column_stack([solved.low[inside], solved.high[inside]])
    is_equal = np.abs(upper - lower) < 1e-9
    above, below = ~is_equal & (upper < FAR / 2), ~is_equal & (lower > -FAR / 2)
    a_ub = vstack([matrix[above], -matrix[below]], format="csr")
    b_ub = np.concatenate([upper[above], -lower[below]]) + SLACK
    where = {int(i): j for j, i in enumerate(inside)}
    low, high = {i: np.inf for i in indices}, {i: -np.inf for i in indices}

    def solve(costs: np.ndarray) -> None:
        done = linprog(
            costs, A_ub=a_ub, b_ub=b_ub, A_eq=matrix[is_equal], b_eq=upper[is_equal], bounds=bounds, method="highs"
        )  # fmt: skip
        if done.x is None:
            raise ArithmeticError(f"the released numbers contradict each other: {done.message}")
        for i in indices:
            value = done.x[where[i]]
            low[i], high[i] = min(low[i], value), max(high[i], value)

    def left() -> list[int]:
        return [i for i in indices if high[i] - low[i] < width - SLACK]

    chance, before = np.random.default_rng(0), len(indices) + 1
    while 0 < len(left()) < before:
        before = len(left())
        for signs in (np.ones(before), chance.choice([-1.0, 1.0], before)):
            costs = np.zeros(len(inside))
            costs[[where[i] for i in left()]] = signs[: len(left())]
            for way in (1.0, -1.0):
                solve(way * costs)
    found = {}
    for i in indices:
        costs = np.zeros(len(inside))
        costs[where[i]] = 1.0
        for way in (1.0, -1.0):
            if high[i] - low[i] < width - SLACK:
                solve(way * costs)
        if high[i] - low[i] < width - SLACK:
            found[solved.names[i]] = (float(low[i]), float(high[i]))
    return found


def untrue(system: System, truth: Mapping[Name, float]) -> list[str]:
    """Relations and bounds that do not hold of the true numbers: faults of the attacker, none of the release."""
    wrong = list(system.broken)
    for name, value in truth.items():
        if name in system.low and not system.low[name] - SLACK <= value <= system.high[name] + SLACK:
            wrong.append(f"{name} = {value} not in {system.low[name]}..{system.high[name]}")
    for relation in system.relations:
        if all(name in truth for name in relation.terms):
            value = sum(truth[name] * factor for name, factor in relation.terms.items())
            if not relation.low - 2e-6 <= value <= relation.high + 2e-6:
                wrong.append(f"{relation.source}: {value} not in {relation.low}..{relation.high} {relation.terms}")
    return wrong
