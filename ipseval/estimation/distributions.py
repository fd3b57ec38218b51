"""Tails (``sf``) and quantiles (``ppf``) of test statistics, to the last bit those of ``scipy.stats``.

That module takes longer to load than most stages need for their arithmetic; these are the functions that it calls.
"""

from typing import Any

from scipy import special

norm_cdf, norm_ppf = special.ndtr, special.ndtri


def norm_sf(z: Any) -> Any:
    """Probability above z under the standard normal distribution."""
    return special.ndtr(-z)


def t_ppf(p: Any, df: Any) -> Any:
    """What t with ``df`` degrees of freedom is below with probability p."""
    return special.stdtrit(df, p)


def t_sf(t: Any, df: Any) -> Any:
    """Probability above t with ``df`` degrees of freedom."""
    return special.stdtr(df, -t)


def f_sf(f: Any, df1: Any, df2: Any) -> Any:
    """Probability above f under F with ``df1`` and ``df2`` degrees of freedom."""
    return special.fdtrc(df1, df2, f)


def chi2_sf(x: Any, df: Any) -> Any:
    """Probability above x under chi-squared with ``df`` degrees of freedom."""
    return special.chdtrc(df, x)


def chi2_isf(p: Any, df: Any) -> Any:
    """What chi-squared with ``df`` degrees of freedom is above with probability p."""
    return special.chdtri(df, p)
