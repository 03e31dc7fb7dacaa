"""One stream of either side: what it still has to send, and what it has taken that is not acknowledged yet."""

from __future__ import annotations

from typing import TYPE_CHECKING

from h2.errors import ErrorCodes

from gateway_runtime.http.flow_control import ReadGate
from gateway_runtime.http2.coding import Field

if TYPE_CHECKING:
    from gateway_runtime.http2.connection import Http2Connection

# Whoever writes is told to stop above the first, and to go on below the second.
HIGH_WATER = 64 << 10
LOW_WATER = 16 << 10


class Stream:
    """Bytes both ways with back-pressure.

    The gate does for it what it does for a transport: while it is closed, what came is not acknowledged, and the
    peer's window shuts.
    """

    __slots__ = ("_unacknowledged", "closed", "connection", "ended", "ending", "gate", "heard_all", "number",
                 "trailers", "unsent", "writable")  # fmt: skip

    def __init__(self, connection: Http2Connection, number: int) -> None:
        self.connection = connection
        self.number = number
        # sending
        self.unsent = bytearray()
        self.trailers: list[Field] = []
        self.ending = False  # all there is to send is in `unsent` and `trailers`
        self.ended = False  # and it has been sent
        self.writable = True
        # reading
        self.gate = ReadGate(self)  # type: ignore[arg-type]
        self._unacknowledged = 0
        self.heard_all = False
        self.closed = False

    # As the gate sees a transport

    def pause_reading(self) -> None:
        """Let the window shut."""

    def resume_reading(self) -> None:
        """Open the window again."""
        size, self._unacknowledged = self._unacknowledged, 0
        if size:
            self.connection.acknowledge(self, size)

    def is_closing(self) -> bool:
        """Tell whether the stream is over."""
        return self.closed

    # Reading

    def received(self, data: bytes, size: int, ended: bool) -> None:
        """Take a piece of the body. `size` is what it takes from the window, padding included."""
        self.heard_all = ended
        self._unacknowledged += size
        self.take(data, ended)
        if self.gate:
            self.resume_reading()

    def take(self, data: bytes, ended: bool) -> None:
        """Use a piece of the body."""
        raise NotImplementedError

    def received_trailers(self, fields: list[Field]) -> None:
        """Take the trailers, which end the peer's side."""
        raise NotImplementedError

    def was_reset(self, code: int) -> None:
        """The peer has given the stream up."""
        raise NotImplementedError

    def was_lost(self) -> None:
        """The connection has gone."""
        raise NotImplementedError

    # Writing

    def send(self, data: bytes, *, ended: bool = False) -> None:
        """Send bytes, now or when the peer has room for them. `ended`: these and `trailers` are all there is."""
        if self.closed:
            return
        self.unsent += data
        self.ending = ended
        self.connection.push(self)
        self.connection.flush()
        if self.writable and len(self.unsent) > HIGH_WATER:
            self.writable = False
            self.told_full(True)

    def moved(self) -> None:
        """Some of what was to be sent has been."""
        if not self.writable and len(self.unsent) <= LOW_WATER:
            self.writable = True
            self.told_full(False)

    def told_full(self, full: bool) -> None:
        """Tell whoever writes to stop or go on."""
        raise NotImplementedError

    def said_all(self) -> None:
        """Our side of the stream has been sent to its end."""
        self.ended = True

    # Ending

    def reset(self, code: ErrorCodes) -> None:
        """Give the stream up."""
        self.connection.reset(self, code)

    def over(self) -> None:
        """Nothing more is sent or taken. What was taken for nobody opens the connection's window again."""
        if not self.closed:
            self.closed = True
            self.unsent.clear()
            size, self._unacknowledged = self._unacknowledged, 0
            if size:
                self.connection.acknowledge(self, size)
            self.connection.forget(self)
