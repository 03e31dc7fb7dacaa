"""Back-pressure: whoever cannot take more pauses the reading of whoever gives."""

from __future__ import annotations

import asyncio

# Why a transport is not read. Plain numbers: `enum` flags are too slow for this place.
PEER_IS_FULL = 1  # the other side's send buffer is full
NOT_CONNECTED = 2  # body bytes have nowhere to go yet
ONE_AT_A_TIME = 4  # the next request is here before this one is answered
ANSWER_IS_HELD = 8  # policies wait before the answer may be written


class ReadGate:
    """Reads one transport only while nobody has a reason against it."""

    __slots__ = ("_transport", "reasons")

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self.reasons = 0

    def __bool__(self) -> bool:
        """Tell whether the gate is open."""
        return not self.reasons

    def closed_by(self, reason: int) -> bool:
        """Tell whether this is one of the reasons for not reading."""
        return bool(self.reasons & reason)

    def pause(self, reason: int) -> None:
        """Stop reading for this reason."""
        if not self.reasons and not self._transport.is_closing():
            self._transport.pause_reading()
        self.reasons |= reason

    def resume(self, reason: int) -> None:
        """Take the reason back. Reading goes on when it was the last one."""
        if self.reasons & reason:
            self.reasons &= ~reason
            if not self.reasons and not self._transport.is_closing():
                self._transport.resume_reading()

    def open(self) -> None:
        """Read again, whatever the reasons against it were."""
        self.resume(self.reasons)
