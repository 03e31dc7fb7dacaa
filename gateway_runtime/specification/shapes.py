"""What a schema says of the form of a value that is written as plain text: its types, and what is inside it."""

import re
from collections.abc import Callable
from typing import Any

from gateway_runtime.specification.references import References

# Longer numbers are no numbers anybody meant, and reading them is slow.
_INTEGER = re.compile(r"-?(?:0|[1-9][0-9]{0,98})\Z")
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]{0,98})(?:\.[0-9]{1,99})?(?:[eE][+-]?[0-9]{1,3})?\Z")

Read = Callable[[str], Any]


class Shape:
    """The types that a schema allows (empty: any), its properties and the form of its items, as far as it says."""

    __slots__ = ("closed", "items", "properties", "types")

    def __init__(self) -> None:
        self.types: set[str] = set()
        self.properties: dict[str, list[Any]] = {}
        self.items: list[Any] = []
        # Whether no other properties are allowed.
        self.closed = True


def shape_of(schemas: list[Any], references: References) -> Shape:
    """Return the form that schemas give a value together, with all that they refer to and combine."""
    shape = Shape()
    waiting, seen = list(schemas), set[int]()
    while waiting:
        schema = references.follow(waiting.pop())
        if not isinstance(schema, dict) or id(schema) in seen:
            continue
        seen.add(id(schema))
        types = schema.get("type")
        shape.types.update(types if isinstance(types, list) else [types] if isinstance(types, str) else [])
        if schema.get("nullable") is True and types is not None:
            shape.types.add("null")
        for name, each in (schema.get("properties") or {}).items():
            shape.properties.setdefault(name, []).append(each)
        if isinstance(schema.get("items"), dict):
            shape.items.append(schema["items"])
        if schema.get("additionalProperties", False) is not False:
            shape.closed = False
        for key in ("allOf", "anyOf", "oneOf"):
            waiting += schema.get(key) or ()
    return shape


def reader(types: set[str]) -> Read | None:
    """Return what makes of a text the value that is meant, None where it is meant as text."""
    if types == {"string"}:
        return None

    def read(text: str) -> Any:
        if "boolean" in types or not types:
            if text == "true":
                return True
            if text == "false":
                return False
        if ("number" in types or not types) and _NUMBER.match(text):
            return int(text) if _INTEGER.match(text) else float(text)
        if "integer" in types and _INTEGER.match(text):
            return int(text)
        if "null" in types and text == "":
            return None
        return text

    return read
