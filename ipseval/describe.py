"""Stage describe: inclusion, balance, wage subsidies and employment by month, by centre and arm."""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from ipseval.because import because
from ipseval.cohort import ALL, cells
from ipseval.config import Cohort
from ipseval.panel import analysed_months, outcome_matrix
from ipseval.places.fidelity import fidelity_tables
from ipseval.places.organisation import organisation_table
from ipseval.places.timeline import timeline_tables
from ipseval.registers.categories import is_category, levels, levels_of, unit_of
from ipseval.registers.covariates import covariate_names

INCLUSION_COLUMNS = ["centre", "n_randomised", "n_analysed", "share"]
WAGE_SUBSIDY_COLUMNS = [
    "centre",
    "arm",
    "n_persons",
    "n_person_months",
    "n_subsidised",
    "share",
    "note",
    "n_persons_subsidised",
]
EMPLOYMENT_COLUMNS = ["centre", "arm", "month", "n_persons", "n_observed", "n_employed", "share", "because"]
BALANCE_COLUMNS = [
    *("variable", "level", "centre", "arm", "n", "n_missing", "mean", "sd", "smd"),
    *("share_largest", "share_two_largest", "unit"),
]
MOST_LEVELS = 20  # of a category that is listed by level: more are names of courses or wards, not a table


def describe(cohort: Cohort, people: pd.DataFrame, panel: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Tables of who was included and what happened, of the analysed persons.

    Parameters
    ----------
    cohort : Cohort
    people : DataFrame
        One row a randomised person.
    panel : DataFrame
        See :func:`ipseval.panel.panel`.

    Returns
    -------
    dict
        ``inclusion``, ``balance``, ``wage_subsidy``, ``employment_by_month``; shares are proportions.
        ``organisation`` of the centres, ``fidelity`` and ``fidelity_summary`` of their teams, ``timeline`` of their
        events, and ``exposure`` to them.
    """
    analysed, states = analysed_months(cohort, people, panel)
    return {
        "inclusion": _inclusion(cohort, people),
        "balance": _balance(cohort, analysed),
        "wage_subsidy": _wage_subsidy(cohort, analysed, panel),
        "employment_by_month": _employment_by_month(cohort, analysed, states, panel),
        "organisation": organisation_table(cohort),
        **fidelity_tables(cohort),
        **timeline_tables(cohort, analysed, states),
    }


def _share(part: int, whole: int) -> float:
    return part / whole if whole else np.nan


def _inclusion(cohort: Cohort, people: pd.DataFrame) -> pd.DataFrame:
    randomised = people[people["arm"].isin(cohort.arms.all) & people["centre"].isin(list(cohort.centres))]
    rows = []
    for centre in (*cohort.centres, ALL):
        here = randomised[(randomised["centre"] == centre) | (centre == ALL)]
        n = int(here["is_analysed"].sum())
        rows.append((centre, len(here), n, _share(n, len(here))))
    return pd.DataFrame(rows, columns=INCLUSION_COLUMNS)


def _wage_subsidy(cohort: Cohort, people: pd.DataFrame, panel: pd.DataFrame) -> pd.DataFrame:
    """Person-months with a wage subsidy over the months of ``describe.wage_subsidy_months``."""
    first, last = cohort.describe["wage_subsidy_months"]
    months = range(max(first, -cohort.window.before), min(last, cohort.window.after) + 1)
    rows: list[tuple] = []
    if not (panel["outcome"] == "wage_subsidy").any():
        empty = (None, None, np.nan, "wage_subsidy was not delivered", None)
        rows = [(centre, arm, int(here.sum()), *empty) for centre, arm, here in cells(cohort, people)]
        return pd.DataFrame(rows, columns=WAGE_SUBSIDY_COLUMNS)
    states = outcome_matrix(panel, "wage_subsidy", pd.Index(people["person_id"]), months)
    for centre, arm, here in cells(cohort, people):
        observed, subsidised = states[here] >= 0, states[here] == 1
        n, k = int(observed.sum()), int(subsidised.sum())
        rows.append((centre, arm, int(here.sum()), n, k, _share(k, n), "", int(subsidised.any(axis=1).sum())))
    return pd.DataFrame(rows, columns=WAGE_SUBSIDY_COLUMNS)


def _employment_by_month(cohort: Cohort, people: pd.DataFrame, states: np.ndarray, panel: pd.DataFrame) -> pd.DataFrame:
    """Persons observed and employed by month, and why the others are not observed."""
    rows, why = [], because(panel, people, cohort.window.months)
    for centre, arm, here in cells(cohort, people):
        observed, employed = (states[here] >= 0).sum(axis=0), (states[here] == 1).sum(axis=0)
        reasons = why.by_month(here) or [""] * len(observed)
        for month, n, k, reason in zip(cohort.window.months, observed, employed, reasons, strict=True):
            rows.append((centre, arm, month, int(here.sum()), int(n), int(k), _share(k, n), reason))
    return pd.DataFrame(rows, columns=EMPLOYMENT_COLUMNS)


def _balance(cohort: Cohort, people: pd.DataFrame) -> pd.DataFrame:
    """Means and standard deviations of the covariates; standardised differences from the reference arm.

    The difference is divided by the root of the mean of the two arms' variances (Austin 2009, Stat Med 28:3083).
    There are no p-values: differences after randomisation are chance by design. The shares of the sum that the one
    and the two persons with the largest values hold are for the dominance rules of disclosure control.
    """
    rows = []
    for name, column in _listed_covariates(people):
        variable, _, level = name.removesuffix("]").partition("[")
        unit = unit_of(column)
        reference: dict[str, tuple[float, float]] = {}
        for centre, arm, here in cells(cohort, people):
            values = column[here]
            mean, sd = values.mean(), values.std()
            reference.setdefault(centre, (mean, sd))
            pooled = np.sqrt((sd**2 + reference[centre][1] ** 2) / 2)
            smd = (mean - reference[centre][0]) / pooled if arm != cohort.arms.reference and pooled > 0 else np.nan
            known = int(values.notna().sum())
            counts = (known, len(values) - known)
            rows.append((variable, level, centre, arm, *counts, mean, sd, smd, *_largest(values), unit))
    return pd.DataFrame(rows, columns=BALANCE_COLUMNS)


def _listed_covariates(people: pd.DataFrame) -> Iterator[tuple[str, pd.Series]]:
    """Columns of numbers, and one of 0 and 1 for each level of a category that does not have too many to be read."""
    for name in covariate_names(people):
        if not is_category(people[name]):
            yield name, people[name]
            continue
        found = levels_of(people, name)
        known = levels(found)
        for level in known if len(known) <= MOST_LEVELS else ():
            yield f"{name}[{level}]", (found == level).astype(float).where(found.notna())


def _largest(values: pd.Series) -> tuple[float, float]:
    """Shares of the sum of absolute values that the largest and the two largest hold; missing when there is no sum."""
    sizes = np.sort(values.dropna().abs().to_numpy(dtype=float))[::-1]
    total = sizes.sum()
    return (sizes[:1].sum() / total, sizes[:2].sum() / total) if total > 0 else (np.nan, np.nan)
