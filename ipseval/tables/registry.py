"""The registry of tables: name -> the function that builds it."""

from collections.abc import Callable, Iterable

from ipseval.tables import (
    adjusted,
    bounded,
    checked,
    compared,
    described,
    estimated,
    fidelity,
    followed,
    main,
    organisation,
    placebo,
    priced,
    reached,
    received,
    synthesised,
    timeline,
    varied,
)
from ipseval.tables.review import Review
from ipseval.tables.table import Table

TABLES: dict[str, Callable[[Review], Table]] = {
    "baseline": main.baseline,
    "main_effects": main.main_effects,
    "table3_inclusion": described.inclusion,
    "table4_wage_subsidy": described.wage_subsidy,
    "table5_effects": estimated.table5,
    "effects_by_centre": estimated.by_centre,
    "effects_by_month": estimated.by_month,
    "effects_by_centre_month": estimated.by_centre_month,
    "adjustment": adjusted.adjustment,
    "subgroups": adjusted.subgroups,
    "specifications": varied.specifications,
    "heterogeneity": synthesised.heterogeneity,
    "time_to_job": followed.time_to_job,
    "accumulated": followed.accumulated,
    "achieved": reached.achieved,
    "achieved_by_centre": reached.by_centre,
    "cost": priced.cost,
    "receipt": received.receipt,
    "complier_effects": received.complier_effects,
    "event_study": placebo.event_study,
    "missing_data": bounded.missing_data,
    "organisation": organisation.organisation,
    "organisation_tests": organisation.organisation_tests,
    "timeline": timeline.timeline,
    "fidelity": fidelity.fidelity,
    "fidelity_items": fidelity.fidelity_items,
    "published_comparison": compared.published_comparison,
    "balance": described.balance,
    "flow": described.flow,
    "quality": checked.quality,
}
# Tables and figures of files and prices that a cohort may name, and the key: without it they hold one sentence and are
# not shown.
NAMED = {
    **dict.fromkeys(("organisation", "organisation_tests"), "organisation"),
    "timeline": "timeline",
    "cost": "cost",
    **dict.fromkeys(
        ("fidelity", "fidelity_items", "fidelity_over_time", "fidelity_by_item", "fidelity_and_effect"), "fidelity"
    ),
}
INSIDE = frozenset({"published_comparison", "quality"})  # tables that are never released


def asked(review: Review, names: Iterable[str]) -> list[str]:
    """Of tables or figures those that are not of a file or price which the cohort does not name."""
    return [name for name in names if name not in NAMED or getattr(review.cohort, NAMED[name]) is not None]
