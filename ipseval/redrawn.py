"""The regressions of an analysis under every draw of the assignment, like ones together."""

from collections.abc import Iterable, Iterator

import numpy as np

from ipseval.config import Arms
from ipseval.design import ALL, Design, Effect
from ipseval.estimate import Regression, assigned_last
from ipseval.randomisation import Assigned, Draws, of_months, of_periods
from ipseval.regression import Sample, fit


def redrawn(
    found: Iterable[Regression], arms: Arms, drawn: np.ndarray
) -> Iterator[tuple[list[Regression], tuple[Effect, ...], Draws]]:
    """Every regression under every draw.

    Parameters
    ----------
    found : iterable of Regression
        Of one analysis. Months in which the same persons are observed share their columns and are done at once.
    arms : Arms
    drawn : int8 array, draws x analysed persons
        Positions in ``arms.all``.

    Yields
    ------
    tuple
        Regressions (m), the effects that they identify (q) and draws x q x m estimates and errors.
    """
    batches: dict[tuple, list[Regression]] = {}
    for one in found:
        months = None if _is_cross_section(one) else one.months
        batches.setdefault((one.centre, months, one.persons.tobytes()), []).append(one)
    for batch in batches.values():
        effects, sample, n_columns = _identified(batch[0], arms)
        G, N = len(batch[0].persons), sample.n_obs
        if effects and G > 1 and n_columns < N:
            assigned = _assigned(batch[0], effects, arms)
            own = drawn if drawn.shape[1] == G else drawn[:, batch[0].persons]  # persons are in order
            factor = G / (G - 1) * (N - 1) / (N - n_columns)
            if _is_cross_section(batch[0]):
                Y = np.column_stack([one.time.Y[:, 0] for one in batch])
                yield batch, effects, of_months(fit(sample), Y, assigned, own, factor)
            else:
                yield batch, effects, of_periods(fit(sample), assigned, own, factor)


def _is_cross_section(this: Regression) -> bool:
    return this.time.Y.shape[1] == 1 and not this.time.terms


def _identified(this: Regression, arms: Arms) -> tuple[tuple[Effect, ...], Sample, int]:
    """Effects that are in the regression as estimated, the sample of its other columns, and the number of all."""
    used = _without_absent(this, arms)
    terms, p = (*used.terms, *this.time.terms), len(used.terms)
    sample = Sample(used.X, this.time.D, this.time.Y, this.time.O)
    kept = fit(sample, assigned_last(terms)).kept if sample.n_obs else np.array([], int)
    names = {terms[j] for j in kept}
    effects = tuple(e for e in used.effects if e.term in names)
    stay = np.array([j for j in kept if not terms[j].startswith("assigned[")], int)
    fixed = Sample(used.X[:, stay[stay < p]], this.time.D[:, stay[stay >= p] - p], this.time.Y, this.time.O)
    return effects, fixed, len(kept)


def _without_absent(this: Regression, arms: Arms) -> Design:
    """The design without effects that have nobody in the arm or in the reference arm, as estimate leaves them out."""
    absent = {
        effect.term
        for effect in this.design.effects
        if not {effect.arm, arms.reference} <= set(this.arm[(this.at == effect.centre) | (effect.centre == ALL)])
    }
    return this.design.without(absent)


def _assigned(this: Regression, effects: tuple[Effect, ...], arms: Arms) -> Assigned:
    codes = np.array([arms.all.index(effect.arm) for effect in effects], np.int8)
    return Assigned(codes, np.array([(this.at == e.centre) | (e.centre == ALL) for e in effects]))
