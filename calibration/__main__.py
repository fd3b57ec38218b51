"""``make calibrate``: print the table and write docs/calibration.md."""

import argparse
import sys
from pathlib import Path

from calibration.arms import rejections
from calibration.means import syntheses
from calibration.page import (
    page,
    section_of_arms,
    section_of_centres,
    section_of_means,
    summary,
    table,
    with_section,
)
from calibration.performance import Performance, performances
from calibration.simulations import Size, simulate
from calibration.trial import cases
from calibration.within import stratified
from ipseval.settings import ROOT

LEAST = 15  # simulations: three of the cases that get a fifth, for a standard deviation without one of them


def arguments() -> argparse.Namespace:
    """What was asked for; the defaults are those of the committed page."""
    parser = argparse.ArgumentParser(prog="python -m calibration", description=__doc__)
    one = Size()
    parser.add_argument("--simulations", type=int, default=one.simulations, help="of one centre; a fifth of the rest")
    parser.add_argument("--draws", type=int, default=one.draws, help="of assignment, for randomisation inference")
    parser.add_argument("--seed", type=int, default=one.seed)
    parser.add_argument("--page", type=Path, default=ROOT / "docs" / "calibration.md")
    parser.add_argument("--only", choices=["arms", "means", "centres"], help="make this section of the page anew")
    asked = parser.parse_args()
    if asked.simulations < LEAST:
        parser.error(f"--simulations is {asked.simulations}; at least {LEAST} are needed")
    return asked


def calibrate(size: Size) -> list[Performance]:
    """Simulate every case; says on the way which one is done."""
    found: list[Performance] = []
    for number, case in enumerate(cases()):
        kind = "planted effects" if case.has_effect else "no effect"
        print(f"{case.name}, {kind}: {size.trials(case):,} trials", file=sys.stderr, flush=True)
        found += performances(case, simulate(case, number, size))
    return found


def main() -> int:
    """Returns the exit status."""
    asked = arguments()
    fifth = asked.simulations // 5
    size = Size(asked.simulations, fifth, fifth, asked.draws, asked.seed)
    sections = {
        "arms": lambda: section_of_arms(list(rejections(size.simulations, size.draws_arms, size.seed)), size),
        "means": lambda: section_of_means(list(syntheses(size.simulations, size.seed))),
        "centres": lambda: section_of_centres(list(stratified(fifth, size.draws_arms, size.seed)), size),
    }
    if asked.only:
        section = sections[asked.only]()
        print(section, end="")
        asked.page.write_text(with_section(asked.page.read_text(encoding="utf-8"), section), encoding="utf-8")
        return 0
    found = calibrate(size)
    text = page(found, size)
    print(f"{table(found)}\n{summary(found)}", end="")
    for make in sections.values():
        section = make()
        print(section, end="")
        text = with_section(text, section)
    asked.page.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
