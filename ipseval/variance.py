"""Variances clustered on person: a registry. Formulas and sources in docs/methods.md, section 3."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ipseval.regression import Fit

SATURATED = 1e-10  # an eigenvalue of I - H below this is zero: pseudo-inverse


@dataclass(frozen=True)
class Variance:
    """Variance of the coefficients.

    Parameters
    ----------
    covariance : float array, K x K
    df : float array, length K
        Degrees of freedom of each coefficient's t.
    """

    covariance: np.ndarray
    df: np.ndarray

    @property
    def std_error(self) -> np.ndarray:
        """Standard errors, length K."""
        return np.sqrt(np.maximum(np.diag(self.covariance), 0))


def cr1(fit: Fit) -> Variance:
    """Clustered on person with the factor G/(G-1) (N-1)/(N-K); t with G - 1 df. The published convention.

    Liang & Zeger 1986 with the small-sample factor of Stata, statsmodels and pyfixest.
    """
    G, N, K = fit.n_persons, fit.sample.n_obs, len(fit.kept)
    influence = fit.sample.scores(fit.e) @ fit.M @ fit.L.T
    factor = G / (G - 1) * (N - 1) / (N - K) if G > 1 and N > K else np.nan
    return Variance(factor * influence.T @ influence, np.full(K, max(G - 1, 0), dtype=float))


def cr2(fit: Fit) -> Variance:
    """Bias-reduced: residuals of person i times A_i = (I - H_ii)^(-1/2), symmetric; Satterthwaite df a coefficient.

    Bell & McCaffrey 2002; df for an independent, homoskedastic working model (Imbens & Kolesar 2016; Pustejovsky &
    Tipton 2018). H_ii = Z_i M Z_i' has its range in the span of [1, D_i], which persons with the same observed
    periods share: the root is taken in that basis Q, not over the person's periods.

    With p_ik = A_i Z_i M L_k and w_ik = Z_i'p_ik, the matrix G'G of coefficient k is diag(p_i'p_i) - w_i'M w_j, so
    df_k = tr(G'G)^2 / tr((G'G)^2) needs only sums over persons.
    """
    K = len(fit.kept)
    V, trace, squares, cross = np.zeros((K, K)), np.zeros(K), np.zeros(K), np.zeros((K, K, K))
    for persons, periods in fit.sample.patterns():
        Z, e = _in_basis(fit, persons, periods)
        P = _inverse_root(Z @ fit.M @ Z.transpose(0, 2, 1)) @ Z @ (fit.M @ fit.L.T)
        u = np.einsum("irk,ir->ik", P, e)
        V += u.T @ u
        W = Z.transpose(0, 2, 1) @ P  # persons x K (design) x K (coefficient)
        MW = np.einsum("jl,ilk->ijk", fit.M, W)
        lengths, quadratic = np.einsum("irk,irk->ik", P, P), np.einsum("ijk,ijk->ik", W, MW)
        trace += (lengths - quadratic).sum(0)
        squares += (lengths**2 - 2 * lengths * quadratic).sum(0)
        by_coefficient = W.transpose(2, 0, 1)
        cross += by_coefficient.transpose(0, 2, 1) @ by_coefficient
    squares += np.einsum("jl,klm,mn,knj->k", fit.M, cross, fit.M, cross, optimize=True)
    with np.errstate(divide="ignore", invalid="ignore"):
        return Variance(V, np.where(squares > 0, trace**2 / squares, np.nan))


def _in_basis(fit: Fit, persons: np.ndarray, periods: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Z_i (persons x r x K) and e_i (persons x r) in an orthonormal basis of the span of [1, D_i]."""
    D = fit.sample.D[periods]
    U, s, _ = np.linalg.svd(np.column_stack([np.ones(len(periods)), D]), full_matrices=False)
    Q = U[:, s > s[0] * 1e-12]
    constant = Q.sum(0)[:, None] * fit.sample.X[persons][:, None, :]
    varying = np.broadcast_to(Q.T @ D, (len(persons), Q.shape[1], D.shape[1]))
    return np.concatenate([constant, varying], axis=2), fit.e[np.ix_(persons, periods)] @ Q


def _inverse_root(H: np.ndarray) -> np.ndarray:
    """(I - H)^(-1/2) of symmetric matrices, by eigenvalues; zero where I - H is singular."""
    values, vectors = np.linalg.eigh(H)
    left = 1 - values
    root = np.where(left > SATURATED, 1 / np.sqrt(np.maximum(left, SATURATED)), 0)
    return (vectors * root[:, None, :]) @ vectors.transpose(0, 2, 1)


VARIANCES: dict[str, Callable[[Fit], Variance]] = {"cr1": cr1, "cr2": cr2}
