"""Policies that are bound to a Service: they are settings of the way to it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from msgspec import structs

from gateway_runtime.local.faults import FileFault
from gateway_runtime.local.place import Place
from gateway_runtime.local.policies import plain_name
from gateway_runtime.local.resources import Resource
from gateway_runtime.local.spelling import usual_spelling
from gateway_runtime.local.tls_settings import OutboundTls, read_key
from gateway_runtime.policies import circuit_breaker, idle_timeout
from gateway_runtime.schema import document, upstream
from gateway_runtime.schema.faults import ConfigFault
from gateway_runtime.upstream.tls import service_tls

TLS_OUTBOUND = "tls-outbound"
# An addition: the documents have no word for the authorities that the machine trusts.
MACHINE = "machine"
# Where the settings of the document stand in a file.
_WRITTEN = {
    "certificate": "certificate.crt",
    "key": "certificate.key",
    "min_version": "minversion",
    "max_version": "maxversion",
    "trusted_ca": "trustedCA",
    "server_name": "serverName",
}

Read = Callable[["ServicePolicies", Any, Place, document.Service], document.Service]


class ServicePolicies:
    """What is bound to each Service. `notes` are no faults, but somebody should know."""

    def __init__(self) -> None:
        self._bound: dict[tuple[str, str], Resource] = {}
        self.notes: list[FileFault] = []

    def bind(self, binding: Resource, service: document.Service) -> document.Service:
        """Return the service as the binding makes it. Raises `FileFault`."""
        name = plain_name(binding.spec.policy_ref.name)
        first = self._bound.setdefault((service.id, name), binding)
        if first is not binding:
            shown = f"“{first.title}” ({first.place.shown})"
            message = f"“{service.name}” has the policy “{name}” of {shown} already. Keep one of them."
            raise binding.place.at("targetRef").fault(message, "policy_twice")
        if binding.spec.rules:
            message = f"The policy “{name}” is for a whole Service and cannot have rules."
            raise binding.place.at("rules").fault(message)
        if "order" in binding.written:
            message = "Policies of a Service have no order: it is not used."
            self.notes.append(binding.place.at("order").fault(message, "without_effect"))
        return _READ[name](self, binding.spec.config or {}, binding.place.at("config"), service)

    def _tls(self, config: Any, place: Place, service: document.Service) -> document.Service:
        given: OutboundTls = place.convert(usual_spelling(config, OutboundTls), OutboundTls)
        if service.scheme != "https":
            message = f"The address of “{service.name}” begins with http. Write https there to speak TLS to it."
            raise place.fault(message, "service_not_tls")
        if given.alpn and "http/1.1" not in given.alpn:
            service = structs.replace(service, protocol="http2")
        pair = given.certificate
        tls = upstream.UpstreamTls(
            trusted_ca="" if given.trustedCA == MACHINE else given.trustedCA,
            certificate=pair.crt if pair else "",
            key=read_key(pair, place.at("certificate")) if pair else "",
            server_name=given.serverName,
            skip_validation=given.skipValidation,
            min_version=given.minversion,
            max_version=given.maxversion,
            ciphers=given.ciphers or [],
        )
        try:
            service_tls(tls, "")
        except ConfigFault as fault_:
            path = fault_.path.removeprefix(".")
            raise place.inside(_WRITTEN.get(path, path)).fault(fault_.message, fault_.code) from fault_
        return structs.replace(service, tls=tls)

    def _breaker(self, config: Any, place: Place, service: document.Service) -> document.Service:
        given: circuit_breaker.Config = place.convert(config, circuit_breaker.Config)
        return structs.replace(service, circuit_breaker=read_breaker(given, place, self.notes))

    def _idle(self, config: Any, place: Place, service: document.Service) -> document.Service:
        given: idle_timeout.Config = place.convert(config, idle_timeout.Config)
        timeouts = structs.replace(service.timeouts, connection_idle_seconds=given.timeout)
        return structs.replace(service, timeouts=timeouts)


def read_breaker(given: circuit_breaker.Config, place: Place, notes: list[FileFault]) -> upstream.CircuitBreaker:
    """Return ceilings as the document has them, and tell which of them is not used."""
    if given.thresholds.max_connection_pools is not None:
        message = "This gateway has one pool of connections for each target: this is not used."
        notes.append(place.at("thresholds", "maxConnectionPools").fault(message, "without_effect"))
    return given.breaker()


_READ: dict[str, Read] = {
    TLS_OUTBOUND: ServicePolicies._tls,
    "circuit-breaker": ServicePolicies._breaker,
    "idle-timeout": ServicePolicies._idle,
}
SERVICE_POLICIES = frozenset(_READ)
