"""From an API instance, as it is saved, to its part of the document."""

import json
from collections.abc import Iterable, Sequence
from typing import Any

from django.db.models import Prefetch

from gateway_runtime.policies.registry import definition, read_config
from gateway_runtime.schema import document as schema
from gateway_runtime.schema.faults import ConfigFault
from gateway_runtime.schema.policy import PolicyConfig, PolicyDefinition
from portal.apis.deprecation import deprecation_part
from portal.apis.instance_settings import instance_parts
from portal.apis.models import ApiInstance, Destination, InstanceStatus, Route, Service
from portal.apis.rules import document_rules
from portal.apis.service_settings import UnusableService, service_document
from portal.gateways.models import Gateway
from portal.policies.effective import BEFORE_OWN, effective_policies
from portal.policies.models import AppliedPolicy, AutomatedPolicy, PolicyBinding
from portal.publishing.specifications import Specifications, UnusableSpecification, asks

_Read = tuple[PolicyDefinition, dict[str, Any], PolicyConfig]


class InstanceFault(Exception):
    """An API instance cannot be published as it is; the sentence says why."""


def active_instances(gateway: Gateway) -> Any:
    """Return the instances that a gateway serves, with everything that their parts are made of."""
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


def api_part(
    instance: ApiInstance, automated: list[AutomatedPolicy], specifications: Specifications
) -> schema.ApiInstance:
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


def stand_in_part(instance: ApiInstance) -> schema.ApiInstance:
    """Return the part of an instance that cannot be published: it answers 503, and says nothing more to callers."""
    return schema.ApiInstance(
        id=str(instance.pk),
        name=str(instance),
        quarantine="Its configuration cannot be published. Its owner finds the reason in the console.",
        listener=str(instance.listener_id),
        base_path=_base_path(instance),
    )
