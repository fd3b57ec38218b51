"""Delivered Parquet files: found, and described by their footers without reading a row."""

import os
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from functools import cached_property
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from ipseval.registers.cells import is_text
from ipseval.registers.files import ENCRYPTED, ENDINGS, PARQUET, kind_of, partition

CUT_FROM = 16  # characters from which on a writer may cut the bounds that it notes of texts
SIGNATURE = 28  # bytes behind a footer: a nonce of 12 and a tag of 16


def folded(name: str) -> str:
    """A column's name without what programs disagree about: capitals, blanks around it, the spelling of æ, ø and å."""
    return unicodedata.normalize("NFC", name).strip().casefold()


@dataclass(frozen=True)
class File:
    """A readable file and what its footer says.

    Parameters
    ----------
    path : Path
    types : dict
        Column name -> Arrow type, with the time zone where there is one.
    footer : FileMetaData
    names : tuple of str
        Every column of the file in its order; a name may stand twice.
    in_folders : mapping
        Columns that stand in the names of the file's folders only (``year=2015/``), and their value.
    """

    path: Path
    types: dict[str, pa.DataType]
    footer: pq.FileMetaData = field(repr=False, compare=False)
    names: tuple[str, ...] = ()
    in_folders: Mapping[str, str | None] = field(default_factory=dict)

    @property
    def n_rows(self) -> int:
        """Number of rows."""
        return self.footer.num_rows

    @cached_property
    def n_bytes(self) -> int:
        """Size of the file."""
        return self.path.stat().st_size

    def called(self, names: Sequence[str]) -> list[str]:
        """Columns that have one of the names, in the order of the names; ``*`` in a name stands for any text.

        A name that no column has exactly is that of the only column that differs from it in capitals or blanks.
        """
        return list(dict.fromkeys(column for name in names for column in self._matching(name)))

    def _matching(self, name: str) -> list[str]:
        if "*" in name:
            return [column for column in self.types if fnmatchcase(column, name)] or [
                column for column in self.types if fnmatchcase(folded(column), folded(name))
            ]
        alike = self._by_folded.get(folded(name), [])
        return [name] if name in self.types else alike if len(alike) == 1 else []

    @cached_property
    def _by_folded(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for name in self.types:
            found.setdefault(folded(name), []).append(name)
        return found

    @cached_property
    def alike(self) -> list[list[str]]:
        """Groups of columns whose names differ in capitals or blanks only."""
        return [names for names in self._by_folded.values() if len(names) > 1]

    @cached_property
    def doubled(self) -> list[str]:
        """Names that several columns have."""
        return [name for name, n in Counter(self.names).items() if n > 1]

    def column(self, names: Sequence[str]) -> str | None:
        """The column that has the first of the names that the file has."""
        return next(iter(self.called(names)), None)

    def n_nulls(self, column: str | None) -> int:
        """Nulls of a column as far as the footer tells; of a column that the file lacks, all rows."""
        if column is None or pa.types.is_null(self.types[column]):
            return self.n_rows
        if column in self.in_folders:
            return self.n_rows if self.in_folders[column] is None else 0
        return sum(s.null_count for s in self._statistics(column) if s.has_null_count)

    def only_value(self, column: str | None) -> Any:
        """The value of all rows where the footer shows that it is the only one, else None.

        Of whole numbers, days and short texts: bounds of longer ones may be cut, and those of fractions pass over NaN.
        """
        if column is None or column in self.doubled or column in self.in_folders or not self.n_rows:
            return None
        kind, bounds = self.types[column], set()
        if not (pa.types.is_integer(kind) or pa.types.is_date(kind) or is_text(kind)):
            return None
        for group in self._chunks(column):
            own = group.statistics if group.is_stats_set else None
            if own is None or not (own.has_min_max and own.has_null_count) or own.null_count:
                return None
            bounds |= {own.min, own.max}
            if len(bounds) > 1:
                return None
        value = bounds.pop() if bounds else None
        return None if isinstance(value, str) and len(value) >= CUT_FROM else value

    @cached_property
    def _places(self) -> dict[str, int]:
        return {self.footer.schema.column(i).path: i for i in range(self.footer.num_columns)}

    def _statistics(self, column: str) -> Iterator[pq.Statistics]:
        return (chunk.statistics for chunk in self._chunks(column) if chunk.is_stats_set)

    def _chunks(self, column: str) -> Iterator[pq.ColumnChunkMetaData]:
        """A column of each row group; of none where the column is not flat."""
        place = self._places.get(column)
        for group in range(self.footer.num_row_groups if place is not None else 0):
            yield self.footer.row_group(group).column(place)


@dataclass(frozen=True)
class Unread:
    """A file, or a folder of a table, that cannot be read as it is: its name, and what it is."""

    name: str
    kind: str


@dataclass(frozen=True)
class Delivery:
    """The files of one extract.

    Parameters
    ----------
    name : str
        The extract.
    folder : Path
        Folder of the extracts.
    files : tuple of File
        Readable as Parquet, sorted by name.
    broken, stray : tuple of str
        Names of files that are no (whole) Parquet, and of files that are something else.
    pattern : str
        How the files were asked for; empty when they are those of the extract's own name.
    others : tuple of Unread
        Files that are known to be something else: encrypted, or another format under the name of Parquet.
    """

    name: str
    folder: Path
    files: tuple[File, ...]
    broken: tuple[str, ...] = ()
    stray: tuple[str, ...] = ()
    pattern: str = ""
    others: tuple[Unread, ...] = ()

    @property
    def n_rows(self) -> int:
        """Rows of all files, from their footers."""
        return sum(file.n_rows for file in self.files)

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns of all files, in the order of the files."""
        return tuple(dict.fromkeys(name for file in self.files for name in file.types))

    @property
    def label(self) -> str:
        """How messages name it: the file, the pattern or the folder."""
        names = self.names(range(len(self.files)))
        if len(names) == 1:
            return names[0]
        return self.pattern or (f"{names[0].split('/')[0]}/" if names else f"{self.name}/")

    def names(self, numbers: Iterable[int]) -> list[str]:
        """Names of files within the folder of the extracts."""
        return [self.files[i].path.relative_to(self.folder).as_posix() for i in numbers]


def describe(folder: Path, extract: str, found: Sequence[Path], pattern: str = "") -> Delivery | None:
    """Describe the files found for an extract without reading their rows; None when there are none."""
    if not found:
        return None
    files: list[File] = []
    broken: list[str] = []
    others: list[Unread] = []
    stray: list[str] = []
    for path in found:
        name, kind = path.relative_to(folder).as_posix(), kind_of(path)
        if kind == PARQUET:
            try:
                opened = _opened(path, folder)
            except (pa.ArrowException, OSError):
                broken.append(name)
                continue
            if _is_signed(opened):
                others.append(Unread(name, ENCRYPTED))
            else:
                files.append(opened)
        elif kind is not None and (kind == ENCRYPTED or path.suffix.lower() in ENDINGS):
            others.append(Unread(name, kind))
        else:
            (broken if path.suffix.lower() in ENDINGS else stray).append(name)
    return Delivery(extract, folder, _typed(files), tuple(broken), tuple(stray), pattern, tuple(others))


def _opened(path: Path, folder: Path) -> File:
    with pq.ParquetFile(path) as opened:
        schema = opened.schema_arrow
        types = dict(zip(schema.names, schema.types, strict=True))
        own = {folded(name) for name in types}
        in_folders = {k: v for k, v in partition(path, folder).items() if folded(k) not in own}
        return File(path, types, opened.metadata, tuple(schema.names), in_folders)


def _is_signed(file: File) -> bool:
    """Whether columns are encrypted under a footer that is not: it is followed by its signature.

    Their statistics must not be asked for: Arrow ends the process.
    """
    with file.path.open("rb") as stream:
        stream.seek(-8, os.SEEK_END)
        n_bytes = int.from_bytes(stream.read(4), "little")
    return bool(n_bytes - file.footer.serialized_size == SIGNATURE)


def _typed(files: Sequence[File]) -> tuple[File, ...]:
    """Files with the columns of their folders' names: whole numbers where all are, else text (0301 stays so)."""
    names = dict.fromkeys(name for file in files for name in file.in_folders)
    values = {name: {file.in_folders.get(name) for file in files} - {None} for name in names}
    is_whole = {n: all(re.fullmatch(r"0|-?[1-9]\d{0,17}", str(v)) for v in own) for n, own in values.items()}
    return tuple(
        replace(f, types=f.types | {n: pa.int64() if is_whole[n] else pa.string() for n in f.in_folders}) for f in files
    )
