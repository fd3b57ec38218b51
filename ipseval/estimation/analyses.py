"""The regressions of an analysis: which persons, which months, which columns."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from ipseval.config import Analysis, Cohort
from ipseval.estimation.design import ALL, MEMBER, MODERATED, Design, Effect, design
from ipseval.estimation.periods import Periods, periods


@dataclass(frozen=True)
class Regression:
    """One regression.

    Parameters
    ----------
    analysis : Analysis
    months : tuple of int
        First and last month since randomisation.
    centre : str
        The centre of a regression within centres, else ``all``.
    design : Design
    persons : int array, length n
        Rows of ``people`` that are in it.
    arm, at : array of str, length n
        Their arm and centre.
    time : Periods
    is_member : bool array, length n, or None
        Who is in the subgroup that the regression is about.
    seen : bool array, n x months, or None
        Whether the outcome is observed in each month since randomisation (``time`` may count by the calendar); None
        where the outcome is a sum over months.
    """

    analysis: Analysis
    months: tuple[int, int]
    centre: str
    design: Design
    persons: np.ndarray
    arm: np.ndarray
    at: np.ndarray
    time: Periods
    is_member: np.ndarray | None = None
    seen: np.ndarray | None = None

    def about(self, effect: Effect) -> list[np.ndarray]:
        """Persons whom an effect is about; bool, length n, one for each side of a difference."""
        here = (self.at == effect.centre) | (effect.centre == ALL)
        return [here & (self.is_member == side) for side in effect.sides] or [here]


def regressions(cohort: Cohort, analysis: Analysis, people: pd.DataFrame, states: np.ndarray) -> Iterator[Regression]:
    """The regressions of an analysis: centre by centre, month by month.

    A subgroup takes two of the same model, written so that assignment's coefficient is the effect in the members, and
    so that it is that in the others (beside it the difference of the members).

    Parameters
    ----------
    cohort : Cohort
    analysis : Analysis
    people : DataFrame
        n analysed persons with their covariates.
    states : int8 array, n x months of the window
        1, 0 and -1 (missing).
    """
    month_0 = people["randomised_on"].to_numpy().astype("datetime64[M]").astype("int64")
    member = analysis.subgroup.members(people) if analysis.subgroup else None
    known = people if member is None else people.assign(**{MEMBER: member})
    for centre, of_members in itertools.product(
        cohort.centres if analysis.within else [ALL], (True, False) if analysis.subgroup else [True]
    ):
        here = ((people["centre"] == centre) | (centre == ALL)).to_numpy()
        whole = design(cohort, analysis, known[here], centre, of_members)
        everybody, arms, centres = np.flatnonzero(here), *(people.loc[here, n].to_numpy() for n in ("arm", "centre"))
        before, own, persons, arm, at = np.ones(len(everybody), bool), whole, everybody, arms, centres
        for months in analysis.windows(cohort.window):
            columns = np.arange(months[0], months[1] + 1)
            chosen = states[np.ix_(here, columns + cohort.window.before)]
            used = whole.complete & (chosen >= 0).any(axis=1)
            time = periods(analysis, chosen[used], columns, month_0[here][used])
            if not np.array_equal(used, before):  # months with the same persons have the same columns
                before, own = used, whole.of(used)
                persons, arm, at = everybody[used], arms[used], centres[used]
            columns_of = own.centred(time.O.sum(1)) if analysis.estimator in MODERATED else own
            is_member = None if member is None else member.to_numpy()[persons] == 1
            seen = chosen[used] >= 0
            yield Regression(analysis, months, centre, columns_of, persons, arm, at, time, is_member, seen)


def of_another_outcome(this: Regression, cohort: Cohort, people: pd.DataFrame, states: np.ndarray) -> Regression:
    """The same regression of an outcome that is observed in the same months: on the same arrays of columns.

    Parameters
    ----------
    this : Regression
    cohort, people, states
        See :func:`regressions`.

    Raises
    ------
    ValueError
        The outcome is observed in other months.
    """
    columns = np.arange(this.months[0], this.months[1] + 1)
    month_0 = people["randomised_on"].to_numpy().astype("datetime64[M]").astype("int64")[this.persons]
    time = periods(this.analysis, states[np.ix_(this.persons, columns + cohort.window.before)], columns, month_0)
    if not np.array_equal(time.O, this.time.O):
        raise ValueError("another outcome of a regression must be observed in the same months")
    return replace(this, time=replace(this.time, Y=time.Y))
