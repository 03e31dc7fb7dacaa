"""A binding's settings: checked by the policy's own type, secrets kept apart, and never shown."""

import json
from typing import Any

from gateway_runtime.policies.registry import definition, read_config
from gateway_runtime.schema.faults import ConfigFault
from gateway_runtime.schema.policy import PolicyDefinition
from portal.core.errors import ApplicationError
from portal.core.setting_forms.outline import field_path
from portal.core.setting_forms.secrets import MASK, masked, split, with_kept
from portal.policies.models import AppliedPolicy


def policy_definition(name: str) -> PolicyDefinition:
    """Return a policy by name or alias. Raises `ApplicationError` with the nearest name."""
    try:
        return definition(name)
    except ConfigFault as fault:
        raise ApplicationError(fault.code, fault.message, fields={"policy": fault.message}) from fault


def settings_check(policy: PolicyDefinition, config: dict[str, Any]) -> None:
    """Raise `ApplicationError` with the sentence beside the very setting that is wrong."""
    try:
        read_config(policy, config)
    except ConfigFault as fault:
        name = f"config.{field_path(fault.path)}" if fault.path else "config"
        raise ApplicationError(fault.code, fault.message, fields={name: fault.message}) from fault


def secret_settings(binding: AppliedPolicy) -> dict[str, Any]:
    """Return the secret settings of a binding, decrypted. Never for a page, an answer or the audit trail."""
    secrets: dict[str, Any] = json.loads(binding.secrets)
    return secrets


def with_kept_secrets(policy: PolicyDefinition, config: dict[str, Any], kept: dict[str, Any]) -> dict[str, Any]:
    """Return the settings with each secret that was left empty, or sent back masked, as it was."""
    return with_kept(config, kept, policy.secret_settings())


def settings_set(policy: PolicyDefinition, applied: AppliedPolicy, config: dict[str, Any]) -> None:
    """Give an applied policy these settings and no other, except that secrets left empty are kept. Does not save.

    Raises `ApplicationError` with the sentence beside the very setting that is wrong.
    """
    config = with_kept_secrets(policy, config, secret_settings(applied))
    settings_check(policy, config)
    applied.config, secrets = split(config, policy.secret_settings())
    applied.secrets = json.dumps(secrets)


def masked_settings(binding: AppliedPolicy) -> dict[str, Any]:
    """Return the settings as they may be shown."""
    return masked(binding.config, secret_settings(binding))


def settings_masked(name: str, sent: Any) -> Any:
    """Return what was sent for a policy as it may be said back: nothing of it that is secret."""
    config = sent.get("config") if isinstance(sent, dict) else None
    if not isinstance(config, dict):
        return sent
    secret = policy_definition(name).secret_settings()
    return {**sent, "config": {key: MASK if key in secret and value else value for key, value in config.items()}}


def applied_state(binding: AppliedPolicy) -> dict[str, Any]:
    """Return what the audit trail keeps of an applied policy."""
    return {
        "policy": binding.policy,
        "order": binding.order,
        "mode": str(binding.mode),
        "config": masked_settings(binding),
    }


def mark_new_secrets(state: dict[str, Any], binding: AppliedPolicy, old: dict[str, Any]) -> None:
    """Let the audit trail see that a secret was changed, and not to what."""
    for name, value in secret_settings(binding).items():
        if old.get(name) != value:
            state["config"][name] = f"{state['config'][name]} (new)"


def policy_title(name: str) -> str:
    """Return a policy's title, or its name when there is no such policy any more."""
    try:
        return definition(name).title
    except ConfigFault:
        return name
