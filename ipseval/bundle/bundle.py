"""What goes with a release: a README and a checklist for the output checker, the CONSORT checklists, the RO-Crate."""

import csv
import hashlib
import io
import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from ipseval import __version__, provenance, versions, words
from ipseval.bundle import consort, package, sacro
from ipseval.bundle import texts as bundle_texts
from ipseval.bundle.behind import behind
from ipseval.bundle.crate import METADATA, README, WORKFLOW, crate
from ipseval.bundle.dataset_json import dataset_json
from ipseval.bundle.facts import Facts, Released
from ipseval.config import Cohort
from ipseval.disclosure import said
from ipseval.language import say, speaking
from ipseval.settings import COLUMNS_FILE, ROOT, read_yaml
from ipseval.tables.review import Review

FILES = {
    "readme": README,
    "checklist": "checklist.md",
    "consort_csv": "consort_checklist.csv",
    "consort_md": "consort_checklist.md",
    "workflow": WORKFLOW,
    "profile": "profile.json",
    "ard_json": "ard.json",
    "package": versions.METADATA,
    "outputs": sacro.OUTPUTS,
    "crate": METADATA,
}
ARD = "ard.csv"
PRINTED = "tables/"
NUMBER = re.compile(r"\d")
RANDOMISED = ("flow", "inclusion")  # tables of all who were randomised; the others are of those analysed


def products(others: Iterable[str]) -> dict[str, str]:
    """Files under ``results/<cohort>/``, by name.

    Parameters
    ----------
    others : iterable of str
        Every other file of the release, relative to its folder: each has a checksum of its own.
    """
    checked = {*others, *FILES.values()} - {sacro.OUTPUTS}
    places = {sacro.name(file): sacro.place(file) for file in sorted(checked)}
    return {name: f"release/{file}" for name, file in {**FILES, **places}.items()}


def bundle(facts: Facts, files: Mapping[str, str | bytes]) -> dict[str, str]:
    """The content of every file of :func:`products`, by name: for people in the cohort's language.

    Parameters
    ----------
    facts : Facts
    files : mapping
        Every other file of the release, by its place in it, with its content.
    """
    with speaking(facts.language):
        checklist = consort.items({file.file for file in facts.files})
        made = {
            "readme": bundle_texts.readme(facts),
            "checklist": bundle_texts.checklist(facts),
            "consort_csv": consort.to_csv(checklist),
            "consort_md": consort.to_markdown(checklist),
            "workflow": facts.workflow,
            "profile": profile(facts),
            "ard_json": dataset_json(facts, str(files.get(ARD, ""))),
            "crate": crate(facts),
        }
        all_files = {**files, **{FILES[name]: text for name, text in made.items()}}
        made["package"] = package.package(facts, all_files)
        made["outputs"] = sacro.outputs(facts)
    return made | sacro.checksums({**all_files, versions.METADATA: made["package"]})


def profile(facts: Facts) -> str:
    """The profile in force, for programs and in sentences."""
    rules = {key: value for key, value in facts.rules.items() if key not in ("name", "dominance")}
    dominance = facts.rules["dominance"] or {"persons": None, "share": None}
    content = {
        "schema_version": versions.of_file("profile.json", read_yaml(COLUMNS_FILE)["versions"]),
        "profile": facts.profile,
        **rules,
        "dominance_largest": dominance["persons"],
        "dominance_share": dominance["share"],
        "rules": list(said.sentences(facts.rules)),
    }
    return json.dumps(content, indent=1, ensure_ascii=False) + "\n"


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
    printed = {
        f.removesuffix(".csv"): shown(c) for f, c in files.items() if f.startswith(PRINTED) and f.endswith(".csv")
    }
    persons = _persons(released["inclusion"])
    workflow = (ROOT / "Snakefile").read_text(encoding="utf-8")
    written = set(FILES.values()) - {WORKFLOW}
    contents = {**files, WORKFLOW: workflow}
    standing = {**{f"data/{name}": n for name, n in counts.items()}, **printed}
    known = [_released(f, content, standing, persons) for f, content in contents.items() if f not in written]
    own = [Released(file, behind(file).what) for file in written]
    versions = {**provenance.versions(), "ipseval": __version__}
    return Facts(
        cohort.name,
        words.one_line(cohort.title),
        _context(cohort, persons["n_randomised"]),
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


def shown(printed: str | bytes) -> tuple[int, int]:
    """How many numbers and signs stand in a printed table, and how many signs.

    Parameters
    ----------
    printed : str
        Its CSV file: groups and heads of rows come first, reasons last.
    """
    rows = list(csv.reader(io.StringIO(str(printed))))[1:]
    cells = [cell for row in rows for cell in row[2:-1]]
    n_hidden = cells.count(words.HIDDEN_SIGN)
    return sum(bool(NUMBER.search(cell)) for cell in cells) + n_hidden, n_hidden


def _context(cohort: Cohort, n_persons: int | None) -> str:
    """What the trial is, in two sentences that take no knowledge of it."""
    remark = words.one_line(cohort.remark or "")
    with speaking(cohort.language):
        review = Review(cohort, {})
        about = say(
            "In a trial in {n_centres} centres {n_persons} persons were assigned at random to {arms}. Registers say of "
            "each calendar month, from {before} months before to {after} after that, whether a person was in "
            "{outcome}; these files compare the arms. None has a row of a person.",
            n_centres=len(cohort.centres),
            n_persons=words.HIDDEN_SIGN if n_persons is None else words.count(n_persons),
            arms=words.listed([review.arm(arm) for arm in cohort.arms.all], say("or")),
            before=cohort.window.before,
            after=cohort.window.after,
            outcome=review.outcome,
        )
    return f"{about} {remark}".strip()


def _released(
    file: str, content: str | bytes, standing: Mapping[str, tuple[int, int]], persons: Mapping[str, int | None]
) -> Released:
    what, tables = behind(file).what, behind(file).tables
    data = content.encode() if isinstance(content, str) else content
    return Released(
        file,
        what,
        tables,
        persons["n_randomised" if set(tables) & set(RANDOMISED) else "n_analysed"] if tables else None,
        *standing.get(file.rpartition(".")[0], (0, 0)),
        len(data),
        hashlib.sha256(data).hexdigest(),
    )


def _persons(inclusion: pd.DataFrame) -> dict[str, int | None]:
    """Persons randomised and analysed in the whole trial, as far as they are released."""
    whole = inclusion[inclusion["centre"].astype(str) == "all"].iloc[0]
    numbers = {name: pd.to_numeric(whole[name], errors="coerce") for name in ("n_randomised", "n_analysed")}
    return {name: None if pd.isna(n) else int(n) for name, n in numbers.items()}
