"""Figure of the register over time: the trial's persons with a row and with a job in each calendar month."""

import base64

from ipseval.figures.drawing import COLOURS, QUIET, WIDTH, Drawing, finished, style
from ipseval.language import say
from ipseval.tables.review import Review
from ipseval.tables.table import Picture

TABLE = "register_by_month"
TICKS = 8  # years that the axis names at most


def register_by_month(review: Review) -> Drawing:
    """Persons of the trial with a row in the register of employment and with a job, by calendar month."""
    from matplotlib.figure import Figure

    rows = review.rows(TABLE)
    places = range(len(rows))
    with style():
        figure = Figure(figsize=(WIDTH, 2.9), layout="constrained")
        axes = figure.subplots()
        axes.grid(axis="y")
        lines = (
            ("n_with_row", say("with a row"), QUIET, (0, (2, 1))),
            ("n_employed", say("with a job"), COLOURS[0], "-"),
            ("n_started", say("who begin a job"), COLOURS[1], "-"),
        )
        for column, label, tint, dash in lines:
            axes.plot(places, [row[column] for row in rows], color=tint, linestyle=dash, linewidth=1.2, label=label)
        years = [place for place, row in enumerate(rows) if str(row["month"]).endswith("-01")]
        years = years[:: max(1, -(-len(years) // TICKS))]
        axes.set_xticks(years, labels=[str(rows[place]["month"])[:4] for place in years])
        axes.set_ylim(bottom=0)
        axes.set_ylabel(say("Persons of the trial"))
        axes.legend(frameon=False, ncols=3, loc="lower left", bbox_to_anchor=(0, 1))
        return finished(
            figure,
            say("The register of employment by month"),
            say("Three lines by calendar month. The numbers are in register_by_month.csv."),
            say(
                "Persons of the trial with a row, with a job on any day, and with a job that begins in the month. A "
                "step where nothing happened to the trial is a change of the register; a last month that falls is not "
                "complete."
            ),
        )


def picture(review: Review) -> Picture | None:
    """The figure as a page holds it; None where the register tells of no month, or was not looked at."""
    if TABLE not in review.tables or review.tables[TABLE].empty:
        return None
    drawn = register_by_month(review)
    return Picture(base64.b64encode(drawn.svg).decode(), drawn.description, drawn.note)
