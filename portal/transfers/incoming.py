"""An instance as it should be: read from a file, or taken from another environment. It has no ids."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from gateway_runtime.declarative import Place
from gateway_runtime.schema import document as schema
from gateway_runtime.schema.written import as_written
from portal.apis.instance_settings import SETTINGS as INSTANCE_SETTINGS
from portal.apis.models import ApiInstance
from portal.apis.service_settings import SETTINGS as SERVICE_SETTINGS

Settings = dict[str, Any]
_USUAL_WEIGHT = 100
_DEFAULT_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True, kw_only=True)
class IncomingService:
    """A backend. Its settings hold its secrets, so it is never shown whole."""

    name: str
    url: str
    settings: Settings = field(repr=False)
    place: Place | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class IncomingRoute:
    """Which requests go where: (name of the service, weight, path)."""

    name: str
    rules: list[dict[str, Any]]
    ways: Sequence[tuple[str, int, str]]
    place: Place | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class IncomingPolicy:
    """A policy with all of its settings, secret ones too."""

    policy: str
    config: Settings = field(repr=False)
    order: int
    mode: str
    rules: list[dict[str, Any]]
    place: Place | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class IncomingTier:
    """A tier that is offered."""

    name: str
    limits: list[dict[str, Any]]
    description: str = ""
    approval: str = ""
    place: Place | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Incoming:
    """What an instance should be. A part that is None stays as it is where the instance is there already."""

    api: str
    version: str
    label: str
    port: int
    base_path: str
    labels: Mapping[str, str] | None = None
    consumer_endpoint: str | None = None
    stopped: bool = False
    layer: str = ""
    settings: Settings | None = None
    services: Sequence[IncomingService] | None = None
    routes: Sequence[IncomingRoute] | None = None
    policies: Sequence[IncomingPolicy] | None = None
    tiers: Sequence[IncomingTier] | None = None
    deprecation: schema.Deprecation | None = None
    says_deprecation: bool = False
    # How TLS was spoken where it was exported: told, never taken over. None for plain text.
    listener_tls: Mapping[str, Any] | None = None
    place: Place | None = None
    # The instance that it is, where that is known already.
    target: ApiInstance | None = None

    @property
    def name(self) -> str:
        """Return it as instances are named."""
        return f"{self.api} {self.version}" + (f" ({self.label})" if self.label else "")


def incoming_services(
    part: schema.ApiInstance, names: Mapping[str, str], paths: Mapping[str, str], places: Mapping[str, Place]
) -> tuple[list[IncomingService], dict[str, str]]:
    """Return the services of a part, and the path that each one's URL ends with, by id.

    A document has the path on its routes. What all routes to a service begin with goes to its URL, unless `paths` says
    what that ended with when it was written.
    """
    found, ends = [], {}
    for service in part.services:
        ways = [path for route in part.routes for id, _, path in ways_of(route) if id == service.id]
        said = paths.get(service.id)
        end = said if said is not None and all(_begins(way, said) for way in ways) else _common(ways)
        ends[service.id] = end
        found.append(
            IncomingService(
                name=names[service.id],
                url=f"{_address(service, service.targets[0])}{end}",
                settings=service_words(service),
                place=places.get(service.id),
            )
        )
    return found, ends


def ways_of(route: schema.Route) -> list[tuple[str, int, str]]:
    """Return where a route leads: (id of the service, weight, path)."""
    if route.destinations:
        return [(way.service, way.weight, way.destination_path) for way in route.destinations]
    return [(route.service, 1, route.destination_path)]


def service_words(service: schema.Service) -> Settings:
    """Return the settings of a service as the portal stores them."""
    first, *others = service.targets
    words = as_written(SERVICE_SETTINGS, service)
    if first.weight != _USUAL_WEIGHT:
        words["weight"] = first.weight
    if others:
        words["targets"] = [{"address": _address(service, each), "weight": each.weight} for each in others]
    return words


def instance_words(part: schema.ApiInstance) -> Settings:
    """Return the settings of an instance as the portal stores them."""
    return as_written(INSTANCE_SETTINGS, part)


def _address(service: schema.Service, target: schema.Target) -> str:
    host = f"[{target.host}]" if ":" in target.host else target.host
    port = "" if target.port == _DEFAULT_PORTS[service.scheme] else f":{target.port}"
    return f"{service.scheme}://{host}{port}"


def _begins(path: str, beginning: str) -> bool:
    return path == beginning or path.startswith(f"{beginning}/") or not beginning


def _common(paths: Sequence[str]) -> str:
    """Return the segments with which all paths begin."""
    split = [path.split("/") for path in paths]
    common: list[str] = []
    for segments in zip(*split, strict=False):
        if len(set(segments)) > 1:
            break
        common.append(segments[0])
    return "/".join(common)
