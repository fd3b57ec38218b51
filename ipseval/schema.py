"""Faults of a mapping that a JSON schema states, worded for who wrote the file."""

import json
from collections.abc import Mapping
from typing import Any

from jsonschema import Draft202012Validator, ValidationError

from ipseval.errors import Fault, nearest

MAX_SHOWN = 60  # signs of a value that a message shows
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


def schema_faults(schema: Mapping[str, Any], content: Mapping[str, Any], file: str) -> list[Fault]:
    """Everything about ``content`` that does not fit ``schema``, sorted by place; ``file`` names it to the user."""
    errors = sorted(Draft202012Validator(schema).iter_errors(content), key=lambda e: list(map(str, e.absolute_path)))
    inner = (e for error in errors for e in _inner(error))
    return [Fault(file, what, remedy) for error in inner for what, remedy in _worded(error, schema)]


def _inner(error: ValidationError) -> list[ValidationError]:
    """Of several forms that a mapping may have, the faults of the one that is a mapping; else the error itself."""
    inside = [
        e for e in error.context or [] if isinstance(error.instance, Mapping) and e.validator not in ("type", "enum")
    ]
    return inside or [error]


def _worded(error: ValidationError, root: Mapping[str, Any]) -> list[tuple[str, str]]:
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
    if "propertyNames" in error.absolute_schema_path:
        return [(f"{path} has the name {_shown(error.instance)}.", "Expected: small letters, digits and underscores.")]
    if error.validator == "uniqueItems":
        return [(f"{path} names something twice.", f"Expected: each once{about}.")]
    expected = _expected(str(error.validator), error.validator_value)
    remedy = f"Expected: {expected}{about}." if expected else f"Expected: {meaning}"
    return [(f"{path} is {_shown(error.instance)}.", remedy)]


def _shown(value: Any) -> str:
    """A value of a configuration file, shortened."""
    text = "empty" if value is None else json.dumps(value, default=str, ensure_ascii=False)
    return text if len(text) <= MAX_SHOWN else f"{text[:MAX_SHOWN]}..."


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
