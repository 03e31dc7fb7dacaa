"""One client connection of HTTP/2, and its streams, each of which is a caller of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from h2.errors import ErrorCodes
from h2.events import Event, RequestReceived

from gateway_runtime.http.flow_control import PEER_IS_FULL, ReadGate
from gateway_runtime.http.headers import REQUEST_NAMES
from gateway_runtime.http.message import Reading, Request, reading_of
from gateway_runtime.http.origin import TrustedProxies
from gateway_runtime.http.refusals import BadMessage
from gateway_runtime.http.responses import problem, problem_body
from gateway_runtime.http.upstream_head import forwarded_lines, origin_of
from gateway_runtime.http2.coding import Field, Http2State
from gateway_runtime.http2.connection import Http2Connection
from gateway_runtime.http2.exchange import StreamExchange, problem_fields
from gateway_runtime.http2.frames import PREFACE, FrameReader
from gateway_runtime.http2.grpc import is_grpc, refusal_fields
from gateway_runtime.http2.request import LENGTH_MISMATCH, read_request
from gateway_runtime.http2.stream import Stream
from gateway_runtime.http2.trailers import BAD_TRAILERS, read_trailers
from gateway_runtime.policies.results import Response
from gateway_runtime.tls.client_certificate import ClientCertificate, client_certificate

if TYPE_CHECKING:
    from gateway_runtime.http.limits import ApiLimits
    from gateway_runtime.http.state import WorkerState

STREAMS = 100
# As `Via` has it, where this version has no second number (RFC 9110 section 2.5).
_VERSION = b"2.0"
_ANY_STREAM = 2**31 - 1
# A deadline that has always passed: the sweep looks at the streams each time.
_NOW = 0.0


class CallerStream(Stream):
    """One stream: what an exchange needs of a client. `deadline` is its own, like that of a connection of HTTP/1.1."""

    __slots__ = ("_answering", "certificate", "closing", "deadline", "exchange", "forwarded", "peer", "port", "state")

    connection: CallerConnection

    def __init__(self, connection: CallerConnection, number: int) -> None:
        super().__init__(connection, number)
        self.state = connection.worker
        self.port = connection.port
        self.peer = connection.peer
        self.forwarded = connection.forwarded
        self.certificate = connection.certificate
        self.closing = False
        self.exchange: StreamExchange | None = None
        # The request has arrived, and the service is to answer.
        self._answering = True
        self.deadline = self.state.answer_by

    @property
    def transport(self) -> asyncio.Transport:
        """The connection's."""
        return self.connection.transport

    # Told by the connection

    def take(self, data: bytes, ended: bool) -> None:
        exchange = self.exchange
        if exchange is None or exchange.complete:
            return
        if exchange.body is not None:
            exchange.take(data, ended)
        elif data:
            exchange.break_off(LENGTH_MISMATCH)

    def received_trailers(self, fields: list[Field]) -> None:
        self.heard_all = True
        exchange = self.exchange
        if exchange is not None and exchange.body is not None:
            trailers = read_trailers(fields, REQUEST_NAMES)
            if trailers is None:
                exchange.break_off(BAD_TRAILERS)
            else:
                exchange.body.trailers = trailers
                exchange.take(b"", True)

    def was_reset(self, code: int) -> None:
        self._client_lost()

    def was_lost(self) -> None:
        self._client_lost()

    def _client_lost(self) -> None:
        exchange, self.exchange = self.exchange, None
        if exchange is not None:
            exchange.client_lost()

    def told_full(self, full: bool) -> None:
        exchange = self.exchange
        if exchange is not None and exchange.upstream is not None:
            exchange.upstream.client_full(full)

    def moved(self) -> None:
        super().moved()
        if self.exchange is None:
            self.deadline = self.state.stream_by

    def said_all(self) -> None:
        super().said_all()
        if self.exchange is None:
            self._end()

    # Told by the exchange

    def send_head(self, status: int, fields: list[Field], *, ended: bool) -> None:
        """Send the head of an answer, with what comes next."""
        self.connection.send_head(self, [(b":status", b"%d" % status), *fields], ended=ended)

    def send_continue(self) -> None:
        self.send_head(100, [], ended=False)
        self.connection.flush()

    def wait_for_body(self) -> None:
        self._answering = False
        self.deadline = self.state.body_by

    def wait_for_answer(self) -> None:
        self._answering = True
        limits = self._api_limits()
        seconds = None if limits is None else limits.response_seconds
        self.deadline = self.state.answer_by if seconds is None else self.state.now + seconds

    def wait_for_stream(self) -> None:
        self._answering = False
        limits = self._api_limits()
        seconds = None if limits is None else limits.stream_seconds
        self.deadline = self.state.stream_by if seconds is None else self.state.now + seconds

    def _api_limits(self) -> ApiLimits | None:
        api = self.exchange.api if self.exchange is not None else None
        return None if api is None else api.limits

    def close_after_reply(self) -> None:
        """The stream ends with its answer anyway, and the others have done nothing wrong."""

    def exchange_ended(self) -> None:
        self.exchange = None
        # What the client has not taken yet is still sent, as long as it goes on taking.
        self.deadline = self.state.stream_by
        if self.ended:
            self._end()

    def abort(self) -> None:
        self.exchange = None
        self.reset(ErrorCodes.INTERNAL_ERROR)

    def _end(self) -> None:
        """The answer has been sent. Tell a client that still sends its request to stop (RFC 9113 section 8.1)."""
        self.reset(ErrorCodes.NO_ERROR)

    def expire(self) -> None:
        """The deadline has passed."""
        if self.exchange is not None:
            self.exchange.expire(self._answering)
        else:
            self.reset(ErrorCodes.CANCEL)


class CallerConnection(Http2Connection):
    """The gateway's side of one client connection, in the worker's list beside those of HTTP/1.1."""

    __slots__ = ("_goodbye", "_last", "_leaving", "_reading", "_unfinished", "address", "certificate", "deadline",
                 "forwarded", "gate", "peer", "port", "proxies", "worker")  # fmt: skip

    streams: dict[int, CallerStream]
    gate: ReadGate

    _reading: Reading

    def __init__(self, worker: WorkerState, port: int, address: str = "") -> None:
        header_bytes = worker.limits.header_bytes
        super().__init__(
            Http2State(client=False, header_bytes=header_bytes),
            FrameReader(PREFACE, 2 * header_bytes, lambda: worker.now),
        )
        self.worker = worker
        self.port = port
        # Where it comes from. Said beforehand by whoever has counted it already.
        self.address = address
        self.proxies: TrustedProxies | None = None
        self.certificate: ClientCertificate | None = None
        # For whom it is, which a trusted proxy says anew with each head.
        self.peer = ""
        self.forwarded = b""
        self.deadline = worker.head_by
        self._last: Request | None = None
        # The connection ends with the streams it has; `_goodbye`: and the client has been told.
        self._leaving = False
        self._goodbye = False
        # Without streams: waits for the rest of a preface or frame, not for the next request.
        self._unfinished = True

    def handlers(self) -> dict[type[Event], Callable[[Any], None]]:
        return {RequestReceived: self._on_request}

    @property
    def exchange(self) -> StreamExchange | None:
        """One of those under way, if any: whether the connection is idle."""
        return next((stream.exchange for stream in self.streams.values() if stream.exchange is not None), None)

    # Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport  # type: ignore[assignment]
        self.gate = ReadGate(self.transport)
        worker = self.worker
        if not self.address:
            peer = transport.get_extra_info("peername")
            self.address = peer[0].partition("%")[0].removeprefix("::ffff:") if peer else ""
            if not worker.reserve(self.address):
                self.lost = True
                self.transport.abort()
                return
        worker.connections.add(self)
        self.peer = self.address
        tls = transport.get_extra_info("ssl_object")
        if tls is not None:
            self.certificate = client_certificate(tls)
        if worker.proxies is not None and self.address in worker.proxies:
            self.proxies = worker.proxies
        self._reading = reading_of(self.proxies is not None, tls is not None, worker.pseudonym, _VERSION)
        scheme = b"http" if tls is None else b"https"
        self.forwarded = forwarded_lines(self.peer, scheme, worker.pseudonym, version=_VERSION)
        self.transport.write(self.state.begin(STREAMS))

    def connection_lost(self, error: Exception | None) -> None:
        if self in self.worker.connections:
            self.worker.connections.remove(self)
            self.worker.release(self.address)
        self.lose()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if not self.streams and self.frames.unfinished is not self._unfinished:
            # Set once: a client that sends a byte now and then does not get more time.
            self._unfinished = not self._unfinished
            self.deadline = self.worker.head_by if self._unfinished else self.worker.idle_by

    def pause_writing(self) -> None:
        super().pause_writing()
        # Answers have heads, which no window holds back: whoever does not read them gets no more of them.
        self.gate.pause(PEER_IS_FULL)

    def resume_writing(self) -> None:
        super().resume_writing()
        self.gate.resume(PEER_IS_FULL)

    # Requests

    def _on_request(self, event: RequestReceived) -> None:
        assert event.stream_id is not None
        stream = CallerStream(self, event.stream_id)
        self.streams[event.stream_id] = stream
        stream.heard_all = event.stream_ended is not None
        if self._goodbye or len(self.streams) > STREAMS:
            # Nothing has been done with it, so the client may ask again, elsewhere or later.
            self.frames.spend_reset()
            stream.reset(ErrorCodes.REFUSED_STREAM)
            return
        self.deadline = _NOW
        fields = self.state.decoder.fields
        try:
            request = read_request(
                fields, ended=stream.heard_all, last=self._last, limits=self.worker.limits, reading=self._reading
            )
        except BadMessage as error:
            self._refuse(stream, error.response, fields)
            return
        last, self._last = self._last, request
        if self.proxies is not None:
            # The same headers again say the same of the client.
            if last is None or request.lines is not last.lines:
                self.peer, self.forwarded = origin_of(self.proxies, request, self.address, self._reading)
            stream.peer, stream.forwarded = self.peer, self.forwarded
        exchange = stream.exchange = StreamExchange(stream, request)
        exchange.start()
        if self.worker.draining:
            self.go_away()

    def _refuse(self, stream: CallerStream, response: Response, fields: Any) -> None:
        """Answer what is no request."""
        worker = self.worker
        request_id = worker.new_request_id()
        if is_grpc(fields):
            status, answer, body = 200, refusal_fields(response), b""
        else:
            body = problem_body(problem(response), request_id)
            status, answer = response.status, problem_fields(response, body)
        if any(field == (b":method", b"HEAD") for field in fields):
            body = b""
        answer.append((b"x-request-id", request_id))
        size = sum(len(name) + len(value) for name, value in fields)
        worker.recorder.record("", "", "", response.status, "", response.code, size, len(body), 0, -1)
        worker.refusals.keep_unread(stream, request_id, response)
        if (log := worker.access_log) is not None:
            log.write_unread(stream, request_id, response.status, response.code, (size, len(body)))
        stream.deadline = worker.stream_by
        stream.send_head(status, answer, ended=not body)
        if body:
            stream.send(body, ended=True)

    # Told by the streams

    def forget(self, stream: Stream) -> None:
        super().forget(stream)
        if not self.streams and not self.lost:
            self._wait()

    def _wait(self) -> None:
        """Wait for the next request, or close where none is to come."""
        self._unfinished = False
        self.deadline = self.worker.idle_by
        if self._leaving:
            self._write()
            self.transport.close()
            self.deadline = self.worker.now + self.worker.limits.linger_seconds

    def on_goaway(self, last: int) -> None:
        self._leaving = True
        if not self.streams:
            self._wait()

    # Ending

    def go_away(self) -> None:
        """Tell the client to use another connection, and finish what it has asked for."""
        self._leaving = True
        if not self._goodbye and not self.lost:
            self._goodbye = True
            self.say_goodbye(self.state.highest_inbound_stream_id)

    def close_after_reply(self) -> None:
        """Take no further request."""
        self.go_away()

    def close_if_idle(self) -> None:
        """Close now unless something is being answered; then it closes after that."""
        if not self.streams:
            self.go_away()
            self.transport.close()

    def expire(self) -> None:
        """A deadline has passed: that of a stream, or of the connection when it has none."""
        worker = self.worker
        if self.transport.is_closing():
            # A peer that does not take what was written would keep the connection for ever.
            self.transport.abort()
        elif self.streams:
            if worker.draining:
                self.go_away()
            for stream in [stream for stream in self.streams.values() if stream.deadline <= worker.now]:
                stream.expire()
            self.flush()
        else:
            self.go_away()
            self.transport.close()
            self.deadline = worker.now + worker.limits.linger_seconds
