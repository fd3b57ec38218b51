"""The registry of tables: name -> the function that builds it."""

from collections.abc import Callable
from typing import Any

TABLES: dict[str, Callable[..., Any] | None] = dict.fromkeys(
    (
        "table3_inclusion",
        "table4_wage_subsidy",
        "table5_effects",
        "effects_by_centre",
        "effects_by_month",
        "effects_by_centre_month",
        "balance",
        "flow",
    )
)
