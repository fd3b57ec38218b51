"""What cannot be: hours beyond a week, ages beyond a life, births after randomisation, a day far from all others."""

import numpy as np
import pandas as pd

from ipseval.registers.distinct import looked_up

MOST_HOURS = 168  # of a week
LONG_HOURS = 80  # above, hours are possible and rare; 99 and 99.9 are usual signs of "not stated"
MOST_YEARS = 110  # of age at randomisation
DAYS_A_YEAR = 365.25
APART_DAYS, APART_RANGES = 730, 3.0  # a day is apart so far, and so many interquartile ranges, from the median


def impossible_hours(frame: pd.DataFrame) -> np.ndarray:
    """Hours a week below 0 or above 168: 999 is a sign of "not stated"."""
    hours = frame["weekly_hours"].astype(float).to_numpy()
    return (hours < 0) | (hours > MOST_HOURS)


def long_hours(frame: pd.DataFrame) -> np.ndarray:
    """Hours a week that are possible and hardly true."""
    hours = frame["weekly_hours"].astype(float).to_numpy()
    return (hours > LONG_HOURS) & (hours <= MOST_HOURS)


def impossible_age(frame: pd.DataFrame) -> np.ndarray:
    """Ages at randomisation below 0 or above 110."""
    age = frame["age"].astype(float).to_numpy()
    return (age < 0) | (age > MOST_YEARS)


def impossible_birth(frame: pd.DataFrame, column: str, randomised_on: pd.Series) -> np.ndarray:
    """Births after randomisation, or more than 110 years before it.

    Parameters
    ----------
    frame : DataFrame
        ``person_id`` and the column: a day, or a month as YYYYMM.
    column : str
    randomised_on : Series
        By person.
    """
    day = looked_up(randomised_on, frame["person_id"])
    if column == "birth_date":
        age = ((day - frame[column]).dt.days / DAYS_A_YEAR).to_numpy(dtype=float)
    else:
        month = frame[column].astype(float).to_numpy()
        age = (day.dt.year + (day.dt.month - 1) / 12).to_numpy(dtype=float) - (month // 100 + (month % 100 - 1) / 12)
    return (age < 0) | (age > MOST_YEARS)


def far_from_others(frame: pd.DataFrame) -> np.ndarray:
    """Days of randomisation far from all others: more than two years and three interquartile ranges from the median."""
    days = frame["randomised_on"].to_numpy().astype("datetime64[D]")
    number = np.where(np.isnat(days), np.nan, days.astype("int64").astype(float))
    if np.isnan(number).all():
        return np.zeros(len(frame), bool)
    low, middle, high = np.nanquantile(number, [0.25, 0.5, 0.75])
    return np.abs(number - middle) > APART_DAYS + APART_RANGES * (high - low)
