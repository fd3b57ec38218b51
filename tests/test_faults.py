"""Runs that are ended from outside, in some stages and some ways; ``make faults`` tries all of them.

The cases are one test, since the results that they begin from take long to make.
"""

import os
from pathlib import Path

from faults import STAGES, Runs, chain, delivery, digests, of_readers
from ipseval.products import PRODUCTS

# The first stage, one in the middle and the last, which also exchanges results; and what is killed there.
TRIED = {"check": "both", "estimate": "job", "verify": "both"}


def test_every_stage_is_tried() -> None:
    assert set(STAGES) == set(PRODUCTS)


def test_the_same_command_makes_what_an_undisturbed_run_makes(tmp_path: Path) -> None:
    runs, seed = Runs(tmp_path / "runs"), int.from_bytes(os.urandom(2))
    at = {stage: runs.drawn(kind, seed)[stage] for stage, kind in TRIED.items()}
    found = chain(runs, TRIED, at)
    assert found.holds, (at, found)
    assert set(found.struck) == set(TRIED)
    fails_on_a_cluster(runs)


def fails_on_a_cluster(runs: Runs) -> None:
    """Each stage is a job of its own, which another Snakemake runs; one that fails must not take more along."""
    with runs.copied("cluster") as project:
        spoilt = delivery(again=True)
        spoilt.put("trial", [0], arm="nobody")
        spoilt.write(project / "cohort")
        submit = project / "submit"
        submit.write_text('#!/bin/sh\nsetsid sh "$1" > /dev/null 2>&1 &\necho $!\n')
        submit.chmod(0o755)
        cluster = ("--executor", "cluster-generic", "--cluster-generic-submit-cmd", str(submit), "--jobs", "2")
        failed = runs.run(project, options=cluster)
        assert failed.returncode != 0
        assert failed.stderr.splitlines()[-1].startswith("north, check: 1 of 40 rows of trial.parquet (1 person)")
        assert of_readers(digests(project / "results")) == of_readers(runs.before)
