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
from ipseval.estimation.multiplicity import critical_value, p_values, step_down
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


def randomise(
    cohort: Cohort, people: pd.DataFrame, panel: pd.DataFrame, effects: pd.DataFrame
) -> dict[str, pd.DataFrame]:
    """Test "no effect for anybody" by re-drawing assignment within centre (and block and stratum, where known).

    Each draw is one assignment of the whole trial, and all effects are computed under it: p-values are adjusted over
    the centres of a window, over the months of follow-up and over those before randomisation by step-down max-t.

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
    drawn = assignments(cohort, months[cohort.outcome.primary][0])
    rows: dict[Cell, dict[str, object]] = {}
    bands: list[dict[str, object]] = []
    found = (one for a in cohort.analyses for one in _under_draws(cohort, a, *months[a.outcome], drawn))
    for members in _families((cell, one) for cell, one in found if cell in estimated).values():
        rows |= _tested(members)
        bands += _band(cohort, members)
    table = wanted[[*KEYS, "reference_arm", "status"]].reset_index(drop=True)
    numbers = [rows.get(cell, {}) for cell in wanted[CELL].itertuples(index=False, name=None)]
    table = table.join(pd.DataFrame(numbers, columns=[*NUMBERS, "family"], index=table.index))
    table = table.assign(draws=cohort.randomisation.draws, seed=cohort.randomisation.seed, variance=VARIANCE)
    return {"randomisation": table[COLUMNS], "bands": pd.DataFrame(bands, columns=BAND_COLUMNS)}


def assignments(cohort: Cohort, people: pd.DataFrame) -> Assignments:
    """The arms as they were and, from the second draw on, as they were re-drawn: positions in ``arms``."""
    arm = pd.Index(cohort.arms.all).get_indexer(pd.Index(people["arm"])).astype(np.int8)
    design = [name for name in DESIGN if name in people]
    strata = people.groupby(design, dropna=False, sort=True).ngroup().to_numpy()
    rng = np.random.default_rng(cohort.randomisation.seed)
    return draw_assignments(arm, strata, 1 + cohort.randomisation.draws, rng).beginning_with(arm)


def _under_draws(
    cohort: Cohort, analysis: Analysis, people: pd.DataFrame, states: np.ndarray, drawn: Assignments
) -> Iterator[tuple[Cell, Found]]:
    """Every effect of an analysis that its regressions identify, under every draw."""
    found = regressions(cohort, analysis, people, states)
    for batch, columns, draws in redrawn(found, cohort.arms, drawn):
        t = draws.statistic
        for j, effect in ((j, column.effect) for j, column in enumerate(columns) if column.effect):
            for k, one in enumerate(batch):
                cell = (analysis.name, effect.subgroup, effect.centre, *one.months, effect.arm)
                numbers = float(draws.estimate[0, j, k]), float(draws.std_error[0, j, k]), len(one.persons) - 1
                yield (
                    cell,
                    Found(
                        analysis.outcome,
                        _family(analysis, effect, one.months),
                        *numbers,
                        float(t[0, j, k]),
                        t[1:, j, k],
                    ),
                )


def _family(analysis: Analysis, effect: Effect, months: tuple[int, int]) -> str:
    """Over what the p-value of an effect is adjusted."""
    if effect.subgroup == DIFFERENCE:
        return OVER_SUBGROUPS
    if effect.centre != ALL:
        return OVER_CENTRES
    if analysis.months != "each":
        return ALONE
    return FOLLOW_UP if months[0] >= 0 else BEFORE


def _families(found: Iterable[tuple[Cell, Found]]) -> dict[tuple, dict[Cell, Found]]:
    """Effects of an arm that are adjusted together.

    The centres of an analysis and window; its months from 0 on, or before; the subgroups of an outcome and window.
    """
    families: dict[tuple, dict[Cell, Found]] = {}
    for cell, one in found:
        name, subgroup, _, first, last, arm = cell
        window = None if one.family in (FOLLOW_UP, BEFORE) else (first, last)
        analysis = None if one.family == OVER_SUBGROUPS else name
        families.setdefault((one.family, one.outcome, analysis, window, subgroup, arm), {})[cell] = one
    return families


def _tested(members: dict[Cell, Found]) -> dict[Cell, dict[str, object]]:
    """Numbers of the effects of a family."""
    t, drawn = np.array([one.t for one in members.values()]), np.column_stack([one.drawn for one in members.values()])
    p, adjusted = p_values(t, drawn), step_down(t, drawn)
    rows = {}
    for k, (cell, one) in enumerate(members.items()):
        values = (one.estimate, one.std_error, one.t, p[k], adjusted[k], one.family)
        rows[cell] = dict(zip([*NUMBERS, "family"], values, strict=True))
    return rows


def _band(cohort: Cohort, members: dict[Cell, Found]) -> list[dict[str, object]]:
    """Interval of each month for itself, and the band for all months of the family at once."""
    family, level = next(iter(members.values())).family, cohort.estimation.confidence_level
    if family not in (FOLLOW_UP, BEFORE):
        return []
    c = critical_value(np.column_stack([one.drawn for one in members.values()]), level)
    rows = []
    for (analysis, _, _, month, _, arm), one in sorted(members.items(), key=lambda item: item[0][3]):
        alone, together = float(t_ppf((1 + level) / 2, one.df)) * one.std_error, c * one.std_error
        ends = [one.estimate - alone, one.estimate + alone, one.estimate - together, one.estimate + together]
        label = [analysis, arm, month, one.estimate, one.std_error]
        rows.append(dict(zip(BAND_COLUMNS, [*label, *ends, c, family], strict=True)))
    return rows
