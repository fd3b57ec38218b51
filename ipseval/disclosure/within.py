"""What pooled effects tell of the centres: least squares with a term for each centre weighs cells that anybody knows.

In y ~ arm + centre the residuals of every centre and every arm sum to zero. Without the terms of centres what is left
for each arm is W_a - sum_c (n_ca / n_c) W_c = sum_b B_b (n_b [a = b] - sum_c n_ca n_cb / n_c): W the months in the
outcome, n the months observed, B_b the effects. Whoever reads these knows one weighted sum of the cells. With
covariates it is moved by their terms times the means of the balance table.
"""

from collections.abc import Iterator, Set

from ipseval.config import Analysis
from ipseval.disclosure.keys import ALL, Key, Months, Told
from ipseval.disclosure.ledger import Count, Entry, Relation
from ipseval.disclosure.samples import Span
from ipseval.disclosure.study import Study

CALENDAR_FREE = {"month_since_randomisation"}


def told(study: Study, analysis: Analysis) -> tuple[Key, ...]:
    """Keys of what a pooled analysis tells: with dummies of the calendar nobody knows the weights."""
    is_whole = not analysis.within and not analysis.subgroup and set(analysis.time) <= CALENDAR_FREE
    is_main = analysis.outcome == study.cohort.outcome.primary and analysis.windows(study.cohort.window) == [
        _span(study)
    ]
    return tuple(Told(ALL, arm) for arm in study.arms) if is_whole and is_main else ()


def within_centres(study: Study, counted: Set[Key]) -> Iterator[Entry]:
    """One number an arm, and the cells that it is the weighted sum of, as far as these are counted."""
    outcome = study.cohort.outcome.primary
    frame = study.tables["employment_by_month"]
    sums = frame[frame["month"] >= 0].groupby(["centre", "arm"])[["n_observed", "n_employed"]].sum()
    n, worked = sums["n_observed"].to_dict(), sums["n_employed"].to_dict()
    for arm in study.arms:
        share = {c: n[c, arm] / max(1.0, sum(n[c, b] for b in study.arms)) for c in study.centres}
        factors = {(ALL, arm): 1.0, **{(c, b): -share[c] for c in study.centres for b in study.arms}}
        value = sum(factor * worked[cell] for cell, factor in factors.items())
        key = Told(ALL, arm)
        yield Count(key, value, persons=float("inf"), lower=-study.most_months, upper=study.most_months)
        terms = {Months(*cell, Span(outcome, *_span(study))): factor for cell, factor in factors.items()}
        if counted >= terms.keys():
            yield Relation(((key, -1.0), *terms.items()))


def _span(study: Study) -> tuple[int, int]:
    return (0, study.cohort.window.after)
