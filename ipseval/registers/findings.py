"""Findings of a check: counts of rows and persons by rule, and the faults among them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from ipseval.config import Cohort
from ipseval.errors import Fault
from ipseval.registers.mending import Mending
from ipseval.registers.origins import Origins
from ipseval.registers.rule import agreeing
from ipseval.registers.rules import RULES

QUALITY_COLUMNS = ["extract", "rule", "severity", "n_rows", "n_persons", "action", "column"]
SEVERITY = {"stop": "error", "drop": "warning", "fix": "information", "warn": "warning", "note": "information"}

MAX_NAMES = 12  # names that a message lists

TAKEN = {
    "stop": "the run stops",
    "drop": "left out",
    "fix": "mended",
    "warn": "kept as it is",
    "note": "nothing is done",
}


def taken(rule: str, action: str, n: int = 2) -> str:
    """What is done about a finding, in words."""
    known = RULES[rule]
    return agreeing(known.done, n) if known.done and action == known.action else TAKEN[action]


def listed(names: Iterable[str]) -> str:
    """Names in a sentence; of many the first."""
    every = list(names)
    rest = len(every) - MAX_NAMES
    return ", ".join(every[:MAX_NAMES]) + (f" and {rest} more" if rest > 0 else "")


@dataclass(frozen=True)
class Matched:
    """Rows of a file that belong to persons of the trial, and how many persons these are."""

    n_rows: int
    n_persons: int


@dataclass
class Findings:
    """What was found so far: a row a finding, a fault for each one that stops the run, a sentence for the others."""

    cohort: Cohort
    rows: list[dict[str, Any]] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    said: list[tuple[str, str]] = field(default_factory=list)  # action, sentence
    codes: dict[tuple[str, str], list[Any]] = field(default_factory=dict)  # extract, column -> see named_codes.Seen
    mending: Mending = field(default_factory=Mending)
    used: dict[str, set[int]] = field(default_factory=lambda: {"leave_out": set(), "corrections": set()})  # see Mending
    matched: dict[str, Matched] = field(default_factory=dict)  # name of a file -> what of the trial is in it
    spoken: list[pd.DataFrame] = field(default_factory=list)  # of employment; see over_time.spoken_of
    by_month: pd.DataFrame = field(default_factory=pd.DataFrame)  # of employment; see over_time.by_month
    origins: Origins | None = None  # where rows at fault stand, when that is asked for

    def add(
        self,
        extract: str,
        rule: str,
        subject: str,
        n_rows: int | None,
        n_persons: int | None,
        *,
        number: int | None = None,
        action: str | None = None,
        **words: Any,
    ) -> str:
        """Note a finding and return its action.

        Parameters
        ----------
        extract, rule : str
        subject : str
            Opens the sentence of the message.
        n_rows, n_persons : int or None
            None where they cannot be counted.
        number : int, optional
            What the verb agrees with; ``n_rows`` when not given.
        action : str, optional
            In place of the rule's own; the cohort file's choice comes first.
        **words
            Words of the message.
        """
        known = RULES[rule]
        done = self.cohort.checks.get(rule, action or known.action)
        row = (extract, rule, SEVERITY[done], n_rows, n_persons, done, words.get("column", ""))
        self.rows.append(dict(zip(QUALITY_COLUMNS, row, strict=True)))
        many = number if number is not None else 1 if n_rows is None else n_rows
        remedy = known.remedy if known.action == "stop" else f"The run stops because checks.{rule} says so."
        found, remedy = (agreeing(text.format(**{"extract": extract, **words}), many) for text in (known.finds, remedy))
        if done == "stop":
            self.fault(f"{self.cohort.name}, check", f"{subject} {found}", " ".join(remedy.split()))
        else:
            self.said.append((done, f"{subject} {found.removesuffix('.')} ({taken(rule, done, many)})."))
        return done

    def each(self, extract: str, rule: str, counts: Mapping[str, int | None], subject: str, **words: Any) -> None:
        """Note a finding about several columns: a row a column, with its number of values, and one sentence.

        Parameters
        ----------
        extract, rule, subject : str
        counts : mapping
            Column -> number of values, None where they were not counted.
        **words
            Words of the message.
        """
        self.add(extract, rule, subject, None, None, number=1, **words)
        whole = self.rows.pop()
        self.rows += [whole | {"column": column, "n_rows": n} for column, n in counts.items()]

    def name(self, extract: str, rule: str, action: str, keys: Iterable[str], file: str = "") -> None:
        """Name persons that a rule found in no row of the delivery, when origins are asked for."""
        if self.origins is not None:
            self.origins.note_persons(keys, file, extract=extract, rule=rule, action=action, column="")

    def fault(self, where: str, what: str, remedy: str) -> None:
        """Note a fault that no rule of a delivery states."""
        self.faults.append(Fault(where, what, remedy))

    def table(self) -> pd.DataFrame:
        """One row a finding (extract, rule, column), sorted."""
        table = pd.DataFrame(self.rows, columns=QUALITY_COLUMNS)
        counts = {name: table[name].astype("Int64") for name in ("n_rows", "n_persons")}
        keys = [name for name in QUALITY_COLUMNS if name not in counts]
        table = table.assign(**counts).groupby(keys).sum(min_count=1).reset_index()
        return table[QUALITY_COLUMNS].sort_values(["extract", "rule", "column"], ignore_index=True)
