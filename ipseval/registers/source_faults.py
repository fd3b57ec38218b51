"""Faults of what a cohort file says of the sources of an extract, which its schema cannot state."""

from collections.abc import Callable, Iterable
from typing import Any

from ipseval.contracts import Extract
from ipseval.errors import nearest
from ipseval.registers.layouts import LAYOUTS
from ipseval.registers.sources import Source
from ipseval.settings import presets


def source_faults(extract: Extract, known: tuple[Source, ...]) -> Iterable[tuple[str, str]]:
    """What was found, and what to do, of every fault of an extract's sources."""
    if len(known) > 1 and extract.one_row_per_person:
        yield f"layouts.{extract.name} names several parts.", "Expected: one, since a person has one row."
    for source in known:
        yield from _layout_faults(extract, source)


def _layout_faults(extract: Extract, source: Source) -> Iterable[tuple[str, str]]:
    layout, name, key = LAYOUTS.get(source.layout), source.layout, f"layouts.{extract.name}"
    fitting = [n for n, other in LAYOUTS.items() if other.serves(extract)]
    fitting += [n for n, preset in presets().items() if extract.name in preset["extracts"]]
    if layout is None and name not in presets():
        yield f"{key}.layout is '{name}', which is no layout.", nearest(name, fitting) or _known_are(fitting)
        return
    if layout is None or not layout.serves(extract):
        yield f"{key}.layout is '{name}', in which {extract.name} cannot arrive.", _known_are(fitting)
        return
    for option in source.options:
        if option not in layout.options:
            remedy = nearest(option, layout.options) or _known_are(layout.options)
            yield f"{key}.{option} is no option of the layout {name}.", remedy
    for option, expected, fits in OPTION_KINDS:
        if option in layout.options and option in source.options and not fits(source.options[option]):
            yield f"{key}.{option} does not fit.", f"Expected: {expected}."
    for option in layout.needed_options:
        if option not in source.options:
            yield f"{key}.{option} is missing.", f"It says: {layout.options[option]}"
    kind = extract.kind_column
    if layout.is_wide and kind is not None and kind.needed and "received" not in source.options:
        yield f"{key}.received is missing.", f"It says: {layout.options['received']}"


OPTION_KINDS: tuple[tuple[str, str, Callable[[Any], bool]], ...] = (
    ("prefix", "text, such as w or y_", lambda value: isinstance(value, str) and value != ""),
    ("weeks", "relative or calendar", lambda value: value in ("relative", "calendar")),
    ("employed", "a list of codes", lambda value: isinstance(value, list) and value != []),
    ("not_employed", "a list of codes", lambda value: isinstance(value, list)),
    ("received", "a list of codes", lambda value: isinstance(value, list) and value != []),
    ("not_received", "a list of codes", lambda value: isinstance(value, list)),
    ("empty", "none", lambda value: value == "none"),
    ("period", "month or year", lambda value: value in ("month", "year")),
)


def _known_are(names: Iterable[str]) -> str:
    return f"Known: {', '.join(names) or 'none'}."
