"""One connection to a target: reads answers for the exchange that has it, returns to its pool only when in no doubt."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from gateway_runtime.http.chunked import LAST_CHUNK, ChunkedDecoder, ChunkError, encode_chunk
from gateway_runtime.http.flow_control import ANSWER_IS_HELD, PEER_IS_FULL, ReadGate
from gateway_runtime.http.framing import HEAD_END, find_bare_line_end
from gateway_runtime.policies.results import Response
from gateway_runtime.upstream.errors import BAD_RESPONSE, RESET, UpstreamError
from gateway_runtime.upstream.response import BODILESS, CHUNKED, HEAD_LIMIT, UNTIL_CLOSE, ResponseHead, parse_response

if TYPE_CHECKING:
    from gateway_runtime.upstream.target import TargetConnections

_INTERIM_LIMIT = 16
# A longer head is not remembered: an idle connection must stay small.
_KNOWN_LIMIT = 2048


class Asker(Protocol):
    """What a connection tells the exchange that uses it.

    When it says `done`, or that it failed, it has let go of the exchange already.
    """

    def on_interim(self, head: ResponseHead) -> None: ...

    def on_head(self, head: ResponseHead, body: bytes, done: bool) -> None: ...

    def on_switch(self, head: bytes, rest: bytes) -> None: ...

    def on_body(self, body: bytes, done: bool) -> None: ...

    def on_trailers(self, fields: list[tuple[bytes, bytes]]) -> None: ...

    def on_failure(self, response: Response, *, stale: bool) -> None: ...

    def on_full(self, full: bool) -> None: ...

    def body_done(self) -> bool: ...


class Asked(Protocol):
    """What an exchange needs of a connection, or of one stream of it, that it asks a service with."""

    target: TargetConnections

    @property
    def transport(self) -> asyncio.Transport: ...

    def ask(self, exchange: Asker, method: bytes, head: bytes) -> None: ...

    def send_body(self, content: bytes, chunked: bool) -> None: ...

    def end_body(self, trailers: Sequence[tuple[bytes, bytes]]) -> None: ...

    def client_full(self, full: bool) -> None: ...

    def hold(self, held: bool) -> None: ...

    def abandon(self) -> None: ...


class UpstreamConnection(asyncio.Protocol):
    """Asked by one exchange at a time. Bytes that nobody asked for close it."""

    __slots__ = (  # noqa: RUF023 (grouped by purpose)
        # where it belongs
        "target",
        # the connection
        "address", "gate", "idle_until", "leaving", "transport", "writable",
        # the answer being read
        "_buffer", "_decoder", "_interims", "_known", "_known_head", "_left", "_method", "_reusable", "_touched",
        "exchange", "used",
    )  # fmt: skip

    transport: asyncio.Transport
    gate: ReadGate

    def __init__(self, target: TargetConnections) -> None:
        self.target = target
        # Of the name that the target has, where it has one.
        self.address = ""
        self.leaving = False
        self.idle_until = 0.0
        self.writable = True
        self.exchange: Asker | None = None
        self._method = b""
        self._buffer = b""
        self._decoder: ChunkedDecoder | None = None
        self._left = 0
        self._interims = 0
        # The last head and what it meant: within a second, a service often answers with the same one again.
        self._known = b""
        self._known_head: ResponseHead | None = None
        self._reusable = False
        self._touched = False
        self.used = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport  # type: ignore[assignment]
        self.gate = ReadGate(self.transport)
        self.target.made.add(self)

    def ask(self, exchange: Asker, method: bytes, head: bytes) -> None:
        """Send a request head for an exchange, which gets the answer."""
        self.exchange = exchange
        self.target.active += 1
        self._method = method
        self._left = 0
        self._interims = 0
        self._touched = False
        self._reusable = True
        self.transport.write(head)

    def send_body(self, content: bytes, chunked: bool) -> None:
        """Send a piece of the request's body, which is not empty."""
        self.transport.write(encode_chunk(content) if chunked else content)

    def end_body(self, trailers: Sequence[tuple[bytes, bytes]]) -> None:
        """End a chunked body. Trailers are dropped: few services of HTTP/1.1 expect any."""
        self.transport.write(LAST_CHUNK)

    def abandon(self) -> None:
        """Forget the exchange and close: the answer is not wanted, so nothing may be reused."""
        if self.exchange is not None:
            self.exchange = None
            self.target.active -= 1
        self.transport.abort()

    def leave(self) -> None:
        """Take no further request, and close after the one under way."""
        self.leaving = True
        if self.idle_until:
            self.transport.close()

    # Reading

    def data_received(self, data: bytes) -> None:
        exchange = self.exchange
        if exchange is None:
            self.transport.abort()
            return
        known = self._known_head
        if (
            known is not None
            and len(data) == known.whole
            and data.startswith(self._known)
            and not (self._left or self._decoder or self._buffer)
            and self._method != b"HEAD"
        ):
            # The head that came last time, and its whole body: it has been checked, and what it means is known.
            self._reusable = known.keep_alive
            self._release()
            exchange.on_head(known, data[known.size :], True)
            return
        self._touched = True
        try:
            if self._left or self._decoder is not None:
                self._read_body(exchange, data)
            else:
                self._read_head(exchange, data)
        except (UpstreamError, ChunkError):
            self._fail(BAD_RESPONSE)

    def _read_head(self, exchange: Asker, data: bytes) -> None:
        if self._buffer:
            data = self._buffer + data
            self._buffer = b""
        while True:
            end = data.find(HEAD_END) + 4
            if end < 4 or end > HEAD_LIMIT:
                if len(data) > HEAD_LIMIT or find_bare_line_end(data):
                    raise UpstreamError(BAD_RESPONSE)
                self._buffer = data
                return
            head = parse_response(data[:end], self._method)
            body = data[end:]
            if head.status >= 200:
                # What an answer to HEAD says of a body is not followed by one, so it means something else.
                if end <= _KNOWN_LIMIT and head.length >= 0 and self._method != b"HEAD":
                    self._known, self._known_head = data[:end], head
                break
            self._interims += 1
            if self._interims > _INTERIM_LIMIT:
                raise UpstreamError(BAD_RESPONSE)
            if head.status == 101:
                # From here on this is no HTTP, and it has no end but that of the connection.
                self._left = UNTIL_CLOSE
                self._reusable = False
                exchange.on_switch(data[:end], body)
                return
            if head.status != 100:
                exchange.on_interim(head)
            if not body:
                return
            data = body
        self._reusable = head.keep_alive
        length = head.length
        if length >= 0:
            missing = length - len(body)
            if missing > 0:
                self._left = missing
                exchange.on_head(head, body, False)
                return
            if missing < 0:
                if not self._is_bodiless(head):
                    raise UpstreamError(BAD_RESPONSE)
                body = b""
                self._reusable = False
        elif length == UNTIL_CLOSE:
            self._left = UNTIL_CLOSE
            exchange.on_head(head, body, False)
            return
        elif length == CHUNKED:
            decoder = self._decoder = ChunkedDecoder()
            body = decoder.feed(body)
            if not decoder.done:
                exchange.on_head(head, body, False)
                return
            if decoder.rest:
                raise UpstreamError(BAD_RESPONSE)
            self._decoder = None
        self._release()
        exchange.on_head(head, body, True)

    def _read_body(self, exchange: Asker, data: bytes) -> None:
        decoder = self._decoder
        if decoder is not None:
            data = decoder.feed(data)
            if not decoder.done:
                exchange.on_body(data, False)
                return
            self._decoder = None
            self._reusable = self._reusable and not decoder.rest
        elif self._left == UNTIL_CLOSE:
            exchange.on_body(data, False)
            return
        else:
            missing = self._left - len(data)
            if missing > 0:
                self._left = missing
                exchange.on_body(data, False)
                return
            if missing < 0:
                data = data[: self._left]
                self._reusable = False
        self._release()
        exchange.on_body(data, True)

    def _is_bodiless(self, head: ResponseHead) -> bool:
        """Tell whether the answer has no body whatever its head says. Many services send one all the same."""
        return self._method == b"HEAD" or head.status in BODILESS

    def _release(self) -> None:
        """Give the connection back before the exchange ends, so that a pipelined request can have it at once."""
        exchange = self.exchange
        assert exchange is not None
        self.exchange = None
        self._left = 0
        self.used = True
        target = self.target
        target.active -= 1
        if self._reusable and self.writable and not (self.leaving or self.gate.reasons) and exchange.body_done():
            target.release(self)
        else:
            self.transport.close()

    def _fail(self, response: Response, *, stale: bool = False) -> None:
        exchange = self.exchange
        if exchange is not None:
            self.exchange = None
            self.target.active -= 1
            self.transport.abort()
            exchange.on_failure(response, stale=stale)

    # Transport

    def eof_received(self) -> None:
        exchange = self.exchange
        if exchange is not None and self._left == UNTIL_CLOSE:
            self._reusable = False
            self._release()
            exchange.on_body(b"", True)

    def connection_lost(self, error: Exception | None) -> None:
        self.target.forget(self)
        if self.exchange is not None:
            self._fail(RESET, stale=self.used and not self._touched)

    def pause_writing(self) -> None:
        self.writable = False
        if self.exchange is not None:
            self.exchange.on_full(True)

    def resume_writing(self) -> None:
        self.writable = True
        if self.exchange is not None:
            self.exchange.on_full(False)

    def client_full(self, full: bool) -> None:
        """Stop or go on reading the answer, as the client can take it."""
        if full:
            self.gate.pause(PEER_IS_FULL)
        else:
            self.gate.resume(PEER_IS_FULL)

    def hold(self, held: bool) -> None:
        """Stop or go on reading the answer, as policies wait, whatever the client can take."""
        if held:
            self.gate.pause(ANSWER_IS_HELD)
        else:
            self.gate.resume(ANSWER_IS_HELD)
