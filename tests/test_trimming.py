"""Lee's trimming bounds for a binary outcome, against trimming person by person and linear programmes.

Tolerances: closed forms 1e-12, linear programmes 1e-9 (their own), bootstrap errors 3.5 Monte-Carlo errors.
"""

import numpy as np
import pandas as pd
import pytest
from scipy import optimize, stats

from ipseval.estimation.trimming import interval, standard_errors, trimmed
from test_real_trials import folder_of


def counts_of(assigned: tuple[int, int, int], control: tuple[int, int, int]) -> np.ndarray:
    return np.array([assigned, control])


def mean_after_trimming(outcomes: np.ndarray, n_trimmed: int, side: str) -> float:
    """The mean without the persons with the largest (top) or the smallest outcomes."""
    ordered = np.sort(outcomes)
    return float(ordered[: len(ordered) - n_trimmed].mean() if side == "top" else ordered[n_trimmed:].mean())


def persons(counts: np.ndarray) -> np.ndarray:
    """Outcomes of the observed persons of an arm."""
    return np.repeat([1.0, 0.0], counts[:2])


# --- bounds --------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(30))
@pytest.mark.parametrize("is_swapped", [False, True])
def test_bounds_are_those_of_trimmed_outcomes(seed: int, is_swapped: bool) -> None:
    """Arms of equal size: the share that is trimmed is a whole number of persons."""
    rng = np.random.default_rng(seed)
    n = int(rng.integers(5, 60))
    most, least = sorted(rng.integers(1, n + 1, 2), reverse=True)
    ones = [int(rng.integers(0, observed + 1)) for observed in (most, least)]
    arms = [(k, observed - k, n - observed) for k, observed in zip(ones, (most, least), strict=True)]
    found = trimmed(np.array(arms[::-1] if is_swapped else arms))
    means = [mean_after_trimming(persons(np.array(arms[0])), most - least, side) for side in ("top", "bottom")]
    bounds = [mean - ones[1] / least for mean in means]
    wanted = [-bounds[1], -bounds[0]] if is_swapped else bounds
    np.testing.assert_allclose([found.lower, found.upper], wanted, atol=1e-12)
    assert found.share_trimmed == pytest.approx((most - least) / most, abs=1e-12)


@pytest.mark.parametrize("seed", range(15))
def test_bounds_are_the_extremes_over_all_who_could_be_the_always_observed(seed: int) -> None:
    """Any weights on the observed persons of the arm that leave a share p out: a linear programme."""
    rng = np.random.default_rng(seed)
    counts = rng.integers(1, 12, (2, 3))
    found, q = trimmed(counts), counts[:, :2].sum(1) / counts.sum(1)
    more = int(q[1] > q[0])
    y, kept = persons(counts[more]), q.min() / q.max()
    most = 1 / (kept * len(y))  # of what is kept a person is at most so much
    ends = [
        sign * optimize.linprog(sign * y, A_eq=np.ones((1, len(y))), b_eq=[1], bounds=(0, most)).fun for sign in (1, -1)
    ]
    other = persons(counts[1 - more]).mean()
    wanted = [other - ends[1], other - ends[0]] if more else [ends[0] - other, ends[1] - other]
    np.testing.assert_allclose([found.lower, found.upper], wanted, atol=1e-9)


def test_nobody_missing_is_the_difference_of_means() -> None:
    found = trimmed(counts_of((30, 70, 0), (10, 30, 0)))
    assert (found.lower, found.upper, found.share_trimmed) == (pytest.approx(0.05), pytest.approx(0.05), 0)


def test_equal_shares_observed_are_the_difference_of_the_observed() -> None:
    found = trimmed(counts_of((1, 1, 4), (3, 6, 18)))
    assert (found.lower, found.upper, found.share_trimmed) == (pytest.approx(1 / 6), pytest.approx(1 / 6), 0)


@pytest.mark.parametrize("control", [(0, 0, 5), (0, 0, 0)])
def test_an_arm_that_nobody_is_observed_in_has_no_bounds(control: tuple[int, int, int]) -> None:
    found = trimmed(counts_of((3, 4, 0), control))
    assert np.isnan([found.lower, found.upper]).all()


@pytest.mark.parametrize("seed", range(20))
def test_the_effect_on_the_always_observed_lies_between_the_bounds(seed: int) -> None:
    """A population with monotone observation, in shares: the bounds hold, and are met where the others are extreme."""
    rng = np.random.default_rng(seed)
    always, others, never = rng.dirichlet([4, 1, 2])  # observed in both arms, in the arm only, in none
    p1, p0, of_others = rng.random(3)
    control = [always * p0, always * (1 - p0), others + never]
    met = []
    for p in (of_others, 1.0, 0.0):
        arm = [always * p1 + others * p, always * (1 - p1) + others * (1 - p), never]
        found = trimmed(np.array([arm, control]))
        assert found.lower - 1e-12 <= p1 - p0 <= found.upper + 1e-12
        met += [found.lower, found.upper]
    assert p1 - p0 == pytest.approx(met[2], abs=1e-12)  # others all employed: trimming the top is right
    assert p1 - p0 == pytest.approx(met[5], abs=1e-12)


def test_share_trimmed_is_that_printed_for_the_job_corps() -> None:
    """Weighted shares employed in week 208, and the share kept, .932, that a replication of Lee's table IV prints.

    Log of github.com/mindis/leebounds, JobCorps/STEP1_Replicate_Lee_2009/Table4.log.
    """
    counts = np.array([[0.3, observed - 0.3, 1 - observed] for observed in (0.6067872, 0.5655031)])
    assert round(1 - float(trimmed(counts).share_trimmed), 3) == 0.932


def test_job_corps_persons_trimmed_one_by_one() -> None:
    """Employed in week 104, known of those employed in week 208 only: real counts, not the published estimand."""
    folder = folder_of("jobcorps")
    arms = pd.read_parquet(folder / "jobcorps_persons.parquet", columns=["person", "arm"])
    both = arms.merge(pd.read_parquet(folder / "jobcorps_weekly.parquet", columns=["person", "w104", "w208"]))
    sides = [both[both["arm"] == arm] for arm in ("jobcorps", "control")]
    seen = [side.loc[side["w208"] == 1, "w104"].to_numpy(dtype=float) for side in sides]
    counts = np.array([[y.sum(), (1 - y).sum(), len(s) - len(y)] for y, s in zip(seen, sides, strict=True)])
    found = trimmed(counts)
    assert float(found.share_trimmed) == pytest.approx((0.6122 - 0.5768) / 0.6122, abs=2e-4)
    n_trimmed = round(float(found.share_trimmed) * len(seen[0]))
    wanted = [mean_after_trimming(seen[0], n_trimmed, side) - seen[1].mean() for side in ("top", "bottom")]
    np.testing.assert_allclose([found.lower, found.upper], wanted, atol=0.5 / len(seen[0]))  # half a person
    assert found.lower < seen[0].mean() - seen[1].mean() < found.upper


# --- errors --------------------------------------------------------------------------------------

CENTRES = np.array([[[300, 500, 200], [250, 450, 400]], [[90, 310, 100], [160, 240, 150]]])


def delta_method(counts: np.ndarray) -> list[float]:
    """Errors of the bounds from the covariance of multinomial counts within centre and arm, by numerical gradients."""
    found = []
    for side in ("lower", "upper"):
        variance, both = 0.0, counts.sum(0).astype(float)
        gradient = np.empty((2, 3))
        for cell in np.ndindex(2, 3):
            step = np.zeros((2, 3))
            step[cell] = 1e-4
            ends = [float(getattr(trimmed(both + sign * step), side)) for sign in (1, -1)]
            gradient[cell] = (ends[0] - ends[1]) / 2e-4
        for centre, arm in np.ndindex(counts.shape[:2]):
            n, g = counts[centre, arm].sum(), gradient[arm]
            p = counts[centre, arm] / n
            variance += n * (p @ g**2 - (p @ g) ** 2)
        found.append(float(np.sqrt(variance)))
    return found


@pytest.mark.parametrize("counts", [CENTRES, CENTRES[:, ::-1]], ids=["arm trimmed", "reference trimmed"])
def test_errors_are_those_of_the_delta_method(counts: np.ndarray) -> None:
    errors = standard_errors(counts, 20_000, np.random.default_rng(1))
    np.testing.assert_allclose(errors, delta_method(counts), rtol=3.5 / np.sqrt(40_000))


def test_errors_without_missing_are_those_of_two_shares() -> None:
    counts = counts_of((120, 180, 0), (60, 240, 0))[None]
    errors = standard_errors(counts, 20_000, np.random.default_rng(2))
    assert errors[0] == errors[1]
    assert errors[0] == pytest.approx(np.sqrt(0.4 * 0.6 / 300 + 0.2 * 0.8 / 300), rel=3.5 / np.sqrt(40_000))


def test_an_empty_centre_changes_no_error() -> None:
    wider = np.concatenate([CENTRES, np.zeros((1, 2, 3), dtype=int)])
    errors = standard_errors(wider, 20_000, np.random.default_rng(3))
    np.testing.assert_allclose(errors, delta_method(CENTRES), rtol=3.5 / np.sqrt(40_000))


# --- interval ------------------------------------------------------------------------------------


@pytest.mark.parametrize(("upper", "c"), [(0.1, stats.norm.ppf(0.975)), (99.0, stats.norm.ppf(0.95))])
def test_interval_is_two_sided_for_a_point_and_one_sided_for_far_bounds(upper: float, c: float) -> None:
    low, high = interval(0.1, upper, (0.2, 0.3), 0.95)
    np.testing.assert_allclose([low, high], [0.1 - c * 0.2, upper + c * 0.3], atol=1e-10)


@pytest.mark.parametrize("width", [0.3, 1.0, 2.5])
@pytest.mark.parametrize("level", [0.9, 0.95])
def test_interval_covers_either_end_as_often_as_it_says(width: float, level: float) -> None:
    """Estimates of both bounds that err together, the case that the interval is made for."""
    error = np.random.default_rng(4).normal(size=400_000)
    low, high = interval(0.0, width, (1.0, 1.0), level)
    for truth in (0.0, width):
        covered = ((low + error <= truth) & (truth <= high + error)).mean()
        assert covered == pytest.approx(level, abs=3.5 * np.sqrt(level * (1 - level) / len(error)))
