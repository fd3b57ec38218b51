"""pyproject.toml, requirements.lock and environment.yml say the same."""

import re
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
CONDA_TO_PYPI = {
    "python-duckdb": "duckdb",
    "matplotlib-base": "matplotlib",
    "snakemake-minimal": "snakemake",
}
PYTHON = {"python_version": "3.11", "python_full_version": "3.11.0"}  # that of environment.yml


def declared_in(pyproject: str) -> dict[str, Requirement]:
    """Direct dependencies, of run time and development, by name."""
    content = tomllib.loads(pyproject)
    lines = content["project"]["dependencies"] + content["dependency-groups"]["dev"]
    requirements = [Requirement(line) for line in lines]
    return {canonicalize_name(requirement.name): requirement for requirement in requirements}


def entries_in(lock: str) -> list[tuple[Requirement, int]]:
    """Each entry of the lock, and how many hashes it has."""
    joined = re.sub(r"\\\n", " ", re.sub(r"(?m)^\s*#.*\n?", "", lock))
    entries = []
    for line in map(str.strip, joined.splitlines()):
        if line and not line.startswith("-"):
            requirement, *hashes = line.split("--hash=")
            entries.append((Requirement(requirement), len(hashes)))
    return entries


def pinned_in(environment: str) -> dict[str, str]:
    """Versions of the conda environment, under the names that PyPI uses; pip brings what conda does not have."""
    lines = yaml.safe_load(environment)["dependencies"]
    by_pip = [pin for part in lines if isinstance(part, dict) for pin in part["pip"]]
    by_conda = [part for part in lines if isinstance(part, str) and part != "pip"]
    pins = [re.split("=+", line) for line in by_conda + by_pip]
    return {CONDA_TO_PYPI.get(name, name): version for name, version in pins}


def faults(pyproject: str, lock: str, environment: str) -> list[str]:
    """Everything on which the three files disagree."""
    declared, entries = declared_in(pyproject), entries_in(lock)
    pinned = pinned_in(environment)
    python = pinned.pop("python")
    found = []
    if python not in SpecifierSet(tomllib.loads(pyproject)["project"]["requires-python"]):
        found.append(f"environment.yml: python {python} is not allowed by pyproject.toml")
    found += [f"requirements.lock: {entry} has no hash" for entry, n in entries if n == 0]
    if re.search(r"(?m)://|^\s*-(?!-hash=)", lock):
        found.append("requirements.lock: names a host or carries an option")
    for name in sorted(declared.keys() | pinned.keys()):
        if name not in declared:
            found.append(f"environment.yml: {name} is not in pyproject.toml")
            continue
        locked = [e for e, _ in entries if canonicalize_name(e.name) == name]
        if not locked:
            found.append(f"requirements.lock: {name} is missing; run 'make lock'")
        for entry in locked:
            version = str(entry.specifier).removeprefix("==")
            if version not in declared[name].specifier:
                found.append(f"requirements.lock: {entry} does not satisfy {declared[name]}")
            here = entry.marker is None or entry.marker.evaluate(PYTHON)
            if here and pinned.get(name) != version:
                found.append(f"environment.yml: {name} {version} expected, not {pinned.get(name)}")
    return found


@pytest.fixture(scope="module")
def files() -> dict[str, str]:
    names = {"pyproject": "pyproject.toml", "lock": "requirements.lock"}
    names["environment"] = "environment.yml"
    return {key: (ROOT / name).read_text(encoding="utf-8") for key, name in names.items()}


def test_the_three_files_agree(files):
    assert faults(**files) == []


@pytest.mark.parametrize(
    ("file", "pattern", "replacement", "expected"),
    [
        ("pyproject", r'"scipy>=[^"]*",', "", "scipy is not in pyproject.toml"),
        ("pyproject", r'"scipy>=[^"]*"', '"scipy>=99"', "does not satisfy scipy>=99"),
        ("pyproject", r'requires-python = "[^"]*"', 'requires-python = ">=3.12"', "python 3.11"),
        ("lock", r"(?m)^scipy==(.*\n)(    --hash.*\n)+", "", "scipy is missing"),
        ("lock", r"(?m)^pandas==(.*) \\\n(    --hash.*\n)+", r"pandas==\1\n", "has no hash"),
        ("lock", r"\A", "--index-url host\n", "names a host or carries an option"),
        ("lock", r"\A", "# from https://host\n", "names a host or carries an option"),
        ("environment", r"scipy=.*", "scipy=1.0", "expected, not 1.0"),
        ("environment", r"  - ruff=.*\n", "", "expected, not None"),
    ],
)
def test_each_disagreement_is_found(files, file, pattern, replacement, expected):
    changed = re.sub(pattern, replacement, files[file])
    assert changed != files[file]
    assert any(expected in fault for fault in faults(**{**files, file: changed}))
