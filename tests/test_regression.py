"""The core against other packages, and identities that hold for every variance of the registry.

Tolerances: numbers of the order 1 from the same normal equations by other arithmetic agree to about 1e-13 times the
condition of the problem, which is below 1e3 here; 1e-10 leaves room for other linear algebra libraries.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from ipseval.estimation.leverage import Alike
from ipseval.estimation.regression import Fit, Sample, fit
from ipseval.estimation.variance import VARIANCES, Variance
from oracle_effects import bell_mccaffrey
from panels import Panel, expanded, fitted, means_of, random_panel

REFERENCE = Path(__file__).parent / "reference"
TOLERANCE = 1e-10
PERSONAL = slice(1, 5)  # columns of X in a random panel but the intercept: two covariates, a centre, assigned
ASSIGNED = 4
every_variance = pytest.mark.parametrize("variance", VARIANCES)
any_panel = given(
    st.builds(
        random_panel,
        seed=st.integers(0, 10_000),
        n=st.integers(14, 50),
        months=st.integers(1, 8),
        missing=st.sampled_from([0.0, 0.1, 0.5]),
    )
)
balanced_panel = given(
    st.builds(random_panel, seed=st.integers(0, 10_000), n=st.integers(14, 50), months=st.integers(2, 8))
)
some = settings(derandomize=True, max_examples=15, deadline=None)


def close(actual: object, wanted: object, tolerance: float = TOLERANCE) -> None:
    np.testing.assert_allclose(actual, wanted, rtol=tolerance, atol=tolerance)


def numbers(found: Fit, variance: str) -> np.ndarray:
    """Estimate, standard error and df of all coefficients but the intercept and the months."""
    chosen = VARIANCES[variance](found)
    inner = slice(1, found.sample.X.shape[1])
    return np.array([found.b[inner], chosen.std_error[inner], chosen.df[inner]])


def brute_force(sample: Sample) -> np.ndarray:
    """CR2 standard error and Satterthwaite df by N x N matrices of all person-months; 2 x K."""
    Z, y, person = expanded(sample)
    residual = y - Z @ np.linalg.lstsq(Z, y, rcond=None)[0]
    return np.array(bell_mccaffrey(Z, residual, person)).T


def cr2(found: Fit) -> np.ndarray:
    variance = VARIANCES["cr2"](found)
    return np.array([variance.std_error, variance.df])


# --- against packages ---


@some
@any_panel
def test_estimates_and_cr1_are_those_of_statsmodels(panel: Panel) -> None:
    Z, y, person = expanded(panel.sample())
    found = fitted(panel)
    kept = sm.OLS(y, Z[:, found.kept])
    theirs = kept.fit(cov_type="cluster", cov_kwds={"groups": person})
    close(found.b, theirs.params)
    close(VARIANCES["cr1"](found).covariance, theirs.cov_params())


@some
@any_panel
def test_cr2_and_its_df_are_those_of_the_definition(panel: Panel) -> None:
    found = fitted(panel)
    sample = panel.sample()
    p = sample.X.shape[1]
    kept = replace(sample, X=sample.X[:, found.kept[found.kept < p]], D=sample.D[:, found.kept[found.kept >= p] - p])
    close(cr2(found), brute_force(kept), 1e-9)  # df are squares of sums over N x N products


def test_cr2_of_many_persons_is_that_of_the_definition() -> None:
    sample = random_panel(11, n=400, months=3, missing=0.2, centres=3).sample()
    close(cr2(fit(sample)), brute_force(sample), 1e-11)


@pytest.mark.parametrize("largest", [0.0, 1e-9, 1e-4, 0.01, 0.3, 0.6, 0.89, 0.92, 0.999, 1.0])
def test_roots_and_inverses_of_leverage_are_those_by_eigenvalues(largest: float) -> None:
    """Up to 0.9 by solutions of linear equations; 1 - H loses as many digits as 1 / (1 - largest) has."""
    rng = np.random.default_rng(2)
    B = np.linalg.qr(rng.normal(size=(9, 5)))[0].T * np.array([[0.9], [0.5], [0.1], [1e-3], [0]])
    z, e = rng.normal(size=9), rng.normal(size=6)
    Z = np.vstack([z, B])
    Z *= np.sqrt(largest) / np.linalg.norm(Z, 2)
    one = Alike(Z[:1], Z[1:], np.zeros(1, int), np.eye(6))
    residuals = one.residuals(e[None])
    values, vectors = np.linalg.eigh(Z @ Z.T)
    is_left = 1 - values > 1e-10
    left = np.where(is_left, 1 - values, 1)
    for found, power in ((one.inverse_root_times(residuals), -0.5), (one.inverse_times(residuals), -1)):
        wanted = vectors @ (is_left * left**power * (vectors.T @ e))
        close(np.append(found[0], found[1]), wanted, 1e-13 / (1 - min(largest, 0.999)))


@pytest.fixture(scope="module")
def reference_panel() -> tuple[Sample, list[str]]:
    """The panel of R as the core takes it, and the names of its columns there."""
    rows = pd.read_csv(REFERENCE / "panel.csv")
    persons = rows.drop_duplicates("person").set_index("person")
    wide = rows.pivot(index="person", columns="month", values="y").loc[persons.index]
    centres = {f"centre{c}": persons["centre"] == c for c in (2, 3)}
    effects = {f"effect{c}": persons["assigned"] * (persons["centre"] == c) for c in (1, 2, 3)}
    X = pd.DataFrame({"(Intercept)": 1.0, "age": persons["age"], **centres, **effects}).astype(float)
    D = np.eye(wide.shape[1])[:, 1:]
    sample = Sample(X.to_numpy(), D, wide.fillna(0).to_numpy(), wide.notna().to_numpy())
    return sample, [*X.columns, *(f"month{month}" for month in wide.columns[1:])]


@pytest.mark.parametrize(
    ("variance", "error", "df"),
    [
        ("cr1", "cr1", None),
        ("cr2", "cr2", "cr2_df"),
        ("cr2", "estimatr_cr2", "estimatr_cr2_df"),
        ("cr3", "cr3", None),
    ],
)
def test_numbers_are_those_of_r(
    reference_panel: tuple[Sample, list[str]], variance: str, error: str, df: str | None
) -> None:
    sample, terms = reference_panel
    theirs = pd.read_csv(REFERENCE / "clubsandwich.csv", index_col="term").loc[terms]
    found = fit(sample)
    ours = VARIANCES[variance](found)
    close(found.b, theirs["estimate"])
    factor = np.sqrt(1 - 1 / found.n_persons) if variance == "cr3" else 1  # clubSandwich leaves (G-1)/G out
    close(ours.std_error, theirs[error] * factor)
    if df is not None:
        close(ours.df, theirs[df])


@pytest.mark.parametrize("variance", ["cr1", "cr3"])
def test_numbers_are_those_of_pyfixest(reference_panel: tuple[Sample, list[str]], variance: str) -> None:
    """Errors, p and intervals; pyfixest multiplies its jackknife by G/(G-1) (N-1)/(N-K), ours has (G-1)/G."""
    sample, terms = reference_panel
    theirs = pd.read_csv(REFERENCE / "pyfixest.csv", index_col="term").loc[terms]
    found = fit(sample)
    G, N, K = found.n_persons, sample.n_obs, len(terms)
    factor = np.sqrt((G / (G - 1)) ** 2 * (N - 1) / (N - K)) if variance == "cr3" else 1
    errors, crv = VARIANCES[variance](found).std_error * factor, variance.replace("cr", "crv")
    close(found.b, theirs["estimate"], 1e-12)
    close(errors, theirs[crv], 1e-12)
    close(2 * stats.t.sf(np.abs(found.b / errors), G - 1), theirs[f"{crv}_p_value"], 1e-10)
    for side, end in ((-1, "low"), (1, "high")):
        close(found.b + side * stats.t.ppf(0.975, G - 1) * errors, theirs[f"{crv}_ci_{end}"], 1e-10)


# --- identities of a balanced panel with constant regressors and month dummies ---


@some
@balanced_panel
def test_pooled_coefficients_are_those_of_person_means(panel: Panel) -> None:
    means = sm.OLS(panel.Y.mean(axis=1), panel.X).fit()
    close(fitted(panel).b[PERSONAL], means.params[PERSONAL])


@some
@balanced_panel
def test_pooled_coefficients_are_means_of_those_of_the_months(panel: Panel) -> None:
    months = [fit(means_of(replace(panel, Y=panel.Y[:, [k]]))).b for k in range(panel.Y.shape[1])]
    close(fitted(panel).b[PERSONAL], np.mean(months, axis=0)[PERSONAL])


@some
@balanced_panel
def test_cr1_is_hc0_of_the_means_times_its_factor_and_not_hc1(panel: Panel) -> None:
    found = fitted(panel)
    means = sm.OLS(panel.Y.mean(axis=1), panel.X)
    n, N, K = len(panel.Y), panel.Y.size, len(found.b)
    factor = np.sqrt(n / (n - 1) * (N - 1) / (N - K))
    errors = VARIANCES["cr1"](found).std_error[PERSONAL]
    close(errors, factor * means.fit(cov_type="HC0").bse[PERSONAL])
    assert (np.abs(errors / means.fit(cov_type="HC1").bse[PERSONAL] - 1) > 1e-4).all()


@some
@balanced_panel
def test_cr2_is_hc2_of_the_means(panel: Panel) -> None:
    means = sm.OLS(panel.Y.mean(axis=1), panel.X).fit(cov_type="HC2")
    close(VARIANCES["cr2"](fitted(panel)).std_error[PERSONAL], means.bse[PERSONAL])


@every_variance
@some
@balanced_panel
def test_a_balanced_panel_is_its_means_up_to_a_factor(variance: str, panel: Panel) -> None:
    months, means = numbers(fitted(panel), variance), numbers(fit(means_of(panel)), variance)
    factor = months[1] / means[1]
    close(months[0], means[0])
    close(factor, factor[0])
    close(months[2], means[2], 1e-9)


@some
@balanced_panel
def test_the_pooled_effect_weights_centres_by_the_precision_of_equal_variances(panel: Panel) -> None:
    bare = replace(panel, covariates=np.zeros((len(panel.Y), 0)))
    effects, weights = [], []
    for centre in np.unique(panel.centre):
        here = bare.taken(panel.centre == centre)
        effects.append(fitted(here).b[1])
        n_assigned, n = here.assigned.sum(), len(here.Y)
        weights.append(n_assigned * (n - n_assigned) / n)
    close(fitted(bare).b[2], np.average(effects, weights=weights))


# --- what must not move a result ---


@every_variance
@some
@any_panel
def test_order_of_persons_does_not_matter(variance: str, panel: Panel) -> None:
    turned = panel.taken(np.random.default_rng(0).permutation(len(panel.Y)))
    close(numbers(fitted(turned), variance), numbers(fitted(panel), variance))


@every_variance
@some
@any_panel
def test_order_and_base_of_months_do_not_matter(variance: str, panel: Panel) -> None:
    wanted = numbers(fitted(panel), variance)
    last = panel.Y.shape[1] - 1
    close(numbers(fit(panel.sample(base=last)), variance), wanted)
    close(numbers(fitted(replace(panel, Y=panel.Y[:, ::-1], O=panel.O[:, ::-1])), variance), wanted)


@every_variance
@some
@any_panel
def test_base_centre_does_not_matter_for_the_effect(variance: str, panel: Panel) -> None:
    other = replace(panel, centre=-panel.centre)
    close(numbers(fitted(other), variance)[:, -1], numbers(fitted(panel), variance)[:, -1])


@every_variance
@pytest.mark.parametrize(
    ("offset", "unit"), [(1980.0, 10.0), (2e5, 1e5), (0.0, 1e-6), (1e6, 1.0)], ids=["year", "income", "tiny", "far"]
)
def test_scale_and_offset_of_a_covariate_do_not_matter(variance: str, offset: float, unit: float) -> None:
    panel = random_panel(3, n=60, months=6, missing=0.2, centres=3)
    around_zero = panel.covariates - [40.0, 0.0]
    wanted = numbers(fitted(replace(panel, covariates=around_zero)), variance)
    found = numbers(fitted(replace(panel, covariates=around_zero * [unit / 10, 1] + [offset, 0])), variance)
    found[:2, 0] *= unit / 10
    # The covariate itself is stored to 1e-16 of its offset: 1e-16 * offset / unit is lost before the fit.
    close(found, wanted, max(TOLERANCE, 1e-15 * offset / unit))


@every_variance
@some
@any_panel
def test_swapped_arms_change_the_sign_and_nothing_else(variance: str, panel: Panel) -> None:
    wanted = numbers(fitted(panel), variance)
    wanted[0, -1] *= -1
    close(numbers(fitted(replace(panel, assigned=1 - panel.assigned)), variance), wanted)


@every_variance
@some
@any_panel
def test_errors_scale_with_the_outcome(variance: str, panel: Panel) -> None:
    wanted = numbers(fitted(panel), variance) * [[100], [100], [1]]
    moved = replace(panel, Y=(panel.Y * 100 + 7) * panel.O)
    close(numbers(fitted(moved), variance), wanted, 1e-9)


@every_variance
@some
@any_panel
def test_covariance_follows_a_change_of_coordinates(variance: str, panel: Panel) -> None:
    sample = panel.sample()
    turn = np.eye(sample.X.shape[1]) + np.random.default_rng(1).uniform(0, 0.3, (sample.X.shape[1],) * 2)
    turn[:, 0] = np.eye(len(turn))[:, 0]  # the intercept stays the first column
    other = fit(replace(sample, X=sample.X @ turn))
    p = len(turn)
    back = VARIANCES[variance](other).covariance[:p, :p]
    close(turn @ back @ turn.T, VARIANCES[variance](fit(sample)).covariance[:p, :p], 1e-9)


# --- degenerate data ---


def with_column(panel: Panel, column: np.ndarray) -> Panel:
    return replace(panel, covariates=np.column_stack([panel.covariates, column]))


@every_variance
def test_a_collinear_column_is_dropped_and_moves_nothing(variance: str) -> None:
    panel = random_panel(4, missing=0.2)
    for column in (panel.covariates @ [2.0, -1.0] + 5, np.full(40, 3.7), np.zeros(40)):
        found = fitted(with_column(panel, column))
        assert 3 not in found.kept
        assert len(found.kept) == len(fitted(panel).kept)
        close(numbers(found, variance), numbers(fitted(panel), variance), 1e-9)


def test_of_two_columns_that_say_the_same_the_later_in_order_is_dropped() -> None:
    sample = with_column(random_panel(4), random_panel(4).covariates[:, 0] / 3).sample()
    order = np.arange(sample.X.shape[1] + sample.D.shape[1])
    assert 1 in fit(sample).kept
    assert 1 not in fit(sample, np.r_[order[order != 1], 1]).kept


def saturated_person() -> Sample:
    """One person has a dummy of their own and another alone is observed in the last month."""
    panel = random_panel(6, n=20, months=4)
    observed = panel.O.copy()
    observed[1:, 3] = False
    own = np.zeros(20)
    own[5] = 1
    return with_column(replace(panel, Y=panel.Y * observed, O=observed), own).sample()


@every_variance
def test_saturated_persons_get_finite_numbers(variance: str) -> None:
    found = fit(saturated_person())
    assert np.isfinite(VARIANCES[variance](found).covariance).all()


def test_cr2_of_saturated_persons_uses_the_pseudo_inverse() -> None:
    sample = saturated_person()
    own = 3  # its column: the person's scores vanish, and with them the error
    found = np.delete(cr2(fit(sample)), own, axis=1)
    close(found, np.delete(brute_force(sample), own, axis=1), 1e-9)


@every_variance
def test_an_arm_of_one_person_adds_nothing_to_the_error(variance: str) -> None:
    panel = random_panel(7, n=20, months=3, centres=1)
    alone = replace(panel, assigned=(np.arange(20) == 4) * 1.0, covariates=np.zeros((20, 0)))
    found = fit(means_of(alone))
    errors = VARIANCES[variance](found).std_error
    assert errors[1] == pytest.approx(errors[0])  # of the control mean: which is why such a cell is not reported


@every_variance
def test_an_outcome_that_never_varies_has_no_error(variance: str) -> None:
    panel = random_panel(8)
    for value in (0.0, 1.0):
        found = fitted(replace(panel, Y=np.full_like(panel.Y, value)))
        close(found.b[PERSONAL], 0)
        close(VARIANCES[variance](found).std_error, 0)


@every_variance
def test_a_variance_has_the_shape_of_its_coefficients(variance: str) -> None:
    found = fitted(random_panel(9, missing=0.3))
    result = VARIANCES[variance](found)
    assert isinstance(result, Variance)
    assert result.covariance.shape == (len(found.b), len(found.b))
    assert result.df.shape == found.b.shape
    close(result.covariance, result.covariance.T)
    assert (np.linalg.eigvalsh(result.covariance) > -TOLERANCE).all()


def test_counts_of_a_sample() -> None:
    panel = random_panel(10, missing=0.3)
    assert panel.sample().n_obs == panel.O.sum()
    assert fitted(panel).n_persons == len(panel.Y)
