"""A process of its own: reads a document as JSON on standard input, writes its faults as JSON on standard output.

`[{"path": ["paths", "/orders"], "message": "…"}]`; run as `python -m portal.catalog.openapi.validation`.
"""

import json
import resource
import sys
from collections.abc import Iterable, Mapping
from itertools import islice
from typing import Any

from jsonschema.exceptions import ValidationError, best_match
from openapi_spec_validator import OpenAPIV30SpecValidator, OpenAPIV31SpecValidator
from openapi_spec_validator.validation.exceptions import DuplicateOperationIDError, UnresolvableParameterError
from openapi_spec_validator.validation.keywords import OpenAPIV30SchemaValidator, OpenAPIV31SchemaValidator

FAULTS = 20
MEMORY_BYTES = 1024 * 1024 * 1024
_KINDS = {
    "object": "an object",
    "array": "a list",
    "string": "text",
    "boolean": "true or false",
    "integer": "a whole number",
    "number": "a number",
    "null": "null",
}


class _Schemas30(OpenAPIV30SchemaValidator):
    """Names schema faults by their place in the document instead of in the schema."""

    def _validate_schema_meta(self, schema: Any, schema_value: Any) -> Any:
        return _placed(super()._validate_schema_meta(schema, schema_value), schema.parts)


class _Schemas31(OpenAPIV31SchemaValidator):
    """Names schema faults by their place in the document instead of in the schema."""

    def _validate_schema_meta(self, schema: Any, schema_value: Any) -> Any:
        return _placed(super()._validate_schema_meta(schema, schema_value), schema.parts)


class _Local30(OpenAPIV30SpecValidator):
    """Never opens a file or an address."""

    resolver_handlers: dict[str, Any] = {}
    keyword_validators = {**OpenAPIV30SpecValidator.keyword_validators, "schema": _Schemas30}


class _Local31(OpenAPIV31SpecValidator):
    """Never opens a file or an address."""

    resolver_handlers: dict[str, Any] = {}
    keyword_validators = {**OpenAPIV31SpecValidator.keyword_validators, "schema": _Schemas31}


def faults_of(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the first faults of an OpenAPI document."""
    validator = (_Local30 if str(document.get("openapi", "")).startswith("3.0") else _Local31)(document)
    try:
        described = [_described(error) for error in islice(validator.iter_errors(), FAULTS)]
    except (RecursionError, MemoryError):
        raise
    except Exception as error:
        # The validator itself stumbled over the document, so its own words are all there is to say.
        text = str(error).splitlines() or [type(error).__name__]
        return [{"path": [], "message": f"It cannot be checked: {_short(text[0])}. Mend the part this names."}]
    # The schema of the whole document and that of a part often find the same thing.
    first = {json.dumps(fault["path"] or fault["message"]): fault for fault in reversed(described)}
    return list(reversed(first.values()))


def _placed(error: Any, parts: Iterable[str | int]) -> Any:
    if error is not None:
        error.relative_path.extendleft(reversed(list(parts)))
    return error


def _described(error: ValidationError) -> dict[str, Any]:
    path = list(error.absolute_path)
    while error.context and error.validator in ("oneOf", "anyOf", "if", "then", "else", "$dynamicRef"):
        inner = _nearest(error)
        if inner is None:
            break
        error, path = inner, list(inner.absolute_path)
    return {"path": [step if isinstance(step, int) else str(step) for step in path], "message": _sentence(error)}


def _nearest(error: ValidationError) -> ValidationError | None:
    """Return what is wrong with the alternative that was most likely meant: never the one for a reference."""
    meant = [inner for inner in error.context or [] if "$ref" not in _named(inner)]
    deepest = max((len(inner.absolute_path) for inner in meant), default=0)
    meant = [inner for inner in meant if len(inner.absolute_path) == deepest]
    if meant and all(inner.validator == "enum" for inner in meant):
        # Alternatives that differ in one value only: say all values that are possible.
        meant[0].validator_value = [value for inner in meant for value in inner.validator_value]
        return meant[0]
    return best_match(meant) if meant else None


def _named(error: ValidationError) -> Iterable[str]:
    return error.validator_value if error.validator == "required" else ()


def _sentence(error: ValidationError) -> str:
    """Say what is wrong and how to mend it, in words of the document instead of those of JSON Schema."""
    rule, value, found = error.validator, error.validator_value, error.instance
    if isinstance(error, UnresolvableParameterError):
        return f"{error.message.rstrip('.')}. Declare it under “parameters” with “in: path”."
    if isinstance(error, DuplicateOperationIDError):
        return f"{error.message.rstrip('.')}. Give every operation an id of its own."
    if rule == "required":
        missing = [f"“{name}”" for name in value if isinstance(found, Mapping) and name not in found]
        return f"{' and '.join(missing) or 'A required key'} is missing. Add it here."
    if rule in ("additionalProperties", "unevaluatedProperties"):
        names = error.message.split("'")[1::2] or ["?"]
        if list(error.absolute_path) == ["paths"]:
            return f"The path “{_short(names[0])}” must begin with “/”. Change it."
        return f"“{_short(names[0])}” does not belong here. Remove it, or begin its name with “x-”."
    if rule == "type":
        kinds = [_KINDS.get(kind, kind) for kind in ([value] if isinstance(value, str) else value)]
        return f"“{_short(found)}” must be {' or '.join(kinds)}. Change it."
    if rule == "enum":
        return f"“{_short(found)}” is not allowed here. Use one of {', '.join(map(str, value))[:200]}."
    if rule == "const":
        return f"“{_short(found)}” must be “{value}”. Change it."
    if rule == "pattern":
        return f"“{_short(found)}” does not have the form {value}. Change it."
    if rule == "format":
        return f"“{_short(found)}” is not a valid {value}. Change it."
    if rule in ("minProperties", "minItems", "minLength"):
        return f"There must be at least {value} here. Add one or remove the key."
    text = error.message.replace("\n", " ")
    return f"{_short(text, 200).rstrip('.')}. Mend it here."


def _short(value: Any, length: int = 80) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= length else f"{text[: length - 1]}…"


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    json.dump(faults_of(json.load(sys.stdin)), sys.stdout)
