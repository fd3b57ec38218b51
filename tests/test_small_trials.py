"""Small trials, worked out by hand, from the files of a delivery to every number of them that is printed.

Outcomes are laid out and not drawn, so that what should come out is exact. Others are in the tests of the parts:
unknown receipt and subsidies (test_receive, test_unknown), returns (test_unknown), means of centres (test_names),
three arms (test_randomisation), digits as codes of strata (test_categories).
"""

import datetime as dt
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from ipseval.bound import bound
from ipseval.follow import follow
from ipseval.pipeline import measure
from ipseval.placebo import placebo
from ipseval.receive import receive
from ipseval.settings import read_cohort
from ipseval.synthesise import synthesise

RELATIVE: dict[str, Any] = {
    "layouts": {"employment": {"layout": "relative_monthly"}},
    "observed_until": "2030-12",
    "eligibility": {"not_employed_at_randomisation": False},
}


def made(folder: Path, trial: pd.DataFrame, employment: pd.DataFrame, **chosen: Any) -> dict[str, pd.DataFrame]:
    """Tables of the effects and of what stands beside them."""
    (folder / "extracts").mkdir()
    for name, frame in {"trial": trial, "employment": employment}.items():
        pq.write_table(pa.Table.from_pandas(frame, preserve_index=False), folder / "extracts" / f"{name}.parquet")
    content: dict[str, Any] = {
        "extracts": "extracts",
        "arms": {"reference": "control", "treatments": ["ips"]},
        "centres": {c: c for c in sorted(trial["centre"].unique())},
        "outcome": {"exclude_wage_subsidy": False},
        "event_study": {"period_months": 3},
        "bound": {"draws": 99},
        **chosen,
    }
    (folder / "small.yaml").write_text(yaml.safe_dump(content), encoding="utf-8")
    cohort = read_cohort(folder / "small.yaml")
    stages = measure(cohort)
    people, panel = stages["cohort"]["people"], stages["panel"]["panel"]
    found = follow(cohort, people, panel, stages["clean"]["employment"]) | placebo(cohort, people, panel)
    found |= bound(cohort, people, panel) | receive(cohort, people, panel, None)
    found |= synthesise(cohort, people, panel, stages["estimate"]["effects"])
    return found | stages["estimate"] | {"quality": stages["check"]["quality"]}


def people_of(cells: dict[tuple[str, ...], int], **columns: Any) -> pd.DataFrame:
    """Persons of each centre and arm (and stratum)."""
    names = ["centre", "arm", "stratum"][: len(next(iter(cells)))]
    rows = [(*cell, i) for cell, n in cells.items() for i in range(n)]
    people = pd.DataFrame(rows, columns=[*names, "i"])
    people = people.assign(person_id=[f"P{k:03d}" for k in range(len(people))], randomised_on=dt.date(2012, 1, 15))
    return people.assign(age=40.0, female=1.0, **columns)


def effects_of(found: dict[str, pd.DataFrame]) -> pd.Series:
    own = found["effects"].query("variance == 'cr1' and status == 'estimated'")
    return own.set_index(["analysis", "centre", "month_from"])["estimate"].astype(float)


# Months -3..6: six ways of a centre, as often in one arm as in the other. None: not observed.
EARLY = [[0, 0, 0, 0, 1, 1, 1, 1, 1, 1], [0, 1, 0, 0, 0, 1, 1, 1, 1, 1], [0, 0, 0, 0, 0, 0, 1, 1, 0, 0]]
EARLY += [[0, 0, 0, 0, 0, 0, 0, 0, 1, 1], [1, 0, 0, 0, 0, 0, 0, 0, 0, 0], [0, 0, 1, 0, 0, 1, 0, 1, 0, None]]
LATE = [[0] * 10, [0] * 10, [0, 0, 0, 0, 0, 0, 0, 0, 0, 1], [0] * 10, [0, 1, 1, 0, 0, 0, 0, 0, 0, 0]]
LATE += [[0] * 8 + [None] * 2]


def months_of(people: pd.DataFrame, ways: dict[str, list[list[int | None]]]) -> pd.DataFrame:
    """Employment by month since randomisation; ``None`` has no row."""
    rows = [
        {"person_id": person, "month": k - 3, "employed": state}
        for person, group, i in people[["person_id", "group", "i"]].itertuples(index=False)
        for k, state in enumerate(ways[group][i % 6])
        if state is not None
    ]
    return pd.DataFrame(rows)


@pytest.mark.parametrize("by", ["centre", "stratum", "centre and stratum"])
def test_where_nothing_works_nothing_comes_out_whatever_the_shares_assigned(by: str, tmp_path: Path) -> None:
    """4:1 in one half, 1:4 in the other, and outcomes that differ between halves only: centres, strata, or both."""
    ways = {"easy": EARLY, "hard": LATE}
    halves = {"easy": (24, 6), "hard": (6, 24)}
    place = {
        "centre": {"easy": [("A", "1")], "hard": [("B", "1")]},
        "stratum": {"easy": [("A", "1")], "hard": [("A", "2")]},
        "centre and stratum": {"easy": [("A", "1"), ("B", "2")], "hard": [("A", "2"), ("B", "1")]},
    }[by]
    cells = {
        (centre, arm, stratum): n
        for half, places in place.items()
        for centre, stratum in places
        for arm, n in zip(("ips", "control"), halves[half], strict=True)
    }
    people = people_of(cells)
    half = {(c, s): half for half, places in place.items() for c, s in places}
    people["group"] = [half[key] for key in zip(people["centre"], people["stratum"], strict=True)]
    months = months_of(people, ways)
    naive = months.merge(people, on="person_id").query("month >= 0").groupby("arm")["employed"].mean()
    assert naive["ips"] - naive["control"] > 0.2  # without the halves
    trial = people.drop(columns=["i", "group"])
    found = made(
        tmp_path, trial, months, window={"before": 3, "after": 6}, **RELATIVE, follow={"months": [3, 6]},
        bound={"months": [3, 6], "draws": 99}, analyses={"in_strata": {"months": "follow_up", "adjust": ["stratum"]}},
    )  # fmt: skip
    effects = effects_of(found)
    of_centres = ["pooled", "pooled_unadjusted", "centre_unadjusted", "by_month"]
    held = {"centre": [*of_centres, "in_strata"], "stratum": ["in_strata"], "centre and stratum": []}[by]
    for name in ("standardised", *held):
        assert np.abs(effects[name].to_numpy()).max() < 1e-12, name
    means = found["restricted_mean"].set_index("measure").loc["difference"]
    assert means["estimate"] == pytest.approx(0, abs=1e-12) and means["p_value"] == pytest.approx(1)
    sums = found["accumulated"].query("outcome == 'ordinary_months' and status == 'estimated'")["estimate"]
    assert len(sums) and np.abs(sums).max() < 1e-12
    events = found["event_study"].query("status == 'estimated'")["estimate"]
    assert len(events) == 3 and np.abs(events).max() < 1e-12
    known = found["missing_data"].query("status == 'estimated'")
    bounds = known.query("method == 'lee_lower' or method == 'lee_upper'")["estimate"]
    assert len(bounds) == 4 and np.abs(bounds).max() < 1e-12  # as many are lost in both arms: nothing is trimmed
    assert np.abs(known.query("method == 'observed'")["estimate"]).max() < 1e-12
    told = found["quality"].query("rule == 'uneven_allocation'")
    assert len(told) == 1
    is_said = found["effects"]["note"].str.contains("which this analysis does not hold")
    said = is_said.groupby(found["effects"]["analysis"]).any()
    assert said[of_centres].tolist() == [by != "centre"] * len(of_centres)
    assert not said[["standardised", "in_strata"]].any()
    if by == "centre and stratum":
        means = found["heterogeneity"].set_index("analysis").loc["centre_unadjusted"]
        assert means["n_centres"] == 2 and means["note"].endswith("which this analysis does not hold")


@pytest.mark.parametrize("months", [range(3, 7), range(-1, 2)])
def test_months_that_one_arm_is_not_observed_in_compare_nothing_unsaid(months: range, tmp_path: Path) -> None:
    """Work becomes more usual, and the treated are not observed late, or around randomisation: nothing works.

    Of rows that put unlike months side by side (no dummies for time, or dummies that centres share) the note says so.
    """
    people = people_of({(c, a): 12 for c in "AB" for a in ("ips", "control")})
    people["group"] = people["centre"].map({"A": "easy", "B": "hard"})
    every = months_of(people, {"easy": [*EARLY[:5], [0, 0, 1, 0, 0, 1, 0, 1, 0, 1]], "hard": [*LATE[:5], [0] * 10]})
    is_lost = every["person_id"].isin(people.loc[people["arm"] == "ips", "person_id"]) & every["month"].isin(months)
    found = made(
        tmp_path, people.drop(columns=["i", "group"]), every[~is_lost], window={"before": 3, "after": 6}, **RELATIVE,
        follow={"months": [3, 6]}, bound={"months": [3, 6], "draws": 99},
    )  # fmt: skip
    rows = found["effects"].query("status == 'estimated'")
    events = found["event_study"].query("status == 'estimated'")
    is_said = pd.concat([rows["note"], events["note"]]).str.contains("observed in unlike months")
    is_off = pd.concat([rows["estimate"], events["estimate"]]).astype(float).abs() > 1e-12
    assert is_off.any() and is_said[is_off].all()
    told = set(rows.loc[is_said[: len(rows)].to_numpy(), "analysis"])
    assert {"standardised", "adjustment_none", "table5_model_1"} <= told
    assert not {"pooled", "pooled_unadjusted", "centre_unadjusted", "by_month"} & told


def test_a_job_that_ended_before_the_day_is_nowhere(tmp_path: Path) -> None:
    """The treated had a job that ended 8 days before randomisation. A fifth of an arm find one in month 6."""
    people = people_of({(c, a): 20 for c in "AB" for a in ("ips", "control")}, randomised_on=dt.date(2012, 3, 28))
    ended = [
        (p, "E1", dt.date(2012, 3, 1), dt.date(2012, 3, 20))
        for p, a in people[["person_id", "arm"]].itertuples(index=False) if a == "ips"
    ]  # fmt: skip
    found_one = [(p, "E2", dt.date(2012, 9, 1), None) for p in people.loc[people["i"] % 5 == 0, "person_id"]]
    spells = pd.DataFrame(ended + found_one, columns=["person_id", "employer_id", "start_on", "end_on"])
    found = made(
        tmp_path, people.drop(columns="i"), spells.assign(weekly_hours=20.0), window={"before": 6, "after": 12},
        observed_from="2011-01", observed_until="2014-12", follow={"months": [12]}, bound={"months": [12], "draws": 99},
    )  # fmt: skip
    means = found["restricted_mean"].set_index(["measure", "arm"])["estimate"]
    assert means.loc["months_without_job"].tolist() == pytest.approx([0.8 * 13 + 0.2 * 6] * 2)
    assert means.loc[("difference", "ips")] == pytest.approx(0, abs=1e-12)
    assert np.abs(effects_of(found).to_numpy()).max() < 1e-12
    month_0 = found["effects"].query("analysis == 'by_month' and month_from == 0")
    assert set(month_0["status"]) == {"no_variation"}
    curve = found["time_to_job"].set_index(["arm", "month"])["share_with_job"]
    assert [curve.loc[("ips", k)] for k in (0, 5, 6, 12)] == pytest.approx([0, 0, 0.2, 0.2])


def test_rows_say_which_months_are_there(tmp_path: Path) -> None:
    """A register until June 2014; half of the persons are randomised in January 2012, half 12 months later."""
    people = people_of({(c, a): 12 for c in "AB" for a in ("ips", "control")})
    late = people["i"] >= 6
    people["randomised_on"] = np.where(late, dt.date(2013, 1, 15), dt.date(2012, 1, 15))
    start = {0: dt.date(2012, 6, 1), 1: dt.date(2014, 1, 1), 6: dt.date(2013, 3, 1)}  # also after the late ones' day
    rows = [
        (p, "E", start[i], None)
        for p, i, arm in people[["person_id", "i", "arm"]].itertuples(index=False)
        if i in start and (arm == "ips" or i != 1)
    ]  # fmt: skip
    spells = pd.DataFrame(rows, columns=["person_id", "employer_id", "start_on", "end_on"]).assign(weekly_hours=30.0)
    found = made(
        tmp_path, people.drop(columns="i"), spells, window={"before": 3, "after": 43}, observed_from="2011-01",
        observed_until="2014-06", follow={"months": [12, 43]}, bound={"months": [12], "draws": 99},
    )  # fmt: skip
    rows = found["effects"].query("variance == 'cr1'").set_index(["analysis", "centre", "month_from"])
    for row in (rows.loc[("pooled_unadjusted", "all", 0)], rows.loc[("centre_unadjusted", "A", 0)]):
        assert (row["month_to"], row["first_month"], row["last_month"]) == (43, 0, 29)
        assert row["note"] == "somebody is observed in months 0 to 29 only"
    assert rows.loc[("by_month", "all", 29), "status"] == "estimated"
    assert rows.loc[("by_month", "all", 30), "status"] == "no_observations"
    # In months 24..29 person 1 of the treated is in work, one of the six early ones of an arm and centre.
    assert rows.loc[("by_month", "all", 29), "estimate"] == pytest.approx(1 / 6)
    assert rows.loc[("by_month", "all", 23), "estimate"] == pytest.approx(0, abs=1e-12)
    assert rows.loc[("by_month", "all", 29), ["n_assigned", "n_control"]].tolist() == [12, 12]
    sums = found["accumulated"].query("outcome == 'ordinary_months' and variance == 'cr1'").set_index("month_to")
    assert sums.loc[12, "status"] == "estimated" and sums.loc[12, "estimate"] == pytest.approx(0, abs=1e-12)
    assert sums.loc[43, "status"] == "no_observations"
    means = found["restricted_mean"]
    bounds = found["missing_data"].set_index("method")["note"]
    assert bounds["worst_case"].iloc[0].endswith("nothing is missing within the register")
    assert bounds["lee_lower"] == "nothing is missing"  # in month 12 everybody could be observed
    assert set(means["month_to"]) == {29} and means["note"].str.contains("after month 29").all()


def test_unknown_hours_leave_a_person_out_of_every_sum_and_are_named(tmp_path: Path) -> None:
    """At least 20 hours are asked for, and in a quarter of the treated's jobs they are not known."""
    people = people_of({(c, a): 12 for c in "AB" for a in ("ips", "control")})
    hours = np.where((people["arm"] == "ips") & (people["i"] % 4 == 0), np.nan, 30.0)
    jobs = pd.DataFrame({"person_id": people["person_id"], "employer_id": "E", "start_on": dt.date(2012, 3, 1)})
    jobs = jobs.assign(end_on=None, weekly_hours=hours)[people["i"] % 2 == 0]
    found = made(
        tmp_path, people.drop(columns="i"), jobs, window={"before": 3, "after": 6}, follow={"months": [6]},
        outcome={"exclude_wage_subsidy": False, "min_weekly_hours": 20}, observed_from="2011-01",
        observed_until="2013-12", bound={"months": [6], "draws": 99},
    )  # fmt: skip
    sums = found["accumulated"].query("variance == 'cr1'").set_index("outcome")
    assert sums[["n_assigned", "n_control"]].to_numpy().tolist() == [[18, 24]] * 4
    said = "left out: months of jobs whose hours are not known"
    assert (sums["note"] == said).all()
    bounds = found["missing_data"].set_index("method")["note"].str
    assert bounds.contains(said)[["complete_case", "indicator", "observed"]].all()
    assert not bounds.contains(said)[["worst_case", "best_case"]].any() and not bounds.contains("nothing is").any()
    # of those 18 a third has a job of 30 hours, of 24 half: in months 2..6 of 1..6
    assert sums.loc["weekly_hours", "estimate"] == pytest.approx((1 / 3 - 1 / 2) * 30 * 5 / 6)
    assert sums.loc["ordinary_months", "estimate"] == pytest.approx((1 / 3 - 1 / 2) * 5)
