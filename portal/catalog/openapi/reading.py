"""From text to plain data: JSON or YAML, with everything bounded."""

import json
import math
import re
from typing import Any

from portal.catalog.openapi.faults import refuse
from portal.catalog.openapi.limits import LONGEST_NUMBER, MAX_BYTES, MAX_DEPTH, MAX_VALUES, too_deep, too_many
from portal.catalog.openapi.yaml_reading import read_yaml

# The closing quote is optional: a string without end is then skipped in one go instead of being tried at every quote.
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*+"?|[\[{\]},]', re.DOTALL)


def read(source: str | bytes) -> Any:
    """Return the document in `source`. Raises `SpecificationRefused`."""
    text = _text_of(source)
    if text.lstrip()[:1] in ("{", "["):
        return _read_json(text)
    if text.startswith("#%RAML"):
        raise refuse("not_openapi", "This is RAML. Convert it to OpenAPI 3.0 or 3.1 first.", line=1)
    return read_yaml(text)


def _text_of(source: str | bytes) -> str:
    if len(source) > MAX_BYTES or (isinstance(source, str) and len(source.encode()) > MAX_BYTES):
        raise refuse(
            "specification_too_large",
            f"The file is larger than {MAX_BYTES // 1024 // 1024} MB. Remove long examples or split the API.",
        )
    if isinstance(source, bytes):
        try:
            source = source.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise refuse("not_text", "The file is not UTF-8 text. Save it as UTF-8.") from error
    text = source.removeprefix("\ufeff")
    if not text.strip():
        raise refuse("specification_empty", "There is nothing in it. Give an OpenAPI document in YAML or JSON.")
    if "\x00" in text:
        raise refuse("not_text", "The file contains zero bytes, so it is not text. Save it as UTF-8.")
    return text


def _read_json(text: str) -> Any:
    _json_depth_check(text)

    def pairs(items: list[tuple[str, Any]]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key, value in items:
            if key in found:
                raise refuse("duplicate_key", f"The key “{key[:80]}” is there twice in one object. Remove one of them.")
            found[key] = value
        return found

    def number(literal: str) -> int:
        if len(literal) > LONGEST_NUMBER:
            raise refuse("number_too_long", f"The number {literal[:20]}… is too long. Write a shorter one.")
        return int(literal)

    def fraction(literal: str) -> float:
        value = float(literal)
        if not math.isfinite(value):
            raise refuse("number_too_long", f"The number {literal[:20]} is too large. Write a smaller one.")
        return value

    def constant(name: str) -> Any:
        raise refuse("not_json", f"{name} is not a JSON value. Write a number or null instead.")

    try:
        return json.loads(
            text, object_pairs_hook=pairs, parse_int=number, parse_float=fraction, parse_constant=constant
        )
    except json.JSONDecodeError as error:
        raise refuse(
            "not_json", f"This is not JSON: {error.msg} at column {error.colno}. Mend it there.", line=error.lineno
        ) from error
    except RecursionError as error:
        raise too_deep(None) from error


def _json_depth_check(text: str) -> None:
    """Refuse deep nesting before the parser recurses. Brackets inside strings do not count."""
    depth = values = 0
    for match in _TOKEN.finditer(text):
        found = match.group()
        if found in "[{":
            depth += 1
            if depth > MAX_DEPTH:
                raise too_deep(text.count("\n", 0, match.start()) + 1)
        elif found in "]}":
            depth -= 1
        elif found == ",":
            values += 1
            if values > MAX_VALUES:
                raise too_many()
