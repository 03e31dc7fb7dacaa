"""The JSON Schema of a struct type as one piece, for the OpenAPI document and the catalogue of policies."""

from collections.abc import Collection
from typing import Any

import msgspec

_REF = "#/$defs/"


def settings_schema(type_: type[msgspec.Struct], *, secret: Collection[str], title: str = "") -> dict[str, Any]:
    """Return the schema of a type's settings without references. `secret` are paths of what is only written."""
    schema = msgspec.json.schema(type_)
    parts = schema.pop("$defs", {})
    inlined: dict[str, Any] = _inlined(schema, parts)
    for path in secret:
        around = inlined
        *outer, name = path.split(".")
        for part in outer:
            around = _object(around["properties"][part])
        around["properties"][name]["writeOnly"] = True
    return {**inlined, "title": title} if title else inlined


def _object(schema: dict[str, Any]) -> dict[str, Any]:
    """Return the object of a setting that may also be none."""
    return next((each for each in schema.get("anyOf", ()) if "properties" in each), schema)


def _inlined(schema: Any, parts: dict[str, Any]) -> Any:
    if isinstance(schema, list):
        return [_inlined(item, parts) for item in schema]
    if not isinstance(schema, dict):
        return schema
    rest = {name: _inlined(value, parts) for name, value in schema.items() if name != "$ref"}
    reference = schema.get("$ref")
    return {**_inlined(parts[reference.removeprefix(_REF)], parts), **rest} if reference else rest
