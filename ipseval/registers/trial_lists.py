"""Trial lists that are no Parquet, as REDCap, Excel, Stata, SPSS and SAS leave them: read, and converted once.

Registers come as Parquet; who was randomised comes from whoever ran the trial. The list holds persons, so that the
converted one lies under a folder ``person/``, never beside the cohort file.
"""

import glob
import io
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from ipseval import store
from ipseval.config import code
from ipseval.errors import Fault, UserError
from ipseval.registers.delivered import describe
from ipseval.registers.files import PARQUET, is_hidden, kind_of, locate
from ipseval.registers.recognise import Guess, as_trial, has_trial
from ipseval.words import listed

MAX_BYTES = 64_000_000  # a longer file is no list of a trial's persons, and is not opened
EXACT = 2**53  # whole numbers that a float holds
MARKS = ";\t,|"  # between the cells of a line of text
Labels = Mapping[str, Mapping[str, str]]


@dataclass(frozen=True)
class TrialList:
    """A table read from a file.

    Parameters
    ----------
    table : Table
        One column a variable: dates, whole numbers, numbers or text, as the file has them.
    labels : mapping
        Column -> code -> label, where the file holds labels of values.
    kind : str
        What program's file it is.
    """

    table: pa.Table
    labels: Labels = field(default_factory=dict)
    kind: str = ""


def _text(file: Path) -> Iterator[tuple[pd.DataFrame, Labels]]:
    """Cells stay text: 007 is not 7, and the check reads dates by their form."""
    content = file.read_bytes()
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("cp1252", errors="replace")
    first = text.partition("\n")[0]
    mark = max(MARKS, key=first.count)
    yield pd.read_csv(io.StringIO(text), sep=mark, dtype="str", keep_default_na=False, na_values=[""]), {}


def _excel(file: Path) -> Iterator[tuple[pd.DataFrame, Labels]]:
    """Every sheet of a workbook."""
    for frame in pd.read_excel(file, sheet_name=None, dtype=object, na_values=[""], keep_default_na=False).values():
        yield frame, {}


def _by(reader: str) -> Callable[[Path], Iterator[tuple[pd.DataFrame, Labels]]]:
    """A reader of pyreadstat."""

    def read(file: Path) -> Iterator[tuple[pd.DataFrame, Labels]]:
        import pyreadstat

        frame, meta = getattr(pyreadstat, reader)(str(file))
        labels = {c: {code(k): str(v) for k, v in own.items()} for c, own in meta.variable_value_labels.items()}
        yield frame, labels

    return read


READERS: dict[str, tuple[str, Callable[[Path], Iterator[tuple[pd.DataFrame, Labels]]]]] = {
    ".csv": ("CSV", _text),
    ".tsv": ("CSV", _text),
    ".xlsx": ("Excel", _excel),
    ".xlsm": ("Excel", _excel),
    ".dta": ("Stata", _by("read_dta")),
    ".sav": ("SPSS", _by("read_sav")),
    ".zsav": ("SPSS", _by("read_sav")),
    ".por": ("SPSS", _by("read_por")),
    ".sas7bdat": ("SAS", _by("read_sas7bdat")),
    ".xpt": ("SAS", _by("read_xport")),
}


@dataclass(frozen=True)
class Converted:
    """A trial list that was converted: as a guess, its labels by our columns, and what is said of it."""

    guess: Guess
    labels: dict[str, dict[str, str]]
    told: str


def converted(folder: Path, person: Path, trial: Path | None, lacks: bool) -> tuple[dict[str, str], Converted | None]:
    """The trial list of a folder whose Parquet files hold none; and the other tables of programs, which are not read.

    Parameters
    ----------
    folder, person : Path
        Of the extracts, and where the list is converted to.
    trial : Path, optional
        The list itself, where it lies elsewhere.
    lacks : bool
        Whether no Parquet file is the list.

    Returns
    -------
    dict, Converted or None
        Name of each other table -> what program's it is; the list.

    Raises
    ------
    UserError
        ``trial`` is no trial list, or the list cannot be written.
    """
    others = {path.relative_to(folder).as_posix(): path for path in other_tables(folder)}
    tried = [trial] if trial else list(others.values()) if lacks else []
    found = next(((path, own) for path in tried for own in read(path) if has_trial(own.table.column_names)), None)
    if trial and not found:
        what = "is no trial list: it cannot be read, or has no columns of a person, an arm and a day of randomisation."
        raise UserError([Fault(str(trial), what, f"A list may be {listed([*kinds(), PARQUET])}.")])
    used = found[0].resolve() if found else None
    left = {name: READERS[file.suffix.lower()][0] for name, file in others.items() if file.resolve() != used}
    return left, _as_delivered(folder, person, *found) if found else None


def kinds() -> list[str]:
    """Programs whose lists are read."""
    return list(dict.fromkeys(kind for kind, _ in READERS.values()))


def _as_delivered(folder: Path, person: Path, source: Path, own: TrialList) -> Converted:
    """The list as files of the extract ``trial``, seen from the folder of the others."""
    target = source if own.kind == PARQUET else convert(source, own.table, person)
    folder = folder.resolve()
    pattern = glob.escape(Path(os.path.relpath(target.resolve(), folder)).as_posix())
    delivery = describe(folder, "trial", locate(folder, "trial", (pattern,)), pattern)
    if delivery is None:
        raise FileNotFoundError(target)
    guess = as_trial(delivery)
    labels = {ours: dict(own.labels[m.names[0]]) for ours, m in guess.columns.items() if m.names[0] in own.labels}
    told = f"The trial list {source.name} ({own.kind}) was converted to {target}: convert it again when it changes."
    told = told if target != source else ""
    return Converted(guess, labels, told)


def other_tables(folder: Path) -> list[Path]:
    """Files of a folder that other programs keep tables in, by their ending; sorted, nearest first."""
    found = (p for p in folder.rglob("*") if p.suffix.lower() in READERS and p.is_file() and not is_hidden(p, folder))
    return sorted(found, key=lambda path: (len(path.parts), path.as_posix()))


def read(file: Path) -> list[TrialList]:
    """The tables of a file: one, or one a sheet; of Parquet the columns only. None of a file that cannot be read."""
    if kind_of(file) == PARQUET:
        return [TrialList(pq.ParquetFile(file).schema_arrow.empty_table(), kind=PARQUET)]
    kind, reader = READERS.get(file.suffix.lower(), READERS[".csv"])
    if file.stat().st_size > MAX_BYTES:
        return []
    try:
        return [TrialList(_table(frame), labels, kind) for frame, labels in reader(file)]
    except (OSError, ValueError, KeyError, OverflowError, BadZipFile, pd.errors.ParserError, pa.ArrowException):
        return []
    except Exception as error:  # pyreadstat's own, which it does not export by one name
        if type(error).__module__.startswith("pyreadstat"):
            return []
        raise


def _table(frame: pd.DataFrame) -> pa.Table:
    return pa.table({str(name): _column(frame[name]) for name in frame.columns})


def _column(values: pd.Series) -> pa.Array:
    """Values in the narrowest type that holds them as they are; text where they are of several kinds."""
    cells = [None if pd.isna(v) or (isinstance(v, str) and not v.strip()) else v for v in values.astype(object)]
    there = [v for v in cells if v is not None]
    if all(isinstance(v, date) for v in there):
        is_day = all(not isinstance(v, datetime) or v.time() == time() for v in there)
        days = [v.date() if isinstance(v, datetime) and is_day else v for v in cells]
        return pa.array(days, pa.date32() if is_day and there else None)
    if all(isinstance(v, int | float) for v in there):
        is_whole = all((float(v).is_integer() and abs(v) < EXACT) or isinstance(v, int) for v in there)
        return pa.array([v if v is None else int(v) for v in cells], pa.int64()) if is_whole else pa.array(cells)
    return pa.array([v if v is None else _spelled(v) for v in cells], pa.string())


def _spelled(value: Any) -> str:
    """A cell among others of another kind: 7.0 is 7, a day is YYYY-MM-DD."""
    if isinstance(value, datetime) and value.time() == time():
        return value.date().isoformat()
    return value.isoformat() if isinstance(value, date) else code(value)


def convert(source: Path, table: pa.Table, folder: Path) -> Path:
    """Write a trial list as Parquet under ``folder``; one that is there already and holds the same stays.

    Raises
    ------
    UserError
        Another file of that name is there, or the folder cannot be written.
    """
    target = folder / f"{source.stem}.parquet"
    written = pa.BufferOutputStream()
    pq.write_table(table, written)
    content = written.getvalue().to_pybytes()
    try:
        if not target.exists():
            store.write(target, content)
        elif target.read_bytes() != content:
            remedy = "Remove it if it is an earlier list, or choose another folder with --person."
            raise UserError([Fault(str(target), "is there already and holds something else.", remedy)])
    except OSError as error:
        what = f"cannot be written ({error.strerror}): '{source.name}' is to be converted there."
        raise UserError([Fault(str(target), what, "Choose a folder with --person.")]) from None
    return target
