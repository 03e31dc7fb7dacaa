"""Applying policies to API instances. Each change is audited without secrets and goes to the gateway."""

from typing import Any

from django.db import transaction

from portal.apis.models import ApiInstance
from portal.apis.rules import Rules
from portal.audit.services import audit_record
from portal.audit.undo import undoable
from portal.core.errors import ApplicationError
from portal.gateways.signals import gateway_configuration_changed
from portal.policies.models import PolicyBinding
from portal.policies.modes import mode_set
from portal.policies.rules import binding_rules_checked
from portal.policies.settings import (
    applied_state,
    mark_new_secrets,
    policy_definition,
    policy_title,
    secret_settings,
    settings_set,
)

_Config = dict[str, Any]


@undoable("policy")
@transaction.atomic
def policy_apply(
    *,
    actor: Any,
    instance: ApiInstance,
    policy: str,
    config: _Config | None = None,
    order: int | None = None,
    enabled: bool | None = None,
    mode: str | None = None,
    rules: Rules | None = None,
) -> PolicyBinding:
    """Apply a policy to an API instance. `mode` is `enforce`, `shadow` or `off`; `enabled` says less of the same."""
    known = policy_definition(policy)
    binding = PolicyBinding(
        instance=instance,
        policy=known.name,
        order=known.default_order if order is None else order,
    )
    settings_set(known, binding, config or {})
    binding.rules = binding_rules_checked(known, rules or [])
    # The row lock keeps two people from applying the same policy at once.
    ApiInstance.objects.select_for_update().get(pk=instance.pk)
    if instance.policies.filter(policy=known.name).exists():
        sentence = f"{known.title} is already applied to {instance}. Edit it instead."
        raise ApplicationError("policy_already_applied", sentence, fields={"policy": sentence}, status=409)
    mode_set(known, binding, mode=mode, enabled=enabled)
    # The settings are checked above; none at all is right for a policy whose settings all have defaults.
    binding.full_clean(exclude=["config"])
    binding.save()
    binding_changed(actor, "policy.apply", binding, f"Applied {known.title} to {instance}", after=_state(binding))
    return binding


@undoable("policy")
@transaction.atomic
def policy_update(
    *,
    actor: Any,
    binding: PolicyBinding,
    config: _Config | None = None,
    order: int | None = None,
    enabled: bool | None = None,
    mode: str | None = None,
    rules: Rules | None = None,
) -> PolicyBinding:
    """Change a binding. `config` replaces all settings, except that secrets left empty are kept."""
    binding = PolicyBinding.objects.select_for_update().select_related("instance").get(pk=binding.pk)
    known = policy_definition(binding.policy)
    before, old_secrets = _state(binding), secret_settings(binding)
    if config is not None:
        settings_set(known, binding, config)
    if order is not None:
        binding.order = order
    mode_set(known, binding, mode=mode, enabled=enabled)
    if rules is not None:
        binding.rules = binding_rules_checked(known, rules)
    after = _state(binding)
    mark_new_secrets(after, binding, old_secrets)
    if before == after:
        return binding
    binding.full_clean(exclude=["config"])
    binding.save()
    binding_changed(
        actor, "policy.update", binding, f"Changed {known.title} of {binding.instance}", before=before, after=after
    )
    return binding


@undoable("policy")
@transaction.atomic
def policy_enable(*, actor: Any, binding: PolicyBinding) -> PolicyBinding:
    """Let a disabled policy act again."""
    return _switch(actor, binding, enabled=True)


@undoable("policy")
@transaction.atomic
def policy_disable(*, actor: Any, binding: PolicyBinding) -> PolicyBinding:
    """Keep a policy and its settings, but let requests pass it by."""
    return _switch(actor, binding, enabled=False)


def _switch(actor: Any, binding: PolicyBinding, *, enabled: bool) -> PolicyBinding:
    if binding.enabled == enabled:
        return binding
    before = {"enabled": binding.enabled}
    binding.enabled = enabled
    binding.save(update_fields=["enabled", "updated_at"])
    word = "Enabled" if enabled else "Disabled"
    action = "policy.enable" if enabled else "policy.disable"
    message = f"{word} {policy_title(binding.policy)} of {binding.instance}"
    binding_changed(actor, action, binding, message, before=before, after={"enabled": enabled})
    return binding


@undoable("policy")
@transaction.atomic
def policy_remove(*, actor: Any, binding: PolicyBinding) -> None:
    """Take a policy and its settings away."""
    message = f"Removed {policy_title(binding.policy)} from {binding.instance}"
    binding_changed(actor, "policy.remove", binding, message, before=_state(binding))
    binding.delete()


def _state(binding: PolicyBinding) -> _Config:
    return {**applied_state(binding), "rules": list(binding.rules)}


def binding_changed(
    actor: Any,
    action: str,
    binding: PolicyBinding,
    message: str,
    *,
    before: _Config | None = None,
    after: _Config | None = None,
) -> None:
    """Record a change of a binding and ask for a new revision of its gateway."""
    audit_record(
        actor=actor,
        action=action,
        target=binding,
        message=message,
        before=before,
        after=after,
    )
    gateway_configuration_changed(gateway=binding.instance.gateway, actor=actor, message=message)
