"""A delivery in a cohort file's own form, of persons who do not exist: to try everything before the data are there."""

from collections.abc import Iterator

import numpy as np
import pandas as pd
import pyarrow as pa

from ipseval.config import Cohort, code
from ipseval.contracts import EXTRACTS, Column, Extract
from ipseval.dummy.layouts import BACKWARDS, Drawn, with_period
from ipseval.dummy.written import column_name, days, delivered_codes, file_name, numbers
from ipseval.registers.categories import CATEGORY
from ipseval.registers.convert import OTHER
from ipseval.registers.layouts import LAYOUTS
from ipseval.registers.named_codes import named
from ipseval.registers.rules import RULES
from ipseval.registers.sources import Source, sources
from ipseval.simulate import simulate
from ipseval.simulation.model import Centre, Plan

SPARE = 18  # months of the registers beyond the window
DREAM = ("651", "730", "111", "783", "890")  # benefits of a week where no code is named
LATEST = "2018-12"
LEVELS = ("a", "b", "c")
AMONG, SPREAD = 6, 7919  # a named code is that of one row in so many; a prime that spreads them
KEPT, N_LEFT_OUT = "kept", 3  # code of a column by which others are left out; rows with each code that is
SENTINEL = pd.Timestamp("9999-12-31")
FAULTS = {
    "sentinel_date": 0.5,
    "duplicate_row": 0.01,
    "key_blanks": 0.01,
    "missing_key": 0.005,
}  # rule -> share of rows
Tables = dict[str, pa.Table]


def draw(cohort: Cohort, n_per_centre: int, seed: int, has_faults: bool) -> Tables:
    """Files of a delivery, by name within the folder of the extracts; equal arguments give equal tables.

    Parameters
    ----------
    cohort : Cohort
    n_per_centre : int
        Persons randomised in each centre.
    seed : int
    has_faults : bool
        Whether to put faults in that registers have and that do not stop a run.

    Raises
    ------
    UserError
        The files are named so that no month or year can be told.
    """
    rng = np.random.default_rng(seed)
    plan = plan_of(cohort, n_per_centre)
    frames = simulate(plan, rng)
    frames["trial"] = _with_covariates(frames["trial"], cohort, rng)
    made: Tables = {}
    for extract in EXTRACTS.values():
        rows = _with_named_codes(frames[extract.name], extract, cohort)
        every = sources(cohort, extract.name)
        for i, source in enumerate(every):
            own = _with_left_out(_of_source(rows, source, i, len(every)), source, extract)
            rest = (own, source, plan, frames["trial"], cohort, rng if has_faults else None)
            for name, table in _files(extract, *rest):
                made[name] = _joined(made[name], table) if name in made else table
    return made


def plan_of(cohort: Cohort, n_per_centre: int) -> Plan:
    """A trial with the cohort's centres, arms and months, recruited so that the window lies in the registers."""
    bounds = [s for s in sources(cohort, "employment") if s.observed_from or s.observed_until]
    until = cohort.observed_until or next((s.observed_until for s in reversed(bounds) if s.observed_until), LATEST)
    last, window = pd.Period(until, "M"), cohort.window
    earliest = last - window.before - window.after - SPARE
    first = pd.Period(cohort.observed_from, "M") if cohort.observed_from else earliest
    opens, closes = first + window.before, last - window.after
    if opens > closes:  # the window is longer than the registers: recruited in the middle third
        third = (last - first).n // 3
        opens, closes = first + third, last - third
    closes = min(closes, opens + SPARE)
    codes, arms = list(cohort.centres), cohort.arms
    effects = {arm: 0.1 for arm in arms.treatments}
    centres = {c: Centre(n_per_centre, 0.3 * (-1) ** i, effects) for i, c in enumerate(codes)}
    return Plan(
        centres=centres,
        reference=arms.reference,
        treatments=arms.treatments,
        subsidised_starts={arm: 0.3 for arm in arms.all},
        after=window.after,
        n_outside_trial=max(n_per_centre // 2, 5),
        recruited_from=str(opens),
        recruited_until=str(closes),
        observed_from=str(first),
        observed_until=str(last),
    )


def _with_covariates(trial: pd.DataFrame, cohort: Cohort, rng: np.random.Generator) -> pd.DataFrame:
    """The further baseline columns that the cohort file declares: levels that it names, else flags."""
    levels: dict[str, list[str]] = {}
    for analysis in cohort.analyses:
        if analysis.subgroup and analysis.subgroup.levels:
            levels.setdefault(analysis.subgroup.covariate, []).extend(analysis.subgroup.levels)
    for name, kind in cohort.covariates.items():
        if name not in trial:
            own = [*dict.fromkeys(levels.get(name, ())), *LEVELS] if kind == CATEGORY or name in levels else [0, 1]
            trial = trial.assign(**{name: rng.choice(np.array(own, dtype=object), len(trial))})
    return trial


def _with_named_codes(rows: pd.DataFrame, extract: Extract, cohort: Cohort) -> pd.DataFrame:
    """Rows with every code that the cohort file names and does not leave out."""
    if extract.name == "services":
        first = {arm: cohort.receipt.codes(arm)[0] for arm in cohort.arms.treatments}
        rows = rows.assign(service=rows["service"].replace(first))
    free = np.argsort(np.arange(len(rows)) * SPREAD % max(len(rows), 1), kind="stable")
    for one in named(cohort, extract.name):
        values = cohort.values.get(extract.name, {}).get(one.column, {})
        ours = one.codes if one.are_ours else tuple(dict.fromkeys(values.get(c, c) for c in one.codes))
        codes = [c for c in ours if c != OTHER]
        absent = [] if "exclusions" in one.key or one.column not in rows else sorted({*codes} - {*rows[one.column]})
        n = max(len(rows) // (AMONG * len(absent)), 1) if absent else 0
        cells = rows[one.column].astype(object).to_numpy(copy=True) if absent else np.array([])
        for name in absent:
            cells[free[:n]] = name
            free = np.roll(free, -n)  # so that no code takes the place of another
        rows = rows.assign(**{one.column: cells}) if absent else rows
    return rows


def _with_left_out(rows: pd.DataFrame, source: Source, extract: Extract) -> pd.DataFrame:
    """Rows with each code that the source leaves out, beside those that stay."""
    n_own = len(rows)
    for column, codes in source.exclusions.items() if n_own else ():
        if column not in rows:
            rows = rows.assign(**{column: KEPT})
        absent = [c for c in codes if c not in set(rows[column])]
        more = rows.iloc[[i % n_own for i in range(len(absent) * N_LEFT_OUT)]].assign(**{column: absent * N_LEFT_OUT})
        if extract.one_row_per_person:
            more["person_id"] = [f"X{len(rows) + i:06d}" for i in range(len(more))]
        rows = pd.concat([rows, more], ignore_index=True)
    return rows


def _of_source(rows: pd.DataFrame, source: Source, i: int, n: int) -> pd.DataFrame:
    """The rows that one of several sources holds: of its months, else every n-th; of its constant code."""
    if n > 1 and "start_on" in rows and (source.observed_from or source.observed_until):
        opens, closes = pd.Period(source.observed_from or "1900-01", "M"), source.observed_until or "2200-12"
        is_in = ~(rows["end_on"] < opens.start_time) & (rows["start_on"] <= pd.Period(closes, "M").end_time)
        rows = rows[is_in].reset_index(drop=True)
    elif n > 1:
        rows = rows[np.arange(len(rows)) % n == i].reset_index(drop=True)
    return rows


def _files(
    extract: Extract, rows: pd.DataFrame, source: Source, plan: Plan, trial: pd.DataFrame, cohort: Cohort,
    rng: np.random.Generator | None,
) -> Iterator[tuple[str, pa.Table]]:  # fmt: skip
    """Files of a source, with their names."""
    layout = LAYOUTS[source.layout]
    first = max(pd.Period(plan.observed_from, "M"), pd.Period(source.observed_from or plan.observed_from, "M"))
    last = min(pd.Period(plan.observed_until, "M"), pd.Period(source.observed_until or plan.observed_until, "M"))
    codes = _cell_codes(extract, source, cohort) if layout.is_wide else ()
    drawn = Drawn(extract, rows, trial, (first, last), cohort.window.months, source.options, codes)
    in_names = any("*" in pattern for pattern in source.files)
    column = layout.period(source.options)
    told = {column} & set(source.asked) if column else set()
    parts = list(BACKWARDS[source.layout](drawn))
    if not in_names or told:
        whole = [with_period(part, period) if period is not None else part for period, part in parts]
        parts = [(None, pd.concat(whole, ignore_index=True))]
    for period, part in parts:
        name = file_name(source.files, f"{extract.name}.parquet", period, last)
        spoilt = part if rng is None or layout.is_wide else _spoilt(part, extract, source, cohort, rng)
        yield name, _table(spoilt, extract, source, cohort)


def _cell_codes(extract: Extract, source: Source, cohort: Cohort) -> tuple[str, ...]:
    """Codes of a layout with codes in its cells: those that states name, and those that it counts."""
    said = [str(c) for key in ("employed", "received") for c in source.options.get(key, ())]
    idle = {str(c) for key in ("not_employed", "not_received") for c in source.options.get(key, ())}
    asked = [c for spec in cohort.states.values() for c in spec.get(extract.name, ())]
    known = [c for c in (*asked, *said) if c != OTHER and c not in idle]
    return tuple(dict.fromkeys(known or (DREAM if said else ())))


def _spoilt(
    rows: pd.DataFrame, extract: Extract, source: Source, cohort: Cohort, rng: np.random.Generator
) -> pd.DataFrame:
    """Rows with faults that registers have; a rule at which the cohort stops is left alone."""
    share = {rule: s for rule, s in FAULTS.items() if cohort.checks.get(rule, RULES[rule].action) != "stop"}
    if extract.name == "trial" or not len(rows):
        return rows
    chosen = {rule: rng.random(len(rows)) < s for rule, s in share.items()}
    if (
        "sentinel_date" in chosen
        and "end_on" in rows
        and extract.name == "employment"
        and not source.written("end_on").form
    ):
        rows = rows.assign(end_on=rows["end_on"].mask(rows["end_on"].isna() & chosen["sentinel_date"], SENTINEL))
    if "key_blanks" in chosen:
        rows = rows.assign(person_id=rows["person_id"].where(~chosen["key_blanks"], rows["person_id"] + "  "))
    if "missing_key" in chosen and not extract.one_row_per_person:
        rows = rows.assign(person_id=rows["person_id"].mask(chosen["missing_key"]))
    if "duplicate_row" in chosen:
        rows = pd.concat([rows, rows[chosen["duplicate_row"]]], ignore_index=True)
    return rows


def _table(rows: pd.DataFrame, extract: Extract, source: Source, cohort: Cohort) -> pa.Table:
    """Rows under the register's names, written as the cohort file says."""
    kinds = {c.name: c for c in LAYOUTS[source.layout].columns(extract, rows.columns, source.options)}
    spec = cohort.layouts.get(extract.name, {})
    is_register = any("usual_columns" in own for own in (spec if isinstance(spec, list) else [spec]))
    arrays = {}
    for name in rows.columns:
        column = kinds.get(name) or Column(name, "code", "")
        is_named = name in source.columns or column.needed or extract.column(name) is None
        if name not in source.constants and (is_named or not is_register):
            arrays[column_name(source.names(name))] = _written(rows[name], column, source)
    return pa.table(arrays)


def _written(values: pd.Series, column: Column, source: Source) -> pa.Array:
    written = source.written(column.name)
    if column.kind == "date" or (column.kind == "month" and pd.api.types.is_datetime64_any_dtype(values)):
        return days(values.astype("datetime64[s]"), written)
    if column.name == "weekly_hours" and source.full_time_hours:
        return numbers(values / source.full_time_hours, written)
    mapping = source.values.get(column.name, {})
    if mapping:
        codes = [None if pd.isna(v) else code(v) for v in values.astype(object)]
        return pa.array(delivered_codes(codes, mapping), pa.string())
    if column.kind == "number" and (written.decimal or written.thousands):
        return numbers(values, written)
    cells = [None if pd.isna(v) else v for v in values.astype(object)]
    return pa.array(
        [v if v is None or isinstance(v, str) else v.item() if isinstance(v, np.generic) else v for v in cells]
    )


def _joined(one: pa.Table, other: pa.Table) -> pa.Table:
    """A file that two extracts are read from, as benefits and states of DREAM: the first's cells go before."""
    key = next(name for name in one.column_names if name in other.column_names)
    both = one.to_pandas().set_index(key).combine_first(other.to_pandas().set_index(key)).reset_index()
    return pa.Table.from_pandas(both, preserve_index=False).replace_schema_metadata(None)
