"""Figure of the time to a first ordinary job: cumulative shares by arm, with the persons at risk under them."""

import textwrap
from typing import TYPE_CHECKING, Any

from ipseval import words
from ipseval.figures.by_month import label_lines, months_axis
from ipseval.figures.drawing import (
    DASHES,
    REFERENCE,
    REFERENCE_DASH,
    WIDTH,
    Drawing,
    colour,
    finished,
    month_axis,
    style,
    unless_empty,
)
from ipseval.language import say
from ipseval.tables.review import Review
from ipseval.tables.stratified import stratified

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LINE = 0.24  # inches that an arm's persons at risk take
NAME_WIDTH = 16  # letters of an arm's name beside them


def time_to_job(review: Review) -> Drawing:
    """Cumulative share with a first ordinary job by arm, pointwise intervals, and numbers at risk."""
    from matplotlib.figure import Figure

    arms = review.cohort.arms.all
    title = say("Time to the first ordinary job")
    rows = review.rows("time_to_job")
    if empty := unless_empty(title, (row["share_with_job"] for row in rows)):
        return empty
    names = [textwrap.fill(review.arm(arm), NAME_WIDTH, max_lines=2) for arm in arms]
    height = LINE * (1.5 + sum(name.count("\n") + 1 for name in names))
    with style():
        figure = Figure(figsize=(WIDTH, 3.9 + height), layout="constrained")
        axes, below = figure.subplots(2, 1, sharex=True, height_ratios=(3.9, height))
        axes.grid(axis="y")
        month_axis(axes, 0, review.cohort.window.after)
        lines = [_curve(axes, review, number, arm) for number, arm in enumerate(arms)]
        axes.set_ylim(0, max(5.0, min(104.0, 1.08 * max(line["high"] for line in lines))))
        label_lines(axes, lines)
        axes.set_ylabel(say("With a first ordinary job, % of persons"))
        axes.tick_params(labelbottom=True)
        axes.set_xlabel(months_axis())
        _at_risk(below, review, names, [line["colour"] for line in lines])
        return finished(
            figure,
            title,
            say(
                "One rising line for each arm with a band, and below it the persons still waiting. The numbers are in "
                "time_to_job.csv."
            ),
            say(
                "All centres. Share of persons with a first month in ordinary employment by the end of each month "
                "(Kaplan and Meier), with pointwise {interval}s. Below: persons still observed and without a job at "
                "the beginning of the month.",
                interval=review.interval,
            )
            + "".join(f" {sentence}" for sentence in (*stratified(rows), *_put_off(rows))),
        )


def _put_off(rows: list[dict[str, Any]]) -> tuple[str, ...]:
    """A sentence where a release repeats months of the curve."""
    sentence = say("Steps that few persons make are put off until enough persons have moved.")
    return (sentence,) if any(row["status"] == words.PUT_OFF for row in rows) else ()


def _curve(axes: "Axes", review: Review, number: int, arm: str) -> dict[str, Any]:
    """Draw one arm; where its line ends, how high its band reaches, and what it is called."""
    rows = [row for row in review.rows("time_to_job", arm=arm) if words.is_known(row["share_with_job"])]
    tint, dash = (colour(number - 1), DASHES[(number - 1) % len(DASHES)]) if number else (REFERENCE, REFERENCE_DASH)
    rows += [row | {"month": row["month"] + 0.5} for row in rows[-1:]]  # the last step is seen, too
    months, shares = [row["month"] for row in rows], [100 * row["share_with_job"] for row in rows]
    low, high = (
        [100 * (row[name] if words.is_known(row[name]) else row["share_with_job"]) for row in rows]
        for name in ("share_low", "share_high")
    )
    axes.fill_between(months, low, high, step="post", color=tint, alpha=0.16, linewidth=0)
    axes.step(months, shares, where="post", color=tint, linestyle=dash)
    end = shares[-1] if shares else 0.0
    return {"label": textwrap.fill(review.arm(arm), 24), "end": end, "high": max(high, default=0.0), "colour": tint}


def _at_risk(axes: "Axes", review: Review, names: list[str], tints: list[str]) -> None:
    """Persons at risk at the ticks of the months, a line an arm."""
    arms = review.cohort.arms.all
    axes.set_title(say("Persons at risk"), fontsize=9)
    axes.set_yticks(range(len(arms)), labels=names)
    axes.set_ylim(len(arms) - 0.4, -0.6)
    axes.tick_params(length=0, pad=14, labelbottom=False)
    for side in ("left", "bottom"):
        axes.spines[side].set_visible(False)
    for label, tint in zip(axes.get_yticklabels(), tints, strict=True):
        label.set_color(tint)
    for line, arm in enumerate(arms):
        n = {int(row["month"]): row["n_at_risk"] for row in review.rows("time_to_job", arm=arm)}
        for month in map(int, axes.get_xticks()):
            axes.text(month, line, words.count(n[month]), ha="center", va="center", fontsize=9, color=tints[line])
