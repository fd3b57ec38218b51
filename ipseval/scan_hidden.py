"""Whether a number that protection hid stands somewhere: in another file, in full precision, in a drawing."""

import math
import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache

from ipseval.finished import Content, Grid
from ipseval.finished_drawing import Axes, axes
from ipseval.scan_rules import Rules, places

SIGN = ":"
NUMBER = re.compile(r"(?<![\w.,])[-−]?(\d+)[.,](\d+)(?:e([-+]?\d+))?(?![\w.,]*\d)")
IN_MONTH = 0.45  # months that a point may stand beside its month, so that arms do not cover each other
AT_VALUE = 2e-6  # pixels: coordinates have six decimals
AT_VALUE_IN_MONTH = 1e-5  # few points stand in one month

Found = tuple[str, str, str]  # file, place, rule


@dataclass(frozen=True)
class Hidden:
    """A hidden cell: its table, what tells its row from others, its column, and the number inside."""

    table: str
    key: tuple[str, ...]
    column: str
    value: str
    month: str = ""


def unhidden(contents: Mapping[str, Content], inside: Iterable[tuple[str, Content]], rules: Rules) -> Iterator[Found]:
    """Places where hidden numbers stand.

    Parameters
    ----------
    contents : mapping
        Content of every released file; ``data/<table>.csv`` are the tables in which ``:`` hides a number.
    inside : iterable of (str, Content)
        The same tables with all numbers.
    rules : Rules
    """
    hidden: list[Hidden] = []
    for name, content in inside:
        file = f"data/{name}.csv"
        if file not in contents or not contents[file].grids or not content.grids:
            continue
        released = contents[file].grids[0]
        true = _of_columns(content.grids[0], released.heads)
        keys = _keys(true, rules)
        if released.heads != true.heads or _keyed(released, keys) != _keyed(true, keys):
            yield file, "the whole", "rows_differ"
            continue
        cells = list(_hidden(name, released, true, keys))
        yield from _at_the_same_key(contents, file, true, keys, cells)
        hidden += cells
    shown = [
        cell for file, content in contents.items() if _is_data(file) for g in content.grids for *_, cell in g.cells()
    ]
    numbers = Distinctive(hidden, shown, rules)
    for file, content in contents.items():
        for place, text in places(_of_persons(content, rules)):
            if numbers.stands_in(text):
                yield file, place(), "hidden_value"
        for piece in content.pieces:
            if piece.is_drawing and numbers.is_drawn(axes(piece.text)):
                yield file, piece.place or "its points", "hidden_in_drawing"
    yield from _uneven(contents)


def _of_persons(content: Content, rules: Rules) -> Content:
    """The content without numbers about the release itself."""
    about = set(rules.settings["about"])
    grids = (grid if about.isdisjoint(grid.heads) else _without(grid, about) for grid in content.grids)
    return replace(content, grids=tuple(grids))


def _without(grid: Grid, heads: set[str]) -> Grid:
    kept = [x for x, head in enumerate(grid.heads) if head not in heads]
    rows = tuple(tuple(row[x] for x in kept if x < len(row)) for row in grid.rows)
    return replace(grid, heads=tuple(grid.heads[x] for x in kept), rows=rows)


def _of_columns(grid: Grid, heads: tuple[str, ...]) -> Grid:
    """The table with the columns that another one has, in its order; the table as it is when it lacks one of them."""
    if not set(heads) <= set(grid.heads):
        return grid
    at = [grid.heads.index(head) for head in heads]
    return replace(grid, heads=heads, rows=tuple(tuple(row[x] for x in at) for row in grid.rows))


def _is_data(file: str) -> bool:
    return file.startswith("data/") and file.endswith(".csv")


def _keys(grid: Grid, rules: Rules) -> list[int]:
    return [x for x, head in enumerate(grid.heads) if head in rules.settings["keys"]]


def _keyed(grid: Grid, keys: Sequence[int]) -> list[tuple[str, ...]]:
    """The key of each row; rows that share one are counted."""
    seen: Counter[tuple[str, ...]] = Counter()
    found = []
    for row in grid.rows:
        key = tuple(row[x] for x in keys)
        seen[key] += 1
        found.append((*key, str(seen[key])))
    return found


def _hidden(name: str, released: Grid, true: Grid, keys: list[int]) -> Iterator[Hidden]:
    named = _keyed(true, keys)
    of_month = next((true.heads.index(head) for head in ("month", "month_from") if head in true.heads), None)
    for y, x, cell in released.cells():
        row = true.rows[y - 1]
        if cell == SIGN and row[x - 1] not in ("", SIGN):
            month = "" if of_month is None else row[of_month]
            yield Hidden(name, named[y - 1], true.heads[x - 1], row[x - 1], month)


def _at_the_same_key(
    contents: Mapping[str, Content], own: str, true: Grid, keys: list[int], hidden: list[Hidden]
) -> Iterator[Found]:
    """A number in the place of a hidden one, in another copy of the table: in a script, a workbook, another file."""
    is_hidden = {(h.key, h.column) for h in hidden}
    for file, content in contents.items():
        for grid in content.grids if file != own and hidden else ():
            if set(grid.heads) != set(true.heads):
                continue
            named = _keyed(grid, [grid.heads.index(true.heads[x]) for x in keys])
            for y, x, cell in grid.cells():
                if cell not in ("", SIGN) and (named[y - 1], grid.heads[x - 1]) in is_hidden:
                    yield file, f"{grid.place or 'table'}, row {y}, column {x}", "hidden_value"


class Distinctive:
    """Hidden numbers of many digits that no shown number gives: as they are, in per cent, and as the rest to one."""

    def __init__(self, hidden: Iterable[Hidden], shown: Iterable[str], rules: Rules) -> None:
        self.digits = rules.settings["min_digits"]
        self.shown = sorted({form for value in map(_number, shown) if value is not None for form in _forms(value)})
        found = [(h, value) for h in hidden if (value := _number(h.value)) is not None and self._has_digits(h.value)]
        self.forms = [(h, form) for h, value in found for form in _forms(value) if not _near(self.shown, form, 1e-9)]
        self.values = sorted({form for _, form in self.forms})
        self.stands_in = cache(self._stands_in)

    def _has_digits(self, text: str) -> bool:
        return len(re.sub(r"e.*|\D", "", text).strip("0")) >= self.digits

    def _stands_in(self, text: str) -> bool:
        """Whether a text holds one, to as many digits as it is written with."""
        if not self.values:
            return False
        for whole, decimals, power in NUMBER.findall(text):
            if len((whole + decimals).lstrip("0")) >= self.digits:
                value, unit = float(f"{whole}.{decimals}e{power or 0}"), 10.0 ** (int(power or 0) - len(decimals))
                if _near(self.values, value, 0.51 * unit) and not _near(self.shown, value, 0.51 * unit):
                    return True
        return False

    def is_drawn(self, systems: Iterable[Axes]) -> bool:
        """Whether a point stands at one: at its value, and in its month where it has one."""
        return any(self._is_at_a_point(system) for system in systems)

    def _is_at_a_point(self, system: Axes) -> bool:
        points = sorted(system.points)
        xs, ys = sorted(x for x, _ in points), sorted(y for _, y in points)
        for hidden, size in self.forms:
            for form in (size, -size):
                if hidden.month:
                    if system.x and system.y and self._in_month(system, points, float(hidden.month), form):
                        return True
                elif any(
                    scale and _near(places, scale.pixels(form), AT_VALUE)
                    for scale, places in ((system.x, xs), (system.y, ys))
                ):
                    return True
        return False

    def _in_month(self, system: Axes, points: list[tuple[float, float]], month: float, form: float) -> bool:
        assert system.x and system.y
        middle, half = system.x.pixels(month), abs(system.x.slope) * IN_MONTH
        start, end = bisect_left(points, (middle - half,)), bisect_left(points, (middle + half,))
        place = system.y.pixels(form)
        return any(abs(y - place) <= AT_VALUE_IN_MONTH for _, y in points[start:end])


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return abs(value) if math.isfinite(value) else None


def _forms(value: float) -> Iterator[float]:
    yield from (value, 100 * value)
    if 0 < value < 1:
        yield from (1 - value, 100 * (1 - value))


def _near(ordered: Sequence[float], value: float, tolerance: float) -> bool:
    at = bisect_left(ordered, value - tolerance)
    return at < len(ordered) and ordered[at] <= value + tolerance


def _uneven(contents: Mapping[str, Content]) -> Iterator[Found]:
    """Rows of a printed table that hide more cells in its CSV than in another format."""
    for file, content in contents.items():
        name, dot, kind = file.rpartition(".")
        if not (file.startswith("tables/") and dot and kind != "csv" and f"{name}.csv" in contents):
            continue
        csv_rows = [row for grid in contents[f"{name}.csv"].grids for row in _numbers_of(grid)]
        rows = [row for grid in content.grids if len(grid.heads) > 1 for row in _numbers_of(grid)][: len(csv_rows)]
        for y, expected in enumerate(csv_rows, start=1):
            if y > len(rows) or _n_hidden(rows[y - 1]) < _n_hidden(expected):
                yield file, f"row {y} of its numbers", "hidden_unevenly"


def _numbers_of(grid: Grid) -> list[tuple[str, ...]]:
    """Rows without their heads; rows that hold nothing else, such as heads of groups, are none."""
    return [row[grid.n_labels :] for row in grid.rows if any(row[grid.n_labels :])]


def _n_hidden(row: Sequence[str]) -> int:
    return sum(re.fullmatch(rf"{SIGN}\s*[a-z]{{0,2}}", cell) is not None for cell in row)
