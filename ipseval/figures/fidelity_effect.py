"""The figure of fidelity beside effect: one mark a centre, and no line through them."""

import math
import textwrap

from ipseval import words
from ipseval.figures.drawing import INK, Drawing, canvas, colour, finished, style, unless_empty
from ipseval.language import say
from ipseval.places.scale import TOTAL
from ipseval.tables.estimated import MODEL_1
from ipseval.tables.fidelity import reviews_while_followed
from ipseval.tables.review import Record, Review


def fidelity_and_effect(review: Review) -> Drawing:
    """Effects of the centres by the mean total of the reviews while persons were followed; one panel a treatment."""
    title = say("Fidelity of the teams and effects of the centres")
    reviews = reviews_while_followed(review)
    totals = {centre: known for centre, own in reviews.items() if (known := _known([row[TOTAL] for row in own]))}
    arms = review.cohort.arms.treatments
    effects = {arm: review.rows("centre_effects", analysis=MODEL_1, arm=arm) for arm in arms}
    found = [row["estimate"] for own in effects.values() for row in own if row["centre"] in totals]
    if empty := unless_empty(title, found):
        return empty
    with style():
        figure, panels = canvas(0.9 + 3.4 * len(arms), len(arms))
        for number, (arm, axes) in enumerate(zip(arms, panels, strict=True)):
            axes.axhline(0, color=INK, linewidth=0.8)
            axes.margins(x=0.14, y=0.12)
            axes.grid(axis="both")
            for row in effects[arm]:
                if row["centre"] not in totals or not words.is_known(row["estimate"]):
                    continue
                own = totals[row["centre"]]
                x, y = sum(own) / len(own), 100 * row["estimate"]
                axes.errorbar(
                    [x],
                    [y],
                    xerr=[[x - min(own)], [max(own) - x]],
                    yerr=[[y - 100 * row["ci_low"]], [100 * row["ci_high"] - y]],
                    fmt="o",
                    color=colour(number),
                    elinewidth=1.0,
                )
                name = textwrap.shorten(review.centre(row["centre"]), 30, placeholder="…")
                axes.annotate(name, (x, y), xytext=(6, 5), textcoords="offset points", fontsize=8.5)
            axes.set_ylabel(f"{review.arm(arm)} − {review.reference}\n" + say("percentage points"))
        panels[-1].set_xlabel(say("Total of the fidelity scale: mean and range of the reviews"))
        return finished(figure, title, _description(), _note(review, len(totals)))


def _known(totals: list[Record]) -> list[float]:
    """Totals that are known: a total between two numbers has no place on the axis."""
    return [float(row["score"]) for row in totals if words.is_known(row["score"])]


def _description() -> str:
    return say(
        "One mark a centre with its name: the effect by model 1 with its interval, by the mean total of its reviews "
        "with their range. The numbers are in centre_effects.csv and fidelity.csv."
    )


def _note(review: Review, n: int) -> str:
    """What the marks are, and what no order of them can show."""
    return " ".join(
        (
            say(
                "Reviews between the start of recruitment and the end of follow-up, as far as the time line says that "
                "they were, of the team that served the centre then. {interval}s of the effects.",
                interval=review.interval,
            ),
            say(
                "There is no line: with {n} centres the smallest p that any order of them can have is {p}, and centres "
                "differ in more than fidelity.",
                n=words.count(n),
                p=words.p_value(min(1.0, 2 / math.factorial(n))),
            ),
        )
    )
