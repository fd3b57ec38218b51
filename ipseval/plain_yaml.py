"""YAML files read plainly: what YAML makes of a text by itself is kept in sight, and all faults are found at once.

YAML 1.1 reads ``NO`` as false, ``010`` as 8, ``12:30`` as 750 and ``.nan`` as a number; it keeps the last of two equal
keys, takes 1 and '1' for two, and a few lines of aliases can stand for more values than memory holds. Codes of
registers look like all of these.
"""

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, cast

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from ipseval.config import code
from ipseval.errors import Fault, UserError, nearest

MAX_BYTES = 2_000_000
MAX_VALUES = 100_000  # aliases counted as often as they stand for something
MAX_DEPTH = 40  # levels inside each other
SPELLED = re.compile(r"0[0-9]+")  # a code such as 01, which is text: YAML makes 8 of 010 and leaves 08 as it is
DECIMAL = re.compile(r"[-+]?(0|[1-9][0-9_]*)")
WHOLE = re.compile(r"[-+]?(0|[1-9][0-9]*)\.0*")  # 12.0 is 12
TRUTH = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
WORDS = {"yes": True, "on": True, "no": False, "off": False}  # which YAML takes for true and false, too
TAG = "tag:yaml.org,2002:"
AS_TEXT = ("str", "value", "merge")  # kinds of YAML whose text is meant
WRONG = "(wrong)"  # stands in the place of what cannot be read, which is told
MAX_SHOWN = 60  # signs of a text that a message shows
Place = tuple[str | int, ...]


def shown(text: str) -> str:
    """A text of a configuration file, shortened."""
    return text if len(text) <= MAX_SHOWN else f"{text[:MAX_SHOWN]}..."


@dataclass(frozen=True)
class Reading:
    """A text without quotes that YAML takes for something that is spelled otherwise as a code.

    Parameters
    ----------
    text : str
        As it stands in the file.
    value : bool, int, float or date
        What YAML makes of it.
    """

    text: str
    value: Any

    @property
    def meant(self) -> Any:
        """The text of a code with leading zeros; else what YAML makes of it."""
        return self.text if SPELLED.fullmatch(self.text) else self.value

    def __str__(self) -> str:
        return f"{shown(self.text)}, which YAML reads as {_named(self.value)}"


@dataclass
class Document:
    """What a file holds.

    Parameters
    ----------
    content : any
        Mappings, lists, text, numbers, truth values, None and :class:`Reading`.
    faults : dict of (place, what, remedy)
        What is wrong, each once, in the order of the file; a place is the keys that lead to it.
    """

    content: Any = None
    faults: dict[tuple[Place, str, str], None] = field(default_factory=dict)

    def worded(self, file: str) -> list[Fault]:
        """The faults as they are told; ``file`` names the file to the user."""
        return [
            Fault(file, f"{'.'.join(map(str, place))} {what}".strip(), remedy) for place, what, remedy in self.faults
        ]

    @property
    def places(self) -> set[Place]:
        """Where something is wrong."""
        return {place for place, _, _ in self.faults}


def read(path: Path) -> Document:
    """Read a YAML file that holds a mapping.

    Raises
    ------
    UserError
        The file is missing, is no YAML, is too large for a configuration or holds something else.
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            _refuse(path, f"is larger than {MAX_BYTES // 10**6} MB.", "Name a configuration file.")
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
        beside = (p.name for p in path.parent.glob("*.y*ml")) if path.parent.is_dir() else ()
        _refuse(path, f"cannot be read ({reason}).", nearest(path.name, beside) or "Name an existing YAML file.")
    document = Document()
    try:
        node = _Bounded(text).get_single_node()
        document.content = None if node is None else _Reader(document).value(node, ())
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f" at line {mark.line + 1}" if mark else ""
        problem = getattr(error, "problem", None) or str(error).partition("\n")[0]
        _refuse(path, f"is no valid YAML{line}: {problem}.", "Mend that line.")
    if not isinstance(document.content, dict):
        _refuse(path, "holds no keys.", "See config/cohorts for an example.")
    return document


def _refuse(path: Path, what: str, remedy: str) -> None:
    raise UserError([Fault(str(path), what, remedy)]) from None


def plain(content: Any) -> Any:
    """The content with every :class:`Reading` as YAML reads it (codes with leading zeros: as they stand), and whole
    numbers without a point.
    """
    if isinstance(content, Mapping):
        return {key: plain(value) for key, value in content.items()}
    if isinstance(content, list | tuple):
        return [plain(value) for value in content]
    value = content.meant if isinstance(content, Reading) else content
    return int(value) if isinstance(value, float) and value.is_integer() else value


def readings(content: Any, place: Place = ()) -> Iterator[tuple[Place, Reading]]:
    """Every :class:`Reading` of a content and its place."""
    inside: Any = ()
    if isinstance(content, Mapping):
        inside = content.items()
    elif isinstance(content, list):
        inside = enumerate(content)
    for key, value in inside:
        if isinstance(value, Reading):
            yield (*place, key), value
        else:
            yield from readings(value, (*place, key))


class _TooMuchError(yaml.MarkedYAMLError):
    """A file that stands for more than a configuration can hold."""


class _Bounded(yaml.SafeLoader):
    """Nodes of a file whose size and depth are known before anything is made of them."""

    def __init__(self, text: str):
        super().__init__(text)
        self.n_values = self.depth = self.reach = 0
        self.anchored: dict[str, tuple[int, int]] = {}  # anchor -> values that it stands for, levels within

    def compose_node(self, parent: Node | None, index: Any) -> Node | None:
        """The next node. An alias counts as what it stands for; one within its own anchor has no end."""
        event = self.peek_event()
        anchor, outer, before = event.anchor, self.reach, self.n_values
        self.depth = self.reach = self.depth + 1
        self.n_values += 1
        if isinstance(event, yaml.AliasEvent):
            self._add_alias(event)
        self._check(event)
        node = super().compose_node(parent, index)
        if anchor and not isinstance(event, yaml.AliasEvent):
            self.anchored[anchor] = (self.n_values - before, self.reach - self.depth)
        self.reach = max(outer, self.reach)
        self.depth -= 1
        return node

    def _add_alias(self, event: yaml.AliasEvent) -> None:
        name = str(event.anchor)
        if name in self.anchors and name not in self.anchored:
            raise _TooMuchError(problem=f"*{name} stands within itself", problem_mark=cast(yaml.Mark, event.start_mark))
        n_values, levels = self.anchored.get(name, (0, 0))
        self.n_values += n_values
        self.reach += levels

    def _check(self, event: yaml.Event) -> None:
        limits = ((self.n_values, MAX_VALUES, "values"), (self.reach, MAX_DEPTH, "levels inside each other"))
        for found, most, what in limits:
            if found > most:
                problem = f"more than {most:,} {what}, aliases counted"
                raise _TooMuchError(problem=problem, problem_mark=cast(yaml.Mark, event.start_mark))


class _Reader:
    """Values of nodes; what is wrong with them goes to the document."""

    def __init__(self, document: Document):
        self.document = document

    def value(self, node: Node, place: Place) -> Any:
        """What a node holds."""
        if node.tag.removeprefix(TAG) not in KINDS:
            kind = node.tag.replace(TAG, "!!")
            self._fault(place, f"is marked as {kind}.", "Expected: keys, lists, text and numbers without a mark.")
            return WRONG
        if isinstance(node, MappingNode):
            return self._mapping(node, place)
        if isinstance(node, SequenceNode):
            return [self.value(part, (*place, i)) for i, part in enumerate(node.value)]
        return self._scalar(node, place) if isinstance(node, ScalarNode) else WRONG

    def _fault(self, place: Place, what: str, remedy: str) -> None:
        self.document.faults[place, what, remedy] = None

    def _mapping(self, node: MappingNode, place: Place) -> dict[Any, Any]:
        merged: dict[Any, Any] = {}
        own: dict[Any, Any] = {}
        first: dict[str, ScalarNode] = {}  # by code
        for key_node, value_node in node.value:
            if key_node.tag == f"{TAG}merge":
                merged = {**self._merged(value_node, place), **merged}
                continue
            key = self._key(key_node, place)
            if key is WRONG:
                continue
            if (earlier := first.setdefault(code(key), key_node)) is not key_node:
                self._twice(earlier, key_node, place)
                continue
            own[key] = self.value(value_node, (*place, key))
        codes = {code(key) for key in own}
        return {**{key: value for key, value in merged.items() if key in own or code(key) not in codes}, **own}

    def _merged(self, node: Node, place: Place) -> dict[Any, Any]:
        """What ``<<`` brings: of several mappings the first that has a key decides."""
        parts = node.value if isinstance(node, SequenceNode) else [node]
        if not all(isinstance(part, MappingNode) for part in parts):
            self._fault(place, "has << before something without keys.", "Name an anchor of a mapping.")
            return {}
        found: dict[Any, Any] = {}
        for part in parts:
            found = {**self.value(part, place), **found}
        return found

    def _key(self, node: Node, place: Place) -> Any:
        """A key; ``WRONG`` for what cannot be one, which is told."""
        where = f"at line {node.start_mark.line + 1}"
        if not isinstance(node, ScalarNode) or node.tag.removeprefix(TAG) not in KINDS:
            self._fault(place, f"has a key {where} that is no text.", "Quote it, or mend that line.")
            return WRONG
        key = self._scalar(node, (*place, shown(node.value)))
        if isinstance(key, Reading) and key.meant == key.text:
            return key.text
        if isinstance(key, Reading):
            self._fault(place, f"has the key {key}.", f"Quote it: '{key.text}'.")
            return WRONG
        if key is None:
            what = (
                f"the key {node.value}, which YAML reads as nothing" if node.value else f"a key without a name {where}"
            )
            self._fault(place, f"has {what}.", "Quote it, or mend that line.")
            return WRONG
        return key

    def _twice(self, earlier: ScalarNode, later: ScalarNode, place: Place) -> None:
        lines = sorted({earlier.start_mark.line + 1, later.start_mark.line + 1})
        where = f"at line{'s' * (len(lines) > 1)} {' and '.join(map(str, lines))}"
        names = [f"'{shown(node.value)}'" if node.style else shown(node.value) for node in (earlier, later)]
        alike = f": {' and '.join(names)} are the same code" if names[0] != names[1] else ""
        self._fault(place, f"names '{shown(earlier.value)}' twice, {where}{alike}.", "Keep one of them.")

    def _scalar(self, node: ScalarNode, place: Place) -> Any:
        text, kind = node.value, node.tag.removeprefix(TAG)
        if kind in AS_TEXT:
            return text
        if kind == "null":
            return None
        try:
            return SCALARS[kind](text)
        except _NotPlainError as error:
            remedy = f"Write {error.instead}, or quote it: '{shown(text)}'."
            self._fault(place, f"is {shown(text)}, which YAML reads as {error.read_as}.", remedy)
        except ValueError:
            self._fault(place, f"is {shown(text)}, which cannot be read as {NAMES[kind]}.", "Mend that line.")
        return WRONG


class _NotPlainError(ValueError):
    """A number that is not written as people write numbers."""

    def __init__(self, read_as: str, instead: str):
        self.read_as, self.instead = read_as, instead
        super().__init__()


def _bool(text: str) -> Any:
    if text in TRUTH:
        return TRUTH[text]
    if text.lower() not in WORDS:
        raise ValueError
    return Reading(text, WORDS[text.lower()])


def _int(text: str) -> Any:
    if SPELLED.fullmatch(text):
        return Reading(text, _construct(text, "int"))
    if not DECIMAL.fullmatch(text):
        value = _construct(text, "int")
        raise _NotPlainError(f"the number {value}", "the number without leading zeros or colons")
    value = int(text.replace("_", ""))
    return value if code(value) == text else Reading(text, value)


def _float(text: str) -> Any:
    value = _construct(text, "float")
    if not math.isfinite(value):
        raise _NotPlainError("not a number" if math.isnan(value) else "an infinite number", "a number")
    if ":" in text:
        raise _NotPlainError(f"the number {value}", "the number without colons")
    if WHOLE.fullmatch(text):
        return int(value)
    return value if code(value) == text else Reading(text, value)


def _date(text: str) -> Any:
    try:
        value = _construct(text, "timestamp")
    except ValueError:
        return text  # YAML would stop: there is no such day
    return Reading(text, value)


def _construct(text: str, kind: str) -> Any:
    """What YAML itself makes of a text."""
    return yaml.SafeLoader("").construct_object(ScalarNode(f"{TAG}{kind}", text))


SCALARS = {"bool": _bool, "int": _int, "float": _float, "timestamp": _date}
NAMES = {"bool": "true or false", "int": "a whole number", "float": "a number", "timestamp": "a date"}
KINDS = {*AS_TEXT, "null", *SCALARS, "map", "seq"}


def _named(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "a date" if isinstance(value, date) else f"the number {value}"
