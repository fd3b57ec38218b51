"""Read the extracts back into persons and outcomes, with nothing of the generator's code."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

NAMES = (
    "trial",
    "persons",
    "employment",
    "wage_subsidy",
    "education",
    "benefits",
    "income",
    "health_contacts",
    "services",
)
WINDOW = range(-43, 44)


@dataclass(frozen=True)
class Readback:
    """Persons with baseline columns, and outcomes by person and month from randomisation."""

    persons: pd.DataFrame
    outcome: pd.DataFrame
    subsidised: pd.DataFrame
    extracts: dict[str, pd.DataFrame]

    @property
    def analysed(self) -> pd.DataFrame:
        """Persons not employed on the day of randomisation."""
        return self.persons[~self.persons["is_employed"]]


def read(folder: Path) -> Readback:
    """Read the folder and work out outcomes by the rules of the published study.

    A month counts when a job is active on one of its days and no day is subsidised; jobs end at
    death or emigration; after that nobody is employed.
    """
    extracts = {name: pd.read_parquet(folder / f"{name}.parquet") for name in NAMES}
    persons = extracts["trial"].merge(extracts["persons"], on="person_id", validate="1:1")
    for column in ("randomised_on", "birth_date", "died_on", "emigrated_on"):
        persons[column] = pd.to_datetime(persons[column])
    persons = persons.set_index("person_id").sort_index()
    persons["left_on"] = persons[["died_on", "emigrated_on"]].min(axis=1)
    jobs = _closed(extracts["employment"], persons)
    subsidies = _closed(extracts["wage_subsidy"], persons)
    persons["is_employed"] = _covers_day(jobs, persons)
    worked, subsidised = _monthly(jobs, persons), _monthly(subsidies, persons)
    persons = _baseline(persons, extracts["education"])
    return Readback(persons, worked & ~subsidised, subsidised, extracts)


def _closed(spells: pd.DataFrame, persons: pd.DataFrame) -> pd.DataFrame:
    """Spells with dates, ended at death, emigration or the end of the register."""
    closed = spells.assign(start=pd.to_datetime(spells["start_on"]))
    end = pd.to_datetime(spells["end_on"]).fillna(pd.Timestamp("2018-12-31"))
    left = spells["person_id"].map(persons["left_on"]).fillna(pd.Timestamp("2099-01-01"))
    closed["end"] = np.minimum(end.to_numpy(), left.to_numpy())
    return closed[closed["start"] <= closed["end"]]


def _covers_day(jobs: pd.DataFrame, persons: pd.DataFrame) -> pd.Series:
    day = jobs["person_id"].map(persons["randomised_on"])
    covering = jobs.loc[(jobs["start"] <= day) & (day <= jobs["end"]), "person_id"]
    return pd.Series(persons.index.isin(covering), index=persons.index)


def _monthly(spells: pd.DataFrame, persons: pd.DataFrame) -> pd.DataFrame:
    """Tell for persons x months -43..43 whether a spell is active on any day of the month."""
    table = pd.DataFrame(False, index=persons.index, columns=list(WINDOW))
    zero = persons["randomised_on"].dt.to_period("M")
    origin = spells["person_id"].map(zero).dt.year * 12 + spells["person_id"].map(zero).dt.month
    first = spells["start"].dt.year * 12 + spells["start"].dt.month - origin
    last = spells["end"].dt.year * 12 + spells["end"].dt.month - origin
    for person, begin, end in zip(spells["person_id"], first, last, strict=True):
        if end >= WINDOW.start and begin < WINDOW.stop:
            table.loc[person, max(begin, WINDOW.start) : min(end, WINDOW.stop - 1)] = True
    return table


def _baseline(persons: pd.DataFrame, education: pd.DataFrame) -> pd.DataFrame:
    """Add age, sex and education as of the day of randomisation."""
    lived = (persons["randomised_on"] - persons["birth_date"]).dt.days
    completed = pd.to_datetime(education["completed_on"]).fillna(pd.Timestamp("1900-01-01"))
    chosen = education["person_id"].map(persons["randomised_on"])
    known = education[(completed <= chosen) & (education["level"] != 9)]
    highest = known.groupby("person_id")["level"].max().astype(float).reindex(persons.index)
    return persons.assign(
        age=lived / 365.25,
        female=(persons["sex"] == "female").astype(float),
        level=highest,
        less_than_upper_secondary=(highest < 4).astype(float).where(highest.notna()),
        born_in_norway=persons["native_born"].astype("Float64").to_numpy(float, na_value=np.nan),
        ips=(persons["arm"] == "ips").astype(float),
    )


def panel(data: Readback, persons: pd.DataFrame) -> pd.DataFrame:
    """Person-months 0..43 in rows, with calendar year and month."""
    wide = data.outcome.loc[persons.index, list(range(44))].astype(float)
    long = wide.reset_index().melt("person_id", var_name="k", value_name="y")
    rows = long.merge(persons.reset_index(), on="person_id").astype({"k": int})
    absolute = rows["randomised_on"].dt.year * 12 + rows["randomised_on"].dt.month - 1 + rows["k"]
    return rows.assign(year=absolute // 12, month=absolute % 12 + 1)


def clustered(rows: pd.DataFrame, regressors: dict[str, pd.Series]) -> pd.DataFrame:
    """Regress y on the regressors and the calendar; CR1 on person, t with G - 1 degrees.

    Returns
    -------
    DataFrame
        ``estimate``, ``std_error`` and ``t`` by term.
    """
    calendar = pd.get_dummies(rows[["year", "month"]].astype(str), drop_first=False, dtype=float)
    calendar = calendar.drop(columns=[f"year_{rows['year'].min()}", "month_1"])
    design = pd.DataFrame({"constant": 1.0} | regressors, index=rows.index).join(calendar)
    q, r = np.linalg.qr(design.to_numpy(float))
    y = rows["y"].to_numpy()
    beta = np.linalg.solve(r, q.T @ y)
    residual = y - design.to_numpy(float) @ beta
    scores = pd.DataFrame(q * residual[:, None]).groupby(rows["person_id"].to_numpy()).sum()
    n_clusters, (n_rows, n_terms) = len(scores), design.shape
    factor = n_clusters / (n_clusters - 1) * (n_rows - 1) / (n_rows - n_terms)
    root = np.linalg.solve(r, scores.to_numpy().T)
    error = np.sqrt(factor * (root**2).sum(axis=1))
    frame = pd.DataFrame({"estimate": beta, "std_error": error}, index=design.columns)
    return frame.assign(t=frame["estimate"] / frame["std_error"])
