"""Which addresses a gateway may connect to, decided on the resolved address at the moment of connecting."""

from __future__ import annotations

import ipaddress
import socket

from gateway_runtime.upstream.errors import ADDRESS_REFUSED, UNRESOLVED, UpstreamError

_NAT64 = ipaddress.ip_network("64:ff9b::/96")
# Not for the open internet, though the standard library does not say so: site-local addresses of before (RFC 3879), and
# what translates to IPv4 inside a network (RFC 8215).
_INNER = (ipaddress.ip_network("fec0::/10"), ipaddress.ip_network("64:ff9b:1::/48"))


def carried_address(address: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    """Return an address, of an IPv6 one that only carries an IPv4 one that one: they lead to the same place."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        if ip.ipv4_mapped is not None:
            return ip.ipv4_mapped
        if ip.sixtofour is not None:
            return ip.sixtofour
        if ip in _NAT64:
            return ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
    return ip


def is_public(address: str) -> bool:
    """Tell whether an address is one of the open internet: not loopback, private, link-local, multicast or reserved.

    An IPv6 address that carries an IPv4 one is judged by that.
    """
    ip = carried_address(address)
    if isinstance(ip, ipaddress.IPv6Address) and (ip.teredo is not None or any(ip in inner for inner in _INNER)):
        return False
    return ip.is_global and not (ip.is_multicast or ip.is_reserved or ip.is_unspecified)


def literal_address(host: str) -> str | None:
    """Return the address that a host is, in whatever spelling, or None for a name. Raises `UpstreamError`.

    A host whose last label is a number is an IPv4 address or nothing: `127.1` and `0x7f.1` are spellings of one, and no
    resolver is asked what it makes of them.
    """
    try:
        ipaddress.ip_address(host)
        return host
    except ValueError:
        pass
    last = host.rstrip(".").rpartition(".")[2].lower()
    if not last.isdigit() and not last.startswith("0x"):
        return None
    try:
        return socket.inet_ntoa(socket.inet_aton(host.rstrip(".")))
    except OSError as error:
        raise UpstreamError(UNRESOLVED) from error


def allowed_addresses(addresses: list[str], *, allow_private: bool) -> list[str]:
    """Return those that may be connected to. Raises `UpstreamError` when there is none.

    The caller connects to one of these and never resolves again, so a name cannot change in between. Addresses out of
    a cache are judged anew each time.
    """
    found = addresses if allow_private else [address for address in addresses if is_public(address)]
    if not found:
        raise UpstreamError(ADDRESS_REFUSED if addresses else UNRESOLVED)
    return list(dict.fromkeys(found))
