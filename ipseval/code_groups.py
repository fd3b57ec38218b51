"""Groups of a register's codes (config/code_groups.yaml), named in place of the codes: ``dream:education``."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from ipseval.errors import nearest

NAMED = re.compile(r"([a-z_]+):([a-z_]+)")
LISTS = ("states", "exclusions")  # keys whose lists hold codes
OF_LAYOUTS = ("employed", "not_employed", "received", "not_received")  # options of a layout that hold codes
Groups = Mapping[str, Mapping[str, Mapping[str, Any]]]


def named(settings: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Names of groups in settings, each with its key."""
    for key, found in _lists(settings):
        yield from ((key, name) for name in found if isinstance(name, str) and NAMED.fullmatch(name))


def faults(settings: Mapping[str, Any], groups: Groups) -> Iterator[tuple[str, str]]:
    """Groups of a known register that there are not: what was found, and the remedy."""
    for key, name in named(settings):
        register, _, group = name.partition(":")
        if register in groups and group not in groups[register]:
            known = [f"{register}:{own}" for own in groups[register]]
            yield f"{key} names '{name}', which is no group.", nearest(name, known) or f"Groups: {', '.join(known)}."


def codes(settings: Mapping[str, Any], groups: Groups) -> list[str]:
    """Codes that stand in settings by the name of their group only; they need not occur."""
    return sorted({code for _, name in named(settings) for code in members(name, groups) or []})


def members(name: Any, groups: Groups) -> list[str] | None:
    """Codes of a group; None for what names none."""
    match = NAMED.fullmatch(name) if isinstance(name, str) else None
    group = groups.get(match[1], {}).get(match[2]) if match else None
    return None if group is None else list(map(str, group["codes"]))


def spelled_out(settings: Mapping[str, Any], groups: Groups) -> dict[str, Any]:
    """Settings with the codes in place of the groups' names."""
    made = dict(settings)
    for key in LISTS:
        made[key] = {a: {b: _listed(own, groups) for b, own in spec.items()} for a, spec in settings[key].items()}
    made["values"] = {e: _mapped(spec, groups) for e, spec in settings["values"].items()}
    made["layouts"] = {
        e: [in_source(own, groups) for own in spec] if isinstance(spec, list) else in_source(spec, groups)
        for e, spec in settings["layouts"].items()
    }
    return made


def in_source(spec: Mapping[str, Any], groups: Groups) -> dict[str, Any]:
    """A source of an extract, or a register of config/layouts.yaml, with the codes in place of the groups' names."""
    made = {k: _listed(own, groups) if k in OF_LAYOUTS and isinstance(own, list) else own for k, own in spec.items()}
    if "exclusions" in spec:
        made["exclusions"] = {c: _listed(own, groups) for c, own in spec["exclusions"].items()}
    if "values" in spec:
        made["values"] = _mapped(spec["values"], groups)
    return made


def _listed(own: list[Any], groups: Groups) -> list[Any]:
    return [code for name in own for code in (members(name, groups) or [name])]


def _mapped(spec: Mapping[str, Mapping[Any, Any]], groups: Groups) -> dict[str, dict[Any, Any]]:
    """A code that is named itself goes before its group."""
    return {
        column: {
            **{code: ours for name, ours in mapping.items() for code in members(name, groups) or []},
            **{name: ours for name, ours in mapping.items() if members(name, groups) is None},
        }
        for column, mapping in spec.items()
    }


def _lists(settings: Mapping[str, Any]) -> Iterator[tuple[str, list[Any]]]:
    """Every list of codes, with its key."""
    for key in (*LISTS, "values"):
        yield from ((f"{key}.{a}.{b}", list(own)) for a, spec in settings[key].items() for b, own in spec.items())
    for extract, spec in settings["layouts"].items():
        for source in spec if isinstance(spec, list) else [spec]:
            options = {k: own for k, own in source.items() if k in OF_LAYOUTS and isinstance(own, list)}
            inner = {f"{k}.{c}": list(own) for k in ("exclusions", "values") for c, own in source.get(k, {}).items()}
            yield from ((f"layouts.{extract}.{k}", own) for k, own in {**options, **inner}.items())
