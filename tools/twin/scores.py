"""Fast re-estimation: coefficients and clustered errors after a change in a person's months."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tools.twin.published import MODELS, MONTHS, Printed, star_window
from tools.twin.regression import Floats, Ints, Roster, cr1_factor, design


@dataclass(frozen=True)
class Engine:
    """One model, ready to be re-estimated.

    ``hat`` (terms x persons x months) maps outcomes to coefficients; ``pull`` (printed x persons x
    terms) maps coefficients to cluster scores; ``square`` is the sum of the pulls' outer products.
    """

    hat: Floats
    pull: Floats
    square: Floats
    printed: Ints
    factor: float
    low: Floats
    high: Floats
    value: Floats
    constant: float


@dataclass(frozen=True)
class State:
    """Sums that change with the outcomes: by person, coefficients, squares and cross products."""

    score: Floats
    coefficient: Floats
    squares: Floats
    cross: Floats


def engine(roster: Roster, model: int, entries: list[Printed], constant: float) -> Engine:
    """Build the engine of one model from the printed coefficients and constant."""
    spec = design(roster, model)
    kept = spec.matrix
    n_terms = kept.shape[2]
    bread = np.linalg.inv(np.einsum("ikp,ikq->pq", kept, kept))
    hat = np.zeros((n_terms, len(roster), MONTHS))
    hat[:, spec.persons, :] = (kept @ bread).transpose(2, 0, 1)
    mine = [entry for entry in entries if entry.model == model]
    printed = np.array([spec.terms.index(entry.term) for entry in mine])
    pull = np.zeros((len(printed), len(roster), n_terms))
    pull[:, spec.persons, :] = np.einsum("jik,ikp->jip", hat[printed][:, spec.persons], kept)
    square = np.einsum("jip,jiq->jpq", pull, pull)
    n_persons = len(spec.persons)
    windows = np.array([star_window(entry.n_stars, n_persons - 1) for entry in mine])
    factor = cr1_factor(n_persons, n_persons * MONTHS, n_terms)
    value = np.array([entry.value for entry in mine])
    return Engine(hat, pull, square, printed, factor, windows[:, 0], windows[:, 1], value, constant)


def start(machine: Engine, panel: Ints) -> State:
    """Compute the sums from a panel of outcomes."""
    score = np.einsum("pik,ik->pi", machine.hat, panel.astype(float))
    picked = score[machine.printed]
    cross = np.einsum("ji,jip->jp", picked, machine.pull)
    return State(score, score.sum(axis=1), (picked**2).sum(axis=1), cross)


def trial(machine: Engine, state: State, persons: Ints, change: Floats) -> tuple[Floats, Floats]:
    """Coefficients and standard errors after each of many trial changes.

    Parameters
    ----------
    persons : array, trials x 2
        Persons changed (a change of zeros leaves a person as is).
    change : array, trials x 2 x months
        Change in the outcomes of these persons.

    Returns
    -------
    coefficient, std_error : arrays, trials x printed terms; the constant is appended to the first
    """
    moved = np.einsum("ptsk,tsk->tsp", machine.hat[:, persons, :], change, optimize=True)
    coefficient = state.coefficient + moved.sum(axis=1)
    picked = moved[:, :, machine.printed]
    old = state.score[machine.printed][:, persons].transpose(1, 2, 0)
    squares = state.squares + (2 * old * picked + picked**2).sum(axis=1)
    pulls = machine.pull[:, persons, :].transpose(1, 2, 0, 3)
    cross = state.cross + (picked[..., None] * pulls).sum(axis=1)
    linear = np.einsum("tjp,tp->tj", cross, coefficient)
    half = np.matmul(coefficient, machine.square)
    bent = np.einsum("jtp,tp->tj", half, coefficient)
    variance = machine.factor * (squares - 2 * linear + bent)
    error = np.sqrt(np.maximum(variance, 1e-12))
    return np.concatenate([coefficient[:, machine.printed], coefficient[:, :1]], axis=1), error


def engines(roster: Roster, entries: list[Printed], constants: list[Printed]) -> list[Engine]:
    """Engines of the three models of table 5."""
    level = {entry.model: entry.value for entry in constants}
    return [engine(roster, model, entries, level[model]) for model in MODELS]
