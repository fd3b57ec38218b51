"""The report: one page that loads nothing, with every table and figure, and the source of every number."""

import base64
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from ipseval import words
from ipseval.disclosure import said
from ipseval.disclosure.released import LABELS, TEXTS
from ipseval.figures.drawing import Drawing
from ipseval.language import say
from ipseval.report import provenance as report_provenance
from ipseval.report.data import FOLDERS, embedded
from ipseval.report.methods import methods, regression
from ipseval.report.sections import contents
from ipseval.tables.estimated import POOLED
from ipseval.tables.record import difference, record
from ipseval.tables.registry import asked
from ipseval.tables.render import FORMATS
from ipseval.tables.review import ALL, Record, Review, effect_cell, number_cell
from ipseval.tables.table import Cell, Table
from ipseval.template import TEMPLATES, template
from ipseval.traced import FIRST_LINE, source


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
    script = (TEMPLATES / "report.js").read_text(encoding="utf-8")
    return template("report.html").render(
        say=say,
        heading=words.one_line(review.cohort.title),
        restriction=restriction(review, tier),
        remark=words.one_line(review.cohort.remark or ""),
        protected_by=said.named(review.cohort.disclosure["profile"], rules).replace("`", "") if rules else "",
        rules=list(said.sentences(rules)) if rules and rules["min_cell_count"] else [],
        summary=summary(review),
        sourced=sourced,
        results=results(review),
        sections=contents(asked(review, tables), asked(review, figures)),
        tables=tables,
        figures=figures,
        pictures={name: base64.b64encode(drawing.svg).decode() for name, drawing in figures.items()},
        formats=FORMATS,
        record=record(
            review, words.months(-review.cohort.window.before, review.cohort.window.after), difference(review)
        ),
        all_effects=effects(review),
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


def sourced(text: str, **numbers: object) -> Markup:
    """A sentence for the page, each of whose numbers names its row where it has one."""
    spans = {
        name: Markup('<span data-source="{}">{}</span>').format(source(number), number) if source(number) else number
        for name, number in numbers.items()
    }
    return Markup(text).format(**spans)


def summary(review: Review) -> Markup:
    """How many persons and centres."""
    everybody: Record = next(iter(review.rows("inclusion", centre=ALL)), {})
    n = {name: number_cell(everybody.get(name, float("nan")), words.count) for name in ("n_randomised", "n_analysed")}
    return sourced(
        say("{n_randomised} persons randomised, {n_analysed} analysed; centres: {n_centres}."),
        n_centres=len(review.centres),
        **{name: cell.text for name, cell in n.items()},
    )


def results(review: Review) -> list[tuple[str, Cell]]:
    """The main result of each treatment: the pooled effect."""
    found = review.effects(POOLED, review.primary)
    months = review.pooled_months(POOLED)
    return [
        (
            say("{arm} against {reference}", arm=review.arm(arm), reference=review.reference),
            effect_cell(review, found.get((ALL, *months, arm))),
        )
        for arm in review.cohort.arms.treatments
    ]


@dataclass(frozen=True)
class Effect:
    """A row of the table of all effects."""

    line: int
    codes: Mapping[str, str]
    analysis: str
    months: str
    effect: Cell
    p: Cell
    n: tuple[Cell, Cell]


def effects(review: Review) -> list[Effect]:
    """Every row of the effects, in their order."""
    return [_effect(review, row, place + FIRST_LINE) for place, row in enumerate(review.rows("effects"))]


def _effect(review: Review, row: Record, line: int) -> Effect:
    part = "" if row["subgroup"] == ALL else f": {words.plain(row['subgroup'])}"
    return Effect(
        line=line,
        codes={name: row[name] for name in ("analysis", "centre", "arm", "variance", "status")},
        analysis=f"{words.plain(row['analysis'])}{part}",
        months=_span(row["month_from"], row["month_to"]),
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


def hidden(review: Review) -> list[dict[str, Any]]:
    """How many numbers of each table are hidden, and how many are shown; codes of rows are neither."""
    found = []
    for name in sorted(review.hidden):
        numbers = [column for column in review.tables[name].columns if column not in LABELS | TEXTS]
        is_hidden = review.hidden[name][numbers]
        is_shown = review.tables[name][numbers].notna() & ~is_hidden
        found.append({"table": name, "hidden": int(is_hidden.sum().sum()), "shown": int(is_shown.sum().sum())})
    return found
