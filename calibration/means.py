"""The mean of a random-effects synthesis under both factors of Knapp and Hartung."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from calibration.performance import LEVEL, Measure, share
from ipseval.estimation.heterogeneity import LEAST_FACTOR, random_effects, tau_squared

CENTRES, SPREADS = (2, 3, 6, 12), (0.0, 0.05)
MEAN, ERRORS = 0.1, (0.08, 0.15)  # the true mean; standard errors of centres are spread evenly between these
BELOW = 1e-9  # share by which an error is below another, and not by rounding


@dataclass(frozen=True)
class Synthesised:
    """Of k centres and a standard deviation tau between them, under one factor.

    Parameters
    ----------
    factor : str
    n_centres : int
    tau : float
    n_trials : int
    coverage, below : Measure
        Share of 95 % intervals that hold the mean; share of errors below that of known weights.
    """

    factor: str
    n_centres: int
    tau: float
    n_trials: int
    coverage: Measure
    below: Measure


def syntheses(n_trials: int, seed: int) -> Iterator[Synthesised]:
    """Both factors on the same draws of effects: normal about their centre's own, with errors that are known."""
    for number, (k, tau) in enumerate((k, tau) for k in CENTRES for tau in SPREADS):
        rng, v = np.random.default_rng((seed, 78, number)), np.linspace(*ERRORS, k) ** 2
        drawn = MEAN + rng.normal(size=(n_trials, k)) * np.sqrt(v + tau**2)
        tau2 = np.array([tau_squared("paule_mandel", y, v) for y in drawn])
        known = 1 / np.sqrt((1 / v).sum())
        for factor in LEAST_FACTOR:
            pooled = [random_effects(y, v, t, factor) for y, t in zip(drawn, tau2, strict=True)]
            ends = np.array([one.interval(1 - LEVEL) for one in pooled])
            is_held = (ends[:, 0] <= MEAN) & (ends[:, 1] >= MEAN)
            is_below = np.array([one.std_error for one in pooled]) < known * (1 - BELOW)
            yield Synthesised(factor, k, tau, n_trials, share(is_held), share(is_below))
