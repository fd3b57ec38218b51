"""Delivered Parquet files: found, described, and read for the persons of the trial only (out of core, DuckDB)."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from ipseval.convert import as_code

MAX_KEY_WIDTH = 12  # a key of digits is looked for with leading zeros up to this width


@dataclass(frozen=True)
class Delivery:
    """The files of one extract.

    Parameters
    ----------
    name : str
        The extract.
    files : tuple of Path
        Sorted; readable as Parquet.
    broken, stray : tuple of str
        Names of files that are no (whole) Parquet, and of files that are something else.
    columns : dict
        Column name -> DuckDB type over all files.
    n_rows : int
        From the files' footers.
    """

    name: str
    files: tuple[Path, ...]
    broken: tuple[str, ...]
    stray: tuple[str, ...]
    columns: dict[str, str]
    n_rows: int

    @property
    def label(self) -> str:
        """How messages name it: the file, or the folder."""
        return self.files[0].name if len(self.files) == 1 and self.files[0].stem == self.name else f"{self.name}/"


def locate(folder: Path, extract: str) -> list[Path]:
    """All files delivered for an extract: ``<extract>.parquet`` and whatever lies in ``<extract>/``."""
    single = folder / f"{extract}.parquet"
    inside = (p for p in (folder / extract).rglob("*") if p.is_file() and not p.name.startswith((".", "_")))
    return ([single] if single.is_file() else []) + sorted(inside)


def open_delivery(folder: Path, extract: str) -> Delivery | None:
    """Describe what was delivered for an extract without reading its rows; None when nothing was."""
    found = locate(folder, extract)
    if not found:
        return None
    rows: dict[Path, int] = {}
    broken = []
    for path in (p for p in found if p.suffix == ".parquet"):
        try:
            rows[path] = pq.read_metadata(path).num_rows
        except (pa.ArrowInvalid, OSError):
            broken.append(path.name)
    stray = tuple(p.name for p in found if p.suffix != ".parquet")
    columns = _columns(tuple(rows)) if rows else {}
    return Delivery(extract, tuple(rows), tuple(broken), stray, columns, sum(rows.values()))


def _columns(files: tuple[Path, ...]) -> dict[str, str]:
    with _connection() as db:
        described = db.execute("DESCRIBE SELECT * FROM read_parquet(?, union_by_name=true)", [list(map(str, files))])
        return {name: kind for name, kind, *_ in described.fetchall()}


def _connection() -> duckdb.DuckDBPyConnection:
    return duckdb.connect(config={"preserve_insertion_order": "false", "autoinstall_known_extensions": "false"})


def read_all(delivery: Delivery, columns: dict[str, str]) -> pa.Table:
    """Read every row; ``columns`` maps our name to the delivered one."""
    with _connection() as db:
        query = f"SELECT {_projection(columns)} FROM read_parquet(?, union_by_name=true)"
        return db.sql(query, params=[_names(delivery)]).to_arrow_table()


def select(delivery: Delivery, columns: dict[str, str], keys: Iterable[str]) -> pa.Table:
    """Read the rows of the given persons only.

    Parameters
    ----------
    delivery : Delivery
    columns : dict
        Our name -> delivered name; ``person_id`` among them.
    keys : iterable of str
        Canonical keys (see :func:`canonical_key`); a key of digits is found with leading zeros too.

    Returns
    -------
    Table
        In no particular order.
    """
    kind = delivery.columns[columns["person_id"]]
    with _connection() as db:
        db.register("trial_keys", pa.table({"k": _spellings(keys, kind)}))
        query = (
            f"SELECT {_projection(columns)} FROM read_parquet(?, union_by_name=true) "
            f"WHERE {_quoted(columns['person_id'])} IN (SELECT k FROM trial_keys)"
        )
        return db.sql(query, params=[_names(delivery)]).to_arrow_table()


def rows_by(delivery: Delivery, column: str) -> pd.DataFrame:
    """Number of rows for each value of a column of the whole delivery, and in how many files it stands."""
    query = (
        f"SELECT {_quoted(column)} AS value, count(*) AS n_rows, count(DISTINCT filename) AS n_files "
        "FROM read_parquet(?, union_by_name=true, filename=true) GROUP BY 1 ORDER BY 1"
    )
    with _connection() as db:
        return db.execute(query, [_names(delivery)]).df()


def canonical_key(keys: pa.ChunkedArray) -> pd.Series:
    """One spelling a person: text, and digits without leading zeros (``007`` and ``7`` are the same person)."""
    text = as_code(keys)
    stripped = text.str.lstrip("0").replace("", "0")
    return text.where(~text.str.fullmatch(r"\d+").fillna(False).astype(bool), stripped)


def _spellings(keys: Iterable[str], kind: str) -> pa.Array:
    if kind in ("VARCHAR", "BLOB"):
        spelled = (
            s
            for k in keys
            for s in ([k.zfill(w) for w in range(len(k), MAX_KEY_WIDTH + 1)] or [k] if k.isdigit() else [k])
        )
        return pa.array(spelled, pa.string())
    return pa.array([int(k) for k in keys if k.isdigit()], pa.int64())


def _names(delivery: Delivery) -> list[str]:
    return [str(path) for path in delivery.files]


def _projection(columns: dict[str, str]) -> str:
    return ", ".join(f"{_quoted(theirs)} AS {_quoted(ours)}" for ours, theirs in columns.items())


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
