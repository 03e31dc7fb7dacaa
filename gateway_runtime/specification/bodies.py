"""The body of a request: which media types an operation takes, and whether a JSON one fits its schema."""

import json
from typing import Any

import msgspec

from gateway_runtime.json_names import are_all_kept
from gateway_runtime.specification.faults import SpecificationFault
from gateway_runtime.specification.media_types import bare, fits, is_json
from gateway_runtime.specification.references import References
from gateway_runtime.specification.schemas import Schemas, Validator
from gateway_runtime.specification.violation import (
    BODY_INVALID,
    BODY_MALFORMED,
    BODY_MISSING,
    TYPE_UNKNOWN,
    Violation,
    pointer,
)

# The validator goes into a value by the stack.
DEEPEST = 100
# Of values of `Content-Type` that are remembered.
_TYPES, _LONGEST_TYPE = 16, 100

MISSING = Violation(BODY_MISSING, "The request needs a body.")
UNKNOWN_TYPE = Violation(TYPE_UNKNOWN, "The specification does not have this “Content-Type” for the request.")
MALFORMED = Violation(BODY_MALFORMED, "The body is no valid JSON in UTF-8.")
TWICE = Violation(BODY_MALFORMED, "The body has an object in which a name is there twice.")
TOO_DEEP = Violation(BODY_INVALID, f"The body is nested deeper than {DEEPEST} levels.")

_decode = msgspec.json.Decoder().decode


class Body:
    """What an operation takes as its body."""

    __slots__ = ("_known", "_ranges", "required")

    def __init__(self, description: Any, references: References, schemas: Schemas) -> None:
        found = references.object(description, "A request body")
        content = found.get("content")
        if not isinstance(content, dict):
            raise SpecificationFault("A request body of the specification has no “content”.")
        self.required = found.get("required") is True
        # Precise types come before ranges. The validator is None where the schema says nothing or is not for JSON.
        self._ranges = sorted(
            (
                (bare(name), _validator(references.object(part, "A media type"), bare(name), schemas))
                for name, part in content.items()
            ),
            key=lambda each: each[0].count("*"),
        )
        # What came of the first few values of `Content-Type`: there are hardly ever more.
        self._known: dict[bytes, tuple[bool, Validator | None]] = {}

    def validator(self, content_type: bytes) -> tuple[bool, Validator | None]:
        """Return whether a type is taken, and the validator for what is in it."""
        found = self._known.get(content_type)
        if found is None:
            found = self._judged(bare(content_type.decode("latin-1")))
            if len(self._known) < _TYPES and len(content_type) <= _LONGEST_TYPE:
                self._known[content_type] = found
        return found

    def _judged(self, media_type: str) -> tuple[bool, Validator | None]:
        for range_, validator in self._ranges:
            if fits(media_type, range_):
                return True, validator if is_json(media_type) else None
        return False, None


def _validator(part: dict[str, Any], range_: str, schemas: Schemas) -> Validator | None:
    if "schema" not in part or not (is_json(range_) or "*" in range_):
        return None
    return schemas.validator(part["schema"])


def violation_of(body: bytes, validator: Validator) -> Violation | None:
    """Return in what way a JSON body does not fit its schema, None where it does."""
    try:
        value = _decode(body)
    except RecursionError:
        return TOO_DEEP
    except (ValueError, msgspec.MsgspecError):
        return MALFORMED
    if body.count(b"{") + body.count(b"[") > DEEPEST and _is_deep(value):
        return TOO_DEEP
    if not validator.is_valid(value):
        return _told(validator, value)
    if not are_all_kept(body, value) and _has_twice(body):
        return TWICE
    return None


def _told(validator: Validator, value: Any) -> Violation:
    error = validator.first_error(value)
    if error is None:
        return Violation(BODY_INVALID, "The body does not fit its schema.")
    place = pointer(error.instance_path)
    where = f"at “{place}” " if place else ""
    return Violation(BODY_INVALID, f"The body does not fit its schema {where}({error.kind.name}).")


def _is_deep(value: Any) -> bool:
    level = [value]
    for _ in range(DEEPEST):
        level = [
            each
            for container in level
            if type(container) is dict or type(container) is list
            for each in (container.values() if type(container) is dict else container)
        ]
        if not level:
            return False
    return any(type(each) is dict or type(each) is list for each in level)


def _has_twice(body: bytes) -> bool:
    """Tell whether a name is there twice in an object: this reader and that of the service could differ about it."""
    found = False

    def look(pairs: list[tuple[str, Any]]) -> None:
        nonlocal found
        found = found or len({name for name, _ in pairs}) != len(pairs)

    json.JSONDecoder(object_pairs_hook=look, parse_int=len, parse_float=len).decode(body.decode())
    return found
