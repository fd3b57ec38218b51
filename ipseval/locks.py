"""One run at a time writes into a folder of results, and a stage that outlived its run is waited for.

The locks are those of the operating system: they end with the process that holds them, however it ends, so that a
killed run leaves nothing to remove by hand. Where a system or a file system has none, runs are not kept apart.
"""

import sys
from pathlib import Path
from typing import TextIO

from ipseval.errors import Fault, UserError

if sys.platform != "win32":
    import fcntl

_RUN, _STAGES = ".run.lock", ".stages.lock"  # in the folder of logs
_HELD: list[TextIO] = []  # open until the process ends


def hold_run(folder: Path) -> None:
    """Keep other runs out of a cohort's folder of results until this process ends.

    Parameters
    ----------
    folder : Path
        ``results/<cohort>``.

    Raises
    ------
    UserError
        Another run is writing into it.
    """
    if not _taken(folder / "logs" / _RUN, exclusive=True, wait=False):
        what = "another run is writing into this folder."
        remedy = "Wait for its end, or name another folder: --config results=..."
        raise UserError([Fault(str(folder), what, remedy)])
    stages = folder / "logs" / _STAGES
    if not _taken(stages, exclusive=True, wait=False):
        print(f"{folder.name}: a stage of a run that was ended is still at work; waiting for it.", file=sys.stderr)
        _taken(stages, exclusive=True, wait=True)
    _HELD.pop().close()  # stages of this run take it


def hold_stage(log: Path) -> None:
    """Tell later runs that a stage is at work, until this process ends; ``log`` is the stage's own."""
    _taken(log.with_name(_STAGES), exclusive=False, wait=True)


def _taken(file: Path, *, exclusive: bool, wait: bool) -> bool:
    """Whether the lock was taken, or there are no locks here."""
    if sys.platform == "win32":
        return True
    file.parent.mkdir(parents=True, exist_ok=True)
    stream = file.open("a")
    how = (fcntl.LOCK_EX if exclusive else fcntl.LOCK_SH) | (0 if wait else fcntl.LOCK_NB)
    try:
        fcntl.flock(stream, how)
    except BlockingIOError:
        stream.close()
        return False
    except OSError:  # a file system without locks
        pass
    _HELD.append(stream)
    return True
