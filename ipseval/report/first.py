"""The first page of the report: what was asked, both arms, the main effect, and what is hidden or missing."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from markupsafe import Markup

from ipseval import words
from ipseval.disclosure.released import LABELS, TEXTS
from ipseval.language import say
from ipseval.tables.adjusted import p_cell
from ipseval.tables.estimated import POOLED
from ipseval.tables.record import in_words, observed, outcome, pooled, population
from ipseval.tables.review import ALL, Record, Review, count_cell, effect_cell, share_cell
from ipseval.tables.table import Cell
from ipseval.traced import made_of, source


@dataclass(frozen=True)
class Side:
    """An arm: its name, the persons randomised and analysed, and the share of their months in the outcome."""

    name: str
    randomised: Cell
    analysed: Cell
    share: Cell


@dataclass(frozen=True)
class Result:
    """Two arms compared: the adjusted effect with its interval, and p by the primary variance and by re-drawing."""

    arms: str
    effect: Cell
    p: Cell
    p_redrawn: Cell


@dataclass(frozen=True)
class FirstPage:
    """What stands above everything else.

    Parameters
    ----------
    question : str
    answers : tuple of (str, str)
        Population, outcome and months in words.
    results : tuple of Result
        One a comparison of arms.
    sides : tuple of Side
        One an arm, the reference last.
    adjusted : str
        What the effect is adjusted for.
    gaps : Markup
        What is hidden or missing, in one sentence.
    """

    question: str
    answers: tuple[tuple[str, str], ...]
    results: tuple[Result, ...]
    sides: tuple[Side, ...]
    adjusted: str
    gaps: Markup


def first_page(review: Review) -> FirstPage:
    """The first page of a tier."""
    arms, months = review.cohort.arms, review.pooled_months(POOLED)
    treatments = [review.arm(arm) for arm in arms.treatments]
    found = review.effects(POOLED, review.primary)
    return FirstPage(
        question=say(
            "What does assignment to {arms} rather than {reference} change in the share of months in {outcome}, over "
            "{months} after randomisation?",
            arms=words.listed(treatments, say("or")),
            reference=review.reference,
            outcome=review.outcome,
            months=words.months(*months),
        ),
        answers=(
            (say("Population"), population(review)),
            (say("Outcome"), outcome(review, review.cohort.outcome.primary)),
            (say("Months"), " ".join(filter(None, [in_words(pooled(months)), observed(review)]))),
        ),
        results=_results(review),
        sides=tuple(_side(review, arm, found, months) for arm in (*arms.treatments, arms.reference)),
        adjusted=_adjusted(review),
        gaps=_gaps(review, found),
    )


def sourced(text: str, **numbers: object) -> Markup:
    """A sentence for the page, each of whose numbers names its row where it has one."""
    spans = {
        name: Markup('<span data-source="{}">{}</span>').format(source(number), number) if source(number) else number
        for name, number in numbers.items()
    }
    return Markup(text).format(**spans)


def hidden(review: Review) -> list[dict[str, Any]]:
    """How many numbers of each table are hidden, and how many are shown; codes of rows are neither."""
    found = []
    for name in sorted(review.hidden):
        numbers = [column for column in review.tables[name].columns if column not in LABELS | TEXTS]
        is_hidden = review.hidden[name][numbers]
        is_shown = review.tables[name][numbers].notna() & ~is_hidden
        found.append({"table": name, "hidden": int(is_hidden.sum().sum()), "shown": int(is_shown.sum().sum())})
    return found


def _results(review: Review) -> tuple[Result, ...]:
    """Every comparison of two arms that the pooled analysis makes, or why there is none."""
    rows = review.rows("effects", analysis=POOLED, variance=review.primary, subgroup=ALL, centre=ALL)
    if not rows:
        lacking = effect_cell(review, None)
        return tuple(
            Result(_against(review, arm, review.cohort.arms.reference), lacking, Cell(), Cell())
            for arm in review.cohort.arms.treatments
        )
    drawn = {_pair(row): row for row in review.rows("randomisation", analysis=POOLED, subgroup=ALL, centre=ALL)}
    return tuple(
        Result(
            arms=_against(review, *_pair(row)),
            effect=_in_words(effect_cell(review, row)),
            p=_equal(shown(p_cell(review, row, "p_value"))),
            p_redrawn=_equal(shown(p_cell(review, drawn.get(_pair(row)), "p_value"))),
        )
        for row in rows
    )


def _in_words(effect: Cell) -> Cell:
    """An effect whose hidden interval ends say so; a hidden effect keeps its reason."""
    return effect if effect.text == words.HIDDEN_SIGN else shown(effect)


def _pair(row: Record) -> tuple[str, str]:
    """The arms that a row compares."""
    return row["arm"], row["reference_arm"]


def _against(review: Review, arm: str, reference: str) -> str:
    return say("{arm} against {reference}", arm=review.arm(arm), reference=review.arm(reference))


def _equal(p: Cell) -> Cell:
    """A p-value as it stands in a sentence behind p: ``= 0.005``, ``< 0.001``."""
    return replace(p, text=made_of(f"= {p.text}", [p.text])) if p.text[:1].isdigit() else p


def _side(review: Review, arm: str, found: Mapping[Any, Record], months: tuple[int, int]) -> Side:
    """An arm. The share of the reference arm is that of every comparison."""
    is_reference = arm == review.cohort.arms.reference
    first = review.cohort.arms.treatments[0] if is_reference else arm
    row = found.get((ALL, *months, first))
    steps = {row["step"]: row["n_persons"] for row in review.rows("flow", centre=ALL, arm=arm)}
    reason = say("no month of this arm was observed")
    mean = row["mean_control" if is_reference else "mean_assigned"] if row else float("nan")
    return Side(
        name=review.arm(arm),
        randomised=shown(count_cell(steps["randomised"])),
        analysed=shown(count_cell(steps["analysed"])),
        share=shown(share_cell(mean, reason)),
    )


def _adjusted(review: Review) -> str:
    """Why the effect is not exactly the difference of the shares."""
    analysis = review.analysis(POOLED)
    covariates = [words.inside(review.covariate(name)) for name in (analysis.adjust if analysis else ())]
    names = [name.partition(",")[0] for name in covariates]  # without units
    times = words.translated(words.TIME, analysis.time) if analysis else []
    return say(
        "Shares are as observed; the effect is adjusted for {terms} and is therefore not exactly their difference.",
        terms=words.listed([say("centre"), *names, *times]),
    )


def _gaps(review: Review, found: Mapping[Any, Record]) -> Markup:
    """What is missing and what is hidden, in one sentence."""
    months = _missing(review, "observed", ("n_months_missing", "n_months_outside"))
    persons = _missing(review, "complete_case", ("n_missing",))
    seen = next((row["n_obs"] for row in found.values() if words.is_known(row["n_obs"])), None)
    counts = hidden(review)
    n_hidden = sum(row["hidden"] for row in counts)
    among = {
        "hidden": words.count(n_hidden),
        "shown": words.count(n_hidden + sum(row["shown"] for row in counts)),
        "sign": f"“{words.HIDDEN_SIGN}”.",
    }
    if seen is None and not n_hidden:  # the pooled analysis has no row
        return Markup("")
    if seen is None or words.is_hidden(months, persons):
        return sourced(
            say(
                "How much is missing is hidden, as {hidden} of {shown} numbers are by disclosure control: they print "
                "as {sign}"
            ),
            **among,
        )
    numbers = {
        "n": words.count(months),
        "all": made_of(words.count(seen + months), (seen, months)),
        "k": words.count(persons),
    }
    if not n_hidden:
        return sourced(
            say("{n} of {all} person-months are missing, {k} persons lack a covariate, and no number is hidden."),
            **numbers,
        )
    return sourced(
        say(
            "{n} of {all} person-months are missing, {k} persons lack a covariate, and {hidden} of {shown} numbers "
            "are hidden by disclosure control: they print as {sign}"
        ),
        **among,
        **numbers,
    )


def shown(cell: Cell) -> Cell:
    """A cell of the first page, on which a hidden number says so in words."""
    if cell.text == words.HIDDEN_SIGN:
        return Cell(say("hidden"))
    return replace(cell, beside=tuple(say("hidden") if end == words.HIDDEN_SIGN else end for end in cell.beside))


def _missing(review: Review, method: str, counts: tuple[str, ...]) -> Any:
    """What is missing in all arms together; hidden where that of one is."""
    rows = review.rows("missing_data", method=method, variance=review.primary)
    parts = [row[f"{name}_assigned"] for row in rows for name in counts]
    parts += [row[f"{name}_control"] for row in rows[:1] for name in counts]
    if words.is_hidden(*parts) or not all(map(words.is_known, parts)):
        return words.HIDDEN
    return made_of(int(sum(parts)), parts)
