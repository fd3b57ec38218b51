"""The functions that stages load quickly are those of scipy.stats: equal, not merely close."""

import numpy as np
import pytest
from scipy import stats

from ipseval.estimation import distributions as ours

DF = np.array([0.7, 1, 2.5, 13, 407, 1e5, np.inf])
P = np.array([0.001, 0.025, 0.5, 0.8, 0.975, 0.9995])
X = np.array([0.0, 0.3, 1.0, 1.96, 7.5, 40.0])


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (ours.norm_ppf(P), stats.norm.ppf(P)),
        (ours.norm_cdf(X), stats.norm.cdf(X)),
        (ours.norm_sf(X), stats.norm.sf(X)),
        (ours.t_ppf(P[:, None], DF), stats.t.ppf(P[:, None], DF)),
        (ours.t_sf(X[:, None], DF), stats.t.sf(X[:, None], DF)),
        (ours.f_sf(X[:, None], 3, DF[:-1]), stats.f.sf(X[:, None], 3, DF[:-1])),
        (ours.chi2_sf(X[:, None], DF[:-1]), stats.chi2.sf(X[:, None], DF[:-1])),
        (ours.chi2_isf(P[:, None], DF[:-1]), stats.chi2.isf(P[:, None], DF[:-1])),
    ],
    ids=["norm ppf", "norm cdf", "norm sf", "t ppf", "t sf", "F sf", "chi2 sf", "chi2 isf"],
)
def test_tails_and_quantiles_are_those_of_scipy_stats(found: np.ndarray, expected: np.ndarray) -> None:
    np.testing.assert_array_equal(found, expected)
    assert np.isfinite(expected).all()
