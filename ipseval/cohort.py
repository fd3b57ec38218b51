"""Stage cohort: who is analysed, as of randomisation, and the flow of persons that led there."""

from collections.abc import Iterable, Iterator

import numpy as np
import pandas as pd

from ipseval.clean import Tables, needed
from ipseval.config import Cohort
from ipseval.registers.asked import require
from ipseval.registers.covariates import Records, covariates
from ipseval.registers.spells import no_days

ALL = "all"
FLOW_COLUMNS = ["step", "order", "centre", "arm", "n_persons", "n_excluded", "reason"]


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
        ``people``: one row a randomised person, sorted by person, with ``is_analysed``, the dates of death and
        emigration and the covariates. ``flow``: one row a step, centre and arm; at each step
        ``n_persons`` remain of those of the step before less ``n_excluded``.
    """
    trial = needed(cleaned, "trial").set_index("person_id").sort_index()
    records = Records(trial, cleaned, cohort.describe)
    steps = _steps(cohort, records)
    is_analysed = pd.Series(True, index=trial.index)
    for _, _, leaves in steps:
        is_analysed &= ~leaves
    ended = {name: _date(records.person_column(name), trial.index) for name in ("died_on", "emigrated_on")}
    own = trial[["centre", "arm", "randomised_on", *(c for c in ("block", "stratum") if c in trial)]]
    people = pd.concat([own.assign(is_analysed=is_analysed, **ended), covariates(records, cohort.covariates)], axis=1)
    require(cohort, people.columns)
    return {"people": people.reset_index(), "flow": _flow(cohort, trial, steps)}


def _date(column: pd.Series | None, index: pd.Index) -> pd.Series:
    return no_days(index) if column is None else column.astype("datetime64[s]")


Step = tuple[str, str, pd.Series]


def _steps(cohort: Cohort, records: Records) -> list[Step]:
    """Steps of the flow after randomisation: name, reason, and who leaves (bool by person)."""
    trial = records.trial
    steps: list[Step] = []
    for column, codes in cohort.exclusions.get("trial", {}).items():
        steps.append(
            (f"excluded_{column}", f"The trial list's {column} is among exclusions.", trial[column].isin(codes))
        )
    if "left_out" in trial:
        steps.append(("left_out", "Named in the list of persons to leave out.", trial["left_out"] == 1))
    if "withdrawn_on" in trial:
        steps.append(("consent_withdrawn", "Consent was withdrawn.", trial["withdrawn_on"].notna()))
    if cohort.not_employed_at_randomisation:
        reason = "Employed, with or without wage subsidy, on the day of randomisation."
        employed, n_unknown = employed_on_day(records)
        kept = f" {n_unknown} persons whose employment on that day is not known are kept." if n_unknown else ""
        steps.append(("employed_at_randomisation", reason + kept, employed))
    return steps


def employed_on_day(records: Records) -> tuple[pd.Series, int]:
    """Whether any job, subsidised or not, covers the day of randomisation (inclusive), and of how many it is unknown.

    # ASSUME: in a layout by month, who is employed in the month of randomisation is employed on its day.

    Returns
    -------
    Series
        Bool by person.
    int
        Persons without such a job whose employment on that day is not known.
    """
    jobs = needed(records.extracts, "employment")
    day = records.day_of(jobs)
    covers = (jobs["start_on"] <= day) & ~(jobs["end_on"] < day)
    index = records.trial.index
    employed = index.isin(jobs.loc[covers & (jobs["is_observed"] == 1), "person_id"])
    unknown = index.isin(jobs.loc[covers & (jobs["is_observed"] == 0), "person_id"]) & ~employed
    return pd.Series(employed, index=index), int(unknown.sum())


def _flow(cohort: Cohort, trial: pd.DataFrame, steps: list[Step]) -> pd.DataFrame:
    remains = pd.Series(True, index=trial.index)
    rows = _flow_rows(cohort, trial, ("randomised", 0, ""), remains, ~remains)
    for order, (step, reason, leaves) in enumerate(steps, start=1):
        excluded = remains & leaves
        remains = remains & ~leaves
        rows += _flow_rows(cohort, trial, (step, order, reason), remains, excluded)
    rows += _flow_rows(cohort, trial, ("analysed", len(steps) + 1, ""), remains, ~remains & False)
    return pd.DataFrame(rows, columns=FLOW_COLUMNS)


def _flow_rows(
    cohort: Cohort, trial: pd.DataFrame, label: tuple[str, int, str], remains: pd.Series, excluded: pd.Series
) -> list[tuple]:
    step, order, reason = label
    rows = []
    for centre in _and_all(cohort.centres, trial["centre"]):
        for arm in _and_all(cohort.arms.all, trial["arm"]):
            here = ((trial["centre"] == centre) | (centre == ALL)) & ((trial["arm"] == arm) | (arm == ALL))
            rows.append((step, order, centre, arm, int((remains & here).sum()), int((excluded & here).sum()), reason))
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
