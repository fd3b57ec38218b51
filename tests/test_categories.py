"""Categories enter as dummies, whatever their codes look like; against C() of statsmodels' formulas.

Tolerance: the same least squares by other arithmetic (1e-9); an optimum of a logit (1e-7).
"""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import statsmodels.formula.api as smf

from cohorts import Recipe, random_cohort, write_cohort
from ipseval import pipeline
from ipseval.bound import with_indicators
from ipseval.config import Analysis, Cohort, Subgroup
from ipseval.errors import UserError
from ipseval.estimate import estimate
from ipseval.randomise import randomise
from ipseval.registers.categories import levels_of
from ipseval.settings import read_cohort
from ipseval.vary import vary
from ipseval.verify import second_engine_checks
from test_estimators import cohort_of, people_and_panel

# A share assigned that goes up and down with the code: as a number the code cannot stand in for it.
SHARES = {0: (0.75, 0.7), 1: (0.25, 0.1), 2: (0.75, 0.7)}  # assigned, employed; the effect is zero
STYLES: dict[str, list[Any]] = {
    "digits": ["1", "2", "3"],
    "two digits": ["8", "9", "10"],
    "words": ["high", "low", "middle"],
    "integers": [1, 2, 3],
    "floats": [1.0, 2.0, 3.0],
    "decimals as text": ["1.0", "2.0", "3.0"],
}


def trial(seed: int = 3, n: int = 240) -> pd.DataFrame:
    """Persons in two centres and three strata, one month each."""
    rng = np.random.default_rng(seed)
    kind = np.arange(n) % 3
    shares = np.array([SHARES[k] for k in kind])
    return pd.DataFrame(
        {
            "person": [f"p{i:03d}" for i in range(n)],
            "centre": np.where(np.arange(n) // 3 % 2, "A", "B"),
            "arm": np.where(rng.random(n) < shares[:, 0], "ips", "control"),
            "kind": kind,
            "month": 0,
            "y": (rng.random(n) < shares[:, 1]).astype(int),
        }
    )


def effect(tmp_path: Path, rows: pd.DataFrame, analysis: Analysis) -> pd.Series:
    """The cr1 row of a pooled analysis."""
    cohort = cohort_of(tmp_path, analysis, centres=["A", "B"], treatments=("ips",), after=0)
    effects = estimate(cohort, *people_and_panel(rows, 0))["effects"]
    return effects.query("variance == 'cr1' and centre == 'all'").iloc[0]


@pytest.mark.parametrize("name", ["stratum", "block"])
@pytest.mark.parametrize("style", STYLES)
def test_trial_columns_are_dummies_whatever_their_codes_look_like(tmp_path: Path, name: str, style: str) -> None:
    rows = trial()
    coded = rows.assign(**{name: [STYLES[style][k] for k in rows["kind"]]}).drop(columns="kind")
    if name == "block":  # blocks of a centre: the codes of two centres are not the same block
        coded[name] = [f"{c}{code}" for c, code in zip(coded["centre"], coded[name], strict=True)]
    found = effect(tmp_path, coded, Analysis("x", "follow_up", adjust=(name,)))
    cells = "C(kind):C(centre)" if name == "block" else "C(kind)"
    a = rows.assign(a=(rows["arm"] == "ips") * 1.0)
    wanted = smf.ols(f"y ~ a + C(centre) + {cells}", a).fit(cov_type="HC1", use_t=True)
    assert found["estimate"] == pytest.approx(wanted.params["a"], abs=1e-9)
    assert found["std_error"] == pytest.approx(wanted.bse["a"], abs=1e-9)
    assert abs(found["estimate"]) < 0.1  # 0.2 and more with the code as a number


def test_blocks_that_centres_number_alike_are_told_apart() -> None:
    rows = pd.DataFrame(
        {"centre": ["A", "A", "B", "B"], "block": ["1", "2", "1", None], "stratum": [1.0, 2.0, 1.0, None]}
    )
    assert levels_of(rows, "block").tolist() == ["A/1", "A/2", "B/1", "B/unknown"]
    assert levels_of(rows, "stratum").tolist() == ["1", "2", "1", "unknown"]
    assert levels_of(rows.assign(block=["1", "2", "3", "4"]), "block").tolist() == ["1", "2", "3", "4"]


def test_lin_with_a_category_is_the_regression_on_centred_dummies(tmp_path: Path) -> None:
    rows = trial()
    coded = rows.assign(stratum=rows["kind"].astype(str)).drop(columns="kind")
    found = effect(tmp_path, coded, Analysis("x", "follow_up", estimator="lin", adjust=("stratum",)))
    a = rows.assign(a=(rows["arm"] == "ips") * 1.0)
    for k in (1, 2):
        a[f"d{k}"] = (rows["kind"] == k) - (rows["kind"] == k).mean()
    wanted = smf.ols("y ~ a * (d1 + d2) + C(centre)", a).fit(cov_type="HC1", use_t=True)
    assert found["estimate"] == pytest.approx(wanted.params["a"], abs=1e-9)
    assert found["std_error"] == pytest.approx(wanted.bse["a"], abs=1e-9)


def test_logit_with_a_category_is_the_one_on_dummies(tmp_path: Path) -> None:
    rows = trial()
    coded = rows.assign(stratum=rows["kind"].astype(str)).drop(columns="kind")
    found = effect(tmp_path, coded, Analysis("x", "follow_up", estimator="logit", adjust=("stratum",)))
    a = rows.assign(a=(rows["arm"] == "ips") * 1.0)
    fitted = smf.logit("y ~ a + C(kind) + C(centre)", a).fit(disp=0)
    wanted = fitted.predict(a.assign(a=1.0)).mean() - fitted.predict(a.assign(a=0.0)).mean()
    assert found["estimate"] == pytest.approx(wanted, abs=1e-7)


def test_persons_without_the_category_are_left_out_or_get_an_indicator(tmp_path: Path) -> None:
    rows = trial().assign(region=lambda t: t["kind"].map({0: "n", 1: "s", 2: "w"}).where(t.index % 7 > 0))
    found = effect(tmp_path, rows.drop(columns="kind"), Analysis("x", "follow_up", adjust=("region",)))
    a = rows.assign(a=(rows["arm"] == "ips") * 1.0)
    wanted = smf.ols("y ~ a + C(centre) + C(region)", a).fit()
    assert found["n_obs"] == wanted.nobs < len(rows)
    assert found["estimate"] == pytest.approx(wanted.params["a"], abs=1e-9)
    known, indicators = with_indicators(rows, ("region", "stratum"))
    assert indicators == ("missing[region]",)
    assert known["region"].notna().all()


def test_a_subgroup_is_levels_of_a_category_and_a_range_of_a_number(tmp_path: Path) -> None:
    rows = trial().assign(stratum=lambda t: t["kind"] + 1).drop(columns="kind")
    about = Analysis("x", "follow_up", subgroup=Subgroup("stratum", levels=("1", "3")))
    cohort = cohort_of(tmp_path, about, centres=["A", "B"], treatments=("ips",), after=0)
    effects = estimate(cohort, *people_and_panel(rows, 0))["effects"].query("variance == 'cr1'").set_index("subgroup")
    assert effects.loc["members", ["n_assigned", "n_control"]].sum() == rows["stratum"].isin([1, 3]).sum()
    ranged = replace(cohort, analyses=(Analysis("x", "follow_up", subgroup=Subgroup("stratum", at_least=2)),))
    with pytest.raises(UserError, match="stratum is a category"):
        estimate(ranged, *people_and_panel(rows, 0))


# --- from files to the second engine ---


def written(tmp_path: Path, columns: dict[str, pa.Array], **settings: Any) -> Cohort:
    """A small cohort whose trial list has further columns."""
    made = random_cohort(Recipe(n_persons=120, n_centres=2, treatments=("ips", "other")), seed=5)
    made.config.update(settings)
    file = write_cohort(made, tmp_path)
    table = pq.read_table(tmp_path / "extracts" / "trial.parquet")
    for name, column in columns.items():
        table = table.append_column(name, column)
    pq.write_table(table, tmp_path / "extracts" / "trial.parquet")
    return read_cohort(file)


N = 120
CODES = pa.array([str(1 + i % 3) for i in range(N)])
NUMBERS = pa.array([float(1 + i % 3) for i in range(N)])


@pytest.mark.parametrize(
    ("column", "declared", "terms"),
    [
        (CODES, "site", ["site[2]", "site[3]"]),
        (CODES.dictionary_encode(), "site", ["site[2]", "site[3]"]),
        (CODES, {"site": "category"}, ["site[2]", "site[3]"]),
        (CODES, {"site": "number"}, ["site"]),
        (NUMBERS, {"site": "category"}, ["site[2]", "site[3]"]),
        (NUMBERS, "site", ["site"]),
        (pa.array([i % 2 == 0 for i in range(N)]), "site", ["site"]),
        (pa.array([i % 2 == 0 for i in range(N)]), {"site": "category"}, ["site[1]"]),
    ],
)
def test_what_is_not_declared_a_number_is_a_category(
    tmp_path: Path, column: pa.Array, declared: Any, terms: list
) -> None:
    analyses = {"x": {"months": "follow_up", "adjust": ["site"]}}
    cohort = written(tmp_path, {"site": column}, covariates=[declared], analyses=analyses)
    made = pipeline.measure(cohort)
    coefficients = made["estimate"]["coefficients"].query("analysis == 'x' and variance == 'cr1'")
    assert [t for t in coefficients["term"] if t.startswith("site")] == terms
    noted = "covariate_of_text" in set(made["check"]["quality"]["rule"])
    assert noted == (declared == "site" and pa.types.is_string(getattr(column.type, "value_type", column.type)))


def test_every_stage_takes_categories(tmp_path: Path) -> None:
    adjust = ["stratum", "site", "age"]
    cohort = written(
        tmp_path,
        {"stratum": CODES, "block": pa.array([str(i // 30) for i in range(N)]), "site": pa.array(list("abbcc") * 24)},
        covariates=["site"],
        bound={"covariates": adjust},
        robustness={"adjustment": {"strata": {"adjust": ["stratum"]}, "lin": {"estimator": "lin", "adjust": adjust}}},
        analyses={
            "x": {"months": "follow_up", "adjust": [*adjust, "block"]},
            "moderated": {"months": "follow_up", "estimator": "lin", "adjust": adjust},
            "logistic": {"months": "follow_up", "estimator": "logit", "adjust": ["stratum"]},
        },
    )
    made = pipeline.analyse(cohort)
    people, panel = made["cohort"]["people"], made["panel"]["panel"]
    levels = made["describe"]["balance"].query("variable == 'stratum' and centre == 'all'")
    assert levels.groupby("arm")["mean"].sum().to_numpy() == pytest.approx(1.0)
    assert "block" not in set(made["describe"]["balance"]["variable"])
    drawn = randomise(cohort, people, panel, made["estimate"]["effects"])["randomisation"]
    assert set(drawn.query("analysis in ['x', 'moderated', 'logistic']")["status"]) == {"estimated"}
    assert drawn.query("status == 'estimated'")["p_value"].notna().all()
    assert set(vary(cohort, people, made["clean"])["specifications"]["status"]) <= {"estimated", "not_delivered"}
    tables = {"people": people, "panel": panel}
    checks = second_engine_checks(cohort, tables | {"coefficients": made["estimate"]["coefficients"]})
    own = [c for c in checks if c.name.startswith(("x:", "moderated:"))]
    assert len(own) == 2
    assert all(c.passed for c in checks), [c for c in checks if not c.passed]
