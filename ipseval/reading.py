"""Reading an extract: its files, its columns under our names, its rows with every column converted."""

from dataclasses import dataclass
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa

from ipseval import extracts
from ipseval.config import Cohort
from ipseval.contracts import Column, Extract
from ipseval.convert import convert
from ipseval.errors import Fault, nearest
from ipseval.extracts import Delivery
from ipseval.findings import Findings
from ipseval.layouts import LAYOUTS, Layout

SORTED_BY = 12  # columns that rows are sorted by


@dataclass(frozen=True)
class Opened:
    """A delivery with the layout it is read in and the columns that are read: ours -> theirs."""

    extract: Extract
    delivery: Delivery
    layout: Layout
    options: dict[str, Any]
    contract: tuple[Column, ...]
    columns: dict[str, str]


def open_extract(extract: Extract, cohort: Cohort, found: Findings) -> Opened | None:
    """Files, columns and layout of one extract; None when it cannot be read."""
    delivery = extracts.open_delivery(cohort.extracts, extract.name)
    if delivery is None:
        if extract.needed:
            found.add(extract.name, "missing_extract", f"{extract.name}.parquet", None, None)
        return None
    for rule, names in (("not_parquet", delivery.broken), ("stray_file", delivery.stray)):
        if names:
            many = len(names) > 1
            words = {
                "count": "are" if many else "is",
                "them": "them" if many else "it",
                "they": "they" if many else "it",
            }
            found.add(extract.name, rule, f"{_in_folder(extract.name, names)}", None, None, **words)
    if delivery.broken or not delivery.files:
        return None
    if delivery.n_rows == 0:
        if extract.needed:
            found.add(extract.name, "empty_extract", delivery.label, 0, 0)
            return None
        found.rows.append(
            dict(zip(QUALITY_COLUMNS, (extract.name, "empty_extract", "warning", 0, 0, "warn"), strict=True))
        )
    return _with_columns(extract, delivery, cohort, found)


def _in_folder(extract: str, names: tuple[str, ...]) -> str:
    return ", ".join(name if name.startswith(f"{extract}.") else f"{extract}/{name}" for name in names)


def _with_columns(extract: Extract, delivery: Delivery, cohort: Cohort, found: Findings) -> Opened | None:
    options = dict(cohort.layouts.get(extract.name) or {"layout": "spells"})
    layout = LAYOUTS.get(options.pop("layout", "spells"), LAYOUTS["spells"])
    renamed = cohort.columns.get(extract.name, {})
    contract = layout.columns(extract, delivery.columns, options) if extract.column("start_on") else extract.columns
    extra = cohort.covariates if extract.name == "trial" else ()
    contract = (
        *contract,
        *(Column(name, "number", "Baseline covariate.", nullable=True) for name in extra if not extract.column(name)),
    )
    columns, complete = {}, True
    for column in contract:
        theirs = renamed.get(column.name, column.name)
        if theirs in delivery.columns:
            columns[column.name] = theirs
        elif column.needed or column.name in renamed:
            complete = False
            has = f"It has: {', '.join(sorted(delivery.columns))}. {nearest(theirs, delivery.columns)}".strip()
            found.add(extract.name, "missing_column", delivery.label, None, None, column=theirs, near=has)
    for name in set(renamed) - {c.name for c in contract}:
        complete = False
        remedy = nearest(name, [c.name for c in contract]) or f"Ours: {', '.join(c.name for c in contract)}."
        found.faults.append(
            Fault(cohort.file or cohort.name, f"columns.{extract.name}.{name} is no column of ours.", remedy)
        )
    return Opened(extract, delivery, layout, options, contract, columns) if complete else None


def read_rows(this: Opened, cohort: Cohort, found: Findings, keys: pd.Index | None) -> pd.DataFrame | None:
    """Rows (of the persons ``keys`` only) with every column converted; None when the files cannot be read."""
    name = this.extract.name
    try:
        table = (
            extracts.read_all(this.delivery, this.columns)
            if keys is None
            else extracts.select(this.delivery, this.columns, keys)
        )
    except (duckdb.Error, pa.ArrowException):
        found.add(name, "unreadable", this.delivery.label, None, None)
        return None
    person = extracts.canonical_key(table["person_id"])
    frame, values = {}, cohort.values.get(name, {})
    for column in (c for c in this.contract if c.name in this.columns):
        raw = table[column.name]
        done = convert(raw, column.kind, values.get(column.name))
        frame[column.name] = person if column.name == "person_id" else done.values
        _check_column(this, column, frame[column.name], done.failed, done.fixed, raw, person, found)
    spelled = convert(table["person_id"], "key").values
    note(this, "key_spelling", (spelled.notna() & (spelled != person)).to_numpy(), person, found)
    rows = pd.DataFrame(frame)
    return rows.sort_values(list(rows.columns[:SORTED_BY]), ignore_index=True)


def _check_column(
    this: Opened,
    column: Column,
    values: pd.Series,
    failed: np.ndarray,
    fixed: str | None,
    raw: Any,
    person: pd.Series,
    found: Findings,
) -> None:
    kind = {"flag": "0 or 1", "key": "a key", "code": "a code", "integer": "a whole number"}.get(
        column.kind, f"a {column.kind}"
    )
    if len(values) == 0:
        return
    if failed.any():
        note(this, "wrong_type", failed, person, found, column=column.name, kind=kind)
    elif fixed and values.notna().any():
        note(this, fixed, values.notna().to_numpy(), person, found, column=column.name)
    empty = values.isna().to_numpy() & ~failed
    if empty.any() and not column.nullable:
        note(this, "missing_value", empty, person, found, column=column.name)
    elif empty.all() and column.name != "end_on" and not column.name.endswith("_on"):
        note(this, "column_of_nulls", empty, person, found, column=column.name)


def note(this: Opened, rule: str, rows: np.ndarray, person: pd.Series, found: Findings, **words: str) -> str | None:
    """Note the rows that a rule found; nothing when there are none."""
    n = int(np.sum(rows))
    if n == 0:
        return None
    persons = int(person[rows].nunique())
    subject = f"{n} of {len(rows)} rows of {this.delivery.label} ({persons} person{'s' if persons != 1 else ''})"
    return found.add(this.extract.name, rule, subject, n, persons, **words)
