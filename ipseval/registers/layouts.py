"""Layouts that extracts arrive in: a registry of adapters to the columns of the contract.

An adapter takes the rows of the trial's persons. Of spells it returns ``is_observed``, too: 1 for a spell, 0 for
days on which nothing is known. Days that no row speaks of are "no spell", never unknown.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd

from ipseval.config import Cohort
from ipseval.contracts import Column, Extract
from ipseval.registers import adapters, weeks
from ipseval.registers.adapters import Study
from ipseval.registers.row_periods import MONTH_COLUMN, YEAR_COLUMN
from ipseval.registers.sources import sources

Options = Mapping[str, Any]
DAY, WEEK, MONTH = "day", "week", "month"


@dataclass(frozen=True)
class Layout:
    """A layout: the columns it needs of a delivery, and its adapter.

    Parameters
    ----------
    meaning, loses : str
        What a row is; what the layout cannot carry of a register of dated spells (empty: nothing).
    columns : function
        (extract, names of the delivered columns, options) -> the columns to be read.
    adapt : function
        (frame, study, options) -> rows with the contract's columns.
    serves : function
        Whether an extract may arrive in it.
    is_dated : bool
        Whether days that no row speaks of are known, up to the end of the register: ``observed_until`` is needed.
    grain : str
        What a row knows of time: the day, the week or the month.
    is_wide : bool
        Whether a row holds many months or weeks of a person, one a column.
    one_row : tuple of str
        Columns that together stand in one row only; none when rows may repeat.
    options, needed_options : mapping, tuple
        Option -> what it holds; those that must be given.
    period : function
        options -> the column of a row's month or year, which may stand in the file's name instead; or None.
    outside : function or None
        (frame, options) -> rows without a day in their month or year.
    undeclared, coded : function or None, str
        (frame, options) -> rows with a code that nothing declares; how messages call the code.
    """

    meaning: str
    columns: Callable[[Extract, Iterable[str], Options], tuple[Column, ...]]
    adapt: Callable[[pd.DataFrame, Study, Options], pd.DataFrame]
    serves: Callable[[Extract], bool]
    loses: str = ""
    is_dated: bool = True
    grain: str = DAY
    is_wide: bool = False
    one_row: tuple[str, ...] = ()
    options: Mapping[str, str] = field(default_factory=dict)
    needed_options: tuple[str, ...] = ()
    period: Callable[[Options], str | None] = lambda options: None
    outside: Callable[[pd.DataFrame, Options], np.ndarray] | None = None
    undeclared: Callable[[pd.DataFrame, Options], np.ndarray] | None = None
    coded: str = ""


def _spells(extract: Extract) -> bool:
    return extract.column("start_on") is not None


def _states(extract: Extract) -> bool:
    """Spells that need no code to be what they are."""
    return _spells(extract) and extract.kind_column is not None and not extract.kind_column.needed


def _only(name: str) -> Callable[[Extract], bool]:
    return lambda extract: extract.name == name


def _in_place_of(without: tuple[str, ...], *own: Column) -> Callable[..., tuple[Column, ...]]:
    """The extract's columns, some of them replaced by a layout's own."""
    return lambda extract, names, options: (*(c for c in extract.columns if c.name not in without), *own)


def _month(name: str, meaning: str) -> Column:
    return Column(name, "month", f"{meaning}: YYYYMM, YYYY-MM or a date.", needed=False, nullable=True)


DAYS = ("start_on", "end_on")
_EMPLOYED = Column("employed", "flag", "1 or 0; empty: not known.", needed=False, nullable=True)
_YEAR_MONTH = replace(_month(MONTH_COLUMN, "Calendar month"), needed=True, nullable=False)
_PERIODS = {"month": _YEAR_MONTH, "year": Column(YEAR_COLUMN, "integer", "Calendar year.")}


def _period_columns(extract: Extract, names: Iterable[str], options: Options) -> tuple[Column, ...]:
    return (*extract.columns, _PERIODS.get(options.get("period", ""), _YEAR_MONTH))


LAYOUTS: dict[str, Layout] = {
    "spells": Layout(
        "One row a spell, with its first and last day; or, of an extract without spells, the columns above.",
        lambda extract, names, options: extract.columns,
        adapters.rows_as_they_are,
        lambda extract: True,
    ),
    "spells_in_period": Layout(
        "One row a job and month (or year), with the job's first and last day, of which those in the row's month "
        "count. The month stands in `year_month` (the year in `year`), or in the name of the file.",
        _period_columns,
        adapters.spells_in_period,
        _spells,
        options={"period": "month or year: what a row, or a file, speaks of."},
        needed_options=("period",),
        period=lambda options: YEAR_COLUMN if options.get("period") == "year" else MONTH_COLUMN,
        outside=adapters.outside_period,
    ),
    "spells_by_month": Layout(
        "One row a spell, with its first and last month in `start_month` and `end_month`.",
        _in_place_of(
            DAYS,
            replace(_month("start_month", "First month"), needed=True, nullable=False),
            _month("end_month", "Last month; empty: still open"),
        ),
        adapters.spells_by_month,
        _spells,
        loses="Days: a spell covers its first and last month whole.",
        grain=MONTH,
    ),
    "monthly": Layout(
        "One row a person, job and calendar month; the month stands in `year_month` or in the name of the file. "
        "A month without a row is no spell.",
        _in_place_of(DAYS, _YEAR_MONTH, _EMPLOYED),
        adapters.monthly,
        _spells,
        loses="Days: a spell covers its months whole.",
        grain=MONTH,
        period=lambda options: MONTH_COLUMN,
    ),
    "relative_monthly": Layout(
        "One row a person and month counted from randomisation. A month without a row is not observed.",
        lambda extract, names, options: (
            extract.columns[0],
            Column("month", "integer", "Month since randomisation."),
            replace(_EMPLOYED, needed=True),
        ),
        adapters.relative_monthly,
        _states,
        loses="Days, employers, hours, and months outside the window.",
        is_dated=False,
        grain=MONTH,
        one_row=("person_id", "month"),
    ),
    "weekly_wide": Layout(
        "One row a person, one column a week, counted from randomisation (w1, w2, ...) or by calendar (y_YYWW). "
        "Cells are 0, 1 or empty (not observed), or codes. A week without a column is not observed.",
        weeks.columns,
        weeks.spells,
        _spells,
        loses="Days: a spell covers its weeks whole, and a calendar week belongs to every month it has a day in. "
        "Employers, hours, and all but one of the codes of a week. Of weeks counted from randomisation, months 0 "
        "and before.",
        is_dated=False,
        grain=WEEK,
        is_wide=True,
        one_row=("person_id",),
        options={
            "prefix": "What the names of the week columns begin with, before the digits.",
            "weeks": "relative or calendar (YYWW); found from the names w... and y_... otherwise.",
            "employed": "Codes that mean employed: each is a spell with the code as its `kind`.",
            "not_employed": "Codes that mean not employed.",
            "received": "Of another extract than employment: codes that make a spell of that kind; * for every other.",
            "not_received": "Of another extract than employment: codes that make none; * for every other.",
            "empty": "none: an empty cell, or no row, means no spell; otherwise it is not observed.",
        },
        undeclared=weeks.undeclared,
        coded="week",
    ),
    "persons_by_month": Layout(
        "Persons with months of death, emigration and return, `died_month`, `emigrated_month` and `returned_month`, "
        "where the days are not delivered; and of birth, `birth_month`.",
        _in_place_of(
            (),
            _month("died_month", "Month of death"),
            _month("emigrated_month", "Month of emigration"),
            _month("returned_month", "Month of return"),
        ),
        adapters.persons_by_month,
        _only("persons"),
        loses="Days: death, emigration and return are on the last day of their month, birth on the 15th.",
        one_row=("person_id",),
    ),
    "nus2000": Layout(
        "Completed levels as whole codes in `nus2000`, and the month of completion in `completed_month` where the "
        "day is not delivered.",
        _in_place_of(
            ("level",),
            Column("nus2000", "code", "Whole NUS2000 code; its first digit of six is the level.", nullable=True),
            _month("completed_month", "Month of completion"),
        ),
        adapters.nus2000,
        _only("education"),
        loses="Days, where the month is delivered: the level is completed on its last day.",
        undeclared=adapters.no_level,
        coded="nus2000",
    ),
}


def grain(cohort: Cohort, extract: str) -> str:
    """What an extract knows of time: the coarsest of its sources' layouts."""
    known = [LAYOUTS[source.layout].grain for source in sources(cohort, extract)]
    return next((unit for unit in (MONTH, WEEK) if unit in known), DAY)
