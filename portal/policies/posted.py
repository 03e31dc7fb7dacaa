"""A policy's configuration as a browser would post it."""

from collections.abc import Mapping
from typing import Any

from gateway_runtime.schema.policy import PolicyDefinition
from portal.core.setting_outline import outline
from portal.core.setting_posted import posted
from portal.policies.when import PLACE


def form_data(definition: PolicyDefinition, config: Mapping[str, Any], mode: str = "enforce") -> dict[str, Any]:
    """Return a configuration as a browser would post it."""
    return {**posted(outline(definition.config), config), f"{PLACE}.mode": mode}
