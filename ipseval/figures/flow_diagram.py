"""The flow diagram of CONSORT 2025: who was randomised, allocated, followed and analysed, a column an arm."""

import textwrap
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from ipseval import words
from ipseval.figures.drawing import HAIR, INK, QUIET, WIDTH, Drawing, finished, style
from ipseval.language import say
from ipseval.tables.record import left_by
from ipseval.tables.review import ALL, Review

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LINE, GAP, PAD = 0.165, 0.24, 0.09  # inches: a line of text, between boxes, between a box and its text
MARGIN, NARROW = 0.36, 2.0  # inches: for the names of the phases; an arm's column is no narrower
LETTERS, PHASE = 15.0, 0.07  # letters an inch of a box; inches a letter of a phase
SIZE = 8.5  # points
EDGE = 0.03  # inches, for the line of a box at the edge

Lines = tuple[str, ...]


def flow_diagram(review: Review) -> Drawing:
    """Boxes of enrolment, allocation, follow-up and analysis; what the extracts do not say stays as a box."""
    from matplotlib.figure import Figure

    arms = review.cohort.arms.all
    width = max(WIDTH, MARGIN + NARROW * len(arms))
    column = (width - MARGIN) / len(arms)
    top = [_wrapped(lines, 0.46 * (width - MARGIN)) for lines in enrolment(review)]
    phases = [(name, [_wrapped(box, column - GAP) for box in boxes]) for name, boxes in by_arm(review)]
    height = sum(map(_height, top)) + 3 * GAP + sum(_tall(*phase) + GAP for phase in phases)
    with style():
        figure = Figure(figsize=(width, height + 0.4), layout="constrained")
        axes = figure.subplots()
        axes.set(xlim=(0, width), ylim=(height, 0))
        axes.axis("off")
        y = _draw_enrolment(axes, top, width)
        middles = [MARGIN + column * (i + 0.5) for i in range(len(arms))]
        _branch(axes, MARGIN + (width - MARGIN) / 2, middles, y)
        for number, (name, boxes) in enumerate(phases):
            tall, y = _tall(name, boxes), y + GAP
            _phase(axes, name, y, tall)
            for x, lines in zip(middles, boxes, strict=True):
                if number:
                    _arrow(axes, (x, y - GAP), (x, y))
                _box(axes, (x - column / 2 + GAP / 2, y), column - GAP, tall, lines)
            y += tall
        return finished(
            figure,
            say("Flow of persons through the trial"),
            say(
                "Boxes from enrolment to analysis, with a column for each arm: persons randomised, allocated, followed "
                "and analysed. The numbers are in the table of the flow, in employment_by_month.csv and in receipt.csv."
            ),
            say(
                "Boxes as in CONSORT 2025. Persons who left are counted at the first step that applied to them. "
                "Receipt and follow-up are of the persons analysed."
            ),
        )


def count(n: Any) -> str:
    """A count as it stands in a box: ``n = 184``, with the sign of a hidden number or of one that is not there."""
    return f"n\u00a0=\u00a0{_sign(n)}"


def enrolment(review: Review) -> tuple[Lines, ...]:
    """Assessed; excluded before randomisation; randomised. Only the last is in the extracts."""
    reasons = (
        say("Not meeting the criteria"),
        say("Declined to participate"),
        say("Other reasons"),
    )
    n = _flow(review, "randomised", ALL).get("n_persons")
    lacking = say("not in the extracts")
    return (
        (f"{say('Assessed for eligibility')} ({lacking})",),
        (f"{say('Excluded before randomisation')} ({lacking})", *(f"• {reason} ({count(None)})" for reason in reasons)),
        (f"{say('Randomised')} ({count(n)})",),
    )


def by_arm(review: Review) -> tuple[tuple[str, tuple[Lines, ...]], ...]:
    """The phases after enrolment with the text of their boxes, an arm each."""
    makes = ((say("Allocation"), _allocation), (say("Follow-up"), _follow_up), (say("Analysis"), _analysis))
    return tuple((name, tuple(make(review, arm) for arm in review.cohort.arms.all)) for name, make in makes)


def _allocation(review: Review, arm: str) -> Lines:
    n = _flow(review, "randomised", arm).get("n_persons")
    return (f"{say('Allocated to {arm}', arm=review.arm(arm))} ({count(n)})", *_received(review, arm))


def _received(review: Review, arm: str) -> Iterable[str]:
    """How many of the analysed received each treatment over the follow-up."""
    for row in _longest(review.rows("receipt", centre=ALL, arm=arm)):
        n, of = _sign(row["n_received"]), _sign(row["n_persons"])
        treatment = review.service(row["service"])
        if n == words.EN_DASH:
            yield "• " + say("Received {treatment}: not in the extracts", treatment=treatment)
        else:
            yield "• " + say("Received {treatment}: {n} of {of} analysed", treatment=treatment, n=n, of=of)


def _longest(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The rows of the longest span of months: the whole follow-up."""
    spans = [(row["month_to"] - row["month_from"], row) for row in rows]
    most = max((length for length, _ in spans), default=0)
    return [row for length, row in spans if length == most]


def _follow_up(review: Review, arm: str) -> Lines:
    """How many of the analysed were observed in the first and in the last month."""
    months = (0, review.cohort.window.after)
    rows = {int(r["month"]): r for r in review.rows("employment_by_month", centre=ALL, arm=arm)}
    lines = []
    for month in dict.fromkeys(months):
        row = rows.get(month, {})
        n, of = _sign(row.get("n_observed")), _sign(row.get("n_persons"))
        told = row.get("because")
        why = f" ({words.reasons(told)})" if isinstance(told, str) and told else ""
        lines.append("• " + say("Month {month}: {n} of {of}", month=words.number(month, 0), n=n, of=of) + why)
    left = "• " + say("Left the treatment early: not in the extracts")
    return (say("Employment observed, of the analysed"), *lines, left)


def _analysis(review: Review, arm: str) -> Lines:
    """Who is analysed, and who was left out at which step."""
    steps = [row for row in review.rows("flow", centre=ALL, arm=arm) if row["step"] not in ("randomised", "analysed")]
    n = _flow(review, "analysed", arm).get("n_persons")
    left = [f"• {words.sentence(left_by(review, row['step']))} ({count(row['n_excluded'])})" for row in steps]
    head = (say("Left out, as of randomisation:"),) if left else ()
    return (f"{say('Analysed')} ({count(n)})", *head, *left)


def _sign(n: Any) -> str:
    return words.count(n) if words.is_known(n) or isinstance(n, words.Hidden) else words.EN_DASH


def _flow(review: Review, step: str, arm: str) -> dict[str, Any]:
    return next(iter(review.rows("flow", centre=ALL, arm=arm, step=step)), {})


def _wrapped(lines: Lines, width: float) -> Lines:
    """Lines that fit a box; what follows a bullet is indented."""
    fits = int((width - 2 * PAD) * LETTERS)
    return tuple(
        part
        for line in lines
        for part in textwrap.wrap(line, fits, subsequent_indent="   " if line.startswith("•") else "")
    )


def _height(lines: Lines) -> float:
    return LINE * len(lines) + 2 * PAD


def _tall(name: str, boxes: list[Lines]) -> float:
    """Height of a phase: its tallest box, and room for its name."""
    return max(PHASE * len(name), *map(_height, boxes))


def _draw_enrolment(axes: "Axes", top: list[Lines], width: float) -> float:
    """The three boxes above the arms; where the lowest ends."""
    assessed, excluded, randomised = top
    middle, wide = MARGIN + (width - MARGIN) / 2, 0.46 * (width - MARGIN)
    side = _height(assessed) + GAP / 2
    last = side + _height(excluded) + GAP
    _phase(axes, say("Enrolment"), 0, last + _height(randomised))
    _box(axes, (middle - wide / 2, 0), wide, _height(assessed), assessed)
    _arrow(axes, (middle, _height(assessed)), (middle, last))
    _arrow(axes, (middle, side + _height(excluded) / 2), (width - wide - EDGE, side + _height(excluded) / 2))
    _box(axes, (width - wide - EDGE, side), wide, _height(excluded), excluded)
    _box(axes, (middle - wide / 2, last), wide, _height(randomised), randomised)
    return last + _height(randomised)


def _box(axes: "Axes", corner: tuple[float, float], width: float, height: float, lines: Lines) -> None:
    x, y = corner
    axes.fill([x, x + width, x + width, x], [y, y, y + height, y + height], facecolor="white", edgecolor=QUIET, lw=0.9)
    axes.text(x + PAD, y + PAD, "\n".join(lines), fontsize=SIZE, va="top", linespacing=1.3)


def _phase(axes: "Axes", name: str, y: float, height: float) -> None:
    """The name of a phase at the left, read upwards."""
    axes.fill([0, 0.24, 0.24, 0], [y, y, y + height, y + height], facecolor=HAIR, linewidth=0)
    axes.text(0.12, y + height / 2, name, rotation=90, ha="center", va="center", fontsize=SIZE, color=INK)


def _arrow(axes: "Axes", start: tuple[float, float], end: tuple[float, float]) -> None:
    axes.annotate(
        "", end, start, arrowprops={"arrowstyle": "-|>", "color": QUIET, "lw": 0.9, "shrinkA": 0, "shrinkB": 0}
    )


def _branch(axes: "Axes", middle: float, ends: list[float], y: float) -> None:
    """From the randomised to the arms."""
    axes.plot([middle, middle], [y, y + GAP / 2], color=QUIET, lw=0.9)
    axes.plot([ends[0], ends[-1]], [y + GAP / 2] * 2, color=QUIET, lw=0.9)
    for x in ends:
        _arrow(axes, (x, y + GAP / 2), (x, y + GAP))
