"""SLA tiers of an API instance."""

from typing import Any

from django.db import transaction

from portal.apis.models import ApiInstance
from portal.audit.services import audit_record
from portal.audit.undo import undoable
from portal.contracts.limits import limits_checked
from portal.contracts.models import Approval, ContractStatus, SlaTier
from portal.core.errors import ApplicationError
from portal.gateways.signals import gateway_configuration_changed


def _described(tier: SlaTier) -> dict[str, Any]:
    return {"name": tier.name, "description": tier.description, "limits": tier.limits, "approval": tier.approval}


def _audit(tier: SlaTier, *, actor: Any, action: str, before: dict[str, Any], after: dict[str, Any]) -> None:
    audit_record(
        actor=actor,
        action=f"tier.{action}",
        target=tier,
        before=before,
        after=after,
    )


def _check_name(*, instance: ApiInstance, name: str, except_pk: Any = None) -> None:
    if instance.tiers.filter(name=name).exclude(pk=except_pk).exists():
        message = f"This instance already has a tier named {name}. Choose another name."
        raise ApplicationError("tier_name_taken", message, fields={"name": message})


@undoable("tier")
@transaction.atomic
def tier_create(
    *,
    actor: Any,
    instance: ApiInstance,
    name: str,
    limits: Any,
    description: str = "",
    approval: str = Approval.MANUAL,
) -> SlaTier:
    """Offer a tier on an instance. Nothing reaches the gateway before the first contract under it."""
    _check_name(instance=instance, name=name)
    tier = SlaTier(
        instance=instance, name=name, description=description, limits=limits_checked(limits), approval=approval
    )
    tier.full_clean(exclude=["limits"])
    tier.save()
    _audit(tier, actor=actor, action="create", before={}, after=_described(tier))
    return tier


@undoable("tier")
@transaction.atomic
def tier_update(
    *, actor: Any, tier: SlaTier, name: str, limits: Any, description: str = "", approval: str = Approval.MANUAL
) -> SlaTier:
    """Change a tier. New limits act at once on the contracts that have it; waiting requests keep waiting."""
    before = _described(SlaTier.objects.get(pk=tier.pk))
    _check_name(instance=tier.instance, name=name, except_pk=tier.pk)
    tier.name, tier.description, tier.approval = name, description, approval
    tier.limits = limits_checked(limits)
    tier.full_clean(exclude=["limits"])
    tier.save()
    after = _described(tier)
    _audit(tier, actor=actor, action="update", before=before, after=after)
    enforced_changed = (before["name"], before["limits"]) != (after["name"], after["limits"])
    if enforced_changed and tier.contracts.filter(status=ContractStatus.ACTIVE).exists():
        gateway_configuration_changed(
            gateway=tier.instance.gateway, actor=actor, message=f"Tier {tier} changed", waits=False
        )
    return tier


@undoable("tier")
@transaction.atomic
def tier_delete(*, actor: Any, tier: SlaTier) -> None:
    """Withdraw a tier that no contract uses."""
    count = tier.contracts.count()
    if count:
        have = "contract has" if count == 1 else "contracts have"
        raise ApplicationError(
            "tier_in_use",
            f"{count} {have} the tier {tier.name}. Delete {'it' if count == 1 else 'them'} first.",
            status=409,
        )
    _audit(tier, actor=actor, action="delete", before=_described(tier), after={})
    tier.delete()
