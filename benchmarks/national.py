"""National size: a trial of 100,000 persons with 10 million spells, and 100 million job-months of which 400 persons.

Both are measured beside a bare scan of the same columns by DuckDB in the same run.
"""

import json
import os
import subprocess
import sys
import threading
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import psutil

from benchmarks import delivery, large_trial
from benchmarks.trial import ROOT
from benchmarks.workflow import timed

N_PERSONS, N_SPELLS, N_CENTRES, DRAWS = 100_000, 10_000_000, 6, 499
MOST_SECONDS, MOST_GIGABYTES = 180, 4
N_ROWS = 100_000_000
LOOKED_EVERY = 0.2  # seconds between two looks at the memory of all processes
ONE_THREAD = {f"{library}_NUM_THREADS": "1" for library in ("OMP", "OPENBLAS", "MKL")}


class Memory:
    """The largest resident memory of all processes below this one together, GB, looked at while it is entered."""

    def __enter__(self) -> "Memory":
        """Begin to look."""
        self.gigabytes, self._over = 0.0, threading.Event()
        self._looking = threading.Thread(target=self._look, daemon=True)
        self._looking.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop looking."""
        self._over.set()
        self._looking.join()

    def _look(self) -> None:
        while not self._over.wait(LOOKED_EVERY):
            total = 0
            for process in psutil.Process().children(recursive=True):
                try:
                    total += process.memory_info().rss
                except psutil.Error:
                    continue
            self.gigabytes = max(self.gigabytes, total / 1e9)


def in_own_process(*arguments: str) -> dict[str, Any]:
    """What a module prints as JSON, with one thread for linear algebra."""
    command = [sys.executable, "-W", "ignore", "-m", *arguments]
    done = subprocess.run(command, cwd=ROOT, env=os.environ | ONE_THREAD, capture_output=True, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def verdict(value: float, most: float) -> str:
    """Whether an aim was met."""
    return "met" if value <= most else "**missed**"


def trial() -> str:
    """The whole run of a large trial by Snakemake on two cores."""
    os.environ.update(ONE_THREAD)
    with TemporaryDirectory() as folder:
        file = large_trial.write(Path(folder), N_PERSONS, N_SPELLS, N_CENTRES, DRAWS)
        floor = in_own_process("benchmarks.delivery", "scan", str(file))
        with Memory() as memory:
            run = timed("--config", f"cohort={file}", f"results={folder}/results")
    ratio, load = run.cpu / floor["cpu_seconds"], os.getloadavg()[1]
    return f"""| | CPU s | ratio | clock s | GB |
|---|---|---|---|---|
| DuckDB reads the spells | {floor["cpu_seconds"]:.1f} | 1 | | {floor["megabytes"] / 1000:.1f} |
| the whole run, 2 cores | {run.cpu:.0f} | {ratio:.0f} | {run.wall:.0f} | {memory.gigabytes:.1f} |

{N_PERSONS:,} persons in {N_CENTRES} centres, about {N_SPELLS:,} spells, {DRAWS} draws of the assignment,
everything else as in `config/config.yaml`. Memory is that of all processes together. Aims: {MOST_SECONDS} s by the
clock on two idle cores: {verdict(run.wall, MOST_SECONDS)} (the load on the two was {load:.0f}; CPU time over two is
{run.cpu / 2:.0f} s);
{MOST_GIGABYTES} GB: {verdict(memory.gigabytes, MOST_GIGABYTES)}.

The default of 9,999 draws is **missed** at this size: every person's score is needed in every draw of a regression over
periods, so that the stage `randomise` would take 20 times as long as with {DRAWS}. Its assignments would take 0.13 GB.
"""


def register(n_rows: int = N_ROWS) -> str:
    """Check and clean of a national register beside the scan."""
    with TemporaryDirectory() as folder:
        written = in_own_process("benchmarks.delivery", "write", folder, str(n_rows))
        file = str(Path(folder) / "national.yaml")
        found = {way: in_own_process("benchmarks.delivery", way, file) for way in delivery.WAYS}
    floor, ours = found["scan"], found["check and clean"]
    ratio = ours["cpu_seconds"] / floor["cpu_seconds"]
    times = {way: (one["cpu_seconds"], one["cpu_seconds"] / floor["cpu_seconds"]) for way, one in found.items()}
    rows = "\n".join(f"| {way} | {s:.1f} | {r:.2f} | {found[way]['megabytes']:.0f} |" for way, (s, r) in times.items())
    return f"""| | CPU s | ratio | peak MB |
|---|---|---|---|
{rows}

{written["n_rows"]:,} job-months in {delivery.MONTHS} monthly files ({written["gigabytes"]:.1f} GB, keys of text,
persons in no order), a trial of {delivery.TRIAL} ({ours["n_rows"]:,} of the rows). The scan: DuckDB, the same columns,
rows of the trial's persons. Aims: twice the scan: {verdict(ratio, delivery.MOST["cpu"])};
2 GB: {verdict(ours["megabytes"], delivery.MOST["megabytes"])}.
"""
