"""What persons achieved by chosen months, person by person, and its effects over all centres and in each."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from ipseval.config import Analysis
from ipseval.estimation.design import ALL
from ipseval.recomputed.days import UNKNOWN, YES
from ipseval.recomputed.effects import Estimates, effect_rows, joined, tested
from ipseval.recomputed.receipt import COUNTED, received
from ipseval.recomputed.strata import LEFT_OUT, Strata, strata_of, with_strata, without_say
from ipseval.recomputed.study import Study, regressions
from ipseval.recomputed.sums import Job, Person, persons_of
from ipseval.recomputed.waiting import first_months
from ipseval.registers.layouts import DAY, grain

UNKNOWN_MONTHS = "left out: persons of whom not all months are known"
BUT_ACHIEVED = "left out: persons of whom not all months are known, but for those who had achieved it before"
WITHOUT_SERVICE = "left out: persons without a service by then, and those whose wait is not known"
OF_MONTHS = ("ever", "months", "kept_6")
KEPT_26 = "kept_26_weeks"
ADJUST = ("age", "female")
HALF_YEAR = 182  # days
Row = dict[str, Any]


def by_month(measure: str, states: np.ndarray, last: int) -> float:
    """A measure of one person by month ``last``: walks through months 1, 2, ...; missing where it is not known."""
    n, in_a_row = 0, 0
    for state in states[1 : last + 1]:
        if state == UNKNOWN:
            return np.nan
        in_a_row = in_a_row + 1 if state == YES else 0
        n += int(state == YES)
        if (measure == "ever" and n) or (measure == "kept_6" and in_a_row == 6):
            return 1.0
    return float(n) if measure == "months" else 0.0


def _achieved(measure: str, states: np.ndarray, last: int) -> float:
    """The same where months that are not known come before one in which it is achieved all the same."""
    found = by_month(measure, states, last)
    if measure == "months" or not np.isnan(found):
        return found
    known = by_month(measure, np.where(states == UNKNOWN, 0, states), last)
    return 1.0 if known else np.nan


def first_job_kept(person: Person, states: np.ndarray, last: int) -> float:
    """Whether the person's first ordinary job had lasted 182 days by the end of month ``last``."""
    unknown = min(
        [k for k, state in enumerate(states) if state == UNKNOWN]
        + [int(max(job.first - person.zero, 0)) for job in person.jobs if not job.is_told and job.last >= person.zero]
        + [len(states)]
    )
    first = next((k for k, state in enumerate(states) if state == YES), None)
    done = None if first is None else _done(person, states, first)
    if done is not None and done < unknown and done <= last:
        return 1.0
    return 0.0 if unknown > last else np.nan


def _done(person: Person, states: np.ndarray, first: int) -> int | None:
    """Month in which the first job, the outcome holding until then, has lasted so long."""
    month = person.zero + first
    opens = date(month // 12, month % 12 + 1, 1).toordinal()
    closes = date((month + 1) // 12, (month + 1) % 12 + 1, 1).toordinal() - 1
    begun = []
    for start, end in _whole_jobs([job for job in person.jobs if job.is_told]):
        counted = max(start, person.day + 1, opens)
        if counted <= min(end, closes):
            begun.append((counted, -end))
    if not begun:
        return None
    start, end = min(begun)[0], -min(begun)[1]
    if end < start + HALF_YEAR - 1:
        return None
    day = date.fromordinal(int(start) + HALF_YEAR - 1)
    done = day.year * 12 + day.month - 1 - person.zero
    return done if done < len(states) and all(states[k] == YES for k in range(first, done)) else None


def _whole_jobs(jobs: list[Job]) -> Iterator[tuple[float, float]]:
    """First and last day of jobs: spells of an employer that overlap or touch are one."""
    for employer in {job.employer for job in jobs}:
        opened: list[float] = []
        for job in sorted((j for j in jobs if j.employer == employer), key=lambda j: j.start):
            if opened and job.start <= opened[1] + 1:
                opened[1] = max(opened[1], job.end)
                continue
            if opened:
                yield opened[0], opened[1]
            opened = [job.start, job.end]
        if opened:
            yield opened[0], opened[1]


def expected_achieved(study: Study, employment: pd.DataFrame, services: pd.DataFrame | None) -> pd.DataFrame:
    """The table ``achieved``.

    Parameters
    ----------
    study : Study
    employment : DataFrame
        Cleaned spells.
    services : DataFrame or None
        Cleaned spells.
    """
    cohort, found = study.cohort, strata_of(study)
    persons, waits = persons_of(study, employment), first_months(study, employment)
    rows: list[Row] = []
    for outcome in dict.fromkeys([cohort.outcome.primary, *cohort.outcomes]):
        states = study.after(outcome)
        for measure in (*OF_MONTHS, KEPT_26):
            lacking = _lacking(study, outcome, employment) if measure == KEPT_26 else ""
            for last in cohort.achieved.months:
                if lacking:
                    values = np.full(len(persons), np.nan)
                elif measure == KEPT_26:
                    values = np.array([first_job_kept(p, waits[i], last) for i, p in enumerate(persons)])
                else:
                    values = np.array([_achieved(measure, own, last) for own in states])
                label = {"outcome": outcome, "measure": measure, "by_month": last}
                rows += [row | label for row in _of_places(study, values, found, lacking, measure)]
    table = tested(cohort, rows)
    waiting = pd.DataFrame(_waiting(study, services))
    return pd.concat([table, waiting], ignore_index=True).assign(cohort=cohort.name)


def _lacking(study: Study, outcome: str, employment: pd.DataFrame) -> str:
    """Why nobody's first job is known."""
    if study.cohort.outcomes.get(outcome) != ("ordinary",):
        return "no_jobs"
    if grain(study.cohort, "employment") != DAY:
        return "no_days"
    return "" if "employer_id" in employment else "not_delivered"


def _of_places(study: Study, values: np.ndarray, found: Strata, lacking: str, measure: str) -> Iterator[Row]:
    """Effects over all centres and in each, without covariates and with."""
    people, names = with_strata(study, found)
    alone = replace(study.cohort, window=replace(study.cohort.window, before=0, after=0))
    one = replace(study, cohort=alone)
    states = np.where(np.isnan(values), UNKNOWN, 0)[:, None].astype(np.int8)
    by_place: dict[tuple[str, bool], list[Row]] = {}
    finer = found.by.split(" + ")[1:]
    for is_adjusted in (False, True):
        adjust = ADJUST if is_adjusted else ()
        for within, strata in ((None, ["centre", *finer]), ("centre", finer)):
            analysis = Analysis("achieved", (0, 0), within=within, adjust=(*adjust, *names))
            for this in regressions(one, analysis, people, states):
                if is_adjusted and set(adjust) <= set(this.left_out):
                    continue  # nothing to hold: there is no second row
                this = replace(this, states=values[this.persons][:, None])
                named = [*strata, *(name for name in adjust if name not in this.left_out)]
                for row in effect_rows(this, Estimates(this, study.cohort.estimation.variances)):
                    out = without_say(study, found, this.persons, row["arm"])
                    row |= {"adjustment": " + ".join(named) or "none", "n_left_out": out}
                    by_place.setdefault((this.within, is_adjusted), []).append(
                        row | _unknown(study, values, row, lacking, measure)
                    )
    for centre in (ALL, *study.cohort.centres):
        for is_adjusted in (False, True):
            yield from by_place.get((centre, is_adjusted), [])


def _unknown(study: Study, values: np.ndarray, row: Row, lacking: str, measure: str) -> Row:
    """Persons of whom the measure is not known, and the note; only a status where it is nobody's."""
    if lacking:
        return {"status": lacking, "note": "", "n_assigned": np.nan, "n_control": np.nan, "n_left_out": np.nan}
    arms = {"assigned": row["arm"], "control": study.cohort.arms.reference}
    n = {s: int((np.isnan(values) & study.here(row["centre"], a)).sum()) for s, a in arms.items()}
    few = [said for said in row["note"].split("; ") if said and not said.startswith("somebody is observed")]
    said = (UNKNOWN_MONTHS if measure == "months" else BUT_ACHIEVED) if any(n.values()) else ""
    out = row["n_left_out"]
    note = joined(*few, said, LEFT_OUT.format(n=out) if out else "")
    return {"n_unknown_assigned": n["assigned"], "n_unknown_control": n["control"], "note": note}


def _waiting(study: Study, services: pd.DataFrame | None) -> Iterator[Row]:
    """Mean days to the first service of those who have had one, in the arm assigned."""
    cohort = study.cohort
    for arm in cohort.arms.treatments:
        one = received(study, arm, services)
        status = one.status if one.status != COUNTED else "one_arm" if grain(cohort, "services") == DAY else "no_days"
        days = _days(study, services, one.codes) if services is not None else {}
        label = {"outcome": "first_service", "measure": "waiting_days", "arm": arm, "status": status}
        label |= {"reference_arm": cohort.arms.reference, "adjustment": "none", "variance": "none"}
        for last in cohort.achieved.months:
            for centre in (ALL, *cohort.centres):
                row: Row = {**label, "by_month": last, "centre": centre, "note": one.note}
                if status == "one_arm":
                    here = np.flatnonzero(study.here(centre, arm))
                    had = [i for i in here if one.begun[i] <= last and not one.unknown[i, : one.begun[i]].any()]
                    out = len(here) - len(had)
                    row |= {"n_assigned": len(had), "n_unknown_assigned": out}
                    row["mean_assigned"] = np.mean([days[int(i)] for i in had]) if had else np.nan
                    row["note"] = joined(one.note, WITHOUT_SERVICE if out else "")
                yield row


def _days(study: Study, services: pd.DataFrame, codes: tuple[str, ...]) -> dict[int, int]:
    """Days from randomisation to the first service that was not over then, by row of the person."""
    place = {person: i for i, person in enumerate(study.people["person_id"])}
    found: dict[int, int] = {}
    for row in services.itertuples(index=False):
        i = place.get(row.person_id)
        if i is None or row.service not in codes or row.is_observed != 1:
            continue
        day = study.people["randomised_on"].iloc[i]
        if not row.end_on < day:
            found[i] = min(found.get(i, 10**9), max((row.start_on - day).days, 0))
    return found
