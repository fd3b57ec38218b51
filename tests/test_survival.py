"""Kaplan-Meier and the restricted mean against R's survival, printed values, closed forms and a slow count.

Tolerances: R's values are the same sums in another order (1e-12); closed forms of 400 persons 1e-10.
"""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ipseval.estimation.survival import Curve, first_observed, kaplan_meier, waited

REFERENCE = Path(__file__).parent / "reference"
WAITING, SURVIVAL, MEANS = (
    pd.read_csv(REFERENCE / f"{name}.csv") for name in ("waiting", "survival", "restricted_mean")
)
GROUPS = list(dict.fromkeys(zip(SURVIVAL["case"], SURVIVAL["arm"], strict=True)))


def states_of(last: np.ndarray, is_event: np.ndarray, n_months: int, rng: np.random.Generator) -> np.ndarray:
    """Months of persons who waited so long; what comes after the event or after the first gap is arbitrary."""
    states = rng.integers(-1, 2, (len(last), n_months)).astype(np.int8)
    for row, (month, event) in enumerate(zip(last, is_event, strict=True)):
        states[row, : month + 1] = 0
        if month + (not event) < n_months:
            states[row, month + (not event)] = 1 if event else -1
    return states


def curve_of(case: str, arm: str, n_months: int | None = None) -> Curve:
    rows = WAITING[(WAITING["case"] == case) & (WAITING["arm"] == arm)]
    n_months = n_months or int(SURVIVAL.loc[SURVIVAL["case"] == case, "month"].max()) + 1
    rng = np.random.default_rng(1)
    return kaplan_meier(states_of(rows["last"].to_numpy(), rows["is_event"].to_numpy(), n_months, rng))


@pytest.mark.parametrize(("case", "arm"), GROUPS)
def test_curve_is_that_of_r(case: str, arm: str) -> None:
    theirs = SURVIVAL[(SURVIVAL["case"] == case) & (SURVIVAL["arm"] == arm)]
    ours = curve_of(case, arm)
    assert ours.n_at_risk.tolist() == theirs["n_at_risk"].tolist()
    known = (theirs["n_at_risk"] > 0) | (theirs["survival"] == 0)
    assert (~np.isnan(ours.survival)).tolist() == known.tolist()
    inside = (known & theirs["survival"].between(0, 1, inclusive="neither")).to_numpy()
    low, high = ours.interval(0.95)
    assert (~np.isnan(low)).tolist() == inside.tolist()
    numbers = {"survival": ours.survival, "std_error": ours.std_error, "ci_low": low, "ci_high": high}
    for name, values in numbers.items():
        np.testing.assert_allclose(values[inside], theirs.loc[inside, name], rtol=1e-12, err_msg=name)


@pytest.mark.parametrize("row", range(len(MEANS)))
def test_restricted_mean_is_that_of_r(row: int) -> None:
    case, arm, horizon, estimate, error = MEANS.iloc[row]
    np.testing.assert_allclose(curve_of(case, arm).restricted_mean(horizon + 1), (estimate, error), rtol=1e-12)


def test_remission_times_are_as_printed() -> None:
    """Freireich et al. 1963, 6-MP: S(6) .857 (.0764), S(10) .753 (.0963), S(23) .448 (.1346) in the textbooks."""
    ours = curve_of("remission", "6-MP")
    weeks = [6, 10, 23]
    assert np.round(ours.survival[weeks], 3).tolist() == [0.857, 0.753, 0.448]
    assert np.round(ours.std_error[weeks], 4).tolist() == [0.0764, 0.0963, 0.1346]


def test_without_censoring_the_restricted_mean_is_the_mean_of_min() -> None:
    """Its Greenwood error is then the standard deviation (n in the denominator) over the root of n."""
    rng = np.random.default_rng(3)
    states = (rng.random((400, 24)) < rng.random((400, 1)) * 0.2).astype(np.int8)
    for h in (0, 5, 23):
        wait = [next((k for k, state in enumerate(row) if state), h + 1) for row in states[:, : h + 1].tolist()]
        found = kaplan_meier(states).restricted_mean(h + 1)
        np.testing.assert_allclose(found, (np.mean(wait), np.std(wait) / 20), rtol=1e-10)


def test_shares_without_censoring_are_shares_of_persons() -> None:
    rng = np.random.default_rng(4)
    states = (rng.random((300, 12)) < 0.1).astype(np.int8)
    curve = kaplan_meier(states)
    ever = np.maximum.accumulate(states, axis=1).mean(axis=0)
    np.testing.assert_allclose(1 - curve.survival, ever, rtol=1e-12)
    np.testing.assert_allclose(curve.std_error, np.sqrt(ever * (1 - ever) / 300), rtol=1e-10)


def test_waits_and_risk_sets_are_a_slow_count() -> None:
    states = np.random.default_rng(5).choice([-1, 0, 1], (200, 7), p=[0.1, 0.8, 0.1]).astype(np.int8)
    last, is_event = waited(states)
    curve = kaplan_meier(states)
    seen = {}
    for person, row in enumerate(states.tolist()):
        months = [k for k in range(7) if -1 not in row[: k + 1] and 1 not in row[:k]]
        seen[person] = months
        assert last[person] == (months[-1] if months else -1)
        assert is_event[person] == (bool(months) and row[months[-1]] == 1)
    for k in range(7):
        assert curve.n_at_risk[k] == sum(k in months for months in seen.values())
        assert curve.n_events[k] == sum(k in months and states[person, k] == 1 for person, months in seen.items())
    np.testing.assert_array_equal(curve.n_at_risk[1:], (curve.n_at_risk - curve.n_events - curve.n_censored)[:-1])


def test_a_curve_ends_with_its_last_person_at_risk() -> None:
    gone = kaplan_meier(np.array([[0, 0, -1, 0], [1, 0, 0, 0]], np.int8))
    np.testing.assert_array_equal(gone.survival, [0.5, 0.5, np.nan, np.nan])
    assert gone.n_months == 2
    everybody = kaplan_meier(np.array([[0, 1, 0, 0], [1, 0, -1, 0]], np.int8))
    np.testing.assert_array_equal(everybody.survival, [0.5, 0, 0, 0])
    assert everybody.n_months == 4
    assert everybody.restricted_mean(4)[0] == 0.5


def test_nobody_and_no_event() -> None:
    nobody = kaplan_meier(np.zeros((0, 3), np.int8))
    assert np.isnan(nobody.survival).all() and nobody.n_months == 0
    never_seen = kaplan_meier(np.full((2, 3), -1, np.int8))
    assert np.isnan(never_seen.survival).all() and not never_seen.n_at_risk.any()
    no_event = kaplan_meier(np.zeros((2, 3), np.int8))
    assert no_event.survival.tolist() == [1, 1, 1] and no_event.restricted_mean(3) == (3, 0)
    assert np.isnan(no_event.interval(0.95)).all()


def test_first_month_that_anybody_is_observed_in() -> None:
    assert first_observed(np.array([[-1, -1, 0], [-1, 1, 0]], np.int8)) == 1
    assert first_observed(np.full((2, 3), -1, np.int8)) == 0
    assert first_observed(np.zeros((0, 3), np.int8)) == 0
