"""The release as a research object: ``ro-crate-metadata.json`` by the profile Workflow Run Crate 0.5.

The workflow itself lies in the crate; the tables of ``data/`` are its outputs, the profile of disclosure control the
input that can be shown. No person, place, machine or time is in it.
"""

import json
from collections.abc import Mapping
from typing import Any

from ipseval.bundle.facts import Facts, Released

METADATA = "ro-crate-metadata.json"
README = "README.md"
WORKFLOW = "workflow.smk"
CONTEXT = ["https://w3id.org/ro/crate/1.1/context", "https://w3id.org/ro/terms/workflow-run/context"]
SPECIFICATION = "https://w3id.org/ro/crate/1.1"
WORKFLOW_CRATE = "https://w3id.org/workflowhub/workflow-ro-crate/1.0"
PROFILES = {
    "https://w3id.org/ro/wfrun/process/0.5": ("Process Run Crate", "0.5"),
    "https://w3id.org/ro/wfrun/workflow/0.5": ("Workflow Run Crate", "0.5"),
    WORKFLOW_CRATE: ("Workflow RO-Crate", "1.0"),
}
LANGUAGE = "https://w3id.org/workflowhub/workflow-ro-crate#snakemake"
SHAPES = "https://bioschemas.org/profiles"
UNDATED = "1980-01-01"  # the specification asks for a date, and two runs have to give the same bytes
OFFICE = "application/vnd.openxmlformats-officedocument"
KINDS = {  # not those of the machine, which differ
    "csv": "text/csv",
    "docx": f"{OFFICE}.wordprocessingml.document",
    "html": "text/html",
    "json": "application/json",
    "md": "text/markdown",
    "png": "image/png",
    "smk": "text/plain",
    "svg": "image/svg+xml",
    "tex": "text/x-tex",
    "xlsx": f"{OFFICE}.spreadsheetml.sheet",
}

Entity = dict[str, Any]


def crate(facts: Facts) -> str:
    """The metadata file: the files, the workflow that made them, and the run."""
    files = [file for file in facts.files if file.file != METADATA]
    graph = [
        {
            "@id": METADATA,
            "@type": "CreativeWork",
            "about": _to("./"),
            "conformsTo": [_to(SPECIFICATION), _to(WORKFLOW_CRATE)],
        },
        {
            "@id": "./",
            "@type": "Dataset",
            "name": facts.title,
            "description": f"Results of a randomised trial on register data, protected by the profile {facts.profile}; "
            "no rows of persons. The date is a fixed one, so that two runs give the same bytes.",
            "datePublished": UNDATED,
            "license": _to("#terms"),
            "conformsTo": [_to(profile) for profile in PROFILES],
            "hasPart": [_to(file.file) for file in files],
            "mainEntity": _to(WORKFLOW),
            "mentions": _to("#run"),
        },
        *(
            {"@id": profile, "@type": "CreativeWork", "name": name, "version": version}
            for profile, (name, version) in PROFILES.items()
        ),
        {
            "@id": "#terms",
            "@type": "CreativeWork",
            "name": "Terms of the owner of the data",
            "description": "The owner of the data decides who may use these results, and whether they leave at all.",
        },
        *_run(facts, [file.file for file in files if file.file != WORKFLOW]),
        *_software(facts),
        *_parameters(facts),
        *(_workflow(facts, file) if file.file == WORKFLOW else _file(file) for file in files),
    ]
    return json.dumps({"@context": CONTEXT, "@graph": graph}, indent=2, ensure_ascii=False) + "\n"


def _run(facts: Facts, files: list[str]) -> list[Entity]:
    """The action, and what it was given."""
    return [
        {
            "@id": "#run",
            "@type": "CreateAction",
            "name": f"Analysis of {facts.cohort}",
            "description": "snakemake, rule all: from extracts to protected tables, figures and the report",
            "instrument": _to(WORKFLOW),
            "object": _to("#profile"),
            "result": [_to(file) for file in files],
            "actionStatus": _to("http://schema.org/CompletedActionStatus"),
        },
        {
            "@id": "#profile",
            "@type": "PropertyValue",
            "name": "profile",
            "value": facts.profile,
            "exampleOfWork": _to("#input-profile"),
        },
    ]


def _software(facts: Facts) -> list[Entity]:
    """The language of the workflow, the package that does its work, and the libraries that numbers depend on."""
    libraries = {name: version for name, version in facts.versions.items() if name != "ipseval"}
    return [
        {
            "@id": LANGUAGE,
            "@type": "ComputerLanguage",
            "name": "Snakemake",
            "url": _to("https://snakemake.readthedocs.io"),
            "version": facts.versions["snakemake"],
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


def _parameters(facts: Facts) -> list[Entity]:
    """What the workflow takes and gives; the extracts of the registers are not in a release."""
    shape = {"@type": "FormalParameter", "conformsTo": _to(f"{SHAPES}/FormalParameter/1.0-RELEASE")}
    taken = {"@id": "#input-profile", "name": "profile", "description": "of disclosure control"}
    return [
        {**taken, **shape, "additionalType": "Text", "workExample": _to("#profile")},
        *(
            {
                "@id": given,
                **shape,
                "name": given.removeprefix("#output-"),
                "description": file.what,
                "additionalType": "File",
                "encodingFormat": KINDS["csv"],
                "workExample": _to(file.file),
            }
            for file in facts.files
            if (given := _output(file.file))
        ),
    ]


def _workflow(facts: Facts, file: Released) -> Entity:
    return _file(file) | {
        "@type": ["File", "SoftwareSourceCode", "ComputationalWorkflow"],
        "conformsTo": _to(f"{SHAPES}/ComputationalWorkflow/1.0-RELEASE"),
        "programmingLanguage": _to(LANGUAGE),
        "softwareRequirements": _to("#ipseval"),
        "version": facts.versions["ipseval"],
        "input": _to("#input-profile"),
        "output": [_to(given) for each in facts.files if (given := _output(each.file))],
    }


def _output(file: str) -> str:
    """The parameter that a table of ``data/`` is an example of; of other files nothing."""
    return f"#output-{file.removeprefix('data/').removesuffix('.csv')}" if file.startswith("data/") else ""


def _file(file: Released) -> Entity:
    given = _output(file.file)
    entity: Mapping[str, Any] = {
        "@id": file.file,
        "@type": "File",
        "name": file.file,
        "description": file.what,
        "encodingFormat": KINDS.get(file.file.rpartition(".")[2]),
        "contentSize": None if file.n_bytes is None else str(file.n_bytes),
        "sha256": file.sha256,
        "exampleOfWork": _to(given) if given else None,
        "about": _to("./") if file.file == README else None,
    }
    return {key: value for key, value in entity.items() if value is not None}


def _to(identifier: str) -> dict[str, str]:
    return {"@id": identifier}
