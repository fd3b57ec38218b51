"""Variances clustered on person: a registry. Formulas and sources in docs/methods.md, section 3."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ipseval.regression import Fit

SATURATED = 1e-10  # an eigenvalue of I - H below this is zero: pseudo-inverse
SERIES_ERROR = 1e-14  # bound on what is cut off the series of (I - H)^(-1/2)
MOST_TERMS = 30  # of the series: it is used where the norm of H is below 0.33
BLOCK = 256  # persons: their K x K matrices are held at a time


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
    factor = G / (G - 1) * (N - 1) / (N - K) if G > 1 and N > K else np.nan
    B = fit.L @ fit.M
    return Variance(factor * B @ (fit.scores.T @ fit.scores) @ B.T, np.full(K, max(G - 1, 0), dtype=float))


def cr2(fit: Fit) -> Variance:
    """Bias-reduced: residuals of person i times A_i = (I - H_ii)^(-1/2), symmetric; Satterthwaite df a coefficient.

    Bell & McCaffrey 2002; df for an independent, homoskedastic working model (Imbens & Kolesar 2016; Pustejovsky &
    Tipton 2018). H_ii = Z_i M Z_i' has its range in the span of [1, D_i], which persons with the same observed
    periods share: the root is taken in that basis, not over the person's periods. Z is scaled so that M = I.

    With p_ik = A_i Z_i L_k and w_ik = Z_i'p_ik, the matrix G'G of coefficient k is diag(p_i'p_i) - w_i'w_j, so
    df_k = tr(G'G)^2 / tr((G'G)^2) needs only sums over persons.
    """
    K = len(fit.kept)
    half = np.linalg.cholesky(fit.M)
    V, trace, squares, cross = np.zeros((K, K)), np.zeros(K), np.zeros(K), np.zeros((K, K, K))
    for persons, periods in fit.sample.patterns(BLOCK):
        Z, e = _in_basis(fit, half, persons, periods)
        P = (fit.L @ half) @ (Z.transpose(0, 2, 1) @ inverse_root(Z @ Z.transpose(0, 2, 1)))  # p_ik in rows
        W = P @ Z
        u = (P @ e[:, :, None])[:, :, 0]
        V += u.T @ u
        lengths, shares = np.einsum("ikr,ikr->ik", P, P), np.einsum("ikj,ikj->ik", W, W)
        trace += (lengths - shares).sum(0)
        squares += (lengths * (lengths - 2 * shares)).sum(0)
        cross += W.transpose(1, 2, 0) @ W.transpose(1, 0, 2)
    squares += (cross**2).sum((1, 2))
    with np.errstate(divide="ignore", invalid="ignore"):
        return Variance(V, np.where(squares > 0, trace**2 / squares, np.nan))


def cr3(fit: Fit) -> Variance:
    """Jackknife over persons: (G-1)/G times the sum of squares of b without person i less b; t with G - 1 df.

    b - b_(i) = M Z_i'(I - H_ii)^(-1) e_i (MacKinnon, Nielsen & Webb 2023, J Econometrics 232:272). Engines differ by
    small-sample factors only: this one has none but (G-1)/G.
    """
    G, K = fit.n_persons, len(fit.kept)
    half = np.linalg.cholesky(fit.M)
    V = np.zeros((K, K))
    for persons, periods in fit.sample.patterns(BLOCK):
        Z, e = _in_basis(fit, half, persons, periods)
        root = inverse_root(Z @ Z.transpose(0, 2, 1))
        left_out = (root @ (root @ e[:, :, None])).transpose(0, 2, 1) @ Z @ (fit.L @ half).T
        V += left_out[:, 0].T @ left_out[:, 0]
    return Variance((G - 1) / G * V, np.full(K, max(G - 1, 0), dtype=float))


def _in_basis(fit: Fit, half: np.ndarray, persons: np.ndarray, periods: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Z_i (persons x r x K) and e_i (persons x r) in an orthonormal basis of the span of [1, D_i]."""
    D, p = fit.sample.D[periods], fit.sample.X.shape[1]
    U, s, V_t = np.linalg.svd(np.column_stack([np.ones(len(periods)), D]), full_matrices=False)
    used = s > s[0] * 1e-12
    Q = U[:, used]
    Z = np.einsum("r,ik->irk", Q.sum(0), fit.sample.X[persons] @ half[:p])
    Z += Q.T @ D @ half[p:]
    own = fit.scores[np.ix_(persons, np.r_[0, p : len(half)])]  # [1, D_i]'e_i
    return Z, own @ (V_t[used].T / s[used])


def inverse_root(H: np.ndarray) -> np.ndarray:
    """(I - H)^(-1/2) of symmetric matrices; zero where I - H is singular.

    By its binomial series where all eigenvalues are small, as they are when persons are many; else by eigenvalues.

    Parameters
    ----------
    H : float array, n x r x r
        Eigenvalues from 0 to 1.

    Returns
    -------
    float array, n x r x r
    """
    if H.shape[1] == 1:
        return 1 / np.sqrt(1 - H, where=1 - H > SATURATED, out=np.full_like(H, np.inf))
    largest = np.sqrt(np.einsum("irs,irs->i", H, H))  # Frobenius: no eigenvalue is above
    is_small = largest**MOST_TERMS < SERIES_ERROR * (1 - largest)
    root = np.empty_like(H)
    root[is_small] = _by_series(H[is_small], largest[is_small].max(initial=0))
    root[~is_small] = _by_eigenvalues(H[~is_small])
    return root


def _by_series(H: np.ndarray, largest: float) -> np.ndarray:
    """Sum of binom(2j, j) (H/4)^j by Horner's rule.

    All coefficients are at most 1, so what is cut off after m terms is below largest^m / (1 - largest).
    """
    n_terms = 1
    while largest**n_terms > SERIES_ERROR * (1 - largest):
        n_terms += 1
    identity = np.eye(H.shape[1])
    root = np.tile(identity, (len(H), 1, 1))
    for j in range(n_terms - 1, 0, -1):
        root = H @ root
        root *= 1 - 0.5 / j
        root += identity
    return root


def _by_eigenvalues(H: np.ndarray) -> np.ndarray:
    values, vectors = np.linalg.eigh(H)
    left = 1 - values
    root = np.where(left > SATURATED, 1 / np.sqrt(np.maximum(left, SATURATED)), 0)
    return (vectors * root[:, None, :]) @ vectors.transpose(0, 2, 1)


VARIANCES: dict[str, Callable[[Fit], Variance]] = {"cr1": cr1, "cr2": cr2, "cr3": cr3}
