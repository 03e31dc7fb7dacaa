"""Accepting connections on one address and port, shared with the other workers by the kernel."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

from gateway_runtime.accepting import Acceptor, bind_sockets
from gateway_runtime.http.protocol import ClientConnection
from gateway_runtime.http.state import WorkerState
from gateway_runtime.http.timeouts import sweep_forever
from gateway_runtime.http2.caller import CallerConnection
from gateway_runtime.steering import steer
from gateway_runtime.tasks import spawn
from gateway_runtime.tls.compiled import ListenerTls
from gateway_runtime.tls.handshake import SwitchedContext

BACKLOG = 4096
_DRAIN_STEP_SECONDS = 0.05


class Listener:
    """One address and port of one worker. Until it is told to begin, the port is taken and nobody is let in."""

    __slots__ = ("_context", "_server", "_state", "host", "port")

    def __init__(
        self,
        server: asyncio.Server | Acceptor,
        state: WorkerState,
        host: str,
        port: int,
        context: SwitchedContext | None = None,
    ) -> None:
        self._server = server
        self._state = state
        self._context = context
        self.host = host
        self.port = port

    def __repr__(self) -> str:
        return f"<Listener {self.host}:{self.port} [connections {len(self._connections())}]>"

    async def begin(self) -> None:
        """Accept connections. Raises `OSError`."""
        await self._server.start_serving()

    def use(self, tls: ListenerTls) -> None:
        """Begin every new connection with this. Those that were agreed on other terms take no further request."""
        assert self._context is not None
        before, self._context.current = self._context.current, tls
        if before.terms != tls.terms:
            self._let_go()

    def close(self) -> None:
        """Accept no more. Idle connections are closed, the others after the answer they are giving."""
        self._server.close()
        self._let_go()

    def _let_go(self) -> None:
        for connection in self._connections():
            connection.close_after_reply()
            connection.close_if_idle()
            connection.go_away()

    def steer(self, first: int, count: int) -> None:
        """Send new connections to these of all sockets that listen here."""
        for sharing in self._server.sockets:
            steer(sharing.fileno(), first, count)

    async def drain(self, seconds: float, *, gently: bool = False) -> None:
        """Close, and wait at most so long for the answers under way; what is left then is cut.

        `gently` lets idle connections have one more answer, which tells their callers to use another one.
        """
        if gently:
            self._server.close()
            for connection in self._connections():
                connection.go_away()
        else:
            self.close()
        loop = asyncio.get_running_loop()
        end = loop.time() + seconds
        while self._connections() and loop.time() < end:
            await asyncio.sleep(_DRAIN_STEP_SECONDS)
        for connection in self._connections():
            connection.close_if_idle()
        for connection in self._connections():
            connection.transport.abort()

    def _connections(self) -> list[ClientConnection | CallerConnection]:
        return [connection for connection in self._state.connections if connection.port == self.port]


async def open_listener(
    host: str, port: int, state: WorkerState, tls: ListenerTls | None = None, *, proxied: bool = False
) -> Listener:
    """Take a port and accept connections at once; see `bind_listener`."""
    listener = await bind_listener(host, port, state, tls, proxied=proxied)
    await listener.begin()
    return listener


async def bind_listener(
    host: str, port: int, state: WorkerState, tls: ListenerTls | None = None, *, proxied: bool = False
) -> Listener:
    """Take a port, with `tls` for nothing else. Port 0 takes a free one; `Listener.port` is that of the routing tables.

    `proxied`: every connection begins with a PROXY header. Raises `OSError` when the port cannot be had.
    """
    loop = asyncio.get_running_loop()
    if state.sweeper is None or state.sweeper.done():
        state.sweeper = spawn("sweep", sweep_forever(state))
    bound = port

    def accept() -> ClientConnection:
        return ClientConnection(state, bound)

    if tls is not None or proxied:
        context = SwitchedContext(tls, state.handshakes) if tls is not None else None
        sockets = await bind_sockets(host, port)
        bound = port or sockets[0].getsockname()[1]
        acceptor = Acceptor(sockets, state, bound, context, proxied=proxied, backlog=BACKLOG)
        return Listener(acceptor, state, host, bound, context)
    server: Any = await loop.create_server(accept, host, port, reuse_port=True, backlog=BACKLOG, start_serving=False)
    if not port:
        with contextlib.suppress(IndexError):
            bound = server.sockets[0].getsockname()[1]
    return Listener(server, state, host, bound)
