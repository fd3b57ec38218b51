"""Logarithms of risk ratios by a log-binomial regression of person-months, one row each."""

from collections.abc import Mapping, Sequence

import numpy as np

from ipseval.recomputed.least_squares import LeastSquares, Numbers

EDGE, FLAT = 1e-8, 1e-6
STEPS, SHRINK = 500, 0.5


def log_risk_ratios(fit: LeastSquares, terms: Sequence[str]) -> tuple[str, Mapping[str, Numbers]]:
    """Coefficients of assignment at the maximum of the likelihood, and their errors from scores summed over persons.

    Newton's steps by the observed information; each goes at most half of the way to where a probability would be one,
    so that the way there cannot end on the edge.

    Parameters
    ----------
    fit : LeastSquares
        Of the same columns and rows.
    terms : sequence of str
        Columns of the arms.

    Returns
    -------
    str
        ``no_maximum`` where the likelihood has none inside, else empty.
    dict
        Term -> logarithm of the ratio and its standard error.
    """
    own, y = fit.columns, fit.y
    Z, (N, K) = own.Z, own.Z.shape
    moved = [own.names.index(term) for term in terms if term in own.names]
    if not moved or own.n_persons < 2 or N <= K or not 0 < y.mean() < 1:
        return "no_maximum", {}
    b = np.linalg.lstsq(Z, np.full(N, np.log(y.mean())), rcond=None)[0]
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        for _ in range(STEPS):
            mu = np.exp(Z @ b)
            gradient = Z.T @ ((y - mu) / (1 - mu))
            information = (Z.T * ((1 - y) * mu / (1 - mu) ** 2)) @ Z
            try:
                step = np.linalg.solve(information, gradient)
            except np.linalg.LinAlgError:
                return "no_maximum", {}
            way = Z @ step
            reach = np.min(np.where(way > 0, -(Z @ b) / way, np.inf))
            b = b + min(1.0, SHRINK * reach) * step
            if not np.isfinite(b).all() or np.abs(way).max() < EDGE / 100:
                break
        mu = np.exp(Z @ b)
        is_inside = np.isfinite(b).all() and (np.minimum(mu, 1 - mu) > EDGE).all()
        if not is_inside or np.abs(Z.T @ ((y - mu) / (1 - mu))).max() > FLAT * N:
            return "no_maximum", {}
    bread = np.linalg.inv((Z.T * (mu / (1 - mu))) @ Z)
    scores = np.add.reduceat(Z * ((y - mu) / (1 - mu))[:, None], own.starts, axis=0)
    errors = np.sqrt(own.factor * ((scores @ bread) ** 2).sum(axis=0))
    return "", {own.names[j]: Numbers(float(b[j]), float(errors[j])) for j in moved}
