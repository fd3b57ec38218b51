"""Checks beside the tables: appendix B's ranges, figure 5's shape, the form of the extracts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from tools.twin.readback import Readback

Row = tuple[str, str, str, str, bool]
PRINTED_DECIMALS = {"age": 1, "wage_income_2012_thousand_nok": 1}


def appendix_b(data: Readback, published: dict[str, Any]) -> Iterator[Row]:
    """Lowest and highest centre mean of every characteristic among the analysed."""
    table = baseline(data)
    means = table.groupby(data.analysed["centre"]).mean()
    for name, printed in published["appendix_b_range_over_centres"].items():
        n_decimals = PRINTED_DECIMALS.get(name, 2)
        reached = [round(float(f(means[name])), n_decimals) for f in (np.min, np.max)]
        text = " ".join(f"{value:.{n_decimals}f}" for value in printed)
        found = " ".join(f"{value:.{n_decimals}f}" for value in reached)
        yield "appendix B", name, text, found, text == found


def baseline(data: Readback) -> pd.DataFrame:
    """Characteristics of appendix B, one row an analysed person."""
    persons = data.analysed
    table = persons[["severe_mental_illness", "age", "female", "born_in_norway"]].astype(float)
    level = persons["level"]
    table["compulsory_school_only"] = (level <= 2).astype(float)
    table["upper_secondary_started_not_completed"] = (level == 3).astype(float)
    table["upper_secondary_completed"] = level.isin([4, 5]).astype(float)
    table["higher_education"] = level.isin([6, 7, 8]).astype(float)
    income = data.extracts["income"].query("year == 2012").set_index("person_id")["wage_income"]
    table["wage_income_2012_thousand_nok"] = income.reindex(table.index).fillna(0) / 1000
    for benefit, spells in data.extracts["benefits"].groupby("benefit"):
        table[str(benefit)] = _on_day(spells, persons).astype(float)
    names = {
        "outpatient": "outpatient_consultations_per_month",
        "day": "day_treatments_per_month",
        "inpatient": "admissions_per_month",
    }
    for contact, rows in data.extracts["health_contacts"].groupby("contact"):
        table[names[str(contact)]] = _in_year_before(rows, persons) / 12
    return table


def _on_day(spells: pd.DataFrame, persons: pd.DataFrame) -> pd.Series:
    day = spells["person_id"].map(persons["randomised_on"])
    end = pd.to_datetime(spells["end_on"]).fillna(pd.Timestamp("2099-01-01"))
    covering = (pd.to_datetime(spells["start_on"]) <= day) & (day <= end)
    return pd.Series(persons.index.isin(spells.loc[covering, "person_id"]), index=persons.index)


def _in_year_before(rows: pd.DataFrame, persons: pd.DataFrame) -> pd.Series:
    """Contacts in calendar months -12..-1."""
    zero = rows["person_id"].map(persons["randomised_on"]).dt.to_period("M").dt.to_timestamp()
    date = pd.to_datetime(rows["date"])
    inside = (date < zero) & (date >= zero - pd.DateOffset(months=12))
    return rows.loc[inside, "person_id"].value_counts().reindex(persons.index).fillna(0)


def shape(data: Readback) -> Iterator[Row]:
    """Figure 5: low and falling before, zero at randomisation, rising after."""
    outcome = data.outcome.loc[data.analysed.index]
    for arm in ("control", "ips"):
        share = outcome[data.analysed["arm"] == arm].mean()
        parts = [share.loc[a:b].mean() for a, b in ((-43, -30), (-12, -1), (0, 0), (1, 12), (31, 43))]
        text = " ".join(f"{part:.2f}" for part in parts)
        falls, rises = parts[0] > parts[1] < 0.2, 0 < parts[3] < parts[4]
        yield "figure 5", arm, "falls, 0, rises", text, bool(falls and parts[2] == 0 and rises)
    arms = [outcome[data.analysed["arm"] == arm].mean() for arm in ("ips", "control")]
    gap = arms[0] - arms[1]
    before = abs(gap.loc[-43:-1].mean())
    yield "figure 5", "mean difference before", "below 0.03", f"{before:.3f}", bool(before < 0.03)


def sound_form(data: Readback) -> Iterator[Row]:
    """Form: one row a person, no foreign person, no double row, no end before a start."""
    extracts, persons = data.extracts, data.persons
    for name in ("trial", "persons"):
        n_double = int(extracts[name]["person_id"].duplicated().sum())
        yield "form", f"{name}: double persons", "0", str(n_double), n_double == 0
    for name, table in extracts.items():
        n_foreign = int((~table["person_id"].isin(persons.index)).sum())
        yield "form", f"{name}: persons not in the trial", "0", str(n_foreign), n_foreign == 0
        n_same = int(table.duplicated().sum())
        yield "form", f"{name}: double rows", "0", str(n_same), n_same == 0
        if "end_on" in table:
            n_wrong = int((table["end_on"] < table["start_on"]).fillna(False).sum())
            yield "form", f"{name}: end before start", "0", str(n_wrong), n_wrong == 0


def edge_cases(data: Readback) -> Iterator[Row]:
    """List the awkward cases that have to be there."""
    for name, number in _case_counts(data).items():
        yield "edge cases", name, "1 or more", str(int(number)), bool(number >= 1)


def _case_counts(data: Readback) -> dict[str, int]:
    extracts, persons = data.extracts, data.persons
    jobs = extracts["employment"]
    start, end = (pd.to_datetime(jobs[column]) for column in ("start_on", "end_on"))
    chosen = jobs["person_id"].map(persons["randomised_on"])
    later = pd.to_datetime(extracts["education"]["completed_on"]) > extracts["education"]["person_id"].map(
        persons["randomised_on"]
    )
    return {
        "died": persons["died_on"].notna().sum(),
        "emigrated": persons["emigrated_on"].notna().sum(),
        "open jobs": end.isna().sum(),
        "jobs open when the person left": (end.isna() & jobs["person_id"].map(persons["left_on"]).notna()).sum(),
        "jobs of one day": (start == end).sum(),
        "jobs ending on a month's last day": end.dt.is_month_end.sum(),
        "jobs starting on a month's first day": (start.dt.day == 1).sum(),
        "jobs without hours": jobs["weekly_hours"].isna().sum(),
        "jobs from before the register": (start < pd.Timestamp("2009-01-01")).sum(),
        "overlapping jobs of one employer": _n_overlaps(jobs, ["person_id", "employer_id"]),
        "overlapping jobs of one person": _n_overlaps(jobs, ["person_id"]),
        "jobs before randomisation": (start < chosen).sum(),
        "education after randomisation": later.sum(),
        "education unknown": persons["level"].isna().sum(),
        "subsidies without a job": _n_jobless(extracts),
    }


def _n_overlaps(jobs: pd.DataFrame, key: list[str]) -> int:
    ordered = jobs.sort_values([*key, "start_on"])
    end = pd.to_datetime(ordered["end_on"]).fillna(pd.Timestamp("2099-01-01"))
    previous = end.groupby([ordered[name] for name in key]).shift()
    return int((pd.to_datetime(ordered["start_on"]) <= previous).sum())


def _n_jobless(extracts: dict[str, pd.DataFrame]) -> int:
    """Wage subsidies that no job overlaps."""
    subsidies = extracts["wage_subsidy"].reset_index(names="subsidy")
    pairs = subsidies.merge(extracts["employment"], on="person_id", suffixes=("", "_job"))
    last = pd.to_datetime(pairs["end_on_job"]).fillna(pd.Timestamp("2099-01-01"))
    overlap = (pd.to_datetime(pairs["start_on_job"]) <= pd.to_datetime(pairs["end_on"])) & (
        last >= pd.to_datetime(pairs["start_on"])
    )
    return len(subsidies) - pairs.loc[overlap, "subsidy"].nunique()
