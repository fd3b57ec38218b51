"""Keys of persons in every type that holds them: all rows are found, or the run says why they cannot be."""

import hashlib
import random
import uuid
from collections.abc import Callable, Iterable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest

from deliveries import Delivery, Outcome, good, outcome
from ipseval.errors import UserError

Spell = Callable[[str], Any]
LONG = {key: random.Random(key).randrange(-(2**63), 2**63) for key in good().column("trial", "person_id")}


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    return outcome(good().write(tmp_path_factory.mktemp("good")))


def spelled(spell: Spell, kind: pa.DataType | None = None, extracts: Iterable[str] = ()) -> Delivery:
    """The good delivery with other keys in some extracts, or in all."""
    delivery = good()
    for extract in extracts or delivery.tables:
        delivery.map(extract, "person_id", spell, kind)
    return delivery


def by_person(panel: pd.DataFrame, names: Callable[[str], Any] = str) -> pd.DataFrame:
    """The panel by outcome and person, whatever order keys are in."""
    named = panel.assign(person_id=[str(names(key)) for key in panel["person_id"]])
    return named.sort_values(["outcome", "person_id"]).reset_index(drop=True)


def digest(key: str) -> bytes:
    return hashlib.md5(key.encode(), usedforsecurity=False).digest()


def identity(key: str) -> bytes:
    return uuid.UUID(bytes=digest(key)).bytes


SAME_EVERYWHERE = {
    "64-bit": (LONG.get, pa.int64(), LONG.get),
    "64-bit without a sign": (lambda k: LONG[k] % 2**64, pa.uint64(), lambda k: LONG[k] % 2**64),
    "negative": (lambda k: -int(k[1:]), pa.int32(), lambda k: -int(k[1:])),
    "decimal of 30 digits": (
        lambda k: Decimal(LONG[k]) * 10**11, pa.decimal128(38, 0), lambda k: LONG[k] * 10**11),
    "decimal with places": (lambda k: Decimal(LONG[k]), pa.decimal128(30, 4), LONG.get),
    "long numbers as text": (lambda k: str(LONG[k]), pa.string(), LONG.get),
    "fixed bytes": (digest, pa.binary(16), lambda k: digest(k).hex()),
    "bytes": (digest, pa.binary(), lambda k: digest(k).hex()),
    "large text": (str, pa.large_string(), str),
    "text with accents": (lambda k: f"ø{k}å", pa.string(), lambda k: f"ø{k}å"),
}  # fmt: skip


@pytest.mark.parametrize("name", SAME_EVERYWHERE)
def test_all_rows_are_found_whatever_type_holds_the_keys(name: str, expected: Outcome, tmp_path: Path) -> None:
    spell, kind, names = SAME_EVERYWHERE[name]
    found = outcome(spelled(spell, kind).write(tmp_path))
    pd.testing.assert_frame_equal(by_person(found.panel), by_person(expected.panel, names))
    assert found.counts("person_not_in_trial") == expected.counts("person_not_in_trial")


def test_universal_identifiers_are_keys(expected: Outcome, tmp_path: Path) -> None:
    delivery = good()
    for extract in delivery.tables:
        own = pa.array([identity(key) for key in delivery.column(extract, "person_id")], pa.binary(16))
        delivery.replace(extract, "person_id", pa.ExtensionArray.from_storage(pa.uuid(), own))
    found = outcome(delivery.write(tmp_path))
    named = by_person(expected.panel, lambda key: uuid.UUID(bytes=identity(key)))
    pd.testing.assert_frame_equal(by_person(found.panel), named)


MIXED = {
    "numbers against text": (lambda k: str(LONG[k]), pa.string(), LONG.get, pa.int64()),
    "text against numbers": (LONG.get, pa.int64(), lambda k: str(LONG[k]), pa.string()),
    "decimals against numbers": (LONG.get, pa.int64(), lambda k: Decimal(LONG[k]), pa.decimal128(20, 0)),
    "floats of short numbers": (lambda k: int(k[1:]), pa.int64(), lambda k: float(k[1:]), pa.float64()),
    "hexadecimal against bytes": (lambda k: digest(k).hex(), pa.string(), digest, pa.binary(16)),
    "bytes filled up with blanks": (str, pa.string(), lambda k: k.ljust(16).encode(), pa.binary(16)),
    "a blank before": (str, pa.string(), lambda k: f" {k}", pa.string()),
    "the end of a line behind": (str, pa.string(), lambda k: f"{k}\r", pa.string()),
    "zeros and a tabulator": (lambda k: k[1:], pa.string(), lambda k: f"\t{k[1:]}", pa.string()),
    "zeros and blanks": (lambda k: k[1:], pa.string(), lambda k: f"{int(k[1:]):09d}   ", pa.string()),
}


@pytest.mark.parametrize("name", MIXED)
def test_keys_of_the_trial_are_found_under_another_type(name: str, expected: Outcome, tmp_path: Path) -> None:
    of_trial, kind, of_register, other = MIXED[name]
    delivery = good()
    for extract in delivery.tables:
        own = (of_trial, kind) if extract == "trial" else (of_register, other)
        delivery.map(extract, "person_id", *own)
    found = outcome(delivery.write(tmp_path))
    pd.testing.assert_frame_equal(by_person(found.panel), by_person(expected.panel, lambda k: of_trial(k)))


def test_blanks_are_trimmed_and_counted_where_the_footer_shows_none(expected: Outcome, tmp_path: Path) -> None:
    delivery = good()
    keys = delivery.column("employment", "person_id")
    low, high = min(keys), max(keys)
    blanks = ["{}   ", "\u00a0{}", "{}\u00a0", "\t{}", "{}\n", "{}\r\n", "{}\0", " {} "]
    padded = [key if key in (low, high) else blanks[i % len(blanks)].format(key) for i, key in enumerate(keys)]
    delivery.replace("employment", "person_id", padded)
    found = outcome(delivery.write(tmp_path))
    pd.testing.assert_frame_equal(found.panel, expected.panel)
    assert found.counts("key_blanks", "employment")[0] == sum(key not in (low, high) for key in keys)


@pytest.mark.parametrize("extract", ["trial", "employment"])
def test_a_type_that_makes_neighbouring_keys_one_stops(extract: str, tmp_path: Path) -> None:
    delivery = spelled(lambda k: 2**60 + int(k[1:]), pa.int64())
    delivery.map(extract, "person_id", float, pa.float64())
    with pytest.raises(UserError, match=rf"longer than {extract}.parquet can hold exactly: its person_id is double"):
        outcome(delivery.write(tmp_path))


def test_short_floats_stop_from_fewer_digits_on(tmp_path: Path) -> None:
    delivery = spelled(lambda k: 2**25 + int(k[1:]), pa.int64())
    delivery.map("employment", "person_id", float, pa.float32())
    with pytest.raises(UserError, match=r"its person_id is float, so that"):
        outcome(delivery.write(tmp_path))


@pytest.mark.parametrize("kind", [pa.decimal256(50, 0), pa.list_(pa.int64()), pa.timestamp("us")])
def test_a_type_that_holds_no_keys_stops(kind: pa.DataType, tmp_path: Path) -> None:
    delivery = spelled(lambda k: int(k[1:]), pa.int64())
    n = delivery.tables["employment"].num_rows
    value = [1] if pa.types.is_list(kind) else Decimal(1) if pa.types.is_decimal(kind) else 1
    delivery.replace("employment", "person_id", pa.array([value] * n, kind))
    with pytest.raises(UserError, match=r"employment.parquet holds person_id as .*, which cannot tell keys apart"):
        outcome(delivery.write(tmp_path))
