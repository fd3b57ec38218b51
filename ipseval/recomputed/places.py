"""The tests of groups of centres once more, with the sums of every choice of centres built up centre by centre."""

import math
from typing import Any

import numpy as np
import pandas as pd

from ipseval.config import Cohort
from ipseval.places.organisation import comparisons, read_organisation

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
