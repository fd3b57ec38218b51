"""What the wait for a first job counts: entries of the ledger for the curve by month and for its restricted means.

A curve gives the persons who have found a job, and those lost, until each month that it is shown at. Its months are
chosen so that none or enough persons moved between two that follow each other; what else the persons of a month are
part of (those employed in it, those ever employed) is left to the ledger.
"""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from ipseval.config import ORDINARY_EMPLOYMENT
from ipseval.disclosure.cells import Decided
from ipseval.disclosure.counted import observed
from ipseval.disclosure.keys import ALL, Employed, Ever, Found, In, Key, Lost, Waiting, others
from ipseval.disclosure.ledger import Count, Entry, Printed, Shown, Within, total
from ipseval.disclosure.modelled import ESTIMATE
from ipseval.disclosure.samples import Beginning, Span
from ipseval.disclosure.stratified import curve_decimals, curve_told, is_by_centre
from ipseval.disclosure.study import Study, analysed, inside
from ipseval.estimation.strata import NONE
from ipseval.words import HIDDEN_SIGN as SIGN
from ipseval.words import PUT_OFF, is_known

MOVED = ("n_at_risk", "n_events", "n_censored")
CURVE = ("survival", "std_error", "ci_low", "ci_high", "share_with_job", "share_low", "share_high")


@dataclass(frozen=True)
class Curve:
    """The wait of an arm, from the first month in which anybody is observed; T months.

    Parameters
    ----------
    arm : str
    rows : int array, length T
        Positions in the table.
    months : int array, length T
    at_risk : int
        Persons who begin to wait.
    found, lost : int array, length T
        Persons who have found a job, or are lost, by the end of each month.
    shown : tuple of int
        Places of the months that the curve may be shown at.
    n_left_out : int
        Persons observed in the first month whose centre or stratum does not count.
    """

    arm: str
    rows: np.ndarray
    months: np.ndarray
    at_risk: int
    found: np.ndarray
    lost: np.ndarray
    shown: tuple[int, ...]
    n_left_out: int

    @property
    def start(self) -> int:
        """The first month."""
        return int(self.months[0])

    def until(self, place: int) -> tuple[Found, Lost, Waiting]:
        """Keys of those who have found a job, are lost, or wait at the end of a month."""
        month = int(self.months[place])
        return Found(ALL, self.arm, None, month), Lost(ALL, self.arm, None, month), Waiting(ALL, self.arm, month)

    def between(self, before: int, place: int) -> tuple[Found, Lost]:
        """Keys of those who found a job, or were lost, after one month and until another."""
        months = int(self.months[before]), int(self.months[place])
        return Found(ALL, self.arm, *months), Lost(ALL, self.arm, *months)


def curves(study: Study) -> list[Curve]:
    """The curves of the arms; an arm of which nobody begins to wait has none."""
    frame, wanted = study.tables["time_to_job"], set(study.cohort.follow.months)
    found = []
    for arm, rows in frame.assign(at=range(len(frame))).groupby("arm", sort=False):
        rows = rows.sort_values("month")
        rows = rows[rows["n_at_risk"].gt(0).cummax()]
        if len(rows):
            events, lost = (rows[name].cumsum().to_numpy() for name in ("n_events", "n_censored"))
            months = rows["month"].to_numpy()
            worth = np.where(np.isin(months, list(wanted)), float(len(months)), 1.0)
            places = tuple(sorted(kept(events, lost, study.least, worth)))
            columns = (rows["at"].to_numpy(), months, int(rows["n_at_risk"].iloc[0]), events, lost)
            found.append(Curve(str(arm), *columns, places, int(rows["n_left_out"].iloc[0])))
    return found


def kept(events: np.ndarray, lost: np.ndarray, least: int, worth: np.ndarray | None = None) -> set[int]:
    """Places of a curve that can be shown: none or at least ``least`` persons are between two that follow each other.

    Of all sets of places with the last one, that of most worth; none where the last one cannot be shown.

    Parameters
    ----------
    events, lost : int array, length T
        Persons with the event and lost, so far.
    least : int
    worth : float array, length T, optional
        Of each place; 1.
    """
    value = np.ones(len(events)) if worth is None else worth
    so_far = np.column_stack([events, lost])
    best, before = np.full(len(events), -np.inf), np.full(len(events), -1)
    for place in range(len(events)):
        steps = so_far[place] - np.vstack([so_far[:place], np.zeros(2)])  # from each earlier place, and the start
        apart = ((steps == 0) | (steps >= least)).all(axis=1)
        reached = np.where(apart, np.append(best[:place], 0.0), -np.inf)
        came = place if reached[place] == reached.max() else int(np.argmax(reached))
        best[place], before[place] = reached[came] + value[place], came if came < place else -1
    places, place = set(), len(events) - 1
    while place >= 0 and np.isfinite(best[-1]):
        places.add(place)
        place = int(before[place])
    return places


def time_to_job(study: Study) -> Iterator[Entry]:
    """The curves at the months that can be shown; others are passed over."""
    horizons = {row["arm"]: int(row["month_to"]) for _, row in study.rows("restricted_mean")}
    for curve in curves(study):
        whole = at_start(study, curve)
        yield from inside(study, whole, analysed(ALL, curve.arm), curve.at_risk, study.n_analysed[ALL, curve.arm])
        if isinstance(whole, In) and study.cohort.outcome.primary == ORDINARY_EMPLOYMENT:  # the rest are left out
            yield Within(whole, observed(study, ALL, curve.arm, curve.start))
        places = sorted({*curve.shown, *(p for p in _horizon(curve, horizons[curve.arm]) if p >= 0)})
        yield from _persons(study, curve, whole, places)
        yield from _ever(study, curve, places)
        yield Printed("time_to_job", int(curve.rows[0]), "n_at_risk", whole)
        for place in curve.shown:
            yield from _cells(study, curve, whole, place)


def at_start(study: Study, curve: Curve) -> Key:
    """Key of the persons who begin to wait: those observed in the first month."""
    if study.cohort.outcome.primary == ORDINARY_EMPLOYMENT and not curve.n_left_out:
        return observed(study, ALL, curve.arm, curve.start)
    if curve.at_risk == study.n_analysed[ALL, curve.arm]:
        return analysed(ALL, curve.arm)
    return In(ALL, curve.arm, Beginning(curve.start))


def _horizon(curve: Curve, month: int) -> tuple[int, int]:
    """Places of the last month of a restricted mean, and of the one before: the lost of the last are not counted."""
    last = min(month - curve.start, len(curve.months) - 1)
    return last, last - 1


def _persons(study: Study, curve: Curve, whole: Key, places: list[int]) -> Iterator[Entry]:
    """Who has found a job, is lost or waits at the end of each month, and who moved between two months."""
    most = study.n_randomised
    for place in places:
        found, lost, waiting = curve.until(place)
        n = int(curve.found[place]), int(curve.lost[place])
        yield from (Count(key, value, upper=most) for key, value in zip((found, lost), n, strict=True))
        everybody_found = n[0] == curve.at_risk > 0
        yield Count(waiting, curve.at_risk - sum(n), upper=most, zero_tells=everybody_found)
        yield total(whole, [found, lost, waiting])
    for before, place in itertools.pairwise(places):
        steps = (so_far[place] - so_far[before] for so_far in (curve.found, curve.lost))
        for key, now, then, step in zip(
            curve.between(before, place), curve.until(place), curve.until(before), steps, strict=False
        ):
            yield Count(key, int(step), upper=most)
            yield total(now, [then, key])


def _ever(study: Study, curve: Curve, places: list[int]) -> Iterator[Entry]:
    """Who has found a job is ever employed: everybody who is, at the end, when every month is observed.

    Where persons with a job are not left out, one that ended on the day of randomisation ends no wait.
    """
    if study.cohort.outcome.primary != ORDINARY_EMPLOYMENT:
        return
    last = study.cohort.window.after
    ever = Ever(ALL, curve.arm, Span(ORDINARY_EMPLOYMENT, 0, last))
    for place in places:
        month, found = int(curve.months[place]), curve.until(place)[0]
        if curve.n_left_out:  # all of the arm are more than these
            yield Within(found, ever)
            continue
        if study.is_complete(0, month):
            yield Within(Employed(ALL, curve.arm, month), found)
        if study.is_complete(0, last) and month == last and study.cohort.not_employed_at_randomisation:
            yield total(found, [ever])
        elif place == places[-1]:  # which those of earlier months are among
            yield Within(found, ever)


def _cells(study: Study, curve: Curve, whole: Key, place: int) -> Iterator[Entry]:
    """The curve at a month, who moved in it when the month before is shown, and who is at risk in the next."""
    row, (found, lost, waiting) = int(curve.rows[place]), curve.until(place)
    own = [whole, found, lost, *(first_month(study, curve) if place <= 1 else ())]
    shown = study.rows("time_to_job")[row][1]
    if is_by_centre(study, shown, (0, int(shown["month"]))):
        for entry in curve_told(study, shown):
            own += [entry.key] if isinstance(entry, Count) else []
            yield entry
    if study.profile.rounding_base:
        if shown["stratified_by"] == NONE:  # a curve over centres is no share of rounded counts
            yield from _rounded(study, curve, whole, place)
    elif study.profile.decimals is None or curve_decimals(study, study.profile.decimals):
        yield Shown("time_to_job", row, CURVE, tuple(own))
    moved: tuple[Key, ...] = () if place else (found, lost)
    if place and place - 1 in curve.shown:
        moved = curve.between(place - 1, place)
    for column, key in zip(("n_events", "n_censored"), moved, strict=False):
        yield Printed("time_to_job", row, column, key, beside=tuple(own))
    if place + 1 < len(curve.rows):
        yield Printed("time_to_job", int(curve.rows[place + 1]), "n_at_risk", waiting, beside=(whole,))


def _rounded(study: Study, curve: Curve, whole: Key, place: int) -> Iterator[Entry]:
    """The curve as shares of rounded counts, as long as nobody was lost before: its steps would give counts back.

    Errors and intervals are of the true counts and stay inside. Whoever is lost in a month is so at its end.
    """
    if place and curve.lost[place - 1]:
        return
    row, found = int(curve.rows[place]), curve.until(place)[0]
    yield from inside(study, found, whole, float(curve.found[place]), float(curve.at_risk))
    yield Shown("time_to_job", row, ("share_with_job",), (found, whole), over=1.0)
    yield Shown("time_to_job", row, ("survival",), (others(found), whole), over=1.0)


def put_off(study: Study, decided: Decided, table: pd.DataFrame) -> pd.DataFrame:
    """The released curves with a number in every month: steps that may not be shown are put off to a month that may.

    A month at which a curve stays inside repeats the last one shown before (or the start) with nobody moving, and its
    status says so; the next one shown counts who has moved since. This is arithmetic on what is released already.

    Parameters
    ----------
    study : Study
    decided : Decided
    table : DataFrame
        ``time_to_job`` as it may leave: ``:`` for what stays inside.

    Returns
    -------
    DataFrame
    """
    out = table.copy()
    for curve in curves(study):
        rows = [int(row) for row in curve.rows]
        is_shown = [is_known(share) for share in out["share_with_job"].iloc[rows]]
        cells: dict[str, Any] = {**dict.fromkeys(CURVE), "survival": 1.0, "share_with_job": 0.0}
        found, lost, waiting = 0, 0, decided.count(at_start(study, curve))
        for place in range(max((p for p, yes in enumerate(is_shown) if yes), default=-1) + 1):
            row = rows[place]
            if not is_shown[place]:
                put = {**cells, "n_at_risk": waiting, "n_events": 0, "n_censored": 0, "status": PUT_OFF}
                out.loc[row, list(put)] = list(put.values())
                continue
            now = [decided.count(key) for key in curve.until(place)]
            if place and not is_shown[place - 1]:
                out.loc[row, list(MOVED)] = [waiting, _since(now[0], found), _since(now[1], lost)]
            cells, (found, lost, waiting) = {name: out.at[row, name] for name in CURVE}, now
    return out


def _since(now: Any, before: Any) -> Any:
    """How many have moved between two months; the sign where either stays inside."""
    return SIGN if SIGN in (now, before) else now - before


def first_month(study: Study, curve: Curve) -> tuple[Key, ...]:
    """What the first step of the curve tells: who is observed in its month, and who has a job then."""
    if study.cohort.outcome.primary != ORDINARY_EMPLOYMENT:
        return ()
    seen = observed(study, ALL, curve.arm, curve.start)
    return (seen,) if curve.n_left_out else (seen, Employed(ALL, curve.arm, curve.start))


def restricted_mean(study: Study) -> Iterator[Entry]:
    """Mean months without a job by arm, and differences: when enough of the arms found one, were lost or neither."""
    rows, waits = study.rows("restricted_mean"), {curve.arm: curve for curve in curves(study)}
    fewest = {row["arm"]: _fewest(row) for _, row in rows if not isinstance(row["reference_arm"], str)}
    for i, row in rows:
        arms = [row["arm"], *([row["reference_arm"]] if isinstance(row["reference_arm"], str) else [])]
        if not all(arm in waits for arm in arms):
            continue
        ends = {arm: _ends(study, waits[arm], int(row["month_to"])) for arm in arms}
        for column, key in zip(("n_persons", "n_events", "n_censored"), ends[row["arm"]], strict=True):
            if key is not None:
                yield Printed("restricted_mean", i, column, key)
        keys = tuple(key for arm in arms for key in ends[arm] if key is not None)
        yield Shown("restricted_mean", i, ESTIMATE, keys, min(fewest[arm] for arm in arms))


def _ends(study: Study, curve: Curve, month: int) -> tuple[Key, Key, Key | None]:
    """Keys of who begins to wait, has found a job by the last month, and was lost before it; nobody is before one."""
    last, before = _horizon(curve, month)
    lost = curve.until(before)[1] if before >= 0 else None
    return at_start(study, curve), curve.until(last)[0], lost


def _fewest(row: dict[str, Any]) -> float:
    """The fewest persons, but for none, who found a job, were lost or did neither."""
    parts = (row["n_events"], row["n_censored"], row["n_persons"] - row["n_events"] - row["n_censored"])
    return float(min((n for n in parts if n > 0), default=0))
