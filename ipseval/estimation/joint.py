"""Joint tests: Wald tests of linear hypotheses on one regression or on several independent ones; a registry.

The hypothesis is sum over regressions of C_r b_r = 0 with q rows. One regression is the usual case; regressions within
centres share no person, so that their coefficients are independent and the sum of their parts is tested.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from ipseval.estimation.distributions import f_sf
from ipseval.estimation.regression import Fit
from ipseval.estimation.variance import VARIANCES

BLOCK = 512  # persons whose K x K matrices are in memory at a time
SATURATED = 1e-10  # an eigenvalue of I - H below this is zero: pseudo-inverse
SERIES_BELOW = 0.5  # of |H_ii|: above are at most 2K persons, who get eigenvalues
SERIES_ERROR = 1e-15
LARGEST_HTZ = 4000  # different rows of C times K: moments are a square matrix of this size; beyond there is no HTZ


@dataclass(frozen=True)
class Part:
    """A regression and its columns of the hypothesis.

    Parameters
    ----------
    fit : Fit
    C : float array, q x K
        One row a restriction, one column a coefficient in the order of ``fit.b``.
    """

    fit: Fit
    C: np.ndarray


@dataclass(frozen=True)
class Wald:
    """A joint test; missing where the reference distribution does not exist.

    Parameters
    ----------
    f : float
        Statistic, compared with F(df1, df2).
    df1, df2 : float
    p_value : float
    """

    f: float
    df1: int
    df2: float
    p_value: float


def equal_effects(n_coefficients: int, columns: Sequence[int]) -> np.ndarray:
    """C of "these coefficients are equal": each against the first, (len(columns) - 1) x K."""
    C = np.zeros((len(columns) - 1, n_coefficients))
    C[:, columns[0]] = -1.0
    C[np.arange(len(columns) - 1), list(columns[1:])] = 1.0
    return C


def covariance(parts: Sequence[Part], variance: str) -> np.ndarray:
    """C V C', q x q, under a variance of the registry."""
    return np.sum([part.C @ VARIANCES[variance](part.fit).covariance @ part.C.T for part in parts], axis=0)


def quadratic(parts: Sequence[Part], variance: str) -> float:
    """Wald statistic Q = (Cb)'(C V C')^(-1) Cb; missing when C V C' is singular."""
    b, V = np.sum([part.C @ part.fit.b for part in parts], axis=0), covariance(parts, variance)
    return float(b @ np.linalg.solve(V, b)) if np.linalg.matrix_rank(V) == len(b) else np.nan


def contrast_error(parts: Sequence[Part], variance: str) -> tuple[float, float]:
    """Standard error and df of one restriction.

    A regression's part has the df of its variance (Satterthwaite under cr2, else G - 1); parts are combined by
    Satterthwaite's (sum v)^2 / sum(v^2 / df).
    """
    v = np.array([covariance([part], variance)[0, 0] for part in parts])
    df = [degrees_of_freedom([part]) if variance == "cr2" else part.fit.n_persons - 1.0 for part in parts]
    return float(np.sqrt(v.sum())), float(v.sum() ** 2 / (v**2 / np.array(df)).sum())


def f_cr1(parts: Sequence[Part]) -> Wald:
    """Q / q under cr1 against F(q, G - r), with G persons in r regressions; r = 1 is the convention of Stata."""
    q = len(parts[0].C)
    return _wald(quadratic(parts, "cr1") / q, q, float(sum(part.fit.n_persons - 1 for part in parts)))


def htz(parts: Sequence[Part]) -> Wald:
    """Approximate Hotelling's T^2 on cr2: (eta - q + 1) / (eta q) Q against F(q, eta - q + 1).

    eta = q (q + 1) / sum_st Var(d_st), where D = Omega^(-1/2) C V C' Omega^(-1/2), Omega = E(C V C'), under an
    independent, homoskedastic working model (Pustejovsky & Tipton 2018, section 3.2, "HTZ"). For q = 1 it is the
    t-test with Satterthwaite df, for independent means Zhang's (2012) test.
    """
    q = len(parts[0].C)
    eta = degrees_of_freedom(parts)
    return _wald(quadratic(parts, "cr2") * (eta - q + 1) / (eta * q), q, eta - q + 1)


def degrees_of_freedom(parts: Sequence[Part]) -> float:
    """The eta of HTZ; for one restriction the Satterthwaite df of its t."""
    q = len(parts[0].C)
    if max(_distinct(part.C)[1].size for part in parts) > LARGEST_HTZ:
        return float("nan")
    moments = [_moments(part) for part in parts]
    omega = np.sum([m.P @ (m.L - m.R).sum(0) @ m.P.T for m in moments], axis=0)
    values = np.linalg.eigvalsh(omega)
    if values[0] <= 1e-12 * values[-1]:
        return float("nan")
    inverse = np.linalg.inv(omega)
    return float(q * (q + 1) / sum(m.total_variance(inverse) for m in moments))


@dataclass(frozen=True)
class _Moments:
    """What the moments of C V C' need: g_is'g_jt = [i = j] L_i - U_i U_j', with g_is the person's share of row s.

    C = P C' with r rows of C': a centre's own regression has one, in however many restrictions it stands. P is q x r,
    L and R (R_i = U_i U_i') are n x r x r; S = sum_i vec(U_i) vec(U_i)' is r x K x r x K.
    """

    P: np.ndarray
    L: np.ndarray
    R: np.ndarray
    S: np.ndarray

    def total_variance(self, inverse: np.ndarray) -> float:
        """sum_st Var(d_st) = sum_ij tr(P_ij)^2 + tr(P_ij P_ij) with P_ij = G (g_is'g_jt)_st, G = P' Omega^(-1) P."""
        G = self.P.T @ inverse @ self.P
        S, own = np.einsum("su,uavb,vt->satb", G, self.S, G, optimize=True), self.L - self.R
        between = (S * self.S).sum() + np.einsum("satb,sbta->", S, self.S, optimize=True)
        return float(between + (_squares(G @ own) - _squares(G @ self.R)).sum())


def _squares(P: np.ndarray) -> np.ndarray:
    """tr(P_i)^2 + tr(P_i P_i)."""
    return np.trace(P, axis1=1, axis2=2) ** 2 + np.einsum("ist,its->i", P, P)


def _moments(part: Part) -> _Moments:
    """Moments of the working model, some persons at a time.

    With M = hh', N_i = h'Z_i'Z_i h has the eigenvalues of H_ii, and A_i Z_i h = Z_i h (I - N_i)^(-1/2): only the
    Gram matrix of a person's rows is needed, never the rows. B_i = C L h (I - N_i)^(-1/2), U_i = B_i N_i and
    L_i = U_i B_i'.
    """
    P, C = _distinct(part.C)
    sample, n, q, K = part.fit.sample, part.fit.n_persons, *C.shape
    h = np.linalg.cholesky(part.fit.M)
    L, R, S = np.empty((n, q, q)), np.empty((n, q, q)), np.zeros((q * K, q * K))
    for persons, periods in sample.patterns(BLOCK):
        x, D = sample.X[persons] @ h[: sample.X.shape[1]], sample.D[periods] @ h[sample.X.shape[1] :]
        cross = x[:, :, None] * D.sum(0)
        N = len(periods) * x[:, :, None] * x[:, None, :] + cross + cross.transpose(0, 2, 1) + D.T @ D
        B = _times_inverse_root(C @ part.fit.L @ h, N)
        U = B @ N
        L[persons], R[persons] = U @ B.transpose(0, 2, 1), U @ U.transpose(0, 2, 1)
        flat = U.reshape(len(persons), q * K)
        S += flat.T @ flat
    return _Moments(P, L, R, S.reshape(q, K, q, K))


def _distinct(C: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The different rows of C that are not zero, r x K, and where they stand: C = P C', P is q x r."""
    rows, at = np.unique(C, axis=0, return_inverse=True)
    is_used = rows.any(axis=1)
    return np.eye(len(rows))[at][:, is_used], rows[is_used]


def _times_inverse_root(rows: np.ndarray, N: np.ndarray) -> np.ndarray:
    """``rows`` (I - N_i)^(-1/2), n x q x K: by the binomial series where N_i is small, else by eigenvalues."""
    size = np.sqrt((N**2).sum((1, 2)))  # Frobenius: no eigenvalue is above
    is_small = size < SERIES_BELOW
    found = np.empty((len(N), *rows.shape))
    largest = max(float(size[is_small].max(initial=0)), 1e-3)
    n_terms = int(np.ceil(np.log(SERIES_ERROR * (1 - largest)) / np.log(largest)))  # coefficients are below 1
    small = N if is_small.all() else N[is_small]
    series = np.broadcast_to(rows, (len(small), *rows.shape))
    for j in range(n_terms - 1, 0, -1):
        series = rows + (1 - 0.5 / j) * (series @ small)
    found[is_small] = series
    values, vectors = np.linalg.eigh(N[~is_small])
    left = 1 - values
    scale = np.where(left > SATURATED, 1 / np.sqrt(np.maximum(left, SATURATED)), 0)
    found[~is_small] = ((rows @ vectors) * scale[:, None, :]) @ vectors.transpose(0, 2, 1)
    return found


def _wald(f: float, df1: int, df2: float) -> Wald:
    if not (np.isfinite(f) and df2 > 0):
        return Wald(np.nan, df1, np.nan, np.nan)
    return Wald(float(f), df1, float(df2), float(f_sf(f, df1, df2)))


JOINT_TESTS: dict[str, Callable[[Sequence[Part]], Wald]] = {"cr1": f_cr1, "htz": htz}
