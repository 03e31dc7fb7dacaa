"""How lines get to the place they are for, in a thread of their own, and the places that are a descriptor."""

from __future__ import annotations

import os
import select
import stat
from collections.abc import Iterator
from typing import Protocol

# What is written to a pipe at once is not mixed with what other workers write, up to this size.
ATOMIC_BYTES = select.PIPE_BUF
PIECE_BYTES = 4 * 1024 * 1024
STANDARD_OUTPUT = 1


class Delivery(Protocol):
    """One place. Whoever delivers may wait: it is a thread that does nothing else."""

    def deliver(self, lines: list[bytes]) -> Iterator[int]:
        """Yield how many more lines have arrived, until all have been tried. Raises `OSError` for those that are left.

        A line that cannot be delivered by itself is left out of the numbers.
        """

    def close(self) -> None:
        """Let go of the place."""


class Descriptor:
    """A descriptor that somebody else has opened."""

    def __init__(self, descriptor: int = STANDARD_OUTPUT) -> None:
        self._descriptor = descriptor

    def deliver(self, lines: list[bytes]) -> Iterator[int]:
        """Write the lines."""
        return written(self._descriptor, lines)

    def close(self) -> None:
        """It stays open."""


def written(descriptor: int, lines: list[bytes]) -> Iterator[int]:
    """Write lines, and yield how many with each write."""
    # How much may be written at once without being mixed with what others write.
    size = ATOMIC_BYTES if stat.S_ISFIFO(os.fstat(descriptor).st_mode) else PIECE_BYTES
    for count, data in pieces(lines, size):
        _write(descriptor, data)
        yield count


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


def _write(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        try:
            view = view[os.write(descriptor, view) :]
        except BlockingIOError:
            # Somebody else has made it non-blocking.
            select.select([], [descriptor], [], 1.0)
