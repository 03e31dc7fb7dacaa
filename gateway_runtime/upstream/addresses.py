"""Which addresses a gateway may connect to, decided on the resolved address at the moment of connecting."""

from __future__ import annotations

import asyncio
import ipaddress
import socket

from gateway_runtime.upstream.errors import ADDRESS_REFUSED, UNRESOLVED, UpstreamError

_NAT64 = ipaddress.ip_network("64:ff9b::/96")


def is_public(address: str) -> bool:
    """Tell whether an address is one of the open internet: not loopback, private, link-local, multicast or reserved.

    An IPv6 address that carries an IPv4 one is judged by that.
    """
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        if ip.ipv4_mapped is not None:
            ip = ip.ipv4_mapped
        elif ip.sixtofour is not None:
            ip = ip.sixtofour
        elif ip.teredo is not None:
            return False
        elif ip in _NAT64:
            ip = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
    return ip.is_global and not (ip.is_multicast or ip.is_reserved or ip.is_unspecified)


async def resolve(host: str, port: int, *, allow_private: bool) -> list[str]:
    """Return the addresses of a host that may be connected to. Raises `UpstreamError`.

    The caller connects to one of these and never resolves again, so a name cannot change in between.
    """
    try:
        ipaddress.ip_address(host)
    except ValueError:
        loop = asyncio.get_running_loop()
        try:
            found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            raise UpstreamError(UNRESOLVED) from error
        addresses = [str(entry[4][0]) for entry in found]
    else:
        addresses = [host]
    allowed = addresses if allow_private else [address for address in addresses if is_public(address)]
    if not allowed:
        raise UpstreamError(ADDRESS_REFUSED if addresses else UNRESOLVED)
    return list(dict.fromkeys(allowed))
