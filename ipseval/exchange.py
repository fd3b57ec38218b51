"""The results that are being made and those that were verified: kept apart, and exchanged as one.

A reader of ``results/<cohort>/`` must never meet numbers of one delivery beside a manifest of another. Stages
therefore write into ``unverified/``; ``verify`` copies what they left to a candidate, checks and describes that, and
only then gives it the place of the last verified set. The candidate lies under ``person/``, which nobody else can
read, so that a release that did not pass is nowhere to be carried out from; it is complete and named
``person/.verified`` before the first file in place is moved. What follows is renaming within one file system, the
manifest first out and last in: whoever ends it halfway leaves a set without a manifest, and :func:`finish`, which
every run calls at its start, completes it. Nothing of this needs links or more than a rename, so it works wherever
files can be renamed.
"""

import json
import os
import re
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from ipseval import store
from ipseval.contracts import EXTRACTS
from ipseval.errors import Fault, UserError
from ipseval.language import say, speaking

UNVERIFIED, PERSON = "unverified", "person"
FOLDERS, RECORDS = ("review", "release"), ("verify.json", "manifest.json")
LAST_CHECKED = f"{PERSON}/last"  # rows of the last verified delivery, which the next one is compared with
_CANDIDATE, _VERIFIED, _PREVIOUS = (f"{PERSON}/{name}" for name in (".candidate", ".verified", ".previous"))
_UNKNOWN = "kept"  # where files go that somebody else put among the results
MARKED = (".html", ".md")
_MARK = re.compile(rb"<!--unverified-->.*?<!--/unverified-->\n", re.S)


# --- while it is made --------------------------------------------------------------------------------------


def working(file: str) -> str:
    """Where a stage leaves a file of ``products.PRODUCTS``, relative to the cohort's folder of results."""
    return file if file.startswith(f"{PERSON}/") else f"{UNVERIFIED}/{file}"


def last_checked(folder: Path) -> dict[str, Path]:
    """Files that the check of the last verified set left, by name, for ``fingerprint.last``."""
    tables = {name: folder / "review" / f"{name}.csv" for name in ("fingerprint", "drift")}
    return tables | {name: folder / LAST_CHECKED / f"{name}.parquet" for name in EXTRACTS}


def opened(folder: Path, files: Iterable[str]) -> None:
    """Complete an exchange that was ended halfway, and make the folders of persons for their owner only.

    Parameters
    ----------
    folder : Path
        ``results/<cohort>``.
    files : iterable of str
        What stages will leave, relative to ``folder``.
    """
    try:
        private = {folder / PERSON} | {(folder / f).parent for f in files if f.startswith(f"{PERSON}/")}
        for place in sorted(private):
            place.mkdir(parents=True, exist_ok=True)
            place.chmod(0o700)
        finish(folder)
    except PermissionError as error:
        what = f"cannot be written ({error.strerror})."
        raise UserError([Fault(str(folder), what, "Name a folder of your own: --config results=...")]) from None


def marked(contents: Mapping[str, Any], files: Mapping[str, str], language: str) -> dict[str, Any]:
    """The contents of a stage with a line above every page that says it was not verified.

    Parameters
    ----------
    contents : mapping
        Name -> content.
    files : mapping
        Name -> file.
    language : str
        Code of the language that the pages are in.
    """
    with speaking(language):
        text = say(
            "Not verified: a working copy. Once the run has passed its checks, this page stands in the folder beside "
            "unverified/, without this line."
        )
    style = "grid-column:1/-1;margin:0 0 1em;padding:.6em 1em;background:#8a1c1c;color:#fff;font:bold 1rem sans-serif"
    page = f'<!--unverified--><p role="note" style="{style}">{text}</p><!--/unverified-->\n'
    note = f"<!--unverified-->**{text}**\n<!--/unverified-->\n"
    made = dict(contents)
    for name, file in files.items():
        if file.endswith(MARKED):
            head, body, rest = (
                str(made[name]).rpartition("<body>\n") if file.endswith(".html") else ("", "", made[name])
            )
            made[name] = head + body + (page if body else note) + str(rest)
    return made


# --- once it is complete -----------------------------------------------------------------------------------


@contextmanager
def candidate(folder: Path) -> Iterator[Path]:
    """A copy of what the stages left, without marks, for ``verify``; gone afterwards unless it was accepted.

    Parameters
    ----------
    folder : Path
        ``results/<cohort>``.
    """
    place = folder / _CANDIDATE
    shutil.rmtree(place, ignore_errors=True)
    try:
        for name in FOLDERS:
            _copied(folder / UNVERIFIED / name, place / name)
        (place / "checked").mkdir(mode=0o700, parents=True)
        for name in EXTRACTS:
            _linked(folder / PERSON / "checked" / f"{name}.parquet", place / "checked" / f"{name}.parquet")
        yield place
    finally:
        shutil.rmtree(place, ignore_errors=True)


def _copied(source: Path, target: Path) -> None:
    """Copy a folder; pages lose their mark."""
    for file in sorted(p for p in source.rglob("*") if p.is_file()):
        _copied_file(file, target / file.relative_to(source))


def _copied_file(source: Path, target: Path) -> None:
    content = source.read_bytes()
    if source.suffix in MARKED:
        content = _MARK.sub(b"", content, count=1)
    store.write(target, content)


def _linked(source: Path, target: Path) -> None:
    """A second name for a file, which costs no disk; a copy where the file system knows no such names."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)


def accept(folder: Path, records: Mapping[str, str]) -> None:
    """Give the candidate the place of the last verified set.

    Parameters
    ----------
    folder : Path
        ``results/<cohort>``.
    records : mapping
        ``verify`` and ``manifest``, JSON texts that describe the candidate.
    """
    place = folder / _CANDIDATE
    for file in RECORDS:
        store.write(place / file, records[Path(file).stem])
    finish(folder)  # an earlier exchange that was ended halfway, when nothing has completed it yet
    os.replace(place, folder / _VERIFIED)  # from here on the new set is the verified one
    finish(folder)


def finish(folder: Path) -> None:
    """Move an accepted set into its place, from wherever an earlier attempt was ended; nothing when there is none."""
    new, old = folder / _VERIFIED, folder / _PREVIOUS
    if new.is_dir():
        for file in (f for f in reversed(RECORDS) if (new / f).exists()):
            _moved(folder / file, old / file)
        for name, place in (*((name, name) for name in FOLDERS), ("checked", LAST_CHECKED)):
            if (new / name).exists():
                _moved(folder / place, old / name)
                _moved(new / name, folder / place)
        for file in RECORDS:
            _moved(new / file, folder / file)
        shutil.rmtree(new)
    if old.is_dir():
        _keep_unknown(folder, old)
        shutil.rmtree(old)


def _moved(source: Path, target: Path) -> None:
    """Rename a file or a folder, over an older one of the name; nothing when it has been moved already."""
    if not source.exists():
        return
    if target.is_dir():
        shutil.rmtree(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.replace(source, target)
    except PermissionError as error:  # Windows refuses to move a file that another program has open
        what = f"cannot be moved ({error.strerror}); the verified results are ready in '{source.parent}'."
        remedy = "Close programs that have files of it open, and type the same command again: it goes on from here."
        raise UserError([Fault(str(source), what, remedy)]) from None


def _keep_unknown(folder: Path, old: Path) -> None:
    """Files that stood among the previous results and are not theirs, such as a reader's notes, are moved aside."""
    known = set(_results(old / "manifest.json"))
    for file in sorted(p for name in FOLDERS for p in (old / name).rglob("*") if p.is_file()):
        name = file.relative_to(old)
        if known and name.as_posix() not in known:
            _moved(file, folder / _UNKNOWN / name)


def put_back(folder: Path, file: str) -> None:
    """Copy one file of the verified set into its place again; the working copy is the same but for its mark."""
    _copied_file(folder / UNVERIFIED / file, folder / file)


def is_whole(folder: Path) -> bool:
    """Whether the verified set in place is the one that its manifest describes, to the byte."""
    results = _results(folder / "manifest.json")
    try:
        return bool(results) and all(store.checksum(folder / file) == digest for file, digest in results.items())
    except OSError:
        return False


def forget_unless_whole(folder: Path) -> None:
    """Have ``verify`` run again where the set in place is not the one that it put there."""
    stamp = folder / working("manifest.json")
    if stamp.exists() and not is_whole(folder):
        with suppress(OSError):
            stamp.unlink()


def _results(manifest: Path) -> dict[str, str]:
    """Digests of results by name, as a manifest has them; none where it cannot be read."""
    try:
        return dict(json.loads(manifest.read_text(encoding="utf-8"))["results"])
    except (OSError, ValueError, KeyError):
        return {}
