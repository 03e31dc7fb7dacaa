"""Limits of a document, checked, as the engine takes them."""

from __future__ import annotations

import ipaddress
import socket
from typing import Any

import msgspec

from gateway_runtime.http.limits import ApiLimits, Limits
from gateway_runtime.http.origin import TrustedProxies
from gateway_runtime.http.via import pseudonym_of
from gateway_runtime.schema import limits as schema
from gateway_runtime.schema.document import ApiInstance, Surroundings
from gateway_runtime.schema.faults import ConfigFault

INVALID = "invalid_limit"
LONGEST_SECONDS = 86_400
# What a request needs at least, and what one of them may make a worker hold at most.
_BYTES = {
    "header_bytes": (1024, 1 << 20),
    "url_bytes": (256, 1 << 19),
    "buffered_body_bytes": (1024, 1 << 30),
    "body_bytes": (0, 1 << 50),
    "connections": (0, 1 << 20),
    "connections_per_address": (0, 1 << 20),
}
# The gateway of files has no name of its own that no other one has.
_LOCAL_GATEWAY = "local"


def gateway_limits(document: Surroundings) -> Limits:
    """Return the limits of a gateway. Raises `ConfigFault`."""
    given, timeouts = document.limits, document.timeouts
    _check(given, "limits")
    _check(timeouts, "timeouts")
    return Limits(
        header_bytes=given.header_bytes,
        target_bytes=given.url_bytes,
        header_seconds=given.header_seconds,
        body_seconds=given.body_seconds,
        keep_alive_seconds=given.keep_alive_seconds,
        connect_seconds=given.connect_seconds,
        buffered_body_bytes=given.buffered_body_bytes,
        connections=given.connections,
        connections_per_address=given.connections_per_address,
        stream_seconds=timeouts.stream_idle_seconds,
        upstream_idle_seconds=timeouts.upstream_connection_idle_seconds,
        response_seconds=timeouts.upstream_response_seconds,
    )


def api_limits(api: ApiInstance) -> ApiLimits | None:
    """Return the limits of an API, None where it has none of its own. Raises `ConfigFault`."""
    if api.limits == schema.ApiLimits():
        return None
    _check(api.limits, "limits")
    return ApiLimits(
        response_seconds=api.limits.response_seconds,
        stream_seconds=api.limits.stream_idle_seconds,
        body_bytes=api.limits.body_bytes,
        buffered_body_bytes=api.limits.buffered_body_bytes,
    )


def most_buffered(document: Surroundings, api: ApiInstance) -> int:
    """Return how much of a body may be kept for a policy of an API."""
    own = api.limits.buffered_body_bytes
    return document.limits.buffered_body_bytes if own is None else own


def trusted_proxies(document: Surroundings) -> TrustedProxies | None:
    """Return whose word about callers counts, None where nobody's does. Raises `ConfigFault`."""
    given = document.trusted_proxies
    try:
        check_proxies(given)
    except ConfigFault as fault:
        raise ConfigFault(f"trusted_proxies.{fault.path}", fault.code, fault.message) from fault
    if not given.networks:
        return None
    return TrustedProxies(given.networks, header=given.header, send_forwarded=given.send_forwarded)


def check_proxies(given: schema.TrustedProxies) -> None:
    """Raise `ConfigFault` for a network or a header that is none."""
    if given.header not in schema.FORWARDED_HEADERS:
        message = f"It is one of {' and '.join(schema.FORWARDED_HEADERS)}, not “{given.header}”."
        raise ConfigFault("header", INVALID, message)
    for index, network in enumerate(given.networks):
        try:
            ipaddress.ip_network(network)
        except ValueError:
            message = f"“{network}” is no network such as 10.0.0.0/8 or 2001:db8::/32, with no bit behind its length."
            raise ConfigFault(f"networks[{index}]", INVALID, message) from None


def pseudonym(document: Surroundings) -> bytes:
    """Return what a gateway calls itself in `Via`, the same in all of its replicas.

    A gateway of files is told from others by its machine and its ports.
    """
    if document.gateway != _LOCAL_GATEWAY:
        return pseudonym_of(document.gateway)
    ports = sorted(str(listener.port) for listener in document.listeners)
    return pseudonym_of(document.name, socket.gethostname(), *ports)


def _check(given: msgspec.Struct, path: str) -> None:
    for field in msgspec.structs.fields(given):
        value: Any = getattr(given, field.name)
        if value is None:
            continue
        here = f"{path}.{field.encode_name}"
        if field.name in _BYTES:
            low, high = _BYTES[field.name]
            if not low <= value <= high:
                raise ConfigFault(here, INVALID, f"It must be from {low} to {high}, not {value}.")
        elif not 0 < value <= LONGEST_SECONDS:
            raise ConfigFault(
                here, INVALID, f"It must be more than 0 and at most {LONGEST_SECONDS} seconds, not {value}."
            )
