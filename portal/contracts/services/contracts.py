"""Contracts: asking for access, and deciding on it."""

from collections.abc import Callable
from typing import Any

from django.db import IntegrityError, transaction

from portal.apis.models import ApiInstance
from portal.audit.services import audit_record
from portal.audit.undo import undoable
from portal.contracts.emails import contract_decided_mail, contract_requested_mail, contract_withdrawn_mail
from portal.contracts.models import Approval, ClientApplication, Contract, ContractStatus, SlaTier
from portal.contracts.selectors import instances_offered_to
from portal.core.errors import ApplicationError
from portal.gateways.signals import gateway_configuration_changed

ACTIVE, PENDING = ContractStatus.ACTIVE, ContractStatus.PENDING
REJECTED, REVOKED = ContractStatus.REJECTED, ContractStatus.REVOKED

# Action: the states it starts from, and the one it leads to (None: the contract is gone).
TRANSITIONS: dict[str, tuple[frozenset[ContractStatus], ContractStatus | None]] = {
    "approve": (frozenset({PENDING}), ACTIVE),
    "reject": (frozenset({PENDING}), REJECTED),
    "revoke": (frozenset({ACTIVE}), REVOKED),
    "restore": (frozenset({REVOKED}), ACTIVE),
    "delete": (frozenset({PENDING, REJECTED, REVOKED}), None),
}
# Actions that give access: never to one's own application.
GRANTS = frozenset({"approve", "restore"})


def transitions_from(status: str) -> list[str]:
    """Return the names of the actions possible in a state."""
    return [action for action, (starts, _) in TRANSITIONS.items() if status in starts]


def _audit(contract: Contract, *, actor: Any, action: str, before: str = "", after: str = "") -> None:
    audit_record(
        actor=actor,
        action=f"contract.{action}",
        target=contract,
        before={"status": before} if before else {},
        after={"status": after, "tier": str(contract.tier or "")} if after else {},
    )


def _check_request(*, application: ClientApplication, instance: ApiInstance, tier: SlaTier | None, actor: Any) -> None:
    if application.owner_id != actor.pk:
        raise ApplicationError("application_not_yours", "Only the owner of an application can ask access for it.")
    if not instances_offered_to(actor).filter(pk=instance.pk).exists():
        message = "This API is not offered to you, or it is stopped. Choose another instance."
        raise ApplicationError("instance_not_offered", message, fields={"instance": message})
    if instance.deprecated:
        message = "This API instance is deprecated and takes no new applications. Choose a newer one."
        raise ApplicationError("instance_deprecated", message, fields={"instance": message})
    if tier is not None and tier.instance_id != instance.pk:
        message = "This tier belongs to another API instance. Choose one of this instance."
        raise ApplicationError("tier_of_other_instance", message, fields={"tier": message})
    if tier is None and instance.tiers.exists():
        raise ApplicationError("tier_required", "Choose a tier.", fields={"tier": "Choose a tier."})


@transaction.atomic
def contract_request(
    *, actor: Any, application: ClientApplication, instance: ApiInstance, tier: SlaTier | None = None
) -> Contract:
    """Ask access to an instance. Without tiers or with an automatic one it is active at once.

    A rejected contract may be requested again; a revoked one only comes back when the provider restores it.
    """
    _check_request(application=application, instance=instance, tier=tier, actor=actor)
    contract = (
        Contract.objects.select_for_update(of=("self",)).filter(application=application, instance=instance).first()
    )
    if contract is not None and contract.status != REJECTED:
        message = f"{application.name} already has a contract for this API. It is {contract.status}."
        raise ApplicationError("contract_exists", message, fields={"application": message}, status=409)
    before = contract.status if contract is not None else ""
    contract = contract or Contract(application=application, instance=instance)
    contract.tier = tier
    contract.status = ACTIVE if tier is None or tier.approval == Approval.AUTOMATIC else PENDING
    contract.full_clean(validate_constraints=False)
    try:
        with transaction.atomic():
            contract.save()
    except IntegrityError as error:
        raise ApplicationError(
            "contract_exists", f"{application.name} already has a contract for this API.", status=409
        ) from error
    _audit(contract, actor=actor, action="request", before=before, after=contract.status)
    _republish(contract, actor=actor, action="granted" if contract.status == ACTIVE else "requested")
    contract_requested_mail(contract)
    return contract


def _republish(contract: Contract, *, actor: Any, action: str) -> None:
    message = f"Contract {action}: {contract}"
    gateway_configuration_changed(gateway=contract.instance.gateway, actor=actor, message=message, waits=False)


def _decide(contract: Contract, *, actor: Any, action: str) -> Contract:
    # Read again under a lock: two people may press two buttons at once.
    contract = Contract.objects.select_for_update(of=("self",)).get(pk=contract.pk)
    starts, result = TRANSITIONS[action]
    if contract.status not in starts:
        allowed = " or ".join(sorted(starts))
        raise ApplicationError(
            f"contract_not_{'_or_'.join(sorted(starts))}",
            f"This contract is {contract.status}. To {action} it, it must be {allowed}.",
            status=409,
        )
    # Without a revoked contract, a new request may be granted at once.
    grants = action in GRANTS or (action == "delete" and contract.status == REVOKED)
    if grants and contract.application.owner_id == actor.pk:
        raise ApplicationError(
            "own_application", "You cannot approve access for your own application. Ask a colleague.", status=403
        )
    before = contract.status
    _audit(contract, actor=actor, action=action, before=before, after=result or "")
    if result is None:
        _republish(contract, actor=actor, action="deleted")
        contract_decided_mail(contract, action)
        contract.delete()
        return contract
    contract.status = result
    contract.full_clean(validate_constraints=False)
    contract.save()
    if ACTIVE in (before, result):
        _republish(contract, actor=actor, action=result)
    contract_decided_mail(contract, action)
    return contract


@transaction.atomic
def contract_approve(*, actor: Any, contract: Contract) -> Contract:
    """Activate a pending contract and bring it to the gateway."""
    return _decide(contract, actor=actor, action="approve")


@transaction.atomic
def contract_reject(*, actor: Any, contract: Contract) -> Contract:
    """Answer a pending contract with no. The developer may ask again."""
    return _decide(contract, actor=actor, action="reject")


@undoable("contract")
@transaction.atomic
def contract_revoke(*, actor: Any, contract: Contract) -> Contract:
    """Take access away from an active contract, from the next revision on."""
    return _decide(contract, actor=actor, action="revoke")


@undoable("contract")
@transaction.atomic
def contract_restore(*, actor: Any, contract: Contract) -> Contract:
    """Give a revoked contract its access back."""
    return _decide(contract, actor=actor, action="restore")


@transaction.atomic
def contract_delete(*, actor: Any, contract: Contract) -> None:
    """Remove a contract that gives no access. An active one must be revoked first: tidying cuts no traffic."""
    _decide(contract, actor=actor, action="delete")


@transaction.atomic
def contract_withdraw(*, actor: Any, contract: Contract) -> None:
    """Take back a request of one's own that nobody has decided on. Those who were asked are told."""
    contract = Contract.objects.select_for_update(of=("self",)).get(pk=contract.pk)
    if contract.application.owner_id != actor.pk:
        raise ApplicationError("application_not_yours", "Only the owner of an application takes its request back.")
    if contract.status != PENDING:
        raise ApplicationError(
            "contract_not_pending", f"This request is {contract.status}: there is nothing to take back.", status=409
        )
    _audit(contract, actor=actor, action="withdraw", before=contract.status)
    _republish(contract, actor=actor, action="withdrawn")
    contract_withdrawn_mail(contract)
    contract.delete()


DECISIONS: dict[str, Callable[..., Contract | None]] = {
    "approve": contract_approve,
    "reject": contract_reject,
    "revoke": contract_revoke,
    "restore": contract_restore,
    "delete": contract_delete,
}
