"""Printed tables that a trial paper opens with: characteristics of the whole trial by arm, and the main effects."""

import math
from collections.abc import Sequence

from ipseval import words
from ipseval.language import phrases, say
from ipseval.tables.adjusted import p_cell
from ipseval.tables.described import decimals_of, is_share, level_of
from ipseval.tables.estimated import POOLED, POOLED_UNADJUSTED, SIDES, assigned_head, size_cells, size_columns, versus
from ipseval.tables.followed import MEASURES
from ipseval.tables.record import difference, pooled, record
from ipseval.tables.review import (
    ALL,
    Print,
    Record,
    Review,
    count_cell,
    effect_cell,
    estimate_cell,
    hidden_cell,
    interval_from,
    number_cell,
    row_cell,
    share_cell,
)
from ipseval.tables.table import Cell, Column, Row, Table, lacking
from ipseval.traced import made_of

ROUNDED = 1e-4  # what a released mean may be off by: four decimals, of which the last is moved for the sake of sums
WHOLE, HALF, TWO = 1e-6, 0.5, 2  # what a count may miss a whole number by in floating point; persons
WAYS = phrases({POOLED: "Adjusted: the main result", POOLED_UNADJUSTED: "Unadjusted"})
MONTHS = "ordinary_months"


def baseline(review: Review) -> Table:
    """Who was analysed: every covariate at randomisation by arm and in all, with standardised differences."""
    arms = review.cohort.arms
    found = review.rows("balance", centre=ALL)
    covariates = dict.fromkeys((row["variable"], level_of(row)) for row in found)
    rows = [_persons(review)]
    for name, level in covariates:
        these = [row for row in found if (row["variable"], level_of(row)) == (name, level)]
        by_arm = sorted(these, key=lambda row: arms.all.index(row["arm"]))
        rows += _covariate(review.covariate(name, level), by_arm, ROUNDED if review.hidden else 0.0)
    smd = [Column(f"{review.arm(arm)} − {review.reference}", span=_smd()) for arm in arms.treatments]
    smd = smd if len(smd) > 1 else [Column(_smd())]
    beside = (say("% or standard deviation"),)
    heads = (*map(review.arm, arms.all), say("All"))
    return Table(
        title=say("Persons analysed, by arm"),
        stub=say("At randomisation"),
        columns=(*(Column(head, beside) for head in heads), *smd),
        rows=tuple(rows),
        notes=(
            say("Number (per cent of those whose value is known) or mean (standard deviation)."),
            say(
                "Standardised difference: difference of the means over the root of the mean of the two arms' variances."
            ),
            say("No tests: after randomisation, differences are chance by design."),
        ),
        record=record(
            review, say("as of randomisation"), say("Means, shares and standardised differences between the arms")
        ),
        is_long=True,
    )


def _smd() -> str:
    return say("Standardised difference")


def _persons(review: Review) -> Row:
    """Persons analysed in each arm and in all."""
    counts = {row["arm"]: row["n_persons"] for row in review.rows("flow", step="analysed", centre=ALL)}
    cells = [count_cell(counts[arm]) for arm in (*review.cohort.arms.all, ALL)]
    gaps = (Cell(),) * len(review.cohort.arms.treatments)
    return Row(say("Persons, n"), (*cells, *gaps), is_total=True)


def _covariate(head: str, arms: Sequence[Record], off: float) -> list[Row]:
    """One covariate, or a level of one: by arm and in all; and who lacks it, where somebody does.

    Parameters
    ----------
    head : str
    arms : sequence of mapping
        Rows of ``balance``.
    off : float
        By how much their means may be off.
    """
    if is_share(arms[0]):
        cells, text = _counts_and_shares(arms, off), say("{covariate}, n (%)", covariate=head)
    else:
        cells, text = _means_and_deviations(arms, off), say("{covariate}, mean (SD)", covariate=head)
    no_spread = say("no variation, or too few values")
    smd = [number_cell(row["smd"], lambda value: words.number(value, 2), no_spread) for row in arms[1:]]
    rows = [Row(text, (*cells, *smd))]
    missing = [row["n_missing"] for row in arms]
    if any(n != 0 for n in missing):
        together = words.HIDDEN if words.is_hidden(*missing) else made_of(int(sum(missing)), missing)
        counts = (*map(count_cell, missing), count_cell(together))
        rows.append(Row(say("{covariate}: not known, n", covariate=head), (*counts, *(Cell() for _ in smd))))
    return rows


def _counts_and_shares(arms: Sequence[Record], off: float) -> list[Cell]:
    """Counts with their shares in each arm, and in all from the counts; hidden in all where an arm's is."""
    unknown = say("no value is known")
    counts = [_count(row, off) for row in arms]
    cells = []
    for row, count in zip(arms, counts, strict=True):
        share = share_cell(row["mean"], unknown)
        is_whole = words.is_known(row["mean"]) and count is not None
        cells.append(Cell(made_of(words.count(count), [row["mean"]]), beside=(share.text,)) if is_whole else share)
    means, sizes = ([row[name] for row in arms] for name in ("mean", "n"))
    if words.is_hidden(*means, *sizes):
        return [*cells, hidden_cell()]
    if any(count is None for count in counts):
        return [*cells, lacking(_not_told())]
    together, n = sum(filter(None, counts)), sum(sizes)
    if n == 0:
        return [*cells, lacking(unknown)]
    return [*cells, Cell(made_of(words.count(together), sizes), beside=(words.points(together / n),))]


def _count(row: Record, off: float) -> int | None:
    """How many persons a share is made of; None where it does not follow, and nobody where nobody's value is known."""
    if row["n"] == 0:
        return 0
    if not (words.is_known(row["mean"]) and words.is_known(row["n"])):
        return None
    n, slack = float(row["mean"]) * row["n"], row["n"] * off + WHOLE
    return round(n) if slack < HALF and abs(n - round(n)) <= slack else None


def _not_told() -> str:
    return say("does not follow from the rounded numbers of the arms")


def _means_and_deviations(arms: Sequence[Record], off: float) -> list[Cell]:
    """Means with standard deviations in each arm, and in all; hidden in all where an arm's is.

    Notes
    -----
    Sum of squares about the common mean: that within the arms, (n - 1) s^2 each, and that between them.
    """
    decimals, unknown = decimals_of(arms), say("no value is known")

    def print_as(value: float) -> str:
        return words.number(value, decimals)

    cells = [row_cell(row, "mean", print_as, unknown, ("sd",)) for row in arms]
    sizes, means, deviations = ([row[name] for row in arms] for name in ("n", "mean", "sd"))
    if words.is_hidden(*sizes, *means, *deviations):
        return [*cells, hidden_cell()]
    if not all(map(words.is_known, (*means, *deviations))) or sum(sizes) < TWO:
        return [*cells, lacking(unknown)]
    n = sum(sizes)
    mean = sum(size * value for size, value in zip(sizes, means, strict=True)) / n
    within = sum((size - 1) * sd**2 for size, sd in zip(sizes, deviations, strict=True))
    between = sum(size * (value - mean) ** 2 for size, value in zip(sizes, means, strict=True))
    deviation = math.sqrt((within + between) / (n - 1))
    texts = []
    for value in (mean, deviation):
        ends = {print_as(value - 2 * off), print_as(value), print_as(value + 2 * off)}
        texts.append(print_as(value) if len(ends) == 1 else "")
    if not all(texts):
        return [*cells, lacking(_not_told())]
    return [*cells, Cell(made_of(texts[0], means), beside=(texts[1],))]


def main_effects(review: Review) -> Table:
    """The main effects as a trial paper reports them: both arms, the difference, and p by two tests."""
    months = review.pooled_months(POOLED)
    rows: list[Row] = []
    for arm in review.cohort.arms.treatments:
        rows += _pooled(review, arm, months)
        rows += _accumulated(review, arm)
        rows += _waiting(review, arm)
    span = say("Share or mean")
    return Table(
        title=say("Main effects of assignment to {arms}", arms=words.listed(_treatments(review))),
        stub=say("Outcome"),
        columns=(
            *(Column(head, span=span) for head in (assigned_head(review), review.reference)),
            Column(say("Difference"), review.interval_ends),
            Column("p"),
            Column(say("p by re-drawn assignment")),
            *size_columns(review),
        ),
        rows=tuple(rows),
        notes=(
            say("Shares and means are as observed; adjusted differences are therefore not exactly theirs."),
            say("Differences of shares are in percentage points, the others in months."),
            say(
                "p by re-drawn assignment: the share of assignments, re-drawn as it was done, with a difference as far "
                "from zero."
            ),
            interval_from(review, review.primary),
            *review.left_out(WAYS),
        ),
        record=record(review, pooled(months), difference(review)),
    )


def _treatments(review: Review) -> list[str]:
    return [review.arm(arm) for arm in review.cohort.arms.treatments]


def _group(review: Review, text: str, arm: str) -> str:
    """What a group of rows measures, and of whom where there are several treatments."""
    return f"{versus(review, arm)}: {words.inside(text)}" if len(review.cohort.arms.treatments) > 1 else text


def _pooled(review: Review, arm: str, months: tuple[int, int]) -> list[Row]:
    """The share of months in the outcome, adjusted and not."""
    text = say("Months in {outcome}, %, {months}", outcome=review.outcome, months=words.months(*months))
    rows = []
    for name, head in WAYS.items():
        key = (ALL, *review.pooled_months(name), arm)
        row, drawn = review.effects(name, review.primary).get(key), review.redrawn(name).get(key)
        cells = (
            *_means(row, words.points),
            effect_cell(review, row),
            *(p_cell(review, tested, "p_value") for tested in (row, drawn)),
            *size_cells(row),
        )
        rows.append(Row(say(head), cells, _group(review, text, arm), is_total=name == POOLED))
    return rows


def _accumulated(review: Review, arm: str) -> list[Row]:
    """Months in ordinary employment by chosen months."""
    rows = []
    for row in review.rows("accumulated", outcome=MONTHS, centre=ALL, arm=arm, variance=review.primary):
        cells = (
            *_means(row, _decimals),
            estimate_cell(review, row, _decimals),
            p_cell(review, row, "p_value"),
            Cell(),
            *size_cells(row),
        )
        head = words.sentence(words.months(int(row["month_from"]), int(row["month_to"])))
        rows.append(Row(head, cells, _group(review, say(MEASURES[MONTHS]), arm)))
    return rows


def _waiting(review: Review, arm: str) -> list[Row]:
    """Mean months without an ordinary job."""
    reference = review.cohort.arms.reference
    found = {(row["measure"], row["arm"]): row for row in review.rows("restricted_mean")}
    gap = found["difference", arm]
    both = [found["months_without_job", name] for name in (arm, reference)]
    window = words.months(int(gap["month_from"]), int(gap["month_to"]))
    cells = (
        *(_estimate(review, row) for row in both),
        estimate_cell(review, gap, _one_decimal),
        p_cell(review, gap, "p_value"),
        Cell(),
        *(count_cell(row["n_persons"]) for row in both),
    )
    text = say("Months without an ordinary job, mean until the first")
    return [Row(words.sentence(window), cells, _group(review, text, arm))]


def _estimate(review: Review, row: Record) -> Cell:
    cell = estimate_cell(review, row, _one_decimal)
    return Cell(cell.text, reason=cell.reason)


def _one_decimal(value: float) -> str:
    return words.number(value, 1)


def _decimals(value: float) -> str:
    return words.number(value, 2)


def _means(row: Record | None, print_as: Print) -> tuple[Cell, ...]:
    """What both arms have."""
    if row is None:
        return (Cell(), Cell())
    return tuple(number_cell(row[f"mean_{side}"], print_as, say("not observed")) for side in SIDES)
