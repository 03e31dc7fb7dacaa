"""Where lines of the gateway's own log go besides standard error: a bounded buffer, and a thread that writes it."""

from __future__ import annotations

import atexit
import sys
import time
from queue import Empty, SimpleQueue
from threading import Lock, Thread

from gateway_runtime.telemetry.delivery import Delivery, Descriptor

BUFFER_BYTES = 1024 * 1024
CLOSE_SECONDS = 1.0
LOOK_SECONDS = 0.01


class LogSink:
    """Lines to one place, from any thread: standard output where none is given. What does not fit is counted."""

    def __init__(self, place: Delivery | None = None, limit: int = BUFFER_BYTES) -> None:
        self._place = place or Descriptor()
        self._limit = limit
        # An empty line is the end.
        self._queue: SimpleQueue[bytes] = SimpleQueue()
        self._lock = Lock()
        self._size = 0
        self._thread: Thread | None = None
        self._failing = False
        self.dropped = 0

    def add(self, line: bytes) -> None:
        """Take a line with its end, or drop it where there is no room."""
        with self._lock:
            if self._size + len(line) > self._limit:
                self.dropped += 1
                return
            self._size += len(line)
            if self._thread is None:
                # A daemon, so that a reader who has stopped reading does not keep the process from ending.
                self._thread = Thread(target=self._write_forever, name="log", daemon=True)
                self._thread.start()
                atexit.register(self.flush)
        self._queue.put(line)

    def flush(self) -> None:
        """Wait until everything is written, if that does not take long."""
        end = time.monotonic() + CLOSE_SECONDS
        while self._size and time.monotonic() < end:
            time.sleep(LOOK_SECONDS)

    def close(self) -> None:
        """Write what is left, and end. Nobody waits for it."""
        with self._lock:
            if self._thread is not None:
                atexit.unregister(self.flush)
                self._queue.put(b"")

    # In the thread

    def _write_forever(self) -> None:
        while line := self._queue.get():
            lines = [line]
            try:
                while more := self._queue.get_nowait():
                    lines.append(more)
                self._queue.put(b"")
            except Empty:
                pass
            self._write(lines)
        self._place.close()

    def _write(self, lines: list[bytes]) -> None:
        done = 0
        try:
            for count in self._place.deliver(lines):
                done += count
            self._failing = False
        except Exception as error:
            if not self._failing:
                # Once, where it can still be seen.
                self._failing = True
                print(f"The log cannot be written: {error}", file=sys.stderr, flush=True)
        with self._lock:
            self.dropped += len(lines) - done
            self._size -= sum(map(len, lines))
