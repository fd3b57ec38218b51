"""Covariates that a cohort file asks for beyond the defaults, and that its delivery does not give."""

from collections.abc import Collection, Mapping

import pandas as pd

from ipseval.config import Cohort
from ipseval.contracts import EXTRACTS
from ipseval.errors import Fault, UserError, nearest
from ipseval.registers.covariates import Records, covariates
from ipseval.registers.findings import Findings

RULE = "covariate_not_delivered"
LATER = ("share_employed_before",)  # made from the panel
Tables = Mapping[str, pd.DataFrame | None]


def check(cohort: Cohort, frames: Tables, found: Findings) -> None:
    """Note covariates that are asked for and cannot be made from what was delivered; nothing when that has faults."""
    trial = frames.get("trial")
    if trial is None or found.faults or not cohort.asked_covariates:
        return
    every = {name: frames.get(name) for name in EXTRACTS}
    records = Records(trial.set_index("person_id").sort_index(), every, cohort.describe, cohort)
    known = [*covariates(records, cohort.covariates), *trial.columns]
    for name in _lacking(cohort, known):
        words = {"column": name, "near": nearest(name, known)}
        found.add("all", RULE, f"'{name}'", None, None, number=1, **words)


def require(cohort: Cohort, known: Collection[str]) -> None:
    """Stop when a covariate that is asked for is not among the known ones.

    Raises
    ------
    UserError
        One fault a covariate, unless ``checks`` says to go on.
    """
    if cohort.checks.get(RULE) == "warn":
        return
    found = Findings(cohort)
    for name in _lacking(cohort, known):
        found.add("all", RULE, f"'{name}'", None, None, number=1, column=name, near=nearest(name, known))
    if found.faults:
        raise UserError([Fault(f"{cohort.name}, cohort", fault.what, fault.remedy) for fault in found.faults])


def _lacking(cohort: Cohort, known: Collection[str]) -> list[str]:
    return [name for name in cohort.asked_covariates if name not in known and name not in LATER]
