"""Printed table of what missing covariates and missing months could do to the pooled effect."""

from dataclasses import replace

from ipseval import words
from ipseval.language import phrases, say
from ipseval.tables.estimated import assigned_head, versus
from ipseval.tables.record import difference, record
from ipseval.tables.review import Record, Review, count_cell, effect_cell, interval_from
from ipseval.tables.stratified import stratified
from ipseval.tables.table import Cell, Column, Row, Table

HEADS = phrases(
    {
        "complete_case": "Complete cases",
        "indicator": "Everybody, indicators of missing",
        "observed": "Observed months",
        "worst_case": "Worst case",
        "best_case": "Best case",
        "lee_lower": "lower bound",
        "lee_upper": "upper bound",
    }
)
OBSERVED = "observed"  # months as they are
BOUNDS = ("lee_lower", "lee_upper")
UNADJUSTED = "bootstrap"  # the variance of the trimming bounds


def missing_data(review: Review) -> Table:
    """The pooled effect by way of treating what is missing, and trimming bounds at single months."""
    found = [row for row in review.rows("missing_data") if row["variance"] in (review.primary, UNADJUSTED)]
    main = next(row for row in found if row["method"] == OBSERVED)
    window, sides = _months(main), (assigned_head(review), review.reference)
    whole = Table(
        title=say("What missing data could do to the effect on {outcome}", outcome=review.outcome),
        stub=say("Treatment of what is missing"),
        columns=(
            *(Column(head, span=span) for span in (say("Persons"), say("Missing")) for head in sides),
            Column(say("Effect, points"), review.interval_ends),
        ),
        rows=_rows(review, found),
        notes=_notes(review, window),
        record=record(review, say("{months}, pooled; single months for the bounds", months=window), difference(review)),
    )
    if _is_missing(found, "outcome"):
        return whole
    short = [row for row in found if row["about"] == "covariates" or row["method"] == OBSERVED]
    is_complete = not _is_missing(found, "covariates")
    return replace(
        whole,
        short=replace(whole, rows=_rows(review, short), notes=_notes_of_covariates(review, window)),
        instead=f"{_no_covariate()} {_no_month()}" if is_complete else "",
    )


def _rows(review: Review, found: list[dict]) -> tuple[Row, ...]:
    """Rows by treatment, in the order found."""
    return tuple(
        Row(_head(row), _cells(review, row), _group(review, row))
        for arm in review.cohort.arms.treatments
        for row in found
        if row["arm"] == arm
    )


def _is_missing(found: list[dict], about: str) -> bool:
    """Whether something is missing, or is not told: without it every way gives the same effect."""
    names = [f"{name}_{side}" for name in ("n_missing", "n_months_missing") for side in ("assigned", "control")]
    return any(row[name] != 0 for row in found if row["about"] == about for name in names)


def _no_covariate() -> str:
    return say("No person of the analysed lacks a covariate of these regressions.")


def _no_month() -> str:
    return say(
        "No month of the analysed is missing, but for those after the end of the register: worst case, best case and "
        "trimming bounds are then the effect itself and are not printed."
    )


def _cells(review: Review, row: Record) -> tuple[Cell, ...]:
    """Sizes, how much is missing in the unit of the group, and the effect."""
    missing = "n_months_missing" if row["about"] == "outcome" else "n_missing"
    counts = [count_cell(row[f"{name}_{side}"]) for name in ("n", missing) for side in ("assigned", "control")]
    return (*counts, effect_cell(review, row))


def _months(row: Record) -> str:
    return words.months(int(row["month_from"]), int(row["month_to"]))


def _head(row: Record) -> str:
    head = say(HEADS[row["method"]])
    return f"{words.sentence(_months(row))}, {head}" if row["method"] in BOUNDS else head


def _group(review: Review, row: Record) -> str:
    if row["about"] == "covariates":
        group = say("Missing covariates, {months} (missing: persons who lack one)", months=_months(row))
    elif row["method"] in BOUNDS:
        group = say("Persons not observed in the month, trimming bounds (missing: persons)")
    else:
        group = say("Missing months, {months} (missing: person-months)", months=_months(row))
    return f"{group}: {versus(review, row['arm'])}" if len(review.cohort.arms.treatments) > 1 else group


def _notes_of_covariates(review: Review, window: str) -> tuple[str, ...]:
    """Notes where no month is missing."""
    return (*_covariates(review, window), _no_month(), interval_from(review, review.primary))


def _covariates(review: Review, window: str) -> tuple[str, ...]:
    """What is done about missing covariates, and which of them the cohort does not have."""
    names = words.listed([words.inside(review.covariate(name)) for name in review.cohort.bound.covariates])
    lacking = [part for part in _noted(review) if part.startswith("not in this cohort")]
    return (
        say(
            "Missing covariates: the pooled regression of {months} adjusted for {covariates}; without the persons who "
            "lack one, or with everybody, a constant in place of what is missing and a dummy for each covariate that "
            "somebody lacks.",
            months=window,
            covariates=names,
        ),
        *(f"{words.sentence(words.note(part))}." for part in lacking),
    )


def _noted(review: Review) -> list[str]:
    """Parts of the notes of the rows, each once."""
    notes = [str(row["note"]) for row in review.rows("missing_data", variance=review.primary)]
    return list(dict.fromkeys(part for note in notes for part in note.split("; ")))


def _notes(review: Review, window: str) -> tuple[str, ...]:
    variance, outcome, reference = review.primary, review.outcome, review.reference
    rows = review.rows("missing_data", variance=variance)
    return (
        *_covariates(review, window),
        say(
            "Missing months: the pooled effect as it is, and with those of the treatment counted as months without "
            "{outcome} and those of {reference} as months in it (worst case), or the other way round (best case).",
            outcome=outcome,
            reference=reference,
        )
        + f" {_coverage(review, rows)}",
        *_reasons(review, rows),
        *(f"{words.sentence(words.note(part))}." for part in _noted(review) if part == words.NOTES["unordered"]),
        say(
            "Trimming bounds (Lee): the effect on persons who would be observed in either arm, not adjusted; they hold "
            "when assignment changes being observed in one direction only."
        )
        + f" {_shares(review)}",
        *stratified(review.rows("missing_data", method="lee_lower")),
        say(
            "In parentheses: {interval} from standard errors {variance}; for the trimming bounds one interval for "
            "both, which covers the effect itself (Imbens and Manski, errors by bootstrap).",
            interval=review.interval,
            variance=words.variance(variance),
        ),
    )


def _reasons(review: Review, rows: list[dict]) -> tuple[str, ...]:
    """How many person-months are missing for which reason, of each arm; nothing in a release, which has no counts."""
    said = {}
    for row in rows:
        for side in ("assigned", "control"):
            arm = row["arm"] if side == "assigned" else row["reference_arm"]
            if isinstance(told := row.get(f"because_{side}"), str) and told and row["about"] == "outcome":
                said[arm] = f"{review.arm(arm)}: {words.reasons(told)}"
    return (say("Person-months missing by reason: {reasons}.", reasons="; ".join(said.values())),) if said else ()


def _shares(review: Review) -> str:
    """How much was trimmed at each month."""
    found = review.rows("missing_data", method="lee_lower")
    if found and words.is_hidden(*(row["share_trimmed"] for row in found)):
        return say("How much was trimmed is hidden by disclosure control, at one month or more.")
    rows = [row for row in found if row["share_trimmed"] > 0]
    several = len(review.cohort.arms.treatments) > 1
    shares = [
        say("{share}% in {months}", share=words.points(row["share_trimmed"]), months=_months(row))
        + (f" ({review.arm(row['arm'])})" if several else "")
        for row in rows
    ]
    if not shares:
        return say("Nothing was trimmed.")
    return say("Trimmed of the arm with more observed: {shares}.", shares=words.listed(shares))


def _coverage(review: Review, rows: list[dict]) -> str:
    """What was done with the months that the register does not cover."""
    if review.cohort.bound.impute == "all":
        return say("Months that the register does not cover are set likewise.")
    main = next(row for row in rows if row["method"] == "observed")
    n_outside = main["n_months_outside_assigned"] + main["n_months_outside_control"]
    n = words.count(n_outside) if words.is_known(n_outside) else words.HIDDEN_SIGN
    left = say("{n} person-months", n=n) if n_outside else say("none here")
    return say("Months that the register does not cover stay missing ({left}): it ends for both arms alike.", left=left)
