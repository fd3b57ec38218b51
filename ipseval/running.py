"""A stage as a job of its own: its log, its lock, what it tells a terminal, and its faults."""

import os
import shutil
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ipseval import exchange, locks, store
from ipseval.errors import Fault, UserError, explained
from ipseval.found import found

_FAULTS, _MADE_FROM = ".faults", ".made_from"  # beside the log of a stage: of one that failed, of one that did not
_AGAIN = "Results that were verified before are as they were. Type the same command again: it goes on from here."
_STOPPED = f"The run was stopped. {_AGAIN}"
_ENDED = (
    f"A stage was ended from outside before it could say why, as systems do when memory runs out. {_AGAIN} If it "
    "happens again, give the run more memory, or fewer stages at once (--cores 1)."
)
_FULL = f"The disk that holds the results is full. Make room, or name another folder: --config results=... {_AGAIN}"
_ROOM = 2**20  # bytes that a disk has at least unless it is full


def surroundings(folder: Path = Path(), of_snakemake: str = ".snakemake") -> None:
    """See that names of files are read as they are, and that Snakemake can keep its notes in the working folder.

    Parameters
    ----------
    folder : Path
        The working folder.
    of_snakemake : str
        The folder in it that Snakemake writes into; empty where it does not run.

    Raises
    ------
    UserError
        With every fault: what Snakemake would end at with a traceback.
    """
    faults = []
    if sys.getfilesystemencoding().lower() != "utf-8":
        what = f"Python reads names of files as {sys.getfilesystemencoding()} here, and letters beyond it as noise."
        faults.append(Fault("environment", what, "Type the same command with PYTHONUTF8=1 in front."))
    notes = folder / of_snakemake
    if of_snakemake and not os.access(notes if notes.exists() else folder, os.W_OK):
        what = f"'{folder.resolve()}' cannot be written into, and Snakemake keeps its notes in the folder it runs in."
        remedy = (
            f"Run it from a folder of your own: snakemake --snakefile '{folder.resolve()}/Snakefile' --directory "
            "FOLDER --config cohort=/whole/path/of/cohort.yaml results=/whole/path/of/results"
        )
        faults.append(Fault("environment", what, remedy))
    if faults:
        raise UserError(faults)


@dataclass
class Stage:
    """A stage that runs.

    Parameters
    ----------
    log : Path
    found : str
        What it found, for the line that it leaves on the terminal.
    """

    log: Path
    found: str = ""

    def tell(self, text: str) -> None:
        """Tell something on the way, on the terminal and in the log."""
        if text:
            with self.log.open("a", encoding="utf-8") as stream:
                stream.write(text + "\n")
            print(text, file=sys.stderr, flush=True)

    def leave(self, files: Mapping[str, str], made: Mapping[str, Any]) -> None:
        """Write what the stage made, and remember what it found."""
        store.write_all(files, made)
        self.found = found(self.log.stem, made)


@contextmanager
def stage(log: str | Path, made_from: str = "") -> Iterator[Stage]:
    """Run a stage, and say on the terminal when it is done, after how many seconds, and what it found.

    Faults go into the log and a file beside it, from which the run tells them when everything else was said
    (:func:`faults`), also when the stage ran on another machine. The exit status is then 1, without a traceback.

    Parameters
    ----------
    log : str or Path
        ``results/<cohort>/logs/<stage>.log``.
    made_from : str
        Digest of the settings, the code and the delivery that the stage works with; see :func:`forget_others`.
    """
    path, started = Path(log), time.monotonic()
    path.parent.mkdir(parents=True, exist_ok=True)
    for suffix in (_FAULTS, _MADE_FROM):
        path.with_suffix(suffix).unlink(missing_ok=True)
    path.write_text("")
    locks.hold_stage(path)

    running = Stage(path)
    try:
        yield running
    except (Exception, KeyboardInterrupt) as error:
        _leave(path, _STOPPED if isinstance(error, KeyboardInterrupt) else explained(error))
        sys.exit(1)
    if made_from:
        path.with_suffix(_MADE_FROM).write_text(made_from + "\n")
    name, seconds = path.parent.parent.name, time.monotonic() - started
    print(
        f"{name}: {path.stem} {seconds:.0f} s{f': {running.found}' * bool(running.found)}", file=sys.stderr, flush=True
    )
    if hasattr(sys.modules["__main__"], "snakemake"):  # a job, with nothing left to do
        sys.stdout.flush()
        os._exit(0)  # taking the libraries down would last 0.2 s


def _leave(log: Path, text: str) -> None:
    """Leave faults for the run to tell; on the terminal at once where nothing can be written."""
    try:
        for file in (log, log.with_suffix(_FAULTS)):
            with file.open("a", encoding="utf-8") as stream:
                stream.write(text + "\n")
    except OSError:
        print(text, file=sys.stderr, flush=True)


@contextmanager
def run(folders: Iterable[Path], files: Iterable[str]) -> Iterator[None]:
    """A run: others are kept out, what an earlier one left halfway is completed, and its faults are forgotten.

    Parameters
    ----------
    folders : iterable of Path
        ``results/<cohort>`` of every cohort of the run.
    files : iterable of str
        What stages will leave, relative to such a folder.

    Raises
    ------
    UserError
        A folder cannot be written, or another run is writing into it.
    """
    named = list(files)
    with ExitStack() as held:
        for folder in folders:
            held.enter_context(locks.run(folder))
            exchange.opened(folder, named)
            for file in (folder / "logs").glob(f"*{_FAULTS}"):
                file.unlink()
        yield


def forget_others(folder: Path, stages: Mapping[str, str], files: Mapping[str, Iterable[str]]) -> None:
    """Remove files of stages that were not made from what they would be made from now, so that they are made again.

    Snakemake notices changed settings and code by records in the folder that it is started in. Where these were
    removed, or another folder is used, it takes what lies there for up to date.

    Parameters
    ----------
    folder : Path
        ``results/<cohort>``.
    stages : mapping
        Stage -> digest of what it would be made from.
    files : mapping
        Stage -> its files, relative to ``folder``. The first is removed: a stage makes all of its files at once.
    """
    for name, digest in stages.items():
        record = folder / "logs" / f"{name}{_MADE_FROM}"
        if not record.exists() or record.read_text().strip() != digest:
            (folder / next(iter(files[name]))).unlink(missing_ok=True)


def faults(folders: Iterable[Path]) -> str:
    """What a run that failed has to tell, as one paragraph per fault."""
    places = list(folders)
    told = [f.read_text(encoding="utf-8") for folder in places for f in sorted((folder / "logs").glob(f"*{_FAULTS}"))]
    if told:
        return "\n".join(dict.fromkeys("".join(told).splitlines()))
    is_full = any(folder.exists() and shutil.disk_usage(folder).free < _ROOM for folder in places)
    return _FULL if is_full else _ENDED
