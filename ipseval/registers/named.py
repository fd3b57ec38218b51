"""Persons of the trial list that a cohort leaves out by a list: they stay in the flow, and no rule stops at them."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from ipseval.registers.findings import Findings
from ipseval.registers.opening import Opened

LEFT_OUT = "left_out"  # column of the trial list, 1 for whom leave_out names


def apart(trial: pd.DataFrame, found: Findings) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The trial list without the persons to leave out, and one row of each of these.

    Who has no day of randomisation, centre or arm cannot stand in the flow and is dropped.
    """
    named = found.mending.left_out.get("trial", frozenset())
    is_named = trial["person_id"].isin(named).to_numpy()
    if is_named.any():
        n, persons = int(is_named.sum()), int(trial.loc[is_named, "person_id"].nunique())
        found.add("trial", "left_out", f"{n} of {len(trial)} rows of the trial list", n, persons)
    own = trial[is_named].dropna(subset=["randomised_on", "centre", "arm"]).drop_duplicates("person_id")
    return trial[~is_named].reset_index(drop=True), own


def with_left_out(trial: pd.DataFrame, left_out: pd.DataFrame) -> pd.DataFrame:
    """The trial list with the persons that are left out, marked; unchanged when there are none."""
    if left_out.empty:
        return trial
    both = [trial.assign(**{LEFT_OUT: np.int8(0)}), left_out.assign(**{LEFT_OUT: np.int8(1)})]
    return pd.concat(both, ignore_index=True).sort_values("person_id", ignore_index=True)


def check_used(opened: Mapping[str, Sequence[Opened]], trial: pd.DataFrame, found: Findings) -> None:
    """Note rows of leave_out and corrections that concern nobody, and columns of corrections that are not there."""
    names = {name: file.name for name, file in found.cohort.mending.items()}
    known = set(trial["person_id"])
    for extract, keys in found.mending.left_out.items():
        if idle := len(keys - known):
            subject = f"{idle} of {len(keys)} persons to leave out of {extract}"
            found.add(extract, "idle_mending", subject, None, idle, number=idle, label=names["leave_out"])
    for column, own in found.mending.corrections.groupby(["extract", "column"]):
        extract, name = map(str, column)
        here = {c for part in opened.get(extract, ()) for c in part.columns} - {"person_id"}
        if name not in here:
            what = f"{len(own)} rows name the column {extract}.{name}, which was not delivered."
            found.fault(names["corrections"], what, f"Delivered: {', '.join(sorted(here)) or 'none'}.")
