"""Findings of a check: counts of rows and persons by rule, and the faults among them."""

from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from ipseval.config import Cohort
from ipseval.errors import Fault
from ipseval.rules import RULES

QUALITY_COLUMNS = ["extract", "rule", "severity", "n_rows", "n_persons", "action"]
SEVERITY = {"stop": "error", "drop": "warning", "fix": "information", "warn": "warning"}


@dataclass
class Findings:
    """What was found so far; ``frames`` hold the rows that go on."""

    cohort: Cohort
    rows: list[dict[str, Any]] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)

    def add(
        self, extract: str, rule: str, subject: str, n_rows: int | None, n_persons: int | None, **words: str
    ) -> str:
        """Note a finding and return its action; ``subject`` opens the sentence of the message."""
        known = RULES[rule]
        action = self.cohort.checks.get(rule, known.action)
        self.rows.append(
            dict(zip(QUALITY_COLUMNS, (extract, rule, SEVERITY[action], n_rows, n_persons, action), strict=True))
        )
        if action == "stop":
            text = f"{subject} {known.finds.format(**words)}"
            self.faults.append(Fault(f"{self.cohort.name}, check", text, known.remedy.format(**words)))
        return action

    def table(self) -> pd.DataFrame:
        """One row a finding, sorted."""
        table = pd.DataFrame(self.rows, columns=QUALITY_COLUMNS)
        counts = {name: table[name].astype("Int64") for name in ("n_rows", "n_persons")}
        table = table.assign(**counts).groupby(["extract", "rule", "severity", "action"], dropna=False).sum(min_count=1)
        return table.reset_index()[QUALITY_COLUMNS].sort_values(QUALITY_COLUMNS[:2], ignore_index=True)
