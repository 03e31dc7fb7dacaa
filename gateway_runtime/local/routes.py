"""Bindings of `route` and `route-weighted` as routes of the document."""

from __future__ import annotations

from collections.abc import Mapping

from gateway_runtime.http.refusals import BadMessage
from gateway_runtime.http.target import parse_target
from gateway_runtime.local.addresses import read_service_address
from gateway_runtime.local.kinds import DestinationRef, Kind, PolicyBinding, RouteConfig, WeightedRouteConfig
from gateway_runtime.local.place import Place
from gateway_runtime.local.resources import Resource
from gateway_runtime.local.rules import read_rules
from gateway_runtime.local.service_settings import with_settings
from gateway_runtime.schema.document import Destination, Route, Service, Target

ROUTE = "route"
ROUTE_WEIGHTED = "route-weighted"
ROUTES = frozenset({ROUTE, ROUTE_WEIGHTED})


def read_service(resource: Resource) -> Service:
    """Return a Service in the form of the document. Raises `FileFault`."""
    address = read_service_address(resource.spec.address, resource.place.at("address"))
    service = Service(
        id=resource.id,
        name=resource.title,
        scheme=address.scheme,
        protocol=resource.spec.protocol,
        targets=[Target(host=address.host, port=address.port)],
    )
    return with_settings(service, resource.spec, resource.place)


def read_route(binding: Resource, services: Mapping[str, Resource], route_id: str) -> Route:
    """Return the route that a binding makes, with the ids of existing services. Raises `FileFault`."""
    spec: PolicyBinding = binding.spec
    place = binding.place.at("config")
    rules = read_rules(spec.rules, binding.place)
    if spec.policy_ref.name == ROUTE:
        config: RouteConfig = place.convert(spec.config or {}, RouteConfig)
        destinations = [_destination(binding, config, 1, services, place)]
    else:
        weighted: WeightedRouteConfig = place.convert(spec.config or {}, WeightedRouteConfig)
        destinations = [
            _destination(binding, share, share.weight, services, place.at("routes", index))
            for index, share in enumerate(weighted.routes)
        ]
    first = destinations[0]
    return Route(
        id=route_id,
        name=binding.title,
        service=first.service,
        destination_path=first.destination_path,
        rules=rules,
        destinations=destinations if len(destinations) > 1 else [],
    )


def _is_path(path: str) -> bool:
    try:
        _, query = parse_target(b"/" + path.removeprefix("/").encode(), b"")
    except BadMessage:
        return False
    return query is None


def _destination(
    binding: Resource, config: object, weight: int, services: Mapping[str, Resource], place: Place
) -> Destination:
    ref: DestinationRef = config.destination_ref  # type: ignore[attr-defined]
    path: str = config.destination_path  # type: ignore[attr-defined]
    service = f"{ref.namespace or binding.namespace}/{ref.name}"
    if service not in services:
        raise place.at("destinationRef", "name").fault(
            f"There is no {Kind.SERVICE} “{ref.name}” in the namespace “{ref.namespace or binding.namespace}”.",
            "unknown_service",
        )
    if not _is_path(path):
        message = (
            f"“{path}” is not a path that can be asked for: no query, no dot segments, no characters to be escaped."
        )
        raise place.at("destinationPath").fault(message, "invalid_path")
    return Destination(service=service, weight=weight, destination_path="" if path == "/" else path)
