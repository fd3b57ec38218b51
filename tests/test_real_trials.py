"""The pipeline on real trials, against estimates and errors of another implementation.

Two trials lie in ``tests/data``; the others are read from the folder that the environment variable
``IPSEVAL_REAL`` names, or from ``../shared/real`` beside the repository, and are skipped
when neither is there. All persons are given one day of randomisation, so that the calendar
dummies of `pooled` are dummies of the months since randomisation.
"""

import os
from datetime import date
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from ipseval.pipeline import measure, write
from ipseval.settings import read_cohort

TESTS = Path(__file__).resolve().parent
OUTSIDE = Path(os.environ.get("IPSEVAL_REAL", TESTS.parents[1] / "shared" / "real"))
RANDOMISED_ON = date(2000, 12, 31)  # months 1 to 12 are then the months of one year
TOLERANCE = 1e-8
REFERENCE_ARM = {
    "respiratory": "placebo",
    "indo_rct": "placebo",
    "ctn0051": "buprenorphine",
    "jobcorps": "control",
}
SPECS = {  # theirs: ours
    "per_centre": "centre_unadjusted",
    "centre_month": "by_centre_month",
    "per_month": "by_month",
    "pooled_FE": "pooled",
}
KEY = ["analysis", "centre", "month_from", "month_to"]
COMPARED = {  # theirs: ours
    "n_treat": "n_assigned",
    "n_control": "n_control",
    "n_obs": "n_obs",
    "mean_control": "mean_control",
    "estimate": "estimate",
}


def folder_of(trial: str) -> Path:
    """Where the files of a trial are; skips the test when they are nowhere."""
    inside = TESTS / "data" / trial
    folder = inside if inside.is_dir() else OUTSIDE / trial
    if not folder.is_dir():
        pytest.skip(f"data of {trial} are not here: set IPSEVAL_REAL to their folder")
    return folder


def written(trial: str, persons: pd.DataFrame, employment: pa.Table, layout: str, after: int, folder: Path) -> Path:
    """Write the extracts and the cohort file of a trial."""
    (folder / "extracts").mkdir()
    trial_list = persons[["person", "centre", "arm"]].rename(columns={"person": "person_id"})
    trial_list = trial_list.astype(str).assign(randomised_on=RANDOMISED_ON)
    pq.write_table(
        pa.Table.from_pandas(trial_list, preserve_index=False),
        folder / "extracts" / "trial.parquet",
    )
    pq.write_table(employment, folder / "extracts" / "employment.parquet")
    reference = REFERENCE_ARM[trial]
    config = {
        "title": f"Real trial: {trial}",
        "extracts": "extracts",
        "arms": {"reference": reference, "treatments": sorted(set(persons["arm"]) - {reference})},
        "centres": {c: f"Centre {c}" for c in sorted(set(persons["centre"].astype(str)))},
        "layouts": {"employment": {"layout": layout}},
        "window": {"before": 0, "after": after},
        "eligibility": {"not_employed_at_randomisation": False},
        "outcome": {"exclude_wage_subsidy": False},
        "estimation": {"variances": ["cr1", "cr2", "cr3"]},
    }
    path = folder / f"{trial}.yaml"
    path.write_text(yaml.safe_dump(config, sort_keys=False), encoding="utf-8")
    return path


def run_on(
    trial: str, persons: pd.DataFrame, employment: pa.Table, layout: str, after: int, folder: Path
) -> pd.DataFrame:
    """Write the cohort, run the pipeline and return its table of effects."""
    path = written(trial, persons, employment, layout, after, folder)
    write(measure(read_cohort(path)), folder / "results")
    effects = folder / "results" / "unverified" / "review" / "effects.csv"
    return pd.read_csv(effects, dtype={"centre": str, "arm": str})


def months_of(trial: str) -> tuple[pd.DataFrame, pa.Table, int]:
    """Persons, employment and last month of a trial with one row a person and month."""
    rows = pd.read_csv(folder_of(trial) / f"{trial}.csv", dtype={"person": str})
    months = rows.rename(columns={"person": "person_id", "outcome": "employed"})
    months = months[["person_id", "month", "employed"]].astype({"person_id": str})
    table = pa.Table.from_pandas(months, preserve_index=False)
    return rows.drop_duplicates("person"), table, int(rows["month"].max())


def run_on_months(trial: str, folder: Path) -> pd.DataFrame:
    """The effects of a trial with one row a person and month."""
    persons, table, after = months_of(trial)
    return run_on(trial, persons, table, "relative_monthly", after, folder)


def cohort_of_months(trial: str, folder: Path) -> Path:
    """The cohort file of a trial with one row a person and month."""
    persons, table, after = months_of(trial)
    return written(trial, persons, table, "relative_monthly", after, folder)


def reference_of(trial: str, after: int) -> pd.DataFrame:
    """The other implementation's unadjusted estimates, keyed as ours; one row a variance."""
    table = pd.read_csv(folder_of(trial) / "reference_lpm.csv", dtype={"centre": str, "month": str})
    table = table[(table["adjusted"] == 0) & table["spec"].isin(SPECS)]
    is_one_month = table["month"] != "ALL"
    return table.assign(
        analysis=table["spec"].map(SPECS),
        centre=table["centre"].replace("ALL", "all"),
        month_from=table["month"].where(is_one_month, "0").astype(int),
        month_to=table["month"].where(is_one_month, str(after)).astype(int),
    )


@pytest.mark.parametrize("trial", ["respiratory", "indo_rct", "ctn0051"])
def test_estimates_and_errors_are_those_of_another_implementation(trial: str, tmp_path: Path) -> None:
    effects = run_on_months(trial, tmp_path)
    reference = reference_of(trial, int(effects["month_to"].max()))
    assert set(reference["analysis"]) >= {"centre_unadjusted", "pooled"}
    for variance in ("cr1", "cr2", "cr3"):
        ours = effects[effects["variance"] == variance]
        both = reference.merge(ours, on=KEY, how="left", suffixes=("_theirs", ""))
        assert len(both) == len(reference)
        few = (both[["n_treat", "n_control_theirs"]] < 2).any(axis=1)
        few |= both[f"se_{variance}"] < TOLERANCE
        assert (both["status"] == "estimated").equals(~few)
        for theirs, name in (COMPARED | {f"se_{variance}": "std_error"}).items():
            wanted = both.loc[~few, theirs if theirs != name else f"{name}_theirs"]
            found = both.loc[~few, name]
            assert (found - wanted).abs().max() < TOLERANCE, (variance, name)


def test_published_numbers_of_the_trials(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    pooled = {}
    for trial, folder in (("respiratory", tmp_path / "a"), ("indo_rct", tmp_path / "b")):
        effects = run_on_months(trial, folder)
        is_pooled = (effects["analysis"] == "pooled") & (effects["variance"] == "cr1")
        pooled[trial] = effects[is_pooled].iloc[0]
    assert pooled["respiratory"]["estimate"] == pytest.approx(0.24035, abs=5e-6)
    assert pooled["respiratory"]["std_error"] == pytest.approx(0.07014, abs=5e-6)
    assert pooled["indo_rct"]["estimate"] == pytest.approx(-0.0750, abs=5e-5)
    assert pooled["indo_rct"]["std_error"] == pytest.approx(0.0270, abs=5e-5)
    assert pooled["indo_rct"][["n_assigned", "n_control"]].tolist() == [295, 307]


@pytest.fixture(scope="module")
def jobcorps(tmp_path_factory: pytest.TempPathFactory) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Weeks of the Job Corps study with the arm, and the pipeline's effects on them."""
    folder = folder_of("jobcorps")
    persons = pd.read_parquet(folder / "jobcorps_persons.parquet", columns=["person", "centre", "arm"])
    weeks = pd.read_parquet(folder / "jobcorps_weekly.parquet")
    wide = pa.Table.from_pandas(weeks.rename(columns={"person": "person_id"}), preserve_index=False)
    place = tmp_path_factory.mktemp("jobcorps")
    effects = run_on("jobcorps", persons, wide, "weekly_wide", 52, place)
    return persons.merge(weeks, on="person"), effects


def by_month(effects: pd.DataFrame) -> pd.DataFrame:
    """Unadjusted effects of the single centre, by month."""
    is_row = (effects["analysis"] == "by_centre_month") & (effects["variance"] == "cr1")
    return effects[is_row].set_index("month_from")


def test_job_corps_has_the_published_persons_and_last_week(jobcorps: tuple) -> None:
    weeks, effects = jobcorps
    last = by_month(effects).loc[52]
    assert last[["n_assigned", "n_control"]].tolist() == [5546, 3599]
    shares = weeks.groupby("arm")["w208"].mean()
    assert shares["jobcorps"] == pytest.approx(0.6122, abs=5e-5)
    assert shares["control"] == pytest.approx(0.5768, abs=5e-5)


def test_job_corps_month_is_any_of_four_weeks(jobcorps: tuple) -> None:
    weeks, effects = jobcorps
    for k in (1, 4, 23, 52):
        month = weeks[[f"w{n}" for n in range(4 * k - 3, 4 * k + 1)]].max(axis=1)
        shares = month.groupby(weeks["arm"]).mean()
        row = by_month(effects).loc[k]
        assert row["mean_control"] == pytest.approx(shares["control"], abs=1e-12)
        assert row["estimate"] == pytest.approx(shares["jobcorps"] - shares["control"], abs=1e-10)


def test_job_corps_profile_is_a_loss_and_then_a_gain(jobcorps: tuple) -> None:
    profile = by_month(jobcorps[1])["estimate"]
    assert (profile.loc[1:12] < 0).all()
    assert profile.loc[4] == pytest.approx(-0.145, abs=5e-4)
    assert (profile.loc[1:22] < 0).all()
    assert (profile.loc[24:52] > 0).all()
    assert profile.loc[46:47].mean() == pytest.approx(0.039, abs=1e-3)
