"""One call with one message each way, over the HTTP/2 that services are spoken to with."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from gateway_runtime.upstream.asking import Answered, ask
from gateway_runtime.upstream.errors import BAD_RESPONSE, UpstreamError

if TYPE_CHECKING:
    from gateway_runtime.upstream.pool import Pool

_FRAME = 5
_is_grpc = re.compile(rb"application/grpc(?:[+;].*)?", re.I | re.S).fullmatch
_is_status = re.compile(rb"[0-9]{1,3}").fullmatch


class CallFailed(Exception):
    """The call has an answer, and it is an error. `status` is that of gRPC."""

    def __init__(self, status: int) -> None:
        super().__init__(f"status {status}")
        self.status = status


async def call(pool: Pool, method: bytes, message: bytes, *, seconds: float, limit: int) -> bytes:
    """Call `/package.Service/Method` and return its answer. Raises `UpstreamError` and `CallFailed`."""
    framed = b"\0" + len(message).to_bytes(4, "big") + message
    lines = (
        b"content-type: application/grpc",
        b"user-agent: portico-gateway",
        b"grpc-timeout: %dm" % max(1, int(seconds * 1000)),
    )
    return _message(await ask(pool, b"POST", method, lines, framed, seconds=seconds, limit=limit + _FRAME))


def _message(answer: Answered) -> bytes:
    kind = next((value for name, value in answer.fields if name == b"content-type"), b"")
    if answer.status != 200 or not _is_grpc(kind):
        raise UpstreamError(BAD_RESPONSE)
    # An answer that is nothing but an error says so in its head.
    said = next((value for name, value in (*answer.trailers, *answer.fields) if name == b"grpc-status"), b"")
    if not _is_status(said):
        raise UpstreamError(BAD_RESPONSE)
    if int(said):
        raise CallFailed(int(said))
    body = answer.body
    # One message that is not compressed, which nobody has offered to read.
    if len(body) < _FRAME or body[0] or int.from_bytes(body[1:_FRAME], "big") != len(body) - _FRAME:
        raise UpstreamError(BAD_RESPONSE)
    return body[_FRAME:]
