"""Stage cohort: who is analysed, as of randomisation, and the flow of persons that led there."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ipseval.clean import Tables, needed
from ipseval.config import Cohort
from ipseval.registers.asked import require
from ipseval.registers.covariates import Records, covariates, looked_up
from ipseval.registers.layouts import DAY, MONTH, WEEK, grain
from ipseval.registers.observed import observed
from ipseval.registers.residence import absences
from ipseval.registers.spells import no_days

ALL = "all"
FLOW_COLUMNS = ["step", "order", "centre", "arm", "n_persons", "n_excluded", "reason", "n_not_known", "n_mended"]
EMPLOYED = {  # grain of the extract of employment -> why somebody leaves
    DAY: "Employed, with or without wage subsidy, on the day of randomisation.",
    WEEK: "Employed, with or without wage subsidy, in the week before randomisation: employment was delivered by week.",
    MONTH: "Employed, with or without wage subsidy, in the month before randomisation: employment was delivered by "
    "month.",
}


def select(cohort: Cohort, cleaned: Tables) -> dict[str, pd.DataFrame]:
    """Decide who is analysed and attach the covariates.

    Parameters
    ----------
    cohort : Cohort
    cleaned : dict
        Extract -> rows of the trial's persons; None where not delivered.

    Returns
    -------
    dict
        ``people``: one row a randomised person, sorted by person, with ``is_analysed``, the dates of death,
        emigration and return and the covariates. ``flow``: one row a step, centre and arm; at each step
        ``n_persons`` remain of those of the step before less ``n_excluded``; ``n_not_known`` of them are kept because
        the extract cannot tell whether they should leave, and of ``n_mended`` of them a cell was set or a row left out
        by a file (``corrections``, ``leave_out``).
    """
    trial = needed(cleaned, "trial").set_index("person_id").sort_index()
    records = Records(trial, cleaned, cohort.describe, cohort)
    steps = _steps(cohort, records)
    is_analysed = pd.Series(True, index=trial.index)
    for step in steps:
        is_analysed &= ~step.leaves
    died_on = _date(records.person_column("died_on"), trial.index)
    moves = absences(trial["randomised_on"], cleaned["persons"], needed(cleaned, "employment"))
    own = trial[["centre", "arm", "randomised_on", *(c for c in ("block", "stratum") if c in trial)]]
    known = own.assign(is_analysed=is_analysed, died_on=died_on)
    people = pd.concat([known, moves, covariates(records, cohort.covariates)], axis=1)
    require(cohort, people.columns)
    return {"people": people.reset_index(), "flow": _flow(cohort, trial, steps)}


def _date(column: pd.Series | None, index: pd.Index) -> pd.Series:
    return no_days(index) if column is None else column.astype("datetime64[s]")


@dataclass(frozen=True)
class Step:
    """A step of the flow after randomisation: who leaves, and of whom that cannot be known (both bool by person)."""

    name: str
    reason: str
    leaves: pd.Series
    not_known: pd.Series | None = None


def _steps(cohort: Cohort, records: Records) -> list[Step]:
    trial = records.trial
    steps: list[Step] = []
    for column, codes in cohort.exclusions.get("trial", {}).items():
        reason = f"The trial list's {column} is among exclusions."
        steps.append(Step(f"excluded_{column}", reason, trial[column].isin(codes)))
    if "left_out" in trial:
        steps.append(Step("left_out", "Named in the list of persons to leave out.", trial["left_out"] == 1))
    if "withdrawn_on" in trial:
        steps.append(Step("consent_withdrawn", "Consent was withdrawn.", trial["withdrawn_on"].notna()))
    if cohort.not_employed_at_randomisation:
        steps.append(_employed(cohort, records))
    return steps


def _employed(cohort: Cohort, records: Records) -> Step:
    """Who had a job when randomised, and in the reason the persons by arm of whom the extract cannot tell."""
    unit = grain(cohort, "employment")
    employed, unknown = employed_on(cohort, records, last_known_day(records.trial["randomised_on"], unit))
    later = pd.Series(False, index=employed.index)
    if unit != DAY:
        later = employed_on(cohort, records, records.trial["randomised_on"])[0] & ~employed & ~unknown
    kept = {
        "{n} persons whose employment then is not known are kept: {arms}": unknown,
        "{n} persons are kept whose job may have begun on the days up to randomisation or after it: {arms}": later,
    }
    told = [
        text.format(n=int(who.sum()), arms=_by_arm(cohort, records.trial["arm"][who]))
        for text, who in kept.items()
        if who.any()
    ]
    return Step("employed_at_randomisation", "; ".join([EMPLOYED[unit], *told]), employed, unknown | later)


def _by_arm(cohort: Cohort, arm: pd.Series) -> str:
    return ", ".join(f"{name} {int((arm == name).sum())}" for name in cohort.arms.all)


def last_known_day(randomised_on: pd.Series, unit: str) -> pd.Series:
    """The last day before randomisation of which the extract tells whether somebody was at work.

    A job of the month (or week) of randomisation may have been found after it: who found one is not who had one.

    # ASSUME: in a layout by month, who was employed in the month before randomisation was so on its day; by week the
    # week before.
    """
    if unit == DAY:
        return randomised_on
    if unit == WEEK:
        return randomised_on - pd.Timedelta(days=7)
    months = randomised_on.to_numpy().astype("datetime64[M]").astype("datetime64[D]") - 1
    return pd.Series(months.astype("datetime64[s]"), index=randomised_on.index)


def employed_on(cohort: Cohort, records: Records, days: pd.Series) -> tuple[pd.Series, pd.Series]:
    """Who had any job, subsidised or not, on a day (inclusive at both ends), and of whom it is not known.

    Parameters
    ----------
    cohort : Cohort
    records : Records
    days : Series
        A day by person.

    Returns
    -------
    Series, Series
        Bool by person; nobody is in both.
    """
    jobs = needed(records.extracts, "employment")
    day = looked_up(days, jobs["person_id"])
    covers = (jobs["start_on"] <= day) & ~(jobs["end_on"] < day)
    index = records.trial.index
    employed = index.isin(jobs.loc[covers & (jobs["is_observed"] == 1), "person_id"])
    unknown = index.isin(jobs.loc[covers & (jobs["is_observed"] == 0), "person_id"])
    unknown |= ~observed(cohort, ["employment"], days.to_numpy().astype("datetime64[M]").astype("int64"))
    return pd.Series(employed, index=index), pd.Series(unknown & ~employed, index=index)


def _flow(cohort: Cohort, trial: pd.DataFrame, steps: list[Step]) -> pd.DataFrame:
    remains = pd.Series(True, index=trial.index)
    rows = _flow_rows(cohort, trial, ("randomised", 0, ""), remains, ~remains)
    for order, step in enumerate(steps, start=1):
        excluded = remains & step.leaves
        remains = remains & ~step.leaves
        rows += _flow_rows(cohort, trial, (step.name, order, step.reason), remains, excluded, step.not_known)
    rows += _flow_rows(cohort, trial, ("analysed", len(steps) + 1, ""), remains, ~remains & False)
    return pd.DataFrame(rows, columns=FLOW_COLUMNS)


def _flow_rows(
    cohort: Cohort,
    trial: pd.DataFrame,
    label: tuple[str, int, str],
    remains: pd.Series,
    excluded: pd.Series,
    not_known: pd.Series | None = None,
) -> list[tuple]:
    step, order, reason = label
    open_ = remains & (not_known if not_known is not None else False)
    mended = remains & (trial["mended"] == 1 if "mended" in trial else False)
    rows = []
    for centre in _and_all(cohort.centres, trial["centre"]):
        for arm in _and_all(cohort.arms.all, trial["arm"]):
            here = ((trial["centre"] == centre) | (centre == ALL)) & ((trial["arm"] == arm) | (arm == ALL))
            counts = [int((who & here).sum()) for who in (remains, excluded, open_, mended)]
            rows.append((step, order, centre, arm, *counts[:2], reason, *counts[2:]))
    return rows


def _and_all(declared: Iterable[str], found: pd.Series) -> list[str]:
    """Declared codes in their order, then found ones (of excluded persons), then ``all``."""
    known = list(declared)
    return [*known, *sorted(set(found.dropna().unique()) - set(known)), ALL]


def cells(cohort: Cohort, people: pd.DataFrame) -> Iterator[tuple[str, str, np.ndarray]]:
    """Centres (and ``all``) by arms, in the order of print: centre, arm, bool by person."""
    for centre in (*cohort.centres, ALL):
        for arm in cohort.arms.all:
            here = (people["centre"] == centre) | (centre == ALL)
            yield centre, arm, (here & (people["arm"] == arm)).to_numpy()
