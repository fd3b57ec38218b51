"""Printed tables of effects: linear probability models, and effects by centre and by month."""

from dataclasses import replace
from typing import Any

from ipseval import words
from ipseval.language import phrases, say
from ipseval.tables.record import difference, difference_of_persons, pooled, record
from ipseval.tables.review import (
    ALL,
    ESTIMATED,
    Record,
    Review,
    count_cell,
    effect_cell,
    interval_from,
    row_cell,
    share_cell,
    status_cell,
)
from ipseval.tables.table import Cell, Column, Row, Table, lacking
from ipseval.terms import COVARIATE, assigned, of_centre, parts_of

MODELS = phrases({"table5_model_1": "Model 1", "table5_model_2": "Model 2", "table5_model_3": "Model 3"})
MODEL_1, UNADJUSTED, POOLED, POOLED_UNADJUSTED = "table5_model_1", "centre_unadjusted", "pooled", "pooled_unadjusted"
BY_MONTH, BY_CENTRE_MONTH = "by_month", "by_centre_month"
SIDES = ("assigned", "control")  # of a comparison, as the columns of effects name them

Coefficients = dict[str, dict[str, dict[str, Any]]]  # model -> term -> row


def table5(review: Review) -> Table:
    """Linear probability models with an effect for each centre, laid out as published."""
    variance = review.published
    found: Coefficients = {
        model: {row["term"]: row for row in review.rows("coefficients", analysis=model, variance=variance)}
        for model in MODELS
    }
    parts = {term: parts_of(row) for rows in found.values() for term, row in rows.items()}
    covariates = {term: of for term, of in parts.items() if of.kind == COVARIATE}
    rows = [_term_row(review, found, t, review.covariate(c.variable, c.level)) for t, c in covariates.items()]
    base = _centre_name(review, review.centres[0])
    for c in review.centres[1:]:
        group = say("Centre (base: {base})", base=base)
        row = _term_row(review, found, of_centre(c), _centre_name(review, c), group)
        rows.append(row)
    for arm in review.cohort.arms.treatments:
        for c in review.centres:
            group = say("{arm} × centre", arm=review.arm(arm))
            rows.append(_term_row(review, found, assigned(arm, c), _centre_name(review, c), group))
    last = say("Constant and sample")
    rows.append(_term_row(review, found, "intercept", say("Constant"), last))
    for head, column in ((say("N, person-months"), "n_obs"), (say("N, persons"), "n_persons")):
        cells = tuple(_size_cell(review, found[model], column) for model in MODELS)
        rows.append(Row(head, cells, last, is_total=True))
    return Table(
        title=say("Effects on {outcome} by centre: linear probability models", outcome=review.outcome),
        stub=say("Term"),
        columns=tuple(Column(say(head), (say("standard error"),), has_stars=True) for head in MODELS.values()),
        rows=tuple(rows),
        notes=_table5_notes(review, base, variance),
        record=record(
            review,
            pooled(review.pooled_months(MODEL_1)),
            say(
                "Difference between the arms in the share of months in {outcome} ({tenth} is 10 percentage points)",
                outcome=review.outcome,
                tenth=words.number(0.1, 3),
            ),
        ),
    )


def _centre_name(review: Review, code: str) -> str:
    """Code and name of a centre: ``2 Oppland``."""
    name = review.centre(code)
    return name if name == code else f"{code} {name}"


def _term_row(review: Review, found: Coefficients, term: str, head: str, group: str = "") -> Row:
    return Row(head, tuple(_coefficient_cell(review, rows, term) for rows in found.values()), group)


def _skipped(rows: dict[str, dict[str, Any]]) -> str:
    """The status of a whole model that was not estimated; nothing when it was."""
    if any(row["status"] == ESTIMATED for row in rows.values()):
        return ""
    return next((str(row["status"]) for row in rows.values()), "not_configured")


def _is_of_few(review: Review, coefficient: dict[str, Any]) -> bool:
    """Whether a term is the effect in a centre where an arm has too few persons for stars."""
    least = review.cohort.estimation.min_persons_for_stars
    return any(
        f"assigned[{row['arm']}]:centre[{row['centre']}]" == coefficient["term"]
        and min(row["n_assigned"], row["n_control"]) < least
        for row in review.rows("effects", analysis=coefficient["analysis"])
    )


def _coefficient_cell(review: Review, rows: dict[str, dict[str, Any]], term: str) -> Cell:
    """A coefficient with stars and standard error; empty when the model does not hold the term."""
    if status := _skipped(rows):
        return status_cell(review, status)
    if term not in rows:
        return Cell()
    row = rows[term]
    if row["status"] != ESTIMATED:
        return status_cell(review, row["status"])
    cell = row_cell(row, "estimate", lambda value: words.number(value, 3), beside=("std_error",))
    no_stars = words.is_hidden(row["estimate"]) or _is_of_few(review, row)
    return cell if no_stars else replace(cell, stars=words.stars(row["p_value"]))


def _size_cell(review: Review, rows: dict[str, dict[str, Any]], column: str) -> Cell:
    if status := _skipped(rows):
        return status_cell(review, status)
    return count_cell(rows["intercept"][column])


def _table5_notes(review: Review, base: str, variance: str) -> tuple[str, ...]:
    time = {name: a.time for name in MODELS if (a := review.analysis(name))}
    held = {times: words.listed(words.translated(words.TIME, times)) for times in dict.fromkeys(time.values()) if times}
    who = {t: words.listed([say(MODELS[n]) for n, own in time.items() if own == t]) for t in held}
    if len(set(time.values())) == 1:
        who = dict.fromkeys(held, say("All models"))
    return (
        say(
            "Coefficients of ordinary least squares on person-months; the outcome is 1 in {outcome}, else 0.",
            outcome=review.outcome,
        ),
        *(
            say("{models}: dummies for {terms} are included and not shown.", models=who[times], terms=text)
            for times, text in held.items()
        ),
        say("Base centre: {base}. Reference arm: {reference}.", base=base, reference=review.reference),
        say("In parentheses: standard errors, {variance}.", variance=words.variance(variance)),
        *_as_published(review, variance),
        words.star_note(),
        say("A person with a missing covariate is left out of the models that hold it."),
        *review.left_out(MODELS),
    )


def _as_published(review: Review, variance: str) -> tuple[str, ...]:
    """Why errors here may differ from those of the intervals elsewhere."""
    if variance == review.primary:
        return ()
    return (
        say("They are those of the published table; intervals elsewhere are from standard errors {variance}.",
            variance=words.variance(review.primary)),
    )  # fmt: skip


def by_centre(review: Review) -> Table:
    """Effects over the whole follow-up by centre, unadjusted and by model 1."""
    variance = review.primary
    first, last = review.pooled_months(UNADJUSTED)
    rows = []
    for arm in review.cohort.arms.treatments:
        for c in (*review.centres, ALL):
            names = (POOLED_UNADJUSTED, POOLED) if c == ALL else (UNADJUSTED, MODEL_1)
            unadjusted, adjusted = (
                review.effects(name, variance).get((c, *review.pooled_months(name), arm)) for name in names
            )
            cells = (
                *share_cells(unadjusted or adjusted),
                *(effect_cell(review, row) for row in (unadjusted, adjusted)),
                *size_cells(unadjusted or adjusted),
            )
            rows.append(Row(review.centre(c), cells, versus(review, arm), is_total=c == ALL))
    ends = review.interval_ends
    return Table(
        title=say(
            "Effects on {outcome} by centre, {months} pooled", outcome=review.outcome, months=words.months(first, last)
        ),
        stub=say("Centre"),
        columns=(
            *share_columns(review),
            *(Column(head, ends, span=say("Effect, points")) for head in (say("Unadjusted"), say("Model 1"))),
            *size_columns(review),
        ),
        rows=tuple(rows),
        notes=(
            say(
                "Unadjusted: within each centre, with a dummy for each month since randomisation. Model 1: as in the "
                "table of linear probability models."
            ),
            say("All centres: one effect in a regression with centre dummies, and otherwise the same terms."),
            two_means(),
            _interval_note(review, variance),
            *review.left_out((MODEL_1, POOLED)),
        ),
        record=record(review, pooled((first, last)), difference(review)),
    )


def two_means() -> str:
    """Why the effect of all centres differs from the mean of the centres, which stands beside it."""
    return say(
        "The effect of all centres is that of one regression, in which a centre counts by n₁n₀/n; the mean of the "
        "centres in the forest plot takes them as drawn from a distribution and weighs them more alike. So the two "
        "differ where the effects of large and small centres do. The first is the main result."
    )


def by_month(review: Review) -> Table:
    """Effects over all centres, month by month."""
    variance = review.primary
    rows = tuple(
        Row(
            words.number(month, 0),
            (*share_cells(row), effect_cell(review, row), *size_cells(row)),
            versus(review, arm),
        )
        for (_, month, _, arm), row in sorted(
            review.effects(BY_MONTH, variance).items(), key=lambda item: (_order(review, item[0][3]), item[0][1])
        )
    )
    adjust = a.adjust if (a := review.analysis(BY_MONTH)) else ()
    terms = words.listed([say("centre"), *(words.inside(review.covariate(n)) for n in adjust)])
    return Table(
        title=say("Effects on {outcome} by month since randomisation", outcome=review.outcome),
        stub=say("Month"),
        columns=(
            *share_columns(review),
            Column(say("Effect, points"), review.interval_ends),
            *size_columns(review),
        ),
        rows=rows,
        notes=(
            say("One regression a month, adjusted for {terms}.", terms=terms),
            _placebo(),
            _interval_note(review, variance),
            *review.left_out((BY_MONTH,)),
        ),
        record=record(review, _each_month(review), difference_of_persons(review)),
        is_long=True,
    )


def by_centre_month(review: Review) -> Table:
    """Effects within each centre, month by month: a row each, since trials may have many centres."""
    variance = review.primary
    found = review.effects(BY_CENTRE_MONTH, variance)
    rows = tuple(
        Row(
            words.number(month, 0),
            (
                *share_cells(found.get((c, month, month, arm))),
                effect_cell(review, found.get((c, month, month, arm))),
            ),
            _place(review, c, arm),
        )
        for c in review.centres
        for arm in review.cohort.arms.treatments
        for month in review.cohort.window.months
    )
    return Table(
        title=say("Effects on {outcome} by centre and month since randomisation", outcome=review.outcome),
        stub=say("Month"),
        columns=(*share_columns(review), Column(say("Effect, points"), review.interval_ends)),
        rows=rows,
        notes=(
            say(
                "Percentage points. Within each centre and month: the difference of the arms' shares, without "
                "covariates."
            ),
            _placebo(),
            _interval_note(review, variance),
        ),
        record=record(review, _each_month(review), difference_of_persons(review)),
        is_long=True,
    )


def _place(review: Review, centre: str, arm: str) -> str:
    """A centre, and the arms compared where there are several treatments."""
    name = review.centre(centre)
    return f"{name}: {versus(review, arm)}" if len(review.cohort.arms.treatments) > 1 else name


def _each_month(review: Review) -> str:
    window = review.cohort.window
    return say("each month, {months}", months=words.months(-window.before, window.after))


def _placebo() -> str:
    return say("Months before 0 are a placebo: assignment cannot have had an effect yet.")


def _order(review: Review, arm: str) -> int:
    return review.cohort.arms.treatments.index(arm)


def versus(review: Review, arm: str) -> str:
    return say("{arm} against {reference}", arm=review.arm(arm), reference=review.reference)


def assigned_head(review: Review) -> str:
    """The head of a column about the arm that a row compares: its name where there is one treatment."""
    treatments = review.cohort.arms.treatments
    return review.arm(treatments[0]) if len(treatments) == 1 else say("assigned")


def share_columns(review: Review) -> tuple[Column, ...]:
    """Heads of the share in the outcome in both arms, which stand beside every effect."""
    span = say("{outcome}, %", outcome=words.sentence(review.outcome))
    return tuple(Column(head, span=span) for head in (assigned_head(review), review.reference))


def share_cells(row: Record | None) -> tuple[Cell, ...]:
    """Share in the outcome in both arms: of months where months are pooled, else of persons."""
    if row is None:
        return (Cell(), Cell())
    reason = say("no month of this arm was observed")
    return tuple(share_cell(row[f"mean_{side}"], reason) for side in SIDES)


def size_columns(review: Review) -> tuple[Column, ...]:
    """Heads of the persons in both arms."""
    heads = (assigned_head(review), review.reference)
    return tuple(Column(head, span=say("Persons"), is_size=True) for head in heads)


def size_cells(row: Record | None) -> tuple[Cell, ...]:
    """Persons in both arms; none where a covariate that the cohort lacks says who they are."""
    if row is None:
        return (Cell(), Cell())
    if row["status"] == "no_covariate":
        return (lacking(words.status("no_covariate", 0)),) * 2
    return tuple(count_cell(row[f"n_{side}"]) for side in SIDES)


def _interval_note(review: Review, variance: str) -> str:
    alone = say("Each interval stands for itself: there is no allowance for their number.")
    return f"{interval_from(review, variance)} {alone}"
