"""Numbers that others printed: they check how data and tables are mapped, and the core on the simplest designs.

Tolerance: half a unit of the last printed digit, unless stated.
"""

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
import statsmodels.formula.api as smf
from scipy import stats

from ipseval.estimation.regression import Sample, fit
from ipseval.estimation.variance import VARIANCES
from test_real_trials import folder_of


def test_respiratory_gives_the_published_gee() -> None:
    rows = pd.read_csv(folder_of("respiratory") / "respiratory.csv")
    model = smf.gee("outcome ~ centre + treat + male + baseline + age", "person", rows, family=sm.families.Binomial())
    found = model.fit()
    assert found.params["treat"] == pytest.approx(1.29921589, abs=5e-9)  # HSAUR, figure 11.4
    assert found.bse["treat"] == pytest.approx(0.35077797, abs=5e-9)


def test_indo_rct_has_the_published_events() -> None:
    rows = pd.read_csv(folder_of("indo_rct") / "indo_rct.csv")
    events = rows.groupby("arm")["outcome"].agg(["sum", "size"])
    assert events.loc["indomethacin"].tolist() == [27, 295]  # Elmunzer 2012
    assert events.loc["placebo"].tolist() == [52, 307]


def test_ctn0051_has_the_published_inductions() -> None:
    rows = pd.read_csv(folder_of("ctn0051") / "ctn0051.csv")
    ever = rows.groupby(["arm", "person"])["outcome"].max().groupby("arm").agg(["sum", "size"])
    assert ever.loc["naltrexone"].tolist() == [204, 283]  # Lee 2018: 72 %
    assert ever.loc["buprenorphine"].tolist() == [270, 287]  # 94 %


def two_by_two(k: int, n: int, k_control: int, n_control: int) -> tuple[float, float, float]:
    """Difference of two shares with its 95 % interval by CR2, from the counts alone."""
    y = np.repeat([1.0, 0, 1, 0], [k, n - k, k_control, n_control - k_control])[:, None]
    X = np.column_stack([np.ones(n + n_control), np.arange(n + n_control) < n]).astype(float)
    found = fit(Sample(X, np.zeros((1, 0)), y, np.ones_like(y, dtype=bool)))
    variance = VARIANCES["cr2"](found)
    reach = stats.t.ppf(0.975, variance.df[1]) * variance.std_error[1]
    return found.b[1], found.b[1] - reach, found.b[1] + reach


def test_differences_of_other_ips_trials() -> None:
    eqolise = two_by_two(85, 156, 43, 156)
    assert eqolise == pytest.approx((0.269, 0.164, 0.374), abs=1.5e-3)  # printed with normal quantiles
    vip_star = two_by_two(105, 271, 63, 270)
    assert vip_star == pytest.approx((0.154, 0.077, 0.231), abs=5e-4)


def test_published_centre_effects_pool_to_the_published_effect() -> None:
    effects = [0.151, 0.043, 0.117, -0.035, 0.061, 0.132]  # NORCE 1-2021, table 5 model 1
    n_ips, n_control = [30, 46, 39, 14, 19, 36], [18, 31, 35, 13, 18, 28]  # table 4
    sizes = np.column_stack([n_control, n_ips]).ravel()
    centre, assigned = np.repeat(np.arange(12) // 2, sizes), np.repeat(np.arange(12) % 2, sizes)
    y = np.take(effects, centre)[:, None] * assigned[:, None]
    X = np.column_stack([np.ones(len(y)), *(centre == c for c in range(1, 6)), assigned]).astype(float)
    found = fit(Sample(X, np.zeros((1, 0)), y, np.ones_like(y, dtype=bool)))
    assert found.b[-1] == pytest.approx(0.0883, abs=5e-5)
