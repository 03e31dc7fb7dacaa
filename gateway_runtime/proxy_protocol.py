"""The PROXY protocol, versions 1 and 2: a load balancer says where a connection comes from before anything else.

https://www.haproxy.org/download/3.0/doc/proxy-protocol.txt, read strictly: what is not exactly a header is none.
"""

from __future__ import annotations

import ipaddress
import re
import struct
from typing import NamedTuple

_V1_START = b"PROXY "
# Two addresses and ports of IPv6, or text behind UNKNOWN that nobody reads, with the line end.
_V1_BYTES = 107
_V2_START = b"\r\n\r\n\0\r\nQUIT\n"
_V2_FIXED = struct.Struct(">12sBBH")
# The addresses and more extensions than balancers send. They are skipped, so they must not be endless.
_V2_BYTES = 4096

_match_v1 = re.compile(
    rb"PROXY (?:UNKNOWN(?: [ -~]*)?|TCP([46]) ([0-9A-Fa-f:.]{2,45}) ([0-9A-Fa-f:.]{2,45})"
    rb" (0|[1-9][0-9]{0,4}) (0|[1-9][0-9]{0,4}))\r\n"
).fullmatch
_PORTS = 65536
_LOCAL, _PROXY = 0x20, 0x21
# By family and transport: how long the addresses are, and how much of that is the source's, 0 where it is no address.
_FAMILIES = {0x00: (0, 0), 0x11: (12, 4), 0x21: (36, 16), 0x31: (216, 0)}


class ProxyHeaderError(Exception):
    """The bytes do not begin with a PROXY header."""


class ProxyHeader(NamedTuple):
    """A whole header: how many bytes it has, and where the connection comes from, empty where it does not say."""

    size: int
    source: str


def read_header(data: bytes) -> ProxyHeader | None:
    """Return the header at the beginning of `data`, None while it is not whole. Raises `ProxyHeaderError`."""
    if data.startswith(_V2_START[: len(data)]):
        return _read_v2(data) if len(data) >= _V2_FIXED.size else None
    if not data.startswith(_V1_START[: len(data)]):
        raise ProxyHeaderError
    end = data.find(b"\n", 0, _V1_BYTES) + 1
    if not end:
        # A bare CR, or one that is not followed by LF, would end the header for some and not for others.
        if len(data) >= _V1_BYTES or b"\r" in data[:-1]:
            raise ProxyHeaderError
        return None
    return _read_v1(data[:end])


def _read_v1(line: bytes) -> ProxyHeader:
    found = _match_v1(line)
    if found is None:
        raise ProxyHeaderError
    version, source, destination, *ports = found.groups()
    if version is None:
        return ProxyHeader(len(line), "")
    if any(int(port) >= _PORTS for port in ports):
        raise ProxyHeaderError
    try:
        addresses = [ipaddress.ip_address(text.decode()) for text in (source, destination)]
    except ValueError:
        raise ProxyHeaderError from None
    if any(address.version != int(version) for address in addresses):
        raise ProxyHeaderError
    return ProxyHeader(len(line), _plain(addresses[0]))


def _read_v2(data: bytes) -> ProxyHeader | None:
    _, command, family, length = _V2_FIXED.unpack_from(data)
    size = _V2_FIXED.size + length
    if command not in (_LOCAL, _PROXY) or size > _V2_BYTES:
        raise ProxyHeaderError
    if command == _LOCAL:
        # The balancer speaks for itself, as for a health check: what else stands there is not looked at.
        return ProxyHeader(size, "") if len(data) >= size else None
    if family not in _FAMILIES:
        raise ProxyHeaderError
    both, one = _FAMILIES[family]
    if length < both:
        raise ProxyHeaderError
    if len(data) < size:
        return None
    source = data[_V2_FIXED.size : _V2_FIXED.size + one]
    return ProxyHeader(size, _plain(ipaddress.ip_address(source)) if one else "")


def _plain(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> str:
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return str(mapped or address)
