"""Requests to addresses that people typed, without becoming a door into our own networks.

A name is resolved once, here, and what is connected to is the address that was checked: no second answer of a resolver
can differ. Clients follow no redirect by themselves and use no proxy of the environment.
"""

import socket
from collections.abc import Callable, Mapping
from urllib.parse import urlsplit

import httpx2

from portal.core.addresses import Address, is_private_address, literal_address

PORTS = {"http": 80, "https": 443}
Resolve = Callable[[str, int], list[Address]]


class EgressRefused(Exception):
    """An address that nothing is sent to: `url_invalid`, `url_credentials`, `url_unknown_host` or `url_private`."""

    def __init__(self, code: str, host: str = "") -> None:
        super().__init__(code)
        self.code = code
        self.host = host


def address_faults(url: str) -> str:
    """Return the code of what is wrong with an address that can be told without a resolver; "" for nothing."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return "url_invalid"
    if parts.scheme not in PORTS or not host or port == 0:
        return "url_invalid"
    return "url_credentials" if parts.username or parts.password else ""


def guarded_request(
    method: str,
    url: str,
    *,
    headers: Mapping[str, str],
    allow_private: bool,
    content: bytes | None = None,
    resolve: Resolve | None = None,
) -> httpx2.Request:
    """Return a request to the checked address behind `url`. Raises `EgressRefused`. Asks a resolver, so it may wait."""
    if fault := address_faults(url):
        raise EgressRefused(fault)
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port or PORTS[parts.scheme]
    try:
        host = host.encode("idna").decode() if not host.isascii() else host
        addresses = (resolve or resolved)(host, port)
    except (OSError, UnicodeError):
        addresses = []
    if not addresses:
        raise EgressRefused("url_unknown_host", host[:100])
    if not allow_private and any(is_private_address(address) for address in addresses):
        raise EgressRefused("url_private", host[:100])
    address = addresses[0]
    target = f"[{address}]" if address.version == 6 else str(address)
    return httpx2.Request(
        method,
        httpx2.URL(url).copy_with(host=target, port=port),
        headers={"Host": _authority(host, parts.port), "User-Agent": "Portico", **headers},
        content=content,
        extensions={"sni_hostname": host},
    )


def _authority(host: str, port: int | None) -> str:
    name = f"[{host}]" if ":" in host else host
    return f"{name}:{port}" if port else name


def resolved(host: str, port: int) -> list[Address]:
    """Return the addresses of a host as this machine resolves it."""
    literal = literal_address(host)
    if literal is not None:
        return [literal]
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    addresses = [literal_address(str(entry[4][0])) for entry in found]
    return [address for address in addresses if address is not None]
