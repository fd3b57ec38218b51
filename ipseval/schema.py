"""Faults of a mapping that a JSON schema states, worded for who wrote the file."""

import json
import math
from collections.abc import Collection, Iterable, Iterator, Mapping
from importlib import import_module
from typing import Any, cast

from jsonschema import Draft202012Validator, ValidationError, validators

from ipseval.errors import Fault, nearest
from ipseval.plain_yaml import Place, Reading, plain, readings, shown

TYPES = {
    "integer": "a whole number",
    "number": "a number",
    "string": "text",
    "boolean": "true or false",
    "array": "a list",
    "object": "keys with values",
    "null": "null",
}
LIMITS = {
    "minimum": "{} or more",
    "maximum": "{} or less",
    "exclusiveMinimum": "more than {}",
    "exclusiveMaximum": "less than {}",
    "minItems": "at least {} in the list",
    "maxItems": "at most {} in the list",
    "minProperties": "at least {} key",
    "minLength": "a text that is not empty",
}


def schema_faults(
    schema: Mapping[str, Any], content: Mapping[str, Any], file: str, told: Collection[Place] = ()
) -> list[Fault]:
    """Everything about ``content`` that does not fit ``schema``, sorted by place.

    Parameters
    ----------
    schema : mapping
    content : mapping
        As :func:`ipseval.plain_yaml.read` returns it: where text may stand, a ``Reading`` is a fault of its own.
    file : str
        Names the content to the user.
    told : collection of places
        What is wrong there is told already.
    """
    found = sorted(_Validator(schema).iter_errors(plain(content)), key=lambda e: list(map(str, e.absolute_path)))
    errors = [e for error in found for e in _inner(error) if not _is_told(e, told)]
    faults = [Fault(file, what, remedy) for e in errors for what, remedy in _worded(e, schema, content)]
    places = {tuple(e.absolute_path) for e in errors}
    return faults + [
        Fault(file, f"{'.'.join(map(str, place))} is {reading}.", f"Quote it: '{shown(reading.text)}'.")
        for place, reading in _misread(schema, content)
        if place not in places
    ]


def _is_told(error: ValidationError, told: Collection[Place]) -> bool:
    """Whether what is wrong at the place of an error, or inside one of its several forms, is told already."""
    place = tuple(error.absolute_path)
    return place in told or (error.validator == "anyOf" and any(inner[: len(place)] == place for inner in told))


def _type(
    validator: Any, types: str | list[str], instance: Any, schema: Mapping[str, Any]
) -> Iterator[ValidationError]:
    """The schema's ``type``, in which NaN and infinities are no numbers and a ``Reading`` is no text."""
    kinds = [types] if isinstance(types, str) else types
    value = instance.meant if isinstance(instance, Reading) else instance
    is_number = not isinstance(value, float) or math.isfinite(value)
    is_clear = not isinstance(instance, Reading) or "string" not in kinds or instance.meant == instance.text
    if not (is_number and is_clear and any(validator.is_type(value, kind) for kind in kinds)):
        yield ValidationError("is of another type")


_Validator = validators.extend(Draft202012Validator, {"type": _type})


def _misread(schema: Mapping[str, Any], content: Mapping[str, Any]) -> list[tuple[Place, Reading]]:
    """Texts without quotes that YAML takes for something else, where text may stand."""
    if next(readings(content), None) is None:
        return []
    errors = (e for error in _Validator(schema).iter_errors(content) for e in _inner(error))
    return [(tuple(e.absolute_path), e.instance) for e in errors if isinstance(e.instance, Reading)]


def _inner(error: ValidationError) -> list[ValidationError]:
    """Of several forms that a mapping may have, the faults of the one that is a mapping; else the error itself."""
    inside = [
        e for e in error.context or [] if isinstance(error.instance, Mapping) and e.validator not in ("type", "enum")
    ]
    return inside or [error]


def _worded(error: ValidationError, root: Mapping[str, Any], content: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What a schema's error found, and what was expected or to be done."""
    path = ".".join(map(str, error.absolute_path))
    prefix = f"{path}." if path else ""
    schema = error.schema if isinstance(error.schema, Mapping) else {}
    if error.validator == "additionalProperties":
        present = error.instance if isinstance(error.instance, Mapping) else {}
        known = list(properties) if isinstance(properties := schema.get("properties"), Mapping) else []
        unknown = [str(key) for key in present if key not in known]
        return [
            (f"{prefix}{key} is not a key.", nearest(key, known) or f"Known here: {', '.join(known)}.")
            for key in unknown
        ]
    if error.validator == "required":
        missing = error.message.split("'")[1]
        return [(f"{prefix}{missing} is missing.", "docs/configuration.md says what it holds.")]
    meaning = _meaning(error, root)
    about = f" ({meaning.removesuffix('.')})" if meaning else ""
    if "propertyNames" in error.absolute_schema_path and error.validator == "enum":
        known = [str(name) for name in cast(list[str], error.validator_value)]
        return [(f"{path} names '{error.instance}', which there is not.",
                 nearest(str(error.instance), known) or f"Known: {', '.join(known)}.")]  # fmt: skip
    if "propertyNames" in error.absolute_schema_path:
        return [(f"{path} has the name {_shown(error.instance)}.", "Expected: small letters, digits and underscores.")]
    if error.validator == "uniqueItems":
        return [(f"{path} names something twice.", f"Expected: each once{about}.")]
    expected = _expected(str(error.validator), error.validator_value)
    remedy = f"Expected: {expected}{about}." if expected else f"Expected: {meaning}"
    written = _at(content, error.absolute_path)
    if not isinstance(written, Reading):
        return [(f"{path} is {_shown(error.instance)}.", remedy)]
    is_text = error.validator == "type" and "string" in cast(list[str], error.validator_value)
    return [(f"{path} is {written}.", remedy + f" Quote it: '{shown(written.text)}'." * is_text)]


def _at(content: Any, place: Iterable[str | int]) -> Any:
    """What stands at a place."""
    for step in place:
        content = content[step]
    return content


def _shown(value: Any) -> str:
    """A value of a configuration file, shortened."""
    return "empty" if value is None else shown(json.dumps(value, default=str, ensure_ascii=False))


def _expected(validator: str, value: Any) -> str:
    """What a keyword of the schema asks for, in words; nothing when its description has to say it."""
    if validator == "type":
        kinds = [value] if isinstance(value, str) else [k for k in value if k != "integer" or "number" not in value]
        return " or ".join(TYPES[kind] for kind in kinds)
    if validator == "enum":
        return ", ".join(value[:-1]) + f" or {value[-1]}" if len(value) > 1 else str(value[0])
    return LIMITS[validator].format(value) if validator in LIMITS else ""


def _meaning(error: ValidationError, root: Mapping[str, Any]) -> str:
    """The description that is nearest to the place of an error."""
    schema, meaning = root, ""
    for step in error.absolute_path:
        inside = schema.get("properties", {}).get(step, schema.get("additionalProperties"))
        schema = schema.get("items", {}) if isinstance(step, int) and "items" in schema else inside or {}
        meaning = schema.get("description", meaning)
    return str(meaning)


def registered(profiles: list[str]) -> dict[str, list[str]]:
    """What is declared elsewhere and chosen by name in a cohort file.

    The modules are named in text because a stage runs again when a module changes that it imports, directly or through
    others. Every stage that reads settings would depend on the estimators, and a register would be read again because
    one of them was edited.
    """
    estimators = import_module("ipseval.estimation.estimators").ESTIMATORS
    return {
        "estimators": list(estimators),
        "linear_estimators": [name for name, estimator in estimators.items() if estimator.is_linear],
        "variances": list(import_module("ipseval.estimation.variance").VARIANCES),
        "profiles": profiles,
    }


def with_names(schema: Any, registered: Mapping[str, list[str]]) -> Any:
    """The schema with every ``x-names`` in it spelled out as the ``enum`` of what is registered under that name."""
    if isinstance(schema, list):
        return [with_names(part, registered) for part in schema]
    if not isinstance(schema, dict):
        return schema
    found = {key: with_names(part, registered) for key, part in schema.items() if key != "x-names"}
    return found | {"enum": registered[schema["x-names"]]} if "x-names" in schema else found
