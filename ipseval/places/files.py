"""Rows of the small files beside a cohort file: CSV as a spreadsheet writes it, or YAML with the same rows."""

import csv
import io
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from ipseval import plain_yaml
from ipseval.config import code
from ipseval.errors import Fault, UserError, nearest

YAML = (".yaml", ".yml")
ROWS = "rows"  # the key of a YAML file that holds them
DAY, MONTH, YEAR = 10, 7, 4  # characters of a date that is known to the day, the month or the year
_DATE = re.compile(r"\d{4}(-\d\d(-\d\d)?)?")


@dataclass(frozen=True)
class Form:
    """Columns that a file may have, and those that it must have."""

    known: tuple[str, ...]
    needed: tuple[str, ...]


@dataclass(frozen=True)
class Line:
    """A row: where it stands, as the user would name it, and its cells by column; an empty cell is ``""``."""

    where: str
    cells: Mapping[str, str]


def lines(file: Path, form: Form, faults: list[Fault]) -> list[Line]:
    """The rows of a file; everything that is wrong with its form is added to ``faults``.

    Parameters
    ----------
    file : Path
        ``.csv`` with ``,`` or ``;`` between the cells, UTF-8; or ``.yaml`` with the rows as a list under ``rows``.
    form : Form
    faults : list of Fault
    """
    try:
        found = _of_yaml(file) if file.suffix.lower() in YAML else _of_csv(file)
    except UserError as error:
        faults.extend(error.faults)
        return []
    heads = list(dict.fromkeys(name for line in found for name in line.cells))
    unknown = [name for name in heads if name not in form.known]
    faults += [
        Fault(str(file), f"has a column '{plain_yaml.shown(name)}', which is not known.", _known(name, form))
        for name in unknown
    ]
    lacking = [name for name in form.needed if name not in heads]
    if not found:
        faults.append(Fault(str(file), "holds no rows.", f"Expected: the columns {', '.join(form.known)}."))
    elif lacking:
        faults.append(Fault(str(file), f"has no column {', '.join(lacking)}.", f"Known: {', '.join(form.known)}."))
    return [] if unknown or lacking else found


def _known(name: str, form: Form) -> str:
    return nearest(name, form.known) or f"Known: {', '.join(form.known)}."


def _of_csv(file: Path) -> list[Line]:
    try:
        text = file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise UserError([Fault(str(file), f"cannot be read ({reason}).", "Save it as CSV in UTF-8.")]) from None
    head = text.partition("\n")[0]
    rows = list(csv.reader(io.StringIO(text), delimiter=";" if head.count(";") > head.count(",") else ","))
    heads = [name.strip() for name in rows[0]] if rows else []
    if len(set(heads)) < len(heads):
        raise UserError([Fault(str(file), "has two columns of one name.", "Keep one of them.")])
    long = [number for number, row in enumerate(rows, 1) if len(row) > len(heads)]
    if long:
        what = f"has more cells in line {long[0]} than in its head ({len(rows[long[0] - 1])}, {len(heads)})."
        raise UserError([Fault(str(file), what, "Quote cells that hold the sign between cells.")])
    return [
        Line(f"{file}, line {number}", dict.fromkeys(heads, "") | dict(zip(heads, map(str.strip, row), strict=False)))
        for number, row in enumerate(rows[1:], 2)
        if any(cell.strip() for cell in row)
    ]


def _of_yaml(file: Path) -> list[Line]:
    document = plain_yaml.read(file)
    if document.faults:
        raise UserError(document.worded(str(file)))
    rows = document.content.get(ROWS)
    if not isinstance(rows, list) or not all(isinstance(row, Mapping) for row in rows):
        raise UserError([Fault(str(file), f"has no list {ROWS}.", f"Write {ROWS}: and below it one mapping a row.")])
    heads = list(dict.fromkeys(str(name) for row in rows for name in row))
    return [
        Line(f"{file}, row {number}", dict.fromkeys(heads, "") | {str(k): _text(v) for k, v in row.items()})
        for number, row in enumerate(rows, 1)
    ]


def _text(value: Any) -> str:
    """A cell of a YAML file as it is written; a list as its codes with ``;`` between them."""
    if isinstance(value, plain_yaml.Reading):
        return value.text
    if isinstance(value, list):
        return ";".join(map(_text, value))
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else code(value)


def centre_of(name: str, centres: Mapping[Any, Any]) -> str | None:
    """The code of the centre that a file names by its code or its printed name; None where there is none."""
    names = {code(value): code(key) for key, value in centres.items()}
    return name if name in {code(key) for key in centres} else names.get(name)


def no_centre(where: str, column: str, name: str, centres: Mapping[Any, Any]) -> Fault:
    """The fault of a row that names a centre which the cohort does not have."""
    known = list(dict.fromkeys([*map(code, centres), *map(code, centres.values())]))
    what = f"{column} is '{plain_yaml.shown(name)}', which is no centre." if name else f"{column} is empty."
    return Fault(where, what, nearest(name, known) or f"Known: {', '.join(known)}.")


def is_date(text: str) -> bool:
    """Whether a text is a day, a month or a year: YYYY-MM-DD, YYYY-MM or YYYY, of a day that there is."""
    if not _DATE.fullmatch(text):
        return False
    try:
        date.fromisoformat(text + "-01-01"[len(text) - DAY :] if len(text) < DAY else text)
    except ValueError:
        return False
    return True


def dates_in_doubt(dates: list[str]) -> list[str]:
    """Of dates to the day, the month or the year those that lie within another: which comes first is not known."""
    known = sorted(set(dates))
    return [a for a in known if any(b != a and b.startswith(a) for b in known)]
