"""What goes with a release: a README and a checklist for the output checker, the CONSORT checklists, the RO-Crate."""

import hashlib
from collections.abc import Mapping
from typing import Any

import pandas as pd

from ipseval import __version__, provenance, words
from ipseval.bundle import consort
from ipseval.bundle import texts as bundle_texts
from ipseval.bundle.behind import behind
from ipseval.bundle.crate import METADATA, README, WORKFLOW, crate
from ipseval.bundle.facts import Facts, Released
from ipseval.config import Cohort
from ipseval.language import speaking
from ipseval.settings import ROOT

FILES = {
    "readme": README,
    "checklist": "checklist.md",
    "consort_csv": "consort_checklist.csv",
    "consort_md": "consort_checklist.md",
    "workflow": WORKFLOW,
    "crate": METADATA,
}
RANDOMISED = ("flow", "inclusion")  # tables of all who were randomised; the others are of those analysed


def products() -> dict[str, str]:
    """Files under ``results/<cohort>/``, by name."""
    return {name: f"release/{file}" for name, file in FILES.items()}


def bundle(facts: Facts) -> dict[str, str]:
    """The content of every file of :func:`products`, by name: for people in the cohort's language."""
    with speaking(facts.language):
        checklist = consort.items({file.file for file in facts.files})
        return {
            "readme": bundle_texts.readme(facts),
            "checklist": bundle_texts.checklist(facts),
            "consort_csv": consort.to_csv(checklist),
            "consort_md": consort.to_markdown(checklist),
            "workflow": facts.workflow,
            "crate": crate(facts),
        }


def facts(
    cohort: Cohort,
    rules: Mapping[str, Any],
    released: Mapping[str, pd.DataFrame],
    files: Mapping[str, str | bytes],
) -> Facts:
    """Gather the facts of a release.

    Parameters
    ----------
    cohort : Cohort
    rules : mapping
        The profile's entry of config/disclosure.yaml.
    released : mapping
        The protected tables by name, with ``:`` for a hidden number, ``hidden_by_table`` with the columns
        ``table, n_numbers, n_hidden`` and ``hidden_cost`` with ``cost, bound``.
    files : mapping
        Every other file of the release, by its place in it, with its content.

    Returns
    -------
    Facts
    """
    by_table, cost = released["hidden_by_table"], released["hidden_cost"].iloc[0]
    pairs = zip(by_table["n_numbers"], by_table["n_hidden"], strict=True)
    counts = dict(zip(by_table["table"], ((int(n), int(hidden)) for n, hidden in pairs), strict=True))
    persons = _persons(released["inclusion"])
    workflow = (ROOT / "Snakefile").read_text(encoding="utf-8")
    written = set(FILES.values()) - {WORKFLOW}
    contents = {**files, WORKFLOW: workflow}
    known = [_released(f, content, counts, persons) for f, content in contents.items() if f not in written]
    own = [Released(file, behind(file).what) for file in written]
    versions = {**provenance.versions(), "ipseval": __version__}
    return Facts(
        cohort.name,
        words.one_line(cohort.title),
        cohort.disclosure["profile"],
        cohort.language,
        rules,
        int(cost["cost"]),
        int(cost["bound"]),
        bool(cohort.earlier),
        tuple(sorted([*known, *own], key=lambda file: file.file)),
        dict(sorted(versions.items())),
        provenance.code_checksum(),
        workflow,
    )


def _released(
    file: str, content: str | bytes, counts: Mapping[str, tuple[int, int]], persons: Mapping[str, int | None]
) -> Released:
    what, tables = behind(file).what, tuple(table for table in behind(file).tables if table in counts)
    data = content.encode() if isinstance(content, str) else content
    return Released(
        file,
        what,
        tables,
        persons["n_randomised" if set(tables) & set(RANDOMISED) else "n_analysed"] if tables else None,
        sum(counts[table][0] for table in tables),
        sum(counts[table][1] for table in tables),
        len(data),
        hashlib.sha256(data).hexdigest(),
    )


def _persons(inclusion: pd.DataFrame) -> dict[str, int | None]:
    """Persons randomised and analysed in the whole trial, as far as they are released."""
    whole = inclusion[inclusion["centre"].astype(str) == "all"].iloc[0]
    numbers = {name: pd.to_numeric(whole[name], errors="coerce") for name in ("n_randomised", "n_analysed")}
    return {name: None if pd.isna(n) else int(n) for name, n in numbers.items()}
