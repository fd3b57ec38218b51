"""What an earlier release has told already: numbers that are known, and numbers that a few persons have moved since.

Rows are matched by what they are of, not by what the cohort was called then. A number that a few persons have moved is
hidden now: who reads both subtracts. The earlier one stands, for it cannot be called back.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import pandas as pd

from ipseval.disclosure.keys import In, Key, Persons, Sum
from ipseval.disclosure.ledger import Ledger, Printed, Shown
from ipseval.disclosure.profiles import Profile
from ipseval.disclosure.released import LABELS
from ipseval.errors import Fault, UserError
from ipseval.words import HIDDEN_SIGN

UNTOLD = ("cohort", "status", "order")  # labels that do not say what a row is of
HALF = 5.01e-5  # of the last decimal that is released


@dataclass(frozen=True)
class Earlier:
    """What an earlier release told.

    Parameters
    ----------
    printed : mapping
        Earlier values of each count that stands in cells of its own.
    followed : mapping
        The same and those of counts that followed from them, or from degrees of freedom.
    sums : frozenset of Key
        Sums of which the means, then and now, tell of a few persons.
    """

    printed: Mapping[Key, set[float]]
    followed: Mapping[Key, set[float]]
    sums: frozenset[Key]


def told(
    ledger: Ledger, tables: Mapping[str, pd.DataFrame], earlier: Mapping[str, pd.DataFrame], profile: Profile
) -> Earlier:
    """What an earlier release shows of the numbers of this one.

    Parameters
    ----------
    ledger : Ledger
    tables : mapping
        The tables that are to be released, by name.
    earlier : mapping
        Those of the earlier release, as text; a table that it lacks told nothing.
    profile : Profile

    Raises
    ------
    UserError
        No row of the earlier release is of this study: nothing could be compared.
    """
    pairs = list(_cells_then(ledger, tables, earlier))
    printed: dict[Key, set[float]] = {}
    for entry, _, now, then in pairs:
        count = ledger.counts[entry.keys[0]]
        if len(entry.keys) == 1 and not entry.over and now == count.value:
            printed.setdefault(count.key, set()).add(then)
    known = {key: next(iter(then)) for key, then in printed.items() if len(then) == 1}
    for entry, column, now, then in pairs:
        whole, is_whole = entry.keys[0], now.is_integer() and then.is_integer()
        if column == "df" and is_whole and isinstance(whole, Persons | In) and not profile.rounding_base:
            known.setdefault(whole, ledger.counts[whole].value + then - now)  # of as many coefficients then as now
    _follow(ledger, known)
    followed = {key: {then} for key, then in known.items()} | {k: v for k, v in printed.items() if len(v) > 1}
    return Earlier(printed, followed, frozenset(_sums(pairs, profile)))


Pair = tuple[Shown | Printed, str, float, float]  # entry of a cell, its column, the number now, the number then


def _cells_then(
    ledger: Ledger, tables: Mapping[str, pd.DataFrame], earlier: Mapping[str, pd.DataFrame]
) -> Iterator[Pair]:
    """Cells of this release that the earlier one shows."""
    names = [name for name in earlier if name in tables and len(earlier[name])]
    shared = {name: _labels(tables[name], earlier[name]) for name in names}
    cells = {name: _cells(earlier[name], shared[name]) for name in names}
    rows = {name: _rows(tables[name], shared[name]) for name in names}
    if names and not any(set(rows[name]) & set(_rows(earlier[name], shared[name])) for name in names):
        what = f"no row of the earlier release's {', '.join(names)} is a row of this one: centres or arms differ."
        raise UserError([Fault("disclosure.earlier", what, "Name a release of this study, or take the key out.")])
    for entry in ledger.shown:
        if entry.table in names and entry.keys:
            for column in entry.columns:
                then = cells[entry.table].get((rows[entry.table][entry.row], column))
                now = tables[entry.table][column].iloc[entry.row] if column in tables[entry.table] else None
                if then is not None and pd.notna(now):
                    yield entry, column, float(now), then


def _follow(ledger: Ledger, known: dict[Key, float]) -> None:
    """Earlier values that followed from others: all but one number of a relation were known."""
    is_new = True
    while is_new:
        is_new = False
        for relation in ledger.relations:
            left = [(key, factor) for key, factor in relation.terms if key not in known]
            if len(left) == 1:
                (key, factor), *_ = left
                rest = sum(times * known[other] for other, times in relation.terms if other != key)
                known[key], is_new = -rest / factor, True


def _sums(pairs: list[Pair], profile: Profile) -> Iterator[Key]:
    """Sums whose means tell, beside the earlier ones, of fewer persons than the least: who came, left or was mended."""
    n = {(entry.table, entry.row): (now, then) for entry, column, now, then in pairs if column == "n"}
    for entry, column, now, then in pairs:
        if column == "mean" and isinstance(entry.keys[0], Sum):
            n_now, n_then = n.get((entry.table, entry.row), (None, None))
            differs = abs(now - then) > HALF
            if n_now is None or n_then is None:
                is_told = differs
            else:
                few = abs(n_now - n_then) < profile.min_cell_count + profile.rounding_base
                is_told = few and (differs or (n_now != n_then and not profile.rounding_base))
            if is_told:
                yield entry.keys[0]


def _labels(table: pd.DataFrame, earlier: pd.DataFrame) -> list[str]:
    """Columns of both that say what a row is of."""
    return [name for name in table.columns if name in LABELS and name in earlier and name not in UNTOLD]


def _rows(table: pd.DataFrame, labels: list[str]) -> list[tuple[str, ...]]:
    """What tells each row from the others."""
    return [tuple(row) for row in table[labels].astype(object).fillna("").astype(str).to_numpy().tolist()]


def _cells(table: pd.DataFrame, labels: list[str]) -> dict[tuple[tuple[str, ...], str], float]:
    """The numbers that a released table shows, by row and column."""
    rows = _rows(table, labels)
    found: dict[tuple[tuple[str, ...], str], float] = {}
    for column in (name for name in table.columns if name not in LABELS):
        numbers = pd.to_numeric(table[column].where(table[column] != HIDDEN_SIGN), errors="coerce")
        found |= {(row, column): float(n) for row, n in zip(rows, numbers, strict=True) if pd.notna(n)}
    return found
