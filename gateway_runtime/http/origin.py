"""For whom a trusted proxy asks: `X-Forwarded-*` or `Forwarded` (RFC 7239), read from the right and never further
than the first address that nobody vouches for.

Whatever cannot be read ends the reading: then the last address that could be read is the client, at worst the proxy.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

from gateway_runtime.http.framing import line_field
from gateway_runtime.http.target import parse_host

_HOPS = 32
_ADDRESSES_KNOWN = 4096
_PORTS = 65536

_match_port = re.compile(rb"[1-9][0-9]{0,4}").fullmatch
# A node with its port, which may be obfuscated: brackets are needed around IPv6 only in `Forwarded`.
_match_node = re.compile(
    rb"(?:\[([0-9A-Fa-f:.]{2,45})\]|([0-9.]{7,15}))(?::(?:[0-9]{1,5}|_[A-Za-z0-9._-]+))?"
).fullmatch
_match_bare = re.compile(rb"[0-9A-Fa-f:.]{2,45}").fullmatch
_TOKEN = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
_match_pair = re.compile(
    rb"[ \t]*(?:(" + _TOKEN + rb")=(?:(" + _TOKEN + rb')|"((?:[\t !#-\[\]-~]|\\[\t -~])*)"))?[ \t]*([;,]|\Z)'
).match


class Origin(NamedTuple):
    """The client, then the proxies behind it; and what the client has asked for, empty where nobody says."""

    chain: tuple[str, ...]
    scheme: bytes = b""
    host: bytes = b""
    port: bytes = b""

    @property
    def client(self) -> str:
        """The address of the client."""
        return self.chain[0]


class TrustedProxies:
    """The networks whose word counts, and in which header they give it. Raises `ValueError` for a bad network."""

    def __init__(
        self, networks: Iterable[str], *, header: str = "x-forwarded-for", send_forwarded: bool = False
    ) -> None:
        nets = tuple(ipaddress.ip_network(network) for network in networks)
        self.send_forwarded = send_forwarded
        self._standard = header == "forwarded"

        @lru_cache(maxsize=_ADDRESSES_KNOWN)
        def trusts(address: str) -> bool:
            try:
                ip = ipaddress.ip_address(address)
            except ValueError:
                return False
            return any(ip in net for net in nets)

        self._trusts = trusts

    def __contains__(self, address: str) -> bool:
        """Tell whether this is one of them."""
        return self._trusts(address)

    def origin(self, lines: Iterable[bytes], proxy: str) -> Origin:
        """Return for whom a trusted proxy asks with these lines."""
        given: dict[bytes, list[bytes]] = {}
        for line in lines:
            name, value = line_field(line)
            given.setdefault(name, []).append(value)
        if self._standard:
            return self._from_forwarded(given, proxy)
        nodes = [node.strip(b" \t") for value in given.get(b"x-forwarded-for", ()) for node in value.split(b",")]
        chain = self._walk([_address(node, bare=True) for node in nodes if node], proxy)
        scheme = _scheme(_only(given, b"x-forwarded-proto"))
        port = _only(given, b"x-forwarded-port")
        return Origin(
            chain,
            scheme,
            _host(_only(given, b"x-forwarded-host"), scheme),
            port if _match_port(port) and int(port) < _PORTS else b"",
        )

    def _from_forwarded(self, given: dict[bytes, list[bytes]], proxy: str) -> Origin:
        elements = _read_forwarded(b",".join(given.get(b"forwarded", ())))
        nodes = [_address(element.get(b"for", b""), bare=False) for element in elements]
        chain = self._walk(nodes, proxy)
        if len(chain) == 1:
            return Origin(chain)
        # Said by the proxy which the client has asked.
        said = elements[1 - len(chain)]
        scheme = _scheme(said.get(b"proto", b""))
        return Origin(chain, scheme, _host(said.get(b"host", b""), scheme))

    def _walk(self, nodes: Sequence[str], proxy: str) -> tuple[str, ...]:
        chain = [proxy]
        for node in reversed(nodes[-_HOPS:]):
            if not node:
                break
            chain.append(node)
            if node not in self:
                break
        return tuple(reversed(chain))


def forwarded_element_list(chain: Sequence[str], scheme: bytes) -> bytes:
    """Return a `Forwarded` header line for a chain of addresses."""
    nodes = [f'for="[{address}]"' if ":" in address else f"for={address}" for address in chain]
    nodes[0] += f";proto={scheme.decode()}"
    return b"forwarded: " + ", ".join(nodes).encode()


def _only(given: dict[bytes, list[bytes]], name: bytes) -> bytes:
    values = given.get(name, [])
    return values[0] if len(values) == 1 else b""


def _scheme(value: bytes) -> bytes:
    value = value.lower()
    return value if value in (b"http", b"https") else b""


def _host(value: bytes, scheme: bytes) -> bytes:
    parsed = parse_host(value, secure=scheme == b"https")
    return b"" if parsed is None else parsed[1]


def _address(node: bytes, *, bare: bool) -> str:
    """Return the address of a node in its usual form, empty where it has none or none that can be read."""
    found = _match_node(node)
    if found is not None:
        text = found[1] or found[2]
        if (found[1] is not None) != (b":" in text):
            return ""
    elif bare and _match_bare(node):
        text = node
    else:
        return ""
    try:
        ip = ipaddress.ip_address(text.decode())
    except ValueError:
        return ""
    mapped = ip.ipv4_mapped if isinstance(ip, ipaddress.IPv6Address) else None
    return str(mapped or ip)


def _read_forwarded(value: bytes) -> list[dict[bytes, bytes]]:
    """Return the elements with their parameters; none at all where one of them is not as RFC 7239 has it."""
    elements: list[dict[bytes, bytes]] = []
    element: dict[bytes, bytes] = {}
    for name, text, end in _pairs(value):
        if end == b"?" or name in element:
            return []
        if name:
            element[name] = text
        if end != b";":
            if element:  # a list may have empty elements
                elements.append(element)
            element = {}
    return elements


def _pairs(value: bytes) -> Iterator[tuple[bytes, bytes, bytes]]:
    """Yield name, value and what ends each pair; “?” where it cannot be read."""
    position = 0
    while position <= len(value):
        found = _match_pair(value, position)
        if found is None:
            yield b"", b"", b"?"
            return
        name, token, quoted, end = found.groups()
        text = token if token is not None else re.sub(rb"\\(.)", rb"\1", quoted) if quoted is not None else b""
        yield (name or b"").lower(), text, end
        position = found.end() if end else len(value) + 1
