"""The released numbers by what they count: one entry for a number however many tables print it.

Tables are not protected one by one: the persons analysed in a centre stand in five of them. Each table says in
``counted`` and ``modelled`` which of its numbers count what, how these hang together, and who stands behind them. What
no table speaks for is not released.
"""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
from scipy import sparse

from ipseval.disclosure.keys import ALL, Key, Nobody, Slack

OF_TESTS = ("n_as_large", "n_assignments", "n_compared", "n_centres_group", "n_centres_other")
NO_PERSONS = frozenset(
    {"n_centres", "n_periods", "n_left_out", "n_reviews", *OF_TESTS}
)  # counts of a table that count no persons
AGREE = 1e-6  # relative; how near two tables' numbers of the same thing must be


@dataclass(frozen=True)
class Count:
    """A number that tables print, or that can be worked out from what they print.

    Parameters
    ----------
    key : Key
    value : float
    persons : float
        Persons who stand behind it; a count of persons stands behind itself.
    zero_tells : bool
        Whether nobody is something as well: in a centre's arm a share of 0 or 100 per cent tells of everybody in it.
    in_curve : bool
        A point of the whole trial's curve by month: a profile may have small ones rounded instead of hidden.
    upper : float
        The most that anybody would think it can be.
    lower : float
        The least.
    """

    key: Key
    value: float
    persons: float = math.nan
    zero_tells: bool = False
    in_curve: bool = False
    upper: float = math.inf
    lower: float = 0.0


@dataclass(frozen=True)
class Relation:
    """Numbers whose sum, each times its factor, is zero.

    A number named twice is one term, and one with factor 0 is none: an attacker takes the only open number of a
    relation for known, which one that the relation says nothing of is not.
    """

    terms: tuple[tuple[Key, float], ...]

    def __post_init__(self) -> None:
        factors: dict[Key, float] = {}
        for key, factor in self.terms:
            factors[key] = factors.get(key, 0.0) + factor
        object.__setattr__(self, "terms", tuple((key, factor) for key, factor in factors.items() if factor))


@dataclass(frozen=True)
class Within:
    """A part that is at most its whole, ``times`` over, and ``more`` numbers, where no table counts the rest."""

    part: Key
    whole: Key
    times: float = 1.0
    more: tuple[Key, ...] = ()


@dataclass(frozen=True)
class Shown:
    """Cells of a table that may be released, and under which condition; what no entry names stays inside.

    Parameters
    ----------
    table : str
    row : int
        Position.
    columns : tuple of str
    keys : tuple of Key
        Numbers that can be worked out from the cells: all of them must be releasable.
    persons : float
        The fewest persons that stand behind any part of a model's estimate.
    over : float
        Where it is not 0, the cells print the first number divided by the second times ``over``, and are computed anew
        from what is released.

    Raises
    ------
    TypeError
        A column counts persons or months: only :class:`Printed`, which says what it counts, releases one.
    """

    table: str
    row: int
    columns: tuple[str, ...]
    keys: tuple[Key, ...] = ()
    persons: float = math.inf
    over: float = 0.0

    def __post_init__(self) -> None:
        if unsaid := [column for column in self.columns if is_count(column)]:
            raise TypeError(f"{self.table}: {', '.join(unsaid)} must be Printed with what they count")


@dataclass(frozen=True)
class Printed:
    """A cell that prints a count; one that does not print what it says stays inside.

    Parameters
    ----------
    table : str
    row : int
        Position.
    column : str
    key : Key
        What is counted.
    times : float
        What the count is printed times: the persons' months are persons times months when nobody lacks one.
    beside : tuple of Key
        Further numbers that can be worked out from the cell.
    """

    table: str
    row: int
    column: str
    key: Key
    times: float = 1.0
    beside: tuple[Key, ...] = ()
    persons: ClassVar[float] = math.inf
    over: ClassVar[float] = 0.0

    @property
    def columns(self) -> tuple[str, ...]:
        """The only one."""
        return (self.column,)

    @property
    def keys(self) -> tuple[Key, ...]:
        """All numbers that must be releasable."""
        return (self.key, *self.beside)

    def is_of(self, value: float, counted: float) -> bool:
        """Whether a cell holds what was counted."""
        return abs(value - counted * self.times) <= AGREE * max(1.0, abs(value))


Entry = Count | Relation | Within | Shown | Printed


def is_count(column: str) -> bool:
    """Whether a column counts persons or their months, by its name: ``n`` or ``n_...``."""
    return (column == "n" or column.startswith("n_")) and column not in NO_PERSONS


def total(whole: Key, parts: Iterable[Key]) -> Relation:
    """The whole is the sum of its parts."""
    return Relation(((whole, -1.0), *((part, 1.0) for part in parts)))


def nobody(table: str, row: int, columns: Iterable[str]) -> Iterator[Entry]:
    """Cells in which nobody is counted whatever the data: they print 0."""
    key = Nobody(ALL, ALL)
    yield Count(key, 0.0)
    yield from (Printed(table, row, column, key) for column in columns)


@dataclass
class Ledger:
    """All entries of a release, collected.

    Parameters
    ----------
    counts : dict
        By key.
    relations : list of Relation
    shown : list of Shown or Printed
    """

    counts: dict[Key, Count] = field(default_factory=dict)
    relations: list[Relation] = field(default_factory=list)
    shown: list[Shown | Printed] = field(default_factory=list)

    @classmethod
    def of(cls, entries: Iterable[Entry]) -> "Ledger":
        """Collect entries; a number that two tables print is one entry.

        Raises
        ------
        ValueError
            Two tables differ in the same number, or a relation does not hold: what is built on them would not protect.
        """
        ledger, within = cls(), []
        for entry in entries:
            if isinstance(entry, Count):
                ledger._add(entry)
            elif isinstance(entry, Relation):
                ledger.relations.append(entry)
            elif isinstance(entry, Within):
                within.append(entry)
            else:
                ledger.shown.append(entry)
        for entry in dict.fromkeys(within):
            ledger._limit(entry)
        ledger.shown = [s for s in ledger.shown if all(key in ledger.counts for key in s.keys)]  # not counted: hidden
        ledger.relations = [known for r in ledger.relations if (known := ledger._known(r))]
        return ledger

    def _add(self, count: Count) -> None:
        if not math.isfinite(count.value):
            raise ValueError(f"the number of {count.key.name} is not known")
        known = self.counts.setdefault(count.key, count)
        if abs(known.value - count.value) > AGREE * max(1.0, abs(known.value)):
            raise ValueError(f"tables differ in the number of {count.key.name}")
        if count.zero_tells and not known.zero_tells:
            self.counts[count.key] = count

    def _limit(self, within: Within) -> None:
        """The rest of a whole as a number of its own; nothing where either is not counted."""
        if any(key not in self.counts for key in (within.part, within.whole, *within.more)):
            return
        part, whole = self.counts[within.part], self.counts[within.whole]
        more = [self.counts[key] for key in within.more]
        left = within.times * whole.value + sum(count.value for count in more) - part.value
        if left < -AGREE * max(1.0, part.value):
            return
        rest = Slack(within.part.centre, within.part.arm, within.part, within.whole, within.times, within.more)
        upper = within.times * whole.upper + sum(count.upper for count in more)
        self._add(Count(rest, max(0.0, left), upper=upper))
        wholes = ((within.whole, -within.times), *((key, -1.0) for key in within.more))
        self.relations.append(Relation((*wholes, (within.part, 1.0), (rest, 1.0))))

    def _known(self, relation: Relation) -> Relation | None:
        """The relation between numbers that are counted; None where it tells of others.

        A part that no table counts is nobody when the relation holds without it.
        """
        terms = tuple((key, factor) for key, factor in relation.terms if key in self.counts)
        if len(terms) < 2 or relation.terms[0][0] not in self.counts:
            return None
        values = [factor * self.counts[key].value for key, factor in terms]
        if abs(sum(values)) <= AGREE * max(1.0, *map(abs, values)):
            return Relation(terms)
        if len(terms) == len(relation.terms):
            raise ValueError(f"{terms[0][0].name} is not the sum of its parts")
        return None

    @property
    def keys(self) -> list[Key]:
        """Keys in the order of the system's numbers."""
        return list(self.counts)

    @property
    def matrix(self) -> sparse.csr_array:
        """The relations, one row each over the numbers in the order of :attr:`keys`."""
        at = {key: i for i, key in enumerate(self.counts)}
        places = [(i, at[key], factor) for i, r in enumerate(self.relations) for key, factor in r.terms]
        rows, columns, factors = (np.array(x) for x in zip(*places, strict=True)) if places else ([], [], [])
        return sparse.csr_array((factors, (rows, columns)), shape=(len(self.relations), len(at)), dtype=float)
