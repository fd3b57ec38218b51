"""Order of the tests: the longest by far comes first, so that no core waits for it at the end."""

import pytest

LONGEST = "test_workflow.py"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: item.path.name != LONGEST)
