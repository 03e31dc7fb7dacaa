"""One client connection: finds heads in the bytes, runs one exchange at a time, closes with care."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from gateway_runtime.http.exchange import Exchange
from gateway_runtime.http.flow_control import ONE_AT_A_TIME, ReadGate
from gateway_runtime.http.framing import HEAD_END, check_unfinished_head
from gateway_runtime.http.message import (
    REMEMBERED_BYTES,
    Reading,
    Request,
    parse_request,
    reading_of,
    repeat_request,
)
from gateway_runtime.http.origin import TrustedProxies
from gateway_runtime.http.refusals import HEADERS_TOO_LARGE, REQUEST_TIMEOUT, URI_TOO_LONG, BadMessage
from gateway_runtime.http.responses import CLOSE, CONTINUE, head_bytes, problem, problem_body
from gateway_runtime.http.upstream_head import forwarded_lines, origin_of
from gateway_runtime.http2.caller import CallerConnection
from gateway_runtime.http2.frames import PREFACE
from gateway_runtime.policies.results import Response
from gateway_runtime.tls.client_certificate import ClientCertificate, client_certificate

if TYPE_CHECKING:
    from gateway_runtime.http.limits import ApiLimits
    from gateway_runtime.http.state import WorkerState
    from gateway_runtime.http.tunnel import Tunnel

# What the connection waits for, which says what its deadline means.
_IDLE, _HEAD, _BODY, _ANSWER, _STREAM, _LINGER = range(6)

# How HTTP/2 begins where it is not agreed by TLS (RFC 9113 section 3.3). Read as HTTP/1.1 it is a head that is refused.
_FIRST_OF_HTTP2 = PREFACE[:18]
# The longest method, the spaces and the version around a target.
_REQUEST_LINE_EXTRA = 64


class ClientConnection(asyncio.Protocol):
    """The gateway's side of one client connection."""

    __slots__ = (  # noqa: RUF023 (grouped by purpose)
        # shared
        "port", "state",
        # the connection
        "address", "certificate", "closing", "deadline", "gate", "transport", "writable",
        # for whom it is, which a trusted proxy says anew with each head
        "forwarded", "peer", "proxies",
        # reading
        "_last", "_linger_left", "_pending", "_phase", "_reading", "_scanned", "_starting",
        # what is being answered
        "exchange",
    )  # fmt: skip

    transport: asyncio.Transport
    gate: ReadGate
    _reading: Reading

    def __init__(self, state: WorkerState, port: int, address: str = "") -> None:
        self.state = state
        self.port = port
        # Where it comes from. Said beforehand by whoever has counted it already.
        self.address = address
        self.proxies: TrustedProxies | None = None
        self.certificate: ClientCertificate | None = None
        self.closing = False
        self.writable = True
        self.peer = ""
        self.forwarded = b""
        self.exchange: Exchange | Tunnel | None = None
        self.deadline = state.head_by
        self._last: Request | None = None
        self._phase = _IDLE
        self._pending = bytearray()
        self._scanned = 0
        self._starting = False
        self._linger_left = 0

    # Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport  # type: ignore[assignment]
        self.gate = ReadGate(self.transport)
        if not self.address:
            peer = transport.get_extra_info("peername")
            self.address = peer[0].partition("%")[0].removeprefix("::ffff:") if peer else ""
            if not self.state.reserve(self.address):
                self.transport.abort()
                return
        self.state.connections.add(self)
        self.peer = self.address
        tls = transport.get_extra_info("ssl_object")
        if tls is not None:
            self.certificate = client_certificate(tls)
        proxies = self.state.proxies
        if proxies is not None and self.address in proxies:
            self.proxies = proxies
        self._reading = reading_of(self.proxies is not None, tls is not None, self.state.pseudonym)
        self.forwarded = forwarded_lines(self.peer, b"http" if tls is None else b"https", self.state.pseudonym)

    def connection_lost(self, error: Exception | None) -> None:
        if self in self.state.connections:
            self.state.connections.remove(self)
            self.state.release(self.address)
        self._pending.clear()
        exchange, self.exchange = self.exchange, None
        if exchange is not None:
            exchange.client_lost()

    def pause_writing(self) -> None:
        self.writable = False
        if self.exchange is not None and self.exchange.upstream is not None:
            self.exchange.upstream.client_full(True)

    def resume_writing(self) -> None:
        self.writable = True
        if self.exchange is not None:
            if self.exchange.upstream is not None:
                self.exchange.upstream.client_full(False)
        elif self._pending and not self.closing:
            self._take_pending()

    def data_received(self, data: bytes) -> None:
        exchange = self.exchange
        if exchange is not None:
            if not exchange.body_done():
                data = exchange.feed(data)
                if not data:
                    return
                if self.exchange is None and not self.closing:
                    self._take(data)
                    return
            # The next request: it waits, and so does whoever sends more.
            self._pending += data
            self.gate.pause(ONE_AT_A_TIME)
        elif self._phase == _LINGER:
            self._linger_left -= len(data)
            if self._linger_left < 0:
                self.transport.abort()
        elif self._pending:
            self._pending += data
            self._take_pending()
        else:
            self._take(data)

    # Reading heads

    def _take_pending(self) -> None:
        data = bytes(self._pending)
        self._pending.clear()
        self.gate.resume(ONE_AT_A_TIME)
        self._take(data)

    def _take(self, data: bytes) -> None:
        """Answer the requests in `data` in order, as far as they can be answered at once."""
        while data and self.exchange is None and not self.closing:
            if not self.writable:
                # Refusals are written at once: whoever does not read them gets no more of them.
                self._pending += data
                self.gate.pause(ONE_AT_A_TIME)
                return
            last = self._last
            request = repeat_request(data, last, self.state.limits) if last is not None else None
            if request is None:
                end = data.find(HEAD_END, max(0, self._scanned - 3)) + 4
                try:
                    if end < 4:
                        self._keep_unfinished(data)
                        return
                    if end > self.state.limits.header_bytes:
                        raise BadMessage(self._too_large(data))
                    request = parse_request(data[:end], self.state.limits, self._reading)
                except BadMessage as error:
                    if self._last is None and data.startswith(_FIRST_OF_HTTP2) and not self._reading.secure:
                        self._speak_http2(data)
                    else:
                        self._refuse_head(error.response, data)
                    return
                if self.proxies is not None:
                    self._take_origin(self.proxies, request)
            if request is not last:
                if request.block and len(data) == request.head_bytes < REMEMBERED_BYTES:
                    request.head = data
                self._last = request
            self._scanned = 0
            data = data[request.head_bytes :]
            exchange = self.exchange = Exchange(self, request)
            self._phase = _ANSWER
            self.deadline = self.state.answer_by
            self._starting = True
            if data and exchange.body is not None:
                data = exchange.feed(data)
            if not exchange.ended and not exchange.begun:
                exchange.start()
                if data and exchange.discarding and not exchange.body_done():
                    data = exchange.feed(data)
            self._starting = False
        if data and not self.closing:
            self._pending += data
            self.gate.pause(ONE_AT_A_TIME)
        elif self.exchange is None and not self.closing:
            self._wait_idle()

    def _speak_http2(self, data: bytes) -> None:
        """Leave the connection to HTTP/2, which this client begins with because it knows that it may."""
        self.state.connections.discard(self)
        successor = CallerConnection(self.state, self.port, self.address)
        self.transport.set_protocol(successor)
        successor.connection_made(self.transport)
        successor.data_received(data)

    def _take_origin(self, proxies: TrustedProxies, request: Request) -> None:
        """Believe the proxy until its next head; the same header block again says the same."""
        self.peer, self.forwarded = origin_of(proxies, request, self.address, self._reading)

    def _keep_unfinished(self, data: bytes) -> None:
        limits = self.state.limits
        check_unfinished_head(data, self._scanned)
        if len(data) > limits.header_bytes or (
            b"\r\n" not in data and len(data) > limits.target_bytes + _REQUEST_LINE_EXTRA
        ):
            raise BadMessage(self._too_large(data))
        self._scanned = len(data)
        self._pending += data
        if self._phase != _HEAD:
            # Set once: a client that sends a byte now and then does not get more time.
            self._phase = _HEAD
            self.deadline = self.state.head_by

    def _too_large(self, data: bytes) -> Response:
        first = data.find(b"\r\n")
        longest = self.state.limits.target_bytes + _REQUEST_LINE_EXTRA
        return URI_TOO_LONG if first > longest or (first < 0 and len(data) > longest) else HEADERS_TOO_LARGE

    def _refuse_head(self, response: Response, received: bytes | bytearray) -> None:
        """Answer bytes that are no request, and read nothing more of this connection."""
        request_id = self.state.new_request_id()
        found = problem(response)
        body = problem_body(found, request_id)
        lines = [*found.lines, b"content-length: %d" % len(body)]
        if received.startswith(b"HEAD "):
            # Whoever asked, a proxy of its own perhaps, takes what follows the head for the next answer.
            body = b""
        data = head_bytes(response.status, lines, request_id, (CLOSE,)) + body
        self.transport.write(data)
        self.state.recorder.record("", "", "", response.status, "", response.code, len(received), len(data), 0, -1)
        self.state.refusals.keep_unread(self, request_id, response)
        if (log := self.state.access_log) is not None:
            log.write_unread(self, request_id, response.status, response.code, (len(received), len(data)))
        self.closing = True
        self._linger()

    # Told by the exchange

    def send_continue(self) -> None:
        """Let a client send the body that it has asked about."""
        self.transport.write(CONTINUE)

    @property
    def ahead(self) -> bool:
        """Whether bytes have come that no request has taken yet."""
        return bool(self._pending)

    def wait_for_goodbye(self, seconds: float) -> None:
        """Both sides of a tunnel have been asked to end it."""
        self._phase = _STREAM
        self.deadline = self.state.now + seconds

    def wait_for_body(self) -> None:
        """The request's body is still coming."""
        self._phase = _BODY
        self.deadline = self.state.body_by

    def wait_for_answer(self) -> None:
        """The request has arrived: now the service is to answer."""
        self._phase = _ANSWER
        limits = self._api_limits()
        if limits is None or limits.response_seconds is None:
            self.deadline = self.state.answer_by
        else:
            self.deadline = self.state.now + limits.response_seconds

    def wait_for_stream(self) -> None:
        """The answer is under way."""
        self._phase = _STREAM
        limits = self._api_limits()
        if limits is None or limits.stream_seconds is None:
            self.deadline = self.state.stream_by
        else:
            self.deadline = self.state.now + limits.stream_seconds

    def _api_limits(self) -> ApiLimits | None:
        api = self.exchange.api if self.exchange is not None else None
        return None if api is None else api.limits

    def close_after_reply(self) -> None:
        """Take no further request from this connection."""
        self.closing = True

    def exchange_ended(self) -> None:
        """The exchange is over: go on with the next request, or close."""
        exchange, self.exchange = self.exchange, None
        # Draining alone is no reason: a caller whom the head did not tell would write into a closed connection.
        if self.closing:
            if self._pending or (exchange is not None and not exchange.body_done()):
                self._linger()
            else:
                self.transport.close()
        elif self._starting:
            return  # called from within `_take`, which goes on by itself
        elif self._pending:
            self._take_pending()
        else:
            self._phase = _IDLE
            self.deadline = self.state.idle_by

    def abort(self) -> None:
        """Cut the connection: the only way to say that an answer which has begun is not whole."""
        self.closing = True
        self.exchange = None
        self.transport.abort()

    # Ending

    def expire(self) -> None:
        """The deadline has passed."""
        phase = self._phase
        self.deadline = self.state.now + self.state.limits.linger_seconds
        if self.exchange is not None:
            self.exchange.expire(phase == _ANSWER)
        elif phase == _HEAD:
            self._refuse_head(REQUEST_TIMEOUT, self._pending)
        elif phase == _LINGER or self.transport.is_closing():
            # A peer that does not take what was written would keep the connection for ever.
            self.transport.abort()
        else:
            self.transport.close()

    def go_away(self) -> None:
        """End what would not end by itself: a tunnel."""
        if self.exchange is not None:
            self.exchange.go_away()

    def close_if_idle(self) -> None:
        """Close now unless a request is being answered; then it closes after that."""
        if self.exchange is None and self._phase != _LINGER:
            self.transport.close()

    def _wait_idle(self) -> None:
        self._phase = _IDLE
        self.deadline = self.state.idle_by

    def _linger(self) -> None:
        """Close our side and read on for a moment: closing over unread bytes would destroy the answer on its way."""
        self._phase = _LINGER
        self.deadline = self.state.now + self.state.limits.linger_seconds
        self._linger_left = self.state.limits.drain_bytes
        self._pending.clear()
        self.gate.open()
        if not self.transport.is_closing():
            if self.transport.can_write_eof():
                self.transport.write_eof()
            else:
                # TLS ends in both directions at once: closing sends what was written and throws away what comes.
                self.transport.close()
