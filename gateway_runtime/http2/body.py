"""The body of a request as it comes in DATA frames: it ends when the stream says so."""

from __future__ import annotations

from gateway_runtime.http.body import RequestBody
from gateway_runtime.http.refusals import CONTENT_TOO_LARGE, BadMessage
from gateway_runtime.http2.coding import Field
from gateway_runtime.http2.request import LENGTH_MISMATCH


class StreamBody(RequestBody):
    """Counts what comes against the declared length. `trailers` are what follows it."""

    __slots__ = ("most", "trailers")

    def __init__(self, length: int) -> None:
        super().__init__(length)
        self.trailers: list[Field] = []
        self.most: int | None = None

    def take(self, data: bytes, ended: bool) -> None:
        """Take a piece. Raises `BadMessage` where it is not as long as was said."""
        self.received += len(data)
        if not self.chunked:
            self.left -= len(data)
            if self.left < 0 or (ended and self.left):
                raise BadMessage(LENGTH_MISMATCH)
        if self.most is not None and self.received > self.most:
            raise BadMessage(CONTENT_TOO_LARGE)
        self.done = ended

    def limited(self, most: int) -> StreamBody:  # type: ignore[override]
        """Take no more than `most` bytes."""
        self.most = most
        return self
