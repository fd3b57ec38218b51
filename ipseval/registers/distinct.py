"""Columns with many rows and few distinct values: looked up and put in order by the distinct values."""

from collections.abc import Iterable

import numpy as np
import pandas as pd

MOST = 2**62  # numbers that stand for several columns stay below

Ranks = tuple[np.ndarray, int]  # of each row, from 0 on; and how many there may be


def positions(index: pd.Index, keys: pd.Series) -> np.ndarray:
    """Position of each key in an index, -1 where it is not in it; int, length n."""
    codes, distinct = pd.factorize(keys)
    return np.append(index.get_indexer(pd.Index(distinct)), -1)[codes]


def looked_up(values: pd.Series, keys: pd.Series) -> pd.Series:
    """The value of each key (``keys.map(values)``); missing where there is none."""
    at = positions(values.index, keys)
    found = values.take(np.maximum(at, 0)) if len(values) else values.reindex(range(len(keys)))
    return found.set_axis(keys.index).where(at >= 0)


def ranks(column: pd.Series) -> Ranks:
    """Rank of each value among the distinct ones of a column; missing is last."""
    codes, distinct = pd.factorize(column, sort=True)
    return np.where(codes < 0, len(distinct), codes), len(distinct) + 1


def combined(columns: Iterable[Ranks]) -> np.ndarray:
    """A number for each row that orders rows by the first column, then by the next; equal where all agree."""
    found, size = None, 1
    for own, n in columns:
        if found is not None and size > MOST // n:
            found, size = ranks(pd.Series(found))
        found, size = own if found is None else found * n + own, size * n
    return np.zeros(0, np.int64) if found is None else found


def in_order(frame: pd.DataFrame, by: Iterable[str]) -> pd.DataFrame:
    """The rows sorted by columns, as ``sort_values(by, ignore_index=True)`` sorts them."""
    number = combined(ranks(frame[name]) for name in by)
    if (number[1:] < number[:-1]).any():
        frame = frame.take(np.argsort(number, kind="stable"))
    return frame.reset_index(drop=True)
