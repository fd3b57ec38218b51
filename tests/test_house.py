"""The rules of the architecture that a machine can check (see CONTRIBUTING.md)."""

import ast
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
MAX_FILE_BYTES = 1_000_000
# Written so that this file does not match itself.
MACHINE_PATH = re.compile(rb"(?<![\w.-])/(?:work|root|home|Users|tmp/bash)[/_]")
REGISTRY_HOST = re.compile(rb"(?i)\b(?:pypi\.(?:org|python)|pythonhosted\.|anaconda\.(?:com|org)|npmjs\.|deb\.debian)")


def lines_of(path: Path) -> int:
    return len(path.read_text(encoding="utf-8").splitlines())


def longer_than(limit: int, paths: list[Path]) -> Iterator[str]:
    for path in paths:
        if (n_lines := lines_of(path)) > limit:
            yield f"{path.name} has {n_lines} lines; at most {limit}"


def modules(root: Path) -> list[Path]:
    return sorted((root / "ipseval").rglob("*.py"))


def scripts(root: Path) -> list[Path]:
    return sorted((root / "workflow" / "scripts").rglob("*.py"))


def package_imports_snakemake(root: Path) -> Iterator[str]:
    for path in modules(root):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and not node.level:
                names = [node.module or ""]
            if any(name.split(".")[0].startswith("snakemake") for name in names):
                yield f"{path.name}:{node.lineno} imports snakemake"


def script_reads_config(root: Path) -> Iterator[str]:
    for path in scripts(root):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Attribute) and ast.unparse(node) == "snakemake.config":
                yield f"{path.name}:{node.lineno} reads snakemake.config; use params or input"


def script_too_long(root: Path) -> Iterator[str]:
    return longer_than(20, scripts(root))


def snakefile_too_long(root: Path) -> Iterator[str]:
    return longer_than(40, [root / "Snakefile"])


def module_too_long(root: Path) -> Iterator[str]:
    return longer_than(350, modules(root))


def module_without_subject(root: Path) -> Iterator[str]:
    for path in modules(root):
        for part in path.relative_to(root).with_suffix("").parts:
            if re.fullmatch(r"_?utils?|(\w+_)utils?", part):
                yield f"{path.relative_to(root)}: name it for what it does"


# Rooms of the package, from declarations to output: one imports only those before it. Modules beside the rooms are the
# stages and what all share.
ROOMS = (
    *(
        "finished",
        "simulation",
        "registers",
        "places",
        "dummy",
        "estimation",
        "recomputed",
        "tables",
        "disclosure",
        "figures",
        "report",
        "bundle",
    ),
    "commands",
)


def room_imports_a_later_one(root: Path) -> Iterator[str]:
    for path in modules(root):
        room, *inside = path.relative_to(root / "ipseval").parts
        later = ROOMS[ROOMS.index(room) + 1 :] if inside and room in ROOMS else ()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and str(node.module).startswith(tuple(f"ipseval.{r}" for r in later)):
                yield f"{path.relative_to(root)}:{node.lineno} imports {node.module}"


def room_without_place(root: Path) -> Iterator[str]:
    for path in sorted((root / "ipseval").glob("*/__init__.py")):
        if path.parent.name not in ROOMS:
            yield f"{path.parent.name}: say in ROOMS where it stands"


def tracked(root: Path) -> list[Path]:
    command = ["git", "-C", str(root), "ls-files", "-z"]
    names = subprocess.run(command, capture_output=True, check=True, text=True).stdout
    return [path for name in names.split("\0") if name and (path := root / name).is_file()]


def tracked_file_names_a_machine(root: Path) -> Iterator[str]:
    for path in tracked(root):
        if match := MACHINE_PATH.search(path.read_bytes()):
            yield f"{path.relative_to(root)} holds the machine path {match.group().decode()}"


def tracked_file_names_a_registry(root: Path) -> Iterator[str]:
    for path in tracked(root):
        if match := REGISTRY_HOST.search(path.read_bytes()):
            yield f"{path.relative_to(root)} names the package registry {match.group().decode()}"


def tracked_file_too_large(root: Path) -> Iterator[str]:
    for path in tracked(root):
        if (n_bytes := path.stat().st_size) > MAX_FILE_BYTES:
            yield f"{path.relative_to(root)} has {n_bytes:,} bytes; at most {MAX_FILE_BYTES:,}"


RULES = [  # each with a file that breaks it
    (package_imports_snakemake, "ipseval/panel.py", "def f():\n    from snakemake.io import x\n"),
    (package_imports_snakemake, "ipseval/core/ols.py", "import numpy, snakemake\n"),
    (script_reads_config, "workflow/scripts/clean.py", "x = snakemake.config['cohort']\n"),
    (script_too_long, "workflow/scripts/clean.py", "x = 1\n" * 21),
    (snakefile_too_long, "Snakefile", "\n" * 41),
    (module_too_long, "ipseval/panel.py", "x = 1\n" * 351),
    (module_without_subject, "ipseval/utils.py", ""),
    (room_imports_a_later_one, "ipseval/estimation/ols.py", "from ipseval.tables import table\n"),
    (room_without_place, "ipseval/attic/__init__.py", ""),
    (module_without_subject, "ipseval/date_utils/months.py", ""),
    (tracked_file_names_a_machine, "docs/a.md", "see " + "/work" + "/north.yaml"),
    (tracked_file_names_a_machine, "docs/a.md", "file://" + "/home" + "/anna/north.yaml"),
    (tracked_file_names_a_registry, "docs/a.md", "https://" + "pypi" + ".org/simple"),
    (tracked_file_names_a_registry, "setup.sh", "files." + "pythonhosted" + ".org"),
    (tracked_file_too_large, "docs/a.csv", "1234567890" * 100_001),
]
NEEDS_GIT = {rule for rule, *_ in RULES if rule.__name__.startswith("tracked")}


@pytest.mark.parametrize("rule", dict.fromkeys(rule for rule, *_ in RULES))
def test_rule_holds(rule):
    if rule in NEEDS_GIT and not (shutil.which("git") and (ROOT / ".git").exists()):
        pytest.skip("which files are tracked is known only in a git checkout")
    assert list(rule(ROOT)) == []


@pytest.mark.parametrize(("rule", "file", "content"), RULES)
def test_breach_is_found(rule, file, content, tmp_path):
    path = tmp_path / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content, encoding="utf-8")
    if rule in NEEDS_GIT:
        if not shutil.which("git"):
            pytest.skip("needs git")
        subprocess.run(["git", "init", "--quiet", str(tmp_path)], check=True)
        subprocess.run(["git", "-C", str(tmp_path), "add", file], check=True)
    assert len(list(rule(tmp_path))) == 1


def test_there_is_something_to_check():
    assert len(modules(ROOT)) > 5
    assert len(scripts(ROOT)) > 5
