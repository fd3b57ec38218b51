"""Printed tables of the fidelity of the centres' teams: each review, and the means of its items."""

from collections.abc import Callable

from ipseval import words
from ipseval.language import phrase, say
from ipseval.places.files import MONTH
from ipseval.places.scale import TOTAL, Scale, read_scale
from ipseval.places.timeline import END, START
from ipseval.tables.record import record
from ipseval.tables.review import ALL, Record, Review, count_cell, hidden_cell
from ipseval.tables.table import Cell, Column, Row, Table, lacking
from ipseval.traced import made_of

NO_FILE = phrase("The cohort names no file of fidelity reviews.")
NOT_KNOWN = phrase("the reviews do not tell it")
Print = Callable[[float], str]


def scale_of(review: Review) -> Scale:
    """The scale of the cohort's reviews."""
    return read_scale(review.cohort.fidelity_scale)


def part_name(scale: Scale, part: str) -> str:
    """The printed name of the total, a section or an item."""
    return say("Total") if part == TOTAL else words.one_line(scale.name(part))


def points(value: float) -> str:
    """A score, or a sum of scores, of a review."""
    return words.number(value, 0)


def mean_points(value: float) -> str:
    """A mean of scores, or a slope."""
    return words.number(value, 2)


def bounded_cell(row: Record, names: tuple[str, str, str], print_as: Print) -> Cell:
    """A number, its two bounds where it is not known exactly, or why there is neither.

    Parameters
    ----------
    row : mapping
    names : tuple of str
        Columns of the number, of its least and of its largest value.
    print_as : callable
    """
    value, low, high = (row[name] for name in names)
    if words.is_hidden(value, low, high):
        return hidden_cell()
    if words.is_known(value):
        return Cell(print_as(value))
    if words.is_known(low) and words.is_known(high):
        return Cell(made_of(words.to(print_as(low), print_as(high)), (low, high)))
    return lacking(say(NOT_KNOWN))


def on(row: Record) -> str:
    """When a review was, to the month at most: no day leaves, and what is printed inside is what is printed outside."""
    return row["review_on"][:MONTH] if isinstance(row["review_on"], str) else say("no date")


def reviews_of(review: Review) -> dict[str, list[dict[str, Record]]]:
    """The rows of each review by part, in their order, by centre; a review begins with its total."""
    found: dict[str, list[dict[str, Record]]] = {}
    for row in review.rows("fidelity"):
        own = found.setdefault(row["centre"], [])
        own += [{}] if row["part"] == TOTAL else []
        own[-1][row["part"]] = row
    return found


def reviews_while_followed(review: Review) -> dict[str, list[dict[str, Record]]]:
    """Reviews of the team that served each centre then, from the start of its recruitment to the end of its follow-up.

    Only what the time line says for certain: of a window whose end is known to the year that year is left out. A centre
    without a window, or without a review in it, is not there.
    """
    reviews, events = reviews_of(review), review.rows("timeline")
    found = {}
    for centre in review.centres:
        own = [event for event in events if event["centre"] == centre]
        on = {event["event"]: event["on"] for event in own}
        if START not in on or END not in on:
            continue
        served = sorted((event["on"], event["team"]) for event in own if isinstance(event["team"], str))
        inside = [
            by_part
            for team, of_team in reviews.items()
            for by_part in of_team
            if _is_within(by_part[TOTAL]["review_on"], on[START], on[END])
            and team == _team_then(centre, served, by_part[TOTAL]["review_on"])
        ]
        if inside:
            found[centre] = inside
    return found


def _is_within(day: object, first: str, last: str) -> bool:
    """Whether a date is certainly between two others, month by month."""
    if not isinstance(day, str) or len(day) < MONTH:
        return False
    after = day[:MONTH] >= first[:MONTH] if len(first) >= MONTH else day[: len(first)] > first
    return after and (day[:MONTH] <= last[:MONTH] if len(last) >= MONTH else day[: len(last)] < last)


def _team_then(centre: str, served: list[tuple[str, str]], day: str) -> str:
    """The team that served a centre at a date: its own until the time line names one."""
    return next((team for on, team in reversed(served) if on[:MONTH] <= day[:MONTH]), centre)


def fidelity(review: Review) -> Table:
    """Totals, bands and sums of sections of every review, team by team."""
    scale = scale_of(review)
    parts = (TOTAL, *scale.sections)
    summary = {(row["centre"], row["part"]): row for row in review.rows("fidelity_summary")}
    rows: list[Row] = []
    for centre, reviews in reviews_of(review).items():
        group = review.centre(centre)
        rows += [Row(on(by_part[TOTAL]), _review_cells(scale, by_part), group) for by_part in reviews]
        own = [summary[centre, part] for part in parts]
        for head, names in (
            (say("Change, first to last"), ("change", "change_low", "change_high")),
            (say("Points a year"), ("slope_per_year", "slope_low", "slope_high")),
        ):
            print_as = points if names[0] == "change" else mean_points
            cells = (bounded_cell(row, names, print_as) for row in own)
            rows.append(Row(head, (*cells, Cell(), Cell()), group, is_total=True))
    return Table(
        title=say("Fidelity reviews of the teams"),
        stub=say("Review"),
        columns=(
            Column(say("Total"), span=say("Points of the scale")),
            *(Column(part_name(scale, section), span=say("Points of the scale")) for section in scale.sections),
            Column(say("Band")),
            Column(say("Rater")),
        ),
        rows=tuple(rows),
        notes=notes(review, scale),
        record=record(review, _window(review), say("Points of the scale")),
    )


def _window(review: Review) -> str:
    return words.months(-review.cohort.window.before, review.cohort.window.after)


def _review_cells(scale: Scale, by_part: dict[str, Record]) -> tuple[Cell, ...]:
    scores = (bounded_cell(by_part[part], ("score", "low", "high"), points) for part in (TOTAL, *scale.sections))
    band, rater = by_part[TOTAL]["band"], by_part[TOTAL]["rater"]
    named = Cell(scale.name(band)) if isinstance(band, str) else lacking(say("two bands are possible"))
    return (*scores, named, Cell(words.one_line(rater)) if isinstance(rater, str) else Cell())


def notes(review: Review, scale: Scale) -> tuple[str, ...]:
    """What the numbers are, and which centres have none."""
    reviewed = {row["centre"] for row in review.rows("fidelity_summary")}
    if not reviewed:
        return (say(NO_FILE),)
    without = [review.centre(centre) for centre in review.centres if centre not in reviewed]
    bands = [
        say("{band}: {low} to {high}", band=scale.name(band.code), low=band.low, high=band.high)
        for band in reversed(scale.bands)
    ]
    return (
        say("Items are scored {low} to {high}. Bands of the total: {bands}.", low=scale.low, high=scale.high,
            bands="; ".join(bands)),
        say(
            "Two numbers are the least and the largest that a score can be: what is lost is bounded by the total and "
            "the sums that are known, and never filled in."
        ),
        say("Points a year: the slope by least squares over 365.25 days. A team without two dated reviews has none."),
        *((say("No review: {centres}.", centres="; ".join(without)),) if without else ()),
    )  # fmt: skip


def fidelity_items(review: Review) -> Table:
    """Means of the items, the sections and the total over the reviews of each team, and over all."""
    scale = scale_of(review)
    summary = {(row["part"], row["centre"]): row for row in review.rows("fidelity_summary")}
    centres = [centre for centre in (ALL, *review.centres) if (TOTAL, centre) in summary]
    rows: list[Row] = []
    if centres:
        rows.append(Row(say("Reviews"), tuple(count_cell(summary[TOTAL, centre]["n_reviews"]) for centre in centres)))
    for part in scale.parts if centres else ():
        section = next((name for name, items in scale.sections.items() if part == name or part in items), "")
        cells = tuple(bounded_cell(summary[part, c], ("mean", "mean_low", "mean_high"), mean_points) for c in centres)
        head = part_name(scale, part) if part in (TOTAL, section) else f"{part} {part_name(scale, part)}"
        rows.append(Row(head, cells, part_name(scale, section) if section else "", is_total=part in (TOTAL, section)))
    return Table(
        title=say("Fidelity by item: mean of the reviews"),
        stub=say("Item"),
        columns=tuple(
            Column(say("All reviews") if c == ALL else review.centre(c), span=say("Points of the scale, mean"))
            for c in centres
        ),
        rows=tuple(rows),
        notes=notes(review, scale),
        record=record(review, _window(review), say("Mean points of the scale over reviews")),
    )
