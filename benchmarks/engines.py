"""One engine at one size, in a process of its own: ``python -m benchmarks.engines ENGINE PERSONS`` prints JSON.

Every engine is given what it works on ready in memory (persons and a matrix of states, a frame of person-months, or a
design matrix) and makes of it the estimates of table 5 model 1 and their errors clustered on person, by the convention
G/(G-1) (N-1)/(N-K). It first fits a small trial, so that imports and compilation are not counted.
"""

import gc
import json
import resource
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.trial import N_MONTHS, TERMS, Trial, cohort_and_analysis, draw, person_months

WARM_UP_PERSONS = 327
REPEAT_BELOW_SECONDS = 0.5
FORMULA = "y ~ age + female + C(centre) + C(centre):assigned + C(year) + C(month)"

Numbers = dict[str, list[float]]


@dataclass(frozen=True)
class Engine:
    """How an engine is given a trial (not measured) and what it makes of it (measured)."""

    prepare: Callable[[Trial], Any]
    fit: Callable[[Any], Numbers]


def _core(variance: str) -> Callable[[Trial], Numbers]:
    from ipseval.estimation.design import design
    from ipseval.estimation.periods import periods
    from ipseval.estimation.regression import Sample, fit
    from ipseval.estimation.variance import VARIANCES

    cohort, analysis = cohort_and_analysis()

    def estimate(trial: Trial) -> Numbers:
        columns = design(cohort, analysis, trial.people)
        month_0 = trial.people["randomised_on"].to_numpy().astype("datetime64[M]").astype("int64")
        time = periods(analysis, trial.states, np.arange(N_MONTHS), month_0)
        found = fit(Sample(columns.X, time.D, time.Y, time.O))
        errors = VARIANCES[variance](found)
        terms = [(*columns.terms, *time.terms)[j] for j in found.kept]
        at = [terms.index(term) for term in TERMS]
        numbers = {"estimate": found.b[at], "std_error": errors.std_error[at], "df": errors.df_of(at)}
        return {name: values.tolist() for name, values in numbers.items()}

    return estimate


def _ready(trial: Trial) -> Trial:
    return trial


def _design_matrix(trial: Trial) -> tuple[pd.Series, pd.DataFrame, np.ndarray]:
    rows = person_months(trial)
    columns = {name: rows[name] for name in ("age", "female")}
    for c in range(1, 7):
        columns[f"assigned[ips]:centre[{c}]"] = rows["assigned"] * (rows["centre"] == c)
    columns["intercept"] = np.ones(len(rows))
    for name in ("centre", "year", "month"):
        columns |= {f"{name}[{v}]": (rows[name] == v).astype(float) for v in sorted(rows[name].unique())[1:]}
    Z = np.empty((len(rows), len(columns)))
    for j, column in enumerate(columns.values()):
        Z[:, j] = column
    index = pd.MultiIndex.from_arrays([rows["person"], rows["since"]])
    return pd.Series(rows["y"].to_numpy(), index), pd.DataFrame(Z, index, list(columns)), rows["person"].to_numpy()


def _statsmodels_matrix(ready: tuple[pd.Series, pd.DataFrame, np.ndarray]) -> Numbers:
    import statsmodels.api as sm

    y, Z, person = ready
    found = sm.OLS(y.to_numpy(), Z.to_numpy()).fit(cov_type="cluster", cov_kwds={"groups": person})
    return {"estimate": found.params[:8].tolist(), "std_error": found.bse[:8].tolist()}


def _statsmodels_formula(rows: pd.DataFrame) -> Numbers:
    import statsmodels.formula.api as smf

    found = smf.ols(FORMULA, rows).fit(cov_type="cluster", cov_kwds={"groups": rows["person"]})
    terms = ["age", "female", *(f"C(centre)[{c}]:assigned" for c in range(1, 7))]
    return {"estimate": found.params[terms].tolist(), "std_error": found.bse[terms].tolist()}


def _linearmodels(ready: tuple[pd.Series, pd.DataFrame, np.ndarray]) -> Numbers:
    from linearmodels.panel import PooledOLS

    y, Z, _ = ready
    found = PooledOLS(y, Z).fit(cov_type="clustered", cluster_entity=True, group_debias=True, debiased=True)
    return {"estimate": found.params[TERMS].tolist(), "std_error": found.std_errors[TERMS].tolist()}


def _pyfixest(rows: pd.DataFrame) -> Numbers:
    import pyfixest as pf

    found = pf.feols(
        "y ~ age + female + i(centre, assigned) | centre + year + month",
        rows,
        vcov={"CRV1": "person"},
        ssc=pf.ssc(k_fixef="full"),
        copy_data=False,
        store_data=False,
        lean=True,
    )
    table = found.tidy()
    terms = ["age", "female", *(f"centre::{c}:assigned" for c in range(1, 7))]
    return {"estimate": table["Estimate"][terms].tolist(), "std_error": table["Std. Error"][terms].tolist()}


ENGINES: dict[str, Callable[[], Engine]] = {
    "ipseval": lambda: Engine(_ready, _core("cr1")),
    "ipseval, CR2": lambda: Engine(_ready, _core("cr2")),
    "pyfixest": lambda: Engine(person_months, _pyfixest),
    "linearmodels": lambda: Engine(_design_matrix, _linearmodels),
    "statsmodels, matrix": lambda: Engine(_design_matrix, _statsmodels_matrix),
    "statsmodels, formula": lambda: Engine(person_months, _statsmodels_formula),
}


def cpu_seconds() -> float:
    """User and system time of this process, all threads."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def peak_megabytes() -> float:
    """Highest resident memory since the last :func:`forget_peak`."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def forget_peak() -> float:
    """Start counting the peak afresh and return what is resident now, in MB (Linux)."""
    gc.collect()
    with open("/proc/self/clear_refs", "w", encoding="ascii") as file:
        file.write("5")
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * resource.getpagesize() / 2**20


def measure(name: str, n_persons: int) -> dict[str, Any]:
    """Numbers, CPU seconds and peak memory of one fit beyond what it was given."""
    engine = ENGINES[name]()
    engine.fit(engine.prepare(draw(WARM_UP_PERSONS)))
    empty = forget_peak()
    ready = engine.prepare(draw(n_persons))
    resident = forget_peak()
    spent: list[float] = []
    began = time.perf_counter()
    while not spent or time.perf_counter() - began < REPEAT_BELOW_SECONDS:
        before = cpu_seconds()
        numbers = engine.fit(ready)
        spent.append(cpu_seconds() - before)
    memory = {"megabytes": max(peak_megabytes() - resident, 0), "megabytes_given": max(resident - empty, 0)}
    return numbers | {"cpu_seconds": min(spent)} | memory


if __name__ == "__main__":
    print(json.dumps(measure(sys.argv[1], int(sys.argv[2]))))
