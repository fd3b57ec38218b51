"""Persons, their months and the columns of a regression, a row a person-month."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import pandas as pd

from ipseval.config import Analysis, Cohort
from ipseval.estimation.design import ALL, MODERATED
from ipseval.panel import REASONS
from ipseval.recomputed.columns import About, Column, centred, columns_of, of_time
from ipseval.recomputed.least_squares import Columns, LeastSquares, columns


@dataclass(frozen=True)
class Study:
    """Analysed persons and their months.

    Parameters
    ----------
    cohort : Cohort
    people : DataFrame
        n rows.
    states : dict
        Outcome -> int8 array, n x W, over the months of the window.
    why : array of str, n x W
        Why the primary outcome is missing; empty where it is not.
    found : dict
        Columns of regressions that were made already.
    """

    cohort: Cohort
    people: pd.DataFrame
    states: dict[str, np.ndarray]
    why: np.ndarray
    found: dict[tuple, Columns] = field(default_factory=dict)

    @classmethod
    def of(cls, cohort: Cohort, people: pd.DataFrame, states: dict[str, np.ndarray], why: np.ndarray) -> "Study":
        """The analysed ones of all persons (n rows of every array)."""
        is_in = people["is_analysed"].to_numpy(dtype=bool)
        own = people[is_in].reset_index(drop=True)
        own = own.assign(centre=own["centre"].astype(str), arm=own["arm"].astype(str))
        return cls(cohort, own, {name: values[is_in] for name, values in states.items()}, why[is_in])

    @cached_property
    def arm(self) -> np.ndarray:
        """Of each person."""
        return self.people["arm"].to_numpy(dtype=object)

    @cached_property
    def centre(self) -> np.ndarray:
        """Of each person."""
        return self.people["centre"].to_numpy(dtype=object)

    @property
    def primary(self) -> np.ndarray:
        """The primary outcome, n x W."""
        return self.states[self.cohort.outcome.primary]

    def after(self, outcome: str) -> np.ndarray:
        """Months 0..after of an outcome."""
        return self.states[outcome][:, self.cohort.window.before :]

    def here(self, centre: str, arm: str = ALL) -> np.ndarray:
        """Persons of a centre and an arm, or all; bool, n."""
        return ((self.centre == centre) | (centre == ALL)) & ((self.arm == arm) | (arm == ALL))

    def reasons(self, months: tuple[int, int], arms: Collection[str], centre: str = ALL) -> dict[str, int]:
        """Person-months of some arms in which the primary outcome is missing, by reason; those that there are."""
        here = self.here(centre) & np.isin(self.arm, list(arms))
        before = self.cohort.window.before
        own = self.why[here, months[0] + before : months[1] + before + 1]
        counts = {reason: int((own == reason).sum()) for reason in REASONS}
        return {reason: n for reason, n in counts.items() if n}

    def with_history(self, outcome: str) -> pd.DataFrame:
        """Persons with the share of their observed months before month 0 in the outcome, where there are such."""
        before = self.states[outcome][:, : self.cohort.window.before]
        if not (before >= 0).any():
            return self.people
        with np.errstate(invalid="ignore"):
            share = (before == 1).sum(axis=1) / (before >= 0).sum(axis=1)
        return self.people.assign(share_employed_before=share)


@dataclass(frozen=True)
class Regression:
    """One regression of an analysis.

    Parameters
    ----------
    study : Study
    analysis : Analysis
    months : (int, int)
    within : str
        Its centre, or ``all``.
    persons : int array, length n
        Rows of people who are in it.
    states : int8 array, n x months
    of_persons : list of Column
        Columns that are constant over a person's months, of length n.
    abouts : list of About
    left_out : tuple of str
        Covariates that the cohort does not have.
    is_member : bool array, length n, or None
    """

    study: Study
    analysis: Analysis
    months: tuple[int, int]
    within: str
    persons: np.ndarray
    states: np.ndarray
    of_persons: list[Column]
    abouts: list[About]
    left_out: tuple[str, ...]
    is_member: np.ndarray | None

    @cached_property
    def rows(self) -> tuple[np.ndarray, ...]:
        """Person (of the n) and place of the month of each person-month."""
        return np.nonzero(self.states >= 0)

    @cached_property
    def given(self) -> list[Column]:
        """All columns; those of time, of length N, are last."""
        if not self.analysis.time:
            return self.of_persons
        day = self.study.people["randomised_on"].iloc[self.persons]
        return self.of_persons + of_time(self.analysis, day, self.rows, np.arange(self.months[0], self.months[1] + 1))

    @cached_property
    def y(self) -> np.ndarray:
        """The outcome of each person-month."""
        return self.states[self.rows].astype(float)

    @property
    def n_obs(self) -> int:
        """Person-months."""
        return int((self.states >= 0).sum())

    def sides(self, about: About) -> list[np.ndarray]:
        """Persons whom an effect is about; bool, one for each side of a difference."""
        here = (self.study.centre[self.persons] == about.centre) | (about.centre == ALL)
        return [here & (self.is_member == side) for side in about.sides] or [here]

    def of_arm(self, arm: str) -> np.ndarray:
        """Persons of an arm; bool, n."""
        return self.study.arm[self.persons] == arm

    def arms_of(self, about: About) -> dict[str, np.ndarray]:
        """Persons whom an effect is about, of its arm and of the reference; bool, n."""
        whom = np.logical_or.reduce(self.sides(about))
        arms = {"assigned": about.arm, "control": self.study.cohort.arms.reference}
        return {side: whom & self.of_arm(arm) for side, arm in arms.items()}

    def fitted(self, y: np.ndarray | None = None) -> LeastSquares | None:
        """Least squares without the columns of effects that lack an arm; None without rows."""
        if not len(self.y):
            return None
        absent = {about.term for about in self.abouts if not all(own.any() for own in self.arms_of(about).values())}
        used = [column for column in self.given if column.text not in absent]
        texts, values = tuple(c.text for c in used), [c.values.tobytes() for c in used if c.by_person]
        window = self.months if self.analysis.time else None
        key = (texts, window, self.persons.tobytes(), (self.states >= 0).tobytes(), hash(b"".join(values)))
        if key not in self.study.found:
            person, _ = self.rows
            Z = {c.text: c.values[person] if c.by_person else c.values for c in used}
            self.study.found[key] = columns(Z, person, {name for name in Z if name.startswith("assigned[")})
        return LeastSquares(self.study.found[key], self.y if y is None else y)


def regressions(
    study: Study, analysis: Analysis, people: pd.DataFrame | None = None, states: np.ndarray | None = None
) -> Iterator[Regression]:
    """The regressions of an analysis, centre by centre, month by month, of both sides of a subgroup.

    Parameters
    ----------
    study : Study
    analysis : Analysis
    people, states : optional
        In place of the study's own persons (the same rows) and months.
    """
    cohort = study.cohort
    people = study.with_history(analysis.outcome) if people is None else people
    states = study.states[analysis.outcome] if states is None else states
    member = analysis.subgroup.members(people).to_numpy() if analysis.subgroup else None
    for centre in cohort.centres if analysis.within else (ALL,):
        for of_members in (True, False) if analysis.subgroup else (True,):
            here = study.here(centre)
            own = people[here].reset_index(drop=True)
            of_own = member[here] if member is not None else None
            whole, abouts, left_out = columns_of(cohort, analysis, own, centre, of_own, of_members)
            complete = ~np.isnan(np.column_stack([c.values for c in whole])).any(axis=1)
            for months in analysis.windows(cohort.window):
                chosen = states[here][:, np.arange(months[0], months[1] + 1) + cohort.window.before]
                used = complete & (chosen >= 0).any(axis=1)
                given = [c.of(used) for c in whole]
                seen = chosen[used]
                if analysis.estimator in MODERATED:
                    given = centred(given, own["arm"].to_numpy()[used], (seen >= 0).sum(axis=1))
                inside = of_own[used] == 1 if of_own is not None else None
                persons = np.flatnonzero(here)[used]
                yield Regression(study, analysis, months, centre, persons, seen, given, abouts, left_out, inside)
