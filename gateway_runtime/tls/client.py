"""One `ssl.SSLContext` for connections that the gateway makes: to services, and to the shared storage."""

from __future__ import annotations

import ssl
from typing import Protocol

from gateway_runtime.schema.document import Certificate
from gateway_runtime.schema.faults import ConfigFault
from gateway_runtime.tls.context import INVALID, Terms, load_certificate, set_ciphers, set_versions


class ClientTerms(Terms, Protocol):
    """Whom to trust and what to show, besides versions and suites."""

    @property
    def trusted_ca(self) -> str: ...

    @property
    def certificate(self) -> str: ...

    @property
    def key(self) -> str: ...

    @property
    def skip_validation(self) -> bool: ...


def client_context(settings: ClientTerms, path: str) -> ssl.SSLContext:
    """Make a context. Raises `ConfigFault`; `path` is that of the settings."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.options |= ssl.OP_NO_RENEGOTIATION
    # A name in a common name is nobody's promise (RFC 9110 section 4.3.4).
    context.hostname_checks_common_name = False
    set_versions(context, settings, path)
    set_ciphers(context, settings, path)
    if settings.skip_validation:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    _trust(context, settings, path)
    _present(context, settings, path)
    return context


def _trust(context: ssl.SSLContext, settings: ClientTerms, path: str) -> None:
    if not settings.trusted_ca:
        context.load_default_certs()
        return
    try:
        context.load_verify_locations(cadata=settings.trusted_ca)
    except (ssl.SSLError, ValueError):
        raise ConfigFault(f"{path}.trusted_ca", INVALID, "This is not a certificate in PEM form.") from None
    # What is trusted is what is written here, also where it is itself signed by somebody else.
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN


def _present(context: ssl.SSLContext, settings: ClientTerms, path: str) -> None:
    if not settings.certificate and not settings.key:
        return
    if not settings.certificate or not settings.key:
        missing = "key" if settings.certificate else "certificate"
        text = "A client certificate needs its key, and a key its certificate."
        raise ConfigFault(f"{path}.{missing}", INVALID, text)
    from gateway_runtime.tls.certificates import check_certificate

    # Whether it has expired is for the other side to say: a gateway that stops over it would help nobody.
    pair = Certificate(certificate=settings.certificate, key=settings.key)
    load_certificate(context, check_certificate(pair, path, None).pem, path)
