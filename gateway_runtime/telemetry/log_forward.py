"""Lines in the Forward protocol of Fluentd and Fluent Bit (version 1, without a shared key)."""

from __future__ import annotations

import time
from collections.abc import Iterator

import msgspec

from gateway_runtime.schema.log_output import Collector
from gateway_runtime.telemetry.log_socket import Stream

# Lines in one message.
_TOGETHER = 500


class ForwardDelivery:
    """Sends messages of the forward mode: a tag, and entries of a time and a record."""

    def __init__(self, collector: Collector) -> None:
        self._stream = Stream(collector)
        self._tag = collector.tag

    def deliver(self, lines: list[bytes]) -> Iterator[int]:
        """Send the lines."""
        for start in range(0, len(lines), _TOGETHER):
            some = lines[start : start + _TOGETHER]
            now = int(time.time())
            entries = [(now, msgspec.json.decode(line)) for line in some]
            self._stream.send(msgspec.msgpack.encode((self._tag, entries)))
            yield len(some)

    def close(self) -> None:
        """Let go of the connection."""
        self._stream.close()
