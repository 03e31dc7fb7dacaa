"""One connection to a service of HTTP/2, shared by several exchanges, each with a stream of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from h2.errors import ErrorCodes
from h2.events import Event, InformationalResponseReceived, RemoteSettingsChanged, ResponseReceived
from hpack import NeverIndexedHeaderTuple

from gateway_runtime.http.flow_control import ANSWER_IS_HELD, PEER_IS_FULL
from gateway_runtime.http.headers import FRAMING, RESPONSE_NAMES
from gateway_runtime.http2.answer import read_answer
from gateway_runtime.http2.coding import Field, Http2State
from gateway_runtime.http2.connection import Http2Connection
from gateway_runtime.http2.frames import FrameReader
from gateway_runtime.http2.grpc import is_grpc
from gateway_runtime.http2.stream import Stream
from gateway_runtime.http2.trailers import read_trailers
from gateway_runtime.policies.results import Response
from gateway_runtime.upstream.errors import BAD_RESPONSE, NOT_HTTP2, RESET, UpstreamError

if TYPE_CHECKING:
    from gateway_runtime.clock import Clock
    from gateway_runtime.http2.pool import Http2Target
    from gateway_runtime.upstream.connection import Asker

# A service may allow more; then it gets another connection, so that one lost connection loses no more than these.
STREAMS = 100
_LAST_NUMBER = 2**31 - 1001
_INTERIM_LIMIT = 16
_SILENT_SECONDS = 5.0
# The same again and again, and no secret: what callers send may not be guessed from sizes on a shared connection.
_REMEMBERED = frozenset(
    {b":method", b":scheme", b":authority", b"accept", b"accept-encoding", b"content-type", b"user-agent", b"te",
     b"x-forwarded-proto", b"x-forwarded-host", b"via", b"grpc-accept-encoding"}
)  # fmt: skip


class ServiceStream(Stream):
    """One question to a service: what an exchange needs of a connection."""

    __slots__ = (
        "_asked_at",
        "_asked_when",
        "_begun",
        "_head_only",
        "_interims",
        "_left",
        "_length",
        "exchange",
        "target",
    )

    connection: ServiceConnection

    def __init__(self, connection: ServiceConnection) -> None:
        super().__init__(connection, 0)
        self.target = connection.target
        self.exchange: Asker | None = None
        # How much of a body of known length is still to be sent, and of the answer's to come; negative: unknown.
        self._left = 0
        self._length = -1
        self._head_only = False
        self._begun = False
        self._interims = 0
        # How much had been heard by then, of this and all other streams, and when that was.
        self._asked_at = 0
        self._asked_when = 0.0

    @property
    def transport(self) -> asyncio.Transport:
        """The connection's."""
        return self.connection.transport

    # Told by the exchange

    def ask(self, exchange: Asker, method: bytes, head: bytes) -> None:
        """Send a request head, written for HTTP/1.1, for an exchange, which gets the answer."""
        connection = self.connection
        self.exchange = exchange
        self.target.active += 1
        self._head_only = method == b"HEAD"
        self._asked_at, self._asked_when = connection.heard, connection.clock()
        fields, self._left = request_fields(head, self.target.scheme)
        connection.open(self)
        whole = not self._left
        connection.send_head(self, fields, ended=whole)
        self.ending = whole
        connection.flush()

    def send_body(self, content: bytes, chunked: bool) -> None:
        """Send a piece of the request's body."""
        if not chunked:
            self._left -= len(content)
        self.send(content, ended=not self._left)

    def end_body(self, trailers: Sequence[Field]) -> None:
        """End a body whose length was not known."""
        self.trailers = list(trailers)
        self.send(b"", ended=True)

    def client_full(self, full: bool) -> None:
        """Stop or go on taking the answer, as the client can."""
        if full:
            self.gate.pause(PEER_IS_FULL)
        else:
            self.gate.resume(PEER_IS_FULL)

    def hold(self, held: bool) -> None:
        """Stop or go on taking the answer, as policies wait."""
        if held:
            self.gate.pause(ANSWER_IS_HELD)
        else:
            self.gate.resume(ANSWER_IS_HELD)

    def abandon(self) -> None:
        """Forget the exchange: its answer is not wanted."""
        connection = self.connection
        silent = connection.heard == self._asked_at and connection.clock() - self._asked_when >= _SILENT_SECONDS
        if self._let_go() is not None and silent:
            # Nothing at all has come for so long: perhaps nobody is there any more.
            connection.retire()
        self.reset(ErrorCodes.CANCEL)

    # Told by the connection

    def was_reset(self, code: int) -> None:
        self.fail(RESET, stale=code == ErrorCodes.REFUSED_STREAM)

    def was_lost(self) -> None:
        self.fail(RESET, stale=not self._begun and self.connection.heard == self._asked_at)

    def take_head(self, fields: Sequence[Field], ended: bool) -> None:
        """Take the head of the answer."""
        exchange = self.exchange
        if exchange is None:
            return
        self.heard_all = ended
        try:
            head = read_answer(fields, head_only=self._head_only)
        except UpstreamError as error:
            self.fail(error.response)
            return
        if head.status < 200:
            self._interims += 1
            if head.status == 101 or self._interims > _INTERIM_LIMIT or ended:
                self.fail(BAD_RESPONSE)
            elif head.status != 100:
                exchange.on_interim(head)
            return
        self._begun = True
        self._length = head.length
        if ended:
            if head.length > 0:
                self.fail(BAD_RESPONSE)
                return
            self._release()
        exchange.on_head(head, b"", ended)

    def take(self, data: bytes, ended: bool) -> None:
        exchange = self.exchange
        if exchange is None:
            return
        if not self._begun:
            self.fail(BAD_RESPONSE)
            return
        if self._length >= 0:
            self._length -= len(data)
            if self._length < 0 or (ended and self._length):
                self.fail(BAD_RESPONSE)
                return
        if ended:
            self._release()
        if data or ended:
            exchange.on_body(data, ended)

    def received_trailers(self, fields: Sequence[Field]) -> None:
        exchange = self.exchange
        self.heard_all = True
        if exchange is None:
            return
        trailers = read_trailers(fields, RESPONSE_NAMES)
        if trailers is None or self._length > 0 or not self._begun:
            self.fail(BAD_RESPONSE)
            return
        self._release()
        exchange.on_trailers(trailers)
        exchange.on_body(b"", True)

    def told_full(self, full: bool) -> None:
        if self.exchange is not None:
            self.exchange.on_full(full)

    def said_all(self) -> None:
        super().said_all()
        if self.heard_all:
            self.over()

    def fail(self, response: Response, *, stale: bool = False) -> None:
        """Give up and tell the exchange."""
        exchange = self._let_go()
        self.reset(ErrorCodes.CANCEL)
        if exchange is not None:
            exchange.on_failure(response, stale=stale)

    def _release(self) -> None:
        """The answer is here to its end. What of the request has not been sent is not wanted any more."""
        self._let_go()
        self.reset(ErrorCodes.CANCEL)

    def _let_go(self) -> Asker | None:
        exchange, self.exchange = self.exchange, None
        if exchange is not None:
            self.target.active -= 1
        return exchange


class ServiceConnection(Http2Connection):
    """Made for a target, and used by as many exchanges at a time as the service allows."""

    __slots__ = ("_retiring", "address", "clock", "heard", "idle_until", "ready", "reserved", "target")

    streams: dict[int, ServiceStream]

    def __init__(self, target: Http2Target, header_bytes: int, clock: Clock) -> None:
        super().__init__(Http2State(client=True, header_bytes=header_bytes), FrameReader(b"", 2 * header_bytes, clock))
        self.target = target
        self.address = ""
        self.clock = clock
        # Set when the service has said what it allows, which is also how it shows that it speaks HTTP/2.
        self.ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        # Given to exchanges that have not asked yet.
        self.reserved = 0
        self.heard = 0
        self.idle_until = 0.0
        self._retiring = False

    def handlers(self) -> dict[type[Event], Callable[[Any], None]]:
        return {
            ResponseReceived: self._on_response,
            InformationalResponseReceived: self._on_response,
            RemoteSettingsChanged: self._on_settings,
        }

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport  # type: ignore[assignment]
        self.target.made.add(self)  # type: ignore[arg-type]
        self.transport.write(self.state.begin())

    def connection_lost(self, error: Exception | None) -> None:
        self.target.forget_connection(self)
        self.target.forget(self)  # type: ignore[arg-type]
        if not self.ready.done():
            self.ready.set_exception(UpstreamError(NOT_HTTP2))
        self.lose()

    def data_received(self, data: bytes) -> None:
        self.heard += 1
        super().data_received(data)

    def eof_received(self) -> None:
        """Close: without an answer to come, half a connection is of no use."""

    # Streams

    def has_room(self) -> bool:
        """Tell whether one more exchange can ask."""
        if self._retiring or self.lost or self.transport.is_closing():
            return False
        limit = min(STREAMS, self.state.remote_settings.max_concurrent_streams)
        return len(self.streams) + self.reserved < limit and self.state.highest_outbound_stream_id < _LAST_NUMBER

    def is_idle(self) -> bool:
        """Tell whether no exchange uses it."""
        return not self.streams and not self.reserved

    def reserve(self) -> ServiceStream:
        """Return a stream for an exchange that will ask now, or is given back to the target."""
        self.reserved += 1
        return ServiceStream(self)

    def open(self, stream: ServiceStream) -> None:
        """Give a reserved stream its number."""
        self.reserved -= 1
        stream.number = self.state.get_next_available_stream_id()
        self.streams[stream.number] = stream

    def give_back(self) -> None:
        """Take a reserved stream back that has not been used."""
        self.reserved -= 1
        self._look_after()

    def forget(self, stream: Stream) -> None:
        super().forget(stream)
        if self.target.receiver is not None and self.has_room():
            # Somebody waits for the place of this one.
            self.target.receiver.take(self.reserve())  # type: ignore[arg-type]
        self._look_after()

    def _look_after(self) -> None:
        if self.is_idle() and not self.lost:
            self.idle_until = self.target.idle_until
            if self._retiring or self.target.for_one:
                self._write()
                self.transport.close()

    def _on_response(self, event: ResponseReceived | InformationalResponseReceived) -> None:
        assert event.stream_id is not None
        stream = self.streams.get(event.stream_id)
        if stream is not None:
            ended = isinstance(event, ResponseReceived) and event.stream_ended is not None
            stream.take_head(self.state.decoder.fields, ended)

    def _on_settings(self, event: RemoteSettingsChanged) -> None:
        if not self.ready.done():
            self.ready.set_result(None)
        self.push_all()

    # Ending

    def on_goaway(self, last: int) -> None:
        self.retire()
        for stream in [stream for stream in self.streams.values() if stream.number > last]:
            # The service has done nothing with it, so it can be asked again.
            stream.over()
            stream.fail(RESET, stale=True)

    def leave(self) -> None:
        """The target has moved."""
        self.retire()

    def retire(self) -> None:
        """Begin nothing new on this connection, and close it with its last stream."""
        self._retiring = True
        self.target.forget_connection(self)
        self._look_after()


def request_fields(head: bytes, scheme: bytes) -> tuple[list[Field], int]:
    """Return the header list of a head of HTTP/1.1 that the gateway has made, and the body's length: -1 unknown."""
    first, host, *lines = head[:-4].split(b"\r\n")
    method, target, _ = first.split(b" ")
    fields: list[Field] = [
        (b":method", method),
        (b":scheme", scheme),
        (b":authority", host.partition(b": ")[2]),
        NeverIndexedHeaderTuple(b":path", target),  # type: ignore[list-item]
    ]
    length = 0
    for line in lines:
        spelling, _, value = line.partition(b":")
        name, value = spelling.lower(), value.strip(b" \t")
        if name in FRAMING and name != b"content-length":
            if name == b"transfer-encoding":
                length = -1
            continue
        if name == b"content-length":
            length = int(value)
        fields.append((name, value) if name in _REMEMBERED else NeverIndexedHeaderTuple(name, value))  # type: ignore[arg-type]
    if is_grpc(fields):
        # Servers of gRPC ask for it, and the gateway does read trailers (RFC 9110 section 10.1.4).
        fields.append((b"te", b"trailers"))
    return fields, length
