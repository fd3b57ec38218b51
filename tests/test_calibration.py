"""The calibration: trials have the planted truth, intervals are those of the pipeline, and bad ones are named."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from calibration import arms, within
from calibration.arms import ADJUSTED, ALONE, CASES, WITHOUT, drawn_months, persons, rejections
from calibration.means import syntheses
from calibration.page import HEAD, page, section_of_arms, section_of_centres, section_of_means, table, with_section
from calibration.performance import RANDOMISATION, Performance, performances, ratio_to_spread
from calibration.simulations import Size, estimated, p_by_randomisation, simulate
from calibration.trial import Case, cases, cohort_of, draw_trial, effects_of_centres, truth
from calibration.within import stratified
from ipseval.config import Randomisation
from ipseval.estimate import estimate
from ipseval.estimation.analyses import regressions
from ipseval.estimation.regression import Fit
from ipseval.estimation.variance import VARIANCES, Variance, cr1
from ipseval.panel import MONTH_COLUMN
from ipseval.randomise import randomise
from ipseval.simulation.model import true_effects

FEW = Size(simulations=6, simulations_pooled=3, simulations_randomisation=3, draws=19, seed=1)
STANDARD_ERRORS = 4


def case_named(name: str, has_effect: bool) -> Case:
    (found,) = (case for case in cases() if case.name == name and case.has_effect == has_effect)
    return found


SMALL = case_named("centre of 13 + 14", has_effect=False)
POOLED = case_named("six centres, pooled", has_effect=True)


@pytest.fixture(scope="module")
def found() -> list[Performance]:
    return [one for number, case in enumerate(cases()) for one in performances(case, simulate(case, number, FEW))]


def as_panel(states: np.ndarray) -> pd.DataFrame:
    columns = [MONTH_COLUMN.format(k) for k in range(states.shape[1])]
    label = pd.DataFrame({"outcome": "ordinary_employment", "person_id": np.arange(len(states))})
    return pd.concat([label, pd.DataFrame(states, columns=columns)], axis=1)


# --- the table ---------------------------------------------------------------------------------


def test_every_case_has_a_row_a_variance_and_randomisation_where_nothing_is_planted(found) -> None:
    for case in cases():
        expected = [*VARIANCES] if case.has_effect else [*VARIANCES, RANDOMISATION]
        assert [one.variance for one in found if one.case == case] == expected


def test_the_page_shows_every_row_and_how_it_was_made(found) -> None:
    text = page(found, FEW)
    lines = [line for line in text.splitlines() if line.startswith("|")]
    assert len(lines) == len(found) + 2
    assert {line.count("|") for line in lines} == {len(HEAD) + 1}
    assert "6 simulations of one centre, 3 of six" in text and "19 draws; seed 1" in text


def test_equal_seeds_give_equal_tables_and_more_trials_go_on_from_fewer() -> None:
    few, more = (simulate(SMALL, 0, replace(FEW, simulations=n)) for n in (3, 5))
    assert np.array_equal(few.estimate, more.estimate[:3])
    assert np.array_equal(few.p_randomised, more.p_randomised)
    assert not np.array_equal(few.estimate, simulate(SMALL, 0, replace(FEW, simulations=3, seed=2)).estimate)


def test_without_effect_coverage_is_what_size_leaves(found) -> None:
    rows = [one for one in found if one.coverage and not one.case.has_effect]
    assert len(rows) == 4 * len(VARIANCES)
    assert all(one.truth == 0 and one.coverage.value == pytest.approx(1 - one.rejected.value) for one in rows)


# --- the truth ---------------------------------------------------------------------------------


def test_the_truth_of_a_centre_is_what_the_simulator_says() -> None:
    case = case_named("centre of 99 randomised", has_effect=True)
    said = true_effects(POOLED.plan).set_index("centre")["effect"]
    simulated = simulate(case, 0, replace(FEW, simulations=3))
    assert simulated.truth == pytest.approx([said["2"]] * 3)
    assert said["2"] == pytest.approx(0.042, abs=0.001)  # 5 points, less the ramp, deaths and emigration


def test_the_truth_over_six_centres_weights_them_as_the_regression_does() -> None:
    trial = draw_trial(POOLED, np.random.default_rng(5))
    effects = dict(zip(POOLED.plan.centres, effects_of_centres(POOLED), strict=True))
    planted = np.where(trial.people["arm"] == "ips", trial.people["centre"].map(effects), 0.0)
    centres = pd.get_dummies(trial.people["centre"]).to_numpy(float)
    X = np.column_stack([centres, trial.people["arm"] == "ips"]).astype(float)
    expected = np.linalg.lstsq(X, planted, rcond=None)[0][-1]
    assert truth(POOLED, effects_of_centres(POOLED), trial.people) == pytest.approx(expected)


@pytest.mark.parametrize("case", [case for case in cases() if len(case.plan.centres) == 1], ids=lambda case: case.name)
def test_months_of_a_large_trial_have_the_true_effect(case: Case) -> None:
    centres = {code: replace(centre, n_randomised=16_000) for code, centre in case.plan.centres.items()}
    large = replace(case, plan=replace(case.plan, centres=centres), n_per_arm=None)
    trial = draw_trial(large, np.random.default_rng(11))
    share, is_assigned = trial.states.mean(1), (trial.people["arm"] == "ips").to_numpy()
    error = np.sqrt(share[is_assigned].var() / is_assigned.sum() + share[~is_assigned].var() / (~is_assigned).sum())
    gain = share[is_assigned].mean() - share[~is_assigned].mean()
    assert gain == pytest.approx(effects_of_centres(case)[0], abs=STANDARD_ERRORS * error)


def test_the_smallest_centre_has_the_same_arms_in_every_trial() -> None:
    assert np.array_equal(simulate(SMALL, 0, FEW).n_persons, np.tile([13, 14], (FEW.simulations, 1)))


def test_too_small_a_reserve_is_said() -> None:
    with pytest.raises(ValueError, match="too few persons"):
        draw_trial(replace(SMALL, n_per_arm=(13, 90)), np.random.default_rng(1))


# --- three arms, and the mean of the centres ---


def test_a_test_of_an_arm_is_counted_with_its_interval() -> None:
    found = list(rejections(n_trials=4, draws=19, seed=1))
    assert len(found) == len(CASES) * 5  # two variances, p by re-drawn assignment, with ties by lot, and adjusted
    assert all(one.low <= one.rejected.value <= one.high for one in found)
    text = section_of_arms(found, FEW)
    assert "20 + 4 + 4 persons in each of 4 centres" in text
    assert sum(line.startswith("|") for line in text.splitlines()) == len(found) + 2


def test_a_trial_of_three_arms_is_tested_as_the_stages_test_it() -> None:
    people = persons()
    cohort = replace(arms.cohort_of(CASES[0]), randomisation=Randomisation(99, 3))
    panel = drawn_months(CASES[0], people, np.random.default_rng(2))
    found = arms.tested(cohort, people, panel)
    effects = estimate(cohort, people, panel)["effects"]
    row = randomise(cohort, people, panel, effects)["randomisation"].set_index("arm").loc[WITHOUT]
    assert (found[ALONE], found[ADJUSTED]) == (row["p_value"], row["p_adjusted"])
    own = effects[effects["arm"] == WITHOUT].set_index("variance")["p_value"]
    assert [found[name] for name in own.index] == pytest.approx(own.tolist(), rel=1e-9)


def test_trials_whose_centres_differ_test_every_stage_and_what_misses_is_named() -> None:
    found = list(stratified(n_trials=2, draws=99, seed=1))
    assert [one.what.split(",")[0] for one in found][-4:] == [
        "accumulated months", "accumulated months", "event study", "trimming bounds",
    ]  # fmt: skip
    assert len(found) == 13 and all(one.n_trials == 2 for one in found)
    people = within.persons()
    lost = within.drawn_panel(people, np.random.default_rng(1)).query("outcome == 'employment'")["month_12"] == -1
    assert lost.groupby(people["arm"]).mean()["ips"] > 0
    off = [replace(found[0], what=f"case {r}", n_trials=400, rejected=r) for r in (0.05, 0.09, 0.02)]
    bounds = replace(off[2], what="trimming bounds", is_bound=True)
    text = section_of_centres([*off, bounds], FEW)
    assert "case 0.09: above 5 % by 3.7 errors" in text and "case 0.02: below 5 % by 2.8 errors" in text
    assert "case 0.05:" not in text and "trimming bounds:" not in text
    assert {n for _, n in within.ASSIGNED.values()} >= {4, 30}


def test_a_section_takes_the_place_of_its_own_on_the_page() -> None:
    whole = "# A\n\nfirst\n\n## Three arms\n\nold\n\n## Last\n\nrow\n"
    changed = with_section(whole, "\n## Three arms\n\nnew\n")
    assert changed == "# A\n\nfirst\n\n## Three arms\n\nnew\n\n## Last\n\nrow\n"
    assert with_section(changed, "\n## More\n\nrow\n") == changed + "\n## More\n\nrow\n"


def test_an_error_is_never_below_the_known_one_with_a_factor_of_one() -> None:
    found = {(one.factor, one.n_centres, one.tau): one for one in syntheses(200, seed=1)}
    assert all(one.below.value == 0 for (factor, *_), one in found.items() if factor == "at_least_one")
    plain, least = (found[factor, 6, 0.0] for factor in ("plain", "at_least_one"))
    assert plain.below.value > 0.3
    assert least.coverage.value >= plain.coverage.value >= 0.9
    assert "at_least_one" in section_of_means(list(found.values()))


# --- the intervals -----------------------------------------------------------------------------


@pytest.mark.parametrize("case", [SMALL, POOLED], ids=lambda case: case.name)
def test_what_is_calibrated_is_what_the_stages_report(case: Case) -> None:
    cohort, trial = cohort_of(case, draws=99), draw_trial(case, np.random.default_rng(3))
    (regression,) = regressions(cohort, cohort.analyses[0], trial.people, trial.states)
    ours, errors = estimated(regression, VARIANCES)
    panel = as_panel(trial.states)
    effects = estimate(cohort, trial.people, panel)["effects"]
    assert effects["estimate"].tolist() == pytest.approx([ours] * len(VARIANCES))
    for row in effects.itertuples():
        assert (row.std_error, row.df) == pytest.approx(errors[row.variance])
    p = randomise(cohort, trial.people, panel, effects)["randomisation"]["p_value"]
    assert p_by_randomisation(cohort, trial, regression, cohort.randomisation.seed) == pytest.approx(p.iloc[0])


def half(fit: Fit) -> Variance:
    """A quarter of the variance: standard errors half as large as they should be."""
    right = cr1(fit)
    return Variance(right.covariance / 4, right.df_of)


def test_an_interval_that_is_too_short_is_named_as_missing() -> None:
    size = replace(FEW, simulations=100, simulations_randomisation=0)
    right, short = performances(SMALL, simulate(SMALL, 0, size, {"cr1": cr1, "half": half}))
    assert short.ratio.value == pytest.approx(right.ratio.value / 2)
    assert short.coverage.value < 0.85
    assert short.miss.startswith("coverage below 95 %")
    assert short.miss in table([short]) and short.miss in page([right, short], size)
    assert right.miss == ""


def test_the_jackknife_of_the_ratio_is_that_of_leaving_each_out() -> None:
    rng = np.random.default_rng(4)
    errors, e = rng.uniform(1, 2, 30), rng.standard_normal(30)
    kept = [np.arange(30) != i for i in range(30)]
    without = np.array([errors[k].mean() / e[k].std(ddof=1) for k in kept])
    assert ratio_to_spread(errors, e).error == pytest.approx(np.sqrt(29 / 30 * ((without - without.mean()) ** 2).sum()))
