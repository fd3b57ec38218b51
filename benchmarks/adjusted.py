"""CR2 with degrees of freedom beside CR1, both with reading: 20,000 persons x 44 months, table 5 model 1.

``python -m benchmarks.adjusted FOLDER VARIANCE`` measures one in a process of its own and prints JSON.
"""

import json
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd

from benchmarks.engines import WARM_UP_PERSONS, cpu_seconds
from benchmarks.trial import N_MONTHS, TERMS, Trial, cohort_and_analysis, draw

PERSONS, REPEATS, MOST = 20_000, 7, 2.0
EFFECTS = [term for term in TERMS if term.startswith("assigned")]
OUTCOMES = ("employment", "ordinary_employment", "wage_subsidy")


def write(folder: Path, trial: Trial) -> None:
    """Persons and panel as the stages leave them."""
    from ipseval import store
    from ipseval.panel import MONTH_COLUMN

    cohort, _ = cohort_and_analysis()
    keys = pd.DataFrame({"person_id": np.arange(len(trial.people)).astype(str)})
    states = trial.states[:, [abs(k) for k in cohort.window.months]]
    months = pd.DataFrame(states, columns=[MONTH_COLUMN.format(k) for k in cohort.window.months])
    panel = pd.concat([keys.assign(outcome=name).join(months) for name in OUTCOMES])
    store.write(folder / "people.parquet", keys.assign(is_analysed=True).join(trial.people))
    store.write(folder / "panel.parquet", panel)


def read_and_estimate(folder: Path, variance: str) -> dict[str, float]:
    """CPU seconds of reading, of the regression, and of errors and degrees of freedom of all effects."""
    from ipseval import store
    from ipseval.estimation.design import design
    from ipseval.estimation.periods import periods
    from ipseval.estimation.regression import Sample, fit
    from ipseval.estimation.variance import VARIANCES
    from ipseval.panel import analysed_months

    cohort, analysis = cohort_and_analysis()
    times = [cpu_seconds()]
    people, panel = (store.read(folder / f"{name}.parquet") for name in ("people", "panel"))
    people, states = analysed_months(cohort, people, panel)
    states = states[:, cohort.window.before :]
    times.append(cpu_seconds())
    columns = design(cohort, analysis, people)
    month_0 = people["randomised_on"].to_numpy().astype("datetime64[M]").astype("int64")
    time = periods(analysis, states, np.arange(N_MONTHS), month_0)
    found = fit(Sample(columns.X, time.D, time.Y, time.O))
    times.append(cpu_seconds())
    terms = [(*columns.terms, *time.terms)[j] for j in found.kept]
    VARIANCES[variance](found).df_of([terms.index(term) for term in EFFECTS])
    times.append(cpu_seconds())
    return dict(zip(("reading", "regression", "variance"), np.diff(times).tolist(), strict=True))


def report() -> str:
    """Both as Markdown."""
    from benchmarks.national import in_own_process, verdict

    with TemporaryDirectory() as folder:
        for size, name in ((WARM_UP_PERSONS, "small"), (PERSONS, "large")):
            Path(folder, name).mkdir()
            write(Path(folder, name), draw(size))
        runs = {v: [in_own_process("benchmarks.adjusted", folder, v) for _ in range(REPEATS)] for v in ("cr1", "cr2")}
    found = {v: {part: min(one[part] for one in some) for part in some[0]} for v, some in runs.items()}
    ratio = sum(found["cr2"].values()) / sum(found["cr1"].values())
    rows = [
        f"| {v} | {one['reading']:.3f} | {one['regression']:.3f} | {one['variance']:.3f} |" for v, one in found.items()
    ]
    return "\n".join(
        [
            "| | reading, CPU s | regression | errors and df of the effects |",
            *("|---|---|---|---|", *rows, ""),
            f"{PERSONS:,} persons x {N_MONTHS} months; errors of all 31 coefficients and degrees of freedom of the",
            f"{len(EFFECTS)} effects, each part the best of {REPEATS} processes. With reading CR2 takes {ratio:.1f}",
            f"times the CPU time of CR1; the aim is {MOST:.0f}: {verdict(ratio, MOST)}. Degrees of freedom are counted",
            "for what is asked for; `coefficients.csv` asks for all 31.",
            "",
        ]
    )


if __name__ == "__main__":
    where, chosen = Path(sys.argv[1]), sys.argv[2]
    read_and_estimate(where / "small", chosen)
    print(json.dumps(read_and_estimate(where / "large", chosen)))
