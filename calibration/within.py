"""Trials whose centres differ in everything but the effect: what tests and intervals of every stage do without one.

Centres have 4 to 30 persons, shares assigned from .3 to .75 and chances of work from .1 to .6, and more persons of the
treated arm are lost. Whatever forgets the centre finds an effect here.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy import stats

from calibration.performance import LEVEL, MOST_ERRORS
from calibration.trial import COHORT_FILE
from ipseval.bound import bound
from ipseval.config import Achievements, Cohort, EventStudy, Follow, Randomisation, Window
from ipseval.estimate import estimate
from ipseval.follow import follow
from ipseval.panel import MONTH_COLUMN
from ipseval.placebo import placebo
from ipseval.randomise import randomise
from ipseval.settings import read_cohort

ASSIGNED = {"A": (2, 4), "B": (4, 6), "C": (3, 10), "D": (12, 16), "E": (10, 30)}  # of so many persons
USUAL = {"A": 0.3, "B": 0.5, "C": 0.1, "D": 0.6, "E": 0.2}  # mean chance of a month in work
LOST = {"control": 0.1, "ips": 0.3}  # persons lost from some month on
BEFORE, AFTER, SPREAD = 6, 12, 4.0  # months; persons' chances are Beta with this sum of parameters
ANALYSES = ("pooled_unadjusted", "standardised", "centre_unadjusted", "by_month")
BOUND_DRAWS = 199


@dataclass(frozen=True)
class Stratified:
    """How often a test rejects, or an interval leaves out, the effect that is not there; with its 95 % interval.

    Parameters
    ----------
    what : str
    n_trials : int
        Trials in which it has a number.
    rejected, low, high : float
    is_bound : bool
        Whether the interval is one of bounds, which may hold the effect more often than 95 %.
    """

    what: str
    n_trials: int
    rejected: float
    low: float
    high: float
    is_bound: bool = False

    @property
    def miss(self) -> str:
        """How far the share is from 5 %, when that is more than chance; of bounds only when it is above."""
        distance = (self.rejected - LEVEL) / np.sqrt(LEVEL * (1 - LEVEL) / max(self.n_trials, 1))
        if abs(distance) <= MOST_ERRORS or (self.is_bound and distance < 0):
            return ""
        return f"{'above' if distance > 0 else 'below'} 5 % by {abs(distance):.1f} errors"


def stratified(n_trials: int, draws: int, seed: int) -> Iterator[Stratified]:
    """Every test, over the same trials."""
    people = persons()
    cohort, found = cohort_of(draws), {}
    for k in range(n_trials):
        rng = np.random.default_rng((seed, 79, k))
        panel = drawn_panel(people, rng)
        own = replace(cohort, randomisation=Randomisation(draws, int(rng.integers(2**31))))
        for what, p in p_values(own, people, panel).items():
            found.setdefault(what, []).append(p)
    for what, values in found.items():
        known = np.array(values)[~np.isnan(values)]
        hits = int((known <= LEVEL).sum())
        low, high = stats.binomtest(hits, len(known)).proportion_ci(1 - LEVEL, "exact") if len(known) else (0.0, 1.0)
        share = hits / len(known) if len(known) else np.nan
        yield Stratified(what, len(known), share, float(low), float(high), what.startswith("trimming"))


def persons() -> pd.DataFrame:
    """The analysed persons of every trial."""
    rows = [(c, "ips" if i < n_assigned else "control") for c, (n_assigned, n) in ASSIGNED.items() for i in range(n)]
    people = pd.DataFrame(rows, columns=["centre", "arm"])
    return people.assign(
        person_id=np.arange(len(people)).astype(str), is_analysed=True, randomised_on=pd.Timestamp("2013-01-15")
    )


def cohort_of(draws: int) -> Cohort:
    """The default configuration with these centres, and the analyses that are looked at."""
    cohort = read_cohort(COHORT_FILE)
    return replace(
        cohort,
        centres={c: c for c in ASSIGNED},
        window=Window(BEFORE, AFTER),
        analyses=tuple(a for a in cohort.analyses if a.name in (*ANALYSES, "pooled")),
        follow=Follow((AFTER,)),
        achieved=Achievements((AFTER,)),
        event_study=EventStudy(BEFORE),
        bound=replace(cohort.bound, months=(AFTER,), draws=BOUND_DRAWS),
        layouts={"employment": {"layout": "relative_monthly"}},
        randomisation=Randomisation(draws, 0),
    )


def drawn_panel(people: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Months of the persons: nobody's depend on the arm, but for who is lost."""
    mean = people["centre"].map(USUAL).to_numpy()
    chance = rng.beta(SPREAD * mean, SPREAD * (1 - mean))
    months = range(-BEFORE, AFTER + 1)
    states = (rng.random((len(people), len(months))) < chance[:, None]).astype("int8")
    is_lost = rng.random(len(people)) < people["arm"].map(LOST).to_numpy()
    last = np.where(is_lost, rng.integers(1, AFTER + 1, len(people)), AFTER + 1)
    states[np.array(months) >= last[:, None]] = -1
    panel = pd.DataFrame(states, columns=[MONTH_COLUMN.format(k) for k in months])
    parts = [panel.assign(outcome=o, person_id=people["person_id"]) for o in ("employment", "ordinary_employment")]
    return pd.concat(parts, ignore_index=True)


def p_values(cohort: Cohort, people: pd.DataFrame, panel: pd.DataFrame) -> dict[str, float]:
    """P of every test in one trial; of intervals without a test 0 when they leave out zero, else 1."""
    effects = estimate(cohort, people, panel)["effects"]
    own = effects.set_index(["analysis", "variance"])["p_value"]
    found = {f"{name}, {v}": float(own[name, v]) for name in ANALYSES[:2] for v in ("cr1", "cr2")}
    drawn = randomise(cohort, people, panel, effects)["randomisation"]
    by = drawn.groupby("analysis")
    found["pooled_unadjusted, re-drawn"] = float(by.get_group("pooled_unadjusted")["p_value"].iloc[0])
    found["standardised, re-drawn"] = float(by.get_group("standardised")["p_value"].iloc[0])
    found["any centre, re-drawn and adjusted"] = float(by.get_group("centre_unadjusted")["p_adjusted"].min())
    months = by.get_group("by_month").query("month_from >= 0")
    found["any month from 0, re-drawn and adjusted"] = float(months["p_adjusted"].min())
    followed = follow(cohort, people, panel, nobody_employed())
    found["restricted mean"] = float(followed["restricted_mean"].query("measure == 'difference'")["p_value"].iloc[0])
    sums = followed["accumulated"].query("outcome == 'ordinary_months'").set_index("variance")["p_value"]
    found |= {f"accumulated months, {v}": float(sums[v]) for v in ("cr1", "cr2")}
    studied = placebo(cohort, people, panel)
    last = studied["event_study"].query(f"month_to == {AFTER - 1}")["p_value"]
    found["event study, months 6 to 11"] = float(last.iloc[0])
    bounds = bound(cohort, people, panel)["missing_data"].query("method == 'lee_lower'").iloc[0]
    is_known, is_out = pd.notna(bounds["ci_low"]), bounds["ci_low"] > 0 or bounds["ci_high"] < 0
    found[f"trimming bounds, month {AFTER}"] = float(not is_out) if is_known else np.nan
    return found


def nobody_employed() -> pd.DataFrame:
    """No spells: months come from the panel."""
    none = pd.to_datetime([]).astype("datetime64[s]")
    return pd.DataFrame({"person_id": pd.Series([], dtype=str), "start_on": none, "end_on": none, "is_observed": 0})
