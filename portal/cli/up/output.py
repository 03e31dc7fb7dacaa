"""The output of one process: kept in a file of bounded size, its warnings shown on the terminal."""

import json
import os
from collections import deque
from collections.abc import Callable
from pathlib import Path

from portal.cli.up.terminal import Terminal

ROTATE_AT = 10 * 1024 * 1024
LOUD = {"WARNING", "ERROR", "CRITICAL", "FATAL"}


class LogFile:
    """`NAME.log` and, once it was full, `NAME.log.1`."""

    def __init__(self, path: Path, rotate_at: int = ROTATE_AT) -> None:
        self._path = path
        self._rotate_at = rotate_at
        self._open()

    def _open(self) -> None:
        self._file = os.fdopen(os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab", buffering=0)
        self._size = self._file.tell()

    def write(self, line: bytes) -> None:
        """Append one line."""
        if self._size > self._rotate_at:
            self._file.close()
            self._path.replace(self._path.with_name(self._path.name + ".1"))
            self._open()
        self._file.write(line + b"\n")
        self._size += len(line) + 1

    def close(self) -> None:
        """Close the file."""
        self._file.close()


class ProcessOutput:
    """Splits what a process writes into lines and gives each to the file, the terminal and the probes."""

    def __init__(
        self, name: str, log: LogFile, terminal: Terminal, on_line: Callable[[str], None] | None = None
    ) -> None:
        self._name = name
        self._log = log
        self._terminal = terminal
        self._on_line = on_line
        # While a process stops its warnings are those of stopping; they stay in its file.
        self.shown = True
        self._rest = b""
        self._recent: deque[str] = deque(maxlen=200)

    def forget(self) -> None:
        """Begin anew, for the next start of the process."""
        self._rest = b""
        self._recent.clear()

    def feed(self, chunk: bytes) -> None:
        """Take what the process has written."""
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        if len(self._rest) > 64 * 1024:
            lines.append(self._rest)
            self._rest = b""
        for line in lines:
            self._take(line.rstrip(b"\r"))

    def finish(self) -> None:
        """Take a last line that has no end."""
        if self._rest:
            self._take(self._rest)
            self._rest = b""

    def _take(self, line: bytes) -> None:
        self._log.write(line)
        text = line.decode("utf-8", "replace")
        self._recent.append(text)
        if self._on_line is not None:
            self._on_line(text)
        if self._terminal.verbose:
            self._terminal.log(self._name, text)
        elif self.shown and text.startswith("{") and (warning := warning_in(text)):
            self._terminal.log(self._name, warning)

    def has_said(self, text: str) -> bool:
        """Say whether one of the latest lines holds this text."""
        return any(text in line for line in self._recent)

    def last_lines(self, count: int = 15) -> list[str]:
        """Return the end of the output."""
        return list(self._recent)[-count:]


def warning_in(line: str) -> str | None:
    """Return the message of a JSON log line that is a warning or worse."""
    try:
        entry = json.loads(line)
    except ValueError:
        return None
    if not isinstance(entry, dict):
        return None
    level = str(entry.get("log.level") or entry.get("level") or "").upper()
    message = entry.get("message") or entry.get("msg") or entry.get("event")
    return f"{level.lower()}: {message}" if level in LOUD and message else None
