"""Prices of the arms, as a cohort file names them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Cost:
    """Prices of the arms for each person assigned, and the months by which months in employment are counted."""

    per_assigned: Mapping[str, float]
    by_month: tuple[int, ...]

    def difference(self, arm: str, reference: str) -> float:
        """What an arm costs more than another; an arm without a price costs nothing."""
        return self.per_assigned.get(arm, 0.0) - self.per_assigned.get(reference, 0.0)


def priced(per_assigned: Mapping[str, float], by_month: Iterable[int]) -> Cost | None:
    """The prices of a cohort; None without one."""
    prices = {arm: float(price) for arm, price in per_assigned.items()}
    return Cost(prices, tuple(sorted(by_month))) if prices else None
