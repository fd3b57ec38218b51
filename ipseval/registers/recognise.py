"""Which files of a folder are which extract, and which of their columns are ours: guesses, for `ipseval init`."""

import difflib
import glob
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Any

from ipseval.contracts import EXTRACTS, Column, Extract
from ipseval.registers.delivered import Delivery, describe, folded
from ipseval.registers.files import HIVE, every_parquet, locate
from ipseval.registers.layouts import LAYOUTS, Layout
from ipseval.registers.row_periods import MONTH_COLUMN, YEAR_COLUMN, Period, by_file
from ipseval.settings import ROOT, presets, read_yaml

SYNONYMS_FILE = ROOT / "config" / "synonyms.yaml"
PREFIX = re.compile(r"^w\d+_\d+_")  # of a delivery of Statistics Norway
LETTERS = {"ø": "oe", "æ": "ae", "å": "aa"}
NEAR, LEAST_LETTERS = 0.85, 5  # likeness of a name that is only near, and how long it has to be
WORTH = {"same": 1.0, "register": 1.0, "synonym": 0.9, "near": 0.5}
NAME_WORTH, MISSING_COST, WEEKS_WORTH, REGISTER_WORTH = 3.0, 2.0, 2.0, 0.1
LEAST_USUAL = 2  # names of a register, beside the key, by which it is known
PERIOD_WORTH = 0.3  # of days of a job beside the month of the row: they are cut to it
_NAMES = [{column.name for column in extract.columns} for extract in EXTRACTS.values()]
OPTIONS: tuple[dict[str, str], ...] = ({"period": "month"}, {"period": "year"})  # where a layout needs one
SHARED = {name for names in _NAMES for name in names if sum(name in others for others in _NAMES) > 1}


@dataclass(frozen=True)
class Match:
    """Names that a column has in the files, and how they were found, a key of ``WORTH``."""

    names: tuple[str, ...]
    how: str


@dataclass(frozen=True)
class Guess:
    """Files that may be an extract.

    Parameters
    ----------
    extract : Extract
    delivery : Delivery
    layout : str
        A layout, or a register of config/layouts.yaml.
    options : dict
        Options of the layout; a register has its own.
    contract : tuple of Column
    columns : dict
        Our column -> the delivered one.
    missing : tuple of str
        Needed columns that were not found.
    score : float
        The higher, the likelier.
    """

    extract: Extract
    delivery: Delivery
    layout: str
    options: dict[str, str]
    contract: tuple[Column, ...]
    columns: dict[str, Match]
    missing: tuple[str, ...]
    score: float

    @property
    def pattern(self) -> str | None:
        """How a cohort file names the files; None when they have the name of the extract, or of the register."""
        usual = presets().get(self.layout, {}).get("files", ())
        own = locate(self.delivery.folder, self.extract.name, usual)
        return None if own == [file.path for file in self.delivery.files] else self.delivery.pattern

    @property
    def months(self) -> tuple[str, str]:
        """First and last month that its register speaks of (YYYY-MM); empty where the registry names none."""
        preset = presets().get(self.layout, {})
        return preset.get("observed_from", ""), preset.get("observed_until", "")

    @property
    def in_names(self) -> Period | None:
        """Months, or the years of a register by year, that the names of all files hold."""
        column = YEAR_COLUMN if presets().get(self.layout, {}).get("period") == "year" else MONTH_COLUMN
        return by_file(column, self.delivery.names(range(len(self.delivery.files))))


@cache
def synonyms() -> dict[str, Any]:
    """config/synonyms.yaml."""
    return read_yaml(SYNONYMS_FILE)


def plain(name: str) -> str:
    """A name as synonyms spell it."""
    text = "".join(LETTERS.get(letter, letter) for letter in name.lower())
    return PREFIX.sub("", re.sub(r"\W+", "_", text)).strip("_")


def families(folder: Path) -> list[Delivery]:
    """Files of a folder whose names differ in digits only are taken together; sorted, nearest first."""
    found: dict[str, list[str]] = {}
    for path in (p.relative_to(folder) for p in every_parquet(folder)):
        table = _partitioned(path)
        digitless = re.sub(r"\d+", "*", path.name)
        family = (path.parent / digitless).as_posix() if table is None else table
        found.setdefault(family, []).append(path.as_posix())
    opened = []
    for names in found.values():
        if delivery := describe(folder, names[0], locate(folder, names[0], (pattern := _pattern(names),)), pattern):
            opened.append(delivery)
    return sorted(opened, key=lambda d: (d.pattern.count("/"), d.pattern))


def _partitioned(path: Path) -> str | None:
    """The folder whose folders are named for the values of a column (``jobs`` of ``jobs/year=2015/part-0.parquet``)."""
    parents = path.parts[:-1]
    first = next((i for i, part in enumerate(parents) if HIVE.fullmatch(part)), None)
    return PurePosixPath(*parents[:first]).as_posix() if first else None


def _pattern(names: Sequence[str]) -> str:
    """How a cohort file names a family of files."""
    if table := _partitioned(Path(names[0])):
        return glob.escape(table)
    parent, name = PurePosixPath(names[0]).parent, PurePosixPath(names[0]).name
    several = "*".join(map(glob.escape, re.split(r"\d+", name)))
    return glob.escape(names[0]) if len(names) == 1 else (Path(glob.escape(str(parent))) / several).as_posix()


def recognise(deliveries: Iterable[Delivery]) -> dict[str, tuple[Guess, ...]]:
    """The likeliest files of each extract; every file serves one extract at most.

    Files of two registers are one extract where config/layouts.yaml says that the one ends before the other begins:
    the Aa-register until 2014 and a-ordningen from 2015. Their guesses are in the order of their months.
    """
    every = [guess for delivery in deliveries if delivery.files for guess in _guesses(delivery)]
    chosen: dict[str, tuple[Guess, ...]] = {}
    taken: set[str] = set()
    for guess in sorted(every, key=lambda g: -g.score):
        name, pattern = guess.extract.name, guess.delivery.pattern
        known = chosen.get(name, ())
        if pattern not in taken and all(_apart(guess, other) for other in known):
            parts = (*known, replace(guess, delivery=replace(guess.delivery, name=name)))
            chosen[name] = tuple(sorted(parts, key=lambda part: part.months[0]))
            taken.add(pattern)
    return {name: chosen[name] for name in EXTRACTS if name in chosen}


def has_trial(names: Iterable[str]) -> bool:
    """Whether columns are those of a trial list: a person, and two of centre, arm and day of randomisation."""
    found = match(EXTRACTS["trial"].columns, names, {})
    return "person_id" in found and len({"centre", "arm", "randomised_on"} & set(found)) >= LEAST_USUAL


def as_trial(delivery: Delivery) -> Guess:
    """Files that are known to be the trial list."""
    contract = EXTRACTS["trial"].columns
    columns = _in_all_files(contract, delivery, {})
    missing = tuple(c.name for c in contract if c.needed and c.name not in columns)
    return Guess(EXTRACTS["trial"], delivery, "spells", {}, contract, columns, missing, 0.0)


def _apart(one: Guess, other: Guess) -> bool:
    """Whether the registry says that one ends before the other begins."""
    (first, last), (start, end) = one.months, other.months
    return bool(last and start and last < start) or bool(end and first and end < first)


def _guesses(delivery: Delivery) -> Iterator[Guess]:
    for extract in EXTRACTS.values():
        known = (_guess(delivery, extract, *layout) for layout in _layouts(extract))
        yield from (guess for guess in known if guess is not None)


def _layouts(extract: Extract) -> Iterator[tuple[str, Layout, Mapping[str, Any]]]:
    """Layouts and registers that an extract may arrive in, with the options that columns can tell of."""
    for name, layout in LAYOUTS.items():
        codes_needed = layout.is_wide and extract.kind_column is not None and extract.kind_column.needed
        if layout.serves(extract) and not codes_needed:
            told = OPTIONS if layout.needed_options else ({},)
            yield from ((name, layout, options) for options in told if set(layout.needed_options) == set(options))
    for name, preset in presets().items():
        if extract.name in preset["extracts"]:
            yield name, LAYOUTS[preset["layout"]], preset


def _guess(delivery: Delivery, extract: Extract, name: str, layout: Layout, preset: Mapping[str, Any]) -> Guess | None:
    contract = layout.columns(extract, delivery.columns, preset)
    columns = _in_all_files(contract, delivery, preset.get("columns", {}))
    period = layout.period(preset)
    in_names = bool(period) and by_file(str(period), delivery.names(range(len(delivery.files)))) is not None
    missing = tuple(
        c.name for c in contract if c.needed and c.name not in columns and not (in_names and c.name == period)
    )
    is_named = _is_named(delivery, extract.name)
    is_own = layout.is_wide or any(c not in SHARED for c in columns) or in_names
    usual = [c for c, m in columns.items() if m.how == "register" and (c != "person_id" or layout.is_wide)]
    names = {c for c, theirs in preset.get("columns", {}).items() if c != "person_id" or layout.is_wide}
    is_known = len(usual) >= min(LEAST_USUAL, len(names)) > 0
    is_register = name in presets() and is_known and not _is_finer(preset, delivery)
    if "person_id" in missing or not (is_named or (is_own and not missing)) or (name in presets()) != is_register:
        return None
    worth = sum(WORTH[columns[c.name].how] * (1 if c.needed else 0.5) for c in contract if c.name in columns)
    worth = WEEKS_WORTH if layout.is_wide and not missing else worth
    is_monthly = period == MONTH_COLUMN and {"start_on", "end_on"} <= set(columns) and (in_names or period in columns)
    worth += PERIOD_WORTH * is_monthly
    score = worth + NAME_WORTH * is_named - MISSING_COST * len(missing) + REGISTER_WORTH * is_register
    options = {} if name in presets() else dict(preset)
    return Guess(extract, delivery, name, options, contract, columns, missing, score)


def _is_finer(preset: Mapping[str, Any], delivery: Delivery) -> bool:
    """Whether files are by month where a register has one a year."""
    names = delivery.names(range(len(delivery.files)))
    months = by_file(MONTH_COLUMN, names) if preset.get("period") == "year" else None
    return months is not None and len({str(m)[:4] for m in months.of_file.values()}) < len(months.of_file)


def _is_named(delivery: Delivery, extract: str) -> bool:
    name = plain(delivery.names([0])[0].removesuffix(".parquet"))
    return any(part in name for part in (extract, *synonyms()["files"].get(extract, ())))


def _in_all_files(contract: Iterable[Column], delivery: Delivery, usual: Mapping[str, Any]) -> dict[str, Match]:
    """Columns as :func:`match` finds them in each file, since names may change inside a family."""
    columns = tuple(contract)
    found: dict[str, Match] = {}
    for names in dict.fromkeys(tuple(file.types) for file in delivery.files):
        for ours, here in match(columns, names, usual).items():
            known = found.get(ours, Match((), here.how))
            how = min(known.how, here.how, key=WORTH.__getitem__)
            found[ours] = Match(tuple(dict.fromkeys((*known.names, *here.names))), how)
    return found


def match(contract: Iterable[Column], delivered: Iterable[str], usual: Mapping[str, Any]) -> dict[str, Match]:
    """Delivered columns under our names: first those of the same name, then the register's, synonyms, near names.

    Parameters
    ----------
    contract : iterable of Column
    delivered : iterable of str
    usual : mapping
        Our column -> the register's name or names, in which * stands for any text.
    """
    columns, free = list(contract), list(delivered)
    found: dict[str, Match] = {}
    for how, look in (
        ("same", _same),
        ("register", _register),
        ("synonym", _synonym),
        ("near", _by_parts),
        ("near", _near),
    ):
        for column in (c.name for c in columns if c.name not in found):
            theirs = look(column, free, usual)
            if theirs is not None:
                found[column] = Match((theirs,), how)
                free.remove(theirs)
    return found


def _same(column: str, free: list[str], usual: Mapping[str, Any]) -> str | None:
    alike = [name for name in free if folded(name) == column]
    return column if column in free else alike[0] if len(alike) == 1 else None


def _register(column: str, free: list[str], usual: Mapping[str, Any]) -> str | None:
    names = usual.get(column, [])
    patterns = [names] if isinstance(names, str) else names
    return next((n for pattern in patterns for n in free if fnmatchcase(folded(n), folded(pattern))), None)


def _synonym(column: str, free: list[str], usual: Mapping[str, Any]) -> str | None:
    known = [column, *synonyms()["columns"].get(column, ())]
    return next((name for other in known for name in free if plain(name) == other), None)


def _by_parts(column: str, free: list[str], usual: Mapping[str, Any]) -> str | None:
    """A name that holds all parts of one of the column's lists: ``dato_for_randomisering``."""
    lists = synonyms()["parts"].get(column, ())
    return next((name for parts in lists for name in free if all(part in plain(name) for part in parts)), None)


def _near(column: str, free: list[str], usual: Mapping[str, Any]) -> str | None:
    known = [name for name in (column, *synonyms()["columns"].get(column, ())) if len(name) >= LEAST_LETTERS]
    spelled = {plain(name): name for name in free if len(plain(name)) >= LEAST_LETTERS}
    near = (difflib.get_close_matches(name, spelled, n=1, cutoff=NEAR) for name in known)
    return next((spelled[names[0]] for names in near if names), None)
