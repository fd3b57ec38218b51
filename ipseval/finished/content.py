"""What a finished file holds, whatever its format: grids of cells, pieces of text, and what has no place in it.

The modules ``finished_*`` read the formats. They and ``scan`` share no code with what made the files.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Grid:
    """A table as it stands in a file.

    Parameters
    ----------
    heads : tuple of str
        One a column; heads above each other are joined.
    rows : tuple of tuple of str
    place : str
        Which table of the file.
    n_labels : int
        Leading columns that hold heads of rows.
    title : str
        Caption or name, where there is one.
    """

    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    place: str = ""
    n_labels: int = 0
    title: str = ""

    def cells(self) -> Iterator[tuple[int, int, str]]:
        """Row and column from 1, and the text; of columns that have a head."""
        for y, row in enumerate(self.rows, start=1):
            yield from ((y, x, cell) for x, cell in enumerate(row[: len(self.heads)], start=1))


@dataclass(frozen=True)
class Piece:
    """A piece of text, or the source of an SVG."""

    place: str
    text: str
    is_drawing: bool = False


@dataclass(frozen=True)
class Trace:
    """Something that has no place in a released file, by the rule it breaks."""

    place: str
    rule: str


@dataclass(frozen=True)
class Sourced:
    """A printed number that names the table and the line of the CSV file that it comes from: ``effects:17``."""

    place: str
    source: str
    text: str


@dataclass(frozen=True)
class Content:
    """All that a file holds."""

    grids: tuple[Grid, ...] = ()
    pieces: tuple[Piece, ...] = ()
    traces: tuple[Trace, ...] = ()
    sourced: tuple[Sourced, ...] = ()

    def __add__(self, other: "Content") -> "Content":
        return joined((self, other))

    def within(self, place: str) -> "Content":
        """The same as part of something else."""

        def inside(own: str) -> str:
            return f"{place}, {own}" if own else place

        return Content(
            tuple(replace(grid, place=inside(grid.place)) for grid in self.grids),
            tuple(replace(piece, place=inside(piece.place)) for piece in self.pieces),
            tuple(replace(trace, place=inside(trace.place)) for trace in self.traces),
            tuple(replace(number, place=inside(number.place)) for number in self.sourced),
        )


def joined(parts: Iterable[Content]) -> Content:
    """All parts as one."""
    grids: list[Grid] = []
    pieces: list[Piece] = []
    traces: list[Trace] = []
    sourced: list[Sourced] = []
    for part in parts:
        grids += part.grids
        pieces += part.pieces
        traces += part.traces
        sourced += part.sourced
    return Content(tuple(grids), tuple(pieces), tuple(traces), tuple(sourced))


def stacked(heads: Sequence[Sequence[str]]) -> tuple[str, ...]:
    """One head a column of heads that stand above each other; an arm called 1 above ``Persons`` is no person."""
    width = max(map(len, heads), default=0)
    above = ([row[x] for row in heads if x < len(row) and row[x]] for x in range(width))
    return tuple(" | ".join(dict.fromkeys(texts)) for texts in above)


def labelled(heads: tuple[str, ...], rows: list[tuple[str, ...]], place: str = "") -> Grid:
    """A grid of a format without heads of rows: printed tables begin with a column ``group`` and one of row heads."""
    return Grid(heads, tuple(rows), place, 2 if heads and heads[0].casefold() in ("group", "gruppe") else 0)
