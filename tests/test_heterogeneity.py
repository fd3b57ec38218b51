"""Meta-analysis of centres against metafor, statsmodels, another implementation on real trials, and the published mean.

Tolerances: closed forms and roots are found to rounding, 1e-12; metafor's own roots are found to about 1e-12 of tau2.
"""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.stats.meta_analysis import combine_effects

from ipseval.estimation.heterogeneity import (
    TAU,
    WEIGHTS,
    Sizes,
    cochran,
    dersimonian_laird,
    generalised_q,
    leave_one_out,
    minimum_detectable,
    paule_mandel,
    q_profile,
    random_effects,
    shrunken,
    tau_squared,
    weights,
)
from test_real_trials import folder_of

REFERENCE = Path(__file__).parent / "reference"
METAFOR = {"PM": "paule_mandel", "REML": "reml", "DL": "dersimonian_laird"}
TOLERANCE = 1e-9
every_tau = pytest.mark.parametrize("tau", TAU)
some = settings(derandomize=True, max_examples=30, deadline=None)


def centres_at_random(seed: int, k: int, spread: float) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    variance = rng.uniform(0.05, 0.15, k) ** 2
    return rng.normal(0.1, np.sqrt(variance + spread**2)), variance


any_centres = given(
    st.builds(centres_at_random, st.integers(0, 10_000), st.integers(2, 12), st.sampled_from([0.0, 0.05, 0.3]))
)


def read(name: str) -> pd.DataFrame:
    return pd.read_csv(REFERENCE / name, skipinitialspace=True)


def effects_of(case: str) -> tuple[np.ndarray, np.ndarray]:
    rows = read("centre_effects.csv").query("case == @case")
    return rows["estimate"].to_numpy(), rows["std_error"].to_numpy() ** 2


# --- against metafor ---


@pytest.mark.parametrize(
    "theirs", read("metafor.csv").to_dict("records"), ids=lambda row: f"{row['case']}-{row['tau']}"
)
def test_numbers_are_those_of_metafor(theirs: dict) -> None:
    estimate, variance = effects_of(theirs["case"])
    test, profile = cochran(estimate, variance), q_profile(estimate, variance, 0.95)
    mean = random_effects(estimate, variance, tau_squared(METAFOR[theirs["tau"]], estimate, variance))
    w = weights("precision", Sizes(variance, variance, variance, variance))
    ours = {
        "q": test.q,
        "p_value": test.p_value,
        "fixed": w @ estimate,
        "fixed_std_error": np.sqrt(w**2 @ variance),
        "tau2": mean.tau2,
        "tau2_low": profile[0],
        "tau2_high": profile[1],
        "pooled": mean.mean,
        "std_error": mean.std_error,
        "std_error_at_least_one": random_effects(estimate, variance, mean.tau2, "at_least_one").std_error,
        **dict(zip(("ci_low", "ci_high"), mean.interval(0.95), strict=True)),
        **dict(zip(("prediction_low", "prediction_high"), mean.prediction(0.95), strict=True)),
    }
    assert test.df == theirs["k"] - 1
    np.testing.assert_allclose(list(ours.values()), [theirs[n] for n in ours], rtol=TOLERANCE, atol=TOLERANCE)


@pytest.mark.parametrize("method", METAFOR)
@pytest.mark.parametrize("case", read("centre_effects.csv")["case"].unique())
def test_centres_are_those_of_metafor(case: str, method: str) -> None:
    theirs = read("metafor_centres.csv").query("case == @case and tau == @method")
    estimate, variance = effects_of(case)
    mean = random_effects(estimate, variance, tau_squared(METAFOR[method], estimate, variance))
    drawn, without = shrunken(estimate, variance, mean, 0.95), leave_one_out(estimate, variance, METAFOR[method])
    w = 1 / (variance + mean.tau2)
    ours = {
        "weight": w / w.sum(),
        "shrunken": drawn.estimate,
        "shrunken_low": drawn.low,
        "shrunken_high": drawn.high,
        "pooled_without": [rest.mean for rest in without],
        "pooled_without_std_error": [rest.std_error for rest in without],
    }
    for name, values in ours.items():
        np.testing.assert_allclose(values, theirs[name], rtol=TOLERANCE, atol=TOLERANCE, err_msg=name)


# --- against others ---


@some
@any_centres
def test_numbers_are_those_of_statsmodels(centres: tuple[np.ndarray, np.ndarray]) -> None:
    estimate, variance = centres
    with np.errstate(invalid="ignore"):  # errors of a negative tau2, which statsmodels does not cut off
        theirs = combine_effects(estimate, variance, method_re="dl")
    assert cochran(estimate, variance).q == pytest.approx(theirs.q, rel=1e-9)
    assert dersimonian_laird(estimate, variance) == pytest.approx(max(theirs.tau2, 0), abs=1e-15)
    if theirs.tau2 > 0:
        mean = random_effects(estimate, variance, theirs.tau2)
        wanted = (theirs.mean_effect_re, theirs.sd_eff_w_re_hksj)
        assert (mean.mean, mean.std_error) == pytest.approx(wanted, rel=1e-9)
    iterated = combine_effects(estimate, variance, method_re="pm", atol=1e-10).tau2
    if iterated > 0:  # it answers 0, too, when its last step goes past the root by a rounding error
        assert paule_mandel(estimate, variance) == pytest.approx(iterated, abs=1e-9)


@pytest.mark.parametrize("trial", ["respiratory", "indo_rct", "ctn0051"])
def test_numbers_are_those_of_another_implementation(trial: str) -> None:
    folder = folder_of(trial)
    theirs = pd.read_csv(folder / "reference_meta.csv").query("adjusted == 0").iloc[0]
    rows = pd.read_csv(folder / "reference_lpm.csv").query("adjusted == 0 and spec == 'per_centre'")
    rows = rows[rows[["n_treat", "n_control"]].min(axis=1) >= 5]
    estimate, variance = rows["estimate"].to_numpy(), rows["se_cr1"].to_numpy() ** 2
    test, tau2 = cochran(estimate, variance), dersimonian_laird(estimate, variance)
    w, v = weights("precision", Sizes(variance, variance, variance, variance)), 1 / (variance + tau2)
    ours = [len(rows), w @ estimate, np.sqrt(w**2 @ variance), test.q, test.df, test.p_value, test.i2, tau2]
    ours += [random_effects(estimate, variance, tau2).mean, np.sqrt(1 / v.sum())]
    wanted = theirs[["k", "fixed", "se_fixed", "Q", "Q_df", "Q_p", "I2", "tau2_DL", "random_DL", "se_random_DL"]]
    np.testing.assert_allclose(ours, wanted.to_numpy(dtype=float), rtol=1e-7, atol=1e-10)  # printed to ten digits


def test_published_effects_give_the_published_mean() -> None:
    """Coefficients of model 1 and persons by arm as the report prints them (NORCE 1-2021, tables 4 and 5)."""
    effects = np.array([0.151, 0.043, 0.117, -0.035, 0.061, 0.132])
    n_control, n_assigned = np.array([18, 31, 35, 13, 18, 28]), np.array([30, 46, 39, 14, 19, 36])
    w = weights("overlap", Sizes(np.ones(6), n_assigned, n_control, n_assigned + n_control))
    assert w @ effects == pytest.approx(0.0883, abs=5e-5)


def test_minimum_detectable_effect_of_bloom() -> None:
    """2.802 standard errors with many degrees of freedom, 80 % power and 5 % two-sided (Bloom 1995, table 1: 2.80)."""
    assert minimum_detectable(1.0, 1e9, 0.8, 0.95) == pytest.approx(2.8016, abs=1e-4)
    assert minimum_detectable(2.0, 10.0, 0.8, 0.95) == pytest.approx(2 * (2.2281 + 0.8791), abs=2e-4)


# --- identities ---


@every_tau
@some
@any_centres
def test_equal_effects_have_no_spread(tau: str, centres: tuple[np.ndarray, np.ndarray]) -> None:
    _, variance = centres
    equal = np.full(len(variance), 0.25)
    assert TAU[tau](equal, variance) == 0
    assert q_profile(equal, variance, 0.95) == (0, 0)
    assert cochran(equal, variance).q == pytest.approx(0, abs=1e-20)
    assert cochran(equal, variance).i2 == 0


@every_tau
@some
@any_centres
def test_units_and_order_do_not_matter(tau: str, centres: tuple[np.ndarray, np.ndarray]) -> None:
    estimate, variance = centres
    one = TAU[tau](estimate, variance)
    assert TAU[tau](100 * estimate[::-1] + 7, 1e4 * variance[::-1]) == pytest.approx(1e4 * one, rel=1e-7, abs=1e-7)


@some
@any_centres
def test_paule_mandel_lies_in_its_interval_and_solves_its_equation(centres: tuple[np.ndarray, np.ndarray]) -> None:
    estimate, variance = centres
    tau2, (low, high) = paule_mandel(estimate, variance), q_profile(estimate, variance, 0.95)
    assert low <= tau2
    assert tau2 <= high or high == 0
    if tau2 > 0:
        assert generalised_q(estimate, variance, tau2) == pytest.approx(len(estimate) - 1)
        assert random_effects(estimate, variance, tau2).factor == pytest.approx(1)


@some
@any_centres
def test_shrunken_effects_lie_between_their_own_and_the_mean(centres: tuple[np.ndarray, np.ndarray]) -> None:
    estimate, variance = centres
    mean = random_effects(estimate, variance, paule_mandel(estimate, variance))
    drawn = shrunken(estimate, variance, mean, 0.95)
    ends = np.sort([estimate, np.full(len(estimate), mean.mean)], axis=0)
    assert ((drawn.estimate >= ends[0] - 1e-12) & (drawn.estimate <= ends[1] + 1e-12)).all()
    assert (drawn.low <= drawn.estimate).all()
    assert (drawn.estimate <= drawn.high).all()


@some
@any_centres
def test_weights_sum_to_1_and_are_positive(centres: tuple[np.ndarray, np.ndarray]) -> None:
    _, variance = centres
    n = np.arange(5, 5 + len(variance))
    for name in WEIGHTS:
        w = weights(name, Sizes(variance, n, n + 3, 2 * n + 3))
        assert w.sum() == pytest.approx(1)
        assert (w > 0).all()


@every_tau
def test_few_centres(tau: str) -> None:
    none, one, two = (np.array([0.1, 0.5][:k]) for k in range(3))
    assert tau_squared(tau, none, none) == tau_squared(tau, one, one) == 0
    assert np.isnan(random_effects(none, none, 0.0).mean)
    alone = random_effects(one, one, 0.0)
    assert alone.mean == 0.1
    assert np.isnan([alone.std_error, *alone.interval(0.95), *alone.prediction(0.95)]).all()
    both = random_effects(two, np.array([0.01, 0.01]), 0.07)
    assert np.isfinite(both.interval(0.95)).all()
    assert np.isnan(both.prediction(0.95)).all()
