"""Faults of a cohort's settings that its schema cannot state: layouts, rules, what has to be delivered."""

from ipseval.config import Cohort
from ipseval.contracts import EXTRACTS
from ipseval.errors import nearest
from ipseval.registers import rules
from ipseval.registers.date_forms import is_zone
from ipseval.registers.files import is_parquet
from ipseval.registers.findings import Findings
from ipseval.registers.layouts import LAYOUTS
from ipseval.registers.opening import configured
from ipseval.registers.places import located
from ipseval.registers.source_faults import source_faults
from ipseval.registers.sources import sources


def check_settings(cohort: Cohort, found: Findings) -> None:
    """Note them."""
    where = configured(cohort)
    if cohort.zone is not None and not is_zone(cohort.zone):
        found.fault(where, f"zone is '{cohort.zone}', which is none.", "Expected: Europe/Oslo, say.")
    for name, extract in EXTRACTS.items():
        for what, remedy in source_faults(extract, sources(cohort, name)):
            found.fault(where, what, remedy)
    for name, action in cohort.checks.items():
        rule = rules.RULES.get(name)
        if rule is None:
            found.fault(where, f"checks.{name} is no rule.", nearest(name, rules.RULES) or "docs/data.md lists them.")
        elif action not in (rule.action, *rule.others):
            allowed = " or ".join((rule.action, *rule.others))
            found.fault(where, f"checks.{name} cannot be '{action}'.", f"Expected: {allowed}.")
    employment = [LAYOUTS.get(source.layout) for source in sources(cohort, "employment")]
    if cohort.observed_until is None and any(layout.is_dated for layout in employment if layout):
        what = "observed_until is missing: the last complete month of the employment register (YYYY-MM)."
        found.fault(where, what, "Without it, months after the end of the register would read as not employed.")
    delivered = located(cohort, "wage_subsidy")
    if cohort.outcome.exclude_wage_subsidy and not any(map(is_parquet, delivered)):
        what = "ordinary employment excludes wage subsidies, but wage_subsidy was not delivered."
        remedy = "Deliver it, or set outcome.exclude_wage_subsidy: false and call the outcome what it then is."
        found.fault(where, what, remedy)
