"""A second engine: the pooled regressions again, by statsmodels and linearmodels on the expanded panel.

Nothing here uses the estimation core or its design: columns are made row by row from what each term is.
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from ipseval.panel import MONTH_COLUMN
from ipseval.terms import COVARIATE, INTERCEPT, MODERATED, SUBGROUP, TIME, Parts

COLLINEAR = 1e-9  # share of a column's sum of squares that is left
STATSMODELS_TOLERANCE = 1e-8  # same normal equations, other arithmetic


def expanded(people: pd.DataFrame, panel: pd.DataFrame, outcome: str, months: range) -> pd.DataFrame:
    """Person-months with an observed outcome: one row each, with the person's columns and the calendar."""
    wide = panel[(panel["outcome"] == outcome) & panel["person_id"].isin(people["person_id"])]
    long = wide.melt("person_id", [MONTH_COLUMN.format(k) for k in months], "month", "y")
    long = long[long["y"] >= 0].assign(month=lambda rows: rows["month"].str.removeprefix("month_").astype(int))
    rows = long.merge(people, on="person_id", validate="many_to_one").sort_values(["person_id", "month"])
    inclusion = rows["randomised_on"].dt
    calendar = inclusion.year * 12 + inclusion.month - 1 + rows["month"]
    return rows.assign(
        y=rows["y"].astype(float),
        month_since_randomisation=rows["month"],
        calendar_year=calendar // 12,
        calendar_month=calendar % 12 + 1,
        inclusion_year=inclusion.year,
        inclusion_month=inclusion.month,
    ).reset_index(drop=True)


def columns(rows: pd.DataFrame, terms: Mapping[str, Parts]) -> pd.DataFrame:
    """One column per term, such as ``age``, ``centre[2]`` or ``assigned[ips]:centred[age]``."""
    return pd.DataFrame({text: _column(rows, parts) for text, parts in terms.items()})


def _column(rows: pd.DataFrame, term: Parts) -> pd.Series:
    """The column of a term; one that assignment moves is 0 but for persons of its arm."""
    if term.kind == INTERCEPT:
        return pd.Series(1.0, index=rows.index)
    if term.kind == COVARIATE:
        return _covariate(rows, term)
    if term.kind == TIME:
        return (rows[term.variable].astype(str) == term.level).astype(float)
    product = pd.Series(1.0, index=rows.index)
    if term.arm:
        product *= rows["arm"].astype(str) == term.arm
    centre = (rows["centre"].astype(str) == term.centre).astype(float)
    if term.kind == MODERATED:
        by = centre if term.centre else _covariate(rows, term)
        return product * (by - by.mean())
    if term.centre:
        product *= centre
    if term.kind == SUBGROUP:
        product *= rows[term.variable].astype(float)
    return product


def _covariate(rows: pd.DataFrame, term: Parts) -> pd.Series:
    """A number, or whether a category has the level of a term."""
    return _is_level(rows, term.variable, term.level) if term.level else rows[term.variable].astype(float)


def _is_level(rows: pd.DataFrame, variable: str, value: str) -> pd.Series:
    """Whether a category has a level; missing where the covariate is, save a stratum or block, whose lack is a level.

    Blocks that centres number alike, and strata in a standardised effect, are told apart as ``centre/block``.
    """
    codes = rows[variable].map(
        lambda found: str(int(found) if found.is_integer() else found) if isinstance(found, float) else str(found)
    )
    within = rows["centre"].astype(str) + "/" + codes == value
    is_it = (codes == value) | (within & (variable in ("stratum", "block")))
    if variable in ("stratum", "block"):
        place, _, level = value.rpartition("/")
        here = (rows["centre"].astype(str) == place) | (place == "")
        return (is_it | (rows[variable].isna() & here & (level == "unknown"))).astype(float)
    return is_it.astype(float).where(rows[variable].notna())


def independent(Z: pd.DataFrame) -> pd.DataFrame:
    """Columns that earlier ones do not explain, effects of assignment last: Gram-Schmidt on columns of length 1."""
    kept: list[str] = []
    basis = np.empty(Z.shape, order="F")
    for term in sorted(map(str, Z), key=lambda name: name.startswith("assigned[")):
        column = Z[term].to_numpy()
        left = column / max(np.linalg.norm(column), 1e-300)
        for _ in range(2):  # once more, for what rounding left
            left = left - basis[:, : len(kept)] @ (basis[:, : len(kept)].T @ left)
        if left @ left > COLLINEAR:
            basis[:, len(kept)] = left / np.linalg.norm(left)
            kept.append(term)
    return Z[kept]


def by_statsmodels(y: pd.Series, Z: pd.DataFrame, person: pd.Series) -> pd.DataFrame:
    """``estimate`` and ``std_error`` by term: OLS, clustered on person, G/(G-1) (N-1)/(N-K)."""
    from statsmodels.regression.linear_model import OLS

    groups = {"groups": pd.factorize(person)[0]}
    fitted = OLS(y.to_numpy(), Z.to_numpy()).fit(method="qr", cov_type="cluster", cov_kwds=groups)
    return pd.DataFrame({"estimate": fitted.params, "std_error": fitted.bse}, index=Z.columns)
