"""Codes that a cohort file names and that no row has: a misspelt one would map, leave out or count nobody."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ipseval.config import Cohort, code
from ipseval.contracts import EXTRACTS, STATE_COLUMNS
from ipseval.errors import nearest
from ipseval.registers import extracts
from ipseval.registers.cells import as_code, distinct, is_code, plain
from ipseval.registers.convert import OTHER
from ipseval.registers.extracts import Part
from ipseval.registers.findings import Findings
from ipseval.registers.opening import Opened, configured, listed
from ipseval.registers.sources import Source, sources
from ipseval.settings import default_settings

SHARED = 3  # persons who have a code that may stand in a message


@dataclass(frozen=True)
class Named:
    """Codes of a column that a key of the cohort file names.

    Parameters
    ----------
    key, column : str
    codes : tuple of str
    are_ours : bool
        Whether they are meant as they are once ``values`` has mapped them.
    source : Source, optional
        The only part of the extract that is meant.
    """

    key: str
    column: str
    codes: tuple[str, ...]
    are_ours: bool = True
    source: Source | None = None


@dataclass(frozen=True)
class Seen:
    """Codes of a column in a part of an extract, among rows of the trial's persons.

    Parameters
    ----------
    this : Opened
    codes : dict
        Whether they are ours -> codes of any row.
    shared : tuple of str
        Delivered codes that several persons share.
    """

    this: Opened
    codes: Mapping[bool, frozenset[str]]
    shared: tuple[str, ...]


def named(cohort: Cohort, extract: str) -> Iterator[Named]:
    """The codes that a cohort file itself names of an extract; those of defaults and of registers need not occur."""
    usual = default_settings()["values"].get(extract, {})
    for column, mapping in cohort.values.get(extract, {}).items():
        own = tuple(c for c in mapping if c not in {OTHER, *map(code, usual.get(column, {}))})
        yield Named(f"values.{extract}.{column}", column, own, are_ours=False)
    for column, left_out in cohort.exclusions.get(extract, {}).items():
        yield Named(f"exclusions.{extract}.{column}", column, tuple(left_out))
    for source in sources(cohort, extract):
        for key, column, codes in source.own_codes:
            own = tuple(c for c in codes if c != OTHER)
            yield Named(f"layouts.{extract}.{key}.{column}", column, own, key == "exclusions", source)
    for state, spec in cohort.states.items():
        if extract in spec:
            yield Named(f"states.{state}.{extract}", STATE_COLUMNS[extract], spec[extract])
    if extract == "services":
        for arm, codes in cohort.asked_services.items():
            yield Named(f"receipt.services.{arm}", STATE_COLUMNS[extract], codes)


def see(this: Opened, parts: Sequence[Part], frame: pd.DataFrame, found: Findings) -> None:
    """Remember which codes a part of an extract has, of the columns of which the cohort file names some.

    Parameters
    ----------
    this : Opened
    parts : sequence of Part
        As delivered, rows of the trial's persons.
    frame : DataFrame
        The same rows, converted.
    found : Findings
    """
    if this.layout.is_wide:
        return
    wanted: dict[str, set[tuple[bool, str]]] = {}
    for one in named(found.cohort, this.extract.name):
        wanted.setdefault(one.column, set()).update((one.are_ours, c) for c in one.codes)
    for column, pairs in wanted.items():
        raw = [part.column(column) for part in parts]
        known = [plain(own) for own in raw if own is not None and is_code(plain(own).type)]
        if column not in frame or not known:
            continue
        delivered = frozenset(c for own in known for c in as_code(distinct(own)[0]).dropna())
        ours = frozenset(frame[column].drop_duplicates().dropna().map(code))
        codes = {False: delivered, True: ours}
        is_complete = all(c in codes[are_ours] for are_ours, c in pairs)
        shared = () if is_complete or len(known) < len(parts) else _shared(known, frame["person_id"])
        found.codes.setdefault((this.extract.name, column), []).append(Seen(this, codes, shared))


def _shared(columns: Sequence, person: pd.Series) -> tuple[str, ...]:
    """Codes that several persons share, as delivered."""
    rows = pd.DataFrame({"code": np.concatenate([as_code(own) for own in columns]), "person": np.asarray(person)})
    counts = rows.dropna().groupby("code")["person"].nunique()
    return tuple(sorted(counts.index[counts >= SHARED]))


def check(cohort: Cohort, frames: Mapping[str, pd.DataFrame | None], found: Findings) -> None:
    """Note codes that no row of an extract has, and those that only rows of others than the trial's persons have."""
    _check_states(frames, cohort, found)
    for extract in EXTRACTS:
        for one in named(cohort, extract):
            every = found.codes.get((extract, one.column), [])
            seen = [own for own in every if one.source in (None, own.this.source)]
            if seen:
                _check(one, seen, found)


def _check_states(frames: Mapping[str, pd.DataFrame | None], cohort: Cohort, found: Findings) -> None:
    """The column whose codes make a state must be delivered, else nobody would be in it; of a wide layout, whose many
    columns are not searched for everybody's codes, note those of nobody in the trial.
    """
    for state, spec in cohort.states.items():
        for name, codes in spec.items():
            frame, column = frames.get(name), STATE_COLUMNS[name]
            if frame is None or column not in frame:
                what = f"states.{state} needs {name} with {column}, which was not delivered."
                found.fault(
                    configured(cohort), what, "Have it delivered, or take the state out of states and outcomes."
                )
            elif (name, column) not in found.codes:
                absent = [code for code in codes if not (frame[column] == code).any()]
                absent = _typed(absent, codes, cohort)
                if absent:
                    subject = f"{listed(map(repr, absent))} of states.{state}.{name}"
                    found.add(name, "code_of_nobody", subject, 0, 0, number=len(absent), column=column)


def _check(one: Named, seen: Sequence[Seen], found: Findings) -> None:
    absent = [c for c in one.codes if not any(c in own.codes[one.are_ours] for own in seen)]
    absent = _typed(absent, one.codes, found.cohort)
    if not absent:
        return
    anywhere = {c for own in seen for c in _of_everybody(own.this, one)}
    label = " or ".join(dict.fromkeys(own.this.delivery.label for own in seen))
    near_to = sorted({c for own in seen for c in own.shared})
    words = {"column": one.column, "label": label}
    for rule, codes in (
        ("code_not_found", [c for c in absent if c not in anywhere]),
        ("code_of_nobody", [c for c in absent if c in anywhere]),
    ):
        if codes:
            subject = f"{listed(map(repr, codes))} of {one.key}"
            near = nearest(codes[0], near_to) or (f"It has: {listed(near_to)}." if near_to else "")
            found.add(seen[0].this.extract.name, rule, subject, 0, 0, number=len(codes), near=near, **words)


def _typed(absent: Sequence[str], named: Sequence[str], cohort: Cohort) -> list[str]:
    """Absent codes that are to be told: of a group not all codes need occur, only one of those that a key names."""
    is_empty = len(absent) == len(named)
    return [c for c in absent if is_empty or c not in cohort.grouped_codes]


def _of_everybody(this: Opened, one: Named) -> set[str]:
    """Codes of a column in all rows of a delivery."""
    parts = extracts.count_by(this.delivery, this.columns[one.column])
    delivered = {c for part in parts if (own := part.column("value")) for c in as_code(plain(own)).dropna()}
    mapping = this.source.values.get(one.column, {})
    return {mapping.get(c, mapping.get(OTHER, c)) for c in delivered} if one.are_ours else delivered
