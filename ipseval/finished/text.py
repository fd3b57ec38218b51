"""Finished CSV, JSON, Markdown and TeX."""

import csv
import io
import itertools
import json
import re
from collections.abc import Iterator
from typing import Any

from ipseval.finished.content import Content, Grid, Piece, Trace, labelled, stacked

SEPARATORS = (",", ";", "\t")
RULER = re.compile(r"\|?\s*:?-{2,}:?\s*(\|\s*:?-{2,}:?\s*)*\|?")
RAISED = re.compile(r"<sup>.*?</sup>|\\(?:tnote|textsuperscript)\{[^{}]*\}|\\(?:stars?)\{[^{}]*\}")
MULTICOLUMN = re.compile(r"\\multicolumn\{(\d+)\}\{[^{}]*\}")
COMMENT = re.compile(r"(?<!\\)%.*")
RULE = re.compile(r"\\cmidrule(?:\([^)]*\))?\{[^{}]*\}")
COMMAND = re.compile(r"\\(?:[a-zA-Z]+\*?(?:\[[^\]]*\])?)\s?")


def from_csv(content: bytes) -> Content:
    """A grid whose first line holds the heads; commas, semicolons or tabs, whichever part them into most columns."""
    text = content.decode("utf-8-sig")
    mark = max(SEPARATORS, key=lambda sign: max(map(len, csv.reader(text.splitlines()[:1], delimiter=sign)), default=0))
    rows = [tuple(row) for row in csv.reader(io.StringIO(text, newline=""), delimiter=mark, strict=True)]
    if not rows:
        return Content()
    width = max(map(len, rows))
    heads = rows[0] + ("",) * (width - len(rows[0]))
    return Content((labelled(heads, [row for row in rows[1:] if row]),))


def from_text(content: bytes) -> Content:
    """Plain text; lines below each other that blanks part into as many columns are a table."""
    text = content.decode("utf-8-sig")
    return Content(tuple(_aligned(text.splitlines())), (Piece("", text),))


def _aligned(lines: list[str]) -> Iterator[Grid]:
    """Tables of a text: two lines or more, each with the same number of columns."""
    rows = [tuple(cell for cell in re.split(r"\s{2,}|\t|\s*\|\s*", line.strip(" |")) if cell) for line in lines]
    rows = [row if not re.fullmatch(r"[-=+\s]*", "".join(row)) else () for row in rows]
    for n, (width, group) in enumerate(itertools.groupby((r for r in rows if r), key=len), start=1):
        table = list(group)
        if width > 1 and len(table) > 1:
            yield Grid(table[0], tuple(table[1:]), f"table {n}", 1)


def from_json(content: bytes) -> Content:
    """Grids where there are columns and rows, other values under their keys."""
    return json_content(json.loads(content.decode("utf-8-sig")))


def json_content(value: Any) -> Content:
    """What a value of JSON holds: the names of its keys are heads, and places."""
    grids: list[Grid] = []
    pieces: list[Piece] = []
    for path, found in _walk(value, ""):
        if isinstance(found, Grid):
            grids.append(found)
        else:
            pieces.append(Piece(path, found))
    return Content(tuple(grids), tuple(pieces))


def _walk(value: Any, path: str) -> Iterator[tuple[str, Grid | str]]:
    if isinstance(value, dict):
        yield from ((path, key) for key in value)  # a key is text, too
        columns = value.get("columns")
        rows = next((value[k] for k in ("rows", "data") if isinstance(value.get(k), list)), None)
        if isinstance(columns, list) and rows is not None and all(isinstance(row, list) for row in rows):
            yield path, Grid(tuple(map(_head, columns)), tuple(tuple(map(_said, row)) for row in rows), path)
            described = [column for column in columns if isinstance(column, dict)]
            value = {k: v for k, v in value.items() if k not in ("columns", "rows", "data")} | {"columns": described}
        for key, inner in value.items():
            yield from _under(key, inner, f"{path}/{_safe(key)}")
    elif isinstance(value, list):
        if value and all(isinstance(row, dict) for row in value):
            heads = tuple(dict.fromkeys(key for row in value for key in row if not isinstance(row[key], (dict, list))))
            yield path, Grid(heads, tuple(tuple(_said(row.get(head)) for head in heads) for row in value), path)
        for i, inner in enumerate(value, start=1):
            yield from _walk(inner, f"{path}/{i}")
    elif value is not None:
        yield path, _said(value)


def _head(column: Any) -> str:
    """A column's name, which may stand in a description of it."""
    return _said(column["name"] if isinstance(column, dict) and "name" in column else column)


def _under(key: str, value: Any, path: str) -> Iterator[tuple[str, Grid | str]]:
    """A key and its values: a column of one head, when they are no structures themselves.

    A code whose name is the code, such as an arm called 1, counts nobody.
    """
    values = value if isinstance(value, list) else [value]
    if values == [key]:
        return
    if any(isinstance(v, (dict, list)) for v in values):
        yield from _walk(value, path)
    elif values:
        yield path, Grid((key,), tuple((_said(v),) for v in values), path)


def _said(value: Any) -> str:
    return "" if value is None else value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _safe(key: str) -> str:
    """A key as a place: what is no plain name is not repeated."""
    return key if re.fullmatch(r"[@A-Za-z][A-Za-z_]{0,40}", key) else "*"


def from_markdown(content: bytes) -> Content:
    """Pipe tables, under the bold line before them; and all lines as text."""
    lines = content.decode("utf-8-sig").splitlines()
    grids: list[Grid] = []
    title, i = "", 0
    while i < len(lines):
        if re.fullmatch(r"\*\*.+\*\*|#+ .+", lines[i].strip()):
            title = lines[i].strip("#* ")
        if "|" in lines[i] and i + 1 < len(lines) and RULER.fullmatch(lines[i + 1].strip()):
            end = next((j for j in range(i + 2, len(lines)) if "|" not in lines[j]), len(lines))
            rows = tuple(_pipes(line) for line in lines[i + 2 : end])
            grids.append(Grid(_pipes(lines[i]), rows, f"table {len(grids) + 1}", 1, title))
            i = end
        else:
            i += 1
    return Content(tuple(grids), tuple(Piece(f"line {n}", line) for n, line in enumerate(lines, start=1)))


def _pipes(line: str) -> tuple[str, ...]:
    cells = re.split(r"(?<!\\)\|", line.strip().removeprefix("|").removesuffix("|"))
    return tuple(re.sub(r"\\(.)", r"\1", RAISED.sub("", cell)).strip(" *") for cell in cells)


def from_tex(content: bytes) -> Content:
    r"""Rows between ``&`` and ``\\``, heads above the last ``\midrule``; and all lines as text."""
    text = content.decode("utf-8-sig")
    grids = [
        _tabular(body, f"table {n}")
        for n, body in enumerate(re.findall(r"\\begin\{(?:long)?tab\w+\*?\}(.*?)\\end\{(?:long)?tab", text, re.S), 1)
    ]
    pieces = tuple(
        Piece(f"line {n}", f"{_plain(line)} {_comment(line)}") for n, line in enumerate(text.splitlines(), start=1)
    )
    traces = tuple(Trace("", "active_content") for _ in re.findall(r"\\(?:input|include|write18|openout)\b", text)[:1])
    return Content(tuple(grids), pieces, traces)


def _tabular(body: str, place: str) -> Grid:
    top, _, below = RULE.sub("", body).rpartition(r"\midrule")
    head_text = top.rpartition(r"\toprule")[2]
    heads = [
        _cells(row)
        for row in _tex_rows(
            re.sub(
                r"\\shortstack\[\w\]\{((?:[^{}]|\{(?:[^{}]|\{[^{}]*\})*\})*)\}",
                lambda m: m[1].replace(r"\\", " "),
                head_text,
            )
        )
    ]
    rows: list[tuple[str, ...]] = []
    for row in map(_cells, _tex_rows(below)):
        if rows and not row[0]:  # what stands under the numbers of the row before
            rows[-1] = tuple(f"{above} {small}".strip() for above, small in zip(rows[-1], row, strict=False))
        else:
            rows.append(row)
    return Grid(stacked(heads), tuple(rows), place, 1)


def _tex_rows(text: str) -> list[str]:
    return [row for row in re.split(r"\\\\\*?(?:\[[^\]]*\])?", text) if "&" in row]


def _cells(row: str) -> tuple[str, ...]:
    """The cells of a row, those over several columns repeated."""
    cells: list[str] = []
    for cell in re.split(r"(?<!\\)&", row):
        span = MULTICOLUMN.search(cell)
        cells += [_plain(MULTICOLUMN.sub("", cell))] * (int(span[1]) if span else 1)
    return tuple(cells)


def _comment(line: str) -> str:
    found = COMMENT.search(line)
    return found[0] if found else ""


def _plain(text: str) -> str:
    """TeX as text."""
    text = RAISED.sub("", COMMENT.sub("", text)).replace("$-$", "−").replace("~", " ")
    text = text.replace(r"\textbackslash{}", "\0").replace(r"\textasciitilde{}", "~")
    text = re.sub(r"\\([{}$&#%_])", r"\1", text).replace(r"\,", "")
    return re.sub(r"[{}$]", "", COMMAND.sub("", text)).replace("\0", "\\").strip()
