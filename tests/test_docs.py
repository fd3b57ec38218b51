"""Pages that are made from the code are those that are committed; what they link to is there."""

import re

import pytest

from ipseval import docs
from ipseval.settings import ROOT, cohort_schema, cohort_settings, default_settings

PAGES = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")])


@pytest.mark.parametrize("name", docs.pages())
def test_a_generated_page_is_up_to_date(name: str) -> None:
    committed = (ROOT / "docs" / name).read_text(encoding="utf-8")
    assert committed == docs.pages()[name], f"docs/{name} is out of date: run 'make docs'"


def test_every_key_of_the_schema_has_a_visible_default_or_is_needed() -> None:
    schema = cohort_schema()
    lacking = set(schema["properties"]) - set(default_settings()) - set(schema["required"])
    assert lacking == set()


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_links_to_files_lead_somewhere(page) -> None:
    links = re.findall(r"\]\((?!https?:|#|mailto:)([^)#]+)", page.read_text(encoding="utf-8"))
    assert [link for link in links if not (page.parent / link).exists()] == []


def test_functions_named_in_the_methods_exist() -> None:
    import importlib

    text = (ROOT / "docs" / "methods.md").read_text(encoding="utf-8")
    named = re.findall(r"`ipseval\.([\w.]+)\.(\w+)`", text)
    assert len(named) > 20
    assert [n for n in named if not hasattr(importlib.import_module(f"ipseval.{n[0]}"), n[1])] == []


def test_every_variance_of_the_registry_can_be_named_and_is_put_into_words() -> None:
    from ipseval import words
    from ipseval.estimation.variance import VARIANCES

    schema = cohort_schema()["properties"]["estimation"]["properties"]["variances"]
    assert schema["items"]["enum"] == list(VARIANCES) == list(words.VARIANCES)


def test_the_cohort_files_of_the_pages_are_accepted(tmp_path) -> None:
    shown = [
        block
        for page in PAGES
        for block in re.findall(r"```yaml\n(.*?)```", page.read_text(encoding="utf-8"), re.S)
        if block.startswith("title:")
    ]
    assert shown
    for block in shown:
        file = tmp_path / "shown.yaml"
        file.write_text(block, encoding="utf-8")
        cohort_settings(file)
