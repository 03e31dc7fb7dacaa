"""Who may call what on a gateway, and under which tiers: a gateway may have ten thousand contracts."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from django.db.models import Q
from django.utils import timezone

from gateway_runtime.schema import document as schema
from portal.apis.models import InstanceStatus
from portal.contracts.limits import CALENDAR_PERIOD, MAXIMUM_REQUESTS, TIME_PERIOD
from portal.contracts.models import ClientApplication, Contract, ContractStatus, Credential, SlaTier
from portal.core.rows import id_text, raw_rows
from portal.gateways.models import Gateway

Clients = tuple[list[schema.Consumer], list[schema.Contract], list[schema.Tier]]


def clients_of(gateway: Gateway, retired: Sequence[Any] = ()) -> Clients:
    """Return who may call what on `gateway` at this moment; `retired` are instances that are served though not active.

    Applications whose contracts wait or were revoked are there too, without a contract: so a gateway can tell “not
    (yet) allowed” from “unknown”.
    """
    served = Q(instance__status=InstanceStatus.ACTIVE)
    if retired:
        served |= Q(instance__in=retired)
    asked = Contract.objects.filter(served, instance__gateway=gateway)
    active = asked.filter(status=ContractStatus.ACTIVE).order_by("instance_id", "application_id", "pk")
    contracts = [
        schema.Contract(api=id_text(api), consumer=id_text(consumer), tier=id_text(tier))
        for api, consumer, tier in raw_rows(active.values_list("instance_id", "application_id", "tier_id"))
    ]
    return _consumers(asked), contracts, _tiers(active)


def _consumers(asked: Any) -> list[schema.Consumer]:
    applications = asked.order_by().values("application")
    unexpired = Credential.objects.filter(Q(expires_at=None) | Q(expires_at__gt=timezone.now()))
    secrets: dict[Any, list[str]] = defaultdict(list)
    for application, digest in raw_rows(
        unexpired.filter(application__in=applications).order_by("pk").values_list("application_id", "digest")
    ):
        secrets[application].append(digest)
    found = ClientApplication.objects.filter(pk__in=applications).order_by("pk")
    return [
        schema.Consumer(id=id_text(pk), name=name, client_id=client_id, secrets=secrets.get(pk, []))
        for pk, name, client_id in raw_rows(found.values_list("pk", "name", "client_id"))
    ]


def _tiers(active: Any) -> list[schema.Tier]:
    tiers = SlaTier.objects.filter(pk__in=active.order_by().values("tier")).order_by("pk")
    return [
        schema.Tier(
            id=str(pk),
            name=name,
            limits=[
                schema.TierLimit(
                    maximum_requests=limit[MAXIMUM_REQUESTS],
                    period_ms=limit.get(TIME_PERIOD, 0),
                    calendar_period=limit.get(CALENDAR_PERIOD, ""),
                )
                for limit in limits
            ],
        )
        for pk, name, limits in tiers.values_list("pk", "name", "limits")
    ]
