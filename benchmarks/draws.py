"""Randomisation inference: one draw of one regression beside pyfixest's ``ritest``, and all of the default cohort.

``python -m benchmarks.draws ENGINE`` measures one in a process of its own and prints JSON.
"""

import importlib.util
import json
import sys
import time

import numpy as np
import pandas as pd

from benchmarks.engines import cpu_seconds, forget_peak, peak_megabytes
from benchmarks.trial import COHORT_FILE, N_MONTHS, ROOT, Trial, draw

PERSONS, DRAWS, RITEST_DRAWS, MONTH = 327, 9999, 200, 12
LEAST_RATIO = 1000
DEFAULT = ROOT / "config" / "cohorts" / "norway-six-centre.yaml"
FORMULA = "y ~ assigned + age + female + C(centre)"


def _people(trial: Trial) -> pd.DataFrame:
    return trial.people.assign(person_id=np.arange(len(trial.people)), is_analysed=True)


def by_ritest(trial: Trial) -> dict[str, float]:
    """Studentised draws of the effect in one month."""
    import pyfixest as pf

    rows = trial.people.assign(y=trial.states[:, MONTH].astype(float), assigned=(trial.people["arm"] == "ips") * 1.0)
    fitted = pf.feols(FORMULA, rows, vcov="HC1")
    options = {"resampvar": "assigned", "type": "randomization-t", "rng": np.random.default_rng(1)}
    fitted.ritest(reps=2, **options)  # compiled before it is measured
    before = cpu_seconds()
    found = fitted.ritest(reps=RITEST_DRAWS, **options)
    p_value = float(found["Pr(>|t|)"])
    return {"cpu_seconds": cpu_seconds() - before, "draws": RITEST_DRAWS, "regressions": 1, "p_value": p_value}


def by_ipseval(trial: Trial) -> dict[str, float]:
    """The same regression in all months, and every other of the default cohort's analysis ``by_month``."""
    from ipseval.estimation.analyses import regressions
    from ipseval.estimation.redrawn import redrawn
    from ipseval.randomise import assignments
    from ipseval.settings import read_cohort

    cohort = read_cohort(COHORT_FILE)
    (analysis,) = (a for a in cohort.analyses if a.name == "by_month")
    people, states = _people(trial), np.zeros((len(trial.people), len(cohort.window.months)), np.int8) - 1
    states[:, cohort.window.before :] = trial.states
    before = cpu_seconds()
    drawn = assignments(cohort, people)
    ((batch, _, draws),) = (
        one for one in redrawn(regressions(cohort, analysis, people, states), cohort.arms, drawn) if len(one[0]) > 1
    )
    spent = cpu_seconds() - before
    t = draws.statistic[:, 0, [one.months[0] for one in batch].index(MONTH)]
    p_value = float((1 + (np.abs(t[1:]) >= abs(t[0]) * (1 - 1e-12)).sum()) / len(t))
    return {"cpu_seconds": spent, "draws": DRAWS, "regressions": N_MONTHS, "p_value": p_value}


def whole_stage(trial: Trial) -> dict[str, float]:
    """The stage ``randomise`` of the default cohort: every effect row; ``trial`` is not used."""
    from ipseval.pipeline import measure
    from ipseval.randomise import randomise
    from ipseval.settings import read_cohort

    cohort = read_cohort(DEFAULT)
    made = measure(cohort)
    resident = forget_peak()
    before, began = cpu_seconds(), time.perf_counter()
    tables = randomise(cohort, made["cohort"]["people"], made["panel"]["panel"], made["estimate"]["effects"])
    spent = {"cpu_seconds": cpu_seconds() - before, "seconds": time.perf_counter() - began}
    return spent | {"draws": cohort.randomisation.draws, "rows": len(tables["randomisation"]), "resident": resident}


ENGINES = {"ritest": by_ritest, "ipseval": by_ipseval, "stage": whole_stage}


def report() -> str:
    """All of it as Markdown."""
    from benchmarks.national import in_own_process, verdict

    names = ["ipseval", "stage"] + ["ritest"] * (importlib.util.find_spec("pyfixest") is not None)
    found = {name: in_own_process("benchmarks.draws", name) for name in names}
    each = {n: found[n]["cpu_seconds"] / found[n]["draws"] / found[n]["regressions"] for n in names if n != "stage"}
    rows = [
        f"| {n} | {found[n]['draws']:,} x {found[n]['regressions']} | {each[n]:.1e} | {found[n]['p_value']:.3f} |"
        for n in each
    ]
    ratio = each["ritest"] / each["ipseval"] if "ritest" in each else np.nan
    stage = found["stage"]
    return "\n".join(
        [
            "| | draws x regressions | CPU s a draw and regression | p in month 12 |",
            *("|---|---|---|---|", *rows, ""),
            f"Effect in one month, studentised, {PERSONS} persons, `y ~ assigned + age + female + centre`; pyfixest's",
            f'`ritest` with `type="randomization-t"`. Ratio {ratio:,.0f}; the aim is {LEAST_RATIO:,}:',
            f"{verdict(LEAST_RATIO, ratio)}.",
            "",
            f"The whole stage for the default cohort ({stage['rows']} effect rows, {stage['draws']:,} draws):",
            f"{stage['cpu_seconds']:.1f} CPU s, {stage['seconds']:.1f} s by the clock beside other programs,",
            f"{stage['megabytes'] / 1000:.2f} GB. Aims: 5 s (CPU; the stage uses one core):",
            f"{verdict(stage['cpu_seconds'], 5)}; 1.5 GB: {verdict(stage['megabytes'], 1500)}.",
            "",
        ]
    )


if __name__ == "__main__":
    print(json.dumps(ENGINES[sys.argv[1]](draw(PERSONS)) | {"megabytes": peak_megabytes()}))
