"""Randomisation inference: draws as randomisation was done, statistics as a refit gives them, p-values that hold.

Tolerances: statistics of matrix products against refits are sums of the same numbers in another order (1e-9 after
division by a standard error). Shares of simulations are compared at 3.5 Monte-Carlo standard errors, which one test in
2,000 misses by chance; the seeds are fixed, so none does.
"""

from dataclasses import replace
from itertools import combinations, product
from math import comb
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy import stats
from statsmodels.stats.multitest import multipletests

from cohorts import Recipe, random_cohort, write_cohort
from ipseval.check import check
from ipseval.clean import clean
from ipseval.cohort import select
from ipseval.config import Analysis, Arms, Cohort, Randomisation, Window
from ipseval.contracts import EXTRACTS
from ipseval.estimate import estimate
from ipseval.estimation import randomisation
from ipseval.estimation.analyses import Regression
from ipseval.estimation.assignments import Assignments, draw_assignments
from ipseval.estimation.design import Assigned, Design, Effect
from ipseval.estimation.invariants import randomisation_is_complete
from ipseval.estimation.marginal import risk_differences
from ipseval.estimation.multiplicity import by_tails, critical_value, holm, p_values, step_down
from ipseval.estimation.periods import Periods
from ipseval.estimation.randomisation import Draws, Moved, of_months, of_periods
from ipseval.estimation.randomisation_logit import of_logit
from ipseval.estimation.redrawn import redrawn
from ipseval.estimation.regression import Sample, fit
from ipseval.panel import MONTH_COLUMN
from ipseval.panel import panel as panel_of
from ipseval.randomise import BEFORE, CELL, FOLLOW_UP, OVER_ARMS, assignments, randomise
from ipseval.settings import read_cohort
from panels import Panel, expanded, random_panel
from test_real_trials import folder_of

SE = 3.5
ARMS = Arms("control", ("ips",))


def share_error(share: float, n: int) -> float:
    """The Monte-Carlo standard error of a share of n simulations, times what is allowed."""
    return SE * np.sqrt(share * (1 - share) / n)


def two_arms(n: int) -> Moved:
    """One assigned column over everybody: arm 1 against arm 0."""
    return Moved(np.array([1], np.int8), np.ones((1, n)))


def cross_section(centre: np.ndarray, Y: np.ndarray, drawn: np.ndarray) -> Draws:
    """Effect over all centres, adjusted for centre dummies; HC1."""
    n = len(centre)
    X = np.column_stack([np.ones(n), *(centre == c for c in np.unique(centre)[1:])]).astype(float)
    fixed = fit(Sample(X, np.zeros((1, 0)), Y[:, :1], np.ones((n, 1), bool)))
    return of_months(fixed, Y, two_arms(n), drawn, n / (n - X.shape[1] - 1))


# --- drawing ---


def drawn_arms(arm: np.ndarray, strata: np.ndarray, draws: int, rng: np.random.Generator) -> np.ndarray:
    """Arms in every draw, int8, draws x n."""
    return draw_assignments(arm, strata, draws, rng)[:]


def packed(drawn: np.ndarray) -> Assignments:
    """Draws of two arms as the code holds them."""
    return Assignments(np.packbits(drawn, axis=0)[None], len(drawn))


@pytest.mark.parametrize("n_arms", [2, 3, 4])
def test_packed_assignments_are_those_that_were_permuted(n_arms: int) -> None:
    rng = np.random.default_rng(8)
    arm, strata, wanted = rng.integers(n_arms, size=300), rng.integers(3, size=300), np.empty((1003, 300), int)
    arm[0] = n_arms - 1
    again = np.random.default_rng(9)
    for stratum in range(3):
        here = strata == stratum
        wanted[:, here] = [again.permutation(arm[here]) for _ in range(1003)]
    drawn = draw_assignments(arm, strata, 1003, np.random.default_rng(9))
    assert len(drawn) == 1003
    np.testing.assert_array_equal(drawn[:], wanted)
    for rows in (slice(0, 1), slice(7, 9), slice(16, 24), slice(995, 1003)):
        np.testing.assert_array_equal(drawn[rows], wanted[rows])
        np.testing.assert_array_equal(drawn.of(strata == 1)[rows], wanted[rows, strata == 1])
    np.testing.assert_array_equal(drawn.beginning_with(arm)[:], np.vstack([arm, wanted[1:]]))


def test_every_draw_keeps_the_arms_of_every_stratum() -> None:
    rng = np.random.default_rng(0)
    arm, strata = rng.integers(0, 3, 60), rng.integers(0, 7, 60)
    drawn = drawn_arms(arm, strata, 500, rng)
    assert drawn.dtype == np.int8
    assert drawn.shape == (500, 60)
    for stratum, code in product(range(7), range(3)):
        here = strata == stratum
        assert ((drawn[:, here] == code).sum(1) == (arm[here] == code).sum()).all()


def test_every_assignment_of_a_stratum_is_as_likely() -> None:
    draws = 30_000
    drawn = drawn_arms(np.array([0, 1, 0, 1, 2]), np.zeros(5), draws, np.random.default_rng(1))
    _, counts = np.unique(drawn, axis=0, return_counts=True)
    assert len(counts) == 30  # 5! / (2! 2! 1!)
    assert np.abs(counts / draws - 1 / 30).max() < share_error(1 / 30, draws)


def test_the_same_seed_gives_the_same_draws() -> None:
    arm, strata = np.arange(40) % 2, np.arange(40) % 3
    first, again, other = (drawn_arms(arm, strata, 50, np.random.default_rng(s)) for s in (7, 7, 8))
    assert first.tobytes() == again.tobytes()
    assert first.tobytes() != other.tobytes()


# --- exact tests by enumeration ---


def every_assignment(strata: np.ndarray, assigned: np.ndarray) -> np.ndarray:
    """All assignments with as many assigned in each stratum as there are."""
    parts = []
    for stratum in np.unique(strata):
        here = np.flatnonzero(strata == stratum)
        parts.append(list(combinations(here, int(assigned[here].sum()))))
    found = np.zeros((np.prod([len(part) for part in parts]), len(strata)), np.int8)
    for row, chosen in enumerate(product(*parts)):
        found[row, list(sum(chosen, ()))] = 1
    return found


def exact_p(centre: np.ndarray, y: np.ndarray, assigned: np.ndarray) -> float:
    """Share of all assignments whose refitted |t| is at least the observed one's."""

    def t(a: np.ndarray) -> float:
        Z = np.column_stack([a, *(centre == c for c in np.unique(centre))]).astype(float)
        return abs(sm.OLS(y, Z).fit(cov_type="HC1").tvalues[0])

    observed = t(assigned)
    return float(np.mean([t(a) >= observed - 1e-9 for a in every_assignment(centre, assigned)]))


@pytest.mark.parametrize("seed", range(4))
def test_p_is_that_of_all_assignments(seed: int) -> None:
    rng = np.random.default_rng(seed)
    centre, assigned = np.array([0] * 6 + [1] * 4), np.array([1, 1, 1, 0, 0, 0, 1, 1, 0, 0])
    y = rng.normal(size=10) + assigned * (seed / 2)
    wanted = exact_p(centre, y, assigned)
    everything = every_assignment(centre, assigned)
    assert len(everything) == comb(6, 3) * comb(4, 2)
    is_observed = (everything == assigned).all(1)
    listed = np.vstack([assigned, everything[~is_observed]]).astype(np.int8)
    t = cross_section(centre, y[:, None], listed).statistic[:, 0]
    assert p_values(t[0], t[1:]) == pytest.approx(wanted, abs=1e-12)
    draws = 4999
    drawn = np.vstack([assigned, drawn_arms(assigned, centre, draws, rng)]).astype(np.int8)
    t = cross_section(centre, y[:, None], drawn).statistic[:, 0]
    assert abs(p_values(t[0], t[1:])[0] - wanted) < share_error(wanted, draws) + 1 / draws


def test_ties_are_counted_although_sums_differ_in_rounding() -> None:
    assigned, worked = np.arange(12) % 2, np.array([1, 1, 1, 0, 1, 0, 0, 1, 0, 1, 0, 1])
    y = worked[:, None] / 3 + 1000.1  # an offset that costs digits
    everything = every_assignment(np.zeros(12), assigned)
    others = everything[~(everything == assigned).all(1)]
    t = cross_section(np.zeros(12), y, np.vstack([assigned, others]).astype(np.int8)).statistic[:, 0]
    table = [[int((worked[assigned == a] == w).sum()) for w in (1, 0)] for a in (1, 0)]
    assert p_values(t[0], t[1:])[0] == pytest.approx(stats.fisher_exact(table)[1], abs=1e-12)


def test_p_by_tails_is_blakers_for_counts() -> None:
    """How many of 7 assigned work when 5 of 19 do is hypergeometric; the other tail counts as far as it is as rare."""
    assigned, works = np.arange(19) < 7, np.arange(19) % 4 == 3
    y = works.astype(float) + (np.arange(19) == 18)
    k = np.arange(6)
    law = stats.hypergeom(19, 5, 7)
    rare = np.minimum(law.sf(k - 1), law.cdf(k))
    everything = every_assignment(np.zeros(19), assigned)
    counts = everything @ (y > 0)
    for seen in range(6):
        first = int(np.flatnonzero(counts == seen)[0])
        t = np.concatenate([counts[first:], counts[:first]]).astype(float)[:, None] / 3 + 0.1
        wanted = law.pmf(k)[rare <= rare[seen] + 1e-12].sum()
        assert by_tails(t[0], t[1:])[0] == pytest.approx(wanted, abs=1e-12)


def test_p_by_tails_is_that_by_size_where_both_tails_are_alike() -> None:
    half = np.random.default_rng(6).normal(size=(300, 4))
    drawn = np.vstack([half, -half, np.zeros((1, 4))])
    t = np.array([0.1, -1.3, 2.0, 9.0])
    ours = by_tails(np.append(t, t), np.hstack([drawn, drawn]))
    assert ours == pytest.approx(np.tile(p_values(t, drawn), 2), abs=2 / 602)
    assert by_tails(t, drawn)[3] <= 2 / 602


def test_infinite_statistics_lie_beyond_all_others_on_both_sides() -> None:
    """Counted by hand: of 2, -3, 1, -2 and two infinite ones; which sign an infinite one has changes nothing."""
    for infinite in ([np.inf, np.inf], [-np.inf, np.inf]):
        values = np.array([2.0, -3.0, 1.0, -2.0, *infinite])
        # Rare are 3 (2 and -3: one of four, and two beyond), 4 (1 and -2: two of four) and 0.
        for place, wanted in ((0, 4 / 6), (1, 4 / 6), (2, 1.0), (3, 1.0), (4, 2 / 6)):
            turned = np.roll(values, -place)[:, None]
            assert by_tails(turned[0], turned[1:])[0] == pytest.approx(wanted, abs=1e-12)


# --- against refits ---


def refitted(sample: Sample, column: int) -> tuple[float, float]:
    """Estimate and CR1 standard error by statsmodels on person-months."""
    Z, y, person = expanded(sample)
    found = sm.OLS(y, Z).fit(cov_type="cluster", cov_kwds={"groups": person})
    return found.params[column], found.bse[column]


def by_centre(panel: Panel, assigned: np.ndarray) -> Sample:
    """Centre dummies, covariates, month dummies and one effect a centre (last columns of X)."""
    centres = np.unique(panel.centre)
    X = np.column_stack(
        [replace(panel, assigned=assigned).X[:, :-1], *(assigned * (panel.centre == c) for c in centres)]
    )
    return replace(panel.sample(), X=X)


@pytest.mark.parametrize("missing", [0.0, 0.3])
def test_pooled_products_are_the_refits(missing: float) -> None:
    panel = random_panel(5, n=45, months=6, missing=missing, centres=3)
    arm = panel.assigned.astype(np.int8)
    drawn = np.vstack([arm, drawn_arms(arm, panel.centre, 50, np.random.default_rng(2))])
    sample = by_centre(panel, panel.assigned)
    p, q = sample.X.shape[1], 3
    inside = np.array([panel.centre == c for c in range(q)])
    factor = 45 / 44 * (sample.n_obs - 1) / (sample.n_obs - p - sample.D.shape[1])
    fixed = fit(replace(sample, X=sample.X[:, :-q]))
    found = of_periods(fixed, Moved(np.ones(q, np.int8), inside), packed(drawn), factor)
    for row, a in enumerate(drawn):
        for j in range(q):
            b, error = refitted(by_centre(panel, a.astype(float)), p - q + j)
            assert found.estimate[row, j, 0] == pytest.approx(b, abs=1e-9)
            assert found.std_error[row, j, 0] == pytest.approx(error, abs=1e-9)


def test_monthly_products_of_three_arms_are_the_refits() -> None:
    rng = np.random.default_rng(3)
    n, months = 40, 4
    arm, centre, age = np.arange(n) % 3, np.arange(n) // 20, rng.uniform(18, 60, n)
    Y = (rng.random((n, months)) < 0.4).astype(float)
    drawn = np.vstack([arm, drawn_arms(arm, centre, 50, rng)]).astype(np.int8)
    X = np.column_stack([np.ones(n), age, centre])
    fixed = fit(Sample(X, np.zeros((1, 0)), Y[:, :1], np.ones((n, 1), bool)))
    found = of_months(fixed, Y, Moved(np.array([1, 2], np.int8), np.ones((2, n))), drawn, n / (n - 5))
    for row, a in enumerate(drawn):
        for k in range(months):
            theirs = sm.OLS(Y[:, k], np.column_stack([X, a == 1, a == 2])).fit(cov_type="HC1")
            np.testing.assert_allclose(found.estimate[row, :, k], theirs.params[3:], atol=1e-9)
            np.testing.assert_allclose(found.std_error[row, :, k], theirs.bse[3:], atol=1e-9)


@pytest.mark.parametrize("with_months", [False, True])
def test_logits_of_all_draws_are_those_fitted_one_by_one(with_months: bool) -> None:
    """Against statsmodels' GLM for each draw, with two treatments; both solve the likelihood's equations."""
    panel = random_panel(6, n=90, months=5, missing=0.2)
    rng = np.random.default_rng(7)
    arm = rng.integers(0, 3, 90).astype(np.int8)
    drawn = np.vstack([arm, drawn_arms(arm, panel.centre, 25, rng)])
    sample = replace(panel.sample(), X=panel.X[:, :-1])
    sample = sample if with_months else replace(sample, D=np.zeros((5, 0)))
    p, N = sample.X.shape[1], sample.n_obs
    n_columns = p + 2 + sample.D.shape[1]
    factor = 90 / 89 * (N - 1) / (N - n_columns)
    found = of_logit(fit(sample), Moved(np.array([1, 2], np.int8), np.ones((2, 90))), drawn, factor)
    for row, a in enumerate(drawn):
        with_arms = replace(sample, X=np.column_stack([sample.X, a == 1, a == 2]).astype(float))
        theirs = risk_differences(with_arms, np.arange(n_columns), [p, p + 1])
        np.testing.assert_allclose(found.estimate[row, :, 0], theirs.estimate, atol=1e-9)
        np.testing.assert_allclose(found.std_error[row, :, 0], np.sqrt(np.diag(theirs.covariance)), atol=1e-9)


def test_a_separated_draw_of_a_logit_is_as_extreme_as_can_be() -> None:
    assigned = np.array([1, 1, 1, 0, 0, 0, 1, 0], np.int8)
    y = assigned[:, None].astype(float)
    sample = Sample(np.ones((8, 1)), np.zeros((1, 0)), y, np.ones((8, 1), bool))
    drawn = np.vstack([assigned, [1, 1, 0, 0, 0, 1, 1, 0]]).astype(np.int8)
    t = of_logit(fit(sample), two_arms(8), drawn, 1.0).statistic[:, 0, 0]
    assert np.isinf(t[0])
    assert np.isfinite(t[1])


def test_a_regression_of_one_period_is_a_cross_section() -> None:
    panel = random_panel(8, n=30, months=1)
    arm = panel.assigned.astype(np.int8)
    drawn = drawn_arms(arm, panel.centre, 40, np.random.default_rng(4))
    fixed = fit(replace(panel.sample(), X=panel.X[:, :-1]))
    one, other = (
        of_periods(fixed, two_arms(30), packed(drawn), 1.1),
        of_months(fixed, panel.Y, two_arms(30), drawn, 1.1),
    )
    np.testing.assert_allclose(one.statistic, other.statistic, rtol=1e-9)


def test_many_draws_at_a_time_are_those_one_by_one() -> None:
    panel = random_panel(9, n=30, months=5, missing=0.2)
    drawn = drawn_arms(panel.assigned.astype(np.int8), panel.centre, 3000, np.random.default_rng(5))
    fixed = fit(replace(panel.sample(), X=panel.X[:, :-1]))
    together = of_periods(fixed, two_arms(30), packed(drawn), 1.1).statistic
    assert together.shape == (3000, 1, 1)
    alone = [of_periods(fixed, two_arms(30), packed(row[None]), 1.1).statistic[0] for row in drawn[::300]]
    np.testing.assert_allclose(together[::300], alone, rtol=1e-9)


def test_frequent_patterns_by_themselves_are_those_among_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """Persons who share their months are worked on apart: blocks of one pattern, and of several."""
    panel = random_panel(10, n=120, months=3, missing=0.3, centres=2)
    arm = panel.assigned.astype(np.int8)
    drawn = packed(drawn_arms(arm, panel.centre, 20, np.random.default_rng(3)))
    fixed = fit(replace(panel.sample(), X=panel.X[:, :-1]))
    together = of_periods(fixed, two_arms(120), drawn, 1.1)
    monkeypatch.setattr(randomisation, "FREQUENT", 15)
    monkeypatch.setattr(randomisation, "BLOCK", 8)
    _, sums = randomisation._Sums.of(fixed, two_arms(120))
    sizes = [len(pattern) for _, pattern in sums.blocks]
    assert 1 in sizes and max(sizes) > 1
    apart = of_periods(fixed, two_arms(120), drawn, 1.1)
    # 120 persons summed in other blocks: rounding only
    np.testing.assert_allclose(apart.estimate, together.estimate, rtol=1e-12)
    np.testing.assert_allclose(apart.std_error, together.std_error, rtol=1e-12)


# --- several treatments ---


def three_arms(sizes: tuple[int, int, int], centres: int) -> pd.DataFrame:
    """Persons of the reference arm, a and b in every centre."""
    one = np.repeat(["control", "a", "b"], sizes)
    rows = {"person_id": [f"p{i:04d}" for i in range(centres * len(one))], "arm": np.tile(one, centres)}
    rows |= {"centre": np.repeat([str(c) for c in range(centres)], len(one)), "is_analysed": True}
    return pd.DataFrame(rows | {"randomised_on": pd.Timestamp("2013-01-15")})


def cohort_of_three_arms(tmp_path, people: pd.DataFrame, after: int, draws: int) -> Cohort:
    """A cohort with the pooled effects of two treatments, unadjusted."""
    made = read_cohort(write_cohort(random_cohort(Recipe(treatments=("a", "b")), seed=1), tmp_path))
    centres = {c: c for c in sorted(set(people["centre"]))}
    analysis = Analysis("one", "follow_up")
    chosen = Randomisation(draws, 5)
    return replace(made, analyses=(analysis,), centres=centres, window=Window(0, after), randomisation=chosen)


def panel_of_states(people: pd.DataFrame, states: np.ndarray) -> pd.DataFrame:
    months = pd.DataFrame(states.astype("int8"), columns=[MONTH_COLUMN.format(k) for k in range(states.shape[1])])
    return months.assign(outcome="ordinary_employment", person_id=people["person_id"])


def test_a_row_permutes_its_own_two_arms_and_holds_the_others(tmp_path) -> None:
    people = three_arms((5, 3, 2), 3).sample(frac=1, random_state=1, ignore_index=True)
    people["block"] = np.arange(len(people)) % 2
    cohort = cohort_of_three_arms(tmp_path, people, 0, 50)
    codes = people["arm"].map({"control": 0, "a": 1, "b": 2}).to_numpy()
    for held, treatment in ((2, "a"), (1, "b")):
        drawn = assignments(cohort, people, treatment)[:]
        assert (drawn[0] == codes).all()
        assert (drawn[:, codes == held] == held).all()
        assert (drawn[:, codes != held] != held).all()
        assert (drawn[1:] != codes).any(axis=1).all()
        for _, here in people.groupby(["centre", "block"]).indices.items():
            assert ((drawn[:, here] == 0).sum(1) == (codes[here] == 0).sum()).all()


@pytest.mark.parametrize("treatment", ["a", "b"])
def test_p_of_an_arm_is_that_of_all_assignments_of_its_two_arms(tmp_path, treatment: str) -> None:
    rng = np.random.default_rng(4)
    people, draws = three_arms((3, 2, 3), 2), 4999
    states = (rng.random((16, 4)) < 0.3 + 0.5 * (people["arm"] == "b").to_numpy()[:, None]).astype(int)
    cohort, arm = cohort_of_three_arms(tmp_path, people, 3, draws), people["arm"].to_numpy()
    panel = panel_of_states(people, states)
    found = randomise(cohort, people, panel, estimate(cohort, people, panel)["effects"])["randomisation"]
    dummies = np.column_stack([people["centre"] == c for c in "01"]).astype(float)

    def t(arms: np.ndarray) -> float:
        Z = np.column_stack([arms == treatment, arms == ({"a", "b"} - {treatment}).pop(), dummies]).astype(float)
        fitted = sm.OLS(states.ravel(), np.repeat(Z, 4, axis=0)).fit(
            cov_type="cluster", cov_kwds={"groups": np.repeat(np.arange(16), 4)}
        )
        return fitted.tvalues[0]

    places = [np.flatnonzero((people["centre"] == c) & np.isin(arm, ["control", treatment])) for c in "01"]
    n_treated = {"a": 2, "b": 3}[treatment]
    every = []
    for chosen in product(*(combinations(here, n_treated) for here in places)):
        again = arm.copy()
        again[np.concatenate(places)] = "control"
        again[list(sum(chosen, ()))] = treatment
        every.append(t(again))
    rare = [min(np.mean(every >= one - 1e-9), np.mean(every <= one + 1e-9)) for one in (t(arm), *every)]
    wanted = np.mean(np.array(rare[1:]) <= rare[0] + 1e-12)
    row = found.set_index("arm").loc[treatment]
    assert abs(row["p_value"] - wanted) < share_error(wanted, draws) + 1 / draws


@pytest.mark.parametrize("after", [0, 11])
def test_an_arm_that_works_leaves_the_test_of_another_its_size(tmp_path, after: int) -> None:
    """20:4:4 in four centres; a does nothing, b works.

    With all arms permuted together a is rejected in 11 % of trials of one month: where all of a are without a job its
    error is small, and the draws mix in b. By |t| that arm is the rarest of all and the test rejects in .3 % of trials
    of one month; by tails in 4 %, as t takes few values; of twelve months in 5 %.
    """
    trials, rng = 240, np.random.default_rng(12)
    people = three_arms((20, 4, 4), 4)
    cohort = cohort_of_three_arms(tmp_path, people, after, 119)
    works = (people["arm"] == "b").to_numpy()
    p, adjusted = np.empty((2, trials))
    for k in range(trials):
        by_person = (rng.beta(6, 2, len(people)), rng.beta(1, 3, len(people))) if after else (0.7, 0.1)
        share = np.where(works, *by_person)
        panel = panel_of_states(people, rng.random((len(people), after + 1)) < share[:, None])
        seeded = replace(cohort, randomisation=Randomisation(119, k))
        found = randomise(seeded, people, panel, _effects_to_test.assign(month_to=after))["randomisation"]
        p[k], adjusted[k] = found.set_index("arm").loc["a", ["p_value", "p_adjusted"]]
    size = (p <= 0.05).mean()
    assert size < 0.05 + share_error(0.05, trials)
    assert size > 0.02
    assert (adjusted >= p).all()


_effects_to_test = pd.DataFrame(
    {
        "cohort": "x", "analysis": "one", "outcome": "ordinary_employment", "estimator": "ols", "subgroup": "all",
        "centre": "all", "month_from": 0, "month_to": 11, "arm": ["a", "b"], "reference_arm": "control",
        "status": "estimated",
    }
)  # fmt: skip


def test_the_adjusted_p_over_arms_keeps_the_family_wise_error(tmp_path) -> None:
    """Nothing works: some arm is rejected in 5 % of trials or fewer, and not by far fewer."""
    trials, rng = 240, np.random.default_rng(13)
    people = three_arms((12, 6, 6), 3)
    cohort = cohort_of_three_arms(tmp_path, people, 11, 119)
    lowest = np.empty((2, trials))
    for k in range(trials):
        panel = panel_of_states(people, rng.random((len(people), 12)) < rng.beta(1, 3, len(people))[:, None])
        seeded = replace(cohort, randomisation=Randomisation(119, k))
        found = randomise(seeded, people, panel, _effects_to_test)["randomisation"]
        lowest[:, k] = found["p_value"].min(), found["p_adjusted"].min()
    shares = (lowest <= 0.05).mean(axis=1)
    assert shares[0] > 0.07
    assert abs(shares[1] - 0.05) < share_error(0.05, trials)


# --- degenerate draws ---


def test_a_draw_without_an_effect_or_an_error_is_as_extreme_as_can_be() -> None:
    y = np.array([1.0, 1, 1, 0, 0, 0])
    drawn = np.array([[1, 1, 1, 0, 0, 0], [0, 0, 0, 0, 0, 0], [1, 1, 0, 1, 0, 0]], np.int8)
    Y = np.column_stack([y, np.ones(6)])
    t = cross_section(np.zeros(6), Y, drawn).statistic[:, 0]
    assert np.isinf(t[0, 0])  # perfect separation: no error
    assert np.isinf(t[1]).all()  # nobody assigned
    assert np.isfinite(t[2, 0])
    assert t[0, 1] == t[2, 1] == 0  # an outcome that never varies


# --- p-values under the null ---


def null_p_values(simulations: int, draws: int, months: int, is_binary: bool) -> tuple[np.ndarray, np.ndarray]:
    """Raw and adjusted p-values of months that hang together, assignment without any effect; simulations x months."""
    rng = np.random.default_rng(6)
    centre, arm = np.repeat([0, 1], [27, 13]), np.r_[np.arange(27) % 2, np.arange(13) % 2].astype(np.int8)
    raw, adjusted = np.empty((2, simulations, months))
    for k in range(simulations):
        y = rng.normal(size=(40, 1)) + rng.normal(size=(40, months))
        y = (y > 0.8).astype(float) if is_binary else y
        observed = drawn_arms(arm, centre, 1, rng)
        drawn = np.vstack([observed, drawn_arms(observed[0], centre, draws, rng)])
        t = cross_section(centre, y, drawn).statistic[:, 0]
        raw[k], adjusted[k] = p_values(t[0], t[1:]), step_down(t[0], t[1:])
    return raw, adjusted


def test_p_is_uniform_under_no_effect() -> None:
    simulations = 800
    raw, adjusted = null_p_values(simulations, 199, 5, is_binary=False)
    for level in (0.01, 0.05, 0.1, 0.5, 0.8):
        assert abs((raw[:, 0] <= level + 1e-12).mean() - level) < share_error(level, simulations)
        # Any false rejection among the months: the rate of the smallest adjusted p.
        assert abs((adjusted.min(1) <= level + 1e-12).mean() - level) < share_error(level, simulations)


def test_p_of_few_binary_outcomes_is_never_too_small() -> None:
    simulations = 800
    raw, adjusted = null_p_values(simulations, 199, 3, is_binary=True)
    for level in (0.01, 0.05, 0.1, 0.5):
        assert (raw[:, 0] <= level + 1e-12).mean() < level + share_error(level, simulations)
        assert (adjusted.min(1) <= level + 1e-12).mean() < level + share_error(level, simulations)


# --- several hypotheses ---


def some_statistics(m: int = 6, draws: int = 999) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(10)
    drawn = rng.normal(size=(draws, 1)) + rng.normal(size=(draws, m))
    return rng.normal(size=m) * 2, drawn


def test_adjusted_p_is_no_smaller_and_keeps_the_order_of_the_statistics() -> None:
    t, drawn = some_statistics()
    adjusted = step_down(t, drawn)
    assert (adjusted >= p_values(t, drawn)).all()
    assert (np.diff(adjusted[np.argsort(-np.abs(t))]) >= 0).all()


def test_step_down_is_its_definition() -> None:
    t, drawn = some_statistics()
    order = np.argsort(-np.abs(t))
    wanted, before = np.empty(len(t)), 0.0
    for k, hypothesis in enumerate(order):
        largest = np.abs(drawn[:, order[k:]]).max(1)
        before = max(before, (1 + (largest >= abs(t[hypothesis])).sum()) / 1000)
        wanted[hypothesis] = before
    np.testing.assert_allclose(step_down(t, drawn), wanted, rtol=0, atol=1e-15)


def test_of_one_hypothesis_nothing_is_adjusted() -> None:
    t, drawn = some_statistics(1)
    assert step_down(t, drawn) == p_values(t, drawn)
    assert holm([0.03]) == [0.03]


def test_a_band_leaves_out_zero_where_the_largest_statistic_is_significant() -> None:
    _, drawn = some_statistics()
    c = critical_value(drawn, 0.95)
    largest = np.abs(drawn).max(1)
    assert p_values(np.array([c * 1.0001]), largest[:, None])[0] <= 0.05
    assert p_values(np.array([c * 0.9999]), largest[:, None])[0] > 0.05
    assert np.isnan(critical_value(drawn[:10], 0.95))


def test_holm_is_that_of_statsmodels_and_keeps_what_is_missing() -> None:
    rng = np.random.default_rng(12)
    for m in (1, 2, 6, 20):
        p = rng.random(m) ** 2
        np.testing.assert_allclose(holm(p), multipletests(p, method="holm")[1], rtol=1e-12)
    np.testing.assert_allclose(holm([0.01, np.nan, 0.04, 0.03]), [0.03, np.nan, 0.06, 0.06])
    assert np.isnan(holm([np.nan])).all()


# --- the stage ---


WITHOUT = ("education", "persons", "wage_subsidy")
RECIPES = {
    "plain": Recipe(n_persons=90, n_centres=3, before=2, after=8, after_emigration="missing"),
    "several": Recipe(
        n_persons=80, n_centres=3, before=1, after=5, treatments=("ips", "ips_plus"), has_tiny_centre=True,
        exclude_wage_subsidy=False, without=WITHOUT,
    ),
}  # fmt: skip


@pytest.fixture(scope="module", params=RECIPES)
def made(request, tmp_path_factory):
    """A random cohort with its people, panel, effects, and what was made of them by 199 draws."""
    folder = tmp_path_factory.mktemp(request.param)
    cohort = read_cohort(write_cohort(random_cohort(RECIPES[request.param], seed=3), folder))
    cleaned = clean({name: table for name, table in check(cohort).items() if name in EXTRACTS})
    people = select(cohort, cleaned)["people"]
    months = panel_of(cohort, people, cleaned)["panel"]
    parts = people, months, estimate(cohort, people, months)["effects"]
    chosen = replace(cohort, randomisation=Randomisation(draws=199, seed=1))
    return SimpleNamespace(cohort=cohort, parts=parts, effects=parts[2], **randomise(chosen, *parts))


def test_the_observed_assignment_gives_the_estimates(made) -> None:
    cr1 = made.effects[(made.effects["variance"] == "cr1")].set_index(CELL)
    ours = made.randomisation.set_index(CELL)
    assert ours.index.equals(cr1.index)
    assert set(ours.loc[ours["status"] == "estimated"].index.get_level_values("analysis")) >= {
        "centre_unadjusted", "table5_model_1", "pooled", "pooled_unadjusted", "by_month", "by_centre_month",
        "adjustment_lin", "subgroup_age_18_30",
    }  # fmt: skip
    assert ours["p_value"].notna().equals(cr1["status"] == "estimated")
    for name in ("estimate", "std_error", "statistic"):
        np.testing.assert_allclose(ours[name], cr1[name], rtol=1e-10, atol=1e-10)


def test_p_values_are_adjusted_over_their_family(made) -> None:
    known = made.randomisation.dropna(subset=["p_value"])
    assert ((known["p_value"] >= 1 / 200) & (known["p_value"] <= known["p_adjusted"] + 1e-15)).all()
    assert (known["p_adjusted"] <= 1).all()
    assert (known["draws"] == 199).all() == (known["seed"] == 1).all()
    months = known[known["analysis"] == "by_month"]
    behind = f", {OVER_ARMS}" if len(made.cohort.arms.treatments) > 1 else ""
    assert months["family"].eq(np.where(months["month_from"] >= 0, FOLLOW_UP + behind, BEFORE + behind)).all()


def multipletests_of_known(p: pd.Series) -> np.ndarray:
    """Holm's p by statsmodels of those that are there."""
    found, known = np.full(len(p), np.nan), p.notna().to_numpy()
    if known.any():
        found[known] = multipletests(p[known], method="holm")[1]
    return found


def test_holm_is_over_the_centres_and_arms_of_an_analysis(made) -> None:
    for (_, variance), rows in made.effects.groupby(["analysis", "variance"]):
        overall = rows["centre"] == "all"
        apart = rows[overall & (rows["subgroup"] != "difference")]
        if len(made.cohort.arms.treatments) == 1:
            assert apart["p_adjusted"].isna().all()
        else:
            assert apart["p_adjusted"].notna().equals(apart["p_value"].notna())
        for part in (rows[~overall], apart):
            if part is apart and len(made.cohort.arms.treatments) == 1:
                continue
            for _, family in part.groupby(["month_from", "month_to", "subgroup"]):
                np.testing.assert_allclose(family["p_adjusted"], multipletests_of_known(family["p_value"]))
        assert variance in made.cohort.estimation.variances


def test_holm_is_over_the_subgroups_and_arms(made) -> None:
    differences = made.effects[made.effects["subgroup"] == "difference"]
    assert differences["p_value"].notna().any()
    for _, family in differences.groupby("variance"):
        np.testing.assert_allclose(family["p_adjusted"], multipletests_of_known(family["p_value"]))


def test_a_band_encloses_its_interval_and_rejects_with_the_adjusted_p(made) -> None:
    bands = made.bands.merge(
        made.randomisation, left_on=["analysis", "arm", "month"], right_on=["analysis", "arm", "month_from"],
        suffixes=("", "_ri"),
    )  # fmt: skip
    assert len(bands) == len(made.bands) > 0
    assert (bands.groupby(["arm", "family"])["critical_value"].nunique() <= 1).all()
    known = bands.dropna(subset=["critical_value"])
    outside = (known["band_low"] > 0) | (known["band_high"] < 0)
    assert (known.loc[outside, "p_adjusted"] <= 0.05).all()
    np.testing.assert_allclose(known["band_high"] - known["estimate"], known["critical_value"] * known["std_error"])


def test_verify_finds_what_is_wrong_with_the_table(made) -> None:
    tested = made.randomisation
    first = tested["p_value"].first_valid_index()
    assert randomisation_is_complete(made.cohort, {"randomisation": tested, "effects": made.effects}).passed
    for column, value in (("p_value", np.nan), ("p_value", 0.0), ("p_adjusted", 0.001), ("statistic", 9.0)):
        spoilt = tested.copy()
        spoilt.loc[first, column] = value
        assert not randomisation_is_complete(made.cohort, {"randomisation": spoilt, "effects": made.effects}).passed
    assert not randomisation_is_complete(made.cohort, {"randomisation": tested[1:], "effects": made.effects}).passed


def test_a_seed_gives_the_same_bytes_and_another_one_others(made) -> None:
    def csv(seed: int) -> str:
        return randomise(replace(made.cohort, randomisation=Randomisation(99, seed)), *made.parts)[
            "randomisation"
        ].to_csv()

    assert csv(5) == csv(5)
    assert csv(5).replace(",5,ri", "") != csv(6).replace(",6,ri", "")


def test_months_with_the_same_persons_are_done_together() -> None:
    n = 12
    rng = np.random.default_rng(11)
    arm = np.where(np.arange(n) % 2, "ips", "control")
    every, some = np.arange(n), np.arange(n - 3)
    analysis = Analysis("by_month", "each")

    def month(k: int, persons: np.ndarray) -> Regression:
        X = np.column_stack([np.ones(len(persons)), arm[persons] == "ips"]).astype(float)
        assigned = Assigned("ips", "assigned[ips]", Effect("ips", "all", "assigned[ips]"))
        design = Design(("intercept", "assigned[ips]"), X, (assigned,), np.ones((len(persons), 1)), ())
        y = rng.random((len(persons), 1))
        time = Periods((), np.zeros((1, 0)), y, np.ones_like(y, bool))
        at = np.full(len(persons), "1")
        return Regression(analysis, (k, k), "all", design, persons, arm[persons], at, time)

    months = [month(0, every), month(1, some), month(2, every)]
    drawn = np.array([arm == "ips", arm == "ips"], np.int8)
    batches = list(redrawn(months, ARMS, packed(drawn)))
    assert [[one.months[0] for one in batch] for batch, _, _ in batches] == [[0, 2], [1]]
    for batch, _, draws in batches:
        for k, one in enumerate(batch):
            theirs = sm.OLS(one.time.Y[:, 0], one.design.X).fit(cov_type="HC1").tvalues[1]
            assert draws.statistic[0, 0, k] == pytest.approx(theirs)


def test_real_trial_has_the_p_of_fishers_test_in_size() -> None:
    """Indomethacin, 27/295 v 52/307: Fisher .0053. Within the centres and studentised it is of that size, not that."""
    rows = pd.read_csv(folder_of("indo_rct") / "indo_rct.csv", dtype={"person": str, "centre": str})
    arm = (rows["arm"] != "placebo").to_numpy().astype(np.int8)
    centre = rows["centre"].astype("category").cat.codes.to_numpy()
    drawn = np.vstack([arm, drawn_arms(arm, centre, 9999, np.random.default_rng(2021))])
    draws = cross_section(centre, rows[["outcome"]].to_numpy(float), drawn)
    p = p_values(draws.statistic[0, 0], draws.statistic[1:, 0])[0]
    assert draws.estimate[0, 0, 0] == pytest.approx(-0.0750, abs=5e-5)
    assert draws.std_error[0, 0, 0] == pytest.approx(0.0270, abs=5e-5)
    assert 0.003 < p < 0.009
