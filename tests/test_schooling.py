"""Education by the office's rule, and completed years by the calendar, against values worked out by hand."""

from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ipseval.config import Subgroup
from ipseval.registers import plausible
from ipseval.registers.covariates import Records, age
from ipseval.registers.schooling import highest_levels, undecided

ON = pd.Timestamp("2014-05-01")
OLD, NEW = "1995-09-30", "1995-10-01"


def level_of(
    *courses: tuple[int, str | None, int | None], holds: str = "every_course", has_class: bool = True
) -> float:
    """Highest level of one person with these courses: level, day of completion, class."""
    frame = pd.DataFrame(courses, columns=["level", "completed_on", "class"])
    frame = frame.assign(
        person_id="P", completed_on=pd.to_datetime(frame["completed_on"]).astype("datetime64[s]"),
        **{"class": frame["class"].astype("Int64")},
    )  # fmt: skip
    frame = frame if has_class else frame.drop(columns="class")
    found = highest_levels(frame, holds, pd.Series(ON, index=frame.index))
    return float(found["P"]) if len(found) else np.nan


@pytest.mark.parametrize(
    ("courses", "expected"),
    [
        ([(3, OLD, 12)], 4),  # old-style school counts
        ([(3, OLD, 13)], 4),
        ([(3, OLD, 11)], 2),
        ([(3, NEW, 12)], 2),  # from October 1995 on it is written down
        ([(3, "1975-09-30", 10)], 4),
        ([(3, "1975-10-01", 10)], 2),
        ([(3, "1975-09-30", 9)], 2),
        ([(3, None, 10)], 4),  # completed before the register began
        ([(3, NEW, None), (1, OLD, 9)], 2),  # whatever the class
        ([(3, OLD, None), (2, OLD, 9)], 3),  # not told: neither
        ([(3, OLD, None), (4, OLD, 13)], 4),
        ([(9, OLD, None), (0, OLD, 1)], 0),  # unknown ranks below all
        ([(4, "2014-05-02", 13), (2, OLD, 9)], 2),  # completed after randomisation
    ],
)
def test_level_3_counts_by_date_and_class(courses: list, expected: float) -> None:
    assert level_of(*courses) == expected


def test_without_classes_level_3_stays_and_the_office_has_decided_its_own() -> None:
    assert level_of((3, OLD, None), has_class=False) == 3
    assert level_of((3, OLD, None), has_class=False, holds="highest") == 4
    assert level_of((9, OLD, None), has_class=False) != level_of((9, OLD, None), has_class=False)  # missing


def test_persons_whom_the_class_would_decide_are_two_in_the_default_cohort() -> None:
    folder = Path(__file__).parents[1] / "data" / "norway-six-centre"
    courses, trial = (pd.read_parquet(folder / f"{name}.parquet") for name in ("education", "trial"))
    courses = courses[courses["person_id"].isin(trial["person_id"])].reset_index(drop=True)
    courses["completed_on"] = pd.to_datetime(courses["completed_on"])
    day = courses["person_id"].map(pd.to_datetime(trial.set_index("person_id")["randomised_on"]))
    assert courses.loc[undecided(courses, "every_course", day), "person_id"].nunique() == 2
    assert not undecided(courses, "highest", day).any()
    assert not undecided(courses.assign(**{"class": 12}), "every_course", day).any()


@pytest.mark.parametrize(
    ("born", "on", "expected"),
    [
        (date(2001, 3, 1), date(2019, 3, 1), 1),  # 18 on the day, 17.9986 by division
        (date(2001, 3, 2), date(2019, 3, 1), 0),
        (date(1988, 3, 1), date(2019, 3, 1), 0),  # 31 on the day, 30.9979 by division
        (date(1988, 3, 2), date(2019, 3, 1), 1),
        (date(1996, 2, 29), date(2014, 2, 28), 0),
        (date(1996, 2, 29), date(2014, 3, 1), 1),
        (date(1988, 2, 29), date(2019, 2, 28), 1),
        (date(1988, 2, 29), date(2019, 3, 1), 0),
        (date(1984, 2, 29), date(2016, 2, 29), 0),
    ],
)
def test_limits_of_age_are_in_completed_years(born: date, on: date, expected: int) -> None:
    trial = pd.DataFrame({"randomised_on": pd.to_datetime([on])}, index=pd.Index(["P"], name="person_id"))
    persons = pd.DataFrame({"person_id": ["P"], "birth_date": pd.to_datetime([born])})
    made = pd.DataFrame(age(Records(trial, {"persons": persons}, {})))
    assert Subgroup("age", at_least=18, below=31).members(made)["P"] == expected
    years = plausible.completed_by_birth(persons, "birth_date", trial["randomised_on"])
    assert plausible.implausible_age(years, 18, 30).tolist() == [not expected]  # so does the check's limit


@pytest.mark.parametrize(("month", "years"), [(200103, 18), (200104, 17), (200102, 18), (198803, 31)])
def test_of_a_month_of_birth_the_birthday_is_over(month: int, years: int) -> None:
    on = pd.Series(pd.to_datetime(["2019-03-01"]), index=pd.Index(["P"], name="person_id"))
    persons = pd.DataFrame({"person_id": ["P"], "birth_month": [month]})
    assert plausible.completed_by_birth(persons, "birth_month", on).tolist() == [years]
