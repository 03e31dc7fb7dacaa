"""A value that fits a schema, always the same one: for answers that nobody has given an example of."""

import math
from typing import Any

from gateway_runtime.specification.references import References

# Below this only what has to be there is made, and below the second one nothing.
DEEP = 6
DEEPEST = 20
MOST_VALUES = 2_000
MOST_ITEMS = 100
LONGEST_TEXT = 10_000

_FORMATS = {
    "date": "2025-01-15",
    "date-time": "2025-01-15T09:30:00Z",
    "time": "09:30:00Z",
    "duration": "PT1H",
    "email": "someone@example.com",
    "idn-email": "someone@example.com",
    "hostname": "example.com",
    "idn-hostname": "example.com",
    "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::1",
    "uri": "https://example.com/",
    "uri-reference": "/",
    "iri": "https://example.com/",
    "iri-reference": "/",
    "uuid": "123e4567-e89b-42d3-a456-426614174000",
    "byte": "c3RyaW5n",
    "json-pointer": "/a",
    "relative-json-pointer": "0",
    "regex": ".*",
    "uri-template": "/{id}",
}
_HIGHEST = ("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties")
_LOWEST = ("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties")
_MISSING = object()


class Sampler:
    """Makes one value. With `from_examples` the examples inside the schemas come before everything else."""

    def __init__(self, references: References, *, from_examples: bool = True) -> None:
        self._references = references
        self._from_examples = from_examples
        self._left = MOST_VALUES

    def value(self, schema: Any, depth: int = 0, number: int = 0) -> Any:
        """Return a value. `number` tells those apart that may not be equal."""
        self._left -= 1
        if self._left < 0 or depth > DEEPEST:
            return None
        whole = self._whole(schema, 0)
        given = self._given(whole, number)
        if given is not _MISSING:
            return given
        match _type_of(whole):
            case "object":
                return self._object(whole, depth, number)
            case "array":
                return self._array(whole, depth, number)
            case "integer":
                return _integer(whole, number)
            case "number":
                return _number(whole, number)
            case "boolean":
                return number % 2 == 0
            case "null":
                return None
        text = _text(whole, number)
        self._left -= len(text) // 50
        return text

    def _given(self, schema: dict[str, Any], number: int) -> Any:
        """Return what the schema itself says, as long as it need not be another value than the first."""
        if "const" in schema:
            return schema["const"]
        if number == 0:
            examples = schema.get("examples")
            if self._from_examples:
                if "example" in schema:
                    return schema["example"]
                if isinstance(examples, list) and examples:
                    return examples[0]
            if "default" in schema:
                return schema["default"]
        choices = schema.get("enum")
        return choices[number % len(choices)] if isinstance(choices, list) and choices else _MISSING

    def _whole(self, schema: Any, depth: int) -> dict[str, Any]:
        """Return a schema with what it refers to and combines put together; of alternatives it is the first."""
        schema = self._references.follow(schema)
        self._left -= 1
        if not isinstance(schema, dict) or self._left < 0 or depth > DEEPEST:
            return {}
        made = {key: value for key, value in schema.items() if key not in ("allOf", "oneOf", "anyOf", "$ref")}
        for key in ("exclusiveMinimum", "exclusiveMaximum"):
            # In 3.0 it only says how the limit is meant.
            if isinstance(made.get(key), bool) and made.pop(key):
                limit = "minimum" if key == "exclusiveMinimum" else "maximum"
                if limit in made:
                    made[key] = made.pop(limit)
        parts = list(schema.get("allOf") or ())
        for key in ("oneOf", "anyOf"):
            parts += (schema.get(key) or ())[:1]
        for part in parts:
            _join(made, self._whole(part, depth + 1))
        return made

    def _object(self, schema: dict[str, Any], depth: int, number: int) -> dict[str, Any]:
        required = dict.fromkeys(name for name in schema.get("required") or () if isinstance(name, str))
        properties = schema.get("properties") or {}
        made: dict[str, Any] = {}
        for name, part in properties.items():
            if self._left <= 0:
                break
            if self._is_write_only(part) or (name not in required and depth >= DEEP):
                continue
            made[name] = self.value(part, depth + 1, number)
        further = schema.get("additionalProperties", {})
        for name in required:
            if self._left <= 0:
                break
            if name not in properties:
                made[name] = self.value(further, depth + 1, number)
        for count in range(1, MOST_ITEMS):
            if len(made) >= _whole_number(schema, "minProperties", 0):
                break
            made.setdefault(f"property{count}", self.value(further, depth + 1, number))
        return made

    def _array(self, schema: dict[str, Any], depth: int, number: int) -> list[Any]:
        first = schema.get("prefixItems") or []
        least = _whole_number(schema, "minItems", 0)
        usual = 0 if depth >= DEEP else 1
        items = schema.get("items", {})
        wanted = max(least, len(first), 0 if items is False else usual)
        wanted = min(wanted, _whole_number(schema, "maxItems", wanted), MOST_ITEMS)
        unique = schema.get("uniqueItems") is True
        made: list[Any] = []
        for index in range(wanted):
            if self._left <= 0:
                break
            part = first[index] if index < len(first) else items
            made.append(self.value(part, depth + 1, number + index if unique else number))
        return made

    def _is_write_only(self, part: Any) -> bool:
        part = self._references.follow(part)
        return part is False or (isinstance(part, dict) and part.get("writeOnly") is True)


def _join(made: dict[str, Any], part: dict[str, Any]) -> None:
    """Put a schema beside another one, so that both hold."""
    for key, value in part.items():
        if key not in made:
            made[key] = value
        elif key == "properties":
            both = dict(made[key])
            for name, each in value.items():
                both[name] = {"allOf": [both[name], each]} if name in both else each
            made[key] = both
        elif key == "required":
            made[key] = list(dict.fromkeys([*made[key], *value]))
        elif key == "enum":
            made[key] = [each for each in made[key] if each in value] or made[key]
        elif key == "items":
            made[key] = {"allOf": [made[key], value]}
        elif key in _HIGHEST:
            made[key] = max(made[key], value)
        elif key in _LOWEST:
            made[key] = min(made[key], value)


def _type_of(schema: dict[str, Any]) -> str:
    types = schema.get("type")
    if isinstance(types, list):
        types = next((each for each in types if each != "null"), "null")
    if isinstance(types, str):
        return types
    if any(key in schema for key in ("properties", "required", "additionalProperties", "minProperties")):
        return "object"
    if any(key in schema for key in ("items", "prefixItems", "minItems")):
        return "array"
    if any(key in schema for key in ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf")):
        return "number"
    return "string"


def _whole_number(schema: dict[str, Any], key: str, otherwise: int) -> int:
    value = schema.get(key)
    return int(value) if isinstance(value, int | float) else otherwise


def _integer(schema: dict[str, Any], number: int) -> int:
    step = schema.get("multipleOf")
    step = int(step) if isinstance(step, int | float) and step >= 1 and step == int(step) else 1
    lowest, highest = None, None
    if "minimum" in schema:
        lowest = math.ceil(schema["minimum"])
    if "exclusiveMinimum" in schema:
        above = math.floor(schema["exclusiveMinimum"]) + 1
        lowest = above if lowest is None else max(lowest, above)
    if "maximum" in schema:
        highest = math.floor(schema["maximum"])
    if "exclusiveMaximum" in schema:
        below = math.ceil(schema["exclusiveMaximum"]) - 1
        highest = below if highest is None else min(highest, below)
    if lowest is not None and lowest > 0:
        return -(-lowest // step) * step + number * step
    if highest is not None and highest < number * step:
        return highest // step * step - number * step
    return number * step


def _number(schema: dict[str, Any], number: int) -> float:
    lowest = max((schema[key] for key in ("minimum", "exclusiveMinimum") if key in schema), default=None)
    highest = min((schema[key] for key in ("maximum", "exclusiveMaximum") if key in schema), default=None)
    step = schema.get("multipleOf")
    if isinstance(step, int | float) and step > 0:
        times = 0 if lowest is None or lowest < 0 else math.ceil(lowest / step)
        if highest is not None and highest < 0:
            times = math.floor(highest / step)
        if times * step in (schema.get("exclusiveMinimum"), schema.get("exclusiveMaximum")):
            times += 1 if times >= 0 and highest != 0 else -1
        return (times + number) * step
    if lowest is not None and highest is not None:
        return lowest if lowest == highest else lowest + (highest - lowest) / (2 + number)
    if lowest is not None:
        return lowest + 1 + number
    if highest is not None:
        return highest - 1 - number
    return number


def _text(schema: dict[str, Any], number: int) -> str:
    format_ = schema.get("format")
    known = _FORMATS.get(format_) if isinstance(format_, str) else None
    if known is not None:
        return known
    made = f"{number}string" if number else "string"
    least = min(_whole_number(schema, "minLength", 0), LONGEST_TEXT)
    made = made.ljust(least, "x")
    return made[: _whole_number(schema, "maxLength", len(made))]
