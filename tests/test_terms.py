"""Terms of regressions: records that no code takes apart again, whatever signs a cohort's own codes hold."""

import io

import numpy as np
import pandas as pd
import pytest

from ipseval import store, terms
from ipseval.estimation import second_engine
from ipseval.terms import Parts

AWKWARD = ["[1]", "]", "a]:centre[b", "1:2", "x[", " ", "all]", "assigned[ips]", "0", "æ ø"]


def as_read(term: terms.Term) -> Parts:
    """The parts of a term as they come back from a CSV file."""
    table = pd.DataFrame([{"term": str(term), **term.columns}])
    return terms.parts_of(pd.read_csv(io.StringIO(store.as_csv(table)), dtype="str", keep_default_na=False).iloc[0])


def test_texts_are_those_of_the_contract():
    assert terms.intercept() == "intercept"
    assert terms.covariate("age") == "age"
    assert terms.covariate("education", "higher") == "education[higher]"
    assert terms.of_centre("2") == "centre[2]"
    assert terms.assigned("ips", "1") == "assigned[ips]:centre[1]"
    assert terms.assigned("ips") == "assigned[ips]"
    assert terms.of_time("calendar_year", 2014) == "calendar_year[2014]"
    assert terms.moderated("ips", terms.covariate("age")) == "assigned[ips]:centred[age]"
    assert terms.of_subgroup("ips", "member") == "assigned[ips]:member"


@pytest.mark.parametrize("code", AWKWARD)
def test_parts_come_back_from_a_file_whatever_the_code(code):
    for term in (terms.assigned("ips", code), terms.assigned(code), terms.of_centre(code), terms.covariate("x", code)):
        assert as_read(term) == term.parts


@pytest.mark.parametrize("code", AWKWARD)
def test_the_second_engine_makes_the_columns_of_awkward_codes(code):
    rows = pd.DataFrame({"centre": [code, "2", code], "arm": ["ips", "ips", "control"], "age": [20.0, 30.0, 40.0]})
    chosen = [terms.of_centre(code), terms.assigned("ips", code), terms.moderated("ips", terms.covariate("age"))]
    Z = second_engine.columns(rows, {str(term): term.parts for term in chosen})
    assert np.array_equal(Z.to_numpy(), [[1, 1, -10], [0, 0, 0], [1, 0, 0]])


def test_terms_of_two_kinds_may_have_one_text_and_are_told_apart():
    assert terms.of_centre("2").parts != terms.covariate("centre", "2").parts
