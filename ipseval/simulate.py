"""Trials with a planted truth, in the form in which registers deliver them.

The model is in ``ipseval.simulation.model``, the registers in ``ipseval.simulation.records``.
"""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from ipseval.contracts import EXTRACTS, schema
from ipseval.errors import Fault, UserError, nearest
from ipseval.settings import read_yaml
from ipseval.simulation import records
from ipseval.simulation.model import (
    DAYS_A_YEAR,
    Centre,
    People,
    Plan,
    draw_chain,
    draw_people,
    job_chances,
    true_effects,
)
from ipseval.simulation.records import NO_DAY, SCHOOL_ENDS, History

__all__ = ["Centre", "Plan", "read_plan", "simulate", "simulate_to", "true_effects", "write"]

NOT_DELIVERED = {  # columns of the contract that other columns or extracts stand for
    "trial": ("stratum", "cluster", "age", "female", "less_than_upper_secondary", "native_born"),
    "persons": ("birth_month", "returned_on"),
    "employment": ("status",),
    "education": ("class",),
}


def simulate(plan: Plan, rng: np.random.Generator) -> dict[str, pd.DataFrame]:
    """Draw a trial and everything that registers hold on its persons.

    Parameters
    ----------
    plan : Plan
    rng : Generator

    Returns
    -------
    dict
        Extract -> rows with the contract's columns (but ``NOT_DELIVERED``), sorted. Persons outside the trial
        stand in every extract but ``trial`` and ``services``. By the default rule (any day, any hours, no
        subsidy) each month's ordinary employment is exactly what the model drew.
    """
    people = draw_people(plan, rng)
    history = draw_history(plan, people, rng)
    runs = records.find_runs(history, rng)
    subsidised = records.subsidies(history, runs, rng)
    rows = {
        "trial": _trial(history, rng),
        "persons": _persons(history, rng),
        "employment": records.jobs(history, runs, subsidised, rng),
        "wage_subsidy": subsidised,
        **{name: function(history, rng) for name, function in records.RECORDS.items()},
    }
    keys = pd.Series([f"P{number:06d}" for number in range(1, len(people.centre) + 1)], dtype="str")
    return {name: _delivered(name, frame, keys) for name, frame in rows.items()}


def draw_history(plan: Plan, people: People, rng: np.random.Generator) -> History:
    """Draw each month's employment over the registers' months, and who dies or emigrates."""
    months = plan.months
    month_0 = (people.randomised_on.astype("datetime64[M]") - months[0]).astype(int)
    effects = np.vstack([plan.effects(), np.zeros(len(plan.arms))])  # the last row is for centre -1
    effect = effects[people.centre, people.arm]
    share, now = people.long_run_share, people.is_employed
    n_after, n_before = len(months) - 1 - int(month_0.min()), int(month_0.max())
    after = draw_chain(job_chances(plan, share, now, effect, n_after)[0], now, plan.exit_rate, rng)
    before = draw_chain(job_chances(plan, share, now, 0.0, n_before)[0], now, plan.exit_rate, rng)
    by_month = np.hstack([before[:, ::-1], now[:, None], after])  # columns are months -n_before..n_after
    columns = np.arange(len(months)) - month_0[:, None] + n_before
    is_working = np.take_along_axis(by_month, columns, axis=1)
    ended_on, is_dead = _endings(plan, people, rng)
    ended = np.where(np.isnat(ended_on), months[-1], ended_on.astype("datetime64[M]"))
    can_work_from = (people.born_on + int(SCHOOL_ENDS * DAYS_A_YEAR)).astype("datetime64[M]") + 1
    is_working &= (months <= ended[:, None]) & (months >= can_work_from[:, None])
    return History(plan, people, is_working, ended_on, is_dead)


def _endings(plan: Plan, people: People, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Day of death or emigration, whichever comes first, within the registers' months; and whether it is death."""
    n = len(people.centre)
    never = np.full(n, records.NO_MONTH)
    died, emigrated = (rng.geometric(rate, n) if rate else never for rate in (plan.death_rate, plan.emigration_rate))
    month = people.randomised_on.astype("datetime64[M]") + np.minimum(died, emigrated)
    day = month.astype("datetime64[D]")
    n_days = ((month + 1).astype("datetime64[D]") - day).astype(int)
    day = day + np.floor(rng.random(n) * n_days).astype(int)
    return np.where(month <= plan.months[-1], day, NO_DAY), died <= emigrated


def _trial(history: History, rng: np.random.Generator) -> pd.DataFrame:
    people, plan = history.people, history.plan
    person = np.flatnonzero(people.centre >= 0)
    centre = np.array(list(plan.centres))[people.centre[person]]
    withdrawn_on = people.randomised_on + rng.integers(1, 300, len(people.centre))
    is_withdrawn = (rng.random(len(people.centre)) < plan.withdrawal_share) & np.isnat(history.ended_on)
    return pd.DataFrame(
        {
            "person": person,
            "centre": centre,
            "arm": np.array(plan.arms)[people.arm[person]],
            "randomised_on": people.randomised_on[person],
            "block": [f"{c}-{b:03d}" for c, b in zip(centre, people.block[person], strict=True)],
            "withdrawn_on": np.where(is_withdrawn, withdrawn_on, NO_DAY)[person],
        }
    )


def _persons(history: History, rng: np.random.Generator) -> pd.DataFrame:
    people, n = history.people, len(history.people.centre)
    is_native = pd.Series(rng.random(n) < 0.85).astype("Int8")
    return pd.DataFrame(
        {
            "person": np.arange(n),
            "birth_date": people.born_on,
            "sex": np.where(rng.random(n) < 0.48, "female", "male"),
            "native_born": is_native.mask(rng.random(n) < 0.02),
            "died_on": np.where(history.is_dead, history.ended_on, NO_DAY),
            "emigrated_on": np.where(history.is_dead, NO_DAY, history.ended_on),
        }
    )


def _delivered(extract: str, frame: pd.DataFrame, keys: pd.Series) -> pd.DataFrame:
    """Rows in order, with the person's key and the contract's columns."""
    rows = frame.sort_values(list(frame.columns), ignore_index=True)
    rows.insert(0, "person_id", keys.take(rows.pop("person").to_numpy()).reset_index(drop=True))
    dates = [c.name for c in EXTRACTS[extract].columns if c.kind == "date" and c.name in rows]
    rows = rows.astype(dict.fromkeys(dates, "datetime64[s]"))
    return rows[[name for name in schema(EXTRACTS[extract]).names if name not in NOT_DELIVERED.get(extract, ())]]


def write(frames: Mapping[str, pd.DataFrame], folder: str | Path) -> None:
    """Write extracts as Parquet: equal frames give equal bytes, and no file is ever there in part."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    for name, frame in frames.items():
        declared = schema(EXTRACTS[name])
        fields = pa.schema([declared.field(column) for column in frame.columns])
        table = pa.Table.from_pandas(frame, schema=fields, preserve_index=False).replace_schema_metadata(None)
        partial = folder / f".{name}.partial"
        pq.write_table(table, partial, compression="zstd", row_group_size=1_000_000, version="2.6")
        partial.replace(folder / f"{name}.parquet")


def read_plan(file: str | Path) -> tuple[Plan, int]:
    """Read a plan file: ``seed`` and any field of :class:`Plan`; what it does not name is the plan's default.

    Raises
    ------
    UserError
        With every key that is unknown.
    """
    given = read_yaml(Path(file))
    seed = given.pop("seed", None)
    faults = _unknown(given, Plan, str(file), "")
    centres = given.get("centres") or {}
    for code, centre in centres.items():
        faults += _unknown(centre, Centre, str(file), f"centres.{code}.")
    if not isinstance(seed, int):
        faults.append(
            Fault(str(file), "seed is missing, or no whole number.", "Give one: it decides which trial is drawn.")
        )
    if faults:
        raise UserError(faults)
    if centres:
        given["centres"] = {str(code): Centre(**centre) for code, centre in centres.items()}
    if "treatments" in given:
        given["treatments"] = tuple(given["treatments"])
    plan = Plan(**given)
    if faults := _contradictions(plan, str(file)):
        raise UserError(faults)
    return plan, seed


def _unknown(given: Mapping[str, Any], fields_of: type, file: str, prefix: str) -> list[Fault]:
    known = [field.name for field in dataclasses.fields(fields_of)]
    return [Fault(file, f"{prefix}{key} is not a key.", nearest(key, known)) for key in given if key not in known]


def _contradictions(plan: Plan, file: str) -> list[Fault]:
    faults = []
    if not plan.observed_from <= plan.recruited_from <= plan.recruited_until <= plan.observed_until:
        remedy = "Order them: observed_from, recruited_from, recruited_until, observed_until."
        faults.append(Fault(file, "recruitment lies outside the registers' months.", remedy))
    named = {arm for centre in plan.centres.values() for arm in centre.effects} | set(plan.subsidised_starts)
    for arm in sorted(named - set(plan.arms)):
        remedy = nearest(arm, plan.arms) or "Add it to treatments."
        faults.append(Fault(file, f"'{arm}' is no arm of the plan.", remedy))
    return faults


def simulate_to(plan_file: str | Path, folder: str | Path) -> None:
    """Draw the trial of a plan file and write its extracts."""
    plan, seed = read_plan(plan_file)
    write(simulate(plan, np.random.default_rng(seed)), folder)
