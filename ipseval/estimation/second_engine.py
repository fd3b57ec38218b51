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
LINEARMODELS_TOLERANCE = 1e-6  # as docs/methods.md section 5 sets it


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


def by_linearmodels(y: pd.Series, Z: pd.DataFrame, person: pd.Series, month: pd.Series) -> pd.DataFrame:
    """The same by PooledOLS: ``group_debias`` is G/(G-1) (N-1)/N, ``debiased`` is N/(N-K); their product is ours."""
    from linearmodels.panel import PooledOLS

    index = pd.MultiIndex.from_arrays([pd.factorize(person)[0], month])
    fitted = PooledOLS(y.set_axis(index), Z.set_axis(index)).fit(
        cov_type="clustered", cluster_entity=True, group_debias=True, debiased=True
    )
    return pd.DataFrame({"estimate": fitted.params, "std_error": fitted.std_errors})


def event_study(
    rows: pd.DataFrame, spans: list[tuple[int, int]], arms: tuple[str, ...], strata: list[str]
) -> pd.DataFrame:
    """``estimate`` and ``std_error`` by arm and first month of a period: least squares on person-months.

    What the effects of persons and of each stratum's periods explain is taken out row by row; what is left goes to
    linearmodels' PooledOLS, whose factor counts its own columns only.

    Parameters
    ----------
    rows : DataFrame
        See :func:`expanded`.
    spans : list of (int, int)
        First and last month of each period; the one that ends with month -1 is the base.
    arms : tuple of str
        The treatments.
    strata : list of str
        Columns whose combinations have period effects of their own; none: all persons together.
    """
    starts = [first for first, _ in spans]
    period = np.searchsorted(starts, rows["month"].to_numpy(), side="right") - 1
    twice = pd.Series(period, rows.index).groupby(rows["person_id"]).transform("nunique") > 1
    rows, period = rows[twice], period[twice.to_numpy()]
    own = {f"period[{first}]": period == p for p, (first, last) in enumerate(spans) if last != -1}
    treated = {
        f"assigned[{arm}]:{first}": own[f"period[{first}]"] & (rows["arm"] == arm).to_numpy()
        for first, last in spans
        for arm in arms
        if last != -1
    }
    whole = pd.DataFrame({"y": rows["y"], **own, **treated}, rows.index).astype(float)
    whole = whole - whole.groupby(rows["person_id"]).transform("mean")
    left, n_taken_out = _without(whole, list(own), rows[strata].astype(str).agg("|".join, axis=1) if strata else None)
    share = (left[list(treated)] ** 2).sum() / (whole[list(treated)] ** 2).sum()
    Z = left[[t for t in treated if share[t] > COLLINEAR]]
    Z = Z[list(independent(Z))]
    found = by_linearmodels(left["y"], Z, rows["person_id"], rows["month"])
    N, K = len(rows), Z.shape[1]
    return found.assign(std_error=found["std_error"] * np.sqrt((N - K) / (N - K - n_taken_out)))


def _without(whole: pd.DataFrame, names: list[str], stratum: pd.Series | None) -> tuple[pd.DataFrame, int]:
    """The other columns less what ``names`` explain of them in each stratum, and how many columns explain it."""
    parts, rank = [], 0
    groups = [whole] if stratum is None else [own for _, own in whole.groupby(stratum)]
    for own in groups:
        D, rest = own[names].to_numpy(), own.drop(columns=names)
        coefficients, _, n_columns, _ = np.linalg.lstsq(D, rest.to_numpy(), rcond=None)
        parts.append(rest - D @ coefficients)
        rank += int(n_columns)
    return pd.concat(parts).reindex(whole.index), rank
