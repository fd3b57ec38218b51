"""What of the trial stands in which file, whether its keys can be told apart there, and what nothing reads."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from ipseval.registers import unread
from ipseval.registers.extracts import Part
from ipseval.registers.findings import Findings, Matched, listed
from ipseval.registers.keys import inexact
from ipseval.registers.opening import Opened

BESIDE = 3  # files before and after that a file is compared with
MIN_PERSONS, THIN = (
    10,
    1 / 3,
)  # the files beside it hold so many persons at least, of which it has less than such a share


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
    names = unread.names(this.delivery, this.columns.values())
    if names:
        counts = unread.values(this.delivery, names, parts)
        told = unread.told(this.delivery, names, parts)
        found.each(this.extract.name, "unused_column", counts, this.delivery.label, names=listed(unread.worded(told)))


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
