"""Heads and problem bodies as bytes: everything that can be made before a request comes is."""

from __future__ import annotations

from http import HTTPStatus

import msgspec

from gateway_runtime.policies.results import Response

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
CLOSE = b"connection: close"
KEEP_ALIVE = b"connection: keep-alive"
CHUNKED_FIELD = b"transfer-encoding: chunked"
# What follows the request id, the last header, where the connection stays open: for HTTP/1.1 and for HTTP/1.0.
HEAD_LAST = b"\r\n\r\n"
HEAD_LAST_10 = b"\r\n" + KEEP_ALIVE + HEAD_LAST

_PHRASES = {status.value: status.phrase for status in HTTPStatus}
# Our own reason phrases: that of a service is free text from somewhere else.
STATUS_LINES = {status: f"HTTP/1.1 {status} {_PHRASES.get(status, 'Status')}".encode() for status in range(100, 1000)}

_KEPT = 4096
# A larger body of a policy is not kept: it may be made for one request.
_LARGEST_KEPT = 1024


class Problem:
    """A prebuilt RFC 9457 answer. Only the request id is missing, between `before` and `after`.

    `after` is None where a policy has given the whole body itself.
    """

    __slots__ = ("after", "before", "lines", "response")

    def __init__(self, response: Response) -> None:
        self.response = response  # held, because its identity is the key in `_problems`
        fields = tuple([b": ".join(field) for field in response.headers])
        self.after: bytes | None = None
        self.lines: tuple[bytes, ...] = fields
        if response.body is not None:
            self.before = response.body
            return
        members = {"type": "about:blank", "title": response.title, "status": response.status, "detail": response.detail}
        members["code"] = response.code
        if response.policy:
            members["policy"] = response.policy
        self.before = msgspec.json.encode(members)[:-1] + b',"request_id":"'
        self.after = b'"}'
        self.lines = (
            b"content-type: application/problem+json",
            b"cache-control: no-store",
            *fields,
        )


_problems: dict[int, Problem] = {}


def problem(response: Response) -> Problem:
    """Return the prebuilt form of a response, made on first use."""
    if response.once:
        return Problem(response)
    if response.body is not None:
        # It has nothing that takes time to prepare, and some are made for one request alone.
        return Problem(response)
    # By identity: a response is prebuilt and lives as long as its policy, and hashing its fields would cost more.
    found = _problems.get(id(response))
    if found is None:
        if response.body is not None and len(response.body) > _LARGEST_KEPT:
            return Problem(response)
        if len(_problems) >= _KEPT:
            _problems.clear()
        found = _problems[id(response)] = Problem(response)
    return found


def problem_body(found: Problem, request_id: bytes) -> bytes:
    """Return the JSON of a problem, or the policy's own body. The request id is of a charset that needs no escaping."""
    return found.before if found.after is None else b"".join((found.before, request_id, found.after))


def head_bytes(status: int, lines: list[bytes], request_id: bytes, extra: tuple[bytes, ...] = ()) -> bytes:
    """Return a whole head: status line, header lines, the request id and extra lines."""
    return b"\r\n".join((STATUS_LINES[status], *lines, b"x-request-id: " + request_id, *extra, b"\r\n"))


def begin_head(status: int, lines: list[bytes]) -> bytes:
    """Return the part of a head that is before the request id."""
    return b"\r\n".join((STATUS_LINES[status], *lines, b"x-request-id: "))
