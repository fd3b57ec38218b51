"""What a run that is ended from outside leaves, and what the same command makes of it: every stage, every kind.

``python tests/faults.py SEED`` tries all and writes docs/faults.md; ``test_faults.py`` tries some.
"""

import hashlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from deliveries import Delivery, good

ROOT = Path(__file__).resolve().parents[1]
PROJECT = ("Snakefile", "workflow", "ipseval", "config", "profiles", "environment.yml")
KINDS = {
    "job": "the stage is killed (SIGKILL), as when memory runs out",
    "snakemake": "Snakemake is killed; the stage goes on alone",
    "both": "both are killed, as when a machine goes down",
    "interrupt": "Ctrl-C",
    "terminate": "Snakemake is asked to end (SIGTERM)",
    "full": "the disk is full",
}
STAGES = (
    "check", "clean", "cohort", "panel", "describe", "estimate", "randomise", "synthesise", "follow", "receive",
    "placebo", "bound", "vary", "published_comparison", "present", "protect", "release", "verify",
)  # fmt: skip
VERIFIED = ("review", "release", "verify.json", "manifest.json")  # what a reader is given
DISK_MB = 64


def delivery(again: bool) -> Delivery:
    """A small delivery, and the one that follows it: a person less in work, and the level of intervals moved."""
    made = good()
    made.config |= {
        "window": {"before": 1, "after": 3},
        "follow": {"months": [2, 3]},
        "randomisation": {"draws": 99, "seed": 1},
        "bound": {"draws": 99},
        "disclosure": {"profile": "ssb"},
        "robustness": {"month_rule": ["any_day"], "min_weekly_hours": [0], "exclude_wage_subsidy": [True]},
    }
    if again:
        made.tables["employment"] = made.tables["employment"].slice(9)
        made.config["estimation"] = {"confidence_level": 0.7}
    return made


def digests(folder: Path) -> dict[str, str]:
    """SHA-256 of every file below a folder of results but logs, by name."""
    files = [f for f in sorted(folder.rglob("*")) if f.is_file() and "logs" not in f.relative_to(folder).parts]
    return {f.relative_to(folder).as_posix(): hashlib.sha256(f.read_bytes()).hexdigest() for f in files}


def of_readers(made: dict[str, str]) -> dict[str, str]:
    """Those files that a reader is given."""
    return {name: digest for name, digest in made.items() if name.split("/")[1] in VERIFIED}


def heed_interrupts() -> None:
    """What a shell starts in the background ignores Ctrl-C, and so would all that it starts."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


class Runs:
    """A copy of the project and runs of it, from the results of one delivery to those of the next."""

    def __init__(self, folder: Path):
        self.folder, self.base = folder, folder / "base"
        self.base.mkdir(parents=True)
        for name in PROJECT:
            copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy2
            copy(ROOT / name, self.base / name)
        delivery(again=False).write(self.base / "cohort")
        done = self.run(self.base)
        assert done.returncode == 0, done.stderr[-3000:]
        self.before = digests(self.base / "results")
        with self.copied("undisturbed") as project:
            delivery(again=True).write(project / "cohort")
            done = self.run(project, "count", {})
            assert done.returncode == 0, done.stderr[-3000:]
            self.after = digests(project / "results")
            self.n_writes = {stage: (project / f"struck-{stage}").stat().st_size for stage in STAGES}

    def drawn(self, kind: str, seed: int) -> dict[str, int]:
        """At which write of each stage to strike."""
        return {s: random.Random(f"{s} {kind} {seed}").randint(1, self.n_writes[s]) for s in STAGES}

    def run(
        self, project: Path, kind: str = "", at: Mapping[str, int] | None = None, options: Sequence[str] = ()
    ) -> subprocess.CompletedProcess:
        """Type the command, with a fault ordered or without."""
        order = {"kind": kind, "at": at, "done": str(project / "struck"), "results": str(project / "results")}
        hook = {"IPSEVAL_FAULT": json.dumps(order), "PYTHONPATH": str(ROOT / "tests" / "fault_hook")}
        path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
        environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"} | {"PATH": path}
        environment |= hook if kind else {}
        config = ["--config", "cohort=cohort/north.yaml", "results=results"]
        command = [sys.executable, "-m", "snakemake", "--cores", "1", *options, *config]
        own = {"cwd": project, "env": environment, "start_new_session": True, "preexec_fn": heed_interrupts}
        return subprocess.run(command, capture_output=True, text=True, check=False, **own)

    @contextmanager
    def copied(self, name: str, on_small_disk: bool = False) -> Iterator[Path]:
        """A project with the results of the first delivery; on a disk of its own for what fills it."""
        place = self.folder / name
        place.mkdir()
        if on_small_disk:
            subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK_MB}m", "tmpfs", place], check=True)
        try:
            shutil.copytree(self.base, place / "project", symlinks=True)
            yield place / "project"
        finally:
            if on_small_disk:
                subprocess.run(["umount", "-l", place], check=True)
            shutil.rmtree(place)


@dataclass(frozen=True)
class Chain:
    """What came of runs that were ended in one stage after the other, each going on where the one before was ended.

    Parameters
    ----------
    struck : dict
        Stage -> the write at which a run was ended in it.
    broken : tuple of str
        Stages after which readers did not have one whole set.
    status : int
        Of the last run, which nobody disturbed.
    same : bool
        Whether it left what a run leaves that was never disturbed, to the byte.
    said : tuple of str
        What each run told last.
    """

    struck: dict[str, int]
    broken: tuple[str, ...]
    status: int
    same: bool
    said: tuple[str, ...]

    @property
    def holds(self) -> bool:
        """Whether all is as it should be."""
        return not self.broken and self.status == 0 and self.same


def chain(runs: Runs, kinds: Mapping[str, str], at: Mapping[str, int]) -> Chain:
    """End runs of the second delivery in each of some stages, and then let one go on to its end.

    Parameters
    ----------
    runs : Runs
    kinds : mapping
        Stage -> one of ``KINDS``.
    at : mapping
        Stage -> the number of its write at which it is ended.
    """
    struck: dict[str, int] = {}
    broken, said = [], []
    with runs.copied("chain", on_small_disk="full" in kinds.values()) as project:
        delivery(again=True).write(project / "cohort")
        while left := {stage: number for stage, number in at.items() if stage not in struck}:
            kind = kinds[min(left, key=STAGES.index)]
            run = runs.run(project, kind, {stage: number for stage, number in left.items() if kinds[stage] == kind})
            sign = project / "struck"
            if not sign.exists():  # the stages that are left wrote less often
                break
            stage = sign.read_text()
            struck[stage] = at[stage]
            for file in (sign, project / "ballast"):
                file.unlink(missing_ok=True)
            seen = of_readers(digests(project / "results"))
            if not (seen in (of_readers(runs.before), of_readers(runs.after)) or _is_between(seen, runs)):
                broken.append(stage)
            said.append((run.stderr.rstrip().splitlines() or [""])[-1])
        last = runs.run(project)
        same = digests(project / "results") == runs.after
        return Chain(struck, tuple(broken), last.returncode, same, tuple(said))


def _is_between(seen: dict[str, str], runs: Runs) -> bool:
    """Whether an exchange was ended halfway: without a manifest, each file of readers of one of the two sets."""
    sets = [of_readers(runs.before), of_readers(runs.after)]
    return "north/manifest.json" not in seen and all(digest in (s.get(f) for s in sets) for f, digest in seen.items())


HEAD = """# What happens to results when a run is ended

Written by `make faults`. A run of a new delivery was ended in a stage, at a write that was drawn at random; the same
command was typed again and ended in the next stage, and so on through all of them. A cell has the number of the write
and how many there are (`-`: the stage wrote less often this time). After each, readers had the earlier results whole
(or, where `verify` had accepted the new ones, those). The last row says whether the run that nobody disturbed then left
every file as one does that was never disturbed, to the byte. `tests/test_faults.py` tries some stages.

"""


def page(runs: Runs, seed: int) -> tuple[str, bool]:
    """The page, and whether everything holds."""
    rows, holds = [f"| stage | {' | '.join(f'`{k}`' for k in KINDS)} |", "|---" * (len(KINDS) + 1) + "|"], True
    cells: dict[str, list[str]] = {stage: [] for stage in (*STAGES, "in the end")}
    for kind in KINDS:
        if kind == "full" and os.geteuid() != 0:
            for column in cells.values():
                column.append("not tried: a small disk is mounted by root only")
            continue
        found = chain(runs, dict.fromkeys(STAGES, kind), runs.drawn(kind, seed))
        print(kind, found, flush=True)
        holds &= found.holds
        for stage in STAGES:
            of_all = f"{found.struck.get(stage, '-')} of {runs.n_writes[stage]}"
            cells[stage].append(of_all + " BROKEN" * (stage in found.broken))
        cells["in the end"].append("the same" if found.holds else "FAILS")
    rows += [f"| {name} | {' | '.join(column)} |" for name, column in cells.items()]
    kinds = "".join(f"- `{name}`: {what}\n" for name, what in KINDS.items())
    return f"{HEAD}{kinds}\nSeed {seed}.\n\n" + "\n".join(rows) + "\n", holds


if __name__ == "__main__":
    import tempfile

    with tempfile.TemporaryDirectory() as scratch:
        text, all_hold = page(Runs(Path(scratch) / "runs"), int(sys.argv[1]) if len(sys.argv) > 1 else 1)
    (ROOT / "docs" / "faults.md").write_text(text, encoding="utf-8")
    sys.exit(not all_hold)
