"""Derivations that gave counts of one or two persons away, from released tables alone; none succeeds now.

Every derivation reads what an outsider reads: text of the released tables, names of columns, arithmetic of whole
numbers. The truth is looked up in the tables for review only to say what was found.
"""

import itertools
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import attacker_attack
from attacker_reads import Rules
from cohorts import Recipe, random_cohort, write_cohort
from fuzz_cohorts import write_drawn
from ipseval import store
from ipseval.disclosure import profiles
from ipseval.estimation.risk_ratio import maximum
from ipseval.pipeline import analyse
from ipseval.protect import RELEASED, protect
from ipseval.settings import read_cohort

PROFILES = ("ssb", "acro")
Tables = dict[str, pd.DataFrame]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A trial in three centres with covariates that are missing: what is inside, and what each profile releases."""
    recipe = Recipe(n_persons=150, n_centres=3, before=2, after=4, share_missing=0.05)
    made = random_cohort(recipe, seed=4)
    made.config.update({"randomisation": {"draws": 99, "seed": 1}, "bound": {"draws": 99}})
    cohort = read_cohort(write_cohort(made, tmp_path_factory.mktemp("leaks")))
    found = {name: table for names in analyse(cohort).values() for name, table in names.items()}
    review = {name: store.as_read(found[name]) for name in RELEASED}
    return review, {profile: released(cohort, review, profile) for profile in PROFILES}


def released(cohort, review: Tables, profile: str) -> Tables:
    """The released tables, hidden cells missing."""
    made = protect(replace(cohort, disclosure={"profile": profile}), review)
    return {name: made[f"released_{name}"].mask(made[f"released_{name}"] == ":") for name in RELEASED}


def with_small_shares_hidden(balance: pd.DataFrame, least: int) -> pd.DataFrame:
    """What the balance table alone would hide: shares of few persons, or of all but few."""
    n, count = balance["n"], balance["mean"] * balance["n"]
    is_few = count.between(0.5, least - 0.5) | (n - count).between(0.5, least - 0.5)
    return balance.assign(**{c: balance[c].mask(is_few) for c in ("mean", "sd")})


def counts(balance: pd.DataFrame) -> dict[tuple[str, ...], int]:
    """Persons with a characteristic, as share times persons: by variable, level, centre and arm."""
    shown = balance.dropna(subset=["mean", "n"])
    keys = shown[["variable", "level", "centre", "arm"]].fillna("").astype(str).itertuples(index=False, name=None)
    values = (shown["mean"].astype(float) * shown["n"].astype(float)).round().astype(int)
    return dict(zip(keys, values, strict=True))


# --- 1. covariates that are sums of levels of others -------------------------------------------


def nested(balance: pd.DataFrame) -> dict[tuple[str, str, str], int]:
    """Levels of education from ``less_than_upper_secondary``: what is not shown itself."""
    known = counts(balance)
    found = {}
    for variable, _, centre, arm in list(known):
        low = known.get(("less_than_upper_secondary", "", centre, arm))
        levels = ("compulsory", "upper_secondary_started")
        parts = [known.get(("education", level, centre, arm)) for level in levels]
        if variable == "less_than_upper_secondary" and low is not None and parts.count(None) == 1:
            missing = levels[parts.index(None)]
            found[missing, centre, arm] = low - sum(part for part in parts if part is not None)
    return found


def test_levels_of_education_do_not_follow_from_less_than_upper_secondary(made):
    review, shown = made
    least = profiles.profile("ssb").min_cell_count
    alone = nested(with_small_shares_hidden(review["balance"], least)).values()
    assert any(0 < n < least for n in alone)  # they do, where cells are hidden one by one
    few = [n for n in nested(shown["ssb"]["balance"]).values() if 0 < n < least]
    assert few == []


# --- 2. standardised differences ---------------------------------------------------------------


def from_differences(tables: Tables) -> dict[tuple[str, str, str, str], set[int]]:
    """Persons with a characteristic that a standardised difference leaves, where share and persons are not shown."""
    balance = tables["balance"].astype({c: float for c in ("n", "mean", "smd")})
    flow = tables["flow"].query("step == 'analysed'").set_index(["centre", "arm"])["n_persons"].astype(float)
    reference = balance["arm"].iloc[0]
    rows = {(r.variable, str(r.level), r.centre, r.arm): r for r in balance.itertuples()}
    found = {}
    for (variable, level, centre, arm), row in rows.items():
        base = rows[variable, level, centre, reference]
        most = flow.get((centre, arm), math.nan)
        if (
            arm == reference
            or math.isnan(row.smd)
            or not math.isnan(row.n)
            or any(map(math.isnan, (base.n, base.mean)))
        ):
            continue
        if math.isnan(most) or not 0 <= base.mean <= 1:
            continue
        other, m = base.mean, base.n
        left, (low, high) = set(), Rules(0).around(row.smd)
        for n in range(2, int(most) + 1):
            for k in range(n + 1):
                p = k / n
                spread = (p * (1 - p) * n / (n - 1) + other * (1 - other) * m / (m - 1)) / 2
                if spread > 0 and low <= (p - other) / math.sqrt(spread) <= high:
                    left.add(k)
        found[variable, level, centre, arm] = left
    return found


@pytest.mark.parametrize("profile", PROFILES)
def test_a_standardised_difference_stands_beside_its_persons_only(made, profile):
    """Where the persons of either arm are hidden the difference is as well: whole numbers would give them back."""
    _, shown = made
    balance = shown[profile]["balance"]
    reference = balance["arm"].iloc[0]
    base = balance[balance["arm"] == reference].set_index(["variable", "level", "centre"])["n"]
    for row in balance[balance["smd"].notna()].itertuples():
        is_share = row.variable not in ("age", "wage_income", "health_contacts_per_month")
        if is_share:
            assert not math.isnan(float(row.n)), row
            assert not math.isnan(float(base[row.variable, row.level, row.centre])), row
    assert all(len(left) != 1 for left in from_differences(shown[profile]).values())


# --- 3. persons of a complete-case regression --------------------------------------------------


def lacking(tables: Tables) -> dict[tuple[str, str, str], float]:
    """Persons who lack a covariate of a model: those analysed less those in it, by analysis, centre and arm."""
    flow = tables["flow"].query("step == 'analysed'").set_index(["centre", "arm"])["n_persons"].astype(float)
    found = {}
    for row in tables["effects"].query("subgroup == 'all' and month_from == 0").itertuples():
        own = {row.arm: float(row.n_assigned), row.reference_arm: float(row.n_control)}
        for arm, n in own.items():
            found[row.analysis, row.centre, arm] = float(flow[row.centre, arm]) - n
        whole, df = sum(float(flow[row.centre, arm]) for arm in own), float(row.df)
        if row.variance == "cr1" and row.estimator == "ols":  # G - 1
            found[row.analysis, row.centre, "by degrees of freedom"] = whole - df - 1
    return {place: n for place, n in found.items() if not math.isnan(n)}


def test_who_lacks_a_covariate_does_not_follow_from_the_persons_of_a_regression(made):
    review, shown = made
    few = {place for place, n in lacking(review).items() if 0 < n < 3}
    assert few  # inside they do
    told = lacking(shown["ssb"])
    assert told
    assert [place for place, n in told.items() if 0 < n < 3] == []


# --- 4. shares that bounds trim ----------------------------------------------------------------


def missing_by_share(bounds: pd.DataFrame) -> list[set[tuple[int, int]]]:
    """Persons of each arm who lack the month of a bound, as the share trimmed and the persons leave them."""
    found = []
    for row in bounds.astype({c: float for c in ("n_assigned", "n_control", "share_trimmed")}).itertuples():
        if any(map(math.isnan, (row.n_assigned, row.n_control, row.share_trimmed))):
            continue
        low, high = Rules(0).around(row.share_trimmed)
        sizes, known = (int(row.n_assigned), int(row.n_control)), (row.n_missing_assigned, row.n_missing_control)
        ranges = [range(n) if pd.isna(k) else [int(k)] for n, k in zip(sizes, known, strict=True)]
        pairs = set()
        for a, b in itertools.product(*ranges):
            q = (1 - a / sizes[0], 1 - b / sizes[1])
            if low <= abs(q[0] - q[1]) / max(q) <= high:
                pairs.add((a, b))
        found.append(pairs)
    return found


def test_who_lacks_a_month_does_not_follow_from_the_share_that_bounds_trim(tmp_path):
    """Two of thirty of one arm lack the last month, nobody of the other."""
    recipe = Recipe(n_persons=60, n_centres=1, layout="relative_monthly", before=0, after=4, without=("services",))
    drawn = random_cohort(recipe, seed=3)
    drawn.config.update({"randomisation": {"draws": 99, "seed": 1}, "bound": {"draws": 99}})
    cohort = read_cohort(write_cohort(drawn, tmp_path))
    found = {name: table for names in analyse(cohort).values() for name, table in names.items()}
    review = {name: store.as_read(found[name]) for name in RELEASED}
    bounds = review["missing_data"].query("method == 'lee_lower'")
    counts = ["n_missing_assigned", "n_missing_control"]
    alone = bounds.assign(**{c: bounds[c].mask(bounds[c].between(1, 2)) for c in counts})
    assert missing_by_share(alone) == [{(0, 2)}]  # it does, where cells are hidden one by one
    shown = released(cohort, review, "ssb")["missing_data"].query("method == 'lee_lower'")
    assert all(len(pairs) > 1 for pairs in missing_by_share(shown))


# --- 8. statuses ---------------------------------------------------------------------------------


@pytest.mark.parametrize("profile", PROFILES)
def test_no_status_tells_of_an_arm_whose_persons_are_hidden(made, profile):
    """``too_few_control`` in a row without counts tells what the flow hides, whichever table prints it."""
    _, shown = made
    flow = shown[profile]["flow"].query("step == 'analysed'").set_index(["centre", "arm"])["n_persons"]
    for name in ("effects", "randomisation", "centre_effects"):
        table = shown[profile][name]
        telling = table[table["status"].isin(["too_few_assigned", "too_few_control"])]
        for row in telling.itertuples():
            arm = row.arm if row.status == "too_few_assigned" else "control"
            assert not math.isnan(float(flow[row.centre, arm])), (name, row.Index)


# --- 10. quantiles that give degrees of freedom ------------------------------------------------


def persons_from_interval(row: pd.Series) -> tuple[float, float]:
    """Degrees of freedom that an interval and its error leave, rounded as both are."""
    error = Rules(0).around(float(row["std_error"]))
    ends = [Rules(0).around(float(row[c])) for c in ("ci_low", "ci_high")]
    low, high = (ends[1][0] - ends[0][1]) / 2 / error[1], (ends[1][1] - ends[0][0]) / 2 / error[0]
    df = np.arange(1, 2000)
    quantile = stats.t.ppf(0.975, df)
    left = df[(quantile >= low) & (quantile <= high)]
    return (left.min(), left.max()) if len(left) else (math.nan, math.nan)


def test_intervals_and_p_values_are_of_the_degrees_of_freedom_that_are_printed(made):
    """Under profiles that round persons, a quantile of t gives rounded degrees of freedom back and no others."""
    review, shown = made
    table = shown["acro"]["effects"]
    rows = table[table[["ci_low", "ci_high", "std_error", "df"]].notna().all(axis=1) & (table["variance"] == "cr1")]
    assert len(rows) > 3
    for i, row in rows.iterrows():
        low, high = persons_from_interval(row)
        assert low <= float(row["df"]) <= high
        p_value = 2 * stats.t.sf(
            abs(review["effects"].loc[i, "estimate"] / review["effects"].loc[i, "std_error"]), float(row["df"])
        )
        low, high = Rules(0).around(float(row["p_value"]))
        assert low <= p_value <= high
        assert pd.isna(row["p_adjusted"])
    assert (rows["df"].astype(float) % 5 == 0).all()


def test_degrees_of_freedom_of_centres_are_not_rounded(made):
    """Centres less one count no persons."""
    review, shown = made
    table = shown["acro"]["heterogeneity"]
    known = table["df"].notna()
    assert table.loc[known, "df"].astype(float).tolist() == review["heterogeneity"].loc[known, "df"].tolist()


# --- 10. events at centres, and who lacks a covariate --------------------------------------------


@pytest.fixture(scope="module")
def few(tmp_path_factory):
    """A trial of 48 persons in two centres with events: what is inside, and what two profiles release."""
    made = random_cohort(Recipe(n_persons=48, n_centres=2, before=2, after=6, has_places=True), seed=4)
    made.config.update({"randomisation": {"draws": 99, "seed": 1}, "bound": {"draws": 99}})
    cohort = read_cohort(write_cohort(made, tmp_path_factory.mktemp("few")))
    found = {name: table for names in analyse(cohort).values() for name, table in names.items()}
    review = {name: store.as_read(found[name]) for name in RELEASED}
    return review, {profile: released(cohort, review, profile) for profile in ("ssb", "dst")}


def first_month(on: str) -> int:
    """The first month that begins after an event, counted from year 0; of one known to the year that after it."""
    year, month, day = (on + "-12-31"[len(on) - 4 :]).split("-")
    return 12 * int(year) + int(month) - (day == "01")


def by_randomisation(exposure: pd.DataFrame, days: pd.Series) -> list[float]:
    """Persons of an arm of a centre who were randomised between two months, or before or after one.

    Everybody is followed for the same months: one after an event has who was randomised so many months before it or
    later, one before it who was randomised earlier than it. Days of events are published elsewhere.
    """
    numbers = [name for name in exposure if name.startswith("n_")]
    table = exposure.astype(dict.fromkeys(numbers, float)).assign(first=[first_month(day) for day in days])
    found = []
    for _, rows in table[table["n_person_months"].notna()].groupby(["centre", "arm"]):
        since = {math.inf: 0.0}
        for row in rows.itertuples():
            since[-math.inf] = row.n_persons
            since[row.first - row.n_person_months / row.n_persons + 1] = row.n_persons_after
            since[row.first] = row.n_persons - row.n_persons_before
        known = [since[month] for month in sorted(since) if not math.isnan(since[month])]
        found += [more - fewer for more, fewer in itertools.combinations(known, 2)]
    return found


def with_small_persons_hidden(exposure: pd.DataFrame, least: int) -> pd.DataFrame:
    """What the table of events alone would hide: few persons before or after an event, or all but few."""
    names = ["n_persons_after", "n_persons_before"]
    is_few = exposure[names].apply(
        lambda n: n.between(1, least - 1) | (exposure["n_persons"] - n).between(1, least - 1)
    )
    return exposure.assign(**{name: exposure[name].mask(is_few[name]) for name in names})


@pytest.mark.parametrize("profile", ["ssb", "dst"])
def test_who_was_randomised_between_two_months_does_not_follow_from_events(few, profile):
    review, shown = few
    inside, least = review["exposure"], profiles.profile(profile).min_cell_count
    alone = by_randomisation(with_small_persons_hidden(inside, least), inside["on"])
    assert any(0 < n < least for n in alone)  # it does, where cells are hidden one by one
    told = by_randomisation(shown[profile]["exposure"], inside["on"])
    assert any(n >= least for n in told)
    assert [n for n in told if 0 < n < least] == []


def test_an_attacker_who_knows_the_events_finds_few_only_where_cells_are_hidden_one_by_one(few):
    review, shown = few
    tables, truth = ({name: table.to_csv(index=False) for name, table in one.items()} for one in (shown["dst"], review))
    assert attacker_attack.attack(tables, truth, Rules(3)) == []
    tables["exposure"] = with_small_persons_hidden(review["exposure"], 3).to_csv(index=False)
    found = attacker_attack.attack(tables, truth, Rules(3))
    assert {leak[0][0] for leak in found} == {"arrived"}


def lacking_schooling(tables: Tables) -> dict[str, tuple[float, float]]:
    """Persons of each arm who lack one covariate, at least and at most, where something is told of it.

    All who lack it are those analysed less those of a regression on it; in an arm they are among those who lack any
    covariate of the table of missing data.
    """
    flow = tables["flow"].query("step == 'analysed' and centre == 'all'").set_index("arm")["n_persons"].astype(float)
    in_it = tables["coefficients"].query("analysis == 'table5_model_2'")["n_persons"].astype(float).iloc[0]
    rows = tables["missing_data"].query("method == 'indicator'")
    most = {
        arm: float(rows[f"n_missing_{side}"].iloc[0])
        for side, arm in (("assigned", rows["arm"].iloc[0]), ("control", rows["reference_arm"].iloc[0]))
    }
    both, lacking = sum(most.values()), float(flow["all"]) - in_it
    found = {arm: (lacking - (both - n), n) for arm, n in most.items()}
    return {arm: bounds for arm, bounds in found.items() if not any(map(math.isnan, bounds))}


def test_who_lacks_one_covariate_does_not_follow_from_those_who_lack_any(few):
    review, shown = few
    least = profiles.profile("dst").min_cell_count
    assert {arm: bounds for arm, bounds in lacking_schooling(review).items() if bounds[0] < least} == {
        "ips": (2.0, 3.0)
    }
    assert not [b for b in lacking_schooling(shown["dst"]).values() if b[0] < least and b[1] - b[0] < least - 1]


# --- 11. ratios over all centres -----------------------------------------------------------------

MONTH = 3


def ways_to_fill(tables: Tables, estimates: dict[str, float]) -> list[tuple[int, int]]:
    """Persons with a job in centre 1, treated and control, that the arms' sums and printed effects leave.

    An effect by least squares on arm and centre is one equation of two numbers, and a ratio of the arms another.
    """
    rows = tables["employment_by_month"].query(f"month == {MONTH}").set_index(["centre", "arm"])
    n, worked = ({at: float(value) for at, value in rows[name].items()} for name in ("n_observed", "n_employed"))
    cells = [(centre, arm) for centre in ("1", "2") for arm in ("ips", "control")]
    X = np.array([[arm == "ips", centre == "1", centre == "2"] for centre, arm in cells], float)
    N, found = np.array([n[cell] for cell in cells]), []
    for one, other in itertools.product(range(int(N[0]) + 1), range(int(N[1]) + 1)):
        Y = np.array([one, other, worked["all", "ips"] - one, worked["all", "control"] - other])
        if not ((Y >= 0) & (Y <= N)).all():
            continue
        fits = {"plain": np.linalg.lstsq(X * np.sqrt(N)[:, None], Y / np.sqrt(N), rcond=None)[0]}
        fits["ratio"] = maximum(X, Y, N) if "ratio" in estimates else None
        bounds = {name: Rules(3).around(value) for name, value in estimates.items()}
        if all(fits[k] is not None and low <= fits[k][0] <= high for k, (low, high) in bounds.items()):
            found.append((one, other))
    return found


def test_effects_of_a_month_over_all_centres_do_not_fill_in_the_centres(tmp_path):
    """Without covariates they are functions of the centres' counts: they leave where these do."""
    made = random_cohort(Recipe(n_persons=60, n_centres=2, before=2, after=4), seed=5)
    made.config.update({"randomisation": {"draws": 99, "seed": 1}, "bound": {"draws": 99}})
    month = {"months": [MONTH, MONTH]}
    made.config["analyses"] = {"ratio": {"estimator": "risk_ratio", **month}, "plain": month}
    cohort = read_cohort(write_cohort(made, tmp_path))
    tables = {name: table for names in analyse(cohort).values() for name, table in names.items()}
    review = {name: store.as_read(tables[name]) for name in RELEASED}
    estimates = {
        row.analysis: row.estimate for row in review["effects"].itertuples() if row.analysis in ("ratio", "plain")
    }
    assert len(ways_to_fill(review, {"plain": estimates["plain"]})) > 2
    assert ways_to_fill(review, estimates) == [(3, 2)]  # two of centre 1's controls, whose count is hidden
    shown = released(cohort, review, "dst")
    counts = shown["employment_by_month"].query(f"month == {MONTH} and centre != 'all'")["n_employed"]
    effects = shown["effects"].query("analysis in ('ratio', 'plain')")
    assert counts.isna().any() and effects["estimate"].isna().all()


@pytest.mark.parametrize("profile", ["ssb", "dst"])
def test_who_is_left_out_of_the_curve_is_not_told_by_who_is_observed(profile: str, tmp_path: Path) -> None:
    """23 persons observed in month 0 less 22 who begin to wait: the one whose centre has no reference arm."""
    cohort = read_cohort(write_drawn(963701866, tmp_path)[0])
    found = {name: table for names in analyse(cohort).values() for name, table in names.items()}
    review = {name: found[name] for name in RELEASED}
    assert found["time_to_job"]["n_left_out"].tolist() == [13, 1]
    made = protect(replace(cohort, disclosure={"profile": profile}), review)
    waiting = made["released_time_to_job"].set_index("arm")["n_at_risk"]
    months = made["released_employment_by_month"].astype(str)
    observed = months[(months["centre"] == "all") & (months["month"] == "0")].set_index("arm")["n_observed"]
    for arm in cohort.arms.all:
        if ":" not in (waiting[arm], observed[arm]):
            assert int(observed[arm]) - int(waiting[arm]) not in (1, 2)
