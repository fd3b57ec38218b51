"""What persons achieved by chosen months: numbers of the default cohort, day by day, and effects by statsmodels."""

from datetime import date, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy import stats

from cohorts import Recipe, random_cohort, write_cohort
from ipseval.check import check
from ipseval.clean import clean
from ipseval.cohort import select
from ipseval.estimation.achieve import of_months
from ipseval.follow import follow
from ipseval.panel import analysed_months, outcome_matrix, panel
from ipseval.settings import ROOT, read_cohort
from oracle import as_day, covers, days_of, everybody, month_of

MONTHS = [4, 8, 14]
MEASURES = ["ever", "months", "kept_6", "kept_26_weeks"]


def made_of(cohort: Any) -> SimpleNamespace:
    """The stages that ``follow`` reads, and its tables."""
    checked = check(cohort)
    cleaned = clean(checked)
    people = select(cohort, cleaned)["people"]
    months = panel(cohort, people, cleaned)["panel"]
    tables = follow(cohort, people, months, cleaned["employment"], cleaned["services"])
    analysed, _ = analysed_months(cohort, people, months)
    return SimpleNamespace(cohort=cohort, people=analysed, panel=months, cleaned=cleaned, table=tables["achieved"])


@pytest.fixture(scope="module")
def twin() -> SimpleNamespace:
    return made_of(read_cohort(ROOT / "config" / "cohorts" / "norway-six-centre.yaml"))


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> SimpleNamespace:
    """Two treatments, strata, persons who leave, a register that ends early for some, and services."""
    recipe = Recipe(
        n_persons=120, n_centres=2, treatments=("ips", "ipse"), before=1, after=14, share_leaving=0.2,
        after_death="missing", after_emigration="missing", observed_until="2015-09", has_services=True,
    )  # fmt: skip
    random = random_cohort(recipe, seed=7)
    random.config["achieved"] = {"months": MONTHS}
    random.extracts["trial"]["stratum"] = ["a" if i % 3 else "b" for i in range(len(random.extracts["trial"]))]
    jobs = random.extracts["employment"]
    for i in range(0, len(jobs), 3):  # drawn jobs are short
        start = as_day(jobs["start_on"].iloc[i])
        jobs.loc[jobs.index[i], "end_on"] = start + timedelta(150 + 5 * (i % 20))
    one = made_of(read_cohort(write_cohort(random, tmp_path_factory.mktemp("drawn"))))
    one.extracts = random.extracts
    return one


def counted(table: pd.DataFrame, measure: str, centre: str = "all") -> dict[int, tuple[int, int, int, int]]:
    """Persons of the reference arm and of the treatment who achieved it, each of how many, by month."""
    rows = table[(table["measure"] == measure) & (table["centre"] == centre) & (table["variance"] == "cr1")]
    rows = rows[~rows["adjustment"].str.contains("age")]
    found = {}
    for row in rows.to_dict("records"):
        n = [row["mean_control"] * row["n_control"], row["mean_assigned"] * row["n_assigned"]]
        assert n == pytest.approx(np.round(n), abs=1e-9)
        found[row["by_month"]] = (round(n[0]), row["n_control"], round(n[1]), row["n_assigned"])
    return found


# --- the default cohort ------------------------------------------------------------------------


def test_the_default_cohort_gives_the_numbers_that_were_counted_for_it(twin: SimpleNamespace) -> None:
    """Counted from the delivered spells by others, before this table was there."""
    ever = {12: (23, 75), 18: (43, 103), 24: (63, 122), 43: (94, 146)}
    assert counted(twin.table, "ever") == {k: (c, 143, t, 184) for k, (c, t) in ever.items()}
    assert counted(twin.table, "kept_6")[43] == (35, 143, 74, 184)
    by_18 = {"1": (7, 18, 19, 30), "2": (14, 31, 26, 46), "3": (10, 35, 24, 39), "4": (5, 13, 5, 14)}
    by_18 |= {"5": (4, 18, 10, 19), "6": (3, 28, 19, 36)}
    assert {centre: counted(twin.table, "ever", centre)[18] for centre in by_18} == by_18
    assert set(twin.table.query("measure in ['ever', 'months', 'kept_6']")["status"]) == {"estimated"}
    unadjusted = twin.table.drop_duplicates(["measure", "by_month", "centre"])
    assert set(unadjusted.query("centre == 'all' and measure != 'waiting_days'")["adjustment"]) == {"centre"}
    assert set(unadjusted.query("centre != 'all'")["adjustment"]) == {"none"}


# --- effects by others -------------------------------------------------------------------------


def by_ols(people: pd.DataFrame, y: pd.Series, row: dict[str, Any], arms: tuple[str, ...]) -> Any:
    """Least squares of statsmodels on arms, dummies for centre x stratum, age and sex as the row says."""
    here = y.notna() & ((people["centre"] == row["centre"]) | (row["centre"] == "all"))
    columns = {arm: (people["arm"] == arm).astype(float) for arm in arms}
    if "age" in row["adjustment"]:
        columns |= {"age": people["age"], "female": people["female"].astype(float)}
    cell = people["centre"].astype(str) + people.get("stratum", pd.Series("", people.index)).astype(str)
    X = pd.DataFrame(columns)[here].join(pd.get_dummies(cell[here], dtype=float))
    return sm.OLS(y[here], X).fit(cov_type="HC1", use_t=True)


@pytest.mark.parametrize("name", ["twin", "drawn"])
def test_effects_are_ols_with_hc1(name: str, request: pytest.FixtureRequest) -> None:
    one = request.getfixturevalue(name)
    people, arms, n_estimated = one.people, one.cohort.arms.treatments, 0
    states = outcome_matrix(
        one.panel, "ordinary_employment", pd.Index(people["person_id"]), range(one.cohort.window.after + 1)
    )
    found = {m.measure: m.values for m in of_months("", states, np.array(one.cohort.achieved.months))}
    rows = one.table[(one.table["variance"] == "cr1") & one.table["measure"].isin(list(found))]
    for row in rows.to_dict("records"):
        y = pd.Series(found[row["measure"]][:, one.cohort.achieved.months.index(row["by_month"])])
        here = y.notna() & ((people["centre"] == row["centre"]) | (row["centre"] == "all"))
        sides = [y[here & (people["arm"] == arm)] for arm in (row["arm"], "control")]
        assert [row["n_assigned"], row["n_control"]] == [len(side) for side in sides]
        assert [row["mean_assigned"], row["mean_control"]] == pytest.approx([s.mean() for s in sides], abs=1e-12)
        whom = people["arm"].isin([row["arm"], "control"])
        unknown = y.isna() & whom & ((people["centre"] == row["centre"]) | (row["centre"] == "all"))
        assert row["n_unknown_assigned"] + row["n_unknown_control"] == unknown.sum()
        assert ("not all months are known" in row["note"]) == unknown.any()
        if row["status"] != "estimated":
            continue
        theirs = by_ols(people, y, row, arms)
        ours = [row["estimate"], row["std_error"], row["statistic"]]
        other = [theirs.params[row["arm"]], theirs.bse[row["arm"]], theirs.tvalues[row["arm"]]]
        assert ours == pytest.approx(other, rel=1e-8, abs=1e-10), row
        assert row["p_value"] == pytest.approx(2 * stats.t.sf(abs(row["statistic"]), row["df"]), rel=1e-8)
        n_estimated += 1
    assert n_estimated > 0.8 * len(rows)


# --- persons -----------------------------------------------------------------------------------


def test_what_is_not_known_is_no_no() -> None:
    """By hand: who has achieved it has, whatever comes later; of others every month must be known."""
    rows = {
        "yes, then unknown": ([0, 1, -1, 0, 0, 0, 0, 0], [1, 1], [np.nan, np.nan], [np.nan, np.nan]),
        "unknown, then yes": ([0, 0, -1, 0, 0, 0, 1, 0], [np.nan, 1], [np.nan, np.nan], [np.nan, np.nan]),
        "never": ([1, 0, 0, 0, 0, 0, 0, 0], [0, 0], [0, 0], [0, 0]),  # month 0 does not count
        "six": ([0, 1, 1, 1, 1, 1, 1, 0], [1, 1], [4, 6], [0, 1]),
        "six from month 0 on": ([1, 1, 1, 1, 1, 1, 0, 0], [1, 1], [4, 5], [0, 0]),
        "unknown at the end": ([0, 0, 0, 0, 0, 0, 0, -1], [0, np.nan], [0, np.nan], [0, np.nan]),
    }
    states = np.array([row[0] for row in rows.values()], dtype=np.int8)
    found = {m.measure: m.values for m in of_months("", states, np.array([4, 7]))}
    for i, measure in enumerate(("ever", "months", "kept_6"), start=1):
        np.testing.assert_array_equal(found[measure], [row[i] for row in rows.values()], measure)


def slow_first_job(spells: list[dict], on: date, states: list[int], h: int) -> float:
    """Day by day: the employer of the first day in the first month with the outcome, for 182 days without a break."""
    zero = month_of(on)
    first = next((k for k, state in enumerate(states) if state == 1), None)
    runs = []
    for employer in {s["employer_id"] for s in spells} if first is not None else ():
        held = [s for s in spells if s["employer_id"] == employer]
        for day in days_of(zero + first):
            if day > on and any(covers(s, day) for s in held):
                length = next((n for n in range(182) if not any(covers(s, day + timedelta(n)) for s in held)), 182)
                runs.append((day, -length))
                break
    if runs and -min(runs)[1] == 182:
        done = month_of(min(runs)[0] + timedelta(181)) - zero
        if done <= h and all(state == 1 for state in states[first:done]) and -1 not in states[: done + 1]:
            return 1.0
    return np.nan if -1 in states[: h + 1] else 0.0


def test_first_jobs_are_kept_day_by_day(drawn: SimpleNamespace) -> None:
    """Means by arm and centre of what is counted from the delivered spells, day by day."""
    known = {person.key: person for person in everybody(drawn.extracts, {})}
    keys = pd.Index(drawn.people["person_id"])
    states = outcome_matrix(drawn.panel, "ordinary_employment", keys, range(15)).tolist()
    values = np.full((len(keys), len(MONTHS)), np.nan)
    for i, person in enumerate(drawn.people.to_dict("records")):
        spells, on = known[person["person_id"]].jobs, person["randomised_on"].date()
        spells = [s | {"employer_id": None if pd.isna(s["employer_id"]) else s["employer_id"]} for s in spells]
        own = states[i]
        if own[0] == 1 and not any(covers(s, day) for s in spells for day in days_of(month_of(on)) if day > on):
            own[0] = 0
        values[i] = [slow_first_job(spells, on, own, h) for h in MONTHS]
    assert 10 < np.nansum(values[:, -1]) < np.nansum(~np.isnan(values[:, -1])) - 10
    assert np.isnan(values).any()
    rows = drawn.table[(drawn.table["measure"] == "kept_26_weeks") & ~drawn.table["adjustment"].str.contains("age")]
    assert len(rows) == 3 * 3 * 2 * 2
    for row in rows.to_dict("records"):
        y = values[:, MONTHS.index(row["by_month"])]
        here = ((drawn.people["centre"] == row["centre"]) | (row["centre"] == "all")).to_numpy()
        for side, arm in (("assigned", row["arm"]), ("control", "control")):
            own = y[here & (drawn.people["arm"] == arm).to_numpy()]
            assert row[f"n_{side}"] == (~np.isnan(own)).sum()
            assert row[f"n_unknown_{side}"] == np.isnan(own).sum()
            assert row[f"mean_{side}"] == pytest.approx(np.nanmean(own), abs=1e-12)


def test_waits_are_counted_from_the_delivered_services(drawn: SimpleNamespace) -> None:
    services = drawn.extracts["services"]
    people = drawn.people.assign(zero=[month_of(day.date()) for day in drawn.people["randomised_on"]])
    rows = drawn.table[drawn.table["measure"] == "waiting_days"]
    assert len(rows) == 2 * 3 * 3 and rows["mean_assigned"].notna().any()
    for row in rows.to_dict("records"):
        waits = []
        for person in people[people["arm"] == row["arm"]].to_dict("records"):
            on = person["randomised_on"].date()
            own = services[(services["person_id"] == person["person_id"]) & (services["service"] == row["arm"])]
            starts = [as_day(s["start_on"]) for s in own.to_dict("records") if as_day(s["end_on"]) >= on]
            begun = max(min(starts), on) if starts else date.max
            if row["centre"] in ("all", person["centre"]) and month_of(begun) - person["zero"] <= row["by_month"]:
                waits.append((begun - on).days)
        assert row["n_assigned"] == len(waits)
        if waits:
            assert row["mean_assigned"] == pytest.approx(np.mean(waits), abs=1e-12)
        assert pd.isna(row["estimate"]) and row["status"] == "one_arm"


# --- what a layout cannot tell -----------------------------------------------------------------


def test_a_layout_by_month_knows_no_first_job(tmp_path: Path) -> None:
    random = random_cohort(
        Recipe(n_persons=40, n_centres=2, before=0, after=7, layout="monthly", has_services=True), seed=3
    )
    random.config.update({"states": {"served": {"services": ["ips"]}}, "outcomes": {"either": ["ordinary", "served"]}})
    table = made_of(read_cohort(write_cohort(random, tmp_path))).table
    rows = table[table["measure"] == "kept_26_weeks"]
    assert rows.groupby("outcome")["status"].agg(set).to_dict() == {
        "ordinary_employment": {"no_days"}, "either": {"no_jobs"}
    }  # fmt: skip
    assert rows[["n_assigned", "n_control", "mean_assigned", "estimate"]].isna().all(axis=None)
    assert set(table.loc[table["measure"] == "waiting_days", "status"]) == {"one_arm"}
    assert set(table.loc[table["measure"].isin(["ever", "months", "kept_6"]), "outcome"]) == {
        "ordinary_employment", "either"
    }  # fmt: skip
