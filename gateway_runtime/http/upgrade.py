"""The WebSocket handshake over HTTP/1.1 (RFC 6455 section 4): what a client asks, and what a service may answer.

Anything that is not exactly a handshake is an ordinary request, whose `Upgrade` is left out (RFC 9110 section 7.8).
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterable
from hashlib import sha1

from gateway_runtime.http.framing import line_field, match_response_head, match_token, split_lines
from gateway_runtime.http.headers import HOP_BY_HOP, connection_options
from gateway_runtime.policies.results import Response
from gateway_runtime.upstream.errors import BAD_RESPONSE, UpstreamError

# Sixteen bytes in base64: the last character stands for two bits.
_match_key = re.compile(rb"[A-Za-z0-9+/]{21}[AQgw]==").fullmatch
_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_KNOWN_OPTIONS = frozenset({b"upgrade", b"keep-alive"})
_EXTENSIONS, _PROTOCOL = b"sec-websocket-extensions", b"sec-websocket-protocol"
# A switch is followed by no body, so whatever says how long that is makes it two messages to two readers.
_FRAMING = frozenset({b"content-length", b"transfer-encoding", b"trailer"})
_WRITTEN_HERE = HOP_BY_HOP | {b"sec-websocket-accept", b"x-request-id"}

Fields = list[tuple[bytes, bytes]]

EARLY_BYTES = Response(
    status=400,
    code="websocket_early_bytes",
    title="Bad request",
    detail="A client sends nothing after the handshake until it has been answered.",
)


def handshake_key(lines: Iterable[bytes]) -> bytes:
    """Return the key of a handshake from the lines that make it one, empty where they do not."""
    upgrade = key = version = b""
    for line in lines:
        name, value = line_field(line)
        if name == b"upgrade" and not upgrade:
            upgrade = value.lower()
        elif name == b"sec-websocket-key" and not key:
            key = value
        elif name == b"sec-websocket-version" and not version:
            version = value
        else:
            return b""
    return key if upgrade == b"websocket" and version == b"13" and _match_key(key) else b""


def request_lines(key: bytes) -> list[bytes]:
    """Return the lines with which the gateway asks the service."""
    return [
        b"connection: Upgrade",
        b"upgrade: websocket",
        b"sec-websocket-version: 13",
        b"sec-websocket-key: " + key,
    ]


def answer_lines(key: bytes) -> list[bytes]:
    """Return the lines with which the gateway tells the client that the tunnel is open."""
    return [b"connection: Upgrade", b"upgrade: websocket", b"sec-websocket-accept: " + _accept(key)]


def _accept(key: bytes) -> bytes:
    return b64encode(sha1(key + _GUID, usedforsecurity=False).digest())


def check_switch(head: bytes, key: bytes, offered: Fields) -> Fields:
    """Return the end-to-end headers of a service's 101. `offered` are the headers it was asked with.

    Raises `UpstreamError` unless it is the one answer that opens the tunnel which was asked for.
    """
    found = match_response_head(head)
    if found is None or found[1] != b"1":
        raise UpstreamError(BAD_RESPONSE)
    fields = [line_field(line) for line, _ in split_lines(found[3])]
    options = connection_options(b",".join(_values(fields, b"connection")))
    extensions = _names(_values(fields, _EXTENSIONS))
    protocols = _values(fields, _PROTOCOL)
    if (
        [value.lower() for value in _values(fields, b"upgrade")] != [b"websocket"]
        or b"upgrade" not in options
        or not options <= _KNOWN_OPTIONS
        or _values(fields, b"sec-websocket-accept") != [_accept(key)]
        or any(name in _FRAMING for name, _ in fields)
        or not set(extensions) <= set(_names(_values(offered, _EXTENSIONS)))
        or len(protocols) > 1
        or not all(match_token(name) and name in _names(_values(offered, _PROTOCOL)) for name in protocols)
    ):
        raise UpstreamError(BAD_RESPONSE)
    return [field for field in fields if field[0] not in _WRITTEN_HERE]


def _values(fields: Fields, name: bytes) -> list[bytes]:
    return [value for key, value in fields if key == name]


def _names(values: Iterable[bytes]) -> list[bytes]:
    """Return the first word of each element of a list header."""
    return [element.partition(b";")[0].strip(b" \t") for element in b",".join(values).split(b",") if element.strip()]
