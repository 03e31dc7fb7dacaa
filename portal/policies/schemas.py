"""The JSON Schema of every policy's settings, for the OpenAPI document and the catalogue."""

from typing import Any

from gateway_runtime.policies.registry import all_definitions
from gateway_runtime.schema.policy import PolicyDefinition
from portal.core.setting_forms.schemas import settings_schema


def config_schema(policy: PolicyDefinition) -> dict[str, Any]:
    """Return the schema of a policy's settings as one piece, without references."""
    return settings_schema(policy.config, secret=policy.secret_settings(), title=policy.title)


def any_config_schema() -> dict[str, Any]:
    """Return the schema of the settings of any policy there is."""
    return {"type": "object", "anyOf": [config_schema(policy) for policy in all_definitions()]}
