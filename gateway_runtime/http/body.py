"""The body of a request as it arrives: how much is still to come, and where the next request begins."""

from __future__ import annotations

from collections.abc import Sequence

from gateway_runtime.http.chunked import ChunkedDecoder, ChunkError
from gateway_runtime.http.message import CHUNKED
from gateway_runtime.http.refusals import CONTENT_TOO_LARGE, BadMessage, bad_request

_BAD_CHUNK = bad_request("bad_chunk", "The body is not what the chunked coding requires.")


class RequestBody:
    """Takes bytes off the connection until the body is complete."""

    __slots__ = ("_decoder", "chunked", "done", "left", "received")

    # Those of the chunked coding are dropped.
    trailers: Sequence[tuple[bytes, bytes]] = ()

    def __init__(self, length: int) -> None:
        self.chunked = length == CHUNKED
        self.left = length
        self.done = length == 0
        self.received = 0
        self._decoder = ChunkedDecoder() if self.chunked else None

    def feed(self, data: bytes) -> tuple[bytes, bytes]:
        """Return (content, what belongs to the next request). Raises `BadMessage`."""
        decoder = self._decoder
        if decoder is not None:
            try:
                content = decoder.feed(data)
            except ChunkError:
                raise BadMessage(_BAD_CHUNK) from None
            rest = decoder.rest
            self.done = decoder.done
        else:
            content, rest = (data, b"") if len(data) <= self.left else (data[: self.left], data[self.left :])
            self.left -= len(content)
            self.done = not self.left
        self.received += len(content)
        return content, rest

    def soon_done(self, limit: int) -> bool:
        """Tell whether what is still to come is known to be little enough to read it and throw it away."""
        return self.done or (not self.chunked and self.left <= limit)

    def limited(self, most: int) -> LimitedBody:
        """Return the body, taken as far as it is and no further than `most` bytes."""
        body = LimitedBody(self.left)
        body.chunked, body.done, body.received, body._decoder = self.chunked, self.done, self.received, self._decoder
        body.most = most
        return body


class LimitedBody(RequestBody):
    """A body of at most `most` bytes."""

    __slots__ = ("most",)

    most: int

    def feed(self, data: bytes) -> tuple[bytes, bytes]:
        """Return as `RequestBody.feed` does. Raises `BadMessage`, also for a byte too many."""
        found = super().feed(data)
        if self.received > self.most:
            raise BadMessage(CONTENT_TOO_LARGE)
        return found
