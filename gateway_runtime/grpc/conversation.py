"""One call with messages both ways, in turns: each that is sent is answered before the next one is."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any

from gateway_runtime.clock import Clock, monotonic
from gateway_runtime.grpc.framing import (
    FRAME,
    CallFailed,
    Fields,
    call_lines,
    check_end,
    check_head,
    framed,
    message_length,
)
from gateway_runtime.policies.results import Response
from gateway_runtime.upstream.asking import question_head
from gateway_runtime.upstream.errors import BAD_RESPONSE, TIMEOUT, UpstreamError

if TYPE_CHECKING:
    from gateway_runtime.upstream.connection import Asked
    from gateway_runtime.upstream.pool import Pool
    from gateway_runtime.upstream.response import ResponseHead

# How long the other side has to end a call after this one has.
_FAREWELL_SECONDS = 1.0

Failure = UpstreamError | CallFailed


class Conversation:
    """A call that begins with the first message. It holds a stream of a connection until `end` has been called.

    `limit` is for the bytes of each message that comes.
    """

    __slots__ = ("_clock", "_connection", "_failure", "_farewell", "_limit", "_method", "_pool", "_received", "_stale",
                 "_trailers", "_until", "_waiting", "over")  # fmt: skip

    def __init__(self, pool: Pool, method: bytes, *, limit: int, clock: Clock = monotonic) -> None:
        self._pool = pool
        self._method = method
        self._limit = limit
        self._clock = clock
        self._connection: Asked | None = None
        self._received = bytearray()
        self._trailers: Fields = ()
        self._failure: Failure | None = None
        self._stale = False
        self._waiting: asyncio.Future[bytes | None] | None = None
        self._farewell: asyncio.TimerHandle | None = None
        # When what is waited for has to be there.
        self._until = 0.0
        # Nothing more can be said, because one side or the other has ended it.
        self.over = False

    # Talking

    async def say(self, message: bytes, *, seconds: float) -> bytes | None:
        """Send a message and return the answer to it, None where the call is over.

        All of it takes `seconds` at most. Raises `UpstreamError` and `CallFailed`.
        """
        return await self._in_time(self._say(message), seconds)

    async def hear(self, *, seconds: float | None = None) -> bytes | None:
        """Return one more answer, in `seconds` or in the time that is left for the one before. As `say`."""
        return await self._in_time(self._hear(), seconds)

    async def _in_time(self, waiting: Coroutine[Any, Any, bytes | None], seconds: float | None) -> bytes | None:
        if seconds is not None:
            self._until = asyncio.get_running_loop().time() + seconds
        try:
            async with asyncio.timeout_at(self._until):
                return await waiting
        except TimeoutError:
            self.break_off()
            raise UpstreamError(TIMEOUT) from None

    async def _say(self, message: bytes) -> bytes | None:
        if self._connection is None and not self.over and self._failure is None:
            return await self._begin(framed(message))
        if self._received:
            # An answer to nothing would be taken for one to this.
            self._fail(UpstreamError(BAD_RESPONSE))
        if self._connection is not None:
            self._connection.send_body(framed(message), True)
        return await self._hear()

    async def _hear(self) -> bytes | None:
        message = self._next()
        if message is not None:
            return message
        if self._failure is not None:
            raise self._failure
        if self.over:
            return None
        self._waiting = asyncio.get_running_loop().create_future()
        try:
            return await self._waiting
        finally:
            self._waiting = None

    async def _begin(self, first: bytes) -> bytes | None:
        pool = self._pool
        target = pool.choose(None)
        connection: Asked | None = target.acquire(self._clock())
        if connection is not None:
            self._open(connection, first)
            try:
                return await self._hear()
            except UpstreamError:
                # A kept connection may be closed by the service just when it is used.
                if not self._stale:
                    raise
            self._failure = None
        made = await pool.connect(target)
        if self.over:
            made.target.release(made)
            return None
        self._open(made, first)
        return await self._hear()

    def _open(self, connection: Asked, first: bytes) -> None:
        self._stale = False
        if connection.transport.is_closing():
            connection.target.release(connection)  # type: ignore[arg-type]
            self._stale, self._failure = True, UpstreamError(BAD_RESPONSE)
            return
        self._connection = connection
        lines = call_lines(b"transfer-encoding: chunked")
        connection.ask(self, b"POST", question_head(connection.target, b"POST", self._method, b"", lines))
        if self._connection is not None:
            self._connection.send_body(first, True)

    # Ending

    def end(self) -> None:
        """Say that no more is sent. Who waits for an answer gets None, and then the call is broken off."""
        if self._farewell is not None or (self.over and self._connection is None):
            return
        self.over = True
        waiting, connection = self._waiting, self._connection
        if waiting is not None and not waiting.done():
            waiting.set_result(None)
        elif connection is not None and not self._received:
            self._farewell = asyncio.get_running_loop().call_later(_FAREWELL_SECONDS, self._break_off)
            connection.end_body(())
            return
        self._break_off()

    def break_off(self) -> None:
        """End the call at once: its answers are not wanted."""
        self.over = True
        self._break_off()

    def _break_off(self) -> None:
        connection = self._let_go()
        if connection is not None:
            connection.abandon()

    def _let_go(self) -> Asked | None:
        if self._farewell is not None:
            self._farewell.cancel()
            self._farewell = None
        connection, self._connection = self._connection, None
        return connection

    def _fail(self, failure: Failure) -> None:
        self._failure = failure
        if isinstance(failure, UpstreamError):
            # What has come is not what it seems. A call that ends with an error has said the rest before.
            self._received.clear()
        self._break_off()
        self._wake()

    def _wake(self) -> None:
        """Give whoever waits what there is."""
        waiting = self._waiting
        if waiting is None or waiting.done():
            return
        message = self._next()
        if message is not None:
            waiting.set_result(message)
        elif self._failure is not None:
            waiting.set_exception(self._failure)
        elif self.over:
            waiting.set_result(None)

    def _is_whole(self) -> bool:
        """Tell whether there is a whole message in what has come."""
        received = self._received
        return len(received) >= FRAME and len(received) - FRAME >= message_length(received)

    def _next(self) -> bytes | None:
        """Take a message out of what has come, if there is a whole one."""
        if not self._is_whole():
            return None
        received = self._received
        end = FRAME + message_length(received)
        message = bytes(received[FRAME:end])
        del received[:end]
        return message

    # Told by the connection

    def on_interim(self, head: ResponseHead) -> None:
        """Wait on."""

    def on_head(self, head: ResponseHead, body: bytes, done: bool) -> None:
        """Take the head of the answer; with `done` it is all there is."""
        fields = head.fields()
        if done:
            self._let_go()
            self._trailers = fields
        try:
            check_head(head.status, fields)
        except UpstreamError as failure:
            self._fail(failure)
        else:
            self.on_body(body, done)

    def on_body(self, body: bytes, done: bool) -> None:
        """Take a piece of a message, or several of them; with `done` the call has ended."""
        if done:
            self._let_go()
        received = self._received
        received += body
        try:
            if len(received) >= FRAME and message_length(received) > self._limit:
                raise UpstreamError(BAD_RESPONSE)
            if len(received) > self._limit + FRAME:
                raise UpstreamError(BAD_RESPONSE)
            if done:
                check_end(self._trailers)
                if received and not self._is_whole():
                    raise UpstreamError(BAD_RESPONSE)
        except (UpstreamError, CallFailed) as failure:
            self._fail(failure)
            return
        if done:
            self.over = True
        self._wake()

    def on_switch(self, head: bytes, rest: bytes) -> None:
        """Refuse what nobody has asked for."""
        raise UpstreamError(BAD_RESPONSE)

    def on_trailers(self, fields: list[tuple[bytes, bytes]]) -> None:
        """Keep them for the end, which is told next."""
        self._trailers = fields

    def on_failure(self, response: Response, *, stale: bool) -> None:
        """Take the failure."""
        self._let_go()
        self._stale = stale
        self._fail(UpstreamError(response))

    def on_full(self, full: bool) -> None:
        """Nothing is sent before the last message has been answered, so there is nobody to stop."""

    def body_done(self) -> bool:
        """Tell that there may be more to send."""
        return self.over
