"""Cells of released tables: what stands in each, once it is decided which numbers are hidden."""

import math
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from ipseval.disclosure.keys import Key
from ipseval.disclosure.ledger import Ledger, Printed, Shown
from ipseval.disclosure.profiles import Profile
from ipseval.disclosure.released import INSIDE, LABELS, TEXTS
from ipseval.estimation.distributions import f_sf, t_ppf, t_sf
from ipseval.words import HIDDEN_SIGN as SIGN
from ipseval.words import is_known

HIDDEN, ESTIMATED = "hidden", "estimated"
DECIMALS = {"restricted_mean": 1}  # months: an area at more would give back the steps of the curve
SIGNIFICANT, OF_RATIO = (
    4,
    {"cost": ("ratio", "ci_low", "ci_high", "acceptable_80", "acceptable_90", "acceptable_95")},
)  # digits of ratios: as many as their effects have
DF = ("df", "wald_df2")  # degrees of freedom are persons less a few: rounded as they
OF_T = ("ci_low", "ci_high", "p_value", "p_adjusted")  # what a table computes with degrees of freedom
ARITHMETIC = 1e-8  # units of the last decimal, by which sums of fractions miss a number that they are
DATES, MONTH = ("review_on", "on"), 7  # columns of dates, and characters of YYYY-MM
PRINTED = 3  # most decimals of a proportion in print
# Statuses that tell nothing of persons: what was not delivered or asked for, and what is the base by construction.
OF_NOBODY = frozenset(
    {
        *("no_covariate", "not_delivered", "services_not_delivered", "no_such_service", "no_months_before", "base"),
        *("no_days", "no_jobs"),
    }
)
OF_CENTRES = ("heterogeneity", "pooled_effects")  # tables whose degrees of freedom are centres less a few


@dataclass(frozen=True)
class Decided:
    """What is known of every number when tables are written.

    Parameters
    ----------
    ledger : Ledger
    is_hidden : mapping
        By key.
    rounded : mapping
        What is printed for counts that are rounded to 0 or the least count.
    profile : Profile
    level : float
        Of confidence intervals.
    decimals : mapping
        By table, where they depend on the trial.
    """

    ledger: Ledger
    is_hidden: Mapping[Key, bool]
    rounded: Mapping[Key, float]
    profile: Profile
    level: float
    decimals: Mapping[str, int] = field(default_factory=dict)

    def released(self, name: str, table: pd.DataFrame) -> pd.DataFrame:
        """One table as it may leave: nothing but labels and what the ledger allows."""
        table = _to_the_month(table.drop(columns=[column for column in table.columns if column in INSIDE]))
        if self.profile.is_open:
            return table
        out = pd.DataFrame({c: _labels(c, table[c]) for c in table.columns}, index=range(len(table)))
        place: dict[str, list[Shown | Printed | None]] = {
            column: [None] * len(table) for column in table.columns if column not in LABELS | TEXTS
        }
        for entry in self.ledger.shown:
            if entry.table == name and self.allows(entry):
                for column in entry.columns:
                    if column in place:
                        place[column][entry.row] = entry
        for column, entries in place.items():
            values = [
                self.cell(value, column, entry, name)
                for value, entry in zip(table[column].tolist(), entries, strict=True)
            ]
            out[column] = pd.Series(values, dtype=object)
        if self.profile.rounding_base and name not in OF_CENTRES:
            out = self._with_rounded_degrees(out, table, name)
        return _silent(out, list(place), self._telling(name, table))

    def allows(self, entry: Shown | Printed) -> bool:
        """Whether the cells of an entry may be released.

        What is neither a count nor a rate, which are printed from rounded counts, would give back what was rounded.
        """
        hidden = any(self.is_hidden.get(key, True) for key in entry.keys)
        if hidden or entry.persons < self.profile.min_cell_count:
            return False
        if entry.over or isinstance(entry, Printed):
            return True
        base = self.profile.rounding_base
        return not any(key in self.rounded or (base and not key.is_rounded_alike) for key in entry.keys)

    def cell(self, value: Any, column: str, entry: Shown | Printed | None, table: str) -> Any:
        """What stands in a cell: the number as it may leave, the sign, or nothing where there never was a number."""
        if not is_known(value):
            return None
        if entry is None:
            return SIGN
        if isinstance(entry, Printed):
            return self._count_in_cell(value, entry)
        if entry.over:
            above, below = (self._count(key) for key in entry.keys)
            return self._decimals(above / (below * entry.over), table) if below else None
        if column in DF and table not in OF_CENTRES and self.profile.rounding_base:
            return self._to_base(value)
        if column in OF_RATIO.get(table, ()) and self.profile.decimals is not None:
            return significant(value, SIGNIFICANT)
        return self._decimals(value, table)

    def _count_in_cell(self, value: float, entry: Printed) -> Any:
        """A count as it may leave; one that is not what its entry says it is stays inside."""
        if not entry.is_of(value, self.ledger.counts[entry.key].value):
            return SIGN
        return int(self.rounded[entry.key] * entry.times) if entry.key in self.rounded else self._to_base(value)

    def count(self, key: Key) -> Any:
        """A count as it may leave; the sign where it stays inside."""
        return SIGN if self.is_hidden.get(key, True) else self._count(key)

    def _count(self, key: Key) -> float:
        return self.rounded.get(key, self._to_base(self.ledger.counts[key].value))

    def _to_base(self, n: float) -> int:
        return round(n) if not self.profile.rounding_base else int(to_base(n, self.profile.rounding_base))

    def _decimals(self, value: float, table: str) -> float:
        most = self.profile.decimals
        return value if most is None else shortened(value, self.decimals.get(table, DECIMALS.get(table, most)))

    def _with_rounded_degrees(self, out: pd.DataFrame, table: pd.DataFrame, name: str) -> pd.DataFrame:
        """Intervals and p-values by the degrees of freedom that are printed.

        An interval divided by its error is a quantile, which gives the degrees of freedom and so the persons that the
        profile rounds; so does a p-value beside its statistic. One that is adjusted for others is of the true ones.
        """
        rows = table.to_dict("records")
        for df, made, columns in (("df", self._of_t, OF_T), ("wald_df2", self._of_f, ("wald_p",))):
            if df not in out:
                continue
            for column in (column for column in columns if column in out):
                cells = zip(out[column].tolist(), out[df].tolist(), rows, strict=True)
                new = [
                    self._again(made(row, float(n)).get(column), name)
                    if is_known(row[column]) and is_known(row[df]) and SIGN not in (cell, n)
                    else cell
                    for cell, n, row in cells
                ]
                out = out.assign(**{column: pd.Series(new, dtype=object)})
        return out

    def _again(self, value: float | None, table: str) -> Any:
        return SIGN if value is None else self._decimals(value, table)

    def _of_t(self, row: Mapping[Hashable, Any], df: float) -> dict[str, float]:
        """Interval and p-value of an estimate; nothing without degrees of freedom."""
        estimate, error = row["estimate"], row["std_error"]
        if df <= 0 or not is_known(error):
            return {}
        reach = float(t_ppf((1 + self.level) / 2, df)) * error
        p_value = 2 * float(t_sf(abs(estimate / error), df))
        return {"ci_low": estimate - reach, "ci_high": estimate + reach, "p_value": p_value}

    def _of_f(self, row: Mapping[Hashable, Any], df: float) -> dict[str, float]:
        """p-value of a joint test; nothing without degrees of freedom."""
        return {"wald_p": float(f_sf(row["wald_f"], row["wald_df1"], df))} if df > 0 else {}

    def _telling(self, name: str, table: pd.DataFrame) -> np.ndarray:
        """Rows whose status would tell of a hidden number: an arm with too few persons, or that all are alike.

        The numbers may stand in another table: a status rests on what the estimate of its row rests on.
        """
        tells = np.zeros(len(table), bool)
        for entry in self.ledger.shown:
            if entry.table == name and {"estimate", "effect"} & set(entry.columns):
                tells[entry.row] |= any(self.is_hidden.get(key, True) for key in entry.keys)
        return tells


def shortened(value: float, decimals: int) -> float:
    """A number at fewer decimals, from which print gets what it would get from the number itself.

    Rounding twice may differ from rounding once where the first ends at a half of the second (.233463, .2335, 23.4 %)
    or at the limit of a rule (p = .04996). So an inexact last digit of 0 or 5 moves one unit towards the number. That
    is for numbers with more decimals than print; others are rounded to the nearest.
    """
    near = round(float(value), decimals)
    unit = 10.0**-decimals
    is_exact = abs(near - value) < ARITHMETIC * unit  # 0.1 + 0.2 is 0.3
    if decimals <= PRINTED or is_exact or round(abs(near) / unit) % 5:
        return near
    return round(near + (unit if value > near else -unit), decimals)


def significant(value: float, digits: int) -> float:
    """A number at fewer significant digits, from which print at one digit less gets what it would from the number."""
    if not value:
        return 0.0
    place = math.floor(math.log10(abs(value))) + 1
    return round(shortened(value / 10.0**place, digits) * 10.0**place, digits - place)


def those_shortened_to(near: float, decimals: int) -> tuple[float, float]:
    """Between which numbers those lie that :func:`shortened` prints alike."""
    unit = 10.0**-decimals
    below = above = unit / 2
    if decimals > PRINTED:
        last = round(abs(near) / unit) % 5
        below, above = {0: (0.0, 0.0), 1: (unit, above), 4: (below, unit)}.get(last, (below, above))
    return (near - below, near + above) if near >= 0 else (near - above, near + below)


def to_base(n: float, base: int) -> float:
    """A number rounded to a multiple of the base; as it is where there is none."""
    return float(base * np.floor(n / base + 0.5)) if base else n


def _silent(out: pd.DataFrame, numbers: list[str], tells: np.ndarray) -> pd.DataFrame:
    """A table in which neither an empty cell beside a hidden number nor the status tells what the number is."""
    out, hidden = out.copy(), out[numbers] == SIGN
    is_of_nobody = out["status"].isin(OF_NOBODY) if "status" in out else pd.Series(False, out.index)
    some = hidden.any(axis=1) & ~is_of_nobody
    out[numbers] = out[numbers].mask(out[numbers].isna() & some.to_numpy()[:, None], SIGN)
    if "status" in out:
        lost = hidden["estimate"] if "estimate" in hidden else hidden.all(axis=1)
        telling = (some | tells) & ~is_of_nobody
        out["status"] = out["status"].mask(telling & ((out["status"] != ESTIMATED) | lost), HIDDEN)
    return out


def _to_the_month(table: pd.DataFrame) -> pd.DataFrame:
    """A table whose dates are known to the month: no day leaves, be it of a person or of a review."""
    dates = {column: table[column] for column in DATES if column in table}
    return table.assign(**{name: days.astype("string").str[:MONTH].astype(days.dtype) for name, days in dates.items()})


def _labels(column: str, values: pd.Series) -> pd.Series:
    if column in TEXTS:
        return values.astype(object).where(~values.astype(str).str.contains(r"\d", regex=True), None)
    if values.dtype.kind == "f" and (values.dropna() % 1 == 0).all():  # whole where known: months, as they stand inside
        values = values.astype("Int64")
    return values.astype(object).where(values.notna(), None)
