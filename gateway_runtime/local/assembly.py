"""All resources together as one `Document`, the same that the portal publishes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeVar

from msgspec import structs

from gateway_runtime.local.addresses import read_instance_address
from gateway_runtime.local.api_limits import limits_of
from gateway_runtime.local.client_access import ClientAccess
from gateway_runtime.local.deprecation import read_deprecation
from gateway_runtime.local.extensions import Extensions
from gateway_runtime.local.faults import FileFault
from gateway_runtime.local.gateway_settings import GatewaySettings, check_hidden
from gateway_runtime.local.kinds import Kind, PolicyBinding
from gateway_runtime.local.listener_tls import TLS, PortTls
from gateway_runtime.local.policies import (
    find_policy,
    plain_name,
    read_config,
    read_mode,
    refuse_service_binding,
)
from gateway_runtime.local.resources import Resource
from gateway_runtime.local.routes import ROUTES, read_route, read_service
from gateway_runtime.local.rules import read_rules
from gateway_runtime.local.service_credentials import ServiceCredentials
from gateway_runtime.local.service_policies import SERVICE_POLICIES, ServicePolicies
from gateway_runtime.local.sharing import Placed, sharing_faults
from gateway_runtime.schema import document
from gateway_runtime.schema.deprecation import Deprecation
from gateway_runtime.schema.policy import PolicyDefinition

Bound = TypeVar("Bound")

GATEWAY = "local"
FIRST_ORDER = -(2**31) - 1


@dataclass(slots=True)
class Assembled:
    """A document and what it was made of. `notes` are no faults, but somebody should know."""

    document: document.Document
    bindings: dict[str, list[Resource]]
    notes: list[FileFault]


def order_of(binding: PolicyBinding, policy: PolicyDefinition | None) -> int:
    """Return a binding's place in the request direction."""
    if policy is not None and policy.answers_preflight:
        # Browsers ask before they send credentials: what answers them comes before anything that can refuse.
        return FIRST_ORDER
    return binding.order


class Assembly:
    """Makes one document. Every fault that can be found is found, and only then raised."""

    def __init__(
        self,
        resources: Iterable[Resource],
        environment: Mapping[str, str],
        served: Collection[document.Tls] | None = None,
        *,
        for_portal: bool = False,
    ) -> None:
        by_kind: defaultdict[Kind, list[Resource]] = defaultdict(list)
        for resource in resources:
            by_kind[resource.kind].append(resource)
        self._apis = {resource.id: resource for resource in by_kind[Kind.API_INSTANCE]}
        self._services = {resource.id: resource for resource in by_kind[Kind.SERVICE]}
        self._bindings = by_kind[Kind.POLICY_BINDING]
        self._extensions = Extensions(by_kind[Kind.EXTENSION])
        self._has_specifications = for_portal
        self._settings = GatewaySettings(environment)
        self._configurations = by_kind[Kind.CONFIGURATION]
        self._name = environment.get("FLEX_NAME") or GATEWAY
        self._made: dict[str, document.Service] = {}
        self._placed: dict[str, Placed] = {}
        self._deprecated: dict[str, Deprecation | None] = {}
        self._tls = PortTls(served)
        self._on_services = ServicePolicies()
        self._credentials = ServiceCredentials()
        self._access = ClientAccess(by_kind[Kind.CLIENT_APPLICATION], by_kind[Kind.SLA_TIER], self._apis)
        # By instance, in order of definition: (order, route) and (order, policy).
        self._routes: defaultdict[str, list[tuple[int, document.Route]]] = defaultdict(list)
        self._policies: defaultdict[str, list[tuple[int, document.PolicyBinding]]] = defaultdict(list)
        self._bound: defaultdict[str, list[tuple[int, Resource]]] = defaultdict(list)
        self.faults: list[FileFault] = []
        self.notes: list[FileFault] = []

    def assemble(self) -> Assembled:
        """Return the document. Look at `faults` first: with any, it is not whole."""
        self._settings.read(self._configurations)
        self.faults += self._settings.faults
        self.notes += self._settings.notes
        breaker = self._settings.circuit_breaker
        for service in self._services.values():
            self._collect(self._service, service)
            if breaker is not None and service.id in self._made:
                self._made[service.id] = structs.replace(self._made[service.id], circuit_breaker=breaker)
        for api in self._apis.values():
            self._collect(self._place, api)
        self._access.read()
        for binding in self._bindings:
            self._collect(self._bind, binding)
        placed = list(self._placed.values())
        self.faults += [*sharing_faults(placed), *self._settings.probe_faults(placed)]
        self._extensions.check()
        self.faults += self._extensions.faults
        self.notes += self._extensions.notes
        made = document.Document(
            gateway=GATEWAY,
            name=self._name,
            allow_private_targets=True,
            listeners=self._listeners(placed),
            apis=[self._api(each) for each in placed],
            consumers=self._access.consumers,
            contracts=self._access.contracts,
            tiers=self._access.tiers,
            timeouts=self._settings.timeouts(),
            forward_proxy=self._settings.forward_proxy,
            limits=self._settings.limits,
            trusted_proxies=self._settings.trusted_proxies,
            log_level=self._settings.log_level or "info",
            shared_storage=self._settings.shared_storage,
            access_log=self._settings.access_log(),
            probe=self._settings.probe,
            tracing=self._settings.tracing,
            runtime_log_outputs=self._settings.runtime_log_outputs,
            access_log_outputs=self._settings.access_log_outputs,
        )
        self.faults += [*self._credentials.faults, *self._access.faults]
        self.notes += [*self._tls.notes, *self._on_services.notes, *self._access.notes]
        bound = {api: [resource for _, resource in _ordered(found)] for api, found in self._bound.items()}
        return Assembled(made, bound, self.notes)

    def _collect(self, read: Callable[[Resource], None], resource: Resource) -> None:
        try:
            read(resource)
        except FileFault as fault:
            self.faults.append(fault)

    def _place(self, api: Resource) -> None:
        if api.spec.access_log is not None:
            check_hidden(api.spec.access_log.hide, api.place.at("accessLog"))
        self._deprecated[api.id] = read_deprecation(api.spec.deprecation, api.place.at("deprecation"))
        self._placed[api.id] = Placed(api, read_instance_address(api.spec.address, api.place.at("address")))

    def _service(self, resource: Resource) -> None:
        self._made[resource.id] = read_service(resource)

    def _bind(self, binding: Resource) -> None:
        spec: PolicyBinding = binding.spec
        if spec.target_ref.kind == "Service":
            service = self._target(binding, self._services, Kind.SERVICE)
            refuse_service_binding(spec, binding.place, self._extensions, binding.namespace)
            if plain_name(spec.policy_ref.name) not in SERVICE_POLICIES:
                self._credentials.bind(binding, service)
                self._bound[service.id].append((order_of(spec, None), binding))
            elif service.id in self._made:
                self._made[service.id] = self._on_services.bind(binding, self._made[service.id])
                self._bound[f"{Kind.SERVICE} {service.id}"].append((order_of(spec, None), binding))
            return
        targets = list(self._targets(binding))
        if plain_name(spec.policy_ref.name) == TLS:
            read_mode(spec, None, binding.place.at("mode"))
            self._tls.bind(binding, [self._placed[api.id] for api in targets if api.id in self._placed])
            for api in targets:
                self._bound[api.id].append((FIRST_ORDER - 1, binding))
            return
        is_route = spec.policy_ref.name in ROUTES
        policy = None
        if not is_route:
            policy = find_policy(spec, binding.place, self._extensions, binding.namespace)
            config = read_config(
                policy, spec.config, binding.place.at("config"), has_specifications=self._has_specifications
            )
            rules = read_rules(spec.rules, binding.place)
            if policy.whole_api and rules:
                message = f"The policy “{policy.name}” is for a whole API and cannot have rules."
                raise binding.place.at("rules").fault(message)
        mode = read_mode(spec, policy, binding.place.at("mode"))
        order = order_of(spec, policy)
        if policy is not None:
            self._access.note_need(binding, policy, config, mode, targets)
        for api in targets:
            id = f"{api.id} {binding.id}"
            self._bound[api.id].append((order, binding))
            if policy is None:
                self._routes[api.id].append((order, read_route(binding, self._services, id)))
                self._note_base_path(api, binding)
            else:
                made = document.PolicyBinding(
                    id=id, policy=policy.name, order=order, config=config, rules=rules, mode=mode
                )
                self._policies[api.id].append((order, made))
        if not targets and is_route:
            # Nothing is served by it, but what it says should still be right.
            read_route(binding, self._services, binding.id)

    def _targets(self, binding: Resource) -> Iterator[Resource]:
        ref = binding.spec.target_ref
        place = binding.place.at("targetRef")
        if ref.kind != "Selector":
            if ref.selector is not None:
                raise place.at("selector").fault("A selector needs “kind: Selector”.")
            yield self._target(binding, self._apis, Kind.API_INSTANCE)
            return
        if ref.selector is None:
            raise place.at("selector").fault("This setting is required.", "required")
        if ref.name is not None:
            raise place.at("name").fault("A selector has no name. Remove it, or bind to one ApiInstance.")
        wanted = (ref.selector.labels or {}).items()
        found = [
            api
            for api in self._apis.values()
            if wanted <= {**api.labels}.items() and ref.namespace in (None, api.namespace)
        ]
        if not found:
            self.notes.append(place.at("selector").fault("This selects no ApiInstance.", "without_effect"))
        yield from found

    def _target(self, binding: Resource, known: Mapping[str, Resource], kind: Kind) -> Resource:
        ref = binding.spec.target_ref
        place = binding.place.at("targetRef")
        if ref.name is None:
            raise place.at("name").fault("This setting is required.", "required")
        namespace = ref.namespace or binding.namespace
        found = known.get(f"{namespace}/{ref.name}")
        if found is None:
            message = f"There is no {kind} “{ref.name}” in the namespace “{namespace}”."
            raise place.at("name").fault(message, "unknown_target")
        return found

    def _note_base_path(self, api: Resource, binding: Resource) -> None:
        """Tell about a pattern that repeats the base path: it can only match a path that has it twice."""
        placed = self._placed.get(api.id)
        base = placed.address.path if placed else ""
        for index, rule in enumerate(binding.spec.rules or ()):
            if base and (rule.path == base or rule.path.startswith((f"{base}/", f"{base}("))):
                message = f"The base path {base} has been removed before a path is compared. Leave it out here."
                self.notes.append(binding.place.at("rules", index, "path").fault(message, "base_path_repeated"))

    def _listeners(self, placed: Iterable[Placed]) -> list[document.Listener]:
        found: dict[str, document.Listener] = {}
        for each in placed:
            name, address = _listener_id(each), each.address
            try:
                tls = self._tls.of(each)
            except FileFault as fault:
                self.faults.append(fault)
                continue
            found[name] = document.Listener(
                id=name,
                name=name,
                host=address.host,
                port=address.port,
                tls=tls,
                proxy_protocol=self._settings.proxy_protocol,
            )
        return list(found.values())

    def _api(self, placed: Placed) -> document.ApiInstance:
        resource = placed.resource
        routes = _ordered(self._routes[resource.id])
        used = [each for _, route in routes for each in [d.service for d in route.destinations] or [route.service]]
        if not routes:
            message = "It has no services and no route is bound to it, so every request is answered with 404."
            self.notes.append(resource.place.fault(message, "without_effect"))
        return document.ApiInstance(
            id=resource.id,
            name=resource.title,
            listener=_listener_id(placed),
            base_path=placed.address.path,
            services=[self._made[id] for id in dict.fromkeys(used) if id in self._made],
            routes=[route for _, route in routes],
            policies=[
                *(policy for _, policy in _ordered(self._policies[resource.id])),
                *self._credentials.of(resource, used),
            ],
            access_log=self._settings.access_log(resource.spec.access_log),
            limits=limits_of(resource),
            deprecation=self._deprecated.get(resource.id),
        )


def _ordered(found: Iterable[tuple[int, Bound]]) -> list[tuple[int, Bound]]:
    """Sort by order; what has the same one stays in order of definition."""
    return sorted(found, key=lambda pair: pair[0])


def _listener_id(placed: Placed) -> str:
    return f"{placed.address.host}:{placed.address.port}"
