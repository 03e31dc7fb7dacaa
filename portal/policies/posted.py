"""A policy's settings as its form is posted."""

from collections.abc import Mapping
from typing import Any

from gateway_runtime.schema.policy import PolicyDefinition
from portal.core.setting_forms.outline import outline
from portal.core.setting_forms.posted import as_posted
from portal.policies.when import PLACE


def form_data(definition: PolicyDefinition, config: Mapping[str, Any], mode: str = "enforce") -> dict[str, Any]:
    """Return a configuration as a browser would post it."""
    return {**as_posted(outline(definition.config), config), f"{PLACE}.mode": mode}
