"""An independent look at finished files: what would leave with them.

Every file is read by its type and searched for small counts, keys of persons, paths, names, days, hidden parts and
numbers that protection hid. Nothing is imported of what made the files: the two share no mistake but those of the
libraries. A finding says where, never what.
"""

import csv
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import yaml

from ipseval.errors import Fault, UserError, nearest
from ipseval.finished import binary as finished_binary
from ipseval.finished import markup as finished_markup
from ipseval.finished import office as finished_office
from ipseval.finished import text as finished_text
from ipseval.finished.content import Content, Trace
from ipseval.finished.hidden import unhidden
from ipseval.finished.rules import RULES, Rules, breaches, is_silent

CONFIG = Path(__file__).resolve().parent.parent / "config"
READERS: dict[str, Callable[[bytes], Content]] = {
    ".csv": finished_text.from_csv,
    ".md": finished_text.from_markdown,
    ".txt": finished_text.from_text,
    ".smk": finished_text.from_text,
    ".tex": finished_text.from_tex,
    ".json": finished_text.from_json,
    ".html": finished_markup.from_html,
    ".svg": finished_markup.from_svg,
    ".png": finished_binary.from_png,
    ".parquet": finished_binary.from_parquet,
    ".docx": finished_office.from_docx,
    ".xlsx": finished_office.from_xlsx,
}
BROKEN = (ValueError, KeyError, IndexError, ArithmeticError, RuntimeError, OSError, csv.Error, zlib.error, struct.error)


@dataclass(frozen=True, order=True)
class Finding:
    """One thing that should not leave: file, place in it and rule, never the value."""

    file: str
    place: str
    rule: str

    def __str__(self) -> str:
        return f"{self.file}: {self.place}: {RULES[self.rule]} ({self.rule})."


def scan(
    folder: Path,
    *,
    threshold: int,
    base: int = 0,
    keys: frozenset[str] = frozenset(),
    review: Path | None = None,
    names: tuple[str, ...] = (),
) -> list[Finding]:
    """Look through every file of a folder that is to leave.

    Parameters
    ----------
    folder : Path
        ``results/<cohort>/release``, or any folder of finished files.
    threshold : int
        The smallest count of persons that may be shown; 0: any. See :func:`limits_of`.
    base : int
        Counts are multiples of it; 0: of nothing.
    keys : frozenset of str
        Keys of the persons of the trial list; see :func:`keys_of`.
    review : Path, optional
        ``results/<cohort>/review``: the numbers that ``folder/data`` hides are looked for.
    names : tuple of str
        Names of users and machines.

    Returns
    -------
    list of Finding
        Sorted, each once.
    """
    rules = Rules(settings(), threshold, base, keys, names)
    contents: dict[str, Content] = {}
    findings: set[Finding] = set()
    for n, path in enumerate(sorted(folder.rglob("*")), start=1):
        if path.is_dir() and not path.is_symlink():
            continue
        file = path.relative_to(folder).as_posix()
        own = [rule for _, rule in breaches(finished_text.from_text(file.encode()), rules)]
        shown = f"file {n} in order of name" if own else file
        findings |= {Finding(shown, "its name", rule) for rule in own}
        contents[shown] = _content(path)
        findings |= {Finding(shown, place, rule) for place, rule in breaches(contents[shown], rules)}
    if review is not None:
        findings |= {Finding(*found) for found in unhidden(contents, _tables(review), rules)}
    return sorted({_told(finding, rules) for finding in findings})


def _told(finding: Finding, rules: Rules) -> Finding:
    """The finding, whose place repeats nothing that must not be told."""
    place = finding.place if is_silent(finding.place, rules) else "a place whose name cannot be told"
    return Finding(finding.file, place or "the whole", finding.rule)


def _content(path: Path) -> Content:
    """What a file holds; a trace where that cannot be told."""
    if path.is_symlink():
        return Content(traces=(Trace("", "link"),))
    reader = READERS.get(path.suffix)
    if reader is None or path.name.startswith((".", "~")):
        return Content(traces=(Trace("", "unexpected_type"),))
    try:
        return reader(path.read_bytes())
    except (*BROKEN, ElementTree.ParseError, zipfile.BadZipFile):
        return Content(traces=(Trace("", "unreadable"),))


def _tables(review: Path) -> Iterator[tuple[str, Content]]:
    """Tables of the folder inside, by name."""
    yield from ((file.stem, _content(file)) for file in sorted(review.glob("*.csv")))


@cache
def settings() -> Mapping[str, Any]:
    """What config/scan.yaml says."""
    content: Mapping[str, Any] = yaml.safe_load((CONFIG / "scan.yaml").read_text(encoding="utf-8"))
    return content


def limits_of(profile: str, file: Path = CONFIG / "disclosure.yaml") -> dict[str, int]:
    """What :func:`scan` needs of a profile of config/disclosure.yaml: ``threshold`` and ``base``.

    Raises
    ------
    UserError
        There is no such profile.
    """
    profiles = yaml.safe_load(file.read_text(encoding="utf-8"))["profiles"] if file.exists() else {}
    if profile not in profiles:
        remedy = nearest(profile, profiles) or f"Known are: {', '.join(profiles)}."
        raise UserError([Fault("--profile", f"{profile} is not in config/disclosure.yaml.", remedy)])
    known = profiles[profile]
    return {"threshold": int(known["min_cell_count"]), "base": int(known["rounding_base"])}


def keys_of(file: Path, column: str) -> frozenset[str]:
    """Keys of the persons of a trial list (Parquet or CSV).

    Raises
    ------
    UserError
        The file cannot be read, or has no such column.
    """
    content = _content(file) if file.suffix in (".csv", ".parquet") else Content()
    heads = content.grids[0].heads if content.grids else ()
    if column not in heads:
        has = f" It has: {', '.join(heads)}." if heads else ""
        what = f"has no column '{column}'." if heads else "is no CSV or Parquet that can be read."
        raise UserError([Fault(str(file), f"{what}{has}", "Name the column of the persons' keys with --key.")])
    at = heads.index(column)
    return frozenset(row[at].strip() for row in content.grids[0].rows) - {""}
