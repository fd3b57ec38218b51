"""Figures of effects by centre."""

import textwrap
from typing import TYPE_CHECKING, Any

from ipseval import words
from ipseval.figures.drawing import HAIR, INK, QUIET, Drawing, canvas, colour, finished, style, unless_empty
from ipseval.language import say
from ipseval.tables.estimated import MODEL_1, POOLED, POOLED_UNADJUSTED, UNADJUSTED, two_means
from ipseval.tables.review import ALL, ESTIMATED, HIDDEN, Record, Review

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def effects_by_centre(review: Review) -> Drawing:
    """Effects of the centres with intervals, unadjusted and by model 1; one panel a treatment."""
    arms, places = review.cohort.arms.treatments, (*review.centres, ALL)
    title = say("Effect on {outcome} by centre", outcome=review.outcome)
    drawn = (_row(review, name, arm, c) for arm in arms for c in places for name in _analyses(c))
    if empty := unless_empty(title, (row["estimate"] for row in drawn if row)):
        return empty
    with style():
        figure, panels = canvas(1.0 + len(arms) * (0.5 + 0.42 * len(places)), len(arms))
        for number, (arm, axes) in enumerate(zip(arms, panels, strict=True)):
            axes.axvline(0, color=INK, linewidth=0.8)
            axes.axhline(len(places) - 1.5, color=HAIR, linewidth=0.8)
            for place, centre in enumerate(places):
                _centre_bars(axes, review, arm, centre, place, colour(number))
            axes.set_yticks(range(len(places)), [textwrap.fill(review.centre(c), 22) for c in places])
            axes.set_ylim(len(places) - 0.5, -0.5)
            axes.tick_params(axis="y", length=0)
            axes.grid(axis="x")
            axes.spines["left"].set_visible(False)
            axes.set_title(f"{review.arm(arm)} − {review.reference}")
        _heads(panels[0])
        panels[-1].set_xlabel(difference_axis(review))
        return finished(
            figure,
            title,
            say(
                "One row a centre and one for all centres: the effect by model 1 and the unadjusted difference, each "
                "with its interval. The numbers are in the table of effects by centre."
            ),
            say(
                "{months} pooled. Filled: model 1, with its numbers at the right. Open: unadjusted. {interval}s, each "
                "for itself.",
                months=words.sentence(words.months(*review.pooled_months(MODEL_1))),
                interval=review.interval,
            )
            + f" {two_means()}",
        )


def difference_axis(review: Review) -> str:
    """Name of the axis of effects with their intervals."""
    return say(
        "Difference in {outcome}, percentage points, with {interval}", outcome=review.outcome, interval=review.interval
    )


def _heads(axes: "Axes") -> None:
    """What the marks are, above the panel, and whose numbers stand at its right."""
    for text, shift, side in ((say("■ model 1   ○ unadjusted"), 0, "right"), (say("Model 1"), 8, "left")):
        place: Any = {"xycoords": "axes fraction", "xytext": (shift, 6), "textcoords": "offset points"}
        axes.annotate(text, (1, 1), **place, color=QUIET, ha=side)


def _analyses(centre: str) -> tuple[str, str]:
    """The analyses that are drawn filled and open."""
    return (POOLED, POOLED_UNADJUSTED) if centre == ALL else (MODEL_1, UNADJUSTED)


def _row(review: Review, name: str, arm: str, centre: str) -> Record | None:
    return review.effects(name, review.primary).get((centre, *review.pooled_months(name), arm))


def _is_hidden(row: Record | None) -> bool:
    return row is not None and (row["status"] == HIDDEN or words.is_hidden(row["estimate"]))


def _centre_bars(axes: "Axes", review: Review, arm: str, centre: str, place: int, tint: str) -> None:
    """Both estimates of a centre, and the numbers of the filled one beside the panel."""
    text = say("not estimated")
    for name, shift, is_filled in zip(_analyses(centre), (-0.13, 0.15), (True, False), strict=True):
        row = _row(review, name, arm, centre)
        if row is None or row["status"] != ESTIMATED or not words.is_known(row["estimate"]):
            text = say("hidden") if is_filled and _is_hidden(row) else text
            continue
        y, low, high = (100 * row[column] for column in ("estimate", "ci_low", "ci_high"))
        marker = ("D" if centre == ALL else "s") if is_filled else "o"
        axes.errorbar(
            [y],
            [place + shift],
            xerr=[[y - low], [high - y]],
            color=tint if is_filled else QUIET,
            fmt=marker,
            markersize=6 if is_filled else 4.5,
            mfc=tint if is_filled else "white",
            elinewidth=1.6 if is_filled else 0.9,
        )
        if is_filled:
            ends = words.to(words.points(row["ci_low"]), words.points(row["ci_high"]))
            text = f"{words.points(row['estimate'])} ({ends})"
    axes.annotate(
        text,
        (1, place),
        xycoords=("axes fraction", "data"),
        xytext=(8, 0),
        textcoords="offset points",
        va="center",
        fontweight="bold" if centre == ALL else "normal",
    )
