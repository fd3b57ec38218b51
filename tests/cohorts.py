"""Small random cohorts with everything in them that registers get wrong, as Parquet and YAML.

The same recipe and seed give the same persons in every layout.
"""

from dataclasses import asdict, dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import yaml

from oracle import as_day, days_of, has_enough_hours, is_null, month_of, reference_week, rule_holds, spells_of

RECRUITED_FROM = date(2013, 1, 1)
RECRUITED_DAYS = 540
SCHEMAS = {
    "trial": {
        "person_id": pa.string(), "centre": pa.int64(), "arm": pa.string(),
        "randomised_on": pa.date32(), "withdrawn_on": pa.date32(),
        "age": pa.float64(), "female": pa.int64(),
    },
    "persons": {
        "person_id": pa.string(), "birth_date": pa.date32(), "sex": pa.string(),
        "native_born": pa.bool_(), "died_on": pa.date32(), "emigrated_on": pa.date32(),
        "returned_on": pa.date32(),
    },
    "spells": {
        "person_id": pa.string(), "employer_id": pa.string(), "start_on": pa.date32(),
        "end_on": pa.date32(), "weekly_hours": pa.float64(), "kind": pa.string(),
    },
    "monthly": {
        "person_id": pa.string(), "employer_id": pa.string(), "year_month": pa.int64(),
        "employed": pa.int64(), "weekly_hours": pa.float64(),
    },
    "relative_monthly": {
        "person_id": pa.string(), "month": pa.int64(), "employed": pa.int64(),
    },
    "wage_subsidy": {
        "person_id": pa.string(), "start_on": pa.date32(), "end_on": pa.date32(),
        "measure": pa.string(),
    },
    "education": {
        "person_id": pa.string(), "level": pa.int64(), "completed_on": pa.date32(),
    },
    "services": {
        "person_id": pa.string(), "service": pa.string(), "start_on": pa.date32(), "end_on": pa.date32(),
    },
}  # fmt: skip

PLACES = {
    "organisation": "organisation.csv",
    "organisation_groups": {"owner": {"health": ["hospital"], "nav": ["nav_county"]}},
    "timeline": "events.csv",
    "fidelity": "reviews.csv",
}
# Two reviews of a team that are known, one of which a score is lost, and one of another team that is a total alone.
FILES = {
    "timeline": "centre,event,date,team,value,source\n1,start,2012-01,2,,Report 7\n1,team_change,2013-07,1,,Report 7\n"
    "1,inclusion_stop,2014-01-01,,,\n1,follow_up_end,2016-01,,,\n2,closed,2019,,three left,\n",
    "organisation": "centre,characteristic,text,code,source,date\n1,owner,Sykehuset,hospital,Report 7,2014\n"
    "2,owner,NAV,nav_county,Report 7,2014\n1,urban,,true,,\n2,urban,,false,,\n",
    "fidelity": "team,date,item,score,high,rater,source\n"
    + "".join(
        f"1,{day},{item},{1 + (place + shift) % 5},,{rater},Report 7\n"
        for day, shift, rater in (("2013-06-19", 0, "A"), ("2014-03-01", 2, "B"))
        for place, item in enumerate([*(f"P{i}" for i in range(1, 4)), *(f"O{i}" for i in range(1, 9)),
                                      *(f"J{i}" for i in range(1, 15))])
    )
    + "1,2015-02,total,90,,B,Report 7\n1,2015-02,P1,,4,B,Report 7\n2,2014-01-15,total,110,,,\n",
}  # fmt: skip


@dataclass(frozen=True)
class Recipe:
    """What a random cohort is made of."""

    n_persons: int = 40
    n_centres: int = 2
    treatments: tuple[str, ...] = ("ips",)
    before: int = 2
    after: int = 6
    month_rule: str | dict[str, int] = "any_day"
    min_weekly_hours: float = 0
    exclude_wage_subsidy: bool = True
    after_death: str = "zero"
    after_emigration: str = "zero"
    observed_from: str | None = None
    observed_until: str | None = "2018-12"
    not_employed_at_randomisation: bool = True
    layout: str = "spells"
    share_missing: float = 0.08
    share_leaving: float = 0.1
    has_tiny_centre: bool = False
    without: tuple[str, ...] = ()
    has_services: bool = False
    has_places: bool = False


@dataclass(frozen=True)
class Cohort:
    """Canonical extracts and the cohort file that goes with them."""

    extracts: dict[str, pd.DataFrame] = field(repr=False)
    config: dict[str, Any]


def some_day(rng: np.random.Generator, first: date, n_days: int) -> date:
    """A day among the n days that begin with the first."""
    return first + timedelta(int(rng.integers(n_days)))


def maybe(rng: np.random.Generator, value: Any, share_missing: float) -> Any:
    """The value, or None with the given probability."""
    return None if rng.random() < share_missing else value


def one_of(rng: np.random.Generator, *values: Any) -> Any:
    """One of the values, each as likely."""
    return values[int(rng.integers(len(values)))]


# --- persons -----------------------------------------------------------------------------------


def trial_rows(recipe: Recipe, rng: np.random.Generator) -> list[dict[str, Any]]:
    """Who was randomised; a tiny centre has one or two persons an arm or lacks one."""
    arms, rows = ["control", *recipe.treatments], []
    for i in range(recipe.n_persons):
        is_tiny = recipe.has_tiny_centre and i < len(arms)
        centre = recipe.n_centres if is_tiny else 1 + int(rng.integers(max(1, recipe.n_centres)))
        if recipe.has_tiny_centre and not is_tiny and centre == recipe.n_centres:
            centre = 1
        rows.append({
            "person_id": f"P{1000 - i}", "centre": centre, "arm": one_of(rng, *arms),
            "randomised_on": some_day(rng, RECRUITED_FROM, RECRUITED_DAYS),
            "withdrawn_on": maybe(rng, date(2014, 9, 1), 0.96),
            "age": float(rng.integers(18, 60)), "female": int(rng.integers(2)),
        })  # fmt: skip
    return rows


def person_row(trial: dict[str, Any], recipe: Recipe, rng: np.random.Generator) -> dict[str, Any]:
    """The population register on one person; a few die or emigrate after randomisation."""
    leaves = [
        some_day(rng, trial["randomised_on"] + timedelta(1), 30 * recipe.after + 40)
        if rng.random() < recipe.share_leaving else None
        for _ in range(2)
    ]  # fmt: skip
    leaves = [day and one_of(rng, day, day.replace(day=1), days_of(month_of(day))[-1]) for day in leaves]
    leaves = [None if day and day <= trial["randomised_on"] else day for day in leaves]
    if leaves[0] == leaves[1]:
        leaves[1] = None
    return {
        "person_id": trial["person_id"], "birth_date": some_day(rng, date(1953, 1, 1), 15000),
        "sex": one_of(rng, "female", "male"),
        "native_born": maybe(rng, bool(rng.random() < 0.8), recipe.share_missing),
        "died_on": leaves[0], "emigrated_on": leaves[1], "returned_on": None,
    }  # fmt: skip


def moves_of(person: dict[str, Any], trial: dict[str, Any], recipe: Recipe, rng: np.random.Generator) -> list[dict]:
    """The rows of one person in the population register: some have moved before or come back and moved again."""
    on, rows = trial["randomised_on"], [person]
    if recipe.share_leaving < 0.3:
        return rows
    if rng.random() < recipe.share_leaving / 2:
        gone = some_day(rng, on - timedelta(900), 800)
        rows = [person | {"emigrated_on": gone, "returned_on": maybe(rng, some_day(rng, gone, 90), 0.5)}, *rows]
    if rng.random() < recipe.share_leaving / 2:
        gone = some_day(rng, on, 20 * max(recipe.after, 1))
        rows.append(person | {"emigrated_on": gone, "returned_on": maybe(rng, some_day(rng, gone, 120), 0.3)})
    return rows


def education_rows(trial: dict[str, Any], recipe: Recipe, rng: np.random.Generator) -> list[dict[str, Any]]:
    """Completed levels: none, unknown only, several, or only after randomisation."""
    key, on, kind = trial["person_id"], trial["randomised_on"], rng.random()
    if kind < recipe.share_missing:
        return []
    if kind < 1.5 * recipe.share_missing:
        return [{"person_id": key, "level": 9, "completed_on": date(2001, 6, 15)}]
    rows = [
        {"person_id": key, "level": int(rng.integers(1, 8)), "completed_on": completed}
        for completed in (on - timedelta(int(one_of(rng, 0, 1, rng.integers(2, 4000)))), date(2002, 6, 20))
    ]
    if kind < 2.5 * recipe.share_missing:
        rows = []
    later = on + timedelta(int(rng.integers(1, 400)))
    return [*rows, {"person_id": key, "level": int(rng.integers(4, 8)), "completed_on": later}]


# --- spells ------------------------------------------------------------------------------------


def duration(rng: np.random.Generator) -> int:
    """Days after the first day of a spell: one-day, short, or long spells."""
    return int(one_of(rng, 0, rng.integers(1, 8), rng.integers(8, 40), rng.integers(40, 250)))


def long_jobs(trial: dict[str, Any], recipe: Recipe, rng: np.random.Generator) -> list[dict[str, Any]]:
    """Jobs that overlap, adjoin, have no end; most of those begun before randomisation are over."""
    on, rows = trial["randomised_on"], []
    first = on - timedelta(31 * recipe.before + 40)
    for _ in range(int(rng.poisson(1.2 if trial["arm"] == "control" else 1.8))):
        start = some_day(rng, first, 31 * (recipe.before + recipe.after) + 80)
        length = duration(rng)
        if start <= on and rng.random() < 0.8:
            length = min(length, max((on - start).days - 1, 0))
        end = start + timedelta(length)
        is_open = rng.random() < 0.1 and start > on
        rows.append(job(trial, start, None if is_open else end, rng))
        if rng.random() < 0.3:
            next_day = end + timedelta(1)
            rows.append(rows[-1] | {"start_on": next_day, "end_on": next_day + timedelta(6)})
        if rng.random() < 0.3:
            middle = start + (end - start) / 2
            rows.append(job(trial, middle, end + timedelta(9), rng, rows[-1]["employer_id"]))
    return rows


def burst_of_jobs(trial: dict[str, Any], month: int, rng: np.random.Generator) -> list[dict[str, Any]]:
    """Many short spells of few employers in one month, for rules that count days."""
    days, rows = days_of(month), []
    employers = one_of(rng, ("A",), (None,), ("A", "B", None))
    for _ in range(int(rng.integers(2, 6))):
        start = int(rng.integers(len(days)))
        end = min(start + int(rng.integers(0, 8)), len(days) - 1)
        rows.append(job(trial, days[start], days[end], rng, one_of(rng, *employers)))
    return rows


def job_at_an_edge(trial: dict[str, Any], month: int, rng: np.random.Generator) -> list[dict[str, Any]]:
    """A short job that begins or ends at an edge of the month or of its reference week."""
    week, days = reference_week(month), days_of(month)
    one = timedelta(1)
    begins = one_of(rng, days[0], days[-1], days[-1] + one, week[-1], week[-1] + one)
    ends = one_of(rng, days[0], days[-1], days[0] - one, week[0], week[0] - one)
    few = timedelta(int(rng.integers(0, 5)))
    start, end = one_of(rng, (begins, begins + few), (ends - few, ends))
    return [job(trial, start, end, rng)]


def employment_rows(trial: dict[str, Any], recipe: Recipe, rng: np.random.Generator) -> list[dict[str, Any]]:
    """Every job of a person, also on the very day of randomisation and years off the window."""
    on, rows = trial["randomised_on"], long_jobs(trial, recipe, rng)
    for _ in range(2):
        month = month_of(on) + int(rng.integers(-recipe.before, recipe.after + 1))
        rows += burst_of_jobs(trial, month, rng) if rng.random() < 0.35 else []
        rows += job_at_an_edge(trial, month, rng) if rng.random() < 0.35 else []
    if rng.random() < 0.06:
        rows.append(job(trial, *one_of(rng, (on, on), (on, None), (on - timedelta(9), on)), rng))
    if rng.random() < 0.2:
        rows.append(job(trial, date(2004, 1, 31), date(2004, 2, 29), rng))
        rows.append(job(trial, date(2017, 12, 31), None, rng))
    return rows


def job(
    trial: dict[str, Any], start: date, end: date | None, rng: np.random.Generator,
    employer: str | None = "",
) -> dict[str, Any]:  # fmt: skip
    """One employment spell."""
    own = one_of(rng, "A", "B", "C", None) if employer == "" else employer
    hours = one_of(rng, None, 4.0, 15.0, 20.0, 37.5)
    return {"person_id": trial["person_id"], "employer_id": own, "start_on": start,
            "end_on": end, "weekly_hours": hours, "kind": None}  # fmt: skip


def subsidy_rows(trial: dict[str, Any], jobs: list[dict[str, Any]], rng: np.random.Generator) -> list[dict[str, Any]]:
    """Wage subsidies, most of them beside a job."""
    rows = []
    for spell in jobs:
        if rng.random() < 0.2:
            start = some_day(rng, spell["start_on"], 20)
            start = one_of(rng, start, days_of(month_of(start))[-1])
            end = maybe(rng, start + timedelta(int(rng.integers(0, 60))), 0.05)
            rows.append({"person_id": trial["person_id"], "start_on": start, "end_on": end,
                         "measure": "wage subsidy"})  # fmt: skip
    return rows


def services_rows(trial: list[dict[str, Any]], recipe: Recipe, rng: np.random.Generator) -> list[dict[str, Any]]:
    """Services: of the assigned soon for most, of the others later for some; before randomisation, open, repeated."""
    rows = []
    for person in trial:
        on, is_reference = person["randomised_on"], person["arm"] == "control"
        service = one_of(rng, *recipe.treatments) if is_reference else person["arm"]
        for _ in range(int(rng.integers(1, 3)) if rng.random() < (0.3 if is_reference else 0.85) else 0):
            start = some_day(rng, on + timedelta(70 if is_reference else -40), 120)
            end = None if rng.random() < 0.1 else start + timedelta(duration(rng))
            rows.append({"person_id": person["person_id"], "service": service, "start_on": start, "end_on": end})
    return rows


# --- layouts of the employment extract ---------------------------------------------------------


def last_day_of(rows: dict[str, list[dict]], key: str) -> date:
    """The day of death or emigration of a person, whichever came first."""
    own = [r for r in rows.get("persons", []) if r["person_id"] == key]
    return min([as_day(r.get(name)) for r in own for name in ("died_on", "emigrated_on")], default=date.max)


def weeks_of(month: int) -> list[str]:
    """The columns of the four weeks of a month counted from randomisation."""
    return [f"w{n}" for n in range(4 * month - 3, 4 * month + 1)]


def monthly_rows(
    trial: dict[str, Any], jobs: list[dict[str, Any]], recipe: Recipe, rng: np.random.Generator
) -> list[dict[str, Any]]:
    """One row a job and calendar month, with rows of no employment between them."""
    rows, zero = [], month_of(trial["randomised_on"])
    for month in range(zero - recipe.before - 2, zero + recipe.after + 3):
        code = month // 12 * 100 + month % 12 + 1
        row = {"person_id": trial["person_id"], "employer_id": None, "year_month": code,
               "employed": 0, "weekly_hours": None}  # fmt: skip
        here = [j for j in jobs if rule_holds([j], month, "any_day")]
        rows += [row | {"employed": 1, "employer_id": j["employer_id"],
                        "weekly_hours": j["weekly_hours"]} for j in here]  # fmt: skip
        if not here and rng.random() < 0.5:
            rows.append(row)
    return rows


def relative_rows(
    trial: dict[str, Any], jobs: list[dict[str, Any]], recipe: Recipe, rng: np.random.Generator
) -> list[dict[str, Any]]:
    """One row a month counted from randomisation."""
    zero, enough = month_of(trial["randomised_on"]), recipe.min_weekly_hours
    jobs = [j for j in jobs if has_enough_hours(j, enough)]
    return [
        {"person_id": trial["person_id"], "month": k,
         "employed": int(rule_holds(jobs, zero + k, "any_day"))}
        for k in range(-recipe.before, recipe.after + 1)
    ]  # fmt: skip


def weekly_row(
    trial: dict[str, Any], jobs: list[dict[str, Any]], recipe: Recipe, rng: np.random.Generator
) -> list[dict[str, Any]]:
    """One row a person, four weeks a month from month 1 on, of which one or more are employed."""
    row = {"person_id": trial["person_id"]}
    for month in relative_rows(trial, jobs, recipe, rng):
        if month["month"] > 0:
            weeks = weeks_of(month["month"])
            row |= {week: int(month["employed"] and rng.random() < 0.4) for week in weeks}
            row[one_of(rng, *weeks)] = month["employed"]
    return [row]


LAYOUTS = {"monthly": monthly_rows, "relative_monthly": relative_rows, "weekly_wide": weekly_row}


def with_gaps(rows: list[dict[str, Any]], recipe: Recipe, rng: np.random.Generator) -> list[dict[str, Any]]:
    """Some cells null and some months not delivered."""
    kept = []
    for row in rows:
        if recipe.layout == "weekly_wide":
            row = {c: maybe(rng, v, 0.05) if c != "person_id" else v for c, v in row.items()}
        elif rng.random() < 0.08:
            if recipe.layout == "relative_monthly" and rng.random() < 0.5:
                continue
            row = row | {"employed": None}
            row |= {"weekly_hours": 40.0} if "weekly_hours" in row else {}
        kept.append(row)
    return kept


def in_layout(
    rows: dict[str, list[dict]], recipe: Recipe, rng: np.random.Generator, has_gaps: bool
) -> list[dict[str, Any]]:
    """The employment extract of the same persons in another layout."""
    written = []
    for trial in rows["trial"]:
        last_day = last_day_of(rows, trial["person_id"])
        jobs = [row for row in rows["employment"] if row["person_id"] == trial["person_id"]]
        theirs = LAYOUTS[recipe.layout](trial, spells_of(jobs, last_day), recipe, rng)
        theirs = with_gaps(theirs, recipe, rng) if has_gaps else theirs
        if recipe.layout == "weekly_wide":
            zero = month_of(trial["randomised_on"])
            theirs = [with_one_kind_of_week(theirs[0], month_of(last_day) - zero)]
        written += theirs
    return written


def with_one_kind_of_week(row: dict[str, Any], month: int) -> dict[str, Any]:
    """The row with all weeks of a month alike: which of them a death cuts off is not defined."""
    weeks = [week for week in weeks_of(month) if week in row]
    value = max((row[week] or 0 for week in weeks), default=0)
    return row | dict.fromkeys(weeks, value)


# --- the whole ---------------------------------------------------------------------------------


def config_of(recipe: Recipe) -> dict[str, Any]:
    """The cohort file."""
    config: dict[str, Any] = {
        "title": "Random cohort",
        "extracts": "extracts",
        "arms": {"reference": "control", "treatments": list(recipe.treatments)},
        "centres": {c: f"Centre {c}" for c in range(1, recipe.n_centres + 1)},
        "layouts": {"employment": {"layout": recipe.layout}},
        "window": {"before": recipe.before, "after": recipe.after},
        "eligibility": {"not_employed_at_randomisation": recipe.not_employed_at_randomisation},
        "disclosure": {"profile": "ssb"},
        "randomisation": {"draws": 99},
    }
    names = ("month_rule", "min_weekly_hours", "exclude_wage_subsidy", "after_death",
             "after_emigration")  # fmt: skip
    config["outcome"] = {name: asdict(recipe)[name] for name in names}
    if recipe.has_places:
        config |= PLACES | {"cost": {"per_assigned": {recipe.treatments[0]: 100}}}
    bounds = {name: asdict(recipe)[name] for name in ("observed_from", "observed_until")}
    return config | {name: month for name, month in bounds.items() if month}


def rows_of_extracts(recipe: Recipe, rng: np.random.Generator) -> dict[str, list[dict[str, Any]]]:
    """Every extract as rows, employment as spells."""
    rows: dict[str, list[dict[str, Any]]] = {"trial": trial_rows(recipe, rng)}
    rows |= {name: [] for name in ("persons", "employment", "wage_subsidy", "education")}
    for trial in rows["trial"]:
        jobs = employment_rows(trial, recipe, rng)
        rows["persons"] += moves_of(person_row(trial, recipe, rng), trial, recipe, rng)
        rows["employment"] += jobs
        rows["wage_subsidy"] += subsidy_rows(trial, jobs, rng)
        rows["education"] += education_rows(trial, recipe, rng)
        if "persons" not in recipe.without:
            del trial["age"], trial["female"]
        if "withdrawals" in recipe.without:
            del trial["withdrawn_on"]
    if recipe.has_services:
        rows["services"] = services_rows(rows["trial"], recipe, rng)
    return {name: table for name, table in rows.items() if name not in recipe.without}


def random_cohort(recipe: Recipe, seed: int, has_gaps: bool = True) -> Cohort:
    """A cohort of the recipe; equal seeds give equal persons in every layout."""
    rows = rows_of_extracts(recipe, np.random.default_rng(seed))
    if recipe.layout != "spells":
        rows["employment"] = in_layout(rows, recipe, np.random.default_rng(seed + 1), has_gaps)
    order = np.random.default_rng(seed + 2)
    frames = {
        name: pd.DataFrame([table[i] for i in order.permutation(len(table))])
        .reindex(columns=list(schema_of(name, table, recipe.layout)))
        .astype(object)
        for name, table in rows.items()
    }
    return Cohort(frames, config_of(recipe))


def schema_of(name: str, rows: list[dict[str, Any]], layout: str) -> dict[str, pa.DataType]:
    """Column types of an extract."""
    kind = layout if name == "employment" else name
    if kind == "weekly_wide":
        return {column: pa.int8() if column != "person_id" else pa.string() for column in rows[0]}
    schema = SCHEMAS[kind]
    return {c: t for c, t in schema.items() if kind != "trial" or c in rows[0]}


def write_cohort(cohort: Cohort, folder: Path, name: str = "random") -> Path:
    """Write extracts and the cohort file; returns the path of the cohort file."""
    (folder / "extracts").mkdir(parents=True, exist_ok=True)
    layout = cohort.config["layouts"]["employment"]["layout"]
    for extract, frame in cohort.extracts.items():
        rows = [{c: None if is_null(v) else v for c, v in row.items()} for row in frame.to_dict("records")]
        schema = pa.schema(schema_of(extract, rows or [{c: 0 for c in frame}], layout))
        pq.write_table(pa.Table.from_pylist(rows, schema=schema), folder / "extracts" / f"{extract}.parquet")
    for key, content in FILES.items():
        if key in cohort.config:
            (folder / PLACES[key]).write_text(content, encoding="utf-8")
    path = folder / f"{name}.yaml"
    path.write_text(yaml.safe_dump(cohort.config, sort_keys=False), encoding="utf-8")
    return path
