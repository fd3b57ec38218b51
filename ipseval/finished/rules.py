"""What no finished file may hold: small counts, keys of persons, paths, names of users, days of single persons."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache, cached_property, partial
from typing import Any

from ipseval.finished.content import Content, Grid, Piece

# A rule -> what it says of a place. No finding repeats what was found.
RULES = {
    "small_count": "a count below the profile's threshold",
    "unrounded_count": "a count that the profile rounds and that is not rounded",
    "person_key": "the key of a person of the trial list",
    "path": "a path of a file system",
    "user_name": "the name of a user or of a machine",
    "day": "a date with its day",
    "metadata": "properties that say who, where or when",
    "hidden_value": "a number that protection hid",
    "hidden_unevenly": "cells hidden in one format and not in another",
    "hidden_in_drawing": "a point of a drawing at a number that protection hid",
    "rows_differ": "other rows than the table inside has",
    "unexpected_type": "a type of file that is not released",
    "unexpected_part": "a part that a table does not need",
    "unreadable": "content that its type cannot have",
    "link": "a link to another file",
    "comments": "comments",
    "tracked_changes": "tracked changes",
    "hidden_text": "hidden text",
    "hidden_sheet": "a hidden sheet",
    "hidden_row_or_column": "a hidden row or column",
    "formula": "a formula",
    "active_content": "content that is run",
    "loads_from_elsewhere": "an address that is loaded",
}
MARKED = r"(?:\s?[*†‡§¶#]{1,3}|\s[a-z]|[ᵃ-ᵿ¹²³])?"  # a star or a letter that points to a note
WHOLE = re.compile(rf"(\d{{1,3}}){MARKED}(?:\s*\(.*|\s*/\s*\d+|\s+(?:of|av|af)\s.*)?", re.S)
COUNTED = re.compile(rf"(\d{{1,3}})(?:[.,]0+)?{MARKED}(?:\s*[(/].*|\s+(?:of|av|af)\s.*)?", re.S)
THOUSANDS = re.compile(r"[1-9]\d{0,2}[.,]000(?!\d)")  # 2,000 and 2.000 are two thousand
DECIMALS = re.compile(r"0[.,]\d{3}(?!\d)")  # but not below a head under which 0.250 stands
LARGE = re.compile(r"(\d{1,3}(?:[ ,.\u00a0\u202f]\d{3})+|\d+)(?:[.,]0+)?")  # any count, also with marks at thousands
N_IS = re.compile(r"(?i)\bn\s*[=:]\s*(\d{1,3})(?![\d.,]*\d)")
WORD = re.compile(r"\w+(?:[-.]\w+)*")
PATH = re.compile(
    r"(?i)file:/|(?<![\w.:/])/(?:home|users|root|mnt|media|srv|tmp|var|data|work|opt|net|scratch|cluster|export|tsd)/\w"
    r"|(?<!\w)[a-z]:\\\w|(?<!\w)[a-z]:/(?!/)\w+/|(?<![\\\w])\\\\[a-z][\w.-]*\\[a-z$]|(?<!\w)~/\w"
)
YEAR, MONTH, DAY_OF_MONTH = r"(?:19|20)\d\d", r"(?:1[0-2]|0?[1-9])", r"(?:3[01]|[12]\d|0?[1-9])"
NAMED = r"(?:jan|feb|mar|apr|ma[yij]|jun|jul|aug|sep|o[ck]t|nov|de[cs])[a-zæøå]*\.?"  # in the languages of print
DAY = re.compile(  # a date with its day, wherever it stands
    rf"(?i)(?<![\w.,/+-])(?:{YEAR}-(?:1[0-2]|0[1-9])-(?:3[01]|[12]\d|0[1-9])(?:[T ][\d:.]+(?:Z|[+-][\d:]+)?)?"
    rf"|{DAY_OF_MONTH}([./-]){MONTH}\1{YEAR}|{DAY_OF_MONTH}\.?\s{NAMED}\s{YEAR}|{NAMED}\s{DAY_OF_MONTH},?\s{YEAR})(?![\w/-])"
)
SHORT_DAY = re.compile(  # what is a date as the whole of a cell only: 20130506, 06.05.13
    rf"{YEAR}(?:1[0-2]|0[1-9])(?:3[01]|[12]\d|0[1-9])|(?:3[01]|[12]\d|0[1-9])([./-])(?:1[0-2]|0[1-9])\1\d\d"
)
STAT_NAME, STAT = "stat_name", "stat"
GENERIC = ("admin", "administrator", "ubuntu", "debian", "runner", "jovyan", "docker", "localhost", "default")

Found = tuple[str, str]  # place, rule


@dataclass(frozen=True)
class Rules:
    """What is looked for.

    Parameters
    ----------
    settings : mapping
        config/scan.yaml.
    threshold : int
        The smallest count of persons that may be shown; 0 or 1: any.
    base : int
        Counts of persons are multiples of it; 0: of nothing.
    keys : frozenset of str
        Keys of the persons of the trial list.
    names : tuple of str
        Names of users and machines.
    """

    settings: Mapping[str, Any]
    threshold: int = 0
    base: int = 0
    keys: frozenset[str] = frozenset()
    names: tuple[str, ...] = ()

    @cached_property
    def broken_by(self) -> Callable[[str], tuple[str, ...]]:
        """The rules on texts that a text breaks; most texts of a release stand in it many times."""
        looking = [*_in_text(self)]
        return cache(lambda text: tuple(rule for rule, is_in in looking if is_in(text)))

    @cached_property
    def long_keys(self) -> frozenset[str]:
        """Keys that are looked for in every text."""
        return frozenset(key.casefold() for key in self.keys if _is_distinctive(key, self.settings))

    @cached_property
    def short_keys(self) -> frozenset[str]:
        """Keys that are looked for in columns of which all values are keys."""
        return frozenset(key for key in self.keys if not _is_distinctive(key, self.settings))


def breaches(content: Content, rules: Rules) -> Iterator[Found]:
    """Places of a file's content that break a rule."""
    yield from ((trace.place, trace.rule) for trace in content.traces)
    for grid in content.grids:
        yield from _small_counts(grid, rules)
        yield from _short_keys(grid, rules)
        yield from _in_texts(grid, rules)
    for piece in (piece for piece in content.pieces if not piece.is_drawing):
        yield from ((_of_piece(piece), rule) for rule in rules.broken_by(piece.text))
        if not _is_of_a_date(piece, rules) and DAY.search(piece.text):
            yield _of_piece(piece), "day"


def _in_texts(grid: Grid, rules: Rules) -> Iterator[Found]:
    """Heads and cells that break a rule on texts or days; what a column says many times is looked at once."""
    for x, head in enumerate(grid.heads, start=1):
        yield from ((_of_head(grid, x), rule) for rule in rules.broken_by(head))
        column = [row[x - 1] if len(row) >= x else "" for row in grid.rows]
        broken = {text: _broken(head, text, rules) for text in set(column)}
        if any(broken.values()):
            yield from ((_at(grid, y, x), rule) for y, text in enumerate(column, start=1) for rule in broken[text])


def _broken(head: str, text: str, rules: Rules) -> tuple[str, ...]:
    return (*rules.broken_by(text), *(("day",) if _is_day(head, text, rules) else ()))


def is_silent(place: str, rules: Rules) -> bool:
    """Whether a place may be told: it holds nothing that must not be repeated."""
    return not rules.broken_by(place)


def places(content: Content) -> Iterator[tuple[Callable[[], str], str]]:
    """Every text of a file, heads, cells and pieces, after a function that says where it stands: few are asked."""
    for grid in content.grids:
        yield from ((partial(_of_head, grid, x), head) for x, head in enumerate(grid.heads, start=1))
        yield from ((partial(_at, grid, y, x), cell) for y, x, cell in grid.cells())
    yield from ((partial(_of_piece, piece), piece.text) for piece in content.pieces if not piece.is_drawing)


def _of_head(grid: Grid, x: int) -> str:
    return f"{grid.place or 'table'}, head {x}"


def _of_piece(piece: Piece) -> str:
    return piece.place or "text"


def _is_day(head: str, cell: str, rules: Rules) -> bool:
    if head in rules.settings["dates"]:
        return False
    return DAY.search(cell) is not None or (
        SHORT_DAY.fullmatch(cell.strip()) is not None and kind(head, rules) not in ("shares", "others")
    )


def _is_of_a_date(piece: Piece, rules: Rules) -> bool:
    return any(head in piece.place.replace("/", " ").split() for head in rules.settings["dates"])


def _at(grid: Grid, y: int, x: int) -> str:
    """Where a cell is; the head is named when it is that of a column of data."""
    head = grid.heads[x - 1]
    named = f" ({head})" if re.fullmatch(r"[a-z]+(_[a-z]+)*", head) else ""
    return f"{grid.place or 'table'}, row {y}, column {x}{named}"


def _small_counts(grid: Grid, rules: Rules) -> Iterator[Found]:
    kinds = [kind(head, rules) for head in grid.heads]
    named = (grid.heads.index(STAT_NAME), grid.heads.index(STAT)) if {STAT_NAME, STAT} <= set(grid.heads) else None
    looked_at = [x for x, own in enumerate(kinds, start=1) if x > grid.n_labels and own not in ("shares", "others")]
    for y, row in enumerate(grid.rows if looked_at else (), start=1):
        in_row = _kind_of_row(row[grid.n_labels - 1], rules) if 0 < grid.n_labels <= len(row) else ""
        for x, cell in ((x, row[x - 1]) for x in looked_at if x <= len(row)):
            of_column = kinds[x - 1]
            if named and x - 1 == named[1] and len(row) > named[0]:  # in long form the row says what its number is
                of_column = kind(row[named[0]], rules)
            if "shares" in (of_column, in_row):
                continue
            is_count = of_column == "counts"
            if not is_count and (of_column or in_row) == "others":
                continue
            is_large = is_count and THOUSANDS.match(cell.strip()) is not None and not _has_decimals(grid, x)
            if not is_large and _is_small((COUNTED if is_count else WHOLE).fullmatch(cell.strip()), rules):
                yield _at(grid, y, x), "small_count"
            if is_count and rules.base and _is_uneven(cell, rules.base):
                yield _at(grid, y, x), "unrounded_count"


def _has_decimals(grid: Grid, x: int) -> bool:
    """Whether three digits behind a mark are decimals under this head."""
    return any(len(row) >= x and DECIMALS.match(row[x - 1].strip()) for row in grid.rows)


def _is_uneven(cell: str, base: int) -> bool:
    n = LARGE.fullmatch(cell.strip())
    return n is not None and int(re.sub(r"\D", "", n[1])) % base != 0


def kind(head: str, rules: Rules) -> str:
    """What numbers under a head are: ``shares``, ``counts``, ``others``, or nothing that is known."""
    if head.casefold().strip() in rules.settings["keys"]:  # codes of rows, which may be numbers: an arm called 1
        return "others"
    return _kind(head.casefold().replace("\u00ad", ""), *(tuple(rules.settings[name]) for name in KINDS))


def _kind_of_row(label: str, rules: Rules) -> str:
    """The same of a head of a row, of which few are known: such as ``Centres pooled``."""
    known = any(fnmatchcase(label.casefold(), str(pattern)) for pattern in rules.settings["other_rows"])
    return "others" if known else "shares" if "%" in label else ""


KINDS = ("shares", "about", "counts", "others")


@cache
def _kind(head: str, *known: tuple[str, ...]) -> str:
    words = set(WORD.findall(head)) | {head.strip()} | ({"%"} if "%" in head else set())
    named = {name: [str(word).casefold() for word in listed] for name, listed in zip(KINDS, known, strict=True)}
    if head.strip() in named["others"] + named["about"]:  # n_centres, though n_* is a count
        return "others"
    for name, listed in named.items():
        if any(fnmatchcase(word, pattern) for pattern in listed for word in words) or any(
            re.search(rf"\b{re.escape(phrase)}\b", head) for phrase in listed if " " in phrase
        ):
            return "others" if name == "about" else name
    return ""


def _is_small(found: re.Match[str] | None, rules: Rules) -> bool:
    return found is not None and 1 <= int(found[1]) < rules.threshold


def _says_small(text: str, rules: Rules) -> bool:
    """Whether a sentence counts few persons: ``2 persons``, ``n = 2``; not ``fewer than 2 persons``."""
    if rules.threshold <= 1 or not any("1" <= sign <= "9" for sign in text):
        return False
    said, bounds = (tuple(map(str, rules.settings[name])) for name in ("persons", "bounds"))
    counted = (m for m in _of_persons(said).finditer(text) if not _is_bound(text[: m.start()], bounds))
    return any(_is_small(m, rules) for m in (*counted, *N_IS.finditer(text)))


@cache
def _of_persons(words: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile(rf"(?i)(?<![\w.,])(?<!\d[ \u00a0\u202f])(\d{{1,3}})\s+(?:{'|'.join(map(re.escape, words))})\b")


def _is_bound(before: str, bounds: tuple[str, ...]) -> bool:
    return before.rstrip().casefold().endswith(bounds)


def _in_text(rules: Rules) -> Iterable[tuple[str, Callable[[str], bool]]]:
    """Rules on every text."""
    yield "small_count", lambda text: _says_small(text, rules)
    yield "path", lambda text: PATH.search(text) is not None
    names = [name for name in rules.names if len(name) >= 5 and name.casefold() not in GENERIC]
    if names:
        some = re.compile(rf"(?i)(?<!\w)(?:{'|'.join(map(re.escape, names))})(?!\w)")
        yield "user_name", lambda text: some.search(text) is not None
    if rules.long_keys:
        odd = [key for key in rules.long_keys if not re.fullmatch(r"\w+", key)]
        spelled = re.compile(rf"(?i)(?<!\w)(?:{'|'.join(map(re.escape, sorted(odd)))})(?!\w)") if odd else None
        yield (
            "person_key",
            lambda text: _holds_key(text, rules.long_keys) or (spelled is not None and bool(spelled.search(text))),
        )


def _is_distinctive(key: str, settings: Mapping[str, Any]) -> bool:
    is_mixed = not key.isdigit() and any(map(str.isdigit, key))
    return len(key) >= settings["min_mixed_key_length" if is_mixed else "min_key_length"]


def _holds_key(text: str, keys: frozenset[str]) -> bool:
    """Whether a key stands in a text as a whole word, and not as the decimals of a number or as a colour.

    ``keys`` are in small letters: a key in another case is the same key.
    """
    for found in re.finditer(r"(?<!#)(?<!\w)\w+", text.casefold()):
        word, before = found[0], text[max(found.start() - 2, 0) : found.start()]
        if word in keys and not (word.isdigit() and re.fullmatch(r"\d[.,]", before)):
            return True
    return False


def _short_keys(grid: Grid, rules: Rules) -> Iterator[Found]:
    """Columns of which all values are keys too short to be looked for in texts, and that are not known numbers."""
    for x, head in enumerate(grid.heads if rules.short_keys else (), start=1):
        values = {row[x - 1].strip() for row in grid.rows if len(row) >= x} - {""}
        if len(values) >= 3 and values <= rules.short_keys and not kind(head, rules):
            yield _at(grid, 1, x), "person_key"
