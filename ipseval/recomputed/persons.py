"""Who is analysed, when persons died and moved, and their covariates, from the cleaned extracts, person by person."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from ipseval.config import COMPLETED_YEARS, Cohort
from ipseval.estimation.design import ALL
from ipseval.recomputed.days import source_speaks, spoken_of
from ipseval.registers.layouts import DAY, WEEK, grain

Speaks = Callable[[str, int], bool]  # whether the sources of an extract speak of a month
Cleaned = Mapping[str, pd.DataFrame | None]
FROM_TRIAL = ("age", "female", "less_than_upper_secondary", "native_born")
GROUPS = {
    "compulsory": (0, 1, 2),
    "upper_secondary_started": (3,),
    "upper_secondary": (4, 5),
    "higher": (6, 7, 8),
}
THREE = ((pd.Timestamp("1995-10-01"), 12), (pd.Timestamp("1975-10-01"), 10))  # level 3 that counts as 4: before, class


def expected_people(cohort: Cohort, cleaned: Cleaned) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The persons and their flow.

    Parameters
    ----------
    cohort : Cohort
    cleaned : mapping
        Extract -> cleaned rows, or None.

    Returns
    -------
    people : DataFrame
        Sorted by person: ``person_id``, ``centre``, ``arm``, ``randomised_on``, ``is_analysed``, the days of death and
        of every move, and the covariates that come from the extracts.
    flow : DataFrame
        See docs/results.md.
    """
    trial = _table(cleaned, "trial").sort_values("person_id").reset_index(drop=True)
    steps = _steps(cohort, trial, cleaned)
    leaves = np.logical_or.reduce([np.zeros(len(trial), bool), *(step[2] for step in steps)])
    made: dict[str, Any] = {name: trial[name].to_numpy() for name in ("person_id", "centre", "arm", "randomised_on")}
    made |= {"is_analysed": ~leaves} | _moves(trial, cleaned) | _covariates(cohort, trial, cleaned)
    return pd.DataFrame(made), _flow(cohort, trial, steps)


def _table(cleaned: Cleaned, name: str) -> pd.DataFrame:
    found = cleaned[name]
    if found is None:
        raise KeyError(name)
    return found.assign(person_id=found["person_id"].astype(object))


def _by_person(cleaned: Cleaned, name: str) -> dict[Any, list[dict[str, Any]]]:
    """Rows of an extract by person; none where it was not delivered."""
    if cleaned[name] is None:
        return {}
    rows: dict[Any, list[dict[str, Any]]] = {}
    for row in _table(cleaned, name).to_dict("records"):
        rows.setdefault(row["person_id"], []).append({str(k): v for k, v in row.items()})
    return rows


# --- the flow ----------------------------------------------------------------------------------

Step = tuple[str, str, np.ndarray, np.ndarray]  # name, reason, who leaves, of whom it is not known


def _steps(cohort: Cohort, trial: pd.DataFrame, cleaned: Cleaned) -> list[Step]:
    nobody = np.zeros(len(trial), bool)
    steps: list[Step] = []
    for column, codes in cohort.exclusions.get("trial", {}).items():
        reason = f"The trial list's {column} is among exclusions."
        steps.append((f"excluded_{column}", reason, trial[column].isin(codes).to_numpy(), nobody))
    if "left_out" in trial:
        why = "Named in the list of persons to leave out."
        steps.append(("left_out", why, (trial["left_out"] == 1).to_numpy(), nobody))
    if "withdrawn_on" in trial:
        steps.append(("consent_withdrawn", "Consent was withdrawn.", trial["withdrawn_on"].notna().to_numpy(), nobody))
    if cohort.not_employed_at_randomisation:
        steps.append(_at_work(cohort, trial, cleaned))
    return steps


def _at_work(cohort: Cohort, trial: pd.DataFrame, cleaned: Cleaned) -> Step:
    """Who had a job on the last day before randomisation that the layout knows of."""
    unit = grain(cohort, "employment")
    when = {
        DAY: "on the day of randomisation.",
        WEEK: "in the week before randomisation: employment was delivered by week.",
    }
    reason = "Employed, with or without wage subsidy, " + when.get(
        unit, "in the month before randomisation: employment was delivered by month."
    )
    jobs = _by_person(cleaned, "employment")
    employed, unknown, later = (np.zeros(len(trial), bool) for _ in range(3))
    about = [_number(day) for day in trial["randomised_on"]]
    months = np.arange(min(about, default=0) - 1, max(about, default=0) + 1)
    told = set(months[spoken_of(cohort, ["employment"], months)].tolist())
    for i, (person, day) in enumerate(zip(trial["person_id"], trial["randomised_on"], strict=True)):
        known = day - pd.Timedelta(days=7) if unit == WEEK else day
        known = day.replace(day=1) - pd.Timedelta(days=1) if unit not in (DAY, WEEK) else known
        employed[i], unknown[i] = _on(jobs.get(person, []), known, told)
        if unit != DAY:
            later[i] = _on(jobs.get(person, []), day, told)[0] and not employed[i] and not unknown[i]
    kept = [
        f"{int(who.sum())} persons {text}: "
        + ", ".join(f"{arm} {int((who & (trial['arm'] == arm)).sum())}" for arm in cohort.arms.all)
        for text, who in (
            ("whose employment then is not known are kept", unknown),
            ("are kept whose job may have begun on the days up to randomisation or after it", later),
        )
        if who.any()
    ]
    return "employed_at_randomisation", "; ".join([reason, *kept]), employed, unknown | later


def _number(day: pd.Timestamp) -> int:
    return (day.year - 1970) * 12 + day.month - 1


def _on(jobs: list[dict[str, Any]], day: pd.Timestamp, told: set[int]) -> tuple[bool, bool]:
    """Whether somebody had a job on a day, and whether that is not known; ``told``: months that registers speak of."""
    here = [j for j in jobs if j["start_on"] <= day and not j["end_on"] < day]
    works = any(j["is_observed"] == 1 for j in here)
    is_untold = any(j["is_observed"] == 0 for j in here) or _number(day) not in told
    return works, is_untold and not works


def _flow(cohort: Cohort, trial: pd.DataFrame, steps: list[Step]) -> pd.DataFrame:
    nobody, remain = np.zeros(len(trial), bool), np.ones(len(trial), bool)
    mended = (trial["mended"] == 1).to_numpy() if "mended" in trial else nobody
    every: list[Step] = [("randomised", "", nobody, nobody), *steps, ("analysed", "", nobody, nobody)]
    codes = [
        [*own, *sorted(set(trial[name].dropna()) - set(own)), ALL]
        for name, own in (("centre", list(cohort.centres)), ("arm", list(cohort.arms.all)))
    ]
    rows = []
    for order, (name, reason, leaves, not_known) in enumerate(every):
        gone, remain = remain & leaves, remain & ~leaves
        for centre in codes[0]:
            for arm in codes[1]:
                here = ((trial["centre"] == centre) | (centre == ALL)) & ((trial["arm"] == arm) | (arm == ALL))
                n = [int((who & here).sum()) for who in (remain, gone, remain & not_known, remain & mended)]
                rows.append((name, order, centre, arm, *n[:2], reason, *n[2:]))
    names = ["step", "order", "centre", "arm", "n_persons", "n_excluded", "reason", "n_not_known", "n_mended"]
    return pd.DataFrame(rows, columns=names)


# --- death and moves ---------------------------------------------------------------------------


def _moves(trial: pd.DataFrame, cleaned: Cleaned) -> dict[str, list[Any]]:
    """Day of death, and of each emigration and the return from it; a job or randomisation tells of a return, too."""
    registered, jobs = _by_person(cleaned, "persons"), _by_person(cleaned, "employment")
    died, away = [], []
    for person, day in zip(trial["person_id"], trial["randomised_on"], strict=True):
        rows = registered.get(person, [])
        died.append(rows[0].get("died_on", pd.NaT) if rows else pd.NaT)
        gone, back = ([r[c] for r in rows if not pd.isna(r.get(c, pd.NaT))] for c in ("emigrated_on", "returned_on"))
        seen = sorted([day, *back, *(j["start_on"] for j in jobs.get(person, []) if j["is_observed"] == 1)])
        spans: list[tuple[Any, Any]] = []
        for left in sorted(gone):
            if not spans or (not pd.isna(spans[-1][1]) and left >= spans[-1][1]):
                spans.append((left, next((d for d in seen if d > left), pd.NaT)))
        away.append(spans)
    made: dict[str, list[Any]] = {"died_on": died}
    for i in range(max([1, *map(len, away)])):
        for place, name in enumerate(("emigrated_on", "returned_on")):
            made[name + (f"_{i + 1}" if i else "")] = [s[i][place] if len(s) > i else pd.NaT for s in away]
    return made


# --- covariates --------------------------------------------------------------------------------


def _covariates(cohort: Cohort, trial: pd.DataFrame, cleaned: Cleaned) -> dict[str, list[Any]]:
    """Covariates of registers, as of randomisation; a column of the trial list stands in their place."""
    own = {
        name: _by_person(cleaned, name) for name in ("persons", "education", "income", "benefits", "health_contacts")
    }
    columns = {
        name: [str(column) for column in _table(cleaned, name)] if cleaned[name] is not None else [] for name in own
    }
    made: dict[str, list[Any]] = {}
    persons = [(p, {extract: rows.get(p, []) for extract, rows in own.items()}) for p in trial["person_id"]]
    days, spoken = list(trial["randomised_on"]), dict[tuple[str, int], bool]()

    def speaks(extract: str, month: int) -> bool:
        if (extract, month) not in spoken:
            spoken[extract, month] = source_speaks(cohort, extract, month)
        return spoken[extract, month]

    def every(name: str, value: Any) -> None:
        made[name] = [value(person, day, rows) for (person, rows), day in zip(persons, days, strict=True)]

    for name, function in _of_persons(cleaned, columns["persons"]).items():
        every(name, function)
    if cleaned["education"] is not None:
        told = _table(cleaned, "education")
        has_class = "class" in told and bool(told["class"].notna().any())
        every("highest", lambda p, day, r: _highest(r["education"], day, cohort.describe["education"], has_class))
        highest = made.pop("highest")
        told_of = [speaks("education", _number(day)) for day in days]
        own_levels = [x if is_told else np.nan for x, is_told in zip(highest, told_of, strict=True)]
        # Who has completed upper secondary school has it still, whatever came after the end of the source.
        low = [x if x >= 4 else y for x, y in zip(highest, own_levels, strict=True)]
        made["less_than_upper_secondary"] = [np.nan if np.isnan(x) else float(x < 4) for x in low]
        for group, levels in GROUPS.items():
            made[f"education[{group}]"] = [np.nan if np.isnan(x) else float(x in levels) for x in own_levels]
    if cleaned["income"] is not None:
        years, fixed = set(_table(cleaned, "income")["year"]), cohort.describe["wage_income_year"]
        every("wage_income", lambda p, day, r: _income(r["income"], day, fixed, years, speaks))
    if cleaned["benefits"] is not None:
        for benefit in sorted(_table(cleaned, "benefits")["benefit"].dropna().unique()):
            every(f"benefit[{benefit}]", lambda p, day, r, of=benefit: _has_benefit(r["benefits"], day, of, speaks))
    if cleaned["health_contacts"] is not None:
        for kind in sorted(_table(cleaned, "health_contacts")["contact"].unique()):
            n = cohort.describe["health_contact_months"]
            every(
                f"health_contacts_per_month[{kind}]",
                lambda p, day, r, of=kind, n=n: _contacts(r["health_contacts"], day, of, n, speaks),
            )
    for name in (*FROM_TRIAL, *cohort.covariates):
        if name in trial and trial[name].notna().any():
            made[name] = list(trial[name])
            if name == "age":
                made[COMPLETED_YEARS] = list(np.floor(trial[name].astype(float)))
    return made


def _of_persons(cleaned: Cleaned, names: list[str]) -> dict[str, Any]:
    """What the register of persons tells: age, sex and birth in the country."""
    found: dict[str, Any] = {}
    if cleaned["persons"] is None:
        return found
    told = {name for name in names if _table(cleaned, "persons")[name].notna().any()}

    def first(rows: dict[str, list[dict[str, Any]]], name: str) -> Any:
        return rows["persons"][0][name] if rows["persons"] else None

    if "birth_date" in told or "birth_month" in told:

        def born(rows: dict[str, list[dict[str, Any]]]) -> Any:
            if "birth_date" in told:
                return first(rows, "birth_date")
            month = first(rows, "birth_month")
            return None if pd.isna(month) else pd.Timestamp(int(month) // 100, int(month) % 100, 15)

        found["age"] = lambda p, day, r: np.nan if pd.isna(b := born(r)) else (day - b).days / 365.25
        found[COMPLETED_YEARS] = lambda p, day, r: np.nan if pd.isna(b := born(r)) else _birthdays(b, day)
    if "sex" in told:
        found["female"] = lambda p, day, r: {"female": 1.0, "male": 0.0}.get(first(r, "sex"), np.nan)
    if "native_born" in told:
        found["native_born"] = lambda p, day, r: np.nan if pd.isna(x := first(r, "native_born")) else float(x)
    return found


def _birthdays(born: pd.Timestamp, day: pd.Timestamp) -> float:
    return float(day.year - born.year - ((day.month, day.day) < (born.month, born.day)))


def _highest(rows: list[dict[str, Any]], day: pd.Timestamp, holds: str, has_class: bool) -> float:
    """Highest level that was completed by a day; not known where nothing is, or where a class would decide."""
    levels = []
    for row in rows:
        level, on = row["level"], row.get("completed_on", pd.NaT)
        if pd.isna(level) or level == 9 or on > day:
            continue
        if level == 3 and holds == "highest":
            level = 4
        elif level == 3 and has_class:
            level = _of_class(row.get("class"), on)
        levels.append(float(level))
    highest = max(levels, default=np.nan)
    return np.nan if has_class and highest == 3 else highest


def _of_class(course: Any, on: Any) -> float:
    """What a course of level 3 counts as: 4, 2, or still 3 where its class is not told."""
    before = [pd.isna(on) or on < date for date, _ in THREE]
    if any(is_before and course >= least for is_before, (_, least) in zip(before, THREE, strict=True)):
        return 4.0
    return 2.0 if not pd.isna(course) or not before[0] else 3.0


def _income(rows: list[dict[str, Any]], day: pd.Timestamp, fixed: int | None, years: set[int], speaks: Speaks) -> float:
    year = day.year - 1 if fixed is None else fixed
    if year not in years or (fixed is not None and fixed >= day.year):
        return np.nan
    if not all(speaks("income", (year - 1970) * 12 + month) for month in (0, 11)):
        return np.nan
    return float(np.nansum([row["wage_income"] for row in rows if row["year"] == year]))


def _has_benefit(rows: list[dict[str, Any]], day: pd.Timestamp, benefit: str, speaks: Speaks) -> float:
    here = [row for row in rows if row["start_on"] <= day and not row["end_on"] < day]
    if any(row["is_observed"] == 0 for row in here) or not speaks("benefits", _number(day)):
        return np.nan
    return float(any(row["benefit"] == benefit for row in here))


def _contacts(rows: list[dict[str, Any]], day: pd.Timestamp, kind: str, months: int, speaks: Speaks) -> float:
    if not all(speaks("health_contacts", _number(day) - k) for k in range(months + 1)):
        return np.nan
    first = pd.Timestamp(day.year, day.month, 1) - pd.DateOffset(months=months) + pd.Timedelta(days=day.day - 1)
    return sum(row["contact"] == kind and first <= row["date"] < day for row in rows) / months
