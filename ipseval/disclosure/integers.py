"""Whether protected numbers stay safe when an attacker knows that persons are counted in whole numbers.

A linear program may reach a value through halves of persons. Its vertices mostly hold none, and one that holds none is
a witness: so many persons are possible. Numbers without two witnesses far enough apart are asked for by branch and
bound, within their component.
"""

import numpy as np
from scipy import sparse
from scipy.optimize import Bounds, LinearConstraint, milp

from ipseval.disclosure.attacker import FEW, HELPS, SLACK, Rest, System, unit

NODES = 200  # of one program; a number that they do not prove safe counts as not safe
LARGEST = 300  # numbers of a component that is looked at in whole numbers; beyond it the look took many minutes
MOST = 60  # numbers that are asked for by branch and bound, those with the nearest witnesses first


def too_near(system: System, hidden: np.ndarray, skipped: np.ndarray) -> dict[int, float]:
    """Protected numbers that are known too well in whole numbers, and how far apart their possible values are.

    None of a component of more than ``LARGEST`` numbers, which is safe from an attacker who allows for halves only.

    Parameters
    ----------
    system : System
        ``whole`` says which numbers are whole ones.
    hidden, skipped : bool array, length n
        What is not shown; numbers that are not looked for.
    """
    if system.whole is None:
        return {}
    rest, found = Rest(system, hidden), {}
    wanted = ~skipped & (system.needed > 0) & system.whole
    parts: dict[int, _Component] = {}
    for part in np.unique(rest.part[(wanted & rest.is_open)[rest.unknown]]).tolist():
        at = rest.relations_of(part)[0]
        if len(at) > LARGEST:
            continue
        parts[part] = _Component(rest, part, system.whole[at], system.values[at], system.needed[at] * wanted[at])
        parts[part].witnesses()
    left = sorted((one.apart(i), part, i) for part, one in parts.items() for i in one.left().tolist())
    for _, part, i in left[:MOST]:
        at, A, b, bounds = rest.relations_of(part)
        width = parts[part].branch(i, A, b, bounds)
        if width < parts[part].needed[i] - SLACK:
            found[int(at[i])] = width
    return found


class _Component:
    """Possible whole values of the k numbers of a component: true ones to begin with.

    Parameters
    ----------
    whole : bool array, length k
    values, needed : float array, length k
    """

    def __init__(self, rest: Rest, part: int, whole: np.ndarray, values: np.ndarray, needed: np.ndarray):
        self._program = rest.program(part)[1]
        self._whole, self.needed = whole, needed
        self._low, self._high = values.copy(), values.copy()

    def left(self) -> np.ndarray:
        """Places of numbers whose witnesses are not far enough apart."""
        return np.flatnonzero(self._high - self._low < self.needed - SLACK)

    def apart(self, i: int) -> float:
        """How far apart the witnesses of a number are."""
        return float(self._high[i] - self._low[i])

    def witnesses(self) -> None:
        """Look at vertices in random directions, as long as they help."""
        draw, before = np.random.default_rng(0), np.inf
        while FEW < (n := len(self.left())) < HELPS * before:
            direction = np.zeros(len(self.needed))
            direction[self.left()] = draw.uniform(-1, 1, n)
            for sign in (1.0, -1.0):
                self._note(self._program.most(sign * direction)[0])
            before = n

    def branch(self, i: int, A: sparse.csr_array, b: np.ndarray, bounds: np.ndarray) -> float:
        """How far apart the whole values of a number are, at least; no further than is needed."""
        for sign in (-1.0, 1.0):
            if self._high[i] - self._low[i] < self.needed[i] - SLACK:
                self._note(self._program.most(-sign * unit(i, len(self.needed)))[0])
        for sign in (-1.0, 1.0):
            if self._high[i] - self._low[i] >= self.needed[i] - SLACK:
                break
            lower, upper = bounds.copy()
            far = self._low[i] + self.needed[i] if sign < 0 else self._high[i] - self.needed[i]
            lower[i], upper[i] = (lower[i], min(upper[i], far)) if sign < 0 else (max(lower[i], far), upper[i])
            found = milp(
                sign * unit(i, len(self.needed)),
                constraints=LinearConstraint(A, b, b),
                integrality=self._whole.astype(int),
                bounds=Bounds(lower, upper),
                options={"node_limit": NODES},
            )
            if found.x is not None:
                self._note(np.where(self._whole, np.round(found.x), found.x))
        return self.apart(i)

    def _note(self, found: np.ndarray) -> None:
        """Values of a solution, where all that are whole numbers are."""
        if np.abs(found - np.round(found))[self._whole].max(initial=0.0) < SLACK:
            self._low, self._high = np.minimum(self._low, found), np.maximum(self._high, found)
