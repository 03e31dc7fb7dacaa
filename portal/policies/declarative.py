"""An applied policy as a declarative file: what a gateway without a portal is given for the same effect."""

import re
from collections.abc import Mapping
from typing import Any

import msgspec

from gateway_runtime.policies.registry import SUFFIX
from gateway_runtime.schema.mode import Mode
from portal.policies.file_variables import literal, variable_named
from portal.policies.file_yaml import yaml_of
from portal.policies.models import AppliedPolicy, AutomatedPolicy, PolicyBinding
from portal.policies.settings import secret_settings

API_VERSION = "gateway.mulesoft.com/v1alpha1"


def binding_resource(binding: PolicyBinding) -> dict[str, Any]:
    """Return a binding as a `PolicyBinding` resource."""
    target = {"name": _name(str(binding.instance))}
    return _resource(binding, f"{target['name']}-{binding.policy}", target, binding.rules)


def automated_resource(automated: AutomatedPolicy) -> dict[str, Any]:
    """Return an automated policy as a `PolicyBinding` resource with a selector."""
    selector = {"kind": "ApiInstance", **({"labels": automated.selector} if automated.selector else {})}
    return _resource(automated, f"all-{automated.policy}", {"kind": "Selector", "selector": selector})


def binding_file(binding: PolicyBinding) -> str:
    """Return a binding as YAML. Secrets are names of environment variables."""
    return yaml_of([binding_resource(binding)])


def automated_file(automated: AutomatedPolicy) -> str:
    """Return an automated policy as YAML. Secrets are names of environment variables."""
    return yaml_of([automated_resource(automated)])


def binding_json(binding: PolicyBinding) -> str:
    """Return the same resource as JSON."""
    return msgspec.json.format(msgspec.json.encode(binding_resource(binding)), indent=2).decode()


def _resource(
    applied: AppliedPolicy, name: str, target: Mapping[str, Any], rules: list[dict[str, Any]] | None = None
) -> dict[str, Any]:
    variables = {name: f"${variable_named(applied.policy, name)}" for name in secret_settings(applied)}
    config = {**literal(applied.config), **variables}
    mode = {} if applied.mode is Mode.ENFORCE else {"mode": str(applied.mode)}
    return {
        "apiVersion": API_VERSION,
        "kind": "PolicyBinding",
        "metadata": {"name": name},
        "spec": {
            "targetRef": dict(target),
            "policyRef": {"name": f"{applied.policy}{SUFFIX}"},
            "order": applied.order,
            **mode,
            **({"rules": literal(rules)} if rules else {}),
            **({"config": config} if config else {}),
        },
    }


def _name(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-") or "api"
