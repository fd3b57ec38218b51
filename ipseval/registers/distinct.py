"""Columns with many rows and few distinct values: looked up and put in order by the distinct values.

Keys and codes of spells are categories: their texts are read, compared and sorted once each.
"""

from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd

MOST = 2**62  # numbers that stand for several columns stay below
NO_DAY = 2**40  # after every day

Ranks = tuple[np.ndarray, int]  # of each row, from 0 on; and how many there may be


def taken(values: pd.Series, place: np.ndarray) -> pd.Series:
    """The value at each place."""
    return values.take(place).reset_index(drop=True)


def as_categories(values: pd.Series, place: np.ndarray) -> pd.Series:
    """The value at each place; categories are in order."""
    codes, distinct = pd.factorize(values, sort=True)
    return pd.Series(pd.Categorical.from_codes(codes[place], categories=pd.Index(distinct)))


def numbered(column: pd.Series) -> tuple[np.ndarray, pd.Index]:
    """Number of each value, -1 for a missing one, and the values that have them; some may stand in no row."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        return column.cat.codes.to_numpy().astype(np.int64), column.cat.categories
    codes, distinct = pd.factorize(column)
    return codes, pd.Index(distinct)


def stacked(columns: Sequence[pd.Series]) -> pd.Series:
    """Columns one below the other; where one holds categories, the whole does."""
    return pd.concat(_alike(columns), ignore_index=True)


def stacked_rows(frames: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Frames one below the other, each column as :func:`stacked`; missing where a frame lacks it."""
    frames = list(frames)
    for name in dict.fromkeys(str(name) for frame in frames for name in frame):
        having = [i for i, frame in enumerate(frames) if name in frame]
        for i, column in zip(having, _alike([frames[i][name] for i in having]), strict=True):
            frames[i] = frames[i].assign(**{name: column})
    return pd.concat(frames, ignore_index=True)


def _alike(columns: Sequence[pd.Series]) -> Sequence[pd.Series]:
    """The columns with the same categories, if one of them has any."""
    kinds = [column.dtype for column in columns if isinstance(column.dtype, pd.CategoricalDtype)]
    if not kinds or all(column.dtype == kinds[0] for column in columns):
        return columns
    distinct = pd.Index(pd.unique(np.concatenate([numbered(c)[1].to_numpy() for c in columns]))).sort_values()
    return [column.astype(pd.CategoricalDtype(distinct)) for column in columns]


def positions(index: pd.Index, keys: pd.Series) -> np.ndarray:
    """Position of each key in an index, -1 where it is not in it; int, length n."""
    codes, distinct = numbered(keys)
    return np.append(index.get_indexer(distinct), -1)[codes]


def looked_up(values: pd.Series, keys: pd.Series) -> pd.Series:
    """The value of each key (``keys.map(values)``); missing where there is none."""
    at = positions(values.index, keys)
    found = values.take(np.maximum(at, 0)) if len(values) else values.reindex(range(len(keys)))
    return found.set_axis(keys.index).where(at >= 0)


def ranks(column: pd.Series) -> Ranks:
    """Rank of each value among the distinct ones of a column, or a number that orders like it; missing is last."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        codes, distinct = numbered(column)
        rank = np.empty(len(distinct) + 1, np.int64)
        rank[np.append(distinct.argsort(), len(distinct))] = np.arange(len(distinct) + 1)
        return rank[codes], len(rank)
    if column.dtype.kind == "M":
        return _since_first(column)
    codes, distinct = pd.factorize(column, sort=True)
    return np.where(codes < 0, len(distinct), codes), len(distinct) + 1


def _since_first(dates: pd.Series) -> Ranks:
    """Days since the first of the dates; missing is the day after the last."""
    day, is_known = dates.to_numpy().astype("datetime64[D]").astype(np.int64), dates.notna().to_numpy()
    first = int(day.min(initial=NO_DAY, where=is_known))
    last = int(day.max(initial=first - 1, where=is_known))
    return np.where(is_known, day, last + 1) - first, last - first + 2


def combined(columns: Iterable[Ranks]) -> np.ndarray:
    """A number for each row that orders rows by the first column, then by the next; equal where all agree."""
    found, size = None, 1
    for own, n in columns:
        if found is not None and size > MOST // n:
            distinct, found = np.unique(found, return_inverse=True)
            size = len(distinct)
        found, size = own if found is None else found * n + own, size * n
    return np.zeros(0, np.int64) if found is None else found


def in_order(frame: pd.DataFrame, by: Iterable[str]) -> pd.DataFrame:
    """The rows sorted by columns, as ``sort_values(by, ignore_index=True)`` sorts them."""
    number = combined(ranks(frame[name]) for name in by)
    if (number[1:] < number[:-1]).any():
        frame = frame.take(np.argsort(number, kind="stable"))
    return frame.reset_index(drop=True)
