"""What a check must find in a delivery: one named rule each, with what is done about it.

``RULES`` declares name, action and wording. Row rules (``ROW_RULES``) find rows of one extract's frame;
what cannot be seen in rows (files, columns, keys) is found in ``ipseval.check`` under the same names.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ipseval.config import Cohort
from ipseval.contracts import EXTRACTS
from ipseval.convert import SENTINEL_YEARS
from ipseval.spells import overlapping

ACTIONS = ("stop", "drop", "fix", "warn")


@dataclass(frozen=True)
class Rule:
    """A rule: what it finds, in words that follow "n of m rows of <file>", and what is done.

    Parameters
    ----------
    action : str
        ``stop`` (nothing is written), ``drop`` (rows left out), ``fix`` (mended as ``remedy`` says) or ``warn``.
    finds, remedy : str
        Wording of the message. ``{column}`` stands for the column concerned.
    """

    action: str
    finds: str
    remedy: str


RULES: dict[str, Rule] = {
    "missing_extract": Rule("stop", "was not delivered.", "Put it into the extracts folder, as a file or a folder of files."),
    "not_parquet": Rule("stop", "{count} no Parquet, or cut off.", "Have {them} delivered again."),
    "stray_file": Rule("warn", "{count} no .parquet and left unread.", "Remove {them} if {they} should not be there."),
    "unreadable": Rule("stop", "cannot be read: its pages are damaged or its files' types do not fit each other.", "Have it delivered again."),
    "empty_extract": Rule("stop", "has no rows.", "Have it delivered again, or remove it if it does not exist."),
    "missing_column": Rule("stop", "has no column '{column}'.", "Name it under columns. {near}"),
    "wrong_type": Rule("stop", "carry a {column} that cannot be read as {kind}.", "Mend the extract, or map the codes under values."),
    "converted_type": Rule("fix", "had {column} in another type; all converted.", "Nothing to do."),
    "time_zone_in_date": Rule("fix", "had {column} as a time with a zone; its local day was taken.", "Check that the zone is the register's."),
    "missing_value": Rule("stop", "have no {column}.", "Mend the extract: the column may not be empty."),
    "column_of_nulls": Rule("warn", "have no {column}: the whole column is empty.", "Check that it was meant to be delivered."),
    "duplicate_row": Rule("drop", "repeat another row of the same person exactly.", "Nothing to do: one of each is kept."),
    "contradicting_rows": Rule("stop", "belong to persons with several rows that differ ({column}).", "Keep one row a person."),
    "key_spelling": Rule("fix", "spell a person's key with leading zeros; read without them.", "Nothing to do."),
    "person_not_in_trial": Rule("warn", "belong to nobody in the trial list; they are left out.", "Nothing to do for a register."),
    "trial_person_without_row": Rule("warn", "of the trial list have no row in it.", "They are kept. Check the linkage if there are many."),
    "excluded_by_code": Rule("drop", "carry a {column} that exclusions names; they are left out.", "Nothing to do."),
    "undeclared_code": Rule("stop", "carry {article} {column} code that is not declared.", "Add it to {declare}."),
    "sentinel_date": Rule("fix", "had {column} far in the future; read as still open.", "Nothing to do."),
    "end_before_start": Rule("drop", "end before they start; they are left out.", "Ask the register what they mean."),
    "before_birth": Rule("drop", "end before the person's birth; they are left out.", "Check the birth dates and the linkage."),
    "after_death": Rule("fix", "reach beyond the person's death or emigration; cut at that day.", "Nothing to do."),
    "overlapping_spells": Rule("fix", "overlap or touch an earlier spell of the same job; merged.", "Nothing to do."),
    "open_end": Rule("warn", "have no last day: still open at the end of the register.", "Nothing to do."),
    "outside_coverage": Rule("warn", "start after observed_until.", "They count in no month. Check observed_until."),
    "randomised_after_register": Rule("stop", "were randomised after observed_until.", "Move observed_until, or leave the persons out."),
    "centre_with_one_arm": Rule("warn", "belong to a centre with one arm only.", "Its effect is not estimated."),
    "empty_centre": Rule("warn", "declared under centres without a person.", "Its rows stay empty."),
    "missing_month": Rule("stop", "without a row between months that have many.", "Have the month delivered, or set checks: {{missing_month: warn}} if nobody worked."),
    "two_files_one_month": Rule("stop", "stand in more than one file of one month each.", "Remove the file that is not to be used."),
}  # fmt: skip


@dataclass(frozen=True)
class Known:
    """What row rules may look up about persons; series indexed by person."""

    cohort: Cohort
    randomised_on: pd.Series
    born_on: pd.Series
    ended_on: pd.Series


@dataclass(frozen=True)
class RowRule:
    """Finds rows of an extract's frame, and mends the frame when the action is to fix."""

    name: str
    applies: Callable[[str], bool]
    find: Callable[[pd.DataFrame, Known], np.ndarray]
    mend: Callable[[pd.DataFrame, np.ndarray, Known], pd.DataFrame] | None = None
    column: str = ""


def _is_spells(extract: str) -> bool:
    return EXTRACTS[extract].column("start_on") is not None


def _sentinel(frame: pd.DataFrame, known: Known) -> np.ndarray:
    return frame["end_on"].dt.year.isin(SENTINEL_YEARS).to_numpy()


def _open(frame: pd.DataFrame, found: np.ndarray, known: Known) -> pd.DataFrame:
    return frame.assign(end_on=frame["end_on"].mask(found))


def _end_before_start(frame: pd.DataFrame, known: Known) -> np.ndarray:
    return (frame["end_on"] < frame["start_on"]).to_numpy()


def _before_birth(frame: pd.DataFrame, known: Known) -> np.ndarray:
    return (frame["end_on"] < frame["person_id"].map(known.born_on)).to_numpy()


def _after_death(frame: pd.DataFrame, known: Known) -> np.ndarray:
    ended = frame["person_id"].map(known.ended_on)
    return ((frame["end_on"].isna() & ended.notna()) | (frame["end_on"] > ended)).to_numpy()


def _cut(frame: pd.DataFrame, found: np.ndarray, known: Known) -> pd.DataFrame:
    ended = frame["person_id"].map(known.ended_on)
    cut = frame.assign(end_on=frame["end_on"].mask(found, ended))
    return cut[~(cut["end_on"] < cut["start_on"])]


def _open_end(frame: pd.DataFrame, known: Known) -> np.ndarray:
    return frame["end_on"].isna().to_numpy()


def _outside_coverage(frame: pd.DataFrame, known: Known) -> np.ndarray:
    until = known.cohort.observed_until
    if until is None:
        return np.zeros(len(frame), bool)
    return (frame["start_on"].to_numpy().astype("datetime64[M]") > np.datetime64(until, "M")) & frame[
        "start_on"
    ].notna().to_numpy()


def _randomised_after(frame: pd.DataFrame, known: Known) -> np.ndarray:
    until = known.cohort.observed_until
    if until is None:
        return np.zeros(len(frame), bool)
    return frame["randomised_on"].to_numpy().astype("datetime64[M]") > np.datetime64(until, "M")


def _one_arm(frame: pd.DataFrame, known: Known) -> np.ndarray:
    return (frame.groupby("centre")["arm"].transform("nunique") < 2).to_numpy()


def _only(name: str) -> Callable[[str], bool]:
    return lambda extract: extract == name


ROW_RULES: tuple[RowRule, ...] = (
    RowRule("randomised_after_register", _only("trial"), _randomised_after),
    RowRule("centre_with_one_arm", _only("trial"), _one_arm),
    RowRule("sentinel_date", _is_spells, _sentinel, _open, "end_on"),
    RowRule("end_before_start", _is_spells, _end_before_start),
    RowRule("before_birth", _is_spells, _before_birth),
    RowRule("after_death", _is_spells, _after_death, _cut),
    RowRule("open_end", _is_spells, _open_end),
    RowRule("overlapping_spells", _is_spells, lambda frame, known: overlapping(frame)),
    RowRule("outside_coverage", _is_spells, _outside_coverage),
)
