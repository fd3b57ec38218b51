"""An invented six-centre trial of any size: persons and a matrix of months, or the same as person-months."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from ipseval.config import Analysis, Cohort
from ipseval.settings import read_cohort

ROOT = Path(__file__).resolve().parents[1]
COHORT_FILE = ROOT / "config" / "cohorts" / "simulated-six-centre.yaml"
ANALYSIS = "table5_model_1"
CENTRE_SIZES = np.array([48, 77, 74, 27, 37, 64])  # of the Norwegian trial
RECRUITED_FROM, RECRUITED_MONTHS = np.datetime64("2012-11"), 24
N_MONTHS = 44
TERMS = ["age", "female", *(f"assigned[ips]:centre[{c}]" for c in range(1, 7))]  # compared between engines


@dataclass(frozen=True)
class Trial:
    """A trial: ``people`` has one row a person, ``states`` (int8, persons x months) is 1 when employed."""

    people: pd.DataFrame
    states: np.ndarray


def draw(n_persons: int) -> Trial:
    """The trial of so many persons; the same for the same number."""
    rng = np.random.default_rng(n_persons)
    centre = rng.choice(6, size=n_persons, p=CENTRE_SIZES / CENTRE_SIZES.sum())
    assigned = rng.random(n_persons) < 0.56
    age = rng.integers(18, 61, n_persons)
    people = pd.DataFrame(
        {
            "centre": np.array(list("123456"), dtype=object)[centre],
            "arm": np.where(assigned, "ips", "control").astype(object),
            "randomised_on": RECRUITED_FROM + rng.integers(RECRUITED_MONTHS, size=n_persons),
            "age": age,
            "female": rng.integers(2, size=n_persons),
        }
    )
    ability = rng.normal(size=n_persons) - 0.02 * (age - 35) + 0.05 * centre + 0.2 * assigned - 0.8
    states = np.empty((n_persons, N_MONTHS), dtype=np.int8)
    for k in range(N_MONTHS):  # month by month, so that drawing needs little memory
        states[:, k] = ability + rng.normal(size=n_persons) * 0.7 + 0.01 * k > 0
    return Trial(people, states)


def person_months(trial: Trial) -> pd.DataFrame:
    """The trial as other packages take it: a row a person and month, with calendar year and month."""
    n = len(trial.people)
    rows = {name: np.repeat(trial.people[name].to_numpy(float), N_MONTHS) for name in ("age", "female")}
    start = trial.people["randomised_on"].to_numpy().astype("datetime64[M]").astype(int)
    calendar = (start[:, None] + np.arange(N_MONTHS)).ravel()
    centre = trial.people["centre"].to_numpy().astype(int)
    return pd.DataFrame(
        {
            "y": trial.states.ravel().astype(float),
            **rows,
            "assigned": np.repeat((trial.people["arm"] == "ips").to_numpy(float), N_MONTHS),
            "centre": np.repeat(centre, N_MONTHS).astype(np.int32),
            "year": (1970 + calendar // 12).astype(np.int32),
            "month": (calendar % 12 + 1).astype(np.int32),
            "person": np.repeat(np.arange(n, dtype=np.int32), N_MONTHS),
            "since": np.tile(np.arange(N_MONTHS, dtype=np.int32), n),
        }
    )


def cohort_and_analysis() -> tuple[Cohort, Analysis]:
    """The default cohort's table 5 model 1."""
    cohort = read_cohort(COHORT_FILE)
    return cohort, next(analysis for analysis in cohort.analyses if analysis.name == ANALYSIS)
