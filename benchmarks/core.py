"""Table 5 model 1 by every engine at every size: CPU time, memory and agreement, relative to ipseval."""

import importlib.util
import json
import os
import subprocess
import sys
from typing import Any

import numpy as np

from benchmarks.engines import ENGINES
from benchmarks.trial import N_MONTHS, ROOT

SIZES = (327, 20_000, 200_000)
MOST_MEGABYTES, MOST_SECONDS = 12_000, 240
AGREEMENT = 1e-8
OTHER_VARIANCE = {"ipseval, CR2"}  # only its estimates are compared
HEADER = f"{'engine':<22}{'CPU s':>9}{'ratio':>8}{'MB':>8}{'ratio':>8}  agreement"

Measured = dict[str, Any]


def run(name: str, n_persons: int) -> Measured:
    """Measure an engine in a process of its own, with one thread for linear algebra."""
    one_thread = {f"{library}_NUM_THREADS": "1" for library in ("OMP", "OPENBLAS", "MKL", "NUMBA", "RAYON")}
    command = [sys.executable, "-W", "ignore", "-m", "benchmarks.engines", name, str(n_persons)]
    done = subprocess.run(command, cwd=ROOT, env=os.environ | one_thread, capture_output=True, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def too_much(before: Measured | None, growth: float) -> str:
    """Why an engine is not run at a size, judged by the size before; empty when it is run."""
    if before is None:
        return ""
    megabytes = growth * (before["megabytes"] + before["megabytes_given"])
    if megabytes > MOST_MEGABYTES:
        return f"left out: would need about {megabytes / 1000:.0f} GB"
    seconds = growth * before["cpu_seconds"]
    return f"left out: would take about {seconds:.0f} s" if seconds > MOST_SECONDS else ""


def agreement(measured: Measured, ours: Measured, name: str) -> str:
    """Largest difference of the estimates and of the standard errors, and whether both are small enough."""
    parts = ["estimate"] if name in OTHER_VARIANCE else ["estimate", "std_error"]
    apart = [float(np.abs(np.subtract(measured[part], ours[part])).max()) for part in parts]
    verdict = "" if max(apart) < AGREEMENT else f"  MORE THAN {AGREEMENT:.0e}"
    return ", ".join(f"{part} {d:.0e}" for part, d in zip(parts, apart, strict=True)) + verdict


def line(name: str, measured: Measured, ours: Measured) -> str:
    """A row of the table."""
    seconds, megabytes = measured["cpu_seconds"], max(measured["megabytes"], 1)
    ratios = seconds / ours["cpu_seconds"], megabytes / max(ours["megabytes"], 1)
    agrees = agreement(measured, ours, name)
    return f"{name:<22}{seconds:>9.3f}{ratios[0]:>8.1f}{megabytes:>8.0f}{ratios[1]:>8.1f}  {agrees}"


def report() -> None:
    """Print the tables."""
    print("Table 5 model 1, errors clustered on person. CPU seconds of a warm fit and the memory it needs beyond")
    print("the data it is given; ratios to ipseval (memory below 1 MB counts as 1).")
    print(
        "Convention G/(G-1) (N-1)/(N-K): statsmodels' own; linearmodels with group_debias and debiased; pyfixest with"
    )
    print('ssc(k_fixef="full"). The errors are then equal, without a factor.')
    engines = dict(ENGINES)
    if importlib.util.find_spec("pyfixest") is None:
        del engines["pyfixest"]
        print("pyfixest is not installed (pyproject.toml, extra bench): left out.")
    found: dict[str, Measured] = {}
    for size, before in zip(SIZES, (0, *SIZES), strict=False):
        print(f"\n{size:,} persons x {N_MONTHS} months\n{HEADER}")
        now: dict[str, Measured] = {}
        for name in engines:
            reason = too_much(found.get(name), size / before) if before else ""
            if before and name not in found:
                reason = "left out, as at the size before"
            if not reason:
                now[name] = run(name, size)
            print(line(name, now[name], now["ipseval"]) if not reason else f"{name:<22}{reason}", flush=True)
        found = now
