"""The inline model as resources: what stands inside an ApiInstance becomes Services and PolicyBindings with the
documented generated names."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from gateway_runtime.local.kinds import (
    InlineService,
    Kind,
    PolicyBinding,
    PolicyRef,
    Rule,
    Service,
    TargetRef,
)
from gateway_runtime.local.place import Place
from gateway_runtime.local.resources import Resource
from gateway_runtime.local.service_settings import ServiceSettings

ROUTE = "route"


def expand(resources: Iterable[Resource]) -> list[Resource]:
    """Return all resources, each ApiInstance followed by what was written in it."""
    expanded: list[Resource] = []
    for resource in resources:
        expanded.append(resource)
        if resource.kind is Kind.API_INSTANCE:
            expanded += _parts(resource)
    return expanded


def _parts(api: Resource) -> Iterator[Resource]:
    for name, service in (api.spec.services or {}).items():
        place = api.place.at("services", name)
        generated = f"{api.name}-{name}"
        yield _part(api, Kind.SERVICE, generated, _service(service), place)
        yield from _routes(api, generated, service, place)
    for number, policy in enumerate(api.spec.policies or (), start=1):
        spec = PolicyBinding(
            target_ref=TargetRef(name=api.name),
            policy_ref=policy.policy_ref,
            config=policy.config,
            rules=policy.rules,
            mode=policy.mode,
        )
        place = api.place.at("policies", number - 1)
        yield _part(api, Kind.POLICY_BINDING, f"{api.name}-{policy.policy_ref.name}-{number}", spec, place)


def _service(inline: InlineService) -> Service:
    settings = {name: getattr(inline, name) for name in ServiceSettings.__struct_fields__}
    return Service(address=inline.address, **settings)


def _routes(api: Resource, service: str, inline: InlineService, place: Place) -> Iterator[Resource]:
    if not inline.routes:
        yield _route(api, service, 1, "", None, place)
    for number, route in enumerate(inline.routes or (), start=1):
        path = route.config.destination_path if route.config else ""
        yield _route(api, service, number, path, route.rules, place.at("routes", number - 1))


def _route(api: Resource, service: str, number: int, path: str, rules: list[Rule] | None, place: Place) -> Resource:
    spec = PolicyBinding(
        target_ref=TargetRef(name=api.name),
        policy_ref=PolicyRef(name=ROUTE),
        config={"destinationPath": path, "destinationRef": {"name": service}},
        rules=rules,
    )
    return _part(api, Kind.POLICY_BINDING, f"{service}-{ROUTE}-{number}", spec, place)


def _part(api: Resource, kind: Kind, name: str, spec: Any, place: Place) -> Resource:
    return Resource(
        kind=kind,
        name=name,
        namespace=api.namespace,
        spec=spec,
        place=place,
        labels={},
        written=_written(api.written, place),
        api_version=api.api_version,
        owner=api.name,
    )


def _written(spec: Any, place: Place) -> Any:
    """Return the part of an ApiInstance's `spec` at a place inside it, before variables were replaced."""
    for step in place.path[1:]:
        spec = spec[step]
    return spec
