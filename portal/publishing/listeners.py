"""The listeners of a gateway, with their certificates, as the document has them."""

import msgspec
from django.db.models import Prefetch

from gateway_runtime.schema import document as schema
from portal.gateways.listener_settings import terms_part
from portal.gateways.models import Gateway, Listener, ListenerCertificate, Protocol

_USES = ListenerCertificate.objects.select_related("certificate")


def document_listeners(gateway: Gateway) -> list[schema.Listener]:
    """Return the listeners in a fixed order. The number of queries does not depend on how many there are."""
    listeners = gateway.listeners.prefetch_related(Prefetch("certificates", queryset=_USES)).order_by("port", "pk")
    return [
        schema.Listener(
            id=str(listener.pk),
            name=listener.name,
            port=listener.port,
            host=listener.host,
            tls=_tls(listener) if listener.protocol == Protocol.HTTPS else None,
            proxy_protocol=listener.proxy_protocol,
        )
        for listener in listeners
    ]


def with_present_certificates(gateway: Gateway, listeners: list[schema.Listener]) -> list[schema.Listener]:
    """Return listeners as they once were, with the certificates that they have now: a renewed one stays renewed."""
    present = {listener.id: listener.tls for listener in document_listeners(gateway)}
    return [
        msgspec.structs.replace(listener, tls=msgspec.structs.replace(listener.tls, certificates=now.certificates))
        if listener.tls is not None and (now := present.get(listener.id)) is not None
        else listener
        for listener in listeners
    ]


def _tls(listener: Listener) -> schema.Tls:
    certificates = [
        schema.Certificate(certificate=use.certificate.chain, key=use.certificate.private_key, names=use.names)
        for use in listener.certificates.all()
    ]
    return schema.Tls(certificates=certificates, **terms_part(listener.tls))
