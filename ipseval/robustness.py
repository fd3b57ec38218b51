"""Choices of which every combination is estimated."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Adjustment:
    """A way of adjusting the pooled effect."""

    estimator: str
    adjust: tuple[str, ...]


@dataclass(frozen=True)
class Robustness:
    """Choices whose every combination is estimated."""

    month_rule: tuple[str | Mapping[str, int], ...]
    min_weekly_hours: tuple[float, ...]
    exclude_wage_subsidy: tuple[bool, ...]
    time: tuple[tuple[str, ...], ...]
    adjustment: dict[str, Adjustment]
    variances: tuple[str, ...]


def chosen_combinations(chosen: Mapping[str, Any]) -> Robustness:
    """The record of settings that were checked."""
    ways = {
        name: Adjustment(way.get("estimator", "ols"), tuple(way.get("adjust", ())))
        for name, way in chosen["adjustment"].items()
    }
    return Robustness(
        month_rule=tuple(chosen["month_rule"]),
        min_weekly_hours=tuple(chosen["min_weekly_hours"]),
        exclude_wage_subsidy=tuple(chosen["exclude_wage_subsidy"]),
        time=tuple(map(tuple, chosen["time"])),
        adjustment=ways,
        variances=tuple(chosen["variances"]),
    )
