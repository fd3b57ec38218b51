"""Stage ``protect`` beside making the tables that it protects: the default cohort, and 80 centres x 44 months.

``python -m benchmarks.protected default`` (or ``wide``) measures one in a process of its own and prints JSON.
"""

import json
import sys
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks import large_trial
from benchmarks.draws import DEFAULT
from benchmarks.engines import cpu_seconds

N_PERSONS, N_SPELLS, N_CENTRES, DRAWS = 2_000, 200_000, 80, 99
PROFILES = ("ssb", "acro")
MEASURED = {"default": PROFILES, "wide": PROFILES[:1]}
TITLES = {"default": "default cohort", "wide": f"{N_PERSONS:,} persons, {N_CENTRES} centres x 44 months"}
MOST = {"default": 10, "wide": 120}


def tables_of(cohort: Any) -> dict[str, Any]:
    """The tables that may be released, before they are protected."""
    from ipseval.pipeline import analyse
    from ipseval.protect import RELEASED

    return {name: made[name] for made in analyse(cohort).values() for name in RELEASED if name in made}


def measured(file: Path, profiles: tuple[str, ...]) -> dict[str, Any]:
    """CPU seconds of the stages before, and of ``protect`` under each profile, with what it says of its cost."""
    from ipseval.protect import protect
    from ipseval.settings import read_cohort

    cohort, times, found = read_cohort(file), [cpu_seconds()], {}
    tables = tables_of(cohort)
    times.append(cpu_seconds())
    for name in profiles:
        made = protect(replace(cohort, disclosure={"profile": name}), tables)
        times.append(cpu_seconds())
        cells = made["hidden_by_table"]
        share = float(cells["n_hidden"].sum() / cells["n_numbers"].sum())
        gap = float(made["hidden_cost"]["gap"].iloc[0])
        found[name] = {"seconds": times[-1] - times[-2], "gap": gap, "share": share}
    return {"tables": times[1] - times[0], "profiles": found}


def report() -> str:
    """All of it as Markdown."""
    from benchmarks.national import in_own_process, verdict

    rows = []
    for size in MEASURED:
        found = in_own_process("benchmarks.protected", size)
        for name, one in found["profiles"].items():
            seconds = one["seconds"]
            aim = f"{MOST[size]} s: {verdict(seconds, MOST[size])}"
            rows.append(
                f"| {TITLES[size]} | {found['tables']:.0f} | {name} | {seconds:.1f} | {aim} "
                f"| {100 * one['share']:.0f} % | {100 * one['gap']:.2f} % |"
            )
    heads = "| | its tables, CPU s | profile | `protect`, CPU s | aim | numbers hidden | gap |"
    return "\n".join([heads, "|---|---|---|---|---|---|---|", *rows, ""])


def main(size: str) -> None:
    """Measure one."""
    with TemporaryDirectory() as folder:
        file = DEFAULT
        if size == "wide":
            file = large_trial.write(Path(folder), N_PERSONS, N_SPELLS, N_CENTRES, DRAWS)
        print(json.dumps(measured(file, MEASURED[size])))


if __name__ == "__main__":
    main(sys.argv[1])
