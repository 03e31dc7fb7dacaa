"""A raw client: sends exactly the bytes it is given, cut where it is told, and reads answers with its own eyes."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field

ANSWER_SECONDS = 10.0
# Between two pieces, so that they arrive as two.
_PIECE_SECONDS = 0.002
# How long a connection is watched for bytes that should not come.
_QUIET_SECONDS = 0.05


@dataclass(frozen=True)
class Answer:
    """One answer. Names are lower case; `interim` are the 1xx answers that came before it."""

    status: int
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes
    whole: bool = True
    interim: tuple[int, ...] = ()

    def header(self, name: bytes) -> bytes | None:
        """Return the only header with this name."""
        found = [value for key, value in self.headers if key == name]
        assert len(found) <= 1, f"{name!r} is there {len(found)} times"
        return found[0] if found else None


@dataclass
class Conversation:
    """Everything that came back on one connection."""

    answers: list[Answer] = field(default_factory=list)
    rest: bytes = b""  # bytes that are no answer
    closed: bool = False

    @property
    def statuses(self) -> list[int]:
        """Return the final statuses in order."""
        return [answer.status for answer in self.answers]


class NotAnAnswer(Exception):
    """What the gateway wrote is not HTTP."""


class RawClient:
    """One connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self.closed = False

    @classmethod
    async def connect(cls, port: int) -> RawClient:
        """Connect to a gateway on this machine."""
        return cls(*await asyncio.open_connection("127.0.0.1", port, limit=1 << 20))

    async def send(self, *pieces: bytes) -> None:
        """Send each piece as a segment of its own, as far as the other side takes them."""
        for index, piece in enumerate(pieces):
            if index:
                await asyncio.sleep(_PIECE_SECONDS)
            with suppress(ConnectionError):
                self._writer.write(piece)
                await self._writer.drain()

    async def answer(self, *, head_only: bool = False, seconds: float | None = ANSWER_SECONDS) -> Answer | None:
        """Read one final answer; None when the connection ends without one. Raises `TimeoutError`; None never does."""
        interim: list[int] = []
        async with asyncio.timeout(seconds):
            while True:
                head = await self._head()
                if head is None:
                    return None
                status, headers = head
                if status >= 200:
                    body, whole = await self._body(status, headers, head_only)
                    return Answer(status, headers, body, whole, tuple(interim))
                interim.append(status)

    async def conversation(self, answers: int, *, head_only: bool = False) -> Conversation:
        """Read so many answers, then see whether the connection is closed or more comes."""
        found = Conversation()
        while len(found.answers) < answers:
            answer = await self.answer(head_only=head_only)
            if answer is None:
                break
            found.answers.append(answer)
        found.rest = await self.quiet(expect_close=any(a.header(b"connection") == b"close" for a in found.answers))
        found.closed = self.closed
        return found

    async def quiet(self, *, expect_close: bool) -> bytes:
        """Return what else comes: until the end where an end was announced, or for a moment."""
        if self.closed:
            return b""
        rest = b""
        with suppress(TimeoutError):
            async with asyncio.timeout(ANSWER_SECONDS if expect_close else _QUIET_SECONDS):
                with suppress(ConnectionError):
                    while data := await self._reader.read(65536):
                        rest += data
                self.closed = True
        return rest

    async def close(self) -> None:
        """Close, whatever state it is in."""
        self._writer.transport.abort()

    async def _head(self) -> tuple[int, tuple[tuple[bytes, bytes], ...]] | None:
        try:
            data = await self._reader.readuntil(b"\r\n\r\n")
        except asyncio.IncompleteReadError as error:
            self.closed = True
            if error.partial:
                raise NotAnAnswer(error.partial[:200]) from None
            return None
        except ConnectionError:
            self.closed = True
            return None
        first, *lines = data[:-4].split(b"\r\n")
        version, _, rest = first.partition(b" ")
        if version != b"HTTP/1.1" or not rest[:3].isdigit() or rest[3:4] != b" ":
            raise NotAnAnswer(first)
        headers = []
        for line in lines:
            name, colon, value = line.partition(b":")
            if not colon or not name or name.strip() != name or any(byte in value for byte in b"\r\n\0"):
                raise NotAnAnswer(line)
            headers.append((name.lower(), value.strip(b" \t")))
        return int(rest[:3]), tuple(headers)

    async def _body(self, status: int, headers: tuple[tuple[bytes, bytes], ...], head_only: bool) -> tuple[bytes, bool]:
        lengths = [value for name, value in headers if name == b"content-length"]
        codings = [value for name, value in headers if name == b"transfer-encoding"]
        if len(lengths) + len(codings) > 1:
            raise NotAnAnswer(f"two framings: {lengths} {codings}".encode())
        if head_only or status in (204, 304):
            return b"", True
        try:
            if codings:
                return await self._chunks(), True
            if lengths:
                return await self._reader.readexactly(int(lengths[0])), True
        except asyncio.IncompleteReadError as error:
            self.closed = True
            return error.partial, False
        except ConnectionError:
            self.closed = True
            return b"", False
        body = await self._reader.read(-1)
        self.closed = True
        return body, True

    async def _chunks(self) -> bytes:
        body = b""
        while True:
            size = await self._reader.readuntil(b"\r\n")
            data = await self._reader.readexactly(int(size, 16) + 2)
            if data[-2:] != b"\r\n":
                raise NotAnAnswer(data[-20:])
            if size == b"0\r\n":
                return body
            body += data[:-2]
