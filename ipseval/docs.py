"""Pages of docs/ that are made from the code: configuration, data and the list of assumptions.

``python -m ipseval.docs`` rewrites them; a test fails when they are not up to date.
"""

import json
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ipseval.contracts import EXTRACTS, Column
from ipseval.registers.layouts import LAYOUTS, Layout
from ipseval.registers.rule import in_words
from ipseval.registers.rules import RULES
from ipseval.settings import ROOT, cohort_schema, default_settings, groups, presets

PACKAGE = Path(__file__).resolve().parent
MADE = "<!-- Made by `make docs` from the code: change it there. -->\n"
ASSUMED = re.compile(r"# ASSUME: (.+?)(?=\n\s*(?:#|\n|\"\"\"|[a-z_]+ = |def |return ))", re.S)


def pages() -> dict[str, str]:
    """Every generated page: file under docs/ -> text."""
    return {"configuration.md": configuration(), "data.md": data(), "assumptions.md": assumptions()}


def _table(head: tuple[str, ...], rows: Iterator[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines) + "\n"


def configuration() -> str:
    """Keys of a cohort file, from the schema and the defaults."""
    intro = (
        "# Configuration\n\n"
        f"{MADE}\n"
        "`config/config.yaml` names the cohorts of a run and holds every default. A cohort is one file "
        "`config/cohorts/<name>.yaml` (or any other place: `--config cohort=/path/to/north.yaml`); what it says goes "
        "on top of the defaults. Unknown keys are refused with the nearest known one. The reasons behind the defaults "
        "are in [methods.md](methods.md).\n\n"
        "Codes that YAML takes for something else have to be quoted: it reads `NO` and `off` as false, `01` and `010` "
        "as 1 and 8, `12:30` as 750, `01.10` as 1.1 and `2015-01-31` as a date. Such a code is refused where a code "
        "stands, and so is any number that is written otherwise than people write numbers. A key may stand once, and 1 "
        "and '1' are the same.\n\n"
    )
    schema = cohort_schema()
    rows = _keys(schema, schema, default_settings(), "")
    return intro + _table(("key", "default", "what it holds"), rows)


def _keys(schema: Mapping[str, Any], root: Mapping[str, Any], defaults: Any, prefix: str) -> Iterator[tuple[str, ...]]:
    for name, declared in schema.get("properties", {}).items():
        key = f"{prefix}{name}"
        default = defaults.get(name, _NOTHING) if isinstance(defaults, Mapping) else _NOTHING
        nested = declared.get("properties")
        shown = (
            "*needed*"
            if name in schema.get("required", [])
            else ""
            if default is _NOTHING or nested
            else _shown(default)
        )
        if name != "analyses":
            yield f"`{key}`", shown, declared.get("description", "")
        if nested:
            yield from _keys(declared, root, default, f"{key}.")
        elif name == "analyses":
            names = ", ".join(f"`{n}`" for n in dict(defaults)["analyses"])
            yield f"`{key}`", f"{names} (fixed)", declared["description"]
            yield from _keys(declared["additionalProperties"], root, {}, f"{key}.<name>.")


_NOTHING = object()


def _shown(value: Any) -> str:
    if isinstance(value, Mapping) and value:
        return "see file"
    return f"`{json.dumps(value)}`"


def data() -> str:
    """Extracts, layouts and the rules of the check."""
    parts = [
        "# Data\n\n" + MADE,
        "An extract is a Parquet file `<extract>.parquet` or a folder `<extract>/` of files read as one table; `files` "
        "names others: `files: {employment: jobs_*.parquet}`. Names and codes of a delivery are mapped to ours in the "
        "cohort file (`columns`, `values`). A column may have several names, of which each file has one: "
        '`columns: {employment: {person_id: [lopenr_person, "w*_lnr"]}}`; in a mapping of codes `"*"` is every other '
        "code. A missing "
        'optional extract drops what needs it and says so; it is never read as "nobody had any".\n',
    ]
    for extract in EXTRACTS.values():
        needed = "needed" if extract.needed else "optional"
        parts.append(f"## `{extract.name}` ({needed}; one row a {extract.one_row})\n")
        parts.append(_table(("column", "kind", "needed", "may be empty", "meaning"), map(_column, extract.columns)))
    parts.append("## Layouts\n\nAn extract may arrive in another layout: `layouts: {employment: {layout: monthly}}`.\n")
    parts.append(
        _table(
            ("layout", "what it is", "extracts", "what it loses", "options"),
            ((f"`{n}`", x.meaning, _served(x), x.loses, _options(x.options)) for n, x in LAYOUTS.items()),
        )
    )
    parts.append(_registers())
    parts.append(_groups())
    parts.append(
        "## What the check finds\n\nEvery finding is a row of `review/quality.csv` with counts only. *stop* ends "
        "the run with nothing written; `checks: {rule: action}` in the cohort file chooses another action.\n"
    )
    rules = (
        (f"`{n}`", r.action, ", ".join(r.others), in_words(r.finds), in_words(r.done), in_words(r.remedy))
        for n, r in RULES.items()
    )
    parts.append(
        _table(
            ("rule", "action", "or, if asked for", "rows, persons or files that ...", "what is done", "what to do"),
            rules,
        )
    )
    return "\n".join(parts)


def _served(layout: Layout) -> str:
    """Extracts that may arrive in a layout."""
    served = [extract.name for extract in EXTRACTS.values() if layout.serves(extract)]
    return "all" if len(served) == len(EXTRACTS) else ", ".join(served)


def _registers() -> str:
    """Presets of config/layouts.yaml, and what may be said of a source."""
    source = cohort_schema()["$defs"]["source"]["properties"]
    rows = (
        (f"`{name}`", ", ".join(spec["extracts"]), f"`{spec['layout']}`", spec["meaning"], _loses(spec))
        for name, spec in presets().items()
    )
    return "\n".join(
        (
            "## Registers\n\nA register is a layout with the names, codes and files of its deliveries, in "
            "[config/layouts.yaml](../config/layouts.yaml): `layouts: {employment: {layout: a_ordningen}}`. What "
            "the cohort file says goes on top of it. Names that a delivery spells otherwise are given under "
            "`columns`; a column that only the register names may be absent when the contract allows it, one that the "
            "cohort file names may not.\n",
            _table(("register", "extract", "layout", "what it is", "what it loses"), rows),
            "## Sources\n\nAn extract may come from several sources, such as the employment of a cohort that was "
            "followed across January 2015:\n\n```yaml\nlayouts:\n  employment:\n    - {layout: aa_register}\n"
            "    - {layout: a_ordningen}\n```\n\nOf each source may be said, beside the options of its layout:\n",
            _table(("key", "what it holds"), ((f"`{key}`", said["description"]) for key, said in source.items())),
        )
    )


def _groups() -> str:
    """Groups of codes of config/code_groups.yaml."""
    rows = (
        (f"`{register}:{name}`", group["meaning"], ", ".join(map(str, group["codes"])), group["source"])
        for register, own in groups().items()
        for name, group in own.items()
    )
    return "\n".join(
        (
            "## Groups of codes\n\nA group of [config/code_groups.yaml](../config/code_groups.yaml) stands wherever a "
            "code may: in `states`, `values`, `exclusions` and the codes of a weekly layout, as in `states: {studies: "
            "{benefits: [dream:education]}}`. It holds what its source documents and no more; a code may stand beside "
            "it.\n",
            _table(("group", "what it is", "codes", "source"), rows),
        )
    )


def _loses(preset: Mapping[str, Any]) -> str:
    return " ".join(filter(None, [LAYOUTS[preset["layout"]].loses, preset.get("loses", "")]))


def _column(column: Column) -> tuple[str, ...]:
    flags = ("yes" if column.needed else "no", "yes" if column.nullable else "no")
    return f"`{column.name}`", column.kind, *flags, column.meaning


def _options(options: Mapping[str, str]) -> str:
    return " ".join(f"`{name}`: {meaning}" for name, meaning in options.items())


def assumptions() -> str:
    """Every ``# ASSUME:`` of the code, by module."""
    rows = []
    for file in sorted(PACKAGE.rglob("*.py")):
        name = file.relative_to(PACKAGE).with_suffix("").as_posix()
        for found in ASSUMED.findall(file.read_text(encoding="utf-8")) if file.stem != "docs" else []:
            rows.append((f"`{name}`", re.sub(r"\s+", " ", found).strip()))
    intro = "Statistical assumptions that are marked `# ASSUME:` where the code makes them.\n"
    return f"# Assumptions\n\n{MADE}\n{intro}\n" + _table(("module", "assumption"), iter(rows))


def main() -> int:
    """Write the pages; returns the exit status."""
    for name, text in pages().items():
        (ROOT / "docs" / name).write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
