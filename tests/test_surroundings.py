"""What the machine refuses is a paragraph with what to type, before Snakemake ends at it with a traceback."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from ipseval import running
from ipseval.errors import UserError

ROOT = Path(__file__).resolve().parents[1]


def test_names_that_cannot_be_read_are_one_paragraph() -> None:
    """The encoding of names of files is chosen when Python starts."""
    plain = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "PATH": os.environ["PATH"]}
    command = [sys.executable, "-m", "ipseval", "check", "blå.yaml"]
    ended = subprocess.run(command, cwd=ROOT, env=plain, capture_output=True, check=False)
    assert ended.returncode == 1
    assert ended.stderr.decode("ascii").splitlines() == [
        "environment: Python reads names of files as ascii here, and letters beyond it as noise. Type the same command "
        "with PYTHONUTF8=1 in front."
    ]


@pytest.mark.parametrize("has_notes", [True, False])
def test_a_working_folder_that_cannot_be_written_is_one_paragraph(
    has_notes: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An administrator may write anywhere: what the system answers is replaced here."""
    running.surroundings(tmp_path)
    if has_notes:
        (tmp_path / ".snakemake").mkdir()
    asked = []

    def refuse(path: Path, mode: int) -> bool:
        asked.append((path, mode))
        return False

    monkeypatch.setattr(os, "access", refuse)
    with pytest.raises(UserError, match=r"cannot be written into.*--directory FOLDER"):
        running.surroundings(tmp_path)
    assert asked == [(tmp_path / ".snakemake" if has_notes else tmp_path, os.W_OK)]
    running.surroundings(tmp_path, of_snakemake="")


def test_make_runs_where_the_home_folder_cannot_be_written(tmp_path: Path) -> None:
    """Below a file no folder can be made, whoever asks."""
    away = {name: value for name, value in os.environ.items() if name != "XDG_CACHE_HOME"}
    made = subprocess.run(
        ["make", "-n", "run"], cwd=ROOT, env=away | {"HOME": os.devnull}, capture_output=True, text=True, check=True
    )
    assert f'XDG_CACHE_HOME="{ROOT}/.snakemake/cache"' in made.stdout
    made = subprocess.run(
        ["make", "-n", "run"], cwd=ROOT, env=away | {"HOME": str(tmp_path)}, capture_output=True, text=True, check=True
    )
    assert "XDG_CACHE_HOME" not in made.stdout
