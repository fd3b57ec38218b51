"""Figure of the pooled effect under every combination of choices: the specification curve."""

import textwrap
from typing import TYPE_CHECKING, Any

from ipseval import words
from ipseval.figures.drawing import HAIR, INK, QUIET, WIDTH, Drawing, colour, finished, style, unless_empty
from ipseval.language import say
from ipseval.tables.review import Review
from ipseval.tables.varied import DIMENSIONS, choice, combinations, estimated

if TYPE_CHECKING:
    from matplotlib.axes import Axes

PANEL, LINE = 2.6, 0.19  # inches that an arm's effects take, and a choice's row
HEAD_WIDTH = 44  # letters of a choice's name


def specification_curve(review: Review) -> Drawing:
    """Effects in rising order with their intervals, and below them which choices each one holds."""
    from matplotlib.figure import Figure

    arms = review.cohort.arms.treatments
    found = {arm: {_key(row): row for row in estimated(review, arm)} for arm in arms}
    title = say("Effect on {outcome} under every combination of choices", outcome=review.outcome)
    if empty := unless_empty(title, (row["estimate"] for arm in arms for row in combinations(review, arm))):
        return empty
    first = next(rows for rows in found.values() if rows)  # of several arms the first that is shown
    order = sorted(first, key=lambda key: (first[key]["estimate"], key))
    lines = _choices([first[key] for key in order])
    height = LINE * (len(lines) + len(DIMENSIONS))
    with style():
        figure = Figure(figsize=(WIDTH, PANEL * len(arms) + height + 0.4), layout="constrained")
        ratios = (*(PANEL for _ in arms), height)
        *panels, below = figure.subplots(len(arms) + 1, 1, sharex=True, height_ratios=ratios)
        for number, (arm, axes) in enumerate(zip(arms, panels, strict=True)):
            _effects(axes, [found[arm].get(key) for key in order], colour(number))
            compared = textwrap.fill(f"{review.arm(arm)} − {review.reference}", 30)
            axes.set_ylabel(f"{compared}\n{say('percentage points')}")
        _matrix(below, lines)
        months = words.months(*review.pooled_months("pooled"))
        return finished(
            figure,
            title,
            say(
                "One point with its interval for each combination, in rising order, the chosen one filled; below, a "
                "mark for each choice that it holds. The numbers are in specifications.csv."
            ),
            say(
                "{months} pooled, all centres. {interval}s, each for itself. Filled and dark: the combination of the "
                "cohort's own choices.",
                months=words.sentence(months),
                interval=review.interval,
            )
            + _left_out(review),
        )


def _left_out(review: Review) -> str:
    """How many combinations are hidden, and so not drawn."""
    several = [(combinations(review, arm), estimated(review, arm)) for arm in review.cohort.arms.treatments]
    n_all, n_shown = (sum(len(both[i]) for both in several) for i in (0, 1))
    if n_all == n_shown:
        return ""
    return " " + say(
        "Drawn: {n} of {all} combinations; the others are hidden by disclosure control.", n=n_shown, all=n_all
    )


def _key(row: dict[str, Any]) -> tuple[str, ...]:
    return tuple(str(row[dimension]) for dimension in DIMENSIONS)


def _choices(rows: list[dict[str, Any]]) -> list[tuple[str, str, list[int]]]:
    """Dimension, choice in words and the positions that hold it; a line each."""
    lines = []
    for dimension in DIMENSIONS:
        for value in dict.fromkeys(row[dimension] for row in sorted(rows, key=lambda row: str(row[dimension]))):
            at = [place for place, row in enumerate(rows) if row[dimension] == value]
            lines.append((dimension, choice(dimension, value), at))
    return lines


def _effects(axes: "Axes", rows: list[dict[str, Any] | None], tint: str) -> None:
    """The effects of an arm with their intervals."""
    axes.axhline(0, color=INK, linewidth=0.8)
    axes.grid(axis="y")
    axes.tick_params(axis="x", length=0, labelbottom=False)
    for place, row in enumerate(rows):
        if row is not None:
            is_main = bool(row["is_main"])
            paint, width = (INK, 1.6) if is_main else (tint, 0.7)
            axes.vlines(
                place, 100 * row["ci_low"], 100 * row["ci_high"], color=paint, linewidth=width, zorder=2 + is_main
            )
            face, size = (INK, 6) if is_main else ("white", 3)
            axes.plot(
                place, 100 * row["estimate"], "o", color=paint, mfc=face, markersize=size, mew=0.9, zorder=3 + is_main
            )


def _matrix(axes: "Axes", lines: list[tuple[str, str, list[int]]]) -> None:
    """A row a choice, with a mark for each combination that holds it; a head before each dimension."""
    heads, y, previous = [], 0, ""
    for dimension, text, at in lines:
        if dimension != previous:
            heads.append((y, say(DIMENSIONS[dimension]), True))
            previous, y = dimension, y + 1
        axes.plot(at, [y] * len(at), "|", color=INK, markersize=5, mew=0.9)
        axes.axhline(y, color=HAIR, linewidth=0.5, zorder=0)
        heads.append((y, textwrap.shorten(text, HEAD_WIDTH, placeholder=" …"), False))
        y += 1
    axes.set_yticks([place for place, _, _ in heads], labels=[text for _, text, _ in heads])
    for label, (_, _, is_head) in zip(axes.get_yticklabels(), heads, strict=True):
        label.set(color=INK if is_head else QUIET, fontweight="bold" if is_head else "normal", fontsize=8.5)
    axes.set_ylim(y - 0.4, -0.6)
    axes.tick_params(length=0, labelbottom=False)
    for side in ("left", "bottom"):
        axes.spines[side].set_visible(False)
    axes.set_xlabel(say("Combinations in rising order of the effect"))
