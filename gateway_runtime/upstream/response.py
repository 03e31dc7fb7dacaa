"""The head of a service's answer: read as strictly as a request's, or refused."""

from __future__ import annotations

from gateway_runtime.http.framing import line_field, line_value, match_length, match_response_head, split_lines
from gateway_runtime.http.headers import (
    CONNECTION,
    CONTENT_LENGTH,
    DROP,
    REQUEST_ID,
    RESPONSE_NAMES,
    TRANSFER_ENCODING,
    connection_options,
)
from gateway_runtime.upstream.errors import BAD_RESPONSE, UpstreamError

CHUNKED = -1
UNTIL_CLOSE = -2

HEAD_LIMIT = 60 * 1024

_KNOWN_OPTIONS = frozenset({b"close", b"keep-alive", b"content-length"})
BODILESS = frozenset({204, 304})


class ResponseHead:
    """Status, end-to-end headers as they came (with the declared Content-Length) and how the body is framed.

    `length` is the number of body bytes that follow, `CHUNKED` or `UNTIL_CLOSE`; `size` that of the head itself
    and `whole` of both, -1 where nobody can know it yet.
    A connection that reads the same head again gives the same object again, so it keeps what has been made of it:
    `sent`, the beginning of the client's head, and `judged`, the same where policies have made something else of it.
    """

    __slots__ = ("_fields", "framing", "judged", "keep_alive", "length", "lines", "sent", "size", "status", "whole")

    def __init__(self, status: int, lines: list[bytes], length: int, keep_alive: bool, size: int) -> None:
        self.status = status
        self.lines = lines
        self.length = length
        self.keep_alive = keep_alive
        self.size = size
        self.whole = size + length if length >= 0 else -1
        self.sent = b""
        self.judged: tuple[int, list[tuple[bytes, bytes]], bytes] | None = None
        # The Content-Length line, whatever policies make of it; known once `fields` has been called.
        self.framing = b""
        self._fields: list[tuple[bytes, bytes]] | None = None

    def fields(self) -> list[tuple[bytes, bytes]]:
        """Return the headers as (lower-case name, value), in a list that may be changed."""
        fields = self._fields
        if fields is None:
            fields = self._fields = [line_field(line) for line in self.lines]
            self.framing = next((b": ".join(field) for field in fields if field[0] == b"content-length"), b"")
        return fields.copy()


def parse_response(head: bytes, method: bytes) -> ResponseHead:
    """Read a whole head, from the status line to the empty line. Raises `UpstreamError`."""
    found = match_response_head(head)
    if found is None:
        raise UpstreamError(BAD_RESPONSE)
    minor, digits, block = found.groups()
    status = int(digits)
    http10 = minor == b"0"
    length = encoding = connection = None
    lines: list[bytes] = []
    names = RESPONSE_NAMES
    for line, spelling in split_lines(block):
        kind = names[spelling]
        if not kind:
            lines.append(line)
        elif kind == CONTENT_LENGTH:
            value = line_value(line)
            if length is not None or match_length(value) is None:
                raise UpstreamError(BAD_RESPONSE)
            length = value
            if status != 204 and status >= 200:
                lines.append(line)
        elif kind == CONNECTION:
            value = line_value(line)
            connection = value if connection is None else connection + b"," + value
        elif kind == TRANSFER_ENCODING:
            if encoding is not None:
                raise UpstreamError(BAD_RESPONSE)
            encoding = line_value(line)
        else:
            assert kind in (DROP, REQUEST_ID)
    if encoding is not None and (length is not None or http10 or encoding.lower() != b"chunked"):
        raise UpstreamError(BAD_RESPONSE)
    keep_alive = not http10
    if connection is not None:
        options = connection_options(connection)
        keep_alive = b"close" not in options and (not http10 or b"keep-alive" in options)
        if not options <= _KNOWN_OPTIONS:
            named = options - _KNOWN_OPTIONS
            lines = [line for line in lines if line_field(line)[0] not in named]
    if status < 200 or status in BODILESS or method == b"HEAD":
        return ResponseHead(status, lines, 0, keep_alive, len(head))
    if encoding is not None:
        return ResponseHead(status, lines, CHUNKED, keep_alive, len(head))
    if length is not None:
        return ResponseHead(status, lines, int(length), keep_alive, len(head))
    return ResponseHead(status, lines, UNTIL_CLOSE, False, len(head))
