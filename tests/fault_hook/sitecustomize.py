"""Ends a stage of a run at a chosen write, from within: imported by every Python that has this folder on its path.

``IPSEVAL_FAULT`` is JSON: ``kind`` (what happens), ``at`` (stage -> the number of its write at which it happens),
``results`` (only writes below it count) and ``done``, a file: it is made first, with the stage's name, and a process
that finds it is left alone. The kind ``count`` ends nothing and leaves a sign for every write of every stage in files
beside ``done``.
"""

import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

EVENTS = {"os.rename", "os.remove", "os.link", "os.mkdir", "os.rmdir"}
BALLAST = 4096


def stage_of_this_process() -> str:
    """The stage whose job this process is: Snakemake runs ``.../scripts/tmpXXXX.<stage>.py``; else nothing."""
    script = next((Path(a) for a in sys.orig_argv[1:3] if a.endswith(".py")), Path())
    return script.stem.split(".")[-1] if script.parent.name == "scripts" else ""


def strike(kind: str, stage: str, done: Path) -> None:
    """What a machine, a scheduler or a person may do to a run."""
    done.write_text(stage)
    leader = os.getpgid(0)  # Snakemake: the run is started in a group of its own
    if kind == "job":
        os.kill(os.getpid(), signal.SIGKILL)
    elif kind == "snakemake":
        os.kill(leader, signal.SIGKILL)
    elif kind == "both":
        os.killpg(leader, signal.SIGKILL)
    elif kind == "interrupt":
        os.killpg(leader, signal.SIGINT)
    elif kind == "terminate":
        os.kill(leader, signal.SIGTERM)
    elif kind == "full":
        fill(done)


def fill(done: Path) -> None:
    """Fill the disk that the results lie on, to the last block."""
    with open(done.with_name("ballast"), "wb", buffering=0) as stream:
        try:
            while True:
                stream.write(b"\0" * BALLAST)
        except OSError:
            pass


def arm(order: dict[str, Any], stage: str) -> None:
    """Count writes below the folder of results, and strike at the chosen one."""
    done, is_counted = Path(order["done"]), order["kind"] == "count"
    if not stage or done.exists() or not (is_counted or stage in order["at"]):
        return
    left = [0 if is_counted else int(order["at"][stage])]

    def hook(event: str, arguments: tuple) -> None:
        is_write = event in EVENTS or (event == "open" and isinstance(arguments[1], str) and arguments[1][:1] in "wxa")
        if not is_write or not os.path.abspath(os.fsdecode(arguments[0])).startswith(order["results"]):
            return
        if is_counted:
            with open(done.with_name(f"{done.name}-{stage}"), "a") as stream:
                stream.write(".")
            return
        left[0] -= 1
        if left[0] == 0 and not done.exists():
            strike(order["kind"], stage, done)

    sys.addaudithook(hook)


if "IPSEVAL_FAULT" in os.environ:
    arm(json.loads(os.environ["IPSEVAL_FAULT"]), stage_of_this_process())
