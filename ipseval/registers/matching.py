"""What of the trial stands in which file, whether its keys can be told apart there, and what nothing reads."""

import re
from collections.abc import Sequence

import numpy as np
import pandas as pd

from ipseval.registers.extracts import PRESENT, Part
from ipseval.registers.findings import Findings, Matched, listed
from ipseval.registers.keys import inexact
from ipseval.registers.opening import Opened

MOST_BYTES = 10**8  # of a delivery whose unread columns are counted while the others are read
FAMILY = 3  # names of unread columns that differ in digits only stand as one when there are more
BESIDE = 3  # files before and after that a file is compared with
MIN_PERSONS, THIN = (
    10,
    1 / 3,
)  # the files beside it hold so many persons at least, of which it has less than such a share


def unused_columns(this: Opened) -> list[str]:
    """Names of delivered columns that nothing reads, in the order of the files."""
    used = {name for names in this.columns.values() for file in this.delivery.files for name in file.called(names)}
    return [name for name in this.delivery.columns if name not in used]


def counted_columns(this: Opened) -> Sequence[str]:
    """The unread columns whose values are counted: none of a large delivery, which would take longer to read."""
    n_bytes = sum(file.n_bytes for file in this.delivery.files)
    return unused_columns(this) if n_bytes <= MOST_BYTES else ()


def check(this: Opened, parts: Sequence[Part], person: pd.Series, file: np.ndarray, found: Findings) -> None:
    """Note what nothing reads and files that lack the trial's persons; count those that each file has.

    Parameters
    ----------
    this : Opened
    parts : sequence of Part
        As read, of the trial's persons.
    person, file : length n
        Canonical key, and number of the file, of each row.
    found : Findings
    """
    _list_unused(this, parts, found)
    rows = pd.DataFrame({"file": file, "person": person}).groupby("file")["person"]
    n_rows, n_persons = rows.size(), rows.nunique()
    numbers = range(len(this.delivery.files))
    for i, name in zip(numbers, this.delivery.names(numbers), strict=True):
        found.matched[name] = Matched(int(n_rows.get(i, 0)), int(n_persons.get(i, 0)))
    if this.extract.name != "trial":
        _note_thin(this, [int(n_persons.get(i, 0)) for i in numbers], found)


def _list_unused(this: Opened, parts: Sequence[Part], found: Findings) -> None:
    names, are_counted = unused_columns(this), bool(counted_columns(this))
    if not names:
        return
    kinds = {name: next(str(f.types[name]) for f in this.delivery.files if name in f.types) for name in names}
    columns = (
        [part.table[PRESENT + name] for part in parts if PRESENT + name in part.table.column_names] for name in names
    )
    counts = {
        name: sum(int(np.count_nonzero(c.to_numpy())) for c in own) if are_counted else None
        for name, own in zip(names, columns, strict=True)
    }
    told, rows = [], {}
    for family, members in _families(names).items():
        n = None if counts[members[0]] is None else sum(counts[m] or 0 for m in members)
        kind = kinds[members[0]] + (f", {len(members)} columns" if len(members) > 1 else "")
        rows[f"{family} ({kind})"] = n
        told.append(f"{family} ({kind}{'' if n is None else f', {n} value' + 's' * (n != 1)})")
    found.each(this.extract.name, "unused_column", rows, this.delivery.label, names=listed(told))


def _families(names: Sequence[str]) -> dict[str, list[str]]:
    """Names of many columns that differ in digits only are taken together under a pattern."""
    by_shape: dict[str, list[str]] = {}
    for name in names:
        by_shape.setdefault(re.sub(r"\d+", "*", name), []).append(name)
    found: dict[str, list[str]] = {}
    for shape, members in by_shape.items():
        found |= {shape: members} if len(members) > FAMILY else {name: [name] for name in members}
    return found


def _note_thin(this: Opened, n_persons: Sequence[int], found: Findings) -> None:
    """Note files with far fewer of the trial's persons than the files before and after them."""
    filled = [i for i, file in enumerate(this.delivery.files) if file.n_rows]
    thin = []
    for place, i in enumerate(filled):
        beside = [
            n_persons[j] for j in (*filled[max(place - BESIDE, 0) : place], *filled[place + 1 : place + 1 + BESIDE])
        ]
        if beside and np.median(beside) >= MIN_PERSONS and n_persons[i] < THIN * np.median(beside):
            thin.append(i)
    if thin:
        found.add(this.extract.name, "thin_file", listed(this.delivery.names(thin)), None, None, number=len(thin))


def check_exact(this: Opened, keys: pd.Index, found: Findings) -> bool:
    """Note keys of the trial that a file's type cannot tell from their neighbours; whether there are none."""
    files, n_worst = {}, 0
    for file in this.delivery.files:
        kind = file.types[file.column(this.columns["person_id"]) or ""]
        files[str(kind)] = kind
    for name, kind in sorted(files.items()):
        n = inexact(kind, keys)
        n_worst = max(n, n_worst)
        if n:
            words = {"label": this.delivery.label, "kind": name, "column": "person_id"}
            found.add(this.extract.name, "inexact_key", f"{n} of {len(keys)} keys", None, n, number=n, **words)
    return n_worst == 0
