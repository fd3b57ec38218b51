"""Who is in an estimate: records that keys of the ledger are told apart by, each of a type of its own."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Complete:
    """Persons who lack none of some covariates; of a subgroup of an analysis where ``group`` is not empty."""

    covariates: tuple[str, ...] = ()
    group: tuple[str, ...] = ()

    def __str__(self) -> str:
        return " ".join(["+".join(self.covariates), *self.group]).strip()


@dataclass(frozen=True)
class Span:
    """Months of an outcome; as persons, those who are observed in any of them. Of everybody, or of a sample."""

    outcome: str
    first: int
    last: int
    who: Complete = Complete()

    @property
    def is_of_everybody(self) -> bool:
        """Whether nobody is left out."""
        return self.who == Complete()

    def __str__(self) -> str:
        return f"{self.outcome} {self.first} {self.last} {self.who}".strip()


@dataclass(frozen=True)
class Accumulated:
    """Persons whose sum of an outcome over months is known."""

    outcome: str
    first: int
    last: int

    def __str__(self) -> str:
        return f"sum of {self.outcome} {self.first} {self.last}"


@dataclass(frozen=True)
class Achieving:
    """Persons of whom it is known what they have achieved by a month; with all covariates where it is adjusted."""

    outcome: str
    measure: str
    last: int
    is_adjusted: bool = False

    def __str__(self) -> str:
        return f"{self.measure} of {self.outcome} by {self.last}{', adjusted' * self.is_adjusted}"


@dataclass(frozen=True)
class Beginning:
    """Persons who begin to wait for a job: observed in a month, and in a stratum whose arms can be compared."""

    month: int

    def __str__(self) -> str:
        return f"wait from {self.month}"


@dataclass(frozen=True)
class InPeriod:
    """Persons of the event study who are observed in a period.

    Those of one reference arm differ between treatments where a stratum lacks one: so many, they are others.
    """

    first: int
    last: int
    n: int

    def __str__(self) -> str:
        return f"period {self.first} {self.last} of {self.n}"


@dataclass(frozen=True)
class Having:
    """Persons who lack none of what part of the missing-data table is ``about``, in its months."""

    about: str
    first: int
    last: int

    def __str__(self) -> str:
        return f"having {self.about} {self.first} {self.last}"


@dataclass(frozen=True)
class Possible:
    """Persons who could be observed, of whom part of the missing-data table bounds an effect."""

    about: str
    first: int
    last: int

    def __str__(self) -> str:
        return f"possible {self.about} {self.first} {self.last}"


@dataclass(frozen=True)
class AllBut:
    """Everybody but so many: persons whom tables do not say who they are."""

    n: float

    def __str__(self) -> str:
        return f"all but {self.n:g}"


Sample = Complete | Span | Accumulated | Achieving | Beginning | InPeriod | Having | Possible | AllBut
