"""Files of a delivery: which belong to an extract, what they are by their first bytes, and what other programs left."""

import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from urllib.parse import unquote

PARQUET, ENCRYPTED = "Parquet", "encrypted Parquet"
BEGINS = {  # first bytes -> what a file is
    b"PAR1": PARQUET,
    b"PARE": ENCRYPTED,
    b"ORC": "ORC",
    b"Obj\x01": "Avro",
    b"ARROW1": "Arrow (Feather)",
    b"FEA1": "Feather",
    b"\x1f\x8b": "gzip",
    b"\x28\xb5\x2f\xfd": "Zstandard",
    b"PK\x03\x04": "a zip archive or Excel",
    b"7z\xbc\xaf": "a 7z archive",
    b"\x89HDF": "HDF5",
    b"SQLite format 3": "an SQLite database",
    b"<stata_dta>": "Stata",
    b"$FL2": "SPSS",
    b"$FL3": "SPSS",
    bytes(12) + b"\xc2\xea\x81\x60": "SAS",
    b"version https://git-lfs": "a pointer of Git LFS and not the file itself",
    b"-----BEGIN PGP": "encrypted (PGP)",
    b"Salted__": "encrypted (OpenSSL)",
}
LONGEST = max(map(len, BEGINS))
CODEC = r"\.(?:snappy|gz|gzip|zst|zstd|lz4|br|brotli|uncompressed|c000)"
PARTS = r"(?:_p\d{4}(?:-\d{2}){0,2}){0,2}(?:_v\d+)?"  # period and version, as Statistics Norway writes them
ENDINGS = (".parquet", ".parq", ".pq", ".pqt")
VERSION = re.compile(r"_v(\d+)(?=$|\.)")
DOCUMENT = "__DOC.json"  # Datadoc's description of a file
HIVE = re.compile(r"([^=/]+)=(.*)")
HIVE_NULL = "__HIVE_DEFAULT_PARTITION__"
UNFINISHED = re.compile(r"(?:_temporary|_staging|\.staging.*|\.hive-staging.*|\.spark-staging.*)", re.IGNORECASE)
HALF = (".crdownload", ".filepart", ".inprogress", ".part", ".partial", ".tmp")
LOGS = {"_delta_log": "a Delta table", ".hoodie": "a Hudi table"}


def locate(folder: Path, extract: str, patterns: Sequence[str] = ()) -> list[Path]:
    """All files delivered for an extract; of several versions of a file the newest.

    Parameters
    ----------
    folder : Path
        Of the extracts.
    extract : str
    patterns : sequence of str
        Names within the folder, with ``*``; a folder stands for all that is in it. None: ``<extract>.parquet`` (a
        file or a folder) and what is in ``<extract>/``, with other endings of Parquet, period and version.
    """
    return _versions(_found(folder, extract, patterns))[0]


def outdated(folder: Path, extract: str, patterns: Sequence[str] = ()) -> list[Path]:
    """Files of which a newer version was delivered."""
    return _versions(_found(folder, extract, patterns))[1]


def _found(folder: Path, extract: str, patterns: Sequence[str]) -> list[Path]:
    places = [p for pattern in patterns for p in sorted(folder.glob(pattern))] if patterns else _own(folder, extract)
    within = ((place, p) for place in places for p in ([place] if place.is_file() else sorted(place.rglob("*"))))
    seen = (path for place, path in within if path.is_file() and not is_hidden(path, place.parent))
    return list(dict.fromkeys(path for path in seen if not path.name.endswith((DOCUMENT, *HALF))))


def _own(folder: Path, extract: str) -> list[Path]:
    """Files and folders that have the extract's name: files first, capitals do not count."""
    ending = "|".join(map(re.escape, ENDINGS))
    name = re.compile(rf"{re.escape(extract)}{PARTS}(?:{CODEC})*(?:{ending})?(?:{CODEC})?", re.IGNORECASE)
    named = [path for path in sorted(folder.iterdir()) if name.fullmatch(path.name)] if folder.is_dir() else []
    own = [p for p in named if p.is_dir() or p.suffix.lower() == ".parquet" or kind_of(p) in (PARQUET, ENCRYPTED)]
    return sorted(own, key=lambda path: (path.is_dir(), path.name))


def _versions(paths: list[Path]) -> tuple[list[Path], list[Path]]:
    """The newest version of each file, and the older ones."""
    newest: dict[Path, tuple[int, Path]] = {}
    for path in paths:
        if match := VERSION.search(path.name):
            key = path.with_name(VERSION.sub("", path.name))
            newest[key] = max(newest.get(key, (-1, path)), (int(match[1]), path))
    best = {path for _, path in newest.values()}
    is_old = [VERSION.search(path.name) is not None and path not in best for path in paths]
    kept, older = ([p for p, old in zip(paths, is_old, strict=True) if old is wanted] for wanted in (False, True))
    return kept, older


def is_hidden(path: Path, folder: Path) -> bool:
    """Whether a file, or a folder between it and ``folder``, is a program's own: its name begins with . or _."""
    parts = path.relative_to(folder).parts
    return any(part.startswith((".", "_")) and not HIVE.fullmatch(part) for part in parts)


def is_parquet(path: Path) -> bool:
    """Whether a file is Parquet by its ending or by its first bytes."""
    return path.suffix.lower() == ".parquet" or kind_of(path) in (PARQUET, ENCRYPTED)


def kind_of(path: Path) -> str | None:
    """What a file is by its first bytes; None for what is not known, text among it."""
    try:
        with path.open("rb") as stream:
            head = stream.read(LONGEST)
    except OSError:
        return None
    return next((kind for begin, kind in BEGINS.items() if head.startswith(begin)), None)


def partition(path: Path, folder: Path) -> dict[str, str | None]:
    """Columns that stand in the names of folders (``year=2015/``), with their value for a file."""
    matches = (HIVE.fullmatch(part) for part in path.relative_to(folder).parts[:-1])
    return {unquote(m[1]): None if m[2] == HIVE_NULL else unquote(m[2]) for m in matches if m}


def tables(paths: Iterable[Path], folder: Path) -> dict[str, str]:
    """Folders, within ``folder``, whose files are a table only together with a log: name -> what they are."""
    places = {parent for path in paths for parent in path.parents if parent == folder or folder in parent.parents}
    kinds = {place: kind for place in sorted(places) if (kind := _table(place))}
    return {f"{place.relative_to(folder).as_posix()}/".removeprefix("./"): kind for place, kind in kinds.items()}


def _table(place: Path) -> str | None:
    for name, kind in LOGS.items():
        if (place / name).is_dir():
            return kind
    is_iceberg = any((place / "metadata").glob("*.metadata.json"))
    return "an Iceberg table" if is_iceberg else None


def unfinished(paths: Iterable[Path], folder: Path) -> list[str]:
    """What a job that did not end, or a copy that was cut off, left beside files, within ``folder``."""
    paths = [path for path in paths if ".." not in path.parts]  # what lies beside a delivery is not of it
    places = {path.parent for path in paths if path.parent != folder}
    places |= {parent for place in places for parent in place.parents if folder in parent.parents}
    left = (p for place in sorted(places) for p in sorted(place.iterdir()) if _is_left(p))
    return [p.relative_to(folder).as_posix() + "/" * p.is_dir() for p in left]


def _is_left(path: Path) -> bool:
    if path.is_dir():
        return UNFINISHED.fullmatch(path.name) is not None and any(p.is_file() for p in path.rglob("*"))
    return path.name.endswith(HALF)


def every_parquet(folder: Path) -> Iterator[Path]:
    """All files of a folder that are Parquet by their first bytes or ending, but those that programs keep hidden."""
    for path in sorted(folder.rglob("*")):
        hidden = any(part.startswith(".") or part in LOGS for part in path.relative_to(folder).parts)
        if path.is_file() and not hidden and not path.name.startswith("_") and is_parquet(path):
            yield path
