"""What is not known is missing, in every layout: small trials whose right value was worked out by hand."""

import datetime as dt
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from deliveries import Outcome, outcome
from ipseval import words
from ipseval.because import NOTES
from ipseval.bound import bound
from ipseval.check import check
from ipseval.clean import clean
from ipseval.cohort import select
from ipseval.contracts import EXTRACTS
from ipseval.describe import describe
from ipseval.errors import UserError
from ipseval.estimate import estimate
from ipseval.follow import follow
from ipseval.panel import REASONS
from ipseval.settings import read_cohort

DAY = dt.date
ON = DAY(2012, 1, 15)  # everybody's randomisation: month k is calendar month 2012-01 + k
PERSONS = ("P1", "P2", "P3", "P4")


def trial(**more: Any) -> list[dict]:
    """Four persons, two in each arm."""
    return [
        {"person_id": p, "centre": "A", "arm": ("ips", "control")[i % 2], "randomised_on": ON} | more
        for i, p in enumerate(PERSONS)
    ]


def job(person: str, start: DAY, end: DAY | None, **more: Any) -> dict:
    return {"person_id": person, "employer_id": "E1", "start_on": start, "end_on": end} | more


JOBS = pa.schema(
    [("person_id", pa.string()), ("employer_id", pa.string()), ("start_on", pa.date32()), ("end_on", pa.date32()),
     ("weekly_hours", pa.float64()), ("kind", pa.string())]
)  # fmt: skip
SPELLS = pa.schema(
    [("person_id", pa.string()), ("start_on", pa.date32()), ("end_on", pa.date32()), ("measure", pa.string())]
)
MOVES = pa.schema(
    [("person_id", pa.string()), ("birth_date", pa.date32()), ("died_on", pa.date32()),
     ("emigrated_on", pa.date32()), ("returned_on", pa.date32())]
)  # fmt: skip


def made(folder: Path, extracts: dict[str, Any], **config: Any) -> Outcome:
    """Check, clean, select and make the panel of four persons over months 0..5."""
    (folder / "extracts").mkdir(parents=True, exist_ok=True)
    schemas = {"employment": JOBS, "wage_subsidy": SPELLS, "persons": MOVES}
    for name, rows in {"trial": trial(), **extracts}.items():
        dated = name in schemas and (not rows or not {"month", "w1", "year_month"} & set(rows[0]))
        table = pa.Table.from_pylist(list(rows), schema=schemas[name] if dated else None)
        pq.write_table(table, folder / "extracts" / f"{name}.parquet")
    settings = {
        "extracts": "extracts",
        "observed_from": "2011-01",
        "observed_until": "2013-12",
        "arms": {"reference": "control", "treatments": ["ips"]},
        "centres": {"A": "North"},
        "window": {"before": 0, "after": 5},
        "eligibility": {"not_employed_at_randomisation": False},
        "outcome": {"exclude_wage_subsidy": "wage_subsidy" in extracts},
    }
    for key, value in config.items():
        both = isinstance(value, dict) and isinstance(settings.get(key), dict)
        settings[key] = {**settings[key], **value} if both else value
    file = folder / "small.yaml"
    file.write_text(yaml.safe_dump(settings, sort_keys=False), encoding="utf-8")
    return outcome(file)


def states(found: Outcome, person: str, what: str = "ordinary_employment") -> list[int]:
    row = found.panel[(found.panel["outcome"] == what) & (found.panel["person_id"] == person)]
    return row.filter(like="month_").iloc[0].tolist()


def reasons(found: Outcome, person: str) -> dict[str, list[int]]:
    """Months in which the primary outcome is missing, by reason."""
    names = [name for name in found.panel["outcome"].unique() if name.startswith("missing[")]
    months = {n.removeprefix("missing[")[:-1]: [k for k, v in enumerate(states(found, person, n)) if v] for n in names}
    return {name: found for name, found in months.items() if found}


def relative(rows: dict[str, list[int | None]]) -> list[dict]:
    """Rows of the layout relative_monthly; a month that is None has no row."""
    return [
        {"person_id": p, "month": k, "employed": v} for p, values in rows.items() for k, v in enumerate(values)
        if v is not None
    ]  # fmt: skip


EVERY = {p: [1, 1, 1, 1, 1, 0] for p in PERSONS}
KNOWN = {p: [0, 0, 1, 0, 0, 0] for p in PERSONS}


# --- a subsidy that is not observed ------------------------------------------------------------


def weeks(values: list[int | None]) -> dict[str, int | None]:
    """Weeks w1..w20 of months 1..5: all four of a month alike."""
    return {f"w{4 * k - 3 + i}": values[k] for k in range(1, 6) for i in range(4)}


SUBSIDIES = {
    "relative_monthly": (lambda rows: relative(rows), {"layout": "relative_monthly"}),
    "weekly_wide": (
        lambda rows: [{"person_id": p} | weeks(values) for p, values in rows.items()], {"layout": "weekly_wide"}
    ),
    "monthly": (
        lambda rows: [
            {"person_id": p, "year_month": 201201 + k, "employed": v} for p, values in rows.items()
            for k, v in enumerate(values)
        ],
        {"layout": "monthly"},
    ),
}  # fmt: skip


@pytest.mark.parametrize("layout", SUBSIDIES)
def test_a_job_whose_subsidy_is_not_observed_is_missing(layout: str, tmp_path: Path) -> None:
    write, said = SUBSIDIES[layout]
    rows = KNOWN | {"P1": [0, 0, 1, None, 0, None]}  # not observed in month 3, with a job, and in 5, without one
    found = made(
        tmp_path,
        {"employment": relative(EVERY), "wage_subsidy": write(rows)},
        layouts={"employment": {"layout": "relative_monthly"}, "wage_subsidy": said},
    )
    first = -1 if layout == "weekly_wide" else 1  # weeks since randomisation have no month 0: nobody's is known
    assert states(found, "P1") == [first, 1, 0, -1, 1, 0]
    assert states(found, "P2") == [first, 1, 0, 1, 1, 0]
    assert reasons(found, "P1")["wage_subsidy"] == ([0, 3] if layout == "weekly_wide" else [3])
    assert states(found, "P1", "employment") == [1, 1, 1, 1, 1, 0]  # does not hang on it
    counted = made(
        tmp_path,
        {"employment": relative(EVERY), "wage_subsidy": write(rows)},
        layouts={"employment": {"layout": "relative_monthly"}, "wage_subsidy": said},
        outcome={"exclude_wage_subsidy": False},
    )
    assert states(counted, "P1") == [1, 1, 1, 1, 1, 0]


def test_months_in_which_nobodys_subsidy_is_known_are_missing_with_and_without_a_job(tmp_path: Path) -> None:
    rows = {p: [0, 0, 1, 0, None, None] for p in PERSONS}
    found = made(
        tmp_path,
        {"employment": relative(EVERY), "wage_subsidy": relative(rows)},
        layouts={name: {"layout": "relative_monthly"} for name in ("employment", "wage_subsidy")},
    )
    assert {tuple(states(found, p)) for p in PERSONS} == {(1, 1, 0, 1, -1, -1)}  # a job in month 4, none in month 5


def test_unknown_employment_beside_a_subsidy_stays_missing(tmp_path: Path) -> None:
    rows = EVERY | {"P1": [1, 1, None, 1, 1, 0]}
    found = made(
        tmp_path,
        {"employment": relative(rows), "wage_subsidy": relative(KNOWN)},
        layouts={name: {"layout": "relative_monthly"} for name in ("employment", "wage_subsidy")},
    )
    assert states(found, "P1") == [1, 1, -1, 1, 1, 0]
    assert reasons(found, "P1") == {"employment": [2]}


# --- hours and kinds that are not observed -----------------------------------------------------

TWO_JOBS = [
    job("P1", DAY(2012, 2, 1), DAY(2012, 3, 31), weekly_hours=37.5, kind="permanent"),
    job("P1", DAY(2012, 3, 1), DAY(2012, 4, 30), employer_id="E2", weekly_hours=None, kind=None),
    job("P2", DAY(2012, 2, 1), DAY(2012, 3, 31), weekly_hours=8.0, kind="permanent"),
    job("P2", DAY(2012, 3, 1), DAY(2012, 3, 31), employer_id="E2", weekly_hours=None, kind="fleksjob"),
]


@pytest.mark.parametrize("rule", ["any_day", "reference_week", {"min_days": 15}])
def test_a_month_of_unknown_hours_is_missing_unless_another_job_has_enough(rule: Any, tmp_path: Path) -> None:
    asked = {"month_rule": rule, "min_weekly_hours": 20}
    found = made(tmp_path, {"employment": TWO_JOBS}, outcome=asked)
    assert states(found, "P1") == [0, 1, 1, -1, 0, 0]
    assert states(found, "P2") == [0, 0, -1, 0, 0, 0]
    assert reasons(found, "P1") == {"weekly_hours": [3]}
    whatever = made(tmp_path, {"employment": TWO_JOBS}, outcome=asked | {"min_weekly_hours": 0})
    assert states(whatever, "P1") == [0, 1, 1, 1, 0, 0]


def test_days_of_one_job_are_counted_together_with_those_of_unknown_hours(tmp_path: Path) -> None:
    jobs = [
        job("P1", DAY(2012, 2, 1), DAY(2012, 2, 10), weekly_hours=37.5),
        job("P1", DAY(2012, 2, 11), DAY(2012, 2, 20), weekly_hours=None),
        job("P2", DAY(2012, 2, 1), DAY(2012, 2, 10), weekly_hours=37.5),
        job("P2", DAY(2012, 2, 11), DAY(2012, 2, 20), employer_id="E2", weekly_hours=None),
    ]
    found = made(tmp_path, {"employment": jobs}, outcome={"month_rule": {"min_days": 15}, "min_weekly_hours": 20})
    assert states(found, "P1") == [0, -1, 0, 0, 0, 0]  # 20 days of one job, if the later hours are enough
    assert states(found, "P2") == [0, 0, 0, 0, 0, 0]  # 10 days of each of two


def test_a_row_of_unknown_employment_with_too_few_hours_is_no_job(tmp_path: Path) -> None:
    rows = [
        {"person_id": p, "year_month": 201202, "employed": None if p in ("P1", "P2") else 1, "weekly_hours": hours}
        for p, hours in zip(PERSONS, (8.0, 30.0, None, 8.0), strict=True)
    ]
    said = {"layouts": {"employment": {"layout": "monthly"}}, "outcome": {"min_weekly_hours": 20}}
    found = made(tmp_path, {"employment": rows}, **said)
    assert [states(found, p)[1] for p in PERSONS] == [0, -1, -1, 0]
    assert (reasons(found, "P2"), reasons(found, "P3")) == ({"employment": [1]}, {"weekly_hours": [1]})


def test_a_job_of_unknown_kind_is_missing_where_kinds_decide(tmp_path: Path) -> None:
    said = {
        "states": {"fleksjob": {"employment": ["fleksjob"]}, "other": {"employment": ["permanent"]}},
        "outcomes": {"either": ["ordinary", "fleksjob"], "all_jobs": ["ordinary", "fleksjob", "other"]},
        "outcome": {"primary": "either"},
    }
    found = made(tmp_path, {"employment": TWO_JOBS}, **said)
    assert states(found, "P1", "fleksjob") == [0, 0, -1, -1, 0, 0]
    assert states(found, "P1", "ordinary_employment") == [0, 0, -1, -1, 0, 0]
    assert states(found, "P1", "either") == [0, 0, -1, -1, 0, 0]  # the job could be a permanent one
    assert states(found, "P1", "all_jobs") == [0, 1, 1, 1, 0, 0]  # whatever it is, it counts
    assert states(found, "P2", "either") == [0, 0, 1, 0, 0, 0]
    assert reasons(found, "P1") == {"kind": [2, 3]}


# --- months that the register does not speak of ------------------------------------------------

OPEN = [job(p, DAY(2011, 6, 1), None) for p in PERSONS[:2]]


def test_a_lost_month_is_missing_for_everybody(tmp_path: Path) -> None:
    found = made(tmp_path, {"employment": OPEN}, unobserved=["2012-03", "2012-05"])
    assert states(found, "P1") == [1, 1, -1, 1, -1, 1]
    assert states(found, "P3") == [0, 0, -1, 0, -1, 0]
    assert reasons(found, "P3") == {"outside": [2, 4]}


def test_a_lost_month_outside_the_register_is_a_fault(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="unobserved names 2014-01"):
        made(tmp_path, {"employment": OPEN}, unobserved=["2014-01"])


def test_months_after_the_end_of_a_source_are_missing(tmp_path: Path) -> None:
    said = {"layouts": {"employment": {"layout": "spells", "observed_until": "2012-03"}}}
    found = made(tmp_path, {"employment": OPEN}, **said)
    assert states(found, "P1") == [1, 1, 1, -1, -1, -1]
    assert states(found, "P3") == [0, 0, 0, -1, -1, -1]
    backwards = {"layout": "spells", "observed_from": "2013-01", "observed_until": "2012-03"}
    with pytest.raises(UserError, match="is later than its observed_until"):
        made(tmp_path, {"employment": OPEN}, layouts={"employment": backwards})


def test_a_subsidy_register_that_ends_earlier_hides_ordinary_months_and_not_jobs(tmp_path: Path) -> None:
    extracts = {"employment": OPEN, "wage_subsidy": []}
    extracts["wage_subsidy"] = [{"person_id": "P1", "start_on": DAY(2012, 2, 1), "end_on": DAY(2012, 2, 20)}]
    said = {"layouts": {"wage_subsidy": {"layout": "spells", "observed_until": "2012-03"}}}
    found = made(tmp_path, extracts, **said)
    assert states(found, "P1") == [1, 0, 1, -1, -1, -1]
    assert states(found, "P3") == [0, 0, 0, -1, -1, -1]
    assert states(found, "P1", "employment") == [1, 1, 1, 1, 1, 1]
    assert states(found, "P1", "wage_subsidy") == [0, 1, 0, -1, -1, -1]
    all_jobs = made(tmp_path, extracts, **said, outcome={"exclude_wage_subsidy": False})
    assert states(all_jobs, "P1") == [1, 1, 1, 1, 1, 1]


@pytest.mark.parametrize(
    "second, expected",
    [
        ({"observed_from": "2012-03"}, [1, 1, 1, 1, 1, 1]),  # takes the place of the first
        ({"observed_from": "2012-04"}, [1, 1, -1, 1, 1, 1]),  # a month lies between them
        ({}, [1, 1, -1, -1, -1, -1]),  # stands beside it: what the first held is in no other
    ],
)
def test_a_register_that_ends_is_followed_by_one_that_says_when_it_begins(
    second: dict, expected: list[int], tmp_path: Path
) -> None:
    (tmp_path / "extracts").mkdir(parents=True)
    pq.write_table(pa.Table.from_pylist(OPEN, schema=JOBS), tmp_path / "extracts" / "later.parquet")
    first = {"layout": "spells", "files": "employment.parquet", "observed_until": "2012-02"}
    said = [first, {"layout": "spells", "files": "later.parquet", **second}]
    found = made(tmp_path, {"employment": OPEN}, layouts={"employment": said})
    assert states(found, "P1") == expected


def test_who_is_employed_in_a_lost_month_of_randomisation_is_not_known(tmp_path: Path) -> None:
    said = {"unobserved": ["2012-01"], "eligibility": {"not_employed_at_randomisation": True}}
    found = made(tmp_path, {"employment": OPEN}, **said)
    assert found.people["is_analysed"].tolist() == [False, False, True, True]
    cohort = read_cohort(tmp_path / "small.yaml")
    checked = check(cohort)
    flow = select(cohort, clean({name: checked[name] for name in EXTRACTS}))["flow"]
    assert flow["reason"].str.contains("2 persons whose employment then is not known are kept").any()


# --- emigration and return ---------------------------------------------------------------------


def moved(*days: tuple[DAY | None, DAY | None], died_on: DAY | None = None) -> list[dict]:
    """P1 has moved; the others stayed."""
    born = {"birth_date": DAY(1980, 1, 1), "died_on": None, "emigrated_on": None, "returned_on": None}
    own = [
        born | {"person_id": "P1", "emigrated_on": gone, "returned_on": back, "died_on": died_on} for gone, back in days
    ]
    return own + [born | {"person_id": p} for p in PERSONS[1:]]


LATER = [
    job("P1", DAY(2012, 1, 20), None),  # is left with the emigration
    job("P1", DAY(2012, 4, 5), DAY(2012, 5, 31), employer_id="E2"),
]


@pytest.mark.parametrize("policy, away", [("zero", 0), ("missing", -1)])
def test_a_later_job_ends_the_absence(policy: str, away: int, tmp_path: Path) -> None:
    extracts = {"employment": LATER, "persons": moved((DAY(2012, 2, 10), None))}
    found = made(tmp_path, extracts, outcome={"after_emigration": policy})
    assert states(found, "P1") == [1, 1, away, 1, 1, 0]  # back from month 3 on, also without a job
    assert found.counts("job_after_emigration") == (1, 1, {"warn"})
    assert found.counts("after_death") == (1, 1, {"fix"})
    assert reasons(found, "P1") == ({"after_emigration": [2]} if away else {})


def test_a_day_of_return_is_enough(tmp_path: Path) -> None:
    extracts = {"employment": LATER, "persons": moved((DAY(2012, 2, 10), DAY(2012, 3, 3)))}
    found = made(tmp_path, extracts, outcome={"after_emigration": "missing"})
    assert states(found, "P1") == [1, 1, 0, 1, 1, 0]
    assert found.counts("job_after_emigration") == (0, 0, set())


def test_several_moves_of_a_person(tmp_path: Path) -> None:
    persons = moved((DAY(2006, 5, 1), None), (DAY(2012, 1, 20), DAY(2012, 3, 2)), (DAY(2012, 4, 20), None))
    found = made(tmp_path, {"employment": LATER, "persons": persons}, outcome={"after_emigration": "missing"})
    assert states(found, "P1") == [1, -1, 0, 1, -1, -1]  # the second job is left on 20 April
    assert found.counts("several_moves") == (3, 1, {"fix"})
    assert len(found.people) == 4


def test_moves_that_differ_in_more_than_their_days_stop(tmp_path: Path) -> None:
    persons = moved((DAY(2012, 2, 10), None), (DAY(2012, 4, 20), None))
    persons[0]["died_on"] = DAY(2013, 1, 1)
    with pytest.raises(UserError, match="differ in"):
        made(tmp_path, {"employment": LATER, "persons": persons})


def test_who_is_randomised_here_has_come_back(tmp_path: Path) -> None:
    found = made(tmp_path, {"employment": LATER, "persons": moved((DAY(2006, 5, 1), None))})
    assert states(found, "P1") == [1, 1, 1, 1, 1, 1]
    assert found.counts("ended_before_randomisation") == (1, 1, {"warn"})


def test_the_rule_may_stop_the_run_instead(tmp_path: Path) -> None:
    extracts = {"employment": LATER, "persons": moved((DAY(2012, 2, 10), None))}
    with pytest.raises(UserError, match="after the person's emigration"):
        made(tmp_path, extracts, checks={"job_after_emigration": "stop"})
    dropped = made(tmp_path, extracts, checks={"job_after_emigration": "drop"})
    assert states(dropped, "P1") == [1, 1, 0, 0, 0, 0]


def test_death_abroad_and_jobs_after_death_are_no_return(tmp_path: Path) -> None:
    persons = moved((DAY(2012, 2, 10), None), died_on=DAY(2012, 3, 20))
    found = made(tmp_path, {"employment": LATER, "persons": persons}, outcome={"after_emigration": "missing"})
    assert states(found, "P1") == [1, 1, -1, -1, -1, -1]
    assert found.counts("job_after_emigration") == (0, 0, set())


BY_MONTH = {
    "monthly": (
        lambda months: [
            {"person_id": "P1", "year_month": 201201 + k, "employed": v, "employer_id": "E1"}
            for k, v in enumerate(months)
        ],
        {"layout": "monthly"},
    ),
    "relative_monthly": (
        lambda months: relative({"P1": months} | dict.fromkeys(PERSONS[1:], [0] * 6)), {"layout": "relative_monthly"}
    ),
    "weekly_wide": (
        lambda months: [{"person_id": p} | weeks(months if p == "P1" else [0] * 6) for p in PERSONS],
        {"layout": "weekly_wide"},
    ),
    "spells_in_period": (
        lambda months: [
            {"person_id": "P1", "employer_id": "E1", "year_month": 201201 + k, "start_on": DAY(2012, k + 1, 1),
             "end_on": None}
            for k, v in enumerate(months) if v
        ],
        {"layout": "spells_in_period", "period": "month"},
    ),
}  # fmt: skip


@pytest.mark.parametrize("layout", BY_MONTH)
def test_in_layouts_by_month_a_job_after_a_gap_ends_the_absence_and_one_that_goes_on_does_not(
    layout: str, tmp_path: Path
) -> None:
    write, said = BY_MONTH[layout]
    persons = moved((DAY(2012, 2, 10), None))
    first = -1 if layout == "weekly_wide" else 1
    later = {"employment": write([1, 1, 0, 0, 1, 1]), "persons": persons}
    found = made(tmp_path / "later", later, layouts={"employment": said})
    assert states(found, "P1")[:2] in ([first, 1], [1, 1])
    assert states(found, "P1")[2:] == [0, 0, 1, 1]
    goes_on = {"employment": write([1, 1, 1, 1, 1, 1]), "persons": persons}
    found = made(tmp_path / "on", goes_on, layouts={"employment": said}, outcome={"after_emigration": "missing"})
    assert states(found, "P1")[2:] == [-1, -1, -1, -1]


# --- what is said of months that are not known -------------------------------------------------


def test_reasons_are_counted_by_arm_and_named_in_notes(tmp_path: Path) -> None:
    """Months 1 and 2 of P1 (hours not told), 3 and 4 of P2 (subsidy not delivered); P3 leaves the register's months."""
    jobs = [
        job("P1", DAY(2012, 2, 1), DAY(2012, 3, 31), weekly_hours=None),
        job("P2", DAY(2012, 2, 1), DAY(2012, 5, 31), weekly_hours=37.5),
        job("P3", DAY(2012, 2, 1), DAY(2012, 2, 20), weekly_hours=30.0),
        job("P4", DAY(2012, 4, 1), DAY(2012, 4, 20), weekly_hours=30.0),
    ]
    rows = dict.fromkeys(PERSONS, [0] * 6) | {"P2": [0, 0, 0, None, None, 0]}
    file = tmp_path / "small.yaml"
    found = made(
        tmp_path,
        {"employment": jobs, "wage_subsidy": relative(rows)},
        layouts={"wage_subsidy": {"layout": "relative_monthly"}},
        outcome={"min_weekly_hours": 20},
        observed_until="2012-05",
        bound={"months": [2, 4], "draws": 99},
        follow={"months": [2, 4]},
    )
    assert states(found, "P1") == [0, -1, -1, 0, 0, -1]
    assert states(found, "P2") == [0, 1, 1, -1, -1, -1]
    cohort = read_cohort(file)
    given = cohort, found.people, found.panel
    effects = estimate(*given)["effects"].query("variance == 'cr1'").set_index(["analysis", "month_from", "centre"])
    hours, subsidy = NOTES["weekly_hours"], NOTES["wage_subsidy"]
    for analysis, month, wanted in [
        ("pooled_unadjusted", 0, {hours, subsidy}),
        ("centre_unadjusted", 0, {hours, subsidy}),
        ("by_centre_month", 0, set()),
        ("by_centre_month", 1, {hours}),
        ("by_centre_month", 3, {subsidy}),
        ("by_centre_month", 5, set()),  # the register has ended: no reason of a person's own
    ]:
        (note,) = effects.loc[[(analysis, month, "all" if analysis.startswith("pooled") else "A")], "note"]
        assert set(note.split("; ")) & {hours, subsidy} == wanted, (analysis, month)
    missing = bound(*given)["missing_data"]
    whole = missing.query("method == 'worst_case' and variance == 'cr1'").iloc[0]
    assert whole["because_assigned"] == "weekly_hours 2, outside 2"
    assert whole["because_control"] == "wage_subsidy 2, outside 2"
    assert (whole["n_months_missing_assigned"], whole["n_months_missing_control"]) == (2, 2)  # these are bounded
    month_2 = missing.query("method == 'lee_lower' and month_to == 2").iloc[0]
    assert (month_2["because_assigned"], month_2["because_control"]) == ("weekly_hours 1", "")
    by_month = describe(*given)["employment_by_month"].query("centre == 'all'").set_index(["arm", "month"])["because"]
    assert by_month["ips"].tolist() == ["", "weekly_hours 1", "weekly_hours 1", "", "", "outside 2"]
    assert by_month["control"].tolist() == ["", "", "", "wage_subsidy 1", "wage_subsidy 1", "outside 2"]
    with_jobs = pd.DataFrame(jobs).astype({"start_on": "datetime64[s]", "end_on": "datetime64[s]"})
    sums = follow(*given, with_jobs.assign(is_observed=1))["accumulated"].query("variance == 'cr1'")
    noted = sums.query("outcome == 'ordinary_months'").set_index("month_to")["note"]
    assert [note.split("; ")[1:] for note in noted] == [[hours], [hours, subsidy]]  # behind the covariates


def test_reasons_are_printed_in_words() -> None:
    assert words.reasons("weekly_hours 1200, outside 2") == "hours not known 1,200, outside the register 2"
    assert set(words.REASONS) == set(REASONS)
    assert set(NOTES.values()) <= set(words.NOTES.values())


# --- a job that goes on in another register ----------------------------------------------------


@pytest.mark.parametrize(
    ("second", "expected"),
    [
        ([job("P1", DAY(2012, 4, 1), None)], [1, 1, -1, -1, -1, -1]),  # the job that was left goes on in the second
        ([job("P1", DAY(2012, 4, 3), None)], [1, 1, -1, 1, 1, 1]),  # two days later: another job of this employer
        ([job("P1", DAY(2012, 4, 1), None, employer_id="E2")], [1, 1, -1, 1, 1, 1]),
        ([job("P1", DAY(2011, 6, 1), None)], [1, 1, -1, -1, -1, -1]),  # the second has the job's own first day
    ],
)
def test_a_job_that_goes_on_in_the_next_register_is_no_return(
    second: list[dict], expected: list[int], tmp_path: Path
) -> None:
    first = [job("P1", DAY(2011, 6, 1), DAY(2012, 3, 31)), job("P2", DAY(2011, 6, 1), DAY(2012, 3, 31))]
    (tmp_path / "extracts").mkdir(parents=True)
    pq.write_table(pa.Table.from_pylist(second, schema=JOBS), tmp_path / "extracts" / "later.parquet")
    said = [
        {"layout": "spells", "files": "employment.parquet", "observed_until": "2012-03"},
        {"layout": "spells", "files": "later.parquet", "observed_from": "2012-04"},
    ]
    extracts = {"employment": first, "persons": moved((DAY(2012, 2, 10), None))}
    found = made(tmp_path, extracts, layouts={"employment": said}, outcome={"after_emigration": "missing"})
    assert states(found, "P1") == expected
    assert found.counts("job_after_emigration")[0] == int(expected[-1] == 1)
    assert "begun_on" not in found.people


# --- covariates of sources that end before randomisation ---------------------------------------

MONTHS_AND_COVARIATES = {  # the source's first and last month -> covariates of P1 and P3
    (None, "2012-01"): ([1.0, 0.0], [0.5, 0.0], [120.0, 0.0], [1.0, 0.0]),
    (None, "2011-12"): ([None] * 2, [None] * 2, [120.0, 0.0], [None, 0.0]),  # the year before is whole
    (None, "2011-11"): ([None] * 2, [None] * 2, [None] * 2, [None, 0.0]),
    ("2011-11", None): ([1.0, 0.0], [None] * 2, [None] * 2, [1.0, 0.0]),
    ("2010-06", None): ([1.0, 0.0], [0.5, 0.0], [120.0, 0.0], [1.0, 0.0]),
}


@pytest.mark.parametrize("months", MONTHS_AND_COVARIATES)
def test_covariates_of_a_source_that_does_not_speak_of_the_time_are_missing(months: tuple, tmp_path: Path) -> None:
    """P1 has a benefit, contacts, a wage and a low level; P3 has none of them, and a high level from before."""
    rows = {
        "benefits": [{"person_id": "P1", "benefit": "aap", "start_on": DAY(2011, 6, 1), "end_on": DAY(2012, 6, 1)}],
        "health_contacts": [{"person_id": "P1", "contact": "day", "date": DAY(2011, k, 9)} for k in range(4, 10)],
        "income": [{"person_id": "P1", "year": 2011, "wage_income": 120.0}],
        "education": [
            {"person_id": "P1", "level": 2, "completed_on": DAY(2001, 6, 1)},
            {"person_id": "P3", "level": 5, "completed_on": DAY(2001, 6, 1)},
        ],
    }
    said = {key: month for key, month in zip(("observed_from", "observed_until"), months, strict=True) if month}
    layouts = {name: {"layout": "spells", **said} for name in rows}
    people = made(tmp_path, {"employment": OPEN, **rows}, layouts=layouts).people.set_index("person_id")
    names = ["benefit[aap]", "health_contacts_per_month[day]", "wage_income", "less_than_upper_secondary"]
    for name, expected in zip(names, MONTHS_AND_COVARIATES[months], strict=True):
        assert [None if np.isnan(value) else value for value in people.loc[["P1", "P3"], name]] == expected, name
    assert people["education[higher]"].notna().any() == (months[1] in (None, "2012-01"))
