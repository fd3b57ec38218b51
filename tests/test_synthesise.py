"""The stage synthesise: the contract's columns, other engines on the same rows, real trials, small centres."""

import dataclasses
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
import yaml
from scipy import stats
from statsmodels.stats.meta_analysis import combine_effects

from cohorts import Recipe, random_cohort, write_cohort
from ipseval import store, words
from ipseval.errors import UserError
from ipseval.estimation import second_engine
from ipseval.estimation.joint import JOINT_TESTS, equal_effects
from ipseval.pipeline import measure
from ipseval.products import place
from ipseval.settings import read_cohort
from ipseval.synthesise import synthesise
from ipseval.tables.registry import TABLES
from ipseval.tables.review import Review
from ipseval.terms import parts_of
from ipseval.words import EN_DASH
from test_real_trials import folder_of, run_on_months

CONTRACT = [
    "analysis", "arm", "n_centres", "q", "df", "p_value", "i2", "tau", "tau_low", "tau_high", "pooled", "std_error",
    "ci_low", "ci_high", "prediction_low", "prediction_high", "wald_f", "wald_df1", "wald_df2", "wald_p",
]  # fmt: skip
ANALYSES = ["centre_unadjusted", "table5_model_1", "table5_model_2", "table5_model_3"]
RECIPES = {
    "plain": Recipe(n_persons=200, n_centres=4, before=1, after=12),
    "several": Recipe(n_persons=120, n_centres=3, treatments=("ips", "ips_plus"), has_tiny_centre=True),
}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Cohort, people, panel, effects and what is made of them, by recipe."""
    found = {}
    for name, recipe in RECIPES.items():
        drawn = random_cohort(recipe, seed=5)
        drawn.config["synthesis"] = {"variance": "cr1"}  # which statsmodels has
        cohort = read_cohort(write_cohort(drawn, tmp_path_factory.mktemp(name)))
        stages = measure(cohort)
        given = (stages["cohort"]["people"], stages["panel"]["panel"], stages["estimate"]["effects"])
        found[name] = SimpleNamespace(cohort=cohort, given=given, stages=stages, tables=synthesise(cohort, *given))
    return found


def again(one, **choices):
    """The tables under other choices of the synthesis."""
    cohort = dataclasses.replace(one.cohort, synthesis=dataclasses.replace(one.cohort.synthesis, **choices))
    return synthesise(cohort, *one.given)


def test_columns_and_rows_are_those_of_the_contract(made):
    for one in made.values():
        table = one.tables["heterogeneity"]
        assert list(table.columns[: len(CONTRACT)]) == CONTRACT
        arms = one.cohort.arms.treatments
        assert list(zip(table["analysis"], table["arm"], strict=True)) == [(n, arm) for n in ANALYSES for arm in arms]
        assert len(one.tables["centre_effects"]) == len(table) * len(one.cohort.centres)
        assert len(one.tables["pooled_effects"]) == len(table) * 5


def test_arguments_are_left_as_they_were(made):
    one = made["plain"]
    before = [frame.copy(deep=True) for frame in one.given]
    synthesise(one.cohort, *one.given)
    for frame, copy in zip(one.given, before, strict=True):
        pd.testing.assert_frame_equal(frame, copy)


@pytest.mark.parametrize("analysis", ANALYSES)
def test_meta_analysis_is_that_of_statsmodels(made, analysis):
    one = made["plain"]
    effects = one.given[2].query("analysis == @analysis and variance == 'cr1'")
    with np.errstate(invalid="ignore"):  # errors of a negative tau2, which statsmodels does not cut off
        theirs = combine_effects(effects["estimate"].to_numpy(), effects["std_error"].to_numpy() ** 2, "dl")
    row = again(one, tau="dersimonian_laird")["heterogeneity"].query("analysis == @analysis").iloc[0]
    assert (row["n_centres"], row["df"], row["n_left_out"]) == (4, 3, 0)
    assert row["q"] == pytest.approx(theirs.q)
    assert row["tau"] ** 2 == pytest.approx(max(theirs.tau2, 0), abs=1e-12)
    if theirs.tau2 > 0:
        assert (row["pooled"], row["std_error"]) == pytest.approx((theirs.mean_effect_re, theirs.sd_eff_w_re_hksj))
    assert (row["knapp_hartung"] < 1 - 1e-6) == ("Knapp-Hartung" in row["note"])


def person_months(one, model):
    """Person-months and columns of a model of table 5 for other packages; persons with all covariates only."""
    people, panel, _ = one.given
    analysed = people[people["is_analysed"]].reset_index(drop=True)
    rows = second_engine.expanded(analysed, panel, "ordinary_employment", range(one.cohort.window.after + 1))
    listed = one.stages["estimate"]["coefficients"].query("analysis == @model and variance == 'cr1'")
    Z = second_engine.columns(rows, {row["term"]: parts_of(row) for row in listed.to_dict("records")})
    complete = Z.notna().all(axis=1)
    return rows[complete], Z[complete]


@pytest.mark.parametrize("model", ANALYSES[1:])
def test_joint_test_and_pooled_errors_of_a_model_are_those_of_statsmodels(made, model):
    one = made["plain"]
    rows, Z = person_months(one, model)
    groups = pd.factorize(rows["person_id"])[0]
    theirs = sm.OLS(rows["y"].to_numpy(), Z.to_numpy()).fit(cov_type="cluster", cov_kwds={"groups": groups}, use_t=True)
    columns = [list(Z).index(f"assigned[ips]:centre[{c}]") for c in one.cohort.centres]
    test = theirs.f_test(equal_effects(Z.shape[1], columns))
    row = again(one, joint_test="cr1")["heterogeneity"].query("analysis == @model").iloc[0]
    wanted = [test.fvalue, 3, groups.max(), test.pvalue]
    np.testing.assert_allclose(row[["wald_f", "wald_df1", "wald_df2", "wald_p"]].astype(float), wanted, rtol=1e-8)

    n = one.tables["centre_effects"].query("analysis == @model")
    weights = {
        "centres": np.full(4, 0.25),
        "persons": (n["n_assigned"] + n["n_control"]).to_numpy(),
        "overlap": (n["n_assigned"] * n["n_control"] / (n["n_assigned"] + n["n_control"])).to_numpy(),
        "precision": 1 / theirs.bse[columns] ** 2,
    }
    pooled = one.tables["pooled_effects"].query("analysis == @model").set_index("weighting")
    for name, w in weights.items():
        row = np.zeros(Z.shape[1])
        row[columns] = w / w.sum()
        mean = theirs.t_test(row)
        ours = pooled.loc[name, ["estimate", "std_error", "df", "ci_low", "ci_high"]].astype(float)
        wanted = [mean.effect.item(), mean.sd.item(), groups.max(), *mean.conf_int()[0]]
        np.testing.assert_allclose(ours, wanted, rtol=1e-8)


def test_joint_test_of_separate_regressions_is_cochrans(made):
    row = again(made["plain"], joint_test="cr1")["heterogeneity"].iloc[0]
    assert row["wald_f"] * row["wald_df1"] == pytest.approx(row["q"])


def test_separate_effects_are_pooled_as_independent(made):
    one = made["plain"]
    effects = one.given[2].query("analysis == 'centre_unadjusted' and variance == 'cr1'")
    v, df = effects["std_error"].to_numpy() ** 2, effects["df"].to_numpy()
    pooled = one.tables["pooled_effects"].query("analysis == 'centre_unadjusted'").set_index("weighting")
    assert pooled.loc["precision", "std_error"] == pytest.approx((1 / v).sum() ** -0.5)
    assert pooled.loc["centres", "std_error"] == pytest.approx(np.sqrt(v.sum()) / 4)
    assert pooled.loc["centres", "df"] == pytest.approx(v.sum() ** 2 / (v**2 / df).sum())


def test_minimum_detectable_effects(made):
    one = made["plain"]
    centres, effects = one.tables["centre_effects"], one.given[2].query("variance == 'cr1'")
    both = centres.merge(effects[["analysis", "centre", "arm", "df"]], on=["analysis", "centre", "arm"])
    wanted = both["std_error"] * (stats.t.ppf(0.975, both["df"]) + stats.t.ppf(0.8, both["df"]))
    np.testing.assert_allclose(both["minimum_detectable"], wanted)


def test_shares_and_leave_one_out(made):
    centres = made["plain"].tables["centre_effects"]
    sums = centres.groupby("analysis")[["weight_precision", "weight_random"]].sum()
    np.testing.assert_allclose(sums, 1)
    assert (
        centres[["shrunken_low", "shrunken_high", "pooled_without", "pooled_without_std_error"]].notna().all(axis=None)
    )


def test_small_centres_are_kept_out_and_named(made):
    one = made["several"]
    table, centres = one.tables["heterogeneity"], one.tables["centre_effects"]
    assert (table["n_centres"] == 2).all()
    assert table["note"].str.contains(r"not pooled: 3 \(too_few").all()
    assert table["note"].str.contains("no prediction interval").all()
    assert table[["prediction_low", "prediction_high"]].isna().all(axis=None)
    left = centres["centre"] == "3"
    assert centres.loc[left, ["weight_precision", "weight_random", "shrunken", "pooled_without"]].isna().all(axis=None)
    assert (
        centres.loc[~left, ["weight_precision", "weight_random", "shrunken", "pooled_without"]].notna().all(axis=None)
    )


def test_an_estimated_effect_of_few_persons_stays_and_is_not_pooled(made):
    one = made["plain"]
    counts = one.tables["centre_effects"].query("analysis == 'centre_unadjusted'").set_index("centre")
    least = counts[["n_assigned", "n_control"]].min(axis=1)
    tables = again(one, min_persons_per_arm=int(least.min()) + 1)
    rows = tables["centre_effects"].query("analysis == 'centre_unadjusted'").set_index("centre")
    out = least.idxmin()
    assert rows.loc[out, "status"] == "too_few_for_pooling"
    assert rows.loc[out, "estimate"] == counts.loc[out, "estimate"]
    assert np.isnan(rows.loc[out, "weight_random"])
    first = tables["heterogeneity"].iloc[0]
    assert f"{out} (too_few_for_pooling)" in first["note"]
    assert first["n_centres"] + first["n_left_out"] == 4


def test_nothing_is_pooled_where_nothing_can_be(made):
    tables = again(made["plain"], min_persons_per_arm=10_000)
    row = tables["heterogeneity"].iloc[0]
    assert row["n_centres"] == 0
    assert row[CONTRACT[3:]].isna().all()
    assert row["note"].startswith("fewer than two centres to pool")
    assert tables["pooled_effects"][["estimate", "std_error", "ci_low"]].isna().all(axis=None)


@pytest.mark.parametrize("name", JOINT_TESTS)
def test_every_joint_test_can_be_chosen(made, name):
    row = again(made["plain"], joint_test=name)["heterogeneity"].iloc[0]
    assert row["joint_test"] == name
    assert 0 < row["wald_p"] < 1


def test_variance_that_is_not_estimated_is_refused(made, tmp_path):
    cohort = random_cohort(RECIPES["plain"], seed=5)
    file = write_cohort(cohort, tmp_path)
    file.write_text(yaml.safe_dump(cohort.config | {"synthesis": {"variance": "cr7"}}), encoding="utf-8")
    with pytest.raises(UserError, match=r"synthesis\.variance 'cr7' is not among"):
        read_cohort(file)


def test_table_prints_the_numbers_and_says_what_is_lacking(made):
    for one in made.values():
        frames = {k: v for stage in one.stages.values() for k, v in stage.items()} | one.tables
        table = TABLES["heterogeneity"](Review(one.cohort, frames))
        assert [column.head for column in table.columns] == ["Unadjusted", "Model 1", "Model 2", "Model 3"]
        rows = {row.head: row.cells for row in table.rows if row.group.startswith("ips against")}
        first = one.tables["heterogeneity"].iloc[0]
        assert rows["Cochran's Q"][0].text == words.number(first["q"], 2)
        assert rows["Joint test: p"][0].text == words.p_value(first["wald_p"])
        assert rows["Centres as drawn from a distribution"][0].text == words.points(first["pooled"])
        (further,) = (cells[0] for head, cells in rows.items() if head.startswith("Effect in a further"))
        assert (further.text == EN_DASH) == (first["n_centres"] < 3)
    assert "Centre 3 (fewer than 2 persons" in " ".join(table.notes)


@pytest.mark.parametrize("trial", ["respiratory", "indo_rct", "ctn0051"])
def test_a_run_on_a_real_trial_gives_the_numbers_of_another_implementation(trial: str, tmp_path: Path) -> None:
    theirs = pd.read_csv(folder_of(trial) / "reference_meta.csv").query("adjusted == 0").iloc[0]
    run_on_months(trial, tmp_path)
    files = (place("cohort", "people"), place("panel", "panel"), place("estimate", "effects_parquet"))
    given = [store.read(tmp_path / "results" / file) for file in files]
    cohort = read_cohort(tmp_path / f"{trial}.yaml")
    theirs_is_cr1 = dataclasses.replace(cohort, synthesis=dataclasses.replace(cohort.synthesis, variance="cr1"))
    tables = synthesise(theirs_is_cr1, *given)
    row = tables["heterogeneity"].query("analysis == 'centre_unadjusted'").iloc[0]
    pooled = tables["pooled_effects"].query("analysis == 'centre_unadjusted'").set_index("weighting")
    ours = [row["n_centres"], *pooled.loc["precision", ["estimate", "std_error"]], *row[["q", "df", "p_value", "i2"]]]
    wanted = theirs[["k", "fixed", "se_fixed", "Q", "Q_df", "Q_p", "I2"]]
    np.testing.assert_allclose(np.array(ours, dtype=float), wanted.to_numpy(dtype=float), rtol=1e-7, atol=1e-10)
