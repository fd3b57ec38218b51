"""Delivered Parquet files, read for the persons of the trial only (out of core, DuckDB).

Files of one extract may differ in type and in columns: those that agree are read together and converted together.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import accumulate, groupby

import duckdb
import pandas as pd
import pyarrow as pa

from ipseval.convert import as_code, each_once, is_text
from ipseval.delivered import Delivery, File
from ipseval.progress import Reading

MAX_KEY_WIDTH = 20  # a key of digits is looked for with leading zeros up to this width
MAX_KEY_DIGITS = 18  # longer keys are no 64-bit integers
BATCH_BYTES = 2**28  # files are read together up to so many bytes, so that progress can be told between
Names = Mapping[str, Sequence[str]]  # our column -> the names that it may have in a file
FILE = "(file)"  # column of a part: the number of the file that a row came from


@dataclass(frozen=True)
class Part:
    """Rows of the files of one delivery that agree in the types of the columns read; our names, and ``FILE``."""

    table: pa.Table

    def column(self, name: str) -> pa.ChunkedArray | None:
        """A column under our name; None where these files lack it."""
        return self.table[name] if name in self.table.column_names else None


class UnreadableError(Exception):
    """Files whose footer is whole but whose pages are not."""

    def __init__(self, names: list[str]):
        self.names = names
        super().__init__(f"{len(names)} files")


def read(delivery: Delivery, columns: Names, keys: Iterable[str] | None = None) -> list[Part]:
    """Read a delivery, or the rows of some persons only.

    Parameters
    ----------
    delivery : Delivery
    columns : mapping
        Our name -> names that it may have in a file; ``person_id`` among them when keys are given.
    keys : iterable of str, optional
        Canonical keys (see :func:`canonical_key`); a key of digits is found with leading zeros too.

    Returns
    -------
    list of Part
        In the order of the first file of each; rows in no particular order.

    Raises
    ------
    UnreadableError
        Pages of a file cannot be read.
    """
    return _parts(delivery, columns, "read", None if keys is None else sorted(keys))


def count_by(delivery: Delivery, names: Sequence[str]) -> list[Part]:
    """Number of rows (``n_rows``) for each file and ``value`` of a column of the whole delivery; see :func:`read`."""
    return _parts(delivery, {"value": names}, "counted", None, counted=True)


def _parts(delivery: Delivery, columns: Names, done: str, keys: list[str] | None, counted: bool = False) -> list[Part]:
    batches = [batch for numbers in _alike(delivery, columns) for batch in _batches(delivery, numbers)]
    sizes = [[delivery.files[i].n_bytes for i in batch] for batch in batches]
    reading = Reading(f"{delivery.name}, {done}", tuple(size for some in sizes for size in some))
    parts, damaged = [], []
    for batch, some in zip(batches, sizes, strict=True):
        try:
            parts.append(Part(_query(delivery, batch, columns, keys, counted)))
        except UnreadableError as error:
            damaged += error.names
        reading.done(*some)
    if damaged:
        raise UnreadableError(sorted(damaged))
    return parts


def _batches(delivery: Delivery, numbers: list[int]) -> list[list[int]]:
    """The files in runs of about ``BATCH_BYTES``, or single files that are larger."""
    before = accumulate((delivery.files[i].n_bytes for i in numbers), initial=0)
    return [
        [number for _, number in run]
        for _, run in groupby(zip(before, numbers, strict=False), key=lambda pair: pair[0] // BATCH_BYTES)
    ]


def _alike(delivery: Delivery, columns: Names) -> list[list[int]]:
    """Numbers of the files that agree in name and type of the columns read; files without rows are left out."""

    def kind(number: int) -> str:
        here = _names_in(delivery.files[number], columns)
        return str([(ours, theirs, str(delivery.files[number].types[theirs])) for ours, theirs in here.items()])

    filled = [i for i, file in enumerate(delivery.files) if file.n_rows or len(delivery.files) == 1]
    return sorted(list(numbers) for _, numbers in groupby(sorted(filled, key=kind), key=kind))


def _names_in(file: File, columns: Names) -> dict[str, str]:
    """Our name -> the name in a file, of the columns that the file has."""
    return {ours: theirs for ours, names in columns.items() if (theirs := file.column(names)) is not None}


def _query(
    delivery: Delivery, numbers: list[int], columns: Names, keys: list[str] | None, counted: bool = False
) -> pa.Table:
    files = [delivery.files[i] for i in numbers]
    here = _names_in(files[0], columns)
    paths = [str(file.path) for file in files]
    select = ", ".join(f"{_quoted(theirs)} AS {_quoted(ours)}" for ours, theirs in here.items())
    query = (
        f'SELECT {select}, CAST(list_position($paths, "{FILE}") AS INTEGER) - 1 AS "{FILE}" '
        "FROM read_parquet($patterns, union_by_name=true, binary_as_string=true, hive_partitioning=false, "
        f"filename='{FILE}')"
    )
    if counted:
        query = f"SELECT *, count(*) AS n_rows FROM ({query}) GROUP BY ALL"
    with _connection() as db:
        if keys is not None:
            query += _persons(db, files, here["person_id"], keys)
        try:
            table = db.sql(query, params={"paths": paths, "patterns": list(map(_pattern, paths))}).to_arrow_table()
        except duckdb.Error:
            raise UnreadableError(_damaged(delivery, numbers, columns, keys)) from None
    own = pa.array(numbers, pa.int32()).take(table[FILE])
    return _with_zones(table.set_column(table.column_names.index(FILE), FILE, own), files[0], here)


def _damaged(delivery: Delivery, numbers: list[int], columns: Names, keys: list[str] | None) -> list[str]:
    """Names of the files that fail when they are read alone; all of them when none does."""
    if len(numbers) == 1:
        return delivery.names(numbers)
    failed = []
    for number in numbers:
        try:
            _query(delivery, [number], columns, keys)
        except UnreadableError as error:
            failed += error.names
    return failed or delivery.names(numbers)


def _with_zones(table: pa.Table, file: File, columns: Mapping[str, str]) -> pa.Table:
    """The table with times in the zone that the file states; DuckDB gives them in the session's."""
    for ours, theirs in columns.items():
        kind = file.types[theirs]
        if pa.types.is_timestamp(kind) and kind.tz is not None:
            zoned = table[ours].cast(pa.timestamp("us", kind.tz))
            table = table.set_column(table.column_names.index(ours), ours, zoned)
    return table


def _persons(db: duckdb.DuckDBPyConnection, files: list[File], column: str, keys: list[str]) -> str:
    """The condition that picks the persons out; the column's type decides how they are spelled."""
    kind, name = files[0].types[column], _quoted(column)
    kind = kind.value_type if pa.types.is_dictionary(kind) else kind
    if not (is_text(kind) or pa.types.is_binary(kind)):
        numbers = [int(k) for k in keys if k.isdigit() and len(k) <= MAX_KEY_DIGITS]
        db.register("trial_keys", pa.table({"k": pa.array(numbers, pa.int64())}))
    elif any(file.is_padded(column) for file in files):
        db.register("trial_keys", pa.table({"k": pa.array({k.lstrip("0") for k in keys}, pa.string())}))
        name = f"ltrim(trim({name}), '0')"
    else:
        spelled = set(keys) | {k.zfill(w) for k in keys if k.isdigit() for w in range(len(k) + 1, MAX_KEY_WIDTH + 1)}
        db.register("trial_keys", pa.table({"k": pa.array(spelled, pa.string())}))
    return f" WHERE {name} IN (SELECT k FROM trial_keys)"


def canonical_key(keys: pa.ChunkedArray) -> pd.Series:
    """One spelling a person: text, and digits without leading zeros (``007`` and ``7`` are the same person)."""
    return each_once(_canonical, keys)


def _canonical(keys: pa.ChunkedArray) -> pd.Series:
    text = as_code(keys)
    stripped = text.str.lstrip("0").replace("", "0")
    return text.where(~text.str.fullmatch(r"\d+").fillna(False).astype(bool), stripped)


@cache
def _database() -> duckdb.DuckDBPyConnection:
    return duckdb.connect(config={"preserve_insertion_order": "false", "autoinstall_known_extensions": "false"})


def _connection() -> duckdb.DuckDBPyConnection:
    """A connection of its own to the process's database, which takes long to open."""
    return _database().cursor()


def _pattern(path: str) -> str:
    """The pattern that fits this path only: DuckDB reads ``[``, ``*`` and ``?`` as signs for others."""
    return path.replace("[", "[[]").replace("*", "[*]").replace("?", "[?]")


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
