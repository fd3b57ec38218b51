"""Versions of the form of results: in the manifest and in every release, so that a reader knows what is in a file."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

METADATA = "datapackage.json"
RELEASE = "release"  # the version of the folder as a whole
TABLES = (".csv", ".json", ".parquet")


def of_file(file: str, versions: Mapping[str, int]) -> int:
    """Version of a file of results.

    Parameters
    ----------
    file : str
        With or without its folder.
    versions : mapping
        ``versions`` of config/columns.yaml: names of files without their endings; others have version 1.
    """
    return versions.get(file.rpartition("/")[2].partition(".")[0], 1)


def of_files(files: Iterable[str], versions: Mapping[str, int]) -> dict[str, int]:
    """The versions of those files that programs read."""
    return {file: of_file(file, versions) for file in sorted(files) if file.endswith(TABLES)}


def fault_of(folder: Path, known: int) -> tuple[str, str] | None:
    """Why an earlier release cannot be read, and what to do; None for one that can.

    Releases that were made before versions have no description, and their tables have the columns of version 1.

    Parameters
    ----------
    folder : Path
        The folder ``release/``.
    known : int
        The newest version that this code reads.
    """
    file = folder / METADATA
    if not file.is_file():
        return None
    try:
        content: Any = json.loads(file.read_text(encoding="utf-8"))
        version = int(content["ipseval"]["schema_version"])
    except (ValueError, KeyError, TypeError, OSError):
        return (
            f"{METADATA} does not say the version of its form.",
            "Take the release as it was made, with all its files.",
        )
    if version > known:
        what = f"its form has version {version}, and this version of ipseval reads {known} and earlier ones."
        return what, "Run the version of ipseval that made it, or a later one."
    return None
