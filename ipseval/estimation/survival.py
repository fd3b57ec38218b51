"""Time to a first event over months, some persons not followed to the end: Kaplan-Meier and the restricted mean.

Within strata, and over strata the weighted mean of their curves: of an arm as if its persons came from the strata in
the shares that the weights give them.

Time is discrete. A person is at risk in month k when observed in every month up to k without the event before k;
S(k) is the share without the event by the end of month k. Months 0..h are h + 1 months.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ipseval.estimation.distributions import norm_ppf
from ipseval.panel import MISSING


@dataclass(frozen=True)
class Curve:
    """Kaplan-Meier curve of one group over T months.

    Parameters
    ----------
    n_at_risk, n_events, n_censored : int array, length T
        Persons at risk in the month, with the event in it, and observed in it for the last time without the event:
        each month's risk set is that of the month before less both.
    survival : float array, length T
        S(k); missing once nobody is at risk, save where it has come to zero.
    std_error : float array, length T
        Of S(k), by Greenwood's formula: S(k)² sum over j up to k of d_j / (n_j (n_j - d_j)).
    """

    n_at_risk: np.ndarray
    n_events: np.ndarray
    n_censored: np.ndarray
    survival: np.ndarray
    std_error: np.ndarray

    @property
    def n_months(self) -> int:
        """Months of the curve from its first on for which it is known."""
        return int((~np.isnan(self.survival)).sum())

    def interval(self, level: float) -> tuple[np.ndarray, np.ndarray]:
        """Pointwise interval of S(k) on the scale log(-log S): S^exp(± z error / (S log S)).

        Kalbfleisch & Prentice 2002, section 1.4. Missing where S(k) is 1 or 0: the scale has no end.
        """
        z = norm_ppf((1 + level) / 2)
        inside = (self.survival > 0) & (self.survival < 1)
        S = np.where(inside, self.survival, np.nan)
        reach = z * self.std_error / np.abs(S * np.log(S))
        return S ** np.exp(reach), S ** np.exp(-reach)

    def restricted_mean(self, n_months: int) -> tuple[float, float]:
        """Mean number of months without the event among the first ``n_months``, and its standard error.

        The mean of min(T, n_months) is the sum of S(k). Its variance is the sum over months j of
        A_j² d_j / (n_j (n_j - d_j)) with A_j the sum of S(k) from j on (Royston & Parmar 2013; Uno et al. 2014).
        """
        n, d, S = (part[:n_months] for part in (self.n_at_risk, self.n_events, self.survival))
        area = S[::-1].cumsum()[::-1]
        left = n - d
        hazards = np.divide(d, n * left, out=np.zeros(n_months), where=left > 0)
        return float(S.sum()), float(np.sqrt((area**2 * hazards).sum()))


@dataclass(frozen=True)
class Standardised(Curve):
    """Weighted mean of the curves of strata; numbers of persons are sums over them.

    Parameters
    ----------
    curves : tuple of Curve
    weights : float array
        See :func:`standardised`.
    """

    curves: tuple[Curve, ...]
    weights: np.ndarray

    def restricted_mean(self, n_months: int) -> tuple[float, float]:
        """Weighted mean of the strata's restricted means, and its standard error."""
        found = np.array([curve.restricted_mean(n_months) for curve in self.curves])
        return float(self.weights @ found[:, 0]), float(
            np.sqrt((self.weights * found[:, 1]) @ (self.weights * found[:, 1]))
        )


def standardised(curves: Sequence[Curve], weights: np.ndarray) -> "Standardised":
    """Curves of one arm in several strata put together.

    S(k) is the sum of w_s S_s(k), its variance that of w_s² V_s(k), Greenwood's in each stratum: strata have no person
    in common. From the first month on in which a stratum has nobody at risk the curve is missing, for it would
    be one of other strata.

    # ASSUME: the weights are fixed: how many persons a stratum has is no result of the trial.

    Parameters
    ----------
    curves : sequence of Curve, length S
        Of the same months.
    weights : float array, length S
        They add up to 1.
    """
    n_at_risk, n_events, n_censored = (
        np.sum([getattr(curve, name) for curve in curves], axis=0) for name in ("n_at_risk", "n_events", "n_censored")
    )
    survival = sum(w * curve.survival for w, curve in zip(weights, curves, strict=True))
    errors = [np.where(curve.survival == 0, 0.0, curve.std_error) for curve in curves]
    variance = sum((w * error) ** 2 for w, error in zip(weights, errors, strict=True))
    own = (n_at_risk, n_events, n_censored, np.asarray(survival), np.sqrt(variance))
    return Standardised(*own, tuple(curves), weights)


def waited(states: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Month in which each person's wait ended, and whether by the event.

    # ASSUME: who is not observed in a month has left by chance: those who stay stand for them, arm by arm.

    Parameters
    ----------
    states : int8 array, n x T
        1 the event, 0 not, -1 not observed.

    Returns
    -------
    int array, length n
        Month of the first event, or the last month that was observed before it; -1 when there is none.
    bool array, length n
    """
    closed = np.pad(states, ((0, 0), (0, 1)), constant_values=MISSING)
    first = (closed != 0).argmax(axis=1)
    is_event = closed[np.arange(len(states)), first] == 1
    return np.where(is_event, first, first - 1), is_event


def kaplan_meier(states: np.ndarray) -> Curve:
    """Kaplan-Meier curve of the first event.

    Parameters
    ----------
    states : int8 array, n x T
        See :func:`waited`.

    Returns
    -------
    Curve
    """
    from statsmodels.duration.survfunc import SurvfuncRight

    T = states.shape[1]
    last, is_event = waited(states)
    n_events = np.bincount(last[is_event], minlength=T)
    n_censored = np.bincount(last[~is_event & (last >= 0)], minlength=T)
    n_at_risk = (n_events + n_censored)[::-1].cumsum()[::-1]
    S, error = np.ones(T), np.zeros(T)
    if n_events.any():
        found = SurvfuncRight(last[last >= 0], is_event[last >= 0].astype(int))
        steps = pd.DataFrame({"S": found.surv_prob, "error": found.surv_prob_se}, index=found.surv_times.astype(int))
        S, error = steps.reindex(range(T), method="ffill").fillna({"S": 1.0, "error": 0.0}).to_numpy().T
    is_known = (n_at_risk > 0) | (S == 0)
    return Curve(n_at_risk, n_events, n_censored, *(np.where(is_known, part, np.nan) for part in (S, error)))


def first_observed(states: np.ndarray) -> int:
    """First month in which anybody is observed; 0 when there is none."""
    return int((states != MISSING).any(axis=0).argmax()) if states.size else 0
