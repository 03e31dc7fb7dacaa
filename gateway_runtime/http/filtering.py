"""Bodies that stream through what policies have put in their way, in either direction and piece by piece."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from gateway_runtime.policies.results import BodyFilter, Refused

if TYPE_CHECKING:
    import asyncio

    from gateway_runtime.http.exchange import Exchange
    from gateway_runtime.http.reply import Reply
    from gateway_runtime.upstream.connection import Asked, Asker
    from gateway_runtime.upstream.target import TargetConnections


class Filtering:
    """Some filters in a row. `announced` is how much has to come out, negative where nobody has said it."""

    __slots__ = ("_filters", "_left")

    def __init__(self, filters: Sequence[BodyFilter], announced: int) -> None:
        self._filters = filters
        self._left = announced

    def feed(self, data: bytes) -> bytes:
        """Return what a piece becomes."""
        for each in self._filters:
            if data:
                data = each.feed(data)
        return self._checked(data)

    def finish(self) -> bytes:
        """Return what is still to come at the end."""
        data = b""
        for each in self._filters:
            if data:
                data = each.feed(data)
            data += each.finish()
        data = self._checked(data)
        if self._left > 0:
            raise ValueError("a filter that keeps the length has swallowed some of the body")
        return data

    def _checked(self, data: bytes) -> bytes:
        # Another length than the head says would let the receiver take the rest for the next message.
        if self._left >= 0:
            self._left -= len(data)
            if self._left < 0:
                raise ValueError("a filter that keeps the length has added to the body")
        return data


class FilteredRequest:
    """Stands before the connection to a service: what is sent through it goes through the filters."""

    __slots__ = ("_chunked", "_exchange", "_filtering", "_left", "_upstream", "target")

    def __init__(self, exchange: Exchange, upstream: Asked, filters: Sequence[BodyFilter], length: int) -> None:
        keeps = length >= 0 and all(each.keeps_length for each in filters)
        self._exchange = exchange
        self._upstream = upstream
        self._filtering: Filtering | None = Filtering(filters, length if keeps else -1)
        self._chunked = not keeps
        self._left = length
        self.target: TargetConnections = upstream.target

    @property
    def transport(self) -> asyncio.Transport:
        """The service's connection's."""
        return self._upstream.transport

    def ask(self, exchange: Asker, method: bytes, head: bytes) -> None:
        """Ask. The head passes as it is."""
        self._upstream.ask(exchange, method, head)

    def send_body(self, content: bytes, chunked: bool) -> None:
        """Send what a piece becomes; with the last one of a body of known length also the end."""
        ended = False
        if not chunked:
            self._left -= len(content)
            ended = not self._left
        self._pass(content, ended, ())

    def end_body(self, trailers: Sequence[tuple[bytes, bytes]]) -> None:
        """End a body whose length was not known."""
        self._pass(b"", True, trailers)

    def _pass(self, content: bytes, ended: bool, trailers: Sequence[tuple[bytes, bytes]]) -> None:
        filtering = self._filtering
        if filtering is None:
            return
        try:
            data = filtering.feed(content) if content else b""
            if ended:
                data += filtering.finish()
        except Exception as error:
            self._filtering = None
            if isinstance(error, Refused):
                self._exchange.break_off(error.response)
            else:
                self._exchange.policy_failed(error)
            return
        if data:
            self._upstream.send_body(data, self._chunked)
        if ended:
            self._filtering = None
            if self._chunked:
                self._upstream.end_body(trailers)

    def client_full(self, full: bool) -> None:
        """Stop or go on reading the answer."""
        self._upstream.client_full(full)

    def hold(self, held: bool) -> None:
        """Stop or go on reading the answer while policies wait."""
        self._upstream.hold(held)

    def abandon(self) -> None:
        """Forget the exchange."""
        self._filtering = None
        self._upstream.abandon()


class FilteredAnswer:
    """Takes the pieces of an answer whose head has been written, on their way to the caller."""

    __slots__ = ("_filtering",)

    def __init__(self, filters: Sequence[BodyFilter], announced: int) -> None:
        self._filtering = Filtering(filters, announced)

    def begin(self, body: bytes) -> bytes:
        """Return what the first piece becomes, before the head is written."""
        return self._filtering.feed(body) if body else b""

    def take(self, reply: Reply, body: bytes, done: bool) -> bytes | None:
        """Return what is to be written now, or None where the answer has been broken off."""
        try:
            data = self._filtering.feed(body) if body else b""
            return data + self._filtering.finish() if done else data
        except Exception as error:
            reply.policy_failed(error)
            return None
