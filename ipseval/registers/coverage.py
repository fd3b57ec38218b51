"""Which months dates cover, told so that no single person's date can be read from it."""

import numpy as np
import pandas as pd

from ipseval.registers.distinct import numbered

MIN_PERSONS = 3  # a month, or a code, is told of when so many persons share it


def months_covered(person: pd.Series, day: pd.Series) -> tuple[str, str] | None:
    """First and last calendar month in which at least ``MIN_PERSONS`` persons have a date.

    Parameters
    ----------
    person : Series, length n
        Keys.
    day : Series of datetime64, length n
        May be missing.

    Returns
    -------
    tuple of (str, str) or None
        ``YYYY-MM``; None when no month has so many persons.
    """
    is_known = (day.notna() & person.notna().to_numpy()).to_numpy()
    if not is_known.any():
        return None
    months = day.to_numpy()[is_known].astype("datetime64[M]").astype("int64")
    first, codes = int(months.min()), numbered(person[is_known])[0]
    width = int(months.max()) - first + 1
    each_once = pd.unique(codes * width + (months - first)) % width
    shared = np.flatnonzero(np.bincount(each_once) >= MIN_PERSONS)
    if not len(shared):
        return None
    return str(np.datetime64(first + int(shared[0]), "M")), str(np.datetime64(first + int(shared[-1]), "M"))


def shared_codes(frame: pd.DataFrame, column: str, rows: np.ndarray) -> list[str]:
    """Codes of some rows that several persons have, sorted; none where the frame lacks the column."""
    if column not in frame or not rows.any():
        return []
    own = frame.loc[rows, ["person_id", column]].dropna()
    n_persons = own["person_id"].astype("str").groupby(own[column].astype("str")).nunique()
    return sorted(n_persons.index[n_persons >= MIN_PERSONS])


def starts_in_trial(start_on: pd.Series, randomised_on: pd.Series, months: range) -> bool:
    """Whether any spell starts in any month of the trial.

    Parameters
    ----------
    start_on : Series of datetime64
        First days of spells.
    randomised_on : Series of datetime64
        Missing where it is not known; at least one is.
    months : range
        Months of the panel, counted from the month of randomisation.

    Returns
    -------
    bool
        False for no spells. The trial lasts from the first person's first month to the last person's last, so that
        this tells dates of another unit or decade, not a gap of one person. Ends do not count: a spell without one
        reaches the trial from any decade, and where a person died it is cut to a day within.
    """
    randomised = randomised_on.dropna().to_numpy().astype("datetime64[M]")
    first, after = randomised.min() + months[0], randomised.max() + months[-1] + 1
    starts = start_on.to_numpy()
    return bool(((starts >= first) & (starts < after)).any())
