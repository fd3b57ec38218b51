"""Periods of a delivery: the calendar month or year that a row speaks of, in a column or in its file's name."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath

import numpy as np
import pandas as pd

MONTH_COLUMN, YEAR_COLUMN = "year_month", "year"
UNITS = {MONTH_COLUMN: "M", YEAR_COLUMN: "Y"}  # as numpy calls them
WORDS = {MONTH_COLUMN: "month", YEAR_COLUMN: "year"}
_YEAR = r"(?<!\d)((?:19|20)\d{2})"
PART = re.compile(r"part[-_.]|data[_.]?\d*$|\d{6}_\d+|[0-9a-f]{8}-[0-9a-f]{4}-", re.IGNORECASE)  # a writer's own names
NAMES = {  # the month need not have two digits: ameld_2015_m1, 20151, 201501 and 2015-01 are the same
    MONTH_COLUMN: re.compile(_YEAR + r"[-_. ]?m?(0?[1-9]|1[0-2])(?!\d)", re.IGNORECASE),
    YEAR_COLUMN: re.compile(_YEAR + r"(?!\d)"),
}


@dataclass(frozen=True)
class Period:
    """Where the month or year of a row stands.

    Parameters
    ----------
    column : str
        ``year_month`` or ``year``.
    of_file : dict
        Number of a file -> its month or year (datetime64); empty when a column holds it.
    """

    column: str
    of_file: dict[int, np.datetime64] = field(default_factory=dict)

    @property
    def unit(self) -> str:
        """``M`` or ``Y``."""
        return UNITS[self.column]

    @property
    def word(self) -> str:
        """How messages call it."""
        return WORDS[self.column]

    def of_rows(self, file: np.ndarray) -> pd.Series:
        """The column as a delivery would hold it, from the number of each row's file."""
        known = np.array([self.of_file[i] for i in range(len(self.of_file))], dtype=f"datetime64[{self.unit}]")
        rows = known[file] if len(known) else known
        if self.unit == "Y":
            return pd.Series(rows.astype("int64") + 1970, dtype="Int64")
        return pd.Series(rows.astype("datetime64[s]"))


def by_column(column: str) -> Period:
    """The period stands in a column."""
    return Period(column)


def by_file(column: str, names: Sequence[str]) -> Period | None:
    """The period stands in the names of all files; None when one of them has none."""
    found = [_in_name(column, PurePosixPath(name)) for name in names]
    if not names or not all(found):
        return None
    last = [match[-1] for match in found]
    return Period(column, {i: _moment(match) for i, match in enumerate(last)})


def _in_name(column: str, name: PurePosixPath) -> list[str | tuple[str, str]]:
    """Months or years in a file's name or, where that has none, in those of its folders: ``year=2015/month=3/``.

    The name of a part that a program gave has digits of its own.
    """
    own = [] if PART.match(name.stem) else NAMES[column].findall(name.stem)
    folders = re.sub(r"/(?:[^/=]*=)?", "-", f"/{name.parent}")
    return own or NAMES[column].findall(folders)


def _moment(match: str | tuple[str, str]) -> np.datetime64:
    if isinstance(match, str):
        return np.datetime64(match, "Y")
    year, month = match
    return np.datetime64(f"{year}-{int(month):02d}", "M")
