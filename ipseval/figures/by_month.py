"""Figures over months since randomisation: employment by arm, and effects."""

import math
import textwrap
from typing import TYPE_CHECKING, Any

from ipseval import words
from ipseval.figures.drawing import (
    DASHES,
    INK,
    QUIET,
    REFERENCE,
    REFERENCE_DASH,
    SHADE,
    Drawing,
    canvas,
    colour,
    finished,
    month_axis,
    spread,
    style,
    unless_empty,
)
from ipseval.language import say
from ipseval.tables.estimated import BY_MONTH
from ipseval.tables.review import ALL, ESTIMATED, Review
from ipseval.tables.stratified import stratified

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FEW_MONTHS = 18  # with no more, each month is marked and has an interval of its own
LABEL_SHARE = 0.15  # of the months before randomisation, for their label to have room


def employment_by_arm(review: Review) -> Drawing:
    """Share in the outcome by arm and month."""
    title = say("Share in {outcome} by arm", outcome=review.outcome)
    if empty := unless_empty(title, (row["share"] for row in review.rows("employment_by_month", centre=ALL))):
        return empty
    with style():
        figure, (axes,) = canvas(4.3)
        _mark_randomisation(axes, review)
        ends = [_arm_line(axes, review, number, arm) for number, arm in enumerate(review.cohort.arms.all)]
        high = max(5.0, 1.12 * max((y for line in ends for y in line["shares"] if not math.isnan(y)), default=100.0))
        axes.set_ylim(0, min(high, 104))
        label_lines(axes, ends)
        axes.set_ylabel(say("In {outcome}, % of persons", outcome=review.outcome))
        axes.set_xlabel(months_axis())
        return finished(
            figure,
            title,
            say(
                "One line for each arm, {months} since randomisation. The numbers are in employment_by_month.csv.",
                months=words.months(-review.cohort.window.before, review.cohort.window.after),
            ),
            say("All centres. Month 0 is the calendar month of randomisation. In parentheses: persons in the arm."),
        )


def months_axis() -> str:
    """Name of the axis of months."""
    return say("Months since randomisation")


def effect_axis(review: Review, arm: str) -> str:
    """Name of the axis of an arm's effects with their intervals."""
    compared = textwrap.fill(f"{review.arm(arm)} − {review.reference}", 38)
    return f"{compared}\n" + say("percentage points, {interval}", interval=review.interval)


def _arm_line(axes: "Axes", review: Review, number: int, arm: str) -> dict[str, Any]:
    """Draw one arm; where its line ends, and what it is called."""
    rows = review.rows("employment_by_month", centre=ALL, arm=arm)
    months, shares = [int(r["month"]) for r in rows], [100 * r["share"] for r in rows]
    tint, dash = (colour(number - 1), DASHES[(number - 1) % len(DASHES)]) if number else (REFERENCE, REFERENCE_DASH)
    marker = "o" if len(months) <= FEW_MONTHS else ""
    axes.plot(months, shares, color=tint, linestyle=dash, marker=marker, markersize=4)
    known = [y for y in shares if not math.isnan(y)]
    n_persons = words.count(rows[0]["n_persons"]) if rows else "0"
    label = textwrap.fill(f"{review.arm(arm)} ({n_persons})", 24)
    return {"label": label, "shares": shares, "end": known[-1] if known else 0.0, "colour": tint}


def label_lines(axes: "Axes", lines: list[dict[str, Any]]) -> None:
    """Names at the right ends of the lines, moved apart where they would overlap."""
    high = axes.get_ylim()[1]
    n_rows = max(line["label"].count("\n") + 1 for line in lines)
    heights = spread([line["end"] for line in lines], high * 0.055 * n_rows, 0, high)
    for line, y in zip(lines, heights, strict=True):
        axes.annotate(
            line["label"],
            (1, y),
            xycoords=("axes fraction", "data"),
            xytext=(6, 0),
            textcoords="offset points",
            color=line["colour"],
            fontweight="bold",
            va="center",
        )


def _mark_randomisation(axes: "Axes", review: Review) -> None:
    """Grid, month axis and the line at randomisation."""
    axes.grid(axis="y")
    axes.axvline(0, color=INK, linewidth=1)
    month_axis(axes, review.cohort.window.before, review.cohort.window.after)
    axes.annotate(
        say("Randomisation"),
        (0, 1),
        xycoords=("data", "axes fraction"),
        xytext=(0, 4),
        textcoords="offset points",
        ha="center",
        color=INK,
    )


def effect_by_month(review: Review) -> Drawing:
    """Effects over all centres by month, pointwise intervals and simultaneous band; one panel a treatment."""
    arms = review.cohort.arms.treatments
    found = review.effects(BY_MONTH, review.primary)
    title = say("Effect on {outcome} by month", outcome=review.outcome)
    if empty := unless_empty(title, (row["estimate"] for row in found.values())):
        return empty
    with style():
        figure, panels = canvas(0.9 + 3.4 * len(arms), len(arms))
        for number, (arm, axes) in enumerate(zip(arms, panels, strict=True)):
            _mark_randomisation(axes, review)
            _mark_placebo(axes, review)
            axes.margins(y=0.12)
            rows = {
                month: row
                for (_, month, _, own), row in found.items()
                if own == arm and row["status"] == ESTIMATED and words.is_known(row["estimate"])
            }
            n_months = len(review.cohort.window.months)
            _simultaneous_band(axes, review.rows("bands", analysis=BY_MONTH, arm=arm), colour(number), n_months)
            _effect_line(axes, rows, colour(number), n_months)
            axes.set_ylabel(effect_axis(review, arm))
        panels[-1].set_xlabel(months_axis())
        return finished(
            figure,
            title,
            say(
                "Monthly difference between the arms with its interval, around a line at zero, in a wider band for all "
                "months at once. The numbers are in the table of effects by month and in bands.csv."
            ),
            say(
                "All centres. Dark: {interval}s, each for itself. Light: the band for all months from 0 at once, and "
                "apart from it that for all months before, by re-drawn assignment. Before randomisation (grey) the "
                "difference is a placebo: it can only be chance.",
                interval=review.interval,
            ),
        )


def event_study(review: Review) -> Drawing:
    """Changes from the period before randomisation, with person fixed effects; one panel a treatment."""
    arms = review.cohort.arms.treatments
    title = say("Change in {outcome} since the period before randomisation", outcome=review.outcome)
    changes = (row["estimate"] for row in review.rows("event_study") if row["status"] != "base")
    if empty := unless_empty(title, changes):
        return empty
    with style():
        figure, panels = canvas(0.9 + 3.4 * len(arms), len(arms))
        for number, (arm, axes) in enumerate(zip(arms, panels, strict=True)):
            _mark_randomisation(axes, review)
            _mark_placebo(axes, review)
            axes.margins(y=0.12)
            for row in review.rows("event_study", arm=arm):
                _period(axes, row, colour(number))
            axes.set_ylabel(effect_axis(review, arm))
        panels[-1].set_xlabel(months_axis())
        return finished(
            figure,
            title,
            say(
                "Difference between the arms in the change from the base period, by period, with its interval, around "
                "a line at zero. The numbers are in event_study.csv."
            ),
            say(
                "All centres, an effect for each person and each period. Each line spans its months. Hollow: the base, "
                "zero by construction. Before it (grey) the difference is a placebo: it can only be chance. This is a "
                "check of the trial, not the estimate."
            )
            + "".join(f" {sentence}" for sentence in stratified(review.rows("event_study"))),
        )


def _period(axes: "Axes", row: dict[str, Any], tint: str) -> None:
    """A period as a line over its months with the interval at its middle; the base is hollow."""
    first, last = row["month_from"], row["month_to"]
    middle, paint = (first + last) / 2, QUIET if last < 0 else tint
    if row["status"] == "base":
        axes.plot([middle], [0], "o", color=paint, markersize=5, mfc="white")
    elif row["status"] == ESTIMATED:
        y, low, high = (100 * row[name] for name in ("estimate", "ci_low", "ci_high"))
        axes.hlines(y, first - 0.4, last + 0.4, color=paint, linewidth=1.8)
        axes.errorbar([middle], [y], [[y - low], [high - y]], color=paint, fmt="o", markersize=5, elinewidth=1.4)


def _mark_placebo(axes: "Axes", review: Review) -> None:
    """Zero line, and the months before randomisation on grey."""
    axes.axhline(0, color=INK, linewidth=0.8)
    if review.cohort.window.before:
        left = axes.get_xlim()[0]
        axes.axvspan(left, -0.5, color=SHADE, linewidth=0, zorder=0)
    if review.cohort.window.before > LABEL_SHARE * len(review.cohort.window.months):
        axes.annotate(say("placebo"), (0.01, 0.03), xycoords="axes fraction", color=QUIET, fontstyle="italic")


def _effect_line(axes: "Axes", rows: dict[int, dict[str, Any]], tint: str, n_months: int) -> None:
    """Estimates with a band, or with a bar a month where months are few; before randomisation in grey."""
    for is_placebo in (True, False):
        months = [k for k in sorted(rows) if (k < 0) == is_placebo]
        paint = QUIET if is_placebo else tint
        for run in _runs(months):
            y, low, high = ([100 * rows[k][name] for k in run] for name in ("estimate", "ci_low", "ci_high"))
            if n_months <= FEW_MONTHS or len(run) == 1:
                reach = [[a - b for a, b in zip(y, low, strict=True)], [b - a for a, b in zip(y, high, strict=True)]]
                face = "white" if is_placebo else paint
                axes.errorbar(run, y, reach, color=paint, fmt="o", markersize=5, mfc=face, elinewidth=1.4)
            else:
                axes.fill_between(run, low, high, color=paint, alpha=0.22, linewidth=0)
                axes.plot(run, y, color=paint, linestyle=(0, (2, 1)) if is_placebo else "-")


def _simultaneous_band(axes: "Axes", bands: list[dict[str, Any]], tint: str, n_months: int) -> None:
    """The band for all months at once behind the intervals: light, with a hairline at its ends."""
    rows = {int(row["month"]): row for row in bands if not math.isnan(row["critical_value"])}
    for is_placebo in (True, False):
        paint = QUIET if is_placebo else tint
        for run in _runs([k for k in sorted(rows) if (k < 0) == is_placebo]):
            low, high = ([100 * rows[k][name] for k in run] for name in ("band_low", "band_high"))
            if n_months <= FEW_MONTHS or len(run) == 1:
                axes.vlines(run, low, high, color=paint, linewidth=0.8)
            else:
                axes.fill_between(run, low, high, color=paint, alpha=0.12, linewidth=0)
                for ends in (low, high):
                    axes.plot(run, ends, color=paint, linewidth=0.6, alpha=0.7)


def _runs(months: list[int]) -> list[list[int]]:
    """Months in runs without a gap."""
    runs: list[list[int]] = []
    for k in months:
        if runs and runs[-1][-1] == k - 1:
            runs[-1] = [*runs[-1], k]
        else:
            runs.append([k])
    return runs
