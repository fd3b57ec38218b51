"""The leverage H_ii = Z_i Z_i' of persons, Z scaled so that its Gram matrix is I, and (I - H_ii)^(-1/2).

H_ii has its range in the span of [1, D_i], which persons with the same observed periods share. In an orthonormal basis
of that span whose first vector is constant, only the first row of Z_i is the person's own (covariates are constant
over periods); the others are shared, and the basis is turned so that they are orthogonal. H_ii is then a diagonal
matrix with a border, so that equations in I - t H_ii are solved without any matrix of a person's own.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache

import numpy as np

from ipseval.estimation.regression import Columns

SATURATED = 1e-10  # an eigenvalue of I - H below this is zero: pseudo-inverse
ERROR = 1e-16  # what is left out of (I - H)^(-1/2), as a share of it
MOST = 0.9  # bound on the eigenvalues of H: persons above have the eigenvalues of their H computed
CHUNK = 150_000  # numbers in an array that is worked on at a time: it stays in the processor's cache

Vectors = tuple[np.ndarray, np.ndarray]  # of each person: first coordinate (n x m), the others (n or 1 x m x r - 1)


@dataclass(frozen=True)
class Alike:
    """n persons with the same observed periods; Z_i is r x K in their basis.

    Parameters
    ----------
    z : float array, n x K
        First row of each Z_i.
    B : float array, (r - 1) x K
        The other rows, the same for all; BB' is diagonal.
    persons : int array, length n
        Their rows of the sample.
    turn : float array, K x r
        Residuals in the basis from the person's scores.
    """

    z: np.ndarray
    B: np.ndarray
    persons: np.ndarray
    turn: np.ndarray

    def of(self, chosen: np.ndarray | slice) -> "Alike":
        """Some of the persons."""
        return replace(self, z=self.z[chosen], persons=self.persons[chosen])

    def pieces(self, m: int) -> Iterator["Alike"]:
        """Some persons at a time, so that an array of persons x m x K stays in the processor's cache."""
        most = max(1, CHUNK // (m * self.z.shape[1]))
        return (self.of(slice(start, start + most)) for start in range(0, len(self.z), most))

    def residuals(self, scores: np.ndarray) -> Vectors:
        """e_i, one vector a person, from the scores of the whole sample."""
        e = scores[self.persons] @ self.turn
        return e[:, :1], e[:, None, 1:]

    def rows(self, L: np.ndarray) -> Vectors:
        """Z_i L', a vector for each row of L (m x K)."""
        return self.z @ L.T, (L @ self.B.T)[None]

    def scores(self, vectors: Vectors) -> np.ndarray:
        """Z_i' of vectors, n x m x K."""
        first, others = vectors
        found = first[:, :, None] * self.z[:, None]
        found += (others.reshape(first.size, -1) @ self.B).reshape(found.shape)
        return found

    @cached_property
    def corner(self) -> np.ndarray:
        """First entry of H_ii, length n."""
        return np.einsum("ik,ik->i", self.z, self.z)

    @cached_property
    def border(self) -> np.ndarray:
        """The others of its first row, n x (r - 1)."""
        return self.z @ self.B.T

    @cached_property
    def diagonal(self) -> np.ndarray:
        """The rest of its diagonal, length r - 1."""
        return np.einsum("rk,rk->r", self.B, self.B)

    @cached_property
    def largest(self) -> np.ndarray:
        """Bound on the eigenvalues of H_ii, length n: its Frobenius norm."""
        border = np.einsum("ir,ir->i", self.border, self.border)
        return np.sqrt(self.corner**2 + 2 * border + self.diagonal @ self.diagonal)

    @property
    def H(self) -> np.ndarray:
        """H_ii, n x r x r."""
        H = np.tile(np.diag(np.append(0.0, self.diagonal)), (len(self.z), 1, 1))
        H[:, 0, 0], H[:, 0, 1:], H[:, 1:, 0] = self.corner, self.border, self.border
        return H

    def inverse_root_times(self, vectors: Vectors) -> Vectors:
        """(I - H_ii)^(-1/2) of vectors; zero in directions in which I - H_ii is singular.

        (1 - h)^(-1/2) is the mean of 1 / (1 - th) over t in (0, 1) with density 1 / (pi sqrt(t (1 - t))), by the rule
        of Gauss and Chebyshev a mean over a few t: see :func:`nodes`.
        """
        largest = self.largest.max()
        if largest > MOST:
            return _times(vectors, inverse_root(self.H))
        return self._mean_of_solutions(nodes(largest), vectors)

    def inverse_times(self, vectors: Vectors) -> Vectors:
        """(I - H_ii)^(-1) of vectors; zero in directions in which I - H_ii is singular."""
        if self.largest.max() > MOST:
            root = inverse_root(self.H)
            return _times(vectors, root @ root)
        return self._mean_of_solutions(np.ones(1), vectors)

    def _mean_of_solutions(self, ts: np.ndarray, vectors: Vectors) -> Vectors:
        """Mean over t of (I - t H_ii)^(-1) of vectors; the others of a solution follow from its first coordinate."""
        first, others = vectors
        D = 1 / (1 - np.outer(ts, self.diagonal))
        found_first, found = np.zeros(first.shape), others * D.mean(axis=0)
        found = np.tile(found, (len(first) // len(found), 1, 1))
        for t, d in zip(ts, D, strict=True):
            border = self.border * (t * d)
            left = 1 - t * self.corner - np.einsum("ir,ir->i", border, self.border) * t
            shared = border @ others[0].T if len(others) == 1 else np.einsum("ir,imr->im", border, others)
            own = (first + shared) / (left * len(ts))[:, None]
            found_first += own
            found += own[:, :, None] * border[:, None]
        return found_first, found


@lru_cache(maxsize=1)  # outcomes on the same columns are fitted one after the other
def alike(columns: Columns) -> tuple[Alike, ...]:
    """All persons, some of those with the same observed periods at a time; those with large leverage apart."""
    sample = columns.sample
    half, p, basis, groups = np.linalg.cholesky(columns.M), sample.X.shape[1], {}, []
    constant, sums = sample.X @ half[:p], np.eye(len(half))[:, np.r_[0, p : len(half)]]  # scores to [1, D_i]'e_i
    for persons, periods in sample.patterns(max(1, CHUNK // len(half))):
        key = periods.tobytes()
        if key not in basis:
            basis = {key: _basis(sample.D[periods], half[p:])}
        length, C, own = basis[key]
        found = Alike(length * constant[persons] + C[0], C[1:], persons, sums @ own)
        is_small = found.largest <= MOST
        groups += [found] if is_small.all() else [found.of(own) for own in (is_small, ~is_small) if own.any()]
    return tuple(groups)


def _basis(D: np.ndarray, half: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
    """An orthonormal basis of the span of [1, D]: 1's only coordinate, D half (r x K), and e from [1, D]'e."""
    U, s, V_t = np.linalg.svd(np.column_stack([np.ones(len(D)), D]), full_matrices=False)
    used = s > s[0] * 1e-12
    one, C = U[:, used].sum(0), U[:, used].T @ D @ half
    turn = np.linalg.qr(one[:, None], mode="complete")[0]
    others = turn[:, 1:].T @ C
    turn[:, 1:] = turn[:, 1:] @ np.linalg.eigh(others @ others.T)[1]
    return float(one @ turn[:, 0]), turn.T @ C, V_t[used].T / s[used] @ turn


def nodes(largest: float) -> np.ndarray:
    """Where (1 - th)^(-1) is averaged for (1 - h)^(-1/2), 0 <= h <= ``largest`` < 1, with an error below ``ERROR``.

    m nodes t_j = cos^2((2j - 1) pi / 4m) give 1 + h/2 + ... exactly up to h^(2m - 1); the error is 2 q^(2m) of the
    value and less, q = (1 - s) / (1 + s) with s = sqrt(1 - h) (Chebyshev's series of a pole).
    """
    s = np.sqrt(1 - largest)
    q = max((1 - s) / (1 + s), ERROR)
    m = max(1, int(np.ceil(np.log(ERROR) / np.log(q) / 2)))
    return np.cos((2 * np.arange(m) + 1) * np.pi / (4 * m)) ** 2


def inverse_root(H: np.ndarray) -> np.ndarray:
    """(I - H)^(-1/2) of symmetric matrices (n x r x r), eigenvalues from 0 to 1; zero where I - H is singular."""
    values, vectors = np.linalg.eigh(H)
    left = 1 - values
    root = np.where(left > SATURATED, 1 / np.sqrt(np.maximum(left, SATURATED)), 0)
    return (vectors * root[:, None, :]) @ vectors.transpose(0, 2, 1)


def _times(vectors: Vectors, matrices: np.ndarray) -> Vectors:
    first, others = vectors
    both = np.concatenate([first[:, :, None], np.broadcast_to(others, (*first.shape, others.shape[2]))], axis=2)
    found = both @ matrices
    return found[:, :, 0], found[:, :, 1:]
