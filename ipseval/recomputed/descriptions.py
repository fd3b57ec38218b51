"""Inclusion, balance, wage subsidies and employment by month once more, cell by cell."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from ipseval.because import told
from ipseval.config import COMPLETED_YEARS
from ipseval.estimation.design import ALL
from ipseval.recomputed.columns import in_order, is_category, levels_of
from ipseval.recomputed.study import Study

MOST_LEVELS = 20
NO_COVARIATES = ("person_id", "centre", "arm", "randomised_on", "block", "is_analysed", "died_on", COMPLETED_YEARS)
MOVES = ("emigrated_on", "returned_on")


def _cells(study: Study) -> Iterator[tuple[str, str, np.ndarray]]:
    for centre in (*study.cohort.centres, ALL):
        for arm in study.cohort.arms.all:
            yield centre, arm, study.here(centre, arm)


def _share(k: int, n: int) -> float:
    return k / n if n else np.nan


def expected_inclusion(study: Study, people: pd.DataFrame) -> pd.DataFrame:
    """Randomised and analysed persons of each centre; ``people``: all who were randomised."""
    people = people[people["arm"].isin(study.cohort.arms.all)]
    rows = []
    for centre in (*study.cohort.centres, ALL):
        own = [c for c in study.cohort.centres if centre in (c, ALL)]
        n = int(people["centre"].isin(own).sum())
        k = int((people["centre"].isin(own) & people["is_analysed"].astype(bool)).sum())
        rows.append({"centre": centre, "n_randomised": n, "n_analysed": k, "share": _share(k, n)})
    return pd.DataFrame(rows)


def expected_employment(study: Study) -> pd.DataFrame:
    """The curve: persons, observed and employed of each centre, arm and month."""
    rows = []
    for centre, arm, here in _cells(study):
        own = study.primary[here]
        for month, states in zip(study.cohort.window.months, own.T, strict=True):
            n, k = int((states >= 0).sum()), int((states == 1).sum())
            reasons = told(study.reasons((month, month), (arm,), centre))
            rows.append((centre, arm, month, len(own), n, k, _share(k, n), reasons))
    names = ["centre", "arm", "month", "n_persons", "n_observed", "n_employed", "share", "because"]
    return pd.DataFrame(rows, columns=names)


def expected_subsidies(study: Study) -> pd.DataFrame:
    """Months with a wage subsidy over the chosen months; counts are empty where it was not delivered."""
    first, last = study.cohort.describe["wage_subsidy_months"]
    is_chosen = np.array([first <= k <= last for k in study.cohort.window.months])
    rows = []
    for centre, arm, here in _cells(study):
        row = {"centre": centre, "arm": arm, "n_persons": int(here.sum())}
        if "wage_subsidy" not in study.states:
            row |= dict.fromkeys(("n_person_months", "n_subsidised", "share", "n_persons_subsidised"), np.nan)
            rows.append(row | {"note": "wage_subsidy was not delivered"})
            continue
        states = study.states["wage_subsidy"][here][:, is_chosen]
        n, k = int((states >= 0).sum()), int((states == 1).sum())
        row |= {"n_person_months": n, "n_subsidised": k, "share": _share(k, n), "note": ""}
        rows.append(row | {"n_persons_subsidised": int((states == 1).any(axis=1).sum())})
    return pd.DataFrame(rows)


def expected_balance(study: Study) -> pd.DataFrame:
    """Each covariate, and each level of a category, by centre and arm; of people with their history."""
    people = study.with_history(study.cohort.outcome.primary)
    rows = []
    for variable, level, values in _listed(people):
        unit = "share" if set(values[~np.isnan(values)]) <= {0.0, 1.0} else "number"
        for centre in (*study.cohort.centres, ALL):
            of = {arm: values[study.here(centre, arm)] for arm in study.cohort.arms.all}
            base = of[study.cohort.arms.reference]
            for arm, own in of.items():
                known = own[~np.isnan(own)]
                row: dict[str, Any] = {"variable": variable, "level": level, "centre": centre, "arm": arm, "unit": unit}
                row |= {"n": len(known), "n_missing": len(own) - len(known), "mean": _mean(own), "sd": _sd(own)}
                root = np.sqrt((_sd(own) ** 2 + _sd(base) ** 2) / 2)
                is_compared = arm != study.cohort.arms.reference and root > 0
                row["smd"] = (_mean(own) - _mean(base)) / root if is_compared else np.nan
                sizes = sorted(np.abs(known), reverse=True)
                for name, k in (("share_largest", 1), ("share_two_largest", 2)):
                    row[name] = sum(sizes[:k]) / sum(sizes) if sum(sizes) > 0 else np.nan
                rows.append(row)
    return pd.DataFrame(rows)


def _mean(values: np.ndarray) -> float:
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else np.nan


def _sd(values: np.ndarray) -> float:
    known = values[~np.isnan(values)]
    return float(known.std(ddof=1)) if len(known) > 1 else np.nan


def _listed(people: pd.DataFrame) -> Iterator[tuple[str, str, np.ndarray]]:
    """Variable, level and values of every row of the table."""
    for name in people:
        if name in NO_COVARIATES or str(name).startswith(MOVES):
            continue
        if not is_category(people[name]):
            variable, _, level = str(name).removesuffix("]").partition("[")
            yield variable, level, people[name].to_numpy(dtype=float, na_value=np.nan)
            continue
        texts = levels_of(people, str(name))
        known = in_order(texts)
        for level in known if len(known) <= MOST_LEVELS else ():
            yield str(name), level, np.where(texts.isna(), np.nan, (texts == level).astype(float))
