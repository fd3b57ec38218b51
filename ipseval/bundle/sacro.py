"""What SACRO-Viewer reads: ``outputs.json`` with a result a table or figure, and the checksums of its files."""

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any

from ipseval import words
from ipseval.bundle import behind
from ipseval.bundle.facts import Facts, Released
from ipseval.language import say

OUTPUTS = "outputs.json"
VERSION = "0.4.0"  # of the form, as the viewer writes it itself; it reads this and later ones
NO_LETTER = r"\W"
PASS, REVIEW, FAIL = "pass", "review", "fail"
KINDS = {"data": "table", "tables": "table", "figures": "figure"}


def outputs(facts: Facts) -> str:
    """The list of results: their files, whether rules hid something, and what they are."""
    own = [file for file in facts.files if file.file != OUTPUTS]
    stems = dict.fromkeys(file.stem for file in own)
    results = {stem: _result(facts, [file for file in own if file.stem == stem]) for stem in stems}
    return json.dumps({"version": VERSION, "results": results}, indent=1, ensure_ascii=False) + "\n"


def _result(facts: Facts, files: list[Released]) -> dict[str, Any]:
    file = files[0]
    status, summary = _status(facts, file)
    found = {"summary": {"suppressed": file.n_hidden > 0}, "cells": {}}
    comments = [words.sentence(say(file.what)) + ".", say(behind.GROUPS[behind.group(file.file)])]
    return {
        "uid": file.stem,
        "status": status,
        "type": KINDS.get(file.file.partition("/")[0], "custom"),
        "properties": {"method": "ipseval", "profile": facts.profile},
        "files": [{"name": each.file, "sdc": found} for each in files],
        "outcome": {},
        "command": "ipseval",
        "summary": f"{status}; {summary}",
        "timestamp": "",
        "comments": comments,
        "exception": "" if status == PASS else summary,
        "fair": {},
    }


def _status(facts: Facts, file: Released) -> tuple[str, str]:
    """``pass`` where nothing is hidden, ``review`` where something is or there is nothing to count, else ``fail``."""
    if not facts.rules["min_cell_count"]:
        return FAIL, say("not protected: synthetic persons")
    if not file.n_numbers:
        return REVIEW, say("made of protected numbers") if file.tables else say("no numbers of persons")
    if not file.n_hidden:
        return PASS, say("nothing is hidden")
    n, of = words.count(file.n_hidden), words.count(file.n_numbers)
    return REVIEW, say("hidden by the profile {profile}: {n} of {all} cells", n=n, all=of, profile=facts.profile)


def checksums(files: Mapping[str, str | bytes]) -> dict[str, str]:
    """SHA-256 of each file, by the name of the text that holds it and nothing else: the viewer compares it whole."""
    return {name(file): hashlib.sha256(_bytes(content)).hexdigest() for file, content in files.items()}


def name(file: str) -> str:
    """The name of the text that holds the checksum of a file."""
    return f"checksum_{re.sub(NO_LETTER, '_', file)}"


def place(file: str) -> str:
    """Where the checksum of a file stands."""
    return f"checksums/{file}.txt"


def _bytes(content: str | bytes) -> bytes:
    return content.encode() if isinstance(content, str) else content
