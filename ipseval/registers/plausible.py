"""What cannot be, and what hardly is: hours, ages, births after randomisation, dates far from the bulk of others.

What hardly is, is counted and kept: ``plausible`` of a cohort says from where on.
"""

import numpy as np
import pandas as pd

from ipseval.registers.birthdays import completed_years
from ipseval.registers.distinct import looked_up

MOST_HOURS = 168  # of a week
SHARE, FULL_WEEK = 2, 60  # where nine tenths of all hours are so small, or a tenth so large, they are not hours a week
MOST_OF_THEM = 0.9
MOST_YEARS = 110  # of age at randomisation
DAYS_A_YEAR = 365.25
APART_DAYS, APART_RANGES = 730, 3.0  # a day is apart so far, and so many interquartile ranges, from the median
BULK = (0.05, 0.95)  # of the dates of a column, each day once
FEWEST = 10  # dates that have a bulk, hours that have a unit


def impossible_hours(frame: pd.DataFrame) -> np.ndarray:
    """Hours a week below 0 or above 168: 999 is a sign of "not stated"."""
    hours = frame["weekly_hours"].astype(float).to_numpy()
    return (hours < 0) | (hours > MOST_HOURS)


def implausible_hours(frame: pd.DataFrame, low: float, high: float) -> np.ndarray:
    """Hours a week that are possible and hardly true."""
    hours = frame["weekly_hours"].astype(float).to_numpy()
    return ((hours < low) | (hours > high)) & ~impossible_hours(frame)


def hours_of_another_unit(frame: pd.DataFrame) -> np.ndarray:
    """Hours where nine tenths are at most 2 (shares of full time) or a tenth at least 60 (per cent, hours a month).

    Those of 0 do not count.
    """
    hours = frame["weekly_hours"].astype(float).to_numpy()
    there = hours[hours > 0]
    if len(there) < FEWEST or SHARE < np.quantile(there, MOST_OF_THEM) < FULL_WEEK:
        return np.zeros(len(hours), bool)
    return hours > 0


def impossible_age(frame: pd.DataFrame) -> np.ndarray:
    """Ages at randomisation below 0 or above 110."""
    age = frame["age"].astype(float).to_numpy()
    return (age < 0) | (age > MOST_YEARS)


def implausible_age(age: np.ndarray, low: float, high: float) -> np.ndarray:
    """Ages at randomisation (years, missing where unknown) that few trials have: younger than ``low``, above ``high``.

    Who is 100 is so until the next birthday.
    """
    return ((age < low) | (age >= high + 1)) & (age >= 0) & (age <= MOST_YEARS)


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
    age = age_by_birth(frame, column, randomised_on)
    return (age < 0) | (age > MOST_YEARS)


def age_by_birth(frame: pd.DataFrame, column: str, randomised_on: pd.Series) -> np.ndarray:
    """Years at randomisation by a day of birth, or by a month as YYYYMM; float, missing where one is unknown."""
    day = looked_up(randomised_on, frame["person_id"])
    if column == "birth_date":
        return ((day - frame[column]).dt.days / DAYS_A_YEAR).to_numpy(dtype=float)
    month = frame[column].astype(float).to_numpy()
    return (day.dt.year + (day.dt.month - 1) / 12).to_numpy(dtype=float) - (month // 100 + (month % 100 - 1) / 12)


def completed_by_birth(frame: pd.DataFrame, column: str, randomised_on: pd.Series) -> np.ndarray:
    """Completed years at randomisation, as :func:`age_by_birth`; of who has a birthday in the month it is over."""
    day = looked_up(randomised_on, frame["person_id"])
    if column == "birth_date":
        return completed_years(frame[column], day).to_numpy()
    month = frame[column].astype(float).to_numpy()
    now = (day.dt.year * 12 + day.dt.month).to_numpy(dtype=float)
    return (now - (month // 100 * 12 + month % 100)) // 12


def far_from_others(frame: pd.DataFrame) -> np.ndarray:
    """Days of randomisation far from all others: more than two years and three interquartile ranges from the median."""
    days = frame["randomised_on"].to_numpy().astype("datetime64[D]")
    number = np.where(np.isnat(days), np.nan, days.astype("int64").astype(float))
    if np.isnan(number).all():
        return np.zeros(len(frame), bool)
    low, middle, high = np.nanquantile(number, [0.25, 0.5, 0.75])
    return np.abs(number - middle) > APART_DAYS + APART_RANGES * (high - low)


def far_from_bulk(days: pd.Series, years: float) -> np.ndarray:
    """Dates outside the bulk: further from it than some years and than it is long; bool, length n.

    The bulk are the middle nine tenths of the days that there are, each counted once, so that a sign which many rows
    share does not move it. Fewer than ``FEWEST`` days have none.
    """
    number = days.to_numpy().astype("datetime64[D]")
    distinct = np.unique(number[~np.isnat(number)]).astype("int64")
    if len(distinct) < FEWEST:
        return np.zeros(len(days), bool)
    low, high = np.quantile(distinct, BULK)
    reach = max(years * DAYS_A_YEAR, high - low)
    value = np.where(np.isnat(number), np.nan, number.astype("int64").astype(float))
    return (value < low - reach) | (value > high + reach)
