"""A service that keeps every byte it gets, knows which test each belongs to, and misbehaves when asked to.

Its reading of requests is its own and lenient where the gateway must be strict: what a careless server would take for
a second request is counted as one.
"""

from __future__ import annotations

import asyncio
import re
from contextlib import suppress
from dataclasses import dataclass, field

# Every variant carries a name of its own in whatever it sends, so that variants can run side by side.
TOKEN_LENGTH = 12
_find_tokens = re.compile(rb"t[0-9a-f]{11}").findall
# How long a path that ends with `/stall` keeps the body from being read.
_STALL_SECONDS = 4.0
_LENGTH = re.compile(rb"\ncontent-length[^\n:]*:[^\n0-9]*([0-9]+)", re.I)
_CHUNKED = re.compile(rb"\ntransfer-encoding[^\n:]*:[^\n]*chunked", re.I)


@dataclass(frozen=True)
class Seen:
    """One request as it arrived, byte for byte. `body` is without its chunks' framing."""

    head: bytes
    body: bytes
    connection: int

    @property
    def line(self) -> bytes:
        """Return the first line."""
        return self.head.split(b"\r\n", 1)[0]

    @property
    def path(self) -> bytes:
        """Return the request target."""
        return self.line.split(b" ")[1]

    def values(self, name: bytes) -> list[bytes]:
        """Return the values of all headers with this lower-case name."""
        lines = [line.partition(b":") for line in self.head.split(b"\r\n")[1:] if line]
        return [value.strip() for key, _, value in lines if key.lower() == name]

    @property
    def names(self) -> list[bytes]:
        """Return the lower-case header names in order."""
        return [line.partition(b":")[0].lower() for line in self.head.split(b"\r\n")[1:] if line]


@dataclass(frozen=True)
class Step:
    """One thing the service does: wait, send, or end the connection."""

    data: bytes = b""
    wait: float = 0.0
    close: bool = False


@dataclass
class Upstream:
    """Real sockets. A path with `/do/NAME/` makes it follow the script of that name."""

    scripts: dict[str, tuple[Step, ...]] = field(default_factory=dict)
    port: int = 0
    connections: int = 0
    body_bytes: int = 0
    _seen: dict[bytes, list[Seen]] = field(default_factory=dict)
    _open: dict[int, bytearray] = field(default_factory=dict)
    _cut: list[bytes] = field(default_factory=list)
    _server: asyncio.Server | None = None

    async def open(self) -> None:
        """Listen on a free port."""
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", 0, limit=1 << 20, backlog=512)
        self.port = self._server.sockets[0].getsockname()[1]

    def close(self) -> None:
        """Listen no more."""
        if self._server is not None:
            self._server.close()

    def seen(self, token: bytes) -> list[Seen]:
        """Return the whole requests that carried a token, in the order in which they came."""
        return self._seen.get(token, [])

    def partly_seen(self, token: bytes) -> bool:
        """Tell whether a token came in bytes that were not, or not yet, a whole request."""
        return any(token in data for data in (*self._cut, *self._open.values()))

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        number = self.connections
        pending = self._open[number] = bytearray()
        try:
            while True:
                request = await self._request(reader, writer, pending, number)
                for token in dict.fromkeys(_find_tokens(request.head + request.body[:65536])):
                    self._seen.setdefault(token, []).append(request)
                pending.clear()
                if not await self._answer(request, writer):
                    break
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            if pending:
                self._cut.append(bytes(pending[:65536]))
            del self._open[number]
            writer.close()

    async def _request(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, pending: bytearray, number: int
    ) -> Seen:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
        except asyncio.IncompleteReadError as error:
            pending += error.partial
            raise
        pending += head
        if b"/stall " in head:
            await asyncio.sleep(_STALL_SECONDS)
        if b"/early " in head:
            writer.write(b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 5\r\n\r\nearly")
        if _CHUNKED.search(head):
            return Seen(head, await self._chunks(reader, pending), number)
        found = _LENGTH.search(head)
        left = int(found[1]) if found else 0
        body = bytearray()
        while left:
            data = await reader.read(min(left, 65536))
            if not data:
                raise asyncio.IncompleteReadError(bytes(body), left)
            left -= len(data)
            self._take(body, data, pending)
        return Seen(head, bytes(body), number)

    async def _chunks(self, reader: asyncio.StreamReader, pending: bytearray) -> bytes:
        body = bytearray()
        while True:
            line = await reader.readuntil(b"\n")
            pending += line[:100]
            size = int(line.split(b";")[0].strip(), 16)
            data = await reader.readexactly(size + 2)
            if not size:
                return bytes(body)
            self._take(body, data[:-2], pending)

    def _take(self, body: bytearray, data: bytes, pending: bytearray) -> None:
        self.body_bytes += len(data)
        # Enough to find a token and compare small bodies; large ones only need counting.
        if len(body) < 1 << 18:
            body += data
            pending += data

    async def _answer(self, request: Seen, writer: asyncio.StreamWriter) -> bool:
        if b"/early " in request.head:
            return True  # it has been answered
        name = re.search(rb"/do/([a-z0-9-]+)", request.line)
        if name is None:
            body = b"seen " + request.path
            if request.head.startswith(b"HEAD "):
                writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % len(body))
            else:
                writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body))
            return True
        for step in self.scripts[name[1].decode()]:
            if step.wait:
                await asyncio.sleep(step.wait)
            if step.data:
                with suppress(ConnectionError):
                    writer.write(step.data)
                    await writer.drain()
            if step.close:
                return False
        return True
