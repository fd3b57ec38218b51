"""The organisation of the centres: what a file says of each, and exact tests of two groups of centres."""

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ipseval.config import Cohort, code
from ipseval.errors import Fault, UserError, nearest
from ipseval.places.files import Form, centre_of, is_date, lines, no_centre

FORM = Form(("centre", "characteristic", "text", "code", "source", "date"), ("centre", "characteristic"))
SEVERAL = ";"  # between the codes of a list
TRUTH = (("true", "false"), ("yes", "no"), ("1", "0"))  # codes of which the first stands first
ANALYSIS = "table5_model_1"  # whose effects of the centres are compared
MOST_ASSIGNMENTS = 200_000  # of labels to centres, beyond which there is no exact test: 20 centres have 184,756 at most
TIE = 1e-12  # by which two differences of means of the same effects miss each other

TESTED, ONE_GROUP, LATER, TOO_MANY = "tested", "one_group", "later_than_follow_up", "too_many_assignments"
COLUMNS = ["centre", "characteristic", "value", "code", "source", "date"]
# fmt: off
TEST_COLUMNS = [
    "characteristic", "group", "other_group", "mean_group", "mean_other", "difference", "n_as_large", "n_assignments",
    "p_value", "smallest_p", "analysis", "arm", "n_centres_group", "n_centres_other", "n_compared", "status",
]
# fmt: on
Groups = Mapping[str, Mapping[str, Sequence[Any]]]  # characteristic -> group -> codes


@dataclass(frozen=True)
class Fact:
    """What a file says of a centre: as it is printed (``text``) and as it is read (``code``, several with ``;``)."""

    centre: str
    characteristic: str
    text: str
    code: str
    source: str
    date: str


@dataclass(frozen=True)
class Comparison:
    """Two groups of centres by a characteristic; ``last``: the latest date that what is said of them is of."""

    characteristic: str
    groups: tuple[str, str]
    members: Mapping[str, str]
    last: str


def read_organisation(file: Path, centres: Mapping[Any, Any]) -> list[Fact]:
    """What a file says, characteristic by characteristic in its order, centres in the order of the cohort.

    Parameters
    ----------
    file : Path
        A row a centre and characteristic, with ``text``, ``code`` or both.
    centres : mapping
        Code -> name, of the cohort.

    Raises
    ------
    UserError
        With every fault of the file.
    """
    faults: list[Fault] = []
    found: dict[tuple[str, str], Fact] = {}
    for line in lines(file, FORM, faults):
        cells = {name: line.cells.get(name, "") for name in FORM.known}
        centre = centre_of(cells["centre"], centres)
        if centre is None:
            faults.append(no_centre(line.where, "centre", cells["centre"], centres))
            continue
        key = (cells["characteristic"], centre)
        if not cells["characteristic"]:
            faults.append(Fault(line.where, "characteristic is empty.", "Name it, such as owner."))
        elif key in found:
            what = f"{cells['characteristic']} of centre {centre} stands twice."
            faults.append(Fault(line.where, what, "Keep one row; several codes go into one cell with ; between them."))
        if cells["date"] and not is_date(cells["date"]):
            faults.append(Fault(line.where, f"date is '{cells['date']}'.", "Write YYYY-MM-DD, YYYY-MM or YYYY."))
        codes = SEVERAL.join(filter(None, map(str.strip, cells["code"].split(SEVERAL))))
        found[key] = Fact(centre, key[0], cells["text"], codes, cells["source"], cells["date"])
    if faults:
        raise UserError(faults)
    characteristics = list(dict.fromkeys(name for name, _ in found))
    order = [code(centre) for centre in centres]
    return [found[name, c] for name in characteristics for c in order if (name, c) in found]


def faults_of_groups(file: str, facts: Sequence[Fact], groups: Groups) -> Iterator[Fault]:
    """Groups of a characteristic that there is not, of codes that no centre has, or that leave a centre out."""
    known = list(dict.fromkeys(fact.characteristic for fact in facts))
    for name, own in groups.items():
        where = f"organisation_groups.{name}"
        if name not in known:
            remedy = nearest(name, known) or f"Known: {', '.join(known)}."
            yield Fault(file, f"{where} is no characteristic of the file of organisation.", remedy)
            continue
        listed = [code(value) for codes in own.values() for value in codes]
        found = list(dict.fromkeys(fact.code for fact in facts if fact.characteristic == name and fact.code))
        for value in sorted({v for v in listed if listed.count(v) > 1}):
            yield Fault(file, f"{where} names '{value}' twice.", "Put each code into one group.")
        for value in (v for v in dict.fromkeys(listed) if v not in found):
            yield Fault(file, f"{where} names '{value}', which no centre has.", f"Found: {', '.join(found)}.")
        for value in (v for v in found if v not in listed):
            yield Fault(file, f"{where} does not say where '{value}' belongs.", "Name it in one of the two groups.")


def comparisons(facts: Sequence[Fact], groups: Groups) -> list[Comparison]:
    """Characteristics that make two groups of centres: by their two codes, or by the groups that are declared.

    Of several values, or of lists, there are many ways to make two groups: one is compared where it is declared.
    """
    found = []
    for name in dict.fromkeys(fact.characteristic for fact in facts):
        own = [fact for fact in facts if fact.characteristic == name and fact.code]
        codes = list(dict.fromkeys(fact.code for fact in own))
        if name in groups:
            labels = {code(value): group for group, values in groups[name].items() for value in values}
            first, other = groups[name]
        elif len(codes) == 2 and not any(SEVERAL in value for value in codes):
            labels = {value: value for value in codes}
            first, other = next((pair for pair in TRUTH if set(pair) == set(codes)), codes)
        else:
            continue
        members = {fact.centre: labels[fact.code] for fact in own}
        found.append(Comparison(name, (first, other), members, max((fact.date for fact in own), default="")))
    return found


def organisation_table(cohort: Cohort) -> pd.DataFrame:
    """The table ``organisation``: a row a characteristic and centre; none where the cohort names no file."""
    if cohort.organisation is None:
        return pd.DataFrame(columns=COLUMNS)
    facts = read_organisation(cohort.organisation, cohort.centres)
    rows = [(f.centre, f.characteristic, f.text, f.code, f.source, f.date) for f in facts]
    return pd.DataFrame([[cell or None for cell in row] for row in rows], columns=COLUMNS)


# --- tests ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Test:
    """Two groups of k centres compared: means of their effects, and where the difference stands among all others."""

    means: tuple[float, float]
    n_as_large: int
    n_assignments: int
    smallest_p: float


def exact_test(first: np.ndarray, other: np.ndarray) -> Test:
    """Fisher's exact test of a difference of unweighted means, two-sided, over all assignments of the labels.

    # ASSUME: under the null hypothesis any centres might have had the first label, equally often.

    The smallest p that so many centres can have is that of the one assignment with the largest difference; where both
    groups have the same size, its mirror has the same.

    Parameters
    ----------
    first, other : float array, lengths a and b
        Effects of the centres of each group; at least one in both.
    """
    effects, a, n = np.concatenate([first, other]), len(first), len(first) + len(other)
    chosen = np.array(list(itertools.combinations(range(n), a)))
    sums = effects[chosen].sum(axis=1)
    differences = np.abs(sums / a - (effects.sum() - sums) / (n - a))
    as_large = int((differences >= differences[0] - TIE).sum())  # the first assignment is the one that was
    n_assignments = math.comb(n, a)
    return Test((float(first.mean()), float(other.mean())), as_large, n_assignments, (1 + (2 * a == n)) / n_assignments)


def organisation_tests(cohort: Cohort, arm: str, effects: Mapping[str, float]) -> list[dict[str, Any]]:
    """Rows of ``organisation_tests`` of an arm: every comparison keeps its row, and says why it has no number.

    Parameters
    ----------
    cohort : Cohort
    arm : str
    effects : mapping
        Centre -> its effect by ``table5_model_1``; a centre whose effect is not pooled is not there.
    """
    if cohort.organisation is None:
        return []
    every = comparisons(read_organisation(cohort.organisation, cohort.centres), cohort.organisation_groups)
    rows = [_tested(cohort, comparison, effects) for comparison in every]
    n_compared = sum(row["status"] == TESTED for row in rows)
    return [row | {"analysis": ANALYSIS, "arm": arm, "n_compared": n_compared} for row in rows]


def _tested(cohort: Cohort, comparison: Comparison, effects: Mapping[str, float]) -> dict[str, Any]:
    """A comparison with its test, or why there is none."""
    own = [
        np.array([y for centre, y in effects.items() if comparison.members.get(centre) == group])
        for group in comparison.groups
    ]
    sizes = [len(group) for group in own]
    row: dict[str, Any] = {
        "characteristic": comparison.characteristic,
        "group": comparison.groups[0],
        "other_group": comparison.groups[1],
        "n_centres_group": sizes[0],
        "n_centres_other": sizes[1],
    }
    until = cohort.observed_until or ""
    if until and comparison.last[: len(until)] > until[: len(comparison.last)]:
        return row | {"status": LATER}
    if not all(sizes):
        return row | {"status": ONE_GROUP}
    if math.comb(sum(sizes), sizes[0]) > MOST_ASSIGNMENTS:
        return row | {"status": TOO_MANY}
    test = exact_test(*own)
    return row | {
        "mean_group": test.means[0],
        "mean_other": test.means[1],
        "difference": test.means[0] - test.means[1],
        "n_as_large": test.n_as_large,
        "n_assignments": test.n_assignments,
        "p_value": test.n_as_large / test.n_assignments,
        "smallest_p": test.smallest_p,
        "status": TESTED,
    }
