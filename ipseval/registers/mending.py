"""Mending a delivery without touching it: persons to leave out and cells to correct, from files that hold keys.

These files lie beside the delivery or under ``person/``; everything else holds their count and digest only.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from ipseval.contracts import EXTRACTS
from ipseval.errors import Fault, nearest
from ipseval.registers.cells import Converted, as_code, plain
from ipseval.registers.convert import convert
from ipseval.registers.distinct import stacked
from ipseval.registers.keys import canonical_keys

COLUMNS = {"leave_out": ("extract", "key", "reason"), "corrections": ("extract", "key", "column", "value", "reason")}
COLUMN, WAS = "column", "was"  # optional: which of a person's rows are meant, by what a cell of theirs holds
ROWS_MEANT = {"leave_out": (COLUMN, WAS), "corrections": (WAS,)}


@dataclass(frozen=True)
class Mending:
    """What a cohort file says of single persons.

    Parameters
    ----------
    left_out : DataFrame
        ``extract``, ``key`` (canonical), ``column`` and ``was`` (empty: all rows of the person), as text.
    corrections : DataFrame
        ``extract``, ``key``, ``column``, ``value`` and ``was`` (empty: whatever the cell holds), as text.
    faults : tuple of Fault
        What is wrong with the files.
    n_rows, n_persons : mapping
        Of each file, by its key in the cohort file.
    """

    left_out: pd.DataFrame = field(default_factory=lambda: _nothing("leave_out"))
    corrections: pd.DataFrame = field(default_factory=lambda: _nothing("corrections"))
    faults: tuple[Fault, ...] = ()
    n_rows: Mapping[str, int] = field(default_factory=dict)
    n_persons: Mapping[str, int] = field(default_factory=dict)

    def of_column(self, extract: str, column: str) -> pd.DataFrame:
        """Corrections of a column."""
        own = self.corrections
        return own[(own["extract"] == extract) & (own["column"] == column)]

    def persons_left_out(self, extract: str) -> pd.DataFrame:
        """Rows of ``left_out`` that mean a person with all rows."""
        return self.left_out[(self.left_out["extract"] == extract) & (self.left_out[COLUMN] == "")]

    def rows_left_out(self, extract: str) -> pd.DataFrame:
        """Rows of ``left_out`` that mean some rows of a person."""
        own = self.left_out
        return own[(own["extract"] == extract) & (own[COLUMN] != "") & (own[WAS] != "")]

    def concerned(self) -> frozenset[str]:
        """Keys of persons of whom a cell is set or a row is left out, but who stay in the trial."""
        leave = set(self.persons_left_out("trial")["key"])
        return frozenset({*self.left_out["key"], *self.corrections["key"]} - leave)


def _nothing(name: str) -> pd.DataFrame:
    return pd.DataFrame(columns=list(dict.fromkeys((*COLUMNS[name], *ROWS_MEANT[name]))), dtype="str")


def load(files: Mapping[str, Path]) -> Mending:
    """Read the files that a cohort names, by their key (``leave_out``, ``corrections``)."""
    faults: list[Fault] = []
    read = {name: _read(name, file, faults) for name, file in files.items()}
    left_out, corrections = read.get("leave_out"), read.get("corrections")
    return Mending(
        _nothing("leave_out") if left_out is None else left_out,
        _nothing("corrections") if corrections is None else corrections,
        tuple(faults),
        {name: len(own) for name, own in read.items() if own is not None},
        {name: own["key"].nunique() for name, own in read.items() if own is not None},
    )


def _read(name: str, file: Path, faults: list[Fault]) -> pd.DataFrame | None:
    """Rows of a file with its keys in one spelling; None, and a fault, where it cannot be used."""
    try:
        table = _as_text(file)
    except (OSError, ValueError, pa.ArrowException):  # what the library says may quote a cell
        faults.append(Fault(file.name, "cannot be read.", "Expected: CSV (UTF-8) or Parquet."))
        return None
    lacking = [column for column in COLUMNS[name] if column not in table]
    if lacking:
        what = f"{name} names it, but it has no column {' and no column '.join(lacking)}."
        faults.append(Fault(file.name, what, f"Expected: {', '.join(COLUMNS[name])}."))
        return None
    unknown = table[~table["extract"].isin(EXTRACTS)]
    if len(unknown):
        near = nearest(str(unknown["extract"].iloc[0]), EXTRACTS) or f"Known: {', '.join(EXTRACTS)}."
        faults.append(Fault(file.name, f"{len(unknown)} of {len(table)} rows name no extract.", near))
    empty = int((table["key"] == "").sum())
    if empty:
        faults.append(Fault(file.name, f"{empty} of {len(table)} rows have no key.", "Name the person of each."))
    keys = canonical_keys(pa.chunked_array([pa.array(table["key"], pa.string())])).values.astype("str")
    absent = {column: "" for column in ROWS_MEANT[name] if column not in table}
    table = table.assign(key=keys.to_numpy(), **absent).drop_duplicates(ignore_index=True)
    if name == "leave_out" and (half := int(((table[COLUMN] == "") != (table[WAS] == "")).sum())):
        what = f"{half} of {len(table)} rows have only one of {COLUMN} and {WAS}."
        faults.append(Fault(file.name, what, "Name both, for some rows of a person, or neither, for all."))
    return table


def _as_text(file: Path) -> pd.DataFrame:
    """A table as text, empty where nothing stands."""
    if file.suffix.lower() == ".csv":
        lines = file.read_text(encoding="utf-8-sig").splitlines()
        mark = ";" if lines and lines[0].count(";") > lines[0].count(",") else ","
        table = pd.read_csv(file, sep=mark, dtype="str", keep_default_na=False, encoding="utf-8-sig")
        return table.rename(columns=lambda name: str(name).strip()).apply(lambda column: column.str.strip())
    read = pq.read_table(file)
    columns = {name: as_code(plain(read[name])).fillna("") for name in read.column_names}
    return pd.DataFrame(columns, dtype="str")


@dataclass(frozen=True)
class Corrected:
    """A column with its corrections.

    Parameters
    ----------
    made : Converted
    rows : bool array, length n
        Rows that were set.
    used : list
        Labels of the corrections that belong to a row.
    n_unreadable, n_contradicting : int
        Corrections whose value cannot be read, and those of a cell that another one sets otherwise.
    """

    made: Converted
    rows: np.ndarray
    used: list[int]
    n_unreadable: int
    n_contradicting: int


def corrected(
    made: Converted, person: pd.Series, delivered: Sequence[pa.ChunkedArray], asked: pd.DataFrame, kind: str
) -> Corrected:
    """Put the asked values in the place of delivered ones.

    Parameters
    ----------
    made : Converted
        The column of all rows.
    person : Series, length n
        Canonical keys.
    delivered : sequence of ChunkedArray
        The cells as delivered, of all parts.
    asked : DataFrame
        Corrections of the column; see :class:`Mending`.
    kind : str
        Of the column (``contracts.KINDS``).
    """
    texts = pa.chunked_array([pa.array([value or None for value in asked["value"]], pa.string())])
    value = convert(texts, kind)
    source, used, n_contradicting = np.full(len(person), -1), [], 0
    for i, own in enumerate(meant(asked, person, delivered)):
        used += [asked.index[i]] * bool(own.any())
        earlier = set(source[own]) - {-1}
        n_contradicting += any(asked["value"].iloc[j] != asked["value"].iloc[i] for j in earlier)
        source[own] = i
    rows = source >= 0
    put = value.values.take(np.maximum(source, 0)).set_axis(made.values.index) if len(asked) else made.values
    text = [c.astype("str") if isinstance(c.dtype, pd.CategoricalDtype) else c for c in (made.values, put)]
    values = text[0].where(~rows, text[1])
    if isinstance(made.values.dtype, pd.CategoricalDtype):
        values = stacked([values]).astype("category")
    fixed = replace(made, values=values, failed=made.failed & ~rows)
    return Corrected(fixed, rows, used, int(value.failed.sum()), n_contradicting)


def meant(asked: pd.DataFrame, person: pd.Series, delivered: Sequence[pa.ChunkedArray]) -> Iterator[np.ndarray]:
    """The rows that each row of a file means: those of its person, of which a cell holds ``was`` if that is named.

    Parameters
    ----------
    asked : DataFrame
        ``key`` and ``was``.
    person : Series, length n
        Canonical keys.
    delivered : sequence of ChunkedArray
        The cells as delivered, of all parts; days without a time may be named as YYYY-MM-DD.

    Yields
    ------
    bool array, length n
    """
    cells = pd.concat([as_code(plain(column)) for column in delivered], ignore_index=True).fillna("")
    cells = cells.str.removesuffix(" 00:00:00")
    keys = person.astype("str")
    for key, was in zip(asked["key"], asked[WAS], strict=True):
        yield ((keys == key) & ((cells == was) if was else True)).to_numpy()
