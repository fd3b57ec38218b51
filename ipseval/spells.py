"""Spells: merged where those of one job overlap or touch."""

import numpy as np
import pandas as pd

FOREVER = np.datetime64("9999-12-31", "s")  # stands for an open end while spells are compared


def _job_columns(frame: pd.DataFrame) -> list[str]:
    """What makes two spells one job: everything but the dates."""
    return [c for c in frame.columns if c not in ("start_on", "end_on")]


def _arranged(frame: pd.DataFrame, by: list[str], apart: int = 1) -> tuple[pd.DataFrame, np.ndarray]:
    """Sort by job and start; say which rows start later than ``apart`` days after all earlier ones of the job."""
    arranged = frame.sort_values([*by, "start_on", "end_on"], ignore_index=True)
    job = arranged.groupby(by, dropna=False, sort=False).ngroup().to_numpy()
    start = arranged["start_on"].to_numpy().astype("datetime64[D]").astype("int64")
    end = arranged["end_on"].fillna(FOREVER).to_numpy().astype("datetime64[D]").astype("int64")
    far = int(end.max(initial=0)) - int(start.min(initial=0)) + 2
    reached = np.maximum.accumulate(end + job * far) - job * far  # the latest end so far, within the job
    begins = np.ones(len(arranged), bool)
    begins[1:] = (job[1:] != job[:-1]) | (start[1:] > reached[:-1] + apart)
    return arranged.assign(end_on=reached.astype("datetime64[D]").astype("datetime64[s]")), begins


def overlapping(frame: pd.DataFrame) -> np.ndarray:
    """Rows (in the frame's order) that overlap an earlier spell of the same job; bool, length n."""
    numbered = frame.assign(_row=np.arange(len(frame)))
    arranged, begins = _arranged(numbered, [c for c in _job_columns(numbered) if c != "_row"], apart=0)
    found = np.zeros(len(frame), bool)
    found[arranged["_row"].to_numpy()[~begins]] = True
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
    arranged, begins = _arranged(frame[[*by, "start_on", "end_on"]], by)
    last = np.append(np.flatnonzero(begins)[1:], len(arranged))[: int(begins.sum())] - 1
    merged = arranged[begins].reset_index(drop=True)
    end_on = arranged["end_on"].iloc[last].reset_index(drop=True)
    return merged.assign(end_on=end_on.mask(end_on == FOREVER))
