"""Progress of a long reading, for whoever watches: files and bytes done.

Readers tell; nothing is shown unless a command line watches, so a stage of the workflow writes no such lines.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TextIO

MANY_BYTES = 100_000_000  # a reading of fewer bytes is told of once, at its end
STEP = 0.1  # of the bytes, between two lines that are not overwritten


@dataclass
class Shown:
    """Shows progress: on a terminal in one line that is overwritten, elsewhere as plain lines."""

    stream: TextIO
    _told: dict[str, float] = field(default_factory=dict)
    _width: int = 0

    def tell(self, what: str, files: tuple[int, int], n_bytes: tuple[int, int]) -> None:
        """Show how many of the files and bytes are done, each as (done, all)."""
        line = f"{what}: {files[0]} of {files[1]} file{'s' if files[1] != 1 else ''}, {_sizes(*n_bytes)}"
        if self.stream.isatty():
            self.stream.write(f"\r{line.ljust(self._width)}")
            self.stream.flush()
            self._width = len(line)
        elif self._is_due(what, n_bytes):
            print(line, file=self.stream, flush=True)

    def close(self) -> None:
        """Clear the line that was overwritten."""
        if self._width:
            self.stream.write(f"\r{' ' * self._width}\r")
            self.stream.flush()

    def _is_due(self, what: str, n_bytes: tuple[int, int]) -> bool:
        done, all_of_them = n_bytes
        share = done / all_of_them if all_of_them else 1.0
        due = share >= 1 or (all_of_them >= MANY_BYTES and share >= self._told.get(what, -STEP) + STEP)
        self._told |= {what: share} if due else {}
        return due


_watcher: ContextVar[Shown | None] = ContextVar("watcher", default=None)


@contextmanager
def shown(stream: TextIO) -> Iterator[None]:
    """Show on ``stream`` what readers tell while the block runs."""
    watcher = Shown(stream)
    token = _watcher.set(watcher)
    try:
        yield
    finally:
        watcher.close()
        _watcher.reset(token)


@dataclass
class Reading:
    """Files that are read one after the other, or some at once, or a large one by and by.

    Parameters
    ----------
    what : str
        What is done with which extract.
    sizes : tuple of int
        Bytes of each file.
    """

    what: str
    sizes: tuple[int, ...]
    n_files: int = 0
    n_bytes: int = 0

    def __post_init__(self) -> None:
        self.done()

    def done(self, n_bytes: int = 0, n_files: int = 0) -> None:
        """Tell that so many more bytes are read, and so many more files to their end."""
        self.n_files += n_files
        self.n_bytes += n_bytes
        if (watcher := _watcher.get()) is not None and self.sizes:
            watcher.tell(self.what, (self.n_files, len(self.sizes)), (self.n_bytes, sum(self.sizes)))


def _sizes(done: int, all_of_them: int) -> str:
    """``0.3 of 2.1 GB``."""
    for unit, name in ((10**9, "GB"), (10**6, "MB")):
        if all_of_them >= unit:
            return f"{done / unit:.1f} of {all_of_them / unit:.1f} {name}"
    return f"{done / 1000:.0f} of {all_of_them / 1000:.0f} kB"
