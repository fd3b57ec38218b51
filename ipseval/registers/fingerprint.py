"""What a delivery was, and how it differs from the delivery used before it: checksums and counts.

The delivery before is the one that the verified results were made from; its persons lie under ``person/last/``.
"""

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pyarrow.parquet as pq

from ipseval import store
from ipseval.config import Cohort
from ipseval.contracts import EXTRACTS
from ipseval.registers.coverage import months_covered
from ipseval.registers.delivered import Delivery, describe
from ipseval.registers.findings import Matched
from ipseval.registers.places import located

ALL = "all"  # the row of all files of an extract
FINGERPRINT_COLUMNS = (
    "extract", "file", "sha256", "n_bytes", "n_rows", "n_trial_rows", "n_trial_persons", "first_month", "last_month",
    "read_as", "schema",
)  # fmt: skip
DRIFT_COLUMNS = (
    "extract", "status", "n_files_before", "n_files", "n_files_changed", "n_rows_before", "n_rows",
    "n_trial_rows_before", "n_trial_rows", "n_trial_rows_added", "n_trial_rows_removed", "n_trial_persons_before",
    "n_trial_persons", "n_trial_persons_added", "n_trial_persons_removed", "n_trial_persons_changed", "columns_added",
    "columns_removed",
)  # fmt: skip
DATED = ("randomised_on", "start_on", "completed_on", "date")  # the column whose months an extract covers
READING = (
    "files", "columns", "values", "exclusions", "dates", "zone", "numbers", "layouts", "covariates", "checks",
    "observed_from", "observed_until", "window", "arms", "centres",
)  # fmt: skip
Frames = Mapping[str, pd.DataFrame | None]


@dataclass(frozen=True)
class Last:
    """What the check left of the delivery that the verified results were made from.

    Parameters
    ----------
    fingerprint, drift : DataFrame
    checked : mapping
        Extract -> Parquet file of the trial's persons.
    """

    fingerprint: pd.DataFrame
    drift: pd.DataFrame
    checked: Mapping[str, Path]


def last(files: Mapping[str, str | Path]) -> Last | None:
    """What the files hold; None when there are no verified results yet."""
    paths = {name: Path(file) for name, file in files.items()}
    if not all(path.exists() for path in paths.values()):
        return None
    tables = [pd.read_csv(paths[name], dtype="str", keep_default_na=False) for name in ("fingerprint", "drift")]
    return Last(tables[0], tables[1], {name: paths[name] for name in EXTRACTS})


def fingerprint(
    cohort: Cohort, frames: Frames, matched: Mapping[str, Matched], digests: Mapping[str, str]
) -> pd.DataFrame:
    """One row a delivered file, and one (``all``) an extract with what the check read of it.

    Parameters
    ----------
    cohort : Cohort
    frames : mapping
        Extract -> rows of the trial's persons as the check leaves them; None where not delivered.
    matched : mapping
        Name of a file -> what of the trial was found in it.
    digests : mapping
        Name of a file -> SHA-256.

    Returns
    -------
    DataFrame
        ``FINGERPRINT_COLUMNS``, as text. Months are those in which several persons share a date.
    """
    rows: list[dict[str, Any]] = []
    mending = list(_mending(cohort, matched, digests))
    read_as = _digest(json.dumps([*(str(getattr(cohort, key)) for key in READING), *(m["sha256"] for m in mending)]))
    for name in EXTRACTS:
        delivery, frame = describe(cohort.extracts, name, located(cohort, name)), frames[name]
        if delivery is not None and frame is not None:
            rows += _files(delivery, matched, digests)
            rows.append({**_whole(delivery, frame), "read_as": read_as})
    return _text([*rows, *mending], FINGERPRINT_COLUMNS)


def _mending(cohort: Cohort, matched: Mapping[str, Matched], digests: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    """One row a file that mends the delivery: its digest and how many rows and persons it has, nothing of them."""
    for key, file in cohort.mending.items():
        counts = matched.get(file.name, Matched(0, 0))
        name = Path(os.path.relpath(file, cohort.extracts)).as_posix()
        own = {"extract": key, "file": file.name, "sha256": digests[name], "n_bytes": file.stat().st_size}
        yield own | {"n_rows": counts.n_rows, "n_trial_persons": counts.n_persons}


def _files(delivery: Delivery, matched: Mapping[str, Matched], digests: Mapping[str, str]) -> list[dict[str, Any]]:
    rows = []
    for file, name in zip(delivery.files, delivery.names(range(len(delivery.files))), strict=True):
        schema = "; ".join(f"{column} {kind}" for column, kind in file.types.items())
        own = {"sha256": digests[name], "n_bytes": file.n_bytes, "n_rows": file.n_rows, "schema": schema}
        if (found := matched.get(name)) is not None:
            own |= {"n_trial_rows": found.n_rows, "n_trial_persons": found.n_persons}
        rows.append({"extract": delivery.name, "file": name, **own})
    return rows


def _whole(delivery: Delivery, frame: pd.DataFrame) -> dict[str, Any]:
    delivered = frame[frame["is_observed"] == 1] if "is_observed" in frame else frame
    column = next((name for name in DATED if name in frame), None)
    first, last = (months_covered(delivered["person_id"], delivered[column]) if column else None) or ("", "")
    return {
        "extract": delivery.name,
        "file": ALL,
        "n_bytes": sum(file.n_bytes for file in delivery.files),
        "n_rows": delivery.n_rows,
        "n_trial_rows": len(delivered),
        "n_trial_persons": delivered["person_id"].nunique(),
        "first_month": first,
        "last_month": last,
        "schema": "; ".join(sorted(delivery.columns)),
    }


def drift(before: Last | None, now: pd.DataFrame, frames: Frames) -> pd.DataFrame:
    """How a delivery differs from the last one that was another: one row an extract.

    A second run on the same files keeps the drift of the first, so that it writes the same bytes.

    Parameters
    ----------
    before : Last or None
        What the check left before.
    now : DataFrame
        Of :func:`fingerprint`.
    frames : mapping
        See :func:`fingerprint`.

    Returns
    -------
    DataFrame
        ``DRIFT_COLUMNS``, as text. ``status``: ``same``, ``changed``, ``new``, ``gone``, ``not_delivered``,
        ``first_delivery`` (nothing to compare with) or ``settings_changed`` (the cohort file reads the rows otherwise
        than before: they are not compared).
    """
    if before is None:
        return _text([{"extract": name, "status": "first_delivery"} for name in EXTRACTS], DRIFT_COLUMNS)
    if is_same(before, now):
        return before.drift
    return _text([_extract_drift(name, before, now, frames[name]) for name in EXTRACTS], DRIFT_COLUMNS)


def is_same(before: Last, now: pd.DataFrame) -> bool:
    """Whether the same files were delivered, whatever they are called."""
    return _contents(before.fingerprint) == _contents(now)


def _contents(table: pd.DataFrame, extract: str | None = None) -> list[tuple[str, str]]:
    files = table[(table["file"] != ALL) & ((table["extract"] == extract) | (extract is None))]
    return sorted(zip(files["extract"], files["sha256"], strict=True))


def _extract_drift(name: str, before: Last, now: pd.DataFrame, frame: pd.DataFrame | None) -> dict[str, Any]:
    old, new = (_whole_row(table, name) for table in (before.fingerprint, now))
    if not old or not new:
        status = "gone" if old else "new" if new else "not_delivered"
        return {"extract": name, "status": status, **_counts(old, "_before"), **_counts(new, "")}
    files = _contents(before.fingerprint, name), _contents(now, name)
    columns = [set(row["schema"].split("; ")) for row in (old, new)]
    row = {
        "extract": name,
        "status": "same" if files[0] == files[1] else "changed",
        **_counts(old, "_before"),
        **_counts(new, ""),
        "n_files_before": len(files[0]),
        "n_files": len(files[1]),
        "n_files_changed": len(set(files[1]) - set(files[0])),
        "columns_added": "; ".join(sorted(columns[1] - columns[0])),
        "columns_removed": "; ".join(sorted(columns[0] - columns[1])),
    }
    if old["read_as"] != new["read_as"]:
        return row | {"status": "settings_changed"}
    return row | _compared(before.checked[name], frame)


def _whole_row(table: pd.DataFrame, extract: str) -> dict[str, str]:
    rows = table[(table["extract"] == extract) & (table["file"] == ALL)].to_dict("records")
    return {str(key): value for row in rows for key, value in row.items()}


def _counts(row: Mapping[str, str], suffix: str) -> dict[str, str]:
    return {f"{key}{suffix}": row[key] for key in ("n_rows", "n_trial_rows", "n_trial_persons") if row}


def _compared(before: Path, frame: pd.DataFrame | None) -> dict[str, Any]:
    """Rows that only one of the two deliveries has, as often as they stand in it, and their persons."""
    names = ("n_trial_rows_added", "n_trial_rows_removed", "n_trial_persons_added", "n_trial_persons_removed")
    old = pq.read_table(before)
    shared = [c for c in old.column_names if frame is not None and c in frame]
    columns = ", ".join(f'CAST("{c}" AS VARCHAR) AS "{c}"' for c in shared)  # both as they print
    with duckdb.connect() as db:
        db.register("before", old)
        db.register("now", store.arrow(frame))
        counts = db.execute(_QUERY.format(columns=columns)).fetchone()
    return dict(zip((*names, "n_trial_persons_changed"), counts or (), strict=True))


_QUERY = """
WITH old AS MATERIALIZED (SELECT {columns} FROM before), new AS MATERIALIZED (SELECT {columns} FROM now),
added AS MATERIALIZED (SELECT * FROM new EXCEPT ALL SELECT * FROM old),
removed AS MATERIALIZED (SELECT * FROM old EXCEPT ALL SELECT * FROM new),
old_persons AS (SELECT DISTINCT person_id FROM old), new_persons AS (SELECT DISTINCT person_id FROM new)
SELECT (SELECT count(*) FROM added), (SELECT count(*) FROM removed),
(SELECT count(*) FROM new_persons WHERE person_id NOT IN (SELECT person_id FROM old_persons)),
(SELECT count(*) FROM old_persons WHERE person_id NOT IN (SELECT person_id FROM new_persons)),
(SELECT count(DISTINCT person_id) FROM (SELECT person_id FROM added UNION SELECT person_id FROM removed)
 WHERE person_id IN (SELECT person_id FROM old_persons) AND person_id IN (SELECT person_id FROM new_persons))
"""


def note(cohort: Cohort, before: Last | None, made: Frames) -> str:
    """What a user is told when another delivery than the last one is used; nothing when it is the same.

    Parameters
    ----------
    cohort : Cohort
    before : Last or None
    made : mapping
        ``fingerprint`` and ``drift`` of this delivery.
    """
    now, drifted = made["fingerprint"], made["drift"]
    if before is None or now is None or drifted is None or is_same(before, now):
        return ""
    lines = [f"{cohort.name}, check: this delivery is not the one that was used last (review/drift.csv)."]
    for row in drifted[~drifted["status"].isin(("same", "not_delivered"))].to_dict("records"):
        lines.append(f"{cohort.name}, check: {row['extract']}: {_sentence({str(k): v for k, v in row.items()})}")
    return "\n".join(lines)


def _sentence(row: Mapping[str, str]) -> str:
    if row["status"] in ("new", "gone"):
        return {"new": "was not delivered before.", "gone": "is not delivered any more."}[row["status"]]
    counts = f"{row['n_rows_before']} -> {row['n_rows']} rows"
    if row["status"] == "settings_changed":
        return f"{counts}; the cohort file reads it otherwise than before, so that rows are not compared."
    return (
        f"{counts}; of the trial's {row['n_trial_rows_added']} added and {row['n_trial_rows_removed']} removed, "
        f"{row['n_trial_persons_changed']} persons changed, {row['n_trial_persons_added']} more and "
        f"{row['n_trial_persons_removed']} fewer than before."
    )


def _digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()[:16]


def _text(rows: list[dict[str, Any]], columns: tuple[str, ...]) -> pd.DataFrame:
    """Rows as a table of text; what a row does not have is empty."""
    cells = [[str(row.get(column, "")) for column in columns] for row in rows]
    return pd.DataFrame(cells, columns=pd.Index(columns), dtype="str")
