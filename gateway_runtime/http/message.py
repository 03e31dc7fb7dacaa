"""The canonical request: made once from a head, used by routes and policies and for the bytes sent upstream."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from gateway_runtime.http.framing import (
    line_field,
    line_value,
    match_length,
    match_request_head,
    refuse_request_head,
    split_lines,
)
from gateway_runtime.http.headers import (
    CONNECTION,
    CONTENT_LENGTH,
    DROP,
    EXPECT,
    FORWARDED,
    FRAMING,
    HOST,
    ONCE,
    REQUEST_ID,
    REQUEST_NAMES,
    SET_ASIDE,
    TRACE,
    TRACE_TOKEN,
    TRANSFER_ENCODING,
    TRUSTED_NAMES,
    UPGRADE,
    VIA,
    connection_options,
)
from gateway_runtime.http.limits import Limits
from gateway_runtime.http.refusals import (
    EXPECTATION_FAILED,
    METHOD_NOT_ALLOWED,
    URI_TOO_LONG,
    BadMessage,
    bad_request,
)
from gateway_runtime.http.target import BAD_HOST, parse_host, parse_target
from gateway_runtime.http.trace_context import valid_trace
from gateway_runtime.http.upgrade import handshake_key
from gateway_runtime.http.via import PSEUDONYM, refuse_loop

if TYPE_CHECKING:
    from gateway_runtime.routing.compiled import CompiledApi, CompiledRoute

CHUNKED = -1

match_request_id = re.compile(rb"[A-Za-z0-9._-]{1,64}").fullmatch

_REFUSED_METHODS = frozenset({b"CONNECT", b"TRACE"})
_TWO_FRAMINGS = bad_request("ambiguous_length", "A message has either Content-Length or Transfer-Encoding, not both.")
_BAD_LENGTH = bad_request("bad_content_length", "There may be one Content-Length, a plain decimal number.")
_BAD_ENCODING = bad_request("bad_transfer_encoding", "The only transfer encoding is one “chunked”, in HTTP/1.1.")
_BAD_CONNECTION = bad_request("bad_connection", "Connection names a header that frames the message.")
_TWICE = bad_request("duplicate_header", "A header that identifies the caller is there twice.")


# The methods, paths and queries that most requests have, and that are canonical as they stand: whatever this does not
# take may still be a good request, and is read by the patterns that can tell.
_match_plain_line = re.compile(
    rb"(GET|POST|PUT|PATCH|DELETE|HEAD|OPTIONS) (?![^ ]*/[/.])"
    rb"(/[A-Za-z0-9\-._~!$&'()*+,=:@/]*+)(?:\?([!\"$-~]*+))? HTTP/1\.1\r\n"
).match
# A longer head or header block is not remembered: an idle connection must stay small.
REMEMBERED_BYTES = 2048


class Reading(NamedTuple):
    """What reading a head depends on beside its bytes, the same for all requests of a connection.

    `names` says what each header is to this gateway, `secure` whether they came over TLS, `pseudonym` is what this
    gateway calls itself in `Via`, and `version` the one of HTTP that it says there.
    """

    names: dict[bytes, int] = REQUEST_NAMES
    secure: bool = False
    pseudonym: bytes = PSEUDONYM
    version: bytes = b"1.1"


PLAIN = Reading()


@lru_cache(maxsize=64)
def reading_of(trusted: bool, secure: bool, pseudonym: bytes, version: bytes = b"1.1") -> Reading:
    """Return how to read the heads of a connection: from a trusted proxy or from anybody, over TLS or not."""
    return Reading(TRUSTED_NAMES if trusted else REQUEST_NAMES, secure, pseudonym, version)


class Request(msgspec.Struct, eq=False):  # a Struct, because C makes it: a third of the time of an `__init__`
    """One request head. `lines` are the end-to-end headers as they came; `host` has no port.

    `length` is the body's size or `CHUNKED`; `query` is None without a question mark; `request_id` is the client's
    where it is acceptable, else empty. `block` is the header block as it came, empty when it is too long to remember;
    `fields`, `around_id` and `judged` are what has been made of it (see `headers` and `upstream_head`). `head` is the
    whole head where its connection remembers it, else empty, and `place` where it belonged last (see `Exchange`).
    `websocket` is the key of a WebSocket handshake, empty in every other request, and `forwarded` has the lines in
    which a trusted proxy says for whom it asks. `trace_token` asks to trace it, and goes no further.
    """

    method: bytes
    path: bytes = b""
    query: bytes | None = None
    head_bytes: int = 0
    http10: bool = False
    host: bytes = b""
    authority: bytes = b""
    lines: list[bytes] = []
    length: int = 0
    has_length: bool = False
    keep_alive: bool = True
    expects_continue: bool = False
    request_id: bytes = b""
    block: bytes = b""
    fields: list[tuple[bytes, bytes]] | None = None
    around_id: tuple[bytes, bytes] | None = None
    judged: tuple[list[tuple[bytes, bytes]], tuple[bytes, bytes]] | None = None
    websocket: bytes = b""
    forwarded: list[bytes] | None = None
    head: bytes = b""
    place: tuple[object, CompiledApi, CompiledRoute, bytes] | tuple[()] | None = None
    trace_token: bytes = b""

    def headers(self) -> list[tuple[bytes, bytes]]:
        """Return the end-to-end headers as (lower-case name, value). Not to be changed."""
        fields = self.fields
        if fields is None:
            fields = self.fields = [line_field(line) for line in self.lines]
        return fields


def repeat_request(data: bytes, last: Request, limits: Limits) -> Request | None:
    """Return the request at the beginning of `data` where its header block is that of `last`, else None.

    A client sends mostly the same headers again on its connection. They have been checked then, and what they mean
    depends on nothing else, so that only the first line has to be read. Where even that is the same, it is the same
    request.
    """
    # A limit may have been lowered since.
    if data == last.head and len(data) <= limits.target_bytes and len(data) <= limits.header_bytes:
        if last.place is None:
            last.place = ()
        return last
    found = _match_plain_line(data)
    if found is None:
        return None
    start = found.end()
    block = last.block
    if not block or not data.startswith(block, start) or start > limits.target_bytes:
        return None
    size = start + len(block)
    if size > limits.header_bytes:
        return None
    method, path, query = found.groups()
    return Request(
        method, path, query, size, False, last.host, last.authority, last.lines, last.length, last.has_length,
        last.keep_alive, last.expects_continue, last.request_id, block, last.fields, last.around_id,
        last.judged,
    )  # fmt: skip


def parse_request(head: bytes, limits: Limits, reading: Reading = PLAIN) -> Request:
    """Read a whole head, from the first byte to the empty line. Raises `BadMessage`."""
    found = match_request_head(head)
    if found is None:
        raise refuse_request_head(head)
    method, target, minor, block = found.groups()
    if len(target) > limits.target_bytes:
        raise BadMessage(URI_TOO_LONG)
    if method in _REFUSED_METHODS:
        raise BadMessage(METHOD_NOT_ALLOWED)

    http10 = minor == b"0"
    lines: list[bytes] = []
    request = Request(method, http10=http10, head_bytes=len(head), lines=lines)
    if not http10 and len(block) < REMEMBERED_BYTES:
        request.block = block + b"\r\n"

    host = length = encoding = expect = connection = once = None
    set_aside: list[tuple[int, bytes]] = []
    names = reading.names
    for line, spelling in split_lines(block):
        kind = names[spelling]
        if not kind:
            lines.append(line)
            continue
        if kind == DROP:
            continue
        value = line_value(line)
        if kind == HOST:
            if host is not None:
                raise BadMessage(BAD_HOST)
            host = value
        elif kind == CONNECTION:
            connection = value if connection is None else connection + b"," + value
        elif kind == CONTENT_LENGTH:
            if length is not None:
                raise BadMessage(_BAD_LENGTH)
            length = value
        elif kind == TRANSFER_ENCODING:
            if encoding is not None:
                raise BadMessage(_BAD_ENCODING)
            encoding = value
        elif kind == EXPECT:
            expect = value if expect is None else b""
        elif kind == REQUEST_ID:
            if match_request_id(value):
                request.request_id = value
        elif kind == ONCE:
            if once is not None:
                raise BadMessage(_TWICE)
            once = value
            lines.append(line)
        elif kind >= SET_ASIDE:
            set_aside.append((kind, line))

    request.host, request.authority = _read_host(host, http10, reading.secure)
    request.path, request.query = parse_target(target, request.authority, secure=reading.secure)
    request.has_length = length is not None
    if length is not None or encoding is not None:
        request.length = _read_length(length, encoding, http10)
    request.keep_alive = not http10
    if set_aside:
        _read_set_aside(request, set_aside, reading)
    if connection is not None:
        options = connection_options(connection)
        _apply_connection(request, options)
        if b"upgrade" in options and set_aside:
            _read_upgrade(request, [line for kind, line in set_aside if kind == UPGRADE])
    if expect is not None:
        if expect.lower() != b"100-continue":
            raise BadMessage(EXPECTATION_FAILED)
        request.expects_continue = not http10 and request.length != 0
    return request


def _read_set_aside(request: Request, set_aside: list[tuple[int, bytes]], reading: Reading) -> None:
    via = [line for kind, line in set_aside if kind == VIA]
    if via:
        refuse_loop(via, reading.pseudonym)
    trace = [line for kind, line in set_aside if kind == TRACE]
    request.lines += via + (valid_trace(trace) if trace else [])
    forwarded = [line for kind, line in set_aside if kind == FORWARDED]
    if forwarded:
        request.forwarded = forwarded
    for kind, line in set_aside:
        if kind == TRACE_TOKEN:
            request.trace_token = line_value(line)
            # A head that is remembered is not looked at for a token.
            request.block = b""


def _read_upgrade(request: Request, lines: list[bytes]) -> None:
    if request.method != b"GET" or request.http10 or request.length or not request.keep_alive:
        return
    request.websocket = handshake_key(lines)
    if request.websocket:
        # The connection becomes a tunnel or it ends: what a client has sent behind a handshake that was refused may
        # be meant for the tunnel, and is never read as a request. Nor is the head remembered to save work later.
        request.keep_alive = False
        request.block = b""
        request.has_length = False


def _read_host(value: bytes | None, http10: bool, secure: bool) -> tuple[bytes, bytes]:
    if value is None:
        if http10:
            return b"", b""
        raise BadMessage(BAD_HOST)
    parsed = parse_host(value, secure=secure)
    if parsed is None:
        raise BadMessage(BAD_HOST)
    return parsed


def _read_length(length: bytes | None, encoding: bytes | None, http10: bool) -> int:
    if encoding is None:
        assert length is not None
        if match_length(length) is None:
            raise BadMessage(_BAD_LENGTH)
        return int(length)
    if length is not None:
        raise BadMessage(_TWO_FRAMINGS)
    if http10 or encoding.lower() != b"chunked":
        raise BadMessage(_BAD_ENCODING)
    return CHUNKED


def _apply_connection(request: Request, options: frozenset[bytes]) -> None:
    """Decide on keep-alive and take the headers away that `Connection` names."""
    if b"close" in options:
        request.keep_alive = False
    elif request.http10:
        request.keep_alive = b"keep-alive" in options
    named = options - {b"close", b"keep-alive"}
    if not named:
        return
    if named & (FRAMING - {b"te", b"upgrade", b"keep-alive", b"trailer", b"proxy-connection"}):
        raise BadMessage(_BAD_CONNECTION)
    request.lines = [line for line in request.lines if line_field(line)[0] not in named]
