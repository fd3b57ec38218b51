"""What each stage found, in a few words for the line that it leaves on the terminal: counts, never a person's value."""

import json
from collections.abc import Callable, Mapping
from typing import Any

Made = Mapping[str, Any]


def found(stage: str, made: Made) -> str:
    """What a stage found.

    Parameters
    ----------
    stage : str
    made : mapping
        What it leaves, by name: tables, text or bytes.

    Returns
    -------
    str
        Such as ``408 persons, 7 warnings``; nothing for a stage that finds nothing by itself.
    """
    return FOUND[stage](made) if stage in FOUND else ""


def _n(count: int, one: str, many: str = "") -> str:
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def _check(made: Made) -> str:
    n_warnings = int((made["quality"]["severity"] == "warning").sum())
    return f"{_n(made['trial']['person_id'].nunique(), 'person')}, {_n(n_warnings, 'warning')}"


def _cohort(made: Made) -> str:
    analysed = made["people"]["is_analysed"].astype(bool)
    return f"{int(analysed.sum()):,} of {_n(len(analysed), 'person')} analysed"


def _estimate(made: Made) -> str:
    effects = made["effects"]
    n_lacking = int((effects["status"] != "estimated").sum())
    return f"{_n(len(effects), 'effect')}{f', {n_lacking:,} not estimated' if n_lacking else ''}"


def _randomise(made: Made) -> str:
    tests = made["randomisation"]
    draws = int(tests["draws"].max()) if len(tests) else 0
    return f"{_n(len(tests), 'test')}, {_n(draws, 'assignment')} drawn"


def _published(made: Made) -> str:
    compared = made["published_comparison"]
    return f"{int(compared['agrees'].sum())} of {_n(len(compared), 'published number')} agree" if len(compared) else ""


def _files(made: Made) -> str:
    return _n(len(made), "file")


def _present(made: Made) -> str:
    kinds = [name.rpartition("_")[2] for name in made]
    return f"{_n(kinds.count('csv'), 'table')}, {_n(kinds.count('svg'), 'figure')}"


def _protect(made: Made) -> str:
    released = [table for name, table in made.items() if name.startswith("released_")]
    n_hidden = sum(int((table.astype(str) == ":").to_numpy().sum()) for table in released)
    return f"{_n(len(released), 'table')}, {_n(n_hidden, 'number')} hidden"


def _verify(made: Made) -> str:
    verified = made["verify"]
    checks = (json.loads(verified) if isinstance(verified, (str, bytes)) else verified)["checks"]
    return f"{_n(len(checks), 'check')} passed"


FOUND: dict[str, Callable[[Made], str]] = {
    "check": _check,
    "clean": lambda made: f"{_n(len(made['employment']), 'spell')} of employment" if "employment" in made else "",
    "cohort": _cohort,
    "panel": lambda made: _n(made["panel"]["person_id"].nunique(), "person"),
    "describe": lambda made: _n(made["balance"]["variable"].nunique(), "covariate"),
    "estimate": _estimate,
    "randomise": _randomise,
    "synthesise": lambda made: f"{_n(len(made['centre_effects']), 'effect')} of centres put together",
    "follow": lambda made: _n(made["accumulated"]["outcome"].nunique(), "outcome") + " accumulated",
    "receive": lambda made: _n(len(made["receipt"]), "count") + " of receipt",
    "vary": lambda made: _n(len(made["specifications"]), "combination") + " of choices",
    "placebo": lambda made: _n(len(made["event_study"]), "period"),
    "bound": lambda made: _n(len(made["missing_data"]), "row") + " on what is missing",
    "published_comparison": _published,
    "present": _present,
    "protect": _protect,
    "release": _files,
    "verify": _verify,
}
