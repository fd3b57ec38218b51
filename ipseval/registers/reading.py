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
from ipseval.registers.extracts import FILE, ROW, Part
from ipseval.registers.findings import Findings, listed
from ipseval.registers.keys import Spelled, canonical_keys
from ipseval.registers.mending import corrected, meant
from ipseval.registers.noting import note
from ipseval.registers.opening import Opened
from ipseval.registers.origins import ORIGIN
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
        parts = extracts.read(
            this.delivery,
            this.columns,
            keys,
            unread.counted(this.delivery, unused),
            with_rows=found.origins is not None,
        )
    except extracts.UnreadableError as error:
        found.add(name, "unreadable", listed(error.names), None, None, number=len(error.names))
        return None
    if keys is not None:
        parts = [_of_persons(part, keys) for part in parts]
    keyed = [canonical_keys(part.table["person_id"]) for part in parts]
    person = stacked([own.values for own in keyed])
    where = _placed(this, parts, person, found)
    file = where[FILE].to_numpy()
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
            read = _mended(this, column, read, parts, asked, where, found)
        frame[column.name] = _as_held(this, read.values)
        if this.layout.is_wide:
            cells.append(read)
        else:
            _check_column(this, column, read, where, found)
    if cells:
        _check_cells(this, cells, where, found)
    _check_keys(this, keyed, where, found)
    matching.check(this, parts, person, file, found)
    rows = pd.DataFrame(frame)
    named_codes.see(this, parts, rows, found)
    if ORIGIN in where:
        rows[ORIGIN] = where[ORIGIN]
    rows = _without(rows, this, parts, where, found)
    return in_order(rows, rows.columns[:SORTED_BY])


def _placed(this: Opened, parts: list[Part], person: pd.Series, found: Findings) -> pd.DataFrame:
    """Key and file of every row and, where origins are kept, its number."""
    file = np.concatenate([part.table[FILE].to_numpy() for part in parts])
    where = pd.DataFrame({"person_id": person, FILE: file})
    if found.origins is not None:
        names, row = this.delivery.names(range(len(this.delivery.files))), [part.table[ROW] for part in parts]
        where[ORIGIN] = found.origins.place(
            this.extract.name, names, file, np.concatenate([own.to_numpy() for own in row]), person
        )
    return where


def _mended(
    this: Opened,
    column: Column,
    read: Read,
    parts: list[Part],
    asked: pd.DataFrame,
    where: pd.DataFrame,
    found: Findings,
) -> Read:
    """A column with the values that the cohort's corrections give it."""
    delivered = [_delivered(part, column) for part in parts]
    done = corrected(Converted(read.values, read.failed), where["person_id"], delivered, asked, column.kind)
    note(this, "correction", done.rows, where, found, column=column.name)
    found.used["corrections"].update(done.used)
    label, cell = found.cohort.mending["corrections"].name, f"{this.extract.name}.{column.name}"
    if done.n_unreadable:
        what = f"{done.n_unreadable} values for {cell} cannot be read."
        found.fault(label, what, f"Expected: {KINDS[column.kind]}.")
    if n := done.n_contradicting:
        what = f"{n} correction{'s set' if n > 1 else ' sets'} a cell of {cell} that another one sets otherwise."
        found.fault(label, what, "Keep one of them, or say with was which rows are meant.")
    fixed = {rule: rows & ~done.rows for rule, rows in read.fixed.items()}
    return Read(done.made.values, done.made.failed, fixed)


def _without(rows: pd.DataFrame, this: Opened, parts: list[Part], where: pd.DataFrame, found: Findings) -> pd.DataFrame:
    """The rows that are not to be left out of an extract; persons of the trial list leave it in the flow."""
    name, person, left = this.extract.name, where["person_id"], np.zeros(len(where), bool)
    if name != "trial":
        whole = found.mending.persons_left_out(name)
        left |= person.isin(whole["key"]).to_numpy()
        found.used["leave_out"].update(whole.index[whole["key"].isin(person)])
    for column, asked in found.mending.rows_left_out(name).groupby("column"):
        cells = [part.column(str(column)) or pa.chunked_array([pa.nulls(part.table.num_rows)]) for part in parts]
        for label, own in zip(asked.index, meant(asked, person, cells), strict=True):
            found.used["leave_out"].update([label] * bool(own.any()))
            left |= own
    if name == "trial" and (gone := set(person[left]) - set(person[~left])):
        what = f"names every row of {len(gone)} person{'s' if len(gone) > 1 else ''} of the trial list one by one."
        found.fault(found.cohort.mending["leave_out"].name, what, "Leave column and was empty: the flow counts them.")
    note(this, "left_out", left, where, found)
    return rows[~left] if left.any() else rows


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


def _check_column(this: Opened, column: Column, read: Read, where: pd.DataFrame, found: Findings) -> None:
    _note_type(this, column.name, column.kind, read.failed, read.fixed, where, found)
    empty = read.values.isna().to_numpy() & ~read.failed
    if empty.any() and not column.nullable:
        note(this, "missing_value", empty, where, found, column=column.name)
    elif len(empty) and empty.all() and column.name not in OPEN_DATES:
        note(this, "column_of_nulls", empty, where[["person_id"]], found, column=column.name)


def _check_cells(this: Opened, cells: list[Read], where: pd.DataFrame, found: Findings) -> None:
    """One finding for all weeks of a wide layout."""
    failed = np.logical_or.reduce([c.failed for c in cells])
    fixed: dict[str, np.ndarray] = {}
    for cell in cells:
        for rule, rows in cell.fixed.items():
            fixed[rule] = fixed.get(rule, False) | rows
    kind = this.contract[-1].kind
    _note_type(this, "week", kind, failed, fixed, where, found)
    n_empty = sum(bool(len(c.values)) and bool(c.values.isna().all()) and not c.failed.any() for c in cells)
    if n_empty:
        subject = f"{n_empty} of {len(cells)} weeks of {this.delivery.label}"
        n_persons = where["person_id"].nunique()
        found.add(this.extract.name, "column_of_nulls", subject, len(where), n_persons, number=n_empty, column="week")


def _note_type(
    this: Opened,
    column: str,
    kind: str,
    failed: np.ndarray,
    fixed: Mapping[str, np.ndarray],
    where: pd.DataFrame,
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
    note(this, "wrong_type", failed, where, found, column=column, kind=KINDS[kind], otherwise=otherwise)
    for rule, rows in fixed.items():
        if rule != "converted_type" or not failed.any():
            note(this, rule, rows, where, found, column=column)


def _of_persons(part: Part, keys: pd.Index) -> Part:
    """The rows of some persons; files that hold keys as bytes may give some rows of others, too."""
    is_own = canonical_keys(part.table["person_id"]).values.isin(keys).to_numpy()
    return part if is_own.all() else Part(part.table.filter(is_own))


def _check_keys(this: Opened, keyed: list[Spelled], where: pd.DataFrame, found: Findings) -> None:
    for rule, rows in (
        ("key_spelling", [keys.is_respelled for keys in keyed]),
        ("key_blanks", [keys.is_padded for keys in keyed]),
    ):
        note(this, rule, np.concatenate(rows), where, found)
    if this.extract.name == "trial":
        note(this, "missing_value", where["person_id"].isna().to_numpy(), where, found, column="person_id")
        return
    n_lacking = sum(f.n_nulls(f.column(this.columns["person_id"])) for f in this.delivery.files)
    if n_lacking:
        subject = f"{n_lacking} of {this.delivery.n_rows} rows of {this.delivery.label}"
        found.add(this.extract.name, "missing_key", subject, n_lacking, None, column="person_id")
