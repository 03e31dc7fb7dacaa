"""Connections to the shared storage."""

from __future__ import annotations

import ssl
import warnings
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
from gateway_runtime.schema.storage import SharedStorage, StorageTls
from gateway_runtime.tls.ciphers import UnknownCipher, openssl_names
from gateway_runtime.tls.context import VERSIONS, as_file

INVALID = "shared_storage_invalid"
SCHEMES = ("redis", "rediss", "unix")
_KNOWN = ("host", "port", "path", "db", "username", "password")

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
    kind: type[AbstractConnection] = {"unix": UnixDomainSocketConnection, "rediss": SSLConnection}.get(
        scheme, Connection
    )
    # RESP 2 and no word about the client: every round trip of connecting counts, and Redis 4 knows no other way.
    settings: dict[str, Any] = {name: given[name] for name in _KNOWN if name in given}
    settings |= {"protocol": 2, "driver_info": None, "socket_timeout": None, "retry": Retry(NoBackoff(), 0)}
    context = build_client_context(storage.tls or StorageTls(), f"{path}.tls") if scheme == "rediss" else None

    def connect() -> AbstractConnection:
        connection = kind(**settings)
        if isinstance(connection, SSLConnection):
            connection.ssl_context.context = context
        return connection

    return connect


def build_client_context(tls: StorageTls, path: str) -> ssl.SSLContext:
    """Return the context with which the storage is spoken to. Raises `ConfigFault`."""
    context = ssl.create_default_context() if not tls.trusted_ca else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if tls.skip_validation:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    for name, version in (("min_version", tls.min_version), ("max_version", tls.max_version)):
        if version not in VERSIONS:
            text = f"“{version}” is not a version of TLS that is known here. Use {', '.join(VERSIONS)}."
            raise ConfigFault(f"{path}.{name}", INVALID, text)
    with warnings.catch_warnings():
        # 1.1 is documented for old servers, and somebody has asked for it by name.
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version, context.maximum_version = VERSIONS[tls.min_version], VERSIONS[tls.max_version]
    try:
        if tls.ciphers:
            context.set_ciphers(":".join(openssl_names(tls.ciphers)))
    except (UnknownCipher, ssl.SSLError):
        raise ConfigFault(f"{path}.ciphers", INVALID, "These are not cipher suites that can be used here.") from None
    try:
        if tls.trusted_ca:
            context.load_verify_locations(cadata=tls.trusted_ca)
    except (ssl.SSLError, ValueError):
        raise ConfigFault(f"{path}.trusted_ca", INVALID, "This is not a certificate in PEM form.") from None
    if tls.certificate:
        with as_file(f"{tls.certificate}\n{tls.key}".encode()) as name:
            try:
                context.load_cert_chain(name, password=lambda: "")
            except (ssl.SSLError, ValueError):
                text = "These are not a certificate and its key in PEM form, the key without a passphrase."
                raise ConfigFault(f"{path}.certificate", INVALID, text) from None
    return context
