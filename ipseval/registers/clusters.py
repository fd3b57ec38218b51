"""Units that were assigned as a whole: persons of one have the same arm, and errors by person are too small."""

import numpy as np
import pandas as pd

from ipseval.config import Cohort
from ipseval.registers.findings import Findings
from ipseval.registers.named import LEFT_OUT

UNITS = ("cluster", "block", "stratum")  # columns of the trial list that may name what was assigned
RARE = 0.001  # chance that persons assigned one by one have one arm in every unit


def check(trial: pd.DataFrame, cohort: Cohort, found: Findings) -> None:
    """Note columns in each of whose units all persons have one arm, where chance does not explain it.

    Parameters
    ----------
    trial : DataFrame
        ``centre``, ``arm`` and, where delivered, ``UNITS``; checked.
    cohort : Cohort
    found : Findings
    """
    here = trial[trial["arm"].isin(cohort.arms.all)]
    if LEFT_OUT in here:
        here = here[here[LEFT_OUT] != 1]
    for column in (name for name in UNITS if name in here):
        own = here.dropna(subset=column)
        n_units = _assigned_whole(own["centre"].astype(str) + "\n" + own[column].astype(str), own["arm"])
        if n_units:
            subject, n = f"{len(own)} persons", len(own)
            found.add("trial", "assigned_by_unit", subject, None, n, number=n, column=column, units=n_units)


def _assigned_whole(unit: pd.Series, arm: pd.Series) -> int:
    """Number of units, where each has one arm and chance does not explain it; else 0.

    The chance is that of independent draws with the arms' shares among these persons, given the units' sizes.
    """
    if arm.nunique() < 2 or (arm.groupby(unit).nunique() > 1).any():
        return 0
    share, size = arm.value_counts(normalize=True).to_numpy(), unit.value_counts().to_numpy()
    chance = np.log((share[:, None] ** size[None, :]).sum(axis=0)).sum()
    return len(size) if chance < np.log(RARE) else 0
