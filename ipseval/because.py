"""Why months of the primary outcome are missing: counts by arm, centre and month, and what notes say of them."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from ipseval.panel import BECAUSE, REASONS, outcome_matrix

ALL = "all"
# Of what a spell or a month does not tell; that employment itself is not observed is what `n_obs` is about.
NOTES = {
    "weekly_hours": "left out: months of jobs whose hours are not known",
    "kind": "left out: months of jobs whose kind is not known",
    "wage_subsidy": "left out: months of jobs in which wage subsidies are not observed",
    "measure": "left out: months of wage subsidies whose kind is not known",
    "benefits": "left out: months in which benefits are not observed",
    "benefit": "left out: months of benefits whose kind is not known",
    "services": "left out: months in which services are not observed",
    "service": "left out: months of services whose kind is not known",
}


@dataclass(frozen=True)
class Because:
    """Reasons for which months of n persons are missing.

    Parameters
    ----------
    found : dict
        Reason -> bool array, n x months of the window; those that somebody has, in the order of ``REASONS``.
    first : int
        First month of the window.
    arm, centre : array of str, length n
    """

    found: Mapping[str, np.ndarray]
    first: int
    arm: np.ndarray
    centre: np.ndarray

    def of(self, reason: str) -> "Because":
        """One of the reasons alone."""
        return replace(self, found={name: rows for name, rows in self.found.items() if name == reason})

    def counts(self, months: tuple[int, int], arms: Collection[str], centre: str = ALL) -> dict[str, int]:
        """Person-months ``months[0]..months[1]`` of some arms that are missing, by reason; those that there are."""
        if not self.found:
            return {}
        here = np.isin(self.arm, list(arms)) & ((self.centre == centre) | (centre == ALL))
        span = slice(months[0] - self.first, months[1] - self.first + 1)
        sums = {name: int(rows[here, span].sum()) for name, rows in self.found.items()}
        return {name: n for name, n in sums.items() if n}

    def by_month(self, here: np.ndarray) -> list[str]:
        """Persons (bool, n) whose month is missing, by reason: :func:`told`, a text a month of the window."""
        sums = {name: rows[here].sum(axis=0) for name, rows in self.found.items()}
        n_months = next((len(of_month) for of_month in sums.values()), 0)
        return [told({name: int(n[k]) for name, n in sums.items() if n[k]}) for k in range(n_months)]


def because(panel: pd.DataFrame, people: pd.DataFrame, months: range) -> Because:
    """The reasons of some persons.

    Parameters
    ----------
    panel : DataFrame
        See :func:`ipseval.panel.panel`.
    people : DataFrame
        ``person_id``, ``arm``, ``centre``.
    months : range
        Of the window.
    """
    there, persons = set(panel["outcome"].unique()), pd.Index(people["person_id"])
    found = {
        name: outcome_matrix(panel, BECAUSE.format(name), persons, months) == 1
        for name in REASONS
        if BECAUSE.format(name) in there
    }
    found = {name: rows for name, rows in found.items() if rows.any()}
    return Because(found, months.start, people["arm"].to_numpy(), people["centre"].to_numpy())


def told(counts: Mapping[str, int]) -> str:
    """Counts by reason as a cell of a table: ``weekly_hours 3, outside 12``."""
    return ", ".join(f"{name} {n}" for name, n in counts.items())


def notes(counts: Mapping[str, int]) -> list[str]:
    """What notes say of reasons, without numbers."""
    return [NOTES[name] for name in counts if name in NOTES]


def annotated(table: pd.DataFrame, why: Because, rows: pd.Series) -> pd.DataFrame:
    """A table whose ``note`` names the reasons of each row's months and arms, in some of its rows (bool)."""
    found = table["note"].astype("string").fillna("").tolist()
    for i in np.flatnonzero(rows.to_numpy()) if why.found else ():
        row = table.iloc[i]
        arms = [arm for arm in (row["arm"], row["reference_arm"]) if isinstance(arm, str)]
        said = notes(why.counts((int(row["month_from"]), int(row["month_to"])), arms))
        found[i] = "; ".join(filter(None, [found[i], *said]))
    return table.assign(note=found)
