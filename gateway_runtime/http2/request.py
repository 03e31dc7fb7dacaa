"""The canonical request from a header list: said in HTTP/1.1 and read by the one grammar there is.

So nothing can be accepted here that would be refused there, and what a service gets cannot depend on how it was asked.
Before that, everything is refused that would say something else in HTTP/1.1 (RFC 9113 section 8.2 and 8.3).
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from gateway_runtime.http.framing import match_token
from gateway_runtime.http.limits import Limits
from gateway_runtime.http.message import PLAIN as READ_PLAINLY
from gateway_runtime.http.message import Reading, Request, parse_request, repeat_request
from gateway_runtime.http.refusals import HEADERS_TOO_LARGE, METHOD_NOT_ALLOWED, URI_TOO_LONG, BadMessage, bad_request
from gateway_runtime.http.target import BAD_HOST, parse_host
from gateway_runtime.http2.coding import Field

_PSEUDO = bad_request(
    "bad_pseudo_header",
    "A request has one :method, :scheme and :path, before all other headers, and nothing like them.",
)
_BAD_FIELD = bad_request("bad_header_line", "A header has a name or a value that HTTP/2 does not allow.")
_HOP = bad_request("bad_connection", "HTTP/2 has no headers that are about one connection.")
_TARGET = bad_request("bad_target", "The request target is not a path.")
_MISMATCH = bad_request("host_mismatch", "The header Host is not what :authority says.")
LENGTH_MISMATCH = bad_request("bad_content_length", "The body is not as long as Content-Length says.")

# What to do with a name.
PLAIN, _PSEUDO_NAME, _COOKIE, _HOST, _TE, _REFUSED, _WRONG = range(7)
_KINDS = {
    b":method": _PSEUDO_NAME, b":scheme": _PSEUDO_NAME, b":path": _PSEUDO_NAME, b":authority": _PSEUDO_NAME,
    b"cookie": _COOKIE, b"host": _HOST, b"te": _TE,
    b"connection": _REFUSED, b"keep-alive": _REFUSED, b"proxy-connection": _REFUSED,
    b"transfer-encoding": _REFUSED, b"upgrade": _REFUSED,
}  # fmt: skip
_LIMIT = 4096
_LONGEST = 64
_match_name = re.compile(rb"[!#$%&'*+\-.^_`|~0-9a-z]++").fullmatch
_match_visible = re.compile(rb"[!-~]++").fullmatch


class _Names(dict[bytes, int]):
    """Remembers the kind of each name; bounded, because callers think names up."""

    __slots__ = ()

    def __missing__(self, name: bytes) -> int:
        kind = PLAIN if _match_name(name) else _WRONG
        if len(self) < _LIMIT and len(name) <= _LONGEST:
            self[name] = kind
        return kind


NAMES: dict[bytes, int] = _Names(_KINDS)


def read_request(
    fields: Sequence[Field], *, ended: bool, last: Request | None, limits: Limits, reading: Reading = READ_PLAINLY
) -> Request:
    """Return the canonical request of a header list. Raises `BadMessage`.

    `ended`: no body follows. `last` is the request before on the connection, whose headers need not be read again.
    """
    pseudo: dict[bytes, bytes] = {}
    lines: list[bytes] = []
    cookie = host = None
    cookie_at = 0
    has_length = False
    regular = False
    for name, value in fields:
        kind = NAMES[name]
        if value != value.strip(b" \t"):
            raise BadMessage(_BAD_FIELD)
        if kind == _PSEUDO_NAME:
            if regular or name in pseudo:
                raise BadMessage(_PSEUDO)
            pseudo[name] = value
            continue
        regular = True
        if kind == PLAIN:
            if name == b"content-length":
                has_length = True
            lines.append(name + b": " + value)
        elif kind == _COOKIE:
            if cookie is None:
                cookie_at = len(lines)
                lines.append(b"")
                cookie = value
            else:
                # May be sent in parts, to be remembered better, and is one again here (RFC 9113 section 8.2.3).
                cookie += b"; " + value
        elif kind == _HOST:
            if host is not None:
                raise BadMessage(BAD_HOST)
            host = value
        elif kind == _REFUSED or (kind == _TE and value.lower() != b"trailers"):
            raise BadMessage(_HOP)
        elif kind == _WRONG:
            raise BadMessage(_PSEUDO if name[:1] == b":" else _BAD_FIELD)
    first = _first_line(pseudo, limits)
    if cookie is not None:
        lines[cookie_at] = b"cookie: " + cookie
    lines.insert(0, b"host: " + _authority(pseudo.get(b":authority"), host, reading.secure))
    if not ended and not has_length:
        lines.append(b"transfer-encoding: chunked")
    block = b"\r\n".join(lines)
    if block.count(b"\n") != len(lines) - 1 or block.count(b"\r") != len(lines) - 1:
        # A line end inside a value would be a header of its own.
        raise BadMessage(_BAD_FIELD)
    head = b"".join((first, block, b"\r\n\r\n"))
    if len(head) > limits.header_bytes:
        raise BadMessage(HEADERS_TOO_LARGE)
    request = repeat_request(head, last, limits) if last is not None else None
    if request is None:
        request = parse_request(head, limits, reading)
    if ended and request.length:
        raise BadMessage(LENGTH_MISMATCH)
    return request


def _first_line(pseudo: dict[bytes, bytes], limits: Limits) -> bytes:
    method = pseudo.get(b":method")
    if method is None or match_token(method) is None:
        raise BadMessage(_PSEUDO)
    if method == b"CONNECT":
        raise BadMessage(METHOD_NOT_ALLOWED)
    path = pseudo.get(b":path")
    if path is None or pseudo.get(b":scheme") not in (b"http", b"https"):
        raise BadMessage(_PSEUDO)
    if len(path) > limits.target_bytes:
        raise BadMessage(URI_TOO_LONG)
    if not path.startswith(b"/") or _match_visible(path) is None:
        raise BadMessage(_TARGET)
    return b"".join((method, b" ", path, b" HTTP/1.1\r\n"))


def _authority(authority: bytes | None, host: bytes | None, secure: bool) -> bytes:
    """Return the one authority. Two that say the same in other words are refused where they differ once read."""
    if authority is None:
        if host is None:
            raise BadMessage(BAD_HOST)
        return host
    if host is not None and host != authority:
        parsed = parse_host(host, secure=secure)
        if parsed is None or parsed != parse_host(authority, secure=secure):
            raise BadMessage(_MISMATCH)
    return authority
