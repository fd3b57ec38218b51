"""What a run that is ended from outside leaves, and what the same command makes of it: every stage, every kind.

``python tests/faults.py`` tries all and writes docs/faults.md; ``test_faults.py`` tries some.
"""

import hashlib
import os
import random
import shutil
import subprocess
import sys
from collections.abc import Iterator
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
WRITES = {"check": 40, "present": 400, "release": 400, "verify": 600}  # about how many there are; of others up to 8
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
            done = self.run(project)
            assert done.returncode == 0, done.stderr[-3000:]
            self.after = digests(project / "results")

    def run(self, project: Path, order: str = "", *options: str) -> subprocess.CompletedProcess:
        """Type the command, with a fault ordered or without."""
        done = project / "struck"
        own = {
            "IPSEVAL_FAULT": order,
            "IPSEVAL_FAULT_DONE": str(done),
            "IPSEVAL_FAULT_RESULTS": str(project / "results"),
        }
        hook = {**own, "PYTHONPATH": str(ROOT / "tests" / "fault_hook")} if order else {}
        path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
        environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"} | {"PATH": path}
        environment |= hook if order else {}
        config = ["--config", "cohort=cohort/north.yaml", "results=results"]
        command = [sys.executable, "-m", "snakemake", "--cores", "2", *options, *config]
        told = {"capture_output": True, "text": True, "check": False}
        return subprocess.run(command, cwd=project, env=environment, start_new_session=True, **told)

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
class Outcome:
    """What came of a run that was ended, and of the same command typed again.

    Parameters
    ----------
    struck : bool
        Whether the stage wrote as often as the fault waited for.
    earlier_whole : bool
        Whether readers have the earlier set, or the next one when verify had accepted it, to the byte.
    status : int
        Of the second run.
    same : bool
        Whether the second run left what an undisturbed one leaves, to the byte.
    said : str
        What the first run told last.
    """

    struck: bool
    earlier_whole: bool
    status: int
    same: bool
    said: str

    @property
    def holds(self) -> bool:
        """Whether all is as it should be."""
        return self.earlier_whole and self.status == 0 and self.same


def outcome(runs: Runs, stage: str, kind: str, number: int) -> Outcome:
    """End a run of the second delivery at a write of a stage, look, and type the same command again."""
    with runs.copied(f"{stage}-{kind}-{number}", on_small_disk=kind == "full") as project:
        delivery(again=True).write(project / "cohort")
        first = runs.run(project, f"{stage}:{number}:{kind}")
        struck = (project / "struck").exists()
        (project / "ballast").unlink(missing_ok=True)
        seen = of_readers(digests(project / "results"))
        second = runs.run(project)
        made = digests(project / "results")
        whole = seen in (of_readers(runs.before), of_readers(runs.after)) or _is_between(project, seen, runs)
        last = first.stderr.rstrip().splitlines()[-1:] or [""]
        return Outcome(struck, whole, second.returncode, made == runs.after, last[0])


def _is_between(project: Path, seen: dict[str, str], runs: Runs) -> bool:
    """Whether an exchange was ended halfway: without a manifest, each file of readers of one of the two sets."""
    sets = [of_readers(runs.before), of_readers(runs.after)]
    return "north/manifest.json" not in seen and all(digest in (s.get(f) for s in sets) for f, digest in seen.items())


def drawn(stage: str, kind: str, seed: int) -> int:
    """At which write of a stage to strike."""
    return random.Random(f"{stage} {kind} {seed}").randint(1, WRITES.get(stage, 8))


HEAD = """# What happens to results when a run is ended

Written by `make faults`. A run of a new delivery was ended in each stage in each of these ways, at a write that was
drawn at random, and the same command was typed again. In every case that holds, readers had the earlier results whole
until they were replaced (or, where verify had accepted the new ones, those), and the second run left every file as a
run that nobody disturbed does, to the byte. `-`: the stage wrote less often than the fault waited for.

"""


def table(runs: Runs, stages: tuple[str, ...] = STAGES, seed: int = 1) -> tuple[str, int]:
    """The page, and how many cases do not hold."""
    rows, n_failed = [f"| stage | {' | '.join(KINDS)} |", "|---" * (len(KINDS) + 1) + "|"], 0
    for stage in stages:
        cells = []
        for kind in KINDS:
            number = drawn(stage, kind, seed)
            found = outcome(runs, stage, kind, number)
            cells.append(f"{'holds' if found.holds else 'FAILS'}, {number}" if found.struck else f"-, {number}")
            n_failed += not found.holds
            print(stage, kind, number, found, flush=True)
        rows.append(f"| `{stage}` | {' | '.join(cells)} |")
    kinds = "".join(f"- `{name}`: {what}\n" for name, what in KINDS.items())
    return HEAD + kinds + "\n" + "\n".join(rows) + "\n\nThe number is that of the write.\n", n_failed


if __name__ == "__main__":
    import tempfile

    with tempfile.TemporaryDirectory() as scratch:
        chosen = tuple(sys.argv[1:]) or STAGES
        page, failed = table(Runs(Path(scratch) / "runs"), chosen)
    if chosen == STAGES:
        (ROOT / "docs" / "faults.md").write_text(page, encoding="utf-8")
    sys.exit(bool(failed))
