"""Who received the treatments, person by person, and two-stage least squares of person-months."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from ipseval.config import Analysis, Cohort
from ipseval.estimation.design import ALL
from ipseval.recomputed.caveats import UNLIKE, is_unlike
from ipseval.recomputed.columns import About
from ipseval.recomputed.days import UNKNOWN, source_speaks
from ipseval.recomputed.effects import NO_ERROR, Estimates, counts, joined, tested
from ipseval.recomputed.strata import LEFT_OUT, strata_of, with_strata, without_say
from ipseval.recomputed.study import Regression, Study, regressions

NEVER = 10**9
SINGULAR = 1e-8
COUNTED = "counted"
PARTLY = "receipt is not observed in some months of some persons: they are left out"
ONE_SIDED = "receipt is observed of nobody in the reference arm: nobody there is taken to have received"
Row = dict[str, Any]


@dataclass(frozen=True)
class Received:
    """A treatment: who had it in which months 0..after (bool, n x T), when first (NEVER), and months of which not all
    is known; with why nothing is known, and a note.
    """

    arm: str
    codes: tuple[str, ...]
    had: np.ndarray
    begun: np.ndarray
    unknown: np.ndarray
    status: str
    note: str

    def received(self, first: int, last: int) -> np.ndarray:
        """Who had it on a day of these months."""
        return np.any(self.had[:, first : last + 1], axis=1)

    def started(self, first: int, last: int) -> np.ndarray:
        """Who had it for the first time in them."""
        return (self.begun >= first) & (self.begun <= last)

    def untold(self, first: int, last: int) -> np.ndarray:
        """Of whom these months do not tell."""
        return self.unknown[:, first : last + 1].any(axis=1) & ~self.received(first, last)


def received(study: Study, arm: str, services: pd.DataFrame | None) -> Received:
    """A treatment as each person received it.

    Parameters
    ----------
    study : Study
    arm : str
    services : DataFrame or None
        Cleaned spells of services.
    """
    cohort, n, T = study.cohort, len(study.people), study.cohort.window.after + 1
    codes = cohort.receipt.codes(arm)
    had, unknown, begun = np.zeros((n, T), bool), np.zeros((n, T), bool), np.full(n, NEVER)
    if services is None:
        why = "the extract services was not delivered"
        return Received(arm, codes, had, begun, unknown, "services_not_delivered", why)
    present = set(services["service"].dropna())
    lacking = [code for code in codes if code not in present]
    note = f"no row of services has the code {', '.join(lacking)}" if lacking else ""
    if not present & set(codes):
        return Received(arm, codes, had, begun, unknown, "no_such_service", note)
    rows: dict[Any, list[Any]] = {}
    for row in services[["person_id", "service", "start_on", "end_on", "is_observed"]].itertuples(index=False):
        rows.setdefault(row.person_id, []).append(row)
    for i, (person, day) in enumerate(zip(study.people["person_id"], study.people["randomised_on"], strict=True)):
        zero = (day.year - 1970) * 12 + day.month - 1
        unknown[i] = (
            [not source_speaks(cohort, "services", zero + k) for k in range(T)] if _has_limits(cohort) else False
        )
        for row in rows.get(person, []):
            if row.end_on < day or (row.is_observed == 1 and row.service not in codes):
                continue
            first = max((row.start_on.year - 1970) * 12 + row.start_on.month - 1 - zero, 0)
            ends = NEVER if pd.isna(row.end_on) else (row.end_on.year - 1970) * 12 + row.end_on.month - 1 - zero
            (had if row.is_observed == 1 else unknown)[i, first : ends + 1] = True
            begun[i] = min(begun[i], first) if row.is_observed == 1 else begun[i]
    if T > 1 and unknown[:, 0].all():
        unknown[:, 0] = unknown[:, 1]
    return Received(arm, codes, had, begun, unknown, COUNTED, joined(note, PARTLY if unknown.any() else ""))


def _has_limits(cohort: Cohort) -> bool:
    """Whether a source of services says from when or until when it speaks."""
    said = cohort.layouts.get("services", {})
    return any(key in str(said) for key in ("observed_from", "observed_until"))


def expected_receipt(study: Study, services: pd.DataFrame | None) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The tables ``receipt`` and ``complier_effects``; arguments as of :func:`received`."""
    cohort = study.cohort
    every = [received(study, arm, services) for arm in cohort.arms.treatments]
    rows = []
    for one in every:
        for first, last in cohort.receipt.spans(cohort.window):
            for centre in (*cohort.centres, ALL):
                for arm in cohort.arms.all:
                    here = study.here(centre, arm)
                    row: Row = {"centre": centre, "arm": arm, "service": one.arm, "codes": " + ".join(one.codes)}
                    row |= {"month_from": first, "month_to": last, "n_persons": int(here.sum())}
                    row |= {"status": one.status, "note": one.note}
                    row |= _counted(one, here, first, last) if one.status == COUNTED else {}
                    rows.append(row)
    lacking = [n for n in ("n_received", "n_started", "share", "n_unknown") if not any(n in row for row in rows)]
    return pd.DataFrame(rows).assign(**dict.fromkeys(lacking, np.nan)), _complier_effects(study, every)


def _counted(one: Received, here: np.ndarray, first: int, last: int) -> Row:
    had, untold = int(one.received(first, last)[here].sum()), int(one.untold(first, last)[here].sum())
    known = int(here.sum()) - untold
    counted = {"n_received": had, "n_started": int(one.started(first, last)[here].sum()), "n_unknown": untold}
    return counted | {"share": had / known if known else np.nan}


# --- the effect in those who receive -----------------------------------------------------------


def _complier_effects(study: Study, every: list[Received]) -> pd.DataFrame:
    cohort = study.cohort
    states = study.primary.copy()
    after = states[:, cohort.window.before :]
    supposed: dict[str, str] = {}
    for one in (one for one in every if one.status == COUNTED):
        untold = np.logical_or.accumulate(one.unknown, axis=1) & (np.arange(after.shape[1]) < one.begun[:, None])
        reference, own = study.arm == cohort.arms.reference, study.arm == one.arm
        is_one_sided = reference.any() and untold[reference].all() and not untold[own].all()
        if is_one_sided and cohort.receipt.unobserved_reference == "none":
            untold[reference], supposed[one.arm] = False, ONE_SIDED
        after[untold] = UNKNOWN
    rows, found = [], strata_of(study)
    people, names = with_strata(study, found, study.with_history(cohort.outcome.primary))
    for span in cohort.receipt.spans(cohort.window):
        analysis = Analysis("receipt", span, cohort.outcome.primary, adjust=(*cohort.receipt.adjust, *names))
        (this,) = regressions(study, analysis, people, states)
        for row in _of_span(this, every, supposed):
            n = without_say(study, found, this.persons, row["arm"])
            terms = [name for name in cohort.receipt.adjust if name not in this.left_out]
            row |= {"adjustment": " + ".join([found.by, *terms]), "n_left_out": n, **found.label}
            sides = (this.states[this.of_arm(arm)] >= 0 for arm in (row["arm"], cohort.arms.reference))
            unlike = UNLIKE if row["status"] == "estimated" and is_unlike(*sides) else ""
            rows.append(row | {"note": joined(row["note"], LEFT_OUT.format(n=n) if n and names else "", unlike)})
    return tested(cohort, rows)


def _of_span(this: Regression, every: list[Received], supposed: dict[str, str]) -> list[Row]:
    itt = Estimates(this, ("cr1",))
    of = {one.arm: one for one in every}
    person, at = this.rows
    months = this.months[0] + at
    receipt = {
        one.arm: (one.begun[this.persons][person] <= months).astype(float) for one in every if one.status == COUNTED
    }
    first = {arm: _on_assignment(this, itt, y) for arm, y in receipt.items()}
    status = {about: _status(itt, about, of[about.arm], first) for about in this.abouts}
    used = [about for about in this.abouts if status[about] == "estimated"]
    found: dict[About, Row] = {}
    if used:
        matrix = np.array([[first[e.arm].get(f.term, (np.nan,))[0] for f in used] for e in used])
        values = np.linalg.svd(matrix, compute_uv=False)
        if values[-1] > SINGULAR * values[0]:
            found = _two_stage(this, itt, used, receipt)
            status |= {about: "estimated" if about in found else "no_variation" for about in used}
        else:
            status |= dict.fromkeys(used, "collinear")
    notes = {arm: joined(one.note, supposed.get(arm, "")) for arm, one in of.items()}
    return [_row(this, itt, about, status[about], first, found, notes[about.arm]) for about in this.abouts]


def _on_assignment(this: Regression, itt: Estimates, y: np.ndarray) -> dict[str, tuple[float, float]]:
    """Estimate and cr1 error of each term of assignment, of another outcome."""
    if itt.fit is None:
        return {}
    fit = replace(itt.fit, y=y)
    names, errors = fit.columns.names, fit.std_error("cr1")
    terms = [a.term for a in this.abouts if a.term in names and a.term not in fit.columns.tied]
    return {t: (float(fit.b[names.index(t)]), float(errors[names.index(t)])) for t in terms}


def _status(itt: Estimates, about: About, one: Received, first: dict[str, dict[str, tuple[float, float]]]) -> str:
    if one.status != COUNTED:
        return one.status
    status = itt.status[about]
    if status == "estimated" and abs(first[about.arm].get(about.term, (np.nan,))[0]) < NO_ERROR:
        return "no_first_stage"
    return status


def _two_stage(this: Regression, itt: Estimates, used: list[About], receipt: dict[str, np.ndarray]) -> dict[About, Row]:
    """(X'P X)^(-1) X'P y, P the projection on all columns, X the received treatments and what is no instrument."""
    assert itt.fit is not None
    own = itt.fit.columns
    Q, _ = own.basis
    terms = {about.term for about in used}
    exogenous = own.Z[:, [j for j, name in enumerate(own.names) if name not in terms]]
    X = np.column_stack([*(receipt[about.arm] for about in used), exogenous / np.linalg.norm(exogenous, axis=0)])
    fitted = Q @ (Q.T @ X)
    bread = np.linalg.inv(fitted.T @ fitted)
    b = bread @ (fitted.T @ itt.fit.y)
    influence = np.add.reduceat(fitted * (itt.fit.y - X @ b)[:, None], own.starts, axis=0) @ bread
    errors = np.sqrt(own.factor * (influence**2).sum(axis=0))
    return {
        about: {"estimate": b[j], "std_error": errors[j], "df": own.n_persons - 1.0}
        for j, about in enumerate(used)
        if errors[j] > NO_ERROR
    }


def _row(
    this: Regression,
    itt: Estimates,
    about: About,
    status: str,
    first: dict[str, dict[str, tuple[float, float]]],
    found: dict[About, Row],
    note: str,
) -> Row:
    """A row: of whom, both effects of assignment, and the effect of receiving."""
    analysis, cohort = this.analysis, this.study.cohort
    row: Row = {"cohort": cohort.name, "analysis": analysis.name, "outcome": analysis.outcome, "estimator": "iv_2sls"}
    row |= {"subgroup": ALL, "centre": ALL, "month_from": this.months[0], "month_to": this.months[1], "arm": about.arm}
    row |= {"reference_arm": cohort.arms.reference, **counts(this, about), "n_persons": len(this.persons)}
    row |= {"variance": "cr1", "status": status}
    for name, numbers in (("itt", _on_assignment(this, itt, this.y)), ("first_stage", first.get(about.arm, {}))):
        row[name], row[f"{name}_std_error"] = numbers.get(about.term, (np.nan, np.nan))
    error = row["first_stage_std_error"]
    row["first_stage_f"] = (row["first_stage"] / error) ** 2 if error > NO_ERROR else np.nan
    least = cohort.receipt.weak_first_stage_f
    is_weak = status == "estimated" and row["first_stage_f"] < least
    row["note"] = joined(
        f"not in this cohort: {', '.join(this.left_out)}" if this.left_out else "",
        note,
        f"weak instrument: first-stage F below {least:g}" if is_weak else "",
    )
    return row | found.get(about, {})
