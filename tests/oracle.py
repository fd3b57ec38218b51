"""A naive second computation of the pipeline, written from its specification alone.

Nothing here is fast and nothing is shared with ``ipseval``: days are looped over, the panel is
expanded person by month, regressions are statsmodels OLS on explicit dummies, and the
bias-reduced variance forms the full hat matrix. It exists to disagree with the pipeline when the
pipeline is wrong. Months are counted as ``year * 12 + month - 1``.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd

COVARIATES = ("age", "female", "less_than_upper_secondary", "native_born")
Panel = dict[Any, dict[int, int | None]]


@dataclass(frozen=True)
class Person:
    """One row of the trial list with what the other extracts say about that person."""

    key: Any
    centre: str
    arm: str
    randomised_on: date
    has_withdrawn: bool
    died_on: date
    absences: list[tuple[date, date]]
    covariates: dict[str, float | None]
    jobs: list[dict[str, Any]] = field(repr=False)
    subsidies: list[dict[str, Any]] = field(repr=False)


# --- days, months and spells -------------------------------------------------------------------


def is_null(value: Any) -> bool:
    """Whether a cell holds no value."""
    return value is None or bool(pd.isna(value))


def as_day(value: Any, otherwise: date = date.max) -> date:
    """A cell as a date, or `otherwise` where the cell is null."""
    return otherwise if is_null(value) else pd.Timestamp(value).date()


def month_of(day: date) -> int:
    """The running number of the calendar month of a day."""
    return day.year * 12 + day.month - 1


def days_of(month: int) -> list[date]:
    """Every day of a calendar month."""
    day = date(month // 12, month % 12 + 1, 1)
    return [d for d in (day + timedelta(n) for n in range(31)) if month_of(d) == month]


def reference_week(month: int) -> list[date]:
    """Monday to Sunday of the week that holds the 16th."""
    sixteenth = date(month // 12, month % 12 + 1, 16)
    return [sixteenth + timedelta(n - sixteenth.weekday()) for n in range(7)]


def covers(spell: dict[str, Any], day: date) -> bool:
    """Whether a spell holds a day, inclusive at both ends."""
    return spell["start"] <= day <= spell["end"]


def spells_of(rows: Iterable[dict[str, Any]], last_day: date, emigrations: Iterable[date] = ()) -> list[dict[str, Any]]:
    """Spells cut at the last day and at the first emigration since their job began; what starts after it is gone."""
    whole = [row | {"start": as_day(row["start_on"]), "end": as_day(row["end_on"])} for row in rows]
    cut = []
    for spell in whole:
        left = [day for day in emigrations if day >= job_begins(spell, whole)]
        spell = spell | {"end": min([spell["end"], last_day, *left])}
        if spell["start"] <= spell["end"]:
            cut.append(spell)
    return cut


def job_begins(spell: dict[str, Any], spells: list[dict[str, Any]]) -> date:
    """First day of the job, back over every day on which the employer had the person without a day between.

    Of spells without employers: of the run of one code, with up to three days between.
    """
    own = [s for s in spells if employer_of(s) == employer_of(spell)]
    steps = range(1, 2 if "employer_id" in spell else 5)
    day = spell["start"]
    while earlier := [n for n in steps if any(covers(s, day - timedelta(n)) for s in own)]:
        day -= timedelta(earlier[0])
    return day


def employer_of(spell: dict[str, Any]) -> Any:
    """The employer, or the code of a spell that has none."""
    who = next((spell[c] for c in ("employer_id", "measure", "benefit", "service") if c in spell), None)
    return None if is_null(who) else who


def has_enough_hours(job: dict[str, Any], minimum: float) -> bool | None:
    """Whether the hours are enough; not known when some are asked for and the job tells none."""
    if minimum == 0:
        return True
    return None if is_null(job.get("weekly_hours")) else job["weekly_hours"] >= minimum


def absences_of(
    emigrations: list[date], returns: list[date], randomised_on: date, jobs: list[dict[str, Any]]
) -> list[tuple[date, date]]:
    """Emigration and return, over and over; who is randomised or begins a job has come back."""
    here = sorted([*returns, randomised_on, *(job["start"] for job in jobs)])
    found: list[tuple[date, date]] = []
    for gone in sorted(emigrations):
        if not found or found[-1][1] <= gone:
            found.append((gone, next((day for day in here if day > gone), date.max)))
    return found


# --- persons -----------------------------------------------------------------------------------


def rows_of(extract: pd.DataFrame | None, key: Any) -> list[dict[str, Any]]:
    """The rows of one person in an extract."""
    return [] if extract is None else extract[extract["person_id"] == key].to_dict("records")


def number(value: Any) -> float | None:
    """A cell as a number, or None where it is null."""
    return None if is_null(value) else float(value)


def is_low_education(records: list[dict[str, Any]], on: date) -> float | None:
    """Whether the highest known level completed by a day is below 4; level 9 is unknown."""
    levels = [int(r["level"]) for r in records if as_day(r["completed_on"], date.min) <= on]
    known = [level for level in levels if level != 9]
    return float(max(known) < 4) if known else None


def covariates_of(
    row: dict[str, Any], extracts: dict[str, pd.DataFrame], record: dict[str, Any]
) -> dict[str, float | None]:
    """Covariates at randomisation; a column of the trial list wins over the other extracts."""
    on, found = as_day(row["randomised_on"]), {}
    if "persons" in extracts:
        born, sex = record.get("birth_date"), record.get("sex")
        found["age"] = None if is_null(born) else (on - as_day(born)).days / 365.25
        found["female"] = None if is_null(sex) else float(sex == "female")
        found["native_born"] = number(record.get("native_born"))
    if "education" in extracts:
        records = rows_of(extracts["education"], row["person_id"])
        found["less_than_upper_secondary"] = is_low_education(records, on)
    return found | {name: number(row[name]) for name in COVARIATES if name in row}


def person_from(row: dict[str, Any], extracts: dict[str, pd.DataFrame]) -> Person:
    """Gather everything the extracts say about one person."""
    key = row["person_id"]
    records = rows_of(extracts.get("persons"), key)
    record = next(iter(records), {})
    died_on, on = as_day(record.get("died_on")), as_day(row["randomised_on"])
    gone, back = (
        [as_day(r[name]) for r in records if not is_null(r.get(name))] for name in ("emigrated_on", "returned_on")
    )
    jobs = rows_of(extracts["employment"], key)
    has_spells = "start_on" in extracts["employment"].columns
    jobs = spells_of(jobs, died_on, gone) if has_spells else jobs
    return Person(
        key=key,
        centre=str(row["centre"]),
        arm=row["arm"],
        randomised_on=as_day(row["randomised_on"]),
        has_withdrawn=not is_null(row.get("withdrawn_on")),
        died_on=died_on,
        absences=absences_of(gone, back, on, jobs if has_spells else []),
        covariates=covariates_of(row, extracts, record),
        jobs=jobs,
        subsidies=spells_of(rows_of(extracts.get("wage_subsidy"), key), died_on, gone),
    )


def everybody(extracts: dict[str, pd.DataFrame], config: dict[str, Any]) -> list[Person]:
    """Every randomised person."""
    rows = extracts["trial"].to_dict("records")
    return [person_from(row, extracts) for row in rows]


def was_at_work(person: Person, config: dict[str, Any]) -> bool:
    """On the day of randomisation, or in the month before it where the layout knows months only."""
    if layout_of(config) == "spells":
        return any(covers(job, person.randomised_on) for job in person.jobs)
    return employed_in(person, month_of(person.randomised_on) - 1, config) == 1


def analysed(persons: list[Person], config: dict[str, Any]) -> tuple[list[Person], dict[str, list[Person]]]:
    """Who is analysed, and whom each step leaves out."""
    withdrawn = [p for p in persons if p.has_withdrawn]
    employed: list[Person] = []
    if config["eligibility"]["not_employed_at_randomisation"]:
        at_work = [p for p in persons if was_at_work(p, config)]
        employed = [p for p in at_work if not p.has_withdrawn]
    kept = [p for p in persons if p not in withdrawn and p not in employed]
    return kept, {"withdrawn": withdrawn, "employed": employed}


# --- the panel ---------------------------------------------------------------------------------


def rule_holds(jobs: list[dict[str, Any]], month: int, rule: str | dict[str, int]) -> bool:
    """Whether spells of enough hours make the month an employed one."""
    if isinstance(rule, dict):
        employers = {None if is_null(j["employer_id"]) else j["employer_id"]: [] for j in jobs}
        for job in jobs:
            employers[None if is_null(job["employer_id"]) else job["employer_id"]].append(job)
        covered = [
            sum(any(covers(job, day) for job in spells) for day in days_of(month)) for spells in employers.values()
        ]
        return max(covered, default=0) >= rule["min_days"]
    days = reference_week(month) if rule == "reference_week" else days_of(month)
    return any(covers(job, day) for job in jobs for day in days)


def any_known(values: list[Any]) -> int | None:
    """One when any is one, else missing when any is null or none is there, else zero."""
    if any(not is_null(v) and v == 1 for v in values):
        return 1
    return None if not values or any(is_null(v) for v in values) else 0


def employed_in(person: Person, month: int, config: dict[str, Any]) -> int | None:
    """Employment of a person in a calendar month, whatever the layout of the extract."""
    outcome, since = config["outcome"], month - month_of(person.randomised_on)
    layout = layout_of(config)
    minimum = outcome["min_weekly_hours"]
    if layout == "relative_monthly":
        return any_known([row["employed"] for row in person.jobs if row["month"] == since])
    if layout == "weekly_wide":
        weeks = [f"w{n}" for n in range(4 * since - 3, 4 * since + 1) if n > 0]
        return any_known([row[week] for row in person.jobs for week in weeks if week in row])
    enough = [has_enough_hours(job, minimum) for job in person.jobs]
    if layout == "monthly":
        code = month // 12 * 100 + month % 12 + 1
        here = [both(job["employed"], e) for job, e in zip(person.jobs, enough, strict=True)
                if int(job["year_month"]) == code]  # fmt: skip
        return any_known(here) if here else 0
    surely = [job for job, e in zip(person.jobs, enough, strict=True) if e]
    perhaps = [job for job, e in zip(person.jobs, enough, strict=True) if e is None or e]
    if rule_holds(from_the_day(person, surely, month), month, outcome["month_rule"]):
        return 1
    return None if rule_holds(from_the_day(person, perhaps, month), month, outcome["month_rule"]) else 0


def both(one: Any, other: Any) -> int | None:
    """One when both are, zero when either is not, else not known."""
    values = [None if is_null(v) else int(v) for v in (one, other)]
    return 0 if 0 in values else None if None in values else 1


def layout_of(config: dict[str, Any]) -> str:
    """The layout of the extract of employment."""
    return config.get("layouts", {}).get("employment", {}).get("layout", "spells")


def from_the_day(person: Person, spells: list[dict[str, Any]], month: int) -> list[dict[str, Any]]:
    """In the month of randomisation, what was not over before its day: a job that goes on without a day between."""
    if month != month_of(person.randomised_on):
        return spells
    kept = []
    for spell in spells:
        end, last = spell["end"], None
        while end != last and end < date.max:
            last, reach = end, end + timedelta(1)
            end = max(s["end"] for s in spells if is_same(s, spell) and s["start"] <= reach and s["end"] >= last)
        if end >= person.randomised_on:
            kept.append(spell)
    return kept


def is_same(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """Whether two spells are of one employer; those without one are of one unnamed."""
    names = [None if is_null(spell.get("employer_id")) else spell["employer_id"] for spell in (one, other)]
    return names[0] == names[1]


def is_covered(month: int, config: dict[str, Any]) -> bool:
    """Whether the employment register is complete in a month."""
    first = config.get("observed_from", "0001-01")
    last = config.get("observed_until", "9999-12")
    return first <= f"{month // 12:04d}-{month % 12 + 1:02d}" <= last


def is_subsidised(person: Person, month: int) -> bool:
    """Whether any day of the month has a wage subsidy."""
    spells = from_the_day(person, person.subsidies, month)
    return any(covers(spell, day) for spell in spells for day in days_of(month))


def outcome_in(person: Person, month: int, config: dict[str, Any], what: str) -> int | None:
    """The outcome or the wage subsidy of a person in a month: 0, 1 or None."""
    if not is_covered(month, config):
        return None
    return after_leaving(person, month, config, outcome_by_registers(person, month, config, what))


def after_leaving(person: Person, month: int, config: dict[str, Any], value: int | None) -> int | None:
    """The value of a month, or that of the policy while the person is abroad or after death."""
    for gone, back in person.absences:
        if gone < person.died_on and month_of(gone) < month < month_of(back):
            return 0 if config["outcome"]["after_emigration"] == "zero" else None
    if month > month_of(person.died_on):
        return 0 if config["outcome"]["after_death"] == "zero" else None
    return value


def outcome_by_registers(person: Person, month: int, config: dict[str, Any], what: str) -> int | None:
    """The outcome or the wage subsidy as the registers have it."""
    if what == "subsidy":
        return int(is_subsidised(person, month))
    employed = employed_in(person, month, config)
    if employed and config["outcome"]["exclude_wage_subsidy"]:
        return int(not is_subsidised(person, month))
    return employed


def panel_of(persons: list[Person], config: dict[str, Any], what: str = "outcome") -> Panel:
    """Person -> month since randomisation -> 0, 1 or None."""
    months = range(-config["window"]["before"], config["window"]["after"] + 1)
    return {p.key: {k: outcome_in(p, month_of(p.randomised_on) + k, config, what) for k in months} for p in persons}


def long_panel(persons: list[Person], panel: Panel) -> pd.DataFrame:
    """One row a person-month with an observed outcome."""
    rows = [
        {"person": p.key, "centre": p.centre, "arm": p.arm, "month": k, "y": float(y)}
        | {"calendar": month_of(p.randomised_on) + k}
        | {name: np.nan if value is None else value for name, value in p.covariates.items()}
        for p in persons
        for k, y in panel[p.key].items()
        if y is not None
    ]
    names = ["person", "centre", "arm", "month", "y", "calendar", *persons[0].covariates]
    return pd.DataFrame(rows, columns=names)


# --- descriptive tables ------------------------------------------------------------------------


def share_table(persons: list[Person], panel: Panel, config: dict[str, Any], months: Iterable[int]) -> pd.DataFrame:
    """Persons, observed and positive person-months by centre, arm (both also `all`) and month."""
    arms, rows = [config["arms"]["reference"], *config["arms"]["treatments"], "all"], []
    for centre in [*map(str, config["centres"]), "all"]:
        for arm in arms:
            here = [p for p in persons if centre in (p.centre, "all") and arm in (p.arm, "all")]
            for k in months:
                seen = [panel[p.key][k] for p in here if panel[p.key][k] is not None]
                row = {"centre": centre, "arm": arm, "month": k, "n_persons": len(here)}
                rows.append(row | {"n_observed": len(seen), "n_positive": sum(seen)})
    return with_share(pd.DataFrame(rows), "n_positive", "n_observed")


def with_share(table: pd.DataFrame, part: str, whole: str) -> pd.DataFrame:
    """The table with a share; nothing of nothing is no share."""
    return table.assign(share=table[part] / table[whole].astype(float).replace(0.0, np.nan))


def wage_subsidy_table(persons: list[Person], config: dict[str, Any]) -> pd.DataFrame:
    """Person-months with a wage subsidy among months 1 to 12."""
    months = range(1, min(12, config["window"]["after"]) + 1)
    table = share_table(persons, panel_of(persons, config, "subsidy"), config, months)
    sums = table.groupby(["centre", "arm"], as_index=False)[["n_observed", "n_positive"]].sum()
    sums["n_persons"] = sums.merge(table.drop_duplicates(["centre", "arm"]), how="left",
                                   on=["centre", "arm"])["n_persons"]  # fmt: skip
    sums = sums.rename(columns={"n_observed": "n_person_months", "n_positive": "n_subsidised"})
    return with_share(sums, "n_subsidised", "n_person_months")


def flow_table(
    persons: list[Person], kept: list[Person], excluded: dict[str, list[Person]], config: dict
) -> pd.DataFrame:
    """Persons at the start, left out by each step and at the end, by centre and arm."""
    arms, rows = [config["arms"]["reference"], *config["arms"]["treatments"], "all"], []
    groups = {"randomised": persons, **excluded, "analysed": kept}
    for centre in [*map(str, config["centres"]), "all"]:
        for arm in arms:
            row = {"centre": centre, "arm": arm}
            for name, group in groups.items():
                row[name] = sum(centre in (p.centre, "all") and arm in (p.arm, "all") for p in group)
            rows.append(row)
    return pd.DataFrame(rows)


def inclusion_table(persons: list[Person], kept: list[Person], config: dict) -> pd.DataFrame:
    """Randomised and analysed persons by centre."""
    rows = []
    for centre in [*map(str, config["centres"]), "all"]:
        both = [sum(centre in (p.centre, "all") for p in group) for group in (persons, kept)]
        rows.append({"centre": centre, "n_randomised": both[0], "n_analysed": both[1]})
    return with_share(pd.DataFrame(rows), "n_analysed", "n_randomised")
