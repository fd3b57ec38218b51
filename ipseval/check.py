"""Stage check: every fault of every extract at once; the trial's persons picked out of each delivery.

Nothing here prints a person's value: findings are counts.
"""

from dataclasses import replace

import numpy as np
import pandas as pd
import pyarrow as pa

from ipseval import extracts, rules
from ipseval.config import Cohort
from ipseval.contracts import EXTRACTS
from ipseval.convert import convert
from ipseval.errors import Fault, UserError, nearest
from ipseval.findings import Findings
from ipseval.layouts import LAYOUTS, Study
from ipseval.reading import SORTED_BY, Opened, note, open_extract, read_rows

MANY_ROWS = 10  # a month without a row is suspicious when the months beside it have so many
CODES = {"sex": ("female", "male"), "contact": ("outpatient", "day", "inpatient")}


def check(cohort: Cohort) -> dict[str, pd.DataFrame | None]:
    """Read, check and mend the extracts of a cohort.

    Parameters
    ----------
    cohort : Cohort

    Returns
    -------
    dict
        ``quality`` (one row a finding) and one table an extract, of the trial's persons only; None for an
        extract that was not delivered.

    Raises
    ------
    UserError
        One fault for each finding whose action is to stop.
    """
    found = Findings(cohort)
    _check_settings(cohort, found)
    opened = {name: open_extract(extract, cohort, found) for name, extract in EXTRACTS.items()}
    frames: dict[str, pd.DataFrame | None] = dict.fromkeys(EXTRACTS)
    trial = opened["trial"] and read_rows(opened["trial"], cohort, found, None)
    if trial is not None:
        frames["trial"] = _check_trial(trial, cohort, found, opened["trial"])
        known = _known(cohort, frames["trial"])
        for name, this in opened.items():
            if name != "trial" and this is not None:
                frames[name] = _person_rows(this, known, found)
                if name == "persons" and frames[name] is not None:
                    known = _vital(frames[name], known)
    if found.faults:
        raise UserError(found.faults)
    return {"quality": found.table(), **frames}


def _check_settings(cohort: Cohort, found: Findings) -> None:
    """Faults between configuration and extracts that no single extract shows."""
    where = cohort.file or f"{cohort.name}.yaml"
    layouts = {
        name: spec.get("layout", "spells") if isinstance(spec, dict) else str(spec)
        for name, spec in cohort.layouts.items()
    }
    for name, layout in layouts.items():
        if layout not in LAYOUTS:
            remedy = nearest(layout, LAYOUTS) or f"Known: {', '.join(LAYOUTS)}."
            found.faults.append(Fault(where, f"layouts.{name} names '{layout}', which is no layout.", remedy))
    employment = LAYOUTS.get(layouts.get("employment", "spells"))
    if employment and employment.is_dated and cohort.observed_until is None:
        remedy = "Without it, months after the end of the register would read as not employed."
        found.faults.append(
            Fault(
                where,
                "observed_until is missing: the last complete month of the employment register (YYYY-MM).",
                remedy,
            )
        )
    if cohort.outcome.exclude_wage_subsidy and not extracts.locate(cohort.extracts, "wage_subsidy"):
        remedy = "Deliver it, or set outcome.exclude_wage_subsidy: false and call the outcome what it then is."
        found.faults.append(
            Fault(where, "ordinary employment excludes wage subsidies, but wage_subsidy was not delivered.", remedy)
        )
    for name in cohort.checks:
        if name not in rules.RULES:
            found.faults.append(Fault(where, f"checks.{name} is no rule.", nearest(name, rules.RULES)))


def _check_trial(frame: pd.DataFrame, cohort: Cohort, found: Findings, this: Opened) -> pd.DataFrame:
    excluded = cohort.exclusions.get("trial", {})
    for column, declared in (("arm", cohort.arms.all), ("centre", tuple(cohort.centres))):
        allowed = {*declared, *excluded.get(column, [])}
        unknown = frame[column].notna() & ~frame[column].isin(allowed)
        article = "an" if column == "arm" else "a"
        note(
            this,
            "undeclared_code",
            unknown.to_numpy(),
            frame["person_id"],
            found,
            column=column,
            article=article,
            declare=f"{column}s or to exclusions",
        )
    empty = [c for c in cohort.centres if c not in set(frame["centre"])]
    if empty:
        found.add("trial", "empty_centre", f"{len(empty)} centre{'s' if len(empty) > 1 else ''}", 0, 0)
    frame = _one_row_per_person(frame, this, found)
    return _apply_row_rules(frame, this, _known(cohort, frame), found)


def _known(cohort: Cohort, trial: pd.DataFrame) -> rules.Known:
    """What is known before the extract of persons is read: nobody's birth or death."""
    randomised_on = trial.set_index("person_id")["randomised_on"]
    nothing = pd.Series(np.datetime64("NaT", "s"), index=randomised_on.index)
    return rules.Known(cohort, randomised_on, nothing, nothing)


def _one_row_per_person(frame: pd.DataFrame, this: Opened, found: Findings) -> pd.DataFrame:
    note(this, "duplicate_row", frame.duplicated().to_numpy(), frame["person_id"], found)
    frame = frame.drop_duplicates(ignore_index=True)
    several = frame["person_id"].duplicated(keep=False) & frame["person_id"].notna()
    if several.any():
        differing = frame[several].groupby("person_id").nunique(dropna=False).gt(1).any()
        columns = ", ".join(differing.index[differing])
        note(this, "contradicting_rows", several.to_numpy(), frame["person_id"], found, column=columns)
        frame = frame.drop_duplicates("person_id", ignore_index=True)
    return frame


def _person_rows(this: Opened, known: rules.Known, found: Findings) -> pd.DataFrame | None:
    """One extract besides the trial list, as spells where it is one."""
    name, keys = this.extract.name, known.randomised_on.index
    frame = read_rows(this, known.cohort, found, keys)
    if frame is None:
        return None
    others = this.delivery.n_rows - len(frame)
    if others:
        found.add(
            name,
            "person_not_in_trial",
            f"{others} of {this.delivery.n_rows} rows of {this.delivery.label}",
            others,
            None,
        )
    absent = len(keys.difference(pd.Index(frame["person_id"])))
    if absent:
        found.add(name, "trial_person_without_row", f"{absent} of {len(keys)} persons", None, absent)
    if "year_month" in this.columns:
        _check_months(this, found)
    frame = _check_codes(frame, this, known, found)
    if this.extract.one_row_per_person or this.layout is LAYOUTS["weekly_wide"]:
        frame = _one_row_per_person(frame, this, found)
    if this.extract.column("start_on"):
        if found.faults:  # rows that could not be read would only raise faults of their own
            frame = frame.dropna(subset=[c.name for c in this.contract if c.name in frame and not c.nullable])
        study = Study(known.randomised_on, known.cohort.window.months)
        frame = this.layout.to_spells(frame, study, this.options)
        frame = _apply_row_rules(frame, this, known, found)
    return frame.sort_values(list(frame.columns[:SORTED_BY]), ignore_index=True)


def _check_codes(frame: pd.DataFrame, this: Opened, known: rules.Known, found: Findings) -> pd.DataFrame:
    """Drop rows whose codes are excluded; note codes that nobody declared."""
    name = this.extract.name
    for column, codes in known.cohort.exclusions.get(name, {}).items():
        if column in frame:
            excluded = frame[column].isin(codes)
            note(this, "excluded_by_code", excluded.to_numpy(), frame["person_id"], found, column=column)
            frame = frame[~excluded].reset_index(drop=True)
    for column in (c for c in CODES if c in frame):
        unknown = (frame[column].notna() & ~frame[column].isin(CODES[column])).to_numpy()
        note(
            this,
            "undeclared_code",
            unknown,
            frame["person_id"],
            found,
            column=column,
            article="a",
            declare=f"values.{name}.{column}",
        )
    if this.layout.undeclared:
        rows = this.layout.undeclared(frame, this.options)
        note(
            this,
            "undeclared_code",
            rows,
            frame["person_id"],
            found,
            column="week",
            article="a",
            declare=f"layouts.{name}",
        )
    return frame


def _apply_row_rules(frame: pd.DataFrame, this: Opened, known: rules.Known, found: Findings) -> pd.DataFrame:
    for rule in (r for r in rules.ROW_RULES if r.applies(this.extract.name)):
        rows = rule.find(frame, known)
        action = note(this, rule.name, rows, frame["person_id"], found, column=rule.column)
        if action == "drop":
            frame = frame[~rows].reset_index(drop=True)
        elif action == "fix" and rule.mend:
            frame = rule.mend(frame, rows, known).reset_index(drop=True)
    return frame


def _check_months(this: Opened, found: Findings) -> None:
    """A month missing between full ones, or delivered in two files."""
    months = extracts.rows_by(this.delivery, this.columns["year_month"])
    value = pa.chunked_array([pa.Array.from_pandas(months["value"])])
    when = convert(value, "month").values.to_numpy().astype("datetime64[M]")
    months = (
        months.assign(month=when.astype(int))[~np.isnat(when)].groupby("month").agg({"n_rows": "sum", "n_files": "max"})
    )
    every = months.reindex(range(months.index.min(), months.index.max() + 1), fill_value=0)["n_rows"].to_numpy()
    beside = np.minimum(np.maximum.accumulate(every), np.maximum.accumulate(every[::-1])[::-1])
    missing = int(np.sum((every == 0) & (beside >= MANY_ROWS)))
    if missing:
        found.add(
            this.extract.name,
            "missing_month",
            f"{missing} month{'s' if missing > 1 else ''} of {this.delivery.label}",
            None,
            None,
        )
    if len(this.delivery.files) >= len(months) and (months["n_files"] > 1).any():
        rows = int(months.loc[months["n_files"] > 1, "n_rows"].sum())
        found.add(this.extract.name, "two_files_one_month", f"{rows} rows of {this.delivery.label}", rows, None)


def _vital(persons: pd.DataFrame, known: rules.Known) -> rules.Known:
    """Birth and the earlier of death and emigration, looked up by person."""
    delivered = persons.set_index("person_id").reindex(known.randomised_on.index)
    ends = [delivered[c] for c in ("died_on", "emigrated_on") if c in delivered]
    return replace(
        known,
        born_on=delivered["birth_date"] if "birth_date" in delivered else known.born_on,
        ended_on=pd.concat(ends, axis=1).min(axis=1) if ends else known.ended_on,
    )
