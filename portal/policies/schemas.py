"""The JSON Schema of every policy's settings, for the OpenAPI document and the catalogue."""

from typing import Any

import msgspec

from gateway_runtime.policies.registry import all_definitions
from gateway_runtime.schema.policy import PolicyDefinition

_REF = "#/$defs/"


def config_schema(policy: PolicyDefinition) -> dict[str, Any]:
    """Return the schema of a policy's settings as one piece, without references."""
    schema = msgspec.json.schema(policy.config)
    parts = schema.pop("$defs", {})
    inlined: dict[str, Any] = _inlined(schema, parts)
    for name in policy.secret_settings():
        inlined["properties"][name]["writeOnly"] = True
    return {**inlined, "title": policy.title}


def any_config_schema() -> dict[str, Any]:
    """Return the schema of the settings of any policy there is."""
    return {"type": "object", "anyOf": [config_schema(policy) for policy in all_definitions()]}


def _inlined(schema: Any, parts: dict[str, Any]) -> Any:
    if isinstance(schema, list):
        return [_inlined(item, parts) for item in schema]
    if not isinstance(schema, dict):
        return schema
    rest = {name: _inlined(value, parts) for name, value in schema.items() if name != "$ref"}
    reference = schema.get("$ref")
    return {**_inlined(parts[reference.removeprefix(_REF)], parts), **rest} if reference else rest
