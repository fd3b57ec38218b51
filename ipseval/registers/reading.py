"""Reading an extract: the rows of the trial's persons, with every column converted."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa

from ipseval.contracts import SPELL_EXTRACTS, Column
from ipseval.registers import extracts, matching, named_codes, unread
from ipseval.registers.cells import Converted, Written
from ipseval.registers.convert import convert
from ipseval.registers.distinct import in_order, stacked
from ipseval.registers.extracts import FILE, Part
from ipseval.registers.findings import Findings, listed
from ipseval.registers.keys import Spelled, canonical_keys
from ipseval.registers.mending import corrected
from ipseval.registers.noting import note
from ipseval.registers.opening import Opened
from ipseval.registers.rules import OPEN_DATES

SORTED_BY = 12  # columns that rows are sorted by
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
class Read:
    """A column of all parts: its values and the rows that failed or were mended (rule -> rows)."""

    values: pd.Series
    failed: np.ndarray
    fixed: dict[str, np.ndarray]


def read_rows(this: Opened, found: Findings, keys: pd.Index | None) -> pd.DataFrame | None:
    """Rows (of the persons ``keys`` only) with every column converted; None when the files cannot be read."""
    name, unused = this.extract.name, unread.names(this.delivery, this.columns.values())
    try:
        parts = extracts.read(this.delivery, this.columns, keys, unread.counted(this.delivery, unused))
    except extracts.UnreadableError as error:
        found.add(name, "unreadable", listed(error.names), None, None, number=len(error.names))
        return None
    if keys is not None:
        parts = [_of_persons(part, keys) for part in parts]
    keyed = [canonical_keys(part.table["person_id"]) for part in parts]
    person = stacked([own.values for own in keyed])
    file = np.concatenate([part.table[FILE].to_numpy() for part in parts])
    frame, cells = {"person_id": _as_held(this, person)}, []
    if this.period and this.period.of_file:
        frame[this.period.column] = this.period.of_rows(file)
    for column_name, value in this.source.constants.items():
        frame[column_name] = pd.Series(value, index=person.index, dtype="str")
    for column in (c for c in this.contract if c.name in this.columns and c.name != "person_id"):
        coded = this.extract.kind_column if this.layout.is_wide else column
        read = _column(
            parts, column, this.source.values.get(coded.name) if coded else None, this.source.written(column.name)
        )
        if len(asked := found.mending.of_column(name, column.name)):
            read = _mended(this, column, read, parts, asked, person, file, found)
        frame[column.name] = _as_held(this, read.values)
        if this.layout.is_wide:
            cells.append(read)
        else:
            _check_column(this, column, read, person, file, found)
    if cells:
        _check_cells(this, cells, person, file, found)
    _check_keys(this, keyed, person, file, found)
    matching.check(this, parts, person, file, found)
    rows = pd.DataFrame(frame)
    named_codes.see(this, parts, rows, found)
    rows = _without(rows, this, person, file, found)
    return in_order(rows, rows.columns[:SORTED_BY])


def _mended(
    this: Opened,
    column: Column,
    read: Read,
    parts: list[Part],
    asked: pd.DataFrame,
    person: pd.Series,
    file: np.ndarray,
    found: Findings,
) -> Read:
    """A column with the values that the cohort's corrections give it."""
    delivered = [_delivered(part, column) for part in parts]
    done = corrected(Converted(read.values, read.failed), person, delivered, asked, column.kind)
    note(this, "correction", done.rows, person, found, file=file, column=column.name)
    label = found.cohort.mending["corrections"].name
    if done.n_idle:
        subject = f"{done.n_idle} of {len(asked)} corrections of {this.extract.name}.{column.name}"
        found.add(this.extract.name, "idle_mending", subject, None, None, number=done.n_idle, label=label)
    if done.n_unreadable:
        what = f"{done.n_unreadable} values for {this.extract.name}.{column.name} cannot be read."
        found.fault(label, what, f"Expected: {KINDS[column.kind]}.")
    fixed = {rule: rows & ~done.rows for rule, rows in read.fixed.items()}
    return Read(done.made.values, done.made.failed, fixed)


def _without(rows: pd.DataFrame, this: Opened, person: pd.Series, file: np.ndarray, found: Findings) -> pd.DataFrame:
    """The rows of persons that are not to be left out of an extract; of the trial list, the study decides."""
    named = found.mending.left_out.get(this.extract.name)
    if this.extract.name == "trial" or not named:
        return rows
    left = person.isin(named).to_numpy()
    note(this, "left_out", left, person, found, file=file)
    return rows[~left]


def _as_held(this: Opened, values: pd.Series) -> pd.Series:
    """Categories stay such in the long extracts, those of spells; elsewhere they are text."""
    is_text = isinstance(values.dtype, pd.CategoricalDtype) and this.extract.name not in SPELL_EXTRACTS
    return values.astype("str") if is_text else values


def _column(parts: list[Part], column: Column, codes: Mapping[str, str] | None, written: Written) -> Read:
    """One column of all parts, each converted from its own type."""
    raw = [_delivered(part, column) for part in parts]
    done = [convert(delivered, column.kind, codes, written) for delivered in raw]
    values = stacked([c.values for c in done])
    rules = {c.fixed for c in done if c.fixed}
    known = [(c.values.notna().to_numpy(), c.fixed) for c in done]
    fixed = {rule: np.concatenate([rows & (by == rule) for rows, by in known]) for rule in sorted(rules)}
    return Read(values, np.concatenate([c.failed for c in done]), fixed)


def _delivered(part: Part, column: Column) -> pa.ChunkedArray:
    return part.column(column.name) or pa.chunked_array([pa.nulls(part.table.num_rows)])


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
        found.add(
            this.extract.name, "column_of_nulls", subject, len(person), person.nunique(), number=n_empty, column="week"
        )


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
    elif kind in ("date", "month"):
        otherwise = f", or say how they are written under dates.{name}.{column}"
    elif kind == "number":
        otherwise = f", or say which marks they have under numbers.{name}.{column}"
    elif kind in ("flag", "integer"):
        otherwise = f", or map its codes under values.{name}.{column}"
    note(this, "wrong_type", failed, person, found, file=file, column=column, kind=KINDS[kind], otherwise=otherwise)
    for rule, rows in fixed.items():
        if rule != "converted_type" or not failed.any():
            note(this, rule, rows, person, found, file=file, column=column)


def _of_persons(part: Part, keys: pd.Index) -> Part:
    """The rows of some persons; files that hold keys as bytes may give some rows of others, too."""
    is_own = canonical_keys(part.table["person_id"]).values.isin(keys).to_numpy()
    return part if is_own.all() else Part(part.table.filter(is_own))


def _check_keys(this: Opened, keyed: list[Spelled], person: pd.Series, file: np.ndarray, found: Findings) -> None:
    for rule, rows in (
        ("key_spelling", [keys.is_respelled for keys in keyed]),
        ("key_blanks", [keys.is_padded for keys in keyed]),
    ):
        note(this, rule, np.concatenate(rows), person, found, file=file)
    if this.extract.name == "trial":
        note(this, "missing_value", person.isna().to_numpy(), person, found, file=file, column="person_id")
        return
    n_lacking = sum(f.n_nulls(f.column(this.columns["person_id"])) for f in this.delivery.files)
    if n_lacking:
        subject = f"{n_lacking} of {this.delivery.n_rows} rows of {this.delivery.label}"
        found.add(this.extract.name, "missing_key", subject, n_lacking, None, column="person_id")
