"""One question of the gateway's own to a service and its whole answer, on the connections that the pool keeps."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

from gateway_runtime.clock import Clock, monotonic
from gateway_runtime.policies.results import Response
from gateway_runtime.upstream.errors import BAD_RESPONSE, TIMEOUT, UpstreamError
from gateway_runtime.upstream.response import ResponseHead

if TYPE_CHECKING:
    from gateway_runtime.upstream.connection import Asked
    from gateway_runtime.upstream.pool import Pool
    from gateway_runtime.upstream.target import TargetConnections

Fields = list[tuple[bytes, bytes]]


class Answered(NamedTuple):
    """An answer with its whole body. Header names are lower case."""

    status: int
    fields: Fields
    body: bytes
    trailers: Fields


async def ask(
    pool: Pool,
    method: bytes,
    path: bytes,
    lines: Iterable[bytes],
    body: bytes = b"",
    *,
    seconds: float,
    limit: int,
    host: bytes = b"",
    clock: Clock = monotonic,
) -> Answered:
    """Ask and return the answer, whatever its status. Raises `UpstreamError`.

    `lines` are header lines without `Host`, for which `host` is sent, else that of the target. `seconds` are for
    everything, `limit` is for the bytes of the body. It must be a question that may be asked twice.
    """
    lines = (*lines, b"content-length: %d" % len(body)) if body or method not in (b"GET", b"HEAD") else tuple(lines)
    try:
        async with asyncio.timeout(seconds):
            target = pool.choose(None)
            connection: Asked | None = target.acquire(clock())
            if connection is not None:
                answer = _Answer(limit)
                try:
                    return await answer.of(connection, method, question_head(target, method, path, host, lines), body)
                except UpstreamError:
                    # A kept connection may be closed by the service just when it is used.
                    if not answer.stale:
                        raise
            connection = await pool.connect(target)
            head = question_head(connection.target, method, path, host, lines)
            return await _Answer(limit).of(connection, method, head, body)
    except TimeoutError:
        raise UpstreamError(TIMEOUT) from None


def question_head(target: TargetConnections, method: bytes, path: bytes, host: bytes, lines: Iterable[bytes]) -> bytes:
    """Return the head of a question of the gateway's own; see `ask`."""
    end = target.line_end
    if host:
        end = end.removesuffix(target.authority) + host
    return b"\r\n".join((b"".join((method, target.line_start, path, end)), *lines, b"", b""))


class _Answer:
    """Takes an answer as a connection brings it. `stale` tells that it would be worth asking on another one."""

    __slots__ = ("_body", "_head", "_limit", "_trailers", "_whole", "stale")

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._head: ResponseHead | None = None
        self._body = bytearray()
        self._trailers: Fields = []
        self._whole: asyncio.Future[Answered] = asyncio.get_running_loop().create_future()
        self.stale = False

    async def of(self, connection: Asked, method: bytes, head: bytes, body: bytes) -> Answered:
        """Ask on a connection and wait for the answer."""
        if connection.transport.is_closing():
            self.stale = True
            raise UpstreamError(BAD_RESPONSE)
        connection.ask(self, method, head)
        try:
            if body:
                connection.send_body(body, False)
            return await self._whole
        except BaseException:
            if not self._done:
                connection.abandon()
            raise

    @property
    def _done(self) -> bool:
        """Tell whether the connection has let go already."""
        return self._limit < 0

    def on_interim(self, head: ResponseHead) -> None:
        """Wait on."""

    def on_head(self, head: ResponseHead, body: bytes, done: bool) -> None:
        """Take the head."""
        self._head = head
        self.on_body(body, done)

    def on_body(self, body: bytes, done: bool) -> None:
        """Take a piece of the body."""
        self._body += body
        too_large = len(self._body) > self._limit
        if done:
            self._limit = -1
        if self._whole.done():
            return
        if too_large:
            self._whole.set_exception(UpstreamError(BAD_RESPONSE))
        elif done:
            assert self._head is not None
            answered = Answered(self._head.status, self._head.fields(), bytes(self._body), self._trailers)
            self._whole.set_result(answered)

    def on_switch(self, head: bytes, rest: bytes) -> None:
        """Refuse what nobody has asked for."""
        raise UpstreamError(BAD_RESPONSE)

    def on_trailers(self, fields: Fields) -> None:
        """Keep them for the end."""
        self._trailers = fields

    def on_failure(self, response: Response, *, stale: bool) -> None:
        """Take the failure."""
        self._limit = -1
        self.stale = stale
        if not self._whole.done():
            self._whole.set_exception(UpstreamError(response))

    def on_full(self, full: bool) -> None:
        """All there is to send has been given away already."""

    def body_done(self) -> bool:
        """Tell that everything has been sent."""
        return True
