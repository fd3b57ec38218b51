"""Delivered Parquet files: found, and described by their footers without reading a row."""

import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import cached_property
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq


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
    """

    path: Path
    types: dict[str, pa.DataType]
    footer: pq.FileMetaData = field(repr=False, compare=False)
    names: tuple[str, ...] = ()

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
        return sum(s.null_count for s in self._statistics(column) if s.has_null_count)

    @cached_property
    def _places(self) -> dict[str, int]:
        return {self.footer.schema.column(i).path: i for i in range(self.footer.num_columns)}

    def _statistics(self, column: str) -> Iterator[pq.Statistics]:
        place = self._places.get(column)
        for group in range(self.footer.num_row_groups if place is not None else 0):
            chunk = self.footer.row_group(group).column(place)
            if chunk.is_stats_set:
                yield chunk.statistics


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
    """

    name: str
    folder: Path
    files: tuple[File, ...]
    broken: tuple[str, ...] = ()
    stray: tuple[str, ...] = ()
    pattern: str = ""

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


def locate(folder: Path, extract: str, patterns: Sequence[str] = ()) -> list[Path]:
    """All files delivered for an extract.

    Parameters
    ----------
    folder : Path
        Of the extracts.
    extract : str
    patterns : sequence of str
        Names within the folder, with ``*``; a folder stands for all that is in it. None: ``<extract>.parquet`` (a
        file or a folder) and what is in ``<extract>/``.
    """
    places = [p for pattern in patterns or (f"{extract}.parquet", extract) for p in sorted(folder.glob(pattern))]
    found = (p for place in places for p in ([place] if place.is_file() else sorted(place.rglob("*"))))
    return list(dict.fromkeys(p for p in found if p.is_file() and not p.name.startswith((".", "_"))))


def describe(folder: Path, extract: str, found: Sequence[Path], pattern: str = "") -> Delivery | None:
    """Describe the files found for an extract without reading their rows; None when there are none."""
    if not found:
        return None
    files, broken = [], []
    for path in (p for p in found if p.suffix.lower() == ".parquet"):
        try:
            with pq.ParquetFile(path) as opened:
                schema = opened.schema_arrow
                types = dict(zip(schema.names, schema.types, strict=True))
                files.append(File(path, types, opened.metadata, tuple(schema.names)))
        except (pa.ArrowException, OSError):
            broken.append(path)
    stray = (p for p in found if p.suffix.lower() != ".parquet")
    unread = [tuple(p.relative_to(folder).as_posix() for p in paths) for paths in (broken, stray)]
    return Delivery(extract, folder, tuple(files), unread[0], unread[1], pattern)
