"""Organisation: groups of centres by the file, exact tests against SciPy, the printed coefficients of table 5."""

import math
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from scipy.stats import permutation_test

from ipseval.errors import UserError
from ipseval.places.organisation import exact_test, organisation_table, organisation_tests
from ipseval.settings import ROOT, cohort_settings, read_cohort

DEFAULT = ROOT / "config" / "cohorts" / "norway-six-centre.yaml"
PRINTED = {"1": 0.151, "2": 0.043, "3": 0.117, "4": -0.035, "5": 0.061, "6": 0.132}  # table 5, model 1


def of_rows(folder: Path, rows: str, effects: Mapping[str, float], **more: object) -> pd.DataFrame:
    """The tests of a cohort of as many centres as there are effects."""
    (folder / "organisation.csv").write_text("centre,characteristic,text,code,source,date\n" + rows, encoding="utf-8")
    content = {
        "extracts": "x",
        "arms": {"reference": "a", "treatments": ["b"]},
        "centres": {centre: f"Centre {centre}" for centre in effects},
        "organisation": "organisation.csv",
        **more,
    }
    (folder / "cohort.yaml").write_text(yaml.safe_dump(content), encoding="utf-8")
    return pd.DataFrame(organisation_tests(read_cohort(folder / "cohort.yaml"), "b", effects))


# --- the default cohort ------------------------------------------------------------------------------


def test_owners_compared_by_the_printed_coefficients() -> None:
    rows = pd.DataFrame(organisation_tests(read_cohort(DEFAULT), "ips", PRINTED)).set_index("characteristic")
    owner = rows.loc["owner"]
    assert (owner["group"], owner["other_group"]) == ("specialist_health", "nav")
    assert round(owner["mean_group"], 4) == 0.0827 and round(owner["mean_other"], 4) == 0.0737
    assert round(owner["difference"], 4) == 0.0090
    assert (owner["n_as_large"], owner["n_assignments"], owner["p_value"]) == (18, 20, 0.9)
    assert owner["smallest_p"] == pytest.approx(0.10)
    # Two values each: hospital 2, 3, 6 and DPS 2, 3, 5, 6 among the partners; NAV at all but 2. A municipality at all.
    sizes = {name: (row["n_centres_group"], row["n_centres_other"]) for name, row in rows.iterrows()}
    assert sizes == {
        "owner": (3, 3), "partner_nav": (5, 1), "partner_hospital": (3, 3), "partner_dps": (4, 2),
        "running_2021": (4, 2),
    }  # fmt: skip
    assert rows.loc["partner_hospital", "mean_group"] == pytest.approx((0.043 + 0.117 + 0.132) / 3)
    floors = {"partner_nav": 1 / 6, "partner_hospital": 2 / 20, "partner_dps": 1 / 15}
    assert {name: rows.loc[name, "smallest_p"] for name in floors} == pytest.approx(floors)
    # What is known of 2021 is of a time after the follow-up, which ends in 2018.
    assert rows.loc["running_2021", "status"] == "later_than_follow_up" and math.isnan(
        rows.loc["running_2021", "p_value"]
    )
    assert rows["n_compared"].eq(4).all()


def test_the_default_cohorts_table_is_that_of_the_report() -> None:
    table = organisation_table(read_cohort(DEFAULT))
    owner = table[table["characteristic"] == "owner"].set_index("centre")["value"].to_dict()
    nav = {"2": "NAV (kommune)", "3": "NAV (fylke)", "5": "NAV (fylke)"}
    assert owner == nav | dict.fromkeys(["1", "4", "6"], "Spesialisthelsetjenesten")
    partners = table[table["characteristic"] == "partners"].set_index("centre")["code"]
    assert partners["6"] == "nav;municipality;hospital;dps"
    located = table[table["characteristic"] == "job_specialists_located"]
    assert "4" not in set(located["centre"])  # the source does not say where


# --- exact tests --------------------------------------------------------------------------------------


@pytest.mark.parametrize(("a", "b", "seed"), [(3, 3, 0), (2, 4, 2), (4, 6, 3), (7, 2, 4)])
def test_p_is_that_of_scipy(a: int, b: int, seed: int) -> None:
    effects = np.random.default_rng(seed).normal(size=a + b).round(2)

    def apart(x: np.ndarray, y: np.ndarray, axis: int = -1) -> np.ndarray:
        return np.abs(x.mean(axis=axis) - y.mean(axis=axis))

    found = exact_test(effects[:a], effects[a:])
    theirs = permutation_test(
        (effects[:a], effects[a:]), apart, n_resamples=np.inf, alternative="greater", vectorized=True
    )
    assert found.n_as_large / found.n_assignments == pytest.approx(theirs.pvalue)
    assert found.n_assignments == math.comb(a + b, a)


@pytest.mark.parametrize(("a", "b", "floor"), [(3, 3, 2 / 20), (1, 5, 1 / 6), (2, 4, 1 / 15), (1, 1, 2 / 2)])
def test_the_smallest_p_is_reached_by_the_largest_difference(a: int, b: int, floor: float) -> None:
    effects = 2.0 ** np.arange(a + b)[::-1]  # no two sums are alike, and the first a are the largest
    found = exact_test(effects[:a], effects[a:])
    assert found.n_as_large / found.n_assignments == found.smallest_p == pytest.approx(floor)


def test_equal_effects_are_as_large_under_every_assignment() -> None:
    assert exact_test(np.full(3, 0.1), np.full(3, 0.1)).n_as_large == 20


# --- which characteristics are compared ----------------------------------------------------------------

EFFECTS = {"1": 0.1, "2": 0.2, "3": 0.4}


@pytest.mark.parametrize(
    ("codes", "more", "expected"),
    [
        (("x", "y", "y"), {}, [("x", "y")]),
        (("false", "true", "true"), {}, [("true", "false")]),
        (("x", "y", "z"), {}, []),
        (("x", "x", "x"), {}, []),
        (("x;y", "y", "y"), {}, []),
        (("x;y", "y", "z"), {"organisation_groups": {"c": {"both": ["x;y"], "one": ["y", "z"]}}}, [("both", "one")]),
    ],
)
def test_two_values_or_declared_groups_are_compared(codes, more, expected, tmp_path: Path) -> None:
    rows = "".join(f"{centre},c,,{value},,\n" for centre, value in zip(EFFECTS, codes, strict=True))
    found = of_rows(tmp_path, rows, EFFECTS, **more)
    assert [(row["group"], row["other_group"]) for row in found.to_dict("records")] == expected


def test_a_centre_of_which_nothing_is_known_is_in_no_group(tmp_path: Path) -> None:
    (row,) = of_rows(tmp_path, "1,c,,x,,\n2,c,,y,,\n3,c,not said,,,\n", EFFECTS).to_dict("records")
    assert (row["n_centres_group"], row["n_centres_other"], row["n_assignments"]) == (1, 1, 2)


def test_a_group_without_an_effect_keeps_its_row(tmp_path: Path) -> None:
    rows = "1,c,,x,,\n2,c,,y,,\n3,c,,y,,\n"
    of_rows(tmp_path, rows, EFFECTS)
    found = pd.DataFrame(organisation_tests(read_cohort(tmp_path / "cohort.yaml"), "b", {"2": 0.2, "3": 0.4}))
    assert found["status"].tolist() == ["one_group"] and found["n_compared"].tolist() == [0]


@pytest.mark.parametrize(
    ("rows", "more", "says"),
    [
        ("4,c,,x,,\n", {}, "centre is '4', which is no centre."),
        ("1,,,x,,\n", {}, "characteristic is empty."),
        ("1,c,,x,,\n1,c,,y,,\n", {}, "line 3: c of centre 1 stands twice."),
        ("1,c,,x,,16\n", {}, "date is '16'."),
        ("1,c,,x,,\n", {"organisation_groups": {"d": {"a": ["x"], "b": ["y"]}}}, "d is no characteristic of the file"),
        ("1,c,,x,,\n2,c,,y,,\n", {"organisation_groups": {"c": {"a": ["x"], "b": ["z"]}}},
         "names 'z', which no centre has."),
        ("1,c,,x,,\n2,c,,y,,\n3,c,,z,,\n", {"organisation_groups": {"c": {"a": ["x"], "b": ["y"]}}},
         "does not say where 'z' belongs."),
        ("1,c,,x,,\n", {"organisation_groups": {"c": {"a": ["x"], "b": ["x"]}}}, "names 'x' twice."),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused(rows: str, more: dict, says: str, tmp_path: Path) -> None:
    with pytest.raises(UserError) as raised:
        of_rows(tmp_path, rows, EFFECTS, **more)
    assert says in str(raised.value)


def test_groups_of_no_file_are_refused(tmp_path: Path) -> None:
    content = {"extracts": "x", "arms": {"reference": "a", "treatments": ["b"]}, "centres": {1: "N"}}
    groups = {"organisation_groups": {"c": {"a": ["x"], "b": ["y"]}}}
    (tmp_path / "cohort.yaml").write_text(yaml.safe_dump(content | groups), encoding="utf-8")
    with pytest.raises(UserError, match="organisation_groups names groups of no file"):
        cohort_settings(tmp_path / "cohort.yaml")
