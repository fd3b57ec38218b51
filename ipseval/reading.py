"""Reading an extract: its files, its columns under our names, its rows with every column converted."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from ipseval import extracts
from ipseval.config import Cohort
from ipseval.contracts import Column, Extract
from ipseval.convert import convert
from ipseval.errors import nearest
from ipseval.extracts import FILE, Delivery, Part
from ipseval.findings import Findings
from ipseval.layouts import LAYOUTS, Layout
from ipseval.rules import OPEN_DATES

SORTED_BY = 12  # columns that rows are sorted by
MAX_NAMES = 12  # names that a message lists
CODED = ("code", "integer")  # kinds of columns whose codes can be excluded; of the trial list the first only
KINDS = {
    "flag": "0 or 1",
    "key": "a key",
    "code": "a code",
    "integer": "a whole number",
    "number": "a number",
    "date": "a date (YYYY-MM-DD, YYYYMMDD or DD.MM.YYYY)",
    "month": "a month (YYYYMM, YYYY-MM or a date)",
}


@dataclass(frozen=True)
class Opened:
    """A delivery with the layout it is read in and the columns that are read: ours -> theirs."""

    extract: Extract
    delivery: Delivery
    layout: Layout
    options: dict[str, Any]
    contract: tuple[Column, ...]
    columns: dict[str, str]


@dataclass(frozen=True)
class Read:
    """A column of all parts: its values and the rows that failed or were mended (rule -> rows)."""

    values: pd.Series
    failed: np.ndarray
    fixed: dict[str, np.ndarray]


def listed(names: Iterable[str]) -> str:
    """Names in a sentence; of many the first."""
    every = list(names)
    rest = len(every) - MAX_NAMES
    return ", ".join(every[:MAX_NAMES]) + (f" and {rest} more" if rest > 0 else "")


def open_extract(extract: Extract, cohort: Cohort, found: Findings) -> Opened | None:
    """Files, columns and layout of one extract; None when it cannot be read."""
    delivery = extracts.open_delivery(cohort.extracts, extract.name)
    if delivery is None:
        if extract.needed:
            found.add(extract.name, "missing_extract", f"{extract.name}.parquet", None, None)
        return None
    for rule, names in (("not_parquet", delivery.broken), ("stray_file", delivery.stray)):
        if names:
            found.add(extract.name, rule, listed(names), None, None, number=len(names))
    if not delivery.files and not delivery.broken and extract.needed:
        found.add(extract.name, "missing_extract", f"{extract.name}.parquet", None, None)
    if delivery.broken or not delivery.files:
        return None
    single, *others = delivery.names(range(len(delivery.files)))
    if others and single == f"{extract.name}.parquet":
        folder = others[0].split("/")[0]
        found.add(extract.name, "file_and_folder", f"{single} and {folder}/", delivery.n_rows, None)
    if delivery.n_rows == 0:
        action = "stop" if extract.needed else "warn"
        found.add(extract.name, "empty_extract", delivery.label, 0, 0, number=1, action=action)
        if extract.needed:
            return None
    return _with_columns(extract, delivery, cohort, found)


def _with_columns(extract: Extract, delivery: Delivery, cohort: Cohort, found: Findings) -> Opened | None:
    options = dict(cohort.layouts.get(extract.name) or {})
    layout = LAYOUTS.get(options.pop("layout", "spells"), LAYOUTS["spells"])
    contract = layout.columns(extract, delivery.columns, options) if extract.column("start_on") else extract.columns
    own = cohort.covariates if extract.name == "trial" else ()
    extra = (Column(name, "number", "Baseline covariate.", nullable=True) for name in own if not extract.column(name))
    opened = Opened(extract, delivery, layout, options, (*contract, *extra), {})
    complete = _settings_fit(opened, cohort, found)
    renamed = cohort.columns.get(extract.name, {})
    for column in opened.contract:
        theirs = renamed.get(column.name, column.name)
        if theirs in delivery.columns:
            opened.columns[column.name] = theirs
        if theirs in delivery.columns or column.needed or column.name in renamed:
            complete &= _is_delivered(column, theirs, opened, found)
    return opened if complete else None


def _settings_fit(this: Opened, cohort: Cohort, found: Findings) -> bool:
    """Whether columns, values and exclusions of the cohort file name columns of ours."""
    name, ours = this.extract.name, {c.name: c for c in this.contract}
    coded = [c.name for c in this.contract if c.kind in CODED[: 1 if name == "trial" else None]]
    complete = True
    for key, chosen in (("columns", cohort.columns), ("values", cohort.values), ("exclusions", cohort.exclusions)):
        for column in chosen.get(name, {}):
            if column not in ours:
                remedy = nearest(column, ours) or f"Ours: {listed(ours)}."
                found.fault(configured(cohort), f"{key}.{name}.{column} is no column of ours.", remedy)
            elif key == "exclusions" and column not in coded:
                what = f"exclusions.{name}.{column} names a column that holds no codes."
                found.fault(configured(cohort), what, f"Columns with codes: {listed(coded) or 'none'}.")
            elif key == "exclusions" and cohort.columns.get(name, {}).get(column, column) not in this.delivery.columns:
                what = f"exclusions.{name} names '{column}', which {this.delivery.label} does not have."
                found.fault(configured(cohort), what, f"It has: {listed(sorted(this.delivery.columns))}.")
            else:
                continue
            complete = False
    return complete


def configured(cohort: Cohort) -> str:
    """The cohort file as messages name it."""
    return cohort.file or f"{cohort.name}.yaml"


def _is_delivered(column: Column, theirs: str, this: Opened, found: Findings) -> bool:
    """Whether every file has a column; one that may be empty may lack in some files, which is noted."""
    files, name = this.delivery.files, this.extract.name
    lacking = [i for i, file in enumerate(files) if theirs not in file.types]
    everywhere = len(lacking) == len(files)
    if lacking and (column.needed or everywhere):
        _note_missing(column, theirs, this, [] if everywhere else lacking, found)
        return False
    empty = [i for i, file in enumerate(files) if file.n_rows and file.n_nulls(theirs) == file.n_rows]
    rule = "missing_value" if column.name == "person_id" else "column_of_nulls"
    some = len(empty) < sum(file.n_rows > 0 for file in files) and column.name not in OPEN_DATES
    if empty and not this.layout.is_wide and (some or rule == "missing_value"):
        subject, n_rows = listed(this.delivery.names(empty)), sum(files[i].n_rows for i in empty)
        found.add(name, rule, subject, n_rows, None, number=len(empty), column=column.name)
    return True


def _note_missing(column: Column, theirs: str, this: Opened, lacking: list[int], found: Findings) -> None:
    """Note a column that the files numbered ``lacking`` do not have, or none of the delivery."""
    delivery, name = this.delivery, this.extract.name
    has = sorted(delivery.files[lacking[0]].types if lacking else delivery.columns)
    subject = listed(delivery.names(lacking)) if lacking else delivery.label
    is_week = this.layout.is_wide and column.name != "person_id"
    declare = f"layouts.{name}.prefix" if is_week else f"columns.{name}"
    near = f"[It has|The first has]: {listed(has)}. {nearest(theirs, has)}"
    words = {"column": "w1" if is_week else theirs, "near": near, "declare": declare}
    found.add(name, "missing_column", subject, None, None, number=max(len(lacking), 1), **words)


def read_rows(this: Opened, cohort: Cohort, found: Findings, keys: pd.Index | None) -> pd.DataFrame | None:
    """Rows (of the persons ``keys`` only) with every column converted; None when the files cannot be read."""
    name = this.extract.name
    try:
        parts = extracts.read(this.delivery, this.columns, keys)
    except extracts.UnreadableError as error:
        found.add(name, "unreadable", listed(error.names), None, None, number=len(error.names))
        return None
    person = pd.concat([extracts.canonical_key(part.table["person_id"]) for part in parts], ignore_index=True)
    file = np.concatenate([part.table[FILE].to_numpy() for part in parts])
    frame, cells, values = {"person_id": person}, [], cohort.values.get(name, {})
    for column in (c for c in this.contract if c.name in this.columns and c.name != "person_id"):
        read = _column(parts, column, values.get(column.name))
        frame[column.name] = read.values
        if this.layout.is_wide:
            cells.append(read)
        else:
            _check_column(this, column, read, person, file, found)
    if cells:
        _check_cells(this, cells, person, file, found)
    _check_keys(this, parts, person, file, found)
    rows = pd.DataFrame(frame)
    return rows.sort_values(list(rows.columns[:SORTED_BY]), ignore_index=True)


def _column(parts: list[Part], column: Column, codes: Mapping[str, str] | None) -> Read:
    """One column of all parts, each converted from its own type."""
    raw = [part.column(column.name) or pa.chunked_array([pa.nulls(part.table.num_rows)]) for part in parts]
    done = [convert(delivered, column.kind, codes) for delivered in raw]
    values = pd.concat([c.values for c in done], ignore_index=True)
    rules = {c.fixed for c in done if c.fixed}
    known = [(c.values.notna().to_numpy(), c.fixed) for c in done]
    fixed = {rule: np.concatenate([rows & (by == rule) for rows, by in known]) for rule in sorted(rules)}
    return Read(values, np.concatenate([c.failed for c in done]), fixed)


def _check_column(
    this: Opened, column: Column, read: Read, person: pd.Series, file: np.ndarray, found: Findings
) -> None:
    _note_type(this, column.name, column.kind, read.failed, read.fixed, person, file, found)
    empty = read.values.isna().to_numpy() & ~read.failed
    if empty.any() and not column.nullable:
        note(this, "missing_value", empty, person, found, file=file, column=column.name)
    elif len(empty) and empty.all() and column.name not in OPEN_DATES:
        note(this, "column_of_nulls", empty, person, found, column=column.name)


def _check_cells(this: Opened, cells: list[Read], person: pd.Series, file: np.ndarray, found: Findings) -> None:
    """One finding for all weeks of a wide layout."""
    failed = np.logical_or.reduce([c.failed for c in cells])
    fixed: dict[str, np.ndarray] = {}
    for cell in cells:
        for rule, rows in cell.fixed.items():
            fixed[rule] = fixed.get(rule, False) | rows
    kind = this.contract[-1].kind
    _note_type(this, "week", kind, failed, fixed, person, file, found)
    n_empty = sum(bool(len(c.values)) and bool(c.values.isna().all()) and not c.failed.any() for c in cells)
    if n_empty:
        subject = f"{n_empty} of {len(cells)} weeks of {this.delivery.label}"
        found.add(this.extract.name, "column_of_nulls", subject, len(person), None, number=n_empty, column="week")


def _note_type(
    this: Opened,
    column: str,
    kind: str,
    failed: np.ndarray,
    fixed: Mapping[str, np.ndarray],
    person: pd.Series,
    file: np.ndarray,
    found: Findings,
) -> None:
    name, otherwise = this.extract.name, ""
    if this.layout.is_wide:
        otherwise = f", or declare its codes: employed and not_employed under layouts.{name}"
    elif kind in ("flag", "integer"):
        otherwise = f", or map its codes under values.{name}.{column}"
    note(this, "wrong_type", failed, person, found, file=file, column=column, kind=KINDS[kind], otherwise=otherwise)
    for rule, rows in fixed.items():
        if rule != "converted_type" or not failed.any():
            note(this, rule, rows, person, found, file=file, column=column)


def _check_keys(this: Opened, parts: list[Part], person: pd.Series, file: np.ndarray, found: Findings) -> None:
    delivered = pd.concat([convert(p.table["person_id"], "key").values for p in parts], ignore_index=True)
    note(this, "key_spelling", (delivered.notna() & (delivered != person)).to_numpy(), person, found, file=file)
    if this.extract.name == "trial":
        note(this, "missing_value", person.isna().to_numpy(), person, found, file=file, column="person_id")
        return
    n_lacking = sum(f.n_nulls(this.columns["person_id"]) for f in this.delivery.files)
    if n_lacking:
        subject = f"{n_lacking} of {this.delivery.n_rows} rows of {this.delivery.label}"
        found.add(this.extract.name, "missing_key", subject, n_lacking, None, column="person_id")


def note(
    this: Opened,
    rule: str,
    rows: np.ndarray,
    person: pd.Series,
    found: Findings,
    file: np.ndarray | None = None,
    **words: Any,
) -> str | None:
    """Note the rows that a rule found; nothing when there are none.

    Parameters
    ----------
    this : Opened
    rule : str
    rows : bool array, length n
    person : Series, length n
    found : Findings
    file : int array, length n, optional
        Number of the file of each row; of a folder the message then names the files concerned.
    **words
        Words of the message.

    Returns
    -------
    str or None
        The action.
    """
    n = int(np.sum(rows))
    if n == 0:
        return None
    persons = int(person[rows].nunique())
    counted = f"{persons} person{'s' if persons != 1 else ''}"
    if file is not None and len(this.delivery.files) > 1:
        names = this.delivery.names(sorted(set(file[rows].tolist())))
        counted += f"; in {listed(names)}" if len(names) < len(this.delivery.files) else ""
    subject = f"{n} of {len(rows)} row{'s' if len(rows) != 1 else ''} of {this.delivery.label} ({counted})"
    return found.add(this.extract.name, rule, subject, n, persons, **words)
