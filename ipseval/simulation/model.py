"""The model that simulated trials are drawn from, and the effects that it implies.

Ordinary employment is a two-state chain in months since randomisation, run forwards and backwards from month 0.
A person with the long-run share ``s`` loses a job with the monthly probability ``exit_rate`` and finds one with
``exit_rate * s / (1 - s)``. Assignment raises the rate of finding a job by what makes the probability of
employment in month k higher by ``effect * min(k / ramp_months, 1)`` than it would have been.

    logit s = logit(long_run_share) + centre's log odds + age_log_odds (age - 35) / 10
              + low_education_log_odds [no upper secondary] + frailty_sd N(0, 1)
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

LEVELS = np.array([2, 3, 4, 6, 7, 9])  # highest education at randomisation, first digit of NUS2000
UPPER_SECONDARY = 4
HIGHEST_SHARE = 0.9
DAYS_A_YEAR = 365.25


@dataclass(frozen=True)
class Centre:
    """A centre of a simulated trial.

    Parameters
    ----------
    n_randomised : int
    log_odds : float
        Of employment in the long run, against a centre with 0.
    effects : mapping
        Treatment -> difference in the monthly probability of ordinary employment from month ``ramp_months`` on.
    """

    n_randomised: int
    log_odds: float = 0.0
    effects: Mapping[str, float] = field(default_factory=dict)


def _six_centres() -> dict[str, Centre]:
    """Sizes of the Norwegian trial; effects of the order of those published, in no way an estimate of them."""
    return {
        "1": Centre(60, 0.0, {"ips": 0.16}),
        "2": Centre(99, 0.7, {"ips": 0.05}),
        "3": Centre(90, 0.3, {"ips": 0.13}),
        "4": Centre(30, 0.5, {"ips": -0.04}),
        "5": Centre(54, 0.3, {"ips": 0.07}),
        "6": Centre(75, -0.2, {"ips": 0.15}),
    }


@dataclass(frozen=True)
class Plan:
    """What a simulated trial is like. Rates are probabilities a month, months are ``YYYY-MM``.

    Parameters
    ----------
    centres : mapping
        Code -> :class:`Centre`.
    reference, treatments : str, tuple of str
        Arms; assigned in permuted blocks of ``block_per_arm`` persons an arm within each centre.
    n_outside_trial : int
        Persons in the registers who were not randomised.
    recruited_from, recruited_until, observed_from, observed_until : str
        First and last month of recruitment and of complete registers.
    after : int
        Months after randomisation over which :func:`true_effects` is taken by default.
    ramp_months : int
        Months until the effect has its full size.
    long_run_share, exit_rate, employed_at_randomisation : float
        Share employed in the long run without treatment (a person with all else at zero), probability of
        losing a job, and probability of being employed on the day of randomisation (in proportion to a
        person's long-run share; given for a person with all else at zero).
    age_log_odds, low_education_log_odds, frailty_sd : float
        See the module.
    subsidised_starts : mapping
        Arm -> share of starts in ordinary jobs with up to three subsidised months before, once randomised.
    death_rate, emigration_rate : float
        From month 1 on.
    withdrawal_share, other_arms_service_share : float
        Who withdraws consent; who of the reference arm gets the first treatment's service after month 12.
    """

    centres: Mapping[str, Centre] = field(default_factory=_six_centres)
    reference: str = "control"
    treatments: tuple[str, ...] = ("ips",)
    block_per_arm: int = 2
    n_outside_trial: int = 40
    recruited_from: str = "2013-01"
    recruited_until: str = "2014-12"
    observed_from: str = "2009-01"
    observed_until: str = "2018-12"
    after: int = 43
    ramp_months: int = 12
    long_run_share: float = 0.3
    exit_rate: float = 0.06
    employed_at_randomisation: float = 0.17
    age_log_odds: float = -0.2
    low_education_log_odds: float = -0.5
    frailty_sd: float = 0.8
    subsidised_starts: Mapping[str, float] = field(default_factory=lambda: {"control": 0.15, "ips": 0.45})
    death_rate: float = 0.0005
    emigration_rate: float = 0.0005
    withdrawal_share: float = 0.01
    other_arms_service_share: float = 0.15

    @property
    def arms(self) -> tuple[str, ...]:
        """Reference first, then the treatments."""
        return (self.reference, *self.treatments)

    @property
    def months(self) -> np.ndarray:
        """Months of complete registers, datetime64[M]."""
        return np.arange(np.datetime64(self.observed_from, "M"), np.datetime64(self.observed_until, "M") + 1)

    def effects(self) -> np.ndarray:
        """Full effects, centres x arms; 0 for the reference arm and where none is planted."""
        return np.array([[centre.effects.get(arm, 0.0) for arm in self.arms] for centre in self.centres.values()])


@dataclass(frozen=True)
class People:
    """Persons as they were randomised; arrays of length n.

    ``centre`` and ``arm`` are positions in the plan's; ``centre`` is -1 for persons outside the trial.
    ``randomised_on`` and ``born_on`` are datetime64[D]; ``level`` is the highest education then.
    """

    centre: np.ndarray
    arm: np.ndarray
    block: np.ndarray
    randomised_on: np.ndarray
    born_on: np.ndarray
    level: np.ndarray
    long_run_share: np.ndarray
    is_employed: np.ndarray


def draw_people(plan: Plan, rng: np.random.Generator) -> People:
    """Draw the persons of the trial and those outside it, in random order."""
    sizes = [plan.n_outside_trial, *(centre.n_randomised for centre in plan.centres.values())]
    centre = rng.permutation(np.repeat(np.arange(-1, len(plan.centres)), sizes))
    n = len(centre)
    first, after_last = (np.datetime64(m, "M") + k for m, k in ((plan.recruited_from, 0), (plan.recruited_until, 1)))
    randomised_on = rng.choice(np.arange(first.astype("datetime64[D]"), after_last.astype("datetime64[D]")), n)
    age = rng.normal(34, 9, n).clip(18, 60)
    level = rng.choice(LEVELS, n, p=[0.42, 0.05, 0.3, 0.15, 0.06, 0.02])
    share = _long_run_shares(plan, centre, age, level, rng.standard_normal(n))
    is_employed = rng.random(n) < plan.employed_at_randomisation * share / plan.long_run_share
    arm, block = _assign(plan, centre, randomised_on, rng)
    born_on = randomised_on - np.ceil(age * DAYS_A_YEAR).astype(int)
    return People(centre, arm, block, randomised_on, born_on, level, share, is_employed)


def _long_run_shares(
    plan: Plan, centre: np.ndarray, age: np.ndarray, level: np.ndarray, frailty: np.ndarray
) -> np.ndarray:
    by_centre = np.array([*(c.log_odds for c in plan.centres.values()), 0.0])  # the last for centre -1
    log_odds = (
        np.log(plan.long_run_share / (1 - plan.long_run_share))
        + by_centre[centre]
        + plan.age_log_odds * (age - 35) / 10
        + plan.low_education_log_odds * (level < UPPER_SECONDARY)
        + plan.frailty_sd * frailty
    )
    return np.minimum(1 / (1 + np.exp(-log_odds)), HIGHEST_SHARE)


def _assign(
    plan: Plan, centre: np.ndarray, randomised_on: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Arm and number of the block, by permuted blocks within each centre in the order of randomisation."""
    arm, block = np.zeros(len(centre), int), np.zeros(len(centre), int)
    one_block = np.repeat(np.arange(len(plan.arms)), plan.block_per_arm)
    for c in range(len(plan.centres)):
        here = np.flatnonzero(centre == c)
        here = here[np.argsort(randomised_on[here], kind="stable")]
        n_blocks = -(-len(here) // len(one_block))
        drawn = rng.permuted(np.tile(one_block, (n_blocks, 1)), axis=1)
        arm[here] = drawn.ravel()[: len(here)]
        block[here] = np.arange(len(here)) // len(one_block) + 1
    return arm, block


def job_chances(
    plan: Plan, share: np.ndarray, is_employed: np.ndarray, effect: np.ndarray | float, n_months: int
) -> tuple[np.ndarray, np.ndarray]:
    """Rates of finding a job and probabilities of employment in months 1..n of the chain.

    Parameters
    ----------
    plan : Plan
    share, is_employed : arrays, length n
        Long-run shares without treatment, and the states in month 0.
    effect : array of length n, or float
        Full effects.
    n_months : int

    Returns
    -------
    (n x n_months, n x n_months) arrays of float
        The rates lie between 0 and 1: where a person's rate cannot be moved far enough, the
        probability moves less than planted, and :func:`true_effects` says by how much.
    """
    find = plan.exit_rate * share / (1 - share)
    control = chance = is_employed.astype(float)
    rates, chances = np.empty((2, len(share), n_months))
    for k in range(1, n_months + 1):
        control = control * (1 - plan.exit_rate) + (1 - control) * find
        wanted = control + effect * min(k / plan.ramp_months, 1)
        staying = chance * (1 - plan.exit_rate)
        free = 1 - chance
        rate = np.divide(wanted - staying, free, out=np.zeros_like(free), where=free > 0).clip(0, 1)
        chance = staying + free * rate
        rates[:, k - 1], chances[:, k - 1] = rate, chance
    return rates, chances


def draw_chain(rates: np.ndarray, is_employed: np.ndarray, exit_rate: float, rng: np.random.Generator) -> np.ndarray:
    """States in months 1..n of a chain that begins with ``is_employed``; bool, persons x months."""
    states = np.empty(rates.shape, bool)
    state = is_employed
    for k in range(rates.shape[1]):
        luck = rng.random(len(state))
        state = np.where(state, luck >= exit_rate, luck < rates[:, k])
        states[:, k] = state
    return states


def true_effects(plan: Plan, after: int | None = None, n_draws: int = 20_000, seed: int = 0) -> pd.DataFrame:
    """Effects that the plan implies for those not employed at randomisation.

    The mean over months 0..after of the difference in the probability of ordinary employment, death and
    emigration counting as not employed. Probabilities come from the model, not from drawn jobs; only persons'
    long-run shares are drawn, anew for each centre and the same for each arm.

    Parameters
    ----------
    plan : Plan
    after : int, optional
        ``plan.after`` by default.
    n_draws : int
        Persons drawn for each centre.
    seed : int

    Returns
    -------
    DataFrame
        ``centre, arm, effect, std_error`` (Monte Carlo; zero up to rounding where no rate met its bound).
    """
    after = plan.after if after is None else after
    months = np.arange(1, after + 1)
    remains = ((1 - plan.death_rate) * (1 - plan.emigration_rate)) ** (months - 1)
    rows = []
    for code, centre in plan.centres.items():
        alone = replace(plan, centres={code: replace(centre, n_randomised=n_draws)}, n_outside_trial=0)
        people = draw_people(alone, np.random.default_rng(seed))
        share = people.long_run_share[~people.is_employed]
        nobody = np.zeros(len(share), bool)
        without = job_chances(plan, share, nobody, 0.0, after)[1]
        for arm in plan.treatments:
            chances = job_chances(plan, share, nobody, centre.effects.get(arm, 0.0), after)[1]
            gain = (chances - without) @ remains / (after + 1)
            rows.append((code, arm, gain.mean(), gain.std(ddof=1) / np.sqrt(len(gain))))
    return pd.DataFrame(rows, columns=["centre", "arm", "effect", "std_error"])
