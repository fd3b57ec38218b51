"""How effects differ between centres, and what they are together: meta-analysis of k estimates with variances.

Everything takes ``estimate`` and ``variance`` (squared standard errors), float arrays of length k, of estimates that
are independent. Variances are taken as known, as meta-analysis does: with few persons a centre the test of Cochran
rejects too often, and the joint test of ``ipseval.estimation.joint`` is the one to trust.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import optimize

from ipseval.estimation.distributions import chi2_isf, chi2_sf, t_ppf

Interval = tuple[float, float]
UNKNOWN: Interval = (np.nan, np.nan)
LEAST_FACTOR = {"plain": 0.0, "at_least_one": 1.0}  # below which the factor of Knapp and Hartung may not fall


@dataclass(frozen=True)
class Cochran:
    """Q against chi-squared with ``df``, and I2 = max(0, (Q - df) / Q) (Cochran 1954; Higgins & Thompson 2002)."""

    q: float
    df: int
    p_value: float
    i2: float


def cochran(estimate: np.ndarray, variance: np.ndarray) -> Cochran:
    """Test of equal effects."""
    q, df = generalised_q(estimate, variance, 0.0), len(estimate) - 1
    return Cochran(q, df, float(chi2_sf(q, df)), max(0.0, (q - df) / q) if q > 0 else 0.0)


def generalised_q(estimate: np.ndarray, variance: np.ndarray, tau2: float) -> float:
    """Sum of w (y - mean_w)^2 with w = 1 / (variance + tau2); falls in tau2 (DerSimonian & Kacker 2007)."""
    w = 1 / (variance + tau2)
    return float(w @ (estimate - w @ estimate / w.sum()) ** 2)


def _where_q_is(level: float, estimate: np.ndarray, variance: np.ndarray) -> float:
    """tau2 at which the generalised Q is ``level``; 0 where it is below already."""
    return _root(lambda tau2: generalised_q(estimate, variance, tau2) - level, variance)


def _root(falling: Callable[[float], float], variance: np.ndarray) -> float:
    """Where a function of tau2 that begins above zero falls to zero; 0 where it begins below."""
    if falling(0.0) <= 0:
        return 0.0
    high = float(variance.max())
    while falling(high) > 0:
        high *= 2
    return float(optimize.brentq(falling, 0.0, high, xtol=1e-14 * high, rtol=1e-14))


def paule_mandel(estimate: np.ndarray, variance: np.ndarray) -> float:
    """tau2 at which the generalised Q is its expectation k - 1 (Paule & Mandel 1982)."""
    return _where_q_is(len(estimate) - 1, estimate, variance)


def reml(estimate: np.ndarray, variance: np.ndarray) -> float:
    """tau2 that maximises the restricted likelihood (Viechtbauer 2005).

    Its score is (sum w^2 (y - mean_w)^2 - sum w + sum w^2 / sum w) / 2; of several roots the first is taken.
    """

    def score(tau2: float) -> float:
        w = 1 / (variance + tau2)
        return float(w**2 @ (estimate - w @ estimate / w.sum()) ** 2 - w.sum() + w @ w / w.sum())

    return _root(score, variance)


def dersimonian_laird(estimate: np.ndarray, variance: np.ndarray) -> float:
    """max(0, (Q - df) / (sum w - sum w^2 / sum w)), w = 1 / variance (DerSimonian & Laird 1986)."""
    w = 1 / variance
    excess = generalised_q(estimate, variance, 0.0) - (len(estimate) - 1)
    return max(0.0, float(excess / (w.sum() - w @ w / w.sum())))


TAU: dict[str, Callable[[np.ndarray, np.ndarray], float]] = {
    "paule_mandel": paule_mandel,
    "reml": reml,
    "dersimonian_laird": dersimonian_laird,
}


def tau_squared(name: str, estimate: np.ndarray, variance: np.ndarray) -> float:
    """tau2 by an estimator of ``TAU``; 0 where a single effect cannot tell."""
    return TAU[name](estimate, variance) if len(estimate) > 1 else 0.0


def q_profile(estimate: np.ndarray, variance: np.ndarray, level: float) -> Interval:
    """Interval of tau2: where the generalised Q is the upper and the lower quantile of chi-squared with k - 1 df.

    Viechtbauer 2007. Both ends are 0 when the effects differ less than chance makes likely.
    """
    df, alpha = len(estimate) - 1, 1 - level
    ends = chi2_isf([alpha / 2, 1 - alpha / 2], df)
    return _where_q_is(float(ends[0]), estimate, variance), _where_q_is(float(ends[1]), estimate, variance)


@dataclass(frozen=True)
class RandomEffects:
    """Mean of the distribution that the centres' effects come from.

    Parameters
    ----------
    tau2 : float
        Variance of that distribution, from an estimator of ``TAU``.
    mean, std_error : float
        Mean with weights 1 / (variance + tau2), and its error by Knapp & Hartung.
    factor : float
        Square root of the Knapp-Hartung factor: below 1 the interval is narrower than that of known weights.
    n_centres : int
    """

    tau2: float
    mean: float
    std_error: float
    factor: float
    n_centres: int

    def interval(self, level: float) -> Interval:
        """By t with k - 1 df (Knapp & Hartung 2003; IntHout, Ioannidis & Borm 2014)."""
        return around(self.mean, self.std_error, self.n_centres - 1, level)

    def prediction(self, level: float) -> Interval:
        """Where the effect of a further centre lies: t with k - 2 df, variance tau2 + std_error^2.

        Higgins, Thompson & Spiegelhalter 2009, with the Knapp-Hartung error (Partlett & Riley 2017).
        """
        return around(self.mean, float(np.sqrt(self.tau2 + self.std_error**2)), self.n_centres - 2, level)


def around(estimate: float, std_error: float, df: float, level: float) -> Interval:
    """Interval by t with ``df`` degrees of freedom; missing where there are none."""
    if not df > 0:
        return UNKNOWN
    reach = float(t_ppf((1 + level) / 2, df)) * std_error
    return estimate - reach, estimate + reach


def random_effects(
    estimate: np.ndarray, variance: np.ndarray, tau2: float, knapp_hartung: str = "plain"
) -> RandomEffects:
    """Pool by random effects; the error is missing with one centre, everything with none.

    The Knapp-Hartung factor sum w (y - mean)^2 / (k - 1) is used as it is (``plain``) or kept from falling below 1
    (``at_least_one``; Röver, Knapp & Friede 2015). With Paule-Mandel it is 1 unless tau2 is 0.
    """
    w, k = 1 / (variance + tau2), len(estimate)
    if k == 0:
        return RandomEffects(tau2, np.nan, np.nan, np.nan, 0)
    factor = np.sqrt(generalised_q(estimate, variance, tau2) / (k - 1)) if k > 1 else np.nan
    factor = max(factor, LEAST_FACTOR[knapp_hartung])
    return RandomEffects(tau2, float(w @ estimate / w.sum()), float(factor / np.sqrt(w.sum())), float(factor), k)


@dataclass(frozen=True)
class Shrunken:
    """Empirical-Bayes effects of the centres with intervals; arrays of length k."""

    estimate: np.ndarray
    low: np.ndarray
    high: np.ndarray


def shrunken(estimate: np.ndarray, variance: np.ndarray, pooled: RandomEffects, level: float) -> Shrunken:
    """Effects drawn to the mean: s y + (1 - s) mean with s = tau2 / (tau2 + variance).

    Their variance is s variance + (1 - s)^2 std_error^2; t with k - 1 df. Raudenbush & Bryk 1985. tau2 is taken
    as known, so that intervals are too narrow when k is small.
    """
    s = pooled.tau2 / (pooled.tau2 + variance)
    centre = s * estimate + (1 - s) * pooled.mean
    error = np.sqrt(s * variance + (1 - s) ** 2 * pooled.std_error**2)
    reach = error * (t_ppf((1 + level) / 2, pooled.n_centres - 1) if pooled.n_centres > 1 else np.nan)
    return Shrunken(centre, centre - reach, centre + reach)


def leave_one_out(
    estimate: np.ndarray, variance: np.ndarray, tau: str, knapp_hartung: str = "plain"
) -> list[RandomEffects]:
    """The pooled effect without each of the centres, in their order; ``tau`` is estimated anew."""
    rest = [np.delete(np.arange(len(estimate)), c) for c in range(len(estimate))]
    tau2 = [tau_squared(tau, estimate[i], variance[i]) for i in rest]
    return [random_effects(estimate[i], variance[i], t, knapp_hartung) for i, t in zip(rest, tau2, strict=True)]


@dataclass(frozen=True)
class Sizes:
    """Of k centres: squared standard errors, persons in the arm and in the reference arm, and persons in any arm."""

    variance: np.ndarray
    n_assigned: np.ndarray
    n_control: np.ndarray
    n_persons: np.ndarray


# What a centre counts. Each mean is of another population: where allocation is 1:1 everywhere ``overlap`` and
# ``persons`` are the same; where it is not, a centre with few persons in an arm counts less under ``overlap``.
WEIGHTS: dict[str, Callable[[Sizes], np.ndarray]] = {
    "precision": lambda centres: 1 / centres.variance,
    "overlap": lambda centres: centres.n_assigned * centres.n_control / (centres.n_assigned + centres.n_control),
    "persons": lambda centres: centres.n_persons,
    "centres": lambda centres: np.ones(len(centres.variance)),
}


def weights(name: str, centres: Sizes) -> np.ndarray:
    """Weights of the centres that sum to 1; names in ``WEIGHTS``."""
    w = WEIGHTS[name](centres)
    return w / w.sum()


def minimum_detectable(std_error: float, df: float, power: float, level: float) -> float:
    """Smallest true effect that a two-sided test finds with ``power``: (t_(1+level)/2 + t_power) std_error.

    Bloom 1995, with t of ``df`` degrees of freedom.
    """
    return float((t_ppf((1 + level) / 2, df) + t_ppf(power, df)) * std_error)
