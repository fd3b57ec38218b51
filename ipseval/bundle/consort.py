"""The CONSORT 2025 and CONSORT-ROUTINE checklists, filled with where a release answers each item."""

import csv
import io
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from ipseval.language import phrases, say
from ipseval.settings import ROOT, read_yaml

FILE = ROOT / "config" / "consort.yaml"
SAID = ("section", "topic", "asks", "left")  # of an item: texts that the catalogues of languages hold
HEADS = ("standard", "item", "section", "topic", "asks", "answered", "where", "left")
ANSWERED = phrases({"yes": "yes", "in part": "in part", "unknown": "not known here"})


@dataclass(frozen=True)
class Item:
    """An item of a checklist.

    Parameters
    ----------
    standard, item, section, topic, asks : str
    found : tuple of str
        Files of the release in which it is answered.
    left : str
        What is left to say.
    """

    standard: str
    item: str
    section: str
    topic: str
    asks: str
    found: tuple[str, ...] = ()
    left: str = ""

    @property
    def answered(self) -> str:
        """``yes``, ``in part`` or ``not known here``, in the language that is printed."""
        yes, partly, unknown = map(say, ANSWERED.values())
        return unknown if not self.found else partly if self.left else yes


def items(released: Collection[str]) -> list[Item]:
    """Every item of config/consort.yaml in the language that is printed, with those files that are released."""
    return [_item(standard, entry, released) for standard, entries in read_yaml(FILE).items() for entry in entries]


def _item(standard: str, entry: Mapping[str, Any], released: Collection[str]) -> Item:
    said = {name: say(entry[name]) for name in SAID if name in entry}
    number, _, adds = entry["item"].partition(" ")  # "3a (adds)": to an item of CONSORT 2010
    said["item"] = f"{number} ({say('adds')})" if adds else number
    return Item(standard, **said, found=tuple(file for file in entry.get("found", ()) if file in released))


def to_csv(checklist: list[Item]) -> str:
    """The checklist as CSV, one row an item."""
    lines = io.StringIO()
    writer = csv.writer(lines, lineterminator="\n")
    writer.writerow(HEADS)
    for i in checklist:
        writer.writerow((i.standard, i.item, i.section, i.topic, i.asks, i.answered, "; ".join(i.found), i.left))
    return lines.getvalue()


def to_markdown(checklist: list[Item]) -> str:
    """The checklist as Markdown, a table a standard."""
    lines = [
        f"# {say('Where each item of the checklists is found')}",
        "",
        say(
            "Items are in our own short words; the statements have them in full. What the pipeline cannot know says so."
        ),
    ]
    heads = (say("Item"), say("Topic"), say("Asks for"), say("Answered"), say("Where"), say("Left to say"))
    for standard in dict.fromkeys(i.standard for i in checklist):
        own = [i for i in checklist if i.standard == standard]
        lines += ["", f"## {standard}", "", f"| {' | '.join(heads)} |"]
        lines += ["| :-- | :-- | :-- | :-- | :-- | :-- |"]
        lines += [f"| {i.item} | {i.topic} | {i.asks} | {i.answered} | {', '.join(i.found)} | {i.left} |" for i in own]
    return "\n".join(lines) + "\n"
