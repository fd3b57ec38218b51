"""The scale of a fidelity review: its items in sections, the scores of an item, and the bands of the total."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from ipseval import plain_yaml
from ipseval.errors import Fault, UserError, nearest
from ipseval.language import ENGLISH, spoken

TOTAL = "total"
KEYS = ("source", "score", "sections", "bands")
Names = Mapping[str, str]  # language -> name; "" stands for every language


@dataclass(frozen=True)
class Band:
    """What a total from ``low`` to ``high`` is called."""

    code: str
    low: int
    high: int


@dataclass(frozen=True)
class Scale:
    """A scale.

    Parameters
    ----------
    low, high : int
        Least and largest score of an item.
    sections : mapping
        Section -> its items, in order.
    bands : tuple of Band
        In order, without gaps.
    names : mapping
        Section, item or band -> its name by language.
    """

    low: int
    high: int
    sections: Mapping[str, tuple[str, ...]]
    bands: tuple[Band, ...]
    names: Mapping[str, Names]

    @cached_property
    def items(self) -> tuple[str, ...]:
        """All items, in order."""
        return tuple(item for items in self.sections.values() for item in items)

    @property
    def parts(self) -> tuple[str, ...]:
        """The total, then each section with its items below it."""
        return (TOTAL, *(part for section, items in self.sections.items() for part in (section, *items)))

    def reach(self, part: str) -> tuple[int, int]:
        """Least and largest score that a part can have."""
        n = len(self.items) if part == TOTAL else len(self.sections.get(part, (part,)))
        return n * self.low, n * self.high

    def band(self, low: int, high: int) -> str:
        """The band of a total between two numbers; nothing where two bands are possible."""
        return next((band.code for band in self.bands if band.low <= low and high <= band.high), "")

    def name(self, code: str) -> str:
        """The printed name of a section, item or band in the language of print; its code where it has none."""
        names = self.names.get(code, {})
        return names.get(spoken()) or names.get("") or names.get(ENGLISH) or code


@cache
def read_scale(file: Path) -> Scale:
    """Read a scale from its YAML file.

    Raises
    ------
    UserError
        With everything that is wrong with the file; a total that is in no band, or in two, is.
    """
    document = plain_yaml.read(file)
    content = plain_yaml.plain(document.content)
    faults = [*document.worded(str(file))]
    faults += [Fault(str(file), what, remedy) for what, remedy in _of_form(content)] if not faults else []
    if faults:
        raise UserError(faults)
    sections = {str(code): tuple(map(str, own["items"])) for code, own in content["sections"].items()}
    names: dict[str, Names] = {}
    for code, own in content["sections"].items():
        names |= {str(code): _names(own.get("name"))} | {str(i): _names(name) for i, name in own["items"].items()}
    bands = [_band(str(code), own) for code, own in content["bands"].items()]
    names |= {str(c): _names(own.get("name")) for c, own in content["bands"].items() if isinstance(own, Mapping)}
    score = content["score"]
    scale = Scale(score["low"], score["high"], sections, tuple(sorted(bands, key=lambda b: b.low)), names)
    faults = [Fault(str(file), what, remedy) for what, remedy in _of_bands(scale)]
    if faults:
        raise UserError(faults)
    return scale


def _names(given: Any) -> Names:
    return (
        {str(k): str(v) for k, v in given.items()} if isinstance(given, Mapping) else {"": str(given)} if given else {}
    )


def _band(code: str, own: Any) -> Band:
    return Band(code, own["low"], own["high"]) if isinstance(own, Mapping) else Band(code, *own)


def _of_form(content: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """What a scale file lacks or has too much of."""
    for key in content:
        if key not in KEYS:
            yield f"{key} is not a key.", nearest(key, KEYS) or f"Known here: {', '.join(KEYS)}."
    score = content.get("score")
    if not _is_span(score):
        yield "score needs low and high.", "Write the least and the largest score: score: {low: 1, high: 5}."
    sections = content.get("sections")
    if not isinstance(sections, Mapping) or not sections:
        yield "sections is missing.", "Write sections: {P: {name: Staffing, items: {P1: Caseload size}}}."
        sections = {}
    codes: list[str] = [TOTAL]
    for code, own in sections.items():
        if not (isinstance(own, Mapping) and isinstance(own.get("items"), Mapping) and own["items"]):
            yield f"sections.{code} has no items.", "Write items: {P1: Caseload size, ...}."
            continue
        codes += [str(code), *map(str, own["items"])]
    for code in sorted({c for c in codes if codes.count(c) > 1}):
        yield f"'{code}' names two parts of the scale.", f"Give each its own code; {TOTAL} is the total."
    bands = content.get("bands")
    if not isinstance(bands, Mapping) or not bands:
        yield "bands is missing.", "Write bands: {good: [100, 114], ...}."
        bands = {}
    for code, own in bands.items():
        if not _is_span(own):
            shown = plain_yaml.shown(str(own))
            yield f"bands.{code} is {shown}.", "Expected: its least and largest total: [100, 114]."


def _is_span(own: Any) -> bool:
    ends = [own.get("low"), own.get("high")] if isinstance(own, Mapping) else own
    if not isinstance(ends, list) or len(ends) != 2:
        return False
    return all(isinstance(end, int) and not isinstance(end, bool) for end in ends) and ends[0] <= ends[1]


def _of_bands(scale: Scale) -> Iterator[tuple[str, str]]:
    """Totals that are in no band, or in two: the file has to say where they belong."""
    least, most = scale.reach(TOTAL)
    owners = {n: [b.code for b in scale.bands if b.low <= n <= b.high] for n in range(least, most + 1)}
    for span in _runs([n for n, own in owners.items() if not own]):
        yield f"no band holds a total of {span}.", "Say where it belongs: each total is in exactly one band."
    for span in _runs([n for n, own in owners.items() if len(own) > 1]):
        yield f"two bands hold a total of {span}.", "Say where it belongs: each total is in exactly one band."


def _runs(numbers: list[int]) -> list[str]:
    """Numbers that follow each other as ``a to b``."""
    starts = [n for n in numbers if n - 1 not in numbers]
    ends = [n for n in numbers if n + 1 not in numbers]
    return [str(a) if a == b else f"{a} to {b}" for a, b in zip(starts, ends, strict=True)]
