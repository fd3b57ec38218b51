"""Scores that are known between two numbers, and what a sum and its parts tell of each other."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ipseval.places.scale import TOTAL, Scale


@dataclass(frozen=True)
class Bounds:
    """The least and the largest that a whole number can be."""

    low: int
    high: int

    @property
    def is_exact(self) -> bool:
        """Whether the number is known."""
        return self.low == self.high

    def __str__(self) -> str:
        return str(self.low) if self.is_exact else f"{self.low} to {self.high}"


@dataclass(frozen=True)
class Conflict:
    """A sum that is given, and what its parts allow instead."""

    part: str
    given: Bounds
    allowed: Bounds


def propagated(scale: Scale, given: Mapping[str, Bounds]) -> dict[str, Bounds] | list[Conflict]:
    """The tightest bounds of every part of a review that follow from what is given of some.

    Up: a sum lies between the sums of its parts' ends. Down: a part is at least the least sum less the most of the
    others, and at most the largest sum less the least of them. The parts are a tree in which each stands once, so that
    once up and once down every number between two ends is reached by some scores (Davis 1987, Artificial Intelligence
    32:281, on labels of intervals); no score is chosen among them.

    Parameters
    ----------
    scale : Scale
    given : mapping
        Part -> its bounds; a part that is not named can be whatever the scale allows.

    Returns
    -------
    dict
        The bounds of every part of ``scale.parts``; or, where a sum is given that its parts cannot have, a list of
        those sums.
    """
    found = {item: given.get(item, Bounds(scale.low, scale.high)) for item in scale.items}
    conflicts: list[Conflict] = []
    for whole, parts in (*scale.sections.items(), (TOTAL, tuple(scale.sections))):
        allowed = _sum([found[part] for part in parts])
        own = given.get(whole, allowed)
        both = Bounds(max(own.low, allowed.low), min(own.high, allowed.high))
        if both.low > both.high:
            conflicts.append(Conflict(whole, own, allowed))
        found[whole] = allowed if both.low > both.high else both
    if conflicts:
        return conflicts
    for whole, parts in ((TOTAL, tuple(scale.sections)), *scale.sections.items()):
        found |= _tightened(found[whole], {part: found[part] for part in parts})
    return {part: found[part] for part in scale.parts}


def _sum(parts: Sequence[Bounds]) -> Bounds:
    return Bounds(sum(part.low for part in parts), sum(part.high for part in parts))


def _tightened(whole: Bounds, parts: Mapping[str, Bounds]) -> dict[str, Bounds]:
    """Parts by what their sum leaves to each."""
    every = _sum(list(parts.values()))
    return {
        name: Bounds(
            max(part.low, whole.low - (every.high - part.high)), min(part.high, whole.high - (every.low - part.low))
        )
        for name, part in parts.items()
    }
