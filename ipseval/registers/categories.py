"""Covariates whose codes name groups: a dummy for each level but the first, whatever the codes look like."""

from collections.abc import Iterable

import numpy as np
import pandas as pd

from ipseval.config import Cohort, code
from ipseval.errors import Fault, UserError
from ipseval.terms import Term, covariate

NUMBER, CATEGORY = "number", "category"  # kinds of covariate, as a cohort file names them
SHARE = "share"  # unit of a mean over 0 and 1; that of any other is NUMBER
OF_RANDOMISATION = ("stratum", "block")  # columns of the trial list that say what assignment was drawn within
UNKNOWN = "unknown"  # level of persons of whom the trial list does not tell the stratum or block
# Columns of a table of persons that are neither: who and when they are, and what the regressions hold anyway.
NOT_FOR_ADJUSTMENT = ("person_id", "centre", "arm", "randomised_on", "is_analysed", "died_on", "emigrated_on")


def adjustable(people: pd.DataFrame, names: Iterable[str]) -> list[str]:
    """Those of the names that are covariates of these persons, stratum and block among them."""
    return [name for name in names if name in people and name not in NOT_FOR_ADJUSTMENT]


def unit_of(column: pd.Series) -> str:
    """Unit of the mean of a covariate: a share where every known value is 0 or 1, else a number."""
    return SHARE if column.dropna().isin([0, 1]).all() else NUMBER


def is_category(column: pd.Series) -> bool:
    """Whether a column of persons holds codes.

    Stratum and block do by what they are: "1", "2" and "3" are as far apart as "a", "b" and "c". Any other covariate
    does when it is stored as text, which is what ``check`` makes of one that is not a number.
    """
    return column.name in OF_RANDOMISATION or not pd.api.types.is_numeric_dtype(column.dtype)


def levels_of(people: pd.DataFrame, name: str) -> pd.Series:
    """The level of each person in a category, as text; missing where it is not known.

    A block is one of its centre: where two centres number theirs alike the level names the centre as well. Persons of
    unknown stratum or block are a level of their own, as they are where assignment is re-drawn: leaving them out would
    leave out randomised persons.

    Parameters
    ----------
    people : DataFrame
        One row per person.
    name : str
        A category among its columns.
    """
    found = people[name].map(code, na_action="ignore").astype(object)
    if name in OF_RANDOMISATION:
        found = found.where(found.notna(), UNKNOWN)
    if name == "block" and people["centre"].groupby(found).nunique().gt(1).any():
        found = people["centre"].astype(str) + "/" + found
    return found


def levels(found: pd.Series) -> list[str]:
    """The levels that somebody has, in order: whole numbers by size, then other codes by the alphabet."""
    return sorted(
        found.dropna().unique(), key=lambda level: (not level.isdigit(), int(level) if level.isdigit() else 0, level)
    )


def columns_of(people: pd.DataFrame, name: str) -> dict[Term, np.ndarray]:
    """The columns by which a covariate enters a regression.

    Parameters
    ----------
    people : DataFrame
        n persons.
    name : str
        A covariate among its columns.

    Returns
    -------
    dict
        Term -> float array of length n, missing where the covariate is: a number itself, a category as ``name[level]``
        for each level but the first, which is the base.
    """
    if not is_category(people[name]):
        return {covariate(name): people[name].to_numpy(dtype=float)}
    found = levels_of(people, name)
    known = np.where(found.isna(), np.nan, 0.0)
    return {covariate(name, level): known + (found == level).to_numpy(dtype=float) for level in levels(found)[1:]}


def strata_within_centres(people: pd.DataFrame) -> dict[Term, np.ndarray]:
    """Dummies of the strata of each centre but its first, ``stratum[centre/level]``; none without strata."""
    if "stratum" not in people:
        return {}
    found, centre = levels_of(people, "stratum"), people["centre"].astype(str)
    return {
        covariate("stratum", f"{place}/{level}"): ((centre == place) & (found == level)).to_numpy(dtype=float)
        for place in sorted(centre.unique())
        for level in levels(found[centre == place])[1:]
    }


def refuse_ranges_of_codes(cohort: Cohort, people: pd.DataFrame) -> None:
    """Stop when a subgroup asks of a category what only a number has.

    Raises
    ------
    UserError
        A subgroup is a range of a category, or lists levels of a number.
    """
    faults = []
    for analysis in cohort.analyses:
        chosen = analysis.subgroup
        if not chosen or chosen.covariate not in people:
            continue
        if is_category(people[chosen.covariate]) != bool(chosen.levels):
            kind, other = ("category", "levels") if not chosen.levels else ("number", "at_least or below")
            where = f"{cohort.file or cohort.name}: analyses.{analysis.name}.subgroup"
            faults.append(Fault(where, f"{chosen.covariate} is a {kind}.", f"Say who is meant by {other}."))
    if faults:
        raise UserError(faults)
