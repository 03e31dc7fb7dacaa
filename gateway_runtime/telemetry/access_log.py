"""One JSON line for each finished request, with the field names of the Elastic Common Schema."""

from __future__ import annotations

import time
from collections.abc import Callable
from random import random
from typing import TYPE_CHECKING, Any

import msgspec

from gateway_runtime.schema.access_log import FIELDS, AccessLog, unknown_field
from gateway_runtime.schema.faults import ConfigFault

if TYPE_CHECKING:
    from gateway_runtime.http.caller import Caller
    from gateway_runtime.http.reply import Reply

ECS_VERSION = "8.11.0"
# A line stays below what a pipe takes at once, so what callers choose is cut.
LONGEST_PATH = 1_024
LONGEST_QUERY = 512
LONGEST_OTHER = 256
LONGEST_LINE = 4_096

_encode = msgspec.json.Encoder().encode
_CATEGORY = ["web"]


def check_access_log(settings: AccessLog, path: str) -> None:
    """Raise `ConfigFault` for a field that does not exist."""
    for index, name in enumerate(settings.hide):
        if name not in FIELDS:
            raise ConfigFault(f"{path}.hide[{index}]", "unknown_field", unknown_field(name))


class AccessLogger:
    """Writes the lines of one API, or of the requests that no API takes."""

    __slots__ = ("_add", "_api", "_hidden", "_name", "_query", "_sampling")

    def __init__(self, settings: AccessLog, add: Callable[[bytes], None], api: str = "", name: str = "") -> None:
        self._add = add
        self._api = api
        self._name = name
        self._sampling = settings.sampling
        self._query = settings.query
        self._hidden = tuple(settings.hide)

    def write(self, reply: Reply, now: float) -> None:
        """Write about an exchange that has just ended. `now` is by the clock it was measured with."""
        if self._sampling < 1.0 and random() >= self._sampling:  # noqa: S311 - no secret depends on it
            return
        request, route, context, body = reply.request, reply.route, reply.context, reply.body
        received = 0 if body is None else body.received
        line = self._line(reply.client, reply.request_id, reply.status)
        line |= {
            "event.duration": int((now - reply.started) * 1e9),
            "http.request.method": request.method.decode("ascii", "backslashreplace"),
            "http.version": "1.0" if request.http10 else reply.version,
            "http.request.bytes": request.head_bytes + received,
            "http.response.bytes": reply.bytes_out,
            "url.domain": _text(request.host, LONGEST_OTHER),
            "url.path": _text(request.path, LONGEST_PATH),
        }
        if received:
            line["http.request.body.bytes"] = received
        if self._query and request.query is not None:
            line["url.query"] = _text(request.query, LONGEST_QUERY)
        agent = next((value for name, value in request.headers() if name == b"user-agent"), None)
        if agent is not None:
            line["user_agent.original"] = _text(agent, LONGEST_OTHER)
        if route is not None:
            line["portico.route.id"], line["portico.route.name"] = route.id, route.name
        if context is not None and context.application:
            line["portico.application.id"] = context.application
            line["portico.application.name"] = context.application_name
        if reply.policy:
            line["portico.policy"] = reply.policy
        if reply.code:
            line["portico.code"] = reply.code
        if reply.asked:
            line["portico.upstream.duration_ms"] = round((now - reply.asked) * 1000, 3)
            target = reply.target
            if target is not None:
                line["portico.upstream.target"] = f"{target.host}:{target.port}"
        self._finish(line)

    def write_unread(self, client: Caller, request_id: bytes, status: int, code: str, sizes: Any) -> None:
        """Write about bytes that were no request. `sizes` are those received and sent."""
        if self._sampling < 1.0 and random() >= self._sampling:  # noqa: S311 - no secret depends on it
            return
        line = self._line(client, request_id, status)
        line["portico.code"] = code
        line["http.request.bytes"], line["http.response.bytes"] = sizes
        self._finish(line)

    def _line(self, client: Caller, request_id: bytes, status: int) -> dict[str, Any]:
        now = time.time()
        line: dict[str, Any] = {
            "@timestamp": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now)) + f".{int(now % 1 * 1000):03d}Z",
            "ecs.version": ECS_VERSION,
            "event.kind": "event",
            "event.category": _CATEGORY,
            "event.outcome": "success" if 0 < status < 400 else "failure",
            "http.request.id": request_id.decode("ascii", "backslashreplace"),
            "http.response.status_code": status,
            "source.ip": client.peer,
        }
        if self._api:
            line["portico.api.id"], line["portico.api.name"] = self._api, self._name
        tls = client.transport.get_extra_info("ssl_object")
        if tls is not None and (version := tls.version()):
            line["tls.version"] = version.removeprefix("TLSv")
        return line

    def _finish(self, line: dict[str, Any]) -> None:
        for name in self._hidden:
            line.pop(name, None)
        data = _encode(line) + b"\n"
        if len(data) > LONGEST_LINE:
            # What a caller chose is mostly signs that JSON writes as several.
            for name in ("user_agent.original", "url.query", "url.path"):
                line.pop(name, None)
            data = _encode(line) + b"\n"
        self._add(data)


def _text(value: bytes, longest: int) -> str:
    """Return bytes of a caller as text without a sign that any reader could take for the end of a line."""
    text = value[:longest].decode("ascii", "backslashreplace")
    return text if len(value) <= longest else text + "…"
