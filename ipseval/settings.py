"""Configuration files: defaults of config/config.yaml, a cohort's own file on top, all faults at once."""

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator, ValidationError

from ipseval.config import Cohort, code, from_settings
from ipseval.errors import Fault, UserError, nearest

ROOT = Path(__file__).resolve().parent.parent
DEFAULTS_FILE = ROOT / "config" / "config.yaml"
SCHEMA_FILE = ROOT / "workflow" / "schemas" / "cohort.schema.yaml"
TOP_KEYS = ("cohorts", "results", "cohort", "defaults")
WHOLE_KEYS = ("title", "arms", "centres")  # printed on results: every stage may use them

# What a stage reads of the configuration. A key that a stage does not name reaches it as its default,
# so that changing, say, a covariate of one analysis does not read a national register again.
_READING = ("extracts", "columns", "values", "exclusions", "layouts", "covariates")
_STUDY = ("observed_from", "observed_until", "window", "outcome")
STAGE_KEYS: dict[str, tuple[str, ...]] = {
    "check": (*_READING, *_STUDY, "checks"),
    "clean": (*_STUDY,),
    "cohort": ("covariates", "eligibility", "describe", *_STUDY),
    "panel": (*_STUDY,),
    "describe": ("covariates", "describe", *_STUDY),
    "estimate": ("analyses", "estimation", *_STUDY),
    "randomise": ("analyses", "estimation", "randomisation", *_STUDY),
    "synthesise": ("analyses", "estimation", "synthesis", *_STUDY),
    "present": ("analyses", "estimation", "synthesis", "eligibility", "describe", "disclosure", *_STUDY),
    "verify": ("extracts", "analyses", "estimation", "randomisation", "eligibility", "describe", "verify", *_STUDY),
}


def read_yaml(path: Path) -> dict[str, Any]:
    """Read a YAML file that holds a mapping.

    Raises
    ------
    UserError
        The file is missing, is no YAML or holds something else.
    """
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise UserError([Fault(str(path), f"cannot be read ({reason}).", "Name an existing cohort file.")]) from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f" at line {mark.line + 1}" if mark else ""
        problem = getattr(error, "problem", None) or "not YAML"
        raise UserError([Fault(str(path), f"is no valid YAML{line}: {problem}.", "Mend that line.")]) from None
    if not isinstance(content, dict):
        raise UserError([Fault(str(path), "holds no keys.", "See config/cohorts for an example.")])
    return content


def cohorts(config: Mapping[str, Any], base: Path = ROOT) -> dict[str, dict[str, Any]]:
    """Settings of every cohort that a run covers, by name.

    Parameters
    ----------
    config : mapping
        config/config.yaml with the command line's ``cohort`` and ``results`` on top.
    base : Path
        Folder that relative names are resolved against.

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
    names = [config["cohort"]] if config.get("cohort") else config.get("cohorts") or []
    if not names:
        faults.append(Fault("config/config.yaml", "cohorts is empty.", "Name at least one file of config/cohorts."))
    found: dict[str, dict[str, Any]] = {}
    for name in names:
        try:
            settings = cohort_settings(_cohort_file(str(name), base), config.get("defaults") or {})
            found[settings["name"]] = settings
        except UserError as error:
            faults.extend(error.faults)
    if faults:
        raise UserError(faults)
    return found


def _cohort_file(name: str, base: Path) -> Path:
    if name.endswith((".yaml", ".yml")):
        return Path(name).expanduser().resolve()
    return base / "config" / "cohorts" / f"{name}.yaml"


@cache
def default_settings() -> dict[str, Any]:
    """The defaults of config/config.yaml."""
    return read_yaml(DEFAULTS_FILE)["defaults"]


def cohort_settings(file: Path, defaults: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Read one cohort file on top of the defaults; a plain mapping that Snakemake can compare.

    Raises
    ------
    UserError
        With every fault of the file.
    """
    own = read_yaml(file)
    defaults = default_settings() if not defaults else defaults
    faults = [*_schema_faults(own, str(file)), *_fixed_analyses(own, defaults, str(file))]
    if faults:
        raise UserError(faults)
    merged = _merge(defaults, own)
    merged["analyses"] = {**defaults["analyses"], **(own.get("analyses") or {})}
    faults = _consistency(merged, str(file))
    if faults:
        raise UserError(faults)
    extracts = (file.parent / Path(own["extracts"]).expanduser()).resolve()
    return {"name": file.stem, "file": str(file), **merged, "extracts": str(extracts)}


def _merge(under: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(under)
    for key, value in over.items():
        both = isinstance(value, Mapping) and isinstance(under.get(key), Mapping)
        whole = both and key in ("month_rule", "layouts")
        merged[key] = _merge(under[key], value) if both and not whole else value
    if "layouts" in over:
        merged["layouts"] = {**under["layouts"], **over["layouts"]}
    return merged


def _schema_faults(own: Mapping[str, Any], file: str) -> list[Fault]:
    errors = Draft202012Validator(_schema()).iter_errors(own)
    return [
        fault
        for error in sorted(errors, key=lambda e: list(map(str, e.absolute_path)))
        for fault in _fault(error, file)
    ]


@cache
def _schema() -> dict[str, Any]:
    return read_yaml(SCHEMA_FILE)


def _fault(error: ValidationError, file: str) -> list[Fault]:
    path = ".".join(map(str, error.absolute_path))
    if error.validator == "additionalProperties" and isinstance(error.schema.get("additionalProperties"), bool):
        known = list(error.schema.get("properties", {}))
        prefix = f"{path}." if path else ""
        unknown = [str(key) for key in error.instance if key not in known]
        return [
            Fault(file, f"{prefix}{key} is not a key.", nearest(key, known) or f"Known here: {', '.join(known)}.")
            for key in unknown
        ]
    if error.validator == "required":
        missing = error.message.split("'")[1]
        return [
            Fault(
                file, f"{f'{path}.' if path else ''}{missing} is missing.", "docs/configuration.md says what it holds."
            )
        ]
    expected = error.schema.get("description") or error.message
    return [
        Fault(
            file, f"{path} does not fit: {error.message}.", f"Expected: {expected}" if expected != error.message else ""
        )
    ]


def _fixed_analyses(own: Mapping[str, Any], defaults: Mapping[str, Any], file: str) -> list[Fault]:
    taken = [name for name in own.get("analyses") or {} if name in defaults.get("analyses", {})]
    remedy = "Every cohort gets it as config/config.yaml defines it: give yours another name."
    return [
        Fault(file, f"analyses.{name} would redefine an analysis whose meaning is fixed.", remedy) for name in taken
    ]


def _consistency(merged: Mapping[str, Any], file: str) -> list[Fault]:
    """Faults between keys, which a schema cannot state."""
    faults = []
    arms, window = merged["arms"], merged["window"]
    if code(arms["reference"]) in map(code, arms["treatments"]):
        faults.append(Fault(file, "arms.reference is among arms.treatments.", "Name it once, as reference."))
    first, last = merged["observed_from"], merged["observed_until"]
    if first and last and first > last:
        faults.append(Fault(file, "observed_from is later than observed_until.", "Swap or mend them."))
    chosen, known = merged["synthesis"]["variance"], merged["estimation"]["variances"]
    if chosen and chosen not in known:
        remedy = f"Name one of {', '.join(known)}."
        faults.append(Fault(file, f"synthesis.variance '{chosen}' is not among estimation.variances.", remedy))
    for name, spec in merged["analyses"].items():
        months = spec["months"]
        if isinstance(months, list) and not -window["before"] <= months[0] <= months[1] <= window["after"]:
            expected = f"{-window['before']}..{window['after']}"
            faults.append(
                Fault(
                    file,
                    f"analyses.{name}.months lies outside the window {expected}.",
                    "Widen window or mend the months.",
                )
            )
        if spec.get("within") and spec.get("effect") == "by_centre":
            faults.append(Fault(file, f"analyses.{name} asks for within and effect: by_centre.", "Keep one of them."))
    faults += [
        Fault(
            file, f"covariates names '{name}', which cannot be a column's name.", "Use letters, digits and underscores."
        )
        for name in merged["covariates"]
        if not re.fullmatch(r"[A-Za-z]\w*", name)
    ]
    return faults


def for_stage(settings: Mapping[str, Any], stage: str) -> dict[str, Any]:
    """The settings that ``stage`` reads; every other key at its default (see ``STAGE_KEYS``)."""
    kept = {"name", *WHOLE_KEYS, *STAGE_KEYS[stage]}
    defaults = {**default_settings(), "file": "", "extracts": ""}
    return {key: value if key in kept else defaults[key] for key, value in settings.items()}


def read_cohort(file: str | Path) -> Cohort:
    """Read one cohort file. Raises :class:`~ipseval.errors.UserError` with every fault."""
    return from_settings(cohort_settings(Path(file).resolve()))
