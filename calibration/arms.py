"""Three arms of unequal size, one of which works: what the tests of the other do."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy import stats

from calibration.performance import LEVEL, Measure, share
from calibration.trial import COHORT_FILE
from ipseval.config import Analysis, Arms, Cohort, Randomisation, Window
from ipseval.estimate import fit_regression, fit_status
from ipseval.estimation.analyses import regressions
from ipseval.estimation.multiplicity import by_tails, rarity, step_down
from ipseval.estimation.redrawn import redrawn
from ipseval.panel import MONTH_COLUMN, analysed_months
from ipseval.randomise import assignments
from ipseval.settings import read_cohort

SIZES, CENTRES = (20, 4, 4), 4  # persons of the reference arm and of two treatments, in each centre
WITHOUT, WITH = "a", "b"  # the arm that does nothing, and the one that works
ALONE, ADJUSTED = "p, re-drawn assignment", "p adjusted over arms (max-t)"
BY_LOT, ATTAINED = "the same, ties by lot (not printed)", "attainable size"


@dataclass(frozen=True)
class Months:
    """How months of work come about: a person's chance is Beta(``usual``), in the arm that works Beta(``gained``).

    Parameters
    ----------
    name : str
    n : int
        Months pooled.
    usual, gained : tuple of float
        Parameters of the Beta distributions; large ones hold every person's share near the mean.
    """

    name: str
    n: int
    usual: tuple[float, float]
    gained: tuple[float, float]


CASES = (
    Months("twelve months, 25 % in work; 75 % in b", 12, (1, 3), (6, 2)),
    Months("one month, 30 % in work; 90 % in b", 1, (3e6, 7e6), (9e6, 1e6)),
    Months("one month, 10 % in work; 70 % in b", 1, (1e6, 9e6), (7e6, 3e6)),
)


@dataclass(frozen=True)
class Rejections:
    """How often a test rejects the arm that does nothing, with the 95 % interval of the share (Clopper & Pearson).

    ``attained``: of p by re-drawn assignment the largest size at or below 5 % that its draws allow, mean over trials.
    """

    case: str
    test: str
    n_trials: int
    rejected: Measure
    low: float
    high: float
    attained: Measure | None = None


def rejections(n_trials: int, draws: int, seed: int) -> Iterator[Rejections]:
    """Every test in every case."""
    for number, case in enumerate(CASES):
        found = p_values_of(case, n_trials, draws, np.random.default_rng((seed, 77, number)))
        attained = found.pop(ATTAINED)
        attained = attained[~np.isnan(attained)]
        largest = Measure(float(attained.mean()), float(attained.std() / np.sqrt(len(attained))))
        for test, p in found.items():
            known = p[~np.isnan(p)]
            hits = int((known <= LEVEL).sum())
            low, high = stats.binomtest(hits, len(known)).proportion_ci(1 - LEVEL, "exact")
            of_draws = largest if test == ALONE else None
            yield Rejections(case.name, test, len(known), share(known <= LEVEL), low, high, of_draws)


def p_values_of(case: Months, n_trials: int, draws: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """P-values of the arm that does nothing, by test, and sizes; length n_trials, missing where there is no error."""
    people, cohort = persons(), cohort_of(case)
    found: dict[str, np.ndarray] = {}
    for k in range(n_trials):
        panel = drawn_months(case, people, rng)
        own = replace(cohort, randomisation=Randomisation(draws, k))
        for test, value in tested(own, people, panel).items():
            found.setdefault(test, np.full(n_trials, np.nan))[k] = value
    return found


def tested(cohort: Cohort, people: pd.DataFrame, panel: pd.DataFrame) -> dict[str, float]:
    """P-values of the arm that does nothing in one trial, by the functions of the stages; missing without an error."""
    analysed, states = analysed_months(cohort, people, panel)
    (this,) = regressions(cohort, cohort.analyses[0], analysed, states)
    terms = [effect.term for effect in this.design.effects]
    fitted = fit_regression(cohort, this)
    place = cohort.arms.treatments.index(WITHOUT)
    t, drawn = np.empty(len(terms)), np.empty((cohort.randomisation.draws, len(terms)))
    for j, arm in enumerate(cohort.arms.treatments):
        ((_, _, draws),) = redrawn([this], cohort.arms, assignments(cohort, analysed, arm))
        t[j], drawn[:, j] = draws.statistic[0, j, 0], draws.statistic[1:, j, 0]
    if fitted is None or fit_status("estimated", terms[place], fitted, this) != "estimated":
        return dict.fromkeys((ALONE, BY_LOT, ATTAINED, ADJUSTED, *cohort.estimation.variances), np.nan)
    p = by_tails(t, drawn)
    lot = np.random.default_rng((cohort.randomisation.seed, 78))
    found = {ALONE: float(p[place])} | of_ties(np.append(t[place], drawn[:, place]), lot)
    found[ADJUSTED] = float(np.maximum(p, step_down(t, drawn))[place])
    for variance in cohort.estimation.variances:
        estimate, error, df = fitted.numbers(variance, terms[place])
        found[variance] = float(2 * stats.t.sf(abs(estimate / error), df))
    return found


def of_ties(values: np.ndarray, rng: np.random.Generator) -> dict[str, float]:
    """What ties keep p by re-drawn assignment from.

    Without an effect what was seen (the first value) is as likely as any other to be each of the values, so that the
    share of values whose own p is at most 5 % is how often the test rejects, given these values. With ties ordered by
    lot p is uniform: it shows whether anything but ties keeps the size below 5 %.
    """
    rare = rarity(values[:, None])[:, 0]
    p = np.searchsorted(np.sort(rare), rare, side="right") / len(rare)
    by_lot = (rare < rare[0]).mean() + rng.random() * (rare == rare[0]).mean()
    return {BY_LOT: float(by_lot), ATTAINED: float((p <= LEVEL).mean())}


def persons() -> pd.DataFrame:
    """The analysed persons of every trial."""
    arms = np.tile(np.repeat(["control", WITHOUT, WITH], SIZES), CENTRES)
    centre = np.repeat([str(c) for c in range(1, CENTRES + 1)], sum(SIZES))
    people = pd.DataFrame({"person_id": np.arange(len(arms)).astype(str), "centre": centre, "arm": arms})
    return people.assign(is_analysed=True, randomised_on=pd.Timestamp("2013-01-15"))


def cohort_of(case: Months) -> Cohort:
    """The default configuration with three arms and the unadjusted pooled effects."""
    return replace(
        read_cohort(COHORT_FILE),
        arms=Arms("control", (WITHOUT, WITH)),
        centres={str(c): str(c) for c in range(1, CENTRES + 1)},
        window=Window(0, case.n - 1),
        analyses=(Analysis("pooled", "follow_up"),),
    )


def drawn_months(case: Months, people: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """A panel of the persons' months."""
    works = (people["arm"] == WITH).to_numpy()
    chance = np.where(works, rng.beta(*case.gained, len(people)), rng.beta(*case.usual, len(people)))
    states = (rng.random((len(people), case.n)) < chance[:, None]).astype("int8")
    panel = pd.DataFrame(states, columns=[MONTH_COLUMN.format(k) for k in range(case.n)])
    return panel.assign(outcome="ordinary_employment", person_id=people["person_id"])
