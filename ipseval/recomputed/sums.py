"""What persons have accumulated by chosen months, person by person, and its effects."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from ipseval.because import notes
from ipseval.config import Analysis
from ipseval.recomputed.days import UNKNOWN
from ipseval.recomputed.effects import Estimates, counts, effect_rows, joined, tested
from ipseval.recomputed.strata import LEFT_OUT, Strata, strata_of, with_strata, without_say
from ipseval.recomputed.study import Study, regressions

SIXTEENTH = 16
OUTCOMES = {"ordinary_months": 1, "weekly_hours": 1, "n_employers": 1, "n_jobs": 0}  # outcome -> first month of it
NEEDS = {"weekly_hours": "weekly_hours", "n_employers": "employer_id", "n_jobs": "employer_id"}
KNOWN = "known"  # whether all of months 1.. are known, apart from hours
Row = dict[str, Any]


@dataclass(frozen=True)
class Job:
    """A spell: first and last day (ordinals; infinite: open) and their months, employer, hours, whether it is told."""

    start: float
    end: float
    first: float
    last: float
    employer: Any
    hours: float
    is_told: bool


@dataclass(frozen=True)
class Person:
    """Day of randomisation, its month, states of ordinary employment and of any job in months 0.., and jobs."""

    day: int
    zero: int
    ordinary: np.ndarray
    any_job: np.ndarray
    jobs: list[Job]

    def until(self, outcome: str, last: int) -> float:
        """What the person has by month ``last``; missing where not all months are known."""
        first = OUTCOMES.get(outcome, 1)
        if outcome == "ordinary_months":
            states = self.ordinary[first : last + 1]
            return np.nan if (states == UNKNOWN).any() else float(states.sum())
        here = [j for j in self.jobs if j.first <= self.zero + last and j.last >= self.zero + first]
        if (self.any_job[first : last + 1] == UNKNOWN).any() or not all(job.is_told for job in here):
            return np.nan
        if outcome == "weekly_hours":
            return self._hours(last)
        if outcome == "n_employers":
            return float(len({job.employer for job in here}))
        return float(self._begun(last)) if outcome == "n_jobs" else 0.0

    def _hours(self, last: int) -> float:
        """Mean of the agreed hours of all jobs on each 16th; missing where those of one are not known."""
        total = 0.0
        for month in range(self.zero + 1, self.zero + last + 1):
            day = date(month // 12, month % 12 + 1, SIXTEENTH).toordinal()
            total += sum(job.hours for job in self.jobs if job.is_told and job.start <= day <= job.end)
        return total / last

    def _begun(self, last: int) -> int:
        """Jobs begun after the day of randomisation, up to month ``last``: spells of an employer that touch are one."""
        n = 0
        for employer in {job.employer for job in self.jobs}:
            reached = -np.inf
            for job in sorted((j for j in self.jobs if j.employer == employer and j.is_told), key=lambda j: j.start):
                is_new = job.start > reached + 1
                n += int(is_new and job.start > self.day and job.first <= self.zero + last)
                reached = max(reached, job.end)
        return n


def persons_of(study: Study, employment: pd.DataFrame) -> list[Person]:
    """The persons with their jobs; ``employment``: cleaned spells."""
    jobs: dict[Any, list[Job]] = {}
    for row in employment.to_dict("records"):
        start, end, employer = row["start_on"], row["end_on"], row.get("employer_id")
        ends = (np.inf, np.inf) if pd.isna(end) else (end.toordinal(), _number(end))
        own = (None if pd.isna(employer) else employer, row.get("weekly_hours", np.nan), row["is_observed"] == 1)
        jobs.setdefault(row["person_id"], []).append(Job(start.toordinal(), ends[0], _number(start), ends[1], *own))
    ordinary, any_job, days = (
        study.after("ordinary_employment"),
        study.after("employment"),
        study.people["randomised_on"],
    )
    return [
        Person(day.toordinal(), _number(day), ordinary[i], any_job[i], jobs.get(person, []))
        for i, (person, day) in enumerate(zip(study.people["person_id"], days, strict=True))
    ]


def _number(day: pd.Timestamp) -> int:
    return day.year * 12 + day.month - 1


def lacking(outcome: str, employment: pd.DataFrame) -> str:
    """The column without which an outcome is nobody's."""
    column = NEEDS.get(outcome, "")
    if not column or (column == "employer_id" and column in employment):
        return ""
    told = column in employment and employment.loc[employment["is_observed"] == 1, column].notna().any()
    return "" if told else column


def expected_accumulated(study: Study, employment: pd.DataFrame) -> pd.DataFrame:
    """The table ``accumulated``.

    Parameters
    ----------
    study : Study
    employment : DataFrame
        Cleaned spells.
    """
    found, persons = strata_of(study), persons_of(study, employment)
    people, names = with_strata(study, found)
    rows: list[Row] = []
    for outcome, first in OUTCOMES.items():
        for last in study.cohort.follow.months:
            column, n = lacking(outcome, employment), len(persons)
            own = np.array([np.nan if column else person.until(outcome, last) for person in persons])
            note = f"{column} was not delivered" if column else ""
            if outcome == "weekly_hours" and not column:
                known = np.array([person.until(KNOWN, last) for person in persons])
                left_out = int((np.isnan(own) & ~np.isnan(known)).sum())
                note = f"left out for unknown hours: {left_out} of {n} persons" if left_out else ""
            status = {"status": "not_delivered"} if column else {}
            label = {"outcome": outcome, **status, **found.label}
            for row in _effects(study, people, names, own, (first, last), note, found):
                rows.append(row | label | {"note": joined(row["note"], *_reasons(study, row, outcome, bool(column)))})
    return tested(study.cohort, rows)


def _reasons(study: Study, row: Row, outcome: str, is_lacking: bool) -> list[str]:
    """Notes on why months are missing; hours that are not known hide any job, where a number of hours is asked for."""
    if study.cohort.outcome.primary != "ordinary_employment":
        return []
    found = study.reasons((row["month_from"], row["month_to"]), (row["arm"], row["reference_arm"]))
    if outcome == "ordinary_months":
        return notes(found)
    return notes({name: n for name, n in found.items() if name == "weekly_hours" and not is_lacking})


def _effects(
    study: Study,
    people: pd.DataFrame,
    names: Iterable[str],
    values: np.ndarray,
    months: tuple[int, int],
    note: str,
    found: Strata,
) -> list[Row]:
    """Effects on one outcome by one month: a row a person, whose value is that of a month."""
    cohort = study.cohort
    is_known = ~np.isnan(values)
    alone = replace(cohort, window=replace(cohort.window, before=0, after=0))
    one = replace(study, cohort=alone, found={})
    analysis = Analysis("accumulated", (0, 0), adjust=("age", "female", *names))
    (this,) = regressions(one, analysis, people, np.where(is_known, 0, UNKNOWN)[:, None].astype(np.int8))
    this = replace(this, states=values[this.persons][:, None])
    estimates = Estimates(this, cohort.estimation.variances)
    rows = []
    for row in effect_rows(this, estimates):
        about = next(a for a in this.abouts if a.arm == row["arm"])
        out = without_say(study, found, this.persons, about.arm)
        few = [n for n in row["note"].split("; ") if n and not n.startswith("somebody is observed")]
        row |= {"month_from": months[0], "month_to": months[1], "n_left_out": out}
        row["mean_assigned"] = counts(this, about)["mean_assigned"]
        rows.append(row | {"note": joined(*few, note, LEFT_OUT.format(n=out) if out else "")})
    return rows
