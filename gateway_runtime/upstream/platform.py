"""The platform's own hosts and ports: never connected to for an API, wherever private addresses are allowed."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterable
from urllib.parse import urlsplit

from gateway_runtime.schema.platform import PlatformAddress
from gateway_runtime.schema.storage import SharedStorage
from gateway_runtime.upstream.addresses import carried_address, literal_address
from gateway_runtime.upstream.errors import ADDRESS_REFUSED, UpstreamError
from gateway_runtime.upstream.resolving import Resolver

REDIS_PORT = 6379


class Platform:
    """Judges resolved addresses. Only a port that the platform has costs more than one look."""

    __slots__ = ("_hosts", "addresses")

    def __init__(self, addresses: Iterable[PlatformAddress]) -> None:
        self.addresses = frozenset(addresses)
        self._hosts: dict[int, set[str]] = {}
        for each in self.addresses:
            self._hosts.setdefault(each.port, set()).add(_plain(each.host))

    def has(self, host: str, port: int) -> bool:
        """Tell whether this is one of them as it is written, for those who do not resolve names themselves."""
        return _plain(host) in self._hosts.get(port, ())

    async def others(self, host: str, found: list[str], port: int, resolver: Resolver) -> list[str]:
        """Return the addresses of a host that are not the platform's at this port. Raises `UpstreamError`."""
        hosts = self._hosts.get(port)
        if hosts is None:
            return found
        if self.has(host, port):
            raise UpstreamError(ADDRESS_REFUSED)
        own = {carried_address(each) for name in hosts for each in await _resolved(name, resolver)}
        here = any(address.is_loopback or address.is_unspecified for address in own)
        rest = [each for each in found if carried_address(each) not in own and not (here and _is_here(each))]
        if not rest:
            raise UpstreamError(ADDRESS_REFUSED)
        return rest


NO_PLATFORM = Platform(())


def platform_of(addresses: Iterable[PlatformAddress], storage: SharedStorage | None) -> Platform:
    """Return the platform of a document, with the storage that the registration names."""
    url = urlsplit(storage.url) if storage is not None else None
    if url is None or not url.hostname:
        return Platform(addresses)
    return Platform([*addresses, PlatformAddress(host=url.hostname, port=url.port or REDIS_PORT)])


async def _resolved(name: str, resolver: Resolver) -> list[str]:
    try:
        address = literal_address(name)
        return [address] if address is not None else await resolver.resolve(name)
    except UpstreamError:
        # Where nobody knows it, there is nothing that could be reached by another name.
        return []


def _plain(host: str) -> str:
    """Return a host in one spelling."""
    name = host.rstrip(".").lower()
    try:
        address = literal_address(name)
    except UpstreamError:
        return name
    return name if address is None else str(carried_address(address))


def _is_here(address: str) -> bool:
    """Tell whether an address is one of this machine. Nothing is sent."""
    ip = carried_address(address)
    if ip.is_loopback or ip.is_unspecified:
        return True
    with socket.socket(socket.AF_INET6 if ip.version == 6 else socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect((str(ip), 9))
            return ipaddress.ip_address(probe.getsockname()[0]) == ip
        except OSError:
            return False
