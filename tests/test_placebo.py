"""Event study with person fixed effects against linearmodels on person-months and closed forms.

Tolerances: the same sums in other arithmetic, 1e-10.
"""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from scipy import stats

from ipseval.config import Cohort
from ipseval.panel import MONTH_COLUMN
from ipseval.placebo import NUMBERS, placebo
from ipseval.settings import read_cohort

CENTRES = {"1": "North"}


def cohort_of(
    folder: Path, before: int = 8, after: int = 7, period: int = 3, arms: tuple[str, ...] = ("ips",)
) -> Cohort:
    content = {
        "extracts": "extracts",
        "arms": {"reference": "control", "treatments": list(arms)},
        "centres": CENTRES,
        "window": {"before": before, "after": after},
        "event_study": {"period_months": period},
    }
    file = folder / "north.yaml"
    file.write_text(yaml.safe_dump(content), encoding="utf-8")
    return read_cohort(file)


def random_states(cohort: Cohort, n: int = 60, missing: float = 0.0) -> tuple[pd.DataFrame, np.ndarray]:
    """Persons in turn in every arm, with levels of their own; states are 1, 0 and -1."""
    rng = np.random.default_rng(4)
    arm = np.array([cohort.arms.all[i % len(cohort.arms.all)] for i in range(n)])
    months = np.array(cohort.window.months)
    share = rng.uniform(0.1, 0.6, (n, 1)) + 0.25 * (arm != "control")[:, None] * (months >= 0)
    states = (rng.random((n, len(months))) < share).astype(np.int8)
    states[rng.random(states.shape) < missing] = -1
    people = pd.DataFrame({"person_id": np.arange(n), "centre": "1", "arm": arm, "is_analysed": True})
    return people, states


def made(cohort: Cohort, people: pd.DataFrame, states: np.ndarray) -> dict[str, pd.DataFrame]:
    columns = [MONTH_COLUMN.format(k) for k in cohort.window.months]
    months = pd.DataFrame(states, columns=columns)
    return placebo(
        cohort, people, pd.concat([people[["person_id"]].assign(outcome="ordinary_employment"), months], axis=1)
    )


def by_person_months(cohort: Cohort, people: pd.DataFrame, states: np.ndarray) -> tuple[pd.Series, pd.DataFrame]:
    """PanelOLS on one row a person-month with dummies of periods: coefficients of assigned x period, covariance."""
    from linearmodels.panel import PanelOLS

    i, column = np.nonzero(states >= 0)
    month = np.array(cohort.window.months)[column]
    period = month // cohort.event_study.period_months
    index = pd.MultiIndex.from_arrays([i, month])
    X = {}
    for p in sorted(set(period) - {-1}):
        X[f"period {p}"] = (period == p).astype(float)
        for arm in cohort.arms.treatments:
            X[f"{arm} {p}"] = ((period == p) & (people["arm"].to_numpy()[i] == arm)).astype(float)
    model = PanelOLS(pd.Series(states[i, column].astype(float), index), pd.DataFrame(X, index), entity_effects=True)
    fitted = model.fit(cov_type="clustered", cluster_entity=True, debiased=True, group_debias=True)
    chosen = [f"{arm} {p}" for arm in cohort.arms.treatments for p in sorted(set(period) - {-1})]
    return fitted.params[chosen], fitted.cov.loc[chosen, chosen]


@pytest.mark.parametrize("missing", [0.0, 0.4])
@pytest.mark.parametrize("arms", [("ips",), ("ips", "ips_plus")])
def test_periods_give_what_person_months_give(missing: float, arms: tuple[str, ...], tmp_path: Path) -> None:
    cohort = cohort_of(tmp_path, arms=arms)
    people, states = random_states(cohort, missing=missing)
    tables = made(cohort, people, states)
    rows = tables["event_study"].query("not is_base")
    assert set(rows["status"]) == {"estimated"}
    b, V = by_person_months(cohort, people, states)
    np.testing.assert_allclose(rows["estimate"], b, rtol=0, atol=1e-10)
    np.testing.assert_allclose(rows["std_error"], np.sqrt(np.diag(V)), rtol=0, atol=1e-10)
    for arm, (_, test) in zip(arms, tables["placebo"].iterrows(), strict=True):
        before = [f"{arm} -3", f"{arm} -2"]  # months -8..-7 and -6..-4; the base is -3..-1
        q, df, months = 2, len(people) - 1, np.array([2, 3]) / 5
        f = b[before] @ np.linalg.inv(V.loc[before, before]) @ b[before] / q
        error = np.sqrt(months @ V.loc[before, before] @ months)
        wanted = {
            "n_periods": q, "wald_f": f, "wald_df1": q, "wald_df2": df, "wald_p": stats.f.sf(f, q, df),
            "estimate": months @ b[before], "std_error": error, "month_from": -8, "month_to": -4,
        }  # fmt: skip
        assert test[list(wanted)].astype(float).tolist() == pytest.approx(list(wanted.values()), abs=1e-9)


def test_on_a_balanced_panel_it_is_the_difference_of_mean_changes(tmp_path: Path) -> None:
    cohort = cohort_of(tmp_path)
    people, states = random_states(cohort)
    rows = made(cohort, people, states)["event_study"].set_index("month_from")
    ips = (people["arm"] == "ips").to_numpy()
    base = states[:, 5:8].mean(axis=1)
    for first, row in rows.iterrows():
        change = states[:, first + 8 : int(row["month_to"]) + 9].mean(axis=1) - base
        wanted = change[ips].mean() - change[~ips].mean()
        if row["is_base"]:
            assert (first, row["month_to"], row["status"]) == (-3, -1, "base")
            assert row[NUMBERS].isna().all()
        else:
            assert row["estimate"] == pytest.approx(wanted, abs=1e-10)
    assert rows[["n_assigned", "n_control"]].to_numpy().tolist() == [[30, 30]] * 6
    assert set(rows["n_obs"]) == {60 * 16}


def test_levels_of_persons_do_not_matter(tmp_path: Path) -> None:
    """An imbalance that was there all along is no effect: every one in the arm is employed before and after."""
    cohort = cohort_of(tmp_path)
    people, states = random_states(cohort)
    ips = (people["arm"] == "ips").to_numpy()
    states[ips] = np.arange(30)[:, None] < 25
    row = made(cohort, people, states)["event_study"].iloc[-1]
    change = states[~ips, 14:].mean() - states[~ips, 5:8].mean()
    assert row["estimate"] == pytest.approx(-change, abs=1e-10)


def test_periods_are_counted_from_month_0_and_cut_off_at_the_window(tmp_path: Path) -> None:
    cohort = cohort_of(tmp_path, before=43, after=43, period=6)
    spans = cohort.event_study.spans(cohort.window)
    assert spans[:2] == [(-43, -43), (-42, -37)]
    assert (-6, -1) in spans and (0, 5) in spans
    assert spans[-1] == (42, 43)
    assert [k for first, last in spans for k in range(first, last + 1)] == list(cohort.window.months)


@pytest.mark.parametrize(
    ("before", "status"), [(0, "no_months_before"), (2, "no_months_before"), (3, "no_months_before")]
)
def test_without_months_before_the_base_there_is_no_placebo(before: int, status: str, tmp_path: Path) -> None:
    cohort = cohort_of(tmp_path, before=before)
    tables = made(cohort, *random_states(cohort))
    (row,) = tables["placebo"].to_dict("records")
    assert (row["status"], row["n_periods"]) == (status, 0)
    assert tables["placebo"][["wald_f", *NUMBERS]].isna().all(axis=None)
    events = tables["event_study"]
    assert set(events["status"]) == ({"no_base"} if before == 0 else {"base", "estimated"})
    assert len(events) == 3 + (before > 0)


def test_periods_that_nobody_or_one_arm_was_observed_in_keep_their_row(tmp_path: Path) -> None:
    cohort = cohort_of(tmp_path)
    people, states = random_states(cohort)
    ips = (people["arm"] == "ips").to_numpy()
    states[:, :2] = -1  # months -8..-7: nobody
    states[ips, 2:5] = -1  # months -6..-4: the reference arm only
    whole = made(cohort, people, states)["event_study"]
    assert whole["status"].tolist() == ["too_few_assigned"] * 2 + ["base"] + ["estimated"] * 3
    np.testing.assert_allclose(
        whole["estimate"].to_numpy(dtype=float)[3:], by_person_months_of(cohort, people, states[:, 5:]), atol=1e-10
    )
    states[~ips, 8:11] = -1  # months 0..2: the treatment only
    assert made(cohort, people, states)["event_study"]["status"].iloc[3] == "too_few_control"
    states[:, 5:8] = -1
    tables = made(cohort, people, states)
    assert set(tables["event_study"]["status"]) == {"no_base"}
    assert tables["placebo"]["status"].tolist() == ["no_base"]


def by_person_months_of(cohort: Cohort, people: pd.DataFrame, states: np.ndarray) -> np.ndarray:
    """Differences of mean changes on a balanced part that begins with the base."""
    ips = (people["arm"] == "ips").to_numpy()
    change = np.column_stack(
        [states[:, a:b].mean(axis=1) - states[:, :3].mean(axis=1) for a, b in [(3, 6), (6, 9), (9, 11)]]
    )
    return change[ips].mean(axis=0) - change[~ips].mean(axis=0)


def test_periods_that_no_person_links_to_the_base_are_collinear(tmp_path: Path) -> None:
    cohort = cohort_of(tmp_path)
    people, states = random_states(cohort)
    late = np.arange(len(people)) % 4 < 2
    states[late, :11] = -1  # observed in the last two periods only
    states[~late, 11:] = -1  # observed until month 2 only
    assert made(cohort, people, states)["event_study"]["status"].tolist() == [
        *("estimated", "estimated", "base", "estimated", "collinear", "collinear")
    ]


def test_who_was_observed_in_one_period_is_left_out(tmp_path: Path) -> None:
    cohort = cohort_of(tmp_path)
    people, states = random_states(cohort)
    whole = made(cohort, people, states)["event_study"]
    more, seen = random_states(cohort, n=70)
    seen[:60] = states
    seen[60:, 3:] = -1
    seen[60:, :2] = -1  # ten persons with one month
    pd.testing.assert_frame_equal(made(cohort, more, seen)["event_study"], whole)


def test_nobody_employed_has_no_error(tmp_path: Path) -> None:
    cohort = cohort_of(tmp_path)
    people, states = random_states(cohort)
    tables = made(cohort, people, np.zeros_like(states))
    assert set(tables["event_study"].query("not is_base")["status"]) == {"no_variation"}
    assert tables["placebo"][["wald_f", *NUMBERS]].isna().all(axis=None)
    assert tables["placebo"]["status"].tolist() == ["no_variation"]
