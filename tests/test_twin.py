"""The twin's generator keeps apart from the pipeline, and its own check holds on the shipped extracts."""

import ast
import subprocess
import sys

from ipseval.settings import ROOT

TWIN = ROOT / "tools" / "twin"


def test_the_generator_never_imports_the_pipeline() -> None:
    imported = set()
    for file in TWIN.glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                imported |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                imported.add(node.module.split(".")[0])
    assert "numpy" in imported
    assert "ipseval" not in imported


def test_the_shipped_extracts_pass_the_generators_own_check() -> None:
    command = [sys.executable, "-m", "tools.twin.check", "data/norway-six-centre"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
