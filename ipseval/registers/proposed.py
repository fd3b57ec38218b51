"""What `ipseval init` found in a folder, and the forms of the lines that it writes into a cohort file."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

from ipseval.registers.coverage import MIN_PERSONS
from ipseval.registers.recognise import Guess
from ipseval.registers.survey import Codes, Survey

MARK = "# CHECK:"  # of a guess


@dataclass(frozen=True)
class Found:
    """What was recognised in a folder.

    Parameters
    ----------
    guesses, surveys : dict
        By extract, one of each source; several where a register follows another.
    unused, broken : tuple of str
        Names of files that look like no extract, or that are no Parquet.
    other : dict
        Name of a file that is no Parquet and was not read -> what it is.
    labels : dict
        Column of the trial list -> code -> label, where its file holds labels of values.
    converted : str
        What was said of a trial list that was converted; empty when none was.
    """

    guesses: dict[str, tuple[Guess, ...]]
    surveys: dict[str, tuple[Survey, ...]]
    unused: tuple[str, ...]
    broken: tuple[str, ...]
    other: dict[str, str] = field(default_factory=dict)
    labels: dict[str, dict[str, str]] = field(default_factory=dict)
    converted: str = ""

    def codes(self, extract: str, column: str) -> Codes:
        """Codes of a column of an extract, of all its sources."""
        known = [survey.codes.get(column, Codes((), 0)) for survey in self.surveys.get(extract, ())]
        shared = dict.fromkeys(code for codes in known for code in codes.shared)
        return Codes(tuple(shared), sum(codes.n_rare for codes in known))


def scalar(value: Any) -> str:
    """A value as YAML writes it on a line."""
    return (
        yaml.safe_dump(value, default_flow_style=True, allow_unicode=True, width=10_000).removesuffix("...\n").strip()
    )


def line(text: str, check: str = "") -> str:
    """A line, with a mark and what is to be settled."""
    return f"{text}  {MARK} {check}" if check else text


def rare(codes: Codes) -> str:
    """How many codes are not shown."""
    if not codes.n_rare:
        return ""
    return (
        f" Not shown, fewer than {MIN_PERSONS} persons each: {codes.n_rare} more code{'s' if codes.n_rare > 1 else ''}."
    )


def section(key: str, lines: list[str]) -> Iterator[str]:
    """A key and its lines; where all of them are remarks, the key is one, too."""
    if lines:
        yield f"{key}:" if any(not line.lstrip().startswith("#") for line in lines) else f"# {key}:"
    yield from lines


def left_to_check(text: str) -> int:
    """Number of guesses that a cohort file still marks."""
    return sum("CHECK:" in line for line in text.splitlines())
