"""What a user is told when something is wrong: every fault at once, never a person's value."""

import contextlib
import difflib
import os
import sys
import traceback
from collections.abc import Callable, Iterable, Iterator
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


def nearest(name: str, known: Iterable[str]) -> str:
    """Return ``Did you mean '...'?`` for the known name nearest to ``name``, or nothing."""
    spelled = {k.lower(): k for k in reversed(list(known))}
    found = next(iter(difflib.get_close_matches(name.lower(), spelled, n=1, cutoff=0.6)), None)
    return f"Did you mean '{spelled[found]}'?" if found else ""


@contextlib.contextmanager
def reported(log: str | Path | None = None, status: int = 1) -> Iterator[Callable[[str], None]]:
    """Write faults to standard error and to ``log`` (when there is one), then exit with ``status``.

    What is yielded tells something on the way, in both places.

    A mistake of the user's prints one paragraph a fault and no traceback. For an error of the program's own
    the message is withheld, since a library may have put a person's value into it: the type and the
    lines of code remain. Set ``IPSEVAL_DEBUG=1`` inside the secure environment to see the message.
    """
    path = None if log is None else Path(log)
    if path:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("")

    def tell(text: str) -> None:
        if path and text:
            with path.open("a") as stream:
                stream.write(text + "\n")
        print(text, end="\n" if text else "", file=sys.stderr, flush=True)

    try:
        yield tell
        return
    except UserError as error:
        text = str(error)
    except Exception as error:
        if os.environ.get("IPSEVAL_DEBUG") == "1":
            raise
        text = _without_values(error)
    tell(text)
    sys.exit(status)


def _without_values(error: Exception) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    lines = [f"  {Path(f.filename).name}:{f.lineno} in {f.name}" for f in frames]
    head = f"Error of the program: {type(error).__name__} (message withheld: it may hold a person's data)."
    tail = "Please report these lines. IPSEVAL_DEBUG=1 shows the message, for use inside the secure environment only."
    return "\n".join([head, *lines, tail])
