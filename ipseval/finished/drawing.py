"""The numbers that a finished SVG draws: its points, and the scales of its axes as their ticks are labelled."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from xml.etree import ElementTree

COORDINATES = re.compile(r"(-?\d+(?:\.\d+)?)[ ,](-?\d+(?:\.\d+)?)")
TIME = re.compile(r"(?i)\b(?:months?|måneder|måned|måneden)\b")  # in titles of axes, in the languages of print
LINEAR = 1e-3  # pixels that a tick may lie off a linear scale; a logarithmic one lies further


@dataclass(frozen=True)
class Scale:
    """Pixels = ``offset`` + ``slope`` x value; ``is_of_time``: an axis of months, on which no value is drawn."""

    offset: float
    slope: float
    is_of_time: bool = False

    def pixels(self, value: float) -> float:
        """Where a value is drawn."""
        return self.offset + self.slope * value


@dataclass(frozen=True)
class Axes:
    """One system of axes: linear scales, where ticks tell them, and the points drawn, in pixels."""

    x: Scale | None
    y: Scale | None
    points: tuple[tuple[float, float], ...]


def axes(svg: str) -> Iterator[Axes]:
    """Systems of axes of a drawing by matplotlib, which writes the text of a tick as a comment."""
    builder = ElementTree.TreeBuilder(insert_comments=True)
    root = ElementTree.fromstring(svg.encode(), ElementTree.XMLParser(target=builder))
    for group in root.iter():
        if not re.fullmatch(r"axes_\d+", group.get("id", "")):
            continue
        parts = {child.get("id", ""): child for child in group}
        scales = {
            letter: _scale(parts[name], i) if (name := f"matplotlib.axis_{i + 1}") in parts else None
            for i, letter in enumerate("xy")
        }
        drawn = [child for name, child in parts.items() if not name.startswith("matplotlib.axis")]
        yield Axes(scales["x"], scales["y"], tuple(point for child in drawn for point in _points(child)))


def _scale(axis: ElementTree.Element, i: int) -> Scale | None:
    """The scale that the ticks of an axis share; ``i`` is 0 for x and 1 for y."""
    ticks = []
    for tick in axis:
        label, points = _label(tick), list(_points(tick))
        if re.fullmatch(r"[xy]tick_\d+", tick.get("id", "")) and label is not None and points:
            ticks.append((label, points[0][i]))
    (first, low), (last, high) = min(ticks, default=(0, 0)), max(ticks, default=(0, 0))
    if first == last:
        return None
    slope = (high - low) / (last - first)
    scale = Scale(low - first * slope, slope, is_of_time=_says_time(axis))
    return scale if all(abs(scale.pixels(value) - place) < LINEAR for value, place in ticks) else None


def _says_time(axis: ElementTree.Element) -> bool:
    """Whether the title of an axis is about months."""
    titles = [child for child in axis if not re.fullmatch(r"[xy]tick_\d+", child.get("id", ""))]
    return any(TIME.search(text) for title in titles for text in _texts(title))


def _texts(element: ElementTree.Element) -> list[str]:
    """Texts, as such or as the comments in which matplotlib leaves them."""
    return [e.text or "" for e in element.iter() if not isinstance(e.tag, str) or e.tag.endswith("}text")]


def _label(tick: ElementTree.Element) -> float | None:
    for text in _texts(tick):
        plain = re.sub(r"\s", "", text).replace("−", "-").replace(",", ".").rstrip("%")
        if re.fullmatch(r"-?\d+(?:\.\d+)?", plain):
            return float(plain)
    return None


def _points(element: ElementTree.Element) -> Iterator[tuple[float, float]]:
    """Vertices of paths and places of marks, but for the shapes that marks and letters are made of."""
    kind = str(element.tag).rpartition("}")[2]
    if kind == "defs":
        return
    if kind == "path":
        yield from ((float(x), float(y)) for x, y in COORDINATES.findall(element.get("d", "")))
    elif element.get("x") and element.get("y"):
        yield float(element.get("x", "0")), float(element.get("y", "0"))
    for child in element:
        yield from _points(child)
