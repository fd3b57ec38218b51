"""What the tables of centres as places rest on: facts of teams, printed elsewhere, on nobody; exposure on persons."""

import itertools
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from ipseval.disclosure.derived import together
from ipseval.disclosure.keys import Key, others
from ipseval.disclosure.ledger import Count, Entry, Printed, Relation, Shown, total
from ipseval.disclosure.regressed import Effects
from ipseval.disclosure.study import Study, analysed
from ipseval.places.timeline import months_after
from ipseval.words import is_known

OF_REVIEW = ("low", "high", "score")
OF_SUMMARY = (
    *("n_reviews", "mean", "first", "last", "change", "slope_per_year", "mean_low", "mean_high"),
    *("change_low", "change_high", "slope_low", "slope_high"),
)

OF_EFFECTS = ("mean_group", "mean_other", "difference", "n_as_large", "p_value")
OF_GROUPS = ("n_assignments", "smallest_p", "n_centres_group", "n_centres_other", "n_compared")


@dataclass(frozen=True)
class Entered(Key):
    """Persons randomised in calendar months from ``first`` to before ``until``; ``None``: since ever, or for ever.

    Months are counted since 1970-01. Everybody is followed for the same number of months, so that who has a month of
    the follow-up before or after an event is who was randomised before or after a month.
    """

    kind = "persons by month of randomisation"
    first: int | None
    until: int | None


@dataclass(frozen=True)
class Followed(Key):
    """Person-months of the follow-up in calendar months from ``first`` to before ``until``."""

    kind = "months after an event"
    first: int
    until: int | None = None


@dataclass(frozen=True)
class Across(Followed):
    """Those of persons who also have a month before."""

    kind = "months after an event of those followed before"


@dataclass(frozen=True)
class Spare(Key):
    """Months above the fewest that such persons can have, or up to the most (``is_most``)."""

    kind = "months to spare"
    months: Followed
    is_most: bool


def organisation(study: Study) -> Iterator[Entry]:
    """What is printed of the centres, and what happened there: texts, codes and dates, and no number."""
    yield from ()


def organisation_tests(study: Study) -> Iterator[Entry]:
    """Tests of two groups of centres: what comes of the centres' effects leaves where all that are pooled may leave."""
    known = Effects(study)
    for i, row in study.rows("organisation_tests"):
        rests = together(study, known, row["analysis"], row["arm"])
        yield Shown("organisation_tests", i, OF_EFFECTS, rests.keys, rests.fewest)
        yield Shown("organisation_tests", i, OF_GROUPS)


def fidelity(study: Study) -> Iterator[Entry]:
    """Scores of reviews, and what is summed up of them: of teams, from published reviews, and of no person."""
    for table, columns in (("fidelity", OF_REVIEW), ("fidelity_summary", OF_SUMMARY)):
        for i, _ in study.rows(table):
            yield Shown(table, i, columns)


@dataclass(frozen=True)
class Passed:
    """An event of a centre as an arm lived through it.

    Parameters
    ----------
    first, possible : int
        The first month that is certainly after it, and the first that may be; months since 1970-01. Nobody has a month
        of the follow-up between them.
    months, after, before : float
        Months after it; persons with one, and persons with a month before it.
    """

    first: int
    possible: int
    months: float
    after: float
    before: float


@dataclass(frozen=True)
class Arrivals:
    """Persons of an arm of a centre by the month of their randomisation, as far as what is printed tells of it.

    Everybody is followed for ``length`` months: a month after an event that makes ``first`` the first one has who was
    randomised in ``first - length + 1`` or later, and one before it who was randomised before ``first``.

    Parameters
    ----------
    centre, arm : str
    n : float
        Persons.
    length : int
        Months of each.
    events : list of Passed
    """

    centre: str
    arm: str
    n: float
    length: int
    events: list[Passed]

    def key(self, first: int | None, until: int | None) -> Key:
        """Key of the persons randomised within months."""
        whole = first is None and until is None
        return analysed(self.centre, self.arm) if whole else Entered(self.centre, self.arm, first, until)

    def after(self, event: Passed) -> Key:
        """Persons with a month after an event."""
        return self.key(event.first - self.length + 1, None)

    def before(self, event: Passed) -> Key:
        """Persons with a month before it."""
        return self.key(None, event.first)

    @cached_property
    def later(self) -> dict[int | None, float]:
        """Persons randomised in a month or later, in the order of months; ``None`` first: everybody."""
        found: dict[int, float] = {}
        for event in self.events:
            found |= {month - self.length + 1: event.after for month in (event.first, event.possible)}
            found[event.first] = self.n - event.before
        return {None: self.n, **{month: found[month] for month in sorted(found)}}

    def within(self, first: int | None, until: int | None) -> float:
        """Persons randomised within months that events tell of."""
        return self.later[first] - (0.0 if until is None else self.later[until])

    def persons(self, study: Study) -> Iterator[Entry]:
        """Who was randomised between any two months that events tell of: sums of the shortest such spans.

        Of longer spans those that events divide persons by are counted, and all of few persons.
        """
        bounds = [*self.later, None]
        parts = [self.key(*pair) for pair in itertools.pairwise(bounds)]
        told = self._told()
        for i, j in itertools.combinations(range(len(bounds)), 2):
            key, n = self.key(bounds[i], bounds[j]), self.within(bounds[i], bounds[j])
            if j == i + 1 or key in told or 0 < n < study.least:
                yield Count(key, n, upper=study.n_randomised)
                if j > i + 1:
                    yield total(key, parts[i:j])
        yield total(self.key(None, None), parts)

    def _told(self) -> set[Key]:
        """Persons with a month after an event, before it, or both, and all others."""
        found: set[Key] = set()
        for event in self.events:
            early, late = event.first - self.length + 1, event.first
            found |= {
                self.key(*span) for span in ((early, None), (None, early), (late, None), (None, late), (early, late))
            }
        return found

    def months(self, study: Study) -> Iterator[Entry]:
        """Months after each event: all of those randomised after it, and some of those who were followed before."""
        whole, most = analysed(self.centre, self.arm), study.most_months
        for event in self.events:
            key, across = (kind(self.centre, self.arm, event.first) for kind in (Followed, Across))
            late, both = self.key(event.first, None), self.key(event.first - self.length + 1, event.first)
            n_late, n_both = self.n - event.before, event.after + event.before - self.n
            yield Count(both, n_both, upper=study.n_randomised)
            yield Count(key, event.months, persons=event.after, upper=most)
            yield Count(others(key), self.n * self.length - event.months, persons=event.before, upper=most)
            yield Count(across, event.months - self.length * n_late, persons=n_both, upper=most)
            yield Relation(((whole, -float(self.length)), (key, 1.0), (others(key), 1.0)))
            yield Relation(((key, -1.0), (late, float(self.length)), (across, 1.0)))
            yield from self._limits(key, event.months, most)
        yield from self._between(study)

    def _between(self, study: Study) -> Iterator[Entry]:
        """Months after one event and not after another, of those who are followed in them."""
        events = sorted({event.first: event for event in self.events}.values(), key=lambda event: event.first)
        for (i, one), (j, other) in itertools.combinations(enumerate(events), 2):
            n = self.within(one.first - self.length + 1, other.first)
            if j == i + 1 or 0 < n < study.least:
                after_one, after_other = (Followed(self.centre, self.arm, event.first) for event in (one, other))
                key, months = replace(after_one, until=other.first), one.months - other.months
                yield Count(key, months, persons=n, upper=study.most_months)
                yield total(after_one, [after_other, key])
                yield from self._limits(key, months, study.most_months)

    def _limits(self, key: Followed, months: float, upper: float) -> Iterator[Entry]:
        """The fewest and the most months that persons can have who were randomised in these and those months."""
        spans = list(itertools.pairwise([*self.later, None]))
        for is_most, choose in ((False, min), (True, max)):
            times = [choose(self._had(key, *span)) for span in spans]
            left = months - sum(factor * self.within(*span) for factor, span in zip(times, spans, strict=True))
            spare = Spare(self.centre, self.arm, key, is_most)
            yield Count(spare, abs(left), persons=math.inf, upper=upper)
            terms = ((self.key(*span), factor) for factor, span in zip(times, spans, strict=True))
            yield Relation(((key, -1.0), (spare, -1.0 if is_most else 1.0), *terms))

    def _had(self, key: Followed, first: int | None, until: int | None) -> list[float]:
        """Months of a key that persons have who were randomised in the first and the last month of a span."""
        ends = [first, None if until is None else until - 1]
        found = []
        for month in ends:
            if month is not None:
                last = month + self.length if key.until is None else min(month + self.length, key.until)
                found.append(float(max(0, last - max(month, key.first))))
        return found


def exposure(study: Study) -> Iterator[Entry]:
    """Persons of an arm of a centre, and their months after an event.

    Months in which some are not observed stay inside, with the shares that are of them, as those of regressions do.
    """
    last = study.cohort.window.after
    is_complete, length = study.is_complete(0, last), last + 1
    found: dict[tuple[str, str], Arrivals] = {}
    for i, row in study.rows("exposure"):
        c, a, n = row["centre"], row["arm"], float(row["n_persons"])
        yield Printed("exposure", i, "n_persons", analysed(c, a))
        if not is_complete:
            continue
        yield Printed("exposure", i, "n_person_months", analysed(c, a), length)
        if not is_known(row["n_months_after"]):
            continue
        own = found.setdefault((c, a), Arrivals(c, a, n, length, []))
        own.events.append(event := _passed(row))
        after = Followed(c, a, event.first)
        yield Printed("exposure", i, "n_persons_after", own.after(event))
        yield Printed("exposure", i, "n_persons_before", own.before(event))
        yield Printed("exposure", i, "n_months_after", after)
        yield Shown("exposure", i, ("share_after",), (after, analysed(c, a)), over=float(length))
    for own in found.values():
        yield from own.persons(study)
        yield from own.months(study)


def _passed(row: Mapping[str, Any]) -> Passed:
    first, possible = months_after(str(row["on"]))
    counts = (float(row[name]) for name in ("n_months_after", "n_persons_after", "n_persons_before"))
    return Passed(first, possible, *counts)
