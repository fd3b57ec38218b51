"""Where results come from: the modules a stage uses, checksums, versions."""

import hashlib
import re
import sys
from collections.abc import Iterable, Mapping
from functools import cache
from importlib import metadata
from pathlib import Path

from ipseval.language import FOLDER as LANGUAGES
from ipseval.settings import ROOT
from ipseval.store import checksum
from ipseval.template import TEMPLATES

PACKAGE = Path(__file__).resolve().parent
CODE = (".py", ".html", ".css", ".js", ".xml")
_IMPORT = re.compile(r"^ *from (ipseval[\w.]*) import (\([^)]*\)|[^\n#]*)", re.M)
LIBRARIES = ("numpy", "scipy", "pandas", "pyarrow", "duckdb", "statsmodels", "linearmodels", "matplotlib", "snakemake")


@cache
def modules(stage: str) -> tuple[str, ...]:
    """Files that a stage (or another module) uses, sorted: modules, by following imports from it and its script; where
    it prints, templates and languages.
    """
    found: set[str] = set()
    script = ROOT / "workflow" / "scripts" / f"{stage}.py"
    waiting = [stage, *(_imported(script) if script.exists() else ())]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += _imported(_file(name))
    printed = [*TEMPLATES.iterdir(), *LANGUAGES.glob("*.yaml")] if "tables.render" in found else []
    return tuple(map(str, sorted([_file(name) for name in found] + printed)))


def _file(name: str) -> Path:
    """The file of a module, named as within the package."""
    return PACKAGE.joinpath(*name.split(".")).with_suffix(".py")


@cache
def _imported(file: Path) -> list[str]:
    """Names of the package's modules that a file imports, in whatever block; reading is faster than parsing."""
    names = []
    for module, listed in _IMPORT.findall(file.read_text(encoding="utf-8")):
        parts = (part.split(" as ")[0].strip(" ()\n") for part in listed.split(","))
        names += [module, *(f"{module}.{part}" for part in parts if part)]
    inside = [name.removeprefix("ipseval.") for name in names if name != "ipseval"]
    return [name for name in inside if _file(name).exists()]


def checksums(files: Iterable[str | Path], base: Path) -> dict[str, str]:
    """SHA-256 by name relative to ``base``; sorted."""
    return {Path(f).relative_to(base).as_posix(): checksum(f) for f in sorted(map(str, files))}


def versions() -> Mapping[str, str]:
    """Versions of Python, of the package's code and of the libraries that numbers depend on."""
    python = ".".join(map(str, sys.version_info[:3]))
    return {"python": python, **{name: metadata.version(name) for name in LIBRARIES}}


def code_checksum() -> str:
    """One SHA-256 over every module of the package: which code made the results, committed or not."""
    digest = hashlib.sha256()
    for file in sorted(p for p in PACKAGE.rglob("*") if p.suffix in CODE):
        digest.update(file.relative_to(PACKAGE).as_posix().encode() + file.read_bytes())
    return digest.hexdigest()


def commit() -> str | None:
    """The commit that is checked out; None outside a git checkout."""
    head = ROOT / ".git" / "HEAD"
    try:
        text = head.read_text().strip()
        if not text.startswith("ref: "):
            return text
        reference = text.removeprefix("ref: ")
        loose = ROOT / ".git" / reference
        if loose.exists():
            return loose.read_text().strip()
        packed = (ROOT / ".git" / "packed-refs").read_text().splitlines()
        return next((line.split()[0] for line in packed if line.endswith(" " + reference)), None)
    except OSError:
        return None
