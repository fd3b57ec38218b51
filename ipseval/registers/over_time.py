"""Plausibility over time: persons with a row and with a job by month of the register, and months unlike others."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from ipseval.config import Cohort
from ipseval.registers.distinct import looked_up, numbered
from ipseval.registers.findings import Findings, listed
from ipseval.registers.layouts import LAYOUTS
from ipseval.registers.row_periods import MONTH_COLUMN
from ipseval.registers.sources import sources

BEFORE = 6  # months that a month is compared with
MIN_PERSONS, THIN = 20, 0.6  # as many as have a job in half of those at least; and the share of them that is too few
BESIDE, MANY = 3, 1.5  # months on either side that a month stands out from, and how many times as many are too many
A_YEAR, RARE = 12, 0.001  # months whose starts are usual, and the chance of none at the end that is too small
COLUMNS = ("month", "n_with_row", "n_employed", "n_started")
FIRST = "1980-01"  # of what is counted where observed_from is not said


def spoken_of(frame: pd.DataFrame, randomised_on: pd.Series) -> pd.DataFrame | None:
    """Person and month of every row that speaks of a month, whatever it says of it; None for rows that do not.

    Parameters
    ----------
    frame : DataFrame
        Rows in the columns of their layout.
    randomised_on : Series
        By person, for months counted from randomisation.
    """
    if MONTH_COLUMN in frame:
        month = frame[MONTH_COLUMN].to_numpy().astype("datetime64[M]")
    elif "month" in frame:
        own = looked_up(randomised_on, frame["person_id"]).to_numpy().astype("datetime64[M]")
        month = own + frame["month"].to_numpy(dtype="int64", na_value=0)
    else:
        return None
    return pd.DataFrame({"person_id": frame["person_id"].astype("str"), "month": month}).drop_duplicates()


def by_month(spells: pd.DataFrame, spoken: Sequence[pd.DataFrame], first: str, last: str) -> pd.DataFrame:
    """Persons of the trial in the register of employment, month by month.

    Parameters
    ----------
    spells : DataFrame
        ``person_id``, ``start_on``, ``end_on`` (missing: open), ``is_observed``.
    spoken : sequence of DataFrame
        Of :func:`spoken_of`, of the parts whose rows speak of months; in others a job is a row of its months.
    first, last : str
        Months, YYYY-MM.

    Returns
    -------
    DataFrame
        One row a month: ``COLUMNS``. ``n_started`` have a job that begins in it.
    """
    months = np.arange(np.datetime64(first, "M"), np.datetime64(last, "M") + 1)
    own = spells[(spells["is_observed"] == 1).to_numpy() & spells["start_on"].notna().to_numpy()]
    begin, n = int(months[0].astype("int64")), len(months)
    opens = own["start_on"].to_numpy().astype("datetime64[M]").astype("int64") - begin
    closes = own["end_on"].to_numpy().astype("datetime64[M]")
    ends = np.where(np.isnat(closes), n - 1, closes.astype("int64") - begin)
    rows = [own["person_id"].astype("str"), *(part["person_id"] for part in spoken)]
    person = np.split(numbered(pd.concat(rows, ignore_index=True))[0], np.cumsum(list(map(len, rows)))[:-1])
    told = [part["month"].to_numpy().astype("datetime64[M]").astype("int64") - begin for part in spoken]
    made = []
    for month in range(n):
        employed = person[0][(opens <= month) & (ends >= month)]
        with_row = [keys[own_months == month] for keys, own_months in zip(person[1:], told, strict=True)]
        started = person[0][opens == month]
        made.append([len(np.unique(who)) for who in (np.concatenate([employed, *with_row]), employed, started)])
    counts = pd.DataFrame(made, columns=list(COLUMNS[1:]), dtype="int64")
    return counts.assign(month=months.astype(str))[list(COLUMNS)]


def thin_months(n_persons: pd.Series) -> list[str]:
    """Months in which far fewer persons have a job than in the months before; index: months."""
    values, thin = n_persons.to_numpy(), []
    for i in range(BEFORE, len(values)):
        usual = float(np.median(values[i - BEFORE : i]))
        if usual >= MIN_PERSONS and values[i] < THIN * usual:
            thin.append(str(n_persons.index[i]))
    return thin


def outlying_months(n_persons: pd.Series) -> list[str]:
    """Months in which far more persons are counted than in those before and after; index: months."""
    values, found = n_persons.to_numpy(), []
    for i in range(BESIDE, len(values) - BESIDE):
        usual = max(np.median(values[i - BESIDE : i]), np.median(values[i + 1 : i + 1 + BESIDE]))
        if values[i] >= MIN_PERSONS and values[i] > MANY * usual:
            found.append(str(n_persons.index[i]))
    return found


def silent_end(n_started: pd.Series) -> tuple[str, float] | None:
    """The first of the last months in which no job begins, and how many did in a month of the year before.

    None where that may be chance: persons who begin a job in a month are taken for draws of Poisson's distribution.
    """
    values = n_started.to_numpy()
    last = int(np.flatnonzero(values)[-1]) + 1 if values.any() else 0
    usual = float(values[max(last - A_YEAR, 0) : last].mean()) if last >= A_YEAR else 0.0
    is_rare = np.exp(-usual * (len(values) - last)) < RARE
    return (str(n_started.index[last]), usual) if last < len(values) and is_rare else None


def check_over_time(spells: pd.DataFrame, cohort: Cohort, found: Findings) -> None:
    """Count the trial's persons in the register by month, and note months that are unlike the others."""
    starts = spells.loc[(spells["is_observed"] == 1).to_numpy(), "start_on"].dropna()
    if starts.empty or cohort.observed_until is None:
        return
    first = max(str(starts.min())[:7], cohort.observed_from or FIRST)
    if first >= cohort.observed_until:
        return
    found.by_month = by_month(spells, found.spoken, first, cohort.observed_until)
    counts = found.by_month.set_index("month").drop(index=cohort.unobserved, errors="ignore")
    thin = thin_months(counts["n_employed"])
    fewer = [month for month in thin_months(counts["n_with_row"]) if month not in thin]
    for rule, months in (
        ("thin_month", thin),
        ("thin_rows", fewer),
        ("outlying_month", outlying_months(counts["n_with_row"])),
    ):
        if months:
            found.add("employment", rule, listed(months), None, None, number=len(months))
    if _tells_starts(cohort) and (silent := silent_end(counts["n_started"])):
        month, usual = silent
        subject = month if month == cohort.observed_until else f"{month} to {cohort.observed_until}"
        found.add("employment", "no_start_at_end", subject, None, None, number=1, usual=f"{usual:.1f}")


def _tells_starts(cohort: Cohort) -> bool:
    """Whether rows are whole jobs, and not the months or weeks of one, each of which begins for itself."""
    known = [(LAYOUTS.get(source.layout), source.options) for source in sources(cohort, "employment")]
    return all(layout and layout.is_dated and layout.period(options) is None for layout, options in known)
