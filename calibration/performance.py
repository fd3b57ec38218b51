"""How estimates, standard errors and intervals did over the simulated trials, each with its Monte Carlo error."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy import stats

from calibration.simulations import NO_ERROR, Simulated
from calibration.trial import Case

LEVEL = 0.05
MOST_ERRORS = 2  # Monte Carlo errors from what is nominal that are not yet named
RANDOMISATION = "randomisation"


@dataclass(frozen=True)
class Measure:
    """A value and its Monte Carlo standard error."""

    value: float
    error: float


@dataclass(frozen=True)
class Performance:
    """Of one variance, or of randomisation inference, in one case.

    Parameters
    ----------
    case : Case
    n_persons : float array, length 2
        Mean number in the reference arm and in the other.
    truth : float
        Mean of the trials' true effects.
    variance : str
    n_simulations : int
        Trials in which the effect is estimated.
    n_without_error : int
        Trials in which the standard error is zero, so that the pipeline would give no number.
    rejected : Measure
        Share of trials with p at most 0.05: the size where nothing is planted, else the power.
    bias, ratio, coverage : Measure, optional
        Mean of estimate - truth; mean standard error / standard deviation of estimate - truth; share of 95 %
        intervals that hold the truth. Randomisation inference has none of them.
    """

    case: Case
    n_persons: np.ndarray
    truth: float
    variance: str
    n_simulations: int
    n_without_error: int
    rejected: Measure
    bias: Measure | None = None
    ratio: Measure | None = None
    coverage: Measure | None = None

    @property
    def miss(self) -> str:
        """What misses its nominal value by more than ``MOST_ERRORS`` errors of a right interval; empty when nothing.

        The error is that of a share which is nominal: at a share of 0 or 1 the observed error would be zero.
        """
        is_interval = self.coverage is not None
        nominal, observed = (1 - LEVEL, self.coverage) if is_interval else (LEVEL, self.rejected)
        if observed is None or not self.n_simulations:
            return ""
        distance = (observed.value - nominal) / np.sqrt(LEVEL * (1 - LEVEL) / self.n_simulations)
        if abs(distance) <= MOST_ERRORS:
            return ""
        what = "coverage" if is_interval else "size"
        return f"{what} {'below' if distance < 0 else 'above'} {100 * nominal:.0f} % by {abs(distance):.1f} errors"


def performances(case: Case, found: Simulated) -> Iterator[Performance]:
    """Every variance, then randomisation inference where it was done."""
    n_persons, true = found.n_persons.mean(0), float(found.truth.mean())
    for name, errors in found.std_error.items():
        has_error = errors > NO_ERROR
        e, error, df = (part[has_error] for part in (found.estimate - found.truth, errors, found.df[name]))
        reach = stats.t.ppf(1 - LEVEL / 2, df) * error
        yield Performance(
            *(case, n_persons, true, name, len(e), int((~has_error).sum())),
            rejected=share(np.abs(found.estimate[has_error]) >= reach),
            bias=Measure(float(e.mean()), float(e.std(ddof=1) / np.sqrt(len(e)))),
            ratio=ratio_to_spread(error, e),
            coverage=share(np.abs(e) <= reach),
        )
    if n := len(found.p_randomised):
        yield Performance(case, n_persons, true, RANDOMISATION, n, 0, share(found.p_randomised <= LEVEL))


def share(hits: np.ndarray) -> Measure:
    """Share of hits."""
    p = float(hits.mean())
    return Measure(p, float(np.sqrt(p * (1 - p) / len(hits))))


def ratio_to_spread(errors: np.ndarray, e: np.ndarray) -> Measure:
    """Mean of ``errors`` / standard deviation of ``e``, with the jackknife's error; both of length n.

    Without trial i the sum of squares about the mean is S - n / (n - 1) (e_i - mean)^2.
    """
    n, squares = len(e), (e - e.mean()) ** 2
    without = (errors.sum() - errors) / (n - 1) / np.sqrt((squares.sum() - n / (n - 1) * squares) / (n - 2))
    return Measure(float(errors.mean() / e.std(ddof=1)), float(np.sqrt((n - 1) * without.var())))
