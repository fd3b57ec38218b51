"""Stage present: tables, figures and the report that shows them all, from the review tables."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pandas as pd

from ipseval import store, words
from ipseval.config import Cohort
from ipseval.figures.over_time import picture
from ipseval.figures.registry import FIGURES
from ipseval.language import speaking
from ipseval.report.report import report, restriction
from ipseval.tables.registry import INSIDE, TABLES, asked
from ipseval.tables.render import RENDERERS
from ipseval.tables.render_docx import to_document
from ipseval.tables.render_xlsx import to_workbook
from ipseval.tables.review import Review

FIGURE_KINDS = ("png", "svg")
REVIEW, RELEASE = "review", "release"  # the tiers: for colleagues inside the secure environment, and what may leave


def products(tier: str = REVIEW) -> dict[str, str]:
    """Files under ``results/<cohort>/`` by name: ``flow_csv`` -> ``review/tables/flow.csv``."""
    return {
        "report": f"{tier}/report.html",
        "all_tables": f"{tier}/tables/all_tables.xlsx",
        "all_tables_docx": f"{tier}/tables/all_tables.docx",
        **{f"{name}_{kind}": f"{tier}/tables/{name}.{kind}" for name in tables_of(tier) for kind in RENDERERS},
        **{f"{name}_{kind}": f"{tier}/figures/{name}.{kind}" for name in FIGURES for kind in FIGURE_KINDS},
    }


def tables_of(tier: str) -> tuple[str, ...]:
    """The printed tables of a tier."""
    return tuple(name for name in TABLES if tier == REVIEW or name not in INSIDE)


def present(
    cohort: Cohort,
    review: Mapping[str, pd.DataFrame],
    tier: str = REVIEW,
    hidden: Mapping[str, pd.DataFrame] | None = None,
    rules: Mapping[str, Any] | None = None,
) -> dict[str, str | bytes]:
    """Print every table and draw every figure of a cohort.

    Parameters
    ----------
    cohort : Cohort
    review : mapping
        The tables of :class:`~ipseval.tables.review.Review`, from memory or as ``store.read`` returns them: both
        give the same files. Proportions are at full precision; they are rounded here.
    tier : str
        ``review`` or ``release``.
    hidden : mapping, optional
        Where numbers of released tables are hidden; see :class:`~ipseval.tables.review.Review`.
    rules : mapping, optional
        Of the release: the profile's entry of config/disclosure.yaml, which the report says at its top.

    Returns
    -------
    dict
        The content of every file of :func:`products`, by name: text, or bytes.

    Raises
    ------
    KeyError
        A review table is lacking.
    """
    looked_up = Review(cohort, {name: store.as_read(table) for name, table in review.items()}, hidden or {})
    with speaking(cohort.language):
        return _contents(looked_up, tier, rules or {})


def _contents(looked_up: Review, tier: str, rules: Mapping[str, Any]) -> dict[str, str | bytes]:
    title = words.one_line(looked_up.cohort.title)
    above = restriction(looked_up, tier)
    printed = {}
    for name in tables_of(tier):
        table = TABLES[name](looked_up)
        printed[name] = replace(table, title=table.title + looked_up.elsewhere(name), restriction=above)
    if tier == REVIEW:
        printed["quality"] = replace(printed["quality"], picture=picture(looked_up))
    drawn = {name: draw(looked_up) for name, draw in FIGURES.items()}
    contents: dict[str, str | bytes] = {
        "report": report(looked_up, printed, drawn, tier, rules),
        "all_tables": to_workbook(title, {name: printed[name] for name in asked(looked_up, printed)}),
        "all_tables_docx": to_document(title, (printed[name] for name in asked(looked_up, printed))),
    }
    for kind, render in RENDERERS.items():
        contents |= {f"{name}_{kind}": render(title, table) for name, table in printed.items()}
    for kind in FIGURE_KINDS:
        contents |= {f"{name}_{kind}": getattr(drawing, kind) for name, drawing in drawn.items()}
    return contents
