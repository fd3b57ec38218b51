"""What the texts of a release, its checklists and its crate are made of."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Released:
    """What an output checker wants to know of one file.

    Parameters
    ----------
    file : str
        Relative to the folder of the release.
    what : str
        In English.
    tables : tuple of str
        Tables of ``data/`` that its numbers come from.
    n_persons : int or None
        Persons behind it in all; None where that is hidden or the file has no numbers of persons.
    n_numbers, n_hidden : int
        Of the file itself: numbers and signs of hidden ones that stand in it, and the signs. 0 for pictures and texts.
    n_bytes, sha256 : int and str, or None
        None for files that are written together with these facts.
    """

    file: str
    what: str
    tables: tuple[str, ...] = ()
    n_persons: int | None = None
    n_numbers: int = 0
    n_hidden: int = 0
    n_bytes: int | None = None
    sha256: str | None = None

    @property
    def stem(self) -> str:
        """The file without its ending: what the formats of a table share."""
        return self.file.rpartition(".")[0]


@dataclass(frozen=True)
class Facts:
    """What the texts are made of.

    Parameters
    ----------
    cohort, title, profile, language : str
    context : str
        What the release is about, for somebody who does not know the trial.
    rules : mapping
        The profile's entry of config/disclosure.yaml.
    files : tuple of Released
        Sorted by name.
    versions : mapping
        Of Python, of the package and of the libraries.
    cost, bound : int
        Of what is hidden for the sake of other numbers, and the least that it can be.
    has_earlier : bool
        Whether a release that has left before was named: what it shows was taken as known.
    code : str
        SHA-256 of the package's modules.
    workflow : str
        The text of the Snakefile.
    """

    cohort: str
    title: str
    context: str
    profile: str
    language: str
    rules: Mapping[str, Any]
    cost: int
    bound: int
    has_earlier: bool
    files: tuple[Released, ...]
    versions: Mapping[str, str]
    code: str
    workflow: str
