"""Taking connections one by one, where something has to happen before the first byte of HTTP or TLS is read.

The event loop's own server is faster, by some 30 µs a connection, but it begins the TLS handshake before anybody can
look at the socket. So this is for listeners with TLS, where a connection that is one too many must not cost a
handshake, and for those behind a load balancer that sends the PROXY protocol first, which costs another 50 µs.
"""

from __future__ import annotations

import asyncio
import errno
import socket
import ssl
from typing import TYPE_CHECKING

from gateway_runtime.http.protocol import ClientConnection
from gateway_runtime.http2.negotiation import Negotiated
from gateway_runtime.proxy_protocol import ProxyHeader, ProxyHeaderError, read_header
from gateway_runtime.tasks import spawn
from gateway_runtime.tls.handshake import HANDSHAKE_SECONDS

if TYPE_CHECKING:
    from gateway_runtime.http.state import WorkerState
    from gateway_runtime.tls.handshake import SwitchedContext

PROXY_HEADER_SECONDS = 5.0
# At once, so that those who are connected get their turn, too.
_TAKEN_AT_ONCE = 64
_HEADER_PIECE = 4096
_RETRY_SECONDS = 0.5
_EXHAUSTED = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})


async def bind_sockets(host: str, port: int) -> list[socket.socket]:
    """Take a port on every address of a host, shared with the other workers. Raises `OSError`."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    opened: list[socket.socket] = []
    try:
        for family, _, _, _, address in dict.fromkeys(found):
            listening = socket.socket(family, socket.SOCK_STREAM)
            opened.append(listening)
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            if family == socket.AF_INET6:
                listening.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            listening.setblocking(False)
            listening.bind(address)
    except OSError:
        for listening in opened:
            listening.close()
        raise
    return opened


class Acceptor:
    """Accepts on sockets, as an `asyncio.Server` does, once told to begin. `port` is that of the routing tables."""

    __slots__ = ("_backlog", "_context", "_loop", "_proxied", "_state", "port", "sockets")

    def __init__(
        self,
        sockets: list[socket.socket],
        state: WorkerState,
        port: int,
        context: SwitchedContext | None,
        *,
        proxied: bool,
        backlog: int,
    ) -> None:
        self.sockets = sockets
        self._backlog = backlog
        self.port = port
        self._state = state
        self._context = context
        self._proxied = proxied
        self._loop = asyncio.get_running_loop()

    async def start_serving(self) -> None:
        """Listen and accept. Raises `OSError`."""
        for listening in self.sockets:
            listening.listen(self._backlog)
            self._loop.add_reader(listening, self._accept, listening)

    def close(self) -> None:
        """Accept no more. Handshakes under way go on."""
        for listening in self.sockets:
            self._loop.remove_reader(listening)
            listening.close()
        self.sockets = []

    def _accept(self, listening: socket.socket) -> None:
        for _ in range(_TAKEN_AT_ONCE):
            try:
                connected, peer = listening.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:
                if error.errno in _EXHAUSTED:
                    # Asking again at once would only burn time: somebody has to close something first.
                    self._loop.remove_reader(listening)
                    self._loop.call_later(_RETRY_SECONDS, self._go_on, listening)
                return
            connected.setblocking(False)
            spawn("accept", self._take(connected, peer[0].partition("%")[0].removeprefix("::ffff:")))

    def _go_on(self, listening: socket.socket) -> None:
        if listening in self.sockets:
            self._loop.add_reader(listening, self._accept, listening)

    async def _take(self, connected: socket.socket, peer: str) -> None:
        """Begin the connection, or close it without a word."""
        state = self._state
        if not state.reserve(peer):
            connected.close()
            return
        address = peer
        protocol = ClientConnection if self._context is None else Negotiated
        try:
            if self._proxied:
                async with asyncio.timeout(PROXY_HEADER_SECONDS):
                    header = await _read_proxy_header(connected)
                if header.source:
                    state.release(peer)
                    address = ""
                    if not state.reserve(header.source):
                        connected.close()
                        return
                    address = header.source
            await self._loop.connect_accepted_socket(
                lambda: protocol(state, self.port, address),
                connected,
                ssl=self._context,
                ssl_handshake_timeout=HANDSHAKE_SECONDS if self._context is not None else None,
                ssl_shutdown_timeout=state.limits.linger_seconds if self._context is not None else None,
            )
        except (OSError, ssl.SSLError, TimeoutError, ProxyHeaderError) as error:
            if isinstance(error, ProxyHeaderError):
                state.turned_away["proxy_header"] += 1
            if address:
                state.release(address)
            connected.close()


async def _read_proxy_header(connected: socket.socket) -> ProxyHeader:
    """Take exactly the header off a socket, so that what comes behind it is read by whoever should read it.

    Raises `ProxyHeaderError` where something else comes, or nothing.
    """
    loop = asyncio.get_running_loop()
    data = b""
    while True:
        await _readable(loop, connected)
        try:
            seen = connected.recv(_HEADER_PIECE, socket.MSG_PEEK)
        except BlockingIOError:
            continue
        header = read_header(data + seen)
        if not seen:
            raise ProxyHeaderError
        # Without an end all of it is header: taking it away keeps the loop from being told about it again and again.
        data += connected.recv(len(seen) if header is None else header.size - len(data))
        if header is not None:
            return header


async def _readable(loop: asyncio.AbstractEventLoop, connected: socket.socket) -> None:
    ready: asyncio.Future[None] = loop.create_future()
    loop.add_reader(connected, _tell, ready)
    try:
        await ready
    finally:
        loop.remove_reader(connected)


def _tell(ready: asyncio.Future[None]) -> None:
    if not ready.done():
        ready.set_result(None)
