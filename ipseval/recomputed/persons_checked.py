"""Persons, their flow and the panel compared with what the cleaned extracts say, person by person and day by day."""

import numpy as np
import pandas as pd

from ipseval.estimation.invariants import Check
from ipseval.recomputed.comparison import Expected
from ipseval.recomputed.panel import months_of
from ipseval.recomputed.persons import expected_people
from ipseval.recomputed.sample import Given, Months
from ipseval.registers.spells import no_days

NO_CHANGE = ("block", "stratum")  # taken from the trial list as they are


def checks_of_persons(given: Given, most: int) -> tuple[list[Check], Months | None]:
    """Whether persons, flow and panel are those of the cleaned extracts.

    Messages hold numbers of persons, never a person's value or key.

    Parameters
    ----------
    given : Given
        As it was written.
    most : int
        Of more persons so many that are evenly spread are looked at, and the flow is not.

    Returns
    -------
    list of Check
    pair, or None
        Months of everybody (see :func:`ipseval.recomputed.panel.months_of`); None where only some were looked at.
    """
    n = len(given.people)
    is_whole = n <= most
    rows = np.arange(n) if is_whole else np.unique(np.linspace(0, n - 1, most).astype(int))
    people = given.people.iloc[rows].reset_index(drop=True)
    keys = set(people["person_id"])
    cleaned = {
        name: table if table is None or is_whole else table[table["person_id"].isin(keys)]
        for name, table in given.cleaned.items()
    }
    expected, flow = expected_people(given.cohort, cleaned)
    checks = [people_check(people, expected, cleaned)]
    if is_whole:
        wrong, where = Expected("flow.csv", flow, ["step", "centre", "arm"]).differences(given.tables["flow"])
        checks.append(Check("flow.csv comes out again", wrong == 0, where or f"{len(flow)} rows"))
    made = months_of(given.cohort, people, cleaned)
    checks.append(panel_check(given, people, made, is_whole))
    return checks, made if is_whole else None


def people_check(people: pd.DataFrame, expected: pd.DataFrame, cleaned: dict[str, pd.DataFrame | None]) -> Check:
    """Every column of the persons; blocks and strata are those of the trial list.

    Parameters
    ----------
    people, expected : DataFrame
        As written, and as made again.
    cleaned : mapping
        Extract -> cleaned rows, or None.
    """
    trial = cleaned["trial"]
    assert trial is not None
    own = trial.sort_values("person_id").reset_index(drop=True)
    expected = expected.assign(**{name: own[name] for name in NO_CHANGE if name in own})
    moved = [
        name for name in people if str(name).startswith(("emigrated_on_", "returned_on_")) and name not in expected
    ]
    if len(people) == len(expected):  # of a sample nobody may have moved so often
        expected = expected.assign(**{str(name): no_days(expected.index) for name in moved})
    whole = Expected("people", expected, [])
    wrong, where = whole.differences(people)
    columns = [c for c in people if c not in expected or whole.differences(people[[c]])[0]] if where else []
    detail = f"{wrong} values of {', '.join(map(str, columns[:5]))} differ" if wrong else f"{len(people)} persons"
    return Check("persons are those of the cleaned extracts", not where, detail)


def panel_check(given: Given, people: pd.DataFrame, made: Months, is_whole: bool) -> Check:
    """Every state of every month, and why the primary outcome is missing.

    A month in which a register is known of nobody is missing for all: of a sample that cannot be told, and months that
    are missing for everybody in the panel are not compared.

    Parameters
    ----------
    given : Given
    people : DataFrame
        Persons who are looked at: all, or some.
    made : pair
        See :func:`ipseval.recomputed.panel.months_of`.
    is_whole : bool
        Whether they are all.
    """
    states, why = made
    reasons = {f"missing[{r}]": (why == r).astype(np.int8) for r in sorted(set(why.ravel())) if r}
    months = [f"month_{k}" for k in given.cohort.window.months]
    found = {str(name): rows.set_index("person_id")[months] for name, rows in given.panel.groupby("outcome")}
    wrong = {name: 0 for name in found if name not in states and name not in reasons and is_whole}
    wrong |= {name: 0 for name in states if name not in found}
    told = [f"{name} should {'' if name in states else 'not '}be there" for name in wrong]
    for name, values in ({**states, **reasons} if is_whole else states).items():
        if name not in found:
            told += [f"{name} is not there"] * (name not in wrong)
            continue
        rows = found[name].reindex(people["person_id"]).fillna(-1).to_numpy(dtype=np.int8)
        off = rows != values
        if not is_whole:
            off &= ~(found[name] == -1).all(axis=0).to_numpy()
        if off.any():
            which = [k for k, is_off in zip(given.cohort.window.months, off.any(axis=0), strict=True) if is_off]
            told.append(
                f"{name}: {int(off.sum())} months of {int(off.any(axis=1).sum())} persons, first month {which[0]}"
            )
    n_rows = sum(len(rows) for rows in found.values())
    is_once = n_rows == len(found) * len(given.people)
    told += [] if is_once else [f"{n_rows} rows where {len(found) * len(given.people)} are expected"]
    detail = "; ".join(told) or f"{len(states)} outcomes, {len(people)} persons, {len(months)} months"
    return Check("the panel is that of the cleaned spells", not told, detail)
