"""An open WebSocket: bytes both ways, as fast as the slower side takes them, until one side or the gateway ends it."""

from __future__ import annotations

from collections.abc import Awaitable, Iterable
from typing import TYPE_CHECKING, cast

from gateway_runtime.http.flow_control import PEER_IS_FULL
from gateway_runtime.http.headers import FRAMING
from gateway_runtime.http.responses import head_bytes
from gateway_runtime.http.upgrade import EARLY_BYTES, answer_lines, check_switch
from gateway_runtime.http.websocket_frames import GOING_AWAY, NOT_ALLOWED, FrameEdges, close_frame
from gateway_runtime.policies.results import Response
from gateway_runtime.tasks import spawn
from gateway_runtime.upstream.errors import BAD_RESPONSE, UpstreamError

if TYPE_CHECKING:
    from gateway_runtime.configuration.snapshot import Snapshot
    from gateway_runtime.http.exchange import Exchange
    from gateway_runtime.http.protocol import ClientConnection
    from gateway_runtime.upstream.connection import UpstreamConnection
    from gateway_runtime.upstream.response import ResponseHead

SWITCHING = 101
# How long both sides have to answer a Close frame of the gateway.
GOODBYE_SECONDS = 2.0


def switch(exchange: Exchange, head: bytes, rest: bytes) -> None:
    """Open the tunnel that an exchange has asked for. `rest` is what the service has sent behind its 101.

    Raises `UpstreamError` where nobody asked, or where the answer does not open it.
    """
    request, context, upstream = exchange.request, exchange.context, exchange.upstream
    if not request.websocket or upstream is None:
        raise UpstreamError(BAD_RESPONSE)
    offered = request.headers() if context is None else context.headers
    fields = check_switch(head, request.websocket, offered)
    if _client(exchange).ahead:
        # Sent before the tunnel was there: a request to one reader, frames to another.
        exchange.client.close_after_reply()
        exchange.refuse(EARLY_BYTES)
        return
    if exchange.judged:
        assert context is not None
        assert exchange.api is not None
        assert exchange.api.chain is not None
        context.response_status = SWITCHING
        context.response_headers = fields
        # What follows is no body, so whoever asks for one sees none.
        context.response_body = b""
        try:
            waiting = exchange.api.chain.run_response(context)
        except Exception as error:
            exchange.policy_failed(error)
            return
        if waiting is not None:
            upstream.hold(True)
            spawn("response-policies", _open_later(exchange, waiting, rest))  # type: ignore[arg-type]
            return
        fields = context.response_headers
    Tunnel(exchange, cast("UpstreamConnection", upstream), fields, rest)


async def _open_later(exchange: Exchange, waiting: Awaitable[None], rest: bytes) -> None:
    try:
        await waiting
    except Exception as error:
        exchange.policy_failed(error)
        return
    upstream, context = exchange.upstream, exchange.context
    if exchange.ended or upstream is None:
        return
    assert context is not None
    if _client(exchange).ahead:
        exchange.client.close_after_reply()
        exchange.refuse(EARLY_BYTES)
        return
    upstream.hold(False)
    Tunnel(exchange, cast("UpstreamConnection", upstream), context.response_headers, rest)


def _client(exchange: Exchange) -> ClientConnection:
    """Return the client's connection. Only one of HTTP/1.1 is ever switched."""
    return cast("ClientConnection", exchange.client)


class Tunnel:
    """Takes the place of the exchange on both connections. It is recorded once, when it ends.

    Its latency is the time until it was open: how long people stay connected says nothing about how fast they were
    served.
    """

    __slots__ = (  # noqa: RUF023 (grouped by purpose)
        # the two sides
        "api", "client", "upstream",
        # what has passed
        "_bytes_in", "_bytes_out", "_from_client", "_from_service",
        # the end
        "_going", "_told_client", "_told_service", "ended",
        # measured
        "_contracted", "_labels", "_latency_us", "_upstream_us",
    )  # fmt: skip

    def __init__(
        self, exchange: Exchange, upstream: UpstreamConnection, fields: list[tuple[bytes, bytes]], rest: bytes
    ) -> None:
        client = self.client = _client(exchange)
        request, state = exchange.request, exchange.state
        self.api = exchange.api
        self.upstream = upstream
        self._from_client = FrameEdges()
        self._from_service = FrameEdges()
        # With which status the gateway ends it, 0 while it does not.
        self._going = 0
        self._told_client = self._told_service = self.ended = False
        now = state.clock()
        self._latency_us = int((now - exchange.started) * 1_000_000)
        self._upstream_us = int((now - exchange.asked) * 1_000_000)
        context = exchange.context
        self._labels = (
            "" if exchange.api is None else exchange.api.counted_as,
            "" if exchange.route is None else exchange.route.id,
            "" if context is None else context.application,
        )
        snapshot = state.snapshot
        clients = () if snapshot is None or self.api is None else snapshot.consumers.get(self.api.id, ())
        self._contracted = any(client.id == self._labels[2] for client in clients)
        state.tunnels.add(self)
        lines = [b": ".join(field) for field in fields if field[0] not in FRAMING]
        data = head_bytes(SWITCHING, lines + answer_lines(request.websocket), exchange.request_id)
        self._bytes_in = request.head_bytes
        self._bytes_out = len(data)
        client.exchange = self
        upstream.exchange = self
        client.close_after_reply()
        client.wait_for_stream()
        client.transport.write(data)
        exchange.replaced()
        if rest:
            self.on_body(rest, False)
        if state.draining:
            self.go_away()

    # Told by the client's connection

    def body_done(self) -> bool:
        """Tell that whatever comes belongs to the tunnel."""
        return False

    def feed(self, data: bytes) -> bytes:
        """Pass bytes on to the service."""
        self._bytes_in += len(data)
        if self._going:
            self._farewell(self._from_client, data, to_client=False)
        else:
            self._from_client.follow(data)
            self.upstream.transport.write(data)
            self.client.wait_for_stream()
        return b""

    def expire(self, _: bool) -> None:
        """Nothing has passed for too long, or a side has not answered the gateway's Close frame."""
        self._end("" if self._going else "stream_idle")

    def client_lost(self) -> None:
        """The client's connection is gone."""
        self._end("" if self._from_client.closed or self._from_service.closed or self._going else "client_gone")

    def go_away(self, status: int = GOING_AWAY) -> None:
        """Tell both sides that the gateway ends the tunnel, each after the frame that is on its way to it."""
        if self._going or self.ended:
            return
        self._going = status
        self.client.wait_for_goodbye(GOODBYE_SECONDS)
        self._farewell(self._from_client, b"", to_client=False)
        self._farewell(self._from_service, b"", to_client=True)

    def is_allowed(self, snapshot: Snapshot, contracts: dict[str, frozenset[str]]) -> bool:
        """Tell whether its API is still served and its caller still has the contract that it had.

        `contracts` remembers whose these are by API, for all tunnels that are asked at once.
        """
        id, application = "" if self.api is None else self.api.id, self._labels[2]
        api = snapshot.find_api(id)
        if api is None or api.quarantine is not None:
            return False
        if not self._contracted:
            return True
        if id not in contracts:
            contracts[id] = frozenset(consumer.id for consumer in snapshot.consumers.get(id, ()))
        return application in contracts[id]

    # Told by the service's connection

    def on_body(self, body: bytes, done: bool) -> None:
        """Pass bytes on to the client; with `done` the service has closed."""
        self._bytes_out += len(body)
        if self._going:
            self._farewell(self._from_service, body, to_client=True)
        elif body:
            self._from_service.follow(body)
            self.client.transport.write(body)
            self.client.wait_for_stream()
        if done:
            self._end("")

    def on_failure(self, response: Response, *, stale: bool) -> None:
        """The service's connection is gone."""
        self._end("" if self._from_service.closed or self._going else response.code)

    def on_full(self, full: bool) -> None:
        """Read the client only as fast as the service takes it."""
        if full:
            self.client.gate.pause(PEER_IS_FULL)
        else:
            self.client.gate.resume(PEER_IS_FULL)

    def on_interim(self, head: ResponseHead) -> None:
        """Not said by a service whose answer has been read."""

    def on_head(self, head: ResponseHead, body: bytes, done: bool) -> None:
        """Not said by a service whose answer has been read."""

    def on_trailers(self, fields: list[tuple[bytes, bytes]]) -> None:
        """Not said by a service of HTTP/1.1."""

    def on_switch(self, head: bytes, rest: bytes) -> None:
        """Not said by a service that has switched."""

    # Ending

    def _farewell(self, edges: FrameEdges, data: bytes, *, to_client: bool) -> None:
        """Pass on the rest of the frame under way and the gateway's Close frame; what comes after it is thrown away."""
        told = self._told_client if to_client else self._told_service
        if not told:
            edge = edges.next_edge(data)
            told = edge >= 0
            passed, data = (data[:edge], data[edge:]) if told else (data, b"")
            if told and not edges.closed:
                passed += close_frame(self._going, masked=not to_client)
            if passed:
                (self.client if to_client else self.upstream).transport.write(passed)
            if to_client:
                self._told_client = told
            else:
                self._told_service = told
        if data:
            edges.follow(data)
        # Both have been told, and both have answered: nobody has anything to say.
        if self._told_client and self._told_service and self._from_client.closed and self._from_service.closed:
            self._end("")

    def _end(self, code: str) -> None:
        if self.ended:
            return
        self.ended = True
        client, upstream = self.client, self.upstream
        client.state.tunnels.discard(self)
        client.state.recorder.record(
            *self._labels, SWITCHING, "", code, self._bytes_in, self._bytes_out, self._latency_us, self._upstream_us
        )
        if not upstream.transport.is_closing():
            # What has been passed on still arrives, but nobody waits for a service that does not read.
            upstream.transport.close()
            client.state.leave(upstream.transport)
        if client.exchange is self:
            client.exchange_ended()


def end_disallowed(tunnels: Iterable[Tunnel], snapshot: Snapshot) -> None:
    """End the tunnels that a new revision does not allow: they would outlive many of them."""
    contracts: dict[str, frozenset[str]] = {}
    for tunnel in list(tunnels):
        if not tunnel.is_allowed(snapshot, contracts):
            tunnel.go_away(NOT_ALLOWED)
