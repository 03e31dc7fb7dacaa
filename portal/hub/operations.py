"""The operations of a specification, flat and in order, for pages that work without script and for search."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from portal.hub.examples import media_example, resolved

METHODS = ("get", "post", "put", "patch", "delete", "head", "options", "trace")
MOST_OPERATIONS = 500
MOST_EXAMPLE_CHARACTERS = 4000


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """A value that a call carries in its path, query, headers or cookies."""

    name: str
    place: str
    required: bool
    description: str
    type: str
    example: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Body:
    """A request or response body with an example, as text."""

    media_type: str
    example: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One documented response."""

    status: str
    description: str
    body: Body | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One method on one path."""

    anchor: str
    name: str
    method: str
    path: str
    summary: str
    description: str
    tag: str
    deprecated: bool
    parameters: tuple[Parameter, ...]
    body: Body | None
    answers: tuple[Answer, ...]


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _written(value: Any, indent: int | None = None) -> str:
    """Return an example as people write it: text bare, everything else as JSON."""
    if value is None:
        return ""
    text = value if isinstance(value, str) else json.dumps(value, indent=indent, ensure_ascii=False, default=str)
    return text[:MOST_EXAMPLE_CHARACTERS]


def _type(document: Mapping[str, Any], parameter: Mapping[str, Any]) -> str:
    schema = resolved(document, parameter.get("schema"))
    kind = schema.get("type")
    kind = " or ".join(map(str, kind)) if isinstance(kind, list) else _text(kind)
    return f"{kind} ({_text(schema.get('format'))})" if kind and _text(schema.get("format")) else kind


def _parameters(document: Mapping[str, Any], shared: Any, own: Any) -> tuple[Parameter, ...]:
    found: dict[tuple[str, str], Parameter] = {}
    for raw in [*(shared if isinstance(shared, list) else []), *(own if isinstance(own, list) else [])]:
        parameter = resolved(document, raw)
        name, place = _text(parameter.get("name")), _text(parameter.get("in"))
        if name and place:
            found[name, place] = Parameter(
                name=name,
                place=place,
                required=bool(parameter.get("required")) or place == "path",
                description=_text(parameter.get("description")),
                type=_type(document, parameter),
                example=_written(media_example(document, parameter)),
            )
    return tuple(found.values())


def _body(document: Mapping[str, Any], content: Any) -> Body | None:
    content = _mapping(content)
    if not content:
        return None
    media_type = "application/json" if "application/json" in content else str(next(iter(content)))
    return Body(media_type=media_type, example=_written(media_example(document, content[media_type]), indent=2))


def _answers(document: Mapping[str, Any], responses: Any) -> tuple[Answer, ...]:
    return tuple(
        Answer(
            status=str(status),
            description=_text(response.get("description")),
            body=_body(document, response.get("content")),
        )
        for status, response in ((status, resolved(document, raw)) for status, raw in _mapping(responses).items())
    )


def operations_of(document: Any) -> list[Operation]:
    """Return the operations of a document in its own order. Parts that are not as they should be are left out."""
    document = _mapping(document)
    found: list[Operation] = []
    for path, raw in _mapping(document.get("paths")).items():
        item = resolved(document, raw)
        for method in METHODS:
            operation = item.get(method)
            if not isinstance(operation, dict) or len(found) >= MOST_OPERATIONS:
                continue
            tags = operation.get("tags")
            found.append(
                Operation(
                    anchor=f"operation-{len(found) + 1}",
                    name=_text(operation.get("operationId")),
                    method=method.upper(),
                    path=str(path),
                    summary=_text(operation.get("summary")),
                    description=_text(operation.get("description")),
                    tag=str(tags[0]) if isinstance(tags, list) and tags else "",
                    deprecated=bool(operation.get("deprecated")),
                    parameters=_parameters(document, item.get("parameters"), operation.get("parameters")),
                    body=_body(document, resolved(document, operation.get("requestBody")).get("content")),
                    answers=_answers(document, operation.get("responses")),
                )
            )
    return found
