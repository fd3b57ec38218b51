"""Which persons and months a regression rests on: keys of the ledger for every row of effects."""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from ipseval.config import Analysis
from ipseval.disclosure.counted import observed
from ipseval.disclosure.keys import (
    ALL,
    AllMonths,
    Employed,
    Ever,
    In,
    Key,
    Months,
    Seen,
)
from ipseval.disclosure.samples import Complete, Span
from ipseval.disclosure.study import Study, analysed
from ipseval.disclosure.within import CALENDAR_FREE, told
from ipseval.estimation.design import STANDARDISED
from ipseval.estimation.estimators import ESTIMATORS
from ipseval.words import is_known

DIFFERENCE = "difference"


@dataclass(frozen=True)
class Effects:
    """The effects of a study: which of them may be released, and on what they rest."""

    study: Study

    @cached_property
    def behind(self) -> dict["Label", "Rests"]:
        """What each effect rests on."""
        found = {}
        for _, row in self.study.rows("effects"):
            found[effect_label(row)] = self._behind(row)
        return found

    @cached_property
    def outcomes(self) -> frozenset[Key]:
        """Keys of the months with the outcome that the table of effects counts."""
        rows = (row for _, row in self.study.rows("effects") if row["n_obs"])
        return frozenset(outcome_key(self, row, arm) for row in rows for _, arm in sides(row))

    @cached_property
    def regressions(self) -> dict[tuple[Any, ...], dict[tuple[str, str], dict[str, Any]]]:
        """Rows of each regression by the centre and arm that they count; those of parts of these are left out."""
        found: dict[tuple[Any, ...], dict[tuple[str, str], dict[str, Any]]] = {}
        for _, row in self.study.rows("effects"):
            if row["n_obs"] and not group(row):
                own = (row["analysis"], scope(self, row), row["month_from"], row["month_to"])
                cells = found.setdefault(own, {})
                for side, arm in sides(row):
                    cells.setdefault((row["centre"], arm), {**row, "side": side, "counted_arm": arm})
        return found

    @cached_property
    def full(self) -> frozenset[Span]:
        """Outcomes and months of which everybody analysed has an observed one, as far as tables tell."""
        is_full: dict[Span, bool] = {}
        for _, row in self.study.rows("effects"):
            span = span_of(self, row)
            if row["n_obs"] and span.is_of_everybody:
                counts = ((row[f"n_{side}"], self.study.n_analysed[row["centre"], arm]) for side, arm in sides(row))
                is_full[span] = is_full.get(span, True) and all(n == whole for n, whole in counts)
        return frozenset(span for span, everybody in is_full.items() if everybody)

    def persons(self, centre: str, arm: str, span: Span) -> Key:
        """Key of the persons of a regression: those with an observed month, of everybody or of a sample."""
        study, primary = self.study, self.study.cohort.outcome.primary
        if span.is_of_everybody and span.first == span.last and span.outcome == primary and arm != ALL:
            return observed(study, centre, arm, span.first)
        is_full = replace(span, who=Complete()) in self.full or (
            study.is_complete(span.first, span.last) and span.outcome == primary
        )
        if is_full:
            return analysed(centre, arm) if span.is_of_everybody else In(centre, arm, span.who)
        return In(centre, arm, span)

    def _behind(self, row: dict[str, Any]) -> "Rests":
        fewest = min(row[name] for name in ("n_assigned", "n_control", "n_assigned_ever", "n_control_ever"))
        if is_known(row["df"]) and row["df"] < self.study.profile.min_residual_df:
            fewest = 0
        whole = all_persons(self, row)
        pooled = () if self.sample(row["analysis"]) else told(self.study, self.analysis(row["analysis"]))
        if self.analysis(row["analysis"]).adjust:
            return Rests((whole, *pooled), float(fewest))
        centres = self.study.centres if self._is_of_centres(row, is_told=bool(pooled)) else (row["centre"],)
        own = [{**row, "centre": centre} for centre in centres]
        both = [
            (persons_key(self, r, arm), *self.outcomes_at(outcome_key(self, r, arm)))
            for r in own
            for _, arm in sides(r)
        ]
        return Rests((whole, *pooled, *(key for one in both for key in one)), float("inf" if fewest else 0))

    def _is_of_centres(self, row: dict[str, Any], *, is_told: bool) -> bool:
        """Whether an effect without covariates tells of the centres' means more than sums that are counted do.

        A standardised effect is another weighted sum of them than the arms' sums, and a ratio or a logistic regression
        no such sum: with the effect by least squares they leave one way to fill the cells. That is another sum as well,
        which is counted where it is told (``is_told``).
        """
        analysis = self.analysis(row["analysis"])
        if analysis.estimator == STANDARDISED:
            return True
        is_over_all = row["centre"] == ALL and not (analysis.within or analysis.subgroup)
        is_linear = ESTIMATORS[analysis.estimator].is_linear
        is_counted = analysis.outcome == self.study.cohort.outcome.primary and not self.sample(analysis.name)
        return (
            is_over_all
            and len(self.study.centres) > 1
            and set(analysis.time) <= CALENDAR_FREE
            and not (is_told and is_linear)
            and (is_counted or not is_linear)
        )

    def outcomes_at(self, key: Key) -> tuple[Key, ...]:
        """A key of months with the outcome; those of each month where no table counts them together."""
        span = key.span if isinstance(key, Months) else None
        if span is None or key in self.outcomes or not span.is_of_everybody:
            return (key,)
        if span.outcome != self.study.cohort.outcome.primary:
            return (key,)
        return tuple(Employed(key.centre, key.arm, k) for k in range(span.first, span.last + 1))

    def analysis(self, name: str) -> Analysis:
        """The definition of an analysis."""
        return self._analyses[name]

    @cached_property
    def _analyses(self) -> dict[str, Analysis]:
        return {a.name: a for a in self.study.cohort.analyses}

    def sample(self, name: str) -> tuple[str, ...]:
        """The persons of an analysis: those who lack none of these covariates; empty for all analysed."""
        return self._samples[name]

    @cached_property
    def _samples(self) -> dict[str, tuple[str, ...]]:
        frame = self.study.tables["balance"]
        lacking = set(frame.loc[frame["n_missing"] > 0, "variable"])
        return {
            a.name: tuple(sorted({*a.adjust, *a.requires, *([a.subgroup.covariate] if a.subgroup else [])} & lacking))
            for a in self.study.cohort.analyses
        }


@dataclass(frozen=True)
class Label:
    """What tells an effect from all others, whatever its variance."""

    analysis: str
    subgroup: str
    centre: str
    first: int
    last: int
    arm: str


@dataclass(frozen=True)
class Rests:
    """What an estimate rests on: numbers that it would give back, and the fewest persons behind a part of it."""

    keys: tuple[Key, ...] = ()
    fewest: float = 0.0


def effect_label(row: dict[str, Any]) -> Label:
    """The label of a row's effect."""
    months = int(row["month_from"]), int(row["month_to"])
    return Label(row["analysis"], row["subgroup"], row["centre"], *months, row["arm"])


def scope(known: Effects, row: dict[str, Any]) -> str:
    """The centre of a regression within centres, else all."""
    return str(row["centre"]) if known.analysis(row["analysis"]).within else ALL


def group(row: dict[str, Any]) -> tuple[str, ...]:
    """The subgroup that a row counts; empty for everybody."""
    return () if row["subgroup"] in (ALL, DIFFERENCE) else (row["analysis"], row["subgroup"])


def sample_of(known: Effects, row: dict[str, Any]) -> Complete:
    """The persons that a row counts: those without a missing covariate, of a subgroup or all."""
    return Complete(known.sample(row["analysis"]), group(row))


def span_of(known: Effects, row: dict[str, Any]) -> Span:
    """The months of the persons that a row counts."""
    return Span(row["outcome"], int(row["month_from"]), int(row["month_to"]), sample_of(known, row))


def persons_key(known: Effects, row: dict[str, Any], arm: str) -> Key:
    """Key of the persons of an arm in a row's regression and centre."""
    return known.persons(row["centre"], arm, span_of(known, row))


def outcome_key(known: Effects, row: dict[str, Any], arm: str) -> Key:
    """Key of the months with the outcome: of one month, and everybody, the persons employed."""
    span = span_of(known, row)
    if span.outcome == known.study.cohort.outcome.primary and span.first == span.last and span.is_of_everybody:
        return Employed(row["centre"], arm, span.first)
    return Months(row["centre"], arm, span)


@dataclass(frozen=True)
class Times:
    """A number of persons, or of their months, and what it is times."""

    key: Key
    factor: float = 1.0


def months_key(known: Effects, row: dict[str, Any], side: str, arm: str) -> Times:
    """The months observed: the persons times months when nobody is missing."""
    length = int(row["month_to"]) - int(row["month_from"]) + 1
    outcome = outcome_key(known, row, arm)
    if row[f"n_{side}_months"] == row[f"n_{side}"] * length:
        return Times(persons_key(known, row, arm), float(length))
    if isinstance(outcome, Months):
        return Times(Seen(outcome.centre, arm, outcome.span))
    return Times(observed(known.study, outcome.centre, arm, int(row["month_from"])))


def sides(row: dict[str, Any]) -> tuple[tuple[str, str], tuple[str, str]]:
    """Both sides of an effect, with their arms."""
    return ("assigned", row["arm"]), ("control", row["reference_arm"])


def whole_key(known: Effects, row: dict[str, Any]) -> Times:
    """The person-months of a whole regression: the persons of all arms times months when nobody is missing."""
    study, where = known.study, scope(known, row)
    span = Span(row["outcome"], int(row["month_from"]), int(row["month_to"]), Complete(known.sample(row["analysis"])))
    if (
        study.is_complete(span.first, span.last)
        and span.is_of_everybody
        and span.outcome == study.cohort.outcome.primary
    ):
        return Times(analysed(where, ALL), float(span.last - span.first + 1))
    return Times(AllMonths(where, ALL, span))


def all_persons(known: Effects, row: dict[str, Any]) -> Key:
    """Key of all persons in a regression: its degrees of freedom give them away."""
    span = replace(span_of(known, row), who=Complete(known.sample(row["analysis"])))
    return known.persons(scope(known, row), ALL, span)


def ever(outcome: Key) -> Key:
    """Key of the persons with the outcome in any of the months."""
    return Ever(outcome.centre, outcome.arm, outcome.span) if isinstance(outcome, Months) else outcome
