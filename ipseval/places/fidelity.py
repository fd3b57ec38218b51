"""Fidelity reviews: read from the file beside the cohort file, bounded where scores are lost, and summed up."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ipseval.config import Cohort, code
from ipseval.errors import Fault, UserError, nearest
from ipseval.places.bounds import Bounds, propagated
from ipseval.places.files import DAY, Form, Line, centre_of, dates_in_doubt, is_date, lines, no_centre
from ipseval.places.scale import TOTAL, Scale, read_scale

ALL = "all"
DAYS_A_YEAR = 365.25
FORM = Form(("team", "date", "item", "score", "low", "high", "rater", "source"), ("team", "date", "item"))
REVIEW_COLUMNS = ["centre", "review_on", "part", "low", "high", "score", "band", "rater", "source"]
# fmt: off
SUMMARY_COLUMNS = [
    "part", "centre", "n_reviews", "mean", "first", "last", "change", "slope_per_year", "mean_low", "mean_high",
    "change_low", "change_high", "slope_low", "slope_high",
]
# fmt: on


@dataclass(frozen=True)
class Review:
    """A review of a team.

    Parameters
    ----------
    centre : str
        Code of the centre whose team it is of.
    on : str
        When: a day, a month, a year, or nothing.
    bounds : mapping
        Part of the scale -> the least and the largest that its score can be.
    rater, source : str
        Who rated, and where it is printed.
    """

    centre: str
    on: str
    bounds: Mapping[str, Bounds]
    rater: str
    source: str


def read_reviews(file: Path, scale: Scale, centres: Mapping[Any, Any]) -> list[Review]:
    """Reviews in the order of the centres, and of time within each.

    Parameters
    ----------
    file : Path
        Long: a row a team, date and item, section or total, with ``score``, or ``low`` and ``high``. What has no row
        can be whatever the scale allows.
    scale : Scale
    centres : mapping
        Code -> name, of the cohort; a team is a centre, by either.

    Raises
    ------
    UserError
        With every fault of the file; a total or a sum of a section that the scores of its items cannot have is one.
    """
    faults: list[Fault] = []
    found = lines(file, FORM, faults)
    by_review: dict[tuple[str, str], list[Line]] = {}
    for line in found:
        team, on = line.cells["team"], line.cells["date"]
        centre = centre_of(team, centres)
        if centre is None:
            faults.append(no_centre(line.where, "team", team, centres))
        elif on and not is_date(on):
            faults.append(
                Fault(line.where, f"date is '{on}'.", "Write YYYY-MM-DD, YYYY-MM or YYYY, or leave it empty.")
            )
        else:
            by_review.setdefault((centre, on), []).append(line)
    reviews = [_review(scale, file, key, own, faults) for key, own in by_review.items()]
    faults += _in_doubt(file, by_review)
    if faults:
        raise UserError(faults)
    order = [code(centre) for centre in centres]
    return sorted(reviews, key=lambda review: (order.index(review.centre), review.on))


def _in_doubt(file: Path, keys: Iterable[tuple[str, str]]) -> list[Fault]:
    """Reviews of a team of which it is not known which was first."""
    dates: dict[str, list[str]] = {}
    for centre, on in keys:
        dates.setdefault(centre, []).append(on)
    return [
        Fault(
            str(file),
            f"team {centre} has a review of '{on or 'no date'}' beside one that may lie before it or after.",
            "Write the dates of a team so precisely that they have an order.",
        )
        for centre, own in dates.items()
        for on in dates_in_doubt(own)
    ]


def _review(scale: Scale, file: Path, key: tuple[str, str], own: list[Line], faults: list[Fault]) -> Review:
    """One review; what is wrong with it is added to ``faults``."""
    given: dict[str, Bounds] = {}
    for line in own:
        part = line.cells["item"]
        if part not in scale.parts:
            remedy = nearest(part, scale.parts) or f"Known: {', '.join(scale.parts)}."
            faults.append(Fault(line.where, f"item is '{part}', which the scale does not have.", remedy))
        elif part in given:
            faults.append(Fault(line.where, f"{part} has a score twice in this review.", "Keep one of the rows."))
        elif (bounds := _bounds(scale, part, line, faults)) is not None:
            given[part] = bounds
    centre, on = key
    found = propagated(scale, given)
    if isinstance(found, list):
        faults += [
            Fault(
                f"{file}, team {centre}, {on or 'no date'}",
                f"{conflict.part} is {conflict.given}, but the scores of its parts allow {conflict.allowed}.",
                "Mend the sum or the scores: nothing is adjusted to the other.",
            )
            for conflict in found
        ]
        found = {}
    return Review(centre, on, found, _joined(own, "rater"), _joined(own, "source"))


def _joined(own: list[Line], column: str) -> str:
    """What the rows of a review say of it, each once."""
    return " + ".join(dict.fromkeys(text for line in own if (text := line.cells.get(column, ""))))


def _bounds(scale: Scale, part: str, line: Line, faults: list[Fault]) -> Bounds | None:
    """What a row says of its part; None where it says nothing or what cannot be."""
    cells = {name: line.cells.get(name, "") for name in ("score", "low", "high")}
    said = {name: text for name, text in cells.items() if text}
    if odd := [name for name, text in said.items() if not text.removeprefix("-").isdecimal()]:
        found = ", ".join(f"{name} is '{said[name]}'" for name in odd)
        faults.append(Fault(line.where, f"{found}.", "Expected: whole numbers."))
        return None
    if "score" in said and len(said) > 1:
        faults.append(Fault(line.where, "has a score beside low or high.", "Keep the score, or the two bounds."))
        return None
    least, most = scale.reach(part)
    known = {name: int(text) for name, text in said.items()}
    bounds = Bounds(known.get("score", known.get("low", least)), known.get("score", known.get("high", most)))
    if bounds.low < least or bounds.high > most or bounds.low > bounds.high:
        ends = f"{bounds.low} to {bounds.high}" if bounds.low != bounds.high else str(bounds.low)
        faults.append(Fault(line.where, f"{part} is {ends}.", f"Expected: from {least} to {most}, the least first."))
        return None
    return bounds


# --- tables --------------------------------------------------------------------------------------


def fidelity_tables(cohort: Cohort) -> dict[str, pd.DataFrame]:
    """The tables ``fidelity`` and ``fidelity_summary``; without rows where the cohort names no file of reviews.

    Returns
    -------
    dict
        ``fidelity``: a row a review and part of the scale. ``fidelity_summary``: a row a part and centre, ``all``
        among them, whose numbers are points of the scale, and points in 365.25 days.
    """
    if cohort.fidelity is None:
        return {
            "fidelity": pd.DataFrame(columns=REVIEW_COLUMNS),
            "fidelity_summary": pd.DataFrame(columns=SUMMARY_COLUMNS),
        }
    scale = read_scale(cohort.fidelity_scale)
    reviews = read_reviews(cohort.fidelity, scale, cohort.centres)
    rows = [_row(scale, review, part) for review in reviews for part in scale.parts]
    summary = [_summary(part, centre, own) for part in scale.parts for centre, own in _by_centre(reviews)]
    return {
        "fidelity": pd.DataFrame(rows, columns=REVIEW_COLUMNS).astype({"score": "Int64"}),
        "fidelity_summary": pd.DataFrame(summary, columns=SUMMARY_COLUMNS),
    }


def _row(scale: Scale, review: Review, part: str) -> tuple:
    own = review.bounds[part]
    band = scale.band(own.low, own.high) if part == TOTAL else ""
    named = (review.centre, review.on or None, part)
    score = own.low if own.is_exact else None
    return (*named, own.low, own.high, score, band or None, review.rater or None, review.source or None)


def _by_centre(reviews: list[Review]) -> list[tuple[str, list[Review]]]:
    """Reviews of each centre, and of all."""
    centres = dict.fromkeys(review.centre for review in reviews)
    return [*((centre, [r for r in reviews if r.centre == centre]) for centre in centres), (ALL, reviews)]


@dataclass(frozen=True)
class Combination:
    """A sum of scores, each times its weight, and its ends where scores are bounded; missing where there is none."""

    low: float
    high: float

    @property
    def value(self) -> float:
        """The sum, where it is known."""
        return self.low if abs(self.high - self.low) < 1e-12 else np.nan


NONE = Combination(np.nan, np.nan)


def combined(weights: np.ndarray, scores: list[Bounds]) -> Combination:
    """The sum of k scores times k weights: its ends are reached, since reviews do not bound each other."""
    low, high = (np.array([getattr(score, end) for score in scores], float) for end in ("low", "high"))
    return Combination(
        float(weights @ np.where(weights >= 0, low, high)), float(weights @ np.where(weights >= 0, high, low))
    )


def _summary(part: str, centre: str, own: list[Review]) -> tuple:
    """A row of ``fidelity_summary``: of all centres together there is a mean, and no first and last."""
    scores, n = [review.bounds[part] for review in own], len(own)
    is_one_team = centre != ALL
    mean = combined(np.full(n, 1 / n), scores)
    change = combined(np.eye(n)[-1] - np.eye(n)[0], scores) if is_one_team and n > 1 else NONE
    weights = slope_weights([review.on for review in own]) if is_one_team else None
    since_first = [Bounds(score.low - scores[0].low, score.high - scores[0].low) for score in scores]
    slope = combined(weights, since_first) if weights is not None else NONE  # exactly 0 where nothing has changed
    first, last = (float(score.low) if score.is_exact and is_one_team else np.nan for score in (scores[0], scores[-1]))
    bounds = [end for found in (mean, change, slope) for end in (found.low, found.high)]
    return (part, centre, n, mean.value, first, last, change.value, slope.value, *bounds)


def slope_weights(dates: list[str]) -> np.ndarray | None:
    """Weights of k scores in their least-squares slope a year of 365.25 days; None where days do not tell it."""
    if any(len(on) != DAY for on in dates) or len(set(dates)) < 2:
        return None
    days = np.array([date.fromisoformat(on).toordinal() for on in dates])
    years = (days - days[0]) / DAYS_A_YEAR
    apart = years - years.mean()
    return np.asarray(apart / (apart**2).sum())
