"""Age in completed years, by the calendar."""

import pandas as pd


def completed_years(born: pd.Series, day: pd.Series) -> pd.Series:
    """Birthdays until a day; float, missing where a day is.

    Who was born on 29 February completes a year on 1 March where there is no such day.
    """
    is_before = (day.dt.month < born.dt.month) | ((day.dt.month == born.dt.month) & (day.dt.day < born.dt.day))
    return (day.dt.year - born.dt.year - is_before).where(born.notna() & day.notna()).astype(float)
