"""Persons of the trial list that a cohort leaves out by a list: they stay in the flow, and no rule stops at them."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from ipseval.registers.findings import Findings
from ipseval.registers.mending import COLUMN
from ipseval.registers.noting import note
from ipseval.registers.opening import Opened

# Columns of the trial list: 1 for whom leave_out names, and for whom a cell is set or another row is left out.
LEFT_OUT, MENDED = "left_out", "mended"


def apart(trial: pd.DataFrame, this: Opened, found: Findings) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The trial list without the persons to leave out, and one row of each of these.

    Who has no day of randomisation, centre or arm cannot stand in the flow and is dropped.
    """
    named = found.mending.persons_left_out("trial")
    is_named = trial["person_id"].isin(named["key"]).to_numpy()
    note(this, "left_out", is_named, trial, found)
    found.used["leave_out"].update(named.index[named["key"].isin(trial["person_id"])])
    own = trial[is_named].dropna(subset=["randomised_on", "centre", "arm"]).drop_duplicates("person_id")
    return trial[~is_named].reset_index(drop=True), own


def with_left_out(trial: pd.DataFrame, left_out: pd.DataFrame, found: Findings) -> pd.DataFrame:
    """The trial list with the persons that are left out, marked, and a mark on those whose rows are mended.

    Unchanged when nobody is named.
    """
    if len(left_out):
        both = [trial.assign(**{LEFT_OUT: np.int8(0)}), left_out.assign(**{LEFT_OUT: np.int8(1)})]
        trial = pd.concat(both, ignore_index=True).sort_values("person_id", ignore_index=True)
    is_mended = trial["person_id"].isin(found.mending.concerned())
    return trial.assign(**{MENDED: is_mended.astype("int8")}) if is_mended.any() else trial


def check_columns(opened: Mapping[str, Sequence[Opened]], found: Findings) -> None:
    """Note columns of leave_out and corrections that were not delivered."""
    for key, rows in (("leave_out", found.mending.left_out), ("corrections", found.mending.corrections)):
        for place, own in rows[rows[COLUMN] != ""].groupby(["extract", COLUMN]):
            extract, name = map(str, place)
            here = {c for part in opened.get(extract, ()) for c in part.columns} - {"person_id"}
            if name not in here:
                what = f"{len(own)} rows name the column {extract}.{name}, which was not delivered."
                found.fault(found.cohort.mending[key].name, what, f"Delivered: {', '.join(sorted(here)) or 'none'}.")


def check_idle(opened: Mapping[str, Sequence[Opened]], found: Findings) -> None:
    """Note rows of leave_out and corrections that concern no row of a delivery; those of unread extracts, too."""
    for key, rows in (("leave_out", found.mending.left_out), ("corrections", found.mending.corrections)):
        for name, own in rows.groupby("extract"):
            extract = str(name)
            here = {"", *(c for part in opened.get(extract, ()) for c in part.columns)}
            idle = own[~own.index.isin(found.used[key]) & own[COLUMN].isin(here)]
            if len(idle):
                subject, file = f"{len(idle)} of {len(own)} rows about {extract}", found.cohort.mending[key].name
                action = found.add(extract, "idle_mending", subject, None, None, number=len(idle), label=file)
                found.name(extract, "idle_mending", action, idle["key"], file)
