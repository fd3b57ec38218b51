"""What the table of covariates counts: entries of the ledger for persons with a characteristic, and for sums."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from ipseval.disclosure.keys import ALL, Employed, Key, Known, Sum, With, others
from ipseval.disclosure.ledger import Count, Entry, Printed, Relation, Shown, nobody, total
from ipseval.disclosure.nested import sums_of_levels
from ipseval.disclosure.profiles import Profile
from ipseval.disclosure.study import Study, analysed, inside, over_centres, part, records
from ipseval.tables.described import is_share
from ipseval.terms import COVARIATE, Parts
from ipseval.words import is_known

SCALE = 1000.0  # sums of magnitudes are brought to this size: only whether they can be worked out matters


def balance(study: Study) -> Iterator[Entry]:
    """Persons with a characteristic and with a known value; sums of magnitudes, which only have to stay unknown."""
    frame = study.tables["balance"]
    frame = frame.assign(level=frame["level"].fillna(""), at=range(len(frame)))
    for (variable, level), rows in frame.groupby(["variable", "level"], sort=False):
        found = records(rows)
        shares = all(is_share(row) for row in found)
        largest = max((abs(row["mean"] * row["n"]) for row in found if is_known(row["mean"])), default=0.0) or 1.0
        reference = {row["centre"]: _of(study, row, shares) for row in found if row["arm"] == study.arms[0]}
        for row in found:
            yield from _covariate(study, row, shares, SCALE / largest, reference[row["centre"]])
        for arm in study.arms:
            own = (With if shares else Sum)(ALL, arm, str(variable), str(level))
            known = Known(ALL, arm, str(variable))
            yield from (over_centres(study, key) for key in (own, others(own), known, others(known)))
    yield from _levels(study, frame)
    yield from sums_of_levels(study)


def _of(study: Study, row: dict[str, Any], shares: bool) -> Key:
    return (With if shares else Sum)(row["centre"], row["arm"], row["variable"], row["level"])


def _covariate(study: Study, row: dict[str, Any], shares: bool, scale: float, reference: Key) -> Iterator[Entry]:
    c, a, variable, i = row["centre"], row["arm"], row["variable"], int(row["at"])
    n, n_missing = float(row["n"]), float(row["n_missing"])
    known = known_key(study, c, a, variable)
    yield from inside(study, known, analysed(c, a), n, n + n_missing)
    if known != analysed(c, a):
        yield Printed("balance", i, "n_missing", others(known))
    else:
        yield from nobody("balance", i, ("n_missing",))
    yield Printed("balance", i, "n", known)
    mean = row["mean"] if is_known(row["mean"]) else 0.0  # of nobody
    key = _of(study, row, shares)
    if shares:
        yield from part(study, key, known, mean * n, n)
        yield Shown("balance", i, ("mean",), (key, known), over=1.0)
        yield Shown("balance", i, ("sd",), (key, known))
    else:
        sum_of = mean * n * scale
        persons = 1.0 if is_dominated(study.profile, row) else n
        yield Count(key, sum_of, persons=persons, lower=-100 * SCALE, upper=100 * SCALE)
        is_counted = variable == "share_employed_before"  # other tables tell its sum: its mean would tell of how many
        yield Shown("balance", i, ("mean", "sd"), (key, known) if is_counted else (key,))
        if is_counted and study.is_complete(study.cohort.window.months[0], -1):
            before = [Employed(c, a, k) for k in study.cohort.window.months if k < 0]
            exact = sum(study.employed[c, a, k] for k in study.cohort.window.months if k < 0)
            if before and abs(exact / len(before) - mean * n) < 1e-6:
                yield Relation(((key, -len(before) / scale), *((month, 1.0) for month in before)))
    # Who reads the difference and the reference arm knows share and persons: of whole numbers few pairs give it.
    both = (known, known_key(study, c, study.arms[0], variable))
    is_of_counts = shares or variable == "share_employed_before"
    yield Shown("balance", i, ("smd",), (key, reference, *(both if is_of_counts else ())))


def is_dominated(profile: Profile, row: dict[str, Any]) -> bool:
    """Whether so few persons hold so much of a sum that it tells of them: the (n, k) and the p-ratio rules."""
    one, two = row["share_largest"], row["share_two_largest"]
    if not is_known(one):
        return False
    rule = profile.dominance
    if rule and (two if rule["persons"] == 2 else one) > rule["share"]:
        return True
    return profile.p_ratio is not None and (1 - two) / one < profile.p_ratio


def lacks(study: Study, variable: Any) -> bool:
    """Whether anybody lacks the covariate."""
    frame = study.tables["balance"]
    return bool(frame.loc[frame["variable"] == variable, "n_missing"].gt(0).any())


def known_key(study: Study, centre: str, arm: str, variable: str) -> Key:
    """Key of the persons with a known value of a covariate: all analysed ones when nobody lacks it."""
    return Known(centre, arm, variable) if lacks(study, variable) else analysed(centre, arm)


def _levels(study: Study, frame: pd.DataFrame) -> Iterator[Entry]:
    """Levels that exclude each other: their persons sum to those with a known value."""
    for variable, rows in frame[frame["level"] != ""].groupby("variable", sort=False):
        levels = list(dict.fromkeys(rows["level"]))
        sums = (
            (rows["mean"] * rows["n"])
            .where(rows["n"] > 0, 0.0)
            .groupby([rows["centre"], rows["arm"]])
            .sum(min_count=len(levels))
        )
        known = rows.groupby(["centre", "arm"])["n"].first()
        if len(levels) > 1 and np.allclose(sums.fillna(-1), known.reindex(sums.index), atol=1e-6):
            for centre, arm in sums.index:
                whole = known_key(study, centre, arm, str(variable))
                yield total(whole, [With(centre, arm, str(variable), level) for level in levels])


def persons_of_level(study: Study, term: Parts) -> tuple[Key, ...] | None:
    """Keys of the persons with a level of a category, whom its dummy tells of; None where they are counted nowhere."""
    variable, level = term.variable, term.level
    if term.kind != COVARIATE or not level:
        return ()
    frame = study.tables["balance"]
    rows = records(frame[(frame["variable"] == variable) & (frame["level"].astype(str) == level)])
    if not all(map(is_share, rows)):  # a sum of magnitudes: dominance is what its protection looks at
        return ()
    return tuple(With(ALL, arm, variable, rows[0]["level"]) for arm in study.arms) if rows else None
