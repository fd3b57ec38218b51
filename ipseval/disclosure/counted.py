"""What the tables of counts count: entries of the ledger for flow, subsidies, months and receipt."""

import itertools
from collections.abc import Iterator

from ipseval.disclosure.keys import (
    ALL,
    Employed,
    Key,
    Left,
    Months,
    MonthsOfSubsidies,
    Observed,
    Persons,
    Received,
    Started,
    Subsidised,
    SubsidisedMonths,
    others,
)
from ipseval.disclosure.ledger import Count, Entry, Printed, Shown, Within, nobody, total
from ipseval.disclosure.samples import Span
from ipseval.disclosure.study import RANDOMISED, Study, analysed, inside, over_centres, part
from ipseval.words import is_known


def flow(study: Study) -> Iterator[Entry]:
    """Persons at each step of the flow, and those who leave at it."""
    found = {(row["step"], row["centre"], row["arm"]): (i, row) for i, row in study.rows("flow")}
    steps = list(dict.fromkeys(step for step, _, _ in found))
    places = list(dict.fromkeys((centre, arm) for _, centre, arm in found))
    for centre, arm in places:
        for step, before in zip(steps, [None, *steps], strict=False):
            i, row = found[step, centre, arm]
            here, left = Persons(centre, arm, step), Left(centre, arm, step)
            yield Count(here, row["n_persons"], upper=study.n_randomised)
            yield Printed("flow", i, "n_persons", here)
            yield Count(left, row["n_excluded"], upper=study.n_randomised)
            yield Printed("flow", i, "n_excluded", left)
            if before is not None:
                yield total(Persons(centre, arm, before), [here, left])
    arms, centres = (list(dict.fromkeys(place[axis] for place in places)) for axis in (1, 0))
    for step, kind in itertools.product(steps, (Persons, Left)):
        yield from (over_centres(study, kind(ALL, arm, step)) for arm in arms)
        yield from (total(kind(centre, ALL, step), [kind(centre, a, step) for a in study.arms]) for centre in centres)


def inclusion(study: Study) -> Iterator[Entry]:
    """Randomised and analysed persons of a centre: numbers of the flow."""
    for i, row in study.rows("inclusion"):
        both = (analysed(row["centre"], ALL), Persons(row["centre"], ALL, RANDOMISED))
        for column, key in zip(("n_analysed", "n_randomised"), both, strict=True):
            yield Count(key, row[column], upper=study.n_randomised)
            yield Printed("inclusion", i, column, key)
        yield Shown("inclusion", i, ("share",), both, over=1.0)


def employment_by_month(study: Study) -> Iterator[Entry]:
    """Persons with the outcome, without it and not observed, month by month."""
    for i, row in study.rows("employment_by_month"):
        c, a, k, n = row["centre"], row["arm"], int(row["month"]), float(row["n_persons"])
        seen, yes = observed(study, c, a, k), Employed(c, a, k)
        n_observed, n_yes = float(row["n_observed"]), float(row["n_employed"])
        yield from inside(study, seen, analysed(c, a), n_observed, n)
        tells = c != ALL and n_observed > 0
        yield Count(yes, n_yes, zero_tells=tells, in_curve=c == ALL, upper=study.n_randomised)
        # nobody of a whole arm may be a rule of the trial (not employed when randomised), everybody tells of each
        yield Count(others(yes), n_observed - n_yes, zero_tells=n_observed > 0, upper=study.n_randomised)
        yield total(seen, [yes, others(yes)])
        yield Printed("employment_by_month", i, "n_persons", analysed(c, a))
        yield Printed("employment_by_month", i, "n_observed", seen)
        yield Printed("employment_by_month", i, "n_employed", yes)
        yield Shown("employment_by_month", i, ("share",), (yes, seen), over=1.0)
    for arm, k in itertools.product(study.arms, study.cohort.window.months):
        yes, seen = Employed(ALL, arm, k), Observed(ALL, arm, k)
        yield from (over_centres(study, key) for key in (yes, others(yes), seen, others(seen)))


def observed(study: Study, centre: str, arm: str, month: int) -> Key:
    """Key of the persons observed in a month: the analysed ones when nobody is missing then."""
    return analysed(centre, arm) if study.is_complete(month, month) else Observed(centre, arm, month)


def months_employed(study: Study, arm: str, first: int, last: int) -> Months:
    """Key of the months with the primary outcome in an arm of the whole trial."""
    return Months(ALL, arm, Span(study.cohort.outcome.primary, first, last))


def sum_of_months(study: Study, arm: str, first: int, last: int) -> Iterator[Entry]:
    """Months with the primary outcome in an arm of the whole trial: the sum of its monthly counts."""
    span = [k for k in study.cohort.window.months if first <= k <= last]
    counts = [study.employed[ALL, arm, k] for k in span]
    key, persons = months_employed(study, arm, first, last), max(counts, default=0.0)
    yield Count(key, sum(counts), persons=persons, upper=study.most_months)
    yield total(key, [Employed(ALL, arm, k) for k in span])


def wage_subsidy(study: Study) -> Iterator[Entry]:
    """Persons with a subsidy, and their months."""
    for i, row in study.rows("wage_subsidy"):
        c, a, n = row["centre"], row["arm"], float(row["n_persons"])
        yield Printed("wage_subsidy", i, "n_persons", analysed(c, a))
        if not is_known(row["n_person_months"]):
            continue
        if not study.n_months_of_subsidies:  # nobody can have any, as everybody knows
            yield from nobody("wage_subsidy", i, ["n_person_months", "n_subsidised", "n_persons_subsidised"])
            continue
        months, subsidised, yes = MonthsOfSubsidies(c, a), SubsidisedMonths(c, a), Subsidised(c, a)
        persons, n_months = float(row["n_persons_subsidised"]), float(row["n_person_months"])
        tells = c != ALL and n > 0
        yield from part(study, yes, analysed(c, a), persons, n)
        yield Count(months, n_months, persons=n, upper=study.most_months)
        yield Count(subsidised, row["n_subsidised"], persons=persons, upper=study.most_months, zero_tells=tells)
        yield Within(yes, subsidised)
        yield Within(subsidised, yes, study.n_months_of_subsidies)
        yield Within(subsidised, months)
        yield Within(months, analysed(c, a), study.n_months_of_subsidies)
        yield Printed("wage_subsidy", i, "n_person_months", months, beside=(analysed(c, a),))
        yield Printed("wage_subsidy", i, "n_subsidised", subsidised)
        yield Printed("wage_subsidy", i, "n_persons_subsidised", yes)
        yield Shown("wage_subsidy", i, ("share",), (subsidised, months), over=1.0)
    for arm in study.arms:
        yes = Subsidised(ALL, arm)
        keys = (yes, others(yes), SubsidisedMonths(ALL, arm), MonthsOfSubsidies(ALL, arm))
        yield from (over_centres(study, key) for key in keys)


def receipt(study: Study) -> Iterator[Entry]:
    """Persons who received each service within months, and those who began it."""
    found: dict[Received, None] = {}
    for i, row in study.rows("receipt"):
        c, a, n = row["centre"], row["arm"], float(row["n_persons"])
        yield Printed("receipt", i, "n_persons", analysed(c, a))
        if not is_known(row["n_received"]):
            continue
        span = (row["service"], int(row["month_from"]), int(row["month_to"]))
        received, started = Received(c, a, *span), Started(c, a, *span)
        for column, yes in (("n_received", received), ("n_started", started)):
            yield from part(study, yes, analysed(c, a), float(row[column]), n)
            yield Printed("receipt", i, column, yes)
            found |= {yes.at(ALL): None}
        yield Within(started, received)
        yield Within(received, Received(c, a, row["service"], 0, study.cohort.window.after))
        if not row["n_unknown"]:  # else it is of those of whom receipt is known, whom nothing counts
            yield Shown("receipt", i, ("share",), (received, analysed(c, a)), over=1.0)
    for yes in found:
        yield from (over_centres(study, yes), over_centres(study, others(yes)))
    yield from _later_starts(study)


def _later_starts(study: Study) -> Iterator[Entry]:
    """Who began in the whole follow-up began before or after the split."""
    spans = {(row["service"], int(row["month_from"]), int(row["month_to"])) for _, row in study.rows("receipt")}
    for service in sorted({s for s, _, _ in spans}):
        own = sorted((first, last) for s, first, last in spans if s == service)
        if len(own) == 3:
            early, whole, late = own
            for centre, arm in itertools.product((*study.centres, ALL), study.arms):
                keys = [Started(centre, arm, service, *span) for span in (whole, early, late)]
                yield total(keys[0], keys[1:])
