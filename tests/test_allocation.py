"""The check of the share assigned: trials of known shares, and the words that people read."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from ipseval.config import Cohort
from ipseval.registers import allocation
from ipseval.registers.findings import Findings
from test_strata import cohort_of

EVEN = {("A", "ips"): 40, ("A", "control"): 42, ("B", "ips"): 21, ("B", "control"): 20}
BY_CENTRE = {("A", "ips"): 80, ("A", "control"): 20, ("B", "ips"): 20, ("B", "control"): 80}


def found_in(trial: pd.DataFrame, cohort: Cohort) -> Findings:
    found = Findings(cohort)
    allocation.check(trial, cohort, found)
    return found


def trial(cells: dict[tuple[str, str], int], late: dict[str, int] | None = None) -> pd.DataFrame:
    """Persons of centres and arms; of an arm one person in so many is in the stratum ``late``, in every centre."""
    rows = [(c, a, i) for (c, a), n in cells.items() for i in range(n)]
    table = pd.DataFrame(rows, columns=["centre", "arm", "i"]).sample(frac=1, random_state=1, ignore_index=True)
    if late:
        is_late = table["i"] % table["arm"].map(late) == 0
        table["stratum"] = np.where(is_late, "late", "early")
    return table.drop(columns="i")


def rules(found: Findings) -> dict[str, str]:
    """Rule -> sentence, in the order of the findings."""
    table = found.table()
    assert set(table["rule"]) <= {"share_assigned", "uneven_allocation"}
    return {("uneven" if "more than chance" in text else "shares"): text for _, text in found.said}


def test_shares_by_centre_are_told_and_even_ones_are_no_warning(tmp_path: Path) -> None:
    found = found_in(trial(EVEN), cohort_of(tmp_path, "AB"))
    (text,) = rules(found).values()
    assert text == "61 of 123 persons are assigned to ips: 49 % in A, 51 % in B (as it is)."
    rows = found.table()[["column", "n_rows", "n_persons", "action"]].to_numpy().tolist()
    assert rows == [["ips in A", 82, 40, "note"], ["ips in B", 41, 21, "note"]]


def test_shares_that_differ_between_centres_are_a_warning_that_says_who_compares_within(tmp_path: Path) -> None:
    text = rules(found_in(trial(BY_CENTRE), cohort_of(tmp_path, "AB")))["uneven"]
    assert "differs between centres by more than chance: every analysis compares within centres" in text


@pytest.mark.parametrize("asked", [False, True])
def test_shares_that_differ_between_strata_name_the_analyses_that_hold_them(asked: bool, tmp_path: Path) -> None:
    """A third of those assigned and two thirds of the others are early in both centres: 1:2 and 2:1."""
    own = {"analyses": {"mine": {"months": "follow_up", "adjust": ["age", "stratum"]}}} if asked else {}
    found = found_in(trial(EVEN, {"ips": 2, "control": 7}), cohort_of(tmp_path, "AB", **own))
    text = rules(found)["uneven"]
    assert "differs between centres and strata by more than chance" in text
    assert ("mine" in text, "standardised" in text, "time to a first job" in text) == (asked, True, True)
    assert "every other analysis holds the centre alone" in text
    shares = found.table().query("rule == 'share_assigned'").set_index("column")
    assert shares.loc["ips in A / late", ["n_rows", "n_persons"]].tolist() == [20 + 6, 20]
    assert len(shares) == 4


def test_every_treatment_has_its_shares_and_one_cell_has_none(tmp_path: Path) -> None:
    cells = {("A", "ips"): 8, ("A", "plus"): 16, ("A", "control"): 8, ("B", "ips"): 5, ("B", "plus"): 5}
    found = found_in(trial(cells | {("B", "control"): 10}), cohort_of(tmp_path, "AB", ("ips", "plus")))
    assert [text.split(" (")[0] for _, text in found.said] == [
        "13 of 52 persons are assigned to ips: 25 % in A, 25 % in B",
        "21 of 52 persons are assigned to plus: 50 % in A, 25 % in B",
    ]
    assert not found_in(trial({("A", "ips"): 8, ("A", "control"): 8}), cohort_of(tmp_path, "A")).said


def test_who_is_left_out_has_no_share_and_unknown_strata_are_a_cell(tmp_path: Path) -> None:
    table = trial(EVEN, {"ips": 2, "control": 2}).assign(left_out=0)
    table.loc[table.index[:3], "left_out"] = 1
    table.loc[table.index[3:13], "stratum"] = None
    shares = found_in(table, cohort_of(tmp_path, "AB")).table().query("rule == 'share_assigned'")
    assert shares["n_rows"].sum() == 120
    assert shares.loc[shares["column"].str.contains("no stratum"), "n_rows"].sum() == 10


def test_the_test_of_chance_is_pearsons(tmp_path: Path) -> None:
    table = trial(BY_CENTRE, {"ips": 3, "control": 2})
    theirs = stats.chi2_contingency(pd.crosstab(table["stratum"], table["arm"]), correction=False).pvalue
    assert allocation.chance(table["stratum"], table["arm"]) == pytest.approx(theirs, rel=1e-10)
    parts = [
        stats.chi2_contingency(pd.crosstab(own["stratum"], own["arm"]), correction=False).statistic
        for _, own in table.groupby("centre")
    ]
    within = allocation.chance(table["stratum"], table["arm"], table["centre"])
    assert within == pytest.approx(stats.chi2.sf(sum(parts), 2), rel=1e-10)
    assert allocation.chance(table["centre"] * 0, table["arm"]) == 1
