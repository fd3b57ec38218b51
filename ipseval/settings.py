"""Configuration files: defaults of config/config.yaml, a cohort's own file on top, all faults at once."""

import re
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from ipseval import code_groups, existing, plain_yaml, versions
from ipseval.config import Cohort, from_settings
from ipseval.consistency import MONTHS_OF, inconsistencies
from ipseval.errors import Fault, UserError, nearest
from ipseval.places.checked import faults_of_files
from ipseval.registers.sources import expanded
from ipseval.schema import registered, schema_faults, with_names

ROOT = Path(__file__).resolve().parent.parent
DEFAULTS_FILE = ROOT / "config" / "config.yaml"
PRESETS_FILE = ROOT / "config" / "layouts.yaml"
GROUPS_FILE = ROOT / "config" / "code_groups.yaml"
PROFILES_FILE = ROOT / "config" / "disclosure.yaml"
COLUMNS_FILE = ROOT / "config" / "columns.yaml"
SCHEMA_FILE = ROOT / "workflow" / "schemas" / "cohort.schema.yaml"
TOP_KEYS = ("cohorts", "results", "cohort", "defaults")
SCALES_FOLDER = ROOT / "config" / "fidelity_scales"
MENDING = ("leave_out", "corrections")  # files that hold keys of persons
PLACES = ("organisation", "fidelity", "fidelity_scale", "timeline")  # files about the centres as places
ORGANISATION = ("organisation", "organisation_groups")
WHOLE_KEYS = ("arms", "centres")  # every stage may use them

# What a stage reads of the configuration. A key that a stage does not name reaches it as its default,
# so that changing, say, a covariate of one analysis does not read a national register again.
_READING = (
    "extracts",
    "files",
    "columns",
    "values",
    "exclusions",
    "covariates",
    "dates",
    "zone",
    "numbers",
    "leave_out",
    "corrections",
)
_STUDY = ("observed_from", "observed_until", "unobserved", "layouts", "window", "outcome")
_PRESENTED = (
    "outcomes",
    "robustness",
    "title",
    "remark",
    "language",
    "labels",
    "analyses",
    "estimation",
    "synthesis",
    "follow",
    "achieved",
    "cost",
    "receipt",
    "event_study",
    "bound",
    "eligibility",
    "describe",
    "disclosure",
    *PLACES,
    *_STUDY,
)
STAGE_KEYS: dict[str, tuple[str, ...] | None] = {
    "check": (
        *(*_READING, *_STUDY, "states", "checks", "plausible", "asked_services", "asked_strata", "grouped_codes"),
        "describe",
    ),
    "clean": (*_STUDY,),
    "cohort": ("covariates", "asked_covariates", "checks", "exclusions", "eligibility", "describe", "layouts", *_STUDY),
    "panel": (*_STUDY, "states", "outcomes"),
    "describe": ("covariates", "describe", *PLACES, *_STUDY),
    "estimate": ("analyses", "estimation", *_STUDY),
    "randomise": ("analyses", "estimation", "randomisation", *_STUDY),
    "synthesise": ("analyses", "estimation", "synthesis", *ORGANISATION, *_STUDY),
    "follow": ("achieved", "analyses", "cost", "estimation", "follow", "outcomes", "receipt", *_STUDY),
    "vary": ("analyses", "estimation", "robustness", "states", "outcomes", *_STUDY),
    "receive": ("analyses", "receipt", "estimation", *_STUDY),
    "placebo": ("analyses", "event_study", "estimation", *_STUDY),
    "bound": ("analyses", "estimation", "bound", *_STUDY),
    "present": _PRESENTED,
    "release": (*_PRESENTED, "earlier"),
    "protect": (
        *(*ORGANISATION, "achieved", "analyses", "bound", "cost", "describe", "disclosure", "earlier", "eligibility"),
        *("estimation", "follow", "robustness", *_STUDY),
    ),
    "published_comparison": ("published",),
    "verify": None,  # all of them: the manifest records every choice
}


def read_yaml(path: Path) -> dict[str, Any]:
    """Read a YAML file that holds a mapping.

    Raises
    ------
    UserError
        The file is missing, is no YAML or holds something else; or with every text that YAML would take for something
        that is not meant (see :mod:`ipseval.plain_yaml`).
    """
    document = plain_yaml.read(path)
    if document.faults:
        raise UserError(document.worded(str(path)))
    content: dict[str, Any] = plain_yaml.plain(document.content)
    return content


def cohorts(config: Mapping[str, Any], base: Path = ROOT, arguments: Sequence[str] = ()) -> dict[str, dict[str, Any]]:
    """Settings of every cohort that a run covers, by name.

    Parameters
    ----------
    config : mapping
        config/config.yaml with the command line's ``cohort`` and ``results`` on top.
    base : Path
        Folder that relative names are resolved against.
    arguments : sequence of str
        Of the command line, as they were typed.

    Raises
    ------
    UserError
        With every fault of every file.
    """
    faults = [
        Fault("config/config.yaml", f"{key} is not a key.", nearest(key, TOP_KEYS))
        for key in config
        if key not in TOP_KEYS
    ]
    faults += _defaults_faults(config.get("defaults"))
    chosen = config.get("cohort") or config.get("cohorts")
    names = [str(name) for name in (chosen if isinstance(chosen, list) else [chosen] if chosen else [])]
    if not names:
        faults.append(Fault("config/config.yaml", "cohorts is empty.", "Name at least one file of config/cohorts."))
    faults += _results_faults(config.get("results", "results")) + _cut_off(arguments)
    if faults:
        raise UserError(faults)
    found: dict[str, dict[str, Any]] = {}
    for name in names:
        try:
            settings = cohort_settings(_cohort_file(name, base), config.get("defaults") or {})
        except UserError as error:
            faults.extend(error.faults)
            continue
        if settings["name"] in found:
            what = f"cohorts names two files '{settings['name']}': their results would go into one folder."
            faults.append(Fault("config/config.yaml", what, "Name each file once, or rename one."))
        found[settings["name"]] = settings
    if faults:
        raise UserError(faults)
    return found


def _results_faults(results: Any) -> list[Fault]:
    """Faults of the folder of the results."""
    where, remedy = "config/config.yaml", "Name the folder of the results."
    if not isinstance(results, str):
        return [Fault(where, "results is no text.", remedy)]
    if not results.strip("/ "):
        return [Fault(where, "results names no folder.", remedy)]
    if set(results) & set("{}"):
        what = f"results names '{results}': Snakemake takes what stands in braces for something else."
        return [Fault(where, what, "Name a folder without braces.")]
    return []


def _cut_off(arguments: Sequence[str]) -> list[Fault]:
    """Names on the command line of which YAML, as which Snakemake reads them, leaves out what follows a hash."""
    cut = [a for a in arguments if re.match(r"(cohort|results)=.*\s#", a)]
    remedy = "Name a file or folder without a blank and # in its path."
    return [
        Fault("command line", f"'{a}' would be cut off at ' #': Snakemake reads a comment there.", remedy) for a in cut
    ]


def _defaults_faults(defaults: Any) -> list[Fault]:
    """Faults of the defaults of config/config.yaml: what a cohort file may hold, and all of it."""
    if defaults is None:
        return []
    where, known = "config/config.yaml", default_settings()
    if not isinstance(defaults, Mapping):
        return [Fault(where, "defaults holds no keys.", "Restore it from the repository.")]
    absent = [Fault(where, f"defaults.{key} is missing.", "Restore it.") for key in known if key not in defaults]
    return [*absent, *schema_faults({**cohort_schema(), "required": []}, defaults, where)]


def _cohort_file(name: str, base: Path) -> Path:
    if not name.endswith((".yaml", ".yml")):
        return base / "config" / "cohorts" / f"{name}.yaml"
    try:
        return Path(name).expanduser().resolve()
    except (OSError, ValueError, RuntimeError):
        raise UserError([Fault(name, "is no name that a file can have.", "Name an existing YAML file.")]) from None


@cache
def default_settings() -> dict[str, Any]:
    """The defaults of config/config.yaml."""
    return read_yaml(DEFAULTS_FILE)["defaults"]


@cache
def presets() -> dict[str, dict[str, Any]]:
    """The registers of config/layouts.yaml: name -> what a source is that comes from there."""
    return {name: code_groups.in_source(spec, groups()) for name, spec in read_yaml(PRESETS_FILE).items()}


@cache
def groups() -> dict[str, dict[str, dict[str, Any]]]:
    """The groups of codes of config/code_groups.yaml: register -> group -> meaning, codes and source."""
    return read_yaml(GROUPS_FILE)


def cohort_settings(file: Path, defaults: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Read one cohort file on top of the defaults; a plain mapping that Snakemake can compare.

    Raises
    ------
    UserError
        With every fault of the file.
    """
    document = plain_yaml.read(file)
    defaults, own = plain_yaml.plain(defaults or default_settings()), plain_yaml.plain(document.content)
    faults = [
        *document.worded(str(file)),
        *schema_faults(cohort_schema(), document.content, str(file), told=document.places),
        *_fixed_analyses(own, defaults, str(file)),
    ]
    if faults:
        raise UserError(faults)
    merged = _merge(defaults, own)
    merged["analyses"] = {**defaults["analyses"], **(own.get("analyses") or {})}
    for key in MONTHS_OF:
        merged[key] = {**merged[key], "months": _months_in_window(key, merged, own)}
    grouped, found = code_groups.codes(merged, groups()), list(code_groups.faults(merged, groups()))
    merged = code_groups.spelled_out(merged, groups())
    merged["layouts"] = expanded(merged, presets())
    found += inconsistencies(merged, own)
    places = _places(merged, file, found)
    # What the check needs to know of later stages' choices, so that no other change of these reads a register again.
    asked = {
        "asked_covariates": existing.asked_beyond(merged, defaults),
        "asked_services": merged["receipt"]["services"] or {},
        "grouped_codes": grouped,
        "asked_strata": [name for name, spec in merged["analyses"].items() if existing.holds_strata(spec)],
    }
    if found:
        raise UserError([Fault(str(file), what, remedy) for what, remedy in found])
    if odd := faults_of_files(merged | places | {"file": str(file)}):
        raise UserError(odd)
    merged["disclosure"] = {"profile": merged["disclosure"]["profile"]}
    merged["estimation"] = {**merged["estimation"], "primary": _primary(merged["estimation"])}
    return {"name": file.stem, "file": str(file), **merged, **places, **asked}


def _primary(chosen: Mapping[str, Any]) -> str:
    """The variance of every interval in print; without a choice the first."""
    known: list[str] = chosen["variances"]
    return chosen["primary"] or known[0]


def _places(settings: Mapping[str, Any], file: Path, found: list[tuple[str, str]]) -> dict[str, Any]:
    """Files and folders that the settings name, from the root on; what is wrong with them is added to ``found``."""
    named = {key: settings[key] for key in ("extracts", "published", *MENDING, *PLACES)}
    named["disclosure.earlier"] = settings["disclosure"]["earlier"]
    places: dict[str, Path | None] = {}
    for key, name in named.items():
        try:
            places[key] = (file.parent / Path(name).expanduser()).resolve() if name else None
        except (OSError, ValueError, RuntimeError):
            found.append((f"{key} is no name that a file can have.", "Mend it: it is relative to the cohort file."))
            places[key] = None
    for key in ("published", *PLACES):
        if (given := places[key]) and not given.is_file():
            found.append((f"{key} names '{given}', which is no file.", "Mend it: it is relative to the cohort file."))
    places["fidelity_scale"] = places["fidelity_scale"] or SCALES_FOLDER / "ips_25.yaml"
    for key, path in ((key, path) for key in MENDING if (path := places[key])):
        if not path.is_file():
            found.append(
                (f"{key} names '{named[key]}', which is no file.", "Mend it: it is relative to the cohort file.")
            )
        elif path.is_relative_to(ROOT / "config"):
            remedy = "Put it beside the delivery or under a folder person/: it holds keys of persons."
            found.append((f"{key} names '{named[key]}', which lies among the program's own files.", remedy))
    earlier = sorted(places["disclosure.earlier"].glob("data/*.csv")) if places["disclosure.earlier"] else []
    if places["disclosure.earlier"] and not earlier:
        what = f"disclosure.earlier names '{named['disclosure.earlier']}', which holds no data/*.csv."
        found.append((what, "Name a folder release/ of an earlier run, outside this one's results."))
    newest = read_yaml(COLUMNS_FILE)["versions"][versions.RELEASE]
    if earlier and (odd := versions.fault_of(Path(earlier[0]).parents[1], newest)):
        found.append((f"disclosure.earlier names '{named['disclosure.earlier']}': {odd[0]}", odd[1]))
    return {
        "extracts": str(places["extracts"]),
        "earlier": list(map(str, earlier)),
        **{key: str(places[key]) if places[key] else None for key in ("published", *MENDING, *PLACES)},
    }


def _merge(under: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(under)
    for key, value in over.items():
        both = isinstance(value, Mapping) and isinstance(under.get(key), Mapping)
        whole = both and key in ("month_rule", "layouts", "adjustment", "organisation_groups")
        merged[key] = _merge(under[key], value) if both and not whole else value
    if "layouts" in over:
        merged["layouts"] = {**under["layouts"], **over["layouts"]}
    return merged


def _months_in_window(key: str, merged: Mapping[str, Any], own: Mapping[str, Any]) -> list[int]:
    """A cohort's own months as they are; of the default ones those in the window, or its last where none is."""
    months, last = merged[key]["months"], merged["window"]["after"]
    if "months" in own.get(key, {}):
        return months
    return [month for month in months if month <= last] or [last] * (last > 0)


@cache
def cohort_schema() -> dict[str, Any]:
    """What a cohort file may hold, with the names of all that is registered."""
    return with_names(read_yaml(SCHEMA_FILE), registered(list(read_yaml(PROFILES_FILE)["profiles"])))


def _fixed_analyses(own: Mapping[str, Any], defaults: Mapping[str, Any], file: str) -> list[Fault]:
    analyses = own.get("analyses")
    taken = [name for name in (analyses if isinstance(analyses, Mapping) else ()) if name in defaults["analyses"]]
    remedy = "Every cohort gets it as config/config.yaml defines it: give yours another name."
    return [
        Fault(file, f"analyses.{name} would redefine an analysis whose meaning is fixed.", remedy) for name in taken
    ]


def for_stage(settings: Mapping[str, Any], stage: str) -> dict[str, Any]:
    """The settings that ``stage`` reads; every other key at its default (see ``STAGE_KEYS``)."""
    keys = STAGE_KEYS[stage]
    kept = {"name", *WHOLE_KEYS, *(set(settings) - {"file"} if keys is None else keys)}
    more: dict[str, Any] = {"file": "", "extracts": "", "earlier": [], "grouped_codes": []}
    more |= {"asked_covariates": [], "asked_services": {}, "asked_strata": []}
    defaults = {**default_settings(), **more}
    return {key: value if key in kept else defaults[key] for key, value in settings.items()}


def read_cohort(file: str | Path) -> Cohort:
    """Read one cohort file. Raises :class:`~ipseval.errors.UserError` with every fault."""
    return from_settings(cohort_settings(Path(file).resolve()))
