"""Tiers of an instance, and the applications that may call it, as resources. Their secrets become variables."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from gateway_runtime.declarative import Kind
from portal.apis.models import ApiInstance
from portal.contracts.models import Contract, ContractStatus, SlaTier
from portal.policies.file_variables import Variables
from portal.transfers.part_writing import Resource, resource, slug


def tier_name(instance_name: str, tier: SlaTier) -> str:
    """Return how a tier is named in a file: names there are those of all instances together."""
    return f"{instance_name}-{slug(tier.name)}"


def tier_resources(instance: ApiInstance, name: str) -> Iterator[Resource]:
    """Yield the tiers that an instance offers."""
    for tier in instance.tiers.all():
        annotations = {
            "instance": name,
            "name": tier.name,
            "description": tier.description,
            "approval": tier.approval,
        }
        yield resource(Kind.SLA_TIER, tier_name(name, tier), {"limits": tier.limits}, annotations=annotations)


def application_resources(names: Mapping[Any, str], variables: Variables, *, tiers: bool) -> Iterator[Resource]:
    """Yield the applications with an active contract for instances, whose names in the file are given by id."""
    contracts: Iterable[Contract] = (
        Contract.objects.filter(instance__in=list(names), status=ContractStatus.ACTIVE)
        .select_related("application", "tier")
        .prefetch_related("application__credentials")
        .order_by("application__name", "application_id", "instance_id")
    )
    of_application: defaultdict[Any, list[Contract]] = defaultdict(list)
    for contract in contracts:
        of_application[contract.application].append(contract)
    taken: set[str] = set()
    for application, held in of_application.items():
        name = slug(application.name)
        if name in taken:
            name = f"{name}-{application.client_id[:8]}"
        taken.add(name)
        digests = [
            variables.add(each.digest, f"SHA-256 of a secret of {application.name}", name, "secret-sha256")
            for each in list(application.credentials.all())[:2]
        ]
        spec: dict[str, Any] = {"clientId": application.client_id}
        if digests:
            spec["clientSecretSha256"] = digests
        spec["contracts"] = [_contract(each, names[each.instance_id], tiers) for each in held]
        yield resource(Kind.CLIENT_APPLICATION, name, spec)


def _contract(contract: Contract, name: str, tiers: bool) -> dict[str, str]:
    said = {"api": name}
    if tiers and contract.tier is not None:
        said["tier"] = tier_name(name, contract.tier)
    return said
