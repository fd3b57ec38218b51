"""Stage randomise: randomisation inference for every effect, and simultaneous bands for the monthly curves."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ipseval.config import Analysis, Cohort
from ipseval.estimation.analyses import regressions
from ipseval.estimation.assignments import Assignments, draw_assignments
from ipseval.estimation.design import ALL, DIFFERENCE, Effect
from ipseval.estimation.distributions import t_ppf
from ipseval.estimation.estimators import ESTIMATORS
from ipseval.estimation.multiplicity import by_tails, critical_value, step_down
from ipseval.estimation.redrawn import redrawn
from ipseval.panel import months_of_outcomes

KEYS = ["cohort", "analysis", "outcome", "estimator", "subgroup", "centre", "month_from", "month_to", "arm"]
NUMBERS = ["estimate", "std_error", "statistic", "p_value", "p_adjusted"]
COLUMNS = [*KEYS, "reference_arm", *NUMBERS, "family", "draws", "seed", "variance", "status"]
CELL = ["analysis", "subgroup", "centre", "month_from", "month_to", "arm"]
BAND_COLUMNS = [
    *("analysis", "arm", "month", "estimate", "std_error", "ci_low", "ci_high", "band_low", "band_high"),
    *("critical_value", "family"),
]
VARIANCE = "ri"
DESIGN = ("centre", "block", "stratum")  # what assignment was drawn within, where the trial has it
OVER_CENTRES, FOLLOW_UP, BEFORE, ALONE = "centres", "months from 0", "months before 0", "one"
OVER_SUBGROUPS = "differences between subgroups"
OVER_ARMS = "arms"  # behind one of the others where there are several treatments

Cell = tuple[str, str, str, int, int, str]


@dataclass(frozen=True)
class Found:
    """An effect under the assignment as it was and as it was re-drawn; ``df`` are persons less one."""

    outcome: str
    family: str
    estimate: float
    std_error: float
    df: int
    t: float
    drawn: np.ndarray

    @property
    def is_of_months(self) -> bool:
        """Whether its family are months, over which there is a band."""
        return self.family.startswith((FOLLOW_UP, BEFORE))


def randomise(
    cohort: Cohort, people: pd.DataFrame, panel: pd.DataFrame, effects: pd.DataFrame
) -> dict[str, pd.DataFrame]:
    """Test "this arm does for nobody more than the reference" by re-drawing who of the two arms is in which.

    Assignment is re-drawn within centre (and block and stratum, where known). With several treatments each has draws
    of its own, in which the persons of the other treatments stay where they are. All effects of an arm are computed
    under the same draws, and p-values are adjusted over the centres of a window, over the months of follow-up and over
    those before randomisation, and over the arms, by step-down max-t: see :func:`_tested`.

    Parameters
    ----------
    cohort : Cohort
    people : DataFrame
        One row a randomised person; those with ``is_analysed`` enter.
    panel : DataFrame
        See :func:`ipseval.panel.panel`.
    effects : DataFrame
        See :func:`ipseval.estimate.estimate`: which effects there are and were estimated.

    Returns
    -------
    dict
        ``randomisation``: one row an effect; its ``std_error`` and ``statistic`` are those of ``cr1``. ``bands``: one
        row a month of the effects over all centres, with the interval (cr1) and the simultaneous band.
    """
    months = months_of_outcomes(cohort, people, panel)
    wanted = effects.drop_duplicates(CELL)
    estimated = set(wanted.loc[wanted["status"] == "estimated", CELL].itertuples(index=False, name=None))
    people_of = months[cohort.outcome.primary][0]
    drawn = {arm: assignments(cohort, people_of, arm) for arm in cohort.arms.treatments}
    rows: dict[Cell, dict[str, object]] = {}
    bands: list[dict[str, object]] = []
    found = (
        one
        for a in cohort.analyses
        if ESTIMATORS[a.estimator].is_redrawn
        for arm in cohort.arms.treatments
        for one in _under_draws(cohort, a, arm, *months[a.outcome], drawn[arm])
    )
    for members in _families((cell, one) for cell, one in found if cell in estimated).values():
        rows |= _tested(members)
        bands += _band(cohort, members)
    table = wanted[[*KEYS, "reference_arm", "status"]].reset_index(drop=True)
    is_redrawn = table["estimator"].map(lambda name: ESTIMATORS[name].is_redrawn)
    table["status"] = table["status"].mask((table["status"] == "estimated") & ~is_redrawn, "not_redrawn")
    numbers = [rows.get(cell, {}) for cell in wanted[CELL].itertuples(index=False, name=None)]
    table = table.join(pd.DataFrame(numbers, columns=[*NUMBERS, "family"], index=table.index))
    table = table.assign(draws=cohort.randomisation.draws, seed=cohort.randomisation.seed, variance=VARIANCE)
    return {"randomisation": table[COLUMNS], "bands": pd.DataFrame(bands, columns=BAND_COLUMNS)}


def assignments(cohort: Cohort, people: pd.DataFrame, treatment: str) -> Assignments:
    """The arms as they were and, from the second draw on, as those of a treatment and the reference were re-drawn.

    Codes are positions in ``arms``. The draws of two treatments come from different streams: see :func:`_tested`.
    """
    arm = pd.Index(cohort.arms.all).get_indexer(pd.Index(people["arm"])).astype(np.int8)
    design = [name for name in DESIGN if name in people]
    strata = people.groupby(design, dropna=False, sort=True).ngroup().to_numpy()
    number, seed = cohort.arms.treatments.index(treatment), cohort.randomisation.seed
    rng = np.random.default_rng([seed, number] if number else seed)
    moved = people["arm"].isin([treatment, cohort.arms.reference]).to_numpy()
    return draw_assignments(arm, strata, 1 + cohort.randomisation.draws, rng, moved).beginning_with(arm)


def _under_draws(
    cohort: Cohort, analysis: Analysis, arm: str, people: pd.DataFrame, states: np.ndarray, drawn: Assignments
) -> Iterator[tuple[Cell, Found]]:
    """Every effect of an arm in an analysis that its regressions identify, under every draw of that arm."""
    found = regressions(cohort, analysis, people, states)
    for batch, columns, draws in redrawn(found, cohort.arms, drawn):
        t = draws.statistic
        for j, effect in ((j, c.effect) for j, c in enumerate(columns) if c.effect and c.effect.arm == arm):
            for k, one in enumerate(batch):
                cell = (analysis.name, effect.subgroup, effect.centre, *one.months, effect.arm)
                numbers = float(draws.estimate[0, j, k]), float(draws.std_error[0, j, k]), len(one.persons) - 1
                yield (
                    cell,
                    Found(
                        analysis.outcome,
                        _family(cohort, analysis, effect, one.months),
                        *numbers,
                        float(t[0, j, k]),
                        t[1:, j, k],
                    ),
                )


def _family(cohort: Cohort, analysis: Analysis, effect: Effect, months: tuple[int, int]) -> str:
    """Over what the p-value of an effect is adjusted."""
    if effect.subgroup == DIFFERENCE:
        own = OVER_SUBGROUPS
    elif effect.centre != ALL:
        own = OVER_CENTRES
    elif analysis.months != "each":
        own = ALONE
    else:
        own = FOLLOW_UP if months[0] >= 0 else BEFORE
    if len(cohort.arms.treatments) == 1:
        return own
    return OVER_ARMS if own == ALONE else f"{own}, {OVER_ARMS}"


def _families(found: Iterable[tuple[Cell, Found]]) -> dict[tuple, dict[Cell, Found]]:
    """Effects that are adjusted together, of all arms.

    The centres of an analysis and window; its months from 0 on, or before; the subgroups of an outcome and window.
    """
    families: dict[tuple, dict[Cell, Found]] = {}
    for cell, one in found:
        name, subgroup, _, first, last, _ = cell
        window = None if one.is_of_months else (first, last)
        analysis = None if one.family.startswith(OVER_SUBGROUPS) else name
        families.setdefault((one.family, one.outcome, analysis, window, subgroup), {})[cell] = one
    return families


def _tested(members: dict[Cell, Found]) -> dict[Cell, dict[str, object]]:
    """Numbers of the effects of a family.

    Effects of one arm are taken under the same draws, so that their dependence is as it is. Those of two arms are not:
    each arm's draws are of its own null and independent of the other's, although the arms share their reference. By
    the Gaussian correlation inequality (Royen 2014, Far East J Theor Stat 48:139) the largest of independent
    statistics is in large samples at least as large as that of dependent ones: the adjusted p can only be too large
    (two arms: 2.24 errors in place of Dunnett's 2.21 at 5 %). In return it holds whatever other arms do.

    p alone is by the probability of tails; the largest |t| of a family needs statistics on one scale, and no p adjusted
    is below p alone.
    """
    t, drawn = np.array([one.t for one in members.values()]), np.column_stack([one.drawn for one in members.values()])
    p = by_tails(t, drawn)
    adjusted = np.maximum(p, step_down(t, drawn)) if len(members) > 1 else p
    rows = {}
    for k, (cell, one) in enumerate(members.items()):
        values = (one.estimate, one.std_error, one.t, p[k], adjusted[k], one.family)
        rows[cell] = dict(zip([*NUMBERS, "family"], values, strict=True))
    return rows


def _band(cohort: Cohort, members: dict[Cell, Found]) -> list[dict[str, object]]:
    """Interval of each month for itself, and the band for all months (and arms) of the family at once."""
    first, level = next(iter(members.values())), cohort.estimation.confidence_level
    if not first.is_of_months:
        return []
    c = critical_value(np.column_stack([one.drawn for one in members.values()]), level)
    rows = []
    for (analysis, _, _, month, _, arm), one in sorted(members.items(), key=lambda item: (item[0][5], item[0][3])):
        alone, together = float(t_ppf((1 + level) / 2, one.df)) * one.std_error, c * one.std_error
        ends = [one.estimate - alone, one.estimate + alone, one.estimate - together, one.estimate + together]
        label = [analysis, arm, month, one.estimate, one.std_error]
        rows.append(dict(zip(BAND_COLUMNS, [*label, *ends, c, first.family], strict=True)))
    return rows
