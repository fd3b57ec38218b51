"""Lee's trimming bounds of an effect on a binary outcome that is missing for some, from counts of persons.

Where assignment can only make persons observed or only unobserved (monotonicity), the observed persons of the arm with
more of them are the always-observed and a known share of others. Who they are is not known: trimming that share from
the top or from the bottom of the arm's outcomes bounds the mean of its always-observed (Lee 2009, REStud 76:1071). Of
ones and zeros nothing has to be sorted: counts are enough.
"""

from dataclasses import dataclass

import numpy as np
from scipy import optimize

from ipseval.estimation.distributions import norm_cdf, norm_ppf

EMPLOYED, NOT_EMPLOYED, NOT_OBSERVED = range(3)  # the last axis of counts


@dataclass(frozen=True)
class Bounds:
    """Bounds of the effect on the always-observed; arrays of one shape.

    Parameters
    ----------
    lower, upper : float array
        Missing where nobody of an arm is observed.
    share_trimmed : float array
        Of the observed persons of the arm with more of them.
    """

    lower: np.ndarray
    upper: np.ndarray
    share_trimmed: np.ndarray


def trimmed(counts: np.ndarray) -> Bounds:
    """Trim the arm that has the larger share of observed persons.

    With shares observed q, means m and p = 1 - q_less / q_more, the mean of the trimmed arm lies between
    max(m - p, 0) / (1 - p) and min(m / (1 - p), 1).

    # ASSUME: assignment moves everybody's being observed in the same direction, or nobody's.

    Parameters
    ----------
    counts : array of numbers, ... x 2 x 3
        Persons of the arm and of the reference arm: employed, not employed, not observed.

    Returns
    -------
    Bounds
        Of shape ``...``.
    """
    observed = counts[..., :NOT_OBSERVED].sum(axis=-1)
    with np.errstate(divide="ignore", invalid="ignore"):
        mean, share = counts[..., EMPLOYED] / observed, observed / counts.sum(axis=-1)
        p = 1 - share.min(axis=-1) / share.max(axis=-1)
        own = np.where(share == share.max(axis=-1, keepdims=True), p[..., None], 0.0)
        lowest, highest = np.maximum(mean - own, 0) / (1 - own), np.minimum(mean / (1 - own), 1)
        return Bounds(lowest[..., 0] - highest[..., 1], highest[..., 0] - lowest[..., 1], p)


def standard_errors(counts: np.ndarray, draws: int, rng: np.random.Generator) -> tuple[float, float]:
    """Bootstrap errors of the two bounds: persons drawn with replacement within centre and arm.

    A draw of persons is a draw of their counts, which are multinomial. Draws in which nobody of an arm is observed are
    left out.

    Parameters
    ----------
    counts : int array, centres x 2 x 3
    draws : int
    rng : Generator
    """
    n = counts.sum(axis=-1)
    chances = counts / np.maximum(n, 1)[..., None]
    chances[n == 0, NOT_OBSERVED] = 1.0
    found = trimmed(rng.multinomial(n, chances, size=(draws, *n.shape)).sum(axis=1))
    known = ~np.isnan(found.lower)
    if known.sum() < 2:
        return np.nan, np.nan
    return float(found.lower[known].std(ddof=1)), float(found.upper[known].std(ddof=1))


def interval(lower: float, upper: float, errors: tuple[float, float], level: float) -> tuple[float, float]:
    """Interval that covers the effect itself, wherever it lies between the bounds (Imbens & Manski 2004, Ecta 72:1845).

    From lower - c e_lower to upper + c e_upper with Phi(c + (upper - lower) / max(e)) - Phi(-c) = level: c is that of a
    two-sided interval where the bounds are one, and of a one-sided where they are far apart.
    """
    width = (upper - lower) / max(errors)
    most = float(norm_ppf((1 + level) / 2)) + 1
    c = float(optimize.brentq(lambda c: norm_cdf(c + width) - norm_cdf(-c) - level, 0, most, xtol=1e-14))
    return lower - c * errors[0], upper + c * errors[1]
