"""Variances clustered on person: a registry. Formulas and sources in docs/methods.md, section 3."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, partial

import numpy as np

from ipseval.regression import Fit

SATURATED = 1e-10  # an eigenvalue of I - H below this is zero: pseudo-inverse
SERIES_ERROR = 1e-14  # bound on what is cut off the series of (I - H)^(-1/2)
MOST_TERMS = 30  # of the series: it is used where the norm of H is below 0.33
CHUNK = 150_000  # numbers in an array of persons x periods x coefficients: it stays in the processor's cache


@dataclass(frozen=True)
class Variance:
    """Variance of the coefficients.

    Parameters
    ----------
    covariance : float array, K x K
    df_of : function
        Positions of coefficients -> degrees of freedom of their t.
    """

    covariance: np.ndarray
    df_of: Callable[[Sequence[int]], np.ndarray]

    @cached_property
    def df(self) -> np.ndarray:
        """Degrees of freedom of each coefficient's t, length K; under cr2 they cost more than the covariance."""
        return self.df_of(range(len(self.covariance)))

    @property
    def std_error(self) -> np.ndarray:
        """Standard errors, length K."""
        return np.sqrt(np.maximum(np.diag(self.covariance), 0))


def same_df(df: float) -> Callable[[Sequence[int]], np.ndarray]:
    """The same degrees of freedom for every coefficient."""
    return lambda columns: np.full(len(columns), df)


def cr1(fit: Fit) -> Variance:
    """Clustered on person with the factor G/(G-1) (N-1)/(N-K); t with G - 1 df. The published convention.

    Liang & Zeger 1986 with the small-sample factor of Stata, statsmodels and pyfixest.
    """
    G, N, K = fit.n_persons, fit.sample.n_obs, len(fit.kept)
    factor = G / (G - 1) * (N - 1) / (N - K) if G > 1 and N > K else np.nan
    B = fit.L @ fit.M
    return Variance(factor * B @ (fit.scores.T @ fit.scores) @ B.T, same_df(max(G - 1, 0)))


def cr2(fit: Fit) -> Variance:
    """Bias-reduced: residuals of person i times A_i = (I - H_ii)^(-1/2), symmetric; Satterthwaite df a coefficient.

    Bell & McCaffrey 2002; df for an independent, homoskedastic working model (Imbens & Kolesar 2016; Pustejovsky &
    Tipton 2018). H_ii = Z_i M Z_i' has its range in the span of [1, D_i], which persons with the same observed
    periods share: the root is taken in that basis, not over the person's periods. Z is scaled so that M = I.
    The df cost more than the covariance and are counted when they are asked for.
    """
    V, transform, groups = np.zeros((len(fit.kept),) * 2), fit.L @ np.linalg.cholesky(fit.M), tuple(_groups(fit))
    for alike in groups:
        scores = alike.scores(alike.inverse_root_times(alike.e[:, None]))[:, 0] @ transform.T
        V += scores.T @ scores
    return Variance(V, partial(_satterthwaite, groups, transform))


def _satterthwaite(groups: Sequence["_Alike"], transform: np.ndarray, columns: Sequence[int]) -> np.ndarray:
    """Degrees of freedom of the t of some coefficients under cr2; ``transform`` (L): as given from those of Z.

    With p_ik = A_i Z_i L_k and w_ik = Z_i'p_ik, the matrix G'G of coefficient k is diag(p_i'p_i) - w_i'w_j, so
    df_k = tr(G'G)^2 / tr((G'G)^2) needs only sums over persons.
    """
    k, K, L = len(columns), len(transform), transform[list(columns)]
    trace, squares, cross = np.zeros(k), np.zeros(k), np.zeros((k, K, K))
    for alike in groups:
        P = alike.inverse_root_times(alike.rows(L))
        W = alike.scores(P)
        lengths, shares = np.einsum("ikr,ikr->ik", P, P), np.einsum("ikj,ikj->ik", W, W)
        trace += (lengths - shares).sum(0)
        squares += (lengths * (lengths - 2 * shares)).sum(0)
        cross += W.transpose(1, 2, 0) @ W.transpose(1, 0, 2)
    squares += (cross**2).sum((1, 2))
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(squares > 0, trace**2 / squares, np.nan)


def cr3(fit: Fit) -> Variance:
    """Jackknife over persons: (G-1)/G times the sum of squares of b without person i less b; t with G - 1 df.

    b - b_(i) = M Z_i'(I - H_ii)^(-1) e_i (MacKinnon, Nielsen & Webb 2023, J Econometrics 232:272). Engines differ by
    small-sample factors only: this one has none but (G-1)/G.
    """
    G, V, transform = fit.n_persons, np.zeros((len(fit.kept),) * 2), fit.L @ np.linalg.cholesky(fit.M)
    for alike in _groups(fit):
        twice = alike.inverse_root_times(alike.inverse_root_times(alike.e[:, None]))
        left_out = alike.scores(twice)[:, 0] @ transform.T
        V += left_out.T @ left_out
    return Variance((G - 1) / G * V, same_df(max(G - 1, 0)))


def _groups(fit: Fit) -> Iterator["_Alike"]:
    """All persons, some of those with the same observed periods at a time."""
    half, p, basis = np.linalg.cholesky(fit.M), fit.sample.X.shape[1], {}
    most = max(1, CHUNK // (len(half) * (1 + fit.sample.D.shape[1])))
    for persons, periods in fit.sample.patterns(most):
        key = periods.tobytes()
        if key not in basis:
            basis = {key: _basis(fit.sample.D[periods], half[p:])}
        one, C, own = basis[key]
        v = fit.sample.X[persons] @ half[:p]
        e = fit.scores[np.ix_(persons, np.r_[0, p : len(half)])] @ own  # from [1, D_i]'e_i
        yield _Alike(one, C, v, e)


def _basis(D: np.ndarray, half: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of the span of [1, D], orthonormal, with CC' diagonal: 1 (r), C = D half (r x K), and of any e from [1, D]'e."""
    U, s, V_t = np.linalg.svd(np.column_stack([np.ones(len(D)), D]), full_matrices=False)
    used = s > s[0] * 1e-12
    C = U[:, used].T @ D @ half
    turn = np.linalg.eigh(C @ C.T)[1]
    return U[:, used].sum(0) @ turn, turn.T @ C, V_t[used].T / s[used] @ turn


@dataclass(frozen=True)
class _Alike:
    """n persons with the same observed periods: Z_i = 1 v_i' + C in a basis of r vectors in which CC' is diagonal.

    H_ii = Z_i Z_i' is then diagonal but for three products of vectors, so that no K x K or r x r matrix of a person is
    needed unless an eigenvalue is large.

    Parameters
    ----------
    one : float array, length r
    C : float array, r x K
    v : float array, n x K
    e : float array, n x r
        Residuals.
    """

    one: np.ndarray
    C: np.ndarray
    v: np.ndarray
    e: np.ndarray

    @cached_property
    def g(self) -> np.ndarray:
        """C v_i, n x r: H_ii = CC' + 1 g' + g 1' + a 11'."""
        return self.v @ self.C.T

    @cached_property
    def a(self) -> np.ndarray:
        """v_i'v_i, length n."""
        return np.einsum("ik,ik->i", self.v, self.v)

    @cached_property
    def diagonal(self) -> np.ndarray:
        """Of CC', length r."""
        return np.einsum("rk,rk->r", self.C, self.C)

    def rows(self, L: np.ndarray) -> np.ndarray:
        """Z_i L', n x m x r, for L m x K."""
        return (self.v @ L.T)[:, :, None] * self.one + L @ self.C.T

    def scores(self, values: np.ndarray) -> np.ndarray:
        """Z_i' of vectors of each person (n x m x r), n x m x K."""
        found = _times(values, self.C)
        found += _times(values, self.one)[:, :, None] * self.v[:, None]
        return found

    @property
    def H(self) -> np.ndarray:
        """H_ii, n x r x r."""
        cross = self.g[:, :, None] * self.one
        both = self.a[:, None, None] * np.outer(self.one, self.one)
        return np.diag(self.diagonal) + cross + cross.transpose(0, 2, 1) + both

    def inverse_root_times(self, values: np.ndarray) -> np.ndarray:
        """(I - H_ii)^(-1/2) of vectors of each person, n x m x r; zero in directions where I - H_ii is singular.

        By the binomial series on the vectors themselves where they are few and all eigenvalues are small.
        """
        largest = self.largest
        if values.shape[1] > values.shape[2] or not _is_small(largest).all():
            return values @ inverse_root(self.H)
        found = values
        for j in range(_n_terms(largest.max()) - 1, 0, -1):
            found = self._times_h(found, 1 - 0.5 / j)
            found += values
        return found

    @cached_property
    def largest(self) -> np.ndarray:
        """Bound on the eigenvalues of H_ii, length n: the root of tr(H_ii^2)."""
        one, a, d = self.one, self.a, self.diagonal
        along, length = self.g @ one, one @ one
        own = d @ d + 2 * a * (d @ one**2) + 4 * self.g @ (d * one)
        return np.sqrt(own + 2 * along**2 + 2 * length * (self.g**2).sum(1) + a * length * (4 * along + a * length))

    def _times_h(self, values: np.ndarray, scale: float) -> np.ndarray:
        """``scale`` H_ii of vectors of each person, n x m x r."""
        along = scale * _times(values, self.one)
        across = scale * np.einsum("imr,ir->im", values, self.g) + self.a[:, None] * along
        found = values * (scale * self.diagonal)
        found += along[:, :, None] * self.g[:, None]
        found += across[:, :, None] * self.one
        return found


def _times(values: np.ndarray, right: np.ndarray) -> np.ndarray:
    """``values @ right`` as one product: n x m x r times r (x k)."""
    return (values.reshape(-1, values.shape[2]) @ right).reshape(*values.shape[:2], *right.shape[1:])


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
    is_small = _is_small(largest)
    root = np.empty_like(H)
    root[is_small] = _by_series(H[is_small], largest[is_small].max(initial=0))
    root[~is_small] = _by_eigenvalues(H[~is_small])
    return root


def _is_small(largest: np.ndarray) -> np.ndarray:
    """Whether the series is used where no eigenvalue is above ``largest``."""
    return largest**MOST_TERMS < SERIES_ERROR * (1 - largest)


def _by_series(H: np.ndarray, largest: float) -> np.ndarray:
    """Sum of binom(2j, j) (H/4)^j by Horner's rule."""
    identity = np.eye(H.shape[1])
    root = np.tile(identity, (len(H), 1, 1))
    for j in range(_n_terms(largest) - 1, 0, -1):
        root = H @ root
        root *= 1 - 0.5 / j
        root += identity
    return root


def _n_terms(largest: float) -> int:
    """Terms of the series: its coefficients are at most 1, so so those after m are below largest^m / (1 - largest)."""
    n_terms = 1
    while largest**n_terms > SERIES_ERROR * (1 - largest):
        n_terms += 1
    return n_terms


def _by_eigenvalues(H: np.ndarray) -> np.ndarray:
    values, vectors = np.linalg.eigh(H)
    left = 1 - values
    root = np.where(left > SATURATED, 1 / np.sqrt(np.maximum(left, SATURATED)), 0)
    return (vectors * root[:, None, :]) @ vectors.transpose(0, 2, 1)


VARIANCES: dict[str, Callable[[Fit], Variance]] = {"cr1": cr1, "cr2": cr2, "cr3": cr3}
