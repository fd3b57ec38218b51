"""The analysis results dataset: every released number as a row of its own (CDISC ARD, in the columns of R cards)."""

from collections.abc import Mapping

import pandas as pd

from ipseval.config import Cohort
from ipseval.disclosure.released import LABELS, TEXTS
from ipseval.settings import COLUMNS_FILE, read_yaml
from ipseval.words import HIDDEN_SIGN

COLUMNS = [
    *("group1", "group1_level", "group2", "group2_level", "variable", "variable_level", "context", "analysis"),
    *("month_from", "month_to", "stat_name", "stat_label", "stat", "unit", "status", "row"),
]
OF_DRAWS = {"draws", "seed"}  # numbers that are no results
SHOWN, HIDDEN = "shown", "hidden"
LEVEL = "level"
OF_ROW = (
    "variable",
    "term",
    "outcome",
    "measure",
    "part",
    "characteristic",
)  # the first that a table has says what a row is of


def long_form(cohort: Cohort, tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Released tables in long form.

    Parameters
    ----------
    cohort : Cohort
        Of several variances of an effect the primary one is taken.
    tables : mapping
        Released tables, with ``:`` for a hidden number.

    Returns
    -------
    DataFrame
        One row a number: ``group1`` is the arm and ``group2`` the centre with their levels, ``variable`` the covariate,
        term or outcome, ``context`` the table of ``data/``, ``row`` the row of it (the first below the heads is 1);
        ``stat`` is empty where ``status`` is ``hidden``.
    """
    known = read_yaml(COLUMNS_FILE)["columns"]
    parts = [_long(name, _primary(table, cohort), known) for name, table in tables.items()]
    return pd.concat([part for part in parts if len(part)], ignore_index=True)[COLUMNS]


def _primary(table: pd.DataFrame, cohort: Cohort) -> pd.DataFrame:
    """Without rows of another variance, where an analysis has the primary one."""
    if "variance" not in table:
        return table
    which = table["analysis"] if "analysis" in table else pd.Series("", table.index)
    has = which.isin(which[table["variance"] == cohort.estimation.primary])
    others = set(cohort.estimation.variances) - {cohort.estimation.primary}
    return table[~(has & table["variance"].isin(others))]


def _long(name: str, table: pd.DataFrame, known: Mapping[str, list]) -> pd.DataFrame:
    numbers = [c for c in table.columns if c not in LABELS | TEXTS | OF_DRAWS]
    cells = table[numbers].astype(object).reset_index(names="row").melt("row", var_name="stat_name", value_name="stat")
    cells = cells[cells["stat"].notna()].sort_values("row", kind="stable").reset_index(drop=True)
    labels = {column: table[column].loc[cells["row"]].reset_index(drop=True) for column in table if column in LABELS}
    none = pd.Series([None] * len(cells), dtype=object)
    is_hidden = cells["stat"] == HIDDEN_SIGN
    titles, units = ({c: known.get(c, [None, None, c])[i] for c in numbers} for i in (2, 1))
    return pd.DataFrame(
        {
            "group1": "arm" if "arm" in labels else None,
            "group1_level": labels.get("arm", none),
            "group2": "centre" if "centre" in labels else None,
            "group2_level": labels.get("centre", none),
            "variable": next((labels[c] for c in OF_ROW if c in labels), none),
            "variable_level": labels.get(LEVEL, none),
            "context": name,
            "analysis": labels.get("analysis", none),
            "month_from": labels.get("month_from", labels.get("month", none)),
            "month_to": labels.get("month_to", labels.get("month", none)),
            "stat_name": cells["stat_name"],
            "stat_label": cells["stat_name"].map(titles),
            "stat": cells["stat"].mask(is_hidden, None),
            "unit": cells["stat_name"].map(units),
            "status": is_hidden.map({True: HIDDEN, False: SHOWN}),
            "row": cells["row"] + 1,
        }
    )
