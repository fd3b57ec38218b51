"""What a row of effects has to say of its comparison: strata that it does not hold, unlike months, errors of few."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from ipseval.config import Analysis, Cohort
from ipseval.estimation.analyses import Regression
from ipseval.estimation.design import ALL, STANDARDISED, Effect
from ipseval.estimation.strata import BLOCK, STRATUM, Strata, strata
from ipseval.registers.allocation import LEVEL, chance

NOT_HELD = "the share assigned differs between strata or blocks, which this analysis does not hold"
UNLIKE = "the arms are observed in unlike months, which are compared as if they were the same"
UNLIKE_SHARE, UNLIKE_ERRORS = 10, 3  # one in so many persons, and so many errors, by which shares observed may differ
UNBIASED = "cr2"  # the variance that few persons of a cell do not make too small


@dataclass(frozen=True)
class Caveats:
    """Of the effects on one outcome.

    Parameters
    ----------
    cohort : Cohort
    people : DataFrame
        The n analysed persons that the regressions are of.
    """

    cohort: Cohort
    people: pd.DataFrame

    @cached_property
    def _uneven(self) -> set[tuple[str, str, str]]:
        """Column, centre (or ``all``) and treatment of which the share assigned differs by more than chance."""
        found = set()
        for column in (name for name in (STRATUM, BLOCK) if name in self.people):
            names = ("centre", column, "arm")
            rows = pd.DataFrame({name: self.people[name].astype("string").fillna("") for name in names})
            for arm in self.cohort.arms.treatments:
                both = rows[rows["arm"].isin([arm, self.cohort.arms.reference])]
                for centre in (ALL, *self.cohort.centres):
                    here = both[(both["centre"] == centre) | (centre == ALL)]
                    if len(here) and chance(here[column], here["arm"], here["centre"]) < LEVEL:
                        found.add((column, centre, arm))
        return found

    @cached_property
    def _strata(self) -> Strata:
        return strata(self.cohort, self.people)

    def of(self, this: Regression, effect: Effect, variance: str) -> Iterator[str]:
        """What has to be said of an effect under a variance."""
        analysis, stars = this.analysis, self.cohort.estimation.min_persons_for_stars
        if any((column, effect.centre, effect.arm) in self._uneven for column in not_held(analysis)):
            yield NOT_HELD
        here = np.any(this.about(effect), axis=0)
        sides = [here & (this.arm == arm) for arm in (effect.arm, self.cohort.arms.reference)]
        shares_time = not analysis.time or (effect.centre != ALL and this.centre == ALL)
        if shares_time and this.seen is not None and is_unlike(*(this.seen[side] for side in sides)):
            yield UNLIKE
        if analysis.estimator == STANDARDISED and variance != UNBIASED:
            own = self._strata.of(this.persons)
            yield own.of_few(sides, own.comparable(sides, 1), stars)


def not_held(analysis: Analysis) -> list[str]:
    """Columns of the trial list that assignment was drawn within and the analysis does not compare within."""
    if BLOCK in analysis.adjust:
        return []
    return [BLOCK] if STRATUM in analysis.adjust or analysis.estimator == STANDARDISED else [STRATUM, BLOCK]


def is_unlike(one: np.ndarray, other: np.ndarray) -> bool:
    """Whether two groups' shares observed differ in a month by more than a tenth of the persons and 3 errors.

    Of shares k_1 / n_1 and k_0 / n_0 the error is that of their common share. All in whole numbers.

    Parameters
    ----------
    one, other : bool array, persons x months
    """
    if one.shape[1] < 2:
        return False
    n1, n0 = len(one), len(other)
    k1, k0 = (seen.sum(axis=0).astype(object) for seen in (one, other))
    gap, k, n = abs(k1 * n0 - k0 * n1), k1 + k0, n1 + n0
    is_far = (UNLIKE_SHARE * gap > n1 * n0) & (gap * gap * n > UNLIKE_ERRORS**2 * n1 * n0 * k * (n - k))
    return bool(np.any(is_far))
