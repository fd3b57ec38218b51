"""Differences of mean probabilities by a logit of person-months, one row each."""

import warnings
from collections.abc import Sequence

import numpy as np

from ipseval.recomputed.least_squares import LeastSquares, Numbers

SEPARATED = 1e-8
STEPS, CONVERGED = 60, 1e-12


def risk_differences(fit: LeastSquares, terms: Sequence[str]) -> tuple[str, dict[str, Numbers]]:
    """Mean probability with everybody in an arm less that with everybody in the reference arm, and its error.

    Newton's steps on the rows themselves; errors by the delta method from scores summed over persons.

    Parameters
    ----------
    fit : LeastSquares
        Of the same columns and rows.
    terms : sequence of str
        Columns of the arms.

    Returns
    -------
    str
        ``separated`` where the likelihood has no maximum, else empty.
    dict
        Term -> difference and its standard error.
    """
    own, y = fit.columns, fit.y
    Z, (N, K) = own.Z, own.Z.shape
    moved = [own.names.index(term) for term in terms if term in own.names]
    if not moved or own.n_persons < 2 or N <= K:
        return "separated", {}
    b, step = np.zeros(K), np.full(K, np.inf)
    with warnings.catch_warnings(), np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        warnings.simplefilter("ignore")
        for _ in range(STEPS):
            mu = 1 / (1 + np.exp(-Z @ b))
            try:
                step = np.linalg.solve((Z.T * (mu * (1 - mu))) @ Z, Z.T @ (y - mu))
            except np.linalg.LinAlgError:
                return "separated", {}
            b = b + step
            if np.abs(step * np.abs(Z).max(axis=0)).max() < CONVERGED:
                break
    mu = 1 / (1 + np.exp(-Z @ b))
    if not np.isfinite(b).all() or (np.minimum(mu, 1 - mu) < SEPARATED).any():
        return "separated", {}
    bread = np.linalg.inv((Z.T * (mu * (1 - mu))) @ Z)
    influence = np.sqrt(own.factor) * np.add.reduceat(Z * (y - mu)[:, None], own.starts, axis=0) @ bread
    nobody = Z.copy()
    nobody[:, moved] = 0
    found = {}
    for j in moved:
        everybody = nobody.copy()
        everybody[:, j] = 1
        p, q = (1 / (1 + np.exp(-X @ b)) for X in (everybody, nobody))
        gradient = ((p * (1 - p))[:, None] * everybody - (q * (1 - q))[:, None] * nobody).mean(axis=0)
        found[own.names[j]] = Numbers(float((p - q).mean()), float(np.sqrt(((influence @ gradient) ** 2).sum())))
    return "", found
