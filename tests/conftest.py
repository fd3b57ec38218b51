"""Order of the tests, and runs that several files of tests look at."""

from pathlib import Path

import pytest

from ipseval.pipeline import run
from ipseval.settings import ROOT
from shared import made_once

# The longest files first, so that no core waits for one of them at the end (a file stays with one process).
LONGEST = ("test_workflow.py", "test_fuzz_cohorts.py", "test_faults.py", "test_layouts.py", "test_attack.py")
DEFAULT_COHORT = ROOT / "config" / "cohorts" / "norway-six-centre.yaml"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    order = {name: place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: order.get(item.path.name, len(order)))


@pytest.fixture(scope="session")
def default_results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of the verified results of the default cohort, as it is and whole."""
    folder = made_once(tmp_path_factory, "default", lambda folder: run(DEFAULT_COHORT, folder) and None)
    return folder / DEFAULT_COHORT.stem
