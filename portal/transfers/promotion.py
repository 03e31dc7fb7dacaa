"""Bringing instances to another environment: what goes along is chosen, secrets and ids never do."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import transaction

from portal.apis.models import ApiInstance, InstanceStatus, Route
from portal.apis.service_settings import service_secrets
from portal.audit.services import audit_record
from portal.core.bulk import State
from portal.core.errors import ApplicationError
from portal.gateways.models import Gateway
from portal.policies.file_variables import variable_named
from portal.policies.settings import policy_title, secret_settings
from portal.transfers.export import resource_names
from portal.transfers.export_services import chosen_check
from portal.transfers.import_services import Change, Imported, Missing, incoming_run
from portal.transfers.incoming import Incoming, IncomingPolicy, IncomingRoute, IncomingService, IncomingTier
from portal.transfers.matching import target_of
from portal.transfers.models import Promotion

# Addresses by the ids of instances, then by the names of services.
Urls = Mapping[str, Mapping[str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What goes along. Services go with their routes; a new instance needs them."""

    services: bool = True
    policies: bool = True
    tiers: bool = False
    labels: bool = True


@dataclass(slots=True)
class _Secrets:
    """Secrets of the target: those that it has stay, others are given or missing."""

    given: Mapping[str, str]
    missing: list[Missing] = field(default_factory=list)

    def ask(self, about: str, *words: str) -> str | None:
        name = variable_named(*words)
        if name not in self.given:
            self.missing.append(Missing(name=name, where="", about=about))
        return self.given.get(name)


@transaction.atomic
def instances_promote(
    *,
    actor: Any,
    instances: Iterable[ApiInstance],
    gateway: Gateway,
    port: int | None = None,
    parts: Parts | None = None,
    urls: Urls | None = None,
    variables: Mapping[str, str] | None = None,
    dry_run: bool = False,
) -> Imported:
    """Make instances on a gateway what others are: all of them, or none.

    `urls` replace those of services; without one the URL that is there stays, and a new service has that of its source.
    """
    chosen = list(instances)
    chosen_check(chosen)
    if any(each.environment.organization_id != gateway.environment.organization_id for each in chosen):
        sentence = "Choose a gateway of the same organization."
        raise ApplicationError("gateway_elsewhere", sentence, fields={"gateway": sentence})
    if any(each.gateway_id == gateway.pk for each in chosen):
        sentence = "Choose another gateway: they are on this one already."
        raise ApplicationError("gateway_the_same", sentence, fields={"gateway": sentence})
    secrets, names = _Secrets(variables or {}), resource_names(chosen)
    incoming = [
        _incoming(each, gateway, port, parts or Parts(), (urls or {}).get(str(each.pk), {}), secrets, names[each.pk])
        for each in chosen
    ]
    if secrets.missing:
        return Imported(missing=tuple(secrets.missing))
    changes, faults = incoming_run(actor=actor, incoming=incoming, gateway=gateway, dry_run=dry_run)
    told = Imported(changes=changes, faults=faults)
    if dry_run or not told.possible:
        return told
    for source, change in zip(chosen, changes, strict=True):
        _record(actor, source, change)
    return Imported(changes=changes, done=True)


def target_for(source: ApiInstance, gateway: Gateway) -> ApiInstance | None:
    """Return the instance on a gateway that one was promoted to before, else the one that is the same."""
    known = Promotion.objects.filter(source=source, target__gateway=gateway).select_related(
        "target__environment__organization", "target__api_version__api", "target__gateway", "target__listener"
    )
    promotion = known.first()
    return promotion.target if promotion is not None else target_of(_identity(source, source.listener.port), gateway)


def _identity(source: ApiInstance, port: int, **more: Any) -> Incoming:
    version = source.api_version
    return Incoming(
        api=version.api.name, version=version.version, label=source.label, port=port, base_path=source.base_path, **more
    )


def _incoming(
    source: ApiInstance,
    gateway: Gateway,
    port: int | None,
    parts: Parts,
    urls: Mapping[str, str],
    secrets: _Secrets,
    name: str,
) -> Incoming:
    target = target_for(source, gateway)
    said: dict[str, Any] = {"target": target}
    if parts.services or target is None:
        said["services"] = [_service(each, target, urls, secrets, name, str(source)) for each in source.services.all()]
        said["routes"] = [_route(each) for each in sorted(source.routes.all(), key=lambda r: (r.order, r.created_at))]
        said["settings"] = source.settings
    if parts.policies:
        said["policies"] = [_policy(each, target, secrets, name, str(source)) for each in source.policies.all()]
    if parts.tiers:
        said["tiers"] = [
            IncomingTier(name=each.name, limits=each.limits, description=each.description, approval=each.approval)
            for each in source.tiers.all()
        ]
    if parts.labels:
        said["labels"] = source.labels
    where = port or (target.listener.port if target is not None else source.listener.port)
    return _identity(source, where, stopped=source.status == InstanceStatus.STOPPED, **said)


def _service(
    service: Any, target: ApiInstance | None, urls: Mapping[str, str], secrets: _Secrets, name: str, title: str
) -> IncomingService:
    there = target.services.filter(name=service.name).first() if target is not None else None
    url = urls.get(service.name) or (there.url if there is not None else service.url)
    settings = dict(service.settings)
    kept = service_secrets(there) if there is not None else {}
    for path in service_secrets(service):
        if path not in kept and (
            value := secrets.ask(f"{path} of {service.name} of {title}", name, service.name, path)
        ):
            settings = _with(settings, path, value)
    return IncomingService(name=service.name, url=url, settings=settings)


def _with(settings: dict[str, Any], path: str, value: str) -> dict[str, Any]:
    first, _, rest = path.partition(".")
    return {**settings, first: _with(dict(settings.get(first) or {}), rest, value) if rest else value}


def _route(route: Route) -> IncomingRoute:
    ways = [(way.service.name, way.weight, way.path) for way in route.destinations.all()]
    return IncomingRoute(name=route.name, rules=list(route.rules), ways=ways)


def _policy(binding: Any, target: ApiInstance | None, secrets: _Secrets, name: str, title: str) -> IncomingPolicy:
    there = target.policies.filter(policy=binding.policy).first() if target is not None else None
    kept = secret_settings(there) if there is not None else {}
    config = dict(binding.config)
    for setting in secret_settings(binding):
        about = f"{setting} of {policy_title(binding.policy)} on {title}"
        if setting not in kept and (value := secrets.ask(about, name, binding.policy, setting)):
            config[setting] = value
    return IncomingPolicy(
        policy=binding.policy, config=config, order=binding.order, mode=str(binding.mode), rules=list(binding.rules)
    )


def _record(actor: Any, source: ApiInstance, change: Change) -> None:
    """Remember where an instance came from, and tell it in both environments."""
    target = change.instance
    if target is None or change.state is not State.CHANGED:
        return
    promotion, made = Promotion.objects.get_or_create(
        source=source, target=target, defaults={"actor_name": str(actor)[:254]}
    )
    if not made:
        promotion.actor_name = str(actor)[:254]
        promotion.save()
    there = f"{target.environment.name}, {target.gateway.name}"
    here = f"{source.environment.name}, {source.gateway.name}"
    audit_record(
        actor=actor, action="instance.promote", target=source, message=f"Promoted {source} to {there}",
        after={"to": there, "instance": str(target), "differences": len(change.differences)},
    )  # fmt: skip
    audit_record(
        actor=actor, action="instance.promoted", target=target, message=f"{target} was promoted from {here}",
        after={"from": here, "instance": str(source), "differences": len(change.differences)},
    )  # fmt: skip


def promoted_instances(queryset: Any) -> Any:
    """Return instances with everything that a promotion reads."""
    return queryset.select_related(
        "api_version__api", "gateway__environment", "listener", "environment__organization"
    ).prefetch_related("services", "routes__destinations__service", "policies", "tiers")


def urls_of(instances: Sequence[ApiInstance]) -> list[tuple[ApiInstance, str, str]]:
    """Return every service of some instances with its URL."""
    return [(instance, service.name, service.url) for instance in instances for service in instance.services.all()]
