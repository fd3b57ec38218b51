"""What the table of missing data counts: entries of the ledger for persons and months that are missing."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from ipseval.disclosure.characteristics import lacks
from ipseval.disclosure.counted import observed
from ipseval.disclosure.derived import in_key, left_out
from ipseval.disclosure.keys import ALL, Employed, Gap, In, Key, Known, others
from ipseval.disclosure.ledger import Count, Entry, Printed, Shown, Within, nobody, total
from ipseval.disclosure.modelled import ESTIMATE
from ipseval.disclosure.regressed import Effects, sides
from ipseval.disclosure.samples import Complete, Having, Possible, Sample, Span
from ipseval.disclosure.stratified import bound_told, is_by_centre
from ipseval.disclosure.study import Study, analysed

COVARIATES = "covariates"  # what rows of the table of missing data that leave persons out are about
TRIMMING = "a month"  # what rows of the table of missing data that bound a single month are about
BOUNDS_OF_A_MONTH = ("lee_lower", "lee_upper")


def missing_data(study: Study) -> Iterator[Entry]:
    """The pooled effect under ways of treating what is missing; who lacks something is counted."""
    known = Effects(study)
    for i, row in study.rows("missing_data"):
        first, last = int(row["month_from"]), int(row["month_to"])
        is_month = row["method"] in BOUNDS_OF_A_MONTH
        about = TRIMMING if is_month else str(row["about"])
        keys: list[Key] = []
        for side, arm in sides(row):
            whole, n, n_missing = study.n_analysed[ALL, arm], row[f"n_{side}"], row[f"n_missing_{side}"]
            having = in_key(study, whole - n_missing, arm, Having(about, first, last))
            yield from left_out(study, having, whole - n_missing)
            is_in = in_key(study, n, arm, _who(known, row, about))
            yield from left_out(study, is_in, n)
            yield Printed("missing_data", i, f"n_{side}", is_in)
            if isinstance(having, In):
                yield Printed("missing_data", i, f"n_missing_{side}", others(having))
            else:
                yield from nobody("missing_data", i, [f"n_missing_{side}"])
            yield from _gaps(study, i, row, side, Gap(ALL, arm, about, first, last, is_outside=False))
            if about == COVARIATES and study.is_complete(first, last):
                yield from _lacking(study, arm, having)
                if isinstance(having, In) and n + n_missing == whole:  # whoever is not in it lacks one
                    yield total(analysed(ALL, arm), [is_in, others(having)])
            keys.append(is_in)
            if is_month:  # what is trimmed is a difference of shares observed, the estimate one of shares employed
                keys += [observed(study, ALL, arm, last), Employed(ALL, arm, last)]
                if isinstance(having, In) and not study.is_complete(last, last):
                    yield total(is_in, [observed(study, ALL, arm, last), others(having)])
        if is_month and is_by_centre(study, row, (last, last)):
            for entry in bound_told(study, row):
                keys += [entry.key] if isinstance(entry, Count) else []
                yield entry
        fewest = min(row["n_assigned"], row["n_control"])
        yield Shown("missing_data", i, (*ESTIMATE, "share_trimmed"), tuple(keys), fewest)


def _lacking(study: Study, arm: str, having: Key) -> Iterator[Entry]:
    """Who lacks a covariate is among those who lack any of them, and those lack one at least."""
    if not isinstance(having, In):
        return
    lacking = [others(Known(ALL, arm, v)) for v in study.cohort.bound.covariates if lacks(study, v)]
    yield from (Within(one, others(having)) for one in lacking)
    if lacking:
        yield Within(others(having), lacking[0], more=tuple(lacking[1:]))


def _who(known: Effects, row: dict[str, Any], about: str) -> Sample:
    """Who is in an estimate of the table, where that is not everybody."""
    study, (first, last) = known.study, (int(row["month_from"]), int(row["month_to"]))
    if row["method"] in ("worst_case", "best_case", *BOUNDS_OF_A_MONTH):
        return Possible(about, first, last)
    covariates: Iterable[str] = ()
    if row["method"] == "complete_case":
        covariates = sorted(v for v in study.cohort.bound.covariates if lacks(study, v))
    if row["method"] == "observed":
        covariates = known.sample("pooled")
    return Span(study.cohort.outcome.primary, first, last, Complete(tuple(covariates)))


def _gaps(study: Study, i: int, row: dict[str, Any], side: str, missing: Gap) -> Iterator[Entry]:
    """Months that are missing, of the persons who lack some, and months that nobody could have observed.

    Whose the latter are is counted nowhere: so many months are of so many persons at least.
    """
    outside, n_missing = replace(missing, is_outside=True), float(row[f"n_missing_{side}"])
    n_outside = float(row[f"n_months_outside_{side}"])
    fewest = float(np.ceil(n_outside / (missing.last - missing.first + 1)))
    yield Count(missing, row[f"n_months_missing_{side}"], persons=n_missing, upper=study.most_months)
    yield Count(outside, n_outside, persons=fewest, upper=study.most_months)
    yield Printed("missing_data", i, f"n_months_missing_{side}", missing)
    yield Printed("missing_data", i, f"n_months_outside_{side}", outside)
