"""Which months dates cover, told so that no single person's date can be read from it."""

import numpy as np
import pandas as pd

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
    months = pd.Series(day.to_numpy().astype("datetime64[M]").astype("datetime64[s]"), name="month")
    n_persons = person.reset_index(drop=True).groupby(months).nunique()
    shared = n_persons.index[n_persons >= MIN_PERSONS]
    if shared.empty:
        return None
    first, last = (str(np.datetime64(month, "M")) for month in (shared.min(), shared.max()))
    return first, last
