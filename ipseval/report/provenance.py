"""Where the report's numbers come from: the cohort's choices and the tables behind it.

The versions of code and libraries are in the manifest alone: this page is not written again when another stage's code
changes, and would then name a code that is no more.
"""

import dataclasses
import json
from collections.abc import Mapping
from typing import Any

from ipseval import words
from ipseval.config import Cohort
from ipseval.tables.review import Review, count_cell
from ipseval.tables.table import Cell

# Keys of the settings of the stage present: what it does not read reaches it as the default, and would be wrong here.
CHOICES = (
    "observed_from", "observed_until", "arms", "centres", "window", "not_employed_at_randomisation", "outcomes",
    "outcome", "estimation", "synthesis", "follow", "achieved", "cost", "receipt", "event_study", "bound", "robustness",
    "describe", "disclosure",
)  # fmt: skip


def choices(cohort: Cohort) -> list[tuple[str, str]]:
    """The cohort's choices, a dotted key each: ``window.after``, ``43``."""
    found = dataclasses.asdict(cohort)
    return [line for key in CHOICES for line in _lines(key, found[key])]


def files(review: Review) -> list[tuple[str, str, Cell, str]]:
    """Extract, name, rows and checksum of each file that was read: known inside, and not to a release."""
    delivered = review.rows("fingerprint") if "fingerprint" in review.tables else []
    return [
        (row["extract"], row["file"], count_cell(row["n_rows"]), row["sha256"])
        for row in delivered
        if isinstance(row["sha256"], str)
    ]


def rows(review: Review) -> dict[str, int]:
    """How many rows each table has."""
    return {name: len(frame) for name, frame in sorted(review.tables.items())}


def _lines(key: str, value: Any) -> list[tuple[str, str]]:
    if isinstance(value, Mapping) and value:
        return [line for part, inner in value.items() for line in _lines(f"{key}.{part}", inner)]
    return [(words.one_line(key), words.one_line(_text(value)))]


def _text(value: Any) -> str:
    """A value as it stands in YAML, near enough to be read."""
    if isinstance(value, Mapping):
        return ", ".join(f"{key}: {_text(inner)}" for key, inner in value.items()) or "–"
    if isinstance(value, (list, tuple)):
        return ", ".join(map(_text, value)) or "–"
    return json.dumps(value) if value is None or isinstance(value, bool) else str(value)
