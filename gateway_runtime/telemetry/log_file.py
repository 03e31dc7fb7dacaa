"""A file that log lines are appended to, and that somebody else moves away."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress

from gateway_runtime.telemetry.delivery import written

MODE = 0o640
_FLAGS = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC


class LogFile:
    """Opened when first written to, and anew once another file, or none, has its name."""

    def __init__(self, path: str, *, mkdir: bool = False) -> None:
        self._path = path
        self._mkdir = mkdir
        self._descriptor = -1

    def deliver(self, lines: list[bytes]) -> Iterator[int]:
        """Append the lines."""
        return written(self.descriptor(), lines)

    def descriptor(self) -> int:
        """Return what to write to now. Raises `OSError`."""
        if self._descriptor >= 0 and not self._is_there():
            self.close()
        if self._descriptor < 0:
            if self._mkdir:
                os.makedirs(os.path.dirname(self._path), exist_ok=True)
            self._descriptor = os.open(self._path, _FLAGS, MODE)
        return self._descriptor

    def close(self) -> None:
        """Let go of the file."""
        if self._descriptor >= 0:
            with suppress(OSError):
                os.close(self._descriptor)
            self._descriptor = -1

    def _is_there(self) -> bool:
        try:
            return os.path.samestat(os.stat(self._path), os.fstat(self._descriptor))
        except FileNotFoundError:
            return False
