"""The registry of figures: name -> the function that draws it."""

from collections.abc import Callable
from typing import Any

FIGURES: dict[str, Callable[..., Any] | None] = dict.fromkeys(
    ("employment_by_arm", "effect_by_month", "effects_by_centre")
)
