"""Estimators whose effects are not coefficients of least squares, computed another way; the registry."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from ipseval.recomputed.least_squares import LeastSquares, Numbers
from ipseval.recomputed.logit import risk_differences
from ipseval.recomputed.risk_ratio import log_risk_ratios

SHARES, LOG_RATIO = "difference_of_shares", "log_ratio"


@dataclass(frozen=True)
class Other:
    """How effects come of the columns and rows of a fit: why there are none, or numbers by term.

    Parameters
    ----------
    estimates : callable
    measure : str
        What the effects are.
    is_redrawn : bool
        Whether they are tested by re-drawn assignment.
    """

    estimates: Callable[[LeastSquares, Sequence[str]], tuple[str, Mapping[str, Numbers]]]
    measure: str = SHARES
    is_redrawn: bool = False


OTHERS = {
    "logit": Other(risk_differences, is_redrawn=True),
    "risk_ratio": Other(log_risk_ratios, LOG_RATIO),
}


def measure_of(estimator: str) -> str:
    """What the effects of an estimator are."""
    return OTHERS[estimator].measure if estimator in OTHERS else SHARES


def is_redrawn(estimator: str) -> bool:
    """Whether the effects of an estimator are tested by re-drawn assignment."""
    return estimator not in OTHERS or OTHERS[estimator].is_redrawn
