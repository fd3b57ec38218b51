"""Numbers that know which row of which table they come from, in print too, so that the report can name it."""

import functools
import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Concatenate, ParamSpec

FIRST_LINE = 2  # of a CSV file, below its heads

P = ParamSpec("P")


class Count(int):
    """A whole number with its source."""

    source: str


class Number(float):
    """A number with its source."""

    source: str


class Text(str):
    """A printed number with its source."""

    source: str


def traced(row: Mapping[Any, Any], table: str, place: int) -> dict[str, Any]:
    """A row whose numbers know their source; what is not a number, or not known, is as it was.

    Parameters
    ----------
    row : mapping
    table : str
    place : int
        Position of the row in the table, from 0.
    """
    source = f"{table}:{place + FIRST_LINE}"
    return {str(column): _with_source(value, source) for column, value in row.items()}


def source(value: object) -> str:
    """Table and line of its CSV file that a number comes from: ``effects:17``; nothing when it is not known.

    Of a number that several rows make, all of them: :func:`made_of`.
    """
    return str(getattr(value, "source", ""))


def carried(print_as: Callable[Concatenate[Any, P], str]) -> Callable[Concatenate[Any, P], str]:
    """The function, which prints a number, with the number's source carried over to the text."""

    @functools.wraps(print_as)
    def printed(value: Any, /, *rest: P.args, **named: P.kwargs) -> str:
        text = print_as(value, *rest, **named)
        if not source(value):
            return text
        return _sourced(text, source(value))

    return printed


def made_of(number: Any, parts: Iterable[object]) -> Any:
    """A number, or a printed one, that others make, with the lines of all of them: ``wage_subsidy:2,7 flow:3``."""
    lines: dict[str, list[str]] = {}
    for part in parts:
        for table, _, places in (each.partition(":") for each in source(part).split()):
            lines.setdefault(table, []).extend(places.split(","))
    return _sourced(number, " ".join(f"{table}:{','.join(dict.fromkeys(places))}" for table, places in lines.items()))


def _with_source(value: Any, source: str) -> Any:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or math.isnan(value):
        return value
    return _sourced(value, source)


def _sourced(value: Any, source: str) -> Any:
    kind = Text if isinstance(value, str) else Count if isinstance(value, int) else Number
    known: Any = kind(value)
    known.source = source
    return known
