"""Configuration files: defaults of config/config.yaml, a cohort's own file on top, all faults at once."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from ipseval.config import Cohort, from_settings
from ipseval.consistency import MONTHS_OF, inconsistencies
from ipseval.errors import Fault, UserError, nearest
from ipseval.registers.sources import expanded
from ipseval.schema import schema_faults

ROOT = Path(__file__).resolve().parent.parent
DEFAULTS_FILE = ROOT / "config" / "config.yaml"
PRESETS_FILE = ROOT / "config" / "layouts.yaml"
SCHEMA_FILE = ROOT / "workflow" / "schemas" / "cohort.schema.yaml"
TOP_KEYS = ("cohorts", "results", "cohort", "defaults")
WHOLE_KEYS = ("arms", "centres")  # every stage may use them

# What a stage reads of the configuration. A key that a stage does not name reaches it as its default,
# so that changing, say, a covariate of one analysis does not read a national register again.
_READING = ("extracts", "files", "columns", "values", "exclusions", "layouts", "covariates")
_STUDY = ("observed_from", "observed_until", "window", "outcome")
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
    "receipt",
    "event_study",
    "bound",
    "eligibility",
    "describe",
    "disclosure",
    *_STUDY,
)
STAGE_KEYS: dict[str, tuple[str, ...] | None] = {
    "check": (*_READING, *_STUDY, "states", "checks"),
    "clean": (*_STUDY,),
    "cohort": ("covariates", "exclusions", "eligibility", "describe", *_STUDY),
    "panel": (*_STUDY, "states", "outcomes"),
    "describe": ("covariates", "describe", *_STUDY),
    "estimate": ("analyses", "estimation", *_STUDY),
    "randomise": ("analyses", "estimation", "randomisation", *_STUDY),
    "synthesise": ("analyses", "estimation", "synthesis", *_STUDY),
    "follow": ("estimation", "follow", *_STUDY),
    "vary": ("analyses", "estimation", "robustness", "states", "outcomes", *_STUDY),
    "receive": ("receipt", "estimation", *_STUDY),
    "placebo": ("event_study", "estimation", *_STUDY),
    "bound": ("analyses", "estimation", "bound", *_STUDY),
    "present": _PRESENTED,
    "release": (*_PRESENTED, "earlier"),
    "protect": ("analyses", "disclosure", "earlier", *_STUDY),
    "published_comparison": ("published",),
    "verify": None,  # all of them: the manifest records every choice
}


def read_yaml(path: Path) -> dict[str, Any]:
    """Read a YAML file that holds a mapping.

    Raises
    ------
    UserError
        The file is missing, is no YAML or holds something else.
    """
    try:
        content = yaml.load(path.read_text(encoding="utf-8"), Loader=_Loader)
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
        beside = (p.name for p in path.parent.glob("*.y*ml")) if path.parent.is_dir() else ()
        remedy = nearest(path.name, beside) or "Name an existing YAML file."
        raise UserError([Fault(str(path), f"cannot be read ({reason}).", remedy)]) from None
    except (yaml.YAMLError, ValueError) as error:
        mark = getattr(error, "problem_mark", None)
        line = f" at line {mark.line + 1}" if mark else ""
        problem = getattr(error, "problem", None) or str(error).partition("\n")[0]
        raise UserError([Fault(str(path), f"is no valid YAML{line}: {problem}.", "Mend that line.")]) from None
    if not isinstance(content, dict):
        raise UserError([Fault(str(path), "holds no keys.", "See config/cohorts for an example.")])
    return content


class _Loader(yaml.SafeLoader):
    """YAML in which a key that stands twice is a fault; plain YAML keeps the last one without a word."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        nodes = [key for key, _ in node.value if key.tag != "tag:yaml.org,2002:merge"]
        keys = [self.construct_object(key, deep=True) for key in nodes]
        for i, key in enumerate(nodes):
            if keys[i] in keys[:i]:
                problem = f"the key '{keys[i]}' stands twice"
                raise yaml.constructor.ConstructorError(None, None, problem, key.start_mark)
        return super().construct_mapping(node, deep)


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
    faults += _defaults_faults(config.get("defaults"))
    chosen = config.get("cohort") or config.get("cohorts")
    names = [str(name) for name in (chosen if isinstance(chosen, list) else [chosen] if chosen else [])]
    if not names:
        faults.append(Fault("config/config.yaml", "cohorts is empty.", "Name at least one file of config/cohorts."))
    if not isinstance(config.get("results", "results"), str):
        faults.append(Fault("config/config.yaml", "results is no text.", "Name the folder of the results."))
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


def _defaults_faults(defaults: Any) -> list[Fault]:
    """Faults of the defaults of config/config.yaml: what a cohort file may hold, and all of it."""
    if defaults is None:
        return []
    where, known = "config/config.yaml", default_settings()
    if not isinstance(defaults, Mapping):
        return [Fault(where, "defaults holds no keys.", "Restore it from the repository.")]
    absent = [Fault(where, f"defaults.{key} is missing.", "Restore it.") for key in known if key not in defaults]
    return [*absent, *_schema_faults(defaults, where, whole=False)]


def _cohort_file(name: str, base: Path) -> Path:
    if name.endswith((".yaml", ".yml")):
        return Path(name).expanduser().resolve()
    return base / "config" / "cohorts" / f"{name}.yaml"


@cache
def default_settings() -> dict[str, Any]:
    """The defaults of config/config.yaml."""
    return read_yaml(DEFAULTS_FILE)["defaults"]


@cache
def presets() -> dict[str, dict[str, Any]]:
    """The registers of config/layouts.yaml: name -> what a source is that comes from there."""
    return read_yaml(PRESETS_FILE)


def cohort_settings(file: Path, defaults: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Read one cohort file on top of the defaults; a plain mapping that Snakemake can compare.

    Raises
    ------
    UserError
        With every fault of the file.
    """
    own = read_yaml(file)
    defaults = defaults or default_settings()
    faults = [*_schema_faults(own, str(file)), *_fixed_analyses(own, defaults, str(file))]
    if faults:
        raise UserError(faults)
    merged = _merge(defaults, own)
    merged["analyses"] = {**defaults["analyses"], **(own.get("analyses") or {})}
    for key in MONTHS_OF:
        merged[key] = {**merged[key], "months": _months_in_window(key, merged, own)}
    faults = [Fault(str(file), what, remedy) for what, remedy in inconsistencies(merged)]
    if faults:
        raise UserError(faults)
    merged["layouts"] = expanded(merged, presets())
    extracts = (file.parent / Path(own["extracts"]).expanduser()).resolve()
    published = str((file.parent / merged["published"]).resolve()) if merged["published"] else None
    if published and not Path(published).is_file():
        what = f"published names '{published}', which is no file."
        raise UserError([Fault(str(file), what, "Mend it: it is relative to the cohort file.")])
    earlier = _earlier(merged["disclosure"]["earlier"], file)
    merged["disclosure"] = {"profile": merged["disclosure"]["profile"]}
    places = {"extracts": str(extracts), "published": published, "earlier": earlier}
    return {"name": file.stem, "file": str(file), **merged, **places}


def _earlier(named: str | None, file: Path) -> list[str]:
    """Tables of the earlier release that a cohort names."""
    if named is None:
        return []
    found = sorted((file.parent / Path(named).expanduser()).resolve().glob("data/*.csv"))
    if not found:
        what = f"disclosure.earlier names '{named}', which holds no data/*.csv."
        raise UserError(
            [Fault(str(file), what, "Name a folder release/ of an earlier run, outside this one's results.")]
        )
    return list(map(str, found))


def _merge(under: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(under)
    for key, value in over.items():
        both = isinstance(value, Mapping) and isinstance(under.get(key), Mapping)
        whole = both and key in ("month_rule", "layouts", "adjustment")
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


def _schema_faults(own: Mapping[str, Any], file: str, whole: bool = True) -> list[Fault]:
    """Faults that the schema states; of a part of the settings no key need be there."""
    return schema_faults(_schema() if whole else {**_schema(), "required": []}, own, file)


@cache
def _schema() -> dict[str, Any]:
    return read_yaml(SCHEMA_FILE)


def _fixed_analyses(own: Mapping[str, Any], defaults: Mapping[str, Any], file: str) -> list[Fault]:
    taken = [name for name in own.get("analyses") or {} if name in defaults.get("analyses", {})]
    remedy = "Every cohort gets it as config/config.yaml defines it: give yours another name."
    return [
        Fault(file, f"analyses.{name} would redefine an analysis whose meaning is fixed.", remedy) for name in taken
    ]


def for_stage(settings: Mapping[str, Any], stage: str) -> dict[str, Any]:
    """The settings that ``stage`` reads; every other key at its default (see ``STAGE_KEYS``)."""
    keys = STAGE_KEYS[stage]
    kept = {"name", *WHOLE_KEYS, *(set(settings) - {"file"} if keys is None else keys)}
    defaults = {**default_settings(), "file": "", "extracts": "", "earlier": []}
    return {key: value if key in kept else defaults[key] for key, value in settings.items()}


def read_cohort(file: str | Path) -> Cohort:
    """Read one cohort file. Raises :class:`~ipseval.errors.UserError` with every fault."""
    return from_settings(cohort_settings(Path(file).resolve()))
