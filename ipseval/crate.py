"""The release as a research object: ``ro-crate-metadata.json`` by the profile Process Run Crate 0.5.

It is the profile of Workflow Run RO-Crate for a run whose code does not lie in the crate. No person, place, machine or
time is in it.
"""

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ipseval.bundle import Facts

METADATA = "ro-crate-metadata.json"
CONTEXT = ["https://w3id.org/ro/crate/1.1/context", "https://w3id.org/ro/terms/workflow-run/context"]
SPECIFICATION = "https://w3id.org/ro/crate/1.1"
PROFILE = "https://w3id.org/ro/wfrun/process/0.5"
UNDATED = "1980-01-01"  # the specification asks for a date, and two runs have to give the same bytes
OFFICE = "application/vnd.openxmlformats-officedocument"
KINDS = {  # not those of the machine, which differ
    "csv": "text/csv",
    "docx": f"{OFFICE}.wordprocessingml.document",
    "html": "text/html",
    "json": "application/json",
    "md": "text/markdown",
    "png": "image/png",
    "svg": "image/svg+xml",
    "tex": "text/x-tex",
    "xlsx": f"{OFFICE}.spreadsheetml.sheet",
}

Entity = dict[str, Any]


def crate(facts: "Facts") -> str:
    """The metadata file: the files, what made them, and the run."""
    files = [file for file in facts.files if file.file != METADATA]
    graph = [
        {"@id": METADATA, "@type": "CreativeWork", "about": _to("./"), "conformsTo": _to(SPECIFICATION)},
        {
            "@id": "./",
            "@type": "Dataset",
            "name": facts.title,
            "description": f"Results of a randomised trial on register data, protected by the profile {facts.profile}; "
            "no rows of persons. The date is a fixed one, so that two runs give the same bytes.",
            "datePublished": UNDATED,
            "license": _to("#terms"),
            "conformsTo": _to(PROFILE),
            "hasPart": [_to(file.file) for file in files],
            "mentions": _to("#run"),
        },
        {"@id": PROFILE, "@type": "CreativeWork", "name": "Process Run Crate", "version": "0.5"},
        {
            "@id": "#terms",
            "@type": "CreativeWork",
            "name": "Terms of the owner of the data",
            "description": "The owner of the data decides who may use these results, and whether they leave at all.",
        },
        *_run(facts, [file.file for file in files]),
        *(_file(file.file, file.what, file.n_bytes, file.sha256) for file in files),
    ]
    return json.dumps({"@context": CONTEXT, "@graph": graph}, indent=2, ensure_ascii=False) + "\n"


def _run(facts: "Facts", files: list[str]) -> list[Entity]:
    """The action, its instrument and the libraries that numbers depend on."""
    libraries = {name: version for name, version in facts.versions.items() if name != "ipseval"}
    return [
        {
            "@id": "#run",
            "@type": "CreateAction",
            "name": f"Analysis of {facts.cohort}",
            "description": "snakemake, rule all: from extracts to protected tables, figures and the report",
            "instrument": _to("#ipseval"),
            "result": [_to(file) for file in files],
            "actionStatus": _to("http://schema.org/CompletedActionStatus"),
        },
        {
            "@id": "#ipseval",
            "@type": "SoftwareApplication",
            "name": "ipseval",
            "softwareVersion": facts.versions["ipseval"],
            "identifier": f"sha256 of the code: {facts.code}",
            "softwareRequirements": [_to(f"#{name}") for name in libraries],
        },
        *(
            {"@id": f"#{name}", "@type": "SoftwareApplication", "name": name, "softwareVersion": version}
            for name, version in libraries.items()
        ),
    ]


def _file(file: str, what: str, n_bytes: int | None, sha256: str | None) -> Entity:
    entity: Mapping[str, Any] = {
        "@id": file,
        "@type": "File",
        "name": file,
        "description": what,
        "encodingFormat": KINDS.get(file.rpartition(".")[2]),
        "contentSize": None if n_bytes is None else str(n_bytes),
        "sha256": sha256,
    }
    return {key: value for key, value in entity.items() if value is not None}


def _to(identifier: str) -> dict[str, str]:
    return {"@id": identifier}
