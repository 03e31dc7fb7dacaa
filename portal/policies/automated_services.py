"""Applying policies to every API instance that matches. Each change is audited and goes to the gateways it concerns."""

from typing import Any

from django.db import transaction

from portal.apis.labels import Labels, labels_checked
from portal.audit.services import audit_record
from portal.audit.undo import undoable
from portal.core.errors import ApplicationError
from portal.gateways.signals import gateway_configuration_changed
from portal.organizations.models import Environment
from portal.policies.coverage import gateways_reached
from portal.policies.models import AutomatedPolicy
from portal.policies.modes import mode_set
from portal.policies.ordering import place_beside, put
from portal.policies.settings import (
    applied_state,
    mark_new_secrets,
    policy_definition,
    policy_title,
    secret_settings,
    settings_set,
)

_Config = dict[str, Any]


@undoable("automated_policy")
@transaction.atomic
def automated_policy_apply(
    *,
    actor: Any,
    environment: Environment,
    policy: str,
    config: _Config | None = None,
    selector: Labels | None = None,
    order: int | None = None,
    enabled: bool | None = None,
    mode: str | None = None,
) -> AutomatedPolicy:
    """Apply a policy to every instance of an environment that has the labels of `selector`; without any, to all."""
    known = policy_definition(policy)
    automated = AutomatedPolicy(
        environment=environment,
        policy=known.name,
        order=known.default_order if order is None else order,
    )
    settings_set(known, automated, config or {})
    automated.selector = labels_checked(selector or {}, "selector")
    mode_set(known, automated, mode=mode, enabled=enabled)
    _only_one(automated)
    automated.full_clean(exclude=["config"])
    automated.save()
    message = f"Applied {known.title} automatically in {environment.name}"
    _changed(actor, "automated_policy.apply", automated, message, after=_state(automated))
    return automated


@undoable("automated_policy")
@transaction.atomic
def automated_policy_update(
    *,
    actor: Any,
    automated: AutomatedPolicy,
    config: _Config | None = None,
    selector: Labels | None = None,
    order: int | None = None,
    enabled: bool | None = None,
    mode: str | None = None,
) -> AutomatedPolicy:
    """Change an automated policy. `config` replaces all settings, except that secrets left empty are kept."""
    automated = AutomatedPolicy.objects.select_for_update().select_related("environment").get(pk=automated.pk)
    known = policy_definition(automated.policy)
    before, old_secrets = _state(automated), secret_settings(automated)
    if config is not None:
        settings_set(known, automated, config)
    if selector is not None:
        automated.selector = labels_checked(selector, "selector")
    if order is not None:
        automated.order = order
    mode_set(known, automated, mode=mode, enabled=enabled)
    after = _state(automated)
    mark_new_secrets(after, automated, old_secrets)
    if before == after:
        return automated
    _only_one(automated)
    automated.full_clean(exclude=["config"])
    automated.save()
    message = f"Changed automated {known.title} in {automated.environment.name}"
    _changed(actor, "automated_policy.update", automated, message, before=before, after=after)
    return automated


@transaction.atomic
def automated_policy_enable(*, actor: Any, automated: AutomatedPolicy) -> AutomatedPolicy:
    """Let a policy that is off act again."""
    return automated_policy_update(actor=actor, automated=automated, enabled=True)


@transaction.atomic
def automated_policy_disable(*, actor: Any, automated: AutomatedPolicy) -> AutomatedPolicy:
    """Keep a policy and its settings. The instances' own ones of its kind act again."""
    return automated_policy_update(actor=actor, automated=automated, enabled=False)


@undoable("automated_policy")
@transaction.atomic
def automated_policy_remove(*, actor: Any, automated: AutomatedPolicy) -> None:
    """Take a policy away. The instances' own ones of its kind act again."""
    message = f"Removed automated {policy_title(automated.policy)} from {automated.environment.name}"
    _changed(actor, "automated_policy.remove", automated, message, before=_state(automated))
    automated.delete()


@transaction.atomic
def automated_policy_move(*, actor: Any, automated: AutomatedPolicy, earlier: bool) -> AutomatedPolicy:
    """Let a policy act one place earlier or later in its environment; at the end nothing happens."""
    position = place_beside(automated.environment.automated_policies.all(), automated, earlier=earlier)
    return (
        automated if position is None else automated_policy_place(actor=actor, automated=automated, position=position)
    )


@undoable("automated_policy_place")
@transaction.atomic
def automated_policy_place(*, actor: Any, automated: AutomatedPolicy, position: int) -> AutomatedPolicy:
    """Put a policy at a place among those of its environment, counted from 0. What is beyond an end means the end.

    Raises `ApplicationError` for CORS, which cannot be moved.
    """
    Environment.objects.select_for_update().get(pk=automated.environment_id)
    was = _state(automated)
    if put(automated.environment.automated_policies.all(), automated, position):
        message = f"Moved automated {policy_title(automated.policy)} in {automated.environment.name}"
        _changed(actor, "automated_policy.move", automated, message, before=was, after=_state(automated))
    return automated


def _only_one(automated: AutomatedPolicy) -> None:
    """Raise where the very same instances are selected for the same policy already."""
    # Locked, so that two people who apply at once cannot both pass.
    Environment.objects.select_for_update().get(pk=automated.environment_id)
    others = AutomatedPolicy.objects.filter(
        environment=automated.environment_id, policy=automated.policy, shadow=automated.shadow
    ).exclude(pk=automated.pk)
    if any(other.selector == automated.selector for other in others):
        sentence = (
            f"{policy_title(automated.policy)} is already applied to these API instances. Edit it, or choose others."
        )
        raise ApplicationError("policy_already_applied", sentence, fields={"selector": sentence}, status=409)


def _state(automated: AutomatedPolicy) -> _Config:
    return {**applied_state(automated), "selector": dict(automated.selector)}


def _changed(
    actor: Any,
    action: str,
    automated: AutomatedPolicy,
    message: str,
    *,
    before: _Config | None = None,
    after: _Config | None = None,
) -> None:
    """Record the change and ask for one new revision of each gateway that has, or had, an instance under it."""
    audit_record(actor=actor, action=action, target=automated, message=message, before=before, after=after)
    selectors = [state["selector"] for state in (before, after) if state is not None]
    for gateway in gateways_reached(automated.environment_id, selectors):
        gateway_configuration_changed(gateway=gateway, actor=actor, message=message)
