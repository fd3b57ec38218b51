"""The headline effects of two results side by side: what a reader asks first of a comparison."""

import json
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from ipseval import words
from ipseval.errors import Fault, UserError

PLACES = ("review", "release/data")  # the first that both results have is read
ANALYSES = ("pooled", "pooled_unadjusted", "table5_model_1")
WHICH = ("analysis", "outcome", "centre", "month_from", "month_to", "arm", "reference_arm")
NUMBERS = ("mean_assigned", "mean_control", "estimate", "ci_low", "ci_high", "p_value", "n_assigned", "n_control")


@dataclass(frozen=True)
class Headline:
    """A headline effect in both results, in print.

    Parameters
    ----------
    which : dict
        What tells the effect from the others.
    before, after : str
        Effect in percentage points with its interval, p, shares of both arms and persons; empty where it is not there.
    """

    which: dict[str, str]
    before: str
    after: str

    @property
    def is_same(self) -> bool:
        """Whether both print the same."""
        return self.before == self.after


def headlines(before: Path, after: Path) -> tuple[Headline, ...]:
    """The pooled effects and those of the centres by model 1, by the primary variance of each result.

    Raises
    ------
    UserError
        A table of effects cannot be read.
    """
    place = next((p for p in PLACES if all((f / p / "effects.csv").is_file() for f in (before, after))), None)
    if place is None:
        return ()
    old, new = (_printed(folder / place / "effects.csv", _primary(folder)) for folder in (before, after))
    keys = list(dict.fromkeys([*new, *old]))
    order = sorted(keys, key=lambda key: ANALYSES.index(key[0]))
    return tuple(Headline(dict(zip(WHICH, key, strict=True)), old.get(key, ""), new.get(key, "")) for key in order)


def _primary(folder: Path) -> str:
    """The primary variance of a result; nothing where no manifest says it."""
    try:
        chosen = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))["configuration"]["estimation"]
        return str(chosen["primary"] or chosen["variances"][0])
    except (OSError, ValueError, KeyError, TypeError, IndexError):
        return ""


def _printed(file: Path, primary: str) -> dict[tuple[str, ...], str]:
    """Effects in print, by what tells them apart."""
    try:
        frame = pd.read_csv(file, dtype="str", keep_default_na=False)
        frame = frame[frame["analysis"].isin(ANALYSES) & (frame["subgroup"] == "all")]
        if len(frame):
            frame = frame[frame["variance"] == (primary or frame["variance"].iloc[0])]
        return {tuple(row[name] for name in WHICH): _text(row) for row in map(_row, frame.to_dict("records"))}
    except (OSError, ValueError, KeyError) as error:
        raise UserError([Fault(str(file), f"cannot be read ({type(error).__name__}).", "Make it again.")]) from None


def _row(row: Mapping[Hashable, str]) -> dict[str, str]:
    return {str(name): value for name, value in row.items()}


def _text(row: dict[str, str]) -> str:
    """``8.8 (2.7 to 15.0), p 0.005; 27.6 % of 184 against 18.6 % of 143``; the status of what was not estimated."""
    if row["status"] not in ("estimated", "hidden"):
        return row["status"]
    n = {name: _number(row.get(name, "")) for name in NUMBERS}
    points = {name: _points(n[name]) for name in ("estimate", "ci_low", "ci_high", "mean_assigned", "mean_control")}
    p = words.HIDDEN_SIGN if n["p_value"] is None else words.p_value(n["p_value"])
    sizes = {name: words.HIDDEN_SIGN if n[name] is None else words.count(n[name]) for name in NUMBERS[-2:]}
    return (
        f"{points['estimate']} ({points['ci_low']} to {points['ci_high']}), p {p}; {points['mean_assigned']} % of "
        f"{sizes['n_assigned']} against {points['mean_control']} % of {sizes['n_control']}"
    )


def _points(value: float | None) -> str:
    return words.HIDDEN_SIGN if value is None else words.points(value)


def _number(text: str) -> float | None:
    """A number of a table; None for one that is hidden or not there."""
    try:
        return float(text)
    except ValueError:
        return None
