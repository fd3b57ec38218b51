"""How much of each released table is hidden: the default cohort under every profile, or another cohort file.

``python -m benchmarks.hidden [cohort.yaml]`` prints a table of shares, and the months of the curve that are shown.
"""

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks.draws import DEFAULT

PROFILES = ("ssb", "dst", "sds", "opensafely", "acro")


def shares(file: Path, profiles: tuple[str, ...] = PROFILES) -> dict[str, Any]:
    """Share hidden by profile and table, and the months of the curve that both arms show."""
    from ipseval.pipeline import analyse, persons_of
    from ipseval.protect import RELEASED, protect
    from ipseval.settings import read_cohort

    cohort = read_cohort(file)
    made = analyse(cohort)
    tables = {name: stage[name] for stage in made.values() for name in RELEASED if name in stage}
    found = {}
    for name in profiles:
        out = protect(replace(cohort, disclosure={"profile": name}), tables, persons=persons_of(made))
        by_table = out["hidden_by_table"].set_index("table")["share_hidden"].to_dict()
        curve = out["released_time_to_job"]
        known = curve[curve["share_with_job"].notna() & (curve["share_with_job"] != ":")]
        n_arms = known.groupby("month")["arm"].nunique()
        found[name] = by_table, sorted(int(k) for k in n_arms[n_arms == len(cohort.arms.all)].index)
    return found


def main(file: Path) -> None:
    """Print it as Markdown."""
    found = shares(file)
    print("| table | " + " | ".join(found) + " |\n|---" + "|---" * len(found) + "|")
    for table in next(iter(found.values()))[0]:
        print(f"| {table} | " + " | ".join(f"{100 * by[table]:.0f} %" for by, _ in found.values()) + " |")
    for name, (_, months) in found.items():
        print(f"{name}: the curve of all arms is shown at months {', '.join(map(str, months))}")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else DEFAULT)
