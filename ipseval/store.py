"""Files: tables, text and pictures read and written; a file appears whole or not at all."""

import hashlib
import io
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from ipseval.contracts import EXTRACTS

Content = pd.DataFrame | str | bytes | None

# What each stage leaves under results/<cohort>/: name -> file. Extracts keep their names from stage to stage.
_EXTRACTS = tuple(EXTRACTS)
PRODUCTS: dict[str, dict[str, str]] = {
    "check": {
        **{e: f"person/checked/{e}.parquet" for e in _EXTRACTS},
        **{name: f"review/{name}.csv" for name in ("quality", "register_by_month", "fingerprint", "drift")},
    },
    "clean": {e: f"person/clean/{e}.parquet" for e in _EXTRACTS},
    "cohort": {"people": "person/people.parquet", "flow": "review/flow.csv"},
    "panel": {"panel": "person/panel.parquet"},
    "describe": {
        name: f"review/{name}.csv"
        for name in (
            *("inclusion", "balance", "wage_subsidy", "employment_by_month"),
            *("organisation", "fidelity", "fidelity_summary", "timeline", "exposure"),
        )
    },
    "estimate": {
        "effects": "review/effects.csv",
        "effects_parquet": "review/effects.parquet",
        "coefficients": "review/coefficients.csv",
    },
    "published_comparison": {"published_comparison": "review/published_comparison.csv"},
    "synthesise": {
        name: f"review/{name}.csv"
        for name in ("heterogeneity", "centre_effects", "pooled_effects", "organisation_tests")
    },
    "follow": {
        name: f"review/{name}.csv" for name in ("time_to_job", "restricted_mean", "accumulated", "achieved", "cost")
    },
    "bound": {"missing_data": "review/missing_data.csv"},
    "randomise": {"randomisation": "review/randomisation.csv", "bands": "review/bands.csv"},
    "vary": {"specifications": "review/specifications.csv"},
    "receive": {name: f"review/{name}.csv" for name in ("receipt", "complier_effects")},
    "placebo": {name: f"review/{name}.csv" for name in ("event_study", "placebo")},
    "verify": {"verify": "verify.json", "manifest": "manifest.json"},
}
CODES = (
    "centre",
    "arm",
    "reference_arm",
    "level",
    "printed",
    "service",
    "codes",
    "value",
    "code",
    "date",
    "group",
    "other_group",
    "event",
    "on",
    "team",
    "review_on",
    "part",
    "band",
    "rater",
    "source",
    "sha256",
)  # columns of CSV files that stay text


def read(file: str | Path) -> pd.DataFrame | None:
    """Read a table; None for an extract that was not delivered (a Parquet file without columns)."""
    path = Path(file)
    if path.suffix == ".csv":
        return _read_csv(path)
    table = pq.read_table(path)
    return table.to_pandas() if table.num_columns else None


def as_read(frame: pd.DataFrame) -> pd.DataFrame:
    """The frame as :func:`read` returns it once it is written as CSV."""
    return _read_csv(io.StringIO(as_csv(frame)))


def as_stored(frame: pd.DataFrame | None) -> pd.DataFrame | None:
    """The frame as :func:`read` returns it once it is written as Parquet, which keeps fewer types than pandas has."""
    written = pa.BufferOutputStream()
    pq.write_table(arrow(frame), written)
    table = pq.read_table(pa.BufferReader(written.getvalue()))
    return table.to_pandas() if table.num_columns else None


def as_csv(frame: pd.DataFrame) -> str:
    """The text of the frame as a CSV file."""
    return frame.to_csv(index=False, lineterminator="\n")


def _read_csv(source: Path | io.StringIO) -> pd.DataFrame:
    """Codes stay text, and empty is missing."""
    codes = dict.fromkeys(CODES, "str")
    return pd.read_csv(source, dtype=codes, keep_default_na=False, na_values=[""])


def checksum(file: str | Path) -> str:
    """SHA-256 of a file."""
    with Path(file).open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def write(file: str | Path, content: Content) -> None:
    """Write a table, text or bytes beside the file first and then move it into place."""
    path = Path(file)
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.part")
    try:
        if isinstance(content, str):
            part.write_text(content, encoding="utf-8", newline="\n")
        elif isinstance(content, bytes):
            part.write_bytes(content)
        elif path.suffix == ".csv" and content is not None:
            part.write_text(as_csv(content), encoding="utf-8", newline="\n")
        else:
            pq.write_table(arrow(content), part)
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


def write_all(files: Mapping[str, str | Path], contents: Mapping[str, Any]) -> None:
    """Write several files by name. Raises KeyError before anything is written when a content is lacking."""
    pairs = [(file, contents[name]) for name, file in files.items()]
    for file, content in pairs:
        write(file, content)


def arrow(frame: pd.DataFrame | None) -> pa.Table:
    """The table that is written as Parquet; without columns for None."""
    if frame is None:
        return pa.table({})
    return pa.Table.from_pandas(frame, preserve_index=False).replace_schema_metadata(None)
