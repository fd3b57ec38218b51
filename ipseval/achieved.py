"""What persons achieved by chosen months, over all centres and in each: counts, differences, errors and tests.

Part of the stage ``follow``. Every measure by every month is one regression with a row a person, over all centres (with
a dummy a centre and stratum) and within each, without covariates and with age and sex.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from ipseval.config import ORDINARY, Analysis, Cohort
from ipseval.estimate import fitted_rows
from ipseval.estimation.accumulate import ADJUST, Spells
from ipseval.estimation.achieve import (
    MONTHS,
    NO_DAYS,
    NO_JOBS,
    WAITING,
    Achieved,
    first_job_kept,
    of_months,
    waited,
)
from ipseval.estimation.analyses import Regression
from ipseval.estimation.design import ALL, Design, design
from ipseval.estimation.estimators import Fitted
from ipseval.estimation.periods import Periods
from ipseval.estimation.strata import LEFT_OUT, Strata, with_dummies
from ipseval.panel import outcome_matrix
from ipseval.receive import COUNTED, received_service
from ipseval.registers.layouts import DAY, grain

# fmt: off
COLUMNS = [
    "cohort", "outcome", "measure", "by_month", "centre", "arm", "reference_arm", "n_assigned", "n_control",
    "mean_assigned", "mean_control", "estimate", "std_error", "df", "statistic", "p_value", "ci_low", "ci_high",
    "adjustment", "variance", "status", "note", "n_unknown_assigned", "n_unknown_control", "n_left_out",
]
# fmt: on
COUNTS = ("n_assigned", "n_control", "n_unknown_assigned", "n_unknown_control", "n_left_out")
NONE = "none"
SERVICE = "first_service"  # the outcome that persons of the assigned arm wait for
ONE_ARM = "one_arm"  # status of what is told of the arm assigned alone
UNKNOWN = "left out: persons of whom not all months are known"
BUT_ACHIEVED = "left out: persons of whom not all months are known, but for those who had achieved it before"
WITHOUT_SERVICE = "left out: persons without a service by then, and those whose wait is not known"
Row = dict[str, Any]


@dataclass(frozen=True)
class Place:
    """Where a regression is done: all centres or one, with what beside the arms.

    Parameters
    ----------
    centre : str
    people : int array, length m
        Rows of the n analysed persons.
    analysis : Analysis
    columns : Design
        For these persons.
    adjustment : str
    """

    centre: str
    people: np.ndarray
    analysis: Analysis
    columns: Design
    adjustment: str


def achieved(
    cohort: Cohort, people: pd.DataFrame, measures: list[Achieved], waits: list[Row], found: Strata
) -> pd.DataFrame:
    """The table: one row a measure, month, centre, way of adjusting, treatment and variance.

    Parameters
    ----------
    cohort : Cohort
    people : DataFrame
        The n analysed persons.
    measures : list of Achieved
    waits : list of dict
        Rows of :func:`waiting`.
    found : Strata
    """
    places = list(_places(cohort, people, found))
    arm, at = people["arm"].to_numpy(), people["centre"].to_numpy()
    rows: list[Row] = []
    last: dict[int, Fitted | None] = {}  # persons are the same by most months, and so are the columns
    for one in measures:
        for j, month in enumerate(cohort.achieved.months):
            for i, place in enumerate(places):
                this = _regression(place, one.values[:, j], (arm, at), (0, month))
                own, fitted = fitted_rows(cohort, this, last.get(i))
                last[i] = fitted or last.get(i)
                for row in own:
                    row = _row(row, one, place, month)
                    if not one.lacking:
                        unknown = np.isnan(one.values[place.people, j])
                        row |= _counts(cohort, row, place, arm, unknown) | _lost(this, row, found)
                        row["note"] = _note(row)
                    rows.append(row)
    table = pd.DataFrame([*rows, *waits], columns=COLUMNS)
    return table.assign(cohort=cohort.name).astype(dict.fromkeys(COUNTS, "Int64"))


def _places(cohort: Cohort, people: pd.DataFrame, found: Strata) -> Iterator[Place]:
    """All centres, then each; without covariates, then with those that the cohort has."""
    people, dummies = with_dummies(people, found)
    for centre in (ALL, *cohort.centres):
        here = np.flatnonzero((people["centre"] == centre) | (centre == ALL))
        own = people.iloc[here]
        finer = tuple(name for name in dummies if own[name].any())
        strata = found.by if centre == ALL else found.by[1:]
        for adjust in ((), ADJUST):
            within = None if centre == ALL else "centre"
            analysis = Analysis("achieved", (0, 0), within=within, adjust=(*adjust, *finer))
            columns = design(cohort, analysis, own, centre)
            if adjust and set(adjust) <= set(columns.left_out):
                continue  # it would be the row without covariates again
            named = (*strata, *(name for name in adjust if name not in columns.left_out))
            yield Place(centre, here, analysis, columns, " + ".join(named) or NONE)


def _regression(
    place: Place, values: np.ndarray, labels: tuple[np.ndarray, np.ndarray], months: tuple[int, int]
) -> Regression:
    """The regression of a measure (length n) on the persons of a place; labels: arm and centre of all n."""
    used = place.columns.complete & ~np.isnan(values[place.people])
    persons = place.people[used]
    Y = values[persons][:, None]
    time = Periods((), np.zeros((1, 0)), Y, np.ones_like(Y, bool))
    columns = place.columns.of(used)
    arm, at = (label[persons] for label in labels)
    return Regression(place.analysis, months, place.centre, columns, persons, arm, at, time)


def _row(row: Row, one: Achieved, place: Place, month: int) -> Row:
    """A row of an effect as one of this table; of nobody where the measure is nobody's."""
    what = {"outcome": one.outcome, "measure": one.measure, "by_month": month, "adjustment": place.adjustment}
    nobody = {"status": one.lacking, "note": "", "n_assigned": None, "n_control": None}
    return row | what | (nobody if one.lacking else {})


def _counts(cohort: Cohort, row: Row, place: Place, arm: np.ndarray, unknown: np.ndarray) -> Row:
    """Persons of both arms of whom the measure is not known (bool, length of the place)."""
    sides = {"assigned": row["arm"], "control": cohort.arms.reference}
    return {f"n_unknown_{side}": int((unknown & (arm[place.people] == a)).sum()) for side, a in sides.items()}


def _lost(this: Regression, row: Row, found: Strata) -> Row:
    """Persons in strata that lack an arm."""
    return {"n_left_out": found.of(this.persons).n_without_say(this.arm, row["arm"], row["reference_arm"])}


def _note(row: Row) -> str:
    """What stands with a row: who is left out, beside what the regression says."""
    is_unknown = row["n_unknown_assigned"] + row["n_unknown_control"] > 0
    unknown = (UNKNOWN if row["measure"] == MONTHS else BUT_ACHIEVED) * is_unknown
    lost = LEFT_OUT.format(n=row["n_left_out"]) if row["n_left_out"] else ""
    return "; ".join(filter(None, [row["note"], unknown, lost]))


def measures(cohort: Cohort, people: pd.DataFrame, panel: pd.DataFrame, first: np.ndarray, spells: Spells) -> list:
    """Every measure of every outcome of the cohort, the primary first.

    Parameters
    ----------
    cohort : Cohort
    people : DataFrame
        The n analysed persons.
    panel : DataFrame
    first : int8 array, n x (after + 1)
        Ordinary employment; month 0 without what was over on the day of randomisation.
    spells : Spells

    Returns
    -------
    list of Achieved
    """
    months, persons = np.array(cohort.achieved.months, dtype=int), pd.Index(people["person_id"])
    found: list[Achieved] = []
    for outcome in dict.fromkeys((cohort.outcome.primary, *cohort.outcomes)):
        states = outcome_matrix(panel, outcome, persons, range(cohort.window.after + 1))
        found += of_months(outcome, states, months)
        found.append(_kept(cohort, outcome, first, spells, months))
    return found


def _kept(cohort: Cohort, outcome: str, first: np.ndarray, spells: Spells, months: np.ndarray) -> Achieved:
    """A first job kept: of the outcome that jobs alone make, where days are known."""
    nothing = np.full((len(first), len(months)), np.nan)
    if cohort.outcomes.get(outcome) != (ORDINARY,):
        return Achieved(outcome, "kept_26_weeks", nothing, NO_JOBS)
    if grain(cohort, "employment") != DAY:
        return Achieved(outcome, "kept_26_weeks", nothing, NO_DAYS)
    return first_job_kept(outcome, first, spells, months)


def waiting(cohort: Cohort, people: pd.DataFrame, services: pd.DataFrame | None) -> list[Row]:
    """Rows of the wait for the first service, of the arm assigned alone: the mean of those who have had one.

    Parameters
    ----------
    cohort : Cohort
    people : DataFrame
        The n analysed persons.
    services : DataFrame or None
        Cleaned spells.
    """
    arm, at, rows = people["arm"].to_numpy(), people["centre"].to_numpy(), []
    for treatment in cohort.arms.treatments:
        one = received_service(cohort, treatment, people, services)
        days, status = np.full(len(people), np.nan), one.status
        if services is not None and status == COUNTED:
            is_dated = grain(cohort, "services") == DAY
            own = services["service"].isin(one.codes) & (services["is_observed"] == 1)
            days, status = (waited(people, services[own]), ONE_ARM) if is_dated else (days, NO_DAYS)
        first_unknown = np.where(one.unknown.any(axis=1), one.unknown.argmax(axis=1), cohort.window.after + 1)
        is_known = one.begun <= first_unknown
        label = {"outcome": SERVICE, "measure": WAITING, "arm": treatment, "reference_arm": cohort.arms.reference}
        label |= {"adjustment": NONE, "variance": NONE, "status": status}
        for month in cohort.achieved.months:
            for centre in (ALL, *cohort.centres):
                here = (arm == treatment) & ((at == centre) | (centre == ALL))
                had = here & is_known & (one.begun <= month) & (status == ONE_ARM)
                n_without = int((here & ~had).sum())
                counts = {"n_assigned": int(had.sum()), "n_unknown_assigned": n_without} if status == ONE_ARM else {}
                mean = float(days[had].mean()) if had.any() else np.nan
                note = "; ".join(filter(None, [one.note, WITHOUT_SERVICE * (n_without > 0 and status == ONE_ARM)]))
                rows.append(label | {"by_month": month, "centre": centre, "mean_assigned": mean, "note": note} | counts)
    return rows
