"""Design of a regression: columns constant over a person's months, and what each effect is."""

from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from ipseval.config import Analysis, Cohort
from ipseval.registers.categories import adjustable, columns_of, strata_within_centres
from ipseval.terms import Term, assigned, covariate, intercept, moderated, of_centre, of_subgroup, of_time

ALL = "all"
ASSIGNED = "assigned["  # what the terms of assignment begin with
MEMBERS, OTHERS, DIFFERENCE = "members", "others", "difference"  # of a subgroup
MEMBER = "member"  # the column of who is in it
STANDARDISED = "standardised"  # the estimator whose effect is that in the persons of all centres and strata
LIN = "lin"
MODERATED = (LIN, STANDARDISED)  # estimators in which covariates, centred, are multiplied with assignment


@dataclass(frozen=True)
class Effect:
    """An effect of a regression.

    Parameters
    ----------
    arm, centre : str
        ``arm`` against the reference in ``centre`` (or all).
    term : Term
        Its column of X.
    subgroup : str
        In whom: ``all``, the ``members`` of a subgroup, the ``others``; or the ``difference`` of the two.
    sides : tuple of bool
        Whom it is about: members of the subgroup, the others, or both. Empty: everybody.
    """

    arm: str
    centre: str
    term: Term
    subgroup: str = ALL
    sides: tuple[bool, ...] = ()


@dataclass(frozen=True)
class Assigned:
    """A column that assignment moves: some weight for persons of ``arm``, else 0. ``effect``: what it estimates."""

    arm: str
    term: Term
    effect: Effect | None = None


@dataclass(frozen=True)
class Design:
    """The columns of X for n analysed persons.

    Parameters
    ----------
    terms : tuple of Term, length p
        The first is ``intercept``; assigned terms are last.
    X : float array, n x p
        Missing where a covariate is missing.
    assigned : tuple of Assigned, length q
        The columns of X that are last.
    weights : float array, n x q
        What they are for persons of their arm.
    left_out : tuple of str
        Covariates that the analysis asks for and the cohort does not have.
    """

    terms: tuple[Term, ...]
    X: np.ndarray
    assigned: tuple[Assigned, ...]
    weights: np.ndarray
    left_out: tuple[str, ...]

    @property
    def effects(self) -> tuple[Effect, ...]:
        """What is estimated."""
        return tuple(column.effect for column in self.assigned if column.effect)

    @property
    def complete(self) -> np.ndarray:
        """Persons without a missing covariate; bool, length n."""
        return ~np.isnan(self.X).any(axis=1)

    def of(self, persons: np.ndarray) -> "Design":
        """The design of some of the persons."""
        return replace(self, X=self.X[persons], weights=self.weights[persons])

    def without(self, terms: Set[str]) -> "Design":
        """The design without some of its columns; itself when it has none of them."""
        if terms.isdisjoint(self.terms):
            return self
        keep = [j for j, term in enumerate(self.terms) if term not in terms]
        moved = [j for j, column in enumerate(self.assigned) if column.term not in terms]
        return Design(
            tuple(self.terms[j] for j in keep),
            self.X[:, keep],
            tuple(self.assigned[j] for j in moved),
            self.weights[:, moved],
            self.left_out,
        )

    def centred(self, n_obs: np.ndarray) -> "Design":
        """The design with what moderates assignment centred on its mean over person-months.

        Parameters
        ----------
        n_obs : int array, length n
            Observed months of each person.
        """
        is_moderator = np.array([column.effect is None for column in self.assigned])
        mean = n_obs @ self.weights / max(n_obs.sum(), 1)
        weights = self.weights - np.where(is_moderator, mean, 0.0)
        arms = [self.terms.index(assigned(column.arm)) for column in self.assigned]
        X = self.X.copy()
        X[:, X.shape[1] - len(arms) :] = self.X[:, arms] * weights
        return replace(self, X=X, weights=weights)


def design(
    cohort: Cohort, analysis: Analysis, people: pd.DataFrame, centre: str = ALL, of_members: bool = True
) -> Design:
    """Columns of an analysis for the persons of ``people``.

    Parameters
    ----------
    cohort : Cohort
    analysis : Analysis
    people : DataFrame
        n analysed persons: ``centre``, ``arm``, ``randomised_on``, the covariates and, of an analysis with a subgroup,
        ``member``.
    centre : str
        The centre of a regression within centres, else ``all``.
    of_members : bool
        Whether assignment's coefficient is the effect in the members of the subgroup, or that in the others.

    Returns
    -------
    Design
        Columns that moderate assignment (``lin``, ``standardised``) are not centred yet: see :meth:`Design.centred`.
    """
    adjust = adjustable(people, analysis.adjust)
    left_out = tuple(name for name in analysis.adjust if name not in adjust)
    covariates = {term: column for name in adjust for term, column in columns_of(people, name).items()}
    columns: dict[Term, np.ndarray] = {intercept(): np.ones(len(people))} | covariates
    if analysis.subgroup:
        columns[covariate(MEMBER)] = people[MEMBER].to_numpy(dtype=float)
        left_out += (analysis.subgroup.covariate,) if analysis.subgroup.covariate not in people else ()
    if analysis.within is None:
        centres = {of_centre(c): _is(people["centre"], c) for c in list(cohort.centres)[1:]}
        strata = strata_within_centres(people) if analysis.estimator == STANDARDISED else {}
        columns |= centres | strata
        if analysis.estimator == STANDARDISED:
            covariates = covariates | centres | strata
    columns |= _inclusion_dummies(analysis, people)
    moved = list(_assigned(cohort, analysis, people, covariates, centre, of_members))
    weights = np.column_stack([weight for _, weight in moved])
    columns |= {column.term: _is(people["arm"], column.arm) * weight for column, weight in moved}
    X = np.column_stack(list(columns.values()))
    return Design(tuple(columns), X, tuple(column for column, _ in moved), weights, left_out)


def _assigned(
    cohort: Cohort,
    analysis: Analysis,
    people: pd.DataFrame,
    covariates: Mapping[Term, np.ndarray],
    centre: str,
    of_members: bool,
) -> Iterator[tuple[Assigned, np.ndarray]]:
    """The columns of assignment and their weights."""
    everybody = np.ones(len(people))
    for arm in cohort.arms.treatments:
        term = assigned(arm)
        if analysis.effect == "by_centre":
            for where in cohort.centres:
                own = assigned(arm, where)
                yield Assigned(arm, own, Effect(arm, where, own)), _is(people["centre"], where)
        elif analysis.subgroup:
            yield from _by_subgroup(arm, centre, people[MEMBER].to_numpy(dtype=float), of_members)
        else:
            yield Assigned(arm, term, Effect(arm, centre, term)), everybody
        if analysis.estimator in MODERATED:
            for by, column in covariates.items():
                yield Assigned(arm, moderated(arm, by)), column


def _by_subgroup(arm: str, centre: str, member: np.ndarray, of_members: bool) -> Iterator[tuple[Assigned, np.ndarray]]:
    """The effect in the members of a subgroup or in the others; beside the latter the difference of the members."""
    term = assigned(arm)
    own = Effect(arm, centre, term, MEMBERS if of_members else OTHERS, (of_members,))
    yield Assigned(arm, term, own), np.ones(len(member))
    if of_members:
        yield Assigned(arm, of_subgroup(arm, f"not_{MEMBER}")), 1 - member
    else:
        beside = of_subgroup(arm, MEMBER)
        yield Assigned(arm, beside, Effect(arm, centre, beside, DIFFERENCE, (True, False))), member


def _is(column: pd.Series, value: str) -> np.ndarray:
    return (column == value).to_numpy(dtype=float)


def _inclusion_dummies(analysis: Analysis, people: pd.DataFrame) -> dict[Term, np.ndarray]:
    """Dummies for the year and the calendar month of randomisation, where the analysis names them."""
    dates = people["randomised_on"].dt
    found = {"inclusion_year": dates.year, "inclusion_month": dates.month}
    return {
        of_time(name, value): (values == value).to_numpy(dtype=float)
        for name, values in found.items()
        if name in analysis.time
        for value in sorted(values.unique())[1:]
    }
