"""What a user is told when something is wrong: every fault at once, never a person's value."""

import contextlib
import difflib
import errno
import os
import sys
import traceback
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong and what to do about it.

    Parameters
    ----------
    where : str
        File, key or stage, as the user would name it.
    what : str
        What was found and what was expected. Counts, never a person's value.
    remedy : str
        What to do.
    """

    where: str
    what: str
    remedy: str = ""

    def __str__(self) -> str:
        return f"{self.where}: {self.what} {self.remedy}".rstrip()


class UserError(Exception):
    """A mistake that the user can mend: all its faults, one paragraph each."""

    def __init__(self, faults: Iterable[Fault]):
        self.faults = tuple(faults)
        super().__init__("\n".join(map(str, self.faults)))

    def __reduce__(self) -> tuple:
        return type(self), (self.faults,)


def nearest(name: object, known: Iterable[str]) -> str:
    """Return ``Did you mean '...'?`` for the known name nearest to ``name``, or nothing. Keys may be numbers."""
    spelled = {k.lower(): k for k in reversed(list(known))}
    found = next(iter(difflib.get_close_matches(str(name).lower(), spelled, n=1, cutoff=0.6)), None)
    return f"Did you mean '{spelled[found]}'?" if found else ""


@contextlib.contextmanager
def reported(status: int = 1) -> Iterator[None]:
    """Write faults to standard error, then exit with ``status``; see :func:`explained`."""
    try:
        yield
        return
    except Exception as error:
        text = explained(error)
    print(text, file=sys.stderr, flush=True)
    sys.exit(status)


def explained(error: Exception) -> str:
    """What a user is told of an error.

    A mistake of the user's is one paragraph per fault, without a traceback; so is what the machine refuses. For an
    error of the program's own the message is withheld, since a library may have put a person's value into it: the
    type and the lines of code remain. Set ``IPSEVAL_DEBUG=1`` inside the secure environment to see the message.
    """
    if isinstance(error, UserError):
        return str(error)
    if isinstance(error, OSError) and error.errno in _REFUSED:
        where = f"'{error.filename}'" if isinstance(error.filename, str) else "A file of the run"
        return f"{where} cannot be used ({error.strerror}). {_REFUSED[error.errno]} {_AS_BEFORE}"
    if os.environ.get("IPSEVAL_DEBUG") == "1":
        return "".join(traceback.format_exception(error)).rstrip()
    return _without_values(error)


_AS_BEFORE = "Then type the same command again. Results that were verified before are as they were."
_ROOM = "Make room on the disk that holds the results, or name another folder: --config results=..."
_RIGHTS = "See that it may be read; for results name a folder that you may write into: --config results=..."
_REFUSED = {
    errno.ENOSPC: _ROOM,
    errno.EDQUOT: _ROOM,
    errno.EFBIG: _ROOM,
    errno.EROFS: _RIGHTS,
    errno.EACCES: _RIGHTS,
    errno.EPERM: _RIGHTS,
}


def _without_values(error: Exception) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    lines = [f"  {Path(f.filename).name}:{f.lineno} in {f.name}" for f in frames]
    head = f"Error of the program: {type(error).__name__} (message withheld: it may hold a person's data)."
    tail = "Please report these lines. IPSEVAL_DEBUG=1 shows the message, for use inside the secure environment only."
    return "\n".join([head, *lines, tail])
