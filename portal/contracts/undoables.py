"""What of tiers and contracts can be taken back."""

from typing import Any

from portal.apis.models import ApiInstance
from portal.audit.undo import Thing, register, still_there
from portal.contracts.models import Contract, ContractStatus, SlaTier
from portal.contracts.services import (
    contract_restore,
    contract_revoke,
    tier_create,
    tier_delete,
    tier_update,
)


def _tier(tier: SlaTier) -> dict[str, Any]:
    names = ("name", "description", "limits", "approval")
    return {**{name: getattr(tier, name) for name in names}, "instance": tier.instance_id}


def _tier_again(actor: Any, state: dict[str, Any]) -> None:
    tier_create(actor=actor, **{**state, "instance": still_there(ApiInstance, state["instance"])})


def _tier_back(actor: Any, tier: SlaTier, state: dict[str, Any]) -> None:
    tier_update(actor=actor, tier=tier, **{name: value for name, value in state.items() if name != "instance"})


def _contract_back(actor: Any, contract: Contract, state: dict[str, Any]) -> None:
    decide = contract_restore if state["status"] == ContractStatus.ACTIVE else contract_revoke
    decide(actor=actor, contract=contract)


register(
    Thing(
        name="tier",
        permission="tier.change",
        argument="tier",
        model=SlaTier,
        state=_tier,
        create=_tier_again,
        change=_tier_back,
        remove=tier_delete,
    )
)
register(
    Thing(
        name="contract",
        permission="contract.approve",
        argument="contract",
        model=Contract,
        state=lambda contract: {"status": contract.status, "tier": contract.tier_id},
        change=_contract_back,
    )
)
