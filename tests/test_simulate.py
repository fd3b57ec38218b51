"""Simulated trials: what was planted is what the registers say."""

import re
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from ipseval.contracts import EXTRACTS, schema
from ipseval.errors import UserError
from ipseval.simulate import NOT_DELIVERED, draw_history, read_plan, simulate, simulate_to, true_effects, write
from ipseval.simulation import model as simulate_model
from ipseval.simulation.model import Centre, Plan, draw_people

PLAN_FILE = Path(__file__).resolve().parents[1] / "config" / "simulations" / "simulated-six-centre.yaml"
SEED = 20
STANDARD_ERRORS = 4  # of the Monte Carlo error; for one of 12 draws to miss by chance: 1 in 1,300


@pytest.fixture(scope="module")
def frames() -> dict[str, pd.DataFrame]:
    return simulate(*opened())


def opened() -> tuple[Plan, np.random.Generator]:
    """The plan of the default cohort and its generator."""
    plan, seed = read_plan(PLAN_FILE)
    return plan, np.random.default_rng(seed)


def several_arms(n_randomised: int) -> Plan:
    """A plan with two treatments and with effects of both signs."""
    centres = {
        "north": Centre(n_randomised, 0.0, {"ips": 0.12, "ipse": 0.06}),
        "south": Centre(n_randomised, 0.6, {"ips": -0.08}),
    }
    starts = {"control": 0.1, "ips": 0.3, "ipse": 0.2}
    return Plan(centres=centres, treatments=("ips", "ipse"), subsidised_starts=starts)


def covered_months(spells: pd.DataFrame, persons: pd.Series, months: np.ndarray) -> np.ndarray:
    """Whether a spell has a day in the month; persons x months, by adding up where spells begin and end."""
    n_months = len(months)
    ends = spells["end_on"].fillna(pd.Timestamp("2100-01-01"))
    first, last = (
        (days.to_numpy().astype("datetime64[M]") - months[0]).astype(int) for days in (spells["start_on"], ends)
    )
    row = pd.Index(persons).get_indexer(spells["person_id"])
    changes = np.zeros((len(persons), n_months + 1), int)
    inside = (row >= 0) & (last >= 0) & (first < n_months)
    np.add.at(changes, (row[inside], first[inside].clip(0)), 1)
    np.add.at(changes, (row[inside], last[inside].clip(max=n_months - 1) + 1), -1)
    return changes.cumsum(axis=1)[:, :n_months] > 0


def cut_at_end(frames: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """Employment with every spell ended by death or emigration."""
    persons = frames["persons"].set_index("person_id")
    ended_on = frames["employment"]["person_id"].map(persons["died_on"].fillna(persons["emigrated_on"]))
    return frames["employment"].assign(end_on=frames["employment"]["end_on"].fillna(ended_on))


def ordinary_months(frames: dict[str, pd.DataFrame], persons: pd.Series, months: np.ndarray) -> np.ndarray:
    """Ordinary employment as the registers say it: a day of a job, no day of a subsidy."""
    employed = covered_months(cut_at_end(frames), persons, months)
    return employed & ~covered_months(frames["wage_subsidy"], persons, months)


def employed_at_randomisation(frames: dict[str, pd.DataFrame]) -> pd.Series:
    """Whether a job covers the day of randomisation, by row of the trial list."""
    jobs = cut_at_end(frames).merge(frames["trial"][["person_id", "randomised_on"]])
    covers = (jobs["start_on"] <= jobs["randomised_on"]) & ~(jobs["end_on"] < jobs["randomised_on"])
    return frames["trial"]["person_id"].isin(jobs.loc[covers, "person_id"])


# --- form --------------------------------------------------------------------------------------


def test_equal_seeds_write_equal_bytes(tmp_path: Path) -> None:
    for folder in ("a", "b"):
        simulate_to(PLAN_FILE, tmp_path / folder)
    written = sorted(path.name for path in (tmp_path / "a").iterdir())
    assert written == sorted(f"{name}.parquet" for name in EXTRACTS)
    digests = [[sha256((tmp_path / f / n).read_bytes()).hexdigest() for n in written] for f in ("a", "b")]
    assert digests[0] == digests[1]
    write(simulate(opened()[0], np.random.default_rng(SEED)), tmp_path / "b")
    assert (tmp_path / "a" / "trial.parquet").read_bytes() != (tmp_path / "b" / "trial.parquet").read_bytes()


@pytest.mark.parametrize("name", EXTRACTS)
def test_columns_and_types_are_those_of_the_contract(
    name: str, frames: dict[str, pd.DataFrame], tmp_path: Path
) -> None:
    write({name: frames[name]}, tmp_path)
    written = pq.read_schema(tmp_path / f"{name}.parquet")
    declared = schema(EXTRACTS[name])
    assert written.names == [n for n in declared.names if n not in NOT_DELIVERED.get(name, ())]
    assert all(written.field(n).type == declared.field(n).type for n in written.names)
    for column in EXTRACTS[name].columns:
        assert column.name in frames[name] or not column.needed
        assert column.nullable or frames[name].get(column.name, pd.Series()).notna().all()
    assert frames[name].equals(frames[name].sort_values(["person_id"], kind="stable", ignore_index=True))


def test_plan_file_spells_out_the_defaults() -> None:
    assert read_plan(PLAN_FILE)[0] == Plan()


def test_plan_file_faults_come_at_once(tmp_path: Path) -> None:
    path = tmp_path / "plan.yaml"
    path.write_text("seeed: 1\ncentres: {1: {n_randomised: 9, efects: {ips: 0.1}}}\n")
    with pytest.raises(UserError) as raised:
        read_plan(path)
    text = str(raised.value)
    assert "Did you mean 'effects'?" in text and "seeed" in text and "seed is missing" in text
    path.write_text("seed: 1\nrecruited_from: '2030-01'\nsubsidised_starts: {ipz: 0.1}\n")
    with pytest.raises(UserError, match=r"(?s)recruitment lies outside.*'ipz' is no arm"):
        read_plan(path)


# --- persons and records -----------------------------------------------------------------------


def test_centres_have_the_planned_sizes_and_balanced_arms(frames: dict[str, pd.DataFrame]) -> None:
    counts = frames["trial"].groupby(["centre", "arm"]).size().unstack()
    assert counts.sum(axis=1).tolist() == [60, 99, 90, 30, 54, 75]
    assert (counts["ips"] - counts["control"]).abs().max() <= opened()[0].block_per_arm
    assert frames["trial"]["randomised_on"].between("2013-01-01", "2014-12-31").all()
    by_block = frames["trial"].groupby("block")["arm"].value_counts().unstack(fill_value=0)
    assert (by_block.max(axis=1) <= 2).all()


def test_awkward_people_are_there(frames: dict[str, pd.DataFrame]) -> None:
    trial, persons, jobs = frames["trial"], frames["persons"], frames["employment"]
    again = jobs.merge(jobs, on="person_id", suffixes=("", "_b"))
    again = again[(again["start_on"] < again["start_on_b"]) & again["end_on"].notna()]
    overlaps = again[again["end_on"] >= again["start_on_b"]]
    is_same = overlaps["employer_id"] == overlaps["employer_id_b"]
    subsidised = frames["wage_subsidy"].merge(jobs, on="person_id", suffixes=("", "_job"))
    is_inside = subsidised["start_on_job"] <= subsidised["start_on"]
    is_inside &= ~(subsidised["end_on_job"] < subsidised["end_on"])
    levels = frames["education"].merge(trial)
    is_late = levels["completed_on"] > levels["randomised_on"]
    services = frames["services"].merge(trial, on="person_id")
    controls = services[services["arm"] == "control"]
    open_jobs = jobs[jobs["end_on"].isna()].merge(persons)
    present = {
        "overlap at one employer": is_same.any(),
        "overlap at two employers": not is_same.all(),
        "adjacent spells": (again["end_on"] + pd.Timedelta(days=1) == again["start_on_b"]).any(),
        "open end": (open_jobs["died_on"].isna() & open_jobs["emigrated_on"].isna()).any(),
        "job left open after death": open_jobs["died_on"].notna().any() or open_jobs["emigrated_on"].notna().any(),
        "one-day job": (jobs["start_on"] == jobs["end_on"]).any(),
        "unknown hours": jobs["weekly_hours"].isna().any(),
        "unknown employer": jobs["employer_id"].isna().any(),
        "job from before the registers": (jobs["start_on"] < "2009-01-01").any(),
        "subsidy inside a job": is_inside.any(),
        "subsidy without a job": set(subsidised.loc[~is_inside, "measure"]) >= {"work_practice"},
        "death": persons["died_on"].notna().any(),
        "emigration": persons["emigrated_on"].notna().any(),
        "consent withdrawn": trial["withdrawn_on"].notna().any(),
        "level after randomisation that changes the covariate": (is_late & (levels["level"] >= 4)).any(),
        "unknown level": (levels["level"] == 9).any(),
        "undated level": levels["completed_on"].isna().any(),
        "no education": (~trial["person_id"].isin(levels["person_id"])).any(),
        "unknown country of birth": persons["native_born"].isna().any(),
        "year without income": (frames["income"]["wage_income"] == 0).any(),
        "unknown income": frames["income"]["wage_income"].isna().any(),
        "open benefit": frames["benefits"]["end_on"].isna().any(),
        "open service": frames["services"]["end_on"].isna().any(),
        "treated without service": (~trial.loc[trial["arm"] == "ips", "person_id"].isin(services["person_id"])).any(),
        "control with the service": len(controls) > 0,
        "person outside the trial": (~jobs["person_id"].isin(trial["person_id"])).any(),
        "employed at randomisation": 0.1 < employed_at_randomisation(frames).mean() < 0.3,
    }
    assert [what for what, is_there in present.items() if not is_there] == []
    assert ((controls["start_on"] - controls["randomised_on"]).dt.days > 365).all()


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_records_contradict_nothing(seed: int) -> None:
    frames = simulate(several_arms(400), np.random.default_rng(seed))
    persons = frames["persons"].set_index("person_id")
    for name in ("employment", "wage_subsidy", "benefits", "services"):
        spells = frames[name].join(persons, on="person_id")
        assert not (spells["end_on"] < spells["start_on"]).any()
        assert (spells["start_on"] > spells["birth_date"] + pd.Timedelta(days=365 * 15)).all()
        for event in ("died_on", "emigrated_on"):
            assert not (spells["start_on"] > spells[event]).any()
            assert not (spells["end_on"] > spells[event]).any()
    dated = frames["education"].join(persons, on="person_id")
    assert not (dated["completed_on"] < dated["birth_date"]).any()


def test_simulator_knows_nothing_of_the_estimators() -> None:
    room = Path(simulate_model.__file__).parent
    modules = [room.parent / "simulate.py", *sorted(room.glob("[!_]*.py"))]
    imported = {name for path in modules for name in re.findall(r"from ipseval\.(\w+)", path.read_text())}
    assert imported - {"simulation"} == {"contracts", "errors", "settings"}
    assert len(modules) == 3


# --- planted truth -----------------------------------------------------------------------------


@pytest.mark.parametrize("seed", [1, 2])
def test_registers_say_exactly_the_drawn_months(seed: int) -> None:
    plan = several_arms(1500)
    rng = np.random.default_rng(seed)
    history = draw_history(plan, draw_people(plan, rng), rng)
    frames = simulate(plan, np.random.default_rng(seed))
    months = ordinary_months(frames, frames["persons"]["person_id"], plan.months)
    assert np.array_equal(months, history.is_working)
    in_trial = history.people.centre >= 0
    assert np.array_equal(employed_at_randomisation(frames), history.people.is_employed[in_trial])


def differences(plan: Plan, frames: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """Difference in the share of months 0..after, those not employed at randomisation; one row a centre and arm."""
    trial = frames["trial"].assign(is_employed=employed_at_randomisation(frames))
    working = ordinary_months(frames, trial["person_id"], plan.months)
    month_0 = trial["randomised_on"].to_numpy().astype("datetime64[M]") - plan.months[0]
    columns = month_0.astype(int)[:, None] + np.arange(plan.after + 1)
    share = np.take_along_axis(working, columns, axis=1).mean(axis=1)
    analysed = trial.assign(share=share)[~trial["is_employed"]]
    groups = analysed.groupby(["centre", "arm"])["share"].agg(["mean", "var", "size"])
    rows = []
    for (centre, arm), group in groups.iterrows():
        control = groups.loc[(centre, plan.reference)]
        error = np.sqrt(group["var"] / group["size"] + control["var"] / control["size"])
        rows.append((centre, arm, group["mean"] - control["mean"], error))
    table = pd.DataFrame(rows, columns=["centre", "arm", "difference", "monte_carlo_error"])
    return table[table["arm"] != plan.reference]


@pytest.mark.parametrize("several", [False, True])
def test_difference_of_arms_is_the_planted_effect(several: bool) -> None:
    large = {code: replace(centre, n_randomised=6000) for code, centre in Plan().centres.items()}
    plan = several_arms(10_000) if several else Plan(centres=large)
    table = differences(plan, simulate(plan, np.random.default_rng(SEED)))
    both = table.merge(true_effects(plan), on=["centre", "arm"], validate="1:1")
    assert len(both) == len(plan.centres) * len(plan.treatments)
    assert both["std_error"].max() < 1e-3
    assert both["monte_carlo_error"].max() < 0.01
    misses = (both["difference"] - both["effect"]) / both["monte_carlo_error"]
    assert misses.abs().max() < STANDARD_ERRORS
    weights = both["monte_carlo_error"] ** -2
    if not several:
        assert abs((both["difference"] - both["effect"]) @ weights) < STANDARD_ERRORS * np.sqrt(weights.sum())


def test_true_effect_is_the_ramp_less_the_deaths() -> None:
    """Where no rate meets its bound: the effect times the mean over months of ramp and survival, by hand."""
    plan = Plan(centres={"a": Centre(10, 0.0, {"ips": 0.1})}, death_rate=0.01, emigration_rate=0.0)
    by_hand = sum(0.1 * min(k / 12, 1) * 0.99 ** (k - 1) for k in range(1, 44)) / 44
    assert true_effects(plan)["effect"].iloc[0] == pytest.approx(by_hand, abs=1e-3)
    assert true_effects(replace(plan, centres={"a": Centre(10)}))["effect"].iloc[0] == 0


def test_jobs_last_and_the_arms_are_alike_before_randomisation() -> None:
    plan = replace(Plan(), centres={"a": Centre(12_000, 0.0, {"ips": 0.3})})
    frames = simulate(plan, np.random.default_rng(SEED))
    trial = frames["trial"].assign(is_employed=employed_at_randomisation(frames))
    working = ordinary_months(frames, trial["person_id"], plan.months)
    stays = working[:, 60:100][:, 1:][working[:, 60:100][:, :-1]].mean()
    assert stays == pytest.approx(1 - plan.exit_rate, abs=0.005)
    month_0 = (trial["randomised_on"].to_numpy().astype("datetime64[M]") - plan.months[0]).astype(int)
    before = np.take_along_axis(working, month_0[:, None] - np.arange(1, 44), axis=1).mean(axis=1)
    arms = pd.Series(before).groupby(trial["arm"]).agg(["mean", "sem"])
    assert abs(arms["mean"].diff().iloc[1]) < STANDARD_ERRORS * np.hypot(*arms["sem"])
