"""Printed tables of effects: table 5 of the published analysis, and effects by centre and by month."""

from typing import Any

from ipseval import words
from ipseval.record import difference, record
from ipseval.review import ALL, ESTIMATED, PUBLISHED, SMALL_SAMPLE, Review, count_cell, effect_cell, share_cell
from ipseval.table import Cell, Column, Row, Table, lacking

MODELS = {"table5_model_1": "Model 1", "table5_model_2": "Model 2", "table5_model_3": "Model 3"}
MODEL_1, UNADJUSTED, POOLED, POOLED_UNADJUSTED = "table5_model_1", "centre_unadjusted", "pooled", "pooled_unadjusted"
BY_MONTH, BY_CENTRE_MONTH = "by_month", "by_centre_month"
NOT_OBSERVED = "no month of the reference arm was observed"
PLACEBO = "Months before 0 are a placebo: assignment cannot have had an effect yet."

Coefficients = dict[str, dict[str, dict[str, Any]]]  # model -> term -> row


def table5(review: Review) -> Table:
    """Table 5: linear probability models with an effect for each centre, laid out as published."""
    variance = review.variance(PUBLISHED)
    found: Coefficients = {
        model: {row["term"]: row for row in review.rows("coefficients", analysis=model, variance=variance)}
        for model in MODELS
    }
    terms = [
        term
        for term in dict.fromkeys(t for rows in found.values() for t in rows)
        if term.split("[")[0] not in words.TIME
    ]
    covariates = [t for t in terms if t.split("[")[0] not in ("intercept", "centre", "assigned")]
    rows = [_term_row(review, found, term, words.variable(term)) for term in covariates]
    base = _centre_name(review, review.centres[0])
    for c in review.centres[1:]:
        row = _term_row(review, found, f"centre[{c}]", _centre_name(review, c), f"Centre (base: {base})")
        rows.append(row)
    for arm in review.cohort.arms.treatments:
        for c in review.centres:
            group = f"{review.arm(arm)} × centre"
            rows.append(_term_row(review, found, f"assigned[{arm}]:centre[{c}]", _centre_name(review, c), group))
    rows.append(_term_row(review, found, "intercept", "Constant", "Constant and sample"))
    for head, column in (("N, person-months", "n_obs"), ("N, persons", "n_persons")):
        cells = tuple(_size_cell(review, found[model], column) for model in MODELS)
        rows.append(Row(head, cells, "Constant and sample", is_total=True))
    return Table(
        title=f"Table 5. Effects on {review.outcome} by centre: linear probability models",
        stub="Term",
        columns=tuple(Column(head, ("standard error",), has_stars=True) for head in MODELS.values()),
        rows=tuple(rows),
        notes=_table5_notes(review, base, variance),
        record=record(
            review,
            f"{words.months(*review.pooled_months(MODEL_1))}, pooled",
            f"Difference between the arms in the share of months in {review.outcome} (0.100 is 10 percentage points)",
        ),
    )


def _centre_name(review: Review, code: str) -> str:
    """Code and name of a centre: ``2 Oppland``."""
    name = review.centre(code)
    return name if name == code else f"{code} {name}"


def _term_row(review: Review, found: Coefficients, term: str, head: str, group: str = "") -> Row:
    return Row(head, tuple(_coefficient_cell(review, rows, term) for rows in found.values()), group)


def _skipped(review: Review, rows: dict[str, dict[str, Any]]) -> str:
    """Why a whole model was not estimated; nothing when it was."""
    if any(row["status"] == ESTIMATED for row in rows.values()):
        return ""
    return words.status(next((row["status"] for row in rows.values()), "not_configured"), review.least)


def _coefficient_cell(review: Review, rows: dict[str, dict[str, Any]], term: str) -> Cell:
    """A coefficient with stars and standard error; empty when the model does not hold the term."""
    if reason := _skipped(review, rows):
        return lacking(reason)
    if term not in rows:
        return Cell()
    row = rows[term]
    if row["status"] != ESTIMATED:
        return lacking(words.status(row["status"], review.least))
    return Cell(words.number(row["estimate"], 3), words.stars(row["p_value"]), (words.number(row["std_error"], 3),))


def _size_cell(review: Review, rows: dict[str, dict[str, Any]], column: str) -> Cell:
    if reason := _skipped(review, rows):
        return lacking(reason)
    return count_cell(rows["intercept"][column])


def _table5_notes(review: Review, base: str, variance: str) -> tuple[str, ...]:
    time = {name: a.time for name in MODELS if (a := review.analysis(name))}
    held = {times: words.listed(words.translated(words.TIME, times)) for times in dict.fromkeys(time.values()) if times}
    who = {t: words.listed([MODELS[n] for n, own in time.items() if own == t]) for t in held}
    if len(set(time.values())) == 1:
        who = dict.fromkeys(held, "All models")
    dummies = tuple(f"{who[times]}: dummies for {text} are included and not shown." for times, text in held.items())
    return (
        f"Coefficients of ordinary least squares on person-months; the outcome is 1 in {review.outcome}, else 0.",
        *dummies,
        f"Base centre: {base}. Reference arm: {review.reference}.",
        f"In parentheses: standard errors, {words.variance(variance)}.",
        words.STAR_NOTE,
        "A person with a missing covariate is left out of the models that hold it.",
        *review.left_out(MODELS),
    )


def by_centre(review: Review) -> Table:
    """Effects over the whole follow-up by centre, unadjusted and by model 1."""
    variance = review.variance(SMALL_SAMPLE)
    first, last = review.pooled_months(UNADJUSTED)
    rows = []
    for arm in review.cohort.arms.treatments:
        for c in (*review.centres, ALL):
            names = (POOLED_UNADJUSTED, POOLED) if c == ALL else (UNADJUSTED, MODEL_1)
            unadjusted, adjusted = (
                review.effects(name, variance).get((c, *review.pooled_months(name), arm)) for name in names
            )
            cells = (
                *size_cells(unadjusted or adjusted),
                *(effect_cell(review, row) for row in (unadjusted, adjusted)),
            )
            rows.append(Row(review.centre(c), cells, versus(review, arm), is_total=c == ALL))
    ends = review.interval_ends
    return Table(
        title=f"Effects on {review.outcome} by centre, {words.months(first, last)} pooled",
        stub="Centre",
        columns=(*size_columns(review), Column("Unadjusted, points", ends), Column("Model 1, points", ends)),
        rows=tuple(rows),
        notes=(
            "Unadjusted: within each centre, with a dummy for each month since randomisation. Model 1: as in table 5.",
            "All centres: one effect in a regression with centre dummies, and otherwise the same terms.",
            _interval_note(review, variance),
            *review.left_out((MODEL_1, POOLED)),
        ),
        record=record(review, f"{words.months(first, last)}, pooled", difference(review)),
    )


def by_month(review: Review) -> Table:
    """Effects over all centres, month by month."""
    variance = review.variance(SMALL_SAMPLE)
    rows = tuple(
        Row(words.number(month, 0), (*size_cells(row), effect_cell(review, row)), versus(review, arm))
        for (_, month, _, arm), row in sorted(
            review.effects(BY_MONTH, variance).items(), key=lambda item: (_order(review, item[0][3]), item[0][1])
        )
    )
    adjust = a.adjust if (a := review.analysis(BY_MONTH)) else ()
    terms = words.listed(["centre", *(words.inside(words.variable(n)) for n in adjust)])
    return Table(
        title=f"Effects on {review.outcome} by month since randomisation",
        stub="Month",
        columns=(*size_columns(review), Column("Effect, points", review.interval_ends)),
        rows=rows,
        notes=(
            f"One regression a month, adjusted for {terms}.",
            PLACEBO,
            _interval_note(review, variance),
            *review.left_out((BY_MONTH,)),
        ),
        record=record(review, f"each month, {words.months(*_ends(review))}", difference(review, "persons")),
        is_long=True,
    )


def by_centre_month(review: Review) -> Table:
    """Effects within each centre, month by month."""
    variance = review.variance(SMALL_SAMPLE)
    found = review.effects(BY_CENTRE_MONTH, variance)
    rows = tuple(
        Row(
            words.number(month, 0),
            tuple(effect_cell(review, found.get((c, month, month, arm))) for c in review.centres),
            versus(review, arm),
        )
        for arm in review.cohort.arms.treatments
        for month in review.cohort.window.months
    )
    return Table(
        title=f"Effects on {review.outcome} by centre and month since randomisation",
        stub="Month",
        columns=tuple(Column(review.centre(c), review.interval_ends) for c in review.centres),
        rows=rows,
        notes=(
            "Percentage points. Within each centre and month: the difference of the arms' shares, without covariates.",
            PLACEBO,
            _interval_note(review, variance),
        ),
        record=record(review, f"each month, {words.months(*_ends(review))}", difference(review, "persons")),
        is_long=True,
    )


def _ends(review: Review) -> tuple[int, int]:
    return (-review.cohort.window.before, review.cohort.window.after)


def _order(review: Review, arm: str) -> int:
    return review.cohort.arms.treatments.index(arm)


def versus(review: Review, arm: str) -> str:
    return f"{review.arm(arm)} against {review.reference}"


def size_columns(review: Review) -> tuple[Column, ...]:
    return (
        Column("assigned", span="Persons"),
        Column(review.reference, span="Persons"),
        Column(f"{words.sentence(review.outcome)} in {review.reference}, %"),
    )


def size_cells(row: dict[str, Any] | None) -> tuple[Cell, ...]:
    """Persons in both arms, and the mean outcome of the reference arm."""
    if row is None:
        return (Cell(), Cell(), Cell())
    share = share_cell(row["mean_control"], NOT_OBSERVED)
    return (count_cell(row["n_assigned"]), count_cell(row["n_control"]), share)


def _interval_note(review: Review, variance: str) -> str:
    return (
        f"In parentheses: {review.interval} from standard errors {words.variance(variance)}. "
        "Each interval stands for itself: there is no allowance for their number."
    )
