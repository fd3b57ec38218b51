"""The balance plot: standardised differences of the covariates between the arms."""

import textwrap
from typing import TYPE_CHECKING

from ipseval import words
from ipseval.figures.drawing import HAIR, INK, QUIET, Drawing, canvas, colour, finished, style, unless_empty
from ipseval.language import say
from ipseval.tables.review import ALL, Record, Review

if TYPE_CHECKING:
    from matplotlib.axes import Axes

GUIDE = 0.1  # beyond it a difference is often called large (Austin 2009)
ROW = 0.24  # inches a covariate
LETTERS = 34  # of a covariate's name on a line


def balance(review: Review) -> Drawing:
    """Standardised difference of every covariate: the whole trial, and faintly each centre; one panel a treatment."""
    arms = review.cohort.arms.treatments
    names = list(dict.fromkeys(_covariate(review, row) for row in review.rows("balance", centre=ALL)))
    labels = [textwrap.fill(name, LETTERS) for name in names]
    title = say("Balance of the covariates at randomisation")
    if empty := unless_empty(title, (row["smd"] for arm in arms for row in review.rows("balance", arm=arm))):
        return empty
    n_lines = sum(label.count("\n") + 1 for label in labels)
    with style():
        figure, panels = canvas(1.2 + len(arms) * (0.4 + ROW * max(n_lines, 2)), len(arms))
        for number, (arm, axes) in enumerate(zip(arms, panels, strict=True)):
            _guides(axes, len(names))
            for row in review.rows("balance", arm=arm):
                _mark(axes, row, names.index(_covariate(review, row)), colour(number))
            axes.set_yticks(range(len(names)), labels)
            axes.set_ylim(len(names) - 0.4, -0.6)
            axes.set_title(f"{review.arm(arm)} − {review.reference}")
        _symmetric(panels[0])
        panels[-1].set_xlabel(say("Standardised difference"))
        return finished(
            figure,
            title,
            say(
                "One row a covariate: the standardised difference between the arms in the whole trial, and "
                "faintly that of each centre, around zero with guides at −0.1 and 0.1. The numbers are in balance.csv."
            ),
            say(
                "Filled, with its number at the right: the whole trial. Faint rings: the centres. Dashed: −0.1 and "
                "0.1. After randomisation differences are chance; with few persons it alone passes the dashed lines."
            ),
        )


def _covariate(review: Review, row: Record) -> str:
    return review.covariate(row["variable"], row["level"])


def _guides(axes: "Axes", n_rows: int) -> None:
    axes.axvline(0, color=INK, linewidth=0.8)
    for at in (-GUIDE, GUIDE):
        axes.axvline(at, color=QUIET, linewidth=0.8, linestyle=(0, (4, 3)))
    for row in range(n_rows):
        axes.axhline(row, color=HAIR, linewidth=0.5, zorder=0)
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)


def _mark(axes: "Axes", row: Record, place: int, tint: str) -> None:
    """A filled point with its number for the whole trial, a faint ring for a centre; nothing for what is not known."""
    is_known, is_whole = words.is_known(row["smd"]), row["centre"] == ALL
    if is_known and is_whole:
        axes.plot([row["smd"]], [place], "o", color=tint, markersize=6.5, zorder=4)
    elif is_known:
        axes.plot([row["smd"]], [place], "o", color=QUIET, alpha=0.45, markersize=4.5, mfc="none", mew=0.9, zorder=2)
    if is_whole:
        sign = words.HIDDEN_SIGN if isinstance(row["smd"], words.Hidden) else words.EN_DASH
        axes.annotate(
            words.number(row["smd"], 2) if is_known else sign,
            (1, place),
            xycoords=("axes fraction", "data"),
            xytext=(40, 0),
            textcoords="offset points",
            ha="right",
            va="center",
        )


def _symmetric(axes: "Axes") -> None:
    """As far to the left of zero as to the right, with room for the guides."""
    reach = max(1.6 * GUIDE, *map(abs, axes.get_xlim()))
    axes.set_xlim(-reach, reach)
