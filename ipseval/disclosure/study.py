"""What is to be released of a cohort: its review tables, and the keys that most of them share."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import pandas as pd

from ipseval.config import Cohort
from ipseval.disclosure.keys import ALL, Key, Persons, others
from ipseval.disclosure.ledger import Count, Entry, Relation, total
from ipseval.disclosure.profiles import Profile

RANDOMISED, ANALYSED = "randomised", "analysed"


@dataclass(frozen=True)
class Study:
    """The review tables that are to be released, and the cohort they are of."""

    cohort: Cohort
    tables: dict[str, pd.DataFrame]
    profile: Profile
    _rows: dict[str, list[tuple[int, dict[str, Any]]]] = field(default_factory=dict, init=False, repr=False)

    @property
    def least(self) -> int:
        """Persons who must stand behind a number."""
        return self.profile.min_cell_count

    @property
    def centres(self) -> tuple[str, ...]:
        """Centres without ``all``."""
        return tuple(self.cohort.centres)

    @property
    def arms(self) -> tuple[str, ...]:
        """Arms without ``all``."""
        return self.cohort.arms.all

    def rows(self, table: str) -> list[tuple[int, dict[str, Any]]]:
        """Position and values of each row; a table is asked many times, and read once."""
        if table not in self._rows:
            self._rows[table] = list(enumerate(records(self.tables[table]))) if table in self.tables else []
        return self._rows[table]

    @cached_property
    def n_analysed(self) -> dict[tuple[str, str], float]:
        """Analysed persons by centre and arm, ``all`` among both."""
        rows = [row for _, row in self.rows("flow") if row["step"] == ANALYSED]
        return {(row["centre"], row["arm"]): float(row["n_persons"]) for row in rows}

    @cached_property
    def n_randomised(self) -> float:
        """All persons of the trial: no count of persons is larger."""
        return max(float(row["n_persons"]) for _, row in self.rows("flow"))

    @property
    def most_months(self) -> float:
        """All person-months of the panel: no count of months is larger."""
        return self.n_randomised * len(self.cohort.window.months)

    @property
    def n_months_of_subsidies(self) -> float:
        """Months of a person that the table of wage subsidies looks at, at most."""
        first, last = self.cohort.describe["wage_subsidy_months"]
        return sum(first <= k <= last for k in self.cohort.window.months)

    @cached_property
    def employed(self) -> dict[tuple[str, str, int], float]:
        """Persons with the primary outcome by centre, arm and month."""
        rows = (row for _, row in self.rows("employment_by_month"))
        return {(row["centre"], row["arm"], int(row["month"])): float(row["n_employed"]) for row in rows}

    @cached_property
    def _complete(self) -> frozenset[int]:
        frame = self.tables["employment_by_month"]
        return frozenset(self.cohort.window.months) - set(frame["month"][frame["n_observed"] != frame["n_persons"]])

    def is_complete(self, first: int, last: int) -> bool:
        """Whether everybody is observed in every month, so that persons and months observed are one number."""
        return self._complete.issuperset(range(first, last + 1))


def records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows of a frame by column."""
    return [{str(name): value for name, value in row.items()} for row in frame.to_dict("records")]


def analysed(centre: str, arm: str) -> Persons:
    """Key of the analysed persons."""
    return Persons(centre, arm, ANALYSED)


def over_centres(study: Study, key: Key) -> Relation:
    """All centres are their sum."""
    return total(key.at(ALL), [key.at(c) for c in study.centres])


def part(study: Study, yes: Key, whole: Key, value: float, n: float) -> Iterator[Entry]:
    """Persons who are something, those who are not, and that both make up the whole.

    In an arm of a centre, that nobody or everybody is something tells of each person in it.
    """
    tells = ALL not in (yes.centre, yes.arm) and n > 0
    yield Count(yes, value, zero_tells=tells, upper=study.n_randomised)
    yield Count(others(yes), n - value, zero_tells=tells, upper=study.n_randomised)
    yield total(whole, [yes, others(yes)])


def inside(study: Study, key: Key, whole: Key, n: float, of: float) -> Iterator[Entry]:
    """Persons who are in something, and those of the whole who are not; nothing where that is everybody by its key."""
    if key == whole:
        return
    yield Count(key, n, upper=study.n_randomised)
    yield Count(others(key), of - n, upper=study.n_randomised)
    yield total(whole, [key, others(key)])
