"""Stage check: every fault of every extract at once; the trial's persons picked out of each delivery.

Nothing here prints a person's value: findings are counts.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ipseval.config import Cohort, code
from ipseval.contracts import EXTRACTS
from ipseval.errors import Fault, UserError
from ipseval.registers import allocation, asked, clusters, digests, linkage, named_codes, rules
from ipseval.registers.coverage import shared_codes
from ipseval.registers.distinct import in_order, stacked_rows
from ipseval.registers.findings import Findings, Matched, listed
from ipseval.registers.fingerprint import Last, drift, fingerprint
from ipseval.registers.matching import check_exact
from ipseval.registers.mending import load
from ipseval.registers.months import check_months
from ipseval.registers.named import apart, check_columns, check_idle, with_left_out
from ipseval.registers.noting import note
from ipseval.registers.of_settings import check_settings
from ipseval.registers.opening import Opened, configured, open_extract
from ipseval.registers.origins import Origins, as_delivered
from ipseval.registers.over_time import COLUMNS, check_over_time
from ipseval.registers.parts import adapted, check_hours
from ipseval.registers.places import check_unread
from ipseval.registers.reading import SORTED_BY, read_rows
from ipseval.registers.residence import BEGUN, MOVES, moves, with_begun
from ipseval.registers.row_rules import ALONE, RESIDENCE, Known, RowRule, of_covariates
from ipseval.registers.spells import no_days

EVENTS = ("wage_subsidy", "benefits", "health_contacts", "services")  # extracts of events that most persons never have
CODES: dict[str, tuple[str | int, ...]] = {
    "sex": ("female", "male"),
    "contact": ("outpatient", "day", "inpatient"),
    "level": tuple(range(10)),  # of a whole NUS2000 code, the first digit has to be delivered
}


@dataclass(frozen=True)
class Checked:
    """What the check found.

    Parameters
    ----------
    quality : DataFrame
        One row a finding; see ``findings.QUALITY_COLUMNS``.
    frames : dict
        Extract -> rows of the trial's persons, mended; None for an extract that was not delivered.
    faults : tuple of Fault
        What stops the run.
    said : tuple of (str, str)
        What is done about every other finding, and its sentence.
    matched : dict
        Name of a file -> its rows and persons of the trial.
    by_month : DataFrame
        Persons with a row and with a job by month of the register of employment; see ``over_time.by_month``.
    """

    quality: pd.DataFrame
    frames: dict[str, pd.DataFrame | None]
    faults: tuple[Fault, ...]
    said: tuple[tuple[str, str], ...]
    matched: Mapping[str, Matched]
    by_month: pd.DataFrame


def check(cohort: Cohort, last: Last | None = None, ledger: Path | None = None) -> dict[str, pd.DataFrame | None]:
    """Read, check and mend the extracts of a cohort.

    Parameters
    ----------
    cohort : Cohort
    last : Last or None
        What the check left of the delivery that the verified results were made from.
    ledger : Path or None
        Where digests of delivered files are kept; see :func:`ipseval.registers.digests.digests`.

    Returns
    -------
    dict
        ``quality`` (one row a finding), ``register_by_month``, ``fingerprint`` and ``drift`` of the delivery, and one
        table an extract, of the trial's persons only; None for an extract that was not delivered.

    Raises
    ------
    UserError
        One fault for each finding whose action is to stop, or the delivery changed while it was read.
    """
    before = digests.stamps(cohort)
    try:
        checked = examine(cohort)
    except Exception:
        digests.require_unchanged(cohort, before)
        raise
    if checked.faults:
        digests.require_unchanged(cohort, before)
        raise UserError(checked.faults)
    taken = fingerprint(cohort, checked.frames, checked.matched, digests.digests(cohort, ledger))
    digests.require_unchanged(cohort, before)
    return {
        "quality": checked.quality,
        "register_by_month": checked.by_month.reindex(columns=list(COLUMNS)),
        "fingerprint": taken,
        "drift": drift(last, taken, checked.frames),
        **checked.frames,
    }


def examine(cohort: Cohort, origins: Origins | None = None) -> Checked:
    """Everything that :func:`check` finds, also when something stops the run; ``origins`` gets the rows at fault."""
    found = Findings(cohort, mending=load(cohort.mending), origins=origins)
    found.faults.extend(found.mending.faults)
    for name, file in cohort.mending.items():
        found.matched[file.name] = Matched(found.mending.n_rows.get(name, 0), found.mending.n_persons.get(name, 0))
    frames: dict[str, pd.DataFrame | None] = dict.fromkeys(EXTRACTS)
    if cohort.extracts.is_dir():
        check_settings(cohort, found)
        check_unread(cohort, found)
        frames |= {name: as_delivered(frame) for name, frame in _read_all(cohort, found).items() if frame is not None}
    else:
        what = f"extracts names '{cohort.extracts}', which is no folder."
        found.fault(configured(cohort), what, "Mend it: it is relative to the cohort file.")
    return Checked(found.table(), frames, tuple(found.faults), tuple(found.said), found.matched, found.by_month)


def _read_all(cohort: Cohort, found: Findings) -> dict[str, pd.DataFrame | None]:
    """Rows of every extract that can be read: the trial list first, then those of its persons."""
    opened = {name: open_extract(extract, cohort, found) for name, extract in EXTRACTS.items()}
    this = next(iter(opened["trial"]), None)
    trial = read_rows(this, found, None) if this else None
    if this is None or trial is None:
        return {}
    check_exact(this, pd.Index(trial["person_id"].dropna()), found)
    trial, left_out = apart(trial, this, found)
    trial = with_left_out(_check_trial(trial, cohort, found, this), left_out, found)
    check_columns(opened, found)
    clusters.check(trial, cohort, found)
    allocation.check(trial, cohort, found)
    frames: dict[str, pd.DataFrame | None] = {"trial": trial}
    known, nowhere = _known(cohort, trial), pd.Index(trial["person_id"].dropna().unique())
    check_hours(opened["employment"], known, found)
    for name, parts in ((name, parts) for name, parts in opened.items() if name != "trial"):
        frame, absent = _person_rows(parts, known, found)
        if frame is not None:
            nowhere, frames[name] = nowhere.intersection(absent), frame
            known = _vital(frame, known) if name == "persons" else known
            if name == "employment":
                check_over_time(frame, cohort, found)
    if len(nowhere) and len(frames) > 1:
        subject = f"{len(nowhere)} of {len(trial)} persons"
        action = found.add("trial", "trial_person_nowhere", subject, None, len(nowhere), number=len(nowhere))
        found.name("trial", "trial_person_nowhere", action, nowhere)
    named_codes.check(cohort, frames, found)
    asked.check(cohort, frames, found)
    check_idle(opened, found)
    return frames


def _check_trial(frame: pd.DataFrame, cohort: Cohort, found: Findings, this: Opened) -> pd.DataFrame:
    excluded = cohort.exclusions.get("trial", {})
    declared = {"arm": cohort.arms.all, "centre": tuple(cohort.centres)}
    for column, codes in declared.items():
        known = frame[column].isna() | frame[column].isin([*codes, *excluded.get(column, [])])
        frame = _declared_rows(frame, column, known.to_numpy(), f"{column}s or to exclusions", this, found)
    nobody = [arm for arm in cohort.arms.all if not (frame["arm"] == arm).any()]
    if nobody and not (found.faults or frame.empty):
        subject, label = f"{len(nobody)} of {len(cohort.arms.all)} arms", this.delivery.label
        found.add("trial", "empty_arm", subject, 0, 0, number=len(nobody), label=label)
    empty = set(cohort.centres).difference(frame["centre"].unique())
    if empty:
        subject = f"{len(empty)} of {len(cohort.centres)} centres"
        found.add("trial", "empty_centre", subject, 0, 0, number=len(empty), label=this.delivery.label)
    frame = _one_row(frame, this, found)
    own = (*ALONE, *RESIDENCE, *of_covariates(cohort))
    return _apply_row_rules(frame, this, _known(cohort, frame), found, own)


def _declared_rows(
    frame: pd.DataFrame, column: str, known: np.ndarray, declare: str, this: Opened, found: Findings
) -> pd.DataFrame:
    """The rows whose code is declared, when the others are to be dropped; else all."""
    words: dict[str, Any] = {"column": column, "article": "an" if column[0] in "aeiou" else "a", "declare": declare}
    codes = shared_codes(frame, column, ~known)
    words["near"] = f"Codes that several persons have: {listed(map(repr, codes))}." if codes else ""
    action = note(this, "undeclared_code", ~known, frame, found, **words)
    return frame[known].reset_index(drop=True) if action == "drop" else frame


def _known(cohort: Cohort, trial: pd.DataFrame) -> Known:
    """What is known before the extract of persons is read: nobody's birth or death."""
    randomised_on = trial.dropna(subset="person_id").set_index("person_id")["randomised_on"]
    nothing = no_days(randomised_on.index)
    return Known(cohort, randomised_on, nothing, nothing)


def _one_row(frame: pd.DataFrame, this: Opened, found: Findings) -> pd.DataFrame:
    """The frame with one row a person, or a person and month, where the extract or its layout says so."""
    key = list(this.layout.one_row or ("person_id",) * this.extract.one_row_per_person)
    if not key:
        return frame
    repeats = as_delivered(frame).duplicated() & frame[key].notna().all(axis=1)
    note(this, "duplicate_row", repeats.to_numpy(), frame, found)
    frame = frame[~repeats].reset_index(drop=True)
    several = frame.duplicated(key, keep=False) & frame[key].notna().all(axis=1)
    if several.any():
        differing = as_delivered(frame[several]).groupby(key).nunique(dropna=False).gt(1).any()
        if this.extract.name == "persons" and set(differing.index[differing]) <= set(MOVES):
            note(this, "several_moves", several.to_numpy(), frame, found)
            return frame
        columns, row = listed(differing.index[differing]), " and ".join(key).replace("person_id", "person")
        assigned = this.extract.name == "trial" and differing[["arm", "centre"]].any()
        rule = "contradicting_assignment" if assigned else "contradicting_rows"
        note(this, rule, several.to_numpy(), frame, found, column=columns, row=row)
        frame = frame[~(several & frame.duplicated(key))].reset_index(drop=True)
    return frame


def _person_rows(parts: Sequence[Opened], known: Known, found: Findings) -> tuple[pd.DataFrame | None, pd.Index]:
    """One extract besides the trial list, from all its parts that can be read, and who is in none of them."""
    keys, made, absent = known.randomised_on.index, [], known.randomised_on.index
    for this in parts:
        frame = read_rows(this, found, keys) if check_exact(this, keys, found) else None
        if frame is not None:
            linkage.check(frame, this, known, found)
            absent = absent.difference(pd.Index(frame["person_id"].unique()))
            made.append((this, _part_rows(frame, this, known, found)))
    if not made:
        return None, absent
    if len(absent):
        subject, label = f"{len(absent)} of {len(keys)} persons", " or ".join(this.delivery.label for this in parts)
        name, number = parts[0].extract.name, len(absent)
        usual = "note" if name in EVENTS else None
        action = found.add(
            name, "trial_person_without_row", subject, None, number, number=number, action=usual, label=label
        )
        found.name(name, "trial_person_without_row", action, absent)
    whole = [
        _apply_row_rules(frame, this, known, found, RESIDENCE).drop(columns=BEGUN, errors="ignore")
        for (this, _), frame in zip(made, with_begun([frame for _, frame in made]), strict=True)
    ]
    frame = stacked_rows(whole) if len(whole) > 1 else whole[0]
    if len(absent) < len(keys):
        linkage.check_starts(frame, parts, known, found)
    return in_order(frame, as_delivered(frame).columns[:SORTED_BY]), absent


def _part_rows(frame: pd.DataFrame, this: Opened, known: Known, found: Findings) -> pd.DataFrame:
    """Rows of one part, checked and mended but for what hangs on the other parts, in the contract's columns."""
    if this.period:
        check_months(this, known, found)
    frame = _one_row(_check_codes(frame, this, found), this, found)
    return _apply_row_rules(adapted(frame, this, known, found), this, known, found, ALONE)


def _check_codes(frame: pd.DataFrame, this: Opened, found: Findings) -> pd.DataFrame:
    """Drop rows whose codes are excluded; note codes that nobody declared."""
    name = this.extract.name
    for column, codes in ((c, codes) for c, codes in this.source.exclusions.items() if c in frame):
        excluded = frame[column].map(code, na_action="ignore").isin(codes).to_numpy()
        action = note(this, "excluded_by_code", excluded, frame, found, column=column)
        frame = frame[~excluded].reset_index(drop=True) if action == "drop" else frame
    for column in (c for c in CODES if c in frame):
        declared = (frame[column].isna() | frame[column].isin(CODES[column])).to_numpy()
        frame = _declared_rows(frame, column, declared, f"values.{name}.{column}", this, found)
    if this.layout.undeclared:
        declared = ~this.layout.undeclared(frame, this.source.options)
        frame = _declared_rows(frame, this.layout.coded, declared, _where_declared(this), this, found)
    return frame


def _where_declared(this: Opened) -> str:
    """Where the cohort file declares the codes of a layout."""
    name, coded = this.extract.name, this.layout.coded
    if not this.layout.is_wide:
        return f"values.{name}.{coded}"
    options = "employed or not_employed" if "employed" in this.source.options else "received or not_received"
    return f"{options} of layouts.{name}"


def _apply_row_rules(
    frame: pd.DataFrame, this: Opened, known: Known, found: Findings, asked: Sequence[RowRule]
) -> pd.DataFrame:
    for rule in (r for r in asked if r.applies(this.extract.name)):
        rows = rule.find(frame, known)
        delivered = rows & (frame["is_observed"] == 1).to_numpy() if "is_observed" in frame else rows
        words: dict[str, Any] = {"column": rule.column} | (rule.words(frame, rows, known) if rows.any() else {})
        action = note(this, rule.name, delivered, frame, found, **words)
        action = action or known.cohort.checks.get(rule.name, rules.RULES[rule.name].action)
        if action == "drop":
            frame = frame[~rows].reset_index(drop=True)
        elif action == "fix" and rule.mend and rows.any():
            frame = rule.mend(frame, rows, known).reset_index(drop=True)
    return frame


def _vital(persons: pd.DataFrame, known: Known) -> Known:
    """Birth, death and moves, looked up by person."""
    delivered = persons.drop_duplicates("person_id").set_index("person_id").reindex(known.randomised_on.index)
    born_on, died_on = delivered.get("birth_date", known.born_on), delivered.get("died_on", known.died_on)
    return replace(known, born_on=born_on, died_on=died_on, moves=moves(persons))
