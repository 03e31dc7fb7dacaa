"""How gRPC puts messages into the body of a call, and what an answer's head and end say of it."""

from __future__ import annotations

import re
from collections.abc import Iterable

from gateway_runtime.upstream.errors import BAD_RESPONSE, UpstreamError

# One byte for whether it is compressed, four for its length.
FRAME = 5
Fields = Iterable[tuple[bytes, bytes]]

_is_grpc = re.compile(rb"application/grpc(?:[+;].*)?", re.I | re.S).fullmatch
_is_status = re.compile(rb"[0-9]{1,3}").fullmatch


class CallFailed(Exception):
    """The call has an answer, and it is an error. `status` is that of gRPC."""

    def __init__(self, status: int) -> None:
        super().__init__(f"status {status}")
        self.status = status


def call_lines(*more: bytes) -> tuple[bytes, ...]:
    """Return the header lines of a call."""
    return (b"content-type: application/grpc", b"user-agent: portico-gateway", *more)


def framed(message: bytes) -> bytes:
    """Return a message as it is sent."""
    return b"\0" + len(message).to_bytes(4, "big") + message


def check_head(status: int, fields: Fields) -> None:
    """Raise `UpstreamError` for the head of what is no answer of gRPC."""
    kind = next((value for name, value in fields if name == b"content-type"), b"")
    if status != 200 or not _is_grpc(kind):
        raise UpstreamError(BAD_RESPONSE)


def check_end(fields: Fields) -> None:
    """Raise `CallFailed` for a call that has ended with an error, `UpstreamError` where nothing is said of it."""
    said = next((value for name, value in fields if name == b"grpc-status"), b"")
    if not _is_status(said):
        raise UpstreamError(BAD_RESPONSE)
    if int(said):
        raise CallFailed(int(said))


def message_length(head: bytes | bytearray) -> int:
    """Return the length of the message that a frame begins with. Raises `UpstreamError` for one that is compressed."""
    # Nobody has offered to read those.
    if head[0]:
        raise UpstreamError(BAD_RESPONSE)
    return int.from_bytes(head[1:FRAME], "big")
