"""One `ssl.SSLContext` from the settings of a listener and one of its certificates."""

from __future__ import annotations

import os
import ssl
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from gateway_runtime.schema.document import Tls
from gateway_runtime.schema.faults import ConfigFault
from gateway_runtime.tls.ciphers import UnknownCipher, openssl_names

INVALID = "listener_tls_invalid"
VERSIONS = {"1.1": ssl.TLSVersion.TLSv1_1, "1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}
# What the gateway can speak. The order is the listener's own, and the first that the caller knows too is taken.
PROTOCOLS = ("h2", "http/1.1")


class Terms(Protocol):
    """Versions and suites, of a listener or of a service."""

    @property
    def min_version(self) -> str: ...

    @property
    def max_version(self) -> str: ...

    @property
    def ciphers(self) -> list[str]: ...


def build_context(tls: Tls, path: str) -> ssl.SSLContext:
    """Return a context without certificate. Raises `ConfigFault`; `path` is that of the settings."""
    # It has its own random key for session tickets, so no session goes from one listener or revision to another one
    # that asks for client certificates.
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.options |= ssl.OP_NO_RENEGOTIATION
    set_versions(context, tls, path)
    set_ciphers(context, tls, path)
    _set_trust(context, tls, path)
    protocols = [name for name in tls.alpn if name in PROTOCOLS]
    if protocols:
        context.set_alpn_protocols(protocols)
    return context


def load_certificate(context: ssl.SSLContext, pem: bytes, path: str) -> None:
    """Give a context its certificate, chain and key. Raises `ConfigFault`."""
    with as_file(pem) as name:
        try:
            context.load_cert_chain(name)
        except ssl.SSLError as error:
            text = f"TLS cannot be served with this certificate ({_reason(error)})."
            raise ConfigFault(f"{path}.certificate", INVALID, text) from None


def set_versions(context: ssl.SSLContext, tls: Terms, path: str) -> None:
    """Allow the versions from the lowest to the highest. Raises `ConfigFault`."""
    for name, version in (("min_version", tls.min_version), ("max_version", tls.max_version)):
        if version not in VERSIONS:
            text = f"“{version}” is not a version of TLS that is known here. Use {', '.join(VERSIONS)}."
            raise ConfigFault(f"{path}.{name}", INVALID, text)
    if VERSIONS[tls.min_version] > VERSIONS[tls.max_version]:
        text = f"The lowest version {tls.min_version} is above the highest {tls.max_version}."
        raise ConfigFault(f"{path}.min_version", INVALID, text)
    with warnings.catch_warnings():
        # 1.1 is documented for old clients, and somebody has asked for it by name.
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = VERSIONS[tls.min_version]
        context.maximum_version = VERSIONS[tls.max_version]


def set_ciphers(context: ssl.SSLContext, tls: Terms, path: str) -> None:
    """Allow the listed suites, or the default ones. Raises `ConfigFault`."""
    try:
        names = openssl_names(tls.ciphers)
    except UnknownCipher as error:
        raise ConfigFault(f"{path}.ciphers[{error.index}]", INVALID, str(error)) from None
    if tls.min_version == "1.1" and not tls.ciphers:
        text = "Version 1.1 has no default cipher suites, so they must be listed."
        raise ConfigFault(f"{path}.ciphers", INVALID, text)
    if tls.min_version == "1.3":
        return
    # OpenSSL takes the signatures of 1.1 for insecure, as they are.
    level = ["@SECLEVEL=0"] if tls.min_version == "1.1" else []
    try:
        context.set_ciphers(":".join([*names, *level] if names else [""]))
    except ssl.SSLError:
        text = "None of these cipher suites can be used here. Add one that needs no pre-shared key and is not outdated."
        raise ConfigFault(f"{path}.ciphers", INVALID, text) from None


def _set_trust(context: ssl.SSLContext, tls: Tls, path: str) -> None:
    if not tls.trusted_ca:
        if tls.require_client_certificate:
            text = "Client certificates need a trusted CA to be checked with."
            raise ConfigFault(f"{path}.trusted_ca", INVALID, text)
        return
    try:
        context.load_verify_locations(cadata=tls.trusted_ca)
    except (ssl.SSLError, ValueError):
        raise ConfigFault(f"{path}.trusted_ca", INVALID, "This is not a certificate in PEM form.") from None
    context.verify_mode = ssl.CERT_REQUIRED if tls.require_client_certificate else ssl.CERT_OPTIONAL
    # What is trusted is what is written here, also where it is itself signed by somebody else.
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN


@contextmanager
def as_file(content: bytes) -> Iterator[str]:
    """Give a path to content: `ssl` reads certificates from files only. Where possible no key gets onto a disk."""
    if not hasattr(os, "memfd_create"):
        with tempfile.NamedTemporaryFile() as file:
            file.write(content)
            file.flush()
            yield file.name
        return
    with open(os.memfd_create("certificate"), "wb") as file:
        file.write(content)
        file.flush()
        yield f"/proc/self/fd/{file.fileno()}"


def _reason(error: ssl.SSLError) -> str:
    return (error.reason or "unknown reason").replace("_", " ").lower()
