"""Sources of an extract: which files, in which layout, under which names. Most extracts have one.

A register's names, codes and files are a preset of config/layouts.yaml: a cohort names it in place of a layout.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ipseval.config import Cohort, code
from ipseval.registers.cells import Written

PLAIN = "spells"  # the layout of an extract of which nothing is said
OWN_KEYS = (
    "layout",
    "files",
    "columns",
    "usual_columns",
    "usual_codes",
    "values",
    "exclusions",
    "constants",
    "dates",
    "numbers",
    "observed_from",
    "observed_until",
    "hours_break",
    "full_time_hours",
)  # what is said of a source beside the options of its layout
PRESET_ONLY = ("meaning", "extracts", "loses")  # what is said of a preset to its reader


@dataclass(frozen=True)
class Source:
    """Some files of an extract, in one layout.

    Parameters
    ----------
    layout : str
        Name of the adapter.
    files : tuple of str
        Patterns of their names within the folder of the extracts; none: ``<extract>.parquet`` or ``<extract>/``.
    columns : dict
        Our column -> the names that it may have, the first that a file has is taken.
    asked : frozenset of str
        Our columns whose names the cohort file itself gives: they must be there.
    values, exclusions : dict
        Our column -> their code -> ours; our column -> codes whose rows are left out.
    constants : dict
        Our column -> the code that all rows have, where the files hold no such column.
    dates, numbers : dict
        Our column -> its form or zone; our column -> its marks of decimals and thousands.
    zone : str, optional
        The register's zone, of times that do not say theirs.
    own_codes : tuple of (str, str, tuple of str)
        Codes that the cohort file names of this source alone: under ``values`` or ``exclusions``, of which column.
    options : dict
        Options of the layout.
    observed_from, observed_until : str, optional
        First and last month that this source speaks of (YYYY-MM).
    hours_break : str, optional
        Month from which agreed hours are not comparable with those before.
    full_time_hours : float, optional
        Hours a week of a full-time job, where ``weekly_hours`` is delivered as a share of them.
    """

    layout: str = PLAIN
    files: tuple[str, ...] = ()
    columns: dict[str, tuple[str, ...]] = field(default_factory=dict)
    asked: frozenset[str] = frozenset()
    values: dict[str, dict[str, str]] = field(default_factory=dict)
    exclusions: dict[str, list[str]] = field(default_factory=dict)
    constants: dict[str, str] = field(default_factory=dict)
    dates: dict[str, dict[str, str]] = field(default_factory=dict)
    numbers: dict[str, dict[str, str]] = field(default_factory=dict)
    zone: str | None = None
    own_codes: tuple[tuple[str, str, tuple[str, ...]], ...] = ()
    options: dict[str, Any] = field(default_factory=dict)
    observed_from: str | None = None
    observed_until: str | None = None
    hours_break: str | None = None
    full_time_hours: float | None = None

    def written(self, column: str) -> Written:
        """How the cohort file says that a column of ours is written."""
        return Written(usual_zone=self.zone, **self.dates.get(column, {}), **self.numbers.get(column, {}))

    def names(self, column: str) -> tuple[str, ...]:
        """Names that a column of ours may have."""
        return self.columns.get(column, (column,))


def sources(cohort: Cohort, extract: str) -> tuple[Source, ...]:
    """The sources of an extract, in the order of the cohort file."""
    return tuple(_source(cohort, extract, spec) for spec in _as_list(cohort.layouts.get(extract, {"layout": PLAIN})))


def _source(cohort: Cohort, extract: str, spec: Mapping[str, Any]) -> Source:
    asked = {**cohort.columns.get(extract, {}), **spec.get("columns", {})}
    columns = {**spec.get("usual_columns", {}), **asked}
    own = {c: {code(k): code(v) for k, v in codes.items()} for c, codes in spec.get("values", {}).items()}
    left_out = {c: [code(v) for v in codes] for c, codes in spec.get("exclusions", {}).items()}
    return Source(
        layout=str(spec.get("layout", PLAIN)),
        files=tuple(_as_list(spec.get("files", cohort.files.get(extract, [])))),
        columns={column: tuple(_as_list(names)) for column, names in columns.items()},
        asked=frozenset(asked),
        values=_by_column(cohort.values.get(extract, {}), own),
        exclusions={**cohort.exclusions.get(extract, {}), **left_out},
        constants={column: code(value) for column, value in spec.get("constants", {}).items()},
        dates={
            c: said if isinstance(said, dict) else {"form": said}
            for c, said in {**cohort.dates.get(extract, {}), **spec.get("dates", {})}.items()
        },
        numbers={**cohort.numbers.get(extract, {}), **spec.get("numbers", {})},
        zone=cohort.zone,
        own_codes=tuple(_own_codes(spec)),
        options={key: value for key, value in spec.items() if key not in OWN_KEYS},
        **{key: spec.get(key) for key in ("observed_from", "observed_until", "hours_break", "full_time_hours")},
    )


def _own_codes(spec: Mapping[str, Any]) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """Codes of a source's ``values`` and ``exclusions`` that do not come from its preset or from the extract's."""
    for key in ("values", "exclusions"):
        usual = spec.get("usual_codes", {}).get(key, {})
        for column, codes in spec.get(key, {}).items():
            own = tuple(code(c) for c in codes if code(c) not in usual.get(column, ()))
            if own:
                yield key, column, own


def expanded(settings: Mapping[str, Any], presets: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """The settings' ``layouts`` with every preset put in: what the cohort file says goes on top of it.

    Returns
    -------
    dict
        Extract -> source or list of sources; one whose layout is no preset stays as it is.
    """
    return {
        extract: [_on_preset(spec, extract, settings, presets) for spec in specs]
        if isinstance(specs, list)
        else _on_preset(specs, extract, settings, presets)
        for extract, specs in settings["layouts"].items()
    }


def _on_preset(
    spec: Mapping[str, Any], extract: str, settings: Mapping[str, Any], presets: Mapping[str, Mapping[str, Any]]
) -> dict[str, Any]:
    preset = presets.get(str(spec.get("layout")))
    if preset is None or extract not in preset["extracts"]:
        return dict(spec)
    under = {key: value for key, value in preset.items() if key not in (*PRESET_ONLY, "columns")}
    files = settings["files"].get(extract, preset.get("files", []))
    said = {key: settings[key].get(extract, {}) for key in ("values", "exclusions")}
    return {
        **under,
        **{key: value for key, value in spec.items() if key != "layout"},
        "files": spec.get("files", files),
        "usual_columns": preset.get("columns", {}),
        "usual_codes": {key: _listed_codes(preset.get(key, {}), said[key]) for key in said},
        "values": _by_column(preset.get("values", {}), said["values"], spec.get("values", {})),
        "exclusions": {**preset.get("exclusions", {}), **said["exclusions"], **spec.get("exclusions", {})},
    }


def _listed_codes(*levels: Mapping[str, Iterable[Any]]) -> dict[str, list[str]]:
    """Codes by column, of all levels together."""
    made: dict[str, list[str]] = {}
    for level in levels:
        for column, codes in level.items():
            made.setdefault(column, []).extend(map(code, codes))
    return made


def _by_column(*levels: Mapping[str, Mapping[str, str]]) -> dict[str, dict[str, str]]:
    """Codes by column, the later levels on top."""
    made: dict[str, dict[str, str]] = {}
    for level in levels:
        for column, codes in level.items():
            made[column] = {**made.get(column, {}), **codes}
    return made


def _as_list(value: Any) -> list[Any]:
    return list(value) if isinstance(value, (list, tuple)) else [value]
