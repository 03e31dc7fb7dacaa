"""Small OpenAPI documents for tests."""

import json
from typing import Any

from gateway_runtime.specification.compiled import Specification
from gateway_runtime.specification.operations import Operation


def document(paths: dict[str, Any], version: str = "3.0.3", **more: Any) -> str:
    """Return a document with these paths."""
    return json.dumps({"openapi": version, "info": {"title": "T", "version": "1"}, "paths": paths, **more})


def operation(described: dict[str, Any], path: str = "/", version: str = "3.0.3", **more: Any) -> Operation:
    """Return one compiled operation, a POST."""
    described = {"responses": {"200": {"description": "Done"}}, **described}
    return Specification(document({path: {"post": described}}, version, **more)).operations[0][b"POST"]


def with_body(schema: Any, version: str = "3.0.3", **schemas: Any) -> Operation:
    """Return an operation that takes JSON of a schema; further schemas are its components."""
    described = {"requestBody": {"content": {"application/json": {"schema": schema}}}}
    return operation(described, version=version, components={"schemas": schemas})


def fits(schema: Any, value: Any, version: str = "3.0.3", **schemas: Any) -> bool:
    """Tell whether a value is taken as the body of an operation with this schema."""
    found = with_body(schema, version, **schemas)
    wrong, validator = found.body_claim([(b"content-type", b"application/json")], -1)
    assert wrong is None
    body = value if isinstance(value, bytes) else json.dumps(value).encode()
    return found.body_violation(body, validator) is None
