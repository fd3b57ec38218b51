"""The forest plot: effects of the centres with weights, their mean as a diamond, and the interval of prediction."""

import textwrap
from typing import TYPE_CHECKING, Any

from ipseval import words
from ipseval.figures.by_centre import difference_axis
from ipseval.figures.drawing import HAIR, INK, QUIET, Drawing, canvas, colour, finished, style, unless_empty
from ipseval.language import phrases, say
from ipseval.tables.estimated import MODEL_1, two_means
from ipseval.tables.review import ESTIMATED, HIDDEN, Record, Review
from ipseval.tables.synthesised import few, left_out, narrow

if TYPE_CHECKING:
    from matplotlib.axes import Axes

BELOW = phrases({"mean": "Mean effect", "further": "A further centre", "tau": "Between centres (τ)"})
LARGEST = 13.0  # points: side of the square of a centre with all the weight
NUMBERS, SHARE = 8, 172  # points from the right edge of the panel: effects from here, weights up to here


def forest(review: Review) -> Drawing:
    """Effects of the centres by model 1, pooled by random effects; one panel a treatment."""
    arms, places = review.cohort.arms.treatments, (*map(review.centre, review.centres), *map(say, BELOW.values()))
    found = {row["arm"]: row for row in review.rows("heterogeneity", analysis=MODEL_1)}
    title = say("Effect on {outcome} by centre, and their mean", outcome=review.outcome)
    effects = [row["estimate"] for row in review.rows("centre_effects", analysis=MODEL_1)]
    if empty := unless_empty(title, [*effects, *(row["pooled"] for row in found.values())]):
        return empty
    with style():
        figure, panels = canvas(1.0 + len(arms) * (0.5 + 0.36 * len(places)), len(arms))
        for number, (arm, axes) in enumerate(zip(arms, panels, strict=True)):
            axes.axvline(0, color=INK, linewidth=0.8)
            axes.axhline(len(places) - 3.5, color=HAIR, linewidth=0.8)
            for place, row in enumerate(review.rows("centre_effects", analysis=MODEL_1, arm=arm)):
                _centre(axes, row, place, colour(number))
            _together(axes, found[arm], len(places) - 3, colour(number))
            axes.set_yticks(range(len(places)), [textwrap.fill(place, 22) for place in places])
            axes.set_ylim(len(places) - 0.5, -0.5)
            axes.tick_params(axis="y", length=0)
            axes.grid(axis="x")
            axes.spines["left"].set_visible(False)
            axes.set_title(f"{review.arm(arm)} − {review.reference}")
        _beside(panels[0], say("Points"), (1, 1), NUMBERS, va="bottom", color=QUIET)
        _beside(panels[0], say("Weight"), (1, 1), SHARE, va="bottom", ha="right", color=QUIET)
        panels[-1].set_xlabel(difference_axis(review))
        return finished(
            figure,
            title,
            say(
                "One row a centre: the effect by model 1 with its interval and weight. Below them the mean as a "
                "diamond, and the interval in which the effect of a further centre is expected. The numbers are in the "
                "table of differences between centres."
            ),
            _note(review, list(found.values())),
        )


def _note(review: Review, found: list[dict]) -> str:
    months = words.sentence(words.months(*review.pooled_months(MODEL_1)))
    parts = (
        say(
            "{months} pooled, model 1. The area of a square is the centre's weight under random effects. Diamond: "
            "their mean with its interval by Knapp and Hartung. Line below it: interval of prediction. τ: standard "
            "deviation between centres in percentage points with its interval by the profile of Q, and p of the joint "
            "test of equal effects.",
            months=months,
        ),
        say(
            "{interval}s from standard errors {variance}. A centre needs {n} persons in each arm to be pooled.",
            interval=review.interval,
            variance=words.variance(review.cohort.pooled_variance),
            n=review.cohort.synthesis.min_persons_per_arm,
        ),
        two_means(),
        *narrow(found),
        *left_out(review),
    )
    return " ".join(parts)


def _centre(axes: "Axes", row: Record, place: int, tint: str) -> None:
    """A centre: filled when it is pooled, open when it is kept out, words when it is not estimated."""
    if not words.is_known(row["estimate"]):
        is_hidden = row["status"] == HIDDEN or words.is_hidden(row["estimate"])
        _beside(axes, say("hidden") if is_hidden else say("not estimated"), (1, place), NUMBERS)
        return
    is_pooled = row["status"] == ESTIMATED
    y, low, high = (100 * row[column] for column in ("estimate", "ci_low", "ci_high"))
    axes.errorbar(
        [y],
        [place],
        xerr=[[y - low], [high - y]],
        color=tint if is_pooled else QUIET,
        fmt="s",
        markersize=_side(row["weight_random"]) if is_pooled else 4.0,
        mfc=tint if is_pooled else "white",
        elinewidth=1.4 if is_pooled else 0.9,
    )
    _beside(axes, _interval(row["estimate"], row["ci_low"], row["ci_high"]), (1, place), NUMBERS)
    weight = say("{share}%", share=words.points(row["weight_random"])) if is_pooled else say("not pooled")
    weight = say("hidden") if words.is_hidden(row["weight_random"]) else weight
    _beside(axes, weight, (1, place), SHARE, ha="right")


def _side(weight: float) -> float:
    """Points of the square of a centre; of one whose weight is hidden the least."""
    return max(3.0, LARGEST * weight**0.5) if words.is_known(weight) else 3.0


def _together(axes: "Axes", row: Record, place: int, tint: str) -> None:
    """The mean as a diamond as wide as its interval; below it where a further centre lies, and how centres differ."""
    if not words.is_known(row["pooled"]):
        _beside(axes, say("hidden") if words.is_hidden(row["pooled"]) else few(), (1, place), NUMBERS)
        return
    y, low, high = (100 * row[column] for column in ("pooled", "ci_low", "ci_high"))
    axes.fill([low, y, high, y], [place, place - 0.24, place, place + 0.24], color=tint, linewidth=0)
    _beside(axes, _interval(row["pooled"], row["ci_low"], row["ci_high"]), (1, place), NUMBERS)
    text = say("hidden") if words.is_hidden(row["prediction_low"]) else say("needs three centres")
    if words.is_known(row["prediction_low"]):
        low, high = row["prediction_low"], row["prediction_high"]
        axes.plot([100 * low, 100 * high], [place + 1] * 2, color=tint, linewidth=1.4, marker="|", markersize=8)
        text = words.to(words.points(low), words.points(high))
    _beside(axes, text, (1, place + 1), NUMBERS)
    _beside(axes, _interval(row["tau"], row["tau_low"], row["tau_high"]), (1, place + 2), NUMBERS)
    if words.is_known(row["wald_p"]):
        _beside(axes, f"p {words.p_value(row['wald_p'])}", (1, place + 2), SHARE, ha="right")


def _interval(estimate: float, low: float, high: float) -> str:
    return f"{words.points(estimate)} ({words.to(words.points(low), words.points(high))})"


def _beside(
    axes: "Axes", text: str, place: tuple[float, float], shift: int, va: str = "center", **options: Any
) -> None:
    """Text at the right of the panel, ``shift`` points from its edge, at a row or above all."""
    is_above = va == "bottom"
    axes.annotate(
        text,
        place,
        xycoords="axes fraction" if is_above else ("axes fraction", "data"),
        xytext=(shift, 6 if is_above else 0),
        textcoords="offset points",
        va=va,
        **options,
    )
