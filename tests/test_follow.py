"""The stage follow: what persons accumulate against a day-by-day count of the delivered spells, effects against OLS.

Tolerances: counts are exact; mean hours are the same sum in another order (1e-9); statsmodels' OLS 1e-8.
"""

from datetime import date
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy import stats

from cohorts import Recipe, random_cohort, write_cohort
from ipseval.estimation.accumulate import Accumulated, accumulated
from ipseval.follow import ACCUMULATED_COLUMNS, MEAN_COLUMNS, TIME_COLUMNS, follow
from ipseval.panel import analysed_months
from ipseval.pipeline import measure
from ipseval.settings import read_cohort
from oracle import as_day, covers, days_of, everybody, is_null, month_of

MONTHS = [2, 4, 8]
RECIPES = {
    "plain": Recipe(n_persons=90, n_centres=3, before=0, after=8, not_employed_at_randomisation=False),
    "censored": Recipe(
        n_persons=90, n_centres=1, before=2, after=8, treatments=("ips", "ips_plus"), observed_until="2014-06",
        after_death="missing", after_emigration="missing", share_leaving=0.3,
    ),
    "monthly": Recipe(n_persons=80, n_centres=2, after=8, layout="monthly", not_employed_at_randomisation=False),
    "weekly": Recipe(n_persons=80, n_centres=2, after=8, layout="weekly_wide"),
    "relative": Recipe(n_persons=60, n_centres=2, before=0, after=8, layout="relative_monthly"),
}  # fmt: skip


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Delivered extracts, cohort, stages up to estimate and what follow makes, by recipe."""
    found = {}
    for name, recipe in RECIPES.items():
        random = random_cohort(recipe, seed=11)
        random.config["follow"] = {"months": MONTHS}
        cohort = read_cohort(write_cohort(random, tmp_path_factory.mktemp(name)))
        stages = measure(cohort)
        given = stages["cohort"]["people"], stages["panel"]["panel"], stages["clean"]["employment"]
        found[name] = SimpleNamespace(
            cohort=cohort, extracts=random.extracts, given=given, describe=stages["describe"], **follow(cohort, *given)
        )
    return found


def of_person(one) -> tuple[pd.DataFrame, dict[str, Accumulated]]:
    people, panel, employment = one.given
    analysed, states = analysed_months(one.cohort, people, panel)
    return analysed, {
        part.name: part
        for part in accumulated(one.cohort, analysed, states[:, one.cohort.window.before :], panel, employment)
    }


# --- what persons accumulate, day by day -------------------------------------------------------


def sixteenth(month: int) -> date:
    return date(month // 12, month % 12 + 1, 16)


def slow_hours(spells: list[dict], zero: int, h: int) -> float:
    """Mean agreed hours on the 16th of months 1..h; equal jobs of an employer that overlap are one."""
    total = 0.0
    for k in range(1, h + 1):
        held = {(s["employer_id"], s["weekly_hours"]) for s in spells if covers(s, sixteenth(zero + k))}
        if any(is_null(hours) for _, hours in held):
            return np.nan
        total += sum(hours for _, hours in held)
    return total / h


def slow_employers(spells: list[dict], zero: int, h: int) -> int:
    days = [day for k in range(1, h + 1) for day in days_of(zero + k)]
    return len({s["employer_id"] for s in spells if any(covers(s, day) for day in days)})


def slow_jobs(spells: list[dict], randomised_on: date, zero: int, h: int) -> int:
    """Days on which an employer employs the person who was not employed there the day before."""
    begun = 0
    for employer in {s["employer_id"] for s in spells}:
        held = [s for s in spells if s["employer_id"] == employer]
        days = [day for k in range(h + 1) for day in days_of(zero + k) if day > randomised_on]
        begun += sum(
            any(covers(s, day) for s in held)
            and not any(covers(s, date.fromordinal(day.toordinal() - 1)) for s in held)
            for day in days
        )
    return begun


def whole(spell: dict) -> dict:
    """The spell with None for an employer or hours that are not known."""
    return spell | {c: None if is_null(spell[c]) else spell[c] for c in ("employer_id", "weekly_hours")}


@pytest.mark.parametrize("name", ["plain", "censored"])
def test_spells_are_counted_day_by_day(made, name):
    one = made[name]
    people, found = of_person(one)
    panel = one.given[1].set_index(["outcome", "person_id"])
    known = {person.key: person for person in everybody(one.extracts, {})}
    for i, person in enumerate(people.to_dict("records")):
        spells = [whole(s) for s in known[person["person_id"]].jobs]
        on, zero = person["randomised_on"].date(), month_of(person["randomised_on"].date())
        for j, h in enumerate(MONTHS):
            states = {
                outcome: [panel.loc[(outcome, person["person_id"]), f"month_{k}"] for k in range(h + 1)]
                for outcome in ("employment", "ordinary_employment")
            }
            seen = {since: -1 not in states["employment"][since:] for since in (0, 1)}
            wanted = {
                "ordinary_months": sum(states["ordinary_employment"][1:]) if seen[1] else np.nan,
                "weekly_hours": slow_hours(spells, zero, h) if seen[1] else np.nan,
                "n_employers": slow_employers(spells, zero, h) if seen[1] else np.nan,
                "n_jobs": slow_jobs(spells, on, zero, h) if seen[0] else np.nan,
            }
            for outcome, value in wanted.items():
                assert found[outcome].values[i, j] == pytest.approx(value, abs=1e-9, nan_ok=True), (outcome, h)
    left_out = ~np.isnan(found["n_employers"].values[:, -1]) & np.isnan(found["weekly_hours"].values[:, -1])
    assert found["weekly_hours"].notes[-1] == f"left out for unknown hours: {left_out.sum()} of {len(people)} persons"
    assert 0 < left_out.sum() < len(people) / 2
    assert all(np.nanmax(part.values) > 1 for part in found.values())
    assert np.isnan(found["n_jobs"].values).any() == (name == "censored")


def test_months_that_a_row_leaves_open_are_nobodys(made):
    """In a layout by month a job of unknown employment makes that month unknown, other jobs or not."""
    one = made["monthly"]
    people, found = of_person(one)
    rows = one.extracts["employment"]
    n_open = 0
    for i, person in enumerate(people.to_dict("records")):
        theirs = rows[rows["person_id"] == person["person_id"]]
        zero = month_of(person["randomised_on"].date())
        last_day = min(as_day(person["died_on"]), as_day(person["emigrated_on"]))
        k = theirs["year_month"].astype(int) // 100 * 12 + theirs["year_month"].astype(int) % 100 - 1 - zero
        unknown = k[theirs["employed"].isna() & (k + zero <= month_of(min(last_day, date(2100, 1, 1))))]
        for j, h in enumerate(MONTHS):
            is_open = unknown.between(1, h).any()
            assert np.isnan(found["n_employers"].values[i, j]) == is_open
            assert np.isnan(found["n_jobs"].values[i, j]) == unknown.between(0, h).any()
            n_open += is_open
    assert n_open > 3


# --- effects -----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["plain", "censored"])
def test_effects_are_ols_with_hc1(made, name):
    one = made[name]
    people, found = of_person(one)
    n_estimated = 0
    for (outcome, month), rows in one.accumulated.query("variance == 'cr1'").groupby(["outcome", "month_to"]):
        y = pd.Series(found[outcome].values[:, MONTHS.index(month)])
        kept = y.notna()
        X = pd.DataFrame({"age": people["age"], "female": people["female"].astype(float)})
        for centre in list(one.cohort.centres)[1:]:
            X[f"centre {centre}"] = (people["centre"] == centre).astype(float)
        for arm in one.cohort.arms.treatments:
            X[arm] = (people["arm"] == arm).astype(float)
        theirs = sm.OLS(y[kept], sm.add_constant(X[kept])).fit(cov_type="HC1", use_t=True)
        for row in rows.to_dict("records"):
            arm, of_arm = row["arm"], kept & (people["arm"] == row["arm"])
            control = kept & (people["arm"] == "control")
            assert (row["n_assigned"], row["n_control"]) == (of_arm.sum(), control.sum())
            np.testing.assert_allclose(
                [row["mean_assigned"], row["mean_control"], row["estimate"], row["std_error"], row["statistic"]],
                [y[of_arm].mean(), y[control].mean(), theirs.params[arm], theirs.bse[arm], theirs.tvalues[arm]],
                rtol=1e-8, atol=1e-10,
            )  # fmt: skip
            if min(of_arm.sum(), control.sum()) < one.cohort.estimation.min_persons_for_stars:
                assert 0 < row["df"] < kept.sum() - 1  # Satterthwaite's
            else:
                assert row["df"] == kept.sum() - 1
            assert row["p_value"] == pytest.approx(2 * stats.t.sf(abs(theirs.tvalues[arm]), row["df"]), rel=1e-8)
            n_estimated += 1
    assert n_estimated == 4 * 3 * len(one.cohort.arms.treatments)


def test_rows_are_rectangular_and_say_what_was_not_delivered(made):
    for name, one in made.items():
        table, arms = one.accumulated, one.cohort.arms.treatments
        assert table.columns.tolist() == ACCUMULATED_COLUMNS
        assert len(table) == 4 * 3 * len(arms) * len(one.cohort.estimation.variances)
        empty = table["status"] == "not_delivered"
        absent = {"weekly_hours", "n_employers", "n_jobs"} if name in ("weekly", "relative") else set()
        assert set(table.loc[empty, "outcome"]) == absent
        assert table.loc[empty, ["mean_control", "mean_assigned", "estimate", "std_error"]].isna().all(axis=None)
        assert table.loc[empty, "note"].str.contains("was not delivered").all()
        first = table.drop_duplicates("outcome").set_index("outcome")["month_from"]
        assert first.to_dict() == {"ordinary_months": 1, "weekly_hours": 1, "n_employers": 1, "n_jobs": 0}


def test_hours_that_are_all_empty_were_not_delivered(made):
    one = made["plain"]
    people, panel, employment = one.given
    table = follow(one.cohort, people, panel, employment.assign(weekly_hours=np.nan))["accumulated"]
    assert set(table.loc[table["outcome"] == "weekly_hours", "status"]) == {"not_delivered"}


# --- time to a first job -----------------------------------------------------------------------


def waits_of(one) -> tuple[pd.DataFrame, np.ndarray]:
    """The panel, but a job in month 0 has a day after that of randomisation, where days are known."""
    people, states = analysed_months(one.cohort, one.given[0], one.given[1])
    states = states[:, one.cohort.window.before :].copy()
    if "start_on" not in one.extracts["employment"]:
        return people, states
    known = {person.key: person for person in everybody(one.extracts, {})}
    for i, person in enumerate(people.to_dict("records")):
        spells = known[person["person_id"]].jobs
        on = person["randomised_on"].date()
        later = [day for day in days_of(month_of(on)) if day > on]
        if states[i, 0] == 1 and not any(covers(spell, day) for spell in spells for day in later):
            states[i, 0] = 0
    return people, states


@pytest.mark.parametrize("name", RECIPES)
def test_curves_are_of_the_panel(made, name):
    one = made[name]
    assert one.time_to_job.columns.tolist() == TIME_COLUMNS
    people, states = waits_of(one)
    states = states.tolist()
    start = 1 if name == "weekly" else 0  # weeks are counted from month 1 on
    arms = one.cohort.arms.all
    cells = {
        (c, a): [row[start:] for row, *at in zip(states, people["centre"], people["arm"], strict=True) if at == [c, a]]
        for c in one.cohort.centres
        for a in arms
    }
    cells = {at: [row for row in rows if row[0] != -1] for at, rows in cells.items()}
    used = [c for c in one.cohort.centres if all(len(cells[c, a]) >= 2 for a in arms)]
    assert used == list(one.cohort.centres)
    for arm, rows in one.time_to_job.groupby("arm"):
        assert rows["month"].tolist() == list(range(9))
        assert (rows["status"].iloc[:start] == "nobody_at_risk").all()
        weights = np.array([1 / sum(1 / len(cells[c, a]) for a in arms) for c in used])
        survival, variance = np.ones(len(used)), np.zeros(len(used))
        for k, row in enumerate(rows.iloc[start:].to_dict("records")):
            at_risk = [[m for m in cells[c, arm] if -1 not in m[: k + 1] and 1 not in m[:k]] for c in used]
            n = np.array([len(part) for part in at_risk])
            d = np.array([sum(months[k] == 1 for months in part) for part in at_risk])
            assert (row["n_at_risk"], row["n_events"], row["n_left_out"]) == (n.sum(), d.sum(), 0)
            over = (n == 0) & (survival > 0)
            survival = np.where(over, np.nan, survival * (1 - d / np.maximum(n, 1)))
            variance = variance + np.where(n > d, d / np.maximum(n * (n - d), 1), 0)
            whole = weights @ survival / weights.sum()
            assert row["survival"] == pytest.approx(whole, rel=1e-12, nan_ok=True)
            assert row["share_with_job"] == pytest.approx(1 - whole, abs=1e-12, nan_ok=True)
            if row["status"] == "estimated":
                error = np.sqrt(weights**2 @ (survival**2 * variance)) / weights.sum()
                assert row["std_error"] == pytest.approx(error, rel=1e-10)
            else:
                assert row["status"] == ("nobody_at_risk" if over.any() or np.isnan(whole) else "no_variation")


def test_differences_of_restricted_means_are_two_samples_of_waits_in_each_centre(made):
    """Without censoring: means of min(T, 9), and the errors of independent samples (n in the denominator)."""
    one = made["plain"]
    people, states = waits_of(one)
    assert (states >= 0).all()
    wait = pd.Series([next((k for k, s in enumerate(row) if s), 9) for row in states.tolist()])
    cells = wait.groupby([people["arm"], people["centre"]])
    n, of_cell, error_of_cell = cells.size(), cells.mean(), cells.std(ddof=0) / np.sqrt(cells.size())
    weights = n["ips"] * n["control"] / (n["ips"] + n["control"])
    weights /= weights.sum()
    mean = {arm: weights @ of_cell[arm] for arm in ("control", "ips")}
    error = {arm: np.sqrt(weights**2 @ error_of_cell[arm] ** 2) for arm in ("control", "ips")}
    rows = one.restricted_mean.set_index(["measure", "arm"])
    for arm in ("control", "ips"):
        row = rows.loc[("months_without_job", arm)]
        np.testing.assert_allclose([row["estimate"], row["std_error"]], [mean[arm], error[arm]], rtol=1e-10)
    row, both = rows.loc[("difference", "ips")], np.hypot(error["ips"], error["control"])
    np.testing.assert_allclose([row["estimate"], row["std_error"]], [mean["ips"] - mean["control"], both], rtol=1e-10)
    low, high = stats.norm.interval(0.95, row["estimate"], both)
    np.testing.assert_allclose([row["ci_low"], row["ci_high"]], [low, high], rtol=1e-9)
    assert (row["month_from"], row["month_to"], row["reference_arm"]) == (0, 8, "control")
    assert set(rows["stratified_by"]) == {"centre"} and set(rows["weighting"]) == {"overlap"}


def with_states(one, states: np.ndarray) -> dict[str, pd.DataFrame]:
    """What follow makes when the analysed persons' months 0..8 of ordinary employment are these."""
    people, panel, employment = one.given
    analysed = people[people["is_analysed"]]["person_id"]
    rows = panel.index[(panel["outcome"] == "ordinary_employment") & panel["person_id"].isin(analysed)]
    other = panel.copy()
    other.loc[rows, [f"month_{k}" for k in range(9)]] = states
    return follow(one.cohort, people, other, employment)


def test_horizon_is_the_last_month_with_persons_at_risk_in_every_arm(made):
    one = made["plain"]
    people = one.given[0][one.given[0]["is_analysed"]]
    states = (np.random.default_rng(2).random((len(people), 9)) < 0.05).astype(np.int8)
    states[:, 0] = 0
    states[(people["arm"] == "ips").to_numpy(), 6:] = -1
    found = with_states(one, states)
    means = found["restricted_mean"]
    assert means.columns.tolist() == MEAN_COLUMNS
    assert set(means["month_to"]) == {5}
    assert set(means["note"]) == {"after month 5 an arm of a centre or stratum has nobody at risk"}
    rows = found["time_to_job"].query("arm == 'ips' and month > 5")
    assert rows["survival"].isna().all() and set(rows["status"]) == {"nobody_at_risk"}
    waits = pd.Series([next((k for k, s in enumerate(row) if s), 6) for row in states[:, :6].tolist()])
    cells = waits.groupby([people["arm"].to_numpy(), people["centre"].to_numpy()])
    n, of_cell = cells.size(), cells.mean()
    weights = n["ips"] * n["control"] / (n["ips"] + n["control"])
    assert means["estimate"].iloc[0] == pytest.approx(np.average(of_cell["control"], weights=weights), rel=1e-12)


def test_arms_without_an_event_or_without_anybody_say_so(made):
    one = made["plain"]
    people = one.given[0][one.given[0]["is_analysed"]]
    is_control = (people["arm"] == "control").to_numpy()
    states = np.where(is_control[:, None], 0, np.eye(9, dtype=np.int8)[np.arange(len(people)) % 9]).astype(np.int8)
    rows = with_states(one, states)["restricted_mean"].set_index(["measure", "arm"])
    assert rows.loc[("months_without_job", "control"), "status"] == "no_variation"
    assert rows.loc[("months_without_job", "ips"), "status"] == "estimated"
    assert rows.loc[("difference", "ips"), "status"] == "no_variation"  # half of its error is not known
    assert pd.isna(rows.loc[("difference", "ips"), "estimate"])
    rows = with_states(one, np.where(is_control[:, None], -1, states).astype(np.int8))["restricted_mean"]
    assert rows["status"].tolist() == ["nobody_at_risk", "not_comparable", "not_comparable"]
    assert rows["n_left_out"].tolist() == [0, *[(~is_control).sum()] * 2]
    assert rows["month_to"].tolist() == [8, 8, 8]


def test_a_window_without_a_month_after_has_no_rows_but_a_curve(tmp_path: Path) -> None:
    cohort = read_cohort(write_cohort(random_cohort(Recipe(n_persons=30, before=0, after=0), 1), tmp_path))
    stages = measure(cohort)
    found = follow(cohort, stages["cohort"]["people"], stages["panel"]["panel"], stages["clean"]["employment"])
    assert [len(table) for table in found.values()] == [2, 3, 0, 0, 0]
    assert found["accumulated"].columns.tolist() == ACCUMULATED_COLUMNS


def test_default_months_are_those_of_the_window(tmp_path: Path) -> None:
    def months(after: int) -> tuple[int, ...]:
        recipe = Recipe(n_persons=8, before=0, after=after)
        return read_cohort(write_cohort(random_cohort(recipe, 1), tmp_path / str(after))).follow.months

    assert [months(n) for n in (0, 6, 20, 43)] == [(), (6,), (12, 18), (12, 18, 24, 43)]
