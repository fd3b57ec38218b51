"""What assignment was drawn within, found anew: strata by name, persons of each by arm, and their weights."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ipseval.recomputed.study import Study

LEFT_OUT = "left out: {n} persons whose centre or stratum has too few persons in an arm"
OF_FEW = "an arm has fewer than {n} persons in centres or strata of {share} % of the persons: the error is too small"


@dataclass(frozen=True)
class Strata:
    """The stratum of each of n persons: its number, how many there are, and what the tables call them."""

    number: np.ndarray
    names: list[tuple[str, ...]]
    by: str

    @property
    def label(self) -> dict[str, str]:
        """Columns that say so."""
        is_one = len(self.names) < 2
        return {"stratified_by": "none" if is_one else self.by, "weighting": "none" if is_one else "overlap"}

    def counts(self, groups: Sequence[np.ndarray]) -> np.ndarray:
        """Persons of each stratum in each group; int, strata x groups."""
        return np.array([[int((group & (self.number == s)).sum()) for group in groups] for s in range(len(self.names))])

    def used(self, groups: Sequence[np.ndarray], least: int) -> np.ndarray:
        """Strata with enough persons in every group; a single one always is."""
        if len(self.names) < 2:
            return np.ones(len(self.names), bool)
        return np.all(self.counts(groups) >= max(least, 1), axis=1)


def of_few(n: np.ndarray, least: int) -> str:
    """The note where strata (rows) with fewer than ``least`` of an arm have more than a tenth of the persons."""
    few = sum(sum(row) for row in n.tolist() if min(row) < least)
    return OF_FEW.format(n=least, share=f"{100 * few / n.sum():.0f}") if 10 * few > n.sum() else ""


def strata_of(study: Study) -> Strata:
    """Centre x stratum; x block where an analysis adjusts for blocks."""
    wanted = ["stratum"]
    if any("block" in analysis.adjust for analysis in study.cohort.analyses):
        wanted.append("block")
    finer = [name for name in wanted if name in study.people]
    texts = [study.people[name].astype("string").fillna("").to_numpy(dtype=object) for name in finer]
    keys = list(zip(study.centre, *texts, strict=True))
    place = {centre: i for i, centre in enumerate(study.cohort.centres)}
    names = sorted(set(keys), key=lambda key: (place[key[0]], *key[1:]))
    position = {key: i for i, key in enumerate(names)}
    return Strata(np.array([position[key] for key in keys], dtype=int), names, " + ".join(["centre", *finer]))


def overlap(n: np.ndarray) -> np.ndarray:
    """Weights 1 / (1/n_1 + 1/n_0 + ...) of strata (rows), which add up to 1; none for one that lacks a group."""
    if len(n) == 1:
        return np.ones(1)
    w = np.array([0.0 if (row == 0).any() else 1 / sum(1 / row) for row in n])
    return w / w.sum() if w.any() else w


def with_strata(study: Study, found: Strata, people: pd.DataFrame | None = None) -> tuple[pd.DataFrame, list[str]]:
    """Persons with a column of every stratum but the first of each centre, and the names of these columns."""
    people, names, seen = study.people if people is None else people, [], set[str]()
    for number, key in enumerate(found.names):
        if key[0] in seen and found.by != "centre":
            names.append(f"stratum[{number}]")
            people = people.assign(**{names[-1]: (found.number == number).astype(float)})
        seen.add(key[0])
    return people, names


def without_say(study: Study, found: Strata, persons: np.ndarray, arm: str) -> int:
    """Persons (of some rows) of an arm and the reference arm whose stratum lacks one of them."""
    own = Strata(found.number[persons], found.names, found.by)
    both = [study.arm[persons] == a for a in (arm, study.cohort.arms.reference)]
    return int((np.logical_or(*both) & ~own.used(both, 1)[own.number]).sum()) if len(persons) else 0
