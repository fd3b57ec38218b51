"""What differs between the results of two runs of one cohort: every number of their tables, row by row.

Only tables of counts and estimates are read (``TABLES``), never ``person/``. Pages and figures are made from the
tables: of them it is said which differ, and no more.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import pandas as pd

from ipseval import store
from ipseval.causes import Cause, causes
from ipseval.errors import Fault, UserError
from ipseval.headline import Headline, headlines

TABLES = ("review", "release/data")  # folders whose CSV files are compared number by number
OTHER = ("review", "release")  # folders whose other files are compared as a whole
NOT_COMPARED = ("cohort",)  # a changed copy of a cohort has another name
ORDINAL = "row"
# What tells the rows of a table apart, the most general first; a column that does not is left out of the key.
KEYS = (
    *("table", "about", "method", "measure", "analysis", "step", "extract", "file", "rule", "column", "service"),
    *("variable", "level", "term", "outcome", "subgroup", "centre", "arm", "month", "month_from", "month_to"),
    *("weighting", "variance", "month_rule", "min_weekly_hours", "exclude_wage_subsidy", "time", "adjustment"),
)


@dataclass(frozen=True)
class Moved:
    """One value that differs.

    Parameters
    ----------
    file : str
        Relative to the folder of the cohort's results.
    row : dict
        What tells the row from the others of its table.
    column, before, after : str
    size : float
        |after - before| / max(1, |before|, |after|): of shares and effects the difference, of counts the relative
        one. Infinite where one of the two is no number.
    """

    file: str
    row: dict[str, str]
    column: str
    before: str
    after: str
    size: float


@dataclass(frozen=True)
class Lone:
    """A cohort, file, column or row that only one of the two has.

    Parameters
    ----------
    kind : str
        ``cohort``, ``file``, ``column`` or ``row``.
    only_in : str
        ``before`` or ``after``.
    file : str
        Of a cohort, its name.
    row : dict
        What tells the row from the others; of a column, its name.
    """

    kind: str
    only_in: str
    file: str
    row: dict[str, str]


@dataclass(frozen=True)
class Difference:
    """All that differs between the results of two runs of one cohort.

    Parameters
    ----------
    cohort : str
    moved : tuple of Moved
        The largest first.
    lone : tuple of Lone
    pages : tuple of str
        Files that hold no table and differ; ``effects.parquet`` is one of them.
    causes : tuple of Cause
        What the two manifests record differently, and files that are not those of their manifest.
    headlines : tuple of Headline
        The headline effects in both.
    """

    cohort: str
    moved: tuple[Moved, ...]
    lone: tuple[Lone, ...]
    pages: tuple[str, ...] = ()
    causes: tuple[Cause, ...] = ()
    headlines: tuple[Headline, ...] = ()

    @property
    def is_same(self) -> bool:
        """Whether every table has the same rows and numbers."""
        return not (self.moved or self.lone)


def cohorts(folder: Path) -> dict[str, Path]:
    """Folders of results by cohort: the folder itself, named "", or those inside it; empty when there is none."""
    if _is_result(folder):
        return {"": folder}
    return {inner.name: inner for inner in sorted(folder.iterdir()) if inner.is_dir() and _is_result(inner)}


def _is_result(folder: Path) -> bool:
    return (folder / "manifest.json").is_file() or any((folder / name).is_dir() for name in TABLES)


def compare(before: Path, after: Path, tolerance: float) -> list[Difference]:
    """Compare two folders of results, or two folders of such folders.

    Parameters
    ----------
    before, after : Path
        Both of one cohort, or both of cohorts, which are then paired by name.
    tolerance : float
        The largest ``size`` (see :class:`Moved`) of a number that has not moved.

    Returns
    -------
    list of Difference
        One a cohort, sorted.

    Raises
    ------
    UserError
        A folder holds no results, only one of the two is a folder of cohorts, or a file cannot be read.
    """
    old, new = cohorts(before), cohorts(after)
    faults = [
        Fault(str(folder), "holds no results.", "Name results/<cohort>, or a folder of such folders.")
        for folder, found in ((before, old), (after, new))
        if not found
    ]
    if not faults and ("" in old) != ("" in new):
        one, several = (before, after) if "" in old else (after, before)
        what = f"holds the results of one cohort, {several} those of several."
        faults = [Fault(str(one), what, f"Name one of {several}, too: {', '.join(filter(None, old | new))}.")]
    if faults:
        raise UserError(faults)
    return [_cohort(name, old.get(name), new.get(name), tolerance) for name in sorted({*old, *new})]


def _cohort(name: str, before: Path | None, after: Path | None, tolerance: float) -> Difference:
    if before is None or after is None:
        return Difference(name, (), (Lone("cohort", "before" if before else "after", name, {}),))
    old, new = _files(before), _files(after)
    found: list[Moved | Lone] = [
        Lone("file", "before" if f in old else "after", f, {}) for f in sorted(set(old) ^ set(new))
    ]
    shared = [file for file in sorted(set(old) & set(new)) if store.checksum(old[file]) != store.checksum(new[file])]
    for file in filter(_is_table, shared):
        found += _table(file, _read(old[file]), _read(new[file]))
    moved = [m for m in found if isinstance(m, Moved) and m.size > tolerance]
    return Difference(
        name or after.resolve().name,
        tuple(sorted(moved, key=lambda m: (-m.size, m.file))),
        tuple(m for m in found if isinstance(m, Lone)),
        tuple(file for file in shared if not _is_table(file)),
        causes(before, after),
        headlines(before, after),
    )


def _files(folder: Path) -> dict[str, Path]:
    """Files of a cohort that are compared, by their place in its folder."""
    inside = chain.from_iterable((folder / name).rglob("*") for name in OTHER)
    return {file.relative_to(folder).as_posix(): file for file in inside if file.is_file()}


def _is_table(file: str) -> bool:
    return file.endswith(".csv") and file.rpartition("/")[0] in TABLES


def _read(file: Path) -> pd.DataFrame:
    """A table with every value as it is written."""
    try:
        return pd.read_csv(file, dtype="str", keep_default_na=False, na_filter=False)
    except (OSError, ValueError) as error:  # also of pandas: no columns, ragged rows, not UTF-8
        raise UserError([Fault(str(file), f"cannot be read ({type(error).__name__}).", "Make it again.")]) from None


def _table(file: str, before: pd.DataFrame, after: pd.DataFrame) -> Iterator[Moved | Lone]:
    """What differs between two tables, in the order of their rows."""
    for column in sorted({*before.columns} ^ {*after.columns}):
        yield Lone("column", "before" if column in before else "after", file, {"column": column})
    shared = [c for c in before.columns if c in after.columns and c not in NOT_COMPARED]
    keys = key_columns(before[shared], after[shared])
    old, new = _indexed(before[shared], keys), _indexed(after[shared], keys)
    for side, index in (("before", old.index.difference(new.index)), ("after", new.index.difference(old.index))):
        yield from (Lone("row", side, file, _row(keys, key)) for key in index)
    both = old.index.intersection(new.index, sort=False)
    for column in (c for c in shared if c not in keys):
        was, is_now = old.loc[both, column].to_numpy(), new.loc[both, column].to_numpy()
        for i in (was != is_now).nonzero()[0]:
            yield Moved(file, _row(keys, both[i]), column, was[i], is_now[i], size(was[i], is_now[i]))


def key_columns(before: pd.DataFrame, after: pd.DataFrame) -> list[str]:
    """Columns of ``KEYS`` that tell the rows of both tables apart, as few as that takes."""
    chosen: list[str] = []
    most = 1
    for name in (name for name in KEYS if name in before):
        n = max(len(frame[[*chosen, name]].drop_duplicates()) for frame in (before, after))
        if n > most:
            chosen, most = [*chosen, name], n
    return chosen


def _indexed(frame: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    """The table by its key; rows that share one are counted, in their order."""
    ordinal = frame.groupby(keys, sort=False).cumcount() if keys else pd.Series(range(len(frame)), frame.index)
    return frame.assign(**{ORDINAL: ordinal}).set_index([*keys, ORDINAL])


def _row(keys: list[str], key: tuple | int) -> dict[str, str]:
    *values, ordinal = key if isinstance(key, tuple) else (key,)
    return dict(zip(keys, values, strict=True)) | ({} if keys and not ordinal else {ORDINAL: str(ordinal + 1)})


def size(before: str, after: str) -> float:
    """How far a value moved (see :class:`Moved`)."""
    try:
        x, y = float(before), float(after)
    except ValueError:
        return math.inf
    moved = abs(y - x) / max(1, abs(x), abs(y))
    return moved if math.isfinite(moved) else math.inf
