"""Mutations of deliveries and of cohort files, drawn by a seed: bytes, types, values, names, YAML text, structure.

A seed gives the same mutation each time, so a failure is replayed by its seed. Keys, employers and births of the
delivery that is mutated are canaries: none of them may stand in a message.
"""

import contextlib
import random
import resource
import signal
import string
from collections.abc import Iterator
from copy import deepcopy
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import yaml

from deliveries import Delivery, good

LAYOUTS = ("spells", "spells", "monthly", "relative_monthly", "weekly_wide")
KEY, EMPLOYER, CELL = "QX7K", "EJ4W", "Kari Nordmann"
BIRTHS = date(1871, 3, 1)  # nobody of the good delivery was born then: the canaries are
MAX_SECONDS = 30
MAX_GROWTH = 600_000  # kB of memory beyond what the process had
Draw = random.Random


@cache
def _canaries(layout: str) -> Delivery:
    d = good(layout)
    for extract in d.tables:
        d.map(extract, "person_id", lambda key: f"{KEY}{key}")
    if layout in ("spells", "monthly"):
        d.map("employment", "employer_id", lambda key: f"{EMPLOYER}{key}")
    d.config["values"] = {"education": {"level": {"a": 3}}}
    d.config["states"] = {"small": {"services": ["ips"]}}
    d.config["checks"] = {"code_not_found": "warn", "missing_month": "warn"}
    return d


def delivery(layout: str) -> Delivery:
    """A good delivery whose keys and employers are canaries."""
    made = _canaries(layout)
    return Delivery(dict(made.tables), deepcopy(made.config))


# --- values and types ------------------------------------------------------------------------------

# fmt: off
INTEGERS = [0, 1, -1, 127, 2**31, 2**63 - 1, -(2**63), 201513, 20150131, 9999999999, 12345678901234567]
NUMBERS = [0.0, -0.0, float("nan"), float("inf"), -float("inf"), 1e308, 5e-324, 20.5, 20150131.0, 2**60 + 0.0]
TEXTS = [
    "", " ", CELL, "\x00", "x" * 5000, "NaN", "nan", "inf", "1e400", "0x10",
    "\uff12\uff10\uff11\uff15", "-1", "²", "a\nb",
    "1,5", "2015-02-30", "31.12.9999", "9999-12-31", "0001-01-01", "20150131", "true", "NULL", "None", "01", "é", "*",
]
DATES = [date(1, 1, 1), date(1900, 1, 1), date(2262, 4, 12), date(9999, 12, 31), date(1582, 10, 10), date(2015, 1, 31)]
ZONES = [None, "UTC", "Europe/Oslo", "+02:00", "-00:30"]
LAST = {"s": 253402300799, "ms": 253402300799999, "us": 2**62, "ns": 2**63 - 1}  # times of each unit that it can hold
NAMES = [
    "", " ", "PERSON_ID", "person_id ", "(file)", "filename", "file_row_number", "k", "value", "n_rows", "a.b", '"',
    "'", "a\nb", "æøå", "select", "*", "w*", "x" * 300, "is_observed", "year_month", "centre", "_0", "read",
]
# fmt: on
TYPES: dict[str, tuple[pa.DataType, list[Any]]] = {
    "null": (pa.null(), [None]),
    "bool": (pa.bool_(), [True, False]),
    **{str(kind): (kind, [0, 1, 7]) for kind in (pa.int8(), pa.int16(), pa.int32(), pa.uint8(), pa.uint16())},
    "int64": (pa.int64(), INTEGERS),
    "uint64": (pa.uint64(), [0, 1, 2**64 - 1]),
    "float16": (pa.float16(), [0.0, 1.0, 2.5]),
    "float32": (pa.float32(), [0.0, 1.0, 2.5, float("inf"), float("nan")]),
    "float64": (pa.float64(), NUMBERS),
    "decimal": (pa.decimal128(20, 2), [Decimal("0"), Decimal("1.50"), Decimal("123456789012.25")]),
    "wide decimal": (pa.decimal128(38, 0), [Decimal(0), Decimal(10) ** 36]),
    "wider decimal": (pa.decimal256(70, 0), [Decimal(0), Decimal(10) ** 60]),
    "text": (pa.string(), TEXTS),
    "large text": (pa.large_string(), TEXTS),
    "text view": (pa.string_view(), TEXTS),
    "binary": (pa.binary(), [b"", b"ips", b"\xff\xfe", CELL.encode()]),
    "fixed binary": (pa.binary(16), [b"0123456789abcdef"]),
    "large binary": (pa.large_binary(), [b"ips"]),
    "date32": (pa.date32(), DATES),
    "date64": (pa.date64(), DATES),
    "days beyond": (pa.date32(), [2**31 - 1, -(2**31), 0]),
    "time": (pa.time64("us"), [time(0), time(23, 59, 59)]),
    "short time": (pa.time32("ms"), [time(0), time(23, 59, 59)]),
    "duration": (pa.duration("us"), [timedelta(0), timedelta(400)]),
    **{
        f"timestamp {unit} {zone}": (pa.timestamp(unit, zone), [0, last, -last // 4, 1, -1])
        for unit, last in LAST.items()
        for zone in ZONES
    },
    "times beyond": (pa.timestamp("s"), [2**62, -(2**62)]),
    "nanoseconds before": (pa.timestamp("ns", "Europe/Oslo"), [-(2**63) + 1, 0]),
    "list": (pa.list_(pa.string()), [[], ["ips"], [CELL]]),
    "large list": (pa.large_list(pa.int64()), [[1], []]),
    "fixed list": (pa.list_(pa.int64(), 2), [[1, 2]]),
    "struct": (pa.struct({"a": pa.int64(), "b": pa.string()}), [{"a": 1, "b": CELL}]),
    "map": (pa.map_(pa.string(), pa.string()), [[("a", CELL)]]),
    "dictionary": (pa.dictionary(pa.int32(), pa.string()), ["ips", "control", CELL]),
    "dictionary of numbers": (pa.dictionary(pa.int32(), pa.int64()), [1, 2, 3]),
    "dictionary of dates": (pa.dictionary(pa.int32(), pa.date32()), DATES),
}


def _place(d: Delivery, draw: Draw) -> tuple[str, str]:
    """An extract and one of its columns."""
    extract = draw.choice(sorted(d.tables))
    return extract, draw.choice(d.tables[extract].column_names)


def of_type(d: Delivery, extract: str, column: str, kind: str, draw: Draw) -> None:
    """A column of one of the types, with values of that type."""
    arrow, values = TYPES[kind]
    is_dictionary = pa.types.is_dictionary(arrow)
    drawn = [draw.choice([*values, None]) for _ in range(d.tables[extract].num_rows)]
    cells = pa.array(drawn, arrow.value_type if is_dictionary else arrow)
    d.replace(extract, column, cells.dictionary_encode() if is_dictionary else cells)


def _type(d: Delivery, draw: Draw) -> None:
    extract, column = _place(d, draw)
    of_type(d, extract, column, draw.choice(sorted(TYPES)), draw)


def _cast(d: Delivery, draw: Draw) -> None:
    """The values that are there, in another type where they fit."""
    extract, column = _place(d, draw)
    zoned = [pa.timestamp("us", "UTC"), pa.timestamp("ns", "Europe/Oslo")]
    times = [pa.timestamp("ns"), pa.timestamp("s"), pa.date64(), *zoned]
    others = [pa.string(), pa.large_string(), pa.float64(), pa.int64(), pa.binary(), pa.bool_()]
    kind = draw.choice([*times, *others])
    with contextlib.suppress(pa.ArrowException):
        d.replace(extract, column, d.tables[extract][column].cast(kind).combine_chunks())


def _value(d: Delivery, draw: Draw) -> None:
    """Some cells of a column."""
    extract, column = _place(d, draw)
    table = d.tables[extract]
    if not table.num_rows:
        return
    rows = [draw.randrange(table.num_rows) for _ in range(draw.choice([1, 3, 30]))]
    value = draw.choice([*INTEGERS, *NUMBERS, *TEXTS, *DATES, None, True, datetime(2015, 1, 1, tzinfo=UTC)])
    with contextlib.suppress(pa.ArrowException, OverflowError, ValueError, TypeError):
        d.put(extract, rows, **{column: value})


def _name(d: Delivery, draw: Draw) -> None:
    extract, column = _place(d, draw)
    other = draw.choice([*NAMES, column.upper(), f" {column}", draw.choice(d.tables[extract].column_names)])
    table = d.tables[extract]
    d.tables[extract] = table.rename_columns([other if name == column else name for name in table.column_names])


def _column(d: Delivery, draw: Draw) -> None:
    """A column more or less."""
    extract, column = _place(d, draw)
    table = d.tables[extract]
    if draw.random() < 0.7:
        d.tables[extract] = table.drop_columns([column])
    else:
        name = draw.choice(NAMES)
        d.tables[extract] = table.append_column(name, table.column(column))


def _rows(d: Delivery, draw: Draw) -> None:
    extract, _ = _place(d, draw)
    n = d.tables[extract].num_rows
    rows = draw.choice([[], [0] * min(n, 3), list(range(n)) * 2, [draw.randrange(n) for _ in range(n)] if n else []])
    d.tables[extract] = d.tables[extract].take(pa.array(rows, pa.int64()))


def _extract(d: Delivery, draw: Draw) -> None:
    extract, _ = _place(d, draw)
    if len(d.tables) > 1:
        table = d.tables.pop(extract)
        if draw.random() < 0.5:
            d.tables[draw.choice(sorted(d.tables))] = table


def _parts(d: Delivery, draw: Draw) -> None:
    """The extract as a folder of files, one of which is spoilt."""
    extract, _ = _place(d, draw)
    if d.tables[extract].num_rows < 2 or len(d.tables) < 2:
        return
    spoilt = Delivery({extract: d.tables.pop(extract)}, {})
    half = spoilt.tables[extract].num_rows // 2
    whole = spoilt.tables[extract]
    spoilt.tables[extract] = whole.slice(half)
    draw.choice([_type, _name, _column, _value, _cast])(spoilt, draw)
    d.files |= {f"{extract}/a.parquet": whole.slice(0, half), f"{extract}/b.parquet": spoilt.tables[extract]}


IN_TABLES = [_type, _type, _type, _cast, _cast, _value, _value, _value, _name, _column, _rows, _extract, _parts]


def _bytes(content: bytes, draw: Draw) -> bytes:
    """A file cut off, or with other bytes in it."""
    if not content:
        return content
    at, n = draw.randrange(len(content)), draw.choice([1, 4, 64, 1024])
    noise = bytes(draw.randrange(256) for _ in range(n))
    return draw.choice(
        [content[:at], content[at:], content[:at] + noise + content[at + n :], content[:at] + noise + content[at:],
         content[:4] + bytes(len(content) - 8) + content[-4:], noise, b"PAR1", content + content, b"",
         content[:-8] + noise[:4].ljust(4, b"\0") + content[-4:]]
    )  # fmt: skip


def mutated_delivery(seed: int, folder: Path) -> Path:
    """Write a delivery with one to three mutations; returns its cohort file."""
    draw = Draw(seed)
    d = delivery(draw.choice(LAYOUTS))
    for _ in range(draw.choice([1, 1, 2, 3])):
        draw.choice(IN_TABLES)(d, draw)
    file = _written(d, folder)
    if draw.random() < 0.25:
        spoilt = draw.choice(sorted((folder / "extracts").rglob("*.parquet")))
        spoilt.write_bytes(_bytes(spoilt.read_bytes(), draw))
    return file


def _written(d: Delivery, folder: Path) -> Path:
    """The delivery on disk; a table that Parquet cannot hold is left out."""
    for extract, table in list(d.tables.items()):
        try:
            pq.write_table(table, pa.BufferOutputStream())
        except (pa.ArrowException, ValueError):
            del d.tables[extract]
    for name, table in list(d.files.items()):
        try:
            pq.write_table(table, pa.BufferOutputStream())
        except (pa.ArrowException, ValueError):
            del d.files[name]
    return d.write(folder)


# --- cohort files ----------------------------------------------------------------------------------

# fmt: off
SCALARS = [
    None, True, False, 0, 1, -1, 12.0, 0.5, 10**30, float("nan"), float("inf"), "", " ", "x", "all", "ips", "control",
    "1", "2015-01", "2015-13", date(2015, 1, 1), [], {}, [1], ["x", "x"], {"x": 1}, {1: "x"}, [[1]], {"a": {"b": 1}},
    "x" * 5000, "a\x00b", "../..", "~x/y", "*", "**", "person_id", "\n", [None], {None: None}, "no", "æøå", 1e308,
    [0, 0], [12, 1], [-999, 999], "each", "follow_up", "zero", "warn", ["age", "agee"], "{x}", "%s", "<b>",
]
TOKENS = [
    ".nan", ".inf", "*a", "&a ", "!!python/object:x ", "!!set ", "!!binary ", "\t", "{", "}", "[", "]", ":", ": ",
    "- ", "? ", "#", "'", '"', "|\n", ">\n", "%", "@", "`", "<<: ", "NO", "010", "01", "1_0", "12:30", "2015-01-01",
    "~", "\x00", "\ufeff", "\u2028", "😀", "---\n", "...\n", "\r", "  ", "\n", "null", "!", "&", "*",
]
# fmt: on


@cache
def _full() -> str:
    """A cohort file that names nearly every key."""
    config = deepcopy(delivery("spells").config)
    more: dict[str, Any] = {
        "observed_from": "2009-01",
        "covariates": [],
        "labels": {"arms": {"control": "Usual"}, "covariates": {"age": "Age"}},
        "columns": {"trial": {"arm": "arm"}},
        "values": {"trial": {"arm": {"0": "control", "*": "control"}}, "persons": {"sex": {"1": "male"}}},
        "exclusions": {"trial": {"arm": ["pilot"]}, "employment": {"kind": ["x"]}},
        "files": {"employment": "employment.parquet"},
        "states": {"small": {"services": ["ips", "x"]}},
        "outcomes": {"both": ["ordinary", "small"]},
        "estimation": {"variances": ["cr1"], "confidence_level": 0.9, "min_persons_per_arm": 3},
        "synthesis": {"variance": "cr1", "power": 0.9},
        "follow": {"months": [3]},
        "bound": {"covariates": ["age"], "months": [3], "draws": 99},
        "receipt": {"split_month": 2, "adjust": ["age"]},
        "event_study": {"period_months": 3},
        "robustness": {"month_rule": ["any_day", {"min_days": 5}], "adjustment": {"none": {"adjust": []}}},
        "analyses": {"mine": {"months": [0, 3], "adjust": ["age"], "time": ["calendar_year"]},
                     "sub": {"months": "each", "subgroup": {"covariate": "age", "at_least": 18, "below": 31}}},
        "describe": {"wage_subsidy_months": [1, 2], "wage_income_year": 2010},
        "verify": {"max_persons": 50},
        "checks": {"code_not_found": "warn"},
        "layouts": {"employment": {"layout": "spells", "observed_until": "2015-12"},
                    "services": [{"layout": "spells", "values": {"service": {"x": "y"}}}]},
    }  # fmt: skip
    return yaml.safe_dump({**config, **more}, sort_keys=False)


def _spot(content: Any, draw: Draw) -> tuple[Any, Any]:
    """A mapping or list within the content, and a key of it."""
    holder, key = content, draw.choice(sorted(content, key=str))
    while isinstance(holder[key], dict | list) and holder[key] and draw.random() < 0.75:
        holder = holder[key]
        key = draw.choice(sorted(holder, key=str)) if isinstance(holder, dict) else draw.randrange(len(holder))
    return holder, key


def _restructured(text: str, draw: Draw) -> str:
    """Some values, keys or parts of a file replaced, left out, renamed or moved."""
    content = yaml.safe_load(text)
    for _ in range(draw.choice([1, 1, 2, 4])):
        if not content:
            break
        holder, key = _spot(content, draw)
        way = draw.randrange(5)
        if way <= 1:
            holder[key] = deepcopy(draw.choice(SCALARS))
        elif way == 2:
            del holder[key]
        elif way == 3 and isinstance(holder, dict):
            holder[draw.choice([1, "1", True, f"{key}x", str(key)[:-1], str(key).upper(), "x", "all"])] = holder.pop(
                key
            )
        else:
            other, place = _spot(content, draw)
            other[place] = deepcopy(holder[key])
    return yaml.safe_dump(content, sort_keys=False, allow_unicode=draw.random() < 0.5)


def _rewritten(text: str, draw: Draw) -> str:
    """Some signs, tokens or lines of a file put in, left out or moved."""
    for _ in range(draw.choice([1, 1, 2, 5, 20])):
        at = draw.randrange(len(text) + 1)
        lines = text.split("\n")
        line = draw.randrange(len(lines))
        way = draw.randrange(6)
        if way <= 1:
            text = text[:at] + draw.choice(TOKENS) + text[at:]
        elif way == 2:
            text = text[:at] + text[at + draw.choice([1, 1, 5, 40]) :]
        elif way == 3:
            text = text[:at] + draw.choice(string.printable) + text[at + 1 :]
        elif way == 4:
            text = "\n".join([*lines[:line], lines[line], *lines[line:]])
        else:
            key, colon, rest = lines[line].partition(": ")
            text = "\n".join([*lines[:line], f"{key}{colon}{draw.choice(TOKENS)}{rest}", *lines[line + 1 :]])
    return text


def mutated_cohort(seed: int, folder: Path) -> Path:
    """Write a good delivery with a mutated cohort file; returns that file."""
    draw = Draw(seed)
    text = _full() if draw.random() < 0.8 else yaml.safe_dump(delivery("spells").config)
    for change in draw.choice([(_restructured,), (_rewritten,), (_restructured, _rewritten)]):
        text = change(text, draw)
    file = _written(delivery("spells"), folder)
    content = text.encode("utf-8", "surrogatepass")
    file.write_bytes(_bytes(content, draw) if draw.random() < 0.05 else content)
    return file


# --- what is watched -------------------------------------------------------------------------------


class TooSlowError(BaseException):
    """No library may take it for an error of its own."""


@contextlib.contextmanager
def watched() -> Iterator[None]:
    """Fail when what is done inside takes too long or too much memory."""

    def stop(*_: Any) -> None:
        raise TooSlowError

    before, old = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, signal.signal(signal.SIGALRM, stop)
    signal.alarm(MAX_SECONDS)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, old)
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < MAX_GROWTH, f"{grown} kB more memory"
