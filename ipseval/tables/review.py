"""The review tables of one cohort, and how the printed tables and figures look things up in them."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd

from ipseval import words
from ipseval.because import NOTES
from ipseval.config import ORDINARY, ORDINARY_EMPLOYMENT, Analysis, Cohort
from ipseval.estimation.estimator import LOG_RATIO, SHARES
from ipseval.language import say
from ipseval.tables.table import Cell, lacking
from ipseval.traced import made_of, traced

ALL = "all"
ESTIMATED = "estimated"
NAME = 3  # letters of the shortest name of an arm: fewer are a code
HIDDEN = "hidden"  # the status of an estimate that disclosure control hides
PUBLISHED = "cr1"  # the convention of the published table 5
LEFT_OUT = "not in this cohort: "  # how a note on covariates that are not there begins

INTERVAL = ("ci_low", "ci_high")

PRINTED_AS = {SHARES: words.points, LOG_RATIO: words.ratio}  # what an effect measures -> how it is printed

Record = Mapping[str, Any]
Print = Callable[[float], str]
Key = tuple[str, int, int, str]  # centre, first month, last month, arm


@dataclass(frozen=True)
class Review:
    """What is presented.

    Parameters
    ----------
    cohort : Cohort
    tables : mapping
        ``flow``, ``inclusion``, ``balance``, ``wage_subsidy``, ``employment_by_month``, ``effects``,
        ``coefficients``, ``randomisation``, ``bands``, ``heterogeneity``, ``centre_effects``, ``pooled_effects``,
        ``time_to_job``, ``restricted_mean``, ``accumulated``, ``receipt``, ``complier_effects``,
        ``event_study``, ``placebo``, ``missing_data``, ``published_comparison`` and ``quality``, as read back.
    hidden : mapping
        Of released tables: which values disclosure control hides, frames of truth values by name, shaped as the
        tables. Empty for colleagues inside the secure environment.
    """

    cohort: Cohort
    tables: Mapping[str, pd.DataFrame]
    hidden: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    _traced: dict[str, list[dict[str, Any]]] = field(default_factory=dict, init=False, repr=False, compare=False)

    def centre(self, code: str) -> str:
        """The printed name of a centre."""
        return say("All centres") if code == ALL else words.one_line(self.cohort.centres.get(code, code))

    @property
    def centres(self) -> tuple[str, ...]:
        """Codes of the centres in the order of print."""
        return tuple(self.cohort.centres)

    def arm(self, code: str) -> str:
        """The printed name of an arm; of one that has a sign for a name, a word before it."""
        if code == ALL:
            return say("All arms")
        name = self.named("arms", code)
        return say("arm {code}", code=name) if len(name) < NAME else name

    def named(self, kind: str, code: str) -> str:
        """The cohort file's own name of a code (``labels``), else the code as words."""
        return words.one_line(self.cohort.labels[kind].get(code, "")) or words.plain(code)

    def service(self, treatment: str) -> str:
        """The printed name of what an arm is to receive: that of the arm unless it has one of its own."""
        own = self.cohort.labels["services"].get(treatment, "")
        return words.one_line(own) or self.arm(treatment)

    def covariate(self, name: str, level: object = "") -> str:
        """The printed name of a covariate, and of its level where it has levels."""
        head = words.one_line(self.cohort.labels["covariates"].get(name, "")) or words.variable(name)
        if not (isinstance(level, str) and level):
            return head
        own = words.one_line(self.cohort.labels["levels"].get(level, ""))
        return f"{head}: {own or words.worded(words.LEVELS, level)}"

    def elsewhere(self, name: str) -> str:
        """What a table or figure is called in the publication that the cohort file names, in parentheses."""
        called = words.one_line(self.cohort.labels.get("numbers", {}).get(name, ""))
        return f" ({called})" if called else ""

    @property
    def reference(self) -> str:
        """The printed name of the reference arm."""
        return self.arm(self.cohort.arms.reference)

    @property
    def outcome(self) -> str:
        """The primary outcome as it stands inside a sentence: ``ordinary employment``."""
        return self.outcome_named(self.cohort.outcome.primary)

    def outcome_named(self, name: str) -> str:
        """An outcome, or a state that makes one, as it stands inside a sentence."""
        if name in (ORDINARY, ORDINARY_EMPLOYMENT) and name not in self.cohort.labels["outcomes"]:
            return say("ordinary employment")
        return self.named("outcomes", name)

    @property
    def least(self) -> int:
        """Persons an arm of a centre needs for an effect to be estimated."""
        return self.cohort.estimation.min_persons_per_arm

    @property
    def interval(self) -> str:
        """The interval's name: ``95% interval``."""
        return say("{level}% interval", level=words.shortest(100 * self.cohort.estimation.confidence_level))

    @property
    def interval_ends(self) -> tuple[str, str]:
        """Names of its two ends."""
        return (say("{interval}, low", interval=self.interval), say("{interval}, high", interval=self.interval))

    @property
    def primary(self) -> str:
        """The variance of every interval in print."""
        return self.cohort.estimation.primary

    @property
    def published(self) -> str:
        """The convention of the published table 5 where the cohort has it, else the primary variance."""
        return PUBLISHED if PUBLISHED in self.cohort.estimation.variances else self.primary

    def analysis(self, name: str) -> Analysis | None:
        """The definition of an analysis; None when the cohort does not have it."""
        return next((a for a in self.cohort.analyses if a.name == name), None)

    def rows(self, table: str, **equal: object) -> list[dict[str, Any]]:
        """Rows of a table whose columns equal the given values; hidden numbers are ``words.HIDDEN``.

        The other numbers know their row (:mod:`ipseval.traced`).
        """
        frame = self.tables[table]
        if table not in self._traced:
            self._traced[table] = self._with_sources(table)
        wanted = np.ones(len(frame), dtype=bool)
        for column, value in equal.items():
            wanted &= (frame[column] == value).to_numpy(dtype=bool, na_value=False)
        return [dict(self._traced[table][place]) for place in np.flatnonzero(wanted)]

    def _with_sources(self, table: str) -> list[dict[str, Any]]:
        """Every row of a table, traced: done once, since a table is asked many times."""
        frame = self.tables[table]
        rows = [traced(row, table, place) for place, row in zip(frame.index, frame.to_dict("records"), strict=True)]
        if table not in self.hidden:
            return rows
        return [
            {k: words.HIDDEN if is_hidden else v for (k, v), is_hidden in zip(row.items(), mask, strict=True)}
            for row, mask in zip(rows, self.hidden[table].loc[frame.index].to_numpy(), strict=True)
        ]

    def effects(self, analysis: str, variance: str, subgroup: str = ALL) -> dict[Key, dict[str, Any]]:
        """Effects of an analysis by centre, months and arm, in their order."""
        return _keyed(self.rows("effects", analysis=analysis, variance=variance, subgroup=subgroup))

    def redrawn(self, analysis: str, subgroup: str = ALL) -> dict[Key, dict[str, Any]]:
        """The same effects tested by re-drawn assignment."""
        return _keyed(self.rows("randomisation", analysis=analysis, subgroup=subgroup))

    def pooled_months(self, analysis: str) -> tuple[int, int]:
        """First and last month of an analysis that pools months."""
        found = self.analysis(analysis)
        return found.windows(self.cohort.window)[0] if found else (0, self.cohort.window.after)

    def left_out(self, asked: Iterable[str]) -> tuple[str, ...]:
        """Notes on what regressions lack: covariates that are not in the cohort, months in which nobody is observed."""
        frame, analyses = self.tables["effects"], tuple(asked)
        notes = frame.loc[frame["analysis"].isin(list(analyses)), "note"].dropna().unique()
        said = (part for note in notes for part in str(note).split("; ") if part.startswith(LEFT_OUT))
        names = dict.fromkeys(n for part in said for n in part.removeprefix(LEFT_OUT).split(", ") if n)
        own = frame[frame["analysis"].isin(list(analyses))]
        short = (*self._short_windows(own), *self.unknown(own["note"]))
        if not names:
            return short
        known = words.listed([words.inside(self.covariate(n)) for n in names])
        return (say("Not in this cohort, hence in no model: {covariates}.", covariates=known), *short)

    def unknown(self, notes: Iterable[object]) -> tuple[str, ...]:
        """Sentences on months that are missing because something of them is not known, as the notes of rows say."""
        said = dict.fromkeys(part for note in notes for part in str(note).split("; "))
        return tuple(f"{words.sentence(words.note(part))}." for part in said if part in NOTES.values())

    def _short_windows(self, effects: pd.DataFrame) -> tuple[str, ...]:
        """A note where months at an end of a pooled window have nobody; none where a hidden number would tell."""
        pooled = effects[effects["month_from"] < effects["month_to"]]
        ends = ["first_month", "last_month"]
        seen = pooled[ends].apply(pd.to_numeric, errors="coerce")
        is_hidden = "effects" in self.hidden and self.hidden["effects"].loc[pooled.index, ends].to_numpy().any()
        if is_hidden or seen.dropna().empty:
            return ()
        first, last = int(seen["first_month"].min()), int(seen["last_month"].max())
        if (first, last) == (pooled["month_from"].min(), pooled["month_to"].max()):
            return ()
        low, high = words.number(first, 0), words.number(last, 0)
        return (words.sentence(say(words.NOTES["short_window"], first=low, last=high)) + ".",)


def _keyed(rows: list[dict[str, Any]]) -> dict[Key, dict[str, Any]]:
    return {(row["centre"], int(row["month_from"]), int(row["month_to"]), row["arm"]): row for row in rows}


def effect_cell(review: Review, row: Record | None) -> Cell:
    """An effect as its measure is printed, in percentage points where it says none, with its interval; or why not."""
    return estimate_cell(review, row, PRINTED_AS[row.get("measure", SHARES) if row else SHARES])


def estimate_cell(review: Review, row: Record | None, print_as: Print) -> Cell:
    """An estimate with its interval, or why there is none."""
    status = row["status"] if row else "not_configured"
    if row is None or status != ESTIMATED:
        return status_cell(review, status)
    return row_cell(row, "estimate", print_as, beside=INTERVAL)


def status_cell(review: Review, status: str) -> Cell:
    """A cell without a number: hidden, or not estimated for the reason that the status says."""
    return hidden_cell() if status == HIDDEN else lacking(words.status(status, review.least))


def row_cell(row: Record, column: str, print_as: Print, reason: str = "", beside: tuple[str, ...] = ()) -> Cell:
    """A number of a row with those that stand beside it, or why there is none: hidden, or the reason given.

    Where the number is shown and one beside it is hidden the sign stands there, with its reason.
    """
    cell, others = number_cell(row[column], print_as, reason), [row[name] for name in beside]
    if words.is_hidden(*others) and words.is_known(row[column]):
        return replace(cell, beside=tuple(map(print_as, others)), reason=say(words.HIDDEN_REASON))
    is_there = words.is_known(row[column]) and all(map(words.is_known, others))
    return replace(cell, beside=tuple(map(print_as, others))) if is_there else cell


def joint_cells(row: Record, missing: Cell, decimals: int) -> tuple[Cell, Cell, Cell]:
    """F, both degrees of freedom (the second with so many decimals) and p of a joint test; ``missing``: where none is.

    Each is hidden for itself, as its column may be; degrees of freedom as both are printed in one cell.
    """
    f, df, p = row["wald_f"], (row["wald_df1"], row["wald_df2"]), row["wald_p"]
    if not (words.is_known(f) or words.is_hidden(f)):
        return missing, missing, missing
    both = words.listed([words.number(df[0], 0), words.number(df[1], decimals)])
    return (
        number_cell(f, lambda value: words.number(value, 2)),
        hidden_cell() if words.is_hidden(*df) else Cell(made_of(both, df)),
        number_cell(p, words.p_value),
    )


def interval_from(review: Review, variance: str) -> str:
    """The note on what stands in parentheses."""
    return say(
        "In parentheses: {interval} from standard errors {variance}.",
        interval=review.interval,
        variance=words.variance(variance),
    )


def hidden_cell() -> Cell:
    """A cell whose number disclosure control hides."""
    return Cell(words.HIDDEN_SIGN, reason=say(words.HIDDEN_REASON))


def number_cell(value: float, print_as: Print, reason: str = "") -> Cell:
    """A number in print, or why there is none: hidden, or the reason given."""
    if words.is_hidden(value):
        return hidden_cell()
    return Cell(print_as(value)) if words.is_known(value) else lacking(reason)


def share_cell(share: float, reason: str) -> Cell:
    """A share in per cent, or why there is none."""
    return number_cell(share, words.points, reason)


def count_cell(n: float, reason: str = "") -> Cell:
    """A count, or why there is none."""
    return number_cell(n, words.count, reason)
