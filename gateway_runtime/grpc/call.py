"""One call with one message each way, over the HTTP/2 that services are spoken to with."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway_runtime.grpc.framing import FRAME, call_lines, check_end, check_head, framed, message_length
from gateway_runtime.upstream.asking import Answered, ask
from gateway_runtime.upstream.errors import BAD_RESPONSE, UpstreamError

if TYPE_CHECKING:
    from gateway_runtime.upstream.pool import Pool


async def call(pool: Pool, method: bytes, message: bytes, *, seconds: float, limit: int) -> bytes:
    """Call `/package.Service/Method` and return its answer. Raises `UpstreamError` and `CallFailed`."""
    lines = call_lines(b"grpc-timeout: %dm" % max(1, int(seconds * 1000)))
    return _message(await ask(pool, b"POST", method, lines, framed(message), seconds=seconds, limit=limit + FRAME))


def _message(answer: Answered) -> bytes:
    check_head(answer.status, answer.fields)
    # An answer that is nothing but an error says so in its head.
    check_end((*answer.trailers, *answer.fields))
    body = answer.body
    if len(body) < FRAME or message_length(body) != len(body) - FRAME:
        raise UpstreamError(BAD_RESPONSE)
    return body[FRAME:]
