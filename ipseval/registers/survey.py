"""What a delivery holds, told without a person's value: codes that several persons share, forms of dates, months."""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd
import pyarrow as pa

from ipseval.registers import extracts, unread
from ipseval.registers.cells import as_code, plain
from ipseval.registers.convert import convert
from ipseval.registers.coverage import MIN_PERSONS, months_covered
from ipseval.registers.date_forms import likely_form
from ipseval.registers.dates import SENTINEL_YEAR
from ipseval.registers.distinct import stacked
from ipseval.registers.keys import canonical_keys
from ipseval.registers.recognise import Guess

CODED = ("centre", "arm", "sex", "kind", "measure", "benefit", "contact", "service")
MAX_CODES = 60  # a column with more is no list of codes
FORMS = {
    "YYYY-MM-DD": r"\d{4}-\d{2}-\d{2}([T ].*)?",
    "YYYYMMDD": r"\d{8}",
    "DD.MM.YYYY": r"\d{2}\.\d{2}\.\d{4}",
    "YYYYMM": r"\d{6}",
    "YYYY-MM": r"\d{4}-\d{2}",
}


@dataclass(frozen=True)
class Codes:
    """Codes that at least ``MIN_PERSONS`` persons share, sorted, and how many codes fewer persons have."""

    shared: tuple[str, ...]
    n_rare: int


@dataclass(frozen=True)
class Dates:
    """How dates are written, how many are far in the future, how many cannot be read, and the months they cover.

    ``likely`` is the form to declare, where they cannot be read and one fits; ``is_moment`` whether they are times of
    day in no zone that is known.
    """

    form: str
    n_open: int
    n_unreadable: int
    months: tuple[str, str] | None
    likely: str | None = None
    is_moment: bool = False


@dataclass(frozen=True)
class Survey:
    """What one extract holds of the trial's persons; ``unused`` columns with their type and number of values."""

    n_rows: int = 0
    n_persons: int = 0
    codes: dict[str, Codes] = field(default_factory=dict)
    dates: dict[str, Dates] = field(default_factory=dict)
    unused: dict[str, str] = field(default_factory=dict)
    keys: tuple[str, ...] = field(default=(), repr=False)
    is_readable: bool = True


def survey(guess: Guess, keys: tuple[str, ...] | None) -> Survey:
    """Look at the columns with codes and dates.

    Parameters
    ----------
    guess : Guess
    keys : tuple of str or None
        Persons of the trial, the only ones who are read; None: everybody, for the trial list itself.
    """
    kinds = {column.name: column.kind for column in guess.contract if column.name in guess.columns}
    wanted = [name for name, kind in kinds.items() if name in CODED or kind in ("date", "month")]
    columns = {name: guess.columns[name].names for name in ("person_id", *wanted)}
    unused = unread.names(guess.delivery, (match.names for match in guess.columns.values()))
    if any(file.column(columns["person_id"]) is None for file in guess.delivery.files):
        return Survey(is_readable=False)
    try:
        parts = extracts.read(guess.delivery, columns, keys, unread.counted(guess.delivery, unused))
    except extracts.UnreadableError:
        return Survey(is_readable=False)
    person = stacked([canonical_keys(part.table["person_id"]).values for part in parts]).astype("str")
    raw = {name: [part.column(name) or _empty(part) for part in parts] for name in wanted}
    return Survey(
        n_rows=len(person),
        n_persons=int(person.nunique()),
        codes={name: _codes(person, raw[name]) for name in wanted if name in CODED},
        dates={name: _dates(person, raw[name], kinds[name]) for name in wanted if name not in CODED},
        unused=unread.told(guess.delivery, unused, parts),
        keys=tuple(sorted(person.dropna().unique())) if keys is None else (),
    )


def _empty(part: extracts.Part) -> pa.ChunkedArray:
    return pa.chunked_array([pa.nulls(part.table.num_rows, pa.string())])


def _codes(person: pd.Series, raw: list[pa.ChunkedArray]) -> Codes:
    values = pd.concat([_as_text(column) for column in raw], ignore_index=True)
    n_persons = person.groupby(values).nunique()
    shared = sorted(n_persons.index[n_persons >= MIN_PERSONS], key=_in_order)
    if len(shared) > MAX_CODES:
        return Codes((), len(n_persons))
    return Codes(tuple(shared), int((n_persons < MIN_PERSONS).sum()))


def _in_order(value: str) -> tuple[bool, int, str]:
    """Numbers by size, before texts."""
    return (not value.isdigit(), int(value) if value.isdigit() else 0, value)


def _as_text(column: pa.ChunkedArray) -> pd.Series:
    return as_code(plain(column))


def _dates(person: pd.Series, raw: list[pa.ChunkedArray], kind: str) -> Dates:
    converted = [convert(column, kind) for column in raw]
    days = pd.concat([c.values for c in converted], ignore_index=True)
    is_open = (days.dt.year >= SENTINEL_YEAR).to_numpy()
    n_unreadable = int(np.concatenate([c.failed for c in converted]).sum())
    forms = sorted({_form(column) for column in raw if len(column)})
    months = months_covered(person[~is_open], days[~is_open])
    own = [_as_text(column).dropna() for column in raw if n_unreadable and not pa.types.is_nested(column.type)]
    fitting = likely_form(pd.concat(own, ignore_index=True), kind) if own else None
    is_moment = any(c.fixed == "unknown_time_zone" for c in converted)
    return Dates(" and ".join(forms), int(is_open.sum()), n_unreadable, months, fitting, is_moment)


def _form(column: pa.ChunkedArray) -> str:
    """How the dates of a column are written."""
    if pa.types.is_timestamp(column.type):
        return f"times in the zone {column.type.tz}" if column.type.tz else "times"
    if pa.types.is_date(column.type):
        return "dates"
    text = _as_text(column).dropna()
    return next(
        (form for form, shape in FORMS.items() if len(text) and text.str.fullmatch(shape).all()), "another form"
    )
