"""P-values from draws, and p-values and bands for many hypotheses at once."""

import numpy as np
from numpy.typing import ArrayLike

TIE = 1e-9  # statistics that differ by less, relative to the larger of 1 and |t|, are equal but for rounding


def p_values(t: np.ndarray, drawn: np.ndarray) -> np.ndarray:
    """Two-sided p of randomisation inference, p = (1 + #{|t*| >= |t|}) / (B + 1).

    Never zero, and valid at every B (Phipson & Smyth 2010, SAGMB 9:39). In small centres many assignments give the
    very same statistic; ``TIE`` keeps rounding from deciding between them.

    Parameters
    ----------
    t : float array, length m
        Observed statistics.
    drawn : float array, B x m
        Statistics under re-drawn assignment.

    Returns
    -------
    float array, length m
    """
    return (1 + (np.abs(drawn) >= _reached(t)).sum(0)) / (len(drawn) + 1)


def by_tails(t: np.ndarray, drawn: np.ndarray) -> np.ndarray:
    """Two-sided p of randomisation inference by the probability of tails: how often a draw is as rare as what was seen.

    How rare a value is, is the smaller share of all values (what was seen among them) that lie at or beyond it on one
    side or the other; p is the share of all values that are at most as rare. Where the statistic is as often above as
    below zero it is ``p_values``. Where an arm has few persons with the outcome it is not: an arm in which by chance
    nobody works has the largest |t*|, because its own error is then zero, and with |t| no effect upwards is ever rarer
    than that; seldom is a large |t| on one side as rare as on the other. Infinite statistics, of draws without an
    error or an effect, lie beyond all others on both sides: they make p larger, never smaller. Valid at every B, for
    values are ranked among themselves (Blaker 2000, Can J Stat 28:783, acceptability of an observation).

    Parameters
    ----------
    t : float array, length m
        Observed statistics.
    drawn : float array, B x m
        Statistics under re-drawn assignment.

    Returns
    -------
    float array, length m
    """
    rare = rarity(np.vstack([t, drawn]))
    return (rare <= rare[0]).mean(axis=0)


def rarity(values: np.ndarray) -> np.ndarray:
    """How many of all values lie at or beyond each one, on the side on which they are fewer: :func:`by_tails`.

    Parameters
    ----------
    values : float array, B x m

    Returns
    -------
    int array, B x m
    """
    found = np.zeros(values.shape, dtype=int)
    for rare, own in zip(found.T, values.T, strict=True):
        is_finite = np.isfinite(own)
        known = own[is_finite]
        ordered, tie = np.sort(known), TIE * np.maximum(1.0, np.abs(known))
        above = len(known) - np.searchsorted(ordered, known - tie)
        below = np.searchsorted(ordered, known + tie, side="right")
        rare[is_finite] = len(own) - len(known) + np.minimum(above, below)
    return found


def _reached(t: np.ndarray) -> np.ndarray:
    size = np.abs(t)
    return size - TIE * np.maximum(1.0, size)


def step_down(t: np.ndarray, drawn: np.ndarray) -> np.ndarray:
    """P-values adjusted for a family of hypotheses by step-down max-t; they keep the family-wise error rate.

    Hypotheses in falling order of |t|: each is compared with the draws' largest |t*| among itself and those after it,
    and no p is below one before it. Westfall & Young 1993, algorithm 4.1; Romano & Wolf 2005, Econometrica 73:1237.
    The draws must be the same for all hypotheses: their dependence is taken as it is.

    Parameters
    ----------
    t : float array, length m
    drawn : float array, B x m

    Returns
    -------
    float array, length m
        In the order of ``t``; at least :func:`p_values`, and equal for one hypothesis.
    """
    order = np.argsort(-np.abs(t), kind="stable")
    largest = np.maximum.accumulate(np.abs(drawn[:, order[::-1]]), axis=1)[:, ::-1]
    adjusted = np.empty(len(t))
    adjusted[order] = np.maximum.accumulate(p_values(t[order], largest))
    return adjusted


def critical_value(drawn: np.ndarray, level: float) -> float:
    """Half-width, in standard errors, of a band that holds all of a family at once with probability ``level``.

    The ceil((B + 1) level)-th smallest of the draws' largest |t*|, so that an estimate whose band leaves out zero has
    a (single-step) adjusted p of at most 1 - level.

    # ASSUME: the statistic's distribution does not depend on the effect, as that of a studentised one nearly does.

    Parameters
    ----------
    drawn : float array, B x m
    level : float

    Returns
    -------
    float
        Missing when there are too few draws for the level.
    """
    largest = np.sort(np.abs(drawn).max(axis=1))
    rank = int(np.ceil((len(largest) + 1) * level - TIE))
    found = largest[rank - 1] if rank <= len(largest) else np.inf
    return float(found) if np.isfinite(found) else np.nan


def holm(p: ArrayLike) -> np.ndarray:
    """Holm's step-down p-values (1979, Scand J Stat 6:65) of those that are known; missing stays missing.

    As ``multipletests(p, method="holm")`` of statsmodels, which collects garbage at every call: a tenth of a second
    for each family, and there is a family for every month.
    """
    values = np.asarray(p, dtype=float)
    order = np.argsort(values)[: int((~np.isnan(values)).sum())]  # missing ones are last
    adjusted = np.full(len(values), np.nan)
    adjusted[order] = np.minimum(np.maximum.accumulate(values[order] * np.arange(len(order), 0, -1)), 1)
    return adjusted
