"""The stage bound: effects against statsmodels on person-months, what is filled in against a loop over persons.

Tolerances: statsmodels' OLS 1e-9; counts are exact; trimming bounds 1e-12.
"""

import dataclasses
from collections.abc import Iterator
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy import stats

from cohorts import Recipe, random_cohort, write_cohort
from ipseval.bound import (
    BEST,
    COLUMNS,
    COMPLETE,
    INDICATOR,
    LOWER,
    NO_COVARIATE,
    NOTHING,
    OBSERVED,
    UNORDERED,
    UPPER,
    WORST,
    bound,
)
from ipseval.pipeline import measure
from ipseval.settings import read_cohort
from test_trimming import mean_after_trimming

COVARIATES = ["age", "female", "less_than_upper_secondary", "native_born"]
MONTHS = [2, 6]
RECIPES = {
    "covered": Recipe(n_persons=120, n_centres=3, after=8),
    "ended": Recipe(
        n_persons=150, n_centres=2, after=8, treatments=("ips", "ips_plus"), observed_until="2014-07",
        after_death="missing", after_emigration="missing", share_leaving=0.3,
    ),
    "weekly": Recipe(n_persons=100, n_centres=2, after=8, layout="weekly_wide", not_employed_at_randomisation=False),
    "known": Recipe(n_persons=90, n_centres=2, after=8, share_missing=0),
}  # fmt: skip


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Cohort, stages up to estimate and what bound makes, by recipe."""
    found = {}
    for name, recipe in RECIPES.items():
        random = random_cohort(recipe, seed=5)
        random.config["bound"] = {"months": MONTHS, "draws": 199}
        cohort = read_cohort(write_cohort(random, tmp_path_factory.mktemp(name)))
        stages = measure(cohort)
        given = stages["cohort"]["people"], stages["panel"]["panel"]
        found[name] = SimpleNamespace(
            cohort=cohort,
            given=given,
            effects=stages["estimate"]["effects"],
            table=bound(cohort, *given)["missing_data"],
        )
    return found


# --- a second computation, person-month by person-month ------------------------------------------


def person_months(one, impute: str = "attrition") -> pd.DataFrame:
    """One row an analysed person and month 0..after: the state, and whether it is bounded when it is missing."""
    people, panel = one.given
    states = panel[panel["outcome"] == "ordinary_employment"].set_index("person_id")
    until = one.cohort.observed_until and pd.Period(one.cohort.observed_until, "M")
    rows = []
    for person in people[people["is_analysed"]].to_dict("records"):
        for k in range(one.cohort.window.after + 1):
            calendar = pd.Period(person["randomised_on"], "M") + k
            state = states.loc[person["person_id"], f"month_{k}"]
            rows.append(person | {"k": k, "state": state, "calendar": calendar, "late": until and calendar > until})
    table = pd.DataFrame(rows)
    nobody = table.groupby("k")["state"].transform(lambda s: (s == -1).all())
    missing = table["state"] == -1
    table["gap"] = missing & ~(table["late"].astype(bool) | nobody) if impute == "attrition" else missing
    table["beyond"] = missing & ~table["gap"]
    return table


def by_statsmodels(one, rows: pd.DataFrame, y: pd.Series, adjust: dict[str, pd.Series]):
    """The pooled regression, clustered on person."""
    X = pd.DataFrame({name: values.astype(float) for name, values in adjust.items()}, index=rows.index)
    for name, values in (
        ("centre", rows["centre"]),
        ("year", rows["calendar"].map(lambda p: p.year)),
        ("month", rows["calendar"].map(lambda p: p.month)),
    ):
        X = X.join(pd.get_dummies(values, prefix=name, drop_first=True, dtype=float))
    for arm in one.cohort.arms.treatments:
        X[arm] = (rows["arm"] == arm).astype(float)
    kept = X.notna().all(axis=1) & y.notna()
    X, y = X[kept].loc[:, lambda f: f.std() > 0], y[kept]
    groups = rows.loc[kept, "person_id"].astype("category").cat.codes
    return sm.OLS(y, sm.add_constant(X)).fit(cov_type="cluster", cov_kwds={"groups": groups}), groups.nunique()


def compare(one, method: str, theirs, n_persons: int, table: pd.DataFrame | None = None) -> None:
    table = one.table if table is None else table
    rows = table[(table["method"] == method) & (table["variance"] == "cr1")].set_index("arm")
    assert rows.index.tolist() == list(one.cohort.arms.treatments)
    for arm, row in rows.iterrows():
        assert row["status"] == "estimated"
        np.testing.assert_allclose(
            [row["estimate"], row["std_error"]], [theirs.params[arm], theirs.bse[arm]], rtol=0, atol=1e-9
        )
        assert row["df"] == n_persons - 1
        reach = stats.t.ppf(0.975, n_persons - 1) * theirs.bse[arm]
        np.testing.assert_allclose([row["ci_low"], row["ci_high"]], theirs.params[arm] + np.array([-reach, reach]))


@pytest.mark.parametrize("name", ["covered", "ended"])
def test_complete_cases_and_indicators_are_those_of_statsmodels(made, name):
    """The constant in place of what is missing is another one here: it does not matter."""
    one = made[name]
    rows = person_months(one)
    y = rows["state"].where(rows["state"] >= 0).astype(float)
    compare(one, COMPLETE, *by_statsmodels(one, rows, y, {c: rows[c] for c in COVARIATES}))
    adjust = {c: rows[c].astype(float).fillna(-3.0) for c in COVARIATES}
    adjust |= {f"no {c}": rows[c].isna() for c in COVARIATES if rows[c].isna().any()}
    assert len(adjust) > len(COVARIATES)
    compare(one, INDICATOR, *by_statsmodels(one, rows, y, adjust))


@pytest.mark.parametrize("impute", ["attrition", "all"])
@pytest.mark.parametrize("name", ["ended", "weekly"])
def test_cases_are_statsmodels_on_filled_months(made, name, impute):
    one = made[name]
    cohort = dataclasses.replace(one.cohort, bound=dataclasses.replace(one.cohort.bound, impute=impute))
    table = bound(cohort, *one.given)["missing_data"]
    rows = person_months(one, impute)
    is_control = rows["arm"] == "control"
    known = rows["state"].where(rows["state"] >= 0).astype(float)
    cases = {
        OBSERVED: known,
        WORST: known.where(~rows["gap"], is_control.astype(float)),
        BEST: known.where(~rows["gap"], (~is_control).astype(float)),
    }
    found = {}
    for method, y in cases.items():
        compare(one, method, *by_statsmodels(one, rows, y, {c: rows[c] for c in ("age", "female")}), table)
        found[method] = table[table["method"] == method]
    assert (found[WORST]["estimate"].to_numpy() < found[OBSERVED]["estimate"].to_numpy()).all()
    assert (found[OBSERVED]["estimate"].to_numpy() < found[BEST]["estimate"].to_numpy()).all()
    for method, part in found.items():
        for row in part.to_dict("records"):
            for side, arm in (("assigned", row["arm"]), ("control", "control")):
                mine = rows[(rows["arm"] == arm) & rows[["age", "female"]].notna().all(axis=1)]
                n = mine.loc[cases[method][mine.index].notna(), "person_id"].nunique()
                assert row[f"n_{side}"] == n
                assert row[f"n_missing_{side}"] == mine.loc[mine["gap"], "person_id"].nunique()
                assert row[f"n_months_missing_{side}"] == mine["gap"].sum()
                assert row[f"n_months_outside_{side}"] == mine["beyond"].sum()
    assert rows["gap"].any()
    assert rows["beyond"].any() == (impute == "attrition")


def test_months_after_the_register_has_ended_are_no_attrition(made):
    rows = person_months(made["ended"])
    late = rows["late"].astype(bool)
    assert not rows.loc[late, "gap"].any() and rows.loc[late, "beyond"].all()
    weekly = person_months(made["weekly"])  # weeks are counted from month 1 on: nobody could be seen in month 0
    assert weekly.groupby("k")["beyond"].all().to_dict() == {k: k == 0 for k in range(9)}


@pytest.mark.parametrize("name", RECIPES)
def test_observed_months_are_the_pooled_effect(made, name):
    one = made[name]
    key, numbers = ["arm", "variance"], ["n_assigned", "n_control", "estimate", "std_error", "df", "ci_low", "ci_high"]
    ours = one.table[one.table["method"] == OBSERVED].set_index(key)[numbers]
    theirs = one.effects[one.effects["analysis"] == "pooled"].set_index(key)[numbers]
    pd.testing.assert_frame_equal(ours, theirs, check_exact=True)


def trimmed_by_hand(one) -> Iterator[tuple[pd.Series, pd.Series, float, float, float]]:
    """Bounds of each arm and month by trimming whole persons just short of and just above the share."""
    rows = person_months(one)
    for row in one.table[one.table["method"] == LOWER].to_dict("records"):
        month = rows[(rows["k"] == row["month_from"]) & ~rows["beyond"]]
        sides = [month[month["arm"] == arm] for arm in (row["arm"], "control")]
        q = [(side["state"] >= 0).mean() for side in sides]
        yield row, [side.loc[side["state"] >= 0, "state"].to_numpy(float) for side in sides], q, sides


def ends_by_hand(seen: list[np.ndarray], q: list[float]) -> tuple[float, float, float]:
    """Bounds of a cell and the share trimmed, from the outcomes of its persons."""
    share = abs(q[0] - q[1]) / max(q)
    more = int(q[1] > q[0])
    cut, ends = share * len(seen[more]), []
    for side in ("top", "bottom"):  # a share of a person leaves: between the two whole numbers of persons
        sums = [
            mean_after_trimming(seen[more], n, side) * (len(seen[more]) - n)
            for n in (int(np.floor(cut)), int(np.floor(cut)) + 1)
        ]
        total = sums[0] + (cut - np.floor(cut)) * (sums[1] - sums[0])
        ends.append(total / (len(seen[more]) - cut))
    other = seen[1 - more].mean()
    return (*((other - ends[1], other - ends[0]) if more else (ends[0] - other, ends[1] - other)), share)


@pytest.mark.parametrize("name", ["ended", "weekly"])
def test_trimming_bounds_are_those_of_persons_in_each_centre(made, name):
    """Lee 2009, section III: bounds of each cell, and their mean with weights n1 n0 / (n1 + n0)."""
    one, n_trimmed, n_left_out = made[name], 0, 0
    upper = one.table[one.table["method"] == UPPER].set_index(["arm", "month_from"])
    for row, seen, _, sides in trimmed_by_hand(one):
        assert [row["n_assigned"], row["n_control"]] == [len(side) for side in sides]
        gaps = [len(side) - len(y) for side, y in zip(sides, seen, strict=True)]
        assert [row["n_missing_assigned"], row["n_missing_control"]] == gaps
        assert [row["n_months_missing_assigned"], row["n_months_missing_control"]] == gaps
        cells, weights, left_out = [], [], 0
        for centre in one.cohort.centres:
            here = [side[side["centre"] == centre] for side in sides]
            known = [side.loc[side["state"] >= 0, "state"].to_numpy(float) for side in here]
            if min(map(len, known)) < 2:
                left_out += sum(map(len, here))
                continue
            cells.append(ends_by_hand(known, [len(y) / len(side) for y, side in zip(known, here, strict=True)]))
            weights.append(len(here[0]) * len(here[1]) / (len(here[0]) + len(here[1])))
        assert row["n_left_out"] == left_out
        n_left_out += left_out
        wanted = np.average(cells, axis=0, weights=weights)
        other_row = upper.loc[(row["arm"], row["month_from"])]
        found = [row["estimate"], other_row["estimate"], row["share_trimmed"]]
        np.testing.assert_allclose(found, wanted, atol=1e-12)
        assert (row["ci_low"], row["ci_high"]) == (other_row["ci_low"], other_row["ci_high"])
        assert row["ci_low"] < row["estimate"] <= other_row["estimate"] < row["ci_high"]
        n_trimmed += row["share_trimmed"] > 0
    assert n_trimmed >= 2


# --- rows ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", RECIPES)
def test_rows_are_rectangular_and_in_order(made, name):
    one = made[name]
    arms, table = list(one.cohort.arms.treatments), one.table
    assert table.columns.tolist() == COLUMNS
    wanted = [
        (method, 0, 8, arm, variance)
        for method in (COMPLETE, INDICATOR, OBSERVED, WORST, BEST)
        for arm in arms
        for variance in one.cohort.estimation.variances
    ]
    wanted += [(m, k, k, arm, "bootstrap") for k in MONTHS for arm in arms for m in (LOWER, UPPER)]
    assert list(table[["method", "month_from", "month_to", "arm", "variance"]].itertuples(index=False)) == wanted


def test_without_anything_missing_all_rows_are_equal(made):
    table = made["known"].table
    assert set(table["note"]) == {NOTHING, NO_COVARIATE}
    assert (table[[c for c in COLUMNS if "missing" in c or "outside" in c]] == 0).all(axis=None)
    for methods in ((COMPLETE, INDICATOR), (OBSERVED, WORST, BEST), (LOWER, UPPER)):
        parts = [table[table["method"] == m].drop(columns="method").reset_index(drop=True) for m in methods]
        for part in parts[1:]:
            pd.testing.assert_frame_equal(part, parts[0], check_exact=True)
    people, panel = made["known"].given
    state = panel.query("outcome == 'ordinary_employment'").set_index("person_id")["month_6"]
    analysed = people[people["is_analysed"]]
    cells = analysed["person_id"].map(state).groupby([analysed["arm"], analysed["centre"]])
    shares, n = cells.mean(), cells.size()
    differences = shares["ips"] - shares["control"]
    weights = n["ips"] * n["control"] / (n["ips"] + n["control"])
    row = table[(table["method"] == LOWER) & (table["month_from"] == 6)].iloc[0]
    assert row["estimate"] == pytest.approx(np.average(differences, weights=weights), abs=1e-12)


def test_the_same_seed_gives_the_same_errors_whatever_other_months_there_are(made):
    one = made["ended"]
    fewer = dataclasses.replace(one.cohort, bound=dataclasses.replace(one.cohort.bound, months=(6,)))
    ours = one.table[(one.table["variance"] == "bootstrap") & (one.table["month_from"] == 6)].reset_index(drop=True)
    again = bound(fewer, *one.given)["missing_data"].query("variance == 'bootstrap'").reset_index(drop=True)
    pd.testing.assert_frame_equal(ours, again, check_exact=True)
    other = dataclasses.replace(one.cohort, bound=dataclasses.replace(one.cohort.bound, seed=1))
    errors = bound(other, *one.given)["missing_data"]["std_error"]
    assert (errors != one.table["std_error"]).sum() == len(ours) * len(MONTHS)


def with_states(one, change) -> pd.DataFrame:
    """What bound makes when the months 0..8 of ordinary employment are changed."""
    people, panel = one.given
    other, columns = panel.copy(), [f"month_{k}" for k in range(9)]
    rows = (panel["outcome"] == "ordinary_employment").to_numpy()
    arm = panel.loc[rows, "person_id"].map(people.set_index("person_id")["arm"]).to_numpy()
    other.loc[rows, columns] = change(panel.loc[rows, columns].to_numpy(), arm)
    return bound(one.cohort, people, other)["missing_data"]


def test_months_that_an_arm_is_not_observed_in_keep_their_rows(made):
    def hidden(states, arm):
        changed = states.copy()
        changed[arm == "control", 6] = -1
        return changed

    table = with_states(made["known"], hidden)
    rows = table[table["month_from"] == 6]
    assert set(rows["status"]) == {"no_observations"} and len(rows) == 2
    assert rows[["estimate", "std_error", "ci_low", "ci_high"]].isna().all(axis=None)
    assert (rows["n_missing_control"] == rows["n_control"]).all() and (rows["n_missing_assigned"] == 0).all()


def test_bounds_without_variation_say_so(made):
    table = with_states(made["known"], lambda states, arm: np.zeros_like(states))
    assert set(table["status"]) == {"no_variation"}
    assert table["estimate"].isna().all()


def test_one_observed_person_is_too_few(made):
    def hidden(states, arm):
        changed = states.copy()
        changed[np.flatnonzero(arm == "ips")[1:], 6] = -1
        return changed

    one = made["known"]
    people = one.given[0].assign(is_analysed=True)
    rows = with_states(SimpleNamespace(cohort=one.cohort, given=(people, one.given[1])), hidden)
    assert set(rows.loc[rows["month_from"] == 6, "status"]) == {"too_few_assigned"}


def test_predictions_outside_0_to_1_are_told(made):
    """Employed are the reference arms of two centres only; missing are months where the model predicts less than 0."""
    one = made["covered"]
    people, panel = one.given
    columns = [f"month_{k}" for k in range(9)]
    rows = (panel["outcome"] == "ordinary_employment").to_numpy()
    who = people.set_index("person_id").loc[panel.loc[rows, "person_id"]]
    is_base = (who["centre"] == "1").to_numpy()
    is_ips = (who["arm"] == "ips").to_numpy()
    states = np.zeros((rows.sum(), 9), dtype=np.int8)
    states[~is_base & ~is_ips] = 1
    states[np.ix_(is_base & is_ips, range(5, 9))] = -1
    other = panel.copy()
    other.loc[rows, columns] = states
    table = bound(one.cohort, people, other)["missing_data"]
    cases = {m: table[table["method"] == m] for m in (WORST, OBSERVED, BEST)}
    assert (cases[OBSERVED]["estimate"].to_numpy() < cases[WORST]["estimate"].to_numpy()).all()
    assert all(set(part["note"]) == {UNORDERED} for part in cases.values())


def test_covariates_that_the_cohort_does_not_have_are_named(tmp_path):
    random = random_cohort(dataclasses.replace(RECIPES["covered"], without=("education",)), seed=5)
    cohort = read_cohort(write_cohort(random, tmp_path))
    stages = measure(cohort)
    table = bound(cohort, stages["cohort"]["people"], stages["panel"]["panel"])["missing_data"]
    notes = table.loc[table["about"] == "covariates", "note"]
    assert set(notes) == {"not in this cohort: less_than_upper_secondary"}


def test_a_window_without_a_month_after_has_no_trimming_bounds(tmp_path):
    cohort = read_cohort(write_cohort(random_cohort(Recipe(n_persons=40, before=0, after=0), 1), tmp_path))
    stages = measure(cohort)
    table = bound(cohort, stages["cohort"]["people"], stages["panel"]["panel"])["missing_data"]
    assert set(table["method"]) == {COMPLETE, INDICATOR, OBSERVED, WORST, BEST}
