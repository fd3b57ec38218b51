"""What a further month in ordinary employment costs: the price of an arm over its effect, as part of stage follow."""

from typing import Any

import numpy as np
import pandas as pd

from ipseval.config import Cohort
from ipseval.estimation.distributions import t_ppf

COLUMNS = [
    *("by_month", "centre", "arm", "reference_arm", "cost_difference", "effect", "ratio", "ci_low", "ci_high"),
    *("status", "variance", "acceptable_80", "acceptable_90", "acceptable_95"),
]
SHARES = {f"acceptable_{share}": share / 100 for share in (80, 90, 95)}
MONTHS = "ordinary_months"  # the outcome of ``accumulated`` that is paid for
ESTIMATED, UNBOUNDED, FEWER_MONTHS, COSTS_NO_MORE = "estimated", "unbounded", "fewer_months", "costs_no_more"
Row = dict[str, Any]


def cost(cohort: Cohort, accumulated: pd.DataFrame) -> pd.DataFrame:
    """Prices of a further month in ordinary employment, over all centres.

    # ASSUME: a price is known and the same for everybody assigned to the arm; what is received does not change it.

    Parameters
    ----------
    cohort : Cohort
        Without ``cost`` there is no row.
    accumulated : DataFrame
        Effects on what was accumulated; of several variances the primary one is taken.

    Returns
    -------
    DataFrame
        One row a month of ``cost.by_month`` and treatment.
    """
    chosen = cohort.cost
    if chosen is None:
        return pd.DataFrame(columns=COLUMNS)
    is_own = (accumulated["outcome"] == MONTHS) & (accumulated["variance"] == cohort.estimation.primary)
    is_own &= accumulated["month_to"].isin(chosen.by_month)
    return pd.DataFrame([_row(cohort, row) for row in accumulated[is_own].to_dict("records")], columns=COLUMNS)


def _row(cohort: Cohort, effect: Any) -> Row:
    assert cohort.cost is not None
    price = cohort.cost.difference(effect["arm"], effect["reference_arm"])
    label = {name: effect[name] for name in ("centre", "arm", "reference_arm", "variance")}
    label |= {"by_month": effect["month_to"], "cost_difference": price, "effect": effect["estimate"]}
    if effect["status"] != ESTIMATED:
        return label | {"status": effect["status"]}
    found = of_effect(price, *(float(effect[name]) for name in ("estimate", "ci_low", "ci_high")))
    return label | found | acceptable(price, *(float(effect[name]) for name in ("estimate", "std_error", "df")))


def of_effect(price: float, effect: float, low: float, high: float) -> Row:
    """Price of a month with Fieller's interval, which is that of the effect turned over, as the price is known.

    All r with ``(c - r e)^2 <= t^2 r^2 s^2``: between c/high and c/low where the effect's interval (low, high) is above
    0. Where it holds 0 that set has no upper end, and holds as well that no month is gained.

    Parameters
    ----------
    price : float
        c: what is paid more for a person.
    effect, low, high : float
        Further months e, and the ends e - t s and e + t s of their interval.

    Returns
    -------
    dict
        ``status``, and the ``ratio, ci_low, ci_high`` that there are: none where no more is paid (``costs_no_more``),
        or where the interval is below 0 (``fewer_months``); of ``unbounded`` ones no upper end, and no ratio where the
        effect is not above 0.

    Notes
    -----
    Fieller (1954), Some problems in interval estimation, JRSS B 16, 175-185, with a numerator of variance 0.
    """
    if price <= 0:
        return {"status": COSTS_NO_MORE}
    if high < 0:
        return {"status": FEWER_MONTHS}
    ratio, least = (price / months if months > 0 else np.nan for months in (effect, high))
    if low <= 0:
        return {"status": UNBOUNDED, "ratio": ratio, "ci_low": least}
    return {"status": ESTIMATED, "ratio": ratio, "ci_low": least, "ci_high": price / low}


def acceptable(price: float, effect: float, std_error: float, df: float) -> Row:
    """The acceptability curve read at some shares: the price of a month that so large a share of it lies below.

    The effect's distribution is Student's t around the estimate. A month costs less than what is accepted where more of
    them than ``price / accepted`` are gained; at most the share with any gain can be, so that a larger one has no
    price. At a half the price is the ratio, at 97.5 per cent the upper end of a 95% interval.

    Parameters
    ----------
    price : float
        What is paid more for a person; without it nothing is returned.
    effect, std_error, df : float

    Returns
    -------
    dict
        A price for each of ``SHARES``.

    Notes
    -----
    van Hout, Al, Gordon & Rutten (1994), Costs, effects and C/E-ratios alongside a clinical trial, Health Economics 3,
    309-319.
    """
    if price <= 0:
        return {}
    gained = {name: effect - float(t_ppf(share, df)) * std_error for name, share in SHARES.items()}
    return {name: price / months if months > 0 else np.nan for name, months in gained.items()}
