"""What an outsider reads in the table of events at centres: when persons were randomised.

Everybody is followed for the same months, so that persons and months after an event are sums of those randomised in
each calendar month. Days of events are published elsewhere.
"""

import itertools

from attacker import Name
from attacker_models import Where
from attacker_reads import Reading, Row, shown

YEAR, MONTH = len("2014"), len("2014-01")
COUNTED, HIDDEN = "counted", "hidden"


def exposure(reading: Reading) -> None:
    """Persons of an arm of a centre by the month of their randomisation, as far as events tell of it."""
    last = max((int(r["month"]) for r in reading.rows("employment_by_month")), default=0)
    cells: dict[Where, list[Row]] = {}
    for row in reading.rows("exposure"):
        if row["status"] in (COUNTED, HIDDEN):
            cells.setdefault((row["centre"], row["arm"]), []).append(row)
    known = {where: is_in_full(rows[0], last + 1) for where, rows in cells.items()}
    for where, rows in cells.items():
        if known[where] or (known[where] is None and True in known.values()):
            arrivals(reading, where, rows, last + 1)


def is_in_full(row: Row, length: int) -> bool | None:
    """Whether everybody of an arm is observed in every month; None where that is hidden."""
    n, months = shown(row["n_persons"]), shown(row["n_person_months"])
    return None if n is None or months is None else months == n * length


def first_months(on: str) -> tuple[int, int]:
    """The first month that is certainly after an event, and the first that may be; counted from 1970-01."""
    year = 12 * (int(on[:YEAR]) - 1970)
    if len(on) == YEAR:
        return year + 12, year
    month = year + int(on[5:MONTH]) - 1  # that of the event
    after = month if on[MONTH:] == "-01" else month + 1
    return after, after


def arrivals(reading: Reading, where: Where, rows: list[Row], length: int) -> None:
    """One arm of a centre: months of randomisation, and the sums of them that are printed."""
    system, dates = reading.system, [first_months(row["on"]) for row in rows]
    points = sorted({m for pair in dates for e in pair for m in (e - length + 1, e)})
    bounds = [None, *range(points[0], points[-1] + 1), None]
    parts = [("arrived", *where, *pair) for pair in itertools.pairwise(bounds)]
    starts = dict(zip(parts, bounds, strict=False))
    system.total(("n", *where), parts, "exposure: everybody")
    for point in points:
        later, earlier = ("arrived", *where, point, None), ("arrived", *where, None, point)
        if later not in parts:
            system.total(later, [p for p in parts if from_on(starts[p], point)], "exposure: from a month on")
        if earlier not in parts:
            system.total(earlier, [p for p in parts if not from_on(starts[p], point)], "exposure: before a month")
        system.total(("n", *where), [later, earlier], "exposure: before and after")
    for one, other in itertools.combinations(points, 2):
        span, first, second = (("arrived", *where, *pair) for pair in ((one, other), (one, None), (other, None)))
        system.total(first, [span, second], "exposure: between two months")
    for row, (certain, possible) in zip(rows, dates, strict=True):
        months, n = ("months_after", *where, certain), ("n", *where)
        reading.count(n, row["n_persons"], "exposure")
        reading.count(("arrived", *where, certain - length + 1, None), row["n_persons_after"], "exposure")
        reading.count(("arrived", *where, None, certain), row["n_persons_before"], "exposure")
        reading.count(months, row["n_months_after"], "exposure")
        reading.rate(months, n, length, row["share_after"], "exposure")
        terms = {**weights(starts, certain, length), months: -1.0}
        system.relate(terms, 0.0, 0.0, "exposure: months after")
        if certain > possible and row["status"] == COUNTED:  # nobody is followed in the year of the event
            system.bound(("arrived", *where, possible - length + 1, certain), 0.0, 0.0, "exposure: status")


def from_on(start: int | None, point: int) -> bool:
    """Whether months begin at a month or later."""
    return start is not None and start >= point


def weights(starts: dict[Name, int | None], event: int, length: int) -> dict[Name, float]:
    """How many months after an event those randomised in a month have."""
    return {
        name: float(min(length, start + length - event))
        for name, start in starts.items()
        if start is not None and start + length > event
    }
