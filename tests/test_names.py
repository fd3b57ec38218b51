"""Means of centres are what they are called, months are those that are there, and few persons are said to be few.

The trials are those in which an outsider saw another number than the name promised; values are worked out by hand.
Tolerance: sums of shares in another order (1e-12).
"""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm

from ipseval.config import Analysis, Cohort, Subgroup
from ipseval.estimate import estimate
from ipseval.randomise import randomise
from ipseval.synthesise import synthesise
from ipseval.verify import second_engine_checks
from test_estimators import cohort_of, people_and_panel

WITHIN = Analysis("centre_unadjusted", "follow_up", within="centre")
STANDARDISED = Analysis("standardised", "follow_up", estimator="standardised")
OVERALL = Analysis("adjustment_none", "follow_up")


def rows_of(cells: dict[tuple[str, str], list[int]], months: int = 1, **columns: list) -> pd.DataFrame:
    """Persons by centre and arm; each has the same outcome in every month."""
    found = [
        {"person": f"{centre}{arm}{i:03d}", "centre": centre, "arm": arm, "month": k, "y": y}
        for (centre, arm), outcomes in cells.items()
        for i, y in enumerate(outcomes)
        for k in range(months)
    ]
    return pd.DataFrame(found).assign(**columns)


def share(n: int, ones: int) -> list[int]:
    """So many persons, so many of them with the outcome."""
    return [1] * ones + [0] * (n - ones)


# A: 200 against 200, no effect; B: 360 against 40, .7 against .3
UNEQUAL = {
    ("A", "ips"): share(200, 60),
    ("A", "control"): share(200, 60),
    ("B", "ips"): share(360, 252),
    ("B", "control"): share(40, 12),
}


def made(
    tmp_path: Path, rows: pd.DataFrame, *analyses: Analysis, after: int = 0, **chosen: object
) -> tuple[Cohort, tuple]:
    arms = tuple(sorted(set(rows["arm"]) - {"control"}))
    cohort = cohort_of(tmp_path, *analyses, centres=sorted(set(rows["centre"])), treatments=arms, after=after)
    cohort = replace(cohort, synthesis=replace(cohort.synthesis, **chosen))
    people, panel = people_and_panel(rows, after)
    return cohort, (people, panel, estimate(cohort, people, panel)["effects"])


# --- which mean ---


def test_each_mean_of_the_centres_has_the_weights_of_its_name(tmp_path: Path) -> None:
    cohort, parts = made(tmp_path, rows_of(UNEQUAL), WITHIN)
    pooled = synthesise(cohort, *parts)["pooled_effects"].set_index("weighting")
    errors = parts[2].query("variance == @cohort.pooled_variance").set_index("centre")["std_error"] ** 2
    overlap = np.array([100.0, 36.0]) / 136  # 200 x 200 / 400 and 360 x 40 / 400
    assert pooled.loc["overlap", "estimate"] == pytest.approx(overlap @ [0, 0.4], abs=1e-12)
    assert pooled.loc["persons", "estimate"] == pytest.approx(0.2, abs=1e-12)
    assert pooled.loc["persons", "std_error"] == pytest.approx(np.sqrt(errors.sum() / 4), rel=1e-12)
    assert pooled.loc["centres", "estimate"] == pytest.approx(0.2, abs=1e-12)
    assert set(pooled.index) == {"random_effects", "precision", "overlap", "persons", "centres"}


def test_persons_are_those_of_all_arms(tmp_path: Path) -> None:
    cells = UNEQUAL | {("A", "other"): share(100, 30), ("B", "other"): share(1300, 390)}
    cohort, parts = made(tmp_path, rows_of(cells), WITHIN)
    pooled = synthesise(cohort, *parts)["pooled_effects"].query("arm == 'ips'").set_index("weighting")
    assert pooled.loc["persons", "estimate"] == pytest.approx(0.4 * 1700 / 2200, abs=1e-12)


def test_the_standardised_effect_is_that_in_the_persons_of_the_trial(tmp_path: Path) -> None:
    """Error of cr2: HC2 of saturated means, sum of squared shares times s1^2 / n1 + s0^2 / n0, worked out here."""
    _, (_, _, effects) = made(tmp_path, rows_of(UNEQUAL), STANDARDISED, OVERALL)
    row = effects.set_index(["analysis", "variance"])
    spread = {cell: np.var(y, ddof=1) / len(y) for cell, y in UNEQUAL.items()}
    assert row.loc[("standardised", "cr2"), "estimate"] == pytest.approx(0.2, abs=1e-12)
    assert row.loc[("standardised", "cr2"), "std_error"] == pytest.approx(np.sqrt(sum(spread.values()) / 4), rel=1e-9)
    assert row.loc[("adjustment_none", "cr2"), "estimate"] == pytest.approx(0.4 * 36 / 136, abs=1e-12)


def test_the_standardised_effect_is_over_the_strata_of_each_centre(tmp_path: Path) -> None:
    """Shares assigned that differ by centre x stratum; covariates beside them as in Lin's regression by statsmodels."""
    rng = np.random.default_rng(2)
    sizes = {("A", "1"): (30, 10), ("A", "2"): (8, 24), ("B", "1"): (12, 12), ("B", "2"): (40, 8)}
    people = [
        (centre, stratum, arm)
        for (centre, stratum), counts in sizes.items()
        for arm, n in zip(("ips", "control"), counts, strict=True)
        for _ in range(n)
    ]
    rows = pd.DataFrame(people, columns=["centre", "stratum", "arm"])
    rows = rows.assign(person=[f"p{i:03d}" for i in range(len(rows))], month=0, age=rng.normal(40, 9, len(rows)))
    gain = rows["arm"].eq("ips") * rows["stratum"].map({"1": 0.6, "2": 0.0})
    rows["y"] = (rng.random(len(rows)) < 0.2 + gain + 0.1 * (rows["centre"] == "B")).astype(int)
    adjusted = replace(STANDARDISED, name="adjusted", adjust=("age",))
    _, (_, _, effects) = made(tmp_path, rows, STANDARDISED, adjusted)
    found = effects.query("variance == 'cr2'").set_index("analysis")
    means = rows.groupby(["centre", "stratum", "arm"])["y"].mean().unstack()
    weight = rows.groupby(["centre", "stratum"]).size() / len(rows)
    assert found.loc["standardised", "estimate"] == pytest.approx(
        ((means["ips"] - means["control"]) * weight).sum(), abs=1e-12
    )
    cells = pd.get_dummies(rows["centre"] + rows["stratum"]).astype(float).iloc[:, 1:].assign(age=rows["age"])
    centred, a = cells - cells.mean(), rows["arm"].eq("ips").astype(float)
    Z = pd.concat([a.rename("a"), cells, centred.mul(a, axis=0).add_prefix("a:")], axis=1)
    wanted = sm.OLS(rows["y"], sm.add_constant(Z)).fit(cov_type="HC2")
    assert found.loc["adjusted", "estimate"] == pytest.approx(wanted.params["a"], abs=1e-9)
    assert found.loc["adjusted", "std_error"] == pytest.approx(wanted.bse["a"], rel=1e-9)


def test_the_standardised_effect_is_not_told_where_a_centre_lacks_an_arm(tmp_path: Path) -> None:
    cells = {cell: y for cell, y in UNEQUAL.items() if cell != ("B", "control")}
    _, (_, _, effects) = made(tmp_path, rows_of(cells), STANDARDISED)
    assert set(effects["status"]) == {"collinear"}


def test_draws_and_the_second_engine_know_the_standardised_effect(tmp_path: Path) -> None:
    rows = rows_of({cell: y[:40:2] for cell, y in UNEQUAL.items()}, months=3)
    rows = rows.assign(
        y=rows["y"] ^ (rows.index % 5 == 0), stratum=np.where(rows["person"].str[-1].isin(list("02468")), "x", "y")
    )
    cohort, (people, panel, effects) = made(tmp_path, rows, STANDARDISED, after=2)
    tested = randomise(cohort, people, panel, effects)["randomisation"]
    cr1 = effects.query("variance == 'cr1'")
    np.testing.assert_allclose(tested["statistic"], cr1["statistic"], rtol=1e-9)
    written = {"people": people, "panel": panel}
    checks = second_engine_checks(cohort, written | {"coefficients": estimate(cohort, people, panel)["coefficients"]})
    assert [c.passed for c in checks if c.name.startswith("standardised")] == [True]


def test_the_error_of_the_standardised_effect_is_its_spread(tmp_path: Path) -> None:
    """2,000 assignments of the same persons: mean error (cr2) against the standard deviation of the estimates."""
    rng = np.random.default_rng(5)
    n, n1 = np.array([60, 60]), np.array([30, 48])
    y0 = [rng.random(k) < p for k, p in zip(n, (0.3, 0.2), strict=True)]
    y1 = [y | (rng.random(len(y)) < gain) for y, gain in zip(y0, (0.0, 0.4), strict=True)]
    true = np.concatenate(y1).mean() - np.concatenate(y0).mean()
    found = []
    for _ in range(2000):
        estimate_of, variance = 0.0, 0.0
        for zero, one, k in zip(y0, y1, n1, strict=True):
            order = rng.permutation(len(zero))
            treated, others = one[order[:k]], zero[order[k:]]
            estimate_of += len(zero) / n.sum() * (treated.mean() - others.mean())
            variance += (len(zero) / n.sum()) ** 2 * (treated.var(ddof=1) / k + others.var(ddof=1) / (len(zero) - k))
        found.append((estimate_of, np.sqrt(variance)))
    estimates, errors = np.array(found).T
    assert estimates.mean() == pytest.approx(true, abs=4 * estimates.std() / np.sqrt(2000))
    assert errors.mean() >= estimates.std() * 0.97  # Neyman: too large by the spread of effects, never too small


# --- errors nobody should print ---


def alike(months: int = 4) -> pd.DataFrame:
    """Two centres of 20 + 20, and one of 2 + 2 whose arms are nearly without variation."""
    rng = np.random.default_rng(4)
    cells = {(c, a): list(rng.integers(0, 2, 20)) for c in "AB" for a in ("ips", "control")}
    rows = rows_of(cells | {("C", "ips"): [1, 1], ("C", "control"): [0, 0]}, months)
    return rows.assign(y=rows["y"].where(~((rows["person"] == "Cips000") & (rows["month"] == 1)), 0))


def test_few_persons_have_satterthwaites_df_under_every_variance_and_a_note(tmp_path: Path) -> None:
    by_centre = Analysis("table5_model_1", "follow_up", effect="by_centre")
    _, (_, _, effects) = made(tmp_path, alike(), WITHIN, by_centre, after=3)
    few = effects["centre"] == "C"
    df = effects[few].pivot(index="analysis", columns="variance", values="df")
    np.testing.assert_allclose(df["cr1"], df["cr2"])
    assert (df["cr1"] < 3).all()
    assert effects.loc[few, "note"].str.contains("fewer than 5 persons").all()
    assert not effects.loc[~few, "note"].str.contains("fewer than 5 persons").any()
    others = effects[~few & (effects["variance"] == "cr1")]
    assert others["df"].tolist() == [39, 39, 83, 83]


def test_a_centre_too_small_for_pooling_has_no_detectable_effect(tmp_path: Path) -> None:
    cohort, parts = made(tmp_path, alike(), WITHIN, after=3)
    centres = synthesise(cohort, *parts)["centre_effects"].set_index("centre")
    assert centres["status"].tolist() == ["estimated", "estimated", "too_few_for_pooling"]
    assert centres["minimum_detectable"].isna().tolist() == [False, False, True]


@pytest.mark.parametrize(("way", "is_detectable"), [("plain", False), ("at_least_one", True)])
def test_nothing_is_detectable_by_an_error_below_the_known_one(tmp_path: Path, way: str, is_detectable: bool) -> None:
    cells = {(c, "ips"): share(20, 9) for c in "AB"} | {(c, "control"): share(20, 6) for c in "AB"}
    cohort, parts = made(tmp_path, rows_of(cells), WITHIN, knapp_hartung=way)
    pooled = synthesise(cohort, *parts)["pooled_effects"].set_index("weighting")
    known = pooled.loc["precision", "std_error"]
    assert (pooled.loc["random_effects", "std_error"] >= known * (1 - 1e-9)) == is_detectable
    assert pd.notna(pooled.loc["random_effects", "minimum_detectable"]) == is_detectable
    assert pooled.loc[["precision", "overlap", "persons", "centres"], "minimum_detectable"].notna().all()


def test_a_factor_of_one_is_the_default(tmp_path: Path) -> None:
    cohort, _ = made(tmp_path, rows_of(UNEQUAL), WITHIN)
    assert cohort.synthesis.knapp_hartung == "at_least_one"


@pytest.mark.parametrize("constant", [0.0, 1.0])
def test_no_difference_is_estimated_when_one_side_is_not(tmp_path: Path, constant: float) -> None:
    """In one half of the persons, members or others, nobody has the outcome: they have no error of their own."""
    rng = np.random.default_rng(3)
    rows = rows_of({("A", a): list(rng.integers(0, 2, 30)) for a in ("ips", "control")}, months=2)
    rows = rows.assign(is_old=(rows["person"].str[-1].astype(int) > 4) * 1.0)
    rows = rows.assign(y=rows["y"].where(rows["is_old"] != constant, 0))
    about = Analysis("x", "follow_up", subgroup=Subgroup("is_old", at_least=1))
    cohort, (people, panel, effects) = made(tmp_path, rows, about, after=1)
    status = effects.query("variance == 'cr1'").set_index("subgroup")["status"]
    lacking, other = ("members", "others") if constant else ("others", "members")
    assert status[[lacking, other, "difference"]].tolist() == ["no_variation", "estimated", "no_variation"]
    assert effects.query("subgroup == 'difference'")[["estimate", "std_error", "p_value"]].isna().all(axis=None)
    tested = randomise(cohort, people, panel, effects)["randomisation"].set_index("subgroup")
    assert tested["p_value"].notna().tolist() == (tested["status"] == "estimated").tolist()


# --- the months that are there ---


def test_months_that_are_there_stand_beside_the_window(tmp_path: Path) -> None:
    rows = rows_of({cell: y[:30] for cell, y in UNEQUAL.items()}, months=6)
    late = rows["person"].str[0].eq("B") & (rows["month"] > 3)
    rows = rows[~late & (rows["month"] > 0)]
    calendar = Analysis("pooled", "follow_up", time=("calendar_year", "calendar_month"))
    by_month = Analysis("by_month", "each")
    _, (_, _, effects) = made(tmp_path, rows, WITHIN, calendar, by_month, after=7)
    assert list(effects.columns[-3:]) == ["first_month", "last_month", "measure"]
    first = effects.query("variance == 'cr1'").set_index(["analysis", "centre", "month_to"])[
        ["month_from", "first_month", "last_month", "note"]
    ]
    short = "somebody is observed in months 1 to {} only"
    assert first.loc[("centre_unadjusted", "A", 7)].tolist() == [0, 1, 5, short.format(5)]
    assert first.loc[("centre_unadjusted", "B", 7)].tolist() == [0, 1, 3, short.format(3)]
    assert first.loc[("pooled", "all", 7)].tolist() == [0, 1, 5, short.format(5)]
    assert first.loc[("by_month", "all", 3)].tolist() == [3, 3, 3, ""]
    assert first.loc[("by_month", "all", 7), ["first_month", "last_month"]].isna().all()
