"""Variances clustered on person: a registry. Formulas and sources in docs/methods.md, section 3."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np

from ipseval.estimation.leverage import alike
from ipseval.estimation.regression import Columns, Fit


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
    Tipton 2018). A_i is applied to vectors in the basis of :mod:`ipseval.estimation.leverage` and never formed
    where H_ii is small. The df cost more than the covariance and are counted when they are asked for.
    """
    V, transform = np.zeros((len(fit.kept),) * 2), _transform(fit.columns)
    for persons in alike(fit.columns):
        adjusted = persons.inverse_root_times(persons.residuals(fit.scores))
        scores = persons.scores(adjusted)[:, 0] @ transform.T
        V += scores.T @ scores
    return Variance(V, lambda chosen: _satterthwaite(fit.columns, tuple(chosen)))


def _transform(columns: Columns) -> np.ndarray:
    """Coefficients as given from those of columns scaled so that their Gram matrix is I, K x K."""
    return columns.L @ np.linalg.cholesky(columns.M)


@lru_cache(maxsize=1)  # as for leverage.alike
def _satterthwaite(columns: Columns, chosen: tuple[int, ...]) -> np.ndarray:
    """Degrees of freedom of the t of some coefficients under cr2; L is :func:`_transform`.

    With p_ik = A_i Z_i L_k and w_ik = Z_i'p_ik, the matrix G'G of coefficient k is diag(p_i'p_i) - w_i'w_j, so
    df_k = tr(G'G)^2 / tr((G'G)^2) needs only sums over persons.
    """
    k, K, L = len(chosen), len(columns.kept), _transform(columns)[list(chosen)]
    trace, squares, cross = np.zeros(k), np.zeros(k), np.zeros((k, K, K))
    for persons in (piece for group in alike(columns) for piece in group.pieces(k)):
        first, others = P = persons.inverse_root_times(persons.rows(L))
        W = persons.scores(P)
        lengths, shares = first**2 + np.einsum("ikr,ikr->ik", others, others), np.einsum("ikj,ikj->ik", W, W)
        trace += (lengths - shares).sum(0)
        squares += (lengths * (lengths - 2 * shares)).sum(0)
        cross += W.transpose(1, 2, 0) @ W.transpose(1, 0, 2)
    squares += (cross**2).sum((1, 2))
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(squares > 0, trace**2 / squares, np.nan)


def satterthwaite(fit: Fit, column: int) -> float:
    """Degrees of freedom of one coefficient as :func:`cr2` counts them: on how many persons its error rests.

    One where nothing is left to count.
    """
    found = float(_satterthwaite(fit.columns, (column,))[0])
    return found if np.isfinite(found) else 1.0


def cr3(fit: Fit) -> Variance:
    """Jackknife over persons: (G-1)/G times the sum of squares of b without person i less b; t with G - 1 df.

    b - b_(i) = M Z_i'(I - H_ii)^(-1) e_i (MacKinnon, Nielsen & Webb 2023, J Econometrics 232:272). Engines differ by
    small-sample factors only: this one has none but (G-1)/G.
    """
    G, V, transform = fit.n_persons, np.zeros((len(fit.kept),) * 2), _transform(fit.columns)
    for persons in alike(fit.columns):
        left_out = persons.scores(persons.inverse_times(persons.residuals(fit.scores)))[:, 0] @ transform.T
        V += left_out.T @ left_out
    return Variance((G - 1) / G * V, same_df(max(G - 1, 0)))


VARIANCES: dict[str, Callable[[Fit], Variance]] = {"cr1": cr1, "cr2": cr2, "cr3": cr3}
