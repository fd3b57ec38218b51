"""Calendar months that an extract speaks of: within the register, its sources and without the months that were lost."""

from collections.abc import Iterable

import numpy as np

from ipseval.config import Cohort
from ipseval.registers.sources import Source, sources


def observed(cohort: Cohort, extracts: Iterable[str], months: np.ndarray) -> np.ndarray:
    """Months that the employment register and the sources of all of some extracts speak of.

    A month outside ``observed_from..observed_until`` or among ``unobserved`` is none.

    Parameters
    ----------
    cohort : Cohort
    extracts : iterable of str
    months : int array
        Calendar months since 1970-01.

    Returns
    -------
    bool array
        Of the same shape.
    """
    spoken = _between(months, cohort.observed_from, cohort.observed_until)
    spoken &= ~np.isin(months, [_number(month) for month in cohort.unobserved])
    for extract in extracts:
        spoken &= within_sources(cohort, extract, months)
    return spoken


def within_sources(cohort: Cohort, extract: str, months: np.ndarray) -> np.ndarray:
    """Months that the sources of an extract speak of; bool, of the shape of ``months`` (since 1970-01).

    A register that ends is followed by one that says when it begins (the employment register by the a-ordningen).
    Beside a source that does not say, one that has ended leaves a gap: what it held is in no other.
    """
    known, spoken = sources(cohort, extract), np.ones(months.shape, bool)
    for source in known:
        followed = [_has(other, months) for other in known if _begins_later(other, source)]
        preceded = [_has(other, months) for other in known if _ends_earlier(other, source)]
        spoken &= ~_after(source, months) | np.any([np.zeros(months.shape, bool), *followed], axis=0)
        spoken &= ~_before(source, months) | np.any([np.zeros(months.shape, bool), *preceded], axis=0)
    return spoken


def _begins_later(other: Source, source: Source) -> bool:
    begins, own = other.observed_from, source.observed_from
    return begins is not None and (own is None or begins > own)


def _ends_earlier(other: Source, source: Source) -> bool:
    ends, own = other.observed_until, source.observed_until
    return ends is not None and (own is None or ends < own)


def _has(source: Source, months: np.ndarray) -> np.ndarray:
    return _between(months, source.observed_from, source.observed_until)


def _after(source: Source, months: np.ndarray) -> np.ndarray:
    return ~_between(months, None, source.observed_until)


def _before(source: Source, months: np.ndarray) -> np.ndarray:
    return ~_between(months, source.observed_from, None)


def _between(months: np.ndarray, first: str | None, last: str | None) -> np.ndarray:
    inside = np.ones(months.shape, bool)
    if first is not None:
        inside &= months >= _number(first)
    if last is not None:
        inside &= months <= _number(last)
    return inside


def _number(month: str) -> int:
    return int(np.datetime64(month, "M").astype("int64"))
