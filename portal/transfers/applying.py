"""Making an instance what it should be, by the services that the console's pages call too."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from typing import Any

from gateway_runtime.declarative import Place
from portal.apis.deprecation import instance_deprecate, instance_undeprecate
from portal.apis.models import ApiInstance
from portal.apis.route_services import NewRoute, Way, routes_replace
from portal.apis.selectors import DEFAULT_SERVICE
from portal.apis.service_services import service_create, service_delete, service_update
from portal.apis.services import instance_deploy, instance_stop, instance_update
from portal.catalog.models import ApiVersion, Layer
from portal.catalog.services import NewApi, api_version_create
from portal.contracts.models import Approval
from portal.contracts.services import tier_create, tier_update
from portal.core.errors import ApplicationError
from portal.gateways.models import Gateway
from portal.policies.services import policy_apply, policy_remove, policy_update
from portal.transfers.incoming import Incoming, IncomingPolicy, IncomingService


def incoming_apply(*, actor: Any, incoming: Incoming, gateway: Gateway, target: ApiInstance | None) -> ApiInstance:
    """Make `target`, or a new instance on the gateway, what it should be.

    Raises `FileFault` where it came from a file, else `ApplicationError`; then nothing of it may stay.
    """
    with told_at(incoming.place, _INSTANCE_FIELDS), _told_of_main(incoming):
        instance = _placed(actor, incoming, gateway, target)
    if incoming.services is not None:
        _services(actor, instance, incoming)
    if incoming.policies is not None:
        _policies(actor, instance, incoming.policies)
    for tier in incoming.tiers or ():
        with told_at(tier.place, {"limits": "limits"}):
            _tier(actor, instance, tier)
    if incoming.says_deprecation:
        with told_at(incoming.place, _DEPRECATION_FIELDS):
            _deprecation(actor, instance, incoming)
    if target is None and incoming.stopped:
        instance_stop(actor=actor, instance=instance)
    return instance


# Where the fields of services stand in a file.
_INSTANCE_FIELDS = {
    "port": "spec.address",
    "base_path": "spec.address",
    "implementation_url": "spec.services",
    "labels": "metadata.labels",
    "label": "metadata.annotations",
    "consumer_endpoint": "metadata.annotations",
    "settings": "spec",
}
_DEPRECATION_FIELDS = {"sunset": "spec.deprecation.sunset", "successor": "spec.deprecation.successor"}


@contextmanager
def told_at(place: Place | None, names: dict[str, str]) -> Iterator[None]:
    """Let what a service refuses be told where it stands in the file."""
    try:
        yield
    except ApplicationError as error:
        if place is None:
            raise
        name, sentence = next(iter(error.fields.items()), ("", error.message))
        raise place.inside(_written(name, names)).fault(sentence, error.code) from error


@contextmanager
def _told_of_main(incoming: Incoming) -> Iterator[None]:
    """Let what is wrong with the URL that an instance begins with be told where that service stands."""
    try:
        yield
    except ApplicationError as error:
        place = _main(incoming.services).place if incoming.services else None
        sentence = error.fields.get("implementation_url")
        if place is None or sentence is None:
            raise
        raise place.at("address").fault(sentence, error.code) from error


def _written(name: str, names: dict[str, str]) -> str:
    """Return the path in the file of a field: `config.ips.0` → `config.ips[0]`."""
    first, _, rest = name.partition(".")
    first = names.get(first, first)
    steps = [f"[{step}]" if step.isdigit() else f".{step}" for step in rest.split(".") if step]
    return f"{first}{''.join(steps)}".strip(".")


def _placed(actor: Any, incoming: Incoming, gateway: Gateway, target: ApiInstance | None) -> ApiInstance:
    common: dict[str, Any] = {
        "actor": actor,
        "port": incoming.port,
        "base_path": incoming.base_path,
        "label": incoming.label,
        "labels": dict(incoming.labels) if incoming.labels is not None else None,
        "consumer_endpoint": incoming.consumer_endpoint,
        "settings": incoming.settings,
    }
    if target is not None:
        version = _version(actor, incoming, target)
        return instance_update(instance=target, api_version=version, **common)
    services = incoming.services or ()
    if not services:
        sentence = "It has no service. Say where it runs."
        raise ApplicationError("service_missing", sentence, fields={"implementation_url": sentence})
    common["consumer_endpoint"] = incoming.consumer_endpoint or ""
    return instance_deploy(
        environment=gateway.environment,
        gateway=gateway,
        api=_api(actor, incoming, gateway),
        implementation_url=_main(services).url,
        **common,
    )


def _main(services: Any) -> IncomingService:
    found: IncomingService = next((each for each in services if each.name == DEFAULT_SERVICE), services[0])
    return found


def _api(actor: Any, incoming: Incoming, gateway: Gateway) -> ApiVersion | NewApi:
    """Return the version in the catalog, made where it is not there yet."""
    organization = gateway.environment.organization
    api = organization.apis.filter(name__iexact=incoming.api).first()
    if api is None:
        layer = incoming.layer if incoming.layer in Layer.values else Layer.SYSTEM
        return NewApi(name=incoming.api, version=incoming.version, layer=layer)
    version: ApiVersion | None = api.versions.filter(version__iexact=incoming.version).first()
    return version or api_version_create(actor=actor, api=api, version=incoming.version)


def _version(actor: Any, incoming: Incoming, target: ApiInstance) -> ApiVersion:
    """Return the version that an instance should be of: its API stays."""
    api = target.api_version.api
    found: ApiVersion | None = api.versions.filter(version__iexact=incoming.version).first()
    return found or api_version_create(actor=actor, api=api, version=incoming.version)


def _services(actor: Any, instance: ApiInstance, incoming: Incoming) -> None:
    """Bring services and routes: services that are not there any more go once no route leads to them."""
    present = {service.name: service for service in instance.services.all()}
    wanted = {each.name for each in incoming.services or ()}
    # A new instance has one service, which may have another name here.
    spare = [service for name, service in present.items() if name not in wanted]
    made = {}
    for each in incoming.services or ():
        with told_at(each.place, {"url": "address", "settings": ""}):
            found = present.get(each.name)
            if found is None and spare:
                found = spare.pop(0)
            if found is None:
                made[each.name] = service_create(
                    actor=actor, instance=instance, name=each.name, url=each.url, settings=each.settings
                )
            else:
                made[each.name] = service_update(
                    actor=actor, service=found, name=each.name, url=each.url, settings=each.settings
                )
    routes = incoming.routes or ()
    with told_at(routes[0].place if routes else incoming.place, {}):
        routes_replace(
            actor=actor,
            instance=instance,
            routes=[
                NewRoute(each.name, each.rules, [Way(made[name], weight, path) for name, weight, path in each.ways])
                for each in routes
            ],
        )
    for service in spare:
        service_delete(actor=actor, service=service)


def _policies(actor: Any, instance: ApiInstance, policies: Any) -> None:
    present = {binding.policy: binding for binding in instance.policies.all()}
    for each in policies:
        with told_at(each.place, {}):
            _policy(actor, instance, each, present.pop(each.policy, None))
    for binding in present.values():
        policy_remove(actor=actor, binding=binding)


def _policy(actor: Any, instance: ApiInstance, policy: IncomingPolicy, binding: Any) -> None:
    said: dict[str, Any] = {
        "actor": actor,
        "config": policy.config,
        "order": policy.order,
        "mode": policy.mode,
        "rules": policy.rules,
    }
    if binding is None:
        policy_apply(instance=instance, policy=policy.policy, **said)
    else:
        policy_update(binding=binding, **said)


def _tier(actor: Any, instance: ApiInstance, tier: Any) -> None:
    present = instance.tiers.filter(name=tier.name).first()
    said = {
        "name": tier.name,
        "limits": tier.limits,
        "description": tier.description,
        "approval": tier.approval or Approval.MANUAL,
    }
    if present is None:
        tier_create(actor=actor, instance=instance, **said)
    elif {name: getattr(present, name) for name in said} != said:
        tier_update(actor=actor, tier=present, **said)


def _deprecation(actor: Any, instance: ApiInstance, incoming: Incoming) -> None:
    said = incoming.deprecation
    if said is None:
        instance_undeprecate(actor=actor, instance=instance)
        return
    sunset = _day(said.sunset) if said.sunset is not None else None
    instance_deprecate(actor=actor, instance=instance, since=_day(said.since), sunset=sunset, successor=said.successor)


def _day(seconds: int) -> date:
    return datetime.fromtimestamp(seconds, UTC).date()
