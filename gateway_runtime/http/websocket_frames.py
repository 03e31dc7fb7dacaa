"""Where WebSocket frames begin and end in a stream of bytes (RFC 6455 section 5.2). Payloads are never looked at."""

from __future__ import annotations

import os

_CLOSE = 8
# Why the gateway ends a tunnel (section 7.4.1): it goes away, or the tunnel is not allowed any more.
GOING_AWAY, NOT_ALLOWED = 1001, 1008


class FrameEdges:
    """Follows one direction of a tunnel. `closed`: its sender has sent a Close frame and sends no other after it."""

    __slots__ = ("_header", "_payload", "closed")

    def __init__(self) -> None:
        self._payload = 0  # bytes of it that are still to come
        self._header = b""  # the beginning of one that is not whole yet
        self.closed = False

    @property
    def between(self) -> bool:
        """Whether the last byte was the end of a frame, so that another one can begin."""
        return not self._payload and not self._header

    def follow(self, data: bytes) -> None:
        """Take the next bytes."""
        if len(data) < self._payload:  # amid a large frame, which is where most bytes are
            self._payload -= len(data)
            return
        self._walk(data, to_edge=False)

    def next_edge(self, data: bytes) -> int:
        """Take bytes up to the end of the frame that is under way; return where that is, -1 when it is not there."""
        return self._walk(data, to_edge=True)

    def _walk(self, data: bytes, *, to_edge: bool) -> int:
        position, end = 0, len(data)
        while True:
            if self._payload:
                step = min(self._payload, end - position)
                self._payload -= step
                position += step
                if self._payload:
                    return -1
            if to_edge and not self._header:
                return position
            if position == end:
                return -1
            kept = len(self._header)
            header = self._header + data[position : position + 14 - kept]
            size = _header_size(header)
            if not size or len(header) < size:
                self._header = header
                return -1
            self._header = b""
            position += size - kept
            self._payload = _payload_size(header)
            if header[0] & 0x0F == _CLOSE:
                self.closed = True


def _header_size(header: bytes) -> int:
    """Return how long a header is, 0 where that cannot be told yet."""
    if len(header) < 2:
        return 0
    length = header[1] & 0x7F
    return 2 + (2 if length == 126 else 8 if length == 127 else 0) + (4 if header[1] & 0x80 else 0)


def _payload_size(header: bytes) -> int:
    length = header[1] & 0x7F
    if length < 126:
        return length
    # A length that nobody could send is followed as it says: there is no edge after it, as far as anybody can know.
    return int.from_bytes(header[2:4] if length == 126 else header[2:10])


def close_frame(status: int, *, masked: bool) -> bytes:
    """Return a Close frame. Clients mask what they send, services do not."""
    payload = status.to_bytes(2)
    if not masked:
        return b"\x88\x02" + payload
    mask = os.urandom(4)
    return b"\x88\x82" + mask + bytes(byte ^ mask[index] for index, byte in enumerate(payload))
