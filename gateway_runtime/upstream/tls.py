"""TLS towards services: one context from the settings of a service, made when the configuration is compiled."""

from __future__ import annotations

import ssl
from functools import cache

from gateway_runtime.schema.faults import ConfigFault
from gateway_runtime.schema.upstream import UpstreamTls
from gateway_runtime.tls.client import client_context

INVALID = "service_tls_invalid"
# What is agreed on by what a service is to speak.
_ALPN = {"http1": ["http/1.1"], "http2": ["h2"]}


class ServiceTls:
    """What a pool speaks TLS with. Without `server_name` the target's host is asked for."""

    __slots__ = ("context", "server_name")

    def __init__(self, context: ssl.SSLContext, server_name: str = "") -> None:
        self.context = context
        self.server_name = server_name


@cache
def plain_tls(protocol: str = "http1") -> ServiceTls:
    """Return what is spoken where nothing is set: the machine's authorities, TLS 1.2 and 1.3."""
    context = ssl.create_default_context()
    # A name in a common name is nobody's promise (RFC 9110 section 4.3.4).
    context.hostname_checks_common_name = False
    context.set_alpn_protocols(_ALPN[protocol])
    return ServiceTls(context)


def service_tls(settings: UpstreamTls, path: str, protocol: str = "http1") -> ServiceTls:
    """Make the context of a service. Raises `ConfigFault`; `path` is that of the settings."""
    try:
        return ServiceTls(_context(settings, path, protocol), settings.server_name)
    except ConfigFault as fault:
        raise ConfigFault(fault.path, INVALID, fault.message) from None


def _context(settings: UpstreamTls, path: str, protocol: str) -> ssl.SSLContext:
    context = client_context(settings, path)
    context.set_alpn_protocols(_ALPN[protocol])
    if settings.server_name and not _is_host(settings.server_name):
        raise ConfigFault(f"{path}.server_name", INVALID, f"“{settings.server_name}” is not a host name.")
    return context


def _is_host(name: str) -> bool:
    try:
        return bool(name.encode("idna")) and not any(sign in name for sign in "/:@ *")
    except UnicodeError:
        return False
