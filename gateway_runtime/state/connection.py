"""Connections to the shared storage."""

from __future__ import annotations

import re
import ssl
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from redis.asyncio.connection import (
    AbstractConnection,
    Connection,
    SSLConnection,
    UnixDomainSocketConnection,
    parse_url,
)
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from gateway_runtime.schema.faults import ConfigFault
from gateway_runtime.schema.storage import Sentinels, SharedStorage, StorageTls
from gateway_runtime.state.sentinel import Address, MasterConnection, Masters, SecureMasterConnection
from gateway_runtime.tls.client import client_context

INVALID = "shared_storage_invalid"
SCHEMES = ("redis", "rediss", "unix")
_KNOWN = ("host", "port", "path", "db", "username", "password")
# RESP 2 and no word about the client: every round trip of connecting counts, and Redis 4 knows no other way.
_ALWAYS: dict[str, Any] = {"protocol": 2, "driver_info": None, "socket_timeout": None}

_match_address = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+):([0-9]{1,5})").fullmatch

Connect = Callable[[], AbstractConnection]


def connector(storage: SharedStorage, path: str = "shared_storage") -> Connect:
    """Return what makes connections, not yet opened. Raises `ConfigFault`, which never quotes the URL."""
    try:
        scheme = urlsplit(storage.url).scheme
        given: dict[str, Any] = {**parse_url(storage.url)}
    except ValueError:
        raise ConfigFault(f"{path}.url", INVALID, "This is not the URL of a Redis.") from None
    if scheme not in SCHEMES:
        raise ConfigFault(f"{path}.url", INVALID, f"It must begin with {', '.join(f'{s}://' for s in SCHEMES)}.")
    settings = _ALWAYS | {name: given[name] for name in _KNOWN if name in given}
    context = _context(storage.tls or StorageTls(), f"{path}.tls") if scheme == "rediss" else None
    if storage.sentinels is not None:
        if scheme == "unix":
            raise ConfigFault(f"{path}.url", INVALID, "What Sentinels name is not reached by a path.")
        return _through_sentinels(storage.sentinels, settings, context, f"{path}.sentinels")
    kind: type[AbstractConnection] = {"unix": UnixDomainSocketConnection, "rediss": SSLConnection}.get(
        scheme, Connection
    )
    return lambda: _made(kind, settings, context)


def _made(kind: type[AbstractConnection], settings: dict[str, Any], context: ssl.SSLContext | None) -> Any:
    connection = kind(**settings, retry=Retry(NoBackoff(), 0))
    if isinstance(connection, SSLConnection):
        connection.ssl_context.context = context
    return connection


def _through_sentinels(
    sentinels: Sentinels, settings: dict[str, Any], context: ssl.SSLContext | None, path: str
) -> Connect:
    if not sentinels.master:
        raise ConfigFault(f"{path}.master", INVALID, "This setting is required.")
    addresses = [_address(each, f"{path}.addresses[{index}]") for index, each in enumerate(sentinels.addresses)]
    if not addresses:
        raise ConfigFault(f"{path}.addresses", INVALID, "Give the address of at least one Sentinel.")
    kind: type[AbstractConnection] = Connection if context is None else SSLConnection

    def ask(address: Address) -> AbstractConnection:
        asked = _ALWAYS | {"host": address[0], "port": address[1], "password": sentinels.password or None}
        return _made(kind, asked, context)  # type: ignore[no-any-return]

    masters = Masters(addresses, sentinels.master, ask)

    def connect() -> AbstractConnection:
        connection: MasterConnection | SecureMasterConnection = _made(
            MasterConnection if context is None else SecureMasterConnection, settings, context
        )
        connection.masters = masters
        return connection

    return connect


def _address(text: str, path: str) -> Address:
    found = _match_address(text)
    if found is None or not 1 <= int(found[2]) <= 65_535:
        raise ConfigFault(path, INVALID, f"“{text}” is not an address. Write host:port.")
    return found[1].strip("[]"), int(found[2])


def _context(tls: StorageTls, path: str) -> ssl.SSLContext:
    try:
        context = client_context(tls, path)
    except ConfigFault as fault:
        raise ConfigFault(fault.path, INVALID, fault.message) from None
    if tls.alpn:
        try:
            context.set_alpn_protocols(tls.alpn)
        except (ssl.SSLError, ValueError):
            text = "A protocol has a name of 1 to 255 characters of ASCII."
            raise ConfigFault(f"{path}.alpn", INVALID, text) from None
    return context
