"""The cost of a month once more: the ends of its interval as the roots of Fieller's quadratic."""

import math
from collections.abc import Hashable, Mapping
from typing import Any

import numpy as np
import pandas as pd
from scipy.optimize import brentq
from scipy.stats import t

from ipseval.config import Cohort

NAMES = ["by_month", "centre", "arm", "reference_arm", "cost_difference", "effect", "ratio", "ci_low", "ci_high"]
NAMES += ["status", "variance", "acceptable_80", "acceptable_90", "acceptable_95"]
FAR = 40.0  # logarithm of how many times less, or more, than is paid for a person a month may cost


def expected_cost(cohort: Cohort, accumulated: pd.DataFrame) -> pd.DataFrame:
    """The table ``cost``; ``accumulated`` as it was recomputed."""
    rows: list[dict[str, Any]] = []
    prices = cohort.cost.per_assigned if cohort.cost else {}
    own = accumulated.to_dict("records") if cohort.cost else []
    for row in own:
        is_asked = cohort.cost is not None and row["month_to"] in cohort.cost.by_month
        if not is_asked or (row["outcome"], row["variance"]) != ("ordinary_months", cohort.estimation.primary):
            continue
        c = float(prices.get(row["arm"], 0)) - float(prices.get(row["reference_arm"], 0))
        label = {name: row[name] for name in ("centre", "arm", "reference_arm", "variance")}
        label |= {"by_month": row["month_to"], "cost_difference": c, "effect": row["estimate"]}
        found: dict[str, Any] = {"status": row["status"]}
        if row["status"] == "estimated":
            reach = t.ppf((1 + cohort.estimation.confidence_level) / 2, row["df"]) * row["std_error"]
            found = _fieller(c, row["estimate"], reach)
            found |= {f"acceptable_{n}": _accepted(c, row, n / 100) for n in (80, 90, 95)}
        rows.append(label | found)
    return pd.DataFrame(rows, columns=NAMES)


def _accepted(c: float, effect: Mapping[Hashable, Any], share: float) -> float:
    """The price below which that share of the prices lies: found where the share of the curve is that."""

    def at(logarithm: float) -> float:
        beyond = (effect["estimate"] - c * math.exp(-logarithm)) / effect["std_error"]
        return float(t.cdf(beyond, effect["df"])) - share

    top = math.log(c) + FAR if c > 0 else math.nan
    if not c > 0 or at(top) <= 0:
        return math.nan
    return math.exp(brentq(at, math.log(c) - FAR, top, xtol=1e-13, rtol=1e-14))


def _fieller(c: float, e: float, reach: float) -> dict[str, Any]:
    """Where ``(e^2 - reach^2) r^2 - 2 c e r + c^2`` is not above 0: between the roots, or beyond both."""
    a, b = e * e - reach * reach, -2 * c * e
    if c <= 0:
        return {"status": "costs_no_more"}
    if a > 0 and e < 0:
        return {"status": "fewer_months"}
    roots = sorted((-b + sign * math.sqrt(b * b - 4 * a * c * c)) / (2 * a) for sign in (-1, 1)) if a else [c / (2 * e)]
    least = roots[0] if a > 0 else roots[-1]  # beyond both: from the one above 0 on
    ratio = c / e if e > 0 else np.nan
    if a > 0:
        return {"status": "estimated", "ratio": ratio, "ci_low": least, "ci_high": roots[1]}
    return {"status": "unbounded", "ratio": ratio, "ci_low": least}
