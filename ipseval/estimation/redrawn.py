"""The regressions of an analysis under every draw of the assignment, like ones together."""

from collections.abc import Iterable, Iterator
from dataclasses import replace

import numpy as np

from ipseval.config import Arms
from ipseval.estimation.analyses import Regression
from ipseval.estimation.assignments import Assignments
from ipseval.estimation.design import ASSIGNED, Assigned, Design
from ipseval.estimation.estimator import assigned_last
from ipseval.estimation.estimators import ESTIMATORS
from ipseval.estimation.randomisation import Draws, Moved, of_months, of_periods
from ipseval.estimation.regression import Sample, fit, scaled_columns


def redrawn(
    found: Iterable[Regression], arms: Arms, drawn: Assignments
) -> Iterator[tuple[list[Regression], tuple[Assigned, ...], Draws]]:
    """Every regression under every draw.

    Parameters
    ----------
    found : iterable of Regression
        Of one analysis, whose estimator is tested so. Months in which the same persons are observed share their
        columns and are done at once.
    arms : Arms
    drawn : Assignments
        Of the analysed persons: positions in ``arms.all``.

    Yields
    ------
    tuple
        Regressions (m), the assigned columns that they identify (q) and draws x q x m estimates and errors.
    """
    batches: dict[tuple, list[Regression]] = {}
    for one in found:
        months = None if _is_cross_section(one) else one.months
        batches.setdefault((one.centre, months, one.design.assigned, one.persons.tobytes()), []).append(one)
    for batch in batches.values():
        design, sample, n_columns = _identified(batch[0], arms)
        G, N = len(batch[0].persons), sample.n_obs
        if design.assigned and G > 1 and n_columns < N:
            codes = np.array([arms.all.index(column.arm) for column in design.assigned], np.int8)
            moved = Moved(codes, design.weights.T)
            own = drawn if drawn.n_persons == G else drawn.of(batch[0].persons)  # persons are in order
            factor = G / (G - 1) * (N - 1) / (N - n_columns)
            if redraw := ESTIMATORS[batch[0].analysis.estimator].redraw:
                for one in batch:
                    yield [one], design.assigned, redraw(fit(replace(sample, Y=one.time.Y)), moved, own, factor)
            elif _is_cross_section(batch[0]):
                Y = np.column_stack([one.time.Y[:, 0] for one in batch])
                yield batch, design.assigned, of_months(fit(sample), Y, moved, own, factor)
            else:
                yield batch, design.assigned, of_periods(fit(sample), moved, own, factor)


def _is_cross_section(this: Regression) -> bool:
    return this.time.Y.shape[1] == 1 and not this.time.terms


def _identified(this: Regression, arms: Arms) -> tuple[Design, Sample, int]:
    """The design as estimated, the sample of the columns that stay, and the number of all columns."""
    used = _without_absent(this, arms)
    terms, p = (*used.terms, *this.time.terms), len(used.terms)
    sample = Sample(used.X, this.time.D, this.time.Y, this.time.O)
    kept = scaled_columns(sample, assigned_last(terms)).kept if sample.n_obs else np.array([], int)
    stay = np.array([j for j in kept if not terms[j].startswith(ASSIGNED)], int)
    fixed = Sample(used.X[:, stay[stay < p]], this.time.D[:, stay[stay >= p] - p], this.time.Y, this.time.O)
    return used.without(set(used.terms) - {terms[j] for j in kept}), fixed, len(kept)


def _without_absent(this: Regression, arms: Arms) -> Design:
    """The design without effects that have nobody in the arm or in the reference arm, as estimate leaves them out."""
    absent = {
        effect.term
        for effect in this.design.effects
        if not {effect.arm, arms.reference} <= set(this.arm[np.any(this.about(effect), axis=0)])
    }
    return this.design.without(absent)
