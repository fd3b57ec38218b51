"""Columns of a delivery that nothing reads: their types, and how many values the trial's persons have in them."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np

from ipseval.registers.delivered import Delivery
from ipseval.registers.extracts import PRESENT, Part

MOST_BYTES = 10**8  # of a delivery whose unread columns are counted while the others are read
FAMILY = 3  # names of unread columns that differ in digits only stand as one when there are more


def names(delivery: Delivery, used: Iterable[Sequence[str]]) -> list[str]:
    """Delivered columns that have none of the names that are read, in the order of the files."""
    taken = {name for asked in used for file in delivery.files for name in file.called(asked)}
    return [name for name in delivery.columns if name not in taken]


def counted(delivery: Delivery, unused: Sequence[str]) -> Sequence[str]:
    """Those whose values are counted: none of a large delivery, which would take longer to read."""
    return unused if sum(file.n_bytes for file in delivery.files) <= MOST_BYTES else ()


def values(delivery: Delivery, unused: Sequence[str], parts: Sequence[Part]) -> dict[str, int | None]:
    """Number of values of each column, or of each family of columns, as it is called; None where not counted."""
    kinds = {name: next(str(f.types[name]) for f in delivery.files if name in f.types) for name in unused}
    found: dict[str, int | None] = {}
    for family, members in _families(unused).items():
        more = f", {len(members)} columns" if len(members) > 1 else ""
        is_counted = bool(counted(delivery, unused))
        found[f"{family} ({kinds[members[0]]}{more})"] = sum(_count(m, parts) for m in members) if is_counted else None
    return found


def _count(name: str, parts: Sequence[Part]) -> int:
    columns = (part.table[PRESENT + name] for part in parts if PRESENT + name in part.table.column_names)
    return sum(int(np.count_nonzero(column.to_numpy())) for column in columns)


def told(delivery: Delivery, unused: Sequence[str], parts: Sequence[Part]) -> dict[str, str]:
    """Column, or family of columns, with its type -> number of values in words; empty where not counted."""
    found = values(delivery, unused, parts)
    return {name: "" if n is None else f"{n} value{'s' if n != 1 else ''}" for name, n in found.items()}


def worded(found: Mapping[str, str]) -> Iterator[str]:
    """``occupation (int32, 120 values)``."""
    for name, counted_as in found.items():
        yield f"{name.removesuffix(')')}, {counted_as})" if counted_as else name


def _families(unused: Sequence[str]) -> dict[str, list[str]]:
    """Names of many columns that differ in digits only are taken together under a pattern."""
    by_shape: dict[str, list[str]] = {}
    for name in unused:
        by_shape.setdefault(re.sub(r"\d+", "*", name), []).append(name)
    found: dict[str, list[str]] = {}
    for shape, members in by_shape.items():
        found |= {shape: members} if len(members) > FAMILY else {name: [name] for name in members}
    return found
