"""Ends a stage of a run at a chosen write, from within: imported by every Python that has this folder on its path.

``IPSEVAL_FAULT`` is ``stage:number:kind``: at the ``number``-th write of the job of ``stage`` the ``kind`` happens,
once: the file that ``IPSEVAL_FAULT_DONE`` names is made first, and a run that finds it is left alone.
"""

import os
import signal
import sys
from pathlib import Path

EVENTS = {"os.rename", "os.remove", "os.link", "os.mkdir", "os.rmdir"}
BALLAST = 4096


def is_of(stage: str) -> bool:
    """Whether this process is the job of a stage: Snakemake runs ``.../tmpXXXX.<stage>.py``."""
    return any(Path(argument).name.endswith(f".{stage}.py") for argument in sys.orig_argv[1:3])


def strike(kind: str, done: Path) -> None:
    """What a machine, a scheduler or a person may do to a run."""
    done.touch()
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


def arm(order: str, done: Path) -> None:
    """Count writes below the folder of results, and strike at the chosen one."""
    stage, number, kind = order.split(":")
    if done.exists() or not is_of(stage):
        return
    left = [int(number)]
    results = os.environ["IPSEVAL_FAULT_RESULTS"]

    def hook(event: str, arguments: tuple) -> None:
        is_write = event in EVENTS or (event == "open" and isinstance(arguments[1], str) and arguments[1][:1] in "wxa")
        if is_write and os.path.abspath(str(arguments[0])).startswith(results) and left[0] > 0:
            left[0] -= 1
            if left[0] == 0:
                strike(kind, done)

    sys.addaudithook(hook)


if "IPSEVAL_FAULT" in os.environ:
    arm(os.environ["IPSEVAL_FAULT"], Path(os.environ["IPSEVAL_FAULT_DONE"]))
