"""Trials with a planted truth, as the estimation core takes them: persons and a matrix of months, without registers."""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from ipseval.config import Cohort, Randomisation, Window
from ipseval.estimation.variance import VARIANCES
from ipseval.settings import ROOT, read_cohort
from ipseval.simulation.model import People, Plan, draw_chain, draw_people, job_chances, true_effects

COHORT_FILE = ROOT / "config" / "cohorts" / "simulated-six-centre.yaml"


@dataclass(frozen=True)
class Case:
    """What trials are drawn, and which effect of theirs is estimated.

    Parameters
    ----------
    name : str
    plan : Plan
        With one treatment.
    analysis : str
        Of the default configuration, with one effect.
    n_per_arm : tuple of int, optional
        Persons analysed of each arm; all who are not employed at randomisation by default.
    """

    name: str
    plan: Plan
    analysis: str
    n_per_arm: tuple[int, ...] | None = None

    @property
    def has_effect(self) -> bool:
        """Whether an effect is planted anywhere."""
        return bool(self.plan.effects().any())


@dataclass(frozen=True)
class Trial:
    """A trial: ``people`` has one row an analysed person; ``states`` (int8, persons x months) is 1 when employed."""

    people: pd.DataFrame
    states: np.ndarray


def cases() -> tuple[Case, ...]:
    """The smallest centre with fixed arms, a small and a large centre, all six; each without and with effects."""
    plan = replace(Plan(), n_outside_trial=0)
    reserve = replace(plan.centres["4"], n_randomised=100)  # far more than are kept
    with_effects = (
        Case("centre of 13 + 14", replace(plan, centres={"4": reserve}), "centre_unadjusted", (13, 14)),
        Case("centre of 30 randomised", _only(plan, "4"), "centre_unadjusted"),
        Case("centre of 99 randomised", _only(plan, "2"), "centre_unadjusted"),
        Case("six centres, pooled", plan, "pooled_unadjusted"),
    )
    return tuple(
        case for planted in with_effects for case in (replace(planted, plan=_no_effect(planted.plan)), planted)
    )


def _only(plan: Plan, code: str) -> Plan:
    return replace(plan, centres={code: plan.centres[code]})


def _no_effect(plan: Plan) -> Plan:
    return replace(plan, centres={code: replace(centre, effects={}) for code, centre in plan.centres.items()})


def cohort_of(case: Case, draws: int = 1) -> Cohort:
    """The default configuration with the centres and the window of the plan, one analysis and all variances."""
    cohort = read_cohort(COHORT_FILE)
    return replace(
        cohort,
        centres={code: cohort.centres[code] for code in case.plan.centres},
        window=Window(0, case.plan.after),
        analyses=tuple(analysis for analysis in cohort.analyses if analysis.name == case.analysis),
        estimation=replace(cohort.estimation, variances=tuple(VARIANCES)),
        randomisation=Randomisation(draws, 0),
    )


def draw_trial(case: Case, rng: np.random.Generator) -> Trial:
    """Draw the persons, who of them is analysed, and their months.

    Blocks are known where everybody is analysed who may be. Where so many of each arm are kept they are not:
    what is kept of a block depends on its arms.
    """
    plan, everybody = case.plan, draw_people(case.plan, rng)
    kept = _analysed(case, everybody)
    centre, arm = everybody.centre[kept], everybody.arm[kept]
    people = {
        "person_id": np.arange(len(kept)),
        "centre": np.array(list(plan.centres), object)[centre],
        "arm": np.array(plan.arms, object)[arm],
        "randomised_on": everybody.randomised_on[kept].astype("datetime64[s]"),
        "is_analysed": True,
    }
    if case.n_per_arm is None:
        people["block"] = everybody.block[kept]
    effect = plan.effects()[centre, arm]
    return Trial(pd.DataFrame(people), _months(plan, everybody.long_run_share[kept], effect, rng))


def _analysed(case: Case, people: People) -> np.ndarray:
    """Rows of those not employed at randomisation; the first of each arm when so many are to be kept."""
    free = np.flatnonzero(~people.is_employed)
    if case.n_per_arm is None:
        return free
    by_arm = [free[people.arm[free] == arm][:n] for arm, n in enumerate(case.n_per_arm)]
    if tuple(map(len, by_arm)) != case.n_per_arm:
        raise ValueError(f"{case.name}: too few persons are drawn to keep {case.n_per_arm}")
    return np.concatenate(by_arm)


def _months(plan: Plan, share: np.ndarray, effect: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """States in months 0..after of persons not employed in month 0; nobody works after death or emigration."""
    nobody = np.zeros(len(share), bool)
    rates = job_chances(plan, share, nobody, effect, plan.after)[0]
    states = draw_chain(rates, nobody, plan.exit_rate, rng)
    for rate in (plan.death_rate, plan.emigration_rate):
        if rate:
            states &= np.arange(1, plan.after + 1) <= rng.geometric(rate, len(share))[:, None]
    return np.column_stack([nobody, states]).astype(np.int8)


def effects_of_centres(case: Case) -> np.ndarray:
    """The effect that the model implies in each centre, length C, in the plan's order."""
    return true_effects(case.plan)["effect"].to_numpy()


def truth(case: Case, effects: np.ndarray, people: pd.DataFrame) -> float:
    """What the estimate is to be on average over trials with the same numbers of persons in each arm and centre.

    With n1 and n0 persons in the arms of a centre the pooled regression with dummies of the centres weights the
    centre's effect by n1 n0 / (n1 + n0); with one centre it is that centre's effect.

    Parameters
    ----------
    case : Case
    effects : float array, length C
        Of :func:`effects_of_centres`.
    people : DataFrame
        The analysed persons.
    """
    centre, is_assigned = people["centre"].to_numpy(), people["arm"].to_numpy() != case.plan.reference
    here = np.array([centre == code for code in case.plan.centres])
    control, assigned = (here & ~is_assigned).sum(1), (here & is_assigned).sum(1)
    return float(np.average(effects, weights=control * assigned / (control + assigned)))
