"""Bindings of the policy `tls`: what a port speaks TLS with, checked by the same code that serves it."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime
from typing import Literal

from gateway_runtime.local.faults import FileFault
from gateway_runtime.local.place import Place
from gateway_runtime.local.resources import Resource
from gateway_runtime.local.sharing import Placed
from gateway_runtime.local.spelling import usual_spelling
from gateway_runtime.local.tls_settings import InboundTls, read_key
from gateway_runtime.schema.document import Certificate, Tls
from gateway_runtime.schema.faults import ConfigFault
from gateway_runtime.tls.compiled import compile_tls

TLS = "tls"
DEFAULT_ALPN: tuple[Literal["h2", "http/1.1"], ...] = ("h2", "http/1.1")
# Where the settings of the document stand in a file.
_WRITTEN = {
    "certificates[0].certificate": "certificate.crt",
    "certificates[0].key": "certificate.key",
    "min_version": "minversion",
    "max_version": "maxversion",
    "trusted_ca": "trustedCA",
}


class PortTls:
    """The TLS of each port. All instances of a port share it, so it is given once."""

    def __init__(self, served: Collection[Tls] | None) -> None:
        # With these a certificate has been served before: that it has expired since takes nothing out of service.
        self._served = served
        self._by_port: dict[int, tuple[Resource, Tls]] = {}
        # Ports of bindings that could not be read, too: one fault is enough.
        self._bound: set[int] = set()
        self.notes: list[FileFault] = []

    def bind(self, binding: Resource, apis: Collection[Placed]) -> None:
        """Take a binding for the ports of instances. Raises `FileFault`."""
        self._bound |= {api.address.port for api in apis}
        if binding.spec.rules:
            raise binding.place.at("rules").fault("TLS belongs to a port and cannot have rules.")
        if "order" in binding.written:
            message = "TLS comes before every policy: its order is not used."
            self.notes.append(binding.place.at("order").fault(message, "without_effect"))
        tls = self._read(binding, binding.place.at("config"))
        for api in apis:
            self._bind(binding, tls, api)

    def _bind(self, binding: Resource, tls: Tls, api: Placed) -> None:
        if api.address.scheme != "https":
            message = f"The address of {api.shown} begins with http. Write https there to serve it with TLS."
            raise binding.place.at("targetRef").fault(message, "listener_not_tls")
        first, before = self._by_port.setdefault(api.address.port, (binding, tls))
        if before != tls:
            shown = f"“{first.title}” ({first.place.shown})"
            message = f"Port {api.address.port} has the TLS of {shown}. A port has one: bind it once."
            raise binding.place.at("policyRef", "name").fault(message, "listener_tls_twice")

    def _read(self, binding: Resource, place: Place) -> Tls:
        given: InboundTls = place.convert(usual_spelling(binding.spec.config or {}, InboundTls), InboundTls)
        assert given.certificate is not None
        alpn = tuple(given.alpn) if given.alpn else DEFAULT_ALPN
        key = read_key(given.certificate, place.at("certificate"))
        tls = Tls(
            certificates=[Certificate(certificate=given.certificate.crt, key=key)],
            require_client_certificate=given.requireClientCertificate,
            trusted_ca=given.trustedCA,
            min_version=given.minversion,
            max_version=given.maxversion,
            ciphers=given.ciphers or [],
            alpn=alpn,
        )
        self._check(tls, place)
        return tls

    def _check(self, tls: Tls, place: Place) -> None:
        try:
            compile_tls("", tls, "", datetime.now(UTC))
        except ConfigFault as fault:
            try:
                compile_tls("", tls, "", None)
            except ConfigFault:
                raise _at(place, fault) from fault
            # Only its dates are wrong.
            if self._served is not None and tls not in self._served:
                raise _at(place, fault) from fault
            self.notes.append(_at(place, fault))

    def of(self, api: Placed) -> Tls | None:
        """Return what the port of an instance speaks TLS with. Raises `FileFault` where it should and has nothing."""
        found = self._by_port.get(api.address.port)
        if found is not None:
            return found[1]
        if api.address.scheme == "https" and api.address.port not in self._bound:
            raise api.fault(
                "There is no certificate for this port. Bind the policy “tls” to it.", "listener_without_tls"
            )
        return None


def _at(place: Place, fault: ConfigFault) -> FileFault:
    path = fault.path.removeprefix(".")
    return place.inside(_WRITTEN.get(path, path)).fault(fault.message, fault.code)
