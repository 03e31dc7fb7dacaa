"""Where access lines go: a bounded buffer, and a thread that writes it. Whoever does not read loses lines, not time."""

from __future__ import annotations

import asyncio
from queue import SimpleQueue
from threading import Thread

from gateway_runtime.telemetry.delivery import Delivery, Descriptor

BUFFER_BYTES = 4 * 1024 * 1024
FLUSH_SECONDS = 0.1
CLOSE_SECONDS = 1.0


class AccessSink:
    """Lines to one place, standard output where none is given. At most one buffer waits, while another is delivered.

    A descriptor that is shared with other processes must not be made non-blocking, so a thread does the writing.
    """

    def __init__(self, place: Delivery | None = None, limit: int = BUFFER_BYTES) -> None:
        self._place = place or Descriptor()
        self._limit = limit
        self._lines: list[bytes] = []
        self._size = 0
        self._due: asyncio.TimerHandle | None = None
        self._queue: SimpleQueue[list[bytes]] | None = None
        self._writing = False
        self._lost = 0
        self._refused = 0
        self.written = 0

    @property
    def dropped(self) -> int:
        """Return how many lines were not written."""
        return self._lost + self._refused

    def add(self, line: bytes) -> None:
        """Take a line with its end, or drop it where there is no room."""
        if self._size + len(line) > self._limit:
            self._refused += 1
            return
        self._lines.append(line)
        self._size += len(line)
        if self._due is None:
            self._due = asyncio.get_running_loop().call_later(FLUSH_SECONDS, self._flush)

    def _flush(self) -> None:
        self._due = None
        if self._writing:
            self._due = asyncio.get_running_loop().call_later(FLUSH_SECONDS, self._flush)
            return
        if not self._lines:
            return
        if self._queue is None:
            self._queue = SimpleQueue()
            # A daemon, so that a reader who has stopped reading does not keep the process from ending.
            Thread(target=self._write_forever, args=(self._queue,), name="access-log", daemon=True).start()
        lines, self._lines, self._size = self._lines, [], 0
        self._writing = True
        self._queue.put(lines)

    async def close(self) -> None:
        """Write what is left, if that does not take long."""
        if self._due is not None:
            self._due.cancel()
        end = asyncio.get_running_loop().time() + CLOSE_SECONDS
        while (self._lines or self._writing) and asyncio.get_running_loop().time() < end:
            if not self._writing:
                self._flush()
            await asyncio.sleep(0.01)
        self._refused += len(self._lines)
        self._lines, self._size = [], 0
        if self._queue is not None:
            self._queue.put([])

    # In the thread

    def _write_forever(self, queue: SimpleQueue[list[bytes]]) -> None:
        while lines := queue.get():
            done = 0
            try:
                for count in self._place.deliver(lines):
                    done += count
            except Exception:  # noqa: S110 - without this thread every later line would be lost, too
                pass  # nobody will ever read it
            self._lost += len(lines) - done
            self.written += done
            self._writing = False
        self._place.close()
