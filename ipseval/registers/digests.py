"""Deliveries by content: the digest of every delivered file, and whether one changed while it was read.

A delivery that is put in place by ``cp -p``, ``rsync -t`` or from an archive may be older than the results of the
one before it, so times alone do not tell whether it was read. Its digest does; and it is taken again only where the
size or one of the file's times has moved, since a national register takes long to read.
"""

import json
import os
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path

from ipseval import store
from ipseval.config import Cohort
from ipseval.contracts import EXTRACTS
from ipseval.errors import Fault, UserError
from ipseval.registers.places import located
from ipseval.registers.progress import Reading

Stamp = list[int]  # size, and what the file system changes when a file is written or replaced


def ledger(folder: Path) -> Path:
    """Where the digests of a cohort's delivery are kept, below its folder of results."""
    return folder / "logs" / "delivered.json"


def stamps(cohort: Cohort) -> dict[str, Stamp]:
    """Size, times and number of every delivered file, by its name seen from the folder of the extracts.

    Files that mend a delivery are of it, too.

    Files that several extracts are read from stand once. A file that is gone by now has an empty stamp.
    """
    named = {Path(os.path.relpath(file, cohort.extracts)).as_posix(): file for file in _delivered(cohort)}
    return {name: _stamp(file) for name, file in named.items()}


def _delivered(cohort: Cohort) -> list[Path]:
    return sorted({*cohort.mending.values(), *(file for extract in EXTRACTS for file in located(cohort, extract))})


def _stamp(file: Path) -> Stamp:
    try:
        found = file.stat()
    except OSError:
        return []
    return [found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino]


def digests(cohort: Cohort, kept: Path | None = None) -> dict[str, str]:
    """SHA-256 of every delivered file, by its name within the folder of the extracts.

    Parameters
    ----------
    cohort : Cohort
    kept : Path, optional
        JSON file that keeps digests with the stamps of their files from run to run; where it cannot be written, files
        are read again the next time.
    """
    now, known = stamps(cohort), _kept(kept)
    moved = [name for name, stamp in now.items() if name not in known or known[name][:-1] != stamp]
    taken = {name: str(known[name][-1]) for name in now if name not in moved}
    reading = Reading(f"{cohort.name}, checksums", tuple(now[name][0] if now[name] else 0 for name in moved))
    for name in moved:
        try:
            taken[name] = store.checksum(cohort.extracts / name)
        except OSError:
            taken[name] = ""  # the check tells what is wrong with it
        reading.done(now[name][0] if now[name] else 0, 1)
    if kept is not None and moved:
        _keep(kept, {name: [*stamp, taken[name]] for name, stamp in now.items()})
    return {name: taken[name] for name in now}


def _kept(file: Path | None) -> Mapping[str, list]:
    try:
        return dict(json.loads(file.read_text(encoding="utf-8"))) if file else {}
    except (OSError, ValueError):
        return {}


def _keep(file: Path, content: Mapping[str, list]) -> None:
    try:
        store.write(file, json.dumps(content, indent=1, sort_keys=True) + "\n")
    except OSError:
        return


def whole(digests: Mapping[str, str]) -> str:
    """One digest of a delivery: the same for the same files under the same names."""
    return sha256(json.dumps(digests, sort_keys=True).encode()).hexdigest()


def require_unchanged(cohort: Cohort, before: Mapping[str, Stamp]) -> None:
    """Stop when the delivery is not what it was before it was read.

    Parameters
    ----------
    cohort : Cohort
    before : mapping
        Of :func:`stamps`, before the first file was opened.

    Raises
    ------
    UserError
        A file was changed, added or removed meanwhile: what was read may be of both.
    """
    now = stamps(cohort)
    changed = sorted(name for name in {*before, *now} if before.get(name) != now.get(name))
    if changed:
        some = ", ".join(changed[:3]) + (" and others" if len(changed) > 3 else "")
        what = f"{len(changed)} of {len({*before, *now})} files of the delivery changed while they were read: {some}."
        raise UserError([Fault(f"{cohort.name}, check", what, "Run again when the delivery is complete.")])
