"""What the page of an API instance shows of tiers and contracts."""

from typing import Any

from django.db.models import Count
from django.http import HttpRequest

from portal.contracts.limits import limit_in_words
from portal.contracts.models import Contract, ContractStatus, SlaTier

SHOWN = 10


def tiers_panel(request: HttpRequest, instance: Any) -> dict[str, Any]:
    """Return the tiers of an instance with their limits in words and how many contracts have them."""
    tiers = (
        SlaTier.objects.visible_to(request.user, "contract.view")
        .filter(instance=instance)
        .annotate(contract_count=Count("contracts"))
    )
    return {"tiers": [(tier, [limit_in_words(limit) for limit in tier.limits]) for tier in tiers]}


def contracts_panel(request: HttpRequest, instance: Any) -> dict[str, Any]:
    """Return the contracts of an instance, waiting ones first."""
    contracts = (
        Contract.objects.visible_to(request.user, "contract.view")
        .filter(instance=instance)
        .select_related("application__owner", "tier", "instance__environment__organization")
    )
    waiting = list(contracts.filter(status=ContractStatus.PENDING)[:SHOWN])
    others = list(contracts.exclude(status=ContractStatus.PENDING)[: SHOWN - len(waiting)])
    return {"contracts": waiting + others, "count": contracts.count()}
