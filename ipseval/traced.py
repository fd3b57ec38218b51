"""Numbers that know which row of which table they come from, in print too, so that the report can name it."""

import functools
import math
from collections.abc import Callable, Mapping
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
    """Table and line of its CSV file that a number comes from: ``effects:17``; nothing when it is not known."""
    return str(getattr(value, "source", ""))


def carried(print_as: Callable[Concatenate[Any, P], str]) -> Callable[Concatenate[Any, P], str]:
    """The function, which prints a number, with the number's source carried over to the text."""

    @functools.wraps(print_as)
    def printed(value: Any, /, *rest: P.args, **named: P.kwargs) -> str:
        text = print_as(value, *rest, **named)
        if not source(value):
            return text
        known = Text(text)
        known.source = source(value)
        return known

    return printed


def _with_source(value: Any, source: str) -> Any:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or math.isnan(value):
        return value
    number = Count(value) if isinstance(value, int) else Number(value)
    number.source = source
    return number
