"""Profiles of disclosure control: config/disclosure.yaml, read and checked."""

from dataclasses import dataclass, fields
from typing import Any

from ipseval.disclosure.suppression import Limits
from ipseval.errors import Fault, UserError, nearest
from ipseval.settings import PROFILES_FILE, read_yaml

FILE = PROFILES_FILE
ROUND, HIDE = "round", "hide"


@dataclass(frozen=True)
class Profile:
    """What may leave; config/disclosure.yaml says what each key means."""

    name: str
    title: str
    source: str
    min_cell_count: int
    small_whole_trial: str
    rounding_base: int
    min_residual_df: int
    dominance: dict[str, float] | None
    p_ratio: float | None
    decimals: int | None

    @property
    def is_open(self) -> bool:
        """Whether nothing is protected at all: for synthetic persons only."""
        return self.min_cell_count == 0


def profile_names() -> tuple[str, ...]:
    """The profiles there are."""
    return tuple(read_yaml(FILE)["profiles"])


def profile(name: str) -> Profile:
    """Read a profile.

    Raises
    ------
    UserError
        There is none of the name, or its keys are not those of :class:`Profile`.
    """
    known: dict[str, Any] = read_yaml(FILE)["profiles"]
    if name not in known:
        what = f"disclosure.profile is '{name}'; config/disclosure.yaml has {', '.join(known)}."
        raise UserError([Fault("disclosure", what, nearest(name, known))])
    expected = {field.name for field in fields(Profile)} - {"name"}
    odd = sorted(expected ^ set(known[name]))
    if odd:
        what = f"profile {name} must have exactly the keys {', '.join(sorted(expected))}; see {', '.join(odd)}."
        raise UserError([Fault("config/disclosure.yaml", what, "Mend the profile.")])
    return Profile(name=name, **known[name])


@dataclass(frozen=True)
class Search:
    """How the least to hide is looked for: what numbers are worth beside those of a centre, and when to stop.

    Parameters
    ----------
    whole_trial, main : float
        Numbers of the whole trial, and times that its curve by month and table 5.
    beside : float
        Numbers of a centre in ``tables_beside``.
    tables_beside : tuple of str
    limits : Limits
    """

    whole_trial: float
    main: float
    beside: float
    tables_beside: tuple[str, ...]
    limits: Limits


def search() -> Search:
    """Read how the least to hide is looked for."""
    keys = dict(read_yaml(FILE)["search"])
    whole_trial, main, beside = (float(keys.pop(name)) for name in ("whole_trial", "main", "beside"))
    return Search(whole_trial, main, beside, tuple(keys.pop("tables_beside")), Limits(**keys))
