"""Linkage of a register with the trial list: rows of others, registers of nobody, dates of another decade."""

from collections.abc import Sequence

import pandas as pd

from ipseval.registers import extracts
from ipseval.registers.coverage import starts_in_trial
from ipseval.registers.distinct import numbered, stacked
from ipseval.registers.findings import Findings
from ipseval.registers.keys import canonical_keys
from ipseval.registers.opening import Opened
from ipseval.registers.row_rules import Known

LINKED = ("persons", "employment")  # extracts in which somebody of the trial must stand
MOST_COUNTED = 10**6  # rows of a delivery whose other persons are counted


def check(frame: pd.DataFrame, this: Opened, known: Known, found: Findings) -> None:
    """Note rows of others than the trial's persons, and a register that holds nobody of the trial.

    Parameters
    ----------
    frame : DataFrame
        Rows of the trial's persons.
    this : Opened
    known : Known
    found : Findings
    """
    name, delivery = this.extract.name, this.delivery
    others = delivery.n_rows - len(frame)
    if others:
        persons = _n_others(this, known)
        counted = "" if persons is None else f" ({persons} person{'s' if persons != 1 else ''})"
        subject = f"{others} of {delivery.n_rows} rows of {delivery.label}{counted}"
        found.add(name, "person_not_in_trial", subject, others, persons)
    if len(known.randomised_on) and frame.empty and delivery.n_rows and name in LINKED:
        found.add(name, "nobody_linked", delivery.label, 0, 0, number=1)


def check_starts(frame: pd.DataFrame, parts: Sequence[Opened], known: Known, found: Findings) -> None:
    """Note a register in which nobody starts a job during the trial: its dates may be of another unit or decade."""
    name, randomised_on = parts[0].extract.name, known.randomised_on
    if name not in LINKED or "start_on" not in frame or any(this.layout.is_wide for this in parts):
        return
    if randomised_on.notna().any() and not starts_in_trial(
        frame["start_on"], randomised_on, known.cohort.window.months
    ):
        labels = " and ".join(this.delivery.label for this in parts)
        found.add(name, "no_start_in_trial", labels, 0, 0, number=len(parts))


def _n_others(this: Opened, known: Known) -> int | None:
    """Persons of a delivery who are not in the trial list; None for a large one: it takes longer than reading."""
    if this.delivery.n_rows > MOST_COUNTED:
        return None
    parts = extracts.count_by(this.delivery, this.columns["person_id"])
    keys = stacked([canonical_keys(part.table["value"]).values for part in parts])
    return len(numbered(keys)[1].difference(known.randomised_on.index))
