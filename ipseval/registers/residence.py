"""Where persons live: emigration, return, and the jobs that tell of a return."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from ipseval.contracts import STATE_COLUMNS
from ipseval.registers.distinct import looked_up, stacked_rows
from ipseval.registers.spells import begins_of_runs

GONE, BACK = "emigrated_on", "returned_on"
MOVES = (GONE, BACK, "emigrated_month", "returned_month")  # in which the rows of a person may differ
BEGUN = "begun_on"  # first day of the job that a spell continues, where it may have begun in another part
NO_DAY = np.datetime64("NaT", "D")


@dataclass(frozen=True)
class Moves:
    """Days of emigration and of return by person: a series each for the first, the second, ... of a person."""

    gone: tuple[pd.Series, ...] = ()
    back: tuple[pd.Series, ...] = ()

    def first_since(self, spells: pd.DataFrame) -> pd.Series:
        """The first emigration on or after the day on which the job (or the run) of each spell began."""
        found, begun = _nothing(spells), _begun(spells) if self.gone else _nothing(spells)
        for days in self.gone[::-1]:
            day = looked_up(days, spells["person_id"])
            found = day.where(begun <= day, found)
        return found

    def begins_away(self, spells: pd.DataFrame, randomised_on: pd.Series) -> np.ndarray:
        """Spells of jobs that began after an emigration, before anything tells that the person was back; bool."""
        last, begun = _nothing(spells), _begun(spells) if self.gone else _nothing(spells)
        for days in self.gone:
            day = looked_up(days, spells["person_id"])
            last = day.where(day < begun, last)
        away = last.notna()
        for days in (*self.back, randomised_on):
            day = looked_up(days, spells["person_id"]) if away.any() else last
            away &= ~((day > last) & (day <= begun))
        return away.to_numpy()


NO_MOVES = Moves()


def moves(persons: pd.DataFrame) -> Moves:
    """The moves of an extract of persons, a row a move."""
    return Moves(_in_turn(persons, GONE), _in_turn(persons, BACK))


def _in_turn(persons: pd.DataFrame, column: str) -> tuple[pd.Series, ...]:
    if column not in persons:
        return ()
    days = persons[persons[column].notna()].drop_duplicates(["person_id", column]).sort_values(column)
    turn = days.groupby("person_id", observed=True).cumcount()
    return tuple(days[turn == i].set_index("person_id")[column] for i in range(int(turn.max()) + 1 if len(turn) else 0))


def _nothing(spells: pd.DataFrame) -> pd.Series:
    return pd.Series(pd.NaT, index=spells.index, dtype="datetime64[s]")


def _begun(spells: pd.DataFrame) -> pd.Series:
    """First day of the job, or the run of a code, that each spell continues; of days that are not observed, or begin
    on a day that is not known, none.

    # ASSUME: spells without an employer that are up to three days apart are one run, as four weeks a month are.
    """
    if BEGUN in spells:
        return spells[BEGUN]
    kinds = ["employer_id"] if "employer_id" in spells else [c for c in STATE_COLUMNS.values() if c in spells]
    known = (spells["is_observed"] == 1) & spells["start_on"].notna()
    begun = begins_of_runs(spells[known], ["person_id", *kinds], apart=1 if "employer_id" in spells else 4)
    return pd.Series(begun, index=spells.index[known]).reindex(spells.index).astype("datetime64[s]")


def with_begun(parts: Sequence[pd.DataFrame]) -> list[pd.DataFrame]:
    """The parts of an extract with ``begun_on``, where a job may go on from one part to the next; else as they are.

    Jobs are told apart by the columns that all parts have: by employer only where every part tells it.
    """
    kinds = ("employer_id", *STATE_COLUMNS.values())
    wanted = ["person_id", "start_on", "end_on", "is_observed", *kinds]
    shared = [name for name in wanted if all(name in part for part in parts)]
    if len(parts) < 2 or "is_observed" not in shared or "start_on" not in shared:
        return list(parts)
    begun = _begun(stacked_rows([part[shared] for part in parts])).to_numpy()
    ends = np.cumsum([len(part) for part in parts])[:-1]
    return [part.assign(**{BEGUN: days}) for part, days in zip(parts, np.split(begun, ends), strict=True)]


def move_columns(names: pd.Index) -> list[tuple[str, str]]:
    """Columns of the days of each emigration and return among those of ``people``: the first, ``..._2``, ...."""
    pairs = [(GONE, BACK), *((f"{GONE}_{i}", f"{BACK}_{i}") for i in range(2, len(names)))]
    return [pair for pair in pairs if pair[0] in names]


def absences(randomised_on: pd.Series, persons: pd.DataFrame | None, employment: pd.DataFrame) -> pd.DataFrame:
    """Emigrations and returns of every person.

    # ASSUME: who is randomised, or begins a job, after an emigration has come back, by that day at the latest.

    Parameters
    ----------
    randomised_on : Series
        Indexed by person.
    persons : DataFrame or None
        ``person_id`` and, where delivered, ``emigrated_on`` and ``returned_on``; a row a move.
    employment : DataFrame
        Cleaned spells.

    Returns
    -------
    DataFrame
        Indexed as ``randomised_on``: ``emigrated_on`` and ``returned_on`` (missing: not back), and further pairs
        ``..._2``, ``..._3`` where somebody emigrated again.
    """
    found: dict[str, pd.Series] = {}
    if persons is not None and GONE in persons and persons[GONE].notna().any():
        left = persons[persons[GONE].notna()]["person_id"].unique()
        jobs = employment[(employment["is_observed"] == 1) & employment["person_id"].isin(left)]
        days = {
            person: (rows[GONE].dropna(), rows[BACK].dropna() if BACK in rows else rows[GONE][:0])
            for person, rows in persons[persons["person_id"].isin(left)].groupby("person_id", observed=True)
        }
        starts = {person: rows for person, rows in jobs.groupby("person_id", observed=True)["start_on"]}
        made = {
            person: list(_away(gone, [*back, *starts.get(person, []), randomised_on[person]]))
            for person, (gone, back) in days.items()
        }
        for i in range(max(map(len, made.values()))):
            suffix = f"_{i + 1}" if i else ""
            for place, name in enumerate((GONE, BACK)):
                found[name + suffix] = pd.Series({p: pairs[i][place] for p, pairs in made.items() if len(pairs) > i})
    columns = list(dict.fromkeys([GONE, BACK, *found]))
    empty = pd.Series(pd.NaT, index=randomised_on.index)
    return pd.DataFrame(
        {
            name: (found[name].reindex(randomised_on.index) if name in found else empty).astype("datetime64[s]")
            for name in columns
        }
    )


def _away(gone: pd.Series, present: list[pd.Timestamp]) -> Iterator[tuple[pd.Timestamp, pd.Timestamp]]:
    """Day of each emigration and the first day after it on which the person is here again (NaT: none)."""
    back: Any = pd.Timestamp.min
    for day in sorted(gone):
        if back is not pd.NaT and day >= back:  # else away already
            back = min((d for d in present if d > day), default=pd.NaT)
            yield day, back


def absent(people: pd.DataFrame, months: np.ndarray) -> np.ndarray:
    """Calendar months after that of an emigration and before that of the return; bool, n x W.

    An emigration after death is none.
    """
    away = np.zeros(months.shape, bool)
    died = people["died_on"].to_numpy().astype("datetime64[D]")
    for gone_on, back_on in move_columns(people.columns):
        gone = people[gone_on].to_numpy().astype("datetime64[D]")
        back = people[back_on].to_numpy().astype("datetime64[D]")
        first = _month(np.where(gone >= died, NO_DAY, gone))
        away |= (months > first[:, None]) & (months < _month(back)[:, None])
    return away


def _month(days: np.ndarray) -> np.ndarray:
    """Months since 1970-01, later than any other where there is no day."""
    month = days.astype("datetime64[M]").astype("int64")
    return np.where(np.isnat(days), np.iinfo(np.int64).max, month)
