"""The event study once more: person-months less each person's mean, on periods of each stratum and assignment."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from ipseval.recomputed.caveats import UNLIKE, is_unlike
from ipseval.recomputed.effects import NO_ERROR, joined, tested
from ipseval.recomputed.least_squares import COLLINEAR, LeastSquares, columns
from ipseval.recomputed.strata import LEFT_OUT, Strata, of_few, strata_of
from ipseval.recomputed.study import Study

Row = dict[str, Any]


@dataclass(frozen=True)
class Fitted:
    """Persons who are seen in two periods, months of each by period (n x P), and the regression where there is one."""

    persons: np.ndarray
    n_months: np.ndarray
    spans: list[tuple[int, int]]
    base: int
    fit: LeastSquares | None
    covariance: np.ndarray

    def numbers(self, weights: dict[str, float]) -> Row:
        """A weighted sum of coefficients with its error; nothing when it has none."""
        if self.fit is None:
            return {}
        c = np.array([weights.get(name, 0.0) for name in self.fit.columns.names])
        error = float(np.sqrt(c @ self.covariance @ c))
        if not error > NO_ERROR:
            return {}
        return {"estimate": float(c @ self.fit.b), "std_error": error, "df": float(self.fit.columns.n_persons - 1)}


def expected_event_study(study: Study) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The tables ``event_study`` and ``placebo``."""
    found = strata_of(study)
    fitted = _fitted(study, found)
    events: list[Row] = []
    tests: list[Row] = []
    for arm in study.cohort.arms.treatments:
        label, compared, few = _label(study, found, fitted, arm)
        own = _events(study, fitted, arm, compared)
        is_off = _unlike_periods(study, fitted, arm, compared)
        for p, row in enumerate(own):
            said = (few, UNLIKE if is_off[p] or is_off[fitted.base] else "") if "estimate" in row else ()
            events.append(label | row | {"note": joined(label["note"], *said)})
        test = _placebo(fitted, arm, own)
        used = [p for p in range(max(fitted.base, 0)) if own[p]["status"] == "estimated"] + [fitted.base]
        said = (few, UNLIKE if any(is_off[p] for p in used) else "") if "estimate" in test else ()
        tests.append(label | test | {"note": joined(label["note"], *said, test["note"])})
    return tested(study.cohort, events), tested(study.cohort, tests).assign(**_wald(tests))


def _fitted(study: Study, found: Strata) -> Fitted:
    spans = study.cohort.event_study.spans(study.cohort.window)
    base = next((p for p, (_, last) in enumerate(spans) if last == -1), -1)
    period = np.array([next(p for p, (a, b) in enumerate(spans) if a <= k <= b) for k in study.cohort.window.months])
    observed = study.primary >= 0
    n_months = np.column_stack([observed[:, period == p].sum(axis=1) for p in range(len(spans))])
    persons = np.flatnonzero((n_months > 0).sum(axis=1) > 1)
    none = Fitted(persons, n_months[persons], spans, base, None, np.zeros((0, 0)))
    if base < 0 or len(persons) < 2:
        return none
    person, at = np.nonzero(observed[persons])
    stratum, arm = found.number[persons][person], study.arm[persons][person]
    raw: dict[str, np.ndarray] = {}
    last: list[str] = []
    for p in (p for p in range(len(spans)) if p != base):
        of_period = period[at] == p
        raw |= {f"{s}|{p}": of_period & (stratum == s) for s in range(len(found.names))}
    for a in study.cohort.arms.treatments:
        for p in (p for p in range(len(spans)) if p != base):
            last.append(_term(a, p))
            raw[last[-1]] = (period[at] == p) & (arm == a)
    y, Z = study.primary[persons][person, at].astype(float), np.column_stack(list(raw.values())).astype(float)
    within, size = _within(np.column_stack([Z, y]), person), (Z**2).sum(axis=0)
    is_left = (within[:, :-1] ** 2).sum(axis=0) > COLLINEAR * size
    used = {name: within[:, j] * is_left[j] for j, name in enumerate(raw)}
    fit = LeastSquares(columns(used, person, set(last)), within[:, -1])
    if len(y) <= len(fit.columns.names):
        return none
    return Fitted(persons, n_months[persons], spans, base, fit, fit.covariance("cr1"))


def _within(rows: np.ndarray, person: np.ndarray) -> np.ndarray:
    """Rows less the mean of their person, whose rows stand together."""
    starts = np.flatnonzero(np.diff(person, prepend=-1))
    n = np.diff(np.append(starts, len(person)))
    return rows - np.repeat(np.add.reduceat(rows, starts, axis=0) / n[:, None], n, axis=0)


def _term(arm: str, period: int) -> str:
    return f"assigned[{arm}]:{period}"


def _label(study: Study, found: Strata, fitted: Fitted, arm: str) -> tuple[Row, np.ndarray, str]:
    """What a row is of, which persons are in strata that have both arms, and the note on strata of few."""
    own = study.arm[fitted.persons]
    both = [own == arm, own == study.cohort.arms.reference]
    here = Strata(found.number[fitted.persons], found.names, found.by)
    used = here.used(both, 1)
    compared = used[here.number] if len(own) else np.zeros(0, bool)
    few = of_few(here.counts(both).reshape(-1, 2)[used], study.cohort.estimation.min_persons_for_stars)
    out = int((np.logical_or(*both) & ~compared).sum())
    cohort = study.cohort
    label: Row = {"cohort": cohort.name, "outcome": cohort.outcome.primary, "estimator": "person_fixed_effects"}
    label |= {"arm": arm, "reference_arm": cohort.arms.reference, "n_obs": int(fitted.n_months.sum())}
    label |= {"n_persons": len(own), "variance": "cr1", "n_left_out": out, **found.label}
    return label | {"note": LEFT_OUT.format(n=out) if out else ""}, compared, few


def _events(study: Study, fitted: Fitted, arm: str, compared: np.ndarray) -> list[Row]:
    least, own = study.cohort.estimation.min_persons_per_arm, study.arm[fitted.persons]
    seen = (fitted.n_months > 0) & compared[:, None]
    n = {side: seen[own == a].sum(axis=0) for side, a in (("assigned", arm), ("control", study.cohort.arms.reference))}
    has_base = fitted.base >= 0 and min(of[fitted.base] for of in n.values()) >= least
    rows = []
    for p, (first, last) in enumerate(fitted.spans):
        row: Row = {"month_from": first, "month_to": last, "is_base": p == fitted.base}
        row |= {f"n_{side}": int(of[p]) for side, of in n.items()}
        few = next((side for side, of in n.items() if of[p] < least), "")
        status = "no_base" if not has_base else "base" if p == fitted.base else f"too_few_{few}" if few else "estimated"
        if status == "estimated":
            names = fitted.fit.columns.names if fitted.fit else ()
            tied = fitted.fit.columns.tied if fitted.fit else frozenset()
            status = "saturated" if fitted.fit is None else "collinear"
            if _term(arm, p) in names and _term(arm, p) not in tied:
                numbers = fitted.numbers({_term(arm, p): 1.0})
                row, status = row | numbers, "estimated" if numbers else "no_variation"
        rows.append(row | {"status": status})
    return rows


def _unlike_periods(study: Study, fitted: Fitted, arm: str, compared: np.ndarray) -> list[bool]:
    """Of each period whether the two arms are observed in unlike months of it."""
    own, first = study.arm[fitted.persons], study.cohort.window.before
    sides = [study.primary[fitted.persons][compared & (own == a)] >= 0 for a in (arm, study.cohort.arms.reference)]
    return [is_unlike(*(side[:, a + first : b + first + 1] for side in sides)) for a, b in fitted.spans]


def _placebo(fitted: Fitted, arm: str, events: list[Row]) -> Row:
    """Joint test and mean of the periods before the base."""
    early = events[: max(fitted.base, 0)]
    before = [p for p, row in enumerate(early) if row["status"] == "estimated"]
    row: Row = {"n_periods": len(before), "note": ""}
    if fitted.fit is None or not before:
        return row | {"status": early[0]["status"] if early else "no_months_before"}
    n = {p: fitted.spans[p][1] - fitted.spans[p][0] + 1 for p in before}
    found = fitted.numbers({_term(arm, p): n[p] / sum(n.values()) for p in before})
    at = [fitted.fit.columns.names.index(_term(arm, p)) for p in before]
    V, b = fitted.covariance[np.ix_(at, at)], fitted.fit.b[at]
    is_joint = np.linalg.matrix_rank(V, hermitian=True) == len(at)
    if is_joint:
        row |= {"wald_f": float(b @ np.linalg.inv(V) @ b) / len(at), "wald_df1": len(at)}
        row["wald_df2"] = fitted.fit.columns.n_persons - 1.0
    row |= {"month_from": fitted.spans[before[0]][0], "month_to": fitted.spans[before[-1]][1], **found}
    row["status"] = "estimated" if found else "no_variation"
    return row | {"note": "" if is_joint else "no joint test: too few persons"}


def _wald(tests: list[Row]) -> dict[str, Any]:
    from scipy.stats import f

    of = {
        name: np.array([row.get(name, np.nan) for row in tests], float) for name in ("wald_f", "wald_df1", "wald_df2")
    }
    months = {name: [row.get(name, np.nan) for row in tests] for name in ("month_from", "month_to")}
    return of | months | {"wald_p": f.sf(of["wald_f"], of["wald_df1"], of["wald_df2"])}
