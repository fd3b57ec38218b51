"""What verify compares: the tables as they were written, or, of many persons, those of a drawn sample made again."""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from ipseval.bound import bound
from ipseval.clean import CLEAN, Tables
from ipseval.config import Cohort
from ipseval.describe import describe
from ipseval.estimate import estimate
from ipseval.follow import follow
from ipseval.placebo import placebo
from ipseval.randomise import randomise
from ipseval.receive import receive
from ipseval.recomputed.study import Study
from ipseval.synthesise import synthesise
from ipseval.vary import vary

DRAWS = 99  # of assignments and of the bootstrap, where tables are made again for a sample


@dataclass(frozen=True)
class Given:
    """What verify reads.

    Parameters
    ----------
    cohort : Cohort
    people, panel : DataFrame
    cleaned : dict
        Extract -> cleaned rows, or None.
    tables : dict
        Tables that are compared.
    is_sample : bool
        Whether persons are a sample and tables were made again for them.
    """

    cohort: Cohort
    people: pd.DataFrame
    panel: pd.DataFrame
    cleaned: dict[str, pd.DataFrame | None]
    tables: dict[str, pd.DataFrame]
    is_sample: bool = False


def given(cohort: Cohort, written: Tables) -> Given:
    """The tables as they were written, with persons, months and cleaned extracts."""
    cleaned = {name.removeprefix(CLEAN): table for name, table in written.items() if name.startswith(CLEAN)}
    tables = {name: table for name, table in written.items() if table is not None and not name.startswith(CLEAN)}
    people, panel = tables.pop("people"), tables.pop("panel")
    return Given(cohort, people, panel, cleaned, tables)


def of_some(whole: Given, most: int) -> Given:
    """The same for at most so many persons: all of them, or some that are evenly spread and tables made for them.

    Of a sample assignment is drawn again 99 times, and so is the bootstrap.
    """
    n = int(whole.people["is_analysed"].sum())
    if n <= most:
        return whole
    is_in = whole.people["is_analysed"].to_numpy(dtype=bool)
    chosen = np.flatnonzero(is_in)[np.unique(np.linspace(0, n - 1, most).astype(int))]
    people = whole.people.iloc[chosen].reset_index(drop=True)
    keys = set(people["person_id"])
    panel = whole.panel[whole.panel["person_id"].isin(keys)].reset_index(drop=True)
    cleaned = {
        e: t if t is None else t[t["person_id"].isin(keys)].reset_index(drop=True) for e, t in whole.cleaned.items()
    }
    cohort = replace(
        whole.cohort,
        randomisation=replace(whole.cohort.randomisation, draws=DRAWS),
        bound=replace(whole.cohort.bound, draws=DRAWS),
    )
    return Given(cohort, people, panel, cleaned, _made(cohort, people, panel, cleaned), is_sample=True)


def _made(
    cohort: Cohort, people: pd.DataFrame, panel: pd.DataFrame, cleaned: dict[str, pd.DataFrame | None]
) -> dict[str, pd.DataFrame]:
    """Every table of these persons, as the stages make it."""
    employment = cleaned["employment"]
    if employment is None:
        raise KeyError("employment")
    made = describe(cohort, people, panel) | estimate(cohort, people, panel)
    made |= randomise(cohort, people, panel, made["effects"]) | synthesise(cohort, people, panel, made["effects"])
    services = cleaned["services"]
    made |= follow(cohort, people, panel, employment, services) | receive(cohort, people, panel, services)
    return made | placebo(cohort, people, panel) | bound(cohort, people, panel) | vary(cohort, people, cleaned)


Months = tuple[dict[str, np.ndarray], np.ndarray]  # values by outcome, and why the primary one is missing


def study_of(given: Given, made: Months | None = None) -> Study:
    """The analysed persons with their months, those of the panel unless others are given."""
    if made is None:
        months = [f"month_{k}" for k in given.cohort.window.months]
        by_outcome = {str(name): rows.set_index("person_id")[months] for name, rows in given.panel.groupby("outcome")}
        states = {
            name: rows.reindex(given.people["person_id"]).fillna(-1).to_numpy(dtype=np.int8)
            for name, rows in by_outcome.items()
        }
        why = np.full((len(given.people), len(months)), "", object)
        for name in [name for name in states if name.startswith("missing[")]:
            why[states.pop(name) == 1] = name.removeprefix("missing[").removesuffix("]")
        made = states, why
    return Study.of(given.cohort, given.people, *made)
