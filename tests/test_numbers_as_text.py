"""Numbers as text: a mark that may be of thousands is never guessed."""

import math

import pyarrow as pa
import pytest

from ipseval.registers.cells import Written
from ipseval.registers.convert import convert
from ipseval.registers.numbers import as_numbers


def numbers(values: list[str | None], **said: str) -> tuple[list[float | None], str | None]:
    made = as_numbers(pa.chunked_array([pa.array(values)]), Written(**said))
    return [None if math.isnan(value) else value for value in made.values], made.fixed


@pytest.mark.parametrize(
    "values",
    [
        ["412,300", "95,000", None],
        ["412.300", "1.234.567"],
        ["297.169", "950", "12,5"],
        ["1,234.5", "7"],
        ["37.500"],
        ["-12.000", "+1.000"],
    ],
)
def test_a_mark_that_may_be_of_thousands_is_unclear(values: list[str | None]) -> None:
    assert numbers(values)[1] == "unclear_number"


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (["12,5", "297,169", "7"], [12.5, 297.169, 7]),
        (["0.125", "0.500"], [0.125, 0.5]),
        (["0100.250", "1.5"], [100.25, 1.5]),
        (["950", "-3", " 12 "], [950, -3, 12]),
        (["12,", ",5"], [12, 0.5]),
    ],
)
def test_a_mark_that_can_only_be_of_decimals_is_read(values: list[str], expected: list[float]) -> None:
    assert numbers(values) == (expected, "converted_type")


@pytest.mark.parametrize(
    ("said", "values", "expected"),
    [
        ({"thousands": ","}, ["412,300", "1,234,567.25", "95"], [412300, 1234567.25, 95]),
        ({"thousands": "."}, ["297.169", "950", "12,5"], [297169, 950, 12.5]),
        ({"decimal": ","}, ["37,500", "20"], [37.5, 20]),
        ({"decimal": ".", "thousands": " "}, ["412 300", "412\u00a0300", "1\u202f000.5"], [412300, 412300, 1000.5]),
        ({"thousands": "'"}, ["1'000'000"], [1000000]),
        ({"decimal": ",", "thousands": "."}, ["12.5", "1.23", "1.2345,6", "1,5,5"], [None] * 4),
    ],
)
def test_declared_marks_are_followed_and_what_does_not_fit_them_fails(
    said: dict[str, str], values: list[str], expected: list[float | None]
) -> None:
    assert numbers(values, **said) == (expected, "converted_type")


def test_a_mapping_of_codes_does_not_hide_that_a_number_is_unclear() -> None:
    column = pa.chunked_array([pa.array(["412,300", "none"])])
    assert convert(column, "number", {"none": "0"}).fixed == "unclear_number"
