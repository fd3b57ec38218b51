"""Plausibility over time: persons with a job by month of the register, and months in which far fewer have one."""

import numpy as np
import pandas as pd

from ipseval.config import Cohort
from ipseval.registers.distinct import numbered
from ipseval.registers.findings import Findings, listed

BEFORE = 6  # months that a month is compared with
MIN_PERSONS, THIN = 20, 0.6  # as many as have a job in half of those at least; and the share of them that is too few


def employed_by_month(spells: pd.DataFrame, first: str, last: str) -> pd.Series:
    """Number of persons with a job on any day of each month.

    Parameters
    ----------
    spells : DataFrame
        ``person_id``, ``start_on``, ``end_on`` (missing: open), ``is_observed``.
    first, last : str
        Months, YYYY-MM.
    """
    months = np.arange(np.datetime64(first, "M"), np.datetime64(last, "M") + 1)
    own = spells[(spells["is_observed"] == 1).to_numpy() & spells["start_on"].notna().to_numpy()]
    begin, n = int(months[0].astype("int64")), len(months)
    opens = own["start_on"].to_numpy().astype("datetime64[M]").astype("int64") - begin
    closes = own["end_on"].to_numpy().astype("datetime64[M]")
    ends = np.where(np.isnat(closes), n - 1, closes.astype("int64") - begin)
    person = numbered(own["person_id"])[0]
    counts = [len(np.unique(person[(opens <= month) & (ends >= month)])) for month in range(n)]
    return pd.Series(counts, index=months.astype(str))


def thin_months(n_persons: pd.Series) -> list[str]:
    """Months in which far fewer persons have a job than in the months before."""
    values, thin = n_persons.to_numpy(), []
    for i in range(BEFORE, len(values)):
        usual = float(np.median(values[i - BEFORE : i]))
        if usual >= MIN_PERSONS and values[i] < THIN * usual:
            thin.append(str(n_persons.index[i]))
    return thin


def check_over_time(spells: pd.DataFrame, cohort: Cohort, found: Findings) -> None:
    """Note months of the register in which far fewer of the trial's persons have a job than before."""
    starts = spells.loc[(spells["is_observed"] == 1).to_numpy(), "start_on"].dropna()
    if starts.empty or cohort.observed_until is None:
        return
    first = max(str(starts.min())[:7], cohort.observed_from or "1980-01")
    if first < cohort.observed_until and (thin := thin_months(employed_by_month(spells, first, cohort.observed_until))):
        found.add("employment", "thin_month", listed(thin), None, None, number=len(thin))
