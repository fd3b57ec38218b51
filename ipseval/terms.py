"""Terms of regressions: each is a record of what its column is, made once where the column is.

Its text, such as ``assigned[ips]:centre[2]``, is for people. Codes may hold brackets and colons themselves, so nobody
takes a text apart to learn what a term is: ``coefficients.csv`` has the parts as columns beside it.
"""

from collections.abc import Mapping
from dataclasses import astuple, dataclass, fields, replace
from typing import Any, Self

INTERCEPT, COVARIATE, CENTRE, TIME = "intercept", "covariate", "centre", "time"
ASSIGNED, MODERATED, SUBGROUP = "assigned", "moderated", "subgroup"  # kinds that assignment moves


@dataclass(frozen=True)
class Parts:
    """What a term is.

    Parameters
    ----------
    kind : str
        ``intercept``, ``covariate``, ``centre``, ``time``, ``assigned``, ``moderated`` (an arm times a centred
        covariate or centre) or ``subgroup`` (an arm in the members of a subgroup, or in the others).
    arm, centre : str
        Their codes, where the term has them.
    variable, level : str
        A covariate, a unit of time or a side of a subgroup, and which level of it.
    """

    kind: str
    arm: str = ""
    centre: str = ""
    variable: str = ""
    level: str = ""


COLUMNS = [field.name for field in fields(Parts)]  # of ``coefficients.csv``, beside ``term``


class Term(str):
    """The text of a term, which knows its parts.

    It is equal to its text, so that tables can be looked up by either; use ``parts`` for what it is.
    """

    parts: Parts

    def __new__(cls, text: str, parts: Parts) -> Self:
        """The text and the record behind it."""
        term = super().__new__(cls, text)
        term.parts = parts
        return term

    @property
    def columns(self) -> dict[str, str]:
        """The parts by column."""
        return dict(zip(COLUMNS, astuple(self.parts), strict=True))


def intercept() -> Term:
    """The constant."""
    return Term(INTERCEPT, Parts(INTERCEPT))


def covariate(variable: str, level: str = "") -> Term:
    """A number, or one level of a category."""
    return Term(_named(variable, level), Parts(COVARIATE, variable=variable, level=level))


def of_centre(centre: str) -> Term:
    """A dummy for a centre."""
    return Term(f"centre[{centre}]", Parts(CENTRE, centre=centre))


def of_time(variable: str, value: object) -> Term:
    """A dummy for a month or a year."""
    return Term(f"{variable}[{value}]", Parts(TIME, variable=variable, level=str(value)))


def assigned(arm: str, centre: str = "") -> Term:
    """Assignment to an arm; in one centre where it is named."""
    text = f"assigned[{arm}]:centre[{centre}]" if centre else f"assigned[{arm}]"
    return Term(text, Parts(ASSIGNED, arm, centre))


def moderated(arm: str, by: Term) -> Term:
    """Assignment to an arm times a covariate, or the dummy of a centre, that is centred."""
    return Term(f"assigned[{arm}]:centred[{by}]", replace(by.parts, kind=MODERATED, arm=arm))


def of_subgroup(arm: str, side: str) -> Term:
    """Assignment to an arm in the members of a subgroup, or in the others."""
    return Term(f"assigned[{arm}]:{side}", Parts(SUBGROUP, arm, variable=side))


def parts_of(row: Mapping[str, Any]) -> Parts:
    """The parts of a term, from its row of ``coefficients.csv``; an empty cell is none."""
    return Parts(*(value if isinstance(value := row[name], str) else "" for name in COLUMNS))


def _named(variable: str, level: str) -> str:
    return f"{variable}[{level}]" if level else variable
