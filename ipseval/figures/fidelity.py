"""Figures of fidelity: totals over time by team, and the items of every review."""

import textwrap
from collections.abc import Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

from ipseval import words
from ipseval.figures.drawing import (
    COLOURS,
    HAIR,
    INK,
    QUIET,
    SHADE,
    WIDTH,
    Drawing,
    canvas,
    finished,
    style,
    unless_empty,
)
from ipseval.language import say
from ipseval.places.scale import TOTAL, Scale
from ipseval.places.timeline import END, START, STOP
from ipseval.tables.fidelity import on, part_name, reviews_of, scale_of
from ipseval.tables.review import Record, Review

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MARKS = ("o", "s", "D", "^", "v")  # of raters
MIDDLE = {4: "-07-01", 7: "-15", 10: ""}  # where a date that is known to the year or the month is drawn


def years(text: str) -> float:
    """A date on the axis, in calendar years; of a month or a year its middle."""
    day = date.fromisoformat(text + MIDDLE[len(text)])
    start = date(day.year, 1, 1)
    return day.year + (day - start).days / ((date(day.year + 1, 1, 1) - start).days)


def _ends(row: Record) -> tuple[float, float] | None:
    """The two bounds of a score, the same where it is known; None where it is hidden or lost."""
    ends = row["low"], row["high"]
    return (float(ends[0]), float(ends[1])) if all(map(words.is_known, ends)) else None


def fidelity_over_time(review: Review) -> Drawing:
    """Totals of the reviews by date, a panel a team, on the bands of the scale."""
    title = say("Fidelity of the teams over time")
    rows = [row for row in review.rows("fidelity", part=TOTAL) if isinstance(row["review_on"], str)]
    if empty := unless_empty(title, [row["low"] for row in rows]):
        return empty
    scale = scale_of(review)
    centres = [centre for centre in review.centres if any(row["centre"] == centre for row in rows)]
    events = review.rows("timeline")
    raters = list(dict.fromkeys(row["rater"] for row in rows if isinstance(row["rater"], str)))
    with style():
        figure, panels = canvas(1.1 + 1.55 * len(centres), len(centres))
        for axes, centre in zip(panels, centres, strict=True):
            own = [row for row in rows if row["centre"] == centre]
            _team(axes, own, raters)
            _windows(axes, {row["event"]: row["on"] for row in events if row["centre"] == centre})
            axes.set_title(textwrap.fill(review.centre(centre), 60))
        _bands(panels, scale, rows)
        at = [years(row["review_on"]) for row in rows]
        panels[-1].set_xticks(range(int(min(at)), int(max(at)) + 2))
        panels[-1].set_xlabel(say("Calendar year"))
        if raters:
            _legend(panels[0], [words.one_line(rater) for rater in raters])
        return finished(
            figure,
            title,
            say(
                "One panel a team, a mark a review: the total of the scale by date, on the bands of the scale. The "
                "numbers are in the table of fidelity reviews."
            ),
            say(
                "A bar spans the totals that are possible where scores are lost. Marks of another shape: another "
                "rater, whose change moves totals as well. Strips: recruitment and follow-up, where the time line says "
                "when they were."
            ),
        )


def _team(axes: "Axes", rows: Sequence[Record], raters: Sequence[str]) -> None:
    """Reviews of a team: a thin line joins what is known."""
    known = [(years(row["review_on"]), _ends(row), row["rater"]) for row in rows]
    exact = [(x, ends[0]) for x, ends, _ in known if ends and ends[0] == ends[1]]
    axes.plot([x for x, _ in exact], [y for _, y in exact], color=QUIET, linewidth=0.9, zorder=2)
    for x, ends, rater in known:
        if ends is None:
            continue
        mark = MARKS[raters.index(rater) % len(MARKS)] if rater in raters else MARKS[0]
        if ends[0] == ends[1]:
            axes.plot([x], [ends[0]], mark, color=COLOURS[0], markersize=6, zorder=3)
            axes.annotate(words.number(ends[0], 0), (x, ends[0]), xytext=(6, 4), textcoords="offset points", fontsize=8)
        else:
            axes.vlines(x, *ends, color=COLOURS[0], linewidth=3, alpha=0.6, zorder=3)


def _windows(axes: "Axes", on: Mapping[str, str]) -> None:
    """Recruitment and follow-up as two strips along the top, where the time line says when they were."""
    for first, last, label, tint in (
        (START, STOP, say("recruitment"), COLOURS[1]),
        (STOP, END, say("follow-up"), COLOURS[2]),
    ):
        if first in on and last in on and on[first] < on[last]:
            ends = years(on[first]), years(on[last])
            axes.axvspan(*ends, ymin=0.93, color=tint, alpha=0.45, linewidth=0)
            place = (sum(ends) / 2, 0.92)
            options: Any = {"xycoords": ("data", "axes fraction"), "ha": "center", "va": "top", "fontsize": 7}
            axes.annotate(label, place, color=QUIET, **options)


def _bands(panels: Sequence["Axes"], scale: Scale, rows: Sequence[Record]) -> None:
    """Every second band on grey, named at the right; as much of the scale as the reviews need, with room."""
    ends = [end for row in rows if (both := _ends(row)) for end in both]
    least, most = scale.reach(TOTAL)
    low, high = max(least, min(ends) - 6), min(most, max(ends) + 8)
    for axes in panels:
        axes.set_ylim(low, high)
        for number, band in enumerate(scale.bands):
            bottom, top = max(low, band.low - 0.5), min(high, band.high + 0.5)
            if bottom >= top:
                continue
            axes.axhspan(bottom, top, color=SHADE if number % 2 else "white", linewidth=0, zorder=0)
            place = (1, (bottom + top) / 2)
            axes.annotate(
                textwrap.fill(scale.name(band.code), 14),
                place,
                xycoords=("axes fraction", "data"),
                xytext=(5, 0),
                textcoords="offset points",
                va="center",
                fontsize=8,
                color=QUIET,
            )
        axes.set_ylabel(say("Total"))


def _legend(axes: "Axes", raters: Sequence[str]) -> None:
    from matplotlib.lines import Line2D

    handles = [
        Line2D([], [], marker=MARKS[i % len(MARKS)], linestyle="", color=COLOURS[0], label=textwrap.shorten(rater, 50))
        for i, rater in enumerate(raters)
    ]
    title = say("Rater")
    axes.legend(handles=handles, title=title, frameon=False, ncols=3, loc="lower right", bbox_to_anchor=(1, 1.12))


def fidelity_by_item(review: Review) -> Drawing:
    """Items by review as a table in shades: numbers stand in it, bounds where a score is lost."""
    title = say("Items of the fidelity reviews")
    scale = scale_of(review)
    rows = [row for row in review.rows("fidelity") if row["part"] in scale.items]
    if empty := unless_empty(title, [row["low"] for row in rows]):
        return empty
    from matplotlib.figure import Figure

    reviews = [(centre, by_part) for centre, own in reviews_of(review).items() for by_part in own]
    with style():
        figure = Figure(figsize=(WIDTH, 1.6 + 0.23 * len(scale.items)), layout="constrained")
        axes = figure.subplots()
        for x, (_, by_part) in enumerate(reviews):
            for y, item in enumerate(scale.items):
                if ends := _ends(by_part[item]):
                    _cell(axes, (x, y), ends, scale)
        _heads(axes, review, [(centre, on(by_part[TOTAL])) for centre, by_part in reviews])
        labels = [textwrap.shorten(f"{item} {part_name(scale, item)}", 44, placeholder="…") for item in scale.items]
        axes.set_yticks(range(len(labels)), labels, fontsize=7.5)
        axes.set_xlim(-0.5, len(reviews) - 0.5)
        axes.set_ylim(len(labels) - 0.5, -0.5)
        axes.tick_params(length=0)
        for side in ("left", "bottom"):
            axes.spines[side].set_visible(False)
        bottom = 0
        for items in scale.sections.values():
            bottom += len(items)
            axes.axhline(bottom - 0.5, color=INK, linewidth=0.8)
        return finished(
            figure,
            title,
            say(
                "A row an item, a column a review, team by team: the score, darker where it is higher. The numbers are "
                "in fidelity.csv."
            ),
            say("Two numbers in a cell: the least and the largest that a lost score can be. Nothing is filled in."),
        )


def _cell(axes: "Axes", place: tuple[int, int], ends: tuple[float, float], scale: Scale) -> None:
    """A score on its shade; a score that is lost on white."""
    from matplotlib.patches import Rectangle

    low, high = ends
    share = (low - scale.low) / max(1, scale.high - scale.low)
    is_known = low == high
    x, y = place
    shade = Rectangle((x - 0.5, y - 0.5), 1, 1, facecolor=COLOURS[0], alpha=0.08 + 0.72 * share, edgecolor="white")
    if is_known:
        axes.add_patch(shade)
    else:
        axes.add_patch(Rectangle((x - 0.5, y - 0.5), 1, 1, facecolor="white", edgecolor=HAIR, hatch="//"))
    text = words.number(low, 0) if is_known else f"{words.number(low, 0)}–{words.number(high, 0)}"
    axes.text(x, y, text, ha="center", va="center", fontsize=7, color=INK)


def _heads(axes: "Axes", review: Review, reviews: Sequence[tuple[str, str]]) -> None:
    """Dates above the columns, and the team above its own."""
    axes.xaxis.tick_top()
    axes.set_xticks(range(len(reviews)), [day for _, day in reviews], rotation=90, fontsize=7)
    for centre in dict.fromkeys(centre for centre, _ in reviews):
        own = [place for place, (name, _) in enumerate(reviews) if name == centre]
        axes.axvline(own[0] - 0.5, color=INK, linewidth=0.8)
        axes.annotate(
            textwrap.fill(review.centre(centre), 6 + 6 * len(own)),
            ((own[0] + own[-1]) / 2, 0),
            xycoords=("data", "axes fraction"),
            xytext=(0, -5),
            textcoords="offset points",
            ha="center",
            va="top",
            fontsize=8,
            fontweight="bold",
        )
