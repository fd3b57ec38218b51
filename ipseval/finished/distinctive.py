"""Hidden numbers of many digits, looked for in texts and among the points of drawings."""

import math
import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache

from ipseval.finished.drawing import Axes

NUMBER = re.compile(r"(?<![\w.,])[-−]?(\d+)[.,](\d+)(?:e([-+]?\d+))?(?![\w.,]*\d)")
IN_MONTH = 0.45  # months that a point may stand beside its month, so that arms do not cover each other
AT_VALUE = 2e-6  # pixels: coordinates have six decimals
ENDS, AT_END = (
    (0.0, 1.0, 100.0),
    1e-6,
)  # so near, a drawing does not tell a number (a p-value of 1e-9, say) from its end
SURE = 12  # significant digits of a double that arithmetic leaves alone
AT_VALUE_IN_MONTH = 1e-5  # few points stand in one month


@dataclass(frozen=True)
class Hidden:
    """A hidden cell: its table, what tells its row from others, its column, and the number inside."""

    table: str
    key: tuple[str, ...]
    column: str
    value: str
    month: str = ""


class Distinctive:
    """Hidden numbers of many digits that no shown number gives: as they are, in per cent, and as the rest to one."""

    def __init__(self, hidden: Iterable[Hidden], shown: Iterable[str], digits: int) -> None:
        self.digits = digits
        self.shown = sorted({form for value in map(number_of, shown) if value is not None for form in _forms(value)})
        found = [(h, value) for h in hidden if (value := number_of(h.value)) is not None and self._has_digits(value)]
        self.forms = [(h, form) for h, value in found for form in _forms(value) if not _near(self.shown, form, 1e-9)]
        self.drawn = [(h, form) for h, form in self.forms if min(abs(form - end) for end in ENDS) > AT_END]
        self.values = sorted({form for _, form in self.forms})
        self.stands_in = cache(self._stands_in)

    def _has_digits(self, value: float) -> bool:
        """Whether a number has many digits of its own: 0.12499999999999999 is 1/8 but for its last bit."""
        return len(re.sub(r"e.*|\D", "", f"{value:.{SURE}g}").strip("0")) >= self.digits

    def _stands_in(self, text: str) -> bool:
        """Whether a text holds one, to as many digits as it is written with."""
        if not self.values:
            return False
        for whole, decimals, power in NUMBER.findall(text):
            if len((whole + decimals).lstrip("0")) >= self.digits:
                value, unit = float(f"{whole}.{decimals}e{power or 0}"), 10.0 ** (int(power or 0) - len(decimals))
                if _near(self.values, value, 0.51 * unit) and not _near(self.shown, value, 0.51 * unit):
                    return True
        return False

    def is_drawn(self, systems: Iterable[Axes]) -> bool:
        """Whether a point stands at one: at its value, and in its month where it has one."""
        return any(self._is_at_a_point(system) for system in systems)

    def _is_at_a_point(self, system: Axes) -> bool:
        points = sorted(system.points)
        xs, ys = sorted(x for x, _ in points), sorted(y for _, y in points)
        for hidden, size in self.drawn:
            for form in (size, -size):
                if hidden.month:
                    if system.x and system.y and self._in_month(system, points, float(hidden.month), form):
                        return True
                elif any(
                    scale and not scale.is_of_time and _near(places, scale.pixels(form), AT_VALUE)
                    for scale, places in ((system.x, xs), (system.y, ys))
                ):
                    return True
        return False

    def _in_month(self, system: Axes, points: list[tuple[float, float]], month: float, form: float) -> bool:
        assert system.x and system.y
        middle, half = system.x.pixels(month), abs(system.x.slope) * IN_MONTH
        start, end = bisect_left(points, (middle - half,)), bisect_left(points, (middle + half,))
        place = system.y.pixels(form)
        return any(abs(y - place) <= AT_VALUE_IN_MONTH for _, y in points[start:end])


def number_of(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return abs(value) if math.isfinite(value) else None


def _forms(value: float) -> Iterator[float]:
    yield from (value, 100 * value)
    if 0 < value < 1:
        yield from (1 - value, 100 * (1 - value))


def _near(ordered: Sequence[float], value: float, tolerance: float) -> bool:
    at = bisect_left(ordered, value - tolerance)
    return at < len(ordered) and ordered[at] <= value + tolerance
