"""Estimators beside additive least squares, subgroups and the covariate of earlier employment, against others' values.

Tolerances: least squares and the logit solve the same equations by other arithmetic (1e-9); R's delta-method error
rests on a numerical gradient (1e-7).
"""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
import statsmodels.formula.api as smf

from cohorts import Recipe, random_cohort, write_cohort
from ipseval.config import Analysis, Cohort, Subgroup
from ipseval.estimate import estimate
from ipseval.estimation.analyses import regressions
from ipseval.estimation.design import DIFFERENCE, MEMBERS, OTHERS
from ipseval.estimation.estimators import ESTIMATORS
from ipseval.panel import MONTH_COLUMN, analysed_months
from ipseval.settings import read_cohort
from test_real_trials import folder_of

REFERENCE = Path(__file__).parent / "reference"
AGE = ("age", "is_old")
KEY = ["centre", "month_from", "month_to"]


def cohort_of(
    tmp_path: Path, *analyses: Analysis, centres: list[str], treatments: tuple[str, ...], after: int
) -> Cohort:
    """A cohort with these analyses only, of persons that the test brings."""
    cohort = read_cohort(write_cohort(random_cohort(Recipe(treatments=treatments), seed=1), tmp_path))
    window, centre_names = replace(cohort.window, before=0, after=after), {c: c for c in centres}
    return replace(cohort, analyses=analyses, window=window, centres=centre_names)


def people_and_panel(rows: pd.DataFrame, after: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Persons (all randomised on one day) and panel; rows have ``person``, ``month``, ``y`` and what is constant."""
    constant = rows.drop(columns=["month", "y"]).drop_duplicates("person").rename(columns={"person": "person_id"})
    people = constant.assign(is_analysed=True, randomised_on=pd.Timestamp("2013-01-15"))
    people = people.astype({"centre": str}).sort_values("person_id", ignore_index=True)
    wide = rows.pivot(index="person", columns="month", values="y").reindex(columns=range(after + 1)).fillna(-1)
    wide.columns = [MONTH_COLUMN.format(k) for k in wide.columns]
    panel = wide.astype("int8").reset_index(names="person_id").assign(outcome="ordinary_employment")
    return people, panel


# --- against R ---


@pytest.fixture(scope="module")
def theirs() -> pd.DataFrame:
    return pd.read_csv(REFERENCE / "estimators.csv", index_col="what", skipinitialspace=True)


@pytest.fixture(scope="module")
def ours(tmp_path_factory) -> pd.DataFrame:
    """Effects on the persons of ``panel.csv``, by analysis and variance."""
    rows = pd.read_csv(REFERENCE / "panel.csv")
    rows = rows.assign(arm=np.where(rows["assigned"] == 1, "ips", "control"), is_old=(rows["age"] >= 40) * 1.0)
    analyses = (
        Analysis("lin", "follow_up", estimator="lin", adjust=AGE),
        Analysis("logit", "follow_up", estimator="logit", adjust=AGE),
        Analysis("logit_months", "follow_up", estimator="logit", adjust=AGE, time=("month_since_randomisation",)),
    )
    parts = people_and_panel(rows.drop(columns="assigned"), 7)
    folder = tmp_path_factory.mktemp("r")
    one = cohort_of(folder, analyses[0], centres=["1"], treatments=("ips",), after=7)
    several = cohort_of(folder, *analyses[1:], centres=["1", "2", "3"], treatments=("ips",), after=7)
    found = [estimate(one, parts[0].assign(centre="1"), parts[1]), estimate(several, *parts)]
    return pd.concat([made["effects"] for made in found]).set_index(["analysis", "variance"])


@pytest.mark.parametrize("variance", ["cr1", "cr2"])
def test_lin_is_that_of_estimatr(ours: pd.DataFrame, theirs: pd.DataFrame, variance: str) -> None:
    row, wanted = ours.loc[("lin", variance)], theirs.loc[f"lin_{variance}"]
    for name in ("estimate", "std_error", "df"):
        assert row[name] == pytest.approx(wanted[name], abs=1e-9), name


@pytest.mark.parametrize("analysis", ["logit", "logit_months"])
def test_logit_is_that_of_r(ours: pd.DataFrame, theirs: pd.DataFrame, analysis: str) -> None:
    row, wanted = ours.loc[(analysis, "cr1")], theirs.loc[analysis]
    assert row["estimate"] == pytest.approx(wanted["estimate"], abs=1e-9)
    assert row["std_error"] == pytest.approx(wanted["std_error"], abs=1e-7)
    assert row["df"] == wanted["df"]


# --- against real trials ---


@pytest.mark.parametrize("trial", ["respiratory", "indo_rct", "ctn0051"])
def test_lin_on_real_trials_is_that_of_another_implementation(trial: str, tmp_path: Path) -> None:
    rows = pd.read_csv(folder_of(trial) / f"{trial}.csv", dtype={"person": str, "centre": str})
    wanted = pd.read_csv(folder_of(trial) / "reference_lin.csv", dtype={"centre": str, "month": str})
    after, reference = (
        int(rows["month"].max()),
        {"respiratory": "placebo", "indo_rct": "placebo"}.get(trial, "buprenorphine"),
    )
    names = [c for c in rows if c not in ("person", "centre", "arm", "month", "outcome", "treat")]
    used = tuple(n for n in names if n in COVARIATES[trial])
    arm = np.where(rows["arm"] == reference, "control", "ips")
    rows = rows.assign(arm=arm, y=rows["outcome"])[["person", "centre", "arm", "month", "y", *used]]
    time = ("month_since_randomisation",)
    analyses = (
        Analysis("pooled_lin", (1, after), estimator="lin", adjust=used, time=time),
        Analysis("per_month_lin", "each", estimator="lin", adjust=used),
        Analysis("per_centre_lin", (1, after), within="centre", estimator="lin", adjust=used, time=time),
    )
    cohort = cohort_of(tmp_path, *analyses, centres=sorted(set(rows["centre"])), treatments=("ips",), after=after)
    effects = estimate(cohort, *people_and_panel(rows, after))["effects"].query("variance == 'cr1'")
    month = wanted["month"].where(wanted["month"] != "ALL")
    wanted = wanted.assign(
        analysis=wanted["spec"],
        centre=wanted["centre"].replace("ALL", "all"),
        month_from=month.fillna("1").astype(int),
        month_to=month.fillna(str(after)).astype(int),
    )
    both = wanted.merge(effects, on=["analysis", *KEY], how="left", suffixes=("_theirs", ""))
    assert len(both) > 2
    assert (both["status"] == "estimated").all()
    assert (both["estimate"] - both["estimate_theirs"]).abs().max() < 1e-8
    assert (both["std_error"] - both["se_cr1"]).abs().max() < 1e-8


COVARIATES = {
    "respiratory": ("baseline", "age", "male"),
    "indo_rct": ("age", "risk", "female", "sod", "pep", "outpatient"),
    "ctn0051": ("age", "male", "hispanic", "black", "white"),
}


def test_logit_of_respiratory_is_the_published_gee(tmp_path: Path) -> None:
    """GEE with independence is our logit: coefficient 1.29921589, robust error .35077797 (HSAUR, figure 11.5)."""
    from statsmodels.genmod.families import Binomial
    from statsmodels.genmod.generalized_estimating_equations import GEE

    rows = pd.read_csv(folder_of("respiratory") / "respiratory.csv")
    centre = (rows["centre"] == "C2").astype(float)
    Z = pd.DataFrame(
        {"one": 1.0, "centre": centre, "male": rows["male"], "baseline": rows["baseline"], "age": rows["age"]}
    )
    Z["treat"] = rows["treat"].astype(float)
    fitted = GEE(rows["outcome"], Z, groups=rows["person"], family=Binomial()).fit()
    assert fitted.params["treat"] == pytest.approx(1.29921589, abs=1e-6)
    assert fitted.bse["treat"] == pytest.approx(0.35077797, abs=1e-6)
    with_all = [1 / (1 + np.exp(-(Z.assign(treat=a) @ fitted.params))) for a in (1.0, 0.0)]
    gradient = sum(
        s * (Z.assign(treat=a) * (m * (1 - m)).to_numpy()[:, None]).mean()
        for a, m, s in zip((1.0, 0.0), with_all, (1, -1), strict=True)
    )
    G, N, K = 111, 444, 6
    error = np.sqrt(gradient @ fitted.cov_params() @ gradient * G / (G - 1) * (N - 1) / (N - K))
    cohort = cohort_of(
        tmp_path, Analysis("logit", (1, 4), estimator="logit", adjust=("male", "baseline", "age")),
        centres=["C1", "C2"], treatments=("ips",), after=4,
    )  # fmt: skip
    arm = np.where(rows["treat"] == 1, "ips", "control")
    rows = rows.assign(arm=arm, y=rows["outcome"])[["person", "centre", "arm", "month", "y", "male", "baseline", "age"]]
    (effect,) = estimate(cohort, *people_and_panel(rows, 4))["effects"].itertuples()
    assert effect.estimate == pytest.approx(float(with_all[0].mean() - with_all[1].mean()), abs=1e-9)
    assert effect.std_error == pytest.approx(error, abs=1e-7)  # their iterations stop at 1e-6


# --- identities ---


def some_rows(seed: int, n: int = 120, months: int = 4, arms: tuple[str, ...] = ("control", "ips")) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    person = pd.DataFrame(
        {
            "person": [f"P{i:03d}" for i in range(n)],
            "centre": np.where(np.arange(n) % 3, "1", "2"),
            "arm": np.array(arms)[rng.integers(len(arms), size=n)],
            "age": rng.uniform(18, 60, n),
        }
    )
    rows = person.merge(pd.DataFrame({"month": range(months)}), how="cross")
    share = 0.25 + 0.2 * (rows["arm"] != "control") + 0.15 * (rows["age"] < 31) * (rows["arm"] == "ips")
    return rows.assign(y=(rng.random(len(rows)) < share).astype(int))[rng.random(len(rows)) < 0.9]


def test_a_saturated_logit_is_the_difference_of_shares(tmp_path: Path) -> None:
    rows = some_rows(3)
    analyses = Analysis("logit", "follow_up", estimator="logit"), Analysis("ols", "follow_up")
    cohort = cohort_of(tmp_path, *analyses, centres=["1"], treatments=("ips",), after=3)
    effects = estimate(cohort, *people_and_panel(rows.assign(centre="1"), 3))["effects"].query("variance == 'cr1'")
    shares = rows.groupby("arm")["y"].mean()
    for name, row in effects.set_index("analysis").iterrows():
        assert row["estimate"] == pytest.approx(shares["ips"] - shares["control"], abs=1e-10), name
    assert effects["std_error"].iloc[0] == pytest.approx(effects["std_error"].iloc[1], abs=1e-10)


def by_key(effects: pd.DataFrame) -> pd.DataFrame:
    """Estimates and errors by arm and variance."""
    assert (effects["status"] == "estimated").all()
    return effects.set_index(["arm", "variance"])[["estimate", "std_error", "df"]].sort_index()


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_no_estimate_moves_with_what_must_not_matter(estimator: str, tmp_path: Path) -> None:
    """Order of persons, base category of the centre, unit and origin of a covariate; over the registry."""
    rows = some_rows(4, arms=("control", "ips", "ips_plus"))
    analysis = Analysis("a", "follow_up", estimator=estimator, adjust=("age",), time=("month_since_randomisation",))
    cohort = cohort_of(tmp_path, analysis, centres=["1", "2"], treatments=("ips", "ips_plus"), after=3)
    people, panel = people_and_panel(rows, 3)
    wanted = by_key(estimate(cohort, people, panel)["effects"])
    other_base = replace(cohort, centres=dict(reversed(cohort.centres.items())))
    shuffled = people.sample(frac=1, random_state=0).reset_index(drop=True)
    variants = {
        "order": (cohort, shuffled),
        "base category": (other_base, people),
        "unit": (cohort, people.assign(age=people["age"] * 365.25 - 7000)),
    }
    for what, (chosen, persons) in variants.items():
        found = by_key(estimate(chosen, persons, panel)["effects"])
        np.testing.assert_allclose(found, wanted, atol=1e-7, rtol=1e-7, err_msg=what)


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_swapping_the_arms_flips_the_sign(estimator: str, tmp_path: Path) -> None:
    rows = some_rows(4)
    analysis = Analysis("a", "follow_up", estimator=estimator, adjust=("age",))
    cohort = cohort_of(tmp_path, analysis, centres=["1", "2"], treatments=("ips",), after=3)
    one = by_key(estimate(cohort, *people_and_panel(rows, 3))["effects"])
    swapped = rows.assign(arm=rows["arm"].map({"ips": "control", "control": "ips"}))
    other = by_key(estimate(cohort, *people_and_panel(swapped, 3))["effects"])
    np.testing.assert_allclose(one["estimate"], -other["estimate"], atol=1e-9)
    np.testing.assert_allclose(one["std_error"], other["std_error"], atol=1e-9)


def test_a_separated_logit_has_a_status_and_no_number(tmp_path: Path) -> None:
    rows = some_rows(5).assign(y=lambda r: (r["arm"] == "ips").astype(int))
    cohort = cohort_of(
        tmp_path, Analysis("l", "follow_up", estimator="logit"), centres=["1", "2"], treatments=("ips",), after=3
    )
    (row,) = estimate(cohort, *people_and_panel(rows, 3))["effects"].to_dict("records")
    assert row["status"] == "separated"
    assert np.isnan(row["estimate"])
    assert row["n_assigned"] + row["n_control"] == rows["person"].nunique()


# --- subgroups ---


@pytest.mark.parametrize("arms", [("control", "ips"), ("control", "ips", "ips_plus")])
def test_subgroup_effects_are_contrasts_of_one_model(tmp_path: Path, arms: tuple[str, ...]) -> None:
    rows = some_rows(6, n=150, arms=arms)
    analysis = Analysis(
        "s", "follow_up", subgroup=Subgroup("age", 18, 31), adjust=("age",), time=("month_since_randomisation",)
    )
    cohort = cohort_of(tmp_path, analysis, centres=["1", "2"], treatments=arms[1:], after=3)
    effects = estimate(cohort, *people_and_panel(rows, 3))["effects"].query("variance == 'cr1'")
    rows = rows.assign(young=(rows["age"] < 31).astype(int), **{a: (rows["arm"] == a).astype(int) for a in arms[1:]})
    formula = "y ~ C(centre) + C(month) + age + young" + "".join(f" + {a} + {a}:young" for a in arms[1:])
    clusters = {"groups": pd.factorize(rows["person"])[0]}
    fitted = smf.ols(formula, rows).fit(cov_type="cluster", cov_kwds=clusters, use_t=True)
    for arm in arms[1:]:
        wanted = {MEMBERS: f"{arm} + {arm}:young = 0", OTHERS: f"{arm} = 0", DIFFERENCE: f"{arm}:young = 0"}
        for side, contrast in wanted.items():
            test = fitted.t_test(contrast)
            (row,) = effects[(effects["arm"] == arm) & (effects["subgroup"] == side)].itertuples()
            assert row.estimate == pytest.approx(test.effect.item(), abs=1e-9)
            assert row.std_error == pytest.approx(test.sd.item(), abs=1e-9)
            assert row.p_value == pytest.approx(test.pvalue.item(), abs=1e-8)
        here = rows.drop_duplicates("person")
        for side, is_young in ((MEMBERS, 1), (OTHERS, 0)):
            (row,) = effects[(effects["arm"] == arm) & (effects["subgroup"] == side)].itertuples()
            assert row.n_assigned == ((here["arm"] == arm) & (here["young"] == is_young)).sum()
            assert row.n_control == ((here["arm"] == "control") & (here["young"] == is_young)).sum()
            own = rows[(rows["arm"] == "control") & (rows["young"] == is_young)]
            assert row.mean_control == pytest.approx(own["y"].mean(), abs=1e-12)


def test_a_subgroup_without_its_covariate_or_without_members_keeps_its_rows(tmp_path: Path) -> None:
    rows = some_rows(7)
    analyses = (
        Analysis("absent", "follow_up", subgroup=Subgroup("illness", 1)),
        Analysis("empty", "follow_up", subgroup=Subgroup("age", 90)),
    )
    cohort = cohort_of(tmp_path, *analyses, centres=["1", "2"], treatments=("ips",), after=3)
    effects = estimate(cohort, *people_and_panel(rows, 3))["effects"].query("variance == 'cr1'")
    status = effects.set_index(["analysis", "subgroup"])["status"]
    assert (status.loc["absent"] == "no_covariate").all()
    assert status.loc["empty", MEMBERS] == status.loc["empty", DIFFERENCE] == "too_few_assigned"
    assert status.loc["empty", OTHERS] == "estimated"
    assert (effects["estimate"].notna() == (effects["status"] == "estimated")).all()


# --- what happened before ---


def test_share_employed_before_is_counted_over_observed_months(tmp_path: Path) -> None:
    cohort = read_cohort(write_cohort(random_cohort(Recipe(before=3, after=4), seed=2), tmp_path))
    people = pd.DataFrame({"person_id": ["a", "b", "c"], "is_analysed": [True, False, True]})
    months = [MONTH_COLUMN.format(k) for k in cohort.window.months]
    states = [[1, 0, -1, 1, 1, 1, 1, 1], [1] * 8, [-1, -1, -1, 0, 0, 0, 0, 0]]
    panel = pd.DataFrame(states, columns=months).assign(person_id=["a", "b", "c"], outcome="ordinary_employment")
    analysed, found = analysed_months(cohort, people, panel, "ordinary_employment")
    assert found.shape == (2, 8)
    assert analysed["share_employed_before"].tolist()[0] == 0.5
    assert np.isnan(analysed["share_employed_before"].tolist()[1])
    without = replace(cohort, window=replace(cohort.window, before=0))
    assert "share_employed_before" not in analysed_months(without, people, panel, "ordinary_employment")[0]


def test_adjusting_for_earlier_employment_is_least_squares_with_that_column(tmp_path: Path) -> None:
    rows = some_rows(8, months=7)
    people, panel = people_and_panel(rows, 6)
    shifted = panel.rename(columns={MONTH_COLUMN.format(k): MONTH_COLUMN.format(k - 3) for k in range(7)})
    cohort = cohort_of(tmp_path, centres=["1", "2"], treatments=("ips",), after=3)
    analysis = Analysis("h", "follow_up", adjust=("age", "share_employed_before"))
    cohort = replace(cohort, window=replace(cohort.window, before=3), analyses=(analysis,))
    (row,) = estimate(cohort, people, shifted)["effects"].query("variance == 'cr1'").itertuples()
    before = rows[rows["month"] < 3].groupby("person")["y"].mean()
    after = rows[rows["month"] >= 3].assign(before=lambda r: r["person"].map(before)).dropna()
    Z = np.column_stack(
        [np.ones(len(after)), after["centre"] == "2", after["age"], after["before"], after["arm"] == "ips"]
    )
    fitted = sm.OLS(after["y"], Z.astype(float)).fit(
        cov_type="cluster", cov_kwds={"groups": pd.factorize(after["person"])[0]}
    )
    assert row.estimate == pytest.approx(fitted.params.iloc[-1], abs=1e-9)
    assert row.std_error == pytest.approx(fitted.bse.iloc[-1], abs=1e-9)


def test_regressions_of_a_subgroup_are_two(tmp_path: Path) -> None:
    rows = some_rows(9)
    analysis = Analysis("s", "follow_up", subgroup=Subgroup("age", 18, 31))
    cohort = cohort_of(tmp_path, analysis, centres=["1", "2"], treatments=("ips",), after=3)
    people, panel = people_and_panel(rows, 3)
    analysed, states = analysed_months(cohort, people, panel, "ordinary_employment")
    found = list(regressions(cohort, analysis, analysed, states))
    assert [[e.subgroup for e in one.design.effects] for one in found] == [[MEMBERS], [OTHERS, DIFFERENCE]]
