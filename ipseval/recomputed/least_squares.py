"""Least squares of person-months with variances clustered on person, from the rows themselves.

One QR decomposition of all rows; nothing is summed beforehand. In the basis Q of the columns the hat matrix of person i
is H_ii = Q_i Q_i'.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

import numpy as np

COLLINEAR, TIED = 1e-9, 1e-6  # as docs/methods.md, section 2, has them
SATURATED = 1e-10


class Numbers(NamedTuple):
    """An estimate and its standard error."""

    estimate: float
    std_error: float


@dataclass(frozen=True)
class Columns:
    """K columns of N person-months, none of which the others explain.

    Parameters
    ----------
    names : tuple of str, length K
    Z : float array, N x K
    person : int array, N
        Number of the person of each row, those of a person one after the other.
    basis : pair of arrays
        Q (N x K), and L (K x K) with b = L Q'y.
    tied : frozenset of str
        Columns of which one that was left out is a combination.
    """

    names: tuple[str, ...]
    Z: np.ndarray
    person: np.ndarray
    basis: tuple[np.ndarray, np.ndarray]
    tied: frozenset[str] = frozenset()
    _df: dict[int, float] = field(default_factory=dict)

    @cached_property
    def starts(self) -> np.ndarray:
        """First row of each person."""
        return np.flatnonzero(np.diff(self.person, prepend=-1))

    @property
    def n_persons(self) -> int:
        """G."""
        return len(self.starts)

    @property
    def factor(self) -> float:
        """G/(G-1) (N-1)/(N-K); missing where there is none."""
        G, (N, K) = self.n_persons, self.Z.shape
        return G / (G - 1) * (N - 1) / (N - K) if G > 1 and N > K else np.nan

    @cached_property
    def alike(self) -> list[np.ndarray]:
        """Rows of persons with as many months, each n x T."""
        length = np.diff(np.append(self.starts, len(self.person)))
        return [self.starts[length == T][:, None] + np.arange(T) for T in np.unique(length)]

    @cached_property
    def adjusted(self) -> list[np.ndarray]:
        """A_i Q_i of each person, A_i = (I - H_ii)^(-1/2), for :attr:`alike`; n x T x K."""
        Q, _ = self.basis
        return [_times_power(Q[rows], -0.5) for rows in self.alike]

    def satterthwaite(self, column: int) -> float:
        """Degrees of freedom of a coefficient under cr2: tr(P)^2 / tr(P^2), P = (diag p_i'p_i) - (w_i'w_j).

        p_i = A_i Q_i l and w_i = Q_i'p_i for the row l of L (Bell & McCaffrey 2002); missing where tr(P^2) is zero.
        """
        if column not in self._df:
            lengths, weights = self.moments(np.eye(len(self.names))[[column]])
            own, w = lengths[:, 0, 0], weights[:, 0]
            shares = (w**2).sum(axis=1)
            squares = (own * (own - 2 * shares)).sum() + ((w.T @ w) ** 2).sum()
            self._df[column] = float((own - shares).sum() ** 2 / squares) if squares > 0 else np.nan
        return self._df[column]

    def moments(self, C: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """p_is'p_it (G x q x q) and w_is (G x q x K) of restrictions C (q x K)."""
        Q, L = self.basis
        lengths, weights = [], []
        for adjusted, at in zip(self.adjusted, self.alike, strict=True):
            P = adjusted @ (C @ L).T
            lengths.append(np.einsum("nts,ntu->nsu", P, P))
            weights.append(np.einsum("ntk,nts->nsk", Q[at], P, optimize=True))
        return np.concatenate(lengths), np.concatenate(weights)


def _times_power(Q: np.ndarray, power: float) -> np.ndarray:
    """(I - Q_i Q_i')^power Q_i = Q_i (I - Q_i'Q_i)^power, n x T x K, by the smaller of the two matrices."""
    turned = Q.transpose(0, 2, 1)
    return Q @ _power(turned, power) if Q.shape[2] < Q.shape[1] else _power(Q, power) @ Q


def _power(Q: np.ndarray, power: float) -> np.ndarray:
    """(I - Q_i Q_i')^power by eigenvalues, n x T x T; directions in which nothing is left are left out."""
    T = Q.shape[1]
    if T == 1:
        left = 1 - (Q[:, 0] ** 2).sum(axis=1)
        return np.where(left > SATURATED, np.maximum(left, SATURATED) ** power, 0.0)[:, None, None]
    values, vectors = np.linalg.eigh(np.eye(T) - Q @ Q.transpose(0, 2, 1))
    powers = np.where(values > SATURATED, np.maximum(values, SATURATED) ** power, 0.0)
    return (vectors * powers[:, None, :]) @ vectors.transpose(0, 2, 1)


@dataclass(frozen=True)
class LeastSquares:
    """An outcome of N person-months on some columns."""

    columns: Columns
    y: np.ndarray

    @cached_property
    def b(self) -> np.ndarray:
        """Coefficients, length K."""
        Q, L = self.columns.basis
        return L @ (Q.T @ self.y)

    @cached_property
    def residuals(self) -> np.ndarray:
        """Of each row."""
        Q, _ = self.columns.basis
        return self.y - Q @ (Q.T @ self.y)

    def scores(self, variance: str) -> np.ndarray:
        """L Q_i'e_i of each person, with e_i adjusted as cr1, cr2 or cr3 asks for; G x K."""
        (Q, L), own, e = self.columns.basis, self.columns, self.residuals
        if variance == "cr1":
            return np.sqrt(own.factor) * np.add.reduceat(Q * e[:, None], own.starts, axis=0) @ L.T
        if variance == "cr2":
            parts = [np.einsum("ntk,nt->nk", AQ, e[rows]) for AQ, rows in zip(own.adjusted, own.alike, strict=True)]
            return np.concatenate(parts) @ L.T
        parts = [np.einsum("ntk,nt->nk", _times_power(Q[r], -1.0), e[r]) for r in own.alike]
        return np.sqrt((own.n_persons - 1) / own.n_persons) * np.concatenate(parts) @ L.T

    def covariance(self, variance: str) -> np.ndarray:
        """K x K."""
        scores = self.scores(variance)
        return scores.T @ scores

    def std_error(self, variance: str) -> np.ndarray:
        """Length K."""
        return np.sqrt((self.scores(variance) ** 2).sum(axis=0))

    def df(self, variance: str, column: int) -> float:
        """Degrees of freedom of a coefficient: those of Satterthwaite under cr2, else G - 1."""
        return self.columns.satterthwaite(column) if variance == "cr2" else float(max(self.columns.n_persons - 1, 0))


def columns(given: Mapping[str, np.ndarray], person: np.ndarray, last: Collection[str]) -> Columns:
    """Columns that earlier ones do not explain, ``last`` taken last.

    Parameters
    ----------
    given : mapping
        Name -> float array of length N.
    person : int array, length N
        Rows of a person stand together.
    last : collection of str
        Columns of assignment: they give way to the others.
    """
    names = [name for name in given if name not in last] + [name for name in given if name in last]
    Z = np.column_stack([given[name] for name in names]) if names else np.zeros((len(person), 0))
    size = np.linalg.norm(Z, axis=0)
    kept, left = np.flatnonzero(size > 0).tolist(), list[int]()
    while True:
        Q, R = np.linalg.qr(Z[:, kept] / size[kept])
        short = np.flatnonzero(np.diag(R)[: len(kept)] ** 2 <= COLLINEAR)
        if not len(short) and len(R) == len(kept):
            break
        left.append(kept.pop(int(short[0]) if len(short) else -1))
    tied: set[str] = set()
    for j in left:
        b = np.linalg.solve(R, Q.T @ (Z[:, j] / size[j]))
        tied |= {names[kept[k]] for k in np.flatnonzero(np.abs(b) > TIED)}
    L = np.linalg.solve(R, np.eye(len(R))) / size[kept][:, None]
    return Columns(tuple(names[j] for j in kept), Z[:, kept], person, (Q, L), frozenset(tied))
