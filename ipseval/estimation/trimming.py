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


def by_cell(counts: np.ndarray, weights: np.ndarray) -> Bounds:
    """Weighted mean of the bounds of cells, and of the shares trimmed in them (Lee 2009, section III).

    Persons are trimmed within cells only, so that cells are not compared. The bounds hold the effect when assignment
    moves being observed in one direction within each cell.

    Parameters
    ----------
    counts : int array, cells x 2 x 3
    weights : float array, length cells
        They add up to 1; cells of no weight may have nobody observed.
    """
    found, used = trimmed(counts), weights > 0
    return Bounds(*(weights[used] @ part[used] for part in (found.lower, found.upper, found.share_trimmed)))


def standard_errors(
    counts: np.ndarray, draws: int, rng: np.random.Generator, weights: np.ndarray | None = None
) -> tuple[float, float]:
    """Bootstrap errors of the two bounds: persons drawn with replacement within cell and arm.

    A draw of persons is a draw of their counts, which are multinomial. Cells have no person in common: the variance of
    their weighted mean is the sum of theirs. Draws in which nobody of a cell's arm is observed are left out of it.

    Parameters
    ----------
    counts : int array, cells x 2 x 3
    draws : int
    rng : Generator
    weights : float array, length cells, optional
        As for :func:`by_cell`; without them the persons of all cells are put together.
    """
    n = counts.sum(axis=-1)
    chances = counts / np.maximum(n, 1)[..., None]
    chances[n == 0, NOT_OBSERVED] = 1.0
    drawn = rng.multinomial(n, chances, size=(draws, *n.shape))
    if weights is None:
        drawn, weights = drawn.sum(axis=1, keepdims=True), np.ones(1)
    found = trimmed(drawn)
    spread = [_spread(found.lower[:, j], found.upper[:, j]) for j in np.flatnonzero(weights)]
    both = np.sqrt((weights[weights > 0, None] ** 2 * np.array(spread) ** 2).sum(axis=0))
    return float(both[0]), float(both[1])


def _spread(lower: np.ndarray, upper: np.ndarray) -> tuple[float, float]:
    """Standard deviations over the draws in which there are bounds."""
    known = ~np.isnan(lower)
    if known.sum() < 2:
        return np.nan, np.nan
    return float(lower[known].std(ddof=1)), float(upper[known].std(ddof=1))


def interval(lower: float, upper: float, errors: tuple[float, float], level: float) -> tuple[float, float]:
    """Interval that covers the effect itself, wherever it lies between the bounds (Imbens & Manski 2004, Ecta 72:1845).

    From lower - c e_lower to upper + c e_upper with Phi(c + (upper - lower) / max(e)) - Phi(-c) = level: c is that of a
    two-sided interval where the bounds are one, and of a one-sided where they are far apart.
    """
    width = (upper - lower) / max(errors)
    most = float(norm_ppf((1 + level) / 2)) + 1
    c = float(optimize.brentq(lambda c: norm_cdf(c + width) - norm_cdf(-c) - level, 0, most, xtol=1e-14))
    return lower - c * errors[0], upper + c * errors[1]
