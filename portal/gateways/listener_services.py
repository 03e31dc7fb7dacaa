"""Changes of listeners: address, port, and how TLS is spoken."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import transaction
from django.utils import timezone

from gateway_runtime.checks import check_tls
from gateway_runtime.schema import document as schema
from gateway_runtime.schema.faults import ConfigFault
from gateway_runtime.schema.written import written_path
from portal.audit.services import audit_record
from portal.audit.undo import undoable
from portal.core.errors import ApplicationError
from portal.core.setting_forms.outline import field_path
from portal.gateways.listener_settings import terms_checked, terms_part
from portal.gateways.models import Certificate, Gateway, Listener, ListenerCertificate, Protocol
from portal.gateways.ports import port_check, probe_port
from portal.gateways.signals import gateway_configuration_changed

EVERY_ADDRESS = "0.0.0.0"  # noqa: S104 - a gateway is there to be reached


@dataclass(frozen=True, slots=True)
class CertificateUse:
    """A certificate for a listener, and the hosts that it is chosen for; none: those it has itself."""

    certificate: Certificate
    names: list[str] = field(default_factory=list)


@undoable("listener")
@transaction.atomic
def listener_create(
    *,
    actor: Any,
    gateway: Gateway,
    port: int,
    name: str = "",
    host: str = "",
    protocol: str = Protocol.HTTP,
    certificates: Sequence[CertificateUse] = (),
    tls: dict[str, Any] | None = None,
    proxy_protocol: bool = False,
) -> Listener:
    """Open a port on a gateway."""
    listener = Listener(
        gateway=gateway,
        port=port,
        host=host.strip() or EVERY_ADDRESS,
        protocol=protocol,
        proxy_protocol=proxy_protocol,
    )
    _port_check(listener)
    listener.name = name.strip() or f"{protocol}-{port}"
    _secure(listener, certificates, tls or {})
    listener.save_checked()
    _certificates_set(listener, certificates)
    audit_record(actor=actor, action="listener.create", target=listener, after=_state(listener))
    gateway_configuration_changed(gateway=gateway, actor=actor, message=f"Opened port {port}")
    return listener


@undoable("listener")
@transaction.atomic
def listener_update(
    *,
    actor: Any,
    listener: Listener,
    port: int | None = None,
    name: str | None = None,
    host: str | None = None,
    protocol: str | None = None,
    certificates: Sequence[CertificateUse] | None = None,
    tls: dict[str, Any] | None = None,
    proxy_protocol: bool | None = None,
) -> Listener:
    """Change a listener; what is None stays. Its APIs move with it to another port."""
    listener = Listener.objects.select_for_update().select_related("gateway__environment").get(pk=listener.pk)
    before = _state(listener)
    if port is not None and port != listener.port:
        listener.port = port
        _port_check(listener)
    if name is not None and name.strip():
        listener.name = name.strip()
    if host is not None:
        listener.host = host.strip() or EVERY_ADDRESS
    if protocol is not None:
        listener.protocol = protocol
    if proxy_protocol is not None:
        listener.proxy_protocol = proxy_protocol
    used = _uses(listener) if certificates is None else certificates
    _secure(listener, used, listener.tls if tls is None else tls)
    listener.save_checked()
    if certificates is not None:
        _certificates_set(listener, certificates)
    after = _state(listener)
    if after == before:
        return listener
    audit_record(actor=actor, action="listener.update", target=listener, before=before, after=after)
    moved = "" if before["port"] == listener.port else f": port {before['port']} → {listener.port}"
    message = f"Changed listener {listener.name}{moved}"
    gateway_configuration_changed(gateway=listener.gateway, actor=actor, message=message)
    return listener


@undoable("listener")
@transaction.atomic
def listener_delete(*, actor: Any, listener: Listener) -> None:
    """Close a port that no API instance uses any more."""
    names = sorted(str(instance) for instance in listener.api_instances.all()[:5])
    if names:
        raise ApplicationError(
            "listener_in_use",
            f"Port {listener.port} still serves {', '.join(names)}. Move or remove these API instances first.",
            status=409,
        )
    gateway, port = listener.gateway, listener.port
    audit_record(actor=actor, action="listener.delete", target=listener, before=_state(listener))
    listener.delete()
    gateway_configuration_changed(gateway=gateway, actor=actor, message=f"Closed port {port}")


def _port_check(listener: Listener) -> None:
    gateway, port = listener.gateway, listener.port
    taken = gateway.listeners.filter(port=port).exclude(pk=listener.pk).first()
    if taken is not None:
        sentence = f"Port {port} is already used by listener {taken.name}. Choose another port or use that listener."
        raise ApplicationError("listener_port_taken", sentence, fields={"port": sentence}, status=409)
    if port == probe_port(gateway):
        sentence = f"Port {port} is that for probes, in the settings of {gateway}. Choose another port."
        raise ApplicationError("listener_port_taken", sentence, fields={"port": sentence}, status=409)
    port_check(port, gateway=gateway)


def _secure(listener: Listener, uses: Sequence[CertificateUse], tls: dict[str, Any]) -> None:
    """Give a listener its TLS. Raises `ApplicationError` where it could not be served like this."""
    listener.tls = terms_checked(tls)
    seen: set[Any] = set()
    for index, use in enumerate(uses):
        if use.certificate.environment_id != listener.gateway.environment_id:
            raise _fault(f"certificates.{index}.certificate", "Choose a certificate of this environment.")
        if use.certificate.pk in seen:
            raise _fault(f"certificates.{index}.certificate", f"{use.certificate} is there twice. Leave one of them.")
        seen.add(use.certificate.pk)
    if listener.protocol != Protocol.HTTPS:
        return
    if not uses:
        raise _fault("certificates", "Choose a certificate: nobody can be served HTTPS without one.")
    served = [
        schema.Certificate(certificate=use.certificate.chain, key=use.certificate.private_key, names=list(use.names))
        for use in uses
    ]
    try:
        check_tls(schema.Tls(certificates=served, **terms_part(listener.tls)), timezone.now())
    except ConfigFault as fault:
        raise _fault(_place(fault.path), fault.message) from None


def _place(path: str) -> str:
    """Return where a fault of the document belongs in form and REST."""
    if not path.startswith("certificates"):
        return f"tls.{field_path(written_path(schema.Tls, path))}"
    head, _, rest = field_path(path).partition(".")
    index, _, inner = rest.partition(".")
    return f"{head}.{index}.{inner if inner.startswith('names') else 'certificate'}"


def _fault(place: str, sentence: str) -> ApplicationError:
    return ApplicationError("listener_tls_invalid", sentence, fields={place: sentence})


def _uses(listener: Listener) -> list[CertificateUse]:
    return [CertificateUse(use.certificate, use.names) for use in listener.certificates.select_related("certificate")]


def _certificates_set(listener: Listener, uses: Sequence[CertificateUse]) -> None:
    listener.certificates.all().delete()
    ListenerCertificate.objects.bulk_create(
        ListenerCertificate(listener=listener, certificate=use.certificate, position=position, names=list(use.names))
        for position, use in enumerate(uses)
    )


def _state(listener: Listener) -> dict[str, Any]:
    return {
        "name": listener.name,
        "host": listener.host,
        "port": listener.port,
        "protocol": str(listener.protocol),
        "certificates": [
            {"certificate": use.certificate.name, **({"names": use.names} if use.names else {})}
            for use in listener.certificates.select_related("certificate")
        ],
        "tls": listener.tls,
        "proxy_protocol": listener.proxy_protocol,
    }
