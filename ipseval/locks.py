"""One run at a time writes into a folder of results, and a stage that outlived its run is waited for.

The locks are those of the operating system: they end with the process that holds them, however it ends, so that a
killed run leaves nothing to remove by hand. Where a system or a file system has none, runs are not kept apart.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from ipseval.errors import Fault, UserError

if sys.platform != "win32":
    import fcntl

_RUN, _STAGES = ".run.lock", ".stages.lock"  # in the folder of logs
_HELD: list[TextIO] = []  # by stages: open until the process ends


@contextmanager
def run(folder: Path) -> Iterator[None]:
    """Keep other runs out of a cohort's folder of results, until the block or the process ends.

    Parameters
    ----------
    folder : Path
        ``results/<cohort>``.

    Raises
    ------
    UserError
        Another run is writing into it.
    """
    lock = _taken(folder / "logs" / _RUN, exclusive=True, wait=False)
    if lock is None:
        what = "another run is writing into this folder."
        remedy = "Wait for its end, or name another folder: --config results=..."
        raise UserError([Fault(str(folder), what, remedy)])
    stages = folder / "logs" / _STAGES
    idle = _taken(stages, exclusive=True, wait=False)
    if idle is None:
        print(f"{folder.name}: a stage of a run that was ended is still at work; waiting for it.", file=sys.stderr)
        idle = _taken(stages, exclusive=True, wait=True)
    if idle is not None:
        idle.close()  # for the stages of this run
    with lock:
        yield


def hold_stage(log: Path) -> None:
    """Tell later runs that a stage is at work, until this process ends; ``log`` is the stage's own."""
    lock = _taken(log.with_name(_STAGES), exclusive=False, wait=True)
    if lock is not None:
        _HELD.append(lock)


def _taken(file: Path, *, exclusive: bool, wait: bool) -> TextIO | None:
    """The lock, held until it is closed; None where another process holds it. Without locks here it always is ours."""
    file.parent.mkdir(parents=True, exist_ok=True)
    stream = file.open("a")
    if sys.platform == "win32":
        return stream
    try:
        fcntl.flock(stream, (fcntl.LOCK_EX if exclusive else fcntl.LOCK_SH) | (0 if wait else fcntl.LOCK_NB))
    except BlockingIOError:
        stream.close()
        return None
    except OSError:  # a file system without locks
        pass
    return stream
