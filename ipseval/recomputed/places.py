"""Groups of centres once more, with the sums of every choice built up; months after events, one by one."""

import math
from typing import Any

import numpy as np
import pandas as pd

from ipseval.config import Cohort
from ipseval.places.organisation import comparisons, read_organisation
from ipseval.places.timeline import read_timeline
from ipseval.recomputed.study import Study

NAMES = [
    *("centre", "event", "arm", "n_persons", "n_person_months", "on"),
    *("share_after", "n_months_after", "n_persons_after", "n_persons_before"),
]
LABELS = ["characteristic", "group", "other_group"]
MOST = 200_000


def expected_organisation_tests(cohort: Cohort, centre_effects: pd.DataFrame) -> pd.DataFrame:
    """The table ``organisation_tests``; ``centre_effects`` as it was recomputed."""
    rows: list[dict[str, Any]] = []
    groups = cohort.organisation_groups
    named = comparisons(read_organisation(cohort.organisation, cohort.centres), groups) if cohort.organisation else []
    has_model = any(a.name == "table5_model_1" for a in cohort.analyses)
    for arm in cohort.arms.treatments if has_model else ():
        own = centre_effects[(centre_effects["analysis"] == "table5_model_1") & (centre_effects["arm"] == arm)]
        own = own[own["status"] == "estimated"]
        effects = dict(zip(own["centre"], map(float, own["estimate"]), strict=True))
        of_arm = []
        for one in named:
            parts = [
                np.array([effects[c] for c, own_group in one.members.items() if own_group == group and c in effects])
                for group in one.groups
            ]
            row: dict[str, Any] = dict(zip(LABELS, (one.characteristic, *one.groups), strict=True))
            row |= {"n_centres_group": len(parts[0]), "n_centres_other": len(parts[1])}
            of_arm.append(row | _compared(cohort, one.last, parts))
        n = sum(row["status"] == "tested" for row in of_arm)
        rows += [row | {"analysis": "table5_model_1", "arm": arm, "n_compared": n} for row in of_arm]
    numbers = ("mean_group", "mean_other", "difference", "n_as_large", "n_assignments", "p_value", "smallest_p")
    return pd.DataFrame(rows or [], columns=[*LABELS, *numbers, "analysis", "arm", *_COUNTS, "status"])


_COUNTS = ("n_centres_group", "n_centres_other", "n_compared")


def _compared(cohort: Cohort, last: str, parts: list[np.ndarray]) -> dict[str, Any]:
    """The numbers of a comparison, or why there are none."""
    a, b = map(len, parts)
    shortest = min(len(last), len(cohort.observed_until or ""))
    if shortest and last[:shortest] > str(cohort.observed_until)[:shortest]:
        return {"status": "later_than_follow_up"}
    if not (a and b):
        return {"status": "one_group"}
    n = math.comb(a + b, a)
    if n > MOST:
        return {"status": "too_many_assignments"}
    means = [float(part.mean()) for part in parts]
    sums = _sums_of_some(np.concatenate(parts), a)
    every = np.abs(sums / a - (sum(part.sum() for part in parts) - sums) / b)
    n_as_large = int((every > abs(means[0] - means[1]) - 1e-12).sum())
    found = {"mean_group": means[0], "mean_other": means[1], "difference": means[0] - means[1]}
    counts = {"n_as_large": n_as_large, "n_assignments": len(sums), "p_value": n_as_large / n}
    return found | counts | {"smallest_p": (2 if a == b else 1) / n, "status": "tested"}


def _sums_of_some(effects: np.ndarray, a: int) -> np.ndarray:
    """Sums of every choice of a effects: those without the next effect, and those of one fewer with it."""
    sums = [np.zeros(1), *(np.zeros(0) for _ in range(a))]
    for effect in effects:
        sums = [sums[0], *(np.concatenate([sums[k], sums[k - 1] + effect]) for k in range(1, a + 1))]
    return sums[a]


def expected_exposure(study: Study) -> pd.DataFrame:
    """The table ``exposure``, person by person and month by month."""
    cohort = study.cohort
    events = read_timeline(cohort.timeline, cohort.centres) if cohort.timeline else []
    months = list(pd.PeriodIndex(pd.to_datetime(study.people["randomised_on"]), freq="M"))
    rows: list[dict[str, Any]] = []
    for event, arm in ((event, arm) for event in events for arm in cohort.arms.all):
        n_months = n_after = n_possible = n_persons_after = n_persons_before = 0
        here = np.flatnonzero(study.here(event.centre, arm))
        for i in here:
            followed = [
                months[i] + int(k)
                for k, state in zip(cohort.window.months, study.primary[i], strict=True)
                if k >= 0 and state >= 0
            ]
            after = [month for month in followed if month.start_time >= _is_over(event.on)]
            n_months, n_after = n_months + len(followed), n_after + len(after)
            n_persons_after += bool(after)
            n_persons_before += len(after) < len(followed)
            n_possible += sum(month.start_time >= _may_have_been(event.on) for month in followed)
        row = {"centre": event.centre, "event": event.event, "arm": arm, "n_persons": len(here), "on": event.on}
        row |= {"n_person_months": n_months} | dict.fromkeys(NAMES[6:], np.nan)
        if n_possible != n_after:
            rows.append(row | {"status": "known_to_the_year"})
            continue
        share = n_after / n_months if n_months else np.nan
        counts = {"n_months_after": n_after, "n_persons_after": n_persons_after, "n_persons_before": n_persons_before}
        rows.append(row | counts | {"share_after": share, "status": "counted"})
    return pd.DataFrame(rows, columns=[*NAMES, "status"])


def _is_over(on: str) -> pd.Timestamp:
    """The day on which something that is dated to a day, a month or a year has certainly happened."""
    spans = {10: pd.DateOffset(days=0), 7: pd.DateOffset(months=1), 4: pd.DateOffset(years=1)}
    return pd.Timestamp(on) + spans[len(on)]


def _may_have_been(on: str) -> pd.Timestamp:
    """The first day on which it may have happened, of what is dated to a year; else the day by which it has."""
    return pd.Timestamp(on) if len(on) == len("2015") else _is_over(on)
