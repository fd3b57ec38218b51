"""Calendar months of a delivery: missing among the others, or delivered in two files."""

from collections.abc import Iterable

import numpy as np
import pandas as pd

from ipseval import extracts
from ipseval.convert import convert
from ipseval.extracts import FILE
from ipseval.findings import Findings
from ipseval.reading import Opened, listed
from ipseval.rules import Known

MANY_ROWS = 10  # a month without a row is suspicious when the months beside it have so many
BESIDE = 3  # months with rows, before and after, that are looked at
SHARED = 1.5  # files are by month when the months, counted in each file that holds them, are at most so many times more


def check_months(this: Opened, known: Known, found: Findings) -> None:
    """Note months that are missing although the trial needs them, and months that stand in several files.

    Parameters
    ----------
    this : Opened
        A delivery with one row a calendar month (``year_month``).
    known : Known
    found : Findings
    """
    try:
        counted = _counted(this)
    except extracts.UnreadableError as error:
        found.add(this.extract.name, "unreadable", listed(error.names), None, None, number=len(error.names))
        return
    if counted.empty:
        return
    missing = _missing(counted.groupby("month")["n_rows"].sum(), known)
    if missing:
        names = listed(str(np.datetime64(month, "M")) for month in missing)
        words = {"label": this.delivery.label, "column": "year_month"}
        found.add(this.extract.name, "missing_month", names, None, None, number=len(missing), **words)
    doubled = _doubled(counted)
    if len(doubled):
        names = listed(this.delivery.names(sorted(set(doubled["file"]))))
        found.add(this.extract.name, "two_files_one_month", names, int(doubled["n_rows"].sum()), None)


def _counted(this: Opened) -> pd.DataFrame:
    """Rows by month (since 1970-01) and file, of the whole delivery."""
    parts = []
    for part in extracts.count_by(this.delivery, this.columns["year_month"]):
        month = convert(part.table["value"], "month").values.to_numpy().astype("datetime64[M]")
        rows = pd.DataFrame({"month": month.astype("int64"), "file": part.table[FILE], "n_rows": part.table["n_rows"]})
        parts.append(rows[~np.isnat(month)])
    return pd.concat(parts).groupby(["month", "file"], as_index=False)["n_rows"].sum()


def _missing(n_rows: pd.Series, known: Known) -> list[int]:
    """Months without rows beside months with many: between them, or where the trial's window still needs them."""
    randomised = known.randomised_on.dropna().to_numpy().astype("datetime64[M]").astype("int64")
    window = known.cohort.window
    needed = [int(randomised.min()) - window.before, int(randomised.max()) + window.after] if len(randomised) else []
    first, last = min([n_rows.index.min(), *needed]), max([n_rows.index.max(), *needed])
    bounds = known.cohort.observed_from, known.cohort.observed_until
    opens, closes = (None if b is None else int(np.datetime64(b, "M").astype("int64")) for b in bounds)
    months = range(first if opens is None else max(first, opens), (last if closes is None else min(last, closes)) + 1)
    return [month for month in months if month not in n_rows.index and _beside(n_rows, month) >= MANY_ROWS]


def _beside(n_rows: pd.Series, month: int) -> int:
    """Rows of the fullest of the nearest months, on the side that has fewer."""
    sides: Iterable[pd.Series] = (n_rows[n_rows.index < month][-BESIDE:], n_rows[n_rows.index > month][:BESIDE])
    return min(int(side.max()) for side in sides if len(side))


def _doubled(counted: pd.DataFrame) -> pd.DataFrame:
    """Months that stand in several files, where files are by month."""
    by_month = counted["file"].nunique() > 1 and (
        counted.groupby("file").size().max() == 1 or len(counted) <= SHARED * counted["month"].nunique()
    )
    return counted[counted["month"].duplicated(keep=False)] if by_month else counted[:0]
