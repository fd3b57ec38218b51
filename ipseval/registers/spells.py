"""Spells: merged where those of one job overlap or touch."""

import numpy as np
import pandas as pd

from ipseval.registers.distinct import combined, ranks
from ipseval.registers.origins import ORIGIN

FOREVER = np.datetime64("9999-12-31", "s")  # stands for an open end while spells are compared


def no_days(index: pd.Index) -> pd.Series:
    """A column of days of which none is known.

    Made from an array: of a single missing day pandas makes nanoseconds, which end in the year 2262.
    """
    return pd.Series(np.full(len(index), np.datetime64("NaT", "s")), index=index)


def _job_columns(frame: pd.DataFrame) -> list[str]:
    """What makes two spells one job: everything but the dates."""
    return [c for c in frame.columns if c not in ("start_on", "end_on", ORIGIN)]


def _arranged(frame: pd.DataFrame, by: list[str], apart: int = 1) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Order by job and start; in it which rows start later than ``apart`` days after all earlier ones of the job.

    Returns
    -------
    tuple of arrays, length n
        Rows in order; bool; the latest end so far within the job (days since 1970-01-01).
    """
    start = frame["start_on"].to_numpy().astype("datetime64[D]").astype("int64")
    end = frame["end_on"].fillna(FOREVER).to_numpy().astype("datetime64[D]").astype("int64")
    jobs, days = combined(ranks(frame[name]) for name in by), (ranks(frame[name]) for name in ("start_on", "end_on"))
    order = np.argsort(combined([(jobs, int(jobs.max(initial=0)) + 1), *days]), kind="stable")
    return order, *begins_and_reach(jobs[order], start[order], end[order], apart)


def begins_and_reach(
    jobs: np.ndarray, start: np.ndarray, end: np.ndarray, apart: int = 1
) -> tuple[np.ndarray, np.ndarray]:
    """Of spells in order of job and start: which start later than ``apart`` days after all earlier ones of the job.

    Returns
    -------
    tuple of arrays, length n
        Bool; the latest end so far within the job (days since 1970-01-01).
    """
    far = int(end.max(initial=0)) - int(start.min(initial=0)) + 2
    job = np.cumsum(np.append(0, jobs[1:] != jobs[:-1]))[: len(jobs)]
    reached = np.maximum.accumulate(end + job * far) - job * far
    begins = np.ones(len(jobs), bool)
    begins[1:] = (job[1:] != job[:-1]) | (start[1:] > reached[:-1] + apart)
    return begins, reached


def overlapping(frame: pd.DataFrame) -> np.ndarray:
    """Rows (in the frame's order) that overlap an earlier spell of the same job; bool, length n.

    A spell of which the start is not known overlaps none.
    """
    places = np.flatnonzero(frame["start_on"].notna())
    order, begins, _ = _arranged(frame.iloc[places], _job_columns(frame), apart=0)
    found = np.zeros(len(frame), bool)
    found[places[order[~begins]]] = True
    return found


def begins_of_runs(frame: pd.DataFrame, by: list[str], apart: int = 1) -> np.ndarray:
    """First day of the run of spells that each belongs to: those that agree in the columns ``by`` and start at most
    ``apart`` days after the end of an earlier one; datetime64[D], length n.
    """
    order, begins, _ = _arranged(frame, by, apart)
    start = frame["start_on"].to_numpy().astype("datetime64[D]")[order]
    found = np.empty(len(frame), "datetime64[D]")
    found[order] = start[begins][np.cumsum(begins) - 1]
    return found


def merge(frame: pd.DataFrame, by: list[str] | None = None) -> pd.DataFrame:
    """Merge spells that overlap or touch (the next day) and agree in the columns ``by``.

    Parameters
    ----------
    frame : DataFrame
        ``start_on``, ``end_on`` (inclusive; missing: open) and others.
    by : list of str, optional
        All columns but the dates when not given; the others are dropped.

    Returns
    -------
    DataFrame
        Sorted; spells of one job are apart by a day at least.
    """
    by = _job_columns(frame) if by is None else by
    order, begins, reached = _arranged(frame, by)
    last = np.append(np.flatnonzero(begins)[1:], len(order))[: int(begins.sum())] - 1
    merged = frame[[*by, "start_on"]].take(order[begins]).reset_index(drop=True)
    end_on = pd.Series(reached[last].astype("datetime64[D]").astype("datetime64[s]"))
    return merged.assign(end_on=end_on.mask(end_on == FOREVER))
