"""The published figures, as numbers with the interval that prints each of them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from scipy import stats

HALF_UNIT = 0.0005
N_CENTRES = 6
MONTHS = 44
MODELS = (1, 2, 3)
STAR_LEVELS = (0.10, 0.05, 0.01)
PUBLISHED = Path(__file__).parents[2] / "config" / "published" / "norway_2021.yaml"


@dataclass(frozen=True)
class Printed:
    """One printed coefficient: the model, the term, the printed value and its stars."""

    model: int
    term: str
    value: float
    n_stars: int

    @property
    def text(self) -> str:
        """The coefficient as it is printed."""
        return f"{self.value:.3f}{'*' * self.n_stars}"


def load(path: Path = PUBLISHED) -> dict[str, Any]:
    """Read the transcription of the published tables."""
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def printed_coefficients(published: dict[str, Any]) -> list[Printed]:
    """List the printed coefficients of table 5, without the constants."""
    return [entry for entry in _all_coefficients(published) if entry.term != "constant"]


def printed_constants(published: dict[str, Any]) -> list[Printed]:
    """List the printed constants of table 5 (they depend on the calendar base)."""
    return [entry for entry in _all_coefficients(published) if entry.term == "constant"]


def _all_coefficients(published: dict[str, Any]) -> list[Printed]:
    table = published["table5_effects"]["coefficients"]
    return [
        Printed(model, term, float(text.rstrip("*")), text.count("*"))
        for model in MODELS
        for term, row in table.items()
        if (text := row[model - 1]) is not None
    ]


def star_window(n_stars: int, df: int) -> tuple[float, float]:
    """Give the range of |t| that prints so many stars.

    Parameters
    ----------
    n_stars : int
        Stars printed, 0 to 3 (p below .10, .05, .01).
    df : int
        Degrees of freedom of the t distribution, persons minus one.

    Returns
    -------
    tuple of float
        Lowest and highest |t|.
    """
    cuts = [0.0, *(float(stats.t.isf(level / 2, df)) for level in STAR_LEVELS), float("inf")]
    return cuts[n_stars], cuts[n_stars + 1]
