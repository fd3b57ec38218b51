"""Printed tables of the follow-up: time to a first ordinary job, and what was accumulated by chosen months."""

from ipseval import words
from ipseval.config import ORDINARY_EMPLOYMENT
from ipseval.language import phrases, say
from ipseval.tables.record import record
from ipseval.tables.review import (
    ALL,
    ESTIMATED,
    HIDDEN,
    Print,
    Record,
    Review,
    count_cell,
    estimate_cell,
    interval_from,
    number_cell,
    row_cell,
    status_cell,
)
from ipseval.tables.stratified import is_of_few, of_few, of_large_samples, stratified
from ipseval.tables.table import Cell, Column, Row, Table, lacking
from ipseval.traced import carried

MEASURES = phrases(
    {
        "ordinary_months": "Months in ordinary employment",
        "weekly_hours": "Agreed weekly hours, mean of the months",
        "n_employers": "Employers",
        "n_jobs": "Jobs begun since randomisation",
    }
)
REJECTED = 0.11  # of trials without an effect, at 5 %, in small centres: docs/calibration.md
SHARES = 2  # decimals of a share that is printed as whole per cent
WITHOUT_JOB, DIFFERENCE = "months_without_job", "difference"


def time_to_job(review: Review) -> Table:
    """Share with a first ordinary job by chosen months, and the restricted mean time without one."""
    arms = review.cohort.arms
    means = {(row["measure"], row["arm"]): row for row in review.rows("restricted_mean")}
    any_row = means[WITHOUT_JOB, arms.reference]
    window = words.months(int(any_row["month_from"]), int(any_row["month_to"]))
    decimals = _decimals(review)
    print_as = words.points if decimals > SHARES else _whole
    by_month = {(row["month"], row["arm"]): row for row in review.rows("time_to_job")}
    rows = [
        Row(
            say("By the end of month {k}", k=month),
            tuple(_share_cell(review, by_month[month, arm], print_as) for arm in arms.all),
            say("With a first ordinary job, %"),
        )
        for month in review.cohort.follow.months
    ]
    group = say("Months without an ordinary job, {months}", months=window)
    waits = tuple(_mean_cell(review, means[WITHOUT_JOB, arm]) for arm in arms.all)
    differences = (Cell(), *(_mean_cell(review, means[DIFFERENCE, arm]) for arm in arms.treatments))
    size = tuple(count_cell(means[WITHOUT_JOB, arm]["n_persons"]) for arm in arms.all)
    gap = say("Difference from {reference}", reference=review.reference)
    rows += [Row(say("Mean until the first"), waits, group), Row(gap, differences, group)]
    rows.append(Row(say("Persons at risk at the start"), size, say("Sample")))
    return Table(
        title=say("Time to the first ordinary job"),
        stub=say("Measure"),
        columns=tuple(Column(review.arm(arm), review.interval_ends) for arm in arms.all),
        rows=tuple(rows),
        notes=(
            say("The wait ends with the first month in ordinary employment from month 0 on, however short the job."),
            say(
                "Where employment is known by day the wait begins the day after randomisation; else month 0 counts as "
                "a whole."
            ),
            say(
                "Shares by Kaplan and Meier; intervals on the scale log(−log). Persons who are not observed in a month "
                "leave the sample there."
            ),
            say(
                "Mean until the first: the restricted mean, months before the first job, all months for who had none. "
                "Differences unadjusted, normal distribution."
            ),
            *([] if decimals > SHARES else [_rounded(decimals)]),
            *stratified([any_row]),
            *_sentence(any_row["note"]),
            *of_few(means[DIFFERENCE, arm] for arm in arms.treatments),
            of_large_samples(REJECTED),
            say("In parentheses: {interval}.", interval=review.interval),
        ),
        record=record(
            review, window, say("Shares with a first ordinary job, and mean months without one"), ORDINARY_EMPLOYMENT
        ),
    )


def _sentence(note: object) -> tuple[str, ...]:
    """What is noted of an arm, but for its error: that of the difference is named."""
    said = "; ".join(part for part in str(note).split("; ") if not is_of_few(part)) if isinstance(note, str) else ""
    return (f"{words.sentence(words.note(said))}.",) if said else ()


def _decimals(review: Review) -> int:
    """Decimals of the curve's shares: a small trial's are released with few."""
    columns = ("share_with_job", "share_low", "share_high")
    shares = [row[name] for row in review.rows("time_to_job") for name in columns if words.is_known(row[name])]
    return max((len(f"{float(value):.6f}".rstrip("0").partition(".")[2]) for value in shares), default=SHARES + 1)


@carried
def _whole(share: float) -> str:
    """Whole per cent: a share of one or two decimals has no more."""
    return words.number(share if words.is_hidden(share) else 100 * share, 0)


def _rounded(decimals: int) -> str:
    return say(
        "Shares are rounded by disclosure control: to {n} per cent.", n=words.shortest(10.0 ** (SHARES - decimals))
    )


def _share_cell(review: Review, row: Record, print_as: Print) -> Cell:
    """Share with a first job; one of nobody or everybody has no interval."""
    share = row["share_with_job"]
    if not (words.is_known(share) or words.is_hidden(share)):
        return status_cell(review, row["status"])
    if row["status"] == words.PUT_OFF:
        return Cell(print_as(share), reason=words.worded(words.STATUSES, words.PUT_OFF))
    if words.is_known(share) and row["status"] not in (ESTIMATED, HIDDEN):
        return Cell(print_as(share), reason=say("nobody or everybody: no interval"))
    return row_cell(row, "share_with_job", print_as, beside=("share_low", "share_high"))


def _mean_cell(review: Review, row: Record) -> Cell:
    return estimate_cell(review, row, lambda value: words.number(value, 1))


def accumulated(review: Review) -> Table:
    """Means by arm and effects on months in work, hours, employers and jobs by chosen months."""
    arms = review.cohort.arms
    found = review.rows("accumulated", variance=review.primary, centre=ALL)
    cells = {(row["outcome"], row["month_to"], row["arm"]): row for row in found}
    rows = []
    for outcome, month in dict.fromkeys((row["outcome"], row["month_to"]) for row in found):
        these = [cells[outcome, month, arm] for arm in arms.treatments]
        means = [_size_and_mean(review, these[0], "n_control", "mean_control")]
        means += [_size_and_mean(review, row, "n_assigned", "mean_assigned") for row in these]
        row_cells = [cell for pair in means for cell in pair] + [_effect_cell(review, row) for row in these]
        head = words.sentence(words.months(int(these[0]["month_from"]), month))
        rows.append(Row(head, tuple(row_cells), say(MEASURES[outcome])))
    columns = [Column(head, span=review.arm(arm)) for arm in arms.all for head in (say("Persons"), say("Mean"))]
    columns += [Column(f"{review.arm(arm)} − {review.reference}", review.interval_ends) for arm in arms.treatments]
    return Table(
        title=say("Employment accumulated after randomisation"),
        stub=say("Months"),
        columns=tuple(columns),
        rows=tuple(rows),
        notes=_accumulated_notes(review, found),
        record=record(
            review,
            say("as the rows say"),
            say("Mean difference between the arms, in months, hours, employers or jobs"),
        ),
    )


def _size_and_mean(review: Review, row: Record, size: str, mean: str) -> list[Cell]:
    reason = words.status(row["status"] if row["status"] == "not_delivered" else "no_observations", review.least)
    is_there = words.is_known(row[mean]) or words.is_hidden(row[mean])
    return [
        count_cell(row[size], reason) if is_there else lacking(reason),
        number_cell(row[mean], lambda value: words.number(value, 2), reason),
    ]


def _effect_cell(review: Review, row: Record) -> Cell:
    return estimate_cell(review, row, lambda value: words.number(value, 2))


def _accumulated_notes(review: Review, found: list[dict]) -> tuple[str, ...]:
    if not found:
        return (say("The window has no month after randomisation."),)
    hours = [str(row["note"]) for row in found if row["outcome"] == "weekly_hours" and isinstance(row["note"], str)]
    left_out = {note: None for note in hours if "left out for unknown hours" in note}
    most = (say("Weekly hours, the last row: {note}.", note=words.note(list(left_out)[-1])),) if left_out else ()
    return (
        say(
            "Persons who are observed in all of the months. Means are unadjusted; differences are adjusted for centre, "
            "age and sex."
        ),
        say(
            "Weekly hours: agreed hours on the 16th of each month, all jobs of that day together, with or without wage "
            "subsidy; 0 without a job. Who has a job of unknown hours on such a day is left out: they are all employed."
        ),
        *most,
        *review.unknown(row["note"] for row in found),
        *stratified(row for row in found if row["stratified_by"] != "centre"),  # centres are named above
        say(
            "Employers and jobs: with or without wage subsidy. Jobs begun after the day of randomisation, in month 0 "
            "too; spells of an employer that touch are one job."
        ),
        interval_from(review, review.primary),
    )
