"""Findings about rows: counted, with the persons and the files concerned."""

from typing import Any

import numpy as np
import pandas as pd

from ipseval.registers.extracts import FILE
from ipseval.registers.findings import Findings, listed
from ipseval.registers.opening import Opened


def note(
    this: Opened,
    rule: str,
    rows: np.ndarray,
    frame: pd.DataFrame,
    found: Findings,
    **words: Any,
) -> str | None:
    """Note the rows that a rule found; nothing when there are none.

    Parameters
    ----------
    this : Opened
    rule : str
    rows : bool array, length n
    frame : DataFrame, length n
        ``person_id`` of the rows and, as far as they are known, ``FILE`` (of a folder the message then names the files
        concerned) and ``ORIGIN``.
    found : Findings
    **words
        Words of the message.

    Returns
    -------
    str or None
        The action.
    """
    n = int(np.sum(rows))
    if n == 0:
        return None
    own = frame[rows]
    persons, files = int(own["person_id"].nunique()), this.delivery.files
    counted = f"{persons} person{'s' if persons != 1 else ''}"
    if FILE in frame and len(files) > 1:
        names = this.delivery.names(sorted(set(own[FILE])))
        counted += f"; in {listed(names)}" if len(names) < len(files) else ""
    subject = f"{n} of {len(rows)} row{'s' if len(rows) != 1 else ''} of {this.delivery.label} ({counted})"
    action = found.add(this.extract.name, rule, subject, n, persons, **words)
    if found.origins is not None:
        finding = {"extract": this.extract.name, "rule": rule, "column": words.get("column", ""), "action": action}
        found.origins.note(this.delivery.names(range(len(files))), own, **finding)
    return action
