"""Where rows at fault stand: file, row and key of each, for whoever may see persons (``ipseval check --rows``)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

ORIGIN = "(origin)"  # column of frames while origins are kept: the number of the delivered row
COLUMNS = ("extract", "file", "row", "key", "rule", "column", "action")
OF_COLUMNS = frozenset(  # rules of whole columns, which would name every row
    {"column_of_nulls", "converted_type", "key_blanks", "key_spelling", "time_zone_in_date", "unknown_time_zone"}
)


def as_delivered(frame: pd.DataFrame) -> pd.DataFrame:
    """The frame without the number of each row."""
    return frame.drop(columns=ORIGIN, errors="ignore")


@dataclass
class Origins:
    """Delivered rows by number, and those that a rule found.

    Parameters
    ----------
    places : list of DataFrame
        ``extract``, ``file``, ``row`` (from 1 on) and ``key`` of delivered rows, in the order of their numbers.
    named : list of DataFrame
        ``COLUMNS`` of rows and persons that a rule found.
    """

    places: list[pd.DataFrame] = field(default_factory=list)
    named: list[pd.DataFrame] = field(default_factory=list)

    def place(self, extract: str, names: Sequence[str], file: np.ndarray, row: np.ndarray, key: pd.Series) -> pd.Series:
        """Remember delivered rows and give them numbers.

        Parameters
        ----------
        extract : str
        names : sequence of str
            Files of the delivery.
        file, row : int array, length n
            Number of the file, and of the row in it from 0 on.
        key : Series, length n
        """
        first = sum(map(len, self.places))
        own = {"extract": extract, "file": np.array(names, object)[file], "row": row + 1, "key": key.astype("str")}
        self.places.append(pd.DataFrame(own).reset_index(drop=True))
        return pd.Series(np.arange(first, first + len(row)), index=key.index)

    def note(self, names: Sequence[str], found: pd.DataFrame, **finding: str) -> None:
        """Remember the rows that a rule found.

        Parameters
        ----------
        names : sequence of str
            Files of the delivery.
        found : DataFrame
            Rows at fault, with ``person_id`` and ``ORIGIN``; where a layout has made spells of cells it is lost, and
            all rows of the persons are named.
        **finding : str
            ``extract``, ``rule``, ``column`` and ``action``.
        """
        if finding["rule"] in OF_COLUMNS:
            return
        every = pd.concat(self.places, ignore_index=True)
        if ORIGIN in found:
            rows = every.loc[found[ORIGIN]]
        else:
            own = (every["extract"] == finding["extract"]) & every["file"].isin(names)
            rows = every[own & every["key"].isin(found["person_id"].astype("str"))]
        self.named.append(rows.assign(**finding))

    def note_persons(self, keys: Iterable[str], file: str = "", **finding: str) -> None:
        """Remember persons that a rule found in no row of the delivery; ``file`` is one that names them."""
        self.named.append(pd.DataFrame({"key": list(keys)}, dtype="str").assign(file=file, row=np.nan, **finding))

    def table(self) -> pd.DataFrame:
        """One row a row (or person) and rule, sorted; ``COLUMNS``."""
        if not self.named:
            return pd.DataFrame(columns=list(COLUMNS))
        every = pd.concat([own.astype({"row": "Int64"}) for own in self.named], ignore_index=True)
        return every[list(COLUMNS)].drop_duplicates().sort_values(list(COLUMNS), ignore_index=True)
