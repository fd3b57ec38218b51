"""Two tables of the same rows compared, every column: what verify says of a cell that is not what it should be."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

TOLERANCE = 1e-7  # relative to the larger of 1 and the number: the same formula by another library
# Degrees of freedom by Satterthwaite are sums of (I - H_ii)^(-1/2): where a person decides a term nearly alone 1e-6 of
# a direction is left, and two decompositions agree in so many digits less; what is read off t with them follows.
OF_PERSONS, TOLERANCE_OF_PERSONS = frozenset({"df", "ci_low", "ci_high", "p_value", "p_adjusted"}), 1e-5
NEARLY_ALONE = 3.0  # degrees of freedom below which that is so
TOLD = 3  # cells of a table that are named


@dataclass(frozen=True)
class Expected:
    """A table as it should be.

    Parameters
    ----------
    file : str
        Named in what is said.
    table : DataFrame
    labels : sequence of str
        Columns that say which row it is.
    tolerance : float
        Relative to the larger of 1 and the number.
    """

    file: str
    table: pd.DataFrame
    labels: Sequence[str]
    tolerance: float = TOLERANCE

    @cached_property
    def values(self) -> dict[str, np.ndarray]:
        """Columns as floats or as texts."""
        return {str(name): _values(column) for name, column in self.table.items()}

    def differences(self, found: pd.DataFrame) -> tuple[int, str]:
        """Cells of a table that differ: every column of ``found`` is compared, rows by their place.

        Returns
        -------
        int
            How many differ; all of them where rows or columns are lacking.
        str
            Where the first are, by file, column and row; empty where none differ.
        """
        expected = self.table
        if not len(found) and not len(expected):
            return 0, ""
        unknown = [str(name) for name in found if name not in expected]
        if unknown or len(found) != len(expected):
            size = f"{len(found)} rows where {len(expected)} are expected"
            what = f"column {unknown[0]} is not one that is made again" if unknown else size
            return max(found.size, 1), f"{self.file}: {what}"
        off = {str(name): self._off(str(name), column) for name, column in found.items()}
        places = [(row, name) for name, wrong in off.items() for row in np.flatnonzero(wrong)]
        told = []
        for row, name in sorted(places, key=lambda place: place[0])[:TOLD]:
            which = ", ".join(f"{label} {expected[label].iloc[row]}" for label in self.labels if label in expected)
            cells = _shown(found[name].iloc[row]), _shown(expected[name].iloc[row])
            of = f"row {row + 2} ({which})" if which else f"row {row + 2}"
            told.append(f"{self.file}, column {name}, {of}: {cells[0]} where {cells[1]} is expected")
        more = f"; {len(places) - TOLD} more" if len(places) > TOLD else ""
        return len(places), "; ".join(told) + more

    def _off(self, name: str, column: pd.Series) -> np.ndarray:
        """Where a column differs."""
        x, y = _values(column), self.values[name]
        if x.dtype == y.dtype == float:
            with np.errstate(invalid="ignore"):
                off = np.abs(x - y) > self._tolerance(name) * np.maximum(1, np.abs(y))
            return off | (np.isnan(x) != np.isnan(y))
        return _as_texts(x) != _as_texts(y)

    def _tolerance(self, name: str) -> float | np.ndarray:
        """Of a column; more in rows of few degrees of freedom that are no whole number."""
        df = self.values.get("df")
        if name not in OF_PERSONS or df is None or df.dtype != float:
            return self.tolerance
        return np.where((df % 1 != 0) & (df < NEARLY_ALONE), max(self.tolerance, TOLERANCE_OF_PERSONS), self.tolerance)


def _values(column: pd.Series) -> np.ndarray:
    """A column as floats, or as an array of objects where it holds text; an empty text is a missing value."""
    if pd.api.types.is_numeric_dtype(column.dtype):
        return column.to_numpy(dtype=float, na_value=np.nan)
    values = column.astype(object).where(column.notna(), None).to_numpy(dtype=object)
    if len(values) and isinstance(values[0], str) and values[0]:
        return values
    if all(v is None or v == "" or isinstance(v, (int, float, np.number, np.bool_)) for v in values):
        return np.array([np.nan if v is None or v == "" else v for v in values], dtype=float)
    return values


def _as_texts(values: np.ndarray) -> np.ndarray:
    if values.dtype == float:
        return np.array(["" if np.isnan(v) else str(v) for v in values], dtype=object)
    return np.array(["" if v is None else v if isinstance(v, str) else str(v) for v in values], dtype=object)


def _shown(value: object) -> str:
    if isinstance(value, (float, np.floating)):
        return "nothing" if np.isnan(value) else f"{value:.10g}"
    return "nothing" if value is None or value is pd.NA or value == "" else str(value)
