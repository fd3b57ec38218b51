"""What spoils a delivery: small functions that make one fault each, to be put together."""

from collections.abc import Callable
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa

from deliveries import Delivery, good

Plant = Callable[[Delivery], Any]
OSLO = ZoneInfo("Europe/Oslo")


def local_midnight(day: date) -> datetime:
    """The first moment of a day in Oslo, which is the day before in UTC."""
    return datetime(day.year, day.month, day.day, tzinfo=OSLO)


def as_zoned(extract: str, column: str, zone: str = "Europe/Oslo") -> Plant:
    """Dates become times with a zone."""
    return lambda d: d.map(extract, column, local_midnight, pa.timestamp("us", zone))


def as_codes(extract: str, column: str, shape: str) -> Plant:
    """Dates become text or, where that is digits only, numbers."""
    return lambda d: d.map(extract, column, lambda v: v.strftime(shape))


def as_number(extract: str, column: str) -> Plant:
    return lambda d: d.map(extract, column, lambda v: int(v.strftime("%Y%m%d")))


def digits(**spelled: Callable[[int], Any]) -> Plant:
    """Keys become whole numbers, or are spelled otherwise in some extracts."""

    def plant(d: Delivery) -> None:
        for extract in d.tables:
            spell = spelled.get(extract, int)
            d.map(extract, "person_id", lambda key, spell=spell: spell(int(key.removeprefix("P"))))

    return plant


def put(extract: str, rows: list[int], **values: Any) -> Plant:
    return lambda d: d.put(extract, rows, **values)


def repeat(extract: str, rows: list[int], **changed: Any) -> Plant:
    return lambda d: d.repeat(extract, rows, **changed)


def fill(extract: str, column: str, value: Any) -> Plant:
    """A value stands where the column was empty."""
    return lambda d: d.replace(
        extract, column, [value if v is None else v for v in d.column(extract, column)], d.tables[extract][column].type
    )


def spells(extract: str, person: str, *spans: tuple[str, str | None], **more: Any) -> Plant:
    """Further spells of a person."""
    rows = [{"person_id": person, "start_on": day(a), "end_on": b and day(b)} | more for a, b in spans]
    return lambda d: d.append(extract, rows)


def day(text: str) -> date:
    return date.fromisoformat(text)


def emptied(extract: str, column: str) -> Plant:
    return lambda d: d.replace(extract, column, pa.nulls(d.tables[extract].num_rows, d.tables[extract][column].type))


def without(extract: str) -> Plant:
    return lambda d: d.tables.pop(extract)


def configure(**keys: Any) -> Plant:
    return lambda d: d.config.update(keys)


def in_files(extract: str = "employment", n_files: int = 3, suffix: str = ".parquet") -> Plant:
    """The extract as a folder of files, by person."""

    def plant(d: Delivery) -> None:
        parts = d.split(extract, lambda row: int(row["person_id"].removeprefix("P")) % n_files)
        d.files |= {f"{extract}{'' if suffix else '.parquet'}/part{n}.parquet": part for n, part in parts.items()}

    return plant


def in_months(d: Delivery) -> None:
    """A monthly delivery as one file a month, named as Statistics Norway names them."""
    parts = d.split("employment", lambda row: row["year_month"])
    d.files |= {f"employment/ameld_{m // 100}_m{m % 100}.parquet": part for m, part in parts.items()}


def in_one_file(name: str, spoil: Callable[[pa.Table], pa.Table]) -> Plant:
    """One file of those in a folder differs."""
    return lambda d: d.files.update({name: spoil(d.files[name])})


def cast(column: str, function: Callable[[Any], Any]) -> Callable[[pa.Table], pa.Table]:
    """A column of a table in another type."""

    def spoil(table: pa.Table) -> pa.Table:
        values = pa.array([None if v is None else function(v) for v in table[column].to_pylist()])
        return table.set_column(table.column_names.index(column), column, values)

    return spoil


def both(*plants: Plant) -> Plant:
    """Several faults in one delivery."""

    def plant(d: Delivery) -> None:
        for one in plants:
            one(d)

    return plant


def each_week(function: Callable[[Any], Any]) -> Plant:
    """The cells of every week in another type."""
    return lambda d: [d.map("employment", week, function) for week in d.tables["employment"].column_names[1:]]


def write_bytes(name: str, content: Callable[[bytes], bytes] | bytes) -> Plant:
    """A file is spoilt after it was written."""
    return lambda d: d.files.update({name: content})


def without_pages(content: bytes) -> bytes:
    """A Parquet file with its footer and half of its pages."""
    footer = int.from_bytes(content[-8:-4], "little") + 8
    return content[:4] + content[4 : (len(content) - footer) // 2] + content[-footer:]


def without_month(month: int) -> Plant:
    def plant(d: Delivery) -> None:
        table = d.tables["employment"]
        d.tables["employment"] = table.filter(pa.array([m != month for m in d.column("employment", "year_month")]))

    return plant


def drop_columns(extract: str, *names: str) -> Plant:
    return lambda d: d.tables.update({extract: d.tables[extract].drop_columns(names)})


def rename(extract: str, **names: str) -> Plant:
    """Columns have other names: ours=theirs."""
    return lambda d: d.tables.update({extract: d.tables[extract].rename_columns(names)})


# --- counts of the good delivery, by hand


def n_with(extract: str, column: str, holds: Callable[[Any], bool]) -> tuple[int, int]:
    """Rows of the good delivery whose value holds, and their persons."""
    delivery = good()
    pairs = zip(delivery.column(extract, "person_id"), delivery.column(extract, column), strict=True)
    persons = [person for person, value in pairs if holds(value)]
    return len(persons), len(set(persons))


def n_filled(extract: str, column: str) -> tuple[int, int]:
    return n_with(extract, column, lambda value: value is not None)


def n_empty(extract: str, column: str) -> tuple[int, int]:
    return n_with(extract, column, lambda value: value is None)


IN_PART_1 = n_with("employment", "person_id", lambda key: int(key.removeprefix("P")) % 3 == 1)
