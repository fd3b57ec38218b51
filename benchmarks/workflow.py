"""The whole default run by Snakemake, and again with nothing to do, beside an empty workflow of as many jobs."""

import os
import re
import subprocess
import sys
import time
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


def timed(*arguments: str) -> tuple[float, str]:
    """Wall seconds of a Snakemake run, and what it said."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    command = [sys.executable, "-m", "snakemake", "--cores", str(CORES), *arguments]
    began = time.perf_counter()
    done = subprocess.run(command, cwd=ROOT, env=os.environ | {"PATH": path}, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stderr[-3000:]}")
    return time.perf_counter() - began, done.stdout + done.stderr


def report() -> None:
    """Print wall times: the default run, a second run, and the floor of both."""
    with TemporaryDirectory() as folder:
        ours = ["--config", f"results={folder}/results"]
        first, said = timed(*ours)
        second, _ = timed(*ours)
        n_jobs = int(re.findall(r"(?m)^total +(\d+)", said)[0]) - 1
        script = Path(folder) / "job.py"
        script.write_text(IMPORTS, encoding="utf-8")
        empty = Path(folder) / "Snakefile"
        empty.write_text(FLOOR.format(last=f"{folder}/{n_jobs}.txt", folder=folder, script=script), encoding="utf-8")
        floor = ["-s", str(empty), "-d", folder]
        floor_first, _ = timed(*floor)
        floor_second, _ = timed(*floor)
    print(f"\nDefault run, {n_jobs} jobs on {CORES} cores, wall seconds")
    print(f"{'':<38}{'first':>8}{'second':>8}")
    print(f"{'ipseval':<38}{first:>8.1f}{second:>8.1f}")
    print(f"{'as many jobs that import and write':<38}{floor_first:>8.1f}{floor_second:>8.1f}")
