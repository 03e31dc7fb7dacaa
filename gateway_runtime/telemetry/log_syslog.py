"""Lines as messages of syslog (RFC 5424 and RFC 3164)."""

from __future__ import annotations

import os
import re
import socket
from datetime import datetime

import msgspec

from gateway_runtime.schema.log_output import LogSyslog

_SEVERITIES = {"debug": 7, "info": 6, "warning": 4, "error": 3}
_INFORMATIONAL = 6
_NONE = "-"

_cut_name = re.compile(r"[^!-~]").sub


class _Line(msgspec.Struct):
    """What a message says besides the line itself."""

    level: str = msgspec.field(default="info", name="log.level")
    time: str = msgspec.field(default="", name="@timestamp")


class Syslog:
    """Wraps lines."""

    def __init__(self, settings: LogSyslog, *, stream: bool) -> None:
        self._settings = settings
        self._host = _cut_name("", settings.host or socket.gethostname()) or _NONE
        self._application = _cut_name("", settings.application)[:48] or _NONE
        # Messages on a connection are told apart by a line end (RFC 6587 section 3.4.2).
        self._end = b"\n" if stream else b""
        self._decode = msgspec.json.Decoder(_Line).decode

    def wrap(self, line: bytes) -> bytes:
        """Return a message, cut where it would be longer than is allowed."""
        settings = self._settings
        said = self._decode(line)
        severity = settings.severity if settings.severity >= 0 else _SEVERITIES.get(said.level, _INFORMATIONAL)
        priority = settings.facility * 8 + severity
        if settings.form == "rfc5424":
            head = f"<{priority}>1 {said.time or _NONE} {self._host} {self._application} {os.getpid()} - - "
        else:
            head = f"<{priority}>{_short(said.time)} {self._host} {self._application}[{os.getpid()}]: "
        message = (head.encode() + line.rstrip(b"\n"))[: settings.most_bytes]
        return message + self._end


def _short(time: str) -> str:
    """Return a moment as RFC 3164 writes it: the day has a place of two characters."""
    moment = datetime.fromisoformat(time) if time else datetime.now().astimezone()
    return f"{moment:%b} {moment.day:2d} {moment:%H:%M:%S}"
