"""What comparisons within centres tell: weighted sums of the cells of centres, with weights that anybody can work out.

Where everybody is observed, a curve, a bound or a change that is put together over centres is a sum over cells of
persons employed times weights that follow from the persons of each cell, which the flow prints. Where centres weigh
their persons differently a step of such a curve tells in which of them who found a job: it has as few decimals as hide
it.
"""

import math
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from ipseval.config import ORDINARY_EMPLOYMENT
from ipseval.disclosure.cells import shortened, those_shortened_to
from ipseval.disclosure.keys import ALL, Employed, Ever, Key, Weighted
from ipseval.disclosure.ledger import Count, Entry, Relation
from ipseval.disclosure.samples import Span
from ipseval.disclosure.study import Study
from ipseval.estimation.strata import NONE

CENTRE = "centre"  # what comparisons are stratified by where tables count the cells; persons of strata stand nowhere
Cell = tuple[str, str]


def is_by_centre(study: Study, row: dict[str, Any], *spans: tuple[int, int]) -> bool:
    """Whether the weights of a row's comparison, of months from first to last, follow from printed numbers."""
    return row["stratified_by"] == CENTRE and all(study.is_complete(*span) for span in spans)


def shares(study: Study, arms: tuple[str, ...]) -> dict[str, float]:
    """Weights of the centres in a curve: 1 / (sum over arms of 1 / n); centres with too few of an arm have none."""
    least = max(1, study.cohort.estimation.min_persons_per_arm)
    n = {c: [study.n_analysed[c, a] for a in arms] for c in study.centres}
    weights = {c: 1 / sum(1 / k for k in own) for c, own in n.items() if min(own) >= least}
    return {c: weight / sum(weights.values()) for c, weight in weights.items()}


def curve_decimals(study: Study, most: int) -> int:
    """Decimals of curves over centres: so few that ``least`` first jobs may be of one centre or of another.

    A first job in centre c lowers the curve by w_c / n_c. Where the share assigned is the same everywhere that is the
    same for all centres, and nothing is told. Strata are not printed: at most two decimals there. With none the curve
    is not released.
    """
    by = set(study.tables["time_to_job"]["stratified_by"])
    if by == {NONE}:
        return most
    if by != {CENTRE}:
        return min(most, 2)
    weights = shares(study, study.arms)
    steps = [[w / study.n_analysed[c, a] for c, w in weights.items()] for a in study.arms]
    apart = study.least * max((max(own) - min(own) for own in steps if own), default=0.0)
    return min(most, max(0, math.floor(-math.log10(apart)))) if apart > 10.0**-most else most


def decimals_of(study: Study) -> dict[str, int]:
    """Decimals of released tables whose numbers, where they are no counts, have others than usual."""
    most = study.profile.decimals
    return {} if most is None else {"time_to_job": curve_decimals(study, most)}


def contrast(study: Study, arm: str) -> dict[Cell, float]:
    """What the means of cells are multiplied by in least squares on arms and centres, everybody observed."""
    cells = [(c, a) for c in study.centres for a in study.arms if study.n_analysed[c, a]]
    columns = [[float(a == t) for t in study.arms[1:]] + [float(c == d) for d in study.centres] for c, a in cells]
    X, n = np.array(columns), np.array([study.n_analysed[cell] for cell in cells])
    weights = np.linalg.pinv(X * np.sqrt(n)[:, None])[study.arms.index(arm) - 1] * np.sqrt(n)
    return dict(zip(cells, weights.tolist(), strict=True))


def told(
    key: Weighted, terms: dict[Key, tuple[float, float]], most: float, decimals: int | None, n_printed: int = 1
) -> Iterator[Entry]:
    """A weighted sum as it is printed: its cells with factor and number; the largest factor is put to 1.

    What rounding takes off is a number of its own that stands nowhere: without it a sum of whole persons with
    weights that differ would tell every one of them. ``n_printed``: of how many printed numbers the sum is told.
    """
    largest = max((abs(factor) for factor, _ in terms.values()), default=0.0)
    if not largest:
        return
    value = sum(factor * n for factor, n in terms.values())
    shown, low, high = (number / largest for number in _printed(value, decimals, n_printed))
    lost = replace(key, what=f"{key.what}, rounding")
    yield Count(key, shown, persons=math.inf, lower=-most, upper=most)
    yield Count(lost, value / largest - shown, persons=math.inf, lower=low - shown, upper=high - shown)
    cells = ((cell, factor / largest) for cell, (factor, _) in terms.items())
    yield Relation(((key, -1.0), (lost, -1.0), *cells))


def _printed(value: float, decimals: int | None, n_printed: int) -> tuple[float, float, float]:
    """A sum as print tells it, and between which sums print is the same."""
    if decimals is None:
        return value, value, value
    if n_printed > 1:
        apart = n_printed * 10.0**-decimals / 2
        return value, value - apart, value + apart
    near = shortened(value, decimals)
    return near, *those_shortened_to(near, decimals)


def curve_told(study: Study, row: dict[str, Any]) -> Iterator[Entry]:
    """What the curve tells in its first month, of who is employed, and in its last, of who ever is."""
    arm, month, last = row["arm"], int(row["month"]), study.cohort.window.after
    weights = {c: w / study.n_analysed[c, arm] for c, w in shares(study, study.arms).items()}
    terms: dict[Key, tuple[float, float]] = {}
    if month == 0:
        terms = {Employed(c, arm, 0): (w, study.employed[c, arm, 0]) for c, w in weights.items()}
    elif month == last:
        ever = ever_employed(study)
        span = Span(ORDINARY_EMPLOYMENT, 0, last)
        terms = {Ever(c, arm, span): (w, ever[c, arm]) for c, w in weights.items() if (c, arm) in ever}
    if len(terms) == len(weights):
        yield from told(
            Weighted(ALL, arm, "curve", month, month), terms, study.most_months, decimals_of(study).get("time_to_job")
        )


def ever_employed(study: Study) -> dict[Cell, float]:
    """Persons ever employed over the follow-up by centre and arm, as the table of effects counts them."""
    found = {}
    for _, row in study.rows("effects"):
        span = (int(row["month_from"]), int(row["month_to"]))
        if row["analysis"] == "centre_unadjusted" and span == (0, study.cohort.window.after):
            found[row["centre"], row["arm"]] = float(row["n_assigned_ever"])
            found[row["centre"], row["reference_arm"]] = float(row["n_control_ever"])
    return found


def change_told(study: Study, row: dict[str, Any], spans: list[tuple[int, int]]) -> Iterator[Entry]:
    """What the change from the base to a period tells: the first span is the period, the second the base."""
    terms: dict[Key, tuple[float, float]] = {}
    for (first, last), sign in zip(spans, (1.0, -1.0), strict=True):
        for (centre, arm), weight in contrast(study, row["arm"]).items():
            factor = sign * weight / (study.n_analysed[centre, arm] * (last - first + 1))
            for k in range(first, last + 1):
                terms[Employed(centre, arm, k)] = factor, study.employed[centre, arm, k]
    yield from told(change_key(row), terms, study.most_months, study.profile.decimals)


def change_key(row: dict[str, Any]) -> Weighted:
    """Key of what a row of the event study tells."""
    return Weighted(ALL, row["arm"], "change", int(row["month_from"]), int(row["month_to"]))


def bound_told(study: Study, row: dict[str, Any]) -> Iterator[Entry]:
    """What the bounds of a month in which nobody is missing tell: the mean of the centres' differences."""
    month, arms = int(row["month_to"]), (row["arm"], row["reference_arm"])
    terms: dict[Key, tuple[float, float]] = {}
    for centre, weight in shares(study, arms).items():
        for arm, sign in zip(arms, (1.0, -1.0), strict=True):
            factor = sign * weight / study.n_analysed[centre, arm]
            terms[Employed(centre, arm, month)] = factor, study.employed[centre, arm, month]
    yield from told(Weighted(ALL, row["arm"], "bound", month, month), terms, study.most_months, study.profile.decimals)
