"""What assignment was drawn within: the strata that arms are compared in, and the weights that put strata together.

Where the share assigned differs between centres, persons of two arms come from centres in unlike shares: whatever is
compared over all centres without them compares centres, too. Everything beside the regressions is therefore computed
within strata and put together with the weights that dummies for the strata give a regression: n_1 n_0 / (n_1 + n_0).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ipseval.config import Cohort

STRATUM, BLOCK = "stratum", "block"  # columns of the trial list
NONE, OVERLAP = "none", "overlap"
NOT_COMPARABLE = "not_comparable"  # no stratum has enough persons in every arm
LEFT_OUT = "left out: {n} persons whose centre or stratum has too few persons in an arm"
OF_FEW = "an arm has fewer than {n} persons in centres or strata of {share} % of the persons: the error is too small"
LEAST_SHARE = 0.1  # of the persons, below which such strata move the error of the whole little


@dataclass(frozen=True)
class Strata:
    """The stratum of each of n persons.

    Parameters
    ----------
    by : tuple of str
        Columns of the trial list that make strata.
    number : int array, length n
        From 0 on, in the order of the centres.
    n_strata : int
    """

    by: tuple[str, ...]
    number: np.ndarray
    n_strata: int

    @property
    def name(self) -> str:
        """What the tables call them: ``centre``, ``centre + stratum``; ``none`` where there is one."""
        return " + ".join(self.by) if self.n_strata > 1 else NONE

    @property
    def weighting(self) -> str:
        """How strata are put together; ``none`` where there is one."""
        return OVERLAP if self.n_strata > 1 else NONE

    @property
    def label(self) -> dict[str, str]:
        """Columns that say so."""
        return {"stratified_by": self.name, "weighting": self.weighting}

    def counts(self, groups: Sequence[np.ndarray]) -> np.ndarray:
        """Persons of each stratum in each group (bool, length n); int, strata x groups."""
        return np.column_stack([np.bincount(self.number[group], minlength=self.n_strata) for group in groups])

    def of(self, persons: np.ndarray) -> "Strata":
        """Those of some of the persons; the strata keep their numbers."""
        return Strata(self.by, self.number[persons], self.n_strata)

    def comparable(self, groups: Sequence[np.ndarray], least: int) -> np.ndarray:
        """Strata with ``least`` persons in each group; a single stratum always is, as nothing is put together."""
        if self.n_strata < 2:
            return np.ones(self.n_strata, bool)
        return np.all(self.counts(groups) >= max(least, 1), axis=1)

    def of_few(self, groups: Sequence[np.ndarray], is_used: np.ndarray, least: int) -> str:
        """A note where strata with fewer than ``least`` persons in a group have more than a tenth of the persons.

        An error that is put together from few persons' own spread is too small (docs/calibration.md has by how much).

        Parameters
        ----------
        groups : sequence of bool array, length n
        is_used : bool array, length strata
            Strata that count.
        least : int
        """
        n = self.counts(groups)[is_used]
        of_few, total = int(n[(n < least).any(axis=1)].sum()), int(n.sum())
        return OF_FEW.format(n=least, share=f"{100 * of_few / total:.0f}") if of_few > LEAST_SHARE * total else ""

    def n_without_say(self, arm: np.ndarray, treatment: str, reference: str) -> int:
        """Persons of two arms in strata that lack one of them: dummies for strata leave them no say in the effect."""
        both = [arm == treatment, arm == reference]
        return int((np.logical_or(*both) & ~self.comparable(both, 1)[self.number]).sum()) if len(arm) else 0


def strata(cohort: Cohort, people: pd.DataFrame) -> Strata:
    """Centre x stratum of persons; x block, where an analysis adjusts for blocks.

    # ASSUME: persons without a stratum in the trial list are a stratum of their own in their centre.

    Parameters
    ----------
    cohort : Cohort
    people : DataFrame
        ``centre`` and, where the trial list has them, ``stratum`` and ``block``.
    """
    adjusted = {name for analysis in cohort.analyses for name in analysis.adjust}
    wanted = (STRATUM, *((BLOCK,) if BLOCK in adjusted else ()))
    finer = tuple(name for name in wanted if name in people)
    codes = [pd.Index(cohort.centres).get_indexer(pd.Index(people["centre"]))]
    for name in finer:
        codes.append(pd.factorize(people[name].astype("string").fillna(""), sort=True)[0])
    _, number = np.unique(np.column_stack(codes), axis=0, return_inverse=True) if len(people) else (None, codes[0])
    number = np.asarray(number).reshape(-1)
    return Strata(("centre", *finer), number, int(number.max(initial=-1)) + 1)


def overlap_weights(n: np.ndarray) -> np.ndarray:
    """Weights of strata that compare two or more groups: 1 / (1/n_1 + 1/n_0 + ...), which add up to 1.

    Of two groups n_1 n_0 / (n_1 + n_0): those of a regression with a dummy for each stratum, and of the least variance
    when outcomes vary alike everywhere (Li, Morgan & Zaslavsky 2018, JASA 113:390; of several groups Li & Li 2019, AOAS
    13:2389).

    Parameters
    ----------
    n : array of numbers, strata x groups
        Persons; a stratum without persons in a group weighs nothing.

    Returns
    -------
    float array, length strata
    """
    if len(n) == 1:
        return np.ones(1)
    has_all = (n > 0).all(axis=1)
    weights = np.zeros(len(n))
    weights[has_all] = 1 / (1 / n[has_all]).sum(axis=1)
    return weights / weights.sum() if has_all.any() else weights


def with_dummies(people: pd.DataFrame, found: Strata) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Persons with 0/1 columns of the strata, for regressions that hold dummies of the centres.

    Returns
    -------
    people : DataFrame
    names : tuple of str
        Of the added columns, one a stratum but the first of each centre; none where centres are the strata.
    """
    if found.by == ("centre",):
        return people, ()
    centre_of = pd.Series(people["centre"].to_numpy()).groupby(found.number).first()
    later = centre_of.index[centre_of.duplicated()]
    added = {f"stratum[{number}]": (found.number == number).astype(float) for number in later}
    return people.assign(**added), tuple(added)
