"""What the tables of centres as places rest on: facts of teams, printed elsewhere, on nobody; exposure on persons."""

import itertools
import math
from collections.abc import Iterator, Mapping
from typing import Any

from ipseval.disclosure.derived import together
from ipseval.disclosure.keys import After, Afterwards, Between, others
from ipseval.disclosure.ledger import Count, Entry, Printed, Relation, Shown, total
from ipseval.disclosure.regressed import Effects
from ipseval.disclosure.study import Study, analysed, inside
from ipseval.places.timeline import first_month_after
from ipseval.words import is_known

OF_REVIEW = ("low", "high", "score")
OF_SUMMARY = (
    *("n_reviews", "mean", "first", "last", "change", "slope_per_year", "mean_low", "mean_high"),
    *("change_low", "change_high", "slope_low", "slope_high"),
)

OF_EFFECTS = ("mean_group", "mean_other", "difference", "n_as_large", "p_value")
OF_GROUPS = ("n_assignments", "smallest_p", "n_centres_group", "n_centres_other", "n_compared")


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


def exposure(study: Study) -> Iterator[Entry]:
    """Persons of an arm of a centre, and their months after an event.

    Months in which some are not observed stay inside, with the shares that are of them, as those of regressions do.
    """
    last = study.cohort.window.after
    is_complete, length = study.is_complete(0, last), last + 1
    counted: dict[tuple[str, str], list[tuple[After, float]]] = {}
    for i, row in study.rows("exposure"):
        c, a, n = row["centre"], row["arm"], float(row["n_persons"])
        yield Printed("exposure", i, "n_persons", analysed(c, a))
        if not is_complete:
            continue
        yield Printed("exposure", i, "n_person_months", analysed(c, a), length)
        if not is_known(row["n_months_after"]):
            continue
        after, months = After(c, a, row["event"], str(row["on"])), float(row["n_months_after"])
        yield from _persons_of(study, after, row | {"row": i})
        yield Count(after, months, persons=float(row["n_persons_after"]), upper=study.most_months)
        yield Count(others(after), n * length - months, persons=float(row["n_persons_before"]), upper=study.most_months)
        yield Relation(((analysed(c, a), -float(length)), (after, 1.0), (others(after), 1.0)))
        yield Printed("exposure", i, "n_months_after", after)
        yield Shown("exposure", i, ("share_after",), (after, analysed(c, a)), over=float(length))
        counted.setdefault((c, a), []).append((after, months))
    for own in counted.values():
        yield from _between(study, own)


def _persons_of(study: Study, after: After, row: Mapping[str, Any]) -> Iterator[Entry]:
    """Persons with a month after an event, and persons with one before it."""
    whole, n = analysed(after.centre, after.arm), float(row["n_persons"])
    i = int(row["row"])
    for column, is_before in (("n_persons_after", False), ("n_persons_before", True)):
        key = Afterwards(after.centre, after.arm, after.event, after.on, is_before)
        yield from inside(study, key, whole, float(row[column]), n)
        yield Printed("exposure", i, column, key)


def _between(study: Study, own: list[tuple[After, float]]) -> Iterator[Entry]:
    """Months after one event and not after another; of at least as many persons as it takes to fill them."""
    for (one, months), (next_one, fewer) in itertools.pairwise(sorted(own, key=lambda pair: -pair[1])):
        key = Between(one.centre, one.arm, one, next_one)
        span = abs(first_month_after(next_one.on) - first_month_after(one.on))
        persons = math.ceil((months - fewer) / span) if span else 0.0
        yield Count(key, months - fewer, persons=float(persons), upper=study.most_months)
        yield total(one, [next_one, key])
