"""Findings about rows: counted, with the persons and the files concerned."""

from typing import Any

import numpy as np
import pandas as pd

from ipseval.registers.findings import Findings, listed
from ipseval.registers.opening import Opened


def note(
    this: Opened,
    rule: str,
    rows: np.ndarray,
    person: pd.Series,
    found: Findings,
    file: np.ndarray | None = None,
    **words: Any,
) -> str | None:
    """Note the rows that a rule found; nothing when there are none.

    Parameters
    ----------
    this : Opened
    rule : str
    rows : bool array, length n
    person : Series, length n
    found : Findings
    file : int array, length n, optional
        Number of the file of each row; of a folder the message then names the files concerned.
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
    persons = int(person[rows].nunique())
    counted = f"{persons} person{'s' if persons != 1 else ''}"
    if file is not None and len(this.delivery.files) > 1:
        names = this.delivery.names(sorted(set(file[rows].tolist())))
        counted += f"; in {listed(names)}" if len(names) < len(this.delivery.files) else ""
    subject = f"{n} of {len(rows)} row{'s' if len(rows) != 1 else ''} of {this.delivery.label} ({counted})"
    return found.add(this.extract.name, rule, subject, n, persons, **words)
