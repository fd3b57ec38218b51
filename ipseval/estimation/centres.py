"""Effects by centre, which of them are pooled, and the regressions they come from."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from ipseval.config import Analysis, Cohort
from ipseval.estimate import fit_regression
from ipseval.estimation.analyses import Regression, regressions
from ipseval.estimation.design import ALL
from ipseval.estimation.estimator import Fitted
from ipseval.estimation.estimators import ESTIMATORS
from ipseval.estimation.joint import Part
from ipseval.panel import months_of_outcomes

ESTIMATED, TOO_FEW = "estimated", "too_few_for_pooling"


@dataclass(frozen=True)
class Centres:
    """Effects of one analysis and arm by centre.

    Parameters
    ----------
    analysis, arm : str
    rows : DataFrame
        One row a centre, in the order of the cohort: columns of the effects, and ``n_persons`` in any arm. Those with
        the status ``estimated`` are pooled.
    fits : list of (Regression, Fitted)
        One regression with all effects, or one a centre.
    """

    analysis: str
    arm: str
    rows: pd.DataFrame
    fits: list[tuple[Regression, Fitted]]

    @property
    def pooled(self) -> pd.DataFrame:
        """Rows of the k centres that are pooled."""
        return self.rows[self.rows["status"] == ESTIMATED]

    @property
    def estimate(self) -> np.ndarray:
        """Effects of the pooled centres, length k."""
        return self.pooled["estimate"].to_numpy(dtype=float)

    @property
    def variance(self) -> np.ndarray:
        """Their squared standard errors, length k."""
        return self.pooled["std_error"].to_numpy(dtype=float) ** 2

    def parts(self, R: np.ndarray) -> list[Part]:
        """Restrictions on the pooled effects (q x k) as restrictions on the coefficients of their regressions."""
        column = {centre: j for j, centre in enumerate(self.pooled["centre"])}
        found = []
        for regression, fitted in self.fits:
            effects = [e for e in regression.design.effects if e.arm == self.arm and e.centre in column]
            C = np.zeros((len(R), len(fitted.terms)))
            for effect in effects:
                C[:, fitted.terms.index(effect.term)] = R[:, column[effect.centre]]
            found += [Part(fitted.fit, C)] if effects else []
        return found


def by_centre(cohort: Cohort, people: pd.DataFrame, panel: pd.DataFrame, effects: pd.DataFrame) -> Iterator[Centres]:
    """Every analysis that pools months and has an effect a centre, by arm.

    Parameters
    ----------
    cohort : Cohort
    people, panel : DataFrame
        As for :func:`ipseval.estimate.estimate`.
    effects : DataFrame
        What it made of them.
    """
    months = months_of_outcomes(cohort, people, panel)
    bare = replace(cohort, estimation=replace(cohort.estimation, variances=()))
    for analysis in cohort.analyses:
        if analysis.months == "each" or not (analysis.within or analysis.effect == "by_centre"):
            continue
        if not ESTIMATORS[analysis.estimator].is_linear:
            continue  # there is no covariance of the centres' effects
        every = regressions(cohort, analysis, *months[analysis.outcome])
        found = [(this, fit_regression(bare, this)) for this in every]
        fits = [(this, fitted) for this, fitted in found if fitted]
        for arm in cohort.arms.treatments:
            yield Centres(analysis.name, arm, _rows(cohort, analysis, arm, effects), fits)


def _assigned_anywhere(effects: pd.DataFrame, chosen: dict[str, str]) -> pd.Series:
    """Persons of each centre in any of the treatments."""
    others = {name: value for name, value in chosen.items() if name != "arm"}
    every = effects[(effects[list(others)] == pd.Series(others)).all(axis=1)]
    return every.groupby("centre")["n_assigned"].sum()


def _rows(cohort: Cohort, analysis: Analysis, arm: str, effects: pd.DataFrame) -> pd.DataFrame:
    """Effects of the centres in their order; those of few persons get a status of their own."""
    chosen = {
        "analysis": analysis.name,
        "arm": arm,
        "variance": cohort.pooled_variance,
        "outcome": analysis.outcome,
        "estimator": analysis.estimator,
        "subgroup": ALL,
    }
    rows = effects[(effects[list(chosen)] == pd.Series(chosen)).all(axis=1)]
    rows = rows.set_index("centre").loc[list(cohort.centres)].reset_index()
    rows = rows.assign(n_persons=rows["n_control"] + rows["centre"].map(_assigned_anywhere(effects, chosen)))
    is_small = rows[["n_assigned", "n_control"]].min(axis=1) < cohort.synthesis.min_persons_per_arm
    return rows.assign(status=rows["status"].mask(is_small & (rows["status"] == ESTIMATED), TOO_FEW))
