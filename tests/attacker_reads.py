"""What an outsider reads in each released table: numbers, and what ties them together."""

import csv
import io
import itertools
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from attacker import Name, System

ALL = "all"
Row = dict[str, str]
DECIMALS = 4  # of rates, effects and everything else that is no count
SLIGHTLY = 1e-3  # units of the last decimal, for the arithmetic of the attacker
MEANS = {"share_employed_before", "health_contacts_per_month", "age"}  # named so that they are no 0 or 1


@dataclass(frozen=True)
class Rules:
    """What is documented of a profile."""

    threshold: int
    base: int = 0
    rounds_curve: bool = False
    exact: float = 0.0  # how far a number may be from what is printed, when nothing was rounded
    is_schooling_one_source: bool = False  # whether all covariates of schooling come from one register

    def around(self, value: float, decimals: int = DECIMALS) -> tuple[float, float]:
        """Where a rate or an effect lies that is printed so.

        As docs/release.md says: numbers of four decimals end in 0 or 5 only where they are exact, else the last digit
        moved one unit towards the number. So a digit beside these may have come from them; others were rounded to the
        nearest.
        """
        if self.exact:
            return value - self.exact, value + self.exact
        unit = 10.0**-decimals
        below = above = 0.5 * unit
        if decimals == DECIMALS:
            last = round(abs(value) / unit) % 5
            below, above = {0: (0.0, 0.0), 1: (unit, above), 4: (below, unit)}.get(last, (below, above))
        below, above = (below, above) if value >= 0 else (above, below)
        return value - below - SLIGHTLY * unit, value + above + SLIGHTLY * unit

    def off(self, value: float) -> float:
        """How far a rate or an effect may be from what is printed."""
        low, high = self.around(value)
        return max(value - low, high - value)


@dataclass(frozen=True)
class Reading:
    """The rows of the released tables and the system that they fill."""

    tables: Mapping[str, list[Row]]
    rules: Rules
    system: System

    def rows(self, table: str) -> Iterator[Row]:
        """Rows of a table, none when it was not released."""
        yield from self.tables.get(table, [])

    def count(self, name: Name, cell: str, source: str, is_curve: bool = False) -> None:
        """A printed count."""
        self.system.number(name)
        value = shown(cell)
        if value is None:
            return
        low = high = value
        if is_curve and self.rules.rounds_curve and value in (0, self.rules.threshold):
            low, high = (1.0, value) if value else (0.0, self.rules.threshold - 1.0)
        elif self.rules.base:
            low, high = max(0.0, value - self.rules.base // 2), value + self.rules.base // 2
        self.system.seen.setdefault(name, value)
        self.system.bound(name, low, high, source)

    def rate(self, above: Name, below: Name, over: float, cell: str, source: str, is_curve: bool = False) -> None:
        """A printed share: above / (over x below)."""
        value = shown(cell)
        self.system.number(above)
        if value is None:
            return
        low, high = self.rules.around(value)
        n, least = self.system.seen.get(below), self.rules.threshold
        if is_curve and self.rules.rounds_curve and n and value * over * n < least + 0.5 and over == 1:
            self.count(above, str(round(value * n)), source, is_curve=True)
            return
        if self.rules.base:  # a share of rounded counts tells no more than they do
            near = self.rules.base * round(value * over * (n or 0) / self.rules.base)
            if n and abs(value * over * n - near) <= self.rules.off(value) * over * n + 1e-6:
                self.count(above, str(near), source)
            return
        if n is not None and self.system.is_fixed(below):
            self.system.seen.setdefault(above, float(round(value * over * n)))
        self.system.relate({above: 1.0, below: -low * over}, 0.0, 1e7, source)
        self.system.relate({above: 1.0, below: -high * over}, -1e7, 0.0, source)


def shown(cell: str) -> float | None:
    """The number of a cell, None where it is hidden or never was."""
    try:
        return float(cell)
    except ValueError:
        return None


def read(texts: Mapping[str, str], rules: Rules) -> Reading:
    """Everything an outsider knows after reading the tables, by name, as CSV."""
    tables = {name: list(csv.DictReader(io.StringIO(text))) for name, text in texts.items()}
    reading = Reading(tables, rules, System())
    for speak in (flow, inclusion, months, wage_subsidy, receipt, balance):
        speak(reading)
    return reading


# --- who is there ------------------------------------------------------------------------------


def margins(reading: Reading, kinds: set[Name], source: str) -> None:
    """Names are (kind, centre, arm, ...): all centres and all arms are the sums of the others."""
    for axis in (1, 2):
        groups: dict[Name, list[Name]] = {}
        for name in kinds:
            groups.setdefault((*name[:axis], *name[axis + 1 :]), []).append(name)
        for names in groups.values():
            whole = [n for n in names if n[axis] == ALL]
            parts = [n for n in names if n[axis] != ALL]
            if whole and parts:
                reading.system.total(whole[0], parts, f"{source}: sum")


def flow(reading: Reading) -> None:
    """Persons after each step, and who left in it."""
    system, names, before = reading.system, set(), {}
    rows = sorted(reading.rows("flow"), key=lambda r: int(r["order"]))
    last = rows[-1]["step"] if rows else None
    for row in rows:
        where = (row["centre"], row["arm"])
        here, out = ("left", *where, row["step"]), ("out", *where, row["step"])
        reading.count(here, row["n_persons"], "flow")
        reading.count(out, row["n_excluded"], "flow")
        if where in before:
            system.total(before[where], [here, out], "flow: step")
        else:
            system.total(("randomised", *where), [here, out], "flow: first step")
        before[where] = here
        names |= {here, out}
        if row["step"] == last:
            system.total(("n", *where), [here], "flow: analysed")
            names |= {("n", *where), ("randomised", *where)}
    margins(reading, names, "flow")


def inclusion(reading: Reading) -> None:
    """Randomised and analysed persons of a centre."""
    for row in reading.rows("inclusion"):
        whole, part = ("randomised", row["centre"], ALL), ("n", row["centre"], ALL)
        reading.count(whole, row["n_randomised"], "inclusion")
        reading.count(part, row["n_analysed"], "inclusion")
        reading.rate(part, whole, 1, row["share"], "inclusion")


def split(reading: Reading, whole: Name, yes: Name, no: Name, source: str) -> None:
    """A number, and the rest to the whole."""
    reading.system.total(whole, [yes, no], f"{source}: the rest")


def months(reading: Reading) -> None:
    """Who is employed and who is not, by month."""
    names = set()
    for row in reading.rows("employment_by_month"):
        where = (row["centre"], row["arm"])
        k, is_all = int(row["month"]), row["centre"] == ALL
        n, seen = ("n", *where), ("seen", *where, k)
        yes, no = ("job", *where, k), ("nojob", *where, k)
        reading.count(n, row["n_persons"], "employment_by_month")
        reading.count(seen, row["n_observed"], "employment_by_month")
        reading.system.at_most(seen, n, "employment_by_month")
        reading.count(yes, row["n_employed"], "employment_by_month", is_curve=is_all)
        reading.rate(yes, seen, 1, row["share"], "employment_by_month", is_curve=is_all)
        split(reading, seen, yes, no, "employment_by_month")
        names |= {seen, yes, no}
    margins(reading, names, "employment_by_month")


def wage_subsidy(reading: Reading) -> None:
    """Subsidised persons and their months."""
    names = set()
    for row in reading.rows("wage_subsidy"):
        where = (row["centre"], row["arm"])
        n, yes, no = ("n", *where), ("subsidised", *where), ("unsubsidised", *where)
        time, whole = ("subsidised_months", *where), ("months_of_subsidy_table", *where)
        reading.count(n, row["n_persons"], "wage_subsidy")
        reading.count(whole, row["n_person_months"], "wage_subsidy")
        reading.count(yes, row["n_persons_subsidised"], "wage_subsidy")
        reading.count(time, row["n_subsidised"], "wage_subsidy")
        reading.rate(time, whole, 1, row["share"], "wage_subsidy")
        split(reading, n, yes, no, "wage_subsidy")
        reading.system.at_most(yes, time, "wage_subsidy")
        reading.system.at_most(time, whole, "wage_subsidy")
        for months, persons in ((time, yes), (whole, n)):
            reading.system.relate({months: 1.0, persons: -12.0}, -1e7, 0.0, "wage_subsidy: 12 months")
        names |= {yes, no, time, whole}
    margins(reading, names, "wage_subsidy")


def receipt(reading: Reading) -> None:
    """Who received a service, over all months and in parts of them."""
    names, spans = set(), {}
    for row in reading.rows("receipt"):
        span = (row["service"], int(row["month_from"]), int(row["month_to"]))
        where = (row["centre"], row["arm"])
        n, yes, no = ("n", *where), ("received", *where, *span), ("unreceived", *where, *span)
        first, rest = ("started", *where, *span), ("unstarted", *where, *span)
        reading.count(n, row["n_persons"], "receipt")
        reading.count(yes, row["n_received"], "receipt")
        reading.count(first, row["n_started"], "receipt")
        reading.rate(yes, n, 1, row["share"], "receipt")
        split(reading, n, yes, no, "receipt")
        split(reading, n, first, rest, "receipt")
        reading.system.at_most(first, yes, "receipt")
        names |= {yes, no, first, rest}
        spans.setdefault((where, row["service"]), []).append(span[1:])
    margins(reading, names, "receipt")
    for (where, service), windows in spans.items():
        for whole in windows:
            parts = sorted(w for w in windows if w != whole and whole[0] <= w[0] and w[1] <= whole[1])
            for part in parts:
                reading.system.at_most(
                    ("received", *where, service, *part), ("received", *where, service, *whole), "receipt"
                )
            if parts and parts[0][0] == whole[0] and all(a[1] + 1 == b[0] for a, b in itertools.pairwise(parts)):
                names_of = [("started", *where, service, *w) for w in parts]
                reading.system.total(("started", *where, service, *whole), names_of, "receipt: windows")


# --- baseline ----------------------------------------------------------------------------------


def is_share(rows: list[Row]) -> bool:
    """Whether a variable is 0 or 1 by all that is printed of it."""
    for row in rows:
        mean, sd, n = shown(row["mean"]), shown(row["sd"]), shown(row["n"])
        if mean is not None and not 0 <= mean <= 1:
            return False
        if (
            None not in (mean, sd, n)
            and n > 1
            and abs(sd - math.sqrt(mean * (1 - mean) * n / (n - 1))) > 0.03 + 0.6 / n
        ):
            return False
    return True


def balance(reading: Reading) -> None:
    """Baseline shares, their complements, levels of a category, and who is missing."""
    names: set[Name] = set()
    by_variable: dict[tuple[str, str], list[Row]] = {}
    for row in reading.rows("balance"):
        by_variable.setdefault((row["variable"], row["level"]), []).append(row)
    for what, rows in by_variable.items():
        shares = what[0] not in MEANS and is_share(rows)
        for row in rows:
            where = (row["centre"], row["arm"])
            n, known, lost = ("n", *where), ("known", *where, what[0]), ("missing", *where, what[0])
            reading.count(known, row["n"], "balance")
            reading.count(lost, row["n_missing"], "balance")
            split(reading, n, known, lost, "balance")
            names |= {known, lost}
            if shares:
                yes, no = ("has", *where, *what), ("hasnot", *where, *what)
                reading.rate(yes, known, 1, row["mean"], "balance")
                split(reading, known, yes, no, "balance")
                names |= {yes, no}
    margins(reading, names, "balance")
    levels: dict[Name, list[Name]] = {}
    for name in names:
        if name[0] == "has" and name[3] == "education":  # benefits may be had together
            levels.setdefault(("known", *name[1:4]), []).append(name)
    for whole, parts in levels.items():
        reading.system.total(whole, parts, "balance: levels")
