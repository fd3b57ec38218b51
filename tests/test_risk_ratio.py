"""Estimator ``risk_ratio``: against statsmodels, hand-worked ratios, what has no maximum, print and the whole run."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
import yaml

from cohorts import Recipe, random_cohort, write_cohort
from ipseval import pipeline
from ipseval.config import Analysis
from ipseval.estimate import estimate
from ipseval.estimation.estimator import LOG_RATIO, SHARES
from ipseval.estimation.estimators import ESTIMATORS
from ipseval.recomputed.others import OTHERS
from ipseval.tables.review import effect_cell
from test_estimators import cohort_of, people_and_panel, some_rows

RATIO = Analysis("ratio", "follow_up", estimator="risk_ratio", adjust=("age",))


@pytest.mark.filterwarnings("ignore:The Log link function does not respect the domain")
def test_coefficients_and_errors_are_those_of_statsmodels(tmp_path: Path) -> None:
    """The sandwich there has the factor of ``cr1`` too; 1e-6: its iterations end by the change of the deviance."""
    rows = some_rows(6, n=400, arms=("control", "ips", "ips_plus"))
    cohort = cohort_of(tmp_path, RATIO, centres=["1", "2"], treatments=("ips", "ips_plus"), after=3)
    found = estimate(cohort, *people_and_panel(rows, 3))["effects"].set_index("arm")
    columns = pd.get_dummies(rows[["centre", "arm"]].astype(str), dtype=float).drop(columns=["centre_1", "arm_control"])
    X = sm.add_constant(columns.assign(age=rows["age"].to_numpy()))
    model = sm.GLM(rows["y"], X, family=sm.families.Binomial(sm.families.links.Log()))
    start = np.r_[np.log(rows["y"].mean()), np.zeros(X.shape[1] - 1)]
    theirs = model.fit(start_params=start, maxiter=200, tol=1e-14)
    assert theirs.converged
    for arm in ("ips", "ips_plus"):
        assert found.loc[arm, "estimate"] == pytest.approx(theirs.params[f"arm_{arm}"], abs=1e-6)
    score = X.to_numpy() * ((rows["y"] - theirs.fittedvalues) / (1 - theirs.fittedvalues)).to_numpy()[:, None]
    sums = pd.DataFrame(score).groupby(rows["person"].to_numpy()).sum().to_numpy()
    G, (N, K) = len(sums), X.shape
    V = theirs.normalized_cov_params.to_numpy() @ (sums.T @ sums) @ theirs.normalized_cov_params.to_numpy()
    errors = pd.Series(np.sqrt(np.diag(V) * G / (G - 1) * (N - 1) / (N - K)), X.columns)
    for arm in ("ips", "ips_plus"):
        assert found.loc[arm, "std_error"] == pytest.approx(errors[f"arm_{arm}"], abs=1e-6)
        assert found.loc[arm, "df"] == G - 1


def test_without_covariates_it_is_the_ratio_of_shares_and_its_error_the_delta_method(tmp_path: Path) -> None:
    rows = some_rows(3).assign(centre="1")
    one_month = rows[rows["month"] == 1]
    cohort = cohort_of(tmp_path, replace(RATIO, adjust=()), centres=["1"], treatments=("ips",), after=3)
    cohort = replace(cohort, analyses=(replace(cohort.analyses[0], months=(1, 1)),))
    (row,) = estimate(cohort, *people_and_panel(rows, 3))["effects"].to_dict("records")
    share, n = (one_month.groupby("arm")["y"].agg(what) for what in ("mean", "count"))
    G = int(n.sum())
    assert row["estimate"] == pytest.approx(np.log(share["ips"] / share["control"]), abs=1e-10)
    variance = ((1 - share) / share / n).sum() * G / (G - 1) * (G - 1) / (G - 2)
    assert row["std_error"] == pytest.approx(np.sqrt(variance), abs=1e-10)


@pytest.mark.parametrize(
    "outcome",
    [
        pytest.param(lambda r: (r["arm"] == "ips").astype(int), id="nobody in one arm, everybody in the other"),
        pytest.param(lambda r: np.where(r["arm"] == "ips", 1, r["y"]), id="everybody in one arm"),
        pytest.param(lambda r: np.where(r["arm"] == "ips", 0, r["y"]), id="nobody in one arm"),
    ],
)
def test_a_likelihood_without_a_maximum_has_a_status_and_no_number(tmp_path: Path, outcome) -> None:
    rows = some_rows(5)
    rows = rows.assign(y=outcome(rows))
    cohort = cohort_of(tmp_path, replace(RATIO, adjust=()), centres=["1", "2"], treatments=("ips",), after=3)
    (row,) = estimate(cohort, *people_and_panel(rows, 3))["effects"].to_dict("records")
    assert row["status"] == "no_maximum"
    assert np.isnan(row["estimate"])


def test_every_estimator_says_what_it_measures_and_is_computed_a_second_time(tmp_path: Path) -> None:
    cohort = cohort_of(tmp_path, RATIO, Analysis("ols", "follow_up"), centres=["1", "2"], treatments=("ips",), after=3)
    effects = estimate(cohort, *people_and_panel(some_rows(4), 3))["effects"]
    assert dict(zip(effects["analysis"], effects["measure"], strict=True)) == {"ratio": LOG_RATIO, "ols": SHARES}
    others = {name: one.measure for name, one in ESTIMATORS.items() if not one.is_linear}
    assert {name: one.measure for name, one in OTHERS.items()} == others
    assert {name: one.is_redrawn for name, one in OTHERS.items()} == {n: ESTIMATORS[n].is_redrawn for n in others}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small cohort with ratios overall and within centres, run whole: ``verify`` has passed."""
    folder = tmp_path_factory.mktemp("ratio")
    made = random_cohort(Recipe(n_persons=120, n_centres=2, before=0, after=3), seed=4)
    made.config["analyses"] = {
        "ratio": {"estimator": "risk_ratio", "months": "follow_up"},
        "ratio_within": {"estimator": "risk_ratio", "months": "follow_up", "within": "centre"},
    }
    made.config.update({"randomisation": {"draws": 99, "seed": 1}, "bound": {"draws": 99}, "language": "nb"})
    made.config["disclosure"] = {"profile": "dst"}
    path = write_cohort(made, folder)
    path.write_text(yaml.safe_dump(made.config, sort_keys=False), encoding="utf-8")
    pipeline.run(path, folder / "results")
    return next((folder / "results").glob("*/review")).parent


def test_a_ratio_is_printed_as_a_ratio_in_report_and_release(run: Path) -> None:
    effects = pd.read_csv(run / "review" / "effects.csv").query("measure == 'log_ratio' and status == 'estimated'")
    assert len(effects)
    report = (run / "review" / "report.html").read_text(encoding="utf-8")
    for row in effects.to_dict("records"):
        ratio, low, high = (f"×{np.exp(row[c]):.2f}".replace(".", ",") for c in ("estimate", "ci_low", "ci_high"))
        assert ratio in report
        assert low in report
        assert high in report
        assert f"{100 * row['estimate']:.1f}".replace(".", ",").replace("-", "−") + " (" not in report
    assert "Risikoforhold" in report
    tests = pd.read_csv(run / "review" / "randomisation.csv").query("estimator == 'risk_ratio'")
    assert set(tests["status"]) == {"not_redrawn"}
    assert tests["p_value"].isna().all()
    released = pd.read_csv(run / "release" / "data" / "effects.csv", dtype=str).query("estimator == 'risk_ratio'")
    assert set(released["measure"]) == {"log_ratio"}


def test_a_row_without_a_measure_is_in_points_and_one_of_a_ratio_never_is() -> None:
    row = {"status": "estimated", "estimate": 0.3807, "ci_low": 0.1008, "ci_high": 0.6606}
    assert effect_cell(None, row | {"measure": LOG_RATIO}).text == "×1.46"  # type: ignore[arg-type]
    assert effect_cell(None, row).text == "38.1"  # type: ignore[arg-type]
