"""What persons achieved by chosen months counts: entries of the ledger for those who did, by centre, arm and month.

Who has achieved something by a month is among those who have by a later one, and who has kept an outcome among those
who ever had it. All of these are printed beside each other, so that who lies between two of them counts as a number of
its own; and they hang on who has the outcome in each month, on who has it in any, and on the curve of the first job.
"""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Self

from ipseval.config import ORDINARY_EMPLOYMENT
from ipseval.disclosure.keys import ALL, Employed, Ever, Found, In, Key, Months, Sum, Weighted, others
from ipseval.disclosure.ledger import Count, Entry, Printed, Shown, Within, total
from ipseval.disclosure.modelled import ESTIMATE
from ipseval.disclosure.regressed import sides
from ipseval.disclosure.samples import Achieving, Span
from ipseval.disclosure.stratified import contrast, told
from ipseval.disclosure.study import Study, analysed, inside, over_centres
from ipseval.estimation.accumulate import ADJUST
from ipseval.words import is_known

TABLE = "achieved"
EVER, MONTHS, WAITING = "ever", "months", "waiting_days"
UNADJUSTED = ("centre", "none")  # whatever else: covariates, or strata whose persons stand nowhere
Row = dict[str, Any]
Cell = tuple[str, str]


@dataclass(frozen=True)
class Kept(Ever):
    """Persons who have kept it, by a measure."""

    kind = "kept"
    measure: str


@dataclass(frozen=True)
class But(Key):
    """Persons whom one number counts and another, which is part of it, does not."""

    kind = "but"
    wide: Key
    narrow: Key

    def at(self, centre: str) -> Self:
        """The same of another centre, or of all."""
        return replace(self, centre=centre, wide=self.wide.at(centre), narrow=self.narrow.at(centre))

    def of(self, arm: str) -> Self:
        """The same of another arm, or of all."""
        return replace(self, arm=arm, wide=self.wide.of(arm), narrow=self.narrow.of(arm))

    def __str__(self) -> str:
        return f"{self.wide} but not {self.narrow}"


@dataclass(frozen=True)
class Measure:
    """A measure of an outcome by a month, as its rows count it.

    Parameters
    ----------
    who : Achieving
    rows : list of (int, dict)
        Positions and rows, those without covariates and those with: of ``who.is_adjusted``.
    study : Study
    """

    who: Achieving
    rows: list[tuple[int, Row]]
    study: Study

    @cached_property
    def n(self) -> dict[Cell, float]:
        """Persons by centre and arm."""
        return {(row["centre"], arm): float(row[f"n_{side}"]) for _, row in self.rows for side, arm in sides(row)}

    @cached_property
    def value(self) -> dict[Cell, float]:
        """Sum of the measure by centre and arm: persons, or months."""
        found = {}
        for _, row in self.rows:
            for side, arm in sides(row):
                mean, n = row[f"mean_{side}"], float(row[f"n_{side}"])
                found[row["centre"], arm] = round(mean * n, 6) if is_known(mean) else 0.0
        return found

    @cached_property
    def is_whole(self) -> bool:
        """Whether it is known of everybody analysed."""
        return all(n == self.study.n_analysed[cell] for cell, n in self.n.items())

    @property
    def is_primary(self) -> bool:
        """Whether tables count the outcome by month."""
        return self.who.outcome == self.study.cohort.outcome.primary

    def persons(self, centre: str, arm: str) -> Key:
        """Key of the persons of whom it is known: all of the cell where it is known of everybody."""
        is_everybody = self.n[centre, arm] == self.study.n_analysed[centre, arm]
        return analysed(centre, arm) if is_everybody else In(centre, arm, self.who)

    def key(self, centre: str, arm: str) -> Key:
        """Key of those who have achieved it, or of their months."""
        span = Span(self.who.outcome, 1, self.who.last)
        if self.who.measure != MONTHS:
            ever = Ever(centre, arm, span)
            return ever if self.who.measure == EVER else Kept(centre, arm, span, self.who.measure)
        if self.is_primary and all(self._is_seen[centre, arm, k] for k in range(1, self.who.last + 1)):
            return Months(centre, arm, span)
        return Sum(centre, arm, f"months of {self.who.outcome}", str(self.who.last))

    @cached_property
    def _is_seen(self) -> dict[tuple[str, str, int], bool]:
        """Whether everybody of a cell is observed in a month."""
        frame = self.study.tables["employment_by_month"]
        is_seen = frame["n_observed"] == frame["n_persons"]
        return dict(zip(zip(frame["centre"], frame["arm"], frame["month"], strict=True), is_seen, strict=True))


def achieved(study: Study) -> Iterator[Entry]:
    """Who achieved what by which month, and the differences that rest on them."""
    found = _measures(study)
    ever = {(m.who.outcome, m.who.last): m for m in found if m.who.measure == EVER and not m.who.is_adjusted}
    for one in found:
        yield from _persons(one)
        if not one.who.is_adjusted:
            of_ever = ever[one.who.outcome, one.who.last]
            yield from _sums(one, of_ever) if one.who.measure == MONTHS else _who(one)
        for i, row in one.rows:
            yield from _cells(one, i, row)
    yield from _between(found)
    for one in ever.values():
        if one.is_primary:
            yield from _of_months(one, list(ever.values()))
            yield from _of_all(one)
    yield from _waits(study)


def _measures(study: Study) -> list[Measure]:
    """Every measure that is known of somebody."""
    rows: dict[Achieving, list[tuple[int, Row]]] = {}
    for i, row in study.rows(TABLE):
        if row["measure"] != WAITING and row["status"] not in ("not_delivered", "no_days", "no_jobs"):
            is_adjusted = not {*ADJUST}.isdisjoint(row["adjustment"].split(" + "))
            who = Achieving(row["outcome"], row["measure"], int(row["by_month"]), is_adjusted)
            rows.setdefault(who, []).append((i, row))
    return [Measure(who, own, study) for who, own in rows.items()]


def _persons(one: Measure) -> Iterator[Entry]:
    """Of whom it is known, and of whom not."""
    for (centre, arm), n in one.n.items():
        here = one.study.n_analysed[centre, arm]
        yield from inside(one.study, one.persons(centre, arm), analysed(centre, arm), n, here)
    for arm in one.study.arms:
        whole = one.persons(ALL, arm)
        parts = [one.persons(centre, arm) for centre in one.study.centres]
        if isinstance(whole, In):
            yield total(whole, parts)
            yield total(others(whole), [others(part) for part in parts if isinstance(part, In)])


def _who(one: Measure) -> Iterator[Entry]:
    """Who has achieved it and who has not; in an arm of a centre that nobody or everybody has tells of each."""
    most = one.study.n_randomised
    for (centre, arm), value in one.value.items():
        key, n = one.key(centre, arm), one.n[centre, arm]
        yield Count(key, value, zero_tells=centre != ALL and n > 0, upper=most)
        yield Count(others(key), n - value, zero_tells=n > 0, upper=most)
        yield total(one.persons(centre, arm), [key, others(key)])
    for arm in one.study.arms:
        yield from (over_centres(one.study, key) for key in (one.key(ALL, arm), others(one.key(ALL, arm))))


def _sums(one: Measure, ever: Measure) -> Iterator[Entry]:
    """Months with the outcome, behind which stands who ever had it."""
    study = one.study
    for (centre, arm), value in one.value.items():
        key, persons = one.key(centre, arm), min(one.n[centre, arm], ever.value[centre, arm])
        tells = centre != ALL and one.n[centre, arm] > 0
        yield Count(key, value, persons=persons, zero_tells=tells, upper=study.most_months)
        if isinstance(key, Months):
            yield total(key, [Employed(centre, arm, k) for k in range(1, one.who.last + 1)])
    yield from (total(one.key(ALL, arm), [one.key(c, arm) for c in study.centres]) for arm in study.arms)


def _cells(one: Measure, i: int, row: Row) -> Iterator[Entry]:
    """What a row prints."""
    study, centre, who = one.study, row["centre"], one.who
    persons = [one.persons(centre, arm) for _, arm in sides(row)]
    yes = [one.key(centre, arm) for _, arm in sides(row)]
    for (side, _), n, key in zip(sides(row), persons, yes, strict=True):
        yield Printed(TABLE, i, f"n_{side}", n)
        if not who.is_adjusted:
            yield Shown(TABLE, i, (f"mean_{side}",), (key, n), over=1.0)
    fewest = min(row["n_assigned"], row["n_control"])
    if is_known(row["df"]) and row["df"] < study.profile.min_residual_df:
        fewest = 0
    keys: tuple[Key, ...] = (*persons, *yes)
    if row["adjustment"] == "centre" and one.is_whole:
        weighted = list(_told(one, row))
        keys += tuple(entry.key for entry in weighted if isinstance(entry, Count))
        yield from weighted
    yield Shown(TABLE, i, ESTIMATE, keys, fewest)


def _told(one: Measure, row: Row) -> Iterator[Entry]:
    """What the difference over all centres tells: least squares on arms and centres weighs cells that are printed."""
    study, who = one.study, one.who
    terms: dict[Key, tuple[float, float]] = {
        one.key(centre, arm): (weight / one.n[centre, arm], one.value[centre, arm])
        for (centre, arm), weight in contrast(study, row["arm"]).items()
    }
    key = Weighted(ALL, row["arm"], f"{who.measure} of {who.outcome}", 1, who.last)
    yield from told(key, terms, study.most_months, study.profile.decimals)


def _between(found: list[Measure]) -> Iterator[Entry]:
    """Who achieved it between two months, and who achieved one thing without the other that asks for more."""
    counted = [m for m in found if m.who.measure != MONTHS and not m.who.is_adjusted]
    for _, group in itertools.groupby(counted, key=lambda m: (m.who.outcome, m.who.measure)):
        yield from (entry for pair in itertools.pairwise(group) for entry in _nested(pair[1], pair[0]))
    ever = {(m.who.outcome, m.who.last): m for m in counted if m.who.measure == EVER}
    for one in counted:
        if one.who.measure != EVER:
            yield from _nested(ever[one.who.outcome, one.who.last], one)


def _nested(wide: Measure, narrow: Measure) -> Iterator[Entry]:
    """Persons of one number who are not in another that is part of it."""
    for cell, value in wide.value.items():
        yield from _but(wide.study, wide.key(*cell), value, narrow.key(*cell), narrow.value[cell])


def _but(study: Study, wide: Key, more: float, narrow: Key, less: float) -> Iterator[Entry]:
    if more >= less:
        left = But(wide.centre, wide.arm, wide, narrow)
        yield Count(left, more - less, upper=study.n_randomised)
        yield total(wide, [narrow, left])


def _of_months(one: Measure, every: list[Measure]) -> Iterator[Entry]:
    """Who has the outcome in a month has ever had it by then, and who never has not in that month."""
    before = max((m.who.last for m in every if m.is_primary and m.who.last < one.who.last), default=0)
    for centre, arm in one.value:
        key = one.key(centre, arm)
        for k in range(before + 1, one.who.last + 1):
            yield Within(Employed(centre, arm, k), key)
            if not one.is_whole:
                yield Within(others(key), others(Employed(centre, arm, k)))


def _of_all(one: Measure) -> Iterator[Entry]:
    """Who has it in a month from 0 on, and who has found a first job: those of months from 1 on, and of month 0."""
    study, last = one.study, one.who.last
    over_all = _ever_from_0(study)
    for (centre, arm), value in one.value.items():
        key, at_0 = one.key(centre, arm), Employed(centre, arm, 0)
        if last == study.cohort.window.after and (centre, arm) in over_all:
            from_0 = Ever(centre, arm, Span(one.who.outcome, 0, last))
            yield from _but(study, from_0, over_all[centre, arm], key, value)
            yield Within(from_0, key, more=(at_0,))
        found = _found(study, arm, last)
        if centre == ALL and found is not None and one.is_whole:
            job = Found(ALL, arm, None, last)
            yield from _but(study, job, found, key, value)
            yield Within(job, key, more=(at_0,))


def _ever_from_0(study: Study) -> dict[Cell, float]:
    """Persons with the primary outcome in months 0..after, as the table of effects counts those of everybody."""
    found = {}
    for _, row in study.rows("effects"):
        is_of_all = row["outcome"] == study.cohort.outcome.primary and row["subgroup"] == ALL and row["n_obs"]
        if is_of_all and (row["month_from"], row["month_to"]) == (0, study.cohort.window.after):
            for side, arm in sides(row):
                if row[f"n_{side}"] == study.n_analysed[row["centre"], arm]:
                    found[row["centre"], arm] = float(row[f"n_{side}_ever"])
    return found


def _found(study: Study, arm: str, month: int) -> float | None:
    """Persons of an arm who have found a first job by a month, where nobody is left out; None where somebody is."""
    frame = study.tables["time_to_job"]
    rows = frame[(frame["arm"] == arm) & (frame["month"] <= month)]
    if study.cohort.outcome.primary != ORDINARY_EMPLOYMENT or rows["n_left_out"].gt(0).any():
        return None
    return float(rows["n_events"].sum())


def _waits(study: Study) -> Iterator[Entry]:
    """Mean wait for a service of the arm as a whole, by the last month: others would tell of few by subtraction.

    Where a profile asks who holds most of a sum it stays inside, as tables do not say.
    """
    last = max(study.cohort.achieved.months, default=0)
    is_ruled = study.profile.dominance is not None or study.profile.p_ratio is not None
    for i, row in study.rows(TABLE):
        if row["measure"] != WAITING or not is_known(row["n_assigned"]):
            continue
        if row["centre"] == ALL and int(row["by_month"]) == last:
            key = In(ALL, row["arm"], Achieving(row["outcome"], WAITING, last))
            n = float(row["n_assigned"])
            yield from inside(study, key, analysed(ALL, row["arm"]), n, study.n_analysed[ALL, row["arm"]])
            yield Printed(TABLE, i, "n_assigned", key)
            if not is_ruled:
                yield Shown(TABLE, i, ("mean_assigned",), (key,), n)
