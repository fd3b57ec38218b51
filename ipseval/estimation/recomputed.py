"""Results again, from the persons and the panel as they were written, by numpy and pandas alone.

Nothing here uses the estimation core: what it shares with it are the cohort's settings. Nothing here looks behind the
panel, so that a panel that is wrong from the start is for other checks to notice.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, cast

import numpy as np
import pandas as pd

from ipseval.config import Analysis, Cohort
from ipseval.estimation.arithmetic import n_off
from ipseval.estimation.design import ALL, DIFFERENCE, MEMBERS
from ipseval.estimation.invariants import Check, Written
from ipseval.estimation.second_engine import independent
from ipseval.panel import MONTH_COLUMN

SAMPLED_MONTHS = 12  # regressions month by month that are made again where persons are many
OF_RANDOMISATION = ("stratum", "block")  # categories whatever their codes look like; unknown is a level
LABELS = ("person_id", "centre", "arm", "randomised_on", "is_analysed", "died_on", "emigrated_on")


@dataclass(frozen=True)
class Source:
    """Analysed persons and the states of one outcome, n x months of the window, which begins with month ``first``."""

    people: pd.DataFrame
    states: np.ndarray
    first: int

    @cached_property
    def at(self) -> dict[str, np.ndarray]:
        """Who is in each centre, and in all; bool, length n."""
        return _members(self.people["centre"]) | {ALL: np.ones(len(self.people), bool)}

    @cached_property
    def of_arm(self) -> dict[str, np.ndarray]:
        """Who is in each arm; bool, length n."""
        return _members(self.people["arm"])

    @cached_property
    def nobody(self) -> np.ndarray:
        """False, length n."""
        return np.zeros(len(self.people), bool)


def _members(codes: pd.Series) -> dict[str, np.ndarray]:
    return {str(c): (codes == c).to_numpy(dtype=bool) for c in codes.unique()}


def _source(cohort: Cohort, written: Written, outcome: str) -> Source:
    people, panel = written["people"], written["panel"]
    people = people[people["is_analysed"].astype(bool)].reset_index(drop=True)
    rows = panel[panel["outcome"] == outcome].drop(columns="outcome")
    wide = people[["person_id"]].merge(rows, on="person_id", how="left", validate="one_to_one")
    states = wide[[MONTH_COLUMN.format(k) for k in cohort.window.months]].fillna(-1).to_numpy(dtype=int)
    before = states[:, : cohort.window.before]
    if (before >= 0).any():
        with np.errstate(invalid="ignore"):
            share = (before == 1).sum(axis=1) / (before >= 0).sum(axis=1)
        people = people.assign(share_employed_before=share)
    people = people.assign(centre=people["centre"].astype(str), arm=people["arm"].astype(str))
    return Source(people, states, -cohort.window.before)


def _is_category(column: pd.Series) -> bool:
    return column.name in OF_RANDOMISATION or not pd.api.types.is_numeric_dtype(column.dtype)


def _levels(people: pd.DataFrame, name: str) -> pd.Series:
    """The level of each person as text: whole numbers without decimals, unknown strata and blocks by that word."""
    texts = people[name].map(
        lambda v: str(int(v)) if isinstance(v, float) and v.is_integer() else str(v), na_action="ignore"
    )
    return texts.astype(object).where(texts.notna(), "unknown" if name in OF_RANDOMISATION else None)


# --- effects -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Window:
    """One regression: rows of persons that are in it, their states in its months, and whose side of a subgroup."""

    persons: np.ndarray
    states: np.ndarray
    months: np.ndarray
    member: np.ndarray | None


def _window(source: Source, analysis: Analysis, months: tuple[int, int], centre: str) -> _Window:
    """Persons with every covariate and an observed month."""
    people = source.people
    used = source.at.get(centre, source.nobody).copy()
    for name in analysis.adjust:
        if name in people and name not in (*LABELS, *OF_RANDOMISATION):
            used &= people[name].notna().to_numpy()
    member = None
    if analysis.subgroup:
        member = analysis.subgroup.members(people)
        used &= member.notna().to_numpy()
    columns = np.arange(months[0], months[1] + 1)
    states = source.states[:, columns - source.first]
    persons = np.flatnonzero(used & (states >= 0).any(axis=1))
    return _Window(persons, states[persons], columns, None if member is None else member.to_numpy()[persons] == 1)


def _counts(source: Source, window: _Window, row: Mapping[str, str]) -> dict[str, float]:
    """What a row counts, of whom it is about."""
    here = source.at.get(row["centre"], source.nobody)[window.persons].copy()
    if window.member is not None and row["subgroup"] != DIFFERENCE:
        here &= window.member == (row["subgroup"] == MEMBERS)
    counts: dict[str, float] = {"n_obs": int((window.states >= 0).sum())}
    of_both = np.zeros(len(here), bool)
    for side, arm in (("assigned", row["arm"]), ("control", row["reference_arm"])):
        own = here & source.of_arm.get(arm, source.nobody)[window.persons]
        states = window.states[own]
        n, k = int((states >= 0).sum()), int((states == 1).sum())
        counts |= {f"n_{side}": int(own.sum()), f"n_{side}_months": n, f"mean_{side}": k / n if n else np.nan}
        counts[f"n_{side}_ever"] = int((states == 1).any(axis=1).sum())
        of_both |= own
    seen = window.months[(window.states[of_both] >= 0).any(axis=0)]
    return counts | {"first_month": seen[0] if len(seen) else np.nan, "last_month": seen[-1] if len(seen) else np.nan}


def _groups(cohort: Cohort, effects: pd.DataFrame) -> Iterator[tuple[Analysis, tuple[int, int], str, pd.DataFrame]]:
    """Rows of each regression: analysis, months, the centre that it is within (or all)."""
    analyses = {a.name: a for a in cohort.analyses}
    centre = effects["centre"].astype(str)
    is_within = effects["analysis"].map({a.name: a.within is not None for a in cohort.analyses})
    effects = effects.assign(centre=centre, within=centre.where(is_within.astype(bool), ALL))
    for key, rows in effects.groupby(["analysis", "month_from", "month_to", "within"], sort=False):
        name, first, last, within = cast(tuple[str, int, int, str], key)
        yield analyses[name], (int(first), int(last)), within, rows


def effects_are_counted(cohort: Cohort, written: Written) -> Check:
    """Persons, months and means of every effect row, and the months in which somebody is observed."""
    sources = {outcome: _source(cohort, written, outcome) for outcome in cohort.analysed_outcomes}
    expected: dict[Any, dict[str, float]] = {}
    for analysis, months, within, rows in _groups(cohort, written["effects"]):
        source = sources[analysis.outcome]
        window = _window(source, analysis, months, within)
        known: dict[tuple[str, str, str], dict[str, float]] = {}
        cells = rows[["arm", "centre", "subgroup", "reference_arm"]].to_dict("records")
        for index, cell in zip(rows.index, cells, strict=True):
            key = cell["arm"], cell["centre"], cell["subgroup"]
            if key not in known:  # rows of several variances count the same
                known[key] = _counts(source, window, cast(dict[str, str], cell))
            expected[index] = known[key]
    table = pd.DataFrame.from_dict(expected, orient="index")
    found = written["effects"].loc[table.index].astype({"first_month": float, "last_month": float})
    wrong = n_off(found, table)
    detail = f"{len(found)} rows, {wrong} numbers differ"
    return Check("effects are counted from the panel", wrong == 0, detail)


def effects_are_recomputed(cohort: Cohort, written: Written) -> Check:
    """Effects month by month and within centres: least squares with a sandwich clustered on person (cr1)."""
    sources = {outcome: _source(cohort, written, outcome) for outcome in cohort.analysed_outcomes}
    most = cohort.verify["max_persons"]
    months = list(cohort.window.months)
    sampled = {months[i] for i in np.linspace(0, len(months) - 1, min(SAMPLED_MONTHS, len(months))).astype(int)}
    wrong, n, left_out = 0, 0, 0
    for analysis, span, within, rows in _groups(cohort, written["effects"]):
        if analysis.estimator != "ols" or analysis.subgroup or not (analysis.within or analysis.months == "each"):
            continue
        rows = rows[rows["status"] == "estimated"]
        if rows.empty:
            continue
        source = sources[analysis.outcome]
        if len(source.people) > most and (analysis.months != "each" or span[0] not in sampled):
            left_out += len(rows)
            continue
        found = _least_squares(cohort, source, analysis, _window(source, analysis, span, within))
        again = found.reindex(rows["arm"]).set_axis(rows.index)
        wrong += n_off(rows, again[["estimate"]])
        is_cr1 = rows["variance"] == "cr1"
        wrong += n_off(rows[is_cr1], again.loc[is_cr1, ["std_error"]])
        n += len(rows)
    detail = f"{n} effects, {wrong} numbers differ; {left_out} left out of more than {most} persons"
    return Check("effects by month and within centres are recomputed", wrong == 0, detail)


def _least_squares(cohort: Cohort, source: Source, analysis: Analysis, window: _Window) -> pd.DataFrame:
    """``estimate`` and ``std_error`` by arm: factor G/(G-1) (N-1)/(N-K), K the columns that are independent."""
    person, column = np.nonzero(window.states >= 0)
    y = window.states[person, column].astype(float)
    people = source.people.iloc[window.persons[person]].reset_index(drop=True)
    Z = independent(_columns(cohort, analysis, people, window.months[column]))
    norm = np.sqrt((Z**2).sum())
    Q, R = np.linalg.qr((Z / norm).to_numpy())
    coefficients = np.linalg.solve(R, Q.T @ y)
    residuals = y - Q @ (Q.T @ y)
    scores = pd.DataFrame(Q * residuals[:, None]).groupby(person).sum().to_numpy()
    G, N, K = len(scores), len(y), Z.shape[1]
    factor = G / (G - 1) * (N - 1) / (N - K) if G > 1 and N > K else np.nan
    half = np.linalg.solve(R, scores.T)
    table = pd.DataFrame({"estimate": coefficients, "std_error": np.sqrt(factor * (half**2).sum(axis=1))}, Z.columns)
    table = table.div(norm, axis=0)
    return table.reindex([f"assigned[{arm}]" for arm in cohort.arms.treatments]).set_axis(list(cohort.arms.treatments))


def _columns(cohort: Cohort, analysis: Analysis, people: pd.DataFrame, month: np.ndarray) -> pd.DataFrame:
    """Columns by person-month: assignment, covariates, every centre and period (collinear ones are left out later)."""
    groups: list[pd.Series] = [] if analysis.within else [people["centre"]]
    columns = {"intercept": np.ones(len(people))}
    for name in analysis.adjust:
        if name in people and name not in LABELS:
            if not _is_category(people[name]):
                columns[name] = people[name].to_numpy(dtype=float)
            else:
                levels = _levels(people, name)
                groups.append(people["centre"] + "/" + levels if name == "block" else levels)
    groups += [_periods(people, month, unit) for unit in analysis.time]
    for j, group in enumerate(groups):
        codes, found = pd.factorize(group)
        columns |= {f"group{j}_{k}": (codes == k).astype(float) for k in range(len(found))}
    arm = people["arm"].to_numpy()
    columns |= {f"assigned[{name}]": (arm == name).astype(float) for name in cohort.arms.treatments}
    return pd.DataFrame(columns)


def _periods(people: pd.DataFrame, month: np.ndarray, unit: str) -> pd.Series:
    """The period of each person-month, counted in the unit that an analysis names."""
    inclusion = people["randomised_on"].dt.year * 12 + people["randomised_on"].dt.month - 1
    periods = {
        "month_since_randomisation": pd.Series(month, people.index),
        "calendar_year": (inclusion + month) // 12,
        "calendar_month": (inclusion + month) % 12,
        "inclusion_year": inclusion // 12,
        "inclusion_month": inclusion % 12,
    }
    return periods[unit]


# --- descriptions ------------------------------------------------------------------------------


def _cells(people: pd.DataFrame, table: pd.DataFrame) -> dict[tuple[str, str], np.ndarray]:
    """Who is in each centre and arm that a table names; bool, length n."""
    found = {}
    for centre, arm in table[["centre", "arm"]].astype(str).drop_duplicates().itertuples(index=False):
        here = (people["centre"] == centre) | (centre == ALL)
        found[centre, arm] = (here & ((people["arm"] == arm) | (arm == ALL))).to_numpy()
    return found


def inclusion_is_counted(cohort: Cohort, written: Written) -> Check:
    """Randomised and analysed persons of each centre, and their share."""
    people, table = written["people"], written["inclusion"]
    people = people[people["arm"].isin(cohort.arms.all) & people["centre"].isin(list(cohort.centres))]
    rows = []
    for centre in table["centre"].astype(str):
        here = people[(people["centre"].astype(str) == centre) | (centre == ALL)]
        n, k = len(here), int(here["is_analysed"].sum())
        rows.append({"n_randomised": n, "n_analysed": k, "share": k / n if n else np.nan})
    wrong = n_off(table, pd.DataFrame(rows)) + int(len(table) != len(cohort.centres) + 1)
    return Check("inclusion is counted from the persons", wrong == 0, f"{len(table)} rows, {wrong} numbers differ")


def employment_is_counted(cohort: Cohort, written: Written) -> Check:
    """The curve of employment: persons, observed and employed of each centre, arm and month."""
    source, table = _source(cohort, written, cohort.outcome.primary), written["employment_by_month"]
    by_month = {}
    for (centre, arm), here in _cells(source.people, table).items():
        observed, employed = (source.states[here] >= 0).sum(axis=0), (source.states[here] == 1).sum(axis=0)
        for j, month in enumerate(cohort.window.months):
            n, k = int(observed[j]), int(employed[j])
            by_month[centre, arm, month] = (int(here.sum()), n, k, k / n if n else np.nan)
    keys = list(zip(table["centre"].astype(str), table["arm"].astype(str), table["month"], strict=True))
    numbers = ["n_persons", "n_observed", "n_employed", "share"]
    expected = pd.DataFrame([by_month.get(key, (np.nan,) * 4) for key in keys], columns=numbers)
    lacking = (len(cohort.centres) + 1) * len(cohort.arms.all) * len(cohort.window.months) - len(set(keys))
    wrong = n_off(table, expected) + abs(lacking)
    return Check("employment is counted from the panel", wrong == 0, f"{len(table)} rows, {wrong} numbers differ")


def subsidies_are_counted(cohort: Cohort, written: Written) -> Check:
    """Months with a wage subsidy, from the panel's states of wage subsidy (spells are not looked at)."""
    name, table = "wage subsidies are counted from the panel", written["wage_subsidy"]
    source = _source(cohort, written, "wage_subsidy")
    is_delivered = bool((written["panel"]["outcome"] == "wage_subsidy").any())
    first, last = cohort.describe["wage_subsidy_months"]
    months = np.array(cohort.window.months)
    states = source.states[:, (months >= first) & (months <= last)]
    rows = []
    cells = _cells(source.people, table)
    for key in zip(table["centre"].astype(str), table["arm"].astype(str), strict=True):
        own = states[cells[key]]
        n, k = int((own >= 0).sum()), int((own == 1).sum())
        numbers: dict[str, float] = {"n_persons": len(own)}
        numbers |= {"n_person_months": n, "n_subsidised": k, "share": k / n if n else np.nan}
        numbers["n_persons_subsidised"] = int((own == 1).any(axis=1).sum())
        rows.append(numbers if is_delivered else {c: v if c == "n_persons" else np.nan for c, v in numbers.items()})
    wrong = n_off(table, pd.DataFrame(rows))
    return Check(name, wrong == 0, f"{len(table)} rows, {wrong} numbers differ")


def balance_is_recomputed(cohort: Cohort, written: Written) -> Check:
    """n, missing, mean, standard deviation and standardised difference of each covariate by centre and arm."""
    source, table = _source(cohort, written, cohort.outcome.primary), written["balance"]
    people, cells, wrong = source.people, _cells(source.people, table), 0
    listed = table.assign(level=table["level"].fillna("").astype(str), centre=table["centre"].astype(str))
    for of_rows, rows in listed.groupby(["variable", "level"], sort=False):
        variable, level = map(str, cast(tuple[str, str], of_rows))
        values = people[variable] if not level else _is_level(people, variable, level)
        found = {key: values[here].astype(float) for key, here in cells.items()}
        expected = []
        for key in zip(rows["centre"], rows["arm"].astype(str), strict=True):
            own, base = found[key], found[key[0], cohort.arms.reference]
            root = np.sqrt((own.var() + base.var()) / 2)
            is_compared = key[1] != cohort.arms.reference and root > 0
            smd = (own.mean() - base.mean()) / root if is_compared else np.nan
            sizes = own.dropna().abs().sort_values(ascending=False)
            shares = [sizes.iloc[:k].sum() / sizes.sum() if sizes.sum() > 0 else np.nan for k in (1, 2)]
            expected.append((own.notna().sum(), own.isna().sum(), own.mean(), own.std(), smd, *shares))
        numbers = ["n", "n_missing", "mean", "sd", "smd", "share_largest", "share_two_largest"]
        wrong += n_off(rows, pd.DataFrame(expected, columns=numbers))
    return Check("balance is recomputed", wrong == 0, f"{len(table)} rows, {wrong} numbers differ")


def _is_level(people: pd.DataFrame, variable: str, level: str) -> pd.Series:
    """Whether persons have a level, written as itself or behind its centre; missing where the category is."""
    if f"{variable}[{level}]" in people:
        return people[f"{variable}[{level}]"]
    levels = _levels(people, variable)
    is_it = (levels == level) | (people["centre"] + "/" + levels == level)
    return is_it.astype(float).where(levels.notna())


RECOMPUTED = (
    effects_are_counted,
    effects_are_recomputed,
    inclusion_is_counted,
    employment_is_counted,
    subsidies_are_counted,
    balance_is_recomputed,
)
