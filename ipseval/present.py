"""Stage present: tables, figures and the page that shows them all, from the review tables."""

from collections.abc import Mapping

import pandas as pd

from ipseval import store, words
from ipseval.config import Cohort
from ipseval.figures import FIGURES
from ipseval.record import difference, record
from ipseval.render import RENDERERS, to_index
from ipseval.render_xlsx import to_workbook
from ipseval.review import ALL, Review
from ipseval.tables import TABLES

FIGURE_KINDS = ("png", "svg")


def products() -> dict[str, str]:
    """Files of the stage under ``results/<cohort>/``, by name: ``flow_csv`` -> ``review/tables/flow.csv``."""
    return {
        "index": "review/tables/index.html",
        "all_tables": "review/tables/all_tables.xlsx",
        **{f"{name}_{kind}": f"review/tables/{name}.{kind}" for name in TABLES for kind in RENDERERS},
        **{f"{name}_{kind}": f"review/figures/{name}.{kind}" for name in FIGURES for kind in FIGURE_KINDS},
    }


def present(cohort: Cohort, review: Mapping[str, pd.DataFrame]) -> dict[str, str | bytes]:
    """Print every table and draw every figure of a cohort.

    Parameters
    ----------
    cohort : Cohort
    review : mapping
        The tables of :class:`~ipseval.review.Review`, from memory or as ``store.read`` returns them: both give the
        same files. Proportions are at full precision; they are rounded here.

    Returns
    -------
    dict
        The content of every file of :func:`products`, by name: text, or bytes.

    Raises
    ------
    KeyError
        A review table is lacking.
    """
    looked_up = Review(cohort, {name: store.as_read(table) for name, table in review.items()})
    title = words.one_line(cohort.title)
    printed = {name: build(looked_up) for name, build in TABLES.items()}
    drawn = {name: draw(looked_up) for name, draw in FIGURES.items()}
    contents: dict[str, str | bytes] = {
        "index": to_index(title, about(looked_up), printed, drawn),
        "all_tables": to_workbook(title, printed),
    }
    for kind, render in RENDERERS.items():
        contents |= {f"{name}_{kind}": render(title, table) for name, table in printed.items()}
    for kind in FIGURE_KINDS:
        contents |= {f"{name}_{kind}": getattr(drawing, kind) for name, drawing in drawn.items()}
    return contents


def about(review: Review) -> dict[str, object]:
    """What the index page says of the cohort as a whole: how many persons, and the record of choices."""
    everybody = {row["centre"]: row for row in review.rows("inclusion")}[ALL]
    n_randomised, n_analysed = (words.count(everybody[name]) for name in ("n_randomised", "n_analysed"))
    n_centres = len(review.centres)
    summary = (
        f"{n_randomised} persons randomised, {n_analysed} analysed, {n_centres} centre{'s' if n_centres > 1 else ''}. "
        "For colleagues inside the secure environment: small counts are shown as they are."
    )
    window = words.months(-review.cohort.window.before, review.cohort.window.after)
    return {"summary": summary, "record": record(review, window, difference(review))}
