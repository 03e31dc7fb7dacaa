"""The admin listener: a very small HTTP/1.1 server for probes and metrics. Traffic never comes here."""

import asyncio
import socket
from collections.abc import Sequence
from contextlib import suppress
from typing import NamedTuple, Protocol

import h11

from gateway_runtime.log import log

REQUEST_SECONDS = 10.0
CONNECTIONS = 64
READ_BYTES = 16 * 1024


class Page(NamedTuple):
    """One answer."""

    status: int
    content_type: str
    body: bytes


class Pages(Protocol):
    """What the server asks for each request."""

    def page(self, path: str) -> Page:
        """Return the answer for a path."""


class AdminServer:
    """Answers GET and HEAD, one connection a coroutine, a bounded number of them."""

    def __init__(self, pages: Pages, event: str = "admin_listening") -> None:
        self._pages = pages
        self._event = event
        self._servers: list[asyncio.Server] = []
        self._open = 0
        self.port = 0

    async def open(
        self, host: str, port: int, listening: Sequence[socket.socket] = (), *, shared: bool = False
    ) -> None:
        """Listen, on sockets that do so already if there are any. Raises `OSError` when that cannot be.

        With `shared` another process may listen on the same port in the same way.
        """
        if listening:
            self._servers = [
                await asyncio.start_server(self._connected, sock=each, limit=READ_BYTES) for each in listening
            ]
        else:
            self._servers = [
                await asyncio.start_server(self._connected, host, port, limit=READ_BYTES, reuse_port=shared or None)
            ]
        self.port = self._servers[0].sockets[0].getsockname()[1]
        log.info(self._event, host=host, port=self.port)

    def descriptors(self) -> list[int]:
        """Return the descriptors of the listening sockets."""
        return [each.fileno() for server in self._servers for each in server.sockets]

    async def close(self) -> None:
        """Stop listening."""
        for server in self._servers:
            server.close()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open += 1
        try:
            if self._open <= CONNECTIONS:
                await self._converse(reader, writer)
        except (TimeoutError, ConnectionError, h11.ProtocolError):
            # A caller that goes, waits for too long or does not speak HTTP is let go without a word.
            pass
        finally:
            self._open -= 1
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = h11.Connection(h11.SERVER, max_incomplete_event_size=READ_BYTES)
        while True:
            async with asyncio.timeout(REQUEST_SECONDS):
                request = await self._request(connection, reader)
                if request is None:
                    return
                writer.write(_bytes(connection, self._answer(request), head_only=request.method == b"HEAD"))
                await writer.drain()
            if connection.our_state is h11.MUST_CLOSE:
                return
            connection.start_next_cycle()

    async def _request(self, connection: h11.Connection, reader: asyncio.StreamReader) -> h11.Request | None:
        """Read one whole request; None when the caller has gone."""
        request = None
        while True:
            event = connection.next_event()
            if event is h11.NEED_DATA:
                connection.receive_data(await reader.read(READ_BYTES))
            elif isinstance(event, h11.Request):
                request = event
            elif isinstance(event, h11.EndOfMessage):
                return request
            elif isinstance(event, h11.ConnectionClosed):
                return None

    def _answer(self, request: h11.Request) -> Page:
        if request.method not in (b"GET", b"HEAD"):
            return Page(405, "text/plain; charset=utf-8", b"Only GET and HEAD are answered here.\n")
        path = request.target.split(b"?", 1)[0].decode("ascii", "replace")
        try:
            return self._pages.page(path)
        except Exception as error:
            log.error("admin_page_failed", path=path, error=error)
            return Page(500, "text/plain; charset=utf-8", b"This page failed. The log says more.\n")


def _bytes(connection: h11.Connection, page: Page, *, head_only: bool) -> bytes:
    headers = [
        ("content-type", page.content_type),
        ("content-length", str(len(page.body))),
        ("cache-control", "no-store"),
        ("x-content-type-options", "nosniff"),
    ]
    parts = [connection.send(h11.Response(status_code=page.status, headers=headers))]
    if not head_only:
        parts.append(connection.send(h11.Data(data=page.body)))
    parts.append(connection.send(h11.EndOfMessage()))
    return b"".join(part for part in parts if part)
