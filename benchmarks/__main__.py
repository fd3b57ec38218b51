"""``make bench``: all benchmarks, or those named: ``make bench ARGS="core"``."""

import sys

from benchmarks import core, workflow

BENCHMARKS = {"core": core.report, "workflow": workflow.report}

if __name__ == "__main__":
    if unknown := set(sys.argv[1:]) - set(BENCHMARKS):
        sys.exit(f"unknown benchmark: {', '.join(sorted(unknown))}. There are: {', '.join(BENCHMARKS)}")
    for name in sys.argv[1:] or BENCHMARKS:
        BENCHMARKS[name]()
