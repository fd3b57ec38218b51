"""Why two runs may differ: what their manifests record of input, configuration, code and libraries."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ipseval import store
from ipseval.errors import Fault, UserError

NOTHING = "(none)"


@dataclass(frozen=True)
class Cause:
    """One thing that the two runs do not share.

    Parameters
    ----------
    kind : str
        ``input``, ``configuration``, ``code``, ``version``; ``file`` when a result is not the one that its manifest
        recorded, ``manifest`` when there is none.
    what : str
        File, key, library.
    before, after : str
    """

    kind: str
    what: str
    before: str
    after: str


def causes(before: Path, after: Path) -> tuple[Cause, ...]:
    """What two cohorts' results do not share, from ``manifest.json`` of each.

    Raises
    ------
    UserError
        A manifest cannot be read.
    """
    old, new = _manifest(before), _manifest(after)
    if old is None or new is None:
        said = tuple(NOTHING if m is None else "manifest.json" for m in (old, new))
        return (Cause("manifest", "manifest.json", *said),)
    return (
        *_differing("input", old["extracts"], new["extracts"]),
        *_differing("configuration", dict(_flat(old["configuration"])), dict(_flat(new["configuration"]))),
        *_differing("code", old["code"], new["code"]),
        *_differing("version", old["versions"], new["versions"]),
        *(Cause("file", f, "not as recorded", "") for f in _altered(before, old["results"])),
        *(Cause("file", f, "", "not as recorded") for f in _altered(after, new["results"])),
    )


def _manifest(folder: Path) -> dict[str, Any] | None:
    file = folder / "manifest.json"
    if not file.exists():
        return None
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
        return {key: dict(content[key]) for key in ("extracts", "configuration", "code", "versions", "results")}
    except (OSError, ValueError, KeyError, TypeError):
        raise UserError([Fault(str(file), "is no manifest of a run.", "Run the cohort again.")]) from None


def _differing(kind: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Cause]:
    for what in sorted({*before, *after}):
        old, new = (_said(m[what]) if what in m else NOTHING for m in (before, after))
        if old != new:
            yield Cause(kind, what, old, new)


def _said(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _flat(content: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Keys of the configuration with a dot between levels; lists of named things go by name."""
    for key, value in content.items():
        if isinstance(value, list) and value and all(isinstance(v, dict) and "name" in v for v in value):
            value = {v["name"]: v for v in value}
        if isinstance(value, dict) and value:
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def _altered(folder: Path, recorded: Mapping[str, str]) -> list[str]:
    """Results that are there and not as they were when the manifest was written."""
    there = {name: folder / name for name in sorted(recorded) if (folder / name).is_file()}
    return [name for name, file in there.items() if store.checksum(file) != recorded[name]]
