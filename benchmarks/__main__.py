"""``make bench``: all benchmarks, or those named: ``make bench ARGS="core"``; ``ARGS="register --rows 10e6"``.

``core`` and ``workflow`` print their tables; the others write their part of docs/benchmarks.md.
"""

import argparse

from benchmarks import adjusted, core, draws, national, protected, workflow
from benchmarks.trial import ROOT

PRINTED = {"core": core.report, "workflow": workflow.report}
WRITTEN = {
    "adjusted": adjusted.report,
    "draws": draws.report,
    "protect": protected.report,
    "trial": national.trial,
    "register": national.register,
}
PAGE = ROOT / "docs" / "benchmarks.md"


def put(name: str, text: str) -> None:
    """Put a benchmark's part in its place on the page."""
    page = PAGE.read_text(encoding="utf-8")
    begin, end = f"<!-- begin: {name} -->\n", f"<!-- end: {name} -->"
    before, rest = page.split(begin)
    PAGE.write_text(before + begin + text + end + rest.split(end)[1], encoding="utf-8")


def main() -> None:
    """Run what the command line names."""
    parser = argparse.ArgumentParser(prog="make bench")
    parser.add_argument("names", nargs="*", help=f"of {', '.join(PRINTED | WRITTEN)}; all when none is named")
    parser.add_argument("--rows", type=float, default=national.N_ROWS, help="rows of the benchmark register")
    chosen = parser.parse_args()
    if unknown := set(chosen.names) - set(PRINTED | WRITTEN):
        parser.error(f"unknown benchmark: {', '.join(sorted(unknown))}. There are: {', '.join(PRINTED | WRITTEN)}")
    for name in chosen.names or PRINTED | WRITTEN:
        if name in PRINTED:
            PRINTED[name]()
            continue
        text = national.register(int(chosen.rows)) if name == "register" else WRITTEN[name]()
        put(name, text)
        print(text, flush=True)


if __name__ == "__main__":
    main()
