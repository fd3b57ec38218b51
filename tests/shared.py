"""What takes long to make is made once for all tests, also when several processes share them."""

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

WAIT = 1200  # seconds for another process


def made_once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], None]) -> Path:
    """A folder that holds what ``make`` leaves in it; who comes first makes it, others wait.

    Raises
    ------
    RuntimeError
        Another process could not make it, and told why in a test of its own.
    """
    base = factory.getbasetemp()
    base = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    folder, outcome = base / name, base / f"{name}.outcome"
    try:
        folder.mkdir()
    except FileExistsError:
        _wait_for(outcome, name)
        return folder
    said = "failed"
    try:
        make(folder)
        said = "made"
    finally:
        part = outcome.with_suffix(".part")
        part.write_text(said)
        part.replace(outcome)
    return folder


def _wait_for(outcome: Path, name: str) -> None:
    for _ in range(10 * WAIT):
        if outcome.exists():
            if outcome.read_text() == "made":
                return
            raise RuntimeError(f"{name} could not be made: see the first test that needs it")
        time.sleep(0.1)
    raise TimeoutError(f"{name} was not made in {WAIT} s")
