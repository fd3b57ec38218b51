"""Whether a number that protection hid stands somewhere: in another file, in full precision, in a drawing."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from ipseval.finished.content import Content, Grid, Sourced
from ipseval.finished.distinctive import Distinctive, Hidden, number_of
from ipseval.finished.drawing import axes
from ipseval.finished.rules import Rules, places

SIGN = ":"
PRINTED = re.compile(r"\d+(?:[.,\u00a0\u202f]\d+)*")
FIRST_LINE = 2  # of a CSV file, below its heads

Found = tuple[str, str, str]  # file, place, rule


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
    lines: dict[tuple[str, int], tuple[list[float], list[float]]] = {}
    for name, content in inside:
        file = f"data/{name}.csv"
        if file not in contents or not contents[file].grids or not content.grids:
            continue
        released, whole = contents[file].grids[0], content.grids[0]
        true = _only(whole, released.heads)
        keys = _keys(true, rules)
        if released.heads != true.heads or _keyed(released, keys) != _keyed(true, keys):
            yield file, "the whole", "rows_differ"
            continue
        cells = list(_hidden(name, released, true, keys))
        yield from _at_the_same_key(contents, file, true, keys, cells)
        lines |= {(name, y + FIRST_LINE): _line(released.rows[y], true.rows[y]) for y in range(len(true.rows))}
        hidden += [*cells, *_left_inside(name, whole, released.heads)]
    shown = [
        cell for file, content in contents.items() if _is_data(file) for g in content.grids for *_, cell in g.cells()
    ]
    numbers = Distinctive(hidden, shown, rules.settings["min_digits"])
    for file, content in contents.items():
        for place, text in places(_of_persons(content, rules)):
            if numbers.stands_in(text):
                yield file, place(), "hidden_value"
        for piece in content.pieces:
            if piece.is_drawing and numbers.is_drawn(axes(piece.text)):
                yield file, piece.place or "its points", "hidden_in_drawing"
        yield from ((file, number.place, "hidden_value") for number in content.sourced if _is_hidden(number, lines))
    yield from _uneven(contents)


def _of_persons(content: Content, rules: Rules) -> Content:
    """The content without numbers about the release itself."""
    about = set(rules.settings["about"])
    grids = (
        grid if about.isdisjoint(grid.heads) else _only(grid, tuple(head for head in grid.heads if head not in about))
        for grid in content.grids
    )
    return replace(content, grids=tuple(grids))


def _is_data(file: str) -> bool:
    return file.startswith("data/") and file.endswith(".csv")


def _keys(grid: Grid, rules: Rules) -> list[int]:
    return [x for x, head in enumerate(grid.heads) if head in rules.settings["keys"]]


def _only(grid: Grid, heads: tuple[str, ...]) -> Grid:
    """The columns of these heads, in their order: a released table may have fewer than the one inside."""
    places = [grid.heads.index(head) for head in heads if head in grid.heads]
    rows = tuple(tuple(row[x] for x in places) for row in grid.rows)
    return replace(grid, heads=tuple(grid.heads[x] for x in places), rows=rows)


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


def _left_inside(name: str, whole: Grid, released: tuple[str, ...]) -> Iterator[Hidden]:
    """Numbers of columns that are not released at all."""
    for _, x, cell in whole.cells():
        if whole.heads[x - 1] not in released:
            yield Hidden(name, (), whole.heads[x - 1], cell)


def _at_the_same_key(
    contents: Mapping[str, Content], own: str, true: Grid, keys: list[int], hidden: list[Hidden]
) -> Iterator[Found]:
    """A number in the place of a hidden one, in another copy of the table: in a script, a workbook, another file."""
    is_hidden = {(h.key, h.column) for h in hidden}
    for file, content in contents.items():
        for grid in content.grids if file != own and hidden else ():
            if not set(true.heads) <= set(grid.heads):
                continue
            named = _keyed(grid, [grid.heads.index(true.heads[x]) for x in keys])
            for y, x, cell in grid.cells():
                if cell not in ("", SIGN) and (named[y - 1], grid.heads[x - 1]) in is_hidden:
                    yield file, f"{grid.place or 'table'}, row {y}, column {x}", "hidden_value"


def _line(released: tuple[str, ...], true: tuple[str, ...]) -> tuple[list[float], list[float]]:
    """Numbers of a line that are hidden, and those that are shown, as they are released and as they are inside.

    Among those that are shown are persons times a share: who has both numbers has the count, as tables print it.
    """
    cells = [(shown, number_of(value)) for shown, value in zip(released, true, strict=True)]
    known = [(shown, value) for shown, value in cells if value is not None]
    printed = [value for shown in released if (value := number_of(shown)) is not None]
    shown = [*printed, *(value for sign, value in known if sign != SIGN)]
    counts = [n * share for n in shown if n > 1 and n % 1 == 0 for share in shown if 0 < share < 1]
    return [value for sign, value in known if sign == SIGN], [*shown, *counts]


def _is_hidden(number: Sourced, lines: Mapping[tuple[str, int], tuple[list[float], list[float]]]) -> bool:
    """Whether a printed number is one that its line hides, and none that the line shows."""
    table, _, line = number.source.partition(":")
    if not line.isdecimal() or number.text == line or (table, int(line)) not in lines:
        return False
    hidden, shown = lines[table, int(line)]
    return any(_prints(text, hidden) and not _prints(text, shown) for text in PRINTED.findall(number.text))


def _prints(text: str, values: list[float]) -> bool:
    """Whether a number is printed as one of the values, or as one of them in per cent; a comma may be either mark."""
    whole, decimals = re.fullmatch(r"(.*?)(?:\D(\d+))?", text, re.S).groups("")  # type: ignore[union-attr]
    digits = re.sub(r"\D", "", whole)
    read = {(float(digits + decimals), 0), (float(f"{digits}.{decimals or 0}"), len(decimals))}
    return any(abs(n - form) <= 0.51 * 10**-d for n, d in read for v in values for form in (v, 100 * v))


def _uneven(contents: Mapping[str, Content]) -> Iterator[Found]:
    """Rows of a printed table that hide more cells in one format than in another."""
    for file, content in contents.items():
        name, dot, kind = file.rpartition(".")
        if not (file.startswith("tables/") and dot and kind != "csv" and f"{name}.csv" in contents):
            continue
        csv_rows = [row for grid in contents[f"{name}.csv"].grids for row in _numbers_of(grid)]
        rows = [row for grid in content.grids if len(grid.heads) > 1 for row in _numbers_of(grid)][: len(csv_rows)]
        for y, expected in enumerate(csv_rows, start=1):
            n = _n_hidden(rows[y - 1]) if y <= len(rows) else 0
            if n != _n_hidden(expected):
                less = file if n < _n_hidden(expected) else f"{name}.csv"
                yield less, f"row {y} of its numbers", "hidden_unevenly"


def _numbers_of(grid: Grid) -> list[tuple[str, ...]]:
    """Rows without their heads; rows that hold nothing else, such as heads of groups, are none."""
    return [row[grid.n_labels :] for row in grid.rows if any(row[grid.n_labels :])]


def _n_hidden(row: Sequence[str]) -> int:
    return sum(re.fullmatch(rf"{SIGN}\s*[a-z]{{0,2}}", cell) is not None for cell in row)
