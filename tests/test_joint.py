"""Joint tests against clubSandwich and the definition, and identities that hold for every test of the registry.

Tolerances as in test_regression: other arithmetic on numbers of the order 1 from well-conditioned problems. Of the
definition the degrees of freedom are sums of squares over N x N products: 1e-8.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st

from ipseval.estimation import joint
from ipseval.estimation.joint import JOINT_TESTS, Part, contrast_error, degrees_of_freedom, equal_effects, htz
from ipseval.estimation.regression import Fit, Sample, fit
from ipseval.estimation.variance import VARIANCES
from panels import Panel, expanded, random_panel

REFERENCE = Path(__file__).parent / "reference"
AGE, EFFECTS = 1, (4, 5, 6)  # columns of the reference panel's X
every_test = pytest.mark.parametrize("name", JOINT_TESTS)
some = settings(derandomize=True, max_examples=10, deadline=None)
any_panel = given(
    st.builds(
        random_panel,
        seed=st.integers(0, 10_000),
        n=st.integers(16, 40),
        months=st.integers(1, 6),
        missing=st.sampled_from([0.0, 0.2]),
    )
)


def close(actual: object, wanted: object, tolerance: float = 1e-10) -> None:
    np.testing.assert_allclose(actual, wanted, rtol=tolerance, atol=tolerance)


def sample_of(rows: pd.DataFrame, persons: pd.DataFrame, columns: dict[str, object]) -> Sample:
    """Rows a person and month as the core takes them, with a dummy a month but the first."""
    wide = rows.pivot(index="person", columns="month", values="y").loc[persons.index]
    X = pd.DataFrame({"intercept": 1.0, **columns}, index=persons.index).astype(float).to_numpy()
    return Sample(X, np.eye(wide.shape[1])[:, 1:], wide.fillna(0).to_numpy(), wide.notna().to_numpy())


@pytest.fixture(scope="module")
def rows() -> pd.DataFrame:
    return pd.read_csv(REFERENCE / "panel.csv")


@pytest.fixture(scope="module")
def together(rows: pd.DataFrame) -> Fit:
    """One regression with an effect a centre."""
    persons = rows.drop_duplicates("person").set_index("person")
    centres = {f"centre{c}": persons["centre"] == c for c in (2, 3)}
    effects = {f"effect{c}": persons["assigned"] * (persons["centre"] == c) for c in (1, 2, 3)}
    return fit(sample_of(rows, persons, {"age": persons["age"], **centres, **effects}))


@pytest.fixture(scope="module")
def separate(rows: pd.DataFrame) -> list[Part]:
    """A regression a centre, and equal effects of the three."""
    R, parts = equal_effects(3, range(3)), []
    for j, (_, of_centre) in enumerate(rows.groupby("centre")):
        persons = of_centre.drop_duplicates("person").set_index("person")
        found = fit(sample_of(of_centre, persons, {"assigned": persons["assigned"], "age": persons["age"]}))
        C = np.zeros((2, len(found.b)))
        C[:, list(found.kept).index(1)] = R[:, j]
        parts.append(Part(found, C))
    return parts


def restrictions(found: Fit, columns: Sequence[int]) -> np.ndarray:
    return np.eye(len(found.b))[list(columns)]


# --- against clubSandwich ---


@pytest.mark.parametrize("hypothesis", ["equal", "none"])
def test_htz_is_that_of_clubsandwich(together: Fit, hypothesis: str) -> None:
    theirs = pd.read_csv(REFERENCE / "htz.csv", index_col="hypothesis").loc[hypothesis]
    C = {"equal": equal_effects(len(together.b), EFFECTS), "none": restrictions(together, EFFECTS)}[hypothesis]
    found = JOINT_TESTS["htz"]([Part(together, C)])
    close([found.f, found.df1, found.df2, found.p_value], theirs.to_numpy(dtype=float))


def test_htz_of_separate_regressions_is_that_of_the_stacked_one(separate: list[Part]) -> None:
    theirs = pd.read_csv(REFERENCE / "htz_separate.csv").iloc[0]
    found = JOINT_TESTS["htz"](separate)
    close([found.f, found.df1, found.df2, found.p_value], theirs.to_numpy(dtype=float))


# --- against the definition and statsmodels ---


def by_definition(found: Fit, C: np.ndarray) -> float:
    """The eta of HTZ from every g_is = (I - H)_i' A_i Z_i M c_s over all person-months (Pustejovsky & Tipton 2018)."""
    Z, _, person = expanded(found.sample)
    M = np.linalg.inv(Z.T @ Z)
    annihilator = np.eye(len(Z)) - Z @ M @ Z.T
    g = []
    for i in np.unique(person):
        here = person == i
        values, vectors = np.linalg.eigh(annihilator[np.ix_(here, here)])
        root = np.where(values > 1e-10, 1 / np.sqrt(np.maximum(values, 1e-10)), 0)
        A = (vectors * root) @ vectors.T
        g.append(annihilator[:, here] @ A @ Z[here] @ M @ found.L.T @ C.T)
    G = np.array(g)  # persons x N x q
    values, vectors = np.linalg.eigh(np.einsum("ins,int->st", G, G))
    G = G @ ((vectors / np.sqrt(values)) @ vectors.T)
    P = np.einsum("ins,jnt->ijst", G, G)
    total = (np.einsum("ijss->ij", P) ** 2).sum() + np.einsum("ijst,ijts->", P, P)
    return len(C) * (len(C) + 1) / total


@some
@any_panel
def test_degrees_of_freedom_are_those_of_the_definition(panel: Panel) -> None:
    found = fit(panel.sample())
    C = restrictions(found, [1, 2, 4])
    wanted = by_definition(found, C)
    close(degrees_of_freedom([Part(found, C)]), wanted, 1e-8)


@some
@any_panel
def test_f_with_cr1_is_that_of_statsmodels(panel: Panel) -> None:
    found = fit(panel.sample())
    Z, y, person = expanded(panel.sample())
    theirs = sm.OLS(y, Z[:, found.kept]).fit(cov_type="cluster", cov_kwds={"groups": person}, use_t=True)
    C = restrictions(found, [1, 2, 4])
    ours, test = JOINT_TESTS["cr1"]([Part(found, C)]), theirs.f_test(C)
    close([ours.f, ours.df1, ours.df2, ours.p_value], [test.fvalue, 3, len(panel.Y) - 1, test.pvalue])


# --- identities ---


@some
@any_panel
def test_one_restriction_has_the_df_of_satterthwaite(panel: Panel) -> None:
    found = fit(panel.sample())
    cr2 = VARIANCES["cr2"](found)
    for j in (1, 2, 4):
        part = Part(found, restrictions(found, [j]))
        close(degrees_of_freedom([part]), cr2.df[j], 1e-9)
        close(contrast_error([part], "cr2"), (cr2.std_error[j], cr2.df[j]), 1e-9)
        assert contrast_error([part], "cr1") == pytest.approx((VARIANCES["cr1"](found).std_error[j], len(panel.Y) - 1))


@every_test
@some
@any_panel
def test_nothing_moves_with_how_the_hypothesis_is_written(name: str, panel: Panel) -> None:
    found = fit(panel.sample())
    C = restrictions(found, [1, 2, 4])
    mixed = np.array([[1.0, 2.0, 0.0], [0.0, 1.0, -0.5], [3.0, 0.0, 1.0]]) @ C
    one, other = JOINT_TESTS[name]([Part(found, C)]), JOINT_TESTS[name]([Part(found, mixed)])
    close([one.f, one.df2, one.p_value], [other.f, other.df2, other.p_value], 1e-8)


@every_test
@some
@any_panel
def test_nothing_moves_with_the_order_of_persons_or_the_unit_of_a_covariate(name: str, panel: Panel) -> None:
    one = fit(panel.sample())
    order = np.random.default_rng(1).permutation(len(panel.Y))
    turned = panel.taken(order)
    turned.covariates[:, 0] *= 365.25
    other = fit(turned.sample())
    first, second = (JOINT_TESTS[name]([Part(f, restrictions(f, [1, 2, 4]))]) for f in (one, other))
    close([first.f, first.df2, first.p_value], [second.f, second.df2, second.p_value], 1e-8)


def test_blocks_of_persons_change_nothing(together: Fit, monkeypatch: pytest.MonkeyPatch) -> None:
    part = Part(together, equal_effects(len(together.b), EFFECTS))
    whole = degrees_of_freedom([part])
    monkeypatch.setattr(joint, "BLOCK", 3)
    close(degrees_of_freedom([part]), whole)


def test_series_and_eigenvalues_give_the_same(together: Fit, monkeypatch: pytest.MonkeyPatch) -> None:
    part = Part(together, equal_effects(len(together.b), EFFECTS))
    found = []
    for below in (0.0, 0.9):
        monkeypatch.setattr(joint, "SERIES_BELOW", below)
        found.append(degrees_of_freedom([part]))
    close(*found)


@every_test
def test_what_cannot_be_tested_is_missing(together: Fit, name: str) -> None:
    C = restrictions(together, [AGE, AGE])
    found = JOINT_TESTS[name]([Part(together, C)])
    assert np.isnan([found.f, found.df2, found.p_value]).all()


def test_htz_needs_more_persons_than_restrictions() -> None:
    panel = random_panel(seed=2, n=5, months=3)
    found = fit(panel.sample())
    test = JOINT_TESTS["htz"]([Part(found, restrictions(found, range(1, 4)))])
    assert np.isnan(test.p_value)


def test_size_on_panels_without_effects() -> None:
    """HTZ rejects about as often as it says: 5 % of 400 panels of 30 persons, within four standard errors."""
    p = []
    for seed in range(400):
        panel = random_panel(seed, n=30, months=3, centres=3)
        rng = np.random.default_rng(seed)
        noise = rng.normal(size=panel.Y.shape) + rng.normal(size=(len(panel.Y), 1))
        assigned = [panel.assigned * (panel.centre == c) for c in range(3)]
        X = np.column_stack([panel.X[:, :-1], *assigned])
        found = fit(Sample(X, np.eye(3)[:, 1:], noise, panel.O))
        columns = list(range(panel.X.shape[1] - 1, panel.X.shape[1] + 2))
        p.append(JOINT_TESTS["htz"]([Part(found, equal_effects(len(found.b), columns))]).p_value)
    share = float(np.mean(np.array(p) < 0.05))
    assert abs(share - 0.05) < 4 * np.sqrt(0.05 * 0.95 / 400)


def test_a_regression_of_its_own_counts_as_one_row_in_however_many_restrictions_it_stands() -> None:
    """90 centres: all 89 rows of 45 columns would be too many. Q is that of means of persons, CR2 their HC2."""
    rng, parts, effects, variances = np.random.default_rng(0), [], [], []
    n_centres, n_months, assigned = 90, 44, np.arange(12) % 2 == 1
    for k in range(n_centres):
        outcomes = rng.integers(2, size=(12, n_months)).astype(np.int8)
        X, D = np.column_stack([np.ones(12), assigned]).astype(float), np.eye(n_months)[:, 1:]
        found = fit(Sample(X, D, outcomes, np.ones_like(outcomes, bool)))
        parts.append(Part(found, equal_effects(n_centres, range(n_centres))[:, [k]] @ np.eye(len(found.kept))[[1]]))
        own, others = outcomes[assigned].mean(1), outcomes[~assigned].mean(1)
        effects.append(own.mean() - others.mean())
        variances.append(own.var(ddof=1) / 6 + others.var(ddof=1) / 6)
    wald, weights = htz(parts), 1 / np.array(variances)
    q, eta = n_centres - 1, wald.df2 + n_centres - 2
    between = weights @ (effects - np.average(effects, weights=weights)) ** 2
    assert wald.df1 == q
    assert wald.f * eta * q / (eta - q + 1) == pytest.approx(between, rel=1e-9)  # 89 sums in another order
