"""The columns of a regression: by person, and of time by person-month; and what each effect is about."""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from ipseval import terms
from ipseval.config import Analysis, Cohort, code
from ipseval.estimation.design import ALL, DIFFERENCE, MEMBER, MEMBERS, MODERATED, OTHERS, STANDARDISED

OF_RANDOMISATION = ("stratum", "block")  # categories whatever their codes look like; unknown is a level
LABELS = ("person_id", "centre", "arm", "randomised_on", "is_analysed", "died_on", "emigrated_on")
A_YEAR = 12


@dataclass(frozen=True)
class Column:
    """A column of a regression: what it is, and its value by person (n) or by person-month (N).

    ``weight`` is, of one that assignment moves, what it would be for everybody in its arm.
    """

    text: str
    parts: terms.Parts
    values: np.ndarray
    by_person: bool = True
    weight: np.ndarray | None = None

    def of(self, persons: np.ndarray) -> "Column":
        """The column of some persons."""
        weight = None if self.weight is None else self.weight[persons]
        return replace(self, values=self.values[persons], weight=weight)


@dataclass(frozen=True)
class About:
    """What an effect is about: its column, arm, centre, and which sides of a subgroup."""

    term: str
    arm: str
    centre: str
    subgroup: str = ALL
    sides: tuple[bool, ...] = ()


def is_category(column: pd.Series) -> bool:
    """Whether a covariate is a category: of text, or a stratum or block."""
    return column.name in OF_RANDOMISATION or not pd.api.types.is_numeric_dtype(column.dtype)


def levels_of(people: pd.DataFrame, name: str) -> pd.Series:
    """The level of each person as text; of blocks that centres number alike with the centre before it."""
    texts = pd.Series([None if pd.isna(v) else code(v) for v in people[name]], people.index, dtype=object)
    texts = texts.where(texts.notna(), "unknown") if name in OF_RANDOMISATION else texts
    if name == "block" and people["centre"].groupby(texts).nunique().gt(1).any():
        return people["centre"] + "/" + texts
    return texts


def in_order(texts: pd.Series) -> list[str]:
    """Levels: whole numbers by size, then the others."""
    known = set(texts.dropna())
    numbers = sorted((t for t in known if t.isdigit()), key=lambda t: (int(t), t))
    return [*numbers, *sorted(known - set(numbers))]


def columns_of(
    cohort: Cohort, analysis: Analysis, people: pd.DataFrame, centre: str, member: np.ndarray | None, of_members: bool
) -> tuple[list[Column], list[About], tuple[str, ...]]:
    """Columns by person, effects, and covariates that are lacking."""

    def of(term: terms.Term, values: np.ndarray | pd.Series) -> Column:
        return Column(str(term), term.parts, np.asarray(values, dtype=float))

    names = [name for name in analysis.adjust if name in people and name not in LABELS]
    left_out = tuple(name for name in analysis.adjust if name not in names)
    covariates: list[Column] = []
    for name in names:
        if not is_category(people[name]):
            covariates.append(of(terms.covariate(name), people[name]))
            continue
        texts = levels_of(people, name)
        for level in in_order(texts)[1:]:
            values = np.where(texts.isna(), np.nan, texts == level)
            covariates.append(of(terms.covariate(name, level), values))
    found = [of(terms.intercept(), np.ones(len(people))), *covariates]
    if analysis.subgroup:
        assert member is not None
        found.append(of(terms.covariate(MEMBER), member))
        left_out += (analysis.subgroup.covariate,) if analysis.subgroup.covariate not in people else ()
    if analysis.within is None:
        places = [of(terms.of_centre(c), people["centre"] == c) for c in list(cohort.centres)[1:]]
        if analysis.estimator == STANDARDISED and "stratum" in people:
            texts = levels_of(people, "stratum")
            for place in sorted(people["centre"].unique()):
                at = people["centre"] == place
                places += [
                    of(terms.covariate("stratum", f"{place}/{level}"), at & (texts == level))
                    for level in in_order(texts[at])[1:]
                ]
        found += places
        covariates = covariates + places if analysis.estimator == STANDARDISED else covariates
    for unit in ("inclusion_year", "inclusion_month"):
        if unit in analysis.time:
            values = people["randomised_on"].dt.year if unit.endswith("year") else people["randomised_on"].dt.month
            found += [of(terms.of_time(unit, v), values == v) for v in sorted(values.unique())[1:]]
    moved, abouts = _assigned(cohort, analysis, people, covariates, centre, member, of_members)
    return [*found, *moved], abouts, left_out


def _assigned(
    cohort: Cohort,
    analysis: Analysis,
    people: pd.DataFrame,
    covariates: list[Column],
    centre: str,
    member: np.ndarray | None,
    of_members: bool,
) -> tuple[list[Column], list[About]]:
    """The columns that assignment moves, and what is estimated."""
    moved: list[Column] = []
    abouts: list[About] = []

    def add(term: terms.Term, weight: np.ndarray, about: About | None = None) -> None:
        moved.append(Column(str(term), term.parts, (people["arm"] == arm).to_numpy() * weight, weight=weight))
        abouts.extend([about] if about else [])

    for arm in cohort.arms.treatments:
        ones, plain = np.ones(len(people)), terms.assigned(arm)
        if analysis.effect == "by_centre":
            for place in cohort.centres:
                term = terms.assigned(arm, place)
                add(term, (people["centre"] == place).to_numpy(dtype=float), About(str(term), arm, place))
        elif member is not None:
            side = MEMBERS if of_members else OTHERS
            add(plain, ones, About(str(plain), arm, centre, side, (of_members,)))
            other = terms.of_subgroup(arm, f"not_{MEMBER}" if of_members else MEMBER)
            about = None if of_members else About(str(other), arm, centre, DIFFERENCE, (True, False))
            add(other, 1 - member if of_members else member, about)
        else:
            add(plain, ones, About(str(plain), arm, centre))
        if analysis.estimator in MODERATED:
            for by in covariates:
                text = f"assigned[{arm}]:centred[{by.text}]"
                parts = terms.Parts(terms.MODERATED, arm, by.parts.centre, by.parts.variable, by.parts.level)
                moved.append(Column(text, parts, by.values))
    return moved, abouts


def centred(given: list[Column], arm: np.ndarray, n_months: np.ndarray) -> list[Column]:
    """Moderators less their mean over person-months, in the arm that they moderate."""
    found = []
    for column in given:
        if column.parts.kind == terms.MODERATED:
            values = column.values
            weight = values - n_months @ values / max(n_months.sum(), 1)
            column = replace(column, values=(arm == column.parts.arm) * weight, weight=weight)
        found.append(column)
    return found


def of_time(analysis: Analysis, days: pd.Series, rows: tuple[np.ndarray, ...], months: np.ndarray) -> list[Column]:
    """Dummies of the months themselves, by person-month: of the calendar where an analysis names it."""
    person, at = rows
    calendar = [unit for unit in ("calendar_year", "calendar_month") if unit in analysis.time]
    found: list[Column] = []
    if calendar and len(days):
        first = days.dt.year.to_numpy() * A_YEAR + days.dt.month.to_numpy() - 1
        month = first[person] + months[at]
        for unit in (u for u in analysis.time if u in calendar):
            values = month // A_YEAR if unit == "calendar_year" else month % A_YEAR + 1
            for value in np.unique(values)[1:]:
                term = terms.of_time(unit, int(value))
                found.append(Column(str(term), term.parts, (values == value).astype(float), by_person=False))
    elif "month_since_randomisation" in analysis.time and len(months) > 1:
        for place, month in enumerate(months[1:], start=1):
            term = terms.of_time("month_since_randomisation", month)
            found.append(Column(str(term), term.parts, (at == place).astype(float), by_person=False))
    return found
