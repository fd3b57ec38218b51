"""What the tables of models rest on: entries of the ledger for effects and everything that is estimated.

A regression's estimate is released when enough persons of both arms stand behind it. One that is the difference of two
shares, because the regression holds nothing but centres and time, is released as these shares are.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from ipseval.disclosure.counted import observed
from ipseval.disclosure.keys import (
    ALL,
    AllMonths,
    Employed,
    In,
    Key,
    Known,
    Months,
    Seen,
    others,
)
from ipseval.disclosure.ledger import Count, Entry, Printed, Relation, Shown, Within, nobody, total
from ipseval.disclosure.regressed import (
    Effects,
    all_persons,
    effect_label,
    ever,
    months_key,
    outcome_key,
    persons_key,
    scope,
    sides,
    whole_key,
)
from ipseval.disclosure.samples import Complete, Span
from ipseval.disclosure.study import Study, analysed, inside, over_centres
from ipseval.words import is_known

ESTIMATE = (
    *("estimate", "std_error", "df", "statistic", "p_value", "ci_low", "ci_high"),
    *("p_adjusted", "draws", "seed", "family", "band_low", "band_high", "critical_value"),
)
COUNTS = tuple(f"n_{side}{what}" for what in ("", "_months", "_ever") for side in ("assigned", "control"))


def effects(study: Study) -> Iterator[Entry]:
    """Persons, their months with the outcome, and the estimates that rest on them."""
    known = Effects(study)
    summed: dict[Key, None] = {}
    for i, row in study.rows("effects"):
        if not row["n_obs"]:
            yield from _not_done(known, i, row)
            continue
        both = []
        for side, arm in sides(row):
            persons, outcome = persons_key(known, row, arm), outcome_key(known, row, arm)
            months = months_key(known, row, side, arm)
            both.append(persons)
            own = (persons, outcome, months.key)
            summed |= dict.fromkeys(key for key in own if isinstance(key, In | Months | Seen))
            yield from _persons(study, persons, row, side)
            yield from _outcome(study, known, row, side, arm)
            yield Printed("effects", i, f"n_{side}", persons)
            yield Printed("effects", i, f"n_{side}_ever", ever(outcome))
            yield Printed("effects", i, f"n_{side}_months", months.key, months.factor, beside=(persons,))
            yield Shown("effects", i, (f"mean_{side}",), (outcome, months.key), over=months.factor)
        whole = whole_key(known, row)
        if isinstance(whole.key, AllMonths):
            yield Count(whole.key, row["n_obs"], upper=study.most_months)
        yield Printed("effects", i, "n_obs", whole.key, whole.factor, beside=tuple(both))
        rests = known.behind[effect_label(row)]
        yield Shown("effects", i, ESTIMATE, rests.keys, rests.fewest)
        yield Shown("effects", i, ("first_month", "last_month"), rests.keys, rests.fewest)  # of one person, at worst
    yield from _sums(study, summed)
    for cells in known.regressions.values():
        yield from _whole(study, known, list(cells.values()))


def _not_done(known: Effects, i: int, row: dict[str, Any]) -> Iterator[Entry]:
    """A regression that was not done counts nobody; where nobody was observed, that is what its months' counts are."""
    keys: list[Key] = []
    for side, arm in sides(row):
        persons, outcome = persons_key(known, row, arm), outcome_key(known, row, arm)
        if row["status"] == "no_observations" and isinstance(outcome, Employed):
            keys += [persons, outcome]
            yield Printed("effects", i, f"n_{side}", persons)
            yield Printed("effects", i, f"n_{side}_months", persons)
            yield Printed("effects", i, f"n_{side}_ever", outcome, beside=(persons,))
    if not keys:
        yield from nobody("effects", i, (*COUNTS, "n_obs"))
        return
    for entry in nobody("effects", i, ["n_obs"]):
        yield replace(entry, beside=tuple(keys)) if isinstance(entry, Printed) else entry
    yield Shown("effects", i, ("estimate",), tuple(keys))


def _whole(study: Study, known: Effects, cells: list[dict[str, Any]]) -> Iterator[Entry]:
    """Persons and months of a whole regression: the sums over its arms, and centres where it counts by centre."""
    row = cells[0]
    whole, months, where = all_persons(known, row), whole_key(known, row).key, scope(known, row)
    if isinstance(whole, In):
        n = float(sum(cell[f"n_{cell['side']}"] for cell in cells))
        yield from inside(study, whole, analysed(where, ALL), n, study.n_analysed[where, ALL])
        yield total(whole, [persons_key(known, cell, cell["counted_arm"]) for cell in cells])
    if isinstance(months, AllMonths) and sum(cell[f"n_{cell['side']}_months"] for cell in cells) == row["n_obs"]:
        parts = [months_key(known, cell, cell["side"], cell["counted_arm"]) for cell in cells]
        yield Relation(((months, -1.0), *((part.key, part.factor) for part in parts)))


def _persons(study: Study, key: Key, row: dict[str, Any], side: str) -> Iterator[Entry]:
    """Persons in and out of a regression that does not hold everybody, or of a subgroup."""
    if isinstance(key, In):
        n, here = float(row[f"n_{side}"]), study.n_analysed[key.centre, key.arm]
        yield from inside(study, key, analysed(key.centre, key.arm), n, here)
        yield from _with_known_covariates(study, key, n)


def _with_known_covariates(study: Study, key: In, n: float) -> Iterator[Entry]:
    """Who is in a regression has a known value of its covariates: of one covariate mostly everybody who has.

    Who is not in it lacks one of them, is of another subgroup or has no observed month.
    """
    frame = study.tables["balance"]
    here = frame[(frame["centre"] == key.centre) & (frame["arm"] == key.arm)]
    n_known = here.drop_duplicates("variable").set_index("variable")["n"]
    who = key.who.who if isinstance(key.who, Span) else key.who
    covariates = [v for v in who.covariates if v in n_known.index] if isinstance(who, Complete) else []
    known = [Known(key.centre, key.arm, variable) for variable in covariates]
    yield from (Within(key, one) for one in known)
    if len(known) == 1 and who == Complete(tuple(covariates)) and n == n_known[covariates[0]]:
        yield total(known[0], [key])
    if known and isinstance(who, Complete) and not who.group and covariates == list(who.covariates):
        lacking = [others(one) for one in known]
        yield Within(others(key), lacking[0], more=(*lacking[1:], *_unseen(study, key)))


def _unseen(study: Study, key: In) -> tuple[Key, ...]:
    """Persons without an observed month of a regression; none where everybody has one."""
    if not isinstance(key.who, Span):
        return ()
    everybody = replace(key.who, who=Complete())
    if everybody.first == everybody.last and everybody.outcome == study.cohort.outcome.primary and key.arm != ALL:
        return (others(observed(study, key.centre, key.arm, everybody.first)),)
    return (others(In(key.centre, key.arm, everybody)),)


def _outcome(study: Study, known: Effects, row: dict[str, Any], side: str, arm: str) -> Iterator[Entry]:
    """Months with the outcome, and by how many persons."""
    key = outcome_key(known, row, arm)
    if not isinstance(key, Months) or not is_known(row[f"mean_{side}"]):
        return
    n, n_ever, seen = (float(row[f"n_{side}{what}"]) for what in ("", "_ever", "_months"))
    tells, own = key.centre != ALL and n > 0, ever(key)
    yield Count(key, row[f"mean_{side}"] * seen, persons=n_ever, zero_tells=tells, upper=study.most_months)
    yield Count(own, n_ever, zero_tells=tells, upper=study.n_randomised)
    yield Count(others(own), n - n_ever, zero_tells=n > 0, upper=study.n_randomised)
    yield total(persons_key(known, row, arm), [own, others(own)])
    months = months_key(known, row, side, arm).key
    if isinstance(months, Seen):
        yield Count(months, seen, persons=n, upper=study.most_months)


def _sums(study: Study, summed: dict[Key, None]) -> Iterator[Entry]:
    """Months are the sum over the months of the panel, and numbers of the whole trial that over its centres."""
    for key in summed:
        if isinstance(key, Months | Seen):
            span = range(key.span.first, key.span.last + 1)
            if key.span.outcome == study.cohort.outcome.primary and key.span.is_of_everybody:
                is_seen = isinstance(key, Seen)
                yield total(key, [_of_month(study, key.centre, key.arm, k, is_seen) for k in span])
        if isinstance(key, Months):
            yield from _limits(study, key)
        if key.centre == ALL:
            parts: list[Key] = [key]
            parts += [ever(key), others(ever(key))] if isinstance(key, Months) else []
            parts += [others(key)] if isinstance(key, In) else []
            yield from (over_centres(study, one) for one in parts)


def _of_month(study: Study, centre: str, arm: str, month: int, is_seen: bool) -> Key:
    return observed(study, centre, arm, month) if is_seen else Employed(centre, arm, month)


def _limits(study: Study, key: Months) -> Iterator[Entry]:
    """Nobody has the outcome in more months than there are, in a subset than in all, or in a month but never."""
    span, own = key.span, ever(key)
    yield Within(own, key)
    yield Within(key, own, span.last - span.first + 1)
    if not span.is_of_everybody:
        for who in dict.fromkeys((Complete(), Complete(span.who.covariates))):
            whole = Months(key.centre, key.arm, Span(span.outcome, span.first, span.last, who))
            if whole != key:
                yield Within(key, whole)
                yield Within(own, ever(whole))
                yield Within(others(own), others(ever(whole)))
    elif span.outcome == study.cohort.outcome.primary:
        for k in range(span.first, span.last + 1):
            yield Within(Employed(key.centre, key.arm, k), own)
            yield Within(others(own), others(Employed(key.centre, key.arm, k)))
