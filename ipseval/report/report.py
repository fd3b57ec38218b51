"""The report: one page that loads nothing, with every table and figure, and the source of every number."""

import base64
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from ipseval import words
from ipseval.disclosure import said
from ipseval.figures.drawing import Drawing
from ipseval.language import say
from ipseval.report import provenance as report_provenance
from ipseval.report.data import FOLDERS, embedded
from ipseval.report.first import first_page, hidden, sourced
from ipseval.report.methods import methods, regression
from ipseval.report.sections import FIRST, contents, numbers
from ipseval.tables.estimated import assigned_head, share_cells
from ipseval.tables.record import difference, record
from ipseval.tables.registry import asked
from ipseval.tables.render import FORMATS
from ipseval.tables.review import ALL, Record, Review, effect_cell, number_cell
from ipseval.tables.table import Cell, Table
from ipseval.template import TEMPLATES, template
from ipseval.traced import FIRST_LINE


def report(
    review: Review,
    tables: Mapping[str, Table],
    figures: Mapping[str, Drawing],
    tier: str,
    rules: Mapping[str, Any] | None = None,
) -> str:
    """The report of a tier.

    Parameters
    ----------
    review : Review
    tables, figures : mapping
        What was printed and drawn, by name.
    tier : str
        ``review`` (inside the secure environment) or ``release``.
    rules : mapping, optional
        The profile in force, of a release.

    Returns
    -------
    str
        A page of HTML without a link to anything but the files beside it. The same tables give the same page.
    """
    parts = contents(asked(review, tables), asked(review, figures))
    printed = {name: table.short or table for name, table in tables.items()}
    named = numbers(
        parts,
        [name for name, table in tables.items() if not in_place_of(table)],
        [name for name, drawing in figures.items() if not drawing.instead],
    )
    script = (TEMPLATES / "report.js").read_text(encoding="utf-8")
    return template("report.html").render(
        say=say,
        heading=words.one_line(review.cohort.title),
        restriction=restriction(review, tier),
        remark=words.one_line(review.cohort.remark or ""),
        protected_by=said.named(review.cohort.disclosure["profile"], rules).replace("`", "") if rules else "",
        rules=list(said.sentences(rules)) if rules and rules["min_cell_count"] else [],
        first=first_page(review),
        first_figure=FIRST,
        sourced=sourced,
        parts=parts,
        numbers=named,
        elsewhere=review.elsewhere,
        outcome=review.outcome,
        instead={name: in_place_of(table) for name, table in tables.items()},
        tables=printed,
        figures=figures,
        pictures={name: base64.b64encode(drawing.svg).decode() for name, drawing in figures.items()},
        formats=FORMATS,
        record=record(
            review, words.months(-review.cohort.window.before, review.cohort.window.after), difference(review)
        ),
        all_effects=effects(review),
        primary=review.primary,
        sides=(assigned_head(review), review.reference),
        choices=_choices(review),
        hidden_counts=hidden(review),
        tier=tier,
        profile=review.cohort.disclosure["profile"],
        folder=FOLDERS[tier],
        formulas=methods(review),
        analyses=[(a.name, regression(a), a) for a in review.cohort.analyses],
        interval=review.interval,
        settings=report_provenance.choices(review.cohort),
        rows=report_provenance.rows(review),
        delivered=report_provenance.files(review),
        data=embedded(review, tier),
        script=Markup(script),
        script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
    )


def restriction(review: Review, tier: str) -> str:
    """Who may see the tier: stands on every page."""
    if tier == "review":
        return say("Restricted: for the secure environment")
    return say("Synthetic data, not protected") if review.cohort.disclosure["profile"] == "none" else ""


def in_place_of(table: Table) -> str:
    """The sentence that stands in place of a table; nothing where the table has something to show."""
    if table.instead or not table.is_empty:
        return table.instead
    reasons = "; ".join(table.reasons)
    return f"{words.sentence(reasons)}." if reasons else say("There is nothing to show.")


@dataclass(frozen=True)
class Effect:
    """A row of the table of all effects; ``is_again``: one of an effect that stands above by another variance."""

    line: int
    is_again: bool
    codes: Mapping[str, str]
    analysis: str
    months: str
    shares: tuple[Cell, ...]
    effect: Cell
    p: Cell
    n: tuple[Cell, Cell]


def effects(review: Review) -> list[Effect]:
    """Every row of the effects: one row an effect, by the primary variance or its only one; then the others."""
    rows = [(place + FIRST_LINE, row) for place, row in enumerate(review.rows("effects"))]
    first = {_which(row) for _, row in rows if row["variance"] == review.primary}

    def is_again(row: Record) -> bool:
        return row["variance"] != review.primary and _which(row) in first

    return [
        _effect(review, row, line, again) for again in (False, True) for line, row in rows if is_again(row) == again
    ]


def _which(row: Record) -> tuple[Any, ...]:
    """What tells an effect from the others, whatever its variance."""
    return tuple(
        row[name] for name in ("analysis", "subgroup", "centre", "month_from", "month_to", "arm", "reference_arm")
    )


def _effect(review: Review, row: Record, line: int, is_again: bool) -> Effect:
    part = "" if row["subgroup"] == ALL else f": {words.plain(row['subgroup'])}"
    return Effect(
        line=line,
        is_again=is_again,
        codes={name: row[name] for name in ("analysis", "centre", "arm", "variance", "status")},
        analysis=f"{words.plain(row['analysis'])}{part}",
        months=_span(row["month_from"], row["month_to"]),
        shares=share_cells(row),
        effect=effect_cell(review, row),
        p=number_cell(row["p_value"], words.p_value),
        n=(number_cell(row["n_assigned"], words.count), number_cell(row["n_control"], words.count)),
    )


def _span(first: int, last: int) -> str:
    low, high = words.number(first, 0), words.number(last, 0)
    return low if first == last else say("{low} to {high}", low=low, high=high)


def _choices(review: Review) -> dict[str, dict[str, str]]:
    """What the table of effects can be filtered by: column -> code -> words, those that occur."""
    rows = review.rows("effects")
    printed: dict[str, Callable[[str], str]] = {
        "analysis": words.plain,
        "centre": review.centre,
        "arm": review.arm,
        "variance": str,
    }
    return {
        column: {code: show(code) for code in dict.fromkeys(row[column] for row in rows)}
        for column, show in printed.items()
    }
