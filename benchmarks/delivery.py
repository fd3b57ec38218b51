"""Check and clean of a national delivery of job-months, beside a bare scan of the same columns by DuckDB.

``python -m benchmarks.delivery write FOLDER ROWS`` writes it; with ``scan`` or ``"check and clean"`` and a cohort file
it measures in a process of its own. All print JSON.
"""

import json
import os
import sys
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import yaml

from benchmarks.engines import cpu_seconds, peak_megabytes

TRIAL, MONTHS, GROUP = 400, 100, 1_000_000  # persons, files (one a month), rows of a row group
FIRST = np.datetime64("2010-09", "M")
MOST = {"cpu": 2.0, "megabytes": 2000.0}  # of the scan's CPU time; of memory


def write(folder: Path, n_rows: int) -> Path:
    """Write a delivery of about ``n_rows`` rows in 100 monthly files and a trial of 400. Returns the cohort file.

    Persons are in no order; keys are text of eleven digits, a job has an employer and hours.
    """
    rng = np.random.default_rng(7)
    data, n = folder / "extracts", n_rows // MONTHS
    (data / "employment").mkdir(parents=True)
    keys = pa.array(np.char.zfill((rng.permutation(n) * 7919 + 1_000_003).astype(str), 11))
    employers = pa.array(np.char.add("9", np.char.zfill(np.arange(max(n // 20, 1)).astype(str), 8)))
    hours, employer = np.array([37.5, 37.5, 30.0, 20.0, 7.5]), rng.integers(len(employers), size=n)
    for number in range(MONTHS):
        moved = rng.integers(n, size=n // 50)
        employer[moved] = rng.integers(len(employers), size=len(moved))
        has_job = rng.permutation(n)[: n - n // 50 * (number % 3)]
        month = pa.array([str(FIRST + number).replace("-", "")])
        table = pa.table(
            {
                "person_id": keys.take(pa.array(has_job)),
                "year_month": month.take(pa.array(np.zeros(len(has_job), int))),
                "employer_id": employers.take(pa.array(employer[has_job])),
                "weekly_hours": hours[rng.integers(len(hours), size=len(has_job))],
            }
        )
        pq.write_table(table, data / "employment" / f"jobs_{FIRST + number}.parquet", row_group_size=GROUP)
    return _trial(folder, data, keys, rng)


def _trial(folder: Path, data: Path, keys: pa.Array, rng: np.random.Generator) -> Path:
    persons = keys.take(pa.array(rng.choice(len(keys), TRIAL, replace=False)))
    randomised_on = np.datetime64("2014-01-01") + rng.integers(365, size=TRIAL)
    arm = np.where(rng.integers(2, size=TRIAL), "ips", "control")
    trial = {"person_id": persons, "centre": rng.integers(1, 7, TRIAL), "arm": arm, "randomised_on": randomised_on}
    pq.write_table(pa.table(trial), data / "trial.parquet")
    settings = {
        "extracts": str(data),
        "observed_from": str(FIRST),
        "observed_until": str(FIRST + MONTHS - 1),
        "arms": {"reference": "control", "treatments": ["ips"]},
        "centres": {c: f"Centre {c}" for c in range(1, 7)},
        "layouts": {"employment": {"layout": "monthly"}},
        "outcome": {"exclude_wage_subsidy": False},
    }
    file = folder / "national.yaml"
    file.write_text(yaml.safe_dump(settings), encoding="utf-8")
    return file


def scan(cohort_file: Path) -> int:
    """The floor: DuckDB reads the same columns and keeps the rows of the trial's persons."""
    data = cohort_file.parent / "extracts"
    jobs = (
        str(data / "employment" / "*.parquet") if (data / "employment").is_dir() else str(data / "employment.parquet")
    )
    query = "SELECT * FROM read_parquet($jobs) WHERE person_id IN (SELECT k FROM keys)"
    with duckdb.connect(config={"preserve_insertion_order": "false"}) as db:
        db.register("keys", pa.table({"k": pq.read_table(data / "trial.parquet")["person_id"]}))
        return db.sql(query, params={"jobs": jobs}).to_arrow_table().num_rows


def check_and_clean(cohort_file: Path) -> int:
    """The stages ``check`` and ``clean``. Returns the rows of the trial's persons."""
    from ipseval.check import check
    from ipseval.clean import clean
    from ipseval.contracts import EXTRACTS
    from ipseval.settings import read_cohort

    checked = check(read_cohort(cohort_file))
    clean({name: checked[name] for name in EXTRACTS})
    return len(checked["employment"])


WAYS = {"scan": scan, "check and clean": check_and_clean}

if __name__ == "__main__":
    what, path, *rest = sys.argv[1:]
    if what == "write":
        write(Path(path), int(rest[0]))
        files = list((Path(path) / "extracts" / "employment").iterdir())
        n_rows, n_bytes = (
            sum(f(file) for file in files) for f in (lambda p: pq.read_metadata(p).num_rows, os.path.getsize)
        )
        print(json.dumps({"n_rows": n_rows, "gigabytes": n_bytes / 1e9}))
    else:
        began = cpu_seconds()
        n_rows = WAYS[what](Path(path))
        print(json.dumps({"cpu_seconds": cpu_seconds() - began, "megabytes": peak_megabytes(), "n_rows": n_rows}))
