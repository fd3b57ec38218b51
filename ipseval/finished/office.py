"""Finished DOCX and XLSX: every part of the package."""

import io
import re
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from xml.etree import ElementTree

from ipseval.finished.content import Content, Grid, Piece, Trace, labelled, stacked

Package = dict[str, bytes]
WORD = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
PARTS = re.compile(
    r"\[Content_Types\]\.xml|.*\.rels|docProps/(app|core)\.xml|"
    r"word/(document|styles|settings|fontTable|webSettings|numbering|footnotes|endnotes|header\d*|footer\d*)\.xml|"
    r"(word|xl)/theme/theme\d*\.xml|xl/(workbook|styles|sharedStrings)\.xml|xl/worksheets/sheet\d+\.xml"
)
PRIVATE = ("creator", "lastModifiedBy", "Company", "Manager", "contributor", "category", "HyperlinkBase")
BUILT_IN = {"2": "0.00", "4": "#,##0.00", "10": "0.00%", "11": "0.00E+00", "39": "#,##0.00", "40": "#,##0.00"}
TRACKED = ("ins", "del", "moveFrom", "moveTo", "rPrChange", "pPrChange", "tblPrChange", "trPrChange", "tcPrChange")


def from_docx(content: bytes) -> Content:
    """Tables, text, properties; tracked changes, comments and hidden text are traces."""
    return _package(content, _word)


def from_xlsx(content: bytes) -> Content:
    """Sheets, text, properties; hidden sheets, rows and columns, comments and formulas are traces."""
    return _package(content, _excel)


def _package(content: bytes, body: Callable[[Package], Content]) -> Content:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        package = {info.filename: archive.read(info) for info in archive.infolist()}
        notes = Content(traces=(Trace("", "metadata"),) if archive.comment else ())
    for name, data in package.items():
        rule = "comments" if "comment" in name.casefold() else "unexpected_part"
        if not PARTS.fullmatch(name):
            notes += Content(traces=(Trace(f"part {_known(name)}", rule),))
        if name.endswith((".xml", ".rels", ".vml")):
            notes += _texts(name, data)
    return notes + body(package)


def _known(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z_/\[\]]+\d{0,2}\.[a-z]+", name) else "with a name of its own"


def _texts(name: str, data: bytes) -> Content:
    """Every text and attribute of a part; of properties, who made it."""
    place = f"part {_known(name)}"
    found = Content()
    texts: list[str] = []
    for element in ElementTree.fromstring(data).iter():
        tag = _local(element)
        text = (element.text or "").strip()
        if name.startswith("docProps/") and tag in PRIVATE and text:
            found += Content(traces=(Trace(f"{place}, {tag}", "metadata"),))
        if element.attrib.get("TargetMode") == "External":
            found += Content(traces=(Trace(place, "loads_from_elsewhere"),))
        texts += [text, *(v for k, v in element.attrib.items() if "schemas." not in v)]
    return found + Content(pieces=tuple(Piece(place, text) for text in dict.fromkeys(texts) if text))


def _local(element: ElementTree.Element) -> str:
    return str(element.tag).rpartition("}")[2]


def _word(package: Package) -> Content:
    root = ElementTree.fromstring(package["word/document.xml"])
    found = Content(tuple(_word_tables(root)))
    for name, rule in (*((tag, "tracked_changes") for tag in TRACKED), ("vanish", "hidden_text")):
        if root.find(f".//{WORD}{name}") is not None:
            found += Content(traces=(Trace("", rule),))
    if root.find(f".//{WORD}commentReference") is not None:
        found += Content(traces=(Trace("", "comments"),))
    paragraphs = [p for p in root.iter(f"{WORD}p")]
    return found + Content(
        pieces=tuple(Piece(f"paragraph {n}", _word_text(p)) for n, p in enumerate(paragraphs, start=1))
    )


def _word_text(element: ElementTree.Element) -> str:
    """Text without raised marks; a line break is a space."""
    parts = []
    for run in element.iter(f"{WORD}r"):
        raised = run.find(f"{WORD}rPr/{WORD}vertAlign")
        if raised is None or raised.get(f"{WORD}val") != "superscript":
            parts += [" " if _local(child) in ("br", "tab") else child.text or "" for child in run]
    return "".join(parts).strip()


def _word_tables(root: ElementTree.Element) -> Iterator[Grid]:
    title = ""
    for n, table in enumerate(root.iter(f"{WORD}tbl"), start=1):
        caption = table.find(f"{WORD}tblPr/{WORD}tblCaption")
        title = caption.get(f"{WORD}val", "") if caption is not None else title
        heads: list[list[str]] = []
        rows: list[tuple[str, ...]] = []
        for row in table.iter(f"{WORD}tr"):
            is_head = row.find(f"{WORD}trPr/{WORD}tblHeader") is not None or not (heads or rows)
            cells = [cell for tc in row.iter(f"{WORD}tc") for cell in _word_cells(tc, is_head)]
            if is_head:
                heads.append(cells)
            else:
                rows.append(tuple(cells))
        yield Grid(stacked(heads), tuple(rows), f"table {n}", 1, title)


def _word_cells(cell: ElementTree.Element, is_head: bool) -> list[str]:
    """A cell, repeated over its columns when it is a head."""
    span = cell.find(f"{WORD}tcPr/{WORD}gridSpan")
    n = int(span.get(f"{WORD}val", "1")) if span is not None else 1
    text = " ".join(filter(None, map(_word_text, cell.iter(f"{WORD}p"))))
    return [text, *[text if is_head else ""] * (n - 1)]


def _excel(package: Package) -> Content:
    shown = _Shown(_shared(package), _decimals(package))
    book = ElementTree.fromstring(package["xl/workbook.xml"])
    found = Content()
    sheets = [e for e in book.iter() if _local(e) == "sheet"]
    names = sorted((n for n in package if re.fullmatch(r"xl/worksheets/sheet\d+\.xml", n)), key=_number)
    for n, sheet in enumerate(sheets, start=1):
        if sheet.get("state", "visible") != "visible":
            found += Content(traces=(Trace(f"sheet {n}", "hidden_sheet"),))
    if any(_local(e) == "definedName" and e.get("hidden") in ("1", "true") for e in book.iter()):
        found += Content(traces=(Trace("workbook", "hidden_text"),))
    for n, name in enumerate(names, start=1):
        found += _sheet(ElementTree.fromstring(package[name]), shown).within(f"sheet {n}")
    return found


def _number(name: str) -> int:
    return int(re.sub(r"\D", "", name) or 0)


def _shared(package: Package) -> list[str]:
    data = package.get("xl/sharedStrings.xml")
    items = [e for e in ElementTree.fromstring(data) if _local(e) == "si"] if data else []
    return ["".join(t.text or "" for t in item.iter() if _local(t) == "t") for item in items]


def _sheet(root: ElementTree.Element, shown: "_Shown") -> Content:
    """Cells as a grid: heads are the first row in which more than one is filled."""
    traces = []
    rows: list[dict[int, str]] = []
    for element in root.iter():
        tag = _local(element)
        if element.get("hidden") in ("1", "true") or (tag == "col" and float(element.get("width", "1")) == 0):
            traces.append(Trace(tag, "hidden_row_or_column"))
        if tag == "f":
            traces.append(Trace("", "formula"))
        if tag == "row":
            rows.append({_column(c.get("r", "A1")): shown.text(c) for c in element if _local(c) == "c"})
    start = next((i for i, row in enumerate(rows) if sum(map(bool, row.values())) > 1), None)
    pieces = tuple(Piece(f"row {n}", text) for n, row in enumerate(rows, start=1) for text in row.values() if text)
    if start is None:
        return Content((), pieces, tuple(traces))
    width = max(rows[start]) + 1
    cells = [tuple(row.get(x, "") for x in range(width)) for row in rows[start:]]
    return Content((labelled(cells[0], cells[1:]),), pieces, tuple(dict.fromkeys(traces)))


def _column(reference: str) -> int:
    """0 for ``A7``, 26 for ``AA7``."""
    n = 0
    for letter in re.sub(r"[^A-Z]", "", reference):
        n = 26 * n + ord(letter) - ord("A") + 1
    return n - 1


def _decimals(package: Package) -> list[int]:
    """Decimals that each style of cells shows."""
    data = package.get("xl/styles.xml")
    root = ElementTree.fromstring(data) if data else ElementTree.Element("none")
    own = {e.get("numFmtId", ""): e.get("formatCode", "") for e in root.iter() if _local(e) == "numFmt"}
    styles = [xf.get("numFmtId", "0") for e in root.iter() if _local(e) == "cellXfs" for xf in e]
    known = BUILT_IN | own
    return [len(found[1]) if (found := re.search(r"\.(0+)", known.get(style, ""))) else 0 for style in styles]


@dataclass(frozen=True)
class _Shown:
    """How cells are shown: the texts that they share, and the decimals of each style."""

    shared: list[str]
    decimals: list[int]

    def text(self, cell: ElementTree.Element) -> str:
        """A cell as it is shown: 2 with one decimal is ``2.0``."""
        texts = {_local(e): e.text or "" for e in cell.iter()}
        value = texts.get("t", texts.get("v", ""))
        if cell.get("t") == "s":
            return self.shared[int(value)]
        style = int(cell.get("s", "0"))
        is_number = cell.get("t", "n") == "n" and value and style < len(self.decimals)
        return f"{float(value):.{self.decimals[style]}f}" if is_number and self.decimals[style] else value
