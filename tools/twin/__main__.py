"""Build the synthetic twin: ``python -m tools.twin --out data/norway-six-centre``."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

import numpy as np

from tools.twin import check, extracts, people, search, subsidies, timeline
from tools.twin.regression import Ints, Roster

SEED = 20210104


def build(folder: Path, seed: int = SEED) -> None:
    """Search, date and write the twin into a folder."""
    began = time.monotonic()

    def report(text: str) -> None:
        print(f"{time.monotonic() - began:6.0f} s  {text}", flush=True)

    streams = [np.random.default_rng([seed, number]) for number in range(3)]
    roster, panel = search.solve(streams[0], report)
    everybody = assemble(roster, panel, streams[1])
    extracts.write(extracts.all_extracts(everybody, streams[2]), folder)
    report(f"extracts are written to {folder}")


def assemble(roster: Roster, panel: Ints, rng: np.random.Generator) -> people.People:
    """Add the excluded, the months around the window and the wage subsidies."""
    ordinary = timeline.analysed_months(roster, panel, rng)
    analysed = subsidies.of_analysed(roster, ordinary, rng)
    others = timeline.excluded_roster(rng)
    printed = panel[:, timeline.PRINTED_MONTH]
    missing = [
        total - int(printed[roster.assigned == arm].sum()) for arm, total in enumerate(timeline.EMPLOYED_MONTH_18)
    ]
    months = timeline.excluded_months(others, np.array(missing), rng)
    excluded = subsidies.of_excluded(others, months, rng)
    return people.join((roster, analysed), (others, excluded), rng)


def main() -> int:
    """Build and check; the exit code is that of the check."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("data/norway-six-centre"))
    parser.add_argument("--seed", type=int, default=SEED)
    arguments = parser.parse_args()
    build(arguments.out, arguments.seed)
    return check.run(arguments.out)


if __name__ == "__main__":
    sys.exit(main())
