"""The share assigned by centre and stratum, and which comparisons hold what differs in it."""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from ipseval.config import Cohort
from ipseval.registers.findings import Findings, listed
from ipseval.registers.named import LEFT_OUT

SHARES, UNEVEN = "share_assigned", "uneven_allocation"  # rules
LEVEL = 0.01  # of the test that shares are equal but for chance
MOST_ROWS = 40  # cells of an arm that quality.csv has a row for; of more those furthest from the whole
NO_STRATUM = "no stratum"
# What is compared within centre and stratum whatever the analyses adjust for; decision 14 and 53.
WITHIN = (
    *("time to a first job", "what is accumulated", "missing data and bounds", "the event study", "receipt"),
    "re-drawn assignment",
)


def check(trial: pd.DataFrame, cohort: Cohort, found: Findings) -> None:
    """Note the share of each cell that every treatment has, and whether it differs by more than chance.

    Parameters
    ----------
    trial : DataFrame
        ``centre``, ``arm`` and, where delivered, ``stratum``; checked.
    cohort : Cohort
    found : Findings
        Nothing is added where the trial list has faults, or one cell.
    """
    here = trial[trial["arm"].isin(cohort.arms.all) & trial["centre"].isin(list(cohort.centres))]
    if LEFT_OUT in here:
        here = here[here[LEFT_OUT] != 1]
    cell = cells(here)
    if found.faults or cell.nunique() < 2:
        return
    for arm in cohort.arms.treatments:
        counts = pd.DataFrame({"n": 1, "assigned": here["arm"] == arm}).groupby(cell, sort=False).sum()
        _tell_shares(arm, counts, found)
    _tell_uneven(here, cell, cohort, found)


def cells(trial: pd.DataFrame) -> pd.Series:
    """Name of each person's centre and stratum, in the order of the codes."""
    centre = trial["centre"].astype(str)
    if "stratum" not in trial:
        return centre.sort_values(kind="stable")
    return (centre + " / " + trial["stratum"].astype("string").fillna(NO_STRATUM).astype(str)).sort_values(
        kind="stable"
    )


def chance(group: pd.Series, arm: pd.Series, within: pd.Series | None = None) -> float:
    """P of Pearson's chi-square test that arms have the same shares in all groups (of each of ``within``).

    Parameters
    ----------
    group, arm : Series
    within : Series, optional
        Statistics and degrees of freedom are added up over these.
    """
    from scipy.special import chdtrc  # scipy.stats takes a second to be read

    statistic, df = 0.0, 0
    for _, rows in pd.DataFrame({"g": group, "a": arm}).groupby(within if within is not None else np.zeros(len(group))):
        table = pd.crosstab(rows["g"], rows["a"]).to_numpy(dtype=float)
        if min(table.shape) < 2:
            continue
        expected = table.sum(1, keepdims=True) * table.sum(0, keepdims=True) / table.sum()
        statistic += float(((table - expected) ** 2 / expected).sum())
        df += (table.shape[0] - 1) * (table.shape[1] - 1)
    return float(chdtrc(df, statistic)) if df else 1.0


def _tell_shares(arm: str, counts: pd.DataFrame, found: Findings) -> None:
    """A row a cell: persons in it, and those of them who were assigned."""
    share = counts["assigned"] / counts["n"]
    whole = counts["assigned"].sum() / counts["n"].sum()
    told = [f"{_percent(s)} in {name}" for name, s in share.items()]
    subject = f"{counts['assigned'].sum()} of {counts['n'].sum()} persons"
    n = int(counts["assigned"].sum())
    found.add("trial", SHARES, subject, None, None, number=n, arm=arm, shares=listed(told), column="")
    row = found.rows.pop()
    kept = share if len(share) <= MOST_ROWS else share.loc[(share - whole).abs().nlargest(MOST_ROWS).index]
    for name in kept.index:
        own = {
            "column": f"{arm} in {name}",
            "n_rows": int(counts["n"][name]),
            "n_persons": int(counts["assigned"][name]),
        }
        found.rows.append(row | own)


def _tell_uneven(trial: pd.DataFrame, cell: pd.Series, cohort: Cohort, found: Findings) -> None:
    """A warning where shares differ by more than chance, with what compares within the cells and what does not."""
    by_stratum = "stratum" in trial and chance(cell, trial["arm"], trial["centre"].astype(str)) < LEVEL
    if not by_stratum and chance(trial["centre"], trial["arm"]) >= LEVEL:
        return
    compared = "; ".join(_compared(cohort, by_stratum))
    where = "centres and strata" if by_stratum else "centres"
    found.add("trial", UNEVEN, "The share assigned", None, None, number=1, where=where, compared=compared)


def _compared(cohort: Cohort, by_stratum: bool) -> Iterator[str]:
    if not by_stratum:
        yield "every analysis compares within centres"
        return
    held = [*WITHIN, *cohort.asked_strata]
    yield f"within centre and stratum are compared: {', '.join(held)}"
    yield "every other analysis holds the centre alone: name stratum under adjust of one of your own"


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"
