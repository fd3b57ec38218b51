"""What the tables of counts count: entries of the ledger for flow, subsidies, months and receipt."""

import itertools
from collections.abc import Iterator

import numpy as np

from ipseval.config import ORDINARY_EMPLOYMENT
from ipseval.disclosure.ledger import Count, Entry, Key, Shown, Within, total
from ipseval.disclosure.study import ALL, EMPLOYED, OBSERVED, PERSONS, RANDOMISED, Study, analysed, over_centres, part
from ipseval.words import is_known


def flow(study: Study) -> Iterator[Entry]:
    """Persons at each step of the flow, and those who leave at it."""
    found = {(row["step"], row["centre"], row["arm"]): (i, row) for i, row in study.rows("flow")}
    steps = list(dict.fromkeys(step for step, _, _ in found))
    places = list(dict.fromkeys((centre, arm) for _, centre, arm in found))
    for centre, arm in places:
        for step, before in zip(steps, [None, *steps], strict=False):
            i, row = found[step, centre, arm]
            here, left = (PERSONS, step, centre, arm), ("left", step, centre, arm)
            yield Count(here, row["n_persons"], upper=study.n_randomised)
            yield Shown("flow", i, ("n_persons",), (here,))
            if before is None:
                yield Shown("flow", i, ("n_excluded",))
                continue
            yield Count(left, row["n_excluded"], upper=study.n_randomised)
            yield Shown("flow", i, ("n_excluded",), (left,))
            yield total((PERSONS, before, centre, arm), [here, left])
    for step, kind in itertools.product(steps, (PERSONS, "left")):
        for arm in dict.fromkeys(arm for _, arm in places):
            yield total((kind, step, ALL, arm), [(kind, step, c, arm) for c in study.centres])
        for centre in dict.fromkeys(centre for centre, _ in places):
            yield total((kind, step, centre, ALL), [(kind, step, centre, a) for a in study.arms])


def inclusion(study: Study) -> Iterator[Entry]:
    """Randomised and analysed persons of a centre: numbers of the flow."""
    for i, row in study.rows("inclusion"):
        both = (analysed(row["centre"], ALL), (PERSONS, RANDOMISED, row["centre"], ALL))
        for column, key in zip(("n_analysed", "n_randomised"), both, strict=True):
            yield Count(key, row[column], upper=study.n_randomised)
            yield Shown("inclusion", i, (column,), (key,))
        yield Shown("inclusion", i, ("share",), both, over=1.0)


def employment_by_month(study: Study) -> Iterator[Entry]:
    """Persons with the outcome, without it and not observed, month by month."""
    for i, row in study.rows("employment_by_month"):
        c, a, k, n = row["centre"], row["arm"], int(row["month"]), float(row["n_persons"])
        seen, yes, no = observed(study, c, a, k), (EMPLOYED, c, a, k), ("not_employed", c, a, k)
        n_observed, n_yes = float(row["n_observed"]), float(row["n_employed"])
        if not study.is_complete:
            missing = ("not_observed", c, a, k)
            yield Count(seen, n_observed, upper=study.n_randomised)
            yield Count(missing, n - n_observed, upper=study.n_randomised)
            yield total(analysed(c, a), [seen, missing])
        for key, value in ((yes, n_yes), (no, n_observed - n_yes)):
            yield Count(
                key,
                value,
                zero_tells=c != ALL and n_observed > 0,
                in_curve=c == ALL and key is yes,
                upper=study.n_randomised,
            )
        yield total(seen, [yes, no])
        yield Shown("employment_by_month", i, ("n_persons",), (analysed(c, a),))
        yield Shown("employment_by_month", i, ("n_observed",), (seen,))
        yield Shown("employment_by_month", i, ("n_employed",), (yes,))
        yield Shown("employment_by_month", i, ("share",), (yes, seen), over=1.0)
    months = study.cohort.window.months
    for arm, k in itertools.product(study.arms, months):
        for kind in (EMPLOYED, "not_employed", OBSERVED, "not_observed"):
            yield over_centres(study, (kind, k), arm)


def observed(study: Study, centre: str, arm: str, month: int) -> Key:
    """Key of the persons observed in a month: the analysed ones when nobody is ever missing."""
    return analysed(centre, arm) if study.is_complete else (OBSERVED, centre, arm, month)


def months_employed(study: Study, arm: str, first: int, last: int) -> Key:
    """Key of the months with the primary outcome in an arm of the whole trial."""
    return ("months", ALL, arm, study.cohort.outcome.primary, "", "", first, last)


def sum_of_months(study: Study, arm: str, first: int, last: int) -> Iterator[Entry]:
    """Months with the primary outcome in an arm of the whole trial: the sum of its monthly counts."""
    span = [k for k in study.cohort.window.months if first <= k <= last]
    counts = [study.employed[ALL, arm, k] for k in span]
    key, persons = months_employed(study, arm, first, last), max(counts, default=0.0)
    yield Count(key, sum(counts), persons=persons, upper=study.most_months)
    yield total(key, [(EMPLOYED, ALL, arm, k) for k in span])


def wage_subsidy(study: Study) -> Iterator[Entry]:
    """Persons with a subsidy, and their months."""
    for i, row in study.rows("wage_subsidy"):
        c, a, n = row["centre"], row["arm"], float(row["n_persons"])
        yield Shown("wage_subsidy", i, ("n_persons",), (analysed(c, a),))
        if not is_known(row["n_person_months"]):
            continue
        months, subsidised = ("months_of_subsidies", c, a), ("subsidised_months", c, a)
        yes, no = ("subsidised", c, a), ("not_subsidised", c, a)
        persons, n_months = float(row["n_persons_subsidised"]), float(row["n_person_months"])
        yield from part(study, yes, no, analysed(c, a), persons, n, c, a)
        yield Count(months, n_months, persons=n, upper=study.most_months)
        yield Count(
            subsidised,
            row["n_subsidised"],
            persons=persons,
            upper=study.most_months,
            zero_tells=c != ALL and n > 0,
        )
        yield Within(yes, subsidised)
        yield Within(subsidised, yes, n_months / n if n else 0.0)
        yield Shown("wage_subsidy", i, ("n_person_months",), (months, analysed(c, a)))
        yield Shown("wage_subsidy", i, ("n_subsidised",), (subsidised,))
        yield Shown("wage_subsidy", i, ("n_persons_subsidised",), (yes,))
        yield Shown("wage_subsidy", i, ("share",), (subsidised, months), over=1.0)
    for arm, kind in itertools.product(
        study.arms, ("subsidised", "not_subsidised", "subsidised_months", "months_of_subsidies")
    ):
        yield over_centres(study, (kind,), arm)


def receipt(study: Study) -> Iterator[Entry]:
    """Persons who received each service within months, and those who began it."""
    kinds: set[Key] = set()
    for i, row in study.rows("receipt"):
        c, a, n = row["centre"], row["arm"], float(row["n_persons"])
        yield Shown("receipt", i, ("n_persons",), (analysed(c, a),))
        if not is_known(row["n_received"]):
            continue
        span = (row["service"], int(row["month_from"]), int(row["month_to"]))
        for column, kind in (("n_received", "received"), ("n_started", "started")):
            yes, no = (kind, c, a, *span), (f"not_{kind}", c, a, *span)
            yield from part(study, yes, no, analysed(c, a), float(row[column]), n, c, a)
            yield Shown("receipt", i, (column,), (yes,))
            kinds |= {(kind, *span), (f"not_{kind}", *span)}
        yield Within(("started", c, a, *span), ("received", c, a, *span))
        yield Within(("received", c, a, *span), ("received", c, a, row["service"], 0, study.cohort.window.after))
        yield Shown("receipt", i, ("share",), (("received", c, a, *span), analysed(c, a)), over=1.0)
    for one, arm in itertools.product(sorted(kinds), study.arms):
        yield over_centres(study, one, arm)
    yield from _later_starts(study)


def _later_starts(study: Study) -> Iterator[Entry]:
    """Who began in the whole follow-up began before or after the split."""
    spans = {(row["service"], int(row["month_from"]), int(row["month_to"])) for _, row in study.rows("receipt")}
    for service in sorted({s for s, _, _ in spans}):
        own = sorted((first, last) for s, first, last in spans if s == service)
        if len(own) == 3:
            early, whole, late = own
            for centre, arm in itertools.product((*study.centres, ALL), study.arms):
                keys = [("started", centre, arm, service, *span) for span in (whole, early, late)]
                yield total(keys[0], keys[1:])


def time_to_job(study: Study) -> Iterator[Entry]:
    """The curve at months between which nobody or enough persons found a job or were lost; others are passed over."""
    frame = study.tables["time_to_job"]
    for arm, rows in frame.assign(at=range(len(frame))).groupby("arm", sort=False):
        found, whole = rows.sort_values("month"), analysed(ALL, str(arm))
        events, lost = (found[name].cumsum().to_numpy() for name in ("n_events", "n_censored"))
        chosen, start = kept(events, lost, study.least), int(found["n_at_risk"].gt(0).to_numpy().argmax())
        first = first_month(study, str(arm), int(found["month"].iloc[start]))
        for place, i in enumerate(found["at"]):
            keys = (whole, *first) if place <= start + 1 else (whole,)
            if place in chosen:
                yield Shown("time_to_job", i, CURVE, keys)
            if not place or place - 1 in chosen:
                yield Shown("time_to_job", i, ("n_at_risk",), keys)
                yield from [Shown("time_to_job", i, ("n_events", "n_censored"), keys)] * (place in chosen)


def first_month(study: Study, arm: str, month: int) -> tuple[Key, ...]:
    """What the first step of the curve tells: who is observed in its month, and who has a job then."""
    if study.cohort.outcome.primary != ORDINARY_EMPLOYMENT:
        return ()
    return observed(study, ALL, arm, month), (EMPLOYED, ALL, arm, month)


def kept(events: np.ndarray, lost: np.ndarray, least: int) -> set[int]:
    """Places of a curve that can be shown: none or at least ``least`` persons are between two that follow each other.

    Parameters
    ----------
    events, lost : int array, length T
        Persons with the event and lost, so far.
    least : int
    """

    def apart(earlier: int, later: int) -> bool:
        steps = [so_far[later] - (so_far[earlier] if earlier >= 0 else 0) for so_far in (events, lost)]
        return all(step == 0 or step >= least for step in steps)

    places: list[int] = []
    for place in range(len(events)):
        if apart(places[-1] if places else -1, place):
            places.append(place)
    last = len(events) - 1
    while places and places[-1] != last and not apart(places[-1], last):
        places.pop()
    return {*places, last} if apart(places[-1] if places else -1, last) else set()


CURVE = ("survival", "std_error", "ci_low", "ci_high", "share_with_job", "share_low", "share_high")
