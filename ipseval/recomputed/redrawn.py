"""Randomisation inference once more: every draw is a regression of person-months of its own.

The draws themselves are those of the stage, which are looked at as data: each must permute the two arms within what
assignment was drawn within, and leave everybody else where he is.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from ipseval.config import Analysis
from ipseval.estimation.design import ALL, DIFFERENCE
from ipseval.recomputed.effects import NO_ERROR, tested
from ipseval.recomputed.least_squares import COLLINEAR, LeastSquares
from ipseval.recomputed.others import OTHERS, Other, is_redrawn
from ipseval.recomputed.study import Regression, Study, regressions

TIE = 1e-9
MOST = 40_000_000  # person-months x draws x columns of all effects together up to which every draw is made again
SOME, LARGE = 49, 150_000  # draws of each effect where there are more, and person-months x draws x columns of it
CHUNK = 400_000
CELL = ["analysis", "subgroup", "centre", "month_from", "month_to", "arm"]
Row = dict[str, Any]
Key = tuple[Any, ...]


@dataclass(frozen=True)
class Drawn:
    """An effect of which the draws were made again, all of them or the first."""

    key: Key
    outcome: str
    family: str
    estimate: float
    std_error: float
    df: int
    t: float
    draws: np.ndarray


def draws_are_of_the_design(study: Study, arm: str, drawn: np.ndarray) -> int:
    """Draws (rows of positions in ``arms.all``) that move somebody else, or change the numbers in a stratum."""
    names = [name for name in ("centre", "block", "stratum") if name in study.people]
    texts = study.people[names].astype("string").fillna("").agg("|".join, axis=1).to_numpy(dtype=object)
    own = np.array([study.cohort.arms.all.index(a) for a in study.arm], np.int8)
    moved = np.isin(study.arm, [arm, study.cohort.arms.reference])
    wrong = (drawn[:, ~moved] != own[~moved]).any(axis=1)
    for stratum in set(texts):
        here = moved & (texts == stratum)
        wrong |= (np.sort(drawn[:, here], axis=1) != np.sort(own[here])).any(axis=1)
    return int(wrong.sum())


def redrawn(study: Study, drawn: Mapping[str, np.ndarray], estimated: set[Key]) -> list[Drawn]:
    """Every estimated effect under draws.

    Parameters
    ----------
    study : Study
    drawn : mapping
        Arm -> int8 array, (1 + draws) x n: positions in ``arms.all``; the first row is the assignment as it was.
    estimated : set of tuple
        Keys (``CELL``) of the effects that were estimated.
    """
    analyses = [a for a in study.cohort.analyses if is_redrawn(a.estimator)]
    every = [(a, this) for a in analyses for this in regressions(study, a)]
    n_draws = len(next(iter(drawn.values())))
    sizes = [this.n_obs * max(len(this.abouts), 1) for _, this in every]
    is_whole = sum(sizes) * n_draws * len(drawn) <= MOST
    found = []
    for arm, own in drawn.items():
        for (analysis, this), size in zip(every, sizes, strict=True):
            keys = {
                about.term: (analysis.name, about.subgroup, about.centre, *this.months, about.arm)
                for about in this.abouts
            }
            mine = {a.term: a for a in this.abouts if a.arm == arm and keys[a.term] in estimated}
            if mine:
                n = n_draws if is_whole else min(SOME, max(LARGE // max(size, 1), 2)) + 1
                fit, errors, t = statistics(this, own[:n, this.persons])
                for term, about in mine.items():
                    numbers = (fit[term], errors[term], len(this.persons) - 1, float(t[term][0]), t[term][1:])
                    family = _family(study, analysis, about.subgroup, about.centre, this.months)
                    found.append(Drawn(keys[term], analysis.outcome, family, *numbers))
    return found


def statistics(this: Regression, drawn: np.ndarray) -> tuple[dict[str, float], dict[str, float], dict[str, np.ndarray]]:
    """Estimate and error under the first draw, and t under every one, by term of assignment.

    Parameters
    ----------
    this : Regression
    drawn : int8 array, draws x n persons
        The first is the assignment as it was.
    """
    fit = this.fitted()
    assert fit is not None
    names = fit.columns.names
    moved = [c for c in this.given if c.text in names and c.weight is not None]
    codes = [this.study.cohort.arms.all.index(c.parts.arm) for c in moved]
    fixed = fit.columns.Z[:, [j for j, name in enumerate(names) if name not in {c.text for c in moved}]]
    person, _ = this.rows
    weights = [c.weight[person] for c in moved if c.weight is not None]
    b, errors = np.empty((len(drawn), len(moved))), np.empty((len(drawn), len(moved)))
    Q = fit.columns.basis[0][:, : fixed.shape[1]]  # columns of assignment are last
    size = max(1, CHUNK // max(len(person) * max(len(moved), 1), 1))
    for start in range(0, len(drawn), size):
        some = drawn[start : start + size][:, person]
        A = np.array([(some == code).T * w[:, None] for code, w in zip(codes, weights, strict=True)], dtype=float)
        other = OTHERS.get(this.analysis.estimator)
        made = _one_by_one(other, fit, [c.text for c in moved], A) if other else _least_squares(fit, Q, A)
        b[start : start + size], errors[start : start + size] = made
    with np.errstate(invalid="ignore", divide="ignore"):
        t = np.where(errors > 0, b / errors, np.where(np.abs(b) <= NO_ERROR, 0.0, np.inf))
    texts = [c.text for c in moved]
    first = [dict(zip(texts, map(float, part[0]), strict=True)) for part in (b, errors)]
    return first[0], first[1], {text: t[:, j] for j, text in enumerate(texts)}


def _least_squares(fit: LeastSquares, Q: np.ndarray, A: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Coefficients and cr1 errors of q assigned columns (q x N x draws) beside the fixed ones; draws x q."""
    q, _, n_draws = A.shape
    y = fit.y - Q @ (Q.T @ fit.y)
    raw = (A**2).sum(axis=1)
    R = A - np.array([Q @ (Q.T @ own) for own in A])
    gram = np.einsum("jnd,knd->djk", R, R, optimize=True)
    scale = np.where(raw > 0, 1 / np.sqrt(np.maximum(raw, 1e-300)), 0.0).T
    outer = scale[:, :, None] * scale[:, None, :]
    is_bad = np.linalg.eigvalsh(gram * outer)[:, 0] <= COLLINEAR
    safe = np.where(is_bad[:, None, None], np.eye(q), gram * outer)
    inverse = np.linalg.inv(safe) * outer
    b = np.einsum("djk,knd,n->dj", inverse, R, y, optimize=True)
    e = y[:, None] - np.einsum("jnd,dj->nd", R, b)
    errors = np.empty((n_draws, q))
    for j in range(q):
        influence = np.einsum("dk,knd->nd", inverse[:, j], R)
        sums = np.add.reduceat(influence * e, fit.columns.starts, axis=0)
        errors[:, j] = np.sqrt(fit.columns.factor * (sums**2).sum(axis=0))
    errors[errors <= NO_ERROR] = 0.0
    b[is_bad] = errors[is_bad] = np.nan
    return b, errors


def _one_by_one(other: Other, fit: LeastSquares, terms: list[str], A: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Estimates and errors of an estimator of another kind, draw by draw; draws x q."""
    at = [fit.columns.names.index(term) for term in terms]
    found = np.full((2, A.shape[2], len(terms)), np.nan)
    for d in range(A.shape[2]):
        Z = fit.columns.Z.copy()
        Z[:, at] = A[:, :, d].T
        own = replace(fit, columns=replace(fit.columns, Z=Z, basis=fit.columns.basis, _df={}))
        failure, numbers = other.estimates(own, terms)
        if not failure:
            found[:, d] = np.array([numbers[term] for term in terms]).T
    return found[0], found[1]


# --- families ----------------------------------------------------------------------------------


def _family(study: Study, analysis: Analysis, subgroup: str, centre: str, months: tuple[int, int]) -> str:
    """Over what p is adjusted."""
    name = "months from 0" if months[0] >= 0 else "months before 0"
    name = name if analysis.months == "each" else "one"
    name = "centres" if centre != ALL else name
    name = "differences between subgroups" if subgroup == DIFFERENCE else name
    if len(study.cohort.arms.treatments) == 1:
        return name
    return "arms" if name == "one" else f"{name}, arms"


def families(found: list[Drawn]) -> Iterator[list[Drawn]]:
    """Effects that are adjusted together."""
    members: dict[Key, list[Drawn]] = {}
    for one in found:
        name, subgroup, _, first, last, _ = one.key
        window = None if one.family.startswith("months") else (first, last)
        analysis = None if one.family.startswith("differences") else name
        members.setdefault((one.family, one.outcome, analysis, window, subgroup), []).append(one)
    yield from members.values()


@dataclass(frozen=True)
class Counted:
    """Of the effects of a family: p by tails, draws on an effect's own side, draws by step-down max-t, and draws."""

    p: np.ndarray
    n_beyond: np.ndarray
    n_together: np.ndarray
    n_draws: int


def counted(members: list[Drawn]) -> Counted:
    """What the draws say of the effects of a family.

    p is the share of all values, the one seen among them, that are at most as rare as it: how rare a value is, is the
    smaller of its two tails (docs/methods.md, section 4); a draw without an error is as rare as can be. By step-down
    max-t (Westfall & Young 1993, algorithm 4.1) effects in falling order of |t| are each compared with the largest of
    itself and those after it, and no count is below one before it.
    """
    n = min(len(one.draws) for one in members)
    sizes = np.array([abs(one.t) for one in members])
    reached = sizes - TIE * np.maximum(1, sizes)
    draws = np.abs(np.array([one.draws[:n] for one in members]))
    order = sorted(range(len(members)), key=lambda k: -sizes[k])
    together, before = np.zeros(len(members), int), 0
    for place, k in enumerate(order):
        largest = draws[order[place:]].max(axis=0)
        before = max(before, int((largest >= reached[k]).sum()))
        together[k] = before
    tails = [_tails(np.append(one.t, one.draws[:n])) for one in members]
    p, beyond = (np.array([tail[i] for tail in tails]) for i in (0, 1))
    return Counted(p, beyond, together, n)


def _tails(values: np.ndarray) -> tuple[float, int]:
    """P of the first of all values, and how many others lie at or beyond it on its own side."""
    tie, is_beyond = TIE * np.maximum(1.0, np.abs(values)), ~np.isfinite(values)
    known = values[~is_beyond]
    above = (known >= (known - tie[~is_beyond])[:, None]).sum(axis=1)
    below = (known <= (known + tie[~is_beyond])[:, None]).sum(axis=1)
    rare = np.zeros(len(values), int)
    rare[~is_beyond] = is_beyond.sum() + np.minimum(above, below)
    return float((rare <= rare[0]).mean()), int(rare[0]) - 1


def expected_rows(study: Study, effects: pd.DataFrame, found: list[Drawn]) -> pd.DataFrame:
    """The table ``randomisation`` as the ``n_draws`` say that were made again, ``n_beyond`` of them on one side."""
    cohort = study.cohort
    numbers: dict[Key, Row] = {}
    for members in families(found):
        own = counted(members)
        for k, one in enumerate(members):
            row: Row = {"estimate": one.estimate, "std_error": one.std_error, "statistic": one.t, "family": one.family}
            p, n, size = own.p[k], own.n_draws, len(members)
            adjusted = max(p, (1 + own.n_together[k]) / (n + 1)) if size > 1 else p
            row |= {"p_value": p, "p_adjusted": adjusted, "n_beyond": own.n_beyond[k], "n_together": own.n_together[k]}
            numbers[one.key] = row | {"n_draws": n, "size": size}
    table = effects.drop_duplicates(CELL)
    keys = ["cohort", "analysis", "outcome", "estimator", "subgroup", "centre", "month_from", "month_to", "arm"]
    table = table[[*keys, "reference_arm", "status"]].reset_index(drop=True)
    names = ["estimate", "std_error", "statistic", "p_value", "p_adjusted", "family"]
    names += ["n_beyond", "n_together", "n_draws", "size"]
    is_left = (table["status"] == "estimated") & ~table["estimator"].map(is_redrawn)
    table["status"] = table["status"].mask(is_left, "not_redrawn")
    rows = [numbers.get(key, {}) for key in table[CELL].itertuples(index=False, name=None)]
    table = table.join(pd.DataFrame(rows, columns=names, index=table.index))
    return table.assign(draws=cohort.randomisation.draws, seed=cohort.randomisation.seed, variance="ri")


def expected_bands(study: Study, found: list[Drawn]) -> pd.DataFrame:
    """The table ``bands`` but for the critical value; ``n_above``: draws beyond each candidate is for the caller."""
    rows: list[Row] = []
    for members in families(found):
        if not members[0].family.startswith("months"):
            continue
        n = min(len(one.draws) for one in members)
        largest = np.sort(np.max([np.abs(one.draws[:n]) for one in members], axis=0))
        for one in sorted(members, key=lambda one: (one.key[5], one.key[3])):
            row: Row = {"analysis": one.key[0], "arm": one.key[5], "month": one.key[3], "family": one.family}
            rows.append(row | {"estimate": one.estimate, "std_error": one.std_error, "df": one.df, "largest": largest})
    table = tested(study.cohort, rows) if rows else pd.DataFrame(columns=["analysis", "arm", "month"])
    return table.drop(columns=["df", "statistic", "p_value"], errors="ignore")
