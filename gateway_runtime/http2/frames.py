"""Cuts a byte stream into frames, one at a time, and ends it where frames cost more than they bring.

`h2` reads frames; fed with one at a time it loses nothing that came before a fault. What it has no limits for is
counted here, before anything is decoded: whoever sends frames that bring no request and no body further lives on a
budget, so floods of them (CVE-2019-9512, -9515, -9517, -9518, CVE-2023-44487, CVE-2024-27316) end the connection.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from h2.errors import ErrorCodes

DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = range(10)
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

HEAD_BYTES = 9
# The least that RFC 9113 section 4.2 allows; more would let one stream hold up the others for longer.
LONGEST = 16_384
END_STREAM = 0x1
END_HEADERS = 0x4

# What a connection may spend at once, and what it gets back each second.
_BURST = 1000
_EACH_SECOND = 200
# A stream given up costs the gateway a request to a service: 200 at once and 40 each second.
_RESET_COST = 5
# A long frame that brings nothing costs more than a short one.
_COST_BYTES = 4096
_BLOCK_FRAMES = 16


class FrameFault(Exception):
    """The peer has broken the protocol, or asked too much. `code` is for the GOAWAY frame."""

    def __init__(self, code: ErrorCodes) -> None:
        super().__init__(code.name)
        self.code = code


class FrameReader:
    """Gives whole frames. `block_bytes` is the longest header block, as it is sent."""

    __slots__ = ("_block", "_block_bytes", "_block_frames", "_block_limit", "_buffer", "_clock", "_left", "_preface",
                 "_since", "_updates")  # fmt: skip

    def __init__(self, preface: bytes, block_bytes: int, clock: Callable[[], float]) -> None:
        self._preface = preface
        self._buffer = bytearray()
        self._clock = clock
        # the header block under way
        self._block = False
        self._block_bytes = 0
        self._block_frames = 0
        self._block_limit = block_bytes
        # the budget
        self._left = _BURST
        self._since = clock()
        self._updates = 0

    @property
    def unfinished(self) -> bool:
        """Whether the preface, a frame or a header block has begun and not ended."""
        return bool(self._buffer or self._block or self._preface)

    def feed(self, data: bytes) -> Iterator[tuple[int, bytes]]:
        """Yield the type and the bytes of each frame that is whole now. Raises `FrameFault`."""
        buffer = self._buffer
        buffer += data
        if self._preface and not self._read_preface():
            return
        while len(buffer) >= HEAD_BYTES:
            length = buffer[0] << 16 | buffer[1] << 8 | buffer[2]
            if length > LONGEST:
                raise FrameFault(ErrorCodes.FRAME_SIZE_ERROR)
            end = HEAD_BYTES + length
            if len(buffer) < end:
                return
            kind = buffer[3]
            self._judge(kind, buffer[4], length)
            frame = bytes(buffer[:end])
            del buffer[:end]
            # Frames that nobody knows are to be skipped (RFC 9113 section 5.5), but not amid a header block.
            if kind <= CONTINUATION or self._block:
                yield kind, frame

    def _read_preface(self) -> bool:
        size = min(len(self._preface), len(self._buffer))
        if self._buffer[:size] != self._preface[:size]:
            raise FrameFault(ErrorCodes.PROTOCOL_ERROR)
        del self._buffer[:size]
        self._preface = self._preface[size:]
        return not self._preface

    def _judge(self, kind: int, flags: int, length: int) -> None:
        """Count what a frame costs. Raises `FrameFault`."""
        if kind == DATA:
            if not length and not flags & END_STREAM:
                self.spend()
        elif kind == WINDOW_UPDATE and self._updates > 0:
            self._updates -= 1
        elif kind not in (HEADERS, PUSH_PROMISE, CONTINUATION):
            self.spend(_RESET_COST if kind == RST_STREAM else 1 + length // _COST_BYTES)
        if kind in (HEADERS, PUSH_PROMISE):
            self._block_bytes = self._block_frames = 0
            self._block = not flags & END_HEADERS
        if kind in (HEADERS, PUSH_PROMISE, CONTINUATION):
            self._block_bytes += length
            self._block_frames += 1
            if self._block_bytes > self._block_limit or self._block_frames > _BLOCK_FRAMES:
                raise FrameFault(ErrorCodes.ENHANCE_YOUR_CALM)
            if kind == CONTINUATION and flags & END_HEADERS:
                self._block = False

    def spend(self, cost: int = 1) -> None:
        """Take from the budget. Raises `FrameFault` when it is used up."""
        self._left -= cost
        if self._left < 0:
            now = self._clock()
            self._left = min(_BURST, self._left + int((now - self._since) * _EACH_SECOND))
            self._since = now
            if self._left < 0:
                raise FrameFault(ErrorCodes.ENHANCE_YOUR_CALM)

    def spend_reset(self) -> None:
        """Take the cost of a stream given up because of the peer. Raises `FrameFault`."""
        self.spend(_RESET_COST)

    def allow_updates(self, size: int) -> None:
        """Let a peer that has been sent so many bytes open its windows again, in small steps if it likes."""
        self._updates += 2 + (size >> 9)
