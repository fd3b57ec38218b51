"""Finished PNG and Parquet."""

import io
import struct
import zlib

from ipseval.finished.content import Content, Piece, Trace, labelled

SIGNATURE = b"\x89PNG\r\n\x1a\n"
PICTURE = (b"IHDR", b"PLTE", b"IDAT", b"IEND", b"pHYs", b"tRNS", b"gAMA", b"cHRM", b"sRGB", b"sBIT", b"bKGD")
TEXTS = (b"tEXt", b"zTXt", b"iTXt")


def from_png(content: bytes) -> Content:
    """Texts beside the picture, and anything else that is none; the picture itself cannot be read."""
    if not content.startswith(SIGNATURE):
        raise ValueError("no PNG")
    found, at, name = Content(), len(SIGNATURE), b""
    while name != b"IEND":
        length, name = struct.unpack(">I4s", content[at : at + 8])
        data = content[at + 8 : at + 8 + length]
        at += 12 + length
        place = f"chunk {name.decode('latin-1')}"
        if name in TEXTS:
            found += Content(pieces=(Piece(place, _text(name, data)),))
        if name not in PICTURE:
            found += Content(traces=(Trace(place, "metadata"),))
    return found + Content(traces=(Trace("after the end", "metadata"),) if content[at:] else ())


def _text(name: bytes, data: bytes) -> str:
    """Keyword and text of a chunk."""
    key, _, rest = data.partition(b"\0")
    if name == b"zTXt":
        rest = zlib.decompress(rest[1:])
    elif name == b"iTXt":
        packed, rest = rest[:1] == b"\x01", rest[2:].split(b"\0", 2)[-1]  # after language and translated keyword
        rest = zlib.decompress(rest) if packed else rest
    return f"{key.decode('latin-1')}: {rest.decode('utf-8', 'replace')}"


def from_parquet(content: bytes) -> Content:
    """A grid; what is written beside the schema is text."""
    import pyarrow.parquet as pq

    table = pq.read_table(io.BytesIO(content))
    columns = [[_said(value) for value in column.to_pylist()] for column in table.columns]
    pieces = tuple(Piece("schema", f"{key!r} {value!r}") for key, value in (table.schema.metadata or {}).items())
    return Content((labelled(tuple(table.column_names), list(zip(*columns, strict=True))),), pieces)


def _said(value: object) -> str:
    return "" if value is None else str(value)
