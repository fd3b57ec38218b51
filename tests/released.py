"""A small folder of released files in every format, with nothing in it that should not leave, and ways to spoil it.

The tables are written out by hand; the renderers of the package only put them into their formats.
"""

import html
import io
import json
import struct
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from ipseval.figures.drawing import saved, style
from ipseval.tables.render import RENDERERS
from ipseval.tables.render_tex import escape
from ipseval.tables.table import Cell, Column, Row, Table

HIDDEN_SIGN = ":"
KEYS = frozenset({"K7731Z", "8842217", "lopenr-55 b", "401", "402", "403", "404"})
SHARE_HIDDEN = 2 / 17  # of centre 1, control, month 3
EFFECT_HIDDEN = 0.07345118263
EFFECT_SHOWN = 0.10298337712
MONTHS = range(5)


def tables(is_hidden: bool) -> dict[str, pd.DataFrame]:
    """The tables of data/, with and without what is hidden."""

    def cell(value: Any) -> Any:
        return HIDDEN_SIGN if is_hidden else value

    flow = [
        ("randomised", 0, "1", "control", 19, 0, ""),
        ("employed_at_randomisation", 1, "1", "control", 17, cell(2), ""),
        ("analysed", 2, "1", "control", 17, 0, ""),
        ("randomised", 0, "all", "control", 181, 0, ""),
        ("employed_at_randomisation", 1, "all", "control", 143, 38, ""),
    ]
    curve = [("all", "control", k, 143, 143, 20 + 3 * k, (20 + 3 * k) / 143) for k in MONTHS]
    curve += [("1", "control", k, 17, 17, cell(2 + k % 2), cell((2 + k % 2) / 17)) for k in MONTHS]
    effects = [
        ("unadjusted", "all", 0, 43, "ips", 184, 143, EFFECT_SHOWN, 0.0211016),
        ("unadjusted", "1", 0, 43, "ips", 30, 17, cell(EFFECT_HIDDEN), cell(0.0674244014)),
    ]
    balance = [
        ("education", level, "1", "control", *((cell(4), cell(4 / 17)) if level == "low" else (12, 12 / 17)))
        for level in ("low", "high")
    ]
    heads = {
        "balance": "variable level centre arm n mean",
        "flow": "step order centre arm n_persons n_excluded reason",
        "employment_by_month": "centre arm month n_persons n_observed n_employed share",
        "effects": "analysis centre month_from month_to arm n_assigned n_control estimate std_error",
    }
    rows = {"balance": balance, "flow": flow, "employment_by_month": curve, "effects": effects}
    return {name: pd.DataFrame(rows[name], columns=heads[name].split()) for name in heads}


def printed() -> Table:
    """A printed table with columns of counts, one that is hidden, and columns that no list knows."""
    hidden = Cell(HIDDEN_SIGN, reason="hidden by disclosure control")
    return Table(
        "Persons by step",
        "Step",
        (Column("Persons", span="control"), Column("ips"), Column("Effect, points", ("95% interval, low", "high"))),
        (
            Row("Randomised", (Cell("181"), Cell("227"), Cell("9.9", beside=("1.0", "2.0"))), "All centres"),
            Row("Employed at randomisation", (Cell("38"), Cell("43"), Cell("2.0")), "All centres"),
            Row("Employed at randomisation", (hidden, hidden, Cell("–")), "Oslo <one>"),
        ),
        ("Fewer than 2 persons are never shown.",),
        (("Population", "All persons."),),
    )


def curve() -> dict[str, bytes]:
    """The shown curve as PNG and SVG."""
    return drawing([(20 + 3 * k) / 143 for k in MONTHS])


def drawing(shares: list[float]) -> dict[str, bytes]:
    """Shares by month, in per cent."""
    from matplotlib.figure import Figure

    with style():
        figure = Figure(figsize=(4, 3))
        axes = figure.subplots()
        axes.plot(MONTHS, [100 * share for share in shares])
        axes.set_ylim(0, 50)
        return {kind: saved(figure, kind) for kind in ("png", "svg")}


def report(shown: dict[str, pd.DataFrame]) -> str:
    """A page with the tables as JSON, a picture and a table."""
    content = {
        name: {"columns": list(t.columns), "rows": json.loads(t.replace(HIDDEN_SIGN, None).to_json(orient="values"))}
        for name, t in shown.items()
    }
    rows = "".join(
        f"<tr>{''.join(f'<td>{html.escape(str(v))}</td>' for v in row)}</tr>" for row in shown["flow"].values
    )
    heads = "".join(f"<th>{head}</th>" for head in shown["flow"].columns)
    picture = f"data:image/svg+xml;utf8,{quoted(curve()['svg'].decode())}"
    return f"""<!DOCTYPE html>
<html lang="en-GB"><head><title>A trial</title><style>p {{ color: #884221 }}</style></head><body>
<p title="A tip">All is well. n = 143.</p><!-- a remark -->
<dl><dt>Persons</dt><dd>327</dd></dl>
<p>Share <span data-source="employment_by_month:2">14.0 <small>(20 of 143)</small></span>, hidden
<span data-source="employment_by_month:8">:</span>, line <span data-source="employment_by_month:9">9</span></p>
<table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>
<img alt="The curve" src="{picture}">
<script type="application/json">{json.dumps({"tables": content, "note": "A note"})}</script>
</body></html>
"""


def quoted(text: str) -> str:
    """Text as it stands in an address."""
    return "".join(f"%{byte:02x}" for byte in text.encode())


README = """# Files

| File | What it is | Persons | Cells hidden |
| --- | --- | ---: | ---: |
| data/flow.csv | The flow | 327 | 1 |

Nothing else.
"""


def good_folder(folder: Path) -> tuple[Path, Path]:
    """Write release/ and review/; returns both."""
    release, review = folder / "release", folder / "review"
    for name, table in tables(is_hidden=True).items():
        write(release / "data" / f"{name}.csv", table.to_csv(index=False))
    for name, table in tables(is_hidden=False).items():
        write(review / f"{name}.csv", table.to_csv(index=False))
    for kind, render in RENDERERS.items():
        write(release / "tables" / f"flow.{kind}", render("A trial", printed()))
    for kind, content in curve().items():
        write(release / "figures" / f"curve.{kind}", content)
    write(release / "report.html", report(tables(is_hidden=True)))
    write(release / "README.md", README)
    write(release / "workflow.smk", 'rule all:\n    input:\n        "release/report.html",\n')
    write(release / "about.json", json.dumps({"note": "A note", "n_persons": 327, "files": [{"name": "a", "n": 143}]}))
    shown = tables(is_hidden=True)["effects"].assign(note="A note")
    pq.write_table(
        pa.Table.from_pandas(shown.astype("str"), preserve_index=False), release / "data" / "effects.parquet"
    )
    return release, review


def write(file: Path, content: str | bytes) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(content, bytes):
        file.write_bytes(content)
    else:
        file.write_text(content, encoding="utf-8", newline="\n")


def exchange(old: str, new: str, n: int = 1) -> Callable[[Path], None]:
    """Put other text into a text file, where the old text stands first."""

    def changed(file: Path) -> None:
        text = file.read_text(encoding="utf-8")
        assert old in text
        file.write_text(text.replace(old, new, n), encoding="utf-8")

    return changed


def in_package(part: str, old: str, new: str) -> Callable[[Path], None]:
    """The same in a part of a DOCX or XLSX."""

    def changed(file: Path) -> None:
        with zipfile.ZipFile(file) as package:
            parts = {name: package.read(name) for name in package.namelist()}
        assert old in parts[part].decode()
        repack(file, parts | {part: parts[part].decode().replace(old, new, 1).encode()})

    return changed


def with_part(name: str, content: str) -> Callable[[Path], None]:
    """Another part in a DOCX or XLSX."""

    def changed(file: Path) -> None:
        with zipfile.ZipFile(file) as package:
            parts = {name: package.read(name) for name in package.namelist()}
        repack(file, parts | {name: content.encode()})

    return changed


def repack(file: Path, parts: dict[str, bytes]) -> None:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as package:
        for name, data in parts.items():
            package.writestr(name, data)
    file.write_bytes(content.getvalue())


def with_chunk(kind: bytes, data: bytes) -> Callable[[Path], None]:
    """Another chunk in a PNG, before its end."""

    def changed(file: Path) -> None:
        content = file.read_bytes()
        end = content.rindex(b"IEND") - 4
        chunk = struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        file.write_bytes(content[:end] + chunk + content[end:])

    return changed


def in_column(column: str, row: int, value: str) -> Callable[[Path], None]:
    """Another value in a CSV or Parquet file."""

    def changed(file: Path) -> None:
        if file.suffix == ".csv":
            table = pd.read_csv(file, dtype="str", keep_default_na=False)
        else:
            table = pq.read_table(file).to_pandas()
        table.loc[row, column] = value
        if file.suffix == ".csv":
            table.to_csv(file, index=False)
        else:
            pq.write_table(pa.Table.from_pandas(table, preserve_index=False), file)

    return changed


def say(text: str) -> dict[str, tuple[str, Callable[[Path], None]]]:
    """A text in a place of every format: what is said of it -> file, change."""
    plain = html.escape(text)
    return {
        "csv": ("data/flow.csv", in_column("reason", 0, text)),
        "printed csv": ("tables/flow.csv", exchange("All centres", f'"All {text}"')),
        "markdown": ("README.md", exchange("Nothing else.", f"Nothing but {text}.")),
        "tex": ("tables/flow.tex", exchange("All persons", escape(text))),
        "tex comment": ("tables/flow.tex", exchange("% Needs", f"% {text} needs")),
        "html text": ("report.html", exchange("All is well.", f"See {plain} there.")),
        "html attribute": ("report.html", exchange("A tip", plain)),
        "html comment": ("report.html", exchange("a remark", plain)),
        "html style": ("report.html", exchange("color: #884221", f"color: red; /* {plain} */")),
        "embedded json": ("report.html", exchange('"A note"', json.dumps(text))),
        "embedded svg": ("report.html", exchange(quoted("</svg>"), quoted(f"<desc>{plain}</desc></svg>"))),
        "json": ("about.json", exchange('"A note"', json.dumps(text))),
        "json key": ("about.json", exchange('"note"', json.dumps(text))),
        "svg text": ("figures/curve.svg", exchange("</svg>", f"<text>{plain}</text></svg>")),
        "svg comment": ("figures/curve.svg", exchange("</svg>", f"<!-- {plain} --></svg>")),
        "svg attribute": ("figures/curve.svg", exchange("<svg ", f'<svg data-from="{plain}" ')),
        "png text": ("figures/curve.png", with_chunk(b"tEXt", b"Title\0" + text.encode())),
        "png packed text": ("figures/curve.png", with_chunk(b"zTXt", b"Title\0\0" + zlib.compress(text.encode()))),
        "png international": ("figures/curve.png", with_chunk(b"iTXt", b"Title\0\0\0en\0\0" + text.encode())),
        "docx text": ("tables/flow.docx", in_package("word/document.xml", "All persons.", plain)),
        "docx property": ("tables/flow.docx", with_part("docProps/core.xml", f"<a><title>{plain}</title></a>")),
        "xlsx text": ("tables/flow.xlsx", in_package("xl/sharedStrings.xml", "All persons.", plain)),
        "xlsx name of a sheet": ("tables/flow.xlsx", in_package("xl/workbook.xml", "Table", plain)),
        "parquet": ("data/effects.parquet", in_column("note", 0, text)),
    }
