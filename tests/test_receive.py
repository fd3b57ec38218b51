"""Receipt counted by hand; complier effects against estimatr, linearmodels on person-months, and closed forms.

Tolerances: the same normal equations in other arithmetic, 1e-9; what R printed to 15 digits, 1e-9.
"""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml

from ipseval.config import Cohort
from ipseval.estimation.complier import complier_effects
from ipseval.panel import MONTH_COLUMN
from ipseval.receive import NEVER, receive
from ipseval.settings import read_cohort

REFERENCE = Path(__file__).parent / "reference"
NUMBERS = ["estimate", "std_error", "df", "p_value", "ci_low", "ci_high"]


def cohort_of(folder: Path, treatments: tuple[str, ...] = ("ips",), after: int = 9, **receipt: Any) -> Cohort:
    """A cohort of two centres with a window 0..after and these choices of receipt."""
    content = {
        "extracts": "extracts",
        "arms": {"reference": "control", "treatments": list(treatments)},
        "centres": {1: "North", 2: "South"},
        "window": {"before": 0, "after": after},
        "receipt": {"split_month": 4} | receipt,
    }
    file = folder / "north.yaml"
    file.write_text(yaml.safe_dump(content), encoding="utf-8")
    return read_cohort(file)


# --- who received ---

PEOPLE = pd.DataFrame(
    {
        "person_id": list("abcdefgh"),
        "centre": list("11112222"),
        "arm": ["ips", "ips", "ips", "control", "ips", "ips", "control", "control"],
        "randomised_on": pd.to_datetime(["2013-03-20"] * 8),
        "is_analysed": [True] * 7 + [False],
        "age": 40.0,
        "female": 0.0,
    }
)
SPELLS = [
    ("a", "IPS", "2013-03-25", "2013-05-01"),  # months 0..2
    ("a", "IPS", "2013-10-01", None),  # again from month 7 on
    ("b", "IPS", "2012-01-01", "2013-03-20"),  # ran on the day of randomisation: month 0
    ("c", "IPS", "2013-01-01", "2013-03-19"),  # over on the day before
    ("d", "IPS+", "2013-08-01", "2013-08-01"),  # a control, one day in month 5
    ("e", "school", "2013-04-01", None),  # another service
    ("f", "IPS", "2014-01-01", None),  # month 10: after the window
    ("h", "IPS", "2013-04-01", None),  # is not analysed
]


def spells(rows: list[tuple] = SPELLS) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=["person_id", "service", "start_on", "end_on"])
    dates = {name: pd.to_datetime(frame[name]).astype("datetime64[s]") for name in ("start_on", "end_on")}
    return frame.assign(**dates, is_observed=1)


def panel_of(people: pd.DataFrame, states: np.ndarray) -> pd.DataFrame:
    months = pd.DataFrame(states, columns=[MONTH_COLUMN.format(k) for k in range(states.shape[1])], dtype="int8")
    return pd.concat([people[["person_id"]].assign(outcome="ordinary_employment"), months], axis=1)


def received(cohort: Cohort, services: pd.DataFrame | None) -> dict[str, pd.DataFrame]:
    states = np.random.default_rng(1).integers(0, 2, (len(PEOPLE), cohort.window.after + 1))
    return receive(cohort, PEOPLE, panel_of(PEOPLE, states), services)


def test_receipt_is_counted_as_by_hand(tmp_path: Path) -> None:
    table = received(cohort_of(tmp_path, services={"ips": ["IPS", "IPS+"]}), spells())["receipt"]
    rows = table.set_index(["month_from", "month_to", "centre", "arm"])[["n_persons", "n_received", "n_started"]]
    wanted = {
        (0, 9): {("1", "control"): (1, 1, 1), ("1", "ips"): (3, 2, 2), ("2", "control"): (1, 0, 0),
                 ("2", "ips"): (2, 0, 0), ("all", "control"): (2, 1, 1), ("all", "ips"): (5, 2, 2)},
        (0, 4): {("1", "control"): (1, 0, 0), ("1", "ips"): (3, 2, 2), ("2", "control"): (1, 0, 0),
                 ("2", "ips"): (2, 0, 0), ("all", "control"): (2, 0, 0), ("all", "ips"): (5, 2, 2)},
        (5, 9): {("1", "control"): (1, 1, 1), ("1", "ips"): (3, 1, 0), ("2", "control"): (1, 0, 0),
                 ("2", "ips"): (2, 0, 0), ("all", "control"): (2, 1, 1), ("all", "ips"): (5, 1, 0)},
    }  # fmt: skip
    for span, cells in wanted.items():
        for cell, counts in cells.items():
            assert tuple(rows.loc[(*span, *cell)]) == counts, (span, cell)
    assert len(rows) == 18
    assert table["share"].equals((table["n_received"] / table["n_persons"]).astype(float))


def test_a_code_that_nobody_has_is_named_and_never_zero(tmp_path: Path) -> None:
    partly = received(cohort_of(tmp_path, services={"ips": ["IPS", "ipsx"]}), spells())["receipt"]
    assert set(partly["note"]) == {"no row of services has the code ipsx"}
    assert set(partly["status"]) == {"counted"}
    made = received(cohort_of(tmp_path), spells())  # the code of the arm is ips, that of the extract IPS
    for table in made.values():
        assert set(table["status"]) == {"no_such_service"}
        assert set(table["note"]) == {"no row of services has the code ips"}
    assert made["receipt"][["n_received", "n_started", "share"]].isna().all(axis=None)


def test_services_that_were_not_delivered_are_not_zero(tmp_path: Path) -> None:
    made = received(cohort_of(tmp_path), None)
    assert set(made["receipt"]["status"]) == set(made["complier_effects"]["status"]) == {"services_not_delivered"}
    assert made["receipt"][["n_received", "n_started", "share"]].isna().all(axis=None)
    assert made["receipt"]["n_persons"].gt(0).any()
    assert len(made["receipt"]) == 18
    assert made["complier_effects"][["estimate", "first_stage", "first_stage_f"]].isna().all(axis=None)
    assert len(made["complier_effects"]) == 3


def test_a_split_beyond_the_window_leaves_the_whole(tmp_path: Path) -> None:
    made = received(cohort_of(tmp_path, after=4), None)
    assert set(zip(made["receipt"]["month_from"], made["receipt"]["month_to"], strict=True)) == {(0, 4)}
    assert len(made["complier_effects"]) == 1


# --- the complier effect ---


def estimated(cohort: Cohort, people: pd.DataFrame, states: np.ndarray, begun: dict[str, Any]) -> pd.DataFrame:
    return complier_effects(cohort, people, states, begun, dict.fromkeys(begun, ""))


def frozen() -> tuple[pd.DataFrame, np.ndarray]:
    """The persons of the reference panel (with the month in which they received) and their states."""
    rows = pd.read_csv(REFERENCE / "receipt_panel.csv", dtype={"centre": "str"})
    people = rows.drop_duplicates("person").drop(columns=["month", "y"]).reset_index(drop=True)
    wide = rows.pivot(index="person", columns="month", values="y").reindex(index=people["person"])
    start = pd.Timestamp("2013-03-20")
    return people.assign(person_id=people["person"], randomised_on=start), wide.fillna(-1).to_numpy().astype(np.int8)


@pytest.mark.parametrize(("design", "treatments"), [("one", ("ips",)), ("both", ("ips", "ips_plus"))])
def test_complier_effects_are_those_of_estimatr(design: str, treatments: tuple[str, ...], tmp_path: Path) -> None:
    people, states = frozen()
    here = people["arm"].isin(["control", *treatments]).to_numpy()
    people, states = people[here].reset_index(drop=True), states[here]
    ours = estimated(cohort_of(tmp_path, treatments), people, states, {t: people[t].to_numpy() for t in treatments})
    theirs = pd.read_csv(REFERENCE / "receipt_iv.csv").query("design == @design")
    key = ["month_from", "month_to", "arm"]
    pd.testing.assert_frame_equal(
        ours.set_index(key)[[*NUMBERS, "n_obs"]],
        theirs.set_index(key)[[*NUMBERS, "n_obs"]],
        check_dtype=False, rtol=1e-9, atol=1e-9,
    )  # fmt: skip


def by_person_months(
    people: pd.DataFrame, states: np.ndarray, months: range, treatments: tuple[str, ...], controls: tuple[str, ...] = ()
) -> pd.DataFrame:
    """IV2SLS of linearmodels on one row a person-month, clustered on person."""
    from linearmodels.iv import IV2SLS

    i, k = np.nonzero(states[:, months.start : months.stop] >= 0)
    rows = people.iloc[i].reset_index(drop=True)
    month = pd.Series(k + months.start)
    exogenous = rows[["age", "female"]].assign(one=1.0, south=(rows["centre"] == "2").astype(float))
    for arm in controls:
        exogenous[f"arm_{arm}"] = (rows["arm"] == arm).astype(float)
    D = pd.DataFrame({t: (month >= rows[t]).astype(float) for t in treatments})
    Z = pd.DataFrame({f"assigned_{t}": (rows["arm"] == t).astype(float) for t in treatments})
    y = pd.Series(states[i, k + months.start].astype(float), name="y")
    fitted = IV2SLS(y, exogenous, D, Z).fit(cov_type="clustered", clusters=rows["person"], debiased=True)
    return pd.DataFrame({"estimate": fitted.params[list(treatments)], "std_error": fitted.std_errors[list(treatments)]})


@pytest.mark.parametrize("treatments", [("ips",), ("ips", "ips_plus")])
def test_a_row_a_person_gives_what_person_months_give(treatments: tuple[str, ...], tmp_path: Path) -> None:
    people, states = frozen()
    here = people["arm"].isin(["control", *treatments]).to_numpy()
    people, states = people[here].reset_index(drop=True), states[here]
    cohort = cohort_of(tmp_path, treatments)
    ours = estimated(cohort, people, states, {t: people[t].to_numpy() for t in treatments})
    for first, last in cohort.receipt.spans(cohort.window):
        theirs = by_person_months(people, states, range(first, last + 1), treatments)
        here = ours[(ours["month_from"] == first) & (ours["month_to"] == last)].set_index("arm")
        np.testing.assert_allclose(here[["estimate", "std_error"]], theirs, rtol=1e-9)


def test_an_arm_without_a_first_stage_stays_in_as_a_control(tmp_path: Path) -> None:
    people, states = frozen()
    people["ips_plus"] = NEVER
    begun = {t: people[t].to_numpy() for t in ("ips", "ips_plus")}
    ours = estimated(cohort_of(tmp_path, ("ips", "ips_plus")), people, states, begun).iloc[:2]
    assert ours["status"].tolist() == ["estimated", "no_first_stage"]
    theirs = by_person_months(people, states, range(10), ("ips",), controls=("ips_plus",))
    np.testing.assert_allclose(ours.iloc[:1][["estimate", "std_error"]], theirs, rtol=1e-9)
    not_known = estimated(
        cohort_of(tmp_path, ("ips", "ips_plus")), people, states, begun | {"ips_plus": "no_such_service"}
    )
    assert not_known["status"].tolist()[:2] == ["estimated", "no_such_service"]
    assert not_known["estimate"].iloc[0] == ours["estimate"].iloc[0]


def one_centre(n: int, share_never: float, share_always: float) -> tuple[pd.DataFrame, np.ndarray]:
    """Two arms with exactly the same types: never, always, and if assigned (month 2). Returns people and type."""
    counts = [int(n * share) for share in (share_never, share_always, 1 - share_never - share_always)]
    kind = np.repeat(["never", "always", "assigned"], counts)
    people = pd.DataFrame({"arm": np.repeat(["control", "ips"], len(kind)), "centre": "1", "kind": np.tile(kind, 2)})
    people = people.assign(person_id=np.arange(len(people)), randomised_on=pd.Timestamp("2013-03-20"))
    takes = (people["kind"] == "always") | ((people["kind"] == "assigned") & (people["arm"] == "ips"))
    return people.assign(age=40.0, female=0.0, ips=np.where(takes, 2, NEVER)), takes.to_numpy()


def test_planted_effect_in_compliers_comes_out(tmp_path: Path) -> None:
    """Types differ in their level; receipt moves compliers alone by 0 to 1 in half of them: the effect is one half."""
    people, takes = one_centre(40, 0.25, 0.25)
    level = people["kind"].map({"never": 0, "always": 1, "assigned": 0}).to_numpy()
    half = people.groupby(["arm", "kind"]).cumcount().to_numpy() % 2 == 0
    states = np.tile(np.where((people["kind"] == "assigned") & takes & half, 1, level)[:, None], (1, 10)).astype(
        np.int8
    )
    states[:, :2] = level[:, None]
    row = estimated(cohort_of(tmp_path, adjust=[]), people, states, {"ips": people["ips"].to_numpy()}).iloc[0]
    assert row["first_stage"] == pytest.approx(0.5 * 8 / 10, abs=1e-12)  # half of the persons, months 2..9
    assert row["estimate"] == pytest.approx(0.5, abs=1e-12)


def test_without_covariates_it_is_the_ratio_of_two_differences(tmp_path: Path) -> None:
    people, _ = one_centre(40, 0.25, 0.25)
    states = np.random.default_rng(3).integers(-1, 2, (len(people), 10)).astype(np.int8)
    row = estimated(cohort_of(tmp_path, adjust=[]), people, states, {"ips": people["ips"].to_numpy()}).iloc[0]
    O, D = states >= 0, people["ips"].to_numpy()[:, None] <= np.arange(10)  # noqa: E741
    arms = [(people["arm"] == arm).to_numpy() for arm in ("control", "ips")]
    y, d = ([values[a][O[a]].mean() for a in arms] for values in (states, D))
    assert row["itt"] == pytest.approx(y[1] - y[0], abs=1e-12)
    assert row["first_stage"] == pytest.approx(d[1] - d[0], abs=1e-12)
    assert row["estimate"] == pytest.approx((y[1] - y[0]) / (d[1] - d[0]), abs=1e-12)


def test_with_full_compliance_it_is_the_effect_of_assignment(tmp_path: Path) -> None:
    people, states = frozen()
    here = (people["arm"] != "ips_plus").to_numpy()
    people, states = people[here].reset_index(drop=True), states[here]
    begun = np.where(people["arm"] == "ips", 0, NEVER)
    for _, row in estimated(cohort_of(tmp_path), people, states, {"ips": begun}).iterrows():
        assert (row["estimate"], row["std_error"]) == pytest.approx((row["itt"], row["itt_std_error"]), rel=1e-9)
        assert np.isnan(row["first_stage_f"])  # the difference in receipt has no error
        assert "weak" not in row["note"]


def test_a_weak_instrument_is_said(tmp_path: Path) -> None:
    people, states = frozen()
    here = (people["arm"] != "ips_plus").to_numpy()
    people, states = people[here].reset_index(drop=True), states[here]
    begun = np.where(np.arange(len(people)) < 31, 0, NEVER)[np.random.default_rng(2).permutation(len(people))]
    rows = estimated(cohort_of(tmp_path), people, states, {"ips": begun})
    assert (rows["first_stage_f"] < 10).all()
    assert (rows["note"] == "weak instrument: first-stage F below 10").all()
    lower = replace(cohort_of(tmp_path), receipt=replace(cohort_of(tmp_path).receipt, weak_first_stage_f=1e-9))
    assert (estimated(lower, people, states, {"ips": begun})["note"] == "").all()


@pytest.mark.parametrize(
    ("ips", "ips_plus", "status"),
    [
        ("nobody", "some", ["no_first_stage", "estimated"]),
        ("everybody", "some", ["no_first_stage", "estimated"]),
        ("some", "the same", ["collinear", "collinear"]),
    ],
)
def test_status_says_why_there_is_no_number(ips: str, ips_plus: str, status: list[str], tmp_path: Path) -> None:
    people, states = frozen()
    shapes = {
        "nobody": np.full(len(people), NEVER),
        "everybody": np.zeros(len(people), dtype=int),
        "some": people["ips"].to_numpy() if ips == "some" else people["ips_plus"].to_numpy(),
    }
    begun = {"ips": shapes[ips], "ips_plus": shapes[ips if ips_plus == "the same" else ips_plus]}
    rows = estimated(cohort_of(tmp_path, ("ips", "ips_plus")), people, states, begun).iloc[:2]
    assert rows["status"].tolist() == status
    assert (rows["estimate"].notna() == (rows["status"] == "estimated")).all()
    assert rows["itt"].notna().all()


def test_too_few_persons_and_no_variation(tmp_path: Path) -> None:
    people, states = frozen()
    few = ((people["arm"] == "control") | (people.index == people.index[people["arm"] == "ips"][0])).to_numpy()
    rows = estimated(
        cohort_of(tmp_path), people[few].reset_index(drop=True), states[few], {"ips": people.loc[few, "ips"].to_numpy()}
    )
    assert set(rows["status"]) == {"too_few_assigned"}
    nobody = np.zeros_like(states)
    rows = estimated(cohort_of(tmp_path), people, nobody, {"ips": people["ips"].to_numpy()})
    assert set(rows["status"]) == {"no_variation"}


# --- receipt that is not observed ---


def weekly(person: str, cells: list[bool | None]) -> list[tuple]:
    """Spells as the layout of weeks makes them: a row a month 0.. with True (received) or None (not observed)."""
    days = pd.period_range("2013-03", periods=len(cells), freq="M")
    return [
        (person, "ips" if cell else None, day.start_time, day.end_time.normalize(), int(bool(cell)))
        for day, cell in zip(days, cells, strict=True)
        if cell is not False
    ]


def test_receipt_that_is_not_observed_is_left_out(tmp_path: Path) -> None:
    """Persons of whom nothing is known change nothing; 12 of 13 months are received of who begins in month 1."""
    rng, rows, spells = np.random.default_rng(3), [], []
    for i in range(80):
        arm, is_known = ("control", "ips")[i % 2], i % 4 < 2
        rows.append(
            (f"p{i}", str(1 + i // 4 % 2), arm, pd.Timestamp("2013-03-20"), True, 40.0, float(i % 8 > 3), is_known)
        )
        months = [arm == "ips"] * 12 if is_known else [None] * 12
        spells += weekly(f"p{i}", [None, *months])  # weeks since randomisation have no month 0
    columns = ["person_id", "centre", "arm", "randomised_on", "is_analysed", "age", "female", "is_known"]
    people = pd.DataFrame(rows, columns=columns)
    services = pd.DataFrame(spells, columns=["person_id", "service", "start_on", "end_on", "is_observed"])
    states = (rng.random((80, 13)) < np.where(people["arm"] == "ips", 0.5, 0.2)[:, None]).astype("int8")
    panel = pd.DataFrame(states, columns=[MONTH_COLUMN.format(k) for k in range(13)])
    panel = panel.assign(outcome="ordinary_employment", person_id=people["person_id"])
    cohort = cohort_of(tmp_path, after=12, split_month=12)
    made = receive(cohort, people, panel, services)
    receipt = made["receipt"].query("centre == 'all'").set_index("arm")
    assert receipt[["n_persons", "n_received", "n_unknown"]].to_numpy().tolist() == [[40, 0, 20], [40, 20, 20]]
    assert receipt["share"].tolist() == [0, 1]
    (found,) = made["complier_effects"].to_dict("records")
    assert found["first_stage"] == pytest.approx(12 / 13, abs=1e-9)
    assert (found["n_obs"], found["status"]) == (40 * 13, "estimated")
    assert "not observed" in found["note"]
    of_known = people["is_known"].to_numpy()
    own = services[services["person_id"].isin(people.loc[of_known, "person_id"])]
    alone = receive(cohort, people[of_known], panel[of_known], own)
    (expected,) = alone["complier_effects"].to_dict("records")
    for name in NUMBERS:
        assert found[name] == pytest.approx(expected[name], abs=1e-9)


def one_sided(control: dict[str, list[bool | None]]) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame, np.ndarray]:
    """People, services, panel and states: every other person assigned is known to receive from month 1 on.

    Of the reference arm only the persons named in ``control`` are in the services with months that are observed.
    """
    rng, rows, spells = np.random.default_rng(8), [], []
    for i in range(48):
        arm, centre = ("control", "ips")[i % 2], str(1 + i // 2 % 2)
        rows.append((f"p{i}", centre, arm, pd.Timestamp("2013-03-20"), True, 40.0, float(i % 8 > 3)))
        known = [True] * 12 if arm == "ips" and i % 8 < 4 else control.get(f"p{i}", [None] * 12)
        spells += weekly(f"p{i}", [None, *known])
    columns = ["person_id", "centre", "arm", "randomised_on", "is_analysed", "age", "female"]
    people = pd.DataFrame(rows, columns=columns)
    states = (rng.random((48, 13)) < np.where(people["arm"] == "ips", 0.6, 0.2)[:, None]).astype("int8")
    panel = pd.DataFrame(states, columns=[MONTH_COLUMN.format(k) for k in range(13)])
    panel = panel.assign(outcome="ordinary_employment", person_id=people["person_id"])
    services = pd.DataFrame(spells, columns=["person_id", "service", "start_on", "end_on", "is_observed"])
    return people, services, panel, states


def test_services_of_the_assigned_alone_are_compared_with_nobody_receiving(tmp_path: Path) -> None:
    people, services, panel, states = one_sided({})
    cohort = cohort_of(tmp_path, after=12, split_month=12, adjust=[])
    made = receive(cohort, people, panel, services)
    receipt = made["receipt"].query("centre == 'all'").set_index("arm")
    assert receipt[["n_persons", "n_received", "n_unknown"]].to_numpy().tolist() == [[24, 0, 24], [24, 12, 12]]
    assert np.isnan(receipt["share"]["control"])  # what is supposed is not counted
    (row,) = made["complier_effects"].to_dict("records")
    used = ((people["arm"] == "control") | (people.index % 8 < 4)).to_numpy()
    X = np.column_stack([np.ones(48), people["centre"] == "2", people["arm"] == "ips"]).astype(float)[used]
    itt = np.linalg.lstsq(X, states[used].mean(axis=1), rcond=None)[0][-1]
    assert (row["first_stage"], row["itt"]) == (pytest.approx(12 / 13), pytest.approx(itt))
    assert row["estimate"] == pytest.approx(itt / (12 / 13))
    assert "nobody in the reference arm" in row["note"]


@pytest.mark.parametrize("how", ["missing", "one is known"])
def test_a_reference_arm_of_whom_receipt_is_not_known_is_missing(how: str, tmp_path: Path) -> None:
    """Also where somebody of it is observed: then the file is not one of the assigned alone."""
    people, services, panel, _ = one_sided({"p0": [True] * 12} if how == "one is known" else {})
    cohort = cohort_of(
        tmp_path, after=12, split_month=12, unobserved_reference="missing" if how == "missing" else "none"
    )
    (row,) = receive(cohort, people, panel, services)["complier_effects"].to_dict("records")
    assert (row["status"], row["n_control"]) == ("too_few_control", int(how != "missing"))
    assert "nobody in the reference arm" not in row["note"]
