"""Finished HTML and SVG, with what stands in their scripts, comments, attributes and ``data:`` addresses."""

import base64
import json
import re
import zlib
from collections.abc import Callable
from html.parser import HTMLParser
from urllib.parse import unquote_to_bytes
from xml.etree import ElementTree

from ipseval.finished.binary import from_png
from ipseval.finished.content import Content, Grid, Piece, Sourced, Trace, joined, stacked
from ipseval.finished.text import json_content

ADDRESS = re.compile(r"(?<!\w)data:([\w.+/-]*)((?:;[\w=.+-]+)*),([^\"'<>()\s]*)")
QUIET = ("style",)  # elements whose text is no text
ABOUT = ("creator", "publisher", "rights", "contributor", "date")  # elements that say who made a picture, and when
INLINE = ("a", "b", "strong", "i", "em", "span", "small", "u", "s", "mark", "code", "sub", "wbr", "font", "abbr", "q")
EMPTY = ("br", "img", "meta", "link", "input", "hr", "col", "source", "wbr")


def from_html(content: bytes) -> Content:
    """Tables, pairs of a description list, text, attributes, comments, scripts."""
    page = _Page()
    page.feed(content.decode("utf-8-sig"))
    page.close()
    return joined(page.parts)


class _Page(HTMLParser):
    """Collects what a page holds."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[Content] = []
        self.inside: list[str] = []
        self.script = ""
        self.rows: list[tuple[bool, list[tuple[str, int, int]]]] = []  # is it of heads; text, columns, rows
        self.caption, self.term, self.cell = "", "", ""
        self.spans = (1, 1)
        self.n_tables = 0
        self.sourced: list[tuple[int, str, list[str]]] = []  # how deep, of which line, its text so far
        self.run: list[str] = []  # pieces of text that only tags within a line part

    @property
    def place(self) -> str:
        return f"line {self.getpos()[0]}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        known = {name: value or "" for name, value in attrs}
        for name, value in known.items():
            self.parts.append(addresses(value, f"{self.place}, attribute {name}"))
        if tag == "meta" and known.get("name", "").casefold() in ("author", "generator", "creator"):
            self.parts.append(Content(traces=(Trace(self.place, "metadata"),)))
        if tag in ("iframe", "object", "embed"):
            self.parts.append(Content(traces=(Trace(self.place, "active_content"),)))
        for name in ("src", "href", "action", "srcset"):
            if tag not in ("a",) and re.match(r"(?i)\s*(https?:)?//", known.get(name, "")):
                self.parts.append(Content(traces=(Trace(self.place, "loads_from_elsewhere"),)))
        if tag in EMPTY:
            self.cell += " "
            return
        if tag not in INLINE:
            self._end_run()
        self.inside.append(tag)
        if "data-source" in known:
            self.sourced.append((len(self.inside), known["data-source"], []))
        self._begin(tag, known)

    def _begin(self, tag: str, known: dict[str, str]) -> None:
        if tag == "script":
            self.script = known.get("type", "")
        elif tag == "table":
            self.rows, self.caption = [], ""
        elif tag == "tr":
            self.rows.append(("thead" in self.inside, []))
        elif tag in ("td", "th", "dt", "dd", "caption"):
            self.cell = ""
            spans = [known.get(name, "1") for name in ("colspan", "rowspan")]
            self.spans = tuple(int(n) if n.isdecimal() else 1 for n in spans)  # type: ignore[assignment]
        else:
            self.cell += " "

    def handle_endtag(self, tag: str) -> None:
        if tag not in INLINE:
            self._end_run()
        if tag not in self.inside:
            return
        while self.inside and self.inside.pop() != tag:
            pass
        while self.sourced and self.sourced[-1][0] > len(self.inside):
            _, source, parts = self.sourced.pop()
            self.parts.append(Content(sourced=(Sourced(self.place, source, " ".join(parts)),)))
        text = " ".join(self.cell.split())
        if tag in ("td", "th") and self.rows:
            self.rows[-1][1].append((text, *self.spans))
        elif tag == "caption":
            self.caption = text
        elif tag == "dt":
            self.term = text
        elif tag == "dd":
            self.parts.append(Content((Grid((self.term,), ((text,),), self.place),)))
        elif tag == "table":
            self.n_tables += 1
            self.parts.append(Content((self._table(),)))

    def handle_data(self, data: str) -> None:
        tag = self.inside[-1] if self.inside else ""
        if tag == "script" and "json" in self.script:
            self.parts.append(_json(data, self.place))
        elif tag not in QUIET and data.strip():
            self.parts.append(addresses(data, self.place))
            self.run.append(data)
            if "sup" not in self.inside:
                self.cell += data
                for _, _, parts in self.sourced:
                    parts.append(data.strip())
        elif tag in QUIET:
            self.parts.append(addresses(data, self.place))

    def _end_run(self) -> None:
        """Text that is parted by tags alone is read as one, too: a key may be half in bold."""
        if len(self.run) > 1:
            self.parts.append(Content(pieces=(Piece(self.place, "".join(self.run)),)))
        self.run = []

    def close(self) -> None:
        """The end of the page."""
        super().close()
        self._end_run()

    def handle_comment(self, data: str) -> None:
        self.parts.append(addresses(data, f"{self.place}, comment"))

    def _table(self) -> Grid:
        """Heads over several columns are repeated over each, and joined."""
        heads = _filled([row for is_head, row in self.rows if is_head])
        body = [row for is_head, row in self.rows if not is_head]
        if not heads and body:
            heads, body = _filled(body[:1]), body[1:]
        rows = tuple(tuple(cell for text, n, _ in row for cell in (text, *[""] * (n - 1))) for row in body)
        return Grid(stacked(heads), rows, f"table {self.n_tables}", 1, self.caption)


def _filled(rows: list[list[tuple[str, int, int]]]) -> list[list[str]]:
    """Rows of heads in which each stands over all its columns and rows."""
    filled: list[dict[int, str]] = [{} for _ in rows]
    for y, row in enumerate(rows):
        x = 0
        for text, n_columns, n_rows in row:
            while x in filled[y]:
                x += 1
            for below in range(y, min(y + n_rows, len(rows))):
                filled[below].update({x + i: text for i in range(n_columns)})
            x += n_columns
    return [[row.get(x, "") for x in range(max(row, default=-1) + 1)] for row in filled]


def _json(text: str, place: str) -> Content:
    try:
        return json_content(json.loads(text)).within(place)
    except ValueError:
        return Content(pieces=(Piece(place, text),), traces=(Trace(place, "unreadable"),))


def addresses(text: str, place: str) -> Content:
    """The text without its ``data:`` addresses, and what these hold."""
    content = Content(pieces=(Piece(place, ADDRESS.sub(" ", text)),))
    for kind, options, data in ADDRESS.findall(text):
        reader = EMBEDDED.get(kind)
        try:
            found = base64.b64decode(unquote_to_bytes(data)) if "base64" in options else unquote_to_bytes(data)
            inner = reader(found) if reader else Content(traces=(Trace("", "unexpected_type"),))
        except (ValueError, ElementTree.ParseError, zlib.error):
            inner = Content(traces=(Trace("", "unreadable"),))
        content += inner.within(f"{place}, embedded")
    return content


def from_svg(content: bytes) -> Content:
    """Texts, comments and attributes; the drawing itself for those who read coordinates."""
    builder = ElementTree.TreeBuilder(insert_comments=True, insert_pis=True)
    root = ElementTree.fromstring(content, ElementTree.XMLParser(target=builder))
    parts = [Content(pieces=(Piece("", content.decode("utf-8"), is_drawing=True),))]
    for n, element in enumerate(root.iter(), start=1):
        name = _name(element)
        place = f"element {n} ({name})" if name else f"element {n}"
        if name in ("script", "foreignObject"):
            parts.append(Content(traces=(Trace(place, "active_content"),)))
        if name in ABOUT and "".join(element.itertext()).strip():
            parts.append(Content(traces=(Trace(place, "metadata"),)))
        for text in (element.text, element.tail, *(v for k, v in element.attrib.items() if not _is_shape(k))):
            if text and text.strip() and name not in QUIET:
                parts.append(addresses(text, place))
    return joined(parts)


def _name(element: ElementTree.Element) -> str:
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""


def _is_shape(attribute: str) -> bool:
    """Whether an attribute holds coordinates."""
    return attribute in (
        "d",
        "points",
        "transform",
        "viewBox",
        "x",
        "y",
        "x1",
        "x2",
        "y1",
        "y2",
        "cx",
        "cy",
        "r",
        "width",
        "height",
        "style",
        "clip-path",
    )


EMBEDDED: dict[str, Callable[[bytes], Content]] = {
    "image/svg+xml": from_svg,
    "image/png": from_png,
    "application/json": lambda content: _json(content.decode("utf-8"), ""),
    "text/plain": lambda content: addresses(content.decode("utf-8"), ""),
    "text/css": lambda content: addresses(content.decode("utf-8"), ""),
}
