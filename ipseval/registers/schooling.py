"""Highest completed level of education by the rules of Statistics Norway."""

import numpy as np
import pandas as pd

UPPER_SECONDARY = 4  # first digit of NUS2000 from which upper secondary school is completed
STARTED, COMPULSORY, UNKNOWN_LEVEL = 3, 2, 9
HIGHEST = "highest"  # the extract holds the office's highest education
# Before this day a completed course of level 3 is upper secondary when it is of this class or a later one.
OLD_CLASSES = ((np.datetime64("1995-10-01", "s"), 12), (np.datetime64("1975-10-01", "s"), 10))


def highest_levels(courses: pd.DataFrame, holds: str, randomised_on: pd.Series) -> pd.Series:
    """Highest level completed by the day of randomisation, by person; float, 3 where it is started or not told.

    The office counts a course of level 3 with 4 and 5 when it was completed before October 1995 in class 12 or later,
    or before October 1975 in class 10 or later, and writes others down to level 2 (module ``nudb_use.datasets.macros``
    of ssb-nudb-use 2026.10.6). A level 3 of its own highest education has stayed by that rule. Without the class, level
    3 is below upper secondary.

    # ASSUME: a level without a date of completion was completed before the register began.
    # ASSUME: level 9 ranks below all others: alone it is missing, not "low".

    Parameters
    ----------
    courses : DataFrame
        ``person_id``, ``level`` and, where delivered, ``completed_on`` and ``class``.
    holds : str
        ``every_course`` or ``highest``.
    randomised_on : Series
        Of the person of each row.
    """
    known = courses[_known(courses, randomised_on)]
    level = known["level"].astype(float)
    if holds == HIGHEST:
        level = level.mask(level == STARTED, UPPER_SECONDARY)
    elif has_class(courses):
        old, written_down = _old(known), (known["class"].notna() | ~_before(known, OLD_CLASSES[0][0])).to_numpy()
        office = pd.Series(np.where(old, UPPER_SECONDARY, COMPULSORY), index=level.index, dtype=float)
        level = level.mask((level == STARTED) & written_down, office)
    return level.groupby(known["person_id"].astype("str")).max()


def undecided(courses: pd.DataFrame, holds: str, randomised_on: pd.Series) -> np.ndarray:
    """Courses of level 3 that are a person's highest and that the class, which is not told, would decide; bool."""
    level = courses["level"].astype(float).where(_known(courses, randomised_on))
    is_highest = level == level.groupby(courses["person_id"]).transform("max")
    lacks = courses["class"].isna() if "class" in courses else True
    found = (level == STARTED) & is_highest & _before(courses, OLD_CLASSES[0][0]) & lacks
    return found.to_numpy(dtype=bool) & (holds != HIGHEST)


def has_class(courses: pd.DataFrame) -> bool:
    """Whether classes were delivered."""
    return "class" in courses and bool(courses["class"].notna().any())


def _known(courses: pd.DataFrame, randomised_on: pd.Series) -> np.ndarray:
    """Courses of a known level that were completed by the day of randomisation."""
    is_late = courses["completed_on"] > randomised_on if "completed_on" in courses else False
    return (~(is_late | (courses["level"] == UNKNOWN_LEVEL))).fillna(False).to_numpy(dtype=bool)


def _old(courses: pd.DataFrame) -> np.ndarray:
    """Courses of level 3 that are upper secondary by their date and class."""
    classes = courses["class"].astype(float)
    return np.any([_before(courses, day) & (classes >= least) for day, least in OLD_CLASSES], axis=0)


def _before(courses: pd.DataFrame, day: np.datetime64) -> pd.Series:
    if "completed_on" not in courses:
        return pd.Series(True, index=courses.index)
    return (courses["completed_on"] < day) | courses["completed_on"].isna()
