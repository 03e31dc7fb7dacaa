"""From the tables to the document of one gateway. What is broken is fenced by name; the rest publishes."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import msgspec
from django.conf import settings
from django.db.models import Prefetch, Q
from django.utils import timezone

from gateway_runtime.policies.registry import definition, read_config
from gateway_runtime.schema import document as schema
from gateway_runtime.schema.faults import ConfigFault
from gateway_runtime.schema.platform import PlatformAddress
from gateway_runtime.schema.policy import PolicyConfig, PolicyDefinition
from portal.apis.deprecation import deprecation_part
from portal.apis.instance_settings import instance_parts
from portal.apis.models import ApiInstance, Destination, InstanceStatus, Route, Service
from portal.apis.rules import document_rules
from portal.apis.service_settings import DEFAULT_PORTS, UnusableService, service_document
from portal.contracts.limits import CALENDAR_PERIOD, MAXIMUM_REQUESTS, TIME_PERIOD
from portal.contracts.models import ClientApplication, Contract, ContractStatus, Credential, SlaTier
from portal.gateways.models import Gateway
from portal.gateways.settings import document_settings
from portal.policies.effective import BEFORE_OWN, effective_policies
from portal.policies.models import AppliedPolicy, AutomatedPolicy, PolicyBinding
from portal.publishing.listeners import document_listeners, with_present_certificates
from portal.publishing.specifications import Specifications, UnusableSpecification, asks

_Read = tuple[PolicyDefinition, dict[str, Any], PolicyConfig]

_DEFAULT_PORTS = {**DEFAULT_PORTS, "redis": 6379, "rediss": 6379}


class InstanceFault(Exception):
    """An API instance cannot be published as it is; the sentence says why."""


@dataclass(frozen=True, slots=True)
class Built:
    """A document, and the instances it does not have as the console has them.

    `quarantined` maps an instance's id to `{"name", "reason", "kept"}`; `kept` tells that its last good form is there.
    """

    document: schema.Document
    quarantined: dict[str, dict[str, Any]] = field(default_factory=dict)


def build(gateway: Gateway, previous: schema.Document | None = None) -> Built:
    """Return the configuration of `gateway`. `previous` is where last good forms are taken from.

    The number of queries does not depend on how much there is.
    """
    last_good = {api.id: api for api in previous.apis if not api.quarantine} if previous else {}
    apis: list[schema.ApiInstance] = []
    quarantined: dict[str, dict[str, Any]] = {}
    automated = list(AutomatedPolicy.objects.filter(environment=gateway.environment_id, enabled=True))
    specifications = Specifications(gateway, automated)
    for instance in _instances(gateway):
        try:
            apis.append(_api(instance, automated, specifications))
        except InstanceFault as fault:
            api = _stand_in(instance, last_good.get(str(instance.pk)), str(fault))
            apis.append(api)
            quarantined[api.id] = {"name": api.name, "reason": str(fault), "kept": not api.quarantine}
    log = document_settings(gateway)["access_log"]
    logged = [api if api.access_log is not None else msgspec.structs.replace(api, access_log=log) for api in apis]
    return Built(_document(gateway, document_listeners(gateway), logged if log is not None else apis), quarantined)


def instance_document(instance: ApiInstance) -> schema.Document:
    """Return a document with nothing but one instance, as it is saved now. Raises `InstanceFault`."""
    gateway = instance.gateway
    automated = list(AutomatedPolicy.objects.filter(environment=gateway.environment_id, enabled=True))
    found = _instances(gateway).filter(pk=instance.pk).first()
    if found is None:
        raise InstanceFault("It is stopped, so that its gateway does not serve it.")
    listeners = document_listeners(gateway)
    return document_of(gateway, listeners, [_api(found, automated, Specifications(gateway, automated))])


def instance_part(instance: ApiInstance, automated: Sequence[AutomatedPolicy] = ()) -> schema.ApiInstance:
    """Return the part of the document that an instance is, also a stopped one and with policies that are off.

    Raises `InstanceFault` where it cannot be published as it is.
    """
    return _api(instance, list(automated), Specifications(instance.gateway, list(automated)))


def document_of(gateway: Gateway, listeners: list[schema.Listener], apis: list[schema.ApiInstance]) -> schema.Document:
    """Return a document with these APIs, and with everything else as it is at this moment.

    An API may have been taken out of service since: its contracts are there all the same. A certificate that was
    renewed since stays renewed.
    """
    listeners = with_present_certificates(gateway, listeners)
    served = {api.id for api in apis}
    others = ApiInstance.objects.filter(gateway=gateway).exclude(status=InstanceStatus.ACTIVE)
    return _document(gateway, listeners, apis, [pk for pk in others.values_list("pk", flat=True) if str(pk) in served])


def _document(
    gateway: Gateway, listeners: list[schema.Listener], apis: list[schema.ApiInstance], retired: Sequence[Any] = ()
) -> schema.Document:
    consumers, contracts, tiers = _clients(gateway, retired)
    return schema.Document(
        gateway=str(gateway.pk),
        name=gateway.name,
        allow_private_targets=gateway.environment.allow_private_targets,
        listeners=listeners,
        platform_addresses=platform_addresses(),
        sampled_percent=gateway.sampled_percent,
        apis=apis,
        consumers=consumers,
        contracts=contracts,
        tiers=tiers,
        **document_settings(gateway),
    )


def platform_addresses() -> list[PlatformAddress]:
    """Return where the portal and its Redis are: no API may stand for them."""
    found = []
    for each in dict.fromkeys((settings.PORTAL_URL, settings.REDIS_URL, settings.GATEWAY_REDIS_URL)):
        url = urlsplit(each)
        port = url.port or _DEFAULT_PORTS.get(url.scheme)
        if url.hostname and port:
            found.append(PlatformAddress(host=url.hostname, port=port))
    return found


def _clients(
    gateway: Gateway, retired: Sequence[Any]
) -> tuple[list[schema.Consumer], list[schema.Contract], list[schema.Tier]]:
    """Return who may call what on `gateway` at this moment, and under which tiers.

    Applications whose contracts wait or were revoked are there too, without a contract: so a gateway can tell “not
    (yet) allowed” from “unknown”.
    """
    asked = Contract.objects.filter(Q(instance__status=InstanceStatus.ACTIVE) | Q(instance__in=retired))
    asked = asked.filter(instance__gateway=gateway)
    unexpired = Credential.objects.filter(Q(expires_at=None) | Q(expires_at__gt=timezone.now())).order_by("pk")
    applications = (
        ClientApplication.objects.filter(pk__in=asked.values("application"))
        .prefetch_related(Prefetch("credentials", queryset=unexpired))
        .order_by("pk")
    )
    consumers = [
        schema.Consumer(
            id=str(application.pk),
            name=application.name,
            client_id=application.client_id,
            secrets=[credential.digest for credential in application.credentials.all()],
        )
        for application in applications
    ]
    # With their tiers at once: a contract whose tier is not there would have no limits.
    active = list(
        asked.filter(status=ContractStatus.ACTIVE)
        .select_related("tier")
        .order_by("instance_id", "application_id", "pk")
    )
    contracts = [
        schema.Contract(
            api=str(contract.instance_id), consumer=str(contract.application_id), tier=str(contract.tier_id or "")
        )
        for contract in active
    ]
    tiers = {str(contract.tier_id): contract.tier for contract in active if contract.tier is not None}
    return consumers, contracts, [_tier(tiers[id]) for id in sorted(tiers)]


def _tier(tier: SlaTier) -> schema.Tier:
    return schema.Tier(
        id=str(tier.pk),
        name=tier.name,
        limits=[
            schema.TierLimit(
                maximum_requests=limit[MAXIMUM_REQUESTS],
                period_ms=limit.get(TIME_PERIOD, 0),
                calendar_period=limit.get(CALENDAR_PERIOD, ""),
            )
            for limit in tier.limits
        ],
    )


def _instances(gateway: Gateway) -> Any:
    return (
        ApiInstance.objects.filter(gateway=gateway, status=InstanceStatus.ACTIVE)
        .select_related("api_version__api", "listener")
        .prefetch_related(
            Prefetch("services", queryset=Service.objects.order_by("name", "pk")),
            Prefetch("routes", queryset=Route.objects.order_by("order", "created_at", "pk")),
            Prefetch("routes__destinations", queryset=Destination.objects.order_by("order", "created_at", "pk")),
            Prefetch(
                "policies",
                queryset=PolicyBinding.objects.filter(enabled=True).order_by("order", "created_at", "pk"),
            ),
        )
        .order_by("pk")
    )


def _api(instance: ApiInstance, automated: list[AutomatedPolicy], specifications: Specifications) -> schema.ApiInstance:
    """Return an instance as the gateway reads it. Raises `InstanceFault`."""
    policies = effective_policies(instance, automated, instance.policies.all())
    urls = {service.pk: _backend(service) for service in instance.services.all()}
    routes = [_route(route, urls) for route in instance.routes.all()]
    if not routes:
        raise InstanceFault("It has no route. Add one, so that requests reach its implementation.")
    acting = policies.acting()
    read = {each.pk: _read(each) for each in (*policies.automated, *acting)}
    return schema.ApiInstance(
        id=str(instance.pk),
        name=str(instance),
        listener=str(instance.listener_id),
        base_path=_base_path(instance),
        services=[service for service, _ in urls.values()],
        routes=routes,
        policies=[
            *(
                _policy(each, read[each.pk], f"{each.pk} {instance.pk}", each.order - BEFORE_OWN)
                for each in policies.automated
            ),
            *(_policy(each, read[each.pk], str(each.pk), each.order, each.rules) for each in acting),
        ],
        specification=_specification(instance, read.values(), specifications),
        deprecation=deprecation_part(instance),
        **_parts(instance),
    )


def _specification(instance: ApiInstance, policies: Iterable[_Read], specifications: Specifications) -> str:
    """Return the specification of an instance's API version where a policy asks for it, else nothing."""
    text = ""
    for policy, _, config in policies:
        if asks(policy, config):
            try:
                text = specifications.text(instance.api_version_id, policy)
            except UnusableSpecification as fault:
                raise InstanceFault(f"The policy “{policy.title}” cannot be used: {fault}") from fault
    return text


def _base_path(instance: ApiInstance) -> str:
    """Return the base path as the document has it: the root is empty."""
    return instance.base_path.rstrip("/")


def _backend(service: Service) -> tuple[schema.Service, str]:
    """Return a service and the path its URL ends with."""
    try:
        return service_document(service)
    except UnusableService as fault:
        raise InstanceFault(str(fault)) from None


def _parts(instance: ApiInstance) -> dict[str, Any]:
    try:
        return instance_parts(instance)
    except ConfigFault as fault:
        raise InstanceFault(f"Its settings cannot be used ({fault.path}): {fault.message}") from fault


def _route(route: Route, urls: dict[Any, tuple[schema.Service, str]]) -> schema.Route:
    ways = [_destination(route, each, urls) for each in route.destinations.all()]
    if not ways:
        raise InstanceFault(f"The route “{route.name}” leads nowhere. Choose a service for it.")
    return schema.Route(
        id=str(route.pk),
        name=route.name,
        service=ways[0].service,
        destination_path=ways[0].destination_path,
        rules=document_rules(route.rules),
        destinations=ways if len(ways) > 1 else [],
    )


def _destination(
    route: Route, destination: Destination, urls: dict[Any, tuple[schema.Service, str]]
) -> schema.Destination:
    if destination.service_id not in urls:
        raise InstanceFault(f"The route “{route.name}” leads to a service of another API instance.")
    service, path = urls[destination.service_id]
    return schema.Destination(
        service=service.id, weight=destination.weight, destination_path=f"{path}{destination.path}"
    )


def _read(binding: AppliedPolicy) -> _Read:
    """Return a binding's policy, its settings as they are stored, and as they are read. Raises `InstanceFault`."""
    try:
        policy = definition(binding.policy)
        config = {**binding.config, **json.loads(binding.secrets)}
        return policy, config, read_config(policy, config)
    except ConfigFault as fault:
        where = f" ({fault.path})" if fault.path else ""
        raise InstanceFault(f"The policy “{binding.policy}” cannot be used{where}: {fault.message}") from fault


def _policy(
    binding: AppliedPolicy, read: _Read, id: str, order: int, rules: Sequence[dict[str, Any]] = ()
) -> schema.PolicyBinding:
    policy, config, _ = read
    return schema.PolicyBinding(
        id=id,
        policy=policy.name,
        order=order,
        config=config,
        rules=document_rules(rules),
        mode=binding.mode,
    )


def _stand_in(instance: ApiInstance, good: schema.ApiInstance | None, reason: str) -> schema.ApiInstance:
    """Return the last good form where the instance is now, else one that answers 503 with the reason."""
    listener, base_path = str(instance.listener_id), _base_path(instance)
    if good is not None:
        return msgspec.structs.replace(good, listener=listener, base_path=base_path)
    return schema.ApiInstance(
        id=str(instance.pk),
        name=str(instance),
        quarantine="Its configuration cannot be published. Its owner finds the reason in the console.",
        listener=listener,
        base_path=base_path,
    )
