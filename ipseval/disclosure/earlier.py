"""What an earlier release has told already: numbers that are known, and numbers that a few persons have moved since."""

from collections.abc import Mapping

import pandas as pd

from ipseval.disclosure.ledger import Key, Ledger
from ipseval.disclosure.released import LABELS
from ipseval.words import HIDDEN_SIGN


def told(
    ledger: Ledger, tables: Mapping[str, pd.DataFrame], earlier: Mapping[str, pd.DataFrame]
) -> dict[Key, set[float]]:
    """Counts that an earlier release shows.

    Parameters
    ----------
    ledger : Ledger
    tables : mapping
        The tables that are to be released, by name.
    earlier : mapping
        Those of the earlier release, as text; a table that it lacks told nothing.

    Returns
    -------
    dict
        The earlier values of each count that stands in cells of its own.
    """
    cells = {name: _cells(table) for name, table in earlier.items()}
    labels = {name: _rows(tables[name]) for name in cells if name in tables}
    found: dict[Key, set[float]] = {}
    for entry in ledger.shown:
        if entry.table not in labels or len(entry.keys) != 1 or entry.over:
            continue
        count = ledger.counts[entry.keys[0]]
        for column in entry.columns:
            now = tables[entry.table][column].iloc[entry.row] if column in tables[entry.table] else None
            then = cells[entry.table].get((labels[entry.table][entry.row], column))
            if then is not None and now == count.value:
                found.setdefault(count.key, set()).add(then)
    return found


def _rows(table: pd.DataFrame) -> list[tuple[str, ...]]:
    """What tells each row from the others."""
    names = [name for name in table.columns if name in LABELS and name != "status"]
    return [tuple(row) for row in table[names].astype(object).fillna("").astype(str).to_numpy().tolist()]


def _cells(table: pd.DataFrame) -> dict[tuple[tuple[str, ...], str], float]:
    """The numbers that a released table shows, by row and column."""
    labels = _rows(table)
    found: dict[tuple[tuple[str, ...], str], float] = {}
    for column in (name for name in table.columns if name not in LABELS):
        numbers = pd.to_numeric(table[column].where(table[column] != HIDDEN_SIGN), errors="coerce")
        found |= {(label, column): n for label, n in zip(labels, numbers, strict=True) if pd.notna(n)}
    return found
