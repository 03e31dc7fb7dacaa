"""One API instance of a document as resources of a declarative file: the inverse of reading them."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import msgspec

from gateway_runtime.declarative import API_VERSIONS, MACHINE, ROUTE, ROUTE_WEIGHTED, TLS_OUTBOUND, Kind
from gateway_runtime.policies.registry import SUFFIX, definition
from gateway_runtime.schema import document as schema
from gateway_runtime.schema.deprecation import Deprecation
from gateway_runtime.schema.mode import Mode
from gateway_runtime.schema.upstream import UpstreamTls
from portal.policies.file_variables import Variables, literal

Resource = dict[str, Any]

# Keys under which the portal finds its own again; to a gateway they are notes of another program.
ANNOTATION = "portico/"
_STEP = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What is said of an instance besides its part of the document. `automated` are ids of bindings not its own."""

    name: str
    title: str
    labels: dict[str, str] = field(default_factory=dict)
    annotations: dict[str, Any] = field(default_factory=dict)
    automated: frozenset[str] = frozenset()
    # What the URLs of services end with, by id: a document has it on the routes.
    paths: dict[str, str] = field(default_factory=dict)


def resources_of(
    api: schema.ApiInstance, listener: schema.Listener, written: Written, variables: Variables
) -> list[Resource]:
    """Return the resources of an instance. Secrets become variables."""
    services = dict(zip([each.id for each in api.services], _service_names(api, written.name), strict=True))
    found = [_instance(api, listener, written)]
    for service in api.services:
        found += _service(service, services[service.id], written, variables)
    for number, route in enumerate(api.routes, start=1):
        found.append(_route(route, f"{written.name}-route-{number}", number * _STEP, services, written))
    found += _policies(api, written, variables)
    return found


def resource(
    kind: Kind,
    name: str,
    spec: Resource,
    *,
    labels: dict[str, str] | None = None,
    annotations: dict[str, Any] | None = None,
) -> Resource:
    """Return one resource."""
    said = {f"{ANNOTATION}{key}": value for key, value in (annotations or {}).items() if value not in ("", None)}
    metadata: dict[str, Any] = {"name": name}
    if labels:
        metadata["labels"] = dict(labels)
    if said:
        metadata["annotations"] = said
    return {"apiVersion": API_VERSIONS[0], "kind": str(kind), "metadata": metadata, "spec": spec}


def slug(text: str) -> str:
    """Return a text as a resource may be named."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:100].strip("-") or "api"


def address_of(listener: schema.Listener, base_path: str) -> str:
    """Return the address of an instance as a file has it. TLS belongs to the gateway, not to the instance."""
    host = f"[{listener.host}]" if ":" in listener.host else listener.host
    return f"http://{host}:{listener.port}{base_path}"


def camel(value: Any) -> Any:
    """Return the plain form of a part under the names that files have."""
    if isinstance(value, dict):
        return {_camel(key): camel(inner) for key, inner in value.items()}
    return [camel(each) for each in value] if isinstance(value, list | tuple) else value


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(each.title() for each in rest)


def _plain(part: Any) -> Any:
    return camel(msgspec.to_builtins(part))


def _instance(api: schema.ApiInstance, listener: schema.Listener, written: Written) -> Resource:
    spec: Resource = {"address": address_of(listener, api.base_path)}
    if limits := _plain(api.limits):
        spec["limits"] = limits
    if api.access_log is not None:
        spec["accessLog"] = _plain(api.access_log)
    if api.deprecation is not None:
        spec["deprecation"] = literal(_deprecation(api.deprecation))
    return resource(Kind.API_INSTANCE, written.name, spec, labels=written.labels, annotations=written.annotations)


def _deprecation(deprecation: Deprecation) -> Resource:
    said = {"since": _moment(deprecation.since)}
    if deprecation.sunset is not None:
        said["sunset"] = _moment(deprecation.sunset)
    if deprecation.successor:
        said["successor"] = deprecation.successor
    return said


def _moment(seconds: int) -> str:
    """Return a moment as a file has it: a day where it is the beginning of one."""
    moment = datetime.fromtimestamp(seconds, UTC)
    return moment.date().isoformat() if seconds % 86_400 == 0 else moment.isoformat()


def _service_names(api: schema.ApiInstance, name: str) -> Iterator[str]:
    taken: set[str] = set()
    for service in api.services:
        made = base = f"{name}-{slug(service.name)}"
        number = 1
        while made in taken:
            number += 1
            made = f"{base}-{number}"
        taken.add(made)
        yield made


def _service(service: schema.Service, name: str, written: Written, variables: Variables) -> Iterator[Resource]:
    first, *others = service.targets
    spec: Resource = {"address": _address(service, first)}
    if service.protocol != "http1":
        spec["protocol"] = service.protocol
    if first.weight != schema.Target(host="", port=0).weight:
        spec["weight"] = first.weight
    if others:
        spec["targets"] = [{"address": _address(service, each), "weight": each.weight} for each in others]
    settings = {
        "balance": service.balance,
        "healthCheck": service.health_check,
        "outliers": service.outliers,
        "retries": service.retries,
        "timeouts": service.timeouts,
    }
    empty = {"balance", "timeouts"}
    for key, part in settings.items():
        plain = _plain(part) if part is not None else None
        if plain or (part is not None and key not in empty):
            spec[key] = plain
    annotations = {"name": service.name}
    if service.id in written.paths:
        annotations["path"] = written.paths[service.id] or "/"
    yield resource(Kind.SERVICE, name, literal(spec), annotations=annotations)
    if service.tls is not None:
        config = _tls(service, service.tls, written, variables)
        yield _on_service(name, TLS_OUTBOUND, config)
    if service.circuit_breaker is not None:
        yield _on_service(name, f"circuit-breaker{SUFFIX}", {"thresholds": _plain(service.circuit_breaker)})


def _address(service: schema.Service, target: schema.Target) -> str:
    host = f"[{target.host}]" if ":" in target.host else target.host
    return f"{service.scheme}://{host}:{target.port}"


def _on_service(service: str, policy: str, config: Resource) -> Resource:
    spec = {"targetRef": {"kind": str(Kind.SERVICE), "name": service}, "policyRef": {"name": policy}, "config": config}
    return resource(Kind.POLICY_BINDING, f"{service}-{policy.removesuffix(SUFFIX)}", spec)


def _tls(service: schema.Service, tls: UpstreamTls, written: Written, variables: Variables) -> Resource:
    config: Resource = {"skipValidation": tls.skip_validation}
    if tls.trusted_ca or not tls.skip_validation:
        config["trustedCA"] = literal(tls.trusted_ca) if tls.trusted_ca else MACHINE
    if tls.certificate or tls.key:
        about = f"Private key shown to the service {service.name} of {written.title}"
        key = variables.add(tls.key, about, written.name, service.name, "tls-key")
        config["certificate"] = {"key": key, "crt": literal(tls.certificate)}
    if tls.server_name:
        config["serverName"] = literal(tls.server_name)
    usual = UpstreamTls()
    if tls.min_version != usual.min_version:
        config["minversion"] = tls.min_version
    if tls.max_version != usual.max_version:
        config["maxversion"] = tls.max_version
    if tls.ciphers:
        config["ciphers"] = list(tls.ciphers)
    return config


def _rules(rules: list[schema.Rule]) -> dict[str, Any]:
    return {"rules": [literal(msgspec.to_builtins(rule)) for rule in rules]} if rules else {}


def _route(route: schema.Route, name: str, order: int, services: dict[str, str], written: Written) -> Resource:
    def way(service: str, path: str) -> Resource:
        return {"destinationRef": {"name": services[service]}, "destinationPath": literal(path or "/")}

    if route.destinations:
        shares = [{"weight": each.weight, **way(each.service, each.destination_path)} for each in route.destinations]
        policy, config = ROUTE_WEIGHTED, {"routes": shares}
    else:
        policy, config = ROUTE, way(route.service, route.destination_path)
    spec = {
        "targetRef": {"name": written.name},
        "policyRef": {"name": policy},
        "order": order,
        **_rules(route.rules),
        "config": config,
    }
    return resource(Kind.POLICY_BINDING, name, spec, annotations={"name": route.name})


def _policies(api: schema.ApiInstance, written: Written, variables: Variables) -> Iterator[Resource]:
    names: set[str] = set()
    for binding in api.policies:
        policy = definition(binding.policy)
        name = base = f"{written.name}-{policy.name}"
        number = 1
        while name in names:
            number += 1
            name = f"{base}-{number}"
        names.add(name)
        config = literal(binding.config)
        for setting in policy.secret_settings():
            if setting in config:
                about = f"{setting} of {policy.title} on {written.title}"
                config[setting] = variables.add(binding.config[setting], about, written.name, policy.name, setting)
        mode = {} if binding.mode is Mode.ENFORCE else {"mode": str(binding.mode)}
        spec = {
            "targetRef": {"name": written.name},
            "policyRef": {"name": f"{policy.name}{SUFFIX}"},
            "order": binding.order,
            **mode,
            **_rules(binding.rules),
            **({"config": config} if config else {}),
        }
        automated = {"automated": True} if binding.id in written.automated else {}
        yield resource(Kind.POLICY_BINDING, name, spec, annotations=automated)
