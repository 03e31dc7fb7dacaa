"""Example values for a schema, so that every operation can be shown as a call that could be sent."""

from collections.abc import Mapping
from typing import Any

DEEPEST = 8
MOST_PARTS = 1000
_BY_FORMAT = {
    "date": "2026-01-31",
    "date-time": "2026-01-31T12:00:00Z",
    "email": "ada@example.com",
    "uuid": "3fa85f64-5717-4562-b3fc-2c963f66afa6",
    "uri": "https://example.com",
}
_BY_TYPE: dict[str, Any] = {"string": "text", "integer": 1, "number": 1.5, "boolean": True, "null": None}


def resolved(document: Mapping[str, Any], part: Any) -> dict[str, Any]:
    """Return `part`, or what its local `$ref` points to; nothing for a loop or a reference that leads nowhere."""
    for _ in range(DEEPEST):
        if not isinstance(part, dict):
            return {}
        reference = part.get("$ref")
        if not isinstance(reference, str):
            return part
        part = document
        if not reference.startswith("#/"):
            return {}
        for name in reference[2:].split("/"):
            part = part.get(name.replace("~1", "/").replace("~0", "~")) if isinstance(part, dict) else None
    return {}


def _given(schema: Mapping[str, Any]) -> tuple[bool, Any]:
    """Return whether the author gave an example or only one value is possible, and that value."""
    for name in ("example", "const", "default"):
        if name in schema:
            return True, schema[name]
    for name in ("examples", "enum"):
        values = schema.get(name)
        if isinstance(values, list) and values:
            return True, values[0]
    return False, None


class _Maker:
    """Makes one example; counts its parts, so that a schema of many properties within many ends soon."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self.document = document
        self.left = MOST_PARTS

    def value(self, schema: Any, above: tuple[str, ...] = ()) -> Any:
        """Return an example; `above` are the references on the way here, because a schema may contain itself."""
        self.left -= 1
        reference = schema.get("$ref", "") if isinstance(schema, dict) else ""
        if self.left < 0 or len(above) >= DEEPEST or (reference and reference in above):
            return None
        above = (*above, str(reference))
        schema = resolved(self.document, schema)
        given, value = _given(schema)
        if given:
            return value
        if isinstance(schema.get("allOf"), list):
            return self._joined(schema, above)
        for name in ("oneOf", "anyOf"):
            options = schema.get(name)
            if isinstance(options, list) and options:
                return self.value(options[0], above)
        return self._typed(schema, above)

    def _joined(self, schema: dict[str, Any], above: tuple[str, ...]) -> Any:
        parts = [self.value(part, above) for part in schema["allOf"]] + [self._typed(schema, above)]
        objects = [part for part in parts if isinstance(part, dict)]
        return {key: value for part in objects for key, value in part.items()} if objects else parts[0]

    def _typed(self, schema: dict[str, Any], above: tuple[str, ...]) -> Any:
        kind, properties = schema.get("type"), schema.get("properties")
        if isinstance(kind, list):
            kind = next((name for name in kind if name != "null"), "null")
        if kind == "array":
            item = self.value(schema.get("items"), above)
            return [] if item is None else [item]
        if isinstance(properties, dict):
            made = {str(name): self.value(part, above) for name, part in properties.items()}
            return {name: value for name, value in made.items() if value is not None}
        if kind == "object":
            return {}
        return _BY_FORMAT.get(str(schema.get("format")), _BY_TYPE.get(str(kind)))


def schema_example(document: Mapping[str, Any], schema: Any) -> Any:
    """Return a value that fits a schema: the author's example where there is one, else one made from its type."""
    return _Maker(document).value(schema)


def media_example(document: Mapping[str, Any], media: Any) -> Any:
    """Return the example of a media type or parameter: its own, the first of several, or one from its schema."""
    media = resolved(document, media)
    if "example" in media:
        return media["example"]
    examples = media.get("examples")
    if isinstance(examples, dict) and examples:
        first = resolved(document, next(iter(examples.values())))
        if "value" in first:
            return first["value"]
    return schema_example(document, media.get("schema"))
