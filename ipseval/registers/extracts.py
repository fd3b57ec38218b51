"""Delivered Parquet files, read for the persons of the trial only (out of core, DuckDB).

Files of one extract may differ in type and in columns: those that agree are read together and converted together.
"""

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import accumulate, groupby
from typing import Any

import duckdb
import pyarrow as pa

from ipseval.registers import keys as persons_keys
from ipseval.registers.delivered import Delivery, File
from ipseval.registers.progress import Reading

BATCH_BYTES = 2**28  # is read at once, of small files or of row groups of a large one: progress is told between
Names = Mapping[str, Sequence[str]]  # our column -> the names that it may have in a file
FILE = "(file)"  # column of a part: the number of the file that a row came from
ROW = "(row)"  # where asked for: the number of the row in its file, from 0 on
PRESENT = "(value of) "  # before a delivered name, a column of a part: whether a row has a value there


@dataclass(frozen=True)
class Part:
    """Rows of the files of one delivery that agree in the types of the columns read; our names, and ``FILE``."""

    table: pa.Table

    def column(self, name: str) -> pa.ChunkedArray | None:
        """A column under our name; None where these files lack it."""
        return self.table[name] if name in self.table.column_names else None


@dataclass(frozen=True)
class Batch:
    """What is read at once.

    Parameters
    ----------
    numbers : list of int
        Of files.
    n_bytes : int
    rows : tuple of (int, int), optional
        The first row and the one after the last, of a single file that is read in several batches.
    is_last : bool
        Whether its files are done with it.
    """

    numbers: list[int]
    n_bytes: int
    rows: tuple[int, int] | None = None
    is_last: bool = True


class UnreadableError(Exception):
    """Files whose footer is whole but whose pages are not."""

    def __init__(self, names: list[str]):
        self.names = names
        super().__init__(f"{len(names)} files")


def read(
    delivery: Delivery,
    columns: Names,
    keys: Iterable[str] | None = None,
    present: Sequence[str] = (),
    *,
    with_rows: bool = False,
) -> list[Part]:
    """Read a delivery, or the rows of some persons only.

    Parameters
    ----------
    delivery : Delivery
    columns : mapping
        Our name -> names that it may have in a file; ``person_id`` among them when keys are given.
    keys : iterable of str, optional
        Canonical keys (see :mod:`ipseval.registers.keys`); a key of digits is found with leading zeros too.
    present : sequence of str
        Delivered names of further columns, of which only is told whether a row has a value (``PRESENT``).
    with_rows : bool
        Whether to tell which row of its file each row is (``ROW``).

    Returns
    -------
    list of Part
        In the order of the first file of each; rows in no particular order.

    Raises
    ------
    UnreadableError
        Pages of a file cannot be read.
    """
    asked = _Asked(columns, None if keys is None else sorted(keys), tuple(present), with_rows=with_rows)
    return _parts(delivery, asked, "read")


def count_by(delivery: Delivery, names: Sequence[str]) -> list[Part]:
    """Number of rows (``n_rows``) for each file and ``value`` of a column of the whole delivery; see :func:`read`."""
    kinds: dict[str, list[tuple[int, Any]]] = {}  # files that need not be read: a month each, in most deliveries
    for number, file in enumerate(delivery.files):
        column = file.column(names)
        if (value := file.only_value(column)) is not None and column is not None:
            kinds.setdefault(str(file.types[column]), []).append((number, value))
    known = {number for own in kinds.values() for number, _ in own}
    parts = [_told(delivery, names, own) for own in kinds.values()]
    if len(known) == len(delivery.files):
        return parts
    return parts + _parts(delivery, _Asked({"value": names}, is_counted=True), "counted", known)


def _told(delivery: Delivery, names: Sequence[str], own: Sequence[tuple[int, Any]]) -> Part:
    """What :func:`count_by` finds in files of one type that have one value each: number of the file and value."""
    files = [delivery.files[number] for number, _ in own]
    kind = files[0].types[files[0].column(names) or ""]
    columns = {"value": pa.array([value for _, value in own], kind), "n_rows": [file.n_rows for file in files]}
    return Part(pa.table(columns | {FILE: pa.array([number for number, _ in own], pa.int32())}))


@dataclass(frozen=True)
class _Asked:
    """What is asked of every file."""

    columns: Names
    keys: list[str] | None = None
    present: tuple[str, ...] = ()
    is_counted: bool = False
    with_rows: bool = False


def _parts(delivery: Delivery, asked: _Asked, done: str, known: Container[int] = ()) -> list[Part]:
    alike = [[i for i in numbers if i not in known] for numbers in _alike(delivery, asked.columns)]
    batches = [batch for numbers in alike for batch in _batches(delivery, numbers)]
    sizes = tuple(delivery.files[i].n_bytes for batch in batches if batch.is_last for i in batch.numbers)
    reading = Reading(f"{delivery.name}, {done}", sizes)
    parts, damaged = [], set()
    for batch in batches:
        try:
            parts.append(Part(_query(delivery, batch, asked)))
        except UnreadableError as error:
            damaged |= set(error.names)
        reading.done(batch.n_bytes, len(batch.numbers) if batch.is_last else 0)
    if damaged:
        raise UnreadableError(sorted(damaged))
    return parts


def _batches(delivery: Delivery, numbers: list[int]) -> Iterator[Batch]:
    """The files in runs of about ``BATCH_BYTES``; larger ones in as many runs of their row groups."""
    files = delivery.files
    for number in (i for i in numbers if files[i].n_bytes > BATCH_BYTES):
        yield from _slices(files[number], number)
    small = [i for i in numbers if files[i].n_bytes <= BATCH_BYTES]
    for run in _runs(small, [files[i].n_bytes for i in small]):
        yield Batch(run, sum(files[i].n_bytes for i in run))


def _slices(file: File, number: int) -> Iterator[Batch]:
    """A file's row groups in runs of about ``BATCH_BYTES``, as if each row took the same room."""
    n_rows = [file.footer.row_group(i).num_rows for i in range(file.footer.num_row_groups)]
    runs = _runs(n_rows, [n * file.n_bytes // max(file.n_rows, 1) for n in n_rows])
    ends = list(accumulate(map(sum, runs)))
    read = [end * file.n_bytes // max(file.n_rows, 1) for end in ends]
    for first, end, before, after in zip([0, *ends], ends, [0, *read], read, strict=False):
        yield Batch([number], after - before, (first, end), is_last=end == ends[-1])


def _runs(items: list[int], sizes: list[int]) -> list[list[int]]:
    """The items in runs of about ``BATCH_BYTES``, in their order."""
    before = accumulate(sizes, initial=0)
    runs = groupby(zip(before, items, strict=False), key=lambda pair: pair[0] // BATCH_BYTES)
    return [[item for _, item in run] for _, run in runs]


def _alike(delivery: Delivery, columns: Names) -> list[list[int]]:
    """Numbers of the files that have the same columns in the same places, and agree in the types of those read.

    Files without rows are left out.
    """
    filled = [i for i, file in enumerate(delivery.files) if file.n_rows or len(delivery.files) == 1]
    found: dict[tuple, list[int]] = {}
    for number in filled:
        file = delivery.files[number]
        kinds = tuple((ours, str(file.types[theirs])) for ours, theirs in _names_in(file, columns).items())
        found.setdefault((file.names, kinds), []).append(number)
    return sorted(found.values())


def _names_in(file: File, columns: Names) -> dict[str, str]:
    """Our name -> the name in a file, of the columns that the file has."""
    return {ours: theirs for ours, names in columns.items() if (theirs := file.column(names)) is not None}


def _query(delivery: Delivery, batch: Batch, asked: _Asked) -> pa.Table:
    """What is read at once, as a table in our names.

    Columns are taken by their place: DuckDB compares names without regard to capitals, and renames those that repeat.
    """
    numbers, rows = batch.numbers, batch.rows
    files = [delivery.files[i] for i in numbers]
    here = _names_in(files[0], asked.columns)
    place = {name: _place(i) for i, name in reversed(list(enumerate(files[0].names)))}
    in_folders = {ours: theirs for ours, theirs in here.items() if theirs not in place}
    values = {_quoted(ours): place[theirs] for ours, theirs in here.items() if theirs in place}
    values |= {_quoted(PRESENT + name): f"{place[name]} IS NOT NULL" for name in asked.present if name in place}
    select = "".join(f"{value} AS {name}, " for name, value in values.items())
    named = f"read({', '.join(map(_place, range(len(files[0].names))))})"
    select += f'file_row_number AS "{ROW}", ' * asked.with_rows
    numbered = ", file_row_number=true" if rows or asked.with_rows else ""
    query = (
        f'SELECT {select}CAST(list_position($paths, "{FILE}") AS INTEGER) - 1 AS "{FILE}" '
        "FROM read_parquet($patterns, union_by_name=true, hive_partitioning=false, "
        f"filename='{FILE}'{numbered}) AS {named}"
        + (f" WHERE file_row_number >= {rows[0]} AND file_row_number < {rows[1]}" if rows else "")
    )
    if asked.is_counted:
        query = f"SELECT *, count(*) AS n_rows FROM ({query}) GROUP BY ALL"
    paths = [str(file.path) for file in files]
    with _connection() as db:
        if asked.keys is not None and "person_id" not in in_folders:
            key = here["person_id"]
            query += (
                f" {'AND' if rows else 'WHERE'} {persons_keys.condition(db, files[0], key, place[key], asked.keys)}"
            )
        try:
            table = db.sql(query, params={"paths": paths, "patterns": list(map(_pattern, paths))}).to_arrow_table()
        except duckdb.Error:
            raise UnreadableError(_damaged(delivery, numbers, asked)) from None
    own = pa.array(numbers, pa.int32()).take(table[FILE])
    table = table.set_column(table.column_names.index(FILE), FILE, own)
    for ours, theirs in in_folders.items():
        table = table.append_column(ours, _of_folders(delivery, theirs, files[0].types[theirs]).take(table[FILE]))
    return _with_zones(table, files[0], here)


def _of_folders(delivery: Delivery, column: str, kind: pa.DataType) -> pa.Array:
    """The value of every file of a delivery in a column that stands in the names of folders."""
    return pa.array([file.in_folders.get(column) for file in delivery.files], pa.string()).cast(kind)


def _place(number: int) -> str:
    """What a query calls the column at a place."""
    return f"_{number}"


def _damaged(delivery: Delivery, numbers: list[int], asked: _Asked) -> list[str]:
    """Names of the files that fail when they are read alone; all of them when none does."""
    if len(numbers) == 1:
        return delivery.names(numbers)
    failed = []
    for number in numbers:
        try:
            _query(delivery, Batch([number], 0), asked)
        except UnreadableError as error:
            failed += error.names
    return failed or delivery.names(numbers)


def _with_zones(table: pa.Table, file: File, columns: Mapping[str, str]) -> pa.Table:
    """The table with times in the zone that the file states; DuckDB gives them in the session's."""
    for ours, theirs in columns.items():
        kind = file.types[theirs]
        if pa.types.is_timestamp(kind) and kind.tz is not None:
            zoned = table[ours].cast(pa.timestamp(table[ours].type.unit, kind.tz))
            table = table.set_column(table.column_names.index(ours), ours, zoned)
    return table


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
