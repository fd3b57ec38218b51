"""The release as a Data Package, version 2: ``datapackage.json`` with a Table Schema for every CSV file."""

import csv
import hashlib
import io
import json
import re
from collections.abc import Mapping
from typing import Any

from ipseval import __version__, versions
from ipseval.bundle.behind import behind
from ipseval.bundle.facts import Facts
from ipseval.language import say
from ipseval.settings import COLUMNS_FILE, read_yaml
from ipseval.words import EN_DASH, HIDDEN_SIGN

PROFILES = "https://datapackage.org/profiles/2.0"
PRINTED = "tables/"  # numbers as they are printed: text to programs
WHOLE = re.compile(r"-?\d+")

Descriptor = dict[str, Any]


def package(facts: Facts, files: Mapping[str, str | bytes]) -> str:
    """The descriptor.

    Parameters
    ----------
    facts : Facts
    files : mapping
        The files of the release, by their places in it, with their contents; those that are no CSV are left out.
    """
    known = read_yaml(COLUMNS_FILE)
    tables = {file: str(content) for file, content in sorted(files.items()) if file.endswith(".csv")}
    content = {
        "$schema": f"{PROFILES}/datapackage.json",
        "name": re.sub(r"[^a-z0-9._-]", "-", facts.cohort.lower()),
        "title": facts.title,
        "description": facts.context,
        "version": str(known["versions"][versions.RELEASE]),
        "ipseval": {
            "version": __version__,
            "profile": facts.profile,
            "schema_version": known["versions"][versions.RELEASE],
        },
        "resources": [_resource(file, text, known) for file, text in tables.items()],
    }
    return json.dumps(content, indent=1, ensure_ascii=False) + "\n"


def _resource(file: str, text: str, known: Mapping[str, Any]) -> Descriptor:
    stem = file.removesuffix(".csv")
    data = text.encode()
    return {
        "$schema": f"{PROFILES}/dataresource.json",
        "name": stem.removeprefix("data/").replace("/", "-"),
        "type": "table",
        "path": file,
        "description": say(behind(file).what),
        "format": "csv",
        "mediatype": "text/csv",
        "encoding": "utf-8",
        "bytes": len(data),
        "hash": f"sha256:{hashlib.sha256(data).hexdigest()}",
        "schema_version": versions.of_file(file, known["versions"]),
        "schema": _schema(stem.removeprefix("data/"), list(csv.reader(io.StringIO(text))) or [[]], known),
    }


def _schema(name: str, rows: list[list[str]], known: Mapping[str, Any]) -> Descriptor:
    """Fields with types and units; what empty cells and signs mean; what tells rows apart."""
    heads, cells = rows[0], rows[1:]
    is_printed = name.startswith(PRINTED)
    fields = [
        {"name": head, "type": "string"} if is_printed else _field(head, [row[i] for row in cells], known["columns"])
        for i, head in enumerate(heads)
    ]
    missing = [
        {"value": "", "label": say("there is no number")},
        {"value": HIDDEN_SIGN, "label": say("hidden by disclosure control")},
        *([{"value": EN_DASH, "label": say("not estimated")}] if is_printed else []),
    ]
    return {
        "$schema": f"{PROFILES}/tableschema.json",
        "fields": fields,
        "missingValues": missing,
        **_keys([key for key in known["keys"].get(name, ()) if key in heads], heads, cells),
    }


def _field(head: str, values: list[str], columns: Mapping[str, list]) -> Descriptor:
    """A column; a count that is delivered with a decimal point is a number to programs."""
    kind, unit, title = columns.get(head, ["string", None, None])
    is_whole = all(WHOLE.fullmatch(value) for value in values if value not in ("", HIDDEN_SIGN))
    field = {"name": head, "type": "number" if kind == "integer" and not is_whole else kind}
    if kind == "boolean":
        field |= {"trueValues": ["True"], "falseValues": ["False"]}
    return field | ({"title": title} if title else {}) | ({"unit": unit} if unit else {})


def _keys(keys: list[str], heads: list[str], cells: list[list[str]]) -> Descriptor:
    """A primary key where every part of it is there, else a unique one, which may have empty parts."""
    if not keys:
        return {}
    at = [heads.index(key) for key in keys]
    is_whole = all(row[i] for row in cells for i in at)
    return {"primaryKey": keys} if is_whole else {"uniqueKeys": [keys]}
