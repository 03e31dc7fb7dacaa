"""Where access lines go: a bounded buffer, and a thread that writes it. Whoever does not read loses lines, not time."""

from __future__ import annotations

import asyncio
import os
import select
import stat
from collections.abc import Iterator
from queue import SimpleQueue
from threading import Thread

from gateway_runtime.telemetry.log_file import LogFile

BUFFER_BYTES = 4 * 1024 * 1024
FLUSH_SECONDS = 0.1
CLOSE_SECONDS = 1.0
# What is written to a pipe at once is not mixed with what other workers write, up to this size.
ATOMIC_BYTES = select.PIPE_BUF
STANDARD_OUTPUT = 1


class AccessSink:
    """Lines to a file descriptor, or to a file by its name. At most one buffer waits, while another is being written.

    A descriptor that is shared with other processes must not be made non-blocking, so a thread does the writing.
    """

    def __init__(
        self, descriptor: int = STANDARD_OUTPUT, limit: int = BUFFER_BYTES, file: LogFile | None = None
    ) -> None:
        self._descriptor = descriptor
        self._file = file
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
                descriptor = self._descriptor if self._file is None else self._file.descriptor()
                for count, data in pieces(lines, piece_bytes(descriptor)):
                    write(descriptor, data)
                    done += count
            except OSError:
                # Nobody will ever read it.
                self._lost += len(lines) - done
            self.written += done
            self._writing = False
        if self._file is not None:
            self._file.close()


def piece_bytes(descriptor: int) -> int:
    """Return how much may be written at once without being mixed with what others write."""
    return ATOMIC_BYTES if stat.S_ISFIFO(os.fstat(descriptor).st_mode) else BUFFER_BYTES


def pieces(lines: list[bytes], size: int) -> Iterator[tuple[int, bytes]]:
    """Yield whole lines together, as many as fit: how many, and their bytes."""
    piece: list[bytes] = []
    room = size
    for line in lines:
        if piece and len(line) > room:
            yield len(piece), b"".join(piece)
            piece, room = [], size
        piece.append(line)
        room -= len(line)
    if piece:
        yield len(piece), b"".join(piece)


def write(descriptor: int, data: bytes) -> None:
    """Write everything, however long that takes. Raises `OSError`."""
    view = memoryview(data)
    while view:
        try:
            view = view[os.write(descriptor, view) :]
        except BlockingIOError:
            # Somebody else has made it non-blocking.
            select.select([], [descriptor], [], 1.0)
