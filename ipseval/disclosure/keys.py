"""What a number counts: keys of the ledger.

A key is a record of its own type, so that two different counts cannot be equal by accident: persons in a regression are
another type than persons in a row of the missing-data table, whatever months both names hold. Every key has a centre
and an arm (``all`` stands for all of them), so that sums over either can be written without knowing the type.
"""

from dataclasses import dataclass, fields, replace
from typing import ClassVar, Self

from ipseval.disclosure.samples import Sample, Span

ALL = "all"


@dataclass(frozen=True)
class Key:
    """A number of a centre and an arm.

    ``is_rounded_alike`` says that an estimate of a whole sample may rest on it where the profile rounds counts: what is
    printed of the estimate does not give the number back.
    """

    kind: ClassVar[str] = ""
    is_rounded_alike: ClassVar[bool] = False
    is_whole: ClassVar[bool] = True  # persons, or their months
    centre: str
    arm: str

    def at(self, centre: str) -> Self:
        """The same of another centre, or of all."""
        return replace(self, centre=centre)

    def of(self, arm: str) -> Self:
        """The same of another arm, or of all."""
        return replace(self, arm=arm)

    def __str__(self) -> str:
        return " ".join([self.name, *(str(getattr(self, field.name)) for field in fields(self))])

    @property
    def name(self) -> str:
        """What is counted, in a word: for ``review/disclosure.csv`` and for messages."""
        return self.kind


@dataclass(frozen=True)
class Others(Key):
    """Those of a whole whom another key does not count."""

    counted: Key

    def at(self, centre: str) -> Self:
        """The same of another centre, or of all."""
        return replace(self, centre=centre, counted=self.counted.at(centre))

    def of(self, arm: str) -> Self:
        """The same of another arm, or of all."""
        return replace(self, arm=arm, counted=self.counted.of(arm))

    def __str__(self) -> str:
        return f"not {self.counted}"

    @property
    def name(self) -> str:
        """What is counted, in a word."""
        return f"not {self.counted.name}"


def others(key: Key) -> Others:
    """Those of a whole whom ``key`` does not count."""
    return Others(key.centre, key.arm, key)


@dataclass(frozen=True)
class Slack(Key):
    """``times`` a whole, less a part of it: a number of its own where no table counts it."""

    kind = "slack"
    is_whole = False
    part: Key
    whole: Key
    times: float
    more: tuple[Key, ...]


# --- persons -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Persons(Key):
    """Persons after a step of the flow."""

    kind = "persons"
    is_rounded_alike = True
    step: str


@dataclass(frozen=True)
class Nobody(Key):
    """Nobody, where that is known beforehand: a regression that was not done, or a covariate that everybody has."""

    kind = "nobody"


@dataclass(frozen=True)
class Left(Key):
    """Persons who leave at a step of the flow."""

    kind = "left"
    step: str


@dataclass(frozen=True)
class Observed(Key):
    """Persons observed in a month."""

    kind = "observed"
    month: int


@dataclass(frozen=True)
class Employed(Key):
    """Persons with the primary outcome in a month."""

    kind = "employed"
    month: int


@dataclass(frozen=True)
class Subsidised(Key):
    """Persons with a subsidised month."""

    kind = "subsidised"


@dataclass(frozen=True)
class Received(Key):
    """Persons who received a service within months."""

    kind = "received"
    service: str
    first: int
    last: int


@dataclass(frozen=True)
class Started(Received):
    """Persons who began it within months."""

    kind = "started"


@dataclass(frozen=True)
class Known(Key):
    """Persons with a known value of a covariate."""

    kind = "known"
    variable: str


@dataclass(frozen=True)
class With(Key):
    """Persons with a characteristic."""

    kind = "with"
    variable: str
    level: str


@dataclass(frozen=True)
class In(Key):
    """Persons in an estimate; ``who`` says in which."""

    kind = "in"
    is_rounded_alike = True
    who: Sample


@dataclass(frozen=True)
class Ever(Key):
    """Persons with the outcome in any month of a span."""

    kind = "ever"
    span: Span


@dataclass(frozen=True)
class Waiting(Key):
    """Persons who wait for a first job after a month."""

    kind = "waiting"
    month: int


@dataclass(frozen=True)
class Found(Key):
    """Persons who found a first job after a month (``None``: since the start) and until another."""

    kind = "found a job"
    after: int | None
    month: int


@dataclass(frozen=True)
class Lost(Found):
    """Persons whose wait is not known further than such months."""

    kind = "lost"


# --- months and sums -----------------------------------------------------------------------------


@dataclass(frozen=True)
class Months(Key):
    """Person-months with the outcome."""

    kind = "months"
    span: Span


@dataclass(frozen=True)
class Seen(Key):
    """Person-months observed, of a side of an effect."""

    kind = "seen"
    span: Span


@dataclass(frozen=True)
class AllMonths(Key):
    """Person-months of a whole regression."""

    kind = "all months"
    span: Span


@dataclass(frozen=True)
class MonthsOfSubsidies(Key):
    """Person-months in which a subsidy is looked for."""

    kind = "months of subsidies"


@dataclass(frozen=True)
class SubsidisedMonths(Key):
    """Person-months with a subsidy."""

    kind = "subsidised months"


@dataclass(frozen=True)
class Gap(Key):
    """Person-months of the missing-data table that are missing, or that nobody could have observed (``outside``)."""

    kind = "missing months"
    about: str
    first: int
    last: int
    is_outside: bool


@dataclass(frozen=True)
class Sum(Key):
    """Sum of a magnitude."""

    kind = "sum"
    is_whole = False
    is_rounded_alike = True
    variable: str
    level: str


@dataclass(frozen=True)
class Told(Key):
    """What pooled effects tell of the centres: see ``within``."""

    kind = "told by pooled effects"
    is_whole = False


@dataclass(frozen=True)
class Weighted(Key):
    """What a comparison within centres tells of them: see ``stratified``."""

    kind = "told by comparisons within centres"
    is_whole = False
    what: str
    first: int
    last: int


@dataclass(frozen=True)
class Defined(Key):
    """Person-months with the outcome by a definition of it."""

    kind = "months by a definition"
    is_whole = False
    month_rule: str
    min_weekly_hours: float
    exclude_wage_subsidy: bool
    first: int
    last: int


@dataclass(frozen=True)
class Apart(Key):
    """Person-months that one definition counts and a narrower one does not."""

    kind = "months between definitions"
    is_whole = False
    wide: Defined
    narrow: Defined
