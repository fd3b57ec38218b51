"""Calendar months, or years, of a delivery: missing among the others, or delivered in two files."""

from collections.abc import Iterable

import numpy as np
import pandas as pd
import pyarrow as pa

from ipseval.registers import extracts
from ipseval.registers.cells import Written
from ipseval.registers.convert import convert
from ipseval.registers.extracts import FILE
from ipseval.registers.findings import Findings, listed
from ipseval.registers.opening import Opened
from ipseval.registers.row_periods import Period
from ipseval.registers.row_rules import Known

MANY_ROWS = 10  # a month without a row is suspicious when the months beside it have so many
BESIDE = 3  # months with rows, before and after, that are looked at
SHARED = 1.5  # files are by month when the months, counted in each file that holds them, are at most so many times more


def check_months(this: Opened, known: Known, found: Findings) -> None:
    """Note months (or years) that are missing although the trial needs them, and those that stand in several files.

    Parameters
    ----------
    this : Opened
        A delivery whose rows speak of a month or year each.
    known : Known
    found : Findings
    """
    period = this.period
    if period is None:
        return
    try:
        counted = _counted(this, period)
    except extracts.UnreadableError as error:
        found.add(this.extract.name, "unreadable", listed(error.names), None, None, number=len(error.names))
        return
    if counted.empty:
        return
    missing = _missing(counted.groupby("month")["n_rows"].sum(), this, period, known)
    if missing:
        names = listed(np.array(missing).astype(f"datetime64[{period.unit}]").astype(str))
        words = {"label": this.delivery.label, "column": period.column, "units": f"{period.word}s"}
        found.add(this.extract.name, "missing_month", names, None, None, number=len(missing), **words)
    doubled = _doubled(counted)
    if len(doubled):
        names = listed(this.delivery.names(sorted(set(doubled["file"]))))
        n_rows = int(doubled["n_rows"].sum())
        found.add(this.extract.name, "two_files_one_month", names, n_rows, None, unit=period.word)


def _counted(this: Opened, period: Period) -> pd.DataFrame:
    """Rows by month (or year, since 1970) and file, of the whole delivery."""
    if period.of_file:
        files = this.delivery.files
        named = [(int(moment.astype("int64")), i, files[i].n_rows) for i, moment in period.of_file.items()]
        return pd.DataFrame(named, columns=["month", "file", "n_rows"])
    parts = []
    for part in extracts.count_by(this.delivery, this.columns[period.column]):
        month = _moments(part.table["value"], period, this.source.written(period.column))
        rows = pd.DataFrame({"month": month.astype("int64"), "file": part.table[FILE], "n_rows": part.table["n_rows"]})
        parts.append(rows[~np.isnat(month)])
    return pd.concat(parts).groupby(["month", "file"], as_index=False)["n_rows"].sum()


def _moments(column: pa.ChunkedArray, period: Period, written: Written) -> np.ndarray:
    """Months or years as datetime64 of the period's unit."""
    if period.unit == "Y":
        return (
            (convert(column, "integer", written=written).values.astype(float) - 1970).to_numpy().astype("datetime64[Y]")
        )
    return convert(column, "month", written=written).values.to_numpy().astype("datetime64[M]")


def _missing(n_rows: pd.Series, this: Opened, period: Period, known: Known) -> list[int]:
    """Months without rows beside months with many: between them, or where the trial's window still needs them."""
    randomised = known.randomised_on.dropna().to_numpy().astype("datetime64[M]")
    window, unit = known.cohort.window, f"datetime64[{period.unit}]"
    needed = [randomised.min() - window.before, randomised.max() + window.after] if len(randomised) else []
    ends = [int(month.astype(unit).astype("int64")) for month in needed]
    bounds = (
        (known.cohort.observed_from, this.source.observed_from),
        (
            known.cohort.observed_until,
            this.source.observed_until,
        ),
    )
    opens, closes = ([int(np.datetime64(b, "M").astype(unit).astype("int64")) for b in two if b] for two in bounds)
    first = max([min([n_rows.index.min(), *ends]), *opens])
    last = min([max([n_rows.index.max(), *ends]), *closes])
    months = range(first, last + 1)
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
