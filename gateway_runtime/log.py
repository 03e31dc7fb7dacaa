"""The gateway's own log: one JSON object a line. Never a secret, never a request's content."""

import logging
import os
import sys
import time
import traceback
from typing import Any, Protocol, TextIO

import msgspec

# From the least to the most urgent, as files name them; the log itself has three of these.
LEVELS = ("debug", "info", "warn", "error", "fatal")


class Lines(Protocol):
    """Takes lines, each with its end, and keeps nobody waiting."""

    def add(self, line: bytes) -> None:
        """Take a line."""


class Log:
    """Writes events: a stable name and named values. `bind` adds values to every line of a process.

    `level` is the lowest of `LEVELS` that is written.
    """

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream
        self.level = "info"
        # Where lines go instead of standard error.
        self.sinks: tuple[Lines, ...] = ()
        self._bound: dict[str, Any] = {}

    def bind(self, **values: Any) -> None:
        """Add values to every later line."""
        self._bound.update(values)

    def info(self, event: str, **values: Any) -> None:
        """Write what happened as planned."""
        self._write("info", event, values)

    def warning(self, event: str, **values: Any) -> None:
        """Write what the gateway could go on from, and somebody should know."""
        self._write("warning", event, values)

    def error(self, event: str, **values: Any) -> None:
        """Write what failed. An exception given as `error` is written with its trace."""
        self._write("error", event, values)

    def _write(self, level: str, event: str, values: dict[str, Any]) -> None:
        if LEVELS.index(level.removesuffix("ing")) < LEVELS.index(self.level):
            return
        error = values.get("error")
        if isinstance(error, BaseException):
            values["error"] = f"{type(error).__name__}: {error}"
            if level == "error":
                values["trace"] = "".join(traceback.format_exception(error))
        now = time.time()
        stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now)) + f".{int(now % 1 * 1000):03d}Z"
        line = {"@timestamp": stamp, "log.level": level, "event": event, "pid": os.getpid(), **self._bound, **values}
        data = msgspec.json.encode(line, enc_hook=str)
        if self.sinks:
            for sink in self.sinks:
                sink.add(data + b"\n")
            return
        stream = self._stream or sys.stderr
        stream.write(data.decode() + "\n")
        stream.flush()


log = Log()


class _Forward(logging.Handler):
    """Brings what libraries log through `logging` into the same form."""

    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if record.exc_info else None
        write = log.error if record.levelno >= logging.ERROR else log.warning
        write("library", logger=record.name, message=record.getMessage(), **({"error": error} if error else {}))


def capture_library_logs() -> None:
    """Send warnings and errors of libraries (asyncio, redis) to this log."""
    root = logging.getLogger()
    root.handlers[:] = [_Forward()]
    root.setLevel(logging.WARNING)
