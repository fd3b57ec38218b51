"""How figures look, and their bytes: the same data give the same bytes, on paper that needs no screen."""

import contextlib
import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from ipseval import words
from ipseval.language import say, spoken

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.transforms import Bbox

INK, QUIET, HAIR, SHADE = "#1c1c1c", "#5a5a5a", "#d9d9d9", "#f1f1ef"
REFERENCE = "#5a5a5a"
COLOURS = ("#0072b2", "#d55e00", "#007a5a", "#aa4499", "#7a5c00")  # told apart by the colour-blind; 3:1 on white
DASHES = ("-", (0, (2, 1)), (0, (6, 1, 1, 1)), (0, (1, 0.6)), (0, (8, 2)))
REFERENCE_DASH = (0, (5, 1.2))
WIDTH = 7.6  # inches
MARGIN = 0.12  # inches around what is drawn
STYLE: Any = {
    "axes.edgecolor": QUIET,
    "axes.labelcolor": INK,
    "axes.labelsize": 9.5,
    "axes.linewidth": 0.8,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlelocation": "left",
    "axes.titlesize": 10.5,
    "axes.unicode_minus": True,
    "axes.axisbelow": True,
    "figure.dpi": 200,
    "figure.facecolor": "white",
    "font.family": "DejaVu Sans",
    "font.size": 9.5,
    "grid.color": HAIR,
    "grid.linewidth": 0.6,
    "lines.linewidth": 1.8,
    "savefig.dpi": 200,
    "savefig.facecolor": "white",
    "svg.fonttype": "path",
    "svg.hashsalt": "ipseval",
    "text.color": INK,
    "text.parse_math": False,
    "xtick.color": QUIET,
    "xtick.labelcolor": INK,
    "xtick.labelsize": 9,
    "ytick.color": QUIET,
    "ytick.labelcolor": INK,
    "ytick.labelsize": 9,
}


@dataclass(frozen=True)
class Drawing:
    """A figure as files.

    Parameters
    ----------
    title : str
    description : str
        What a reader who does not see it needs to know.
    note : str
        How it is made and how to read it.
    png, svg : bytes
    instead : str
        The sentence that stands in place of a figure without values.
    """

    title: str
    description: str
    note: str
    png: bytes
    svg: bytes
    instead: str = ""


@contextlib.contextmanager
def style() -> Iterator[None]:
    """Draw in the style of the house, whatever is configured on the machine."""
    import matplotlib

    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(STYLE)
        yield


def canvas(height: float, n_panels: int = 1) -> tuple["Figure", list["Axes"]]:
    """An empty figure with panels below each other that share both axes."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(WIDTH, height), layout="constrained")
    panels = figure.subplots(n_panels, 1, sharex=True, sharey=True, squeeze=False)
    return figure, list(panels[:, 0])


def finished(figure: "Figure", title: str, description: str, note: str) -> Drawing:
    """The figure with its title, as files."""
    _speak_numbers(figure)
    figure.suptitle(title, x=0.01, ha="left", fontsize=11.5, fontweight="bold")
    figure.draw_without_rendering()  # finds the layout and the edges once for both files: it costs more than drawing
    edges = figure.get_tightbbox().padded(MARGIN)
    figure.set_layout_engine(None)
    return Drawing(title, description, note, saved(figure, "png", edges), saved(figure, "svg", edges))


def unless_empty(title: str, values: Iterable[object]) -> Drawing | None:
    """A sentence in place of a figure none of whose values is known: an empty frame would show zeros."""
    found = list(values)
    if any(map(words.is_known, found)):
        return None
    hidden = say("Every number of this figure is hidden by disclosure control.")
    text = hidden if words.is_hidden(*found) else say("Nothing of this figure could be estimated.")
    with style():
        figure, (axes,) = canvas(1.0)
        axes.axis("off")
        axes.text(0, 0.5, text, transform=axes.transAxes, va="center")
        return replace(finished(figure, title, text, text), instead=text)


def _speak_numbers(figure: "Figure") -> None:
    """Give the axes the decimal sign of the language."""
    from matplotlib.ticker import ScalarFormatter

    if (point := words.MARKS[spoken()][1]) == ".":
        return

    class Spoken(ScalarFormatter):
        """Numbers with the decimal sign of the language."""

        def __call__(self, x: float, pos: int | None = None) -> str:
            return super().__call__(x, pos).replace(".", point)

    for axis in (axis for axes in figure.axes for axis in (axes.xaxis, axes.yaxis)):
        if isinstance(axis.get_major_formatter(), ScalarFormatter):
            axis.set_major_formatter(Spoken())


def saved(figure: "Figure", kind: str, edges: "Bbox | None" = None) -> bytes:
    """The figure within its edges (inches) as ``png`` or ``svg``, without date or version."""
    buffer = io.BytesIO()
    metadata = {"png": {"Software": None}, "svg": {"Date": None, "Creator": None}}[kind]
    figure.savefig(buffer, format=kind, metadata=metadata, bbox_inches=edges)
    return buffer.getvalue()


def colour(number: int) -> str:
    """Colour of a treatment arm."""
    return COLOURS[number % len(COLOURS)]


def month_axis(axes: "Axes", before: int, after: int) -> None:
    """Months since randomisation, with ticks at years where there are years."""
    step = next(step for least, step in ((36, 12), (18, 6), (9, 3), (0, 1)) if before + after >= least)
    axes.set_xticks([k for k in range(-before, after + 1) if k % step == 0])
    axes.set_xlim(-before - 0.5, after + 0.5)


def spread(heights: list[float], gap: float, low: float, high: float) -> list[float]:
    """Heights moved apart so that labels ``gap`` high do not overlap, within ``low..high``; in the same order."""
    order = sorted(range(len(heights)), key=lambda i: heights[i])
    placed: dict[int, float] = {}
    floor = low
    for i in order:
        placed[i] = max(heights[i], floor)
        floor = placed[i] + gap
    ceiling = high
    for i in reversed(order):
        placed[i] = min(placed[i], ceiling)
        ceiling = placed[i] - gap
    return [placed[i] for i in range(len(heights))]
