"""The time line of the centres: what happened when, and how much of the follow-up lies after it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ipseval.config import Cohort, code
from ipseval.errors import Fault, UserError
from ipseval.places.files import DAY, MONTH, Form, centre_of, is_date, lines, no_centre

FORM = Form(("centre", "event", "date", "team", "value", "source"), ("centre", "event", "date"))
START, STOP, END = "start", "inclusion_stop", "follow_up_end"  # events that figures know
TIMELINE_COLUMNS = ["centre", "event", "on", "source", "team", "value"]
# fmt: off
EXPOSURE_COLUMNS = [
    "centre", "event", "arm", "n_persons", "n_person_months", "share_after", "on", "n_months_after", "n_persons_after",
    "n_persons_before", "status",
]
# fmt: on
COUNTED, YEAR_ONLY = "counted", "known_to_the_year"


@dataclass(frozen=True)
class Event:
    """Something that happened at a centre: ``on`` a day, in a month or in a year; ``team`` serves it from then on."""

    centre: str
    event: str
    on: str
    source: str
    team: str
    value: str

    @property
    def months(self) -> tuple[int, int]:
        """See :func:`months_after`."""
        return months_after(self.on)


def months_after(on: str) -> tuple[int, int]:
    """The first month that is certainly after a day, a month or a year, and the first that may be; since 1970-01.

    A month is after what happened before it began: so is that of an event on its first day.
    # ASSUME: of an event that is known to the month, that month is before it.
    """
    year = 12 * (int(on[:4]) - 1970)
    if len(on) < MONTH:
        return year + 12, year
    certain = year + int(on[5:7]) - (len(on) == DAY and on.endswith("-01"))
    return certain, certain


def read_timeline(file: Path, centres: Mapping[Any, Any]) -> list[Event]:
    """Events in the order of the centres, and of time within each.

    Parameters
    ----------
    file : Path
        A row a centre, event and date; ``team``: the centre whose team serves it from then on.
    centres : mapping
        Code -> name, of the cohort.

    Raises
    ------
    UserError
        With every fault of the file.
    """
    faults: list[Fault] = []
    found: dict[tuple[str, str, str], Event] = {}
    for line in lines(file, FORM, faults):
        cells = {name: line.cells.get(name, "") for name in FORM.known}
        centre = centre_of(cells["centre"], centres)
        team = centre_of(cells["team"], centres) if cells["team"] else ""
        if centre is None:
            faults.append(no_centre(line.where, "centre", cells["centre"], centres))
        if team is None:
            faults.append(no_centre(line.where, "team", cells["team"], centres))
        if not cells["event"]:
            faults.append(Fault(line.where, "event is empty.", "Name it, such as inclusion_stop."))
        if not is_date(cells["date"]):
            faults.append(Fault(line.where, f"date is '{cells['date']}'.", "Write YYYY-MM-DD, YYYY-MM or YYYY."))
        if centre is None or team is None:
            continue
        key = (centre, cells["event"], cells["date"])
        if key in found:
            faults.append(Fault(line.where, f"{key[1]} of centre {centre} stands twice.", "Keep one row."))
        found[key] = Event(*key, cells["source"], team, cells["value"])
    if faults:
        raise UserError(faults)
    order = [code(centre) for centre in centres]
    return sorted(found.values(), key=lambda event: (order.index(event.centre), event.on))


def timeline_tables(cohort: Cohort, people: pd.DataFrame, states: np.ndarray) -> dict[str, pd.DataFrame]:
    """The tables ``timeline`` and ``exposure``; without rows where the cohort names no file.

    Parameters
    ----------
    cohort : Cohort
    people : DataFrame
        The n analysed persons.
    states : int8 array, n x months of the window
        The primary outcome; -1 is missing.

    Returns
    -------
    dict
        ``timeline``: a row an event. ``exposure``: a row an event and arm of its centre, whose person-months are those
        from month 0 on in which the outcome is observed; ``share_after`` of them begin after the event.
    """
    events = read_timeline(cohort.timeline, cohort.centres) if cohort.timeline else []
    rows = [(e.centre, e.event, e.on, e.source or None, e.team or None, e.value or None) for e in events]
    followed = Followed.of(cohort, people, states)
    exposed = [followed.exposed(event, arm) for event in events for arm in cohort.arms.all]
    return {
        "timeline": pd.DataFrame(rows, columns=TIMELINE_COLUMNS),
        "exposure": pd.DataFrame(exposed, columns=EXPOSURE_COLUMNS).astype(
            dict.fromkeys(("n_months_after", "n_persons_after", "n_persons_before"), "Int64")
        ),
    }


@dataclass(frozen=True)
class Followed:
    """Months 0 to the last of n persons: calendar month (since 1970-01), and whether the outcome is observed."""

    centre: np.ndarray
    arm: np.ndarray
    calendar: np.ndarray
    observed: np.ndarray

    @classmethod
    def of(cls, cohort: Cohort, people: pd.DataFrame, states: np.ndarray) -> "Followed":
        """Those of the analysed persons."""
        month_0 = people["randomised_on"].to_numpy().astype("datetime64[M]").astype("int64")
        calendar = month_0[:, None] + np.arange(cohort.window.after + 1)
        observed = states[:, cohort.window.before :] >= 0
        return cls(people["centre"].to_numpy(), people["arm"].to_numpy(), calendar, observed)

    def exposed(self, event: Event, arm: str) -> dict[str, Any]:
        """A row of ``exposure``."""
        here = (self.centre == event.centre) & (self.arm == arm)
        observed, calendar = self.observed[here], self.calendar[here]
        certain, possible = ((calendar >= first) & observed for first in event.months)
        n, after = int(observed.sum()), int(certain.sum())
        row = {"centre": event.centre, "event": event.event, "arm": arm, "n_persons": int(here.sum())}
        row |= {"n_person_months": n, "on": event.on}
        if int(possible.sum()) != after:
            return row | {"status": YEAR_ONLY}
        share = after / n if n else np.nan
        counts = {"n_months_after": after, "n_persons_after": int(certain.any(axis=1).sum())}
        counts["n_persons_before"] = int((observed & ~certain).any(axis=1).sum())
        return row | counts | {"share_after": share, "status": COUNTED}
