"""Comparisons within strata: slow counts by person, linearmodels, R's survival, and bounds worked out by hand.

Tolerances: the same sums in other arithmetic, 1e-10.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from ipseval import placebo as stage
from ipseval.bound import bound
from ipseval.config import Cohort
from ipseval.estimate import estimate
from ipseval.estimation.complier import complier_effects
from ipseval.estimation.strata import overlap_weights, strata, with_dummies
from ipseval.estimation.survival import kaplan_meier, standardised
from ipseval.follow import follow
from ipseval.panel import MONTH_COLUMN
from ipseval.settings import read_cohort

REFERENCE = Path(__file__).parent / "reference"


def cohort_of(folder: Path, centres: str, arms: tuple[str, ...] = ("ips",), **more: object) -> Cohort:
    content = {
        "extracts": "extracts",
        "arms": {"reference": "control", "treatments": list(arms)},
        "centres": {c: c for c in centres},
        "window": {"before": 5, "after": 8},
        "event_study": {"period_months": 3},
        "follow": {"months": [4, 8]},
        "bound": {"months": [4, 8], "draws": 199},
        "layouts": {"employment": {"layout": "relative_monthly"}},
        **more,
    }
    file = folder / "north.yaml"
    file.write_text(yaml.safe_dump(content), encoding="utf-8")
    return read_cohort(file)


def trial_of(cohort: Cohort, cells: dict[tuple[str, str], int], missing: float = 0.0, stratum: bool = False):
    """Persons of each centre and arm, and their months -5..8: the chance of a job is that of the centre alone.

    With strata some persons of a centre are in another, with a smaller chance: more of the treated.
    """
    rng = np.random.default_rng(3)
    rows = [(c, a, i) for (c, a), n in cells.items() for i in range(n)]
    people = pd.DataFrame(rows, columns=["centre", "arm", "i"])
    people = people.assign(person_id=np.arange(len(people)), is_analysed=True, age=40.0, female=people["i"] % 2)
    people["randomised_on"] = pd.Timestamp("2012-01-15")
    hazard = people["centre"].map({c: 0.1 + 0.35 * (j % 2) for j, c in enumerate(cohort.centres)}).to_numpy()
    if stratum:
        late = np.where(people["arm"] == "control", people["i"] % 3 == 0, people["i"] % 3 > 0)
        people["stratum"] = np.where(late, "late", "early")
        hazard = np.where(late, hazard * 0.2, hazard)
    change = np.where(np.arange(-5, 9) < 0, 0.6, 1.0)
    states = (rng.random((len(people), 14)) < hazard[:, None] * change).astype(np.int8)
    states[rng.random(states.shape) < missing] = -1
    return people, states


def panel_of(people: pd.DataFrame, states: np.ndarray) -> pd.DataFrame:
    columns = [MONTH_COLUMN.format(k) for k in range(-5, 9)]
    parts = [
        pd.concat([people[["person_id"]].assign(outcome=o), pd.DataFrame(states, columns=columns)], axis=1)
        for o in ("employment", "ordinary_employment")
    ]
    return pd.concat(parts, ignore_index=True)


NO_SPELLS = pd.DataFrame(
    {"person_id": np.zeros(0, int), "start_on": pd.to_datetime([]), "end_on": pd.to_datetime([]), "is_observed": 0}
)
UNLIKE = {("A", "ips"): 80, ("A", "control"): 20, ("B", "ips"): 20, ("B", "control"): 80}
WITH_ONE_ARM = {**UNLIKE, ("C", "ips"): 15}
THREE = {**UNLIKE, ("A", "plus"): 30, ("B", "plus"): 10, ("C", "ips"): 12, ("C", "control"): 9}


def is_far(estimate: float, error: float) -> bool:
    return abs(estimate) > 3 * error


# --- the whole: no effect in any stratum -----------------------------------------------------------


@pytest.mark.parametrize("stratum", [False, True])
@pytest.mark.parametrize("cells", [UNLIKE, WITH_ONE_ARM])
def test_no_effect_in_any_stratum_is_none_in_the_whole(cells, stratum: bool, tmp_path: Path) -> None:
    """What is pooled over all persons is many errors away; within strata nothing is."""
    cohort = cohort_of(tmp_path, "ABC"[: len({c for c, _ in cells})])
    people, states = trial_of(cohort, cells, missing=0.05, stratum=stratum)
    panel, by = panel_of(people, states), "centre + stratum" if stratum else "centre"
    n_alone = sum(n for (c, _), n in cells.items() if c == "C")
    followed = follow(cohort, people, panel, NO_SPELLS)
    (row,) = followed["restricted_mean"].query("measure == 'difference'").to_dict("records")
    waits = [next((k for k, s in enumerate(months) if s), 9) for months in np.maximum(states[:, 5:], 0).tolist()]
    means = pd.Series(waits).groupby(people["arm"]).agg(["mean", "sem"])
    assert is_far(means["mean"]["ips"] - means["mean"]["control"], np.hypot(*means["sem"]))
    assert not is_far(row["estimate"], row["std_error"])
    assert (row["stratified_by"], row["weighting"]) == (by, "overlap")
    seen = states[:, 5] >= 0
    assert row["n_left_out"] == (seen & (people["centre"] == "C")).sum()
    assert ("left out" in row["note"]) == bool(n_alone)
    for part in followed["accumulated"].query("outcome == 'ordinary_months' and variance == 'cr1'").to_dict("records"):
        assert not is_far(part["estimate"], part["std_error"])
        assert part["stratified_by"] == by
    for part in bound(cohort, people, panel)["missing_data"].query("variance == 'bootstrap'").to_dict("records"):
        assert part["ci_low"] < 0 < part["ci_high"] and part["ci_high"] - part["ci_low"] < 0.75
        assert (part["n_left_out"], part["stratified_by"]) == (n_alone, by)
    made = stage.placebo(cohort, people, panel)
    for part in made["event_study"].query("status == 'estimated'").to_dict("records"):
        assert not is_far(part["estimate"], part["std_error"])
        assert part["stratified_by"] == by
    assert (made["event_study"]["status"] == "estimated").sum() == 4


@pytest.mark.parametrize(("n_few", "share"), [(2, None), (4, "14")])
def test_errors_that_rest_on_few_persons_are_noted(n_few: int, share: str | None, tmp_path: Path) -> None:
    """Centre B has few persons in an arm: 2 + 4 of 80 do not matter, 4 + 4 of 56 do."""
    others = {("A", "ips"): 24, ("A", "control"): 24 if n_few == 4 else 20 + 30}
    cohort = cohort_of(tmp_path, "AB")
    people, states = trial_of(cohort, {**others, ("B", "ips"): n_few, ("B", "control"): 4})
    made = follow(cohort, people, panel_of(people, states), NO_SPELLS) | stage.placebo(
        cohort, people, panel_of(people, states)
    )
    said = f"an arm has fewer than 5 persons in centres or strata of {share} % of the persons: the error is too small"
    means = made["restricted_mean"].query("measure == 'difference'")
    for table in (means, made["event_study"].query("status == 'estimated'"), made["placebo"]):
        assert len(table) and (table["note"].str.contains("too small") == bool(share)).all()
        assert not share or (table["note"] == said).all()
    assert not made["event_study"].query("status != 'estimated'")["note"].str.contains("too small").any()


def test_one_centre_is_what_its_persons_say(tmp_path: Path) -> None:
    """No strata, no weights: the curve is Kaplan and Meier's, to the last bit."""
    cohort = cohort_of(tmp_path, "A")
    people, states = trial_of(cohort, {("A", "ips"): 40, ("A", "control"): 30}, missing=0.05)
    made = follow(cohort, people, panel_of(people, states), NO_SPELLS)
    for arm, rows in made["time_to_job"].groupby("arm"):
        curve = kaplan_meier(states[(people["arm"] == arm).to_numpy(), 5:])
        assert rows["survival"].tolist() == curve.survival.tolist()
        assert rows["std_error"].dropna().tolist() == curve.std_error[rows["std_error"].notna()].tolist()
        assert set(rows["stratified_by"]) == {"none"} and set(rows["weighting"]) == {"none"}
        mean = made["restricted_mean"].set_index(["measure", "arm"]).loc[("months_without_job", arm)]
        assert (mean["estimate"], mean["std_error"]) == curve.restricted_mean(9)


# --- curves ----------------------------------------------------------------------------------------


def test_three_arms_have_curves_of_one_population_and_pairs_of_their_own(tmp_path: Path) -> None:
    cohort = cohort_of(tmp_path, "ABC", ("ips", "plus"))
    people, states = trial_of(cohort, THREE)
    made = follow(cohort, people, panel_of(people, states), NO_SPELLS)["restricted_mean"]
    wait = pd.Series([next((k for k, s in enumerate(m) if s), 9) for m in states[:, 5:].tolist()])
    cells = wait.groupby([people["arm"], people["centre"]])
    n, mean, error = (
        cells.size().unstack(),
        cells.mean().unstack(),
        (cells.std(ddof=0) / np.sqrt(cells.size())).unstack(),
    )
    shared = 1 / (1 / n[["A", "B"]]).sum()  # C has no plus
    for row in made.query("measure == 'months_without_job'").to_dict("records"):
        here = mean.loc[row["arm"], ["A", "B"]]
        assert row["estimate"] == pytest.approx(np.average(here, weights=shared), rel=1e-10)
        assert row["n_left_out"] == {"ips": 12, "control": 9, "plus": 0}[row["arm"]]
    for row in made.query("measure == 'difference'").to_dict("records"):
        used = ["A", "B", "C"] if row["arm"] == "ips" else ["A", "B"]
        both = n.loc[[row["arm"], "control"], used]
        weights = both.prod() / both.sum()
        weights /= weights.sum()
        gap = mean.loc[row["arm"], used] - mean.loc["control", used]
        spread = error.loc[[row["arm"], "control"], used]
        assert row["estimate"] == pytest.approx(weights @ gap, rel=1e-10)
        assert row["std_error"] == pytest.approx(np.sqrt((weights**2 * spread**2).to_numpy().sum()), rel=1e-10)
        assert row["n_left_out"] == (0 if row["arm"] == "ips" else 9)


def test_no_stratum_with_both_arms_has_no_comparison(tmp_path: Path) -> None:
    cohort = cohort_of(tmp_path, "AB")
    people, states = trial_of(cohort, {("A", "ips"): 20, ("B", "control"): 20})
    panel = panel_of(people, states)
    made = follow(cohort, people, panel, NO_SPELLS)
    assert set(made["restricted_mean"]["status"]) == set(made["time_to_job"]["status"]) == {"not_comparable"}
    assert made["restricted_mean"]["n_left_out"].tolist() == [20, 20, 40]
    assert made["restricted_mean"]["estimate"].isna().all() and made["time_to_job"]["survival"].isna().all()
    trimmed = bound(cohort, people, panel)["missing_data"].query("variance == 'bootstrap'")
    assert set(trimmed["status"]) == {"not_comparable"}
    events = stage.placebo(cohort, people, panel)["event_study"]
    assert "estimated" not in set(events["status"]) and set(events["n_left_out"]) == {40}


def test_weighted_curves_are_those_of_r() -> None:
    """Strata's curves by survfit, put together with n1 n0 / (n1 + n0), errors by Greenwood in each."""
    waits = pd.read_csv(REFERENCE / "stratified_waiting.csv", dtype={"centre": str})
    theirs = pd.read_csv(REFERENCE / "stratified_survival.csv")
    means = pd.read_csv(REFERENCE / "stratified_mean.csv")
    centres, T = sorted(waits["centre"].unique()), int(theirs["month"].max()) + 1
    n = waits.groupby(["centre", "arm"]).size().unstack()
    weights = overlap_weights(n.to_numpy())
    for arm in n.columns:
        curves = []
        for centre in centres:
            rows = waits[(waits["centre"] == centre) & (waits["arm"] == arm)]
            states = np.zeros((len(rows), T), np.int8)
            for i, (last, event) in enumerate(zip(rows["last"], rows["is_event"], strict=True)):
                states[i, last if event else last + 1 :] = 1 if event else -1
            curves.append(kaplan_meier(states))
        ours = standardised(curves, weights)
        own = theirs[theirs["arm"] == arm]
        np.testing.assert_allclose(ours.survival, own["survival"], rtol=1e-12)
        np.testing.assert_allclose(ours.std_error, own["std_error"], rtol=1e-12)
        wanted = means.loc[means["arm"] == arm, ["estimate", "std_error"]].to_numpy()[0]
        np.testing.assert_allclose(ours.restricted_mean(T), wanted, rtol=1e-12)


def test_a_curve_ends_where_a_stratum_ends() -> None:
    here, gone = kaplan_meier(np.array([[0, 0, 1]] * 3, np.int8)), kaplan_meier(np.array([[0, 0, -1]] * 2, np.int8))
    both = standardised([here, gone], np.array([0.5, 0.5]))
    np.testing.assert_array_equal(both.survival, [1, 1, np.nan])
    assert (both.n_at_risk.tolist(), both.n_months) == ([5, 5, 3], 2)


def test_weights_are_those_of_dummies() -> None:
    """Least squares of y on arm and dummies of strata is the weighted mean of the strata's differences."""
    n = np.array([[8, 2], [3, 9], [5, 5], [4, 0]])
    weights = overlap_weights(n)
    np.testing.assert_allclose(weights[:3] * (8 * 2 / 10 + 3 * 9 / 12 + 2.5), [1.6, 2.25, 2.5])
    assert weights[3] == 0
    stratum, arm = np.repeat(np.arange(4), n.sum(axis=1)), np.concatenate([np.repeat([1.0, 0.0], row) for row in n])
    y = np.random.default_rng(1).random(len(arm))
    X = np.column_stack([arm, stratum[:, None] == np.arange(4)])
    gaps = [y[(stratum == s) & (arm == 1)].mean() - y[(stratum == s) & (arm == 0)].mean() for s in range(3)]
    assert np.linalg.lstsq(X, y, rcond=None)[0][0] == pytest.approx(weights[:3] @ gaps, rel=1e-12)


def test_strata_are_those_of_the_trial_list(tmp_path: Path) -> None:
    people = pd.DataFrame({"centre": list("ABAB"), "stratum": ["1", "1", None, "1"], "block": list("wxyz")})
    cohort = cohort_of(tmp_path, "AB")
    assert strata(cohort, people[["centre"]]).number.tolist() == [0, 1, 0, 1]
    found = strata(cohort, people)
    assert (found.name, found.n_strata) == ("centre + stratum", 3)
    assert found.number.tolist() == [1, 2, 0, 2]
    assert with_dummies(people, found)[1] == ("stratum[1]",)
    adjusted = cohort_of(tmp_path, "AB", analyses={"by_block": {"months": "follow_up", "adjust": ["block"]}})
    assert strata(adjusted, people).n_strata == 4


# --- event study -----------------------------------------------------------------------------------


@pytest.mark.parametrize(("cells", "arms"), [(UNLIKE, ("ips",)), (THREE, ("ips", "plus")), (WITH_ONE_ARM, ("ips",))])
@pytest.mark.parametrize("stratum", [False, True])
def test_event_study_is_that_of_linearmodels(cells, arms, stratum: bool, tmp_path: Path) -> None:
    """PanelOLS with effects of persons and a dummy for every period of every stratum, on person-months."""
    from linearmodels.panel import PanelOLS

    cohort = cohort_of(tmp_path, "".join(sorted({c for c, _ in cells})), arms)
    people, states = trial_of(cohort, cells, missing=0.2, stratum=stratum)
    made = stage.placebo(cohort, people, panel_of(people, states))
    i, column = np.nonzero(states >= 0)
    month = column - 5
    period = month // 3
    of = people["centre"] + (people["stratum"] if stratum else "")
    X = {
        f"{s} {p}": (period == p) & (of.to_numpy()[i] == s) for s in sorted(set(of)) for p in sorted(set(period) - {-1})
    }
    names = [f"{arm} {p}" for arm in arms for p in sorted(set(period) - {-1})]
    X |= {
        f"{a} {p}": (period == p) & (people["arm"].to_numpy()[i] == a) for a in arms for p in sorted(set(period) - {-1})
    }
    index = pd.MultiIndex.from_arrays([i, month])
    y = pd.Series(states[i, column].astype(float), index)
    model = PanelOLS(y, pd.DataFrame(X, index).astype(float), entity_effects=True)
    fitted = model.fit(cov_type="clustered", cluster_entity=True, debiased=True, group_debias=True)
    rows = made["event_study"].query("not is_base")
    np.testing.assert_allclose(rows["estimate"], fitted.params[names], atol=1e-10)
    np.testing.assert_allclose(rows["std_error"], fitted.std_errors[names], atol=1e-10)
    for arm, (_, test) in zip(arms, made["placebo"].iterrows(), strict=True):
        (first,) = [n for n in names if n == f"{arm} -2"]
        assert test["estimate"] == pytest.approx(fitted.params[first], abs=1e-10)
        assert test["wald_f"] == pytest.approx(fitted.tstats[first] ** 2, rel=1e-8)


# --- bounds ----------------------------------------------------------------------------------------


def test_bounds_by_cell_worked_out_by_hand(tmp_path: Path) -> None:
    """A: 10 v 10, observed 8 (6 employed) v 10 (4): trim a fifth of the controls. B: 4 v 12, all observed, 1 and 3.

    A: controls employed between (.4 - .2) / .8 = .25 and .4 / .8 = .5, so .75 - .5 = .25 and .75 - .25 = .5. B: 0.
    Weights 100/20 = 5 and 48/16 = 3: lower 5 x .25 / 8 = .15625, upper 5 x .5 / 8 = .3125, trimmed 5 x .2 / 8 = .125.
    """
    cohort = cohort_of(tmp_path, "AB", bound={"months": [4], "draws": 199})
    cells = {("A", "ips"): [1] * 6 + [0] * 2 + [-1] * 2, ("A", "control"): [1] * 4 + [0] * 6}
    cells |= {("B", "ips"): [1] + [0] * 3, ("B", "control"): [1] * 3 + [0] * 9}
    people, states = trial_of(cohort, {cell: len(values) for cell, values in cells.items()})
    states[:, 9] = np.concatenate(list(cells.values()))
    rows = bound(cohort, people, panel_of(people, states))["missing_data"].query("variance == 'bootstrap'")
    assert rows["estimate"].tolist() == pytest.approx([0.15625, 0.3125], abs=1e-12)
    assert rows["share_trimmed"].tolist() == pytest.approx([0.125] * 2, abs=1e-12)


# --- against R -------------------------------------------------------------------------------------


def of_panel(folder: Path, before: int) -> tuple[Cohort, pd.DataFrame, pd.DataFrame]:
    """The reference panel, whose months 0 to 7 are those of the window from ``-before`` on."""
    rows = pd.read_csv(REFERENCE / "panel.csv", dtype={"centre": str})
    people = rows.drop_duplicates("person").rename(columns={"person": "person_id"}).reset_index(drop=True)
    people = people.assign(arm=np.where(people["assigned"] == 1, "ips", "control"), is_analysed=True)
    people["randomised_on"] = pd.Timestamp("2012-01-15")
    people["stratum"] = np.where(people["person_id"] // 3 % 2 == 1, "odd", "even")
    people = people.drop(columns=["assigned", "month", "y"])
    wide = rows.pivot(index="person", columns="month", values="y").reindex(people["person_id"])
    states = wide.fillna(-1).to_numpy().astype("int8")
    columns = [MONTH_COLUMN.format(k - before) for k in range(8)]
    panel = pd.DataFrame(states, columns=columns).assign(
        outcome="ordinary_employment", person_id=people["person_id"].to_numpy()
    )
    chosen = {"window": {"before": before, "after": 7 - before}, "event_study": {"period_months": 2}}
    chosen |= {"bound": {"months": [3, 4] if not before else [1], "draws": 99}, "follow": {"months": [1]}}
    return cohort_of(folder, "123", **chosen), people, panel


@pytest.fixture(scope="module")
def by_r() -> pd.DataFrame:
    return pd.read_csv(REFERENCE / "within_strata.csv", index_col="what", skipinitialspace=True)


@pytest.mark.parametrize("variance", ["cr1", "cr2"])
@pytest.mark.parametrize("strata", ["", "_strata"])
def test_the_standardised_effect_is_that_of_estimatr(
    strata: str, variance: str, by_r: pd.DataFrame, tmp_path: Path
) -> None:
    cohort, people, panel = of_panel(tmp_path, before=0)
    cohort = replace(cohort, analyses=tuple(a for a in cohort.analyses if a.name == "standardised"))
    people = people if strata else people.drop(columns="stratum")
    row = estimate(cohort, people, panel)["effects"].set_index("variance").loc[variance]
    for name in ("estimate", "std_error", "df"):
        assert row[name] == pytest.approx(by_r.loc[f"standardised{strata}_{variance}", name], abs=1e-9), name


def test_the_event_study_with_centres_by_period_is_that_of_r(by_r: pd.DataFrame, tmp_path: Path) -> None:
    cohort, people, panel = of_panel(tmp_path, before=4)
    made = stage.placebo(cohort, people.drop(columns="stratum"), panel)["event_study"].set_index("month_from")
    periods = made.index[made["status"] == "estimated"]
    assert periods.tolist() == [-4, 0, 2]
    theirs = by_r.loc[[f"event_{first}" for first in periods]]
    np.testing.assert_allclose(
        made.loc[periods, ["estimate", "std_error"]], theirs[["estimate", "std_error"]], atol=1e-9
    )
    assert (made.loc[periods, "df"].to_numpy() == theirs["df"]).all()


@pytest.mark.parametrize("month", [3, 4])
def test_bounds_by_centre_are_those_of_r(month: int, by_r: pd.DataFrame, tmp_path: Path) -> None:
    cohort, people, panel = of_panel(tmp_path, before=0)
    rows = bound(cohort, people.drop(columns="stratum"), panel)["missing_data"].set_index(["month_to", "method"])
    for end in ("lower", "upper"):
        row = rows.loc[(month, f"lee_{end}")]
        assert row["estimate"] == pytest.approx(by_r.loc[f"lee_{end}_{month}", "estimate"], abs=1e-12)
        assert row["share_trimmed"] == pytest.approx(by_r.loc[f"lee_trimmed_{month}", "estimate"], abs=1e-12)


# --- receipt ---------------------------------------------------------------------------------------


def test_complier_effects_are_compared_within_strata(tmp_path: Path) -> None:
    """Both stages are least squares with a dummy a centre and stratum; nobody's job depends on receipt."""
    cohort = cohort_of(tmp_path, "AB", receipt={"adjust": [], "split_month": 8})
    people, states = trial_of(cohort, UNLIKE, stratum=True)
    begun = np.where((people["arm"] == "ips") & (people["i"] % 2 == 0), 1, 99)
    (row,) = complier_effects(cohort, people, states, {"ips": begun}, {"ips": ""}).to_dict("records")
    X = pd.get_dummies(people["centre"] + people["stratum"], dtype=float).assign(a=people["arm"] == "ips").astype(float)
    both = np.column_stack([states[:, 5:].mean(axis=1), np.where(begun == 1, 8 / 9, 0)])
    wanted = np.linalg.lstsq(X.to_numpy(), both, rcond=None)[0][-1]
    assert [row["itt"], row["first_stage"]] == pytest.approx(wanted.tolist(), abs=1e-10)
    assert row["estimate"] == pytest.approx(wanted[0] / wanted[1], abs=1e-10)
    assert not is_far(row["estimate"], row["std_error"])
    assert (row["stratified_by"], row["adjustment"]) == ("centre + stratum",) * 2


# --- pipeline --------------------------------------------------------------------------------------


def test_strata_reach_every_table_of_a_run(tmp_path: Path) -> None:
    """Two strata a centre, assigned 4:1 and 1:4, a job depends on the stratum: through all stages to the rows."""
    from ipseval.pipeline import analyse

    config = {"observed_until": "2030-12", "outcome": {"exclude_wage_subsidy": False}}
    config |= {"eligibility": {"not_employed_at_randomisation": False}, "randomisation": {"draws": 99}}
    cohort = cohort_of(tmp_path, "AB", **config)
    people, states = trial_of(cohort, {cell: n // 2 for cell, n in UNLIKE.items()}, stratum=True)
    people["person_id"] = people["person_id"].astype(str)
    (tmp_path / "extracts").mkdir()
    trial = people[["person_id", "centre", "arm", "age", "female", "stratum"]]
    trial = trial.assign(randomised_on=people["randomised_on"].dt.date)
    i, k = np.indices(states.shape)
    months = {
        "person_id": people["person_id"].to_numpy()[i.ravel()],
        "month": k.ravel() - 5,
        "employed": states.ravel(),
    }
    for name, frame in {"trial": trial, "employment": pd.DataFrame(months)}.items():
        pq.write_table(pa.Table.from_pandas(frame, preserve_index=False), tmp_path / "extracts" / f"{name}.parquet")
    made = analyse(cohort)
    tables = {name: stage[name] for stage in made.values() for name in stage}
    for name in ("time_to_job", "restricted_mean", "accumulated", "event_study", "placebo", "missing_data"):
        assert set(tables[name]["stratified_by"]) == {"centre + stratum"}, name
    pooled = tables["missing_data"].query("variance == 'cr1'")
    assert set(pooled["method"]) == {"complete_case", "indicator", "observed", "worst_case", "best_case"}
    assert not is_far(pooled["estimate"], pooled["std_error"]).any()
    own = tables["effects"].query("analysis == 'pooled' and variance == 'cr1'").iloc[0]
    observed = pooled.query("method == 'observed'").iloc[0]
    assert abs(own["estimate"] - observed["estimate"]) > own["std_error"]  # its formula has no stratum: `check` says so
    difference = tables["restricted_mean"].query("measure == 'difference'").iloc[0]
    assert not is_far(difference["estimate"], difference["std_error"])
