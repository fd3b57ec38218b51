"""The whole default run by Snakemake, and again with nothing to do, beside an empty workflow of as many jobs."""

import os
import re
import resource
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.trial import ROOT

CORES = 2
FLOOR = """
rule all:
    input: "{last}"

rule job:
    input: lambda wildcards: [] if wildcards.n == "1" else [f"{folder}/{{int(wildcards.n) - 1}}.txt"]
    output: "{folder}/{{n}}.txt"
    script: "{script}"
"""
IMPORTS = "import pandas, duckdb\nopen(snakemake.output[0], 'w').close()\n"


@dataclass(frozen=True)
class Run:
    """Seconds of a Snakemake run by the clock and of all its processes, and what it said."""

    wall: float
    cpu: float
    said: str


def cpu_of_children() -> float:
    """User and system time of all processes started so far that have ended."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def timed(*arguments: str) -> Run:
    """Run Snakemake from the root of the repository."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    command = [sys.executable, "-m", "snakemake", "--cores", str(CORES), *arguments]
    before, began = cpu_of_children(), time.perf_counter()
    done = subprocess.run(command, cwd=ROOT, env=os.environ | {"PATH": path}, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stderr[-3000:]}")
    return Run(time.perf_counter() - began, cpu_of_children() - before, done.stdout + done.stderr)


def report() -> None:
    """Print times: the default run, a second run, and the floor of both."""
    with TemporaryDirectory() as folder:
        ours = ["--config", f"results={folder}/results"]
        runs = [timed(*ours), timed(*ours)]
        n_jobs = int(re.findall(r"(?m)^total +(\d+)", runs[0].said)[0]) - 1
        script = Path(folder) / "job.py"
        script.write_text(IMPORTS, encoding="utf-8")
        empty = Path(folder) / "Snakefile"
        empty.write_text(FLOOR.format(last=f"{folder}/{n_jobs}.txt", folder=folder, script=script), encoding="utf-8")
        floor = ["-s", str(empty), "-d", folder]
        floors = [timed(*floor), timed(*floor)]
    print(f"\nDefault run, {n_jobs} jobs on {CORES} cores: seconds by the clock (and of all processes)")
    print(f"{'':<38}{'first':>16}{'nothing to do':>16}")
    for name, (first, second) in {"ipseval": runs, "as many jobs that import and write": floors}.items():
        print(f"{name:<38}{first.wall:>8.1f} ({first.cpu:>5.1f}){second.wall:>8.1f} ({second.cpu:>5.1f})")
