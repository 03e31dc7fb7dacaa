"""A forward proxy: who is reached through it, and the tunnel to services that speak TLS (RFC 9110 section 9.3.6)."""

from __future__ import annotations

import asyncio
import base64
import ipaddress
import re

from gateway_runtime.schema.faults import ConfigFault
from gateway_runtime.schema.upstream import ForwardProxy
from gateway_runtime.upstream.addresses import literal_address
from gateway_runtime.upstream.errors import ADDRESS_REFUSED, PROXY_FAILED, UpstreamError

INVALID = "forward_proxy_invalid"
_HEAD_LIMIT = 16 * 1024
# Names that mean this machine or this network wherever they are resolved.
_LOCAL_ENDINGS = (".localhost", ".local", ".internal", ".localdomain", ".home.arpa")

_match_address = re.compile(r"http://([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::([0-9]{1,5}))?/?").fullmatch
_match_granted = re.compile(rb"HTTP/1\.[01] 2[0-9]{2}[ \r]").match
_match_name = re.compile(r"\.?[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_])?\.?").fullmatch

_Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class Proxy:
    """A checked forward proxy. `credentials` is the value of Proxy-Authorization, empty without any."""

    __slots__ = ("_every", "_names", "_networks", "credentials", "definition", "host", "port")

    def __init__(self, definition: ForwardProxy) -> None:
        """Raise `ConfigFault` where the settings cannot be used."""
        self.definition = definition
        found = _match_address(definition.address)
        if found is None or not 1 <= int(found[2] or 80) <= 65_535:
            # Not quoted: people write passwords into addresses.
            text = (
                "This is not the address of a proxy. Write http://host:port, and credentials as settings of their own."
            )
            raise ConfigFault("forward_proxy.address", INVALID, text)
        self.host = found[1].strip("[]")
        self.port = int(found[2] or 80)
        self.credentials = _credentials(definition)
        self._every = "*" in definition.no_proxy
        self._names: list[str] = []
        self._networks: list[_Network] = []
        for index, entry in enumerate(definition.no_proxy):
            self._add(entry, f"forward_proxy.no_proxy[{index}]")

    def _add(self, entry: str, path: str) -> None:
        try:
            self._networks.append(ipaddress.ip_network(entry, strict=False))
        except ValueError:
            name = entry.removeprefix("*")
            if name and not _match_name(name):
                text = f"“{entry}” is not a host name, an address or a network."
                raise ConfigFault(path, INVALID, text) from None
            if name:
                self._names.append("." + name.strip(".").lower())

    def is_for(self, host: str) -> bool:
        """Tell whether a host is reached through the proxy."""
        if self._every:
            return False
        try:
            address = literal_address(host)
        except UpstreamError:
            # No name and no address: whoever connects to it hears of that.
            return True
        if address is not None:
            ip = ipaddress.ip_address(address)
            return not any(ip in network for network in self._networks)
        dotted = "." + host.rstrip(".").lower()
        return not any(dotted.endswith(name) for name in self._names)


def _credentials(definition: ForwardProxy) -> bytes:
    if not definition.username and not definition.password:
        return b""
    if ":" in definition.username:
        raise ConfigFault("forward_proxy.username", INVALID, "A user name has no colon (RFC 7617).")
    return b"Basic " + base64.b64encode(f"{definition.username}:{definition.password}".encode())


def refuse_local_name(host: str) -> None:
    """Raise `UpstreamError` for a name that a proxy would resolve to itself or to its own network."""
    name = host.rstrip(".").lower()
    if "." not in name or name.endswith(_LOCAL_ENDINGS):
        raise UpstreamError(ADDRESS_REFUSED)


class Tunnel(asyncio.Protocol):
    """Asks a proxy for a tunnel. `granted` ends when the transport is the service's, or raises `UpstreamError`."""

    __slots__ = ("_buffer", "_request", "granted", "transport")

    def __init__(self, authority: bytes, credentials: bytes) -> None:
        lines = [b"CONNECT %s HTTP/1.1" % authority, b"host: " + authority]
        if credentials:
            lines.append(b"proxy-authorization: " + credentials)
        self._request = b"\r\n".join([*lines, b"\r\n"])
        self._buffer = b""
        self.granted: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport: asyncio.Transport = transport  # type: ignore[assignment]
        self.transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0 and len(self._buffer) <= _HEAD_LIMIT:
            return
        # The service speaks TLS and waits for us to begin: what comes behind the head is not from it.
        if end < 0 or end + 4 != len(self._buffer) or not _match_granted(self._buffer):
            self._fail()
        elif not self.granted.done():
            self.transport.pause_reading()
            self.granted.set_result(None)

    def connection_lost(self, error: Exception | None) -> None:
        self._fail()

    def _fail(self) -> None:
        if not self.granted.done():
            self.granted.set_exception(UpstreamError(PROXY_FAILED))
            # Nobody may be waiting any more.
            self.granted.exception()
        self.transport.abort()


def tunnel_authority(host: str, port: int) -> bytes:
    """Return what CONNECT names: always with the port."""
    name = f"[{host}]" if ":" in host else host
    return f"{name}:{port}".encode()
