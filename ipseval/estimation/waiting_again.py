"""The curves of the time to a first job again, for ``verify``: risk sets counted in each stratum from the panel."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from ipseval.config import Cohort
from ipseval.estimation.strata import NONE

TOLERANCE = 1e-9  # a month: shares multiplied and summed in another order


def first_jobs(employed: np.ndarray, observed: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Who is at risk in each month, and whose first job is in it; bool, n x T."""
    seen = np.logical_and.accumulate(observed, axis=1)
    had = np.logical_or.accumulate(employed, axis=1)
    before = np.hstack([np.zeros((len(had), 1), bool), had[:, :-1]])
    return seen & ~before, seen & employed & ~before


def expected(
    people: pd.DataFrame, states: np.ndarray, arms: Sequence[str], by: Sequence[str], least: int
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Share without a first job by the end of each month, and first jobs by month, by arm.

    Weights of strata are 1 / (sum over arms of 1 / persons observed in the first month); strata with fewer than
    ``least`` of an arm do not count, save where there is but one.

    Parameters
    ----------
    people : DataFrame
    states : int8 array, n x T
        From the first month that anybody is observed in; -1 is missing.
    arms : sequence of str
    by : sequence of str
        Columns of ``people`` that make strata; none: one stratum.
    least : int
    """
    at_risk, events = first_jobs(states == 1, states >= 0)
    joined = people[list(by)].astype(str).agg("|".join, axis=1) if by else pd.Series("", people.index)
    survival = {arm: np.zeros(states.shape[1]) for arm in arms}
    counted = {arm: np.zeros(states.shape[1]) for arm in arms}
    whole = 0.0
    for stratum in joined.unique():
        of = {arm: ((joined == stratum) & (people["arm"] == arm)).to_numpy() for arm in arms}
        n = np.array([at_risk[own, 0].sum() for own in of.values()], dtype=float)
        if by and n.min() < max(least, 1):
            continue
        weight = 1 / (1 / n).sum() if by else 1.0
        whole += weight
        for arm, own in of.items():
            d, r = events[own].sum(axis=0), at_risk[own].sum(axis=0)
            hazard = np.divide(d, r, out=np.zeros(len(d)), where=r > 0)
            S = np.cumprod(1 - hazard)
            survival[arm] += weight * np.where((r > 0) | (S == 0), S, np.nan)
            counted[arm] += d
    return {arm: S / whole if whole else np.full(len(S), np.nan) for arm, S in survival.items()}, counted


def faults(
    cohort: Cohort, people: pd.DataFrame, states: np.ndarray, time: pd.DataFrame, means: pd.DataFrame
) -> tuple[int, int]:
    """How many numbers of curves and restricted means are wrong, and how many arms' curves were compared.

    Parameters
    ----------
    cohort : Cohort
    people : DataFrame
        The n analysed persons.
    states : int8 array, n x (after + 1)
        Ordinary employment in the panel.
    time, means : DataFrame
        ``time_to_job`` and ``restricted_mean``.
    """
    start = int((states >= 0).any(axis=0).argmax()) if len(states) else 0
    name = str(time["stratified_by"].iloc[0])
    by = [] if name == NONE else name.split(" + ")
    least = cohort.estimation.min_persons_per_arm
    shares, jobs = expected(people, states[:, start:], cohort.arms.all, by, least)
    wrong = n_compared = 0
    for arm in cohort.arms.all:
        rows = time[time["arm"] == arm].iloc[start:]
        mean = means[(means["arm"] == arm) & (means["measure"] == "months_without_job")].iloc[0]
        employed = (states[(people["arm"] == arm).to_numpy(), start:] == 1).sum(axis=0)
        is_compared = int(rows["n_events"].iloc[0]) == jobs[arm][0]
        n_compared += is_compared
        n_unseen = (people["arm"] == arm).sum() + (0 if is_compared else jobs[arm][0])
        wrong += _steps(rows, employed, n_unseen) + _mean(rows, mean, start)
        if is_compared:
            S = rows["survival"].to_numpy(dtype=float)
            wrong += int((rows["n_events"].to_numpy() != jobs[arm]).sum())
            wrong += int((np.isnan(S) != np.isnan(shares[arm])).sum() + (np.abs(S - shares[arm]) > TOLERANCE).sum())
    return wrong + _differences(cohort, means), n_compared


def _steps(rows: pd.DataFrame, employed: np.ndarray, n_unseen: int) -> int:
    """Risk sets that do not shrink by first jobs and censored; months with more employed than have had a first job."""
    at_risk, events, censored = (rows[n].to_numpy() for n in ("n_at_risk", "n_events", "n_censored"))
    left = at_risk - events - censored
    unseen = n_unseen - at_risk[0] + np.cumsum(censored) - censored
    wrong = int((at_risk[1:] != left[:-1]).sum() + (left < 0).sum() + left[-1])
    return wrong + int((employed > np.cumsum(events) + unseen).sum())


def _mean(rows: pd.DataFrame, mean: pd.Series, start: int) -> int:
    """Whether an estimated restricted mean is not the sum of its curve."""
    total = rows["survival"].to_numpy(dtype=float)[: int(mean["month_to"]) + 1 - start].sum()
    return int(mean["status"] == "estimated" and not abs(total - mean["estimate"]) <= TOLERANCE * len(rows))


def _differences(cohort: Cohort, means: pd.DataFrame) -> int:
    """Differences that are not those of the two sides, or estimated although a side is not, in a trial of two arms."""
    own = means[means["measure"] == "months_without_job"].set_index("arm")
    rows = means[(means["measure"] == "difference") & (means["status"] == "estimated")]
    if len(cohort.arms.all) > 2:  # every pair has weights of its own
        return 0
    wrong = 0
    for row in rows.to_dict("records"):
        sides = own.loc[[row["arm"], row["reference_arm"]]]
        gap = float(sides["estimate"].iloc[0]) - float(sides["estimate"].iloc[1])
        wrong += int(not abs(gap - row["estimate"]) <= TOLERANCE * (cohort.window.after + 1))
        wrong += int(set(sides["status"]) != {"estimated"})
    return wrong
