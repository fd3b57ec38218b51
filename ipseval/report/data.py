"""What the report's script reads: the presented tables and their words, as JSON. Hidden numbers are not in it."""

import json
import math
from typing import Any

from markupsafe import Markup

from ipseval import words
from ipseval.language import say
from ipseval.tables.review import ALL, Review

ESCAPED = {ord(c): f"\\u{ord(c):04x}" for c in "<>&\u2028\u2029"}  # so that no text ends the script that holds it
FOLDERS = {"review": "review/", "release": "release/data/"}


def embedded(review: Review, tier: str) -> Markup:
    """The tables and words as JSON that may stand in a page."""
    content = {
        "tables": {name: _table(review, name) for name in sorted(review.tables)},
        "folder": FOLDERS[tier],
        "names": _names(review),
        "columns": _columns(),
        "texts": _texts(review),
        "reference": review.cohort.arms.reference,
        "arms": list(review.cohort.arms.all),
        "centres": [ALL, *review.centres],
        "window": [-review.cohort.window.before, review.cohort.window.after],
        "primary": review.cohort.estimation.primary,
    }
    return Markup(json.dumps(content, ensure_ascii=False, separators=(",", ":")).translate(ESCAPED))


def _table(review: Review, name: str) -> dict[str, Any]:
    """Columns, rows and the places of hidden numbers; hidden and missing are null."""
    rows = review.rows(name)
    values = [list(row.values()) for row in rows]
    hidden = [[y, x] for y, row in enumerate(values) for x, value in enumerate(row) if isinstance(value, words.Hidden)]
    return {
        "columns": list(map(str, review.tables[name].columns)),
        "rows": [[_plain(value) for value in row] for row in values],
        "hidden": hidden,
    }


def _plain(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if isinstance(value, (bool, int, str)) else None


def _names(review: Review) -> dict[str, dict[str, str]]:
    """Codes in words, by column."""
    arms = {code: review.arm(code) for code in (ALL, *review.cohort.arms.all)}
    return {
        "centre": {code: review.centre(code) for code in (ALL, *review.centres)},
        "arm": arms,
        "reference_arm": arms,
        "variance": {name: words.variance(name) for name in (*review.cohort.estimation.variances,)},
        "status": {code: words.status(code, review.least) for code in words.STATUSES},
    }


def _columns() -> dict[str, str]:
    """The main columns in words; docs/results.md has all."""
    return {
        "analysis": say("Analysis"),
        "estimator": say("Estimator"),
        "subgroup": say("Subgroup"),
        "outcome": say("Outcome"),
        "centre": say("Centre"),
        "arm": say("Arm"),
        "reference_arm": say("Reference arm"),
        "month": say("Month"),
        "month_from": say("First month"),
        "month_to": say("Last month"),
        "estimate": say("Estimate"),
        "ci_low": say("Interval, low"),
        "ci_high": say("Interval, high"),
        "std_error": say("Standard error"),
        "p_value": say("p"),
        "p_adjusted": say("p, adjusted"),
        "variance": say("Variance"),
        "df": say("Degrees of freedom"),
        "n_assigned": say("Persons in the arm"),
        "n_control": say("Persons in the reference arm"),
        "n_persons": say("Persons"),
        "n_observed": say("Persons observed"),
        "n_employed": say("Persons in the outcome"),
        "n_obs": say("Person-months of the regression"),
        "mean_control": say("Mean of the reference arm"),
        "adjustment": say("Adjusted for"),
        "status": say("Status"),
        "note": say("Note"),
    }


def _texts(review: Review) -> dict[str, str]:
    """What the script says."""
    return {
        "source": say("Where this number comes from"),
        "line": say("{file}, line {line}", file="{file}", line="{line}"),
        "lines": say("Made of {n} rows:", n="{n}"),
        "close": say("Close"),
        "hidden": say(words.HIDDEN_REASON),
        "missing": say("none"),
        "shown": say("{n} of {all} rows; {from} to {to} shown", **{k: f"{{{k}}}" for k in ("n", "all", "from", "to")}),
        "nothing": say("No row matches."),
        "sort": say("Sort by {column}", column="{column}"),
        "share": say("In {outcome}, %", outcome=review.outcome),
        "effect": say("Effect, percentage points"),
        "months": say("Months since randomisation"),
        "curve_share": say("Share in {outcome}: {centre}", outcome=review.outcome, centre="{centre}"),
        "curve_effect": say("Effect on {outcome}: {centre}", outcome=review.outcome, centre="{centre}"),
        "month": say("Month {month}", month="{month}"),
        "of": say("{n} of {all} observed", n="{n}", all="{all}"),
        "to": say("{low} to {high}", low="{low}", high="{high}"),
        "randomisation": say("Randomisation"),
        "against": say("{arm} against {reference}", arm="{arm}", reference="{reference}"),
        "interval": review.interval,
        "not_known": say("not known or hidden"),
    }
