"""Covariates as of randomisation: one function each, from records dated up to that day and no later."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from ipseval.config import COMPLETED_YEARS, Cohort
from ipseval.registers.birthdays import completed_years
from ipseval.registers.categories import is_category
from ipseval.registers.distinct import looked_up
from ipseval.registers.observed import within_sources
from ipseval.registers.residence import move_columns
from ipseval.registers.schooling import STARTED, UPPER_SECONDARY, has_class, highest_levels

DAYS_A_YEAR = 365.25
EDUCATION_LEVELS = {
    "compulsory": (0, 2),
    "upper_secondary_started": (3, 3),
    "upper_secondary": (4, 5),
    "higher": (6, 8),
}
# Covariates that are sums of levels of another one: whoever reads both can subtract, and disclosure control knows it.
SUMS_OF_LEVELS = {"less_than_upper_secondary": {"education": ("compulsory", "upper_secondary_started")}}


@dataclass(frozen=True)
class Records:
    """What covariates are made from.

    Parameters
    ----------
    trial : DataFrame
        One row a person, indexed by person, sorted.
    extracts : mapping
        Extract -> cleaned rows, or None where not delivered.
    describe : mapping
        The configuration's ``describe``.
    cohort : Cohort, optional
        Says which months the sources of an extract speak of; all of them without it.
    """

    trial: pd.DataFrame
    extracts: Mapping[str, pd.DataFrame | None]
    describe: Mapping[str, Any]
    cohort: Cohort | None = None

    @property
    def randomised_on(self) -> pd.Series:
        """Day of randomisation by person."""
        return self.trial["randomised_on"]

    def day_of(self, frame: pd.DataFrame) -> pd.Series:
        """Day of randomisation of the person of each row."""
        return looked_up(self.randomised_on, frame["person_id"])

    def speaks_of(self, extract: str, months: np.ndarray) -> np.ndarray:
        """Whether the sources of an extract speak of calendar months (since 1970-01); bool, of their shape."""
        if self.cohort is None:
            return np.ones(months.shape, bool)
        return within_sources(self.cohort, extract, months)

    @property
    def month(self) -> np.ndarray:
        """Month of randomisation by person, since 1970-01."""
        return self.randomised_on.to_numpy().astype("datetime64[M]").astype("int64")

    def person_column(self, name: str) -> pd.Series | None:
        """A column of ``persons`` by person of the trial; None where not delivered."""
        persons = self.extracts["persons"]
        if persons is None or name not in persons or persons[name].isna().all():
            return None
        return persons.drop_duplicates("person_id").set_index("person_id")[name].reindex(self.trial.index)


Made = dict[str, pd.Series]


def age(records: Records) -> Made:
    """Years from birth to randomisation, days / 365.25; and those that are completed, by the calendar.

    # ASSUME: where only the month of birth is delivered, birth was on the 15th.
    """
    born = records.person_column("birth_date")
    if born is None:
        month = records.person_column("birth_month")
        if month is None:
            return {}
        text = month.astype("Int64").astype("string") + "15"
        born = pd.to_datetime(text, format="%Y%m%d", errors="coerce").astype("datetime64[s]")
    day = records.randomised_on
    return {"age": (day - born).dt.days / DAYS_A_YEAR, COMPLETED_YEARS: completed_years(born, day)}


def female(records: Records) -> Made:
    """1 for women, 0 for men."""
    sex = records.person_column("sex")
    return {} if sex is None else {"female": sex.map({"female": 1.0, "male": 0.0})}


def native_born(records: Records) -> Made:
    """1 for who was born in the country."""
    born_here = records.person_column("native_born")
    return {} if born_here is None else {"native_born": born_here.astype(float)}


def education(records: Records) -> Made:
    """Highest level completed by the day of randomisation: below upper secondary, and in groups.

    Where the source ended before randomisation, courses since then are not known: who had upper secondary education
    has it still, of others it is missing.

    # ASSUME: no record is missing, not "low".
    """
    courses = records.extracts["education"]
    if courses is None:
        return {}
    highest = highest_levels(courses, records.describe["education"], records.day_of(courses))
    highest = highest.reindex(records.trial.index)
    if has_class(courses):  # a level 3 of which the class is not told could be either
        highest = highest.mask(highest == STARTED)
    is_known = records.speaks_of("education", records.month)
    groups = {
        f"education[{name}]": highest.between(low, high).astype(float).where(highest.notna() & is_known)
        for name, (low, high) in EDUCATION_LEVELS.items()
    }
    low = (highest < UPPER_SECONDARY).astype(float).where(highest.notna() & (is_known | (highest >= UPPER_SECONDARY)))
    return {"less_than_upper_secondary": low, **groups}


def wage_income(records: Records) -> Made:
    """Wage income of the calendar year before randomisation, or of ``describe.wage_income_year`` if that is earlier.

    # ASSUME: a person without a row for the year had no wage income, as long as the extract covers the year.

    A year that ends after the source is missing.
    """
    income = records.extracts["income"]
    if income is None:
        return {}
    fixed, year = records.describe["wage_income_year"], records.randomised_on.dt.year
    chosen = year - 1 if fixed is None else pd.Series(fixed, index=year.index).where(fixed < year)
    of_year = income[income["year"] == income["person_id"].map(chosen)]
    total = of_year.groupby("person_id")["wage_income"].sum().reindex(records.trial.index).fillna(0.0)
    ends = np.nan_to_num((chosen.to_numpy(dtype=float) - 1970) * 12 + 11).astype("int64")  # its December
    is_spoken_of = records.speaks_of("income", ends) & records.speaks_of("income", ends - 11)
    return {"wage_income": total.where(chosen.isin(income["year"]) & is_spoken_of)}


def benefits(records: Records) -> Made:
    """1 for who received the benefit on the day of randomisation; missing where that day is not observed."""
    spells = records.extracts["benefits"]
    if spells is None:
        return {}
    day = records.day_of(spells)
    current = spells[(spells["start_on"] <= day) & ~(spells["end_on"] < day)]
    unknown = _is_among(records, current[current["is_observed"] == 0]) == 1
    unknown |= ~records.speaks_of("benefits", records.month)
    return {
        f"benefit[{name}]": _is_among(records, current[current["benefit"] == name]).mask(unknown)
        for name in sorted(spells["benefit"].dropna().unique())
    }


def health_contacts(records: Records) -> Made:
    """Contacts a month over the months before randomisation (``describe.health_contact_months``).

    Missing where a source does not speak of all of these months.
    """
    contacts = records.extracts["health_contacts"]
    if contacts is None:
        return {}
    months = records.describe["health_contact_months"]
    day = records.day_of(contacts)
    since = (day.dt.to_period("M") - months).dt.to_timestamp() + pd.to_timedelta(day.dt.day - 1, unit="D")
    recent = contacts[(contacts["date"] >= since) & (contacts["date"] < day)]
    counts = {
        name: recent.loc[recent["contact"] == name, "person_id"]
        .value_counts()
        .reindex(records.trial.index, fill_value=0)
        for name in sorted(contacts["contact"].unique())
    }
    spoken = records.speaks_of("health_contacts", records.month[:, None] - np.arange(months + 1)).all(axis=1)
    return {f"health_contacts_per_month[{name}]": (count / months).where(spoken) for name, count in counts.items()}


def _is_among(records: Records, rows: pd.DataFrame) -> pd.Series:
    return pd.Series(records.trial.index.isin(rows["person_id"]).astype(float), index=records.trial.index)


COVARIATES: tuple[Callable[[Records], Made], ...] = (
    age, female, education, native_born, wage_income, benefits, health_contacts
)  # fmt: skip
NO_COVARIATES = ("person_id", "centre", "arm", "randomised_on", "block", "is_analysed", "died_on", COMPLETED_YEARS)
FROM_TRIAL = ("age", "female", "less_than_upper_secondary", "native_born")


def covariate_names(people: pd.DataFrame) -> list[str]:
    """Columns of ``people`` that are covariates, in their order; blocks, of which there are too many, are not."""
    moves = [name for pair in move_columns(people.columns) for name in pair]
    return [name for name in people.columns if name not in (*NO_COVARIATES, *moves)]


def covariates(records: Records, declared: Iterable[str]) -> pd.DataFrame:
    """All covariates of a cohort, one row a person.

    Parameters
    ----------
    records : Records
    declared : iterable of str
        Further columns of the trial extract.

    Returns
    -------
    DataFrame
        Indexed like ``records.trial``; floats, or text where it is a category, missing where unknown. A column that
        ``trial`` itself delivers is taken as it is.
    """
    made: Made = {}
    for function in COVARIATES:
        made |= function(records)
    for name in (*FROM_TRIAL, *declared):
        if name in records.trial and records.trial[name].notna().any():
            made[name] = records.trial[name]
    if "age" in records.trial and records.trial["age"].notna().any():
        made[COMPLETED_YEARS] = np.floor(records.trial["age"])
    order = [*FROM_TRIAL, *declared]
    names = [n for n in order if n in made] + [n for n in made if n not in order]
    return pd.DataFrame({name: _values(made[name]) for name in names}, index=records.trial.index)


def _values(column: pd.Series) -> np.ndarray | pd.Series:
    """A category as it is; numbers as floats, none of them infinite."""
    if is_category(column):
        return column
    values = column.astype(float).to_numpy()
    return np.where(np.isinf(values), np.nan, values)
