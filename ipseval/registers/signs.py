"""Dates that are signs: 9999-12-31 for "not yet", 1900-01-01 for "no date"; what they mean depends on the column."""

import numpy as np
import pandas as pd

from ipseval.registers.coverage import MIN_PERSONS
from ipseval.registers.dates import EARLIEST_YEAR, SENTINEL_YEAR

ZEROS = np.array(["1960-01-01", "1970-01-01"], "datetime64[s]")  # of SAS and Stata, and of Unix; earlier ones are signs
SPANS = {"end_on": "start_on", "end_month": "start_month"}  # the end of a spell -> its start
EVENTS = ("died_on", "emigrated_on", "withdrawn_on")  # empty: it has not happened


def no_end(frame: pd.DataFrame, column: str) -> np.ndarray:
    """Ends before their start that stand for "still open"; bool, length n.

    An end before 1902 is one, and so is a later one that many persons share, that lies before every start and that is
    never a real end: 1960-01-01 is the zero of SAS, 1970-01-01 that of Unix.
    """
    end, start = frame[column], frame[SPANS[column]]
    is_reversed = (end < start).to_numpy()
    found = np.zeros(len(frame), bool)
    if not is_reversed.any():
        return found
    real = end[~is_reversed].unique()
    own = frame.loc[is_reversed, ["person_id", column]]
    early = (own[column] < start.min()) | own[column].isin(ZEROS)
    shared = early & ~own[column].isin(real) & _by_many(own["person_id"], own[column])
    found[is_reversed] = (own[column].dt.year < EARLIEST_YEAR) | shared
    return found


def no_event(frame: pd.DataFrame, column: str, randomised_on: pd.Series) -> np.ndarray:
    """Days of death, emigration and withdrawal that stand for "has not happened"; bool, length n.

    Days before 1902, and the zeros of SAS and Unix where several persons share them.
    """
    day = frame[column]
    is_zero = (day.isin(ZEROS) & (day < randomised_on)).to_numpy()
    return (day.dt.year < EARLIEST_YEAR).to_numpy() | (is_zero & _by_many(frame["person_id"], day))


def no_start(frame: pd.DataFrame, column: str) -> np.ndarray:
    """Starts that no job has: before 1902, or in 2099 and later; bool, length n."""
    year = frame[column].dt.year
    return ((year < EARLIEST_YEAR) | (year >= SENTINEL_YEAR)).to_numpy()


def _by_many(person: pd.Series, day: pd.Series) -> np.ndarray:
    """Whether several persons share a row's day."""
    n_persons = person.astype("str").groupby(day).transform("nunique")
    return (n_persons >= MIN_PERSONS).fillna(False).to_numpy()


def told(frame: pd.DataFrame, column: str, rows: np.ndarray) -> str:
    """The signs that several persons share, and how the others are told without their value."""
    own = frame[rows]
    n_persons = own["person_id"].astype("str").groupby(own[column]).nunique()
    names = [str(day.date()) for day in n_persons.index[n_persons >= MIN_PERSONS]]
    others = ["a day that stands for none"] * bool((n_persons < MIN_PERSONS).any())
    return " or ".join([*names, *others])
