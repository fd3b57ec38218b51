"""Many trials of a case: the estimate, its standard errors and its p-value by randomisation, trial by trial."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from calibration.trial import Case, Trial, cohort_of, draw_trial, effects_of_centres, truth
from ipseval.config import Cohort, Randomisation
from ipseval.estimation.analyses import Regression, regressions
from ipseval.estimation.estimator import assigned_last
from ipseval.estimation.multiplicity import by_tails
from ipseval.estimation.redrawn import redrawn
from ipseval.estimation.regression import Fit, Sample, fit
from ipseval.estimation.variance import VARIANCES, Variance
from ipseval.randomise import assignments

Variances = Mapping[str, Callable[[Fit], Variance]]
NO_ERROR = 1e-10  # as in ipseval.estimate: a smaller standard error is none, and the effect is not estimated


@dataclass(frozen=True)
class Size:
    """How much is simulated.

    Parameters
    ----------
    simulations : int
        Trials of one centre.
    simulations_pooled : int
        Trials of several.
    simulations_randomisation : int
        Trials without effect, the first of the above, to which randomisation inference is put.
    draws : int
        Assignments drawn again in each of those.
    seed : int
    draws_arms : int
        Assignments drawn again in each trial of three arms.
    """

    simulations: int = 2000
    simulations_pooled: int = 400
    simulations_randomisation: int = 400
    draws: int = 499
    seed: int = 2021
    draws_arms: int = 199

    def trials(self, case: Case) -> int:
        """Trials of a case."""
        return self.simulations if len(case.plan.centres) == 1 else self.simulations_pooled


@dataclass(frozen=True)
class Simulated:
    """Results of n trials.

    Parameters
    ----------
    truth, estimate : float arrays, length n
    std_error, df : dict
        Variance -> float array, length n.
    p_randomised : float array
        Of the first trials.
    n_persons : float array, n x 2
        Analysed in the reference arm and in the other.
    """

    truth: np.ndarray
    estimate: np.ndarray
    std_error: dict[str, np.ndarray]
    df: dict[str, np.ndarray]
    p_randomised: np.ndarray
    n_persons: np.ndarray


def simulate(case: Case, number: int, size: Size, variances: Variances = VARIANCES) -> Simulated:
    """Draw the trials of a case and estimate its effect in each.

    Parameters
    ----------
    case : Case
    number : int
        Of the case: each trial has a generator of its own, seeded by (seed, number, trial).
    size : Size
    variances : mapping

    Returns
    -------
    Simulated
    """
    cohort, effects, n = cohort_of(case, size.draws), effects_of_centres(case), size.trials(case)
    n_randomised = 0 if case.has_effect else min(n, size.simulations_randomisation)
    true, estimates, p, counts = np.empty(n), np.empty(n), np.empty(n_randomised), np.empty((n, 2))
    errors, df = ({name: np.empty(n) for name in variances} for _ in range(2))
    for k in range(n):
        rng = np.random.default_rng((size.seed, number, k))
        trial = draw_trial(case, rng)
        (regression,) = regressions(cohort, cohort.analyses[0], trial.people, trial.states)
        true[k] = truth(case, effects, trial.people)
        counts[k] = [(regression.arm == arm).sum() for arm in cohort.arms.all]
        estimates[k], found = estimated(regression, variances)
        for name, (error, freedom) in found.items():
            errors[name][k], df[name][k] = error, freedom
        if k < n_randomised:
            p[k] = p_by_randomisation(cohort, trial, regression, int(rng.integers(2**31)))
    return Simulated(true, estimates, errors, df, p, counts)


def estimated(this: Regression, variances: Variances) -> tuple[float, dict[str, tuple[float, float]]]:
    """Estimate of the regression's effect, and variance -> (standard error, df)."""
    terms = (*this.design.terms, *this.time.terms)
    found = fit(Sample(this.design.X, this.time.D, this.time.Y, this.time.O), assigned_last(terms))
    j = [terms[k] for k in found.kept].index(this.design.effects[0].term)
    by_name = {name: variance(found) for name, variance in variances.items()}
    return float(found.b[j]), {name: (float(v.std_error[j]), float(v.df_of([j])[0])) for name, v in by_name.items()}


def p_by_randomisation(cohort: Cohort, trial: Trial, this: Regression, seed: int) -> float:
    """P-value of the regression's effect with assignment drawn again within centre and, where known, block."""
    reseeded = replace(cohort, randomisation=Randomisation(cohort.randomisation.draws, seed))
    ((_, _, draws),) = redrawn([this], cohort.arms, assignments(reseeded, trial.people, cohort.arms.treatments[0]))
    t = draws.statistic[:, 0]
    return float(by_tails(t[0], t[1:])[0])
